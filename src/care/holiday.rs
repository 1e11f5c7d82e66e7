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
    /// Dose to begin again with \[ug/day\].
    restart: f64,
}

const VISIT: &str = "holiday visit";
const BACK: &str = "end of the holiday";

/// Step of the search for a dose that the pump can deliver.
const MORE: f64 = 1.25;

impl DrugHoliday {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "holiday",
            summary: "takes the dose down, pauses for weeks, and begins again at a low dose",
            source: "label: a holiday of 2-4 weeks (recalled); Heetla 2009: effective in 2 of 2",
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

    fn resume(state: &Memory, desk: &mut Desk<'_>) {
        desk.order(Order::Act {
            name: "resume".to_owned(),
            after: 0.0,
            act: Action::Send {
                mode: Programme::SimpleContinuous {
                    rate: state.restart / 24.0,
                },
            },
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
                state.restart = state.steps.start * desk.number("restart");
                Self::resume(state, desk);
            }
            // Less than the pump can deliver: the next higher try, up to the dose before.
            News::Refused { act, .. }
                if act.strip_prefix(desk.id) == Some(".resume") && state.restart < state.steps.start =>
            {
                state.restart = (state.restart * MORE).min(state.steps.start);
                Self::resume(state, desk);
            }
            News::Done { act, .. } if act.strip_prefix(desk.id) == Some(".resume") => desk.order(Order::Flag {
                name: "resumed",
                note: format!("{:.0} ug/day", state.restart),
            }),
            News::Seen {
                by,
                findings: Some(found),
                ..
            } => {
                let high = desk.settings.word("when") == "dose" && found.dose > desk.number("dose_above");
                let own = *by == desk.id;
                // Nobody pauses what does not run.
                let idle = !state.begun && found.dose <= 0.0;
                if !(own || (high && !state.begun)) || state.away || idle {
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
