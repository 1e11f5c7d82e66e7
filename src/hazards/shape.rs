//! How a hazard depends on age, and the exact inversion behind a draw.

use serde::Serialize;

/// Hazard of one kind of fault over the age of the implant.
///
/// ```text
/// H(age) = -ln(1 - at_surgery) + early min(x, early_for) + constant x + wear x^2 / 2
/// ```
///
/// with `x` = age beyond `not_before`, and zero up to it. The chance of being free
/// at some age is exp(-H). The point mass is what goes wrong at surgery itself, so
/// an implant with any age at the start has it behind it.
///
/// # Example
/// ```
/// use itbsim::hazards::Shape;
///
/// let shape = Shape { constant: 0.011 / 8766.0, ..Shape::default() };
/// assert!((shape.survival(8766.0) - (-0.011f64).exp()).abs() < 1e-15);
/// // Memoryless: what has survived waits as long as what is new.
/// assert_eq!(shape.wait(50_000.0, 1.0), shape.wait(1.0, 1.0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Shape {
    /// Chance at surgery \[0-1\], below 1.
    pub at_surgery: f64,
    /// Extra rate during the early term \[1/h\].
    pub early: f64,
    /// Length of the early term \[h\].
    pub early_for: f64,
    /// Rate that stays \[1/h\].
    pub constant: f64,
    /// Growth of the rate with age \[1/h2\].
    pub wear: f64,
    /// Age before which only the point mass acts \[h\].
    pub not_before: f64,
}

impl Shape {
    /// Whether nothing can ever happen.
    pub fn is_zero(&self) -> bool {
        self.at_surgery <= 0.0
            && (self.early <= 0.0 || self.early_for <= 0.0)
            && self.constant <= 0.0
            && self.wear <= 0.0
    }

    /// The point mass as a cumulative hazard \[1\].
    pub fn mass(&self) -> f64 {
        -libm::log1p(-self.at_surgery)
    }

    /// Cumulative hazard from surgery to this age \[h\], point mass included: the expected
    /// number of events if each were repaired at once and the clock went on.
    pub fn cumulative(&self, age: f64) -> f64 {
        let x = (age - self.not_before).max(0.0);
        self.mass() + self.early * x.min(self.early_for) + self.constant * x + 0.5 * self.wear * x * x
    }

    /// Chance of no event up to this age \[h\].
    pub fn survival(&self, age: f64) -> f64 {
        libm::exp(-self.cumulative(age))
    }

    /// The same shape under `factor` times the hazard.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            at_surgery: -libm::expm1(-factor * self.mass()),
            early: self.early * factor,
            constant: self.constant * factor,
            wear: self.wear * factor,
            ..*self
        }
    }

    /// How long an implant of this age \[h\] waits until its cumulative hazard has grown by
    /// `target` \[h\]; `None` if it never does.
    ///
    /// With `target` = -ln(u) for a uniform u this is a draw of the waiting time, given
    /// survival so far. The hazard is linear in age on each of two pieces, so the inverse
    /// is a root of a quadratic, taken in the form without cancellation. At age zero the
    /// point mass is still ahead, and the wait is zero where it is hit.
    pub fn wait(&self, age: f64, target: f64) -> Option<f64> {
        let mut left = target;
        if age <= 0.0 {
            let mass = self.mass();
            if left <= mass && mass > 0.0 {
                return Some(0.0);
            }
            left -= mass;
        }
        let mut waited = (self.not_before - age).max(0.0);
        let mut x = (age - self.not_before).max(0.0);
        if x < self.early_for && self.early > 0.0 {
            let length = self.early_for - x;
            let rate = self.early + self.constant + self.wear * x;
            let inside = rate * length + 0.5 * self.wear * length * length;
            if left <= inside {
                return Some(waited + quadratic(rate, self.wear, left));
            }
            left -= inside;
            waited += length;
            x = self.early_for;
        }
        let rate = self.constant + self.wear * x;
        if rate <= 0.0 && self.wear <= 0.0 {
            return None;
        }
        let wait = waited + quadratic(rate, self.wear, left);
        wait.is_finite().then_some(wait)
    }
}

/// The positive d with `rate d + wear d^2 / 2 = target`.
fn quadratic(rate: f64, wear: f64, target: f64) -> f64 {
    if target <= 0.0 {
        return 0.0;
    }
    2.0 * target / (rate + (rate * rate + 2.0 * wear * target).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Shape = Shape {
        at_surgery: 0.02,
        early: 3e-6,
        early_for: 8766.0,
        constant: 1e-6,
        wear: 2e-11,
        not_before: 500.0,
    };

    #[test]
    fn the_wait_inverts_the_cumulative_hazard_on_every_piece() {
        for age in [0.0, 1.0, 499.0, 500.0, 3_000.0, 9_265.9, 9_266.0, 60_000.0] {
            let behind = if age > 0.0 { FULL.cumulative(age) } else { 0.0 };
            for k in 1..200 {
                let target = f64::from(k) * 0.01;
                let wait = FULL.wait(age, target).unwrap();
                let grown = FULL.cumulative(age + wait) - behind;
                if age == 0.0 && target <= FULL.mass() {
                    assert_eq!(wait, 0.0);
                } else {
                    assert!(
                        (grown - target).abs() < 1e-13 * target.max(1.0),
                        "{age} {target}: {grown}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_wait_grows_with_the_target_across_the_pieces() {
        let inside = FULL.cumulative(9_266.0) - FULL.mass();
        let before = FULL.wait(1.0, inside * (1.0 - 1e-12)).unwrap();
        let at = FULL.wait(1.0, inside).unwrap();
        let after = FULL.wait(1.0, inside * (1.0 + 1e-12)).unwrap();
        assert!(before <= at && at <= after && after - before < 1e-3);
        assert!((at - 9_265.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_ahead_is_never() {
        assert_eq!(Shape::default().wait(0.0, 1.0), None);
        let only_mass = Shape {
            at_surgery: 0.5,
            ..Shape::default()
        };
        assert_eq!(only_mass.wait(0.0, 0.6), Some(0.0));
        assert_eq!(only_mass.wait(0.0, 0.7), None);
        assert_eq!(
            only_mass.wait(1.0, 1e-9),
            None,
            "an implant in place has surgery behind it"
        );
        let only_early = Shape {
            early: 1e-5,
            early_for: 100.0,
            ..Shape::default()
        };
        assert!(only_early.wait(0.0, 1e-4).is_some());
        assert_eq!(only_early.wait(0.0, 1e-2), None);
        assert!(Shape::default().is_zero() && !only_early.is_zero());
    }

    #[test]
    fn scaling_multiplies_the_cumulative_hazard_point_mass_included() {
        let five = FULL.scaled(5.0);
        for age in [0.0, 600.0, 20_000.0] {
            assert!((five.cumulative(age) / FULL.cumulative(age) - 5.0).abs() < 1e-12);
        }
        assert!(FULL.scaled(0.0).is_zero());
    }
}
