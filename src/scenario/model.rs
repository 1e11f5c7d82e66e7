//! A scenario as the simulation reads it: every quantity a number in base
//! units (ug, mL, h, cm, kPa, degC), every reference checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::{SimSpan, SimTime};
use crate::parameters::ParameterSet;
use crate::signals::{Level, Others, Posture, Remedy};

pub use super::catheter::{Catheter, Material, Segment};
pub use super::decision::{Choice, DecisionPoint};
use super::drugs::Drug;
pub use super::hazard_model::{HazardOverride, Hazards, Onset, PumpGeneration};
pub use super::hearing::{Heard, Hearing};
pub use super::matrix::{Factor, Matrix};
use super::population::PopulationSpec;
use super::settings::{PolicySpec, Settings};
pub use super::teaching::{Question, Stage, Teaching};
pub use super::uncertain::Uncertain;

/// A file as loaded: one scenario per arm (a single unnamed one without `[[arm]]`).
#[derive(Debug, Clone)]
pub struct Story {
    /// File stem, the default name of the output folder.
    pub name: String,
    /// SHA-256 of the resolved file with all it extends, hexadecimal.
    pub hash: String,
    /// The file with all it extends in place, as TOML that loads to the same hash.
    pub text: String,
    /// The arms in file order, or the cells of the matrix; `arm.id` is empty when the file has neither.
    pub arms: Vec<Arm>,
    /// What `[matrix]` varies; cell `i` is arm `i`.
    pub matrix: Option<Matrix>,
    /// Where a page for teaching stops and asks.
    pub decisions: Vec<DecisionPoint>,
    /// What the choices of decisions lead to that are no arms; `arm.id` is DECISION.NUMBER.
    pub branches: Vec<Arm>,
}

/// One arm.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Name of the sub-folder, or empty.
    pub id: String,
    /// What is run.
    pub scenario: Scenario,
}

/// One run, fully specified but for the seed and replicate.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// One line that names the story.
    pub title: String,
    /// What a reader should learn.
    pub lesson: String,
    /// Texts for a class; `None` without the block.
    pub teaching: Option<Teaching>,
    /// Hazard id, such as `H-12`.
    pub hazard: Option<String>,
    /// Publications behind it.
    pub sources: Vec<String>,
    /// End of the run; events at this instant still run.
    pub duration: SimTime,
    /// Seed when the command line gives none.
    pub seed: u64,
    /// Which replicate the file asks for: the luck of its run and, with a population, its
    /// patient. `None` is replicate 0 of the luck and the typical patient.
    pub replicate: Option<u64>,
    /// Spacing of output rows when the command line gives none.
    pub sample: SimSpan,
    /// The person.
    pub patient: Patient,
    /// The device.
    pub pump: Pump,
    /// The line from pump to spine.
    pub catheter: Catheter,
    /// What the clinician programmes, by time.
    pub programme: Vec<ProgrammeStep>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Faults that may come by chance; `None` without a block.
    pub hazards: Option<Hazards>,
    /// Drugs beside baclofen, sorted by id; a drug's place is its place in [`Others`].
    pub drugs: Vec<Drug>,
    /// What people do.
    pub actions: Vec<ActionStep>,
    /// Policies at work, sorted by id.
    pub care: Vec<CareBlock>,
    /// What must happen.
    pub expectations: Vec<Expectation>,
    /// Defaults with this scenario's overrides.
    pub parameters: ParameterSet,
    /// Name of the set of parameters that `[model]` chooses.
    pub set: Option<&'static str>,
    /// Whom a patient is drawn from, as `[population]` and `[model]` say; `None` without the block.
    pub population: Option<Arc<PopulationSpec>>,
    /// The draw of what is uncertain that is run; `None` without the block.
    pub uncertain: Option<Uncertain>,
    /// What the file fixes for every patient: keys of `[parameters]`, and those of `[patient]`
    /// as `patient.KEY`. A population does not touch these.
    pub fixed: BTreeSet<&'static str>,
}

