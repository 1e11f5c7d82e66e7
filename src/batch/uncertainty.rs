//! What the two levels of a batch say: the spread between patients and what we do not know, apart.
//!
//! Draw `u` of the outer level gives a mean `m_u` with a Monte Carlo error `e_u` and a spread between
//! patients `s_u`. Means of draws differ for two reasons: the parameters differ, and each is the mean of a
//! finite sample. [`split`] takes the second from the first,
//!
//! ```text
//!   s_parameters^2 = S^2 - mean(e_u^2),     S^2 = sum (m_u - m)^2 / (d - 1)
//!   s_patients^2   = mean(s_u^2)
//!   error of m     = S / sqrt(d)            (Student, d - 1 degrees of freedom)
//! ```
//!
//! which is the analysis of variance with one random factor, in the form of Cochran that weighs groups alike
//! (Searle, Casella and McCulloch, Variance Components, 1992, section 3.6). A difference below zero says that
//! the samples are too small to see any parameter uncertainty, and is given as 0. Its interval comes from leaving out
//! one draw at a time (Efron and Stein, Ann Stat 9:586, 1981).
//!
//! | file | a row is |
//! |---|---|
//! | `levels.csv` | one outcome, event or difference: mean with its error, spread by patients and by parameters |
//! | `uncertainty.csv` | one statistic of it: its quantiles over the draws |
//! | `uncertainty_bands.csv` | one quantile of a signal at one time: its quantiles over the draws |
//!
//! Quantiles over the draws hold the sampling noise of the draws as well; the column `noise` says how large that
//! is.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::cells::Cells;
use super::identity::Identity;
use super::levels::{self, DrawState};
use super::quantile::{LEVELS, RankTable, quantile, t, z};
use super::state::{ArmState, State};
use super::tables::{Line, effective, label};
use crate::report::ReportError;
use crate::report::format::Tables;
use crate::report::tables::push_number;

/// Names of the levels of patients, in the order of [`LEVELS`].
const NAMES: [&str; 5] = ["p05", "p25", "median", "p75", "p95"];

/// One draw of the outer level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Replicates behind it.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation between them.
    pub sd: f64,
    /// Monte Carlo error of the mean.
    pub error: f64,
}

/// Where the spread of one number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Split {
    /// Draws of two replicates or more.
    pub draws: usize,
    /// Replicates in these.
    pub n: u64,
    /// Mean over draws.
    pub mean: f64,
    /// Its Monte Carlo error, of both levels.
    pub error: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Standard deviation between patients, at one value of what we do not know.
    pub patients: f64,
    /// Standard deviation of the mean by what we do not know.
    pub parameters: f64,
    /// Lower end of its 95 % interval.
    pub parameters_low: f64,
    /// Upper end of it.
    pub parameters_high: f64,
    /// Monte Carlo error of the mean of one draw.
    pub noise: f64,
}

impl Split {
    /// Share of the whole variance that is parameters \[0-1\]; `None` where nothing varies.
    pub fn share(&self) -> Option<f64> {
        let (a, b) = (self.parameters * self.parameters, self.patients * self.patients);
        (a + b > 0.0).then(|| a / (a + b))
    }
}

/// Variance of the means less that of their errors; it may lie below zero.
fn between(groups: &[Group]) -> (f64, f64, f64) {
    let d = groups.len() as f64;
    let mean = groups.iter().map(|g| g.mean).sum::<f64>() / d;
    let whole = groups.iter().map(|g| (g.mean - mean) * (g.mean - mean)).sum::<f64>() / (d - 1.0);
    let noise = groups.iter().map(|g| g.error * g.error).sum::<f64>() / d;
    // What differs by rounding only does not differ.
    let whole = if whole <= 4.0 * f64::EPSILON * mean * mean {
        0.0
    } else {
        whole
    };
    (mean, whole, noise)
}

