//! Linear systems `x' = A x + b` with `b` constant between events, solved exactly.
//!
//! State is kept as coordinates *at an origin*; asking for a later instant never
//! changes it. Only [`LinearSystem::advance`] makes a new origin, and a caller does
//! that when something really changes (a rate, a bolus), never to look.
//!
//! ```
//! use itbsim::numerics::LinearSystem;
//! use nalgebra::DMatrix;
//!
//! // 0.5 /h from one compartment into a sink, 3 ug/h coming in.
//! let a = DMatrix::from_row_slice(2, 2, &[-0.5, 0.0, 0.5, 0.0]);
//! let system = LinearSystem::new(a).unwrap();
//! let start = system.coordinates(&[10.0, 0.0]);
//! let infusion = system.forcing(&[3.0, 0.0]);
//! let amount = system.output(&[1.0, 0.0]);
//!
//! let mut scratch = system.scratch();
//! system.look(&start, &infusion, 2.0, &mut scratch);
//! let at_2h = system.evaluate(&amount, &scratch);
//! assert!((at_2h - (6.0 + 4.0 * (-1.0f64).exp())).abs() < 1e-14);
//! ```

use std::sync::{Arc, OnceLock};

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::bundle::{Bundle, Rows};
use super::decay::{exp_and_integral, exps_and_integrals};
use super::dense::{apply, apply_into, one_norm, solve};
use super::error::NumericsError;
use super::exponential::Propagator;
use super::modal::{Coupling, FallbackReason, Modal, Quality, decompose};
use super::trajectory::{ExponentialSum, Term, power_pairs};

/// Steps of the exponential method: `2^k` hours for `k` from the first of these to the last.
const LADDER: (i32, i32) = (-16, 20);
/// What is shorter than the shortest step, 0.05 s, is a sum of so many terms if `|A| t` is below
/// [`REST`]; the next one is under 1e-21.
const REST_TERMS: usize = 8;
const REST: f64 = 1.0 / 64.0;

/// How a system is solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// By its modes; outputs are sums of exponentials.
    Modal,
    /// By the matrix exponential of each step length, for the reason given.
    Exponential(FallbackReason),
}

/// The state at an origin: modal amplitudes, or plain states under
/// [`Method::Exponential`]. Meaningful only to the system that made it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Coordinates {
    values: Vec<f64>,
}

/// A constant input `b` in the same coordinates.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Forcing {
    values: Vec<f64>,
}

/// Weights of an output `y = w x` in the same coordinates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputRow {
    weights: Vec<f64>,
    /// Weights on `t^k/k! exp(λt)` of repeated rates, in the order of the slots.
    repeated: Vec<f64>,
}

impl OutputRow {
    /// One weight per coordinate.
    pub(crate) fn weights(&self) -> &[f64] {
        &self.weights
    }
}

/// The state at an instant that was looked at, shared by all outputs asked of it.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// Coordinates at that instant.
    values: Vec<f64>,
    decay: Vec<f64>,
    integral: Vec<f64>,
    repeated: Vec<(f64, f64)>,
    stamp: Option<(Arc<()>, f64)>,
    /// Whether the values are plain states, seen without a system.
    plain: bool,
}

impl Scratch {
    /// Takes plain states in the place of a look; gives them, to be brought up to date.
    pub(crate) fn take_plain(&mut self, states: &[f64]) -> &mut [f64] {
        self.stamp = None;
        self.plain = true;
        self.values.clear();
        self.values.extend_from_slice(states);
        &mut self.values
    }

    /// Whether plain states were taken.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// The sum of all values with these weights.
    pub(crate) fn weighed(&self, weights: &[f64]) -> f64 {
        assert_eq!(self.values.len(), weights.len(), "look() comes first");
        dot(weights, &self.values)
    }

    /// As [`Scratch::weighed`], of the weights that are not zero.
    pub(crate) fn weighed_by(&self, weights: &SparseWeights) -> f64 {
        weights.dot(&self.values)
    }

    /// Makes the instant looked at the origin of `c`.
    pub(crate) fn advance(&self, c: &mut Coordinates) {
        c.values.clone_from(&self.values);
    }

