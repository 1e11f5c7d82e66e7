//! Dense products and inverses in one fixed order of summation.
//!
//! nalgebra's own product chooses instructions by what the processor offers and
//! fuses multiply and add, which changes the last bit, so it is not used where results
//! must be the same on every machine. Here the same additions and multiplications
//! are done in the same order with vectors as wide as the processor has
//! ([`wide`]); without fusing, their width cannot be seen in the result.

use nalgebra::DMatrix;

use super::wide::{Kernel, wide};

/// `a b`, each entry summed over four columns of `a` at a time.
pub(crate) fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let (n, m) = a.shape();
    debug_assert_eq!(m, b.nrows());
    let mut c = DMatrix::zeros(n, b.ncols());
    if n == 0 || m == 0 {
        return c;
    }
    wide(Product {
        a: a.as_slice(),
        b: b.as_slice(),
        n,
        m,
        c: c.as_mut_slice(),
    });
    c
}

/// `c += a b`.
struct Product<'a> {
    /// n rows, m columns.
    a: &'a [f64],
    /// m rows.
    b: &'a [f64],
    n: usize,
    m: usize,
    /// n rows.
    c: &'a mut [f64],
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run(self) {
        product_into(self.a, self.b, self.n, self.m, self.c);
    }
}

#[inline(always)]
fn product_into(a: &[f64], b: &[f64], n: usize, m: usize, c: &mut [f64]) {
    let mut pairs = c.chunks_exact_mut(2 * n);
    let mut factors = b.chunks_exact(2 * m);
    // Two columns at a time: what is read of `a` serves both.
    for (c, b) in pairs.by_ref().zip(factors.by_ref()) {
        let (left, right) = c.split_at_mut(n);
        let (bl, br) = b.split_at(m);
        let mut k = 0;
        while k + 4 <= m {
            let (l, r) = (&bl[k..k + 4], &br[k..k + 4]);
            if l.iter().chain(r).any(|v| *v != 0.0) {
                let (a0, rest) = a[k * n..(k + 4) * n].split_at(n);
                let (a1, rest) = rest.split_at(n);
                let (a2, a3) = rest.split_at(n);
                let rows = a0.iter().zip(a1).zip(a2).zip(a3);
                for ((left, right), (((a0, a1), a2), a3)) in left.iter_mut().zip(right.iter_mut()).zip(rows) {
                    *left += (a0 * l[0] + a1 * l[1]) + (a2 * l[2] + a3 * l[3]);
                    *right += (a0 * r[0] + a1 * r[1]) + (a2 * r[2] + a3 * r[3]);
                }
            }
            k += 4;
        }
        rest_of_column(a, n, k, bl, left);
        rest_of_column(a, n, k, br, right);
    }
    let last = pairs.into_remainder();
    let b = factors.remainder();
    if !last.is_empty() {
        let mut k = 0;
        while k + 4 <= m {
            let l = &b[k..k + 4];
            if l.iter().any(|v| *v != 0.0) {
                let (a0, rest) = a[k * n..(k + 4) * n].split_at(n);
                let (a1, rest) = rest.split_at(n);
                let (a2, a3) = rest.split_at(n);
                for ((((c, a0), a1), a2), a3) in last.iter_mut().zip(a0).zip(a1).zip(a2).zip(a3) {
                    *c += (a0 * l[0] + a1 * l[1]) + (a2 * l[2] + a3 * l[3]);
                }
            }
            k += 4;
        }
        rest_of_column(a, n, k, b, last);
    }
}

/// The columns of `a` from `k` on, fewer than four, for one column of a product.
#[inline(always)]
fn rest_of_column(a: &[f64], n: usize, k: usize, b: &[f64], c: &mut [f64]) {
    for (k, &bk) in b.iter().enumerate().skip(k) {
        if bk != 0.0 {
            for (c, a) in c.iter_mut().zip(&a[k * n..(k + 1) * n]) {
                *c += a * bk;
            }
        }
    }
}

/// `m x`.
pub(crate) fn apply(m: &DMatrix<f64>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; m.nrows()];
    apply_into(m, x, &mut y);
    y
}

