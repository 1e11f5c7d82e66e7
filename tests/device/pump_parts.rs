//! Parts of pumps: the rotor and what the device knows of it, the gas and its restrictor, and what a family has
//! that adds nothing of its own.

use super::families::{DAY, at, build, close, continuous, device, run, strike};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Command, Disturbance, NextEvent, Pump, PumpError, PumpEvent, PumpNotice, PumpSetup, Refusal};
use itbsim::scenario::model::Programme;

fn programme(pump: &mut dyn Pump, hours: f64, mode: Programme) {
    let id = "p".to_owned();
    let command = Command::Programme { id, mode };
    pump.command(at(hours), &command, &mut Vec::new()).unwrap();
}

/// Allows boluses of 10 ug, four hours apart.
fn allow_boluses(pump: &mut dyn Pump) {
    let mode = Programme::PatientBolus {
        dose: 10.0,
        over: 0.1,
        lockout: 4.0,
        most_per_day: 3,
    };
    programme(pump, 0.0, mode);
}

/// Why the pump refuses the bolus that its patient asks for, if it does.
fn refusal(pump: &mut dyn Pump, hours: f64) -> Option<Refusal> {
    run(pump, hours);
    let mut out = Vec::new();
    pump.demand(at(hours), "pressed", &mut out);
    match out[0] {
        PumpNotice::BolusGranted { .. } => None,
        PumpNotice::BolusRefused { why } => Some(why),
        _ => panic!("{out:?}"),
    }
}

mod rotor {
    use super::*;

    /// 1000 ug/mL at 240 ug/day, 0.01 mL/h.
    fn pump(parameters: &ParameterSet) -> Box<dyn Pump> {
        let mut pump = build(device("peristaltic", 18.0, 1000.0), parameters);
        continuous(pump.as_mut(), SimTime::ZERO, 240.0);
        pump
    }

    #[test]
    fn a_stall_and_its_end_are_noticed_by_the_volume_missed_at_all_rates_since() {
        let mut parameters = ParameterSet::default();
        parameters.set("pump.stall.missed_volume", 0.05).unwrap();
        parameters.set("pump.stall.latency_max", 24.0).unwrap();
        let mut pump = pump(&parameters);
        strike(pump.as_mut(), 10.0, "f", Disturbance::Stall);
        // 0.01 mL/h for 2 h, 0.02 for 1 h, and the last 0.01 mL at 0.005.
        continuous(pump.as_mut(), at(12.0), 480.0);
        continuous(pump.as_mut(), at(13.0), 120.0);
        let events = run(pump.as_mut(), 20.0);
        assert_eq!(events[0].1, "stall_detected");
        close(events[0].0, 15.0, 1e-12);
        // 0.005 mL/h for 2 h, 0.01 for 1 h, and the last 0.03 mL at 0.02.
        pump.relieve(at(20.0), "f", &mut Vec::new());
        continuous(pump.as_mut(), at(22.0), 240.0);
        continuous(pump.as_mut(), at(23.0), 480.0);
        let events = run(pump.as_mut(), 40.0);
        assert_eq!(events[0].1, "recovery_detected");
        close(events[0].0, 24.5, 1e-12);
    }

    #[test]
    fn while_nothing_is_programmed_neither_a_stall_nor_its_end_comes_nearer_to_its_notice() {
        let mut pump = pump(&ParameterSet::default());
        // At 0.01 mL/h 3.47 uL take 20.82 min: six of them, a stop of 38 h, and the rest.
        strike(pump.as_mut(), 1.9, "f", Disturbance::Stall);
        programme(pump.as_mut(), 2.0, Programme::Stopped);
        continuous(pump.as_mut(), at(40.0), 240.0);
        let events = run(pump.as_mut(), 45.0);
        assert_eq!(events[0].1, "stall_detected");
        close(events[0].0, 40.247, 1e-12);
        // At 0.002 mL/h they would take 104 min, and 90 are the most: 30 of them before a stop of 5 h.
        continuous(pump.as_mut(), at(45.0), 48.0);
        pump.relieve(at(46.0), "f", &mut Vec::new());
        programme(pump.as_mut(), 46.5, Programme::Stopped);
        continuous(pump.as_mut(), at(51.5), 48.0);
        let events = run(pump.as_mut(), 60.0);
        let noticed = events.iter().find(|e| e.1 == "recovery_detected").unwrap();
        close(noticed.0, 52.5, 1e-12);
    }

