//! Every propagator against the same closed forms, and against each other.

use crate::numerics_models::{Model, Neuraxis, closed_forms, neuraxis};
use itbsim::numerics::general::{
    GeneralError, GeneralMethod, GeneralTolerances, LinearSegment, Segment, UserModel, check_linear, integrate,
};
use itbsim::numerics::{FallbackReason, LinearSystem, Method, NumericsError, Stepper, Tolerances};
use nalgebra::{DMatrix, DVector};

const TIMES: [f64; 6] = [1e-3, 0.1, 1.0, 4.0, 12.0, 40.0];

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, v| v.abs().max(m))
}

fn difference(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    x.iter().zip(y).fold(0.0, |m, (x, y)| (x - y).abs().max(m))
}

fn assert_close(what: &str, got: &[f64], exact: &[f64], relative: f64) {
    let error = difference(got, exact) / largest(exact).max(1e-300);
    assert!(error <= relative, "{what}: {error:e}\n got {got:?}\n exact {exact:?}");
}

/// `exp` of the matrix augmented by one column for the input, by nalgebra.
fn reference(a: &DMatrix<f64>, x0: &[f64], b: &[f64], t: f64) -> Vec<f64> {
    let n = a.nrows();
    let mut m = DMatrix::zeros(n + 1, n + 1);
    m.view_mut((0, 0), (n, n)).copy_from(a);
    m.view_mut((0, n), (n, 1)).copy_from(&DVector::from_column_slice(b));
    let mut x = x0.to_vec();
    x.push(1.0);
    let y = (m * t).exp() * DVector::from_vec(x);
    y.as_slice()[..n].to_vec()
}

mod exact_path {
    use super::*;

    fn run(system: &LinearSystem, m: &Model, t: f64) -> Vec<f64> {
        let c = system.coordinates(&m.x0);
        system.physical(&system.advance(&c, &system.forcing(&m.b), t))
    }

    #[test]
    fn modes_meet_the_closed_forms() {
        for m in closed_forms() {
            let system = LinearSystem::new(m.a.clone()).unwrap();
            assert_eq!(system.method() == Method::Modal, m.modal, "{}", m.name);
            for t in TIMES {
                let label = format!("{} at {t}", m.name);
                assert_close(&label, &run(&system, &m, t), &(m.exact)(t), 5e-13);
            }
        }
    }

    #[test]
    fn the_exponential_meets_the_closed_forms() {
        for m in closed_forms() {
            let system = LinearSystem::by_exponential(m.a.clone()).unwrap();
            assert_eq!(system.method(), Method::Exponential(FallbackReason::Requested));
            for t in TIMES {
                let label = format!("{} at {t}", m.name);
                assert_close(&label, &run(&system, &m, t), &(m.exact)(t), 5e-13);
            }
        }
    }

    #[test]
    fn outputs_at_an_instant_equal_the_advanced_state() {
        for m in closed_forms() {
            let system = LinearSystem::new(m.a.clone()).unwrap();
            let (c, f) = (system.coordinates(&m.x0), system.forcing(&m.b));
            let mut scratch = system.scratch();
            for t in TIMES {
                system.look(&c, &f, t, &mut scratch);
                let mut here = c.clone();
                system.advance_to(&mut here, &scratch);
                assert_eq!(here, system.advance(&c, &f, t), "{}", m.name);
                for (i, exact) in (m.exact)(t).iter().enumerate() {
                    let mut w = vec![0.0; system.dim()];
                    w[i] = 1.0;
                    let row = system.output(&w);
                    let y = system.evaluate(&row, &scratch);
                    let scale = largest(&(m.exact)(t));
                    assert!((y - exact).abs() <= 5e-13 * scale, "{} {i} {t}: {y}", m.name);
                    match system.trajectory(&row, &c, &f) {
                        Ok(sum) => assert!((sum.value(t) - y).abs() <= 1e-14 * scale),
                        Err(e) => assert!(matches!(e, NumericsError::NoModes { .. })),
                    }
                }
            }
        }
    }

    #[test]
    fn fallbacks_say_why() {
        let reason = |name: &str| {
            let m = closed_forms().into_iter().find(|m| m.name == name).unwrap();
            LinearSystem::new(m.a).unwrap().method()
        };
        assert_eq!(
            reason("one-way ring"),
            Method::Exponential(FallbackReason::NotSeparable)
        );
        let near = reason("chain of nearly equal rates");
        assert!(matches!(
            near,
            Method::Exponential(FallbackReason::NearlyRepeated { .. })
        ));
    }

