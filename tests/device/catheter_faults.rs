//! Each fault of the line against arithmetic that fits in the margin.

use itbsim::catheter::{Catheter, CatheterError, CatheterFault};
use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::scenario::model::{self, Material, Segment};
use itbsim::signals::{Destination, Drive, Level};

const DAY: f64 = 24.0;
/// 0.2 mL/day.
const FLOW: f64 = 0.2 / DAY;
const TIP: Destination = Destination::Csf(Level::T10);
/// Supine pressure of the spinal fluid \[kPa\].
const CSF: f64 = 1.2;

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn setup() -> model::Catheter {
    model::Catheter::plain(89.0, 35.0, Level::T10, Material::Braided)
}

/// The same length, of which the 40 cm at the pump have more than twice the bore's area.
fn two_pieces() -> model::Catheter {
    model::Catheter {
        pump_segment: Some(Segment {
            length: 40.0,
            volume: 0.2,
        }),
        ..setup()
    }
}

fn built(setup: &model::Catheter) -> Catheter {
    Catheter::new(SimTime::ZERO, setup, &ParameterSet::default(), 2000.0).unwrap()
}

/// Running at 0.2 mL/day of 2 mg/mL.
fn running() -> Catheter {
    let mut line = built(&setup());
    run_at(&mut line, 0.0, FLOW, 2000.0);
    line
}

fn run_at(line: &mut Catheter, hours: f64, flow: f64, concentration: f64) {
    let drive = Drive {
        flow,
        droop: 0.0,
        max_pressure: 100.0,
    };
    let _ = line.set_source(at(hours), drive, concentration);
}

/// Runs on; gives drug to the spinal fluid and elsewhere since `from`.
fn on(line: &mut Catheter, from: f64, to: f64) -> (f64, f64) {
    let (mut now, end) = (at(from), at(to));
    let (mut spine, mut lost) = (0.0, 0.0);
    for _ in 0..10_000 {
        let next = line.next_change().filter(|t| *t <= end);
        let then = next.unwrap_or(end);
        let hours = then.hours_since(now);
        for s in line.streams() {
            let drug = s.flow.max(0.0) * s.concentration * hours;
            match s.to {
                Destination::Csf(_) => spine += drug,
                _ => lost += drug,
            }
        }
        now = then;
        if next.is_none() {
            return (spine, lost);
        }
        for j in line.on_change(then) {
            match j.to {
                Destination::Csf(_) => spine += j.drug,
                _ => lost += j.drug,
            }
        }
    }
    panic!("changes never end");
}

fn to(line: &Catheter, place: Destination) -> f64 {
    line.streams().iter().filter(|s| s.to == place).map(|s| s.flow).sum()
}

#[track_caller]
fn close(a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs().max(1e-300), "{a} is not {b}");
}

mod granuloma {
    use super::*;

    fn mass(bore: f64, share: f64) -> CatheterFault {
        CatheterFault::Granuloma { bore, share }
    }

    #[test]
    fn a_mass_keeps_its_share_and_the_pump_notices_nothing() {
        let mut line = running();
        line.set_fault(at(1.0), "mass", mass(0.1, 0.6), 1.0).unwrap();
        on(&mut line, 1.0, 3.0);
        close(to(&line, TIP), 0.4 * FLOW, 1e-12);
        close(to(&line, Destination::Epidural), 0.6 * FLOW, 1e-12);
        close(line.inflow(), FLOW, 1e-12);
    }

    #[test]
    fn it_grows_in_bore_and_share_together() {
        let mut line = running();
        line.set_fault(at(1.0), "mass", mass(0.0, 0.6), 0.5).unwrap();
        on(&mut line, 1.0, 2.0);
        close(to(&line, TIP), 0.7 * FLOW, 1e-12);
        // Half the bore over half a centimetre is fifteen times that piece's own Pascal or so.
        assert!(line.pressure(at(2.0)) - CSF < 0.01);
    }

    #[test]
    fn two_masses_keep_shares_of_what_the_other_lets_pass() {
        let mut line = running();
        line.set_fault(at(1.0), "a", mass(1.0, 0.5), 1.0).unwrap();
        line.set_fault(at(1.0), "b", mass(1.0, 0.5), 1.0).unwrap();
        close(to(&line, TIP), 0.25 * FLOW, 1e-12);
    }

