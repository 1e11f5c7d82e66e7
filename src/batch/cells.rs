//! Distributions in cells of stated width: counts that add up exactly, in memory that does
//! not grow with the number of replicates.
//!
//! A [`Scale`] cuts the line of numbers into cells by the bits of a double alone: even cells
//! below a floor, then a fixed number of cells an octave. So a value always falls into the
//! same cell, on every machine, and two collections are joined by adding counts.
//!
//! Each cell also keeps the smallest and the largest value put into it; these join as exactly
//! as counts do. What lies between them is placed by its rank. So a cell of one or two values
//! gives them back as they were, the ends of a distribution are exact, and the width of a cell
//! is the most that a place within it can be off.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::packed::{Packed, Unpacked};

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
    /// For signals at one instant: steps of 0.00024 up to 1/32, then 0.8 % of the value.
    pub const SIGNAL: Scale = Scale { bits: 7, floor: -5 };
    /// For one of many draws of what is uncertain, each of fewer replicates: steps of 0.0005 up
    /// to 1/32, then 1.6 % of the value.
    pub const DRAW: Scale = Scale { bits: 6, floor: -5 };
    /// For outcomes: steps of 10^-6 up to 1/1024, then 0.1 % of the value.
    pub const OUTCOME: Scale = Scale { bits: 10, floor: -10 };

    /// In words, for tables.
    pub fn words(self) -> String {
        format!(
            "{} up to {}, then {} of the value at most; the smallest and largest value of each such cell are exact, \
             places between them are interpolated by rank",
            power_of_two(self.floor - self.bits as i32),
            power_of_two(self.floor),
            power_of_two(-(self.bits as i32)),
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

    #[inline]
    fn of_size(self, x: f64) -> i32 {
        let edge = power_of_two(self.floor);
        if x < edge {
            // Exact but for numbers so small that they are in the first cell anyway.
            return (x * power_of_two(self.bits as i32 - self.floor)) as i32;
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
        let first = power_of_two(self.floor).to_bits() >> (FRACTION - self.bits);
        f64::from_bits((first + (cell - even) as u64) << (FRACTION - self.bits))
    }
}

/// `2^exponent` of an ordinary number.
const fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << FRACTION)
}

/// One cell that holds something: its number, what was put in, in units, and the smallest and
/// largest value of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    number: i32,
    units: u64,
    low: f64,
    high: f64,
}

/// Counts, or weights in fixed units, by cell, with the range of each cell.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    /// Cells that hold something, in their order: what lies far apart takes no more memory.
    cells: Vec<Cell>,
    /// What the number of the cell that was found last had above its place. Most of a distribution has
    /// no gaps, so the next one is found at once.
    above: i64,
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        self.cells == other.cells
    }
}

/// Nearer than this to an end of its cell a place is the end: what arithmetic leaves of a share
/// that is 0 or 1.
const END: f64 = 1e-9;

