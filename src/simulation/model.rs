//! A patient on the engine: what each event does.

use std::sync::Arc;

use crate::engine::{Context, Crossing, EventHandle, EventId, Fired, Model, Phase, Rank, SimSpan, SimTime};
use crate::pump::PumpNotice;
use crate::response::symptoms::{SymptomBook, SymptomStep};
use crate::scenario::model::{Moment, Scenario, Trigger};

use super::error::SimError;
use super::event::{Delivery, Name, Part, SimEvent, Stage};
use super::fault_run::FaultRun;
use super::ledger::Accounts;
use super::moments::{Waiting, WaitingList};
use super::observe::Recorder;
use super::patient::Patient;
use super::ranks::Ranks;

/// Ratio of delivered to programmed below which delivery counts as stopped.
const STOPPED_BELOW: f64 = 0.02;
/// Ratio below which delivery counts as low: the labelled accuracy of the pump, 14.5 %.
const LOW_BELOW: f64 = 1.0 - 0.145;
/// Ratio above which delivery counts as high.
const HIGH_ABOVE: f64 = 1.0 + 0.145;

/// A component's one pending event.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Wake {
    pub handle: EventHandle,
    pub time: SimTime,
    pub cause: EventId,
}

/// A symptom's episode in the making.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Episode {
    pub symptom: usize,
    pub onset: SimTime,
    pub resolved: Option<SimTime>,
    pub severity: f64,
    pub cause: EventId,
}

/// One patient on the engine.
pub struct Simulation {
    pub(super) scenario: Arc<Scenario>,
    pub(super) ids: super::ranks::Ids,
    pub(super) ranks: Ranks,
    pub(super) patient: Patient,
    pub(super) faults: Vec<FaultRun>,
    pub(super) waiting: WaitingList,
    pub(super) accounts: Accounts,
    pub(super) recorder: Recorder,
    pub(super) sample: SimSpan,
    pub(super) observe: bool,
    pub(super) symptoms: SymptomBook,
    pub(super) dwell: Vec<Option<EventHandle>>,
    pub(super) episodes: Vec<Episode>,
    pub(super) delivery: Delivery,
    /// Event behind the present exposure of the body.
    pub(super) exposure_cause: EventId,
    /// Event behind the present state of the pump.
    pub(super) pump_cause: EventId,
    /// Event behind what moves in the catheter.
    pub(super) catheter_cause: EventId,
    pub(super) pump_wake: Option<Wake>,
    pub(super) catheter_wake: Option<Wake>,
    /// Programme events answered so far: a change of programme is a cause of its own.
    pub(super) programmed: f64,
    pub(super) death: Option<(SimTime, Name)>,
}

type Cx<'a> = Context<'a, SimEvent>;

impl Model for Simulation {
    type Event = SimEvent;
    type Error = SimError;

    fn next_crossings(
        &mut self,
        now: SimTime,
        limit: SimTime,
        out: &mut Vec<Crossing<SimEvent>>,
    ) -> Result<(), SimError> {
        let p = &mut self.patient;
        p.body.cover(&p.response, &p.kinetics, limit)?;
        let mut limit = limit;
        if let Some((time, faults)) = self.next_condition(now, limit)? {
            limit = time;
            if self.patient.body.next_due().is_none_or(|t| t >= time) {
                for index in faults {
                    out.push(Crossing {
                        time,
                        rank: self.ranks.fault(index),
                        cause: self.exposure_cause,
                        event: SimEvent::Condition {
                            index,
                            id: self.ids.fault(index),
                        },
                    });
                }
            }
        }
        for found in self.patient.body.next_crossings(limit) {
            out.push(Crossing {
                time: found.time,
                rank: self.ranks.symptom(found.watch),
                cause: self.exposure_cause,
                event: self.threshold(found.watch, found.rising),
            });
        }
        Ok(())
    }

