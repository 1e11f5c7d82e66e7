//! Reads bench files of the flow-control room.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::diagnostics::{Diagnostic, Diagnostics, Place, Source, list, quoted};
use super::document::{self, Data, Table};
use super::fields::{Bound, Context, Fields, Got, Reported};
use super::figures::parameters_of;
use super::files::{self, Disk, FileProblem, Files, Loaded, Start};
use super::flow_bench::{
    AlarmSpec, Bench, Change, ControllerEntry, ControllerSpec, OnAlarm, PlantSpec, SensorSpec, Stimulus, TestSpec,
};
use super::flow_size::{MOST_SAMPLES, MOST_TICKS};
use super::model::{Catalog, Material};
use super::names::Names;
use super::resolve::{MATERIALS, once};
use super::{fault, flow_size, writing};
use crate::engine::{SimSpan, SimTime};
use crate::quantity::{self, Dimension};
use crate::signals::{ActuatorKind, SensorKind, Signal, TapKind};

/// Keys of a bench file.
const KEYS: &[&str] = &[
    "title",
    "seed",
    "tick",
    "tests",
    "plant",
    "sensors",
    "alarm",
    "controller",
    "test",
    "parameters",
];
const PLANT_KEYS: &[&str] = &["actuator", "stroke", "fill", "length", "material", "pulsation"];
const SENSOR_KEYS: &[&str] = &[
    "present", "period", "noise", "bias", "drift", "quantum", "delay", "dropout",
];
const ALARM_KEYS: &[&str] = &["pressure", "hold", "then", "watch"];
const TEST_KEYS: &[&str] = &["id", "title", "duration", "rate", "sample", "analyse_from", "stimuli"];
/// What a stimulus can do, one a block.
const VERBS: &[&str] = &[
    "rate",
    "bolus",
    "temperature",
    "ambient",
    "posture",
    "occlusion",
    "leak",
    "sensor_failure",
    "gear_slip",
    "supply",
    "field",
    "tap",
];
/// Stimuli that can grow in a straight line.
const RAMPS: &[&str] = &["temperature", "ambient", "gear_slip", "supply"];
const TAP_KINDS: &[&str] = &["truncate", "hold", "max", "min", "add", "subtract", "stuck", "delayed"];
/// Bounds of a flow \[mL/h\]: ten times what any implant can do.
const FLOW: Bound = Bound::within(0.0, 10.0);

/// Reads a bench from disk.
///
/// # Errors
/// [`Diagnostics`] with every mistake found; nothing has been run.
pub fn load_bench(path: &Path, controllers: &[ControllerEntry]) -> Result<Bench, Diagnostics> {
    let shown = path.display().to_string();
    let text = Disk.read(path).map_err(|problem| unreadable(&shown, path, &problem))?;
    let stem = path
        .file_stem()
        .map_or(shown.clone(), |s| s.to_string_lossy().into_owned());
    read(stem, shown, Some(path.to_path_buf()), text, controllers)
}

/// Reads a bench from a text; `folder` is where `extends` and `tests` start from.
///
/// # Errors
/// As [`load_bench`].
pub fn load_bench_str(
    name: &str,
    text: &str,
    folder: Option<&Path>,
    controllers: &[ControllerEntry],
) -> Result<Bench, Diagnostics> {
    let path = folder.map(|f| f.join(name));
    read(name.to_owned(), name.to_owned(), path, text.to_owned(), controllers)
}

fn unreadable(shown: &str, path: &Path, problem: &FileProblem) -> Diagnostics {
    let mistake = Diagnostic::new("unreadable-file", format!("cannot read {}: {problem}", quoted(shown)))
        .maybe_help(files::suggest(problem, path, &Disk))
        .in_file(shown);
    Diagnostics::new(vec![mistake], Vec::new())
}

fn read(
    name: String,
    shown: String,
    path: Option<PathBuf>,
    text: String,
    controllers: &[ControllerEntry],
) -> Result<Bench, Diagnostics> {
    let Loaded { document, mut sources } = files::chain(Start {
        name: shown,
        path: path.clone(),
        text,
        files: &Disk,
    })?;
    let catalog = Catalog::default();
    let context = Context::new(&catalog, Names::default());
    let mut taken = Vec::new();
    let extra = match others(&context, &document, path.as_deref(), &mut sources) {
        Ok(extra) => extra,
        Err(Taken::Bad) => Vec::new(),
        Err(Taken::Other(diagnostics)) => return Err(diagnostics),
    };
    let resolved = bench(&context, name, &document, &extra, controllers, &mut taken);
    let mistakes = context.into_mistakes();
    match resolved {
        Ok(bench) if mistakes.is_empty() => Ok(bench),
        _ if mistakes.is_empty() => {
            let lost = Diagnostic::new("internal", "the bench was refused without a reason; please report this");
            Err(Diagnostics::new(vec![lost], sources))
        }
        _ => Err(Diagnostics::new(mistakes, sources)),
    }
}

