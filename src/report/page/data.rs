//! What a page is made from: plain data, written into it as JSON.
//!
//! Times are hours since the start of the run. A value that is missing is `null`.

use serde::Serialize;

/// Everything one page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageData {
    /// Where the numbers come from.
    pub manifest: Manifest,
    /// The charts, from top to bottom; each run has its data in the same order.
    pub lanes: Vec<LaneSpec>,
    /// The runs; the first is the one the page opens with.
    pub runs: Vec<RunPage>,
    /// Why what happened did happen, in the first run of each arm.
    pub why: Vec<Explanation>,
    /// Where the page stops and asks, by time.
    pub decisions: Vec<DecisionPage>,
    /// What a class reads beside the run.
    pub teaching: Option<TeachingPage>,
    /// What was left out or made coarser, in sentences.
    pub notes: Vec<String>,
}

/// Identity of a page: enough to make it again.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Manifest {
    /// The mark of this program.
    pub written_by: &'static str,
    /// The sentence that every artefact carries.
    pub disclaimer: &'static str,
    /// Version of itbsim that ran.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Title of the story.
    pub title: String,
    /// What a reader should learn.
    pub lesson: String,
    /// Hazard id, such as `H-12`.
    pub hazard: Option<String>,
    /// Publications behind the story.
    pub sources: Vec<String>,
    /// SHA-256 of the resolved scenario, hexadecimal.
    pub scenario_hash: String,
    /// Seed of the runs; as text, since a browser's numbers end at 2^53.
    pub seed: String,
    /// Replicate within the seed, as text.
    pub replicate: String,
}

/// One chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LaneSpec {
    /// Name within the page, such as `csf`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Unit of the axis.
    pub unit: String,
    /// What a reader should look for, in a sentence.
    pub about: String,
    /// Whether it is drawn when the page opens.
    pub open: bool,
    /// Whether a logarithmic axis makes sense.
    pub log: bool,
    /// Ends of the axis that never move; `None` follows the data.
    pub range: Option<(f64, f64)>,
    /// Its lines.
    pub series: Vec<SeriesSpec>,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeriesSpec {
    /// Column of `timeseries.csv`, or a name of its own for what is derived.
    pub column: String,
    /// Name for a reader.
    pub label: String,
    /// Unit, if it is not that of the axis.
    pub unit: Option<String>,
}

/// What a run is within its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An arm of the story, or the story itself.
    Arm,
    /// The same without one or two elements.
    ButFor,
    /// What another choice at a decision leads to.
    Branch,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPage {
    /// Name within the page.
    pub id: String,
    /// Name for a reader.
    pub label: String,
    /// What it is.
    pub role: Role,
    /// The arm that it goes with, by id.
    pub of: String,
    /// Fingerprint of everything that happened, hexadecimal.
    pub fingerprint: String,
    /// How it ended, in words.
    pub outcome: String,
    /// End \[h\].
    pub end_h: f64,
    /// Data of the lanes.
    pub lanes: Vec<LaneData>,
    /// Events worth a mark.
    pub marks: Vec<Mark>,
    /// Symptoms, alarms and faults with their lengths.
    pub bars: Vec<Bar>,
    /// Phases, in order; what lies between has none.
    pub phases: Vec<Phase>,
    /// Window of the closer look \[h\].
    pub focus_h: Option<(f64, f64)>,
    /// Spine, catheter and pump.
    pub anatomy: Anatomy,
    /// What the run meant for the patient.
    pub figures: Vec<Figure>,
    /// Claims of the scenario met, and all of them.
    pub expected: (usize, usize),
}

/// Data of one chart in one run; thinned, with all extremes kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LaneData {
    /// Times \[h\], never falling; a repeated time is a jump.
    pub t: Vec<f64>,
    /// Values by line, each as long as `t`.
    pub v: Vec<Vec<f64>>,
}

/// One event that a reader should see.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Number of the event in `events.csv`.
    pub event: u64,
    /// When \[h\].
    pub t: f64,
    /// `fault`, `act`, `refill`, `alarm`, `delivery`, `symptom`, `seen` or `death`.
    pub kind: &'static str,
    /// Name as in a scenario, such as `symptom.itch.onset`.
    pub name: String,
    /// What, in words.
    pub what: String,
    /// Its particulars with values.
    pub value: String,
    /// What led to it, in words; empty if it came from outside.
    pub because: String,
    /// Publication behind it, where the scenario expects it.
    pub source: String,
    /// Time since the first fault \[h\].
    pub since_fault: Option<f64>,
    /// Time since the last refill \[h\].
    pub since_refill: Option<f64>,
}

/// What a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BarKind {
    /// A fault.
    Fault,
    /// An alarm of the pump.
    Alarm,
    /// A symptom.
    Symptom,
}

