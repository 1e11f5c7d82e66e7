//! A volume that adds up at a constant rate.

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;

/// Linear from its origin; moved only when the rate changes, so that reading it is free.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    origin: SimTime,
    total: f64,
    rate: f64,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(start: SimTime) -> Self {
        Self {
            origin: start,
            total: 0.0,
            rate: 0.0,
        }
    }

    /// The sum so far \[mL\].
    pub(super) fn total(&self, at: SimTime) -> f64 {
        self.total + self.rate * at.hours_since(self.origin)
    }

    /// Sets the rate from `now` on; an equal rate changes nothing \[mL/h\].
    pub(super) fn set_rate(&mut self, now: SimTime, rate: f64) {
        if rate != self.rate {
            self.total = self.total(now);
            self.origin = now;
            self.rate = rate;
        }
    }

    /// The rate \[mL/h\].
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// When the sum will have reached `level`, if it grows \[mL\].
    pub(super) fn reaches(&self, level: f64) -> Option<SimTime> {
        if self.rate > 0.0 {
            self.origin.due_after((level - self.total).max(0.0) / self.rate)
        } else {
            None
        }
    }
}