    /// Whether this is the look of `stamp`'s owner at `dt_h` \[h\].
    pub(crate) fn is_of(&self, stamp: &Arc<()>, dt_h: f64) -> bool {
        let of = self.stamp.as_ref();
        of.is_some_and(|(own, dt)| Arc::ptr_eq(own, stamp) && *dt == dt_h)
    }

    /// Says whose look this is, who changes its stamp with every change of its state.
    pub(crate) fn sign(&mut self, stamp: &Arc<()>, dt_h: f64) {
        self.stamp = Some((stamp.clone(), dt_h));
    }
}

/// Weights of which most are zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SparseWeights {
    states: usize,
    /// Place and weight, in order.
    weights: Vec<(usize, f64)>,
}

impl SparseWeights {
    pub(crate) fn new(weights: &[f64]) -> Self {
        let all = weights.iter().copied().enumerate();
        SparseWeights {
            states: weights.len(),
            weights: all.filter(|(_, w)| *w != 0.0).collect(),
        }
    }

    /// `Σ w x`, with the bits of [`dot`]: what is left out there adds zero.
    fn dot(&self, x: &[f64]) -> f64 {
        assert_eq!(x.len(), self.states, "one value per state");
        let whole = self.states / 4 * 4;
        let mut sums = [0.0; 4];
        let behind = self.weights.partition_point(|(i, _)| *i < whole);
        for (i, w) in &self.weights[..behind] {
            sums[i % 4] += w * x[*i];
        }
        let mut total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        for (i, w) in &self.weights[behind..] {
            total += w * x[*i];
        }
        total
    }
}

/// A source mode and the power of `t` that a repeated rate gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slot {
    from: usize,
    power: u32,
    /// Where its pair of values stands in [`Scratch::repeated`].
    place: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Repeated {
    rate: f64,
    highest: u32,
    start: usize,
}

#[derive(Debug, Clone)]
struct ModalSystem {
    modal: Modal,
    slots: Vec<Slot>,
    /// Each repeated rate with its highest power, and where its pairs begin.
    repeated: Vec<Repeated>,
    /// Whether a mode grows.
    grows: bool,
}

#[derive(Debug)]
struct ExponentialSystem {
    reason: FallbackReason,
    /// Propagators over the steps of [`LADDER`], each made when it is first needed: any time is
    /// a sum of a few of them, so a question costs no new exponential.
    steps: Vec<OnceLock<Propagator>>,
}

impl Clone for ExponentialSystem {
    fn clone(&self) -> Self {
        ExponentialSystem::new(self.reason)
    }
}

#[derive(Debug, Clone)]
enum Solver {
    Modal(ModalSystem),
    Exponential(ExponentialSystem),
}

/// `x' = A x + b`, decomposed once and then asked at any instant.
///
/// Amounts are in one unit (the caller's, \[ug\] in this crate), rates in \[1/h\],
/// times in \[h\]. Methods that take a slice of states panic if its length is not
/// [`LinearSystem::dim`]: that is a slip in the calling code, not in the data.
#[derive(Debug, Clone)]
pub struct LinearSystem {
    a: DMatrix<f64>,
    solver: Solver,
}

impl LinearSystem {
    /// Decompose `a` \[1/h\], where `a[(i, j)]` is the flow from state `j` into `i`.
    ///
    /// Falls back to the matrix exponential where modes would lose accuracy; see
    /// [`LinearSystem::method`].
    ///
    /// # Errors
    /// [`NumericsError::NotSquare`] and [`NumericsError::NotFinite`].
    pub fn new(a: DMatrix<f64>) -> Result<LinearSystem, NumericsError> {
        validate(&a)?;
        let solver = match decompose(&a) {
            Ok(modal) => Solver::Modal(ModalSystem::new(modal)),
            Err(reason) => exponential(reason),
        };
        Ok(LinearSystem { a, solver })
    }

    /// Whether [`LinearSystem::new`] would accept the matrix.
    ///
    /// # Errors
    /// As [`LinearSystem::new`].
    pub fn check(a: &DMatrix<f64>) -> Result<(), NumericsError> {
        validate(a)
    }

