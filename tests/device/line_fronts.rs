//! Fronts, drops and what meets at a hole: what the line promises it gives, to the last drop.

use itbsim::catheter::{Catheter, CatheterError, CatheterFault};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::model::{self, Material};
use itbsim::signals::{Destination, Drive, Level, Others};

const TIP: Destination = Destination::Csf(Level::T10);
const TISSUE: Destination = Destination::Subcutaneous;
const FLOW: f64 = 0.05 / 24.0;
const DRUG: f64 = 2000.0;
const OTHER: f64 = 30.0;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn setup() -> model::Catheter {
    model::Catheter::plain(89.0, 15.0, Level::T10, Material::Silicone)
}

fn other(concentration: f64) -> Others {
    let mut others = Others::NONE;
    others.set(0, concentration);
    others
}

/// Full of both drugs, at rest.
fn full(drug: f64, beside: f64) -> Catheter {
    Catheter::filled(SimTime::ZERO, &setup(), &ParameterSet::default(), drug, other(beside)).unwrap()
}

fn give(line: &mut Catheter, now: SimTime, flow: f64, drug: f64, beside: f64) {
    let drive = Drive {
        flow,
        droop: 0.0,
        max_pressure: 100.0,
    };
    let _ = line.set_mixture(now, drive, drug, other(beside));
}

/// Full of both drugs, of which the pump gives `flow` mL/h.
fn running(flow: f64) -> Catheter {
    let mut line = full(DRUG, OTHER);
    give(&mut line, SimTime::ZERO, flow, DRUG, OTHER);
    line
}

fn hole(line: &mut Catheter, id: &str, position: f64, conductance: f64, into: Destination) {
    let fault = CatheterFault::Leak {
        position,
        conductance,
        into,
    };
    let _ = line.set_fault(SimTime::ZERO, id, fault, 1.0).unwrap();
}

fn plug(line: &mut Catheter, hours: f64, position: f64) {
    let fault = CatheterFault::Occlusion { position, bore: 0.0 };
    let _ = line.set_fault(at(hours), "plug", fault, 1.0).unwrap();
}

/// Runs to `hours` and tells each concentration that came to the tip.
fn run(line: &mut Catheter, hours: f64) -> Vec<f64> {
    let end = at(hours);
    let mut seen = vec![line.tip_concentration()];
    for _ in 0..10_000 {
        match line.next_change().filter(|t| *t <= end) {
            Some(next) => drop(line.on_change(next)),
            None => return seen,
        }
        if seen.last() != Some(&line.tip_concentration()) {
            seen.push(line.tip_concentration());
        }
    }
    panic!("changes never end");
}

fn stream(line: &Catheter, to: Destination) -> (f64, f64, f64) {
    let stream = line.streams().iter().find(|s| s.to == to).unwrap();
    (stream.flow, stream.concentration, stream.others.get(0))
}

fn close(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() <= within, "{got} is not {expected}");
}

mod account {
    use super::*;

    /// Both drugs are the same before and after all is worked out anew at `hours`, late or not.
    fn keeps_its_promise(line: &mut Catheter, hours: f64) {
        let now = at(hours);
        assert!(line.next_change().unwrap() < now, "it is late");
        let (drug, beside) = (line.drug(now), line.others(now).get(0));
        let _ = line.set_tip_pressure(now, 1.3).unwrap();
        close(line.drug(now), drug, 1e-9);
        close(line.others(now).get(0), beside, 1e-10);
    }

    #[test]
    fn a_front_that_is_met_late_has_given_what_was_promised() {
        let mut line = running(FLOW);
        give(&mut line, SimTime::ZERO, FLOW, 0.0, 0.0);
        // 0.395 mL at 2.1 uL an hour: the last of the drug leaves after 190 h.
        run(&mut line, 100.0);
        keeps_its_promise(&mut line, 250.0);
        close(line.drug(at(250.0)), 0.3948 * DRUG - 250.0 * FLOW * DRUG, 1e-6);
    }

    #[test]
    fn so_has_one_that_comes_back_from_the_tip() {
        let mut line = full(DRUG, OTHER);
        hole(&mut line, "hole", 20.0, 0.01, TISSUE);
        assert!(stream(&line, TIP).0 < 0.0);
        // 69 cm hold 0.15 mL, which leave at 12 uL an hour.
        keeps_its_promise(&mut line, 20.0);
    }

