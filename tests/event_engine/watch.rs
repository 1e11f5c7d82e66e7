//! The watch: a level with direction and hysteresis.

use itbsim::engine::*;
use proptest::prelude::*;

use Direction::{Either, Falling, Rising};

/// What a watch on level 2 reports for each value in turn.
fn reports(direction: Direction, band: f64, values: &[f64]) -> Vec<Option<Direction>> {
    let mut watch = Watch::new(2.0, direction, band).unwrap();
    values.iter().map(|v| watch.observe(*v)).collect()
}

/// Positions at which something was reported.
fn at(direction: Direction, band: f64, values: &[f64]) -> Vec<usize> {
    let all = reports(direction, band, values);
    (0..all.len()).filter(|i| all[*i].is_some()).collect()
}

#[test]
fn a_rising_watch_reports_once_and_rearms_below_its_band() {
    assert_eq!(at(Rising, 0.5, &[1.0, 2.1, 3.0, 1.6, 2.1, 1.4, 2.0]), [1, 6]);
    assert_eq!(at(Rising, 0.0, &[1.0, 2.1, 1.9, 2.1]), [1, 3]);
    // exactly on the edge of the band is not past it
    assert_eq!(at(Rising, 0.5, &[1.0, 2.1, 1.5, 2.1]), [1]);
}

#[test]
fn a_falling_watch_is_its_mirror_image() {
    assert_eq!(at(Falling, 0.5, &[3.0, 1.9, 1.0, 2.4, 1.9, 2.6, 2.0]), [1, 6]);
    assert_eq!(at(Falling, 0.0, &[3.0, 1.9, 2.1, 1.9]), [1, 3]);
}

#[test]
fn the_first_value_tells_the_side_and_reports_nothing() {
    assert_eq!(at(Rising, 0.5, &[1.9, 2.0]), [1]); // inside the band, but below
    assert_eq!(at(Rising, 0.5, &[2.0, 2.5, 1.9, 2.5]), [0usize; 0]); // on the level
    assert_eq!(at(Rising, 0.5, &[9.0, 1.4, 2.0]), [2]);
    assert_eq!(at(Falling, 0.5, &[2.0, 1.0]), [0usize; 0]);
    assert_eq!(at(Either, 0.0, &[2.0, 3.0, 1.0]), [2]);
    assert_eq!(at(Either, 0.0, &[2.0, 2.0, 1.0, 3.0]), [3]);
}

#[test]
fn a_flat_signal_on_the_level_is_reported_once() {
    assert_eq!(at(Rising, 0.0, &[1.0, 2.0, 2.0, 2.0]), [1]);
    assert_eq!(at(Falling, 0.0, &[3.0, 2.0, 2.0, 2.0]), [1]);
    assert_eq!(at(Either, 0.0, &[1.0, 2.0, 2.0, 2.0]), [1]);
    assert_eq!(at(Either, 0.5, &[1.0, 2.0, 2.0, 2.0]), [1]);
}

#[test]
fn either_is_a_schmitt_trigger_that_takes_turns() {
    let all = reports(Either, 0.5, &[1.0, 2.0, 1.6, 2.1, 1.5, 1.9, 1.0, 2.0]);
    assert_eq!(
        all,
        [None, Some(Rising), None, None, Some(Falling), None, None, Some(Rising)]
    );
    // a touch from below is a passage, and so is the way back
    let all = reports(Either, 0.0, &[1.0, 2.0, 1.0, 2.0, 3.0, 2.0, 3.0]);
    assert_eq!(
        all,
        [
            None,
            Some(Rising),
            Some(Falling),
            Some(Rising),
            None,
            Some(Falling),
            Some(Rising)
        ]
    );
}

#[test]
fn a_nan_changes_nothing() {
    for direction in [Rising, Falling, Either] {
        let mut watch = Watch::new(2.0, direction, 0.1).unwrap();
        assert_eq!(watch.observe(f64::NAN), None);
        assert_eq!(watch.edge(), None);
        watch.observe(1.0);
        let before = watch;
        assert_eq!(watch.observe(f64::NAN), None);
        assert_eq!(watch, before);
    }
}

#[test]
fn a_band_lost_in_rounding_acts_as_none() {
    let mut watch = Watch::new(1e9, Either, 1e-12).unwrap();
    let all = [0.0, 1e9, 1e9, 0.0, 1e9].map(|v| watch.observe(v).is_some());
    assert_eq!(all, [false, true, false, true, true]);
}

