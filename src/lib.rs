//! Discrete-event simulation of intrathecal baclofen therapy.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod catheter;
pub mod cli;
pub mod engine;
pub mod kinetics;
pub mod numerics;
pub mod parameters;
pub mod pump;
pub mod quantity;
pub mod report;
pub mod response;
pub mod scenario;
pub mod signals;
pub mod simulation;
