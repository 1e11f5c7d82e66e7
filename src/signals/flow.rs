//! The small types of the flow-control bench: kinds of actuators, sensors and wires.

use serde::{Deserialize, Serialize};

use crate::engine::SimSpan;

/// How an actuator works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActuatorKind {
    /// Stepper motor, gear train and roller tube: a volume a step, whatever the pressure, until it slips.
    Stepper,
    /// Inlet valve, accumulator, outlet valve, driven by the reservoir's gas.
    Valves,
    /// One valve before a restrictor: a stroke is an opening of fixed length.
    Restrictor,
}

impl ActuatorKind {
    /// Names in files.
    pub const WORDS: [(&'static str, ActuatorKind); 3] = [
        ("stepper", ActuatorKind::Stepper),
        ("valves", ActuatorKind::Valves),
        ("restrictor", ActuatorKind::Restrictor),
    ];

    /// Name in files.
    pub fn word(self) -> &'static str {
        match self {
            ActuatorKind::Stepper => "stepper",
            ActuatorKind::Valves => "valves",
            ActuatorKind::Restrictor => "restrictor",
        }
    }
}

/// What a sensor looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SensorKind {
    /// Mean flow since the sample before, at the connector of the catheter \[mL/h\].
    Flow,
    /// Pressure at the outlet of the actuator \[kPa\].
    Pressure,
    /// Position of rotor or accumulator: strokes that have moved.
    Rotor,
    /// Temperature of the pump \[degC\].
    Temperature,
    /// Pressure of the reservoir above that of the air \[kPa\].
    Reservoir,
}

impl SensorKind {
    /// All kinds, in the order of their index.
    pub const ALL: [SensorKind; 5] = [
        SensorKind::Flow,
        SensorKind::Pressure,
        SensorKind::Rotor,
        SensorKind::Temperature,
        SensorKind::Reservoir,
    ];

    /// Names in files.
    pub const WORDS: [(&'static str, SensorKind); 5] = [
        ("flow", SensorKind::Flow),
        ("pressure", SensorKind::Pressure),
        ("rotor", SensorKind::Rotor),
        ("temperature", SensorKind::Temperature),
        ("reservoir", SensorKind::Reservoir),
    ];

    /// Name in files.
    pub fn word(self) -> &'static str {
        Self::WORDS[self.index()].0
    }

    /// Unit of the reading.
    pub fn unit(self) -> &'static str {
        match self {
            SensorKind::Flow => "mL/h",
            SensorKind::Pressure | SensorKind::Reservoir => "kPa",
            SensorKind::Rotor => "1",
            SensorKind::Temperature => "degC",
        }
    }

    /// Place in [`SensorKind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// What a sensor tells the controller, and the alarm.
    Sensor(SensorKind),
    /// The flow that the programme asks the controller for \[mL/h\].
    Request,
    /// The strokes that the controller asks the actuator for.
    Command,
}

impl Signal {
    /// Names in files.
    pub const WORDS: [(&'static str, Signal); 7] = [
        ("sensor.flow", Signal::Sensor(SensorKind::Flow)),
        ("sensor.pressure", Signal::Sensor(SensorKind::Pressure)),
        ("sensor.rotor", Signal::Sensor(SensorKind::Rotor)),
        ("sensor.temperature", Signal::Sensor(SensorKind::Temperature)),
        ("sensor.reservoir", Signal::Sensor(SensorKind::Reservoir)),
        ("request", Signal::Request),
        ("command", Signal::Command),
    ];

    /// Name in files.
    pub fn word(self) -> &'static str {
        match Self::WORDS.iter().find(|w| w.1 == self) {
            Some((word, _)) => word,
            None => "",
        }
    }
}

/// What is done to the value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TapKind {
    /// It is zero.
    Truncate,
    /// It stays as it was when the fault began.
    Hold,
    /// It is the upper end of its range.
    Max,
    /// It is the lower end of its range.
    Min,
    /// Something is added.
    Add(f64),
    /// Something is taken away.
    Subtract(f64),
    /// It is always this.
    Stuck(f64),
    /// It comes later.
    Delayed(SimSpan),
}
