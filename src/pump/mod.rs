//! The pump: what a programme asks for, what the device believes it delivers, and
//! what really leaves the reservoir.
//!
//! A pump meters **volume**. Dose rates are arithmetic on a concentration that a
//! clinician typed, and alarms about the reservoir are arithmetic on the programmed
//! rate, so a pump that over-delivers runs dry before its low-reservoir alarm.
//! Three things are therefore kept apart here: the programme (`schedule`), the
//! device's computed volume, and the true contents (`reservoir`).
//!
//! [`Pump`] is the one interface. A family writes what moves its drug as [`Works`];
//! [`Device`] adds the [`Chassis`] that all share. Three families are built in,
//! [`Peristaltic`], [`ValveGated`] and [`GasPressure`]; [`PumpRegistry`] takes others from
//! outside the crate, by name.
//!
//! # Who calls what
//! 1. After any call that takes `&mut self`, ask [`Pump::next_event`] and keep exactly
//!    one pending engine event for the pump; when it is due, call [`Pump::on_event`].
//! 2. After any such call read [`Pump::drive`] and [`Pump::outlet_concentration`], give
//!    them to the catheter, and report what it takes with [`Pump::set_outflow`].
//! 3. Queries with a time are pure: they compute from the last change and never move it.

mod alarm;
mod battery;
mod chassis;
mod device;
mod faults;
mod gas;
mod handset;
mod interface;
mod messages;
mod peristaltic;
mod registry;
mod reservoir;
mod rotor;
mod schedule;
mod stroked;
mod tally;
mod valve;

pub use alarm::{Alarm, AlarmClass, AlarmName, AlarmSpec, Grade, Harm, Onset, Sound};
pub use battery::{Battery, Endurance};
pub use chassis::{Chassis, Equipment};
pub use device::{Device, Works};
pub use faults::{FAULT_KINDS, disturbance};
pub use gas::GasPressure;
pub use handset::Refusal;
pub use interface::{NextEvent, Pump, PumpSetup};
pub use messages::{
    Actuations, Belief, Command, Disturbance, LogEntry, PumpError, PumpEvent, PumpNotice, Refill, RefillReport,
    Telemetry, event_names,
};
pub use peristaltic::Peristaltic;
pub use registry::{BuildPump, PumpFamily, PumpRegistry, RestorePump};
pub use reservoir::Reservoir;
pub use schedule::{FlowLimits, Schedule, mean_rate};
pub use valve::ValveGated;
