//! Draws of patients and hazards, and batches of them.

#[path = "../common/run_common.rs"]
mod run_common;

mod batches;
mod hazards;
mod patients;
