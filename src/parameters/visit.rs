//! Defaults of the arithmetic at a visit: what the syringe says against what the pump says.

use super::{
    Grade::{Assumed, Published},
    Parameter, entry,
};

const MAINO: &str = "Maino 2017, Neuromodulation 20:733: difference to treat as a possible pocket fill";

/// The table of this room.
pub const TABLE: &[Parameter] = &[
    entry(
        "visit.syringe.error",
        0.2,
        "mL",
        0.0,
        5.0,
        Assumed,
        "no published figure; a fifth of a mark on a 20 mL syringe, within the 4 % of ISO 7886-1",
        "standard deviation of the volume read from the syringe; the reading errs, the drug does not",
    ),
    entry(
        "visit.discrepancy.small",
        1.0,
        "mL",
        0.1,
        20.0,
        Published,
        MAINO,
        "difference between aspirated and computed volume beyond which a 20 mL pump is suspect",
    ),
    entry(
        "visit.discrepancy.large",
        2.0,
        "mL",
        0.1,
        40.0,
        Published,
        MAINO,
        "the same for a 40 mL pump",
    ),
    entry(
        "visit.discrepancy.implant",
        0.2,
        "1",
        0.01,
        1.0,
        Published,
        "implant chapter on an older programmable pump: within 20 % of the predicted volume",
        "difference as a share of the computed volume beyond which a pump is suspect at implant",
    ),
];
