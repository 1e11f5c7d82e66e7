//! The peristaltic family: a rotor that meters volume, as in SynchroMed II and III.

use serde::{Deserialize, Serialize};

use super::alarm::AlarmName;
use super::battery::Battery;
use super::chassis::{Chassis, Equipment};
use super::device::Works;
use super::interface::PumpSetup;
use super::messages::{Disturbance, PumpError, PumpEvent, PumpNotice};
use super::registry::PumpFamily;
use super::reservoir::not_negative;
use super::rotor::Rotor;
use super::schedule::FlowLimits;
use super::tally::Tally;
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::signals::{Drive, Surroundings};

const HOURS_PER_MONTH: f64 = 730.5;

/// Delivered over programmed volume: a mean and fixed effects, each centred so that the
/// two groups lie half the published difference above and below the mean
/// (Neuromodulation 2023;26:1240).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Accuracy {
    mean: f64,
    flex: f64,
    battery_slope: f64,
    battery_centre: f64,
}

impl Accuracy {
    fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Self {
        let half = |key: &str, holds: bool| parameters.get(key) * if holds { 0.5 } else { -0.5 };
        let large = setup.device.reservoir_size >= parameters.get("pump.gain.large_from");
        Self {
            mean: parameters.get("pump.gain.mean")
                + half("pump.gain.large_effect", large)
                + half("pump.gain.approved_effect", setup.device.approved_drug),
            flex: parameters.get("pump.gain.flex_effect"),
            battery_slope: parameters.get("pump.gain.battery_slope"),
            battery_centre: parameters.get("pump.gain.battery_centre"),
        }
    }

    fn gain(&self, flex: bool, battery_left: f64, deviation: f64) -> f64 {
        let mode = self.flex * if flex { 0.5 } else { -0.5 };
        let battery = self.battery_slope * (battery_left / HOURS_PER_MONTH - self.battery_centre);
        (self.mean + mode + battery + deviation).max(0.0)
    }
}

/// What pressure outside does to the reservoir (Akman 1994; manufacturer's limits).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hyperbaric {
    /// Pressure at sea level \[kPa\].
    normal: f64,
    /// Absolute pressure above which the bottom shield gives way \[kPa\].
    limit: f64,
    /// Capacity lost for each kilopascal beyond \[mL/kPa\].
    dent: f64,
    /// Room in the reservoir above which fluid is drawn back \[mL\].
    margin: f64,
    /// Flow back for each kilopascal above sea level \[mL/(h kPa)\].
    conductance: f64,
    /// Flow back now, before what the rotor brings forward \[mL/h\].
    back: f64,
    /// What has come back and is not yet in the reservoir.
    drawn: Tally,
    /// Capacity lost so far, so that the same pressure dents once \[mL\].
    lost: f64,
}

/// The works of a peristaltic pump.
///
/// Flow is positive displacement: it does not depend on the outlet pressure until the
/// rotor slips. A rotor that stands still closes the tube, so nothing flows back, but for a
/// half-empty reservoir under high outside pressure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peristaltic {
    rotor: Rotor,
    accuracy: Accuracy,
    gain: f64,
    droop: f64,
    max_pressure: f64,
    bypass: f64,
    hyperbaric: Hyperbaric,
}

impl Peristaltic {
    /// What the rotor brings forward, with what an overfilled reservoir presses past it \[mL/h\].
    fn forward(&self, chassis: &Chassis) -> f64 {
        let flow = if chassis.can_deliver() && !self.rotor.is_held() {
            chassis.programmed() * chassis.disturbed(self.gain)
        } else {
            0.0
        };
        let pressed = self.bypass * chassis.overpressure();
        if pressed > 0.0 { flow + pressed } else { flow }
    }

    /// Says whether the rotor was let go or caught since `held` was read.
    fn tell(&self, held: bool, out: &mut Vec<PumpNotice>) {
        match (held, self.rotor.is_held()) {
            (false, true) => out.push(PumpNotice::Stalled),
            (true, false) => out.push(PumpNotice::Restarted),
            _ => {}
        }
    }
}

impl Works for Peristaltic {
    const FAMILY: PumpFamily = PumpFamily {
        summary: "battery-driven rotor that meters volume (as SynchroMed II and III)",
        faults: &[
            "pump.stall",
            "pump.mri_stall",
            "pump.over_infusion",
            "pump.memory_error",
            "pump.telemetry_hang",
            "pump.wear_stall",
            "pump.corrosion_stall",
            "pump.short",
            "pump.particle_stall",
            "pump.battery_early",
            "pump.battery_reset",
            "pump.overfill",
            "pump.residual_error",
        ],
        rates: Some(("scenario.rate.lowest", "scenario.rate.highest")),
        surroundings: "magnetic field (the rotor stops), high pressure (a part-empty reservoir draws spinal fluid back, \
                       above the limit it is dented); not to warmth or altitude",
        figures: &[
            "pump.rate.",
            "pump.flex.",
            "pump.priming.",
            "pump.reservoir.",
            "pump.gain.",
            "pump.drive.",
            "pump.stall.",
            "pump.stopped.",
            "pump.battery.",
            "pump.overfill.",
            "pump.hyperbaric.",
        ],
        ..PumpFamily::of::<Self>("peristaltic")
    };

    fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Result<(Self, Equipment), PumpError> {
        let works = Self {
            rotor: Rotor::new(parameters),
            accuracy: Accuracy::new(setup, parameters),
            gain: 1.0,
            droop: parameters.get("pump.drive.droop"),
            max_pressure: parameters.get("pump.drive.max_pressure"),
            bypass: parameters.get("pump.overfill.bypass"),
            hyperbaric: Hyperbaric {
                normal: parameters.get("pump.normal.pressure"),
                limit: parameters.get("pump.hyperbaric.limit"),
                dent: parameters.get("pump.hyperbaric.dent"),
                margin: parameters.get("pump.hyperbaric.margin"),
                conductance: parameters.get("pump.hyperbaric.backflow"),
                back: 0.0,
                drawn: Tally::new(setup.start),
                lost: 0.0,
            },
        };
        let equipment = Equipment {
            residual: parameters.get("pump.reservoir.residual"),
            limits: Some(FlowLimits::new(parameters)),
            battery: Some(Battery::new(setup.start, setup.device.age, parameters)),
            fixed_flow: 0.0,
        };
        Ok((works, equipment))
    }

    fn drive(&self, chassis: &Chassis) -> Drive {
        let forward = self.forward(chassis);
        let back = self.hyperbaric.back;
        Drive {
            flow: if back > 0.0 { (forward - back).max(0.0) } else { forward },
            droop: self.droop,
            max_pressure: self.max_pressure,
        }
    }

    fn period(&mut self, now: SimTime, chassis: &Chassis) {
        let left = chassis.battery_left(now).unwrap_or(0.0);
        self.gain = match chassis.fixed_gain() {
            Some(gain) => gain,
            None => self.accuracy.gain(chassis.is_flex(), left, chassis.deviation()),
        };
    }

    fn paced(&mut self, now: SimTime, chassis: &Chassis) {
        self.rotor.set_flow(now, chassis.programmed());
        let net = self.hyperbaric.back - self.forward(chassis);
        self.hyperbaric.drawn.set_rate(now, net.max(0.0));
    }

    fn known_still(&self) -> Option<SimTime> {
        self.rotor.known_still_since()
    }

    fn is_deaf(&self, now: SimTime) -> bool {
        self.rotor.is_deaf(now)
    }

    fn held_by(&self) -> Option<String> {
        self.rotor.held_by()
    }

    fn events(&self, _: &Chassis, offer: &mut dyn FnMut(Option<SimTime>, PumpEvent, Option<String>)) {
        if let Some((at, source)) = self.rotor.restart_at() {
            offer(Some(at), PumpEvent::MriRestart, Some(source));
        }
        offer(
            self.rotor.stall_detected_at(),
            PumpEvent::StallDetected,
            self.rotor.held_by(),
        );
        offer(self.rotor.recovery_detected_at(), PumpEvent::RecoveryDetected, None);
    }

    fn on_event(&mut self, now: SimTime, chassis: &mut Chassis, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> bool {
        match event {
            PumpEvent::MriRestart => {
                let held = self.rotor.is_held();
                self.rotor.restart(now);
                self.tell(held, out);
            }
            PumpEvent::StallDetected => {
                self.rotor.detect_stall();
                chassis.raise(now, AlarmName::MotorStall, true, out);
            }
            PumpEvent::RecoveryDetected => {
                self.rotor.detect_recovery();
                chassis.clear(now, AlarmName::MotorStall, out);
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
        let held = self.rotor.is_held();
        match disturbance {
            Disturbance::Stall => self.rotor.stall(now, source),
            Disturbance::MriField { field, restart_delay } => {
                not_negative("time in the field", field.unwrap_or(0.0))?;
                not_negative("restart delay", *restart_delay)?;
                self.rotor.magnet(now, source, *field, *restart_delay);
            }
            Disturbance::TelemetryHang => self.rotor.hang(now, source),
            _ => return Ok(false),
        }
        self.tell(held, out);
        Ok(true)
    }

    fn relieve(&mut self, now: SimTime, source: &str, out: &mut Vec<PumpNotice>) {
        let held = self.rotor.is_held();
        self.rotor.relieve(now, source);
        self.tell(held, out);
    }

    /// Any session takes the pump out of telemetry mode.
    fn answer(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) {
        let held = self.rotor.is_held();
        self.rotor.answer(now);
        self.tell(held, out);
    }

    fn surrounded(
        &mut self,
        now: SimTime,
        chassis: &mut Chassis,
        surroundings: Surroundings,
        out: &mut Vec<PumpNotice>,
    ) -> f64 {
        let h = &mut self.hyperbaric;
        let room = |chassis: &Chassis| chassis.reservoir().size() - chassis.reservoir().usable(now);
        let drawn = h.drawn.total(now).min(room(chassis).max(0.0));
        h.drawn = Tally::new(now);
        let dent = (h.dent * (surroundings.pressure - h.limit)).max(0.0);
        if dent > h.lost {
            let lost = dent - h.lost;
            h.lost = dent;
            chassis.shrink(now, lost);
            out.push(PumpNotice::Deformed { lost });
        }
        h.back = if room(chassis) - drawn > h.margin {
            h.conductance * (surroundings.pressure - h.normal).max(0.0)
        } else {
            0.0
        };
        drawn
    }
}
