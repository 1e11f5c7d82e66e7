//! Whether the parameters of a file allow what the file asks for: what a run would find at its
//! start or much later is told with its line before anything is run.

use super::abilities;
use super::check::Parts;
use super::diagnostics::{Diagnostic, Place};
use super::document::{Data, Table};
use super::figures;
use super::model::{Patient, Programme};
use super::programme::WEEKDAYS;
use crate::parameters::{self, ParameterSet};

/// Parameters that contradict one another.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction {
    /// What cannot be, in words.
    pub problem: String,
    /// What to write instead.
    pub help: String,
    /// The parameters it follows from; the first of them that the file sets is shown.
    pub keys: &'static [&'static str],
}

/// Finds what contradicts itself in the body of a patient with these parameters.
pub type BodyCheck = fn(&Patient, &ParameterSet) -> Option<Contradiction>;

/// Runs the checks; mistakes are reported one by one.
pub(super) fn check(parts: &Parts<'_, '_, '_>) -> bool {
    let steps = flex_steps(parts);
    body(parts) && steps
}

/// A flex programme must fit the pump's memory. What the format itself can hold was seen to
/// when the programme was read.
fn flex_steps(parts: &Parts<'_, '_, '_>) -> bool {
    const KEY: &str = "pump.flex.max_steps_per_day";
    let own = parts.pump.and_then(|p| abilities::of(parts.context.catalog, &p.family));
    // A family that is not known here has its own memory; one without a programme was told.
    if own.is_none_or(|a| a.rates.is_none()) {
        return true;
    }
    let most = parts.parameters.get(KEY);
    let mut sound = true;
    for read in parts.programmes {
        let Programme::Flex { steps } = &read.step.mode else {
            continue;
        };
        let on = |day: u8| steps.iter().filter(|s| s.weekday.is_none_or(|d| d == day)).count();
        let full = (0..7).map(|day| (on(day), day)).find(|(n, _)| *n as f64 > most);
        let Some((n, day)) = full else { continue };
        sound = false;
        let place = read.demands.first().map_or(read.at_place, |d| d.place);
        let mistake = Diagnostic::new(
            "too-many-steps",
            format!(
                "{n} flex steps on one day ({}), but the pump holds {most}",
                WEEKDAYS[usize::from(day)]
            ),
        )
        .at(place, format!("the first of {n}"));
        let mistake = match place_of(parts, KEY) {
            Some(place) => mistake.at(place, "most steps a day"),
            None => mistake,
        };
        parts
            .context
            .report(mistake.help(format!("join neighbouring steps, or raise `{KEY}`")));
    }
    sound
}

/// A body whose parameters contradict one another cannot be assembled.
fn body(parts: &Parts<'_, '_, '_>) -> bool {
    let (Some(check), Some(patient)) = (parts.context.catalog.body, parts.patient) else {
        return true;
    };
    // A population draws some of these parameters anew; whom it draws is not known here.
    if parts.fields.has("population") {
        return true;
    }
    let Some(found) = check(patient, parts.parameters) else {
        return true;
    };
    let own: Vec<(&str, Place)> = found
        .keys
        .iter()
        .filter_map(|key| Some((*key, place_of(parts, key)?)))
        .collect();
    let mut mistake = Diagnostic::new("contradiction", found.problem).help(found.help);
    if own.is_empty() {
        mistake = mistake.at(parts.fields.place, "the parameters of this file");
    }
    for (key, place) in own {
        let known = parameters::named(key).map_or("", |p| p.meaning);
        mistake = mistake.at(place, known);
    }
    parts.context.report(mistake);
    false
}

/// Where the file sets a parameter, if it does.
fn place_of(parts: &Parts<'_, '_, '_>, key: &str) -> Option<Place> {
    let Data::Table(table) = &parts.fields.entry("parameters")?.node.data else {
        return None;
    };
    in_table(table, key)
}

fn in_table(table: &Table, key: &str) -> Option<Place> {
    let mut flat = Vec::new();
    figures::flatten(table, String::new(), &mut flat);
    // Of two the later one counts, as when they are read.
    flat.iter().rev().find(|(own, ..)| own == key).map(|found| found.2)
}
