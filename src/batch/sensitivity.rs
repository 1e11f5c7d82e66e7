//! Which parameters an outcome depends on: one at a time, Morris screening, Sobol indices.
//!
//! The designs are points of the unit cube, the analyses take the values found there: between
//! the two anything may be run, on any number of threads. A run that fails is a missing value;
//! what needs it is left out and counted.
//!
//! - **One at a time**: the outcome at both ends of each range, the rest at its base.
//! - **Morris** (Technometrics 33, 1991, with the mean of absolute effects of Campolongo,
//!   Environmental Modelling & Software 22, 2007): cheap, ranks parameters, shows interactions.
//! - **Sobol** indices with the estimators of Saltelli (Computer Physics Communications 181,
//!   2010) for the first order and of Jansen (1999) for the total, on scrambled Sobol points;
//!   intervals by the bootstrap over rows.

use serde::Serialize;

use crate::numerics::Draws;

/// Levels of the grid of Morris.
const GRID: f64 = 4.0;
/// Step on it: p / (2 (p - 1)).
const STEP: f64 = GRID / (2.0 * (GRID - 1.0));
/// Resamples of the bootstrap.
const RESAMPLES: u64 = 400;
/// Dimensions that the Sobol points have; two for each parameter.
pub const MOST_PARAMETERS: usize = 128;

/// Most runs of one study.
pub const MOST_RUNS: u64 = 1_000_000;

/// Most numbers in the points of one study, runs times parameters: they take 400 MB.
pub const MOST_NUMBERS: u64 = 50_000_000;

/// What Morris screening says of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Effect {
    /// Elementary effects behind it.
    pub n: u64,
    /// Mean of absolute effects, over the whole range \[unit of the outcome\].
    pub mean_size: f64,
    /// Mean effect \[unit of the outcome\].
    pub mean: f64,
    /// Standard deviation of effects: interactions and curvature \[unit of the outcome\].
    pub sd: f64,
    /// Standard error of `mean_size`.
    pub error: f64,
}

/// An index with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Share of the variance \[1\].
    pub value: f64,
    /// Lower end of the bootstrap interval, 95 %.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Sobol indices of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Index {
    /// Rows behind it.
    pub n: u64,
    /// Alone.
    pub first: Share,
    /// With everything it interacts with.
    pub total: Share,
}

/// One trajectory of Morris: its points, and which parameter moves before each but the first.
fn trajectory(k: usize, number: u64, seed: u64) -> (Vec<Vec<f64>>, Vec<usize>) {
    let draws = Draws::new(seed, number);
    let start = draws.channel("morris", "start");
    let order = draws.channel("morris", "order");
    let down = draws.channel("morris", "direction");
    // Levels from which a step up stays inside; a step down starts from its upper end.
    let levels = GRID / 2.0;
    let mut steps: Vec<f64> = Vec::new();
    let mut x: Vec<f64> = Vec::new();
    for i in 0..k {
        let level = libm::floor(start.uniform(i as u64) * levels).min(levels - 1.0) / (GRID - 1.0);
        let falls = down.uniform(i as u64) < 0.5;
        x.push(if falls { level + STEP } else { level });
        steps.push(if falls { -STEP } else { STEP });
    }
    let mut sequence: Vec<(f64, usize)> = (0..k).map(|i| (order.uniform(i as u64), i)).collect();
    sequence.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut points = vec![x.clone()];
    for (_, i) in &sequence {
        x[*i] += steps[*i];
        points.push(x.clone());
    }
    (points, sequence.into_iter().map(|(_, i)| i).collect())
}

/// Points of `r` trajectories over `k` parameters: `r (k + 1)` of them.
pub fn morris_points(k: usize, r: u64, seed: u64) -> Vec<Vec<f64>> {
    (0..r).flat_map(|j| trajectory(k, j, seed).0).collect()
}

