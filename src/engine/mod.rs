//! Clock, event queue, state events, causes, trace, fingerprint and snapshot. It knows no
//! medicine.
//!
//! A [`Model`] owns the continuous state; the [`Engine`] owns time. What the engine promises:
//!
//! - Time is an integer count of nanoseconds; overflow is an error ([`SimTime`]).
//! - Events run in the order (time, [`Phase`], [`Rank`], sequence), so neither chance nor
//!   the order of lines in a file decides. Observers come last in their instant.
//! - Too many events at one instant is an error with the names of the last ones.
//! - A scheduled event can be taken back, any number of times, harmlessly ([`EventHandle`]).
//! - State events are scheduled like any other, each once, all simultaneous ones together
//!   ([`Watch`], [`Model::next_crossings`]).
//! - Every event keeps its cause ([`Trace::chain`]).
//! - The [`Fingerprint`] of a run is the same with observers and trace on or off.
//! - An engine is a snapshot of itself: clone or serialise it, and go on.
//! - Errors, not panics: typed, with time, component and number of the event ([`RunError`]).
//!
//! ```
//! use std::borrow::Cow;
//! use itbsim::engine::*;
//!
//! #[derive(Debug, Clone)]
//! struct Drip;
//! impl Event for Drip {
//!     fn component(&self) -> Cow<'_, str> { "tap".into() }
//!     fn kind(&self) -> Cow<'_, str> { "drip".into() }
//!     fn hash_into(&self, _: &mut Fingerprint) {}
//! }
//!
//! /// A tap that drips once a minute.
//! struct Tap { drops: u32 }
//! impl Model for Tap {
//!     type Event = Drip;
//!     type Error = EngineError;
//!     fn next_crossings(&mut self, _: SimTime, _: SimTime, _: &mut Vec<Crossing<Drip>>) -> Result<(), EngineError> {
//!         Ok(()) // nothing is watched
//!     }
//!     fn handle(&mut self, fired: &Fired<Drip>, cx: &mut Context<'_, Drip>) -> Result<(), EngineError> {
//!         self.drops += 1;
//!         cx.schedule_in(SimSpan::MINUTE, Phase::Device, fired.rank, Drip)?;
//!         Ok(())
//!     }
//! }
//!
//! let mut engine = Engine::new(EngineOptions::default());
//! engine.schedule(SimTime::ZERO, Phase::Device, Rank(0), Drip)?;
//! let mut tap = Tap { drops: 0 };
//! engine.run(&mut tap, SimTime::from_hours(1.0)?)?;
//! assert_eq!(tap.drops, 61); // both ends count
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod context;
mod error;
mod fingerprint;
mod model;
mod queue;
mod ranks;
mod run;
mod state_event;
mod time;
mod trace;

pub use context::Context;
pub use error::{Attempt, EngineError, RunError};
pub use fingerprint::Fingerprint;
pub use model::{Crossing, Event, Fired, Model};
pub use queue::{EventHandle, EventId, Phase, Popped, Queue, Rank};
pub use ranks::RankTable;
pub use run::{Engine, EngineOptions, Stop};
pub use state_event::{Direction, Edge, Watch, WatchError, locate, try_locate};
pub use time::{SimSpan, SimTime, TimeError};
pub use trace::{Record, Trace};
