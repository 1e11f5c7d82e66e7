//! Tables and summary of a batch: pure functions of its state.
//!
//! | file | a row is |
//! |---|---|
//! | `outcomes.csv` | one outcome of one arm: mean with its error, quantiles with their intervals |
//! | `bands.csv` | one quantile of one signal at one time |
//! | `incidence.csv` | cumulative incidence of one first cause at one time (Aalen-Johansen) |
//! | `survival.csv` | survival free of one event at one time (Kaplan-Meier) |
//! | `times.csv` | one event: how many had it, median and restricted mean time to it |
//! | `differences.csv` | one outcome of one arm less that of the first arm, paired |
//! | `levels.csv` and others | what the two levels say, see [`uncertainty`] |
//! | `matrix.csv` | one outcome or event of one cell of a `[matrix]` |
//! | `failures.csv` | one failed replicate and why |
//!
//! Every table says `n` of `of`: replicates behind a row, of those asked for.

use std::io::Write;

use serde_json::{Value, json};

use super::cells::{Cells, Scale};
use super::identity::{Grid, Identity};
use super::matrix;
use super::moments::Estimate;
use super::quantile::{LEVELS, Quantile, RankTable, quantile};
use super::risk::{Point, UNIT, aalen_johansen};
use super::state::{ArmState, State};
use super::uncertainty;
use crate::report::format::Tables;
use crate::report::tables::push_number;
use crate::report::{DISCLAIMER, ReportError};

/// One line of CSV in the making.
pub(super) struct Line(pub(super) String);

impl Line {
    pub(super) fn new(texts: &[&str]) -> Self {
        let mut line = Line(String::new());
        texts.iter().for_each(|t| line.text(t));
        line
    }

    pub(super) fn text(&mut self, text: &str) {
        if !self.0.is_empty() || self.0.ends_with(',') {
            self.0.push(',');
        }
        if text.contains([',', '"', '\n']) {
            self.0.push_str(&format!("\"{}\"", text.replace('"', "\"\"")));
        } else {
            self.0.push_str(text);
        }
    }

    pub(super) fn number(&mut self, x: Option<f64>) {
        self.0.push(',');
        push_number(&mut self.0, x.unwrap_or(f64::NAN) + 0.0);
    }

    pub(super) fn count(&mut self, n: u64) {
        self.0.push_str(&format!(",{n}"));
    }

    pub(super) fn end(mut self, to: &mut dyn Write, name: &str) -> Result<(), ReportError> {
        self.0.push('\n');
        to.write_all(self.0.as_bytes()).map_err(|source| ReportError::Io {
            doing: "write",
            path: name.into(),
            source,
        })
    }
}

/// What stands before the numbers of every table: arm and stratum.
pub(super) fn label(state: &ArmState) -> [&str; 2] {
    [
        if state.arm.is_empty() { "all" } else { &state.arm },
        if state.stratum.is_empty() {
            "all"
        } else {
            &state.stratum
        },
    ]
}

/// Units that one replicate adds to cells, and how many replicates the total stands for.
pub(super) fn effective(units: u64, n: f64) -> u64 {
    if units == 0 { 0 } else { libm::floor(n + 1e-9) as u64 }
}

/// Quantiles of an outcome over the replicates in which it happened.
pub fn outcome_quantiles(state: &ArmState, outcome: usize, table: &mut RankTable) -> Vec<Option<Quantile>> {
    let o = &state.outcomes[outcome];
    let n = effective(o.cells.total(), o.moments.effective());
    LEVELS
        .iter()
        .map(|level| quantile(&o.cells, *level, n, table))
        .collect()
}

/// Share of the weight that is left in samples of one time: whoever died gives none.
pub(super) fn alive(state: &ArmState, cells: &Cells) -> f64 {
    let all = state.weights.w as f64;
    if all > 0.0 { cells.total() as f64 / all } else { 0.0 }
}

/// Quantiles of a signal at one time, and replicates behind them.
pub fn band(state: &ArmState, signal: usize, time: usize, table: &mut RankTable) -> (f64, Vec<Option<Quantile>>) {
    let cells = &state.signals[signal][time];
    // The rest weigh as all do, on average.
    let alive = alive(state, cells) * state.effective();
    let n = effective(cells.total(), alive);
    let quantiles = LEVELS.iter().map(|level| quantile(cells, *level, n, table)).collect();
    (alive, quantiles)
}

