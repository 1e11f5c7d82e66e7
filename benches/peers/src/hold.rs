//! The hold model: so many events pending, each that fires schedules one successor after a random
//! delay; with cancellation also a timeout far away, taken back when the next event fires.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use itbsim::engine::*;

/// Far beyond all delays.
const TIMEOUT: i64 = 1 << 40;

#[derive(Clone)]
struct Luck(u64);

impl Luck {
    fn new() -> Luck {
        Luck(0x2545_f491_4f6c_dd1d)
    }

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
            cx.schedule_in(
                SimSpan::from_nanos(self.luck.delay()),
                Phase::Device,
                Rank(0),
                Hold::Next(n + 1),
            )?;
            if self.cancelling {
                let new = cx.schedule_in(SimSpan::from_nanos(TIMEOUT), Phase::Device, Rank(0), Hold::Timeout)?;
                if let Some(old) = self.timeout.replace(new) {
                    cx.cancel(old);
                }
            }
        }
        Ok(())
    }
}

/// Events fired.
pub fn ours(pending: usize, cancelling: bool, events: u64, clock: &mut dyn FnMut()) -> u64 {
    let mut luck = Luck::new();
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
    let mut holder = Holder {
        luck,
        cancelling,
        timeout: None,
    };
    clock();
    engine
        .run_at_most(&mut holder, SimTime::MAX, events)
        .expect("nothing fails here");
    std::hint::black_box(engine.fingerprint());
    events
}

/// A heap, and a slab of flags to take back by; nothing else.
pub fn bare(pending: usize, cancelling: bool, events: u64, clock: &mut dyn FnMut()) -> u64 {
    let mut luck = Luck::new();
    let mut heap = BinaryHeap::new();
    let mut alive: Vec<bool> = Vec::new();
    let mut free: Vec<u32> = Vec::new();
    let mut sequence = 0_u64;
    for _ in 0..pending {
        alive.push(true);
        heap.push(Reverse((luck.delay(), sequence, alive.len() as u32 - 1, false)));
        sequence += 1;
    }
    let mut timeout: Option<u32> = None;
    let mut fired = 0;
    clock();
    while fired < events {
        let Some(Reverse((now, _, slot, is_timeout))) = heap.pop() else {
            break;
        };
        free.push(slot);
        if !alive[slot as usize] || is_timeout {
            continue;
        }
        fired += 1;
        let mut put = |at: i64, timeout: bool| {
            let slot = free.pop().unwrap_or_else(|| {
                alive.push(true);
                alive.len() as u32 - 1
            });
            alive[slot as usize] = true;
            heap.push(Reverse((at, sequence, slot, timeout)));
            sequence += 1;
            slot
        };
        put(now + luck.delay(), false);
        if cancelling {
            let new = put(now + TIMEOUT, true);
            if let Some(old) = timeout.replace(new) {
                alive[old as usize] = false;
            }
        }
    }
    std::hint::black_box(heap.len());
    fired
}

#[cfg(feature = "others")]
mod nexo {
    use super::{Luck, TIMEOUT};
    use nexosim::model::{Context, Model, schedulable};
    use nexosim::simulation::EventKey;
    use serde::{Deserialize, Serialize};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    pub static FIRED: AtomicU64 = AtomicU64::new(0);

    #[derive(Serialize, Deserialize)]
    pub struct Holder {
        luck: u64,
        pending: usize,
        cancelling: bool,
        #[serde(skip)]
        timeout: Option<EventKey>,
    }

    #[Model]
    impl Holder {
        pub fn new(pending: usize, cancelling: bool) -> Self {
            Self {
                luck: Luck::new().0,
                pending,
                cancelling,
                timeout: None,
            }
        }

        fn delay(&mut self) -> Duration {
            let mut luck = Luck(self.luck);
            let delay = luck.delay();
            self.luck = luck.0;
            Duration::from_nanos(delay as u64)
        }

        #[nexosim(init)]
        async fn init(&mut self, cx: &Context<Self>) {
            for _ in 0..self.pending {
                let delay = self.delay();
                cx.schedule_event(delay, schedulable!(Self::next), 0_u64).unwrap();
            }
        }

        #[nexosim(schedulable)]
        async fn next(&mut self, n: u64, cx: &Context<Self>) {
            FIRED.fetch_add(1, Ordering::Relaxed);
            let delay = self.delay();
            cx.schedule_event(delay, schedulable!(Self::next), n + 1).unwrap();
            if self.cancelling {
                let far = Duration::from_nanos(TIMEOUT as u64);
                let new = cx.schedule_keyed_event(far, schedulable!(Self::late), ()).unwrap();
                if let Some(old) = self.timeout.replace(new) {
                    old.cancel();
                }
            }
        }

        #[nexosim(schedulable)]
        async fn late(&mut self) {}
    }
}

#[cfg(feature = "others")]
/// nexosim on one thread, as its documentation shows.
pub fn nexosim(pending: usize, cancelling: bool, events: u64, clock: &mut dyn FnMut()) -> u64 {
    use ::nexosim::simulation::{Mailbox, SimInit};
    use ::nexosim::time::MonotonicTime;
    use std::sync::atomic::Ordering;
    use std::time::Duration;
    let mut simulation = SimInit::with_num_threads(1)
        .add_model(nexo::Holder::new(pending, cancelling), Mailbox::new(), "hold")
        .init(MonotonicTime::EPOCH)
        .expect("a sound bench");
    nexo::FIRED.store(0, Ordering::Relaxed);
    // Mean delay 2^19 ns.
    let span = Duration::from_nanos((events as f64 / pending as f64 * 524_288.0) as u64);
    clock();
    simulation.step_until(span).expect("nothing fails here");
    nexo::FIRED.load(Ordering::Relaxed)
}
