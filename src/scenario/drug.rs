//! `[[drug]]`: a drug beside baclofen, and mixtures that contain it.

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::{Data, Entry, Table};
use super::drugs::{
    Channel, Combination, Drug, DrugEffect, DrugFigure, DrugTolerance, DrugWithdrawal, FIGURES, unit_of,
};
use super::fields::{Bound, Context, Fields, Got, Reported, code_of};
use crate::parameters::{Grade, ParameterSet};
use crate::quantity::{self, Dimension};
use crate::signals::{MOST_OTHERS, Others, Region};

/// Keys of the block.
pub(super) const KEYS: &[&str] = &["id", "name", "sources", "kinetics", "effect"];
/// Keys of `[[drug.effect]]`.
pub(super) const EFFECT_KEYS: &[&str] = &[
    "channel",
    "region",
    "emax",
    "ec50",
    "hill",
    "combination",
    "tolerance",
    "withdrawal",
];
/// Keys of `tolerance`.
pub(super) const TOLERANCE_KEYS: &[&str] = &["maximum", "onset", "decay"];
/// Keys of `withdrawal`.
pub(super) const WITHDRAWAL_KEYS: &[&str] = &["time", "rebound"];
/// Keys of a number that says where it comes from.
pub(super) const FIGURE_KEYS: &[&str] = &["value", "grade", "source"];
/// The drug that is built in, as mixtures spell it.
pub(super) const BUILT_IN: &str = "baclofen";

/// Grades as the file spells them.
pub(super) const GRADES: &[(&str, Grade)] = &[
    ("published", Grade::Published),
    ("derived", Grade::Derived),
    ("assumed", Grade::Assumed),
];
/// Combinations as the file spells them.
pub(super) const COMBINATIONS: &[(&str, Combination)] =
    &[("bliss", Combination::Bliss), ("additive", Combination::Additive)];
/// Regions as the file spells them.
pub(super) const REGIONS: &[(&str, Region)] = &[
    ("legs", Region::Legs),
    ("trunk", Region::Trunk),
    ("arms", Region::Arms),
    ("brainstem", Region::Brainstem),
];

/// Smallest and largest EC50 that can be meant [ug/mL]: opioids act in ng/mL.
const EC50: (f64, f64) = (1e-6, 1e4);
/// Smallest and largest steepness that can be meant.
const HILL: (f64, f64) = (0.2, 10.0);
/// Smallest and largest time constant of tolerance and adaptation that can be meant [h].
const SLOW: (f64, f64) = (0.1, 50_000.0);
/// Largest growth of EC50 by tolerance that can be meant.
const TOLERANCE: (f64, f64) = (0.0, 1000.0);

/// Ids of the drugs in order, which is their place in [`Others`].
pub(super) fn ids(document: &Table) -> Vec<String> {
    let mut ids: Vec<String> = document
        .blocks("drug")
        .iter()
        .filter_map(|(t, _)| t.text("id").map(str::to_owned))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Where the numbers of one drug are collected.
struct Figures<'f, 'd, 'c> {
    fields: &'f Fields<'d, 'c>,
    /// Begins their names.
    prefix: String,
    out: &'f std::cell::RefCell<Vec<DrugFigure>>,
}

