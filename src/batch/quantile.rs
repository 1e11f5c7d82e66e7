//! Quantiles of a sample and how well the sample knows them.
//!
//! The interval of a quantile runs between two order statistics whose ranks the binomial
//! distribution gives: it holds for any distribution and needs no density (David and Nagaraja,
//! Order Statistics, 2003, section 7.1). Where a sample is too small for a bound, there is none.

use serde::Serialize;

use super::cells::Cells;

/// Levels of the bands.
pub const LEVELS: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Chance left outside each end of an interval: 95 % lies inside.
pub const TAIL: f64 = 0.025;

/// The standard normal quantile that belongs to [`TAIL`].
pub fn z() -> f64 {
    -crate::numerics::draws::normal_quantile(TAIL)
}

/// The quantile of Student's distribution that belongs to [`TAIL`], for so many degrees of freedom;
/// fewer than one counts as one.
///
/// P(|T| > t) is the regularised incomplete beta function of f/2 and 1/2 at f / (f + t^2)
/// (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1); its root is found by halving.
pub fn t(freedom: f64) -> f64 {
    // Beyond this the two quantiles differ by less than one part in 10^6.
    const MANY: f64 = 2e6;
    let f = if freedom.is_nan() { 1.0 } else { freedom.max(1.0) };
    if f > MANY {
        return z();
    }
    // The function rises with its argument.
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return (f * (1.0 - middle) / middle).sqrt();
        }
        if incomplete_beta(0.5 * f, 0.5, middle) < 2.0 * TAIL {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// A quantile with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantile {
    /// Level \[0-1\].
    pub level: f64,
    /// The quantile: the value of rank ceil(level n).
    pub value: f64,
    /// Lower end of its interval, if the sample reaches there.
    pub low: Option<f64>,
    /// Upper end of its interval, if the sample reaches there.
    pub high: Option<f64>,
}

/// Ranks of order statistics that bound a quantile of a sample of `n` with at least 95 %;
/// `None` where no rank does.
pub fn ranks(n: u64, level: f64) -> (Option<u64>, Option<u64>) {
    let low = binomial_quantile(n, level, TAIL);
    let high = binomial_quantile(n, level, 1.0 - TAIL) + 1;
    ((low >= 1).then_some(low), (high <= n).then_some(high))
}

/// Ranks that are asked for again and again, by sample size.
#[derive(Debug, Default)]
pub struct RankTable {
    known: std::collections::BTreeMap<(u64, u64), (Option<u64>, Option<u64>)>,
}

impl RankTable {
    /// As [`ranks`].
    pub fn ranks(&mut self, n: u64, level: f64) -> (Option<u64>, Option<u64>) {
        let entry = self.known.entry((n, level.to_bits()));
        *entry.or_insert_with(|| ranks(n, level))
    }
}

/// A quantile of cells that hold `unit` for each of `effective` replicates.
///
/// With unequal weights `effective` is the effective sample size, and the ranks hold
/// approximately.
pub fn quantile(cells: &Cells, level: f64, effective: u64, table: &mut RankTable) -> Option<Quantile> {
    if effective == 0 {
        return None;
    }
    let total = cells.total() as f64;
    let n = effective as f64;
    // The middle of the mass of one replicate stands for it.
    let of_rank = |rank: f64| cells.value_at((rank - 0.5) / n * total, total / n);
    let (low, high) = table.ranks(effective, level);
    Some(Quantile {
        level,
        value: of_rank(libm::ceil(level * n).max(1.0))?,
        low: low.and_then(|r| of_rank(r as f64)),
        high: high.and_then(|r| of_rank(r as f64)),
    })
}

/// The smallest k with P(B <= k) >= `chance` for a binomial B of `n` trials at `p`.
pub fn binomial_quantile(n: u64, p: f64, chance: f64) -> u64 {
    let mean = n as f64 * p;
    let spread = (mean * (1.0 - p)).sqrt();
    let guess = mean + spread * crate::numerics::draws::normal_quantile(chance);
    let mut k = (libm::floor(guess.max(0.0)) as u64).min(n);
    while k > 0 && binomial_cdf(n, p, k - 1) >= chance {
        k -= 1;
    }
    while k < n && binomial_cdf(n, p, k) < chance {
        k += 1;
    }
    k
}

/// P(B <= k) for a binomial B of `n` trials at `p` in (0, 1).
fn binomial_cdf(n: u64, p: f64, k: u64) -> f64 {
    if k >= n {
        return 1.0;
    }
    incomplete_beta((n - k) as f64, k as f64 + 1.0, 1.0 - p)
}

