//! Dormand-Prince 5(4) for a few slow nonlinear states.
//!
//! Coefficients, error estimate, step control and the fourth-order interpolant are
//! those of Hairer, Nørsett, Wanner, "Solving Ordinary Differential Equations I",
//! 2nd ed., II.4-II.6 (Dormand, Prince 1980; Shampine 1986). The state of a run is one
//! plain [`DenseStep`]; looking inside the last step never changes it.

use serde::{Deserialize, Serialize};

use super::decay::powers;
use super::wide::{Kernel, wide};

/// Accuracy asked of each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tolerances {
    /// Relative tolerance \[1\].
    pub rtol: f64,
    /// Absolute tolerance of each component, in that component's unit.
    pub atol: Vec<f64>,
    /// Accepted steps between two restarts before giving up.
    pub max_steps: u64,
}

impl Tolerances {
    /// The same absolute tolerance for `dim` components, and a million steps.
    pub fn uniform(dim: usize, rtol: f64, atol: f64) -> Tolerances {
        Tolerances {
            rtol,
            atol: vec![atol; dim],
            max_steps: 1_000_000,
        }
    }
}

/// A step that could not be made. The stepper keeps its last good step.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// A tolerance is not positive, or their number is not the dimension.
    #[error("tolerances must be positive and one per component")]
    BadTolerance,
    /// The right-hand side or the state became NaN or infinite.
    #[error("component {component} of the right-hand side is not finite near {t_h} h")]
    NotFinite {
        /// Time of the step's start \[h\].
        t_h: f64,
        /// First component concerned.
        component: usize,
    },
    /// The step needed for the tolerance is below the resolution of time.
    #[error("step size underflow at {t_h} h: {step_h:e} h")]
    Underflow {
        /// Time \[h\].
        t_h: f64,
        /// Step tried \[h\].
        step_h: f64,
    },
    /// More steps than allowed since the last restart.
    #[error("more than {limit} steps at {t_h} h")]
    TooManySteps {
        /// Time \[h\].
        t_h: f64,
        /// The limit.
        limit: u64,
    },
    /// The limit lies before the present time, or is NaN.
    #[error("cannot step from {t_h} h to {limit_h} h")]
    Backward {
        /// Time \[h\].
        t_h: f64,
        /// Limit asked for \[h\].
        limit_h: f64,
    },
}

/// The last accepted step, and all that is needed for the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DenseStep {
    /// Start of the step \[h\].
    pub t0: f64,
    /// End of the step \[h\]; equal to `t0` after a restart.
    pub t1: f64,
    /// State at the start.
    pub y0: Vec<f64>,
    /// State at the end.
    pub y1: Vec<f64>,
    /// Coefficients 2 to 5 of the interpolant, component by component.
    pub dense: Vec<[f64; 4]>,
    /// Slope at the end; `None` after a restart.
    pub slope: Option<Vec<f64>>,
    /// Next step proposed \[h\]; `None`: to be estimated.
    pub next_h: Option<f64>,
    /// Error of the last accepted step, for the step control.
    pub last_error: f64,
    /// Accepted steps since the restart.
    pub steps: u64,
}

const C: [f64; 7] = [0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0];
const A: [[f64; 6]; 6] = [
    [0.2, 0.0, 0.0, 0.0, 0.0, 0.0],
    [3.0 / 40.0, 9.0 / 40.0, 0.0, 0.0, 0.0, 0.0],
    [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0.0, 0.0, 0.0],
    [
        19372.0 / 6561.0,
        -25360.0 / 2187.0,
        64448.0 / 6561.0,
        -212.0 / 729.0,
        0.0,
        0.0,
    ],
    [
        9017.0 / 3168.0,
        -355.0 / 33.0,
        46732.0 / 5247.0,
        49.0 / 176.0,
        -5103.0 / 18656.0,
        0.0,
    ],
    [
        35.0 / 384.0,
        0.0,
        500.0 / 1113.0,
        125.0 / 192.0,
        -2187.0 / 6784.0,
        11.0 / 84.0,
    ],
];
/// Fifth minus fourth order weights.
const E: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];
/// Weights of the fourth-order interpolant.
const D: [f64; 7] = [
    -12715105075.0 / 11282082432.0,
    0.0,
    87487479700.0 / 32700410799.0,
    -10690763975.0 / 1880347072.0,
    701980252875.0 / 199316789632.0,
    -1453857185.0 / 822651844.0,
    69997945.0 / 29380423.0,
];
/// States computed side by side; places without a state hold zeros.
const LANES: usize = 8;
type Tile = [f64; LANES];
/// Instants of a step at which slopes are asked for, the last one twice.
const NODES: usize = 5;
/// Error taken for that of the step before the first one, and the smallest that the control minds.
const FIRST_ERROR: f64 = 1e-4;
const SAFETY: f64 = 0.9;
const BETA: f64 = 0.04;
const SHRINK_LIMIT: f64 = 5.0;
const GROWTH_LIMIT: f64 = 10.0;

