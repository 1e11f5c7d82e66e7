//! The task that all do: eight states, infusion and boluses into the fifth, ninety days.

use itbsim::engine::{SimSpan, SimTime};
use itbsim::numerics::{Act, Draws, Input};
use nalgebra::DMatrix;

pub const N: usize = 8;
/// The state that rates and boluses enter.
pub const INTO: usize = 4;
pub const DAYS: usize = 90;
/// Rows of one subject: every quarter of an hour, both ends included.
pub const ROWS: usize = DAYS * 96 + 1;
pub const STEP_H: f64 = 0.25;
const QUARTER_NS: i64 = 900_000_000_000;
const HOUR_NS: i64 = 4 * QUARTER_NS;
/// Rates \[ug/h\] from these hours of the day on.
pub const RATES: [(i64, f64); 4] = [(0, 10.0), (6, 18.0), (12, 8.0), (18, 14.0)];
/// Hour and size of the daily bolus \[ug\].
pub const BOLUS: (i64, f64) = (8, 25.0);
/// What all events are shifted by off the grid: (sqrt(5) - 1) / 8 h, to the nanosecond.
pub const SHIFT_NS: i64 = 556_230_589_850;

/// One subject.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub q: f64,
    pub d: f64,
    pub v: f64,
    pub ke: f64,
    pub keo: f64,
}

impl Subject {
    pub fn new(number: u64) -> Subject {
        let draws = Draws::new(2026, number);
        let of = |name, median| {
            draws
                .log_normal("peer", name, 0, median, 0.3)
                .expect("the spread is positive")
        };
        Subject {
            q: of("q", 3.0),
            d: of("d", 20.0),
            v: of("v", 12.0),
            ke: of("ke", 0.25),
            keo: of("keo", 0.5),
        }
    }

    /// Flow from column to row \[1/h\].
    pub fn entry(&self, i: usize, j: usize) -> f64 {
        let Subject { q, d, v, ke, keo } = *self;
        match (i, j) {
            (7, 4) => keo / v,
            (7, 7) => -keo,
            (7, _) | (_, 7) => 0.0,
            (0, 0) => -(q + d) / v - ke,
            (6, 6) => -(q + d) / v - ke,
            (i, j) if i == j => -(q + 2.0 * d) / v - ke,
            (i, j) if i == j + 1 => (q + d) / v,
            (i, j) if i + 1 == j => d / v,
            _ => 0.0,
        }
    }

    pub fn matrix(&self) -> DMatrix<f64> {
        DMatrix::from_fn(N, N, |i, j| self.entry(i, j))
    }

    /// The right-hand side, as one would write it.
    #[inline(always)]
    pub fn slope(&self, x: &[f64], rate: f64, dx: &mut [f64]) {
        let Subject { q, d, v, ke, keo } = *self;
        let (down, up) = ((q + d) / v, d / v);
        dx[0] = -(down + ke) * x[0] + up * x[1];
        for i in 1..6 {
            dx[i] = down * x[i - 1] - (down + up + ke) * x[i] + up * x[i + 1];
        }
        dx[6] = down * x[5] - (down + ke) * x[6];
        dx[7] = keo * (x[4] / v - x[7]);
        dx[INTO] += rate;
    }
}

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    Rate(f64),
    Bolus(f64),
}

/// All events in the order of time \[ns\].
pub fn events(off: bool) -> Vec<(i64, What)> {
    let shift = if off { SHIFT_NS } else { 0 };
    let mut all = Vec::new();
    for day in 0..DAYS as i64 {
        let at = |hour: i64| (24 * day + hour) * HOUR_NS + shift;
        for (hour, rate) in RATES {
            all.push((at(hour), What::Rate(rate)));
            if hour == 6 {
                all.push((at(BOLUS.0), What::Bolus(BOLUS.1)));
            }
        }
    }
    all
}

/// The same for `Gridded`.
pub fn inputs(off: bool) -> Vec<Input> {
    let one = |(ns, what)| Input {
        at: SimTime::from_nanos(ns),
        state: INTO,
        act: match what {
            What::Rate(rate) => Act::Rate(rate),
            What::Bolus(amount) => Act::Jump(amount),
        },
    };
    events(off).into_iter().map(one).collect()
}

pub fn quarter() -> SimSpan {
    SimSpan::from_nanos(QUARTER_NS)
}

pub fn hours(ns: i64) -> f64 {
    ns as f64 / HOUR_NS as f64
}

/// The subjects that are checked: three ordinary ones, the fastest exchange, the slowest elimination.
pub fn checked() -> Vec<u64> {
    let all: Vec<(u64, Subject)> = (0..1_000).map(|n| (n, Subject::new(n))).collect();
    let by = |f: &dyn Fn(&Subject) -> f64| {
        all.iter()
            .max_by(|a, b| f(&a.1).total_cmp(&f(&b.1)))
            .expect("a thousand")
            .0
    };
    vec![0, 1, 2, by(&|s| (s.q + 2.0 * s.d) / s.v), by(&|s| -s.ke)]
}
