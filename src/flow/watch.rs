//! The device's own alarm for a closed line or a stuck drive. It stands beside every controller
//! and sees what sensors say, never the plant.

use serde::{Deserialize, Serialize};

use super::sensors::Readings;
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::scenario::flow_bench::AlarmSpec;
use crate::signals::SensorKind;

/// Why an alarm sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmReason {
    /// The pressure at the outlet stays high.
    Pressure,
    /// Strokes are commanded and nothing is seen to move.
    Strokes,
    /// The controller says so.
    Controller,
}

impl AlarmReason {
    /// Name in tables.
    pub fn word(self) -> &'static str {
        match self {
            AlarmReason::Pressure => "pressure",
            AlarmReason::Strokes => "strokes",
            AlarmReason::Controller => "controller",
        }
    }
}

/// Watches pressure and position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watchman {
    pressure: f64,
    hold: f64,
    most_missed: f64,
    high_since: Option<SimTime>,
    high: bool,
    /// Number of the last position looked at, the position, and the strokes commanded then.
    looked: (u64, f64, u64),
    /// Strokes commanded when the position last moved.
    at_motion: f64,
    stuck: bool,
    sounding: bool,
}

impl Watchman {
    /// With the defaults and what a file says.
    pub fn new(spec: &AlarmSpec, parameters: &ParameterSet) -> Self {
        Watchman {
            pressure: spec.pressure.unwrap_or_else(|| parameters.get("flow.alarm.pressure")),
            hold: spec.hold.unwrap_or_else(|| parameters.get("flow.alarm.hold") / 3600.0),
            most_missed: parameters.get("flow.alarm.missed_strokes"),
            high_since: None,
            high: false,
            looked: (0, 0.0, 0),
            at_motion: 0.0,
            stuck: false,
            sounding: false,
        }
    }

    /// Looks once a tick; `commanded` is the strokes commanded so far, `controller` whether the
    /// controller calls. Gives an alarm when it begins; it is not given again until all is quiet.
    pub fn look(&mut self, commanded: u64, controller: bool, readings: &Readings) -> Option<AlarmReason> {
        if let Some(reading) = readings.get(SensorKind::Rotor).filter(|r| r.number != self.looked.0) {
            // Only strokes commanded by the sample before can have been made by this one.
            let before = self.looked.2 as f64;
            if reading.value != self.looked.1 {
                self.at_motion = before;
            }
            self.stuck = before - self.at_motion >= self.most_missed;
            self.looked = (reading.number, reading.value, commanded);
        }
        match readings.get(SensorKind::Pressure) {
            Some(reading) if reading.value > self.pressure => {
                let since = *self.high_since.get_or_insert(reading.sampled);
                self.high = reading.sampled.hours_since(since) >= self.hold;
            }
            Some(_) => (self.high_since, self.high) = (None, false),
            None => {}
        }
        let found = if self.high {
            Some(AlarmReason::Pressure)
        } else if self.stuck {
            Some(AlarmReason::Strokes)
        } else {
            controller.then_some(AlarmReason::Controller)
        };
        let begins = found.filter(|_| !self.sounding);
        self.sounding = found.is_some();
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::sensors::Reading;

    fn readings(second: i64, pressure: f64, position: f64) -> Readings {
        let mut all = Readings::default();
        for (kind, value) in [(SensorKind::Pressure, pressure), (SensorKind::Rotor, position)] {
            let reading = Reading {
                value,
                sampled: SimTime::from_nanos(second * 1_000_000_000),
                number: second as u64 + 1,
            };
            all.set(kind, Some(reading));
        }
        all
    }

    #[test]
    fn pressure_must_stay_high_for_the_hold_and_sounds_once() {
        let mut w = Watchman::new(&AlarmSpec::default(), &ParameterSet::default());
        let mut heard = Vec::new();
        for second in 0..400 {
            let high = (100..130).contains(&second) || (200..300).contains(&second);
            if let Some(reason) = w.look(0, false, &readings(second, if high { 31.0 } else { 5.0 }, 0.0)) {
                heard.push((second, reason));
            }
        }
        assert_eq!(heard, [(260, AlarmReason::Pressure)]);
    }

    #[test]
    fn five_strokes_without_motion_are_a_stall_and_one_lost_now_and_then_is_none() {
        let mut w = Watchman::new(&AlarmSpec::default(), &ParameterSet::default());
        let mut heard = Vec::new();
        let mut moved = 0.0;
        for second in 0..600 {
            // A stroke every ten seconds; every third is lost, after 300 s all are.
            let commanded = second / 10;
            if second % 10 == 0 && commanded % 3 != 0 && second < 300 {
                moved += 1.0;
            }
            if let Some(reason) = w.look(commanded as u64, false, &readings(second, 1.0, moved)) {
                heard.push((second, reason));
            }
        }
        assert_eq!(heard.len(), 1);
        assert!(
            (330..=360).contains(&heard[0].0) && heard[0].1 == AlarmReason::Strokes,
            "{heard:?}"
        );
    }
}
