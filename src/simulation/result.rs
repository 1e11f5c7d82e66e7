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
    /// How it ended.
    pub outcome: Outcome,
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
