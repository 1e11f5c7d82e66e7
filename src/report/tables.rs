//! The tables of a run: CSV for spreadsheets, JSON for programs.
//!
//! Numbers print as the shortest text that reads back to the same bits, negative
//! zero prints as zero, a missing value is an empty cell, lines end in `\n`.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use super::{DISCLAIMER, ReportError, RunData, RunFolder, Table};

/// Largest magnitude that is still printed without an exponent.
const PLAIN_BELOW: f64 = 1e16;
/// Smallest magnitude that is still printed without an exponent.
const PLAIN_FROM: f64 = 1e-5;

/// Appends a number as the shortest text that reads back to the same bits.
///
/// `NaN` appends nothing: it stands for a missing value.
pub fn push_number(text: &mut String, x: f64) {
    // Writing to a String cannot fail.
    let _ = match x {
        x if x.is_nan() => Ok(()),
        0.0 => text.write_char('0'),
        x if !x.is_finite() || (PLAIN_FROM..PLAIN_BELOW).contains(&x.abs()) => write!(text, "{x}"),
        x => write!(text, "{x:e}"),
    };
}

/// A number as [`push_number`] writes it.
pub fn number(x: f64) -> String {
    let mut text = String::new();
    push_number(&mut text, x);
    text
}

/// Writes a table of numbers as CSV.
///
/// # Errors
/// [`ReportError::Ragged`] if a row does not fit the columns, [`ReportError::Io`]
/// if the writer fails. `name` only serves the message.
pub fn write_numbers(name: &'static str, table: &Table, to: &mut dyn io::Write) -> Result<(), ReportError> {
    let mut csv = writer(to);
    csv.write_record(&table.columns).map_err(|e| csv_error(name, e))?;
    let mut cell = String::new();
    for (row, values) in table.rows.iter().enumerate() {
        if values.len() != table.columns.len() {
            return Err(ReportError::Ragged {
                table: name,
                row,
                cells: values.len(),
                columns: table.columns.len(),
            });
        }
        for &value in values {
            cell.clear();
            push_number(&mut cell, value);
            csv.write_field(&cell).map_err(|e| csv_error(name, e))?;
        }
        csv.write_record(None::<&[u8]>).map_err(|e| csv_error(name, e))?;
    }
    csv.flush().map_err(|e| io_error(name, e))
}

/// Writes `timeseries.csv`.
///
/// # Errors
/// As [`write_numbers`].
pub fn write_timeseries(run: &RunData, to: &mut dyn io::Write) -> Result<(), ReportError> {
    write_numbers("timeseries.csv", &run.table, to)
}

/// Writes `ledger.csv`.
///
/// # Errors
/// As [`write_numbers`].
pub fn write_ledger(run: &RunData, to: &mut dyn io::Write) -> Result<(), ReportError> {
    write_numbers("ledger.csv", &run.ledger, to)
}

/// Writes `events.csv`: `event_id,time_h,phase,component,kind,detail,caused_by`;
/// what nothing caused names 0, the start of the scenario.
///
/// # Errors
/// [`ReportError::Io`] if the writer fails.
pub fn write_events(run: &RunData, to: &mut dyn io::Write) -> Result<(), ReportError> {
    const NAME: &str = "events.csv";
    let mut csv = writer(to);
    csv.write_record([
        "event_id",
        "time_h",
        "phase",
        "component",
        "kind",
        "detail",
        "caused_by",
    ])
    .map_err(|e| csv_error(NAME, e))?;
    for e in &run.events {
        csv.write_record([
            &e.event_id.to_string(),
            &number(e.time_h),
            &e.phase,
            &e.component,
            &e.kind,
            &e.detail,
            &optional(e.caused_by),
        ])
        .map_err(|e| csv_error(NAME, e))?;
    }
    csv.flush().map_err(|e| io_error(NAME, e))
}

