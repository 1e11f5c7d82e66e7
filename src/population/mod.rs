//! Virtual patients: drawn by key from a named population, with its published spread.
//!
//! A [`Population`] is a list of distributions of parameters (each with source and grade), of
//! correlations, and of origins of the spasticity. [`Population::patient`] draws one
//! [`VirtualPatient`]; [`VirtualPatient::apply`] writes it into a scenario wherever the scenario
//! does not fix the value.
//!
//! # How a patient is drawn
//!
//! Parameter number `i` gets a standard normal number `z_i`, a pure function of (seed, replicate,
//! `patient`, key of the parameter). Correlated parameters get weighted sums of these (Cholesky,
//! in the order of the population's list). The number then goes through the quantile of the
//! parameter's own distribution, cut at its bounds. So
//!
//! - patient `i` can be drawn alone, and is the same in a group of ten or of a hundred thousand;
//! - a parameter that is added at the end of the list leaves all others as they were;
//! - correlations are those of the normal scores (a Gaussian copula), not of the values.
//!
//! # Two levels
//!
//! The distributions say how patients differ. How well we know middles and spreads themselves
//! is a second level: [`Population::typical_uncertain`] gives the same population with both
//! drawn anew, by key (seed, outer number, `uncertainty`, key of the parameter).
//!
//! # Speed
//!
//! [`Population::cohort`] hashes the keys of a seed once; a patient is then one block of the
//! generator and one quantile for each parameter. Batches use it.
//!
//! ```
//! use itbsim::population::Population;
//!
//! let adults = Population::named("adult-spinal").unwrap();
//! let anna = adults.patient(1, 7);
//! assert_eq!(anna, adults.cohort(1).patient(7));
//! assert!(anna.value("response.effect.ec50").unwrap() > 0.0);
//! // Nobody in particular: the middles, which for adults of spinal origin are the defaults.
//! let typical = adults.typical();
//! assert_eq!(typical.value("response.effect.ec50"), Some(0.135));
//! ```

mod figures;
mod patient;
mod quantile;
mod spread;
mod table;
pub mod uncertain;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::numerics::draws::{Channel, Draws};
use crate::parameters::NamedSet;
use crate::scenario::model::Scenario;
use crate::scenario::population::{Distribution, Origin, PopulationSpec, Shape};
use crate::scenario::{Diagnostics, population_from_file, population_from_str};
use crate::signals::Level;

pub use figures::{FigureError, Figures, Setting};
pub use patient::VirtualPatient;
pub use spread::{Line, lines};
pub use table::{header, row};

use quantile::Quantile;

/// Entity of the draws between patients.
const PATIENT: &str = "patient";
/// Entity of the draws of what we do not know.
const UNCERTAINTY: &str = "uncertainty";
/// Purposes that are no parameter.
const ORIGIN: &str = "origin";
const INJURY: &str = "injury";

/// The populations this crate ships, in list order.
static BUILTIN: LazyLock<Vec<Arc<PopulationSpec>>> = LazyLock::new(|| {
    let mut known: Vec<Arc<PopulationSpec>> = Vec::new();
    for (name, text) in [
        ("adult-spinal.toml", include_str!("adult-spinal.toml")),
        ("adult-cerebral.toml", include_str!("adult-cerebral.toml")),
        ("child.toml", include_str!("child.toml")),
    ] {
        match population_from_str(name, text, &known) {
            Ok(spec) => known.push(spec),
            // The files are part of the program and a test loads each of them.
            Err(problem) => panic!("built-in population: {problem}"),
        }
    }
    known
});

/// The specifications of the populations this crate ships.
pub fn builtin() -> &'static [Arc<PopulationSpec>] {
    &BUILTIN
}

/// A population to draw patients from; a clone shares everything.
#[derive(Debug, Clone)]
pub struct Population {
    spec: Arc<PopulationSpec>,
    quantiles: Arc<[Quantile]>,
    name: Arc<str>,
    origins: Arc<[Arc<str>]>,
}

impl Population {
    /// A population of this crate by name.
    pub fn named(name: &str) -> Option<Self> {
        builtin().iter().find(|p| p.name() == name).cloned().map(Self::new)
    }

    /// From a checked specification, such as that of [`Scenario::population`].
    pub fn new(spec: Arc<PopulationSpec>) -> Self {
        Self {
            quantiles: spec.distributions().iter().map(Quantile::new).collect(),
            name: spec.name().into(),
            origins: spec.origins().iter().map(|o| Arc::from(o.name.as_str())).collect(),
            spec,
        }
    }

