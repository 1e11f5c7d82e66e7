//! Faults of the catheter, in physical terms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::table::FAULT_KINDS;
use crate::scenario::model::Value;
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
    /// A mass of inflamed tissue has grown over the tip.
    Granuloma {
        /// Bore that remains at the tip, of the sound diameter \[0-1\]; zero is closed.
        bore: f64,
        /// Share of what leaves the tip that stays in the mass instead of the spinal fluid \[0-1\].
        share: f64,
    },
    /// The bores of pump and catheter do not face each other in the connector.
    Misalignment {
        /// Distance between their axes \[mm\]; from the bore's diameter on nothing passes.
        offset: f64,
    },
    /// The wall has torn through: a hole to the tissue, and what is left of the way on.
    Fracture {
        /// Where \[cm\].
        position: f64,
        /// Flow per pressure difference to the tissue \[mL/(h kPa)\].
        conductance: f64,
        /// Bore that remains between the stumps, of the sound diameter \[0-1\]; zero is apart.
        bore: f64,
        /// Where the drug goes.
        into: Destination,
    },
    /// Spinal fluid escapes along the outside of the catheter, through the hole in the dura.
    CsfLeak {
        /// Where the catheter enters the dura.
        level: Level,
        /// Flow per pressure difference to the tissue \[mL/(h kPa)\].
        conductance: f64,
    },
    /// Fluid has run back through the line into the reservoir.
    Retrograde {
        /// How much, from the start of the fault to full severity \[mL\].
        volume: f64,
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
            "catheter.granuloma" => Ok(CatheterFault::Granuloma {
                bore: number("bore")?,
                share: number("mass_share")?,
            }),
            "catheter.connector" => Ok(CatheterFault::Misalignment {
                offset: number("offset")?,
            }),
            "catheter.fracture" => Ok(CatheterFault::Fracture {
                position: number("position")?,
                conductance: number("conductance")?,
                bore: number("bore")?,
                into: place("into")?,
            }),
            "catheter.csf_leak" => match place("level")? {
                Destination::Csf(level) => Ok(CatheterFault::CsfLeak {
                    level,
                    conductance: number("conductance")?,
                }),
                _ => Err(missing("level", "a level of the spine")),
            },
            "catheter.retrograde" => Ok(CatheterFault::Retrograde {
                volume: number("volume")?,
            }),
            _ => Err(CatheterError::UnknownKind { kind: kind.to_owned() }),
        }
    }

    /// The same fault at severity `u` in \[0, 1\], or `None` where nothing is wrong.
    ///
    /// The remaining bore of a kink or occlusion shrinks in proportion to `u`, so that its
    /// resistance explodes near the end; the conductance of a leak or disconnection grows in
    /// proportion to `u`; a tip has moved from `u` = 0.5 on. A mass narrows the tip like a kink
    /// and takes its share in proportion; the offset of a connector, the hole beside the
    /// catheter and the volume that has run back grow in proportion. A fracture opens and
    /// parts at once.
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
            CatheterFault::Granuloma { bore, share } => Some(CatheterFault::Granuloma {
                bore: 1.0 - u * (1.0 - bore),
                share: share * u,
            }),
            CatheterFault::Misalignment { offset } => Some(CatheterFault::Misalignment { offset: offset * u }),
            CatheterFault::Fracture {
                position,
                conductance,
                bore,
                into,
            } => Some(CatheterFault::Fracture {
                position,
                conductance: conductance * u,
                bore: 1.0 - u * (1.0 - bore),
                into,
            }),
            CatheterFault::CsfLeak { level, conductance } => Some(CatheterFault::CsfLeak {
                level,
                conductance: conductance * u,
            }),
            CatheterFault::Retrograde { volume } => Some(CatheterFault::Retrograde { volume: volume * u }),
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
            CatheterFault::Granuloma { bore, share } => {
                within("remaining bore", bore, 1.0, "0 to 1")?;
                within("share of the mass", share, 1.0, "0 to 1")
            }
            CatheterFault::Misalignment { offset } => within("offset of the connector", offset, 10.0, "0 to 10 mm"),
            CatheterFault::Fracture {
                position,
                conductance,
                bore,
                ..
            } => {
                on_line(position)?;
                within("remaining bore", bore, 1.0, "0 to 1")?;
                within("conductance of the fracture", conductance, 1e6, "0 to 1e6 mL/(h kPa)")
            }
            CatheterFault::CsfLeak { conductance, .. } => within(
                "conductance beside the catheter",
                conductance,
                1e6,
                "0 to 1e6 mL/(h kPa)",
            ),
            CatheterFault::Retrograde { volume } => within("volume that runs back", volume, 100.0, "0 to 100 mL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bore_shrinks_in_proportion_down_to_what_remains() {
        let into = Destination::Subcutaneous;
        for (u, left) in [(0.25, 0.85), (0.5, 0.7), (1.0, 0.4)] {
            let (position, length, bore) = (30.0, 1.0, 0.4);
            for fault in [
                CatheterFault::Kink { position, length, bore },
                CatheterFault::Occlusion { position, bore },
                CatheterFault::Granuloma { bore, share: 0.5 },
                CatheterFault::Fracture {
                    position,
                    conductance: 1.0,
                    bore,
                    into,
                },
            ] {
                let grown = fault.at_severity(u);
                let (Some(CatheterFault::Kink { bore, .. })
                | Some(CatheterFault::Occlusion { bore, .. })
                | Some(CatheterFault::Granuloma { bore, .. })
                | Some(CatheterFault::Fracture { bore, .. })) = grown
                else {
                    panic!("{fault:?} became {grown:?}");
                };
                assert!((bore - left).abs() < 1e-15, "{fault:?} at {u}: {bore}");
            }
        }
    }
}
