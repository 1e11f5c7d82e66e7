//! Faults of the catheter, in physical terms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::model::{FaultKind, FieldSpec, Value};
use crate::signals::{Destination, Level};

/// Something wrong with the catheter. Places are measured from the pump.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CatheterFault {
    /// The bore is squeezed.
    Kink {
        /// Where \[cm\].
        position: f64,
        /// Over which length \[cm\].
        length: f64,
        /// Bore that remains, of the sound diameter \[0-1\]; zero is closed.
        bore: f64,
    },
    /// The bore is plugged.
    Occlusion {
        /// Where \[cm\].
        position: f64,
        /// Bore that remains while the plug grows, of the sound diameter \[0-1\]; zero is closed.
        bore: f64,
    },
    /// Fluid escapes through the wall.
    Leak {
        /// Where \[cm\].
        position: f64,
        /// Flow per pressure difference to the tissue \[mL/(h kPa)\].
        conductance: f64,
        /// Where it goes.
        into: Destination,
    },
    /// The parts have come apart: both ends are open to the tissue.
    Disconnection {
        /// Where \[cm\].
        position: f64,
        /// Share of the opening \[0-1\].
        opening: f64,
        /// Where the drug goes.
        into: Destination,
    },
    /// The tip lies elsewhere.
    Migration {
        /// Where it lies.
        to: Destination,
    },
}

