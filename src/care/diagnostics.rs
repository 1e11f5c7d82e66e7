//! Diagnostic tests: what each can show, how often it is right, what it costs.
//!
//! | how a result comes about | tests |
//! |---|---|
//! | read from pump, line and body as they are | interrogation, reservoir check, rotor study, port aspiration, lumbar bolus, blood tests |
//! | drawn, with a published or assumed sensitivity for each kind of fault | history, X-ray, dye study, scintigraphy, port pressure, exploration, wounds, spinal fluid, magnetic resonance |
//!
//! A drawn result is a pure function of what is wrong, of the parameters, and of keyed
//! draws: [`read`]. A fault that is absent in the posture of the test, or at that time, is
//! invisible to it; one that has grown to half its size is seen half as often.

use serde::{Deserialize, Serialize};

use crate::numerics::Draws;
use crate::parameters::ParameterSet;

/// How a test came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing is wrong, as far as it can show.
    Normal,
    /// Something is wrong.
    Abnormal,
    /// It could not be done.
    NotDone,
}

impl Outcome {
    /// Name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Normal => "normal",
            Outcome::Abnormal => "abnormal",
            Outcome::NotDone => "not_done",
        }
    }
}

/// Kinds of fault as tests tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lesion {
    /// The pump does not turn.
    Stall,
    /// The pump gives too much.
    OverInfusion,
    /// The pump lost its programme or does not answer.
    Memory,
    /// The reservoir is empty.
    Empty,
    /// The wrong drug or concentration is in the pump.
    Drug,
    /// The pump was told something else than was prescribed.
    Programme,
    /// The bore is closed or nearly so.
    Occlusion,
    /// Drug escapes through the wall.
    Leak,
    /// The parts have come apart.
    Disconnection,
    /// The tip lies elsewhere.
    Migration,
    /// Anything else.
    Other,
    /// A wound or the pocket is infected.
    Infection,
    /// Hardware lies bare.
    Erosion,
    /// The spinal fluid is infected.
    Meningitis,
    /// Spinal fluid escapes through the dura.
    CsfLeak,
    /// Blood presses on the cord.
    Haematoma,
    /// Root or cord are hurt.
    NerveInjury,
    /// The catheter hurts back or root.
    HardwarePain,
}

impl Lesion {
    /// All of them.
    pub const ALL: [Lesion; 18] = [
        Lesion::Stall,
        Lesion::OverInfusion,
        Lesion::Memory,
        Lesion::Empty,
        Lesion::Drug,
        Lesion::Programme,
        Lesion::Occlusion,
        Lesion::Leak,
        Lesion::Disconnection,
        Lesion::Migration,
        Lesion::Other,
        Lesion::Infection,
        Lesion::Erosion,
        Lesion::Meningitis,
        Lesion::CsfLeak,
        Lesion::Haematoma,
        Lesion::NerveInjury,
        Lesion::HardwarePain,
    ];

    /// Name in parameters, news and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Lesion::Stall => "stall",
            Lesion::OverInfusion => "over_infusion",
            Lesion::Memory => "memory",
            Lesion::Empty => "empty",
            Lesion::Drug => "drug",
            Lesion::Programme => "programme",
            Lesion::Occlusion => "occlusion",
            Lesion::Leak => "leak",
            Lesion::Disconnection => "disconnection",
            Lesion::Migration => "migration",
            Lesion::Other => "other",
            Lesion::Infection => "infection",
            Lesion::Erosion => "erosion",
            Lesion::Meningitis => "meningitis",
            Lesion::CsfLeak => "csf_leak",
            Lesion::Haematoma => "haematoma",
            Lesion::NerveInjury => "nerve_injury",
            Lesion::HardwarePain => "hardware_pain",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Lesion> {
        Self::ALL.into_iter().find(|l| l.as_str() == name)
    }

    /// What a registered fault kind looks like to a test.
    pub fn of_kind(kind: &str) -> Lesion {
        let (room, name) = kind.split_once('.').unwrap_or(("", kind));
        let has = |part: &str| name.contains(part);
        match room {
            "complication" => match name {
                "wound_infection" | "pocket_infection" => Lesion::Infection,
                "meningitis" => Lesion::Meningitis,
                "csf_leak" => Lesion::CsfLeak,
                "spinal_haematoma" => Lesion::Haematoma,
                "root_injury" | "cord_injury" => Lesion::NerveInjury,
                "catheter_pain" => Lesion::HardwarePain,
                "skin_erosion" => Lesion::Erosion,
                _ => Lesion::Other,
            },
            _ if has("stall") || has("short") || has("stuck_shut") || has("blocked") || has("end_of") => Lesion::Stall,
            _ if has("over_infusion") || has("stuck_open") || has("overfill") => Lesion::OverInfusion,
            _ if has("memory") || has("hang") || has("reset") || has("battery") => Lesion::Memory,
            "catheter" if has("fracture") || has("disconnect") => Lesion::Disconnection,
            "catheter" if has("leak") => Lesion::Leak,
            "catheter" if has("migration") => Lesion::Migration,
            "catheter" if has("kink") || has("occlusion") || has("granuloma") || has("connector") => Lesion::Occlusion,
            _ => Lesion::Other,
        }
    }