    #[test]
    fn drops_too_small_to_stand_alone_are_dissolved_and_counted() {
        let mut line = running(FLOW);
        let (drug, beside) = (line.drug(SimTime::ZERO), line.others(SimTime::ZERO).get(0));
        // Half a microsecond of each, 0.3 pL.
        let (mut came, mut came_beside) = (0.0, 0.0);
        let hours = 500.0 / 3.6e12;
        for (k, (strength, other)) in [(4000.0, 0.0), (0.0, 50.0), (3000.0, 90.0)].into_iter().enumerate() {
            give(&mut line, SimTime::from_nanos(500 * k as i64), FLOW, strength, other);
            came += FLOW * hours * (strength - DRUG);
            came_beside += FLOW * hours * (other - OTHER);
        }
        let now = SimTime::from_nanos(1500);
        give(&mut line, now, FLOW, DRUG, OTHER);
        close(line.drug(now), drug + came, 2e-12);
        close(line.others(now).get(0), beside + came_beside, 4e-14);
        // Only what the pump gives now comes to the tip.
        assert_eq!(run(&mut line, 500.0), [DRUG]);
    }

    #[test]
    fn a_drop_drawn_in_at_the_tip_is_dissolved_and_counted() {
        let mut line = running(FLOW);
        let (drug, beside) = (line.drug(SimTime::ZERO), line.others(SimTime::ZERO).get(0));
        let drawn = line.aspirate(SimTime::ZERO, 1e-13).unwrap();
        close(drawn.drug, 1e-13 * DRUG, 1e-20);
        close(line.drug(SimTime::ZERO), drug - drawn.drug, 1e-12);
        close(line.others(SimTime::ZERO).get(0), beside - drawn.others.get(0), 1e-14);
        assert_eq!(line.tip_concentration(), DRUG);
    }
}

mod fronts {
    use super::*;

    /// Twice four steps between the old and the new.
    fn smeared(seen: &[f64]) {
        assert_eq!(seen.len(), 10, "{seen:?}");
        assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    }

    #[test]
    fn a_front_comes_as_eight_steps_however_often_it_is_looked_at() {
        let mut line = running(FLOW);
        give(&mut line, SimTime::ZERO, FLOW, 0.0, 0.0);
        let mut seen = Vec::new();
        for k in 1..60 {
            let hours = f64::from(k) * 5.0;
            seen.extend(run(&mut line, hours));
            // Something else changes, and all is worked out anew.
            let _ = line.set_tip_pressure(at(hours), 1.0 + 1e-3 * f64::from(k)).unwrap();
        }
        seen.dedup();
        smeared(&seen);
    }

    #[test]
    fn a_front_waits_while_the_pump_stands_and_the_wall_gives() {
        let mut line = running(FLOW);
        plug(&mut line, 0.0, 60.0);
        hole(&mut line, "hole", 80.0, 1e-9, Destination::Csf(Level::L2));
        run(&mut line, 1.0);
        // What it stored goes on past a narrow bore, while the pump stands with water.
        let ajar = CatheterFault::Occlusion {
            position: 60.0,
            bore: 0.01,
        };
        let _ = line.set_fault(at(1.0), "plug", ajar, 1.0).unwrap();
        give(&mut line, at(1.0), 0.0, 0.0, 0.0);
        run(&mut line, 50.0);
        // Healed, all is one column again, in which only the new front is smeared.
        let _ = line.clear_fault(at(50.0), "hole");
        let _ = line.clear_fault(at(50.0), "plug");
        let fluid = line.volume(at(50.0));
        give(&mut line, at(50.0), FLOW, 0.0, 0.0);
        let mut changes = 0;
        let mut seen = vec![line.tip_concentration()];
        while let Some(next) = line.next_change() {
            let _ = line.on_change(next);
            changes += 1;
            if seen.last() != Some(&line.tip_concentration()) {
                seen.push(line.tip_concentration());
            }
        }
        smeared(&seen);
        assert!(fluid > 0.39);
        // One as the front is in, and nine at the tip.
        assert_eq!(changes, 10);
    }
}

mod holes {
    use super::*;

