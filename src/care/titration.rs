//! Doses by what the examiner scores.

use serde::{Deserialize, Serialize};

use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::{Action, Population};
use crate::scenario::settings::{Choice, PolicySpec};

/// Visits at an interval, and a step of the dose where the measured scores ask for it.
///
/// It acts on scores and on what it is told, so a silent leak looks to it like a
/// patient who needs more.
#[derive(Debug, Clone)]
pub struct Titration {
    maintenance: bool,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    raised: u32,
    held: bool,
}

const VISIT: &str = "dose visit";

impl Titration {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "titration",
            summary: "raises or lowers the dose by the measured scores, within the label's steps",
            source: "label, Lioresal Intrathecal: spinal 10-30 %, cerebral and children 5-15 % a day; at refills up to 40 and 20 %",
            choices: &[Choice {
                name: "phase",
                words: &["maintenance", "initial"],
                meaning: "steps of a maintenance visit, or of the first weeks",
            }],
            acts: &["raise_dose", "lower_dose"],
            flags: &["raised", "lowered", "kept"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |settings| {
            running(Titration {
                maintenance: settings.word("phase") != "initial",
            })
        },
    };

    fn step(&self, desk: &Desk<'_>) -> f64 {
        let spinal = desk.facts.population == Population::AdultSpinal;
        desk.number(match (self.maintenance, spinal) {
            (true, true) => "maintenance_spinal",
            (true, false) => "maintenance_cerebral",
            (false, true) => "initial_spinal",
            (false, false) => "initial_cerebral",
        })
    }

    fn decide(&self, state: &mut Memory, found: &Findings, desk: &mut Desk<'_>) {
        let step = self.step(desk);
        let drowsy = found.gcs < desk.number("gcs_floor");
        let stiff = found.ashworth_legs > desk.number("ashworth_goal") || found.spasm_score > desk.number("spasm_goal");
        let loose =
            found.ashworth_legs < desk.number("ashworth_floor") && found.spasm_score < desk.number("spasm_floor");
        let scores = format!(
            "Ashworth {} and spasms {} measured",
            found.ashworth_legs, found.spasm_score
        );
        let (factor, name, flag) = if drowsy || loose {
            (1.0 - step, "lower_dose", "lowered")
        } else if stiff && found.dose * (1.0 + step) <= desk.number("ceiling") {
            (1.0 + step, "raise_dose", "raised")
        } else {
            desk.order(Order::Flag {
                name: "kept",
                note: scores,
            });
            return;
        };
        if flag == "raised" {
            state.raised += 1;
        }
        desk.order(Order::Flag {
            name: flag,
            note: format!("{scores}; dose {} by {:.0} %", flag, 100.0 * step),
        });
        desk.order(Order::Act {
            name: name.to_owned(),
            after: 0.0,
            act: Action::ScaleDose { factor },
        });
    }
}

impl Policy for Titration {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        let interval = desk.number(if self.maintenance {
            "interval"
        } else {
            "initial_interval"
        });
        let next = Order::See {
            name: VISIT.to_owned(),
            after: interval,
            place: Place::Clinic,
        };
        match news {
            News::Start => desk.order(next),
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && name == VISIT => {
                if !state.held {
                    self.decide(state, found, desk);
                }
                desk.order(next);
            }
            // Whoever looks for a fault holds the dose meanwhile.
            News::Flag { name, .. } if name == "suspected" => state.held = true,
            News::Flag { name, .. } if name == "cleared" || name == "repaired" => state.held = false,
            _ => {}
        }
    }
}