    #[test]
    fn a_closed_tip_stops_the_pump_and_gives_its_store_back_through_the_mass() {
        let mut line = running();
        line.set_fault(at(1.0), "mass", mass(0.0, 0.6), 1.0).unwrap();
        let (spine, lost) = on(&mut line, 1.0, 60.0);
        assert_eq!((spine, lost), (0.0, 0.0));
        close(line.pressure(at(60.0)), 100.0, 1e-6);
        // 89 cm of braided wall and the tube, from 1.2 to 100 kPa.
        let stored = (0.0017e-3 * 89.0 + 0.02e-3) * (100.0 - CSF);
        let jumps = line.set_fault(at(60.0), "mass", mass(0.5, 0.6), 1.0).unwrap();
        let drug: f64 = jumps.iter().map(|j| j.drug).sum();
        close(drug, stored * 2000.0, 1e-6);
        let spine: f64 = jumps.iter().filter(|j| j.to == TIP).map(|j| j.drug).sum();
        close(spine, 0.4 * drug, 1e-9);
    }
}

mod connector {
    use super::*;

    #[test]
    fn half_a_bore_apart_nothing_is_felt_and_a_whole_bore_apart_is_closed() {
        let mut line = running();
        let askew = |offset| CatheterFault::Misalignment { offset };
        line.set_fault(at(1.0), "askew", askew(0.2665), 1.0).unwrap();
        on(&mut line, 1.0, 2.0);
        close(to(&line, TIP), FLOW, 1e-12);
        // Circles half a diameter apart share 2/pi (acos 1/2 - sqrt(3)/4) = 0.39100 of their area.
        let area = 0.391_002;
        let narrow = 0.3 * (1.0 / (area * area) - 1.0);
        let sound = running();
        let pascal = (sound.pressure(at(1.0)) - CSF) / 89.0;
        close(line.pressure(at(2.0)) - CSF, pascal * (89.0 + narrow), 1e-3);

        line.set_fault(at(2.0), "askew", askew(0.533), 1.0).unwrap();
        assert_eq!(to(&line, TIP), 0.0);
        on(&mut line, 2.0, 4.0);
        assert_eq!(line.inflow(), 0.0);
    }

    #[test]
    fn what_little_the_tube_stores_is_reached_within_a_quarter_of_an_hour() {
        let mut line = running();
        line.set_fault(at(1.0), "askew", CatheterFault::Misalignment { offset: 1.0 }, 1.0)
            .unwrap();
        // 0.02 uL/kPa to 100 kPa at 8.33 uL/h: 0.237 h.
        let hours = 0.02e-3 * (100.0 - CSF) / FLOW;
        on(&mut line, 1.0, 1.0 + hours * 0.99);
        close(line.inflow(), FLOW, 1e-12);
        on(&mut line, 1.0 + hours * 0.99, 1.0 + hours * 1.01);
        assert_eq!(line.inflow(), 0.0);
    }
}

mod fracture {
    use super::*;

    fn broken(conductance: f64, bore: f64) -> CatheterFault {
        CatheterFault::Fracture {
            position: 50.0,
            conductance,
            bore,
            into: Destination::Subcutaneous,
        }
    }

    #[test]
    fn a_crack_shares_the_flow_by_pressure() {
        let mut line = running();
        line.set_fault(at(1.0), "break", broken(0.002, 0.4), 1.0).unwrap();
        close(to(&line, Destination::Subcutaneous), 0.002 * CSF, 1e-3);
        close(to(&line, TIP), FLOW - 0.002 * CSF, 1e-3);
    }

    #[test]
    fn with_the_stumps_apart_all_drug_is_lost_and_no_spinal_fluid_comes_back() {
        for position in [0.0, 50.0, 89.0] {
            let mut line = running();
            let fault = CatheterFault::Fracture {
                position,
                conductance: 0.5,
                bore: 0.0,
                into: Destination::Subcutaneous,
            };
            line.set_fault(at(1.0), "break", fault, 1.0).unwrap();
            on(&mut line, 1.0, 3.0);
            close(to(&line, Destination::Subcutaneous), FLOW, 1e-9);
            assert_eq!(to(&line, TIP), 0.0, "at {position} cm");
            close(line.inflow(), FLOW, 1e-9);
        }
    }

