//! Rescue: what the hospital does against withdrawal and against overdose.
//!
//! Both policies act when somebody comes to the emergency room, or is seen anywhere, with
//! signs of their syndrome. All they give works through the body: drug by pump, needle or
//! mouth, spinal fluid let out, breath supported.

use serde::{Deserialize, Serialize};

use super::news::{Findings, News, Place};
use super::order::Order;
use super::policy::{Desk, Policy, PolicyKind, Role, running};
use super::signs;
use crate::response::Syndrome;
use crate::scenario::model::{Action, Programme};
use crate::scenario::settings::{Choice, PolicySpec, Settings};
use crate::signals::Level;

const ARRIVAL: &str = "arrival";
const ROUND: &str = "round";
const YES_NO: &[&str] = &["yes", "no"];
const NO_YES: &[&str] = &["no", "yes"];
/// ug in a mg.
const MG: f64 = 1000.0;

/// Rescue from withdrawal: intrathecal drug again as soon as possible, and drugs by mouth
/// or vein until then (Coffey 2002; Ross 2011).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueWithdrawal {
    restore: String,
    oral: bool,
    benzodiazepine: bool,
    cyproheptadine: bool,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WithdrawalCare {
    expected: bool,
    admitted: bool,
    refilled: bool,
    /// Time without signs so far \[h\].
    calm: f64,
    /// Dose programmed at arrival \[ug/day\].
    dose: f64,
    /// Somebody looks for a fault, and until it is mended signs would come back.
    unsolved: bool,
}

const WITHDRAWAL_CHOICES: &[Choice] = &[
    Choice {
        name: "restore",
        words: &["lumbar", "external", "pump", "none"],
        meaning: "how intrathecal drug is given again: by needle, by an external catheter, by refilling the pump",
    },
    Choice {
        name: "oral",
        words: YES_NO,
        meaning: "whether baclofen is given by mouth",
    },
    Choice {
        name: "benzodiazepine",
        words: YES_NO,
        meaning: "whether a benzodiazepine is given",
    },
    Choice {
        name: "cyproheptadine",
        words: NO_YES,
        meaning: "whether cyproheptadine is given",
    },
];

