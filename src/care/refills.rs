//! Refills on the date the pump computes, kept, late or missed.

use serde::{Deserialize, Serialize};

use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::settings::PolicySpec;

/// The schedule of refills: an appointment some days before the computed alarm date,
/// a refill there, and the next one from the new reading.
///
/// Vials are ordered by the concentration the programmer shows. A refill can go wrong by
/// chance: the syringe holds another strength, another is entered, or it goes into the pocket.
#[derive(Debug, Clone, Copy)]
pub struct Refills;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    visits: u64,
    fills: u64,
    stopped: bool,
}

/// Name of its appointments.
pub(crate) const VISIT: &str = "refill visit";
const DATE: &str = "look up the date";
const READING: &str = "reading";

/// Marketed strengths, which look alike on a shelf \[ug/mL\] (labels of Lioresal and Gablofen).
const STRENGTHS: [f64; 3] = [500.0, 1000.0, 2000.0];

impl Refills {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "refills",
            summary: "refill before the computed alarm date; appointments may be late or missed",
            source: "refill leaflets (Gillette Children's: 3 to 10 days before the alarm date)",
            choices: &[],
            acts: &["refill"],
            flags: &["planned"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(Refills),
    };

    /// Plans the next appointment from the time to the alarm \[h\].
    fn plan(state: &mut Memory, low_alarm_in: Option<f64>, desk: &mut Desk<'_>) {
        let Some(due) = low_alarm_in else {
            // Nothing is pumped; look again.
            Self::look_again(desk.number("lead").max(desk.number("soonest")), desk);
            return;
        };
        desk.order(Order::Cancel { name: VISIT.to_owned() });
        state.visits += 1;
        let n = state.visits;
        let date = (due - desk.number("lead")).max(desk.number("soonest"));
        let forgetful = if desk.facts.selection.unreliable_follow_up {
            desk.number("unreliable_factor")
        } else {
            1.0
        };
        if desk.chance("missed", n, desk.number("missed") * forgetful) {
            desk.order(Order::Miss {
                name: VISIT.to_owned(),
                after: date,
            });
        } else {
            let late = if desk.chance("late", n, desk.number("late") * forgetful) {
                desk.wait("lateness", n, desk.number("lateness"), desk.number("spread"))
            } else {
                0.0
            };
            desk.order(Order::See {
                name: VISIT.to_owned(),
                after: date + late,
                place: Place::Clinic,
            });
        }
        desk.order(Order::Flag {
            name: "planned",
            note: format!("refill in {:.1} days", date / 24.0),
        });
    }

    fn look_again(after: f64, desk: &mut Desk<'_>) {
        desk.order(Order::Timer {
            name: DATE.to_owned(),
            after,
        });
    }

    fn fill(state: &mut Memory, found: &Findings, desk: &mut Desk<'_>) {
        state.fills += 1;
        let n = state.fills;
        let meant = found.label;
        let other = |purpose: &str| {
            let others: Vec<f64> = STRENGTHS.into_iter().filter(|s| *s != meant).collect();
            let pick = desk.uniform(purpose, n) * others.len() as f64;
            others.get(pick as usize).copied().unwrap_or(meant)
        };
        let or_meant = |wrong: bool, purpose: &str| if wrong { other(purpose) } else { meant };
        let concentration = or_meant(
            desk.chance("strength", n, desk.number("wrong_strength")),
            "which strength",
        );
        let label = or_meant(desk.chance("label", n, desk.number("wrong_label")), "which label");
        let pocket = desk.chance("pocket", n, desk.number("pocket"));
        desk.order(Order::Act {
            name: "refill".to_owned(),
            after: 0.0,
            act: desk
                .facts
                .refill_with(concentration, label, if pocket { 1.0 } else { 0.0 }),
        });
    }
}

impl Policy for Refills {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Start if desk.facts.implanted => Self::look_again(0.0, desk),
            // The date a pump shows is that of its present rate: after a bridge it is another.
            News::Flag { name, .. } if ["running", "resumed", "replaced", "bridged"].contains(&name.as_str()) => {
                state.stopped = false;
                Self::look_again(desk.number("settle"), desk);
            }
            News::Flag { name, .. } if name == "explanted" => {
                state.stopped = true;
                for name in [VISIT, READING, DATE] {
                    desk.order(Order::Cancel { name: name.to_owned() });
                }
            }
            News::Timer { name } if name == DATE => desk.order(Order::See {
                name: READING.to_owned(),
                after: 0.0,
                place: Place::Clinic,
            }),
            News::Missed { by, name } if *by == desk.id && name == VISIT => {
                // The clinic calls; another date is found.
                desk.order(Order::See {
                    name: VISIT.to_owned(),
                    after: desk.number("rebook"),
                    place: Place::Clinic,
                });
            }
            // Whoever fills the pump or changes its dose moves the date.
            News::Done { act, .. } if !state.stopped && moves_the_date(act) => Self::look_again(0.0, desk),
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && !state.stopped => {
                if name == VISIT {
                    Self::fill(state, found, desk);
                } else {
                    Self::plan(state, found.low_alarm_in, desk);
                }
            }
            _ => {}
        }
    }
}

/// Acts of policies after which the alarm date is another.
fn moves_the_date(act: &str) -> bool {
    const ACTS: &[&str] = &["refill", "raise_dose", "lower_dose", "step_down"];
    act.rsplit_once('.').is_some_and(|(_, name)| ACTS.contains(&name))
}
