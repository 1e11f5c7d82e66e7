//! Rescue from withdrawal.

use serde::{Deserialize, Serialize};

use super::intensive::{self, Bed, Intensive};
use super::{ARRIVAL, BEDSIDE, NO_YES, ROUND, YES_NO, expect_arrival, give, next_round};
use crate::care::news::{Findings, News, Place};
use crate::care::order::Order;
use crate::care::policy::{Desk, Policy, PolicyKind, Role, running};
use crate::care::signs;
use crate::engine::SimTime;
use crate::response::Syndrome;
use crate::scenario::model::Action;
use crate::scenario::settings::{Choice, PolicySpec, Settings};
use crate::signals::Level;

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
    intensive: bool,
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
    /// Daily dose of the external infusion, of that dose \[1\]; 0 before the first.
    share: f64,
    /// When that was changed last \[h\].
    changed: f64,
    /// When he was looked at last.
    looked: SimTime,
    stay: Intensive,
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
    Choice {
        name: "intensive",
        words: YES_NO,
        meaning: "whether severe withdrawal goes to intensive care: monitor, ventilator, infusion, cooling",
    },
];

/// What a look at the patient says of the dose.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Some sign of withdrawal.
    ill: bool,
    /// Signs that would send somebody to hospital.
    clear: bool,
    sleepy: bool,
}

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
                "infusion",
                "ventilate",
                "wean",
                "cool",
                "stop_cooling",
            ],
            flags: &["admitted", "discharged", intensive::ENTERED, intensive::LEFT],
            check: |_| Ok(()),
        },
        role: Role::Clinic,
        build: |settings: &Settings| {
            running(RescueWithdrawal {
                restore: settings.word("restore").to_owned(),
                oral: settings.word("oral") == "yes",
                benzodiazepine: settings.word("benzodiazepine") == "yes",
                cyproheptadine: settings.word("cyproheptadine") == "yes",
                intensive: settings.word("intensive") == "yes",
            })
        },
    };

    /// Time until the next round \[h\].
    fn round(state: &WithdrawalCare, desk: &Desk<'_>) -> f64 {
        desk.number(if state.stay.inside { "intensive_round" } else { "round" })
    }

    /// Sets the external infusion: it begins below the dose of the pump, of which some may
    /// still arrive; up while there are signs, not faster than rounds of the ward, and down at
    /// once when somebody gets sleepy. Who is sleepy and in withdrawal has it from the other
    /// drugs, which are held back, and keeps his dose.
    fn titrate(state: &mut WithdrawalCare, look: Look, desk: &Desk<'_>) {
        let now = desk.now.hours();
        let before = state.share;
        if before <= 0.0 {
            state.share = desk.number("external_start");
        } else if look.sleepy {
            if look.clear {
                return;
            }
            state.share = before * (1.0 - desk.number("external_cut"));
        } else if look.ill && now - state.changed >= desk.number("round") {
            state.share = (before + desk.number("external_step")).min(desk.number("external_share"));
        }
        if state.share != before {
            state.changed = now;
        }
    }

    /// Intrathecal drug as long as the pump cannot be relied on, the rest while there are signs.
    fn treat(&self, state: &mut WithdrawalCare, look: Look, desk: &mut Desk<'_>) {
        let round = Self::round(state, desk);
        match self.restore.as_str() {
            // A further dose would only deepen the sleep.
            "lumbar" if !look.sleepy => {
                let act = Action::LumbarBolus {
                    dose: desk.number("bolus") * MG,
                    level: Level::L3,
                    over: desk.number("bolus_over"),
                    drug: None,
                };
                give(desk, "lumbar_bolus", act);
            }
            "external" => {
                Self::titrate(state, look, desk);
                let act = Action::LumbarBolus {
                    dose: state.dose * state.share * round / 24.0,
                    level: Level::L3,
                    over: round,
                    drug: None,
                };
                give(desk, "external_infusion", act);
            }
            "pump" if !state.refilled => {
                state.refilled = true;
                let act = desk.facts.refill();
                give(desk, "refill", act);
            }
            _ => {}
        }
        if !look.ill || look.sleepy {
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
        // In intensive care it runs by vein.
        if self.benzodiazepine && !state.stay.inside {
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

    /// Somebody has looked at the patient, on arrival, on a round or because the monitor called.
    fn seen(&self, state: &mut WithdrawalCare, name: &str, found: &Findings, desk: &mut Desk<'_>) {
        state.expected = false;
        let ill = signs::count(&found.symptoms, Syndrome::Withdrawal) > 0;
        let grade = signs::worst(&found.symptoms, Syndrome::Withdrawal);
        if !state.admitted {
            if !ill {
                return;
            }
            *state = WithdrawalCare {
                admitted: true,
                unsolved: state.unsolved,
                // A bolus that runs while the pump is read is no daily dose.
                dose: found.dose.min(desk.number("external_most")),
                looked: desk.now,
                ..WithdrawalCare::default()
            };
            desk.order(Order::Flag {
                name: "admitted",
                note: format!("withdrawal, grade {grade}"),
            });
        }
        let since = desk.now.hours_since(state.looked);
        state.looked = desk.now;
        state.calm = if ill { 0.0 } else { state.calm + since };
        let severe = f64::from(grade) >= desk.number("intensive_grade") || intensive::breathing_fails(found, desk);
        // Drowsy alone is what the drugs by mouth make.
        let sleepy = found.gcs < desk.number("sleepy") || signs::worst(&found.symptoms, Syndrome::Overdose) >= 2;
        if self.intensive {
            if severe && !state.stay.inside {
                state.stay.enter(format!("withdrawal, grade {grade}"), desk);
            }
            let bed = Bed {
                needed: severe,
                since,
                ventilate: state.stay.inside,
            };
            state.stay.look(found, &bed, desk);
            state.stay.cool(found, desk);
        }
        if name == BEDSIDE {
            return;
        }
        if !ill && !state.unsolved && !state.stay.inside && state.calm >= desk.number("calm") {
            state.admitted = false;
            desk.order(Order::Flag {
                name: "discharged",
                note: format!("no sign of withdrawal for {} h", state.calm),
            });
            return;
        }
        if ill || state.unsolved {
            let look = Look {
                ill,
                clear: f64::from(grade) >= desk.number("grade"),
                sleepy,
            };
            self.treat(state, look, desk);
        }
        let round = Self::round(state, desk);
        if self.benzodiazepine && state.stay.inside {
            state.stay.sedate(severe, sleepy, round, desk);
        }
        next_round(round, desk);
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
            } if signs::count(complaints, Syndrome::Withdrawal) > 0 => {
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
            News::Flag { name, .. } if name == "suspected" => state.unsolved = true,
            News::Flag { name, .. } if name == "repaired" || name == "cleared" => state.unsolved = false,
            News::Seen {
                findings: Some(found), ..
            } if f64::from(signs::worst(&found.symptoms, Syndrome::Withdrawal)) >= desk.number("grade") => {
                expect_arrival(&mut state.expected, state.admitted, desk);
            }
            _ => {}
        }
    }
}
