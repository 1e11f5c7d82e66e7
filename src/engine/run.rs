//! The engine: clock, loop and guards.

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::error::{EngineError, RunError};
use super::fingerprint::Fingerprint;
use super::model::{Crossing, Event, Fired, Model, name_of};
use super::queue::{EventHandle, EventId, Phase, Popped, Queue, Rank};
use super::time::SimTime;
use super::trace::{Record, Trace};

/// How many names [`EngineError::SameInstantLimit`] carries.
const LAST_NAMES: u32 = 8;

/// Settings of an engine; they hold for its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineOptions {
    /// Whether records are kept. Results and fingerprint are the same either way.
    pub trace: bool,
    /// Whether events that are [routine](Event::is_routine) are left out of the trace. The fingerprint has them.
    #[serde(default)]
    pub brief: bool,
    /// Most events that may share one instant; observers are counted apart.
    pub same_instant_limit: u32,
    /// Most events that act within one second of simulated time. A clock that moves on by
    /// nanoseconds never breaks the limit of one instant and never arrives either.
    pub crowd_limit: u32,
    /// Most events that act in a whole run.
    pub event_limit: u64,
    /// End of the scenario, if runs may pause before it. Searches for crossings then reach
    /// to the next event or to this end, never just to the horizon of one run, so that the
    /// windows, and with them the last bits of any search, do not depend on the pauses.
    pub end: Option<SimTime>,
}

impl Default for EngineOptions {
    /// With trace, 100 000 events at one instant, no other limit, no end.
    fn default() -> Self {
        EngineOptions {
            trace: true,
            brief: false,
            same_instant_limit: 100_000,
            crowd_limit: u32::MAX,
            event_limit: u64::MAX,
            end: None,
        }
    }
}

/// Why a run ended without error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stop {
    /// The horizon was reached, and all events at it have run.
    Horizon,
    /// The model asked for it; all events of that instant have run.
    Requested {
        /// When.
        time: SimTime,
        /// The reason it gave.
        reason: String,
    },
    /// The number of events granted to [`Engine::run_at_most`] has run.
    Paused,
}

/// Guard against a clock that stands still.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Standstill {
    time: SimTime,
    count: u32,
    /// Names of the last events, kept only near the limit.
    names: Vec<String>,
}

impl Standstill {
    /// Counts one event; `true` beyond the limit.
    #[inline]
    fn exceeds<E: Event>(&mut self, time: SimTime, limit: u32, event: &E) -> bool {
        if time != self.time {
            self.time = time;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        if self.count.saturating_add(LAST_NAMES) <= limit {
            return false;
        }
        self.remember(limit, event)
    }

    #[cold]
    fn remember<E: Event>(&mut self, limit: u32, event: &E) -> bool {
        if self.count == 1 || self.count.saturating_add(LAST_NAMES) == limit.saturating_add(1) {
            self.names.clear();
        }
        if self.names.len() >= LAST_NAMES as usize {
            self.names.remove(0);
        }
        self.names.push(name_of(event));
        self.count > limit
    }
}

/// Guard against a clock that creeps.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Crowd {
    since: SimTime,
    count: u32,
}

impl Crowd {
    /// Length of the windows that events are counted in \[ns\].
    const WINDOW: i64 = 1_000_000_000;

    /// Counts one event; `true` beyond the limit.
    #[inline]
    fn exceeds(&mut self, time: SimTime, limit: u32) -> bool {
        if time.as_nanos().saturating_sub(self.since.as_nanos()) >= Self::WINDOW {
            self.since = time;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count > limit
    }
}

/// A discrete-event engine with state events; it holds everything about a run but the model.
///
/// `Clone` and serde make a snapshot: together with a snapshot of the model, going on from
/// it gives the fingerprint of not having stopped.
///
/// The loop, until the horizon:
///
/// 1. If the next event that acts lies after the last one, ask the model for crossings in
///    between and schedule the earliest.
/// 2. Fire the first event in the order (time, phase, rank, sequence).
/// 3. Unless it was an observer: number it, hash it, record it, and let the model check
///    its invariants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Engine<E> {
    options: EngineOptions,
    pub(super) queue: Queue<E>,
    pub(super) trace: Trace,
    fingerprint: Fingerprint,
    now: SimTime,
    fired: EventId,
    /// Crossings are known up to here, this instant included.
    searched: SimTime,
    /// Time and handles of the crossings found and not yet reached.
    armed: Option<(SimTime, Vec<EventHandle>)>,
    stop: Option<(SimTime, String)>,
    acting: Standstill,
    observing: Standstill,
    crowd: Crowd,
}

