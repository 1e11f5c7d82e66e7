//! Defects seen in other engines, each shown to be absent here.

use crate::engine_toys::*;
use itbsim::engine::*;
use proptest::prelude::*;

fn engine<E: Event>() -> Engine<E> {
    Engine::new(EngineOptions::default())
}

const DEV: Phase = Phase::Device;
const SEG: Phase = Phase::Segment;

/// One line that starts at `value` with `slope` per hour, watched at `level`.
fn ramp(value: f64, slope: f64, level: f64, direction: Direction, band: f64) -> Lines {
    let mut lines = Lines::default();
    lines.add_line(value, slope);
    lines.add_watch(0, level, direction, band);
    lines
}

fn bend(engine: &mut Engine<Bend>, t: f64, slope: f64) {
    engine
        .schedule(h(t), SEG, Rank(0), Bend::Slope { line: 0, slope })
        .unwrap();
}

fn reached_at(lines: &Lines) -> Vec<f64> {
    lines.reached.iter().map(|r| ns(r.0).hours()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn trap_01_a_no_op_event_leaves_the_others_order(
        events in prop::collection::vec((0..20i64, 0..8usize, 0..3u32), 1..40),
        place in 0..40usize,
        idle in (0..20i64, 0..8usize, 0..3u32),
    ) {
        let run = |with_idle: bool| {
            let mut engine = engine();
            let mut put = |(t, p, r): (i64, usize, u32), event| {
                engine.schedule(ns(t), Phase::ALL[p], Rank(r), event).unwrap();
            };
            for (i, event) in events.iter().enumerate() {
                if with_idle && i == place.min(events.len() - 1) {
                    put(idle, say("idle", "nothing"));
                }
                put(*event, say("x", &i.to_string()));
            }
            let mut parrot = Parrot::default();
            engine.run(&mut parrot, ns(20)).unwrap();
            parrot.log.retain(|(_, name)| name != "idle.nothing");
            parrot.log
        };
        prop_assert_eq!(run(true), run(false));
    }
}

#[test]
fn trap_01_a_no_op_event_moves_no_crossing_although_it_splits_the_search() {
    let run = |idle: bool| {
        let mut engine = engine();
        let mut lines = ramp(0.0, 0.37, 1.0, Direction::Rising, 0.1);
        lines.watched[0].reset = Some(0.123);
        for i in 0..if idle { 500 } else { 0 } {
            engine
                .schedule(h(0.0913 * f64::from(i)), DEV, Rank(0), Bend::Idle)
                .unwrap();
        }
        engine.run(&mut lines, h(48.0)).unwrap();
        (lines.reached, lines.windows.len())
    };
    let (with, without) = (run(true), run(false));
    assert_eq!(with.0, without.0);
    assert!(without.0.len() > 10 && with.1 > 500);
}

/// A sawtooth that samples never disturb.
fn sawtooth(every: Option<SimSpan>) -> (Engine<Bend>, Lines) {
    let mut engine = engine();
    let mut lines = ramp(0.0, 0.37, 1.0, Direction::Rising, 0.1);
    lines.watched[0].reset = Some(0.123);
    lines.add_watch(0, 0.5, Direction::Either, 0.01);
    bend(&mut engine, 7.77, 0.21);
    bend(&mut engine, 31.4, 0.53);
    if let Some(every) = every {
        let every = every.as_nanos();
        let sample = Bend::Sample { every };
        engine
            .schedule(SimTime::ZERO, Phase::Observer, Rank(0), sample)
            .unwrap();
    }
    engine.run(&mut lines, h(48.0)).unwrap();
    (engine, lines)
}

#[test]
fn trap_02_observers_on_or_off_give_the_same_fingerprint() {
    let (without, plain) = sawtooth(None);
    let (with, sampled) = sawtooth(Some(SimSpan::MINUTE));
    assert_eq!(sampled.samples.len(), 48 * 60 + 1);
    assert_eq!(with.fingerprint(), without.fingerprint());
    assert_eq!(with.events_run(), without.events_run());
    assert_eq!(with.trace(), without.trace());
    assert_eq!(sampled.reached, plain.reached);
    assert_eq!(sampled.windows, plain.windows);
}

#[test]
fn trap_03_the_output_grid_does_not_move_an_event_by_a_nanosecond() {
    let minutes = |n| Some(SimSpan::MINUTE.checked_mul(n).unwrap());
    let (_, one) = sawtooth(minutes(1));
    assert!(one.reached.len() > 10);
    for grid in [
        minutes(15),
        minutes(60),
        Some(SimSpan::from_nanos(7_777_777_777_777)),
        None,
    ] {
        assert_eq!(sawtooth(grid).1.reached, one.reached);
    }
}

#[test]
fn trap_04_all_events_at_the_horizon_run_and_none_after_it() {
    let mut engine = engine();
    for (time, what) in [(10, "a"), (10, "b"), (10, "c"), (11, "after")] {
        let event = say("x", what).schedules(0, DEV, 0, say("x", "child"));
        engine.schedule(ns(time), SEG, Rank(0), event).unwrap();
    }
    engine
        .schedule(ns(10), Phase::Observer, Rank(0), say("x", "sample"))
        .unwrap();
    let mut parrot = Parrot::default();
    assert_eq!(engine.run(&mut parrot, ns(10)).unwrap(), Stop::Horizon);
    assert_eq!(
        parrot.names(),
        ["x.a", "x.b", "x.c", "x.child", "x.child", "x.child", "x.sample"]
    );
    assert_eq!(engine.now(), ns(10));
    // a later horizon goes on where it stopped, and repeats nothing
    engine.run(&mut parrot, ns(20)).unwrap();
    assert_eq!(parrot.names()[7..], ["x.after", "x.child"]);
    assert_eq!(engine.now(), ns(20));
}

#[test]
fn trap_04_a_crossing_at_the_horizon_runs() {
    let mut lines = ramp(0.0, 1.0, 2.0, Direction::Rising, 0.0);
    let mut engine = engine();
    engine.run(&mut lines, h(2.0)).unwrap();
    assert_eq!(reached_at(&lines), [2.0]);
    engine.run(&mut lines, h(4.0)).unwrap();
    assert_eq!(reached_at(&lines), [2.0]);
}

#[test]
fn trap_07_a_crossing_exactly_on_a_segment_end_fires_once() {
    for slope in [1.0, 0.0, -1.0, 3.7] {
        for direction in [Direction::Rising, Direction::Either] {
            let mut lines = ramp(0.0, 1.0, 2.0, direction, 0.5);
            let mut engine = engine();
            bend(&mut engine, 2.0, slope);
            engine.run(&mut lines, h(3.0)).unwrap();
            let rising = lines.reached.iter().filter(|r| r.2 == Direction::Rising);
            let times: Vec<i64> = rising.map(|r| r.0).collect();
            assert_eq!(times, [h(2.0).as_nanos()], "slope {slope}, {direction:?}");
            // the segment changes first, then the crossing is handled
            let phases: Vec<Phase> = engine.trace().records().iter().map(|r| r.phase).collect();
            assert_eq!(phases[..2], [SEG, Phase::Crossing]);
        }
    }
}

proptest! {
    #[test]
    fn trap_08_the_reported_instant_lies_on_the_far_side(
        value in -5.0..5.0f64,
        slope in prop_oneof![0.01..10.0f64, -10.0..-0.01f64],
        level in -5.0..5.0f64,
        band in 0.0..1.0f64,
    ) {
        prop_assume!((level - value) * slope > 0.0);
        let direction = if slope > 0.0 { Direction::Rising } else { Direction::Falling };
        let mut lines = ramp(value, slope, level, direction, band);
        let line = lines.lines[0].clone();
        engine().run(&mut lines, h(2_000.0)).unwrap();
        prop_assert_eq!(lines.reached.len(), 1);
        let t = lines.reached[0].0;
        let side = |t: i64| (line.at(ns(t)) - level) * slope.signum();
        prop_assert!(side(t) >= 0.0 && side(t - 1) < 0.0);
    }

    #[test]
    fn trap_08_the_location_does_not_depend_on_the_window(root in 1_000..1_000_000_000i64, before in 1..1_000i64, after in 0..1_000_000_000i64) {
        let mut watch = Watch::new(0.0, Direction::Rising, 0.0).unwrap();
        watch.observe(-1.0);
        let mut calls = 0;
        let found = locate(|t| { calls += 1; (t.as_nanos() - root) as f64 }, &watch, ns(root - before), ns(root + after));
        prop_assert_eq!(found, Some(ns(root)));
        prop_assert!(calls <= 64);
    }
}

#[test]
fn trap_09_a_crossing_late_in_a_long_run_is_consumed_once() {
    // 40 years on, a float date in hours resolves 0.05 us; bends a nanosecond apart surround the root
    let years = 350_640.0;
    let mut engine = engine();
    let mut lines = ramp(0.0, 0.0, 1.0, Direction::Rising, 1e-6);
    bend(&mut engine, years, 0.1);
    for n in -3..=3 {
        let t = ns(h(years + 10.0).as_nanos() + n);
        engine
            .schedule(t, SEG, Rank(0), Bend::Slope { line: 0, slope: 0.1 })
            .unwrap();
    }
    engine.run(&mut lines, h(years + 20.0)).unwrap();
    assert_eq!(lines.reached.len(), 1);
    assert!((lines.reached[0].0 - h(years + 10.0).as_nanos()).abs() <= 3);
}

#[test]
fn trap_10_two_components_with_the_same_crossing_both_fire_once() {
    let mut lines = Lines::default();
    for _ in 0..3 {
        let line = lines.add_line(0.0, 0.7);
        let w = lines.add_watch(line, 1.0, Direction::Rising, 0.1);
        lines.watched[w].reset = (w == 1).then_some(0.0); // one of them starts over
    }
    let mut engine = engine();
    engine.run(&mut lines, h(2.0)).unwrap();
    let who: Vec<usize> = lines.reached.iter().map(|r| r.1).collect();
    assert_eq!(who, [0, 1, 2]);
    assert!(lines.reached.iter().all(|r| r.0 == lines.reached[0].0));
    engine.run(&mut lines, h(3.0)).unwrap();
    let who: Vec<usize> = lines.reached.iter().map(|r| r.1).collect();
    assert_eq!(who, [0, 1, 2, 1]);
}

#[test]
fn trap_10_a_later_crossing_is_searched_again_after_the_first_has_bent_the_line() {
    // both watches see the same line; the first resets it, so the second is never reached
    let mut lines = ramp(0.0, 1.0, 1.0, Direction::Rising, 0.1);
    lines.watched[0].reset = Some(0.0);
    lines.add_watch(0, 1.5, Direction::Rising, 0.1);
    engine().run(&mut lines, h(5.0)).unwrap();
    assert_eq!(reached_at(&lines), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(lines.reached.iter().all(|r| r.1 == 0));
}

#[test]
fn trap_11_a_flat_signal_on_its_level_counts_when_reached_and_not_when_started_there() {
    for direction in [Direction::Rising, Direction::Falling, Direction::Either] {
        for band in [0.0, 0.5] {
            let mut lines = ramp(2.0, 0.0, 2.0, direction, band);
            engine().run(&mut lines, h(100.0)).unwrap();
            assert!(lines.reached.is_empty(), "{direction:?} {band}");
        }
    }
    let mut lines = ramp(0.0, 1.0, 2.0, Direction::Rising, 0.0);
    let mut engine = engine();
    bend(&mut engine, 2.0, 0.0);
    for t in 3..50 {
        bend(&mut engine, f64::from(t), 0.0);
    }
    engine.run(&mut lines, h(100.0)).unwrap();
    assert_eq!(reached_at(&lines), [2.0]);
}

#[test]
fn trap_12_a_reset_rearms_only_past_the_hysteresis_band() {
    let count = |reset: f64| {
        let mut lines = ramp(0.0, 1.0, 2.0, Direction::Rising, 0.5);
        lines.watched[0].reset = Some(reset);
        engine().run(&mut lines, h(20.0)).unwrap();
        lines.reached.len()
    };
    assert_eq!(count(1.99), 1); // flips the sign, but stays inside the band
    assert_eq!(count(1.5), 1); // on the edge of the band is still inside
    assert_eq!(count(1.0), 19); // at 2 h and then every hour
}

#[test]
fn trap_13_events_faster_than_the_clock_end_in_a_typed_error() {
    let mut engine = engine();
    let zeno = say("ball", "bounce").then(Then::Halve { after: 1 << 40 });
    engine.schedule(ns(0), DEV, Rank(0), zeno).unwrap();
    let error = engine.run(&mut Parrot::default(), h(24.0)).unwrap_err();
    let RunError::Engine(EngineError::SameInstantLimit { time, limit, last, .. }) = &error else {
        panic!("{error}");
    };
    // 2^40 + 2^39 + ... + 1
    assert_eq!((time.as_nanos(), *limit), ((1 << 41) - 1, 100_000));
    assert_eq!(*last, ["ball.bounce"; 8]);
    assert!(error.to_string().contains("ball.bounce, ball.bounce"), "{error}");
}

#[test]
fn trap_13_observers_are_limited_on_their_own_account() {
    let observers = |n: usize| {
        let mut engine = Engine::new(EngineOptions {
            same_instant_limit: 10,
            ..Default::default()
        });
        for i in 0..10 {
            engine.schedule(ns(5), DEV, Rank(0), say("x", &i.to_string())).unwrap();
        }
        for _ in 0..n {
            engine
                .schedule(ns(5), Phase::Observer, Rank(0), say("recorder", "look"))
                .unwrap();
        }
        engine.run(&mut Parrot::default(), ns(5))
    };
    assert!(observers(0).is_ok() && observers(10).is_ok());
    let error = observers(11).unwrap_err();
    assert!(
        matches!(error, RunError::Engine(EngineError::SameInstantLimit { .. })),
        "{error}"
    );
}

#[test]
fn trap_13_a_clock_that_creeps_or_never_ends_is_stopped() {
    let run = |options: EngineOptions, step: i64| {
        let mut engine = Engine::new(options);
        for i in 0..100 {
            engine.schedule(ns(i * step), DEV, Rank(0), say("x", "tick")).unwrap();
        }
        engine.run(&mut Parrot::default(), ns(100 * step))
    };
    let crowd = EngineOptions {
        crowd_limit: 50,
        ..Default::default()
    };
    // A nanosecond apart they crowd one second; a tenth of a second apart ten share one.
    let error = run(crowd, 1).unwrap_err();
    assert!(
        matches!(&error, RunError::Engine(EngineError::Crowd { limit: 50, last, .. }) if last == "x.tick"),
        "{error}"
    );
    assert!(run(crowd, 100_000_000).is_ok());
    let as_many = |crowd_limit| EngineOptions {
        crowd_limit,
        ..Default::default()
    };
    assert!(run(as_many(100), 1).is_ok());
    assert!(run(as_many(99), 1).is_err());

    let whole = |event_limit| {
        run(
            EngineOptions {
                event_limit,
                ..Default::default()
            },
            1_000_000_000,
        )
    };
    assert!(whole(100).is_ok());
    let error = whole(99).unwrap_err();
    assert!(
        matches!(error, RunError::Engine(EngineError::EventLimit { limit: 99, .. })),
        "{error}"
    );
}

#[test]
fn trap_14_events_at_time_zero_follow_the_same_order_as_everywhere() {
    let order = |time: i64, turn: usize| {
        let mut events = vec![
            (Phase::Observer, 0, "recorder"),
            (Phase::Tick, 0, "controller"),
            (Phase::Fault, 1, "fault.b"),
            (Phase::Fault, 0, "fault.a"),
            (SEG, 0, "programme"),
            (Phase::Patient, 0, "patient"),
        ];
        events.rotate_left(turn);
        let mut engine = engine();
        for (phase, rank, who) in events {
            engine.schedule(ns(time), phase, Rank(rank), say(who, "start")).unwrap();
        }
        let mut parrot = Parrot::default();
        engine.run(&mut parrot, ns(time)).unwrap();
        parrot.names().join(" ")
    };
    let expected = "programme.start fault.a.start fault.b.start patient.start controller.start recorder.start";
    for turn in 0..6 {
        assert_eq!(order(0, turn), expected);
        assert_eq!(order(1_000, turn), expected);
    }
}