/// The same, in place of what `y` held.
pub(crate) fn apply_into(m: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    y.fill(0.0);
    if y.is_empty() {
        return;
    }
    for (column, &xk) in m.as_slice().chunks_exact(m.nrows()).zip(x) {
        if xk != 0.0 {
            for (y, a) in y.iter_mut().zip(column) {
                *y += a * xk;
            }
        }
    }
}

/// The non-zero entries of a matrix, by column: `(row, value)`.
pub(crate) struct SparseColumns(Vec<Vec<(usize, f64)>>);

impl SparseColumns {
    pub(crate) fn new(a: &DMatrix<f64>) -> Self {
        let column = |j| {
            let entries = (0..a.nrows()).map(move |i| (i, a[(i, j)]));
            entries.filter(|e| e.1 != 0.0).collect()
        };
        SparseColumns((0..a.ncols()).map(column).collect())
    }

    /// `self m` for a dense `m`.
    pub(crate) fn product(&self, m: &DMatrix<f64>) -> DMatrix<f64> {
        let n = self.0.len();
        let mut c = DMatrix::zeros(n, m.ncols());
        if n == 0 {
            return c;
        }
        for (c, b) in c.as_mut_slice().chunks_exact_mut(n).zip(m.as_slice().chunks_exact(n)) {
            for (column, &b) in self.0.iter().zip(b) {
                if b != 0.0 {
                    for &(i, a) in column {
                        c[i] += a * b;
                    }
                }
            }
        }
        c
    }
}

/// The row, from `k` on, with the largest entry in column `k`.
fn pivot_row(m: &DMatrix<f64>, k: usize) -> usize {
    let mut p = k;
    for i in k..m.nrows() {
        if m[(i, k)].abs() > m[(p, k)].abs() {
            p = i;
        }
    }
    p
}

/// The inverse by Gauss-Jordan elimination with row pivots; `None` if singular.
pub(crate) fn inverse(mut m: DMatrix<f64>) -> Option<DMatrix<f64>> {
    let n = m.nrows();
    let mut swaps = Vec::with_capacity(n);
    let mut pivot_column = vec![0.0; n];
    for k in 0..n {
        let p = pivot_row(&m, k);
        let d = m[(p, k)];
        if d == 0.0 || !d.is_finite() {
            return None;
        }
        swaps.push(p);
        if p != k {
            m.swap_rows(p, k);
        }
        pivot_column.copy_from_slice(&m.as_slice()[k * n..(k + 1) * n]);
        pivot_column[k] = 0.0;
        wide(Eliminate {
            m: m.as_mut_slice(),
            k,
            pivot_column: &pivot_column,
            pivot: d,
        });
    }
    for (k, &p) in swaps.iter().enumerate().rev() {
        if p != k {
            m.swap_columns(p, k);
        }
    }
    Some(m)
}

/// One step of the elimination: row and column `k` change places.
struct Eliminate<'a> {
    /// Square, its pivot in place.
    m: &'a mut [f64],
    k: usize,
    /// Column `k` but for its pivot, which is zero here.
    pivot_column: &'a [f64],
    pivot: f64,
}

impl Kernel for Eliminate<'_> {
    #[inline(always)]
    fn run(self) {
        let (k, d) = (self.k, self.pivot);
        for (j, column) in self.m.chunks_exact_mut(self.pivot_column.len()).enumerate() {
            if j == k {
                for (c, p) in column.iter_mut().zip(self.pivot_column) {
                    *c = -p / d;
                }
                column[k] = 1.0 / d;
            } else if column[k] != 0.0 {
                let f = column[k] / d;
                for (c, p) in column.iter_mut().zip(self.pivot_column) {
                    *c -= p * f;
                }
                column[k] = f;
            }
        }
    }
}

