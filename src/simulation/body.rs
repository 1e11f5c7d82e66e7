//! The response as it runs: slow nonlinear states between events, and the
//! instants at which symptom signals cross their thresholds.
//!
//! Concentrations are exact functions of time, so the few slow states are
//! integrated by an error-controlled method whose steps do not depend on what
//! is sampled: a step is cut short only where the dynamics change. Threshold
//! crossings of these nonlinear signals are found by looking at the [`SCANS_PER_STEP`] nodes of each
//! step, and where a parabola through three of them passes a level; and by narrowing
//! to the nanosecond. The output calls them "sampled".

use serde::{Deserialize, Serialize};

use crate::complications::Ailments;
use crate::engine::{SimSpan, SimTime};
use crate::numerics::collocation::{LANES, Row};
use crate::numerics::{Lanes, Side, first_tick};
use crate::response::{Accuracy, Crossed, Exposure, Path, Response, Signals, Source, Watch};

use super::drive::{Drive, Driver, Drives, exposure};
use super::error::SimError;
use super::stretch::{Around, Seen, Stretch};

/// Points at which thresholds are looked at in each step: its nodes.
pub const SCANS_PER_STEP: usize = LANES;

/// Looks beside the nodes are not closer to one another than this \[h\]: nothing that lasts shorter is a
/// sign of anything.
const LOOKS_APART: f64 = 0.01;

/// Share of what three looks span by which a signal may turn round beyond their parabola.
const SLACK: f64 = 0.1;

/// Longest step of the slow states \[h\] while what drives them still moves.
const LONGEST_STEP: f64 = 24.0;

/// First step tried \[h\] after a change, if the last one was longer: what drives the states bends most
/// behind a change.
const FIRST_STEP: f64 = 8.0;

/// Longest step \[h\] while the drive stands still.
const LONGEST_REST: f64 = 168.0;

/// A turn nearer than this \[h\] is no end of a step: it would be too short to be made.
const CLOSE: f64 = 1e-9;

/// Relative tolerance of the slow states; their absolute ones come from the response.
const RELATIVE_TOLERANCE: f64 = 1e-7;

/// The two levels of a symptom, watched apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Edge {
    /// Level of onset: beyond it means *in*.
    Onset,
    /// Level of resolution: beyond it means *clear*.
    Resolution,
}

const EDGES: [Edge; 2] = [Edge::Onset, Edge::Resolution];

/// Which side of both levels a signal is on: in, and clear.
type Sides = [bool; 2];

/// A threshold crossing that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// First instant on the far side.
    pub time: SimTime,
    /// Index of the symptom.
    pub symptom: usize,
    edge: Edge,
    /// Whether the signal is now beyond the level.
    beyond: bool,
}

impl Found {
    /// What it means for the symptom.
    pub fn crossed(&self) -> Crossed {
        match (self.edge, self.beyond) {
            (Edge::Onset, true) => Crossed::Entered,
            (Edge::Onset, false) => Crossed::Left,
            (Edge::Resolution, true) => Crossed::Cleared,
            (Edge::Resolution, false) => Crossed::Returned,
        }
    }
}

/// The running state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BodyRun {
    stretch: Stretch,
    /// Crossings found and not handed over, in order.
    pending: Vec<Found>,
    /// Sides as handed over.
    sides: Vec<Sides>,
    /// Sides at the end of the newest step.
    scan_sides: Vec<Sides>,
    /// Whether breathing is taken over.
    pub ventilated: bool,
    /// Whether the body is cooled.
    pub cooled: bool,
    /// Complications of surgery and hardware.
    pub ailments: Ailments,
    /// Whether signals may have jumped since [`BodyRun::jumped`] looked.
    #[serde(default)]
    may_jump: bool,
}

impl BodyRun {
    /// Starts with these slow states; no signal counts as beyond a level yet.
    pub fn new(response: &Response, y0: &[f64], symptoms: usize) -> Self {
        let accuracy = Accuracy {
            relative: RELATIVE_TOLERANCE,
            absolute: response.absolute_tolerances(),
        };
        Self {
            stretch: Stretch::new(y0, accuracy, FIRST_STEP),
            pending: Vec::new(),
            sides: vec![[false, true]; symptoms],
            scan_sides: vec![[false, true]; symptoms],
            ventilated: false,
            cooled: false,
            ailments: Ailments::default(),
            may_jump: false,
        }
    }

