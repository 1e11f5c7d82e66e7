//! People around the pump: protocols, work-up, complications.

#[path = "../common/run_common.rs"]
mod run_common;

mod complications;
mod errors_and_notes;
mod protocols;
mod workup;
