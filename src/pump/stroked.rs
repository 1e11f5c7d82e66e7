//! A pump whose flow comes in strokes: the same device, seen more finely.
//!
//! A family says what flows in the mean between changes. Here that mean is handed out in strokes
//! of a fixed volume: one begins whenever a stroke's volume has come due, and lasts a short while.
//! Never more than one stroke lies between what has flowed here and what the mean would have
//! brought, so a patient should hardly notice; a test shows that.

use serde::{Deserialize, Serialize};

use super::interface::{NextEvent, Pump};
use super::messages::{
    Belief, Command, Disturbance, PumpError, PumpEvent, PumpNotice, Refill, RefillReport, Telemetry,
};
use crate::engine::SimTime;
use crate::signals::{Drive, Others, Surroundings};

/// A stroke begins.
const BEGINS: &str = "stroke";
/// A stroke is over.
const ENDS: &str = "stroke_end";
/// Key under which a saved pump keeps the one inside.
pub(super) const INSIDE: &str = "stroked";

/// What is kept beside the pump inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Strokes {
    /// Volume of a stroke \[mL\].
    volume: f64,
    /// Its length \[h\].
    time: f64,
    origin: SimTime,
    /// Share of a stroke that had come due at the origin \[1\].
    due: f64,
    /// Strokes an hour since then.
    rate: f64,
    until: Option<SimTime>,
}

/// Another pump, in strokes.
#[derive(Clone)]
pub(super) struct Stroked {
    inner: Box<dyn Pump>,
    strokes: Strokes,
}

impl Stroked {
    /// Hands out the flow of a pump in strokes of `volume` that last `time` \[mL, h\].
    pub fn new(inner: Box<dyn Pump>, start: SimTime, volume: f64, time: f64) -> Self {
        let mut pump = Stroked {
            inner,
            strokes: Strokes {
                volume,
                time,
                origin: start,
                // In the middle, so that the strokes lie around the mean and not behind it.
                due: 0.5,
                rate: 0.0,
                until: None,
            },
        };
        pump.follow(start);
        pump
    }

    /// With the pump that was inside.
    pub fn restore(inner: Box<dyn Pump>, state: &serde_json::Value) -> Result<Self, PumpError> {
        match Strokes::deserialize(state) {
            Ok(strokes) => Ok(Stroked { inner, strokes }),
            Err(e) => Err(PumpError::Restore {
                family: inner.family().to_owned(),
                reason: e.to_string(),
            }),
        }
    }

    /// Mean flow, if it can be handed out in strokes. Faster than one stroke after another, or
    /// past an open valve, it runs as it is.
    fn mean(&self) -> Option<f64> {
        let drive = self.inner.drive();
        let slow = drive.flow > 0.0 && drive.flow < self.strokes.volume / self.strokes.time;
        (slow && drive.droop == 0.0).then_some(drive.flow)
    }

    /// Takes over what the pump inside does now.
    fn follow(&mut self, now: SimTime) {
        let mean = self.mean();
        let rate = mean.unwrap_or(0.0) / self.strokes.volume;
        let s = &mut self.strokes;
        if rate != s.rate {
            s.due += s.rate * now.hours_since(s.origin);
            s.origin = now;
            s.rate = rate;
        }
        if mean.is_none() {
            s.until = None;
        }
    }

    fn own_event(&self) -> Option<NextEvent> {
        let s = &self.strokes;
        let (at, name) = match s.until {
            Some(until) => (until, ENDS),
            None if s.rate > 0.0 => (s.origin.due_after(((1.0 - s.due) / s.rate).max(0.0))?, BEGINS),
            None => return None,
        };
        Some(NextEvent {
            at,
            event: PumpEvent::Custom(name.to_owned()),
            source: None,
        })
    }
}

impl Pump for Stroked {
    fn family(&self) -> &str {
        self.inner.family()
    }

    fn clone_box(&self) -> Box<dyn Pump> {
        Box::new(self.clone())
    }

    fn save(&self) -> serde_json::Value {
        // Times and finite numbers: this cannot fail.
        let strokes = serde_json::to_value(&self.strokes).unwrap_or_default();
        serde_json::json!({ INSIDE: self.inner.save(), "strokes": strokes })
    }

    fn is_programmable(&self) -> bool {
        self.inner.is_programmable()
    }

    fn drive(&self) -> Drive {
        let drive = self.inner.drive();
        match self.mean() {
            None => drive,
            Some(_) => Drive {
                flow: match self.strokes.until {
                    Some(_) => self.strokes.volume / self.strokes.time,
                    None => 0.0,
                },
                ..drive
            },
        }
    }

