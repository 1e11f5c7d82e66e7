//! The peristaltic pump against published vectors and its own arithmetic.

use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{
    AlarmClass, AlarmName, Command, Disturbance, GasPressure, Grade, Pump, PumpError, PumpFamily, PumpNotice,
    PumpRegistry, PumpSetup, Refill,
};
use itbsim::scenario::model::{self, FlexStep, Programme};
use itbsim::signals::Others;

const DAY: f64 = 24.0;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn device(size: f64, fill: f64, concentration: f64) -> model::Pump {
    model::Pump {
        family: "peristaltic".to_owned(),
        reservoir_size: size,
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

fn build(device: model::Pump, parameters: &ParameterSet) -> Box<dyn Pump> {
    let setup = PumpSetup {
        device,
        dead_volume: 0.3948,
        start: SimTime::ZERO,
    };
    PumpRegistry::default().build(&setup, parameters).unwrap()
}

fn programme(pump: &mut dyn Pump, now: SimTime, mode: Programme) -> Result<Vec<PumpNotice>, PumpError> {
    let mut out = Vec::new();
    let id = "p".to_owned();
    pump.command(now, &Command::Programme { id, mode }, &mut out)?;
    Ok(out)
}

fn continuous(pump: &mut dyn Pump, now: SimTime, dose_per_day: f64) {
    let rate = dose_per_day / DAY;
    programme(pump, now, Programme::SimpleContinuous { rate }).unwrap();
}

/// A 20 mL pump of 2000 ug/mL at 400 ug/day, 0.2 mL/day.
fn running() -> Box<dyn Pump> {
    let mut pump = build(device(20.0, 20.0, 2000.0), &ParameterSet::default());
    continuous(pump.as_mut(), SimTime::ZERO, 400.0);
    pump
}

/// Runs all own events up to an instant; names with hours.
fn run(pump: &mut dyn Pump, until: SimTime) -> Vec<(f64, String)> {
    let mut seen = Vec::new();
    let mut last = SimTime::ZERO;
    for _ in 0..10_000 {
        let Some(next) = pump.next_event().filter(|n| n.at <= until) else {
            return seen;
        };
        assert!(next.at >= last, "events run backwards");
        last = next.at;
        let mut out = Vec::new();
        pump.on_event(next.at, &next.event, &mut out).unwrap();
        seen.extend(out.iter().map(|n| (next.at.hours(), n.name())));
    }
    panic!("events never end: {:?}", pump.next_event());
}

fn first(events: &[(f64, String)], name: &str) -> f64 {
    match events.iter().find(|e| e.1 == name) {
        Some(event) => event.0,
        None => panic!("no {name} in {events:?}"),
    }
}

#[track_caller]
fn close(a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs().max(1e-300), "{a} is not {b}");
}

mod refill_dates {
    use super::*;

    #[test]
    fn low_alarm_and_true_emptiness_come_on_the_computed_days() {
        // V mL, C ug/mL, D ug/day, alarm mL, days to alarm, days to empty
        for (v, c, d, alarm, low, empty) in [
            (20.0, 500.0, 100.0, 2.0, 90.0, 100.0),
            (20.0, 2000.0, 400.0, 2.0, 90.0, 100.0),
            (40.0, 2000.0, 400.0, 2.0, 190.0, 200.0),
            (20.0, 500.0, 50.0, 2.0, 180.0, 200.0),
            (40.0, 2000.0, 1000.0, 2.0, 76.0, 80.0),
            (20.0, 1000.0, 600.0, 2.0, 30.0, 100.0 / 3.0),
            (18.0, 500.0, 200.0, 4.0, 35.0, 45.0),
        ] {
            let mut dev = device(if v > 20.0 { 40.0 } else { 20.0 }, v, c);
            dev.low_reservoir_alarm = alarm;
            let mut pump = build(dev, &ParameterSet::default());
            continuous(pump.as_mut(), SimTime::ZERO, d);
            let events = run(pump.as_mut(), at(210.0 * DAY));
            close(first(&events, "alarm.low_reservoir.raised") / DAY, low, 1e-12);
            close(first(&events, "pump.empty") / DAY, empty, 1e-12);
            close(first(&events, "alarm.empty_reservoir.raised") / DAY, empty, 1e-12);
        }
    }

    #[test]
    fn over_delivery_empties_the_pump_before_its_low_alarm() {
        // True gain, day of 2 mL left, day empty; the alarm stays at day 90.
        for (gain, two_left, empty) in [
            (0.855, 105.3, 117.0),
            (1.0, 90.0, 100.0),
            (1.145, 78.6, 87.3),
            (1.5, 60.0, 66.7),
        ] {
            let mut dev = device(20.0, 20.0, 2000.0);
            dev.gain = Some(gain);
            let mut pump = build(dev, &ParameterSet::default());
            continuous(pump.as_mut(), SimTime::ZERO, 400.0);
            let day = 18.0 / (0.2 * gain);
            assert!((day - two_left).abs() < 0.05);
            close(pump.reservoir_volume(at(day * DAY)), 2.0, 1e-9);
            let events = run(pump.as_mut(), at(120.0 * DAY));
            close(first(&events, "alarm.low_reservoir.raised") / DAY, 90.0, 1e-12);
            let dry = first(&events, "pump.empty") / DAY;
            assert!((dry - empty).abs() < 0.05, "empty on day {dry}, expected {empty}");
            assert_eq!(dry < 90.0, gain > 1.12);
        }
    }

    #[test]
    fn an_empty_pump_delivers_nothing_and_believes_it_does() {
        let mut dev = device(20.0, 2.0, 2000.0);
        dev.gain = Some(1.145);
        let mut pump = build(dev, &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        run(pump.as_mut(), at(9.0 * DAY));
        assert_eq!(pump.drive().flow, 0.0);
        assert_eq!(pump.outflow(), 0.0);
        close(pump.programmed_flow(), 0.2 / DAY, 1e-12);
        close(pump.believed_volume(at(9.0 * DAY)), 0.2, 1e-9);
    }
}

mod programmes {
    use super::*;

    fn step(weekday: Option<u8>, at: f64, rate: f64) -> FlexStep {
        FlexStep { weekday, at, rate }
    }

    fn strong() -> Box<dyn Pump> {
        build(device(20.0, 20.0, 1000.0), &ParameterSet::default())
    }

    #[test]
    fn a_request_off_the_grid_is_delivered_on_the_grid() {
        let mut pump = running();
        // 0.20049 mL/day lies between 0.200 and 0.201.
        continuous(pump.as_mut(), SimTime::ZERO, 0.20049 * 2000.0);
        close(pump.programmed_flow() * DAY, 0.200, 1e-12);
        close(pump.drive().flow * DAY, 0.200, 1e-12);
        let mut coarse = ParameterSet::default();
        coarse.set("pump.rate.grid", 0.03).unwrap();
        let mut pump = build(device(20.0, 20.0, 2000.0), &coarse);
        continuous(pump.as_mut(), SimTime::ZERO, 0.2 * 2000.0);
        close(pump.programmed_flow() * DAY, 0.21, 1e-12);
    }

    #[test]
    fn a_flow_out_of_range_is_refused_with_range_and_request() {
        let mut pump = running();
        for (flow, shown) in [(0.047, "0.047"), (24.1, "24.1")] {
            let before = pump.save();
            let rate = flow * 2000.0 / DAY;
            let refused = programme(pump.as_mut(), at(1.0), Programme::SimpleContinuous { rate });
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("0.048 to 24 mL/day"), "{message}");
            assert!(message.contains(shown), "{message}");
            assert_eq!(pump.save(), before);
        }
        for flow in [0.048, 24.0] {
            continuous(pump.as_mut(), at(1.0), flow * 2000.0);
        }
    }

    #[test]
    fn sixty_an_hour_for_sixty_a_day_is_24_times_the_dose() {
        let mut pump = build(device(20.0, 20.0, 500.0), &ParameterSet::default());
        programme(pump.as_mut(), SimTime::ZERO, Programme::SimpleContinuous { rate: 60.0 }).unwrap();
        close(pump.drive().flow * pump.outlet_concentration(), 60.0, 1e-12);
    }

    #[test]
    fn flex_follows_the_week_and_weekday_steps_beat_daily_ones() {
        let mut pump = strong();
        let steps = vec![step(None, 6.0, 10.0), step(None, 22.0, 20.0), step(Some(2), 6.0, 40.0)];
        programme(pump.as_mut(), SimTime::ZERO, Programme::Flex { steps: steps.clone() }).unwrap();
        let mut rates = vec![pump.programmed_dose_rate()];
        let mut times = Vec::new();
        for _ in 0..8 {
            let next = pump.next_event().unwrap();
            pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
            assert_eq!(next.source.as_deref(), Some("p"));
            times.push(next.at.hours());
            rates.push(pump.programmed_dose_rate());
        }
        assert_eq!(times, [6.0, 22.0, 30.0, 46.0, 54.0, 70.0, 78.0, 94.0]);
        for (got, want) in rates.iter().zip([20.0, 10.0, 20.0, 10.0, 20.0, 40.0, 20.0, 10.0, 20.0]) {
            close(*got, want, 1e-9);
        }
        let mean = (6.0 * 16.0 * 10.0 + 16.0 * 40.0 + 7.0 * 8.0 * 20.0) / 168.0;
        close(itbsim::pump::mean_rate(&steps), mean, 1e-12);
    }

    #[test]
    fn flex_delivers_its_weekly_dose() {
        let mut pump = strong();
        let steps = vec![step(None, 0.0, 10.0), step(Some(6), 12.5, 30.0)];
        programme(pump.as_mut(), SimTime::ZERO, Programme::Flex { steps }).unwrap();
        run(pump.as_mut(), at(7.0 * DAY));
        close(pump.delivered_drug(at(7.0 * DAY)), 10.0 * 156.5 + 30.0 * 11.5, 1e-9);
    }

    #[test]
    fn flex_holds_thirteen_steps_a_day() {
        let mut pump = strong();
        let steps = |n: u32| Programme::Flex {
            steps: (0..n).map(|k| step(None, f64::from(k), 10.0)).collect(),
        };
        programme(pump.as_mut(), SimTime::ZERO, steps(13)).unwrap();
        let refused = programme(pump.as_mut(), SimTime::ZERO, steps(14)).unwrap_err();
        assert!(matches!(
            refused,
            PumpError::FlexSteps {
                steps: 14,
                limit: 13,
                ..
            }
        ));
    }

    #[test]
    fn periodic_boluses_deliver_dose_and_basal() {
        let mut pump = strong();
        let mode = Programme::PeriodicBolus {
            dose: 50.0,
            every: 6.0,
            over: 0.5,
            basal: 5.0,
        };
        programme(pump.as_mut(), SimTime::ZERO, mode).unwrap();
        close(pump.programmed_dose_rate(), 105.0, 1e-3);
        run(pump.as_mut(), at(48.0));
        // 5 ug/h is 0.12 mL/day, on the grid.
        close(pump.delivered_drug(at(48.0)), 8.0 * 50.0 + 48.0 * 5.0, 1e-9);
    }

    #[test]
    fn programmes_that_no_pump_can_keep_are_refused() {
        let bolus = |dose, over| Programme::PeriodicBolus {
            dose,
            every: 6.0,
            over,
            basal: 5.0,
        };
        let weekday = |day| Programme::Flex {
            steps: vec![step(None, 0.0, 10.0), step(Some(day), 12.5, 30.0)],
        };
        for (mode, words) in [
            (bolus(0.0, 0.5), "bolus dose is 0"),
            (bolus(50.0, 0.001), "periodic bolus"),
            (weekday(7), "weekday of a flex step is 7"),
        ] {
            let refused = programme(strong().as_mut(), SimTime::ZERO, mode)
                .unwrap_err()
                .to_string();
            assert!(refused.contains(words), "{refused}");
        }
        for mode in [bolus(50.0, 0.5), weekday(6)] {
            programme(strong().as_mut(), SimTime::ZERO, mode).unwrap();
        }
    }

    #[test]
    fn a_single_bolus_comes_on_top_and_the_programme_goes_on() {
        let mut pump = strong();
        continuous(pump.as_mut(), SimTime::ZERO, 240.0);
        programme(
            pump.as_mut(),
            at(10.0),
            Programme::SingleBolus { dose: 50.0, over: 0.25 },
        )
        .unwrap();
        close(pump.programmed_dose_rate(), 210.0, 1e-3);
        run(pump.as_mut(), at(20.0));
        close(pump.programmed_dose_rate(), 10.0, 1e-12);
        close(pump.delivered_drug(at(20.0)), 250.0, 1e-9);
    }

    #[test]
    fn priming_delivers_the_dead_volume_and_resumes() {
        let mut pump = strong();
        continuous(pump.as_mut(), SimTime::ZERO, 240.0);
        let prime = |over| Programme::PrimingBolus { volume: None, over };
        programme(pump.as_mut(), SimTime::ZERO, prime(0.5)).unwrap();
        let end = pump.next_event().unwrap();
        close(end.at.hours(), 0.5, 1e-3);
        close(pump.delivered_volume(end.at), 0.3948, 1e-9);
        pump.on_event(end.at, &end.event, &mut Vec::new()).unwrap();
        close(pump.programmed_dose_rate(), 10.0, 1e-12);
        let too_fast = programme(pump.as_mut(), at(1.0), prime(0.2)).unwrap_err();
        assert!(matches!(too_fast, PumpError::FlowOutOfRange { .. }));
        // No length asks for the default flow.
        programme(pump.as_mut(), at(1.0), prime(0.0)).unwrap();
        close(pump.programmed_flow(), 0.95, 1e-9);
    }

    #[test]
    fn bridges_last_as_long_as_the_table_says() {
        for (volume, old, new, dose, then, hours, rate, entered) in [
            (None, 500.0, 2000.0, 100.0, 100.0, 47.376, 0.2, 789.6),
            (None, 2000.0, 500.0, 400.0, 400.0, 47.376, 0.2, 197.4),
            (Some(0.4), 1000.0, 2000.0, 250.0, 250.0, 38.4, 0.25, 800.0),
            (Some(0.4), 2000.0, 3000.0, 600.0, 660.0, 32.0, 0.3, 1200.0),
        ] {
            let mut pump = build(device(20.0, 20.0, new), &ParameterSet::default());
            let bridge = Programme::BridgeBolus {
                old_concentration: old,
                bridge_rate: dose / DAY,
                volume,
                then_rate: then / DAY,
            };
            programme(pump.as_mut(), SimTime::ZERO, bridge).unwrap();
            close(pump.programmed_flow() * DAY, rate, 1e-12);
            let end = pump.next_event().unwrap();
            close(end.at.hours(), hours, 1e-12);
            // The programmer shows the dose by the new label.
            close(pump.programmed_dose_rate() * hours, entered, 1e-12);
            pump.on_event(end.at, &end.event, &mut Vec::new()).unwrap();
            close(pump.programmed_flow() * DAY, then / new, 1e-12);
        }
    }

    #[test]
    fn the_minimum_rate_cannot_be_scaled_and_a_dose_can() {
        let mut pump = running();
        programme(pump.as_mut(), SimTime::ZERO, Programme::MinimumRate).unwrap();
        close(pump.programmed_flow() * DAY, 0.006, 1e-12);
        let scale = Command::ScaleDose {
            id: "up".to_owned(),
            factor: 1.1,
        };
        assert!(pump.command(at(1.0), &scale, &mut Vec::new()).is_err());
        continuous(pump.as_mut(), at(1.0), 400.0);
        pump.command(at(1.0), &scale, &mut Vec::new()).unwrap();
        close(pump.programmed_dose_rate() * DAY, 440.0, 1e-12);
    }

    #[test]
    fn a_scaled_week_has_every_step_scaled_and_its_times_kept() {
        let mut pump = strong();
        let steps = vec![step(None, 6.0, 10.0), step(None, 22.0, 20.0)];
        programme(pump.as_mut(), SimTime::ZERO, Programme::Flex { steps }).unwrap();
        let scale = Command::ScaleDose {
            id: "up".to_owned(),
            factor: 1.5,
        };
        pump.command(SimTime::ZERO, &scale, &mut Vec::new()).unwrap();
        // Until six it is still what began at 22 h the day before.
        close(pump.programmed_dose_rate(), 30.0, 1e-12);
        for (hours, rate) in [(6.0, 15.0), (22.0, 30.0)] {
            let next = pump.next_event().unwrap();
            assert_eq!(next.at, at(hours));
            pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
            close(pump.programmed_dose_rate(), rate, 1e-12);
        }
    }
}

mod refills {
    use super::*;

    fn refill(volume: f64, concentration: f64) -> Refill {
        Refill {
            volume,
            entered_volume: volume,
            concentration,
            label: concentration,
            aspirate: true,
            others: Others::NONE,
        }
    }

    #[test]
    fn a_refill_mixes_with_what_cannot_be_drawn_and_keeps_the_mass() {
        let mut pump = build(device(20.0, 20.0, 500.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 100.0);
        let now = at(50.0 * DAY);
        let before = pump.reservoir_drug(now);
        let report = pump.refill(now, &refill(20.0, 2000.0), &mut Vec::new()).unwrap();
        close(report.expected_volume, 10.0, 1e-9);
        close(report.aspirated_volume, 10.0, 1e-9);
        close(report.concentration, (1.4 * 500.0 + 20.0 * 2000.0) / 21.4, 1e-12);
        let after = pump.reservoir_drug(now);
        close(before - report.aspirated_drug + report.injected_drug, after, 1e-12);
        // Doses stay, flows follow the label.
        close(pump.programmed_flow() * DAY, 0.05, 1e-12);
    }

    #[test]
    fn an_over_delivering_pump_holds_less_than_expected() {
        let mut dev = device(20.0, 20.0, 2000.0);
        dev.gain = Some(1.145);
        let mut pump = build(dev, &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        let now = at(50.0 * DAY);
        let report = pump.refill(now, &refill(20.0, 2000.0), &mut Vec::new()).unwrap();
        close(
            report.expected_volume - report.aspirated_volume,
            50.0 * 0.2 * 0.145,
            1e-9,
        );
    }

    #[test]
    fn too_much_is_refused_and_changes_nothing() {
        let mut pump = build(device(20.0, 15.0, 2000.0), &ParameterSet::default());
        let before = pump.save();
        let mut r = refill(21.0, 2000.0);
        let refused = pump.refill(at(1.0), &r, &mut Vec::new()).unwrap_err();
        assert!(matches!(refused, PumpError::OverFill { .. }));
        r.volume = 6.0;
        r.aspirate = false;
        assert!(pump.refill(at(1.0), &r, &mut Vec::new()).is_err());
        assert_eq!(pump.save(), before);
    }

    #[test]
    fn a_refill_ends_emptiness_and_its_alarms() {
        let mut pump = build(device(20.0, 2.5, 2000.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        run(pump.as_mut(), at(20.0 * DAY));
        let mut out = Vec::new();
        pump.refill(at(20.0 * DAY), &refill(20.0, 2000.0), &mut out).unwrap();
        assert!(out.contains(&PumpNotice::AlarmCleared(AlarmName::LowReservoir)));
        assert!(out.contains(&PumpNotice::AlarmCleared(AlarmName::EmptyReservoir)));
        close(pump.drive().flow * DAY, 0.2, 1e-12);
        let events = run(pump.as_mut(), at(115.0 * DAY));
        close(first(&events, "alarm.low_reservoir.raised") / DAY, 110.0, 1e-12);
    }

    #[test]
    fn a_pocket_fill_is_believed_until_the_pump_runs_dry() {
        let mut pump = running();
        let mut r = refill(5.0, 2000.0);
        r.entered_volume = 20.0;
        pump.refill(SimTime::ZERO, &r, &mut Vec::new()).unwrap();
        let events = run(pump.as_mut(), at(95.0 * DAY));
        close(first(&events, "pump.empty") / DAY, 25.0, 1e-12);
        close(first(&events, "alarm.low_reservoir.raised") / DAY, 90.0, 1e-12);
    }
}

mod disturbances {
    use super::*;

    fn disturb(pump: &mut dyn Pump, now: SimTime, what: Disturbance) -> Vec<String> {
        let mut out = Vec::new();
        pump.disturb(now, "f", &what, &mut out).unwrap();
        out.iter().map(PumpNotice::name).collect()
    }

    #[test]
    fn a_stall_is_noticed_later_at_lower_rates() {
        for (flow, minutes) in [(1.0, 20.0), (0.25, 20.0), (0.1, 50.0), (0.048, 90.0)] {
            let mut pump = running();
            continuous(pump.as_mut(), SimTime::ZERO, flow * 2000.0);
            assert_eq!(disturb(pump.as_mut(), at(10.0), Disturbance::Stall), ["pump.stalled"]);
            assert_eq!(pump.drive().flow, 0.0);
            let events = run(pump.as_mut(), at(20.0));
            let latency = (first(&events, "alarm.motor_stall.raised") - 10.0) * 60.0;
            assert!((latency - minutes).abs() < 0.1, "{flow} mL/day: {latency} min");
        }
    }

    #[test]
    fn a_stalled_pump_goes_on_believing_and_keeps_its_drug() {
        let mut pump = running();
        disturb(pump.as_mut(), at(10.0 * DAY), Disturbance::Stall);
        let events = run(pump.as_mut(), at(20.0 * DAY));
        close(pump.reservoir_volume(at(20.0 * DAY)), 18.0, 1e-12);
        close(pump.believed_volume(at(20.0 * DAY)), 16.0, 1e-12);
        close(first(&events, "alarm.stopped_too_long.raised") / DAY, 12.0, 1e-12);
    }

    #[test]
    fn a_stall_of_a_stopped_pump_is_not_noticed() {
        let mut pump = running();
        programme(pump.as_mut(), at(1.0), Programme::Stopped).unwrap();
        disturb(pump.as_mut(), at(2.0), Disturbance::Stall);
        let events = run(pump.as_mut(), at(40.0));
        assert!(events.is_empty(), "{events:?}");
        continuous(pump.as_mut(), at(40.0), 400.0);
        let events = run(pump.as_mut(), at(45.0));
        assert!(first(&events, "alarm.motor_stall.raised") >= 40.0);
    }

    #[test]
    fn a_magnet_stops_the_rotor_and_binding_delays_its_restart() {
        let mut pump = running();
        let field = Disturbance::MriField {
            field: Some(0.75),
            restart_delay: 6.0,
        };
        disturb(pump.as_mut(), at(10.0), field);
        let events = run(pump.as_mut(), at(30.0));
        close(first(&events, "pump.restarted"), 16.75, 1e-12);
        assert!(first(&events, "alarm.motor_stall.raised") < 11.6);
        assert!(first(&events, "alarm.motor_stall.cleared") > 16.75);
        close(20.0 - pump.reservoir_volume(at(30.0)), 0.2 / DAY * (30.0 - 6.75), 1e-9);
    }

    #[test]
    fn a_field_without_an_end_lasts_until_relieved() {
        let mut pump = running();
        let field = Disturbance::MriField {
            field: None,
            restart_delay: 0.0,
        };
        disturb(pump.as_mut(), at(10.0), field);
        let mut out = Vec::new();
        pump.relieve(at(10.2), "f", &mut out);
        assert_eq!(out, [PumpNotice::Restarted]);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
        assert!(run(pump.as_mut(), at(20.0)).is_empty(), "a short stall leaves no trace");
    }

    #[test]
    fn a_field_left_early_lets_the_rotor_go_its_delay_after_that() {
        let mut pump = running();
        let field = Disturbance::MriField {
            field: Some(5.0),
            restart_delay: 2.0,
        };
        disturb(pump.as_mut(), at(10.0), field);
        pump.relieve(at(11.0), "f", &mut Vec::new());
        // Not at 17 h, five hours of field and two of delay after its beginning.
        let events = run(pump.as_mut(), at(20.0));
        assert_eq!(first(&events, "pump.restarted"), 13.0);
    }

    #[test]
    fn a_telemetry_hang_is_silent_until_the_pump_is_interrogated() {
        let mut pump = running();
        disturb(pump.as_mut(), at(10.0), Disturbance::TelemetryHang);
        assert!(run(pump.as_mut(), at(200.0)).is_empty());
        assert_eq!(pump.drive().flow, 0.0);
        let mut out = Vec::new();
        pump.command(at(200.0), &Command::Interrogate, &mut out).unwrap();
        assert_eq!(out, [PumpNotice::Restarted]);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn a_hang_hides_the_end_of_a_stall_until_the_pump_is_read() {
        let mut pump = running();
        let field = Disturbance::MriField {
            field: Some(2.0),
            restart_delay: 0.0,
        };
        disturb(pump.as_mut(), at(10.0), field);
        let events = run(pump.as_mut(), at(11.8));
        assert!(first(&events, "alarm.motor_stall.raised") < 11.6);
        pump.disturb(at(11.8), "hang", &Disturbance::TelemetryHang, &mut Vec::new())
            .unwrap();
        let events = run(pump.as_mut(), at(60.0));
        assert!(
            !events.iter().any(|(_, name)| name == "alarm.motor_stall.cleared"),
            "{events:?}"
        );
        assert_eq!(pump.drive().flow, 0.0);
        pump.command(at(60.0), &Command::Interrogate, &mut Vec::new()).unwrap();
        close(pump.drive().flow * DAY, 0.2, 1e-12);
        let events = run(pump.as_mut(), at(70.0));
        let cleared = first(&events, "alarm.motor_stall.cleared");
        assert!((60.3..61.6).contains(&cleared), "{cleared}");
    }

    #[test]
    fn a_pump_held_again_before_it_has_noticed_motion_keeps_its_alarm() {
        for again in [Disturbance::Stall, Disturbance::TelemetryHang] {
            let mut pump = running();
            disturb(pump.as_mut(), at(10.0), Disturbance::Stall);
            run(pump.as_mut(), at(30.0));
            pump.relieve(at(30.0), "f", &mut Vec::new());
            // It takes 3.47 uL to notice, 25 min at 0.2 mL/day; six are not enough.
            pump.disturb(at(30.1), "again", &again, &mut Vec::new()).unwrap();
            assert_eq!(
                run(pump.as_mut(), at(60.0)),
                [(58.0, "alarm.stopped_too_long.raised".to_owned())]
            );
            let sounding = pump.telemetry(at(60.0)).alarms;
            assert!(sounding.iter().any(|a| a.name == AlarmName::MotorStall), "{again:?}");
            // And then all of it is counted anew.
            pump.relieve(at(60.0), "again", &mut Vec::new());
            let events = run(pump.as_mut(), at(70.0));
            close(
                first(&events, "alarm.motor_stall.cleared"),
                60.0 + 0.00347 / (0.2 / DAY),
                1e-12,
            );
        }
    }

    #[test]
    fn over_infusion_raises_the_true_flow_only() {
        let mut pump = running();
        disturb(pump.as_mut(), at(10.0), Disturbance::OverInfusion { gain: 1.5 });
        close(pump.drive().flow * DAY, 0.3, 1e-12);
        close(pump.programmed_flow() * DAY, 0.2, 1e-12);
        pump.relieve(at(20.0), "f", &mut Vec::new());
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn a_critical_memory_error_idles_the_pump_until_reprogrammed() {
        let mut pump = running();
        let told = disturb(pump.as_mut(), at(10.0), Disturbance::MemoryError { critical: true });
        assert!(told.contains(&"alarm.memory_error.raised".to_owned()));
        close(pump.drive().flow * DAY, 0.006, 1e-12);
        continuous(pump.as_mut(), at(11.0), 400.0);
        close(pump.drive().flow * DAY, 0.2, 1e-12);
        assert!(pump.telemetry(at(11.0)).alarms.is_empty());
    }

    #[test]
    fn a_memory_damaged_twice_is_damaged_until_both_are_mended() {
        let mut pump = running();
        disturb(pump.as_mut(), at(1.0), Disturbance::MemoryError { critical: true });
        let again = Disturbance::MemoryError { critical: true };
        pump.disturb(at(2.0), "other", &again, &mut Vec::new()).unwrap();
        pump.relieve(at(3.0), "f", &mut Vec::new());
        close(pump.drive().flow * DAY, 0.006, 1e-12);
        // What never was there mends nothing.
        pump.relieve(at(4.0), "nothing", &mut Vec::new());
        close(pump.drive().flow * DAY, 0.006, 1e-12);
        pump.relieve(at(5.0), "other", &mut Vec::new());
        close(pump.drive().flow * DAY, 0.2, 1e-12);
    }

    #[test]
    fn an_end_that_concerns_another_fault_does_not_delay_the_notice_of_motion() {
        let cleared = |other: Option<f64>| {
            let mut pump = running();
            disturb(pump.as_mut(), at(10.0), Disturbance::Stall);
            run(pump.as_mut(), at(30.0));
            pump.relieve(at(30.0), "f", &mut Vec::new());
            if let Some(hours) = other {
                pump.relieve(at(hours), "nothing", &mut Vec::new());
            }
            first(&run(pump.as_mut(), at(60.0)), "alarm.motor_stall.cleared")
        };
        assert_eq!(cleared(Some(30.05)), cleared(None));
    }

    #[test]
    fn faults_of_different_names_do_not_end_one_another() {
        let mut pump = running();
        disturb(pump.as_mut(), at(1.0), Disturbance::Stall);
        pump.disturb(at(1.0), "other", &Disturbance::Stall, &mut Vec::new())
            .unwrap();
        pump.relieve(at(2.0), "f", &mut Vec::new());
        assert_eq!(pump.drive().flow, 0.0);
        pump.relieve(at(3.0), "other", &mut Vec::new());
        assert!(pump.drive().flow > 0.0);
    }

    #[test]
    fn an_unknown_disturbance_is_a_typed_error() {
        let odd = Disturbance::Custom {
            name: "valves_open".to_owned(),
            values: Default::default(),
        };
        let error = running().disturb(at(1.0), "f", &odd, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, PumpError::Unsupported { .. }));
    }

    #[test]
    fn every_fault_kind_becomes_a_disturbance_at_full_severity_that_its_families_take_and_others_refuse() {
        use itbsim::scenario::model::Value;
        let registry = PumpRegistry::default();
        for kind in itbsim::pump::FAULT_KINDS {
            let values = kind
                .fields
                .iter()
                .map(|f| {
                    let value = match f.words {
                        [] => Value::Number(f.default.unwrap_or(1.2)),
                        [word, ..] => Value::Text((*word).to_owned()),
                    };
                    (f.name.to_owned(), value)
                })
                .collect();
            let made = itbsim::pump::disturbance(kind.kind, &values, 1.0);
            let made = made.unwrap_or_else(|| panic!("{} makes nothing", kind.kind));
            assert_eq!(itbsim::pump::disturbance(kind.kind, &values, 0.0), None);
            let mut had = 0;
            for family in registry.families() {
                let mut device = device(20.0, 20.0, 2000.0);
                device.family = family.name.to_owned();
                let mut pump = build(device, &ParameterSet::default());
                if family.faults.contains(&kind.kind) {
                    had += 1;
                    pump.disturb(at(1.0), "f", &made, &mut Vec::new()).unwrap();
                    pump.relieve(at(2.0), "f", &mut Vec::new());
                }
            }
            assert!(had > 0, "no family has {}", kind.kind);
        }
    }

    #[test]
    fn a_family_refuses_what_its_works_do_not_have() {
        for (family, disturbance) in [
            ("peristaltic", Disturbance::ValveShut),
            ("peristaltic", Disturbance::Restrictor { resistance: 2.0 }),
            ("valve-gated", Disturbance::Stall),
            ("valve-gated", Disturbance::TelemetryHang),
            ("gas-pressure", Disturbance::Stall),
            ("gas-pressure", Disturbance::MemoryError { critical: true }),
            ("gas-pressure", Disturbance::BatteryDrain { factor: 2.0 }),
        ] {
            let mut device = device(20.0, 20.0, 2000.0);
            device.family = family.to_owned();
            let mut pump = build(device, &ParameterSet::default());
            let before = pump.save();
            let refused = pump.disturb(at(1.0), "f", &disturbance, &mut Vec::new()).unwrap_err();
            assert!(matches!(refused, PumpError::Unsupported { .. }), "{family}: {refused}");
            assert_eq!(pump.save(), before);
        }
    }
}

mod service_life {
    use super::*;

    #[test]
    fn the_indicator_comes_ninety_days_before_the_end() {
        let mut dev = device(20.0, 20.0, 2000.0);
        dev.age = 6.0 * 8766.0;
        let mut pump = build(dev, &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 96.0);
        let events = run(pump.as_mut(), at(400.0 * DAY));
        let eri = first(&events, "alarm.eri.raised");
        let end = first(&events, "pump.service_ended");
        close(end - eri, 90.0 * DAY, 1e-12);
        assert!(6.0 * 8766.0 + end <= 7.0 * 8766.0 + 1e-6);
        assert_eq!(pump.drive().flow, 0.0);
        let refused = programme(pump.as_mut(), at(400.0 * DAY), Programme::MinimumRate);
        assert!(matches!(refused, Err(PumpError::OutOfService)));
    }

    #[test]
    fn the_ninety_days_after_the_indicator_are_told_down() {
        // Drained fifty times faster, so that the charge sets the end and not the seven years.
        let mut pump = running();
        let drain = Disturbance::BatteryDrain { factor: 50.0 };
        pump.disturb(SimTime::ZERO, "b", &drain, &mut Vec::new()).unwrap();
        let eri = first(&run(pump.as_mut(), at(60.0 * DAY)), "alarm.eri.raised");
        for days in [20.0, 50.0] {
            let now = at(eri + days * DAY);
            run(pump.as_mut(), now);
            close(pump.telemetry(now).battery_left.unwrap(), (90.0 - days) * DAY, 1e-9);
        }
    }

    #[test]
    fn seven_years_is_the_end_whatever_the_battery_holds() {
        let mut dev = device(20.0, 20.0, 2000.0);
        dev.age = 6.95 * 8766.0;
        let mut parameters = ParameterSet::default();
        parameters.set("pump.battery.idle_life", 131_490.0).unwrap();
        let mut pump = build(dev, &parameters);
        continuous(pump.as_mut(), SimTime::ZERO, 96.0);
        let events = run(pump.as_mut(), at(60.0 * DAY));
        assert_eq!(first(&events, "alarm.eri.raised"), 0.0);
        close(first(&events, "pump.service_ended"), 0.05 * 8766.0, 1e-9);
    }

    #[test]
    fn the_time_to_the_seventh_year_is_told_down() {
        let mut dev = device(20.0, 20.0, 2000.0);
        dev.age = 6.95 * 8766.0;
        let mut pump = build(dev, &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 96.0);
        // A twentieth of a year is less than the ninety days after the indicator.
        for days in [0.0, 5.0, 15.0] {
            let now = at(days * DAY);
            run(pump.as_mut(), now);
            close(
                pump.telemetry(now).battery_left.unwrap(),
                0.05 * 8766.0 - days * DAY,
                1e-9,
            );
        }
    }

    #[test]
    fn a_fast_pump_wears_its_battery_out_sooner() {
        let life = |dose: f64| {
            let mut pump = build(device(40.0, 40.0, 2000.0), &ParameterSet::default());
            continuous(pump.as_mut(), SimTime::ZERO, dose);
            pump.telemetry(SimTime::ZERO).battery_left.unwrap() / 8766.0
        };
        assert!((6.0..=7.0).contains(&life(0.25 * 2000.0)));
        assert!((4.0..=5.0).contains(&life(1.5 * 2000.0)));
    }
}

mod accuracy {
    use super::*;

    fn gain(size: f64, approved: bool, age_months: f64, flex: bool) -> f64 {
        let mut dev = device(size, size, 2000.0);
        dev.gain = None;
        dev.approved_drug = approved;
        dev.age = age_months * 730.5;
        let mut pump = build(dev, &ParameterSet::default());
        let rate = 400.0 / DAY;
        let step = |at| FlexStep {
            weekday: None,
            at,
            rate,
        };
        let mode = if flex {
            Programme::Flex {
                steps: vec![step(0.0), step(12.0)],
            }
        } else {
            Programme::SimpleContinuous { rate }
        };
        programme(pump.as_mut(), SimTime::ZERO, mode).unwrap();
        pump.drive().flow / pump.programmed_flow()
    }

    #[test]
    fn differences_between_groups_are_the_published_ones() {
        let base = gain(20.0, true, 24.0, false);
        close(gain(40.0, true, 24.0, false) - base, -0.035, 1e-9);
        close(gain(20.0, false, 24.0, false) - base, 0.007, 1e-9);
        close(gain(20.0, true, 24.0, true) - base, -0.024, 1e-9);
        assert!(gain(20.0, true, 48.0, false) < base, "an older pump delivers less");
        // All groups in equal parts, at the middle of the battery range, give the mean.
        let mut sum = 0.0;
        for size in [20.0, 40.0] {
            for flex in [false, true] {
                for approved in [false, true] {
                    sum += gain(size, approved, 36.0, flex);
                }
            }
        }
        assert!((sum / 8.0 - 0.995).abs() < 0.005, "{}", sum / 8.0);
    }

    #[test]
    fn a_refill_periods_luck_shifts_the_gain() {
        let mut dev = device(20.0, 20.0, 2000.0);
        dev.gain = None;
        let mut pump = build(dev, &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        let before = pump.drive().flow / pump.programmed_flow();
        let luck = Disturbance::GainDeviation { deviation: 0.077 };
        pump.disturb(SimTime::ZERO, "luck", &luck, &mut Vec::new()).unwrap();
        close(pump.drive().flow / pump.programmed_flow() - before, 0.077, 1e-9);
    }
}

mod alarms {
    use super::*;

    #[test]
    fn classes_are_the_devices_and_grades_the_standards() {
        let mut pump = build(device(20.0, 2.1, 2000.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        run(pump.as_mut(), at(30.0 * DAY));
        let alarms = pump.telemetry(at(30.0 * DAY)).alarms;
        let find = |name| alarms.iter().find(|a| a.name == name).unwrap();
        let low = find(AlarmName::LowReservoir);
        assert_eq!((low.class, low.grade), (AlarmClass::NonCritical, Grade::Medium));
        let empty = find(AlarmName::EmptyReservoir);
        assert_eq!((empty.class, empty.grade), (AlarmClass::Critical, Grade::High));
    }

    #[test]
    fn a_pump_left_stopped_alarms_after_48_hours_until_restarted() {
        let mut pump = running();
        programme(pump.as_mut(), at(5.0), Programme::Stopped).unwrap();
        let events = run(pump.as_mut(), at(100.0));
        assert_eq!(events, [(53.0, "alarm.stopped_too_long.raised".to_owned())]);
        let out = programme(pump.as_mut(), at(100.0), Programme::MinimumRate).unwrap();
        assert!(out.contains(&PumpNotice::AlarmCleared(AlarmName::StoppedTooLong)));
    }

    #[test]
    fn the_log_calls_critical_what_may_be_either_and_leaves_other_names_alone() {
        let mut pump = running();
        let mut strike = |hours: f64, source: &str, what: Disturbance| {
            pump.disturb(at(hours), source, &what, &mut Vec::new()).unwrap();
            run(pump.as_mut(), at(hours + 2.0));
        };
        // A motor stall is critical, always; the programme may outlive a memory error or not.
        strike(1.0, "stall", Disturbance::Stall);
        strike(5.0, "slight", Disturbance::MemoryError { critical: false });
        strike(9.0, "grave", Disturbance::MemoryError { critical: true });
        let log = pump.telemetry(at(11.0)).log;
        let alarms: Vec<&str> = log
            .iter()
            .filter(|e| e.alarm().is_some())
            .map(|e| e.what.as_str())
            .collect();
        assert_eq!(
            alarms,
            ["alarm.motor_stall", "alarm.memory_error", "alarm.memory_error.critical"]
        );
    }

    #[test]
    fn every_notice_of_a_run_has_an_announced_name() {
        let names = itbsim::pump::event_names();
        let mut pump = build(device(20.0, 3.0, 2000.0), &ParameterSet::default());
        continuous(pump.as_mut(), SimTime::ZERO, 400.0);
        pump.disturb(at(1.0), "f", &Disturbance::Stall, &mut Vec::new())
            .unwrap();
        for (_, name) in run(pump.as_mut(), at(3000.0 * DAY)) {
            assert!(names.contains(&name), "{name}");
        }
    }
}

mod answers {
    use super::*;
    use itbsim::pump::{PumpEvent, disturbance};
    use itbsim::scenario::model::Value;
    use std::collections::BTreeMap;

    #[test]
    fn low_reservoir_is_told_in_hours_until_the_alarm_by_the_programmed_rate() {
        let pump = running();
        // 18 mL above the alarm at 0.2 mL/day, an hour of which is gone.
        let left = pump.belief(at(1.0)).low_reservoir_in.unwrap();
        close(left, 90.0 * DAY - 1.0, 1e-12);
    }

    #[test]
    fn a_stopped_pump_tells_no_time_until_its_low_reservoir() {
        let mut pump = running();
        programme(pump.as_mut(), at(1.0), Programme::Stopped).unwrap();
        assert_eq!(pump.belief(at(2.0)).low_reservoir_in, None);
    }

    #[test]
    fn out_of_service_nothing_is_programmed_and_no_volume_is_taken() {
        let mut pump = running();
        let mut out = Vec::new();
        pump.command(at(1.0), &Command::SetVolume { volume: 12.0 }, &mut out)
            .unwrap();
        close(pump.believed_volume(at(1.0)), 12.0, 1e-12);
        pump.on_event(at(2.0), &PumpEvent::EndOfService, &mut out).unwrap();
        assert_eq!(pump.programmed_dose_rate(), 0.0);
        let refused = pump.command(at(3.0), &Command::SetVolume { volume: 12.0 }, &mut out);
        assert!(matches!(refused, Err(PumpError::OutOfService)), "{refused:?}");
    }

    #[test]
    fn over_infusion_and_drain_grow_in_proportion_to_severity() {
        let with = |name: &str, x: f64| BTreeMap::from([(name.to_owned(), Value::Number(x))]);
        for (u, gain) in [(0.25, 1.5), (0.5, 2.0), (1.0, 3.0), (2.0, 3.0)] {
            let over = disturbance("pump.over_infusion", &with("gain", 3.0), u);
            assert!(
                matches!(over, Some(Disturbance::OverInfusion { gain: g }) if g == gain),
                "{over:?}"
            );
            let drain = disturbance("pump.battery_early", &with("drain", 3.0), u);
            assert!(
                matches!(drain, Some(Disturbance::BatteryDrain { factor }) if factor == gain),
                "{drain:?}"
            );
        }
        assert!(disturbance("pump.over_infusion", &with("gain", 3.0), 0.0).is_none());
    }

    #[test]
    fn every_family_says_what_it_is_what_it_can_be_asked_for_and_what_surroundings_do_to_it() {
        let none = PumpFamily::of::<GasPressure>("none");
        for family in PumpRegistry::default().families() {
            assert_ne!(family.summary, none.summary, "{}", family.name);
            assert_ne!(family.surroundings, none.surroundings, "{}", family.name);
            // Only a pump of one flow has no programme.
            assert_eq!(family.rates.is_none(), family.name == "gas-pressure", "{}", family.name);
            for key in family.rates.iter().flat_map(|(low, high)| [low, high]) {
                assert!(itbsim::parameters::named(key).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn a_programme_of_nothing_is_refused_and_changes_nothing() {
        let mut pump = running();
        let before = pump.programmed_flow();
        for mode in [
            Programme::SingleBolus { dose: 0.0, over: 1.0 },
            Programme::SingleBolus { dose: 10.0, over: 0.0 },
            Programme::PrimingBolus {
                volume: Some(0.0),
                over: 1.0,
            },
            Programme::BridgeBolus {
                old_concentration: 2000.0,
                bridge_rate: 10.0,
                volume: Some(0.0),
                then_rate: 10.0,
            },
        ] {
            let refused = programme(pump.as_mut(), at(1.0), mode.clone());
            assert!(
                matches!(refused, Err(PumpError::Programme { .. })),
                "{mode:?}: {refused:?}"
            );
            assert_eq!(pump.programmed_flow(), before);
        }
    }

    #[test]
    fn a_label_is_above_zero_and_only_one_out_of_range_limits_the_rate() {
        let mut pump = running();
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let command = Command::SetLabel { concentration: bad };
            let refused = pump.command(at(1.0), &command, &mut Vec::new());
            assert!(matches!(refused, Err(PumpError::Value { .. })), "{bad}: {refused:?}");
        }
        let mut limited = |concentration| {
            let mut out = Vec::new();
            pump.command(at(1.0), &Command::SetLabel { concentration }, &mut out)
                .unwrap();
            out.iter().any(|n| matches!(n, PumpNotice::RateLimited { .. }))
        };
        assert!(!limited(1000.0), "0.4 mL/day is within the range");
        assert!(limited(1e6), "0.4 uL/day is below it");
    }

    #[test]
    fn a_demand_is_granted_with_its_dose_and_then_locked_out() {
        let mut pump = running();
        let base = pump.programmed_flow();
        let handset = Programme::PatientBolus {
            dose: 10.0,
            over: 0.1,
            lockout: 4.0,
            most_per_day: 3,
        };
        programme(pump.as_mut(), at(1.0), handset).unwrap();
        let mut out = Vec::new();
        pump.demand(at(5.0), "pressed", &mut out);
        assert!(out.contains(&PumpNotice::BolusGranted { dose: 10.0 }), "{out:?}");
        assert!(pump.programmed_flow() > base);
        out.clear();
        pump.demand(at(7.0), "pressed", &mut out);
        assert!(
            out.iter().any(|n| matches!(n, PumpNotice::BolusRefused { .. })),
            "{out:?}"
        );
    }
}
