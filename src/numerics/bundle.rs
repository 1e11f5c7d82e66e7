//! Several outputs of one system between two events, for right-hand sides that ask
//! thousands of times.
//!
//! Each output is brought to the form `constant + Σ a_k exp(λ_k t)`; modes that have
//! decayed below rounding are skipped, and once all have, an answer costs nothing.

use super::collocation::{PLACES, Row, WHOLE};
use super::decay::{decayed, larger};
use super::trajectory::ExponentialSum;
use super::wide::{Kernel, wide};

/// Below this share of an output's scale a mode no longer changes it.
const LOST: f64 = 1e-16;

/// Modes computed side by side.
const LANES: usize = 8;

#[derive(Debug, Clone)]
struct Mode<const N: usize> {
    rate: f64,
    amplitudes: [f64; N],
    /// From here on the mode is below [`LOST`] in all outputs \[h\].
    lifetime: f64,
}

/// Modes that are computed together; empty places have amplitude 0.
#[derive(Debug, Clone)]
struct Block<const N: usize> {
    /// Rates \[1/h\].
    rates: [f64; LANES],
    amplitudes: [[f64; LANES]; N],
    /// From here on all of them are below [`LOST`] \[h\].
    lifetime: f64,
}

/// `N` outputs with a common origin, each a constant and decaying exponentials.
///
/// Agrees with [`ExponentialSum::value`] to a few roundings of the largest value that the output
/// passes through or settles to.
#[derive(Debug, Clone)]
pub struct Bundle<const N: usize> {
    constants: [f64; N],
    /// Moving modes, those that live longest first.
    blocks: Vec<Block<N>>,
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
        let mut bundle = Self {
            constants,
            blocks: Vec::with_capacity(modes.len().div_ceil(LANES)),
        };
        for (k, mode) in modes.iter().enumerate() {
            bundle.push(k, mode.rate, mode.amplitudes, mode.lifetime);
        }
        Some(bundle)
    }

    /// Adds the `k`-th mode, which lives no longer than those before it.
    #[inline]
    fn push(&mut self, k: usize, rate: f64, amplitudes: [f64; N], lifetime: f64) {
        let lane = k % LANES;
        if lane == 0 {
            self.blocks.push(Block {
                rates: [0.0; LANES],
                amplitudes: [[0.0; LANES]; N],
                lifetime,
            });
        }
        if let Some(block) = self.blocks.last_mut() {
            block.rates[lane] = rate;
            for (places, amplitude) in block.amplitudes.iter_mut().zip(amplitudes) {
                places[lane] = amplitude;
            }
        }
    }

    /// From here on nothing changes any more \[h\] after the origin.
    pub fn settled_after(&self) -> f64 {
        self.blocks.first().map_or(0.0, |block| block.lifetime)
    }

    /// Outputs that are zero for ever.
    fn zero() -> Self {
        Self {
            constants: [0.0; N],
            blocks: Vec::new(),
        }
    }

    /// Whether all outputs are zero for ever.
    pub(crate) fn is_zero(&self) -> bool {
        self.blocks.is_empty() && self.constants.iter().all(|c| *c == 0.0)
    }

    /// All outputs at the nodes ([`PLACES`]) of a step of `span` \[h\] that begins at `from` \[h\]
    /// after the origin, `from >= 0`: two exponentials a mode instead of eight. Agrees with
    /// [`Bundle::values`] to 1e-13 of what it is near to.
    pub fn along(&self, from: f64, span: f64) -> [Row; N] {
        let mut values = self.constants.map(|constant| [constant; LANES]);
        let blocks = self.alive(from);
        if !blocks.is_empty() {
            wide(Along {
                blocks,
                from,
                span,
                values: &mut values,
            });
        }
        values
    }

    /// Blocks of which something is left at `t` \[h\]; those that live longest stand in front.
    fn alive(&self, t: f64) -> &[Block<N>] {
        let ended = self.blocks.iter().position(|block| block.lifetime <= t);
        &self.blocks[..ended.unwrap_or(self.blocks.len())]
    }

    /// All outputs at `t` \[h\] after the origin, `t >= 0`.
    pub fn values(&self, t: f64) -> [f64; N] {
        let mut values = self.constants;
        let blocks = self.alive(t);
        if !blocks.is_empty() {
            wide(Decaying {
                blocks,
                t,
                values: &mut values,
            });
        }
        values
    }
}

