//! What a bench file of the flow-control room says, as plain data: plant, sensors, controllers, tests.

use std::collections::BTreeMap;

use crate::engine::{SimSpan, SimTime};
use crate::parameters::ParameterSet;
use crate::scenario::model::Material;
use crate::signals::{ActuatorKind, Posture, SensorKind, Signal, TapKind};

/// A matrix of controllers and tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Bench {
    /// Name of the file without its ending.
    pub name: String,
    /// One line that names it.
    pub title: String,
    /// Seed of all noise.
    pub seed: u64,
    /// Controllers, in file order; empty if the file names none.
    pub controllers: Vec<ControllerSpec>,
    /// Tests, in file order.
    pub tests: Vec<TestSpec>,
    /// The document as read, all it extends included.
    pub text: String,
    /// Hash of the document and of the tests it takes from other files.
    pub hash: String,
}

/// A controller and its tuning.
#[derive(Debug, Clone, PartialEq)]
pub struct ControllerSpec {
    /// Name in tables, unique.
    pub id: String,
    /// Registered name of the kind.
    pub kind: String,
    /// Tuning that differs from the default, in the units of the kind's keys.
    pub tuning: BTreeMap<String, f64>,
}

/// One test: a stand, a programme, and what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct TestSpec {
    /// Name in tables and files, unique.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Its end.
    pub duration: SimTime,
    /// Flow asked for from the start \[mL/h\].
    pub rate: f64,
    /// Spacing of the recorded volumes.
    pub sample: SimSpan,
    /// Where the analysis of accuracy begins; the start-up lies before.
    pub analyse_from: SimTime,
    /// Time between two calls of the controller.
    pub tick: SimSpan,
    /// The plant.
    pub plant: PlantSpec,
    /// The sensors that are there.
    pub sensors: Vec<SensorSpec>,
    /// The device's own alarm.
    pub alarm: AlarmSpec,
    /// What happens, by time.
    pub stimuli: Vec<Stimulus>,
    /// Defaults with the overrides of the file.
    pub parameters: ParameterSet,
}

/// The plant of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct PlantSpec {
    /// What pushes the drug.
    pub actuator: ActuatorKind,
    /// Nominal volume of a stroke \[mL\]; `None` is the default.
    pub stroke: Option<f64>,
    /// Volume in the reservoir at the start \[mL\]; `None` is the default.
    pub fill: Option<f64>,
    /// Length of the catheter \[cm\]; `None` is the default.
    pub length: Option<f64>,
    /// Its wall.
    pub material: Material,
    /// Whether the outlet feels heartbeat and breathing.
    pub pulsation: bool,
}

impl Default for PlantSpec {
    /// A stepper on a silicone catheter, without pulsation.
    fn default() -> Self {
        PlantSpec {
            actuator: ActuatorKind::Stepper,
            stroke: None,
            fill: None,
            length: None,
            material: Material::Silicone,
            pulsation: false,
        }
    }
}

/// What a file says of one sensor; `None` is the default, or zero for what is an error of the sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SensorSpec {
    /// What it looks at.
    pub kind: SensorKind,
    /// Time between samples \[h\].
    pub period: Option<f64>,
    /// Standard deviation of a sample, in the unit of the kind.
    pub noise: Option<f64>,
    /// Constant error, in the unit of the kind.
    pub bias: Option<f64>,
    /// Error that grows with time, in the unit of the kind \[1/h\].
    pub drift: Option<f64>,
    /// Step of the reading, in the unit of the kind.
    pub quantum: Option<f64>,
    /// Time from sample to reading \[h\].
    pub delay: Option<f64>,
    /// Share of the samples that are lost \[1\].
    pub dropout: Option<f64>,
}

impl SensorSpec {
    /// A sensor as the defaults have it.
    pub fn of(kind: SensorKind) -> Self {
        SensorSpec {
            kind,
            period: None,
            noise: None,
            bias: None,
            drift: None,
            quantum: None,
            delay: None,
            dropout: None,
        }
    }
}

/// What the device does when its line seems closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAlarm {
    /// It sounds and goes on.
    Continue,
    /// It sounds and stops for good.
    Stop,
}

