//! A running 64-bit hash of what happened.
//!
//! Two runs with the same fingerprint fired the same events, in the same order, at the
//! same nanoseconds, with the same payloads (up to a chance of about 2^-64). It detects
//! accidents, not forgery.
//!
//! Mixing: words of 64 bits, each as in FNV-1a (exclusive or, then multiply), with one
//! shift added because multiplication alone never carries a high bit down:
//!
//! ```text
//! state = (state ^ word) * 0x9e37_79b9_7f4a_7c15
//! state = state ^ (state >> 32)
//! ```
//!
//! Every step is a bijection of the state, so no information collapses on the way. The
//! printed value mixes in the number of words and applies the finaliser of MurmurHash3.
//! All of this is integer arithmetic: the same on every platform.

use std::fmt;

use serde::{Deserialize, Serialize};

const BASIS: u64 = 0xcbf2_9ce4_8422_2325; // FNV offset basis
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15; // odd, from the golden ratio

/// The running hash; print it, or take [`Fingerprint::finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    state: u64,
    words: u64,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self::new()
    }
}

impl Fingerprint {
    /// Of nothing.
    pub const fn new() -> Self {
        Fingerprint { state: BASIS, words: 0 }
    }

    /// Adds one word.
    #[inline]
    pub fn write_u64(&mut self, word: u64) {
        let mixed = (self.state ^ word).wrapping_mul(FACTOR);
        self.state = mixed ^ (mixed >> 32);
        self.words = self.words.wrapping_add(1);
    }

    /// Adds a signed integer by its two's complement.
    #[inline]
    pub fn write_i64(&mut self, value: i64) {
        self.write_u64(value as u64);
    }

    /// Adds a float by its bits. `-0.0` counts as `0.0` and every NaN as one NaN,
    /// because neither difference is one of value.
    #[inline]
    pub fn write_f64(&mut self, value: f64) {
        let bits = if value == 0.0 {
            0
        } else if value.is_nan() {
            0x7ff8_0000_0000_0000
        } else {
            value.to_bits()
        };
        self.write_u64(bits);
    }

    /// Adds a text: its bytes as little-endian words, padded with zero, then its length,
    /// so that neighbouring texts cannot trade letters.
    #[inline]
    pub fn write_str(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let (whole, rest) = bytes.as_chunks::<8>();
        for chunk in whole {
            self.write_u64(u64::from_le_bytes(*chunk));
        }
        if !rest.is_empty() {
            let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.write_u64(word);
        }
        self.write_u64(bytes.len() as u64);
    }

    /// The value so far; writing may go on afterwards.
    pub const fn finish(&self) -> u64 {
        let mut x = self.state ^ self.words;
        x ^= x >> 33;
        x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
        x ^= x >> 33;
        x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        x ^ (x >> 33)
    }
}

impl fmt::Display for Fingerprint {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.finish())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(write: impl FnOnce(&mut Fingerprint)) -> String {
        let mut fp = Fingerprint::new();
        write(&mut fp);
        fp.to_string()
    }

    #[test]
    fn negative_zero_and_nan_payloads_make_no_difference() {
        assert_eq!(of(|f| f.write_f64(0.0)), of(|f| f.write_f64(-0.0)));
        assert_eq!(of(|f| f.write_f64(f64::NAN)), of(|f| f.write_f64(-f64::NAN)));
        assert_ne!(of(|f| f.write_f64(1.0)), of(|f| f.write_f64(-1.0)));
    }

    #[test]
    fn texts_cannot_trade_letters_or_padding() {
        let pair = |a: &str, b: &str| {
            of(|f| {
                f.write_str(a);
                f.write_str(b);
            })
        };
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
        assert_ne!(of(|f| f.write_str("a")), of(|f| f.write_str("a\0")));
        assert_ne!(of(|f| f.write_str("")), of(|_| ()));
    }

    #[test]
    fn order_counts() {
        let pair = |a, b| {
            of(|f| {
                f.write_u64(a);
                f.write_u64(b);
            })
        };
        assert_ne!(pair(1, 2), pair(2, 1));
    }

    proptest! {
        #[test]
        fn one_flipped_bit_changes_about_half_of_the_digits(word: u64, bit in 0..64u32, tail: u64) {
            let value = |w| { let mut f = Fingerprint::new(); f.write_u64(w); f.write_u64(tail); f.finish() };
            let flipped = (value(word) ^ value(word ^ 1 << bit)).count_ones();
            prop_assert!((8..=56).contains(&flipped), "{flipped} bits");
        }
    }
}
