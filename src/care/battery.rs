//! A new pump before the old one stops.

use serde::{Deserialize, Serialize};

use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::PolicySpec;

/// Looks at the battery at every visit and plans the replacement when the pump asks for it.
#[derive(Debug, Clone, Copy)]
pub struct BatteryReplacement;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    planned: bool,
    /// Last dose the pump was seen to give \[ug/day\].
    dose: f64,
    /// Last concentration entered \[ug/mL\].
    label: f64,
}

const CHECK: &str = "battery check";
const SURGERY: &str = "replacement";

impl BatteryReplacement {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "battery",
            summary: "replaces the pump once it asks for it; the new one runs at the last dose",
            source: "Medtronic, getting a replacement pump: 90 days from the indicator to the end of service, 7 years at most",
            choices: &[],
            acts: &["implant", "programme"],
            flags: &["planned", "replaced"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(BatteryReplacement),
    };

    fn plan(state: &mut Memory, why: String, desk: &mut Desk<'_>) {
        if state.planned {
            return;
        }
        state.planned = true;
        let wait = desk.number("wait");
        desk.order(Order::Flag {
            name: "planned",
            note: format!("{why}; surgery in {:.0} days", wait / 24.0),
        });
        desk.order(Order::See {
            name: SURGERY.to_owned(),
            after: wait,
            place: Place::Hospital,
        });
    }

    fn notice(state: &mut Memory, found: &Findings, desk: &mut Desk<'_>) {
        if found.dose > 0.0 {
            state.dose = found.dose;
            state.label = found.label;
        }
        if found.alarms.iter().any(|a| WORN.contains(&a.as_str())) {
            Self::plan(state, "the pump asks to be replaced".to_owned(), desk);
        } else if let Some(left) = found.battery_left.filter(|left| *left <= desk.number("lead")) {
            let days = left / 24.0;
            Self::plan(state, format!("{days:.0} days of service left"), desk);
        }
    }

    fn replace(state: &mut Memory, desk: &mut Desk<'_>) {
        let label = if state.label > 0.0 {
            state.label
        } else {
            desk.facts.concentration
        };
        desk.order(Order::Act {
            name: "implant".to_owned(),
            after: 0.0,
            act: Action::Implant {
                volume: desk.facts.reservoir_size - desk.facts.low_alarm,
                concentration: label,
                label,
                others: None,
            },
        });
        if state.dose > 0.0 {
            desk.order(Order::Act {
                name: "programme".to_owned(),
                after: 0.0,
                act: Action::Send {
                    mode: Programme::SimpleContinuous {
                        rate: state.dose / 24.0,
                    },
                },
            });
        }
    }
}

/// Alarms that ask for another pump.
const WORN: &[&str] = &["eri", "end_of_service"];

impl Policy for BatteryReplacement {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        let check = Order::See {
            name: CHECK.to_owned(),
            after: desk.number("interval"),
            place: Place::Clinic,
        };
        match news {
            News::Start if desk.facts.implanted => desk.order(check),
            News::Flag { name, .. } if name == "running" => desk.order(check),
            News::Flag { name, .. } if name == "explanted" => {
                for name in [CHECK, SURGERY] {
                    desk.order(Order::Cancel { name: name.to_owned() });
                }
            }
            // Not before: somebody else may see the old pump at the same instant.
            News::Done { act, .. } if act.strip_prefix(desk.id) == Some(".implant") => {
                state.planned = false;
                desk.order(Order::Flag {
                    name: "replaced",
                    note: format!("new pump at {:.0} ug/day", state.dose),
                });
            }
            News::Reported { alarms, .. } if alarms.iter().any(|a| WORN.contains(&a.as_str())) => {
                Self::plan(state, "an alarm was heard".to_owned(), desk);
            }
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } => {
                let own = *by == desk.id;
                if own && name == SURGERY {
                    if found.dose > 0.0 {
                        state.dose = found.dose;
                        state.label = found.label;
                    }
                    Self::replace(state, desk);
                } else {
                    Self::notice(state, found, desk);
                    if own {
                        desk.order(check);
                    }
                }
            }
            _ => {}
        }
    }
}
