//! The dose down in steps, and then the pump out.

use serde::{Deserialize, Serialize};

use super::news::{News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::{Choice, PolicySpec};

/// Equal steps down from the dose at the beginning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    /// Dose at the beginning \[ug/day\].
    pub start: f64,
    taken: u32,
    ended: bool,
}

/// What follows from a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Down {
    /// Multiply the dose by this.
    By(f64),
    /// The dose is as low as it goes.
    Bottom,
}

impl Steps {
    /// The next step from the dose found \[ug/day\], each a share of the first dose.
    pub fn next(&mut self, dose: f64, share: f64, floor: f64) -> Down {
        if self.taken == 0 {
            self.start = dose;
        }
        self.taken += 1;
        let target = self.start * (1.0 - share * f64::from(self.taken));
        if self.ended || dose <= 0.0 || target < floor || target <= 0.0 {
            self.ended = true;
            Down::Bottom
        } else {
            Down::By((target / dose).min(1.0))
        }
    }
}

/// A visit at each step, and surgery after the last.
#[derive(Debug, Clone, Copy)]
pub struct Taper;

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    steps: Steps,
    begun: bool,
}

const VISIT: &str = "taper visit";
const SURGERY: &str = "explant surgery";

impl Taper {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "taper",
            summary: "takes the dose down in steps (or at once), then the pump out",
            source: "label, Lioresal Intrathecal: reduce slowly, never stop abruptly unless in overdose",
            choices: &[
                Choice {
                    name: "mode",
                    words: &["steps", "abrupt"],
                    meaning: "in steps, or at once (for comparison)",
                },
                Choice {
                    name: "then",
                    words: &["explant", "stop"],
                    meaning: "take the pump out, or leave it in place, stopped",
                },
            ],
            acts: &["step_down", "stop", "explant"],
            flags: &["tapering", "explanted", "stopped"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |_| running(Taper),
    };

    fn end(desk: &mut Desk<'_>) {
        if desk.settings.word("then") == "stop" {
            desk.order(Order::Act {
                name: "stop".to_owned(),
                after: 0.0,
                act: Action::Send {
                    mode: Programme::Stopped,
                },
            });
            return desk.order(Order::Flag {
                name: "stopped",
                note: String::new(),
            });
        }
        desk.order(Order::Act {
            name: "explant".to_owned(),
            after: 0.0,
            act: Action::Explant,
        });
    }
}

impl Policy for Taper {
    type State = Memory;

    fn learn(&self, state: &mut Memory, news: &News, desk: &mut Desk<'_>) {
        let visit = |name: &str, after: f64| Order::See {
            name: name.to_owned(),
            after,
            place: Place::Hospital,
        };
        match news {
            News::Start => desk.order(visit(VISIT, desk.number("at"))),
            // The step was below what the pump can deliver.
            News::Refused { act, .. } if act.strip_prefix(desk.id) == Some(".step_down") => {
                desk.order(Order::Cancel { name: VISIT.to_owned() });
                desk.order(visit(SURGERY, desk.number("interval")));
            }
            News::Done { act, .. } if act.strip_prefix(desk.id) == Some(".explant") => desk.order(Order::Flag {
                name: "explanted",
                note: String::new(),
            }),
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id => {
                if !state.begun && found.dose > 0.0 {
                    state.begun = true;
                    desk.order(Order::Flag {
                        name: "tapering",
                        note: format!("from {:.0} ug/day", found.dose),
                    });
                }
                if name == SURGERY || desk.settings.word("mode") == "abrupt" {
                    return Self::end(desk);
                }
                match state.steps.next(found.dose, desk.number("step"), desk.number("floor")) {
                    Down::By(factor) => {
                        desk.order(Order::Act {
                            name: "step_down".to_owned(),
                            after: 0.0,
                            act: Action::ScaleDose { factor },
                        });
                        desk.order(visit(VISIT, desk.number("interval")));
                    }
                    Down::Bottom => Self::end(desk),
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_equal_and_end_at_the_floor() {
        let mut steps = Steps::default();
        let mut dose = 400.0;
        let mut doses = Vec::new();
        while let Down::By(factor) = steps.next(dose, 0.2, 50.0) {
            dose *= factor;
            doses.push((dose * 1e6_f64).round() / 1e6);
        }
        assert_eq!(doses, [320.0, 240.0, 160.0, 80.0]);
        assert_eq!(steps.next(dose, 0.2, 0.0), Down::Bottom);
    }

    #[test]
    fn a_dose_that_others_lowered_is_not_raised() {
        let mut steps = Steps::default();
        assert_eq!(steps.next(100.0, 0.1, 0.0), Down::By(0.9));
        assert_eq!(steps.next(50.0, 0.1, 0.0), Down::By(1.0));
    }
}
