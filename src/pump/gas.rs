//! The gas-pressure family: the vapour of a propellant presses the drug through a
//! restrictor, as in Codman 3000 and Infusaid.
//!
//! There is no battery, no programme and no alarm: the flow is set in the factory, and the
//! dose is chosen by the concentration. Flow is driving pressure over resistance, so it
//! follows everything that changes either:
//!
//! - warmth: the vapour pressure grows by about 3.4 % a kelvin (Clausius-Clapeyron), the
//!   viscosity of water falls by about 2 %; together about 11 % of flow a degree;
//! - altitude: the vapour pressure is absolute, the outlet feels the air, so thinner air means
//!   more driving pressure;
//! - the catheter, whose resistance stands in series with the restrictor;
//! - the last few percent of the fill, where the bellows holds against the gas.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chassis::{Chassis, Equipment};
use super::device::Works;
use super::interface::PumpSetup;
use super::messages::{Disturbance, PumpError, PumpEvent, PumpNotice};
use super::registry::PumpFamily;
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::signals::{Drive, Surroundings};

/// Steps in which the pressure falls while the last of the fill leaves.
const FADE_STEPS: u32 = 6;

/// The works of a gas-pressure pump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GasPressure {
    normal: Surroundings,
    /// Flow against no pressure, at sea level and body temperature \[mL/h\].
    factory_flow: f64,
    /// Driving pressure there \[kPa\].
    gauge: f64,
    /// Relative rise of the vapour pressure \[1/degC\].
    vapour_slope: f64,
    /// Relative fall of the viscosity \[1/degC\].
    viscosity_slope: f64,
    /// Share of the capacity at which the pressure begins to fall \[1\].
    fade_from: f64,
    /// Share of the pressure left when the last drop leaves \[1\].
    fade_to: f64,
    fade_step: u32,
    mean_gain: f64,
    gain: f64,
    blocks: BTreeMap<String, f64>,
}

impl GasPressure {
    /// Driving pressure now \[kPa\].
    fn pressure(&self, chassis: &Chassis) -> f64 {
        let now = chassis.surroundings();
        let warmer = now.temperature - self.normal.temperature;
        let vapour = (self.normal.pressure + self.gauge) * libm::exp(self.vapour_slope * warmer);
        let full = vapour - now.pressure + chassis.overpressure();
        let faded = (1.0 - self.fade_to) * (f64::from(self.fade_step) - 0.5).max(0.0) / f64::from(FADE_STEPS);
        (full * (1.0 - faded)).max(0.0)
    }

    /// Conductance of the restrictor now \[mL/(h kPa)\].
    fn conductance(&self, chassis: &Chassis) -> f64 {
        let warmer = chassis.surroundings().temperature - self.normal.temperature;
        let sound = chassis.disturbed(self.gain) * self.factory_flow / self.gauge;
        let clear = self.blocks.values().fold(1.0, |clear, block| clear / block);
        sound * libm::exp(self.viscosity_slope * warmer) * clear
    }

    fn fade_volume(&self, chassis: &Chassis) -> f64 {
        self.fade_from * chassis.reservoir().size()
    }
}

impl Works for GasPressure {
    const FAMILY: PumpFamily = PumpFamily {
        summary: "propellant and restrictor, one flow set in the factory (as Codman 3000 and Infusaid)",
        faults: &["pump.restrictor_blocked", "pump.overfill", "pump.residual_error"],
        rates: None,
        surroundings: "warmth (about +11 % of flow a degree), altitude and pressure, the catheter's resistance; not to \
                       magnetic fields",
        figures: &["pump.gas.", "pump.overfill.stiffness", "pump.normal."],
        ..PumpFamily::of::<Self>("gas-pressure")
    };

    fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Result<(Self, Equipment), PumpError> {
        let factory_flow = parameters.get("pump.gas.factory_flow") / 24.0;
        let works = Self {
            normal: Surroundings {
                pressure: parameters.get("pump.normal.pressure"),
                temperature: parameters.get("pump.normal.temperature"),
            },
            factory_flow,
            gauge: parameters.get("pump.gas.pressure"),
            vapour_slope: parameters.get("pump.gas.vapour_slope"),
            viscosity_slope: parameters.get("pump.gas.viscosity_slope"),
            fade_from: parameters.get("pump.gas.fade_from"),
            fade_to: parameters.get("pump.gas.fade_to"),
            fade_step: 0,
            mean_gain: parameters.get("pump.gas.gain"),
            gain: setup.device.gain.unwrap_or(1.0),
            blocks: BTreeMap::new(),
        };
        let equipment = Equipment {
            residual: parameters.get("pump.gas.residual"),
            limits: None,
            battery: None,
            fixed_flow: factory_flow,
        };
        Ok((works, equipment))
    }

    fn drive(&self, chassis: &Chassis) -> Drive {
        let pressure = self.pressure(chassis);
        if chassis.reservoir().is_empty() || pressure <= 0.0 {
            return Drive {
                flow: 0.0,
                droop: 0.0,
                max_pressure: pressure,
            };
        }
        let conductance = self.conductance(chassis);
        Drive {
            flow: conductance * pressure,
            droop: conductance,
            max_pressure: pressure,
        }
    }

    fn period(&mut self, now: SimTime, chassis: &Chassis) {
        self.gain = match chassis.fixed_gain() {
            Some(gain) => gain,
            None => (self.mean_gain + chassis.deviation()).max(0.0),
        };
        let (left, fade) = (chassis.reservoir().usable(now), self.fade_volume(chassis));
        self.fade_step = if left > fade || fade <= 0.0 {
            0
        } else {
            // `left` lies between nothing and `fade`.
            let gone = libm::floor((1.0 - left.max(0.0) / fade) * f64::from(FADE_STEPS));
            (gone as u32 + 1).min(FADE_STEPS)
        };
    }

    fn regained(&mut self, now: SimTime, chassis: &Chassis) {
        self.period(now, chassis);
    }

    fn events(&self, chassis: &Chassis, offer: &mut dyn FnMut(Option<SimTime>, PumpEvent, Option<String>)) {
        if self.fade_step < FADE_STEPS && chassis.overpressure() == 0.0 {
            let level = self.fade_volume(chassis) * (1.0 - f64::from(self.fade_step) / f64::from(FADE_STEPS));
            let by = self.blocks.keys().next().cloned();
            offer(chassis.reservoir().level_at(level), PumpEvent::PressureStep, by);
        }
    }

    fn on_event(&mut self, _: SimTime, _: &mut Chassis, event: &PumpEvent, _: &mut Vec<PumpNotice>) -> bool {
        let fades = *event == PumpEvent::PressureStep;
        if fades {
            self.fade_step = (self.fade_step + 1).min(FADE_STEPS);
        }
        fades
    }

    fn disturb(
        &mut self,
        _: SimTime,
        _: &mut Chassis,
        source: &str,
        disturbance: &Disturbance,
        _: &mut Vec<PumpNotice>,
    ) -> Result<bool, PumpError> {
        match disturbance {
            Disturbance::Restrictor { resistance } => {
                if !(*resistance >= 1.0 && resistance.is_finite()) {
                    return Err(PumpError::Value {
                        what: "resistance of the restrictor",
                        value: *resistance,
                        expected: "finite and not below one",
                    });
                }
                self.blocks.insert(source.to_owned(), *resistance);
            }
            // Nothing in it is moved by a magnet.
            Disturbance::MriField { .. } => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn relieve(&mut self, _: SimTime, source: &str, _: &mut Vec<PumpNotice>) {
        self.blocks.remove(source);
    }
}
