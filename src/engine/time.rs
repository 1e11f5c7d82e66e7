//! Time as integer nanoseconds.
//!
//! Nothing in the order of events rests on floating point, and no date is rebuilt as
//! `t0 + (t - t0)`: propagators receive the difference of two integers, rounded once.
//! The range is about 292 years to either side of the start; leaving it is a
//! [`TimeError`], never a wrap.

use std::fmt;

use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_HOUR: i64 = 3_600 * NANOS_PER_SECOND;

/// An instant: nanoseconds since the scenario started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(i64);

/// A length of time in nanoseconds; it may be negative.
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
        /// The hours asked for, as near as a float can say \[h\].
        hours: f64,
    },
}

/// Nearest whole nanosecond to `hours`, halves away from zero.
///
/// The product of a float and an integer is formed exactly in 128 bits, so that the
/// nearest nanosecond is meant literally, also beyond 2^53 ns (104 days) where the
/// rounding of a float product would already be coarser than the clock.
fn nanos(hours: f64) -> Option<i64> {
    if !hours.is_finite() {
        return None;
    }
    let bits = hours.to_bits();
    let field = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    // value = mantissa * 2^exponent, subnormals included
    let (mantissa, exponent) = match field {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, field - 1075),
    };
    let product = i128::from(mantissa) * i128::from(NANOS_PER_HOUR); // below 2^95
    let size = if exponent >= 0 {
        return None; // 2^52 h and more lie beyond the clock
    } else if exponent < -96 {
        0 // below a half nanosecond: product < 2^95
    } else {
        (product + (1 << (-exponent - 1))) >> -exponent
    };
    i64::try_from(if hours < 0.0 { -size } else { size }).ok()
}

fn hours(nanos: i64) -> f64 {
    nanos as f64 / NANOS_PER_HOUR as f64
}

impl SimTime {
    /// The first nanosecond not before `hours` after this instant, so that what is
    /// due then has really happened. A wait that is not a number, negative or beyond
    /// the clock never ends, which is `None`.
    pub fn due_after(self, hours: f64) -> Option<Self> {
        let n = (hours * NANOS_PER_HOUR as f64).ceil();
        if (0.0..9.2e18).contains(&n) {
            self.0.checked_add(n as i64).map(SimTime)
        } else {
            None
        }
    }

    /// The start of the scenario.
    pub const ZERO: SimTime = SimTime(0);
    /// The last instant of the clock, about 292 years after the start.
    pub const MAX: SimTime = SimTime(i64::MAX);

    /// From whole nanoseconds.
    pub const fn from_nanos(n: i64) -> Self {
        SimTime(n)
    }

    /// The nearest nanosecond to a number of hours; halves away from zero.
    ///
    /// # Errors
    /// If the hours are not finite or beyond the range of the clock.
    pub fn from_hours(hours: f64) -> Result<Self, TimeError> {
        nanos(hours).map(SimTime).ok_or(TimeError::OutOfRange { hours })
    }

    /// Whole nanoseconds since the start.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Hours since the start.
    pub fn hours(self) -> f64 {
        hours(self.0)
    }

    /// Hours from `earlier` to here, from the exact difference of two integers \[h\].
    pub fn hours_since(self, earlier: SimTime) -> f64 {
        match self.0.checked_sub(earlier.0) {
            Some(n) => hours(n),
            // further apart than a span can hold, still exact in 128 bits
            None => (i128::from(self.0) - i128::from(earlier.0)) as f64 / NANOS_PER_HOUR as f64,
        }
    }

    /// Span from `earlier` to here; negative if `earlier` is later.
    ///
    /// # Errors
    /// If the two lie further apart than a span can hold.
    pub fn span_since(self, earlier: SimTime) -> Result<SimSpan, TimeError> {
        self.0.checked_sub(earlier.0).map(SimSpan).ok_or(TimeError::OutOfRange {
            hours: self.hours_since(earlier),
        })
    }

    /// This instant moved forward by a span.
    ///
    /// # Errors
    /// On overflow of the clock.
    pub fn checked_add(self, span: SimSpan) -> Result<Self, TimeError> {
        self.0.checked_add(span.0).map(SimTime).ok_or(TimeError::OutOfRange {
            hours: self.hours() + span.hours(),
        })
    }

    /// This instant moved back by a span.
    ///
    /// # Errors
    /// On overflow of the clock.
    pub fn checked_sub(self, span: SimSpan) -> Result<Self, TimeError> {
        self.0.checked_sub(span.0).map(SimTime).ok_or(TimeError::OutOfRange {
            hours: self.hours() - span.hours(),
        })
    }

    /// The instant halfway to `other`, rounded towards zero; it never overflows.
    pub fn midpoint(self, other: SimTime) -> Self {
        SimTime(self.0.midpoint(other.0))
    }
}

