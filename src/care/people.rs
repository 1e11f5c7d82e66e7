//! The patient and those around: what they notice, and when they get in touch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::news::{News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use super::signs;
use crate::scenario::settings::{Choice, PolicySpec, Settings};

/// Patient and carer.
///
/// A symptom is noticed some time after it begins, if it lasts that long; an alarm that
/// is heard is noticed at once. What is noticed is told: in the emergency room if it is
/// dangerous, by phone after a while otherwise. One report is open at a time; if it
/// changes nothing, it is repeated. Somebody who is helpless and lives alone is found late.
#[derive(Debug, Clone, Copy)]
pub struct People {
    alone: bool,
}

/// What they remember.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    felt: BTreeSet<String>,
    noticed: BTreeSet<String>,
    heard: BTreeSet<String>,
    told: BTreeSet<String>,
    /// They mean to call, or have called and wait for what comes of it.
    calling: bool,
    /// They are on the way to the emergency room.
    coming: bool,
    /// In hospital, where others look after them.
    admitted: bool,
    draws: u64,
}

const CALL: &str = "call";
const COME: &str = "come to the emergency room";
const AGAIN: &str = "call again";

const CHOICES: &[Choice] = &[Choice {
    name: "lives",
    words: &["with_carer", "alone"],
    meaning: "whether somebody else notices what the patient cannot tell",
}];

impl People {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "people",
            summary: "patient and carer: notice symptoms after a while, hear alarms, call, come, call again",
            source: "delays in case reports of withdrawal (Coffey 2002; Ross 2011)",
            choices: CHOICES,
            acts: &[],
            flags: &["noticed", "ignored"],
            check: |_| Ok(()),
        },
        role: Role::Person,
        build: |settings: &Settings| {
            running(People {
                alone: settings.word("lives") == "alone",
            })
        },
    };

    fn wait(state: &mut Memory, purpose: &str, median: f64, desk: &Desk<'_>) -> f64 {
        state.draws += 1;
        desk.wait(purpose, state.draws, median, desk.number("spread"))
    }

    fn ignores(state: &mut Memory, purpose: &str, chance: &str, desk: &Desk<'_>) -> bool {
        state.draws += 1;
        desk.chance(purpose, state.draws, desk.number(chance))
    }

    /// Whether anything is known that has not been told.
    fn fresh(state: &Memory) -> bool {
        state
            .noticed
            .iter()
            .chain(&state.heard)
            .any(|s| !state.told.contains(s))
    }

    /// Decides to get in touch, if there is reason to and no report is open.
    fn speak(state: &mut Memory, desk: &mut Desk<'_>) {
        if state.admitted {
            return;
        }
        let urgent = |s: &&String| signs::dangerous(s) && !state.told.contains(*s);
        if state.noticed.iter().any(|s| urgent(&s)) {
            if !state.coming {
                state.coming = true;
                let after = Self::wait(state, "come", desk.number("emergency_delay"), desk);
                for name in [CALL, AGAIN] {
                    desk.order(Order::Cancel { name: name.to_owned() });
                }
                desk.order(Order::Timer {
                    name: COME.to_owned(),
                    after,
                });
            }
        } else if !state.calling && !state.coming && Self::fresh(state) {
            state.calling = true;
            let after = Self::wait(state, "call", desk.number("call_delay"), desk);
            desk.order(Order::Timer {
                name: CALL.to_owned(),
                after,
            });
        }
    }

    fn report(state: &mut Memory, place: Place, desk: &mut Desk<'_>) {
        if state.noticed.is_empty() && state.heard.is_empty() {
            return;
        }
        state.told = state.noticed.union(&state.heard).cloned().collect();
        desk.order(Order::Report {
            after: 0.0,
            place,
            complaints: state.noticed.iter().cloned().collect(),
            alarms: state.heard.iter().cloned().collect(),
        });
        Self::later(desk);
    }

    /// They will ask again if nothing has changed by then.
    fn later(desk: &mut Desk<'_>) {
        desk.order(Order::Timer {
            name: AGAIN.to_owned(),
            after: desk.number("repeat"),
        });
    }

    /// A tone that was ended is nothing to tell of any more.
    fn silence(state: &mut Memory, desk: &mut Desk<'_>) {
        for tone in std::mem::take(&mut state.heard) {
            state.told.remove(&tone);
        }
        Self::settle(state, desk);
    }

    /// Nothing to tell any more.
    fn settle(state: &mut Memory, desk: &mut Desk<'_>) {
        if !state.noticed.is_empty() || !state.heard.is_empty() {
            return;
        }
        state.calling = false;
        state.coming = false;
        state.told.clear();
        for name in [CALL, COME, AGAIN] {
            desk.order(Order::Cancel { name: name.to_owned() });
        }
    }
}

