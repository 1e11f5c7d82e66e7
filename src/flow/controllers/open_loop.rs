//! The step scheduler of a simple device: one stroke every so many ticks.

use super::{Action, ControllerError, Cost, FlowController, Seen, Tuning};

/// A counter of ticks. The interval between strokes is rounded to whole ticks, so its rates lie
/// on a grid: at a tick of 1 s and an interval of 18 min the step is 0.1 %, at ten strokes a
/// minute it is 17 %. A new rate begins a new interval.
#[derive(Debug, Clone, Default)]
pub struct OpenLoop {
    request: f64,
    /// Ticks from stroke to stroke.
    interval: u64,
    /// Ticks until the next stroke.
    left: u64,
}

impl OpenLoop {
    /// Longest interval, so that a rate next to nothing stays a number.
    const LONGEST: f64 = 1e15;

    pub(super) fn build(_: &Tuning) -> Result<Box<dyn FlowController>, ControllerError> {
        Ok(Box::new(OpenLoop::default()))
    }
}

impl FlowController for OpenLoop {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        cost.add(2);
        if seen.request != self.request {
            cost.add(5);
            self.request = seen.request;
            let ticks = seen.stroke / (seen.request * seen.period);
            self.interval = if ticks.is_finite() && ticks > 0.0 && ticks < Self::LONGEST {
                ticks.round().max(1.0) as u64
            } else {
                0
            };
            self.left = self.interval;
        }
        if self.interval == 0 {
            // The first tick has no period yet; the interval is worked out at the next.
            if seen.period == 0.0 {
                self.request = 0.0;
            }
            return Action::default();
        }
        self.left -= 1;
        if self.left > 0 {
            return Action::default();
        }
        self.left = self.interval;
        Action {
            strokes: 1,
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
    fn its_rates_lie_on_the_grid_of_its_ticks() {
        let (strokes, _) = against_gain(&mut OpenLoop::default(), 0.2 / 24.0, 1.0, 36);
        assert_eq!(strokes, 60, "one every 18 min for 18 h");
        // 0.55 mL/h wants a stroke every 16.36 s and gets one every 16 s.
        let (_, flow) = against_gain(&mut OpenLoop::default(), 0.55, 1.0, 8);
        assert!((flow - 0.0025 * 225.0).abs() < 0.002, "{flow}");
    }
}
