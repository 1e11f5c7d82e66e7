//! What every pump has, whatever moves the drug: a reservoir, perhaps a programme and a
//! battery, a label, alarms, a log, and the disturbances that strike all of these alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::alarm::{Alarm, AlarmName};
use super::battery::Battery;
use super::handset::Refusal;
use super::interface::PumpSetup;
use super::messages::{
    Belief, Disturbance, LogEntry, PumpError, PumpEvent, PumpNotice, Refill, RefillReport, Telemetry,
};
use super::reservoir::{Reservoir, not_negative, positive};
use super::schedule::{FlowLimits, Schedule};
use crate::engine::SimTime;
use crate::parameters::ParameterSet;
use crate::signals::{Others, Surroundings};

/// Steps in which the pressure of an overfilled reservoir falls to normal.
const RELIEF_STEPS: u32 = 8;

/// What a family chooses for its chassis.
#[derive(Debug, Clone, PartialEq)]
pub struct Equipment {
    /// Volume that can be neither pumped nor aspirated \[mL\].
    pub residual: f64,
    /// Flows of its programmer; `None` for a pump that cannot be programmed.
    pub limits: Option<FlowLimits>,
    /// Its battery; a pump without one has no electronics, so no alarm either.
    pub battery: Option<Battery>,
    /// Flow by which a pump without a programmer is reckoned \[mL/h\].
    pub fixed_flow: f64,
}

/// The pressure of an overfilled reservoir, as a staircase over the excess volume.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Overfull {
    excess: f64,
    step: u32,
}

/// The parts that families share. A family reads them, and leaves their care to the
/// [`Device`](super::Device) around both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chassis {
    reservoir: Reservoir,
    schedule: Option<Schedule>,
    battery: Option<Battery>,
    fixed_flow: f64,
    fixed_gain: Option<f64>,
    label: f64,
    low_level: f64,
    stop_alarm_after: f64,
    programmed: f64,
    stopped_since: Option<SimTime>,
    seen: SimTime,
    safe_state: bool,
    surroundings: Surroundings,
    /// Kilopascals of pressure for each millilitre beyond capacity.
    stiffness: f64,
    overfull: Option<Overfull>,
    deviations: BTreeMap<String, f64>,
    factors: BTreeMap<String, f64>,
    upsets: BTreeMap<String, bool>,
    drains: BTreeMap<String, f64>,
    trapped: BTreeMap<String, f64>,
    forced: BTreeMap<String, f64>,
    alarms: BTreeMap<AlarmName, Alarm>,
    log: Arc<Vec<LogEntry>>,
}

/// What the chassis made of a disturbance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    /// It is the family's to know.
    No,
    /// Done.
    Yes,
    /// Done, and the gain of this refill period must be worked out again.
    NewGain,
}

impl Chassis {
    /// A stopped pump, filled as its setup says, which waits for its first programme.
    ///
    /// # Errors
    /// [`PumpError::OverFill`] or [`PumpError::Value`].
    pub fn new(setup: &PumpSetup, equipment: Equipment, parameters: &ParameterSet) -> Result<Self, PumpError> {
        let device = &setup.device;
        positive("label concentration", device.label_concentration)?;
        not_negative("low-reservoir alarm", device.low_reservoir_alarm)?;
        not_negative("dead volume", setup.dead_volume)?;
        not_negative("pump age", device.age)?;
        if let Some(gain) = device.gain {
            not_negative("pump gain", gain)?;
        }
        let mut reservoir = Reservoir::new(
            setup.start,
            device.reservoir_size,
            device.fill,
            equipment.residual,
            device.concentration,
        )?;
        reservoir.dissolve(device.others)?;
        Ok(Self {
            reservoir,
            schedule: equipment
                .limits
                .map(|limits| Schedule::new(setup.start, setup.dead_volume, limits)),
            battery: equipment.battery,
            fixed_flow: equipment.fixed_flow,
            fixed_gain: device.gain,
            label: device.label_concentration,
            low_level: device.low_reservoir_alarm,
            stop_alarm_after: parameters.get("pump.stopped.alarm_after"),
            programmed: 0.0,
            stopped_since: Some(setup.start),
            seen: setup.start,
            safe_state: false,
            surroundings: Surroundings {
                pressure: parameters.get("pump.normal.pressure"),
                temperature: parameters.get("pump.normal.temperature"),
            },
            stiffness: parameters.get("pump.overfill.stiffness"),
            overfull: None,
            deviations: BTreeMap::new(),
            factors: BTreeMap::new(),
            upsets: BTreeMap::new(),
            drains: BTreeMap::new(),
            trapped: BTreeMap::new(),
            forced: BTreeMap::new(),
            alarms: BTreeMap::new(),
            log: Arc::default(),
        })
    }