enum Taken {
    /// Reported in the context.
    Bad,
    /// The other file is broken; its own report.
    Other(Diagnostics),
}

impl From<Reported> for Taken {
    fn from(_: Reported) -> Self {
        Taken::Bad
    }
}

/// The documents of the files named under `tests`, this file's stand laid over theirs.
fn others(
    context: &Context<'_>,
    document: &Table,
    path: Option<&Path>,
    sources: &mut Vec<Source>,
) -> Result<Vec<Table>, Taken> {
    let here = Place {
        file: 0,
        start: 0,
        end: 0,
    };
    let fields = Fields::new(context, "the bench", document, here, KEYS);
    let Some(names) = fields.texts("tests", "[\"start-up.toml\"]")? else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    for (name, place) in names {
        let Some(folder) = path.map(|p| p.parent().unwrap_or(Path::new(""))) else {
            context.report(
                Diagnostic::new(
                    "no-folder",
                    "`tests` needs a folder to start from, and this text has none",
                )
                .at(place, "cannot be found from here"),
            );
            return Err(Taken::Bad);
        };
        let target = folder.join(name);
        let text = match Disk.read(&target) {
            Ok(text) => text,
            Err(problem) => {
                context.report(
                    Diagnostic::new("unreadable-file", format!("cannot read {}: {problem}", quoted(name)))
                        .at(place, "named here")
                        .maybe_help(files::suggest(&problem, &target, &Disk)),
                );
                return Err(Taken::Bad);
            }
        };
        let mut mistakes = Vec::new();
        let file = sources.len();
        let parsed = document::parse(file, &text, &mut mistakes);
        sources.push(Source::new(target.display().to_string(), &text));
        let Some(mut table) = parsed.filter(|_| mistakes.is_empty()) else {
            return Err(Taken::Other(Diagnostics::new(mistakes, sources.clone())));
        };
        for key in ["plant", "sensors", "alarm", "parameters", "tick"] {
            if let Some(own) = document.get(key) {
                let over = Table {
                    entries: vec![own.clone()],
                };
                document::merge(&mut table, over);
            }
        }
        out.push(table);
    }
    Ok(out)
}

fn bench(
    context: &Context<'_>,
    name: String,
    document: &Table,
    extra: &[Table],
    entries: &[ControllerEntry],
    ids: &mut Vec<String>,
) -> Result<Bench, Reported> {
    let here = Place {
        file: 0,
        start: 0,
        end: 0,
    };
    // Unknown keys have been reported when the list of tests was read.
    let fields = Fields::absent(context, "the bench".to_owned(), document, here);
    let title = match fields.text("title", "\"Start-up\"")? {
        Some(title) => title.to_owned(),
        None => name.clone(),
    };
    let seed = fields.whole("seed", 0, i64::MAX)?.unwrap_or(1);
    let mut tests = Vec::new();
    for table in std::iter::once(document).chain(extra) {
        tests.extend(tests_of(context, table, here, ids)?);
    }
    if tests.is_empty() {
        return Err(fields.missing("test", "[[test]] blocks, or tests = [\"start-up.toml\"]"));
    }
    let mut controllers: Vec<ControllerSpec> = Vec::new();
    for (block, place) in document.blocks("controller") {
        let spec = controller(context, block, place, entries)?;
        if controllers.iter().any(|c| c.id == spec.id) {
            return Err(context.report(
                Diagnostic::new(
                    "duplicate-id",
                    format!("two controllers are called {}", quoted(&spec.id)),
                )
                .at(place, "the second")
                .help("give one of them another id = \"...\""),
            ));
        }
        for need in entries
            .iter()
            .find(|e| e.name == spec.kind)
            .map_or(&[][..], |e| &e.needs)
        {
            if let Some(test) = tests.iter().find(|t| t.sensors.iter().all(|s| s.kind != *need)) {
                return Err(context.report(
                    Diagnostic::new(
                        "missing-sensor",
                        format!(
                            "controller {} needs the {} sensor, which test {} has not",
                            quoted(&spec.id),
                            need.word(),
                            quoted(&test.id)
                        ),
                    )
                    .at(place, "cannot work there")
                    .help(format!("remove present = false from [sensors.{}]", need.word())),
                ));
            }
        }
        controllers.push(spec);
    }
    // Without controllers in the file all there are take part.
    let taking_part = if controllers.is_empty() {
        entries.len()
    } else {
        controllers.len()
    };
    let place = document.blocks("test").first().map_or(here, |(_, place)| *place);
    flow_size::of_all(context, place, &tests, taking_part)?;
    let mut whole = document.clone();
    for table in extra {
        document::merge(&mut whole, table.clone());
    }
    Ok(Bench {
        name,
        title,
        seed: seed.unsigned_abs(),
        controllers,
        tests,
        text: writing::toml(document),
        hash: document::hash(&whole),
    })
}

