//! What the modes of a matrix, rows on a grid, sums of exponentials and correlated numbers do at their borders.

use itbsim::engine::{SimSpan, SimTime};
use itbsim::numerics::correlated::Factor;
use itbsim::numerics::{Act, ExponentialSum, FallbackReason, Gridded, GriddedError, Input, LinearSystem, Method, Term};
use nalgebra::DMatrix;

/// A first state that feeds a second: their rates \[1/h\] and the flow.
fn fed(rates: [f64; 2], flow: f64) -> LinearSystem {
    LinearSystem::new(DMatrix::from_row_slice(2, 2, &[-rates[0], 0.0, flow, -rates[1]])).unwrap()
}

/// Four compartments in a row that exchange, with bulk flow around and loss.
fn loop_of_four() -> DMatrix<f64> {
    let mut a = DMatrix::zeros(4, 4);
    let flows = [
        (0, 1, 3.1),
        (1, 0, 2.3),
        (1, 2, 1.7),
        (2, 1, 0.9),
        (2, 3, 4.3),
        (3, 2, 2.9),
        (3, 0, 0.05),
    ];
    for (from, to, rate) in flows {
        a[(to, from)] += rate;
        a[(from, from)] -= rate;
    }
    a[(2, 2)] -= 0.7;
    a
}

mod modes {
    use super::*;