    /// What the reservoir holds.
    pub fn reservoir(&self) -> &Reservoir {
        &self.reservoir
    }

    /// Flow the device means to deliver \[mL/h\].
    pub fn programmed(&self) -> f64 {
        self.programmed
    }

    /// Concentration entered \[ug/mL\].
    pub fn label(&self) -> f64 {
        self.label
    }

    /// Air and warmth around the pump.
    pub fn surroundings(&self) -> Surroundings {
        self.surroundings
    }

    /// Whether a flex programme runs.
    pub fn is_flex(&self) -> bool {
        self.schedule.as_ref().is_some_and(Schedule::is_flex)
    }

    /// Whether the electronics, where there are any, still work.
    pub fn in_service(&self) -> bool {
        !self.battery.as_ref().is_some_and(Battery::has_ended)
    }

    /// Whether there is power and something to deliver.
    pub fn can_deliver(&self) -> bool {
        self.in_service() && !self.reservoir.is_empty()
    }

    /// Battery life left at the present flow \[h\]; `None` without a battery.
    pub fn battery_left(&self, at: SimTime) -> Option<f64> {
        self.battery.as_ref().map(|battery| battery.left(at))
    }

    /// Gain that the scenario fixes; `None` leaves it to the family \[1\].
    pub fn fixed_gain(&self) -> Option<f64> {
        self.fixed_gain
    }

    /// This refill period's luck, to be added to a mean gain \[1\].
    pub fn deviation(&self) -> f64 {
        self.deviations.values().sum()
    }

    /// A gain with the factors of all faults on it \[1\].
    pub fn disturbed(&self, gain: f64) -> f64 {
        self.factors.values().fold(gain, |gain, factor| gain * factor)
    }

    /// Pressure in the reservoir above its usual one, because it is overfilled \[kPa\].
    pub fn overpressure(&self) -> f64 {
        self.overfull.map_or(0.0, |o| {
            let left = 1.0 - (f64::from(o.step) + 0.5) / f64::from(RELIEF_STEPS);
            self.stiffness * o.excess * left
        })
    }

    /// Writes a line into the pump's log, if it keeps one.
    pub fn note(&mut self, now: SimTime, what: impl Into<String>) {
        if self.battery.is_some() {
            self.write(LogEntry {
                at: now,
                what: what.into(),
            });
        }
    }

    fn write(&mut self, line: LogEntry) {
        Arc::make_mut(&mut self.log).push(line);
    }

    /// Raises an alarm; one that sounds already stays as it is. A pump without electronics
    /// has none.
    pub fn raise(&mut self, now: SimTime, name: AlarmName, critical: bool, out: &mut Vec<PumpNotice>) {
        let alarm = Alarm::new(name, critical);
        if self.battery.is_some() && self.alarms.insert(name, alarm) != Some(alarm) {
            self.write(LogEntry::of_alarm(now, alarm));
            out.push(PumpNotice::AlarmRaised(alarm));
        }
    }

    /// Ends an alarm, if it sounds.
    pub fn clear(&mut self, now: SimTime, name: AlarmName, out: &mut Vec<PumpNotice>) {
        if self.alarms.remove(&name).is_some() {
            self.note(now, format!("alarm_cleared.{}", name.as_str()));
            out.push(PumpNotice::AlarmCleared(name));
        }
    }

    /// Takes capacity away for good, as a dent does; what is left over stands under pressure \[mL\].
    pub fn shrink(&mut self, now: SimTime, lost: f64) {
        self.reservoir.set_size((self.reservoir.size() - lost).max(0.0));
        self.press(now);
    }

    /// Looks whether more is inside than fits.
    fn press(&mut self, now: SimTime) {
        let excess = self.reservoir.usable(now) - self.reservoir.size();
        self.overfull = (excess > 1e-9 * self.reservoir.size()).then_some(Overfull { excess, step: 0 });
    }

    /// When the pressure of an overfilled reservoir falls by a step.
    fn relief_at(&self) -> Option<SimTime> {
        let o = self.overfull?;
        let share = 1.0 - f64::from(o.step + 1) / f64::from(RELIEF_STEPS);
        self.reservoir.level_at(self.reservoir.size() + o.excess * share)
    }

