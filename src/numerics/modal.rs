//! The modal form of a rate matrix: real rates, right and left modes.
//!
//! `A V = V (Λ + N)`, `W = V⁻¹`, with `Λ` diagonal. `N` couples only modes of
//! *exactly* equal rate (a transit chain of equal stages); there it is nilpotent
//! and the solution is `exp(λt)` times a polynomial, still exact. Steps:
//!
//! 1. strongly connected components make the matrix block triangular;
//! 2. in each block a diagonal scaling, `s_j = s_i sqrt(a_ji / a_ij)` along the
//!    strongest links, makes two-way exchange symmetric; the symmetric part is
//!    decomposed, and the asymmetry that is left (bulk flow around a loop) is
//!    removed by quadratically convergent sweeps, from a Schur form if it is large;
//! 3. the blocks are coupled by forward substitution in modal coordinates;
//! 4. residual, inverse and condition are checked; whatever fails is refused with
//!    a [`FallbackReason`] and the caller uses the matrix exponential instead.

use nalgebra::{DMatrix, Schur, SymmetricEigen};
use serde::{Deserialize, Serialize};

use super::dense::{SparseColumns, inverse, one_norm, product};
use super::strong::components;

/// Two coupled rates nearer than this, relatively, but not equal, are refused.
const NEAR_GAP: f64 = 1e-7;
/// Largest |v||w| of a mode; the rounding error of a run is about 2e-16 of it.
const CONDITION_LIMIT: f64 = 2e5;
/// Largest |A V - V (Λ + N)| relative to |A||V|.
const RESIDUAL_LIMIT: f64 = 1e-11;
/// Largest |W V - I|.
const INVERSE_LIMIT: f64 = 1e-9;
const MAX_SWEEPS: usize = 12;

/// Why a system is run by the matrix exponential instead of its modes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum FallbackReason {
    /// Rates are complex, or the refinement did not converge.
    #[error("its rates are complex or could not be separated")]
    NotSeparable,
    /// Two coupled modes have nearly, but not exactly, the same rate.
    #[error("two coupled modes have nearly the same rate, {rate} and {other}")]
    NearlyRepeated {
        /// One rate \[1/h\].
        rate: f64,
        /// The other \[1/h\].
        other: f64,
    },
    /// Modes are nearly parallel.
    #[error("its modes are nearly parallel (condition {condition:e})")]
    IllConditioned {
        /// Largest product of the norms of a right and left mode.
        condition: f64,
    },
    /// The computed modes do not reproduce the matrix.
    #[error("its modes do not reproduce the matrix (residual {residual:e})")]
    Residual {
        /// Relative residual.
        residual: f64,
    },
    /// The caller asked for the exponential.
    #[error("the exponential was asked for")]
    Requested,
}

/// One entry of a power of `N`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Coupling {
    pub to: usize,
    pub from: usize,
    pub value: f64,
}

/// How good a decomposition is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Largest product of the norms of a right and a left mode.
    pub condition: f64,
    /// |A V - V (Λ + N)| relative to |A||V|.
    pub residual: f64,
    /// Largest entry of |W V - I|, right modes taken as of length 1.
    pub inverse_error: f64,
    /// Refinement sweeps used by the block that needed most.
    pub sweeps: usize,
}

/// A decomposition that passed its checks. Modes are sorted by |rate|, slow first.
#[derive(Debug, Clone)]
pub(crate) struct Modal {
    pub rates: Vec<f64>,
    /// Columns are right modes.
    pub right: DMatrix<f64>,
    /// Rows are left modes, stored as the inverse of `right`.
    pub left: DMatrix<f64>,
    /// `powers[k - 1]` holds the entries of `N^k`.
    pub powers: Vec<Vec<Coupling>>,
    pub quality: Quality,
}

/// Modes of one strongly connected block, in physical units.
struct Block {
    rates: Vec<f64>,
    right: DMatrix<f64>,
    left: DMatrix<f64>,
    scale: Vec<f64>,
    sweeps: usize,
}