    #[test]
    fn a_bad_matrix_is_an_error() {
        let wrong = LinearSystem::new(DMatrix::zeros(2, 3)).unwrap_err();
        assert_eq!(wrong, NumericsError::NotSquare { rows: 2, columns: 3 });
        assert!(LinearSystem::new(DMatrix::zeros(0, 0)).is_err());
        let mut a = DMatrix::zeros(2, 2);
        a[(1, 0)] = f64::NAN;
        let wrong = LinearSystem::new(a).unwrap_err();
        assert!(matches!(wrong, NumericsError::NotFinite { row: 1, column: 0, .. }));
    }

    #[test]
    fn the_zero_matrix_only_integrates() {
        let system = LinearSystem::new(DMatrix::zeros(3, 3)).unwrap();
        let c = system.coordinates(&[1.0, 2.0, 3.0]);
        let later = system.advance(&c, &system.forcing(&[1.0, 0.0, -1.0]), 2.0);
        assert_eq!(system.physical(&later), vec![3.0, 2.0, 1.0]);
    }

    #[test]
    fn steps_compose_and_asking_changes_nothing() {
        for m in closed_forms() {
            let system = LinearSystem::new(m.a.clone()).unwrap();
            let (c, f) = (system.coordinates(&m.x0), system.forcing(&m.b));
            let whole = system.physical(&system.advance(&c, &f, 5.0));
            let before = c.clone();
            let mut scratch = system.scratch();
            system.look(&c, &f, 3.7, &mut scratch);
            let row = system.output(&vec![1.0; system.dim()]);
            let once = system.evaluate(&row, &scratch);
            system.look(&c, &f, 1.1, &mut scratch);
            system.look(&c, &f, 3.7, &mut scratch);
            let again = system.evaluate(&row, &scratch);
            assert_eq!(once.to_bits(), again.to_bits());
            assert_eq!(c, before);
            let part = system.advance(&system.advance(&c, &f, 1.25), &f, 3.75);
            assert_close(m.name, &system.physical(&part), &whole, 1e-12);
        }
    }

    #[test]
    fn rates_are_those_of_the_closed_form_the_slow_ones_first() {
        let m = &closed_forms()[1];
        let system = LinearSystem::new(m.a.clone()).unwrap();
        let [slow, fast] = system.rates() else {
            panic!("two states")
        };
        assert!(fast < slow && *slow < 0.0);
        // Sum and product of the roots.
        assert!((slow + fast + 43.5).abs() < 1e-13 && (slow * fast - 1.5).abs() < 1e-13);
        assert!(LinearSystem::by_exponential(m.a.clone()).unwrap().rates().is_empty());
    }

    #[test]
    fn a_step_below_the_shortest_of_the_ladder_leaves_no_error() {
        // 0.05 s of a rate of 1000 /h.
        let (rate, t) = (1000.0, 1.5e-5);
        let system = LinearSystem::by_exponential(DMatrix::from_element(1, 1, -rate)).unwrap();
        let later = system.advance(&system.coordinates(&[1.0]), &system.forcing(&[rate]), t);
        assert!((system.physical(&later)[0] - 1.0).abs() <= 2.0 * f64::EPSILON);
        let later = system.advance(&system.coordinates(&[1.0]), &system.forcing(&[0.0]), t);
        assert!((system.physical(&later)[0] - (-rate * t).exp()).abs() <= 2.0 * f64::EPSILON);
    }

    #[test]
    fn state_survives_json_bit_for_bit() {
        let m = &closed_forms()[3];
        let system = LinearSystem::new(m.a.clone()).unwrap();
        let f = system.forcing(&m.x0);
        let c = system.advance(&system.coordinates(&m.x0), &f, 0.3);
        let text = serde_json::to_string(&(&c, &f)).unwrap();
        let (c2, f2) = serde_json::from_str(&text).unwrap();
        assert_eq!((c, f), (c2, f2));
    }

    #[test]
    fn steady_state_balances_input_and_loss() {
        let m = &closed_forms()[0];
        for system in [
            LinearSystem::new(m.a.clone()).unwrap(),
            LinearSystem::by_exponential(m.a.clone()).unwrap(),
        ] {
            let x = system.steady_state(&system.forcing(&[5.0, 0.0])).unwrap();
            assert!((x[0] - 5.0 / 0.3).abs() < 1e-13);
        }
        // Equal stages: each holds input / rate.
        let m = &closed_forms()[3];
        let system = LinearSystem::new(m.a.clone()).unwrap();
        let x = system
            .steady_state(&system.forcing(&[3.4, 0.0, 0.0, 0.0, 0.0, 0.0]))
            .unwrap();
        assert_close("stages", &x[..5], &[2.0; 5], 1e-14);
        let growing = LinearSystem::new(DMatrix::from_row_slice(1, 1, &[0.1])).unwrap();
        assert!(growing.steady_state(&growing.forcing(&[1.0])).is_err());
    }
}

