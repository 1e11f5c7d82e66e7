//! The numbered promises of the engine, each by name.

use std::error::Error;

use crate::engine_toys::*;
use itbsim::engine::*;
use proptest::prelude::*;

fn engine<E: Event>() -> Engine<E> {
    Engine::new(EngineOptions::default())
}

const DEV: Phase = Phase::Device;

#[test]
fn promise_01_time_is_whole_nanoseconds_and_overflow_is_an_error() {
    // a tenth of an hour, 1e5 times: a sum of floats would have drifted
    let mut engine = engine();
    let step = SimSpan::from_hours(0.1).unwrap().as_nanos();
    let tick = say("tick", "tock").then(Then::Repeat { after: step });
    engine.schedule(SimTime::ZERO, DEV, Rank(0), tick).unwrap();
    let mut parrot = Parrot::default();
    engine.run(&mut parrot, h(1e4)).unwrap();
    assert_eq!(parrot.log.len(), 100_001);
    assert_eq!(parrot.log.last().unwrap().0, h(1e4).as_nanos());

    let mut engine = Engine::new(EngineOptions::default());
    let far = say("tick", "far").then(Then::Repeat { after: i64::MAX });
    engine.schedule(ns(1), DEV, Rank(0), far).unwrap();
    let error = engine.run(&mut Parrot::default(), SimTime::MAX).unwrap_err();
    assert!(
        matches!(
            error,
            RunError::Model {
                source: ToyError::Engine(EngineError::Clock(TimeError::OutOfRange { .. })),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn promise_02_order_is_time_phase_rank_sequence() {
    let mut engine = engine();
    let mut put = |time, phase, rank, what: &str| {
        engine.schedule(ns(time), phase, Rank(rank), say("x", what)).unwrap();
    };
    put(10, Phase::Observer, 0, "12 observer");
    put(10, Phase::Tick, 0, "11 tick");
    put(10, Phase::Clinician, 0, "10 clinician");
    put(10, Phase::Patient, 0, "09 patient");
    put(10, DEV, 1, "06 device, rank 1, first");
    put(10, DEV, 1, "07 device, rank 1, second");
    put(10, DEV, u32::MAX, "08 device, last rank");
    put(10, DEV, 0, "05 device, rank 0");
    put(10, Phase::Fault, u32::MAX, "04 fault");
    put(10, Phase::Crossing, 0, "03 crossing");
    put(10, Phase::Segment, 9, "02 segment");
    put(9, Phase::Observer, 9, "01 earlier");
    put(11, Phase::Segment, 0, "13 later");
    let mut parrot = Parrot::default();
    engine.run(&mut parrot, ns(20)).unwrap();
    let names = parrot.names();
    assert_eq!(names.len(), 13);
    assert!(names.is_sorted(), "{names:#?}");
}

#[test]
fn promise_02_rank_comes_from_names_so_lines_of_a_file_may_move() {
    let run = |names: [&str; 4]| {
        let ranks = RankTable::new(names);
        let mut engine = engine();
        for name in names {
            let rank = ranks.rank(name).unwrap();
            engine.schedule(ns(5), Phase::Fault, rank, say(name, "onset")).unwrap();
        }
        engine.run(&mut Parrot::default(), ns(5)).unwrap();
        engine.fingerprint()
    };
    let one = run(["fault.kink", "fault.leak", "pump", "catheter"]);
    assert_eq!(one, run(["pump", "catheter", "fault.leak", "fault.kink"]));
    assert_eq!(one, run(["fault.leak", "pump", "fault.kink", "catheter"]));
}

#[test]
fn promise_02_observers_see_the_settled_value_of_their_instant() {
    let mut engine = engine();
    let mut lines = Lines::default();
    let line = lines.add_line(1.0, 0.0);
    engine
        .schedule(
            h(1.0),
            Phase::Observer,
            Rank(0),
            Bend::Sample {
                every: SimSpan::DAY.as_nanos(),
            },
        )
        .unwrap();
    engine
        .schedule(h(1.0), Phase::Tick, Rank(9), Bend::Jump { line, value: 7.0 })
        .unwrap();
    engine.run(&mut lines, h(1.0)).unwrap();
    assert_eq!(lines.samples, [7.0]);
}

#[test]
fn promise_03_the_same_instant_limit_carries_the_last_causes() {
    let limit = 100;
    let mut engine = Engine::new(EngineOptions {
        same_instant_limit: limit,
        ..Default::default()
    });
    for n in 0..limit {
        engine
            .schedule(ns(5), DEV, Rank(0), say("pump", &format!("n{n}")))
            .unwrap();
    }
    let mut copy = engine.clone();
    assert_eq!(engine.run(&mut Parrot::default(), ns(5)).unwrap(), Stop::Horizon);
    assert_eq!(engine.events_run(), 100);

    copy.schedule(ns(5), Phase::Tick, Rank(0), say("loop", "extra"))
        .unwrap();
    let error = copy.run(&mut Parrot::default(), ns(5)).unwrap_err();
    let RunError::Engine(EngineError::SameInstantLimit {
        time,
        limit: 100,
        event,
        last,
    }) = &error
    else {
        panic!("{error}");
    };
    assert_eq!((*time, *event), (ns(5), EventId(100)));
    assert_eq!(
        last.join(" "),
        "pump.n93 pump.n94 pump.n95 pump.n96 pump.n97 pump.n98 pump.n99 loop.extra"
    );
}

#[test]
fn promise_03_a_small_limit_names_what_there_was() {
    let mut engine = Engine::new(EngineOptions {
        same_instant_limit: 2,
        ..Default::default()
    });
    for (time, what) in [(1, "early"), (5, "a"), (5, "b"), (5, "c")] {
        engine.schedule(ns(time), DEV, Rank(0), say("x", what)).unwrap();
    }
    let error = engine.run(&mut Parrot::default(), ns(5)).unwrap_err();
    let RunError::Engine(EngineError::SameInstantLimit { last, .. }) = error else {
        panic!()
    };
    assert_eq!(last, ["x.a", "x.b", "x.c"]);
}

#[test]
fn promise_04_cancel_is_idempotent_and_says_whether_it_did_anything() {
    let mut engine = engine();
    let first = engine.schedule(ns(5), DEV, Rank(0), say("x", "never")).unwrap();
    let fires = engine.schedule(ns(1), DEV, Rank(0), say("x", "fires")).unwrap();
    let more = say("x", "more")
        .schedules(1, DEV, 0, say("x", "nor this"))
        .then(Then::CancelLast)
        .then(Then::CancelLast);
    engine.schedule(ns(2), DEV, Rank(0), more).unwrap();
    assert!(engine.cancel(first));
    assert!(!engine.cancel(first));
    let mut parrot = Parrot::default();
    engine.run(&mut parrot, ns(9)).unwrap();
    assert_eq!(parrot.names(), ["x.fires", "x.more"]);
    assert_eq!(parrot.cancelled, [true, false]);
    assert!(!engine.cancel(fires));
    // the slots have been used again since; the old handles still name nothing
    let new = engine.schedule(ns(9), DEV, Rank(0), say("x", "new")).unwrap();
    assert!(!engine.cancel(first) && !engine.cancel(fires));
    assert!(engine.cancel(new));
    assert_eq!(engine.pending(), 0);
}

#[test]
fn promise_05_a_state_event_is_located_scheduled_and_rearmed_with_hysteresis() {
    let mut engine = engine();
    let mut lines = Lines::default();
    let line = lines.add_line(0.0, 1.0);
    lines.add_watch(line, 2.0, Direction::Rising, 0.5);
    // up through 2 at 2 h, down to 1.7 (inside the band), up to 2.2, down to 1.0, up again
    for (t, slope) in [(2.5, -1.0), (3.3, 1.0), (3.8, -1.0), (5.0, 1.0)] {
        engine
            .schedule(h(t), Phase::Segment, Rank(0), Bend::Slope { line, slope })
            .unwrap();
    }
    engine.run(&mut lines, h(10.0)).unwrap();
    let times: Vec<i64> = lines.reached.iter().map(|r| r.0).collect();
    assert_eq!(times.len(), 2);
    assert_eq!(times[0], h(2.0).as_nanos());
    assert!(
        (times[1] - h(6.0).as_nanos()).abs() <= 1,
        "{}",
        times[1] - h(6.0).as_nanos()
    );
    let records: Vec<_> = engine
        .trace()
        .records()
        .iter()
        .filter(|r| r.phase == Phase::Crossing)
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].name(), "watch.0.reached");
}

#[test]
fn promise_05_a_crossing_outside_its_window_is_an_error() {
    struct Liar(i64);
    impl Model for Liar {
        type Event = Say;
        type Error = ToyError;
        fn next_crossings(&mut self, _: SimTime, _: SimTime, out: &mut Vec<Crossing<Say>>) -> Result<(), ToyError> {
            out.push(Crossing {
                time: ns(self.0),
                rank: Rank(0),
                cause: EventId::START,
                event: say("liar", "cross"),
            });
            Ok(())
        }
        fn handle(&mut self, _: &Fired<Say>, _: &mut Context<'_, Say>) -> Result<(), ToyError> {
            Ok(())
        }
    }
    for time in [0, 11, -5] {
        let error = engine().run(&mut Liar(time), ns(10)).unwrap_err();
        assert!(
            matches!(error, RunError::Engine(EngineError::CrossingOutsideWindow { .. })),
            "{time}: {error}"
        );
    }
    // inside, it fires; reported again at the same instant, it is outside the next window
    let mut engine = engine();
    let error = engine.run(&mut Liar(10), ns(12)).unwrap_err();
    assert_eq!(engine.events_run(), 1);
    assert!(error.to_string().contains("liar.cross"), "{error}");
}

#[test]
fn promise_06_every_event_keeps_its_cause_and_the_chain_reaches_the_start() {
    let mut engine = engine();
    let seizure = say("symptom.seizure", "onset");
    let withdrawal = say("response", "withdrawal").schedules(10, Phase::Patient, 0, seizure);
    let leak = say("fault.leak", "start")
        .then(Then::Note("25 cm from the pump".into()))
        .then(Then::Note("step".into()))
        .schedules(100, DEV, 0, withdrawal);
    engine.schedule(ns(50), Phase::Fault, Rank(0), leak).unwrap();
    let noise = say("pump", "stroke").then(Then::Repeat { after: 7 });
    engine.schedule(ns(0), DEV, Rank(0), noise).unwrap();
    engine.run(&mut Parrot::default(), ns(200)).unwrap();

    let trace = engine.trace();
    let id = trace
        .records()
        .iter()
        .find(|r| r.component == "symptom.seizure")
        .unwrap()
        .id;
    let chain = trace.chain(id);
    let names: Vec<String> = chain.iter().map(|r| r.name()).collect();
    assert_eq!(
        names,
        ["symptom.seizure.onset", "response.withdrawal", "fault.leak.start"]
    );
    assert_eq!(chain[2].cause, EventId::START);
    assert_eq!(chain[2].detail, "25 cm from the pump; step");
    assert!(trace.records().iter().all(|r| r.cause < r.id));
    assert!(
        trace
            .records()
            .iter()
            .enumerate()
            .all(|(i, r)| r.id == EventId(i as u64 + 1))
    );
    assert!(trace.chain(EventId(9_999)).is_empty() && trace.chain(EventId::START).is_empty());
}

/// An event that is routine if it says so; what says nothing is not.
#[derive(Debug, Clone)]
struct Beat {
    routine: Option<bool>,
}

#[derive(Debug, Clone)]
struct Plain;

impl Event for Beat {
    fn component(&self) -> std::borrow::Cow<'_, str> {
        "heart".into()
    }
    fn kind(&self) -> std::borrow::Cow<'_, str> {
        "beat".into()
    }
    fn hash_into(&self, _: &mut Fingerprint) {}
    fn is_routine(&self) -> bool {
        self.routine.unwrap_or_else(|| Plain.is_routine())
    }
}