    /// The same system by the matrix exponential, for comparison.
    ///
    /// # Errors
    /// As [`LinearSystem::new`].
    pub fn by_exponential(a: DMatrix<f64>) -> Result<LinearSystem, NumericsError> {
        validate(&a)?;
        Ok(LinearSystem {
            a,
            solver: exponential(FallbackReason::Requested),
        })
    }

    /// Number of states.
    pub fn dim(&self) -> usize {
        self.a.nrows()
    }

    /// The matrix \[1/h\].
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.a
    }

    /// How the system is solved.
    pub fn method(&self) -> Method {
        match &self.solver {
            Solver::Modal(_) => Method::Modal,
            Solver::Exponential(e) => Method::Exponential(e.reason),
        }
    }

    /// The rates of the modes \[1/h\], slow first; empty under the exponential.
    pub fn rates(&self) -> &[f64] {
        match &self.solver {
            Solver::Modal(m) => &m.modal.rates,
            Solver::Exponential(_) => &[],
        }
    }

    /// The checks that the modes passed.
    pub fn quality(&self) -> Option<Quality> {
        match &self.solver {
            Solver::Modal(m) => Some(m.modal.quality),
            Solver::Exponential(_) => None,
        }
    }

    /// Coordinates of the state `x`.
    pub fn coordinates(&self, x: &[f64]) -> Coordinates {
        Coordinates { values: self.inward(x) }
    }

    /// Coordinates of the constant input `b` \[amount/h\].
    pub fn forcing(&self, b: &[f64]) -> Forcing {
        Forcing { values: self.inward(b) }
    }

    /// The same in the place of an older one.
    pub fn force(&self, b: &[f64], f: &mut Forcing) {
        assert_eq!(b.len(), self.dim(), "one value per state");
        match &self.solver {
            Solver::Modal(m) => apply_into(&m.modal.left, b, &mut f.values),
            Solver::Exponential(_) => f.values.clone_from_slice(b),
        }
    }

    fn inward(&self, x: &[f64]) -> Vec<f64> {
        assert_eq!(x.len(), self.dim(), "one value per state");
        match &self.solver {
            Solver::Modal(m) => apply(&m.modal.left, x),
            Solver::Exponential(_) => x.to_vec(),
        }
    }

    /// The state at the origin of `c`. An empty compartment may come back as plus
    /// or minus rounding, about 1e-16 of the largest amount.
    pub fn physical(&self, c: &Coordinates) -> Vec<f64> {
        match &self.solver {
            Solver::Modal(m) => apply(&m.modal.right, &c.values),
            Solver::Exponential(_) => c.values.clone(),
        }
    }

    /// Put `amount` into state `index` at the origin of `c`.
    pub fn add(&self, c: &mut Coordinates, index: usize, amount: f64) {
        match &self.solver {
            Solver::Modal(m) => {
                let column = m.modal.left.column(index);
                for (c, w) in c.values.iter_mut().zip(column.iter()) {
                    *c += w * amount;
                }
            }
            Solver::Exponential(_) => c.values[index] += amount,
        }
    }

    /// The output `Σ weights[i] x[i]`.
    pub fn output(&self, weights: &[f64]) -> OutputRow {
        assert_eq!(weights.len(), self.dim(), "one weight per state");
        let Solver::Modal(m) = &self.solver else {
            return OutputRow {
                weights: weights.to_vec(),
                repeated: Vec::new(),
            };
        };
        let used: Vec<(usize, f64)> = weights.iter().copied().enumerate().filter(|e| e.1 != 0.0).collect();
        let right = m.modal.right.as_slice().chunks_exact(self.dim());
        let modal: Vec<f64> = right
            .map(|mode| used.iter().fold(0.0, |s, &(i, w)| s + mode[i] * w))
            .collect();
        let on_slot = |slot: &Slot| {
            let entries = &m.modal.powers[slot.power as usize - 1];
            let own = entries.iter().filter(|c| c.from == slot.from);
            own.fold(0.0, |s, c| s + modal[c.to] * c.value)
        };
        let repeated = m.slots.iter().map(on_slot).collect();
        OutputRow {
            weights: modal,
            repeated,
        }
    }

    /// The coordinates `dt_h` \[h\] later under constant input `f`: a new origin.
    pub fn advance(&self, c: &Coordinates, f: &Forcing, dt_h: f64) -> Coordinates {
        let mut scratch = self.scratch();
        self.look(c, f, dt_h, &mut scratch);
        Coordinates { values: scratch.values }
    }

    /// An empty scratch, to be reused.
    pub fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Look at the instant `dt_h` \[h\] after the origin of `c` under constant input `f`,
    /// for any number of outputs.
    pub fn look(&self, c: &Coordinates, f: &Forcing, dt_h: f64, scratch: &mut Scratch) {
        scratch.stamp = None;
        scratch.plain = false;
        scratch.values.clear();
        if dt_h == 0.0 {
            scratch.values.extend_from_slice(&c.values);
            return;
        }
        let m = match &self.solver {
            Solver::Modal(m) => m,
            Solver::Exponential(e) => {
                scratch.values = e.advance(&self.a, &c.values, &f.values, dt_h);
                return;
            }
        };
        let rates = &m.modal.rates;
        scratch.decay.clear();
        scratch.integral.clear();
        if m.grows {
            for &rate in rates {
                let (decay, integral) = exp_and_integral(rate, dt_h);
                scratch.decay.push(decay);
                scratch.integral.push(integral);
            }
        } else {
            exps_and_integrals(rates, dt_h, &mut scratch.decay, &mut scratch.integral);
        }
        let state = c.values.iter().zip(&f.values);
        let time = scratch.decay.iter().zip(&scratch.integral);
        scratch
            .values
            .extend(state.zip(time).map(|((z, f), (e, p))| z * e + f * p));
        m.repeated_pairs(dt_h, &mut scratch.repeated);
        m.add_repeated(&mut scratch.values, c, f, &scratch.repeated);
    }

    /// Make the instant looked at the origin of `c`.
    pub fn advance_to(&self, c: &mut Coordinates, scratch: &Scratch) {
        scratch.advance(c);
    }

    /// The output at the instant looked at.
    ///
    /// Panics if `scratch` never saw a look of this system.
    pub fn evaluate(&self, row: &OutputRow, scratch: &Scratch) -> f64 {
        assert_eq!(scratch.values.len(), self.dim(), "look() comes first");
        dot(&row.weights, &scratch.values)
    }

    /// The output as a function of the time since the origin \[h\].
    ///
    /// # Errors
    /// [`NumericsError::NoModes`] under [`Method::Exponential`]; the caller samples
    /// instead and says so.
    pub fn trajectory(&self, row: &OutputRow, c: &Coordinates, f: &Forcing) -> Result<ExponentialSum, NumericsError> {
        let m = match &self.solver {
            Solver::Modal(m) => m,
            Solver::Exponential(e) => return Err(NumericsError::NoModes { reason: e.reason }),
        };
        let term = |weight: f64, from: usize, power: u32| Term {
            amplitude: weight * c.values[from],
            forcing: weight * f.values[from],
            rate: m.modal.rates[from],
            power,
        };
        let plain = row.weights.iter().enumerate().map(|(k, &w)| term(w, k, 0));
        let slots = row.repeated.iter().zip(&m.slots);
        let repeated = slots.map(|(&w, s)| term(w, s.from, s.power));
        Ok(ExponentialSum::new(plain.chain(repeated).collect()))
    }

    /// Several outputs together, to be joined with many states; `None` where there are no modes.
    pub(crate) fn rows<const N: usize>(&self, rows: [&OutputRow; N]) -> Option<Rows<N>> {
        let Solver::Modal(m) = &self.solver else { return None };
        let seen = |slot: usize| rows.iter().any(|row| row.repeated[slot] != 0.0);
        let slots = m.slots.iter().enumerate().filter(|(place, _)| seen(*place));
        let handing = slots.map(|(_, slot)| slot.from).collect();
        Some(Rows::new(&m.modal.rates, rows.map(OutputRow::weights), handing))
    }

    /// These outputs as functions of the time since the origin, for many questions; `None` where
    /// one of them grows, drifts or has powers of time.
    pub(crate) fn bundle<const N: usize>(rows: &Rows<N>, c: &Coordinates, f: &Forcing) -> Option<Bundle<N>> {
        rows.bundle(&c.values, &f.values)
    }

    /// The state that constant input `f` settles to.
    ///
    /// States that only accumulate (a mode of rate zero: an eliminated sink, an
    /// area) never settle; their part is left at zero and the caller ignores them.
    ///
    /// # Errors
    /// [`NumericsError::NoSteadyState`] if a mode grows, or the rest is singular.
    pub fn steady_state(&self, f: &Forcing) -> Result<Vec<f64>, NumericsError> {
        match &self.solver {
            Solver::Modal(m) => m.steady_state(&f.values),
            Solver::Exponential(_) => steady(&self.a, &f.values),
        }
    }
}

