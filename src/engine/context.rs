//! What a model may do while it handles an event.

use super::error::{Attempt, EngineError};
use super::model::{Event, name_of};
use super::queue::{EventHandle, EventId, Phase, Rank};
use super::run::Engine;
use super::time::{SimSpan, SimTime};

/// The engine as seen by the handler of one event.
///
/// An observer may read, and may schedule or cancel observers; anything else it tries
/// ends the run with [`EngineError::ObserverActed`], because a run must be the same with
/// and without it.
#[derive(Debug)]
pub struct Context<'a, E> {
    pub(super) engine: &'a mut Engine<E>,
    pub(super) observer: bool,
    /// First breach by a call that has no error to return.
    pub(super) breach: Option<Attempt>,
}

impl<E: Event> Context<'_, E> {
    /// The present: the time of the event in hand.
    pub fn now(&self) -> SimTime {
        self.engine.now()
    }

    /// Number of the event in hand; for an observer, of the last event that acted.
    pub fn id(&self) -> EventId {
        self.engine.last_event()
    }

    /// Schedules an event whose cause is the event in hand. The present instant is
    /// allowed, whatever the phase: the event then runs next among those still pending.
    ///
    /// # Errors
    /// If the time is past, or an observer schedules an event that acts.
    pub fn schedule_at(
        &mut self,
        time: SimTime,
        phase: Phase,
        rank: Rank,
        event: E,
    ) -> Result<EventHandle, EngineError> {
        let cause = self.id();
        self.schedule_caused_by(cause, time, phase, rank, event)
    }

    /// Schedules an event a span from now, caused by the event in hand.
    ///
    /// # Errors
    /// As [`Context::schedule_at`], and if the clock overflows.
    pub fn schedule_in(
        &mut self,
        span: SimSpan,
        phase: Phase,
        rank: Rank,
        event: E,
    ) -> Result<EventHandle, EngineError> {
        let time = self.now().checked_add(span)?;
        self.schedule_at(time, phase, rank, event)
    }

    /// Schedules an event with a cause other than the event in hand: the fault behind a
    /// threshold, say, when the event in hand is only the sample that found it.
    ///
    /// # Errors
    /// As [`Context::schedule_at`], and if the cause has not fired.
    pub fn schedule_caused_by(
        &mut self,
        cause: EventId,
        time: SimTime,
        phase: Phase,
        rank: Rank,
        event: E,
    ) -> Result<EventHandle, EngineError> {
        if self.observer && phase != Phase::Observer {
            return Err(EngineError::ObserverActed {
                time: self.now(),
                event: self.id(),
                what: name_of(&event),
                attempt: Attempt::Schedule,
            });
        }
        self.engine.admit(cause, time, phase, rank, event)
    }

    /// Takes a scheduled event back. Returns whether it was still pending.
    pub fn cancel(&mut self, handle: EventHandle) -> bool {
        let phase = self.engine.queue.phase_of(handle);
        if self.observer && phase.is_some_and(|p| p != Phase::Observer) {
            self.breach.get_or_insert(Attempt::Cancel);
            return false;
        }
        self.engine.queue.cancel(handle)
    }

    /// Whether a scheduled event is still pending.
    pub fn is_pending(&self, handle: EventHandle) -> bool {
        self.engine.queue.is_pending(handle)
    }

    /// Whether [`Context::note`] is kept; saves the formatting when it is not.
    pub fn tracing(&self) -> bool {
        !self.observer && self.engine.trace.ends_with(self.id())
    }

    /// Attaches a detail to the trace record of the event in hand; several are joined by
    /// `"; "`. Without trace, or from an observer, it is dropped. Not part of the fingerprint.
    pub fn note(&mut self, text: impl AsRef<str>) {
        if self.tracing() {
            self.engine.trace.note(text.as_ref());
        }
    }

    /// Ends the run when this instant is over: whatever else is due now still runs,
    /// observers included. The first reason given counts.
    pub fn stop(&mut self, reason: impl Into<String>) {
        if self.observer {
            self.breach.get_or_insert(Attempt::Stop);
        } else {
            self.engine.request_stop(reason.into());
        }
    }
}
