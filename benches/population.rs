//! What a batch pays for a virtual patient. `cargo bench --bench population`

use divan::{Bencher, black_box};
use itbsim::parameters::ParameterSet;
use itbsim::population::{Figures, Population, Setting};
use itbsim::simulation::Registry;

fn main() {
    divan::main();
}

fn adults() -> Population {
    Population::named("adult-spinal").expect("it is built in")
}

/// One patient of a cohort whose keys are hashed already: the path of a batch.
#[divan::bench]
fn patient_of_a_cohort(bencher: Bencher) {
    let cohort = adults().cohort(1);
    let mut i = 0;
    bencher.bench_local(|| {
        i += 1;
        cohort.patient(black_box(i))
    });
}

/// The same into a scenario.
#[divan::bench]
fn patient_into_a_scenario(bencher: Bencher) {
    let story = itbsim::scenario::load_str(
        "bench",
        itbsim::scenario::template(),
        None,
        &Registry::builtin().catalog(),
    )
    .expect("the template loads");
    let mut scenario = story.arms[0].scenario.clone();
    let cohort = adults().cohort(1);
    let mut i = 0;
    bencher.bench_local(|| {
        i += 1;
        cohort.patient(black_box(i)).apply(&mut scenario);
    });
}

/// One patient alone, every key hashed.
#[divan::bench]
fn patient_alone(bencher: Bencher) {
    let adults = adults();
    let mut i = 0;
    bencher.bench_local(|| {
        i += 1;
        adults.patient(1, black_box(i))
    });
}

/// Half-life, clearance, response and dose of one patient, one decomposition included.
#[divan::bench]
fn figures_of_a_patient(bencher: Bencher) {
    let cohort = adults().cohort(1);
    let setting = Setting::new(ParameterSet::default());
    let mut i = 0;
    bencher.bench_local(|| {
        i += 1;
        Figures::of(&cohort.patient(black_box(i)), &setting).map(|f| f.half_life_h)
    });
}
