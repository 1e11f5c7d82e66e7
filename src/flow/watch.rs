//! The device's own alarm for a closed line or a stuck drive. It stands beside every controller
//! and sees what sensors say, never the plant.

use serde::{Deserialize, Serialize};

use super::sensors::{Reading, Readings};
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::scenario::flow_bench::AlarmSpec;
use crate::signals::SensorKind;

/// Why an alarm sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmReason {
    /// The pressure at the outlet stays high.
    Pressure,
    /// Strokes are commanded and nothing is seen to move.
    Strokes,
    /// The controller says so.
    Controller,
    /// More has flowed than the programme and its accuracy allow.
    OverInfusion,
    /// The reservoir has lost its pressure.
    Empty,
}

impl AlarmReason {
    /// Name in tables.
    pub fn word(self) -> &'static str {
        match self {
            AlarmReason::Pressure => "pressure",
            AlarmReason::Strokes => "strokes",
            AlarmReason::Controller => "controller",
            AlarmReason::OverInfusion => "over_infusion",
            AlarmReason::Empty => "empty",
        }
    }
}

/// Adds up what a flow sensor shows beyond what is allowed, and forgets what falls short: the
/// one-sided cumulative sum of Page (1954).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Surplus {
    volume: f64,
    sampled: Option<SimTime>,
    over: bool,
}

/// Watches pressure, position and, where asked to, flow and reservoir.
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
    watch: Vec<SensorKind>,
    accuracy: f64,
    dead_band: f64,
    most_over: f64,
    surplus: Surplus,
    empty_share: f64,
    /// First reading of the reservoir's pressure \[kPa\].
    full: Option<f64>,
    low_since: Option<SimTime>,
    empty: bool,
    sounding: bool,
}

