//! Every story run once, in parallel, and measured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use crate::parameters::{NamedSet, ParameterSet, SETS};
use crate::scenario::model::Scenario;
use crate::scenario::{FILE_LIMIT, load_from};
use crate::simulation::{Registry, RunOptions, RunResult, simulate};

use super::ask::{Ask, AskError};
use super::evidence::{Case, Evidence, Statistic};
use super::{identities, room, vectors};

/// A story with its substitutions and arm, as a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    story: String,
    arm: Option<String>,
    with: BTreeMap<String, String>,
}

impl Key {
    fn of(ask: &Ask) -> Option<Key> {
        Some(Key {
            story: ask.story.clone()?,
            arm: ask.arm.clone(),
            with: ask.with.clone(),
        })
    }
}

/// What all stories together would hold is more than the memory should be asked for.
fn too_large(what: &str, most: u64, unit: &str) -> AskError {
    AskError::Story {
        problem: format!("the {what} of all stories up to this one hold more than {most} {unit}, the limit"),
    }
}

fn not_run(story: &str) -> AskError {
    AskError::Run {
        problem: format!("story `{story}` was not run"),
    }
}

/// The runs behind a set of cases.
pub struct Runs<'a> {
    evidence: &'a Evidence,
    registry: Registry,
    set: &'static NamedSet,
    parameters: Vec<(String, f64)>,
    done: BTreeMap<Key, Result<RunResult, AskError>>,
}

impl<'a> Runs<'a> {
    /// Runs all stories of the given cases and of the named courses with the defaults, but for
    /// the parameters replaced. A story that fails is kept as its error.
    ///
    /// Every run is strictly serial and depends on nothing but its story, so that the
    /// result is the same for any number of threads.
    pub fn new(evidence: &'a Evidence, cases: &[&Case], courses: &[&str], parameters: &[(String, f64)]) -> Self {
        Self::under(&SETS[0], evidence, cases, courses, parameters)
    }

    /// The same with a named set in place of the defaults; replaced parameters have the last word.
    pub fn under(
        set: &'static NamedSet,
        evidence: &'a Evidence,
        cases: &[&Case],
        courses: &[&str],
        parameters: &[(String, f64)],
    ) -> Self {
        let mut runs = Runs {
            evidence,
            registry: Registry::builtin(),
            set,
            parameters: parameters.to_vec(),
            done: BTreeMap::new(),
        };
        let mut keys: BTreeSet<Key> = cases
            .iter()
            .filter(|c| c.replicates.is_none())
            .flat_map(|c| [Some(&c.measure), c.over.as_ref(), c.less.as_ref()])
            .flatten()
            .filter(|ask| !ask.what.starts_with("identity."))
            .filter_map(Key::of)
            .collect();
        keys.extend(
            evidence
                .courses
                .iter()
                .filter(|c| courses.contains(&c.id.as_str()))
                .map(|c| Key {
                    story: c.story.clone(),
                    arm: None,
                    with: c.with.clone(),
                }),
        );
        let keys: Vec<Key> = keys.into_iter().collect();
        // One after the other, so that what is refused for its size does not depend on threads.
        let mut bytes = 0;
        let texts: Vec<Result<String, AskError>> = keys
            .iter()
            .map(|key| {
                if bytes > room::MOST_TEXT {
                    return Err(too_large("texts", room::MOST_TEXT as u64, "bytes"));
                }
                let text = runs.text(key)?;
                bytes += text.len();
                Ok(text)
            })
            .collect();
        let scenarios: Vec<Result<Scenario, AskError>> = keys
            .par_iter()
            .zip(texts)
            .map(|(key, text)| runs.loaded(key, text?))
            .collect();
        let mut numbers: u64 = 0;
        let fitting: Vec<Result<Scenario, AskError>> = keys
            .iter()
            .zip(scenarios)
            .map(|(key, scenario)| {
                let scenario = scenario?;
                let drawn = evidence.courses.iter().filter(|c| {
                    courses.contains(&c.id.as_str()) && c.story == key.story && c.with == key.with && key.arm.is_none()
                });
                // What a course draws is a copy, and takes more as a picture than as numbers.
                let copies = 1 + drawn.count() as u64;
                let own = room::numbers(&scenario, scenario.sample.hours());
                numbers = numbers.saturating_add(own.saturating_mul(copies));
                if numbers > room::MOST_NUMBERS {
                    return Err(too_large("rows", room::MOST_NUMBERS, "numbers"));
                }
                Ok(scenario)
            })
            .collect();
        let results: Vec<Result<RunResult, AskError>> = fitting
            .into_par_iter()
            .map(|scenario| runs.simulate(&scenario?, 0))
            .collect();
        runs.done = keys.into_iter().zip(results).collect();
        runs
    }

