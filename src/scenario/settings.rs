//! A policy's numbers and choices.
//!
//! Each number is a graded default `care.<policy>.<name>`; a `[[care]]` block may replace it
//! under its bare name. So every figure a policy uses is listed by `itbsim parameters`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::steps::Step;
use crate::parameters::{self, Parameter, ParameterSet};

/// A choice among words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Key in the block.
    pub name: &'static str,
    /// The words; the first is the default. A choice called `steps` has none: it is a list of
    /// tests ([`super::steps`]).
    pub words: &'static [&'static str],
    /// What it decides.
    pub meaning: &'static str,
}

/// What the loader and `list policies` know of a policy; [`crate::care`] knows how it works.
#[derive(Debug, Clone, Copy)]
pub struct PolicySpec {
    /// Name in `policy = "..."`; its numbers are the parameters `care.<name>.*`.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// Where the protocol is published.
    pub source: &'static str,
    /// Choices among words.
    pub choices: &'static [Choice],
    /// Names of the acts it may order: events `action.<id>.<act>.done`.
    pub acts: &'static [&'static str],
    /// What it makes known: event kinds under `care.<id>`.
    pub flags: &'static [&'static str],
    /// Says what is wrong with settings that are each within their range.
    pub check: fn(&Settings) -> Result<(), String>,
}

/// Event kinds every policy can show, under `care.<id>`.
pub const COMMON_EVENTS: &[&str] = &[
    "start",
    "timer",
    "seen",
    "missed",
    "reported",
    "refused",
    "test",
    "operation",
];

/// The settings of one `[[care]]` block, complete.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// Numbers by bare name, each in the unit of its parameter.
    pub numbers: BTreeMap<String, f64>,
    /// Words by name.
    pub words: BTreeMap<String, String>,
    /// Ordered tests, if the block has a list; empty is the policy's own.
    #[serde(default)]
    pub steps: Vec<Step>,
}

impl Settings {
    /// The defaults of a policy, as a scenario's `[parameters]` leave them.
    pub fn defaults(policy: &str, choices: &[Choice], parameters: &ParameterSet) -> Self {
        let numbers = specs(policy).map(|(name, p)| (name.to_owned(), parameters.get(p.key)));
        let words = choices
            .iter()
            .filter_map(|c| Some((c.name.to_owned(), (*c.words.first()?).to_owned())));
        Self {
            numbers: numbers.collect(),
            words: words.collect(),
            steps: Vec::new(),
        }
    }

    /// A number in the unit of its parameter; zero for a name that the policy does not have,
    /// which a test excludes for every policy shipped.
    pub fn number(&self, name: &str) -> f64 {
        debug_assert!(self.numbers.contains_key(name), "{name} is no number of this policy");
        self.numbers.get(name).copied().unwrap_or_default()
    }

    /// A word, empty for a name that the policy does not have.
    pub fn word(&self, name: &str) -> &str {
        debug_assert!(self.words.contains_key(name), "{name} is no choice of this policy");
        self.words.get(name).map_or("", String::as_str)
    }
}

/// The numbers of a policy: bare names with their parameters.
pub fn specs(policy: &str) -> impl Iterator<Item = (&'static str, &'static Parameter)> {
    let stem = format!("care.{policy}.");
    parameters::all().filter_map(move |p| Some((p.key.strip_prefix(&stem)?, p)))
}