    /// Takes the sides on which all signals stand at the start; nothing counts as crossed.
    /// Gives the driving signals.
    pub fn begin(&mut self, response: &Response, watches: &[Watch], drives: Drives<'_>) -> Result<Vec<f64>, SimError> {
        let signals = self.signals(response, drives, SimTime::ZERO)?;
        let values: Vec<f64> = watches.iter().map(|w| w.symptom.select(&signals)).collect();
        for (watch, value) in watches.iter().zip(&values) {
            self.sides[watch.index] = EDGES.map(|edge| beyond(watch, edge, *value));
        }
        self.scan_sides.clone_from(&self.sides);
        Ok(values)
    }

    /// What the body is exposed to.
    pub fn exposure(&self, drive: &Drive, at: SimTime) -> Exposure {
        exposure(drive, self.ventilated, self.cooled, self.ailments.signs(at))
    }

    /// All signals at an instant that has been covered.
    pub fn signals(&self, response: &Response, drives: Drives<'_>, at: SimTime) -> Result<Signals, SimError> {
        Ok(self.signals_under(response, &drives.at(at)?, at))
    }

    /// As [`BodyRun::signals`], under a drive that is known already.
    pub fn signals_under(&self, response: &Response, drive: &Drive, at: SimTime) -> Signals {
        let exposure = self.exposure(drive, at);
        self.stretch
            .slow(at.hours_since(self.stretch.origin), |y| response.signals(&exposure, y))
    }

    /// As [`BodyRun::turn`], where signals may jump: called just before the support or an ailment changes.
    pub fn rebase(&mut self, now: SimTime) {
        self.put(now);
    }

    /// As [`BodyRun::turn`], before an amount in the body changes at once: signals are compared
    /// afterwards.
    pub fn put(&mut self, now: SimTime) {
        self.turn(now);
        self.may_jump = true;
    }

    /// Starts a new stretch where concentrations at the effect sites go on from the values they
    /// have: called just before what flows into the body or through it changes.
    pub fn turn(&mut self, now: SimTime) {
        self.stretch.turn(now, FIRST_STEP);
        self.pending.clear();
        self.scan_sides.clone_from(&self.sides);
    }

    /// Integrates and searches until `limit` is covered or a crossing is due. A step ends at `turn`,
    /// the instant at which the dynamics are known to change.
    pub fn cover(
        &mut self,
        response: &Response,
        watches: &[Watch],
        drives: Drives<'_>,
        limit: SimTime,
        turn: Option<SimTime>,
    ) -> Result<(), SimError> {
        let origin = self.stretch.origin;
        let wanted = limit.hours_since(origin);
        if self.stretch.end() >= wanted {
            return Ok(());
        }
        let turn = turn.map_or(f64::MAX, |t| t.hours_since(origin));
        let mut driver = Driver::new(drives);
        let offset = origin.hours_since(drives.baclofen.origin());
        // A crossing that is due stops the search: what follows may change at it,
        // and its own step must still be at hand when it is handled.
        while self.stretch.end() < wanted && self.pending.first().is_none_or(|f| f.time > limit) {
            let done = self.stretch.end();
            let still = driver.settled(offset + done) && self.ailments.rest(origin, done);
            // Behind the turn nothing is known; whoever wants to look there goes on without it.
            let end = if turn - done > CLOSE { turn } else { f64::MAX };
            let around = Around {
                ailments: &self.ailments,
                ventilated: self.ventilated,
                cooled: self.cooled,
            };
            let longest = if still { LONGEST_REST } else { LONGEST_STEP };
            self.stretch
                .step(response, &mut driver, offset, &around, (end, longest))?;
            self.scan(response, watches, &mut driver, offset)?;
        }
        Ok(())
    }

