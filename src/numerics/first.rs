//! The first tick of a clock at which something holds.
//!
//! Between a tick at which it does not and one at which it does, with a function that is negative
//! on one side and positive on the other as a guide. Interpolation, truncation and projection
//! (Oliveira, Takahashi 2020, "An enhancement of the bisection method average performance
//! preserving minmax optimality"): as few questions as the secant where the function is smooth, and
//! never more than one above halving where it is not.

/// An answer at one tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Side {
    /// Whether it holds.
    pub holds: bool,
    /// How far the function is from its level, with its sign; only a guide.
    pub gap: f64,
}

/// Scale and power of the truncation: those of the paper's first example.
const SHARE: f64 = 0.2;
/// Questions allowed above those of halving.
const SLACK: i32 = 1;

/// First tick at which it holds, between `before`, where it does not, and `after`, where it
/// does. If it changes more than once, one of the changes. `first` and `last` are the
/// guides at both ends; without use, they may be NaN.
///
/// # Errors
/// What the question says.
pub(crate) fn first_tick<E>(
    (before, first): (i64, f64),
    (after, last): (i64, f64),
    mut ask: impl FnMut(i64) -> Result<Side, E>,
) -> Result<i64, E> {
    let (mut a, mut b, mut fa, mut fb) = (before, after, first, last);
    let whole = (b - a).max(1) as f64;
    let halvings = libm::ceil(libm::log2(whole)) as i32 + SLACK;
    let mut asked = 0;
    while b - a > 1 {
        let span = (b - a) as f64;
        let half = 0.5 * span;
        // Where a guide tells nothing, halving.
        let guided = fa * fb < 0.0;
        let step = if guided {
            let secant = span * (fa / (fa - fb));
            let towards = if secant <= half { 1.0 } else { -1.0 };
            let short = SHARE * span * (span / whole);
            let cut = if short <= (half - secant).abs() {
                secant + towards * short
            } else {
                half
            };
            let reach = (libm::scalbn(0.5, (halvings - asked).max(0)) - half).max(0.0);
            if (cut - half).abs() <= reach {
                cut
            } else {
                half - towards * reach
            }
        } else {
            half
        };
        // Within the span, so the conversion holds.
        let middle = a + (step as i64).clamp(1, b - a - 1);
        let side = ask(middle)?;
        asked += 1;
        if side.holds {
            (b, fb) = (middle, side.gap);
        } else {
            (a, fa) = (middle, side.gap);
        }
    }
    Ok(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(span: i64, f: impl Fn(f64) -> f64) -> (i64, i32) {
        let value = |t: i64| f(t as f64 / span as f64);
        let mut asked = 0;
        let found = first_tick::<()>((0, value(0)), (span, value(span)), |t| {
            asked += 1;
            let gap = value(t);
            Ok(Side { holds: gap > 0.0, gap })
        });
        (found.unwrap(), asked)
    }

    fn halved(span: i64, f: impl Fn(f64) -> f64) -> i64 {
        let (mut a, mut b) = (0, span);
        while b - a > 1 {
            let m = a + (b - a) / 2;
            if f(m as f64 / span as f64) > 0.0 { b = m } else { a = m }
        }
        b
    }

    #[test]
    fn it_is_the_tick_that_halving_finds_with_fewer_questions_where_it_is_smooth() {
        // Six hours in nanoseconds.
        let span = 21_600_000_000_000;
        let smooth: [fn(f64) -> f64; 4] = [
            |x| x - 0.3,
            |x| libm::exp(3.0 * x) - 2.0,
            |x| 0.4 - libm::exp(-5.0 * x),
            |x| libm::sin(1.5 * x) - 0.9,
        ];
        for f in smooth {
            let (found, asked) = search(span, f);
            assert_eq!(found, halved(span, f));
            // Halving asks 45 times.
            assert!(asked <= 22, "{asked}");
        }
    }

    #[test]
    fn it_never_asks_more_than_halving_and_one() {
        let span = 1 << 40;
        let bad: [fn(f64) -> f64; 6] = [
            |x| libm::pow(x, 9.0) - 1e-6,
            |x| if x < 0.999_999 { -1e-9 } else { 1e9 },
            |x| libm::cbrt(x - 0.123_456_7),
            |x| if x < 0.7 { -1.0 } else { 1.0 },
            |x| if x < 0.7 { f64::NAN } else { 1.0 },
            |x| if x < 0.3 { -1.0 } else { 1e-9 },
        ];
        for f in bad {
            let (found, asked) = search(span, f);
            assert_eq!(found, halved(span, f));
            assert!(asked <= 41, "{asked}");
        }
        assert_eq!(search(1, |x| x - 0.5), (1, 0));
    }

    /// All that is asked between `before` and a span later, where it holds from `from` on.
    fn asked(before: i64, span: i64, from: i64, gaps: (f64, f64), guides: (f64, f64)) -> Vec<i64> {
        let mut ticks = Vec::new();
        let found = first_tick::<()>((before, guides.0), (before + span, guides.1), |t| {
            ticks.push(t - before);
            let holds = t - before >= from;
            let gap = if holds { gaps.1 } else { gaps.0 };
            Ok(Side { holds, gap })
        });
        assert_eq!(found, Ok(before + from));
        ticks
    }

    #[test]
    fn it_begins_in_the_middle_where_the_guides_are_equally_far_or_one_says_nothing() {
        for guides in [(-1.0, 1.0), (0.0, 1.0), (-1.0, 0.0), (f64::NAN, 1.0)] {
            assert_eq!(asked(0, 1024, 700, (-1.0, 1.0), guides)[0], 512, "{guides:?}");
        }
    }

    #[test]
    fn where_the_clock_stands_does_not_matter() {
        let gaps = (-1e9, 1e-9);
        let here = asked(0, 1024, 3, gaps, gaps);
        assert!(here.len() <= 11);
        for before in [1_000_000_000_000, -1_000_000_000_000] {
            assert_eq!(asked(before, 1024, 3, gaps, gaps), here);
        }
    }

    #[test]
    fn no_tick_is_asked_twice_where_the_guides_leave_no_room() {
        // Next to 2^60 the truncation of a few ticks is lost in rounding, and the secant is the very end.
        let span = 1 << 60;
        let mut ticks = asked(0, span, span - 40, (-1.0, 1e-300), (f64::NAN, 1e-300));
        let count = ticks.len();
        ticks.sort_unstable();
        ticks.dedup();
        assert_eq!(ticks.len(), count);
        assert!(ticks[0] > 0 && ticks[count - 1] < span);
    }

    #[test]
    fn an_error_ends_the_search() {
        assert_eq!(first_tick((0, -1.0), (9, 1.0), |_| Err::<Side, _>("no")), Err("no"));
    }
}