/// Splits the spread of a number; `None` of fewer than two draws.
pub fn split(groups: &[Group]) -> Option<Split> {
    if groups.len() < 2 {
        return None;
    }
    let d = groups.len() as f64;
    let (mean, whole, noise) = between(groups);
    let variance = whole - noise;
    // Delete-one values of the variance; of two draws nothing would be left.
    let spread = if groups.len() > 2 {
        let without: Vec<f64> = (0..groups.len())
            .map(|i| {
                let left: Vec<Group> = [&groups[..i], &groups[i + 1..]].concat();
                let (_, whole, noise) = between(&left);
                whole - noise
            })
            .collect();
        let middle = without.iter().sum::<f64>() / d;
        let sum: f64 = without.iter().map(|v| (v - middle) * (v - middle)).sum();
        ((d - 1.0) / d * sum).sqrt()
    } else {
        f64::INFINITY
    };
    let root = |v: f64| v.max(0.0).sqrt();
    let reach = t(d - 1.0);
    let error = (whole / d).sqrt();
    let patients = (groups.iter().map(|g| g.sd * g.sd).sum::<f64>() / d).sqrt();
    let bounded = spread.is_finite();
    Some(Split {
        draws: groups.len(),
        n: groups.iter().map(|g| g.n).sum(),
        mean: mean + 0.0,
        error,
        low: mean - reach * error,
        high: mean + reach * error,
        patients,
        parameters: root(variance),
        parameters_low: if bounded { root(variance - reach * spread) } else { 0.0 },
        parameters_high: if bounded {
            root(variance + reach * spread)
        } else {
            f64::MAX
        },
        noise: noise.sqrt(),
    })
}

/// One number that is followed through the draws.
pub struct Quantity<'a> {
    /// `outcome`, `event` (the share that had it) or `difference` (to the first arm).
    pub kind: &'static str,
    /// Name.
    pub name: &'a str,
    /// Draws of two replicates or more.
    pub groups: Vec<Group>,
}

fn of_draws<'a>(
    arm: &'a ArmState,
    kind: &'static str,
    name: &'a str,
    group: impl Fn(&DrawState) -> Option<Group>,
) -> Quantity<'a> {
    let groups = arm.levels.draws.iter().filter_map(group).collect();
    Quantity { kind, name, groups }
}

/// All numbers of an arm that are followed through the draws, in the order of the tables.
pub fn quantities(arm: &ArmState) -> Vec<Quantity<'_>> {
    let of = |moments: &super::moments::Moments| {
        let found = moments.estimate()?;
        Some(Group {
            n: found.n,
            mean: found.mean,
            sd: found.sd?,
            error: found.error?,
        })
    };
    let mut out = Vec::new();
    for (i, outcome) in arm.outcomes.iter().enumerate() {
        out.push(of_draws(arm, "outcome", &outcome.name, |draw| {
            of(&draw.outcomes.get(i)?.moments)
        }));
    }
    for name in arm.clocks() {
        out.push(of_draws(arm, "event", name, |draw| {
            let (mean, sd, error) = levels::share(&draw.weights, draw.events.get(name))?;
            Some(Group {
                n: draw.weights.n,
                mean,
                sd,
                error: error?,
            })
        }));
    }
    for (i, pair) in arm.pairs.iter().enumerate() {
        out.push(of_draws(arm, "difference", &pair.name, |draw| of(draw.pairs.get(i)?)));
    }
    out
}

/// The value of rank ceil(level n) of sorted values, as [`quantile`] gives it.
fn of_rank(sorted: &[f64], level: f64) -> f64 {
    let rank = libm::ceil(level * sorted.len() as f64).max(1.0) as usize;
    sorted[rank.min(sorted.len()) - 1]
}

/// Values of the draws at the five levels; `None` of no draws.
pub fn over_draws(mut values: Vec<f64>) -> Option<[f64; 5]> {
    values.sort_by(f64::total_cmp);
    (!values.is_empty()).then(|| LEVELS.map(|level| of_rank(&values, level)))
}

/// Quantiles over the draws of one statistic, and its noise within a draw.
struct Spread {
    draws: usize,
    noise: Option<f64>,
    values: [f64; 5],
}

