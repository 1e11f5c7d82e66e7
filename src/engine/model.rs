//! What a simulation gives to the engine: its events and its model.

use std::borrow::Cow;

use super::context::Context;
use super::fingerprint::Fingerprint;
use super::queue::{EventId, Phase, Rank};
use super::time::SimTime;

/// The payload of a simulation's events.
///
/// What an event carries belongs into the fingerprint, or two runs that differ only there would
/// count as the same:
///
/// ```
/// use std::borrow::Cow;
/// use itbsim::engine::{Event, Fingerprint};
///
/// #[derive(Debug, Clone)]
/// struct Bolus { amount: f64 } // ug
/// impl Event for Bolus {
///     fn component(&self) -> Cow<'_, str> { "pump".into() }
///     fn kind(&self) -> Cow<'_, str> { "bolus".into() }
///     fn hash_into(&self, fingerprint: &mut Fingerprint) { fingerprint.write_f64(self.amount); }
/// }
///
/// let of = |amount| {
///     let mut fingerprint = Fingerprint::new();
///     Bolus { amount }.hash_into(&mut fingerprint);
///     fingerprint.finish()
/// };
/// assert_ne!(of(25.0), of(50.0));
/// ```
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
///
/// A reservoir that empties at 0.5 mL/h from 18 mL, and tells when it passes 2 mL:
///
/// ```
/// use std::borrow::Cow;
/// use itbsim::engine::*;
///
/// #[derive(Debug, Clone)]
/// struct Low;
/// impl Event for Low {
///     fn component(&self) -> Cow<'_, str> { "reservoir".into() }
///     fn kind(&self) -> Cow<'_, str> { "low".into() }
///     fn hash_into(&self, _: &mut Fingerprint) {}
/// }
///
/// struct Reservoir { watch: Watch, told: Option<SimTime> }
/// impl Reservoir {
///     /// State is a function of time, not stepped from event to event.
///     fn volume(at: SimTime) -> f64 { 18.0 - 0.5 * at.hours() }
/// }
/// impl Model for Reservoir {
///     type Event = Low;
///     type Error = EngineError;
///     fn next_crossings(&mut self, now: SimTime, limit: SimTime, out: &mut Vec<Crossing<Low>>) -> Result<(), EngineError> {
///         if let Some(time) = locate(Self::volume, &self.watch, now, limit) {
///             out.push(Crossing { time, rank: Rank(0), cause: EventId::START, event: Low });
///         }
///         Ok(())
///     }
///     fn handle(&mut self, fired: &Fired<Low>, _: &mut Context<'_, Low>) -> Result<(), EngineError> {
///         self.watch.cross(); // used up where it is handled
///         self.told = Some(fired.time);
///         Ok(())
///     }
/// }
///
/// let mut watch = Watch::new(2.0, Direction::Falling, 0.0)?;
/// watch.observe(Reservoir::volume(SimTime::ZERO));
/// let mut reservoir = Reservoir { watch, told: None };
/// Engine::new(EngineOptions::default()).run(&mut reservoir, SimTime::from_hours(36.0)?)?;
/// assert_eq!(reservoir.told, Some(SimTime::from_hours(32.0)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
