//! Implantation and the first dose.

use serde::{Deserialize, Serialize};

use super::news::News;
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use super::trial::{EFFECT_LASTED, EFFECTIVE_DOSE};
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::{Choice, PolicySpec};

/// Surgery after a trial that succeeded (or on its own), then priming and the start dose.
#[derive(Debug, Clone, Copy)]
pub struct Implantation;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    effective: Option<f64>,
    lasted: f64,
    planned: bool,
}

const SURGERY: &str = "day of surgery";

/// How a trial ends that leads to no pump.
const NO_IMPLANT: &[&str] = &["declined", "non_responder", "stopped"];

impl Implantation {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "implant",
            summary: "surgery after a successful trial: new pump, priming, start dose from the test dose",
            source: "label, Lioresal Intrathecal: twice the effective test dose, once if it helped for more than 8 h",
            choices: &[Choice {
                name: "after",
                words: &["trial", "start"],
                meaning: "wait for a trial that finds a responder, or plan at the start with `start_dose`",
            }],
            acts: &["implant", "start", "prime"],
            flags: &["planned", "running", "declined"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(Implantation),
    };

    fn plan(state: &mut Memory, desk: &mut Desk<'_>) {
        if state.planned {
            return;
        }
        state.planned = true;
        let wait = desk.number("wait");
        desk.order(Order::Flag {
            name: "planned",
            note: format!("surgery in {:.0} days", wait / 24.0),
        });
        desk.order(Order::Timer {
            name: SURGERY.to_owned(),
            after: wait,
        });
    }

    /// Daily dose to start with \[ug/day\].
    fn dose(state: &Memory, desk: &Desk<'_>) -> f64 {
        match state.effective {
            None => desk.number("start_dose"),
            // Still seen at a look is longer than that look.
            Some(dose) if state.lasted >= desk.number("long_effect") => dose * desk.number("factor_long"),
            Some(dose) => dose * desk.number("factor"),
        }
    }
}

impl Policy for Implantation {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Start if desk.settings.word("after") == "start" => Self::plan(state, desk),
            News::Charted { name, value, .. } if name == EFFECTIVE_DOSE => state.effective = Some(*value),
            News::Charted { name, value, .. } if name == EFFECT_LASTED => state.lasted = *value,
            News::Flag { name, .. } if name == "responder" => Self::plan(state, desk),
            News::Flag { by, name, note }
                if *by != desk.id && !state.planned && NO_IMPLANT.contains(&name.as_str()) =>
            {
                desk.order(Order::Flag {
                    name: "declined",
                    note: format!("no implant: {note}"),
                });
            }
            News::Timer { name } if name == SURGERY => {
                let dose = Self::dose(state, desk);
                let concentration = desk.facts.concentration;
                desk.order(Order::Act {
                    name: "implant".to_owned(),
                    after: 0.0,
                    act: Action::Implant {
                        volume: desk.facts.reservoir_size - desk.facts.low_alarm,
                        concentration,
                        label: concentration,
                        others: None,
                    },
                });
                desk.order(Order::Act {
                    name: "start".to_owned(),
                    after: 0.0,
                    act: Action::Send {
                        mode: Programme::SimpleContinuous { rate: dose / 24.0 },
                    },
                });
                desk.order(Order::Act {
                    name: "prime".to_owned(),
                    after: 0.0,
                    act: Action::Send {
                        // As fast as the pump can, as much as tube and catheter hold.
                        mode: Programme::PrimingBolus {
                            volume: None,
                            over: 0.0,
                        },
                    },
                });
            }
            News::Done { act, .. } if act.strip_prefix(desk.id) == Some(".start") => desk.order(Order::Flag {
                name: "running",
                note: format!("{} ug/day", Self::dose(state, desk)),
            }),
            _ => {}
        }
    }
}
