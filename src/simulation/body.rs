//! The response as it runs: slow nonlinear states between events, and the
//! instants at which symptom signals cross their thresholds.
//!
//! Concentrations are exact functions of time, so the few slow states are
//! integrated by an error-controlled method whose steps do not depend on what
//! is sampled: a step is cut short only where the dynamics change. Threshold
//! crossings of these nonlinear signals are found by looking at each step at its end, up to
//! [`SCANS_PER_STEP`] times in all at even distances, wherever a concentration or a slow state
//! turns round, and where a parabola through three looks passes a level; and by narrowing
//! to the nanosecond. The output calls them "sampled".

use serde::{Deserialize, Serialize};

use crate::complications::Ailments;
use crate::engine::{SimSpan, SimTime};
use crate::numerics::{DenseStep, Side, Stepper, Tolerances, first_tick};
use crate::response::{Crossed, Exposure, Response, Signals, Slow, Watch};

use super::drive::{Drive, Driver, Drives, SlowSlopes, exposure};
use super::error::SimError;

/// Most points at even distances in a step at which thresholds are looked at.
pub const SCANS_PER_STEP: u32 = 4;

/// Where steps are short there are fewer points, not closer than this \[h\]: then the step
/// itself is the resolution at which anything moves.
const SCAN_EVERY: f64 = 2.0;

/// Looks are not closer than this \[h\], nor so close to the ends of a step: nothing that lasts shorter
/// is a sign of anything.
const LOOKS_APART: f64 = 0.01;

/// Nor closer than this share of a step: where something turns round it is flat, and [`humps`] sees
/// what is left.
const SHARE_APART: f64 = 0.1;

/// Share of what three looks span by which a signal may turn round beyond their parabola.
const SLACK: f64 = 0.1;

/// Longest step of the slow states \[h\] while what drives them still moves.
const LONGEST_STEP: f64 = 24.0;

/// First step tried \[h\] after a change, if the last one was longer. What a change of delivery
/// does reaches the effect sites gradually, so the step need not begin anew from nothing; a
/// shorter one costs more steps than those refused now and then.
const FIRST_STEP: f64 = 6.0;

/// Length of a step \[h\] at rest: the drive stands still, and no state would move by as much as
/// its tolerance in that time. So no signal moves either, no crossing can hide in it, and
/// its end is the only point to look at.
const LONGEST_REST: f64 = 168.0;

/// A turn nearer than this \[h\] is no end of a step: it would be too short to be made.
const CLOSE: f64 = 1e-9;

/// Slow states up to which a look asks for no memory.
const FEW: usize = 16;

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
    origin: SimTime,
    stepper: Stepper,
    /// Steps before the newest one that somebody may still look into.
    steps: Vec<DenseStep>,
    /// Crossings found and not handed over, in order.
    pending: Vec<Found>,
    /// Sides as handed over.
    sides: Vec<Sides>,
    /// Sides at the end of the newest step.
    scan_sides: Vec<Sides>,
    /// Scanned points that nobody asked for yet.
    points: Vec<SimTime>,
    /// Driving signals there, for peaks: one for each watch, point after point.
    peaks: Vec<f64>,
    /// Whether breathing is taken over.
    pub ventilated: bool,
    /// Whether the body is cooled.
    pub cooled: bool,
    /// Complications of surgery and hardware.
    pub ailments: Ailments,
    /// Where the newest step is looked at \[h\]; no part of the state.
    #[serde(skip)]
    looks: Vec<f64>,
    /// Room for the driving signals there; no part of the state.
    #[serde(skip)]
    rows: Vec<f64>,
    /// Whether signals may have jumped since [`BodyRun::jumped`] looked.
    #[serde(default)]
    may_jump: bool,
}