    #[test]
    fn it_is_a_leak_and_a_narrowing_at_one_place() {
        let mut one = running();
        one.set_fault(at(1.0), "break", broken(0.01, 0.02), 1.0).unwrap();
        let mut two = running();
        let leak = CatheterFault::Leak {
            position: 50.0,
            conductance: 0.01,
            into: Destination::Subcutaneous,
        };
        let kink = CatheterFault::Kink {
            position: 50.0,
            length: 1.0,
            bore: 0.02,
        };
        two.set_fault(at(1.0), "leak", leak, 1.0).unwrap();
        two.set_fault(at(1.0), "kink", kink, 1.0).unwrap();
        let (a, b) = (on(&mut one, 1.0, 30.0), on(&mut two, 1.0, 30.0));
        close(a.0, b.0, 1e-9);
        close(a.1, b.1, 1e-9);
    }
}

mod beside_the_catheter {
    use super::*;

    fn hole(level: Level, conductance: f64) -> CatheterFault {
        CatheterFault::CsfLeak { level, conductance }
    }

    #[test]
    fn the_flow_is_the_conductance_at_the_pressure_that_it_leaves() {
        let mut line = running();
        assert_eq!(line.csf_loss(), None);
        assert_eq!(line.csf_pressure(), CSF);
        line.set_fault(at(1.0), "hole", hole(Level::L2, 2.0), 1.0).unwrap();
        let flow = 2.0 * CSF / (1.0 + 2.0 * 0.0178);
        let (level, escapes) = line.csf_loss().unwrap();
        assert_eq!(level, Level::L2);
        close(escapes, flow, 1e-12);
        close(line.csf_pressure(), CSF - 0.0178 * flow, 1e-12);
        // Upright the pressure is more than three times as high.
        let _ = line.set_tip_pressure(at(2.0), 3.9).unwrap();
        close(line.csf_loss().unwrap().1, flow * 3.9 / CSF, 1e-12);
    }

    #[test]
    fn no_more_escapes_than_is_made_and_the_line_goes_on() {
        let mut line = running();
        line.set_fault(at(1.0), "hole", hole(Level::L2, 500.0), 1.0).unwrap();
        assert_eq!(line.csf_loss().unwrap().1, 21.0);
        close(line.csf_pressure(), CSF - 0.0178 * 21.0, 1e-12);
        on(&mut line, 1.0, 3.0);
        close(to(&line, TIP), FLOW, 1e-12);
        assert!(line.pressure(at(3.0)) < CSF);
        let _ = line.clear_fault(at(3.0), "hole");
        assert_eq!(line.csf_loss(), None);
        assert_eq!(line.csf_pressure(), CSF);
    }

    #[test]
    fn two_holes_add_up_and_act_at_the_larger_one() {
        let mut line = running();
        line.set_fault(at(1.0), "a", hole(Level::L2, 0.5), 1.0).unwrap();
        line.set_fault(at(1.0), "b", hole(Level::L4, 1.5), 1.0).unwrap();
        let (level, escapes) = line.csf_loss().unwrap();
        assert_eq!(level, Level::L4);
        close(escapes, 2.0 * CSF / (1.0 + 2.0 * 0.0178), 1e-12);
    }

    #[test]
    fn lower_pressure_of_the_spinal_fluid_spares_a_leak_of_the_wall() {
        let leak = CatheterFault::Leak {
            position: 30.0,
            conductance: 0.002,
            into: Destination::Subcutaneous,
        };
        let mut line = running();
        line.set_fault(at(1.0), "leak", leak, 1.0).unwrap();
        let before = to(&line, Destination::Subcutaneous);
        line.set_fault(at(2.0), "hole", hole(Level::L2, 2.0), 1.0).unwrap();
        assert!(to(&line, Destination::Subcutaneous) < before);
    }
}

mod backwards {
    use super::*;

    /// Full of 2 mg/mL; dead volume 0.3948 mL.
    fn back(line: &mut Catheter, hours: f64, total: f64) -> (f64, f64) {
        match line.run_back(at(hours), "chamber", total).unwrap() {
            Some(drawn) => (drawn.volume, drawn.drug),
            None => (0.0, 0.0),
        }
    }