/// The device's own alarm for an occluded line or a stalled motor; it stands beside every controller.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmSpec {
    /// Pressure that calls an occlusion \[kPa\]; `None` is the default.
    pub pressure: Option<f64>,
    /// Time for which it must last \[h\]; `None` is the default.
    pub hold: Option<f64>,
    /// What follows.
    pub then: OnAlarm,
    /// Sensors that it listens to.
    pub watch: Vec<SensorKind>,
}

impl AlarmSpec {
    /// Sensors that an alarm can listen to.
    pub const WATCHABLE: [SensorKind; 4] = [
        SensorKind::Pressure,
        SensorKind::Rotor,
        SensorKind::Flow,
        SensorKind::Reservoir,
    ];
}

impl Default for AlarmSpec {
    fn default() -> Self {
        AlarmSpec {
            pressure: None,
            hold: None,
            then: OnAlarm::Continue,
            watch: vec![SensorKind::Pressure, SensorKind::Rotor],
        }
    }
}

/// Something that happens in a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Stimulus {
    /// When it begins.
    pub at: SimTime,
    /// When it ends; `None` is never.
    pub until: Option<SimTime>,
    /// Time over which it grows in a straight line; at once if `None`.
    pub ramp: Option<SimSpan>,
    /// What it is.
    pub change: Change,
}

/// What can happen in a test.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The programme asks for another flow \[mL/h\].
    Rate(f64),
    /// The programme asks for a volume on top \[mL\], over a time \[h\].
    Bolus {
        /// Volume \[mL\].
        volume: f64,
        /// Time \[h\].
        over: f64,
    },
    /// The pump has another temperature \[degC\].
    Temperature(f64),
    /// The air has another pressure \[kPa\].
    Ambient(f64),
    /// The body is held otherwise.
    Posture(Posture),
    /// The bore is narrow at a place.
    Occlusion {
        /// Share of the diameter that is left; zero is closed \[1\].
        bore: f64,
        /// Distance from the pump \[cm\]; `None` is the tip.
        position: Option<f64>,
    },
    /// There is a hole.
    Leak {
        /// Conductance of the hole \[mL/(h kPa)\].
        conductance: f64,
        /// Distance from the pump \[cm\]; `None` is the middle.
        position: Option<f64>,
    },
    /// A sensor says nothing more.
    SensorFailure(SensorKind),
    /// The gear loses a share of the strokes \[1\].
    GearSlip(f64),
    /// The supply falls to a share of its nominal value \[1\].
    Supply(f64),
    /// A strong magnetic field.
    Field,
    /// A fault on a wire between sensor, controller and actuator.
    Tap {
        /// The wire.
        signal: Signal,
        /// What is done to its value.
        kind: TapKind,
    },
}

impl Change {
    /// Name in tables.
    pub fn word(&self) -> &'static str {
        match self {
            Change::Rate(_) => "rate",
            Change::Bolus { .. } => "bolus",
            Change::Temperature(_) => "temperature",
            Change::Ambient(_) => "ambient",
            Change::Posture(_) => "posture",
            Change::Occlusion { .. } => "occlusion",
            Change::Leak { .. } => "leak",
            Change::SensorFailure(_) => "sensor_failure",
            Change::GearSlip(_) => "gear_slip",
            Change::Supply(_) => "supply",
            Change::Field => "field",
            Change::Tap { .. } => "tap",
        }
    }

    /// Whether it should set off an alarm: the line is shut, or nothing moves.
    pub fn calls_for_alarm(&self) -> bool {
        match self {
            Change::Occlusion { .. } | Change::Field => true,
            Change::GearSlip(share) => *share >= 0.5,
            Change::Supply(share) => *share < 1.0,
            _ => false,
        }
    }
}

/// One number that tunes a kind of controller.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningKey {
    /// Key in the file.
    pub key: String,
    /// Value if the file gives none, in `unit`.
    pub default: f64,
    /// Its unit, as a person writes it; `"1"` for a pure number.
    pub unit: String,
    /// Smallest value accepted.
    pub low: f64,
    /// Largest value accepted.
    pub high: f64,
    /// What it means.
    pub meaning: String,
}

/// What the loader must know of a kind of controller.
#[derive(Debug, Clone, PartialEq)]
pub struct ControllerEntry {
    /// Name in files.
    pub name: String,
    /// Sensors without which it cannot work.
    pub needs: Vec<SensorKind>,
    /// Its tuning.
    pub tuning: Vec<TuningKey>,
}