impl Event for Plain {
    fn component(&self) -> std::borrow::Cow<'_, str> {
        "plain".into()
    }
    fn kind(&self) -> std::borrow::Cow<'_, str> {
        "event".into()
    }
    fn hash_into(&self, _: &mut Fingerprint) {}
}

struct Nothing;

impl Model for Nothing {
    type Event = Beat;
    type Error = ToyError;
    fn next_crossings(&mut self, _: SimTime, _: SimTime, _: &mut Vec<Crossing<Beat>>) -> Result<(), ToyError> {
        Ok(())
    }
    fn handle(&mut self, _: &Fired<Beat>, _: &mut Context<'_, Beat>) -> Result<(), ToyError> {
        Ok(())
    }
}

#[test]
fn promise_06_a_brief_trace_leaves_out_routine_and_nothing_else() {
    let ids = |trace: bool, brief: bool| {
        let options = EngineOptions {
            trace,
            brief,
            ..Default::default()
        };
        let mut engine = Engine::new(options);
        assert_eq!(*engine.options(), options);
        for (i, routine) in [None, Some(true), Some(false)].into_iter().enumerate() {
            let at = ns(i as i64 + 1);
            engine.schedule(at, Phase::Device, Rank(0), Beat { routine }).unwrap();
        }
        engine.run(&mut Nothing, ns(10)).unwrap();
        let seen: Vec<u64> = engine.trace().records().iter().map(|r| r.id.0).collect();
        let kept: Vec<u64> = engine.into_trace().into_records().iter().map(|r| r.id.0).collect();
        assert_eq!(seen, kept);
        kept
    };
    assert_eq!(ids(true, false), [1, 2, 3]);
    assert_eq!(ids(true, true), [1, 3]);
    assert!(ids(false, false).is_empty() && ids(false, true).is_empty());
}

