//! A year of undisturbed therapy, and its kinetics for a peer: shared by the benches.
#![allow(dead_code, reason = "each bench uses its part")]

use std::path::Path;

use itbsim::numerics::LinearSystem;
use itbsim::numerics::general::{GeneralMethod, GeneralTolerances, Segment, UserModel, integrate};
use itbsim::scenario::model::Scenario;
use itbsim::simulation::{Registry, RunOptions, RunResult, SystemTrace, simulate};

/// The year of the built-in stable therapy, with the refills it needs.
pub fn scenario() -> Scenario {
    let mut text = String::from(
        "extends = \"base/adult-spinal.toml\"\ntitle = \"A year\"\nduration = \"365 d\"\nsample = \"1 h\"\n",
    );
    for (id, day) in [("first", 80), ("second", 160), ("third", 240), ("fourth", 320)] {
        text += &format!(
            "[[action]]\nid = \"{id}\"\nat = \"{day} d\"\nrefill = {{ volume = \"18 mL\", concentration = \"2 mg/mL\" }}\n"
        );
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let catalog = Registry::builtin().catalog();
    let story =
        itbsim::scenario::load_str("year.toml", &text, Some(&folder), &catalog).unwrap_or_else(|e| panic!("{e}"));
    story.arms[0].scenario.clone()
}

/// Computing alone, or with its hourly rows.
pub fn options(observe: bool) -> RunOptions {
    RunOptions {
        observe,
        ..RunOptions::default()
    }
}

/// One whole run, assembly included.
pub fn run(scenario: &Scenario, registry: &Registry, observe: bool) -> RunResult {
    simulate(scenario, registry, &options(observe)).expect("stable therapy runs")
}

/// The linear system of the run: matrix, inputs, start.
pub fn system(scenario: &Scenario, registry: &Registry) -> SystemTrace {
    let recorded = RunOptions {
        record_system: true,
        ..options(false)
    };
    simulate(scenario, registry, &recorded)
        .expect("stable therapy runs")
        .system
        .expect("it was asked for")
}

/// The modes of the matrix in force at the start.
pub fn decomposed(trace: &SystemTrace) -> LinearSystem {
    let a = trace.segments[0].a.clone().expect("the first segment has one");
    LinearSystem::new(a).expect("the matrix is finite")
}

/// One segment with constant matrix and input, the matrix by its non-zero entries.
struct Peer<'a> {
    columns: &'a [Vec<(usize, f64)>],
    input: &'a [f64],
}

impl UserModel for Peer<'_> {
    fn dim(&self) -> usize {
        self.input.len()
    }

    fn rhs(&self, _t: f64, x: &[f64], dx: &mut [f64]) {
        dx.copy_from_slice(self.input);
        for (x, column) in x.iter().zip(self.columns) {
            for (i, a) in column {
                dx[*i] += a * x;
            }
        }
    }
}

/// The same segments up to `until_h` by `ode_solvers` Dopri5 at rtol 1e-6; gives the last state.
pub fn by_ode_solvers(trace: &SystemTrace, until_h: f64) -> Vec<f64> {
    let tolerances = GeneralTolerances { rtol: 1e-6, atol: 1e-8 };
    let n = trace.states.len();
    let mut x = trace.x0.clone();
    let mut columns = Vec::new();
    for s in &trace.segments {
        if s.t0_h >= until_h {
            break;
        }
        if let Some(a) = &s.a {
            columns = (0..n)
                .map(|j| (0..n).map(|i| (i, a[(i, j)])).filter(|e| e.1 != 0.0).collect())
                .collect();
        }
        for (x, jump) in x.iter_mut().zip(s.jump.iter().flatten()) {
            *x += jump;
        }
        let peer = Peer {
            columns: &columns,
            input: &s.b,
        };
        let length = s.t1_h.min(until_h) - s.t0_h;
        if length > 0.0 {
            let whole = [Segment {
                t0: 0.0,
                t1: length,
                jump: Vec::new(),
            }];
            let method = GeneralMethod::Dopri5;
            x = integrate(&peer, &x, &whole, &[length], tolerances, method)
                .expect("the peer keeps its tolerance")
                .remove(0);
        }
    }
    x
}