#[test]
fn levels_and_bands_that_make_no_sense_are_refused() {
    assert!(matches!(
        Watch::new(f64::NAN, Rising, 0.0),
        Err(WatchError::Level { .. })
    ));
    assert!(matches!(
        Watch::new(f64::INFINITY, Rising, 0.0),
        Err(WatchError::Level { .. })
    ));
    assert!(matches!(
        Watch::new(0.0, Rising, -1.0),
        Err(WatchError::Hysteresis { .. })
    ));
    assert!(matches!(
        Watch::new(0.0, Rising, f64::NAN),
        Err(WatchError::Hysteresis { .. })
    ));
}

#[test]
fn nothing_is_located_before_a_value_or_without_a_passage() {
    let (lo, hi) = (SimTime::ZERO, SimTime::from_nanos(100));
    let rising = |t: SimTime| t.as_nanos() as f64;
    let mut watch = Watch::new(50.0, Rising, 0.0).unwrap();
    assert_eq!(locate(rising, &watch, lo, hi), None);
    watch.observe(0.0);
    assert_eq!(locate(rising, &watch, lo, hi), Some(SimTime::from_nanos(50)));
    assert_eq!(locate(rising, &watch, lo, SimTime::from_nanos(49)), None);
    assert_eq!(locate(rising, &watch, hi, lo), None);
    assert_eq!(locate(|_| f64::NAN, &watch, lo, hi), None);
    // a value that has jumped over the level at `lo` is on the far side from the next nanosecond
    assert_eq!(locate(|_| 60.0, &watch, lo, hi), Some(SimTime::from_nanos(1)));
    // the level inclusive, the re-arming exclusive
    watch.cross();
    let falling = |t: SimTime| 100.0 - t.as_nanos() as f64;
    assert_eq!(locate(falling, &watch, lo, hi), Some(SimTime::from_nanos(51)));
}

#[test]
fn a_location_across_the_whole_clock_ends() {
    let mut watch = Watch::new(0.0, Rising, 0.0).unwrap();
    watch.observe(-1.0);
    let found = locate(
        |t| t.as_nanos() as f64,
        &watch,
        SimTime::from_nanos(i64::MIN),
        SimTime::MAX,
    );
    assert_eq!(found, Some(SimTime::ZERO));
}

#[test]
fn the_error_of_a_value_comes_back() {
    let mut watch = Watch::new(0.0, Rising, 0.0).unwrap();
    watch.observe(-1.0);
    let found = try_locate(|_| Err("no value"), &watch, SimTime::ZERO, SimTime::from_nanos(9));
    assert_eq!(found, Err("no value"));
}

proptest! {
    #[test]
    fn reports_follow_the_side_and_the_band(
        direction in prop_oneof![Just(Rising), Just(Falling), Just(Either)],
        band in prop_oneof![Just(0.0), Just(1.0), Just(2.0)],
        values in prop::collection::vec((-4..5i32).prop_map(f64::from), 1..60),
    ) {
        let mut watch = Watch::new(0.0, direction, band).unwrap();
        let mut last: Option<(usize, Direction)> = None;
        let mut started = false;
        for (i, value) in values.iter().enumerate() {
            let edge = watch.edge();
            let mut by_cross = watch;
            let report = watch.observe(*value);
            // observing and crossing agree on what is reported
            if let Some(edge) = edge && edge.passed(*value) {
                prop_assert_eq!(report, edge.reports);
                prop_assert_eq!(by_cross.cross(), report);
            } else {
                prop_assert_eq!(report, None);
            }
            prop_assert!(report.is_none() || started);
            started |= watch.edge().is_some();
            // the same value again is never news
            let mut again = watch;
            prop_assert_eq!(again.observe(*value), None);
            if let Some(now) = report {
                prop_assert!(now != Either && (direction == Either || now == direction));
                if let Some((since, before)) = last {
                    let between = &values[since..i];
                    match direction {
                        Either => prop_assert_ne!(now, before),
                        Rising => prop_assert!(between.iter().any(|v| *v < -band)),
                        Falling => prop_assert!(between.iter().any(|v| *v > band)),
                    }
                }
                last = Some((i, now));
            }
        }
    }
}

#[test]
fn a_watch_says_its_level_and_whether_it_is_armed() {
    let mut watch = Watch::new(2.5, Direction::Rising, 0.5).unwrap();
    assert_eq!(watch.level(), 2.5);
    assert!(!watch.is_armed(), "it has seen nothing yet");
    watch.observe(1.0);
    assert!(watch.is_armed());
    watch.observe(3.0);
    assert!(
        !watch.is_armed(),
        "it has reported and waits for the value to come back"
    );
}

#[test]
fn a_first_value_on_the_level_of_a_band_counts_as_above() {
    let mut watch = Watch::new(1.0, Direction::Either, 0.5).unwrap();
    assert_eq!(watch.observe(1.0), None);
    assert_eq!(watch.observe(0.6), None, "inside the band");
    assert_eq!(watch.observe(0.4), Some(Direction::Falling));
}
