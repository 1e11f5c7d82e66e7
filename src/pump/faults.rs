//! Faults of the pump as scenarios name them. Which family can have which is said by the
//! families ([`super::PumpFamily::faults`]).

use std::collections::BTreeMap;

use super::messages::Disturbance;
use crate::scenario::model::{FaultKind, FieldSpec, Value};

const FIELD: &str = "field";
const RESTART_DELAY: &str = "restart_delay";
const GAIN: &str = "gain";
const CRITICAL: &str = "critical";
const SLIP: &str = "slip";
const OUTCOME: &str = "outcome";
const LOW_RATE: &str = "low-rate";
const DRAIN: &str = "drain";
const VOLUME: &str = "volume";
const CONDUCTANCE: &str = "conductance";
const RESISTANCE: &str = "resistance";

const fn number(
    name: &'static str,
    unit: &'static str,
    default: Option<f64>,
    (low, high): (f64, f64),
    meaning: &'static str,
) -> FieldSpec {
    FieldSpec {
        name,
        unit,
        default,
        low,
        high,
        words: &[],
        meaning,
    }
}

const fn kind(
    kind: &'static str,
    hazard: &'static str,
    mechanism: &'static str,
    fields: &'static [FieldSpec],
) -> FaultKind {
    FaultKind {
        kind,
        hazard,
        mechanism,
        fields,
    }
}

const SLIP_FIELD: FieldSpec = number(
    SLIP,
    "1",
    Some(0.0),
    (0.0, 1.0),
    "share of each turn lost just before the motor stands still; it grows with a ramp",
);

/// The fault kinds of this room.
pub const FAULT_KINDS: &[FaultKind] = &[
    kind(
        "pump.stall",
        "H-01",
        "The motor is stuck (shaft wear, corrosion, short circuit, particle): nothing is delivered until the pump is \
         replaced, and the alarm comes only after motion has been missed.",
        &[],
    ),
    kind(
        "pump.mri_stall",
        "H-02",
        "A magnetic field holds the rotor; gear binding can delay the restart by 2 to 24 h.",
        &[
            number(FIELD, "h", Some(0.75), (0.0, 24.0), "time in the field"),
            number(
                RESTART_DELAY,
                "h",
                Some(0.0),
                (0.0, 24.0),
                "delay from the end of the field to the first turn",
            ),
        ],
    ),
    kind(
        "pump.over_infusion",
        "H-03",
        "The pump delivers more than programmed, from months after implant and sometimes ever more; the reservoir runs \
         dry before its computed alarm.",
        &[number(
            GAIN,
            "1",
            None,
            (0.0, 20.0),
            "delivered over programmed volume at full severity",
        )],
    ),
    kind(
        "pump.memory_error",
        "H-04",
        "The programme memory is damaged; a critical error falls back to the minimum rate until the pump is programmed \
         again.",
        &[number(
            CRITICAL,
            "1",
            Some(1.0),
            (0.0, 1.0),
            "1 if the programme is lost, 0 if it goes on",
        )],
    ),
    kind(
        "pump.telemetry_hang",
        "H-05",
        "Interference leaves the pump waiting in telemetry mode: silent and still until it is interrogated.",
        &[],
    ),
    kind(
        "pump.wear_stall",
        "H-06",
        "The shaft wears out: turns slip, more and more with a ramp, and at full severity the rotor stands still; an \
         intermittent profile sticks and comes free again.",
        &[SLIP_FIELD],
    ),
    kind(
        "pump.corrosion_stall",
        "H-07",
        "Drug that permeates the tube corrodes the gears, which lose teeth and seize; sooner with drugs the maker did \
         not approve.",
        &[SLIP_FIELD],
    ),
    kind(
        "pump.short",
        "H-08",
        "Moisture at the feed-through shorts the motor or the supply: the motor stops, or the electronics reset to the \
         lowest rate until the pump is programmed again.",
        &[FieldSpec {
            name: OUTCOME,
            unit: "",
            default: None,
            low: 0.0,
            high: 0.0,
            words: &["stall", LOW_RATE],
            meaning: "what the short circuit does",
        }],
    ),
    kind(
        "pump.particle_stall",
        "H-09",
        "A particle left in the motor blocks it; it may work itself free, which `until` or an intermittent profile says.",
        &[],
    ),
    kind(
        "pump.battery_early",
        "H-30",
        "The battery loses charge faster than it should: the replacement indicator comes years early, and the end of \
         service follows it by its fixed span.",
        &[number(
            DRAIN,
            "1",
            None,
            (1.0, 1e4),
            "charge used over the usual at full severity",
        )],
    ),
    kind(
        "pump.battery_reset",
        "H-31",
        "The voltage dips and the electronics reset to the lowest rate, without therapy, until the pump is programmed \
         again.",
        &[],
    ),
    kind(
        "pump.overfill",
        "H-32",
        "A refill beyond the capacity is forced in; the pressure of the excess drives drug past the rotor, or adds to \
         that of the gas, until the excess has left.",
        &[number(
            VOLUME,
            "mL",
            Some(2.0),
            (0.0, 10.0),
            "most that goes in beyond the capacity",
        )],
    ),
    kind(
        "pump.residual_error",
        "H-33",
        "Part of the fill stays behind (a stuck bellows, a wrong residual volume in the label): the pump runs dry \
         before its computed date.",
        &[number(
            VOLUME,
            "mL",
            None,
            (0.0, 40.0),
            "fill that can be neither pumped nor drawn at full severity",
        )],
    ),
    kind(
        "pump.valve_stuck_shut",
        "H-34",
        "A valve no longer opens: strokes are counted and nothing is delivered.",
        &[],
    ),
    kind(
        "pump.valve_stuck_open",
        "H-35",
        "Valves no longer close: beside the strokes drug flows freely, driven by the gas; a wide way empties the \
         reservoir in minutes unless a safety valve shuts.",
        &[number(
            CONDUCTANCE,
            "mL/h/kPa",
            None,
            (0.0, 100.0),
            "of the free way at full severity",
        )],
    ),
    kind(
        "pump.magnet_exposure",
        "H-36",
        "A strong magnet opens inlet and outlet valve at once: the reservoir empties into the catheter, or the safety \
         valve shuts and stays shut until it is reset.",
        &[number(FIELD, "h", Some(0.75), (0.0, 24.0), "time near the magnet")],
    ),
    kind(
        "pump.restrictor_blocked",
        "H-37",
        "Precipitated drug narrows the restrictor: the flow falls, and no alarm exists.",
        &[number(
            RESISTANCE,
            "1",
            None,
            (1.0, 1e6),
            "resistance of the restrictor over the sound one at full severity",
        )],
    ),
];

