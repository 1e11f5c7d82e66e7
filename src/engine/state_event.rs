//! State events: a signal crossing a level, with direction and hysteresis.
//!
//! The engine does not know how a model's signals move; it defines what counts
//! as a crossing ([`Watch`]) and where it is ([`locate`]), so that all models
//! agree. The instant reported is always the first one found *beyond* the
//! level: the state there has the new sign, and the same crossing cannot be
//! found again.

use serde::{Deserialize, Serialize};

use super::time::SimTime;

/// Which way a signal goes through a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From below to at or above.
    Rising,
    /// From at or above to below.
    Falling,
}

/// Watches one signal.
///
/// *Above* means at or above `on`; *below* means below `off`. Between the two
/// the watch keeps its side, so a signal that trembles about a level is
/// reported once. A signal equal to `on` counts as above: reaching the level
/// from below is a crossing, starting on it is not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Level for going above.
    pub on: f64,
    /// Level for going below; at most `on`.
    pub off: f64,
    above: bool,
}

impl Watch {
    /// A watch with its hysteresis band, on the side where `value` is.
    pub fn new(on: f64, off: f64, value: f64) -> Self {
        Self {
            on,
            off: off.min(on),
            above: value >= on,
        }
    }

    /// Whether the signal counts as above.
    pub fn is_above(&self) -> bool {
        self.above
    }

    /// Whether a value lies beyond the level that would flip the watch. Not a number never does.
    pub fn crosses(&self, value: f64) -> bool {
        crosses(self.on, self.off, self.above, value)
    }

    /// Takes note of a value; says which way the signal went, if it did.
    pub fn observe(&mut self, value: f64) -> Option<Direction> {
        if !self.crosses(value) {
            return None;
        }
        self.above = !self.above;
        Some(if self.above {
            Direction::Rising
        } else {
            Direction::Falling
        })
    }
}

/// Whether `value` is beyond the level at which a watch on side `above` flips.
pub fn crosses(on: f64, off: f64, above: bool, value: f64) -> bool {
    if above { value < off } else { value >= on }
}

/// Resolution of [`locate`]: two instants this close are neighbours [ns].
pub const RESOLUTION_NANOS: i64 = 1_000;

/// First instant found at which `beyond` holds, to [`RESOLUTION_NANOS`].
///
/// `beyond` must not hold at `before` and must hold at `after`; the instant
/// returned always satisfies it (traps of other engines: a root left on the
/// wrong side fires twice, a root on the end of an interval is lost).
///
/// # Errors
/// Those of `beyond`.
pub fn locate<E>(
    before: SimTime,
    after: SimTime,
    mut beyond: impl FnMut(SimTime) -> Result<bool, E>,
) -> Result<SimTime, E> {
    let (mut a, mut b) = (before.as_nanos(), after.as_nanos());
    while b - a > RESOLUTION_NANOS {
        let middle = a + (b - a) / 2;
        if beyond(SimTime::from_nanos(middle))? {
            b = middle;
        } else {
            a = middle;
        }
    }
    Ok(SimTime::from_nanos(b))
}
