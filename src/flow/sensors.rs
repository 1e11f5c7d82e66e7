//! Sensors: all that a controller ever knows of the plant.
//!
//! A sample is the truth, plus bias and drift, plus noise, put on the grid of the converter and
//! within its range; it may be lost, and it arrives late. Noise and loss are keyed draws, one a
//! sample, so a sensor that is added or removed leaves the luck of the others as it was.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::plant::Truth;
use crate::engine::{SimSpan, SimTime};
use crate::numerics::draws::{Channel, Draws};
use crate::parameters::ParameterSet;
use crate::scenario::flow_bench::SensorSpec;
use crate::signals::SensorKind;

/// What a sensor last said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The value, in the unit of the kind.
    pub value: f64,
    /// When it was sampled.
    pub sampled: SimTime,
    /// Number of the sample, from 1; equal numbers are one sample seen twice.
    pub number: u64,
}

/// The latest readings, one a kind; `None` for a sensor that is not there or has not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Readings([Option<Reading>; 5]);

impl Readings {
    /// The latest reading of a sensor.
    pub fn get(&self, kind: SensorKind) -> Option<Reading> {
        self.0[kind.index()]
    }

    /// Puts a reading in, as a test bench of one's own does.
    pub fn set(&mut self, kind: SensorKind, reading: Option<Reading>) {
        self.0[kind.index()] = reading;
    }
}

/// Figures of one sensor, in the unit of its kind and hours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SensorFigures {
    /// Time between samples.
    pub period: SimSpan,
    /// Standard deviation of a sample.
    pub noise: f64,
    /// Constant error.
    pub bias: f64,
    /// Error that grows with time \[unit/h\].
    pub drift: f64,
    /// Step of the reading; zero for none.
    pub quantum: f64,
    /// Time from sample to reading.
    pub delay: SimSpan,
    /// Share of the samples that are lost \[1\].
    pub dropout: f64,
    /// Lower end of the range.
    pub low: f64,
    /// Upper end of the range.
    pub high: f64,
}

impl SensorFigures {
    /// The defaults with what a file says of this sensor.
    pub fn of(spec: &SensorSpec, parameters: &ParameterSet) -> Self {
        let kind = spec.kind.word();
        let default = |field: &str| parameters.get(&format!("flow.sensors.{kind}.{field}"));
        let span = |hours: f64| SimSpan::from_hours(hours).unwrap_or(SimSpan::HOUR);
        SensorFigures {
            period: span(spec.period.unwrap_or_else(|| default("period") / 3600.0)),
            noise: spec.noise.unwrap_or_else(|| default("noise")),
            bias: spec.bias.unwrap_or(0.0),
            drift: spec.drift.unwrap_or(0.0),
            quantum: spec.quantum.unwrap_or_else(|| default("quantum")),
            delay: span(spec.delay.unwrap_or(0.0)),
            dropout: spec.dropout.unwrap_or(0.0),
            low: default("low"),
            high: default("high"),
        }
    }
}

/// One sensor and its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    kind: SensorKind,
    figures: SensorFigures,
    number: u64,
    /// Volume passed and time at the sample before, for the flow sensor.
    before: (f64, SimTime),
    under_way: VecDeque<(SimTime, Reading)>,
    latest: Option<Reading>,
    /// Stimuli that have made it fail.
    pub(super) failed: Vec<usize>,
    noise: Channel,
    loss: Channel,
}

impl Sensor {
    /// A sensor that has not sampled yet.
    pub fn new(kind: SensorKind, figures: SensorFigures, draws: &Draws) -> Self {
        let entity = format!("flow.sensor.{}", kind.word());
        Sensor {
            kind,
            figures,
            number: 0,
            before: (0.0, SimTime::ZERO),
            under_way: VecDeque::new(),
            latest: None,
            failed: Vec::new(),
            noise: draws.channel(&entity, "noise"),
            loss: draws.channel(&entity, "dropout"),
        }
    }

    /// What it looks at.
    pub fn kind(&self) -> SensorKind {
        self.kind
    }

    /// Its figures.
    pub fn figures(&self) -> &SensorFigures {
        &self.figures
    }

    /// Samples taken so far.
    pub fn samples(&self) -> u64 {
        self.number
    }

    /// Takes a sample.
    pub fn sample(&mut self, now: SimTime, truth: &Truth) {
        let exact = match self.kind {
            SensorKind::Flow => {
                let (volume, since) = std::mem::replace(&mut self.before, (truth.passed, now));
                let hours = now.hours_since(since);
                if hours > 0.0 {
                    (truth.passed - volume) / hours
                } else {
                    0.0
                }
            }
            SensorKind::Pressure => truth.pressure,
            SensorKind::Rotor => truth.moved,
            SensorKind::Temperature => truth.temperature,
            SensorKind::Reservoir => truth.reservoir,
        };
        let ordinal = self.number;
        self.number += 1;
        let f = &self.figures;
        if !self.failed.is_empty() || (f.dropout > 0.0 && self.loss.uniform(ordinal) < f.dropout) {
            return;
        }
        let noise = if f.noise > 0.0 {
            f.noise * self.noise.standard_normal(ordinal)
        } else {
            0.0
        };
        let mut value = exact + f.bias + f.drift * now.hours() + noise;
        if f.quantum > 0.0 {
            value = (value / f.quantum).round() * f.quantum;
        }
        let reading = Reading {
            value: value.clamp(f.low, f.high) + 0.0,
            sampled: now,
            number: self.number,
        };
        if let Ok(due) = now.checked_add(f.delay) {
            self.under_way.push_back((due, reading));
        }
    }

