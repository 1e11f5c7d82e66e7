//! One replicate: all arms with the same patient and the same luck, reduced to what is counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::error::BatchError;
use super::identity::{Grid, Identity, MOST_REPLICATES, MOST_SAMPLES, Settings};
use super::levels::MOST_DRAWS;
use super::risk::UNIT;
use crate::care::signs;
use crate::complications;
use crate::hazards::{self, Bias, Hazard};
use crate::numerics::Draws;
use crate::population::{Cohort, Population};
use crate::response::Syndrome;
use crate::scenario::model::{Scenario, Story};
use crate::simulation::{self, Registry, Run, RunOptions, RunResult};

/// Signals whose bands are kept if none are named.
pub const SIGNALS: [&str; 8] = [
    "delivered_ug_per_day",
    "reservoir_ml",
    "csf_l3_ng_per_ml",
    "ashworth_legs",
    "spasm_score",
    "withdrawal_index",
    "sedation",
    "tolerance",
];

/// Signals that outcomes are counted from.
const FOR_OUTCOMES: [&str; 3] = ["ashworth_legs", "spasm_score", "gcs"];

/// Grade of withdrawal from which it is called severe: hallucinations, seizures, rigidity, heat.
const SEVERE: u8 = 3;

/// A story prepared for many runs: read, resolved and shared, nothing is done twice.
pub struct Batch {
    identity: Identity,
    grid: Grid,
    registry: Registry,
    /// By draw of the outer level, then by arm; one draw without that level.
    arms: Vec<Vec<Prepared>>,
    columns: Arc<[usize]>,
    sample: crate::engine::SimSpan,
}

struct Prepared {
    scenario: Arc<Scenario>,
    /// The same for all patients, unless the population varies them.
    hazards: Option<Vec<Hazard>>,
    cohort: Option<Cohort>,
    /// Whether faults of the file with a hazard of their own are drawn here.
    own_biased: bool,
}

/// One arm of one replicate, reduced.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduced {
    /// True chance over chance of drawing, in [`UNIT`].
    pub units: u64,
    /// Whether it is in the stratum with the given fault; `None` without one.
    pub stratum: Option<bool>,
    /// Outcomes by name, in the order of `outcomes.csv`; `None` did not happen.
    pub outcomes: Vec<(&'static str, Option<f64>)>,
    /// Rows of samples: the time, then signals.
    pub rows: Vec<Vec<f64>>,
    /// First onset of each fault \[h\], by its id, in order of onset.
    pub faults: Vec<(String, f64)>,
    /// Other events that are timed \[h\].
    pub endpoints: Vec<(&'static str, f64)>,
    /// End of observation \[h\].
    pub ended_h: f64,
    /// Whether the patient died.
    pub died: bool,
    /// Hash over all events.
    pub fingerprint: u64,
    /// Events run.
    pub events: u64,
}

/// One replicate of all arms.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicate {
    /// Its number.
    pub index: u64,
    /// What came of each arm, or why nothing did.
    pub arms: Vec<Result<Reduced, String>>,
}