    /// Looks at every level at the nodes of the newest step, and where a signal that is bent seems to
    /// pass a level between them.
    fn scan(
        &mut self,
        response: &Response,
        watches: &[Watch],
        driver: &mut Driver<'_>,
        offset: f64,
    ) -> Result<(), SimError> {
        let Some(made) = self.stretch.last() else {
            return Ok(());
        };
        let nodes: Row = std::array::from_fn(|node| made.node(node));
        let start = made.t0;
        let quiet = quiet(watches, &made.path, &self.scan_sides);
        if quiet == Quiet::Wholly {
            return Ok(());
        }
        let bent = humps(watches, &nodes, &made.path);
        if bent.is_empty() && quiet == Quiet::AtNodes {
            return Ok(());
        }
        // The states stay where they are looked up.
        let path = Path {
            signals: std::mem::take(&mut made.path.signals),
            states: Vec::new(),
        };
        let mut extra = Vec::with_capacity(bent.len());
        for t in bent {
            let ailing = self.ailments.signs_after(self.stretch.origin, t);
            let exposure = exposure(driver.after(offset + t), self.ventilated, self.cooled, ailing);
            let signals = self.stretch.slow(t, |y| response.signals(&exposure, y));
            extra.push((t, Source::ALL.map(|source| source.of(&signals)).to_vec()));
        }
        let mut looks: Vec<(f64, Result<usize, usize>)> = nodes.into_iter().zip((0..LANES).map(Ok)).collect();
        looks.extend(extra.iter().enumerate().map(|(k, (t, _))| (*t, Err(k))));
        looks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut found = Vec::new();
        let mut left = self.stretch.origin.checked_add(SimSpan::from_hours(start)?)?;
        for (t, place) in looks {
            let right = self.stretch.origin.checked_add(SimSpan::from_hours(t)?)?;
            let crossed = watches.iter().any(|watch| {
                let source = watch.symptom.source;
                let value = match place {
                    Ok(node) => path.signal(source)[node],
                    Err(k) => extra[k].1[source as usize],
                };
                let [onset, resolution] = self.scan_sides[watch.index];
                (watch.is_in(value) != onset) | (watch.is_clear(value) != resolution)
            });
            // The nearest tick is looked at only where something was crossed.
            if crossed {
                self.narrow(response, watches, driver, (left, right), &mut found)?;
            }
            left = right;
        }
        if let Some(made) = self.stretch.last() {
            (made.extra, made.path.signals) = (extra, path.signals);
        }
        found.sort();
        self.pending.extend(found);
        Ok(())
    }

    /// Finds the ticks at which levels were crossed between two of them.
    fn narrow(
        &mut self,
        response: &Response,
        watches: &[Watch],
        driver: &mut Driver<'_>,
        (left, right): (SimTime, SimTime),
        found: &mut Vec<Found>,
    ) -> Result<(), SimError> {
        let there = self.signals_under(response, driver.at(left), left);
        let here = self.signals_under(response, driver.at(right), right);
        for watch in watches {
            let value = watch.symptom.select(&here);
            let sides = self.scan_sides[watch.index];
            let now = EDGES.map(|edge| beyond(watch, edge, value));
            for edge in EDGES.into_iter().filter(|e| now[*e as usize] != sides[*e as usize]) {
                let side = sides[edge as usize];
                let judge = |signals: &Signals| {
                    let value = watch.symptom.select(signals);
                    Side {
                        holds: beyond(watch, edge, value) != side,
                        gap: value - level(watch, edge),
                    }
                };
                let (first, last) = (judge(&there).gap, judge(&here).gap);
                let tick = first_tick((left.as_nanos(), first), (right.as_nanos(), last), |tick| {
                    let t = SimTime::from_nanos(tick);
                    Ok::<_, SimError>(judge(&self.signals_under(response, driver.at(t), t)))
                })?;
                found.push(Found {
                    time: SimTime::from_nanos(tick),
                    symptom: watch.index,
                    edge,
                    beyond: !side,
                });
            }
            self.scan_sides[watch.index] = now;
        }
        Ok(())
    }

    /// Hands over the next crossings, all at one instant, if they come by `limit`.
    pub fn next_crossings(&mut self, limit: SimTime) -> Vec<Found> {
        let Some(first) = self.next_due().filter(|t| *t <= limit) else {
            return Vec::new();
        };
        let count = self.pending.iter().take_while(|f| f.time == first).count();
        let due: Vec<Found> = self.pending.drain(..count).collect();
        for f in &due {
            self.sides[f.symptom][f.edge as usize] = f.beyond;
        }
        due
    }

    /// Instant of the next crossing found.
    pub fn next_due(&self) -> Option<SimTime> {
        self.pending.first().map(|f| f.time)
    }

    /// Levels that the signals stand beyond right now, if they may have jumped; they count as handed
    /// over.
    pub fn jumped(
        &mut self,
        response: &Response,
        watches: &[Watch],
        drives: Drives<'_>,
        now: SimTime,
    ) -> Result<Vec<Found>, SimError> {
        let mut found = Vec::new();
        if !std::mem::take(&mut self.may_jump) {
            return Ok(found);
        }
        let signals = self.signals(response, drives, now)?;
        for watch in watches {
            let value = watch.symptom.select(&signals);
            let (before, after) = (self.sides[watch.index], EDGES.map(|edge| beyond(watch, edge, value)));
            for edge in EDGES.into_iter().filter(|e| before[*e as usize] != after[*e as usize]) {
                self.sides[watch.index][edge as usize] = after[edge as usize];
                self.scan_sides[watch.index][edge as usize] = after[edge as usize];
                found.push(Found {
                    time: now,
                    symptom: watch.index,
                    edge,
                    beyond: after[edge as usize],
                });
            }
        }
        Ok(found)
    }

