//! The valve-gated family: an accumulator between two magnetic valves, filled from a
//! gas-pressurised reservoir, as in Prometra.
//!
//! Each stroke delivers the accumulator's volume; the rate is the frequency of strokes.
//! Between changes the flow is the mean of the strokes. A strong magnetic field opens both
//! valves at once, and nothing but the catheter then holds the reservoir's gas back: a pump of
//! the first generation empties into the spine, one of the second has a valve that shuts on
//! fast flow and stays shut until it is reset (Flowonix safety notice, 2019).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::battery::{Battery, Endurance};
use super::chassis::{Chassis, Equipment};
use super::device::Works;
use super::interface::PumpSetup;
use super::messages::{Actuations, Disturbance, PumpError, PumpEvent, PumpNotice, Telemetry};
use super::registry::PumpFamily;
use super::reservoir::not_negative;
use super::schedule::FlowLimits;
use super::tally::Tally;
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::signals::Drive;

/// The works of a valve-gated pump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValveGated {
    /// Volume of one stroke \[mL\].
    stroke: f64,
    /// Strokes commanded, as volume.
    commanded: Tally,
    mean_gain: f64,
    gain: f64,
    /// Absolute pressure of the gas \[kPa\].
    gas: f64,
    /// Conductance of both valves wide open \[mL/(h kPa)\].
    wide_open: f64,
    safety: Option<SafetyValve>,
    shut: BTreeSet<String>,
    leaking: BTreeMap<String, f64>,
    fields: BTreeMap<String, Option<SimTime>>,
}

/// A valve that shuts when much flows fast (second generation).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SafetyValve {
    /// Flow above which it moves \[mL/h\].
    flow: f64,
    /// Volume that passes until it is shut \[mL\].
    volume: f64,
    passed: Tally,
    shut: bool,
}

impl ValveGated {
    fn pressure(&self, chassis: &Chassis) -> f64 {
        (self.gas - chassis.surroundings().pressure + chassis.overpressure()).max(0.0)
    }

    /// Conductance of the free way past the accumulator \[mL/(h kPa)\].
    fn open(&self) -> f64 {
        if self.fields.is_empty() {
            self.leaking.values().sum::<f64>().min(self.wide_open)
        } else {
            self.wide_open
        }
    }

    fn is_shut(&self) -> bool {
        self.safety.as_ref().is_some_and(|s| s.shut)
    }

    /// Says whether a free way opened or shut since `before` was read.
    fn tell(&self, before: f64, out: &mut Vec<PumpNotice>) {
        match (before > 0.0, self.open() > 0.0) {
            (false, true) => out.push(PumpNotice::ValvesOpen),
            (true, false) => out.push(PumpNotice::ValvesClosed),
            _ => {}
        }
    }
}

impl Works for ValveGated {
    const FAMILY: PumpFamily = PumpFamily {
        summary: "gas-filled reservoir, two valves and an accumulator: fixed strokes (as Prometra)",
        faults: &[
            "pump.valve_stuck_shut",
            "pump.valve_stuck_open",
            "pump.magnet_exposure",
            "pump.memory_error",
            "pump.battery_early",
            "pump.battery_reset",
            "pump.overfill",
            "pump.residual_error",
        ],
        acts: &["reset_valve"],
        rates: Some(("pump.valve.rate_min", "pump.valve.rate_max")),
        surroundings: "magnetic field (both valves open), pressure above that of its gas (no stroke fills); not to \
                       warmth or altitude while the valves work",
        figures: &[
            "pump.valve.",
            "pump.flex.",
            "pump.priming.",
            "pump.stopped.",
            "pump.overfill.stiffness",
        ],
        ..PumpFamily::of::<Self>("valve-gated")
    };

    fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Result<(Self, Equipment), PumpError> {
        let second = parameters.get("pump.valve.generation") >= 1.5;
        let works = Self {
            stroke: parameters.get("pump.valve.stroke") * 1e-3,
            commanded: Tally::new(setup.start),
            mean_gain: parameters.get("pump.valve.gain"),
            gain: 1.0,
            gas: parameters.get("pump.normal.pressure") + parameters.get("pump.valve.pressure"),
            wide_open: parameters.get("pump.valve.conductance"),
            safety: second.then(|| SafetyValve {
                flow: parameters.get("pump.valve.safety_flow"),
                volume: parameters.get("pump.valve.safety_volume") * 1e-3,
                passed: Tally::new(setup.start),
                shut: false,
            }),
            shut: BTreeSet::new(),
            leaking: BTreeMap::new(),
            fields: BTreeMap::new(),
        };
        let equipment = Equipment {
            residual: parameters.get("pump.valve.residual"),
            limits: Some(FlowLimits {
                min: parameters.get("pump.valve.rate_min"),
                max: parameters.get("pump.valve.rate_max"),
                idle: parameters.get("pump.valve.rate_idle"),
                grid: parameters.get("pump.valve.rate_grid"),
                ..FlowLimits::new(parameters)
            }),
            battery: Some(Battery::of(
                setup.start,
                setup.device.age,
                Endurance {
                    idle_life: parameters.get("pump.valve.battery_idle_life"),
                    flow_cost: parameters.get("pump.valve.battery_flow_cost"),
                    past_flow: parameters.get("pump.battery.past_flow"),
                    warning: parameters.get("pump.valve.battery_eri_to_eos"),
                    service_life: parameters.get("pump.valve.battery_service_life"),
                },
            )),
            fixed_flow: 0.0,
        };
        Ok((works, equipment))
    }

