//! What pumps tell and refuse, at the edges of their valves, rotors and reservoirs, and what a
//! pump that shares nothing with them need not say.

use itbsim::parameters::ParameterSet;
use itbsim::pump::{
    AlarmName, Command, Disturbance, NextEvent, Pump, PumpError, PumpEvent, PumpNotice, Refill, Refusal,
};
use itbsim::scenario::model::Programme;
use itbsim::signals::{Others, Surroundings};

use super::families::{DAY, at, build, close, continuous, device, field, first, run, strike, surround};

/// 18 of 20 mL of 2000 ug/mL, not yet programmed.
fn filled(family: &str) -> Box<dyn Pump> {
    build(device(family, 18.0, 2000.0), &ParameterSet::default())
}

/// The same at 400 ug/day, which are 0.2 mL/day.
fn running(family: &str) -> Box<dyn Pump> {
    let mut pump = filled(family);
    continuous(pump.as_mut(), at(0.0), 400.0);
    pump
}

fn with(parameters: &[(&str, f64)]) -> ParameterSet {
    let mut set = ParameterSet::default();
    for (key, value) in parameters {
        set.set(key, *value).unwrap();
    }
    set
}

fn command(pump: &mut dyn Pump, hours: f64, command: &Command) -> Vec<PumpNotice> {
    let mut out = Vec::new();
    pump.command(at(hours), command, &mut out).unwrap();
    out
}

fn programme(mode: Programme) -> Command {
    Command::Programme {
        id: "p".to_owned(),
        mode,
    }
}

fn relieve(pump: &mut dyn Pump, hours: f64, name: &str) -> Vec<PumpNotice> {
    let mut out = Vec::new();
    pump.relieve(at(hours), name, &mut out);
    out
}

/// All is drawn, and so much of the same put in.
fn refill(pump: &mut dyn Pump, hours: f64, volume: f64) {
    let refill = Refill {
        volume,
        entered_volume: volume,
        concentration: 2000.0,
        label: 2000.0,
        aspirate: true,
        others: Others::NONE,
    };
    pump.refill(at(hours), &refill, &mut Vec::new()).unwrap();
}

fn sounds(pump: &dyn Pump, hours: f64, name: AlarmName) -> bool {
    pump.telemetry(at(hours)).alarms.iter().any(|alarm| alarm.name == name)
}

/// Lets the pump do what is due until it has stood still for too long, and gives that event.
fn stopped_too_long(pump: &mut dyn Pump) -> NextEvent {
    loop {
        let next = pump.next_event().expect("it stands still");
        if next.event == PumpEvent::StoppedTooLong {
            return next;
        }
        pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
    }
}

/// Allows the patient boluses of 10 ug over 6 min.
fn allow_boluses(pump: &mut dyn Pump) {
    let handset = Programme::PatientBolus {
        dose: 10.0,
        over: 0.1,
        lockout: 4.0,
        most_per_day: 3,
    };
    command(pump, 0.0, &programme(handset));
}

/// What a copy of the pump answers to its handset.
fn answer(pump: &dyn Pump, hours: f64) -> PumpNotice {
    let mut out = Vec::new();
    pump.clone_box().demand(at(hours), "pressed", &mut out);
    out.remove(0)
}

const GRANTED: PumpNotice = PumpNotice::BolusGranted { dose: 10.0 };
const NO_ANSWER: PumpNotice = PumpNotice::BolusRefused { why: Refusal::NoAnswer };

/// The shortest time there is \[h\].
const NANOSECOND: f64 = 1.0 / 3.6e12;

mod any_pump {
    use super::*;

    #[test]
    fn with_a_programmer_takes_programmes_and_tells_their_rates() {
        for family in ["peristaltic", "valve-gated"] {
            let mut pump = filled(family);
            assert!(pump.is_programmable());
            let rate = Programme::SimpleContinuous { rate: 400.0 / DAY };
            let told = command(pump.as_mut(), 1.0, &programme(rate));
            let [PumpNotice::RateChanged { flow, dose_rate }] = told[..] else {
                panic!("{told:?}")
            };
            close(flow * DAY, 0.2, 1e-12);
            close(dose_rate * DAY, 400.0, 1e-12);
            close(pump.telemetry(at(1.0)).dose_rate * DAY, 400.0, 1e-12);
        }
    }

