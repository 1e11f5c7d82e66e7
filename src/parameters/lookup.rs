//! Where each parameter stands, found by one hash of its key: assembling a patient asks for some
//! six hundred numbers, and a batch assembles a patient for every replicate.

use std::sync::OnceLock;

use super::{Parameter, all};
use crate::quantity::Measure;

/// Slots a parameter, so that few keys meet.
const ROOM: usize = 4;
/// An empty slot.
const NONE: u16 = u16::MAX;

/// All parameters in the order of [`all`], and where each key stands.
pub(super) struct Lookup {
    /// The parameters.
    pub all: Vec<&'static Parameter>,
    /// Their units, read once; `None` where one cannot be read, which a test excludes.
    pub units: Vec<Option<Measure>>,
    slots: Vec<u16>,
}

/// Eight bytes at a time: multiply, fold, go on (the constant is that of Fibonacci hashing, Knuth 6.4).
fn hash(key: &str) -> u64 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |h: u64, word: u64| {
        let product = (h ^ word).wrapping_mul(GOLDEN);
        product ^ (product >> 29)
    };
    let mut words = key.as_bytes().chunks_exact(8);
    let mut h = key.len() as u64;
    for word in words.by_ref() {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        h = mix(h, u64::from_le_bytes(bytes));
    }
    let mut last = [0; 8];
    let rest = words.remainder();
    last[..rest.len()].copy_from_slice(rest);
    mix(h, u64::from_le_bytes(last))
}

impl Lookup {
    fn new() -> Lookup {
        let all: Vec<&'static Parameter> = all().collect();
        let size = (ROOM * all.len()).next_power_of_two();
        let mut lookup = Lookup {
            units: all.iter().map(|p| Measure::of(p.unit)).collect(),
            slots: vec![NONE; size],
            all,
        };
        for place in 0..lookup.all.len() {
            let slot = lookup.slot(lookup.all[place].key);
            // Of two with one key the first counts; a test excludes them.
            if lookup.slots[slot] == NONE {
                lookup.slots[slot] = place as u16;
            }
        }
        lookup
    }

    /// The slot of a key: where it stands, or the empty one where it would.
    fn slot(&self, key: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(key) as usize & mask;
        loop {
            let place = self.slots[slot];
            if place == NONE || self.all[place as usize].key == key {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The place of a key.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        let place = self.slots[self.slot(key)];
        (place != NONE).then_some(place as usize)
    }
}

/// The table, built at the first question.
pub(super) fn lookup() -> &'static Lookup {
    static TABLE: OnceLock<Lookup> = OnceLock::new();
    TABLE.get_or_init(Lookup::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_where_it_stands_and_no_other_is() {
        assert!(all().count() < NONE as usize);
        for (place, p) in all().enumerate() {
            assert_eq!(lookup().place(p.key), Some(place), "{}", p.key);
            assert!(lookup().units[place].is_some(), "{}", p.key);
            assert_eq!(lookup().place(&format!("{}x", p.key)), None);
            assert_eq!(lookup().place(&p.key[1..]), None);
        }
        assert_eq!(lookup().place(""), None);
    }
}
