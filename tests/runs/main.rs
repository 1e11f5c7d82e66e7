//! Whole runs: the promises made of them, traps, faults, an independent solution.

#[path = "../common/run_common.rs"]
mod run_common;

mod alarms;
mod belief;
mod catheter;
mod drugs;
mod faults;
mod hazards;
mod independent_check;
mod looks;
mod promises;
mod scenarios;
mod snapshot;
mod symmetries;
mod traps;
