//! What an event may ask of the engine about itself and about others.

use itbsim::engine::*;

use crate::engine_toys::{Say, ToyError, ns, say};

/// Notes, at each event, whether a first handle is pending and whether notes are kept.
#[derive(Debug, Default)]
struct Asker {
    handle: Option<EventHandle>,
    pending: Vec<bool>,
    tracing: Vec<bool>,
}

impl Model for Asker {
    type Event = Say;
    type Error = ToyError;
    fn next_crossings(&mut self, _: SimTime, _: SimTime, _: &mut Vec<Crossing<Say>>) -> Result<(), ToyError> {
        Ok(())
    }
    fn handle(&mut self, _: &Fired<Say>, cx: &mut Context<'_, Say>) -> Result<(), ToyError> {
        self.pending.extend(self.handle.map(|handle| cx.is_pending(handle)));
        self.tracing.push(cx.tracing());
        Ok(())
    }
    fn check(&mut self, _: SimTime) -> Result<(), ToyError> {
        Ok(())
    }
}

fn asked(options: EngineOptions) -> Asker {
    let mut engine = Engine::new(options);
    let mut asker = Asker::default();
    let pump = |time| (ns(time), Phase::Device, Rank(0));
    for (time, phase, rank) in [
        pump(1),
        (ns(2), Phase::Observer, Rank(0)),
        pump(3),
        (ns(4), Phase::Observer, Rank(0)),
    ] {
        let handle = engine.schedule(time, phase, rank, say("pump", "asks")).unwrap();
        if time == ns(3) {
            asker.handle = Some(handle);
        }
    }
    engine.run(&mut asker, ns(9)).unwrap();
    asker
}

#[test]
fn a_scheduled_event_is_pending_until_its_turn_comes() {
    assert_eq!(asked(EngineOptions::default()).pending, [true, true, false, false]);
}

#[test]
fn notes_are_kept_of_events_that_act_and_only_with_a_trace() {
    assert_eq!(asked(EngineOptions::default()).tracing, [true, false, true, false]);
    let silent = EngineOptions {
        trace: false,
        ..EngineOptions::default()
    };
    assert_eq!(asked(silent).tracing, [false; 4]);
}

#[test]
fn an_observer_that_acts_is_told_what_it_tried() {
    for (attempt, words) in [
        (Attempt::Schedule, "schedule an event that acts"),
        (Attempt::Cancel, "cancel an event that acts"),
        (Attempt::Stop, "stop the run"),
    ] {
        let error = EngineError::ObserverActed {
            time: ns(1),
            event: EventId(7),
            what: "recorder.sample".to_owned(),
            attempt,
        };
        assert!(error.to_string().contains(words), "{error}");
    }
}
