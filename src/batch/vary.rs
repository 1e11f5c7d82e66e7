//! Runs of one scenario with parameters moved through their ranges.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::prelude::*;

use crate::numerics::Draws;
use crate::parameters::{self, Parameter};
use crate::population::{self, VirtualPatient};
use crate::scenario::model::Scenario;
use crate::simulation::{Registry, Run, RunOptions, columns};

/// One parameter and the range it moves through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The parameter.
    pub parameter: &'static Parameter,
    /// Lower end \[its unit\].
    pub low: f64,
    /// Upper end \[its unit\].
    pub high: f64,
}

/// What cannot be varied, or asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VaryError {
    /// No parameter begins like this.
    #[error("no parameter is called `{pattern}` or begins with it")]
    Unknown {
        /// As written.
        pattern: String,
    },
    /// Its value is taken when the scenario is read, or the scenario says it itself.
    #[error("`{key}` {why}, so that moving it would change nothing")]
    Idle {
        /// The parameter.
        key: &'static str,
        /// Why.
        why: &'static str,
    },
    /// A range that cannot be.
    #[error("`{text}` is no range of `{key}`: write {key}=LOW..HIGH within {low} to {high} {unit}")]
    Range {
        /// As written.
        text: String,
        /// The parameter.
        key: &'static str,
        /// Lower end that is plausible.
        low: f64,
        /// Upper end that is plausible.
        high: f64,
        /// Unit.
        unit: &'static str,
    },
    /// No such outcome.
    #[error("no outcome is called `{name}`: take one of {known}, or SIGNAL.max, .min, .mean or .end")]
    Outcome {
        /// As written.
        name: String,
        /// Outcomes there are.
        known: String,
    },
    /// The same parameter twice.
    #[error("`{key}` is named twice")]
    Twice {
        /// The parameter.
        key: &'static str,
    },
}

impl Range {
    /// The value at a place from 0 to 1.
    pub fn at(&self, place: f64) -> f64 {
        population::uncertain::between(self.low, self.high, place)
    }
}

/// Reads `KEY`, `KEY=LOW..HIGH` (in the unit of the table) or the beginning of keys.
///
/// # Errors
/// [`VaryError`].
pub fn ranges(patterns: &[String], scenario: &Scenario) -> Result<Vec<Range>, VaryError> {
    let mut out: Vec<Range> = Vec::new();
    for pattern in patterns {
        let (key, bounds) = match pattern.split_once('=') {
            Some((key, bounds)) => (key.trim(), Some(bounds)),
            None => (pattern.trim(), None),
        };
        let exact: Vec<&'static Parameter> = parameters::all().filter(|p| p.key == key).collect();
        let several = exact.is_empty();
        let found = if several {
            let begin = |p: &&Parameter| p.key.starts_with(key) && is_live(p.key, scenario).is_ok();
            parameters::all().filter(begin).filter(|p| p.low < p.high).collect()
        } else {
            exact
        };
        if found.is_empty() || (several && bounds.is_some()) || key.is_empty() {
            return Err(VaryError::Unknown {
                pattern: pattern.clone(),
            });
        }
        for parameter in found {
            if let Err(why) = is_live(parameter.key, scenario) {
                return Err(VaryError::Idle {
                    key: parameter.key,
                    why,
                });
            }
            let (low, high) = match bounds {
                None => (parameter.low, parameter.high),
                Some(text) => {
                    let read = text.split_once("..").and_then(|(a, b)| {
                        let range = (a.trim().parse::<f64>().ok()?, b.trim().parse::<f64>().ok()?);
                        let fits = parameter.low <= range.0 && range.0 < range.1 && range.1 <= parameter.high;
                        fits.then_some(range)
                    });
                    read.ok_or(VaryError::Range {
                        text: pattern.clone(),
                        key: parameter.key,
                        low: parameter.low,
                        high: parameter.high,
                        unit: parameter.unit,
                    })?
                }
            };
            if out.iter().any(|r| r.parameter.key == parameter.key) {
                return Err(VaryError::Twice { key: parameter.key });
            }
            out.push(Range { parameter, low, high });
        }
    }
    Ok(out)
}

/// Whether moving a parameter after the scenario has been read can change a run.
fn is_live(key: &str, scenario: &Scenario) -> Result<(), &'static str> {
    const IN_PATIENT: [(&str, &str); 4] = [
        ("scenario.patient.weight", "patient.weight"),
        ("scenario.patient.ashworth_legs", "patient.ashworth_legs"),
        ("scenario.patient.ashworth_arms", "patient.ashworth_arms"),
        ("scenario.patient.spasm_score", "patient.spasm_score"),
    ];
    let entry = IN_PATIENT.iter().find(|(k, _)| *k == key).map(|(_, name)| *name);
    if scenario.fixed.contains(key) || entry.is_some_and(|e| scenario.fixed.contains(e)) {
        return Err("is fixed by the scenario");
    }
    if key.starts_with("calc.") || (key.starts_with("scenario.") && entry.is_none()) {
        return Err("is used only while a scenario is read");
    }
    Ok(())
}

/// What is asked of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// An outcome by name.
    Outcome(&'static str),
    /// A signal: place of its column, and what over the samples.
    Signal(usize, Over),
}

/// What is taken of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Largest sample.
    Max,
    /// Smallest sample.
    Min,
    /// Mean of samples.
    Mean,
    /// Last sample.
    End,
}

