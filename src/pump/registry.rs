//! Pump families by name.

use std::collections::BTreeMap;

use super::interface::{Pump, PumpSetup};
use super::messages::PumpError;
use super::peristaltic::Peristaltic;
use crate::parameters::ParameterSet;

/// Makes a new pump of a family.
pub type BuildPump = fn(&PumpSetup, &ParameterSet) -> Result<Box<dyn Pump>, PumpError>;

/// Makes the pump whose [`Pump::save`] this is.
pub type RestorePump = fn(&serde_json::Value) -> Result<Box<dyn Pump>, PumpError>;

/// How a family makes its pumps.
#[derive(Debug, Clone, Copy)]
pub struct PumpFamily {
    /// Name in scenarios.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// Makes a new pump.
    pub build: BuildPump,
    /// Makes the pump whose [`Pump::save`] this is.
    pub restore: RestorePump,
}

/// The families a simulation knows; [`PumpRegistry::default`] has the built-in ones.
#[derive(Debug, Clone)]
pub struct PumpRegistry {
    families: BTreeMap<&'static str, PumpFamily>,
}

impl Default for PumpRegistry {
    fn default() -> Self {
        let mut registry = Self {
            families: BTreeMap::new(),
        };
        registry.register(Peristaltic::FAMILY);
        registry
    }
}

impl PumpRegistry {
    /// Adds a family, or replaces the one of the same name, which is returned.
    pub fn register(&mut self, family: PumpFamily) -> Option<PumpFamily> {
        self.families.insert(family.name, family)
    }

    /// All families by name.
    pub fn families(&self) -> impl Iterator<Item = &PumpFamily> {
        self.families.values()
    }

    /// Builds the pump a scenario describes.
    ///
    /// # Errors
    /// [`PumpError::UnknownFamily`], or what the family's builder refuses.
    pub fn build(&self, setup: &PumpSetup, parameters: &ParameterSet) -> Result<Box<dyn Pump>, PumpError> {
        (self.family(&setup.device.family)?.build)(setup, parameters)
    }

    /// Restores a saved pump.
    ///
    /// # Errors
    /// [`PumpError::UnknownFamily`] or [`PumpError::Restore`].
    pub fn restore(&self, family: &str, state: &serde_json::Value) -> Result<Box<dyn Pump>, PumpError> {
        (self.family(family)?.restore)(state)
    }

    fn family(&self, name: &str) -> Result<&PumpFamily, PumpError> {
        self.families.get(name).ok_or_else(|| PumpError::UnknownFamily {
            name: name.to_owned(),
            known: self.families.keys().map(|n| (*n).to_owned()).collect(),
        })
    }
}