    #[test]
    fn what_runs_back_is_the_drug_in_the_line_and_then_spinal_fluid() {
        let mut line = running();
        let (volume, drug) = back(&mut line, 1.0, 0.1);
        close(volume, 0.1, 1e-12);
        close(drug, 200.0, 1e-9);
        let (volume, drug) = back(&mut line, 1.0, 0.5);
        close(volume, 0.4, 1e-12);
        close(drug, (0.3948 - 0.1) * 2000.0, 1e-9);
        close(line.volume(at(1.0)), 0.3948, 1e-12);
        assert!(line.drug(at(1.0)).abs() < 1e-9);
    }

    #[test]
    fn the_same_total_draws_nothing_and_a_new_episode_begins_anew() {
        let mut line = running();
        assert!(back(&mut line, 1.0, 0.1).0 > 0.0);
        let before = line.clone();
        assert_eq!(back(&mut line, 1.0, 0.1), (0.0, 0.0));
        assert_eq!(line, before);
        assert_eq!(line.has_run_back("chamber"), 0.1);
        assert_eq!(back(&mut line, 2.0, 0.0), (0.0, 0.0));
        close(back(&mut line, 2.0, 0.1).0, 0.1, 1e-12);
    }

    #[test]
    fn spinal_fluid_must_run_out_again_before_drug_arrives() {
        let mut line = running();
        back(&mut line, 1.0, 0.1);
        assert_eq!(line.tip_concentration(), 0.0);
        // 0.1 mL at 0.2 mL/day: twelve hours.
        let (spine, _) = on(&mut line, 1.0, 12.99);
        assert_eq!(spine, 0.0);
        let (spine, _) = on(&mut line, 12.99, 14.0);
        close(spine, FLOW * 2000.0, 1e-6);
    }

    #[test]
    fn a_leak_gives_its_share_of_tissue_fluid() {
        let mut line = running();
        let leak = CatheterFault::Leak {
            position: 30.0,
            conductance: 1e6,
            into: Destination::Subcutaneous,
        };
        line.set_fault(at(1.0), "leak", leak, 1.0).unwrap();
        let drawn = line.run_back(at(1.0), "chamber", 0.1).unwrap().unwrap();
        let from_tissue: f64 = drawn
            .jumps
            .iter()
            .filter(|j| j.to == Destination::Subcutaneous)
            .map(|j| -j.volume)
            .sum();
        assert!(from_tissue > 0.099, "{from_tissue}");
        let all: f64 = drawn.jumps.iter().map(|j| -j.volume).sum();
        close(all, 0.1, 1e-12);
    }

    #[test]
    fn nothing_comes_through_a_closed_line() {
        let mut line = running();
        let plug = CatheterFault::Occlusion {
            position: 60.0,
            bore: 0.0,
        };
        line.set_fault(at(1.0), "plug", plug, 1.0).unwrap();
        assert_eq!(line.run_back(at(2.0), "chamber", 0.1), Err(CatheterError::Blocked));
        assert_eq!(line.aspirate(at(2.0), 0.1), Err(CatheterError::Blocked));
    }

    #[test]
    fn aspiration_at_the_port_leaves_the_tube_as_it_was() {
        let mut line = running();
        let drawn = line.aspirate(at(1.0), 1.0).unwrap();
        close(drawn.volume, 1.0, 1e-12);
        close(drawn.drug, 89.0 * 0.0022 * 2000.0, 1e-9);
        close(line.drug(at(1.0)), 0.199 * 2000.0, 1e-9);
        // Contrast now pushes no drug out: that is why one aspirates first.
        let pushed: f64 = line.inject(at(1.0), 0.5).unwrap().iter().map(|j| j.drug).sum();
        assert!(pushed.abs() < 1e-9);
    }

    #[test]
    fn only_a_volume_that_can_be_is_drawn() {
        let mut line = running();
        let before = line.clone();
        for volume in [-0.1, f64::INFINITY, f64::NAN] {
            let refused = line.aspirate(at(1.0), volume);
            assert!(matches!(refused, Err(CatheterError::Value { .. })), "{volume}");
            assert!(line.draw_back(at(1.0), volume).is_err());
        }
        assert_eq!(line, before);
    }