#[test]
fn promise_06_a_chain_ends_even_where_a_stored_trace_turns_in_a_circle() {
    let mut engine = engine::<Say>();
    engine.schedule(ns(1), Phase::Device, Rank(0), say("x", "one")).unwrap();
    engine.schedule(ns(2), Phase::Device, Rank(0), say("x", "two")).unwrap();
    engine.run(&mut Parrot::default(), ns(10)).unwrap();
    let mut stored = serde_json::to_value(engine.trace()).unwrap();
    stored[1]["cause"] = 2.into();
    let circle: Trace = serde_json::from_value(stored).unwrap();
    assert_eq!(circle.chain(EventId(2)).len(), 1);
    assert_eq!(circle.chain(EventId(1)).len(), 1);
    assert!(circle.chain(EventId(3)).is_empty());
}

#[test]
fn promise_06_a_cause_that_has_not_fired_is_refused() {
    let mut engine = engine();
    let error = engine
        .schedule_caused_by(EventId(1), ns(1), DEV, Rank(0), say("x", "y"))
        .unwrap_err();
    assert!(matches!(
        error,
        EngineError::CauseNotFired {
            cause: EventId(1),
            fired: EventId::START,
            ..
        }
    ));
    engine.schedule(ns(1), DEV, Rank(0), say("a", "b")).unwrap();
    engine.run(&mut Parrot::default(), ns(1)).unwrap();
    engine
        .schedule_caused_by(EventId(1), ns(2), DEV, Rank(0), say("x", "y"))
        .unwrap();
    engine.run(&mut Parrot::default(), ns(2)).unwrap();
    assert_eq!(engine.trace().chain(EventId(2)).len(), 2);
}

