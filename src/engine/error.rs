//! What can go wrong in a run, always with time, component and event number.

use std::error::Error;
use std::fmt;

use super::queue::EventId;
use super::time::{SimTime, TimeError};

/// A rule of the engine was broken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// An event was scheduled, or a run asked for, before the present.
    #[error("{what} was asked for at {time}, which is before the present {now}")]
    Past {
        /// The time asked for.
        time: SimTime,
        /// The time of the engine.
        now: SimTime,
        /// `component.kind` of the event, or `the horizon`.
        what: String,
    },
    /// The clock cannot hold a time.
    #[error("the clock overflowed: {0}")]
    Clock(#[from] TimeError),
    /// Time stands still: more events at one instant than the limit.
    #[error(
        "more than {limit} events at {time}, event {event}; the last were {}",
        last.join(", ")
    )]
    SameInstantLimit {
        /// The instant.
        time: SimTime,
        /// [`super::EngineOptions::same_instant_limit`].
        limit: u32,
        /// Number of the last event that fired.
        event: EventId,
        /// `component.kind` of the last eight, the one beyond the limit at the end.
        last: Vec<String>,
    },
    /// Time creeps: more events within one second of simulated time than the limit.
    #[error("more than {limit} events within one second before {time}, event {event}; the last was {last}")]
    Crowd {
        /// The time of the engine.
        time: SimTime,
        /// [`super::EngineOptions::crowd_limit`].
        limit: u32,
        /// Number of the last event that fired.
        event: EventId,
        /// `component.kind` of the event beyond the limit.
        last: String,
    },
    /// More events in one run than the limit.
    #[error("more than {limit} events by {time}; the last was {last}")]
    EventLimit {
        /// The time of the engine.
        time: SimTime,
        /// [`super::EngineOptions::event_limit`].
        limit: u64,
        /// `component.kind` of the event beyond the limit.
        last: String,
    },
    /// A model reported a crossing that is not inside the window it was asked about.
    #[error("{what} reported a crossing at {time}, outside the window after {after} until {until} (event {event})")]
    CrossingOutsideWindow {
        /// The time reported.
        time: SimTime,
        /// Start of the window, itself excluded.
        after: SimTime,
        /// End of the window, itself included.
        until: SimTime,
        /// Number of the last event that fired.
        event: EventId,
        /// `component.kind` of the crossing.
        what: String,
    },
    /// A cause was named that has not fired: the chain of causes could close into a circle.
    #[error("{what} at {time} names event {cause} as its cause, but only {fired} have fired")]
    CauseNotFired {
        /// The time of the engine.
        time: SimTime,
        /// The cause named.
        cause: EventId,
        /// Number of the last event that fired.
        fired: EventId,
        /// `component.kind` of the event.
        what: String,
    },
    /// An observer tried to change the run.
    #[error("the observer {what} tried to {attempt} at {time}, after event {event}; observers only look")]
    ObserverActed {
        /// The time of the engine.
        time: SimTime,
        /// Number of the last event that fired.
        event: EventId,
        /// `component.kind` of the observer.
        what: String,
        /// What it tried.
        attempt: Attempt,
    },
}

/// What an observer may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// Schedule an event that is no observer.
    Schedule,
    /// Cancel an event that is no observer.
    Cancel,
    /// Stop the run.
    Stop,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Attempt::Schedule => "schedule an event that acts",
            Attempt::Cancel => "cancel an event that acts",
            Attempt::Stop => "stop the run",
        })
    }
}

/// Why a run ended early: the engine's rules, or the model's own error `X`.
///
/// The message holds the model's message too, so printing it alone is enough;
/// [`Error::source`] goes on with what lies *behind* the model's error.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunError<X> {
    /// A rule of the engine was broken.
    Engine(EngineError),
    /// The model failed.
    Model {
        /// When.
        time: SimTime,
        /// Component of the event in hand, or `crossings` during the search for state events.
        component: String,
        /// Kind of the event in hand, or `search`.
        kind: String,
        /// Number of the event in hand; for an observer, and for the search, of the last that fired.
        event: EventId,
        /// The model's error.
        source: X,
    },
}

impl<X> From<EngineError> for RunError<X> {
    fn from(error: EngineError) -> Self {
        RunError::Engine(error)
    }
}

impl<X: fmt::Display> fmt::Display for RunError<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Engine(error) => error.fmt(f),
            RunError::Model {
                time,
                component,
                kind,
                event,
                source,
            } => write!(f, "at {time} in {component}.{kind} (event {event}): {source}"),
        }
    }
}

impl<X: Error + 'static> Error for RunError<X> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RunError::Engine(error) => error.source(),
            RunError::Model { source, .. } => source.source(),
        }
    }
}
