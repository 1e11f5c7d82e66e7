//! The event engine: promises, traps, watching.

#[path = "../common/engine_toys.rs"]
mod engine_toys;

mod handles;
mod promises;
mod traps;
mod watch;