mod neuraxis_of_75_states {
    use super::*;

    fn cases() -> Vec<(String, Neuraxis)> {
        let mut all = Vec::new();
        for mixing in [16.0, 64.0, 237.0] {
            for star in [0.0, 1e-8, 1e-6, 1e-4] {
                all.push((format!("mixing {mixing} star {star}"), neuraxis(mixing, star)));
            }
        }
        all
    }

    #[test]
    fn modes_equal_the_exponential_of_nalgebra() {
        for (name, m) in cases() {
            let system = LinearSystem::new(m.a.clone()).unwrap();
            assert_eq!(system.method(), Method::Modal, "{name}");
            let quality = system.quality().unwrap();
            assert!(quality.residual < 1e-13, "{name} {quality:?}");
            let rounding = 10.0 * f64::EPSILON * quality.condition;
            assert!(quality.inverse_error < rounding, "{name} {quality:?}");
            let mut x0 = vec![0.0; 75];
            x0[4] = 50.0;
            x0[m.oral.start] = 1000.0;
            x0[m.depots.start] = 20.0;
            let mut b = vec![0.0; 75];
            b[12] = 12.5;
            for t in [0.01, 1.0, 24.0, 500.0] {
                let c = system.coordinates(&x0);
                let x = system.physical(&system.advance(&c, &system.forcing(&b), t));
                assert_close(&format!("{name} at {t}"), &x, &reference(&m.a, &x0, &b, t), 1e-11);
            }
        }
    }

    #[test]
    fn a_loop_with_complex_rates_falls_back_and_is_still_right() {
        let m = neuraxis(4.0, 1e-2);
        let system = LinearSystem::new(m.a.clone()).unwrap();
        assert_eq!(system.method(), Method::Exponential(FallbackReason::NotSeparable));
        let x0: Vec<f64> = (0..75).map(f64::from).collect();
        let c = system.coordinates(&x0);
        for t in [0.1, 7.0] {
            let x = system.physical(&system.advance(&c, &system.forcing(&x0), t));
            assert_close("loop", &x, &reference(&m.a, &x0, &x0, t), 1e-12);
        }
    }

    #[test]
    fn our_own_exponential_agrees_too() {
        let m = neuraxis(237.0, 1e-3);
        let system = LinearSystem::by_exponential(m.a.clone()).unwrap();
        let mut x0 = vec![0.0; 75];
        x0[4] = 50.0;
        let b = vec![0.1; 75];
        for t in [0.01, 3.0, 500.0] {
            let c = system.coordinates(&x0);
            let x = system.physical(&system.advance(&c, &system.forcing(&b), t));
            assert_close(&format!("at {t}"), &x, &reference(&m.a, &x0, &b, t), 1e-11);
        }
    }

    #[test]
    fn nothing_is_lost_in_a_year_of_rate_changes() {
        let m = neuraxis(237.0, 1e-2);
        let system = LinearSystem::new(m.a.clone()).unwrap();
        let mut c = system.coordinates(&[0.0; 75]);
        let mut given = 0.0;
        for k in 0..2920 {
            let rate = 10.0 + 8.0 * f64::from(k % 3);
            let mut b = vec![0.0; 75];
            b[9] = rate;
            c = system.advance(&c, &system.forcing(&b), 3.0);
            given += rate * 3.0;
        }
        let x = system.physical(&c);
        // Effect sites mirror drug, they hold none.
        let held: f64 = (0..75).filter(|i| !m.effect.contains(i)).map(|i| x[i]).sum();
        assert!((held - given).abs() < 1e-10 * given, "{held} {given}");
        let body: Vec<f64> = (0..57).map(|i| x[i]).collect();
        assert!(body.iter().all(|v| *v > 0.0));
    }

