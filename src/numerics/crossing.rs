//! Certified crossings: where a sum of exponentials meets a level.
//!
//! Each term is monotone, so its range over an interval lies between its ends, and
//! the same holds for its slope. An interval whose range misses the level holds no
//! crossing; one whose slope keeps its sign holds at most one; any other is halved.
//! Nothing is decided by sampling, so a dip between two samples is not missed.
//!
//! **Definitions.** A *crossing* is a change of side: rising if the function was
//! strictly below the level at an earlier instant of the interval and is at or above
//! it now; falling the other way round. The instant reported lies on the far side
//! (or on the level). A function that starts on the level has not crossed by leaving
//! it; one that ends exactly on it has. Touching without passing (a tangency, a flat
//! function equal to the level) is no crossing. Two crossings nearer to each other
//! than [`RESOLUTION_H`] may count as a touch.

use super::decay::exp_and_integral;
use super::trajectory::{ExponentialSum, Term, power_pair};

/// Intervals are not halved below this \[h\] (3.6 us of simulated time).
pub const RESOLUTION_H: f64 = 1e-9;
/// A crossing is placed to this \[h\], or to four units in the last place of its time.
const PLACED_H: f64 = 1e-12;
/// Halvings before giving up.
const MAX_INTERVALS: usize = 20_000;

/// The way a function passes a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From below to at or above.
    Rising,
    /// From above to at or below.
    Falling,
}

/// One passage of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// Instant on the far side \[h since the origin\].
    pub t_h: f64,
    /// The way it passes.
    pub direction: Direction,
}

/// A crossing that could not be searched.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CrossingError {
    /// The interval is empty or not finite, or the level is not a number.
    #[error("no interval to search: level {level} from {t0_h} h to {t1_h} h")]
    BadInterval {
        /// Level asked for.
        level: f64,
        /// Start \[h\].
        t0_h: f64,
        /// End \[h\].
        t1_h: f64,
    },
    /// The function is not finite somewhere.
    #[error("the function is not finite at {t_h} h")]
    NotFinite {
        /// Where \[h since the origin\].
        t_h: f64,
    },
    /// Too many intervals could not be decided.
    #[error("the search for level {level} did not end before {t_h} h")]
    Undecided {
        /// Level asked for.
        level: f64,
        /// Up to here everything is decided \[h\].
        t_h: f64,
    },
}

/// What is known at one end of an interval.
struct End {
    t: f64,
    y: f64,
    /// Value and slope of each plain term.
    plain: Vec<(f64, f64)>,
    /// `g_{k-1}`, `g_k` and the integral of `g_k` for each term of a repeated rate.
    repeated: Vec<[f64; 3]>,
}

struct Ranges {
    value: (f64, f64),
    slope: (f64, f64),
    /// All terms stand still but for rounding.
    flat: bool,
}

struct Search<'a> {
    plain: Vec<&'a Term>,
    repeated: Vec<&'a Term>,
    level: f64,
}

impl Ranges {
    /// Whether the interval holds at most one crossing of `level`.
    fn decided(&self, level: f64) -> bool {
        let missed = level < self.value.0 || level > self.value.1;
        let monotone = self.slope.0 > 0.0 || self.slope.1 < 0.0;
        missed || monotone || self.flat
    }
}

/// Range of `tᵏ/k! exp(rate t)` between two instants with values `ga`, `gb`.
fn hump(rate: f64, power: u32, ta: f64, tb: f64, ga: f64, gb: f64) -> (f64, f64) {
    let mut high = ga.max(gb);
    let peak = -f64::from(power) / rate;
    if rate != 0.0 && ta < peak && peak < tb {
        high = high.max(power_pair(rate, peak, power).0 * (1.0 + 1e-14));
    }
    (ga.min(gb), high)
}

fn scaled(factor: f64, range: (f64, f64)) -> (f64, f64) {
    if factor >= 0.0 {
        (factor * range.0, factor * range.1)
    } else {
        (factor * range.1, factor * range.0)
    }
}

impl<'a> Search<'a> {
    fn new(sum: &'a ExponentialSum, level: f64) -> Self {
        let (plain, repeated) = sum.terms().iter().partition(|t| t.power == 0);
        Search { plain, repeated, level }
    }