    pub(super) fn set_surroundings(&mut self, surroundings: Surroundings) {
        self.surroundings = surroundings;
    }

    /// Says whether there was room.
    pub(super) fn take_back(&mut self, now: SimTime, volume: f64, drug: f64, others: Others) -> bool {
        let room = self.reservoir.usable(now) + volume <= self.reservoir.size() * (1.0 + 1e-9);
        if room {
            self.reservoir.take_in(now, volume, drug, others);
        }
        room
    }

    /// Brings programme and battery to `now`, which comes first in every change.
    pub(super) fn begin(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) {
        self.seen = now;
        let programmed = match &self.schedule {
            _ if !self.in_service() => 0.0,
            None => self.fixed_flow,
            Some(schedule) if self.safe_state => schedule.limits().idle / 24.0,
            Some(schedule) => schedule.flow(now, self.label),
        };
        if let Some(battery) = &mut self.battery {
            battery.set_flow(now, programmed);
        }
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
    }

    /// Takes over the flow that leaves.
    pub(super) fn set_outflow(&mut self, now: SimTime, outflow: f64) {
        self.reservoir.set_rates(now, outflow, self.programmed);
    }

    /// Ends the alarm about standing still, where nothing stands still any more.
    pub(super) fn settle_stopped(&mut self, now: SimTime, known_still: Option<SimTime>, out: &mut Vec<PumpNotice>) {
        if self.still_since(known_still).is_none() {
            self.clear(now, AlarmName::StoppedTooLong, out);
        }
    }

    /// Since when the device knows that it delivers nothing.
    fn still_since(&self, known_still: Option<SimTime>) -> Option<SimTime> {
        [self.stopped_since, known_still].into_iter().flatten().min()
    }

    /// Events that go before those of the family at one instant.
    pub(super) fn first_events(&self, offer: &mut dyn FnMut(Option<SimTime>, PumpEvent, Option<String>)) {
        let hastened = || {
            [&self.factors, &self.trapped, &self.forced]
                .into_iter()
                .find_map(|map| map.keys().next().cloned())
        };
        offer(self.reservoir.empty_at(), PumpEvent::Emptied, hastened());
        if self.overfull.is_some() {
            offer(self.relief_at(), PumpEvent::PressureStep, hastened());
        }
        let running = self.in_service() && !self.safe_state;
        if let Some((at, source)) = self
            .schedule
            .as_ref()
            .filter(|_| running)
            .and_then(|s| s.next_change(self.seen, self.label))
        {
            offer(Some(at), PumpEvent::RateStep, source);
        }
    }

    /// Events that go after those of the family at one instant.
    pub(super) fn last_events(
        &self,
        known_still: Option<SimTime>,
        held: Option<String>,
        offer: &mut dyn FnMut(Option<SimTime>, PumpEvent, Option<String>),
    ) {
        let Some(battery) = &self.battery else { return };
        let silent = |name: AlarmName| !self.alarms.contains_key(&name) && !battery.has_ended();
        let alarm_at = |name: AlarmName, at: Option<SimTime>| at.filter(|_| silent(name));
        let stopped = self
            .still_since(known_still)
            .and_then(|since| since.due_after(self.stop_alarm_after));
        let drained = self.drains.keys().next().cloned();
        offer(
            alarm_at(AlarmName::LowReservoir, self.reservoir.believed_at(self.low_level)),
            PumpEvent::LowReservoir,
            None,
        );
        offer(
            alarm_at(AlarmName::EmptyReservoir, self.reservoir.believed_at(0.0)),
            PumpEvent::EmptyReservoir,
            None,
        );
        offer(
            alarm_at(AlarmName::StoppedTooLong, stopped),
            PumpEvent::StoppedTooLong,
            held,
        );
        offer(battery.indicator_at(), PumpEvent::ReplacementDue, drained.clone());
        offer(battery.end_at(), PumpEvent::EndOfService, drained);
    }

    /// Never before the last change.
    pub(super) fn not_before_seen(&self, at: SimTime) -> SimTime {
        at.max(self.seen)
    }

