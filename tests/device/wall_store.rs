//! What the wall holds before a narrow place, and what a syringe moves, against arithmetic by hand.

use itbsim::catheter::{Catheter, CatheterError, CatheterFault, Jump};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::model::{self, Material};
use itbsim::signals::{Destination, Drive, Level};

const TIP: Destination = Destination::Csf(Level::T10);
const TISSUE: Destination = Destination::Subcutaneous;
/// Supine pressure of the spinal fluid; that of tissue is zero \[kPa\].
const CSF: f64 = 1.2;
const FLOW: f64 = 0.05 / 24.0;
const DRUG: f64 = 2000.0;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

/// 89 cm of silicone, full of drug, and a pump that gives `flow` mL/h of it.
fn line(flow: f64) -> Catheter {
    let setup = model::Catheter::plain(89.0, 15.0, Level::T10, Material::Silicone);
    let mut line = Catheter::new(SimTime::ZERO, &setup, &ParameterSet::default(), DRUG).unwrap();
    let drive = Drive {
        flow,
        droop: 0.0,
        max_pressure: 100.0,
    };
    let _ = line.set_source(SimTime::ZERO, drive, DRUG);
    line
}

/// Widening of tube and wall from the pump to a place \[mL/kPa\]: 0.02 uL/kPa and 0.0045 a centimetre.
fn holds(position: f64) -> f64 {
    2e-5 + 4.5e-6 * position
}

/// Resistance of a sound centimetre \[kPa h/mL\]: 128 viscosity length / (pi bore^4).
fn resistance() -> f64 {
    let parameters = ParameterSet::default();
    let bore = parameters.get("catheter.bore") * 1e-3;
    let pascal = 128.0 * 0.69e-3 * 1e-2 / (std::f64::consts::PI * bore.powi(4));
    // Pa s/m3 are 1e-3 kPa a 3600th of an hour to a million millilitres.
    pascal * 1e-9 / 3600.0
}

fn narrow(position: f64, bore: f64) -> CatheterFault {
    CatheterFault::Occlusion { position, bore }
}

fn hole(position: f64, conductance: f64, into: Destination) -> CatheterFault {
    CatheterFault::Leak {
        position,
        conductance,
        into,
    }
}

fn set(line: &mut Catheter, hours: f64, id: &str, fault: CatheterFault) -> Vec<Jump> {
    line.set_fault(at(hours), id, fault, 1.0).unwrap()
}

/// Runs to `hours`, or until all is at rest.
fn run(line: &mut Catheter, hours: f64) {
    let end = at(hours);
    for _ in 0..10_000 {
        match line.next_change().filter(|t| *t <= end) {
            Some(next) => drop(line.on_change(next)),
            None => return,
        }
    }
    panic!("changes never end");
}

fn volume_to(jumps: &[Jump], to: Destination) -> f64 {
    jumps.iter().filter(|j| j.to == to).map(|j| j.volume).sum()
}

fn close(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() <= within, "{got} is not {expected}");
}

/// What the wall holds now \[mL\].
fn stored(line: &Catheter, hours: f64) -> f64 {
    line.volume(at(hours)) - line.dead_volume()
}

mod narrowest {
    use super::*;

    /// What the wall holds at rest behind two narrow places, in terms of the pressure.
    fn compliance(first: CatheterFault, second: CatheterFault) -> f64 {
        let mut line = line(FLOW);
        set(&mut line, 0.0, "a", first);
        set(&mut line, 0.0, "b", second);
        run(&mut line, 500.0);
        stored(&line, 500.0) / (line.pressure(at(500.0)) - CSF)
    }

    #[test]
    fn the_wall_stores_before_the_narrowest_place_whatever_its_name() {
        close(compliance(narrow(70.0, 0.05), narrow(30.0, 0.02)), holds(30.0), 1e-12);
        close(compliance(narrow(30.0, 0.02), narrow(70.0, 0.05)), holds(30.0), 1e-12);
        close(compliance(narrow(70.0, 0.02), narrow(30.0, 0.05)), holds(70.0), 1e-12);
        close(compliance(narrow(30.0, 0.05), narrow(70.0, 0.02)), holds(70.0), 1e-12);
    }

    #[test]
    fn of_two_closed_places_the_one_nearer_the_pump_counts() {
        close(compliance(narrow(30.0, 0.0), narrow(70.0, 0.0)), holds(30.0), 1e-12);
        close(compliance(narrow(70.0, 0.0), narrow(30.0, 0.0)), holds(30.0), 1e-12);
    }
}

mod opens {
    use super::*;