impl Cells {
    /// Whether nothing was put in.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Smallest and largest value, exact.
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((self.cells.first()?.low, self.cells.last()?.high))
    }

    /// Everything put in, in units.
    pub fn total(&self) -> u64 {
        self.cells.iter().fold(0, |sum, c| sum.saturating_add(c.units))
    }

    /// Puts a finite value in, as so many units; none of them is nothing put in.
    pub fn put(&mut self, scale: Scale, x: f64, units: u64) {
        if units > 0 {
            let number = scale.cell(x);
            // A negative zero would tell the order of values that are equal.
            let (low, high) = (x + 0.0, x + 0.0);
            self.take(Cell {
                number,
                units,
                low,
                high,
            });
        }
    }

    /// Adds a cell to that of the same number.
    fn take(&mut self, other: Cell) {
        let likely = usize::try_from(i64::from(other.number) - self.above).unwrap_or(usize::MAX);
        let found = match self.cells.get(likely) {
            Some(cell) if cell.number == other.number => Ok(likely),
            _ => self.cells.binary_search_by_key(&other.number, |c| c.number),
        };
        match found {
            Ok(place) => {
                self.above = i64::from(other.number) - place as i64;
                let own = &mut self.cells[place];
                // Parts that are not what they say could count more than there can be.
                own.units = own.units.saturating_add(other.units);
                own.low = own.low.min(other.low);
                own.high = own.high.max(other.high);
            }
            Err(place) => {
                if self.cells.len() == self.cells.capacity() {
                    // Room for twice as many would be most of the memory of a batch.
                    self.cells.reserve_exact(self.cells.len() / 8 + 1);
                }
                self.cells.insert(place, other);
            }
        }
    }

    /// Adds all counts of another collection on the same scale.
    pub fn join(&mut self, other: &Cells) {
        other.cells.iter().for_each(|cell| self.take(*cell));
    }

    /// The value in the middle of whose `each` units the `mass` lies, where every value weighs
    /// `each`: exact at both ends of its cell, and placed between them by its rank elsewhere. `None`
    /// while empty.
    ///
    /// Values of different weight are taken to weigh `each` on average.
    pub fn value_at(&self, mass: f64, each: f64) -> Option<f64> {
        let mut before = 0.0;
        for cell in &self.cells {
            let units = cell.units as f64;
            if before + units >= mass {
                // From the middle of the first value to the middle of the last one.
                let share = (mass - before - 0.5 * each) / (units - each).max(f64::MIN_POSITIVE);
                return Some(if cell.low == cell.high || share < END {
                    cell.low
                } else if share > 1.0 - END {
                    cell.high
                } else {
                    cell.low + (cell.high - cell.low) * share
                });
            }
            before += units;
        }
        Some(self.range()?.1)
    }

    /// Shares up to the largest value of each cell that holds something, for an ECDF.
    pub fn steps(&self) -> Vec<(f64, f64)> {
        let total = self.total() as f64;
        let mut sum = 0_u64;
        let of = |cell: &Cell| {
            sum = sum.saturating_add(cell.units);
            (cell.high, sum as f64 / total)
        };
        self.cells.iter().map(of).collect()
    }

    /// Whether cells are where values of theirs would be put; false only for a damaged file.
    pub fn is_sound(&self, scale: Scale) -> bool {
        self.cells.iter().all(|c| {
            let ends = [c.low, c.high];
            ends.iter().all(|x| x.is_finite() && scale.cell(*x) == c.number) && c.low <= c.high
        })
    }
}