    fn end(&self, t: f64) -> Result<End, CrossingError> {
        let mut y = 0.0;
        let plain = self.plain.iter().map(|term| {
            let (e, integral) = exp_and_integral(term.rate, t);
            let value = term.amplitude * e + term.forcing * integral;
            y += value;
            (value, (term.rate * term.amplitude + term.forcing) * e)
        });
        let plain = plain.collect();
        let repeated = self.repeated.iter().map(|term| {
            let (g, integral) = power_pair(term.rate, t, term.power);
            y += term.amplitude * g + term.forcing * integral;
            [power_pair(term.rate, t, term.power - 1).0, g, integral]
        });
        let repeated = repeated.collect();
        if !y.is_finite() {
            return Err(CrossingError::NotFinite { t_h: t });
        }
        Ok(End { t, y, plain, repeated })
    }

    /// Guaranteed ranges of value and slope between two ends.
    fn ranges(&self, a: &End, b: &End) -> Ranges {
        let (mut low, mut high, mut size) = (0.0, 0.0, 0.0);
        let (mut falls, mut rises, mut slopes): (f64, f64, f64) = (0.0, 0.0, 0.0);
        for (&(ya, da), &(yb, db)) in a.plain.iter().zip(&b.plain) {
            low += ya.min(yb);
            high += ya.max(yb);
            size += ya.abs().max(yb.abs());
            falls += da.min(db);
            rises += da.max(db);
            slopes += da.abs().max(db.abs());
        }
        for ((term, ga), gb) in self.repeated.iter().zip(&a.repeated).zip(&b.repeated) {
            let k = term.power;
            let before = hump(term.rate, k - 1, a.t, b.t, ga[0], gb[0]);
            let own = hump(term.rate, k, a.t, b.t, ga[1], gb[1]);
            let whole = (ga[2].min(gb[2]), ga[2].max(gb[2]));
            for part in [scaled(term.amplitude, own), scaled(term.forcing, whole)] {
                low += part.0;
                high += part.1;
                size += part.0.abs().max(part.1.abs());
            }
            let rate = term.rate * term.amplitude + term.forcing;
            for part in [scaled(term.amplitude, before), scaled(rate, own)] {
                falls += part.0;
                rises += part.1;
                slopes += part.0.abs().max(part.1.abs());
            }
        }
        // Rounding of the sums themselves: a unit for each term, four for one of a repeated rate,
        // and eight besides.
        let terms = (a.plain.len() + 4 * a.repeated.len() + 8) as f64;
        let slack = terms * f64::EPSILON;
        let (falls, rises) = (falls - slack * slopes, rises + slack * slopes);
        // The mean value form is far narrower once the interval is short.
        let reach = (b.t - a.t) * falls.abs().max(rises.abs());
        let (near, far) = (a.y.min(b.y) - reach, a.y.max(b.y) + reach);
        let value = ((low - slack * size).max(near), (high + slack * size).min(far));
        Ranges {
            value,
            slope: (falls, rises),
            flat: high - low <= 4.0 * slack * size,
        }
    }

    fn side(&self, y: f64) -> i8 {
        if y > self.level {
            1
        } else if y < self.level {
            -1
        } else {
            0
        }
    }

    /// Visit the crossings from left to right until `stop` says so.
    fn scan(&self, t0: f64, t1: f64, mut stop: impl FnMut(Crossing) -> bool) -> Result<(), CrossingError> {
        let mut left = self.end(t0)?;
        let mut side = self.side(left.y);
        // First instant on the level since the last strict side, if any.
        let mut on_level: Option<f64> = None;
        let mut pending = vec![self.end(t1)?];
        let mut budget = MAX_INTERVALS;
        while let Some(right) = pending.last() {
            budget -= 1;
            if budget == 0 {
                return Err(CrossingError::Undecided {
                    level: self.level,
                    t_h: left.t,
                });
            }
            let new = self.side(right.y);
            let width = right.t - left.t;
            let smallest = RESOLUTION_H.max(8.0 * f64::EPSILON * right.t.abs());
            if width > smallest && !self.ranges(&left, right).decided(self.level) {
                let middle = self.end(left.t + 0.5 * width)?;
                pending.push(middle);
                continue;
            }
            if new == 0 {
                if side != 0 && on_level.is_none() {
                    on_level = Some(right.t);
                }
            } else {
                if side != 0 && new != side {
                    let direction = toward(new);
                    let t_h = match on_level {
                        Some(t) => t,
                        None => self.place(&left, right, direction)?,
                    };
                    if stop(Crossing { t_h, direction }) {
                        return Ok(());
                    }
                }
                side = new;
                on_level = None;
            }
            // `pending` is not empty: `right` is its last entry.
            if let Some(right) = pending.pop() {
                left = right;
            }
        }
        // Ending on the level counts: the next interval cannot see the side before.
        if let Some(t_h) = on_level
            && left.y == self.level
        {
            stop(Crossing {
                t_h,
                direction: toward(-side),
            });
        }
        Ok(())
    }