impl Batch {
    /// Prepares a story.
    ///
    /// # Errors
    /// [`BatchError::Empty`], [`BatchError::Many`], [`BatchError::Signal`], [`BatchError::Lengths`],
    /// [`BatchError::Grid`], [`BatchError::Bias`], [`BatchError::Outer`], [`BatchError::Certain`].
    pub fn new(story: &Story, registry: Registry, settings: Settings) -> Result<Self, BatchError> {
        if settings.n == 0 {
            return Err(BatchError::Empty { n: 0 });
        }
        let signals: Vec<String> = match settings.signals.as_slice() {
            // A factorial is read from its outcomes; bands of every cell would fill the memory.
            [] if story.matrix.is_some() => Vec::new(),
            [] => SIGNALS.map(str::to_owned).to_vec(),
            own => own.to_vec(),
        };
        let first = &story.arms[0].scenario;
        let columns = columns(&signals, story)?;
        let seed = settings.seed.unwrap_or(first.seed);
        let sample = settings.sample.unwrap_or(first.sample);
        let draws = settings.outer.draws;
        if !settings.outer.is_none() && !(2..=MOST_DRAWS).contains(&draws) {
            return Err(BatchError::Outer {
                draws,
                n: settings.n,
                most: MOST_DRAWS,
            });
        }
        let asked = u128::from(settings.n) * u128::from(draws.max(1));
        let Some(total) = u64::try_from(asked).ok().filter(|n| *n <= MOST_REPLICATES) else {
            return Err(BatchError::Many {
                total: asked,
                most: MOST_REPLICATES,
            });
        };
        let mut arms: Vec<Vec<Prepared>> = (0..draws.max(1)).map(|_| Vec::new()).collect();
        for arm in &story.arms {
            if arm.scenario.duration != first.duration {
                return Err(BatchError::Lengths {
                    arm: arm.id.clone(),
                    own_h: arm.scenario.duration.hours(),
                    first_h: first.duration.hours(),
                });
            }
            if settings.outer.is_none() {
                let mut scenario = arm.scenario.clone();
                crate::population::uncertain::draw(&mut scenario, seed);
                arms[0].push(prepare(&scenario, seed, &settings.bias)?);
                continue;
            }
            if !settings.outer.moves(&arm.scenario) {
                return Err(BatchError::Certain { arm: arm.id.clone() });
            }
            for (draw, prepared) in arms.iter_mut().enumerate() {
                let mut scenario = arm.scenario.clone();
                settings.outer.put(&mut scenario, seed, draw as u64);
                prepared.push(prepare(&scenario, seed, &settings.bias)?);
            }
        }
        let identity = Identity {
            layout: Identity::LAYOUT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: story.name.clone(),
            title: first.title.clone(),
            hash: story.hash.clone(),
            seed,
            n: total,
            arms: story.arms.iter().map(|a| a.id.clone()).collect(),
            matrix: story.matrix.clone(),
            signals,
            sample_ns: sample.as_nanos(),
            duration_ns: first.duration.as_nanos(),
            bias: settings.bias,
            outer: settings.outer,
        };
        let grid = identity.grid();
        let samples = identity.samples();
        if samples > MOST_SAMPLES {
            return Err(BatchError::Grid {
                cells: samples,
                signals: grid.signals,
                arms: identity.arms.len(),
                times: grid.times as u64,
                most: MOST_SAMPLES,
            });
        }
        Ok(Batch {
            identity,
            grid,
            registry,
            arms,
            columns,
            sample,
        })
    }

    /// What makes parts belong to this batch.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The grid on which it counts.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Runs replicate `index` of all arms: a pure function of the batch and this number.
    pub fn replicate(&self, index: u64) -> Replicate {
        let draw = self.grid.draw_of(index).unwrap_or(0);
        let arms = self.arms[draw.min(self.arms.len() - 1)]
            .iter()
            .map(|arm| {
                // A slip in a model must not take the other replicates with it.
                catch_unwind(AssertUnwindSafe(|| self.one(arm, index))).unwrap_or_else(|cause| {
                    let words = cause
                        .downcast_ref::<String>()
                        .map(String::as_str)
                        .or_else(|| cause.downcast_ref::<&str>().copied());
                    Err(format!("panic: {}", words.unwrap_or("without words")))
                })
            })
            .collect();
        Replicate { index, arms }
    }

    fn one(&self, arm: &Prepared, index: u64) -> Result<Reduced, String> {
        let seed = self.identity.seed;
        let draws = Draws::new(seed, index);
        let mut scenario = Arc::clone(&arm.scenario);
        if let Some(cohort) = &arm.cohort {
            cohort.patient(index).apply(Arc::make_mut(&mut scenario));
        }
        let own;
        let rates = match &arm.hazards {
            Some(shared) => shared,
            None => {
                own = hazards::of_scenario(&scenario);
                &own
            }
        };
        let bias = &self.identity.bias;
        let mut drawn = hazards::draw_biased(&scenario, rates, &draws, bias);
        drawn.join(complications::draw_biased(&scenario, &draws, bias));
        if arm.own_biased {
            drawn.join(hazards::bias_own(Arc::make_mut(&mut scenario), &draws, bias));
        }
        let faults = std::mem::take(&mut drawn.faults);
        if !faults.is_empty() {
            Arc::make_mut(&mut scenario).faults.extend(faults);
        }
        let followers = complications::followers(&scenario);
        if !followers.is_empty() {
            Arc::make_mut(&mut scenario).faults.extend(followers);
        }
        let units = drawn.weight * UNIT as f64;
        if units.is_nan() || units >= i64::MAX as f64 {
            return Err(format!(
                "its weight {:e} is beyond all use: take smaller factors",
                drawn.weight
            ));
        }
        let options = RunOptions {
            seed: Some(seed),
            replicate: index,
            sample: Some(self.sample),
            columns: Some(Arc::clone(&self.columns)),
            brief: true,
            ..RunOptions::default()
        };
        let mut run = Run::drawn(Arc::clone(&scenario), &self.registry, &options).map_err(|e| words(&e))?;
        run.run_until(scenario.duration).map_err(|e| words(&e))?;
        let result = run.finish();
        if let Some(row) = result.rows.iter().find(|row| row.iter().any(|v| !v.is_finite())) {
            return Err(format!("a signal is no number at {} h", row[0]));
        }
        Ok(reduce(result, libm::round(units) as u64, drawn.stratum))
    }
}