#[test]
fn promise_08_nothing_in_the_engine_iterates_a_hash_or_reads_a_clock() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for word in [
            "HashMap",
            "HashSet",
            "RandomState",
            "std::time",
            "SystemTime",
            "mul_add",
            "thread_rng",
            ".powf(",
            ".exp(",
            ".ln(",
        ] {
            assert!(!text.contains(word), "{word} in {}", path.display());
        }
        read += 1;
    }
    assert!(read >= 10);
}

#[test]
fn promise_09_the_fingerprint_has_golden_values() {
    // computed by an independent implementation of the documented mixing
    let mut fp = Fingerprint::new();
    assert_eq!(fp.to_string(), "efd01f60ba992926");
    fp.write_u64(1);
    assert_eq!(fp.to_string(), "20c33b21e3e50c59");
    fp.write_i64(-1);
    assert_eq!(fp.to_string(), "8b9d688f40c435df");
    fp.write_f64(0.1);
    assert_eq!(fp.to_string(), "039d3bad521cdc6b");
    fp.write_str("catheter.leak");
    assert_eq!(fp.to_string(), "838f43fb3c57b3f8");

    let mut engine = engine();
    engine
        .schedule(
            ns(1_000),
            DEV,
            Rank(3),
            say("pump", "start").schedules(5, Phase::Patient, 0, say("symptom.itch", "onset")),
        )
        .unwrap();
    engine.run(&mut Parrot::default(), ns(2_000)).unwrap();
    assert_eq!(engine.fingerprint().to_string(), "a37a9bfc14675849");
}

