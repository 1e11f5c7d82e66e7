//! What strokes leave alone, when a stroke is due, and faults by their severity.

use std::collections::BTreeMap;

use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Command, Disturbance, Pump, PumpEvent, PumpNotice, Refill, disturbance};
use itbsim::scenario::model::{FlexStep, Programme, Value};
use itbsim::signals::{Others, Surroundings};

use super::families::{DAY, at, build, close, continuous, device};

/// In strokes of `volume` uL, each of so many seconds; zero is without strokes.
fn pump(family: &str, volume: f64, seconds: f64) -> Box<dyn Pump> {
    let mut parameters = ParameterSet::default();
    parameters.set("flow.fidelity.stroke", volume).unwrap();
    parameters.set("flow.fidelity.stroke_time", seconds).unwrap();
    let mut device = device(family, 10.0, 2000.0);
    device.others = other(30.0);
    build(device, &parameters)
}

fn other(concentration: f64) -> Others {
    let mut others = Others::NONE;
    others.set(0, concentration);
    others
}

/// Peristaltic, in strokes of 2.5 uL and 60 s at so many ug/day.
fn stroking(dose: f64) -> Box<dyn Pump> {
    let mut pump = pump("peristaltic", 2.5, 60.0);
    continuous(pump.as_mut(), SimTime::ZERO, dose);
    pump
}

/// Another dose \[ug/day\], or none.
fn programme(pump: &mut dyn Pump, now: SimTime, dose: f64) {
    let mode = if dose > 0.0 {
        Programme::SimpleContinuous { rate: dose / DAY }
    } else {
        Programme::Stopped
    };
    let command = Command::Programme {
        id: "q".to_owned(),
        mode,
    };
    pump.command(now, &command, &mut Vec::new()).unwrap();
}

fn is_stroke(event: &PumpEvent) -> bool {
    matches!(event, PumpEvent::Custom(name) if name == "stroke")
}

mod inside {
    use super::*;

    /// The same pump with strokes and without, to which the same is done.
    struct Twins(Box<dyn Pump>, Box<dyn Pump>);

    impl Twins {
        fn new(family: &str) -> Self {
            Twins(pump(family, 2.5, 60.0), pump(family, 0.0, 60.0))
        }

        /// Both do what is due until then, and deliver their mean flow.
        fn run(&mut self, until: f64) {
            for pump in [&mut self.0, &mut self.1] {
                while let Some(next) = pump.next_event().filter(|n| n.at <= at(until)) {
                    pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
                    let flow = pump.mean_drive().flow;
                    pump.set_outflow(next.at, flow);
                }
            }
            self.look(until);
        }

        /// Does the same to both, which answer alike.
        fn both<T: PartialEq + std::fmt::Debug>(
            &mut self,
            hours: f64,
            act: impl Fn(&mut dyn Pump, &mut Vec<PumpNotice>) -> T,
        ) -> (T, Vec<PumpNotice>) {
            let (mut out, mut other) = (Vec::new(), Vec::new());
            let answer = act(self.0.as_mut(), &mut out);
            assert_eq!(answer, act(self.1.as_mut(), &mut other));
            assert_eq!(out, other);
            for pump in [&mut self.0, &mut self.1] {
                let flow = pump.mean_drive().flow;
                pump.set_outflow(at(hours), flow);
            }
            self.look(hours);
            (answer, out)
        }

        /// All that can be read is the same, and which of it is a number is one.
        fn look(&self, hours: f64) {
            let now = at(hours);
            let read = |p: &dyn Pump| {
                [
                    p.programmed_flow(),
                    p.programmed_dose_rate(),
                    p.outlet_concentration(),
                    p.outflow(),
                    p.mean_drive().flow,
                    p.reservoir_volume(now),
                    p.reservoir_drug(now),
                    p.believed_volume(now),
                    p.delivered_volume(now),
                    p.delivered_drug(now),
                ]
            };
            assert_eq!(read(self.0.as_ref()), read(self.1.as_ref()), "at {hours} h");
            assert_eq!(self.0.is_programmable(), self.1.is_programmable());
            assert_eq!(self.0.outlet_others(), self.1.outlet_others());
            assert_eq!(self.0.reservoir_others(now), self.1.reservoir_others(now));
            assert_eq!(self.0.belief(now), self.1.belief(now));
        }
    }