impl RescueWithdrawal {
    /// How scenarios name it.
    pub const KIND: PolicyKind = PolicyKind {
        spec: PolicySpec {
            name: "rescue_withdrawal",
            summary: "hospital care of withdrawal: intrathecal drug again, tablets, benzodiazepine, cyproheptadine",
            source: "Coffey 2002; Ross 2011; US label, Lioresal Intrathecal, abrupt withdrawal",
            choices: WITHDRAWAL_CHOICES,
            acts: &[
                "lumbar_bolus",
                "external_infusion",
                "refill",
                "oral",
                "benzodiazepine",
                "cyproheptadine",
            ],
            flags: &["admitted", "discharged"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |settings: &Settings| {
            running(RescueWithdrawal {
                restore: settings.word("restore").to_owned(),
                oral: settings.word("oral") == "yes",
                benzodiazepine: settings.word("benzodiazepine") == "yes",
                cyproheptadine: settings.word("cyproheptadine") == "yes",
            })
        },
    };

    /// Intrathecal drug as long as the pump cannot be relied on, the rest while there are signs.
    fn treat(&self, state: &mut WithdrawalCare, ill: bool, desk: &mut Desk<'_>) {
        let round = desk.number("round");
        let give = |desk: &mut Desk<'_>, name: &str, act: Action| {
            desk.order(Order::Act {
                name: name.to_owned(),
                after: 0.0,
                act,
            });
        };
        match self.restore.as_str() {
            "lumbar" => {
                let act = Action::LumbarBolus {
                    dose: desk.number("bolus") * MG,
                    level: Level::L3,
                    over: desk.number("bolus_over"),
                    drug: None,
                };
                give(desk, "lumbar_bolus", act);
            }
            "external" => {
                let act = Action::LumbarBolus {
                    dose: state.dose * desk.number("external_share") * round / 24.0,
                    level: Level::L3,
                    over: round,
                    drug: None,
                };
                give(desk, "external_infusion", act);
            }
            "pump" if !state.refilled => {
                state.refilled = true;
                let act = Action::Refill {
                    volume: desk.facts.reservoir_size - desk.facts.low_alarm,
                    concentration: desk.facts.concentration,
                    label: desk.facts.concentration,
                    pocket_share: 0.0,
                    aspirate: true,
                    syringe_error: None,
                    others: None,
                };
                give(desk, "refill", act);
            }
            _ => {}
        }
        if !ill {
            return;
        }
        let doses = |every: f64| Some(((round / every).floor().max(1.0)) as u32);
        if self.oral {
            let every = desk.number("oral_every");
            let act = Action::OralBaclofen {
                dose: desk.number("oral_dose") * MG,
                every,
                count: doses(every),
            };
            give(desk, "oral", act);
        }
        if self.benzodiazepine {
            let every = desk.number("benzodiazepine_every");
            let act = Action::Benzodiazepine {
                dose: desk.number("benzodiazepine_dose"),
                every,
                count: doses(every),
            };
            give(desk, "benzodiazepine", act);
        }
        if self.cyproheptadine {
            let every = desk.number("cyproheptadine_every");
            let act = Action::Cyproheptadine {
                dose: desk.number("cyproheptadine_dose"),
                every,
                count: doses(every),
            };
            give(desk, "cyproheptadine", act);
        }
    }

    fn come(state: &mut WithdrawalCare, desk: &mut Desk<'_>) {
        if state.expected || state.admitted {
            return;
        }
        state.expected = true;
        desk.order(Order::See {
            name: ARRIVAL.to_owned(),
            after: desk.number("delay"),
            place: Place::Emergency,
        });
    }
}

impl Policy for RescueWithdrawal {
    type State = WithdrawalCare;

    fn learn(&self, state: &mut WithdrawalCare, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Reported {
                place: Place::Emergency,
                complaints,
                ..
            } if signs::count(complaints, Syndrome::Withdrawal) > 0 => Self::come(state, desk),
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && (name == ARRIVAL || name == ROUND) => {
                state.expected = false;
                let ill = signs::count(&found.symptoms, Syndrome::Withdrawal) > 0;
                let round = desk.number("round");
                if ill {
                    state.calm = 0.0;
                } else {
                    state.calm += round;
                }
                if !state.admitted {
                    if !ill {
                        return;
                    }
                    state.admitted = true;
                    state.refilled = false;
                    // A bolus that runs while the pump is read is no daily dose.
                    state.dose = found.dose.min(desk.number("external_most"));
                    let grade = signs::worst(&found.symptoms, Syndrome::Withdrawal);
                    desk.order(Order::Flag {
                        name: "admitted",
                        note: format!("withdrawal, grade {grade}"),
                    });
                }
                if !ill && !state.unsolved && state.calm >= desk.number("calm") {
                    state.admitted = false;
                    desk.order(Order::Flag {
                        name: "discharged",
                        note: format!("no sign of withdrawal for {} h", state.calm),
                    });
                    return;
                }
                if ill || state.unsolved {
                    self.treat(state, ill, desk);
                }
                desk.order(Order::See {
                    name: ROUND.to_owned(),
                    after: round,
                    place: Place::Hospital,
                });
            }
            News::Flag { name, .. } if name == "suspected" => state.unsolved = true,
            News::Flag { name, .. } if name == "repaired" || name == "cleared" => state.unsolved = false,
            News::Seen {
                findings: Some(found), ..
            } if f64::from(signs::worst(&found.symptoms, Syndrome::Withdrawal)) >= desk.number("grade") => {
                Self::come(state, desk);
            }
            _ => {}
        }
    }
}

