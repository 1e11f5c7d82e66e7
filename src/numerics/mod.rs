//! Numbers without medicine: exact propagators for linear systems, certified
//! crossings, a small adaptive stepper, a guarded general solver, keyed draws.
//!
//! | file | what it is for |
//! |---|---|
//! | [`linear`] | `x' = A x + b` with piecewise-constant `b`: exact, at any instant |
//! | [`modal`], [`exponential`] | the two methods behind it |
//! | [`gridded`] | the same with inputs known beforehand: all states on an even grid, the fastest way |
//! | [`trajectory`], [`crossing`] | an output as a sum of exponentials, and where it meets a level |
//! | [`bundle`] | several outputs at once, cheap where modes have decayed |
//! | [`collocation`], [`lanes`] | steps of states that relax towards what drives them, all nodes of a step at once |
//! | [`stepper`] | Dormand-Prince 5(4) with dense output for any few nonlinear states; the check of the one above |
//! | [`general`] | models of users through `ode_solvers`, and the independent check of the exact path |
//! | [`draws`] | random numbers that are a pure function of their name |
//! | [`correlated`] | correlated normal numbers from independent ones |
//!
//! Everything here is deterministic: transcendental functions come from `libm` or, for the
//! exponential of the modes and the [`power`] of the response, from sums and products in one
//! written order (`decay`). Sums of products have one written order too. Inner loops are run with
//! vectors as wide as the processor has; nothing is fused or reordered for that, so the
//! bits do not know (`wide`). No method keeps hidden state that could change a result.

mod decay;
mod dense;
mod error;
mod strong;
pub(crate) mod wide;

pub mod bundle;
pub mod collocation;
pub mod correlated;
pub mod crossing;
pub mod draws;
pub mod exponential;
mod first;
pub mod general;
pub mod gridded;
pub mod lanes;
pub mod linear;
pub mod modal;
pub mod stepper;
pub mod trajectory;

pub use bundle::Bundle;
pub(crate) use bundle::Rows;
pub use crossing::{Crossing, CrossingError, Direction};
pub use decay::{power, powers};
pub use draws::{DrawError, Draws};
pub use error::NumericsError;
pub(crate) use first::{Side, first_tick};
pub use gridded::{Act, Gridded, GriddedError, Input};
pub use lanes::Lanes;
pub(crate) use linear::SparseWeights;
pub use linear::{Coordinates, Forcing, LinearSystem, Method, OutputRow, Scratch, steady};
pub use modal::FallbackReason;
pub use stepper::{DenseStep, StepError, Stepper, Tolerances};
pub use trajectory::{ExponentialSum, Term};
