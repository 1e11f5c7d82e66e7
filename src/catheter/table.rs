//! The table of the catheter's faults: what a scenario may write, and what it means.

use crate::scenario::model::{FaultKind, FieldSpec};

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

/// Every level of the spine, caudal to rostral.
#[rustfmt::skip]
const LEVELS: &[&str] = &[
    "S2", "S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9", "T8", "T7",
    "T6", "T5", "T4", "T3", "T2", "T1", "C7", "C6", "C5", "C4", "C3", "C2", "C1",
];

const CONDUCTANCE: FieldSpec = FieldSpec {
    name: "conductance",
    unit: "mL/(h kPa)",
    default: None,
    low: 0.0,
    high: 1000.0,
    words: &[],
    meaning: "flow per pressure difference to the tissue at full severity",
};

const BORE: FieldSpec = FieldSpec {
    name: "bore",
    unit: "1",
    default: None,
    low: 0.0,
    high: 1.0,
    words: &[],
    meaning: "bore that remains at full severity, of the sound diameter",
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
            BORE,
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
        fields: &[POSITION, CONDUCTANCE, INTO],
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
    FaultKind {
        kind: "catheter.granuloma",
        hazard: "H-15",
        mechanism: "A mass of inflamed tissue grows over the tip in the course of months: it narrows the bore and \
                    keeps a share of the drug, which it gives to blood. Its pressure on the cord is not modelled. \
                    Practically unknown where baclofen is given alone.",
        fields: &[
            BORE,
            FieldSpec {
                name: "mass_share",
                unit: "1",
                default: Some(0.5),
                low: 0.0,
                high: 1.0,
                words: &[],
                meaning: "share of what leaves the tip that the mass keeps at full severity",
            },
        ],
    },
    FaultKind {
        kind: "catheter.connector",
        hazard: "H-16",
        mechanism: "The sutureless connector sits askew, so that the bores of pump and catheter overlap only in \
                    part. It is felt when hardly anything is left, and may come and go with posture.",
        fields: &[FieldSpec {
            name: "offset",
            unit: "mm",
            default: None,
            low: 0.0,
            high: 10.0,
            words: &[],
            meaning: "distance between the axes of both bores at full severity; a whole bore apart is closed",
        }],
    },
    FaultKind {
        kind: "catheter.csf_leak",
        hazard: "H-17",
        mechanism: "Spinal fluid escapes beside the catheter, through the hole it makes in the dura, and takes drug \
                    with it; the pressure of the spinal fluid falls. Standing makes it worse.",
        fields: &[
            FieldSpec {
                name: "level",
                unit: "",
                default: None,
                low: 0.0,
                high: 0.0,
                words: LEVELS,
                meaning: "where the catheter enters the dura",
            },
            CONDUCTANCE,
        ],
    },
    FaultKind {
        kind: "catheter.retrograde",
        hazard: "H-18",
        mechanism: "Spinal fluid runs back through the line into the reservoir: the drug in the line goes with it, \
                    the reservoir is diluted, and more is drawn out at the refill than was computed.",
        fields: &[FieldSpec {
            name: "volume",
            unit: "mL",
            default: None,
            low: 0.0,
            high: 20.0,
            words: &[],
            meaning: "volume that has run back at full severity",
        }],
    },
    FaultKind {
        kind: "catheter.fracture",
        hazard: "H-19",
        mechanism: "The wall breaks: a hole to the tissue, and less and less of a way on. Partial, it is a leak; with \
                    no bore left between the stumps all drug goes into the tissue and no spinal fluid comes back.",
        fields: &[POSITION, CONDUCTANCE, BORE, INTO],
    },
];