#[test]
fn promise_09_time_component_kind_payload_and_order_each_count() {
    let run = |time, who, event: Say| {
        let mut engine = engine();
        engine.schedule(ns(1), DEV, Rank(0), say("first", "event")).unwrap();
        engine.schedule(ns(time), DEV, Rank(0), Say { who, ..event }).unwrap();
        engine.run(&mut Parrot::default(), ns(9)).unwrap();
        engine.fingerprint()
    };
    let base = run(5, "pump".to_owned(), say("", "start"));
    assert_eq!(base, run(5, "pump".to_owned(), say("", "start")));
    assert_ne!(base, run(6, "pump".to_owned(), say("", "start")));
    assert_ne!(base, run(5, "pumps".to_owned(), say("", "tart")));
    assert_ne!(base, run(5, "pump".to_owned(), say("", "stop")));
    assert_ne!(
        base,
        run(5, "pump".to_owned(), say("", "start").then(Then::Note("x".into())))
    );
    assert_ne!(base, run(0, "pump".to_owned(), say("", "start")));
}

/// A run with crossings, jumps, resets, samples and simultaneous events.
fn busy(end: Option<SimTime>) -> (Engine<Bend>, Lines) {
    let mut engine = Engine::new(EngineOptions {
        end,
        ..Default::default()
    });
    let mut lines = Lines::default();
    let saw = lines.add_line(0.0, 0.7);
    let ramp = lines.add_line(5.0, -0.31);
    let w = lines.add_watch(saw, 1.0, Direction::Rising, 0.25);
    lines.watched[w].reset = Some(0.1);
    lines.add_watch(ramp, 3.3, Direction::Either, 0.1);
    lines.add_watch(ramp, 4.4, Direction::Falling, 0.0);
    for i in 1..8 {
        let slope = if i % 2 == 0 { -0.31 } else { 0.4 };
        engine
            .schedule(
                h(3.0 * i as f64),
                Phase::Segment,
                Rank(i),
                Bend::Slope { line: ramp, slope },
            )
            .unwrap();
        engine.schedule(h(3.0 * i as f64), DEV, Rank(0), Bend::Idle).unwrap();
    }
    engine
        .schedule(
            SimTime::ZERO,
            Phase::Observer,
            Rank(0),
            Bend::Sample {
                every: SimSpan::HOUR.as_nanos(),
            },
        )
        .unwrap();
    (engine, lines)
}

#[test]
fn promise_10_restoring_a_snapshot_at_any_event_gives_the_fingerprint_of_not_stopping() {
    let (mut engine, mut lines) = busy(None);
    engine.run(&mut lines, h(24.0)).unwrap();
    let whole = engine.fingerprint();
    let total = engine.events_run();
    assert!(
        lines.reached.len() > 12 && total > 25,
        "{} crossings, {total} events",
        lines.reached.len()
    );

    for events in 0..=total {
        let (mut first, mut model) = busy(None);
        first.run_at_most(&mut model, h(24.0), events).unwrap();
        assert_eq!(first.events_run(), events);
        let text = serde_json::to_string(&(&first, &model)).unwrap();
        let (mut second, mut restored): (Engine<Bend>, Lines) = serde_json::from_str(&text).unwrap();
        assert_eq!(second.run(&mut restored, h(24.0)).unwrap(), Stop::Horizon);
        assert_eq!(second.fingerprint(), whole, "after {events} events");
        assert_eq!(second.trace(), engine.trace());
        assert_eq!(restored.reached, lines.reached);
        assert_eq!(restored.samples, lines.samples);
        // the original was not touched by its copy and goes on alike
        first.run(&mut model, h(24.0)).unwrap();
        assert_eq!(first.fingerprint(), whole);
    }
}