impl<E: Event> Engine<E> {
    /// An engine at time zero with nothing scheduled.
    pub fn new(options: EngineOptions) -> Self {
        Engine {
            options,
            queue: Queue::new(),
            trace: Trace::default(),
            fingerprint: Fingerprint::new(),
            now: SimTime::ZERO,
            fired: EventId::START,
            searched: SimTime::ZERO,
            armed: None,
            stop: None,
            acting: Standstill::default(),
            observing: Standstill::default(),
            crowd: Crowd::default(),
        }
    }

    /// Schedules an event from outside a run; its cause is the start of the scenario.
    ///
    /// # Errors
    /// If the time is past.
    pub fn schedule(&mut self, time: SimTime, phase: Phase, rank: Rank, event: E) -> Result<EventHandle, EngineError> {
        self.admit(EventId::START, time, phase, rank, event)
    }

    /// Schedules an event from outside a run with a cause that has fired.
    ///
    /// # Errors
    /// If the time is past or the cause has not fired.
    pub fn schedule_caused_by(
        &mut self,
        cause: EventId,
        time: SimTime,
        phase: Phase,
        rank: Rank,
        event: E,
    ) -> Result<EventHandle, EngineError> {
        self.admit(cause, time, phase, rank, event)
    }

    /// Takes a scheduled event back. Returns whether it was still pending.
    pub fn cancel(&mut self, handle: EventHandle) -> bool {
        self.queue.cancel(handle)
    }

    /// Forgets crossings found but not yet reached. To be called after the model was
    /// changed from outside, as at the start of a branch; they are searched for again.
    pub fn forget_crossings(&mut self) {
        self.disarm();
        self.searched = self.now;
    }

    /// Runs all events up to the horizon, those *at* it included, and leaves the clock
    /// there. May be called again with a later horizon.
    ///
    /// After an error the state is that of the moment of failure and not meant to go on.
    ///
    /// # Errors
    /// The model's own errors, and breaches of the engine's rules.
    pub fn run<M: Model<Event = E>>(&mut self, model: &mut M, horizon: SimTime) -> Result<Stop, RunError<M::Error>> {
        self.run_at_most(model, horizon, u64::MAX)
    }

