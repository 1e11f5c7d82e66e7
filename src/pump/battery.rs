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
    warning: f64,
    service_left: f64,
    start: SimTime,
    indicated: Option<SimTime>,
    ended: bool,
}

impl Battery {
    /// A battery in a pump of `age` hours at `start`.
    pub fn new(start: SimTime, age: f64, parameters: &ParameterSet) -> Self {
        let idle_life = parameters.get("pump.battery.idle_life");
        let flow_cost = parameters.get("pump.battery.flow_cost");
        let past = parameters.get("pump.battery.past_flow") / 24.0;
        Self {
            origin: start,
            used: age * (1.0 / idle_life + flow_cost * past),
            flow: 0.0,
            idle_life,
            flow_cost,
            warning: parameters.get("pump.battery.eri_to_eos"),
            service_left: parameters.get("pump.battery.service_life") - age,
            start,
            indicated: None,
            ended: false,
        }
    }

    fn rate(&self) -> f64 {
        1.0 / self.idle_life + self.flow_cost * self.flow
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
            None => (1.0 - self.used(at)) / self.rate() + self.warning,
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

    /// When the replacement indicator is due, if it has not come.
    pub fn indicator_at(&self) -> Option<SimTime> {
        if self.indicated.is_some() || self.ended {
            return None;
        }
        let by_charge = self.origin.due_after(((1.0 - self.used) / self.rate()).max(0.0));
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