/// Writes `outcomes.csv`.
///
/// # Errors
/// What the writer says; so do all functions of this kind.
pub fn write_outcomes(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "outcomes.csv";
    let head = "arm,stratum,outcome,n,done,of,effective,mean,mean_error,mean_low,mean_high,sd,min,p05,p25,\
                median,median_low,median_high,p75,p95,max";
    Line(head.to_owned()).end(to, NAME)?;
    let mut table = RankTable::default();
    for arm in &state.arms {
        for (i, outcome) in arm.outcomes.iter().enumerate() {
            let mut line = Line::new(&label(arm));
            line.text(&outcome.name);
            line.count(outcome.moments.n());
            line.count(arm.done());
            line.count(identity.n);
            let found: Option<Estimate> = outcome.moments.estimate();
            line.number(found.map(|e| e.effective));
            line.number(found.map(|e| e.mean));
            line.number(found.and_then(|e| e.error));
            line.number(found.and_then(|e| e.low));
            line.number(found.and_then(|e| e.high));
            line.number(found.and_then(|e| e.sd));
            let range = outcome.cells.range();
            let q = outcome_quantiles(arm, i, &mut table);
            let value = |k: usize| q[k].map(|q| q.value);
            line.number(range.map(|r| r.0));
            line.number(value(0));
            line.number(value(1));
            line.number(value(2));
            line.number(q[2].and_then(|q| q.low));
            line.number(q[2].and_then(|q| q.high));
            line.number(value(3));
            line.number(value(4));
            line.number(range.map(|r| r.1));
            line.end(to, NAME)?;
        }
    }
    Ok(())
}

/// Writes `bands.csv`.
///
/// # Errors
/// As [`write_outcomes`].
pub fn write_bands(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "bands.csv";
    Line("time_h,arm,stratum,signal,n,of,level,value,low,high".to_owned()).end(to, NAME)?;
    let grid = identity.grid();
    let mut table = RankTable::default();
    let mut line = String::new();
    for arm in &state.arms {
        let [name, stratum] = label(arm);
        let quoted = Line::new(&[name, stratum]).0;
        for (i, signal) in identity.signals.iter().enumerate() {
            for time in 0..grid.times {
                let (alive, quantiles) = band(arm, i, time, &mut table);
                for q in quantiles.into_iter().flatten() {
                    line.clear();
                    push_number(&mut line, time as f64 * grid.sample_h);
                    line.push_str(&format!(",{quoted},{signal},"));
                    push_number(&mut line, alive);
                    line.push_str(&format!(",{},{}", identity.n, q.level));
                    for x in [Some(q.value), q.low, q.high] {
                        line.push(',');
                        push_number(&mut line, x.unwrap_or(f64::NAN) + 0.0);
                    }
                    Line(std::mem::take(&mut line)).end(to, NAME)?;
                }
            }
        }
    }
    Ok(())
}

fn write_points(
    points: &[Point],
    grid: &Grid,
    labels: (&ArmState, &str, u64),
    to: &mut dyn Write,
    file: &'static str,
) -> Result<(), ReportError> {
    let (arm, name, of) = labels;
    for p in points {
        let mut line = Line(crate::report::tables::number(grid.time(p.cell)));
        label(arm).iter().for_each(|t| line.text(t));
        line.text(name);
        line.count(arm.done());
        line.count(of);
        line.count(p.at_risk);
        line.count(p.events);
        for x in [p.value, p.error, p.low, p.high] {
            line.number(Some(x));
        }
        line.end(to, file)?;
    }
    Ok(())
}

/// Writes `incidence.csv`.
///
/// # Errors
/// As [`write_outcomes`].
pub fn write_incidence(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "incidence.csv";
    Line("time_h,arm,stratum,cause,n,of,at_risk,events,incidence,error,low,high".to_owned()).end(to, NAME)?;
    let grid = identity.grid();
    for arm in &state.arms {
        for (cause, points) in aalen_johansen(&arm.first) {
            write_points(&points, &grid, (arm, &cause, identity.n), to, NAME)?;
        }
    }
    Ok(())
}

/// Writes `survival.csv`.
///
/// # Errors
/// As [`write_outcomes`].
pub fn write_survival(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "survival.csv";
    Line("time_h,arm,stratum,event,n,of,at_risk,events,survival,error,low,high".to_owned()).end(to, NAME)?;
    let grid = identity.grid();
    for arm in &state.arms {
        for name in arm.clocks() {
            let Some(curve) = arm.survival(name) else { continue };
            write_points(&curve.points, &grid, (arm, name, identity.n), to, NAME)?;
        }
    }
    Ok(())
}