/// An adaptive stepper that owns its state.
///
/// ```
/// use itbsim::numerics::{Stepper, Tolerances};
///
/// // Follows a cosine.
/// let mut stepper = Stepper::new(1, Tolerances::uniform(1, 1e-9, 1e-9))?;
/// while stepper.interval().1 < 1.0 {
///     stepper.step(|t, y, dy| dy[0] = libm::cos(t) - y[0], 1.0, 1.0)?;
/// }
/// let exact = 0.5 * (libm::cos(1.0) + libm::sin(1.0) - libm::exp(-1.0));
/// assert!((stepper.state()[0] - exact).abs() < 1e-8);
/// # Ok::<(), itbsim::numerics::StepError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stepper {
    tolerances: Tolerances,
    last: DenseStep,
    /// What a step is made in; no part of the state.
    #[serde(skip)]
    work: Work,
}

// Room is no part of the state.
impl PartialEq for Stepper {
    fn eq(&self, other: &Self) -> bool {
        self.tolerances == other.tolerances && self.last == other.last
    }
}

impl Stepper {
    /// A stepper for `dim` components at time 0 and state 0; see [`Stepper::restart`].
    ///
    /// # Errors
    /// [`StepError::BadTolerance`].
    pub fn new(dim: usize, tolerances: Tolerances) -> Result<Stepper, StepError> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let good =
            tolerances.atol.len() == dim && tolerances.atol.iter().all(|a| positive(*a)) && positive(tolerances.rtol);
        if !good {
            return Err(StepError::BadTolerance);
        }
        Ok(Stepper {
            tolerances,
            last: DenseStep::at(0.0, &vec![0.0; dim]),
            work: Work::default(),
        })
    }

    /// Start again at `t` \[h\] from `y`: after a jump of the state, and whenever the
    /// right-hand side changes its form.
    ///
    /// # Panics
    /// If `y` has another length than the stepper.
    pub fn restart(&mut self, t: f64, y: &[f64]) {
        assert_eq!(y.len(), self.tolerances.atol.len(), "one value per component");
        self.last.y1.copy_from_slice(y);
        self.begin(t);
    }

    /// A step of no length where the last one ended, which is called `t` \[h\] from here on.
    fn begin(&mut self, t: f64) {
        let last = &mut self.last;
        (last.t0, last.t1, last.steps) = (t, t, 0);
        last.y0.copy_from_slice(&last.y1);
        last.dense.fill([0.0; 4]);
        (last.slope, last.next_h, last.last_error) = (None, None, FIRST_ERROR);
    }

    /// As [`Stepper::restart`], where the right-hand side goes on nearly as before: the first step
    /// tried is the one that was due, but no longer than `longest` \[h\].
    pub fn restart_near(&mut self, t: f64, y: &[f64], longest: f64) {
        let next_h = self.last.next_h.map(|h| h.min(longest));
        self.restart(t, y);
        self.last.next_h = next_h;
    }

    /// The last step; `interval()` is where [`Stepper::interpolate`] may be asked.
    pub fn last_step(&self) -> &DenseStep {
        &self.last
    }

    /// Start and end of the last step \[h\].
    pub fn interval(&self) -> (f64, f64) {
        (self.last.t0, self.last.t1)
    }

    /// The state at the end of the last step.
    pub fn state(&self) -> &[f64] {
        &self.last.y1
    }

    /// Make one accepted step, not past `t_limit` and not longer than `h_max` \[h\], but for a
    /// hundredth by which it then reaches the limit.
    /// Gives the step before, for whoever still wants to look into it.
    /// At `t_limit` already: nothing happens, and a step of no length is given. A step cut
    /// short by the limit does not make the next one shorter.
    ///
    /// `rhs(t, y, dy)` must be smooth between the present time and `t_limit`; end the
    /// limit at each event and [`Stepper::restart`] there.
    ///
    /// # Errors
    /// [`StepError`]; the last good step is kept.
    pub fn step(
        &mut self,
        mut rhs: impl FnMut(f64, &[f64], &mut [f64]),
        t_limit: f64,
        h_max: f64,
    ) -> Result<DenseStep, StepError> {
        let n = self.last.y1.len();
        let t = self.last.t1;
        if t_limit.is_nan() || t_limit < t || h_max.is_nan() || h_max <= 0.0 {
            return Err(StepError::Backward {
                t_h: t,
                limit_h: t_limit,
            });
        }
        if t == t_limit {
            return Ok(DenseStep::at(t, &self.last.y1));
        }
        if self.last.steps >= self.tolerances.max_steps {
            return Err(StepError::TooManySteps {
                t_h: t,
                limit: self.tolerances.max_steps,
            });
        }
        let Stepper { tolerances, last, work } = self;
        work.fit(&tolerances.atol);
        work.y.as_flattened_mut()[..n].copy_from_slice(&last.y1);
        let first = &mut work.k[0].as_flattened_mut()[..n];
        match &last.slope {
            Some(slope) => first.copy_from_slice(slope),
            None => rhs(t, &last.y1, first),
        }
        finite(t, &last.y1)?;
        finite(t, first)?;
        let room = t_limit - t;
        let proposed = match last.next_h {
            Some(h) => h,
            None => first_step(last, tolerances, &mut rhs, first, room.min(h_max))?,
        };
        let mut h = proposed.min(h_max);
        let mut rejected = false;
        loop {
            // A hair's breadth before the limit would leave a useless last step.
            let cut = h * 1.01 >= room;
            if cut {
                h = room;
            }
            let t_new = if cut { t_limit } else { t + h };
            if h <= 4.0 * f64::EPSILON * t.abs().max(f64::MIN_POSITIVE) || t_new <= t {
                return Err(StepError::Underflow { t_h: t, step_h: h });
            }
            let mut at: [f64; NODES] = std::array::from_fn(|i| t + C[i + 1] * h);
            at[NODES - 1] = t_new;
            wide(Attempt {
                work,
                rhs: &mut rhs,
                n,
                rtol: tolerances.rtol,
                at,
                h,
            });
            let square = work.squares.as_flattened()[..n].iter().fold(0.0, |sum, s| sum + s);
            let error = (square / (n.max(1)) as f64).sqrt();
            if !error.is_finite() {
                // Perhaps only this step was too long; if not, say what is wrong.
                if h <= 1e-10 * room.min(h_max).max(t.abs()) {
                    for row in work.k.iter().chain([&work.trial]) {
                        finite(t, &row.as_flattened()[..n])?;
                    }
                    return Err(StepError::Underflow { t_h: t, step_h: h });
                }
                h *= 0.1;
                rejected = true;
                continue;
            }
            let [raw, before] = powers([error, last.last_error], [0.2 - 0.75 * BETA, BETA]);
            if error > 1.0 {
                h /= (raw / SAFETY).min(SHRINK_LIMIT);
                rejected = true;
                continue;
            }
            let damped = raw / before / SAFETY;
            let mut next_h = h / damped.clamp(1.0 / GROWTH_LIMIT, SHRINK_LIMIT);
            if rejected {
                next_h = next_h.min(h);
            } else if cut {
                next_h = next_h.max(proposed);
            }
            let mut next = DenseStep::at(t, &last.y1);
            wide(Bend {
                work,
                h,
                out: &mut next.dense,
            });
            next.y0.copy_from_slice(&last.y1);
            next.y1.copy_from_slice(&work.trial.as_flattened()[..n]);
            let mut slope = next.slope.take().unwrap_or_default();
            slope.clear();
            slope.extend_from_slice(&work.k[6].as_flattened()[..n]);
            next.slope = Some(slope);
            (next.t0, next.t1) = (t, t_new);
            (next.next_h, next.last_error, next.steps) = (Some(next_h), error.max(FIRST_ERROR), last.steps + 1);
            return Ok(std::mem::replace(last, next));
        }
    }

    /// The state at `t` \[h\] inside [`Stepper::interval`], to fourth order; outside it
    /// the nearest end is given.
    pub fn interpolate(&self, t: f64, out: &mut [f64]) {
        self.last.interpolate(t, out);
    }
}

