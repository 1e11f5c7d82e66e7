//! Time as integer nanoseconds.

use serde::{Deserialize, Serialize};

const NANOS_PER_HOUR: f64 = 3.6e12;

/// An instant: nanoseconds since the scenario started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(i64);

/// A length of time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimSpan(i64);

/// A time that cannot be represented.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Beyond about 292 years, or not a finite number.
    #[error("{hours} h cannot be represented as a time")]
    OutOfRange {
        /// The hours asked for.
        hours: f64,
    },
}

fn nanos(hours: f64) -> Result<i64, TimeError> {
    let n = hours * NANOS_PER_HOUR;
    if n.is_finite() && n.abs() < 9.2e18 {
        Ok(n.round() as i64)
    } else {
        Err(TimeError::OutOfRange { hours })
    }
}

impl SimTime {
    /// The start of the scenario.
    pub const ZERO: SimTime = SimTime(0);

    /// From whole nanoseconds.
    pub const fn from_nanos(n: i64) -> Self {
        SimTime(n)
    }

    /// The nearest nanosecond to a number of hours.
    ///
    /// # Errors
    /// If the hours are not finite or beyond the range of the clock.
    pub fn from_hours(hours: f64) -> Result<Self, TimeError> {
        nanos(hours).map(SimTime)
    }

    /// Whole nanoseconds since the start.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Hours since the start.
    pub fn hours(self) -> f64 {
        self.0 as f64 / NANOS_PER_HOUR
    }

    /// Hours from `earlier` to here: one rounding of the difference of two integers [h].
    pub fn hours_since(self, earlier: SimTime) -> f64 {
        (self.0 - earlier.0) as f64 / NANOS_PER_HOUR
    }

    /// This instant moved by a span.
    ///
    /// # Errors
    /// On overflow of the clock.
    pub fn checked_add(self, span: SimSpan) -> Result<Self, TimeError> {
        self.0.checked_add(span.0).map(SimTime).ok_or(TimeError::OutOfRange {
            hours: self.hours() + span.hours(),
        })
    }
}

impl SimSpan {
    /// No time at all.
    pub const ZERO: SimSpan = SimSpan(0);

    /// From whole nanoseconds.
    pub const fn from_nanos(n: i64) -> Self {
        SimSpan(n)
    }

    /// The nearest nanosecond to a number of hours.
    ///
    /// # Errors
    /// If the hours are not finite or beyond the range of the clock.
    pub fn from_hours(hours: f64) -> Result<Self, TimeError> {
        nanos(hours).map(SimSpan)
    }

    /// Whole nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Length in hours.
    pub fn hours(self) -> f64 {
        self.0 as f64 / NANOS_PER_HOUR
    }
}

impl SimTime {
    /// The first nanosecond not before `hours` after this instant, so that what is
    /// due then has really happened. A wait that is not a number, negative or beyond
    /// the clock never ends, which is `None`.
    pub fn due_after(self, hours: f64) -> Option<Self> {
        let n = (hours * NANOS_PER_HOUR).ceil();
        if (0.0..9.2e18).contains(&n) {
            self.0.checked_add(n as i64).map(SimTime)
        } else {
            None
        }
    }
}
