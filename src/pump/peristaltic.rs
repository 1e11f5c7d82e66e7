//! The peristaltic family: a rotor that meters volume, as in SynchroMed II and III.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alarm::{Alarm, AlarmName};
use super::battery::Battery;
use super::interface::{NextEvent, Pump, PumpSetup};
use super::messages::{
    Belief, Command, Disturbance, LogEntry, PumpError, PumpEvent, PumpNotice, Refill, RefillReport, Telemetry,
};
use super::registry::PumpFamily;
use super::reservoir::{Reservoir, not_negative, positive};
use super::rotor::Rotor;
use super::schedule::{FlowLimits, Schedule};
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::signals::Drive;

const HOURS_PER_MONTH: f64 = 730.5;

/// Delivered over programmed volume: a mean and fixed effects, each centred so that the
/// two groups lie half the published difference above and below the mean
/// (Neuromodulation 2023;26:1240).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Accuracy {
    fixed: Option<f64>,
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
            fixed: setup.device.gain,
            mean: parameters.get("pump.gain.mean")
                + half("pump.gain.large_effect", large)
                + half("pump.gain.approved_effect", setup.device.approved_drug),
            flex: parameters.get("pump.gain.flex_effect"),
            battery_slope: parameters.get("pump.gain.battery_slope"),
            battery_centre: parameters.get("pump.gain.battery_centre"),
        }
    }

    fn gain(&self, flex: bool, battery_left: f64, deviation: f64) -> f64 {
        match self.fixed {
            Some(gain) => gain,
            None => {
                let mode = self.flex * if flex { 0.5 } else { -0.5 };
                let battery = self.battery_slope * (battery_left / HOURS_PER_MONTH - self.battery_centre);
                (self.mean + mode + battery + deviation).max(0.0)
            }
        }
    }
}

/// A peristaltic pump.
///
/// Flow is positive displacement: it does not depend on the outlet pressure until the
/// rotor slips. A rotor that stands still closes the tube, so nothing flows back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peristaltic {
    schedule: Schedule,
    reservoir: Reservoir,
    battery: Battery,
    rotor: Rotor,
    accuracy: Accuracy,
    gain: f64,
    deviations: BTreeMap<String, f64>,
    over_infusion: BTreeMap<String, f64>,
    memory_errors: BTreeMap<String, bool>,
    safe_state: bool,
    label: f64,
    low_level: f64,
    stop_alarm_after: f64,
    droop: f64,
    max_pressure: f64,
    programmed: f64,
    flow: f64,
    stopped_since: Option<SimTime>,
    seen: SimTime,
    alarms: BTreeMap<AlarmName, Alarm>,
    log: Vec<LogEntry>,
}

impl Peristaltic {
    /// How the registry makes this family.
    pub const FAMILY: PumpFamily = PumpFamily {
        name: "peristaltic",
        summary: "battery-driven rotor that meters volume (as SynchroMed II and III)",
        build: |setup, parameters| Ok(Box::new(Peristaltic::new(setup, parameters)?)),
        restore: |state| {
            Peristaltic::deserialize(state)
                .map(|pump| Box::new(pump) as Box<dyn Pump>)
                .map_err(|e| PumpError::Restore {
                    family: Peristaltic::FAMILY.name.to_owned(),
                    reason: e.to_string(),
                })
        },
    };

    /// A stopped pump, filled as its setup says, which waits for its first programme.
    ///
    /// # Errors
    /// [`PumpError::OverFill`] or [`PumpError::Value`].
    pub fn new(setup: &PumpSetup, parameters: &ParameterSet) -> Result<Self, PumpError> {
        let device = &setup.device;
        positive("label concentration", device.label_concentration)?;
        not_negative("low-reservoir alarm", device.low_reservoir_alarm)?;
        not_negative("dead volume", setup.dead_volume)?;
        not_negative("pump age", device.age)?;
        if let Some(gain) = device.gain {
            not_negative("pump gain", gain)?;
        }
        let mut pump = Self {
            schedule: Schedule::new(setup.start, setup.dead_volume, FlowLimits::new(parameters)),
            reservoir: Reservoir::new(
                setup.start,
                device.reservoir_size,
                device.fill,
                parameters.get("pump.reservoir.residual"),
                device.concentration,
            )?,
            battery: Battery::new(setup.start, device.age, parameters),
            rotor: Rotor::new(parameters),
            accuracy: Accuracy::new(setup, parameters),
            gain: 1.0,
            deviations: BTreeMap::new(),
            over_infusion: BTreeMap::new(),
            memory_errors: BTreeMap::new(),
            safe_state: false,
            label: device.label_concentration,
            low_level: device.low_reservoir_alarm,
            stop_alarm_after: parameters.get("pump.stopped.alarm_after"),
            droop: parameters.get("pump.drive.droop"),
            max_pressure: parameters.get("pump.drive.max_pressure"),
            programmed: 0.0,
            flow: 0.0,
            stopped_since: Some(setup.start),
            seen: setup.start,
            alarms: BTreeMap::new(),
            log: Vec::new(),
        };
        pump.regain(setup.start);
        Ok(pump)
    }

