//! A magnetic resonance scan, and the look at the pump after it.

use serde::{Deserialize, Serialize};

use super::news::{News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::engine::SimTime;
use crate::scenario::model::Action;
use crate::scenario::settings::PolicySpec;

/// Reading before, scan, reading after; a pump that says it stands still is read again
/// until it turns or somebody must look for the reason.
#[derive(Debug, Clone, Copy)]
pub struct Mri;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    scanned: Option<SimTime>,
    over: bool,
}

const BEFORE: &str = "reading before the scan";
const AFTER: &str = "reading after the scan";

impl Mri {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "mri",
            summary: "a scan with the pump read before and after, and again until its rotor turns",
            source: "Medtronic MRI guidelines: the rotor stops in the field; read the pump afterwards; rarely 2-24 h late",
            choices: &[],
            acts: &["scan"],
            flags: &["turning", "stalled", "suspected"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(Mri),
    };
}

/// Ids of alarms of a rotor that stands still.
const STILL: &[&str] = &["motor_stall", "stopped_too_long"];

impl Policy for Mri {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Start => desk.order(Order::See {
                name: BEFORE.to_owned(),
                after: desk.number("at"),
                place: Place::Hospital,
            }),
            // No pump, nothing to look after.
            News::Refused { act, .. } if act.strip_prefix(desk.id) == Some(".scan") => {
                state.over = true;
                desk.order(Order::Cancel { name: AFTER.to_owned() });
            }
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && !state.over => {
                if name == BEFORE {
                    state.scanned = Some(desk.now);
                    let over = desk.number("scan");
                    desk.order(Order::Act {
                        name: "scan".to_owned(),
                        after: 0.0,
                        act: Action::MriScan { over },
                    });
                    desk.order(Order::See {
                        name: AFTER.to_owned(),
                        after: over + desk.number("check_after"),
                        place: Place::Hospital,
                    });
                    return;
                }
                let still = found.alarms.iter().any(|a| STILL.contains(&a.as_str()));
                let waited = state
                    .scanned
                    .is_some_and(|at| desk.now.hours_since(at) >= desk.number("give_up"));
                let (flag, note) = match (still, waited) {
                    (false, _) => ("turning", "no stall in the reading"),
                    (true, false) => ("stalled", "the pump reports a stall; it is read again"),
                    (true, true) => ("suspected", "the rotor has not come back after the scan"),
                };
                desk.order(Order::Flag {
                    name: flag,
                    note: note.to_owned(),
                });
                state.over = !still || waited;
                if !state.over {
                    desk.order(Order::See {
                        name: AFTER.to_owned(),
                        after: desk.number("recheck"),
                        place: Place::Hospital,
                    });
                }
            }
            _ => {}
        }
    }
}
