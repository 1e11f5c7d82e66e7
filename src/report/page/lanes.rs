//! Which lines stand in which chart.

use crate::report::RunData;
use crate::scenario::model::Scenario;

use super::data::{LaneSpec, SeriesSpec};

/// Name of the line that is computed from the ledger.
pub(super) const LOST: &str = "lost_ug_per_day";

/// A chart as the table below writes it.
struct Lane {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    about: &'static str,
    /// Whether it is always open; else only if its first line leaves this range.
    open: Option<(f64, f64)>,
    log: bool,
    range: Option<(f64, f64)>,
    /// Column, name, unit if it is not that of the axis.
    series: &'static [(&'static str, &'static str, &'static str)],
}

/// Nothing lies outside: open only if the reader wishes.
const CLOSED: Option<(f64, f64)> = Some((f64::NEG_INFINITY, f64::INFINITY));

const LANES: &[Lane] = &[
    Lane {
        id: "rates",
        title: "Drug commanded, delivered, lost",
        unit: "\u{b5}g/day",
        about: "What the programme asks for, what reaches the spinal fluid, and what leaves the system elsewhere.",
        open: None,
        log: true,
        range: None,
        series: &[
            ("programmed_ug_per_day", "commanded", ""),
            ("delivered_ug_per_day", "delivered", ""),
            (LOST, "lost elsewhere", ""),
        ],
    },
    Lane {
        id: "csf",
        title: "Concentration in the fluid, by level",
        unit: "ng/mL",
        about: "A lumbar infusion leaves little for the head: about a quarter of the lumbar level.",
        open: None,
        log: true,
        range: None,
        series: &[
            ("csf_l3_ng_per_ml", "L3, low back", ""),
            ("csf_t10_ng_per_ml", "T10", ""),
            ("csf_c5_ng_per_ml", "C5, neck", ""),
            ("csf_cisternal_ng_per_ml", "cisternal, base of the skull", ""),
            ("plasma_ng_per_ml", "blood plasma", ""),
        ],
    },
    Lane {
        id: "site",
        title: "Concentration at the effect site",
        unit: "ng/mL",
        about: "The cord follows the fluid with hours of delay; this is what the effect is computed from.",
        open: None,
        log: true,
        range: None,
        series: &[
            ("effect_site_legs_ng_per_ml", "legs", ""),
            ("effect_site_trunk_ng_per_ml", "trunk", ""),
            ("effect_site_arms_ng_per_ml", "arms", ""),
            ("effect_site_brainstem_ng_per_ml", "brainstem", ""),
        ],
    },
    Lane {
        id: "tone",
        title: "Spasticity",
        unit: "score 0\u{2013}4",
        about: "Modified Ashworth (tone) and Penn (spasms); higher is worse.",
        open: None,
        log: false,
        range: Some((0.0, 4.0)),
        series: &[
            ("ashworth_legs", "Ashworth, legs", ""),
            ("ashworth_arms", "Ashworth, arms", ""),
            ("spasm_score", "Penn spasm score", ""),
        ],
    },
    Lane {
        id: "index",
        title: "Withdrawal and sedation",
        unit: "index 0\u{2013}1",
        about: "Too little drug, too much drug; both are zero in a settled therapy.",
        open: None,
        log: false,
        range: Some((0.0, 1.0)),
        series: &[
            ("withdrawal_index", "withdrawal", ""),
            ("sedation", "sedation", ""),
            ("effect_legs", "effect in the legs", ""),
        ],
    },
    Lane {
        id: "vitals",
        title: "Pulse, pressure, breathing",
        unit: "/min, mmHg",
        about: "What a monitor shows.",
        open: None,
        log: false,
        range: None,
        series: &[
            ("heart_rate_per_min", "heart rate", "/min"),
            ("systolic_mmhg", "systolic pressure", "mmHg"),
            ("resp_rate_per_min", "breaths", "/min"),
        ],
    },
    Lane {
        id: "temperature",
        title: "Body temperature",
        unit: "\u{b0}C",
        about: "Fever marks the dangerous stage of withdrawal.",
        open: Some((36.0, 37.6)),
        log: false,
        range: None,
        series: &[("temperature_c", "temperature", "")],
    },
    Lane {
        id: "gcs",
        title: "Consciousness",
        unit: "Glasgow scale 3\u{2013}15",
        about: "15 is awake, 8 or less is coma.",
        open: Some((14.0, 16.0)),
        log: false,
        range: Some((3.0, 15.5)),
        series: &[("gcs", "Glasgow coma scale", "")],
    },
    Lane {
        id: "oxygen",
        title: "Oxygen saturation",
        unit: "%",
        about: "Falls when breathing stops and nobody ventilates.",
        open: Some((92.0, 101.0)),
        log: false,
        range: None,
        series: &[("spo2_percent", "saturation", "")],
    },
    Lane {
        id: "reservoir",
        title: "Reservoir: the truth and what the pump believes",
        unit: "mL",
        about: "The pump computes its volume from what it was told; the alarm follows the belief, not the truth.",
        open: None,
        log: false,
        range: None,
        series: &[
            ("reservoir_ml", "true volume", ""),
            ("believed_reservoir_ml", "as the pump computes it", ""),
        ],
    },
    Lane {
        id: "counted",
        title: "Volume delivered: the truth and the count",
        unit: "mL",
        about: "What left the pump, beside what it counts.",
        open: CLOSED,
        log: false,
        range: None,
        series: &[
            ("delivered_ml", "left the pump", ""),
            ("believed_delivered_ml", "as the pump counts it", ""),
        ],
    },
    Lane {
        id: "pressure",
        title: "Pressure",
        unit: "kPa",
        about: "In the catheter at the pump, and in the spinal fluid; no implanted pump reports it.",
        open: CLOSED,
        log: false,
        range: None,
        series: &[
            ("catheter_pressure_kpa", "catheter", ""),
            ("csf_pressure_kpa", "spinal fluid", ""),
        ],
    },
    Lane {
        id: "slow",
        title: "Tolerance and adaptation",
        unit: "1",
        about: "Tolerance asks for more drug; adaptation is what withdrawal is measured from.",
        open: CLOSED,
        log: false,
        range: None,
        series: &[("tolerance", "tolerance", ""), ("adaptation", "adaptation", "")],
    },
];