/// Decompose `a`, which must be square, finite and not empty.
pub(crate) fn decompose(a: &DMatrix<f64>) -> Result<Modal, FallbackReason> {
    let n = a.nrows();
    let parts = components(a);
    let order: Vec<usize> = parts.iter().flatten().copied().collect();
    let mut rates: Vec<f64> = Vec::with_capacity(n);
    let mut single: Vec<f64> = Vec::new();
    let mut block_of = Vec::with_capacity(n);
    let mut starts = Vec::with_capacity(parts.len());
    let mut scale = vec![1.0; n];
    let mut sweeps = 0;
    // U and its inverse, block diagonal, in the order of flow.
    let mut u = DMatrix::zeros(n, n);
    let mut u_inv = DMatrix::zeros(n, n);
    for (b, members) in parts.iter().enumerate() {
        let start = rates.len();
        starts.push(start);
        if let [i] = members[..] {
            let mut rate = a[(i, i)];
            // Rates equal but for the rounding of a sum are meant to be equal.
            let twin = |s: &&f64| (**s - rate).abs() <= 8.0 * f64::EPSILON * rate.abs();
            if let Some(&s) = single.iter().find(twin) {
                rate = s;
            }
            single.push(rate);
            rates.push(rate);
            u[(start, start)] = 1.0;
            u_inv[(start, start)] = 1.0;
        } else {
            let m = members.len();
            let sub = DMatrix::from_fn(m, m, |i, j| a[(members[i], members[j])]);
            let modes = block_modes(&sub)?;
            u.view_mut((start, start), (m, m)).copy_from(&modes.right);
            u_inv.view_mut((start, start), (m, m)).copy_from(&modes.left);
            rates.extend(modes.rates);
            for (k, s) in modes.scale.iter().enumerate() {
                scale[start + k] = *s;
            }
            sweeps = sweeps.max(modes.sweeps);
        }
        block_of.extend(std::iter::repeat_n(b, members.len()));
    }
    let flow = DMatrix::from_fn(n, n, |i, j| a[(order[i], order[j])]);

    let (right, left, nilpotent) = if parts.len() == 1 {
        (u, u_inv, Vec::new())
    } else {
        let c = block_couplings(&flow, &u, &u_inv, &block_of, &starts);
        let (x, nilpotent) = couple(&c, &rates, &starts, &block_of)?;
        let x_inv = unit_lower_inverse(&x);
        (product(&u, &x), product(&x_inv, &u_inv), nilpotent)
    };

    let quality = check(&flow, &right, &left, &rates, &nilpotent, &scale, sweeps)?;

    // Slow modes first; back to the caller's order of states.
    let mut by_rate: Vec<usize> = (0..n).collect();
    by_rate.sort_by(|&i, &j| rates[i].abs().total_cmp(&rates[j].abs()).then(i.cmp(&j)));
    let mut rank = vec![0; n];
    for (r, &k) in by_rate.iter().enumerate() {
        rank[k] = r;
    }
    let mut v = DMatrix::zeros(n, n);
    let mut w = DMatrix::zeros(n, n);
    for k in 0..n {
        for i in 0..n {
            v[(order[i], rank[k])] = right[(i, k)];
            w[(rank[k], order[i])] = left[(k, i)];
        }
    }
    let first: Vec<Coupling> = nilpotent
        .iter()
        .map(|c| Coupling {
            to: rank[c.to],
            from: rank[c.from],
            value: c.value,
        })
        .collect();
    Ok(Modal {
        rates: by_rate.iter().map(|&k| rates[k] + 0.0).collect(),
        right: v,
        left: w,
        powers: powers_of(first),
        quality,
    })
}

