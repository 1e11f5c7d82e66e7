//! Engine.
mod time;

pub use time::{SimSpan, SimTime, TimeError};
