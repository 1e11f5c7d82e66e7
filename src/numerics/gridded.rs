//! A linear system driven by rates and jumps at known times, with all its states on an even grid.
//!
//! This is the fastest way through a dosing record that is known beforehand: one product of matrix
//! and vector a row, however many inputs there are. What comes in between two rows is added to
//! the later row by superposition, as the free decay of the jump and the integral of the change
//! of rate since its own instant, both exact. [`LinearSystem`] is for systems
//! whose inputs become known on the way.
//!
//! ```
//! use itbsim::engine::{SimSpan, SimTime};
//! use itbsim::numerics::{Act, Gridded, Input};
//! use nalgebra::DMatrix;
//!
//! // 0.5 /h out of one compartment; 10 ug at the start, and 3 ug/h from half past one on.
//! let a = DMatrix::from_row_slice(1, 1, &[-0.5]);
//! let system = Gridded::new(&a, SimSpan::from_hours(1.0)?)?;
//! let inputs = [
//!     Input { at: SimTime::ZERO, state: 0, act: Act::Jump(10.0) },
//!     Input { at: SimTime::from_hours(1.5)?, state: 0, act: Act::Rate(3.0) },
//! ];
//! let mut rows = [0.0; 4]; // at 0, 1, 2 and 3 h
//! system.solve(&[0.0], &inputs, &mut rows)?;
//! let exact = 10.0 * (-1.5f64).exp() + 6.0 * (1.0 - (-0.75f64).exp());
//! assert!((rows[3] - exact).abs() < 1e-14);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::DMatrix;

use super::error::NumericsError;
use super::exponential::Propagator;
use super::linear::LinearSystem;
use super::wide::{Kernel, wide};
use crate::engine::{SimSpan, SimTime};

/// Different distances to the next row up to which each gets an exponential of its own. An
/// exponential costs as much as some fifty looks through the modes, whose decomposition costs two.
const FEW_OFFSETS: usize = 4;

/// What an input does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    /// From here on so much goes into the state each hour \[amount/h\], until the next rate.
    Rate(f64),
    /// So much is added at once \[amount\].
    Jump(f64),
}

/// An input at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// When.
    pub at: SimTime,
    /// The state that it enters, from 0.
    pub state: usize,
    /// What it does.
    pub act: Act,
}