/// `Σ w x`.
fn dot(w: &[f64], x: &[f64]) -> f64 {
    let n = w.len();
    let x = &x[..n];
    // Four sums, so that additions need not wait for one another.
    let mut sums = [0.0; 4];
    let quads = w.chunks_exact(4).zip(x.chunks_exact(4));
    for (w, x) in quads {
        for lane in 0..4 {
            sums[lane] += w[lane] * x[lane];
        }
    }
    let mut total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for i in n / 4 * 4..n {
        total += w[i] * x[i];
    }
    total
}

/// The state that `x' = a x + b` settles to, without modes. States that only accumulate
/// (nothing leaves them) never settle; their part is left at zero.
///
/// # Errors
/// [`NumericsError::NoSteadyState`] if what remains is singular.
pub fn steady(a: &DMatrix<f64>, b: &[f64]) -> Result<Vec<f64>, NumericsError> {
    let n = a.nrows();
    // Eliminated in the order of their links, so that few new ones arise.
    let links = |j: usize| {
        let out = nonzeros(a.column(j).iter());
        (out > 0).then(|| nonzeros(a.column(j).iter().chain(a.row(j).iter())))
    };
    let mut kept: Vec<(usize, usize)> = (0..n).filter_map(|j| Some((links(j)?, j))).collect();
    kept.sort_unstable();
    let mut reduced = DMatrix::from_fn(kept.len(), kept.len(), |i, j| a[(kept[i].1, kept[j].1)]);
    let mut right_side: Vec<f64> = kept.iter().map(|&(_, i)| -b[i]).collect();
    if !solve(&mut reduced, &mut right_side) {
        return Err(NumericsError::NoSteadyState {
            detail: "what remains is singular",
        });
    }
    let mut x = vec![0.0; n];
    for (&(_, i), v) in kept.iter().zip(right_side) {
        x[i] = v + 0.0;
    }
    Ok(x)
}

