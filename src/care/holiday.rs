//! A drug holiday against tolerance.

use serde::{Deserialize, Serialize};

use super::news::{News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use super::taper::{Down, Steps};
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::{Choice, PolicySpec};

/// Down in steps, some weeks at the least the pump can do, then back at a low dose.
#[derive(Debug, Clone, Copy)]
pub struct DrugHoliday;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    steps: Steps,
    begun: bool,
    away: bool,
}

const VISIT: &str = "holiday visit";
const BACK: &str = "end of the holiday";

impl DrugHoliday {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "holiday",
            summary: "takes the dose down, pauses for weeks, and begins again at a low dose",
            source: "label: a holiday of 2-4 weeks for refractory patients; Heetla 2009: effective in 2 of 2",
            choices: &[Choice {
                name: "when",
                words: &["date", "dose"],
                meaning: "at `at`, or once a visit finds the dose above `dose_above`",
            }],
            acts: &["step_down", "pause", "resume"],
            flags: &["holiday", "paused", "resumed"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(DrugHoliday),
    };

    fn visit(after: f64, desk: &mut Desk<'_>) {
        desk.order(Order::See {
            name: VISIT.to_owned(),
            after,
            place: Place::Hospital,
        });
    }

    /// The rotor goes on turning, so that no alarm of a stopped pump sounds.
    fn pause(state: &mut Memory, desk: &mut Desk<'_>) {
        if state.away {
            return;
        }
        state.away = true;
        desk.order(Order::Cancel { name: VISIT.to_owned() });
        desk.order(Order::Act {
            name: "pause".to_owned(),
            after: 0.0,
            act: Action::Send {
                mode: Programme::MinimumRate,
            },
        });
        desk.order(Order::Flag {
            name: "paused",
            note: format!("for {:.0} days", desk.number("length") / 24.0),
        });
        desk.order(Order::Timer {
            name: BACK.to_owned(),
            after: desk.number("length"),
        });
    }
}

impl Policy for DrugHoliday {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Start if desk.settings.word("when") == "date" => Self::visit(desk.number("at"), desk),
            News::Refused { act, .. } if act.strip_prefix(desk.id) == Some(".step_down") => Self::pause(state, desk),
            News::Timer { name } if name == BACK => {
                let dose = state.steps.start * desk.number("restart");
                desk.order(Order::Act {
                    name: "resume".to_owned(),
                    after: 0.0,
                    act: Action::Send {
                        mode: Programme::SimpleContinuous { rate: dose / 24.0 },
                    },
                });
                desk.order(Order::Flag {
                    name: "resumed",
                    note: format!("{dose:.0} ug/day"),
                });
            }
            News::Seen {
                by,
                findings: Some(found),
                ..
            } => {
                let high = desk.settings.word("when") == "dose" && found.dose > desk.number("dose_above");
                let own = *by == desk.id;
                if !(own || (high && !state.begun)) || state.away {
                    return;
                }
                if !state.begun {
                    state.begun = true;
                    desk.order(Order::Flag {
                        name: "holiday",
                        note: format!("from {:.0} ug/day", found.dose),
                    });
                }
                match state.steps.next(found.dose, desk.number("step"), desk.number("floor")) {
                    Down::By(factor) => {
                        desk.order(Order::Act {
                            name: "step_down".to_owned(),
                            after: 0.0,
                            act: Action::ScaleDose { factor },
                        });
                        Self::visit(desk.number("interval"), desk);
                    }
                    Down::Bottom => Self::pause(state, desk),
                }
            }
            _ => {}
        }
    }
}