    /// Whether it is a complication of surgery or hardware and no fault of delivery.
    pub fn is_complication(self) -> bool {
        matches!(
            self,
            Lesion::Infection
                | Lesion::Erosion
                | Lesion::Meningitis
                | Lesion::CsfLeak
                | Lesion::Haematoma
                | Lesion::NerveInjury
                | Lesion::HardwarePain
        )
    }

    /// Whether it is mended at the pump, and not at the catheter.
    pub fn of_pump(self) -> bool {
        matches!(
            self,
            Lesion::Stall | Lesion::OverInfusion | Lesion::Memory | Lesion::Empty | Lesion::Drug | Lesion::Programme
        )
    }
}

/// One test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiagnosticTest {
    /// Name in files and events.
    pub name: &'static str,
    /// In words.
    pub words: &'static str,
    /// Whether an abnormal result that names a fault settles the matter.
    pub decisive: bool,
    /// Whether the patient lies down for it.
    pub supine: bool,
    /// Whether the result is drawn; the others are read from the model.
    pub drawn: bool,
    /// What a false alarm of it looks like.
    pub typical: Lesion,
    /// Where its figures come from.
    pub source: &'static str,
}

const fn test(
    name: &'static str,
    words: &'static str,
    (decisive, supine, drawn): (bool, bool, bool),
    typical: Lesion,
    source: &'static str,
) -> DiagnosticTest {
    DiagnosticTest {
        name,
        words,
        decisive,
        supine,
        drawn,
        typical,
        source,
    }
}

const YES: bool = true;
const NO: bool = false;

/// All tests, in the order of the published work-up. Flags: decisive, supine, drawn.
#[rustfmt::skip] // one line a test
pub const TESTS: &[DiagnosticTest] = &[
    test("history", "history and records", (YES, NO, YES), Lesion::Drug, "Saulino 2016: history and triggers first"),
    test("interrogation", "interrogation of the pump", (YES, NO, NO), Lesion::Stall, "Saulino 2016: alarms, log, mode, concentration"),
    test("refill_check", "expected against aspirated volume", (NO, NO, NO), Lesion::Stall, "Maino 2017; Saulino 2016"),
    test("x_ray", "radiographs of the whole system", (YES, YES, YES), Lesion::Occlusion, "Morgalla 2016"),
    test("rotor_study", "rotor study", (YES, YES, NO), Lesion::Stall, "two radiographs, the roller turns 60 degrees after a small bolus"),
    test("port_aspiration", "aspiration at the access port", (NO, YES, NO), Lesion::Occlusion, "Delhaas 2020: not possible in 17 of 70 procedures"),
    test("dye_study", "contrast through the access port and CT myelogram", (YES, YES, YES), Lesion::Leak, "Delhaas 2020"),
    test("scintigraphy", "scintigraphy through the reservoir", (YES, NO, YES), Lesion::Leak, "Delhaas 2021"),
    test("port_pressure", "pressure at the access port", (NO, YES, YES), Lesion::Occlusion, "Saulino 2017"),
    test("lumbar_bolus", "test bolus by lumbar puncture", (NO, NO, NO), Lesion::Other, "Saulino 2016: separates tolerance from failed delivery"),
    test("exploration", "surgical exploration", (YES, NO, YES), Lesion::Other, "Saulino 2016: the last step"),
    test("wound_inspection", "inspection of wounds and pocket", (YES, NO, YES), Lesion::Infection, "textbook: look and feel before anything is punctured"),
    test("blood_tests", "blood count and C-reactive protein", (NO, NO, NO), Lesion::Infection, "textbook: raised in infection, and for two weeks after surgery"),
    test("csf_sample", "spinal fluid: pressure, cells, culture", (YES, YES, YES), Lesion::Meningitis, "textbook: lumbar puncture, away from the pocket"),
    test("mri_spine", "magnetic resonance of the spine", (YES, YES, YES), Lesion::NerveInjury, "textbook: first choice for haematoma; the rotor stands still meanwhile"),
];