impl DenseStep {
    fn at(t: f64, y: &[f64]) -> DenseStep {
        DenseStep {
            t0: t,
            t1: t,
            y0: y.to_vec(),
            y1: y.to_vec(),
            dense: vec![[0.0; 4]; y.len()],
            slope: None,
            next_h: None,
            last_error: FIRST_ERROR,
            steps: 0,
        }
    }

    /// The state at `t` \[h\]; see [`Stepper::interpolate`].
    pub fn interpolate(&self, t: f64, out: &mut [f64]) {
        // The ends are stored, not rebuilt.
        if t >= self.t1 || t <= self.t0 {
            out.copy_from_slice(if t >= self.t1 { &self.y1 } else { &self.y0 });
            return;
        }
        let s = (t - self.t0) / (self.t1 - self.t0);
        let r = 1.0 - s;
        for ((out, y), d) in out.iter_mut().zip(&self.y0).zip(&self.dense) {
            *out = y + s * (d[0] + r * (d[1] + s * (d[2] + r * d[3])));
        }
    }
}

/// Hairer's estimate of a first step (II.4).
fn first_step(
    last: &DenseStep,
    tolerances: &Tolerances,
    rhs: &mut impl FnMut(f64, &[f64], &mut [f64]),
    slope: &[f64],
    longest: f64,
) -> Result<f64, StepError> {
    let y = &last.y1;
    let n = y.len();
    let scale = |i: usize| tolerances.atol[i] + tolerances.rtol * y[i].abs();
    let norm = |v: &dyn Fn(usize) -> f64| {
        let sum = (0..n).fold(0.0, |s, i| s + (v(i) / scale(i)) * (v(i) / scale(i)));
        (sum / n.max(1) as f64).sqrt()
    };
    let (d0, d1) = (norm(&|i| y[i]), norm(&|i| slope[i]));
    let h0 = if d0 < 1e-5 || d1 < 1e-5 { 1e-6 } else { 0.01 * d0 / d1 };
    let h0 = h0.min(longest);
    let trial: Vec<f64> = y.iter().zip(slope).map(|(y, k)| y + h0 * k).collect();
    let mut next = vec![0.0; n];
    rhs(last.t1 + h0, &trial, &mut next);
    let d2 = norm(&|i| next[i] - slope[i]) / h0;
    if !d2.is_finite() {
        return Ok(h0);
    }
    let largest = d1.max(d2);
    let h1 = if largest <= 1e-15 {
        // Hairer's larger of this and a thousandth of `h0`, which is no longer where nothing moves.
        1e-6
    } else {
        libm::pow(0.01 / largest, 0.2)
    };
    // Nothing moves at all: the tolerance will say so at once.
    let h1 = if largest == 0.0 { longest } else { h1.min(100.0 * h0) };
    Ok(h1.min(longest))
}