impl BodyRun {
    /// Starts with these slow states; no signal counts as beyond a level yet.
    pub fn new(response: &Response, y0: &[f64], symptoms: usize) -> Result<Self, SimError> {
        let tolerances = Tolerances {
            atol: response.absolute_tolerances(),
            ..Tolerances::uniform(y0.len(), RELATIVE_TOLERANCE, 0.0)
        };
        let mut stepper = Stepper::new(y0.len(), tolerances)?;
        stepper.restart(0.0, y0);
        Ok(Self {
            origin: SimTime::ZERO,
            stepper,
            steps: Vec::new(),
            pending: Vec::new(),
            sides: vec![[false, true]; symptoms],
            scan_sides: vec![[false, true]; symptoms],
            points: Vec::new(),
            peaks: Vec::new(),
            ventilated: false,
            cooled: false,
            ailments: Ailments::default(),
            looks: Vec::new(),
            rows: Vec::new(),
            may_jump: false,
        })
    }

    /// Takes the sides on which all signals stand at the start; nothing counts as crossed.
    /// Gives the driving signals.
    pub fn begin(&mut self, response: &Response, watches: &[Watch], drives: Drives<'_>) -> Result<Vec<f64>, SimError> {
        let signals = self.signals(response, drives, SimTime::ZERO)?;
        let values: Vec<f64> = watches.iter().map(|w| (w.symptom.select)(&signals)).collect();
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

    /// Looks at the slow states `t` \[h\] after the origin.
    fn slow<R>(&self, t: f64, look: impl FnOnce(&[f64]) -> R) -> R {
        let n = self.stepper.state().len();
        // A few states need no memory of their own.
        let (mut few, mut many) = ([0.0; FEW], Vec::new());
        let y = match n <= FEW {
            true => &mut few[..n],
            false => {
                many.resize(n, 0.0);
                &mut many[..]
            }
        };
        let older = self.steps.partition_point(|s| s.t1 < t);
        self.steps
            .get(older)
            .unwrap_or(self.stepper.last_step())
            .interpolate(t, y);
        look(y)
    }

    /// All signals at an instant that has been covered.
    pub fn signals(&self, response: &Response, drives: Drives<'_>, at: SimTime) -> Result<Signals, SimError> {
        Ok(self.signals_under(response, &drives.at(at)?, at))
    }

    /// As [`BodyRun::signals`], under a drive that is known already.
    pub fn signals_under(&self, response: &Response, drive: &Drive, at: SimTime) -> Signals {
        let exposure = self.exposure(drive, at);
        self.slow(at.hours_since(self.origin), |y| response.signals(&exposure, y))
    }

    /// Starts a new stretch where slopes and signals may jump: called just before the support or an
    /// ailment changes.
    pub fn rebase(&mut self, now: SimTime) {
        let y = self.slow(now.hours_since(self.origin), <[f64]>::to_vec);
        self.stepper.restart_near(0.0, &y, FIRST_STEP);
        self.begin_stretch(now);
        self.may_jump = true;
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
        let t = now.hours_since(self.origin);
        if t == self.stepper.interval().1 {
            self.stepper.go_on(0.0, FIRST_STEP);
        } else {
            let y = self.slow(t, <[f64]>::to_vec);
            self.stepper.restart_near(0.0, &y, FIRST_STEP);
        }
        self.begin_stretch(now);
    }

    /// Gives up the oldest of the steps kept.
    fn forget(&mut self, count: usize) {
        for step in self.steps.drain(..count) {
            self.stepper.recycle(step);
        }
    }

    fn begin_stretch(&mut self, now: SimTime) {
        self.origin = now;
        self.forget(self.steps.len());
        let kept = self.points.partition_point(|t| *t <= now);
        self.points.truncate(kept);
        self.peaks.truncate(kept * self.sides.len());
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
        let wanted = limit.hours_since(self.origin);
        if self.stepper.interval().1 >= wanted {
            return Ok(());
        }
        let turn = turn.map_or(f64::MAX, |t| t.hours_since(self.origin));
        let mut driver = Driver::new(drives);
        let offset = self.origin.hours_since(drives.baclofen.origin());
        // A crossing that is due stops the search: what follows may change at it,
        // and its own step must still be at hand when it is handled.
        while self.stepper.interval().1 < wanted && self.pending.first().is_none_or(|f| f.time > limit) {
            let done = self.stepper.interval().1;
            let still = driver.settled(offset + done) && self.ailments.rest(self.origin, done);
            // Behind the turn nothing is known; whoever wants to look there goes on without it.
            let end = if turn - done > CLOSE { turn } else { f64::MAX };
            let resting = still && end - done >= LONGEST_REST && self.stepper.at_rest(LONGEST_REST);
            let mut slopes = SlowSlopes {
                response,
                driver: &mut driver,
                offset,
                ailments: &self.ailments,
                origin: self.origin,
                ventilated: self.ventilated,
                cooled: self.cooled,
            };
            let before = if resting {
                self.stepper.glide_ahead(&mut slopes, LONGEST_REST)?
            } else {
                self.stepper.step_ahead(&mut slopes, end, LONGEST_STEP)?
            };
            if before.t1 > before.t0 {
                self.steps.push(before);
            } else {
                self.stepper.recycle(before);
            }
            self.look_where(resting, &mut driver, offset);
            self.scan(response, watches, &mut driver, offset)?;
        }
        Ok(())
    }

    /// Says where in the newest step every level is looked at: at a few points even apart, and wherever a
    /// concentration or a slow state behind a symptom turns round, so that a hump between two of
    /// these points is not missed. What may be is a little of one beside a kink of withdrawal, where
    /// another region begins to lack the drug. `offset` is the origin \[h\] for the driver.
    fn look_where(&mut self, resting: bool, driver: &mut Driver<'_>, offset: f64) {
        let (from, to) = self.stepper.interval();
        let looks = &mut self.looks;
        looks.clear();
        if !resting {
            driver.turns(looks);
            looks.iter_mut().for_each(|t| *t -= offset);
            let step = self.stepper.last_step();
            looks.extend((Slow::EXCITATION..Slow::LEN).filter_map(|state| step.turns(state)));
            let points = scans((from, to));
            looks.extend((1..points).map(|k| from + (to - from) * (f64::from(k) / f64::from(points))));
            looks.retain(|t| *t > from + LOOKS_APART && *t < to - LOOKS_APART);
            looks.sort_by(f64::total_cmp);
            let apart = LOOKS_APART.max(SHARE_APART * (to - from));
            looks.dedup_by(|later, earlier| *later - *earlier < apart);
            if looks.is_empty() && to - from > 2.0 * LOOKS_APART {
                // Of a start and an end alone nobody knows how a signal is bent; here its drive is known.
                looks.push(driver.inside() - offset);
            }
        }
        looks.push(to);
    }

    /// Looks at every level over the newest step, where [`BodyRun::look_where`] said and where a
    /// signal that is bent seems to pass a level between these points.
    fn scan(
        &mut self,
        response: &Response,
        watches: &[Watch],
        driver: &mut Driver<'_>,
        offset: f64,
    ) -> Result<(), SimError> {
        let (mut looks, mut rows) = (std::mem::take(&mut self.looks), std::mem::take(&mut self.rows));
        looks.insert(0, self.stepper.interval().0);
        rows.clear();
        for t in &looks {
            self.driving(response, watches, driver, offset, *t, &mut rows);
        }
        let width = watches.len();
        for t in humps(watches, &looks, &rows) {
            let place = looks.partition_point(|look| *look < t);
            let mut row = Vec::with_capacity(width);
            self.driving(response, watches, driver, offset, t, &mut row);
            looks.insert(place, t);
            rows.splice(place * width..place * width, row);
        }
        let mut found = Vec::new();
        let mut left = self.origin.checked_add(SimSpan::from_hours(looks[0])?)?;
        for (t, row) in looks.iter().zip(rows.chunks_exact(width.max(1))).skip(1) {
            let right = self.origin.checked_add(SimSpan::from_hours(*t)?)?;
            let crossed = watches.iter().zip(row).any(|(watch, value)| {
                let [onset, resolution] = self.scan_sides[watch.index];
                (watch.is_in(*value) != onset) | (watch.is_clear(*value) != resolution)
            });
            // The nearest tick is looked at only where something was crossed.
            if crossed {
                self.narrow(response, watches, driver, (left, right), &mut found)?;
            }
            self.points.push(right);
            self.peaks.extend(row);
            left = right;
        }
        found.sort();
        self.pending.extend(found);
        (self.looks, self.rows) = (looks, rows);
        Ok(())
    }

    /// Appends the driving signals `t` \[h\] after the origin, one for each watch.
    fn driving(
        &self,
        response: &Response,
        watches: &[Watch],
        driver: &mut Driver<'_>,
        offset: f64,
        t: f64,
        row: &mut Vec<f64>,
    ) {
        let ailing = self.ailments.signs_after(self.origin, t);
        let exposure = exposure(driver.after(offset + t), self.ventilated, self.cooled, ailing);
        let signals = self.slow(t, |y| response.signals(&exposure, y));
        row.extend(watches.iter().map(|watch| (watch.symptom.select)(&signals)));
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
            let value = (watch.symptom.select)(&here);
            let sides = self.scan_sides[watch.index];
            let now = EDGES.map(|edge| beyond(watch, edge, value));
            for edge in EDGES.into_iter().filter(|e| now[*e as usize] != sides[*e as usize]) {
                let side = sides[edge as usize];
                let judge = |signals: &Signals| {
                    let value = (watch.symptom.select)(signals);
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
            let value = (watch.symptom.select)(&signals);
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

    /// Gives the driving signals at each point passed by `now`, for peaks; each is given once. Steps
    /// that ended before are forgotten: nobody asks for the past of an event.
    pub fn passed(&mut self, now: SimTime, mut look: impl FnMut(&[f64])) {
        let t = now.hours_since(self.origin);
        self.forget(self.steps.partition_point(|s| s.t1 < t));
        let passed = self.points.partition_point(|t| *t <= now);
        let values = passed * self.sides.len();
        if passed > 0 {
            self.peaks[..values].chunks_exact(self.sides.len()).for_each(&mut look);
            self.points.drain(..passed);
            self.peaks.drain(..values);
        }
    }
}

/// Where, between looks \[h\], a signal that is bent seems to pass a level and to come back; `rows` hold
/// the driving signals at each look.
fn humps(watches: &[Watch], looks: &[f64], rows: &[f64]) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::new();
    let width = watches.len();
    for (k, times) in looks.windows(3).enumerate() {
        for (w, watch) in watches.iter().enumerate() {
            let values = [0, 1, 2].map(|i| rows[(k + i) * width + w]);
            if let Some(t) = hump(watch, [times[0], times[1], times[2]], values)
                && looks.iter().chain(&found).all(|other| (other - t).abs() >= LOOKS_APART)
            {
                found.push(t);
            }
        }
    }
    found
}

/// Where the parabola through three values turns round, if it does so beyond a level of theirs, or
/// nearly so.
fn hump(watch: &Watch, [ta, tb, tc]: [f64; 3], [a, b, c]: [f64; 3]) -> Option<f64> {
    let (low, high) = (a.min(b).min(c), a.max(b).max(c));
    let reach = high - low;
    // Most signals stand still, or are far from their levels.
    if reach == 0.0 {
        return None;
    }
    let near = |level: f64| low - reach < level && level < high + reach;
    if !(near(watch.levels.onset) || near(watch.levels.resolution)) {
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

/// Points at which a step is looked at.
fn scans((from, to): (f64, f64)) -> u32 {
    // A share of hours, cut at a few points: it fits.
    ((to - from) / SCAN_EVERY).ceil().clamp(1.0, f64::from(SCANS_PER_STEP)) as u32
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

    #[test]
    fn humps_of_all_signals_are_found_once_each_and_not_next_to_a_look() {
        let watches = [watch("drowsiness"), watch("coma")];
        let (up, down) = (watches[0].levels.onset, watches[1].levels.onset);
        let looks = [0.0, 0.5, 2.0];
        let row = |t: f64| {
            [
                up + 0.125 - 0.25 * (t - 1.0) * (t - 1.0),
                down - 0.125 + (t - 1.0) * (t - 1.0),
            ]
        };
        let rows: Vec<f64> = looks.into_iter().flat_map(row).collect();
        assert_eq!(humps(&watches, &looks, &rows), [1.0]);
        let near = [0.0, 1.0 - 0.5 * LOOKS_APART, 2.0];
        let rows: Vec<f64> = near.into_iter().flat_map(row).collect();
        assert!(humps(&watches, &near, &rows).is_empty());
        assert!(
            humps(&watches, &near[..2], &rows[..4]).is_empty(),
            "of two looks nothing is known"
        );
    }
}
