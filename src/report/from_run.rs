//! From a finished run to the plain rows that reports are made from.

use crate::scenario::model::{Action, Fault, Scenario, Story, Trigger};
use crate::simulation::{LedgerRow, RunResult};

use super::data::{EventRow, ExpectationRow, Gap, Marker, MarkerKind, Meta, Record, RunData, SymptomRow, Table};
use super::tables::number;

/// Identity of a run beside its scenario.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identity<'a> {
    /// Arm, or empty.
    pub arm: &'a str,
    /// Seed of the run.
    pub seed: u64,
    /// Replicate within the seed.
    pub replicate: u64,
}

/// Gathers what a report needs of one run.
pub fn run_data(story: &Story, scenario: &Scenario, identity: Identity<'_>, run: &RunResult) -> RunData {
    let table = Table {
        columns: run.columns.clone(),
        rows: run.rows.clone(),
    };
    RunData {
        meta: Meta {
            title: scenario.title.clone(),
            scenario: story.name.clone(),
            arm: identity.arm.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario_hash: story.hash.clone(),
            seed: identity.seed,
            replicate: identity.replicate,
            draw: scenario.uncertain.as_ref().map(|u| u.draw),
            fingerprint: format!("{:016x}", run.fingerprint),
            outcome: match &run.outcome.cause {
                Some(cause) => format!("dead: {cause}"),
                None => run.outcome.status.to_owned(),
            },
            ledger_residual: run.ledger_residual,
            hazard: scenario.hazard.clone(),
            sources: scenario.sources.clone(),
            duration_h: run.outcome.ended_h,
            files: Vec::new(),
        },
        belief: Gap::at_end(&table),
        outcomes: Some(run.outcomes.clone()),
        records: vec![alarms(run), device_log(run), visits(run), outcomes(run)],
        table,
        trajectory: Table {
            columns: run.columns.clone(),
            rows: run.trajectory.clone(),
        },
        events: run
            .events
            .iter()
            .map(|e| EventRow {
                event_id: e.event_id,
                time_h: e.time_h,
                phase: e.phase.clone(),
                component: e.component.clone(),
                kind: e.kind.clone(),
                detail: e.detail.clone(),
                caused_by: (e.caused_by != 0).then_some(e.caused_by),
            })
            .collect(),
        symptoms: run
            .symptoms
            .iter()
            .map(|s| SymptomRow {
                symptom: s.symptom.clone(),
                words: s.words.clone(),
                syndrome: s.syndrome.clone(),
                onset_h: s.onset_h,
                resolved_h: s.resolved_h,
                severity: number(s.severity),
                caused_by: (s.caused_by != 0).then_some(s.caused_by),
            })
            .collect(),
        ledger: ledger(&run.ledger),
        drug_ledgers: run
            .drug_ledgers
            .iter()
            .map(|(id, rows)| (id.clone(), ledger(rows)))
            .collect(),
        markers: markers(scenario, run),
        expectations: run
            .expectations
            .iter()
            .map(|v| ExpectationRow {
                claim: v.claim.clone(),
                met: v.met,
                found: v.found.clone(),
                window: String::new(),
                source: v.source.clone(),
            })
            .collect(),
    }
}

fn optional(value: Option<f64>) -> String {
    value.map(number).unwrap_or_default()
}

/// `alarms.csv`.
fn alarms(run: &RunResult) -> Record {
    Record {
        file: "alarms.csv",
        columns: &[
            "alarm",
            "class",
            "priority",
            "raised_h",
            "silenced_h",
            "cleared_h",
            "tones",
            "heard_h",
            "heard_tone",
        ],
        rows: run
            .alarms
            .iter()
            .map(|a| {
                vec![
                    a.alarm.clone(),
                    a.class.clone(),
                    a.priority.clone(),
                    number(a.raised_h),
                    optional(a.silenced_h),
                    optional(a.cleared_h),
                    a.tones.to_string(),
                    optional(a.heard_h),
                    a.heard_tone.map(|n| n.to_string()).unwrap_or_default(),
                ]
            })
            .collect(),
    }
}

/// `device_log.csv`.
fn device_log(run: &RunResult) -> Record {
    Record {
        file: "device_log.csv",
        columns: &["time_h", "entry", "class", "priority"],
        rows: run
            .device_log
            .iter()
            .map(|e| vec![number(e.time_h), e.entry.clone(), e.class.clone(), e.priority.clone()])
            .collect(),
    }
}