    #[test]
    fn the_independent_check_agrees() {
        let m = neuraxis(16.0, 1e-6);
        let system = LinearSystem::new(m.a.clone()).unwrap();
        let mut x0 = vec![0.0; 75];
        x0[m.oral.start] = 100.0;
        let segments: Vec<LinearSegment> = (0..4)
            .map(|k| {
                let mut input = vec![0.0; 75];
                input[8] = f64::from(k) * 4.0;
                let mut jump = vec![0.0; 75];
                jump[3] = 10.0;
                LinearSegment {
                    duration_h: 1.5,
                    input,
                    jump,
                }
            })
            .collect();
        let check = check_linear(&system, &x0, &segments).unwrap();
        assert!(
            check.worst < 1e-9,
            "{:e} state {} at {}",
            check.worst,
            check.state,
            check.at_h
        );
        assert!(largest(&check.exact) > 1.0);
    }

    #[test]
    fn adding_a_dose_equals_starting_with_it() {
        let m = neuraxis(16.0, 1e-6);
        for system in [
            LinearSystem::new(m.a.clone()).unwrap(),
            LinearSystem::by_exponential(m.a.clone()).unwrap(),
        ] {
            let mut x = vec![0.5; 75];
            let mut c = system.coordinates(&x);
            system.add(&mut c, 7, 3.0);
            x[7] += 3.0;
            let rounding = 10.0 * f64::EPSILON * system.quality().map_or(1.0, |q| q.condition);
            assert_close("dose", &system.physical(&c), &x, rounding);
        }
    }

    #[test]
    fn late_modes_left_out_do_not_show() {
        let m = neuraxis(237.0, 1e-3);
        let system = LinearSystem::new(m.a.clone()).unwrap();
        let mut x0 = vec![0.0; 75];
        x0[4] = 50.0;
        let (c, f) = (system.coordinates(&x0), system.forcing(&[0.0; 75]));
        let mut w = vec![0.0; 75];
        w[20] = 1.0;
        let row = system.output(&w);
        let all = system.trajectory(&row, &c, &f).unwrap();
        let amplitude: f64 = all.terms().iter().map(|t| t.amplitude.abs()).sum();
        let mut scratch = system.scratch();
        for t in [0.5, 5.0, 50.0, 500.0, 5000.0] {
            system.look(&c, &f, t, &mut scratch);
            let fast = system.evaluate(&row, &scratch);
            let slow = all.value(t);
            // The documented bound, besides the order of summation.
            let bound = 1e-14 * slow.abs() + 3e-33 * amplitude;
            assert!((fast - slow).abs() <= bound, "{t}: {fast} {slow}");
        }
    }
}

mod stepper {
    use super::*;

    fn run(stepper: &mut Stepper, rhs: impl Fn(f64, &[f64], &mut [f64]), t: f64) -> usize {
        let mut steps = 0;
        while stepper.interval().1 < t {
            stepper.step(&rhs, t, f64::INFINITY).unwrap();
            steps += 1;
        }
        steps
    }