    /// A hole at 20 cm and a closed place at 60: the fluid before it has come to the tissue's pressure.
    fn sucked() -> Catheter {
        let mut line = line(0.0);
        set(&mut line, 0.0, "hole", hole(20.0, 0.01, TISSUE));
        set(&mut line, 0.0, "plug", narrow(60.0, 0.0));
        run(&mut line, 100.0);
        line
    }

    #[test]
    fn a_wall_at_the_tissues_pressure_is_smaller_than_one_at_that_of_the_spinal_fluid() {
        let line = sucked();
        close(line.pressure(at(100.0)), 0.0, 1e-9);
        close(stored(&line, 100.0), -holds(60.0) * CSF, 1e-12);
    }

    #[test]
    fn a_wall_that_was_sucked_at_draws_its_fill_from_the_tip_when_the_place_opens() {
        let mut line = sucked();
        let drug = line.drug(at(100.0));
        let jumps = line.clear_fault(at(100.0), "plug");
        close(volume_to(&jumps, TIP), -holds(60.0) * CSF, 1e-12);
        assert!(jumps.iter().all(|j| j.drug == 0.0 && j.to == TIP), "{jumps:?}");
        close(stored(&line, 100.0), 0.0, 1e-12);
        close(line.drug(at(100.0)), drug, 1e-12 * drug);
        assert_eq!(line.tip_concentration(), 0.0);
    }

    #[test]
    fn what_is_drawn_in_passes_every_hole_on_the_way() {
        let mut line = sucked();
        // A hole between the closed place and the tip that nothing passes: both sides at one pressure.
        set(
            &mut line,
            100.0,
            "second",
            hole(80.0, 1e-9, Destination::Csf(Level::L2)),
        );
        run(&mut line, 200.0);
        let drug = line.drug(at(200.0));
        let jumps = line.clear_fault(at(200.0), "plug");
        close(volume_to(&jumps, TIP), -holds(60.0) * CSF, 1e-12);
        close(stored(&line, 200.0), 0.0, 1e-12);
        close(line.drug(at(200.0)), drug, 1e-12 * drug);
    }

    #[test]
    fn it_comes_to_the_place_that_was_short_of_it() {
        // When water from the pump is seen at a hole beyond the place, which nothing passes.
        let arrives = |mut line: Catheter| {
            let drive = Drive {
                flow: FLOW,
                droop: 0.0,
                max_pressure: 100.0,
            };
            let _ = line.set_source(at(200.0), drive, 0.0);
            let at_hole = |line: &Catheter| line.streams().last().map(|s| s.concentration);
            let before = at_hole(&line);
            while let Some(next) = line.next_change() {
                let _ = line.on_change(next);
                if at_hole(&line) != before {
                    return next.hours();
                }
            }
            panic!("it never arrives");
        };
        let mut healed = sucked();
        set(
            &mut healed,
            100.0,
            "second",
            hole(80.0, 1e-9, Destination::Csf(Level::L2)),
        );
        let _ = healed.clear_fault(at(200.0), "hole");
        let _ = healed.clear_fault(at(200.0), "plug");
        let mut sound = line(0.0);
        set(
            &mut sound,
            100.0,
            "second",
            hole(80.0, 1e-9, Destination::Csf(Level::L2)),
        );
        close(arrives(healed), arrives(sound), 1e-6);
    }

    #[test]
    fn a_store_leaves_by_hole_and_tip_as_they_conduct() {
        let r = resistance();
        let mut line = line(FLOW);
        set(&mut line, 0.0, "plug", narrow(60.0, 0.0));
        set(&mut line, 0.0, "waist", narrow(30.0, 0.5));
        // As much as the nine centimetres behind it: half and half.
        set(&mut line, 0.0, "hole", hole(80.0, 1.0 / (9.0 * r), TISSUE));
        run(&mut line, 1.0);
        let store = stored(&line, 1.0);
        close(store, FLOW, 1e-9);
        let jumps = line.clear_fault(at(1.0), "plug");
        close(volume_to(&jumps, TISSUE), store / 2.0, 1e-12);
        close(volume_to(&jumps, TIP), store / 2.0, 1e-12);
        close(stored(&line, 1.0), 0.0, 1e-12);
    }

