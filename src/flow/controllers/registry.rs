//! Controllers by name.

use std::collections::BTreeMap;

use super::{DeltaSigma, FlowController, OpenLoop, Pi, Predictive, Scheduled, ValveCounting};
use crate::parameters;
use crate::scenario::flow_bench::{ControllerEntry, ControllerSpec, TuningKey};
use crate::signals::SensorKind;

/// Numbers of one controller: the defaults of its kind with what the file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    values: BTreeMap<String, f64>,
}

impl Tuning {
    /// The value of a key, in the unit of its table.
    ///
    /// # Errors
    /// [`ControllerError::NoTuning`] for a key that the kind does not list.
    pub fn get(&self, key: &str) -> Result<f64, ControllerError> {
        self.values
            .get(key)
            .copied()
            .ok_or_else(|| ControllerError::NoTuning { key: key.to_owned() })
    }
}

/// Why there is no such controller.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// No kind of this name is registered.
    #[error("no controller is called `{kind}`; known are {known}")]
    Unknown {
        /// Name asked for.
        kind: String,
        /// Names registered, with commas.
        known: String,
    },
    /// A builder asks for a number that its kind does not list.
    #[error("this kind of controller lists no tuning `{key}`")]
    NoTuning {
        /// The key.
        key: String,
    },
    /// A builder refuses its tuning.
    #[error("`{key}` = {value} is no tuning for this controller: {reason}")]
    Refused {
        /// The key.
        key: String,
        /// Its value.
        value: f64,
        /// Why.
        reason: String,
    },
}

/// Makes a controller from its tuning.
pub type BuildController = fn(&Tuning) -> Result<Box<dyn FlowController>, ControllerError>;

/// What is known of a kind of controller.
#[derive(Debug, Clone)]
pub struct ControllerKind {
    /// Name in bench files.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// Sensors without which it cannot work.
    pub needs: &'static [SensorKind],
    /// Sensors it reads where they are; others are not sampled for it.
    pub reads: &'static [SensorKind],
    /// Its tuning; that of a built-in kind stands in the table of defaults.
    pub tuning: Vec<TuningKey>,
    /// Makes one.
    pub build: BuildController,
}

/// The tuning of a built-in kind, from the table of defaults.
pub fn tuning_table(kind: &str) -> Vec<TuningKey> {
    let stem = format!("flow.control.{kind}.");
    parameters::all()
        .filter_map(|p| {
            Some(TuningKey {
                key: p.key.strip_prefix(&stem)?.to_owned(),
                default: p.value,
                unit: p.unit.to_owned(),
                low: p.low,
                high: p.high,
                meaning: p.meaning.to_owned(),
            })
        })
        .collect()
}

/// The kinds a bench knows; [`ControllerRegistry::default`] has the built-in ones.
#[derive(Debug, Clone)]
pub struct ControllerRegistry {
    kinds: BTreeMap<&'static str, ControllerKind>,
}

impl Default for ControllerRegistry {
    fn default() -> Self {
        let mut registry = ControllerRegistry { kinds: BTreeMap::new() };
        let flow = &[SensorKind::Flow];
        for (name, summary, needs, reads, build) in [
            (
                "open-loop",
                "strokes at a fixed interval, rounded to ticks; sees nothing",
                &[][..],
                &[][..],
                OpenLoop::build as BuildController,
            ),
            (
                "delta-sigma",
                "adds up the volume owed and makes a stroke when one is due; sees nothing",
                &[],
                &[],
                DeltaSigma::build,
            ),
            (
                "pi",
                "proportional-integral on the filtered flow sensor, with anti-windup",
                flow,
                flow,
                Pi::build,
            ),
            (
                "scheduled",
                "feed-forward and proportional-integral; gains and filter follow the rate, warmth is fed forward",
                flow,
                &[SensorKind::Flow, SensorKind::Temperature],
                Scheduled::build,
            ),
            (
                "valve-counting",
                "counts strokes that the position sensor has seen, and repeats those that are missing",
                &[SensorKind::Rotor],
                &[SensorKind::Rotor],
                ValveCounting::build,
            ),
            (
                "mpc",
                "plans the flow over a small horizon by a quadratic programme, within limits of flow and pressure",
                flow,
                &[SensorKind::Flow, SensorKind::Pressure],
                Predictive::build,
            ),
        ] {
            registry.register(ControllerKind {
                name,
                summary,
                needs,
                reads,
                tuning: tuning_table(name),
                build,
            });
        }
        registry
    }
}

impl ControllerRegistry {
    /// Adds a kind, or replaces the one of the same name, which is returned.
    pub fn register(&mut self, kind: ControllerKind) -> Option<ControllerKind> {
        self.kinds.insert(kind.name, kind)
    }

    /// All kinds by name.
    pub fn kinds(&self) -> impl Iterator<Item = &ControllerKind> {
        self.kinds.values()
    }

    /// What the loader of bench files must know of them.
    pub fn entries(&self) -> Vec<ControllerEntry> {
        self.kinds
            .values()
            .map(|k| ControllerEntry {
                name: k.name.to_owned(),
                needs: k.needs.to_vec(),
                tuning: k.tuning.clone(),
            })
            .collect()
    }

    /// The kind of a name.
    ///
    /// # Errors
    /// [`ControllerError::Unknown`].
    pub fn kind(&self, name: &str) -> Result<&ControllerKind, ControllerError> {
        self.kinds.get(name).ok_or_else(|| ControllerError::Unknown {
            kind: name.to_owned(),
            known: self.kinds.keys().copied().collect::<Vec<_>>().join(", "),
        })
    }

    /// Makes a controller.
    ///
    /// # Errors
    /// [`ControllerError`].
    pub fn build(&self, spec: &ControllerSpec) -> Result<Box<dyn FlowController>, ControllerError> {
        let kind = self.kind(&spec.kind)?;
        let mut values: BTreeMap<String, f64> = kind.tuning.iter().map(|t| (t.key.clone(), t.default)).collect();
        for (key, value) in &spec.tuning {
            match values.get_mut(key) {
                Some(slot) => *slot = *value,
                None => return Err(ControllerError::NoTuning { key: key.clone() }),
            }
        }
        (kind.build)(&Tuning { values })
    }
}