/// What a step is made in. Each row has a place for every state, in tiles.
#[derive(Debug, Clone, Default)]
struct Work {
    /// State at the start.
    y: Vec<Tile>,
    /// Slopes.
    k: [Vec<Tile>; 7],
    /// State tried.
    trial: Vec<Tile>,
    /// Absolute tolerances; one where there is no state.
    atol: Vec<Tile>,
    /// Square of the error in units of the tolerance.
    squares: Vec<Tile>,
}

impl Work {
    /// Room for as many states as there are tolerances.
    fn fit(&mut self, atol: &[f64]) {
        let tiles = atol.len().div_ceil(LANES);
        if self.atol.len() == tiles {
            return;
        }
        let rows = [&mut self.y, &mut self.trial, &mut self.squares];
        for row in rows.into_iter().chain(&mut self.k) {
            row.resize(tiles, [0.0; LANES]);
        }
        self.atol.resize(tiles, [1.0; LANES]);
        self.atol.as_flattened_mut()[..atol.len()].copy_from_slice(atol);
    }
}

/// One step tried: six slopes, the state at its end, and its error.
struct Attempt<'a, S> {
    work: &'a mut Work,
    rhs: &'a mut S,
    n: usize,
    rtol: f64,
    /// Where the slopes are asked for \[h\].
    at: [f64; NODES],
    /// Its length \[h\].
    h: f64,
}