    /// The text of a story with its values filled in, or the name of the shipped scenario.
    fn text(&self, key: &Key) -> Result<String, AskError> {
        let failed = |problem: String| AskError::Story {
            problem: format!("story `{}`: {problem}", key.story),
        };
        let story = self
            .evidence
            .stories
            .iter()
            .find(|s| s.id == key.story)
            .ok_or_else(|| failed("there is none of this name".to_owned()))?;
        if let Some(file) = &story.shipped {
            return Ok(file.clone());
        }
        let mut text = story.text.clone();
        let mut with = story.with.clone();
        with.extend(key.with.clone());
        for (name, value) in &with {
            let mark = format!("{{{name}}}");
            // Values may hold marks of other values, so that the text can grow by powers.
            let longer = text.matches(&mark).count().saturating_mul(value.len());
            if text.len().saturating_add(longer) as u64 > FILE_LIMIT {
                return Err(failed(format!(
                    "with `{name}` filled in it is longer than {FILE_LIMIT} bytes, the limit of a scenario"
                )));
            }
            text = text.replace(&mark, value);
        }
        Ok(text)
    }

    /// The scenario of a story, loaded, with the parameters replaced.
    fn scenario(&self, key: &Key) -> Result<Scenario, AskError> {
        self.loaded(key, self.text(key)?)
    }

    /// The same from its text.
    fn loaded(&self, key: &Key, text: String) -> Result<Scenario, AskError> {
        let failed = |problem: String| AskError::Story {
            problem: format!("story `{}`: {problem}", key.story),
        };
        let mut files = Evidence::files();
        let shipped = self
            .evidence
            .stories
            .iter()
            .any(|s| s.id == key.story && s.shipped.is_some());
        let name = if shipped {
            text
        } else {
            let name = format!("{}.toml", key.story);
            files.insert(name.clone(), text);
            name
        };
        // A file on top chooses the set, so that what is drawn is drawn around its values too.
        let name = if self.set.values.is_empty() {
            name
        } else {
            let chosen = "under-a-named-set.toml".to_owned();
            let text = format!("extends = \"{name}\"\n[model]\nset = \"{}\"\n", self.set.name);
            files.insert(chosen.clone(), text);
            chosen
        };
        let loaded =
            load_from(Path::new(&name), &files, &self.registry.catalog()).map_err(|d| failed(d.render(false)))?;
        let arm = match &key.arm {
            Some(id) => loaded.arms.into_iter().find(|a| a.id == *id),
            None => loaded.arms.into_iter().next(),
        };
        let mut scenario = arm.ok_or_else(|| failed("no such arm".to_owned()))?.scenario;
        for (key, value) in &self.parameters {
            scenario
                .parameters
                .set(key, *value)
                .map_err(|e| failed(e.to_string()))?;
        }
        Ok(scenario)
    }

    fn simulate(&self, scenario: &Scenario, replicate: u64) -> Result<RunResult, AskError> {
        let options = RunOptions {
            replicate,
            ..RunOptions::default()
        };
        simulate(scenario, &self.registry, &options).map_err(|e| AskError::Run { problem: e.to_string() })
    }

