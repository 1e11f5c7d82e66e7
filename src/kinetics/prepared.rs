//! Rate matrices of one patient, decomposed when something first moves under them.

use std::sync::{Arc, OnceLock};

use nalgebra::DMatrix;

use crate::numerics::{FallbackReason, LinearSystem, Method, OutputRow, Rows};
use crate::signals::Region;

use super::KineticsError;
use super::columns::{Column, place};
use super::layout::Layout;
use super::matrix::Flows;

/// Relative move of a one-way rate that nearly coincides with another.
const NUDGE: f64 = 1e-5;
/// Moves tried before the matrix exponential is accepted.
const NUDGES: usize = 3;

/// A matrix, decomposed with its outputs at the first question.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The flows it belongs to.
    pub flows: Flows,
    /// Rates \[1/h\].
    pub matrix: DMatrix<f64>,
    solved: OnceLock<Solved>,
}

/// What the decomposition gives.
#[derive(Debug)]
pub(super) struct Solved {
    /// The system, with the matrix that is used.
    pub system: LinearSystem,
    /// All columns in its coordinates.
    pub rows: Vec<OutputRow>,
    /// Effect sites together, and rescue drugs, where there are modes.
    pub effect: Option<Rows<4>>,
    /// As for the effect sites.
    pub rescue: Option<Rows<2>>,
}

impl Prepared {
    /// Whether it was decomposed yet.
    #[cfg(test)]
    pub fn is_decomposed(&self) -> bool {
        self.solved.get().is_some()
    }
}

/// A matrix to be decomposed when that is needed.
pub(super) fn prepare(flows: Flows, matrix: DMatrix<f64>) -> Result<Arc<Prepared>, KineticsError> {
    LinearSystem::check(&matrix)?;
    Ok(Arc::new(Prepared {
        flows,
        matrix,
        solved: OnceLock::new(),
    }))
}

/// Decomposes a matrix. Where two coupled rates nearly coincide, so that no modes can
/// be told apart, the one-way parts are moved by a hundred-thousandth and tried again;
/// the moved matrix is the one that is used and printed.
pub(super) fn solved<'a>(prepared: &'a Prepared, columns: &[Column]) -> &'a Solved {
    prepared.solved.get_or_init(|| {
        let mut matrix = prepared.matrix.clone();
        let decompose = |matrix: &DMatrix<f64>| {
            // Only a matrix that is not square or not finite is refused, and `prepare` checked both.
            LinearSystem::new(matrix.clone()).expect("the matrix was checked")
        };
        let mut system = decompose(&matrix);
        for _ in 0..NUDGES {
            let Method::Exponential(FallbackReason::NearlyRepeated { .. }) = system.method() else {
                break;
            };
            nudge(&mut matrix);
            system = decompose(&matrix);
        }
        let rows: Vec<OutputRow> = columns.iter().map(|c| system.output(&c.weights)).collect();
        let effect = system.rows(Region::ALL.map(|r| &rows[place::EFFECT + r.index()]));
        let rescue = system.rows([&rows[place::BENZODIAZEPINE], &rows[place::CYPROHEPTADINE]]);
        Solved {
            system,
            rows,
            effect,
            rescue,
        }
    })
}

/// Moves the rate of each one-way part by its own small factor, at most 3e-4: columns of gut and
/// depots, so that what leaves still arrives, and rows of effect sites and rescue
/// drugs, so that they still settle at the concentration they read.
fn nudge(matrix: &mut DMatrix<f64>) {
    let apart = |i: usize| 1.0 + NUDGE * (1 + i - Layout::ORAL) as f64;
    for j in Layout::ORAL..Layout::RENAL {
        matrix.column_mut(j).iter_mut().for_each(|a| *a *= apart(j));
    }
    for i in Layout::LEDGER..Layout::LEN {
        matrix.row_mut(i).iter_mut().for_each(|a| *a *= apart(i));
    }
}