/// What cannot be solved on a grid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GriddedError {
    /// The matrix is refused.
    #[error(transparent)]
    Matrix(#[from] NumericsError),
    /// Rows need a distance.
    #[error("rows {every_h} h apart make no grid")]
    Grid {
        /// The distance given \[h\].
        every_h: f64,
    },
    /// Initial values are not one per state, or the rows do not hold all states.
    #[error("{what} has {given} values where the system has {states} states")]
    Length {
        /// `the start` or `the rows`.
        what: &'static str,
        /// Values given.
        given: usize,
        /// States of the system.
        states: usize,
    },
    /// An input before the first row, before the one in front of it, into no state, or not finite.
    #[error("input {number} is {what}")]
    Input {
        /// Its place, from 0.
        number: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An initial value is NaN or infinite.
    #[error("the start is not finite")]
    Start,
}

/// `x' = A x + b` on an even grid, with the exponential of one step.
#[derive(Debug, Clone)]
pub struct Gridded {
    a: DMatrix<f64>,
    every: SimSpan,
    step: Propagator,
}

impl Gridded {
    /// Prepares the matrix \[1/h\], where `a[(i, j)]` is the flow from state `j` into `i`, for rows
    /// so far apart.
    ///
    /// # Errors
    /// [`GriddedError::Matrix`], [`GriddedError::Grid`].
    pub fn new(a: &DMatrix<f64>, every: SimSpan) -> Result<Gridded, GriddedError> {
        LinearSystem::check(a)?;
        if every <= SimSpan::ZERO {
            return Err(GriddedError::Grid { every_h: every.hours() });
        }
        Ok(Gridded {
            a: a.clone(),
            every,
            step: Propagator::new(a, every.hours()),
        })
    }

    /// Number of states.
    pub fn dim(&self) -> usize {
        self.a.nrows()
    }

    /// Fills `rows` with the states at 0, 1, 2, ... distances, row after row, from `start` at time
    /// zero and without rates. A row at the instant of an input holds what is there after it.
    /// Inputs stand in the order of time; those behind the last row change nothing.
    /// Where amounts grow beyond what a number can hold, that row is infinite and those after it infinite or NaN.
    ///
    /// The result is a function of the arguments alone, and the same bits on every machine.
    ///
    /// # Errors
    /// [`GriddedError::Length`], [`GriddedError::Start`], [`GriddedError::Input`], and [`GriddedError::Grid`] if the
    /// rows reach behind the last instant there is; nothing was written then.
    pub fn solve(&self, start: &[f64], inputs: &[Input], rows: &mut [f64]) -> Result<(), GriddedError> {
        self.check(start, inputs, rows)?;
        match self.dim() {
            0..=4 => self.padded::<4>(start, inputs, rows),
            5..=8 => self.padded::<8>(start, inputs, rows),
            9..=16 => self.padded::<16>(start, inputs, rows),
            _ => self.walk(start, inputs, rows, |x, drift, rows| {
                for row in rows.chunks_exact_mut(x.len()) {
                    row.copy_from_slice(drift);
                    self.step.add_free(x, row);
                    x.copy_from_slice(row);
                }
            }),
        }
        Ok(())
    }

    /// By a matrix of `P` states, of which the last are empty: loops of known length.
    fn padded<const P: usize>(&self, start: &[f64], inputs: &[Input], rows: &mut [f64]) {
        let n = self.dim();
        let mut columns = [[0.0; P]; P];
        for (column, own) in columns.iter_mut().zip(self.step.phi().as_slice().chunks_exact(n)) {
            column[..n].copy_from_slice(own);
        }
        let mut wide_x = [0.0; P];
        let mut wide_drift = [0.0; P];
        self.walk(start, inputs, rows, |x, drift, rows| {
            wide_x[..n].copy_from_slice(x);
            wide_drift[..n].copy_from_slice(drift);
            wide(Steps {
                columns: &columns,
                drift: &wide_drift,
                x: &mut wide_x,
                rows,
                n,
            });
            x.copy_from_slice(&wide_x[..n]);
        });
    }

    /// From input to input; `go(x, drift, rows)` fills rows without any and leaves the last in `x`.
    fn walk(
        &self,
        start: &[f64],
        inputs: &[Input],
        rows: &mut [f64],
        mut go: impl FnMut(&mut [f64], &[f64], &mut [f64]),
    ) {
        let n = self.dim();
        let every = self.every.as_nanos();
        let count = rows.len() / n;
        let between = Between::new(self, inputs);
        let mut x = start.to_vec();
        let mut rates = vec![0.0; n];
        let mut drift = vec![0.0; n];
        let mut next = 0;
        let mut row = 0;
        // Those at the instant of the row that was just made.
        let at_row = |row: usize, next: &mut usize, x: &mut [f64], rates: &mut [f64]| {
            let mut changed = false;
            while let Some(input) = inputs.get(*next).filter(|i| i.at.as_nanos() == row as i64 * every) {
                match input.act {
                    Act::Rate(rate) => {
                        rates[input.state] = rate;
                        changed = true;
                    }
                    Act::Jump(amount) => x[input.state] += amount,
                }
                *next += 1;
            }
            changed
        };
        while row < count {
            if at_row(row, &mut next, &mut x, &mut rates) {
                self.step.drift(&rates, &mut drift);
            }
            rows[row * n..][..n].copy_from_slice(&x);
            // The next row that an input stands at or before.
            let at = inputs.get(next).map(|i| i.at.as_nanos());
            let whole = at.map_or(count - 1, |at| {
                usize::try_from(at / every).unwrap_or(count).min(count - 1)
            });
            if whole > row {
                go(&mut x, &drift, &mut rows[(row + 1) * n..(whole + 1) * n]);
                row = whole;
                continue;
            }
            let Some(following) = rows.get_mut((row + 1) * n..(row + 2) * n) else {
                break;
            };
            go(&mut x, &drift, following);
            row += 1;
            let end = row as i64 * every;
            let mut changed = false;
            while let Some(input) = inputs.get(next).filter(|i| i.at.as_nanos() < end) {
                let left = end - input.at.as_nanos();
                match input.act {
                    Act::Rate(rate) => {
                        between.add(left, input.state, 0.0, rate - rates[input.state], &mut x);
                        rates[input.state] = rate;
                        changed = true;
                    }
                    Act::Jump(amount) => between.add(left, input.state, amount, 0.0, &mut x),
                }
                next += 1;
            }
            if changed {
                self.step.drift(&rates, &mut drift);
            }
        }
    }

    fn check(&self, start: &[f64], inputs: &[Input], rows: &[f64]) -> Result<(), GriddedError> {
        let states = self.dim();
        let length = |what, given| Err(GriddedError::Length { what, given, states });
        if start.len() != states {
            return length("the start", start.len());
        }
        if !rows.len().is_multiple_of(states) {
            return length("the rows", rows.len());
        }
        let last = (rows.len() / states) as i128 * i128::from(self.every.as_nanos());
        if last > i128::from(i64::MAX) {
            return Err(GriddedError::Grid {
                every_h: self.every.hours(),
            });
        }
        if start.iter().any(|v| !v.is_finite()) {
            return Err(GriddedError::Start);
        }
        let mut before = SimTime::ZERO;
        for (number, input) in inputs.iter().enumerate() {
            let wrong = |what| Err(GriddedError::Input { number, what });
            let (Act::Rate(value) | Act::Jump(value)) = input.act;
            if !value.is_finite() {
                return wrong("not finite");
            }
            if input.state >= states {
                return wrong("into a state that is not there");
            }
            if input.at < before {
                return wrong("earlier than the one before it, or than the first row");
            }
            before = input.at;
        }
        Ok(())
    }
}

/// Rows without inputs.
struct Steps<'a, const P: usize> {
    /// The exponential of one step by columns, padded with zeros.
    columns: &'a [[f64; P]; P],
    drift: &'a [f64; P],
    x: &'a mut [f64; P],
    rows: &'a mut [f64],
    n: usize,
}

