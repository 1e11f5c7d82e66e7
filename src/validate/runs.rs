//! Every story run once, in parallel, and measured.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use crate::parameters::{NamedSet, ParameterSet, SETS};
use crate::scenario::load_from;
use crate::scenario::model::Scenario;
use crate::simulation::{Registry, RunOptions, RunResult, simulate};

use super::ask::{Ask, AskError};
use super::evidence::{Case, Evidence, Statistic};
use super::{identities, vectors};

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
        let results: Vec<Result<RunResult, AskError>> = keys
            .par_iter()
            .map(|key| {
                let scenario = runs.scenario(key)?;
                runs.simulate(&scenario, 0)
            })
            .collect();
        runs.done = keys.into_iter().zip(results).collect();
        runs
    }

    /// The scenario of a story, loaded, with the parameters replaced.
    fn scenario(&self, key: &Key) -> Result<Scenario, AskError> {
        let failed = |problem: String| AskError::Run {
            problem: format!("story `{}`: {problem}", key.story),
        };
        let story = self
            .evidence
            .stories
            .iter()
            .find(|s| s.id == key.story)
            .ok_or_else(|| failed("there is none of this name".to_owned()))?;
        let mut files = Evidence::files();
        let name = match &story.shipped {
            Some(file) => file.clone(),
            None => {
                let mut text = story.text.clone();
                let mut with = story.with.clone();
                with.extend(key.with.clone());
                for (name, value) in &with {
                    text = text.replace(&format!("{{{name}}}"), value);
                }
                let name = format!("{}.toml", story.id);
                files.insert(name.clone(), text);
                name
            }
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

    /// The run of a course or case; `None` if it was not asked for.
    pub(super) fn run(&self, story: &str, with: &BTreeMap<String, String>) -> Option<&RunResult> {
        let key = Key {
            story: story.to_owned(),
            arm: None,
            with: with.clone(),
        };
        self.done.get(&key)?.as_ref().ok()
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
            None => Err(AskError::Run {
                problem: format!("story `{}` was not run", key.story),
            }),
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
