//! A patient on the engine: what each event does.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::care::{Facts, News, Role};
use crate::engine::{Context, Crossing, EventHandle, EventId, Fired, Model, Phase, Rank, SimSpan, SimTime};
use crate::numerics::Draws;
use crate::pump::{LogEntry, PumpEvent, PumpNotice, PumpRegistry};
use crate::response::{Crossed, Phase as SymptomPhase, Step, SymptomState, Syndrome};
use crate::scenario::model::{Moment, Scenario, Trigger};
use crate::signals::Others;

use super::drive::Drives;
use super::error::SimError;
use super::event::{Delivery, Name, Part, SimEvent, Stage};
use super::fault_run::FaultRun;
use super::hearing::Alarms;
use super::ledger::Accounts;
use super::moments::{Waiting, WaitingList};
use super::observe::Recorder;
use super::patient::Patient;
use super::ranks::Ranks;
use super::result::VisitRow;

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
    /// Whether the programme changes the rate then.
    #[serde(default)]
    pub turns: bool,
}

/// A symptom's episode in the making.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Episode {
    pub symptom: usize,
    pub onset: SimTime,
    pub resolved: Option<SimTime>,
    pub severity: f64,
    pub cause: EventId,
}

/// One patient on the engine.
#[derive(Clone)]
pub struct Simulation {
    pub(super) scenario: Arc<Scenario>,
    pub(super) ids: super::ranks::Ids,
    pub(super) ranks: Ranks,
    pub(super) patient: Patient,
    /// Families, for the next pump.
    pub(super) pumps: Arc<PumpRegistry>,
    /// Log lines of pumps that were taken out.
    pub(super) past_log: Vec<LogEntry>,
    pub(super) faults: Vec<FaultRun>,
    /// Policies, by id.
    pub(super) care: Vec<super::care_run::CareRun>,
    pub(super) care_state: super::care_run::CareState,
    /// Acts of policies that this run leaves out, as `action.policy.name`.
    pub(super) left_out: Vec<String>,
    /// Complications that may come by chance.
    pub(super) risk: Arc<Option<crate::complications::Risk>>,
    /// Surgeries and remedies so far.
    pub(super) counts: super::ailment_run::Counts,
    /// What the records say.
    pub(super) facts: Arc<Facts>,
    pub(super) waiting: WaitingList,
    /// Luck of this run.
    pub(super) draws: Draws,
    /// Alarms and who heard them.
    pub(super) alarms: Alarms,
    /// What was found at visits.
    pub(super) visits: Vec<VisitRow>,
    pub(super) accounts: Accounts,
    pub(super) recorder: Recorder,
    pub(super) sample: SimSpan,
    pub(super) observe: bool,
    pub(super) symptoms: Vec<SymptomState>,
    pub(super) dwell: Vec<Option<EventHandle>>,
    pub(super) episodes: Vec<Episode>,
    pub(super) delivery: Delivery,
    /// Event behind the present exposure of the body.
    pub(super) exposure_cause: EventId,
    /// The last fall of delivery, and the exposure before it, which is what an overdose is owed to.
    pub(super) fall: Option<(EventId, EventId)>,
    /// Rate into the spinal fluid at its last marked change \[ug/h\].
    pub(super) exposed: f64,
    /// The same for other drugs \[ug/h\].
    pub(super) exposed_others: Others,
    /// Event behind the present state of the pump.
    pub(super) pump_cause: EventId,
    /// Event behind what moves in the catheter.
    pub(super) catheter_cause: EventId,
    /// Events by the name a pump gives as the source of its own.
    pub(super) sources: BTreeMap<String, EventId>,
    pub(super) pump_wake: Option<Wake>,
    pub(super) catheter_wake: Option<Wake>,
    /// Programme events answered so far: a change of programme is a cause of its own.
    pub(super) programmed: f64,
    pub(super) death: Option<(SimTime, Name)>,
    /// Whether the event at hand only says what an event of the same instant did.
    pub(super) only_told: bool,
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
        // Levels that matter to no symptom in its present phase pass unseen, and the
        // search for conditions and levels goes on behind them.
        let mut after = now;
        loop {
            let turn = self.pump_wake.filter(|wake| wake.turns).map(|wake| wake.time);
            let p = &mut self.patient;
            let drives = Drives {
                baclofen: &p.kinetics,
                others: &p.drugs,
            };
            p.body.cover(&p.response, &p.watches, drives, limit, turn)?;
            let due = p.body.next_due().filter(|t| *t <= limit);
            // Signals are known up to the next level that is due, and no further.
            let known = due.unwrap_or(limit);
            let condition = self.next_condition(after, known)?;
            if let Some((time, faults)) = &condition {
                for index in faults {
                    out.push(Crossing {
                        time: *time,
                        rank: self.ranks.fault(*index),
                        cause: self.exposure_cause,
                        event: SimEvent::Condition {
                            index: *index,
                            id: self.ids.fault(*index),
                        },
                    });
                }
            }
            // A level beyond the condition is not handed over: what follows may move it.
            if due.is_some() && condition.is_none_or(|(time, _)| time == known) {
                for found in self.patient.body.next_crossings(known) {
                    if self.matters(found.symptom, found.crossed()) {
                        out.push(Crossing {
                            time: found.time,
                            rank: self.ranks.symptom(found.symptom),
                            cause: self.cause_of(found.symptom, found.time),
                            event: self.threshold(found.symptom, found.crossed()),
                        });
                    }
                }
            }
            if due.is_none() || !out.is_empty() {
                return Ok(());
            }
            after = known;
        }
    }

    fn handle(&mut self, fired: &Fired<SimEvent>, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let now = fired.time;
        if let SimEvent::Sample = fired.event {
            return self.sample_now(now, cx);
        }
        self.only_told = only_tells(&fired.event);
        self.observe_symptoms(now);
        // Figures draw a jump as a jump: both limits are kept.
        let moves = self.observe
            && matches!(
                fired.event,
                SimEvent::Programme { .. }
                    | SimEvent::Action { .. }
                    | SimEvent::Fault { .. }
                    | SimEvent::Pump(_)
                    | SimEvent::Catheter
            );
        if moves {
            self.recorder.limit(&self.patient, now)?;
        }
        let mut notices = Vec::new();
        match &fired.event {
            SimEvent::Programme { .. } if !self.patient.implanted => cx.note("no pump is implanted"),
            SimEvent::Programme { index, .. } => {
                let mode = self.scenario.programme[*index].mode.clone();
                cx.note(super::words::programme(&mode));
                let id = self.scenario.programme[*index].id.clone();
                self.silence_alarms(cx);
                self.sources.insert(id.clone(), fired.id);
                if let crate::scenario::model::Programme::PrimingBolus { .. } = mode {
                    // It moves what lies in the line; other programmes only set its pace.
                    self.catheter_cause = fired.id;
                }
                let ordered = self.scenario.programme[*index].prescribed;
                self.care_state.notes.programme(&mode, ordered);
                self.patient
                    .pump
                    .command(now, &crate::pump::Command::Programme { id, mode }, &mut notices)?;
                self.pump_cause = fired.id;
            }
            SimEvent::Action { index, part, .. } => {
                let visits = self.visits.len();
                match self.act(*index, *part, fired.id, cx, &mut notices) {
                    Err(error) if self.is_ordered(*index) && error.is_refusal() => self.refused(*index, &error, cx)?,
                    Err(error) => return Err(error),
                    // Whoever ordered an act that this run leaves out believes that it was done.
                    Ok(()) if *part == Part::Begin || (*part == Part::Dropped && self.is_ordered(*index)) => {
                        self.act_done(*index, visits, cx)?;
                    }
                    Ok(()) => {}
                }
            }
            SimEvent::Care { index, step, .. } => self.care_step(*index, step, fired.id, cx, &mut notices)?,
            SimEvent::Condition { index, .. } => {
                let event = self.fault_event(*index, Stage::Start, None);
                cx.schedule_at(now, Phase::Fault, self.ranks.fault(*index), event)?;
            }
            SimEvent::Hazard { index, .. } => {
                match &self.scenario.faults[*index].trigger {
                    Trigger::Drawn(onset) => cx.note(&onset.detail),
                    Trigger::Arises(Some(onset)) if onset.at == now => cx.note(&onset.detail),
                    _ => {}
                }
                if self.can_arise(*index) {
                    let event = self.fault_event(*index, Stage::Start, None);
                    cx.schedule_at(now, Phase::Fault, self.ranks.fault(*index), event)?;
                } else {
                    cx.note("nothing is implanted");
                }
            }
            SimEvent::Ailment { index, step, .. } => self.ailment_step(*index, *step, fired.id, cx)?,
            SimEvent::Fault {
                index, stage, severity, ..
            } => self.fault_stage(*index, *stage, *severity, fired.id, cx, &mut notices)?,
            SimEvent::Pump(event) => {
                self.pump_wake = None;
                self.patient.pump.on_event(now, event, &mut notices)?;
                if *event == PumpEvent::EndOfService {
                    // From here on nothing is programmed, so nothing falls short of it.
                    self.pump_cause = fired.id;
                }
                // The event itself says so already.
                notices.retain(|n| *n != PumpNotice::Emptied);
            }
            SimEvent::Notice(notice) => {
                let words = || super::words::notice_detail(notice);
                if let Some(detail) = cx.tracing().then(words).filter(|d| !d.is_empty()) {
                    cx.note(detail);
                }
                match notice {
                    PumpNotice::AlarmRaised(alarm) => self.alarm_raised(*alarm, cx)?,
                    PumpNotice::AlarmCleared(name) => self.alarm_cleared(*name, cx),
                    _ => {}
                }
            }
            SimEvent::AlarmHeard { name, tone } => {
                self.alarm_heard(*name, *tone, cx);
                let alarm = name.as_str().to_owned();
                self.tell(&News::Heard { alarm }, Some(Role::Person), cx)?;
            }
            SimEvent::Catheter => {
                self.catheter_wake = None;
                let jumps = self.patient.catheter.on_change(now);
                self.patient.ejected(now, &jumps)?;
                if cx.tracing() {
                    cx.note(format!(
                        "{} at the tip",
                        super::words::concentration(self.patient.catheter.tip_concentration())
                    ));
                }
            }
            SimEvent::Delivery { .. } if !cx.tracing() => {}
            SimEvent::Delivery { .. } => cx.note(format!(
                "{} into the spinal fluid, {} programmed",
                super::words::dose_rate(self.patient.counted_rate(self.scenario.pump.primary, now)),
                super::words::dose_rate(self.patient.pump.programmed_dose_rate())
            )),
            SimEvent::Threshold { index, crossed, .. } => {
                let value = self.driving(*index, now)?;
                let step = self.symptoms[*index].crossed(&self.patient.watches[*index], *crossed, value);
                cx.note(super::words::number(value));
                self.symptom_step(*index, step, now, cx)?;
            }
            SimEvent::Symptom {
                index, onset, dwelt, ..
            } => {
                if *dwelt {
                    self.dwell[*index] = None;
                    let value = self.driving(*index, now)?;
                    if let Step::Resolved { severity } =
                        self.symptoms[*index].dwell_over(&self.patient.watches[*index], value)
                    {
                        self.resolve(*index, now, severity);
                    }
                }
                self.symptom_changed(*index, *onset, fired, cx)?;
                self.felt(self.patient.watches[*index].symptom.name, *onset, cx)?;
            }
            SimEvent::Death { cause } => {
                self.death = Some((now, cause.clone()));
                cx.note(cause);
                cx.stop("death");
                return Ok(());
            }
            SimEvent::Sample => {}
        }
        self.report(notices, now, cx)?;
        if !self.only_told {
            self.settle(fired.id, cx)?;
            self.note_front(fired);
        }
        if moves {
            self.recorder.limit(&self.patient, now)?;
        }
        self.release_waiting(fired, cx)
    }

    fn check(&mut self, now: SimTime) -> Result<(), SimError> {
        if self.only_told {
            return Ok(());
        }
        self.accounts.check(&self.patient, now, &mut self.recorder.scratch)?;
        self.patient.check_drugs(now)
    }
}