    fn linear(m: &Model) -> impl Fn(f64, &[f64], &mut [f64]) + '_ {
        |_, x, dx| {
            dx.copy_from_slice(&m.b);
            for (i, dx) in dx.iter_mut().enumerate() {
                for (j, x) in x.iter().enumerate() {
                    *dx += m.a[(i, j)] * x;
                }
            }
        }
    }

    #[test]
    fn the_closed_forms_are_met_to_the_tolerance() {
        for m in closed_forms() {
            for rtol in [1e-6, 1e-9] {
                let n = m.x0.len();
                let mut s = Stepper::new(n, Tolerances::uniform(n, rtol, rtol)).unwrap();
                s.restart(0.0, &m.x0);
                run(&mut s, linear(&m), 4.0);
                assert_close(m.name, s.state(), &(m.exact)(4.0), 20.0 * rtol);
            }
        }
    }

    #[test]
    fn the_order_of_steps_is_five_and_of_the_interpolant_four() {
        // y' = y cos t, y = exp(sin t); fixed steps by a huge tolerance and h_max.
        let error = |h: f64| {
            let mut s = Stepper::new(1, Tolerances::uniform(1, 1e3, 1e3)).unwrap();
            s.restart(0.0, &[1.0]);
            let (mut ends, mut inside): (f64, f64) = (0.0, 0.0);
            while s.interval().1 < 2.0 {
                s.step(|t, y, dy| dy[0] = y[0] * t.cos(), 2.0, h).unwrap();
                let (a, b) = s.interval();
                ends = ends.max((s.state()[0] - b.sin().exp()).abs());
                for k in 1..8 {
                    let t = a + (b - a) * f64::from(k) / 8.0;
                    let mut y = [0.0];
                    s.interpolate(t, &mut y);
                    inside = inside.max((y[0] - t.sin().exp()).abs());
                }
            }
            (ends, inside)
        };
        let (coarse, fine) = (error(0.1), error(0.05));
        let (order, dense) = ((coarse.0 / fine.0).log2(), (coarse.1 / fine.1).log2());
        assert!(order > 4.7, "order {order}");
        // Global error of order five plus an interpolation error of local order five.
        assert!(dense > 4.3, "interpolant {dense}");
        assert!(fine.1 < 1e-7);
    }

    #[test]
    fn a_limit_is_met_exactly_and_does_not_spoil_the_next_step() {
        let mut s = Stepper::new(1, Tolerances::uniform(1, 1e-6, 1e-9)).unwrap();
        s.restart(0.0, &[1.0]);
        let rhs = |_: f64, y: &[f64], dy: &mut [f64]| dy[0] = -0.1 * y[0];
        run(&mut s, rhs, 5.0);
        let proposed = s.last_step().next_h.unwrap();
        s.step(rhs, 5.001, f64::INFINITY).unwrap();
        assert_eq!(s.interval().1, 5.001);
        assert!(s.last_step().next_h.unwrap() >= proposed);
    }

    #[test]
    fn steps_grow_when_nothing_happens() {
        let mut s = Stepper::new(1, Tolerances::uniform(1, 1e-6, 1e-9)).unwrap();
        s.restart(0.0, &[1.0]);
        let steps = run(&mut s, |_, _, dy| dy[0] = 0.0, 8760.0);
        assert!(steps <= 3, "{steps}");
    }

    #[test]
    fn a_step_grows_tenfold_at_most_and_does_where_it_may() {
        let mut s = Stepper::new(1, Tolerances::uniform(1, 1e-6, 1e-9)).unwrap();
        s.restart(0.0, &[1.0]);
        let rhs = |_: f64, _: &[f64], dy: &mut [f64]| dy[0] = 0.0;
        s.step(rhs, f64::MAX, 0.01).unwrap();
        for _ in 0..4 {
            let (t0, t1) = s.interval();
            s.step(rhs, f64::MAX, f64::INFINITY).unwrap();
            let (_, after) = s.interval();
            let growth = (after - t1) / (t1 - t0);
            assert!((growth - 10.0).abs() < 1e-9, "{growth}");
        }
    }

    #[test]
    fn a_step_into_what_is_not_defined_is_tried_again_a_tenth_as_long() {
        // A state that empties by a square root, which has none below zero.
        let rhs = |_: f64, y: &[f64], dy: &mut [f64]| dy[0] = -10.0 * y[0].sqrt() * y[0].sqrt();
        let mut s = Stepper::new(1, Tolerances::uniform(1, 1e-6, 1e-9)).unwrap();
        s.restart(0.0, &[1.0]);
        while s.last_step().next_h.is_none_or(|h| h < 10.0) {
            s.step(|_, _, dy| dy[0] = 0.0, f64::MAX, 10.0).unwrap();
        }
        s.restart_near(0.0, &[1.0], 10.0);
        s.step(rhs, 100.0, f64::INFINITY).unwrap();
        let (_, t) = s.interval();
        assert!(t > 0.001 && t <= 0.1, "{t}");
        assert!((s.state()[0] - (-10.0 * t).exp()).abs() < 1e-5);
    }

    #[test]
    fn where_nothing_moves_yet_the_first_step_only_feels_its_way() {
        // Hairer: a millionth of an hour ahead, and then a hundred times that at most.
        let mut s = Stepper::new(1, Tolerances::uniform(1, 1e-6, 1e-9)).unwrap();
        for start in [0.0, 1.0] {
            s.restart(0.0, &[start]);
            let mut farthest: f64 = 0.0;
            let rhs = |t: f64, _: &[f64], dy: &mut [f64]| {
                farthest = farthest.max(t);
                dy[0] = t;
            };
            s.step(rhs, 1000.0, f64::INFINITY).unwrap();
            assert!(farthest <= 1.000_001e-4, "{farthest}");
        }
    }

    #[test]
    fn restored_from_json_it_goes_on_with_the_same_bits() {
        let rhs = |t: f64, y: &[f64], dy: &mut [f64]| dy[0] = t.sin() - y[0] * y[0];
        let mut s = Stepper::new(1, Tolerances::uniform(1, 1e-7, 1e-9)).unwrap();
        s.restart(0.5, &[0.2]);
        for _ in 0..5 {
            s.step(rhs, 20.0, 1.0).unwrap();
        }
        let text = serde_json::to_string(&s).unwrap();
        let mut other: Stepper = serde_json::from_str(&text).unwrap();
        for _ in 0..5 {
            s.step(rhs, 20.0, 1.0).unwrap();
            other.step(rhs, 20.0, 1.0).unwrap();
        }
        assert_eq!(s, other);
    }

    #[test]
    fn what_cannot_be_stepped_is_a_typed_error() {
        use itbsim::numerics::StepError;
        let fresh = |y: f64| {
            let mut s = Stepper::new(1, Tolerances::uniform(1, 1e-6, 1e-9)).unwrap();
            s.restart(0.0, &[y]);
            s
        };
        let nan = fresh(1.0).step(|_, _, dy| dy[0] = f64::NAN, 1.0, 1.0);
        assert!(matches!(nan, Err(StepError::NotFinite { component: 0, .. })));
        // y' = y^2 from 1 is infinite at t = 1.
        let mut s = fresh(1.0);
        let blown = loop {
            if let Err(e) = s.step(|_, y, dy| dy[0] = y[0] * y[0], 2.0, 1.0) {
                break e;
            }
        };
        assert!(
            matches!(blown, StepError::Underflow { .. } | StepError::NotFinite { .. }),
            "{blown:?}"
        );
        assert!((s.interval().1 - 1.0).abs() < 1e-3);
        assert!(matches!(
            fresh(1.0).step(|_, _, dy| dy[0] = 0.0, -1.0, 1.0),
            Err(StepError::Backward { .. })
        ));
        let limit = Tolerances {
            max_steps: 2,
            ..Tolerances::uniform(1, 1e-6, 1e-9)
        };
        let mut s = Stepper::new(1, limit).unwrap();
        s.restart(0.0, &[1.0]);
        for _ in 0..2 {
            s.step(|_, _, dy| dy[0] = 1.0, 1e9, 1.0).unwrap();
        }
        assert!(matches!(
            s.step(|_, _, dy| dy[0] = 1.0, 1e9, 1.0),
            Err(StepError::TooManySteps { limit: 2, .. })
        ));
        assert!(Stepper::new(2, Tolerances::uniform(1, 1e-6, 1e-9)).is_err());
        assert!(Stepper::new(1, Tolerances::uniform(1, -1.0, 1e-9)).is_err());
    }
}

