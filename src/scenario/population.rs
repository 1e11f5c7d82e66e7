//! What a population is: distributions of parameters over patients, their correlations,
//! and where the spasticity comes from. [`crate::population`] draws patients from it.

use serde::Serialize;

use super::model::Population;
use crate::numerics::correlated::Factor;
use crate::parameters::{self, Grade, Parameter};
use crate::signals::Level;

/// Form of a distribution between patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The logarithm is normal: `typical` is the median, `spread` the standard deviation of the
    /// logarithm \[1\]. Cut at `low` and `high`.
    LogNormal,
    /// `typical` is the mean before cutting at `low` and `high`, `spread` the standard deviation
    /// \[unit\].
    Normal,
    /// The logit of the place between `low` and `high` is normal: `typical` is the median,
    /// `spread` the standard deviation of the logit \[1\].
    LogitNormal,
    /// Every value between `low` and `high` alike.
    Uniform,
    /// 1 with the chance `typical`, or else 0.
    Share,
}

impl Shape {
    /// Shapes as files spell them.
    pub const WORDS: &'static [(&'static str, Shape)] = &[
        ("log-normal", Shape::LogNormal),
        ("normal", Shape::Normal),
        ("logit-normal", Shape::LogitNormal),
        ("uniform", Shape::Uniform),
        ("share", Shape::Share),
    ];

    /// As files spell it.
    pub fn word(self) -> &'static str {
        match self {
            Shape::LogNormal => "log-normal",
            Shape::Normal => "normal",
            Shape::LogitNormal => "logit-normal",
            Shape::Uniform => "uniform",
            Shape::Share => "share",
        }
    }
}

/// How one parameter differs between patients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// The parameter; its unit holds here too.
    pub key: &'static str,
    /// Form.
    pub shape: Shape,
    /// Middle, by shape \[unit of the parameter\].
    pub typical: f64,
    /// Spread, by shape; 0 makes all patients alike.
    pub spread: f64,
    /// Nobody lies below \[unit of the parameter\].
    pub low: f64,
    /// Nobody lies above \[unit of the parameter\].
    pub high: f64,
    /// How far middle and spread can be trusted.
    pub grade: Grade,
    /// Where they come from, and how the spread was chosen.
    pub source: String,
    /// Standard deviation of the logarithm of `typical`: how well we know it \[1\].
    pub typical_uncertainty: f64,
    /// Standard deviation of the logarithm of `spread` \[1\].
    pub spread_uncertainty: f64,
}

impl Distribution {
    /// The parameter's own table entry. `None` only for a key that no table has, which
    /// [`PopulationSpec::new`] refuses.
    pub fn parameter(&self) -> Option<&'static Parameter> {
        parameters::named(self.key)
    }

    /// The distribution in words; `unit` is written after quantities, with its space.
    pub fn words(&self, unit: &str) -> String {
        let Distribution {
            typical,
            spread,
            low,
            high,
            ..
        } = self;
        let bounds = format!("within {low} to {high}{unit}");
        match self.shape {
            Shape::LogNormal => {
                format!("log-normal, median {typical}{unit}, sd of the logarithm {spread:.3}, {bounds}")
            }
            Shape::Normal => format!("normal, mean {typical}{unit}, sd {spread}{unit}, {bounds}"),
            Shape::LogitNormal => format!("logit-normal, median {typical}{unit}, sd of the logit {spread}, {bounds}"),
            Shape::Uniform => format!("uniform, {bounds}"),
            Shape::Share => format!("{} % of patients", 100.0 * typical),
        }
    }
}

/// Correlation of two parameters between patients, of their normal scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correlation {
    /// One parameter.
    pub first: &'static str,
    /// The other.
    pub second: &'static str,
    /// Correlation of the normal scores \[-1-1\].
    pub r: f64,
    /// How far it can be trusted.
    pub grade: Grade,
    /// Where it comes from.
    pub source: String,
}

/// What the spasticity comes from, in a share of the patients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// Such as `spinal cord injury`.
    pub name: String,
    /// Weight among the origins \[1\].
    pub share: f64,
    /// Levels of a cord injury with their weights; empty if there is none.
    pub injury: Vec<(Level, f64)>,
    /// Where the share comes from.
    pub source: String,
}

/// What is wrong with a population.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PopulationError {
    /// No table has the parameter.
    #[error("`{key}`: no such parameter")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// Two distributions of one parameter.
    #[error("`{key}` is given twice")]
    Twice {
        /// The key.
        key: &'static str,
    },
    /// The middle, a bound or a spread cannot be.
    #[error("`{key}`: {problem}")]
    Shape {
        /// The key.
        key: &'static str,
        /// In words.
        problem: String,
    },
    /// A correlation names a parameter that does not vary.
    #[error("correlation of `{first}` with `{second}`: `{missing}` has no distribution")]
    NotVaried {
        /// One parameter.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// The one without a distribution.
        missing: &'static str,
    },
    /// The correlations contradict one another.
    #[error("the correlations contradict one another: no variables are so correlated")]
    NotDefinite,
    /// Shares of origins that are no weights.
    #[error("origin `{name}`: shares must be finite, also in sum, not negative, and not all zero")]
    Share {
        /// The origin.
        name: String,
    },
}

/// A population that has passed all checks.
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationSpec {
    name: String,
    summary: String,
    patient: Population,
    distributions: Vec<Distribution>,
    correlations: Vec<Correlation>,
    origins: Vec<Origin>,
    factor: Factor,
}

