//! What can be wrong with a linear system.

use super::modal::FallbackReason;

/// A linear system that cannot be built or asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NumericsError {
    /// The matrix has no states, or differs in rows and columns.
    #[error("a rate matrix must be square and not empty, this one is {rows} x {columns}")]
    NotSquare {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// An entry of the matrix is NaN or infinite.
    #[error("entry ({row}, {column}) of the rate matrix is not finite: {value}")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// The system is run by the matrix exponential, so an output is not known
    /// as a sum of exponentials.
    #[error("the outputs of this system are not known as sums of exponentials: {reason}")]
    NoModes {
        /// Why the modal form was refused.
        reason: FallbackReason,
    },
    /// A mode grows or an accumulating state takes part, so nothing settles.
    #[error("the system has no steady state: {detail}")]
    NoSteadyState {
        /// What prevents it.
        detail: &'static str,
    },
}