    /// Where, between two ends, the side changes: an instant on the far side.
    fn place(&self, left: &End, right: &End, direction: Direction) -> Result<f64, CrossingError> {
        let ends = [(left.t, left.y), (right.t, right.y)];
        close_in(|t| Ok(self.end(t)?.y), self.level, ends, direction)
    }
}

/// An end of a bracket: on the side from which the level is passed, or on the far one.
#[derive(Clone, Copy, PartialEq)]
enum Bound {
    Near,
    Far,
}

/// The far-side end of a bracket around a passage of `level` by `y`, closed in by secants
/// (Illinois) and halving.
fn close_in(
    mut y: impl FnMut(f64) -> Result<f64, CrossingError>,
    level: f64,
    ends: [(f64, f64); 2],
    direction: Direction,
) -> Result<f64, CrossingError> {
    let [(mut a, mut weight_a), (mut b, mut weight_b)] = ends.map(|(t, y)| (t, y - level));
    if weight_a == 0.0 {
        return Ok(a);
    }
    // The end that stayed in the round before; one that stays again loses half its weight.
    let mut stayed = None;
    for round in 0..200 {
        if b - a <= PLACED_H.max(4.0 * f64::EPSILON * b.abs()) {
            break;
        }
        let secant = b - weight_b * (b - a) / (weight_b - weight_a);
        let halve = round % 4 == 3 || !(secant > a && secant < b);
        let t = if halve { a + 0.5 * (b - a) } else { secant };
        let gap = y(t)? - level;
        if gap == 0.0 || gap.is_sign_positive() == (direction == Direction::Rising) {
            (b, weight_b) = (t, gap);
            if gap == 0.0 {
                break;
            }
            if stayed.replace(Bound::Near) == Some(Bound::Near) {
                weight_a *= 0.5;
            }
        } else {
            (a, weight_a) = (t, gap);
            if stayed.replace(Bound::Far) == Some(Bound::Far) {
                weight_b *= 0.5;
            }
        }
    }
    Ok(b)
}

fn toward(side: i8) -> Direction {
    if side == 1 {
        Direction::Rising
    } else {
        Direction::Falling
    }
}

impl ExponentialSum {
    fn interval(&self, level: f64, t0: f64, t1: f64) -> Result<(), CrossingError> {
        if level.is_finite() && t0.is_finite() && t1.is_finite() && 0.0 <= t0 && t0 <= t1 {
            Ok(())
        } else {
            Err(CrossingError::BadInterval {
                level,
                t0_h: t0,
                t1_h: t1,
            })
        }
    }

    /// All crossings of `level` between `t0` and `t1` \[h\], directions alternating.
    ///
    /// # Errors
    /// [`CrossingError`]: a bad interval, a function that is not finite, or a search
    /// that does not end.
    pub fn crossings(&self, level: f64, t0: f64, t1: f64) -> Result<Vec<Crossing>, CrossingError> {
        self.interval(level, t0, t1)?;
        let mut found = Vec::new();
        Search::new(self, level).scan(t0, t1, |c| {
            found.push(c);
            false
        })?;
        Ok(found)
    }

    /// The first crossing of `level` in `direction` between `t0` and `t1` \[h\].
    ///
    /// # Errors
    /// As [`ExponentialSum::crossings`].
    pub fn first_crossing(
        &self,
        level: f64,
        direction: Direction,
        t0: f64,
        t1: f64,
    ) -> Result<Option<f64>, CrossingError> {
        self.interval(level, t0, t1)?;
        let mut first = None;
        Search::new(self, level).scan(t0, t1, |c| {
            if c.direction == direction {
                first = Some(c.t_h);
            }
            first.is_some()
        })?;
        Ok(first)
    }