/// The disturbance a fault of this kind is at severity `u` in \[0, 1\]; `None` if the kind is
/// not of this room, a required value is missing, or nothing happens at this severity.
///
/// Gains, conductances and volumes grow in proportion to `u`; what either happens or does not
/// (stall, field, memory, hang) happens at any `u` above zero. A fault whose severity returns
/// to zero is relieved by the caller.
pub fn disturbance(kind: &str, values: &BTreeMap<String, Value>, u: f64) -> Option<Disturbance> {
    let spec = FAULT_KINDS.iter().find(|k| k.kind == kind)?;
    if u <= 0.0 {
        return None;
    }
    let u = u.min(1.0);
    let number = |name: &str| match values.get(name) {
        Some(Value::Number(x)) => Some(*x),
        Some(Value::Text(_)) => None,
        None => spec.fields.iter().find(|f| f.name == name).and_then(|f| f.default),
    };
    match kind {
        "pump.stall" | "pump.particle_stall" => Some(Disturbance::Stall),
        "pump.wear_stall" | "pump.corrosion_stall" if u >= 1.0 => Some(Disturbance::Stall),
        "pump.wear_stall" | "pump.corrosion_stall" => Some(Disturbance::OverInfusion {
            gain: 1.0 - u * number(SLIP)?,
        }),
        "pump.short" => match values.get(OUTCOME) {
            Some(Value::Text(outcome)) if outcome == LOW_RATE => Some(Disturbance::LowRateReset),
            Some(Value::Text(_)) => Some(Disturbance::Stall),
            _ => None,
        },
        "pump.mri_stall" => Some(Disturbance::MriField {
            field: Some(number(FIELD)?),
            restart_delay: number(RESTART_DELAY)?,
        }),
        "pump.magnet_exposure" => Some(Disturbance::MriField {
            field: Some(number(FIELD)?),
            restart_delay: 0.0,
        }),
        "pump.over_infusion" => Some(Disturbance::OverInfusion {
            gain: 1.0 + u * (number(GAIN)? - 1.0),
        }),
        "pump.memory_error" => Some(Disturbance::MemoryError {
            critical: number(CRITICAL)? >= 0.5,
        }),
        "pump.telemetry_hang" => Some(Disturbance::TelemetryHang),
        "pump.battery_early" => Some(Disturbance::BatteryDrain {
            factor: 1.0 + u * (number(DRAIN)? - 1.0),
        }),
        "pump.battery_reset" => Some(Disturbance::LowRateReset),
        "pump.overfill" => Some(Disturbance::ForcedFill {
            volume: u * number(VOLUME)?,
        }),
        "pump.residual_error" => Some(Disturbance::TrappedVolume {
            volume: u * number(VOLUME)?,
        }),
        "pump.valve_stuck_shut" => Some(Disturbance::ValveShut),
        "pump.valve_stuck_open" => Some(Disturbance::ValveOpen {
            conductance: u * number(CONDUCTANCE)?,
        }),
        "pump.restrictor_blocked" => Some(Disturbance::Restrictor {
            resistance: 1.0 + u * (number(RESISTANCE)? - 1.0),
        }),
        _ => None,
    }
}
