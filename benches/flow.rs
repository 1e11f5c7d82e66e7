//! The flow-control bench: how fast strokes, ticks and controllers are. `cargo bench --bench flow`
//!
//! The month is 30 days at 0.25 mL/day in strokes of 2.5 uL with a tick of one second; it is to take
//! less than two seconds of one core, and is told as strokes, ticks and days a second.

use std::hint::black_box;
use std::time::Instant;

use divan::Bencher;
use itbsim::engine::SimTime;
use itbsim::flow::{ControllerRegistry, Cost, Reading, Readings, Seen, TestRun, run_test};
use itbsim::scenario::flow_bench::{ControllerSpec, TestSpec};
use itbsim::scenario::load_bench_str;
use itbsim::signals::SensorKind;

const KINDS: [&str; 6] = ["open-loop", "delta-sigma", "pi", "scheduled", "valve-counting", "mpc"];

fn spec(kind: &str) -> ControllerSpec {
    ControllerSpec {
        id: kind.to_owned(),
        kind: kind.to_owned(),
        tuning: Default::default(),
    }
}

fn test(days: f64, pulsation: bool) -> TestSpec {
    let text = format!(
        "tick = \"1 s\"\n[plant]\npulsation = {pulsation}\n[[test]]\nid = \"month\"\nduration = \"{days} d\"\n\
         rate = \"0.25 mL/day\"\nsample = \"15 min\"\n"
    );
    match load_bench_str("month", &text, None, &ControllerRegistry::default().entries()) {
        Ok(mut bench) => bench.tests.remove(0),
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn run(test: &TestSpec, kind: &str) -> TestRun {
    let registry = ControllerRegistry::default();
    let reads = registry.kind(kind).expect("built in").reads;
    run_test(test, registry.build(&spec(kind)).expect("defaults"), reads, 1).expect("it runs")
}

fn main() {
    println!(
        "{:<36}{:>9}{:>14}{:>14}{:>14}{:>12}",
        "30 days, tick 1 s", "s", "strokes/s", "ticks/s", "events/s", "real time x"
    );
    for (kind, pulsation) in [
        ("delta-sigma", false),
        ("delta-sigma", true),
        ("pi", false),
        ("mpc", false),
    ] {
        let month = test(30.0, pulsation);
        let start = Instant::now();
        let done = run(&month, kind);
        let s = start.elapsed().as_secs_f64();
        let name = format!("{kind}{}", if pulsation { ", pulsating outlet" } else { "" });
        println!(
            "{name:<36}{s:>9.3}{:>14.0}{:>14.0}{:>14.0}{:>12.0}",
            done.strokes as f64 / s,
            done.ticks as f64 / s,
            done.events as f64 / s,
            30.0 * 86_400.0 / s
        );
    }
    divan::main();
}

/// One day on the bench, events and sensors included.
#[divan::bench(args = KINDS, sample_count = 10, sample_size = 1)]
fn one_day(bencher: Bencher, kind: &str) {
    let day = test(1.0, false);
    bencher.bench_local(|| run(black_box(&day), kind).strokes);
}

/// One call of a controller with fresh readings of all sensors.
#[divan::bench(args = KINDS)]
fn controller_step(bencher: Bencher, kind: &str) {
    let mut controller = ControllerRegistry::default().build(&spec(kind)).expect("defaults");
    let mut cost = Cost::default();
    let mut n = 0u64;
    bencher.bench_local(|| {
        n += 1;
        let now = SimTime::from_nanos(n as i64 * 1_000_000_000);
        let mut readings = Readings::default();
        for kind in SensorKind::ALL {
            readings.set(
                kind,
                Some(Reading {
                    value: 0.01 + (n % 7) as f64 * 1e-4,
                    sampled: now,
                    number: n,
                }),
            );
        }
        let seen = Seen {
            now,
            period: 1.0 / 3600.0,
            request: 0.25 / 24.0,
            stroke: 0.0025,
            most: 1.0,
            readings: &readings,
        };
        controller.tick(black_box(&seen), &mut cost)
    });
}
