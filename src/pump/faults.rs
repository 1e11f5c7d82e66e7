//! Faults of the pump as scenarios name them.

use std::collections::BTreeMap;

use super::messages::Disturbance;
use crate::scenario::model::{FaultKind, FieldSpec, Value};

const FIELD: &str = "field";
const RESTART_DELAY: &str = "restart_delay";
const GAIN: &str = "gain";
const CRITICAL: &str = "critical";

/// The fault kinds of this room.
pub const FAULT_KINDS: &[FaultKind] = &[
    FaultKind {
        kind: "pump.stall",
        hazard: "H-01",
        mechanism: "The motor is stuck (shaft wear, corrosion, short circuit, particle): nothing is delivered until \
                    the pump is replaced, and the alarm comes only after motion has been missed.",
        fields: &[],
    },
    FaultKind {
        kind: "pump.mri_stall",
        hazard: "H-02",
        mechanism: "A magnetic field holds the rotor; gear binding can delay the restart by 2 to 24 h.",
        fields: &[
            FieldSpec {
                name: FIELD,
                unit: "h",
                default: Some(0.75),
                low: 0.0,
                high: 24.0,
                words: &[],
                meaning: "time in the field",
            },
            FieldSpec {
                name: RESTART_DELAY,
                unit: "h",
                default: Some(0.0),
                low: 0.0,
                high: 24.0,
                words: &[],
                meaning: "delay from the end of the field to the first turn",
            },
        ],
    },
    FaultKind {
        kind: "pump.over_infusion",
        hazard: "H-03",
        mechanism: "The pump delivers more than programmed, from months after implant and sometimes ever more; the \
                    reservoir runs dry before its computed alarm.",
        fields: &[FieldSpec {
            name: GAIN,
            unit: "1",
            default: None,
            low: 0.0,
            high: 20.0,
            words: &[],
            meaning: "delivered over programmed volume at full severity",
        }],
    },
    FaultKind {
        kind: "pump.memory_error",
        hazard: "H-04",
        mechanism: "The programme memory is damaged; a critical error falls back to the minimum rate until the pump \
                    is programmed again.",
        fields: &[FieldSpec {
            name: CRITICAL,
            unit: "1",
            default: Some(1.0),
            low: 0.0,
            high: 1.0,
            words: &[],
            meaning: "1 if the programme is lost, 0 if it goes on",
        }],
    },
    FaultKind {
        kind: "pump.telemetry_hang",
        hazard: "H-05",
        mechanism: "Interference leaves the pump waiting in telemetry mode: silent and still until it is interrogated.",
        fields: &[],
    },
];

/// The disturbance a fault of this kind is at severity `u` in \[0, 1\]; `None` if the kind is
/// not of this room, a required value is missing, or nothing happens at this severity.
///
/// An excess gain grows in proportion to `u`; what either happens or does not
/// (stall, field, memory, hang) happens at any `u` above zero. A fault whose
/// severity returns to zero is relieved by the caller.
pub fn disturbance(kind: &str, values: &BTreeMap<String, Value>, u: f64) -> Option<Disturbance> {
    let spec = FAULT_KINDS.iter().find(|k| k.kind == kind)?;
    if u <= 0.0 {
        return None;
    }
    let number = |name: &str| match values.get(name) {
        Some(Value::Number(x)) => Some(*x),
        Some(Value::Text(_)) => None,
        None => spec.fields.iter().find(|f| f.name == name).and_then(|f| f.default),
    };
    match kind {
        "pump.stall" => Some(Disturbance::Stall),
        "pump.mri_stall" => Some(Disturbance::MriField {
            field: Some(number(FIELD)?),
            restart_delay: number(RESTART_DELAY)?,
        }),
        "pump.over_infusion" => Some(Disturbance::OverInfusion {
            gain: 1.0 + u.min(1.0) * (number(GAIN)? - 1.0),
        }),
        "pump.memory_error" => Some(Disturbance::MemoryError {
            critical: number(CRITICAL)? >= 0.5,
        }),
        "pump.telemetry_hang" => Some(Disturbance::TelemetryHang),
        _ => None,
    }
}