    /// Delivered over programmed volume now, faults included \[1\].
    pub fn gain(&self) -> f64 {
        self.over_infusion
            .values()
            .fold(self.gain, |gain, factor| gain * factor)
    }

    fn regain(&mut self, now: SimTime) {
        let deviation = self.deviations.values().sum();
        self.gain = self
            .accuracy
            .gain(self.schedule.is_flex(), self.battery.left(now), deviation);
    }

    /// Brings all rates in line with the state at `now`. Rates that stay equal touch nothing.
    fn refresh(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) {
        self.update(now, false, out);
    }

    /// The same, where a new programme or fill also starts a new gain.
    fn update(&mut self, now: SimTime, regain: bool, out: &mut Vec<PumpNotice>) {
        self.seen = now;
        let programmed = if self.battery.has_ended() {
            0.0
        } else if self.safe_state {
            self.schedule.limits().idle / 24.0
        } else {
            self.schedule.flow(now, self.label)
        };
        // The gain depends on the battery life left, and that on the new flow.
        self.battery.set_flow(now, programmed);
        if regain {
            self.regain(now);
        }
        let turns = !self.battery.has_ended() && !self.rotor.is_held() && !self.reservoir.is_empty();
        let flow = if turns { programmed * self.gain() } else { 0.0 };
        let outflow = if flow == self.flow {
            self.reservoir.outflow()
        } else {
            flow
        };
        self.reservoir.set_rates(now, outflow, programmed);
        self.rotor.set_flow(now, programmed);
        self.flow = flow;
        if programmed != self.programmed {
            self.programmed = programmed;
            out.push(PumpNotice::RateChanged {
                flow: programmed,
                dose_rate: programmed * self.label,
            });
        }
        self.stopped_since = match (programmed > 0.0, self.stopped_since) {
            (true, _) => None,
            (false, since) => since.or(Some(now)),
        };
        if self.still_since().is_none() {
            self.clear(now, AlarmName::StoppedTooLong, out);
        }
    }

    /// Since when the device knows its rotor to stand still.
    fn still_since(&self) -> Option<SimTime> {
        [self.stopped_since, self.rotor.known_still_since()]
            .into_iter()
            .flatten()
            .min()
    }

    fn note(&mut self, now: SimTime, what: String) {
        self.log.push(LogEntry { at: now, what });
    }

    fn raise(&mut self, now: SimTime, name: AlarmName, critical: bool, out: &mut Vec<PumpNotice>) {
        let alarm = Alarm::new(name, critical);
        if self.alarms.insert(name, alarm) != Some(alarm) {
            self.log.push(LogEntry::of_alarm(now, alarm));
            out.push(PumpNotice::AlarmRaised(alarm));
        }
    }

    fn clear(&mut self, now: SimTime, name: AlarmName, out: &mut Vec<PumpNotice>) {
        if self.alarms.remove(&name).is_some() {
            self.note(now, format!("alarm_cleared.{}", name.as_str()));
            out.push(PumpNotice::AlarmCleared(name));
        }
    }

    fn clear_memory(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) {
        self.safe_state = false;
        self.clear(now, AlarmName::MemoryError, out);
    }

    /// Says whether the rotor was let go or caught since `held` was read.
    fn tell_rotor(&self, held: bool, out: &mut Vec<PumpNotice>) {
        match (held, self.rotor.is_held()) {
            (false, true) => out.push(PumpNotice::Stalled),
            (true, false) => out.push(PumpNotice::Restarted),
            _ => {}
        }
    }

    fn in_service(&self) -> Result<(), PumpError> {
        if self.battery.has_ended() {
            Err(PumpError::OutOfService)
        } else {
            Ok(())
        }
    }

    fn unsupported(what: &str) -> PumpError {
        PumpError::Unsupported {
            family: Self::FAMILY.name.to_owned(),
            what: what.to_owned(),
        }
    }

    /// Enters a label; a dose it puts out of range runs at the end of the range.
    fn enter_label(&mut self, now: SimTime, label: f64, out: &mut Vec<PumpNotice>) {
        if label != self.label {
            self.label = label;
            if let Some(requested) = self.schedule.out_of_range(now, label) {
                out.push(PumpNotice::RateLimited {
                    requested,
                    delivered: self.schedule.flow(now, label),
                });
            }
        }
    }
}

impl Pump for Peristaltic {
    fn family(&self) -> &str {
        Self::FAMILY.name
    }

    fn clone_box(&self) -> Box<dyn Pump> {
        Box::new(self.clone())
    }

