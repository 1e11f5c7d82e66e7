//! What the path for any model refuses, where it fails, and how it is compared with the exact one.

use itbsim::numerics::LinearSystem;
use itbsim::numerics::general::{
    GeneralError, GeneralMethod, GeneralTolerances, LinearSegment, Segment, UserModel, check_linear, integrate,
};
use nalgebra::DMatrix;

/// `y' = rate`, whatever `y`.
struct Steady(f64);

impl UserModel for Steady {
    fn dim(&self) -> usize {
        1
    }

    fn rhs(&self, _: f64, _: &[f64], dx: &mut [f64]) {
        dx[0] = self.0;
    }
}

const BOTH: [GeneralMethod; 2] = [GeneralMethod::Dopri5, GeneralMethod::Dop853Autonomous];

fn run(t0: f64, t1: f64, save_at: &[f64], rtol: f64, atol: f64) -> Result<Vec<Vec<f64>>, GeneralError> {
    let segment = Segment {
        t0,
        t1,
        jump: Vec::new(),
    };
    integrate(
        &Steady(2.0),
        &[1.0],
        &[segment],
        save_at,
        GeneralTolerances { rtol, atol },
        GeneralMethod::Dopri5,
    )
}

fn refused<T>(got: Result<T, GeneralError>) -> bool {
    matches!(got, Err(GeneralError::BadInput { .. }))
}

#[test]
fn each_tolerance_is_finite_and_above_zero() {
    assert!(run(0.0, 1.0, &[1.0], 1e-6, 1e-6).is_ok());
    for bad in [0.0, -1e-6, f64::INFINITY, f64::NAN] {
        assert!(refused(run(0.0, 1.0, &[1.0], bad, 1e-6)), "{bad}");
        assert!(refused(run(0.0, 1.0, &[1.0], 1e-6, bad)), "{bad}");
    }
}

#[test]
fn a_segment_has_two_ends_and_may_be_saved_twice_at_one_instant() {
    for (t0, t1) in [
        (0.0, f64::INFINITY),
        (f64::NEG_INFINITY, 0.0),
        (f64::NAN, 1.0),
        (0.0, f64::NAN),
        (1.0, 0.0),
    ] {
        assert!(refused(run(t0, t1, &[], 1e-6, 1e-6)), "{t0} to {t1}");
    }
    let twice = run(0.0, 1.0, &[0.5, 0.5, 1.0], 1e-9, 1e-9).unwrap();
    for (got, exact) in twice.iter().zip([2.0, 2.0, 3.0]) {
        assert!((got[0] - exact).abs() < 1e-12);
    }
    assert!(refused(run(0.0, 1.0, &[0.6, 0.5], 1e-9, 1e-9)));
}

#[test]
fn what_grows_beyond_all_numbers_fails_though_its_slope_is_one() {
    for method in BOTH {
        let segment = Segment {
            t0: 3.0,
            t1: 13.0,
            jump: Vec::new(),
        };
        let tolerances = GeneralTolerances { rtol: 1e-6, atol: 1e-6 };
        let got = integrate(&Steady(1e308), &[0.0], &[segment], &[13.0], tolerances, method);
        assert!(got.is_err(), "{method:?} {got:?}");
    }
}

mod against_the_exact_path {
    use super::*;

    /// Two states, of which the first feeds the second.
    fn chain() -> LinearSystem {
        LinearSystem::new(DMatrix::from_row_slice(2, 2, &[-1.0, 0.0, 0.7, -0.3])).unwrap()
    }

    fn during(duration_h: f64, input: Vec<f64>, jump: Vec<f64>) -> LinearSegment {
        LinearSegment {
            duration_h,
            input,
            jump,
        }
    }

    #[test]
    fn every_length_must_fit() {
        let check = |x0: &[f64], input: usize, jump: usize| {
            check_linear(&chain(), x0, &[during(1.0, vec![0.0; input], vec![0.0; jump])])
        };
        assert!(check(&[1.0, 0.0], 2, 0).is_ok());
        assert!(check(&[1.0, 0.0], 2, 2).is_ok());
        for (x0, input, jump) in [(1, 2, 0), (2, 1, 0), (2, 3, 2), (2, 2, 1), (2, 2, 3)] {
            assert!(refused(check(&vec![1.0; x0], input, jump)), "{x0} {input} {jump}");
        }
    }

    #[test]
    fn the_worst_state_is_told_with_its_difference_relative_to_the_largest() {
        // So large that the relative difference is not the difference itself.
        let check = check_linear(&chain(), &[1000.0, 5.0], &[during(2.5, vec![3.0, 0.0], Vec::new())]).unwrap();
        let largest = check.integrated.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let apart: Vec<f64> = check
            .exact
            .iter()
            .zip(&check.integrated)
            .map(|(e, i)| (e - i).abs())
            .collect();
        let worst = apart[check.state];
        assert!(worst > 0.0 && apart.iter().all(|a| *a <= worst), "{apart:?}");
        assert_eq!(check.worst, worst / largest);
        assert!(check.worst < 1e-9);
        assert_eq!(check.at_h, 2.5);
    }

    #[test]
    fn the_worst_is_told_at_the_end_of_its_segment_since_the_start() {
        // Nothing moves before the third segment, and nothing much after it.
        let still = || during(2.0, vec![0.0, 0.0], Vec::new());
        let moves = during(1.0, vec![0.0, 0.0], vec![1000.0, 0.0]);
        let check = check_linear(&chain(), &[0.0, 0.0], &[still(), still(), moves]).unwrap();
        assert!(check.worst > 0.0);
        assert_eq!(check.at_h, 5.0);
    }

    #[test]
    fn where_all_is_nothing_the_difference_is_nothing() {
        let check = check_linear(&chain(), &[0.0, 0.0], &[during(1.0, vec![0.0, 0.0], Vec::new())]).unwrap();
        assert_eq!((check.worst, check.at_h, check.state), (0.0, 0.0, 0));
    }
}
