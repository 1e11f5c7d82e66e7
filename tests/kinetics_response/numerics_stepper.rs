//! Each rule of the adaptive stepper against arithmetic by hand.

use itbsim::numerics::{StepError, Stepper, Tolerances};

fn tolerances(rtol: f64, atol: &[f64]) -> Tolerances {
    Tolerances {
        atol: atol.to_vec(),
        ..Tolerances::uniform(atol.len(), rtol, 1.0)
    }
}

fn stepper(rtol: f64, atol: &[f64], t: f64, y: &[f64]) -> Stepper {
    let mut stepper = Stepper::new(atol.len(), tolerances(rtol, atol)).unwrap();
    stepper.restart(t, y);
    stepper
}

/// One state that stands still at 1 for ever.
fn still() -> Stepper {
    stepper(1e-6, &[1e-6], 0.0, &[1.0])
}

fn nothing(_: f64, _: &[f64], dy: &mut [f64]) {
    dy.fill(0.0);
}

/// `y' = -y`, for each state.
fn decay(_: f64, y: &[f64], dy: &mut [f64]) {
    for (dy, y) in dy.iter_mut().zip(y) {
        *dy = -y;
    }
}

fn close(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() <= within, "{got} is not {expected}");
}

mod first_step {
    use super::*;

    /// Instants and states at which the slope is asked for in a first step.
    fn asked(mut stepper: Stepper, longest: f64, slope: impl Fn(f64, &[f64], &mut [f64])) -> Vec<(f64, Vec<f64>)> {
        let mut seen = Vec::new();
        let rhs = |t: f64, y: &[f64], dy: &mut [f64]| {
            seen.push((t, y.to_vec()));
            slope(t, y, dy);
        };
        stepper.step(rhs, 1e9, longest).unwrap();
        seen
    }

    #[test]
    fn it_is_hairers_guess_by_the_change_of_the_slope() {
        // Scales 1 + 2 / 2 = 2 and 2 + 4 / 2 = 4: the state is 1 and 1 of them, the slope 1 and 7, so
        // their norms are 1 and 5, and the trial step is 0.01 / 5.
        let two = stepper(0.5, &[1.0, 2.0], 16.0, &[2.0, -4.0]);
        let seen = asked(two, 1e9, |t, _, dy| {
            dy[0] = 2.0 + 200.0 * (t - 16.0);
            dy[1] = 28.0 + 2800.0 * (t - 16.0);
        });
        assert_eq!(seen[0], (16.0, vec![2.0, -4.0]));
        close(seen[1].0, 16.002, 1e-14);
        close(seen[1].1[0], 2.004, 1e-14);
        close(seen[1].1[1], -3.944, 1e-14);
        // The slope has changed by 0.4 and 5.6, 0.2 and 1.4 of the scales: 1 in 0.002 h.
        let step = (0.01f64 / 500.0).powf(0.2);
        close(seen[2].0, 16.0 + 0.2 * step, 1e-10);
    }

    #[test]
    fn it_is_at_most_a_hundred_times_the_trial_step() {
        let two = stepper(0.5, &[1.0, 2.0], 16.0, &[2.0, -4.0]);
        let seen = asked(two, 1e9, |_, _, dy| dy.copy_from_slice(&[2.0, 28.0]));
        // 0.2 and not (0.01 / 5)^0.2 = 0.29.
        close(seen[2].0, 16.0 + 0.2 * 0.2, 1e-10);
    }

    #[test]
    fn it_is_a_millionth_where_hardly_anything_moves_and_all_there_is_where_nothing_does() {
        let seen = asked(still(), 50.0, |_, _, dy| dy.fill(1e-25));
        close(seen[2].0, 0.2e-6, 1e-15);
        let seen = asked(still(), 50.0, nothing);
        close(seen[2].0, 0.2 * 50.0, 1e-12);
    }
}

mod control {
    use super::*;

    #[test]
    fn the_next_step_follows_the_error_of_this_one_and_of_the_one_before() {
        let mut s = stepper(1e-7, &[1e-9, 1e-9], 0.0, &[1.0, 5.0]);
        let (mut before, mut proposed) = (1e-4, None);
        let mut checked = 0;
        for _ in 0..40 {
            let mut calls = 0;
            let rhs = |t: f64, _: &[f64], dy: &mut [f64]| {
                calls += 1;
                dy[0] = (3.0 * t).cos();
                dy[1] = (0.5 * t).sin();
            };
            s.step(rhs, 1e3, 1e3).unwrap();
            let last = s.last_step().clone();
            // Six slopes are one attempt; errors below 1e-4 are told as that.
            if let (Some(h), 6, true) = (proposed, calls, last.last_error > 1e-4) {
                let factor = last.last_error.powf(0.17) / f64::powf(before, 0.04) / 0.9;
                close(last.next_h.unwrap(), h / factor.clamp(0.1, 5.0), 1e-9 * h);
                checked += 1;
            }
            (before, proposed) = (last.last_error, last.next_h);
        }
        assert!(checked > 10, "{checked}");
    }

