//! A pump whose mean flow is handed out in strokes: the same device, seen more finely.

use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Command, Pump, PumpRegistry, PumpSetup};
use itbsim::scenario::model::{self, Programme};
use itbsim::signals::Others;

/// Flow of the programme: 400 ug/day of 2 mg/mL \[mL/h\].
const FLOW: f64 = 0.2 / 24.0;

/// A pump that works in strokes of 2 uL, each of this many seconds.
fn pump(seconds: f64) -> Box<dyn Pump> {
    let mut parameters = ParameterSet::default();
    parameters.set("flow.fidelity.stroke", 2.0).unwrap();
    parameters.set("flow.fidelity.stroke_time", seconds).unwrap();
    let setup = PumpSetup {
        device: model::Pump {
            family: "peristaltic".to_owned(),
            reservoir_size: 20.0,
            fill: 18.0,
            concentration: 2000.0,
            others: Others::NONE,
            primary: None,
            label_concentration: 2000.0,
            low_reservoir_alarm: 2.0,
            gain: Some(1.0),
            age: 0.0,
            approved_drug: true,
        },
        dead_volume: 0.4,
        start: SimTime::ZERO,
    };
    let mut pump = PumpRegistry::default().build(&setup, &parameters).unwrap();
    let programme = Command::Programme {
        id: "p".to_owned(),
        mode: Programme::SimpleContinuous { rate: 400.0 / 24.0 },
    };
    pump.command(SimTime::ZERO, &programme, &mut Vec::new()).unwrap();
    pump
}

/// Instants \[h\] and names of so many of its events.
fn events(pump: &mut dyn Pump, count: usize) -> Vec<(f64, String)> {
    let one = |_| {
        let next = pump.next_event().unwrap();
        pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
        (next.at.hours(), next.event.name().to_owned())
    };
    (0..count).map(one).collect()
}

#[test]
fn strokes_come_at_the_pace_of_the_mean_and_last_as_long_as_they_are_said_to() {
    let mut pump = pump(90.0);
    assert_eq!(pump.drive().flow, 0.0);
    assert!((pump.mean_drive().flow - FLOW).abs() < 1e-15);
    assert_eq!(pump.reservoir_volume(SimTime::ZERO), 18.0);
    let every = 2e-3 / FLOW;
    for (i, pair) in events(pump.as_mut(), 20).chunks_exact(2).enumerate() {
        let begin = every * (i as f64 + 0.5);
        let wanted = [(begin, "stroke"), (begin + 0.025, "stroke_end")];
        for ((time, name), (due, called)) in pair.iter().zip(wanted) {
            assert!(
                (time - due).abs() < 1e-9 && name == called,
                "{name} at {time}, not {due}"
            );
        }
    }
    let next = pump.next_event().unwrap();
    pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
    assert!((pump.drive().flow - 2e-3 / 0.025).abs() < 1e-12);
}

#[test]
fn drug_leaves_the_reservoir_stroke_by_stroke() {
    let mut pump = pump(90.0);
    // 18 mL and the 1.4 mL that no stroke reaches, of 2 mg/mL.
    let full = 19.4 * 2000.0;
    assert!((pump.reservoir_drug(SimTime::ZERO) - full).abs() < 1e-9);
    // All that is offered leaves.
    let flow = pump.drive().flow;
    pump.set_outflow(SimTime::ZERO, flow);
    let mut end = 0.0;
    for _ in 0..20 {
        end = events(pump.as_mut(), 1)[0].0;
        let flow = pump.drive().flow;
        pump.set_outflow(SimTime::from_hours(end).unwrap(), flow);
    }
    // Ten strokes of 2 uL have taken 4 ug each, and until the next nothing goes.
    for hours in [end, end + 0.1] {
        let left = pump.reservoir_drug(SimTime::from_hours(hours).unwrap());
        assert!((left - (full - 10.0 * 4.0)).abs() < 1e-6, "{left}");
    }
}

#[test]
fn what_flows_faster_than_strokes_can_runs_as_it_is() {
    // A stroke of an hour carries 2 uL/h, a quarter of what is asked.
    let pump = pump(3600.0);
    assert!((pump.drive().flow - FLOW).abs() < 1e-15);
    assert!(pump.next_event().is_none_or(|next| next.event.name() != "stroke"));
}

#[test]
fn a_stroke_under_way_is_kept_with_the_pump() {
    let mut pump = pump(90.0);
    events(pump.as_mut(), 5);
    assert!(pump.drive().flow > 0.0);
    let mut again = PumpRegistry::default().restore(pump.family(), &pump.save()).unwrap();
    assert_eq!(again.drive(), pump.drive());
    assert_eq!(events(again.as_mut(), 20), events(pump.as_mut(), 20));
}
