//! From a merged document to one [`Scenario`]: the tables that are there once,
//! and the order in which everything is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::diagnostics::{Diagnostic, Place, Source, did_you_mean};
use super::document::{Data, Table};
use super::fields::{Bound, Context, Fields, Got, Reported};
use super::figures::{fidelity, named_set, parameters_of};
use super::model::{
    Catheter, Heard, Hearing, History, Material, Patient, Population, Pump, Scenario, Segment, Selection,
};
use super::{action, care, check, drug, expect, fault, hazards, population_read, programme, teaching, uncertain};
use crate::engine::{SimSpan, SimTime};
use crate::parameters::ParameterSet;
use crate::quantity::Dimension;
use crate::signals::Others;

/// Keys at the top of a file.
pub(super) const TOP_KEYS: &[&str] = &[
    "title",
    "lesson",
    "hazard",
    "extends",
    "duration",
    "seed",
    "replicate",
    "sample",
    "sources",
    "model",
    "population",
    "uncertain",
    "patient",
    "pump",
    "catheter",
    "hazards",
    "parameters",
    "programme",
    "fault",
    "action",
    "care",
    "drug",
    "expect",
    "decision",
    "arm",
    "matrix",
    "teaching",
];
/// Keys of `[patient]`.
pub(super) const PATIENT_KEYS: &[&str] = &[
    "population",
    "weight",
    "renal_function",
    "injury",
    "ashworth_legs",
    "ashworth_arms",
    "spasm_score",
    "posture",
    "history",
    "effect_model",
    "alarm",
    "implanted",
    "selection",
];
/// Keys of `[model]`.
pub(super) const MODEL_KEYS: &[&str] = &["set"];
/// Keys of `selection` in `[patient]`.
pub(super) const SELECTION_KEYS: &[&str] = &[
    "infection",
    "coagulopathy",
    "anatomy",
    "arachnoiditis",
    "kidney_disease",
    "pregnancy",
    "unreliable_follow_up",
    "anticoagulated",
    "vp_shunt",
    "diabetes",
];
/// Keys of `alarm` in `[patient]`.
pub(super) const ALARM_KEYS: &[&str] = &["heard", "hears", "impaired", "carer", "awake_from", "awake_to"];
/// Keys of `[pump]`.
pub(super) const PUMP_KEYS: &[&str] = &[
    "family",
    "reservoir",
    "gain",
    "age",
    "approved_drug",
    "fidelity",
    "stroke",
];
/// How finely the pump's flow is simulated; whether in strokes.
pub(super) const FIDELITIES: &[(&str, bool)] = &[("segments", false), ("strokes", true)];
/// Keys of `reservoir` in `[pump]`.
pub(super) const RESERVOIR_KEYS: &[&str] = &[
    "size",
    "fill",
    "concentration",
    "label_concentration",
    "low_alarm",
    "dosed_by",
];
/// Keys of `[catheter]`.
pub(super) const CATHETER_KEYS: &[&str] = &[
    "length",
    "spinal_length",
    "tip",
    "material",
    "initial_concentration",
    "tube_concentration",
    "pump_segment",
    "entered_length",
];
/// Keys of `pump_segment` in `[catheter]`.
pub(super) const SEGMENT_KEYS: &[&str] = &["length", "volume"];

/// Populations as the file spells them.
pub(super) const POPULATIONS: &[(&str, Population)] = &[
    ("adult-spinal", Population::AdultSpinal),
    ("adult-cerebral", Population::AdultCerebral),
    ("child", Population::Child),
];
/// Histories as the file spells them.
pub(super) const HISTORIES: &[(&str, History)] = &[("naive", History::Naive), ("established", History::Established)];
/// Whether alarms are heard, as the file spells it.
pub(super) const HEARD: &[(&str, Heard)] = &[
    ("default", Heard::Default),
    ("always", Heard::Always),
    ("never", Heard::Never),
];
/// Catheter walls as the file spells them.
pub(super) const MATERIALS: &[(&str, Material)] = &[("braided", Material::Braided), ("silicone", Material::Silicone)];

/// Longest run [h]: a hundred Julian years.
pub(crate) const LONGEST: f64 = 876_600.0;
/// Output rows beyond which a sample spacing is taken for a slip.
pub(crate) const MOST_ROWS: f64 = 1e6;
/// Blocks one list may hold.
pub(crate) const MOST_BLOCKS: usize = 10_000;
/// Sample spacing when the file names none \[h\].
const SAMPLE: f64 = 0.25;
/// Pump family when the file names none.
pub(super) const FAMILY: &str = "peristaltic";
/// Effect model when the file names none.
const EFFECT_MODEL: &str = "emax";
/// Seed when the file names none.
const SEED: u64 = 1;

