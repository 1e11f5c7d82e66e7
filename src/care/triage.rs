//! The clinic's telephone: what a call leads to.

use serde::{Deserialize, Serialize};

use super::news::{News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::Action;
use crate::scenario::settings::PolicySpec;

/// Whoever calls is given an appointment, sooner for a tone of the pump; a reservoir that is
/// low by then is refilled there.
#[derive(Debug, Clone, Copy)]
pub struct Triage;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// An appointment is given.
    open: bool,
    /// It is for a tone.
    tone: bool,
}

const VISIT: &str = "called in";

impl Triage {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "triage",
            summary: "answers calls: an appointment, soon for a tone of the pump; refills a low reservoir there",
            source: "refill leaflets: call at once when the pump sounds",
            choices: &[],
            acts: &["refill"],
            flags: &[],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(Triage),
    };
}

impl Policy for Triage {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Reported {
                place: Place::Phone,
                alarms,
                ..
            } => {
                let tone = !alarms.is_empty();
                if state.open && (state.tone || !tone) {
                    return;
                }
                desk.order(Order::Cancel { name: VISIT.to_owned() });
                *state = Memory { open: true, tone };
                let after = desk.number(if tone { "tone_wait" } else { "wait" });
                desk.order(Order::See {
                    name: VISIT.to_owned(),
                    after,
                    place: Place::Clinic,
                });
            }
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && name == VISIT => {
                *state = Memory::default();
                let low = |a: &String| a == "low_reservoir" || a == "empty_reservoir";
                if found.alarms.iter().any(low) || found.computed_volume <= desk.facts.low_alarm {
                    desk.order(Order::Act {
                        name: "refill".to_owned(),
                        after: 0.0,
                        act: Action::Refill {
                            volume: desk.facts.reservoir_size - desk.facts.low_alarm,
                            concentration: desk.facts.concentration,
                            label: desk.facts.concentration,
                            pocket_share: 0.0,
                            aspirate: true,
                            syringe_error: None,
                            others: None,
                        },
                    });
                }
            }
            _ => {}
        }
    }
}