/// One quantile of cells through the draws: `cells` of each and the effective number behind them.
fn through(cells: &[(&Cells, f64)], level: f64, table: &mut RankTable) -> Option<Spread> {
    let (mut values, mut noise) = (Vec::new(), Vec::new());
    for (cells, n) in cells {
        let Some(q) = quantile(cells, level, effective(cells.total(), *n), table) else {
            continue;
        };
        values.push(q.value);
        if let (Some(low), Some(high)) = (q.low, q.high) {
            noise.push((high - low) / (2.0 * z()));
        }
    }
    let known = noise.len() as f64;
    Some(Spread {
        draws: values.len(),
        noise: (known > 0.0).then(|| noise.iter().sum::<f64>() / known),
        values: over_draws(values)?,
    })
}

/// One quantile of a signal at one kept time through the draws of an arm, and its draws.
pub fn band(
    arm: &ArmState,
    (signal, time): (usize, usize),
    level: f64,
    table: &mut RankTable,
) -> Option<(usize, [f64; 5])> {
    signal_spread(arm, (signal, time), level, table).map(|s| (s.draws, s.values))
}

fn signal_spread(arm: &ArmState, (signal, time): (usize, usize), level: f64, table: &mut RankTable) -> Option<Spread> {
    let draws = arm.levels.signals.get(signal)?.iter().zip(&arm.levels.draws);
    let cells: Vec<(&Cells, f64)> = draws
        .filter_map(|(times, draw)| {
            let cells = times.get(time)?;
            // Whoever died gives no samples; the rest weigh as all do, on average.
            let all = draw.weights.w as f64;
            let share = if all > 0.0 { cells.total() as f64 / all } else { 0.0 };
            Some((cells, share * super::moments::effective(&draw.weights)))
        })
        .collect();
    through(&cells, level, table)
}

/// Writes `levels.csv`.
///
/// # Errors
/// What the writer says; so do all functions of this kind.
pub fn write_levels(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "levels.csv";
    let head = "arm,kind,name,n,of,draws,of_draws,mean,mean_error,mean_low,mean_high,sd_patients,sd_parameters,\
                sd_parameters_low,sd_parameters_high,share_parameters,noise";
    Line(head.to_owned()).end(to, NAME)?;
    for arm in state.whole() {
        for quantity in quantities(arm) {
            let Some(found) = split(&quantity.groups) else { continue };
            let mut line = Line::new(&[label(arm)[0], quantity.kind, quantity.name]);
            line.count(found.n);
            line.count(identity.n);
            line.count(found.draws as u64);
            line.count(identity.outer.draws);
            let high = (found.parameters_high < f64::MAX).then_some(found.parameters_high);
            for x in [
                found.mean,
                found.error,
                found.low,
                found.high,
                found.patients,
                found.parameters,
            ] {
                line.number(Some(x));
            }
            line.number(Some(found.parameters_low));
            line.number(high);
            line.number(found.share());
            line.number(Some(found.noise));
            line.end(to, NAME)?;
        }
    }
    Ok(())
}

fn spread_line(mut line: Line, of: u64, spread: &Spread, to: &mut dyn Write, name: &str) -> Result<(), ReportError> {
    line.count(spread.draws as u64);
    line.count(of);
    line.number(spread.noise);
    spread.values.iter().for_each(|v| line.number(Some(*v)));
    line.end(to, name)
}

/// Writes `uncertainty.csv`.
///
/// # Errors
/// As [`write_levels`].
pub fn write_uncertainty(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "uncertainty.csv";
    let head = "arm,kind,name,statistic,draws,of_draws,noise,draws_p05,draws_p25,draws_median,draws_p75,draws_p95";
    Line(head.to_owned()).end(to, NAME)?;
    let mut table = RankTable::default();
    let of = identity.outer.draws;
    for arm in state.whole() {
        for quantity in quantities(arm) {
            let begin = |statistic: &str| Line::new(&[label(arm)[0], quantity.kind, quantity.name, statistic]);
            let means: Vec<f64> = quantity.groups.iter().map(|g| g.mean + 0.0).collect();
            let errors: f64 = quantity.groups.iter().map(|g| g.error * g.error).sum();
            if let Some(values) = over_draws(means) {
                let draws = quantity.groups.len();
                let spread = Spread {
                    draws,
                    noise: Some((errors / draws as f64).sqrt()),
                    values,
                };
                let statistic = if quantity.kind == "event" { "share" } else { "mean" };
                spread_line(begin(statistic), of, &spread, to, NAME)?;
            }
            let Some(i) = arm.outcomes.iter().position(|o| o.name == quantity.name) else {
                continue;
            };
            if quantity.kind != "outcome" {
                continue;
            }
            let cells: Vec<(&Cells, f64)> = (arm.levels.draws.iter())
                .filter_map(|draw| draw.outcomes.get(i))
                .map(|o| (&o.cells, o.moments.effective()))
                .collect();
            for (level, name) in LEVELS.into_iter().zip(NAMES) {
                if let Some(spread) = through(&cells, level, &mut table) {
                    spread_line(begin(name), of, &spread, to, NAME)?;
                }
            }
        }
    }
    Ok(())
}

