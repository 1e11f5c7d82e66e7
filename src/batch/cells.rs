//! Distributions in cells of stated width: counts that add up exactly, in memory that does
//! not grow with the number of replicates.
//!
//! A [`Scale`] cuts the line of numbers into cells by the bits of a double alone: even cells
//! below a floor, then a fixed number of cells an octave. So a value always falls into the
//! same cell, on every machine, and two collections are joined by adding counts.

use serde::{Deserialize, Serialize};

/// How numbers are cut into cells: below 2^`floor` in even steps of 2^(`floor` - `bits`),
/// above it 2^`bits` cells an octave, the same on the negative side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    bits: u32,
    floor: i32,
}

/// Bits of the fraction of a double.
const FRACTION: u32 = 52;

impl Scale {
    /// For signals at one instant: steps of 0.0005 up to 1/32, then 1.6 % of the value.
    pub const SIGNAL: Scale = Scale { bits: 6, floor: -5 };
    /// For outcomes: steps of 10^-6 up to 1/1024, then 0.1 % of the value.
    pub const OUTCOME: Scale = Scale { bits: 10, floor: -10 };

    /// In words, for tables.
    pub fn words(self) -> String {
        format!(
            "{} up to {}, then {} of the value; places within a cell are interpolated",
            libm::scalbn(1.0, self.floor - self.bits as i32),
            libm::scalbn(1.0, self.floor),
            libm::scalbn(1.0, -(self.bits as i32)),
        )
    }

    /// The cell of a number; zero has one of its own, number 0.
    pub fn cell(self, x: f64) -> i32 {
        if x == 0.0 {
            0
        } else if x < 0.0 {
            -1 - self.of_size(-x)
        } else {
            1 + self.of_size(x)
        }
    }

    fn of_size(self, x: f64) -> i32 {
        let edge = libm::scalbn(1.0, self.floor);
        if x < edge {
            return libm::floor(libm::scalbn(x, self.bits as i32 - self.floor)) as i32;
        }
        let place = x.to_bits() >> (FRACTION - self.bits);
        let first = edge.to_bits() >> (FRACTION - self.bits);
        (place - first) as i32 + (1 << self.bits)
    }

    /// Where a cell begins and ends.
    pub fn edges(self, cell: i32) -> (f64, f64) {
        match cell {
            0 => (0.0, 0.0),
            c if c < 0 => (-self.start(-c), -self.start(-c - 1)),
            c => (self.start(c - 1), self.start(c)),
        }
    }

    fn start(self, cell: i32) -> f64 {
        let even = 1 << self.bits;
        if cell < even {
            return libm::scalbn(f64::from(cell), self.floor - self.bits as i32);
        }
        let first = libm::scalbn(1.0, self.floor).to_bits() >> (FRACTION - self.bits);
        f64::from_bits((first + (cell - even) as u64) << (FRACTION - self.bits))
    }
}

/// Counts, or weights in fixed units, by cell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cells {
    /// Smallest and largest value put in; both 0 while empty.
    low: f64,
    high: f64,
    /// Cell of the first count.
    first: i32,
    counts: Vec<u64>,
    /// Smallest and largest value of each cell, where that is kept.
    bounds: Vec<(f64, f64)>,
}

impl Cells {
    /// Whether nothing was put in.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Smallest and largest value, exact.
    pub fn range(&self) -> Option<(f64, f64)> {
        (!self.is_empty()).then_some((self.low, self.high))
    }

    /// Everything put in, in units.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Puts a finite value in, as so many units.
    pub fn put(&mut self, scale: Scale, x: f64, units: u64) {
        let place = self.place(scale.cell(x));
        self.counts[place] += units;
        self.low = self.low.min(x);
        self.high = self.high.max(x);
    }

    /// As [`Cells::put`], and keeps the range of each cell: what takes few values is then given
    /// back exactly. For a collection that is only filled in this way.
    pub fn put_close(&mut self, scale: Scale, x: f64, units: u64) {
        self.put(scale, x, units);
        let place = self.place(scale.cell(x));
        self.bound(place, x, x);
    }

