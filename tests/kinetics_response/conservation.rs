//! The rate matrix conserves drug, is solved by its modes, and agrees with an
//! independent exponential.

use itbsim::engine::SimTime;
use itbsim::kinetics::{Body, Flows, Kinetics, KineticsError, Layout, Outflow, Site};
use itbsim::numerics::{LinearSystem, Method, Scratch};
use itbsim::parameters::ParameterSet;
use itbsim::scenario::model::Population;
use itbsim::signals::{Destination, Level, Posture};

fn at(hours: f64) -> SimTime {
    SimTime::from_hours(hours).unwrap()
}

fn adult() -> Kinetics {
    Kinetics::new(Body::default(), &ParameterSet::default()).unwrap()
}

fn all_flows() -> Vec<Flows> {
    let lumbar = Some(Outflow {
        level: Level::L3,
        rate: 60.0,
    });
    let thoracic = Some(Outflow {
        level: Level::T10,
        rate: 4.0,
    });
    vec![
        Flows::default(),
        Flows {
            drain: lumbar,
            ..Flows::default()
        },
        Flows {
            leak: thoracic,
            posture: Posture::Upright,
            ..Flows::default()
        },
        Flows {
            drain: lumbar,
            leak: thoracic,
            ..Flows::default()
        },
    ]
}

#[test]
fn columns_of_the_ledger_sum_to_zero_and_nothing_but_the_diagonal_is_negative() {
    for flows in all_flows() {
        let mut k = adult();
        k.set_flows(SimTime::ZERO, flows).unwrap();
        let a = k.system().matrix();
        for j in 0..Layout::LEN {
            for i in 0..Layout::LEN {
                assert!(i == j || a[(i, j)] >= 0.0, "({i}, {j})");
            }
        }
        for j in 0..Layout::LEDGER {
            let gained: f64 = (0..Layout::LEDGER).filter(|i| *i != j).map(|i| a[(i, j)]).sum();
            assert!((gained + a[(j, j)]).abs() <= 1e-13 * gained.max(1e-300), "column {j}");
        }
    }
}

#[test]
fn every_body_is_solved_by_its_modes() {
    for (population, weight) in [
        (Population::AdultSpinal, 70.0),
        (Population::AdultCerebral, 110.0),
        (Population::Child, 18.0),
    ] {
        for renal_function in [1.0, 0.1, 0.0] {
            let body = Body {
                population,
                weight,
                renal_function,
                ..Body::default()
            };
            let mut k = Kinetics::new(body, &ParameterSet::default()).unwrap();
            for flows in all_flows() {
                k.set_flows(SimTime::ZERO, flows).unwrap();
                // Fast lumbar drainage can have a genuinely complex pair of rates, since drug goes round from
                // blood to fluid and back. The exponential takes over for that half hour.
                if flows.drain.is_some() {
                    continue;
                }
                assert_eq!(k.system().method(), Method::Modal, "{body:?} {flows:?}");
                let quality = k.system().quality().unwrap();
                assert!(quality.condition < 1e4, "{quality:?}");
            }
        }
    }
}

#[test]
fn modes_agree_with_the_matrix_exponential() {
    let k = adult();
    let exponential = LinearSystem::by_exponential(k.system().matrix().clone()).unwrap();
    let mut x = vec![0.0; Layout::LEN];
    x[Layout::csf(Level::L3)] = 50.0;
    x[Layout::ORAL] = 20_000.0;
    let mut b = vec![0.0; Layout::LEN];
    b[Layout::csf(Level::T10)] = 400.0 / 24.0;
    for hours in [0.01, 0.5, 4.0, 24.0, 500.0] {
        let later = |s: &LinearSystem| s.physical(&s.advance(&s.coordinates(&x), &s.forcing(&b), hours));
        let (modal, plain) = (later(k.system()), later(&exponential));
        for i in 0..Layout::LEN {
            let scale = if Layout::is_ledger(i) { 20_000.0 } else { 1.0 };
            assert!((modal[i] - plain[i]).abs() < 1e-11 * scale, "state {i} at {hours} h");
        }
    }
}

