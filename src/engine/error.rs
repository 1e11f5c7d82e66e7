//! What can go wrong in a run; none of it is a panic.

use super::queue::EventId;
use super::time::{SimTime, TimeError};

/// A request the engine refuses, or a run that cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// An event in the past.
    #[error("an event was asked for at {} h, but it is {} h already", asked.hours(), now.hours())]
    Past {
        /// Instant asked for.
        asked: SimTime,
        /// The present.
        now: SimTime,
    },
    /// A cause that has not happened.
    #[error("event {} was named as a cause, but only {} have happened", cause.get(), now.get())]
    FutureCause {
        /// Cause asked for.
        cause: EventId,
        /// Newest event.
        now: EventId,
    },
    /// A crossing outside the interval that was searched.
    #[error("a crossing was reported at {} h, outside {} h to {} h", asked.hours(), now.hours(), limit.hours())]
    CrossingOutside {
        /// Instant reported.
        asked: SimTime,
        /// Start of the search.
        now: SimTime,
        /// End of the search.
        limit: SimTime,
    },
    /// Time does not move: more events at one instant than accepted.
    #[error("more than {limit} events at {} h; the last were {last}", time.hours())]
    Stuck {
        /// The instant.
        time: SimTime,
        /// Events accepted there.
        limit: u32,
        /// Names of the last ones.
        last: String,
    },
    /// A time beyond the clock.
    #[error(transparent)]
    Time(#[from] TimeError),
}

/// A run that ended in an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError<S: std::error::Error + 'static> {
    /// The engine stopped it.
    #[error("the run stopped: {0}")]
    Engine(#[from] EngineError),
    /// The model failed.
    #[error("the model failed at {time_h} h, in {component}, event {event}: {source}")]
    Model {
        /// When [h].
        time_h: f64,
        /// `component.kind` of the event in hand.
        component: String,
        /// Its number.
        event: u64,
        /// What failed.
        source: S,
    },
}

impl<S: std::error::Error + 'static> RunError<S> {
    /// A failure before the first event.
    pub fn assembly(source: S) -> Self {
        RunError::Model {
            time_h: 0.0,
            component: "assembly".to_owned(),
            event: 0,
            source,
        }
    }
}