    /// The place of a cell among the counts, made if need be.
    fn place(&mut self, cell: i32) -> usize {
        if self.counts.is_empty() {
            self.first = cell;
            (self.low, self.high) = (f64::MAX, f64::MIN);
        }
        if cell < self.first {
            let missing = (self.first - cell) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            if !self.bounds.is_empty() {
                self.bounds.splice(0..0, std::iter::repeat_n((0.0, 0.0), missing));
            }
            self.first = cell;
        }
        let place = (cell - self.first) as usize;
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
            if !self.bounds.is_empty() {
                self.bounds.resize(place + 1, (0.0, 0.0));
            }
        }
        place
    }

    /// Takes values into the range of a cell that holds something. An empty range is (0, 0), and
    /// so is that of zero, whose cell holds nothing else.
    fn bound(&mut self, place: usize, low: f64, high: f64) {
        if self.bounds.is_empty() {
            self.bounds.resize(self.counts.len(), (0.0, 0.0));
        }
        let known = &mut self.bounds[place];
        *known = match *known {
            (0.0, 0.0) => (low, high),
            (a, b) => (a.min(low), b.max(high)),
        };
    }

    /// Adds all counts of another collection on the same scale.
    pub fn join(&mut self, other: &Cells) {
        for (i, count) in other.counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let place = self.place(other.first + i as i32);
            // Parts that are not what they say could count more than there can be.
            self.counts[place] = self.counts[place].saturating_add(*count);
            if let Some((low, high)) = other.bounds.get(i) {
                self.bound(place, *low, *high);
            }
        }
        if !other.is_empty() {
            self.low = self.low.min(other.low);
            self.high = self.high.max(other.high);
        }
    }

    /// The value below which `mass` units lie, interpolated in its cell and never beyond what
    /// was put in. `None` while empty.
    pub fn value_at(&self, scale: Scale, mass: f64) -> Option<f64> {
        let (low, high) = self.range()?;
        let mut before = 0.0;
        for (i, count) in self.counts.iter().enumerate() {
            let count = *count as f64;
            if count > 0.0 && before + count >= mass {
                let (from, to) = self.edges(scale, i);
                let share = ((mass - before) / count).clamp(0.0, 1.0);
                return Some((from + (to - from) * share).clamp(low, high));
            }
            before += count;
        }
        Some(high)
    }

    /// What lies between the values of a cell.
    fn edges(&self, scale: Scale, place: usize) -> (f64, f64) {
        match self.bounds.get(place) {
            Some(range) => *range,
            None => scale.edges(self.first + place as i32),
        }
    }

    /// Shares up to the upper edge of each cell that holds something, for an ECDF.
    pub fn steps(&self, scale: Scale) -> Vec<(f64, f64)> {
        let total = self.total() as f64;
        let mut sum = 0;
        let mut out = Vec::new();
        for (i, count) in self.counts.iter().enumerate() {
            if *count > 0 {
                sum = u64::saturating_add(sum, *count);
                out.push((self.edges(scale, i).1.clamp(self.low, self.high), sum as f64 / total));
            }
        }
        out
    }

    /// Whether the counts fit their place in the scale; false only for a damaged file.
    pub fn is_sound(&self) -> bool {
        // No double lies further out on any scale, and memory is made up to there.
        const MOST: i64 = 1 << 21;
        self.low.is_finite()
            && self.high.is_finite()
            && self.low <= self.high
            && i64::from(self.first) >= -MOST
            && i64::from(self.first) + self.counts.len() as i64 <= MOST
            && (self.bounds.is_empty() || self.bounds.len() == self.counts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::Draws;

    #[test]
    fn every_number_lies_in_its_cell_and_cells_join_without_gap() {
        for scale in [Scale::SIGNAL, Scale::OUTCOME] {
            let channel = Draws::new(1, 0).channel("cells", "x");
            for i in 0..4_000 {
                let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
                let x = sign * libm::exp(40.0 * (channel.uniform(i) - 0.5));
                let (low, high) = scale.edges(scale.cell(x));
                assert!(low <= x && x <= high && low < high, "{x}: {low} {high}");
                assert_eq!(scale.cell(-x), -scale.cell(x));
                let width = (high - low) / x.abs().max(libm::scalbn(1.0, scale.floor));
                assert!(width <= libm::scalbn(1.0, -(scale.bits as i32)), "{x}: {width}");
            }
            for cell in -2_000..2_000 {
                assert_eq!(scale.edges(cell).1, scale.edges(cell + 1).0, "{cell}");
                if cell > 1 {
                    assert_eq!(scale.cell(scale.edges(cell).0), cell);
                }
            }
        }
        assert_eq!(Scale::SIGNAL.cell(-0.0), 0);
    }

    #[test]
    fn joined_in_any_order_the_counts_are_the_same() {
        let channel = Draws::new(2, 0).channel("cells", "join");
        let values: Vec<f64> = (0..600).map(|i| channel.normal(i, 1.0, 3.0).unwrap()).collect();
        let of = |values: &[f64]| {
            let mut cells = Cells::default();
            values.iter().for_each(|x| cells.put(Scale::SIGNAL, *x, 1));
            cells
        };
        let whole = of(&values);
        for parts in [[0..200, 200..599, 599..600], [599..600, 0..200, 200..599]] {
            let mut joined = Cells::default();
            for part in parts {
                joined.join(&of(&values[part]));
            }
            assert_eq!(joined, whole);
        }
        assert_eq!(whole.total(), 600);
    }

    #[test]
    fn places_are_found_within_the_stated_width() {
        let mut values: Vec<f64> = (0..999).map(|i| 0.02 + f64::from(i * i) * 1e-3).collect();
        let mut cells = Cells::default();
        values.iter().for_each(|x| cells.put(Scale::SIGNAL, *x, 1));
        values.sort_by(f64::total_cmp);
        for (i, x) in values.iter().enumerate() {
            let found = cells.value_at(Scale::SIGNAL, i as f64 + 0.5).unwrap();
            assert!((found - x).abs() <= (x / 64.0).max(0.0005), "{i}: {x} {found}");
        }
    }

    #[test]
    fn what_never_changes_is_given_back_exactly() {
        let mut cells = Cells::default();
        (0..7).for_each(|_| cells.put(Scale::SIGNAL, 300.0, 1));
        assert_eq!(cells.value_at(Scale::SIGNAL, 3.5), Some(300.0));
        assert_eq!(cells.steps(Scale::SIGNAL), [(300.0, 1.0)]);
        let mut few = Cells::default();
        for x in [0.0, 0.0, 1.0, 1.0, 1.0, 7.0, -3.0] {
            few.put_close(Scale::OUTCOME, x, 1);
        }
        let places = [0.5, 1.5, 2.5, 3.5, 5.5, 6.5].map(|m| few.value_at(Scale::OUTCOME, m).unwrap());
        assert_eq!(places, [-3.0, 0.0, 0.0, 1.0, 1.0, 7.0]);
        let mut joined = Cells::default();
        joined.join(&few);
        joined.join(&Cells::default());
        assert_eq!(joined, few);
        assert_eq!(Cells::default().value_at(Scale::SIGNAL, 0.5), None);
    }
}