/// A scenario with the expectations that apply to it left out.
pub(super) struct Resolved {
    pub(super) scenario: Scenario,
    pub(super) expectations: Vec<expect::Read>,
}

/// Reads a whole document; `whole` also checks how its blocks fit together.
/// `Err` means that at least one mistake was reported.
pub(super) fn resolve(
    context: &Context<'_>,
    document: &Table,
    sources: &[Source],
    arms: &[String],
    whole: bool,
) -> Result<Resolved, Reported> {
    let top = Place {
        file: 0,
        start: 0,
        end: 0,
    };
    let fields = Fields::new(context, "the file", document, top, TOP_KEYS);
    let duration = duration(&fields);
    context.duration.set(duration.ok());
    let title = match fields.text("title", "\"...\"") {
        Ok(Some(text)) => Ok(text.to_owned()),
        Ok(None) => Err(fields.missing("title", "\"one line that names the story\"")),
        Err(reported) => Err(reported),
    };
    let lesson = fields.text("lesson", "\"...\"");
    let hazard = fields.text("hazard", "\"H-12\"");
    let sources_cited = fields.texts("sources", "[\"Coffey 1993\"]");
    let seed = fields.whole("seed", 0, i64::MAX);
    let sample = sample(&fields, duration);
    let replicate = fields.whole("replicate", 0, i64::MAX);
    let set = named_set(&fields);
    let mut fixed = BTreeSet::new();
    let parameters = parameters_of(&fields, set.ok().flatten(), &mut fixed).and_then(|set| fidelity(&fields, set));
    let defaults = parameters.as_ref().cloned().unwrap_or_default();
    let population = population_read::read(&fields);
    context.canal.set(Some((
        defaults.get("kinetics.csf.spinal_volume"),
        defaults.get("kinetics.csf.production"),
    )));
    let drawn_from = population.as_ref().ok().and_then(Option::as_ref);
    let patient = patient(&fields, &defaults, drawn_from.map(|p| p.patient()), &mut fixed);
    let uncertain = uncertain::read(&fields, &fixed, drawn_from.map(AsRef::as_ref));
    let drugs = blocks(&fields, "drug", |table, place| {
        drug::read(context, table, place, &defaults)
    });
    let few = drug::few_enough(&fields, &drugs.read);
    let pump = pump(&fields, &defaults);
    context.primary.set(pump.as_ref().ok().and_then(|p| p.primary));
    let catheter = catheter(&fields, &defaults);
    let hazards = hazards::read(&fields);
    let teaching = teaching::read(&fields);

    let lumbar_over = defaults.get_as("scenario.lumbar_bolus.over", Dimension::Time);
    let programmes = blocks(&fields, "programme", |table, place| {
        programme::read(context, table, place)
    });
    let faults = blocks(&fields, "fault", |table, place| fault::read(context, table, place));
    let actions = blocks(&fields, "action", |table, place| {
        action::read(context, table, place, lumbar_over)
    });
    let care = blocks(&fields, "care", |table, place| {
        care::read(context, table, place, &defaults)
    });
    let expectations = blocks(&fields, "expect", |table, place| {
        let line = sources[place.file].locate(place.start).0;
        expect::read(context, table, place, line, arms)
    });

    let parts = check::Parts {
        context,
        fields: &fields,
        parameters: &defaults,
        patient: patient.as_ref().ok(),
        pump: pump.as_ref().ok(),
        catheter: catheter.as_ref().ok(),
        programmes: &programmes.read,
        faults: &faults.read,
        actions: &actions.read,
        complete: !(programmes.flawed || faults.flawed || actions.flawed),
    };
    let sound = if whole { check::all(&parts) } else { Ok(()) };

    let (duration, title, lesson, hazard) = (duration?, title?, lesson?, hazard?);
    let (sources_cited, seed, sample) = (sources_cited?, seed?, sample?);
    let (parameters, patient, pump, catheter) = (parameters?, patient?, pump?, catheter?);
    let hazards = hazards?;
    let teaching = teaching?;
    let (replicate, set, population, uncertain) = (replicate?, set?, population?, uncertain?);
    sound?;
    few?;
    if drugs.flawed || programmes.flawed || faults.flawed || actions.flawed || care.flawed || expectations.flawed {
        return Err(Reported);
    }
    Ok(Resolved {
        scenario: Scenario {
            title,
            lesson: lesson.unwrap_or_default().to_owned(),
            teaching,
            hazard: hazard.map(str::to_owned),
            sources: sources_cited
                .unwrap_or_default()
                .into_iter()
                .map(|(s, _)| s.to_owned())
                .collect(),
            duration,
            seed: seed.and_then(|n| u64::try_from(n).ok()).unwrap_or(SEED),
            replicate: replicate.and_then(|n| u64::try_from(n).ok()),
            sample,
            patient,
            pump,
            catheter,
            programme: programmes.read.into_iter().map(|r| r.step).collect(),
            hazards,
            faults: faults.read.into_iter().map(|r| r.fault).collect(),
            drugs: {
                let mut drugs = drugs.read;
                drugs.sort_by(|a, b| a.id.cmp(&b.id));
                drugs
            },
            actions: actions.read.into_iter().map(|r| r.step).collect(),
            care: {
                let mut blocks = care.read;
                // The order of blocks in the file changes nothing.
                blocks.sort_by(|a, b| a.id.cmp(&b.id));
                blocks
            },
            expectations: Vec::new(),
            parameters,
            population: population.map(|population| match set {
                Some(set) => {
                    let middles: Vec<(&str, f64)> = set.values.iter().map(|p| (p.key, p.value)).collect();
                    Arc::new(population.around(&middles))
                }
                None => population,
            }),
            set: set.map(|set| set.name),
            uncertain,
            fixed,
        },
        expectations: expectations.read,
    })
}