#[test]
fn rates_of_the_modes_keep_apart() {
    let k = adult();
    let mut rates: Vec<f64> = k.system().rates().iter().copied().filter(|r| *r != 0.0).collect();
    rates.sort_by(f64::total_cmp);
    for pair in rates.windows(2) {
        assert!((pair[1] - pair[0]).abs() > 1e-5 * pair[0].abs(), "{pair:?}");
        assert!(pair[1] < 0.0, "every other mode decays");
    }
}

#[test]
fn nearly_coincident_rates_are_moved_apart_and_conserve_drug() {
    let mut p = ParameterSet::default();
    // The slow site of the brainstem, with its spacing, a billionth away from the subcutaneous depot.
    let half_life = p.get("kinetics.effect.brain_slow_half_life");
    let site = (1.0 + 2.0 * p.get("kinetics.effect.rate_spacing")) * std::f64::consts::LN_2 / half_life;
    p.set("kinetics.depot.subcutaneous_rate", site * (1.0 + 1e-9)).unwrap();
    let mut k = Kinetics::new(Body::default(), &p).unwrap();
    assert_eq!(k.system().method(), Method::Modal);
    let used = -k.system().matrix()[(Layout::SUBCUTANEOUS, Layout::SUBCUTANEOUS)];
    assert!((used / site - 1.0).abs() < 1e-3);
    k.add(at(0.0), Site::Stream(Destination::Subcutaneous), 40_000.0)
        .unwrap();
    let r = k.reading(at(30.0), &mut Scratch::default()).unwrap();
    assert!((r.in_body + r.eliminated - 40_000.0).abs() < 4e-5);
}

#[test]
fn what_was_put_in_is_in_the_body_or_booked_out_through_a_year_of_events() {
    let mut k = adult();
    let mut scratch = Scratch::default();
    let tip = Site::Stream(Destination::Csf(Level::T10));
    k.settle(SimTime::ZERO, &[(tip, 25.0)]).unwrap();
    for day in 0..365 {
        let t = 24.0 * f64::from(day) + 0.37;
        match day % 5 {
            0 => k.set_input(at(t), tip, f64::from(day % 40)).unwrap(),
            1 => k.add(at(t), Site::Oral, 20_000.0).unwrap(),
            2 => {
                let drain = Some(Outflow {
                    level: Level::L3,
                    rate: 40.0,
                });
                k.set_flows(
                    at(t),
                    Flows {
                        drain,
                        ..Flows::default()
                    },
                )
                .unwrap();
                k.set_flows(at(t + 1.0), Flows::default()).unwrap();
            }
            3 => k.add(at(t), Site::Stream(Destination::Subdural), 300.0).unwrap(),
            _ => drop(k.flush_depot(at(t), 0.5, Level::T10).unwrap()),
        }
        let r = k.reading(at(t + 3.0), &mut scratch).unwrap();
        let gap = (r.in_body + r.eliminated - r.dosed).abs();
        assert!(gap <= 1e-9 * r.dosed, "day {day}: {gap} of {}", r.dosed);
    }
}