/// The regularised incomplete beta function, by the continued fraction of Lentz (Press,
/// Numerical Recipes, section 6.4).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let front = libm::exp(ln_front);
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const PRECISION: f64 = 1e-15;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (sum, above, below) = (a + b, a + 1.0, a - 1.0);
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - sum * x / above);
    let mut h = d;
    // It converges within some square root of the larger argument.
    let most = 200 + 20 * (a.max(b).sqrt() as u32);
    for m in 1..=most {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((below + 2.0 * m) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (sum + m) * x / ((a + 2.0 * m) * (above + 2.0 * m));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let change = d * c;
        h *= change;
        if (change - 1.0).abs() < PRECISION {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Scale;
    use crate::numerics::Draws;

    #[test]
    fn the_binomial_distribution_is_that_of_its_definition() {
        for (n, p) in [(1_u64, 0.5_f64), (7, 0.05), (30, 0.25), (60, 0.95)] {
            let (mut choose, mut sum) = (1.0_f64, 0.0);
            for k in 0..=n {
                sum += choose * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32);
                assert!((binomial_cdf(n, p, k) - sum).abs() < 1e-13, "{n} {p} {k}");
                choose *= (n - k) as f64 / (k + 1) as f64;
            }
        }
    }

    #[test]
    fn students_quantile_is_that_of_the_printed_tables() {
        // Abramowitz and Stegun, table 26.10, 0.95 two-sided.
        for (freedom, printed) in [
            (1.0, 12.706),
            (2.0, 4.303),
            (3.0, 3.182),
            (5.0, 2.571),
            (10.0, 2.228),
            (30.0, 2.042),
            (120.0, 1.980),
            (1e9, 1.960),
        ] {
            assert!((t(freedom) - printed).abs() < 6e-4, "{freedom}: {}", t(freedom));
        }
        assert_eq!(t(0.3), t(1.0));
        assert!(t(1.9e6) > z() && t(1.9e6) < z() + 2e-6);
    }

    #[test]
    fn ranks_of_the_median_are_those_of_published_tables() {
        // Conover, Practical Nonparametric Statistics, 1999, table A3 (p = 0.5): outside the
        // ranks of n = 10, 20 and 100 lie 2.5 % at most on each side.
        assert_eq!(ranks(10, 0.5), (Some(2), Some(9)));
        assert_eq!(ranks(20, 0.5), (Some(6), Some(15)));
        assert_eq!(ranks(100, 0.5), (Some(40), Some(61)));
        // The extremes of five values hold the median with 93.75 % only.
        assert_eq!(ranks(5, 0.5), (None, None));
        assert_eq!(ranks(50, 0.05).0, None);
        assert_eq!(ranks(1_000_000, 0.5), (Some(499_020), Some(500_981)));
    }

    #[test]
    fn the_interval_holds_the_quantile_as_often_as_it_says() {
        let (samples, n) = (800_u64, 40_u64);
        for level in [0.25, 0.5, 0.75] {
            let (low, high) = ranks(n, level);
            let (low, high) = (low.unwrap() as usize, high.unwrap() as usize);
            let mut held = 0;
            for sample in 0..samples {
                let channel = Draws::new(17, sample).channel("quantile", "coverage");
                let mut u: Vec<f64> = (0..n).map(|i| channel.uniform(i)).collect();
                u.sort_by(f64::total_cmp);
                held += u64::from(u[low - 1] <= level && level <= u[high - 1]);
            }
            let share = held as f64 / samples as f64;
            // At least 95 %, less four standard errors of the check itself.
            assert!(
                share > 0.95 - 4.0 * (0.95 * 0.05 / samples as f64).sqrt(),
                "{level}: {share}"
            );
            assert!(share < 0.995, "{level}: {share} is wider than need be");
        }
    }

    #[test]
    fn quantiles_of_cells_are_those_of_the_sorted_values() {
        let channel = Draws::new(8, 0).channel("quantile", "cells");
        let mut values: Vec<f64> = (0..1_001).map(|i| channel.log_normal(i, 5.0, 0.8).unwrap()).collect();
        let mut cells = Cells::default();
        values.iter().for_each(|x| cells.put(Scale::OUTCOME, *x, 1));
        values.sort_by(f64::total_cmp);
        let mut table = RankTable::default();
        for level in LEVELS {
            let q = quantile(&cells, level, 1_001, &mut table).unwrap();
            let truth = values[(level * 1_001.0).ceil() as usize - 1];
            assert!((q.value / truth - 1.0).abs() < 0.001, "{level}: {} {truth}", q.value);
            assert!(q.low.unwrap() < q.value && q.value < q.high.unwrap());
        }
    }
}
