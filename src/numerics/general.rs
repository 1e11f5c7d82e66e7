//! Models of users, and the independent check of the exact path, by `ode_solvers`.
//!
//! `ode_solvers` 0.6.2 gives wrong numbers without an error in several of its modes;
//! this wrapper offers only what is right:
//!
//! | fault of 0.6.2 | here |
//! |---|---|
//! | dense output extrapolates the last grid point | only sparse output; each save point ends an integration |
//! | Dop853 is wrong if the right-hand side depends on time | time becomes a state |
//! | starts below zero panic or interpolate wrongly | every piece starts at time 0 |
//! | Rk4 returns NaN and overshoots, both as `Ok` | not offered; everything is checked for finiteness |
//! | a pulse between two steps is stepped over | integration stops at every segment end |
//! | false stiffness and step limits in long runs | both limits are raised |

use std::cell::Cell;

use nalgebra::{DMatrix, DVector};
use ode_solvers::dop_shared::{IntegrationError, OutputType, System};
use ode_solvers::{Dop853, Dopri5};

use super::error::NumericsError;
use super::linear::LinearSystem;

/// Steps allowed in one piece between two save points.
const MAX_STEPS: u32 = 20_000_000;

/// A right-hand side `dx/dt = f(t, x)`.
///
/// Elimination that saturates; while the concentration is far above `KM` it has one speed:
///
/// ```
/// use itbsim::numerics::general::{GeneralMethod, GeneralTolerances, Segment, UserModel, integrate};
///
/// const VMAX: f64 = 3.0; // ug/h
/// const KM: f64 = 1e-6; // ug
///
/// struct Saturable;
/// impl UserModel for Saturable {
///     fn dim(&self) -> usize { 1 }
///     fn rhs(&self, _t: f64, x: &[f64], dx: &mut [f64]) { dx[0] = -VMAX * x[0] / (KM + x[0]); }
/// }
///
/// let dose = Segment { t0: 0.0, t1: 3.0, jump: vec![10.0] };
/// let tolerances = GeneralTolerances { rtol: 1e-9, atol: 1e-9 };
/// let left = integrate(&Saturable, &[0.0], &[dose], &[2.0], tolerances, GeneralMethod::Dop853Autonomous)?;
/// assert!((left[0][0] - 4.0).abs() < 1e-5); // 10 - 2 x 3
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait UserModel {
    /// Number of states.
    fn dim(&self) -> usize;

    /// Write the slope at `t` \[h\] and `x` into `dx`. Called many times, also at trial
    /// points; must be smooth inside a segment, both ends included, and depend on
    /// nothing but its arguments.
    fn rhs(&self, t: f64, x: &[f64], dx: &mut [f64]);
}

/// A stretch of time without events.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Start \[h\].
    pub t0: f64,
    /// End \[h\], the start of the next segment.
    pub t1: f64,
    /// Added to the state at the start (doses); empty for none.
    pub jump: Vec<f64>,
}

/// Accuracy asked of `ode_solvers`: one pair for all states.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneralTolerances {
    /// Relative tolerance \[1\].
    pub rtol: f64,
    /// Absolute tolerance, in the unit of the states.
    pub atol: f64,
}

/// The methods that are safe to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeneralMethod {
    /// Dormand-Prince 5(4).
    Dopri5,
    /// Dormand-Prince 8(5,3), with time as one more state.
    Dop853Autonomous,
}

/// A general integration that failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GeneralError {
    /// Lengths, order or finiteness of the input.
    #[error("cannot integrate: {detail}")]
    BadInput {
        /// What is wrong.
        detail: &'static str,
    },
    /// The model returned NaN or infinity, or the state became so.
    #[error("the model is not finite near {t_h} h")]
    NotFinite {
        /// Where \[h\].
        t_h: f64,
    },
    /// The tolerance could not be met.
    #[error("step size underflow near {t_h} h")]
    Underflow {
        /// Where \[h\].
        t_h: f64,
    },
    /// More steps than allowed.
    #[error("too many steps near {t_h} h")]
    TooManySteps {
        /// Where \[h\].
        t_h: f64,
    },
    /// The solver took the problem for stiff.
    #[error("the problem looks stiff near {t_h} h")]
    Stiff {
        /// Where \[h\].
        t_h: f64,
    },
    /// The linear system to be checked could not be built.
    #[error(transparent)]
    Linear(#[from] NumericsError),
}

struct Piece<'a, M: UserModel + ?Sized> {
    model: &'a M,
    origin: f64,
    /// Time is the last state.
    augmented: bool,
    /// First time at which the model was not finite.
    broken: &'a Cell<Option<f64>>,
}