/// As a text: a long state is mostly cells, and written often.
impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut packed = Packed::default();
        let (mut next, mut last) = (0_i64, 0.0);
        for cell in &self.cells {
            let number = i64::from(cell.number);
            packed.signed(number - next);
            packed.units(cell.units);
            packed.float_after(last, cell.low);
            packed.float_after(cell.low, cell.high);
            (next, last) = (number + 1, cell.high);
        }
        serializer.serialize_str(&packed.into_text())
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("cells that do not read");
        let mut unpacked = Unpacked::of(&text).ok_or_else(wrong)?;
        let mut cells = Cells::default();
        let (mut next, mut last) = (0_i64, 0.0);
        while !unpacked.is_empty() {
            let gap = unpacked.signed().ok_or_else(wrong)?;
            let units = unpacked.units().ok_or_else(wrong)?;
            let low = unpacked.float_after(last).ok_or_else(wrong)?;
            let high = unpacked.float_after(low).ok_or_else(wrong)?;
            let next_number = next.checked_add(gap).and_then(|n| i32::try_from(n).ok());
            let number = next_number.ok_or_else(wrong)?;
            if units == 0 || (gap < 0 && !cells.is_empty()) {
                return Err(wrong());
            }
            cells.cells.push(Cell {
                number,
                units,
                low,
                high,
            });
            (next, last) = (i64::from(number) + 1, high);
        }
        Ok(cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::Draws;

    #[test]
    fn every_number_lies_in_its_cell_and_cells_join_without_gap() {
        for scale in [Scale::SIGNAL, Scale::DRAW, Scale::OUTCOME] {
            let channel = Draws::new(1, 0).channel("cells", "x");
            for i in 0..4_000 {
                let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
                let x = sign * libm::exp(40.0 * (channel.uniform(i) - 0.5));
                let (low, high) = scale.edges(scale.cell(x));
                assert!(low <= x && x <= high && low < high, "{x}: {low} {high}");
                assert_eq!(scale.cell(-x), -scale.cell(x));
                let width = (high - low) / x.abs().max(power_of_two(scale.floor));
                assert!(width <= power_of_two(-(scale.bits as i32)), "{x}: {width}");
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

    /// Distributions as signals make them: smooth, of few values, stepped, with both signs.
    fn samples() -> Vec<Vec<f64>> {
        let channel = Draws::new(2, 0).channel("cells", "join");
        let draw = |f: &dyn Fn(u64) -> f64| (0..600).map(f).collect::<Vec<f64>>();
        vec![
            draw(&|i| channel.normal(i, 1.0, 3.0).unwrap()),
            draw(&|i| channel.log_normal(i, 400.0, 0.08).unwrap()),
            draw(&|i| 400.0 + f64::from(u8::from(channel.uniform(i) < 0.3)) * 2.5),
            draw(&|i| (channel.uniform(i) * 5.0).floor()),
            draw(&|i| if channel.uniform(i) < 0.5 { 0.0 } else { -0.0 }),
            draw(&|i| libm::exp(80.0 * (channel.uniform(i) - 0.5))),
        ]
    }

    fn of(values: &[f64]) -> Cells {
        let mut cells = Cells::default();
        values.iter().for_each(|x| cells.put(Scale::SIGNAL, *x, 1 << 32));
        cells
    }

    #[test]
    fn joined_in_any_order_the_cells_are_the_same_and_so_is_their_text() {
        for values in samples() {
            let whole = of(&values);
            assert!(whole.is_sound(Scale::SIGNAL));
            let text = serde_json::to_string(&whole).unwrap();
            for parts in [[0..200, 200..599, 599..600], [599..600, 0..200, 200..599]] {
                let mut joined = Cells::default();
                for part in parts {
                    joined.join(&of(&values[part]));
                }
                assert_eq!(joined, whole);
                assert_eq!(serde_json::to_string(&joined).unwrap(), text);
            }
            let read: Cells = serde_json::from_str(&text).unwrap();
            assert_eq!(read, whole);
            assert_eq!(whole.total(), 600 << 32);
            assert_eq!(whole.steps().last().unwrap().1, 1.0);
        }
    }

    #[test]
    fn a_place_is_off_by_less_than_its_cell_is_wide_and_the_ends_by_nothing() {
        for mut values in samples() {
            let cells = of(&values);
            values.sort_by(f64::total_cmp);
            let unit = power_of_two(32);
            for (i, x) in values.iter().enumerate() {
                let found = cells.value_at((i as f64 + 0.5) * unit, unit).unwrap();
                let width = (x.abs() / 128.0).max(1.0 / 4096.0);
                assert!((found - x).abs() <= width, "{i}: {x} {found}");
            }
            let at = |i: usize| cells.value_at((i as f64 + 0.5) * unit, unit);
            assert_eq!((at(0), at(599)), (Some(values[0]), Some(values[599])));
        }
    }

    #[test]
    fn one_or_two_values_of_a_cell_are_given_back_exactly() {
        let constant = of(&[400.0; 7]);
        assert_eq!(constant.value_at(3.5, 1.0), Some(400.0));
        assert_eq!(constant.steps(), [(400.0, 1.0)]);
        let mut few = Cells::default();
        for x in [0.0, 0.0, 1.0, 1.0, 1.0, 7.0, -3.0, 300.0, 300.1, f64::MAX] {
            few.put(Scale::OUTCOME, x, 1);
        }
        let places = [0, 1, 2, 3, 5, 6, 7, 8, 9].map(|m| few.value_at(f64::from(m) + 0.5, 1.0).unwrap());
        assert_eq!(places, [-3.0, 0.0, 0.0, 1.0, 1.0, 7.0, 300.0, 300.1, f64::MAX]);
        let mut joined = Cells::default();
        joined.join(&few);
        joined.join(&Cells::default());
        joined.put(Scale::OUTCOME, 5.0, 0);
        assert_eq!(joined, few);
        assert_eq!(Cells::default().value_at(0.5, 1.0), None);
    }

    #[test]
    fn a_text_that_no_cells_have_is_refused() {
        let text = serde_json::to_string(&of(&[1.0, 2.0, 400.0])).unwrap();
        let cut = format!("{}\"", &text[..text.len() - 4]);
        for wrong in ["\"A\"", "\"!!!!\"", "7", &cut] {
            assert!(serde_json::from_str::<Cells>(wrong).is_err(), "{wrong}");
        }
        // Of another scale: each value would lie elsewhere.
        assert!(!of(&[1.0, 2.0, 400.0]).is_sound(Scale::OUTCOME));
        assert_eq!(serde_json::from_str::<Cells>("\"\"").unwrap(), Cells::default());
    }
}
