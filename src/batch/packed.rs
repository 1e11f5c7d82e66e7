//! Whole numbers and doubles as a short text: seven bits a byte, the bytes in base 64 (RFC 4648,
//! without padding). One sequence of numbers has one text.

/// Digits of base 64.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bits by which doubles in their order become whole numbers in theirs.
const SIGN: u64 = 1 << 63;

/// Numbers on their way into a text.
#[derive(Debug, Default)]
pub(super) struct Packed(Vec<u8>);

impl Packed {
    /// A whole number; small ones are short.
    pub(super) fn unsigned(&mut self, mut x: u64) {
        while x > 0x7f {
            self.0.push(x as u8 | 0x80);
            x >>= 7;
        }
        self.0.push(x as u8);
    }

    /// A whole number with a sign.
    pub(super) fn signed(&mut self, x: i64) {
        self.unsigned(((x << 1) ^ (x >> 63)) as u64);
    }

    /// A count in units of 2^32; whole counts are short.
    pub(super) fn units(&mut self, x: u64) {
        self.unsigned(x.rotate_left(32));
    }

    /// A double, short if it lies a little above `before`.
    pub(super) fn float_after(&mut self, before: f64, x: f64) {
        self.unsigned(ordered(x).wrapping_sub(ordered(before)));
    }

    /// The text.
    pub(super) fn into_text(self) -> String {
        let mut text = String::with_capacity(self.0.len().div_ceil(3) * 4);
        for bytes in self.0.chunks(3) {
            let all = bytes.iter().fold(0_u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - bytes.len()));
            for place in 0..=bytes.len() {
                text.push(char::from(DIGITS[(all >> (18 - 6 * place)) as usize & 63]));
            }
        }
        text
    }
}

/// A text on its way back into numbers, which are asked for in the order they were put in.
#[derive(Debug)]
pub(super) struct Unpacked {
    bytes: Vec<u8>,
    next: usize,
}

impl Unpacked {
    /// `None` of a text that is none of these.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
        for digits in text.as_bytes().chunks(4) {
            let mut all = 0_u32;
            for digit in digits {
                let value = match digit {
                    b'A'..=b'Z' => digit - b'A',
                    b'a'..=b'z' => digit - b'a' + 26,
                    b'0'..=b'9' => digit - b'0' + 52,
                    b'+' => 62,
                    b'/' => 63,
                    _ => return None,
                };
                all = all << 6 | u32::from(value);
            }
            let count = digits.len() - 1;
            all <<= 6 * (4 - digits.len());
            if count == 0 || all & ((1 << (8 * (3 - count))) - 1) != 0 {
                return None;
            }
            bytes.extend((0..count).map(|place| (all >> (16 - 8 * place)) as u8));
        }
        Some(Unpacked { bytes, next: 0 })
    }

    /// Whether all was read.
    pub(super) fn is_empty(&self) -> bool {
        self.next == self.bytes.len()
    }

    /// As [`Packed::unsigned`]; `None` behind the end, and of a number of more than 64 bits.
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let mut x = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.next)?;
            self.next += 1;
            let piece = u64::from(byte & 0x7f);
            if piece << shift >> shift != piece {
                return None;
            }
            x |= piece << shift;
            if byte & 0x80 == 0 {
                return Some(x);
            }
        }
        None
    }

    /// As [`Packed::signed`].
    pub(super) fn signed(&mut self) -> Option<i64> {
        let x = self.unsigned()?;
        Some((x >> 1) as i64 ^ -((x & 1) as i64))
    }

    /// As [`Packed::units`].
    pub(super) fn units(&mut self) -> Option<u64> {
        Some(self.unsigned()?.rotate_right(32))
    }

    /// As [`Packed::float_after`].
    pub(super) fn float_after(&mut self, before: f64) -> Option<f64> {
        let order = ordered(before).wrapping_add(self.unsigned()?);
        let bits = if order & SIGN == 0 { !order } else { order ^ SIGN };
        Some(f64::from_bits(bits))
    }
}

/// A whole number for each double, in the same order.
fn ordered(x: f64) -> u64 {
    let bits = x.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were() {
        let floats = [0.0, 5e-324, -1.5, 400.0, f64::MAX, f64::MIN, -0.0, 1.0 / 3.0];
        let wholes = [0, 1, 127, 128, 1 << 32, 7 << 32, u64::MAX, u64::MAX >> 1];
        let signed = [0, -1, 1, -64, 64, i64::MIN, i64::MAX, -300];
        for many in 0..=8 {
            let mut packed = Packed::default();
            let mut last = 0.0;
            for i in 0..many {
                packed.unsigned(wholes[i]);
                packed.signed(signed[i]);
                packed.units(wholes[i]);
                packed.float_after(last, floats[i]);
                last = floats[i];
            }
            let mut unpacked = Unpacked::of(&packed.into_text()).unwrap();
            let mut last = 0.0;
            for i in 0..many {
                assert_eq!(unpacked.unsigned(), Some(wholes[i]));
                assert_eq!(unpacked.signed(), Some(signed[i]));
                assert_eq!(unpacked.units(), Some(wholes[i]));
                let x = unpacked.float_after(last).unwrap();
                assert_eq!(x.to_bits(), floats[i].to_bits());
                last = x;
            }
            assert!(unpacked.is_empty());
            assert_eq!(unpacked.unsigned(), None);
        }
    }

    #[test]
    fn the_text_is_that_of_the_standard() {
        // RFC 4648, section 10, without padding.
        for (plain, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(Packed(plain.into()).into_text(), text);
            assert_eq!(Unpacked::of(text).unwrap().bytes, plain.as_bytes());
        }
        for wrong in ["Z", "Zh", "Zm9", "Zm9v=", "Zg=="] {
            assert!(Unpacked::of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_number_too_long_is_refused() {
        assert_eq!(
            Unpacked {
                bytes: vec![0xff; 12],
                next: 0
            }
            .unsigned(),
            None
        );
        assert_eq!(
            Unpacked {
                bytes: vec![0x80; 3],
                next: 0
            }
            .unsigned(),
            None
        );
    }
}
