//! What the drug does: effect, tolerance, adaptation, withdrawal, sedation, scales,
//! vital signs, and the symptoms that follow.
//!
//! ```text
//!  effect-site concentration --> E by region --> scales (Ashworth, spasms, H/M)
//!                                 |    ^   \
//!                     adaptation G|    |T   --> brainstem: sedation, GCS, breathing
//!                     (days)      v    | tolerance (months)         |
//!               withdrawal W = max(0, G - E)                        v
//!                 |        \                                  hypoxia -> death
//!                 v         --> excitation (half a day) -> muscle -> organs -> death
//!        rebound, fever, heart rate, pressure
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | [`EffectModel`], [`EffectModels`] | concentration to effect; users add their own |
//! | [`Response`] | slow states `y`, their slopes, and the [`Signals`] |
//! | [`SYMPTOMS`], [`SymptomState`] | named symptoms with thresholds, hysteresis and dwell |
//!
//! The slow states are few and smooth between events. [`Response::along`] solves them at all nodes of
//! a step at once and tells the error, by which the simulation chooses its steps;
//! [`Response::derivative`] has their slopes for any other method, and [`Response::signals`] what
//! they show at one instant. Nothing here keeps time.

mod along;
mod drugs;
mod effect;
mod person;
mod signals;
mod source;
mod symptoms;

pub use along::{Accuracy, Filters, Forces, Path};
pub use drugs::{DrugSignals, Sites};
pub use effect::{EffectModel, EffectModels, Emax, UnknownEffectModel};
pub use person::{Baseline, Exposure, Response, SLOW_NAMES, Slow};
pub use signals::Signals;
pub use source::Source;
pub use symptoms::{
    Crossed, DRUG_SYMPTOMS, Direction, Phase, SYMPTOMS, Step, Symptom, SymptomState, Syndrome, Thresholds, Watch,
    all_symptoms, watches, watches_with_drugs,
};