/// Why a fault or an act was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CatheterError {
    /// A place that is not on the catheter.
    #[error("{position} cm is not on the catheter, which is {length} cm long")]
    Position {
        /// Place asked for \[cm\].
        position: f64,
        /// Length of the catheter \[cm\].
        length: f64,
    },
    /// A value out of bounds.
    #[error("{what} is {value}, and must be {expected}")]
    Value {
        /// Which value.
        what: &'static str,
        /// The value.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// A field is missing or of the wrong kind.
    #[error("fault `{kind}` needs `{field}`: {expected}")]
    Field {
        /// Kind of the fault.
        kind: String,
        /// Field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// No fault of this room.
    #[error("`{kind}` is no fault of the catheter")]
    UnknownKind {
        /// Kind asked for.
        kind: String,
    },
    /// Nothing can be injected into a closed line.
    #[error("nothing can be injected: the catheter is closed")]
    Blocked,
}

const POSITION: FieldSpec = FieldSpec {
    name: "position",
    unit: "cm",
    default: None,
    low: 0.0,
    high: 200.0,
    words: &[],
    meaning: "distance from the pump",
};

const SPACES: &[&str] = &["epidural", "subdural", "subcutaneous"];

const INTO: FieldSpec = FieldSpec {
    name: "into",
    unit: "",
    default: None,
    low: 0.0,
    high: 0.0,
    words: SPACES,
    meaning: "where what escapes ends up",
};

/// The fault kinds of this room.
pub const FAULT_KINDS: &[FaultKind] = &[
    FaultKind {
        kind: "catheter.kink",
        hazard: "H-10",
        mechanism: "The bore is squeezed. A volumetric pump overcomes all but a nearly closed bore, after a delay in \
                    which the wall upstream fills; when the kink opens, that volume reaches the spine at once.",
        fields: &[
            POSITION,
            FieldSpec {
                name: "length",
                unit: "cm",
                default: Some(1.0),
                low: 0.001,
                high: 20.0,
                words: &[],
                meaning: "length of the squeezed part",
            },
            FieldSpec {
                name: "bore",
                unit: "1",
                default: None,
                low: 0.0,
                high: 1.0,
                words: &[],
                meaning: "bore that remains at full severity, of the sound diameter",
            },
        ],
    },
    FaultKind {
        kind: "catheter.occlusion",
        hazard: "H-11",
        mechanism: "The bore is plugged (tissue, clot, debris). Pressure rises until the pump slips; the reservoir \
                    stays full.",
        fields: &[POSITION],
    },
    FaultKind {
        kind: "catheter.leak",
        hazard: "H-12",
        mechanism: "A hole in the wall. Drug goes into the tissue instead of the spine and spinal fluid may run back \
                    out; the reservoir empties on time.",
        fields: &[
            POSITION,
            FieldSpec {
                name: "conductance",
                unit: "mL/(h kPa)",
                default: None,
                low: 0.0,
                high: 1000.0,
                words: &[],
                meaning: "flow per pressure difference to the tissue at full severity",
            },
            INTO,
        ],
    },
    FaultKind {
        kind: "catheter.disconnection",
        hazard: "H-13",
        mechanism: "The parts have come apart. All drug goes into the tissue and spinal fluid drains through the \
                    open spinal part.",
        fields: &[POSITION, INTO],
    },
    FaultKind {
        kind: "catheter.migration",
        hazard: "H-14",
        mechanism: "The tip has moved to another level or out of the spinal fluid; the reservoir empties on time.",
        fields: &[FieldSpec {
            name: "to",
            unit: "",
            default: None,
            low: 0.0,
            high: 0.0,
            words: &[
                "epidural",
                "subdural",
                "subcutaneous",
                "S2",
                "S1",
                "L5",
                "L4",
                "L3",
                "L2",
                "L1",
                "T12",
                "T11",
                "T10",
                "T9",
                "T8",
                "T7",
                "T6",
                "T5",
                "T4",
                "T3",
                "T2",
                "T1",
                "C7",
                "C6",
                "C5",
                "C4",
                "C3",
                "C2",
                "C1",
            ],
            meaning: "where the tip lies now: a space, or a level of the spine",
        }],
    },
];

impl CatheterFault {
    /// The fault at full severity that a scenario describes.
    ///
    /// # Errors
    /// [`CatheterError::UnknownKind`] or [`CatheterError::Field`].
    pub fn from_values(kind: &str, values: &BTreeMap<String, Value>) -> Result<Self, CatheterError> {
        let spec = FAULT_KINDS
            .iter()
            .find(|k| k.kind == kind)
            .ok_or_else(|| CatheterError::UnknownKind { kind: kind.to_owned() })?;
        let missing = |field, expected| CatheterError::Field {
            kind: kind.to_owned(),
            field,
            expected,
        };
        let number = |field: &'static str| match values.get(field) {
            Some(Value::Number(x)) => Ok(*x),
            Some(Value::Text(_)) => Err(missing(field, "a number")),
            None => spec
                .fields
                .iter()
                .find(|f| f.name == field)
                .and_then(|f| f.default)
                .ok_or_else(|| missing(field, "a number")),
        };
        let place = |field: &'static str| match values.get(field) {
            Some(Value::Text(word)) => match word.as_str() {
                "epidural" => Ok(Destination::Epidural),
                "subdural" => Ok(Destination::Subdural),
                "subcutaneous" => Ok(Destination::Subcutaneous),
                level => level
                    .parse::<Level>()
                    .map(Destination::Csf)
                    .map_err(|_| missing(field, "a space or a level of the spine")),
            },
            _ => Err(missing(field, "a space or a level of the spine")),
        };
        match kind {
            "catheter.kink" => Ok(CatheterFault::Kink {
                position: number("position")?,
                length: number("length")?,
                bore: number("bore")?,
            }),
            "catheter.occlusion" => Ok(CatheterFault::Occlusion {
                position: number("position")?,
                bore: 0.0,
            }),
            "catheter.leak" => Ok(CatheterFault::Leak {
                position: number("position")?,
                conductance: number("conductance")?,
                into: place("into")?,
            }),
            "catheter.disconnection" => Ok(CatheterFault::Disconnection {
                position: number("position")?,
                opening: 1.0,
                into: place("into")?,
            }),
            "catheter.migration" => Ok(CatheterFault::Migration { to: place("to")? }),
            _ => Err(CatheterError::UnknownKind { kind: kind.to_owned() }),
        }
    }

    /// The same fault at severity `u` in \[0, 1\], or `None` where nothing is wrong.
    ///
    /// The remaining bore of a kink or occlusion shrinks in proportion to `u`, so that its
    /// resistance explodes near the end; the conductance of a leak or disconnection grows in
    /// proportion to `u`; a tip has moved from `u` = 0.5 on.
    pub fn at_severity(&self, u: f64) -> Option<Self> {
        if u <= 0.0 || u.is_nan() {
            return None;
        }
        let u = u.min(1.0);
        match *self {
            CatheterFault::Kink { position, length, bore } => Some(CatheterFault::Kink {
                position,
                length,
                bore: 1.0 - u * (1.0 - bore),
            }),
            CatheterFault::Occlusion { position, bore } => Some(CatheterFault::Occlusion {
                position,
                bore: 1.0 - u * (1.0 - bore),
            }),
            CatheterFault::Leak {
                position,
                conductance,
                into,
            } => Some(CatheterFault::Leak {
                position,
                conductance: conductance * u,
                into,
            }),
            CatheterFault::Disconnection {
                position,
                opening,
                into,
            } => Some(CatheterFault::Disconnection {
                position,
                opening: opening * u,
                into,
            }),
            CatheterFault::Migration { to } => (u >= 0.5).then_some(CatheterFault::Migration { to }),
        }
    }

    /// Refuses what cannot be.
    pub(super) fn check(&self, catheter_length: f64) -> Result<(), CatheterError> {
        let on_line = |position: f64| {
            if (0.0..=catheter_length).contains(&position) {
                Ok(())
            } else {
                Err(CatheterError::Position {
                    position,
                    length: catheter_length,
                })
            }
        };
        let within = |what, value: f64, high: f64, expected| {
            if value >= 0.0 && value <= high {
                Ok(())
            } else {
                Err(CatheterError::Value { what, value, expected })
            }
        };
        match *self {
            CatheterFault::Kink { position, length, bore } => {
                on_line(position)?;
                within("length of the kink", length, catheter_length, "within the catheter")?;
                within("remaining bore", bore, 1.0, "0 to 1")
            }
            CatheterFault::Occlusion { position, bore } => {
                on_line(position)?;
                within("remaining bore", bore, 1.0, "0 to 1")
            }
            CatheterFault::Leak {
                position, conductance, ..
            } => {
                on_line(position)?;
                within("conductance of the leak", conductance, 1e6, "0 to 1e6 mL/(h kPa)")
            }
            CatheterFault::Disconnection { position, opening, .. } => {
                on_line(position)?;
                within("opening", opening, 1.0, "0 to 1")
            }
            CatheterFault::Migration { .. } => Ok(()),
        }
    }
}
