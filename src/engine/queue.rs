//! The queue of what is to come, in a total order that no float and no file
//! order can disturb: (time, phase, rank, sequence).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::time::SimTime;

/// Order of things within one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Phase {
    /// A segment of continuous state begins: fronts, flow steps, delivery.
    Segment,
    /// A state event: a signal crossed its level.
    Crossing,
    /// Something breaks, worsens or heals.
    Fault,
    /// The device acts by its own logic.
    Device,
    /// The patient: symptoms, death.
    Patient,
    /// The clinician: programmes and acts.
    Clinician,
    /// A controller computes.
    Tick,
    /// Somebody looks. Observers are last, so that they see settled values.
    Observer,
}

impl Phase {
    /// All phases in order.
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

    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Segment => "segment",
            Phase::Crossing => "crossing",
            Phase::Fault => "fault",
            Phase::Device => "device",
            Phase::Patient => "patient",
            Phase::Clinician => "clinician",
            Phase::Tick => "tick",
            Phase::Observer => "observer",
        }
    }
}

/// Place of a component among those of one phase and instant; see [`RankTable`](super::RankTable).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rank(pub u32);

/// Number of a fired event, from 1; 0 is the start of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(u64);

impl EventId {
    /// The start of the scenario, cause of what nothing else caused.
    pub const START: EventId = EventId(0);

    /// From a number.
    pub const fn new(n: u64) -> Self {
        EventId(n)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Names one scheduled event, so that it can be cancelled.
///
/// A handle outlives its event harmlessly: slots are reused, but each use has
/// its own generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventHandle {
    slot: u32,
    generation: u32,
}

/// Heap entry: small and `Copy`; the payload waits in its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    time: SimTime,
    /// Phase in the top byte, then the rank: one comparison for both.
    order: u64,
    sequence: u64,
    slot: u32,
    generation: u32,
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed: the standard heap gives the largest first.
        (other.time, other.order, other.sequence).cmp(&(self.time, self.order, self.sequence))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Payload of a slot; empty when fired or cancelled.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Slot<E> {
    generation: u32,
    content: Option<(EventId, E)>,
}

/// An event taken from the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Due<E> {
    /// When.
    pub time: SimTime,
    /// Phase of the instant.
    pub phase: Phase,
    /// Rank of its component.
    pub rank: Rank,
    /// Event behind it.
    pub cause: EventId,
    /// What.
    pub event: E,
}

/// Pending events.
///
/// Cancelling marks the slot and leaves the key in the heap; keys of cancelled
/// events are dropped when they surface, and all at once when they outnumber
/// the living, so memory stays within a constant factor of what is pending.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"))]
pub struct Queue<E> {
    heap: BinaryHeap<Key>,
    slots: Vec<Slot<E>>,
    free: Vec<u32>,
    sequence: u64,
    dead: usize,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            sequence: 0,
            dead: 0,
        }
    }
}

impl<E> Queue<E> {
    /// Events pending.
    pub fn len(&self) -> usize {
        self.heap.len() - self.dead
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an event; among equals of (time, phase, rank) the earlier insertion runs first.
    pub fn schedule(&mut self, time: SimTime, phase: Phase, rank: Rank, cause: EventId, event: E) -> EventHandle {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize].content = Some((cause, event));
                slot
            }
            None => {
                self.slots.push(Slot {
                    generation: 0,
                    content: Some((cause, event)),
                });
                (self.slots.len() - 1) as u32
            }
        };
        let generation = self.slots[slot as usize].generation;
        self.heap.push(Key {
            time,
            order: (phase as u64) << 56 | u64::from(rank.0),
            sequence: self.sequence,
            slot,
            generation,
        });
        self.sequence += 1;
        EventHandle { slot, generation }
    }

    /// Takes an event back. Says whether it was still pending; a second call does nothing.
    pub fn cancel(&mut self, handle: EventHandle) -> bool {
        let Some(slot) = self.slots.get_mut(handle.slot as usize) else {
            return false;
        };
        if slot.generation != handle.generation || slot.content.is_none() {
            return false;
        }
        slot.content = None;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(handle.slot);
        self.dead += 1;
        if self.dead > 64 && self.dead * 2 > self.heap.len() {
            let slots = &self.slots;
            self.heap.retain(|k| slots[k.slot as usize].generation == k.generation);
            self.dead = 0;
        }
        true
    }

    fn drop_dead(&mut self) {
        if self.dead == 0 {
            return;
        }
        while let Some(key) = self.heap.peek() {
            if self.slots[key.slot as usize].generation == key.generation {
                return;
            }
            self.heap.pop();
            self.dead -= 1;
        }
    }

    /// Instant of the next event.
    pub fn peek_time(&mut self) -> Option<SimTime> {
        self.drop_dead();
        self.heap.peek().map(|k| k.time)
    }

    /// Takes the next event if it comes at or before `limit`.
    pub fn pop_by(&mut self, limit: SimTime) -> Option<Due<E>> {
        self.drop_dead();
        if self.heap.peek()?.time > limit {
            return None;
        }
        let key = self.heap.pop()?;
        let slot = &mut self.slots[key.slot as usize];
        let (cause, event) = slot.content.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key.slot);
        Some(Due {
            time: key.time,
            phase: Phase::ALL[(key.order >> 56) as usize],
            rank: Rank(key.order as u32),
            cause,
            event,
        })
    }
}