impl PopulationSpec {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`PopulationError`] with the first thing that cannot be.
    pub fn new(
        name: impl Into<String>,
        summary: impl Into<String>,
        patient: Population,
        distributions: Vec<Distribution>,
        correlations: Vec<Correlation>,
        origins: Vec<Origin>,
    ) -> Result<Self, PopulationError> {
        for (i, d) in distributions.iter().enumerate() {
            let Some(parameter) = d.parameter() else {
                return Err(PopulationError::UnknownKey { key: d.key.to_owned() });
            };
            if distributions[..i].iter().any(|other| other.key == d.key) {
                return Err(PopulationError::Twice { key: d.key });
            }
            if let Some(problem) = objection(d, parameter) {
                return Err(PopulationError::Shape { key: d.key, problem });
            }
        }
        let place = |key: &str| distributions.iter().position(|d| d.key == key);
        let mut pairs = Vec::new();
        for c in &correlations {
            let missing = |missing| PopulationError::NotVaried {
                first: c.first,
                second: c.second,
                missing,
            };
            let i = place(c.first).ok_or_else(|| missing(c.first))?;
            let j = place(c.second).ok_or_else(|| missing(c.second))?;
            pairs.push((i, j, c.r));
        }
        let factor = Factor::new(distributions.len(), &pairs).ok_or(PopulationError::NotDefinite)?;
        let weights = |list: &mut dyn Iterator<Item = f64>| {
            let (mut sum, mut sound) = (0.0, true);
            for w in list {
                sound &= w.is_finite() && w >= 0.0;
                sum += w;
            }
            // Each may be finite and the sum not: the draw would always fall on the same one.
            sound && sum > 0.0 && sum.is_finite()
        };
        if let Some(first) = origins.first()
            && !weights(&mut origins.iter().map(|o| o.share))
        {
            let name = first.name.clone();
            return Err(PopulationError::Share { name });
        }
        for o in origins.iter().filter(|o| !o.injury.is_empty()) {
            if !weights(&mut o.injury.iter().map(|i| i.1)) {
                return Err(PopulationError::Share { name: o.name.clone() });
            }
        }
        Ok(Self {
            name: name.into(),
            summary: summary.into(),
            patient,
            distributions,
            correlations,
            origins,
            factor,
        })
    }

    /// Name, as in `[population] name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line for lists.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// What `[patient] population` is for its patients.
    pub fn patient(&self) -> Population {
        self.patient
    }

    /// Distributions, in order of drawing.
    pub fn distributions(&self) -> &[Distribution] {
        &self.distributions
    }

    /// The distribution of a parameter.
    pub fn distribution(&self, key: &str) -> Option<&Distribution> {
        self.distributions.iter().find(|d| d.key == key)
    }

    /// Correlations.
    pub fn correlations(&self) -> &[Correlation] {
        &self.correlations
    }

    /// Origins of the spasticity.
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// What makes independent normal scores correlated, in the order of the distributions.
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// The same population around other middles, such as those of a named set of parameters;
    /// a middle outside its bounds moves to the nearer one, and keys that do not vary are passed over.
    pub fn around(&self, middles: &[(&str, f64)]) -> Self {
        let mut moved = self.clone();
        for d in &mut moved.distributions {
            if let Some((_, value)) = middles.iter().find(|(key, _)| *key == d.key) {
                d.typical = inside(d, *value);
            }
        }
        moved
    }

    /// The same population with each middle and spread changed by `change`, within its bounds.
    pub fn changed(&self, mut change: impl FnMut(&Distribution) -> (f64, f64)) -> Self {
        let mut moved = self.clone();
        for d in &mut moved.distributions {
            let (typical, spread) = change(d);
            d.typical = inside(d, typical);
            if spread.is_finite() && spread >= 0.0 {
                d.spread = spread;
            }
        }
        moved
    }
}

/// A middle moved into the bounds of its distribution, off the ends where the shape needs that.
fn inside(d: &Distribution, typical: f64) -> f64 {
    if !typical.is_finite() {
        return d.typical;
    }
    match d.shape {
        // One part in a thousand of the width off the ends: the logit of an end is infinite.
        Shape::LogitNormal => {
            let margin = 1e-3 * (d.high - d.low);
            typical.clamp(d.low + margin, d.high - margin)
        }
        _ => typical.clamp(d.low, d.high),
    }
}

/// What is wrong with a distribution in itself.
fn objection(d: &Distribution, p: &Parameter) -> Option<String> {
    let unit = if p.unit == "1" {
        String::new()
    } else {
        format!(" {}", p.unit)
    };
    let finite = [
        d.typical,
        d.spread,
        d.low,
        d.high,
        d.typical_uncertainty,
        d.spread_uncertainty,
    ];
    if finite.iter().any(|x| !x.is_finite()) {
        return Some("every number must be finite".to_owned());
    }
    if d.low < p.low || d.high > p.high || d.low >= d.high {
        return Some(format!(
            "bounds {} to {}{unit} must rise and lie within {} to {}{unit}",
            d.low, d.high, p.low, p.high
        ));
    }
    if d.shape != Shape::Uniform && !(d.low..=d.high).contains(&d.typical) {
        return Some(format!(
            "typical value {}{unit} lies outside its bounds {} to {}{unit}",
            d.typical, d.low, d.high
        ));
    }
    if d.spread < 0.0 || d.typical_uncertainty < 0.0 || d.spread_uncertainty < 0.0 {
        return Some("a spread cannot be negative".to_owned());
    }
    match d.shape {
        Shape::LogNormal if d.typical <= 0.0 => Some("a log-normal value must be greater than zero".to_owned()),
        Shape::LogitNormal if d.typical <= d.low || d.typical >= d.high => {
            Some("the typical value of a logit-normal must lie between its bounds, not on one".to_owned())
        }
        Shape::Share if d.low != 0.0 || d.high != 1.0 => Some("a share has the bounds 0 and 1".to_owned()),
        _ => None,
    }
}