/// Each fault of `ode_solvers` 0.6.2: the naive mode is wrong, our wrapper right.
mod traps_of_ode_solvers {
    use super::*;
    use ode_solvers::dop_shared::{OutputType, System};
    use ode_solvers::{Dop853, Dopri5, Rk4};

    struct Cosine;
    impl System<f64, DVector<f64>> for Cosine {
        fn system(&self, t: f64, _: &DVector<f64>, dy: &mut DVector<f64>) {
            dy[0] = t.cos();
        }
    }
    impl UserModel for Cosine {
        fn dim(&self) -> usize {
            1
        }
        fn rhs(&self, t: f64, _: &[f64], dx: &mut [f64]) {
            dx[0] = t.cos();
        }
    }

    struct Nan;
    impl System<f64, DVector<f64>> for Nan {
        fn system(&self, _: f64, _: &DVector<f64>, dy: &mut DVector<f64>) {
            dy[0] = f64::NAN;
        }
    }
    impl UserModel for Nan {
        fn dim(&self) -> usize {
            1
        }
        fn rhs(&self, _: f64, _: &[f64], dx: &mut [f64]) {
            dx[0] = f64::NAN;
        }
    }

    struct Pulse;
    impl System<f64, DVector<f64>> for Pulse {
        fn system(&self, t: f64, _: &DVector<f64>, dy: &mut DVector<f64>) {
            dy[0] = if (5.0..5.01).contains(&t) { 100.0 } else { 0.0 };
        }
    }

    fn start(y: f64) -> DVector<f64> {
        DVector::from_element(1, y)
    }

    fn segment(t0: f64, t1: f64) -> Segment {
        Segment {
            t0,
            t1,
            jump: Vec::new(),
        }
    }

    fn tight(rtol: f64) -> GeneralTolerances {
        GeneralTolerances { rtol, atol: rtol }
    }

    const BOTH: [GeneralMethod; 2] = [GeneralMethod::Dopri5, GeneralMethod::Dop853Autonomous];