/// Solves `m x = b` in place by elimination with row pivots, passing over zeros; `false` if
/// singular. `m` is used up.
pub(crate) fn solve(m: &mut DMatrix<f64>, b: &mut [f64]) -> bool {
    let n = m.nrows();
    let mut below: Vec<(usize, f64)> = Vec::with_capacity(n);
    for k in 0..n {
        let p = pivot_row(m, k);
        let d = m[(p, k)];
        if d == 0.0 || !d.is_finite() {
            return false;
        }
        if p != k {
            m.swap_rows(p, k);
            b.swap(p, k);
        }
        let rest = k + 1..n;
        below.clear();
        below.extend(rest.clone().map(|i| (i, m[(i, k)] / d)).filter(|e| e.1 != 0.0));
        for j in rest {
            let pivot = m[(k, j)];
            if pivot != 0.0 {
                for &(i, factor) in &below {
                    m[(i, j)] -= factor * pivot;
                }
            }
        }
        for &(i, factor) in &below {
            b[i] -= factor * b[k];
        }
    }
    for k in (0..n).rev() {
        b[k] /= m[(k, k)];
        for i in 0..k {
            b[i] -= m[(i, k)] * b[k];
        }
    }
    b.iter().all(|x| x.is_finite())
}

/// Largest absolute column sum.
pub(crate) fn one_norm(m: &DMatrix<f64>) -> f64 {
    let mut norm: f64 = 0.0;
    for j in 0..m.ncols() {
        norm = norm.max(m.column(j).iter().fold(0.0, |s, v| s + v.abs()));
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: usize) -> DMatrix<f64> {
        DMatrix::from_fn(n, n, |i, j| {
            ((i * 7 + j * 13 + 3) % 11) as f64 - 4.0 + if i == j { 15.0 } else { 0.0 }
        })
    }

    #[test]
    fn wide_vectors_do_not_change_a_bit() {
        let bits = |m: &[f64]| m.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for n in [3, 17, 57, 80] {
            let a = sample(n).map(|v| libm::sin(v * 1.7));
            let b = sample(n).map(|v| libm::cos(v / 3.1));
            let mut narrow = vec![0.0; n * n];
            product_into(a.as_slice(), b.as_slice(), n, n, &mut narrow);
            assert_eq!(bits(product(&a, &b).as_slice()), bits(&narrow));
            let mut column = a.column(1).as_slice().to_vec();
            column[1] = 0.0;
            let (mut one, mut other) = (a.as_slice().to_vec(), a.as_slice().to_vec());
            let step = |m| Eliminate {
                m,
                k: 1,
                pivot_column: &column,
                pivot: 0.7,
            };
            wide(step(&mut one));
            step(&mut other).run();
            assert_eq!(bits(&one), bits(&other));
        }
    }

    #[test]
    fn product_agrees_with_a_triple_loop_at_every_remainder() {
        for n in 1..10 {
            let (a, b) = (sample(n), sample(n).transpose());
            let c = product(&a, &b);
            let s = SparseColumns::new(&a).product(&b);
            for i in 0..n {
                for j in 0..n {
                    let exact: f64 = (0..n).map(|k| a[(i, k)] * b[(k, j)]).sum();
                    assert_eq!(c[(i, j)], exact, "integers are summed exactly");
                    assert_eq!(s[(i, j)], exact);
                }
            }
        }
    }

    #[test]
    fn a_product_over_nothing_is_zero_and_one_without_rows_is_empty() {
        let made = |n, m| product(&DMatrix::zeros(n, m), &DMatrix::zeros(m, 2));
        assert_eq!(made(3, 0), DMatrix::zeros(3, 2));
        assert_eq!(made(0, 3), DMatrix::zeros(0, 2));
    }

    #[test]
    fn a_system_is_solved_and_a_singular_one_refused() {
        let mut a = sample(9);
        a.swap_rows(0, 5);
        let x: Vec<f64> = (0..9).map(|i| f64::from(i) - 3.5).collect();
        let mut b = apply(&a, &x);
        assert!(solve(&mut a.clone(), &mut b));
        assert!(b.iter().zip(&x).all(|(b, x)| (b - x).abs() < 1e-13));
        a.set_column(2, &(a.column(3) * 0.0));
        assert!(!solve(&mut a, &mut b));
    }

    #[test]
    fn inverse_undoes_the_matrix_and_refuses_a_singular_one() {
        let mut a = sample(9);
        a.swap_rows(0, 5); // so that pivots are needed
        let w = inverse(a.clone()).unwrap();
        let e = product(&w, &a) - DMatrix::identity(9, 9);
        assert!(e.amax() < 1e-13, "{}", e.amax());
        a.set_column(3, &(a.column(2) * 1.0));
        a.set_column(2, &(a.column(3) * 0.0));
        assert!(inverse(a).is_none());
    }
}
