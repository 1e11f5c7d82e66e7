//! Faults, alarms and symptoms with their lengths.

use crate::report::{MarkerKind, RunData};
use crate::scenario::model::Scenario;
use crate::simulation::RunResult;

use super::data::{Bar, BarKind};
use super::thin::time;
use super::words;

/// All bars of a run: faults, alarms, symptoms, each by begin and name.
pub(super) fn bars(scenario: &Scenario, run: &RunResult, data: &RunData) -> Vec<Bar> {
    let mut bars = Vec::new();
    for e in run.events.iter().filter(|e| e.kind == "start") {
        let Some(id) = e.component.strip_prefix("fault.") else {
            continue;
        };
        let end =
            |o: &&crate::simulation::EventRow| o.component == e.component && o.kind == "end" && o.event_id > e.event_id;
        bars.push(Bar {
            kind: BarKind::Fault,
            name: id.to_owned(),
            words: words::fault(scenario, id),
            group: "fault".to_owned(),
            from: time(e.time_h),
            to: run.events.iter().find(end).map(|o| time(o.time_h)),
            heard: None,
            note: e.detail.clone(),
        });
    }
    // An empty reservoir is no fault of the scenario, but it is one to the patient.
    let empty = |m: &&crate::report::Marker| m.kind == MarkerKind::Fault && m.label == "reservoir empty";
    for m in data.markers.iter().filter(empty) {
        let filled = |o: &&crate::report::Marker| o.kind == MarkerKind::Refill && o.time_h > m.time_h;
        bars.push(Bar {
            kind: BarKind::Fault,
            name: "empty".to_owned(),
            words: m.label.clone(),
            group: "fault".to_owned(),
            from: time(m.time_h),
            to: data.markers.iter().find(filled).map(|o| time(o.time_h)),
            heard: None,
            note: String::new(),
        });
    }
    for a in &run.alarms {
        let over = match (a.silenced_h, a.cleared_h) {
            (Some(s), Some(c)) => Some(s.min(c)),
            (one, other) => one.or(other),
        };
        let heard = match a.heard_h {
            Some(at) => format!("heard after {}", crate::report::text::span(at - a.raised_h)),
            None => "heard by nobody".to_owned(),
        };
        bars.push(Bar {
            kind: BarKind::Alarm,
            name: a.alarm.clone(),
            words: words::plain(&a.alarm),
            group: a.class.clone(),
            from: time(a.raised_h),
            to: over.map(time),
            heard: a.heard_h.map(time),
            note: format!("{}, {} priority by IEC 60601-1-8; {heard}", a.class, a.priority),
        });
    }
    for s in &run.symptoms {
        bars.push(Bar {
            kind: BarKind::Symptom,
            name: s.symptom.clone(),
            words: s.words.clone(),
            group: s.syndrome.clone(),
            from: time(s.onset_h),
            to: s.resolved_h.map(time),
            heard: None,
            note: format!("at worst {}", crate::simulation::words::number(s.severity)),
        });
    }
    bars.sort_by(|a, b| {
        let of = |b: &Bar| match b.kind {
            BarKind::Fault => 0,
            BarKind::Alarm => 1,
            BarKind::Symptom => 2,
        };
        of(a)
            .cmp(&of(b))
            .then(a.from.total_cmp(&b.from))
            .then_with(|| a.name.cmp(&b.name))
    });
    bars
}