/// Writes `uncertainty_bands.csv`.
///
/// # Errors
/// As [`write_levels`].
pub fn write_bands(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "uncertainty_bands.csv";
    let head = "time_h,arm,signal,statistic,draws,of_draws,noise,draws_p05,draws_p25,draws_median,draws_p75,draws_p95";
    Line(head.to_owned()).end(to, NAME)?;
    let grid = identity.grid();
    let mut table = RankTable::default();
    for arm in state.whole() {
        for (i, signal) in identity.signals.iter().enumerate() {
            for time in 0..grid.kept() {
                for (level, name) in LEVELS.into_iter().zip(NAMES) {
                    let Some(spread) = signal_spread(arm, (i, time), level, &mut table) else {
                        continue;
                    };
                    let mut start = String::new();
                    push_number(&mut start, (time * grid.stride) as f64 * grid.sample_h);
                    let mut line = Line(start);
                    [label(arm)[0], signal, name].iter().for_each(|text| line.text(text));
                    spread_line(line, identity.outer.draws, &spread, to, NAME)?;
                }
            }
        }
    }
    Ok(())
}

/// The levels of an arm in one value.
pub(super) fn summary(arm: &ArmState) -> Value {
    let known = quantities(arm);
    let rows = known.iter().filter_map(|q| {
        let found = split(&q.groups)?;
        let high = (found.parameters_high < f64::MAX).then_some(found.parameters_high);
        Some(json!({
            "kind": q.kind,
            "name": q.name,
            "draws": found.draws,
            "n": found.n,
            "mean": found.mean,
            "mean_error": found.error,
            "mean_low": found.low,
            "mean_high": found.high,
            "sd_patients": found.patients,
            "sd_parameters": found.parameters,
            "sd_parameters_low": found.parameters_low,
            "sd_parameters_high": high,
            "share_parameters": found.share(),
        }))
    });
    Value::Array(rows.collect())
}

