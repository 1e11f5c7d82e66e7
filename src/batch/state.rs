//! What a batch keeps: counts and exact sums, joined in any order.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Scale};
use super::exact::ExactSum;
use super::identity::{Grid, Identity};
use super::levels::Levels;
use super::moments::Moments;
use super::replicate::{Reduced, Replicate};
use super::risk::{self, Competing, Heap, Survival, Times, UNIT};

/// Failures that are named one by one; more are only counted.
const MOST_NAMED: usize = 1_000;
/// Replicates whose course is kept, to be drawn over the bands.
const DRAWN: u64 = 5;

/// A replicate that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Its number.
    pub replicate: u64,
    /// Why.
    pub reason: String,
}

/// One scalar outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeState {
    /// Name.
    pub name: String,
    /// Sums over replicates in which it happened.
    pub moments: Moments,
    /// Its distribution over these, in [`Scale::OUTCOME`].
    pub cells: Cells,
}

/// One outcome of an arm less that of the first arm, replicate by replicate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairState {
    /// Name.
    pub name: String,
    /// Of the differences.
    pub difference: Moments,
    /// Of the first arm, over the same replicates.
    pub first: Moments,
    /// Of this arm, over the same replicates.
    pub own: Moments,
    /// Pairs left out because their weights differ.
    pub unequal: u64,
}

/// Times to the first event of one kind.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Clock {
    events: Times,
    /// End of observation of those that had one.
    ends: Times,
}

/// The course of one replicate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Its number.
    pub replicate: u64,
    /// Rows of signals, without the time.
    pub rows: Vec<Vec<f64>>,
}

/// What is kept of one arm, or of one stratum of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmState {
    /// Id of the arm; empty without arms.
    pub arm: String,
    /// `given` or `other` for a stratum, empty for all replicates.
    pub stratum: String,
    /// Replicates that failed.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Failure>,
    /// Replicates that ran, and their weights.
    pub weights: Heap,
    /// Time observed, in hours.
    hours: ExactSum,
    /// Events run in all of them.
    pub events: u64,
    /// Outcomes, in the order of `outcomes.csv`.
    pub outcomes: Vec<OutcomeState>,
    /// By signal, by time.
    pub signals: Vec<Vec<Cells>>,
    /// First fault of each replicate, or death before any.
    pub first: Competing,
    ends: Times,
    clocks: BTreeMap<String, Clock>,
    /// Against the first arm; empty for that.
    pub pairs: Vec<PairState>,
    /// Of the first replicates.
    pub courses: Vec<Course>,
    /// Draws of the outer level, one by one; nothing without that level, and in strata.
    pub levels: Levels,
}

/// All that a batch keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Arms in order; where a fault is given, each is followed by its two strata.
    pub arms: Vec<ArmState>,
}

impl ArmState {
    fn new(arm: &str, stratum: &str, grid: &Grid) -> Self {
        ArmState {
            arm: arm.to_owned(),
            stratum: stratum.to_owned(),
            failed: 0,
            failures: Vec::new(),
            weights: Heap::default(),
            hours: ExactSum::default(),
            events: 0,
            outcomes: Vec::new(),
            signals: vec![vec![Cells::default(); grid.times]; grid.signals],
            first: Competing::default(),
            ends: Times::new(),
            clocks: BTreeMap::new(),
            pairs: Vec::new(),
            courses: Vec::new(),
            levels: match stratum {
                "" => Levels::new(grid),
                _ => Levels::default(),
            },
        }
    }

    /// Replicates that ran to their end.
    pub fn done(&self) -> u64 {
        self.weights.n
    }

    /// Time observed in all replicates \[h\].
    pub fn hours(&self) -> f64 {
        self.hours.value()
    }

    /// Effective sample size.
    pub fn effective(&self) -> f64 {
        super::moments::effective(&self.weights)
    }

    /// Names of events that were timed: faults as `fault.ID`, then the others.
    pub fn clocks(&self) -> impl Iterator<Item = &str> {
        self.clocks.keys().map(String::as_str)
    }

    /// Survival free of one of them; `None` for a name that is not there.
    pub fn survival(&self, clock: &str) -> Option<Survival> {
        let clock = self.clocks.get(clock)?;
        let mut censored = self.ends.clone();
        for (cell, struck) in &clock.ends {
            // Who struck is among those who ended; integers, so nothing is left over.
            if let Some(all) = censored.get_mut(cell) {
                all.n -= struck.n;
                all.w -= struck.w;
                all.ww -= struck.ww;
                if all.n == 0 {
                    censored.remove(cell);
                }
            }
        }
        Some(risk::kaplan_meier(&clock.events, &censored))
    }

    fn fail(&mut self, replicate: u64, reason: &str) {
        self.failed += 1;
        self.failures.push(Failure {
            replicate,
            reason: reason.to_owned(),
        });
        self.trim();
    }

    fn trim(&mut self) {
        self.failures.sort_by_key(|f| f.replicate);
        self.failures.truncate(MOST_NAMED);
        self.courses.sort_by_key(|c| c.replicate);
        self.courses.retain(|c| c.replicate < DRAWN);
    }