    #[test]
    fn a_handset_gets_no_answer_in_a_field_and_from_its_end_on_hears_that_the_pump_stands_still() {
        let mut pump = pump(&ParameterSet::default());
        allow_boluses(pump.as_mut());
        let field = Disturbance::MriField {
            field: Some(2.0),
            restart_delay: 1.0,
        };
        strike(pump.as_mut(), 10.0, "scan", field);
        for (hours, answer) in [
            (10.0, Some(Refusal::NoAnswer)),
            (11.0, Some(Refusal::NoAnswer)),
            (12.0, Some(Refusal::Still)),
            (12.5, Some(Refusal::Still)),
            // It turns again, but 3.47 uL must have passed before that is noticed, after 21 min.
            (13.0, Some(Refusal::Still)),
            (13.34, Some(Refusal::Still)),
            (13.35, None),
        ] {
            assert_eq!(refusal(pump.as_mut(), hours), answer, "at {hours} h");
        }
        // What did not reach the pump is not in its log.
        let log = pump.telemetry(at(14.0)).log;
        assert_eq!(log.iter().filter(|e| e.what == "patient_bolus_refused").count(), 4);
    }

    #[test]
    fn leaving_a_field_that_is_over_changes_nothing_about_the_restart() {
        for left in [12.0, 13.0] {
            let mut pump = pump(&ParameterSet::default());
            let field = Disturbance::MriField {
                field: Some(2.0),
                restart_delay: 3.0,
            };
            strike(pump.as_mut(), 10.0, "scan", field);
            run(pump.as_mut(), left);
            pump.relieve(at(left), "scan", &mut Vec::new());
            let NextEvent { at: restart, event, .. } = pump.next_event().unwrap();
            assert_eq!((restart, event), (at(15.0), PumpEvent::MriRestart));
        }
    }

    #[test]
    fn a_handset_gets_no_answer_from_a_pump_that_hangs_until_it_is_read() {
        let mut pump = pump(&ParameterSet::default());
        allow_boluses(pump.as_mut());
        strike(pump.as_mut(), 10.0, "hang", Disturbance::TelemetryHang);
        assert_eq!(refusal(pump.as_mut(), 10.1), Some(Refusal::NoAnswer));
        pump.command(at(10.2), &Command::Interrogate, &mut Vec::new()).unwrap();
        assert_eq!(refusal(pump.as_mut(), 10.2), None);
    }

    #[test]
    fn what_a_stall_brings_carries_the_name_of_its_fault_the_first_of_several() {
        let mut pump = pump(&ParameterSet::default());
        strike(pump.as_mut(), 10.0, "wear", Disturbance::Stall);
        let due = |pump: &dyn Pump| {
            let NextEvent { event, source, .. } = pump.next_event().unwrap();
            (event, source)
        };
        assert_eq!(due(pump.as_ref()), (PumpEvent::StallDetected, Some("wear".to_owned())));
        strike(pump.as_mut(), 10.0, "short", Disturbance::Stall);
        assert_eq!(due(pump.as_ref()), (PumpEvent::StallDetected, Some("short".to_owned())));
        run(pump.as_mut(), 20.0);
        assert_eq!(
            due(pump.as_ref()),
            (PumpEvent::StoppedTooLong, Some("short".to_owned()))
        );
        pump.relieve(at(20.0), "short", &mut Vec::new());
        assert_eq!(due(pump.as_ref()), (PumpEvent::StoppedTooLong, Some("wear".to_owned())));
        // That it turns again has no fault behind it.
        pump.relieve(at(21.0), "wear", &mut Vec::new());
        assert_eq!(due(pump.as_ref()), (PumpEvent::RecoveryDetected, None));
    }
}

mod gas_pressure {
    use super::*;
    use itbsim::pump::Refill;
    use itbsim::signals::Others;

    fn pump() -> Box<dyn Pump> {
        build(device("gas-pressure", 18.0, 1000.0), &ParameterSet::default())
    }

    #[test]
    fn an_overfilled_reservoir_flows_faster_by_its_pressure() {
        let mut pump = pump();
        strike(pump.as_mut(), 1.0, "f", Disturbance::ForcedFill { volume: 2.0 });
        let refill = Refill {
            volume: 21.0,
            entered_volume: 20.0,
            concentration: 1000.0,
            label: 1000.0,
            aspirate: true,
            others: Others::NONE,
        };
        pump.refill(at(1.0), &refill, &mut Vec::new()).unwrap();
        // 1 mL too much is 20 kPa, and the first of eight stairs stands at 15/16 of it, on top of 60 kPa.
        close(pump.drive().flow * DAY, 0.4 * 78.75 / 60.0, 1e-12);
    }

