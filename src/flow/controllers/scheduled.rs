//! Feed-forward with a scheduled loop on top.

use super::pi::Loop;
use super::{Accumulator, Action, ControllerError, Cost, FlowController, LowPass, Seen, Tuning};
use crate::signals::SensorKind;

/// Gives the programmed flow at once, corrected for warmth, and lets a PI loop take out what is
/// left. Filter and integral time are in intervals between strokes and so follow the rate: a
/// pulsed flow says nothing on shorter times.
#[derive(Debug, Clone)]
pub struct Scheduled {
    gain: f64,
    integral_time: f64,
    filter_strokes: f64,
    /// Rate at which the gains are as given \[mL/h\].
    reference: f64,
    tracking_time: f64,
    ceiling: f64,
    expansion: f64,
    /// Temperature at which the stroke is nominal, learned from the first reading \[degC\].
    nominal: Option<f64>,
    state: Loop,
    filter: LowPass,
    begun: bool,
    accumulator: Accumulator,
}

impl Scheduled {
    pub(super) fn build(tuning: &Tuning) -> Result<Box<dyn FlowController>, ControllerError> {
        Ok(Box::new(Scheduled {
            gain: tuning.get("gain")?,
            integral_time: tuning.get("integral_time")?,
            filter_strokes: tuning.get("filter_strokes")?,
            reference: tuning.get("reference")? / 24.0,
            tracking_time: tuning.get("tracking_time")?,
            ceiling: tuning.get("ceiling")?,
            expansion: tuning.get("expansion")?,
            nominal: None,
            state: Loop::default(),
            filter: LowPass::default(),
            begun: false,
            accumulator: Accumulator::default(),
        }))
    }
}

impl FlowController for Scheduled {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        let mut base = seen.request;
        if let Some(reading) = seen.readings.get(SensorKind::Temperature) {
            cost.add(4);
            let nominal = *self.nominal.get_or_insert(reading.value);
            base /= (1.0 + self.expansion * (reading.value - nominal)).max(0.5);
        }
        let mut given = base.min(seen.most);
        if let Some(reading) = seen.readings.get(SensorKind::Flow).filter(|_| seen.request > 0.0) {
            cost.add(6);
            if !self.begun {
                // The plant is taken to be right until it shows otherwise.
                self.begun = true;
                self.filter.set(seen.request);
            }
            let interval = seen.stroke / seen.request;
            let flow = self.filter.take(reading, self.filter_strokes * interval, cost);
            let slower = self.reference / seen.request;
            given = self.state.step(
                base,
                seen.request - flow,
                self.gain,
                self.integral_time * slower,
                self.tracking_time * slower,
                (self.ceiling * base).min(seen.most),
                seen.period,
                cost,
            );
        }
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
    use super::super::ControllerRegistry;
    use super::super::testing::against_gain;
    use super::*;
    use crate::scenario::flow_bench::ControllerSpec;

    fn scheduled() -> Box<dyn FlowController> {
        let spec = ControllerSpec {
            id: "s".into(),
            kind: "scheduled".into(),
            tuning: Default::default(),
        };
        ControllerRegistry::default().build(&spec).unwrap()
    }

    #[test]
    fn it_starts_at_the_programmed_flow_and_takes_an_error_out_at_any_rate() {
        let (_, flow) = against_gain(&mut *scheduled(), 0.25 / 24.0, 1.0, 24);
        assert!((flow / (0.25 / 24.0) - 1.0).abs() < 0.03, "{flow}");
        for (rate, hours) in [(0.25 / 24.0, 240), (2.4 / 24.0, 48)] {
            let (_, flow) = against_gain(&mut *scheduled(), rate, 0.8, hours);
            assert!((flow / rate - 1.0).abs() < 0.03, "{rate}: {}", flow / rate);
        }
    }
}