/// The person.
#[derive(Debug, Clone, PartialEq)]
pub struct Patient {
    /// `adult-spinal`, `adult-cerebral` or `child`.
    pub population: Population,
    /// Body weight \[kg\].
    pub weight: f64,
    /// Renal function relative to normal \[1\].
    pub renal_function: f64,
    /// Level of the cord injury, if there is one; T6 or above allows dysreflexia.
    pub injury: Option<Level>,
    /// Modified Ashworth score of the legs without drug \[0-4\].
    pub ashworth_legs: f64,
    /// Modified Ashworth score of the arms without drug \[0-4\].
    pub ashworth_arms: f64,
    /// Penn spasm score without drug \[0-4\].
    pub spasm_score: f64,
    /// Posture at the start.
    pub posture: Posture,
    /// Whether drug, tolerance and adaptation start in equilibrium with the first programme.
    pub history: History,
    /// Registered name of the effect model.
    pub effect_model: String,
    /// Who hears the pump's alarms.
    pub alarm: Hearing,
    /// Whether pump and catheter are in the body at the start.
    pub implanted: bool,
    /// What speaks against the therapy, or changes it.
    pub selection: Selection,
}

/// What speaks against the therapy, or changes it. Infection, coagulopathy and anatomy
/// forbid it; the rest are warnings, and most of them change the model as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection {
    /// Active infection.
    pub infection: bool,
    /// Coagulopathy that cannot be corrected.
    pub coagulopathy: bool,
    /// A spine that does not admit a catheter.
    pub anatomy: bool,
    /// Arachnoiditis: fluid mixes less along the canal.
    pub arachnoiditis: bool,
    /// Kidney disease: clearance falls.
    pub kidney_disease: bool,
    /// Pregnancy.
    pub pregnancy: bool,
    /// Appointments are not kept reliably: refills are missed more often.
    pub unreliable_follow_up: bool,
    /// Anticoagulated: a puncture waits until it is paused.
    pub anticoagulated: bool,
    /// A ventriculoperitoneal shunt: fluid leaves the head instead of the spine.
    pub vp_shunt: bool,
    /// Diabetes: infections are more likely; no reason against the therapy.
    pub diabetes: bool,
}

/// Population a patient belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Population {
    /// Adult with spasticity of spinal origin.
    AdultSpinal,
    /// Adult with spasticity of cerebral origin.
    AdultCerebral,
    /// Child.
    Child,
}

/// What came before the first instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum History {
    /// Never had baclofen.
    Naive,
    /// Months of undisturbed therapy at the first programme's dose.
    Established,
}

/// The device.
#[derive(Debug, Clone, PartialEq)]
pub struct Pump {
    /// Registered name of the family.
    pub family: String,
    /// Reservoir capacity \[mL\].
    pub reservoir_size: f64,
    /// Volume in the reservoir at the start \[mL\].
    pub fill: f64,
    /// True concentration in the reservoir \[ug/mL\].
    pub concentration: f64,
    /// True concentrations of other drugs in the reservoir \[ug/mL\].
    pub others: Others,
    /// The other drug that doses and labels are counted in; `None` is baclofen.
    pub primary: Option<usize>,
    /// Concentration the clinician entered \[ug/mL\].
    pub label_concentration: f64,
    /// Volume at which the low-reservoir alarm is due \[mL\].
    pub low_reservoir_alarm: f64,
    /// Delivered over programmed volume; `None` takes the published mean with its fixed effects and,
    /// in a batch, a draw per refill period.
    pub gain: Option<f64>,
    /// Age of the pump at the start \[h\].
    pub age: f64,
    /// Whether the drug is one the maker approved (motor wear differs).
    pub approved_drug: bool,
}

/// A point in time as the file writes it: absolute, or after a named event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Moment {
    /// At an instant.
    At(SimTime),
    /// A span after the first event of this name.
    After {
        /// `component.kind`, as in the events table, for example `fault.leak.start`.
        event: String,
        /// How long after.
        offset: SimSpan,
    },
}

/// A programme the clinician sends.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgrammeStep {
    /// Name used in events and arms.
    pub id: String,
    /// When.
    pub at: Moment,
    /// What.
    pub mode: Programme,
    /// Dose rate that was ordered and stands in the notes, if this programme is a slip \[ug/h\].
    pub prescribed: Option<f64>,
}

