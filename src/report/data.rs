//! What a report is made from: plain rows, filled by whoever ran the simulation.
//!
//! Nothing here computes a result. A [`RunData`] is one run of one arm; every
//! table, figure and summary of this module is a pure function of it, so two
//! equal values give equal bytes. `NaN` in a cell means "no value".

use serde::Serialize;

/// Names of the columns that figures and summaries look for.
///
/// A table may carry more columns (they are written) or fewer (the figure that
/// needs a missing one leaves it out).
pub mod column {
    use crate::signals::Level;

    /// Time since the scenario started \[h\]; always the first column.
    pub const TIME: &str = "time_h";
    /// Rate the pump was told to deliver, by the label concentration \[ug/day\].
    pub const PROGRAMMED: &str = "programmed_ug_per_day";
    /// Rate at which drug reaches the spinal fluid \[ug/day\].
    pub const DELIVERED: &str = "delivered_ug_per_day";
    /// Concentration in cisternal fluid \[ng/mL\].
    pub const CISTERNAL: &str = "csf_cisternal_ng_per_ml";
    /// Concentration in plasma \[ng/mL\].
    pub const PLASMA: &str = "plasma_ng_per_ml";
    /// Modified Ashworth score of the legs \[0-4\].
    pub const ASHWORTH_LEGS: &str = "ashworth_legs";
    /// Modified Ashworth score of the arms \[0-4\].
    pub const ASHWORTH_ARMS: &str = "ashworth_arms";
    /// Penn spasm frequency score \[0-4\].
    pub const SPASM_SCORE: &str = "spasm_score";
    /// Withdrawal index \[0-1\].
    pub const WITHDRAWAL: &str = "withdrawal_index";
    /// Sedation index \[0-1\].
    pub const SEDATION: &str = "sedation";
    /// Heart rate \[1/min\].
    pub const HEART_RATE: &str = "heart_rate_per_min";
    /// Systolic blood pressure \[mmHg\].
    pub const BLOOD_PRESSURE: &str = "systolic_mmhg";
    /// Core temperature \[degC\].
    pub const TEMPERATURE: &str = "temperature_c";
    /// Breaths \[1/min\].
    pub const RESPIRATORY_RATE: &str = "resp_rate_per_min";
    /// True usable volume in the reservoir \[mL\].
    pub const RESERVOIR: &str = "reservoir_ml";
    /// Reservoir volume as the pump computes it \[mL\].
    pub const BELIEVED_RESERVOIR: &str = "believed_reservoir_ml";
    /// Volume that really left the pump \[mL\].
    pub const DELIVERED_VOLUME: &str = "delivered_ml";
    /// Volume that the pump counts as delivered \[mL\].
    pub const BELIEVED_DELIVERED: &str = "believed_delivered_ml";
    /// Glasgow Coma Scale \[3-15\].
    pub const GCS: &str = "gcs";

    /// Name of the spinal fluid column of one level \[ng/mL\], such as `csf_l3_ng_per_ml`.
    pub fn csf(level: Level) -> String {
        format!("csf_{}_ng_per_ml", level.lower())
    }
}

/// Everything about one run that is written, drawn or told.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct RunData {
    /// Where the numbers come from and how the run ended.
    pub meta: Meta,
    /// Samples on the output grid, as in `timeseries.csv`.
    pub table: Table,
    /// Samples for drawing. A time may stand twice: left limit, then right limit
    /// of a jump. Its columns may be a subset; a figure that misses one here
    /// takes it from [`RunData::table`].
    pub trajectory: Table,
    /// Events in the order they ran.
    pub events: Vec<EventRow>,
    /// Symptom episodes in order of onset.
    pub symptoms: Vec<SymptomRow>,
    /// Drug accounting, a row per check: `time_h`, then amounts \[ug\] by column.
    pub ledger: Table,
    /// The same for each other drug, with its id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drug_ledgers: Vec<(String, Table)>,
    /// What figures point at.
    pub markers: Vec<Marker>,
    /// What the scenario said must happen, and whether it did.
    pub expectations: Vec<ExpectationRow>,
    /// Further tables, each a file of its own.
    pub records: Vec<Record>,
    /// What the pump believes at the end, beside the truth.
    pub belief: Option<Gap>,
    /// What the run meant for the patient.
    pub outcomes: Option<crate::simulation::Outcomes>,
}

