//! Every promise about speed in one table, measured in one run, so that load on the
//! machine falls on both sides of a ratio. `cargo bench --bench ratios`
//!
//! The peer, `ode_solvers` Dopri5 at rtol 1e-6, integrates the first
//! [`PEER_DAYS`] of the year and its time is scaled to 365 days: under constant input its step is bounded
//! by stability, not by accuracy, so it does not grow.

#[path = "year/mod.rs"]
mod year;

use std::hint::black_box;
use std::time::Instant;

use itbsim::engine::SimTime;
use itbsim::kinetics::{Body, Flows, Kinetics, Site};
use itbsim::numerics::LinearSystem;
use itbsim::parameters::ParameterSet;
use itbsim::signals::{Destination, Level, Posture};
use itbsim::simulation::{Registry, Run};

const PEER_DAYS: f64 = 5.0;

/// Time of one call \[s\].
#[derive(Clone, Copy)]
struct Time {
    median: f64,
    /// The fastest call: what is left where others use the machine too.
    fastest: f64,
}

impl Time {
    fn times(self, factor: f64) -> Time {
        Time {
            median: self.median * factor,
            fastest: self.fastest * factor,
        }
    }

    fn minus(self, other: Time) -> Time {
        Time {
            median: self.median - other.median,
            fastest: self.fastest - other.fastest,
        }
    }
}

fn time(calls: usize, mut f: impl FnMut()) -> Time {
    f();
    let mut times: Vec<f64> = (0..calls)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    Time {
        median: times[calls / 2],
        fastest: times[0],
    }
}

fn text(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.3} s"),
        s if s >= 1e-3 => format!("{:.3} ms", s * 1e3),
        s => format!("{:.3} us", s * 1e6),
    }
}

fn line(what: &str, time: Time) {
    println!("{what:<58} {:>12} {:>12}", text(time.median), text(time.fastest));
}

fn main() {
    let registry = Registry::builtin();
    let scenario = year::scenario();
    let trace = year::system(&scenario, &registry);
    let a = trace.segments[0].a.clone().expect("the first segment has one");

    let assembly = time(100, || {
        black_box(Run::new(&scenario, &registry, &year::options(false)).expect("it assembles"));
    });
    let quiet = time(100, || {
        black_box(year::run(&scenario, &registry, false));
    });
    let rows = year::run(&scenario, &registry, true).rows.len() as f64;
    let sampled = time(10, || {
        black_box(year::run(&scenario, &registry, true));
    });
    let decomposition = time(100, || {
        black_box(LinearSystem::new(black_box(a.clone())).expect("finite"));
    });
    let peer = time(3, || {
        black_box(year::by_ode_solvers(&trace, PEER_DAYS * 24.0));
    })
    .times(365.0 / PEER_DAYS);

    // An event at an instant nobody foresaw: what drives the response there, then a new
    // input, which makes a new origin.
    let body = Body::default();
    let mut kinetics = Kinetics::new(body, &ParameterSet::default()).expect("defaults make a body");
    let upright = Flows {
        posture: Posture::Upright,
        ..Flows::default()
    };
    kinetics
        .set_flows(SimTime::ZERO, upright)
        .expect("no flow is impossible");
    let tip = Site::Stream(Destination::Csf(Level::T10));
    kinetics.settle(SimTime::ZERO, &[(tip, 16.0)]).expect("it settles");
    let mut scratch = kinetics.scratch();
    const EVENTS: u32 = 1_000;
    let mut round = 0_u32;
    let mut one_event = |events: bool, kinetics: &mut Kinetics, round: &mut u32| {
        for _ in 0..EVENTS {
            *round += 1;
            let t = SimTime::from_hours(f64::from(*round) * 0.731_234_567).expect("in range");
            black_box(kinetics.drive(t, &mut scratch).expect("forward"));
            if events {
                let rate = 10.0 + f64::from(*round % 7);
                kinetics
                    .set_inputs_seen(t, &[(tip, rate)], &mut scratch)
                    .expect("forward");
            }
        }
    };
    let look = time(21, || one_event(false, &mut kinetics.clone(), &mut round.clone())).times(1.0 / f64::from(EVENTS));
    let event = time(21, || one_event(true, &mut kinetics, &mut round)).times(1.0 / f64::from(EVENTS));

    println!(
        "365 days of stable therapy, {} states, {} events",
        trace.states.len(),
        year::run(&scenario, &registry, false).event_count
    );
    println!("{:<58} {:>12} {:>12}", "", "median", "fastest");
    line("assembly alone", assembly);
    line("computing, assembly included, no rows", quiet);
    line("  of which after assembly", quiet.minus(assembly));
    line("with hourly rows, not written", sampled);
    line("  each row", sampled.minus(quiet).times(1.0 / rows));
    line("one decomposition of its matrix", decomposition);
    line("look at any instant: six outputs", look);
    line("event at any instant: six outputs, new origin and input", event);
    line(
        &format!("ode_solvers Dopri5, rtol 1e-6 ({PEER_DAYS} days, scaled)"),
        peer,
    );
    println!(
        "ode_solvers / computing: {:.0} by medians, {:.0} by the fastest",
        peer.median / quiet.median,
        peer.fastest / quiet.fastest
    );
}
