//! The graded defaults: every number the models start from, with value, unit,
//! plausible range, source and grade.
//!
//! One file per room holds a table of [`Parameter`]s; [`ParameterSet`] is the
//! defaults of all rooms with the overrides of one scenario applied. Rooms read
//! their numbers once, when a patient is assembled.

use std::sync::Arc;

use crate::quantity::{self, QuantityError};

mod alarm;
mod calc;
mod care;
mod care_complications;
mod care_workup;
mod catheter;
mod complications;
mod flow;
mod hazards;
mod kinetics;
mod lookup;
mod page;
mod population;
mod protocols;
mod pump;
mod response;
mod scenario;
mod sets;
mod visit;

use lookup::lookup;
pub use sets::{NamedSet, SETS, named_set};

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

/// One line of a table.
#[allow(clippy::too_many_arguments)] // the fields of a parameter, in order
const fn entry(
    key: &'static str,
    value: f64,
    unit: &'static str,
    low: f64,
    high: f64,
    grade: Grade,
    source: &'static str,
    meaning: &'static str,
) -> Parameter {
    Parameter {
        key,
        value,
        unit,
        low,
        high,
        grade,
        source,
        meaning,
    }
}

/// The tables of all rooms, in print order.
pub fn all() -> impl Iterator<Item = &'static Parameter> {
    [
        pump::TABLE,
        alarm::TABLE,
        visit::TABLE,
        care::TABLE,
        protocols::TABLE,
        care_workup::TABLE,
        care_complications::TABLE,
        catheter::TABLE,
        kinetics::TABLE,
        response::TABLE,
        scenario::TABLE,
        population::TABLE,
        hazards::TABLE,
        complications::TABLE,
        calc::TABLE,
        flow::TABLE,
        page::TABLE,
    ]
    .into_iter()
    .flatten()
}

/// The parameter of this key, if a table has it.
pub fn named(key: &str) -> Option<&'static Parameter> {
    let table = lookup();
    table.place(key).map(|place| table.all[place])
}

/// The defaults with the overrides of one scenario applied. Copies share what neither changes.
#[derive(Clone, PartialEq)]
pub struct ParameterSet {
    /// In the order of [`all`].
    values: Arc<[f64]>,
}

impl Default for ParameterSet {
    fn default() -> Self {
        static DEFAULTS: std::sync::OnceLock<ParameterSet> = std::sync::OnceLock::new();
        let of_tables = || Self {
            values: all().map(|p| p.value).collect(),
        };
        DEFAULTS.get_or_init(of_tables).clone()
    }
}

impl std::fmt::Debug for ParameterSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let own = all().zip(self.values.iter());
        let changed = own.filter(|(p, value)| p.value != **value);
        f.debug_map().entries(changed.map(|(p, value)| (p.key, value))).finish()
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
    /// The text is no quantity in the parameter's unit.
    #[error("`{key}`: {problem}")]
    Text {
        /// The parameter.
        key: &'static str,
        /// What is wrong with the text.
        problem: QuantityError,
    },
}

impl ParameterError {
    /// What to write instead, where that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            ParameterError::Text { problem, .. } => problem.help(),
            _ => None,
        }
    }
}

impl ParameterSet {
    /// The value of `key`, in the unit its table states.
    ///
    /// # Panics
    /// If no table has `key`. Keys are literals in this crate's code, never
    /// text from a scenario, and a test reads every key the rooms ask for.
    pub fn get(&self, key: &str) -> f64 {
        match self.find(key) {
            Some(value) => value,
            None => panic!("no parameter table has `{key}`"),
        }
    }

    /// The value of `key`, or `None` if no table has it.
    pub fn find(&self, key: &str) -> Option<f64> {
        lookup().place(key).map(|place| self.values[place])
    }

    /// Replaces one default; `value` is in the unit the table states.
    ///
    /// # Errors
    /// [`ParameterError`] if the key is unknown or the value is not finite or
    /// outside the parameter's range.
    pub fn set(&mut self, key: &str, value: f64) -> Result<(), ParameterError> {
        let Some(place) = lookup().place(key) else {
            return Err(ParameterError::Unknown { key: key.to_owned() });
        };
        let p = lookup().all[place];
        let value = value + 0.0; // no -0.0
        if !(p.low..=p.high).contains(&value) {
            return Err(ParameterError::OutOfRange {
                key: p.key,
                value,
                unit: p.unit,
                low: p.low,
                high: p.high,
            });
        }
        Arc::make_mut(&mut self.values)[place] = value;
        Ok(())
    }

    /// Replaces a value without regard to its range: a patient's, which is known to lie in it, or that
    /// of another drug, which has a range of its own. A key that no table has is passed over.
    pub(crate) fn put(&mut self, key: &'static str, value: f64) {
        if let Some(place) = lookup().place(key) {
            Arc::make_mut(&mut self.values)[place] = value + 0.0;
        }
    }

