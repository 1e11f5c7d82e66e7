//! A quantity at several instants at once.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `N` values on which formulas work place by place: the same formula serves one instant and the
/// nodes of a step, with the same bits.
///
/// ```
/// use itbsim::numerics::Lanes;
///
/// let x = Lanes([1.0, -2.0]);
/// assert_eq!((x * 2.0 + Lanes::all(1.0)).max(0.0), Lanes([3.0, 0.0]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lanes<const N: usize>(pub [f64; N]);

impl<const N: usize> Lanes<N> {
    /// The same value everywhere.
    #[inline(always)]
    pub fn all(value: f64) -> Self {
        Lanes([value; N])
    }

    /// Place by place.
    #[inline(always)]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let mut out = [0.0; N];
        for (out, x) in out.iter_mut().zip(self.0) {
            *out = f(x);
        }
        Lanes(out)
    }

    /// Place by place of two.
    #[inline(always)]
    pub fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = [0.0; N];
        for (out, (a, b)) in out.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            *out = f(a, b);
        }
        Lanes(out)
    }

    /// At least `bound`.
    #[inline(always)]
    pub fn max(self, bound: f64) -> Self {
        self.map(|x| x.max(bound))
    }

    /// At most `bound`.
    #[inline(always)]
    pub fn min(self, bound: f64) -> Self {
        self.map(|x| x.min(bound))
    }

    /// Whether something holds in all places.
    #[inline(always)]
    pub fn every(self, holds: impl Fn(f64) -> bool) -> bool {
        let mut all = true;
        for x in self.0 {
            all &= holds(x);
        }
        all
    }

    /// The largest distance from zero; infinite where one is no number.
    #[inline(always)]
    pub fn largest(self) -> f64 {
        let far = |x: &f64| if x.is_nan() { f64::INFINITY } else { x.abs() };
        self.0.iter().map(far).fold(0.0, f64::max)
    }

    /// Smallest and largest value.
    #[inline(always)]
    pub fn range(self) -> (f64, f64) {
        let first = self.0[0];
        let low = self.0.iter().fold(first, |low, x| if *x < low { *x } else { low });
        let high = self.0.iter().fold(first, |high, x| if *x > high { *x } else { high });
        (low, high)
    }
}

impl<const N: usize> Default for Lanes<N> {
    fn default() -> Self {
        Lanes([0.0; N])
    }
}

macro_rules! operator {
    ($name:ident, $method:ident, $sign:tt) => {
        impl<const N: usize> $name for Lanes<N> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $sign b)
            }
        }

        impl<const N: usize> $name<f64> for Lanes<N> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: f64) -> Self {
                self.map(|a| a $sign other)
            }
        }

        impl<const N: usize> $name<Lanes<N>> for f64 {
            type Output = Lanes<N>;

            #[inline(always)]
            fn $method(self, other: Lanes<N>) -> Lanes<N> {
                other.map(|b| self $sign b)
            }
        }
    };
}

operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);
operator!(Div, div, /);

impl<const N: usize> Neg for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|a| -a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_work_place_by_place() {
        let (a, b) = (Lanes([1.0, -4.0, 9.0]), Lanes([2.0, 8.0, -3.0]));
        assert_eq!(a + b, Lanes([3.0, 4.0, 6.0]));
        assert_eq!(a - b, Lanes([-1.0, -12.0, 12.0]));
        assert_eq!(a * b, Lanes([2.0, -32.0, -27.0]));
        assert_eq!(a / b, Lanes([0.5, -0.5, -3.0]));
        assert_eq!(-a, Lanes([-1.0, 4.0, -9.0]));
        assert_eq!((a - 1.0, 1.0 - a), (Lanes([0.0, -5.0, 8.0]), Lanes([0.0, 5.0, -8.0])));
        assert_eq!((a / 2.0, 36.0 / a), (Lanes([0.5, -2.0, 4.5]), Lanes([36.0, -9.0, 4.0])));
        assert_eq!(
            (a.max(0.0), a.min(1.0)),
            (Lanes([1.0, 0.0, 9.0]), Lanes([1.0, -4.0, 1.0]))
        );
        assert_eq!((a.largest(), a.range(), b.largest()), (9.0, (-4.0, 9.0), 8.0));
        assert_eq!(Lanes([1.0, f64::NAN, 2.0]).largest(), f64::INFINITY);
        assert!(a.every(|x| x < 10.0) && !a.every(|x| x > 0.0));
        assert_eq!(Lanes::<2>::default(), Lanes::all(0.0));
    }
}