    fn save(&self) -> serde_json::Value {
        // Every map is keyed by text and no number is NaN or infinite, so this cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }

    fn drive(&self) -> Drive {
        Drive {
            flow: self.flow,
            droop: self.droop,
            max_pressure: self.max_pressure,
        }
    }

    fn programmed_flow(&self) -> f64 {
        self.programmed
    }

    fn programmed_dose_rate(&self) -> f64 {
        self.programmed * self.label
    }

    fn outlet_concentration(&self) -> f64 {
        self.reservoir.concentration()
    }

    fn set_outflow(&mut self, now: SimTime, outflow: f64) {
        self.reservoir.set_rates(now, outflow, self.programmed);
    }

    fn outflow(&self) -> f64 {
        self.reservoir.outflow()
    }

    fn reservoir_volume(&self, at: SimTime) -> f64 {
        self.reservoir.usable(at)
    }

    fn reservoir_drug(&self, at: SimTime) -> f64 {
        self.reservoir.drug(at)
    }

    fn believed_volume(&self, at: SimTime) -> f64 {
        self.reservoir.believed(at)
    }

    fn delivered_volume(&self, at: SimTime) -> f64 {
        self.reservoir.delivered(at)
    }

    fn delivered_drug(&self, at: SimTime) -> f64 {
        self.reservoir.delivered_drug(at)
    }

    fn next_event(&self) -> Option<NextEvent> {
        let silent = |name: AlarmName| !self.alarms.contains_key(&name) && !self.battery.has_ended();
        let alarm_at = |name: AlarmName, at: Option<SimTime>| at.filter(|_| silent(name));
        let (step, step_source) = match self.schedule.next_change(self.seen, self.label) {
            Some((at, source)) if !self.battery.has_ended() && !self.safe_state => (Some(at), source),
            _ => (None, None),
        };
        let (restart, restart_source) = match self.rotor.restart_at() {
            Some((at, source)) => (Some(at), Some(source)),
            None => (None, None),
        };
        let over = self.over_infusion.keys().next().cloned();
        let held = self.rotor.held_by();
        let stopped = self
            .still_since()
            .and_then(|since| since.due_after(self.stop_alarm_after));
        // In the order in which events of one instant are handled.
        [
            (self.reservoir.empty_at(), PumpEvent::Emptied, over),
            (step, PumpEvent::RateStep, step_source),
            (restart, PumpEvent::MriRestart, restart_source),
            (self.rotor.stall_detected_at(), PumpEvent::StallDetected, held.clone()),
            (self.rotor.recovery_detected_at(), PumpEvent::RecoveryDetected, None),
            (
                alarm_at(AlarmName::LowReservoir, self.reservoir.believed_at(self.low_level)),
                PumpEvent::LowReservoir,
                None,
            ),
            (
                alarm_at(AlarmName::EmptyReservoir, self.reservoir.believed_at(0.0)),
                PumpEvent::EmptyReservoir,
                None,
            ),
            (
                alarm_at(AlarmName::StoppedTooLong, stopped),
                PumpEvent::StoppedTooLong,
                held,
            ),
            (self.battery.indicator_at(), PumpEvent::ReplacementDue, None),
            (self.battery.end_at(), PumpEvent::EndOfService, None),
        ]
        .into_iter()
        .filter_map(|(at, event, source)| {
            at.map(|at| NextEvent {
                at: at.max(self.seen),
                event,
                source,
            })
        })
        .min_by_key(|next| next.at)
    }

    fn on_event(&mut self, now: SimTime, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        match event {
            PumpEvent::Emptied => {
                self.reservoir.mark_empty(now);
                out.push(PumpNotice::Emptied);
            }
            PumpEvent::RateStep => {}
            PumpEvent::MriRestart => {
                let held = self.rotor.is_held();
                self.rotor.restart(now);
                self.tell_rotor(held, out);
            }
            PumpEvent::StallDetected => {
                self.rotor.detect_stall();
                self.raise(now, AlarmName::MotorStall, true, out);
            }
            PumpEvent::RecoveryDetected => {
                self.rotor.detect_recovery();
                self.clear(now, AlarmName::MotorStall, out);
            }
            PumpEvent::LowReservoir => self.raise(now, AlarmName::LowReservoir, false, out),
            PumpEvent::EmptyReservoir => self.raise(now, AlarmName::EmptyReservoir, true, out),
            PumpEvent::StoppedTooLong => self.raise(now, AlarmName::StoppedTooLong, true, out),
            PumpEvent::ReplacementDue => {
                self.battery.indicate(now);
                self.raise(now, AlarmName::Eri, false, out);
            }
            PumpEvent::EndOfService => {
                self.battery.end();
                self.raise(now, AlarmName::EndOfService, true, out);
                out.push(PumpNotice::ServiceEnded);
            }
            PumpEvent::Custom(name) => return Err(Self::unsupported(name)),
        }
        self.refresh(now, out);
        Ok(())
    }

    fn command(&mut self, now: SimTime, command: &Command, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        let mut regain = false;
        match command {
            Command::Programme { id, mode } => {
                self.in_service()?;
                self.schedule.programme(now, id, mode, self.label)?;
                self.note(now, format!("programme.{id}"));
                self.clear_memory(now, out);
                regain = true;
            }
            Command::ScaleDose { id, factor } => {
                self.in_service()?;
                self.schedule.scale(id, *factor, self.label)?;
                self.note(now, format!("programme.{id}"));
                self.clear_memory(now, out);
            }
            Command::SetLabel { concentration } => {
                self.in_service()?;
                positive("label concentration", *concentration)?;
                self.enter_label(now, *concentration, out);
            }
            Command::Interrogate => {}
        }
        // Any session with the programmer takes the pump out of telemetry mode.
        let held = self.rotor.is_held();
        self.rotor.answer(now);
        self.tell_rotor(held, out);
        self.update(now, regain, out);
        Ok(())
    }

    fn refill(&mut self, now: SimTime, refill: &Refill, out: &mut Vec<PumpNotice>) -> Result<RefillReport, PumpError> {
        positive("label concentration", refill.label)?;
        let report = self.reservoir.refill(now, refill)?;
        self.note(now, "refill".to_owned());
        self.enter_label(now, refill.label, out);
        for (name, level) in [
            (AlarmName::LowReservoir, self.low_level),
            (AlarmName::EmptyReservoir, 0.0),
        ] {
            if self.reservoir.believed(now) > level {
                self.clear(now, name, out);
            }
        }
        self.update(now, true, out);
        Ok(report)
    }

    fn disturb(
        &mut self,
        now: SimTime,
        source: &str,
        disturbance: &Disturbance,
        out: &mut Vec<PumpNotice>,
    ) -> Result<(), PumpError> {
        let held = self.rotor.is_held();
        match disturbance {
            Disturbance::Stall => self.rotor.stall(now, source),
            Disturbance::MriField { field, restart_delay } => {
                not_negative("time in the field", field.unwrap_or(0.0))?;
                not_negative("restart delay", *restart_delay)?;
                self.rotor.magnet(now, source, *field, *restart_delay);
            }
            Disturbance::TelemetryHang => self.rotor.hang(now, source),
            Disturbance::OverInfusion { gain } => {
                not_negative("fault gain", *gain)?;
                self.over_infusion.insert(source.to_owned(), *gain);
            }
            Disturbance::GainDeviation { deviation } => {
                if !deviation.is_finite() {
                    return Err(PumpError::Value {
                        what: "gain deviation",
                        value: *deviation,
                        expected: "finite",
                    });
                }
                self.deviations.insert(source.to_owned(), *deviation);
                self.regain(now);
            }
            Disturbance::MemoryError { critical } => {
                // The damage is done once; sending it again does not undo a reprogramming.
                if self.memory_errors.insert(source.to_owned(), *critical).is_none() && !self.battery.has_ended() {
                    self.safe_state |= critical;
                    self.raise(now, AlarmName::MemoryError, self.safe_state, out);
                }
            }
            Disturbance::Custom { name, .. } => return Err(Self::unsupported(name)),
        }
        self.tell_rotor(held, out);
        self.refresh(now, out);
        Ok(())
    }

    fn relieve(&mut self, now: SimTime, source: &str, out: &mut Vec<PumpNotice>) {
        let held = self.rotor.is_held();
        self.rotor.relieve(now, source);
        self.over_infusion.remove(source);
        if self.deviations.remove(source).is_some() {
            self.regain(now);
        }
        if self.memory_errors.remove(source).is_some() && self.memory_errors.is_empty() {
            self.clear_memory(now, out);
        }
        self.tell_rotor(held, out);
        self.refresh(now, out);
    }

    fn belief(&self, at: SimTime) -> Belief {
        let volume = self.reservoir.believed(at);
        Belief {
            reservoir_volume: volume,
            counted_volume: self.reservoir.counted(at),
            low_reservoir_in: (self.programmed > 0.0).then(|| ((volume - self.low_level) / self.programmed).max(0.0)),
            service_left: self.battery.left(at),
        }
    }

    fn telemetry(&self, at: SimTime) -> Telemetry {
        let belief = self.belief(at);
        Telemetry {
            flow: self.programmed,
            dose_rate: self.programmed_dose_rate(),
            label_concentration: self.label,
            reservoir_volume: belief.reservoir_volume,
            low_reservoir_in: belief.low_reservoir_in,
            battery_left: belief.service_left,
            alarms: self.alarms.values().copied().collect(),
            log: self.log.clone(),
        }
    }
}