    #[test]
    fn rates_equal_but_for_the_rounding_of_a_sum_are_one_rate() {
        let system = fed([0.1 + 0.2, 0.3], 1.0);
        assert_eq!(system.method(), Method::Modal);
        assert_eq!(system.rates()[0], system.rates()[1]);
        // Bateman at equal rates: t exp(-k t).
        let (c, f) = (system.coordinates(&[1.0, 0.0]), system.forcing(&[0.0; 2]));
        let later = system.physical(&system.advance(&c, &f, 4.0));
        assert!((later[1] - 4.0 * (-1.2f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn two_coupled_rates_may_be_as_near_as_the_limit_but_no_nearer() {
        // 1e-7 of 1e7 is 1 to the last bit.
        assert_eq!(fed([1e7, 1e7 - 1.0], 1.0).method(), Method::Modal);
        let (rate, other) = (-1e7, -(1e7 - 0.5));
        let reason = FallbackReason::NearlyRepeated { rate, other };
        assert_eq!(fed([1e7, 1e7 - 0.5], 1.0).method(), Method::Exponential(reason));
    }

    #[test]
    fn modes_may_be_as_parallel_as_the_limit_but_no_more() {
        // Rates 1 apart: the first mode is 1 and the flows to four others, its left one (1, 0, 0, 0, 0).
        // 1 + 199999^2 + 630^2 + 53^2 + 17^2 = 200000^2.
        let mut a = DMatrix::from_diagonal_element(5, 5, -1.0);
        a[(0, 0)] = -2.0;
        for (i, flow) in [199_999.0, 630.0, 53.0, 17.0].into_iter().enumerate() {
            a[(i + 1, 0)] = flow;
        }
        let system = LinearSystem::new(a).unwrap();
        assert_eq!(system.quality().unwrap().condition, 2e5);
        let far = fed([2.0, 1.0], 1e6).method();
        let Method::Exponential(FallbackReason::IllConditioned { condition }) = far else {
            panic!("{far:?}");
        };
        assert!((condition - 1e6).abs() < 1e-3, "{condition}");
    }

    #[test]
    fn a_rate_of_minus_zero_is_told_as_zero() {
        let system = LinearSystem::new(DMatrix::from_row_slice(1, 1, &[-0.0])).unwrap();
        assert_eq!(system.rates()[0].to_bits(), 0);
    }

    #[test]
    fn ways_of_equal_rates_that_meet_again_add_up() {
        // Two sources feed two stages, which feed two ends; all are lost at the same rate k, so
        // that in an end is exp(-k t) t^2 / 2 times the sum over both ways there.
        let k = 0.5;
        let first = [[3.0, 5.0], [7.0, 11.0]]; // into stage i from source j
        let second = [[0.5, 1.5], [2.5, -0.75]]; // into end i from stage j
        let mut a = DMatrix::from_diagonal_element(6, 6, -k);
        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            a[(2 + i, j)] = first[i][j];
            a[(4 + i, 2 + j)] = second[i][j];
        }
        let system = LinearSystem::new(a).unwrap();
        assert_eq!(system.method(), Method::Modal);
        let t = 2.0;
        let decay = (-k * t).exp();
        for source in 0..2 {
            let mut start = [0.0; 6];
            start[source] = 1.0;
            let (c, f) = (system.coordinates(&start), system.forcing(&[0.0; 6]));
            let later = system.physical(&system.advance(&c, &f, t));
            for (end, from) in second.iter().enumerate() {
                let ways: f64 = from.iter().zip(&first).map(|(out, into)| out * into[source]).sum();
                let exact = ways * 0.5 * t * t * decay;
                assert!((later[4 + end] - exact).abs() < 1e-13 * exact.abs(), "{source} {end}");
            }
        }
    }

    #[test]
    fn amounts_in_other_units_change_no_bit_of_rates_and_quality() {
        let a = loop_of_four();
        let plain = LinearSystem::new(a.clone()).unwrap();
        let quality = plain.quality().unwrap();
        assert!(quality.residual > 0.0);
        for units in [[1.0, 1024.0, 0.125, 4.0], [16.0, 0.5, 2f64.powi(30), 1.0]] {
            let other = DMatrix::from_fn(4, 4, |i, j| a[(i, j)] * units[i] / units[j]);
            let system = LinearSystem::new(other).unwrap();
            assert_eq!(system.quality(), Some(quality));
            assert_eq!(system.rates(), plain.rates());
        }
    }

    #[test]
    fn a_slower_or_faster_clock_scales_the_rates_and_nothing_else() {
        let a = loop_of_four();
        let plain = LinearSystem::new(a.clone()).unwrap();
        for clock in [2f64.powi(-40), 2f64.powi(40)] {
            let system = LinearSystem::new(&a * clock).unwrap();
            assert_eq!(system.quality(), plain.quality());
            let scaled: Vec<f64> = plain.rates().iter().map(|r| r * clock).collect();
            assert_eq!(system.rates(), scaled);
        }
    }

    #[test]
    fn a_closed_exchange_keeps_its_mass_and_its_pace_however_slow() {
        // k and 2 k to and fro: rates 0 and -3 k.
        let k = 2f64.powi(-40);
        let a = DMatrix::from_row_slice(2, 2, &[-k, 2.0 * k, k, -2.0 * k]);
        let system = LinearSystem::new(a).unwrap();
        assert_eq!(system.rates()[0], 0.0);
        assert!((system.rates()[1] / k + 3.0).abs() < 1e-14);
    }
}

mod grid {
    use super::*;

    fn jump(hours: f64, amount: f64) -> Input {
        Input {
            at: SimTime::from_hours(hours).unwrap(),
            state: 0,
            act: Act::Jump(amount),
        }
    }

    #[test]
    fn an_input_on_a_row_counts_behind_one_just_before_it() {
        let a = DMatrix::from_row_slice(1, 1, &[-0.5]);
        let system = Gridded::new(&a, SimSpan::from_hours(1.0).unwrap()).unwrap();
        let mut rows = [0.0; 3];
        system
            .solve(&[0.0], &[jump(0.5, 8.0), jump(1.0, 4.0)], &mut rows)
            .unwrap();
        let at_one = 8.0 * (-0.25f64).exp() + 4.0;
        assert_eq!(rows[0], 0.0);
        assert!((rows[1] - at_one).abs() < 1e-14);
        assert!((rows[2] - at_one * (-0.5f64).exp()).abs() < 1e-14);
    }

    #[test]
    fn rows_may_reach_to_the_last_instant_there_is_and_no_further() {
        // 2^63 - 1 ns is seven times something.
        let every = SimSpan::from_nanos(i64::MAX / 7);
        assert_eq!(every.as_nanos() * 7, i64::MAX);
        let a = DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 0.0, -1.0]);
        let system = Gridded::new(&a, every).unwrap();
        let mut rows = [7.0; 14];
        system.solve(&[1.0, 1.0], &[], &mut rows).unwrap();
        let (first, others) = rows.split_at(2);
        assert_eq!(first, [1.0, 1.0]);
        assert!(others.chunks(2).all(|row| row == [1.0, 0.0]));
        let refused = system.solve(&[1.0, 1.0], &[], &mut [7.0; 16]).unwrap_err();
        assert_eq!(refused, GriddedError::Grid { every_h: every.hours() });
    }

    #[test]
    fn states_that_stand_by_themselves_change_no_bit_of_the_others() {
        let a = loop_of_four();
        let solved = |n: usize| {
            let whole = DMatrix::from_fn(n, n, |i, j| if i < 4 && j < 4 { a[(i, j)] } else { 0.0 });
            let system = Gridded::new(&whole, SimSpan::from_hours(0.25).unwrap()).unwrap();
            let rate = Input {
                act: Act::Rate(0.3),
                ..jump(1.0, 0.0)
            };
            let mut rows = vec![0.0; 40 * n];
            system.solve(&vec![0.0; n], &[jump(0.0, 8.0), rate], &mut rows).unwrap();
            rows.chunks(n)
                .flat_map(|row| row[..4].to_vec())
                .map(f64::to_bits)
                .collect::<Vec<_>>()
        };
        // Small matrices are filled up with empty states to 4, 8 or 16.
        let alone = solved(4);
        assert_eq!(solved(8), alone);
        assert_eq!(solved(12), alone);
    }
}

mod sums {
    use super::*;

    fn area(rate: f64, power: u32) -> ExponentialSum {
        ExponentialSum::new(vec![Term {
            amplitude: 0.0,
            forcing: 1.0,
            rate,
            power,
        }])
    }

    #[test]
    fn the_whole_area_under_a_high_power_is_there_when_its_exponential_is_no_number_any_more() {
        // The integral of t^30 / 30! exp(-t) over all times is 1; exp(-740) is taken for zero.
        assert!((area(-1.0, 30).value(740.0) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn a_power_that_outgrows_all_numbers_is_infinite() {
        assert_eq!(area(0.0, 2).value(1e120), f64::INFINITY);
    }
}

mod numbers {
    use super::*;

    #[test]
    fn a_factor_knows_how_many_variables_it_has() {
        let factor = Factor::new(3, &[(0, 1, 0.6)]).unwrap();
        assert_eq!((factor.len(), factor.is_empty()), (3, false));
        // The second of two with correlation 0.6: 0.6 of the first and 0.8 of its own.
        assert!((factor.mix(1, &[1.0, 1.0, 5.0]) - 1.4).abs() < 1e-15);
        let none = Factor::new(0, &[]).unwrap();
        assert_eq!((none.len(), none.is_empty()), (0, true));
    }
}