/// Dosing programmes. Doses are in ug by the *label* concentration; the pump turns them into volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Programme {
    /// One rate all day \[ug/h\].
    SimpleContinuous {
        /// Dose rate \[ug/h\].
        rate: f64,
    },
    /// A repeating week of steps; at most 13 steps a day.
    Flex {
        /// Steps sorted by day and time.
        steps: Vec<FlexStep>,
    },
    /// A bolus at a fixed interval above a basal rate.
    PeriodicBolus {
        /// Dose of one bolus \[ug\].
        dose: f64,
        /// Interval between starts \[h\].
        every: f64,
        /// Length of one bolus \[h\].
        over: f64,
        /// Rate between boluses \[ug/h\].
        basal: f64,
    },
    /// One bolus on top of the running programme, which then goes on.
    SingleBolus {
        /// Dose \[ug\].
        dose: f64,
        /// Length \[h\].
        over: f64,
    },
    /// Fast delivery of a volume to fill tube and catheter; the programme before it then goes on.
    PrimingBolus {
        /// Volume \[mL\]; `None` takes tube plus catheter.
        volume: Option<f64>,
        /// Length \[h\].
        over: f64,
    },
    /// Old drug at the old dose until the new concentration reaches the tip, then the given rate.
    BridgeBolus {
        /// Concentration still in tube and catheter \[ug/mL\].
        old_concentration: f64,
        /// Dose rate during the bridge \[ug/h\].
        bridge_rate: f64,
        /// Volume bridged \[mL\]; `None` takes tube plus catheter.
        volume: Option<f64>,
        /// Dose rate afterwards, by the new label \[ug/h\].
        then_rate: f64,
    },
    /// Boluses on the patient's demand, on top of the running programme, which goes on.
    PatientBolus {
        /// Dose of one bolus \[ug\].
        dose: f64,
        /// Length of one bolus \[h\].
        over: f64,
        /// Shortest time from the beginning of one to that of the next \[h\].
        lockout: f64,
        /// Most in any 24 hours.
        most_per_day: u32,
    },
    /// No boluses on demand any more.
    NoPatientBolus,
    /// Keeps the rotor turning (0.006 mL/day).
    MinimumRate,
    /// Rotor stopped by programme.
    Stopped,
}

/// One step of a flex programme.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FlexStep {
    /// Day of the week 0-6 (scenario day 0 is weekday 0), or `None` for every day.
    pub weekday: Option<u8>,
    /// Time of day \[h\], 0 to below 24.
    pub at: f64,
    /// Dose rate from then on \[ug/h\].
    pub rate: f64,
}

/// Something that goes wrong: trigger + profile + severity.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Name used in events and arms.
    pub id: String,
    /// Registered kind, for example `catheter.kink`.
    pub kind: String,
    /// What sets it off.
    pub trigger: Trigger,
    /// How its severity moves from 0 to 1.
    pub profile: Profile,
    /// When it ends by itself; a repair action can end it sooner.
    pub until: Option<Moment>,
    /// Severity and place in physical terms, checked against the kind's fields.
    pub values: BTreeMap<String, Value>,
}

/// A value of a fault's field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// In the base unit of the field.
    Number(f64),
    /// A word, such as a level or a place.
    Text(String),
}

/// What sets a fault off.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// At a moment.
    At(Moment),
    /// When a signal crosses a level.
    When(Condition),
    /// By chance, exponential waiting time from the start.
    Hazard {
        /// Events per hour.
        rate: f64,
    },
    /// By chance, already drawn from `[hazards]` for one replicate; no file can write this.
    Drawn(Onset),
    /// By chance at a surgery of the run or at the instant drawn, or out of another
    /// complication; no file can write this.
    Arises(Option<Onset>),
}

/// A signal crossing a level, as in `reservoir_ml < 2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Column name of the signal.
    pub signal: String,
    /// True for `>`, false for `<`.
    pub rising: bool,
    /// Level, in the unit of the column.
    pub level: f64,
}

/// Course of a severity between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Full at once.
    Step,
    /// Grows linearly to full.
    Ramp {
        /// How long it takes \[h\].
        over: f64,
    },
    /// Full for a while, then absent for a while, again and again.
    Intermittent {
        /// Time present \[h\].
        on: f64,
        /// Time absent \[h\].
        off: f64,
    },
    /// Full only in this posture.
    InPosture(Posture),
}

/// A policy at work.
#[derive(Debug, Clone, PartialEq)]
pub struct CareBlock {
    /// Name used in events and arms.
    pub id: String,
    /// Registered policy.
    pub policy: String,
    /// Its settings, complete.
    pub settings: Settings,
}

/// Something people do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionStep {
    /// Name used in events and arms.
    pub id: String,
    /// When.
    pub at: Moment,
    /// An event that makes the act needless: once it has happened, the act is dropped.
    pub unless: Option<String>,
    /// What.
    pub action: Action,
}

