//! Accounting, purity and storage of pumps, and a family from outside the crate.

use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Command, Disturbance, Pump, PumpRegistry, PumpSetup, Refill};
use itbsim::scenario::model::{self, FlexStep, Programme};
use proptest::prelude::*;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn setup(family: &str) -> PumpSetup {
    PumpSetup {
        device: model::Pump {
            family: family.to_owned(),
            reservoir_size: 20.0,
            fill: 5.0,
            concentration: 1000.0,
            label_concentration: 1000.0,
            low_reservoir_alarm: 2.0,
            gain: None,
            age: 10_000.0,
            approved_drug: true,
        },
        dead_volume: 0.4,
        start: SimTime::ZERO,
    }
}

/// Something done to a pump.
#[derive(Debug, Clone)]
enum Act {
    Rate(f64),
    Flex(f64, f64),
    Bolus(f64),
    Stop,
    Refill(f64, f64, bool),
    Stall(bool),
    Over(f64),
    Limit(f64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0.06..3.0_f64).prop_map(Act::Rate),
        (0.06..3.0_f64, 0.06..3.0_f64).prop_map(|(a, b)| Act::Flex(a, b)),
        (10.0..200.0_f64).prop_map(Act::Bolus),
        Just(Act::Stop),
        (1.0..20.0_f64, 100.0..3000.0_f64, any::<bool>()).prop_map(|(v, c, a)| Act::Refill(v, c, a)),
        any::<bool>().prop_map(Act::Stall),
        (0.5..3.0_f64).prop_map(Act::Over),
        (0.0..1.0_f64).prop_map(Act::Limit),
    ]
}

#[derive(Default)]
struct Books {
    filled: f64,
    drawn: f64,
}

/// A refused request changes nothing, which is part of what is tested.
fn apply(pump: &mut dyn Pump, now: SimTime, act: &Act, books: &mut Books) {
    let out = &mut Vec::new();
    let label = pump.telemetry(now).label_concentration;
    let mode = |mode| Command::Programme {
        id: "p".to_owned(),
        mode,
    };
    let done = match act {
        Act::Rate(q) => pump.command(now, &mode(Programme::SimpleContinuous { rate: q / 24.0 * label }), out),
        Act::Flex(a, b) => {
            let step = |at, q: &f64| FlexStep {
                weekday: None,
                at,
                rate: q / 24.0 * label,
            };
            let steps = vec![step(3.3, a), step(17.7, b)];
            pump.command(now, &mode(Programme::Flex { steps }), out)
        }
        Act::Bolus(dose) => pump.command(now, &mode(Programme::SingleBolus { dose: *dose, over: 0.7 }), out),
        Act::Stop => pump.command(now, &mode(Programme::Stopped), out),
        Act::Refill(volume, concentration, aspirate) => {
            let refill = Refill {
                volume: *volume,
                entered_volume: *volume,
                concentration: *concentration,
                label: *concentration,
                aspirate: *aspirate,
            };
            pump.refill(now, &refill, out).map(|report| {
                books.filled += report.injected_drug;
                books.drawn += report.aspirated_drug;
            })
        }
        Act::Stall(true) => pump.disturb(now, "stall", &Disturbance::Stall, out),
        Act::Stall(false) => {
            pump.relieve(now, "stall", out);
            Ok(())
        }
        Act::Over(gain) => pump.disturb(now, "over", &Disturbance::OverInfusion { gain: *gain }, out),
        Act::Limit(share) => {
            pump.set_outflow(now, pump.drive().flow * share);
            Ok(())
        }
    };
    drop(done);
}

/// The saved state but for the instant at which the programme was last looked at.
fn state(pump: &dyn Pump) -> serde_json::Value {
    let mut state = pump.save();
    state.as_object_mut().unwrap().remove("seen");
    state
}

