//! The response as it runs: slow nonlinear states between events, and the
//! instants at which symptom signals cross their thresholds.
//!
//! Concentrations are exact functions of time, so the few slow states are
//! integrated by an error-controlled method whose steps do not depend on what
//! is sampled: a step is cut short only where the dynamics change. Threshold
//! crossings of these nonlinear signals are found by sampling each step
//! [`SCANS_PER_STEP`] times and narrowing to the nanosecond; the output calls them
//! "sampled".

use serde::{Deserialize, Serialize};

use crate::complications::Ailments;
use crate::engine::{SimSpan, SimTime};
use crate::kinetics::{DriveCourse, Kinetics, SiteDrive};
use crate::numerics::{DenseStep, Scratch, Side, Stepper, Tolerances, first_tick};
use crate::response::{Crossed, Exposure, Response, Signals, Sites, Watch};
use crate::signals::Ailing;

use super::drugs::DrugRun;
use super::error::SimError;

/// Most points per accepted integration step at which thresholds are looked at.
pub const SCANS_PER_STEP: u32 = 4;

/// Where steps are short there are fewer points, not closer than this \[h\]: then the step
/// itself is the resolution at which anything moves.
const SCAN_EVERY: f64 = 2.0;

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

/// Kinetics of all drugs of one patient.
#[derive(Clone, Copy)]
pub struct Drives<'a> {
    /// Of baclofen.
    pub baclofen: &'a Kinetics,
    /// Of the others, in the order of the scenario.
    pub others: &'a [DrugRun],
}

/// Concentrations of all drugs at their effect sites.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Drive {
    /// Baclofen and the rescue drugs.
    pub baclofen: SiteDrive,
    /// The others \[ug/mL\].
    pub others: Sites,
}

impl Drives<'_> {
    /// Concentrations at an instant not before the last change.
    pub fn at(&self, at: SimTime) -> Result<Drive, SimError> {
        let baclofen = self.baclofen.drive(at, &mut self.baclofen.scratch())?;
        let mut others = Sites::default();
        for (sites, drug) in others.iter_mut().zip(self.others) {
            *sites = drug.kinetics.drive(at, &mut drug.kinetics.scratch())?.effect;
        }
        Ok(Drive { baclofen, others })
    }
}

/// What drives the response through one stretch, for many questions.
struct Driver<'a> {
    kinetics: &'a Kinetics,
    baclofen: Line<'a>,
    others: Vec<Line<'a>>,
    /// The last question \[h\] and its answer: the end of a step is asked for three times.
    seen: (f64, Drive),
}

/// The kinetics of one drug through one stretch.
struct Line<'a> {
    kinetics: &'a Kinetics,
    /// How long its origin lies after that of baclofen \[h\].
    behind: f64,
    /// The cheap form, where there is one.
    course: Option<&'a DriveCourse>,
    scratch: Scratch,
}

impl<'a> Line<'a> {
    fn new(kinetics: &'a Kinetics, reference: &Kinetics) -> Self {
        Line {
            kinetics,
            behind: kinetics.origin().hours_since(reference.origin()),
            course: kinetics.course(),
            scratch: kinetics.scratch(),
        }
    }

    fn after(&mut self, dt_h: f64) -> SiteDrive {
        let dt_h = dt_h - self.behind;
        match &self.course {
            Some(course) => course.at(dt_h),
            None => self.kinetics.drive_after(dt_h, &mut self.scratch),
        }
    }

    fn settled(&self, dt_h: f64) -> bool {
        self.course
            .as_ref()
            .is_some_and(|c| c.settled_after() <= dt_h - self.behind)
    }
}

impl<'a> Driver<'a> {
    fn new(drives: Drives<'a>) -> Self {
        let kinetics = drives.baclofen;
        Driver {
            kinetics,
            baclofen: Line::new(kinetics, kinetics),
            others: drives.others.iter().map(|d| Line::new(&d.kinetics, kinetics)).collect(),
            seen: (f64::NAN, Drive::default()),
        }
    }

