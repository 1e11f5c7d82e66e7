//! The work-up: who suspects a fault, which tests follow, and what is done about it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::diagnostics::{self, Lesion, Outcome};
use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use super::signs;
use crate::response::Syndrome;
use crate::scenario::model::{Action, VisitRule};
use crate::scenario::settings::{Choice, PolicySpec, Settings};
use crate::scenario::steps::{self, Step};

/// A clinic that looks for a fault when signs, tones, a syringe or a useless rise of the
/// dose make it suspect one, test after test, until one names it; then it has it repaired.
///
/// Without a list of its own it follows the published order (Saulino 2016).
#[derive(Debug, Clone, PartialEq)]
pub struct Workup {
    steps: Vec<Step>,
    restore: bool,
    careful: bool,
    prime: bool,
}

/// Where the work-up stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    #[default]
    Idle,
    /// The next test is due at a reminder.
    Waiting,
    Testing,
    Repairing,
    /// Cleared a while ago; nobody looks again so soon.
    Resting,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    stage: Stage,
    /// Place in the list.
    step: usize,
    /// Steps back taken, by place in the list.
    jumps: Vec<u32>,
    urgent: bool,
    overdose: bool,
    alarm: bool,
    discrepancy: bool,
    dry: Option<bool>,
    response: Option<bool>,
    hint: bool,
    abnormal: Option<bool>,
    /// Mended a while ago: signs take time to go, and mean nothing new.
    recovering: bool,
    /// What was looked for in vain.
    excluded: BTreeSet<String>,
    diagnosed: Option<String>,
    /// Rises of the dose of late: when \[h\], and the dose before \[ug/day\].
    raised: Vec<(f64, f64)>,
    /// Dose last seen \[ug/day\].
    seen: Option<f64>,
}

const NEXT: &str = "next test";
const REST: &str = "look again";
const REFILL: &str = "refill";
const DOSE: &str = "restore_dose";

/// Alarms that mean that therapy fails or will.
const ALARMS: &[&str] = &[
    "empty_reservoir",
    "end_of_service",
    "motor_stall",
    "stopped_too_long",
    "memory_error",
    "occlusion",
];

const CHOICES: &[Choice] = &[
    Choice {
        name: steps::KEY,
        words: &[],
        meaning: "tests in the order in which they are tried; left out, the published order",
    },
    Choice {
        name: "after_repair",
        words: &["restore", "keep"],
        meaning: "whether the dose goes back to what it was before it was raised against the fault",
    },
    Choice {
        name: "contrast",
        words: &["after_aspiration", "at_once"],
        meaning: "whether drug is drawn out of the catheter before contrast is injected",
    },
    Choice {
        name: "prime",
        words: &["yes", "no"],
        meaning: "whether a catheter that was opened at an operation is filled with drug again",
    },
];

/// The published order.
fn published() -> Vec<Step> {
    vec![
        Step::plain("history", None),
        Step::plain("interrogation", None),
        Step::plain("refill_check", None),
        Step::plain("x_ray", Some("underdose")),
        Step::plain("rotor_study", None),
        Step::plain("port_aspiration", Some("underdose")),
        Step::plain("dye_study", Some("aspirated")),
        Step::plain("scintigraphy", Some("underdose")),
        Step::plain("lumbar_bolus", Some("underdose")),
        Step::plain("exploration", Some("hint")),
    ]
}

impl Workup {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "workup",
            summary: "look for a fault when there is reason to: tests in order, diagnosis, repair",
            source: "Saulino 2016: best practices for troubleshooting",
            choices: CHOICES,
            acts: &[
                REFILL,
                DOSE,
                "lie_down",
                "get_up",
                "check_reservoir",
                "inject_contrast",
                "prime",
                "test_bolus",
                "repair",
            ],
            flags: &["suspected", "diagnosed", "cleared", "repaired", "nothing_found"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |settings: &Settings| {
            let own = settings.steps.clone();
            running(Workup {
                steps: if own.is_empty() { published() } else { own },
                restore: settings.word("after_repair") == "restore",
                careful: settings.word("contrast") == "after_aspiration",
                prime: settings.word("prime") == "yes",
            })
        },
    };

