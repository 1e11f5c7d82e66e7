//! Other drugs in reservoir and line: conserved, and proportional as long as nothing parts them.

use itbsim::catheter::{Catheter, CatheterFault, Jump};
use itbsim::engine::{SimSpan, SimTime};
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Command, PumpRegistry, PumpSetup, Refill};
use itbsim::scenario::model::{self, Material, Programme};
use itbsim::signals::{Destination, Drive, Level, Others};
use proptest::prelude::*;

/// Of the second drug for each of baclofen: no power of two, so that products round.
const RATIO: f64 = 2.7;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn others(first: f64) -> Others {
    let mut o = Others::NONE;
    o.set(0, first);
    o
}

fn setup() -> model::Catheter {
    model::Catheter::plain(89.0, 15.0, Level::T10, Material::Silicone)
}

fn line(baclofen: f64, other: f64) -> Catheter {
    Catheter::filled(
        SimTime::ZERO,
        &setup(),
        &ParameterSet::default(),
        baclofen,
        others(other),
    )
    .unwrap()
}

fn source(per_day: f64) -> Drive {
    Drive {
        flow: per_day / 24.0,
        droop: 0.0,
        max_pressure: 100.0,
    }
}

/// What went into the line and what came out, of both drugs \[ug\].
#[derive(Default)]
struct Books {
    into: [f64; 2],
    out: [f64; 2],
}

impl Books {
    fn jumps(&mut self, jumps: &[Jump]) {
        for j in jumps {
            self.out[0] += j.drug;
            self.out[1] += j.others.get(0);
        }
    }

    /// Lets a span pass with the streams as they stand.
    fn pass(&mut self, line: &Catheter, inlet: [f64; 2], hours: f64) {
        for (drug, into) in self.into.iter_mut().enumerate() {
            *into += line.inflow() * inlet[drug] * hours;
        }
        for s in line.streams() {
            self.out[0] += s.flow * s.concentration * hours;
            self.out[1] += s.flow * s.others.get(0) * hours;
        }
    }
}

fn near(found: f64, wanted: f64, scale: f64) -> bool {
    (found - wanted).abs() <= 1e-11 * scale.abs().max(1e-9)
}

#[derive(Debug, Clone)]
enum Step {
    Flow(f64),
    Strength(f64),
    Fault(u8, f64),
    Mend(u8),
    Inject(f64),
    Aspirate(f64),
    Wait(f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0.0..2.0_f64).prop_map(Step::Flow),
        2 => prop_oneof![Just(0.0), Just(500.0), Just(2000.0)].prop_map(Step::Strength),
        2 => (0..3_u8, 0.05..1.0_f64).prop_map(|(which, u)| Step::Fault(which, u)),
        1 => (0..3_u8).prop_map(Step::Mend),
        1 => (0.05..1.0_f64).prop_map(Step::Inject),
        1 => (0.05..1.0_f64).prop_map(Step::Aspirate),
        5 => (0.1..60.0_f64).prop_map(Step::Wait),
    ]
}

fn fault(which: u8) -> CatheterFault {
    match which {
        0 => CatheterFault::Kink {
            position: 30.0,
            length: 0.5,
            bore: 0.05,
        },
        1 => CatheterFault::Leak {
            position: 20.0,
            conductance: 0.01,
            into: Destination::Subcutaneous,
        },
        _ => CatheterFault::Disconnection {
            position: 40.0,
            opening: 1.0,
            into: Destination::Subcutaneous,
        },
    }
}