/// Writes `symptoms.csv`: `symptom,syndrome,onset_h,resolved_h,severity,caused_by`.
///
/// # Errors
/// [`ReportError::Io`] if the writer fails.
pub fn write_symptoms(run: &RunData, to: &mut dyn io::Write) -> Result<(), ReportError> {
    const NAME: &str = "symptoms.csv";
    let mut csv = writer(to);
    csv.write_record(["symptom", "syndrome", "onset_h", "resolved_h", "severity", "caused_by"])
        .map_err(|e| csv_error(NAME, e))?;
    for s in &run.symptoms {
        csv.write_record([
            &s.symptom,
            &s.syndrome,
            &number(s.onset_h),
            &s.resolved_h.map(number).unwrap_or_default(),
            &s.severity,
            &optional(s.caused_by),
        ])
        .map_err(|e| csv_error(NAME, e))?;
    }
    csv.flush().map_err(|e| io_error(NAME, e))
}

/// Writes a table of ready cells under its columns.
///
/// # Errors
/// [`ReportError::Ragged`] if a row does not fit the columns, [`ReportError::Io`] if the
/// writer fails.
pub fn write_record(record: &super::Record, to: &mut dyn io::Write) -> Result<(), ReportError> {
    let mut csv = writer(to);
    csv.write_record(record.columns)
        .map_err(|e| csv_error(record.file, e))?;
    for (row, cells) in record.rows.iter().enumerate() {
        if cells.len() != record.columns.len() {
            return Err(ReportError::Ragged {
                table: record.file,
                row,
                cells: cells.len(),
                columns: record.columns.len(),
            });
        }
        csv.write_record(cells).map_err(|e| csv_error(record.file, e))?;
    }
    csv.flush().map_err(|e| io_error(record.file, e))
}

/// Writes `summary.json`: identity, outcome, first symptoms, expectations.
///
/// # Errors
/// [`ReportError::Io`] if the writer fails.
pub fn write_summary(run: &RunData, to: &mut dyn io::Write) -> Result<(), ReportError> {
    const NAME: &str = "summary.json";
    let mut text = serde_json::to_string_pretty(&Summary::of(run)).map_err(|e| ReportError::Encode {
        table: NAME,
        reason: e.to_string(),
    })?;
    text.push('\n');
    to.write_all(text.as_bytes()).map_err(|e| io_error(NAME, e))
}

/// Writes all tables of a run into a folder.
///
/// # Errors
/// As the single writers.
pub fn write_all(run: &RunData, folder: &mut RunFolder) -> Result<(), ReportError> {
    write_all_under(run, "", folder)
}

/// As [`write_all`], with `prefix` (empty, or a sub-folder and a slash) before each name.
///
/// # Errors
/// As [`write_all`].
pub fn write_all_under(run: &RunData, prefix: &str, folder: &mut RunFolder) -> Result<(), ReportError> {
    write_tables_under(run, prefix, folder)?;
    write_summary_under(run, prefix, folder)
}

/// Writes the CSV tables, but not yet the summary.
///
/// # Errors
/// As the single writers.
pub fn write_tables_under(run: &RunData, prefix: &str, folder: &mut RunFolder) -> Result<(), ReportError> {
    let name = |file: &str| format!("{prefix}{file}");
    folder.write_with(&name("timeseries.csv"), |w| write_timeseries(run, w))?;
    folder.write_with(&name("events.csv"), |w| write_events(run, w))?;
    folder.write_with(&name("symptoms.csv"), |w| write_symptoms(run, w))?;
    folder.write_with(&name("ledger.csv"), |w| write_ledger(run, w))?;
    for (drug, table) in &run.drug_ledgers {
        let file = name(&format!("ledger_{drug}.csv"));
        folder.write_with(&file, |w| write_numbers("ledger of another drug", table, w))?;
    }
    for record in &run.records {
        folder.write_with(&name(record.file), |w| write_record(record, w))?;
    }
    Ok(())
}

/// Writes `summary.json` after everything else, naming the files below `prefix` that are
/// already in the folder and itself.
///
/// # Errors
/// As [`write_summary`].
pub fn write_summary_under(run: &RunData, prefix: &str, folder: &mut RunFolder) -> Result<(), ReportError> {
    const NAME: &str = "summary.json";
    let mut told = run.clone_identity();
    told.meta.files = folder
        .written()
        .filter_map(|f| f.strip_prefix(prefix))
        .filter(|f| *f != NAME)
        .map(str::to_owned)
        .collect();
    told.meta.files.push(NAME.to_owned());
    folder.write_with(&format!("{prefix}{NAME}"), |w| write_summary(&told, w))
}

