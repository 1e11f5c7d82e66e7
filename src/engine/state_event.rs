//! State events: when does a continuous value reach its level?
//!
//! A [`Watch`] is the discrete half, a state machine fed with values; [`locate`] is the
//! continuous half, the last step from "somewhere in this window" to one nanosecond. How
//! a window with exactly one crossing is found is the model's business.
//!
//! A model uses them like this:
//!
//! 1. [`Watch::edge`] says which threshold would change the watch next.
//! 2. The model isolates the first passage of that edge after `now`, and [`locate`]
//!    brings it to the nanosecond. If the edge only re-arms ([`Edge::reports`] is none),
//!    a copy of the watch crosses it and the search goes on from there.
//! 3. When the event fires, and when a re-arming is known to have been passed, the model
//!    calls [`Watch::cross`] on the watch it keeps. Crossing does not read the value
//!    again, so a value recomputed at that instant with another rounding cannot make the
//!    event repeat.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

use super::time::SimTime;

/// Which way a value passes its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From below to at or above.
    Rising,
    /// From above to at or below.
    Falling,
    /// Both ways; a report names the one that happened.
    Either,
}

/// A watch that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The level is not a number, or infinite.
    #[error("a level of {level} cannot be watched")]
    Level {
        /// The level asked for.
        level: f64,
    },
    /// The hysteresis is negative or not finite.
    #[error("a hysteresis of {hysteresis} is not a width")]
    Hysteresis {
        /// The width asked for.
        hysteresis: f64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// No value seen that tells the side.
    Fresh,
    /// One direction: the next passage of the level is reported.
    Armed,
    /// One direction: the value has to leave the band first.
    Spent,
    /// Both directions: below. `touched` while it has only just reached the threshold.
    Low { touched: bool },
    /// Both directions: above.
    High { touched: bool },
}

/// The next threshold that changes a [`Watch`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The threshold, in the unit of the value.
    pub level: f64,
    /// From which side it must be passed: rising or falling.
    pub direction: Direction,
    /// Whether the threshold itself already counts as passed, or only values beyond it.
    pub inclusive: bool,
    /// What [`Watch::observe`] reports there; none where the watch only re-arms.
    pub reports: Option<Direction>,
}

impl Edge {
    /// Whether a value lies on the far side. A NaN never does.
    pub fn passed(&self, value: f64) -> bool {
        match (self.direction, self.inclusive) {
            (Direction::Falling, true) => value <= self.level,
            (Direction::Falling, false) => value < self.level,
            (_, true) => value >= self.level,
            (_, false) => value > self.level,
        }
    }
}

/// A level under watch, with direction and hysteresis.
///
/// **One direction.** A rising watch reports when the value comes from below to *at or
/// above* the level, and then stays silent until the value has been strictly below
/// `level - hysteresis`. A falling watch is its mirror image, with the band above.
/// The first value only tells the side: below the level (inside the band too) a rising
/// watch is armed; on it or above it is not.
///
/// **Either.** A Schmitt trigger: rising is reported at `level`, falling at
/// `level - hysteresis`, always in turn. A first value inside the band counts as below.
///
/// **Flat on the level.** Reaching the level from the near side counts, once; staying
/// there, or going back from there, is silent for one direction. Starting on it does not
/// count. For `Either` without hysteresis, a value that touches the level from below is
/// reported as rising, and as falling when it goes back below.
///
/// Without hysteresis the watch trusts the value to its last bit: if the value at one
/// instant can be computed with two roundings, give a hysteresis larger than their
/// difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    level: f64,
    direction: Direction,
    hysteresis: f64,
    state: State,
}

impl Watch {
    /// A watch that has seen no value yet. `hysteresis` is the width of the band in the
    /// unit of the value; zero is allowed.
    ///
    /// # Errors
    /// If the level is not finite, or the hysteresis negative or not finite.
    pub fn new(level: f64, direction: Direction, hysteresis: f64) -> Result<Self, WatchError> {
        if !level.is_finite() {
            return Err(WatchError::Level { level });
        }
        if !(hysteresis.is_finite() && hysteresis >= 0.0) {
            return Err(WatchError::Hysteresis { hysteresis });
        }
        Ok(Watch {
            level,
            direction,
            hysteresis,
            state: State::Fresh,
        })
    }

    /// The level, in the unit of the value.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Which passages are reported.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether the next passage of the edge is reported.
    pub fn is_armed(&self) -> bool {
        self.edge().is_some_and(|edge| edge.reports.is_some())
    }

    /// The lower threshold of an `Either` watch.
    fn off(&self) -> f64 {
        self.level - self.hysteresis
    }

