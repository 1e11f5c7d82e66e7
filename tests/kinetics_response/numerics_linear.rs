//! Linear systems, bundles and powers against what can be worked out by hand.

use itbsim::numerics::{Bundle, ExponentialSum, LinearSystem, NumericsError, Term, power, powers, steady};
use nalgebra::DMatrix;

fn square<const N: usize>(rows: [[f64; N]; N]) -> DMatrix<f64> {
    DMatrix::from_fn(N, N, |i, j| rows[i][j])
}

#[test]
fn an_output_weighs_its_states() {
    let system = LinearSystem::new(square([[-0.5]])).unwrap();
    let mut scratch = system.scratch();
    system.look(&system.coordinates(&[8.0]), &system.forcing(&[0.0]), 0.0, &mut scratch);
    assert_eq!(system.evaluate(&system.output(&[0.25]), &scratch), 2.0);
}

#[test]
fn an_input_in_the_place_of_another_is_as_a_new_one() {
    let a = square([[-2.0, 1.0], [1.0, -3.0]]);
    for system in [LinearSystem::new(a.clone()), LinearSystem::by_exponential(a)] {
        let system = system.unwrap();
        let mut input = system.forcing(&[1.0, 2.0]);
        system.force(&[5.0, 0.0], &mut input);
        assert_eq!(input, system.forcing(&[5.0, 0.0]));
    }
}

#[test]
fn two_pairs_of_equal_stages_keep_their_own_rates() {
    // Of one at the first stage, k t exp(-k t) is at the second.
    let system = LinearSystem::new(square([
        [-1.0, 0.0, 0.0, 0.0],
        [1.0, -1.0, 0.0, 0.0],
        [0.0, 0.0, -4.0, 0.0],
        [0.0, 0.0, 4.0, -4.0],
    ]))
    .unwrap();
    let start = system.coordinates(&[1.0, 0.0, 1.0, 0.0]);
    let after = system.physical(&system.advance(&start, &system.forcing(&[0.0; 4]), 0.5));
    let (slow, fast) = ((-0.5f64).exp(), (-2f64).exp());
    for (got, exact) in after.iter().zip([slow, 0.5 * slow, fast, 2.0 * fast]) {
        assert!((got - exact).abs() < 1e-15, "{after:?}");
    }
}

#[test]
fn what_settles_is_a_balance_of_flows() {
    // 2 ug/h and 4 ug/h through two states into a third.
    let pool = square([[-1.0, 1.0, 1.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]);
    assert_eq!(steady(&pool, &[0.0, 2.0, 4.0]).unwrap(), [6.0, 2.0, 4.0]);
    // Into a sink that never settles.
    let sink = square([[-0.5, 0.0], [0.5, 0.0]]);
    assert_eq!(steady(&sink, &[3.0, 0.0]).unwrap(), [6.0, 0.0]);
    // All that comes is taken away at once: nothing, not minus nothing.
    let drained = steady(&square([[-1.0, 0.0], [1.0, -1.0]]), &[1.0, -1.0]).unwrap();
    assert_eq!(drained, [1.0, 0.0]);
    assert!(drained[1].is_sign_positive());
    // 1e-20 x + y = 1 and x + y = 2: without an exchange of rows x would be nought.
    let slanted = square([[1e-20, 1.0], [1.0, 1.0]]);
    assert_eq!(steady(&slanted, &[-1.0, -2.0]).unwrap(), [1.0, 1.0]);
    let endless = steady(&square([[f64::NEG_INFINITY]]), &[1.0]);
    assert!(matches!(endless, Err(NumericsError::NoSteadyState { .. })));
}

#[test]
fn a_time_is_gone_in_steps_that_are_powers_of_two() {
    // Up to two centuries, so that no question costs an exponential of its own.
    let century = libm::scalbn(1.0, 20);
    for (unit, parts) in [(1.0, [2.0, 1.0]), (1.0 / century, [century, 0.5 * century])] {
        let a = square([[-0.7, 0.2], [0.3, -0.9]]) * unit;
        let system = LinearSystem::by_exponential(a).unwrap();
        let (start, input) = (system.coordinates(&[7.0, 0.3]), system.forcing(&[0.1 * unit, 0.0]));
        let at_once = system.advance(&start, &input, parts[0] + parts[1]);
        let on_the_way = system.advance(&start, &input, parts[0]);
        assert_eq!(at_once, system.advance(&on_the_way, &input, parts[1]));
    }
}

#[test]
fn what_little_time_changes_is_not_rounded_first() {
    // x exp(-7e-10) is x and a little, rounded once; a factor rounded before would be off by up to 1e-16.
    let system = LinearSystem::by_exponential(square([[-0.7]])).unwrap();
    for x in (1..=40).map(f64::from) {
        let after = system.advance(&system.coordinates(&[x]), &system.forcing(&[0.0]), 1e-9);
        assert_eq!(system.physical(&after), [x + x * libm::expm1(-0.7e-9)]);
    }
}

fn decay(amplitude: f64, rate: f64) -> Term {
    Term {
        amplitude,
        forcing: 0.0,
        rate,
        power: 0,
    }
}

#[test]
fn a_bundle_of_more_modes_than_are_computed_together_adds_all_of_them() {
    // 2^k exp(-(k + 1) t) for ten k: 1023 at first, a half each after ln 2.
    let terms = (0..10).map(|k| decay(libm::scalbn(1.0, k), -f64::from(k + 1)));
    let bundle = Bundle::new(&[ExponentialSum::new(terms.collect())]).unwrap();
    assert_eq!(bundle.values(0.0), [1023.0]);
    assert!((bundle.values(2f64.ln())[0] - 5.0).abs() < 1e-14);
}

#[test]
fn from_when_it_is_lost_a_decay_is_nothing() {
    let bundle = Bundle::new(&[ExponentialSum::new(vec![decay(1.0, -1.0)])]).unwrap();
    let end = bundle.settled_after();
    assert!((end - 1e16f64.ln()).abs() < 1e-13);
    assert_eq!(bundle.values(end), [0.0]);
    assert!(bundle.values(end.next_down())[0] > 9e-17);
}

#[test]
fn powers_as_large_or_small_as_the_reduction_allows_are_those_of_libm() {
    // The logarithm of this number is one to the last bit.
    let e = std::f64::consts::E;
    for exponent in [708.0, -708.0, 1000.0, -730.0] {
        let exact = libm::pow(e, exponent);
        assert_eq!(power(e, exponent), exact);
        assert_eq!(powers([e, 2.0], [exponent, 1.0])[0], exact);
    }
}
