//! A whole patient for a year, in parts. `cargo bench --bench patient`
//!
//! The same numbers as ratios between one another, and against a peer: `--bench ratios`.

#[path = "year/mod.rs"]
mod year;

use divan::{Bencher, black_box};
use itbsim::engine::SimTime;
use itbsim::kinetics::{Body, Kinetics, Site};
use itbsim::numerics::LinearSystem;
use itbsim::parameters::ParameterSet;
use itbsim::signals::{Destination, Level};
use itbsim::simulation::{Registry, Run};

fn main() {
    divan::main();
}

/// Patient, queue and first events; no time passes.
#[divan::bench]
fn assembly(bencher: Bencher) {
    let (registry, scenario) = (Registry::builtin(), year::scenario());
    let options = year::options(false);
    bencher.bench_local(|| Run::new(black_box(&scenario), &registry, &options).is_ok());
}

/// 365 days, assembly included; with rows, 8761 of them, in memory.
#[divan::bench(args = [false, true], sample_count = 30)]
fn year_of_stable_therapy(bencher: Bencher, rows: bool) {
    let (registry, scenario) = (Registry::builtin(), year::scenario());
    bencher.bench_local(|| year::run(black_box(&scenario), &registry, rows));
}

/// The matrix of that patient.
#[divan::bench]
fn decomposition(bencher: Bencher) {
    let trace = year::system(&year::scenario(), &Registry::builtin());
    let a = trace.segments[0].a.clone().expect("the first segment has one");
    bencher.bench_local(|| LinearSystem::new(black_box(a.clone())).is_ok());
}

/// A change of input at an instant nobody foresaw, and a look at what drives the response.
#[divan::bench]
fn event_at_any_instant(bencher: Bencher) {
    let mut kinetics = Kinetics::new(Body::default(), &ParameterSet::default()).expect("defaults make a body");
    let tip = Site::Stream(Destination::Csf(Level::T10));
    let mut scratch = kinetics.scratch();
    let mut round = 0_u32;
    bencher.bench_local(|| {
        round += 1;
        let t = SimTime::from_hours(f64::from(round) * 0.123_456_789).expect("in range");
        let rate = 10.0 + f64::from(round % 7);
        kinetics.set_inputs(t, &[(tip, rate)]).expect("forward");
        kinetics.drive(t, &mut scratch).map(|d| d.effect)
    });
}

/// One day of the same kinetics by `ode_solvers` Dopri5 at rtol 1e-6: times 365 for the year.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn one_day_by_ode_solvers(bencher: Bencher) {
    let trace = year::system(&year::scenario(), &Registry::builtin());
    bencher.bench_local(|| year::by_ode_solvers(&trace, 24.0));
}
