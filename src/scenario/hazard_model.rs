//! `[hazards]` as a loaded scenario holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;

use super::model::Material;

/// When a fault strikes that was drawn from `[hazards]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Onset {
    /// When.
    pub at: SimTime,
    /// The draw in words, with all that is needed to repeat it.
    pub detail: String,
}

/// `[hazards]`: faults that may come by chance.
#[derive(Debug, Clone, PartialEq)]
pub struct Hazards {
    /// Whether any may come.
    pub enabled: bool,
    /// Generation of the catheter; `None` is that of its wall.
    pub generation: Option<Material>,
    /// Generation of the pump.
    pub pump_generation: PumpGeneration,
    /// Age of the catheter at the start \[h\]; `None` is that of the pump.
    pub catheter_age: Option<f64>,
    /// Factor on all hazards \[1\].
    pub scale: f64,
    /// Whether complications of surgery and hardware may come as well.
    pub complications: bool,
    /// Changes to single kinds, by kind.
    pub kinds: BTreeMap<String, HazardOverride>,
}

/// Which figures of motor stall hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PumpGeneration {
    /// The original design, by the product surveillance registry of 2012.
    #[default]
    #[serde(rename = "registry-2012")]
    Registry2012,
    /// The original design, by the maker's letter of 2017.
    #[serde(rename = "letter-2017")]
    Letter2017,
    /// The design of 2016-17: the letter's figures less the causes removed.
    #[serde(rename = "redesigned-2017")]
    Redesigned2017,
}

/// What a scenario says about the hazard of one kind; `None` keeps the default.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HazardOverride {
    /// Whether it may come at all.
    pub enabled: Option<bool>,
    /// Chance at surgery \[0-1\].
    pub at_surgery: Option<f64>,
    /// Extra rate during the early term \[1/h\].
    pub early: Option<f64>,
    /// Length of the early term \[h\].
    pub early_for: Option<f64>,
    /// Rate that stays \[1/h\].
    pub constant: Option<f64>,
    /// Growth of the rate with age \[1/h2\].
    pub wear: Option<f64>,
    /// Age before which it does not come, surgery apart \[h\].
    pub not_before: Option<f64>,
}