impl SimSpan {
    /// No time at all.
    pub const ZERO: SimSpan = SimSpan(0);
    /// One nanosecond, the resolution of the clock.
    pub const NANOSECOND: SimSpan = SimSpan(1);
    /// One second.
    pub const SECOND: SimSpan = SimSpan(NANOS_PER_SECOND);
    /// One minute.
    pub const MINUTE: SimSpan = SimSpan(60 * NANOS_PER_SECOND);
    /// One hour.
    pub const HOUR: SimSpan = SimSpan(NANOS_PER_HOUR);
    /// One day of 24 hours.
    pub const DAY: SimSpan = SimSpan(24 * NANOS_PER_HOUR);

    /// From whole nanoseconds.
    pub const fn from_nanos(n: i64) -> Self {
        SimSpan(n)
    }

    /// The nearest nanosecond to a number of hours; halves away from zero.
    ///
    /// # Errors
    /// If the hours are not finite or beyond the range of the clock.
    pub fn from_hours(hours: f64) -> Result<Self, TimeError> {
        nanos(hours).map(SimSpan).ok_or(TimeError::OutOfRange { hours })
    }

    /// Whole nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Length in hours.
    pub fn hours(self) -> f64 {
        hours(self.0)
    }

    /// Sum of two spans.
    ///
    /// # Errors
    /// On overflow of the clock.
    pub fn checked_add(self, other: SimSpan) -> Result<Self, TimeError> {
        self.0.checked_add(other.0).map(SimSpan).ok_or(TimeError::OutOfRange {
            hours: self.hours() + other.hours(),
        })
    }

    /// Difference of two spans.
    ///
    /// # Errors
    /// On overflow of the clock.
    pub fn checked_sub(self, other: SimSpan) -> Result<Self, TimeError> {
        self.0.checked_sub(other.0).map(SimSpan).ok_or(TimeError::OutOfRange {
            hours: self.hours() - other.hours(),
        })
    }

    /// This span `times` over: the exact date of a grid point is
    /// `start + step * i`, not a sum of rounded steps.
    ///
    /// # Errors
    /// On overflow of the clock.
    pub fn checked_mul(self, times: i64) -> Result<Self, TimeError> {
        self.0.checked_mul(times).map(SimSpan).ok_or(TimeError::OutOfRange {
            hours: self.hours() * times as f64,
        })
    }
}

impl fmt::Display for SimTime {
    /// Hours since the start with their unit, `36.5 h`; shortest digits that read back the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} h", self.hours())
    }
}

