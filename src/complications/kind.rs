//! The kinds of complication as data.

use crate::parameters::ParameterSet;
use crate::quantity::Dimension;
use crate::scenario::model::{FaultKind, FieldSpec};
use crate::signals::{Ailing, Remedy};

/// One kind. Its figures are the parameters `complications.NAME.*`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kind {
    /// Fault kind, `complication.NAME`.
    pub kind: &'static str,
    /// In words.
    pub words: &'static str,
    /// Whether antibiotics act on it.
    pub infection: bool,
    /// Whether hardware in the body keeps it going, so that taking it out helps.
    pub hardware: bool,
    /// What ends it beside a `repair`, in the order in which it is tried.
    pub remedies: &'static [Remedy],
    /// Kind that follows if it is left alone for long.
    pub leads_to: Option<&'static str>,
}

impl Kind {
    /// Name without the room.
    pub fn name(&self) -> &'static str {
        self.kind.strip_prefix("complication.").unwrap_or(self.kind)
    }

    /// One of its numbers, in the unit of the table; zero where it has none.
    pub fn number(&self, p: &ParameterSet, what: &str) -> f64 {
        p.find(&format!("complications.{}.{what}", self.name())).unwrap_or(0.0)
    }

    /// One of its times \[h\]; zero where it has none.
    pub fn hours(&self, p: &ParameterSet, what: &str) -> f64 {
        let key = format!("complications.{}.{what}", self.name());
        p.find(&key).map_or(0.0, |_| p.get_as(&key, Dimension::Time))
    }

    /// What it shows at full, in the order of [`Ailing::NAMES`] \[0-1\].
    pub fn shows(&self, p: &ParameterSet) -> [f64; Ailing::LEN] {
        Ailing::NAMES.map(|sign| self.number(p, &format!("shows_{sign}")))
    }
}

/// All kinds, in the order of listings.
pub const KINDS: [Kind; 9] = [
    Kind {
        kind: "complication.wound_infection",
        words: "infection of a wound",
        infection: true,
        hardware: false,
        remedies: &[Remedy::Antibiotics],
        leads_to: Some("complication.pocket_infection"),
    },
    Kind {
        kind: "complication.pocket_infection",
        words: "infection of the pocket about the pump",
        infection: true,
        hardware: true,
        remedies: &[Remedy::Antibiotics],
        leads_to: Some("complication.meningitis"),
    },
    Kind {
        kind: "complication.meningitis",
        words: "meningitis",
        infection: true,
        hardware: true,
        remedies: &[Remedy::Antibiotics],
        leads_to: None,
    },
    Kind {
        kind: "complication.csf_leak",
        words: "leak of spinal fluid with headache on sitting up",
        infection: false,
        hardware: false,
        remedies: &[Remedy::BloodPatch],
        leads_to: None,
    },
    Kind {
        kind: "complication.spinal_haematoma",
        words: "haematoma that presses on the cord",
        infection: false,
        hardware: false,
        remedies: &[Remedy::Evacuation],
        leads_to: None,
    },
    Kind {
        kind: "complication.root_injury",
        words: "injury of a root",
        infection: false,
        hardware: false,
        remedies: &[],
        leads_to: None,
    },
    Kind {
        kind: "complication.cord_injury",
        words: "injury of the cord",
        infection: false,
        hardware: false,
        remedies: &[],
        leads_to: None,
    },
    Kind {
        kind: "complication.catheter_pain",
        words: "back and radicular pain at the catheter",
        infection: false,
        hardware: true,
        remedies: &[],
        leads_to: None,
    },
    Kind {
        kind: "complication.skin_erosion",
        words: "erosion of the skin over the hardware",
        infection: false,
        hardware: true,
        remedies: &[Remedy::WoundRevision],
        leads_to: Some("complication.pocket_infection"),
    },
];

/// Place in [`KINDS`] of a fault kind.
pub fn of_fault(kind: &str) -> Option<usize> {
    KINDS.iter().position(|k| k.kind == kind)
}

/// The kind of this name.
pub fn named(kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.kind == kind)
}

/// Symptoms that a complication can bring, with the sign behind each. Those that too little
/// or too much drug brings as well are owed to the complication only while there is no
/// withdrawal.
pub const SIGNS: &[(&str, &str)] = &[
    ("spasms_increased", "noxious"),
    ("autonomic_dysreflexia", "noxious"),
    ("fever", "inflammation"),
    ("hyperthermia", "inflammation"),
    ("tachycardia", "inflammation"),
    ("hypotension", "sepsis"),
    ("coma", "clouding"),
    ("wound_signs", "wound"),
    ("bare_hardware", "bare"),
    ("postural_headache", "headache"),
    ("stiff_neck", "meningism"),
    ("back_pain", "back_pain"),
    ("radicular_pain", "root_pain"),
    ("new_weakness", "weakness"),
    ("clouded", "clouding"),
    ("death_by_infection", "sepsis"),
];

