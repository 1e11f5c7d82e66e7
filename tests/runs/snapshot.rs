//! Promise 10 at the level of whole runs: storing and going on gives the bits of not stopping.

use std::path::Path;

use itbsim::engine::SimTime;
use itbsim::scenario::model::Scenario;
use itbsim::simulation::{Registry, Run, RunOptions};

/// Everything that carries state: flex programme, kink with stored volume, needle, tablets, drain, alarms, symptoms.
const BUSY: &str = r#"
title = "A busy week"
duration = "7 d"
sample = "1 h"

[patient]
history = "established"
injury = "T4"

[pump]
reservoir = { size = "20 mL", fill = "2.6 mL", concentration = "2 mg/mL" }

[[programme]]
id = "base"
at = "0 d"
flex = [{ at = "06:00", rate = "500 ug/day" }, { at = "22:00", rate = "300 ug/day" }]

[[fault]]
id = "kink"
kind = "catheter.kink"
at = "1 d"
position = "40 cm"
length = "1 cm"
bore = 0.01
profile = { ramp = "6 h" }
until = "2.2 d"

[[fault]]
id = "low"
kind = "pump.stall"
when = "csf_l3_ng_per_ml < 60"
until = "3.4 d"

[[action]]
id = "needle"
at = "36 h"
lumbar_bolus = { dose = "50 ug", level = "L3", over = "30 min" }

[[action]]
id = "tablets"
at = "2.5 d"
oral_baclofen = { dose = "20 mg", every = "8 h", count = 6 }

[[action]]
id = "drain"
at = "4.4 d"
drain_csf = { volume = "10 mL", over = "30 min" }

[[action]]
id = "refill"
at = "5.2 d"
refill = { volume = "18 mL", concentration = "1 mg/mL", label = "2 mg/mL" }
"#;

fn scenario(registry: &Registry) -> Scenario {
    let story = itbsim::scenario::load_str("busy", BUSY, Some(Path::new(".")), &registry.catalog())
        .unwrap_or_else(|e| panic!("{}", e.render(false)));
    story.arms[0].scenario.clone()
}

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

#[test]
fn promise_10_restoring_and_going_on_gives_the_bits_of_not_stopping() {
    let registry = Registry::builtin();
    let scenario = scenario(&registry);
    let options = RunOptions::default();
    let end = scenario.duration;

    let mut straight = Run::new(&scenario, &registry, &options).unwrap();
    straight.run_until(end).unwrap();
    let expected = straight.finish();
    assert!(
        expected.events.iter().any(|e| e.name() == "fault.low.start"),
        "the condition must strike"
    );
    assert_eq!(expected.outcome.status, "alive");
    assert!(
        expected.events.len() > 60,
        "{} events are not busy",
        expected.events.len()
    );

    // In the ramp, in the needle, between tablets, in the drain, and after the refill.
    for pause in [25.3, 36.2, 77.7, 105.7, 130.0] {
        let mut first = Run::new(&scenario, &registry, &options).unwrap();
        first.run_until(at(pause)).unwrap();
        let text = first.save().unwrap().to_string();
        let saved: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut second = Run::restore(&scenario, &registry, &options, &saved).unwrap();
        assert_eq!(second.fingerprint(), first.fingerprint(), "at {pause} h");
        second.run_until(end).unwrap();
        assert!(second.finish() == expected, "stored at {pause} h");

        // The one that was stored, and a clone of it, go on alike.
        let mut clone = first.clone();
        clone.run_until(end).unwrap();
        assert!(clone.finish() == expected, "cloned at {pause} h");
    }
}

#[test]
fn a_snapshot_of_another_scenario_is_refused() {
    let registry = Registry::builtin();
    let scenario = scenario(&registry);
    let options = RunOptions::default();
    let saved = Run::new(&scenario, &registry, &options).unwrap().save().unwrap();
    let mut other = scenario.clone();
    other.faults.pop();
    let refused = Run::restore(&other, &registry, &options, &saved);
    assert!(refused.err().unwrap().to_string().contains("another scenario"));
}
