//! What makes two parts belong to one batch, and the grid on which both count.

use serde::{Deserialize, Serialize};

use super::error::BatchError;
use super::levels::{self, Outer};
use crate::engine::SimSpan;
use crate::hazards::Bias;
use crate::scenario::MOST_ARMS;
use crate::scenario::model::{Factor, Matrix};

/// Version of the layout of parts; another one is refused.
const LAYOUT: u32 = 3;
/// Most samples of one replicate in all arms; at some 12 kB of counts each this is the memory of a batch.
pub const MOST_SAMPLES: u64 = 200_000;
/// Most replicates of one batch, those of all draws of an outer level together: a billion
/// patient-years. Counts of weights in 64 bits hold four times as many.
pub const MOST_REPLICATES: u64 = 1_000_000_000;
/// Most cells of time.
const MOST_CELLS: f64 = 2_500.0;
/// Widths of a cell of time \[h\].
const WIDTHS: [f64; 14] = [
    0.0125, 0.05, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 168.0, 336.0, 672.0,
];

/// A part of a batch, as `k/K` says it: the k-th of K runs of replicates of nearly one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which, from 1.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// The whole.
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// Its replicates: first, and one behind the last.
    pub fn range(self, n: u64) -> (u64, u64) {
        let edge = |k: u64| (u128::from(n) * u128::from(k) / u128::from(self.of)) as u64;
        (edge(self.number - 1), edge(self.number))
    }
}

impl std::str::FromStr for Shard {
    type Err = BatchError;

    fn from_str(text: &str) -> Result<Self, BatchError> {
        let wrong = |why: String| BatchError::Shard {
            text: text.to_owned(),
            why,
        };
        let Some((number, of)) = text.split_once('/') else {
            return Err(wrong("write k/K, as in 2/8".to_owned()));
        };
        let read = |part: &str| {
            part.trim()
                .parse::<u64>()
                .map_err(|_| wrong(format!("`{part}` is no whole number")))
        };
        let (number, of) = (read(number)?, read(of)?);
        if of == 0 || number == 0 || number > of {
            return Err(wrong(format!("shards are numbered from 1 to {}", of.max(1))));
        }
        Ok(Shard { number, of })
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// What a batch is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Number of replicates, for each draw of the outer level if there is one; they are
    /// numbered from 0.
    pub n: u64,
    /// Seed, if not the scenario's own.
    pub seed: Option<u64>,
    /// Spacing of samples, if not the scenario's own.
    pub sample: Option<SimSpan>,
    /// Signals whose bands are kept; empty takes [`SIGNALS`](super::SIGNALS), or none where the
    /// arms are cells of a matrix.
    pub signals: Vec<String>,
    /// How draws of hazards differ from their rates.
    pub bias: Bias,
    /// What is drawn of what we do not know.
    pub outer: Outer,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            n: 1,
            seed: None,
            sample: None,
            signals: Vec::new(),
            bias: Bias::default(),
            outer: Outer::default(),
        }
    }
}

/// What makes two parts belong to one batch: equal, or they do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// Version of the layout of parts.
    pub layout: u32,
    /// Version of the program.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of the resolved scenario.
    pub hash: String,
    /// Seed.
    pub seed: u64,
    /// Number of replicates of the whole.
    pub n: u64,
    /// Names of the arms, in order; one empty name without arms.
    pub arms: Vec<String>,
    /// The factorial whose cells the arms are.
    pub matrix: Option<Matrix>,
    /// Signals with bands.
    pub signals: Vec<String>,
    /// Spacing of samples \[ns\].
    pub sample_ns: i64,
    /// Length of the run \[ns\].
    pub duration_ns: i64,
    /// How draws of hazards differ from their rates.
    pub bias: Bias,
    /// What is drawn of what we do not know.
    pub outer: Outer,
}

impl Identity {
    pub(super) const LAYOUT: u32 = LAYOUT;

    /// The grid on which everything is counted.
    pub fn grid(&self) -> Grid {
        let hours = self.duration_ns as f64 / 3.6e12;
        let cell_h = WIDTHS
            .into_iter()
            .find(|w| hours / w <= MOST_CELLS)
            .unwrap_or(hours / MOST_CELLS);
        let times = (self.duration_ns / self.sample_ns.max(1)) as usize + 1;
        Grid {
            times,
            draws: self.outer.draws as usize,
            patients: self.n / self.outer.draws.max(1),
            stride: levels::stride(times, self.signals.len(), self.outer.draws),
            sample_h: self.sample_ns as f64 / 3.6e12,
            cell_h,
            end_h: hours,
            signals: self.signals.len(),
        }
    }

    /// Signals times instants times arms, or more than can be counted. Without a signal nothing is
    /// sampled, but there is a list of instants all the same.
    pub(super) fn samples(&self) -> u64 {
        let times = self.duration_ns.unsigned_abs() / self.sample_ns.unsigned_abs().max(1) + 1;
        let columns = (self.signals.len().max(1) * self.arms.len()) as u64;
        times.saturating_mul(columns)
    }

