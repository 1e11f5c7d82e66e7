//! Measures: a number taken from a run, a calculator or an identity, by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::simulation::RunResult;

use super::shape::{self, Points};

/// What to measure. `what` names the measure; which other fields it needs is in the
/// table below, and one that is missing is an [`AskError`].
///
/// | `what` | fields | gives |
/// |---|---|---|
/// | `value` | signal, at | the signal at an instant |
/// | `mean`, `min`, `max` | signal, from, to | over a window |
/// | `time_of_max` | signal, from, to | instant of the largest value, from `from` \[h\] |
/// | `first_above`, `last_above`, `span_above` | signal, share or level, from, to | of the peak in the window, or absolute \[h\] |
/// | `settles` | signal, share, from, to | when it comes within a share of its last value for good \[h\] |
/// | `half_life` | signal, from, to | by regression of the logarithm \[h\] |
/// | `clearance` | signal (ng/mL), dose (ug), from, to | dose over area \[mL/h\] |
/// | `apparent_volume` | as `clearance`, and at, until | clearance by half-life between `at` and `until` \[mL\] |
/// | `quotient` | signal, under, at | of two signals |
/// | `swing` | signal, from, to | largest less smallest over the smallest \[%\] |
/// | `relief` | level, from, to | 1 if Ashworth (legs) or spasm score falls by the level within the window, else 0 |
/// | `onset`, `resolved`, `lasts`, `episodes` | symptom, from | first onset, last resolution, hours present, number |
/// | `event` | event, from | first event of the name after `from` \[h\] |
/// | `happened` | symptom or event, from, to | 1 or 0 |
/// | `order` | names | 1 if all symptoms came, in this order |
/// | `alive` | | 1 or 0 at the end |
/// | `ledger` | | largest relative imbalance of the drug accounts |
/// | `calc.*` | output, with | a calculator; see [`crate::calc`] |
/// | `identity.*` | story | a mathematical identity of the program |
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Name of the measure.
    pub what: String,
    /// Story to run.
    #[serde(default)]
    pub story: Option<String>,
    /// Its arm, if it has several.
    #[serde(default)]
    pub arm: Option<String>,
    /// Substitutions in the story, or inputs of a calculator.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// Column.
    #[serde(default)]
    pub signal: Option<String>,
    /// Column that divides.
    #[serde(default)]
    pub under: Option<String>,
    /// Event name.
    #[serde(default)]
    pub event: Option<String>,
    /// Symptom name.
    #[serde(default)]
    pub symptom: Option<String>,
    /// Symptom names in order.
    #[serde(default)]
    pub names: Vec<String>,
    /// Output of a calculator.
    #[serde(default)]
    pub output: Option<String>,
    /// Instant \[h\].
    #[serde(default)]
    pub at: Option<f64>,
    /// Second instant \[h\].
    #[serde(default)]
    pub until: Option<f64>,
    /// Start of the window \[h\]; 0 without it.
    #[serde(default)]
    pub from: Option<f64>,
    /// End of the window \[h\]; the end of the run without it.
    #[serde(default)]
    pub to: Option<f64>,
    /// Share of the peak or of the last value.
    #[serde(default)]
    pub share: Option<f64>,
    /// Absolute level, in the unit of the signal.
    #[serde(default)]
    pub level: Option<f64>,
    /// Dose \[ug\].
    #[serde(default)]
    pub dose: Option<f64>,
}

/// Why a measure gave no number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// No measure of this name.
    #[error("there is no measure `{what}`{}", near(what))]
    NoMeasure {
        /// The name.
        what: String,
    },
    /// A field the measure needs is missing.
    #[error("`{what}` needs `{field}`")]
    Missing {
        /// The measure.
        what: String,
        /// The field.
        field: &'static str,
    },
    /// A value that cannot be read or used.
    #[error("`{what}`: {problem}")]
    Value {
        /// The measure.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// The story is no scenario, or too large for what is asked.
    #[error("{problem}")]
    Story {
        /// What the loader said.
        problem: String,
    },
    /// The model stopped.
    #[error("{problem}")]
    Run {
        /// What the model said.
        problem: String,
    },
    /// It did not happen in the run: a finding about the model, not a mistake.
    #[error("{what} did not happen")]
    Never {
        /// What was looked for.
        what: String,
    },
}

/// The measure that was most likely meant, for a message.
fn near(what: &str) -> String {
    match crate::scenario::nearest(what, OF_RUNS.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    }
}

impl AskError {
    /// Whether the model, rather than the question, is at fault.
    pub fn is_finding(&self) -> bool {
        matches!(self, AskError::Never { .. })
    }