/// Writes `times.csv`.
///
/// # Errors
/// As [`write_outcomes`].
pub fn write_times(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "times.csv";
    let head = "arm,stratum,event,events,n,of,survival_at_end,error,low,high,median_h,restricted_mean_h,\
                restricted_mean_error_h,rate_per_year";
    Line(head.to_owned()).end(to, NAME)?;
    let grid = identity.grid();
    for arm in &state.arms {
        for name in arm.clocks() {
            let Some(curve) = arm.survival(name) else { continue };
            let mut line = Line::new(&label(arm));
            line.text(name);
            let events: u64 = curve.points.iter().map(|p| p.events).sum();
            line.count(events);
            line.count(arm.done());
            line.count(identity.n);
            let last = curve.points.last();
            line.number(last.map(|p| p.value));
            line.number(last.map(|p| p.error));
            line.number(last.map(|p| p.low));
            line.number(last.map(|p| p.high));
            line.number(curve.quantile(0.5).map(|c| grid.time(c)));
            line.number(Some(curve.mean * grid.cell_h));
            line.number(Some(curve.error * grid.cell_h));
            // A rate from weights of draws would need the weights' time as well.
            let plain = identity.bias.is_none() && curve.mean > 0.0;
            let struck = last.map_or(0.0, |p| 1.0 - p.value);
            line.number(plain.then(|| struck / (curve.mean * grid.cell_h / HOURS_A_YEAR)));
            line.end(to, NAME)?;
        }
    }
    Ok(())
}

/// A Julian year \[h\].
const HOURS_A_YEAR: f64 = 8_766.0;

/// How many times fewer replicates pairing needs for the same error: the variance of the
/// difference of two independent means over that of paired ones.
pub fn variance_ratio(pair: &super::state::PairState) -> Option<f64> {
    let square = |m: &super::moments::Moments| m.estimate()?.error.map(|e| e * e);
    let (apart, paired) = (square(&pair.first)? + square(&pair.own)?, square(&pair.difference)?);
    (paired > 0.0).then(|| apart / paired)
}

/// Writes `differences.csv`.
///
/// # Errors
/// As [`write_outcomes`].
pub fn write_differences(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "differences.csv";
    let head = "arm,against,outcome,n,of,mean_own,mean_against,difference,error,low,high,variance_ratio";
    Line(head.to_owned()).end(to, NAME)?;
    let against = identity.arms.first().map_or("", String::as_str);
    for arm in state.whole() {
        for pair in &arm.pairs {
            let mut line = Line::new(&[&arm.arm, against, &pair.name]);
            line.count(pair.difference.n());
            line.count(identity.n);
            let found = pair.difference.estimate();
            line.number(pair.own.estimate().map(|e| e.mean));
            line.number(pair.first.estimate().map(|e| e.mean));
            line.number(found.map(|e| e.mean));
            line.number(found.and_then(|e| e.error));
            line.number(found.and_then(|e| e.low));
            line.number(found.and_then(|e| e.high));
            line.number(variance_ratio(pair));
            line.end(to, NAME)?;
        }
    }
    Ok(())
}

/// Differences of all arms to the first, in one value.
pub fn differences(identity: &Identity, state: &State, covered: u64) -> Value {
    let arms: Vec<Value> = state
        .whole()
        .filter(|arm| !arm.pairs.is_empty())
        .map(|arm| {
            let outcomes: Vec<Value> = arm
                .pairs
                .iter()
                .map(|pair| {
                    json!({
                        "outcome": pair.name,
                        "own": pair.own.estimate().map(|e| e.mean),
                        "against": pair.first.estimate().map(|e| e.mean),
                        "difference": pair.difference.estimate(),
                        "variance_ratio": variance_ratio(pair),
                    })
                })
                .collect();
            json!({"arm": arm.arm, "done": arm.done(), "failed": arm.failed, "differences": outcomes})
        })
        .collect();
    json!({
        "scenario": identity.scenario,
        "scenario_hash": identity.hash,
        "version": identity.version,
        "seed": identity.seed,
        "of": identity.n,
        "covered": covered,
        "against": identity.arms.first(),
        "arms": arms,
        "disclaimer": DISCLAIMER,
    })
}

/// Writes `failures.csv`.
///
/// # Errors
/// As [`write_outcomes`].
pub fn write_failures(state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "failures.csv";
    Line("replicate,arm,reason".to_owned()).end(to, NAME)?;
    for arm in state.whole() {
        for failure in &arm.failures {
            let mut line = Line(failure.replicate.to_string());
            line.text(label(arm)[0]);
            line.text(&failure.reason);
            line.end(to, NAME)?;
        }
    }
    Ok(())
}

