//! The loop: crossings in, events out, in a fixed order.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::error::{EngineError, RunError};
use super::fingerprint::Fingerprint;
use super::queue::{EventHandle, EventId, Phase, Queue, Rank};
use super::time::{SimSpan, SimTime};
use super::trace::{Record, Trace};

/// Names of recent events that an error about too many of them carries.
const REMEMBERED: usize = 8;

/// The payload of an event.
///
/// The names go into the trace and the fingerprint; they must depend on the
/// payload alone.
pub trait Event: Clone + std::fmt::Debug {
    /// What it happens to, such as `fault.leak`.
    fn component(&self) -> Cow<'_, str>;
    /// What happens, such as `start`.
    fn kind(&self) -> Cow<'_, str>;
    /// Mixes the rest of the payload into the fingerprint.
    fn hash_into(&self, fingerprint: &mut Fingerprint);
}

/// An event being handled.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired<E> {
    /// Its number; observers carry that of the last other event.
    pub id: EventId,
    /// When.
    pub time: SimTime,
    /// Phase of the instant.
    pub phase: Phase,
    /// Rank of its component.
    pub rank: Rank,
    /// Event behind it.
    pub cause: EventId,
    /// What.
    pub event: E,
}

/// A state event that the model located.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing<E> {
    /// First instant beyond the level.
    pub time: SimTime,
    /// Rank of its component.
    pub rank: Rank,
    /// Event behind it.
    pub cause: EventId,
    /// What.
    pub event: E,
}

/// What is simulated: continuous state between events, and what events do to it.
///
/// The engine calls [`next_crossings`](Model::next_crossings) before every
/// event that lies in the future, [`handle`](Model::handle) once per event in
/// order, and [`check`](Model::check) after each event that is no observer. It
/// never calls the model for a clock tick. A model must not let what an
/// observer does reach its state.
pub trait Model {
    /// Payload.
    type Event: Event;
    /// Failure of the model; the engine adds time, component and event number.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The next crossings after `now` and not after `limit`, all of one instant.
    ///
    /// What is reported here will fire; the model must not report it again. An
    /// instant at or before `now` is an error of the model.
    ///
    /// # Errors
    /// If the continuous state cannot be advanced.
    fn next_crossings(
        &mut self,
        now: SimTime,
        limit: SimTime,
        out: &mut Vec<Crossing<Self::Event>>,
    ) -> Result<(), Self::Error>;

    /// Does what the event does.
    ///
    /// # Errors
    /// If the model cannot go on; the run stops there.
    fn handle(&mut self, fired: &Fired<Self::Event>, context: &mut Context<'_, Self::Event>) -> Result<(), Self::Error>;

    /// Checks invariants, such as a ledger.
    ///
    /// # Errors
    /// If one does not hold.
    fn check(&mut self, now: SimTime) -> Result<(), Self::Error> {
        let _ = now;
        Ok(())
    }
}

/// How a call of [`Engine::run`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All events up to and at the horizon have run.
    Horizon,
    /// A handler asked for it.
    Asked(&'static str),
}

/// Settings of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineOptions {
    /// Whether events are recorded.
    pub trace: bool,
    /// Events accepted at one instant before the run is declared stuck.
    pub same_instant_limit: u32,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            trace: true,
            same_instant_limit: 100_000,
        }
    }
}

/// Clock, queue and record of one run. Strictly serial.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"))]
pub struct Engine<E> {
    options: EngineOptions,
    queue: Queue<E>,
    now: SimTime,
    fired: u64,
    at_instant: u32,
    recent: VecDeque<String>,
    fingerprint: Fingerprint,
    trace: Trace,
}

/// What a handler may ask of the engine.
pub struct Context<'a, E> {
    queue: &'a mut Queue<E>,
    trace: Option<&'a mut Trace>,
    now: SimTime,
    id: EventId,
    stop: &'a mut Option<&'static str>,
}

impl<E> Context<'_, E> {
    /// The instant of the event in hand.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// The number of the event in hand.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Schedules an event caused by the one in hand.
    ///
    /// At the present instant it runs before later phases that still wait, even
    /// if its own phase has passed.
    ///
    /// # Errors
    /// [`EngineError::Past`] for an instant before now.
    pub fn schedule_at(&mut self, time: SimTime, phase: Phase, rank: Rank, event: E) -> Result<EventHandle, EngineError> {
        self.schedule_caused_by(self.id, time, phase, rank, event)
    }

    /// The same with another event of the past as its cause.
    ///
    /// # Errors
    /// [`EngineError::Past`] for an instant before now; [`EngineError::FutureCause`] for a cause that has not fired.
    pub fn schedule_caused_by(
        &mut self,
        cause: EventId,
        time: SimTime,
        phase: Phase,
        rank: Rank,
        event: E,
    ) -> Result<EventHandle, EngineError> {
        if time < self.now {
            return Err(EngineError::Past { asked: time, now: self.now });
        }
        if cause > self.id {
            return Err(EngineError::FutureCause { cause, now: self.id });
        }
        Ok(self.queue.schedule(time, phase, rank, cause, event))
    }

    /// The same after a span.
    ///
    /// # Errors
    /// As [`schedule_at`](Self::schedule_at); [`EngineError::Time`] beyond the clock.
    pub fn schedule_in(&mut self, span: SimSpan, phase: Phase, rank: Rank, event: E) -> Result<EventHandle, EngineError> {
        let time = self.now.checked_add(span)?;
        self.schedule_at(time, phase, rank, event)
    }

    /// Takes an event back; says whether it was still pending.
    pub fn cancel(&mut self, handle: EventHandle) -> bool {
        self.queue.cancel(handle)
    }

    /// Adds particulars to the record of the event in hand.
    pub fn note(&mut self, text: String) {
        if let Some(trace) = &mut self.trace {
            trace.note(self.id, text);
        }
    }

    /// Ends the run after this event.
    pub fn stop(&mut self, reason: &'static str) {
        *self.stop = Some(reason);
    }
}