/// Reads the name of an outcome, or `SIGNAL.max` and the like.
///
/// # Errors
/// [`VaryError::Outcome`].
pub fn question(name: &str) -> Result<Question, VaryError> {
    let outcomes = crate::simulation::Outcomes::default().rows();
    if let Some((known, _)) = outcomes.iter().find(|(known, _)| *known == name) {
        return Ok(Question::Outcome(known));
    }
    let signal = name.rsplit_once('.').and_then(|(signal, over)| {
        let over = match over {
            "max" => Over::Max,
            "min" => Over::Min,
            "mean" => Over::Mean,
            "end" => Over::End,
            _ => return None,
        };
        let place = columns().iter().skip(1).position(|c| c == signal)? + 1;
        Some(Question::Signal(place, over))
    });
    signal.ok_or_else(|| VaryError::Outcome {
        name: name.to_owned(),
        known: outcomes.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", "),
    })
}

/// One scenario to be run at many points of its parameters.
pub struct Varied<'a> {
    /// The scenario; without its own patients.
    scenario: Scenario,
    registry: &'a Registry,
    ranges: &'a [Range],
    questions: &'a [Question],
    seed: u64,
    replicate: u64,
}

impl<'a> Varied<'a> {
    /// Prepares a scenario: its patient is the typical one of its population, or that of
    /// `replicate`, whose luck every run shares.
    pub fn new(
        scenario: &Scenario,
        registry: &'a Registry,
        (seed, replicate): (u64, Option<u64>),
        ranges: &'a [Range],
        questions: &'a [Question],
    ) -> Self {
        let mut scenario = scenario.clone();
        population::uncertain::draw(&mut scenario, seed);
        population::settle(&mut scenario, seed, replicate);
        scenario.replicate = None;
        Varied {
            scenario,
            registry,
            ranges,
            questions,
            seed,
            replicate: replicate.unwrap_or(0),
        }
    }

    /// The answers with every parameter where the scenario has it.
    pub fn base(&self) -> Vec<Option<f64>> {
        self.answers(&[])
    }

    /// Where a parameter stands in the scenario \[its unit\].
    pub fn standing(&self, range: &Range) -> f64 {
        let p = &self.scenario.patient;
        match range.parameter.key {
            "scenario.patient.weight" => p.weight,
            "scenario.patient.ashworth_legs" => p.ashworth_legs,
            "scenario.patient.ashworth_arms" => p.ashworth_arms,
            "scenario.patient.spasm_score" => p.spasm_score,
            key => self.scenario.parameters.get(key),
        }
    }

    /// The answers with one parameter at a value \[its unit\].
    pub fn alone(&self, range: &Range, value: f64) -> Vec<Option<f64>> {
        self.answers(&[(range.parameter.key, value)])
    }

    /// The answers at each point of the unit cube, in order, on all threads of the pool; `tick`
    /// is called after each.
    pub fn at(&self, points: &[Vec<f64>], tick: &(dyn Fn() + Sync)) -> Vec<Vec<Option<f64>>> {
        points
            .par_iter()
            .map(|point| {
                let values: Vec<(&'static str, f64)> = self
                    .ranges
                    .iter()
                    .zip(point)
                    .map(|(range, place)| (range.parameter.key, range.at(*place)))
                    .collect();
                let found = self.answers(&values);
                tick();
                found
            })
            .collect()
    }

    fn answers(&self, values: &[(&'static str, f64)]) -> Vec<Option<f64>> {
        let run = || {
            let mut scenario = self.scenario.clone();
            let patient = VirtualPatient {
                replicate: self.replicate,
                population: "varied".into(),
                group: scenario.patient.population,
                values: values.to_vec(),
                origin: None,
                injury: None,
            };
            patient.apply(&mut scenario);
            let draws = Draws::new(self.seed, self.replicate);
            let drawn = crate::hazards::draw(&scenario, &draws);
            scenario.faults.extend(drawn);
            let signals = self.questions.iter().filter_map(|q| match q {
                Question::Signal(place, _) => Some(*place),
                Question::Outcome(_) => None,
            });
            let all = columns();
            let needed = ["ashworth_legs", "spasm_score", "gcs"];
            let outcomes = needed.iter().filter_map(|n| all.iter().position(|c| c == n));
            let options = RunOptions {
                seed: Some(self.seed),
                replicate: self.replicate,
                columns: Some(signals.chain(outcomes).collect()),
                ..RunOptions::default()
            };
            let end = scenario.duration;
            let mut run = Run::drawn(Arc::new(scenario), self.registry, &options).ok()?;
            run.run_until(end).ok()?;
            Some(run.finish())
        };
        // A model that fails at an extreme of its parameters is a missing value.
        let Ok(Some(result)) = catch_unwind(AssertUnwindSafe(run)) else {
            return vec![None; self.questions.len()];
        };
        let outcomes = result.outcomes.rows();
        let mut column = 0;
        self.questions
            .iter()
            .map(|question| match question {
                Question::Outcome(name) => outcomes.iter().find(|(n, _)| n == name).and_then(|(_, v)| *v),
                Question::Signal(_, over) => {
                    column += 1;
                    let values = || result.rows.iter().map(|row| row[column]);
                    let n = result.rows.len() as f64;
                    match over {
                        Over::Max => values().max_by(f64::total_cmp),
                        Over::Min => values().min_by(f64::total_cmp),
                        Over::Mean => Some(values().fold(0.0, |a, b| a + b) / n),
                        Over::End => values().next_back(),
                    }
                }
            })
            .map(|v| v.filter(|v| v.is_finite()))
            .collect()
    }
}
