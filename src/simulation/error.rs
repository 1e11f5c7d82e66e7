//! What can go wrong while a patient is assembled or run.

use crate::engine::TimeError;

/// A failure of the model; the engine adds simulation time, component and event number.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A fault kind that the registry does not have.
    #[error("fault `{id}`: no fault kind `{kind}` is registered")]
    UnknownFault {
        /// Id of the fault.
        id: String,
        /// Kind asked for.
        kind: String,
    },
    /// A field of a fault that is missing or of the wrong sort.
    #[error("fault `{id}`: field `{field}` is missing or does not fit")]
    FaultField {
        /// Id of the fault.
        id: String,
        /// Name of the field.
        field: String,
    },
    /// Drug appeared or vanished.
    #[error("the ledger does not close: {what} is off by {residual:e} of all drug (limit {limit:e})")]
    Ledger {
        /// Which balance.
        what: &'static str,
        /// Relative imbalance.
        residual: f64,
        /// Accepted imbalance.
        limit: f64,
    },
    /// The pump refused.
    #[error("pump: {0}")]
    Pump(#[from] crate::pump::PumpError),
    /// A session with a pump that is not there.
    #[error("no pump is implanted")]
    NoPump,
    /// A care policy failed.
    #[error("care: {0}")]
    Care(#[from] crate::care::CareError),
    /// The catheter refused.
    #[error("catheter: {0}")]
    Catheter(#[from] crate::catheter::CatheterError),
    /// The kinetics failed.
    #[error(transparent)]
    Kinetics(#[from] crate::kinetics::KineticsError),
    /// No such effect model.
    #[error("response: {0}")]
    EffectModel(#[from] crate::response::UnknownEffectModel),
    /// The slow states could not be integrated.
    #[error("response: {0}")]
    Step(#[from] crate::numerics::StepError),
    /// A crossing could not be isolated.
    #[error("condition: {0}")]
    Crossing(#[from] crate::numerics::CrossingError),
    /// A draw with impossible spread or rate.
    #[error("hazard: {0}")]
    Draw(#[from] crate::numerics::DrawError),
    /// Numerics failed.
    #[error("numerics: {0}")]
    Numerics(#[from] crate::numerics::NumericsError),
    /// The engine refused a request of a handler.
    #[error("engine: {0}")]
    Engine(#[from] crate::engine::EngineError),
    /// A time beyond the clock.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// A snapshot that does not fit this scenario.
    #[error("snapshot: {0}")]
    Snapshot(String),
}

impl SimError {
    /// Whether a part only declined what was asked and is as it was, so that whoever asked
    /// may go on.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, SimError::Pump(_) | SimError::Catheter(_) | SimError::NoPump)
    }
}
