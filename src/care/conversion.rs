//! Tablets out as the pump comes in, and the reverse.

use serde::{Deserialize, Serialize};

use super::news::News;
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::Action;
use crate::scenario::settings::{Choice, PolicySpec};

/// Oral baclofen, day by day: weaned after the infusion runs, or built up while it is tapered.
#[derive(Debug, Clone, Copy)]
pub struct Conversion;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Daily oral dose now \[mg\].
    dose: f64,
    /// Whether it moves.
    moving: bool,
    /// Somebody told of symptoms since the last step.
    complaints: bool,
    finished: bool,
}

const DAY: &str = "tablets of the day";
const STEP: &str = "next oral step";

impl Conversion {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "conversion",
            summary: "weans oral baclofen once the infusion runs, or builds it up as the infusion is tapered",
            source: "Saulino and Gudesblatt 2015: 25-50 % of the oral dose a step; oral label: 15 mg/day more every 3 days, 80 mg/day at most",
            choices: &[Choice {
                name: "direction",
                words: &["to_itb", "to_oral"],
                meaning: "tablets down as the pump takes over, or up as it leaves",
            }],
            acts: &["oral_baclofen"],
            flags: &["weaning", "building", "weaned", "reached", "waiting"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(Conversion),
    };

    fn begin(state: &mut Memory, flag: &'static str, after: f64, desk: &mut Desk<'_>) {
        if state.moving || state.finished {
            return;
        }
        state.moving = true;
        state.complaints = false;
        desk.order(Order::Flag {
            name: flag,
            note: format!("from {:.0} mg/day", state.dose),
        });
        desk.order(Order::Timer {
            name: STEP.to_owned(),
            after,
        });
    }

    fn finish(state: &mut Memory, flag: &'static str, desk: &mut Desk<'_>) {
        state.moving = false;
        state.finished = true;
        desk.order(Order::Flag {
            name: flag,
            note: format!("{:.0} mg/day", state.dose),
        });
    }

    fn step(state: &mut Memory, desk: &mut Desk<'_>) {
        let next = |desk: &mut Desk<'_>| {
            let after = desk.number("interval");
            desk.order(Order::Timer {
                name: STEP.to_owned(),
                after,
            });
        };
        if desk.settings.word("direction") == "to_oral" {
            state.dose = (state.dose + desk.number("rise")).min(desk.number("most"));
            if state.dose < desk.number("most") {
                next(desk);
            } else {
                Self::finish(state, "reached", desk);
            }
            return;
        }
        if state.complaints {
            // Withdrawal from tablets looks like a pump that fails; one thing at a time.
            state.complaints = false;
            desk.order(Order::Flag {
                name: "waiting",
                note: "symptoms were told of".to_owned(),
            });
            return next(desk);
        }
        state.dose *= 1.0 - desk.number("step");
        if state.dose < desk.number("least") {
            state.dose = 0.0;
            Self::finish(state, "weaned", desk);
        } else {
            next(desk);
        }
    }
}

impl Policy for Conversion {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        let down = desk.settings.word("direction") != "to_oral";
        let day = Order::Timer {
            name: DAY.to_owned(),
            after: 0.0,
        };
        match news {
            News::Start if down => {
                state.dose = desk.number("oral");
                desk.order(day);
                if desk.facts.implanted {
                    Self::begin(state, "weaning", desk.number("wait"), desk);
                }
            }
            News::Flag { name, .. } if down && name == "running" => {
                Self::begin(state, "weaning", desk.number("wait"), desk);
            }
            News::Flag { name, .. } if !down && ["tapering", "holiday"].contains(&name.as_str()) => {
                state.dose = desk.number("first");
                desk.order(day);
                Self::begin(state, "building", desk.number("interval"), desk);
            }
            News::Reported { complaints, .. } if !complaints.is_empty() => state.complaints = true,
            News::Timer { name } if name == STEP && state.moving => Self::step(state, desk),
            News::Timer { name } if name == DAY && state.dose > 0.0 => {
                let times = desk.number("times").max(1.0);
                desk.order(Order::Act {
                    name: "oral_baclofen".to_owned(),
                    after: 0.0,
                    act: Action::OralBaclofen {
                        dose: state.dose * 1000.0 / times,
                        every: 24.0 / times,
                        count: Some(times as u32),
                    },
                });
                desk.order(Order::Timer {
                    name: DAY.to_owned(),
                    after: 24.0,
                });
            }
            _ => {}
        }
    }
}