    fn holds(state: &Memory, condition: &str) -> bool {
        match condition {
            "alarm" => state.alarm,
            "no_alarm" => !state.alarm,
            "underdose" => !state.overdose,
            "overdose" => state.overdose,
            "discrepancy" => state.discrepancy,
            "no_discrepancy" => !state.discrepancy,
            "aspirated" => state.dry == Some(false),
            "dry" => state.dry == Some(true),
            "response" => state.response == Some(true),
            "no_response" => state.response == Some(false),
            "abnormal" => state.abnormal == Some(true),
            "normal" => state.abnormal == Some(false),
            "hint" => state.hint,
            "no_hint" => !state.hint,
            // The loader lets no other word in.
            _ => false,
        }
    }

    fn suspect(state: &mut Memory, place: Place, overdose: bool, why: String, desk: &mut Desk<'_>) {
        let urgent = matches!(place, Place::Emergency | Place::Hospital);
        match state.stage {
            Stage::Idle => {}
            // The emergency room does not wait for an appointment, nor for the last answer.
            Stage::Waiting if urgent && !state.urgent => {
                state.urgent = true;
                Self::next_in(desk.number("emergency_wait"), desk);
                return;
            }
            Stage::Resting if urgent && !state.recovering => {}
            _ => return,
        }
        *state = Memory {
            stage: Stage::Waiting,
            urgent,
            overdose,
            alarm: state.alarm,
            discrepancy: state.discrepancy,
            raised: std::mem::take(&mut state.raised),
            seen: state.seen,
            ..Memory::default()
        };
        desk.order(Order::Cancel { name: REST.to_owned() });
        desk.order(Order::Flag {
            name: "suspected",
            note: why,
        });
        let wait = match place {
            Place::Emergency | Place::Hospital => "emergency_wait",
            Place::Clinic => "clinic_wait",
            Place::Phone => "phone_wait",
        };
        Self::next_in(desk.number(wait), desk);
    }

    fn next_in(after: f64, desk: &mut Desk<'_>) {
        desk.order(Order::Timer {
            name: NEXT.to_owned(),
            after,
        });
    }

    /// Orders the next test whose condition holds, or ends the work-up.
    fn go_on(&self, state: &mut Memory, desk: &mut Desk<'_>) {
        while let Some(step) = self.steps.get(state.step) {
            if step.when.as_deref().is_none_or(|w| Self::holds(state, w)) {
                state.stage = Stage::Testing;
                desk.order(Order::Test {
                    test: step.test.clone(),
                    after: 0.0,
                    careful: self.careful,
                });
                return;
            }
            state.step += 1;
        }
        state.stage = Stage::Resting;
        desk.order(Order::Flag {
            name: "cleared",
            note: if state.hint {
                "no fault found, though something is not as it should be".to_owned()
            } else {
                "no fault found".to_owned()
            },
        });
        desk.order(Order::Timer {
            name: REST.to_owned(),
            after: desk.number("rest"),
        });
    }

    /// Moves on in the list after a test that was done.
    fn advance(&self, state: &mut Memory) {
        let at = state.step;
        state.jumps.resize(self.steps.len(), 0);
        let to = self
            .steps
            .get(at)
            .and_then(|s| steps::target(&self.steps, at, s.then.as_deref()?));
        state.step = match to {
            Some(to) if to > at => to,
            Some(to) if state.jumps[at] < self.steps[at].times => {
                state.jumps[at] += 1;
                to
            }
            _ => at + 1,
        };
    }

    fn learn_result(
        &self,
        state: &mut Memory,
        test: &str,
        outcome: Outcome,
        lesion: Option<&str>,
        desk: &mut Desk<'_>,
    ) {
        let abnormal = outcome == Outcome::Abnormal;
        state.abnormal = Some(abnormal);
        // An empty reservoir speaks for itself, whoever finds it.
        let empty = lesion == Some(Lesion::Empty.as_str());
        let decisive = empty || diagnostics::named(test).is_some_and(|t| t.decisive);
        match test {
            "interrogation" => state.alarm |= abnormal,
            "refill_check" => state.discrepancy = abnormal,
            "port_aspiration" => state.dry = Some(abnormal),
            "lumbar_bolus" if outcome != Outcome::NotDone => state.response = Some(abnormal),
            _ => {}
        }
        if abnormal && !decisive {
            state.hint = true;
        }
        match lesion.filter(|l| abnormal && decisive && !state.excluded.contains(*l)) {
            Some(lesion) => self.diagnose(state, test, lesion, desk),
            None => {
                self.advance(state);
                state.stage = Stage::Waiting;
                let between = if state.urgent { "between_urgent" } else { "between" };
                Self::next_in(desk.number(between), desk);
            }
        }
    }

