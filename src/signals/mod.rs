//! The small types through which the rooms meet: anatomy, postures, and what
//! flows from pump to catheter to spine to response.
//!
//! Nothing here computes; a room that needs another room's result receives one
//! of these values from [`crate::simulation`].

mod flow;
mod others;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod ailing;

pub use ailing::{Ailing, Remedy};
pub use flow::{ActuatorKind, SensorKind, Signal, TapKind};
pub use others::{MOST_OTHERS, Others};

/// A vertebral level of the spinal canal, from caudal to rostral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)] // the names say it
pub enum Level {
    S2,
    S1,
    L5,
    L4,
    L3,
    L2,
    L1,
    T12,
    T11,
    T10,
    T9,
    T8,
    T7,
    T6,
    T5,
    T4,
    T3,
    T2,
    T1,
    C7,
    C6,
    C5,
    C4,
    C3,
    C2,
    C1,
}

impl Level {
    /// All levels, caudal to rostral; a level's index here is [`Level::index`].
    pub const ALL: [Level; 26] = {
        use Level::*;
        [
            S2, S1, L5, L4, L3, L2, L1, T12, T11, T10, T9, T8, T7, T6, T5, T4, T3, T2, T1, C7, C6, C5, C4, C3, C2, C1,
        ]
    };

    /// Position from the caudal end, 0 for S2 to 25 for C1.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Name in lower case, as in the column `csf_l3_ng_per_ml`.
    pub fn lower(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The text names no vertebral level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no level of the model; levels run from S2 to C1, for example T10")]
pub struct UnknownLevel(pub String);

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.trim().to_lowercase();
        Level::ALL
            .into_iter()
            .find(|l| l.lower() == wanted)
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

/// A part of the nervous system with its own effect of the drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// L2 to S2.
    Legs,
    /// T2 to L1.
    Trunk,
    /// C4 to T1.
    Arms,
    /// C1 to C3 and the brain.
    Brainstem,
}

impl Region {
    /// All regions, in the order of arrays indexed by region.
    pub const ALL: [Region; 4] = [Region::Legs, Region::Trunk, Region::Arms, Region::Brainstem];

    /// Place in [`Region::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Name in lower case, as in the column `effect_legs`.
    pub fn lower(self) -> &'static str {
        match self {
            Region::Legs => "legs",
            Region::Trunk => "trunk",
            Region::Arms => "arms",
            Region::Brainstem => "brainstem",
        }
    }

    /// The region whose tissue lies at a level.
    pub fn of(level: Level) -> Region {
        match level {
            l if l <= Level::L2 => Region::Legs,
            l if l <= Level::T2 => Region::Trunk,
            l if l <= Level::C4 => Region::Arms,
            _ => Region::Brainstem,
        }
    }
}

/// Where a fluid stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// Into the spinal fluid at one level.
    Csf(Level),
    /// Into the epidural space, from where blood takes it up.
    Epidural,
    /// Into a subdural pocket, which stores it.
    Subdural,
    /// Under the skin: pump pocket or catheter tunnel.
    Subcutaneous,
}

/// How the body is held; it sets the pressure at the catheter tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Posture {
    /// Lying flat.
    #[default]
    Supine,
    /// Sitting or standing.
    Upright,
}

/// What a pump offers at its outlet: a source of flow with a limit.
///
/// The outlet flow is `flow - droop * pressure`, never below zero, and never
/// pushes against more than `max_pressure`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drive {
    /// Flow against zero pressure \[mL/h\].
    pub flow: f64,
    /// Loss of flow per outlet pressure \[mL/(h kPa)\]; zero for an ideal volumetric pump.
    pub droop: f64,
    /// Outlet gauge pressure at which the pump slips and delivers nothing more \[kPa\].
    pub max_pressure: f64,
}

/// What surrounds body and pump.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Surroundings {
    /// Absolute pressure of the air \[kPa\].
    pub pressure: f64,
    /// Temperature of the pump \[degC\].
    pub temperature: f64,
}

/// One stream of drug that leaves the catheter, constant until its next change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Where it ends.
    pub to: Destination,
    /// Volume flow \[mL/h\]; negative when fluid enters the catheter there.
    pub flow: f64,
    /// Concentration of what leaves \[ug/mL\].
    pub concentration: f64,
    /// Concentrations of other drugs in it \[ug/mL\].
    #[serde(default, skip_serializing_if = "Others::is_none")]
    pub others: Others,
}