impl<R: FnMut(f64, &[f64], &mut [f64])> Attempt<'_, R> {
    /// The slope number `S`.
    #[inline(always)]
    fn stage<const S: usize>(&mut self) {
        let h = self.h;
        let work = &mut *self.work;
        for (b, (trial, y)) in work.trial.iter_mut().zip(&work.y).enumerate() {
            let sum = weighted::<S>(&A[S - 1], &work.k, b);
            for lane in 0..LANES {
                trial[lane] = y[lane] + h * sum[lane];
            }
        }
        let at = self.at[S.min(NODES) - 1];
        let (trial, next) = (work.trial.as_flattened(), work.k[S].as_flattened_mut());
        (self.rhs)(at, &trial[..self.n], &mut next[..self.n]);
    }
}

impl<R: FnMut(f64, &[f64], &mut [f64])> Kernel for Attempt<'_, R> {
    #[inline(always)]
    fn run(mut self) {
        self.stage::<1>();
        self.stage::<2>();
        self.stage::<3>();
        self.stage::<4>();
        self.stage::<5>();
        self.stage::<6>();
        let h = self.h;
        let work = self.work;
        for (b, squares) in work.squares.iter_mut().enumerate() {
            let e = weighted::<7>(&E, &work.k, b);
            let (y, trial, atol) = (&work.y[b], &work.trial[b], &work.atol[b]);
            for lane in 0..LANES {
                let size = y[lane].abs().max(trial[lane].abs());
                let off = h * e[lane] / (atol[lane] + self.rtol * size);
                squares[lane] = off * off;
            }
        }
    }
}

/// The interpolant of a step of `h` \[h\] that was made.
struct Bend<'a> {
    work: &'a Work,
    h: f64,
    /// Its coefficients, state by state.
    out: &'a mut [[f64; 4]],
}

impl Kernel for Bend<'_> {
    #[inline(always)]
    fn run(self) {
        let (work, h) = (self.work, self.h);
        for (b, out) in self.out.chunks_mut(LANES).enumerate() {
            let last = weighted::<7>(&D, &work.k, b);
            let (first, end) = (&work.k[0][b], &work.k[6][b]);
            let mut tile = [[0.0; 4]; LANES];
            for lane in 0..LANES {
                let difference = work.trial[b][lane] - work.y[b][lane];
                let bend = h * first[lane] - difference;
                tile[lane] = [difference, bend, difference - h * end[lane] - bend, h * last[lane]];
            }
            match <&mut [[f64; 4]; LANES]>::try_from(&mut *out) {
                Ok(whole) => *whole = tile,
                Err(_) => out.copy_from_slice(&tile[..out.len()]),
            }
        }
    }
}

/// The weighted sum of the first `S` slopes, for the states of tile `b`.
#[inline(always)]
fn weighted<const S: usize>(weights: &[f64], k: &[Vec<Tile>; 7], b: usize) -> Tile {
    let mut sum = [0.0; LANES];
    for s in 0..S {
        let slope = &k[s][b];
        for lane in 0..LANES {
            sum[lane] += weights[s] * slope[lane];
        }
    }
    sum
}

fn finite(t: f64, values: &[f64]) -> Result<(), StepError> {
    // Without an early end, so that the compiler may look at several at once.
    let all = values.iter().fold(true, |all, v| all & v.is_finite());
    if all {
        return Ok(());
    }
    let component = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
    Err(StepError::NotFinite { t_h: t, component })
}