fn controller(
    context: &Context<'_>,
    block: &Table,
    place: Place,
    entries: &[ControllerEntry],
) -> Result<ControllerSpec, Reported> {
    let names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
    let fields = Fields::absent(context, "[[controller]]".to_owned(), block, place);
    let Some(kind) = fields.text("kind", "\"delta-sigma\"")? else {
        return Err(fields.missing("kind", "\"delta-sigma\""));
    };
    let Some(known) = entries.iter().find(|e| e.name == kind) else {
        return Err(match fields.entry("kind") {
            Some(entry) => fields.unknown_word(entry, kind, &names),
            None => Reported,
        });
    };
    let mut keys = vec!["id", "kind"];
    keys.extend(known.tuning.iter().map(|t| t.key.as_str()));
    let fields = Fields::new(context, format!("controller `{kind}`"), block, place, &keys);
    let id = fields.text("id", "\"mine\"")?.unwrap_or(kind).to_owned();
    file_name(&fields, "id", &id)?;
    let mut tuning = BTreeMap::new();
    for key in &known.tuning {
        if let Some(value) = measured(&fields, &key.key, &key.unit, key.low, key.high, &key.meaning)? {
            tuning.insert(key.key.clone(), value);
        }
    }
    Ok(ControllerSpec {
        id,
        kind: kind.to_owned(),
        tuning,
    })
}

/// A value in a unit given by its spelling; a pure number may be bare.
fn measured(
    fields: &Fields<'_, '_>,
    key: &str,
    unit: &str,
    low: f64,
    high: f64,
    meaning: &str,
) -> Result<Option<f64>, Reported> {
    let Some(entry) = fields.entry(key) else {
        return Ok(None);
    };
    let value = match &entry.node.data {
        Data::Text(text) => quantity::convert(text, unit).map_err(|problem| {
            fields.report(
                Diagnostic::new("bad-quantity", format!("`{key}`: {problem}"))
                    .at(entry.node.place, meaning.to_owned())
                    .maybe_help(problem.help()),
            )
        })?,
        Data::Integer(n) if unit == "1" => *n as f64,
        Data::Float(x) if unit == "1" => *x,
        _ => return Err(fields.wrong_type(entry, "a quantity with its unit", &format!("\"{low} {unit}\""))),
    };
    if value.is_finite() && (low..=high).contains(&value) {
        Ok(Some(value + 0.0))
    } else {
        Err(fields.report(
            Diagnostic::new(
                "out-of-range",
                format!("`{key}` = {value} {unit} lies outside {low} to {high} {unit}"),
            )
            .at(entry.node.place, meaning.to_owned()),
        ))
    }
}

/// Ids become names of files and folders.
fn file_name(fields: &Fields<'_, '_>, key: &str, id: &str) -> Result<(), Reported> {
    let sound = !id.is_empty()
        && id.len() <= 64
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if sound {
        return Ok(());
    }
    Err(fields.report(
        Diagnostic::new("bad-id", format!("{} is no id", quoted(id)))
            .at(fields.place_of(key), "names a file")
            .help("use small letters, digits and hyphens, at most 64"),
    ))
}

