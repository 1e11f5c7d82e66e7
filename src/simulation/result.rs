//! What a run leaves behind.

use serde::{Deserialize, Serialize};

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResult {
    /// Names of the columns, unit in the name; `time_h` first.
    pub columns: Vec<String>,
    /// Output rows on the sampling grid, settled values.
    pub rows: Vec<Vec<f64>>,
    /// The same columns for drawing: the grid and both limits of every jump.
    pub trajectory: Vec<Vec<f64>>,
    /// Every event but observers, in order.
    pub events: Vec<EventRow>,
    /// Every episode of every symptom.
    pub symptoms: Vec<SymptomRow>,
    /// Where the drug is, on the sampling grid.
    pub ledger: Vec<LedgerRow>,
    /// The same for each other drug, with its id.
    pub drug_ledgers: Vec<(String, Vec<LedgerRow>)>,
    /// Alarms from first tone to last, in the order in which they were raised.
    pub alarms: Vec<AlarmRow>,
    /// The pump's own log at the end of the run.
    pub device_log: Vec<DeviceLogRow>,
    /// What the syringe said at each visit.
    pub visits: Vec<VisitRow>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it meant for the patient.
    pub outcomes: super::outcomes::Outcomes,
    /// Hash over all events.
    pub fingerprint: u64,
    /// Largest relative imbalance seen at any event.
    pub ledger_residual: f64,
    /// The scenario's claims, tested.
    pub expectations: Vec<Verdict>,
    /// The assembled linear system, if it was asked for.
    pub system: Option<super::system::SystemTrace>,
    /// Number of events run, observers excluded.
    pub event_count: u64,
}

/// One line of `events.csv`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventRow {
    /// Number of the event, from 1.
    pub event_id: u64,
    /// When \[h\].
    pub time_h: f64,
    /// Phase of the instant.
    pub phase: String,
    /// What it happened to.
    pub component: String,
    /// What happened.
    pub kind: String,
    /// In words, with values.
    pub detail: String,
    /// Event behind it; 0 is the start of the scenario.
    pub caused_by: u64,
}

impl EventRow {
    /// `component.kind`, the name a scenario uses.
    pub fn name(&self) -> String {
        format!("{}.{}", self.component, self.kind)
    }
}

/// One line of `symptoms.csv`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SymptomRow {
    /// Name.
    pub symptom: String,
    /// In words.
    pub words: String,
    /// `withdrawal`, `overdose` or `therapy`.
    pub syndrome: String,
    /// Onset \[h\].
    pub onset_h: f64,
    /// Resolution \[h\], if it resolved.
    pub resolved_h: Option<f64>,
    /// Largest value of its driving signal during the episode.
    pub severity: f64,
    /// Event that set it off.
    pub caused_by: u64,
}

/// One line of `ledger.csv`; all in ug.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// When \[h\].
    pub time_h: f64,
    /// Put into the pump, tube and catheter so far, the start included.
    pub filled_ug: f64,
    /// In the reservoir.
    pub reservoir_ug: f64,
    /// In tube and catheter.
    pub catheter_ug: f64,
    /// Left the system into the spinal fluid so far.
    pub delivered_ug: f64,
    /// Left the system elsewhere so far (leak, epidural, subdural, under the skin).
    pub leaked_ug: f64,
    /// Drawn out of the reservoir so far.
    pub aspirated_ug: f64,
    /// Given straight to the body so far (needle, tablets, pocket fill).
    pub given_ug: f64,
    /// In the body at the start (established therapy).
    pub initial_ug: f64,
    /// In the body now.
    pub body_ug: f64,
    /// Eliminated so far.
    pub eliminated_ug: f64,
    /// Imbalance of device and body relative to all drug in the ledger.
    pub residual: f64,
}

/// One line of `alarms.csv`: an alarm from its first tone to its last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlarmRow {
    /// Name, such as `low_reservoir`.
    pub alarm: String,
    /// The device's scheme: `critical` or `non-critical`.
    pub class: String,
    /// Priority by IEC 60601-1-8: `high`, `medium` or `low`.
    pub priority: String,
    /// First tone \[h\].
    pub raised_h: f64,
    /// Session with the programmer that ended the tone while the condition lasted \[h\].
    pub silenced_h: Option<f64>,
    /// End of the condition \[h\].
    pub cleared_h: Option<f64>,
    /// Tones sounded, up to the end of the run if nothing ended them.
    pub tones: u64,
    /// When somebody first heard one \[h\].
    pub heard_h: Option<f64>,
    /// Which tone that was, from 1.
    pub heard_tone: Option<u64>,
}

/// One line of `device_log.csv`: what the pump itself wrote down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceLogRow {
    /// When \[h\].
    pub time_h: f64,
    /// Entry, such as `alarm.motor_stall` or `programme.maintenance`.
    pub entry: String,
    /// Class of an alarm, or empty.
    pub class: String,
    /// Priority of an alarm by IEC 60601-1-8, or empty.
    pub priority: String,
}

/// One line of `visits.csv`: the programmer's arithmetic against the syringe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VisitRow {
    /// When \[h\].
    pub time_h: f64,
    /// Id of the act.
    pub visit: String,
    /// Volume the device computed \[mL\].
    pub expected_ml: f64,
    /// Volume read from the syringe, with its error \[mL\]; `None` if nothing was drawn.
    pub aspirated_ml: Option<f64>,
    /// Volume injected, wherever it went \[mL\].
    pub injected_ml: f64,
    /// Aspirated less expected \[mL\].
    pub discrepancy_ml: Option<f64>,
    /// The same relative to expected \[%\]; `None` if nothing was expected.
    pub percent: Option<f64>,
    /// `as expected`, `more than expected`, `less than expected` or `not aspirated`.
    pub verdict: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// `alive` or `dead`.
    pub status: &'static str,
    /// Cause of death.
    pub cause: Option<String>,
    /// When the run ended \[h\].
    pub ended_h: f64,
}

/// A claim of the scenario, tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Line of the claim in the scenario file.
    pub line: usize,
    /// The claim in words.
    pub claim: String,
    /// Whether the run met it.
    pub met: bool,
    /// What the run did instead, or the value found.
    pub found: String,
    /// Source of the claim.
    pub source: String,
}
