//! Proportional-integral control of the filtered flow.

use serde::{Deserialize, Serialize};

use super::{Accumulator, Action, ControllerError, Cost, FlowController, LowPass, Seen, Tuning};
use crate::signals::SensorKind;

/// The part that two controllers share: u = base + K e + I, limited to [0, top], where
/// dI/dt = K e / Ti + (u_limited - u) / Tt (back-calculation; Åström and Hägglund 1995).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Loop {
    /// Integral \[mL/h\].
    pub integral: f64,
}

impl Loop {
    /// One step of `hours`; gives the limited flow \[mL/h\].
    #[allow(clippy::too_many_arguments)] // the figures of one equation
    pub fn step(
        &mut self,
        base: f64,
        error: f64,
        gain: f64,
        integral_time: f64,
        tracking_time: f64,
        top: f64,
        hours: f64,
        cost: &mut Cost,
    ) -> f64 {
        cost.add(12);
        let wanted = base + gain * error + self.integral;
        let given = wanted.clamp(0.0, top.max(0.0));
        // A step longer than the tracking time must not overshoot the limit.
        let back = (hours / tracking_time).min(1.0) * (given - wanted);
        self.integral += hours * gain * error / integral_time + back;
        given
    }
}

/// PI without feed-forward: all it gives comes from the error, so it starts slowly.
#[derive(Debug, Clone)]
pub struct Pi {
    gain: f64,
    integral_time: f64,
    filter_time: f64,
    tracking_time: f64,
    ceiling: f64,
    state: Loop,
    filter: LowPass,
    accumulator: Accumulator,
}

impl Pi {
    pub(super) fn build(tuning: &Tuning) -> Result<Box<dyn FlowController>, ControllerError> {
        let mut filter = LowPass::default();
        filter.set(0.0); // nothing flows before the start
        Ok(Box::new(Pi {
            gain: tuning.get("gain")?,
            integral_time: tuning.get("integral_time")?,
            filter_time: tuning.get("filter_time")?,
            tracking_time: tuning.get("tracking_time")?,
            ceiling: tuning.get("ceiling")?,
            state: Loop::default(),
            filter,
            accumulator: Accumulator::default(),
        }))
    }
}

impl FlowController for Pi {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        let Some(reading) = seen.readings.get(SensorKind::Flow) else {
            return Action::default();
        };
        let flow = self.filter.take(reading, self.filter_time, cost);
        let top = (self.ceiling * seen.request).min(seen.most);
        let given = self.state.step(
            0.0,
            seen.request - flow,
            self.gain,
            self.integral_time,
            self.tracking_time,
            top,
            seen.period,
            cost,
        );
        Action {
            strokes: self.accumulator.strokes(given, seen.period, seen.stroke, cost),
            alarm: false,
        }
    }

    fn clone_box(&self) -> Box<dyn FlowController> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::against_gain;
    use super::super::{ControllerRegistry, tuning_table};
    use super::*;
    use crate::scenario::flow_bench::ControllerSpec;

    fn pi() -> Box<dyn FlowController> {
        let spec = ControllerSpec {
            id: "pi".into(),
            kind: "pi".into(),
            tuning: Default::default(),
        };
        ControllerRegistry::default().build(&spec).unwrap()
    }

    #[test]
    fn it_takes_a_constant_error_of_the_stroke_out() {
        assert_eq!(tuning_table("pi").len(), 5);
        for gain in [1.0, 0.8, 1.2] {
            let (_, flow) = against_gain(&mut *pi(), 0.5 / 24.0, gain, 240);
            assert!((flow / (0.5 / 24.0) - 1.0).abs() < 0.02, "{gain}: {flow}");
        }
    }

    #[test]
    fn a_limit_does_not_wind_the_integral_up() {
        // Nothing arrives for two days; the integral stays where the limit holds it.
        let mut state = Loop::default();
        let mut cost = Cost::default();
        for _ in 0..48 * 60 {
            state.step(0.0, 0.02, 0.2, 2.0, 0.5, 0.04, 1.0 / 60.0, &mut cost);
        }
        assert!(state.integral < 0.05, "{}", state.integral);
        // Within an hour or two of an error the other way it gives less than the request.
        let mut given = 1.0;
        for _ in 0..120 {
            given = state.step(0.0, -0.02, 0.2, 2.0, 0.5, 0.04, 1.0 / 60.0, &mut cost);
        }
        assert!(given < 0.04, "{given}");
    }
}