impl Policy for People {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Felt { symptom, present: true } => {
                if signs::syndrome(symptom).is_none() {
                    return;
                }
                state.felt.insert(symptom.clone());
                let median = if self.alone && signs::helpless(symptom) {
                    desk.number("found_alone")
                } else if signs::dangerous(symptom) {
                    desk.number("notice_danger")
                } else {
                    desk.number("notice")
                };
                let after = Self::wait(state, "notice", median, desk);
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
                state.told.remove(symptom);
                desk.order(Order::Cancel {
                    name: format!("notice {symptom}"),
                });
                if state.noticed.remove(symptom) {
                    Self::settle(state, desk);
                }
            }
            News::Heard { alarm } => {
                if state.heard.contains(alarm) {
                    return;
                }
                if Self::ignores(state, "ignore_alarm", "ignore_alarm", desk) {
                    desk.order(Order::Flag {
                        name: "ignored",
                        note: alarm.replace('_', " "),
                    });
                    return;
                }
                state.heard.insert(alarm.clone());
                // A tone is worth a call of its own.
                state.calling = false;
                Self::speak(state, desk);
            }
            News::Timer { name } if name == CALL => {
                if state.coming {
                    return;
                }
                if state.noticed.is_empty() && state.heard.is_empty() {
                    state.calling = false;
                } else {
                    Self::report(state, Place::Phone, desk);
                }
            }
            News::Timer { name } if name == COME => {
                state.coming = false;
                state.calling = true;
                Self::report(state, Place::Emergency, desk);
            }
            News::Timer { name } if name == AGAIN => {
                state.calling = false;
                state.told.clear();
                Self::speak(state, desk);
            }
            News::Timer { name } => {
                let Some(symptom) = name.strip_prefix("notice ") else {
                    return;
                };
                if !state.felt.contains(symptom) || state.noticed.contains(symptom) {
                    return;
                }
                if !signs::dangerous(symptom) && Self::ignores(state, "ignore", "ignore", desk) {
                    desk.order(Order::Flag {
                        name: "ignored",
                        note: symptom.replace('_', " "),
                    });
                    return;
                }
                state.noticed.insert(symptom.to_owned());
                desk.order(Order::Flag {
                    name: "noticed",
                    note: symptom.replace('_', " "),
                });
                Self::speak(state, desk);
            }
            // A session with the programmer ends the tones, and what was complained of is known.
            News::Seen { place, .. } if place.in_person() => {
                state.heard.clear();
                if state.noticed.is_empty() {
                    Self::settle(state, desk);
                } else if !state.coming {
                    state.calling = true;
                    state.told = state.noticed.clone();
                    desk.order(Order::Cancel { name: CALL.to_owned() });
                    Self::later(desk);
                }
            }
            // The same holds for a session of a test, and what was mended sounds no more.
            News::Result { test, .. } if test == "interrogation" => Self::silence(state, desk),
            News::Repaired { found: true, .. } => Self::silence(state, desk),
            News::Flag { name, .. } if name == "admitted" => state.admitted = true,
            News::Flag { name, .. } if name == "discharged" => {
                state.admitted = false;
                if !state.noticed.is_empty() {
                    state.calling = true;
                    Self::later(desk);
                }
            }
            _ => {}
        }
    }
}
