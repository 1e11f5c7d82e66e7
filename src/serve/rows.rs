//! The fields that have sliders: between which ends, in which steps and units.

/// A kind of field that a slider may move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Where it stands; `*` is the id of a block.
    pub path: &'static str,
    /// For a reader.
    pub label: &'static str,
    /// Unit of the slider; empty for a bare number.
    pub unit: &'static str,
    /// Lower end, in that unit.
    pub low: f64,
    /// Upper end, in that unit.
    pub high: f64,
    /// Smallest move, in that unit.
    pub step: f64,
    /// Whether equal moves are equal ratios.
    pub logarithmic: bool,
    /// Whether the field is a moment, of which the slider moves the time.
    pub moment: bool,
}

const fn row(path: &'static str, label: &'static str, unit: &'static str, ends: (f64, f64), step: f64) -> Row {
    Row {
        path,
        label,
        unit,
        low: ends.0,
        high: ends.1,
        step,
        logarithmic: false,
        moment: false,
    }
}

const fn ratio(row: Row) -> Row {
    Row {
        logarithmic: true,
        ..row
    }
}

const fn moment(row: Row) -> Row {
    Row { moment: true, ..row }
}

/// Every field that has a slider. The ends are what is useful in class, not what the loader
/// accepts; a file may hold less or more, and its slider then reaches there.
pub const TABLE: &[Row] = &[
    ratio(row(
        "programme.*.simple_continuous",
        "dose",
        "ug/day",
        (20.0, 3000.0),
        1.0,
    )),
    ratio(row("programme.*.single_bolus.dose", "bolus", "ug", (5.0, 2000.0), 1.0)),
    ratio(row("programme.*.periodic_bolus.dose", "bolus", "ug", (5.0, 500.0), 1.0)),
    moment(row("programme.*.at", "time", "h", (0.0, 96.0), 0.5)),
    ratio(row(
        "pump.reservoir.concentration",
        "drug in the reservoir",
        "ug/mL",
        (50.0, 4000.0),
        10.0,
    )),
    row("pump.reservoir.fill", "fill of the reservoir", "mL", (0.5, 40.0), 0.1),
    row("pump.gain", "delivered over programmed", "", (0.5, 2.0), 0.005),
    ratio(row(
        "action.*.refill.concentration",
        "drug refilled",
        "ug/mL",
        (50.0, 4000.0),
        10.0,
    )),
    row("action.*.refill.volume", "volume refilled", "mL", (1.0, 40.0), 0.5),
    moment(row("fault.*.at", "time", "h", (0.0, 96.0), 0.5)),
    ratio(row("fault.*.bore", "severity: bore left", "", (0.001, 1.0), 0.001)),
    ratio(row(
        "fault.*.conductance",
        "severity: size of the hole",
        "mL/h/kPa",
        (0.0001, 1.0),
        0.0001,
    )),
    row(
        "fault.*.gain",
        "severity: delivered over programmed",
        "",
        (0.0, 5.0),
        0.01,
    ),
    row("fault.*.severity", "severity", "", (0.0, 1.0), 0.01),
    row("fault.*.offset", "severity: offset", "mm", (0.0, 2.0), 0.01),
    row("fault.*.position", "place, from the pump", "cm", (0.0, 89.0), 1.0),
    row("fault.*.profile.ramp", "growing over", "d", (0.0, 120.0), 1.0),
    moment(row("action.*.at", "time", "h", (0.0, 96.0), 0.5)),
    row("action.*.when.after", "time after", "h", (0.0, 96.0), 0.5),
    row("action.*.lumbar_bolus.dose", "dose by needle", "ug", (5.0, 300.0), 5.0),
    row("action.*.oral_baclofen.dose", "tablet", "mg", (5.0, 40.0), 5.0),
    row("action.*.drain_csf.volume", "fluid let out", "mL", (5.0, 60.0), 1.0),
    row("care.*.delay", "time to rescue", "h", (0.0, 72.0), 0.25),
    row("care.*.emergency_wait", "wait in an emergency", "h", (0.0, 72.0), 0.5),
    row(
        "care.*.repair_wait_urgent",
        "wait for the operation",
        "h",
        (0.0, 168.0),
        1.0,
    ),
    row("care.*.interval", "between visits", "d", (1.0, 90.0), 1.0),
    row(
        "care.*.raises",
        "rises before a fault is suspected",
        "",
        (1.0, 10.0),
        1.0,
    ),
    row(
        "care.*.signs",
        "signs before a fault is suspected",
        "",
        (1.0, 20.0),
        1.0,
    ),
];