impl Watchman {
    /// With the defaults and what a file says; `stroke` is the nominal stroke \[mL\].
    pub fn new(spec: &AlarmSpec, parameters: &ParameterSet, stroke: f64) -> Self {
        Watchman {
            watch: spec.watch.clone(),
            accuracy: parameters.get("flow.alarm.accuracy"),
            dead_band: parameters.get("flow.alarm.dead_band"),
            most_over: parameters.get("flow.alarm.over_strokes") * stroke,
            surplus: Surplus::default(),
            empty_share: parameters.get("flow.alarm.empty_share"),
            full: None,
            low_since: None,
            empty: false,
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

    /// Looks once a tick; `request` is the programmed flow \[mL/h\], `commanded` the strokes
    /// commanded so far, `controller` whether the controller calls. Gives an alarm when it begins;
    /// it is not given again until all is quiet.
    pub fn look(&mut self, request: f64, commanded: u64, controller: bool, readings: &Readings) -> Option<AlarmReason> {
        let heard = |kind: SensorKind| readings.get(kind).filter(|_| self.watch.contains(&kind));
        let (rotor, pressure) = (heard(SensorKind::Rotor), heard(SensorKind::Pressure));
        let (flow, reservoir) = (heard(SensorKind::Flow), heard(SensorKind::Reservoir));
        if let Some(reading) = rotor.filter(|r| r.number != self.looked.0) {
            // Only strokes commanded by the sample before can have been made by this one.
            let before = self.looked.2 as f64;
            if reading.value != self.looked.1 {
                self.at_motion = before;
            }
            self.stuck = before - self.at_motion >= self.most_missed;
            self.looked = (reading.number, reading.value, commanded);
        }
        match pressure {
            Some(reading) if reading.value > self.pressure => {
                let since = *self.high_since.get_or_insert(reading.sampled);
                self.high = reading.sampled.hours_since(since) >= self.hold;
            }
            Some(_) => (self.high_since, self.high) = (None, false),
            None => {}
        }
        if let Some(reading) = flow {
            self.add_up(request, reading);
        }
        if let Some(reading) = reservoir {
            let full = *self.full.get_or_insert(reading.value);
            // Once empty it stays so until half of what was lost is back: noise is no refill.
            let back = if self.empty {
                0.5 * (1.0 - self.empty_share)
            } else {
                0.0
            };
            if reading.value < (self.empty_share + back) * full {
                let since = *self.low_since.get_or_insert(reading.sampled);
                self.empty = reading.sampled.hours_since(since) >= self.hold;
            } else {
                (self.low_since, self.empty) = (None, false);
            }
        }
        let found = if self.high {
            Some(AlarmReason::Pressure)
        } else if self.stuck {
            Some(AlarmReason::Strokes)
        } else if self.surplus.over {
            Some(AlarmReason::OverInfusion)
        } else if self.empty {
            Some(AlarmReason::Empty)
        } else {
            controller.then_some(AlarmReason::Controller)
        };
        let begins = found.filter(|_| !self.sounding);
        self.sounding = found.is_some();
        begins
    }

    fn add_up(&mut self, request: f64, reading: Reading) {
        let Some(before) = self.surplus.sampled else {
            self.surplus.sampled = Some(reading.sampled);
            return;
        };
        let hours = reading.sampled.hours_since(before);
        if hours <= 0.0 {
            return;
        }
        let allowed = request * (1.0 + self.accuracy) + self.dead_band;
        self.surplus.volume = (self.surplus.volume + (reading.value - allowed) * hours).max(0.0);
        self.surplus.sampled = Some(reading.sampled);
        // It is over until half of the surplus has been made good.
        let level = if self.surplus.over { 0.5 } else { 1.0 };
        self.surplus.over = self.surplus.volume > level * self.most_over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut w = Watchman::new(&AlarmSpec::default(), &ParameterSet::default(), 0.0025);
        let mut heard = Vec::new();
        for second in 0..400 {
            let high = (100..130).contains(&second) || (200..300).contains(&second);
            if let Some(reason) = w.look(0.01, 0, false, &readings(second, if high { 31.0 } else { 5.0 }, 0.0)) {
                heard.push((second, reason));
            }
        }
        assert_eq!(heard, [(260, AlarmReason::Pressure)]);
    }

    #[test]
    fn five_strokes_without_motion_are_a_stall_and_one_lost_now_and_then_is_none() {
        let mut w = Watchman::new(&AlarmSpec::default(), &ParameterSet::default(), 0.0025);
        let mut heard = Vec::new();
        let mut moved = 0.0;
        for second in 0..600 {
            // A stroke every ten seconds; every third is lost, after 300 s all are.
            let commanded = second / 10;
            if second % 10 == 0 && commanded % 3 != 0 && second < 300 {
                moved += 1.0;
            }
            if let Some(reason) = w.look(0.01, commanded as u64, false, &readings(second, 1.0, moved)) {
                heard.push((second, reason));
            }
        }
        assert_eq!(heard.len(), 1);
        assert!(
            (330..=360).contains(&heard[0].0) && heard[0].1 == AlarmReason::Strokes,
            "{heard:?}"
        );
    }

    #[test]
    fn a_surplus_of_four_strokes_is_called_and_one_stroke_at_once_is_none() {
        let spec = AlarmSpec {
            watch: vec![SensorKind::Flow],
            ..AlarmSpec::default()
        };
        // Strokes of 2.5 uL in samples of 10 s; due every 900 s for 0.01 mL/h.
        for (every, expected) in [(900, None), (800, None), (450, Some(AlarmReason::OverInfusion))] {
            let mut w = Watchman::new(&spec, &ParameterSet::default(), 0.0025);
            let mut heard = None;
            for second in (0..200_000).step_by(10) {
                let value = if second % every == 0 { 0.0025 * 360.0 } else { 0.0 };
                let mut all = Readings::default();
                let reading = Reading {
                    value,
                    sampled: SimTime::from_nanos(second * 1_000_000_000),
                    number: second as u64 / 10 + 1,
                };
                all.set(SensorKind::Flow, Some(reading));
                let found = w.look(0.01, 0, false, &all);
                heard = heard.or(found.map(|reason| (second, reason)));
            }
            assert_eq!(heard.map(|h| h.1), expected, "every {every} s");
            if let Some((second, _)) = heard {
                // Each stroke brings 2.5 uL, 450 s take 1.49 uL of it away: above 10 uL after the ninth.
                assert!((3_000..6_000).contains(&second), "{second}");
            }
        }
    }

    #[test]
    fn a_reservoir_that_loses_half_its_pressure_is_empty() {
        let spec = AlarmSpec {
            watch: vec![SensorKind::Reservoir],
            ..AlarmSpec::default()
        };
        let mut w = Watchman::new(&spec, &ParameterSet::default(), 0.0025);
        let mut heard = Vec::new();
        for second in 0..1_000 {
            let mut all = Readings::default();
            let reading = Reading {
                value: if second < 500 { 5.0 } else { 2.4 },
                sampled: SimTime::from_nanos(second * 1_000_000_000),
                number: second as u64 + 1,
            };
            all.set(SensorKind::Reservoir, Some(reading));
            heard.extend(w.look(0.01, 0, false, &all).map(|reason| (second, reason)));
        }
        assert_eq!(heard, [(560, AlarmReason::Empty)]);
    }
}
