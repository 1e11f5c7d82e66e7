//! The page of a batch or a sensitivity study: bands, incidences with numbers at risk, forest
//! and tornado, from the tables in its folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::html::{Extras, SCRIPT_BATCH, script_safe, shell};
use super::thin::rounded;

/// Times of a band that stay; wider ones are thinned evenly.
const MOST_TIMES: usize = 160;
/// Points of a curve that stay.
const MOST_POINTS: usize = 300;
/// Rows of a table that are embedded.
const MOST_ROWS: usize = 600;
/// Tables shown as they are.
const TABLES: [&str; 6] = [
    "outcomes.csv",
    "times.csv",
    "differences.csv",
    "failures.csv",
    "sensitivity.csv",
    "matrix.csv",
];

/// Why the page of a folder could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchPageError {
    /// The folder has no summary of a batch or of a sensitivity study.
    #[error("`{}` holds no batch and no sensitivity study: {reason}", path.display())]
    NoBatch {
        /// The folder.
        path: PathBuf,
        /// What is wrong with its `summary.json`.
        reason: String,
    },
    /// A table cannot be read.
    #[error("`{}`: {reason}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The page would be too large.
    #[error("the page would have {bytes} bytes, above the limit of {limit}")]
    TooLarge {
        /// Bytes of the page.
        bytes: usize,
        /// Most that are accepted.
        limit: usize,
    },
}

/// Quantiles of one signal of one arm over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct Band {
    arm: String,
    stratum: String,
    signal: String,
    t: Vec<f64>,
    /// Level of each quantile, rising.
    levels: Vec<f64>,
    /// Values by level.
    v: Vec<Vec<f64>>,
    /// Fewest replicates behind a time, and of how many.
    n: f64,
    of: f64,
}

/// A step curve with its interval and numbers at risk.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct Curve {
    /// `incidence` or `survival`.
    kind: &'static str,
    arm: String,
    stratum: String,
    event: String,
    t: Vec<f64>,
    value: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    at_risk: Vec<f64>,
    events: Vec<f64>,
    n: f64,
    of: f64,
}

/// A table as text.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct Sheet {
    file: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Rows in the file.
    total: usize,
}

/// All that the page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct BatchPage {
    /// `batch` or `sensitivity`.
    kind: String,
    /// The summary without its arms.
    summary: Value,
    bands: Vec<Band>,
    curves: Vec<Curve>,
    sheets: Vec<Sheet>,
    end_h: f64,
}

/// The page of the folder of a batch or a sensitivity study.
///
/// # Errors
/// [`BatchPageError`] if the folder holds neither, a table cannot be read, or the page would be
/// too large.
pub fn page_of_batch(folder: &Path) -> Result<String, BatchPageError> {
    let none = |reason: String| BatchPageError::NoBatch {
        path: folder.to_path_buf(),
        reason,
    };
    let text = std::fs::read_to_string(folder.join("summary.json")).map_err(|e| none(format!("summary.json: {e}")))?;
    let mut summary: Value = serde_json::from_str(&text).map_err(|e| none(format!("summary.json: {e}")))?;
    let kind = summary.get("kind").and_then(Value::as_str).unwrap_or("").to_owned();
    if !matches!(kind.as_str(), "batch" | "sensitivity") {
        return Err(none("its summary is of another kind".to_owned()));
    }
    if let Some(map) = summary.as_object_mut() {
        // The tables say the same.
        map.remove("arms");
        map.remove("outcomes");
    }
    let bands = bands(folder)?;
    let mut curves = curves(folder, "incidence.csv", "incidence", "cause")?;
    curves.extend(self::curves(folder, "survival.csv", "survival", "event")?);
    let mut sheets = Vec::new();
    for file in TABLES {
        if folder.join(file).is_file() {
            sheets.push(sheet(folder, file)?);
        }
    }
    let last = |t: &Vec<f64>| t.last().copied().unwrap_or(0.0);
    let end_h = bands
        .iter()
        .map(|b| last(&b.t))
        .chain(curves.iter().map(|c| last(&c.t)))
        .fold(0.0, f64::max);
    let page = BatchPage {
        kind,
        summary,
        bands,
        curves,
        sheets,
        end_h,
    };
    let title = page.summary.get("title").or(page.summary.get("scenario"));
    let title = title.and_then(Value::as_str).unwrap_or("batch").to_owned();
    let html = shell(&title, &script_safe(&page), &SCRIPT_BATCH, &Extras::default());
    if html.len() > super::SIZE_LIMIT {
        return Err(BatchPageError::TooLarge {
            bytes: html.len(),
            limit: super::SIZE_LIMIT,
        });
    }
    Ok(html)
}

/// Columns and rows of a table; nothing if the file is not there.
fn read(folder: &Path, file: &str) -> Result<(Vec<String>, Vec<csv::StringRecord>), BatchPageError> {
    let path = folder.join(file);
    if !path.is_file() {
        return Ok((Vec::new(), Vec::new()));
    }
    let wrong = |e: csv::Error| BatchPageError::Table {
        path: path.clone(),
        reason: e.to_string(),
    };
    let mut reader = csv::Reader::from_path(&path).map_err(wrong)?;
    let head = reader.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
    let rows = reader.records().collect::<Result<_, _>>().map_err(wrong)?;
    Ok((head, rows))
}