/// The batch in one value: what ran, what failed, outcomes and events of each arm.
pub fn summary(identity: &Identity, state: &State, covered: u64) -> Value {
    let grid = identity.grid();
    let mut table = RankTable::default();
    let arms: Vec<Value> = state
        .arms
        .iter()
        .map(|arm| {
            let outcomes: Vec<Value> = arm
                .outcomes
                .iter()
                .enumerate()
                .map(|(i, o)| {
                    let q = outcome_quantiles(arm, i, &mut table);
                    json!({"outcome": o.name, "estimate": o.moments.estimate(), "quantiles": q})
                })
                .collect();
            let events: Vec<Value> = arm
                .clocks()
                .filter_map(|name| {
                    let curve = arm.survival(name)?;
                    let last = curve.points.last()?;
                    Some(json!({
                        "event": name,
                        "events": curve.points.iter().map(|p| p.events).sum::<u64>(),
                        "share_by_end": 1.0 - last.value,
                        "error": last.error,
                        "low": 1.0 - last.high,
                        "high": 1.0 - last.low,
                        "median_h": curve.quantile(0.5).map(|c| grid.time(c)),
                        "restricted_mean_h": curve.mean * grid.cell_h,
                        "restricted_mean_error_h": curve.error * grid.cell_h,
                    }))
                })
                .collect();
            let first: Vec<Value> = aalen_johansen(&arm.first)
                .into_iter()
                .filter_map(|(cause, points)| {
                    let last = points.last()?;
                    Some(json!({"cause": cause, "events": points.iter().map(|p| p.events).sum::<u64>(),
                        "incidence": last.value, "error": last.error, "low": last.low, "high": last.high}))
                })
                .collect();
            json!({
                "arm": label(arm)[0],
                "stratum": label(arm)[1],
                "done": arm.done(),
                "failed": arm.failed,
                "of": identity.n,
                "effective": arm.effective(),
                "mean_weight": if arm.done() > 0 { arm.weights.w as f64 / UNIT as f64 / arm.done() as f64 } else { 0.0 },
                "patient_years": arm.hours() / HOURS_A_YEAR,
                "events": arm.events,
                "outcomes": outcomes,
                "first_cause_by_end": first,
                "timed_events": events,
                "failures": arm.failures,
                "levels": (!identity.outer.is_none() && arm.stratum.is_empty()).then(|| uncertainty::summary(arm)),
            })
        })
        .collect();
    json!({
        "written_by": crate::report::folder::WRITER,
        "kind": "batch",
        "version": identity.version,
        "scenario": identity.scenario,
        "title": identity.title,
        "scenario_hash": identity.hash,
        "seed": identity.seed,
        "of": identity.n,
        "covered": covered,
        "complete": covered == identity.n,
        "bias": identity.bias,
        "uncertain": (!identity.outer.is_none()).then_some(&identity.outer),
        "matrix": identity.matrix,
        "signals": identity.signals,
        "resolution": {
            "signals": Scale::SIGNAL.words(),
            "outcomes": Scale::OUTCOME.words(),
            "draws": (!identity.outer.is_none()).then(|| Scale::DRAW.words()),
            "times_h": grid.cell_h,
            "samples_h": grid.sample_h,
        },
        "arms": arms,
        "disclaimer": DISCLAIMER,
    })
}

/// Writes all tables and the summary of `covered` replicates.
///
/// # Errors
/// As [`Tables::put`].
pub fn write_all(identity: &Identity, state: &State, covered: u64, to: &mut Tables<'_>) -> Result<(), ReportError> {
    to.put("outcomes.csv", |to| write_outcomes(identity, state, to))?;
    to.put("bands.csv", |to| write_bands(identity, state, to))?;
    to.put("incidence.csv", |to| write_incidence(identity, state, to))?;
    to.put("survival.csv", |to| write_survival(identity, state, to))?;
    to.put("times.csv", |to| write_times(identity, state, to))?;
    to.put("failures.csv", |to| write_failures(state, to))?;
    if identity.arms.len() > 1 {
        to.put("differences.csv", |to| write_differences(identity, state, to))?;
    }
    if identity.matrix.is_some() {
        to.put("matrix.csv", |to| matrix::write_matrix(identity, state, to))?;
    }
    if !identity.outer.is_none() {
        uncertainty::write_all(identity, state, to)?;
    }
    let mut text = serde_json::to_vec_pretty(&summary(identity, state, covered)).map_err(|e| ReportError::Encode {
        table: "summary.json",
        reason: e.to_string(),
    })?;
    text.push(b'\n');
    to.folder.write("summary.json", &text)
}

/// What a Parquet file of a batch says of itself; nothing that differs between two runs.
pub fn about(identity: &Identity) -> Vec<(String, String)> {
    [
        ("written_by", crate::report::folder::WRITER.to_owned()),
        ("version", identity.version.clone()),
        ("scenario", identity.scenario.clone()),
        ("scenario_hash", identity.hash.clone()),
        ("seed", identity.seed.to_string()),
        ("of", identity.n.to_string()),
        ("disclaimer", DISCLAIMER.to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