    /// Everything but the signals.
    fn put(&mut self, replicate: u64, run: &Reduced, units: u64, grid: &Grid) {
        self.weights.put(units);
        self.hours.add(run.ended_h);
        self.events += run.events;
        if self.outcomes.is_empty() {
            let names = run.outcomes.iter().map(|(name, _)| (*name).to_owned());
            self.outcomes = names
                .map(|name| OutcomeState {
                    name,
                    moments: Moments::default(),
                    cells: Cells::default(),
                })
                .collect();
        }
        for (state, (_, value)) in self.outcomes.iter_mut().zip(&run.outcomes) {
            if let Some(value) = value.filter(|v| v.is_finite()) {
                state.moments.put(value, units);
                state.cells.put(Scale::OUTCOME, value, units);
            }
        }
        let end = grid.cell(run.ended_h);
        risk::put(&mut self.ends, end, units);
        let death = run.died.then(|| ("death".to_owned(), run.ended_h));
        match run.faults.first().cloned().or(death) {
            Some((cause, time)) => risk::put(self.first.events.entry(cause).or_default(), grid.cell(time), units),
            None => risk::put(&mut self.first.censored, end, units),
        }
        let faults = run.faults.iter().map(|(id, t)| (format!("fault.{id}"), *t));
        for (name, time) in faults.chain(run.endpoints.iter().map(|(n, t)| ((*n).to_owned(), *t))) {
            let clock = self.clocks.entry(name).or_default();
            risk::put(&mut clock.events, grid.cell(time), units);
            risk::put(&mut clock.ends, end, units);
        }
        if replicate < DRAWN {
            let rows = run.rows.iter().map(|row| row[1..=grid.signals].to_vec()).collect();
            self.courses.push(Course { replicate, rows });
            self.trim();
        }
    }

    fn pair(&mut self, own: &Reduced, first: &Reduced) {
        if self.pairs.is_empty() {
            let names = own.outcomes.iter().map(|(name, _)| (*name).to_owned());
            self.pairs = names
                .map(|name| PairState {
                    name,
                    difference: Moments::default(),
                    first: Moments::default(),
                    own: Moments::default(),
                    unequal: 0,
                })
                .collect();
        }
        for ((state, (_, a)), (_, b)) in self.pairs.iter_mut().zip(&own.outcomes).zip(&first.outcomes) {
            let (Some(a), Some(b)) = (a, b) else { continue };
            if own.units != first.units {
                state.unequal += 1;
                continue;
            }
            state.difference.put(a - b, own.units);
            state.own.put(*a, own.units);
            state.first.put(*b, own.units);
        }
    }

    fn join(&mut self, other: &ArmState) {
        self.failed += other.failed;
        self.failures.extend(other.failures.iter().cloned());
        self.courses.extend(other.courses.iter().cloned());
        self.trim();
        self.weights.join(&other.weights);
        self.levels.join(&other.levels);
        self.hours.join(&other.hours);
        self.events = self.events.saturating_add(other.events);
        if self.outcomes.is_empty() {
            self.outcomes.clone_from(&other.outcomes);
        } else {
            for (mine, its) in self.outcomes.iter_mut().zip(&other.outcomes) {
                mine.moments.join(&its.moments);
                mine.cells.join(&its.cells);
            }
        }
        for (mine, its) in self.signals.iter_mut().zip(&other.signals) {
            mine.iter_mut().zip(its).for_each(|(a, b)| a.join(b));
        }
        self.first.join(&other.first);
        risk::join(&mut self.ends, &other.ends);
        for (name, its) in &other.clocks {
            let mine = self.clocks.entry(name.clone()).or_default();
            risk::join(&mut mine.events, &its.events);
            risk::join(&mut mine.ends, &its.ends);
        }
        if self.pairs.is_empty() {
            self.pairs.clone_from(&other.pairs);
        } else {
            for (mine, its) in self.pairs.iter_mut().zip(&other.pairs) {
                mine.difference.join(&its.difference);
                mine.first.join(&its.first);
                mine.own.join(&its.own);
                mine.unequal += its.unequal;
            }
        }
    }

    /// Whether it has the shape that the grid asks for, and at most so many replicates can have made
    /// it; false only for a damaged file, whose sums may then be taken from one another.
    fn fits(&self, grid: &Grid, most: u64) -> bool {
        let levels = match self.stratum.as_str() {
            "" => self.levels.fits(grid, most),
            _ => self.levels == Levels::default(),
        };
        levels
            && self.signals.len() == grid.signals
            && self.signals.iter().all(|s| s.len() == grid.times)
            && self.signals.iter().flatten().all(|c| c.is_sound(Scale::SIGNAL))
            && self.failed <= most
            && self.weights.is_sound(most)
            && self
                .outcomes
                .iter()
                .all(|o| o.cells.is_sound(Scale::OUTCOME) && o.moments.is_sound(most))
            && self.first.is_sound(most)
            && risk::are_sound(&self.ends, most)
            && self
                .clocks
                .values()
                .all(|clock| risk::are_sound(&clock.events, most) && risk::are_within(&clock.ends, &self.ends))
            && self.pairs.iter().all(|p| {
                let all = [&p.difference, &p.first, &p.own];
                p.unequal <= most && all.into_iter().all(|m| m.is_sound(most))
            })
            && self
                .courses
                .iter()
                .flat_map(|c| &c.rows)
                .all(|row| row.len() == grid.signals)
    }
}

