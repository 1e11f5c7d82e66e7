//! Valve-gated and gas-pressure pumps, surroundings, and the faults of single families,
//! against arithmetic and published figures.

use itbsim::catheter::{Catheter, CatheterFault};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{
    AlarmName, Command, Disturbance, NextEvent, Pump, PumpError, PumpEvent, PumpNotice, PumpRegistry, PumpSetup, Refill,
};
use itbsim::scenario::model::{self, Material, Programme};
use itbsim::signals::{Level, Others, Surroundings};

pub(super) const DAY: f64 = 24.0;

pub(super) fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

#[track_caller]
pub(super) fn close(a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs(), "{a} is not {b}");
}

pub(super) fn device(family: &str, fill: f64, concentration: f64) -> model::Pump {
    model::Pump {
        family: family.to_owned(),
        reservoir_size: 20.0,
        fill,
        concentration,
        others: Others::NONE,
        primary: None,
        label_concentration: concentration,
        low_reservoir_alarm: 2.0,
        gain: Some(1.0),
        age: 0.0,
        approved_drug: true,
    }
}

pub(super) fn build(device: model::Pump, parameters: &ParameterSet) -> Box<dyn Pump> {
    let setup = PumpSetup {
        device,
        dead_volume: 0.4,
        start: SimTime::ZERO,
    };
    PumpRegistry::default().build(&setup, parameters).unwrap()
}

pub(super) fn continuous(pump: &mut dyn Pump, now: SimTime, dose_per_day: f64) {
    let command = Command::Programme {
        id: "p".to_owned(),
        mode: Programme::SimpleContinuous {
            rate: dose_per_day / DAY,
        },
    };
    pump.command(now, &command, &mut Vec::new()).unwrap();
}

/// Runs the pump's own events and gives their instants \[h\] and names, notices included.
pub(super) fn run(pump: &mut dyn Pump, until: f64) -> Vec<(f64, String)> {
    let mut seen = Vec::new();
    while let Some(NextEvent { at: time, event, .. }) = pump.next_event().filter(|n| n.at <= at(until)) {
        let mut out = Vec::new();
        pump.on_event(time, &event, &mut out).unwrap();
        seen.push((time.hours(), event.name().to_owned()));
        seen.extend(out.iter().map(|n| (time.hours(), n.name())));
    }
    seen
}

#[track_caller]
pub(super) fn first(events: &[(f64, String)], name: &str) -> f64 {
    let found = events.iter().find(|e| e.1 == name);
    found.unwrap_or_else(|| panic!("no {name} in {events:?}")).0
}

pub(super) fn strike(pump: &mut dyn Pump, hours: f64, name: &str, disturbance: Disturbance) -> Vec<PumpNotice> {
    let mut out = Vec::new();
    pump.disturb(at(hours), name, &disturbance, &mut out).unwrap();
    out
}

pub(super) fn surround(pump: &mut dyn Pump, hours: f64, pressure: f64, temperature: f64) -> f64 {
    let surroundings = Surroundings { pressure, temperature };
    pump.surround(at(hours), surroundings, &mut Vec::new())
}

pub(super) fn field(hours: f64) -> Disturbance {
    Disturbance::MriField {
        field: Some(hours),
        restart_delay: 0.0,
    }
}

mod valve_gated {
    use super::*;

    fn generation(number: f64) -> ParameterSet {
        let mut parameters = ParameterSet::default();
        parameters.set("pump.valve.generation", number).unwrap();
        parameters
    }

    #[test]
    fn strokes_follow_the_published_arithmetic() {
        for (concentration, dose, ug) in [(500.0, 100.0, 1.25), (2000.0, 400.0, 5.0)] {
            let mut pump = build(device("valve-gated", 20.0, concentration), &ParameterSet::default());
            continuous(pump.as_mut(), SimTime::ZERO, dose);
            let strokes = pump.telemetry(at(DAY)).actuations.unwrap();
            assert_eq!(strokes.count, 80);
            close(strokes.interval.unwrap() * 60.0, 18.0, 1e-12);
            close(strokes.dose, ug, 1e-12);
            let events = run(pump.as_mut(), 101.0 * DAY);
            close(first(&events, "emptied"), 100.0 * DAY, 1e-9);
        }
    }

