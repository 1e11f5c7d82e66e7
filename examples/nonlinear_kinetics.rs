//! A nonlinear model of one's own: elimination that saturates.
//!
//! The crate's kinetics are linear and solved exactly. Whoever wants something else
//! implements [`UserModel`], a right-hand side, and integrates it by `ode_solvers`
//! through [`integrate`], which offers only those of its modes that are right and stops at
//! every dose. Here blood takes up tablets and clears them with
//! `Vmax c / (Km + c)` instead of `k c`. Where `c` is far below `Km` the two must agree,
//! and the example shows how fast they part above it.
//!
//! `cargo run --example nonlinear_kinetics`

use std::error::Error;

use itbsim::numerics::LinearSystem;
use itbsim::numerics::general::{GeneralMethod, GeneralTolerances, Segment, UserModel, integrate};
use nalgebra::DMatrix;

/// Uptake from the gut \[1/h\].
const UPTAKE: f64 = 1.2;
/// Volume of distribution \[mL\].
const VOLUME: f64 = 58_000.0;
/// Elimination where it is linear \[1/h\].
const RATE: f64 = 0.19;
/// Concentration of half the greatest rate \[ug/mL\]; made up for the example.
const KM: f64 = 0.5;
/// Tablets come every six hours.
const EVERY: f64 = 6.0;
const TABLETS: usize = 12;

/// Amounts in gut and blood \[ug\].
struct Saturable;

impl UserModel for Saturable {
    fn dim(&self) -> usize {
        2
    }

    fn rhs(&self, _t: f64, x: &[f64], dx: &mut [f64]) {
        let (gut, blood) = (x[0], x[1]);
        let c = blood / VOLUME;
        // Vmax = RATE * KM * VOLUME, so that small concentrations see k = RATE.
        let cleared = RATE * KM * VOLUME * c / (KM + c);
        dx[0] = -UPTAKE * gut;
        dx[1] = UPTAKE * gut - cleared;
    }
}

/// Blood concentration each hour by the nonlinear model \[ug/mL\].
fn nonlinear(dose: f64, hours: &[f64]) -> Result<Vec<f64>, Box<dyn Error>> {
    let segments: Vec<Segment> = (0..TABLETS)
        .map(|k| Segment {
            t0: k as f64 * EVERY,
            t1: (k + 1) as f64 * EVERY,
            jump: vec![dose, 0.0],
        })
        .collect();
    let tolerances = GeneralTolerances {
        rtol: 1e-10,
        atol: 1e-10,
    };
    let states = integrate(
        &Saturable,
        &[0.0, 0.0],
        &segments,
        hours,
        tolerances,
        GeneralMethod::Dop853Autonomous,
    )?;
    Ok(states.iter().map(|x| x[1] / VOLUME).collect())
}

/// The same by the exact linear path.
fn linear(dose: f64, hours: &[f64]) -> Result<Vec<f64>, Box<dyn Error>> {
    let a = DMatrix::from_row_slice(2, 2, &[-UPTAKE, 0.0, UPTAKE, -RATE]);
    let system = LinearSystem::new(a)?;
    let none = system.forcing(&[0.0, 0.0]);
    let mut state = system.coordinates(&[0.0, 0.0]);
    let mut out = Vec::new();
    let mut wanted = hours.iter().peekable();
    for k in 0..TABLETS {
        system.add(&mut state, 0, dose);
        let (from, to) = (k as f64 * EVERY, (k + 1) as f64 * EVERY);
        // Any instant is one step from the last dose.
        while let Some(t) = wanted.next_if(|t| **t < to || k + 1 == TABLETS) {
            let here = system.advance(&state, &none, t - from);
            out.push(system.physical(&here)[1] / VOLUME);
        }
        state = system.advance(&state, &none, EVERY);
    }
    Ok(out)
}

/// Largest difference relative to the peak of the linear course.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let peak = b.iter().copied().fold(0.0, f64::max);
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / peak
}

fn main() -> Result<(), Box<dyn Error>> {
    let hours: Vec<f64> = (0..=72).map(f64::from).collect();
    println!(
        "{:>12}{:>18}{:>18}{:>14}",
        "dose mg", "linear peak", "saturable peak", "difference"
    );
    let mut differences = Vec::new();
    for dose in [0.001, 0.1, 10.0, 20.0, 80.0] {
        let (exact, own) = (linear(dose * 1000.0, &hours)?, nonlinear(dose * 1000.0, &hours)?);
        let peak = |c: &[f64]| 1000.0 * c.iter().copied().fold(0.0, f64::max);
        let apart = distance(&own, &exact);
        println!(
            "{dose:>12}{:>12.4} ng/mL{:>12.4} ng/mL{:>12.2e}",
            peak(&exact),
            peak(&own),
            apart
        );
        differences.push(apart);
    }
    // In the linear limit the two paths share no code and agree; the difference is that of
    // the models, in proportion to c / Km.
    assert!(differences[0] < 1e-3, "a microgram does not saturate anything");
    assert!((differences[1] / differences[0] / 100.0 - 1.0).abs() < 0.05);
    // At the doses people take the difference is one of medicine.
    assert!(differences[4] > 0.5, "eighty milligrams do");
    Ok(())
}
