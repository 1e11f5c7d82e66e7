//! Faults as they run: triggers, profiles, repair.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::{Context, EventHandle, EventId, Phase, SimSpan, SimTime};
use crate::kinetics::Kinetics;
use crate::numerics::{Direction, Side, first_tick};
use crate::pump::PumpNotice;
use crate::scenario::model::{Profile, Trigger};

use super::error::SimError;
use super::event::{SimEvent, Stage};
use super::model::Simulation;
use super::profile;
use super::registry::{FaultMechanism, Plant};

/// One fault of the scenario.
#[derive(Clone)]
pub(super) struct FaultRun {
    /// How it acts.
    pub mechanism: Arc<dyn FaultMechanism>,
    /// Where it stands.
    pub state: FaultState,
}

/// Where a fault stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct FaultState {
    /// Changes of its profile so far.
    pub step: u32,
    /// Present severity \[0-1\].
    pub severity: f64,
    /// The profile's next change.
    pub pending: Option<EventHandle>,
    /// Event that started it, once it has.
    pub started: Option<EventId>,
    /// Whether it is over for good.
    pub ended: bool,
    /// Whether it waits for a condition.
    pub armed: bool,
}

impl FaultRun {
    /// A fault that has not struck.
    pub fn new(mechanism: Arc<dyn FaultMechanism>) -> Self {
        Self {
            mechanism,
            state: FaultState::default(),
        }
    }
}

impl FaultState {
    /// Whether it has struck and is not over.
    pub(super) fn active(&self) -> bool {
        self.started.is_some() && !self.ended
    }
}

impl Simulation {
    /// Handles one stage of a fault's profile.
    pub(super) fn fault_stage(
        &mut self,
        index: usize,
        stage: Stage,
        severity: f64,
        by: EventId,
        cx: &mut Context<'_, SimEvent>,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let now = cx.now();
        let profile = self.scenario.faults[index].profile;
        let kind = self.scenario.faults[index].kind.clone();
        let ailment = super::ailment_run::is_complication(&kind);
        let again = matches!(self.scenario.faults[index].trigger, Trigger::Arises(_));
        let run = &mut self.faults[index].state;
        if stage == Stage::Start && again && run.ended && run.started.is_some() {
            // A complication that came by chance and is over can come once more.
            *run = FaultState::default();
        }
        match stage {
            Stage::Start if run.started.is_some() => {
                cx.note("it has struck before and is left as it is");
                return Ok(());
            }
            Stage::Start if run.ended => {
                cx.note("its end came before its start");
                return Ok(());
            }
            Stage::Start => {
                run.started = Some(by);
                run.armed = false;
            }
            Stage::End => {
                if run.ended || run.started.is_none() {
                    run.ended = true;
                    cx.note("it was not there");
                    return Ok(());
                }
                run.ended = true;
                if let Some(handle) = run.pending.take() {
                    cx.cancel(handle);
                }
            }
            Stage::Progress | Stage::Full | Stage::On | Stage::Off => {
                if !run.active() {
                    return Ok(());
                }
                if !matches!(profile, Profile::InPosture(_)) {
                    run.step += 1;
                }
                run.pending = None;
            }
        }
        if run.active()
            && let Some(next) = profile::following(&profile, run.step)?
        {
            let event = self.fault_event(index, next.stage, Some(next.severity));
            let at = now.checked_add(next.after)?;
            let handle = cx.schedule_at(at, Phase::Fault, self.ranks.fault(index), event)?;
            self.faults[index].state.pending = Some(handle);
        }
        let released = self.apply_fault(index, severity, now, notices)?;
        if ailment {
            self.ailment_stage(index, stage, severity, cx)?;
        }
        // A fault of the line is no cause of what the pump does next.
        if !kind.starts_with("catheter.") && !ailment {
            self.pump_cause = by;
            // What the pump does because of it later is owed to it, whatever came between.
            let id = self.scenario.faults[index].id.clone();
            self.sources.entry(id).or_insert(by);
        }
        let hole = kind == "catheter.csf_leak" || kind == "complication.csf_leak";
        if !ailment || hole {
            self.catheter_cause = by;
        }
        if hole {
            // It takes drug out of the spine while delivery goes on as programmed.
            self.exposure_cause = by;
        }
        cx.note(match stage {
            Stage::End => format!("{kind} is gone"),
            _ => format!("{kind}, severity {:.0} %", severity * 100.0),
        });
        if released > 0.0 {
            cx.note(format!("{} released at once", super::words::dose(released)));
        }
        let line = &self.patient.catheter;
        if hole && let Some((level, flow)) = line.csf_loss() {
            cx.note(format!(
                "{} mL/h of spinal fluid escape at {level}, {} kPa are left",
                super::words::number(flow),
                super::words::number(line.csf_pressure())
            ));
        }
        let back = line.has_run_back(&self.scenario.faults[index].id);
        if back > 0.0 {
            cx.note(format!(
                "{} mL have run back into the reservoir",
                super::words::number(back)
            ));
        }
        Ok(())
    }