    /// The first instant in `[t0, t1]` at which the function is on the far side of
    /// `level`: at or above it for rising, at or below it for falling; `t0` itself if
    /// it is there already.
    ///
    /// This is what a component wants that remembers on which side it believes itself
    /// to be: a jump past the level, or rounding at the end of the last interval,
    /// cannot hide the passage.
    ///
    /// # Errors
    /// As [`ExponentialSum::crossings`].
    pub fn first_reach(
        &self,
        level: f64,
        direction: Direction,
        t0: f64,
        t1: f64,
    ) -> Result<Option<f64>, CrossingError> {
        self.interval(level, t0, t1)?;
        // The same sum as in the search, or rounding could hide the start from both.
        let y = Search::new(self, level).end(t0)?.y;
        let there = match direction {
            Direction::Rising => y >= level,
            Direction::Falling => y <= level,
        };
        if there {
            Ok(Some(t0))
        } else {
            self.first_crossing(level, direction, t0, t1)
        }
    }

    /// Bounds that the function does not leave between `t0` and `t1` \[h\]; not
    /// always narrow.
    ///
    /// # Errors
    /// As [`ExponentialSum::crossings`].
    pub fn bounds(&self, t0: f64, t1: f64) -> Result<(f64, f64), CrossingError> {
        self.interval(0.0, t0, t1)?;
        let search = Search::new(self, 0.0);
        Ok(search.ranges(&search.end(t0)?, &search.end(t1)?).value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(amplitude: f64, forcing: f64, rate: f64) -> Term {
        Term {
            amplitude,
            forcing,
            rate,
            power: 0,
        }
    }

    fn sum(terms: &[Term]) -> ExponentialSum {
        ExponentialSum::new(terms.to_vec())
    }

    fn bateman() -> ExponentialSum {
        // e^-t - e^-3t: rises to 0.3849 at ln(3)/2, then falls.
        sum(&[term(1.0, 0.0, -1.0), term(-1.0, 0.0, -3.0)])
    }

    #[test]
    fn a_decay_crosses_where_the_logarithm_says_and_on_the_far_side() {
        let y = sum(&[term(8.0, 0.0, -0.25)]);
        let t = y.first_crossing(1.0, Direction::Falling, 0.0, 100.0).unwrap().unwrap();
        assert!((t - 8f64.ln() / 0.25).abs() < 1e-11, "{t}");
        assert!(y.value(t) <= 1.0);
        assert_eq!(y.first_crossing(1.0, Direction::Rising, 0.0, 100.0).unwrap(), None);
    }

    #[test]
    fn a_short_excursion_in_a_long_step_is_found_with_both_ends() {
        // Trap 21: a dip of minutes near the start of a search over a year.
        let y = sum(&[term(1.0, 0.0, 0.0), term(-1.0, 0.0, -40.0), term(1.0, 0.0, -60.0)]);
        let found = y.crossings(0.9, 0.0, 8760.0).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].direction, Direction::Falling);
        assert_eq!(found[1].direction, Direction::Rising);
        assert!(found[1].t_h < 0.1 && y.value(found[0].t_h) <= 0.9);
        assert!(y.value(found[1].t_h) >= 0.9);
    }

    #[test]
    fn the_pair_of_a_peak_is_found_however_close_the_level() {
        let peak = 2.0 / 27f64.sqrt();
        let top = 3f64.ln() / 2.0;
        for below in [0.1, 1e-4, 1e-8, 1e-12] {
            let found = bateman().crossings(peak - below, 0.0, 1000.0).unwrap();
            assert_eq!(found.len(), 2, "{below:e}");
            assert!(found[0].t_h < top && top < found[1].t_h);
            assert_eq!(bateman().crossings(peak + below, 0.0, 1000.0).unwrap(), []);
        }
    }

    #[test]
    fn touching_is_no_crossing() {
        // (e^-t - 1/2)^2 touches zero at ln 2.
        let y = sum(&[term(1.0, 0.0, -2.0), term(-1.0, 0.0, -1.0), term(0.25, 0.0, 0.0)]);
        // Rounding may leave a spurious pair, but never a single change of side.
        let found = y.crossings(0.0, 0.0, 10.0).unwrap();
        assert!(found.len().is_multiple_of(2), "{found:?}");
        for c in found {
            assert!((c.t_h - 2f64.ln()).abs() < 1e-7);
        }
        assert_eq!(y.crossings(-1e-12, 0.0, 10.0).unwrap(), []);
    }