fn drive_to(pump: &mut dyn Pump, until: SimTime) {
    while let Some(next) = pump.next_event().filter(|n| n.at <= until) {
        pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drug_is_conserved_and_looking_changes_nothing(acts in prop::collection::vec((0.01..200.0_f64, act()), 1..40)) {
        let registry = PumpRegistry::default();
        let mut pump = registry.build(&setup("peristaltic"), &ParameterSet::default()).unwrap();
        let mut watched = pump.clone();
        let mut books = Books { filled: pump.reservoir_drug(SimTime::ZERO), drawn: 0.0 };
        let mut hours = 0.0;
        for (wait, act) in &acts {
            for k in 1..4 {
                // The watched copy is read and interrogated on the way; the other is left alone.
                let t = at(hours + wait * f64::from(k) / 4.0);
                drive_to(watched.as_mut(), t);
                let seen = (watched.telemetry(t), watched.reservoir_drug(t), watched.believed_volume(t));
                watched.command(t, &Command::Interrogate, &mut Vec::new()).unwrap();
                prop_assert_eq!(seen, (watched.telemetry(t), watched.reservoir_drug(t), watched.believed_volume(t)));
            }
            hours += wait;
            let now = at(hours);
            drive_to(pump.as_mut(), now);
            drive_to(watched.as_mut(), now);
            prop_assert_eq!(pump.reservoir_drug(now).to_bits(), watched.reservoir_drug(now).to_bits());
            apply(pump.as_mut(), now, act, &mut books);
            apply(watched.as_mut(), now, act, &mut Books::default());
            prop_assert_eq!(pump.next_event(), watched.next_event());
            prop_assert_eq!(state(pump.as_ref()), state(watched.as_ref()));
            let inside = pump.reservoir_drug(now) + pump.delivered_drug(now) + books.drawn;
            prop_assert!((inside - books.filled).abs() <= 1e-10 * books.filled, "{} {}", inside, books.filled);
            prop_assert!(pump.reservoir_volume(now) >= -1e-11);
            prop_assert!(pump.believed_volume(now) >= 0.0);
        }
    }

    #[test]
    fn a_restored_pump_goes_on_with_the_same_bits(acts in prop::collection::vec((0.01..200.0_f64, act()), 2..20)) {
        let registry = PumpRegistry::default();
        let mut pump = registry.build(&setup("peristaltic"), &ParameterSet::default()).unwrap();
        let mut restored = pump.clone();
        let mut hours = 0.0;
        for (wait, act) in &acts {
            hours += wait;
            let now = at(hours);
            for p in [&mut pump, &mut restored] {
                drive_to(p.as_mut(), now);
                apply(p.as_mut(), now, act, &mut Books::default());
            }
            prop_assert_eq!(restored.save(), pump.save());
            let text = serde_json::to_string(&pump.save()).unwrap();
            restored = registry.restore(pump.family(), &serde_json::from_str(&text).unwrap()).unwrap();
            prop_assert_eq!(restored.next_event(), pump.next_event());
        }
    }
}

mod a_family_of_ones_own {
    use super::*;
    use itbsim::pump::{NextEvent, PumpError, PumpEvent, PumpFamily, PumpNotice, RefillReport, Reservoir, Telemetry};
    use itbsim::signals::Drive;
    use serde::{Deserialize, Serialize};

    /// A constant-flow pump: no electronics, no programme, flow set at the factory.
    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Constant {
        reservoir: Reservoir,
        flow: f64,
    }

    const FAMILY: PumpFamily = PumpFamily {
        name: "constant",
        summary: "flow set at the factory",
        build: |setup, _| {
            let d = &setup.device;
            let mut reservoir = Reservoir::new(setup.start, d.reservoir_size, d.fill, 0.0, d.concentration)?;
            let flow = 0.5 / 24.0;
            reservoir.set_rates(setup.start, flow, flow);
            Ok(Box::new(Constant { reservoir, flow }))
        },
        restore: |state| match Constant::deserialize(state) {
            Ok(pump) => Ok(Box::new(pump)),
            Err(e) => Err(PumpError::Restore {
                family: "constant".to_owned(),
                reason: e.to_string(),
            }),
        },
    };

    impl Pump for Constant {
        fn family(&self) -> &str {
            "constant"
        }
        fn clone_box(&self) -> Box<dyn Pump> {
            Box::new(self.clone())
        }
        fn save(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
        fn drive(&self) -> Drive {
            Drive {
                flow: if self.reservoir.is_empty() { 0.0 } else { self.flow },
                droop: self.flow / 50.0,
                max_pressure: 50.0,
            }
        }
        fn programmed_flow(&self) -> f64 {
            self.flow
        }
        fn programmed_dose_rate(&self) -> f64 {
            self.flow * self.reservoir.concentration()
        }
        fn outlet_concentration(&self) -> f64 {
            self.reservoir.concentration()
        }
        fn set_outflow(&mut self, now: SimTime, outflow: f64) {
            self.reservoir.set_rates(now, outflow, self.flow);
        }
        fn outflow(&self) -> f64 {
            self.reservoir.outflow()
        }
        fn reservoir_volume(&self, at: SimTime) -> f64 {
            self.reservoir.usable(at)
        }
        fn reservoir_drug(&self, at: SimTime) -> f64 {
            self.reservoir.drug(at)
        }
        fn believed_volume(&self, at: SimTime) -> f64 {
            self.reservoir.believed(at)
        }
        fn delivered_volume(&self, at: SimTime) -> f64 {
            self.reservoir.delivered(at)
        }
        fn delivered_drug(&self, at: SimTime) -> f64 {
            self.reservoir.delivered_drug(at)
        }
        fn next_event(&self) -> Option<NextEvent> {
            self.reservoir.empty_at().map(|at| NextEvent {
                at,
                event: PumpEvent::Emptied,
                source: None,
            })
        }
        fn on_event(&mut self, now: SimTime, _: &PumpEvent, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
            self.reservoir.mark_empty(now);
            out.push(PumpNotice::Emptied);
            Ok(())
        }
        fn command(&mut self, _: SimTime, command: &Command, _: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
            Err(PumpError::Unsupported {
                family: "constant".to_owned(),
                what: format!("{command:?}"),
            })
        }
        fn refill(&mut self, now: SimTime, r: &Refill, _: &mut Vec<PumpNotice>) -> Result<RefillReport, PumpError> {
            self.reservoir.refill(now, r)
        }
        fn disturb(&mut self, _: SimTime, _: &str, _: &Disturbance, _: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
            Ok(())
        }
        fn relieve(&mut self, _: SimTime, _: &str, _: &mut Vec<PumpNotice>) {}
        fn telemetry(&self, at: SimTime) -> Telemetry {
            Telemetry {
                flow: self.flow,
                dose_rate: self.programmed_dose_rate(),
                label_concentration: self.reservoir.concentration(),
                reservoir_volume: self.reservoir.believed(at),
                low_reservoir_in: None,
                battery_left: 0.0,
                alarms: Vec::new(),
                log: Vec::new(),
            }
        }
    }

    #[test]
    fn is_registered_built_run_and_restored_by_name() {
        let mut registry = PumpRegistry::default();
        assert!(registry.build(&setup("constant"), &ParameterSet::default()).is_err());
        assert!(registry.register(FAMILY).is_none());
        let mut pump = registry.build(&setup("constant"), &ParameterSet::default()).unwrap();
        let empty = pump.next_event().unwrap();
        assert_eq!(empty.at, at(240.0));
        pump.on_event(empty.at, &empty.event, &mut Vec::new()).unwrap();
        let copy = registry.restore(pump.family(), &pump.save()).unwrap();
        assert_eq!(copy.drive().flow, 0.0);
        let names: Vec<_> = registry.families().map(|f| f.name).collect();
        assert_eq!(names, ["constant", "peristaltic"]);
    }
}
