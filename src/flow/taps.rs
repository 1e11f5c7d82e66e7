//! Faults on the wires: what happens to a value between sensor, controller and actuator.
//!
//! The vocabulary is that of test beds for closed-loop insulin pumps (truncate, hold, max, min,
//! add, subtract), with stuck and delayed. A tap changes what is *read* or *commanded*, never
//! the plant.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;
use crate::signals::{Signal, TapKind};

/// A fault on one wire, at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tap {
    /// The wire.
    pub signal: Signal,
    /// What is done.
    pub kind: TapKind,
    /// Lower end of the range of the wire.
    pub low: f64,
    /// Upper end of the range of the wire.
    pub high: f64,
    held: Option<f64>,
    line: VecDeque<(SimTime, f64)>,
}

impl Tap {
    /// A tap on a wire with a range.
    pub fn new(signal: Signal, kind: TapKind, low: f64, high: f64) -> Self {
        Tap {
            signal,
            kind,
            low,
            high,
            held: None,
            line: VecDeque::new(),
        }
    }

    /// The value behind the tap. Called once a tick, in order of time.
    pub fn pass(&mut self, now: SimTime, value: f64) -> f64 {
        let out = match self.kind {
            TapKind::Truncate => 0.0,
            TapKind::Hold => *self.held.get_or_insert(value),
            TapKind::Max => self.high,
            TapKind::Min => self.low,
            TapKind::Add(x) => value + x,
            TapKind::Subtract(x) => value - x,
            TapKind::Stuck(x) => x,
            TapKind::Delayed(by) => {
                // Until the first value has come through, the wire keeps what it had at the start.
                let first = *self.held.get_or_insert(value);
                if let Ok(due) = now.checked_add(by) {
                    self.line.push_back((due, value));
                }
                let mut out = first;
                while let Some((due, value)) = self.line.front().copied() {
                    if due > now {
                        break;
                    }
                    out = value;
                    self.line.pop_front();
                }
                self.held = Some(out);
                out
            }
        };
        out.clamp(self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SimSpan;

    fn at(seconds: i64) -> SimTime {
        SimTime::from_nanos(seconds * 1_000_000_000)
    }

    fn through(kind: TapKind, values: &[f64]) -> Vec<f64> {
        let mut tap = Tap::new(Signal::Request, kind, -1.0, 10.0);
        values.iter().zip(0..).map(|(v, i)| tap.pass(at(i), *v)).collect()
    }

    #[test]
    fn each_kind_does_what_its_name_says() {
        let values = [3.0, 4.0, 5.0, 6.0];
        assert_eq!(through(TapKind::Truncate, &values), [0.0; 4]);
        assert_eq!(through(TapKind::Hold, &values), [3.0; 4]);
        assert_eq!(through(TapKind::Max, &values), [10.0; 4]);
        assert_eq!(through(TapKind::Min, &values), [-1.0; 4]);
        assert_eq!(through(TapKind::Add(5.5), &values), [8.5, 9.5, 10.0, 10.0]);
        assert_eq!(through(TapKind::Subtract(4.5), &values), [-1.0, -0.5, 0.5, 1.5]);
        assert_eq!(through(TapKind::Stuck(2.0), &values), [2.0; 4]);
        let late = SimSpan::from_nanos(2_000_000_000);
        assert_eq!(through(TapKind::Delayed(late), &values), [3.0, 3.0, 3.0, 4.0]);
    }

    #[test]
    fn every_wire_has_a_name_of_its_own() {
        for (word, signal) in Signal::WORDS {
            assert_eq!(signal.word(), word);
        }
    }
}