const SEVERITY: FieldSpec = FieldSpec {
    name: "severity",
    unit: "1",
    default: Some(0.8),
    low: 0.0,
    high: 1.0,
    words: &[],
    meaning: "how bad it becomes if nothing is done",
};

/// The kinds as the loader and `list faults` know them.
pub const FAULT_KINDS: &[FaultKind] = &[
    FaultKind {
        kind: "complication.wound_infection",
        hazard: "H-50",
        mechanism: "A wound is infected: red, weeping, some fever; spasticity rises with it. Untreated it reaches the \
                    pocket.",
        fields: &[SEVERITY],
    },
    FaultKind {
        kind: "complication.pocket_infection",
        hazard: "H-51",
        mechanism: "The pocket about the pump is infected: fever, fast heart, more spasms, so that it looks like \
                    withdrawal while delivery is right. Antibiotics hold it down; the hardware keeps it alive.",
        fields: &[SEVERITY],
    },
    FaultKind {
        kind: "complication.meningitis",
        hazard: "H-52",
        mechanism: "The spinal fluid is infected: high fever, stiff neck, clouded consciousness; sepsis and death if it \
                    is grave and untreated.",
        fields: &[SEVERITY],
    },
    FaultKind {
        kind: "complication.csf_leak",
        hazard: "H-53",
        mechanism: "Spinal fluid escapes through the hole in the dura and takes drug with it; the head aches as soon as \
                    it is raised. Most close by themselves.",
        fields: &[
            SEVERITY,
            FieldSpec {
                name: "level",
                unit: "",
                default: None,
                low: 0.0,
                high: 0.0,
                words: &["level"],
                meaning: "where the dura was opened",
            },
            FieldSpec {
                name: "conductance",
                unit: "mL/(h kPa)",
                default: Some(2.0),
                low: 0.0,
                high: 100.0,
                words: &[],
                meaning: "flow per pressure of the spinal fluid",
            },
        ],
    },
    FaultKind {
        kind: "complication.spinal_haematoma",
        hazard: "H-54",
        mechanism: "Blood presses on the cord within hours: weakness, back pain, pain down the legs. What is not \
                    relieved soon stays. Anticoagulation makes it more likely.",
        fields: &[SEVERITY],
    },
    FaultKind {
        kind: "complication.root_injury",
        hazard: "H-55",
        mechanism: "Needle or catheter has hurt a root: pain down a leg and some weakness, which fade over weeks.",
        fields: &[SEVERITY],
    },
    FaultKind {
        kind: "complication.cord_injury",
        hazard: "H-56",
        mechanism: "Needle or catheter has hurt the cord: weakness, part of which stays.",
        fields: &[SEVERITY],
    },
    FaultKind {
        kind: "complication.catheter_pain",
        hazard: "H-57",
        mechanism: "The catheter irritates back or root: pain and more spasms while delivery is right. It settles by \
                    itself or with another course of the catheter.",
        fields: &[SEVERITY],
    },
    FaultKind {
        kind: "complication.skin_erosion",
        hazard: "H-58",
        mechanism: "Pump or catheter comes through the skin. Left alone the pocket is infected within weeks.",
        fields: &[SEVERITY],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_knows_every_kind_in_the_same_order() {
        let kinds: Vec<&str> = FAULT_KINDS.iter().map(|k| k.kind).collect();
        assert_eq!(kinds, KINDS.map(|k| k.kind));
        for k in KINDS {
            assert!(k.leads_to.is_none_or(|next| named(next).is_some()), "{}", k.kind);
        }
    }

    #[test]
    fn every_kind_shows_something_and_grows_and_heals() {
        let p = ParameterSet::default();
        for k in KINDS {
            assert!(k.shows(&p).iter().any(|s| *s > 0.25), "{}", k.kind);
            assert!(k.hours(&p, "grow") > 0.0 && k.hours(&p, "heal") > 0.0, "{}", k.kind);
            assert!(k.hours(&p, "onset_low") <= k.hours(&p, "onset_high"), "{}", k.kind);
            assert_eq!(k.leads_to.is_some(), k.hours(&p, "leads_after") > 0.0, "{}", k.kind);
        }
    }

    #[test]
    fn every_symptom_of_a_complication_has_its_sign() {
        for (symptom, sign) in SIGNS {
            assert!(Ailing::NAMES.contains(sign), "{sign}");
            assert!(
                crate::response::SYMPTOMS.iter().any(|s| s.name == *symptom),
                "{symptom}"
            );
        }
        for s in crate::response::SYMPTOMS {
            let own = s.syndrome == crate::response::Syndrome::Complication;
            assert!(!own || SIGNS.iter().any(|(name, _)| *name == s.name), "{}", s.name);
        }
    }
}
