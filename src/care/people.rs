//! The patient and those around: what they notice, and when they get in touch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::news::{News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::response::{SYMPTOMS, Syndrome};
use crate::scenario::settings::PolicySpec;

/// Patient and carer.
///
/// A symptom is noticed some time after it begins, if it lasts that long; an alarm that
/// is heard is noticed at once. What is noticed is told: at once in the emergency room
/// if it is dangerous, by phone after a while otherwise.
#[derive(Debug, Clone, Copy)]
pub struct People;

/// What they remember.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    felt: BTreeSet<String>,
    noticed: BTreeSet<String>,
    heard: BTreeSet<String>,
    told: BTreeSet<String>,
    emergency: bool,
    draws: u64,
}

impl People {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "people",
            summary: "patient and carer: notice symptoms after a while, hear alarms, call or come",
            source: "delays in case reports of withdrawal (Coffey 2002; Ross 2011)",
            choices: &[],
            acts: &[],
            flags: &["noticed"],
            check: |_| Ok(()),
        },
        role: Role::Person,
        build: |_| running(People),
    };

    fn tell(state: &mut Memory, place: Place, after: f64, desk: &mut Desk<'_>) {
        let fresh = |known: &BTreeSet<String>, told: &BTreeSet<String>| known.iter().any(|s| !told.contains(s));
        if !fresh(&state.noticed, &state.told) && !fresh(&state.heard, &state.told) {
            return;
        }
        state.told.extend(state.noticed.iter().chain(&state.heard).cloned());
        desk.order(Order::Report {
            after,
            place,
            complaints: state.noticed.iter().cloned().collect(),
            alarms: state.heard.iter().cloned().collect(),
        });
    }

    fn wait(state: &mut Memory, purpose: &str, median: &str, desk: &Desk<'_>) -> f64 {
        state.draws += 1;
        desk.wait(purpose, state.draws, desk.number(median), desk.number("spread"))
    }
}

/// Symptoms that nobody waits with.
const DANGEROUS: &[&str] = &[
    "autonomic_dysreflexia",
    "hallucinations",
    "seizures",
    "rigidity",
    "hyperthermia",
    "somnolence",
    "respiratory_depression",
    "coma",
    "apnoea",
];

/// Whether a symptom sends people to the emergency room.
fn dangerous(name: &str) -> bool {
    DANGEROUS.contains(&name)
}

impl Policy for People {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Felt { symptom, present: true } => {
                let therapy = |s: &&crate::response::Symptom| s.syndrome == Syndrome::Therapy;
                if SYMPTOMS.iter().filter(therapy).any(|s| s.name == *symptom) {
                    return;
                }
                state.felt.insert(symptom.clone());
                let after = if dangerous(symptom) {
                    Self::wait(state, "notice.danger", "notice_danger", desk)
                } else {
                    Self::wait(state, "notice", "notice", desk)
                };
                desk.order(Order::Timer {
                    name: format!("notice {symptom}"),
                    after,
                });
            }
            News::Felt {
                symptom,
                present: false,
            } => {
                state.felt.remove(symptom);
                state.noticed.remove(symptom);
                state.told.remove(symptom);
                desk.order(Order::Cancel {
                    name: format!("notice {symptom}"),
                });
            }
            News::Heard { alarm } => {
                if state.heard.insert(alarm.clone()) {
                    let after = Self::wait(state, "call", "call_delay", desk);
                    Self::tell(state, Place::Phone, after, desk);
                }
            }
            News::Timer { name } => {
                let Some(symptom) = name.strip_prefix("notice ") else {
                    return;
                };
                if !state.felt.contains(symptom) || !state.noticed.insert(symptom.to_owned()) {
                    return;
                }
                desk.order(Order::Flag {
                    name: "noticed",
                    note: symptom.replace('_', " "),
                });
                if dangerous(symptom) {
                    let after = Self::wait(state, "come", "emergency_delay", desk);
                    Self::tell(state, Place::Emergency, after, desk);
                } else {
                    let after = Self::wait(state, "call", "call_delay", desk);
                    Self::tell(state, Place::Phone, after, desk);
                }
            }
            // A session with the programmer ends the tones.
            News::Seen { place, .. } if place.in_person() => {
                state.heard.clear();
                state.told.retain(|t| state.noticed.contains(t));
            }
            _ => {}
        }
    }
}