/// The content of `summary.json` as a value.
pub fn summary_value(run: &RunData) -> serde_json::Value {
    serde_json::to_value(Summary::of(run)).unwrap_or_default()
}

/// Content of `summary.json`, in the order of its keys.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    written_by: &'static str,
    version: &'a str,
    title: &'a str,
    scenario: &'a str,
    arm: &'a str,
    scenario_hash: &'a str,
    seed: u64,
    replicate: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<u64>,
    fingerprint: &'a str,
    outcome: &'a str,
    duration_h: f64,
    ledger_residual: Option<f64>,
    hazard: Option<&'a str>,
    sources: &'a [String],
    first_fault_h: Option<f64>,
    first_symptoms: Vec<FirstSymptom<'a>>,
    belief: Option<super::Gap>,
    outcomes: Option<&'a crate::simulation::Outcomes>,
    expectations_met: usize,
    expectations_total: usize,
    expectations: &'a [super::ExpectationRow],
    files: &'a [String],
    disclaimer: &'static str,
}

#[derive(Debug, Serialize)]
struct FirstSymptom<'a> {
    symptom: &'a str,
    syndrome: &'a str,
    onset_h: f64,
    hours_after_fault: Option<f64>,
}

impl<'a> Summary<'a> {
    fn of(run: &'a RunData) -> Self {
        let fault = run.first_fault_h();
        let meta = &run.meta;
        Summary {
            written_by: super::folder::WRITER,
            version: &meta.version,
            title: &meta.title,
            scenario: &meta.scenario,
            arm: &meta.arm,
            scenario_hash: &meta.scenario_hash,
            seed: meta.seed,
            replicate: meta.replicate,
            draw: meta.draw,
            fingerprint: &meta.fingerprint,
            outcome: &meta.outcome,
            duration_h: positive_zero(run.end_h()),
            ledger_residual: Some(positive_zero(meta.ledger_residual)).filter(|x| x.is_finite()),
            hazard: meta.hazard.as_deref(),
            sources: &meta.sources,
            first_fault_h: fault.map(positive_zero),
            first_symptoms: run
                .first_symptoms()
                .into_iter()
                .map(|s| FirstSymptom {
                    symptom: &s.symptom,
                    syndrome: &s.syndrome,
                    onset_h: positive_zero(s.onset_h),
                    hours_after_fault: fault.map(|f| positive_zero(s.onset_h - f)).filter(|&d| d >= 0.0),
                })
                .collect(),
            belief: run.belief,
            outcomes: run.outcomes.as_ref(),
            expectations_met: run.expectations.iter().filter(|e| e.met).count(),
            expectations_total: run.expectations.len(),
            expectations: &run.expectations,
            files: &meta.files,
            disclaimer: DISCLAIMER,
        }
    }
}

fn positive_zero(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x }
}

fn optional(id: Option<u64>) -> String {
    // The start of the scenario counts as event 0, so that the column is always a whole number.
    id.unwrap_or(0).to_string()
}

fn writer(to: &mut dyn io::Write) -> csv::Writer<&mut dyn io::Write> {
    csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(to)
}

fn io_error(name: &'static str, source: io::Error) -> ReportError {
    ReportError::Io {
        doing: "write",
        path: name.into(),
        source,
    }
}

fn csv_error(name: &'static str, error: csv::Error) -> ReportError {
    // The kind must survive: a closed pipe inside a csv error is still a closed pipe.
    match error.into_kind() {
        csv::ErrorKind::Io(source) => io_error(name, source),
        other => ReportError::Encode {
            table: name,
            reason: format!("{other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_to_the_same_bits_and_zero_has_no_sign() {
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(f64::NAN), "");
        assert_eq!(number(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(number(1e-7), "1e-7");
        assert_eq!(number(-2.5e20), "-2.5e20");
        assert_eq!(number(720.0), "720");
        for x in [1.0 / 3.0, 5e-324, f64::MAX, 1e16, 9.99e15, 1e-5, 123456.789] {
            assert_eq!(number(x).parse::<f64>().unwrap().to_bits(), x.to_bits());
        }
    }
}