/// The couplings between blocks in block-modal coordinates (zero inside a block).
fn block_couplings(
    flow: &DMatrix<f64>,
    u: &DMatrix<f64>,
    u_inv: &DMatrix<f64>,
    block_of: &[usize],
    starts: &[usize],
) -> DMatrix<f64> {
    let n = flow.nrows();
    let end = |b: usize| starts.get(b + 1).copied().unwrap_or(n);
    let mut c = DMatrix::zeros(n, n);
    for j in 0..n {
        for i in 0..n {
            let value = flow[(i, j)];
            let (bi, bj) = (block_of[i], block_of[j]);
            if value == 0.0 || bi == bj {
                continue;
            }
            for q in starts[bj]..end(bj) {
                let inflow = value * u[(j, q)];
                for p in starts[bi]..end(bi) {
                    c[(p, q)] += u_inv[(p, i)] * inflow;
                }
            }
        }
    }
    c
}

/// Unit lower triangular `X` and nilpotent `N` with `(Λ + C) X = X (Λ + N)`.
fn couple(
    c: &DMatrix<f64>,
    rates: &[f64],
    starts: &[usize],
    block_of: &[usize],
) -> Result<(DMatrix<f64>, Vec<Coupling>), FallbackReason> {
    let n = rates.len();
    let mut x = DMatrix::<f64>::identity(n, n);
    let mut nilpotent: Vec<Coupling> = Vec::new();
    let mut right_side = vec![0.0; n];
    for j in (0..n).rev() {
        let mut own: Vec<Coupling> = Vec::new();
        right_side.fill(0.0);
        let first_below = starts.get(block_of[j] + 1).copied().unwrap_or(n);
        // The column's own unit entry feeds everything downstream of its block.
        for i in first_below..n {
            right_side[i] += c[(i, j)];
        }
        for i in first_below..n {
            let mut r = right_side[i];
            for k in &own {
                r -= x[(i, k.to)] * k.value;
            }
            if r == 0.0 {
                continue;
            }
            let gap = rates[j] - rates[i];
            if gap == 0.0 {
                own.push(Coupling {
                    to: i,
                    from: j,
                    value: r,
                });
                continue;
            }
            if gap.abs() < NEAR_GAP * rates[i].abs().max(rates[j].abs()) {
                return Err(FallbackReason::NearlyRepeated {
                    rate: rates[j],
                    other: rates[i],
                });
            }
            let value = r / gap;
            x[(i, j)] = value;
            let after = starts.get(block_of[i] + 1).copied().unwrap_or(n);
            for (p, side) in right_side.iter_mut().enumerate().skip(after) {
                *side += c[(p, i)] * value;
            }
        }
        nilpotent.extend(own);
    }
    Ok((x, nilpotent))
}

fn unit_lower_inverse(x: &DMatrix<f64>) -> DMatrix<f64> {
    let n = x.nrows();
    let mut inv = DMatrix::<f64>::identity(n, n);
    for j in 0..n {
        for k in j..n {
            let v = inv[(k, j)];
            if v != 0.0 {
                for i in k + 1..n {
                    inv[(i, j)] -= x[(i, k)] * v;
                }
            }
        }
    }
    inv
}

fn powers_of(first: Vec<Coupling>) -> Vec<Vec<Coupling>> {
    let mut powers: Vec<Vec<Coupling>> = Vec::new();
    let mut current = first.clone();
    while !current.is_empty() {
        let mut next: Vec<Coupling> = Vec::new();
        for a in &first {
            for b in &current {
                if a.from == b.to {
                    let value = a.value * b.value;
                    match next.iter_mut().find(|c| c.to == a.to && c.from == b.from) {
                        Some(c) => c.value += value,
                        None => next.push(Coupling {
                            to: a.to,
                            from: b.from,
                            value,
                        }),
                    }
                }
            }
        }
        powers.push(current);
        current = next;
    }
    powers
}