    #[test]
    fn delivers_97_percent_of_what_it_is_asked_for_and_what_the_scenario_says_instead() {
        let mut dev = device("valve-gated", 20.0, 500.0);
        dev.gain = None;
        let mut pump = build(dev, &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 100.0);
        close(pump.drive().flow * DAY, 0.2 * 0.971, 1e-12);
        close(pump.programmed_flow() * DAY, 0.2, 1e-12);
    }

    #[test]
    fn takes_28_8_ml_a_day_and_no_more() {
        let mut pump = build(device("valve-gated", 20.0, 500.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 28.8 * 500.0);
        close(pump.programmed_flow() * DAY, 28.8, 1e-12);
        let command = Command::Programme {
            id: "p".to_owned(),
            mode: Programme::SimpleContinuous {
                rate: 29.0 * 500.0 / DAY,
            },
        };
        let refused = pump.command(at(1.0), &command, &mut Vec::new()).unwrap_err();
        assert!(matches!(refused, PumpError::FlowOutOfRange { .. }), "{refused}");
    }

    #[test]
    fn a_field_empties_the_first_generation_at_gas_pressure_over_resistance() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &generation(1.0));
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        let notices = strike(pump.as_mut(), 24.0, "scan", field(0.5));
        assert_eq!(notices, [PumpNotice::ValvesOpen]);
        let drive = pump.drive();
        close(drive.flow, 10.0 * 60.0, 1e-12);
        close(drive.max_pressure, 60.0, 1e-12);
        // Behind a line of resistance r the flow is P / (1/G + r).
        let r = 0.1;
        let flow = 60.0 / (1.0 / drive.droop + r);
        pump.set_outflow(at(24.0), flow);
        let left = pump.reservoir_volume(at(24.0));
        let events = run(pump.as_mut(), 30.0);
        close(first(&events, "emptied") - 24.0, left / flow, 1e-9);
        close(first(&events, "field_over"), 24.5, 1e-12);
        assert_eq!(pump.drive().flow, 0.0);
    }

    #[test]
    fn the_second_generation_shuts_after_its_volume_and_opens_when_reset() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &generation(2.0));
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        strike(pump.as_mut(), 24.0, "scan", field(0.5));
        pump.set_outflow(at(24.0), 300.0);
        let events = run(pump.as_mut(), 30.0);
        close((first(&events, "safety_valve_shuts") - 24.0) * 300.0, 0.02, 1e-6);
        assert_eq!(pump.drive().flow, 0.0, "shut although the field is gone");
        close(pump.delivered_volume(at(30.0)), 0.2 + 0.02, 1e-6);
        let out = &mut Vec::new();
        pump.command(at(30.0), &Command::ResetValve, out).unwrap();
        assert_eq!(*out, [PumpNotice::SafetyValveReset]);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn a_bolus_at_the_highest_rate_does_not_move_the_safety_valve() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &generation(2.0));
        continuous(pump.as_mut(), SimTime::ZERO, 28.8 * 2000.0);
        let events = run(pump.as_mut(), 10.0);
        assert!(events.iter().all(|e| e.1 != "safety_valve_shuts"), "{events:?}");
    }

    #[test]
    fn the_safety_valve_counts_anew_after_the_flow_was_slow() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &generation(2.0));
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        strike(pump.as_mut(), 24.0, "scan", field(2.0));
        // Of the 0.02 mL that shut it 0.018 pass, then the line lets 1 mL/h through: it moves above 5.
        pump.set_outflow(at(24.0), 300.0);
        pump.set_outflow(at(24.0 + 0.018 / 300.0), 1.0);
        assert_eq!(run(pump.as_mut(), 25.0), []);
        pump.set_outflow(at(25.0), 300.0);
        let events = run(pump.as_mut(), 25.5);
        close((first(&events, "safety_valve_shuts") - 25.0) * 300.0, 0.02, 1e-6);
    }

    #[test]
    fn an_overfilled_reservoir_adds_its_pressure_to_that_of_the_gas() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &generation(1.0));
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        strike(pump.as_mut(), 1.0, "f", Disturbance::ForcedFill { volume: 2.0 });
        let refill = Refill {
            volume: 21.0,
            entered_volume: 20.0,
            concentration: 2000.0,
            label: 2000.0,
            aspirate: true,
            others: Others::NONE,
        };
        pump.refill(at(1.0), &refill, &mut Vec::new()).unwrap();
        // The valves still meter.
        close(pump.drive().flow * DAY, 0.2, 1e-12);
        strike(pump.as_mut(), 1.0, "scan", field(0.5));
        // 1 mL too much is 20 kPa, and the first of eight stairs stands at 15/16 of it.
        let pressure = 60.0 + 20.0 * 15.0 / 16.0;
        close(pump.drive().max_pressure, pressure, 1e-12);
        close(pump.drive().flow, 10.0 * pressure, 1e-12);
    }

    #[test]
    fn a_valve_stuck_shut_counts_strokes_and_delivers_nothing() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        strike(pump.as_mut(), 24.0, "shut", Disturbance::ValveShut);
        assert_eq!(pump.drive().flow, 0.0);
        assert_eq!(pump.telemetry(at(48.0)).actuations.unwrap().count, 160);
        close(pump.reservoir_volume(at(48.0)), 17.8, 1e-12);
        pump.relieve(at(48.0), "shut", &mut Vec::new());
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn a_valve_stuck_open_adds_its_leak_to_the_strokes() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        let notices = strike(
            pump.as_mut(),
            24.0,
            "open",
            Disturbance::ValveOpen { conductance: 2e-4 },
        );
        assert_eq!(notices, [PumpNotice::ValvesOpen]);
        close(pump.drive().flow, 0.2 / DAY + 2e-4 * 60.0, 1e-12);
    }

    #[test]
    fn outside_pressure_above_that_of_the_gas_stops_the_strokes() {
        let mut pump = build(device("valve-gated", 18.0, 2000.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        assert_eq!(surround(pump.as_mut(), 1.0, 202.65, 37.0), 0.0);
        assert_eq!(pump.drive().flow, 0.0);
        surround(pump.as_mut(), 2.0, 75.0, 39.0);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }
}

mod gas_pressure {
    use super::*;

    fn pump() -> Box<dyn Pump> {
        build(device("gas-pressure", 18.0, 1000.0), &ParameterSet::default())
    }

    #[test]
    fn flows_from_the_start_and_takes_no_programme() {
        let mut pump = pump();
        assert!(!pump.is_programmable());
        close(pump.drive().flow * DAY, 0.4, 1e-12);
        close(pump.outflow() * DAY, 0.4, 1e-12);
        let scale = Command::ScaleDose {
            id: "p".to_owned(),
            factor: 1.1,
        };
        let refused = pump.command(at(1.0), &scale, &mut Vec::new()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a `gas-pressure` pump has no programme: its flow is set in the factory, and the dose is chosen by the \
             concentration"
        );
        assert_eq!(pump.telemetry(at(1.0)).battery_left, None);
    }

    #[test]
    fn a_degree_brings_ten_to_thirteen_percent() {
        for degrees in [-2.0, 1.0, 2.5] {
            let mut pump = pump();
            surround(pump.as_mut(), 1.0, 101.325, 37.0 + degrees);
            let gauge = 161.325 * libm::exp(0.034 * degrees) - 101.325;
            close(
                pump.drive().flow * DAY,
                0.4 * gauge / 60.0 * libm::exp(0.02 * degrees),
                1e-12,
            );
        }
        let mut pump = pump();
        surround(pump.as_mut(), 1.0, 101.325, 38.0);
        let rise = pump.drive().flow * DAY / 0.4 - 1.0;
        assert!((0.10..=0.13).contains(&rise), "{rise}");
    }

    #[test]
    fn cabin_height_multiplies_by_what_the_physics_of_its_gauge_pressure_says() {
        for (gauge, factor) in [(80.0, 1.325), (60.0, 1.434), (40.0, 1.651)] {
            let mut parameters = ParameterSet::default();
            parameters.set("pump.gas.pressure", gauge).unwrap();
            let mut pump = build(device("gas-pressure", 18.0, 1000.0), &parameters);
            surround(pump.as_mut(), 1.0, 75.26, 37.0);
            close(pump.drive().flow * DAY / 0.4, factor, 1e-3);
        }
    }

    #[test]
    fn the_pressure_falls_with_the_last_drops() {
        // It begins to fall at 3 % of 20 mL, in steps down to 30 % of what it was.
        let flow = |fill: f64| {
            let pump = build(device("gas-pressure", fill, 1000.0), &ParameterSet::default());
            pump.drive().flow * DAY / 0.4
        };
        close(flow(0.61), 1.0, 1e-12);
        let (half, last) = (flow(0.3), flow(0.01));
        assert!((0.55..0.75).contains(&half), "{half}");
        assert!((0.3..0.4).contains(&last), "{last}");
    }

    #[test]
    fn a_chamber_above_its_gas_pressure_stops_it() {
        let mut pump = pump();
        surround(pump.as_mut(), 1.0, 202.65, 37.0);
        assert_eq!(pump.drive().flow, 0.0);
        surround(pump.as_mut(), 2.5, 101.325, 37.0);
        close(pump.drive().flow * DAY, 0.4, 1e-12);
    }

    #[test]
    fn a_kink_stands_in_series_with_the_restrictor() {
        let parameters = ParameterSet::default();
        let pump = pump();
        let catheter = model::Catheter::plain(89.0, 30.0, Level::T10, Material::Braided);
        let mut line = Catheter::new(SimTime::ZERO, &catheter, &parameters, 1000.0).unwrap();
        let _ = line.set_source(SimTime::ZERO, pump.drive(), 1000.0);
        let tip = parameters.get("catheter.tip_pressure.supine");
        let restrictor = 60.0 / (0.4 / DAY);
        // 128 viscosity length / (pi bore^4), in kPa h/mL.
        let bore = parameters.get("catheter.bore") * 1e-3;
        let poiseuille = |metres: f64, bore: f64| {
            128.0 * parameters.get("catheter.viscosity") * 1e-3 * metres / (std::f64::consts::PI * libm::pow(bore, 4.0))
                * 1e-9
                / 3600.0
        };
        let sound = poiseuille(0.89, bore);
        close(line.inflow(), (60.0 - tip) / (restrictor + sound), 1e-9);
        let share = 0.025;
        let kink = CatheterFault::Kink {
            position: 50.0,
            length: 1.0,
            bore: share,
        };
        let _ = line.set_fault(at(1.0), "k", kink, 1.0).unwrap();
        while let Some(next) = line.next_change().filter(|t| *t <= at(400.0)) {
            let _ = line.on_change(next);
        }
        let with = restrictor + sound + poiseuille(0.01, bore * share) - poiseuille(0.01, bore);
        close(line.inflow(), (60.0 - tip) / with, 1e-3);
    }

    #[test]
    fn precipitate_divides_the_flow() {
        let mut pump = pump();
        strike(pump.as_mut(), 1.0, "p", Disturbance::Restrictor { resistance: 4.0 });
        close(pump.drive().flow * DAY, 0.1, 1e-12);
        pump.relieve(at(2.0), "p", &mut Vec::new());
        close(pump.drive().flow * DAY, 0.4, 1e-12);
    }

    #[test]
    fn the_last_three_percent_flow_ever_more_slowly_and_all_of_them_leave() {
        let mut pump = pump();
        let events = run(pump.as_mut(), 200.0 * DAY);
        // 3 % of 20 mL is 0.6 mL; six stairs of 0.1 mL under a pressure that falls to 30 %.
        let fade: f64 = (0..6)
            .map(|k| 0.1 / (0.4 * (1.0 - 0.7 * (f64::from(k) + 0.5) / 6.0)))
            .sum();
        close(first(&events, "pressure_step"), (18.0 - 0.6) / 0.4 * DAY, 1e-9);
        assert_eq!(events.iter().filter(|e| e.1 == "pressure_step").count(), 6);
        close(first(&events, "emptied"), ((18.0 - 0.6) / 0.4 + fade) * DAY, 1e-8);
        assert!(pump.reservoir_volume(at(200.0 * DAY)).abs() < 1e-11);
        // Filled again it has its pressure back.
        let refill = Refill {
            volume: 18.0,
            entered_volume: 18.0,
            concentration: 1000.0,
            label: 1000.0,
            aspirate: true,
            others: Others::NONE,
        };
        pump.refill(at(200.0 * DAY), &refill, &mut Vec::new()).unwrap();
        close(pump.drive().flow * DAY, 0.4, 1e-12);
    }

    #[test]
    fn a_magnet_does_nothing_and_no_alarm_ever_sounds() {
        let mut pump = pump();
        let before = pump.drive();
        assert!(strike(pump.as_mut(), 1.0, "scan", field(1.0)).is_empty());
        assert_eq!(pump.drive(), before);
        let events = run(pump.as_mut(), 200.0 * DAY);
        assert!(events.iter().all(|e| !e.1.starts_with("alarm")), "{events:?}");
    }
}

mod peristaltic {
    use super::*;

    fn pump(fill: f64) -> Box<dyn Pump> {
        let mut pump = build(device("peristaltic", fill, 2000.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        pump
    }

    #[test]
    fn a_worn_shaft_slips_and_then_stalls() {
        let slip = |u: f64| {
            let values = [("slip".to_owned(), model::Value::Number(0.4))].into();
            itbsim::pump::disturbance("pump.wear_stall", &values, u).unwrap()
        };
        let mut pump = pump(18.0);
        strike(pump.as_mut(), 1.0, "w", slip(0.5));
        close(pump.drive().flow * DAY, 0.2 * 0.8, 1e-12);
        assert_eq!(strike(pump.as_mut(), 2.0, "w", slip(1.0)), [PumpNotice::Stalled]);
        assert_eq!(pump.drive().flow, 0.0);
        let mut out = Vec::new();
        pump.relieve(at(3.0), "w", &mut out);
        assert_eq!(out, [PumpNotice::Restarted]);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn a_reset_runs_at_the_minimum_rate_until_programmed_again() {
        let mut pump = pump(18.0);
        let notices = strike(pump.as_mut(), 1.0, "short", Disturbance::LowRateReset);
        assert!(
            notices
                .iter()
                .any(|n| matches!(n, PumpNotice::AlarmRaised(a) if a.name == AlarmName::PumpReset))
        );
        close(pump.drive().flow * DAY, 0.006, 1e-12);
        continuous(pump.as_mut(), at(2.0), 400.0);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
        assert!(pump.telemetry(at(2.0)).alarms.is_empty());
    }

    #[test]
    fn a_pump_that_runs_at_its_minimum_after_a_reset_makes_no_steps_of_its_programme() {
        let flex = || {
            let step = |at, per_day: f64| model::FlexStep {
                weekday: None,
                at,
                rate: per_day / DAY,
            };
            Command::Programme {
                id: "p".to_owned(),
                mode: Programme::Flex {
                    steps: vec![step(6.0, 400.0), step(18.0, 600.0)],
                },
            }
        };
        let mut pump = pump(18.0);
        pump.command(SimTime::ZERO, &flex(), &mut Vec::new()).unwrap();
        strike(pump.as_mut(), 1.0, "short", Disturbance::LowRateReset);
        assert_eq!(run(pump.as_mut(), 5.0 * DAY), []);
        close(pump.drive().flow * DAY, 0.006, 1e-12);
        pump.command(at(5.0 * DAY + 1.0), &flex(), &mut Vec::new()).unwrap();
        let events = run(pump.as_mut(), 6.0 * DAY);
        close(first(&events, "rate_step"), 5.0 * DAY + 6.0, 1e-12);
    }

    #[test]
    fn a_drained_battery_asks_for_replacement_sooner_by_its_factor() {
        let (mut sound, mut drained) = (pump(18.0), pump(18.0));
        let left = sound.telemetry(at(0.0)).battery_left.unwrap() - 90.0 * DAY;
        strike(drained.as_mut(), 0.0, "b", Disturbance::BatteryDrain { factor: 50.0 });
        // Before the reservoir is empty, so that the flow is one.
        let events = run(drained.as_mut(), 100.0 * DAY);
        close(first(&events, "replacement_due"), left / 50.0, 1e-9);
        assert!(
            run(sound.as_mut(), 100.0 * DAY)
                .iter()
                .all(|e| e.1 != "replacement_due")
        );
    }

    #[test]
    fn a_trapped_volume_empties_the_pump_before_its_date_and_comes_back() {
        let mut pump = pump(18.0);
        let drug = pump.reservoir_drug(at(1.0));
        strike(pump.as_mut(), 1.0, "t", Disturbance::TrappedVolume { volume: 6.0 });
        assert_eq!(pump.reservoir_drug(at(1.0)).to_bits(), drug.to_bits());
        let events = run(pump.as_mut(), 89.0 * DAY);
        close(first(&events, "emptied"), 12.0 / 0.2 * DAY, 1e-9);
        close(first(&events, "low_reservoir"), 16.0 / 0.2 * DAY, 1e-9);
        pump.relieve(at(89.0 * DAY), "t", &mut Vec::new());
        close(pump.reservoir_volume(at(89.0 * DAY)), 6.0, 1e-9);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn an_overfilled_reservoir_presses_its_excess_past_the_rotor() {
        let mut pump = pump(18.0);
        let refill = Refill {
            volume: 21.0,
            entered_volume: 20.0,
            concentration: 2000.0,
            label: 2000.0,
            aspirate: true,
            others: Others::NONE,
        };
        let refused = pump.refill(at(1.0), &refill, &mut Vec::new()).unwrap_err();
        assert!(matches!(refused, PumpError::OverFill { .. }), "{refused}");
        strike(pump.as_mut(), 1.0, "f", Disturbance::ForcedFill { volume: 2.0 });
        pump.refill(at(1.0), &refill, &mut Vec::new()).unwrap();
        // 1 mL too much is 20 kPa; the first of eight stairs stands at 15/16 of it.
        let (metered, pressed) = (0.2 / DAY, 0.001 * 20.0);
        close(pump.drive().flow, metered + pressed * 15.0 / 16.0, 1e-12);
        let stairs = (0..8).map(|k| 0.125 / (metered + pressed * (1.0 - (f64::from(k) + 0.5) / 8.0)));
        let events = run(pump.as_mut(), 1.0 + 10.0 * DAY);
        let steps: Vec<f64> = events.iter().filter(|e| e.1 == "pressure_step").map(|e| e.0).collect();
        assert_eq!(steps.len(), 8);
        close(steps[7] - 1.0, stairs.sum(), 1e-9);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn a_chamber_draws_fluid_back_into_a_part_empty_reservoir_only() {
        let mut full = pump(19.0);
        assert_eq!(surround(full.as_mut(), 1.0, 202.65, 37.0), 0.0);
        close(full.drive().flow * DAY, 0.2, 1e-12);
        let mut half = pump(10.0);
        surround(half.as_mut(), 1.0, 202.65, 37.0);
        // 2e-4 mL/(h kPa) over one atmosphere, against what the rotor brings forward.
        let back = 2e-4 * 101.325 - 0.2 / DAY;
        assert_eq!(half.drive().flow, 0.0);
        let drawn = surround(half.as_mut(), 2.5, 101.325, 37.0);
        close(drawn, 1.5 * back, 1e-12);
        let (before, drug) = (half.reservoir_volume(at(2.5)), half.reservoir_drug(at(2.5)));
        half.take_back(at(2.5), drawn, 7.0, Others::NONE);
        close(half.reservoir_volume(at(2.5)), before + drawn, 1e-14);
        close(half.reservoir_drug(at(2.5)), drug + 7.0, 1e-14);
        assert!(half.outlet_concentration() < 2000.0);
        assert!(
            half.reservoir_volume(at(2.5)) > half.believed_volume(at(2.5)),
            "found above computed (Akman 1994)"
        );
        close(half.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn what_runs_back_is_let_in_up_to_the_brim_and_not_beyond() {
        let mut pump = build(device("peristaltic", 19.0, 2000.0), &ParameterSet::default());
        let mut back = |volume: f64| {
            let room = pump.take_back(SimTime::ZERO, volume, 0.0, Others::NONE);
            (room, pump.reservoir_volume(SimTime::ZERO))
        };
        assert_eq!(back(1.001), (false, 19.0));
        // The last millilitre of 20 fits, and nothing after it.
        assert_eq!(back(1.0), (true, 20.0));
        assert_eq!(back(1e-6), (false, 20.0));
    }

    #[test]
    fn beyond_two_atmospheres_it_is_dented_once() {
        let mut pump = pump(19.0);
        let mut out = Vec::new();
        let deep = Surroundings {
            pressure: 222.65,
            temperature: 37.0,
        };
        pump.surround(at(1.0), deep, &mut out);
        let [PumpNotice::Deformed { lost }] = out[..] else {
            panic!("{out:?}")
        };
        close(lost, 1.0, 1e-9);
        surround(pump.as_mut(), 2.0, 101.325, 37.0);
        out.clear();
        pump.surround(at(3.0), deep, &mut out);
        assert!(out.is_empty(), "{out:?}");
        let refill = Refill {
            volume: 20.0,
            entered_volume: 20.0,
            concentration: 2000.0,
            label: 2000.0,
            aspirate: true,
            others: Others::NONE,
        };
        let refused = pump.refill(at(4.0), &refill, &mut Vec::new()).unwrap_err();
        assert!(matches!(refused, PumpError::OverFill { size, .. } if (size - 19.0).abs() < 1e-9));
    }

    #[test]
    fn altitude_and_warmth_are_nothing_to_it() {
        let mut pump = pump(10.0);
        let before = pump.drive();
        assert_eq!(surround(pump.as_mut(), 1.0, 75.3, 40.0), 0.0);
        assert_eq!(pump.drive(), before);
    }
}

#[test]
fn an_event_of_another_family_is_refused() {
    let mut pump = build(device("gas-pressure", 18.0, 1000.0), &ParameterSet::default());
    let refused = pump
        .on_event(at(1.0), &PumpEvent::StallDetected, &mut Vec::new())
        .unwrap_err();
    assert!(matches!(refused, PumpError::Unsupported { .. }), "{refused}");
}

#[test]
fn families_say_what_is_theirs() {
    let registry = PumpRegistry::default();
    let family = |name: &str| registry.families().find(|f| f.name == name).unwrap();
    assert_eq!(family("valve-gated").acts, ["reset_valve"]);
    assert!(family("peristaltic").acts.is_empty() && family("gas-pressure").acts.is_empty());
    for family in registry.families() {
        assert!(!family.figures.is_empty(), "{}", family.name);
        for prefix in family.figures {
            let named = itbsim::parameters::all().any(|p| p.key.starts_with(prefix));
            assert!(named, "{prefix} names no parameter");
        }
    }
    assert!(family("peristaltic").figures.contains(&"pump.stall."));
}

#[test]
fn a_fault_takes_the_defaults_of_its_own_kind() {
    use itbsim::pump::{FAULT_KINDS, disturbance};
    let none = std::collections::BTreeMap::new();
    let usual = |kind: &str, name: &str| {
        let kind = FAULT_KINDS.iter().find(|k| k.kind == kind).unwrap();
        kind.fields.iter().find(|f| f.name == name).and_then(|f| f.default)
    };
    let volume = 0.5 * usual("pump.overfill", "volume").unwrap();
    assert_eq!(
        disturbance("pump.overfill", &none, 0.5),
        Some(Disturbance::ForcedFill { volume })
    );
    assert_eq!(disturbance("pump.overfill", &none, 0.0), None);
    // What has no usual value must be given.
    assert_eq!(usual("pump.over_infusion", "gain"), None);
    assert_eq!(disturbance("pump.over_infusion", &none, 1.0), None);
    assert_eq!(disturbance("pump.nothing", &none, 1.0), None);
}

#[test]
fn a_short_stops_the_motor_or_resets_the_pump_as_it_is_written() {
    use itbsim::pump::disturbance;
    let short = |outcome: &str| {
        let values = [("outcome".to_owned(), model::Value::Text(outcome.to_owned()))].into();
        disturbance("pump.short", &values, 1.0)
    };
    assert_eq!(short("low-rate"), Some(Disturbance::LowRateReset));
    assert_eq!(short("stall"), Some(Disturbance::Stall));
}

#[test]
fn a_precipitate_adds_resistance_in_proportion_to_its_severity() {
    use itbsim::pump::disturbance;
    let values = [("resistance".to_owned(), model::Value::Number(5.0))].into();
    // Four times the restrictor's own on top of it at full severity.
    for (u, resistance) in [(0.25, 2.0), (0.5, 3.0), (1.0, 5.0)] {
        let made = disturbance("pump.restrictor_blocked", &values, u);
        assert_eq!(made, Some(Disturbance::Restrictor { resistance }));
    }
}