impl<M: UserModel + ?Sized> System<f64, DVector<f64>> for Piece<'_, M> {
    fn system(&self, x: f64, y: &DVector<f64>, dy: &mut DVector<f64>) {
        let n = self.model.dim();
        let local = if self.augmented { y[n] } else { x };
        let t = self.origin + local;
        if self.broken.get().is_none() {
            self.model.rhs(t, &y.as_slice()[..n], &mut dy.as_mut_slice()[..n]);
            if dy.as_slice()[..n].iter().any(|v| !v.is_finite()) {
                self.broken.set(Some(t));
            }
        }
        if self.broken.get().is_some() {
            // The result will be thrown away; let the solver finish at once.
            dy.fill(0.0);
        }
        if self.augmented {
            dy[n] = 1.0;
        }
    }
}

/// Integrate `model` over `segments` from `x0` and return the state at each of `save_at`.
///
/// At the instant of a jump the state after it is returned, except at the end of the
/// last segment. Deterministic on one machine; `ode_solvers` computes step sizes with
/// the platform's `pow`, so the last digits may differ between platforms.
///
/// # Errors
/// [`GeneralError`].
pub fn integrate<M: UserModel + ?Sized>(
    model: &M,
    x0: &[f64],
    segments: &[Segment],
    save_at: &[f64],
    tolerances: GeneralTolerances,
    method: GeneralMethod,
) -> Result<Vec<Vec<f64>>, GeneralError> {
    validate(model.dim(), x0, segments, save_at, tolerances)?;
    let mut x = x0.to_vec();
    let mut saved = Vec::with_capacity(save_at.len());
    let mut wanted = save_at.iter().copied().peekable();
    for (i, segment) in segments.iter().enumerate() {
        for (x, jump) in x.iter_mut().zip(&segment.jump) {
            *x += jump;
        }
        let last = i + 1 == segments.len();
        let mut t = segment.t0;
        while let Some(&s) = wanted.peek() {
            if s > segment.t1 || (s == segment.t1 && !last) {
                break;
            }
            piece(model, &mut x, t, s, tolerances, method)?;
            t = s;
            saved.push(x.clone());
            wanted.next();
        }
        piece(model, &mut x, t, segment.t1, tolerances, method)?;
    }
    Ok(saved)
}

fn validate(
    dim: usize,
    x0: &[f64],
    segments: &[Segment],
    save_at: &[f64],
    tolerances: GeneralTolerances,
) -> Result<(), GeneralError> {
    let bad = |detail| Err(GeneralError::BadInput { detail });
    if dim == 0 || x0.len() != dim {
        return bad("one initial value per state is needed");
    }
    if x0.iter().any(|v| !v.is_finite()) {
        return bad("an initial value is not finite");
    }
    let positive = |v: f64| v.is_finite() && v > 0.0;
    if !positive(tolerances.rtol) || !positive(tolerances.atol) {
        return bad("tolerances must be positive");
    }
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        return if save_at.is_empty() {
            Ok(())
        } else {
            bad("there is no segment to save in")
        };
    };
    for s in segments {
        if !(s.t0.is_finite() && s.t1.is_finite() && s.t0 <= s.t1) {
            return bad("a segment must not run backward");
        }
        if !s.jump.is_empty() && s.jump.len() != dim {
            return bad("a jump needs one value per state");
        }
        if s.jump.iter().any(|v| !v.is_finite()) {
            return bad("a jump is not finite");
        }
    }
    if segments.windows(2).any(|w| w[0].t1 != w[1].t0) {
        return bad("segments must follow one another without a gap");
    }
    if save_at.iter().any(|t| !(*t >= first.t0 && *t <= last.t1)) {
        return bad("a save point lies outside the segments");
    }
    if save_at.windows(2).any(|w| w[0] > w[1]) {
        return bad("save points must be in order");
    }
    Ok(())
}

fn piece<M: UserModel + ?Sized>(
    model: &M,
    x: &mut [f64],
    from: f64,
    to: f64,
    tolerances: GeneralTolerances,
    method: GeneralMethod,
) -> Result<(), GeneralError> {
    let length = to - from;
    if length <= 0.0 {
        return Ok(());
    }
    let n = x.len();
    let broken = Cell::new(None);
    let augmented = method == GeneralMethod::Dop853Autonomous;
    let system = Piece {
        model,
        origin: from,
        augmented,
        broken: &broken,
    };
    let GeneralTolerances { rtol, atol } = tolerances;
    let mut start = DVector::zeros(n + usize::from(augmented));
    start.as_mut_slice()[..n].copy_from_slice(x);
    // Safety, beta and growth limits are the defaults of each method; what differs
    // from them is the output mode and the two step limits.
    let (outcome, end) = match method {
        GeneralMethod::Dopri5 => {
            let mut solver = Dopri5::from_param(
                system,
                0.0,
                length,
                length,
                start,
                rtol,
                atol,
                0.9,
                0.04,
                0.2,
                10.0,
                length,
                0.0,
                MAX_STEPS,
                u32::MAX,
                OutputType::Sparse,
            );
            let outcome = solver.integrate();
            (outcome, solver.y_out().last().cloned())
        }
        GeneralMethod::Dop853Autonomous => {
            let mut solver = Dop853::from_param(
                system,
                0.0,
                length,
                length,
                start,
                rtol,
                atol,
                0.9,
                0.0,
                0.333,
                6.0,
                length,
                0.0,
                MAX_STEPS,
                u32::MAX,
                OutputType::Sparse,
            );
            let outcome = solver.integrate();
            (outcome, solver.y_out().last().cloned())
        }
    };
    if let Some(t_h) = broken.get() {
        return Err(GeneralError::NotFinite { t_h });
    }
    let at = |x| from + x;
    outcome.map_err(|e| match e {
        IntegrationError::MaxNumStepReached { x, .. } => GeneralError::TooManySteps { t_h: at(x) },
        IntegrationError::StepSizeUnderflow { x } => GeneralError::Underflow { t_h: at(x) },
        IntegrationError::StiffnessDetected { x } => GeneralError::Stiff { t_h: at(x) },
    })?;
    match end {
        Some(end) if end.as_slice()[..n].iter().all(|v| v.is_finite()) => {
            x.copy_from_slice(&end.as_slice()[..n]);
            Ok(())
        }
        _ => Err(GeneralError::NotFinite { t_h: to }),
    }
}