#[test]
fn looking_and_setting_what_is_set_change_no_bit() {
    let tip = Site::Stream(Destination::Csf(Level::T10));
    let run = |look: bool| {
        let mut k = adult();
        let mut scratch = Scratch::default();
        k.set_input(at(1.0), tip, 16.0).unwrap();
        if look {
            k.reading(at(3.3), &mut scratch).unwrap();
            k.set_input(at(4.0), tip, 16.0).unwrap();
            k.set_flows(at(5.0), Flows::default()).unwrap();
            k.add(at(6.0), Site::Oral, 0.0).unwrap();
            assert_eq!(k.flush_depot(at(7.0), 1.0, Level::L1).unwrap(), 0.0);
        }
        k.add(at(10.0), tip, 50.0).unwrap();
        k.amounts(at(30.0))
            .unwrap()
            .iter()
            .map(|x| x.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_stored_state_goes_on_with_the_same_bits() {
    let tip = Site::Stream(Destination::Csf(Level::T10));
    let mut k = adult();
    k.set_input(at(0.0), tip, 16.0).unwrap();
    k.set_flows(
        at(2.0),
        Flows {
            posture: Posture::Upright,
            ..Flows::default()
        },
    )
    .unwrap();
    k.add(at(3.1), Site::Oral, 10_000.0).unwrap();
    let text = serde_json::to_string(k.state()).unwrap();
    let mut other = adult();
    other.restore(serde_json::from_str(&text).unwrap()).unwrap();
    k.add(at(5.0), tip, 1.0).unwrap();
    other.add(at(5.0), tip, 1.0).unwrap();
    assert_eq!(k.amounts(at(9.0)).unwrap(), other.amounts(at(9.0)).unwrap());
    assert_eq!(k.state(), other.state());
}

#[test]
fn impossible_bodies_doses_and_times_are_typed_errors() {
    let p = ParameterSet::default();
    for body in [
        Body {
            weight: 0.0,
            ..Body::default()
        },
        Body {
            weight: f64::NAN,
            ..Body::default()
        },
        Body {
            renal_function: -0.1,
            ..Body::default()
        },
    ] {
        assert!(matches!(Kinetics::new(body, &p), Err(KineticsError::Body { .. })));
    }
    let mut k = adult();
    k.add(at(5.0), Site::Oral, 1.0).unwrap();
    assert!(matches!(
        k.add(at(4.0), Site::Oral, 1.0),
        Err(KineticsError::Backwards { .. })
    ));
    assert!(matches!(
        k.add(at(6.0), Site::Oral, -1.0),
        Err(KineticsError::Input { .. })
    ));
    assert!(matches!(
        k.set_input(at(6.0), Site::Oral, f64::INFINITY),
        Err(KineticsError::Input { .. })
    ));
    assert!(matches!(
        k.flush_depot(at(6.0), 1.1, Level::L1),
        Err(KineticsError::Input { .. })
    ));
    let drain = Some(Outflow {
        level: Level::L3,
        rate: -1.0,
    });
    assert!(matches!(
        k.set_flows(
            at(6.0),
            Flows {
                drain,
                ..Flows::default()
            }
        ),
        Err(KineticsError::Outflow { .. })
    ));
    assert!(matches!(
        k.trajectory("csf_l9_ng_per_ml"),
        Err(KineticsError::UnknownColumn { .. })
    ));
}

#[test]
fn a_change_after_a_look_has_the_bits_of_a_change_without_one() {
    let mut k = adult();
    let tip = Site::Stream(Destination::Csf(Level::T10));
    k.set_inputs(at(0.0), &[(tip, 12.0)]).unwrap();
    let mut plain = k.clone();
    let mut seen = Scratch::default();
    // A look of a sibling, of an older state and of another instant is no look of this one.
    let mut sibling = k.clone();
    sibling.set_inputs(at(1.0), &[(tip, 40.0)]).unwrap();
    for hours in [2.0, 5.5, 9.25, 40.0] {
        sibling.drive(at(hours), &mut seen).unwrap();
        k.drive(at(hours), &mut seen).unwrap();
        k.set_inputs_seen(at(hours), &[(tip, hours)], &mut seen).unwrap();
        k.set_inputs_seen(at(hours + 1.0), &[(tip, 3.0)], &mut seen).unwrap();
        plain.set_inputs(at(hours), &[(tip, hours)]).unwrap();
        plain.set_inputs(at(hours + 1.0), &[(tip, 3.0)]).unwrap();
        assert_eq!(k.state(), plain.state());
        let (a, b) = (
            k.drive(at(hours + 2.0), &mut seen),
            plain.drive(at(hours + 2.0), &mut Scratch::default()),
        );
        assert_eq!(a.unwrap(), b.unwrap());
    }
}
