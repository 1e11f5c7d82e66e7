//! The matrix of controllers and tests, and who did best.

use rayon::prelude::*;
use serde::Serialize;

use super::bench::{FlowError, TestRun, run_test};
use super::controllers::ControllerRegistry;
use super::metrics::{Metrics, metrics};
use crate::scenario::flow_bench::{Bench, ControllerSpec};

/// One controller in one test.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Place of the controller in [`Results::controllers`].
    pub controller: usize,
    /// Place of the test in the bench.
    pub test: usize,
    /// What happened.
    pub run: TestRun,
    /// Its figures.
    pub metrics: Metrics,
}

/// All cells, by test and then by controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// Controllers that took part.
    pub controllers: Vec<ControllerSpec>,
    /// The cells.
    pub cells: Vec<Cell>,
}

impl Results {
    /// The cells of a test, in the order of the controllers.
    pub fn of_test(&self, test: usize) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |c| c.test == test)
    }
}

/// A controller's place in the ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// Id of the controller.
    pub controller: String,
    /// Mean place over all figures of all tests; 1 is best.
    pub mean_place: f64,
    /// Figures it was compared by.
    pub figures: usize,
    /// Mean over the tests of the size of the mean error \[%\].
    pub mean_error_percent: Option<f64>,
    /// Mean over the tests of the share of windows within 10 % \[%\].
    pub within_10_percent: Option<f64>,
    /// Sum over the tests of what was missed before an alarm \[mL\].
    pub missed_ml: f64,
    /// Largest bolus after an occlusion \[mL\].
    pub worst_bolus_ml: f64,
    /// False alarms in all tests.
    pub false_alarms: usize,
    /// Mean over the tests of energy for each volume \[mJ/mL\].
    pub energy_mj_per_ml: Option<f64>,
    /// Operations of the dearest call.
    pub worst_operations: u64,
}

/// Runs every controller in every test. Cells are computed in parallel and collected in order,
/// so the result does not depend on the number of threads. Without controllers in the file, all
/// registered kinds take part with their default tuning, where their sensors are there.
///
/// # Errors
/// [`FlowError`] of the first cell that fails, by order.
pub fn run_bench(bench: &Bench, registry: &ControllerRegistry) -> Result<Results, FlowError> {
    let controllers = if bench.controllers.is_empty() {
        registry
            .kinds()
            .filter(|k| {
                let there = |test: &crate::scenario::flow_bench::TestSpec| {
                    k.needs.iter().all(|need| test.sensors.iter().any(|s| s.kind == *need))
                };
                bench.tests.iter().all(there)
            })
            .map(|k| ControllerSpec {
                id: k.name.to_owned(),
                kind: k.name.to_owned(),
                tuning: Default::default(),
            })
            .collect()
    } else {
        bench.controllers.clone()
    };
    let pairs: Vec<(usize, usize)> = (0..bench.tests.len())
        .flat_map(|test| (0..controllers.len()).map(move |c| (test, c)))
        .collect();
    let cells: Vec<Result<Cell, FlowError>> = pairs
        .par_iter()
        .map(|&(test, controller)| {
            let spec = &controllers[controller];
            let kind = registry.kind(&spec.kind)?;
            let reads: Vec<_> = kind.needs.iter().chain(kind.reads).copied().collect();
            let run = run_test(&bench.tests[test], registry.build(spec)?, &reads, bench.seed).map_err(|e| match e {
                FlowError::Run { test, reason, .. } => FlowError::Run {
                    test,
                    controller: spec.id.clone(),
                    reason,
                },
                other => other,
            })?;
            Ok(Cell {
                controller,
                test,
                metrics: metrics(&bench.tests[test], &run),
                run,
            })
        })
        .collect();
    Ok(Results {
        controllers,
        cells: cells.into_iter().collect::<Result<_, _>>()?,
    })
}

