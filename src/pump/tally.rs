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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: f64) -> SimTime {
        SimTime::from_hours(hours).unwrap()
    }

    #[test]
    fn a_level_is_reached_after_what_is_left_of_it_at_the_present_rate() {
        let mut tally = Tally::new(at(0.0));
        assert_eq!((tally.rate(), tally.reaches(5.0)), (0.0, None));
        tally.set_rate(at(0.0), 2.0);
        assert_eq!((tally.rate(), tally.reaches(5.0)), (2.0, Some(at(2.5))));
        // Two in the first hour, and the three that are left take three more.
        tally.set_rate(at(1.0), 1.0);
        assert_eq!((tally.total(at(3.0)), tally.reaches(5.0)), (4.0, Some(at(4.0))));
        // What has been passed is reached at once, and what stands reaches nothing.
        assert_eq!(tally.reaches(1.0), Some(at(1.0)));
        tally.set_rate(at(2.0), 0.0);
        assert_eq!(
            (tally.rate(), tally.reaches(3.0), tally.reaches(5.0)),
            (0.0, None, None)
        );
    }
}