    /// The next threshold that changes this watch; none before the first value.
    pub fn edge(&self) -> Option<Edge> {
        let falling = self.direction == Direction::Falling;
        let edge = match self.state {
            State::Fresh => return None,
            State::Armed => Edge {
                level: self.level,
                direction: self.direction,
                inclusive: true,
                reports: Some(self.direction),
            },
            State::Spent if falling => Edge {
                level: self.level + self.hysteresis,
                direction: Direction::Rising,
                inclusive: false,
                reports: None,
            },
            State::Spent => Edge {
                level: self.level - self.hysteresis,
                direction: Direction::Falling,
                inclusive: false,
                reports: None,
            },
            State::Low { touched } => Edge {
                level: self.level,
                direction: Direction::Rising,
                inclusive: !touched,
                reports: Some(Direction::Rising),
            },
            State::High { touched } => Edge {
                level: self.off(),
                direction: Direction::Falling,
                inclusive: !touched,
                reports: Some(Direction::Falling),
            },
        };
        Some(edge)
    }

    /// Takes note of a value and says what it reports: `Rising`, `Falling`, or nothing.
    /// A NaN changes nothing.
    pub fn observe(&mut self, value: f64) -> Option<Direction> {
        let Some(edge) = self.edge() else {
            self.state = self.first(value);
            return None;
        };
        if edge.passed(value) {
            self.cross();
        }
        self.settle(value);
        edge.reports.filter(|_| edge.passed(value))
    }

    /// Passes the edge, whatever the value: what [`Watch::observe`] does with a value on
    /// the far side. Returns what is reported. Before the first value it does nothing.
    pub fn cross(&mut self) -> Option<Direction> {
        let reports = self.edge()?.reports;
        // without a band, the value may be sitting exactly on both thresholds
        let touched = self.off() == self.level;
        self.state = match self.state {
            State::Fresh => State::Fresh,
            State::Armed => State::Spent,
            State::Spent => State::Armed,
            State::Low { .. } => State::High { touched },
            State::High { .. } => State::Low { touched },
        };
        reports
    }

    /// The side on which a first value lies.
    fn first(&self, value: f64) -> State {
        let (low, high) = (value < self.level, value > self.level);
        match self.direction {
            _ if value.is_nan() => State::Fresh,
            Direction::Rising if low => State::Armed,
            Direction::Falling if high => State::Armed,
            Direction::Rising | Direction::Falling => State::Spent,
            Direction::Either if low => State::Low { touched: false },
            Direction::Either if high || self.off() < self.level => State::High { touched: false },
            Direction::Either => State::Fresh,
        }
    }

    /// A value clear of the threshold it has touched may come back to it and count.
    fn settle(&mut self, value: f64) {
        match &mut self.state {
            State::Low { touched } if value < self.level => *touched = false,
            State::High { touched } if value > self.level - self.hysteresis => *touched = false,
            _ => {}
        }
    }
}

/// First nanosecond on the far side of the watch's edge in the window after `lo` until
/// `hi`, if the value at `hi` lies there: bisection until the two sides are neighbours.
///
/// The value is taken to lie on the near side at `lo`, which is not evaluated, and to pass
/// the edge once; if it passes several times an odd number of them is needed and one is
/// found. The result is then the same whatever the window. None before the watch has seen
/// a value, if `hi` is on the near side, or in an empty window.
pub fn locate(mut value: impl FnMut(SimTime) -> f64, watch: &Watch, lo: SimTime, hi: SimTime) -> Option<SimTime> {
    match try_locate(|t| Ok::<_, Infallible>(value(t)), watch, lo, hi) {
        Ok(found) => found,
        Err(never) => match never {},
    }
}

/// As [`locate`], for a value whose computation may fail.
///
/// # Errors
/// The first error of `value`.
pub fn try_locate<X>(
    mut value: impl FnMut(SimTime) -> Result<f64, X>,
    watch: &Watch,
    lo: SimTime,
    hi: SimTime,
) -> Result<Option<SimTime>, X> {
    let Some(edge) = watch.edge() else {
        return Ok(None);
    };
    if lo >= hi || !edge.passed(value(hi)?) {
        return Ok(None);
    }
    let (mut near, mut far) = (lo, hi);
    loop {
        let middle = near.midpoint(far);
        // rounded towards zero, so of two neighbours it is one or the other
        if middle == near || middle == far {
            return Ok(Some(far));
        }
        if edge.passed(value(middle)?) {
            far = middle;
        } else {
            near = middle;
        }
    }
}
