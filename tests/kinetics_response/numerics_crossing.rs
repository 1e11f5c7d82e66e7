//! Bounds and crossings of sums of exponentials, against what can be worked out by hand.

use itbsim::numerics::{CrossingError, Direction, ExponentialSum, Term, crossing};

fn term(amplitude: f64, forcing: f64, rate: f64, power: u32) -> Term {
    Term {
        amplitude,
        forcing,
        rate,
        power,
    }
}

fn sum(terms: &[Term]) -> ExponentialSum {
    ExponentialSum::new(terms.to_vec())
}

#[track_caller]
fn assert_bounds(y: &ExponentialSum, t0: f64, t1: f64, low: f64, high: f64) {
    let bounds = y.bounds(t0, t1).unwrap();
    assert!(
        (bounds.0 - low).abs() < 1e-13 && (bounds.1 - high).abs() < 1e-13,
        "{bounds:?}, not {low} to {high}"
    );
    for k in 0..=60 {
        let value = y.value(t0 + (t1 - t0) * f64::from(k) / 60.0);
        assert!(bounds.0 <= value && value <= bounds.1, "{value} {bounds:?}");
    }
}

#[test]
fn the_bounds_of_a_single_hump_are_its_peak_and_its_lower_end() {
    // 2 t e^(-t/2) has its peak 4/e at 2; at 1 it is 2 e^(-1/2), at 4 only 8 e^(-2).
    let peak = 4.0 * (-1f64).exp();
    let at = |t: f64| 2.0 * t * (-0.5 * t).exp();
    let up = sum(&[term(2.0, 0.0, -0.5, 1)]);
    assert_bounds(&up, 1.0, 4.0, at(4.0), peak);
    assert_bounds(&up, 0.5, 1.0, at(0.5), at(1.0));
    assert_bounds(&up, 4.0, 6.0, at(6.0), at(4.0));
    let down = sum(&[term(-2.0, 0.0, -0.5, 1)]);
    assert_bounds(&down, 1.0, 4.0, -peak, -at(4.0));
    assert_bounds(&down, 4.0, 6.0, -at(4.0), -at(6.0));
}

#[test]
fn bounds_leave_room_for_what_rounding_hides() {
    // As numbers of the machine 0.1, 0.2 and -0.3 add up to 2^-55, in this order to twice that. A line that
    // begins at nought leaves it the lower bound; the same with all signs turned, the upper one.
    let exact = libm::scalbn(1.0, -55);
    for sign in [1.0, -1.0] {
        let check = |terms: &[Term], t0: f64| {
            let (low, high) = sum(terms).bounds(t0, t0 + 1.0).unwrap();
            let edge = sign * if sign > 0.0 { low } else { high };
            assert!(edge <= exact && edge > -1e-13, "{edge:e}");
        };
        let parts = [0.1, 0.2, -0.3].map(|part| sign * part);
        let constants = parts.map(|part| term(part, 0.0, 0.0, 0));
        check(&[&constants[..], &[term(0.0, sign, 0.0, 0)]].concat(), 0.0);
        // The integral of t e^-t is one after so long a time, and the line 1e-6 (t - 1024).
        let spent = parts.map(|part| term(0.0, part, -1.0, 1));
        let line = sign * libm::scalbn(1.0, -20);
        check(&[&spent[..], &[term(-1024.0 * line, line, 0.0, 0)]].concat(), 1024.0);
    }
}

#[test]
fn bounds_over_a_short_interval_at_a_peak_are_as_narrow_as_its_square() {
    // e^-t - e^-3t has its peak at ln(3)/2. Within a thousandth from there the slopes of the parts change by
    // 1.8e-3 at most; each part by itself changes by 0.6e-3.
    let y = sum(&[term(1.0, 0.0, -1.0, 0), term(-1.0, 0.0, -3.0, 0)]);
    let top = 0.5 * 3f64.ln();
    let (low, high) = y.bounds(top, top + 1e-3).unwrap();
    assert!(low <= y.value(top + 1e-3) && y.value(top) <= high);
    assert!(high - low < 6e-6, "{:e}", high - low);
}

#[test]
fn bounds_follow_the_unit() {
    let terms = [term(1.0, 0.0, -0.25, 0), term(2.0, 0.0, -0.5, 1)];
    let here = sum(&terms).bounds(1.0, 4.0).unwrap();
    for unit in [libm::scalbn(1.0, -40), libm::scalbn(1.0, 40)] {
        let other = sum(&terms.map(|t| term(unit * t.amplitude, 0.0, t.rate, t.power)));
        assert_eq!(other.bounds(1.0, 4.0).unwrap(), (unit * here.0, unit * here.1));
    }
}