impl fmt::Display for SimSpan {
    /// Hours with their unit, `0.25 h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} h", self.hours())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hours_round_to_the_nearest_nanosecond_halves_away_from_zero() {
        let half_ns = 0.5 / 3.6e12;
        assert_eq!(SimTime::from_hours(1.0).unwrap().as_nanos(), 3_600_000_000_000);
        assert_eq!(SimTime::from_hours(half_ns * 1.01).unwrap().as_nanos(), 1);
        assert_eq!(SimTime::from_hours(half_ns * 0.99).unwrap().as_nanos(), 0);
        // 2^-13 h = 439453125 ns exactly; 2^-22 h = 858306.884765625 ns
        assert_eq!(nanos(1.0 / 8192.0), Some(439_453_125));
        assert_eq!(nanos(1.0 / 4_194_304.0), Some(858_307));
        // 2^-14 h = 219726562.5 ns, an exact half
        assert_eq!(nanos(1.0 / 16384.0), Some(219_726_563));
        assert_eq!(nanos(-1.0 / 16384.0), Some(-219_726_563));
        assert_eq!(nanos(f64::MIN_POSITIVE), Some(0));
        assert_eq!(nanos(5e-324), Some(0));
        assert_eq!(nanos(-0.0), Some(0));
    }

    #[test]
    fn what_is_due_after_a_wait_comes_on_the_first_nanosecond_not_before_it() {
        let start = SimTime::from_nanos(5);
        assert_eq!(start.due_after(0.0), Some(start));
        // 2^-14 h = 219726562.5 ns
        assert_eq!(start.due_after(1.0 / 16384.0), Some(SimTime::from_nanos(219_726_568)));
        for never in [f64::NAN, -1.0, f64::INFINITY, 1e7] {
            assert_eq!(start.due_after(never), None);
        }
    }

    #[test]
    fn an_overflow_says_which_hours_were_meant() {
        let meant = |result: Result<f64, TimeError>| match result {
            Err(TimeError::OutOfRange { hours }) => hours,
            other => panic!("{other:?}"),
        };
        let (day, most) = (SimSpan::DAY, SimSpan::from_nanos(i64::MAX));
        let (first, end) = (SimTime::from_nanos(i64::MIN), hours(i64::MAX));
        assert_eq!(meant(SimTime::MAX.checked_add(day).map(SimTime::hours)), end + 24.0);
        assert_eq!(meant(first.checked_sub(day).map(SimTime::hours)), -end - 24.0);
        assert_eq!(meant(most.checked_add(day).map(SimSpan::hours)), end + 24.0);
        let least = SimSpan::from_nanos(i64::MIN);
        assert_eq!(meant(least.checked_sub(day).map(SimSpan::hours)), -end - 24.0);
        assert_eq!(meant(most.checked_mul(3).map(SimSpan::hours)), end * 3.0);
    }

    #[test]
    fn the_nearest_nanosecond_is_exact_beyond_two_to_the_53() {
        // 100 years and 2^-14 h: a float product would be off by up to 256 ns
        let hours = 876_000.0 + 1.0 / 8192.0;
        assert_eq!(nanos(hours), Some(876_000 * 3_600_000_000_000 + 439_453_125));
    }

    #[test]
    fn out_of_range_and_non_finite_hours_are_typed_errors() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 2_562_048.0] {
            assert!(
                matches!(SimTime::from_hours(bad), Err(TimeError::OutOfRange { .. })),
                "{bad}"
            );
            assert!(SimSpan::from_hours(bad).is_err(), "{bad}");
        }
        assert!(SimTime::from_hours(2_562_047.0).is_ok());
    }

    #[test]
    fn overflow_is_a_typed_error_and_not_a_wrap() {
        let one = SimSpan::NANOSECOND;
        let min = SimTime::from_nanos(i64::MIN);
        assert!(SimTime::MAX.checked_add(one).is_err());
        assert!(min.checked_sub(one).is_err());
        assert!(SimTime::MAX.span_since(min).is_err());
        assert!(SimSpan::from_nanos(i64::MAX).checked_add(one).is_err());
        assert!(SimSpan::from_nanos(i64::MIN).checked_sub(one).is_err());
        assert!(SimSpan::DAY.checked_mul(i64::MAX).is_err());
        let years = SimTime::MAX.hours_since(min);
        assert!((years / (2.0 * SimTime::MAX.hours()) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn display_gives_hours_with_their_unit() {
        assert_eq!(SimTime::from_hours(36.5).unwrap().to_string(), "36.5 h");
        assert_eq!(SimSpan::MINUTE.checked_mul(15).unwrap().to_string(), "0.25 h");
        assert_eq!(SimSpan::ZERO.to_string(), "0 h");
    }

    #[test]
    fn the_named_spans_are_multiples_of_each_other() {
        assert_eq!(SimSpan::SECOND.checked_mul(60).unwrap(), SimSpan::MINUTE);
        assert_eq!(SimSpan::MINUTE.checked_mul(60).unwrap(), SimSpan::HOUR);
        assert_eq!(SimSpan::HOUR.checked_mul(24).unwrap(), SimSpan::DAY);
        assert_eq!(SimSpan::DAY.hours(), 24.0);
    }

    proptest! {
        #[test]
        fn order_of_instants_is_order_of_nanoseconds(a: i64, b: i64) {
            prop_assert_eq!(SimTime(a).cmp(&SimTime(b)), a.cmp(&b));
            prop_assert_eq!(SimSpan(a).cmp(&SimSpan(b)), a.cmp(&b));
        }

        #[test]
        fn rounding_never_reverses_an_order(a in -2.5e6..2.5e6f64, b in -2.5e6..2.5e6f64) {
            let (x, y) = (SimTime::from_hours(a).unwrap(), SimTime::from_hours(b).unwrap());
            prop_assert!(a >= b || x <= y);
        }

        #[test]
        fn rounding_is_within_half_a_nanosecond(a in -2_000.0..2_000.0f64) {
            // below 2^53 ns the float product itself is good to one part in 2^53
            let n = nanos(a).unwrap() as f64;
            prop_assert!((n - a * 3.6e12).abs() <= 0.5 + (a * 3.6e12).abs() * f64::EPSILON);
        }

        #[test]
        fn moving_there_and_back_is_exact(a: i64, b: i64) {
            let (t, s) = (SimTime(a), SimSpan(b));
            if let Ok(moved) = t.checked_add(s) {
                prop_assert_eq!(moved.checked_sub(s).unwrap(), t);
                prop_assert_eq!(moved.span_since(t).unwrap(), s);
            } else {
                prop_assert!(a.checked_add(b).is_none());
            }
        }

        #[test]
        fn whole_nanoseconds_survive_hours_below_a_day(n in 0..86_400_000_000_000i64) {
            prop_assert_eq!(SimTime::from_hours(SimTime(n).hours()).unwrap(), SimTime(n));
        }

        #[test]
        fn the_midpoint_lies_between(a: i64, b: i64) {
            let (lo, hi) = (a.min(b), a.max(b));
            let m = SimTime(lo).midpoint(SimTime(hi));
            prop_assert!(SimTime(lo) <= m && m <= SimTime(hi));
            prop_assert!(hi == lo || i128::from(hi) - i128::from(lo) == 1 || (m > SimTime(lo) && m < SimTime(hi)));
        }

        #[test]
        fn serde_keeps_every_nanosecond(n: i64) {
            let text = serde_json::to_string(&SimTime(n)).unwrap();
            prop_assert_eq!(serde_json::from_str::<SimTime>(&text).unwrap(), SimTime(n));
        }
    }
}