struct Blocks<T> {
    read: Vec<T>,
    flawed: bool,
}

/// Reads every `[[key]]`.
fn blocks<T>(
    fields: &Fields<'_, '_>,
    key: &str,
    mut read: impl FnMut(&Table, Place) -> Result<T, Reported>,
) -> Blocks<T> {
    let mut out = Blocks {
        read: Vec::new(),
        flawed: false,
    };
    let Some(entry) = fields.entry(key) else {
        return out;
    };
    let Data::Array(nodes) = &entry.node.data else {
        out.flawed = true;
        not_blocks(fields, key, entry.key_place);
        return out;
    };
    if nodes.len() > MOST_BLOCKS {
        out.flawed = true;
        fields.report(
            Diagnostic::new("too-many-blocks", format!("{} blocks of [[{key}]]", nodes.len()))
                .at(entry.key_place, format!("at most {MOST_BLOCKS} are allowed")),
        );
        return out;
    }
    for node in nodes {
        match &node.data {
            Data::Table(table) => match read(table, node.place) {
                Ok(block) => out.read.push(block),
                Err(Reported) => out.flawed = true,
            },
            _ => {
                out.flawed = true;
                not_blocks(fields, key, node.place);
            }
        }
    }
    out
}

fn not_blocks(fields: &Fields<'_, '_>, key: &str, place: Place) {
    fields.report(
        Diagnostic::new("wrong-type", format!("`{key}` must be written as [[{key}]] blocks"))
            .at(place, "not a block")
            .help(format!("write [[{key}]], with two brackets on each side")),
    );
}

fn duration(fields: &Fields<'_, '_>) -> Result<SimTime, Reported> {
    let hours = fields.need("duration", Dimension::Time, Bound::up_to(LONGEST))?;
    match SimTime::from_hours(hours) {
        Ok(end) if end > SimTime::ZERO => Ok(end),
        _ => Err(fields.report(
            Diagnostic::new("out-of-range", "`duration` is shorter than the clock can count")
                .at(fields.place_of("duration"), "below one nanosecond"),
        )),
    }
}

fn sample(fields: &Fields<'_, '_>, duration: Result<SimTime, Reported>) -> Result<SimSpan, Reported> {
    let hours = fields
        .quantity("sample", Dimension::Time, Bound::up_to(LONGEST))?
        .unwrap_or(SAMPLE);
    let rows = duration.map_or(0.0, |d| d.hours() / hours);
    let place = fields.place_of("sample");
    match SimSpan::from_hours(hours) {
        Ok(span) if span > SimSpan::ZERO && rows <= MOST_ROWS => Ok(span),
        _ => Err(fields.report(
            Diagnostic::new("too-many-rows", "`sample` is too small for this duration")
                .at(
                    place,
                    format!("{rows:.0} rows of output, at most {MOST_ROWS} are allowed"),
                )
                .help("write a larger spacing, such as sample = \"1 h\""),
        )),
    }
}

