//! The accumulator: exact on the long run, blind to the plant.

use super::{Accumulator, Action, ControllerError, Cost, FlowController, Seen, Tuning};

/// First-order delta-sigma modulation of the programmed flow.
#[derive(Debug, Clone, Default)]
pub struct DeltaSigma {
    accumulator: Accumulator,
}

impl DeltaSigma {
    pub(super) fn build(_: &Tuning) -> Result<Box<dyn FlowController>, ControllerError> {
        Ok(Box::new(DeltaSigma::default()))
    }
}

impl FlowController for DeltaSigma {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        Action {
            strokes: self.accumulator.strokes(seen.request, seen.period, seen.stroke, cost),
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
    use super::*;

    #[test]
    fn it_makes_the_strokes_of_the_programme_whatever_they_bring() {
        for gain in [1.0, 0.8] {
            let (strokes, flow) = against_gain(&mut DeltaSigma::default(), 0.55, gain, 10);
            assert!((strokes as f64 - 1100.0).abs() <= 1.0, "{strokes}");
            assert!((flow - 0.55 * gain).abs() < 1e-3);
        }
    }
}
