//! Events in words.

use crate::response::all_symptoms;
use crate::scenario::model::{Action, Fault, Scenario};
use crate::simulation::EventRow;

/// Words made from a name of the program.
pub(super) fn plain(name: &str) -> String {
    name.replace(['.', '_', '-'], " ")
}

/// A fault in words, such as "catheter kink", with its id where that says more.
pub(super) fn fault(scenario: &Scenario, id: &str) -> String {
    let found = scenario.faults.iter().find(|f: &&Fault| f.id == id);
    let kind = found.map_or_else(|| plain(id), |f| plain(&f.kind));
    let same = kind.split(' ').any(|word| plain(id).contains(word));
    if same { kind } else { format!("{kind} ({id})") }
}

/// A symptom in words.
pub(super) fn symptom(name: &str) -> String {
    let found = all_symptoms().find(|s| s.name == name);
    found.map_or_else(|| plain(name), |s| s.words.to_owned())
}

/// An event in words, without its particulars.
pub(super) fn event(scenario: &Scenario, e: &EventRow) -> String {
    named(scenario, &e.component, &e.kind)
}

/// As [`event`], by component and kind.
pub(super) fn named(scenario: &Scenario, component: &str, kind: &str) -> String {
    let (room, id) = component.split_once('.').unwrap_or((component, ""));
    match (room, kind) {
        ("fault", "start") => format!("{} begins", fault(scenario, id)),
        ("fault", "end") => format!("{} ends", fault(scenario, id)),
        ("fault", "full") => format!("{} is complete", fault(scenario, id)),
        ("fault", "progress") => format!("{} grows", fault(scenario, id)),
        ("fault", "on") => format!("{} is back", fault(scenario, id)),
        ("fault", "off") => format!("{} pauses", fault(scenario, id)),
        ("pump", "empty") => "the reservoir is empty".to_owned(),
        ("pump", "low_reservoir") => "the pump computes a low reservoir".to_owned(),
        ("pump", "rate_changed") => "the pump changes its rate".to_owned(),
        ("delivery", "stopped") => "delivery stops".to_owned(),
        ("delivery", "fell") => "delivery falls".to_owned(),
        ("delivery", "rose") => "delivery rises".to_owned(),
        ("delivery", "restored") => "delivery is restored".to_owned(),
        ("catheter", "front") => "what follows in the catheter reaches the tip".to_owned(),
        ("symptom", "entered") => format!("{}: its signal passes the level", symptom(id)),
        ("symptom", "cleared") => format!("{}: its signal returns", symptom(id)),
        ("symptom", "onset") => format!("{}: begins", symptom(id)),
        ("symptom", "resolved") => format!("{}: is over", symptom(id)),
        ("alarm", "raised") => format!("alarm: {}", plain(id)),
        ("alarm", "heard") => format!("the {} alarm is heard", plain(id)),
        ("alarm", "cleared") => format!("the {} alarm ends", plain(id)),
        ("alarm", "silenced") => format!("the {} alarm is silenced", plain(id)),
        ("action", "done") if missed(scenario, id) => format!("{}: nobody comes", plain(id)),
        ("action", "done") => plain(id),
        ("action", "over") => format!("{}: over", plain(id)),
        ("action", other) => format!("{}: {}", plain(id), plain(other)),
        ("programme", "start") => format!("programme {}", plain(id)),
        ("care", other) => format!("{}: {}", plain(id), plain(other)),
        ("patient", "death") => "the patient dies".to_owned(),
        ("", other) => plain(other),
        (_, other) => format!("{} {}", plain(component), plain(other)),
    }
}

/// Whether an act is a refill at which nobody came.
pub(super) fn missed(scenario: &Scenario, id: &str) -> bool {
    let mut acts = scenario.actions.iter();
    acts.any(|a| a.id == id && a.action == Action::MissedRefill)
}

/// An element that a run can leave out, in words.
pub(super) fn element(scenario: &Scenario, element: &str) -> String {
    match element.split_once('.') {
        Some(("fault", id)) => format!("without the {}", fault(scenario, id)),
        Some(("action", id)) if missed(scenario, id) => format!("had {} been done as planned", plain(id)),
        Some(("action", id)) => format!("without the act \"{}\"", plain(id)),
        Some(("programme", id)) => format!("without the programme \"{}\"", plain(id)),
        Some(("care", id)) => format!("without the policy \"{}\"", plain(id)),
        _ => format!("without {element}"),
    }
}

/// The first letter large.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