    #[test]
    fn dense_output_extrapolates_its_last_point() {
        let mut naive = Dopri5::new(Cosine, 0.0, 10.0, 5.0, start(0.0), 1e-8, 1e-8);
        assert!(naive.integrate().is_ok());
        let wrong = naive.y_out().last().unwrap()[0];
        assert!((wrong - 10f64.sin()).abs() > 1.0, "the fault is gone: {wrong}");
        let save: Vec<f64> = vec![0.0, 5.0, 10.0];
        for method in BOTH {
            let got = integrate(&Cosine, &[0.0], &[segment(0.0, 10.0)], &save, tight(1e-9), method).unwrap();
            for (t, y) in save.iter().zip(&got) {
                assert!((y[0] - t.sin()).abs() < 1e-7, "{method:?} {t}: {}", y[0]);
            }
        }
    }

    #[test]
    fn dop853_is_wrong_when_time_enters_the_right_hand_side() {
        let mut naive = Dop853::from_param(
            Cosine,
            0.0,
            10.0,
            1.0,
            start(0.0),
            1e-9,
            1e-9,
            0.9,
            0.0,
            0.333,
            6.0,
            10.0,
            0.0,
            100_000,
            1000,
            OutputType::Sparse,
        );
        let outcome = naive.integrate();
        let end = naive.y_out().last().unwrap()[0];
        let at = *naive.x_out().last().unwrap();
        assert!(outcome.is_err() || (end - at.sin()).abs() > 1e-6, "the fault is gone");
        let got = integrate(
            &Cosine,
            &[0.0],
            &[segment(0.0, 10.0)],
            &[10.0],
            tight(1e-12),
            GeneralMethod::Dop853Autonomous,
        )
        .unwrap();
        assert!((got[0][0] - 10f64.sin()).abs() < 1e-10);
    }

    #[test]
    fn a_start_below_zero_panics_in_dense_mode() {
        let naive = std::panic::catch_unwind(|| {
            let mut s = Dopri5::new(Cosine, -5.0, 5.0, 1.0, start(0.0), 1e-8, 1e-8);
            s.integrate().is_ok()
        });
        assert!(naive.is_err(), "the fault is gone");
        for method in BOTH {
            let got = integrate(
                &Cosine,
                &[(-5f64).sin()],
                &[segment(-5.0, 5.0)],
                &[-2.0, 5.0],
                tight(1e-9),
                method,
            )
            .unwrap();
            assert!((got[0][0] - (-2f64).sin()).abs() < 1e-7);
            assert!((got[1][0] - 5f64.sin()).abs() < 1e-7);
        }
    }

    #[test]
    fn rk4_returns_nan_and_overshoots_as_ok() {
        let mut naive = Rk4::new(Nan, 0.0, start(1.0), 1.0, 0.1);
        assert!(naive.integrate().is_ok());
        assert!(naive.y_out().last().unwrap()[0].is_nan());
        let mut naive = Rk4::new(Cosine, 0.0, start(0.0), 1.05, 0.1);
        assert!(naive.integrate().is_ok());
        assert!(*naive.x_out().last().unwrap() > 1.06, "the fault is gone");
        for method in BOTH {
            let got = integrate(&Nan, &[1.0], &[segment(0.0, 1.0)], &[1.0], tight(1e-6), method);
            assert!(matches!(got, Err(GeneralError::NotFinite { .. })), "{got:?}");
        }
    }

    #[test]
    fn a_narrow_pulse_is_stepped_over_but_not_between_segments() {
        let mut naive = Dopri5::from_param(
            Pulse,
            0.0,
            100.0,
            1.0,
            start(0.0),
            1e-6,
            1e-6,
            0.9,
            0.04,
            0.2,
            10.0,
            100.0,
            0.0,
            100_000,
            1000,
            OutputType::Sparse,
        );
        assert!(naive.integrate().is_ok());
        assert_eq!(naive.y_out().last().unwrap()[0], 0.0, "the fault is gone");
        struct Off;
        impl UserModel for Off {
            fn dim(&self) -> usize {
                1
            }
            fn rhs(&self, _: f64, _: &[f64], dx: &mut [f64]) {
                dx[0] = 0.0;
            }
        }
        let segments = [
            segment(0.0, 5.0),
            Segment {
                t0: 5.0,
                t1: 100.0,
                jump: vec![1.0],
            },
        ];
        for method in BOTH {
            let got = integrate(&Off, &[0.0], &segments, &[4.0, 5.0, 100.0], tight(1e-6), method).unwrap();
            assert_eq!(got, vec![vec![0.0], vec![1.0], vec![1.0]], "right limit at a jump");
        }
    }