    fn diagnose(&self, state: &mut Memory, test: &str, lesion: &str, desk: &mut Desk<'_>) {
        state.stage = Stage::Repairing;
        state.diagnosed = Some(lesion.to_owned());
        let words = diagnostics::named(test).map_or(test, |t| t.words);
        desk.order(Order::Flag {
            name: "diagnosed",
            note: format!("{}, by {words}", lesion.replace('_', " ")),
        });
        match Lesion::named(lesion) {
            Some(Lesion::Empty | Lesion::Drug) => desk.order(Order::Act {
                name: REFILL.to_owned(),
                after: desk.number("refill_wait"),
                act: Action::Refill {
                    volume: desk.facts.reservoir_size - desk.facts.low_alarm,
                    concentration: desk.facts.concentration,
                    label: desk.facts.concentration,
                    pocket_share: 0.0,
                    aspirate: true,
                    syringe_error: None,
                    others: None,
                },
            }),
            _ => {
                let wait = if test == "exploration" {
                    0.0
                } else if state.urgent {
                    desk.number("repair_wait_urgent")
                } else {
                    desk.number("repair_wait")
                };
                desk.order(Order::Repair {
                    lesion: lesion.to_owned(),
                    prime: self.prime,
                    after: wait,
                });
            }
        }
    }

    fn repaired(&self, state: &mut Memory, dose: Option<f64>, note: String, desk: &mut Desk<'_>) {
        desk.order(Order::Flag { name: "repaired", note });
        let before = state.raised.first().map(|(_, dose)| *dose);
        if let (true, Some(before), Some(now)) = (self.restore, before, dose)
            && before > 0.0
            && before < now
        {
            desk.order(Order::Act {
                name: DOSE.to_owned(),
                after: 0.0,
                act: Action::ScaleDose { factor: before / now },
            });
        }
        *state = Memory {
            stage: Stage::Resting,
            recovering: true,
            seen: state.seen,
            ..Memory::default()
        };
        desk.order(Order::Timer {
            name: REST.to_owned(),
            after: desk.number("recovery"),
        });
    }

    /// What a visit shows to somebody who keeps a fault in mind.
    fn look(state: &mut Memory, place: Place, found: &Findings, desk: &mut Desk<'_>) {
        state.seen = Some(found.dose);
        if state.stage != Stage::Idle {
            return;
        }
        if let Some(alarm) = found.alarms.iter().find(|a| ALARMS.contains(&a.as_str())) {
            state.alarm = true;
            let why = format!("the pump shows {}", alarm.replace('_', " "));
            Self::suspect(state, place, false, why, desk);
            return;
        }
        Self::complaints(state, place, &found.symptoms, desk);
    }

    fn complaints(state: &mut Memory, place: Place, symptoms: &[String], desk: &mut Desk<'_>) {
        let wanted = desk.number("signs");
        for syndrome in [Syndrome::Overdose, Syndrome::Withdrawal] {
            let overdose = syndrome == Syndrome::Overdose;
            let own: Vec<String> = symptoms
                .iter()
                .filter(|s| signs::syndrome(s) == Some(syndrome) && !signs::is_damage(s))
                .map(|s| s.replace('_', " "))
                .collect();
            // One dangerous sign is enough for anybody.
            if own.len() as f64 >= wanted || signs::worst(symptoms, syndrome) >= 3 {
                let why = format!(
                    "signs of {}: {}",
                    if overdose { "overdose" } else { "withdrawal" },
                    own.join(", ")
                );
                Self::suspect(state, place, overdose, why, desk);
                return;
            }
        }
    }
}

/// The act that reads the reservoir in a work-up.
pub(crate) fn reservoir_check() -> Action {
    Action::CheckReservoir {
        syringe_error: None,
        rule: VisitRule::Refill,
    }
}