#[allow(clippy::too_many_arguments)] // the parts of one decomposition, checked together
fn check(
    flow: &DMatrix<f64>,
    v: &DMatrix<f64>,
    w: &DMatrix<f64>,
    rates: &[f64],
    nilpotent: &[Coupling],
    scale: &[f64],
    sweeps: usize,
) -> Result<Quality, FallbackReason> {
    let n = rates.len();
    let mut scaled = flow.clone();
    for j in 0..n {
        for i in 0..n {
            scaled[(i, j)] *= scale[j] / scale[i];
        }
    }
    let size = one_norm(&scaled);
    let mut residual = SparseColumns::new(flow).product(v);
    for k in 0..n {
        for i in 0..n {
            residual[(i, k)] -= v[(i, k)] * rates[k];
        }
    }
    for c in nilpotent {
        for i in 0..n {
            residual[(i, c.from)] -= v[(i, c.to)] * c.value;
        }
    }
    let mut worst: f64 = 0.0;
    let mut condition: f64 = 0.0;
    // Squared lengths of the left modes: a column of `w` at a time, as it lies in memory.
    let mut left = vec![0.0; n];
    for (column, s) in w.as_slice().chunks_exact(n).zip(scale) {
        for (sum, w) in left.iter_mut().zip(column) {
            *sum += (w * s) * (w * s);
        }
    }
    let mut lengths = vec![0.0; n];
    let columns = residual.as_slice().chunks_exact(n).zip(v.as_slice().chunks_exact(n));
    for (k, (residual, v)) in columns.enumerate() {
        let (mut r, mut vn): (f64, f64) = (0.0, 0.0);
        for i in 0..n {
            r = r.max(residual[i].abs() / scale[i]);
            vn += (v[i] / scale[i]) * (v[i] / scale[i]);
        }
        let one = r / (size * vn.sqrt()).max(f64::MIN_POSITIVE);
        // `max` would drop a NaN.
        worst = if one.is_nan() { f64::INFINITY } else { worst.max(one) };
        lengths[k] = vn.sqrt();
        let one = (vn * left[k]).sqrt();
        condition = if one.is_nan() {
            f64::INFINITY
        } else {
            condition.max(one)
        };
    }
    if condition > CONDITION_LIMIT {
        return Err(FallbackReason::IllConditioned { condition });
    }
    if worst > RESIDUAL_LIMIT {
        return Err(FallbackReason::Residual { residual: worst });
    }
    let unit = product(w, v);
    let mut inverse_error: f64 = 0.0;
    for (l, column) in unit.as_slice().chunks_exact(n).enumerate() {
        for (k, (u, length)) in column.iter().zip(&lengths).enumerate() {
            let e = u - if k == l { 1.0 } else { 0.0 };
            // As if every right mode had length 1.
            inverse_error = inverse_error.max(e.abs() * length / lengths[l]);
        }
    }
    if inverse_error > INVERSE_LIMIT {
        return Err(FallbackReason::Residual {
            residual: inverse_error,
        });
    }
    Ok(Quality {
        condition,
        residual: worst,
        inverse_error,
        sweeps,
    })
}

/// Diagonal scaling along the strongest two-way links (a maximum spanning tree).
fn scaling(a: &DMatrix<f64>) -> Vec<f64> {
    let m = a.nrows();
    let mut s = vec![1.0; m];
    let mut in_tree = vec![false; m];
    let mut best: Vec<(f64, usize)> = vec![(-1.0, 0); m];
    let mut newest = 0;
    in_tree[0] = true;
    for _ in 1..m {
        for i in 0..m {
            if in_tree[i] {
                continue;
            }
            // Of a flow against nothing, or of opposite signs: no link.
            let strength = (a[(i, newest)] * a[(newest, i)]).max(0.0).sqrt();
            if strength > best[i].0 {
                best[i] = (strength, newest);
            }
        }
        let mut pick = usize::MAX;
        for i in 0..m {
            if !in_tree[i] && (pick == usize::MAX || best[i].0 > best[pick].0) {
                pick = i;
            }
        }
        let (strength, parent) = best[pick];
        // No two-way link leads here: there is nothing to balance.
        s[pick] = if strength > 0.0 {
            s[parent] * (a[(pick, parent)] / a[(parent, pick)]).sqrt()
        } else {
            s[parent]
        };
        in_tree[pick] = true;
        newest = pick;
    }
    s
}

