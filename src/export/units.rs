//! Units of the SBML documents: their ids and what they are made of.

use super::ExportError;

/// Base units with exponent, scale and multiplier: `(multiplier 10^scale kind)^exponent`.
pub(super) type Parts = &'static [(&'static str, i32, i32, f64)];

const GRAM_MICRO: (&str, i32, i32, f64) = ("gram", 1, -6, 1.0);
const PER_MICRO: (&str, i32, i32, f64) = ("gram", -1, -6, 1.0);
const NANO: (&str, i32, i32, f64) = ("gram", 1, -9, 1.0);
const MILLI: (&str, i32, i32, f64) = ("gram", 1, -3, 1.0);
const PER_ML: (&str, i32, i32, f64) = ("litre", -1, -3, 1.0);
const PER_HOUR: (&str, i32, i32, f64) = ("second", -1, 0, 3600.0);

/// Every unit that a document defines.
pub(super) const DEFINITIONS: &[(&str, Parts)] = &[
    ("ug", &[GRAM_MICRO]),
    ("mg", &[MILLI]),
    ("h", &[("second", 1, 0, 3600.0)]),
    ("mL", &[("litre", 1, -3, 1.0)]),
    ("per_h", &[PER_HOUR]),
    ("ug_per_h", &[GRAM_MICRO, PER_HOUR]),
    ("mg_per_h", &[MILLI, PER_HOUR]),
    ("ug_per_mL", &[GRAM_MICRO, PER_ML]),
    ("ng_per_mL", &[NANO, PER_ML]),
    ("per_mL_per_h", &[PER_ML, PER_HOUR]),
    ("ng_per_mL_per_ug", &[NANO, PER_ML, PER_MICRO]),
    ("ng_per_ug", &[NANO, PER_MICRO]),
];

/// Id of the unit of a state.
pub(super) fn of_state(unit: &str) -> &'static str {
    match unit {
        "ug" => "ug",
        "mg" => "mg",
        _ => "ug_per_mL",
    }
}

/// Id of the unit of an input to a state.
pub(super) fn of_input(unit: &str) -> &'static str {
    match unit {
        "mg" => "mg_per_h",
        _ => "ug_per_h",
    }
}

/// Id of the unit by which a state drives another.
pub(super) fn of_coefficient(to: &str, from: &str) -> &'static str {
    if to == from { "per_h" } else { "per_mL_per_h" }
}

/// Ids of the unit of an output, and of the weight on a state of a unit in it.
pub(super) fn of_output(name: &str, state: &str) -> Result<(&'static str, &'static str), ExportError> {
    let ends = |with: &str| name.ends_with(with);
    match state {
        "ug" if ends("_ng_per_ml") => Ok(("ng_per_mL", "ng_per_mL_per_ug")),
        "ug/mL" if ends("_ng_per_ml") => Ok(("ng_per_mL", "ng_per_ug")),
        "ug" if ends("_ug") => Ok(("ug", "dimensionless")),
        "mg" if ends("_mg") => Ok(("mg", "dimensionless")),
        _ => Err(ExportError::Output { name: name.to_owned() }),
    }
}