/// A stretch of constant input, for [`check_linear`].
#[derive(Debug, Clone, PartialEq)]
pub struct LinearSegment {
    /// Length \[h\].
    pub duration_h: f64,
    /// Input to each state \[amount/h\].
    pub input: Vec<f64>,
    /// Added to the state at the start; empty for none.
    pub jump: Vec<f64>,
}

/// What [`check_linear`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearCheck {
    /// Largest difference over all states and segment ends, relative to the largest
    /// absolute state met.
    pub worst: f64,
    /// End of the segment where it was found \[h\].
    pub at_h: f64,
    /// The state concerned.
    pub state: usize,
    /// States at the end by the exact path.
    pub exact: Vec<f64>,
    /// States at the end by `ode_solvers`.
    pub integrated: Vec<f64>,
}

struct Linear<'a> {
    a: &'a DMatrix<f64>,
    input: &'a [f64],
}

impl UserModel for Linear<'_> {
    fn dim(&self) -> usize {
        self.a.nrows()
    }

    fn rhs(&self, _t: f64, x: &[f64], dx: &mut [f64]) {
        dx.copy_from_slice(self.input);
        for (j, x) in x.iter().enumerate() {
            for (dx, a) in dx.iter_mut().zip(self.a.column(j).iter()) {
                *dx += a * x;
            }
        }
    }
}

/// Run `system` from `x0` twice, exactly and by `ode_solvers` (Dopri5 at 1e-11), and
/// compare at the end of every segment.
///
/// # Errors
/// [`GeneralError`] if lengths do not fit or the integration fails.
pub fn check_linear(
    system: &LinearSystem,
    x0: &[f64],
    segments: &[LinearSegment],
) -> Result<LinearCheck, GeneralError> {
    let n = system.dim();
    let fits = |s: &LinearSegment| s.input.len() == n && (s.jump.is_empty() || s.jump.len() == n);
    if x0.len() != n || !segments.iter().all(fits) {
        return Err(GeneralError::BadInput {
            detail: "one value per state is needed",
        });
    }
    let tolerances = GeneralTolerances {
        rtol: 1e-11,
        atol: 1e-13,
    };
    let mut integrated = x0.to_vec();
    let mut c = system.coordinates(x0);
    let mut now = 0.0;
    let mut largest: f64 = 0.0;
    let mut worst = (0.0, 0.0, 0);
    let mut exact = x0.to_vec();
    for s in segments {
        for (i, &amount) in s.jump.iter().enumerate() {
            system.add(&mut c, i, amount);
        }
        let model = Linear {
            a: system.matrix(),
            input: &s.input,
        };
        let whole = Segment {
            t0: 0.0,
            t1: s.duration_h,
            jump: s.jump.clone(),
        };
        let ends = integrate(
            &model,
            &integrated,
            &[whole],
            &[s.duration_h],
            tolerances,
            GeneralMethod::Dopri5,
        )?;
        if let Some(end) = ends.into_iter().next_back() {
            integrated = end;
        }
        c = system.advance(&c, &system.forcing(&s.input), s.duration_h);
        exact = system.physical(&c);
        now += s.duration_h;
        for (state, (e, i)) in exact.iter().zip(&integrated).enumerate() {
            largest = largest.max(i.abs());
            let difference = (e - i).abs();
            if difference > worst.0 || difference.is_nan() {
                worst = (difference, now, state);
            }
        }
    }
    let scale = if largest > 0.0 { largest } else { 1.0 };
    Ok(LinearCheck {
        worst: worst.0 / scale,
        at_h: worst.1,
        state: worst.2,
        exact,
        integrated,
    })
}