    #[test]
    fn a_crossing_on_the_end_of_the_interval_is_found_once() {
        // Trap 7. y = 2 t reaches 3 at 1.5 exactly.
        let y = sum(&[term(0.0, 2.0, 0.0)]);
        let first = y.crossings(3.0, 0.0, 1.5).unwrap();
        assert_eq!(
            first,
            [Crossing {
                t_h: 1.5,
                direction: Direction::Rising
            }]
        );
        assert_eq!(y.crossings(3.0, 1.5, 4.0).unwrap(), [], "not again from there");
        assert_eq!(y.crossings(3.0, 0.0, 1.0).unwrap(), []);
        let down = sum(&[term(3.0, -2.0, 0.0)]);
        let first = down.crossings(0.0, 0.0, 1.5).unwrap();
        assert_eq!(
            first,
            [Crossing {
                t_h: 1.5,
                direction: Direction::Falling
            }]
        );
        assert_eq!(down.crossings(0.0, 1.5, 4.0).unwrap(), []);
    }

    #[test]
    fn a_zero_inside_is_placed_on_the_level_itself() {
        // The midpoint of the first interval is exactly on the level.
        let y = sum(&[term(-1.0, 1.0, 0.0), term(-0.0, 0.0, -1.0)]);
        let found = y.crossings(0.0, 0.0, 2.0).unwrap();
        assert_eq!(
            found,
            [Crossing {
                t_h: 1.0,
                direction: Direction::Rising
            }]
        );
    }

    #[test]
    fn a_flat_function_on_its_level_never_crosses() {
        // Trap 11.
        let y = ExponentialSum::default().plus_constant(2.0);
        assert_eq!(y.crossings(2.0, 0.0, 100.0).unwrap(), []);
        assert_eq!(y.first_reach(2.0, Direction::Rising, 1.0, 100.0).unwrap(), Some(1.0));
        assert_eq!(ExponentialSum::default().crossings(0.0, 0.0, 1.0).unwrap(), []);
    }

    #[test]
    fn what_is_past_the_level_at_the_start_is_reached_at_once() {
        let y = sum(&[term(5.0, 0.0, -1.0)]);
        assert_eq!(y.first_reach(4.0, Direction::Rising, 0.0, 9.0).unwrap(), Some(0.0));
        assert_eq!(y.first_crossing(4.0, Direction::Rising, 0.0, 9.0).unwrap(), None);
        let t = y.first_reach(4.0, Direction::Falling, 0.0, 9.0).unwrap().unwrap();
        assert!((t - 1.25f64.ln()).abs() < 1e-11);
        assert_eq!(y.first_reach(6.0, Direction::Rising, 0.0, 9.0).unwrap(), None);
    }

    #[test]
    fn bounds_hold_everything_sampled() {
        let y = bateman();
        for (a, b) in [(0.0, 10.0), (0.2, 0.9), (0.5, 0.6)] {
            let (low, high) = y.bounds(a, b).unwrap();
            for k in 0..=100 {
                let v = y.value(a + (b - a) * f64::from(k) / 100.0);
                assert!(low <= v && v <= high);
            }
        }
    }

    #[test]
    fn many_random_sums_agree_with_dense_sampling() {
        let draws = crate::numerics::Draws::new(7, 0);
        for case in 0..200 {
            let u = |i: u64| draws.uniform("crossing", "case", case * 100 + i);
            let terms: Vec<Term> = (0..6)
                .map(|i| {
                    let rate = -libm::exp(8.0 * u(4 * i) - 4.0);
                    term(2.0 * u(4 * i + 1) - 1.0, rate * (u(4 * i + 2) - 0.5), rate)
                })
                .collect();
            let y = sum(&terms);
            let level = 0.6 * (u(90) - 0.5);
            let found = y.crossings(level, 0.0, 20.0).unwrap();
            // Sampling can miss pairs but never invent a change of side.
            let (mut changes, mut last) = (0, y.value(0.0) > level);
            for k in 1..=20_000 {
                let above = y.value(f64::from(k) * 1e-3) > level;
                changes += usize::from(above != last);
                last = above;
            }
            assert!(found.len() >= changes, "{case}: {found:?} {changes}");
            assert_eq!(found.len() % 2, changes % 2, "{case}");
            for (i, c) in found.iter().enumerate() {
                let v = y.value(c.t_h);
                assert!((v - level).abs() < 1e-9, "{case} {i} {v} {level}");
                if i > 0 {
                    assert_ne!(c.direction, found[i - 1].direction);
                }
            }
        }
    }

