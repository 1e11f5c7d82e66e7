//! Controllers: from the programmed flow and what sensors say to strokes.

mod delta_sigma;
mod mpc;
mod open_loop;
mod pi;
mod registry;
mod scheduled;
mod valve_counting;

pub use delta_sigma::DeltaSigma;
pub use mpc::Predictive;
pub use open_loop::OpenLoop;
pub use pi::Pi;
pub use registry::{BuildController, ControllerError, ControllerKind, ControllerRegistry, Tuning, tuning_table};
pub use scheduled::Scheduled;
pub use valve_counting::ValveCounting;

use serde::{Deserialize, Serialize};

use super::sensors::Readings;
use crate::engine::SimTime;

/// What a controller may know at a tick.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The present, by the device's clock.
    pub now: SimTime,
    /// Time since the tick before \[h\].
    pub period: f64,
    /// Flow that the programme asks for, boluses included \[mL/h\].
    pub request: f64,
    /// Nominal volume of a stroke \[mL\].
    pub stroke: f64,
    /// Largest flow the actuator can follow \[mL/h\].
    pub most: f64,
    /// What the sensors last said.
    pub readings: &'a Readings,
}

/// What a controller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Action {
    /// Strokes to make now, one after another.
    pub strokes: u32,
    /// Whether it believes that the line is closed or the drive stuck.
    pub alarm: bool,
}

/// Counts what a controller computes, in operations on numbers. Time on a clock would differ
/// between machines; the count does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    operations: u64,
}

impl Cost {
    /// Adds operations: sums, products, comparisons, looks into a table.
    pub fn add(&mut self, operations: u64) {
        self.operations += operations;
    }

    /// Operations so far.
    pub fn operations(self) -> u64 {
        self.operations
    }
}

/// Turns a programmed flow into strokes.
///
/// The bench calls [`tick`](FlowController::tick) at equal intervals, first at time zero. A
/// controller has no other source of knowledge than what it is given there: no clock, no luck,
/// no look at the plant. It counts its own arithmetic.
///
/// Built in are those of [`ControllerRegistry::default`]; another is registered with
/// [`ControllerRegistry::register`] and is then known to bench files by its name.
///
/// # Example
/// ```
/// use itbsim::flow::{Action, Cost, FlowController, Seen};
///
/// /// One stroke whenever a stroke's volume has come due.
/// #[derive(Clone)]
/// struct Plain { owed: f64 }
///
/// impl FlowController for Plain {
///     fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
///         cost.add(3);
///         self.owed += seen.request * seen.period;
///         let strokes = (self.owed / seen.stroke).floor();
///         self.owed -= strokes * seen.stroke;
///         Action { strokes: strokes as u32, alarm: false }
///     }
///     fn clone_box(&self) -> Box<dyn FlowController> { Box::new(self.clone()) }
/// }
/// ```
pub trait FlowController: Send + Sync {
    /// One step. Called once a tick, in order of time.
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action;

    /// A copy that shares nothing.
    fn clone_box(&self) -> Box<dyn FlowController>;
}

impl Clone for Box<dyn FlowController> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// Whole strokes from a flow: first-order delta-sigma modulation. What is not yet a stroke is
/// kept, so nothing is lost or gained by rounding.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Accumulator {
    /// Volume owed \[mL\].
    owed: f64,
}

impl Accumulator {
    /// Most strokes handed out at one tick; the rest is owed still.
    pub const MOST: f64 = 16.0;

    /// Strokes due after `hours` of a flow \[h, mL/h, mL\].
    pub fn strokes(&mut self, flow: f64, hours: f64, stroke: f64, cost: &mut Cost) -> u32 {
        cost.add(4);
        self.owed = (self.owed + flow * hours).max(-stroke);
        // Rounding of many small sums may leave a hair less than a stroke.
        if self.owed < stroke * (1.0 - 1e-9) {
            return 0;
        }
        cost.add(3);
        let due = (self.owed / stroke + 1e-9).floor().min(Self::MOST);
        self.owed -= due * stroke;
        due as u32
    }

    /// Volume owed \[mL\].
    pub fn owed(&self) -> f64 {
        self.owed
    }
}

/// A first-order low-pass on samples that come at their own pace.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LowPass {
    value: Option<f64>,
    number: u64,
    sampled: SimTime,
}