fn tests_of(
    context: &Context<'_>,
    document: &Table,
    here: Place,
    ids: &mut Vec<String>,
) -> Result<Vec<TestSpec>, Reported> {
    let empty = Table::default();
    let fields = Fields::absent(context, "the file".to_owned(), document, here);
    let parameters = parameters_of(&fields, None, &mut BTreeSet::new())?;
    let tick = fields
        .quantity("tick", Dimension::Time, Bound::up_to(24.0))?
        .unwrap_or_else(|| parameters.get("flow.control.tick") / 3600.0);
    let plant = plant(&once(&fields, "plant", PLANT_KEYS, &empty)?)?;
    let sensors = sensors(&fields, &empty)?;
    let alarm = alarm(&once(&fields, "alarm", ALARM_KEYS, &empty)?)?;
    let mut tests = Vec::new();
    for (block, place) in document.blocks("test") {
        let fields = Fields::new(context, "[[test]]", block, place, TEST_KEYS);
        let Some(id) = fields.text("id", "\"start-up\"")? else {
            return Err(fields.missing("id", "\"start-up\""));
        };
        file_name(&fields, "id", id)?;
        if ids.iter().any(|known| known == id) {
            return Err(fields.report(
                Diagnostic::new("duplicate-id", format!("two tests are called {}", quoted(id)))
                    .at(fields.place_of("id"), "the second")
                    .help("give one of them another id"),
            ));
        }
        ids.push(id.to_owned());
        let title = fields.text("title", "\"Start-up\"")?.unwrap_or(id).to_owned();
        let duration = fields.need("duration", Dimension::Time, Bound::up_to(87_660.0))?;
        let rate = fields.need("rate", Dimension::VolumeFlow, FLOW)?;
        let sample = fields
            .quantity("sample", Dimension::Time, Bound::up_to(24.0))?
            .unwrap_or(1.0 / 60.0);
        for (key, step, most, what) in [
            ("sample", sample, MOST_SAMPLES, "recorded volumes"),
            ("duration", tick, MOST_TICKS, "calls of the controller"),
        ] {
            if duration / step > most {
                return Err(fields.report(
                    Diagnostic::new("too-often", format!("this makes {:.0} {what}", duration / step))
                        .at(fields.place_of(key), format!("at most {most:.0} are allowed"))
                        .help("shorten the test, or widen the steps"),
                ));
            }
        }
        let from = fields
            .quantity("analyse_from", Dimension::Time, Bound::NOT_NEGATIVE)?
            .unwrap_or(0.0);
        if from >= duration {
            return Err(fields.report(
                Diagnostic::new("out-of-range", "`analyse_from` lies at or after the end of the test")
                    .at(fields.place_of("analyse_from"), "nothing is left to analyse"),
            ));
        }
        let mut stimuli = Vec::new();
        let span = |fields: &Fields<'_, '_>, key: &str, hours: f64| {
            SimSpan::from_hours(hours).map_err(|e| {
                fields.report(Diagnostic::new("out-of-range", e.to_string()).at(fields.place_of(key), "too long"))
            })
        };
        let end = SimTime::ZERO.checked_add(span(&fields, "duration", duration)?);
        let Ok(end) = end else {
            return Err(fields.missing("duration", "\"24 h\""));
        };
        if let Some(entry) = fields.entry("stimuli") {
            let Data::Array(nodes) = &entry.node.data else {
                return Err(fields.wrong_type(entry, "a list of tables", "[{ at = \"1 h\", rate = \"0.5 mL/day\" }]"));
            };
            for node in nodes {
                let Data::Table(table) = &node.data else {
                    return Err(fields.wrong_type(
                        entry,
                        "a list of tables",
                        "[{ at = \"1 h\", rate = \"0.5 mL/day\" }]",
                    ));
                };
                stimuli.push(stimulus(context, table, node.place, duration)?);
            }
        }
        let at_least_a_tick = |hours: f64| hours.max(1e-9);
        let test = TestSpec {
            id: id.to_owned(),
            title,
            duration: end,
            rate,
            sample: span(&fields, "sample", at_least_a_tick(sample))?,
            analyse_from: SimTime::from_nanos(span(&fields, "analyse_from", from)?.as_nanos()),
            tick: span(&fields, "tick", at_least_a_tick(tick))?,
            plant: plant.clone(),
            sensors: sensors.clone(),
            alarm: alarm.clone(),
            stimuli,
            parameters: parameters.clone(),
        };
        flow_size::of_test(context, fields.place_of("duration"), &test)?;
        tests.push(test);
    }
    Ok(tests)
}