impl Figures<'_, '_, '_> {
    /// A number with its unit, alone or as `{ value, grade, source }`.
    fn get(&self, key: &str, unit: &'static str, (low, high): (f64, f64), meaning: &str) -> Got<f64> {
        let Some(entry) = self.fields.entry(key) else {
            return Ok(None);
        };
        let (value_entry, grade, source) = match &entry.node.data {
            Data::Table(table) => self.documented(entry, table)?,
            _ => (entry, Grade::Assumed, String::new()),
        };
        let value = self.measure(key, value_entry, unit, meaning)?;
        if !(low..=high).contains(&value) {
            let unit = if unit == "1" { String::new() } else { format!(" {unit}") };
            return Err(self.fields.report(
                Diagnostic::new(
                    "out-of-range",
                    format!("`{key}` = {value}{unit} lies outside {low} to {high}{unit}"),
                )
                .at(value_entry.node.place, meaning.to_owned()),
            ));
        }
        self.out.borrow_mut().push(DrugFigure {
            name: format!("{}.{key}", self.prefix),
            value,
            unit,
            grade,
            source,
        });
        Ok(Some(value))
    }

    fn need(&self, key: &str, unit: &'static str, range: (f64, f64), meaning: &str) -> Result<f64, Reported> {
        match self.get(key, unit, range, meaning)? {
            Some(value) => Ok(value),
            None => {
                let example = if unit == "1" {
                    "0.5".to_owned()
                } else {
                    format!("\"1 {unit}\"")
                };
                Err(self.fields.missing(
                    key,
                    &format!("{{ value = {example}, grade = \"assumed\", source = \"...\" }}   # {meaning}"),
                ))
            }
        }
    }

    /// The value of a number with its grade and source.
    fn documented<'t>(&self, entry: &Entry, table: &'t Table) -> Result<(&'t Entry, Grade, String), Reported> {
        let inner = Fields::new(
            self.fields.context,
            format!("`{}`", entry.key),
            table,
            entry.node.place,
            FIGURE_KEYS,
        );
        let grade = inner.choice("grade", GRADES);
        let source = inner.text("source", "\"Kroin 1993\"");
        let Some(value) = table.get("value") else {
            return Err(inner.missing("value", "\"1 /h\""));
        };
        let (grade, source) = (grade?.unwrap_or(Grade::Assumed), source?.unwrap_or_default());
        if grade != Grade::Assumed && source.is_empty() {
            return Err(inner.missing("source", "\"who found it\" (only an assumed number has none)"));
        }
        Ok((value, grade, source.to_owned()))
    }

    fn measure(&self, key: &str, entry: &Entry, unit: &'static str, meaning: &str) -> Result<f64, Reported> {
        let place = entry.node.place;
        let bare = match &entry.node.data {
            Data::Text(text) => {
                return quantity::convert(text, unit).map_err(|problem| {
                    self.fields.report(
                        Diagnostic::new(code_of(&problem), format!("`{key}`: {problem}"))
                            .at(place, meaning.to_owned())
                            .maybe_help(problem.help()),
                    )
                });
            }
            Data::Integer(n) => *n as f64,
            Data::Float(x) => *x,
            other => {
                let noun = other.noun();
                return Err(self.fields.report(
                    Diagnostic::new("wrong-type", format!("`{key}` is {noun}, but a quantity is needed"))
                        .at(place, meaning.to_owned()),
                ));
            }
        };
        if unit == "1" {
            return Ok(bare + 0.0);
        }
        Err(self.fields.report(
            Diagnostic::new("no-unit", format!("`{key}` = {bare} has no unit"))
                .at(place, meaning.to_owned())
                .help(format!("write it in quotes with its unit, such as \"{bare} {unit}\"")),
        ))
    }
}

/// Reads one block; `person` is what the drug's kinetics are laid over.
pub(super) fn read(
    context: &Context<'_>,
    table: &Table,
    place: Place,
    person: &ParameterSet,
) -> Result<Drug, Reported> {
    let fields = Fields::new(context, "[[drug]]", table, place, KEYS);
    let id = match fields.text("id", "\"morphine\"") {
        Ok(Some(id)) => column_id(&fields, id),
        Ok(None) => Err(fields.missing("id", "\"morphine\"")),
        Err(reported) => Err(reported),
    };
    let name = fields.text("name", "\"morphine sulfate\"");
    let sources = fields.texts("sources", "[\"Kroin 1993\"]");
    let figures = std::cell::RefCell::new(Vec::new());
    let parameters = kinetics(&fields, person, &figures);
    let effects = effects(&fields, &figures);
    let (id, name, sources, parameters, effects) = (id?, name?, sources?, parameters?, effects?);
    Ok(Drug {
        name: name.unwrap_or(&id).to_owned(),
        id,
        sources: sources
            .unwrap_or_default()
            .into_iter()
            .map(|(s, _)| s.to_owned())
            .collect(),
        effects,
        figures: figures.into_inner(),
        parameters,
    })
}