    /// Handles an event of the chassis and says whether it was one.
    pub(super) fn on_event(&mut self, now: SimTime, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> bool {
        match event {
            PumpEvent::Started | PumpEvent::RateStep => {}
            PumpEvent::Emptied => {
                self.reservoir.mark_empty(now);
                out.push(PumpNotice::Emptied);
            }
            PumpEvent::PressureStep => match &mut self.overfull {
                Some(o) if o.step + 1 < RELIEF_STEPS => o.step += 1,
                Some(_) => self.overfull = None,
                None => return false,
            },
            PumpEvent::LowReservoir => self.raise(now, AlarmName::LowReservoir, false, out),
            PumpEvent::EmptyReservoir => self.raise(now, AlarmName::EmptyReservoir, true, out),
            PumpEvent::StoppedTooLong => self.raise(now, AlarmName::StoppedTooLong, true, out),
            PumpEvent::ReplacementDue => {
                if let Some(battery) = &mut self.battery {
                    battery.indicate(now);
                }
                self.raise(now, AlarmName::Eri, false, out);
            }
            PumpEvent::EndOfService => {
                if let Some(battery) = &mut self.battery {
                    battery.end();
                }
                self.raise(now, AlarmName::EndOfService, true, out);
                out.push(PumpNotice::ServiceEnded);
            }
            _ => return false,
        }
        true
    }

    /// The programmer of a pump that has one and is in service.
    ///
    /// # Errors
    /// [`PumpError::NoProgramme`] or [`PumpError::OutOfService`].
    fn programmer(&mut self, family: &str) -> Result<&mut Schedule, PumpError> {
        let in_service = self.in_service();
        match &mut self.schedule {
            None => Err(PumpError::NoProgramme {
                family: family.to_owned(),
            }),
            Some(_) if !in_service => Err(PumpError::OutOfService),
            Some(schedule) => Ok(schedule),
        }
    }

    pub(super) fn is_programmable(&self) -> bool {
        self.schedule.is_some()
    }

    pub(super) fn programme(
        &mut self,
        family: &str,
        now: SimTime,
        id: &str,
        set: impl FnOnce(&mut Schedule, f64) -> Result<(), PumpError>,
        out: &mut Vec<PumpNotice>,
    ) -> Result<(), PumpError> {
        let label = self.label;
        set(self.programmer(family)?, label)?;
        self.note(now, format!("programme.{id}"));
        self.clear_upset(now, out);
        Ok(())
    }

    /// The patient asks for a bolus; gives its dose \[ug\].
    ///
    /// # Errors
    /// Why it is refused.
    pub(super) fn demand(&mut self, now: SimTime, id: &str, known_still: Option<SimTime>) -> Result<f64, Refusal> {
        let label = self.label;
        let answer = if !self.in_service() {
            Err(Refusal::OutOfService)
        } else if self.safe_state {
            Err(Refusal::Upset)
        } else if known_still.is_some() {
            Err(Refusal::Still)
        } else if self.alarms.contains_key(&AlarmName::EmptyReservoir) {
            Err(Refusal::Empty)
        } else {
            match &mut self.schedule {
                Some(schedule) => schedule.demand(now, id, label),
                None => Err(Refusal::NotAllowed),
            }
        };
        match answer {
            Ok(_) => self.note(now, "patient_bolus"),
            Err(Refusal::OutOfService | Refusal::NotAllowed) => {}
            Err(_) => self.note(now, "patient_bolus_refused"),
        }
        answer
    }

    pub(super) fn set_label(&mut self, now: SimTime, label: f64, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        if !self.in_service() {
            return Err(PumpError::OutOfService);
        }
        positive("label concentration", label)?;
        self.enter_label(now, label, out);
        Ok(())
    }

    /// Enters a label; a dose it puts out of range runs at the end of the range.
    fn enter_label(&mut self, now: SimTime, label: f64, out: &mut Vec<PumpNotice>) {
        if label == self.label {
            return;
        }
        self.label = label;
        if let Some(schedule) = &self.schedule
            && let Some(requested) = schedule.out_of_range(now, label)
        {
            out.push(PumpNotice::RateLimited {
                requested,
                delivered: schedule.flow(now, label),
            });
        }
    }

    pub(super) fn set_volume(&mut self, now: SimTime, volume: f64, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        if !self.in_service() {
            return Err(PumpError::OutOfService);
        }
        self.reservoir.enter(now, volume)?;
        self.clear_levels(now, out);
        Ok(())
    }

    /// Ends the alarms of levels that the computed volume is above again.
    fn clear_levels(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) {
        for (name, level) in [
            (AlarmName::LowReservoir, self.low_level),
            (AlarmName::EmptyReservoir, 0.0),
        ] {
            if self.reservoir.believed(now) > level {
                self.clear(now, name, out);
            }
        }
    }

    pub(super) fn refill(
        &mut self,
        now: SimTime,
        refill: &Refill,
        out: &mut Vec<PumpNotice>,
    ) -> Result<RefillReport, PumpError> {
        positive("label concentration", refill.label)?;
        let forced = self.forced.values().copied().fold(0.0, f64::max);
        let report = self.reservoir.refill(now, refill, forced)?;
        self.note(now, "refill");
        self.enter_label(now, refill.label, out);
        self.clear_levels(now, out);
        self.reservoir.trap(now, self.trapped.values().sum());
        self.press(now);
        Ok(report)
    }

    /// Ends what a damaged memory or a reset left behind.
    fn clear_upset(&mut self, now: SimTime, out: &mut Vec<PumpNotice>) {
        self.safe_state = false;
        self.clear(now, AlarmName::MemoryError, out);
        self.clear(now, AlarmName::PumpReset, out);
    }

    pub(super) fn disturb(
        &mut self,
        now: SimTime,
        source: &str,
        disturbance: &Disturbance,
        out: &mut Vec<PumpNotice>,
    ) -> Result<Took, PumpError> {
        let source = source.to_owned();
        match disturbance {
            Disturbance::OverInfusion { gain } => {
                not_negative("fault gain", *gain)?;
                self.factors.insert(source, *gain);
            }
            Disturbance::GainDeviation { deviation } => {
                if !deviation.is_finite() {
                    return Err(PumpError::Value {
                        what: "gain deviation",
                        value: *deviation,
                        expected: "finite",
                    });
                }
                self.deviations.insert(source, *deviation);
                return Ok(Took::NewGain);
            }
            Disturbance::MemoryError { critical } if self.battery.is_some() => {
                // The damage is done once; sending it again does not undo a reprogramming.
                if self.upsets.insert(source, *critical).is_none() && self.in_service() {
                    self.safe_state |= critical;
                    self.raise(now, AlarmName::MemoryError, self.safe_state, out);
                }
            }
            Disturbance::LowRateReset if self.battery.is_some() => {
                if self.upsets.insert(source, true).is_none() && self.in_service() {
                    self.safe_state = true;
                    self.raise(now, AlarmName::PumpReset, true, out);
                }
            }
            Disturbance::BatteryDrain { factor } if self.battery.is_some() => {
                not_negative("battery drain", *factor)?;
                self.drains.insert(source, *factor);
                self.drain(now);
            }
            Disturbance::TrappedVolume { volume } => {
                not_negative("trapped volume", *volume)?;
                self.trapped.insert(source, *volume);
                self.reservoir.trap(now, self.trapped.values().sum());
            }
            Disturbance::ForcedFill { volume } => {
                not_negative("forced volume", *volume)?;
                self.forced.insert(source, *volume);
            }
            _ => return Ok(Took::No),
        }
        Ok(Took::Yes)
    }

    fn drain(&mut self, now: SimTime) {
        let factor = self.drains.values().product();
        if let Some(battery) = &mut self.battery {
            battery.set_drain(now, factor);
        }
    }

    /// Ends what goes on under a name, and says whether the gain must be worked out again.
    pub(super) fn relieve(&mut self, now: SimTime, source: &str, out: &mut Vec<PumpNotice>) -> bool {
        self.factors.remove(source);
        self.forced.remove(source);
        if self.drains.remove(source).is_some() {
            self.drain(now);
        }
        if self.trapped.remove(source).is_some() {
            self.reservoir.trap(now, self.trapped.values().sum());
        }
        if self.upsets.remove(source).is_some() && self.upsets.is_empty() {
            self.clear_upset(now, out);
        }
        self.deviations.remove(source).is_some()
    }

    /// What the device believes, in numbers.
    pub(super) fn belief(&self, at: SimTime) -> Belief {
        let volume = self.reservoir.believed(at);
        Belief {
            reservoir_volume: volume,
            counted_volume: self.reservoir.counted(at),
            low_reservoir_in: (self.programmed > 0.0).then(|| ((volume - self.low_level) / self.programmed).max(0.0)),
            service_left: self.battery_left(at),
        }
    }

    /// What an interrogation shows of the shared parts.
    pub(super) fn telemetry(&self, at: SimTime) -> Telemetry {
        let belief = self.belief(at);
        Telemetry {
            flow: self.programmed,
            dose_rate: self.programmed * self.label,
            label_concentration: self.label,
            reservoir_volume: belief.reservoir_volume,
            low_reservoir_in: belief.low_reservoir_in,
            battery_left: belief.service_left,
            actuations: None,
            alarms: self.alarms.values().copied().collect(),
            log: Arc::clone(&self.log),
        }
    }
}
