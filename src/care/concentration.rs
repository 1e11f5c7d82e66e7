//! Another concentration in the pump.

use serde::{Deserialize, Serialize};

use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::{Choice, PolicySpec};

/// A visit at which the pump is emptied, filled with another strength and told so, with or
/// without a bridge bolus that brings the old drug in tube and catheter at the old dose.
#[derive(Debug, Clone, Copy)]
pub struct ConcentrationChange;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    planned: bool,
    done: bool,
}

const VISIT: &str = "change of concentration";
const BRIDGED: &str = "end of the bridge";

impl ConcentrationChange {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "concentration",
            summary: "changes the concentration on a date or when refills come too often, with or without a bridge bolus",
            source: "Elovic and Kirshblum 2003; bridge = volume of tube and catheter at the old dose",
            choices: &[
                Choice {
                    name: "when",
                    words: &["date", "interval"],
                    meaning: "at `at`, or once refills would come more often than `min_interval`",
                },
                Choice {
                    name: "bridge",
                    words: &["bridge", "none"],
                    meaning: "whether a bridge bolus is programmed",
                },
            ],
            acts: &["refill", "bridge"],
            flags: &["planned", "bridging", "bridged", "changed"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(ConcentrationChange),
    };

    fn plan(state: &mut Memory, after: f64, desk: &mut Desk<'_>) {
        state.planned = true;
        desk.order(Order::See {
            name: VISIT.to_owned(),
            after,
            place: Place::Clinic,
        });
    }

    /// Time between refills at the present dose and label \[h\].
    fn interval(found: &Findings, desk: &Desk<'_>) -> Option<f64> {
        let volume = desk.facts.reservoir_size - desk.facts.low_alarm;
        (found.dose > 0.0).then(|| volume * found.label / (found.dose / 24.0))
    }

    fn change(state: &mut Memory, found: &Findings, desk: &mut Desk<'_>) {
        state.done = true;
        let to = desk.number("to");
        desk.order(Order::Act {
            name: "refill".to_owned(),
            after: 0.0,
            act: Action::Refill {
                volume: desk.facts.reservoir_size - desk.facts.low_alarm,
                concentration: to,
                label: to,
                pocket_share: 0.0,
                aspirate: true,
                syringe_error: None,
                others: None,
            },
        });
        desk.order(Order::Flag {
            name: "changed",
            note: format!("{} to {to} ug/mL at {:.0} ug/day", found.label, found.dose),
        });
        if desk.settings.word("bridge") != "bridge" || found.dose <= 0.0 || found.label == to {
            return;
        }
        let rate = found.dose / 24.0;
        desk.order(Order::Act {
            name: "bridge".to_owned(),
            after: 0.0,
            act: Action::Send {
                mode: Programme::BridgeBolus {
                    old_concentration: found.label,
                    bridge_rate: rate,
                    volume: None,
                    then_rate: rate,
                },
            },
        });
        // Nobody changes the dose before the new drug is at the tip and the reading means it again.
        let lasts = desk.number("line_volume") * found.label / rate;
        desk.order(Order::Flag {
            name: "bridging",
            note: format!("for about {lasts:.0} h"),
        });
        desk.order(Order::Timer {
            name: BRIDGED.to_owned(),
            after: lasts,
        });
    }
}

impl Policy for ConcentrationChange {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Start if desk.settings.word("when") == "date" => Self::plan(state, desk.number("at"), desk),
            News::Timer { name } if name == BRIDGED => desk.order(Order::Flag {
                name: "bridged",
                note: String::new(),
            }),
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && name == VISIT && !state.done => Self::change(state, found, desk),
            News::Seen {
                findings: Some(found), ..
            } if !state.planned && desk.settings.word("when") == "interval" => {
                let often = Self::interval(found, desk).is_some_and(|t| t < desk.number("min_interval"));
                if often && desk.number("to") > found.label {
                    desk.order(Order::Flag {
                        name: "planned",
                        note: format!("to {} ug/mL", desk.number("to")),
                    });
                    Self::plan(state, desk.number("wait"), desk);
                }
            }
            _ => {}
        }
    }
}