    /// Shows the driving signals at each point passed by `now`, for peaks; each is shown once.
    pub fn passed(&mut self, now: SimTime, look: impl FnMut(Seen<'_>)) {
        self.stretch.passed(now, look);
    }
}

/// How far the signals of a step are from doing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quiet {
    /// No level was passed, and none is near.
    Wholly,
    /// No level was passed at the nodes.
    AtNodes,
    /// Some level was passed.
    No,
}

/// Whether levels were passed in a step that began on these sides.
fn quiet(watches: &[Watch], path: &Path, sides: &[Sides]) -> Quiet {
    let mut ranges = [(0.0, 0.0); Source::LEN];
    for (range, row) in ranges.iter_mut().zip(&path.signals) {
        *range = Lanes(*row).range();
    }
    let (mut passed, mut close) = (false, false);
    for watch in watches {
        let (low, high) = ranges[watch.symptom.source as usize];
        let [onset, resolution] = sides[watch.index];
        passed |= (watch.is_in(low) != onset) | (watch.is_in(high) != onset);
        passed |= (watch.is_clear(low) != resolution) | (watch.is_clear(high) != resolution);
        close |= near(watch, low, high);
    }
    match (passed, close) {
        (true, _) => Quiet::No,
        (false, true) => Quiet::AtNodes,
        (false, false) => Quiet::Wholly,
    }
}

/// Whether a signal that moves between these values is no further from a level than it moves.
fn near(watch: &Watch, low: f64, high: f64) -> bool {
    let reach = high - low;
    let near = |level: f64| (low - reach < level) & (level < high + reach);
    (reach != 0.0) & (near(watch.levels.onset) | near(watch.levels.resolution))
}

/// Where, between nodes \[h\], a signal that is bent seems to pass a level and to come back; in order.
fn humps(watches: &[Watch], nodes: &Row, path: &Path) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::new();
    for watch in watches {
        let row = path.signal(watch.symptom.source);
        let (low, high) = Lanes(*row).range();
        if !near(watch, low, high) {
            continue;
        }
        for k in 0..LANES - 2 {
            if let Some(t) = hump(
                watch,
                [nodes[k], nodes[k + 1], nodes[k + 2]],
                [row[k], row[k + 1], row[k + 2]],
            ) && nodes.iter().chain(&found).all(|other| (other - t).abs() >= LOOKS_APART)
            {
                found.push(t);
            }
        }
    }
    found.sort_by(f64::total_cmp);
    found
}

/// Where the parabola through three values turns round, if it does so beyond a level of theirs, or
/// nearly so.
fn hump(watch: &Watch, [ta, tb, tc]: [f64; 3], [a, b, c]: [f64; 3]) -> Option<f64> {
    let (low, high) = (a.min(b).min(c), a.max(b).max(c));
    let reach = high - low;
    // Most signals stand still, or are far from their levels.
    if !near(watch, low, high) {
        return None;
    }
    let (left, right) = ((b - a) / (tb - ta), (c - b) / (tc - tb));
    let bend = (right - left) / (tc - ta);
    let (first, last) = (left - bend * (tb - ta), right + bend * (tc - tb));
    if first * last >= 0.0 {
        return None;
    }
    let share = first / (first - last);
    // What is no parabola may reach a little further.
    let value = a + 0.5 * first * share * (tc - ta) - (SLACK * reach).copysign(bend);
    let passed = watch.is_in(value) != watch.is_in(b) || watch.is_clear(value) != watch.is_clear(b);
    passed.then_some(ta + share * (tc - ta))
}

fn level(watch: &Watch, edge: Edge) -> f64 {
    match edge {
        Edge::Onset => watch.levels.onset,
        Edge::Resolution => watch.levels.resolution,
    }
}

