//! Refills on the date the pump computes, kept, late or missed.

use serde::{Deserialize, Serialize};

use super::news::{News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::Action;
use crate::scenario::settings::PolicySpec;

/// The schedule of refills: an appointment some days before the computed alarm date,
/// a refill there, and the next one from the new reading.
#[derive(Debug, Clone, Copy)]
pub struct Refills;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    visits: u64,
    planned: bool,
}

const VISIT: &str = "refill visit";
const DATE: &str = "look up the date";

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
            desk.order(Order::Timer {
                name: DATE.to_owned(),
                after: desk.number("lead"),
            });
            return;
        };
        state.visits += 1;
        state.planned = true;
        let n = state.visits;
        let date = (due - desk.number("lead")).max(1.0);
        if desk.chance("missed", n, desk.number("missed")) {
            desk.order(Order::Miss {
                name: VISIT.to_owned(),
                after: date,
            });
        } else {
            let late = if desk.chance("late", n, desk.number("late")) {
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
}

impl Policy for Refills {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Start => desk.order(Order::See {
                name: "first reading".to_owned(),
                after: 0.0,
                place: Place::Clinic,
            }),
            News::Timer { name } if name == DATE => desk.order(Order::See {
                name: "reading".to_owned(),
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
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id => {
                if name == VISIT {
                    let volume = desk.facts.reservoir_size - desk.facts.low_alarm;
                    desk.order(Order::Act {
                        name: "refill".to_owned(),
                        after: 0.0,
                        act: Action::Refill {
                            volume,
                            concentration: desk.facts.concentration,
                            label: desk.facts.concentration,
                            pocket_share: 0.0,
                            aspirate: true,
                            syringe_error: None,
                        },
                    });
                    desk.order(Order::Timer {
                        name: DATE.to_owned(),
                        after: 0.0,
                    });
                } else if name != VISIT {
                    Self::plan(state, found.low_alarm_in, desk);
                }
            }
            _ => {}
        }
    }
}