#[test]
fn promise_10_with_a_known_end_pauses_do_not_move_the_search_windows() {
    let end = Some(h(24.0));
    let (mut engine, mut lines) = busy(end);
    engine.run(&mut lines, h(24.0)).unwrap();
    let (mut paused, mut model) = busy(end);
    for i in 1..=100 {
        paused.run(&mut model, h(0.24 * i as f64)).unwrap();
    }
    assert_eq!(paused.now(), h(24.0));
    assert_eq!(paused.fingerprint(), engine.fingerprint());
    assert_eq!(model.windows, lines.windows);
}

#[test]
fn promise_10_an_event_from_outside_supersedes_a_crossing_not_yet_reached() {
    let mut engine = Engine::new(EngineOptions {
        end: Some(h(10.0)),
        ..Default::default()
    });
    let mut lines = Lines::default();
    let line = lines.add_line(0.0, 1.0);
    lines.add_watch(line, 5.0, Direction::Rising, 0.0);
    engine.run(&mut lines, h(1.0)).unwrap();
    assert_eq!(engine.pending(), 1); // the crossing at 5 h is known
    let mut branch = (engine.clone(), lines.clone());
    engine
        .schedule(h(2.0), Phase::Segment, Rank(0), Bend::Slope { line, slope: 2.0 })
        .unwrap();
    engine.run(&mut lines, h(10.0)).unwrap();
    assert_eq!(lines.reached, [(h(3.5).as_nanos(), 0, Direction::Rising)]);
    // or the model itself is changed, and the engine told
    branch.1.lines[line].slope = 0.5;
    branch.0.forget_crossings();
    branch.0.run(&mut branch.1, h(10.0)).unwrap();
    assert_eq!(branch.1.reached, [(h(10.0).as_nanos(), 0, Direction::Rising)]);
}

#[test]
fn promise_10_handles_survive_a_snapshot() {
    let mut engine = engine();
    let handle = engine.schedule(ns(5), DEV, Rank(0), say("x", "y")).unwrap();
    let text = serde_json::to_string(&(&engine, handle)).unwrap();
    let (mut restored, same): (Engine<Say>, EventHandle) = serde_json::from_str(&text).unwrap();
    assert!(restored.cancel(same));
    assert!(!restored.cancel(same));
    assert!(engine.cancel(handle));
}