/// Reads named cells of a row.
struct Cells<'a> {
    head: &'a [String],
    row: &'a csv::StringRecord,
}

impl Cells<'_> {
    fn text(&self, name: &str) -> &str {
        let at = self.head.iter().position(|h| h == name);
        at.and_then(|at| self.row.get(at)).unwrap_or("")
    }

    fn number(&self, name: &str) -> f64 {
        self.text(name).parse().unwrap_or(f64::NAN)
    }
}

/// Time, level, value, replicates counted, replicates asked for.
type BandPoint = (f64, f64, f64, f64, f64);

fn bands(folder: &Path) -> Result<Vec<Band>, BatchPageError> {
    let (head, rows) = read(folder, "bands.csv")?;
    // By arm, stratum and signal in the order of the file; then by time; then by level.
    let mut order: Vec<[String; 3]> = Vec::new();
    let mut found: BTreeMap<[String; 3], Vec<BandPoint>> = BTreeMap::new();
    for row in &rows {
        let cells = Cells { head: &head, row };
        let key = ["arm", "stratum", "signal"].map(|k| cells.text(k).to_owned());
        if !found.contains_key(&key) {
            order.push(key.clone());
        }
        found.entry(key).or_default().push((
            cells.number("time_h"),
            cells.number("level"),
            cells.number("value"),
            cells.number("n"),
            cells.number("of"),
        ));
    }
    let mut out = Vec::new();
    for key in order {
        let Some(points) = found.get(&key) else { continue };
        let mut levels: Vec<f64> = points.iter().map(|p| p.1).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let mut times: Vec<f64> = points.iter().map(|p| p.0).collect();
        times.dedup();
        let step = times.len().div_ceil(MOST_TIMES).max(1);
        let kept: Vec<f64> = times
            .iter()
            .enumerate()
            .filter(|(i, _)| i % step == 0 || i + 1 == times.len())
            .map(|(_, t)| *t)
            .collect();
        let mut v = vec![vec![f64::NAN; kept.len()]; levels.len()];
        for (t, level, value, _, _) in points {
            let place = kept.binary_search_by(|k| k.total_cmp(t)).ok();
            let row = levels.binary_search_by(|l| l.total_cmp(level)).ok();
            if let (Some(column), Some(row)) = (place, row) {
                v[row][column] = rounded(*value);
            }
        }
        let [arm, stratum, signal] = key;
        out.push(Band {
            arm,
            stratum,
            signal,
            t: kept,
            levels,
            v,
            n: points.iter().map(|p| p.3).fold(f64::INFINITY, f64::min).round(),
            of: points.first().map_or(0.0, |p| p.4),
        });
    }
    Ok(out)
}

fn curves(folder: &Path, file: &str, kind: &'static str, event: &str) -> Result<Vec<Curve>, BatchPageError> {
    let (head, rows) = read(folder, file)?;
    let mut out: Vec<Curve> = Vec::new();
    for row in &rows {
        let cells = Cells { head: &head, row };
        let key = ["arm", "stratum", event].map(|k| cells.text(k));
        let place = out
            .iter()
            .position(|c| [&c.arm, &c.stratum, &c.event].map(String::as_str) == key);
        let curve = match place {
            Some(i) => &mut out[i],
            None => {
                out.push(Curve {
                    kind,
                    arm: key[0].to_owned(),
                    stratum: key[1].to_owned(),
                    event: key[2].to_owned(),
                    n: cells.number("n"),
                    of: cells.number("of"),
                    ..Curve::default()
                });
                let last = out.len() - 1;
                &mut out[last]
            }
        };
        curve.t.push(cells.number("time_h"));
        curve.value.push(rounded(cells.number(kind)));
        curve.low.push(rounded(cells.number("low")));
        curve.high.push(rounded(cells.number("high")));
        curve.at_risk.push(cells.number("at_risk"));
        curve.events.push(cells.number("events"));
    }
    for curve in &mut out {
        let n = curve.t.len();
        let step = n.div_ceil(MOST_POINTS).max(1);
        let keep = |i: usize| i.is_multiple_of(step) || i + 1 == n;
        for column in [
            &mut curve.t,
            &mut curve.value,
            &mut curve.low,
            &mut curve.high,
            &mut curve.at_risk,
            &mut curve.events,
        ] {
            let kept: Vec<f64> = column
                .iter()
                .enumerate()
                .filter(|(i, _)| keep(*i))
                .map(|(_, x)| *x)
                .collect();
            *column = kept;
        }
    }
    Ok(out)
}

fn sheet(folder: &Path, file: &str) -> Result<Sheet, BatchPageError> {
    let (head, rows) = read(folder, file)?;
    Ok(Sheet {
        file: file.to_owned(),
        head,
        total: rows.len(),
        rows: rows
            .iter()
            .take(MOST_ROWS)
            .map(|r| r.iter().map(str::to_owned).collect())
            .collect(),
    })
}