    /// Whether a batch can have this identity; false only for a damaged file. Nothing may be made
    /// in its size before.
    pub(super) fn is_sound(&self) -> bool {
        let positive = self.sample_ns > 0 && self.duration_ns > 0;
        let many = |n: usize| (1..=MOST_ARMS).contains(&n);
        if !positive || !many(self.arms.len()) || self.n > MOST_REPLICATES || self.outer.draws > levels::MOST_DRAWS {
            return false;
        }
        let fits = |m: &Matrix| {
            m.cells.len() == self.arms.len()
                && m.cells.iter().all(|cell| {
                    let known = |(place, factor): (&usize, &Factor)| *place < factor.values.len();
                    cell.len() == m.factors.len() && cell.iter().zip(&m.factors).all(known)
                })
        };
        self.samples() <= MOST_SAMPLES && self.matrix.as_ref().is_none_or(fits)
    }

    /// Refuses another batch, and says by what it differs.
    ///
    /// # Errors
    /// [`BatchError::Different`].
    pub fn same(&self, own: &str, other: &Identity, its: &str) -> Result<(), BatchError> {
        let show = |x: &dyn std::fmt::Debug| format!("{x:?}");
        let pairs = [
            ("the layout of parts", show(&self.layout), show(&other.layout)),
            ("the version of itbsim", show(&self.version), show(&other.version)),
            ("the hash of the scenario", show(&self.hash), show(&other.hash)),
            ("the seed", show(&self.seed), show(&other.seed)),
            ("the number of replicates", show(&self.n), show(&other.n)),
            ("the list of arms", show(&self.arms), show(&other.arms)),
            ("the matrix", show(&self.matrix), show(&other.matrix)),
            ("the list of signals", show(&self.signals), show(&other.signals)),
            (
                "the spacing of samples in ns",
                show(&self.sample_ns),
                show(&other.sample_ns),
            ),
            ("the length in ns", show(&self.duration_ns), show(&other.duration_ns)),
            ("the bias of draws", show(&self.bias), show(&other.bias)),
            ("what is uncertain", show(&self.outer), show(&other.outer)),
            ("the name of the scenario", show(&self.scenario), show(&other.scenario)),
            ("the title", show(&self.title), show(&other.title)),
        ];
        for (what, ours, theirs) in pairs {
            if ours != theirs {
                return Err(BatchError::Different {
                    left: own.to_owned(),
                    right: its.to_owned(),
                    what,
                    ours,
                    theirs,
                });
            }
        }
        Ok(())
    }
}

/// Where samples and times are counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Number of sample times.
    pub times: usize,
    /// Spacing of samples \[h\].
    pub sample_h: f64,
    /// Width of a cell of time to an event \[h\].
    pub cell_h: f64,
    /// End of the run \[h\].
    pub end_h: f64,
    /// Number of signals.
    pub signals: usize,
    /// Draws of the outer level; 0 without one.
    pub draws: usize,
    /// Replicates of one draw.
    pub patients: u64,
    /// Samples between two that are kept for each draw.
    pub stride: usize,
}

impl Grid {
    /// The draw that a replicate belongs to; `None` without an outer level.
    pub fn draw_of(&self, replicate: u64) -> Option<usize> {
        (self.draws > 0 && self.patients > 0).then(|| (replicate / self.patients) as usize)
    }

    /// Number of samples that are kept for each draw.
    pub fn kept(&self) -> usize {
        self.times.div_ceil(self.stride)
    }

    /// The cell that an instant \[h\] falls into; it counts at the end of the cell.
    pub fn cell(&self, time_h: f64) -> u32 {
        libm::ceil(time_h.clamp(0.0, self.end_h) / self.cell_h) as u32
    }

    /// The instant at which a cell counts \[h\]; none lies behind the end.
    pub fn time(&self, cell: u32) -> f64 {
        (f64::from(cell) * self.cell_h).min(self.end_h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_tile_any_number_of_replicates() {
        for n in [1_u64, 3, 10, 1_000_003] {
            for of in [1_u64, 2, 7, 16] {
                let mut next = 0;
                for number in 1..=of {
                    let (from, to) = Shard { number, of }.range(n);
                    assert_eq!(from, next);
                    assert!(to - from <= n / of + 1);
                    next = to;
                }
                assert_eq!(next, n);
            }
        }
    }

    #[test]
    fn a_shard_that_cannot_be_is_refused() {
        for text in ["5/4", "0/4", "1/0", "3", "a/2", "-1/2", "1/2/3"] {
            let error = text.parse::<Shard>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        assert_eq!("3/4".parse::<Shard>().unwrap(), Shard { number: 3, of: 4 });
    }

    #[test]
    fn a_long_run_is_counted_by_the_day_and_a_short_one_by_minutes() {
        let identity = |hours: i64| Identity {
            layout: LAYOUT,
            version: String::new(),
            scenario: String::new(),
            title: String::new(),
            hash: String::new(),
            seed: 1,
            n: 1,
            arms: vec![String::new()],
            matrix: None,
            signals: Vec::new(),
            sample_ns: 3_600_000_000_000,
            duration_ns: hours * 3_600_000_000_000,
            bias: Bias::default(),
            outer: Outer::default(),
        };
        let six_years = identity(52_596).grid();
        assert_eq!(six_years.cell_h, 24.0);
        assert_eq!(six_years.cell(24.0), 1);
        assert_eq!(six_years.cell(24.1), 2);
        assert_eq!(six_years.time(six_years.cell(52_596.0)), 52_596.0);
        assert_eq!(identity(48).grid().cell_h, 0.05);
        assert_eq!(identity(48).grid().times, 49);
    }
}