fn block_modes(a: &DMatrix<f64>) -> Result<Block, FallbackReason> {
    let m = a.nrows();
    let s = scaling(a);
    let mut b = a.clone();
    for j in 0..m {
        for i in 0..m {
            b[(i, j)] *= s[j] / s[i];
        }
    }
    if b.iter().any(|v| !v.is_finite()) {
        return Err(FallbackReason::NotSeparable);
    }
    let size = one_norm(&b);
    let symmetric = DMatrix::from_fn(m, m, |i, j| 0.5 * (b[(i, j)] + b[(j, i)]));
    let q = SymmetricEigen::new(symmetric).eigenvectors;
    let refined = match refine(&b, size, q.clone(), Some(q.transpose())) {
        Some(found) => Some(found),
        None => schur_start(&b, size).and_then(|v| refine(&b, size, v, None)),
    };
    let (mut rates, mut right, mut left, sweeps) = refined.ok_or(FallbackReason::NotSeparable)?;
    for r in &mut rates {
        // Indistinguishable from zero, so it is zero: a closed block keeps its mass.
        if r.abs() <= 16.0 * f64::EPSILON * size {
            *r = 0.0;
        }
    }
    for k in 0..m {
        for i in 0..m {
            right[(i, k)] *= s[i];
            left[(k, i)] /= s[i];
        }
    }
    Ok(Block {
        rates,
        right,
        left,
        scale: s,
        sweeps,
    })
}

type Refined = (Vec<f64>, DMatrix<f64>, DMatrix<f64>, usize);

/// Sweeps `V <- V (I + F)`, `F_ij = E_ij / (E_jj - E_ii)`, `E = V⁻¹ B V`, until the
/// off-diagonal part of `E` is rounding; `None` if that does not come about.
fn refine(b: &DMatrix<f64>, size: f64, mut v: DMatrix<f64>, start_inverse: Option<DMatrix<f64>>) -> Option<Refined> {
    let m = b.nrows();
    let noise = 32.0 * f64::EPSILON * size;
    let sparse = SparseColumns::new(b);
    let mut w = match start_inverse {
        Some(w) => w,
        None => inverse(v.clone())?,
    };
    let mut last = f64::INFINITY;
    for sweep in 0..=MAX_SWEEPS {
        let e = product(&w, &sparse.product(&v));
        let mut f = DMatrix::zeros(m, m);
        let mut largest: f64 = 0.0;
        let mut off: f64 = 0.0;
        for j in 0..m {
            for i in 0..m {
                if i == j {
                    continue;
                }
                let gap = e[(j, j)] - e[(i, i)];
                let x = e[(i, j)];
                if !x.is_finite() {
                    return None;
                }
                // A repeated rate whose modes do not mix: nothing to remove.
                if x.abs() <= noise && gap.abs() <= 1e3 * noise {
                    continue;
                }
                off = off.max(x.abs());
                f[(i, j)] = x / gap;
                largest = largest.max(f[(i, j)].abs());
            }
        }
        let settled = off <= 4.0 * f64::EPSILON * size;
        // Below 1e-13 the products' own rounding decides; stop when it no longer falls.
        let stalled = off <= noise && off > 0.25 * last;
        if settled || stalled {
            let rates = (0..m).map(|k| e[(k, k)]).collect();
            return Some((rates, v, w, sweep));
        }
        if largest > 1.0 || sweep == MAX_SWEEPS {
            return None;
        }
        last = off;
        for k in 0..m {
            f[(k, k)] = 1.0;
        }
        v = product(&v, &f);
        w = inverse(v.clone())?;
    }
    None
}

