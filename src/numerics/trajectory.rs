//! An output between two events as a sum of exponentials.

use serde::{Deserialize, Serialize};

use super::decay::exp_and_integral;

/// `g_k = tᵏ/k! exp(rate t)` and its integral from 0 to `t`.
pub(crate) fn power_pair(rate: f64, t: f64, power: u32) -> (f64, f64) {
    if power == 0 {
        return exp_and_integral(rate, t);
    }
    let mut pairs = Vec::with_capacity(power as usize + 1);
    power_pairs(rate, t, power, &mut pairs);
    pairs[power as usize]
}

/// Append the pairs of powers 0 to `highest`, one series for all of them.
pub(crate) fn power_pairs(rate: f64, t: f64, highest: u32, pairs: &mut Vec<(f64, f64)>) {
    let start = pairs.len();
    let (decay, integral) = exp_and_integral(rate, t);
    pairs.push((decay, integral));
    let mut monomial = 1.0;
    for j in 1..=highest {
        monomial *= t / f64::from(j);
        pairs.push((monomial * decay, 0.0));
    }
    let pairs = &mut pairs[start..];
    let y = -rate * t;
    let k = f64::from(highest);
    if y <= k + 25.0 && y > -1.0 {
        // Incomplete gamma for the highest power: e^-y Σ y^j / ((k+1)...(k+1+j)),
        // positive terms for y >= 0; then down by G_{j-1} = g_j - rate G_j, a sum.
        let mut term = monomial * t / (k + 1.0) * decay;
        let mut sum = term;
        let mut j = 1.0;
        while term.abs() > 1e-18 * sum.abs() {
            term *= y / (k + 1.0 + j);
            sum += term;
            j += 1.0;
        }
        for pair in pairs[1..].iter_mut().rev() {
            pair.1 = sum;
            sum = pair.0 - rate * sum;
        }
    } else {
        // Up by G_j = (g_j - G_{j-1}) / rate, stable once the exponential is small
        // (or large).
        let mut sum = integral;
        for pair in &mut pairs[1..] {
            sum = (pair.0 - sum) / rate;
            pair.1 = sum;
        }
    }
}

/// `amplitude g_k(t) + forcing ∫₀ᵗ g_k`, with `g_k = tᵏ/k! exp(rate t)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Weight of the exponential, in the output's unit (per h^k).
    pub amplitude: f64,
    /// Weight of its integral: input to this mode \[unit/h\].
    pub forcing: f64,
    /// Rate \[1/h\], negative where it decays.
    pub rate: f64,
    /// Power `k`: 0 but for repeated rates.
    pub power: u32,
}

impl Term {
    pub(crate) fn value(&self, t: f64) -> f64 {
        let (g, integral) = power_pair(self.rate, t, self.power);
        self.amplitude * g + self.forcing * integral
    }
}

/// `y(t) = Σ amplitude_k exp(rate_k t) + forcing_k ∫ exp(rate_k s) ds`, `t` in \[h\]
/// since the origin. A term of rate 0 is a constant plus a straight line.
///
/// Where it crosses a level is found by the methods in [`super::crossing`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExponentialSum {
    terms: Vec<Term>,
}