    #[test]
    fn long_runs_are_called_stiff() {
        struct Fast;
        impl System<f64, DVector<f64>> for Fast {
            fn system(&self, _: f64, y: &DVector<f64>, dy: &mut DVector<f64>) {
                dy[0] = -237.0 * (y[0] - 1.0);
            }
        }
        impl UserModel for Fast {
            fn dim(&self) -> usize {
                1
            }
            fn rhs(&self, _: f64, y: &[f64], dy: &mut [f64]) {
                dy[0] = -237.0 * (y[0] - 1.0);
            }
        }
        let mut naive = Dopri5::new(Fast, 0.0, 240.0, 240.0, start(0.0), 1e-6, 1e-6);
        assert!(naive.integrate().is_err(), "the fault is gone");
        for method in BOTH {
            let got = integrate(&Fast, &[0.0], &[segment(0.0, 240.0)], &[240.0], tight(1e-6), method).unwrap();
            assert!((got[0][0] - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn what_fails_says_at_which_time_of_the_segments() {
        struct Square;
        impl UserModel for Square {
            fn dim(&self) -> usize {
                1
            }
            fn rhs(&self, _: f64, y: &[f64], dy: &mut [f64]) {
                dy[0] = y[0] * y[0];
            }
        }
        // From 1 on it is infinite an hour later.
        for method in BOTH {
            let segments = [segment(10.0, 10.5), segment(10.5, 20.0)];
            let got = integrate(&Square, &[1.0], &segments, &[20.0], tight(1e-9), method);
            let (GeneralError::NotFinite { t_h }
            | GeneralError::Underflow { t_h }
            | GeneralError::TooManySteps { t_h }
            | GeneralError::Stiff { t_h }) = got.unwrap_err()
            else {
                panic!("{method:?}");
            };
            assert!((t_h - 11.0).abs() < 1e-3, "{method:?} {t_h}");
        }
    }

    #[test]
    fn closed_forms_by_both_methods() {
        struct Plain<'a>(&'a Model);
        impl UserModel for Plain<'_> {
            fn dim(&self) -> usize {
                self.0.x0.len()
            }
            fn rhs(&self, _: f64, x: &[f64], dx: &mut [f64]) {
                for (i, dx) in dx.iter_mut().enumerate() {
                    *dx = self.0.b[i] + x.iter().enumerate().fold(0.0, |s, (j, x)| s + self.0.a[(i, j)] * x);
                }
            }
        }
        for m in closed_forms() {
            for method in BOTH {
                let x = integrate(
                    &Plain(&m),
                    &m.x0,
                    &[segment(0.0, 1.5), segment(1.5, 4.0)],
                    &[1.0, 1.5, 4.0],
                    tight(1e-10),
                    method,
                )
                .unwrap();
                for (t, x) in [1.0, 1.5, 4.0].iter().zip(&x) {
                    assert_close(m.name, x, &(m.exact)(*t), 1e-8);
                }
            }
        }
    }

    #[test]
    fn bad_input_is_an_error() {
        let ask = |x0: &[f64], s: &[Segment], save: &[f64]| {
            integrate(&Cosine, x0, s, save, tight(1e-6), GeneralMethod::Dopri5)
        };
        let bad = |r: Result<_, GeneralError>| matches!(r, Err(GeneralError::BadInput { .. }));
        assert!(bad(ask(&[], &[segment(0.0, 1.0)], &[])));
        assert!(bad(ask(&[f64::NAN], &[segment(0.0, 1.0)], &[])));
        assert!(bad(ask(&[0.0], &[segment(1.0, 0.0)], &[])));
        assert!(bad(ask(&[0.0], &[segment(0.0, 1.0), segment(2.0, 3.0)], &[])));
        assert!(bad(ask(&[0.0], &[segment(0.0, 1.0)], &[2.0])));
        assert!(bad(ask(&[0.0], &[segment(0.0, 1.0)], &[0.8, 0.2])));
        assert!(bad(ask(&[0.0], &[], &[0.2])));
        assert_eq!(ask(&[0.0], &[segment(0.0, 0.0)], &[0.0]).unwrap(), vec![vec![0.0]]);
    }
}

#[test]
fn what_changes_within_the_shortest_step_is_exact_all_the_same() {
    // 36 ms, less than the shortest step of powers of two, at 90,000 an hour: by series it would be off by 1e-6.
    let system = LinearSystem::by_exponential(DMatrix::from_element(1, 1, -9e4)).unwrap();
    let after = system.advance(&system.coordinates(&[2.0]), &system.forcing(&[0.0]), 1e-5);
    assert_close("fast", &system.physical(&after), &[2.0 * libm::exp(-0.9)], 1e-15);
}
