//! Assembles a patient from a scenario and runs it: the one place where pump,
//! catheter, kinetics and response meet.
//!
//! [`simulate`] is the front door; [`Run`] is the same in steps, with
//! snapshots. What can be plugged in is in [`Registry`].

mod acts;
mod ailment_run;
mod assemble;
mod body;
mod care_run;
mod demand;
mod diagnose;
mod drive;
mod drugs;
mod error;
mod event;
mod expect;
mod fault_run;
mod hearing;
mod ledger;
mod luck;
mod mechanisms;
mod model;
mod moments;
mod names;
mod notes;
mod observe;
mod outcomes;
mod patient;
mod profile;
mod ranks;
mod registry;
mod result;
mod run;
mod snapshot;
mod stretch;
mod surgery;
mod system;
mod visits;
pub mod why;
pub(crate) mod words;

pub use body::SCANS_PER_STEP;
pub use error::SimError;
pub use event::{AilmentStep, Delivery, Name, Part, SimEvent, Stage};
pub(crate) use expect::span;
pub use hearing::{Chance, Ears};
pub use ledger::LIMIT as LEDGER_LIMIT;
pub use model::Simulation;
pub use names::{ACTIONS, MISHAPS};
pub use observe::{columns, columns_with};
pub use outcomes::Outcomes;
pub use profile::RAMP_STEPS;
pub use registry::{BuildFault, FaultMechanism, Plant, Registry, SymptomEntry};
pub use result::{AlarmRow, DeviceLogRow, EventRow, LedgerRow, Outcome, RunResult, SymptomRow, Verdict, VisitRow};
pub(crate) use run::{CROWD_LIMIT, EVENT_LIMIT};
pub use run::{Run, RunError, RunOptions, is_miss, replicate_of, simulate};
pub use stretch::Seen;
pub use system::{SystemSegment, SystemTrace};

use crate::parameters::ParameterSet;
use crate::signals::Posture;

/// Gauge pressure of the spinal fluid at the catheter tip \[kPa\].
pub(crate) fn tip_pressure(parameters: &ParameterSet, posture: Posture) -> f64 {
    match posture {
        Posture::Supine => parameters.get("catheter.tip_pressure.supine"),
        Posture::Upright => parameters.get("catheter.tip_pressure.upright"),
    }
}
