//! By the peers, through their public interfaces.

#[cfg(feature = "others")]
use std::cell::Cell;

use nalgebra::SVector;
use ode_solvers::{Dopri5, System};

use crate::task::{DAYS, INTO, N, STEP_H, Subject, What, events, hours};

/// Stretches between events: start, end, rate, bolus at the start.
fn stretches(off: bool) -> Vec<(f64, f64, f64, f64)> {
    let all = events(off);
    let mut rate = 0.0;
    let end = DAYS as f64 * 24.0;
    let mut out = Vec::new();
    if off {
        out.push((0.0, hours(all[0].0), 0.0, 0.0));
    }
    for (i, (at, what)) in all.iter().enumerate() {
        let mut bolus = 0.0;
        match what {
            What::Rate(new) => rate = *new,
            What::Bolus(amount) => bolus = *amount,
        }
        out.push((hours(*at), all.get(i + 1).map_or(end, |e| hours(e.0)), rate, bolus));
    }
    out
}

/// Rows that lie in a stretch; the row at its end belongs to the next one, but for the last.
fn rows_in(from: f64, to: f64, last: bool) -> std::ops::Range<usize> {
    let first = (from / STEP_H).ceil() as usize;
    let end = (to / STEP_H).ceil() as usize;
    first..if last { end + 1 } else { end }
}

type State = SVector<f64, N>;

struct Slope<'a>(&'a Subject, f64);

impl System<f64, State> for Slope<'_> {
    fn system(&self, _: f64, x: &State, dx: &mut State) {
        self.0.slope(x.as_slice(), self.1, dx.as_mut_slice());
    }
}

/// Dopri5 with dense output, as its documentation shows, but for its known fault: the last
/// point of a dense grid is extrapolated, so a stretch ends on its own and the end is taken from there.
pub fn ode_solvers(s: &Subject, off: bool, rows: &mut [f64]) {
    let mut x = State::zeros();
    let all = stretches(off);
    for (i, (from, to, rate, bolus)) in all.iter().enumerate() {
        x[INTO] += bolus;
        let wanted = rows_in(*from, *to, i + 1 == all.len());
        let mut t = *from;
        // Each row ends an integration: safe, and slower than dense output would be.
        for row in wanted {
            let at = row as f64 * STEP_H;
            x = piece(s, *rate, x, at - t);
            rows[row * N..][..N].copy_from_slice(x.as_slice());
            t = at;
        }
        x = piece(s, *rate, x, to - t);
    }
}

fn piece(s: &Subject, rate: f64, x: State, length: f64) -> State {
    if length <= 0.0 {
        return x;
    }
    let mut solver = Dopri5::from_param(
        Slope(s, rate),
        0.0,
        length,
        length,
        x,
        1e-6,
        1e-9,
        0.9,
        0.04,
        0.2,
        10.0,
        length,
        0.0,
        100_000,
        u32::MAX,
        ode_solvers::dop_shared::OutputType::Sparse,
    );
    solver.integrate().expect("a smooth problem");
    *solver.y_out().last().expect("the end")
}

#[cfg(feature = "others")]
/// diffsol's TSIT45 with its interpolation.
pub fn diffsol(s: &Subject, off: bool, rows: &mut [f64]) {
    use ::diffsol::{NalgebraMat, OdeBuilder, OdeSolverMethod, OdeSolverStopReason};
    let s = *s;
    let rate = std::rc::Rc::new(Cell::new(0.0));
    let inner = rate.clone();
    let problem = OdeBuilder::<NalgebraMat<f64>>::new()
        .rtol(1e-6)
        .atol([1e-9; N])
        .rhs(move |x: &[f64], _: &[f64], _: f64, dx: &mut [f64]| s.slope(x, inner.get(), dx))
        .init(|_: &[f64], _: f64, x: &mut [f64]| x.fill(0.0), N)
        .build()
        .expect("a sound problem");
    let mut solver = problem.tsit45().expect("a solver");
    let all = stretches(off);
    for (i, (from, to, new, bolus)) in all.iter().enumerate() {
        rate.set(*new);
        {
            // The slope it goes on from has jumped with the input.
            let state = solver.state_mut();
            ::diffsol::Vector::set_index(state.y, INTO, ::diffsol::Vector::get_index(state.y, INTO) + bolus);
            let x: [f64; N] = std::array::from_fn(|k| ::diffsol::Vector::get_index(state.y, k));
            let mut dx = [0.0; N];
            s.slope(&x, *new, &mut dx);
            for (k, dx) in dx.into_iter().enumerate() {
                ::diffsol::Vector::set_index(state.dy, k, dx);
            }
        }
        let wanted = rows_in(*from, *to, i + 1 == all.len());
        let mut row = wanted.start;
        if row < wanted.end && row as f64 * STEP_H == *from {
            for k in 0..N {
                rows[row * N + k] = ::diffsol::Vector::get_index(solver.state().y, k);
            }
            row += 1;
        }
        solver.set_stop_time(*to).expect("forward");
        loop {
            let why = solver.step().expect("a smooth problem");
            while row < wanted.end && row as f64 * STEP_H <= solver.state().t {
                let y = solver.interpolate(row as f64 * STEP_H).expect("inside the step");
                for k in 0..N {
                    rows[row * N + k] = ::diffsol::Vector::get_index(&y, k);
                }
                row += 1;
            }
            if matches!(why, OdeSolverStopReason::TstopReached) {
                break;
            }
        }
    }
}