    fn handle(&mut self, fired: &Fired<SimEvent>, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let now = fired.time;
        if let SimEvent::Sample = fired.event {
            return self.sample_now(now, cx);
        }
        let mut notices = Vec::new();
        match &fired.event {
            SimEvent::Programme { index, .. } => {
                let mode = self.scenario.programme[*index].mode.clone();
                cx.note(super::words::programme(&mode));
                self.patient.pump.command(now, &crate::pump::Command::Programme(mode), &mut notices)?;
                self.pump_cause = fired.id;
            }
            SimEvent::Action { index, part, .. } => self.act(*index, *part, fired.id, cx, &mut notices)?,
            SimEvent::Condition { index, .. } => {
                let event = self.fault_event(*index, Stage::Start, None);
                cx.schedule_at(now, Phase::Fault, self.ranks.fault(*index), event)?;
            }
            SimEvent::Fault {
                index, stage, severity, ..
            } => self.fault_stage(*index, *stage, *severity, fired.id, cx, &mut notices)?,
            SimEvent::Pump(event) => {
                self.pump_wake = None;
                self.patient.pump.on_event(now, event, &mut notices)?;
            }
            SimEvent::Notice(notice) => cx.note(notice.detail()),
            SimEvent::Catheter => {
                self.catheter_wake = None;
                let jets = self.patient.catheter.on_change(now)?;
                self.patient.ejected(now, &jets)?;
                cx.note(format!(
                    "{} at the tip",
                    super::words::concentration(self.patient.catheter.tip_concentration(now))
                ));
            }
            SimEvent::Delivery { .. } => cx.note(format!(
                "{} into the spinal fluid, {} programmed",
                super::words::dose_rate(self.patient.delivered_rate()),
                super::words::dose_rate(self.patient.pump.programmed_dose_rate())
            )),
            SimEvent::Threshold { index, rising, .. } => self.threshold_crossed(*index, *rising, now, cx)?,
            SimEvent::Symptom { index, onset, .. } => self.symptom_changed(*index, *onset, fired, cx)?,
            SimEvent::Death { cause } => {
                self.death = Some((now, cause.clone()));
                cx.note(cause.to_string());
                cx.stop("death");
                return Ok(());
            }
            SimEvent::Sample => {}
        }
        self.report(notices, now, cx)?;
        self.settle(fired.id, cx)?;
        self.release_waiting(fired, cx)
    }

    fn check(&mut self, now: SimTime) -> Result<(), SimError> {
        self.accounts.check(&self.patient, now)
    }
}

impl Simulation {
    /// Puts the first events in the queue: programmes, acts, faults, the first row.
    pub(super) fn prime(&mut self, engine: &mut crate::engine::Engine<SimEvent>, draws: &crate::numerics::Draws) -> Result<(), SimError> {
        let scenario = Arc::clone(&self.scenario);
        let start = EventId::START;
        for (index, step) in scenario.programme.iter().enumerate() {
            match &step.at {
                Moment::At(time) => {
                    let event = self.programme_event(index);
                    engine.schedule(*time, Phase::Clinician, self.ranks.programme(index), start, event)?;
                }
                Moment::After { event, offset } => self.waiting.add(event, *offset, Waiting::Programme(index)),
            }
        }
        for (index, step) in scenario.actions.iter().enumerate() {
            match &step.at {
                Moment::At(time) => {
                    let event = self.action_event(index, Part::Begin);
                    engine.schedule(*time, Phase::Clinician, self.ranks.action(index), start, event)?;
                }
                Moment::After { event, offset } => self.waiting.add(event, *offset, Waiting::Action(index)),
            }
        }
        for (index, fault) in scenario.faults.iter().enumerate() {
            let rank = self.ranks.fault(index);
            match &fault.trigger {
                Trigger::At(Moment::At(time)) => {
                    let event = self.fault_event(index, Stage::Start, None);
                    engine.schedule(*time, Phase::Fault, rank, start, event)?;
                }
                Trigger::At(Moment::After { event, offset }) => {
                    self.waiting.add(event, *offset, Waiting::FaultStart(index));
                }
                Trigger::When(_) => self.faults[index].armed = true,
                Trigger::Hazard { rate } => {
                    if *rate > 0.0 {
                        let wait = draws.exponential(&fault.id, "onset", 0, *rate)?;
                        if wait <= scenario.duration.hours() {
                            let event = self.fault_event(index, Stage::Start, None);
                            engine.schedule(SimTime::from_hours(wait)?, Phase::Fault, rank, start, event)?;
                        }
                    }
                }
            }
            match &fault.until {
                Some(Moment::At(time)) => {
                    let event = self.fault_event(index, Stage::End, None);
                    engine.schedule(*time, Phase::Fault, rank, start, event)?;
                }
                Some(Moment::After { event, offset }) => self.waiting.add(event, *offset, Waiting::FaultEnd(index)),
                None => {}
            }
        }
        if self.observe {
            engine.schedule(SimTime::ZERO, Phase::Observer, self.ranks.observer(), start, SimEvent::Sample)?;
        }
        Ok(())
    }

