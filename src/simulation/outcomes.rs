//! What a run meant for the patient: control, withdrawal, hospital, tests, delays.
//!
//! Everything here is counted from what the run wrote down, by sample where a signal is
//! meant: time in good control is known to one sampling interval.

use serde::Serialize;

use crate::care::diagnostics::{self, Lesion};
use crate::care::signs;
use crate::response::Syndrome;
use crate::scenario::model::{Action, ActionStep, Scenario};

use super::result::{EventRow, RunResult, SymptomRow};

/// Outcomes of one run. Times are hours, `None` where it did not come to that.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Outcomes {
    /// Time with Ashworth, spasms and wakefulness within the goals \[h\].
    pub good_control_h: f64,
    /// The same as a share of the run \[%\].
    pub good_control_percent: f64,
    /// Time with any sign of withdrawal \[h\].
    pub withdrawal_h: f64,
    /// Time with any sign of overdose other than weakness \[h\].
    pub overdose_h: f64,
    /// Highest grade of withdrawal \[0-5\].
    pub worst_withdrawal_grade: u8,
    /// Highest grade of overdose \[0-5\].
    pub worst_overdose_grade: u8,
    /// Days in hospital: admissions, tests and operations \[d\].
    pub hospital_days: f64,
    /// Of these, in intensive care \[d\].
    pub icu_days: f64,
    /// Diagnostic tests done.
    pub tests: u32,
    /// Of these, done while nothing was wrong or after the diagnosis was made.
    pub unnecessary_tests: u32,
    /// Rises of the dose while a fault of delivery was there.
    pub escalations_against_fault: u32,
    /// Operations, explorations included.
    pub operations: u32,
    /// Complications of surgery and hardware.
    pub complications: u32,
    /// Time with any of them \[h\].
    pub complication_h: f64,
    /// Operations for a fault of delivery while there was none, but a complication.
    pub operations_against_complication: u32,
    /// Boluses that the patient asked the pump for and got.
    pub boluses_granted: u32,
    /// Boluses that the patient asked the pump for and did not get.
    pub boluses_refused: u32,
    /// Whether the patient died.
    pub died: bool,
    /// First fault, or refill that went wrong \[h\].
    pub fault_h: Option<f64>,
    /// From there to the first sign of withdrawal or overdose \[h\].
    pub to_symptom_h: Option<f64>,
    /// From there until somebody suspected a fault \[h\].
    pub to_suspicion_h: Option<f64>,
    /// From there to the diagnosis \[h\].
    pub to_diagnosis_h: Option<f64>,
    /// From there until it was mended \[h\].
    pub to_repair_h: Option<f64>,
}

impl Outcomes {
    /// Name and value of every outcome, in the order of `outcomes.csv`; empty is "did not happen".
    pub fn rows(&self) -> Vec<(&'static str, Option<f64>)> {
        vec![
            ("good_control_h", Some(self.good_control_h)),
            ("good_control_percent", Some(self.good_control_percent)),
            ("withdrawal_h", Some(self.withdrawal_h)),
            ("overdose_h", Some(self.overdose_h)),
            ("worst_withdrawal_grade", Some(f64::from(self.worst_withdrawal_grade))),
            ("worst_overdose_grade", Some(f64::from(self.worst_overdose_grade))),
            ("hospital_days", Some(self.hospital_days)),
            ("icu_days", Some(self.icu_days)),
            ("tests", Some(f64::from(self.tests))),
            ("unnecessary_tests", Some(f64::from(self.unnecessary_tests))),
            (
                "escalations_against_fault",
                Some(f64::from(self.escalations_against_fault)),
            ),
            ("operations", Some(f64::from(self.operations))),
            ("complications", Some(f64::from(self.complications))),
            ("complication_h", Some(self.complication_h)),
            (
                "operations_against_complication",
                Some(f64::from(self.operations_against_complication)),
            ),
            ("boluses_granted", Some(f64::from(self.boluses_granted))),
            ("boluses_refused", Some(f64::from(self.boluses_refused))),
            ("died", Some(f64::from(u8::from(self.died)))),
            ("fault_h", self.fault_h),
            ("to_symptom_h", self.to_symptom_h),
            ("to_suspicion_h", self.to_suspicion_h),
            ("to_diagnosis_h", self.to_diagnosis_h),
            ("to_repair_h", self.to_repair_h),
        ]
    }
}

/// Total length of the union of spans \[h\].
fn union(mut spans: Vec<(f64, f64)>) -> f64 {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut total, mut reach) = (0.0, f64::NEG_INFINITY);
    for (from, to) in spans {
        let from = from.max(reach);
        if to > from {
            total += to - from;
            reach = to;
        }
    }
    total
}