fn plant(fields: &Fields<'_, '_>) -> Result<PlantSpec, Reported> {
    let actuator = fields.choice("actuator", &ActuatorKind::WORDS)?;
    let material = fields.choice("material", MATERIALS)?;
    Ok(PlantSpec {
        actuator: actuator.unwrap_or(ActuatorKind::Stepper),
        stroke: fields.quantity("stroke", Dimension::Volume, Bound::within(1e-6, 0.1))?,
        fill: fields.quantity("fill", Dimension::Volume, Bound::up_to(50.0))?,
        length: fields.quantity("length", Dimension::Length, Bound::within(1.0, 200.0))?,
        material: material.unwrap_or(Material::Silicone),
        pulsation: fields.flag("pulsation")?.unwrap_or(false),
    })
}

fn sensors(fields: &Fields<'_, '_>, empty: &Table) -> Result<Vec<SensorSpec>, Reported> {
    let words: Vec<&str> = SensorKind::WORDS.iter().map(|w| w.0).collect();
    let all = once(fields, "sensors", &words, empty)?;
    let mut out = Vec::new();
    for kind in SensorKind::ALL {
        let Some(one) = all.child(kind.word(), SENSOR_KEYS, "{ noise = \"0.1 kPa\" }")? else {
            out.push(SensorSpec::of(kind));
            continue;
        };
        let unit = kind.unit();
        let value = |key: &str, low: f64| measured(&one, key, unit, low, 1e9, "in the unit of the sensor");
        let per_hour = if unit == "1" {
            "1/h".to_owned()
        } else {
            format!("{unit}/h")
        };
        let spec = SensorSpec {
            kind,
            period: one.quantity("period", Dimension::Time, Bound::within(1e-6, 24.0))?,
            noise: value("noise", 0.0)?,
            bias: value("bias", -1e9)?,
            drift: measured(
                &one,
                "drift",
                &per_hour,
                -1e9,
                1e9,
                "in the unit of the sensor, per time",
            )?,
            quantum: value("quantum", 0.0)?,
            delay: one.quantity("delay", Dimension::Time, Bound::within(0.0, 24.0))?,
            dropout: one.quantity("dropout", Dimension::Fraction, Bound::within(0.0, 1.0))?,
        };
        if one.flag("present")?.unwrap_or(true) {
            out.push(spec);
        }
    }
    Ok(out)
}

fn alarm(fields: &Fields<'_, '_>) -> Result<AlarmSpec, Reported> {
    let then = fields.choice("then", &[("continue", OnAlarm::Continue), ("stop", OnAlarm::Stop)])?;
    let watch = match fields.texts("watch", "[\"pressure\", \"rotor\", \"flow\"]")? {
        None => AlarmSpec::default().watch,
        Some(named) => {
            let mut kinds = Vec::new();
            for (word, place) in named {
                let kind = AlarmSpec::WATCHABLE
                    .into_iter()
                    .find(|k| k.word() == word)
                    .ok_or_else(|| {
                        let known = AlarmSpec::WATCHABLE.map(SensorKind::word);
                        fields.report(
                            Diagnostic::new("unknown-name", format!("an alarm cannot listen to `{word}`"))
                                .at(place, "here")
                                .help(format!("it can listen to {}", list(&known))),
                        )
                    })?;
                kinds.push(kind);
            }
            kinds
        }
    };
    Ok(AlarmSpec {
        watch,
        pressure: fields.quantity("pressure", Dimension::Pressure, Bound::up_to(1000.0))?,
        hold: fields.quantity("hold", Dimension::Time, Bound::within(0.0, 24.0))?,
        then: then.unwrap_or(OnAlarm::Continue),
    })
}

