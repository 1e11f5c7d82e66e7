//! Accounting, purity and storage of pumps, and a family from outside the crate.

use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Command, Disturbance, Pump, PumpRegistry, PumpSetup, Refill};
use itbsim::scenario::model::{self, FlexStep, Programme};
use itbsim::signals::{Others, Surroundings};
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
            others: Others::NONE,
            primary: None,
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

/// The families built in.
const FAMILIES: [&str; 3] = ["gas-pressure", "peristaltic", "valve-gated"];

/// What one nanosecond of the fastest flow brings: an instant is rounded up by no more \[mL\].
const NANOSECOND: f64 = 1200.0 * 1e-9 / 3600.0;

fn family() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&FAMILIES[..])
}

/// Something done to a pump.
#[derive(Debug, Clone)]
enum Act {
    Rate(f64),
    Flex(f64, f64),
    Bolus(f64),
    Stop,
    Refill(f64, f64, bool),
    Strike(usize, f64),
    Relieve(usize),
    Surround(f64, f64),
    Reset,
    Limit(f64),
}

/// Disturbances of all families, scaled by a number from 0 to 1; a family refuses what it cannot have.
fn disturbance(which: usize, x: f64) -> (&'static str, Disturbance) {
    match which {
        0 => ("stall", Disturbance::Stall),
        1 => ("over", Disturbance::OverInfusion { gain: 0.5 + 2.0 * x }),
        2 => ("shut", Disturbance::ValveShut),
        3 => ("open", Disturbance::ValveOpen { conductance: 0.01 * x }),
        4 => (
            "field",
            Disturbance::MriField {
                field: Some(3.0 * x),
                restart_delay: 2.0 * x,
            },
        ),
        5 => (
            "precipitate",
            Disturbance::Restrictor {
                resistance: 1.0 + 5.0 * x,
            },
        ),
        6 => ("trapped", Disturbance::TrappedVolume { volume: 4.0 * x }),
        7 => ("forced", Disturbance::ForcedFill { volume: 5.0 * x }),
        8 => ("memory", Disturbance::MemoryError { critical: x > 0.3 }),
        9 => ("reset", Disturbance::LowRateReset),
        10 => (
            "drain",
            Disturbance::BatteryDrain {
                factor: 1.0 + 300.0 * x,
            },
        ),
        _ => ("luck", Disturbance::GainDeviation { deviation: x - 0.5 }),
    }
}

const DISTURBANCES: usize = 12;

/// The last is no fault but the luck of a refill period, which is fixed under the flow then in force.
const FAULTS: usize = DISTURBANCES - 1;

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0.06..3.0_f64).prop_map(Act::Rate),
        (0.06..3.0_f64, 0.06..3.0_f64).prop_map(|(a, b)| Act::Flex(a, b)),
        (10.0..200.0_f64).prop_map(Act::Bolus),
        Just(Act::Stop),
        (1.0..24.0_f64, 100.0..3000.0_f64, any::<bool>()).prop_map(|(v, c, a)| Act::Refill(v, c, a)),
        (0..DISTURBANCES, 0.0..1.0_f64).prop_map(|(k, x)| Act::Strike(k, x)),
        (0..DISTURBANCES).prop_map(Act::Relieve),
        (70.0..260.0_f64, 34.0..41.0_f64).prop_map(|(p, t)| Act::Surround(p, t)),
        Just(Act::Reset),
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
    let before = pump.save();
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
        Act::Reset => pump.command(now, &Command::ResetValve, out),
        Act::Refill(volume, concentration, aspirate) => {
            let refill = Refill {
                volume: *volume,
                entered_volume: *volume,
                concentration: *concentration,
                label: *concentration,
                aspirate: *aspirate,
                others: Others::NONE,
            };
            pump.refill(now, &refill, out).map(|report| {
                books.filled += report.injected_drug;
                books.drawn += report.aspirated_drug;
            })
        }
        Act::Strike(which, x) => {
            let (source, disturbance) = disturbance(*which, *x);
            pump.disturb(now, source, &disturbance, out)
        }
        Act::Relieve(which) => {
            pump.relieve(now, disturbance(*which, 0.0).0, out);
            Ok(())
        }
        Act::Surround(pressure, temperature) => {
            let surroundings = Surroundings {
                pressure: *pressure,
                temperature: *temperature,
            };
            // What comes back is half spinal fluid.
            let drawn = pump.surround(now, surroundings, out);
            pump.take_back(now, drawn, drawn * 0.5 * pump.outlet_concentration(), Others::NONE);
            Ok(())
        }
        Act::Limit(share) => {
            pump.set_outflow(now, pump.drive().flow * share);
            Ok(())
        }
    };
    if done.is_err() {
        assert_eq!(pump.save(), before, "{act:?} was refused and left a trace");
    }
}