    #[test]
    fn with_electronics_keeps_a_log_of_what_was_done_to_it() {
        let logged = |family: &str| {
            let mut pump = filled(family);
            refill(pump.as_mut(), 3.0, 20.0);
            let log = pump.telemetry(at(4.0)).log;
            log.iter().map(|e| (e.at.hours(), e.what.clone())).collect::<Vec<_>>()
        };
        assert_eq!(logged("peristaltic"), [(3.0, "refill".to_owned())]);
        assert_eq!(logged("gas-pressure"), []);
    }

    #[test]
    fn without_electronics_has_none_to_be_reset_or_forgotten() {
        for (what, words) in [
            (Disturbance::LowRateReset, "a reset to the lowest rate"),
            (Disturbance::MemoryError { critical: true }, "a memory error"),
        ] {
            let refused = filled("gas-pressure").disturb(at(1.0), "f", &what, &mut Vec::new());
            let unknown = PumpError::Unsupported {
                family: "gas-pressure".to_owned(),
                what: words.to_owned(),
            };
            assert_eq!(refused, Err(unknown));
        }
    }

    #[test]
    fn is_upset_once_by_a_fault_that_is_told_again() {
        for what in [Disturbance::MemoryError { critical: true }, Disturbance::LowRateReset] {
            let mut pump = running("peristaltic");
            strike(pump.as_mut(), 1.0, "f", what.clone());
            close(pump.programmed_flow() * DAY, 0.006, 1e-12);
            continuous(pump.as_mut(), at(2.0), 400.0);
            assert_eq!(strike(pump.as_mut(), 3.0, "f", what), []);
            close(pump.programmed_flow() * DAY, 0.2, 1e-12);
            assert!(pump.telemetry(at(3.0)).alarms.is_empty());
        }
    }

    #[test]
    fn goes_on_sounding_at_the_level_of_an_alarm_and_ends_above_it() {
        // 18 mL last 90 days at 0.2 mL/day, 80 of them down to 2 mL.
        let mut pump = running("peristaltic");
        run(pump.as_mut(), 91.0 * DAY);
        for (hours, volume, low, empty) in [
            (91.0 * DAY, 0.0, true, true),
            (92.0 * DAY, 2.0, true, false),
            (93.0 * DAY, 2.001, false, false),
        ] {
            command(pump.as_mut(), hours, &Command::SetVolume { volume });
            let found = [AlarmName::LowReservoir, AlarmName::EmptyReservoir].map(|a| sounds(pump.as_ref(), hours, a));
            assert_eq!(found, [low, empty], "{volume} mL entered");
        }
    }

    #[test]
    fn presses_with_its_stiffness_times_what_is_too_much() {
        let mut pump = filled("valve-gated");
        strike(pump.as_mut(), 0.0, "f", Disturbance::ForcedFill { volume: 2.0 });
        refill(pump.as_mut(), 0.0, 22.0);
        // 20 kPa for each of 2 mL, and the first of eight stairs stands at 15/16 of it.
        close(pump.drive().max_pressure, 60.0 + 37.5, 1e-12);
    }

    #[test]
    fn is_not_overfull_up_to_a_billionth_of_its_size() {
        let pressure_above_gas = |size: f64, volume: f64| {
            let mut device = device("valve-gated", 0.0, 2000.0);
            device.reservoir_size = size;
            let mut pump = build(device, &ParameterSet::default());
            let before = pump.drive().max_pressure;
            strike(pump.as_mut(), 0.0, "f", Disturbance::ForcedFill { volume: 1.0 });
            refill(pump.as_mut(), 0.0, volume);
            pump.drive().max_pressure - before
        };
        // 1e9 parts of 2^-26 mL: one part more is a billionth, and all are exact in binary.
        let part = 1.0 / 67_108_864.0;
        assert_eq!(pressure_above_gas(1e9 * part, 1e9 * part + part), 0.0);
        assert!(pressure_above_gas(1e9 * part, 1e9 * part + 2.0 * part) > 0.0);
        // A billionth of 20 mL is 2e-8 mL.
        assert_eq!(pressure_above_gas(20.0, 20.0 + 1e-8), 0.0);
        assert!(pressure_above_gas(20.0, 20.0 + 3e-8) > 0.0);
    }
}

mod a_valve_gated_pump {
    use super::*;