/// The event of this number; events stand in the order in which they fired, which is that of their numbers.
fn event(run: &RunResult, id: u64) -> Option<&EventRow> {
    let place = run.events.binary_search_by_key(&id, |e| e.event_id);
    place.ok().map(|place| &run.events[place])
}

/// Counts the outcomes of a run; `orders` are the acts that policies ordered.
pub(super) fn count(scenario: &Scenario, orders: &[ActionStep], run: &RunResult) -> Outcomes {
    let end = run.outcome.ended_h;
    let acts = || scenario.actions.iter().chain(orders);
    // What a complication brings is no sign of the drug, however alike they look.
    let owed = |s: &SymptomRow| {
        // Past the levels of the symptom itself.
        let of = |id: u64| event(run, id);
        let mut cause = of(s.caused_by);
        while let Some(e) = cause.filter(|e| e.component.starts_with("symptom.")) {
            cause = of(e.caused_by);
        }
        cause.is_some_and(|e| ailment(scenario, e))
    };
    let of = |syndrome: Syndrome| {
        run.symptoms
            .iter()
            .filter(move |s| signs::syndrome(&s.symptom) == Some(syndrome) && !owed(s))
    };
    let time = |symptoms: &mut dyn Iterator<Item = &SymptomRow>| {
        union(symptoms.map(|s| (s.onset_h, s.resolved_h.unwrap_or(end))).collect())
    };
    let worst = |syndrome| of(syndrome).map(|s| signs::grade(&s.symptom)).max().unwrap_or(0);
    let good = good_control(scenario, run, end);

    let fault = first_trouble(scenario, run);
    let since = |found: Option<f64>| Some(found? - fault?);
    let first_after = |wanted: &dyn Fn(&EventRow) -> bool| {
        let from = fault?;
        run.events
            .iter()
            .find(|e| e.time_h >= from && wanted(e))
            .map(|e| e.time_h)
    };
    let care = |kind: &'static str| move |e: &EventRow| e.component.starts_with("care.") && e.kind == kind;
    let diagnosis = first_after(&care("diagnosed"));
    let repair = first_after(&|e| e.component.starts_with("fault.") && e.kind == "end")
        .or_else(|| first_after(&care("repaired")));

    // What comes after the repair is no sign of the fault.
    let symptom = fault.and_then(|from| {
        let own = run.symptoms.iter().filter(|s| owed(s));
        let ill = of(Syndrome::Withdrawal).chain(of(Syndrome::Overdose)).chain(own);
        let until = repair.unwrap_or(end);
        ill.map(|s| s.onset_h)
            .filter(|t| (from..=until).contains(t))
            .min_by(f64::total_cmp)
    });

    let (tests, unnecessary, test_days) = tests(scenario, run, end);
    let operations: Vec<&EventRow> = run.events.iter().filter(|e| care("operation")(e)).collect();
    let explorations = run
        .events
        .iter()
        .filter(|e| care("test")(e) && diagnostics::named("exploration").is_some_and(|t| e.detail == t.words))
        .count();
    // An exploration goes on to the repair: one operation.
    let explored = |e: &&&EventRow| {
        let same = |o: &EventRow| o.time_h == e.time_h && o.kind == "exploration_abnormal";
        run.events.iter().any(same)
    };
    let own = operations.iter().filter(|e| !explored(e));
    let repair_days: f64 = own
        .clone()
        .map(|e| {
            let lesion = e
                .detail
                .trim_start_matches("no ")
                .trim_end_matches(" found")
                .replace(' ', "_");
            let pump = Lesion::named(&lesion).is_some_and(Lesion::of_pump);
            let p = &scenario.parameters;
            if pump {
                p.get("care.repair.days_pump")
            } else {
                p.get("care.repair.days_catheter")
            }
        })
        .sum();

    Outcomes {
        good_control_h: good,
        good_control_percent: if end > 0.0 { 100.0 * good / end } else { 0.0 },
        withdrawal_h: time(&mut of(Syndrome::Withdrawal)),
        overdose_h: time(&mut of(Syndrome::Overdose).filter(|s| !s.symptom.starts_with("hypotonia"))),
        worst_withdrawal_grade: worst(Syndrome::Withdrawal),
        worst_overdose_grade: worst(Syndrome::Overdose),
        hospital_days: union(stays(run, end, ADMITTED)) / 24.0 + test_days + repair_days,
        icu_days: union(stays(run, end, INTENSIVE)) / 24.0,
        tests,
        unnecessary_tests: unnecessary,
        escalations_against_fault: escalations(acts(), scenario, run),
        operations: u32::try_from(own.count() + explorations).unwrap_or(u32::MAX),
        complications: u32::try_from(
            run.events
                .iter()
                .filter(|e| e.kind == "start" && ailment(scenario, e))
                .count(),
        )
        .unwrap_or(u32::MAX),
        complication_h: union(faulty(run, end, &|id| ill(scenario, id))),
        operations_against_complication: in_vain(scenario, run, end),
        boluses_granted: answers(run, "bolus_granted"),
        boluses_refused: answers(run, "bolus_refused"),
        died: run.outcome.cause.is_some(),
        fault_h: fault,
        to_symptom_h: since(symptom),
        to_suspicion_h: since(first_after(&care("suspected"))),
        to_diagnosis_h: since(diagnosis),
        to_repair_h: since(repair),
    }
}

