//! The graded defaults: every number the models start from, with value, unit,
//! plausible range, source and grade.
//!
//! One file per room holds a table of [`Parameter`]s; [`ParameterSet`] is the
//! defaults of all rooms with the overrides of one scenario applied. Rooms read
//! their numbers once, when a patient is assembled.

use std::collections::BTreeMap;

mod catheter;
mod kinetics;
mod pump;
mod response;

/// How far a default can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// The figure stands in the cited source.
    Published,
    /// Our arithmetic from published figures.
    Derived,
    /// A guess, bounded by its range.
    Assumed,
}

/// One default number.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Parameter {
    /// Dotted name, `room.topic.name`, used in `[parameters]` of a scenario.
    pub key: &'static str,
    /// Default, in `unit`.
    pub value: f64,
    /// Unit as a person writes it; `"1"` for a pure number.
    pub unit: &'static str,
    /// Smallest plausible value, in `unit`; an override below it is refused.
    pub low: f64,
    /// Largest plausible value, in `unit`; an override above it is refused.
    pub high: f64,
    /// How far the number can be trusted.
    pub grade: Grade,
    /// Where the number comes from.
    pub source: &'static str,
    /// What the number means.
    pub meaning: &'static str,
}

/// The tables of all rooms, in print order.
pub fn all() -> impl Iterator<Item = &'static Parameter> {
    [pump::TABLE, catheter::TABLE, kinetics::TABLE, response::TABLE]
        .into_iter()
        .flatten()
}

/// The defaults with the overrides of one scenario applied.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSet {
    values: BTreeMap<&'static str, f64>,
}

impl Default for ParameterSet {
    fn default() -> Self {
        Self {
            values: all().map(|p| (p.key, p.value)).collect(),
        }
    }
}

/// Why an override was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// No parameter has this key.
    #[error("unknown parameter `{key}`")]
    Unknown {
        /// The key asked for.
        key: String,
    },
    /// The value lies outside the plausible range.
    #[error("`{key}` = {value} {unit} lies outside its range {low} to {high} {unit}")]
    OutOfRange {
        /// The parameter.
        key: &'static str,
        /// The value asked for, in `unit`.
        value: f64,
        /// The unit of value and range.
        unit: &'static str,
        /// Lower end of the range.
        low: f64,
        /// Upper end of the range.
        high: f64,
    },
}

impl ParameterSet {
    /// The value of `key`, in the unit its table states.
    ///
    /// # Panics
    /// If no table has `key`. Keys are literals in this crate's code, never
    /// text from a scenario, and a test reads every key the rooms ask for.
    pub fn get(&self, key: &str) -> f64 {
        match self.values.get(key) {
            Some(value) => *value,
            None => panic!("no parameter table has `{key}`"),
        }
    }

    /// Replaces one default; `value` is in the unit the table states.
    ///
    /// # Errors
    /// [`ParameterError`] if the key is unknown or the value is not finite or
    /// outside the parameter's range.
    pub fn set(&mut self, key: &str, value: f64) -> Result<(), ParameterError> {
        let Some(p) = all().find(|p| p.key == key) else {
            return Err(ParameterError::Unknown { key: key.to_owned() });
        };
        if !(p.low..=p.high).contains(&value) {
            return Err(ParameterError::OutOfRange {
                key: p.key,
                value,
                unit: p.unit,
                low: p.low,
                high: p.high,
            });
        }
        self.values.insert(p.key, value);
        Ok(())
    }
}