impl<const P: usize> Kernel for Steps<'_, P> {
    #[inline(always)]
    fn run(self) {
        let columns = *self.columns;
        let drift = *self.drift;
        let mut x = *self.x;
        for row in self.rows.chunks_exact_mut(self.n) {
            // Two sums, so that each waits for the other's additions no longer than it must.
            let mut even = drift;
            let mut odd = [0.0; P];
            for j in 0..P / 2 {
                for i in 0..P {
                    even[i] += columns[2 * j][i] * x[2 * j];
                    odd[i] += columns[2 * j + 1][i] * x[2 * j + 1];
                }
            }
            for i in 0..P {
                x[i] = even[i] + odd[i];
            }
            row.copy_from_slice(&x[..self.n]);
        }
        *self.x = x;
    }
}

/// What an input does up to the row behind it.
enum Between {
    /// An exponential for each distance \[ns\].
    Few(BTreeMap<i64, Propagator>),
    /// Too many for that.
    Many(Box<LinearSystem>),
}

impl Between {
    fn new(of: &Gridded, inputs: &[Input]) -> Between {
        let every = of.every.as_nanos();
        let after = |i: &Input| every - i.at.as_nanos() % every;
        let mut lefts = BTreeSet::new();
        for left in inputs.iter().map(after).filter(|left| *left != every) {
            lefts.insert(left);
            if lefts.len() > FEW_OFFSETS
                && let Ok(system) = LinearSystem::new(of.a.clone())
            {
                return Between::Many(Box::new(system));
            }
        }
        let exponential = |left| (left, Propagator::new(&of.a, SimSpan::from_nanos(left).hours()));
        Between::Few(lefts.into_iter().map(exponential).collect())
    }