/// How often the pump answered a demand of the patient in this way.
fn answers(run: &RunResult, kind: &str) -> u32 {
    let of = |e: &&EventRow| e.kind == kind && e.component == "pump";
    u32::try_from(run.events.iter().filter(of).count()).unwrap_or(u32::MAX)
}

/// Time within the goals, each sample standing for the time up to the next \[h\].
fn good_control(scenario: &Scenario, run: &RunResult, end: f64) -> f64 {
    let at = |name: &str| run.columns.iter().position(|c| c == name);
    let (Some(legs), Some(spasms), Some(gcs)) = (at("ashworth_legs"), at("spasm_score"), at("gcs")) else {
        return 0.0;
    };
    let p = &scenario.parameters;
    let (most, often, awake) = (
        p.get("care.outcome.ashworth"),
        p.get("care.outcome.spasm"),
        p.get("care.outcome.gcs"),
    );
    let mut total = 0.0;
    for (i, row) in run.rows.iter().enumerate() {
        let until = run.rows.get(i + 1).map_or(end, |r| r[0]).min(end);
        if row[legs] <= most && row[spasms] <= often && row[gcs] >= awake {
            total += (until - row[0]).max(0.0);
        }
    }
    total
}

/// The first fault, missed refill, or refill that was wrong \[h\].
fn first_trouble(scenario: &Scenario, run: &RunResult) -> Option<f64> {
    let wrong = |id: &str| {
        scenario.actions.iter().any(|a| {
            a.id == id
                && match &a.action {
                    Action::MissedRefill | Action::EnterVolume { .. } => true,
                    Action::Refill {
                        concentration,
                        label,
                        pocket_share,
                        others,
                        ..
                    } => {
                        let counted = match (scenario.pump.primary, others) {
                            (Some(index), Some(others)) => others.get(index),
                            // A syringe by the book.
                            (Some(_), None) => *label,
                            (None, _) => *concentration,
                        };
                        counted != *label || *pocket_share > 0.0
                    }
                    _ => false,
                }
        })
    };
    let trouble = |e: &&EventRow| match e.component.split_once('.') {
        Some(("fault", _)) => e.kind == "start",
        Some(("action", id)) => e.kind == "done" && wrong(id),
        Some(("programme", id)) => scenario.programme.iter().any(|p| p.id == id && p.prescribed.is_some()),
        // A missed test is no trouble of the therapy; a missed refill is.
        Some(("care", _)) => e.kind == "missed" && e.detail == crate::care::REFILL_VISIT,
        _ => e.component == "pump" && e.kind == "empty",
    };
    run.events.iter().find(trouble).map(|e| e.time_h)
}

/// Spans in which a fault was there \[h\].
fn faulty(run: &RunResult, end: f64, which: &dyn Fn(&str) -> bool) -> Vec<(f64, f64)> {
    let starts = run.events.iter().filter(|e| e.kind == "start");
    starts
        .filter_map(|e| {
            let id = e.component.strip_prefix("fault.")?;
            if !which(id) {
                return None;
            }
            let over = |o: &&EventRow| o.component == e.component && o.kind == "end" && o.event_id > e.event_id;
            Some((e.time_h, run.events.iter().find(over).map_or(end, |o| o.time_h)))
        })
        .collect()
}

/// Whether a fault is a complication; one that came by chance has its kind as id.
fn ill(scenario: &Scenario, id: &str) -> bool {
    let kind = scenario
        .faults
        .iter()
        .find(|f| f.id == id)
        .map_or(id, |f| f.kind.as_str());
    Lesion::of_kind(kind).is_complication()
}

