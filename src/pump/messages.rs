//! What goes into a pump and what comes out of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::alarm::{Alarm, AlarmName};
use super::handset::Refusal;
use crate::engine::SimTime;
use crate::scenario::model::Programme;
use crate::signals::Others;

/// Something the pump does by itself at a known instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PumpEvent {
    /// A pump without a programme begins to flow: the start of the scenario.
    Started,
    /// The last usable drop has left the reservoir (a fact, not an alarm).
    Emptied,
    /// The programme changes its rate: a flex step, or a bolus begins or ends.
    RateStep,
    /// The pressure that drives the drug falls by a step.
    PressureStep,
    /// A rotor held by a magnetic field turns again.
    MriRestart,
    /// A magnet that held valves open is gone.
    FieldOver,
    /// So much has flowed so fast that the safety valve shuts.
    SafetyValveShuts,
    /// The pump notices that its rotor does not turn.
    StallDetected,
    /// The pump notices that its rotor turns again.
    RecoveryDetected,
    /// The computed volume reaches the alarm volume.
    LowReservoir,
    /// The computed volume reaches zero.
    EmptyReservoir,
    /// The rotor has been known to stand still for too long.
    StoppedTooLong,
    /// The battery asks for replacement.
    ReplacementDue,
    /// The pump shuts down.
    EndOfService,
    /// Of a family from outside the crate.
    Custom(String),
}

impl PumpEvent {
    /// Name as in the events table, such as `stall_detected`.
    pub fn name(&self) -> &str {
        match self {
            PumpEvent::Started => "started",
            PumpEvent::Emptied => "emptied",
            PumpEvent::RateStep => "rate_step",
            PumpEvent::PressureStep => "pressure_step",
            PumpEvent::MriRestart => "mri_restart",
            PumpEvent::FieldOver => "field_over",
            PumpEvent::SafetyValveShuts => "safety_valve_shuts",
            PumpEvent::StallDetected => "stall_detected",
            PumpEvent::RecoveryDetected => "recovery_detected",
            PumpEvent::LowReservoir => "low_reservoir",
            PumpEvent::EmptyReservoir => "empty_reservoir",
            PumpEvent::StoppedTooLong => "stopped_too_long",
            PumpEvent::ReplacementDue => "replacement_due",
            PumpEvent::EndOfService => "end_of_service",
            PumpEvent::Custom(name) => name,
        }
    }
}

/// What a caller should tell the world after a call changed the pump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PumpNotice {
    /// An alarm begins to sound.
    AlarmRaised(Alarm),
    /// An alarm ends.
    AlarmCleared(AlarmName),
    /// The reservoir holds nothing more that can be pumped.
    Emptied,
    /// The rotor stops although the programme goes on.
    Stalled,
    /// The rotor turns again.
    Restarted,
    /// The programmed flow changed.
    RateChanged {
        /// Flow the device now means to deliver \[mL/h\].
        flow: f64,
        /// The same by the label \[ug/h\].
        dose_rate: f64,
    },
    /// A new label put the running programme out of range, so it runs at the end of the range.
    RateLimited {
        /// Flow the dose would need \[mL/h\].
        requested: f64,
        /// Flow delivered instead \[mL/h\].
        delivered: f64,
    },
    /// The patient asked for a bolus and gets it.
    BolusGranted {
        /// Its dose by the label \[ug\].
        dose: f64,
    },
    /// The patient asked for a bolus and gets none.
    BolusRefused {
        /// Why.
        why: Refusal,
    },
    /// The pump has shut down for good.
    ServiceEnded,
    /// A free way from reservoir to catheter: both valves stand open, at least a little.
    ValvesOpen,
    /// The free way is shut again.
    ValvesClosed,
    /// The safety valve opens again.
    SafetyValveReset,
    /// Outside pressure has dented the reservoir.
    Deformed {
        /// Capacity lost for good \[mL\].
        lost: f64,
    },
    /// Of a family from outside the crate.
    Custom {
        /// Name in the events table.
        name: String,
        /// What goes with it.
        values: BTreeMap<String, f64>,
    },
}