    #[test]
    fn what_meets_at_a_hole_is_thinned_alike_for_every_drug() {
        let mut line = running(1.0);
        hole(&mut line, "in", 50.0, 0.5, Destination::Subdural);
        hole(&mut line, "out", 50.0, 50.0, TISSUE);
        let (enters, drug, beside) = stream(&line, Destination::Subdural);
        assert!(enters < 0.0);
        assert_eq!((drug, beside), (0.0, 0.0));
        // Thinned by what enters through the first; what comes from the tip is as strong as what the pump gives.
        let (leaves, drug, beside) = stream(&line, TISSUE);
        let thinner = (leaves + enters) / leaves;
        assert!(thinner < 0.99);
        close(drug, DRUG * thinner, 1e-9);
        close(beside, OTHER * thinner, 1e-11);
    }

    #[test]
    fn what_comes_from_one_side_keeps_its_strength_to_the_last_bit() {
        let third = 1000.0 / 3.0;
        for k in 1..40 {
            let odd = f64::from(k) / 7.0;
            // From the tip alone.
            let mut line = full(third, 10.0 / 3.0);
            hole(&mut line, "hole", 50.0, 0.01 * odd, TISSUE);
            let (leaves, drug, beside) = stream(&line, TISSUE);
            assert!(leaves > 0.0);
            assert_eq!((drug, beside), (third, 10.0 / 3.0));
            // From the pump alone, with the way on closed.
            let mut line = full(third, 10.0 / 3.0);
            give(&mut line, SimTime::ZERO, FLOW * odd, third, 10.0 / 3.0);
            hole(&mut line, "hole", 50.0, 1.0, TISSUE);
            plug(&mut line, 0.0, 60.0);
            run(&mut line, 1.0);
            let (leaves, drug, beside) = stream(&line, TISSUE);
            close(leaves, FLOW * odd, 1e-12);
            assert_eq!((drug, beside), (third, 10.0 / 3.0));
        }
    }

    #[test]
    fn of_two_equal_holes_in_the_dura_the_first_by_name_is_told() {
        let mut line = running(FLOW);
        for (id, level) in [("a", Level::L2), ("b", Level::L4)] {
            let fault = CatheterFault::CsfLeak {
                level,
                conductance: 0.5,
            };
            let _ = line.set_fault(SimTime::ZERO, id, fault, 1.0).unwrap();
        }
        assert_eq!(line.csf_loss().map(|(level, _)| level), Some(Level::L2));
        assert!(line.csf_loss().unwrap().1 > 0.0);
        // At the tissue's pressure nothing escapes.
        let _ = line.set_tip_pressure(at(1.0), 0.0).unwrap();
        assert_eq!(line.csf_loss(), None);
    }

    #[test]
    fn a_wall_stores_before_a_closed_place_that_lies_before_every_hole() {
        let mut parameters = ParameterSet::default();
        parameters.set("catheter.tube_volume", 0.0).unwrap();
        let mut line = Catheter::new(SimTime::ZERO, &setup(), &parameters, DRUG).unwrap();
        give(&mut line, SimTime::ZERO, FLOW, DRUG, 0.0);
        hole(&mut line, "hole", 0.5, 1e-9, Destination::Csf(Level::L2));
        plug(&mut line, 0.0, 0.3);
        run(&mut line, 0.5);
        close(line.volume(at(0.5)) - line.dead_volume(), 0.5 * FLOW, 1e-12);
        // 0.02 uL/kPa of the tube and 0.0045 a centimetre.
        let pressure = 1.2 + 0.5 * FLOW / (2e-5 + 0.3 * 4.5e-6);
        close(line.pressure(at(0.5)), pressure, 1e-9);
    }
}

#[test]
fn a_line_is_filled_with_what_can_be() {
    let fill = |drug, beside| Catheter::filled(SimTime::ZERO, &setup(), &ParameterSet::default(), drug, other(beside));
    assert!(fill(0.0, 0.0).is_ok());
    for bad in [-1.0, f64::INFINITY, f64::NAN] {
        assert!(matches!(fill(bad, 0.0), Err(CatheterError::Value { .. })), "{bad}");
        assert!(matches!(fill(1.0, bad), Err(CatheterError::Value { .. })), "{bad}");
    }
}
