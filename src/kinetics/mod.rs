//! Where the drug goes: spinal fluid, nervous tissue, blood, depots, and the ledger.
//!
//! Between events everything here is linear, `x' = A x + b` with constant `A` and
//! `b`, and is solved exactly at any instant by [`crate::numerics::LinearSystem`].
//!
//! ```text
//!  pump, needle                                  tablets
//!      |                                            |  transit, gut
//!      v                                            v
//!  csf_s2 <-> ... <-> csf_c1 <-> cisternal <-> cranial <-> brain
//!    ^  |   dispersion, bulk flow      |           |       ^
//!    |  v                              v           v       v
//!  cord, per level                 central <-> peripheral blood --> eliminated
//!    |                                 ^
//!    v                          depots: subcutaneous, epidural, subdural
//!  effect sites: legs, trunk, arms, brainstem (they read, and take nothing)
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | [`Layout`] | names and places of the states |
//! | [`Canal`], [`Blood`] | volumes and rates of a body |
//! | [`Flows`] | what can change the matrix: posture, drain, leak |
//! | [`Kinetics`] | the state of one patient, and all questions about it |
//!
//! Amounts are in \[ug\], volumes in \[mL\], times in \[h\], concentrations in \[ug/mL\];
//! only columns whose name ends in `ng_per_ml` differ.
//!
//! **Levels are vertebral.** `cord_l3` is whatever nervous tissue lies in the canal
//! at L3, below L1 that is roots. The legs read L2 to S2.
//!
//! **A conflict that is carried.** Human lumbar:cisternal ratios (4:1) imply strong
//! axial mixing, pig data (Bernards 2006) and Heetla 2016 imply that drug stays near
//! the tip. The defaults follow the human ratio; `kinetics.csf.dispersion_*` have
//! ranges wide enough for either.

mod anatomy;
mod columns;
mod layout;
mod matrix;
mod patient;
mod prepared;
mod rest;

pub use anatomy::{Blood, Body, Canal};
pub use columns::{Column, column_names, columns};
pub use layout::{Layout, Site};
pub use matrix::{Flows, Outflow, Volumes};
pub(crate) use patient::SYSTEM_LIMIT;
pub use patient::{DriveAlong, DriveCourse, Kinetics, KineticsState, Reading, SiteDrive};
pub use rest::Rest;

use crate::engine::SimTime;
use crate::numerics::NumericsError;

/// What can be wrong with a body, a dose or a question.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KineticsError {
    /// Weight or renal function cannot be.
    #[error("kinetics: {what} of {value} is impossible")]
    Body {
        /// `body weight` or `renal function`.
        what: &'static str,
        /// The value given \[kg\] or \[1\].
        value: f64,
    },
    /// Clearance, volume and half-life admit no two-compartment model.
    #[error("kinetics: elimination at {out} /h does not fit plasma rates of {alpha} and {beta} /h")]
    Blood {
        /// Clearance over central volume \[1/h\].
        out: f64,
        /// Fast rate \[1/h\].
        alpha: f64,
        /// Terminal rate \[1/h\].
        beta: f64,
    },
    /// Fluid cannot leave at this rate.
    #[error("kinetics: a {what} of {rate} mL/h is impossible")]
    Outflow {
        /// `drain` or `leak`.
        what: &'static str,
        /// The rate given \[mL/h\].
        rate: f64,
    },
    /// The flows of spinal fluid took too many values in one run, of which the last ones are known.
    #[error(
        "kinetics: the flows of spinal fluid took more than {limit} values that were not known; give faults that come \
         and go a longer profile, or shorten the run"
    )]
    TooManyFlows {
        /// Most of them.
        limit: u32,
    },
    /// A rate came out as NaN or infinite.
    #[error("kinetics: the rate matrix contains {value}")]
    NotFinite {
        /// The entry.
        value: f64,
    },
    /// An amount, a rate or a share is NaN, infinite or negative.
    #[error("kinetics: {value} cannot be put into {site}")]
    Input {
        /// Name of the state.
        site: String,
        /// The value given \[ug\], \[ug/h\], \[mg\] or \[1\].
        value: f64,
    },
    /// A change or a question before the last change.
    #[error("kinetics: asked for {asked_h} h, but the state begins at {origin_h} h")]
    Backwards {
        /// The instant asked for \[h\].
        asked_h: f64,
        /// The instant of the last change \[h\].
        origin_h: f64,
    },
    /// No column has this name.
    #[error("kinetics: there is no column `{name}`")]
    UnknownColumn {
        /// The name asked for.
        name: String,
    },
    /// The linear system refused.
    #[error("kinetics: {0}")]
    Numerics(#[from] NumericsError),
}

fn check_time(now: SimTime, origin: SimTime) -> Result<f64, KineticsError> {
    if now < origin {
        return Err(KineticsError::Backwards {
            asked_h: now.hours(),
            origin_h: origin.hours(),
        });
    }
    Ok(now.hours_since(origin))
}