impl PumpNotice {
    /// Name in the events table, such as `pump.stalled` or `alarm.low_reservoir.raised`.
    pub fn name(&self) -> String {
        match self {
            PumpNotice::AlarmRaised(alarm) => format!("alarm.{}.raised", alarm.name.as_str()),
            PumpNotice::AlarmCleared(name) => format!("alarm.{}.cleared", name.as_str()),
            PumpNotice::Emptied => "pump.empty".to_owned(),
            PumpNotice::Stalled => "pump.stalled".to_owned(),
            PumpNotice::Restarted => "pump.restarted".to_owned(),
            PumpNotice::RateChanged { .. } => "pump.rate_changed".to_owned(),
            PumpNotice::RateLimited { .. } => "pump.rate_limited".to_owned(),
            PumpNotice::BolusGranted { .. } => "pump.bolus_granted".to_owned(),
            PumpNotice::BolusRefused { .. } => "pump.bolus_refused".to_owned(),
            PumpNotice::ServiceEnded => "pump.service_ended".to_owned(),
            PumpNotice::ValvesOpen => "pump.valves_open".to_owned(),
            PumpNotice::ValvesClosed => "pump.valves_closed".to_owned(),
            PumpNotice::SafetyValveReset => "pump.safety_valve_reset".to_owned(),
            PumpNotice::Deformed { .. } => "pump.deformed".to_owned(),
            PumpNotice::Custom { name, .. } => format!("pump.{name}"),
        }
    }
}

/// All event names of built-in families: what a pump does by itself, what it reports, its alarms.
pub fn event_names() -> Vec<String> {
    let own = [
        PumpEvent::Started,
        PumpEvent::Emptied,
        PumpEvent::RateStep,
        PumpEvent::PressureStep,
        PumpEvent::MriRestart,
        PumpEvent::FieldOver,
        PumpEvent::SafetyValveShuts,
        PumpEvent::StallDetected,
        PumpEvent::RecoveryDetected,
        PumpEvent::LowReservoir,
        PumpEvent::EmptyReservoir,
        PumpEvent::StoppedTooLong,
        PumpEvent::ReplacementDue,
        PumpEvent::EndOfService,
    ];
    let rates = PumpNotice::RateChanged {
        flow: 0.0,
        dose_rate: 0.0,
    };
    let limited = PumpNotice::RateLimited {
        requested: 0.0,
        delivered: 0.0,
    };
    let told = [
        PumpNotice::Emptied,
        PumpNotice::Stalled,
        PumpNotice::Restarted,
        rates,
        limited,
        PumpNotice::BolusGranted { dose: 0.0 },
        PumpNotice::BolusRefused {
            why: Refusal::NotAllowed,
        },
        PumpNotice::ServiceEnded,
        PumpNotice::ValvesOpen,
        PumpNotice::ValvesClosed,
        PumpNotice::SafetyValveReset,
        PumpNotice::Deformed { lost: 0.0 },
    ];
    let mut names: Vec<String> = own.iter().map(|e| format!("pump.{}", e.name())).collect();
    names.extend(told.iter().map(PumpNotice::name));
    for name in AlarmName::ALL {
        names.push(PumpNotice::AlarmRaised(Alarm::new(name, false)).name());
        names.push(PumpNotice::AlarmCleared(name).name());
    }
    names
}

/// What a clinician does with the programmer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// Sends a programme.
    Programme {
        /// Its name, which later rate steps give as their cause.
        id: String,
        /// What it asks for.
        mode: Programme,
    },
    /// Multiplies every dose of the running programme.
    ScaleDose {
        /// Name of the act, which later rate steps give as their cause.
        id: String,
        /// New over old dose \[1\].
        factor: f64,
    },
    /// Reads the pump; that also ends a telemetry hang.
    Interrogate,
    /// Opens a safety valve that has shut.
    ResetValve,
    /// Enters what the reservoir holds; the device counts down from there.
    SetVolume {
        /// Volume entered \[mL\].
        volume: f64,
    },
    /// Enters another concentration; doses stay, flows follow.
    SetLabel {
        /// Concentration entered \[ug/mL\].
        concentration: f64,
    },
}