    #[test]
    fn states_that_move_alike_are_stepped_as_one() {
        let mut one = stepper(1e-6, &[1e-6], 0.0, &[1.0]);
        let mut four = stepper(1e-6, &[1e-6; 4], 0.0, &[1.0; 4]);
        for _ in 0..10 {
            one.step(decay, 5.0, 5.0).unwrap();
            four.step(decay, 5.0, 5.0).unwrap();
            assert_eq!(one.interval(), four.interval());
            assert_eq!(one.last_step().last_error, four.last_step().last_error);
        }
    }

    #[test]
    fn a_hairs_breadth_before_the_limit_the_step_goes_to_it() {
        // Known to be at rest, the step would be as long as allowed.
        for (longest, end) in [(0.995, 1.0), (0.98, 0.98), (7.0, 1.0)] {
            let mut s = still();
            s.step(nothing, 1.0, longest).unwrap();
            assert_eq!(s.interval(), (0.0, end));
        }
    }

    #[test]
    fn at_the_limit_already_nothing_happens_and_before_it_is_an_error() {
        let mut s = still();
        s.step(nothing, 1.0, 1.0).unwrap();
        let none = s.step(nothing, 1.0, 1.0).unwrap();
        assert_eq!((none.t0, none.t1), (1.0, 1.0));
        assert!(matches!(s.step(nothing, 0.5, 1.0), Err(StepError::Backward { .. })));
    }

    #[test]
    fn a_step_within_rounding_of_the_clock_is_refused() {
        // Next to 1e17 the clock goes by 16, and four roundings are 89.
        let mut s = stepper(1e-6, &[1e-6], 1e17, &[1.0]);
        assert!(matches!(s.step(nothing, 2e17, 50.0), Err(StepError::Underflow { .. })));
        assert!(s.step(nothing, 2e17, 200.0).is_ok());
    }

    #[test]
    fn what_is_no_number_is_tried_in_tenths_and_told_with_its_place() {
        let mut s = stepper(1e-3, &[1e-3, 1e-3], 0.0, &[1.0, 1.0]);
        let mut calls = 0;
        let rhs = |t: f64, _: &[f64], dy: &mut [f64]| {
            calls += 1;
            dy.copy_from_slice(&[1.0, if t > 0.0 { f64::NAN } else { 1.0 }]);
        };
        let got = s.step(rhs, 1.5e6, 1.5e6);
        assert!(matches!(got, Err(StepError::NotFinite { component: 1, .. })), "{got:?}");
        // The slope, the trial of the first step, 0.01 h; and 0.01, 0.001 and 0.0001 h, the last less than
        // 1e-10 of the way.
        assert_eq!(calls, 2 + 3 * 6);
        assert_eq!(s.interval(), (0.0, 0.0));
    }
}

mod keeping {
    use super::*;

    #[test]
    fn two_are_equal_that_have_the_same_tolerances_and_the_same_step() {
        assert_eq!(still(), still());
        assert_ne!(still(), stepper(1e-6, &[2e-6], 0.0, &[1.0]));
        assert_ne!(still(), stepper(1e-6, &[1e-6], 0.0, &[2.0]));
        assert_ne!(still(), stepper(1e-6, &[1e-6], 1.0, &[1.0]));
    }

    #[test]
    fn looked_at_outside_a_step_gives_its_nearer_end() {
        let mut s = stepper(1e-3, &[1e-3], 0.0, &[1.0]);
        s.step(decay, 5.0, 0.3).unwrap();
        let last = s.last_step().clone();
        for (t, expected) in [
            (last.t0, &last.y0),
            (last.t0 - 1.0, &last.y0),
            (last.t1, &last.y1),
            (last.t1 + 1.0, &last.y1),
        ] {
            let mut out = [0.0];
            s.interpolate(t, &mut out);
            assert_eq!(out.as_slice(), expected.as_slice());
        }
        let mut middle = [0.0];
        s.interpolate(0.5 * last.t1, &mut middle);
        close(middle[0], (-0.5 * last.t1).exp(), 1e-4);
    }
}
