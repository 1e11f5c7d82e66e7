//! Events that a reader should see, with what led to them.

use crate::scenario::model::{Claim, Scenario};
use crate::simulation::{EventRow, RunResult};

use super::thin::time;
use super::words;

use super::data::Mark;

/// Marks of one run beyond which only the weightier kinds stay.
pub(super) const MOST_MARKS: usize = 400;

/// Kinds from the most to the least telling.
const WEIGHT: [&str; 8] = [
    "death", "fault", "refill", "act", "alarm", "symptom", "delivery", "seen",
];

/// What kind of mark an event makes, if it makes one.
fn kind(scenario: &Scenario, e: &EventRow) -> Option<&'static str> {
    let (room, id) = e.component.split_once('.').unwrap_or((e.component.as_str(), ""));
    match (room, e.kind.as_str()) {
        ("patient", "death") => Some("death"),
        ("fault", "start" | "end" | "full") | ("pump", "empty") => Some("fault"),
        ("action", "done") if words::missed(scenario, id) => Some("fault"),
        ("action", "done") if is_refill(scenario, id) => Some("refill"),
        ("action", "done") => Some("act"),
        ("programme", "start") => Some("act"),
        ("alarm", "raised" | "heard") => Some("alarm"),
        ("symptom", "onset" | "resolved") => Some("symptom"),
        ("delivery", _) => Some("delivery"),
        ("care", "start" | "timer" | "rise" | "probe" | "read" | "charted") => None,
        ("care", _) => Some("seen"),
        _ => None,
    }
}

/// Whether an act fills the pump: one of the scenario, or one that a policy ordered.
pub(super) fn is_refill(scenario: &Scenario, id: &str) -> bool {
    use crate::scenario::model::Action;
    match scenario.actions.iter().find(|a| a.id == id) {
        Some(step) => matches!(step.action, Action::Refill { .. } | Action::Implant { .. }),
        None => id.rsplit('.').next().is_some_and(|act| act.starts_with("refill")),
    }
}

/// The marks of a run in the order of its events; true if some had to stay out.
pub(super) fn marks(scenario: &Scenario, run: &RunResult) -> (Vec<Mark>, bool) {
    let found: Vec<(&EventRow, &'static str)> = run
        .events
        .iter()
        .filter_map(|e| Some((e, kind(scenario, e)?)))
        .collect();
    let first_fault = found
        .iter()
        .find(|(e, kind)| *kind == "fault" && e.kind != "end")
        .map(|(e, _)| e.time_h);
    let mut kept = WEIGHT.len();
    let count = |kept: usize| found.iter().filter(|(_, k)| WEIGHT[..kept].contains(k)).count();
    while kept > 1 && count(kept) > MOST_MARKS {
        kept -= 1;
    }
    let mut refill: Option<f64> = None;
    let mut marks = Vec::new();
    for (e, kind) in &found {
        let since_refill = refill.map(|at| e.time_h - at);
        if *kind == "refill" {
            refill = Some(e.time_h);
        }
        if !WEIGHT[..kept].contains(kind) || marks.len() >= MOST_MARKS {
            continue;
        }
        marks.push(Mark {
            event: e.event_id,
            t: time(e.time_h),
            kind,
            name: e.name(),
            what: words::event(scenario, e),
            // The particulars of a symptom's begin are its own words again.
            value: if *kind == "symptom" {
                String::new()
            } else {
                e.detail.clone()
            },
            because: because(scenario, run, e),
            source: source(scenario, &e.name()),
            since_fault: first_fault.filter(|at| *at <= e.time_h).map(|at| time(e.time_h - at)),
            since_refill: since_refill.map(time),
        });
    }
    let left_out = marks.len() < found.len();
    (marks, left_out)
}

/// What led to an event, past the levels of a symptom's own signal.
fn because(scenario: &Scenario, run: &RunResult, e: &EventRow) -> String {
    let parent = |e: &EventRow| {
        let at = usize::try_from(e.caused_by).ok()?.checked_sub(1)?;
        run.events.get(at).filter(|p| p.event_id < e.event_id)
    };
    let mut cause = parent(e);
    while let Some(p) = cause.filter(|p| p.component == e.component && matches!(p.kind.as_str(), "entered" | "cleared"))
    {
        cause = parent(p);
    }
    let Some(cause) = cause else {
        return fault_mechanism(scenario, e).unwrap_or_default();
    };
    words::event(scenario, cause)
}

/// How the fault that starts comes about, from its own values.
fn fault_mechanism(scenario: &Scenario, e: &EventRow) -> Option<String> {
    let id = e.component.strip_prefix("fault.")?;
    let fault = scenario.faults.iter().find(|f| f.id == id)?;
    use crate::scenario::model::Trigger;
    Some(
        match &fault.trigger {
            Trigger::At(_) => "the scenario sets it",
            Trigger::When(_) => "its condition came true",
            Trigger::Hazard { .. } | Trigger::Drawn(_) | Trigger::Arises(_) => "chance, by its hazard",
        }
        .to_owned(),
    )
}

/// Who says that this happens, where the scenario expects it.
fn source(scenario: &Scenario, name: &str) -> String {
    let of = |claim: &Claim| match claim {
        Claim::Event { event, .. } => event == name,
        Claim::Never { .. } | Claim::Signal { .. } => false,
    };
    let mut sources: Vec<&str> = Vec::new();
    for e in scenario.expectations.iter().filter(|e| of(&e.claim)) {
        if !sources.contains(&e.source.as_str()) {
            sources.push(&e.source);
        }
    }
    sources.join("; ")
}