/// Something that lasts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// What it stands for.
    pub kind: BarKind,
    /// Row: bars of one name share it.
    pub name: String,
    /// The name in words.
    pub words: String,
    /// Group for colours: a syndrome, a class of alarm, or empty.
    pub group: String,
    /// Begin \[h\].
    pub from: f64,
    /// End \[h\]; `None` if it outlasts the run.
    pub to: Option<f64>,
    /// An instant within it \[h\]: when an alarm was heard.
    pub heard: Option<f64>,
    /// Particulars.
    pub note: String,
}

/// Name of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PhaseName {
    /// Something is wrong and nobody can see it in the patient.
    Latent,
    /// First signs.
    Early,
    /// Severe signs.
    Established,
    /// Somebody acts, and it does not get better yet.
    Rescue,
    /// It gets better.
    Recovery,
}

/// A phase of the course, named from the state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Phase {
    /// Which.
    pub name: PhaseName,
    /// Begin \[h\].
    pub from: f64,
    /// End \[h\].
    pub to: f64,
}

/// Spine, catheter and pump of a run, with concentrations over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Anatomy {
    /// Names of the levels, caudal first; the last two are cisternal fluid and brain surface.
    pub levels: Vec<String>,
    /// Times \[h\].
    pub t: Vec<f64>,
    /// Concentration by level, each as long as `t` \[ng/mL\].
    pub ng_per_ml: Vec<Vec<f64>>,
    /// Place of the tip among the levels.
    pub tip: usize,
    /// Length of the catheter \[cm\].
    pub length_cm: f64,
    /// Part of it within the canal \[cm\].
    pub spinal_cm: f64,
    /// Faults with their places.
    pub faults: Vec<AnatomyFault>,
}

/// A fault in its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnatomyFault {
    /// What it is, in words.
    pub words: String,
    /// `pump`, `catheter`, `tip`, `level` or `patient`.
    pub part: &'static str,
    /// Distance from the pump along the catheter \[cm\], or the place among the levels.
    pub at: f64,
    /// Begin \[h\].
    pub from: f64,
    /// End \[h\]; `None` if it outlasts the run.
    pub to: Option<f64>,
}

/// One outcome of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Name for a reader.
    pub name: String,
    /// Unit.
    pub unit: &'static str,
    /// Value, if it came to that.
    pub value: Option<f64>,
}

/// One step of a causal chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// Number of the event.
    pub event: u64,
    /// When \[h\].
    pub t: f64,
    /// In words.
    pub words: String,
    /// Name as in `events.csv`.
    pub name: String,
}

/// Why something happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Arm, by id of its run.
    pub run: String,
    /// Name of the event.
    pub event: String,
    /// The event in words.
    pub what: String,
    /// When \[h\].
    pub t: f64,
    /// From the first event of the chain to the event itself.
    pub chain: Vec<Link>,
    /// `cause`, `mechanism`, `either suffices` or `therapy`.
    pub verdict: &'static str,
    /// The verdict in a sentence.
    pub sentence: String,
    /// The runs behind the verdict.
    pub but_for: Vec<ButForPage>,
}

/// The run without something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ButForPage {
    /// What was left out, in words.
    pub without: String,
    /// Its run within the page, if it is there.
    pub run: Option<String>,
    /// When the event came in that run \[h\], if it did.
    pub event_h: Option<f64>,
    /// How that run ended.
    pub outcome: String,
    /// In a sentence.
    pub words: String,
}

/// A point at which the page stops and asks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionPage {
    /// Id in the scenario.
    pub id: String,
    /// When \[h\].
    pub t: f64,
    /// The question.
    pub question: String,
    /// What to say once a choice is made.
    pub reveal: String,
    /// The choices.
    pub choices: Vec<ChoicePage>,
    /// What happened, what could be seen, what was done, and the gap.
    pub debrief: Debrief,
}

/// What a class reads beside the run, as `[teaching]` of the scenario says.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TeachingPage {
    /// Place in its course.
    pub number: Option<u32>,
    /// How long it takes in class \[min\].
    pub minutes: Option<u32>,
    /// What students can do afterwards.
    pub goals: Vec<String>,
    /// To be read before the run.
    pub introduction: String,
    /// Texts along the first run, by time.
    pub stages: Vec<StagePage>,
    /// To be asked at the end, with the answer a teacher would like to hear.
    pub questions: Vec<(String, String)>,
}

/// A text that belongs to an instant of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StagePage {
    /// From when on it may be read \[h\].
    pub t: f64,
    /// A few words.
    pub title: String,
    /// A paragraph.
    pub text: String,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChoicePage {
    /// What is chosen, in words.
    pub text: String,
    /// Why it is wise or not.
    pub reason: String,
    /// Whether the story took it.
    pub chosen: bool,
    /// The run it leads to.
    pub run: String,
    /// What followed in that run, in a sentence.
    pub followed: String,
}

/// The lines of the debrief table for one decision.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Debrief {
    /// The truth at that time.
    pub happened: String,
    /// What anybody could see.
    pub seen: String,
    /// What was done in the story.
    pub done: String,
    /// What separates them.
    pub gap: String,
}