    #[test]
    fn each_hole_on_the_way_takes_its_part_of_what_is_left() {
        let r = resistance();
        let mut line = line(FLOW);
        set(&mut line, 0.0, "plug", narrow(60.0, 0.0));
        // At 85 cm half goes on, as 4 cm to the tip conduct; 80 cm sees 5 cm and then half of those 4.
        set(&mut line, 0.0, "near", hole(80.0, 1.0 / (7.0 * r), TISSUE));
        set(
            &mut line,
            0.0,
            "far",
            hole(85.0, 1.0 / (4.0 * r), Destination::Epidural),
        );
        run(&mut line, 1.0);
        let store = stored(&line, 1.0);
        let jumps = line.clear_fault(at(1.0), "plug");
        close(volume_to(&jumps, TISSUE), store / 2.0, 1e-12);
        close(volume_to(&jumps, Destination::Epidural), store / 4.0, 1e-12);
        close(volume_to(&jumps, TIP), store / 4.0, 1e-12);
    }

    #[test]
    fn a_store_behind_a_hole_leaves_both_ways() {
        // So fast that the hole, half a millilitre an hour to the kilopascal, needs 2 kPa to let it all out.
        let mut line = line(1.0);
        let g = 0.5;
        set(&mut line, 0.0, "plug", narrow(60.0, 0.0));
        set(&mut line, 0.0, "hole", hole(31.0, g, Destination::Csf(Level::L2)));
        run(&mut line, 1.0);
        let store = stored(&line, 1.0);
        close(store, holds(60.0) * 2.0, 1e-9);
        // On: 29 cm to the tip. Back: 29 cm and then the hole.
        let way = 29.0 * resistance();
        let (on, back) = (1.0 / way, 1.0 / (way + 1.0 / g));
        let jumps = line.clear_fault(at(1.0), "plug");
        close(
            volume_to(&jumps, Destination::Csf(Level::L2)),
            store * back / (on + back),
            1e-12,
        );
        close(volume_to(&jumps, TIP), store * on / (on + back), 1e-12);
    }
}

mod moves {
    use super::*;

    #[test]
    fn a_narrower_place_nearer_the_pump_gives_away_what_the_wall_behind_it_held() {
        let mut line = line(FLOW);
        set(&mut line, 0.0, "a", narrow(60.0, 0.03));
        run(&mut line, 500.0);
        let before = line.pressure(at(500.0));
        assert!(before > CSF + 2.0, "{before}");
        let jumps = set(&mut line, 500.0, "b", narrow(30.0, 0.0));
        // At the same pressure 30 cm less of the wall.
        let gone = (holds(60.0) - holds(30.0)) * (before - CSF);
        close(volume_to(&jumps, TIP), gone, 1e-12);
        close(jumps.iter().map(|j| j.drug).sum(), gone * DRUG, 1e-9);
        close(line.pressure(at(500.0)), before, 1e-9);
        close(stored(&line, 500.0), holds(30.0) * (before - CSF), 1e-12);
    }

    #[test]
    fn where_that_was_sucked_at_it_draws_in_instead() {
        let mut line = line(0.0);
        set(&mut line, 0.0, "hole", hole(20.0, 0.01, TISSUE));
        set(&mut line, 0.0, "a", narrow(60.0, 0.03));
        run(&mut line, 500.0);
        let before = stored(&line, 500.0);
        assert!(before < -0.5 * holds(60.0) * CSF, "{before}");
        let jumps = set(&mut line, 500.0, "b", narrow(40.0, 0.0));
        let drawn = before * (1.0 - holds(40.0) / holds(60.0));
        close(volume_to(&jumps, TIP), drawn, 1e-12);
        close(stored(&line, 500.0), before - drawn, 1e-12);
    }

    #[test]
    fn nothing_is_given_away_into_a_closed_end_or_from_an_empty_wall() {
        let mut closed = line(FLOW);
        set(&mut closed, 0.0, "a", narrow(60.0, 0.0));
        run(&mut closed, 1.0);
        let before = stored(&closed, 1.0);
        assert_eq!(set(&mut closed, 1.0, "b", narrow(30.0, 0.0)), []);
        close(stored(&closed, 1.0), before, 1e-15);
        let mut empty = line(0.0);
        set(&mut empty, 0.0, "a", narrow(60.0, 0.03));
        run(&mut empty, 1.0);
        assert_eq!(set(&mut empty, 1.0, "b", narrow(30.0, 0.0)), []);
    }
}

mod syringe {
    use super::*;

    #[test]
    fn only_a_volume_that_can_be_is_injected() {
        for volume in [-0.1, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let mut line = line(FLOW);
            let before = line.clone();
            assert!(
                matches!(line.inject(at(1.0), volume), Err(CatheterError::Value { .. })),
                "{volume}"
            );
            assert_eq!(line, before);
        }
    }

    #[test]
    fn an_empty_syringe_changes_nothing() {
        let (mut injected, plain) = (line(FLOW), line(FLOW));
        assert_eq!(injected.inject(SimTime::ZERO, 0.0), Ok(Vec::new()));
        assert_eq!(injected, plain);
    }