/// The saved state but for the instant at which the programme was last looked at.
fn state(pump: &dyn Pump) -> serde_json::Value {
    let mut state = pump.save();
    state["chassis"].as_object_mut().unwrap().remove("seen");
    state
}

fn drive_to(pump: &mut dyn Pump, until: SimTime) {
    let mut crowd = 0;
    let mut last = SimTime::ZERO;
    while let Some(next) = pump.next_event().filter(|n| n.at <= until) {
        crowd = if next.at == last { crowd + 1 } else { 0 };
        last = next.at;
        assert!(crowd < 50, "{next:?} comes again and again");
        pump.on_event(next.at, &next.event, &mut Vec::new()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drug_and_volume_are_accounted_for_and_queries_leave_no_trace(
        family in family(), acts in prop::collection::vec((0.01..300.0_f64, act()), 1..40),
    ) {
        let registry = PumpRegistry::default();
        let mut pump = registry.build(&setup(family), &ParameterSet::default()).unwrap();
        let mut watched = pump.clone();
        let mut books = Books { filled: pump.reservoir_drug(SimTime::ZERO), drawn: 0.0 };
        let mut hours = 0.0;
        for (wait, act) in &acts {
            // The watched pump is asked on the way; neither may notice.
            for part in [0.1, 0.35, 0.8] {
                let t = at(hours + wait * part);
                drive_to(watched.as_mut(), t);
                let seen = (watched.telemetry(t), watched.reservoir_drug(t), watched.believed_volume(t));
                prop_assert_eq!(seen, (watched.telemetry(t), watched.reservoir_drug(t), watched.believed_volume(t)));
            }
            let left = pump.reservoir_volume(at(hours));
            hours += wait;
            let now = at(hours);
            drive_to(pump.as_mut(), now);
            drive_to(watched.as_mut(), now);
            prop_assert!(pump.reservoir_volume(now) <= left + NANOSECOND, "it fills by itself");
            prop_assert_eq!(pump.reservoir_drug(now).to_bits(), watched.reservoir_drug(now).to_bits());
            apply(pump.as_mut(), now, act, &mut books);
            apply(watched.as_mut(), now, act, &mut Books::default());
            prop_assert_eq!(pump.next_event(), watched.next_event());
            prop_assert_eq!(state(pump.as_ref()), state(watched.as_ref()));
            let inside = pump.reservoir_drug(now) + pump.delivered_drug(now) + books.drawn;
            prop_assert!((inside - books.filled).abs() <= 1e-10 * books.filled, "{} {}", inside, books.filled);
            prop_assert!(pump.reservoir_volume(now) >= -NANOSECOND);
            prop_assert!(pump.believed_volume(now) >= 0.0);
            let drive = pump.drive();
            prop_assert!(drive.flow >= 0.0 && drive.droop >= 0.0 && drive.max_pressure >= 0.0, "{:?}", drive);
        }
    }

    #[test]
    fn a_restored_pump_goes_on_with_the_same_bits(
        family in family(), acts in prop::collection::vec((0.01..200.0_f64, act()), 2..20),
    ) {
        let registry = PumpRegistry::default();
        let mut pump = registry.build(&setup(family), &ParameterSet::default()).unwrap();
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

    #[test]
    fn faults_of_one_instant_may_come_in_any_order(
        family in family(), (a, b) in (0..FAULTS, 0..FAULTS), x in 0.05..1.0_f64, y in 0.05..1.0_f64,
    ) {
        prop_assume!(a != b);
        let registry = PumpRegistry::default();
        let mut pump = registry.build(&setup(family), &ParameterSet::default()).unwrap();
        apply(pump.as_mut(), at(1.0), &Act::Rate(0.7), &mut Books::default());
        drive_to(pump.as_mut(), at(9.0));
        let mut other = pump.clone();
        let acts = [Act::Strike(a, x), Act::Strike(b, y)];
        for (first, second) in [(0, 1), (1, 0)] {
            let p = if first == 0 { &mut pump } else { &mut other };
            for index in [first, second] {
                apply(p.as_mut(), at(9.0), &acts[index], &mut Books::default());
            }
        }
        prop_assert_eq!(pump.drive(), other.drive());
        prop_assert_eq!(pump.programmed_flow(), other.programmed_flow());
        prop_assert_eq!(pump.next_event().map(|n| n.at), other.next_event().map(|n| n.at));
        prop_assert_eq!(pump.reservoir_drug(at(30.0)).to_bits(), other.reservoir_drug(at(30.0)).to_bits());
    }
}

mod a_family_of_ones_own {
    use super::*;
    use itbsim::pump::{Chassis, Equipment, PumpError, PumpFamily, Works};
    use itbsim::signals::Drive;
    use serde::{Deserialize, Serialize};

    /// A constant-flow pump: no electronics, no programme, flow set at the factory.
    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Constant;

    impl Works for Constant {
        const FAMILY: PumpFamily = PumpFamily {
            summary: "flow set at the factory",
            ..PumpFamily::of::<Self>("constant")
        };

        fn new(_: &PumpSetup, _: &ParameterSet) -> Result<(Self, Equipment), PumpError> {
            let equipment = Equipment {
                residual: 0.0,
                limits: None,
                battery: None,
                fixed_flow: 0.5 / 24.0,
            };
            Ok((Constant, equipment))
        }

        fn drive(&self, chassis: &Chassis) -> Drive {
            let flow = if chassis.can_deliver() {
                chassis.programmed()
            } else {
                0.0
            };
            Drive {
                flow,
                droop: flow / 50.0,
                max_pressure: 50.0,
            }
        }
    }

    #[test]
    fn is_registered_built_run_and_restored_by_name() {
        let mut registry = PumpRegistry::default();
        assert!(registry.build(&setup("constant"), &ParameterSet::default()).is_err());
        assert!(registry.register(Constant::FAMILY).is_none());
        let mut pump = registry.build(&setup("constant"), &ParameterSet::default()).unwrap();
        assert!(!pump.is_programmable());
        let empty = pump.next_event().unwrap();
        assert_eq!(empty.at, at(240.0));
        pump.on_event(empty.at, &empty.event, &mut Vec::new()).unwrap();
        let copy = registry.restore(pump.family(), &pump.save()).unwrap();
        assert_eq!(copy.drive().flow, 0.0);
        let names: Vec<_> = registry.families().map(|f| f.name).collect();
        assert_eq!(names, ["constant", "gas-pressure", "peristaltic", "valve-gated"]);
    }

    #[test]
    fn has_no_programme_and_no_fault_that_it_does_not_know() {
        let mut registry = PumpRegistry::default();
        registry.register(Constant::FAMILY);
        let mut pump = registry.build(&setup("constant"), &ParameterSet::default()).unwrap();
        let before = pump.save();
        let programme = Command::Programme {
            id: "p".to_owned(),
            mode: Programme::MinimumRate,
        };
        let out = &mut Vec::new();
        assert_eq!(
            pump.command(at(1.0), &programme, out).unwrap_err(),
            PumpError::NoProgramme {
                family: "constant".to_owned()
            }
        );
        let refusal = pump.disturb(at(1.0), "s", &Disturbance::Stall, out).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "pump family `constant` does not know `a stalled motor`"
        );
        assert_eq!(pump.save(), before);
    }
}