/// Rescue from overdose: stop the pump, let spinal fluid out, breathe for the patient, wait
/// (labels; Delhaas 2008 and the case series behind them).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescueOverdose {
    pump: String,
    drain: bool,
    ventilate: bool,
}

/// What it remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OverdoseCare {
    expected: bool,
    admitted: bool,
    ventilated: bool,
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
            flags: &["admitted", "discharged"],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |settings: &Settings| {
            running(RescueOverdose {
                pump: settings.word("pump").to_owned(),
                drain: settings.word("drain") == "yes",
                ventilate: settings.word("ventilate") == "yes",
            })
        },
    };

    fn come(state: &mut OverdoseCare, desk: &mut Desk<'_>) {
        if state.expected || state.admitted {
            return;
        }
        state.expected = true;
        desk.order(Order::See {
            name: ARRIVAL.to_owned(),
            after: desk.number("delay"),
            place: Place::Emergency,
        });
    }

    fn admit(&self, state: &mut OverdoseCare, found: &Findings, desk: &mut Desk<'_>) {
        *state = OverdoseCare {
            admitted: true,
            dose: found.dose,
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

    fn breathe(&self, state: &mut OverdoseCare, found: &Findings, desk: &mut Desk<'_>) {
        let fails = found.resp_rate < desk.number("breaths") || found.gcs <= desk.number("coma_score");
        let (name, on) = match (fails, state.ventilated) {
            (true, false) if self.ventilate => ("ventilate", true),
            (false, true) => ("wean", false),
            _ => return,
        };
        state.ventilated = on;
        desk.order(Order::Act {
            name: name.to_owned(),
            after: 0.0,
            act: Action::Ventilate { on },
        });
    }

    fn restart(&self, state: &OverdoseCare, desk: &mut Desk<'_>) {
        if !state.stopped || state.dose <= 0.0 {
            return;
        }
        if self.pump == "empty" {
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
        let rate = state.dose.min(desk.number("restart_most")) * desk.number("restart_share") / 24.0;
        desk.order(Order::Act {
            name: "restart".to_owned(),
            after: 0.0,
            act: Action::Send {
                mode: Programme::SimpleContinuous { rate },
            },
        });
    }
}

/// Weak legs alone are what the therapy does.
fn overdosed(found: &Findings) -> bool {
    let weak = |s: &&String| signs::syndrome(s) == Some(Syndrome::Overdose) && !s.starts_with("hypotonia");
    found.symptoms.iter().any(|s| weak(&s))
}

impl Policy for RescueOverdose {
    type State = OverdoseCare;

    fn learn(&self, state: &mut OverdoseCare, news: &News, desk: &mut Desk<'_>) {
        match news {
            News::Reported {
                place: Place::Emergency,
                complaints,
                ..
            } if signs::count(complaints, Syndrome::Overdose) > 0 => Self::come(state, desk),
            News::Seen {
                by,
                name,
                findings: Some(found),
                ..
            } if *by == desk.id && (name == ARRIVAL || name == ROUND) => {
                state.expected = false;
                let ill = overdosed(found);
                if !state.admitted {
                    if !ill {
                        return;
                    }
                    self.admit(state, found, desk);
                }
                self.breathe(state, found, desk);
                let round = desk.number("round");
                state.awake = if ill { 0.0 } else { state.awake + round };
                if !ill && state.awake >= desk.number("restart_after") {
                    self.restart(state, desk);
                    desk.order(Order::Flag {
                        name: "discharged",
                        note: format!("awake for {} h", state.awake),
                    });
                    *state = OverdoseCare::default();
                    return;
                }
                desk.order(Order::See {
                    name: ROUND.to_owned(),
                    after: round,
                    place: Place::Hospital,
                });
            }
            News::Seen {
                findings: Some(found), ..
            } if f64::from(signs::worst(&found.symptoms, Syndrome::Overdose)) >= desk.number("grade") => {
                Self::come(state, desk);
            }
            _ => {}
        }
    }
}