    #[test]
    fn tells_of_a_free_way_when_the_first_valve_opens_and_the_last_one_shuts() {
        let mut pump = running("valve-gated");
        let leak = Disturbance::ValveOpen { conductance: 1e-4 };
        assert_eq!(strike(pump.as_mut(), 1.0, "a", leak.clone()), [PumpNotice::ValvesOpen]);
        assert_eq!(strike(pump.as_mut(), 2.0, "b", leak), []);
        assert_eq!(relieve(pump.as_mut(), 3.0, "a"), []);
        assert_eq!(relieve(pump.as_mut(), 4.0, "b"), [PumpNotice::ValvesClosed]);
    }

    #[test]
    fn stays_open_until_the_last_of_two_fields_is_over() {
        let mut pump = build(
            device("valve-gated", 18.0, 2000.0),
            &with(&[("pump.valve.generation", 1.0)]),
        );
        strike(pump.as_mut(), 24.0, "one", field(1.0));
        strike(pump.as_mut(), 24.0, "two", field(2.0));
        // A narrow line lets little through.
        pump.set_outflow(at(24.0), 0.1);
        let told = |hours: f64, name: &str| (hours, name.to_owned());
        let events = run(pump.as_mut(), 30.0);
        assert_eq!(
            events,
            [
                told(25.0, "field_over"),
                told(26.0, "field_over"),
                told(26.0, "pump.valves_closed")
            ]
        );
    }

    #[test]
    fn hears_its_handset_before_a_field_and_from_its_end_on() {
        let mut pump = running("valve-gated");
        allow_boluses(pump.as_mut());
        assert_eq!(answer(pump.as_ref(), 9.0), GRANTED);
        strike(pump.as_mut(), 10.0, "scan", field(2.0));
        for (hours, wanted) in [
            (10.0, NO_ANSWER),
            (11.0, NO_ANSWER),
            (12.0 - NANOSECOND, NO_ANSWER),
            (12.0, GRANTED),
            (13.0, GRANTED),
        ] {
            assert_eq!(answer(pump.as_ref(), hours), wanted, "{hours} h");
        }
    }

    #[test]
    fn that_stands_still_names_the_valve_that_is_stuck() {
        let mut pump = running("valve-gated");
        command(pump.as_mut(), 1.0, &programme(Programme::Stopped));
        assert_eq!(stopped_too_long(pump.as_mut()).source, None);
        strike(pump.as_mut(), 2.0, "stuck", Disturbance::ValveShut);
        let event = stopped_too_long(pump.as_mut());
        assert_eq!((event.at, event.source.as_deref()), (at(49.0), Some("stuck")));
    }

    #[test]
    fn that_makes_no_strokes_tells_no_time_between_them() {
        let pump = filled("valve-gated");
        let strokes = pump.telemetry(at(5.0)).actuations.unwrap();
        assert_eq!((strokes.count, strokes.interval), (0, None));
    }

    #[test]
    fn has_the_luck_of_a_refill_period_on_top_of_its_mean() {
        let mut device = device("valve-gated", 18.0, 2000.0);
        device.gain = None;
        let mut pump = build(device, &ParameterSet::default());
        continuous(pump.as_mut(), at(0.0), 400.0);
        let luck = Disturbance::GainDeviation { deviation: 0.01 };
        strike(pump.as_mut(), 0.0, "luck", luck);
        close(pump.drive().flow * DAY, 0.2 * (0.971 + 0.01), 1e-12);
    }

    #[test]
    fn has_a_safety_valve_that_moves_above_its_flow_and_not_at_it() {
        let mut pump = running("valve-gated");
        strike(pump.as_mut(), 1.0, "scan", field(10.0));
        pump.set_outflow(at(1.0), 5.0);
        assert_eq!(run(pump.as_mut(), 2.0), []);
        pump.set_outflow(at(2.0), 6.0);
        let events = run(pump.as_mut(), 3.0);
        close((first(&events, "safety_valve_shuts") - 2.0) * 6.0, 0.02, 1e-9);
    }

    #[test]
    fn is_told_the_same_flow_again_and_nothing_changes() {
        let mut pump = running("valve-gated");
        for (hours, flow) in [(1.0, 0.005), (3.0, 6.0)] {
            pump.set_outflow(at(hours), flow);
            let before = pump.save();
            pump.set_outflow(at(hours + 0.001), flow);
            assert_eq!(pump.save(), before, "{flow} mL/h");
        }
    }
}