/// Outputs `Σ w x` of the modes of one system, ready to be joined with many states of it.
#[derive(Debug, Clone)]
pub(crate) struct Rows<const N: usize> {
    /// Modes that do not decay, by place, whether they grow, and what they weigh.
    still: Vec<(usize, bool, [f64; N])>,
    /// Modes whose rate another one shares, where what they hand on is seen.
    handing: Vec<usize>,
    decaying: Vec<RowBlock<N>>,
}

/// Decaying modes that are computed together; empty places weigh nothing.
#[derive(Debug, Clone)]
struct RowBlock<const N: usize> {
    from: [usize; LANES],
    rates: [f64; LANES],
    /// `-1 / rate` \[h\]: what an input of one settles to.
    settles: [f64; LANES],
    weights: [[f64; LANES]; N],
}

impl<const N: usize> Rows<N> {
    /// The outputs `rows` of modes of these `rates` \[1/h\], the slow ones first; `handing` are
    /// modes whose powers of time are seen. What weighs nothing is left out.
    pub(crate) fn new(rates: &[f64], rows: [&[f64]; N], handing: Vec<usize>) -> Self {
        let mut all = Self {
            still: Vec::new(),
            handing,
            decaying: Vec::new(),
        };
        let mut count = 0;
        for (k, &rate) in rates.iter().enumerate() {
            let weights = rows.map(|row| row[k]);
            if weights.iter().all(|w| *w == 0.0) {
                continue;
            }
            if rate >= 0.0 {
                all.still.push((k, rate > 0.0, weights));
                continue;
            }
            let lane = count % LANES;
            if lane == 0 {
                all.decaying.push(RowBlock {
                    from: [k; LANES],
                    rates: [0.0; LANES],
                    settles: [0.0; LANES],
                    weights: [[0.0; LANES]; N],
                });
            }
            count += 1;
            if let Some(block) = all.decaying.last_mut() {
                (block.from[lane], block.rates[lane], block.settles[lane]) = (k, rate, -1.0 / rate);
                for (places, weight) in block.weights.iter_mut().zip(weights) {
                    places[lane] = weight;
                }
            }
        }
        all
    }

    /// The outputs as functions of time, from state and input of every mode at the origin; `None`
    /// where one of them grows, drifts or has powers of time.
    pub(crate) fn bundle(&self, state: &[f64], forcing: &[f64]) -> Option<Bundle<N>> {
        let moved = |k: usize| state[k] != 0.0 || forcing[k] != 0.0;
        if self.handing.iter().any(|k| moved(*k)) {
            return None;
        }
        let mut bundle = Bundle::zero();
        let mut scales = [0.0; N];
        for &(k, grows, weights) in &self.still {
            if forcing[k] != 0.0 || (grows && state[k] != 0.0) {
                return None;
            }
            for (n, weight) in weights.into_iter().enumerate() {
                bundle.constants[n] += weight * state[k];
                scales[n] += (weight * state[k]).abs();
            }
        }
        if !self.decaying.iter().flat_map(|block| block.from).any(moved) {
            // Rescue drugs, most of the time.
            return Some(bundle);
        }
        bundle.blocks.reserve_exact(self.decaying.len());
        wide(Join {
            rows: &self.decaying,
            state,
            forcing,
            scales: &mut scales,
            bundle: &mut bundle,
        });
        Some(bundle)
    }
}

/// Joins rows with a state.
struct Join<'a, const N: usize> {
    rows: &'a [RowBlock<N>],
    state: &'a [f64],
    forcing: &'a [f64],
    scales: &'a mut [f64; N],
    bundle: &'a mut Bundle<N>,
}

