//! The linear path on a synthetic neuraxis of 75 states, and a peer on the same system.
//!
//! `cargo bench --bench kinetics`. The peer, `ode_solvers` Dopri5 at rtol 1e-6, runs
//! **two days** of the same three-hourly rate changes; a year is 182.5 times that.

#[path = "../tests/common/numerics_models.rs"]
mod models;

use divan::{Bencher, black_box};
use itbsim::numerics::general::{GeneralMethod, GeneralTolerances, Segment, UserModel, integrate};
use itbsim::numerics::{Direction, LinearSystem, OutputRow};
use nalgebra::DMatrix;

fn main() {
    divan::main();
}

/// Exchange between neighbouring CSF nodes [1/h]: slow and fast mixing.
const MIXING: [f64; 2] = [16.0, 237.0];
/// Return from blood into each CSF node [1/h].
const STAR: f64 = 1e-6;
const STEP_H: f64 = 3.0;

fn rate(k: usize) -> f64 {
    10.0 + 8.0 * (k % 3) as f64
}

fn input(k: usize) -> Vec<f64> {
    let mut b = vec![0.0; 75];
    b[9] = rate(k);
    b
}

fn six_rows(system: &LinearSystem) -> Vec<OutputRow> {
    let unit = |i: usize| {
        let mut w = vec![0.0; 75];
        w[i] = 1.0;
        system.output(&w)
    };
    [3, 9, 20, 40, 55, 68].map(unit).into()
}

/// Everything that a fresh matrix costs.
#[divan::bench(args = MIXING)]
fn decomposition(bencher: Bencher, mixing: f64) {
    let m = models::neuraxis(mixing, STAR);
    bencher.bench(|| LinearSystem::new(black_box(m.a.clone())).unwrap());
}

/// One exponential of the same matrix over 3 h, for comparison.
#[divan::bench(args = MIXING, sample_count = 20)]
fn one_exponential(bencher: Bencher, mixing: f64) {
    let m = models::neuraxis(mixing, STAR);
    bencher.bench(|| itbsim::numerics::exponential::Propagator::new(black_box(&m.a), STEP_H));
}

/// Six outputs at an arbitrary instant.
#[divan::bench(args = MIXING)]
fn instant_with_six_outputs(bencher: Bencher, mixing: f64) {
    let system = LinearSystem::new(models::neuraxis(mixing, STAR).a).unwrap();
    let rows = six_rows(&system);
    let (c, f) = (system.coordinates(&[1.0; 75]), system.forcing(&input(0)));
    let mut scratch = system.scratch();
    bencher.bench_local(|| {
        system.look(&c, &f, black_box(2.345), &mut scratch);
        rows.iter().map(|r| system.evaluate(r, &scratch)).sum::<f64>()
    });
}

/// A rate change: new origin and new input.
#[divan::bench(args = MIXING)]
fn rate_change(bencher: Bencher, mixing: f64) {
    let system = LinearSystem::new(models::neuraxis(mixing, STAR).a).unwrap();
    let c = system.coordinates(&[1.0; 75]);
    let b = input(1);
    bencher.bench(|| system.advance(&c, &system.forcing(black_box(&b)), black_box(2.345)));
}

/// A search for a threshold over a day that finds nothing, and one that finds it.
#[divan::bench(args = [1e9, 60.0])]
fn crossing_search_over_a_day(bencher: Bencher, level: f64) {
    let system = LinearSystem::new(models::neuraxis(237.0, STAR).a).unwrap();
    let row = &six_rows(&system)[1];
    let (c, f) = (system.coordinates(&[0.0; 75]), system.forcing(&input(2)));
    bencher.bench(|| {
        let y = system.trajectory(row, &c, &f).unwrap();
        y.first_crossing(black_box(level / 100.0), Direction::Rising, 0.0, 24.0)
            .unwrap()
    });
}

/// 365 days, a rate change every 3 h, six outputs at each; decomposition included.
#[divan::bench(args = MIXING, sample_count = 20)]
fn year_of_rate_changes(bencher: Bencher, mixing: f64) {
    let m = models::neuraxis(mixing, STAR);
    bencher.bench(|| {
        let system = LinearSystem::new(m.a.clone()).unwrap();
        let rows = six_rows(&system);
        let mut c = system.coordinates(&[0.0; 75]);
        let mut scratch = system.scratch();
        let mut seen = 0.0;
        for k in 0..2920 {
            let f = system.forcing(&input(k));
            system.look(&c, &f, STEP_H, &mut scratch);
            for row in &rows {
                seen += system.evaluate(row, &scratch);
            }
            system.advance_to(&mut c, &scratch);
        }
        seen
    });
}

/// One segment: its rate must not jump at the segment's own end, or the last stage of
/// the last step would see the next rate and the peer would pay for rejected steps.
struct Peer<'a> {
    columns: &'a [Vec<(usize, f64)>],
    rate: f64,
}

impl UserModel for Peer<'_> {
    fn dim(&self) -> usize {
        75
    }

    fn rhs(&self, _t: f64, x: &[f64], dx: &mut [f64]) {
        dx.fill(0.0);
        dx[9] = self.rate;
        for (x, column) in x.iter().zip(self.columns) {
            for (i, a) in column {
                dx[*i] += a * x;
            }
        }
    }
}

fn sparse(a: &DMatrix<f64>) -> Vec<Vec<(usize, f64)>> {
    let column = |j| (0..75).map(move |i| (i, a[(i, j)])).filter(|e| e.1 != 0.0).collect();
    (0..75).map(column).collect()
}

/// `ode_solvers` Dopri5 (on `DVector`), rtol 1e-6, two days (16 rate changes): times 182.5 for a year.
#[divan::bench(args = MIXING, sample_count = 5, sample_size = 1)]
fn two_days_by_ode_solvers(bencher: Bencher, mixing: f64) {
    let columns = sparse(&models::neuraxis(mixing, STAR).a);
    let tolerances = GeneralTolerances { rtol: 1e-6, atol: 1e-8 };
    bencher.bench(|| {
        let mut x = vec![0.0; 75];
        for k in 0..16 {
            let peer = Peer {
                columns: &columns,
                rate: rate(k),
            };
            let whole = [Segment {
                t0: 0.0,
                t1: STEP_H,
                jump: Vec::new(),
            }];
            let method = GeneralMethod::Dopri5;
            x = integrate(&peer, &x, &whole, &[STEP_H], tolerances, method)
                .unwrap()
                .remove(0);
        }
        x
    });
}