/// The acts a scenario can contain, and those only a policy orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Empty the reservoir, then fill it.
    Refill {
        /// Volume injected \[mL\].
        volume: f64,
        /// True concentration of the syringe \[ug/mL\].
        concentration: f64,
        /// Concentration entered in the programmer \[ug/mL\].
        label: f64,
        /// Part of the volume that goes into the pocket under the skin instead \[0-1\].
        pocket_share: f64,
        /// Whether the old drug is drawn out first; it is the rule.
        aspirate: bool,
        /// Standard deviation of the volume read from the syringe \[mL\]; `None` is the default.
        syringe_error: Option<f64>,
        /// True concentrations of other drugs in the syringe \[ug/mL\]; `None` is the first fill's
        /// mixture, in proportion to what the label says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        others: Option<Others>,
    },
    /// Draw the reservoir out, read the syringe against the programmer, put it back.
    CheckReservoir {
        /// Standard deviation of the volume read from the syringe \[mL\]; `None` is the default.
        syringe_error: Option<f64>,
        /// Which rule decides.
        rule: VisitRule,
    },
    /// A planned refill at which nobody comes: nothing happens, and that is an event.
    MissedRefill,
    /// Multiply the running programme's dose.
    ScaleDose {
        /// New over old dose \[1\].
        factor: f64,
    },
    /// The patient asks for a bolus: once, or by chance at a mean rate until the end \[1/h\].
    DemandBolus {
        /// Demands per hour; `None` is once.
        rate: Option<f64>,
    },
    /// Read the pump.
    Interrogate,
    /// Draw the reservoir empty and stop the pump.
    EmptyPump,
    /// Type a volume into the programmer as what the reservoir holds: a slip, or its correction.
    EnterVolume {
        /// Volume entered \[mL\].
        volume: f64,
    },
    /// Set the programmer to what the notes say was prescribed.
    CorrectProgramme,
    /// Cool the body, or stop doing so.
    Cool {
        /// Which.
        on: bool,
    },
    /// Drug by needle into the spinal fluid.
    LumbarBolus {
        /// Dose \[ug\].
        dose: f64,
        /// Where.
        level: Level,
        /// How long the injection takes \[h\].
        over: f64,
        /// The other drug that is injected; `None` is baclofen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drug: Option<usize>,
    },
    /// Baclofen tablets.
    OralBaclofen {
        /// One dose \[ug\].
        dose: f64,
        /// Interval \[h\].
        every: f64,
        /// Number of doses; `None` is until the end.
        count: Option<u32>,
    },
    /// A benzodiazepine, in mg of diazepam or its equivalent.
    Benzodiazepine {
        /// One dose \[mg\].
        dose: f64,
        /// Interval \[h\].
        every: f64,
        /// Number of doses.
        count: Option<u32>,
    },
    /// A benzodiazepine by vein at a constant rate, in mg of diazepam or its equivalent.
    BenzodiazepineInfusion {
        /// The whole dose \[mg\].
        dose: f64,
        /// How long it runs \[h\].
        over: f64,
    },
    /// Cyproheptadine.
    Cyproheptadine {
        /// One dose \[mg\].
        dose: f64,
        /// Interval \[h\].
        every: f64,
        /// Number of doses.
        count: Option<u32>,
    },
    /// Let spinal fluid out by lumbar puncture.
    DrainCsf {
        /// Volume \[mL\].
        volume: f64,
        /// How long it takes \[h\].
        over: f64,
    },
    /// Contrast through the access port; pushes catheter contents out and flushes a subdural depot.
    InjectContrast {
        /// Volume \[mL\].
        volume: f64,
    },
    /// Draw fluid through the access port, as before contrast is given.
    AspirateCatheter {
        /// Volume drawn, if it comes \[mL\].
        volume: f64,
    },
    /// A magnetic resonance scan.
    MriScan {
        /// Time in the field \[h\].
        over: f64,
    },
    /// Another air or another warmth around body and pump, for a while.
    Surround {
        /// What it is meanwhile.
        exposure: Exposure,
        /// How long \[h\].
        over: f64,
    },
    /// Open a pump's safety valve that has shut.
    ResetValve,
    /// Ventilate the patient, or stop doing so.
    Ventilate {
        /// On or off.
        on: bool,
    },
    /// Change posture.
    Posture(Posture),
    /// Send a programme; in a scenario this is a `[[programme]]` block.
    Send {
        /// The programme.
        mode: Programme,
    },
    /// Surgery: a new pump in the place of whatever was there, filled, not yet programmed.
    Implant {
        /// Volume filled in \[mL\].
        volume: f64,
        /// True concentration \[ug/mL\].
        concentration: f64,
        /// Concentration entered in the programmer \[ug/mL\].
        label: f64,
        /// As in a refill.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        others: Option<Others>,
    },
    /// Surgery: the pump is taken out.
    Explant,
    /// A remedy for a complication.
    Treat {
        /// Which.
        remedy: Remedy,
        /// Length of a course \[h\]; zero for what is done at once.
        over: f64,
    },
    /// Surgery or another remedy that ends faults.
    Repair {
        /// Faults ended.
        faults: Vec<String>,
    },
}

