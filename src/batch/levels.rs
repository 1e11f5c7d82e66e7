//! Two levels of chance: what we do not know (outer), and how patients and their luck differ (inner).
//!
//! A batch of `n` patients with an [`Outer`] level of `d` draws runs `n d` replicates. Draw `u`
//! holds replicates `u n` to `(u + 1) n - 1`: these share one population, whose middles and
//! spreads were drawn from what is known of them
//! ([`Population::typical_uncertain`](crate::population::Population::typical_uncertain)), and one value of each
//! parameter in [`Outer::ranges`]. Every replicate still has its own patient and luck, so that draws are
//! independent samples and their spread can be split (see [`uncertainty`](super::uncertainty)).
//!
//! [`Levels`] keeps what is counted of each draw apart: counts and exact sums, as all of a batch.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Scale};
use super::identity::Grid;
use super::moments::Moments;
use super::replicate::Reduced;
use super::risk::{Heap, UNIT};
use super::state::OutcomeState;
use crate::population;
use crate::scenario::model::{Scenario, Uncertain};

/// Most draws of the outer level.
pub const MOST_DRAWS: u64 = 500;
/// Most distributions of signals kept for all draws of an arm: with them a batch stays within some
/// hundred megabytes.
const MOST_KEPT: u64 = 40_000;
/// What the outer level draws.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outer {
    /// Number of draws; 0 without an outer level.
    pub draws: u64,
    /// Parameters drawn evenly over a range, besides the middles and spreads of a population:
    /// key, lower and upper end \[unit of the parameter\]. A range of more than a decade is drawn by ratios.
    pub ranges: Vec<(String, f64, f64)>,
}

impl Outer {
    /// Whether there is no outer level.
    pub fn is_none(&self) -> bool {
        self.draws == 0
    }

    /// Whether a scenario has anything that could be drawn.
    pub(super) fn moves(&self, scenario: &Scenario) -> bool {
        let unsure = |spec: &std::sync::Arc<crate::scenario::population::PopulationSpec>| {
            let known = |d: &crate::scenario::population::Distribution| {
                d.typical_uncertainty == 0.0 && d.spread_uncertainty == 0.0
            };
            !spec.distributions().iter().all(known)
        };
        !self.ranges.is_empty() || scenario.population.as_ref().is_some_and(unsure)
    }

    /// Writes draw number `draw` into a scenario: another population, other values of the
    /// parameters with a range. A pure function of seed and number.
    pub fn put(&self, scenario: &mut Scenario, seed: u64, draw: u64) {
        // A draw of the file gives way to those of the batch.
        scenario.uncertain = None;
        let ranges = self.ranges.clone();
        population::uncertain::put(scenario, seed, &Uncertain { draw, ranges });
    }
}

/// Spacing, in samples, of the signals that are kept for each draw.
pub(super) fn stride(times: usize, signals: usize, draws: u64) -> usize {
    let all = times as u64 * signals as u64 * draws;
    (all.div_ceil(MOST_KEPT)).max(1) as usize
}

/// What is counted of one draw.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DrawState {
    /// Replicates that ran, and their weights.
    pub weights: Heap,
    /// Outcomes, in the order of `outcomes.csv`.
    pub outcomes: Vec<OutcomeState>,
    /// Replicates that had an event: faults as `fault.ID`, then the others.
    pub events: BTreeMap<String, Heap>,
    /// Outcomes less those of the first arm, in the same order; empty for that arm.
    pub pairs: Vec<Moments>,
}

/// What is counted of all draws of an arm; nothing without an outer level.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Levels {
    /// By draw.
    pub draws: Vec<DrawState>,
    /// By signal, draw and time; times are [`Grid::stride`] samples apart.
    pub signals: Vec<Vec<Vec<Cells>>>,
}

impl Levels {
    pub(super) fn new(grid: &Grid) -> Self {
        Levels {
            draws: vec![DrawState::default(); grid.draws],
            signals: match grid.draws {
                0 => Vec::new(),
                draws => vec![vec![vec![Cells::default(); grid.kept()]; draws]; grid.signals],
            },
        }
    }