fn beyond(watch: &Watch, edge: Edge, value: f64) -> bool {
    match edge {
        Edge::Onset => watch.is_in(value),
        Edge::Resolution => watch.is_clear(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::ParameterSet;
    use crate::response::watches;

    fn watch(name: &str) -> Watch {
        let all = watches(&ParameterSet::default());
        all.into_iter().find(|w| w.symptom.name == name).unwrap()
    }

    #[test]
    fn a_hump_is_looked_at_where_its_parabola_passes_a_level_that_its_ends_do_not() {
        let drowsy = watch("drowsiness");
        let level = drowsy.levels.onset;
        // `level + top - (t - 1)^2 / 4`, from its values at three instants.
        let at = |top: f64, times: [f64; 3]| {
            let values = times.map(|t| level + top - 0.25 * (t - 1.0) * (t - 1.0));
            hump(&drowsy, times, values)
        };
        assert_eq!(at(0.125, [0.0, 0.25, 2.0]), Some(1.0));
        assert_eq!(at(0.125, [0.0, 1.75, 2.0]), Some(1.0));
        assert_eq!(at(-0.125, [0.0, 0.25, 2.0]), None, "below the level");
        assert_eq!(at(0.125, [1.25, 1.5, 2.0]), None, "before the first of them");
        assert_eq!(at(0.125, [0.0, 0.25, 0.75]), None, "behind the last of them");
        // A dip, of a symptom that is there when its signal is low.
        let coma = watch("coma");
        let dip = |by: f64| {
            hump(
                &coma,
                [0.0, 0.5, 2.0],
                [1.0, 0.25, 1.0].map(|v| coma.levels.onset - by + v),
            )
        };
        assert_eq!((dip(0.125), dip(-0.125)), (Some(1.0), None));
        // A straight line and a signal that stands still have no hump.
        assert_eq!(hump(&drowsy, [0.0, 1.0, 2.0], [0.0, 1.0, 2.0].map(|v| level - v)), None);
        assert_eq!(hump(&drowsy, [0.0, 1.0, 2.0], [level; 3]), None);
    }

    /// A step with this course of sedation, a value at each node.
    fn sedated(row: Row) -> Path {
        let mut path = Path {
            signals: vec![[0.0; LANES]; Source::SIGNS],
            ..Path::default()
        };
        path.signals[Source::Sedation as usize] = row;
        path
    }

    #[test]
    fn humps_are_found_once_each_and_not_next_to_a_node() {
        let drowsy = watch("drowsiness");
        let level = drowsy.levels.onset;
        let nodes: Row = std::array::from_fn(|node| f64::from(node as u32));
        // Turning round at 2.5 and 1/8 above the level, between two nodes below it.
        let curve = |top: f64, bend: f64| sedated(nodes.map(|t| level + top - bend * (t - 2.5) * (t - 2.5)));
        let found = humps(&[drowsy, drowsy], &nodes, &curve(0.125, 1.0));
        assert!(
            !found.is_empty() && found.iter().all(|t| (t - 2.5).abs() < 1e-9),
            "{found:?}"
        );
        assert_eq!(found.len(), 1);
        assert!(
            humps(&[drowsy], &nodes, &curve(-20.0, 1.0)).is_empty(),
            "far below the level"
        );
        assert!(humps(&[drowsy], &nodes, &sedated([level; LANES])).is_empty());
        // One that turns round on a node was looked at.
        let on_node = sedated(nodes.map(|t| level + 0.125 - (t - 3.0) * (t - 3.0)));
        assert!(humps(&[drowsy], &nodes, &on_node).is_empty());
    }

    #[test]
    fn a_step_is_quiet_only_where_no_signal_is_near_a_level() {
        let drowsy = watch("drowsiness");
        let (onset, resolution) = (drowsy.levels.onset, drowsy.levels.resolution);
        let mut sides = vec![[false, true]; drowsy.index + 1];
        let ask = |sides: &[Sides], low: f64, high: f64| {
            let mut row = [low; LANES];
            row[3] = high;
            quiet(&[drowsy], &sedated(row), sides)
        };
        assert_eq!(ask(&sides, 0.0, 0.0), Quiet::Wholly);
        assert_eq!(ask(&sides, 0.0, 0.4 * resolution), Quiet::Wholly);
        assert_eq!(
            ask(&sides, 0.0, 0.6 * resolution),
            Quiet::AtNodes,
            "may turn round beyond"
        );
        assert_eq!(ask(&sides, 0.0, 0.5 * (onset + resolution)), Quiet::No, "no more clear");
        assert_eq!(ask(&sides, 0.0, 1.1 * onset), Quiet::No);
        sides[drowsy.index] = [true, false];
        assert_eq!(ask(&sides, 1.1 * onset, 1.1 * onset), Quiet::Wholly);
        assert_eq!(ask(&sides, onset - 1e-9, 1.1 * onset), Quiet::No, "no more in");
    }
}
