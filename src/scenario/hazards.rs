//! `[hazards]`: which faults may come by chance, and how often.

use std::collections::BTreeMap;

use super::diagnostics::Diagnostic;
use super::document::{Data, Table};
use super::fields::{Bound, Context, Fields, Got, Reported};
use super::model::{HazardOverride, Hazards, Material, PumpGeneration};
use super::resolve::MATERIALS;
use crate::quantity::{self, Dimension};

/// Keys of the block besides the kinds.
pub(super) const KEYS: &[&str] = &[
    "enabled",
    "generation",
    "pump_generation",
    "catheter_age",
    "scale",
    "complications",
];
/// Keys of one kind.
pub(super) const KIND_KEYS: &[&str] = &[
    "enabled",
    "at_surgery",
    "early",
    "early_for",
    "constant",
    "wear",
    "not_before",
];
/// Keys of one kind of complication: a chance at surgery and a late rate.
const COMPLICATION_KEYS: &[&str] = &["enabled", "at_surgery", "constant"];
/// Generations of pumps as the file spells them.
pub(super) const PUMP_GENERATIONS: &[(&str, PumpGeneration)] = &[
    ("registry-2012", PumpGeneration::Registry2012),
    ("letter-2017", PumpGeneration::Letter2017),
    ("redesigned-2017", PumpGeneration::Redesigned2017),
];

/// Unit in which the growth of a rate is stored.
const WEAR_UNIT: &str = "1/h^2";
/// How a file writes it.
pub(super) const WEAR_EXAMPLE: &str = "0.0007 /year^2";
/// Largest factor on all rates; beyond it nothing lives a week.
const LARGEST_SCALE: f64 = 10_000.0;
/// Longest age or term \[h\]: a hundred Julian years.
const LONGEST: f64 = 876_600.0;
/// Largest rate \[1/h\]: once a minute.
const FASTEST: f64 = 60.0;

/// Reads the block, if it is there.
pub(super) fn read(top: &Fields<'_, '_>) -> Got<Hazards> {
    let Some(entry) = top.entry("hazards") else {
        return Ok(None);
    };
    let Data::Table(table) = &entry.node.data else {
        return Err(top.wrong_type(entry, "a table", "{ enabled = true }"));
    };
    let context = top.context;
    let kinds = &context.catalog.hazard_kinds;
    let keys: Vec<&str> = KEYS.iter().chain(kinds).copied().collect();
    let fields = Fields::new(context, "[hazards]", table, entry.node.place, &keys);
    let enabled = fields.flag("enabled");
    let generation = fields.choice::<Material>("generation", MATERIALS);
    let pump = fields.choice("pump_generation", PUMP_GENERATIONS);
    let age = fields.quantity("catheter_age", Dimension::Time, Bound::within(0.0, LONGEST));
    let scale = fields.quantity("scale", Dimension::Number, Bound::within(0.0, LARGEST_SCALE));
    let complications = fields.flag("complications");
    let mut own = BTreeMap::new();
    let mut flawed = false;
    for kind in kinds {
        let Some(entry) = fields.entry(kind) else { continue };
        let Data::Table(table) = &entry.node.data else {
            flawed = true;
            fields.wrong_type(entry, "a table", "{ constant = \"0.011 /y\" }");
            continue;
        };
        match one(context, kind, table, entry.key_place) {
            Ok(read) => {
                own.insert((*kind).to_owned(), read);
            }
            Err(Reported) => flawed = true,
        }
    }
    let (enabled, generation, pump, age, scale) = (enabled?, generation?, pump?, age?, scale?);
    let complications = complications?;
    if flawed {
        return Err(Reported);
    }
    Ok(Some(Hazards {
        enabled: enabled.unwrap_or(true),
        generation,
        pump_generation: pump.unwrap_or_default(),
        catheter_age: age,
        scale: scale.unwrap_or(1.0),
        complications: complications.unwrap_or(false),
        kinds: own,
    }))
}

fn one(
    context: &Context<'_>,
    kind: &str,
    table: &Table,
    place: super::diagnostics::Place,
) -> Result<HazardOverride, Reported> {
    let keys = if kind.starts_with("complication.") {
        COMPLICATION_KEYS
    } else {
        KIND_KEYS
    };
    let fields = Fields::new(context, format!("[hazards.\"{kind}\"]"), table, place, keys);
    let rate = Bound::within(0.0, FASTEST);
    let time = Bound::within(0.0, LONGEST);
    let enabled = fields.flag("enabled");
    // A certainty at surgery has no finite hazard.
    let at_surgery = fields.quantity("at_surgery", Dimension::Fraction, Bound::within(0.0, 0.999));
    let early = fields.quantity("early", Dimension::Rate, rate);
    let early_for = fields.quantity("early_for", Dimension::Time, time);
    let constant = fields.quantity("constant", Dimension::Rate, rate);
    let wear = wear(&fields);
    let not_before = fields.quantity("not_before", Dimension::Time, time);
    Ok(HazardOverride {
        enabled: enabled?,
        at_surgery: at_surgery?,
        early: early?,
        early_for: early_for?,
        constant: constant?,
        wear: wear?,
        not_before: not_before?,
    })
}

/// A rate per time, which is no kind of quantity of its own.
fn wear(fields: &Fields<'_, '_>) -> Got<f64> {
    let Some(entry) = fields.entry("wear") else {
        return Ok(None);
    };
    let example = format!("\"{WEAR_EXAMPLE}\"");
    let Some(text) = fields.text("wear", &example)? else {
        return Ok(None);
    };
    match quantity::convert(text, WEAR_UNIT) {
        Ok(value) if (0.0..=FASTEST).contains(&value) => Ok(Some(value + 0.0)),
        Ok(_) => Err(fields.report(
            Diagnostic::new("out-of-range", "`wear` lies outside what a rate can grow by")
                .at(entry.node.place, "out of range")
                .help(format!("write for example wear = {example}")),
        )),
        Err(problem) => Err(fields.report(
            Diagnostic::new("bad-quantity", format!("`wear`: {problem}"))
                .at(entry.node.place, "the growth of a rate with age is needed")
                .help(format!("write for example wear = {example}")),
        )),
    }
}
