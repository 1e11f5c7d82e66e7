//! The engine's loop against a bare heap: the hold model.
//!
//! A fixed number of events is pending; each that fires schedules one successor after a
//! random delay. `bare` does that with a `BinaryHeap` and nothing else; `engine` goes
//! through [`Engine::run_at_most`] with causes, fingerprint, guards and the search for
//! crossings, trace off. The variants with cancellation also schedule a timeout with
//! every event and take it back when the next one fires, as a watchdog does; `bare` has
//! no means to take back, so there the timeouts stay and pile up.
//!
//! Items are events fired. `cargo bench --bench engine`

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use divan::Bencher;
use divan::counter::ItemsCount;
use itbsim::engine::*;

const EVENTS: u64 = 200_000;
const PENDING: [usize; 3] = [10, 1_000, 100_000];
/// Far beyond all delays, so that a timeout never fires.
const TIMEOUT: i64 = 1 << 30;

fn main() {
    divan::main();
}

/// Xorshift: a few cycles, so that luck costs nothing.
#[derive(Clone)]
struct Luck(u64);

impl Luck {
    fn delay(&mut self) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 44) as i64 + 1
    }
}

#[derive(Debug, Clone, Copy)]
enum Hold {
    Next(u64),
    Timeout,
}

impl Event for Hold {
    fn component(&self) -> Cow<'_, str> {
        "hold".into()
    }
    fn kind(&self) -> Cow<'_, str> {
        match self {
            Hold::Next(_) => "next",
            Hold::Timeout => "timeout",
        }
        .into()
    }
    fn hash_into(&self, fp: &mut Fingerprint) {
        if let Hold::Next(n) = self {
            fp.write_u64(*n);
        }
    }
}

#[derive(Clone)]
struct Holder {
    luck: Luck,
    cancelling: bool,
    timeout: Option<EventHandle>,
}

impl Model for Holder {
    type Event = Hold;
    type Error = EngineError;

    fn next_crossings(&mut self, _: SimTime, _: SimTime, _: &mut Vec<Crossing<Hold>>) -> Result<(), EngineError> {
        Ok(())
    }

    fn handle(&mut self, fired: &Fired<Hold>, cx: &mut Context<'_, Hold>) -> Result<(), EngineError> {
        if let Hold::Next(n) = fired.event {
            let span = SimSpan::from_nanos(self.luck.delay());
            cx.schedule_in(span, Phase::Device, Rank(0), Hold::Next(n + 1))?;
            if self.cancelling {
                let span = SimSpan::from_nanos(TIMEOUT);
                let new = cx.schedule_in(span, Phase::Device, Rank(0), Hold::Timeout)?;
                if let Some(old) = self.timeout.replace(new) {
                    cx.cancel(old);
                }
            }
        }
        Ok(())
    }
}

fn through_engine(bencher: Bencher, pending: usize, cancelling: bool) {
    let mut luck = Luck(0x2545_f491_4f6c_dd1d);
    let mut engine = Engine::new(EngineOptions {
        trace: false,
        ..Default::default()
    });
    for _ in 0..pending {
        let time = SimTime::from_nanos(luck.delay());
        engine
            .schedule(time, Phase::Device, Rank(0), Hold::Next(0))
            .expect("the present is zero");
    }
    let holder = Holder {
        luck,
        cancelling,
        timeout: None,
    };
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| (engine.clone(), holder.clone()))
        .bench_local_values(|(mut engine, mut holder)| {
            engine
                .run_at_most(&mut holder, SimTime::MAX, EVENTS)
                .expect("nothing fails here");
            (engine.fingerprint(), engine)
        });
}

fn bare_heap(bencher: Bencher, pending: usize, cancelling: bool) {
    let mut luck = Luck(0x2545_f491_4f6c_dd1d);
    let mut heap = BinaryHeap::new();
    let mut sequence = 0_u64;
    for _ in 0..pending {
        heap.push(Reverse((luck.delay(), sequence, Some(0_u64))));
        sequence += 1;
    }
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| (heap.clone(), luck.clone(), sequence))
        .bench_local_values(|(mut heap, mut luck, mut sequence)| {
            let mut run = 0;
            while let Some(Reverse((now, _, event))) = heap.pop() {
                let Some(n) = event else { continue };
                run += 1;
                if run == EVENTS {
                    break;
                }
                heap.push(Reverse((now + luck.delay(), sequence, Some(n + 1))));
                sequence += 1;
                if cancelling {
                    heap.push(Reverse((now + TIMEOUT, sequence, None)));
                    sequence += 1;
                }
            }
            heap
        });
}

#[divan::bench(args = PENDING)]
fn bare(bencher: Bencher, pending: usize) {
    bare_heap(bencher, pending, false);
}

#[divan::bench(args = PENDING)]
fn bare_with_timeouts(bencher: Bencher, pending: usize) {
    bare_heap(bencher, pending, true);
}

#[divan::bench(args = PENDING)]
fn engine(bencher: Bencher, pending: usize) {
    through_engine(bencher, pending, false);
}

#[divan::bench(args = PENDING)]
fn engine_with_timeouts(bencher: Bencher, pending: usize) {
    through_engine(bencher, pending, true);
}