fn nonzeros<'a>(values: impl Iterator<Item = &'a f64>) -> usize {
    values.filter(|v| **v != 0.0).count()
}

impl ModalSystem {
    fn new(modal: Modal) -> ModalSystem {
        let mut repeated: Vec<Repeated> = Vec::new();
        for (k, entries) in modal.powers.iter().enumerate() {
            let power = k as u32 + 1;
            for c in entries {
                let rate = modal.rates[c.from];
                match repeated.iter_mut().find(|r| r.rate == rate) {
                    Some(r) => r.highest = r.highest.max(power),
                    None => repeated.push(Repeated {
                        rate,
                        highest: power,
                        start: 0,
                    }),
                }
            }
        }
        let mut start = 0;
        for r in &mut repeated {
            r.start = start;
            start += r.highest as usize + 1;
        }
        let mut slots: Vec<Slot> = Vec::new();
        for (k, entries) in modal.powers.iter().enumerate() {
            let power = k as u32 + 1;
            for c in entries {
                let group = repeated.iter().find(|r| r.rate == modal.rates[c.from]);
                let place = group.map_or(0, |r| r.start) + power as usize;
                let slot = Slot {
                    from: c.from,
                    power,
                    place,
                };
                if !slots.contains(&slot) {
                    slots.push(slot);
                }
            }
        }
        let grows = modal.rates.iter().any(|r| *r > 0.0);
        ModalSystem {
            modal,
            slots,
            repeated,
            grows,
        }
    }

