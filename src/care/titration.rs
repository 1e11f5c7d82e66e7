//! Doses by what the examiner scores.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::engine::SimTime;
use crate::scenario::model::{Action, Population};
use crate::scenario::settings::{Choice, PolicySpec};

/// Visits at an interval, and a step of the dose where the measured scores ask for it.
///
/// It acts on scores and on what it is told, so a silent leak looks to it like a
/// patient who needs more.
#[derive(Debug, Clone, Copy)]
pub struct Titration {
    first: Phase,
    stays: bool,
}

/// Which of the label's steps are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// The first weeks: a step a day at most.
    Initial,
    /// Later: a step a visit.
    Maintenance,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    phase: Option<Phase>,
    running: bool,
    since: Option<SimTime>,
    last_rise: Option<SimTime>,
    /// Visits in a row at which the dose was right.
    kept: u32,
    holds: BTreeSet<String>,
}

const VISIT: &str = "dose visit";

/// Shortest time between two rises, and from the start of infusion to the first \[h\]: the
/// label's day. It is no setting.
const DAY: f64 = 24.0;

impl Titration {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "titration",
            summary: "raises or lowers the dose by the measured scores, within the label's steps",
            source: "label, Lioresal Intrathecal: spinal 10-30 %, cerebral and children 5-15 % a day; at refills up to 40 and 20 %",
            choices: &[Choice {
                name: "phase",
                words: &["maintenance", "initial", "course"],
                meaning: "steps of maintenance visits, of the first weeks, or the first weeks and then maintenance",
            }],
            acts: &["raise_dose", "lower_dose"],
            flags: &["raised", "lowered", "kept", "settled", "held"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |settings| {
            let phase = settings.word("phase");
            running(Titration {
                first: if phase == "maintenance" {
                    Phase::Maintenance
                } else {
                    Phase::Initial
                },
                stays: phase != "course",
            })
        },
    };

    fn step(phase: Phase, desk: &Desk<'_>) -> f64 {
        let spinal = desk.facts.population == Population::AdultSpinal;
        desk.number(match (phase, spinal) {
            (Phase::Maintenance, true) => "maintenance_spinal",
            (Phase::Maintenance, false) => "maintenance_cerebral",
            (Phase::Initial, true) => "initial_spinal",
            (Phase::Initial, false) => "initial_cerebral",
        })
    }

    fn next(phase: Phase, desk: &mut Desk<'_>) {
        let after = desk.number(match phase {
            Phase::Maintenance => "interval",
            Phase::Initial => "initial_interval",
        });
        desk.order(Order::Cancel { name: VISIT.to_owned() });
        desk.order(Order::See {
            name: VISIT.to_owned(),
            after,
            place: Place::Clinic,
        });
    }

    fn decide(phase: Phase, state: &mut Memory, found: &Findings, desk: &mut Desk<'_>) {
        let step = Self::step(phase, desk);
        let drowsy = found.gcs < desk.number("gcs_floor") || found.symptoms.iter().any(|s| s == "somnolence");
        let stiff = found.ashworth_legs > desk.number("ashworth_goal") || found.spasm_score > desk.number("spasm_goal");
        let loose =
            found.ashworth_legs < desk.number("ashworth_floor") && found.spasm_score < desk.number("spasm_floor");
        let scores = format!(
            "Ashworth {} and spasms {} measured",
            found.ashworth_legs, found.spasm_score
        );
        let early = state.last_rise.is_some_and(|at| desk.now.hours_since(at) < DAY);
        let room = found.dose > 0.0 && found.dose * (1.0 + step) <= desk.number("ceiling");
        let (factor, name, flag) = if (drowsy || loose) && found.dose > 0.0 {
            (1.0 - desk.number("down"), "lower_dose", "lowered")
        } else if stiff && room && !early {
            (1.0 + step, "raise_dose", "raised")
        } else {
            if !stiff {
                state.kept += 1;
            }
            desk.order(Order::Flag {
                name: "kept",
                note: scores,
            });
            return;
        };
        state.kept = 0;
        if flag == "raised" {
            state.last_rise = Some(desk.now);
        }
        desk.order(Order::Flag {
            name: flag,
            note: format!("{scores}; dose {flag} by {:.0} %", 100.0 * (factor - 1.0).abs()),
        });
        desk.order(Order::Act {
            name: name.to_owned(),
            after: 0.0,
            act: Action::ScaleDose { factor },
        });
    }

    fn begin(self, state: &mut Memory, desk: &mut Desk<'_>) {
        state.running = true;
        state.phase = Some(self.first);
        state.since = Some(desk.now);
        state.kept = 0;
        Self::next(self.first, desk);
    }
}

/// What holds the dose while it lasts: the flag that begins it, those that end it.
const HOLDS: &[(&str, &[&str])] = &[
    // Whoever looks for a fault holds the dose meanwhile.
    ("suspected", &["cleared", "repaired"]),
    ("tapering", &["explanted"]),
    ("holiday", &["resumed"]),
    ("bridging", &["bridged"]),
];

impl Policy for Titration {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Start if desk.facts.implanted => self.begin(state, desk),
            // The start dose counts as a rise: nothing goes up in its first day.
            News::Flag { name, .. } if name == "running" => {
                state.last_rise = Some(desk.now);
                self.begin(state, desk);
            }
            News::Flag { name, .. } if name == "explanted" => {
                state.running = false;
                state.holds.clear();
                desk.order(Order::Cancel { name: VISIT.to_owned() });
            }
            News::Flag { name, .. } => {
                for (begins, ends) in HOLDS {
                    if name == begins {
                        state.holds.insert(name.clone());
                    } else if ends.contains(&name.as_str()) {
                        state.holds.remove(*begins);
                    }
                }
                if name == "resumed" && state.running {
                    // After a holiday the dose is found anew.
                    state.last_rise = Some(desk.now);
                    if !self.stays {
                        self.begin(state, desk);
                    }
                }
            }
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && name == VISIT && state.running => {
                let mut phase = state.phase.unwrap_or(self.first);
                if state.holds.is_empty() {
                    Self::decide(phase, state, found, desk);
                } else {
                    let why: Vec<&str> = state.holds.iter().map(String::as_str).collect();
                    desk.order(Order::Flag {
                        name: "held",
                        note: why.join(", "),
                    });
                }
                let long = state
                    .since
                    .is_some_and(|at| desk.now.hours_since(at) >= desk.number("initial_length"));
                if !self.stays && phase == Phase::Initial && (long || state.kept >= 2) {
                    phase = Phase::Maintenance;
                    state.phase = Some(phase);
                    desk.order(Order::Flag {
                        name: "settled",
                        note: format!("{:.0} ug/day", found.dose),
                    });
                }
                Self::next(phase, desk);
            }
            _ => {}
        }
    }
}
