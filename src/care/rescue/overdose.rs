//! Rescue from overdose.

use serde::{Deserialize, Serialize};

use super::intensive::{self, Bed, Intensive};
use super::{ARRIVAL, BEDSIDE, ROUND, YES_NO, expect_arrival, give, next_round, overdosed};
use crate::care::news::{Findings, News, Place};
use crate::care::order::Order;
use crate::care::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::care::signs;
use crate::engine::SimTime;
use crate::response::Syndrome;
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::{Choice, PolicySpec, Settings};

/// Rescue from overdose: stop the pump, let spinal fluid out, breathe for the patient, wait
/// (labels; Delhaas 2008 and the case series behind them).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueOverdose {
    pump: String,
    drain: bool,
    ventilate: bool,
    intensive: bool,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OverdoseCare {
    expected: bool,
    admitted: bool,
    stay: Intensive,
    /// When he was looked at last.
    looked: SimTime,
    /// Dose at arrival \[ug/day\].
    dose: f64,
    stopped: bool,
    /// Time awake so far \[h\].
    awake: f64,
}

const OVERDOSE_CHOICES: &[Choice] = &[
    Choice {
        name: "pump",
        words: &["stop", "empty", "leave"],
        meaning: "what is done with the pump: stopped by the programmer, drawn empty and stopped, or left alone",
    },
    Choice {
        name: "drain",
        words: YES_NO,
        meaning: "whether spinal fluid is let out",
    },
    Choice {
        name: "ventilate",
        words: YES_NO,
        meaning: "whether breathing is supported when it fails",
    },
    Choice {
        name: "intensive",
        words: YES_NO,
        meaning: "whether a patient in coma or short of breath goes to intensive care, where a monitor calls",
    },
];

impl RescueOverdose {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "rescue_overdose",
            summary: "hospital care of overdose: stop or empty the pump, drain spinal fluid, ventilate, restart lower",
            source: "US label, Lioresal Intrathecal, overdosage: 30-40 mL of spinal fluid withdrawn, breathing supported",
            choices: OVERDOSE_CHOICES,
            acts: &["stop", "empty", "drain", "ventilate", "wean", "refill", "restart"],
            flags: &["admitted", "discharged", intensive::ENTERED, intensive::LEFT],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |settings: &Settings| {
            running(RescueOverdose {
                pump: settings.word("pump").to_owned(),
                drain: settings.word("drain") == "yes",
                ventilate: settings.word("ventilate") == "yes",
                intensive: settings.word("intensive") == "yes",
            })
        },
    };

    fn admit(&self, state: &mut OverdoseCare, found: &Findings, desk: &mut Desk<'_>) {
        *state = OverdoseCare {
            admitted: true,
            dose: found.dose,
            looked: desk.now,
            ..OverdoseCare::default()
        };
        let grade = signs::worst(&found.symptoms, Syndrome::Overdose);
        desk.order(Order::Flag {
            name: "admitted",
            note: format!("overdose, grade {grade}, coma score {}", found.gcs),
        });
        let mut act = |name: &str, after: f64, act: Action| {
            desk.order(Order::Act {
                name: name.to_owned(),
                after,
                act,
            });
        };
        match self.pump.as_str() {
            "stop" => {
                state.stopped = true;
                act(
                    "stop",
                    0.0,
                    Action::Send {
                        mode: Programme::Stopped,
                    },
                );
            }
            "empty" => {
                state.stopped = true;
                act("empty", 0.0, Action::EmptyPump);
            }
            _ => {}
        }
        if self.drain {
            let (volume, over) = (desk.number("drain_volume"), desk.number("drain_over"));
            desk.order(Order::Act {
                name: "drain".to_owned(),
                after: desk.number("drain_wait"),
                act: Action::DrainCsf { volume, over },
            });
        }
    }

    fn restart(&self, state: &OverdoseCare, desk: &mut Desk<'_>) {
        if !state.stopped || state.dose <= 0.0 {
            return;
        }
        if self.pump == "empty" {
            let act = desk.facts.refill();
            give(desk, "refill", act);
        }
        let rate = state.dose.min(desk.number("restart_most")) * desk.number("restart_share") / 24.0;
        let mode = Programme::SimpleContinuous { rate };
        give(desk, "restart", Action::Send { mode });
    }

    /// Somebody has looked at the patient, on arrival, on a round or because the monitor called.
    fn seen(&self, state: &mut OverdoseCare, name: &str, found: &Findings, desk: &mut Desk<'_>) {
        state.expected = false;
        let ill = overdosed(found);
        if !state.admitted {
            if !ill {
                return;
            }
            self.admit(state, found, desk);
        }
        // From the clock's own ticks: rounds of 4 h make 8 h, not a little less.
        let since = desk.now.hours_since(state.looked);
        state.looked = desk.now;
        state.awake = if ill { 0.0 } else { state.awake + since };
        let severe = found.gcs <= desk.number("intensive_coma") || found.resp_rate < desk.number("intensive_breaths");
        if self.intensive && severe && !state.stay.inside {
            let note = format!("coma score {}, {:.0} breaths a minute", found.gcs, found.resp_rate);
            state.stay.enter(note, desk);
        }
        // The ward has a ventilator too, but nobody who watches.
        let bed = Bed {
            needed: severe,
            since,
            ventilate: self.ventilate,
        };
        state.stay.look(found, &bed, desk);
        if name == BEDSIDE {
            return;
        }
        if !ill && !state.stay.inside && state.awake >= desk.number("restart_after") {
            self.restart(state, desk);
            desk.order(Order::Flag {
                name: "discharged",
                note: format!("awake for {} h", state.awake),
            });
            *state = OverdoseCare::default();
            return;
        }
        let round = desk.number(if state.stay.inside { "intensive_round" } else { "round" });
        next_round(round, desk);
    }
}

impl Policy for RescueOverdose {
    type State = OverdoseCare;

    fn learn(&self, state: &mut OverdoseCare, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Reported {
                place: Place::Emergency,
                complaints,
                ..
            } if signs::count(complaints, Syndrome::Overdose) > 0 => {
                expect_arrival(&mut state.expected, state.admitted, desk);
            }
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && [ARRIVAL, ROUND, BEDSIDE].contains(&name.as_str()) => {
                self.seen(state, name, found, desk);
            }
            News::Monitor { present: true, .. } => state.stay.call(desk),
            News::Seen {
                findings: Some(found), ..
            } if f64::from(signs::worst(&found.symptoms, Syndrome::Overdose)) >= desk.number("grade") => {
                expect_arrival(&mut state.expected, state.admitted, desk);
            }
            _ => {}
        }
    }
}