/// Refuses more drugs than a mixture can hold.
pub(super) fn few_enough(fields: &Fields<'_, '_>, drugs: &[Drug]) -> Result<(), Reported> {
    if drugs.len() <= MOST_OTHERS {
        return Ok(());
    }
    Err(fields.report(
        Diagnostic::new("too-many-drugs", format!("{} drugs beside baclofen", drugs.len())).at(
            fields.place_of("drug"),
            format!("at most {MOST_OTHERS} can be described"),
        ),
    ))
}

/// An id that can begin the name of a column.
fn column_id(fields: &Fields<'_, '_>, id: &str) -> Result<String, Reported> {
    let plain = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if id == BUILT_IN {
        return Err(fields.report(
            Diagnostic::new("built-in-drug", "baclofen is built in and cannot be described again")
                .at(fields.place_of("id"), "taken")
                .help("change its figures under [parameters], or give the drug another id"),
        ));
    }
    if plain {
        return Ok(id.to_owned());
    }
    Err(fields.report(
        Diagnostic::new("bad-id", format!("{} cannot begin the name of a column", quoted(id)))
            .at(fields.place_of("id"), "not an id of a drug")
            .help("use small letters, digits and `_`, a letter first"),
    ))
}

fn kinetics(
    fields: &Fields<'_, '_>,
    person: &ParameterSet,
    out: &std::cell::RefCell<Vec<DrugFigure>>,
) -> Result<ParameterSet, Reported> {
    let keys: Vec<&str> = FIGURES.iter().map(|f| f.name).collect();
    let example = "{ csf_loss = \"0.4 /h\", ... }";
    let Some(inner) = fields.child("kinetics", &keys, example)? else {
        return Err(fields.missing("kinetics", example));
    };
    let figures = Figures {
        fields: &inner,
        prefix: "kinetics".to_owned(),
        out,
    };
    let mut set = person.clone();
    let mut flawed = false;
    for spec in FIGURES {
        let (unit, range) = (unit_of(spec), (spec.low, spec.high));
        let got = if spec.required {
            figures.need(spec.name, unit, range, spec.meaning).map(Some)
        } else {
            figures.get(spec.name, unit, range, spec.meaning)
        };
        match got {
            Ok(Some(value)) => set.put(spec.parameter, value),
            Ok(None) => {}
            Err(Reported) => flawed = true,
        }
    }
    if flawed {
        return Err(Reported);
    }
    // Figures of plasma are true ones, not ones over oral bioavailability.
    set.put("kinetics.oral.bioavailability", 1.0);
    let (clearance, volume) = (
        set.get("kinetics.blood.apparent_clearance"),
        set.get("kinetics.blood.apparent_central_volume"),
    );
    if !inner.has("plasma_clearance_child") {
        let per_weight = clearance / set.get("kinetics.blood.reference_weight");
        set.put("kinetics.blood.apparent_clearance_child", per_weight);
    }
    let (fast, out_rate) = (set.get("kinetics.blood.alpha"), clearance / volume);
    let slow = std::f64::consts::LN_2 / set.get("kinetics.blood.half_life");
    if !(slow < out_rate && out_rate < fast) {
        return Err(inner.report(
            Diagnostic::new("contradiction", "these figures of plasma contradict one another")
                .at(
                    inner.place_of("plasma_half_life"),
                    format!("falls by {slow:.3} /h at last"),
                )
                .at(
                    inner.place_of("plasma_fast_rate"),
                    format!("falls by {fast:.3} /h at first"),
                )
                .at(
                    inner.place_of("plasma_clearance"),
                    format!("over the central volume this is {out_rate:.3} /h"),
                )
                .help("clearance over central volume lies between the two rates of decline"),
        ));
    }
    Ok(set)
}

