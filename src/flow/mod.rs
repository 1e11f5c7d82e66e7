//! The flow-control bench: a test stand for the loop that turns a programmed rate into drops.
//!
//! A controller is plugged into a plant at the level of strokes, disturbed, broken and measured
//! with the field's own figures. `docs/flow-control.md` has the equations.
//!
//! ```text
//!  programme --request--> controller --command--> actuator --strokes--> line --> outlet
//!                            ^   taps on every wire                      |
//!                            +------- sensors (noise, delay, loss) <-----+
//! ```
//!
//! - [`Plant`]: [`Actuator`], [`Line`], reservoir, surroundings; exact between events.
//! - [`Sensor`]: all that a controller ever knows.
//! - [`FlowController`] and [`ControllerRegistry`]: one trait, six built-in kinds.
//! - [`Tap`]: faults on the wires.
//! - [`run_test`], [`run_bench`]: one test, and the matrix of controllers and tests, as events on
//!   the engine of this crate.
//! - [`metrics()`], [`Volumes::trumpet`], [`ranking`]: what comes out.
//! - [`safety`]: the rules of the generic infusion pump, checked on any run.
//!
//! The plant knows no drug and no patient; `[pump] fidelity = "strokes"` joins strokes and patient.

mod actuator;
mod bench;
mod controllers;
mod line;
mod matrix;
mod metrics;
mod plant;
mod programme;
pub mod safety;
mod sensors;
mod taps;
mod trumpet;
mod watch;

pub use actuator::Actuator;
pub use bench::{AlarmRow, FlowError, LEDGER_LIMIT, Mark, RAMP_STEPS, TestRun, run_test};
pub use controllers::{
    Accumulator, Action, BuildController, ControllerError, ControllerKind, ControllerRegistry, Cost, DeltaSigma,
    FlowController, LowPass, OpenLoop, Pi, Predictive, Scheduled, Seen, Tuning, ValveCounting, tuning_table,
};
pub use line::{Branch, Line, LineState, Wave};
pub use matrix::{Cell, Place, Results, ranking, run_bench};
pub use metrics::{Metrics, OcclusionFigures, StepFigures, metrics};
pub use plant::{Plant, Truth};
pub use programme::Requested;
pub use sensors::{Reading, Readings, Sensor, SensorFigures};
pub use taps::Tap;
pub use trumpet::{HOUR_WINDOWS, MINUTE_WINDOWS, Trumpet, TrumpetError, TrumpetPoint, Volumes};
pub use watch::{AlarmReason, Watchman};