    /// The drive `dt_h` \[h\] after the origin of baclofen's kinetics.
    fn after(&mut self, dt_h: f64) -> Drive {
        if self.seen.0 == dt_h {
            return self.seen.1;
        }
        let mut drive = Drive {
            baclofen: self.baclofen.after(dt_h),
            others: Sites::default(),
        };
        for (sites, line) in drive.others.iter_mut().zip(&mut self.others) {
            *sites = line.after(dt_h).effect;
        }
        self.seen = (dt_h, drive);
        drive
    }

    fn at(&mut self, time: SimTime) -> Drive {
        self.after(time.hours_since(self.kinetics.origin()))
    }

    /// Whether the drive stands still from here on.
    fn settled(&self, dt_h: f64) -> bool {
        self.baclofen.settled(dt_h) && self.others.iter().all(|line| line.settled(dt_h))
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
    pub fn exposure(&self, drive: Drive, at: SimTime) -> Exposure {
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
        Ok(self.signals_under(response, drives.at(at)?, at))
    }

    /// As [`BodyRun::signals`], under a drive that is known already.
    pub fn signals_under(&self, response: &Response, drive: Drive, at: SimTime) -> Signals {
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
            let (ventilated, cooled) = (self.ventilated, self.cooled);
            let (ailments, origin) = (&self.ailments, self.origin);
            let mut rhs = |t: f64, y: &[f64], dy: &mut [f64]| {
                let ailing = ailments.signs_after(origin, t);
                let exposure = exposure(driver.after(offset + t), ventilated, cooled, ailing);
                response.derivative(&exposure, y, dy);
            };
            let before = if resting {
                self.stepper.glide(&mut rhs, LONGEST_REST)?
            } else {
                self.stepper.step(&mut rhs, end, LONGEST_STEP)?
            };
            if before.t1 > before.t0 {
                self.steps.push(before);
            } else {
                self.stepper.recycle(before);
            }
            let points = if resting { 1 } else { scans(self.stepper.interval()) };
            self.scan(response, watches, &mut driver, offset, points)?;
        }
        Ok(())
    }

    /// Looks at every level over the newest step, at so many points; `offset` is the origin \[h\] for
    /// the driver.
    fn scan(
        &mut self,
        response: &Response,
        watches: &[Watch],
        driver: &mut Driver<'_>,
        offset: f64,
        points: u32,
    ) -> Result<(), SimError> {
        let (from, to) = self.stepper.interval();
        let mut found = Vec::new();
        let mut left = self.origin.checked_add(SimSpan::from_hours(from)?)?;
        for k in 1..=points {
            let share = f64::from(k) / f64::from(points);
            let t = if k == points { to } else { from + (to - from) * share };
            let right = self.origin.checked_add(SimSpan::from_hours(t)?)?;
            // Where the step ends the drive is known already; the nearest tick is looked at only
            // where something was crossed.
            let ailing = self.ailments.signs_after(self.origin, t);
            let exposure = exposure(driver.after(offset + t), self.ventilated, self.cooled, ailing);
            let signals = self.slow(t, |y| response.signals(&exposure, y));
            let mut crossed = false;
            for watch in watches {
                let value = (watch.symptom.select)(&signals);
                self.peaks.push(value);
                crossed |= EDGES.map(|edge| beyond(watch, edge, value)) != self.scan_sides[watch.index];
            }
            if crossed {
                self.narrow(response, watches, driver, (left, right), &mut found)?;
            }
            self.points.push(right);
            left = right;
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

/// Points at which a step is looked at.
fn scans((from, to): (f64, f64)) -> u32 {
    // A share of hours, cut at a few points: it fits.
    ((to - from) / SCAN_EVERY).ceil().clamp(1.0, f64::from(SCANS_PER_STEP)) as u32
}

fn exposure(drive: Drive, ventilated: bool, cooled: bool, ailing: Ailing) -> Exposure {
    let d = drive.baclofen;
    Exposure {
        effect: d.effect,
        benzodiazepine: d.benzodiazepine,
        cyproheptadine: d.cyproheptadine,
        ventilated,
        cooled,
        others: drive.others,
        ailing,
    }
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