    fn mean_drive(&self) -> Drive {
        self.inner.drive()
    }

    fn programmed_flow(&self) -> f64 {
        self.inner.programmed_flow()
    }

    fn programmed_dose_rate(&self) -> f64 {
        self.inner.programmed_dose_rate()
    }

    fn outlet_concentration(&self) -> f64 {
        self.inner.outlet_concentration()
    }

    fn outlet_others(&self) -> Others {
        self.inner.outlet_others()
    }

    fn reservoir_others(&self, at: SimTime) -> Others {
        self.inner.reservoir_others(at)
    }

    fn set_outflow(&mut self, now: SimTime, outflow: f64) {
        self.inner.set_outflow(now, outflow);
    }

    fn outflow(&self) -> f64 {
        self.inner.outflow()
    }

    fn reservoir_volume(&self, at: SimTime) -> f64 {
        self.inner.reservoir_volume(at)
    }

    fn reservoir_drug(&self, at: SimTime) -> f64 {
        self.inner.reservoir_drug(at)
    }

    fn believed_volume(&self, at: SimTime) -> f64 {
        self.inner.believed_volume(at)
    }

    fn delivered_volume(&self, at: SimTime) -> f64 {
        self.inner.delivered_volume(at)
    }

    fn delivered_drug(&self, at: SimTime) -> f64 {
        self.inner.delivered_drug(at)
    }

    fn next_event(&self) -> Option<NextEvent> {
        match (self.inner.next_event(), self.own_event()) {
            (Some(inner), Some(own)) if own.at < inner.at => Some(own),
            (Some(inner), _) => Some(inner),
            (None, own) => own,
        }
    }

    fn on_event(&mut self, now: SimTime, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        let s = &mut self.strokes;
        match event {
            PumpEvent::Custom(name) if name == BEGINS => {
                s.due += s.rate * now.hours_since(s.origin) - 1.0;
                s.origin = now;
                s.until = Some(now.due_after(s.time).ok_or(PumpError::Clock { hours: s.time })?);
                Ok(())
            }
            PumpEvent::Custom(name) if name == ENDS => {
                s.until = None;
                Ok(())
            }
            other => {
                self.inner.on_event(now, other, out)?;
                self.follow(now);
                Ok(())
            }
        }
    }

    fn command(&mut self, now: SimTime, command: &Command, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        self.inner.command(now, command, out)?;
        self.follow(now);
        Ok(())
    }

    fn demand(&mut self, now: SimTime, id: &str, out: &mut Vec<PumpNotice>) {
        self.inner.demand(now, id, out);
        self.follow(now);
    }

    fn refill(&mut self, now: SimTime, refill: &Refill, out: &mut Vec<PumpNotice>) -> Result<RefillReport, PumpError> {
        let report = self.inner.refill(now, refill, out)?;
        self.follow(now);
        Ok(report)
    }

    fn disturb(
        &mut self,
        now: SimTime,
        source: &str,
        disturbance: &Disturbance,
        out: &mut Vec<PumpNotice>,
    ) -> Result<(), PumpError> {
        self.inner.disturb(now, source, disturbance, out)?;
        self.follow(now);
        Ok(())
    }

    fn relieve(&mut self, now: SimTime, source: &str, out: &mut Vec<PumpNotice>) {
        self.inner.relieve(now, source, out);
        self.follow(now);
    }

    fn belief(&self, at: SimTime) -> Belief {
        self.inner.belief(at)
    }

    fn surround(&mut self, now: SimTime, surroundings: Surroundings, out: &mut Vec<PumpNotice>) -> f64 {
        let drawn = self.inner.surround(now, surroundings, out);
        self.follow(now);
        drawn
    }

    fn take_back(&mut self, now: SimTime, volume: f64, drug: f64, others: Others) -> bool {
        let taken = self.inner.take_back(now, volume, drug, others);
        self.follow(now);
        taken
    }

    fn telemetry(&self, at: SimTime) -> Telemetry {
        self.inner.telemetry(at)
    }
}

/// A pump in strokes if the parameters ask for them.
pub(super) fn wrap(pump: Box<dyn Pump>, start: SimTime, parameters: &crate::parameters::ParameterSet) -> Box<dyn Pump> {
    let volume = parameters.get("flow.fidelity.stroke") * 1e-3;
    if volume <= 0.0 {
        return pump;
    }
    let time = parameters.get("flow.fidelity.stroke_time") / 3600.0;
    Box::new(Stroked::new(pump, start, volume, time))
}
