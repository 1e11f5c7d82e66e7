//! What a simulation gives to the engine: its events and its model.

use std::borrow::Cow;

use super::context::Context;
use super::fingerprint::Fingerprint;
use super::queue::{EventId, Phase, Rank};
use super::time::SimTime;

/// The payload of a simulation's events.
pub trait Event: Clone + std::fmt::Debug {
    /// Whom it concerns: `pump`, `fault.leak`, `symptom.itch`.
    fn component(&self) -> Cow<'_, str>;
    /// What happens: `start`, `onset`.
    fn kind(&self) -> Cow<'_, str>;
    /// Adds the payload to the fingerprint; time, component and kind are already in.
    fn hash_into(&self, fingerprint: &mut Fingerprint);
    /// Whether a brief trace leaves it out ([`EngineOptions::brief`](super::EngineOptions::brief)).
    fn is_routine(&self) -> bool {
        false
    }
}

/// `component.kind`, the name of an event in errors and expectations.
pub(super) fn name_of<E: Event>(event: &E) -> String {
    format!("{}.{}", event.component(), event.kind())
}

/// A simulation: continuous state between events, and what events do to it.
///
/// Called by [`Engine::run`](super::Engine::run), serially. A model keeps no clock of its
/// own and reads no other source of time or luck; the same model and queue give the same
/// run to the last bit.
///
/// Handling an event of [`Phase::Observer`] must leave the model's results unchanged: the
/// engine neither numbers nor hashes such an event, and does not ask for crossings again
/// after it.
pub trait Model {
    /// The payload of its events.
    type Event: Event;
    /// Its own errors; they come back as [`RunError::Model`](super::RunError::Model).
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reports the next state events: instants strictly after `now` and not after `limit`
    /// at which a watched value reaches its level.
    ///
    /// Called once the events of an instant are done and the next one lies later; `now` is
    /// where the last search or the last event that acted ended, `limit` the next event
    /// that will act (or the end). Observers do not split the window, so output cannot
    /// move a crossing. All crossings at the *earliest* instant must be pushed; later ones
    /// may be, and are dropped: they are searched for again once the first have been
    /// handled. Those kept become events of [`Phase::Crossing`] and are handled like any
    /// other, each once.
    ///
    /// A model must consume a crossing when it handles it (see
    /// [`Watch::cross`](super::Watch::cross)), not when it reports it: a reported one may
    /// be superseded by an event scheduled from outside between two runs.
    ///
    /// # Errors
    /// Whatever the model cannot compute.
    fn next_crossings(
        &mut self,
        now: SimTime,
        limit: SimTime,
        out: &mut Vec<Crossing<Self::Event>>,
    ) -> Result<(), Self::Error>;

    /// Handles one event at its time; new events are scheduled through `cx`.
    ///
    /// # Errors
    /// Whatever the model cannot do; the run ends.
    fn handle(&mut self, fired: &Fired<Self::Event>, cx: &mut Context<'_, Self::Event>) -> Result<(), Self::Error>;

    /// Checks what must always hold; called after each event that is no observer.
    ///
    /// # Errors
    /// An invariant that is broken; the run ends.
    fn check(&mut self, now: SimTime) -> Result<(), Self::Error> {
        let _ = now;
        Ok(())
    }
}

/// A state event as the model reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing<E> {
    /// First representable instant on the far side of the level.
    pub time: SimTime,
    /// Order among crossings of one instant.
    pub rank: Rank,
    /// What set it off, usually the last event that bent the signal.
    pub cause: EventId,
    /// What to handle.
    pub event: E,
}

/// An event in hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired<E> {
    /// Its number; for an observer, that of the last event before it that acted.
    pub id: EventId,
    /// Its time, the present.
    pub time: SimTime,
    /// Its phase.
    pub phase: Phase,
    /// Its rank.
    pub rank: Rank,
    /// The event that brought it about.
    pub cause: EventId,
    /// The payload.
    pub event: E,
}