    pub(super) fn programme_event(&self, index: usize) -> SimEvent {
        SimEvent::Programme {
            index,
            id: self.ids.programme(index),
        }
    }

    pub(super) fn action_event(&self, index: usize, part: Part) -> SimEvent {
        SimEvent::Action {
            index,
            id: self.ids.action(index),
            part,
        }
    }

    pub(super) fn fault_event(&self, index: usize, stage: Stage, severity: Option<f64>) -> SimEvent {
        let fault = &self.scenario.faults[index];
        let severity = severity.unwrap_or_else(|| match stage {
            Stage::End | Stage::Off => 0.0,
            _ => super::profile::first(&fault.profile, self.patient.posture),
        });
        SimEvent::Fault {
            index,
            id: self.ids.fault(index),
            stage,
            severity,
        }
    }

    fn threshold(&self, watch: usize, rising: bool) -> SimEvent {
        SimEvent::Threshold {
            index: watch,
            name: self.ids.symptom(watch),
            rising,
        }
    }

    fn sample_now(&mut self, now: SimTime, cx: &mut Cx<'_>) -> Result<(), SimError> {
        self.recorder.sample(&self.patient, &self.accounts, now)?;
        let next = now.checked_add(self.sample)?;
        if next <= self.scenario.duration {
            cx.schedule_at(next, Phase::Observer, self.ranks.observer(), SimEvent::Sample)?;
        }
        Ok(())
    }

    /// Turns what the pump reported into events of this instant.
    pub(super) fn report(&mut self, notices: Vec<PumpNotice>, now: SimTime, cx: &mut Cx<'_>) -> Result<(), SimError> {
        for notice in notices {
            cx.schedule_at(now, Phase::Device, self.ranks.pump(), SimEvent::Notice(notice))?;
        }
        Ok(())
    }

    /// Carries a change through the chain and looks ahead again.
    fn settle(&mut self, by: EventId, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let now = cx.now();
        let changed = self.patient.settle(now)?;
        self.classify_delivery(by, cx)?;
        self.look_ahead(by, cx)?;
        if changed || self.patient.body.starts_at(now) {
            let p = &mut self.patient;
            p.body.cover(&p.response, &p.kinetics, now)?;
            for found in p.body.jumped(&p.response, &p.kinetics, now) {
                let event = self.threshold(found.watch, found.rising);
                cx.schedule_caused_by(self.exposure_cause, now, Phase::Crossing, self.ranks.symptom(found.watch), event)?;
            }
        }
        Ok(())
    }

    /// Compares what reaches the spinal fluid with what is programmed.
    fn classify_delivery(&mut self, by: EventId, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let programmed = self.patient.pump.programmed_dose_rate();
        let delivered = self.patient.delivered_rate();
        let class = if programmed <= 0.0 {
            if delivered > 0.0 { Delivery::High } else { Delivery::Normal }
        } else {
            match delivered / programmed {
                r if r < STOPPED_BELOW => Delivery::Stopped,
                r if r < LOW_BELOW => Delivery::Low,
                r if r > HIGH_ABOVE => Delivery::High,
                _ => Delivery::Normal,
            }
        };
        if class != self.delivery {
            let event = SimEvent::Delivery {
                class,
                before: self.delivery,
            };
            self.delivery = class;
            // The id the event will carry is not known yet, so its handler's id
            // is taken over when it fires: see `release_waiting`.
            cx.schedule_caused_by(by, cx.now(), Phase::Segment, self.ranks.catheter(), event)?;
        } else if programmed != self.programmed && self.pump_cause == by {
            // A programme changed the dose and delivery follows it.
            self.exposure_cause = by;
        }
        self.programmed = programmed;
        Ok(())
    }

