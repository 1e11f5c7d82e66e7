//! Every shipped scenario's kinetics, integrated a second time by `ode_solvers`.
//!
//! A run records the linear system it assembled: matrix, input and doses of each
//! segment, and the weights of the outputs. Here the segments are integrated by
//! Dormand-Prince with error control, which shares no code with the exact path,
//! and the outputs are compared with the rows of the run. Doses, faults and flows are
//! what the run says they were; what is checked is what it made of them. Scenarios
//! longer than 45 days are checked over their first 45 days, all others whole.

use crate::run_common::{label, load_shipped, run_with, shipped};
use itbsim::engine::{SimSpan, SimTime};
use itbsim::numerics::general::{GeneralMethod, GeneralTolerances, Segment, UserModel, integrate};
use itbsim::scenario::model::{Scenario, Story};
use itbsim::simulation::{RunOptions, RunResult, SystemTrace};
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Largest accepted difference, relative to the peak of the column.
const ACCEPTED: f64 = 1e-8;

/// Of longer scenarios only this much from the start is checked (45 d): an explicit method takes
/// its time over months in which nothing changes.
const LONGEST: SimTime = SimTime::from_nanos(45 * 24 * 3_600_000_000_000);

/// One segment as a right-hand side; zeros of the sparse matrix are skipped.
struct Stretch<'a> {
    entries: &'a [(usize, usize, f64)],
    input: &'a [f64],
}

impl UserModel for Stretch<'_> {
    fn dim(&self) -> usize {
        self.input.len()
    }

    fn rhs(&self, _t: f64, x: &[f64], dx: &mut [f64]) {
        dx.copy_from_slice(self.input);
        for &(i, j, a) in self.entries {
            dx[i] += a * x[j];
        }
    }
}

fn entries(a: &DMatrix<f64>) -> Vec<(usize, usize, f64)> {
    let mut all = Vec::new();
    for i in 0..a.nrows() {
        for j in 0..a.ncols() {
            if a[(i, j)] != 0.0 {
                all.push((i, j, a[(i, j)]));
            }
        }
    }
    all
}

/// The largest difference over all outputs and rows, relative to the column's peak.
fn worst(run: &RunResult, trace: &SystemTrace) -> (f64, String) {
    let outputs: Vec<(usize, &str, &[f64])> = trace
        .outputs
        .iter()
        .map(|(name, weights)| {
            let column = run
                .columns
                .iter()
                .position(|c| c == name)
                .expect("an output is a column");
            (column, name.as_str(), weights.as_slice())
        })
        .collect();
    assert!(outputs.iter().any(|(_, n, _)| n.ends_with("csf_l3_ng_per_ml")));
    assert!(outputs.iter().any(|(_, n, _)| n.ends_with("plasma_ng_per_ml")));
    let mut difference = vec![0.0_f64; outputs.len()];
    let mut place = vec![0.0; outputs.len()];
    let mut peak = vec![0.0_f64; outputs.len()];
    let mut state = trace.x0.clone();
    let mut matrix = Vec::new();
    let mut rows = run.rows.iter().peekable();
    let mut compared = 0;
    for (number, segment) in trace.segments.iter().enumerate() {
        if let Some(a) = &segment.a {
            matrix = entries(a);
        }
        let last = number + 1 == trace.segments.len();
        let mut inside = Vec::new();
        while let Some(row) = rows.peek() {
            if row[0] > segment.t1_h || (row[0] == segment.t1_h && !last) {
                break;
            }
            inside.push(*row);
            rows.next();
        }
        let length = segment.t1_h - segment.t0_h;
        let mut wanted: Vec<f64> = inside.iter().map(|r| r[0] - segment.t0_h).collect();
        wanted.push(length);
        let model = Stretch {
            entries: &matrix,
            input: &segment.b,
        };
        let whole = Segment {
            t0: 0.0,
            t1: length,
            jump: segment.jump.clone().unwrap_or_default(),
        };
        let tolerances = GeneralTolerances {
            rtol: 1e-10,
            atol: 1e-12,
        };
        let states = integrate(&model, &state, &[whole], &wanted, tolerances, GeneralMethod::Dopri5)
            .unwrap_or_else(|e| panic!("segment at {} h: {e}", segment.t0_h));
        for (row, x) in inside.iter().zip(&states) {
            compared += 1;
            for (k, (column, _, weights)) in outputs.iter().enumerate() {
                let value: f64 = weights.iter().zip(x).map(|(w, x)| w * x).sum();
                let d = (value - row[*column]).abs();
                peak[k] = peak[k].max(value.abs());
                if d > difference[k] || d.is_nan() {
                    difference[k] = d;
                    place[k] = row[0];
                }
            }
        }
        state = states.into_iter().next_back().expect("one state a save point");
    }
    assert_eq!(compared, run.rows.len(), "every row lies in a segment");
    let mut found = (0.0, String::new());
    for (k, (_, name, _)) in outputs.iter().enumerate() {
        // A column that stays empty has no peak to compare with.
        let relative = if peak[k] > 0.0 {
            difference[k] / peak[k]
        } else {
            difference[k]
        };
        if relative > found.0 || relative.is_nan() {
            found = (relative, format!("{name} at {} h", place[k]));
        }
    }
    found
}

/// The difference found in one arm, if it is too large.
fn check(name: &str, scenario: &Scenario) -> Option<String> {
    let mut scenario = scenario.clone();
    scenario.duration = scenario.duration.min(LONGEST);
    let hours = (scenario.duration.hours() / 100.0).min(6.0);
    let run = run_with(
        &scenario,
        &RunOptions {
            record_system: true,
            sample: SimSpan::from_hours(hours).ok(),
            ..RunOptions::default()
        },
    );
    let trace = run.system.clone().expect("it was asked for");
    assert_eq!(
        trace.drugs.len(),
        scenario.drugs.len(),
        "each drug has a system of its own"
    );
    std::iter::once(&trace).chain(trace.drugs.values()).find_map(|trace| {
        let (relative, place) = worst(&run, trace);
        (relative.is_nan() || relative > ACCEPTED).then(|| format!("{name}: {relative:e} of the peak of {place}"))
    })
}

#[test]
fn ode_solvers_finds_the_rows_of_every_shipped_scenario() {
    let stories: Vec<Story> = shipped().iter().map(|path| load_shipped(path)).collect();
    let arms: Vec<(String, &Scenario)> = stories
        .iter()
        .flat_map(|s| s.arms.iter().map(|a| (label(s, &a.id), &a.scenario)))
        .collect();
    let off: Vec<String> = arms
        .par_iter()
        .filter_map(|(name, scenario)| check(name, scenario))
        .collect();
    assert!(off.is_empty(), "{}", off.join("\n"));
}

#[test]
fn the_check_sees_a_millionth_in_one_rate() {
    let path = shipped()
        .into_iter()
        .find(|p| p.ends_with("screening-bolus.toml"))
        .expect("it is shipped");
    let story = load_shipped(&path);
    let options = RunOptions {
        record_system: true,
        ..RunOptions::default()
    };
    let run = run_with(&story.arms[0].scenario, &options);
    let mut trace = run.system.clone().expect("it was asked for");
    let a = trace.segments[0].a.as_mut().expect("the first matrix");
    a[(0, 0)] *= 1.0 + 1e-6;
    let (relative, place) = worst(&run, &trace);
    assert!(relative > ACCEPTED, "{relative:e} at {place}");
}