/// The rule by which expected and aspirated volume are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum VisitRule {
    /// More than 1 mL (20 mL pump) or 2 mL (40 mL pump) is suspect (Maino 2017).
    #[default]
    Refill,
    /// More than 20 % of the predicted volume is suspect, as at implant.
    Implant,
}

/// What must happen, with its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Line in the file, for messages.
    pub line: usize,
    /// What is claimed.
    pub claim: Claim,
    /// Where the claim comes from.
    pub source: String,
}

/// A checkable claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The first event of this name falls in the window (both ends included).
    Event {
        /// `component.kind`.
        event: String,
        /// Not before; `None` is no bound.
        from: Option<Moment>,
        /// Not after; `None` is the end of the run.
        to: Option<Moment>,
    },
    /// No event of this name.
    Never {
        /// `component.kind`.
        event: String,
    },
    /// A signal lies within bounds: at an instant, or throughout a window, or its extreme over it.
    Signal {
        /// Column name.
        signal: String,
        /// Which value over the window is tested.
        statistic: Statistic,
        /// Start of the window.
        from: Moment,
        /// End of the window; equal to `from` for an instant.
        to: Moment,
        /// Smallest accepted value, in the unit of the column.
        low: f64,
        /// Largest accepted value, in the unit of the column.
        high: f64,
    },
}

/// What is different around body and pump.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// Absolute pressure of the air \[kPa\].
    Pressure(f64),
    /// Temperature of the pump \[degC\].
    Temperature(f64),
}

/// Which value of a signal over a window is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Every sample.
    All,
    /// Largest sample.
    Max,
    /// Smallest sample.
    Min,
    /// Mean of the samples.
    Mean,
}

/// One field a fault kind accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldSpec {
    /// Key in the `[[fault]]` block.
    pub name: &'static str,
    /// Base unit of a number, or `""` for a word.
    pub unit: &'static str,
    /// Default; `None` makes the field required.
    pub default: Option<f64>,
    /// Smallest accepted number.
    pub low: f64,
    /// Largest accepted number.
    pub high: f64,
    /// Accepted words, if the field is a word (empty: any level of the spine).
    pub words: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
}

/// A fault kind as the loader and `list faults` know it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultKind {
    /// Registered name, `room.name`.
    pub kind: &'static str,
    /// Hazard id.
    pub hazard: &'static str,
    /// One sentence of mechanism.
    pub mechanism: &'static str,
    /// Accepted fields.
    pub fields: &'static [FieldSpec],
}

/// What the loader must know of a pump family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PumpAbility {
    /// Registered name.
    pub family: &'static str,
    /// Fault kinds of the pump that it can have.
    pub faults: &'static [&'static str],
    /// Acts that only families which name them answer to.
    pub acts: &'static [&'static str],
    /// Keys of the parameters with the smallest and the largest flow that may be programmed;
    /// `None` if it has no programme.
    pub rates: Option<(&'static str, &'static str)>,
}

/// Names a scenario may use, collected from all rooms (and from a library user's own) by
/// [`crate::simulation`], so that the loader need not know the rooms.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Pump families.
    pub pump_families: Vec<&'static str>,
    /// What each of them can do; a family that is not here is not restricted.
    pub pump_abilities: Vec<PumpAbility>,
    /// Effect models.
    pub effect_models: Vec<&'static str>,
    /// Fault kinds.
    pub fault_kinds: Vec<FaultKind>,
    /// Fault kinds that can come by chance, the tables of `[hazards]`.
    pub hazard_kinds: Vec<&'static str>,
    /// Care policies.
    pub policies: Vec<PolicySpec>,
    /// Populations that `[population] name` may choose.
    pub populations: Vec<Arc<PopulationSpec>>,
    /// Column names of all signals.
    pub signals: Vec<String>,
    /// Column names that each drug of a file adds, less its id and `_` in front.
    pub drug_signals: Vec<String>,
    /// Column names that a file with any drug adds.
    pub channel_signals: Vec<String>,
    /// Event names that do not depend on ids of the file, such as `symptom.itch.onset`.
    pub events: Vec<String>,
    /// What tells a body that cannot be; without it none is refused.
    pub body: Option<super::BodyCheck>,
}