impl LowPass {
    /// Takes a reading in, once, and gives the filtered value. The first reading and a time
    /// constant of zero pass unfiltered \[h\].
    pub fn take(&mut self, reading: super::sensors::Reading, time_constant: f64, cost: &mut Cost) -> f64 {
        cost.add(1);
        if let Some(value) = self.value.filter(|_| reading.number == self.number) {
            return value;
        }
        cost.add(5);
        let hours = reading.sampled.hours_since(self.sampled);
        let value = match self.value {
            Some(value) if time_constant > 0.0 => value + (reading.value - value) * hours / (hours + time_constant),
            _ => reading.value,
        };
        *self = LowPass {
            value: Some(value),
            number: reading.number,
            sampled: reading.sampled,
        };
        value
    }

    /// The filtered value, once there is one.
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// As if this had been read for long.
    pub fn set(&mut self, value: f64) {
        self.value = Some(value);
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::flow::sensors::Reading;
    use crate::signals::SensorKind;

    /// Runs a controller for `hours` at ticks of a second against a plant that makes `gain` of
    /// every stroke, with a flow sensor that sees each minute's mean. Gives strokes in the
    /// last half, and the flow delivered in it \[mL/h\].
    pub fn against_gain(controller: &mut dyn FlowController, rate: f64, gain: f64, hours: i64) -> (u64, f64) {
        const MINUTE: i64 = 60;
        let stroke = 0.0025;
        let (mut strokes, mut late, mut minute) = (0u64, 0u64, 0.0);
        let mut readings = Readings::default();
        let total = hours * 3600;
        for second in 0..total {
            let now = SimTime::from_nanos(second * 1_000_000_000);
            if second > 0 && second % MINUTE == 0 {
                let reading = |value: f64| Reading {
                    value,
                    sampled: now,
                    number: (second / MINUTE) as u64,
                };
                readings.set(SensorKind::Flow, Some(reading(minute * 60.0)));
                readings.set(SensorKind::Rotor, Some(reading(strokes as f64)));
                readings.set(SensorKind::Pressure, Some(reading(1.2)));
                readings.set(SensorKind::Temperature, Some(reading(37.0)));
                minute = 0.0;
            }
            let seen = Seen {
                now,
                period: if second == 0 { 0.0 } else { 1.0 / 3600.0 },
                request: rate,
                stroke,
                most: 1.0,
                readings: &readings,
            };
            let n = u64::from(controller.tick(&seen, &mut Cost::default()).strokes);
            strokes += n;
            minute += n as f64 * stroke * gain;
            if second >= total / 2 {
                late += n;
            }
        }
        (late, late as f64 * stroke * gain / (hours as f64 / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accumulator_never_loses_or_gains_a_stroke() {
        let mut a = Accumulator::default();
        let mut cost = Cost::default();
        // 0.2 mL/day is a stroke of 2.5 uL every 18 min, exactly 1080 ticks of a second.
        let flow = 0.2 / 24.0;
        let mut at = Vec::new();
        for second in 1..=10 * 86_400u64 {
            if a.strokes(flow, 1.0 / 3600.0, 0.0025, &mut cost) > 0 {
                at.push(second);
            }
        }
        assert_eq!(at.len(), 800);
        assert!(at.iter().zip(1..).all(|(t, n)| *t == 1080 * n), "{:?}", &at[..5]);
        assert!(cost.operations() >= 4 * 864_000);
    }

    #[test]
    fn a_low_pass_takes_each_sample_once_and_settles() {
        let mut f = LowPass::default();
        let mut cost = Cost::default();
        let reading = |value: f64, number: u64| super::super::sensors::Reading {
            value,
            sampled: SimTime::from_nanos(number as i64 * 3_600_000_000_000),
            number,
        };
        assert_eq!(f.take(reading(4.0, 1), 1.0, &mut cost), 4.0);
        assert_eq!(f.take(reading(6.0, 2), 1.0, &mut cost), 5.0);
        assert_eq!(f.take(reading(6.0, 2), 1.0, &mut cost), 5.0);
        assert_eq!(f.take(reading(6.0, 3), 1.0, &mut cost), 5.5);
        assert_eq!(f.take(reading(9.0, 4), 0.0, &mut cost), 9.0);
    }
}
