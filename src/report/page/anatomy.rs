//! Spine, catheter and pump, with each fault in its place.

use crate::report::RunData;
use crate::scenario::model::{Scenario, Value};

use super::data::{Anatomy, AnatomyFault, Bar, BarKind};
use super::thin;

/// The drawing of one run.
pub(super) fn anatomy(
    scenario: &Scenario,
    data: &RunData,
    bars: &[Bar],
    windows: &[(f64, f64)],
    buckets: usize,
) -> Anatomy {
    let catheter = &scenario.catheter;
    let mut drawing = thin::levels(data, windows, buckets);
    drawing.tip = catheter.tip.index();
    drawing.length_cm = catheter.length;
    drawing.spinal_cm = catheter.spinal_length;
    drawing.faults = bars
        .iter()
        .filter(|b| b.kind == BarKind::Fault)
        .map(|b| {
            let (part, at) = place(scenario, &b.name);
            AnatomyFault {
                words: b.words.clone(),
                part,
                at,
                from: b.from,
                to: b.to,
            }
        })
        .collect();
    drawing
}

/// Where a fault sits: a part, and the distance from the pump \[cm\] or the place of a level.
fn place(scenario: &Scenario, id: &str) -> (&'static str, f64) {
    let Some(fault) = scenario.faults.iter().find(|f| f.id == id) else {
        // An empty reservoir, or a fault that came by chance and has its kind for a name.
        let part = match id.split('.').next() {
            Some("catheter") => "tip",
            Some("complication") => "patient",
            _ => "pump",
        };
        return (part, 0.0);
    };
    let number = |name: &str| match fault.values.get(name) {
        Some(Value::Number(x)) => Some(*x),
        _ => None,
    };
    let level = |name: &str| match fault.values.get(name) {
        Some(Value::Text(word)) => word.parse::<crate::signals::Level>().ok(),
        _ => None,
    };
    match fault.kind.split_once('.') {
        Some(("pump", _)) => ("pump", 0.0),
        Some(("complication", _)) => ("patient", 0.0),
        Some(("catheter", kind)) => {
            if let Some(cm) = number("position") {
                ("catheter", cm)
            } else if let Some(level) = level("to").or_else(|| level("level")) {
                ("level", level.index() as f64)
            } else if kind.starts_with("connector") || kind.starts_with("disconnect") {
                ("catheter", 0.0)
            } else {
                ("tip", scenario.catheter.length)
            }
        }
        _ => ("patient", 0.0),
    }
}