impl<const N: usize> Kernel for Join<'_, N> {
    #[inline(always)]
    fn run(self) {
        let (mut constants, mut scales) = ([[0.0; LANES]; N], [[0.0; LANES]; N]);
        for row in self.rows {
            let mut block = Block {
                rates: row.rates,
                amplitudes: [[0.0; LANES]; N],
                lifetime: 0.0,
            };
            let (mut settled, mut moving) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                settled[lane] = self.forcing[row.from[lane]] * row.settles[lane];
                moving[lane] = self.state[row.from[lane]] - settled[lane];
            }
            for n in 0..N {
                for lane in 0..LANES {
                    let rests = row.weights[n][lane] * settled[lane];
                    let moves = row.weights[n][lane] * moving[lane];
                    block.amplitudes[n][lane] = moves;
                    constants[n][lane] += rests;
                    scales[n][lane] += rests.abs() + moves.abs();
                }
            }
            self.bundle.blocks.push(block);
        }
        let mut shares = [0.0; N];
        for n in 0..N {
            self.bundle.constants[n] += sum(constants[n]);
            let scale = self.scales[n] + sum(scales[n]);
            shares[n] = 1.0 / (LOST * scale).max(f64::MIN_POSITIVE);
        }
        // Slow modes mostly live longest; what follows a mode never outlives it here, so that
        // those alive stand in front.
        let mut longest: f64 = 0.0;
        for (block, row) in self.bundle.blocks.iter_mut().zip(self.rows).rev() {
            let mut above = [0.0; LANES];
            for (amplitudes, share) in block.amplitudes.iter().zip(&shares) {
                for (above, a) in above.iter_mut().zip(amplitudes) {
                    *above = larger(a.abs() * share, *above);
                }
            }
            let mut lives = [0.0; LANES];
            for lane in 0..LANES {
                let life = ln_above(above[lane]) * row.settles[lane];
                lives[lane] = if above[lane] > 1.0 { life } else { 0.0 };
            }
            longest = lives.into_iter().fold(longest, f64::max);
            block.lifetime = longest;
        }
        let alive = self.bundle.blocks.partition_point(|block| block.lifetime > 0.0);
        self.bundle.blocks.truncate(alive);
    }
}

/// The sum over the places of a block, in an order that does not depend on the width.
#[inline(always)]
fn sum(s: [f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

/// At most `ln 2` above `ln x` for an `x` above one.
#[inline(always)]
fn ln_above(x: f64) -> f64 {
    // The exponent in the last bits of 2^52 is that number and 2^52.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    let exponent = f64::from_bits(WHOLE.to_bits() | (x.to_bits() >> 52)) - WHOLE;
    (exponent - 1022.0) * std::f64::consts::LN_2
}

/// Adds `Σ a_k exp(λ_k t)` to each output.
struct Decaying<'a, const N: usize> {
    blocks: &'a [Block<N>],
    t: f64,
    values: &'a mut [f64; N],
}

impl<const N: usize> Kernel for Decaying<'_, N> {
    #[inline(always)]
    fn run(self) {
        // A sum for each place of the blocks: no addition waits for that of its neighbour, and
        // the order is the same whatever the width.
        let mut sums = [[0.0; LANES]; N];
        for block in self.blocks {
            let mut decay = [0.0; LANES];
            for (decay, rate) in decay.iter_mut().zip(&block.rates) {
                *decay = decayed(rate * self.t);
            }
            for (sums, amplitudes) in sums.iter_mut().zip(&block.amplitudes) {
                for ((sum, a), decay) in sums.iter_mut().zip(amplitudes).zip(&decay) {
                    *sum += a * decay;
                }
            }
        }
        for (value, s) in self.values.iter_mut().zip(sums) {
            *value += sum(s);
        }
    }
}

/// As [`Decaying`], at the nodes of a step.
struct Along<'a, const N: usize> {
    blocks: &'a [Block<N>],
    from: f64,
    span: f64,
    values: &'a mut [Row; N],
}