    /// The latest reading that has arrived. A flow is the mean of all that have arrived since it
    /// was last asked for: strokes are short, and a controller slower than the sensor would miss
    /// some of them.
    pub fn reading(&mut self, now: SimTime) -> Option<Reading> {
        let (mut sum, mut arrived) = (0.0, 0u32);
        while self.under_way.front().is_some_and(|(due, _)| *due <= now) {
            self.latest = self.under_way.pop_front().map(|(_, reading)| reading);
            sum += self.latest.map_or(0.0, |r| r.value);
            arrived += 1;
        }
        if let Some(latest) = self
            .latest
            .as_mut()
            .filter(|_| self.kind == SensorKind::Flow && arrived > 1)
        {
            latest.value = sum / f64::from(arrived);
        }
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> SimTime {
        SimTime::from_nanos(seconds * 1_000_000_000)
    }

    fn sensor(kind: SensorKind, change: impl FnOnce(&mut SensorFigures)) -> Sensor {
        let spec = SensorSpec::of(kind);
        let mut figures = SensorFigures::of(&spec, &ParameterSet::default());
        (figures.noise, figures.quantum) = (0.0, 0.0);
        change(&mut figures);
        Sensor::new(kind, figures, &Draws::new(3, 0))
    }

    fn pressure(value: f64) -> Truth {
        Truth {
            pressure: value,
            ..Truth::default()
        }
    }

    #[test]
    fn bias_drift_grid_and_range_act_in_this_order() {
        let mut s = sensor(SensorKind::Pressure, |f| {
            (f.bias, f.drift, f.quantum, f.high) = (0.3, 2.0, 0.5, 30.0);
        });
        s.sample(at(1800), &pressure(10.0));
        assert_eq!(s.reading(at(1800)).unwrap().value, 11.5);
        s.sample(at(1800), &pressure(99.0));
        assert_eq!(s.reading(at(1800)).unwrap().value, 30.0);
    }

    #[test]
    fn a_reading_arrives_after_its_delay_and_keeps_its_date() {
        let mut s = sensor(SensorKind::Pressure, |f| f.delay = SimSpan::from_nanos(5_000_000_000));
        s.sample(at(0), &pressure(1.0));
        s.sample(at(2), &pressure(2.0));
        assert_eq!(s.reading(at(4)), None);
        assert_eq!(s.reading(at(5)).unwrap().value, 1.0);
        let late = s.reading(at(7)).unwrap();
        assert_eq!((late.value, late.sampled, late.number), (2.0, at(2), 2));
    }

    #[test]
    fn the_flow_sensor_gives_the_mean_since_its_sample_before() {
        let mut s = sensor(SensorKind::Flow, |_| {});
        let passed = |v: f64| Truth {
            passed: v,
            ..Truth::default()
        };
        s.sample(at(36), &passed(0.0));
        assert_eq!(s.reading(at(36)).unwrap().value, 0.0);
        s.sample(at(72), &passed(0.02));
        assert!((s.reading(at(72)).unwrap().value - 2.0).abs() < 1e-12);
    }

    #[test]
    fn noise_and_dropout_have_the_moments_asked_for_and_are_keyed() {
        let mut s = sensor(SensorKind::Pressure, |f| (f.noise, f.dropout) = (0.5, 0.25));
        let (mut values, mut last) = (Vec::new(), 0);
        for i in 0..4000 {
            s.sample(at(i), &pressure(10.0));
            if let Some(r) = s.reading(at(i)).filter(|r| r.number != last) {
                values.push(r.value);
                last = r.number;
            }
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let sd = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        // Four standard errors each.
        assert!((n / 4000.0 - 0.75).abs() < 0.028, "{n}");
        assert!((mean - 10.0).abs() < 4.0 * 0.5 / n.sqrt(), "{mean}");
        assert!((sd - 0.5).abs() < 4.0 * 0.5 / (2.0 * n).sqrt(), "{sd}");
        let mut again = sensor(SensorKind::Pressure, |f| (f.noise, f.dropout) = (0.5, 0.25));
        again.sample(at(0), &pressure(10.0));
        let mut other = sensor(SensorKind::Pressure, |f| f.noise = 0.5);
        other.sample(at(0), &pressure(10.0));
        if let Some(first) = again.reading(at(0)) {
            assert_eq!(
                first.value,
                other.reading(at(0)).unwrap().value,
                "loss is a draw of its own"
            );
        }
    }

    #[test]
    fn a_flow_is_the_mean_of_all_samples_since_it_was_asked_for() {
        // A stroke of 2.5 uL every minute, samples of 10 s, read every 30 s: no stroke is missed.
        let mut s = sensor(SensorKind::Flow, |_| ());
        let (mut passed, mut seen) = (0.0, 0.0);
        for second in (0..=3600).step_by(10) {
            if second % 60 == 40 {
                passed += 0.0025;
            }
            let truth = Truth {
                passed,
                ..Truth::default()
            };
            s.sample(at(second), &truth);
            if second % 30 == 0 {
                seen += s.reading(at(second)).unwrap().value * 30.0 / 3600.0;
            }
        }
        assert!((seen - passed).abs() < 1e-12, "{seen} of {passed}");
    }
}