#[test]
fn a_peak_made_by_what_is_there_and_what_comes_in_is_crossed_twice() {
    // 3 - 2 e^-t - t rises to 2 - ln 2 at ln 2 and falls from there.
    let y = sum(&[term(1.0, 3.0, -1.0, 0), term(0.0, -1.0, 0.0, 0)]);
    let found = y.crossings(1.3, 0.0, 1.0).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].t_h < 2f64.ln() && 2f64.ln() < found[1].t_h);
    for crossing in &found {
        let value = 3.0 - 2.0 * (-crossing.t_h).exp() - crossing.t_h;
        assert!((value - 1.3).abs() < 1e-12);
    }
    assert_eq!(found[0].direction, Direction::Rising);
}

#[test]
fn a_pair_within_the_shortest_interval_is_a_touch() {
    // From 0 the curve rises to 0.385 at 0.55e-9 h and is at 0.318 after 1e-9 h, the shortest interval.
    let y = sum(&[term(1.0, 0.0, -1e9, 0), term(-1.0, 0.0, -3e9, 0)]);
    assert!(y.value(0.5e-9) > 0.35);
    assert_eq!(y.crossings(0.35, 0.0, 1e-9).unwrap(), []);
}

#[test]
fn a_search_lost_in_rounding_is_given_up_with_the_place_it_came_to() {
    // (e^-t - 1/2)^3 is nothing but rounding for some 1e-5 h around ln 2.
    let y = sum(&[
        term(1.0, 0.0, -3.0, 0),
        term(-1.5, 0.0, -2.0, 0),
        term(0.75, 0.0, -1.0, 0),
        term(-0.125, 0.0, 0.0, 0),
    ]);
    match y.crossings(0.0, 0.0, 10.0) {
        Err(CrossingError::Undecided { level, t_h }) => {
            assert_eq!(level, 0.0);
            assert!((t_h - 2f64.ln()).abs() < 1e-4, "{t_h}");
        }
        other => panic!("{other:?}"),
    }
    // Beside the level there is nothing to lose oneself in.
    let t = y.first_crossing(1e-3, Direction::Falling, 0.0, 10.0).unwrap().unwrap();
    assert!((t + 0.6f64.ln()).abs() < 1e-11, "{t}");
}

#[test]
fn powers_of_time_are_isolated_too() {
    // t^2/2 e^-t peaks at t = 2 with 2 e^-2.
    let y = sum(&[term(1.0, 0.0, -1.0, 2)]);
    let peak = 2.0 * (-2f64).exp();
    let found = y.crossings(peak - 1e-6, 0.0, 500.0).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found[0].t_h < 2.0 && found[1].t_h > 2.0);
    assert_eq!(y.crossings(peak + 1e-9, 0.0, 500.0).unwrap(), []);
    // Its integral rises to 1: half of it is passed once.
    let area = sum(&[term(0.0, 1.0, -1.0, 2)]);
    let t = area
        .first_crossing(0.5, Direction::Rising, 0.0, 500.0)
        .unwrap()
        .unwrap();
    // Median of the Erlang distribution of three stages.
    assert!((t - 2.674_060_313_723_561_3).abs() < 1e-9, "{t}");
}

#[test]
fn what_is_found_does_not_depend_on_the_unit() {
    let dip = [
        term(1.0, 0.0, 0.0, 0),
        term(-1.0, 0.0, -40.0, 0),
        term(1.0, 0.0, -60.0, 0),
    ];
    let here = sum(&dip).crossings(0.9, 0.0, 8760.0).unwrap();
    assert_eq!(here.len(), 2);
    for unit in [1e-12, 1e12] {
        let scaled = dip.map(|t| term(unit * t.amplitude, 0.0, t.rate, 0));
        let found = sum(&scaled).crossings(0.9 * unit, 0.0, 8760.0).unwrap();
        assert_eq!(found.len(), 2, "{unit:e}");
        for (one, other) in found.iter().zip(&here) {
            assert_eq!(one.direction, other.direction);
            assert!((one.t_h - other.t_h).abs() < 1e-11, "{unit:e}");
        }
    }
    // A power of two rounds nothing: the very same, even where a product of two values would vanish.
    for power in [-600, 600] {
        let unit = libm::scalbn(1.0, power);
        let scaled = dip.map(|t| term(unit * t.amplitude, 0.0, t.rate, 0));
        assert_eq!(sum(&scaled).crossings(0.9 * unit, 0.0, 8760.0).unwrap(), here);
    }
}

#[test]
fn a_pair_farther_apart_than_the_resolution_is_found_next_to_the_origin_too() {
    // e^-t - e^-3t, a hundred million times as fast.
    let y = sum(&[term(1.0, 0.0, -1e8, 0), term(-1.0, 0.0, -3e8, 0)]);
    let found = y.crossings(0.2, 0.0, 3e-8).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].t_h - found[0].t_h > 10.0 * crossing::RESOLUTION_H);
}