/// Turns after which a Schur form is given up: it takes two or three a state.
const SCHUR_TURNS: usize = 10_000;

/// Right modes from a real Schur form; `None` if a rate is complex.
fn schur_start(b: &DMatrix<f64>, size: f64) -> Option<DMatrix<f64>> {
    let m = b.nrows();
    let (q, t) = Schur::try_new(b.clone(), f64::EPSILON, SCHUR_TURNS)?.unpack();
    for i in 1..m {
        if t[(i, i - 1)].abs() > 1e-13 * size {
            return None;
        }
    }
    let tiny = f64::EPSILON * size;
    let mut x = DMatrix::<f64>::identity(m, m);
    for j in 0..m {
        for i in (0..j).rev() {
            let mut r = 0.0;
            for k in i + 1..=j {
                r += t[(i, k)] * x[(k, j)];
            }
            let gap = t[(j, j)] - t[(i, i)];
            x[(i, j)] = if gap.abs() > tiny {
                r / gap
            } else if r.abs() <= 32.0 * tiny {
                0.0
            } else {
                return None;
            };
        }
    }
    let mut v = product(&q, &x);
    for k in 0..m {
        let norm = v.column(k).iter().fold(0.0, |s, v| s + v * v).sqrt();
        for i in 0..m {
            v[(i, k)] /= norm;
        }
    }
    Some(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::dense::apply;

    #[test]
    fn exchange_without_a_loop_has_upright_modes_at_once_in_any_unit() {
        for unit in [1.0, 1e-3, 1e4] {
            let a = DMatrix::from_row_slice(2, 2, &[-40.5, 3.0 / unit, 40.0 * unit, -3.0]);
            let quality = decompose(&a).unwrap().quality;
            assert!((quality.condition - 1.0).abs() < 1e-12, "{unit:e} {quality:?}");
            assert_eq!(quality.sweeps, 0, "{unit:e}");
        }
    }

    #[test]
    fn the_error_of_the_inverse_is_told_for_modes_of_length_one() {
        // A one-way chain that grows: modes of very different lengths, and the worst error between
        // two of them that are both longer than one.
        let rate = |j: usize| 0.97 + 0.13 * j as f64 + 0.07 * (j * j) as f64;
        let a = DMatrix::from_fn(5, 5, |i, j| match i.checked_sub(j) {
            Some(0) => -rate(j),
            Some(1) => 4.7 * rate(j),
            _ => 0.0,
        });
        let modal = decompose(&a).unwrap();
        let lengths: Vec<f64> = modal.right.column_iter().map(|v| v.norm()).collect();
        assert!(lengths.iter().any(|l| *l > 100.0));
        let unit = product(&modal.left, &modal.right) - DMatrix::identity(5, 5);
        let off = |k: usize, l: usize| unit[(k, l)].abs() * lengths[k] / lengths[l];
        let worst = (0..25).map(|e| off(e / 5, e % 5)).fold(0.0, f64::max);
        assert!(worst > 0.0);
        let told = modal.quality.inverse_error;
        assert!(told > 0.9 * worst && told < 1.1 * worst, "{told:e} {worst:e}");
    }

    #[test]
    fn a_schur_form_gives_the_modes_of_a_loop_with_real_rates_and_of_no_other() {
        let start = |a: &DMatrix<f64>| schur_start(a, one_norm(a));
        let a = DMatrix::from_row_slice(3, 3, &[-1.0, 0.0, 0.02, 1.0, -3.0, 0.0, 0.0, 3.0, -6.0]);
        let v = start(&a).unwrap();
        for mode in v.column_iter() {
            let grown = apply(&a, mode.as_slice());
            let rate: f64 = grown.iter().zip(mode.iter()).map(|(g, v)| g * v).sum();
            assert!((mode.norm() - 1.0).abs() < 1e-14);
            assert!(grown.iter().zip(mode.iter()).all(|(g, v)| (g - rate * v).abs() < 1e-13));
        }
        assert!(inverse(v).is_some());
        // A repeated rate may have two modes, or one.
        let two = DMatrix::from_diagonal_element(2, 2, -2.0);
        assert_eq!(start(&two), Some(DMatrix::identity(2, 2)));
        let one = DMatrix::from_row_slice(2, 2, &[-2.0, 1.0, 0.0, -2.0]);
        assert_eq!(start(&one), None);
        let ring = DMatrix::from_row_slice(3, 3, &[-1.0, 0.0, 1.0, 1.0, -1.0, 0.0, 0.0, 1.0, -1.0]);
        assert_eq!(start(&ring), None);
        for unit in [1.0, 1e-8] {
            let turning = DMatrix::from_row_slice(2, 2, &[-1.0, 2.0, -3.0, -2.0]);
            assert_eq!(start(&(turning * unit)), None);
        }
    }

    #[test]
    fn modes_that_rounding_cannot_tell_apart_are_given_up() {
        // Triangular, so that its Schur form is itself, and of size 1: rates one or two units apart.
        let apart = |units: f64| DMatrix::from_row_slice(2, 2, &[-1.0 - units * f64::EPSILON, 1.0, 0.0, -1.0]);
        assert_eq!(schur_start(&apart(1.0), 1.0), None);
        assert_eq!(schur_start(&(apart(1.0) * 1024.0), 1024.0), None, "in any unit");
        // The second mode leans on the first: (1, 2 units) to a slope.
        let v = schur_start(&apart(2.0), 1.0).unwrap();
        assert_eq!(v[(1, 1)], 2.0 * f64::EPSILON);
    }

    #[test]
    fn sweeps_end_where_the_rounding_of_slanted_modes_keeps_them_from_falling() {
        // A one-way chain whose modes lean on one another: the products round by a few units more
        // than what counts as settled, sweep after sweep.
        let rates = [1.0, 1.381, 1.784, 2.209];
        let b = DMatrix::from_fn(4, 4, |i, j| match i.checked_sub(j) {
            Some(0) => -rates[j],
            Some(1) => 2.0,
            _ => 0.0,
        });
        let size = one_norm(&b);
        let start = schur_start(&b, size).unwrap();
        let (found, v, w, sweeps) = refine(&b, size, start, None).unwrap();
        let e = product(&w, &SparseColumns::new(&b).product(&v));
        let off = (0..16).filter(|k| k / 4 != k % 4).map(|k| e[(k / 4, k % 4)].abs());
        let off = off.fold(0.0, f64::max) / (f64::EPSILON * size);
        assert!((4.0..32.0).contains(&off), "{off}");
        assert!(0 < sweeps && sweeps < MAX_SWEEPS, "{sweeps}");
        for rate in rates {
            assert!(found.iter().any(|f| (f + rate).abs() < 1e-13), "{rate} {found:?}");
        }
    }

    #[test]
    fn scales_go_along_the_strongest_links_from_the_first_state() {
        // Each link as (one, other, strength, ratio of the two flows): `a(other, one)` is strength
        // times the root of the ratio, and the scale of `other` is that of `one` times that root.
        let linked = |links: [(usize, usize, f64, f64); 3]| {
            let mut a = DMatrix::from_diagonal_element(3, 3, -9.0);
            for (one, other, strength, root) in links {
                a[(other, one)] = strength * root;
                a[(one, other)] = strength / root;
            }
            scaling(&a)
        };
        // Weak to the second state by itself, so by way of the third; and the states the other way round.
        let (weak, middle, strong) = (0.25, 0.5, 1.0);
        assert_eq!(
            linked([(0, 1, strong, 2.0), (0, 2, weak, 64.0), (1, 2, middle, 4.0)]),
            [1.0, 2.0, 8.0]
        );
        assert_eq!(
            linked([(0, 2, strong, 2.0), (0, 1, weak, 64.0), (2, 1, middle, 4.0)]),
            [1.0, 8.0, 2.0]
        );
        // Of two states at equal links the first comes first; of two equal links to one state the older counts.
        assert_eq!(
            linked([(0, 1, 1.0, 2.0), (0, 2, 1.0, 64.0), (1, 2, 2.0, 4.0)]),
            [1.0, 2.0, 8.0]
        );
        assert_eq!(
            linked([(0, 1, 2.0, 2.0), (0, 2, 1.0, 64.0), (1, 2, 1.0, 4.0)]),
            [1.0, 2.0, 64.0]
        );
        // One way round there is nothing to balance.
        let ring = DMatrix::from_row_slice(3, 3, &[-1.0, 0.0, 5.0, 7.0, -1.0, 0.0, 0.0, 3.0, -1.0]);
        assert_eq!(scaling(&ring), [1.0, 1.0, 1.0]);
    }

    #[test]
    fn a_decomposition_is_judged_in_balanced_units_and_may_be_as_bad_as_its_limits() {
        // Size 1; the second mode is (0, 8), of length 2 in units of (1, 4).
        let flow = DMatrix::from_diagonal(&nalgebra::dvector![-1.0, 0.0]);
        let v = DMatrix::from_diagonal(&nalgebra::dvector![1.0, 8.0]);
        let judged = |rate: f64, slant: f64| {
            let w = DMatrix::from_row_slice(2, 2, &[1.0, slant, 0.0, 0.125]);
            check(&flow, &v, &w, &[-1.0, rate], &[], &[1.0, 4.0], 3)
        };
        // A rate off by r leaves 8 r, which is 2 r balanced and r relative to the mode's length. A slant
        // of e leaves 8 e between modes of length 1 and 2.
        let quality = Quality {
            condition: 1.0,
            residual: RESIDUAL_LIMIT,
            inverse_error: INVERSE_LIMIT,
            sweeps: 3,
        };
        assert_eq!(judged(RESIDUAL_LIMIT, INVERSE_LIMIT / 4.0), Ok(quality));
        let residual = 2.0 * RESIDUAL_LIMIT;
        assert_eq!(judged(residual, 0.0), Err(FallbackReason::Residual { residual }));
        let residual = 2.0 * INVERSE_LIMIT;
        assert_eq!(judged(0.0, residual / 4.0), Err(FallbackReason::Residual { residual }));
    }

    #[test]
    fn sweeps_begin_only_where_no_mode_leans_on_another_by_more_than_its_length() {
        // Triangular with rates 1 apart: the second mode is the first times -x, plus its own.
        let start = |x: f64| {
            let b = DMatrix::from_row_slice(2, 2, &[-1.0, x, 0.0, -2.0]);
            refine(&b, one_norm(&b), DMatrix::identity(2, 2), None)
        };
        let (rates, v, w, sweeps) = start(1.0).unwrap();
        assert_eq!((rates, sweeps), (vec![-1.0, -2.0], 1));
        assert_eq!(v, DMatrix::from_row_slice(2, 2, &[1.0, -1.0, 0.0, 1.0]));
        assert_eq!(w, DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 0.0, 1.0]));
        assert!(start(1.5).is_none() && start(3.0).is_none());
    }

    #[test]
    fn a_turn_as_slow_as_its_bound_counts_as_none() {
        // Complex by 1e-14 at most, next to a size of 1: a repeated rate with two modes.
        let turning = |back: f64| DMatrix::from_row_slice(2, 2, &[-1.0, -6e-15, back, -1.0]);
        assert_eq!(schur_start(&turning(1e-13), 1.0), Some(DMatrix::identity(2, 2)));
        assert_eq!(schur_start(&turning(2e-13), 1.0), None);
    }
}