    #[test]
    fn a_gain_that_is_not_given_is_the_mean_and_the_luck_of_the_period() {
        let mut parameters = ParameterSet::default();
        parameters.set("pump.gas.gain", 1.25).unwrap();
        let mut device = device("gas-pressure", 18.0, 1000.0);
        device.gain = None;
        let mut pump = build(device, &parameters);
        close(pump.drive().flow * DAY, 0.4 * 1.25, 1e-12);
        let luck = Disturbance::GainDeviation { deviation: 0.125 };
        strike(pump.as_mut(), 1.0, "luck", luck);
        close(pump.drive().flow * DAY, 0.4 * 1.375, 1e-12);
    }

    #[test]
    fn filled_just_to_where_the_pressure_falls_it_stands_on_the_first_stair() {
        let mut parameters = ParameterSet::default();
        parameters.set("pump.gas.fade_from", 0.125).unwrap();
        parameters.set("pump.gas.fade_to", 0.25).unwrap();
        let mut device = device("gas-pressure", 2.0, 1000.0);
        device.reservoir_size = 16.0;
        let pump = build(device, &parameters);
        // Half a stair of six down, of three quarters: 15/16.
        close(pump.drive().flow * DAY, 0.375, 1e-12);
        // A sixth of 2 mL later it goes on to the second.
        let next = pump.next_event().unwrap();
        assert_eq!(next.event, PumpEvent::PressureStep);
        close(next.at.hours(), 2.0 / 6.0 / 0.375 * DAY, 1e-12);
    }

    /// 5 mL of which 0.2 are within reach, on the last stairs but one; and its drive with all of them.
    fn mostly_trapped() -> (Box<dyn Pump>, f64) {
        let mut pump = build(device("gas-pressure", 5.0, 1000.0), &ParameterSet::default());
        let full = pump.drive().flow;
        strike(pump.as_mut(), 0.0, "t", Disturbance::TrappedVolume { volume: 4.8 });
        run(pump.as_mut(), 1.0);
        // 0.2 of 0.6 mL: four of six stairs of 0.7 are gone, and half of the fifth.
        close(pump.drive().flow, full * (1.0 - 0.7 * 4.5 / 6.0), 1e-12);
        (pump, full)
    }

    #[test]
    fn what_was_out_of_reach_and_comes_back_brings_its_pressure_back() {
        let (mut pump, full) = mostly_trapped();
        let mut half = pump.clone();
        pump.relieve(at(1.0), "t", &mut Vec::new());
        assert_eq!(pump.drive().flow, full);
        // Some of it: a little less than 0.5 mL within reach is the second stair of six.
        strike(half.as_mut(), 1.0, "t", Disturbance::TrappedVolume { volume: 4.5 });
        close(half.drive().flow, full * (1.0 - 0.7 * 1.5 / 6.0), 1e-12);
    }

    #[test]
    fn what_runs_back_into_it_brings_its_pressure_back() {
        let (mut pump, full) = mostly_trapped();
        assert!(pump.take_back(at(1.0), 1.0, 0.0, Others::NONE));
        assert_eq!(pump.drive().flow, full);
    }

    #[test]
    fn empty_it_has_no_stair_left_whatever_is_said_to_leave() {
        let mut pump = pump();
        let last = run(pump.as_mut(), 100.0 * DAY).pop().unwrap();
        assert_eq!(last.1, "pump.empty");
        pump.set_outflow(at(100.0 * DAY), 0.01);
        assert_eq!(pump.next_event(), None);
    }

    #[test]
    fn a_restrictor_may_be_as_wide_as_the_sound_one_and_no_wider() {
        let mut pump = pump();
        let before = pump.drive();
        strike(pump.as_mut(), 1.0, "p", Disturbance::Restrictor { resistance: 1.0 });
        assert_eq!(pump.drive(), before);
        let saved = pump.save();
        for resistance in [0.5, -2.0, f64::NAN, f64::INFINITY] {
            let wide = Disturbance::Restrictor { resistance };
            let refused = pump.disturb(at(1.0), "p", &wide, &mut Vec::new()).unwrap_err();
            assert!(
                matches!(refused, PumpError::Value { value, .. } if value.to_bits() == resistance.to_bits()),
                "{refused}"
            );
            assert_eq!(pump.save(), saved);
        }
    }

    #[test]
    fn without_a_programme_no_bolus_is_allowed() {
        assert_eq!(refusal(pump().as_mut(), 1.0), Some(Refusal::NotAllowed));
    }
}