    fn drive(&self, chassis: &Chassis) -> Drive {
        let pressure = self.pressure(chassis);
        if chassis.reservoir().is_empty() || self.is_shut() || pressure <= 0.0 {
            return Drive {
                flow: 0.0,
                droop: 0.0,
                max_pressure: pressure,
            };
        }
        // Under a field the valves do not work; otherwise strokes go on beside a leak.
        let strokes = chassis.in_service() && self.shut.is_empty() && self.fields.is_empty();
        let metered = if strokes {
            chassis.programmed() * chassis.disturbed(self.gain)
        } else {
            0.0
        };
        let open = self.open();
        Drive {
            flow: if open > 0.0 { metered + open * pressure } else { metered },
            droop: open,
            max_pressure: pressure,
        }
    }

    fn period(&mut self, _: SimTime, chassis: &Chassis) {
        self.gain = match chassis.fixed_gain() {
            Some(gain) => gain,
            None => (self.mean_gain + chassis.deviation()).max(0.0),
        };
    }

    fn paced(&mut self, now: SimTime, chassis: &Chassis) {
        self.commanded.set_rate(now, chassis.programmed());
    }

    fn flowing(&mut self, now: SimTime, outflow: f64) {
        let Some(safety) = &mut self.safety else { return };
        if outflow > safety.flow {
            safety.passed.set_rate(now, outflow);
        } else if safety.passed.rate() > 0.0 {
            safety.passed = Tally::new(now);
        }
    }

    fn is_deaf(&self, now: SimTime) -> bool {
        self.fields.values().any(|end| end.is_none_or(|end| end > now))
    }

    fn held_by(&self) -> Option<String> {
        self.shut.iter().next().cloned()
    }

    fn events(&self, _: &Chassis, offer: &mut dyn FnMut(Option<SimTime>, PumpEvent, Option<String>)) {
        if let Some((at, source)) = self
            .fields
            .iter()
            .filter_map(|(source, end)| Some(((*end)?, source)))
            .min()
        {
            offer(Some(at), PumpEvent::FieldOver, Some(source.clone()));
        }
        if let Some(safety) = self.safety.as_ref().filter(|s| !s.shut) {
            let by = self.fields.keys().chain(self.leaking.keys()).next().cloned();
            offer(safety.passed.reaches(safety.volume), PumpEvent::SafetyValveShuts, by);
        }
    }

    fn on_event(&mut self, now: SimTime, _: &mut Chassis, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> bool {
        match event {
            PumpEvent::FieldOver => {
                let before = self.open();
                self.fields.retain(|_, end| end.is_none_or(|end| end > now));
                self.tell(before, out);
            }
            PumpEvent::SafetyValveShuts => {
                if let Some(safety) = &mut self.safety {
                    safety.shut = true;
                }
            }
            _ => return false,
        }
        true
    }

    fn disturb(
        &mut self,
        now: SimTime,
        _: &mut Chassis,
        source: &str,
        disturbance: &Disturbance,
        out: &mut Vec<PumpNotice>,
    ) -> Result<bool, PumpError> {
        let before = self.open();
        match disturbance {
            Disturbance::ValveShut => {
                self.shut.insert(source.to_owned());
            }
            Disturbance::ValveOpen { conductance } => {
                not_negative("conductance of open valves", *conductance)?;
                self.leaking.insert(source.to_owned(), *conductance);
            }
            Disturbance::MriField { field, .. } => {
                not_negative("time in the field", field.unwrap_or(0.0))?;
                let end = field.and_then(|hours| now.due_after(hours));
                self.fields.entry(source.to_owned()).or_insert(end);
            }
            _ => return Ok(false),
        }
        self.tell(before, out);
        Ok(true)
    }

    fn relieve(&mut self, _: SimTime, source: &str, out: &mut Vec<PumpNotice>) {
        let before = self.open();
        self.shut.remove(source);
        self.leaking.remove(source);
        self.fields.remove(source);
        self.tell(before, out);
    }

    fn reset_valve(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) -> bool {
        let Some(safety) = &mut self.safety else { return false };
        if safety.shut {
            safety.shut = false;
            safety.passed = Tally::new(now);
            out.push(PumpNotice::SafetyValveReset);
        }
        true
    }

    fn telemetry(&self, at: SimTime, chassis: &Chassis, telemetry: &mut Telemetry) {
        // A stroke that is complete up to rounding counts.
        let strokes = libm::floor(self.commanded.total(at) / self.stroke + 1e-9);
        let rate = chassis.programmed();
        telemetry.actuations = Some(Actuations {
            count: strokes.max(0.0) as u64,
            interval: (rate > 0.0).then(|| self.stroke / rate),
            dose: self.stroke * chassis.label(),
        });
    }
}