/// An error with its causes in one line.
fn words(error: &simulation::RunError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(&format!(": {words}"));
        }
        source = cause.source();
    }
    text.replace('\n', " ")
}

/// Places of these signals among all columns, then those that outcomes need besides.
fn columns(signals: &[String], story: &Story) -> Result<Arc<[usize]>, BatchError> {
    // Columns of other drugs stand last, and are there only if all arms have them.
    let mut all = simulation::columns_with(&story.arms[0].scenario.drugs);
    if story
        .arms
        .iter()
        .any(|a| simulation::columns_with(&a.scenario.drugs) != all)
    {
        all = simulation::columns();
    }
    let place = |name: &str| {
        all.iter()
            .skip(1)
            .position(|c| c == name)
            .map(|i| i + 1)
            .ok_or_else(|| {
                let near = all.iter().skip(1).min_by(|a, b| {
                    let far = |c: &str| strsim::jaro_winkler(name, c);
                    far(b).total_cmp(&far(a))
                });
                BatchError::Signal {
                    name: name.to_owned(),
                    near: near.cloned(),
                }
            })
    };
    let mut places = signals.iter().map(|s| place(s)).collect::<Result<Vec<usize>, _>>()?;
    for name in FOR_OUTCOMES {
        let needed = place(name)?;
        if !places.contains(&needed) {
            places.push(needed);
        }
    }
    Ok(places.into())
}

fn prepare(scenario: &Scenario, seed: u64, bias: &Bias) -> Result<Prepared, BatchError> {
    let mut scenario = scenario.clone();
    // The number of the replicate is the batch's to say.
    scenario.replicate = None;
    let cohort = scenario
        .population
        .take()
        .map(|spec| Population::new(spec).cohort(seed));
    let varied = |key: &&str| key.starts_with("hazards.") || key.starts_with("catheter.");
    let fixed = cohort.as_ref().is_none_or(|c| {
        let keys: Vec<&str> = c.population().spec().distributions().iter().map(|d| d.key).collect();
        !keys.iter().any(varied)
    });
    let rates = hazards::of_scenario(&scenario);
    bias.check_scenario(&scenario, &rates)?;
    let named = |id: &str| bias.factor(id) != 1.0 || bias.given.as_ref().is_some_and(|g| g.kind == id);
    let own_biased = scenario.faults.iter().any(|f| named(&f.id));
    Ok(Prepared {
        scenario: Arc::new(scenario),
        hazards: fixed.then_some(rates),
        cohort,
        own_biased,
    })
}

/// Keeps what is counted.
fn reduce(result: RunResult, units: u64, stratum: Option<bool>) -> Reduced {
    let mut faults: Vec<(String, f64)> = Vec::new();
    for event in result.events.iter().filter(|e| e.kind == "start") {
        if let Some(id) = event.component.strip_prefix("fault.")
            && !faults.iter().any(|(known, _)| known == id)
        {
            faults.push((id.to_owned(), event.time_h));
        }
    }
    let outcomes = result.outcomes.rows();
    let died = result.outcomes.died;
    let ended_h = result.outcome.ended_h;
    let mut endpoints = Vec::new();
    // What is there at the start has no onset.
    let first = |wanted: &dyn Fn(&str) -> bool| {
        let onsets = result.symptoms.iter().filter(|s| s.onset_h > 0.0 && wanted(&s.symptom));
        onsets.map(|s| s.onset_h).min_by(f64::total_cmp)
    };
    let is = |name: &str, syndrome| signs::syndrome(name) == Some(syndrome);
    let withdrawal = first(&|s| is(s, Syndrome::Withdrawal));
    let severe = first(&|s| is(s, Syndrome::Withdrawal) && signs::grade(s) >= SEVERE);
    let overdose = first(&|s| is(s, Syndrome::Overdose) && !s.starts_with("hypotonia"));
    let fault = result.outcomes.fault_h;
    let after = |delay: Option<f64>| Some(fault? + delay?);
    for (name, time) in [
        ("trouble", fault),
        ("withdrawal", withdrawal),
        ("severe_withdrawal", severe),
        ("overdose", overdose),
        ("suspicion", after(result.outcomes.to_suspicion_h)),
        ("diagnosis", after(result.outcomes.to_diagnosis_h)),
        ("repair", after(result.outcomes.to_repair_h)),
        ("death", died.then_some(ended_h)),
    ] {
        endpoints.extend(time.map(|t| (name, t)));
    }
    Reduced {
        units,
        stratum,
        outcomes,
        rows: result.rows,
        faults,
        endpoints,
        ended_h,
        died,
        fingerprint: result.fingerprint,
        events: result.event_count,
    }
}