impl Policy for Workup {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Timer { name } if name == NEXT && state.stage == Stage::Waiting => self.go_on(state, desk),
            News::Timer { name } if name == REST && state.stage == Stage::Resting => {
                state.stage = Stage::Idle;
                state.recovering = false;
                state.alarm = false;
                state.discrepancy = false;
                state.raised.clear();
            }
            News::Reported {
                place,
                complaints,
                alarms,
                ..
            } => {
                if let Some(alarm) = alarms.iter().find(|a| ALARMS.contains(&a.as_str())) {
                    state.alarm = true;
                    let why = format!("a tone is reported: {}", alarm.replace('_', " "));
                    Self::suspect(state, *place, false, why, desk);
                } else {
                    Self::complaints(state, *place, complaints, desk);
                }
            }
            News::Seen {
                place,
                findings: Some(found),
                ..
            } => Self::look(state, *place, found, desk),
            News::Flag { name, .. } if name == "raised" => {
                let now = desk.now.hours();
                let from = now - desk.number("raises_within");
                state.raised.retain(|(at, _)| *at >= from);
                state.raised.push((now, state.seen.unwrap_or_default()));
                let usual = !desk.facts.established && now < desk.number("settled");
                if !usual && state.raised.len() as f64 >= desk.number("raises") {
                    let why = format!(
                        "the dose was raised {} times in {:.0} days",
                        state.raised.len(),
                        (now - state.raised[0].0) / 24.0
                    );
                    Self::suspect(state, Place::Clinic, false, why, desk);
                }
            }
            // Less will do: what was gained stays gained.
            News::Flag { name, .. } if name == "lowered" => state.raised.clear(),
            News::Done { act, reservoir } => {
                let own = act.strip_prefix(desk.id).and_then(|rest| rest.strip_prefix('.'));
                if own == Some(REFILL) && state.stage == Stage::Repairing {
                    let note = format!("refilled: {}", state.diagnosed.as_deref().unwrap_or_default());
                    self.repaired(state, None, note, desk);
                } else if own.is_none()
                    && let Some(check) = reservoir
                    && (check.verdict == "more than expected" || check.verdict == "less than expected")
                {
                    state.discrepancy = true;
                    let why = format!(
                        "{} drawn out than expected",
                        check.verdict.split(' ').next().unwrap_or_default()
                    );
                    let overdose = check.verdict.starts_with("less");
                    Self::suspect(state, Place::Clinic, overdose, why, desk);
                }
            }
            News::Refused { act, .. } => {
                let own = act.strip_prefix(desk.id).and_then(|rest| rest.strip_prefix('.'));
                if own == Some(REFILL) && state.stage == Stage::Repairing {
                    state.stage = Stage::Waiting;
                    self.advance(state);
                    Self::next_in(desk.number("between"), desk);
                }
            }
            News::Result {
                by,
                test,
                outcome,
                lesion,
                ..
            } if *by == desk.id && state.stage == Stage::Testing => {
                self.learn_result(state, test, *outcome, lesion.as_deref(), desk);
            }
            News::Repaired {
                by,
                lesion,
                found,
                dose,
            } if *by == desk.id && state.stage == Stage::Repairing => {
                if *found {
                    self.repaired(state, Some(*dose), lesion.replace('_', " "), desk);
                } else {
                    desk.order(Order::Flag {
                        name: "nothing_found",
                        note: format!("no {} at the operation", lesion.replace('_', " ")),
                    });
                    state.excluded.insert(lesion.clone());
                    state.diagnosed = None;
                    state.stage = Stage::Waiting;
                    self.advance(state);
                    Self::next_in(desk.number("between"), desk);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_list_is_sound() {
        assert_eq!(steps::check(&published()), []);
    }

    #[test]
    fn every_condition_of_a_list_is_known_here() {
        // Each word is true in some state: none falls through.
        let states = [
            Memory::default(),
            Memory {
                overdose: true,
                alarm: true,
                discrepancy: true,
                dry: Some(true),
                response: Some(true),
                hint: true,
                abnormal: Some(true),
                ..Memory::default()
            },
            Memory {
                dry: Some(false),
                response: Some(false),
                abnormal: Some(false),
                ..Memory::default()
            },
        ];
        for c in steps::CONDITIONS {
            assert!(states.iter().any(|s| Workup::holds(s, c.name)), "{}", c.name);
        }
    }
}
