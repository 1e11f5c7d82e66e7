//! The line as a scenario describes it.

use serde::{Deserialize, Serialize};

use crate::signals::{Level, Others};

/// The line from pump to spine.
#[derive(Debug, Clone, PartialEq)]
pub struct Catheter {
    /// Implanted length \[cm\].
    pub length: f64,
    /// Length of the part inside the canal and the ligament, at the tip end \[cm\].
    pub spinal_length: f64,
    /// Where the tip lies.
    pub tip: Level,
    /// `braided` or `silicone`.
    pub material: Material,
    /// What fills tube and catheter at the start \[ug/mL\]; `None` is the reservoir's concentration.
    pub initial_concentration: Option<f64>,
    /// What fills the pump's tube at the start, if not what fills the catheter \[ug/mL\].
    pub tube_concentration: Option<f64>,
    /// Other drugs in that first fill, read where `initial_concentration` is there \[ug/mL\].
    pub initial_others: Others,
    /// Other drugs in the pump's tube, read where `tube_concentration` is there \[ug/mL\].
    pub tube_others: Others,
    /// The piece next to the pump of a two-piece catheter; its length is part of `length`.
    pub pump_segment: Option<Segment>,
    /// Length entered in the programmer, from which it computes bridge and priming volumes
    /// \[cm\]; `None` is the true volume of all pieces.
    pub entered_length: Option<f64>,
}

impl Catheter {
    /// One piece of that length, full of what the reservoir holds, its length entered correctly.
    ///
    /// `length` and `spinal_length` in cm.
    pub fn plain(length: f64, spinal_length: f64, tip: Level, material: Material) -> Self {
        Catheter {
            length,
            spinal_length,
            tip,
            material,
            initial_concentration: None,
            tube_concentration: None,
            initial_others: Others::NONE,
            tube_others: Others::NONE,
            pump_segment: None,
            entered_length: None,
        }
    }
}

/// A piece of catheter with a bore of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Length \[cm\].
    pub length: f64,
    /// Volume of the whole piece \[mL\].
    pub volume: f64,
}

/// Catheter wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Material {
    /// Modern braided wall.
    Braided,
    /// Older silicone wall.
    Silicone,
}