    /// From a population file.
    ///
    /// # Errors
    /// [`Diagnostics`] with every mistake, its line and a suggestion.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        population_from_file(path, builtin()).map(Self::new)
    }

    /// What it is made of, to be shared.
    pub fn share(&self) -> Arc<PopulationSpec> {
        Arc::clone(&self.spec)
    }

    /// What it is made of.
    pub fn spec(&self) -> &PopulationSpec {
        &self.spec
    }

    /// The same population around the middles of a named set of parameters.
    pub fn under(&self, set: &NamedSet) -> Self {
        let middles: Vec<(&str, f64)> = set.values.iter().map(|p| (p.key, p.value)).collect();
        Self::new(Arc::new(self.spec.around(&middles)))
    }

    /// Patient `replicate` under `seed`.
    pub fn patient(&self, seed: u64, replicate: u64) -> VirtualPatient {
        self.cohort(seed).patient(replicate)
    }

    /// The patients of one seed: keys are hashed once.
    pub fn cohort(&self, seed: u64) -> Cohort {
        let draws = Draws::new(seed, 0);
        Cohort {
            channels: self
                .spec
                .distributions()
                .iter()
                .map(|d| draws.channel(PATIENT, d.key))
                .collect(),
            origin: draws.channel(PATIENT, ORIGIN),
            injury: draws.channel(PATIENT, INJURY),
            population: self.clone(),
        }
    }

    /// Nobody in particular: every parameter at its middle, no origin, replicate 0. A share is
    /// 0 or 1, whichever is more frequent.
    pub fn typical(&self) -> VirtualPatient {
        let values = self.spec.distributions().iter().map(|d| (d.key, middle(d))).collect();
        VirtualPatient {
            replicate: 0,
            population: self.name.clone(),
            group: self.spec.patient(),
            values,
            origin: None,
            injury: None,
        }
    }

    /// The same population with middles and spreads drawn from what is known of them:
    /// both are multiplied by log-normal factors whose spreads are the distributions'
    /// `typical_uncertainty` and `spread_uncertainty`. A pure function of seed and `outer`.
    pub fn typical_uncertain(&self, seed: u64, outer: u64) -> Self {
        let draws = Draws::new(seed, outer);
        Self::new(Arc::new(self.spec.changed(|d| {
            let channel = draws.channel(UNCERTAINTY, d.key);
            let factor = |ordinal, sd: f64| {
                if sd == 0.0 {
                    1.0
                } else {
                    libm::exp(sd * channel.standard_normal(ordinal))
                }
            };
            (
                d.typical * factor(0, d.typical_uncertainty),
                d.spread * factor(1, d.spread_uncertainty),
            )
        })))
    }
}

/// The middle of a distribution.
fn middle(d: &Distribution) -> f64 {
    match d.shape {
        Shape::Uniform => 0.5 * (d.low + d.high),
        Shape::Share => f64::from(d.typical > 0.5),
        _ => d.typical,
    }
}

/// The patients of one population and one seed.
#[derive(Debug, Clone)]
pub struct Cohort {
    population: Population,
    channels: Vec<Channel>,
    origin: Channel,
    injury: Channel,
}

impl Cohort {
    /// The population.
    pub fn population(&self) -> &Population {
        &self.population
    }

    /// Patient `replicate`; the same as [`Population::patient`].
    pub fn patient(&self, replicate: u64) -> VirtualPatient {
        let p = &self.population;
        let independent: Vec<f64> = self
            .channels
            .iter()
            .map(|channel| channel.of(replicate).standard_normal(0))
            .collect();
        let factor = p.spec.factor();
        let values = p
            .spec
            .distributions()
            .iter()
            .zip(p.quantiles.iter())
            .enumerate()
            .map(|(i, (d, quantile))| (d.key, quantile.value(d, factor.mix(i, &independent))))
            .collect();
        let (mut origin, mut injury) = (None, None);
        let u = self.origin.of(replicate).uniform(0);
        if let Some(i) = pick(p.spec.origins().iter().map(|o: &Origin| o.share), u) {
            origin = Some(p.origins[i].clone());
            let levels = &p.spec.origins()[i].injury;
            let u = self.injury.of(replicate).uniform(0);
            injury = pick(levels.iter().map(|l: &(Level, f64)| l.1), u).map(|i| levels[i].0);
        }
        VirtualPatient {
            replicate,
            population: p.name.clone(),
            group: p.spec.patient(),
            values,
            origin,
            injury,
        }
    }
}

/// Which of several weights a uniform number falls on; none of an empty list.
fn pick(weights: impl Iterator<Item = f64> + Clone, u: f64) -> Option<usize> {
    let total: f64 = weights.clone().sum();
    let mut left = u * total;
    let mut last = None;
    for (i, w) in weights.enumerate().filter(|(_, w)| *w > 0.0) {
        if left < w {
            return Some(i);
        }
        left -= w;
        last = Some(i);
    }
    // Rounding may leave a little at the end.
    last
}

/// Writes the patient that a scenario's `[population]` asks for into the scenario: the one of
/// this replicate, or without one the typical patient. A scenario without the block stays as it
/// is; afterwards there is no block any more, so that nobody is drawn twice.
pub fn settle(scenario: &mut Scenario, seed: u64, replicate: Option<u64>) {
    let Some(spec) = scenario.population.take() else {
        return;
    };
    let population = Population::new(spec);
    let patient = match replicate {
        Some(replicate) => population.patient(seed, replicate),
        None => population.typical(),
    };
    patient.apply(scenario);
}
