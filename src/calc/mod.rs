//! The arithmetic of the clinic as pure functions: when a reservoir runs out, how long
//! a bridge bolus lasts, what fills tube and catheter, how often a valve opens, how far a
//! flow strays over a window, when an occlusion is noticed.
//!
//! All of it follows from three facts. A pump meters *volume*, so flow is dose rate over
//! the concentration somebody typed. A change of *rate* reaches the tip at once; a change
//! of *concentration* only when the volume of tube and catheter has passed. And alarms
//! count what was programmed, not what was delivered.
//!
//! Quantities are in ug, mL, h and their quotients, as everywhere in this crate;
//! `itbsim calc` reads and prints them with units. **For teaching and research, never for
//! treating a person.**
//!
//! ```
//! use itbsim::calc::{RefillInput, refill};
//!
//! let plan = refill(&RefillInput {
//!     fill: 20.0,
//!     alarm_volume: 2.0,
//!     concentration: 2000.0,
//!     dose_rate: 400.0 / 24.0,
//!     gain: 1.145,
//!     lead: 7.0 * 24.0,
//! })
//! .unwrap();
//! assert_eq!((plan.to_alarm / 24.0 * 100.0).round() / 100.0, 90.0);
//! // A pump that over-delivers is empty before its alarm.
//! assert!(plan.true_to_empty < plan.to_alarm);
//! ```

mod date;
mod dose;
mod path;
mod refill;
mod trumpet;
mod valve;

pub use date::{Date, DateError};
pub use dose::{Dose, dose};
pub use path::{Bridge, BridgeInput, Omitted, Prime, PrimeInput, bridge, path_volume, prime, transport};
pub use refill::{AlarmTiming, Refill, RefillInput, refill};
pub use trumpet::{Occlusion, OcclusionInput, Trumpet, occlusion, pulse_train, trumpet};
pub use valve::{Valve, ValveInput, valve};

use crate::quantity::brief;

/// Why a calculation was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalcError {
    /// Zero, negative or no number where more than nothing is needed.
    #[error("{what} must be greater than zero, not {} {unit}", brief(*value))]
    NotPositive {
        /// Which value.
        what: &'static str,
        /// The value given, in `unit`.
        value: f64,
        /// Its unit.
        unit: &'static str,
    },
    /// Negative or no number.
    #[error("{what} cannot be negative: {} {unit}", brief(*value))]
    Negative {
        /// Which value.
        what: &'static str,
        /// The value given, in `unit`.
        value: f64,
        /// Its unit.
        unit: &'static str,
    },
    /// The alarm would sound at once.
    #[error("the low-reservoir alarm at {} mL is not below the fill of {} mL", brief(*alarm), brief(*fill))]
    AlarmAboveFill {
        /// Volume of the alarm \[mL\].
        alarm: f64,
        /// Volume filled \[mL\].
        fill: f64,
    },
    /// The result is no finite number.
    #[error("{what} is beyond what can be computed")]
    NotFinite {
        /// Which result.
        what: &'static str,
    },
}

fn positive(what: &'static str, value: f64, unit: &'static str) -> Result<f64, CalcError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(CalcError::NotPositive { what, value, unit })
    }
}

/// A dose rate \[ug/h\], told by the day as people write it.
fn positive_rate(what: &'static str, rate: f64) -> Result<f64, CalcError> {
    positive(what, rate * 24.0, "ug/day").map(|_| rate)
}

/// A flow \[mL/h\], told by the day as people write it.
fn positive_flow(what: &'static str, flow: f64) -> Result<f64, CalcError> {
    positive(what, flow * 24.0, "mL/day").map(|_| flow)
}

fn not_negative(what: &'static str, value: f64, unit: &'static str) -> Result<f64, CalcError> {
    if value >= 0.0 && value.is_finite() {
        Ok(value + 0.0)
    } else {
        Err(CalcError::Negative { what, value, unit })
    }
}

fn finite(what: &'static str, value: f64) -> Result<f64, CalcError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(CalcError::NotFinite { what })
    }
}
