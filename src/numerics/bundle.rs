//! Several outputs of one system between two events, for right-hand sides that ask
//! thousands of times.
//!
//! Each output is brought to the form `constant + Σ a_k exp(λ_k t)`; modes that have
//! decayed below rounding are skipped, and once all have, an answer costs nothing.

use super::decay::decayed;
use super::trajectory::ExponentialSum;
use super::wide::{Kernel, wide};

/// Below this share of an output's scale a mode no longer changes it.
const LOST: f64 = 1e-17;

/// Exponentials computed side by side.
const LANES: usize = 8;

#[derive(Debug, Clone)]
struct Mode<const N: usize> {
    rate: f64,
    amplitudes: [f64; N],
    /// From here on the mode is below [`LOST`] in all outputs \[h\].
    lifetime: f64,
}

/// `N` outputs with a common origin, each a constant and decaying exponentials.
///
/// Agrees with [`ExponentialSum::value`] to a few roundings of the largest value that the output
/// passes through or settles to.
#[derive(Debug, Clone)]
pub struct Bundle<const N: usize> {
    constants: [f64; N],
    /// Rates \[1/h\], the longest-lived mode first.
    rates: Vec<f64>,
    amplitudes: Vec<[f64; N]>,
    lifetimes: Vec<f64>,
}

impl<const N: usize> Bundle<N> {
    /// The bundle of `sums`; `None` where one of them grows, drifts or has powers of time.
    pub fn new(sums: &[ExponentialSum; N]) -> Option<Self> {
        let mut constants = [0.0; N];
        let mut scales = [0.0; N];
        let mut modes: Vec<Mode<N>> = Vec::new();
        for (n, sum) in sums.iter().enumerate() {
            // All sums list the modes of one system in one order.
            let mut next = 0;
            for term in sum.terms() {
                if term.power > 0 || term.rate > 0.0 {
                    return None;
                }
                if term.rate == 0.0 {
                    if term.forcing != 0.0 {
                        return None;
                    }
                    constants[n] += term.amplitude;
                    scales[n] += term.amplitude.abs();
                    continue;
                }
                let settled = -term.forcing / term.rate;
                let amplitude = term.amplitude - settled;
                constants[n] += settled;
                scales[n] += settled.abs() + amplitude.abs();
                let place = modes[next..].iter().position(|m| m.rate == term.rate);
                let place = place.map_or(modes.len(), |p| next + p);
                if place == modes.len() {
                    modes.push(Mode {
                        rate: term.rate,
                        amplitudes: [0.0; N],
                        lifetime: 0.0,
                    });
                }
                modes[place].amplitudes[n] += amplitude;
                next = place;
            }
        }
        for mode in &mut modes {
            for (a, scale) in mode.amplitudes.iter().zip(scales) {
                let excess = a.abs() / (LOST * scale).max(f64::MIN_POSITIVE);
                if excess > 1.0 {
                    mode.lifetime = mode.lifetime.max(libm::log(excess) / -mode.rate);
                }
            }
        }
        modes.retain(|m| m.lifetime > 0.0);
        modes.sort_by(|a, b| b.lifetime.total_cmp(&a.lifetime));
        Some(Self {
            constants,
            rates: modes.iter().map(|m| m.rate).collect(),
            amplitudes: modes.iter().map(|m| m.amplitudes).collect(),
            lifetimes: modes.iter().map(|m| m.lifetime).collect(),
        })
    }

