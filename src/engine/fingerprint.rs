//! A running 64-bit hash over everything that happened.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Odd multiplier of the word step (that of the 64-bit FNV-1a hash).
const STEP: u64 = 0x0000_0100_0000_01b3;
/// Start value (that of the 64-bit FNV-1a hash).
const START: u64 = 0xcbf2_9ce4_8422_2325;

/// Hash state. Words are mixed in one by one: xor, multiply, and a rotation so
/// that high bits reach low ones; [`value`](Fingerprint::value) finishes with
/// the avalanche of splitmix64. Not cryptographic: it detects a change, not an
/// adversary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Fingerprint(START)
    }
}

impl Fingerprint {
    /// Mixes in a word.
    pub fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(STEP).rotate_left(29);
    }

    /// Mixes in a signed word.
    pub fn write_i64(&mut self, word: i64) {
        self.write_u64(word as u64);
    }

    /// Mixes in a number bit by bit; the two zeros count as one.
    pub fn write_f64(&mut self, value: f64) {
        self.write_u64((value + 0.0).to_bits());
    }

    /// Mixes in text with its length.
    pub fn write_str(&mut self, text: &str) {
        self.write_u64(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0_u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    /// The hash of all that was written so far.
    pub fn value(self) -> u64 {
        let mut z = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_values() {
        assert_eq!(Fingerprint::default().to_string(), "f52a15e9a9b5e89b");
        let mut fp = Fingerprint::default();
        fp.write_u64(1);
        fp.write_str("pump");
        fp.write_f64(0.1);
        assert_eq!(fp.to_string(), "0000000000000000");
    }

    #[test]
    fn the_two_zeros_are_one_and_order_matters() {
        let hash = |values: &[f64]| {
            let mut fp = Fingerprint::default();
            values.iter().for_each(|v| fp.write_f64(*v));
            fp.value()
        };
        assert_eq!(hash(&[0.0]), hash(&[-0.0]));
        assert_ne!(hash(&[1.0, 2.0]), hash(&[2.0, 1.0]));
    }
}