    /// Keeps exactly one pending event for pump and catheter.
    fn look_ahead(&mut self, by: EventId, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let next = self.patient.pump.next_event();
        let cause = self.pump_cause;
        match (&self.pump_wake, &next) {
            (Some(wake), Some((time, _))) if wake.time == *time && wake.cause == cause => {}
            _ => {
                if let Some(wake) = self.pump_wake.take() {
                    cx.cancel(wake.handle);
                }
                if let Some((time, event)) = next {
                    let handle =
                        cx.schedule_caused_by(cause, time, Phase::Device, self.ranks.pump(), SimEvent::Pump(event))?;
                    self.pump_wake = Some(Wake { handle, time, cause });
                }
            }
        }
        let next = self.patient.catheter.next_change();
        let cause = self.catheter_cause;
        match (&self.catheter_wake, next) {
            (Some(wake), Some(time)) if wake.time == time && wake.cause == cause => {}
            _ => {
                if let Some(wake) = self.catheter_wake.take() {
                    cx.cancel(wake.handle);
                }
                if let Some(time) = next {
                    let handle =
                        cx.schedule_caused_by(cause, time, Phase::Segment, self.ranks.catheter(), SimEvent::Catheter)?;
                    self.catheter_wake = Some(Wake { handle, time, cause });
                }
            }
        }
        let _ = by;
        Ok(())
    }

    /// Schedules what waited for this event; notes causes that later events inherit.
    fn release_waiting(&mut self, fired: &Fired<SimEvent>, cx: &mut Cx<'_>) -> Result<(), SimError> {
        if let SimEvent::Delivery { .. } = fired.event {
            self.exposure_cause = fired.id;
        }
        if self.waiting.is_empty() {
            return Ok(());
        }
        use crate::engine::Event;
        let name = format!("{}.{}", fired.event.component(), fired.event.kind());
        for (offset, what) in self.waiting.take(&name) {
            let time = fired.time.checked_add(offset)?;
            if time > self.scenario.duration {
                continue;
            }
            let (phase, rank, event): (Phase, Rank, SimEvent) = match what {
                Waiting::Programme(i) => (Phase::Clinician, self.ranks.programme(i), self.programme_event(i)),
                Waiting::Action(i) => (Phase::Clinician, self.ranks.action(i), self.action_event(i, Part::Begin)),
                Waiting::FaultStart(i) => (Phase::Fault, self.ranks.fault(i), self.fault_event(i, Stage::Start, None)),
                Waiting::FaultEnd(i) => (Phase::Fault, self.ranks.fault(i), self.fault_event(i, Stage::End, None)),
            };
            cx.schedule_at(time, phase, rank, event)?;
        }
        Ok(())
    }

    fn threshold_crossed(&mut self, index: usize, rising: bool, now: SimTime, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let step = self.symptoms.crossed(index, rising);
        self.symptom_step(index, step, now, cx)
    }

    fn symptom_step(&mut self, index: usize, step: SymptomStep, now: SimTime, cx: &mut Cx<'_>) -> Result<(), SimError> {
        match step {
            SymptomStep::Nothing => {}
            SymptomStep::Cancel => {
                if let Some(handle) = self.dwell[index].take() {
                    cx.cancel(handle);
                }
            }
            SymptomStep::Wait { hours, onset } => {
                if let Some(handle) = self.dwell[index].take() {
                    cx.cancel(handle);
                }
                let event = SimEvent::Symptom {
                    index,
                    name: self.ids.symptom(index),
                    onset,
                };
                let time = now.checked_add(SimSpan::from_hours(hours)?)?;
                self.dwell[index] = Some(cx.schedule_at(time, Phase::Patient, self.ranks.symptom(index), event)?);
            }
        }
        Ok(())
    }

    fn symptom_changed(
        &mut self,
        index: usize,
        onset: bool,
        fired: &Fired<SimEvent>,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        let now = fired.time;
        self.dwell[index] = None;
        let signals = self.patient.signals(now);
        let value = self.symptoms.value(index, &signals);
        if onset {
            self.symptoms.appeared(index);
            cx.note(self.symptoms.words(index).to_owned());
            self.episodes.push(Episode {
                symptom: index,
                onset: now,
                resolved: None,
                severity: value,
                cause: fired.cause,
            });
            if let Some(cause) = self.symptoms.fatal(index) {
                let event = SimEvent::Death { cause: cause.into() };
                cx.schedule_at(now, Phase::Patient, self.ranks.patient(), event)?;
            }
        } else {
            self.symptoms.went(index);
            if let Some(e) = self.episodes.iter_mut().rev().find(|e| e.symptom == index) {
                e.resolved = Some(now);
            }
        }
        Ok(())
    }
}