    /// Whether the question or its story is at fault, rather than the model.
    pub fn is_input(&self) -> bool {
        !matches!(self, AskError::Never { .. } | AskError::Run { .. })
    }
}

/// Measures of a run, as in the table of [`Ask`].
const OF_RUNS: &[&str] = &[
    "value",
    "mean",
    "min",
    "max",
    "time_of_max",
    "first_above",
    "last_above",
    "span_above",
    "settles",
    "half_life",
    "clearance",
    "apparent_volume",
    "quotient",
    "swing",
    "relief",
    "onset",
    "resolved",
    "lasts",
    "episodes",
    "event",
    "happened",
    "order",
    "alive",
    "ledger",
];

impl Ask {
    /// Whether there is such a measure, before anything is run for it.
    ///
    /// # Errors
    /// [`AskError::NoMeasure`], with the measure that was most likely meant; [`AskError::Missing`] without a story.
    pub(super) fn known(&self) -> Result<(), AskError> {
        // What calculators and identities there are, they know themselves, at once.
        if self.what.starts_with("calc.") || self.what.starts_with("identity.") {
            return Ok(());
        }
        if !OF_RUNS.contains(&self.what.as_str()) {
            return Err(AskError::NoMeasure {
                what: self.what.clone(),
            });
        }
        if self.story.is_none() {
            return Err(self.missing("story"));
        }
        Ok(())
    }

    fn missing(&self, field: &'static str) -> AskError {
        AskError::Missing {
            what: self.what.clone(),
            field,
        }
    }

    /// The number behind a field.
    pub(super) fn number(&self, field: &'static str, value: Option<f64>) -> Result<f64, AskError> {
        value.ok_or_else(|| self.missing(field))
    }

    fn text<'a>(&self, field: &'static str, value: &'a Option<String>) -> Result<&'a str, AskError> {
        value.as_deref().ok_or_else(|| self.missing(field))
    }

    /// An input of a calculator.
    pub(super) fn input(&self, name: &str) -> Result<f64, AskError> {
        let problem = |p: String| AskError::Value {
            what: self.what.clone(),
            problem: p,
        };
        let text = self
            .with
            .get(name)
            .ok_or_else(|| problem(format!("no input `{name}`")))?;
        text.parse()
            .map_err(|_| problem(format!("{name} = `{text}` is no number")))
    }

    /// Column within the window.
    fn points(&self, run: &RunResult, signal: &str) -> Result<Points, AskError> {
        let column = |name: &str| {
            run.columns
                .iter()
                .position(|c| c == name)
                .ok_or_else(|| AskError::Value {
                    what: self.what.clone(),
                    problem: format!("there is no signal `{name}`"),
                })
        };
        let at = column(signal)?;
        let (from, to) = (self.from.unwrap_or(0.0), self.to.unwrap_or(f64::INFINITY));
        let points: Points = run
            .rows
            .iter()
            .filter(|r| r[0] >= from - 1e-9 && r[0] <= to + 1e-9)
            .map(|r| (r[0], r[at]))
            .collect();
        if points.is_empty() {
            return Err(AskError::Value {
                what: self.what.clone(),
                problem: format!("no samples of `{signal}` from {from} h"),
            });
        }
        Ok(points)
    }