/// Writes the three tables.
///
/// # Errors
/// As [`Tables::put`].
pub(super) fn write_all(identity: &Identity, state: &State, to: &mut Tables<'_>) -> Result<(), ReportError> {
    to.put("levels.csv", |to| write_levels(identity, state, to))?;
    to.put("uncertainty.csv", |to| write_uncertainty(identity, state, to))?;
    to.put("uncertainty_bands.csv", |to| write_bands(identity, state, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::Draws;

    fn group(values: &[f64]) -> Group {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        Group {
            n: values.len() as u64,
            mean,
            sd: variance.sqrt(),
            error: (variance / n).sqrt(),
        }
    }

    #[test]
    fn variances_are_those_of_the_balanced_analysis_of_variance() {
        // Three groups of four, by hand: means 3, 7, 5 and squares within 10, 14, 8.
        let groups = [
            group(&[1.0, 2.0, 4.0, 5.0]),
            group(&[5.0, 6.0, 7.0, 10.0]),
            group(&[3.0, 5.0, 5.0, 7.0]),
        ];
        let found = split(&groups).unwrap();
        let within = (10.0 + 14.0 + 8.0) / 9.0;
        let mean_square = 4.0 * (4.0 + 4.0 + 0.0) / 2.0;
        assert!((found.patients * found.patients - within).abs() < 1e-12);
        assert!((found.parameters * found.parameters - (mean_square - within) / 4.0).abs() < 1e-12);
        assert_eq!((found.mean, found.n, found.draws), (5.0, 12, 3));
        assert!((found.error * found.error - 4.0 / 3.0).abs() < 1e-12);
        assert!((found.high - 5.0 - 4.302_652_73 * found.error).abs() < 1e-6);
        assert!(found.parameters_low <= found.parameters && found.parameters < found.parameters_high);
        assert!(split(&groups[..1]).is_none());
    }

    /// Draws of a normal model with known spreads.
    fn sample(study: u64, (draws, patients): (u64, u64), (parameters, spread): (f64, f64)) -> Vec<Group> {
        (0..draws)
            .map(|u| {
                let luck = Draws::new(study, u).channel("uncertainty", "test");
                let middle = 10.0 + parameters * luck.standard_normal(0);
                let values: Vec<f64> = (1..=patients)
                    .map(|k| middle + spread * luck.standard_normal(k))
                    .collect();
                group(&values)
            })
            .collect()
    }

    #[test]
    fn known_spreads_are_found_without_bias_and_inside_their_interval_as_often_as_it_says() {
        let studies = 300;
        let (parameters, patients) = (1.5_f64, 4.0_f64);
        let (mut sum, mut within, mut held, mut mean_held) = (0.0, 0.0, 0, 0);
        for study in 0..studies {
            let found = split(&sample(study, (30, 20), (parameters, patients))).unwrap();
            sum += found.parameters * found.parameters;
            within += found.patients * found.patients;
            held += u64::from(found.parameters_low <= parameters && parameters <= found.parameters_high);
            mean_held += u64::from(found.low <= 10.0 && 10.0 <= found.high);
        }
        let n = studies as f64;
        // The variance of one study is known: 2 (p^2 + s^2 / 20)^2 / 29.
        let whole = parameters * parameters + patients * patients / 20.0;
        let error = (2.0 * whole * whole / 29.0 / n).sqrt();
        assert!((sum / n - parameters * parameters).abs() < 4.0 * error, "{}", sum / n);
        let error = (2.0 * 256.0 / 570.0 / n).sqrt();
        assert!((within / n - patients * patients).abs() < 4.0 * error, "{}", within / n);
        let share = |k: u64| k as f64 / n;
        let noise = 4.0 * (0.95 * 0.05 / n).sqrt();
        assert!((share(mean_held) - 0.95).abs() < noise, "{}", share(mean_held));
        // Leaving one out is known to hold a little less than it says with 30 draws.
        assert!(share(held) > 0.95 - noise - 0.05, "{}", share(held));
    }

    #[test]
    fn without_parameter_uncertainty_none_is_seen() {
        let (mut zero, mut seen) = (0, 0);
        for study in 0..60 {
            let found = split(&sample(study, (20, 50), (0.0, 4.0))).unwrap();
            // Means of fifty have variance 16 / 50, whose estimate from 20 draws has a standard error of
            // sqrt(2 / 19) of it; 4.5 of these are beyond 60 studies.
            let variance = 16.0 / 50.0 * (2.0_f64 / 19.0).sqrt();
            assert!(found.parameters < (4.5 * variance).sqrt(), "{}", found.parameters);
            seen += u64::from(found.parameters_low > 0.0);
            zero += u64::from(found.parameters == 0.0);
        }
        // An interval of 95 % lies above the truth in 2.5 %: 1.5 of 60, and 7 are four standard errors more.
        assert!(seen <= 7, "{seen}");
        // The difference of two estimates of one variance is negative about as often as not.
        assert!((20..50).contains(&zero), "{zero}");
    }

    #[test]
    fn what_never_varies_has_no_spread_of_either_kind() {
        let found = split(&[group(&[0.5, 0.5]), group(&[0.5, 0.5, 0.5])]).unwrap();
        assert_eq!((found.patients, found.parameters, found.share()), (0.0, 0.0, None));
        assert_eq!(over_draws(Vec::new()), None);
        assert_eq!(over_draws(vec![3.0, 1.0, 2.0, 4.0]).unwrap(), [1.0, 1.0, 2.0, 3.0, 4.0]);
    }
}
