//! The response as it runs: slow nonlinear states between events, and the
//! instants at which symptom signals cross their thresholds.
//!
//! Concentrations are exact functions of time, so the few slow states are
//! integrated by an error-controlled method whose steps do not depend on what
//! is sampled: a step is cut short only where the dynamics change. Threshold
//! crossings of these nonlinear signals are found by sampling each step
//! [`SCANS_PER_STEP`] times and bisecting to 1 us; the output names them
//! "sampled".

use serde::{Deserialize, Serialize};

use crate::engine::{SimSpan, SimTime};
use crate::kinetics::Kinetics;
use crate::numerics::{Stepper, Tolerances};
use crate::response::{Exposure, Modifiers, Response, Signals};

use super::error::SimError;

/// Points per accepted integration step at which thresholds are looked at.
pub const SCANS_PER_STEP: u32 = 4;

/// Longest step of the slow states [h]; reached when nothing happens.
const LONGEST_STEP: f64 = 24.0;

/// A threshold crossing that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// First instant on the far side.
    pub time: SimTime,
    /// Index of the watch.
    pub watch: usize,
    /// Upwards or downwards.
    pub rising: bool,
}

/// The running state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BodyRun {
    origin: SimTime,
    stepper: Stepper,
    /// Hours after `origin` up to which crossings have been searched.
    scanned: f64,
    /// Crossings found and not handed over, in order.
    pending: Vec<Found>,
    /// Side of each watch as handed over.
    above: Vec<bool>,
    /// Side of each watch at `scanned`.
    scan_above: Vec<bool>,
    /// What acts on the response beside the drug.
    pub modifiers: Modifiers,
}

impl BodyRun {
    /// Starts with these slow states; signals already above a threshold count as above.
    pub fn new(y0: &[f64], modifiers: Modifiers, watches: usize) -> Self {
        let mut stepper = Stepper::new(y0.len(), tolerances(y0.len()));
        stepper.restart(0.0, y0);
        Self {
            origin: SimTime::ZERO,
            stepper,
            scanned: 0.0,
            pending: Vec::new(),
            above: vec![false; watches],
            scan_above: vec![false; watches],
            modifiers,
        }
    }

    /// What the body is exposed to at an instant.
    pub fn exposure(&self, kinetics: &Kinetics, at: SimTime) -> Exposure {
        Exposure {
            sites: kinetics.effect_sites(at),
            rescue: kinetics.rescue(at),
            modifiers: self.modifiers,
        }
    }

    fn slow(&self, at: SimTime) -> Vec<f64> {
        let mut y = vec![0.0; self.stepper.dim()];
        self.stepper.interpolate(at.hours_since(self.origin), &mut y);
        y
    }

    /// All signals at an instant that has been covered.
    pub fn signals(&self, response: &Response, kinetics: &Kinetics, at: SimTime) -> Signals {
        response.signals(&self.exposure(kinetics, at), &self.slow(at))
    }

    /// Starts a new stretch: called just before the kinetics or the modifiers change.
    pub fn rebase(&mut self, now: SimTime) {
        if now != self.origin {
            let y = self.slow(now);
            self.origin = now;
            self.stepper.restart(0.0, &y);
        } else {
            let mut y = vec![0.0; self.stepper.dim()];
            self.stepper.interpolate(0.0, &mut y);
            self.stepper.restart(0.0, &y);
        }
        self.scanned = 0.0;
        self.pending.clear();
        self.scan_above.clone_from(&self.above);
    }

    /// Integrates and searches until `limit` is covered.
    pub fn cover(&mut self, response: &Response, kinetics: &Kinetics, limit: SimTime) -> Result<(), SimError> {
        let wanted = limit.hours_since(self.origin);
        // A crossing that is due stops the search: what follows may change at it,
        // and its own step must still be at hand when it is handled.
        while self.stepper.interval().1 < wanted && self.pending.first().is_none_or(|f| f.time > limit) {
            let origin = self.origin;
            let modifiers = self.modifiers;
            let mut rhs = |t: f64, y: &[f64], dy: &mut [f64]| {
                let exposure = Exposure {
                    sites: kinetics.effect_sites_after(origin, t),
                    rescue: kinetics.rescue_after(origin, t),
                    modifiers,
                };
                response.derivative(&exposure, y, dy);
            };
            self.stepper.step(&mut rhs, f64::INFINITY, LONGEST_STEP)?;
            self.scan(response, kinetics)?;
        }
        Ok(())
    }

    /// Looks at every watch over the newest step.
    fn scan(&mut self, response: &Response, kinetics: &Kinetics) -> Result<(), SimError> {
        let (from, to) = self.stepper.interval();
        let mut found = Vec::new();
        let mut left = self.origin.checked_add(SimSpan::from_hours(from)?)?;
        for k in 1..=SCANS_PER_STEP {
            let share = f64::from(k) / f64::from(SCANS_PER_STEP);
            let right = self
                .origin
                .checked_add(SimSpan::from_hours(from + (to - from) * share)?)?;
            let here = self.signals(response, kinetics, right);
            for (watch, w) in response.watches().iter().enumerate() {
                let side = self.scan_above[watch];
                let value = (w.signal)(&here);
                if w.crosses(side, value) {
                    let time = self.bisect(response, kinetics, left, right, |s| w.crosses(side, (w.signal)(s)));
                    found.push(Found {
                        time,
                        watch,
                        rising: !side,
                    });
                    self.scan_above[watch] = !side;
                }
            }
            left = right;
        }
        found.sort();
        self.pending.extend(found);
        self.scanned = to;
        Ok(())
    }

    /// First instant, to 1 us, at which `beyond` holds; it does at `right`.
    fn bisect(
        &self,
        response: &Response,
        kinetics: &Kinetics,
        left: SimTime,
        right: SimTime,
        beyond: impl Fn(&Signals) -> bool,
    ) -> SimTime {
        let (mut a, mut b) = (left.as_nanos(), right.as_nanos());
        while b - a > 1_000 {
            let middle = a + (b - a) / 2;
            if beyond(&self.signals(response, kinetics, SimTime::from_nanos(middle))) {
                b = middle;
            } else {
                a = middle;
            }
        }
        SimTime::from_nanos(b)
    }

    /// Hands over the next crossings, all at one instant, if they come by `limit`.
    pub fn next_crossings(&mut self, limit: SimTime) -> Vec<Found> {
        let Some(first) = self.pending.first().map(|f| f.time).filter(|t| *t <= limit) else {
            return Vec::new();
        };
        let count = self.pending.iter().take_while(|f| f.time == first).count();
        let due: Vec<Found> = self.pending.drain(..count).collect();
        for f in &due {
            self.above[f.watch] = f.rising;
        }
        due
    }

    /// Watches whose signal stands on the other side right now, after a jump; they count as handed over.
    pub fn jumped(&mut self, response: &Response, kinetics: &Kinetics, now: SimTime) -> Vec<Found> {
        let signals = self.signals(response, kinetics, now);
        let mut found = Vec::new();
        for (watch, w) in response.watches().iter().enumerate() {
            let side = self.above[watch];
            if w.crosses(side, (w.signal)(&signals)) {
                self.above[watch] = !side;
                self.scan_above[watch] = !side;
                found.push(Found {
                    time: now,
                    watch,
                    rising: !side,
                });
            }
        }
        found
    }
}

/// Tolerances of the slow states: all are of order one.
fn tolerances(dim: usize) -> Tolerances {
    Tolerances {
        rtol: 1e-7,
        atol: vec![1e-9; dim],
    }
}