    /// Everything but signals of one replicate.
    pub(super) fn put(&mut self, grid: &Grid, replicate: u64, run: &Reduced) {
        let Some(draw) = grid.draw_of(replicate).and_then(|d| self.draws.get_mut(d)) else {
            return;
        };
        draw.weights.put(run.units);
        if draw.outcomes.is_empty() {
            let empty = |name: &str| OutcomeState {
                name: name.to_owned(),
                moments: Moments::default(),
                cells: Cells::default(),
            };
            draw.outcomes = run.outcomes.iter().map(|(name, _)| empty(name)).collect();
        }
        for (state, (_, value)) in draw.outcomes.iter_mut().zip(&run.outcomes) {
            if let Some(value) = value.filter(|v| v.is_finite()) {
                state.moments.put(value, run.units);
                // The coarser scale: there are many draws, and few values are given back exactly.
                state.cells.put(Scale::DRAW, value, run.units);
            }
        }
        let faults = run.faults.iter().map(|(id, _)| format!("fault.{id}"));
        for name in faults.chain(run.endpoints.iter().map(|(name, _)| (*name).to_owned())) {
            draw.events.entry(name).or_default().put(run.units);
        }
    }

    /// Differences of one replicate to the first arm.
    pub(super) fn pair(&mut self, grid: &Grid, replicate: u64, own: &Reduced, first: &Reduced) {
        let Some(draw) = grid.draw_of(replicate).and_then(|d| self.draws.get_mut(d)) else {
            return;
        };
        draw.pairs.resize(own.outcomes.len(), Moments::default());
        for ((state, (_, a)), (_, b)) in draw.pairs.iter_mut().zip(&own.outcomes).zip(&first.outcomes) {
            if let (Some(a), Some(b)) = (a, b)
                && own.units == first.units
            {
                state.put(a - b, own.units);
            }
        }
    }

    /// Signals of many replicates.
    pub(super) fn put_rows(&mut self, grid: &Grid, runs: &[(u64, &Reduced)]) {
        self.signals.par_iter_mut().enumerate().for_each(|(signal, draws)| {
            for (replicate, run) in runs {
                let Some(times) = grid.draw_of(*replicate).and_then(|d| draws.get_mut(d)) else {
                    continue;
                };
                for (cells, row) in times.iter_mut().zip(run.rows.iter().step_by(grid.stride)) {
                    cells.put(Scale::DRAW, row[signal + 1], run.units);
                }
            }
        });
    }

    pub(super) fn join(&mut self, other: &Levels) {
        for (mine, its) in self.draws.iter_mut().zip(&other.draws) {
            mine.weights.join(&its.weights);
            if mine.outcomes.is_empty() {
                mine.outcomes.clone_from(&its.outcomes);
            } else {
                for (a, b) in mine.outcomes.iter_mut().zip(&its.outcomes) {
                    a.moments.join(&b.moments);
                    a.cells.join(&b.cells);
                }
            }
            for (name, heap) in &its.events {
                mine.events.entry(name.clone()).or_default().join(heap);
            }
            if mine.pairs.is_empty() {
                mine.pairs.clone_from(&its.pairs);
            } else {
                mine.pairs.iter_mut().zip(&its.pairs).for_each(|(a, b)| a.join(b));
            }
        }
        for (mine, its) in self.signals.iter_mut().flatten().zip(other.signals.iter().flatten()) {
            mine.iter_mut().zip(its).for_each(|(a, b)| a.join(b));
        }
    }

    /// Whether it has the shape that the grid asks for; false only for a damaged file.
    pub(super) fn fits(&self, grid: &Grid, most: u64) -> bool {
        let signals = if grid.draws == 0 { 0 } else { grid.signals };
        self.draws.len() == grid.draws
            && self.signals.len() == signals
            && self.signals.iter().all(|s| s.len() == grid.draws)
            && self.signals.iter().flatten().all(|t| t.len() == grid.kept())
            && self.signals.iter().flatten().flatten().all(|c| c.is_sound(Scale::DRAW))
            && self.draws.iter().all(|draw| {
                draw.weights.is_sound(most)
                    && draw
                        .outcomes
                        .iter()
                        .all(|o| o.cells.is_sound(Scale::DRAW) && o.moments.is_sound(most))
                    && draw.events.values().all(|heap| heap.is_sound(most))
                    && draw.pairs.iter().all(|m| m.is_sound(most))
            })
    }
}

/// Share of replicates of a draw that had an event, its spread between replicates and its error.
pub(super) fn share(all: &Heap, had: Option<&Heap>) -> Option<(f64, f64, Option<f64>)> {
    let had = had.copied().unwrap_or_default();
    if all.n == 0 || all.w == 0 {
        return None;
    }
    let units = |x: u128| x as f64 / UNIT as f64;
    let (w, n) = (units(all.w), all.n as f64);
    let p = units(had.w) / w;
    let variance = p * (1.0 - p);
    let error = if all.n < 2 {
        None
    } else if all.is_plain() {
        Some((variance / (n - 1.0)).sqrt())
    } else {
        let square = ((1.0 - 2.0 * p) * units(had.ww) + p * p * units(all.ww)).max(0.0);
        Some(square.sqrt() / w)
    };
    Some((p, variance.max(0.0).sqrt(), error))
}