fn effects(fields: &Fields<'_, '_>, out: &std::cell::RefCell<Vec<DrugFigure>>) -> Result<Vec<DrugEffect>, Reported> {
    let mut effects = Vec::new();
    let mut flawed = false;
    if let Some(entry) = fields.entry("effect")
        && !matches!(&entry.node.data, Data::Array(n) if n.iter().all(|n| matches!(n.data, Data::Table(_))))
    {
        return Err(fields.report(
            Diagnostic::new("wrong-type", "`effect` must be written as [[drug.effect]] blocks")
                .at(entry.key_place, "not a block"),
        ));
    }
    for (table, place) in fields.table.blocks("effect") {
        match effect(fields.context, table, place, out) {
            Ok(effect) => effects.push(effect),
            Err(Reported) => flawed = true,
        }
    }
    if flawed { Err(Reported) } else { Ok(effects) }
}

fn effect(
    context: &Context<'_>,
    table: &Table,
    place: Place,
    out: &std::cell::RefCell<Vec<DrugFigure>>,
) -> Result<DrugEffect, Reported> {
    let fields = Fields::new(context, "[[drug.effect]]", table, place, EFFECT_KEYS);
    let channel = match fields.choice("channel", &Channel::ALL)? {
        Some(channel) => channel,
        None => return Err(fields.missing("channel", "\"analgesia\"")),
    };
    let region = match fields.choice("region", REGIONS) {
        Ok(Some(region)) => Ok(region),
        Ok(None) => Err(fields.missing("region", "\"trunk\"")),
        Err(reported) => Err(reported),
    };
    let prefix = format!("effect.{}", channel.as_str());
    let figures = Figures {
        fields: &fields,
        prefix: prefix.clone(),
        out,
    };
    let emax = figures.need("emax", channel.unit(), channel.range(), "full effect");
    let ec50 = figures.need("ec50", "ug/mL", EC50, "concentration of half the effect");
    let hill = figures.need("hill", "1", HILL, "steepness");
    let combination = fields.choice("combination", COMBINATIONS);
    let tolerance = match fields.child(
        "tolerance",
        TOLERANCE_KEYS,
        "{ maximum = 3.0, onset = \"14 d\", decay = \"7 d\" }",
    ) {
        Ok(None) => Ok(None),
        Err(reported) => Err(reported),
        Ok(Some(inner)) => {
            let figures = Figures {
                fields: &inner,
                prefix: format!("{prefix}.tolerance"),
                out,
            };
            let maximum = figures.need("maximum", "1", TOLERANCE, "growth of EC50 under full effect");
            let onset = figures.need("onset", "h", SLOW, "time constant of growth");
            let decay = figures.need("decay", "h", SLOW, "time constant of loss");
            Ok(Some((maximum, onset, decay)))
        }
    };
    let withdrawal = match fields.child("withdrawal", WITHDRAWAL_KEYS, "{ time = \"3 d\", rebound = 0.5 }") {
        Ok(None) => Ok(None),
        Err(reported) => Err(reported),
        Ok(Some(inner)) => {
            let figures = Figures {
                fields: &inner,
                prefix: format!("{prefix}.withdrawal"),
                out,
            };
            let time = figures.need("time", "h", SLOW, "time constant of adaptation");
            let rebound = figures.need("rebound", channel.unit(), channel.range(), "rebound at full lack");
            Ok(Some((time, rebound)))
        }
    };
    let tolerance = match tolerance? {
        Some((maximum, onset, decay)) => Some(DrugTolerance {
            maximum: maximum?,
            onset: onset?,
            decay: decay?,
        }),
        None => None,
    };
    let withdrawal = match withdrawal? {
        Some((time, rebound)) => Some(DrugWithdrawal {
            time: time?,
            rebound: rebound?,
        }),
        None => None,
    };
    Ok(DrugEffect {
        channel,
        region: region?,
        emax: emax?,
        ec50: ec50?,
        hill: hill?,
        combination: combination?.unwrap_or_default(),
        tolerance,
        withdrawal,
    })
}