    /// As [`Engine::run`], but pauses once `events` have run (observers not counted), also
    /// in the middle of an instant. For progress reports and snapshots at any event.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run_at_most<M: Model<Event = E>>(
        &mut self,
        model: &mut M,
        horizon: SimTime,
        events: u64,
    ) -> Result<Stop, RunError<M::Error>> {
        if horizon < self.now {
            return Err(EngineError::Past {
                time: horizon,
                now: self.now,
                what: "the horizon".to_owned(),
            }
            .into());
        }
        let last = EventId(self.fired.0.saturating_add(events));
        let mut found = Vec::new();
        loop {
            if self.fired >= last {
                return Ok(Stop::Paused);
            }
            let limit = match &self.stop {
                Some((time, _)) => *time,
                None => {
                    self.arm(model, horizon, &mut found)?;
                    horizon
                }
            };
            match self.queue.pop_until(limit) {
                Some(popped) => self.fire(model, popped)?,
                None => break,
            }
        }
        Ok(match self.stop.take() {
            Some((time, reason)) => Stop::Requested { time, reason },
            None => {
                self.now = horizon;
                Stop::Horizon
            }
        })
    }

    /// Asks for crossings between what is already searched and the next event that acts.
    #[inline]
    fn arm<M: Model<Event = E>>(
        &mut self,
        model: &mut M,
        horizon: SimTime,
        found: &mut Vec<Crossing<E>>,
    ) -> Result<(), RunError<M::Error>> {
        let end = self.options.end.map_or(horizon, |end| end.max(horizon));
        let until = self.queue.peek_acting_time().map_or(end, |t| t.min(end));
        if until <= self.searched {
            return Ok(());
        }
        found.clear();
        model
            .next_crossings(self.searched, until, found)
            .map_err(|source| RunError::Model {
                time: self.now,
                component: "crossings".to_owned(),
                kind: "search".to_owned(),
                event: self.fired,
                source,
            })?;
        let after = std::mem::replace(&mut self.searched, until);
        if !found.is_empty() {
            self.take_crossings(after, until, found)?;
        }
        Ok(())
    }

    /// Schedules the earliest of the crossings found.
    fn take_crossings(
        &mut self,
        after: SimTime,
        until: SimTime,
        found: &mut Vec<Crossing<E>>,
    ) -> Result<(), EngineError> {
        let mut first = until;
        for crossing in found.iter() {
            if crossing.time <= after || crossing.time > until {
                return Err(EngineError::CrossingOutsideWindow {
                    time: crossing.time,
                    after,
                    until,
                    event: self.fired,
                    what: name_of(&crossing.event),
                });
            }
            first = first.min(crossing.time);
        }
        let mut handles = Vec::new();
        for crossing in found.drain(..).filter(|c| c.time == first) {
            handles.push(self.admit(
                crossing.cause,
                crossing.time,
                Phase::Crossing,
                crossing.rank,
                crossing.event,
            )?);
        }
        self.searched = first;
        self.armed = Some((first, handles));
        Ok(())
    }

    /// Takes back crossings that are scheduled.
    fn disarm(&mut self) {
        if let Some((_, handles)) = self.armed.take() {
            for handle in handles {
                self.queue.cancel(handle);
            }
        }
    }

    fn fire<M: Model<Event = E>>(&mut self, model: &mut M, popped: Popped<E>) -> Result<(), RunError<M::Error>> {
        let Popped {
            time,
            phase,
            rank,
            cause,
            event,
        } = popped;
        let observer = phase == Phase::Observer;
        self.now = time;
        self.guard(observer, &event)?;
        if !observer {
            self.fired.0 += 1;
            self.searched = time;
            match &self.armed {
                // an event that was not foreseen comes first and may bend the signals
                Some((reached, _)) if time < *reached => self.disarm(),
                _ => self.armed = None,
            }
            self.write_down(phase, cause, &event);
        }
        let fired = Fired {
            id: self.fired,
            time,
            phase,
            rank,
            cause,
            event,
        };
        let mut cx = Context {
            engine: self,
            observer,
            breach: None,
        };
        let mut outcome = model.handle(&fired, &mut cx);
        if let Some(attempt) = cx.breach {
            return Err(EngineError::ObserverActed {
                time,
                event: fired.id,
                what: name_of(&fired.event),
                attempt,
            }
            .into());
        }
        if outcome.is_ok() && !observer {
            outcome = model.check(time);
        }
        outcome.map_err(|source| RunError::Model {
            time,
            component: fired.event.component().into_owned(),
            kind: fired.event.kind().into_owned(),
            event: fired.id,
            source,
        })
    }

    /// Counts events of one instant, observers apart from the rest.
    #[inline]
    fn guard(&mut self, observer: bool, event: &E) -> Result<(), EngineError> {
        let instant = if observer {
            &mut self.observing
        } else {
            &mut self.acting
        };
        let limit = self.options.same_instant_limit;
        if instant.exceeds(self.now, limit, event) {
            return Err(EngineError::SameInstantLimit {
                time: self.now,
                limit,
                event: self.fired,
                last: instant.names.clone(),
            });
        }
        if observer {
            return Ok(());
        }
        if self.crowd.exceeds(self.now, self.options.crowd_limit) {
            return Err(EngineError::Crowd {
                time: self.now,
                limit: self.options.crowd_limit,
                event: self.fired,
                last: name_of(event),
            });
        }
        if self.fired.0 >= self.options.event_limit {
            return Err(EngineError::EventLimit {
                time: self.now,
                limit: self.options.event_limit,
                last: name_of(event),
            });
        }
        Ok(())
    }

    /// Hashes and records an event that acts.
    #[inline]
    fn write_down(&mut self, phase: Phase, cause: EventId, event: &E) {
        let (component, kind) = (event.component(), event.kind());
        self.fingerprint.write_i64(self.now.as_nanos());
        self.fingerprint.write_str(&component);
        self.fingerprint.write_str(&kind);
        event.hash_into(&mut self.fingerprint);
        if self.options.trace && !(self.options.brief && event.is_routine()) {
            self.trace.push(Record {
                id: self.fired,
                time: self.now,
                phase,
                component: component.into_owned(),
                kind: kind.into_owned(),
                detail: String::new(),
                cause,
            });
        }
    }

    /// The one gate into the queue: not into the past, not caused by the future.
    #[inline]
    pub(super) fn admit(
        &mut self,
        cause: EventId,
        time: SimTime,
        phase: Phase,
        rank: Rank,
        event: E,
    ) -> Result<EventHandle, EngineError> {
        if time < self.now {
            return Err(EngineError::Past {
                time,
                now: self.now,
                what: name_of(&event),
            });
        }
        if cause > self.fired {
            return Err(EngineError::CauseNotFired {
                time: self.now,
                cause,
                fired: self.fired,
                what: name_of(&event),
            });
        }
        Ok(self.queue.schedule(time, phase, rank, cause, event))
    }

    pub(super) fn request_stop(&mut self, reason: String) {
        let now = self.now;
        self.stop.get_or_insert((now, reason));
    }
}

impl<E> Engine<E> {
    /// The settings it was made with.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// The present: the time of the last event, or the horizon once it is reached.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Number of events that have fired, observers not counted.
    pub fn events_run(&self) -> u64 {
        self.fired.0
    }

    /// Number of the last event that fired, observers not counted.
    pub fn last_event(&self) -> EventId {
        self.fired
    }

    /// Number of events that are scheduled.
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// The records so far; empty without [`EngineOptions::trace`].
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The records, when the run is over.
    pub fn into_trace(self) -> Trace {
        self.trace
    }

    /// The hash of all that fired so far, observers not counted.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}