    #[test]
    fn an_emptied_catheter_keeps_what_the_tube_holds_with_a_hole_and_without() {
        for hole in [false, true] {
            let mut line = running();
            if hole {
                let leak = CatheterFault::Leak {
                    position: 30.0,
                    conductance: 1e-9,
                    into: Destination::Subcutaneous,
                };
                line.set_fault(at(0.0), "leak", leak, 1.0).unwrap();
            }
            let (drug, others) = line.empty(at(0.0));
            close(drug, 89.0 * 0.0022 * 2000.0, 1e-9);
            assert!(others.is_none());
            close(line.drug(at(0.0)), 0.199 * 2000.0, 1e-9);
            close(line.volume(at(0.0)), 0.3948, 1e-12);
            assert_eq!(line.tip_concentration(), 0.0);
        }
    }

    #[test]
    fn the_wall_keeps_the_volume_it_had_stored() {
        let mut line = running();
        let kink = CatheterFault::Kink {
            position: 60.0,
            length: 1.0,
            bore: 0.012,
        };
        line.set_fault(at(1.0), "kink", kink, 1.0).unwrap();
        on(&mut line, 1.0, 3.0);
        let (volume, pressure) = (line.volume(at(3.0)), line.pressure(at(3.0)));
        let drawn = line.run_back(at(3.0), "chamber", 0.05).unwrap().unwrap();
        close(drawn.volume, 0.05, 1e-12);
        close(line.volume(at(3.0)), volume, 1e-12);
        close(line.pressure(at(3.0)), pressure, 1e-9);
    }
}

mod make {
    use super::*;

    #[test]
    fn the_volumes_of_two_pieces_add_up() {
        let line = built(&two_pieces());
        close(line.dead_volume(), 0.199 + 0.2 + 49.0 * 0.0022, 1e-12);
        // A wider bore has the square of its area less resistance, a Pascal in all.
        let mut line = built(&two_pieces());
        run_at(&mut line, 0.0, FLOW, 2000.0);
        let sound = running();
        let narrower = 0.0022 / (0.2 / 40.0);
        let thin = 49.0 + 40.0 * narrower * narrower;
        close(
            line.pressure(at(1.0)) - CSF,
            (sound.pressure(at(1.0)) - CSF) * thin / 89.0,
            1e-6,
        );
    }

    #[test]
    fn a_tube_without_a_volume_holds_no_drug_to_wait_for() {
        let mut parameters = ParameterSet::default();
        parameters.set("catheter.tube_volume", 0.0).unwrap();
        let filled = model::Catheter {
            tube_concentration: Some(0.0),
            ..setup()
        };
        let mut line = Catheter::new(SimTime::ZERO, &filled, &parameters, 2000.0).unwrap();
        run_at(&mut line, 0.0, FLOW, 2000.0);
        // The pump's drug is that of the catheter: no front comes.
        assert_eq!(line.next_change(), None);
        close(line.drug(at(1.0)), 2000.0 * 89.0 * 0.0022, 1e-12);
    }

    #[test]
    fn a_front_passes_both_pieces() {
        let mut line = built(&model::Catheter {
            initial_concentration: Some(0.0),
            ..two_pieces()
        });
        run_at(&mut line, 0.0, FLOW, 2000.0);
        let wait = line.dead_volume() / FLOW;
        let (early, _) = on(&mut line, 0.0, wait * 0.9);
        assert_eq!(early, 0.0);
        let (late, _) = on(&mut line, wait * 0.9, wait * 1.5);
        close(late, 0.5 * wait * FLOW * 2000.0, 1e-6);
    }

    #[test]
    fn faults_of_a_two_piece_catheter_keep_their_places() {
        let mut line = built(&two_pieces());
        run_at(&mut line, 0.0, FLOW, 2000.0);
        let leak = CatheterFault::Leak {
            position: 30.0,
            conductance: 10.0,
            into: Destination::Subcutaneous,
        };
        let kink = CatheterFault::Kink {
            position: 60.0,
            length: 1.0,
            bore: 0.01,
        };
        line.set_fault(at(1.0), "kink", kink, 1.0).unwrap();
        line.set_fault(at(1.0), "leak", leak, 1.0).unwrap();
        let (spine, lost) = on(&mut line, 1.0, 25.0);
        close(spine + lost, FLOW * 24.0 * 2000.0, 2e-2);
        assert!(spine < 0.01 * lost);
    }