impl<E: Event> Engine<E> {
    /// An engine at time zero with nothing to do.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            options,
            queue: Queue::default(),
            now: SimTime::ZERO,
            fired: 0,
            at_instant: 0,
            recent: VecDeque::new(),
            fingerprint: Fingerprint::default(),
            trace: Trace::default(),
        }
    }

    /// Schedules an event from outside.
    ///
    /// # Errors
    /// [`EngineError::Past`] for an instant before now.
    pub fn schedule(
        &mut self,
        time: SimTime,
        phase: Phase,
        rank: Rank,
        cause: EventId,
        event: E,
    ) -> Result<EventHandle, EngineError> {
        if time < self.now {
            return Err(EngineError::Past { asked: time, now: self.now });
        }
        Ok(self.queue.schedule(time, phase, rank, cause, event))
    }

    /// Takes an event back; says whether it was still pending.
    pub fn cancel(&mut self, handle: EventHandle) -> bool {
        self.queue.cancel(handle)
    }

    /// The present instant.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Events fired, observers excluded.
    pub fn events_run(&self) -> u64 {
        self.fired
    }

    /// Events pending.
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Hash over (time, component, kind, payload) of every event but observers.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    /// Runs all events up to and at `horizon`; can be called again with a later one.
    ///
    /// # Errors
    /// [`RunError`] with simulation time, component and event number.
    pub fn run<M: Model<Event = E>>(&mut self, model: &mut M, horizon: SimTime) -> Result<Stop, RunError<M::Error>> {
        let mut crossings = Vec::new();
        let mut asked = None;
        loop {
            let limit = match self.queue.peek_time() {
                Some(next) if next <= horizon => next,
                _ => horizon,
            };
            if limit > self.now {
                model
                    .next_crossings(self.now, limit, &mut crossings)
                    .map_err(|source| self.model_error(self.now, "crossings".to_owned(), source))?;
                for c in crossings.drain(..) {
                    if c.time <= self.now || c.time > limit {
                        return Err(RunError::Engine(EngineError::CrossingOutside {
                            asked: c.time,
                            now: self.now,
                            limit,
                        }));
                    }
                    self.queue.schedule(c.time, Phase::Crossing, c.rank, c.cause, c.event);
                }
            }
            let Some(due) = self.queue.pop_by(horizon) else {
                self.now = horizon.max(self.now);
                return Ok(Stop::Horizon);
            };
            if due.time > self.now {
                self.now = due.time;
                self.at_instant = 0;
            }
            self.at_instant += 1;
            if self.at_instant + REMEMBERED as u32 > self.options.same_instant_limit {
                self.remember(&due.event)?;
            }
            let observer = due.phase == Phase::Observer;
            if !observer {
                self.fired += 1;
                self.record(due.time, due.phase, due.cause, &due.event);
            }
            let fired = Fired {
                id: EventId::new(self.fired),
                time: due.time,
                phase: due.phase,
                rank: due.rank,
                cause: due.cause,
                event: due.event,
            };
            let mut context = Context {
                queue: &mut self.queue,
                trace: (self.options.trace && !observer).then_some(&mut self.trace),
                now: self.now,
                id: fired.id,
                stop: &mut asked,
            };
            let outcome = model.handle(&fired, &mut context);
            let outcome = match outcome {
                Ok(()) if !observer => model.check(self.now),
                other => other,
            };
            outcome.map_err(|source| self.model_error(fired.time, name(&fired.event), source))?;
            if let Some(reason) = asked {
                return Ok(Stop::Asked(reason));
            }
        }
    }

    fn record(&mut self, time: SimTime, phase: Phase, cause: EventId, event: &E) {
        let (component, kind) = (event.component(), event.kind());
        self.fingerprint.write_i64(time.as_nanos());
        self.fingerprint.write_str(&component);
        self.fingerprint.write_str(&kind);
        event.hash_into(&mut self.fingerprint);
        if self.options.trace {
            self.trace.push(Record {
                id: EventId::new(self.fired),
                time,
                phase,
                component: component.into_owned(),
                kind: kind.into_owned(),
                detail: String::new(),
                cause,
            });
        }
    }

    /// Keeps the names of the last events of a crowded instant and ends it when it is stuck.
    fn remember<Source>(&mut self, event: &E) -> Result<(), RunError<Source>>
    where
        Source: std::error::Error + 'static,
    {
        if self.at_instant > self.options.same_instant_limit {
            return Err(RunError::Engine(EngineError::Stuck {
                time: self.now,
                limit: self.options.same_instant_limit,
                last: self.recent.iter().cloned().collect::<Vec<_>>().join(", "),
            }));
        }
        if self.at_instant == 1 || self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(name(event));
        Ok(())
    }

    fn model_error<S: std::error::Error>(&self, time: SimTime, component: String, source: S) -> RunError<S> {
        RunError::Model {
            time_h: time.hours(),
            component,
            event: self.fired,
            source,
        }
    }
}

fn name<E: Event>(event: &E) -> String {
    format!("{}.{}", event.component(), event.kind())
}