/// Lines that each other drug of a scenario adds: end of the column, name.
const OF_DRUG: [(&str, &str); 2] = [("csf_l3_ng_per_ml", "at L3"), ("csf_cisternal_ng_per_ml", "cisternal")];

/// The charts of these runs; what no run has is left out.
pub(super) fn specs(runs: &[&RunData], scenario: &Scenario) -> Vec<LaneSpec> {
    let has = |column: &str| column == LOST || runs.iter().any(|r| r.table.position(column).is_some());
    let mut lanes = Vec::new();
    for lane in LANES {
        let series: Vec<SeriesSpec> = lane
            .series
            .iter()
            .filter(|(column, _, _)| has(column))
            .map(|(column, label, unit)| line(column, label, unit))
            .collect();
        let Some(first) = series.first() else { continue };
        let open = lane.open.is_none_or(|range| leaves(runs, &first.column, range));
        lanes.push(LaneSpec {
            id: lane.id.to_owned(),
            title: lane.title.to_owned(),
            unit: lane.unit.to_owned(),
            about: lane.about.to_owned(),
            open,
            log: lane.log,
            range: lane.range,
            series,
        });
    }
    let series: Vec<SeriesSpec> = scenario
        .drugs
        .iter()
        .flat_map(|drug| {
            OF_DRUG.map(|(end, label)| line(&format!("{}_{end}", drug.id), &format!("{} {label}", drug.id), ""))
        })
        .filter(|s| has(&s.column))
        .collect();
    if !series.is_empty() {
        lanes.push(LaneSpec {
            id: "drugs".to_owned(),
            title: "Other drugs in the fluid".to_owned(),
            unit: "ng/mL".to_owned(),
            about: "Drugs beside baclofen that the scenario describes.".to_owned(),
            open: true,
            log: true,
            range: None,
            series,
        });
    }
    lanes
}

fn line(column: &str, label: &str, unit: &str) -> SeriesSpec {
    SeriesSpec {
        column: column.to_owned(),
        label: label.to_owned(),
        unit: (!unit.is_empty()).then(|| unit.to_owned()),
    }
}

/// Whether a column ever lies outside a range.
fn leaves(runs: &[&RunData], column: &str, (low, high): (f64, f64)) -> bool {
    let outside = |v: &f64| v.is_finite() && (*v < low || *v > high);
    runs.iter()
        .filter_map(|r| r.table.series(column))
        .any(|s| s.value.iter().any(outside))
}