impl State {
    /// Nothing yet.
    pub fn new(identity: &Identity) -> Self {
        let grid = identity.grid();
        let mut arms = Vec::new();
        for arm in &identity.arms {
            arms.push(ArmState::new(arm, "", &grid));
            if identity.bias.given.is_some() {
                arms.push(ArmState::new(arm, "given", &grid));
                arms.push(ArmState::new(arm, "other", &grid));
            }
        }
        State { arms }
    }

    /// Adds replicates. Their order, and how they are grouped into calls, changes nothing.
    pub fn fold(&mut self, grid: &Grid, replicates: Vec<Replicate>) {
        let arms = replicates.first().map_or(1, |r| r.arms.len()).max(1);
        let views = self.arms.len() / arms;
        for replicate in &replicates {
            let first = replicate.arms.first().and_then(|r| r.as_ref().ok());
            for (i, outcome) in replicate.arms.iter().enumerate() {
                let states = &mut self.arms[i * views..(i + 1) * views];
                match outcome {
                    Err(reason) => states[0].fail(replicate.index, reason),
                    Ok(run) => {
                        states[0].put(replicate.index, run, run.units, grid);
                        states[0].levels.put(grid, replicate.index, run);
                        if let (Some(first), true) = (first, i > 0) {
                            states[0].pair(run, first);
                            states[0].levels.pair(grid, replicate.index, run, first);
                        }
                        if let Some((state, units)) = stratum(states, run) {
                            state.put(replicate.index, run, units, grid);
                        }
                    }
                }
            }
        }
        if grid.draws > 0 {
            for (arm, states) in self.arms.chunks_mut(views).enumerate() {
                let runs: Vec<(u64, &Reduced)> = replicates
                    .iter()
                    .filter_map(|r| Some((r.index, r.arms[arm].as_ref().ok()?)))
                    .collect();
                states[0].levels.put_rows(grid, &runs);
            }
        }
        // Instants are independent of one another, and counts of order.
        for (index, state) in self.arms.iter_mut().enumerate() {
            let (arm, view) = (index / views, index % views);
            let weighted = |run: &Reduced| match (view, run.stratum) {
                (0, _) => Some(run.units),
                (1, Some(true)) | (2, Some(false)) => Some(UNIT),
                _ => None,
            };
            let runs: Vec<(&Reduced, u64)> = replicates
                .iter()
                .filter_map(|r| r.arms[arm].as_ref().ok())
                .filter_map(|run| Some((run, weighted(run)?)))
                .collect();
            // Instant by instant: what all runs had then, and the cells it goes to, stay close by.
            let mut instants: Vec<Vec<&mut Cells>> =
                (0..grid.times).map(|_| Vec::with_capacity(grid.signals)).collect();
            for times in &mut state.signals {
                for (cells, instant) in times.iter_mut().zip(&mut instants) {
                    instant.push(cells);
                }
            }
            instants.into_par_iter().enumerate().for_each(|(time, signals)| {
                for (signal, cells) in signals.into_iter().enumerate() {
                    for (run, units) in &runs {
                        if let Some(row) = run.rows.get(time) {
                            cells.put(Scale::SIGNAL, row[signal + 1], *units);
                        }
                    }
                }
            });
        }
    }

    /// Adds all replicates of another state of the same batch.
    pub fn join(&mut self, other: &State) {
        for (mine, its) in self.arms.iter_mut().zip(&other.arms) {
            mine.join(its);
        }
    }

    /// Whether it has the shape that a batch of this identity has.
    pub fn fits(&self, identity: &Identity) -> bool {
        let empty = State::new(identity);
        let grid = identity.grid();
        self.arms.len() == empty.arms.len()
            && self
                .arms
                .iter()
                .zip(&empty.arms)
                .all(|(a, b)| a.arm == b.arm && a.stratum == b.stratum)
            && self.arms.iter().all(|a| a.fits(&grid, identity.n))
    }

    /// States of whole arms, without strata.
    pub fn whole(&self) -> impl Iterator<Item = &ArmState> {
        self.arms.iter().filter(|a| a.stratum.is_empty())
    }
}

/// The stratum a run belongs to, in which all runs weigh alike.
fn stratum<'a>(states: &'a mut [ArmState], run: &Reduced) -> Option<(&'a mut ArmState, u64)> {
    let view = if run.stratum? { 1 } else { 2 };
    states.get_mut(view).map(|state| (state, UNIT))
}