    fn command(twins: &mut Twins, hours: f64, mode: Programme) {
        let command = Command::Programme {
            id: "p".to_owned(),
            mode,
        };
        let (answer, _) = twins.both(hours, |pump, out| pump.command(at(hours), &command, out).is_ok());
        assert!(answer);
    }

    #[test]
    fn a_pump_in_strokes_is_read_and_answers_as_the_same_without() {
        let mut twins = Twins::new("peristaltic");
        assert!(twins.0.is_programmable());
        assert_eq!(twins.0.outlet_others(), other(30.0));
        command(&mut twins, 0.0, Programme::SimpleContinuous { rate: 400.0 / DAY });
        let handset = Programme::PatientBolus {
            dose: 10.0,
            over: 0.1,
            lockout: 4.0,
            most_per_day: 3,
        };
        command(&mut twins, 0.0, handset);
        twins.run(10.0);
        close(twins.0.delivered_volume(at(10.0)), 0.2 * 10.0 / DAY, 1e-12);
        close(twins.0.delivered_drug(at(10.0)), 400.0 * 10.0 / DAY, 1e-12);
        let (_, told) = twins.both(10.0, |pump, out| pump.demand(at(10.0), "pressed", out));
        assert!(told.contains(&PumpNotice::BolusGranted { dose: 10.0 }));
        // 10 ug in 0.1 h, 0.05 mL/h, besides the programme.
        close(twins.0.mean_drive().flow, 0.05 + 0.2 / DAY, 1e-12);
        twins.run(12.0);
        let over = Disturbance::OverInfusion { gain: 2.0 };
        let (taken, _) = twins.both(12.0, |pump, out| pump.disturb(at(12.0), "over", &over, out).is_ok());
        assert!(taken);
        close(twins.0.mean_drive().flow, 0.4 / DAY, 1e-12);
        twins.run(20.0);
        twins.both(20.0, |pump, out| pump.relieve(at(20.0), "over", out));
        close(twins.0.mean_drive().flow, 0.2 / DAY, 1e-12);
        twins.run(30.0);
    }

    #[test]
    fn so_it_is_in_a_pressure_chamber_and_with_what_runs_back() {
        let mut twins = Twins::new("peristaltic");
        command(&mut twins, 0.0, Programme::SimpleContinuous { rate: 400.0 / DAY });
        let mut drawn = 0.0;
        for (hours, pressure) in [(1.0, 280.0), (3.0, 280.0), (5.0, 101.3)] {
            twins.run(hours);
            let surroundings = Surroundings {
                pressure,
                temperature: 37.0,
            };
            drawn += twins
                .both(hours, |pump, out| pump.surround(at(hours), surroundings, out))
                .0;
        }
        assert!(drawn > 0.0 && drawn != 1.0, "{drawn} mL");
        twins.run(6.0);
        let back = |pump: &mut dyn Pump, volume: f64| pump.take_back(at(6.0), volume, 100.0, other(1.0));
        assert!(twins.both(6.0, |pump, _| back(pump, 0.5)).0);
        assert!(!twins.both(6.0, |pump, _| back(pump, 50.0)).0, "it is full");
    }

    #[test]
    fn a_pump_of_one_flow_stays_one_in_strokes() {
        let mut twins = Twins::new("gas-pressure");
        assert!(!twins.0.is_programmable());
        twins.run(30.0);
        let refill = Refill {
            volume: 15.0,
            entered_volume: 15.0,
            concentration: 500.0,
            label: 500.0,
            aspirate: true,
            others: other(7.0),
        };
        twins.both(30.0, |pump, out| pump.refill(at(30.0), &refill, out).unwrap());
        twins.run(40.0);
    }

    #[test]
    fn what_a_family_calls_its_own_event_goes_to_the_family() {
        let foreign = PumpEvent::Custom("stroke of luck".to_owned());
        let mut pump = stroking(400.0);
        let begins = pump.next_event().unwrap();
        pump.on_event(begins.at, &begins.event, &mut Vec::new()).unwrap();
        let under_way = pump.drive().flow;
        assert!(under_way > 0.0);
        let answer = |mut pump: Box<dyn Pump>| {
            pump.on_event(begins.at, &foreign, &mut Vec::new())
                .map_err(|e| e.to_string())
        };
        assert_eq!(answer(pump.clone_box()), answer(super::pump("peristaltic", 0.0, 60.0)));
        let _ = pump.on_event(begins.at, &foreign, &mut Vec::new());
        assert_eq!(pump.drive().flow, under_way, "the stroke goes on");
    }
}