    /// Adds to `x` what a jump and a change of rate into a state have become `left` \[ns\] later.
    fn add(&self, left: i64, state: usize, jump: f64, rate: f64, x: &mut [f64]) {
        match self {
            Between::Few(exponentials) => {
                // Every distance was collected beforehand.
                if let Some(exponential) = exponentials.get(&left) {
                    exponential.add_column(state, jump, rate, x);
                }
            }
            Between::Many(system) => {
                let mut input = vec![0.0; x.len()];
                let mut amounts = vec![0.0; x.len()];
                input[state] = rate;
                amounts[state] = jump;
                let (start, forcing) = (system.coordinates(&amounts), system.forcing(&input));
                let later = system.advance(&start, &forcing, SimSpan::from_nanos(left).hours());
                for (x, more) in x.iter_mut().zip(system.physical(&later)) {
                    *x += more;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(h: f64) -> SimTime {
        SimTime::from_hours(h).unwrap()
    }

    fn span(h: f64) -> SimSpan {
        SimSpan::from_hours(h).unwrap()
    }

    /// A chain of compartments with exchange both ways, flow along it and loss everywhere.
    fn chain(n: usize) -> DMatrix<f64> {
        DMatrix::from_fn(n, n, |i, j| match i as i64 - j as i64 {
            0 => -3.25 - 0.01 * i as f64,
            1 => 1.75,
            -1 => 1.25,
            _ => 0.0,
        })
    }

    /// The same by one exponential from event to event and row to row.
    fn slowly(a: &DMatrix<f64>, every: SimSpan, inputs: &[Input], rows: usize) -> Vec<f64> {
        let n = a.nrows();
        let mut x = vec![0.0; n];
        let mut b = vec![0.0; n];
        let mut out = Vec::new();
        let mut now = 0;
        let mut next = inputs.iter().peekable();
        for row in 0..rows as i64 {
            let end = row * every.as_nanos();
            loop {
                let at = next.peek().map_or(end, |i| i.at.as_nanos().min(end));
                x = Propagator::new(a, SimSpan::from_nanos(at - now).hours()).advance(&x, &b);
                now = at;
                match next.next_if(|i| i.at.as_nanos() == at) {
                    Some(input) => match input.act {
                        Act::Rate(rate) => b[input.state] = rate,
                        Act::Jump(amount) => x[input.state] += amount,
                    },
                    None => break,
                }
            }
            out.extend_from_slice(&x);
        }
        out
    }

    fn record(n: usize, shift: impl Fn(usize) -> f64) -> Vec<Input> {
        let mut all = Vec::new();
        for k in 0..24 {
            let at = hours(3.0 * k as f64 + shift(k));
            let state = (k * 5) % n;
            all.push(Input {
                at,
                state,
                act: Act::Rate(10.0 + (k % 3) as f64),
            });
            if k % 4 == 1 {
                all.push(Input {
                    at,
                    state: n / 2,
                    act: Act::Jump(25.0),
                });
            }
        }
        all
    }

    fn agree(n: usize, shift: impl Fn(usize) -> f64) {
        let (a, every) = (chain(n), span(0.25));
        let inputs = record(n, shift);
        let truth = slowly(&a, every, &inputs, 401);
        let mut rows = vec![f64::NAN; 401 * n];
        Gridded::new(&a, every)
            .unwrap()
            .solve(&vec![0.0; n], &inputs, &mut rows)
            .unwrap();
        let peak = truth.iter().fold(0.0_f64, |m, v| m.max(*v));
        for (i, (y, t)) in rows.iter().zip(&truth).enumerate() {
            // Either way rounds what flows in from the fullest state.
            let allowed = 2e-13 * t.abs() + 1e-15 * peak;
            assert!((y - t).abs() < allowed, "{n} states, row {}: {y} for {t}", i / n);
        }
    }

    #[test]
    fn inputs_on_rows_between_rows_and_at_scattered_times_are_exact_for_any_number_of_states() {
        for n in [1, 3, 4, 8, 11, 16, 21] {
            agree(n, |_| 0.0);
            agree(n, |_| 0.154_508_497);
            agree(n, |k| 0.091 * k as f64);
        }
    }

    #[test]
    fn several_inputs_within_one_step_add_up() {
        let inputs: Vec<Input> = [0.30, 0.32, 0.41, 0.41, 0.5]
            .into_iter()
            .enumerate()
            .map(|(k, h)| Input {
                at: hours(h),
                state: 0,
                act: if k % 2 == 0 {
                    Act::Rate(1.0 + k as f64)
                } else {
                    Act::Jump(2.0)
                },
            })
            .collect();
        let (a, every) = (chain(2), span(0.25));
        let truth = slowly(&a, every, &inputs, 9);
        let mut rows = [0.0; 18];
        Gridded::new(&a, every)
            .unwrap()
            .solve(&[0.0; 2], &inputs, &mut rows)
            .unwrap();
        for (y, t) in rows.iter().zip(truth) {
            assert!((y - t).abs() <= 1e-14 * t.abs().max(1e-3), "{y} for {t}");
        }
    }

    #[test]
    fn a_second_question_gets_the_same_bits_and_so_does_a_shorter_one() {
        let (a, every) = (chain(8), span(0.25));
        let system = Gridded::new(&a, every).unwrap();
        let inputs = record(8, |k| 0.091 * k as f64);
        let mut first = vec![0.0; 8 * 200];
        let mut second = vec![1.0; 8 * 200];
        let mut short = vec![1.0; 8 * 77];
        system.solve(&[0.0; 8], &inputs, &mut first).unwrap();
        system.solve(&[0.0; 8], &inputs, &mut second).unwrap();
        system.solve(&[0.0; 8], &inputs, &mut short).unwrap();
        assert_eq!(first, second);
        assert_eq!(short, first[..short.len()]);
    }

    #[test]
    fn vectors_of_any_width_give_the_bits_of_the_narrowest() {
        let a = chain(8);
        let phi = Propagator::new(&a, 0.25);
        let mut columns = [[0.0; 8]; 8];
        for (to, from) in columns.iter_mut().zip(phi.phi().as_slice().chunks_exact(8)) {
            to.copy_from_slice(from);
        }
        let drift = [0.1, 0.0, 0.3, 0.0, 7.0, 0.0, 0.2, 1e-9];
        let run = |broad: bool| {
            let (mut x, mut rows) = ([0.0, 1.0, 0.0, 3.0, 0.0, 0.5, 0.0, 9.0], vec![0.0; 8 * 50]);
            let steps = Steps {
                columns: &columns,
                drift: &drift,
                x: &mut x,
                rows: &mut rows,
                n: 8,
            };
            if broad {
                wide(steps)
            } else {
                steps.run()
            }
            rows.iter().map(|v: &f64| v.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(run(true), run(false));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let every = span(1.0);
        assert!(matches!(
            Gridded::new(&chain(2), SimSpan::ZERO),
            Err(GriddedError::Grid { .. })
        ));
        assert!(matches!(
            Gridded::new(&DMatrix::zeros(2, 3), every),
            Err(GriddedError::Matrix(_))
        ));
        let system = Gridded::new(&chain(2), every).unwrap();
        let mut rows = [7.0; 4];
        let input = |h: f64, state, act| Input {
            at: hours(h),
            state,
            act,
        };
        let mut refused =
            |start: &[f64], inputs: &[Input]| system.solve(start, inputs, &mut rows).unwrap_err().to_string();
        assert_eq!(
            refused(&[0.0], &[]),
            "the start has 1 values where the system has 2 states"
        );
        assert_eq!(refused(&[0.0, f64::NAN], &[]), "the start is not finite");
        let jump = Act::Jump(1.0);
        assert!(refused(&[0.0; 2], &[input(1.0, 2, jump)]).contains("into a state that is not there"));
        assert!(refused(&[0.0; 2], &[input(1.0, 0, jump), input(0.5, 0, jump)]).contains("input 1 is earlier"));
        assert!(refused(&[0.0; 2], &[input(-1.0, 0, jump)]).contains("input 0 is earlier"));
        assert!(refused(&[0.0; 2], &[input(1.0, 0, Act::Rate(f64::INFINITY))]).contains("not finite"));
        assert_eq!(rows, [7.0; 4]);
        assert!(system.solve(&[0.0; 2], &[], &mut [0.0; 3]).is_err());
        // Nothing asked for is nothing done; what lies behind the last row changes nothing.
        system.solve(&[0.0; 2], &[input(0.0, 0, jump)], &mut []).unwrap();
        system.solve(&[1.0, 0.0], &[input(90.0, 0, jump)], &mut rows).unwrap();
        assert_eq!(rows[..2], [1.0, 0.0]);
    }
}