/// `visits.csv`.
fn visits(run: &RunResult) -> Record {
    Record {
        file: "visits.csv",
        columns: &[
            "time_h",
            "visit",
            "expected_ml",
            "aspirated_ml",
            "injected_ml",
            "discrepancy_ml",
            "percent",
            "verdict",
        ],
        rows: run
            .visits
            .iter()
            .map(|v| {
                vec![
                    number(v.time_h),
                    v.visit.clone(),
                    number(v.expected_ml),
                    optional(v.aspirated_ml),
                    number(v.injected_ml),
                    optional(v.discrepancy_ml),
                    optional(v.percent),
                    v.verdict.clone(),
                ]
            })
            .collect(),
    }
}

/// `outcomes.csv`: one line an outcome, empty where it did not come to that.
fn outcomes(run: &RunResult) -> Record {
    Record {
        file: "outcomes.csv",
        columns: &["outcome", "value"],
        rows: run
            .outcomes
            .rows()
            .into_iter()
            .map(|(name, value)| vec![name.to_owned(), optional(value)])
            .collect(),
    }
}

fn ledger(rows: &[LedgerRow]) -> Table {
    let columns = [
        "time_h",
        "filled_ug",
        "reservoir_ug",
        "catheter_ug",
        "delivered_ug",
        "leaked_ug",
        "aspirated_ug",
        "given_ug",
        "initial_ug",
        "body_ug",
        "eliminated_ug",
        "residual",
    ];
    Table {
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows
            .iter()
            .map(|r| {
                vec![
                    r.time_h,
                    r.filled_ug,
                    r.reservoir_ug,
                    r.catheter_ug,
                    r.delivered_ug,
                    r.leaked_ug,
                    r.aspirated_ug,
                    r.given_ug,
                    r.initial_ug,
                    r.body_ug,
                    r.eliminated_ug,
                    r.residual,
                ]
            })
            .collect(),
    }
}

/// What figures point at: faults as spans, acts, alarms, emptiness, death.
fn markers(scenario: &Scenario, run: &RunResult) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut mark = |time_h: f64, end_h: Option<f64>, label: String, kind: MarkerKind| {
        markers.push(Marker {
            time_h,
            end_h,
            label,
            kind,
        });
    };
    for e in &run.events {
        let (room, id) = e.component.split_once('.').unwrap_or((e.component.as_str(), ""));
        match (room, e.kind.as_str()) {
            ("fault", "start") => {
                let end = run
                    .events
                    .iter()
                    .find(|o| o.component == e.component && o.kind == "end")
                    .map_or(run.outcome.ended_h, |o| o.time_h);
                mark(e.time_h, Some(end), fault_words(scenario, id), MarkerKind::Fault);
            }
            ("pump", "empty") => mark(e.time_h, None, "reservoir empty".into(), MarkerKind::Fault),
            ("action", "done") => {
                let Some(step) = scenario.actions.iter().find(|a| a.id == id) else {
                    continue;
                };
                let kind = match &step.action {
                    Action::Refill { pocket_share, .. } if *pocket_share > 0.0 => MarkerKind::Fault,
                    Action::Refill { .. } => MarkerKind::Refill,
                    _ => MarkerKind::Action,
                };
                let mut label = id.replace(['-', '_'], " ");
                if step.action == Action::MissedRefill {
                    label.push_str(": missed");
                }
                mark(e.time_h, None, label, kind);
            }
            ("programme", "start") if e.time_h > 0.0 => {
                mark(e.time_h, None, format!("programme: {}", e.detail), MarkerKind::Action);
            }
            ("alarm", "raised") => mark(e.time_h, None, id.replace('_', " "), MarkerKind::Alarm),
            ("alarm", "heard") => mark(
                e.time_h,
                None,
                format!("heard: {}", id.replace('_', " ")),
                MarkerKind::Alarm,
            ),
            ("patient", "death") => mark(e.time_h, None, "death".into(), MarkerKind::Outcome),
            _ => {}
        }
    }
    markers
}

fn fault_words(scenario: &Scenario, id: &str) -> String {
    let Some(fault) = scenario.faults.iter().find(|f: &&Fault| f.id == id) else {
        return id.to_owned();
    };
    let kind = fault.kind.replace(['.', '_'], " ");
    match fault.trigger {
        Trigger::At(_) | Trigger::Drawn(_) | Trigger::Arises(_) => kind,
        Trigger::When(_) | Trigger::Hazard { .. } => format!("{kind} ({id})"),
    }
}