    /// What modes of equal rate hand on to one another.
    fn add_repeated(&self, next: &mut [f64], c: &Coordinates, f: &Forcing, pairs: &[(f64, f64)]) {
        for (k, entries) in self.modal.powers.iter().enumerate() {
            for &Coupling { to, from, value } in entries {
                let rate = self.modal.rates[from];
                let group = self.repeated.iter().find(|r| r.rate == rate);
                let (g, integral) = pairs[group.map_or(0, |r| r.start) + k + 1];
                next[to] += value * (c.values[from] * g + f.values[from] * integral);
            }
        }
    }

    fn repeated_pairs(&self, dt_h: f64, pairs: &mut Vec<(f64, f64)>) {
        pairs.clear();
        for r in &self.repeated {
            power_pairs(r.rate, dt_h, r.highest, pairs);
        }
    }

    fn steady_state(&self, f: &[f64]) -> Result<Vec<f64>, NumericsError> {
        let rates = &self.modal.rates;
        if rates.iter().any(|r| *r > 0.0) {
            return Err(NumericsError::NoSteadyState { detail: "a mode grows" });
        }
        // z = -(λ + N)⁻¹ f = -(1/λ) Σ (-N/λ)^k f; what only accumulates is reported as nothing, not
        // as a balance.
        let mut z: Vec<f64> = f
            .iter()
            .zip(rates)
            .map(|(f, &r)| if r == 0.0 { 0.0 } else { -f / r })
            .collect();
        for (k, entries) in self.modal.powers.iter().enumerate() {
            for &Coupling { to, from, value } in entries {
                let rate = rates[from];
                if rate != 0.0 {
                    let mut term = -f[from] / rate * value;
                    for _ in 0..=k {
                        term /= -rate;
                    }
                    z[to] += term;
                }
            }
        }
        Ok(apply(&self.modal.right, &z))
    }
}

impl ExponentialSystem {
    fn new(reason: FallbackReason) -> Self {
        let count = LADDER.0..=LADDER.1;
        ExponentialSystem {
            reason,
            steps: count.map(|_| OnceLock::new()).collect(),
        }
    }

    /// The state `dt_h` \[h\] after `x` under constant input `b`.
    fn advance(&self, a: &DMatrix<f64>, x: &[f64], b: &[f64], dt_h: f64) -> Vec<f64> {
        if dt_h >= 2.0 * libm::scalbn(1.0, LADDER.1) {
            // More than two centuries: once is enough.
            return Propagator::new(a, dt_h).advance(x, b);
        }
        let mut left = dt_h;
        let mut x = x.to_vec();
        for (k, step) in (LADDER.0..LADDER.1 + 1).zip(&self.steps).rev() {
            let length = libm::scalbn(1.0, k);
            if left >= length {
                x = step.get_or_init(|| Propagator::new(a, length)).advance(&x, b);
                left -= length;
            }
        }
        if left == 0.0 {
            return x;
        }
        if one_norm(a) * left > REST {
            return Propagator::new(a, left).advance(&x, b);
        }
        let mut term = apply(a, &x);
        for (term, b) in term.iter_mut().zip(b) {
            *term = (*term + b) * left;
        }
        for k in 2..REST_TERMS + 2 {
            for (x, term) in x.iter_mut().zip(&term) {
                *x += term;
            }
            term = apply(a, &term);
            for term in &mut term {
                *term *= left / k as f64;
            }
        }
        x
    }
}

fn exponential(reason: FallbackReason) -> Solver {
    Solver::Exponential(ExponentialSystem::new(reason))
}

