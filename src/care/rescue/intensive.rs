//! Intensive care: a bed with a monitor, a ventilator and a pump for sedation.
//!
//! It is a place, and it changes what can be done there, not what happens to the body by
//! itself: a monitor calls somebody to the bed as soon as a vital sign goes wrong, breathing
//! is taken over when it fails, a benzodiazepine runs by vein and is turned up and down by
//! what is seen, and a hot body is cooled. Each is an act on the model.

use serde::{Deserialize, Serialize};

use super::{BEDSIDE, give};
use crate::care::news::{Findings, Place};
use crate::care::order::Order;
use crate::care::policy::Desk;
use crate::scenario::model::Action;

/// Events of a stay.
pub(super) const ENTERED: &str = "intensive_care";
/// As above.
pub(super) const LEFT: &str = "left_intensive_care";

/// A patient's stay, and what runs in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Intensive {
    /// In the unit.
    pub inside: bool,
    /// Breathing is taken over.
    pub ventilated: bool,
    cooled: bool,
    /// Infusion of the benzodiazepine \[mg/h\].
    rate: f64,
    /// Without reason to be here so far \[h\].
    stable: f64,
    /// Somebody is called to the bed.
    called: bool,
}

/// What keeps a patient in the unit, and what may be done there.
pub(super) struct Bed {
    /// He needs it, by what is seen.
    pub needed: bool,
    /// Time since the last look \[h\].
    pub since: f64,
    /// A ventilator may be used.
    pub ventilate: bool,
}

impl Intensive {
    /// Into the unit: from now on the monitor calls.
    pub fn enter(&mut self, note: String, desk: &mut Desk<'_>) {
        self.inside = true;
        self.stable = 0.0;
        desk.order(Order::Flag { name: ENTERED, note });
        desk.order(Order::Monitor { on: true });
    }

    fn leave(&mut self, desk: &mut Desk<'_>) {
        if self.cooled {
            give(desk, "stop_cooling", Action::Cool { on: false });
        }
        desk.order(Order::Monitor { on: false });
        desk.order(Order::Cancel {
            name: BEDSIDE.to_owned(),
        });
        desk.order(Order::Flag {
            name: LEFT,
            note: format!("stable for {:.1} h", self.stable),
        });
        *self = Intensive::default();
    }

    /// The monitor calls: somebody comes to the bed.
    pub fn call(&mut self, desk: &mut Desk<'_>) {
        if !self.inside || self.called {
            return;
        }
        self.called = true;
        desk.order(Order::See {
            name: BEDSIDE.to_owned(),
            after: desk.number("monitor_wait"),
            place: Place::Hospital,
        });
    }

    /// Somebody has looked: breathing, and whether the stay is over.
    pub fn look(&mut self, found: &Findings, bed: &Bed, desk: &mut Desk<'_>) {
        self.called = false;
        self.breathe(found, bed.ventilate, desk);
        if !self.inside {
            return;
        }
        let busy = bed.needed || self.ventilated || self.rate > 0.0;
        self.stable = if busy { 0.0 } else { self.stable + bed.since };
        if !busy && self.stable >= desk.number("intensive_stable") {
            self.leave(desk);
        }
    }

    /// Takes breathing over when it fails, gives it back when it does not.
    fn breathe(&mut self, found: &Findings, allowed: bool, desk: &mut Desk<'_>) {
        let fails = breathing_fails(found, desk);
        let (name, on) = match (fails, self.ventilated) {
            (true, false) if allowed => ("ventilate", true),
            (false, true) => ("wean", false),
            _ => return,
        };
        self.ventilated = on;
        give(desk, name, Action::Ventilate { on });
    }

    /// Cools a hot body until it is not.
    pub fn cool(&mut self, found: &Findings, desk: &mut Desk<'_>) {
        let hot = found.temperature >= desk.number("cool_from");
        let cold = found.temperature < desk.number("cool_until");
        let (name, on) = match self.cooled {
            false if hot && self.inside => ("cool", true),
            true if cold => ("stop_cooling", false),
            _ => return,
        };
        self.cooled = on;
        give(desk, name, Action::Cool { on });
    }

    /// Sets the infusion for the time until the next round: up while signs are severe,
    /// down when they are not, off below half the first rate or when it makes too sleepy. What it
    /// gave stays for days.
    pub fn sedate(&mut self, severe: bool, sleepy: bool, over: f64, desk: &mut Desk<'_>) {
        let (start, step) = (desk.number("infusion_start"), desk.number("infusion_step"));
        self.rate = if sleepy {
            0.0
        } else if !severe {
            self.rate / step
        } else if self.rate > 0.0 {
            (self.rate * step).min(desk.number("infusion_most"))
        } else {
            start
        };
        if self.rate < start / 2.0 {
            self.rate = 0.0;
            return;
        }
        let dose = self.rate * over;
        give(desk, "infusion", Action::BenzodiazepineInfusion { dose, over });
    }
}

/// Whether somebody must breathe for this patient.
pub(super) fn breathing_fails(found: &Findings, desk: &Desk<'_>) -> bool {
    found.resp_rate < desk.number("breaths") || found.gcs <= desk.number("coma_score")
}