    #[test]
    fn a_hole_in_the_wide_piece_is_reached_after_the_volume_before_it() {
        let mut line = built(&model::Catheter {
            initial_concentration: Some(0.0),
            ..two_pieces()
        });
        let leak = CatheterFault::Leak {
            position: 30.0,
            conductance: 1e3,
            into: Destination::Subcutaneous,
        };
        line.set_fault(at(0.0), "leak", leak, 1.0).unwrap();
        run_at(&mut line, 0.0, FLOW, 2000.0);
        // The tube, and three quarters of the piece.
        let wait = (0.199 + 0.15) / FLOW;
        let (_, early) = on(&mut line, 0.0, wait * 0.8);
        assert_eq!(early, 0.0);
        let (spine, late) = on(&mut line, wait * 0.8, wait * 1.5);
        close(late, 0.5 * wait * FLOW * 2000.0, 1e-6);
        assert_eq!(spine, 0.0);
    }

    #[test]
    fn a_kink_of_the_wide_piece_costs_less_by_the_square_of_its_area() {
        let rise = |position: f64| {
            let mut line = built(&two_pieces());
            run_at(&mut line, 0.0, FLOW, 2000.0);
            let sound = line.pressure(at(0.0));
            let kink = CatheterFault::Kink {
                position,
                length: 1.0,
                bore: 0.05,
            };
            line.set_fault(at(0.0), "kink", kink, 1.0).unwrap();
            on(&mut line, 0.0, 100.0);
            line.pressure(at(100.0)) - sound
        };
        let narrower = 0.0022 / (0.2 / 40.0);
        // But for the Pascal that the sound line costs.
        close(rise(20.0), rise(60.0) * narrower * narrower, 1e-2);
    }

    #[test]
    fn a_tube_of_water_before_a_catheter_of_drug_is_a_gap_of_its_own() {
        let mut replaced = setup();
        replaced.tube_concentration = Some(0.0);
        let mut line = built(&replaced);
        close(line.drug(SimTime::ZERO), 89.0 * 0.0022 * 2000.0, 1e-12);
        run_at(&mut line, 0.0, FLOW, 2000.0);
        // First the catheter's own drug for 23.5 h, then 0.199 mL of water for 23.9 h.
        let (first, _) = on(&mut line, 0.0, 20.0);
        close(first, 20.0 * FLOW * 2000.0, 1e-9);
        on(&mut line, 20.0, 30.0);
        let (gap, _) = on(&mut line, 30.0, 40.0);
        assert!(gap < 1.0, "{gap} ug");
        on(&mut line, 40.0, 55.0);
        let (after, _) = on(&mut line, 55.0, 65.0);
        close(after, 10.0 * FLOW * 2000.0, 1e-6);
    }

    #[test]
    fn impossible_pieces_are_refused() {
        for (length, volume) in [(0.0, 0.1), (89.0, 0.1), (20.0, 0.0), (f64::NAN, 0.1)] {
            let pieces = model::Catheter {
                pump_segment: Some(Segment { length, volume }),
                ..setup()
            };
            let refused = Catheter::new(SimTime::ZERO, &pieces, &ParameterSet::default(), 2000.0);
            assert!(matches!(refused, Err(CatheterError::Value { .. })), "{length} {volume}");
        }
        let mut line = running();
        for fault in [
            CatheterFault::Granuloma { bore: 1.5, share: 0.0 },
            CatheterFault::Granuloma { bore: 0.5, share: -0.1 },
            CatheterFault::Misalignment { offset: -1.0 },
            CatheterFault::CsfLeak {
                level: Level::L2,
                conductance: f64::NAN,
            },
            CatheterFault::Retrograde { volume: -1.0 },
        ] {
            let refused = line.set_fault(at(1.0), "f", fault, 1.0);
            assert!(matches!(refused, Err(CatheterError::Value { .. })), "{fault:?}");
        }
    }
}