impl ExponentialSum {
    /// The sum of `terms`; those that are zero for ever are dropped.
    pub fn new(mut terms: Vec<Term>) -> ExponentialSum {
        terms.retain(|t| t.amplitude != 0.0 || t.forcing != 0.0);
        ExponentialSum { terms }
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// This function plus a constant.
    pub fn plus_constant(mut self, constant: f64) -> ExponentialSum {
        if constant != 0.0 {
            self.terms.push(Term {
                amplitude: constant,
                forcing: 0.0,
                rate: 0.0,
                power: 0,
            });
        }
        self
    }

    /// This function plus `factor` times another with the same origin.
    pub fn plus(mut self, factor: f64, other: &ExponentialSum) -> ExponentialSum {
        self.terms.extend(other.terms.iter().map(|t| Term {
            amplitude: factor * t.amplitude,
            forcing: factor * t.forcing,
            ..*t
        }));
        ExponentialSum::new(self.terms)
    }

    /// The value at `t` \[h\] after the origin.
    pub fn value(&self, t: f64) -> f64 {
        self.terms.iter().fold(0.0, |s, term| s + term.value(t))
    }

    /// The slope at `t` \[unit/h\].
    pub fn slope(&self, t: f64) -> f64 {
        self.derivative().value(t)
    }

    /// The derivative, again a sum of exponentials.
    pub fn derivative(&self) -> ExponentialSum {
        let mut terms = Vec::with_capacity(self.terms.len());
        for t in &self.terms {
            let amplitude = t.rate * t.amplitude + t.forcing;
            terms.push(Term {
                amplitude,
                forcing: 0.0,
                ..*t
            });
            if t.power > 0 {
                terms.push(Term {
                    forcing: 0.0,
                    power: t.power - 1,
                    ..*t
                });
            }
        }
        ExponentialSum::new(terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Composite Gauss-Legendre, 5 points on 400 panels: an independent integral.
    fn quadrature(f: impl Fn(f64) -> f64, t: f64) -> f64 {
        let node = [
            (0.0, 0.568_888_888_888_888_9),
            (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
            (0.906_179_845_938_664, 0.236_926_885_056_189_08),
        ];
        let panels = 400;
        let h = t / f64::from(panels);
        let mut sum = 0.0;
        for p in 0..panels {
            let mid = (f64::from(p) + 0.5) * h;
            sum += 0.5 * h * node[0].1 * f(mid);
            for (x, w) in &node[1..] {
                sum += 0.5 * h * w * (f(mid + 0.5 * h * x) + f(mid - 0.5 * h * x));
            }
        }
        sum
    }

    #[test]
    fn the_pair_is_accurate_on_both_sides_of_every_switch() {
        for rate in [
            0.0, -1e-9, -0.49, -0.51, -3.0, -24.0, -27.0, -31.0, -80.0, 0.3, 0.9, 2.0,
        ] {
            for power in 0..6 {
                let t = 1.0;
                let (g, integral) = power_pair(rate, t, power);
                let f = |s: f64| {
                    let k: f64 = (1..=power).map(f64::from).product();
                    s.powi(power as i32) / k * (rate * s).exp()
                };
                assert!((g - f(t)).abs() <= 4e-16 * f(t), "{rate} {power}");
                let exact = quadrature(f, t);
                let error = (integral - exact).abs() / exact;
                assert!(error < 2e-13, "rate {rate} power {power}: {error:e}");
            }
        }
    }

    #[test]
    fn one_series_gives_every_power_what_it_gets_alone() {
        for rate in [0.0, -1e-9, -0.5, -3.0, -27.0, -31.0, -80.0, 0.9, 2.0] {
            let mut pairs = vec![(7.0, 7.0)];
            power_pairs(rate, 1.0, 5, &mut pairs);
            assert_eq!(pairs.len(), 7);
            for (power, pair) in (0..).zip(&pairs[1..]) {
                let alone = power_pair(rate, 1.0, power);
                assert_eq!(pair.0, alone.0);
                assert!(
                    (pair.1 - alone.1).abs() <= 1e-13 * alone.1,
                    "{rate} {power}: {}",
                    pair.1
                );
            }
        }
    }

    #[test]
    fn the_integral_holds_where_the_exponential_is_spent_or_overwhelming() {
        for power in 0..6 {
            // The whole area under t^k/k! exp(-3 t) is 3^-(k+1).
            let (_, whole) = power_pair(-3.0, 1000.0, power);
            let exact = 1.0 / 3f64.powi(power as i32 + 1);
            assert!((whole - exact).abs() < 1e-14 * exact, "{power}: {whole}");
            // Growth: from exp(60 t) the last power is left, less by parts.
            let (_, grown) = power_pair(60.0, 1.0, power);
            let parts = (0..=power).fold((0.0, 1.0 / 60.0), |(sum, weight), down| {
                let g = power_pair(60.0, 1.0, power - down).0;
                (sum + g * weight, weight / -60.0)
            });
            assert!((grown - parts.0).abs() < 1e-13 * grown, "{power}: {grown} {}", parts.0);
        }
    }

    #[test]
    fn the_derivative_matches_a_difference_quotient() {
        let y = ExponentialSum::new(vec![
            Term {
                amplitude: 2.0,
                forcing: 0.3,
                rate: -1.2,
                power: 0,
            },
            Term {
                amplitude: -1.0,
                forcing: 0.7,
                rate: -0.4,
                power: 2,
            },
            Term {
                amplitude: 0.5,
                forcing: -0.2,
                rate: 0.0,
                power: 0,
            },
        ]);
        for t in [0.3, 2.0, 9.0] {
            let h = 1e-4;
            let quotient = (y.value(t + h) - y.value(t - h)) / (2.0 * h);
            assert!((quotient - y.slope(t)).abs() < 1e-8);
        }
    }

    #[test]
    fn a_term_of_rate_zero_is_a_straight_line() {
        let y = ExponentialSum::default().plus_constant(1.5).plus(
            2.0,
            &ExponentialSum::new(vec![Term {
                amplitude: 0.0,
                forcing: 3.0,
                rate: 0.0,
                power: 0,
            }]),
        );
        assert_eq!(y.value(4.0), 1.5 + 24.0);
        assert_eq!(y.slope(4.0), 6.0);
        // A factor goes to what a term has as well as to what comes in.
        let twice = ExponentialSum::default().plus(2.0, &y);
        assert_eq!(twice.value(4.0), 2.0 * y.value(4.0));
    }
}
