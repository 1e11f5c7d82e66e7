//! The matrix exponential: the method that needs nothing from the matrix.
//!
//! `Φ(t) = exp(A t)` and `Γ(t) = ∫₀ᵗ exp(A s) ds`, from a Taylor sum over a step so
//! short that `|A| h <= 1/2`, then doubled: `Γ(2h) = Γ + Φ Γ`, `Φ(2h) = Φ Φ`. For
//! compartment matrices (no negative entry off the diagonal) every `Φ` is
//! non-negative, so doubling cancels nothing.

use nalgebra::DMatrix;

use super::dense::{SparseColumns, apply, apply_into, one_norm, product};

/// `Φ` and `Γ` of one step length.
#[derive(Debug, Clone)]
pub struct Propagator {
    /// Step length \[h\].
    pub step_h: f64,
    phi: DMatrix<f64>,
    gamma: DMatrix<f64>,
}

impl Propagator {
    /// The propagator of `a` over `step_h` \[h\], which must be finite and not negative.
    pub fn new(a: &DMatrix<f64>, step_h: f64) -> Propagator {
        let n = a.nrows();
        let identity = DMatrix::<f64>::identity(n, n);
        let size = one_norm(a) * step_h;
        let mut doublings = 0;
        let mut h = step_h;
        // 1100 halvings exhaust the range of f64.
        while size * libm::scalbn(1.0, -doublings) > 0.5 && doublings < 1100 {
            doublings += 1;
            h *= 0.5;
        }
        let step = SparseColumns::new(&(a * h));
        // Γ = h Σ (A h)^k / (k + 1)!, by Horner; 16 terms leave 2^-17 / 17! < 1e-19.
        let mut series = identity.clone();
        for k in (1..=16).rev() {
            let mut next = step.product(&series);
            next /= (k + 1) as f64;
            series = next + &identity;
        }
        let mut phi = step.product(&series) + &identity;
        let mut gamma = series * h;
        for _ in 0..doublings {
            gamma = product(&phi, &gamma) + &gamma;
            phi = product(&phi, &phi);
        }
        Propagator { step_h, phi, gamma }
    }

    /// `Φ x + Γ b`.
    pub fn advance(&self, x: &[f64], b: &[f64]) -> Vec<f64> {
        let free = apply(&self.phi, x);
        let forced = apply(&self.gamma, b);
        free.iter().zip(&forced).map(|(x, b)| x + b).collect()
    }

    /// `Φ`.
    pub(super) fn phi(&self) -> &DMatrix<f64> {
        &self.phi
    }

    /// Adds `Φ x` to `y`.
    pub(super) fn add_free(&self, x: &[f64], y: &mut [f64]) {
        for (column, &x) in self.phi.as_slice().chunks_exact(y.len()).zip(x) {
            for (y, a) in y.iter_mut().zip(column) {
                *y += a * x;
            }
        }
    }

    /// `Γ b`, in the place of what `y` held.
    pub(super) fn drift(&self, b: &[f64], y: &mut [f64]) {
        apply_into(&self.gamma, b, y);
    }

    /// Adds to `x` what one jump and one rate into a state have become after the step.
    pub(super) fn add_column(&self, state: usize, jump: f64, rate: f64, x: &mut [f64]) {
        let (free, driven) = (self.phi.column(state), self.gamma.column(state));
        for (x, (f, d)) in x.iter_mut().zip(free.iter().zip(driven.iter())) {
            *x += f * jump + d * rate;
        }
    }
}
