//! What can be plugged in, by name: pump families, fault kinds, effect models, care policies.
//!
//! A library user starts from [`Registry::builtin`] and adds; the scenario
//! loader accepts the new names, and runs use them. See `examples/plug_in.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::care::PolicyRegistry;
use crate::catheter::{Catheter, Jump};
use crate::engine::SimTime;
use crate::pump::{Pump, PumpNotice, PumpRegistry};
use crate::response::{DrugSignals, EffectModels, all_symptoms};
use crate::scenario::model::{Catalog, Fault, FaultKind, PumpAbility};

use super::error::SimError;
use super::mechanisms;

/// The parts of the plant that a fault can act on.
pub struct Plant<'a> {
    /// The instant.
    pub now: SimTime,
    /// The device.
    pub pump: &'a mut dyn Pump,
    /// The line from pump to spine.
    pub catheter: &'a mut Catheter,
    /// Collects what the pump reports in answer.
    pub notices: &'a mut Vec<PumpNotice>,
    /// Collects drug that leaves the line at once because of the change.
    pub jumps: &'a mut Vec<Jump>,
}

/// How one fault acts: turns a severity into a change of the plant.
///
/// The simulation calls [`apply`](FaultMechanism::apply) at every change of the
/// fault's profile, with severity 1 for full presence and 0 for absence or
/// repair. Calls are idempotent and leave no other trace: a mechanism holds
/// its configuration and no state, so that a snapshot of the plant is complete.
///
/// # Example
/// ```
/// use itbsim::simulation::{FaultMechanism, Plant, SimError};
///
/// /// A pump whose every stroke is a little short.
/// struct ShortStroke { lost: f64 }
///
/// impl FaultMechanism for ShortStroke {
///     fn apply(&self, id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
///         let gain = 1.0 - severity * self.lost;
///         plant.pump.disturb(plant.now, id, &itbsim::pump::Disturbance::OverInfusion { gain }, plant.notices)?;
///         Ok(())
///     }
/// }
/// ```
pub trait FaultMechanism: Send + Sync {
    /// Applies a severity from 0 (absent) to 1 (full).
    ///
    /// # Errors
    /// If the part refuses, for example a place beyond the catheter.
    fn apply(&self, id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError>;
}

/// Builds a mechanism from the checked `[[fault]]` block.
pub type BuildFault = fn(&Fault) -> Result<Arc<dyn FaultMechanism>, SimError>;

/// The names a scenario may use, and what they stand for.
pub struct Registry {
    /// Pump families.
    pub pumps: PumpRegistry,
    /// Effect models.
    pub effects: EffectModels,
    /// Care policies.
    pub policies: PolicyRegistry,
    faults: BTreeMap<&'static str, (FaultKind, BuildFault)>,
}

/// A row of the symptom table, for listings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SymptomEntry {
    /// Name in events and files.
    pub name: &'static str,
    /// In words.
    pub words: &'static str,
    /// `withdrawal`, `overdose` or `therapy`.
    pub syndrome: &'static str,
}

impl Registry {
    /// Everything this crate ships.
    pub fn builtin() -> Self {
        let mut registry = Self {
            pumps: PumpRegistry::default(),
            effects: EffectModels::default(),
            policies: PolicyRegistry::default(),
            faults: BTreeMap::new(),
        };
        for (kind, build) in mechanisms::builtin() {
            registry.add_fault(kind, build);
        }
        registry
    }

    /// Adds a fault kind; one of the same name is replaced.
    pub fn add_fault(&mut self, kind: FaultKind, build: BuildFault) {
        self.faults.insert(kind.kind, (kind, build));
    }

    /// The mechanism behind a scenario's fault.
    ///
    /// # Errors
    /// If no such kind is registered or its values do not fit.
    pub fn mechanism(&self, fault: &Fault) -> Result<Arc<dyn FaultMechanism>, SimError> {
        let (_, build) = self
            .faults
            .get(fault.kind.as_str())
            .ok_or_else(|| SimError::UnknownFault {
                id: fault.id.clone(),
                kind: fault.kind.clone(),
            })?;
        build(fault)
    }

    /// The symptom table.
    pub fn symptoms(&self) -> Vec<SymptomEntry> {
        all_symptoms()
            .map(|s| SymptomEntry {
                name: s.name,
                words: s.words,
                syndrome: super::words::syndrome(s.syndrome),
            })
            .collect()
    }

    /// All names, for the loader.
    pub fn catalog(&self) -> Catalog {
        Catalog {
            pump_families: self.pumps.families().map(|f| f.name).collect(),
            pump_abilities: self
                .pumps
                .families()
                .map(|f| PumpAbility {
                    family: f.name,
                    faults: f.faults,
                    acts: f.acts,
                    rates: f.rates,
                })
                .collect(),
            effect_models: self.effects.names(),
            policies: self.policies.kinds().map(|k| k.spec).collect(),
            populations: crate::population::builtin().to_vec(),
            fault_kinds: self.faults.values().map(|(kind, _)| *kind).collect(),
            hazard_kinds: crate::hazards::KINDS
                .into_iter()
                .chain(crate::complications::KINDS.map(|k| k.kind))
                .collect(),
            signals: super::observe::columns().into_iter().skip(1).collect(),
            drug_signals: super::observe::drug_columns(),
            channel_signals: DrugSignals::COLUMNS.map(str::to_owned).to_vec(),
            events: super::names::fixed_events(),
            body: Some(super::assemble::contradiction),
        }
    }
}