fn stimulus(context: &Context<'_>, table: &Table, place: Place, duration: f64) -> Result<Stimulus, Reported> {
    let mut keys = vec!["at", "until", "ramp", "over", "position", "kind", "value", "by"];
    keys.extend(VERBS);
    let fields = Fields::new(context, "a stimulus", table, place, &keys);
    let verb = fields.exactly_one(VERBS, "rate = \"0.5 mL/day\"")?;
    let allowed: &[&str] = match verb {
        "bolus" => &["over"],
        "occlusion" | "leak" => &["until", "position"],
        "tap" => &["until", "kind", "value", "by"],
        "rate" => &[],
        v if RAMPS.contains(&v) => &["until", "ramp"],
        _ => &["until"],
    };
    for key in ["until", "ramp", "over", "position", "kind", "value", "by"] {
        if let Some(entry) = fields.entry(key).filter(|_| !allowed.contains(&key)) {
            return Err(fields.report(
                Diagnostic::new("unknown-key", format!("`{key}` means nothing beside `{verb}`"))
                    .at(entry.key_place, "remove it"),
            ));
        }
    }
    let instant = |key: &str| -> Got<SimTime> {
        let Some(hours) = fields.quantity(key, Dimension::Time, Bound::within(0.0, duration))? else {
            return Ok(None);
        };
        SimTime::from_hours(hours).map(Some).map_err(|e| {
            fields.report(Diagnostic::new("out-of-range", e.to_string()).at(fields.place_of(key), "beyond the clock"))
        })
    };
    let Some(at) = instant("at")? else {
        return Err(fields.missing("at", "\"1 h\""));
    };
    let until = instant("until")?;
    if until.is_some_and(|until| until <= at) {
        return Err(fields.report(
            Diagnostic::new("out-of-order", "`until` is not after `at`").at(fields.place_of("until"), "ends first"),
        ));
    }
    let ramp = match fields.quantity("ramp", Dimension::Time, Bound::POSITIVE)? {
        None => None,
        Some(hours) => SimSpan::from_hours(hours).ok(),
    };
    let need = |dimension, bound| fields.need(verb, dimension, bound);
    let position = fields.quantity("position", Dimension::Length, Bound::within(0.0, 200.0))?;
    let change = match verb {
        "rate" => Change::Rate(need(Dimension::VolumeFlow, FLOW)?),
        "bolus" => Change::Bolus {
            volume: need(Dimension::Volume, Bound::up_to(5.0))?,
            over: fields.need("over", Dimension::Time, Bound::within(1e-4, 168.0))?,
        },
        "temperature" => Change::Temperature(need(Dimension::Temperature, Bound::within(0.0, 60.0))?),
        "ambient" => Change::Ambient(need(Dimension::Pressure, Bound::within(20.0, 400.0))?),
        "posture" => match fields.choice(verb, fault::POSTURES)? {
            Some(posture) => Change::Posture(posture),
            None => return Err(Reported),
        },
        "occlusion" => Change::Occlusion {
            bore: match fields.text(verb, "\"closed\"") {
                Ok(Some("closed")) => 0.0,
                _ => need(Dimension::Fraction, Bound::within(0.0, 1.0))?,
            },
            position,
        },
        "leak" => Change::Leak {
            conductance: need(Dimension::Conductance, Bound::up_to(1000.0))?,
            position,
        },
        "sensor_failure" => match fields.choice(verb, &SensorKind::WORDS)? {
            Some(kind) => Change::SensorFailure(kind),
            None => return Err(Reported),
        },
        "gear_slip" => Change::GearSlip(need(Dimension::Fraction, Bound::within(0.0, 1.0))?),
        "supply" => Change::Supply(need(Dimension::Fraction, Bound::within(0.0, 1.5))?),
        "field" => {
            fields.mark(verb)?;
            Change::Field
        }
        _ => tap(&fields)?,
    };
    Ok(Stimulus {
        at,
        until,
        ramp,
        change,
    })
}

fn tap(fields: &Fields<'_, '_>) -> Result<Change, Reported> {
    let Some(signal) = fields.choice("tap", &Signal::WORDS)? else {
        return Err(Reported);
    };
    let Some(kind) = fields.text("kind", "\"hold\"")? else {
        return Err(fields.missing("kind", "\"hold\""));
    };
    let unit = match signal {
        Signal::Sensor(kind) => kind.unit(),
        Signal::Request => "mL/h",
        Signal::Command => "1",
    };
    let value = || match measured(fields, "value", unit, -1e9, 1e9, "in the unit of the wire")? {
        Some(value) => Ok(value),
        None => Err(fields.missing("value", &format!("\"1 {unit}\""))),
    };
    let kind = match kind {
        "truncate" => TapKind::Truncate,
        "hold" => TapKind::Hold,
        "max" => TapKind::Max,
        "min" => TapKind::Min,
        "add" => TapKind::Add(value()?),
        "subtract" => TapKind::Subtract(value()?),
        "stuck" => TapKind::Stuck(value()?),
        "delayed" => {
            let by = fields.need("by", Dimension::Time, Bound::within(0.0, 168.0))?;
            TapKind::Delayed(SimSpan::from_hours(by).unwrap_or(SimSpan::HOUR))
        }
        other => {
            return Err(match fields.entry("kind") {
                Some(entry) => fields.unknown_word(entry, other, TAP_KINDS),
                None => Reported,
            });
        }
    };
    Ok(Change::Tap { signal, kind })
}