mod a_peristaltic_pump {
    use super::*;

    #[test]
    fn delivers_less_by_its_slope_for_each_month_of_battery_that_is_gone() {
        // A charge that outlasts the service life, so that what is left is 84 months less the age.
        let lasting = with(&[("pump.battery.idle_life", 131_490.0), ("pump.battery.flow_cost", 0.0)]);
        let gain = |age_months: f64| {
            let mut device = device("peristaltic", 18.0, 2000.0);
            device.gain = None;
            device.age = age_months * 730.5;
            let mut pump = build(device, &lasting);
            continuous(pump.as_mut(), at(0.0), 400.0);
            pump.drive().flow / pump.programmed_flow()
        };
        // 0.995, and half of 0.035, -0.007 and 0.024 for a small pump, an approved drug and a simple
        // programme; 41.5 months are the centre, and 55 months are worth 0.026.
        let centre = 0.995 + 0.0175 - 0.0035 + 0.012;
        close(gain(84.0 - 41.5), centre, 1e-12);
        close(gain(84.0 - 41.5 + 27.5), centre - 0.013, 1e-12);
        close(gain(84.0 - 41.5 - 27.5), centre + 0.013, 1e-12);
    }

    #[test]
    fn does_not_hear_its_handset_in_a_field() {
        let mut pump = running("peristaltic");
        allow_boluses(pump.as_mut());
        assert_eq!(answer(pump.as_ref(), 9.0), GRANTED);
        strike(pump.as_mut(), 10.0, "scan", field(2.0));
        assert_eq!(answer(pump.as_ref(), 11.0), NO_ANSWER);
        assert_eq!(answer(pump.as_ref(), 12.0), GRANTED);
    }

    #[test]
    fn that_stands_still_names_what_holds_its_rotor() {
        let mut pump = running("peristaltic");
        strike(pump.as_mut(), 1.0, "jam", Disturbance::Stall);
        assert_eq!(stopped_too_long(pump.as_mut()).source.as_deref(), Some("jam"));
        let mut stopped = filled("peristaltic");
        let event = stopped_too_long(stopped.as_mut());
        assert_eq!((event.at, event.source), (at(48.0), None));
    }

    #[test]
    fn is_dented_further_by_what_the_deeper_dive_adds() {
        let mut pump = filled("peristaltic");
        let mut lost = |hours: f64, pressure: f64| {
            let mut out = Vec::new();
            let surroundings = Surroundings {
                pressure,
                temperature: 37.0,
            };
            pump.surround(at(hours), surroundings, &mut out);
            match out[..] {
                [PumpNotice::Deformed { lost }] => lost,
                _ => panic!("{out:?}"),
            }
        };
        // 0.05 mL for each kilopascal above 202.65.
        close(lost(1.0, 222.65), 1.0, 1e-9);
        close(lost(2.0, 252.65), 1.5, 1e-9);
    }

    /// What a pump of 20 mL with this fill, which does not turn, draws back in an hour at twice the
    /// pressure of the air \[mL\].
    fn drawn(fill: f64) -> f64 {
        let mut pump = build(device("peristaltic", fill, 2000.0), &ParameterSet::default());
        surround(pump.as_mut(), 0.0, 2.0 * 101.325, 37.0);
        surround(pump.as_mut(), 1.0, 101.325, 37.0)
    }

    #[test]
    fn draws_back_with_more_room_than_the_margin_and_not_with_just_that() {
        let full_flow = 2e-4 * 101.325;
        assert_eq!(drawn(18.0), 0.0, "2 mL of room");
        close(drawn(17.99), full_flow, 1e-12);
        close(drawn(15.0), full_flow, 1e-12);
    }

    #[test]
    fn counts_what_it_has_just_drawn_back_as_no_longer_room() {
        let mut pump = build(device("peristaltic", 17.99, 2000.0), &ParameterSet::default());
        surround(pump.as_mut(), 0.0, 201.325, 37.0);
        // 2e-4 mL/(h kPa) over 100 kPa: 0.02 mL, and of 2.01 mL of room less than the margin are left.
        let first = surround(pump.as_mut(), 1.0, 191.325, 37.0);
        close(first, 0.02, 1e-12);
        assert!(pump.take_back(at(1.0), first, 0.0, Others::NONE));
        assert_eq!(surround(pump.as_mut(), 2.0, 101.325, 37.0), 0.0);
    }
}