    /// Takes the measure from a run.
    ///
    /// # Errors
    /// [`AskError`]; [`AskError::Never`] if what it looks for did not happen.
    pub fn measure(&self, run: &RunResult) -> Result<f64, AskError> {
        let from = self.from.unwrap_or(0.0);
        let never = |what: &str| AskError::Never { what: what.to_owned() };
        let series = || self.points(run, self.text("signal", &self.signal)?);
        let threshold = |points: &Points| match (self.share, self.level) {
            (Some(share), None) => Ok(share * shape::peak(points).1),
            (None, Some(level)) => Ok(level),
            _ => Err(self.missing("share or level")),
        };
        let symptom = || self.text("symptom", &self.symptom);
        let episodes = |name: &str| {
            run.symptoms
                .iter()
                .filter(|s| s.symptom == name && s.onset_h >= from - 1e-9)
                .collect::<Vec<_>>()
        };
        let end = run.outcome.ended_h;
        match self.what.as_str() {
            "value" => shape::at(&series()?, self.number("at", self.at)?).ok_or_else(|| never("a sample there")),
            "mean" => Ok(shape::mean(&series()?)),
            "min" => Ok(shape::lowest(&series()?)),
            "max" => Ok(shape::peak(&series()?).1),
            "time_of_max" => Ok(shape::peak(&series()?).0 - from),
            "first_above" => {
                let points = series()?;
                let level = threshold(&points)?;
                shape::first_above(&points, level)
                    .map(|t| t - from)
                    .ok_or_else(|| never("the level"))
            }
            "last_above" => {
                let points = series()?;
                let level = threshold(&points)?;
                shape::last_above(&points, level)
                    .map(|t| t - from)
                    .ok_or_else(|| never("the level"))
            }
            "span_above" => {
                let points = series()?;
                let level = threshold(&points)?;
                match (shape::first_above(&points, level), shape::last_above(&points, level)) {
                    (Some(a), Some(b)) => Ok(b - a),
                    _ => Err(never("the level")),
                }
            }
            "settles" => Ok(shape::settles(&series()?, self.number("share", self.share)?) - from),
            "half_life" => shape::half_life(&series()?).ok_or_else(|| never("a decline")),
            // ng/mL h and ug: 1000 ng in a ug.
            "clearance" => Ok(1000.0 * self.number("dose", self.dose)? / shape::area(&series()?)),
            "apparent_volume" => {
                let points = series()?;
                let (at, until) = (self.number("at", self.at)?, self.number("until", self.until)?);
                let decline: Points = points.iter().copied().filter(|p| p.0 >= at && p.0 <= until).collect();
                let half_life = shape::half_life(&decline).ok_or_else(|| never("a decline"))?;
                let clearance = 1000.0 * self.number("dose", self.dose)? / shape::area(&points);
                Ok(clearance * half_life / std::f64::consts::LN_2)
            }
            "quotient" => {
                let at = self.number("at", self.at)?;
                let under = self.points(run, self.text("under", &self.under)?)?;
                match (shape::at(&series()?, at), shape::at(&under, at)) {
                    (Some(a), Some(b)) if b != 0.0 => Ok(a / b),
                    _ => Err(never("a denominator")),
                }
            }
            "swing" => {
                let points = series()?;
                let low = shape::lowest(&points);
                Ok(100.0 * (shape::peak(&points).1 - low) / low)
            }
            "relief" => {
                let level = self.number("level", self.level)?;
                let mut yes = false;
                for signal in ["ashworth_legs", "spasm_score"] {
                    let points = self.points(run, signal)?;
                    yes |= points[0].1 - shape::lowest(&points) >= level;
                }
                Ok(f64::from(yes))
            }
            "onset" => {
                let name = symptom()?;
                episodes(name)
                    .first()
                    .map(|s| s.onset_h - from)
                    .ok_or_else(|| never(name))
            }
            "resolved" => {
                let name = symptom()?;
                episodes(name)
                    .last()
                    .and_then(|s| s.resolved_h)
                    .map(|t| t - from)
                    .ok_or_else(|| never(&format!("the end of {name}")))
            }
            "lasts" => {
                let name = symptom()?;
                let all = episodes(name);
                if all.is_empty() {
                    return Err(never(name));
                }
                Ok(all
                    .iter()
                    .map(|s| s.resolved_h.unwrap_or(end) - s.onset_h)
                    .fold(0.0, |a, b| a + b))
            }
            "episodes" => Ok(episodes(symptom()?).len() as f64),
            "event" => {
                let name = self.text("event", &self.event)?;
                run.events
                    .iter()
                    .find(|e| e.time_h >= from - 1e-9 && e.name() == name)
                    .map(|e| e.time_h - from)
                    .ok_or_else(|| never(name))
            }
            "happened" => {
                let to = self.to.unwrap_or(f64::INFINITY);
                let yes = match (&self.symptom, &self.event) {
                    (Some(name), None) => episodes(name).iter().any(|s| s.onset_h <= to),
                    (None, Some(name)) => run
                        .events
                        .iter()
                        .any(|e| e.time_h >= from - 1e-9 && e.time_h <= to && e.name() == *name),
                    _ => return Err(self.missing("symptom or event")),
                };
                Ok(f64::from(yes))
            }
            "order" => {
                if self.names.len() < 2 {
                    return Err(self.missing("names"));
                }
                let mut last = f64::NEG_INFINITY;
                for name in &self.names {
                    let onset = episodes(name).first().map(|s| s.onset_h).ok_or_else(|| never(name))?;
                    if onset < last {
                        return Ok(0.0);
                    }
                    last = onset;
                }
                Ok(1.0)
            }
            "alive" => Ok(f64::from(run.outcome.status == "alive")),
            "ledger" => Ok(run.ledger_residual),
            _ => Err(AskError::NoMeasure {
                what: self.what.clone(),
            }),
        }
    }
}