mod due {
    use super::*;

    #[test]
    fn a_new_rate_keeps_what_had_come_due() {
        // 0.2 mL/day are 3.33 strokes of 2.5 uL an hour, the first at half a stroke.
        let every = 2.5e-3 / (0.2 / DAY);
        let mut pump = stroking(400.0);
        close(pump.next_event().unwrap().at.hours(), 0.5 * every, 1e-10);
        // After 0.06 h 0.7 of it has come due; the rest comes twice as fast.
        programme(pump.as_mut(), at(0.06), 800.0);
        close(pump.next_event().unwrap().at.hours(), 0.06 + 0.3 * every / 2.0, 1e-10);
    }

    #[test]
    fn a_pump_that_stops_gives_no_more_of_a_stroke_and_begins_none() {
        let mut pump = stroking(400.0);
        let begins = pump.next_event().unwrap();
        assert!(is_stroke(&begins.event));
        // Just as one is due.
        let mut stopped = pump.clone_box();
        programme(stopped.as_mut(), begins.at, 0.0);
        assert!(stopped.next_event().is_none_or(|next| !is_stroke(&next.event)));
        // In the middle of one: what flows then is what a stopped pump lets through.
        pump.on_event(begins.at, &begins.event, &mut Vec::new()).unwrap();
        programme(pump.as_mut(), begins.at, 0.0);
        assert_eq!(pump.drive(), pump.mean_drive());
    }

    #[test]
    fn a_flow_as_fast_as_its_strokes_runs_as_it_is() {
        // 8 uL in an hour, 192 uL and 384 ug a day.
        let mut pump = pump("peristaltic", 8.0, 3600.0);
        continuous(pump.as_mut(), SimTime::ZERO, 384.0);
        assert_eq!(pump.mean_drive().flow, 8e-3);
        assert_eq!(pump.drive(), pump.mean_drive());
        assert!(pump.next_event().is_none_or(|next| !is_stroke(&next.event)));
    }

    #[test]
    fn of_a_stroke_and_what_the_pump_does_itself_the_earlier_comes_first() {
        let flex = |pump: &mut dyn Pump| {
            let step = |at: f64, rate: f64| FlexStep {
                weekday: None,
                at,
                rate: rate / DAY,
            };
            let mode = Programme::Flex {
                steps: vec![step(0.0, 400.0), step(6.0, 200.0)],
            };
            let command = Command::Programme {
                id: "f".to_owned(),
                mode,
            };
            pump.command(SimTime::ZERO, &command, &mut Vec::new()).unwrap();
        };
        // 100 uL every twelve hours: half of it is due at six, as the next step is.
        let mut tie = pump("peristaltic", 100.0, 60.0);
        flex(tie.as_mut());
        let next = tie.next_event().unwrap();
        assert!((next.at.hours() - 6.0).abs() < 1e-9);
        assert!(!is_stroke(&next.event), "{next:?}");
        // One that is due a little earlier.
        let mut early = pump("peristaltic", 99.0, 60.0);
        flex(early.as_mut());
        let next = early.next_event().unwrap();
        assert!(is_stroke(&next.event) && next.at < at(6.0), "{next:?}");
    }
}

mod severity {
    use super::*;

    #[test]
    fn half_a_fault_has_half_its_volume_or_conductance() {
        let with = |name: &str| BTreeMap::from([(name.to_owned(), Value::Number(4.0))]);
        // Half of 4; neither the sum, 4.5, nor the ratio, 0.125.
        assert_eq!(
            disturbance("pump.residual_error", &with("volume"), 0.5),
            Some(Disturbance::TrappedVolume { volume: 2.0 })
        );
        assert_eq!(
            disturbance("pump.valve_stuck_open", &with("conductance"), 0.5),
            Some(Disturbance::ValveOpen { conductance: 2.0 })
        );
    }

    #[test]
    fn a_memory_error_is_critical_from_one_half_on() {
        for (number, critical) in [(0.0, false), (0.4, false), (0.5, true), (1.0, true)] {
            let values = BTreeMap::from([("critical".to_owned(), Value::Number(number))]);
            assert_eq!(
                disturbance("pump.memory_error", &values, 1.0),
                Some(Disturbance::MemoryError { critical })
            );
        }
    }
}
