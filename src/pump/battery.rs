//! Battery and service life.

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;
use crate::parameters::ParameterSet;

/// Charge used, by elapsed time and by programmed flow, and the end of service.
///
/// The replacement indicator comes when the charge is used up or early enough before
/// the end of the service life, whichever is first; the end of service follows it by a
/// fixed span (90 days).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Battery {
    origin: SimTime,
    used: f64,
    flow: f64,
    idle_life: f64,
    flow_cost: f64,
    /// Charge used over the usual \[1\].
    drain: f64,
    warning: f64,
    service_left: f64,
    start: SimTime,
    indicated: Option<SimTime>,
    ended: bool,
}

/// What a battery holds out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Endurance {
    /// Time to the replacement indicator if nothing is pumped \[h\].
    pub idle_life: f64,
    /// Share of the charge used by a programmed millilitre \[1/mL\].
    pub flow_cost: f64,
    /// Mean flow before the scenario starts \[mL/day\].
    pub past_flow: f64,
    /// Time from the indicator to the end of service \[h\].
    pub warning: f64,
    /// Age at which the pump shuts down in any case \[h\].
    pub service_life: f64,
}

impl Battery {
    /// A battery in a pump of `age` hours at `start`, as in the peristaltic family.
    pub fn new(start: SimTime, age: f64, parameters: &ParameterSet) -> Self {
        Self::of(
            start,
            age,
            Endurance {
                idle_life: parameters.get("pump.battery.idle_life"),
                flow_cost: parameters.get("pump.battery.flow_cost"),
                past_flow: parameters.get("pump.battery.past_flow"),
                warning: parameters.get("pump.battery.eri_to_eos"),
                service_life: parameters.get("pump.battery.service_life"),
            },
        )
    }

    /// A battery of given endurance in a pump of `age` hours at `start`.
    pub fn of(start: SimTime, age: f64, endurance: Endurance) -> Self {
        let Endurance {
            idle_life,
            flow_cost,
            past_flow,
            warning,
            service_life,
        } = endurance;
        Self {
            origin: start,
            used: age * (1.0 / idle_life + flow_cost * (past_flow / 24.0)),
            flow: 0.0,
            idle_life,
            flow_cost,
            drain: 1.0,
            warning,
            service_left: service_life - age,
            start,
            indicated: None,
            ended: false,
        }
    }

    fn rate(&self) -> f64 {
        (1.0 / self.idle_life + self.flow_cost * self.flow) * self.drain
    }

    /// Charge used, as a share of the charge to the replacement indicator \[1\].
    pub fn used(&self, at: SimTime) -> f64 {
        self.used + self.rate() * at.hours_since(self.origin)
    }

    /// Service left until the shut-down at the present flow \[h\].
    pub fn left(&self, at: SimTime) -> f64 {
        let service = self.service_left - at.hours_since(self.start);
        let charge = match self.indicated {
            Some(since) => self.warning - at.hours_since(since),
            None if self.rate() > 0.0 => (1.0 - self.used(at)) / self.rate() + self.warning,
            None => service,
        };
        service.min(charge).max(0.0)
    }

    /// Sets the programmed flow from `now` on; an equal flow changes nothing \[mL/h\].
    pub fn set_flow(&mut self, now: SimTime, flow: f64) {
        if flow != self.flow {
            self.used = self.used(now);
            self.origin = now;
            self.flow = flow;
        }
    }

    /// Uses charge faster from `now` on; one is the usual rate \[1\].
    pub fn set_drain(&mut self, now: SimTime, factor: f64) {
        if factor != self.drain {
            self.used = self.used(now);
            self.origin = now;
            self.drain = factor;
        }
    }

    /// When the replacement indicator is due, if it has not come.
    pub fn indicator_at(&self) -> Option<SimTime> {
        if self.indicated.is_some() || self.ended {
            return None;
        }
        let by_charge = match self.rate() {
            rate if rate > 0.0 => self.origin.due_after(((1.0 - self.used) / rate).max(0.0)),
            _ => None,
        };
        let by_age = self.start.due_after((self.service_left - self.warning).max(0.0));
        [by_charge, by_age].into_iter().flatten().min()
    }

    /// When the pump shuts down, once the indicator has come.
    pub fn end_at(&self) -> Option<SimTime> {
        if self.ended {
            return None;
        }
        let after_warning = self.indicated?.due_after(self.warning);
        let by_age = self.start.due_after(self.service_left.max(0.0));
        [after_warning, by_age].into_iter().flatten().min()
    }

    /// The indicator has come.
    pub fn indicate(&mut self, now: SimTime) {
        self.indicated = Some(now);
    }

    /// The pump has shut down.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Whether the pump has shut down.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}