#[test]
fn promise_12_an_error_of_the_model_says_when_where_and_which_event() {
    let mut engine = engine();
    engine.schedule(h(1.0), DEV, Rank(0), say("pump", "start")).unwrap();
    engine
        .schedule(h(12.5), DEV, Rank(0), say("catheter", "kink").then(Then::Fail))
        .unwrap();
    let error = engine.run(&mut Parrot::default(), h(20.0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at 12.5 h in catheter.kink (event 2): the valve is stuck"
    );
    assert!(error.source().is_some_and(|s| s.to_string().contains("invalid digit")));
    assert_eq!(engine.trace().records().len(), 2);
}

#[test]
fn promise_12_a_broken_invariant_names_the_event_that_broke_it() {
    let mut engine = engine();
    engine.schedule(h(1.0), DEV, Rank(0), say("pump", "start")).unwrap();
    engine
        .schedule(h(2.0), DEV, Rank(0), say("refill", "spill").then(Then::BreakInvariant))
        .unwrap();
    engine
        .schedule(h(1.5), Phase::Observer, Rank(0), say("recorder", "sample"))
        .unwrap();
    let mut parrot = Parrot::default();
    let error = engine.run(&mut parrot, h(20.0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at 2 h in refill.spill (event 2): 0.5 mL are missing"
    );
    assert_eq!(parrot.checks, 2); // not after the observer
}

#[test]
fn promise_12_the_past_is_a_typed_error_inside_and_outside_a_run() {
    let mut engine = engine();
    let back = say("pump", "back").schedules(-1, DEV, 0, say("pump", "past"));
    engine.schedule(h(1.0), DEV, Rank(0), back).unwrap();
    let error = engine.run(&mut Parrot::default(), h(2.0)).unwrap_err();
    let RunError::Model {
        time,
        event,
        source: ToyError::Engine(EngineError::Past { now, ref what, .. }),
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (time, now, event, what.as_str()),
        (h(1.0), h(1.0), EventId(1), "pump.past")
    );

    let mut engine = Engine::new(EngineOptions::default());
    engine.run(&mut Parrot::default(), h(2.0)).unwrap();
    assert!(matches!(
        engine.schedule(h(1.0), DEV, Rank(0), say("a", "b")),
        Err(EngineError::Past { .. })
    ));
    let error = engine.run(&mut Parrot::default(), h(1.0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the horizon was asked for at 1 h, which is before the present 2 h"
    );
    assert!(engine.schedule(h(2.0), DEV, Rank(0), say("a", "b")).is_ok());
}

#[test]
fn promise_12_an_observer_that_acts_is_a_typed_error() {
    let attempts: [(Say, Attempt); 3] = [
        (say("spy", "look").then(Then::Stop("enough".into())), Attempt::Stop),
        (say("spy", "look").then(Then::CancelLast), Attempt::Cancel),
        (
            say("spy", "look").schedules(1, DEV, 0, say("spy", "shoot")),
            Attempt::Schedule,
        ),
    ];
    for (event, expected) in attempts {
        let mut engine = engine();
        engine
            .schedule(ns(1), DEV, Rank(0), say("a", "b").schedules(100, DEV, 0, say("c", "d")))
            .unwrap();
        engine.schedule(ns(2), Phase::Observer, Rank(0), event).unwrap();
        let found = match engine.run(&mut Parrot::default(), ns(50)).unwrap_err() {
            RunError::Engine(EngineError::ObserverActed {
                attempt,
                event: EventId(1),
                ..
            }) => attempt,
            RunError::Model {
                source: ToyError::Engine(EngineError::ObserverActed { attempt, .. }),
                ..
            } => attempt,
            other => panic!("{other}"),
        };
        assert_eq!(found, expected);
        assert_eq!(engine.pending(), 1, "nothing was cancelled or added");
    }
}

#[test]
fn a_stop_lets_its_instant_finish_and_the_run_can_go_on() {
    let mut engine = engine();
    let end = say("patient", "died")
        .then(Then::Stop("death".into()))
        .then(Then::Stop("again".into()));
    engine.schedule(ns(5), Phase::Patient, Rank(0), end).unwrap();
    engine
        .schedule(ns(5), Phase::Clinician, Rank(0), say("nurse", "visit"))
        .unwrap();
    engine
        .schedule(ns(5), Phase::Observer, Rank(0), say("recorder", "sample"))
        .unwrap();
    engine.schedule(ns(6), DEV, Rank(0), say("pump", "stroke")).unwrap();
    let mut parrot = Parrot::default();
    let stop = engine.run(&mut parrot, ns(9)).unwrap();
    assert_eq!(
        stop,
        Stop::Requested {
            time: ns(5),
            reason: "death".into()
        }
    );
    assert_eq!(parrot.names(), ["patient.died", "nurse.visit", "recorder.sample"]);
    assert_eq!(engine.now(), ns(5));
    assert_eq!(engine.run(&mut parrot, ns(9)).unwrap(), Stop::Horizon);
    assert_eq!(parrot.names().len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn promise_09_trace_on_or_off_gives_the_same_fingerprint(times in prop::collection::vec((0..50i64, 0..8usize, 0..3u32), 1..40)) {
        let run = |trace| {
            let mut engine = Engine::new(EngineOptions { trace, ..Default::default() });
            for (i, (t, p, r)) in times.iter().enumerate() {
                let event = say("x", &i.to_string()).then(Then::Note("n".into()));
                engine.schedule(ns(*t), Phase::ALL[*p], Rank(*r), event).unwrap();
            }
            engine.run(&mut Parrot::default(), ns(50)).unwrap();
            (engine.fingerprint(), engine.events_run(), engine.trace().records().len() as u64)
        };
        let (with, without) = (run(true), run(false));
        prop_assert_eq!((with.0, with.1), (without.0, without.1));
        prop_assert_eq!((with.2, without.2), (with.1, 0));
    }
}
