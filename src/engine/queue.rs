//! The event queue: small keys, a heap where they are few, over a slab of payloads.
//!
//! Order is (time, phase, rank, sequence), a total order without ties: the sequence is
//! the number of the call that scheduled the event. Observers wait in a lane of their
//! own, so that the next event that can *change* anything is known at all times; the
//! lanes share one order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::SimTime;

/// What kind of thing happens; at one instant, earlier phases come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Phase {
    /// The right-hand side changes: a programmed rate, a boundary of a segment.
    Segment,
    /// A located state event.
    Crossing,
    /// A fault begins, progresses or ends.
    Fault,
    /// Logic inside the device: alarms, lockouts.
    Device,
    /// The patient does or feels something.
    Patient,
    /// The clinician acts.
    Clinician,
    /// A controller's sample.
    Tick,
    /// Something looks and changes nothing; it sees the settled values of its instant.
    Observer,
}

impl Phase {
    /// All phases in their order at one instant.
    pub const ALL: [Phase; 8] = [
        Phase::Segment,
        Phase::Crossing,
        Phase::Fault,
        Phase::Device,
        Phase::Patient,
        Phase::Clinician,
        Phase::Tick,
        Phase::Observer,
    ];
}

/// Order of components at one instant and phase; see [`super::RankTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rank(pub u32);

/// Number of a fired event, counted from 1; observers are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub u64);

impl EventId {
    /// The start of the scenario, the first cause of everything.
    pub const START: EventId = EventId(0);
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Names one scheduled event, for [`Queue::cancel`]. It stays valid in a clone and in a
/// restored snapshot, and never comes to name another event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventHandle {
    slot: u32,
    generation: u32,
}

/// An event taken from the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Popped<E> {
    /// When it is due.
    pub time: SimTime,
    /// Its phase.
    pub phase: Phase,
    /// Its rank.
    pub rank: Rank,
    /// What it was scheduled for.
    pub cause: EventId,
    /// The payload.
    pub event: E,
}

/// What the heap moves about: 32 bytes, compared field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    time: SimTime,
    /// Phase and rank in one word, phase first.
    order: u64,
    sequence: u64,
    slot: u32,
}

/// Marks a slot that holds nothing; no call ever gets this number.
const VACANT: u64 = u64::MAX;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Slot<E> {
    /// Sequence of the event inside; a key with another sequence is a leftover.
    sequence: u64,
    generation: u32,
    phase: Phase,
    content: Option<(EventId, E)>,
}

/// Keys in the heap beyond which the later ones are put aside.
const MANY: usize = if cfg!(test) { 8 } else { 4096 };
/// Fewest keys sorted at once.
const FEWEST: usize = if cfg!(test) { 4 } else { 1024 };
/// Share of the keys put aside that is sorted at once.
const SHARE: usize = 8;

/// Pending keys, in three places: those that come next lie sorted, those that came since and are
/// due among them stand in a heap, and all from a border on are put aside as they come. Few keys
/// are all in the heap; of many, most never enter it, so that it stays in the cache.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Lane {
    heap: BinaryHeap<Reverse<Key>>,
    /// Before the border, the first one last.
    sorted: Vec<Key>,
    /// At the border and beyond it, in no order.
    aside: Vec<Key>,
    /// None while nothing is put aside.
    border: Option<Key>,
    /// Leftovers from cancellation.
    stale: usize,
}

impl Lane {
    #[inline]
    fn push(&mut self, key: Key) {
        if self.border.is_some_and(|border| key >= border) {
            self.aside.push(key);
        } else {
            self.heap.push(Reverse(key));
            if self.heap.len() > MANY {
                self.thin_out();
            }
        }
    }

    /// The first live key; leftovers above it are dropped on the way.
    #[inline]
    fn top<E>(&mut self, slots: &[Slot<E>]) -> Option<Key> {
        let mut first = self.peek();
        while self.stale > 0 {
            match first {
                Some(key) if slots[key.slot as usize].sequence != key.sequence => {
                    self.pop();
                    self.stale -= 1;
                    first = self.peek();
                }
                _ => break,
            }
        }
        first
    }