impl<const N: usize> Kernel for Along<'_, N> {
    #[inline(always)]
    fn run(self) {
        let part = self.span / f64::from(WHOLE);
        let mut all = [[[0.0; LANES]; N]; NODES];
        // All decays of a few blocks, then all sums of a node: done together they would not fit
        // what the processor holds at once, and the compiler would do one mode at a time.
        let mut decays = [[[0.0; LANES]; TOGETHER]; NODES];
        for blocks in self.blocks.chunks(TOGETHER) {
            for (k, block) in blocks.iter().enumerate() {
                let (mut start, mut unit) = ([0.0; LANES], [0.0; LANES]);
                for (start, rate) in start.iter_mut().zip(&block.rates) {
                    *start = decayed(rate * self.from);
                }
                for (unit, rate) in unit.iter_mut().zip(&block.rates) {
                    *unit = decayed(rate * part);
                }
                for (node, power) in node_powers(&unit).iter().enumerate() {
                    decays[node][k] = times(&start, power);
                }
            }
            for (sums, decays) in all.iter_mut().zip(&decays) {
                let mut own = *sums;
                for (block, decay) in blocks.iter().zip(decays) {
                    for (sums, amplitudes) in own.iter_mut().zip(&block.amplitudes) {
                        for ((sum, a), decay) in sums.iter_mut().zip(amplitudes).zip(decay) {
                            *sum += a * decay;
                        }
                    }
                }
                *sums = own;
            }
        }
        for (node, sums) in all.into_iter().enumerate() {
            for (values, s) in self.values.iter_mut().zip(sums) {
                values[node] += sum(s);
            }
        }
    }
}

/// Nodes of a step.
const NODES: usize = PLACES.len();

/// Blocks whose decays are held at once.
const TOGETHER: usize = 4;

/// Products place by place.
#[inline(always)]
fn times(a: &[f64; LANES], b: &[f64; LANES]) -> [f64; LANES] {
    let mut product = [0.0; LANES];
    for lane in 0..LANES {
        product[lane] = a[lane] * b[lane];
    }
    product
}

