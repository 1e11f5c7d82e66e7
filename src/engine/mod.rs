//! The discrete-event engine: clock, queue, state events, causes, fingerprint.
//! It knows no medicine.
//!
//! A [`Model`] holds continuous state and handles events; an [`Engine`] keeps
//! time, order and record. The promises are numbered in the crate's front page
//! and tested under those numbers in `tests/engine_promises.rs`.
//!
//! ```
//! use std::borrow::Cow;
//! use itbsim::engine::*;
//!
//! /// A dripping tap.
//! #[derive(Debug, Clone)]
//! struct Drop;
//! impl Event for Drop {
//!     fn component(&self) -> Cow<'_, str> { "tap".into() }
//!     fn kind(&self) -> Cow<'_, str> { "drop".into() }
//!     fn hash_into(&self, _: &mut Fingerprint) {}
//! }
//!
//! #[derive(Default)]
//! struct Tap { drops: u32 }
//! impl Model for Tap {
//!     type Event = Drop;
//!     type Error = EngineError;
//!     fn next_crossings(&mut self, _: SimTime, _: SimTime, _: &mut Vec<Crossing<Drop>>) -> Result<(), EngineError> {
//!         Ok(())
//!     }
//!     fn handle(&mut self, fired: &Fired<Drop>, cx: &mut Context<'_, Drop>) -> Result<(), EngineError> {
//!         self.drops += 1;
//!         cx.schedule_in(SimSpan::from_hours(1.0)?, fired.phase, fired.rank, Drop)?;
//!         Ok(())
//!     }
//! }
//!
//! let mut engine = Engine::new(EngineOptions::default());
//! engine.schedule(SimTime::ZERO, Phase::Device, Rank(0), EventId::START, Drop).unwrap();
//! let mut tap = Tap::default();
//! engine.run(&mut tap, SimTime::from_hours(24.0).unwrap()).unwrap();
//! assert_eq!(tap.drops, 25); // those at both ends run
//! assert_eq!(engine.trace().chain(EventId::new(3)).len(), 3);
//! ```

mod core;
mod error;
mod fingerprint;
mod queue;
mod ranks;
pub mod state_event;
mod time;
mod trace;

pub use core::{Context, Crossing, Engine, EngineOptions, Event, Fired, Model, Stop};
pub use error::{EngineError, RunError};
pub use fingerprint::Fingerprint;
pub use queue::{Due, EventHandle, EventId, Phase, Queue, Rank};
pub use ranks::RankTable;
pub use state_event::{Direction, Watch};
pub use time::{SimSpan, SimTime, TimeError};
pub use trace::{Record, Trace};