    /// The first key, live or not.
    #[inline]
    fn peek(&mut self) -> Option<Key> {
        let waiting = self.heap.peek().map(|Reverse(key)| *key);
        match (waiting, self.sorted.last()) {
            (Some(a), Some(b)) => Some(a.min(*b)),
            (None, None) if !self.aside.is_empty() => {
                self.fetch();
                self.sorted.last().copied()
            }
            (a, b) => a.or(b.copied()),
        }
    }

    /// Drops the first key, after a [`Lane::peek`].
    #[inline]
    fn pop(&mut self) {
        let sorted = match (self.heap.peek(), self.sorted.last()) {
            (Some(Reverse(a)), Some(b)) => b < a,
            (None, _) => true,
            (Some(_), None) => false,
        };
        if sorted {
            self.sorted.pop();
        } else {
            self.heap.pop();
        }
    }

    /// Sorts the next of those put aside, when nothing else is left.
    #[cold]
    fn fetch(&mut self) {
        let count = (self.aside.len() / SHARE).max(FEWEST);
        self.sorted.clear();
        if count < self.aside.len() {
            let (_, border, _) = self.aside.select_nth_unstable(count);
            self.border = Some(*border);
            self.sorted.extend_from_slice(&self.aside[..count]);
            // Those that were taken leave their places to the last ones.
            let left = self.aside.len() - count;
            let kept = self.aside.len() - count.min(left);
            self.aside.copy_within(kept.., 0);
            self.aside.truncate(left);
        } else {
            self.border = None;
            std::mem::swap(&mut self.sorted, &mut self.aside);
        }
        self.sorted.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// Puts the later half of what is before the border aside, if the heap outgrew what is sorted:
    /// so a key is moved a bounded number of times on average.
    #[cold]
    fn thin_out(&mut self) {
        if self.heap.len() <= self.sorted.len() {
            return;
        }
        let sorted = &mut self.sorted;
        sorted.extend(self.heap.drain().map(|Reverse(key)| key));
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let later = sorted.len() / 2;
        self.border = Some(sorted[later - 1]);
        self.aside.extend(sorted.drain(..later));
    }

    fn len(&self) -> usize {
        self.heap.len() + self.sorted.len() + self.aside.len()
    }

    /// Sweeps leftovers out once they outnumber the live keys: constant cost per cancellation on
    /// average, and never more than twice the live size + 64.
    fn compact<E>(&mut self, slots: &[Slot<E>]) {
        if self.stale > 64 && self.stale * 2 > self.len() {
            let live = |key: &Key| slots[key.slot as usize].sequence == key.sequence;
            self.heap.retain(|Reverse(key)| live(key));
            self.sorted.retain(live);
            self.aside.retain(live);
            self.stale = 0;
        }
    }
}

/// Pending events in the order (time, phase, rank, sequence).
///
/// ```
/// use itbsim::engine::{EventId, Phase, Queue, Rank, SimTime};
/// let mut queue = Queue::new();
/// let at = SimTime::from_nanos;
/// let late = queue.schedule(at(20), Phase::Device, Rank(0), EventId::START, "late");
/// queue.schedule(at(10), Phase::Observer, Rank(0), EventId::START, "look");
/// queue.schedule(at(10), Phase::Segment, Rank(7), EventId::START, "change");
/// assert!(queue.cancel(late));
/// assert!(!queue.cancel(late));
/// assert_eq!(queue.pop().map(|p| p.event), Some("change"));
/// assert_eq!(queue.pop().map(|p| p.event), Some("look"));
/// assert!(queue.pop().is_none());
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queue<E> {
    acting: Lane,
    observing: Lane,
    slots: Vec<Slot<E>>,
    free: Vec<u32>,
    sequence: u64,
    live: usize,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Queue<E> {
    /// An empty queue.
    pub fn new() -> Self {
        Queue {
            acting: Lane::default(),
            observing: Lane::default(),
            slots: Vec::new(),
            free: Vec::new(),
            sequence: 0,
            live: 0,
        }
    }

    /// Adds an event. Any time is accepted: the engine guards the past.
    #[inline]
    pub fn schedule(&mut self, time: SimTime, phase: Phase, rank: Rank, cause: EventId, event: E) -> EventHandle {
        let sequence = self.sequence;
        self.sequence += 1;
        let content = Some((cause, event));
        let (slot, generation) = if let Some(slot) = self.free.pop() {
            let place = &mut self.slots[slot as usize];
            place.sequence = sequence;
            place.phase = phase;
            place.content = content;
            (slot, place.generation)
        } else {
            let slot =
                u32::try_from(self.slots.len()).expect("2^32 pending events need more than 100 GB, memory ends first");
            self.slots.push(Slot {
                sequence,
                generation: 0,
                phase,
                content,
            });
            (slot, 0)
        };
        self.live += 1;
        let key = Key {
            time,
            order: (phase as u64) << 32 | u64::from(rank.0),
            sequence,
            slot,
        };
        self.lane(phase).push(key);
        EventHandle { slot, generation }
    }

    #[inline]
    fn lane(&mut self, phase: Phase) -> &mut Lane {
        if phase == Phase::Observer {
            &mut self.observing
        } else {
            &mut self.acting
        }
    }

    /// Empties a slot and makes its handle invalid.
    #[inline]
    fn release(&mut self, slot: u32) -> Option<(EventId, E)> {
        let place = &mut self.slots[slot as usize];
        place.sequence = VACANT;
        let content = place.content.take();
        // a slot whose generations are used up is retired, so that no handle is ever reborn
        if let Some(next) = place.generation.checked_add(1) {
            place.generation = next;
            self.free.push(slot);
        }
        self.live -= 1;
        content
    }

    /// Whether this event is still pending.
    pub fn is_pending(&self, handle: EventHandle) -> bool {
        self.phase_of(handle).is_some()
    }

    /// The phase of a pending event.
    pub(super) fn phase_of(&self, handle: EventHandle) -> Option<Phase> {
        let place = self.slots.get(handle.slot as usize)?;
        (place.generation == handle.generation && place.sequence != VACANT).then_some(place.phase)
    }

    /// Takes an event back. Returns whether it was still pending; a second call, or one
    /// after the event has fired, changes nothing and returns `false`. Constant time on average.
    pub fn cancel(&mut self, handle: EventHandle) -> bool {
        let Some(phase) = self.phase_of(handle) else {
            return false;
        };
        self.release(handle.slot);
        let lane = if phase == Phase::Observer {
            &mut self.observing
        } else {
            &mut self.acting
        };
        lane.stale += 1;
        lane.compact(&self.slots);
        true
    }

    /// When the next event of any phase is due.
    pub fn peek_time(&mut self) -> Option<SimTime> {
        self.first().map(|key| key.time)
    }

    /// When the next event is due that is not an observer.
    #[inline]
    pub fn peek_acting_time(&mut self) -> Option<SimTime> {
        self.acting.top(&self.slots).map(|key| key.time)
    }

    #[inline]
    fn first(&mut self) -> Option<Key> {
        let acting = self.acting.top(&self.slots);
        match (acting, self.observing.top(&self.slots)) {
            (Some(a), Some(o)) => Some(a.min(o)),
            (a, o) => a.or(o),
        }
    }

    /// Takes the first event.
    pub fn pop(&mut self) -> Option<Popped<E>> {
        self.pop_until(SimTime::MAX)
    }

    /// Takes the first event if it is due at or before `limit`.
    #[inline]
    pub fn pop_until(&mut self, limit: SimTime) -> Option<Popped<E>> {
        let key = self.first().filter(|key| key.time <= limit)?;
        let phase = self.slots[key.slot as usize].phase;
        self.lane(phase).pop();
        let (cause, event) = self.release(key.slot)?;
        Some(Popped {
            time: key.time,
            phase,
            rank: Rank(key.order as u32), // the lower half, by construction
            cause,
            event,
        })
    }

    /// Number of pending events.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Number of keys held, leftovers of cancelled events included: the measure of memory.
    pub fn held(&self) -> usize {
        self.acting.len() + self.observing.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(n: i64) -> SimTime {
        SimTime::from_nanos(n)
    }

    fn put(queue: &mut Queue<usize>, n: i64, event: usize) -> EventHandle {
        queue.schedule(at(n), Phase::Device, Rank(0), EventId::START, event)
    }

    #[test]
    fn phases_are_ordered_as_documented() {
        assert!(Phase::ALL.is_sorted());
        assert_eq!(Phase::Observer as u8, 7);
    }

    #[test]
    fn a_handle_never_names_another_event() {
        let mut queue = Queue::new();
        let first = put(&mut queue, 1, 1);
        assert!(queue.cancel(first));
        let second = put(&mut queue, 1, 2);
        assert_eq!(second.slot, first.slot);
        assert!(!queue.cancel(first));
        assert!(!queue.is_pending(first) && queue.is_pending(second));
        assert_eq!(queue.pop().unwrap().event, 2);
        assert!(!queue.cancel(second));
    }

    #[test]
    fn a_slot_out_of_generations_is_retired() {
        let mut queue = Queue::new();
        let first = put(&mut queue, 1, 1);
        queue.slots[first.slot as usize].generation = u32::MAX;
        let last = EventHandle {
            generation: u32::MAX,
            ..first
        };
        assert!(queue.cancel(last));
        assert!(!queue.cancel(last));
        assert_ne!(put(&mut queue, 1, 2).slot, first.slot);
    }

    #[test]
    fn an_eighth_is_sorted_at_a_time_and_the_rest_is_put_aside() {
        let places = |queue: &Queue<usize>| {
            let lane = &queue.acting;
            [lane.heap.len(), lane.sorted.len(), lane.aside.len()]
        };
        let border = |queue: &Queue<usize>| queue.acting.border.map(|key| key.time);
        let mut queue = Queue::new();
        for n in 1..=8 {
            put(&mut queue, n, 0);
        }
        assert_eq!((places(&queue), border(&queue)), ([8, 0, 0], None));
        // One more than the heap should hold: the later half goes.
        put(&mut queue, 9, 0);
        assert_eq!((places(&queue), border(&queue)), ([0, 5, 4], Some(at(6))));
        for n in 10..300 {
            put(&mut queue, n, 0);
        }
        assert_eq!(places(&queue), [0, 5, 294]);
        for n in 1..=6 {
            assert_eq!(queue.pop().map(|p| p.time), Some(at(n)));
        }
        assert_eq!((places(&queue), border(&queue)), ([0, 35, 258], Some(at(42))));
        // What comes among the sorted ones waits in the heap, while it is less than they are.
        for _ in 0..35 {
            put(&mut queue, 7, 0);
        }
        assert_eq!(places(&queue), [35, 35, 258]);
        put(&mut queue, 7, 0);
        assert_eq!(places(&queue), [0, 36, 293]);
        let rest: Vec<SimTime> = std::iter::from_fn(|| queue.pop()).map(|p| p.time).collect();
        assert!(rest.len() == 329 && rest.is_sorted());
    }

    #[test]
    fn the_fewest_put_aside_are_all_sorted_together() {
        let mut queue = Queue::new();
        for n in 1..=9 {
            put(&mut queue, n, 0);
        }
        assert_eq!(queue.acting.aside.len(), FEWEST);
        for n in 1..=9 {
            assert_eq!(queue.pop().map(|p| p.time), Some(at(n)));
        }
        assert_eq!(queue.pop().map(|p| p.time), None);
    }

    #[test]
    fn cancelled_entries_never_pile_up() {
        let mut queue = Queue::new();
        for n in 0..100 {
            put(&mut queue, 1_000_000 + n, 0);
        }
        for n in 0..100_000 {
            let handle = put(&mut queue, 2_000_000 + n, 0);
            queue.cancel(handle);
            assert!(queue.held() <= 2 * queue.len() + 130, "{} held", queue.held());
        }
        assert_eq!(queue.len(), 100);
        assert!(queue.slots.len() <= 101);
    }

    #[test]
    fn leftovers_are_counted_and_swept_exactly_when_they_outnumber_what_lives() {
        let mut queue = Queue::new();
        assert!(queue.is_empty());
        let handles: Vec<EventHandle> = (0..200).map(|n| put(&mut queue, n, 0)).collect();
        queue.schedule(at(0), Phase::Observer, Rank(0), EventId::START, 0);
        assert!(!queue.is_empty());
        for handle in &handles[100..] {
            queue.cancel(*handle);
        }
        // A hundred of two hundred do not outnumber the others; one more does.
        assert_eq!((queue.len(), queue.held()), (101, 201));
        queue.cancel(handles[99]);
        assert_eq!((queue.len(), queue.held()), (100, 100));
        // Few leftovers are never worth it.
        for handle in &handles[35..99] {
            queue.cancel(*handle);
        }
        assert_eq!((queue.len(), queue.held()), (36, 100));
        queue.cancel(handles[34]);
        assert_eq!((queue.len(), queue.held()), (35, 35));
    }

    #[test]
    fn leftovers_that_are_passed_are_no_longer_counted() {
        let mut queue = Queue::new();
        let handles: Vec<EventHandle> = (0..4).map(|n| put(&mut queue, n, n as usize)).collect();
        queue.cancel(handles[0]);
        queue.cancel(handles[1]);
        queue.cancel(handles[2]);
        assert_eq!(queue.acting.stale, 3);
        assert_eq!(queue.peek_time(), Some(at(3)));
        assert_eq!((queue.acting.stale, queue.held()), (0, 1));
    }

    /// One call on the queue.
    #[derive(Debug, Clone)]
    enum Call {
        Put(i64, usize, u32),
        Cancel(usize),
        Pop,
        Restore,
    }

    fn calls() -> impl Strategy<Value = Vec<Call>> {
        prop::collection::vec(
            prop_oneof![
                4 => (0..6i64, 0..8usize, 0..3u32).prop_map(|(t, p, r)| Call::Put(t, p, r)),
                3 => (0..400usize).prop_map(Call::Cancel),
                2 => Just(Call::Pop),
                1 => Just(Call::Restore),
            ],
            1..400,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_sorted_list(calls in calls()) {
            let mut queue = Queue::new();
            let mut list: Vec<(i64, Phase, u32, usize)> = Vec::new();
            let mut handles = Vec::new();
            for call in calls {
                match call {
                    Call::Put(t, p, r) => {
                        let id = handles.len();
                        handles.push(queue.schedule(at(t), Phase::ALL[p], Rank(r), EventId(id as u64), id));
                        list.push((t, Phase::ALL[p], r, id));
                    }
                    Call::Cancel(i) => if let Some(handle) = handles.get(i) {
                        let known = list.iter().position(|entry| entry.3 == i);
                        prop_assert_eq!(queue.cancel(*handle), known.is_some());
                        if let Some(known) = known { list.remove(known); }
                    },
                    Call::Pop => {
                        list.sort();
                        prop_assert_eq!(queue.peek_time(), list.first().map(|e| at(e.0)));
                        let got = queue.pop().map(|p| (p.time.as_nanos(), p.phase, p.rank.0, p.event));
                        prop_assert_eq!(got, (!list.is_empty()).then(|| list.remove(0)));
                    }
                    Call::Restore => {
                        let text = serde_json::to_string(&queue).unwrap();
                        queue = serde_json::from_str(&text).unwrap();
                    }
                }
                prop_assert_eq!(queue.len(), list.len());
                let next = list.iter().filter(|e| e.1 != Phase::Observer).map(|e| at(e.0)).min();
                prop_assert_eq!(queue.peek_acting_time(), next);
            }
        }
    }
}