#[cfg(feature = "others")]
/// Doses and times of sampling, the same for all subjects. They are made once: pharmsol sorts all
/// its events with each one added, which takes 15 s here and is no part of solving.
fn doses(off: bool) -> &'static ::pharmsol::Subject {
    use ::pharmsol::prelude::*;
    static BOTH: [std::sync::OnceLock<::pharmsol::Subject>; 2] = [const { std::sync::OnceLock::new() }; 2];
    BOTH[usize::from(off)].get_or_init(|| {
        let mut subject = ::pharmsol::Subject::builder("one");
        for (from, to, rate, bolus) in stretches(off) {
            if bolus > 0.0 {
                subject = subject.bolus(from, bolus, "load");
            }
            if rate > 0.0 {
                subject = subject.infusion(from, rate * (to - from), "iv", to - from);
            }
        }
        for row in 0..crate::task::ROWS {
            for name in ["y1", "y2", "y3", "y4", "y5", "y6", "y7", "y8"] {
                subject = subject.missing_observation(row as f64 * STEP_H, name);
            }
        }
        subject.build()
    })
}

#[cfg(feature = "others")]
/// pharmsol's TSIT45; all eight states are outputs.
pub fn pharmsol(s: &Subject, off: bool, rows: &mut [f64]) {
    use ::pharmsol::prelude::*;
    use ::pharmsol::{Parameters, fetch_params};
    let ode = equation::ODE::new(
        |x, p, _t, dx, bolus, rateiv, _cov| {
            fetch_params!(p, q, d, v, ke, keo);
            let s = crate::task::Subject { q, d, v, ke, keo };
            let mut slope = [0.0; N];
            let state: [f64; N] = std::array::from_fn(|i| x[i]);
            s.slope(&state, rateiv[0] + bolus[0], &mut slope);
            for i in 0..N {
                dx[i] = slope[i];
            }
        },
        |_p, _t, _cov| lag! {},
        |_p, _t, _cov| fa! {},
        |_p, _t, _cov, _x| {},
        |x, _p, _t, _cov, y| {
            for i in 0..N {
                y[i] = x[i];
            }
        },
    )
    .with_nstates(N)
    .with_ndrugs(1)
    .with_nout(N)
    .with_solver(OdeSolver::ExplicitRk(ExplicitRkTableau::Tsit45))
    .with_tolerances(1e-6, 1e-9)
    .with_metadata(
        equation::metadata::new("task")
            .parameters(["q", "d", "v", "ke", "keo"])
            .states(["x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"])
            .outputs(["y1", "y2", "y3", "y4", "y5", "y6", "y7", "y8"])
            .routes([
                equation::Route::bolus("load")
                    .to_state("x5")
                    .inject_input_to_destination(),
                equation::Route::infusion("iv")
                    .to_state("x5")
                    .inject_input_to_destination(),
            ]),
    )
    .expect("a sound model");
    let subject = doses(off);
    let parameters = Parameters::with_model(&ode, [("q", s.q), ("d", s.d), ("v", s.v), ("ke", s.ke), ("keo", s.keo)])
        .expect("named");
    let predictions = ode
        .estimate_predictions(subject, &parameters)
        .expect("a smooth problem");
    for (row, y) in rows.iter_mut().zip(predictions.flat_predictions()) {
        *row = y;
    }
}
