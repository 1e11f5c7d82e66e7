//! Faults as they run: triggers, profiles, repair.

use crate::engine::{Context, EventHandle, EventId, Phase, SimSpan, SimTime};
use crate::pump::PumpNotice;
use crate::scenario::model::{Profile, Trigger};

use super::error::SimError;
use super::event::{SimEvent, Stage};
use super::model::Simulation;
use super::profile;
use super::registry::{FaultMechanism, Plant};

/// One fault of the scenario.
pub(super) struct FaultRun {
    /// How it acts.
    pub mechanism: Box<dyn FaultMechanism>,
    /// Changes of its profile so far.
    pub step: u32,
    /// Present severity [0-1].
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
    pub fn new(mechanism: Box<dyn FaultMechanism>) -> Self {
        Self {
            mechanism,
            step: 0,
            severity: 0.0,
            pending: None,
            started: None,
            ended: false,
            armed: false,
        }
    }

    fn active(&self) -> bool {
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
        let run = &mut self.faults[index];
        match stage {
            Stage::Start if run.started.is_some() || run.ended => {
                cx.note("it has struck before and is left as it is".to_owned());
                return Ok(());
            }
            Stage::Start => {
                run.started = Some(by);
                run.armed = false;
            }
            Stage::End => {
                if run.ended || run.started.is_none() {
                    run.ended = true;
                    cx.note("it was not there".to_owned());
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
            self.faults[index].pending = Some(handle);
        }
        self.apply_fault(index, severity, now, notices)?;
        self.pump_cause = by;
        self.catheter_cause = by;
        let kind = &self.scenario.faults[index].kind;
        cx.note(match stage {
            Stage::End => format!("{kind} is gone"),
            _ => format!("{kind}, severity {:.0} %", severity * 100.0),
        });
        Ok(())
    }

    /// Brings the plant to a severity of one fault.
    pub(super) fn apply_fault(
        &mut self,
        index: usize,
        severity: f64,
        now: SimTime,
        notices: &mut Vec<PumpNotice>,
    ) -> Result<(), SimError> {
        let id = self.scenario.faults[index].id.clone();
        let run = &mut self.faults[index];
        run.severity = severity;
        let mut plant = Plant {
            now,
            pump: self.patient.pump.as_mut(),
            catheter: &mut self.patient.catheter,
            notices,
        };
        run.mechanism.apply(&id, severity, &mut plant)
    }

    /// A change of posture moves the faults that depend on it.
    pub(super) fn posture_faults(&mut self, cx: &mut Context<'_, SimEvent>) -> Result<(), SimError> {
        for index in 0..self.faults.len() {
            if let Profile::InPosture(needed) = self.scenario.faults[index].profile
                && self.faults[index].active()
            {
                let present = needed == self.patient.posture;
                let severity = f64::from(u8::from(present));
                if severity != self.faults[index].severity {
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
    /// isolation; any other is sampled every minute and located to 1 us.
    pub(super) fn next_condition(&self, now: SimTime, limit: SimTime) -> Result<Option<(SimTime, Vec<usize>)>, SimError> {
        let mut earliest: Option<(SimTime, Vec<usize>)> = None;
        for (index, run) in self.faults.iter().enumerate() {
            if !run.armed {
                continue;
            }
            let Trigger::When(condition) = &self.scenario.faults[index].trigger else {
                continue;
            };
            let found = match self.patient.kinetics.first_crossing(
                &condition.signal,
                condition.level,
                condition.rising,
                now,
                limit,
            )? {
                Some(found) => found,
                None => self.sampled_crossing(&condition.signal, condition.level, condition.rising, now, limit)?,
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
        let Some(column) = super::observe::columns().iter().position(|c| c == signal) else {
            return Ok(None);
        };
        let beyond = |t: SimTime| {
            let value = super::observe::row(&self.patient, t)[column];
            if rising { value > level } else { value < level }
        };
        let mut left = now;
        while left < limit {
            let right = left.checked_add(SimSpan::from_nanos(STEP_NANOS))?.min(limit);
            if beyond(right) {
                let (mut a, mut b) = (left.as_nanos(), right.as_nanos());
                while b - a > 1_000 {
                    let middle = a + (b - a) / 2;
                    if beyond(SimTime::from_nanos(middle)) {
                        b = middle;
                    } else {
                        a = middle;
                    }
                }
                return Ok(Some(SimTime::from_nanos(b)));
            }
            left = right;
        }
        Ok(None)
    }
}
