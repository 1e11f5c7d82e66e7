//! From a recorded linear system to transfers, readers and changes.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::DMatrix;

use crate::simulation::SystemTrace;

use super::{ExportError, is_amount};

/// Largest accepted imbalance of a column relative to its diagonal.
const BALANCE: f64 = 1e-9;

/// An entry of the matrix: (gains, from).
pub(super) type Entry = (usize, usize);

/// What happens at one instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Change {
    /// When \[h\].
    pub time_h: f64,
    /// Entries of the matrix with their new values \[1/h\], \[1/(mL h)\].
    pub rates: Vec<(Entry, f64)>,
    /// Inputs with their new values \[ug/h\], \[mg/h\].
    pub inputs: Vec<(usize, f64)>,
    /// Additions at once \[ug\], \[mg\].
    pub jumps: Vec<(usize, f64)>,
}

/// A recorded system as a network.
///
/// Amounts of drug exchange by first-order transfers; every other state reads states
/// and takes nothing from them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Network {
    /// State at time zero, jumps there included.
    pub start: Vec<f64>,
    /// Transfers between amounts, with their rates at time zero \[1/h\].
    pub transfers: BTreeMap<Entry, f64>,
    /// Rows of the other states, with their coefficients at time zero.
    pub readers: BTreeMap<Entry, f64>,
    /// Entries that change during the run.
    pub moving: BTreeSet<Entry>,
    /// Inputs that are ever used, with their values at time zero.
    pub inputs: BTreeMap<usize, f64>,
    /// Changes after time zero, in order.
    pub changes: Vec<Change>,
    /// End of the run \[h\].
    pub end_h: f64,
}

impl Network {
    /// Reads a record.
    ///
    /// # Errors
    /// [`ExportError`] if the record is empty or its amounts do not balance.
    pub fn new(trace: &SystemTrace) -> Result<Network, ExportError> {
        let (Some(first), Some(last)) = (trace.segments.first(), trace.segments.last()) else {
            return Err(ExportError::Empty);
        };
        let Some(a0) = &first.a else {
            return Err(ExportError::Empty);
        };
        let n = trace.states.len();
        let matrices: Vec<&DMatrix<f64>> = trace.segments.iter().filter_map(|s| s.a.as_ref()).collect();
        for a in &matrices {
            check(trace, a)?;
        }
        let (mut transfers, mut readers, mut moving) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for i in 0..n {
            for j in 0..n {
                // The diagonal of an amount is what its transfers take.
                if (is_amount(trace, i) && i == j) || matrices.iter().all(|a| a[(i, j)] == 0.0) {
                    continue;
                }
                let kind = if is_amount(trace, i) {
                    &mut transfers
                } else {
                    &mut readers
                };
                kind.insert((i, j), a0[(i, j)]);
                if matrices.iter().any(|a| a[(i, j)] != a0[(i, j)]) {
                    moving.insert((i, j));
                }
            }
        }
        let inputs: BTreeMap<usize, f64> = (0..n)
            .filter(|&i| trace.segments.iter().any(|s| s.b[i] != 0.0))
            .map(|i| (i, first.b[i]))
            .collect();
        let mut start = trace.x0.clone();
        if let Some(jump) = &first.jump {
            start.iter_mut().zip(jump).for_each(|(x, j)| *x += j);
        }
        let mut changes = Vec::new();
        let (mut a, mut b) = (a0, &first.b);
        for segment in &trace.segments[1..] {
            let mut change = Change {
                time_h: segment.t0_h,
                ..Change::default()
            };
            if let Some(next) = &segment.a {
                let moved = moving.iter().filter(|&&e| next[e] != a[e]);
                change.rates = moved.map(|&e| (e, next[e])).collect();
                a = next;
            }
            change.inputs = inputs
                .keys()
                .filter(|&&i| segment.b[i] != b[i])
                .map(|&i| (i, segment.b[i]))
                .collect();
            b = &segment.b;
            if let Some(jump) = &segment.jump {
                change.jumps = (0..n).filter(|&i| jump[i] != 0.0).map(|i| (i, jump[i])).collect();
            }
            if !(change.rates.is_empty() && change.inputs.is_empty() && change.jumps.is_empty()) {
                changes.push(change);
            }
        }
        Ok(Network {
            start,
            transfers,
            readers,
            moving,
            inputs,
            changes,
            end_h: last.t1_h,
        })
    }
}

/// What leaves an amount arrives in others, and amounts depend on amounts only.
fn check(trace: &SystemTrace, a: &DMatrix<f64>) -> Result<(), ExportError> {
    let n = trace.states.len();
    for j in 0..n {
        let mut sum = 0.0;
        for i in (0..n).filter(|&i| is_amount(trace, i)) {
            if !is_amount(trace, j) && a[(i, j)] != 0.0 {
                return Err(ExportError::NotTransfer {
                    state: trace.states[i].clone(),
                    source_state: trace.states[j].clone(),
                });
            }
            sum += a[(i, j)];
        }
        if is_amount(trace, j) && sum.abs() > BALANCE * a[(j, j)].abs() {
            return Err(ExportError::Unbalanced {
                state: trace.states[j].clone(),
                residual: sum,
            });
        }
    }
    Ok(())
}
