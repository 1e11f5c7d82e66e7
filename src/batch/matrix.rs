//! The cells of a factorial as one table: a row is one outcome or event of one cell.

use std::io::Write;

use super::identity::Identity;
use super::quantile::RankTable;
use super::state::{ArmState, State};
use super::tables::{Line, outcome_quantiles};
use crate::report::ReportError;
use crate::report::matrix::{columns, fields, grids};
use crate::report::pictures::Drawing;
use crate::scenario::model::Matrix;

/// Writes `matrix.csv`; nothing without a matrix. Rows of kind `event` hold the share that had the event by
/// the end of the run, as `times.csv` has it.
///
/// # Errors
/// What the writer says.
pub fn write_matrix(identity: &Identity, state: &State, to: &mut dyn Write) -> Result<(), ReportError> {
    const NAME: &str = "matrix.csv";
    let Some(matrix) = &identity.matrix else { return Ok(()) };
    let mut head = Line::new(&columns(matrix));
    head.0
        .push_str(",kind,outcome,n,done,of,effective,mean,mean_error,mean_low,mean_high,sd,p05,p25,median,p75,p95");
    head.end(to, NAME)?;
    let mut table = RankTable::default();
    for (cell, arm) in state.whole().enumerate() {
        let begin = |kind: &str, name: &str| {
            let mut line = Line::new(&fields(matrix, cell, &arm.arm));
            line.text(kind);
            line.text(name);
            line
        };
        for (i, outcome) in arm.outcomes.iter().enumerate() {
            let mut line = begin("outcome", &outcome.name);
            for n in [outcome.moments.n(), arm.done(), identity.n] {
                line.count(n);
            }
            let found = outcome.moments.estimate();
            line.number(found.map(|e| e.effective));
            line.number(found.map(|e| e.mean));
            line.number(found.and_then(|e| e.error));
            line.number(found.and_then(|e| e.low));
            line.number(found.and_then(|e| e.high));
            line.number(found.and_then(|e| e.sd));
            for q in outcome_quantiles(arm, i, &mut table) {
                line.number(q.map(|q| q.value));
            }
            line.end(to, NAME)?;
        }
        for name in arm.clocks() {
            let Some(curve) = arm.survival(name) else { continue };
            let Some(last) = curve.points.last() else { continue };
            let mut line = begin("event", name);
            for n in [curve.points.iter().map(|p| p.events).sum(), arm.done(), identity.n] {
                line.count(n);
            }
            line.number(Some(arm.effective()));
            for x in [1.0 - last.value, last.error, 1.0 - last.high, 1.0 - last.low] {
                line.number(Some(x));
            }
            // A share has no spread of its own, nor quantiles.
            (0..6).for_each(|_| line.number(None));
            line.end(to, NAME)?;
        }
    }
    Ok(())
}

/// Mean of an outcome in a cell.
pub fn mean(arm: &ArmState, outcome: &str) -> Option<f64> {
    let found = arm.outcomes.iter().find(|o| o.name == outcome)?;
    found.moments.estimate().map(|e| e.mean)
}

/// Heat maps of the means.
pub(super) fn drawings(matrix: &Matrix, state: &State) -> Vec<(&'static str, Drawing)> {
    let arms: Vec<&ArmState> = state.whole().collect();
    grids(matrix, |cell, name| mean(arms.get(cell)?, name))
}
