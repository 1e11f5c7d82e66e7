//! A flow controller of one's own, on the bench beside the built-in ones.
//!
//! `cargo run --example own_controller`

use itbsim::flow::{
    Accumulator, Action, ControllerKind, ControllerRegistry, Cost, FlowController, Seen, ranking, run_bench,
};
use itbsim::scenario::flow_bench::TuningKey;
use itbsim::scenario::load_bench_str;
use itbsim::signals::SensorKind;

/// Delta-sigma on the strokes that were *seen*: what the position sensor misses is owed again.
#[derive(Clone, Default)]
struct Patient {
    accumulator: Accumulator,
    asked: f64,
    forgiven: f64,
    checked: f64,
    every: f64,
}

impl FlowController for Patient {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        let mut strokes = self.accumulator.strokes(seen.request, seen.period, seen.stroke, cost);
        cost.add(2);
        if let Some(position) = seen.readings.get(SensorKind::Rotor)
            && seen.now.hours() - self.checked >= self.every
        {
            cost.add(5);
            self.checked = seen.now.hours();
            let missing = self.asked - self.forgiven - position.value;
            if missing >= 1.0 {
                self.forgiven += 1.0;
                strokes += 1;
            }
        }
        self.asked += f64::from(strokes);
        Action { strokes, alarm: false }
    }

    fn clone_box(&self) -> Box<dyn FlowController> {
        Box::new(self.clone())
    }
}

const BENCH: &str = r#"
title = "A controller of my own on a slipping gear"
tick = "10 s"

[[controller]]
kind = "patient"
check_every = "30 min"

[[controller]]
kind = "delta-sigma"

[[test]]
id = "slip"
duration = "6 d"
rate = "0.25 mL/day"
analyse_from = "24 h"
stimuli = [{ at = "12 h", gear_slip = "10 %" }]
"#;

fn main() {
    let mut registry = ControllerRegistry::default();
    registry.register(ControllerKind {
        name: "patient",
        summary: "delta-sigma on the strokes that were seen",
        needs: &[SensorKind::Rotor],
        reads: &[SensorKind::Rotor],
        tuning: vec![TuningKey {
            key: "check_every".to_owned(),
            default: 0.5,
            unit: "h".to_owned(),
            low: 0.01,
            high: 24.0,
            meaning: "time between two looks at the position".to_owned(),
        }],
        build: |tuning| {
            Ok(Box::new(Patient {
                every: tuning.get("check_every")?,
                ..Patient::default()
            }))
        },
    });
    let bench = match load_bench_str("own", BENCH, None, &registry.entries()) {
        Ok(bench) => bench,
        Err(mistakes) => panic!("{mistakes}"),
    };
    let results = run_bench(&bench, &registry).expect("the bench runs");
    for place in ranking(&results) {
        println!(
            "{:<12} mean place {:.2}, mean error {:.2} %",
            place.controller,
            place.mean_place,
            place.mean_error_percent.unwrap_or(f64::NAN)
        );
    }
    let error = |id: &str| {
        let at = results
            .controllers
            .iter()
            .position(|c| c.id == id)
            .expect("it took part");
        results.cells[at]
            .metrics
            .mean_error_percent
            .expect("something was asked for")
    };
    assert!(
        error("delta-sigma") < -5.0,
        "a blind controller loses what the gear loses"
    );
    assert!(
        error("patient").abs() < 2.0,
        "one that looks does not: {} %",
        error("patient")
    );
}