    /// Replaces one default by a text with a unit, such as `"0.1 cm2/s"`; a
    /// parameter whose unit is `"1"` takes a bare number or a percentage.
    ///
    /// # Errors
    /// [`ParameterError`] as [`ParameterSet::set`], or if the text is no
    /// quantity of the parameter's dimension.
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<(), ParameterError> {
        let Some(p) = named(key) else {
            return Err(ParameterError::Unknown { key: key.to_owned() });
        };
        let value = quantity::convert(text, p.unit).map_err(|problem| ParameterError::Text { key: p.key, problem })?;
        self.set(p.key, value)
    }

    /// The value of `key` expressed in the base unit of `dimension`, such as a
    /// rate tabled in mL/day as mL/h.
    ///
    /// # Panics
    /// As [`ParameterSet::get`]; also if the parameter is of another dimension,
    /// which is a slip in this crate's code.
    pub fn get_as(&self, key: &str, dimension: quantity::Dimension) -> f64 {
        let value = self.get(key);
        let unit = lookup().place(key).and_then(|place| lookup().units[place]);
        match unit.and_then(|unit| unit.in_base(value, dimension)) {
            Some(value) => value,
            None => panic!("`{key}` is not {}", dimension.noun()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_default_lies_in_its_range_and_the_range_is_finite() {
        for p in all() {
            assert!(p.low.is_finite() && p.high.is_finite(), "{}", p.key);
            assert!((p.low..=p.high).contains(&p.value), "{} = {}", p.key, p.value);
        }
    }

    #[test]
    fn every_unit_parses() {
        for p in all() {
            assert!(quantity::is_unit(p.unit), "{}: unit `{}`", p.key, p.unit);
        }
    }

    #[test]
    fn every_default_says_where_it_comes_from_and_what_it_means() {
        for p in all() {
            assert!(!p.source.trim().is_empty(), "{}", p.key);
            assert!(!p.meaning.trim().is_empty(), "{}", p.key);
        }
    }

    #[test]
    fn keys_are_unique() {
        let mut seen = BTreeSet::new();
        for p in all() {
            assert!(seen.insert(p.key), "{} appears twice", p.key);
        }
    }

    #[test]
    fn keys_start_with_the_name_of_their_room() {
        for (room, table) in [
            ("pump.", pump::TABLE),
            ("alarm.", alarm::TABLE),
            ("visit.", visit::TABLE),
            ("care.", care::TABLE),
            ("care.", care_workup::TABLE),
            ("care.", care_complications::TABLE),
            ("catheter.", catheter::TABLE),
            ("kinetics.", kinetics::TABLE),
            ("response.", response::TABLE),
            ("scenario.", scenario::TABLE),
            ("population.", population::TABLE),
            ("hazards.", hazards::TABLE),
            ("complications.", complications::TABLE),
            ("calc.", calc::TABLE),
            ("flow.", flow::TABLE),
        ] {
            for p in table {
                assert!(p.key.starts_with(room), "{} is in the table of {room}", p.key);
            }
        }
    }

    #[test]
    fn an_override_by_text_is_converted_to_the_unit_of_the_table() {
        let mut set = ParameterSet::default();
        set.set_text("scenario.lumbar_bolus.over", "90 s").unwrap();
        assert_eq!(set.get("scenario.lumbar_bolus.over"), 1.5);
        assert_eq!(
            set.get_as("scenario.lumbar_bolus.over", quantity::Dimension::Time),
            1.5 / 60.0
        );
        set.set_text("scenario.patient.ashworth_arms", "1.5").unwrap();
        assert_eq!(set.get("scenario.patient.ashworth_arms"), 1.5);
    }

    #[test]
    fn an_override_of_the_wrong_kind_or_outside_the_range_is_refused() {
        let mut set = ParameterSet::default();
        let wrong = set.set_text("scenario.catheter.length", "89 mL").unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "`scenario.catheter.length`: `89 mL` is a volume, but a length is needed here"
        );
        assert_eq!(wrong.help().unwrap(), "write a length such as \"1 cm\"");
        let far = set.set_text("scenario.catheter.length", "9 m").unwrap_err();
        assert_eq!(
            far.to_string(),
            "`scenario.catheter.length` = 900 cm lies outside its range 20 to 150 cm"
        );
        assert!(matches!(
            set.set("scenario.catheter.length", f64::NAN),
            Err(ParameterError::OutOfRange { .. })
        ));
        assert!(matches!(
            set.set_text("scenario.none", "1"),
            Err(ParameterError::Unknown { .. })
        ));
        assert_eq!(set, ParameterSet::default());
    }
}