    #[test]
    fn what_has_run_back_is_not_drawn_again() {
        let mut line = line(FLOW);
        assert!(line.run_back(at(1.0), "chamber", 0.1).unwrap().is_some());
        assert_eq!(line.run_back(at(1.0), "chamber", 0.1), Ok(None));
        let more = line.run_back(at(1.0), "chamber", 0.15).unwrap().unwrap();
        close(more.volume, 0.05, 1e-15);
    }

    #[test]
    fn two_holes_at_one_place_give_as_they_conduct() {
        let mut line = line(FLOW);
        set(&mut line, 0.0, "a", hole(50.0, 0.3, TISSUE));
        set(&mut line, 0.0, "b", hole(50.0, 0.1, Destination::Epidural));
        let drawn = line.aspirate(at(0.5), 0.2).unwrap();
        let (three, one) = (
            volume_to(&drawn.jumps, TISSUE),
            volume_to(&drawn.jumps, Destination::Epidural),
        );
        assert!(one < 0.0);
        close(three / one, 3.0, 1e-12);
        // All that conducts: both holes, and 39 cm to the tip.
        let share = 0.1 / (0.4 + 1.0 / (39.0 * resistance()));
        close(one, -0.2 * share, 1e-12);
    }

    /// Concentrations at the tip in their order, over two weeks.
    fn courses(mut line: Catheter) -> Vec<f64> {
        let mut seen = vec![line.tip_concentration()];
        run_seeing(&mut line, &mut seen);
        seen
    }

    fn run_seeing(line: &mut Catheter, seen: &mut Vec<f64>) {
        while let Some(next) = line.next_change() {
            let _ = line.on_change(next);
            if seen.last() != Some(&line.tip_concentration()) {
                seen.push(line.tip_concentration());
            }
        }
    }

    #[test]
    fn drug_follows_drug_sharply_and_water_as_a_front() {
        // At the port the tube stays as it was, full of drug: what follows joins it.
        let mut port = line(FLOW);
        let _ = port.aspirate(SimTime::ZERO, 0.15).unwrap();
        assert_eq!(courses(port), [0.0, DRUG]);
        // Back to the pump the tube is drawn empty too, and what follows begins a front.
        let mut back = line(FLOW);
        let _ = back.draw_back(SimTime::ZERO, 0.5).unwrap();
        let seen = courses(back);
        assert!(seen.len() > 2, "{seen:?}");
    }
}

mod flows {
    use super::*;

    #[test]
    fn a_hole_takes_what_the_pressure_at_its_place_drives() {
        let mut line = line(FLOW);
        let (g, r) = (0.2, 39.0 * resistance());
        set(&mut line, 0.0, "a", hole(50.0, g, TISSUE));
        set(&mut line, 0.0, "b", hole(50.0, g, Destination::Epidural));
        set(&mut line, 0.0, "c", hole(50.0, g, Destination::Subdural));
        // 2 g p + (g + 1 / r) (p - CSF) = FLOW
        let p = (FLOW + CSF * (g + 1.0 / r)) / (3.0 * g + 1.0 / r);
        assert_eq!(line.streams().len(), 4);
        for s in line.streams() {
            let expected = match s.to {
                TIP => (p - CSF) / r,
                Destination::Subdural => g * (p - CSF),
                _ => g * p,
            };
            close(s.flow, expected, 1e-9 * (g * p));
        }
    }

    #[test]
    fn a_weakness_of_minus_zero_is_none() {
        let course = |droop| {
            let mut line = line(0.0);
            set(&mut line, 0.0, "a", narrow(60.0, 0.02));
            let drive = Drive {
                flow: FLOW,
                droop,
                max_pressure: 10.0,
            };
            let _ = line.set_source(SimTime::ZERO, drive, DRUG);
            let mut seen = Vec::new();
            while let Some(next) = line.next_change() {
                let _ = line.on_change(next);
                seen.push((next, line.pressure(next), line.inflow()));
            }
            seen
        };
        assert!(!course(0.0).is_empty());
        assert_eq!(course(-0.0), course(0.0));
    }

    #[test]
    fn beyond_the_port_lies_the_line_without_the_tube() {
        let line = line(FLOW);
        let tube = ParameterSet::default().get("catheter.tube_volume");
        assert_eq!(line.beyond_port(at(1.0)), line.volume(at(1.0)) - tube);
        close(line.beyond_port(at(1.0)), 89.0 * 0.0022, 1e-12);
    }
}
