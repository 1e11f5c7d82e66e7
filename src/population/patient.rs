//! One virtual patient, and how it gets into a scenario.

use std::sync::Arc;

use crate::parameters::ParameterSet;
use crate::scenario::model::{self, Scenario};
use crate::signals::Level;

/// Keys of the parameters that stand for entries of `[patient]`, with the names under which a
/// scenario fixes them.
const IN_PATIENT: [(&str, &str); 5] = [
    ("scenario.patient.weight", "patient.weight"),
    ("scenario.patient.ashworth_legs", "patient.ashworth_legs"),
    ("scenario.patient.ashworth_arms", "patient.ashworth_arms"),
    ("scenario.patient.spasm_score", "patient.spasm_score"),
    (GFR, "patient.renal_function"),
];
const GFR: &str = "population.gfr";
/// Largest renal function a scenario knows \[1\].
const MOST_RENAL: f64 = 2.0;

/// One patient of a population.
#[derive(Debug, Clone, PartialEq)]
pub struct VirtualPatient {
    /// Number of the patient, which is that of the replicate.
    pub replicate: u64,
    /// Name of the population.
    pub population: Arc<str>,
    /// What `[patient] population` is.
    pub group: model::Population,
    /// Parameters by key \[unit of the parameter\], in the order of the population.
    pub values: Vec<(&'static str, f64)>,
    /// What the spasticity comes from; `None` for the typical patient.
    pub origin: Option<Arc<str>>,
    /// Level of the cord injury, if there is one.
    pub injury: Option<Level>,
}

impl VirtualPatient {
    /// The value of a parameter \[its unit\], if the population varies it.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.values.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    /// Age \[y\].
    pub fn age(&self) -> Option<f64> {
        self.value("population.age")
    }

    /// Body weight \[kg\].
    pub fn weight(&self) -> Option<f64> {
        self.value("scenario.patient.weight")
    }

    /// Body height \[cm\].
    pub fn height(&self) -> Option<f64> {
        self.value("population.height")
    }

    /// Whether this is a woman.
    pub fn female(&self) -> Option<bool> {
        self.value("population.female").map(|x| x > 0.5)
    }

    /// Glomerular filtration rate \[mL/min\].
    pub fn gfr(&self) -> Option<f64> {
        self.value(GFR)
    }

    /// Renal function relative to normal \[1\], from the filtration rate.
    pub fn renal_function(&self, parameters: &ParameterSet) -> Option<f64> {
        let normal = parameters.get("population.gfr_normal");
        self.gfr().map(|gfr| (gfr / normal).clamp(0.0, MOST_RENAL))
    }

    /// The parameters of this patient over those of `base`.
    pub fn parameters(&self, base: &ParameterSet) -> ParameterSet {
        let mut all = base.clone();
        for (key, value) in &self.values {
            all.put(key, *value);
        }
        all
    }

    /// Writes the patient into a scenario wherever the scenario does not fix the value
    /// itself, and takes the scenario's `[population]` out, so that nobody is drawn over this one.
    pub fn apply(&self, scenario: &mut Scenario) {
        scenario.population = None;
        scenario.patient.population = self.group;
        for &(key, value) in &self.values {
            let entry = IN_PATIENT.iter().find(|(k, _)| *k == key).map(|(_, name)| *name);
            let fixed = &scenario.fixed;
            if fixed.contains(key) || entry.is_some_and(|name| fixed.contains(name)) {
                continue;
            }
            scenario.parameters.put(key, value);
            let patient = &mut scenario.patient;
            match entry {
                Some("patient.weight") => patient.weight = value,
                Some("patient.ashworth_legs") => patient.ashworth_legs = value,
                Some("patient.ashworth_arms") => patient.ashworth_arms = value,
                Some("patient.spasm_score") => patient.spasm_score = value,
                Some(_) => {
                    if let Some(renal) = self.renal_function(&scenario.parameters) {
                        patient.renal_function = renal;
                    }
                }
                None => {}
            }
        }
        // The typical patient has no origin, and says nothing about an injury.
        if self.origin.is_some() && !scenario.fixed.contains("patient.injury") {
            scenario.patient.injury = self.injury;
        }
    }
}