/// The figures a place is given for, each the smaller the better; `None` where a test has none.
fn figures(m: &Metrics) -> [Option<f64>; 9] {
    let largest =
        |values: &mut dyn Iterator<Item = f64>| values.fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.max(b))));
    [
        m.mean_error_percent.map(f64::abs),
        m.within_10_percent.map(|w| 100.0 - w),
        // Half the opening of the trumpet at its longest window says what windows of hours leave.
        m.trumpet
            .as_ref()
            .and_then(|t| t.points.last())
            .map(|p| 0.5 * (p.max_percent - p.min_percent)),
        largest(&mut m.steps.iter().map(|s| s.settling_h.unwrap_or(f64::MAX))),
        largest(&mut m.steps.iter().map(|s| s.overshoot_percent)),
        largest(&mut m.occlusions.iter().map(|o| o.missed_ml)),
        largest(&mut m.occlusions.iter().filter_map(|o| o.bolus_ml)),
        Some(m.false_alarms as f64),
        m.energy_mj_per_ml,
    ]
}

/// Controllers by their mean place, best first; equal places by id.
///
/// In each test each figure gives places from 1; equal values share the mean of their places.
/// What is averaged is places, not values, so no figure outweighs another by its unit.
pub fn ranking(results: &Results) -> Vec<Place> {
    let n = results.controllers.len();
    let mut sums = vec![(0.0, 0usize); n];
    let mut tests: Vec<usize> = results.cells.iter().map(|c| c.test).collect();
    tests.dedup();
    for test in tests {
        let rows: Vec<(usize, [Option<f64>; 9])> = results
            .of_test(test)
            .map(|c| (c.controller, figures(&c.metrics)))
            .collect();
        for k in 0..9 {
            let values: Vec<(usize, f64)> = rows.iter().filter_map(|(c, f)| Some((*c, f[k]?))).collect();
            if values.len() < 2 {
                continue;
            }
            for &(controller, value) in &values {
                // Equal to a millionth is equal: rounding is no merit.
                let margin = 1e-6 * value.abs().max(1e-6);
                let better = values.iter().filter(|(_, v)| *v < value - margin).count();
                let equal = values.iter().filter(|(_, v)| (*v - value).abs() <= margin).count();
                sums[controller].0 += better as f64 + 0.5 * (equal as f64 + 1.0);
                sums[controller].1 += 1;
            }
        }
    }
    let mut out: Vec<Place> = results
        .controllers
        .iter()
        .enumerate()
        .map(|(c, spec)| {
            let cells: Vec<&Metrics> = results
                .cells
                .iter()
                .filter(|cell| cell.controller == c)
                .map(|cell| &cell.metrics)
                .collect();
            let mean = |pick: &dyn Fn(&Metrics) -> Option<f64>| {
                let values: Vec<f64> = cells.iter().filter_map(|m| pick(m)).collect();
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            };
            let occlusions = || cells.iter().flat_map(|m| &m.occlusions);
            Place {
                controller: spec.id.clone(),
                mean_place: if sums[c].1 > 0 {
                    sums[c].0 / sums[c].1 as f64
                } else {
                    1.0
                },
                figures: sums[c].1,
                mean_error_percent: mean(&|m| m.mean_error_percent.map(f64::abs)),
                within_10_percent: mean(&|m| m.within_10_percent),
                missed_ml: occlusions().map(|o| o.missed_ml).sum::<f64>() + 0.0,
                worst_bolus_ml: occlusions().filter_map(|o| o.bolus_ml).fold(0.0, f64::max),
                false_alarms: cells.iter().map(|m| m.false_alarms).sum(),
                energy_mj_per_ml: mean(&|m| m.energy_mj_per_ml),
                worst_operations: cells.iter().map(|m| m.worst_operations).max().unwrap_or(0),
            }
        })
        .collect();
    out.sort_by(|a, b| {
        a.mean_place
            .total_cmp(&b.mean_place)
            .then_with(|| a.controller.cmp(&b.controller))
    });
    out
}