impl Simulation {
    /// Puts the first events in the queue: programmes, acts, faults, the first row.
    pub(super) fn prime(&mut self, engine: &mut crate::engine::Engine<SimEvent>) -> Result<(), SimError> {
        let scenario = Arc::clone(&self.scenario);
        if !self.patient.pump.is_programmable() {
            // Nobody starts it; it flows.
            let event = SimEvent::Pump(PumpEvent::Started);
            engine.schedule(SimTime::ZERO, Phase::Device, self.ranks.pump(), event)?;
        }
        for (index, step) in scenario.programme.iter().enumerate() {
            match &step.at {
                Moment::At(time) => {
                    let event = self.programme_event(index);
                    engine.schedule(*time, Phase::Clinician, self.ranks.programme(index), event)?;
                }
                Moment::After { event, offset } => self.waiting.add(event, *offset, Waiting::Programme(index)),
            }
        }
        for (index, step) in scenario.actions.iter().enumerate() {
            if let Some(event) = &step.unless {
                self.waiting.add_unless(event, index);
            }
            match &step.at {
                Moment::At(time) => {
                    let event = self.action_event(index, Part::Begin);
                    let handle = engine.schedule(*time, Phase::Clinician, self.ranks.action(index), event)?;
                    self.waiting.scheduled(index, handle);
                }
                Moment::After { event, offset } => self.waiting.add(event, *offset, Waiting::Action(index)),
            }
        }
        for (index, fault) in scenario.faults.iter().enumerate() {
            let rank = self.ranks.fault(index);
            match &fault.trigger {
                Trigger::At(Moment::At(time)) => {
                    let event = self.fault_event(index, Stage::Start, None);
                    engine.schedule(*time, Phase::Fault, rank, event)?;
                }
                Trigger::At(Moment::After { event, offset }) => {
                    self.waiting.add(event, *offset, Waiting::FaultStart(index));
                }
                Trigger::Drawn(onset) | Trigger::Arises(Some(onset)) => {
                    let event = SimEvent::Hazard {
                        index,
                        id: self.ids.fault(index),
                    };
                    engine.schedule(onset.at, Phase::Fault, rank, event)?;
                }
                Trigger::Arises(None) => {}
                Trigger::When(_) => self.faults[index].state.armed = true,
                Trigger::Hazard { rate } => {
                    if *rate > 0.0 {
                        let wait = self.draws.exponential(&fault.id, "onset", 0, *rate)?;
                        if wait <= scenario.duration.hours() {
                            let event = self.fault_event(index, Stage::Start, None);
                            engine.schedule(SimTime::from_hours(wait)?, Phase::Fault, rank, event)?;
                        }
                    }
                }
            }
            match &fault.until {
                Some(Moment::At(time)) => {
                    let event = self.fault_event(index, Stage::End, None);
                    engine.schedule(*time, Phase::Fault, rank, event)?;
                }
                Some(Moment::After { event, offset }) => self.waiting.add(event, *offset, Waiting::FaultEnd(index)),
                None => {}
            }
        }
        self.prime_care(engine)?;
        if self.observe {
            engine.schedule(SimTime::ZERO, Phase::Observer, self.ranks.observer(), SimEvent::Sample)?;
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
        let id = if self.is_ordered(index) {
            self.act_step(index).id.as_str().into()
        } else {
            self.ids.action(index)
        };
        SimEvent::Action { index, id, part }
    }

    /// Rank of an act; those ordered share the rank of acts of care.
    pub(super) fn act_rank(&self, index: usize) -> Rank {
        if self.is_ordered(index) {
            self.ranks.orders()
        } else {
            self.ranks.action(index)
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

    /// The exposure behind the present one, if that is a fall of delivery.
    fn before_fall(&self) -> EventId {
        match self.fall {
            Some((fall, before)) if fall == self.exposure_cause => before,
            _ => self.exposure_cause,
        }
    }

    /// What a symptom is owed to: the present exposure, or, for a sign of overdose that comes
    /// when delivery has fallen already, the one before.
    fn cause_of(&self, symptom: usize, at: SimTime) -> EventId {
        if let Some(ailment) = self.ailing_cause(symptom, at) {
            return ailment;
        }
        if self.patient.watches[symptom].symptom.syndrome == Syndrome::Overdose {
            self.before_fall()
        } else {
            self.exposure_cause
        }
    }

    fn threshold(&self, index: usize, crossed: Crossed) -> SimEvent {
        SimEvent::Threshold {
            index,
            name: self.ids.symptom(index),
            crossed,
        }
    }

    /// Whether a symptom waits for this crossing.
    fn matters(&self, index: usize, crossed: Crossed) -> bool {
        self.patient.watches[index]
            .awaited(self.symptoms[index].phase)
            .is_some_and(|(_, wanted)| wanted == crossed)
    }

    /// The signal behind a symptom.
    fn driving(&self, index: usize, now: SimTime) -> Result<f64, SimError> {
        let symptom = self.patient.watches[index].symptom;
        Ok(symptom.select(&self.patient.signals(now)?))
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
        self.patient.settle(now)?;
        self.classify_delivery(by, cx)?;
        self.look_ahead(cx)?;
        let p = &mut self.patient;
        let drives = Drives {
            baclofen: &p.kinetics,
            others: &p.drugs,
        };
        for found in p.body.jumped(&p.response, &p.watches, drives, now)? {
            if self.matters(found.symptom, found.crossed()) {
                let event = self.threshold(found.symptom, found.crossed());
                let rank = self.ranks.symptom(found.symptom);
                cx.schedule_caused_by(self.cause_of(found.symptom, now), now, Phase::Crossing, rank, event)?;
            }
        }
        Ok(())
    }

    /// Compares what reaches the spinal fluid with what is programmed.
    fn classify_delivery(&mut self, by: EventId, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let programmed = self.patient.pump.programmed_dose_rate();
        // Doses are counted in one drug; delivery is judged by it.
        let delivered = self.patient.counted_rate(self.scenario.pump.primary, cx.now());
        let class = if programmed <= 0.0 {
            if delivered > 0.0 {
                Delivery::High
            } else {
                Delivery::Normal
            }
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

    /// A front that changes what arrives by more than the pump's accuracy is what the body
    /// answers to, even if the rate stays on the same side of what is programmed.
    fn note_front(&mut self, fired: &Fired<SimEvent>) {
        let (arrives, others) = self.patient.mean_rates(fired.time);
        let moves = |arrives: f64, before: f64| {
            if before > 0.0 {
                !(LOW_BELOW..=HIGH_ABOVE).contains(&(arrives / before))
            } else {
                arrives > 0.0
            }
        };
        let moved = moves(arrives, self.exposed)
            || others
                .values()
                .into_iter()
                .zip(self.exposed_others.values())
                .any(|(now, before)| moves(now, before));
        if moved {
            if let SimEvent::Catheter = fired.event {
                self.exposure_cause = fired.id;
            }
            self.exposed = arrives;
            self.exposed_others = others;
        }
    }

    /// Keeps exactly one pending event for pump and catheter.
    fn look_ahead(&mut self, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let next = self.patient.implanted.then(|| self.patient.pump.next_event()).flatten();
        let pump = next.map(|next| {
            let named = next.source.as_ref().and_then(|id| self.sources.get(id));
            let cause = named.copied().unwrap_or(self.pump_cause);
            (next.at, cause, SimEvent::Pump(next.event))
        });
        let line = self
            .patient
            .catheter
            .next_change()
            .map(|time| (time, self.catheter_cause, SimEvent::Catheter));
        renew(&mut self.pump_wake, pump, Phase::Device, self.ranks.pump(), cx)?;
        renew(&mut self.catheter_wake, line, Phase::Segment, self.ranks.catheter(), cx)
    }

    /// Schedules what waited for this event; notes causes that later events inherit.
    fn release_waiting(&mut self, fired: &Fired<SimEvent>, cx: &mut Cx<'_>) -> Result<(), SimError> {
        if let SimEvent::Delivery { class, .. } = fired.event {
            if class < Delivery::Normal {
                self.fall = Some((fired.id, self.before_fall()));
            }
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
                Waiting::Action(i) => (
                    Phase::Clinician,
                    self.ranks.action(i),
                    self.action_event(i, Part::Begin),
                ),
                Waiting::FaultStart(i) => (
                    Phase::Fault,
                    self.ranks.fault(i),
                    self.fault_event(i, Stage::Start, None),
                ),
                Waiting::FaultEnd(i) => (Phase::Fault, self.ranks.fault(i), self.fault_event(i, Stage::End, None)),
            };
            let handle = cx.schedule_at(time, phase, rank, event)?;
            if let Waiting::Action(i) = what {
                self.waiting.scheduled(i, handle);
            }
        }
        for (action, handle) in self.waiting.take_needless(&name) {
            // What has been done or has begun cannot be dropped.
            if handle.is_none_or(|h| cx.cancel(h)) {
                let event = self.action_event(action, Part::Dropped);
                cx.schedule_at(fired.time, Phase::Clinician, self.ranks.action(action), event)?;
            }
        }
        Ok(())
    }

    fn symptom_step(&mut self, index: usize, step: Step, now: SimTime, cx: &mut Cx<'_>) -> Result<(), SimError> {
        let rank = self.ranks.symptom(index);
        let name = self.ids.symptom(index);
        match step {
            Step::Nothing => {}
            Step::CancelDwell => {
                if let Some(handle) = self.dwell[index].take() {
                    cx.cancel(handle);
                }
            }
            Step::StartDwell(hours) => {
                let time = now.checked_add(SimSpan::from_hours(hours)?)?;
                let onset = self.symptoms[index].phase == SymptomPhase::Pending;
                let event = SimEvent::Symptom {
                    index,
                    name,
                    onset,
                    dwelt: true,
                };
                let handle = cx.schedule_at(time, Phase::Patient, rank, event)?;
                if let Some(old) = self.dwell[index].replace(handle) {
                    cx.cancel(old);
                }
            }
            Step::Onset => {
                let event = SimEvent::Symptom {
                    index,
                    name,
                    onset: true,
                    dwelt: false,
                };
                cx.schedule_at(now, Phase::Patient, rank, event)?;
            }
            Step::Resolved { severity } => {
                self.resolve(index, now, severity);
                let event = SimEvent::Symptom {
                    index,
                    name,
                    onset: false,
                    dwelt: false,
                };
                cx.schedule_at(now, Phase::Patient, rank, event)?;
            }
        }
        Ok(())
    }

    /// Closes the running episode of a symptom.
    fn resolve(&mut self, index: usize, now: SimTime, severity: f64) {
        if let Some(e) = self.episodes.iter_mut().rev().find(|e| e.symptom == index) {
            e.resolved = Some(now);
            e.severity = severity;
        }
    }

    fn symptom_changed(
        &mut self,
        index: usize,
        onset: bool,
        fired: &Fired<SimEvent>,
        cx: &mut Cx<'_>,
    ) -> Result<(), SimError> {
        let symptom = self.patient.watches[index].symptom;
        cx.note(symptom.words);
        if onset {
            self.episodes.push(Episode {
                symptom: index,
                onset: fired.time,
                resolved: None,
                severity: self.symptoms[index].severity,
                cause: fired.cause,
            });
            if symptom.name.starts_with("death") {
                let event = SimEvent::Death {
                    cause: symptom.words.into(),
                };
                cx.schedule_at(fired.time, Phase::Patient, self.ranks.patient(), event)?;
            }
        }
        Ok(())
    }

    /// Takes the peaks of the signals behind symptoms along, up to now.
    fn observe_symptoms(&mut self, now: SimTime) {
        let (symptoms, patient) = (&mut self.symptoms, &mut self.patient);
        let watches = &patient.watches;
        patient.body.passed(now, |seen| {
            // Only what is there has a peak.
            let there = |state: &SymptomState| matches!(state.phase, SymptomPhase::Present | SymptomPhase::Fading);
            for (state, watch) in symptoms.iter_mut().zip(watches).filter(|(state, _)| there(state)) {
                seen.values(watch.symptom.source)
                    .for_each(|value| state.observe(watch, value));
            }
        });
    }
}

/// Whether an event says what happened and nothing follows from it: neither pump nor body has to be
/// settled again, and the accounts are those of the event that told it.
fn only_tells(event: &SimEvent) -> bool {
    match event {
        SimEvent::Delivery { .. } => true,
        SimEvent::Notice(notice) => !matches!(notice, PumpNotice::AlarmRaised(_) | PumpNotice::AlarmCleared(_)),
        _ => false,
    }
}

/// Replaces a component's pending event where it moved or has a new cause.
fn renew(
    wake: &mut Option<Wake>,
    next: Option<(SimTime, EventId, SimEvent)>,
    phase: Phase,
    rank: Rank,
    cx: &mut Cx<'_>,
) -> Result<(), SimError> {
    let turns = |event: &SimEvent| matches!(event, SimEvent::Pump(PumpEvent::RateStep));
    if let (Some(wake), Some((time, cause, event))) = (wake.as_mut(), &next)
        && wake.time == *time
        && wake.cause == *cause
    {
        wake.turns = turns(event);
        return Ok(());
    }
    if let Some(old) = wake.take() {
        cx.cancel(old.handle);
    }
    if let Some((time, cause, event)) = next {
        let turns = turns(&event);
        let handle = cx.schedule_caused_by(cause, time, phase, rank, event)?;
        *wake = Some(Wake {
            handle,
            time,
            cause,
            turns,
        });
    }
    Ok(())
}
