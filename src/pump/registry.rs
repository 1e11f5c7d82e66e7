//! Pump families by name.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::device::{Device, Works};
use super::gas::GasPressure;
use super::interface::{Pump, PumpSetup};
use super::messages::PumpError;
use super::peristaltic::Peristaltic;
use super::valve::ValveGated;
use crate::parameters::ParameterSet;

/// Makes a new pump of a family.
pub type BuildPump = fn(&PumpSetup, &ParameterSet) -> Result<Box<dyn Pump>, PumpError>;

/// Makes the pump whose [`Pump::save`] this is.
pub type RestorePump = fn(&serde_json::Value) -> Result<Box<dyn Pump>, PumpError>;

/// What is known of a family: how it makes its pumps, and what the loader must know.
#[derive(Debug, Clone, Copy)]
pub struct PumpFamily {
    /// Name in scenarios.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// Fault kinds of the pump that this family can have. A kind that any registered family
    /// names is refused, on loading, for those that do not.
    pub faults: &'static [&'static str],
    /// Acts that only families which name them answer to.
    pub acts: &'static [&'static str],
    /// Keys of the parameters \[mL/day\] with the smallest and the largest flow that may be
    /// programmed; `None` if the family has no programme.
    pub rates: Option<(&'static str, &'static str)>,
    /// What it answers to: outside pressure, warmth, magnetic fields.
    pub surroundings: &'static str,
    /// Beginnings of the keys of its parameters, for lists.
    pub figures: &'static [&'static str],
    /// Makes a new pump.
    pub build: BuildPump,
    /// Makes the pump whose [`Pump::save`] this is.
    pub restore: RestorePump,
}

impl PumpFamily {
    /// The family of some works, which can have no fault and no programme until it says so.
    pub const fn of<W: Works>(name: &'static str) -> Self {
        Self {
            name,
            summary: "",
            faults: &[],
            acts: &[],
            rates: None,
            surroundings: "nothing",
            figures: &[],
            build: build::<W>,
            restore: restore::<W>,
        }
    }
}

fn build<W: Works>(setup: &PumpSetup, parameters: &ParameterSet) -> Result<Box<dyn Pump>, PumpError> {
    Ok(Box::new(Device::<W>::new(setup, parameters)?))
}

fn restore<W: Works>(state: &serde_json::Value) -> Result<Box<dyn Pump>, PumpError> {
    match Device::<W>::deserialize(state) {
        Ok(pump) => Ok(Box::new(pump)),
        Err(e) => Err(PumpError::Restore {
            family: W::FAMILY.name.to_owned(),
            reason: e.to_string(),
        }),
    }
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
        registry.register(ValveGated::FAMILY);
        registry.register(GasPressure::FAMILY);
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
        let pump = (self.family(&setup.device.family)?.build)(setup, parameters)?;
        Ok(super::stroked::wrap(pump, setup.start, parameters))
    }

    /// Restores a saved pump.
    ///
    /// # Errors
    /// [`PumpError::UnknownFamily`] or [`PumpError::Restore`].
    pub fn restore(&self, family: &str, state: &serde_json::Value) -> Result<Box<dyn Pump>, PumpError> {
        let restore = self.family(family)?.restore;
        match state.get(super::stroked::INSIDE) {
            Some(inside) => Ok(Box::new(super::stroked::Stroked::restore(
                restore(inside)?,
                &state["strokes"],
            )?)),
            None => restore(state),
        }
    }

    fn family(&self, name: &str) -> Result<&PumpFamily, PumpError> {
        self.families.get(name).ok_or_else(|| PumpError::UnknownFamily {
            name: name.to_owned(),
            known: self.families.keys().map(|n| (*n).to_owned()).collect(),
        })
    }
}