/// A once-only table; absent means empty.
pub(super) fn once<'d, 'c>(
    fields: &Fields<'d, 'c>,
    key: &str,
    keys: &[&str],
    empty: &'d Table,
) -> Result<Fields<'d, 'c>, Reported> {
    let Some(entry) = fields.entry(key) else {
        return Ok(Fields::absent(fields.context, format!("[{key}]"), empty, fields.place));
    };
    match &entry.node.data {
        Data::Table(table) => Ok(Fields::new(
            fields.context,
            format!("[{key}]"),
            table,
            entry.node.place,
            keys,
        )),
        _ => Err(fields.report(
            Diagnostic::new(
                "wrong-type",
                format!("`{key}` is {}, but a table is needed", entry.node.data.noun()),
            )
            .at(entry.key_place, "not a table")
            .help(format!("write [{key}] on a line of its own")),
        )),
    }
}

/// The usual name if it is registered, or else the first that is.
fn usual(names: &[&'static str], usual: &'static str) -> String {
    let first = names.first().copied().unwrap_or(usual);
    if names.contains(&usual) { usual } else { first }.to_owned()
}

/// A registered name, if the key is there.
fn registered(fields: &Fields<'_, '_>, key: &str, names: &[&'static str]) -> Got<String> {
    let Some(entry) = fields.entry(key) else {
        return Ok(None);
    };
    let Some(word) = fields.text(key, &format!("\"{}\"", names.first().unwrap_or(&"")))? else {
        return Ok(None);
    };
    if names.contains(&word) {
        Ok(Some(word.to_owned()))
    } else {
        Err(fields.unknown_word(entry, word, names))
    }
}

/// What a population would set, by key in `[patient]`.
const DRAWN: [(&str, &str); 6] = [
    ("weight", "patient.weight"),
    ("renal_function", "patient.renal_function"),
    ("injury", "patient.injury"),
    ("ashworth_legs", "patient.ashworth_legs"),
    ("ashworth_arms", "patient.ashworth_arms"),
    ("spasm_score", "patient.spasm_score"),
];

fn patient(
    fields: &Fields<'_, '_>,
    defaults: &ParameterSet,
    drawn_from: Option<Population>,
    fixed: &mut BTreeSet<&'static str>,
) -> Result<Patient, Reported> {
    let empty = Table::default();
    let fields = once(fields, "patient", PATIENT_KEYS, &empty)?;
    fixed.extend(DRAWN.iter().filter(|(key, _)| fields.has(key)).map(|(_, name)| *name));
    let score = Bound::within(0.0, 4.0);
    let population = fields.choice("population", POPULATIONS);
    let weight = fields.quantity("weight", Dimension::BodyWeight, Bound::within(2.0, 300.0));
    let renal = fields.quantity("renal_function", Dimension::Fraction, Bound::within(0.0, 2.0));
    let injury = fields.level("injury");
    let legs = fields.number("ashworth_legs", score);
    let arms = fields.number("ashworth_arms", score);
    let spasms = fields.number("spasm_score", score);
    let posture = fields.choice("posture", fault::POSTURES);
    let history = fields.choice("history", HISTORIES);
    let models = &fields.context.catalog.effect_models;
    let model = registered(&fields, "effect_model", models);
    let alarm = hearing(&fields);
    let implanted = fields.flag("implanted");
    let selection = selection(&fields)?;
    let population = population?;
    if let (Some(said), Some(drawn)) = (population, drawn_from)
        && said != drawn
    {
        return Err(fields.report(
            Diagnostic::new(
                "conflicting-keys",
                "[patient] and [population] name different populations",
            )
            .at(fields.place_of("population"), "not that of [population]")
            .help("leave `population` out of [patient]"),
        ));
    }
    if selection.kidney_disease {
        fixed.insert("patient.renal_function");
    }
    let usual_kidney = if selection.kidney_disease {
        defaults.get("care.selection.kidney_function")
    } else {
        1.0
    };
    Ok(Patient {
        population: population.or(drawn_from).unwrap_or(Population::AdultSpinal),
        weight: weight?.unwrap_or_else(|| defaults.get("scenario.patient.weight")),
        renal_function: renal?.unwrap_or(usual_kidney),
        injury: injury?,
        ashworth_legs: legs?.unwrap_or_else(|| defaults.get("scenario.patient.ashworth_legs")),
        ashworth_arms: arms?.unwrap_or_else(|| defaults.get("scenario.patient.ashworth_arms")),
        spasm_score: spasms?.unwrap_or_else(|| defaults.get("scenario.patient.spasm_score")),
        posture: posture?.unwrap_or_default(),
        history: history?.unwrap_or(History::Naive),
        effect_model: model?.unwrap_or_else(|| usual(models, EFFECT_MODEL)),
        alarm: alarm?,
        implanted: implanted?.unwrap_or(true),
        selection,
    })
}

/// What speaks against the therapy.
fn selection(fields: &Fields<'_, '_>) -> Result<Selection, Reported> {
    let Some(inner) = fields.child("selection", SELECTION_KEYS, "{ pregnancy = true }")? else {
        return Ok(Selection::default());
    };
    let flag = |key: &str| Ok(inner.flag(key)?.unwrap_or(false));
    Ok(Selection {
        infection: flag("infection")?,
        coagulopathy: flag("coagulopathy")?,
        anatomy: flag("anatomy")?,
        arachnoiditis: flag("arachnoiditis")?,
        kidney_disease: flag("kidney_disease")?,
        pregnancy: flag("pregnancy")?,
        unreliable_follow_up: flag("unreliable_follow_up")?,
        anticoagulated: flag("anticoagulated")?,
        vp_shunt: flag("vp_shunt")?,
        diabetes: flag("diabetes")?,
    })
}

/// Who hears alarms.
fn hearing(fields: &Fields<'_, '_>) -> Result<Hearing, Reported> {
    let Some(inner) = fields.child("alarm", ALARM_KEYS, "{ heard = \"never\" }")? else {
        return Ok(Hearing::default());
    };
    let heard = inner.choice("heard", HEARD);
    let hears = inner.quantity("hears", Dimension::Number, Bound::within(0.0, 1.0));
    let impaired = inner.flag("impaired");
    let carer = inner.flag("carer");
    let from = inner.quantity("awake_from", Dimension::Time, Bound::within(0.0, 24.0));
    let to = inner.quantity("awake_to", Dimension::Time, Bound::within(0.0, 24.0));
    Ok(Hearing {
        heard: heard?.unwrap_or_default(),
        hears: hears?,
        impaired: impaired?.unwrap_or(false),
        carer: carer?.unwrap_or(false),
        awake_from: from?,
        awake_to: to?,
    })
}

fn pump(fields: &Fields<'_, '_>, defaults: &ParameterSet) -> Result<Pump, Reported> {
    let empty = Table::default();
    let fields = once(fields, "pump", PUMP_KEYS, &empty)?;
    let families = &fields.context.catalog.pump_families;
    let family = registered(&fields, "family", families);
    let gain = fields.quantity("gain", Dimension::Number, Bound::within(0.0, 10.0));
    let age = fields.quantity("age", Dimension::Time, Bound::NOT_NEGATIVE);
    let approved = fields.flag("approved_drug");
    let example = "{ fill = \"18 mL\", concentration = \"2 mg/mL\" }";
    let inner = programme::need_child(&fields, "reservoir", RESERVOIR_KEYS, example)?;
    let size = inner.quantity("size", Dimension::Volume, Bound::POSITIVE);
    let fill = inner.need("fill", Dimension::Volume, Bound::NOT_NEGATIVE);
    let concentration = drug::need_mixture(&inner, "concentration");
    let label = inner.quantity("label_concentration", Dimension::Concentration, Bound::POSITIVE);
    let alarm = inner.quantity("low_alarm", Dimension::Volume, Bound::NOT_NEGATIVE);
    let size = size?.unwrap_or_else(|| defaults.get("scenario.pump.reservoir_size"));
    let (fill, (concentration, others)) = (fill?, concentration?);
    let primary = drug::primary(&inner, concentration, others)?;
    let counted = drug::by_primary(primary, concentration, others);
    if fill > size {
        return Err(inner.report(
            Diagnostic::new(
                "overfull",
                format!("the reservoir holds {size} mL, but `fill` is {fill} mL"),
            )
            .at(inner.place_of("fill"), "more than fits")
            .at(
                inner.place_of("size"),
                if inner.has("size") {
                    "size of the reservoir"
                } else {
                    "no `size` here"
                },
            )
            .help(format!("fill at most \"{size} mL\", or write size = \"{fill} mL\"")),
        ));
    }
    let label = match label? {
        Some(label) => label,
        None if counted > 0.0 => counted,
        None => {
            return Err(inner.missing("label_concentration", "\"2 mg/mL\" (what the clinician believes)"));
        }
    };
    let low_alarm = alarm?.unwrap_or_else(|| defaults.get("scenario.pump.low_alarm"));
    if low_alarm >= size {
        return Err(inner.report(
            Diagnostic::new(
                "out-of-range",
                format!("`low_alarm` = {low_alarm} mL is not below the reservoir's {size} mL"),
            )
            .at(inner.place_of("low_alarm"), "would sound at once"),
        ));
    }
    Ok(Pump {
        family: family?.unwrap_or_else(|| usual(families, FAMILY)),
        reservoir_size: size,
        fill,
        concentration,
        others,
        primary,
        label_concentration: label,
        low_reservoir_alarm: low_alarm,
        gain: gain?,
        age: age?.unwrap_or(0.0),
        approved_drug: approved?.unwrap_or(true),
    })
}

fn catheter(fields: &Fields<'_, '_>, defaults: &ParameterSet) -> Result<Catheter, Reported> {
    let empty = Table::default();
    let fields = once(fields, "catheter", CATHETER_KEYS, &empty)?;
    let length = fields.quantity("length", Dimension::Length, Bound::up_to(200.0));
    let spinal = fields.quantity("spinal_length", Dimension::Length, Bound::POSITIVE);
    let tip = fields.level("tip");
    let material = fields.choice("material", MATERIALS);
    let initial = drug::mixture(&fields, "initial_concentration");
    let in_tube = drug::mixture(&fields, "tube_concentration");
    let entered = fields.quantity("entered_length", Dimension::Length, Bound::up_to(200.0));
    let length = length?.unwrap_or_else(|| defaults.get("scenario.catheter.length"));
    let spinal = spinal?.unwrap_or_else(|| defaults.get("scenario.catheter.spinal_length"));
    if spinal > length {
        return Err(fields.report(
            Diagnostic::new(
                "out-of-range",
                format!("`spinal_length` = {spinal} cm is more than the catheter's {length} cm"),
            )
            .at(fields.place_of("spinal_length"), "longer than the whole")
            .at(
                fields.place_of("length"),
                if fields.has("length") {
                    "the whole"
                } else {
                    "no `length` here"
                },
            ),
        ));
    }
    let pump_segment = match fields.has("pump_segment") {
        true => Some(segment(&fields, length)?),
        false => None,
    };
    let (initial, in_tube) = (initial?, in_tube?);
    let others = |mixture: Option<(f64, Others)>| mixture.map_or(Others::NONE, |m| m.1);
    Ok(Catheter {
        length,
        spinal_length: spinal,
        tip: tip?.unwrap_or(crate::signals::Level::T10),
        material: material?.unwrap_or(Material::Braided),
        initial_concentration: initial.map(|m| m.0),
        tube_concentration: in_tube.map(|m| m.0),
        initial_others: others(initial),
        tube_others: others(in_tube),
        pump_segment,
        entered_length: entered?,
    })
}

/// The piece next to the pump, shorter than the whole.
fn segment(fields: &Fields<'_, '_>, whole: f64) -> Result<Segment, Reported> {
    let example = "{ length = \"40 cm\", volume = \"0.2 mL\" }";
    let inner = programme::need_child(fields, "pump_segment", SEGMENT_KEYS, example)?;
    let length = inner.need("length", Dimension::Length, Bound::POSITIVE);
    let volume = inner.need("volume", Dimension::Volume, Bound::POSITIVE);
    let (length, volume) = (length?, volume?);
    if length >= whole {
        return Err(inner.report(
            Diagnostic::new(
                "out-of-range",
                format!("the piece next to the pump is {length} cm long, but the whole catheter is {whole} cm"),
            )
            .at(inner.place_of("length"), "not shorter than the whole")
            .help("`length` of [catheter] counts all pieces"),
        ));
    }
    Ok(Segment { length, volume })
}

/// Help for an arm's path; shared with the arms.
pub(super) fn path_help(path: &str) -> Option<String> {
    did_you_mean(path, TOP_KEYS)
}