    /// Brings the plant to a severity of one fault. Gives the drug that left the line at
    /// once because of it \[ug\].
    pub(super) fn apply_fault(
        &mut self,
        index: usize,
        severity: f64,
        now: SimTime,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<f64, SimError> {
        let id = self.scenario.faults[index].id.clone();
        let run = &mut self.faults[index];
        run.state.severity = severity;
        let mut jumps = Vec::new();
        let mut plant = Plant {
            now,
            pump: self.patient.pump.as_mut(),
            catheter: &mut self.patient.catheter,
            notices,
            jumps: &mut jumps,
        };
        run.mechanism.apply(&id, severity, &mut plant)?;
        self.patient.ejected(now, &jumps)?;
        Ok(jumps.iter().map(|j| j.drug).sum())
    }

    /// A change of posture moves the faults that depend on it.
    pub(super) fn posture_faults(&mut self, cx: &mut Context<'_, SimEvent>) -> Result<(), SimError> {
        for index in 0..self.faults.len() {
            if let Profile::InPosture(needed) = self.scenario.faults[index].profile
                && self.faults[index].state.active()
            {
                let present = needed == self.patient.posture;
                let severity = f64::from(u8::from(present));
                if severity != self.faults[index].state.severity {
                    let stage = if present { Stage::On } else { Stage::Off };
                    let event = self.fault_event(index, stage, Some(severity));
                    cx.schedule_at(cx.now(), Phase::Fault, self.ranks.fault(index), event)?;
                }
            }
        }
        Ok(())
    }

    /// When the next condition that a fault waits for comes true, and for which faults.
    ///
    /// A signal that is linear in the kinetic state is searched with certified
    /// isolation; any other is sampled every minute and located to the nanosecond.
    pub(super) fn next_condition(
        &self,
        now: SimTime,
        limit: SimTime,
    ) -> Result<Option<(SimTime, Vec<usize>)>, SimError> {
        let mut earliest: Option<(SimTime, Vec<usize>)> = None;
        for (index, run) in self.faults.iter().enumerate() {
            if !run.state.armed {
                continue;
            }
            let Trigger::When(condition) = &self.scenario.faults[index].trigger else {
                continue;
            };
            let c = condition;
            let found = if let Some((kinetics, column)) = self.linear(&c.signal) {
                certified_crossing(kinetics, column, c.level, c.rising, now, limit)?
            } else {
                self.sampled_crossing(&c.signal, c.level, c.rising, now, limit)?
            };
            if let Some(time) = found {
                match &mut earliest {
                    Some((t, list)) if *t == time => list.push(index),
                    Some((t, _)) if *t < time => {}
                    _ => earliest = Some((time, vec![index])),
                }
            }
        }
        Ok(earliest)
    }

    /// The kinetics behind a column that is linear in their state, and its name there.
    fn linear<'s>(&'s self, signal: &'s str) -> Option<(&'s Kinetics, &'s str)> {
        let known = |column: &str| super::observe::kinetic_columns().iter().any(|c| c == column);
        if known(signal) {
            return Some((&self.patient.kinetics, signal));
        }
        self.patient.drugs.iter().find_map(|drug| {
            let column = signal.strip_prefix(drug.id.as_str())?.strip_prefix('_')?;
            (known(column) && super::drugs::is_shown(column)).then_some((&drug.kinetics, column))
        })
    }

