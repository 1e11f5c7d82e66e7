//! A small catalog and a small valid file, shared by the scenario tests.
#![allow(dead_code)] // each test binary uses its own part

use itbsim::scenario::model::{Catalog, FaultKind, FieldSpec, Story};
use itbsim::scenario::{Diagnostics, load_str};

const fn field(name: &'static str, unit: &'static str, low: f64, high: f64, meaning: &'static str) -> FieldSpec {
    FieldSpec {
        name,
        unit,
        default: None,
        low,
        high,
        words: &[],
        meaning,
    }
}

const POSITION: FieldSpec = field("position", "cm", 0.0, 200.0, "distance from the pump");
const SPACES: &[&str] = &["level", "epidural", "subdural", "subcutaneous"];

pub const KINDS: &[FaultKind] = &[
    FaultKind {
        kind: "pump.stall",
        hazard: "H-01",
        mechanism: "the rotor stops",
        fields: &[],
    },
    FaultKind {
        kind: "pump.mri_stall",
        hazard: "H-02",
        mechanism: "the rotor stays stopped after a scan",
        fields: &[],
    },
    FaultKind {
        kind: "pump.over_infusion",
        hazard: "H-03",
        mechanism: "each stroke delivers more",
        fields: &[FieldSpec {
            default: Some(1.2),
            ..field("gain", "1", 1.0, 5.0, "delivered over programmed")
        }],
    },
    FaultKind {
        kind: "catheter.kink",
        hazard: "H-10",
        mechanism: "the bore narrows",
        fields: &[
            POSITION,
            FieldSpec {
                default: Some(1.0),
                ..field("length", "cm", 0.1, 10.0, "length of the narrow part")
            },
            field("bore", "1", 0.0, 1.0, "open part of the bore"),
        ],
    },
    FaultKind {
        kind: "catheter.leak",
        hazard: "H-12",
        mechanism: "drug leaves through the wall",
        fields: &[
            POSITION,
            field(
                "conductance",
                "mL/h/kPa",
                0.0,
                10.0,
                "flow per pressure through the hole",
            ),
            FieldSpec {
                words: SPACES,
                ..field("into", "", 0.0, 0.0, "where it goes")
            },
        ],
    },
    FaultKind {
        kind: "catheter.migration",
        hazard: "H-11",
        mechanism: "the tip moves",
        fields: &[FieldSpec {
            words: SPACES,
            ..field("to", "", 0.0, 0.0, "where the tip goes")
        }],
    },
];

pub fn catalog() -> Catalog {
    let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect();
    Catalog {
        policies: Vec::new(),
        populations: Vec::new(),
        pump_families: vec!["gas-pressure", "peristaltic", "valve-gated"],
        pump_abilities: Vec::new(),
        effect_models: vec!["emax"],
        fault_kinds: KINDS.to_vec(),
        hazard_kinds: vec!["catheter.leak", "pump.stall"],
        signals: names(&[
            "reservoir_ml",
            "flow_ml_per_day",
            "csf_l3_ng_per_ml",
            "ashworth_legs",
            "plasma_ng_per_ml",
            "withdrawal_index",
        ]),
        drug_signals: vec!["plasma_ng_per_ml".to_owned()],
        channel_signals: vec!["analgesia".to_owned()],
        events: names(&[
            "pump.empty",
            "pump.stalled",
            "pump.restarted",
            "delivery.fell",
            "delivery.stopped",
            "delivery.rose",
            "delivery.restored",
            "alarm.low_reservoir.raised",
            "alarm.motor_stall.raised",
            "symptom.itch.onset",
            "symptom.itch.resolved",
            "symptom.spasms_increased.onset",
            "symptom.spasms_increased.resolved",
            "patient.death",
        ]),
        body: None,
    }
}

/// Title, pump and one programme; a test puts `top` before the tables and `more` after them.
pub fn file(top: &str, more: &str) -> String {
    let duration = if top.contains("duration") {
        ""
    } else {
        "duration = \"120 d\"\n"
    };
    format!(
        "title = \"Test\"\n{duration}{top}\n[pump]\nfamily = \"peristaltic\"\n\
         reservoir = {{ size = \"20 mL\", fill = \"18 mL\", concentration = \"2 mg/mL\" }}\n\
         [[programme]]\nid = \"start\"\nat = \"0 d\"\nsimple_continuous = \"300 ug/day\"\n{more}"
    )
}

pub fn read(text: &str) -> Result<Story, Diagnostics> {
    load_str("story.toml", text, None, &catalog())
}

/// Loads or shows why not.
pub fn story(text: &str) -> Story {
    read(text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The mistakes of a file that must not load.
pub fn mistakes(text: &str) -> Diagnostics {
    match read(text) {
        Ok(_) => panic!("loaded:\n{text}"),
        Err(mistakes) => mistakes,
    }
}

/// The only mistake, as `code | line:column | message | help; help`.
pub fn mistake(text: &str) -> String {
    let all = mistakes(text);
    assert_eq!(all.items().len(), 1, "{all}");
    let item = &all.items()[0];
    let (line, column) = all.position(item).unwrap_or((0, 0));
    let lines: Vec<&str> = text.lines().collect();
    // The text from the caret on is easier to trust than a line number.
    let at: String = lines
        .get(line.saturating_sub(1))
        .map_or(String::new(), |l| l.chars().skip(column.saturating_sub(1)).collect());
    format!(
        "{} | {} | {} | {}",
        item.code(),
        at,
        item.title(),
        item.helps().join("; ")
    )
}
