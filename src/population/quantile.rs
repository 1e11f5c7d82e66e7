//! From a standard normal number to a value of a distribution.

use crate::numerics::correlated::normal_share;
use crate::numerics::draws::normal_quantile;
use crate::scenario::population::{Distribution, Shape};

/// What the quantile of one distribution needs, computed once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantile {
    /// Share of the uncut distribution below `low`.
    below: f64,
    /// Share of it between `low` and `high`.
    between: f64,
    /// Logit of the middle, for the shape that needs it.
    logit: f64,
}

impl Quantile {
    pub(super) fn new(d: &Distribution) -> Self {
        let score = |bound: f64| match d.shape {
            Shape::LogNormal if bound <= 0.0 => f64::NEG_INFINITY,
            Shape::LogNormal => (libm::log(bound) - libm::log(d.typical)) / d.spread,
            _ => (bound - d.typical) / d.spread,
        };
        let (below, above) = if d.spread > 0.0 {
            (normal_share(score(d.low)), normal_share(score(d.high)))
        } else {
            (0.0, 1.0)
        };
        let place = (d.typical - d.low) / (d.high - d.low);
        Self {
            below,
            between: above - below,
            logit: match d.shape {
                Shape::LogitNormal => libm::log(place / (1.0 - place)),
                _ => 0.0,
            },
        }
    }

    /// The value at a standard normal number; rises with it.
    pub(super) fn value(&self, d: &Distribution, z: f64) -> f64 {
        let value = match d.shape {
            Shape::Uniform => d.low + (d.high - d.low) * normal_share(z),
            Shape::Share => f64::from(normal_share(-z) < d.typical),
            Shape::LogitNormal if d.spread > 0.0 => {
                let place = 1.0 / (1.0 + libm::exp(-(self.logit + d.spread * z)));
                d.low + (d.high - d.low) * place
            }
            Shape::LogNormal if d.spread > 0.0 => d.typical * libm::exp(d.spread * self.cut(z)),
            Shape::Normal if d.spread > 0.0 => d.typical + d.spread * self.cut(z),
            _ => d.typical,
        };
        value.clamp(d.low, d.high) + 0.0
    }

    /// The number moved to the same share of the distribution between its bounds.
    fn cut(&self, z: f64) -> f64 {
        let share = self.below + self.between * normal_share(z);
        // Rounding must not reach the ends, where the quantile is infinite.
        normal_quantile(share.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Grade;

    fn of(shape: Shape, typical: f64, spread: f64, low: f64, high: f64) -> Distribution {
        Distribution {
            key: "response.effect.ec50",
            shape,
            typical,
            spread,
            low,
            high,
            grade: Grade::Assumed,
            source: String::new(),
            typical_uncertainty: 0.0,
            spread_uncertainty: 0.0,
        }
    }

    #[test]
    fn middles_and_one_standard_deviation_are_where_they_belong() {
        for (d, at_zero, at_one) in [
            (of(Shape::LogNormal, 2.0, 0.5, 0.0, 1e9), 2.0, 2.0 * 0.5f64.exp()),
            (of(Shape::Normal, 2.0, 0.5, -1e9, 1e9), 2.0, 2.5),
            (
                of(Shape::LogitNormal, 0.5, 1.0, 0.0, 1.0),
                0.5,
                1.0 / (1.0 + (-1.0f64).exp()),
            ),
            (
                of(Shape::Uniform, 0.0, 0.0, 2.0, 4.0),
                3.0,
                2.0 + 2.0 * normal_share(1.0),
            ),
            (of(Shape::Share, 0.3, 0.0, 0.0, 1.0), 0.0, 1.0),
            (of(Shape::Normal, 2.0, 0.0, 0.0, 4.0), 2.0, 2.0),
        ] {
            let q = Quantile::new(&d);
            assert!(
                (q.value(&d, 0.0) - at_zero).abs() < 1e-12,
                "{:?} {}",
                d.shape,
                q.value(&d, 0.0)
            );
            assert!(
                (q.value(&d, 1.0) - at_one).abs() < 1e-12,
                "{:?} {}",
                d.shape,
                q.value(&d, 1.0)
            );
        }
    }

    #[test]
    fn a_cut_distribution_keeps_its_shape_between_its_bounds_and_reaches_no_further() {
        let d = of(Shape::Normal, 0.0, 1.0, -1.0, 2.0);
        let q = Quantile::new(&d);
        // The median of a normal cut at -1 and 2 standard deviations.
        let share = 0.5 * (normal_share(-1.0) + normal_share(2.0));
        assert!((q.value(&d, 0.0) - normal_quantile(share)).abs() < 1e-12);
        let mut last = f64::NEG_INFINITY;
        for k in -400..=400 {
            let x = q.value(&d, f64::from(k) / 10.0);
            assert!((-1.0..=2.0).contains(&x) && x >= last, "{k}: {x}");
            last = x;
        }
    }
}