/// Effects from the values at [`morris_points`], in their order.
pub fn morris_effects(k: usize, r: u64, seed: u64, values: &[Option<f64>]) -> Vec<Effect> {
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); k];
    for (j, values) in (0..r).zip(values.chunks_exact(k + 1)) {
        let (points, order) = trajectory(k, j, seed);
        for (step, i) in order.into_iter().enumerate() {
            if let (Some(a), Some(b)) = (values[step], values[step + 1]) {
                found[i].push((b - a) / (points[step + 1][i] - points[step][i]));
            }
        }
    }
    found
        .into_iter()
        .map(|effects| {
            let n = effects.len() as f64;
            let of = |f: &dyn Fn(f64) -> f64| {
                let mean = effects.iter().map(|e| f(*e)).sum::<f64>() / n.max(1.0);
                let squares: f64 = effects.iter().map(|e| (f(*e) - mean) * (f(*e) - mean)).sum();
                (mean, if n > 1.0 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
            };
            let (mean_size, spread) = of(&f64::abs);
            let (mean, sd) = of(&|e| e);
            Effect {
                n: effects.len() as u64,
                mean_size,
                mean,
                sd,
                error: if n > 0.0 { spread / n.sqrt() } else { 0.0 },
            }
        })
        .collect()
}

/// Points of the design of Saltelli: for each of `n` rows the point of A, that of B, then A
/// with each parameter from B; `n (k + 2)` of them, `k` at most [`MOST_PARAMETERS`].
pub fn sobol_points(k: usize, n: u32, seed: u64) -> Vec<Vec<f64>> {
    // Both halves of the seed, so that none of it is lost.
    let scramble = (seed ^ (seed >> 32)) as u32;
    let coordinate = |row: u32, dimension: usize| {
        // Single precision may give 0; the middle of its cell is as good.
        let x = sobol_burley::sample(row, dimension as u32, scramble);
        (f64::from(x) + libm::scalbn(1.0, -25)).min(1.0 - f64::EPSILON)
    };
    let mut points = Vec::new();
    for row in 0..n {
        let a: Vec<f64> = (0..k).map(|i| coordinate(row, i)).collect();
        let b: Vec<f64> = (0..k).map(|i| coordinate(row, k + i)).collect();
        points.push(a.clone());
        points.push(b.clone());
        for i in 0..k {
            let mut mixed = a.clone();
            mixed[i] = b[i];
            points.push(mixed);
        }
    }
    points
}

/// First and total index of parameter `i` from rows of values.
fn indices(rows: &[&[f64]], i: usize) -> (f64, f64) {
    let n = rows.len() as f64;
    let all = || rows.iter().flat_map(|r| [r[0], r[1]]);
    let mean = all().sum::<f64>() / (2.0 * n);
    let variance = all().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (2.0 * n);
    if variance <= 0.0 {
        return (0.0, 0.0);
    }
    // Less the mean: the same in expectation, and less noise.
    let first: f64 = rows.iter().map(|r| (r[1] - mean) * (r[2 + i] - r[0])).sum();
    let total: f64 = rows.iter().map(|r| (r[0] - r[2 + i]) * (r[0] - r[2 + i])).sum();
    (first / n / variance + 0.0, total / (2.0 * n) / variance)
}

