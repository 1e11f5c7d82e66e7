//! Sums without rounding, so that neither order nor grouping of the terms can be seen.
//!
//! A double is an integer times a power of two. [`ExactSum`] keeps the sum as one long
//! integer over the whole range of doubles (a Kulisch accumulator) in limbs of 32 bits, and
//! rounds once, when asked. Adding is associative, so threads, shards and a resumed run give
//! the same bits whatever they did in which order.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bits of one limb.
const LIMB: u32 = 32;
/// Exponent of the lowest bit: that of the smallest subnormal double.
const LOWEST: i32 = -1074;
/// Limbs from there to the largest double, and room for 2^60 terms of it.
const LIMBS: usize = 68;
/// Additions after which carries are taken up; a limb holds twice as many.
const ADDITIONS: u32 = 1 << 29;

/// A sum of doubles that is exact until it is read.
///
/// # Example
/// ```
/// use itbsim::batch::ExactSum;
///
/// let mut sum = ExactSum::default();
/// for x in [1e300, 1.0, -1e300, 1e-300] {
///     sum.add(x);
/// }
/// assert_eq!(sum.value(), 1.0);
/// ```
#[derive(Debug, Clone)]
pub struct ExactSum {
    limbs: [i64; LIMBS],
    /// Additions since carries were last taken up.
    pending: u32,
}

impl Default for ExactSum {
    fn default() -> Self {
        ExactSum {
            limbs: [0; LIMBS],
            pending: 0,
        }
    }
}

impl ExactSum {
    /// Adds a term. What is not finite has no place in a sum and is passed over.
    pub fn add(&mut self, x: f64) {
        if x == 0.0 || !x.is_finite() {
            return;
        }
        let bits = x.to_bits();
        let raw = ((bits >> 52) & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) = match raw {
            0 => (fraction, LOWEST),
            e => (fraction | 1 << 52, e - 1075),
        };
        let place = (exponent - LOWEST) as u32;
        let (limb, shift) = ((place / LIMB) as usize, place % LIMB);
        let wide = u128::from(mantissa) << shift;
        let sign = if x < 0.0 { -1 } else { 1 };
        for k in 0..3 {
            // 53 bits and a shift below 32 fill three limbs at most; the range leaves them room.
            let piece = (wide >> (LIMB * k)) as u32;
            self.limbs[limb + k as usize] += sign * i64::from(piece);
        }
        self.pending += 1;
        if self.pending >= ADDITIONS {
            self.carry();
        }
    }

    /// Adds all terms of another sum.
    pub fn join(&mut self, other: &ExactSum) {
        let mut other = other.clone();
        other.carry();
        self.carry();
        for (mine, its) in self.limbs.iter_mut().zip(other.limbs) {
            *mine += its;
        }
        self.carry();
    }

    /// Brings all limbs but the highest to 0 .. 2^32: one form for one sum.
    fn carry(&mut self) {
        let mut over = 0;
        for limb in &mut self.limbs[..LIMBS - 1] {
            let value = *limb + over;
            *limb = value & 0xffff_ffff;
            over = value >> LIMB;
        }
        self.limbs[LIMBS - 1] += over;
        self.pending = 0;
    }

    /// The sum, rounded once to the nearest double.
    pub fn value(&self) -> f64 {
        let mut whole = self.clone();
        whole.carry();
        let negative = whole.limbs[LIMBS - 1] < 0;
        if negative {
            whole.limbs.iter_mut().for_each(|l| *l = -*l);
            whole.carry();
        }
        let Some(top) = whole.limbs.iter().rposition(|l| *l != 0) else {
            return 0.0;
        };
        // The four highest limbs hold at least 97 bits; what lies below only decides a tie.
        let low = top.saturating_sub(3);
        let mut head = whole.limbs[low..=top]
            .iter()
            .rev()
            .fold(0_u128, |all, l| all << LIMB | *l as u128);
        if whole.limbs[..low].iter().any(|l| *l != 0) {
            head |= 1;
        }
        let size = libm::scalbn(head as f64, low as i32 * LIMB as i32 + LOWEST);
        if negative { -size } else { size }
    }
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b) = (self.clone(), other.clone());
        a.carry();
        b.carry();
        a.limbs == b.limbs
    }
}

/// As the place of the lowest limb that is not zero, and the limbs from there on.
impl Serialize for ExactSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut whole = self.clone();
        whole.carry();
        let first = whole.limbs.iter().position(|l| *l != 0).unwrap_or(0);
        let end = whole.limbs.iter().rposition(|l| *l != 0).map_or(first, |l| l + 1);
        (first, &whole.limbs[first..end]).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ExactSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (first, limbs) = <(usize, Vec<i64>)>::deserialize(deserializer)?;
        let mut sum = ExactSum::default();
        for (i, limb) in limbs.into_iter().enumerate() {
            match sum.limbs.get_mut(first.saturating_add(i)) {
                // Carries are taken up before a sum is written; the highest holds the sign.
                Some(slot) if limb.unsigned_abs() <= 1 << 40 => *slot = limb,
                _ => return Err(serde::de::Error::custom("a sum beyond the range of doubles")),
            }
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::Draws;

    fn of(terms: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        terms.iter().for_each(|x| sum.add(*x));
        sum
    }

    #[test]
    fn a_sum_is_that_of_exact_integers() {
        // Multiples of 2^-20 below 2^40: integers tell the truth.
        let channel = Draws::new(3, 0).channel("exact", "terms");
        let mut truth = 0_i128;
        let mut terms = Vec::new();
        for i in 0..5_000 {
            let whole = ((channel.uniform(i) - 0.5) * libm::scalbn(1.0, 50)).round();
            truth += whole as i128;
            terms.push(libm::scalbn(whole, -20));
        }
        assert_eq!(of(&terms).value(), libm::scalbn(truth as f64, -20));
    }

    #[test]
    fn order_and_grouping_leave_no_bit_behind() {
        let channel = Draws::new(4, 0).channel("exact", "order");
        let terms: Vec<f64> = (0..999)
            .map(|i| libm::exp(60.0 * (channel.uniform(i) - 0.5)) * if i % 3 == 0 { -1.0 } else { 1.0 })
            .collect();
        let forward = of(&terms);
        let mut backward: Vec<f64> = terms.clone();
        backward.reverse();
        let mut joined = of(&terms[..17]);
        joined.join(&of(&terms[500..]));
        joined.join(&of(&terms[17..500]));
        let text = serde_json::to_string(&forward).unwrap();
        for other in [of(&backward), joined, serde_json::from_str(&text).unwrap()] {
            assert_eq!(forward, other);
            assert_eq!(serde_json::to_string(&other).unwrap(), text);
            assert_eq!(forward.value().to_bits(), other.value().to_bits());
        }
    }

    #[test]
    fn extremes_cancel_and_ties_go_to_even() {
        assert_eq!(of(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, 5e-324]).value(), 5e-324);
        let half = libm::scalbn(1.0, -53);
        assert_eq!(of(&[1.0, half]).value(), 1.0);
        assert_eq!(of(&[1.0, half, 5e-324]).value(), 1.0 + f64::EPSILON);
        assert_eq!(of(&[-1.0, -half, -5e-324]).value(), -1.0 - f64::EPSILON);
        assert_eq!(of(&[0.1, -0.1]).value().to_bits(), 0);
        assert_eq!(of(&[f64::NAN, f64::INFINITY, 2.0]).value(), 2.0);
    }

    #[test]
    fn a_number_too_long_is_refused_when_read() {
        assert!(serde_json::from_str::<ExactSum>("[67,[1,2]]").is_err());
    }
}