    /// The bundle of outputs `Σ w x` of modes given as rate, state and input at the origin, the
    /// slow ones first; `None` where one of the outputs grows or drifts.
    pub(crate) fn of_modes(rates: &[f64], rows: [&[f64]; N], state: &[f64], forcing: &[f64]) -> Option<Self> {
        let n = rates.len();
        let rows = rows.map(|row| &row[..n]);
        let modes = state[..n].iter().zip(&forcing[..n]);
        let mut moved = modes.enumerate().filter(|(_, (z, f))| **z != 0.0 || **f != 0.0);
        if moved.all(|(k, _)| rows.iter().all(|row| row[k] == 0.0)) {
            // Rescue drugs, most of the time.
            return Some(Self::zero());
        }
        let mut bundle = Self {
            constants: [0.0; N],
            rates: Vec::with_capacity(n),
            amplitudes: Vec::with_capacity(n),
            lifetimes: Vec::with_capacity(n),
        };
        let mut scales = [0.0; N];
        for (k, (&rate, (&z, &f))) in rates.iter().zip(state.iter().zip(forcing)).enumerate() {
            let drifts = rate > 0.0 && rows.iter().any(|row| row[k] * z != 0.0);
            if drifts || (rate >= 0.0 && rows.iter().any(|row| row[k] * f != 0.0)) {
                return None;
            }
            let settled = if rate < 0.0 { -f / rate } else { z };
            let moving = z - settled;
            let mut amplitudes = [0.0; N];
            for (n, row) in rows.iter().enumerate() {
                let (rests, moves) = (row[k] * settled, row[k] * moving);
                amplitudes[n] = moves;
                bundle.constants[n] += rests;
                scales[n] += rests.abs() + moves.abs();
            }
            if rate < 0.0 && moving != 0.0 {
                bundle.rates.push(rate);
                bundle.amplitudes.push(amplitudes);
            }
        }
        // Slow modes mostly live longest; what follows a mode never outlives it here, so that
        // those alive stand in front.
        let floors = scales.map(|scale| (LOST * scale).max(f64::MIN_POSITIVE));
        let mut longest: f64 = 0.0;
        for (rate, amplitudes) in bundle.rates.iter().zip(&bundle.amplitudes).rev() {
            let shares = amplitudes.iter().zip(floors).map(|(a, floor)| a.abs() / floor);
            longest = longest.max(ln_above(shares.fold(0.0, f64::max)) / -rate);
            bundle.lifetimes.push(longest);
        }
        bundle.lifetimes.reverse();
        let alive = bundle.lifetimes.partition_point(|lifetime| *lifetime > 0.0);
        bundle.rates.truncate(alive);
        bundle.amplitudes.truncate(alive);
        bundle.lifetimes.truncate(alive);
        Some(bundle)
    }

    /// From here on nothing changes any more \[h\] after the origin.
    pub fn settled_after(&self) -> f64 {
        self.lifetimes.first().copied().unwrap_or(0.0)
    }

    /// Outputs that are zero for ever.
    fn zero() -> Self {
        Self {
            constants: [0.0; N],
            rates: Vec::new(),
            amplitudes: Vec::new(),
            lifetimes: Vec::new(),
        }
    }

    /// Whether all outputs are zero for ever.
    pub(crate) fn is_zero(&self) -> bool {
        self.rates.is_empty() && self.constants.iter().all(|c| *c == 0.0)
    }

    /// All outputs at `t` \[h\] after the origin, `t >= 0`.
    pub fn values(&self, t: f64) -> [f64; N] {
        let mut values = self.constants;
        let alive = self.lifetimes.partition_point(|lifetime| *lifetime > t);
        if alive > 0 {
            wide(Decaying {
                rates: &self.rates[..alive],
                amplitudes: &self.amplitudes[..alive],
                t,
                values: &mut values,
            });
        }
        values
    }
}

/// At most `ln 2` above `ln x` for an `x` above one, and zero below.
fn ln_above(x: f64) -> f64 {
    if x <= 1.0 {
        return 0.0;
    }
    let exponent = (x.to_bits() >> 52) as i64 - 1023;
    (exponent + 1) as f64 * std::f64::consts::LN_2
}

/// Adds `Σ a_k exp(λ_k t)` to each output.
struct Decaying<'a, const N: usize> {
    rates: &'a [f64],
    amplitudes: &'a [[f64; N]],
    t: f64,
    values: &'a mut [f64; N],
}