/// Whether a history settles a complication: it is plain to see or to tell.
pub fn told(lesion: Lesion) -> bool {
    matches!(lesion, Lesion::CsfLeak | Lesion::Erosion)
}

/// The test of this name.
pub fn named(name: &str) -> Option<&'static DiagnosticTest> {
    TESTS.iter().find(|t| t.name == name)
}

/// A number of a test; `None` where the table has no line for it.
pub fn number(p: &ParameterSet, test: &str, name: &str) -> Option<f64> {
    p.find(&format!("care.test.{test}.{name}"))
}

/// Something that is wrong, as far as it is there in the posture and at the time of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Present {
    /// What.
    pub lesion: Lesion,
    /// How far it has grown \[0-1\].
    pub severity: f64,
}

/// Result of a drawn test: the fault it shows, if any. `ordinal` tells repetitions apart.
///
/// Each kind of fault has its own draw, so that a second fault does not change whether the
/// first is seen; a test that sees none is normal with its specificity.
pub fn read(
    test: &DiagnosticTest,
    present: &[Present],
    ordinal: u64,
    parameters: &ParameterSet,
    draws: &Draws,
) -> Option<Lesion> {
    let entity = format!("test.{}", test.name);
    for lesion in Lesion::ALL {
        let here = present.iter().filter(|p| p.lesion == lesion);
        let severity = here.map(|p| p.severity).fold(0.0, f64::max);
        let sensitivity = number(parameters, test.name, &format!("sees_{}", lesion.as_str())).unwrap_or(0.0);
        if severity > 0.0 && draws.uniform(&entity, lesion.as_str(), ordinal) < sensitivity * severity {
            return Some(lesion);
        }
    }
    let specificity = number(parameters, test.name, "specificity").unwrap_or(1.0);
    (draws.uniform(&entity, "specificity", ordinal) >= specificity).then_some(test.typical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_scenarios_are_the_tests() {
        let names: Vec<&str> = TESTS.iter().map(|t| t.name).collect();
        assert_eq!(names, crate::scenario::steps::TESTS);
        let outcomes = [Outcome::Normal, Outcome::Abnormal, Outcome::NotDone];
        assert_eq!(outcomes.map(Outcome::as_str), crate::scenario::steps::OUTCOMES);
        for lesion in Lesion::ALL {
            assert_eq!(Lesion::named(lesion.as_str()), Some(lesion));
        }
    }

    #[test]
    fn every_figure_of_a_test_belongs_to_a_test_and_a_fault() {
        for p in crate::parameters::all() {
            let Some(rest) = p.key.strip_prefix("care.test.") else {
                continue;
            };
            let Some((test, what)) = rest.split_once('.') else {
                assert!(rest == "settle" || rest == "priming_over", "{rest}");
                continue;
            };
            assert!(named(test).is_some(), "{}", p.key);
            if let Some(lesion) = what.strip_prefix("sees_") {
                assert!(Lesion::named(lesion).is_some(), "{}", p.key);
                assert!(named(test).is_some_and(|t| t.drawn), "{}", p.key);
            }
        }
        for t in TESTS {
            for what in ["time", "days"] {
                assert!(
                    number(&ParameterSet::default(), t.name, what).is_some(),
                    "{} {what}",
                    t.name
                );
            }
            assert_eq!(
                t.drawn,
                number(&ParameterSet::default(), t.name, "specificity").is_some(),
                "{}",
                t.name
            );
        }
    }

    #[test]
    fn fault_kinds_fall_into_the_classes_of_tests() {
        for (kind, lesion) in [
            ("pump.mri_stall", Lesion::Stall),
            ("pump.over_infusion", Lesion::OverInfusion),
            ("pump.telemetry_hang", Lesion::Memory),
            ("catheter.kink", Lesion::Occlusion),
            ("catheter.leak", Lesion::Leak),
            ("catheter.fracture", Lesion::Disconnection),
            ("catheter.migration", Lesion::Migration),
            ("mine.odd", Lesion::Other),
        ] {
            assert_eq!(Lesion::of_kind(kind), lesion, "{kind}");
        }
    }

    #[test]
    fn a_fault_that_is_not_there_at_the_time_is_not_seen() {
        let (p, draws) = (ParameterSet::default(), Draws::new(1, 0));
        let dye = named("dye_study").unwrap();
        let hidden = [Present {
            lesion: Lesion::Occlusion,
            severity: 0.0,
        }];
        for ordinal in 0..200 {
            let seen = read(dye, &hidden, ordinal, &p, &draws);
            assert_eq!(seen, read(dye, &[], ordinal, &p, &draws));
            assert_ne!(seen, Some(Lesion::Occlusion));
        }
    }
}