    /// First instant after `now` and not after `limit` at which a sampled signal is beyond its level.
    fn sampled_crossing(
        &self,
        signal: &str,
        level: f64,
        rising: bool,
        now: SimTime,
        limit: SimTime,
    ) -> Result<Option<SimTime>, SimError> {
        const STEP_NANOS: i64 = 60_000_000_000;
        let Some(column) = super::observe::columns_with(&self.scenario.drugs)
            .iter()
            .position(|c| c == signal)
        else {
            return Ok(None);
        };
        let beyond = |t: SimTime| {
            let value = super::observe::row(&self.patient, t)?[column];
            Ok::<Side, SimError>(Side {
                holds: if rising { value > level } else { value < level },
                gap: value - level,
            })
        };
        let mut left = now;
        while left < limit {
            // Whole minutes of the clock, so that the window asked for moves no sample.
            let next = (left.as_nanos() / STEP_NANOS + 1).saturating_mul(STEP_NANOS);
            let right = SimTime::from_nanos(next).min(limit);
            let there = beyond(right)?;
            if there.holds {
                let at = first_instant((left, beyond(left)?), (right, there), beyond)?;
                return first_beyond(now, limit, at, beyond).map(Some);
            }
            left = right;
        }
        Ok(None)
    }
}

/// The same for a signal that is a sum of exponentials: no crossing is missed.
fn certified_crossing(
    kinetics: &Kinetics,
    column: &str,
    level: f64,
    rising: bool,
    now: SimTime,
    limit: SimTime,
) -> Result<Option<SimTime>, SimError> {
    let origin = kinetics.origin();
    let trajectory = kinetics.trajectory(column)?;
    let (from, to) = (now.hours_since(origin), limit.hours_since(origin));
    let direction = if rising { Direction::Rising } else { Direction::Falling };
    let Some(t) = trajectory.first_reach(level, direction, from, to)? else {
        return Ok(None);
    };
    let Some(at) = origin.due_after(t) else {
        return Ok(None);
    };
    // What is true already strikes at the next instant the clock can tell.
    let at = at.max(now.checked_add(SimSpan::from_nanos(1))?);
    if at > limit {
        return Ok(None);
    }
    let beyond = |t: SimTime| {
        let value = trajectory.value(t.hours_since(origin));
        Ok::<Side, SimError>(Side {
            holds: if rising { value >= level } else { value <= level },
            gap: value - level,
        })
    };
    first_beyond(now, limit, at, beyond).map(Some)
}

/// First nanosecond at which `beyond` holds, near an instant found by a search.
///
/// A root depends in its last bits on the window it was searched in, and an event that
/// does nothing splits a window. So the last step is a search between ticks of a
/// fixed grid of about a millisecond, which is the same however the window was cut.
/// Where those ticks do not bracket the change, the instant stays as it was found.
fn first_beyond(
    now: SimTime,
    limit: SimTime,
    found: SimTime,
    mut beyond: impl FnMut(SimTime) -> Result<Side, SimError>,
) -> Result<SimTime, SimError> {
    const TICK: i64 = 1 << 20;
    let tick = found.as_nanos() / TICK;
    let left = SimTime::from_nanos(tick.saturating_sub(1).saturating_mul(TICK)).max(now);
    let right = SimTime::from_nanos(tick.saturating_add(2).saturating_mul(TICK)).min(limit);
    let (before, after) = (beyond(left)?, beyond(right)?);
    if before.holds || !after.holds {
        return Ok(found);
    }
    first_instant((left, before), (right, after), beyond)
}

/// First nanosecond at which it holds, if it changes once between these two instants.
fn first_instant(
    (left, before): (SimTime, Side),
    (right, after): (SimTime, Side),
    mut beyond: impl FnMut(SimTime) -> Result<Side, SimError>,
) -> Result<SimTime, SimError> {
    let ends = ((left.as_nanos(), before.gap), (right.as_nanos(), after.gap));
    first_tick(ends.0, ends.1, |tick| beyond(SimTime::from_nanos(tick))).map(SimTime::from_nanos)
}