mod a_family_that_adds_nothing {
    use super::*;
    use itbsim::pump::{Battery, Chassis, Device, Equipment, FlowLimits, PumpFamily, Works};
    use itbsim::signals::{Drive, Others};
    use serde::{Deserialize, Serialize};

    /// Delivers what is programmed, and counts how often more came within its reach.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Plain(u32);

    impl Works for Plain {
        const FAMILY: PumpFamily = PumpFamily::of::<Self>("plain");

        fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Result<(Self, Equipment), PumpError> {
            let equipment = Equipment {
                residual: 0.0,
                limits: Some(FlowLimits::new(parameters)),
                battery: Some(Battery::new(setup.start, setup.device.age, parameters)),
                fixed_flow: 0.0,
            };
            Ok((Plain(0), equipment))
        }

        fn drive(&self, chassis: &Chassis) -> Drive {
            Drive {
                flow: if chassis.can_deliver() {
                    chassis.programmed()
                } else {
                    0.0
                },
                droop: 0.0,
                max_pressure: 50.0,
            }
        }

        fn regained(&mut self, _: SimTime, _: &Chassis) {
            self.0 += 1;
        }
    }

    /// 18 mL of 1000 ug/mL, 0.01 mL/h.
    fn pump() -> Device<Plain> {
        let setup = PumpSetup {
            device: device("plain", 18.0, 1000.0),
            dead_volume: 0.4,
            start: SimTime::ZERO,
        };
        let mut pump = Device::new(&setup, &ParameterSet::default()).unwrap();
        continuous(&mut pump, SimTime::ZERO, 240.0);
        pump
    }

    #[test]
    fn takes_programmes_and_hears_its_handset() {
        let mut pump = pump();
        assert!(pump.is_programmable());
        close(pump.drive().flow, 0.01, 1e-12);
        allow_boluses(&mut pump);
        assert_eq!(refusal(&mut pump, 1.0), None);
    }

    #[test]
    fn stands_still_only_when_stopped_and_no_fault_is_behind_its_alarm() {
        let mut pump = pump();
        assert_eq!(run(&mut pump, 60.0), []);
        programme(&mut pump, 60.0, Programme::Stopped);
        let next = pump.next_event().unwrap();
        assert_eq!(next.event, PumpEvent::StoppedTooLong);
        assert_eq!((next.at, next.source), (at(108.0), None));
    }

    #[test]
    fn is_told_of_more_within_reach_and_of_nothing_else() {
        let mut pump = pump();
        let mut told = Vec::new();
        let trap = |volume| Disturbance::TrappedVolume { volume };
        strike(&mut pump, 1.0, "t", trap(4.0));
        pump.relieve(at(2.0), "nothing", &mut Vec::new());
        pump.take_back(at(2.0), 0.0, 0.0, Others::NONE);
        told.push(pump.works().0);
        strike(&mut pump, 3.0, "t", trap(3.0));
        told.push(pump.works().0);
        pump.relieve(at(4.0), "t", &mut Vec::new());
        told.push(pump.works().0);
        pump.take_back(at(5.0), 1.0, 0.0, Others::NONE);
        told.push(pump.works().0);
        assert_eq!(told, [0, 1, 2, 3]);
    }

    #[test]
    fn knows_neither_events_nor_acts_of_others() {
        let mut pump = pump();
        let before = pump.clone();
        let out = &mut Vec::new();
        let unknown = |what: &str| {
            Err(PumpError::Unsupported {
                family: "plain".to_owned(),
                what: what.to_owned(),
            })
        };
        let event = pump.on_event(at(1.0), &PumpEvent::StallDetected, out);
        assert_eq!(event, unknown("stall_detected"));
        let reset = pump.command(at(1.0), &Command::ResetValve, out);
        assert_eq!(reset, unknown("a safety valve"));
        assert_eq!(pump, before);
    }

    #[test]
    fn at_one_instant_becomes_empty_before_it_knows() {
        let mut device = device("plain", 18.0, 1000.0);
        device.low_reservoir_alarm = 0.0;
        let setup = PumpSetup {
            device,
            dead_volume: 0.4,
            start: SimTime::ZERO,
        };
        let mut pump = Device::<Plain>::new(&setup, &ParameterSet::default()).unwrap();
        // 24 mL/day: all is gone after 18 h, truly and by its own reckoning.
        continuous(&mut pump, SimTime::ZERO, 24_000.0);
        let events = run(&mut pump, 18.0);
        let names: Vec<&str> = events
            .iter()
            .map(|e| e.1.as_str())
            .filter(|n| !n.contains('.'))
            .collect();
        assert_eq!(names, ["emptied", "low_reservoir", "empty_reservoir"]);
    }
}