/// A concentration of baclofen, or a mixture: `{ baclofen = "2 mg/mL", morphine = "10 mg/mL" }`.
pub(super) fn mixture(fields: &Fields<'_, '_>, key: &str) -> Got<(f64, Others)> {
    let Some(entry) = fields.entry(key) else {
        return Ok(None);
    };
    let Data::Table(table) = &entry.node.data else {
        let plain = fields.quantity(key, Dimension::Concentration, Bound::NOT_NEGATIVE)?;
        return Ok(plain.map(|c| (c, Others::NONE)));
    };
    let drugs = &fields.context.names.drugs;
    let keys: Vec<&str> = std::iter::once(BUILT_IN)
        .chain(drugs.iter().map(String::as_str))
        .collect();
    let mut strangers = false;
    for stranger in table.entries.iter().filter(|e| !keys.contains(&e.key.as_str())) {
        strangers = true;
        let name = quoted(&stranger.key);
        fields.report(
            Diagnostic::new("unknown-drug", format!("no drug {name} is described"))
                .at(stranger.key_place, "not known here")
                .maybe_help(did_you_mean(&stranger.key, &keys))
                .help("a drug beside baclofen needs a [[drug]] block, here or in the file that this one extends"),
        );
    }
    // Strangers have been told of already.
    let inner = Fields::absent(fields.context, format!("`{key}`"), table, entry.node.place);
    let read = |name: &str| inner.quantity(name, Dimension::Concentration, Bound::NOT_NEGATIVE);
    let baclofen = read(BUILT_IN);
    let mut others = Others::NONE;
    let mut flawed = strangers;
    for (index, id) in drugs.iter().enumerate() {
        match read(id) {
            Ok(value) => others.set(index, value.unwrap_or(0.0)),
            Err(Reported) => flawed = true,
        }
    }
    let baclofen = baclofen?.unwrap_or(0.0);
    if flawed {
        Err(Reported)
    } else {
        Ok(Some((baclofen, others)))
    }
}

/// As [`mixture`], where it must be there.
pub(super) fn need_mixture(fields: &Fields<'_, '_>, key: &str) -> Result<(f64, Others), Reported> {
    match mixture(fields, key)? {
        Some(mixture) => Ok(mixture),
        None => Err(fields.missing(key, &format!("\"{}\"", Dimension::Concentration.example()))),
    }
}

/// The place of a drug by its id, `None` for baclofen.
pub(super) fn named(fields: &Fields<'_, '_>, key: &str) -> Got<Option<usize>> {
    let Some(entry) = fields.entry(key) else {
        return Ok(None);
    };
    let Some(word) = fields.text(key, "\"baclofen\"")? else {
        return Ok(None);
    };
    let drugs = &fields.context.names.drugs;
    if word == BUILT_IN {
        return Ok(Some(None));
    }
    if let Some(index) = drugs.iter().position(|d| d == word) {
        return Ok(Some(Some(index)));
    }
    let known: Vec<&str> = std::iter::once(BUILT_IN)
        .chain(drugs.iter().map(String::as_str))
        .collect();
    Err(fields.unknown_word(entry, word, &known))
}

/// The drug by which the pump is programmed: as the file says, or else baclofen if there is any,
/// or else the only other drug.
pub(super) fn primary(fields: &Fields<'_, '_>, baclofen: f64, others: Others) -> Result<Option<usize>, Reported> {
    if let Some(said) = named(fields, "dosed_by")? {
        return Ok(said);
    }
    let present: Vec<usize> = (0..fields.context.names.drugs.len())
        .filter(|i| others.get(*i) > 0.0)
        .collect();
    match present.as_slice() {
        [one] if baclofen == 0.0 => Ok(Some(*one)),
        [_, ..] if baclofen == 0.0 => {
            Err(fields.missing("dosed_by", "\"morphine\" (the drug that doses are counted in)"))
        }
        _ => Ok(None),
    }
}

/// Concentration of the drug by which the pump is programmed \[ug/mL\].
pub(super) fn by_primary(primary: Option<usize>, baclofen: f64, others: Others) -> f64 {
    primary.map_or(baclofen, |index| others.get(index))
}