/// A table of texts and numbers, written as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Record {
    /// File name, such as `visits.csv`.
    pub file: &'static str,
    /// Column names with their units, `time_h` first where there is one.
    pub columns: &'static [&'static str],
    /// Cells as they are written; empty where there is no value.
    pub rows: Vec<Vec<String>>,
}

/// Truth and belief of the pump at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gap {
    /// Last sample \[h\].
    pub time_h: f64,
    /// True usable volume in the reservoir \[mL\].
    pub reservoir_ml: f64,
    /// The same as the pump computes it \[mL\].
    pub believed_reservoir_ml: f64,
    /// Believed less true \[mL\].
    pub reservoir_gap_ml: f64,
    /// Volume that really left the pump \[mL\].
    pub delivered_ml: f64,
    /// Volume that the pump counts \[mL\].
    pub believed_delivered_ml: f64,
    /// Believed less true \[mL\].
    pub delivered_gap_ml: f64,
}

impl Gap {
    /// From the last row of the time series; `None` without the columns.
    pub fn at_end(table: &Table) -> Option<Gap> {
        let last = table.rows.last()?;
        let cell = |name: &str| {
            let value = *last.get(table.position(name)?)?;
            value.is_finite().then_some(value + 0.0)
        };
        let (reservoir, computed) = (cell(column::RESERVOIR)?, cell(column::BELIEVED_RESERVOIR)?);
        let (delivered, counted) = (cell(column::DELIVERED_VOLUME)?, cell(column::BELIEVED_DELIVERED)?);
        Some(Gap {
            time_h: cell(column::TIME)?,
            reservoir_ml: reservoir,
            believed_reservoir_ml: computed,
            reservoir_gap_ml: computed - reservoir,
            delivered_ml: delivered,
            believed_delivered_ml: counted,
            delivered_gap_ml: counted - delivered,
        })
    }
}

/// Identity and end of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Meta {
    /// Title of the story.
    pub title: String,
    /// Name of the scenario (its file stem).
    pub scenario: String,
    /// Arm, or empty if the story has none.
    pub arm: String,
    /// Version of itbsim that ran.
    pub version: String,
    /// SHA-256 of the resolved scenario, hexadecimal.
    pub scenario_hash: String,
    /// Seed of the run.
    pub seed: u64,
    /// Replicate within the seed.
    pub replicate: u64,
    /// Draw of what is uncertain, if it is one.
    pub draw: Option<u64>,
    /// Fingerprint of everything that happened, hexadecimal.
    pub fingerprint: String,
    /// How it ended, in words.
    pub outcome: String,
    /// Largest relative error of the drug accounting \[1\].
    pub ledger_residual: f64,
    /// Hazard id of the story, such as `H-12`.
    pub hazard: Option<String>,
    /// Publications behind the story.
    pub sources: Vec<String>,
    /// End of the run \[h\]; zero takes the last sample.
    pub duration_h: f64,
    /// Files written beside the summary, in the order they were written.
    pub files: Vec<String>,
}

/// Named columns of numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Table {
    /// Column names with their units, `time_h` first.
    pub columns: Vec<String>,
    /// Rows as long as [`Table::columns`]; `NaN` where there is no value.
    pub rows: Vec<Vec<f64>>,
}

/// One event that ran.
#[derive(Debug, Clone, PartialEq, Default, Serialize, serde::Deserialize)]
pub struct EventRow {
    /// Number of the event within the run.
    pub event_id: u64,
    /// When \[h\].
    pub time_h: f64,
    /// Phase within the instant.
    pub phase: String,
    /// Component it happened to.
    pub component: String,
    /// What kind of event.
    pub kind: String,
    /// Particulars for a reader.
    pub detail: String,
    /// Event that led to it; `None` if it was given from outside.
    pub caused_by: Option<u64>,
}

/// One episode of one symptom.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SymptomRow {
    /// Registered name, such as `spasms_increased`.
    pub symptom: String,
    /// The same for a reader, such as "spasms increased".
    pub words: String,
    /// Syndrome it belongs to: `withdrawal`, `overdose` or another.
    pub syndrome: String,
    /// Start \[h\].
    pub onset_h: f64,
    /// End \[h\]; `None` if it lasted to the end of the run.
    pub resolved_h: Option<f64>,
    /// How bad, in words or as a number.
    pub severity: String,
    /// Event that led to it.
    pub caused_by: Option<u64>,
}

/// Kinds of marks in a figure, by falling importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkerKind {
    /// Something broke or was done wrong.
    Fault,
    /// The run ended or took a decisive turn.
    Outcome,
    /// Somebody did something.
    Action,
    /// The device called.
    Alarm,
    /// The reservoir was filled.
    Refill,
}