#[test]
fn a_catheter_that_is_opened_gives_up_every_drug_beyond_the_port() {
    let mut line = line(500.0, 90.0);
    // 89 cm of 2.2 uL; the 0.199 mL of the pump's tube stay.
    let (drawn, other) = line.empty(at(1.0));
    assert!(near(drawn, 500.0 * 0.1958, 100.0), "{drawn}");
    assert!(near(other.get(0), 90.0 * 0.1958, 20.0), "{}", other.get(0));
    assert!(near(line.drug(at(1.0)), 500.0 * 0.199, 100.0));
    assert!(near(line.others(at(1.0)).get(0), 90.0 * 0.199, 20.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_drug_is_conserved_and_a_mixture_keeps_its_proportion_through_faults(steps in prop::collection::vec(step(), 1..24)) {
        let mut line = line(2000.0, 2000.0 * RATIO);
        let mut books = Books::default();
        let start = [line.drug(SimTime::ZERO), line.others(SimTime::ZERO).get(0)];
        let (mut now, mut drive, mut strength) = (SimTime::ZERO, source(0.5), 2000.0);
        books.jumps(&line.set_mixture(now, drive, strength, others(strength * RATIO)));
        let mut drawn = [0.0; 2];
        for step in &steps {
            match step {
                Step::Flow(per_day) => drive = source(*per_day),
                Step::Strength(c) => strength = *c,
                Step::Fault(which, u) => {
                    let jumps = line.set_fault(now, &which.to_string(), fault(*which), *u).unwrap();
                    books.jumps(&jumps);
                }
                Step::Mend(which) => books.jumps(&line.clear_fault(now, &which.to_string())),
                Step::Inject(volume) => {
                    if let Ok(jumps) = line.inject(now, *volume) {
                        books.jumps(&jumps);
                    }
                }
                Step::Aspirate(volume) => {
                    if let Ok(out) = line.aspirate(now, *volume) {
                        drawn[0] += out.drug;
                        drawn[1] += out.others.get(0);
                        books.jumps(&out.jumps);
                    }
                }
                Step::Wait(hours) => {
                    let until = now.checked_add(SimSpan::from_hours(*hours).unwrap()).unwrap();
                    while let Some(change) = line.next_change().filter(|t| *t <= until) {
                        books.pass(&line, [strength, strength * RATIO], change.hours_since(now));
                        now = change;
                        let jumps = line.on_change(now);
                        books.jumps(&jumps);
                    }
                    books.pass(&line, [strength, strength * RATIO], until.hours_since(now));
                    now = until;
                }
            }
            books.jumps(&line.set_mixture(now, drive, strength, others(strength * RATIO)));
            let held = [line.drug(now), line.others(now).get(0)];
            let scale = start[0] + books.into[0];
            for drug in 0..2 {
                let wanted = start[drug] + books.into[drug] - books.out[drug] - drawn[drug];
                prop_assert!(near(held[drug], wanted, 4.0 * scale), "drug {drug}: {} not {wanted} after {step:?}", held[drug]);
            }
            prop_assert!(near(held[1], RATIO * held[0], 4.0 * scale), "{held:?}");
            for s in line.streams() {
                prop_assert!(near(s.others.get(0), RATIO * s.concentration, 4000.0 * RATIO), "{s:?}");
            }
        }
    }
}

#[test]
fn a_change_of_one_drug_arrives_after_the_dead_volume_and_leaves_the_other_alone() {
    let mut line = line(1000.0, 5000.0);
    let per_day = 0.5;
    let _ = line.set_mixture(SimTime::ZERO, source(per_day), 1000.0, others(10_000.0));
    let mut now = SimTime::ZERO;
    let mut fronts = Vec::new();
    while let Some(change) = line.next_change().filter(|t| *t <= at(48.0)) {
        now = change;
        let _ = line.on_change(now);
        fronts.push((now.hours(), line.tip_others().get(0)));
        assert!(
            (line.tip_concentration() - 1000.0).abs() < 1e-9,
            "baclofen is as before"
        );
    }
    let half = fronts.iter().find(|(_, c)| *c > 7500.0).expect("it arrives").0;
    // Plug flow: the middle of the smeared front comes with the dead volume.
    let wanted = line.dead_volume() / (per_day / 24.0);
    assert!((half - wanted).abs() < 0.02 * wanted, "{half} h, not {wanted} h");
    assert!((line.tip_others().get(0) - 10_000.0).abs() < 1e-9);
    assert!((line.drug(now) - 1000.0 * line.volume(now)).abs() < 1e-9);
}

#[test]
fn water_that_holds_another_drug_is_no_water() {
    // What is ahead of the front decides how far it smears: a line primed with morphine is a
    // line with drug, whatever baclofen it holds.
    let first_arrival = |initial: f64| {
        let mut line = line(0.0, initial);
        let _ = line.set_mixture(SimTime::ZERO, source(0.5), 0.0, others(10_000.0));
        loop {
            let change = line.next_change().expect("a front is on its way");
            let _ = line.on_change(change);
            if line.tip_others().get(0) > initial {
                break change.hours();
            }
        }
    };
    let p = ParameterSet::default();
    let (drug, water) = (first_arrival(5000.0), first_arrival(0.0));
    assert!(
        p.get("catheter.front.water_mixing") > p.get("catheter.front.smear"),
        "water mixes more"
    );
    assert!(water < drug, "{water} h, {drug} h");
}

#[test]
fn a_reservoir_mixes_each_drug_by_itself() {
    let parameters = ParameterSet::default();
    let device = model::Pump {
        family: "peristaltic".to_owned(),
        reservoir_size: 20.0,
        fill: 10.0,
        concentration: 1000.0,
        others: others(4000.0),
        primary: None,
        label_concentration: 1000.0,
        low_reservoir_alarm: 2.0,
        gain: Some(1.0),
        age: 0.0,
        approved_drug: true,
    };
    let setup = PumpSetup {
        device,
        dead_volume: 0.4,
        start: SimTime::ZERO,
    };
    let mut pump = PumpRegistry::default().build(&setup, &parameters).unwrap();
    let mut out = Vec::new();
    let mode = Programme::SimpleContinuous { rate: 1000.0 / 24.0 };
    let command = Command::Programme {
        id: "p".to_owned(),
        mode,
    };
    pump.command(SimTime::ZERO, &command, &mut out).unwrap();
    pump.set_outflow(SimTime::ZERO, pump.drive().flow);
    let day = at(24.0);
    let residual = pump.reservoir_drug(SimTime::ZERO) / 1000.0 - 10.0;
    assert!((pump.reservoir_others(day).get(0) - 4000.0 * (9.0 + residual)).abs() < 1e-8);
    let report = pump
        .refill(
            day,
            &Refill {
                volume: 9.0,
                entered_volume: 9.0,
                concentration: 3000.0,
                label: 3000.0,
                aspirate: false,
                others: Others::NONE,
            },
            &mut out,
        )
        .unwrap();
    assert!(report.aspirated_others.is_none() && report.injected_others.is_none());
    let whole = 18.0 + residual;
    let diluted = 4000.0 * (9.0 + residual) / whole;
    assert!(
        (pump.outlet_others().get(0) - diluted).abs() < 1e-9,
        "baclofen dilutes the other drug"
    );
    assert!((pump.outlet_concentration() - (1000.0 * (9.0 + residual) + 27_000.0) / whole).abs() < 1e-9);
    assert!(pump.take_back(day, 0.5, 0.0, others(1000.0)));
    let after = (diluted * whole + 1000.0) / (whole + 0.5);
    assert!((pump.outlet_others().get(0) - after).abs() < 1e-9);
    let stored = pump.save();
    let back = PumpRegistry::default().restore("peristaltic", &stored).unwrap();
    assert_eq!(back.outlet_others(), pump.outlet_others());
    let bad = Refill {
        volume: 1.0,
        entered_volume: 1.0,
        concentration: 0.0,
        label: 1.0,
        aspirate: true,
        others: others(-1.0),
    };
    assert!(pump.refill(day, &bad, &mut out).is_err());
}

#[test]
fn what_leaves_through_a_hole_takes_every_drug_along() {
    let mut line = line(2000.0, 600.0);
    let _ = line.set_mixture(SimTime::ZERO, source(1.0), 2000.0, others(600.0));
    let _ = line.set_fault(SimTime::ZERO, "hole", fault(1), 1.0).unwrap();
    while let Some(change) = line.next_change().filter(|t| *t <= at(24.0)) {
        let _ = line.on_change(change);
    }
    let lost: Vec<_> = line
        .streams()
        .iter()
        .filter(|s| s.to == Destination::Subcutaneous && s.flow > 0.0)
        .collect();
    assert!(!lost.is_empty());
    for s in lost {
        assert!((s.others.get(0) - 0.3 * s.concentration).abs() < 1e-9, "{s:?}");
    }
}