/// Something that happens to a pump and lasts until [`super::Pump::relieve`].
///
/// A caller scales the values by the severity of the fault and sends the same kind
/// under the same source again as the severity moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Disturbance {
    /// The motor is stuck.
    Stall,
    /// A strong magnetic field: it holds a rotor, and opens magnetic valves.
    MriField {
        /// Time in the field \[h\]; `None` is until relieved.
        field: Option<f64>,
        /// Delay from the end of the field to the first turn; rarely 2-24 h \[h\].
        restart_delay: f64,
    },
    /// Delivers more than programmed (or less, below one).
    OverInfusion {
        /// Factor on the flow, on top of the gain of the refill period \[1\].
        gain: f64,
    },
    /// This refill period's luck, added to the mean gain; ignored where the scenario fixes the gain.
    GainDeviation {
        /// Difference from the mean gain \[1\].
        deviation: f64,
    },
    /// The programme memory is damaged.
    MemoryError {
        /// A critical error puts the pump into minimum rate until reprogrammed.
        critical: bool,
    },
    /// The electronics reset to the lowest rate, as after a short circuit or a weak battery,
    /// until the pump is programmed again.
    LowRateReset,
    /// The battery is used up faster.
    BatteryDrain {
        /// Charge used over the usual \[1\].
        factor: f64,
    },
    /// Part of the fill can no longer be pumped or drawn.
    TrappedVolume {
        /// How much \[mL\].
        volume: f64,
    },
    /// A refill beyond the capacity is forced in, instead of being refused.
    ForcedFill {
        /// Most that goes in beyond the capacity \[mL\].
        volume: f64,
    },
    /// A valve does not open any more.
    ValveShut,
    /// A valve does not close any more.
    ValveOpen {
        /// Conductance of the free way \[mL/(h kPa)\].
        conductance: f64,
    },
    /// Precipitate in the restrictor.
    Restrictor {
        /// Its resistance over the sound one \[1\].
        resistance: f64,
    },
    /// The pump hangs in telemetry mode, silent and still, until it is interrogated.
    TelemetryHang,
    /// For families from outside the crate.
    Custom {
        /// What it is.
        name: String,
        /// Its values.
        values: BTreeMap<String, f64>,
    },
}

impl Disturbance {
    /// What it is, in words, for a pump that cannot have it.
    pub fn name(&self) -> &str {
        match self {
            Disturbance::Stall => "a stalled motor",
            Disturbance::MriField { .. } => "a magnetic field",
            Disturbance::OverInfusion { .. } => "over-infusion",
            Disturbance::GainDeviation { .. } => "a deviation of its gain",
            Disturbance::MemoryError { .. } => "a memory error",
            Disturbance::LowRateReset => "a reset to the lowest rate",
            Disturbance::BatteryDrain { .. } => "a drained battery",
            Disturbance::TrappedVolume { .. } => "a trapped volume",
            Disturbance::ForcedFill { .. } => "a forced fill",
            Disturbance::ValveShut => "a valve stuck shut",
            Disturbance::ValveOpen { .. } => "a valve stuck open",
            Disturbance::Restrictor { .. } => "a blocked restrictor",
            Disturbance::TelemetryHang => "a telemetry hang",
            Disturbance::Custom { name, .. } => name,
        }
    }
}

/// A refill as it happens and as it is entered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Refill {
    /// Volume that really reaches the reservoir \[mL\].
    pub volume: f64,
    /// Volume entered in the programmer; differs when part of it went into the pocket \[mL\].
    pub entered_volume: f64,
    /// True concentration of the syringe \[ug/mL\].
    pub concentration: f64,
    /// Concentration entered in the programmer \[ug/mL\].
    pub label: f64,
    /// Whether the old drug is drawn out first.
    pub aspirate: bool,
    /// True concentrations of other drugs in the syringe \[ug/mL\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    pub others: Others,
}

/// What a refill showed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RefillReport {
    /// Volume the device computed to be there \[mL\].
    pub expected_volume: f64,
    /// Volume found in the syringe \[mL\]; zero if nothing was drawn.
    pub aspirated_volume: f64,
    /// Drug removed with it \[ug\].
    pub aspirated_drug: f64,
    /// Drug injected into the reservoir \[ug\].
    pub injected_drug: f64,
    /// True concentration after mixing with what stayed \[ug/mL\].
    pub concentration: f64,
    /// Other drugs removed \[ug\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    pub aspirated_others: Others,
    /// Other drugs injected into the reservoir \[ug\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    pub injected_others: Others,
}

/// What an interrogation shows: only what the device believes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Telemetry {
    /// Programmed flow \[mL/h\].
    pub flow: f64,
    /// Programmed dose rate by the label \[ug/h\].
    pub dose_rate: f64,
    /// Concentration entered \[ug/mL\].
    pub label_concentration: f64,
    /// Computed reservoir volume \[mL\].
    pub reservoir_volume: f64,
    /// Time until the low-reservoir alarm at the present rate \[h\]; `None` if nothing is pumped.
    pub low_reservoir_in: Option<f64>,
    /// Battery life left at the present rate \[h\]; `None` without a battery.
    pub battery_left: Option<f64>,
    /// Strokes of a pump that delivers by the stroke.
    pub actuations: Option<Actuations>,
    /// Alarms that sound.
    pub alarms: Vec<Alarm>,
    /// Event log, oldest first; shared with the pump until it writes the next line.
    pub log: Arc<Vec<LogEntry>>,
}