/// Indices from the values at [`sobol_points`], in their order; rows with a missing value are
/// left out.
pub fn sobol_indices(k: usize, seed: u64, values: &[Option<f64>]) -> Vec<Index> {
    let whole: Vec<Vec<f64>> = values
        .chunks_exact(k + 2)
        .filter_map(|row| row.iter().copied().collect())
        .collect();
    let rows: Vec<&[f64]> = whole.iter().map(Vec::as_slice).collect();
    let n = rows.len();
    let picked: Vec<Vec<&[f64]>> = (0..if n > 1 { RESAMPLES } else { 0 })
        .map(|resample| {
            let channel = Draws::new(seed, resample).channel("sobol", "bootstrap");
            let pick = |j: u64| ((channel.uniform(j) * n as f64) as usize).min(n - 1);
            (0..n as u64).map(|j| rows[pick(j)]).collect()
        })
        .collect();
    (0..k)
        .map(|i| {
            let (first, total) = if n > 0 { indices(&rows, i) } else { (0.0, 0.0) };
            let again: Vec<(f64, f64)> = picked.iter().map(|rows| indices(rows, i)).collect();
            let share = |value: f64, all: Vec<f64>| {
                let mut all = all;
                all.sort_by(f64::total_cmp);
                let at = |p: f64| all.get((p * all.len() as f64) as usize).copied().unwrap_or(value);
                Share {
                    value,
                    low: at(super::quantile::TAIL).min(value),
                    high: at(1.0 - super::quantile::TAIL).max(value),
                }
            };
            Index {
                n: n as u64,
                first: share(first, again.iter().map(|a| a.0).collect()),
                total: share(total, again.iter().map(|a| a.1).collect()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ishigami and Homma 1990, with a = 7, b = 0.1, on the unit cube.
    fn ishigami(x: &[f64]) -> f64 {
        let angle = |u: f64| std::f64::consts::PI * (2.0 * u - 1.0);
        let (a, b, c) = (angle(x[0]), angle(x[1]), angle(x[2]));
        let (s, t) = (libm::sin(a), libm::sin(b));
        s + 7.0 * t * t + 0.1 * c * c * c * c * s
    }

    #[test]
    fn indices_of_ishigami_are_the_published_ones() {
        let values: Vec<Option<f64>> = sobol_points(3, 4_096, 1).iter().map(|x| Some(ishigami(x))).collect();
        let found = sobol_indices(3, 1, &values);
        // Saltelli, Sensitivity Analysis in Practice, 2004: closed forms.
        let first = [0.3139, 0.4424, 0.0];
        let total = [0.5576, 0.4424, 0.2437];
        for (i, (index, (first, total))) in found.iter().zip(first.into_iter().zip(total)).enumerate() {
            assert!((index.first.value - first).abs() < 0.01, "{i}: {:?}", index.first);
            assert!((index.total.value - total).abs() < 0.01, "{i}: {:?}", index.total);
            for (share, truth) in [(index.first, first), (index.total, total)] {
                assert!(
                    share.low <= truth + 0.005 && truth <= share.high + 0.005,
                    "{i}: {share:?}"
                );
                assert!(share.high - share.low < 0.15);
            }
        }
    }

    #[test]
    fn effects_of_a_plane_are_its_slopes_without_spread() {
        let slopes = [3.0, -1.5, 0.0, 8.0];
        let plane = |x: &Vec<f64>| Some(x.iter().zip(slopes).map(|(x, s)| x * s).sum::<f64>());
        let points = morris_points(4, 10, 3);
        assert_eq!(points.len(), 50);
        assert!(points.iter().flatten().all(|x| (-1e-12..=1.0 + 1e-12).contains(x)));
        let values: Vec<Option<f64>> = points.iter().map(plane).collect();
        for (effect, slope) in morris_effects(4, 10, 3, &values).iter().zip(slopes) {
            assert_eq!(effect.n, 10);
            assert!((effect.mean - slope).abs() < 1e-12 && effect.sd < 1e-12);
            assert!((effect.mean_size - slope.abs()).abs() < 1e-12);
        }
    }

    #[test]
    fn an_interaction_shows_as_spread() {
        let values: Vec<Option<f64>> = morris_points(2, 40, 5).iter().map(|x| Some(x[0] * x[1])).collect();
        for effect in morris_effects(2, 40, 5, &values) {
            assert!((effect.mean - 0.5).abs() < 0.2, "{effect:?}");
            assert!(effect.sd > 0.2, "{effect:?}");
        }
    }

    #[test]
    fn what_is_missing_is_left_out_and_counted() {
        let mut values: Vec<Option<f64>> = sobol_points(2, 64, 1).iter().map(|x| Some(x[0])).collect();
        values[5] = None;
        let found = sobol_indices(2, 1, &values);
        assert_eq!(found[0].n, 63);
        assert!((found[0].total.value - 1.0).abs() < 0.2 && found[1].total.value == 0.0);
        let mut values: Vec<Option<f64>> = morris_points(2, 5, 1).iter().map(|x| Some(x[0])).collect();
        values[0] = None;
        let effects = morris_effects(2, 5, 1, &values);
        assert_eq!(effects[0].n + effects[1].n, 9);
    }
}
