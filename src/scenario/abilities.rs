//! What the chosen pump family can do and suffer, against what the file asks of it.

use super::check::Parts;
use super::diagnostics::{Diagnostic, Place, list, quoted};
use super::document::Data;
use super::model::{Catalog, PumpAbility};

/// Faults, acts and programmes that the family cannot have.
pub(super) fn check(parts: &Parts<'_, '_, '_>) -> bool {
    let Some(own) = parts.pump.and_then(|p| of(parts.context.catalog, &p.family)) else {
        return true;
    };
    let all = &parts.context.catalog.pump_abilities;
    let mut sound = true;
    let written = parts.faults.iter().map(|f| (f.fault.kind.as_str(), f.kind_place));
    for (kind, place) in written.chain(by_chance(parts)) {
        let able = families(all, |a| a.faults.contains(&kind));
        if !able.is_empty() && !own.faults.contains(&kind) {
            sound = false;
            let can = if own.faults.is_empty() {
                format!("no fault of its own is known for a `{}` pump", own.family)
            } else {
                format!("faults of a `{}` pump: {}", own.family, list(own.faults))
            };
            parts.context.report(
                Diagnostic::new(
                    "wrong-family",
                    format!("a `{}` pump cannot have the fault {}", own.family, quoted(kind)),
                )
                .at(place, "nothing in it that could fail like this")
                .help(format!("{} can", able.join(" and ")))
                .help(can),
            );
        }
    }
    for read in parts.actions {
        let able = families(all, |a| a.acts.contains(&read.verb));
        if !able.is_empty() && !own.acts.contains(&read.verb) {
            sound = false;
            parts.context.report(
                Diagnostic::new(
                    "wrong-family",
                    format!("`{}` means nothing to a `{}` pump", read.verb, own.family),
                )
                .at(read.verb_place, "it has no such part")
                .help(format!("{} can", able.join(" and "))),
            );
        }
        if own.rates.is_none() && matches!(read.verb, "raise_dose" | "lower_dose") {
            sound = false;
            no_programme(parts, own, read.verb_place);
        }
    }
    if own.rates.is_none() {
        for read in parts.programmes {
            sound = false;
            no_programme(parts, own, read.demands.first().map_or(read.at_place, |d| d.place));
        }
    }
    sound
}

/// Kinds that `[hazards]` gives a rate, with their places.
fn by_chance<'d>(parts: &Parts<'_, 'd, '_>) -> Vec<(&'d str, Place)> {
    let Some(Data::Table(hazards)) = parts.fields.entry("hazards").map(|e| &e.node.data) else {
        return Vec::new();
    };
    let off = |data: &Data| match data {
        Data::Table(kind) => kind
            .get("enabled")
            .is_some_and(|e| matches!(e.node.data, Data::Bool(false))),
        _ => true,
    };
    hazards
        .entries
        .iter()
        .filter(|e| !off(&e.node.data))
        .map(|e| (e.key.as_str(), e.key_place))
        .collect()
}

/// What the loader knows of a family, if it was told.
pub(super) fn of<'c>(catalog: &'c Catalog, family: &str) -> Option<&'c PumpAbility> {
    catalog.pump_abilities.iter().find(|a| a.family == family)
}

fn families(all: &[PumpAbility], can: impl Fn(&PumpAbility) -> bool) -> Vec<String> {
    all.iter().filter(|a| can(a)).map(|a| quoted(a.family)).collect()
}

fn no_programme(parts: &Parts<'_, '_, '_>, own: &PumpAbility, place: Place) {
    let able = families(&parts.context.catalog.pump_abilities, |a| a.rates.is_some());
    parts.context.report(
        Diagnostic::new("no-programme", format!("a `{}` pump cannot be programmed", own.family))
            .at(place, "nobody can send this")
            .help("its flow is set in the factory; choose the dose by the concentration of the drug")
            .help(format!("{} can be programmed", able.join(" and "))),
    );
}