/// An instant or a span that figures point at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Marker {
    /// Start \[h\].
    pub time_h: f64,
    /// End of a span \[h\]; `None` for an instant. A span that outlasts the run may end beyond it.
    pub end_h: Option<f64>,
    /// A few words.
    pub label: String,
    /// What it is.
    pub kind: MarkerKind,
}

/// One claim of the scenario and what became of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ExpectationRow {
    /// The event or statement that was expected.
    pub claim: String,
    /// Whether the run showed it.
    pub met: bool,
    /// What the run showed, in words.
    pub found: String,
    /// Where or when it was expected, in words.
    pub window: String,
    /// Publication behind the claim, or empty.
    pub source: String,
}

/// One column against time, for drawing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Times \[h\], never falling; a repeated time is a jump.
    pub time_h: Vec<f64>,
    /// Values in the unit of the column.
    pub value: Vec<f64>,
}

impl Table {
    /// Position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// One column against `time_h`, or `None` if either is missing or there are no rows.
    pub fn series(&self, name: &str) -> Option<Series> {
        let (time, at) = (self.position(column::TIME)?, self.position(name)?);
        if self.rows.is_empty() {
            return None;
        }
        let cell = |row: &Vec<f64>, i: usize| row.get(i).copied().unwrap_or(f64::NAN);
        Some(Series {
            time_h: self.rows.iter().map(|r| cell(r, time)).collect(),
            value: self.rows.iter().map(|r| cell(r, at)).collect(),
        })
    }
}

impl Series {
    /// Largest value and its first time \[h\], or `None` if there is no number in it.
    pub fn peak(&self) -> Option<(f64, f64)> {
        let mut best: Option<(f64, f64)> = None;
        for (&t, &v) in self.time_h.iter().zip(&self.value) {
            if v.is_finite() && best.is_none_or(|(b, _)| v > b) {
                best = Some((v, t));
            }
        }
        best
    }
}

impl RunData {
    /// A column for drawing: with jumps from the trajectory, otherwise from the table.
    pub fn series(&self, name: &str) -> Option<Series> {
        self.trajectory.series(name).or_else(|| self.table.series(name))
    }

    /// End of the run \[h\]: the stated duration, or the last time of any sample.
    pub fn end_h(&self) -> f64 {
        if self.meta.duration_h > 0.0 {
            return self.meta.duration_h;
        }
        [&self.table, &self.trajectory]
            .into_iter()
            .filter_map(|t| t.rows.last()?.first().copied())
            .filter(|t| t.is_finite())
            .fold(0.0, f64::max)
    }

    /// Start of the earliest fault \[h\].
    pub fn first_fault_h(&self) -> Option<f64> {
        self.first_marker(MarkerKind::Fault).map(|m| m.time_h)
    }

    /// The earliest marker of a kind.
    pub fn first_marker(&self, kind: MarkerKind) -> Option<&Marker> {
        self.markers
            .iter()
            .filter(|m| m.kind == kind && m.time_h.is_finite())
            .min_by(|a, b| a.time_h.total_cmp(&b.time_h))
    }

    /// First onset of each symptom, in order of onset; ties by name.
    pub fn first_symptoms(&self) -> Vec<&SymptomRow> {
        let mut rows: Vec<&SymptomRow> = self.symptoms.iter().collect();
        rows.sort_by(|a, b| a.onset_h.total_cmp(&b.onset_h).then_with(|| a.symptom.cmp(&b.symptom)));
        let mut firsts: Vec<&SymptomRow> = Vec::new();
        for row in rows {
            if !firsts.iter().any(|f| f.symptom == row.symptom) {
                firsts.push(row);
            }
        }
        firsts
    }

    /// All that a summary needs, without the long tables.
    pub(crate) fn clone_identity(&self) -> RunData {
        RunData {
            meta: self.meta.clone(),
            table: Table::default(),
            trajectory: Table::default(),
            events: Vec::new(),
            symptoms: self.symptoms.clone(),
            ledger: Table::default(),
            drug_ledgers: Vec::new(),
            markers: self.markers.clone(),
            expectations: self.expectations.clone(),
            records: Vec::new(),
            belief: self.belief,
            outcomes: self.outcomes.clone(),
        }
    }

    /// Name of the arm, or of the scenario when there are no arms.
    pub fn arm_label(&self) -> &str {
        if self.meta.arm.is_empty() {
            &self.meta.scenario
        } else {
            &self.meta.arm
        }
    }
}