/// What a device believes of itself, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    /// Computed reservoir volume \[mL\].
    pub reservoir_volume: f64,
    /// Volume counted as delivered since the start \[mL\].
    pub counted_volume: f64,
    /// Time until the low-reservoir alarm at the present rate \[h\]; `None` if nothing is pumped.
    pub low_reservoir_in: Option<f64>,
    /// Service left until the shut-down at the present rate \[h\]; `None` without a battery.
    pub service_left: Option<f64>,
}

/// What a pump that delivers by fixed strokes tells of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Actuations {
    /// Strokes commanded since the start.
    pub count: u64,
    /// Time from one to the next at the present rate \[h\]; `None` while it makes none.
    pub interval: Option<f64>,
    /// Dose of one by the label \[ug\].
    pub dose: f64,
}

/// One line of the pump's own log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: SimTime,
    /// What, such as `alarm.motor_stall`; a critical memory error is `alarm.memory_error.critical`.
    pub what: String,
}

impl LogEntry {
    /// An alarm as the log names it.
    pub fn of_alarm(at: SimTime, alarm: Alarm) -> Self {
        let critical = alarm.name == AlarmName::MemoryError && alarm.class == super::AlarmClass::Critical;
        let what = format!(
            "alarm.{}{}",
            alarm.name.as_str(),
            if critical { ".critical" } else { "" }
        );
        LogEntry { at, what }
    }

    /// The alarm this line reports, if it reports one.
    pub fn alarm(&self) -> Option<Alarm> {
        let name = self.what.strip_prefix("alarm.")?;
        let (name, critical) = match name.strip_suffix(".critical") {
            Some(name) => (name, true),
            None => (name, false),
        };
        AlarmName::named(name).map(|name| Alarm::new(name, critical))
    }
}

/// Why a pump refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PumpError {
    /// A programme asks for a flow the pump cannot deliver.
    #[error("the programme asks for {requested} mL/day of {what}; this pump delivers {low} to {high} mL/day")]
    FlowOutOfRange {
        /// Which part of the programme.
        what: &'static str,
        /// Flow asked for \[mL/day\].
        requested: f64,
        /// Smallest flow \[mL/day\].
        low: f64,
        /// Largest flow \[mL/day\].
        high: f64,
    },
    /// A programme's times or doses make no sense.
    #[error("programme refused: {what} is {value}, and must be {expected}")]
    Programme {
        /// Which value.
        what: &'static str,
        /// The value given, in base units.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// Too many steps on one day.
    #[error("flex programme has {steps} steps on weekday {weekday}; the pump holds {limit}")]
    FlexSteps {
        /// Day of the week, 0-6.
        weekday: u8,
        /// Steps on that day.
        steps: usize,
        /// Steps the pump holds.
        limit: usize,
    },
    /// A fill above the capacity.
    #[error("{volume} mL do not fit: the reservoir of {size} mL holds {present} mL already")]
    OverFill {
        /// Volume offered \[mL\].
        volume: f64,
        /// Volume present \[mL\].
        present: f64,
        /// Capacity \[mL\].
        size: f64,
    },
    /// A number that must be finite and positive (or zero) is not.
    #[error("{what} is {value}, and must be {expected}")]
    Value {
        /// Which number.
        what: &'static str,
        /// The number.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// The pump has shut down for good and takes no commands.
    #[error("the pump has reached its end of service and takes no commands")]
    OutOfService,
    /// The family cannot be programmed.
    #[error(
        "a `{family}` pump has no programme: its flow is set in the factory, and the dose is chosen by the concentration"
    )]
    NoProgramme {
        /// The family.
        family: String,
    },
    /// The family does not know such a command, event or disturbance.
    #[error("pump family `{family}` does not know `{what}`")]
    Unsupported {
        /// The family.
        family: String,
        /// What was asked.
        what: String,
    },
    /// No family of this name is registered.
    #[error("no pump family is called `{name}`; known are {known:?}")]
    UnknownFamily {
        /// Name asked for.
        name: String,
        /// Names registered.
        known: Vec<String>,
    },
    /// A saved state does not fit the family.
    #[error("the saved state does not fit pump family `{family}`: {reason}")]
    Restore {
        /// The family.
        family: String,
        /// What the reader said.
        reason: String,
    },
    /// A time beyond the range of the clock.
    #[error("programme refused: {hours} h lie beyond the clock")]
    Clock {
        /// The hours.
        hours: f64,
    },
}