fn validate(a: &DMatrix<f64>) -> Result<(), NumericsError> {
    let (rows, columns) = a.shape();
    if rows != columns || rows == 0 {
        return Err(NumericsError::NotSquare { rows, columns });
    }
    for column in 0..columns {
        for row in 0..rows {
            let value = a[(row, column)];
            if !value.is_finite() {
                return Err(NumericsError::NotFinite { row, column, value });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_that_are_zero_are_left_out_without_a_trace() {
        for n in (1..40).chain([84]) {
            let w: Vec<f64> = (0..n)
                .map(|i| if i % 3 == 1 { 0.0 } else { 0.1 + f64::from(i) })
                .collect();
            let x: Vec<f64> = (0..n).map(|i| libm::sin(f64::from(i)) / 3.0).collect();
            assert_eq!(SparseWeights::new(&w).dot(&x).to_bits(), dot(&w, &x).to_bits());
        }
    }

    #[test]
    fn plain_states_are_weighed_as_they_were_brought_up_to_date() {
        let mut scratch = Scratch::default();
        scratch.take_plain(&[1.0, 2.0, 4.0])[1] = 8.0;
        let weights = [0.5, 0.25, 0.0];
        assert!(scratch.is_plain());
        assert_eq!(scratch.weighed(&weights), 2.5);
        assert_eq!(scratch.weighed_by(&SparseWeights::new(&weights)), 2.5);
        store().look(
            &Coordinates { values: vec![0.0; 2] },
            &Forcing { values: vec![0.0; 2] },
            1.0,
            &mut scratch,
        );
        assert!(!scratch.is_plain());
    }

    #[test]
    fn a_look_is_known_by_its_owner_and_its_time_until_the_next() {
        let (mine, other) = (Arc::new(()), Arc::new(()));
        let mut scratch = Scratch::default();
        assert!(!scratch.is_of(&mine, 1.0));
        scratch.sign(&mine, 1.0);
        assert!(scratch.is_of(&mine, 1.0));
        assert!(!scratch.is_of(&mine, 2.0) && !scratch.is_of(&other, 1.0));
        scratch.take_plain(&[1.0]);
        assert!(!scratch.is_of(&mine, 1.0));
    }

    /// 0.5 /h from a store into a sink.
    fn store() -> LinearSystem {
        LinearSystem::new(DMatrix::from_row_slice(2, 2, &[-0.5, 0.0, 0.5, 0.0])).unwrap()
    }

    #[test]
    fn outputs_in_a_bundle_are_what_they_are_alone() {
        let system = store();
        let (twice, all) = (system.output(&[2.0, 0.0]), system.output(&[1.0, 1.0]));
        let c = system.coordinates(&[12.0, 0.0]);
        let (none, input) = (system.forcing(&[0.0, 0.0]), system.forcing(&[2.0, 0.0]));
        let half = 2.0 * std::f64::consts::LN_2;
        let both = system.rows([&twice, &all]).unwrap();
        let values = LinearSystem::bundle(&both, &c, &none).unwrap().values(half);
        assert!((values[0] - 12.0).abs() < 1e-14 && (values[1] - 12.0).abs() < 1e-14);
        // 2 ug/h into the store: 4 + 8 exp(-t/2) of it. With the sink it grows without end.
        let alone = system.rows([&twice]).unwrap();
        let values = LinearSystem::bundle(&alone, &c, &input).unwrap().values(half);
        assert!((values[0] - 16.0).abs() < 1e-14);
        assert!(LinearSystem::bundle(&both, &c, &input).is_none());
        let plain = LinearSystem::by_exponential(system.matrix().clone()).unwrap();
        assert!(plain.rows([&plain.output(&[1.0, 0.0])]).is_none());
    }

    #[test]
    fn of_two_equal_stages_only_the_second_has_a_power_of_time() {
        let system = LinearSystem::new(DMatrix::from_row_slice(2, 2, &[-1.0, 0.0, 1.0, -1.0])).unwrap();
        let (c, f) = (system.coordinates(&[1.0, 0.0]), system.forcing(&[0.0, 0.0]));
        let bundle = |weights: &[f64]| LinearSystem::bundle(&system.rows([&system.output(weights)]).unwrap(), &c, &f);
        let first = bundle(&[1.0, 0.0]).unwrap().values(1.0)[0];
        assert!((first - libm::exp(-1.0)).abs() < 1e-15);
        assert!(bundle(&[0.0, 1.0]).is_none());
    }
}
