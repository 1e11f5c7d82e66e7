//! Counting strokes that have been seen.

use super::{Accumulator, Action, ControllerError, Cost, FlowController, Seen, Tuning};
use crate::engine::SimTime;
use crate::signals::SensorKind;

/// Makes a stroke when one is due, waits for the position sensor to confirm it, and makes good
/// what is missing, a few strokes at a time. Strokes that are missing beyond that are an alarm,
/// and are not tried again.
#[derive(Debug, Clone)]
pub struct ValveCounting {
    retries: f64,
    /// Time after which a stroke should have been seen \[h\].
    patience: f64,
    accumulator: Accumulator,
    asked: f64,
    /// Strokes given up.
    lost: f64,
    last: SimTime,
    tried: f64,
    alarm: bool,
}

impl ValveCounting {
    pub(super) fn build(tuning: &Tuning) -> Result<Box<dyn FlowController>, ControllerError> {
        Ok(Box::new(ValveCounting {
            retries: tuning.get("retries")?,
            patience: tuning.get("patience")? / 3600.0,
            accumulator: Accumulator::default(),
            asked: 0.0,
            lost: 0.0,
            last: SimTime::ZERO,
            tried: 0.0,
            alarm: false,
        }))
    }
}

impl FlowController for ValveCounting {
    fn tick(&mut self, seen: &Seen<'_>, cost: &mut Cost) -> Action {
        let mut strokes = self.accumulator.strokes(seen.request, seen.period, seen.stroke, cost);
        cost.add(2);
        let settled = seen.now.hours_since(self.last) > self.patience;
        if let Some(reading) = seen
            .readings
            .get(SensorKind::Rotor)
            .filter(|r| settled && r.sampled > self.last)
        {
            cost.add(6);
            let missing = (self.asked - self.lost - reading.value).max(0.0);
            if missing >= 1.0 && self.tried < self.retries {
                let again = missing.min(self.retries - self.tried).floor();
                self.tried += again;
                // These stand for strokes asked for already.
                self.lost += again;
                strokes += again as u32;
            } else if missing >= 1.0 {
                self.lost += missing;
                self.alarm = true;
            } else if self.asked > 0.0 {
                self.tried = 0.0;
                self.alarm = false;
            }
        }
        if strokes > 0 {
            self.last = seen.now;
            self.asked += f64::from(strokes);
        }
        Action {
            strokes,
            alarm: self.alarm,
        }
    }

    fn clone_box(&self) -> Box<dyn FlowController> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::against_gain;
    use super::super::{ControllerRegistry, Readings};
    use super::*;
    use crate::flow::sensors::Reading;
    use crate::scenario::flow_bench::ControllerSpec;

    fn counting() -> Box<dyn FlowController> {
        let spec = ControllerSpec {
            id: "c".into(),
            kind: "valve-counting".into(),
            tuning: Default::default(),
        };
        ControllerRegistry::default().build(&spec).unwrap()
    }

    #[test]
    fn with_every_stroke_seen_it_makes_the_programmes_strokes_only() {
        let (strokes, _) = against_gain(&mut *counting(), 0.25 / 24.0, 1.0, 48);
        assert!((strokes as f64 - 100.0).abs() <= 1.0, "{strokes}");
    }

    #[test]
    fn a_stroke_that_nobody_saw_is_made_again_and_many_are_an_alarm() {
        let mut c = counting();
        let mut cost = Cost::default();
        let (mut asked, mut moved) = (0u32, 0u32);
        let mut alarmed = false;
        // Every tenth stroke is lost at first, later all.
        for second in 1..100 * 3600i64 {
            let now = SimTime::from_nanos(second * 1_000_000_000);
            let mut readings = Readings::default();
            readings.set(
                SensorKind::Rotor,
                Some(Reading {
                    value: f64::from(moved),
                    sampled: now,
                    number: second as u64,
                }),
            );
            let seen = Seen {
                now,
                period: 1.0 / 3600.0,
                request: 0.25 / 24.0,
                stroke: 0.0025,
                most: 1.0,
                readings: &readings,
            };
            let action = c.tick(&seen, &mut cost);
            for _ in 0..action.strokes {
                asked += 1;
                if second < 48 * 3600 && asked % 10 != 0 {
                    moved += 1;
                }
            }
            if second == 48 * 3600 {
                assert!((f64::from(moved) - 200.0).abs() <= 1.0, "{moved} seen of 200 due");
                assert!(!action.alarm);
            }
            alarmed |= action.alarm && second > 48 * 3600;
        }
        assert!(alarmed);
    }
}