    /// The named set with the parameters replaced.
    fn set(&self) -> Result<ParameterSet, AskError> {
        let mut set = self.set.parameters();
        for (key, value) in &self.parameters {
            set.set(key, *value)
                .map_err(|e| AskError::Run { problem: e.to_string() })?;
        }
        Ok(set)
    }

    /// The run of a course or case.
    pub(super) fn run(&self, story: &str, with: &BTreeMap<String, String>) -> Result<&RunResult, AskError> {
        let key = Key {
            story: story.to_owned(),
            arm: None,
            with: with.clone(),
        };
        match self.done.get(&key) {
            Some(run) => run.as_ref().map_err(Clone::clone),
            None => Err(not_run(story)),
        }
    }

    /// One measure.
    fn ask(&self, ask: &Ask) -> Result<f64, AskError> {
        if ask.what.starts_with("calc.") {
            return vectors::vector(ask, &self.set()?);
        }
        if ask.what.starts_with("identity.") {
            return match Key::of(ask) {
                Some(key) => identities::of_runs(ask, &self.scenario(&key)?, &self.registry),
                None => identities::of_kinetics(ask, &self.set()?),
            };
        }
        let Some(key) = Key::of(ask) else {
            return Err(AskError::Missing {
                what: ask.what.clone(),
                field: "story",
            });
        };
        match self.done.get(&key) {
            Some(Ok(run)) => ask.measure(run),
            Some(Err(e)) => Err(e.clone()),
            None => Err(not_run(&key.story)),
        }
    }

    /// The simulated figure of a case.
    ///
    /// # Errors
    /// [`AskError`]; [`AskError::Never`] if what the case looks for did not happen.
    pub fn figure(&self, case: &Case) -> Result<f64, AskError> {
        let value = match (case.replicates, case.statistic) {
            (Some(n), Some(statistic)) => self.over_replicates(case, n, statistic)?,
            _ => {
                let mut value = self.ask(&case.measure)?;
                if let Some(ask) = &case.over {
                    value /= self.ask(ask)?;
                }
                if let Some(ask) = &case.less {
                    value -= self.ask(ask)?;
                }
                value
            }
        };
        let value = value * case.times.unwrap_or(1.0) + case.plus.unwrap_or(0.0);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(AskError::Never {
                what: "a finite value".to_owned(),
            })
        }
    }

    /// A statistic over replicates, each run alone and dropped once measured.
    fn over_replicates(&self, case: &Case, n: u64, statistic: Statistic) -> Result<f64, AskError> {
        let key = Key::of(&case.measure).ok_or_else(|| AskError::Missing {
            what: case.measure.what.clone(),
            field: "story",
        })?;
        let scenario = self.scenario(&key)?;
        identities::fits(&scenario, scenario.sample.hours())?;
        let found: Vec<Result<f64, AskError>> = (0..n)
            .collect::<Vec<u64>>()
            .into_par_iter()
            .map(|i| self.simulate(&scenario, i).and_then(|run| case.measure.measure(&run)))
            .collect();
        let mut values = Vec::with_capacity(found.len());
        for value in found {
            match value {
                Ok(v) => values.push(v),
                // A replicate in which it never happens counts in a share, as one outside the band.
                Err(e) if e.is_finding() && statistic == Statistic::Share => values.push(f64::NAN),
                Err(e) => return Err(e),
            }
        }
        let count = values.len() as f64;
        let mean = values.iter().fold(0.0, |a, b| a + b) / count;
        Ok(match statistic {
            Statistic::Mean => mean,
            Statistic::Median => {
                values.sort_by(f64::total_cmp);
                let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
                0.5 * (values[low] + values[high])
            }
            Statistic::Sd => {
                let squares = values.iter().fold(0.0, |a, v| a + (v - mean) * (v - mean));
                (squares / (count - 1.0)).sqrt()
            }
            Statistic::Share => {
                let [low, high] = case.band.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
                values.iter().filter(|v| **v >= low && **v <= high).count() as f64 / count
            }
        })
    }
}