impl<const N: usize> Kernel for Decaying<'_, N> {
    #[inline(always)]
    fn run(self) {
        // Apart from where they come from, so that they can stay in registers, and two sums,
        // so that additions need not wait for one another.
        let (mut values, mut others) = (*self.values, [0.0; N]);
        for (rates, amplitudes) in self.rates.chunks(LANES).zip(self.amplitudes.chunks(LANES)) {
            let mut decay = [0.0; LANES];
            for (decay, rate) in decay.iter_mut().zip(rates) {
                *decay = decayed(rate * self.t);
            }
            for (amplitudes, decay) in amplitudes.chunks(2).zip(decay.chunks_exact(2)) {
                for (value, a) in values.iter_mut().zip(&amplitudes[0]) {
                    *value += a * decay[0];
                }
                for (value, a) in others.iter_mut().zip(amplitudes.get(1).unwrap_or(&[0.0; N])) {
                    *value += a * decay[1];
                }
            }
        }
        for (value, other) in values.iter_mut().zip(others) {
            *value += other;
        }
        *self.values = values;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::trajectory::Term;

    fn term(amplitude: f64, forcing: f64, rate: f64) -> Term {
        Term {
            amplitude,
            forcing,
            rate,
            power: 0,
        }
    }

    #[test]
    fn a_bundle_gives_the_values_of_its_sums_before_and_after_they_settle() {
        let sums = [
            ExponentialSum::new(vec![term(1.0, 0.5, -0.1), term(-2.0, 3.0, -7.0)]),
            ExponentialSum::new(vec![term(0.25, 0.0, 0.0), term(0.5, 0.0, -2.0), term(0.0, 4.0, -7.0)]),
        ];
        let bundle = Bundle::new(&sums).unwrap();
        for t in [0.0, 1e-6, 0.3, 4.0, 30.0, 300.0, 1e4] {
            for (value, sum) in bundle.values(t).iter().zip(&sums) {
                assert!((value - sum.value(t)).abs() < 1e-14, "{t}");
            }
        }
        // Wide vectors do not change a bit.
        let mut narrow = bundle.constants;
        let whole = Decaying {
            rates: &bundle.rates,
            amplitudes: &bundle.amplitudes,
            t: 0.3,
            values: &mut narrow,
        };
        whole.run();
        assert_eq!(narrow.map(f64::to_bits), bundle.values(0.3).map(f64::to_bits));
        let end = bundle.settled_after();
        assert!(end > 300.0 && end < 500.0);
        assert_eq!(bundle.values(end), bundle.values(1e5));
    }

    #[test]
    fn a_bundle_of_modes_is_that_of_their_sums() {
        let rates = [0.0, -0.1, -2.0, -7.0, -50.0];
        let (state, forcing) = ([1.5, 1.0, -2.0, 3.0, 1e-9], [0.0, 0.5, 0.0, 2.0, 0.0]);
        let rows = [[1.0, 0.5, -1.0, 2.0, 1.0], [0.0, 0.0, 3.0, 1e-3, 0.0]];
        let bundle = Bundle::of_modes(&rates, [&rows[0], &rows[1]], &state, &forcing).unwrap();
        for t in [0.0, 1e-3, 0.4, 3.0, 40.0, 1e3] {
            for (row, value) in rows.iter().zip(bundle.values(t)) {
                let terms = (0..5).map(|k| term(row[k] * state[k], row[k] * forcing[k], rates[k]));
                let sum = ExponentialSum::new(terms.collect());
                assert!((value - sum.value(t)).abs() < 1e-14, "{t}");
            }
        }
        assert!(bundle.settled_after() > 300.0 && bundle.settled_after() < 600.0);
        let drift = [1.0, 0.0, 0.0, 0.0, 0.0];
        assert!(Bundle::of_modes(&rates, [&rows[0]], &state, &drift).is_none());
        // What drifts unseen does not matter.
        assert!(Bundle::of_modes(&rates, [&rows[1]], &state, &drift).is_some());
        for x in [1.0, 1.5, 3.0, 1e9] {
            assert!(ln_above(x) >= libm::log(x) && ln_above(x) <= libm::log(x) + 0.7);
        }
    }

    #[test]
    fn what_never_settles_has_no_bundle() {
        let power = Term {
            power: 1,
            ..term(1.0, 0.0, -1.0)
        };
        for bad in [term(1.0, 0.0, 0.1), term(0.0, 1.0, 0.0), power] {
            assert!(Bundle::new(&[ExponentialSum::new(vec![bad])]).is_none());
        }
        let nothing = Bundle::new(&[ExponentialSum::default()]).unwrap();
        assert_eq!((nothing.settled_after(), nothing.values(3.0)), (0.0, [0.0]));
    }
}