    #[test]
    fn a_crossing_right_behind_the_start_is_not_put_at_the_end() {
        // So little below the level that a secant cannot be told from the start.
        let y = sum(&[term(-1e-20, 1.0, 0.0)]);
        let found = y.crossings(0.0, 0.0, 100.0).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].t_h < 1e-11, "{found:?}");
    }

    fn slopes(y: &ExponentialSum, a: f64, b: f64) -> (f64, f64) {
        let search = Search::new(y, 0.0);
        search.ranges(&search.end(a).unwrap(), &search.end(b).unwrap()).slope
    }

    #[test]
    fn the_range_of_slopes_holds_what_rounding_hides() {
        // Slopes of 0.1, 0.2 and -0.3: as numbers of the machine they add up to 2^-55, in the
        // order of the terms to twice that.
        let exact = libm::scalbn(1.0, -55);
        let parts = [0.1, 0.2, -0.3];
        let straight = parts.map(|slope| term(0.0, slope, 0.0));
        let power = parts.map(|amplitude| Term {
            power: 1,
            ..term(amplitude, 0.0, 0.0)
        });
        for terms in [straight, power] {
            let (low, high) = slopes(&sum(&terms), 1.0, 1.0);
            assert!(low <= exact && exact <= high, "{low:e} {high:e}");
            assert!(high - low < 1e-13);
        }
    }

    #[test]
    fn a_range_of_slopes_has_a_unit_of_room_for_each_term_four_for_a_power_and_eight_besides() {
        // Four slopes of one: 2 + 4 * 2 + 8 units of four.
        let line = term(0.0, 1.0, 0.0);
        let power = Term {
            power: 1,
            ..term(1.0, 0.0, 0.0)
        };
        let room = 18.0 * 4.0 * f64::EPSILON;
        let range = slopes(&sum(&[line, line, power, power]), 1.0, 1.0);
        assert_eq!(range, (4.0 - room, 4.0 + room));
    }

    #[test]
    fn slopes_lie_between_those_of_the_parts() {
        let near = |range: (f64, f64), low: f64, high: f64| {
            assert!(
                (range.0 - low).abs() < 1e-13 && (range.1 - high).abs() < 1e-13,
                "{range:?}"
            );
        };
        // 8 e^(-t/4) falls by 2 at first, by 2/e at t = 4.
        near(
            slopes(&sum(&[term(8.0, 0.0, -0.25)]), 0.0, 4.0),
            -2.0,
            -2.0 / 1f64.exp(),
        );
        // 2 g + 1/4 of the integral of g = t^2/2 e^(-t/2) has the slope 2 t e^(-t/2) - 3/4 g: from 1 to 3
        // the first has its peak at 2, while g rises to 9/2 e^(-3/2).
        let power = Term {
            power: 2,
            ..term(2.0, 0.25, -0.5)
        };
        let low = 2.0 * (-0.5f64).exp() - 0.75 * 4.5 * (-1.5f64).exp();
        let high = 4.0 * (-1f64).exp() - 0.75 * 0.5 * (-0.5f64).exp();
        near(slopes(&sum(&[power]), 1.0, 3.0), low, high);
    }

    #[test]
    fn a_hump_is_higher_than_its_ends_only_if_its_peak_lies_between_them() {
        // t e^(-t/2) has its peak at 2.
        let g = |t: f64| power_pair(-0.5, t, 1).0;
        let range = |a: f64, b: f64| hump(-0.5, 1, a, b, g(a), g(b));
        assert_eq!(range(0.5, 1.0), (g(0.5), g(1.0)));
        assert_eq!(range(1.0, 2.0), (g(1.0), g(2.0)));
        assert_eq!(range(2.0, 3.0), (g(3.0), g(2.0)));
        assert_eq!(range(4.0, 6.0), (g(6.0), g(4.0)));
        let (low, high) = range(1.0, 4.0);
        assert_eq!(low, g(4.0));
        assert!(
            high > g(2.0) && high < (1.0 + 2e-14) * g(2.0),
            "with room for its rounding"
        );
    }

    #[test]
    fn an_interval_is_decided_if_it_misses_the_level_or_goes_one_way_or_stands_still() {
        let ranges = |slope, flat| Ranges {
            value: (1.0, 2.0),
            slope,
            flat,
        };
        let both_ways = ranges((-1.0, 1.0), false);
        assert!(both_ways.decided(0.9) && both_ways.decided(2.1));
        for within in [1.0, 1.5, 2.0] {
            assert!(!both_ways.decided(within));
            assert!(ranges((0.1, 1.0), false).decided(within));
            assert!(ranges((-1.0, -0.1), false).decided(within));
            assert!(ranges((-1.0, 1.0), true).decided(within));
            // Nought is no sign.
            assert!(!ranges((0.0, 1.0), false).decided(within));
            assert!(!ranges((-1.0, 0.0), false).decided(within));
        }
    }

    /// Where the passage of `level` between `a` and `b` is placed, and how often `y` is asked for it.
    fn placed(y: fn(f64) -> f64, level: f64, a: f64, b: f64) -> (f64, u32) {
        let direction = toward(if y(b) > level { 1 } else { -1 });
        let mut asked = 0;
        let count = |t: f64| {
            asked += 1;
            Ok(y(t))
        };
        let t = close_in(count, level, [(a, y(a)), (b, y(b))], direction).unwrap();
        let past = if y(t) > level {
            Direction::Rising
        } else {
            Direction::Falling
        };
        assert!(y(t) == level || past == direction, "the far side");
        (t, asked)
    }

    #[test]
    fn a_straight_line_is_met_by_the_first_secant() {
        assert_eq!(placed(|t| 2.0 * t - 3.0, 4.0, 1.0, 8.0), (3.5, 1));
        assert_eq!(placed(|t| 2.0 - 2.0 * t, -5.0, 1.0, 8.0), (3.5, 1));
    }

    #[test]
    fn a_passage_is_placed_in_no_more_steps_than_halving_takes() {
        let within = |y: fn(f64) -> f64, level: f64, a: f64, b: f64, root: f64| {
            let (t, asked) = placed(y, level, a, b);
            let width = PLACED_H.max(4.0 * f64::EPSILON * b);
            assert!((t - root).abs() <= width, "{t} {root}");
            assert!(f64::from(asked) <= libm::log2((b - a) / width).ceil(), "{asked}");
        };
        let root = 2f64.sqrt();
        within(|t| t * t, 2.0, 0.0, 8.0, root);
        within(|t| -t * t, -2.0, 0.0, 8.0, root);
        within(|t| (8.0 - t) * (8.0 - t), 2.0, 0.0, 8.0, 8.0 - root);
        within(|t| (t - 8.0) * (8.0 - t), -2.0, 0.0, 8.0, 8.0 - root);
        let origin: fn(f64) -> f64 = |t| (t - 1_048_576.0) * (t - 1_048_576.0);
        within(origin, 2.0, 1_048_576.0, 1_048_584.0, 1_048_576.0 + root);
        // Secants that cannot be told from one end.
        within(|t| t - 1e-20, 0.0, 0.0, 100.0, 0.0);
        within(|t| (t - 1.0) + 1e-20, 0.0, 0.0, 1.0, 1.0);
    }

    #[test]
    fn a_curve_is_met_in_less_than_half_the_steps_of_halving() {
        // 43, 47 and 50 by halving.
        assert_eq!(placed(|t| t * t, 2.0, 0.0, 8.0), (2f64.sqrt(), 17));
        assert_eq!(placed(|t| libm::exp(-t), 0.5, 0.0, 100.0).1, 17);
        assert_eq!(placed(|t| 1.0 / (1.0 + t), 0.01, 0.0, 1024.0), (99.0, 19));
        assert_eq!(placed(|t| -1.0 / (1.0 + t), -0.01, 0.0, 1024.0), (99.0, 19));
    }

    #[test]
    fn where_secants_are_of_no_use_every_fourth_step_halves() {
        let ninth: fn(f64) -> f64 = |t| {
            let cube = (t - 1.0) * (t - 1.0) * (t - 1.0);
            cube * cube * cube
        };
        let (t, asked) = placed(ninth, 0.0, 0.0, 8.0);
        assert!((t - 1.0).abs() <= PLACED_H && asked <= 4 * 43, "{t} {asked}");
    }

    #[test]
    fn what_cannot_be_searched_is_an_error() {
        let y = bateman();
        assert!(y.crossings(0.1, 2.0, 1.0).is_err());
        assert!(y.crossings(f64::NAN, 0.0, 1.0).is_err());
        assert!(y.crossings(0.1, 0.0, f64::INFINITY).is_err());
        let huge = sum(&[term(1.0, 0.0, 900.0)]);
        assert!(matches!(
            huge.crossings(2.0, 0.0, 10.0),
            Err(CrossingError::NotFinite { .. })
        ));
    }
}