/// `x` to the power of each of [`PLACES`], by fourteen products.
#[inline(always)]
fn node_powers(x: &[f64; LANES]) -> [[f64; LANES]; NODES] {
    let two = times(x, x);
    let four = times(&two, &two);
    let seven = times(&times(&two, x), &four);
    let eight = times(&four, &four);
    let eleven = times(&seven, &four);
    let fifteen = times(&seven, &eight);
    let twenty_six = times(&eleven, &fifteen);
    let thirty_eight = times(&twenty_six, &times(&eight, &four));
    let forty_nine = times(&thirty_eight, &eleven);
    [
        *x,
        seven,
        fifteen,
        twenty_six,
        thirty_eight,
        forty_nine,
        times(&forty_nine, &times(&eight, &two)),
        times(&thirty_eight, &twenty_six),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::collocation::SHARES;
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
            blocks: &bundle.blocks,
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
    fn along_a_step_a_bundle_has_the_values_of_its_nodes() {
        // Seventeen modes, so that the last block is not full, some gone before the step.
        let terms = |n: u32| {
            let mode = |k: u32| term(1.0 / f64::from(k + n), 0.3, -libm::exp(0.7 * f64::from(k) - 3.0));
            ExponentialSum::new((1..18).map(mode).collect())
        };
        let bundle = Bundle::new(&[terms(0), terms(3), terms(9)]).unwrap();
        for (from, span) in [
            (0.0, 1e-6),
            (0.0, 6.0),
            (2.5, 0.7),
            (30.0, 24.0),
            (1e3, 168.0),
            (1e5, 1.0),
        ] {
            let outputs = bundle.along(from, span);
            for (node, share) in SHARES.into_iter().enumerate() {
                let exact = bundle.values(from + span * share);
                for (values, exact) in outputs.iter().zip(exact) {
                    assert!(
                        (values[node] - exact).abs() < 1e-13 * exact.abs(),
                        "{from} {span} {node}"
                    );
                }
            }
            // Wide vectors do not change a bit.
            let mut narrow = bundle.constants.map(|constant| [constant; LANES]);
            let whole = Along {
                blocks: bundle.alive(from),
                from,
                span,
                values: &mut narrow,
            };
            whole.run();
            assert_eq!(
                narrow.map(|n| n.map(f64::to_bits)),
                outputs.map(|n| n.map(f64::to_bits))
            );
        }
        assert_eq!(
            bundle.along(1e5, 1.0),
            bundle.constants.map(|constant| [constant; LANES])
        );
    }

    #[test]
    fn powers_of_the_nodes_are_exact_where_products_are() {
        let powers = node_powers(&[2.0; LANES]);
        assert_eq!(powers, PLACES.map(|node| [libm::scalbn(1.0, node as i32); LANES]));
    }

    #[test]
    fn a_bundle_of_modes_is_that_of_their_sums() {
        let rates = [0.0, -0.1, -2.0, -7.0, -50.0];
        let (state, forcing) = ([1.5, 1.0, -2.0, 3.0, 1e-9], [0.0, 0.5, 0.0, 2.0, 0.0]);
        let rows = [[1.0, 0.5, -1.0, 2.0, 1.0], [0.0, 0.0, 3.0, 1e-3, 0.0]];
        let form = |rows| Rows::new(&rates, rows, Vec::new());
        let bundle = form([&rows[0], &rows[1]]).bundle(&state, &forcing).unwrap();
        for t in [0.0, 1e-3, 0.4, 3.0, 40.0, 1e3] {
            for (row, value) in rows.iter().zip(bundle.values(t)) {
                let terms = (0..5).map(|k| term(row[k] * state[k], row[k] * forcing[k], rates[k]));
                let sum = ExponentialSum::new(terms.collect());
                assert!((value - sum.value(t)).abs() < 1e-14, "{t}");
            }
        }
        assert!(bundle.settled_after() > 300.0 && bundle.settled_after() < 600.0);
        let drift = [1.0, 0.0, 0.0, 0.0, 0.0];
        let one = |row| Rows::new(&rates, [row], Vec::new()).bundle(&state, &drift);
        assert!(one(&rows[0]).is_none());
        // What drifts unseen does not matter.
        assert!(one(&rows[1]).is_some());
        // What is handed on with a power of time has no bundle, unless nothing is there.
        let handing = Rows::new(&rates, [&rows[0]], vec![2]);
        assert!(handing.bundle(&state, &forcing).is_none());
        assert!(handing.bundle(&[1.0, 0.0, 0.0, 0.0, 0.0], &[0.0; 5]).is_some());
        for x in [1.0, 1.5, 3.0, 1e9] {
            assert!(ln_above(x) >= libm::log(x) && ln_above(x) <= libm::log(x) + 0.7);
        }
    }

    /// When the output with these weights of a state without input has settled.
    fn settled<const M: usize>(rates: [f64; M], weights: [f64; M], state: [f64; M]) -> f64 {
        let rows = Rows::new(&rates, [&weights], Vec::new());
        rows.bundle(&state, &[0.0; M]).unwrap().settled_after()
    }

    #[test]
    fn a_mode_lives_until_it_is_lost_in_what_its_output_passes_through() {
        use std::f64::consts::LN_2;
        // 1e16 lies between 2^53 and 2^54, whatever the unit.
        assert_eq!(settled([-1.0], [1.0], [4.0]), 54.0 * LN_2);
        assert_eq!(settled([-1.0], [4.0], [1.0]), 54.0 * LN_2);
        // One beside 4 * 2^18 that stays: 1e16 / (2^20 + 1) lies between 2^33 and 2^34.
        let stays = libm::scalbn(1.0, 18);
        assert_eq!(settled([0.0, -1.0], [4.0, 1.0], [stays, 1.0]), 34.0 * LN_2);
        // What is just the share that is lost does not live, however slow.
        assert_eq!(settled([-1e-3, -1.0], [1.0, 1.0], [1e-16, 1.0]), 54.0 * LN_2);
    }

    #[test]
    fn nothing_at_all_is_known_as_zero() {
        let of = |rate: f64, state: f64| {
            let rows = Rows::new(&[rate], [&[1.0], &[2.0]], Vec::new());
            rows.bundle(&[state], &[0.0]).unwrap().is_zero()
        };
        assert!(of(0.0, 0.0) && of(-1.0, 0.0) && Bundle::<2>::zero().is_zero());
        assert!(!of(0.0, 1.0) && !of(-1.0, 1.0));
        // Less than the smallest normal number is nothing.
        assert!(of(-1.0, 1e-310));
    }

    #[test]
    fn a_mode_that_grows_has_a_bundle_only_while_it_is_empty() {
        let rows = Rows::new(&[0.5], [&[1.0]], Vec::new());
        assert!(rows.bundle(&[1.0], &[0.0]).is_none());
        assert!(rows.bundle(&[0.0], &[0.0]).unwrap().is_zero());
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