mod a_pump_that_shares_nothing {
    use super::*;
    use itbsim::engine::SimTime;
    use itbsim::pump::{RefillReport, Telemetry};
    use itbsim::signals::Drive;

    /// A millilitre an hour of plain water from a tap that never runs dry.
    struct Tap;

    const FLOW: Drive = Drive {
        flow: 1.0,
        droop: 0.0,
        max_pressure: 100.0,
    };

    fn unknown<T>(what: &str) -> Result<T, PumpError> {
        Err(PumpError::Unsupported {
            family: "tap".to_owned(),
            what: what.to_owned(),
        })
    }

    impl Pump for Tap {
        fn family(&self) -> &str {
            "tap"
        }

        fn clone_box(&self) -> Box<dyn Pump> {
            Box::new(Tap)
        }

        fn save(&self) -> serde_json::Value {
            "a tap".into()
        }

        fn drive(&self) -> Drive {
            FLOW
        }

        fn programmed_flow(&self) -> f64 {
            1.0
        }

        fn programmed_dose_rate(&self) -> f64 {
            0.0
        }

        fn outlet_concentration(&self) -> f64 {
            0.0
        }

        fn set_outflow(&mut self, _: SimTime, _: f64) {}

        fn outflow(&self) -> f64 {
            1.0
        }

        fn reservoir_volume(&self, _: SimTime) -> f64 {
            1e6
        }

        fn reservoir_drug(&self, _: SimTime) -> f64 {
            0.0
        }

        fn believed_volume(&self, _: SimTime) -> f64 {
            1e6
        }

        fn delivered_volume(&self, at: SimTime) -> f64 {
            at.hours()
        }

        fn delivered_drug(&self, _: SimTime) -> f64 {
            0.0
        }

        fn next_event(&self) -> Option<NextEvent> {
            None
        }

        fn on_event(&mut self, _: SimTime, event: &PumpEvent, _: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
            unknown(event.name())
        }

        fn command(&mut self, _: SimTime, _: &Command, _: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
            unknown("a command")
        }

        fn refill(&mut self, _: SimTime, _: &Refill, _: &mut Vec<PumpNotice>) -> Result<RefillReport, PumpError> {
            unknown("a refill")
        }

        fn disturb(
            &mut self,
            _: SimTime,
            _: &str,
            disturbance: &Disturbance,
            _: &mut Vec<PumpNotice>,
        ) -> Result<(), PumpError> {
            unknown(disturbance.name())
        }

        fn relieve(&mut self, _: SimTime, _: &str, _: &mut Vec<PumpNotice>) {}

        fn telemetry(&self, _: SimTime) -> Telemetry {
            Telemetry {
                flow: 1.0,
                dose_rate: 0.0,
                label_concentration: 0.0,
                reservoir_volume: 1e6,
                low_reservoir_in: None,
                battery_left: None,
                actuations: None,
                alarms: Vec::new(),
                log: std::sync::Arc::default(),
            }
        }
    }

    #[test]
    fn can_be_programmed_carries_baclofen_alone_and_counts_right_unless_it_says_otherwise() {
        let tap = Tap;
        assert!(tap.is_programmable());
        assert_eq!(
            (tap.outlet_others(), tap.reservoir_others(at(1.0))),
            (Others::NONE, Others::NONE)
        );
        assert_eq!(tap.mean_drive(), FLOW);
        assert_eq!(tap.belief(at(3.0)).counted_volume, 3.0);
    }

    #[test]
    fn grants_no_bolus_draws_nothing_back_and_takes_nothing_in_unless_it_says_otherwise() {
        let mut tap = Tap;
        let not_allowed = PumpNotice::BolusRefused {
            why: Refusal::NotAllowed,
        };
        assert_eq!(answer(&tap, 1.0), not_allowed);
        assert_eq!(surround(&mut tap, 2.0, 202.65, 38.0), 0.0);
        assert!(!tap.take_back(at(2.0), 0.1, 0.0, Others::NONE));
    }

    #[test]
    fn is_shown_by_what_it_would_save() {
        let boxed: Box<dyn Pump> = Box::new(Tap);
        assert_eq!(format!("{boxed:?}"), "Pump(String(\"a tap\"))");
    }
}