/// Whether an event is one of a complication.
fn ailment(scenario: &Scenario, e: &EventRow) -> bool {
    e.component.strip_prefix("fault.").is_some_and(|id| ill(scenario, id))
}

/// Operations that looked for a fault of delivery while only a complication was there.
fn in_vain(scenario: &Scenario, run: &RunResult, end: f64) -> u32 {
    let faults = faulty(run, end, &|id| !ill(scenario, id));
    let complications = faulty(run, end, &|id| ill(scenario, id));
    let explores = diagnostics::named("exploration").map(|t| t.words);
    let count = run.events.iter().filter(|e| {
        let at = |spans: &[(f64, f64)]| spans.iter().any(|(from, to)| (*from..*to).contains(&e.time_h));
        let explored = e.kind == "test" && explores.is_some_and(|words| e.detail == words);
        // Another course for a catheter that hurts is what it needs.
        let operated = e.kind == "operation" && !e.detail.starts_with("hardware pain");
        e.component.starts_with("care.") && (explored || operated) && at(&complications) && !at(&faults)
    });
    u32::try_from(count.count()).unwrap_or(u32::MAX)
}

/// Tests done, those that could not help, and days in hospital for them.
fn tests(scenario: &Scenario, run: &RunResult, end: f64) -> (u32, u32, f64) {
    let faults = faulty(run, end, &|_| true);
    let trouble = first_trouble(scenario, run);
    let (mut done, mut idle, mut days) = (0, 0, 0.0);
    let mut diagnosed = false;
    let stays = stays(run, end, ADMITTED);
    for e in run.events.iter().filter(|e| e.component.starts_with("care.")) {
        match e.kind.as_str() {
            "diagnosed" => diagnosed = true,
            "repaired" | "nothing_found" | "suspected" => diagnosed = false,
            "test" => {
                done += 1;
                let inside = |spans: &[(f64, f64)]| spans.iter().any(|(from, to)| (*from..*to).contains(&e.time_h));
                // A wrong refill or an empty pump is no fault with an end of its own.
                let other = faults.is_empty() && trouble.is_some_and(|t| t <= e.time_h);
                if diagnosed || !(inside(&faults) || other) {
                    idle += 1;
                }
                if let Some(test) = diagnostics::TESTS.iter().find(|t| t.words == e.detail)
                    && !inside(&stays)
                {
                    days += diagnostics::number(&scenario.parameters, test.name, "days").unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    (done, idle, days)
}

/// Events in and out of hospital.
const ADMITTED: (&str, &str) = ("admitted", "discharged");
/// Events in and out of intensive care.
const INTENSIVE: (&str, &str) = ("intensive_care", "left_intensive_care");

/// Spans between two kinds of event of one policy, such as [`ADMITTED`] \[h\].
fn stays(run: &RunResult, end: f64, (enter, leave): (&str, &str)) -> Vec<(f64, f64)> {
    let admitted = run.events.iter().filter(|e| e.kind == enter);
    admitted
        .map(|e| {
            let out = |o: &&EventRow| o.component == e.component && o.kind == leave && o.event_id > e.event_id;
            (e.time_h, run.events.iter().find(out).map_or(end, |o| o.time_h))
        })
        .collect()
}

/// Rises of the dose while delivery was at fault.
fn escalations<'a>(acts: impl Iterator<Item = &'a ActionStep>, scenario: &Scenario, run: &RunResult) -> u32 {
    let mut rises: Vec<&str> = acts
        .filter(|a| matches!(a.action, Action::ScaleDose { factor } if factor > 1.0))
        .map(|a| a.id.as_str())
        .collect();
    rises.sort_unstable();
    rises.dedup();
    let delivery = |id: &str| {
        let fault = scenario.faults.iter().find(|f| f.id == id);
        fault.is_some_and(|f| {
            let lesion = Lesion::of_kind(&f.kind);
            lesion != Lesion::OverInfusion && !lesion.is_complication()
        })
    };
    let faults = faulty(run, run.outcome.ended_h, &delivery);
    let against = run.events.iter().filter(|e| {
        let raised = e
            .component
            .strip_prefix("action.")
            .is_some_and(|id| rises.binary_search(&id).is_ok());
        raised && e.kind == "done" && faults.iter().any(|(from, to)| (*from..*to).contains(&e.time_h))
    });
    u32::try_from(against.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_overlap_count_once() {
        assert_eq!(union(vec![(4.0, 6.0), (1.0, 3.0), (2.0, 5.0), (8.0, 8.0)]), 5.0);
        assert_eq!(union(Vec::new()), 0.0);
    }
}
