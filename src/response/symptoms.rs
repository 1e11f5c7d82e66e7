//! Named symptoms: which signal drives each, at which levels it appears and
//! resolves, and a small machine per symptom.
//!
//! The machine keeps no clock. The simulation watches the signals ([`watches`]),
//! reports each crossing to [`SymptomState::crossed`], and schedules or cancels the
//! dwell timer it is told to. Onset and resolution are events; nothing is polled.
//!
//! ```text
//!           Entered                 dwell over
//!  Absent ----------> Pending --------------------> Present   (onset)
//!    ^   <----------          <-- Returned --          |
//!    |        Left   (cancel)                Fading <--+ Cleared
//!    +------------------------ dwell over -----'           (resolved)
//! ```

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::parameters::ParameterSet;

use super::signals::Signals;
use super::source::Source;

/// What a symptom is a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syndrome {
    /// Too little drug.
    Withdrawal,
    /// Too much drug.
    Overdose,
    /// The wanted effect.
    Therapy,
    /// Surgery or hardware.
    Complication,
}

/// On which side of its levels a symptom is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// When the signal is high.
    Above,
    /// When the signal is low.
    Below,
}

/// One symptom of the table.
#[derive(Debug, Clone, Copy)]
pub struct Symptom {
    /// Name in events, as in `symptom.itch.onset`.
    pub name: &'static str,
    /// Words for a reader.
    pub words: &'static str,
    /// What it is a sign of.
    pub syndrome: Syndrome,
    /// Name of the driving signal.
    pub signal: &'static str,
    /// The driving signal.
    pub source: Source,
    /// On which side of its levels it is present.
    pub direction: Direction,
    /// Whether it never resolves.
    pub lasting: bool,
}

const fn symptom(
    syndrome: Syndrome,
    name: &'static str,
    words: &'static str,
    signal: &'static str,
    source: Source,
) -> Symptom {
    Symptom {
        name,
        words,
        syndrome,
        signal,
        source,
        direction: Direction::Above,
        lasting: false,
    }
}

const fn below(mut s: Symptom) -> Symptom {
    s.direction = Direction::Below;
    s
}

const fn lasting(mut s: Symptom) -> Symptom {
    s.lasting = true;
    s
}

use Syndrome::{Complication, Overdose, Therapy, Withdrawal};

impl Symptom {
    /// The value of the driving signal.
    pub fn select(&self, signals: &Signals) -> f64 {
        self.source.of(signals)
    }
}

/// All symptoms, each syndrome in the published order (labels of Lioresal and
/// Gablofen; Coffey 2002). The levels are `response.symptom.NAME.*` parameters.
#[rustfmt::skip]
pub const SYMPTOMS: &[Symptom] = &[
    symptom(Withdrawal, "spasms_increased", "spasms and tone return", "withdrawal_index", Source::Spasms),
    symptom(Withdrawal, "itch", "itch without rash", "withdrawal_index", Source::Withdrawal),
    symptom(Withdrawal, "paraesthesia", "tingling", "withdrawal_index", Source::Withdrawal),
    symptom(Withdrawal, "anxiety", "anxiety and agitation", "withdrawal_index", Source::Withdrawal),
    symptom(Withdrawal, "insomnia", "sleeplessness", "withdrawal_index", Source::Withdrawal),
    symptom(Withdrawal, "sweating", "sweating", "withdrawal_index", Source::Withdrawal),
    symptom(Withdrawal, "tachycardia", "fast heart", "heart_rate_per_min", Source::Heart),
    symptom(Withdrawal, "hypertension", "high blood pressure", "systolic_mmhg", Source::Pressure),
    symptom(Withdrawal, "fever", "fever", "temperature_c", Source::Temperature),
    symptom(Withdrawal, "autonomic_dysreflexia", "autonomic dysreflexia", "dysreflexia", Source::Dysreflexia),
    symptom(Withdrawal, "hallucinations", "hallucinations and confusion", "excitation", Source::Excitation),
    symptom(Withdrawal, "seizures", "seizures", "excitation", Source::Excitation),
    symptom(Withdrawal, "rigidity", "rigidity beyond the old spasticity", "excitation", Source::Excitation),
    symptom(Withdrawal, "hyperthermia", "dangerous body heat", "temperature_c", Source::Temperature),
    symptom(Withdrawal, "rhabdomyolysis", "breakdown of muscle", "muscle_damage", Source::Muscle),
    symptom(Withdrawal, "organ_failure", "failure of kidneys, liver and clotting", "organ_failure", Source::Organs),
    lasting(symptom(Withdrawal, "death_in_withdrawal", "death by organ failure", "organ_failure", Source::Organs)),
    symptom(Overdose, "drowsiness", "drowsiness", "sedation", Source::Sedation),
    symptom(Overdose, "somnolence", "hard to rouse", "sedation", Source::Sedation),
    symptom(Overdose, "hypotonia_legs", "weak legs", "effect_legs", Source::Legs),
    symptom(Overdose, "hypotonia_trunk", "weak trunk", "effect_trunk", Source::Trunk),
    symptom(Overdose, "hypotonia_arms", "weak arms", "effect_arms", Source::Arms),
    below(symptom(Overdose, "hypothermia", "low body temperature", "temperature_c", Source::Temperature)),
    below(symptom(Overdose, "hypotension", "low blood pressure", "systolic_mmhg", Source::Pressure)),
    below(symptom(Overdose, "bradycardia", "slow heart", "heart_rate_per_min", Source::Heart)),
    below(symptom(Overdose, "respiratory_depression", "slow breathing", "resp_rate_per_min", Source::Breathing)),
    below(symptom(Overdose, "coma", "coma", "gcs", Source::Consciousness)),
    below(symptom(Overdose, "apnoea", "no breathing of one's own", "resp_rate_per_min", Source::Breathing)),
    lasting(symptom(Overdose, "death_in_overdose", "death by lack of oxygen", "hypoxia", Source::Hypoxia)),
    symptom(Therapy, "relief", "spasticity is relieved", "effect_legs", Source::Legs),
    symptom(Complication, "wound_signs", "a wound or the pocket is red and swollen", "sign_wound", Source::Wound),
    symptom(Complication, "bare_hardware", "hardware shows through the skin", "sign_bare", Source::Bare),
    symptom(Complication, "postural_headache", "headache on sitting up", "sign_headache", Source::Headache),
    symptom(Complication, "stiff_neck", "stiff neck, light hurts", "sign_meningism", Source::Meningism),
    symptom(Complication, "back_pain", "pain in the back along the catheter", "sign_back_pain", Source::BackPain),
    symptom(Complication, "radicular_pain", "pain down a leg", "sign_root_pain", Source::RootPain),
    symptom(Complication, "new_weakness", "new weakness or numbness", "sign_weakness", Source::Weakness),
    symptom(Complication, "clouded", "clouded by illness", "sign_clouding", Source::Clouding),
    lasting(symptom(Complication, "death_by_infection", "death by infection", "sign_sepsis", Source::Sepsis)),
];

/// Symptoms that are looked for only where a drug beside baclofen is described. Their places
/// follow those of [`SYMPTOMS`].
#[rustfmt::skip]
pub const DRUG_SYMPTOMS: &[Symptom] = &[
    symptom(Withdrawal, "drug_withdrawal", "signs that another drug is lacking", "drug_withdrawal", Source::DrugWithdrawal),
    symptom(Withdrawal, "hypertensive_crisis", "dangerously high blood pressure", "systolic_mmhg", Source::Pressure),
    symptom(Therapy, "analgesia", "pain is relieved", "analgesia", Source::Analgesia),
];

/// Every symptom there is, those of [`DRUG_SYMPTOMS`] last.
pub fn all_symptoms() -> impl Iterator<Item = &'static Symptom> {
    SYMPTOMS.iter().chain(DRUG_SYMPTOMS)
}

/// Levels and dwell of one symptom.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Level of onset, in the unit of the signal.
    pub onset: f64,
    /// Level of resolution, in the unit of the signal.
    pub resolution: f64,
    /// How long a level must be passed before it counts \[h\].
    pub dwell_h: f64,
}

/// A symptom with its levels: what the simulation has to watch.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// Place in [`all_symptoms`].
    pub index: usize,
    /// The symptom.
    pub symptom: &'static Symptom,
    /// Its levels.
    pub levels: Thresholds,
}

/// All symptoms with the levels of a parameter set, in the order of [`SYMPTOMS`].
///
/// An override that puts the resolution beyond the onset is read as no hysteresis.
pub fn watches(p: &ParameterSet) -> Vec<Watch> {
    watched(p, SYMPTOMS.iter())
}

/// As [`watches`], with [`DRUG_SYMPTOMS`] behind them.
pub fn watches_with_drugs(p: &ParameterSet) -> Vec<Watch> {
    watched(p, all_symptoms())
}

fn watched(p: &ParameterSet, symptoms: impl Iterator<Item = &'static Symptom>) -> Vec<Watch> {
    // Spelled once: a batch asks for them with every patient.
    static KEYS: OnceLock<Vec<[String; 3]>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let of =
            |s: &Symptom| ["onset", "resolution", "dwell"].map(|what| format!("response.symptom.{}.{what}", s.name));
        all_symptoms().map(of).collect()
    });
    let watch = |(index, symptom): (usize, &'static Symptom)| {
        let [onset, resolution, dwell_h] = keys[index].each_ref().map(|key| p.get(key));
        let resolution = match symptom.direction {
            Direction::Above => resolution.min(onset),
            Direction::Below => resolution.max(onset),
        };
        Watch {
            index,
            symptom,
            levels: Thresholds {
                onset,
                resolution,
                dwell_h,
            },
        }
    };
    symptoms.enumerate().map(watch).collect()
}

impl Watch {
    /// Whether a value lies on the side of onset; the level itself does not.
    pub fn is_in(&self, value: f64) -> bool {
        match self.symptom.direction {
            Direction::Above => value > self.levels.onset,
            Direction::Below => value < self.levels.onset,
        }
    }

    /// Whether a value lies beyond the level of resolution; the level itself does not.
    pub fn is_clear(&self, value: f64) -> bool {
        match self.symptom.direction {
            Direction::Above => value < self.levels.resolution,
            Direction::Below => value > self.levels.resolution,
        }
    }

    /// What the simulation has to look for next in this phase.
    pub fn awaited(&self, phase: Phase) -> Option<(f64, Crossed)> {
        match phase {
            Phase::Absent => Some((self.levels.onset, Crossed::Entered)),
            Phase::Pending => Some((self.levels.onset, Crossed::Left)),
            Phase::Present if self.symptom.lasting => None,
            Phase::Present => Some((self.levels.resolution, Crossed::Cleared)),
            Phase::Fading => Some((self.levels.resolution, Crossed::Returned)),
        }
    }

    /// Whether `value` lies on the far side of the crossing awaited in `phase`, so
    /// that the crossing has happened.
    pub fn has_crossed(&self, phase: Phase, value: f64) -> bool {
        match phase {
            Phase::Absent => self.is_in(value),
            Phase::Pending => !self.is_in(value),
            Phase::Present => !self.symptom.lasting && self.is_clear(value),
            Phase::Fading => !self.is_clear(value),
        }
    }
}

/// A crossing of one of a symptom's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Crossed {
    /// The signal passed the level of onset.
    Entered,
    /// It came back from there before the dwell was over.
    Left,
    /// It passed the level of resolution.
    Cleared,
    /// It came back from there before the dwell was over.
    Returned,
}

/// Where a symptom stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Phase {
    /// Not there.
    #[default]
    Absent,
    /// Past its onset level, dwell running.
    Pending,
    /// There.
    Present,
    /// Past its resolution level, dwell running.
    Fading,
}

/// What the simulation has to do after a notice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Call [`SymptomState::dwell_over`] this long from now, unless cancelled \[h\].
    StartDwell(f64),
    /// Cancel the running dwell.
    CancelDwell,
    /// The symptom begins now.
    Onset,
    /// The symptom ends now.
    Resolved {
        /// Extreme of the driving signal while it lasted, in the signal's unit.
        severity: f64,
    },
}

/// The machine of one symptom.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SymptomState {
    /// Where it stands.
    pub phase: Phase,
    /// Extreme of the driving signal since onset, in the signal's unit; 0 before.
    pub severity: f64,
}

impl SymptomState {
    /// A crossing happened, with the signal at `value`.
    pub fn crossed(&mut self, watch: &Watch, what: Crossed, value: f64) -> Step {
        match (self.phase, what) {
            (Phase::Absent, Crossed::Entered) => {
                self.phase = Phase::Pending;
                self.start_dwell(watch, value)
            }
            (Phase::Pending, Crossed::Left) => {
                self.phase = Phase::Absent;
                Step::CancelDwell
            }
            (Phase::Present, Crossed::Cleared) if !watch.symptom.lasting => {
                self.phase = Phase::Fading;
                self.start_dwell(watch, value)
            }
            (Phase::Fading, Crossed::Returned) => {
                self.phase = Phase::Present;
                self.observe(watch, value);
                Step::CancelDwell
            }
            // A second notice of the same crossing changes nothing.
            _ => Step::Nothing,
        }
    }

    fn start_dwell(&mut self, watch: &Watch, value: f64) -> Step {
        if watch.levels.dwell_h > 0.0 {
            Step::StartDwell(watch.levels.dwell_h)
        } else {
            self.dwell_over(watch, value)
        }
    }

    /// The dwell timer ran out, with the signal at `value`.
    pub fn dwell_over(&mut self, watch: &Watch, value: f64) -> Step {
        match self.phase {
            Phase::Pending => {
                self.phase = Phase::Present;
                self.severity = value;
                self.observe(watch, value);
                Step::Onset
            }
            Phase::Fading => {
                self.phase = Phase::Absent;
                let severity = self.severity;
                self.severity = 0.0;
                Step::Resolved { severity }
            }
            Phase::Absent | Phase::Present => Step::Nothing,
        }
    }

    /// Keeps the extreme of the driving signal. To be called at the ends of
    /// integration steps and at events, never at output samples: those must not
    /// change results.
    pub fn observe(&mut self, watch: &Watch, value: f64) {
        if matches!(self.phase, Phase::Present | Phase::Fading) {
            self.severity = match watch.symptom.direction {
                Direction::Above => self.severity.max(value),
                Direction::Below => self.severity.min(value),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(name: &str) -> Watch {
        let all = watches(&ParameterSet::default());
        *all.iter().find(|w| w.symptom.name == name).unwrap()
    }

    #[test]
    fn onset_and_resolution_wait_for_their_dwell() {
        let w = watch("itch");
        let mut s = SymptomState::default();
        assert_eq!(s.crossed(&w, Crossed::Entered, 0.27), Step::StartDwell(1.0));
        assert_eq!(s.crossed(&w, Crossed::Left, 0.25), Step::CancelDwell);
        assert_eq!(s.phase, Phase::Absent);
        assert_eq!(s.crossed(&w, Crossed::Entered, 0.27), Step::StartDwell(1.0));
        assert_eq!(s.dwell_over(&w, 0.3), Step::Onset);
        s.observe(&w, 0.6);
        assert_eq!(s.crossed(&w, Crossed::Cleared, 0.14), Step::StartDwell(1.0));
        assert_eq!(s.crossed(&w, Crossed::Returned, 0.16), Step::CancelDwell);
        assert_eq!(s.crossed(&w, Crossed::Cleared, 0.14), Step::StartDwell(1.0));
        assert_eq!(s.dwell_over(&w, 0.1), Step::Resolved { severity: 0.6 });
        assert_eq!(s, SymptomState::default());
    }

    #[test]
    fn a_repeated_notice_changes_nothing() {
        let w = watch("itch");
        let mut s = SymptomState::default();
        s.crossed(&w, Crossed::Entered, 0.27);
        let before = s;
        assert_eq!(s.crossed(&w, Crossed::Entered, 0.28), Step::Nothing);
        assert_eq!(s, before);
    }

    #[test]
    fn death_comes_without_dwell_and_does_not_resolve() {
        let w = watch("death_in_overdose");
        let mut s = SymptomState::default();
        assert_eq!(s.crossed(&w, Crossed::Entered, 1.0), Step::Onset);
        assert_eq!(s.crossed(&w, Crossed::Cleared, 0.0), Step::Nothing);
        assert_eq!(w.awaited(s.phase), None);
        assert!(!w.has_crossed(s.phase, 0.0));
    }

    #[test]
    fn a_symptom_below_its_level_keeps_the_lowest_value() {
        let w = watch("coma");
        assert!(w.is_in(7.0) && !w.is_in(8.0) && w.is_clear(10.5) && !w.is_clear(10.0));
        let mut s = SymptomState::default();
        s.crossed(&w, Crossed::Entered, 7.9);
        s.dwell_over(&w, 7.0);
        s.observe(&w, 3.0);
        s.observe(&w, 9.0);
        assert_eq!(s.severity, 3.0);
    }

    #[test]
    fn every_symptom_has_levels_with_hysteresis_and_a_signal_of_its_name() {
        for w in watches_with_drugs(&ParameterSet::default()) {
            let (on, off) = (w.levels.onset, w.levels.resolution);
            match w.symptom.direction {
                _ if w.symptom.lasting => assert_eq!(on, off),
                Direction::Above => assert!(off < on, "{}", w.symptom.name),
                Direction::Below => assert!(off > on, "{}", w.symptom.name),
            }
            let mut columns = Signals::COLUMNS.into_iter().chain(super::super::DrugSignals::COLUMNS);
            let sign = w.symptom.signal.strip_prefix("sign_");
            assert!(
                columns.any(|c| c == w.symptom.signal)
                    || sign.is_some_and(|s| crate::signals::Ailing::NAMES.contains(&s)),
                "{}",
                w.symptom.signal
            );
        }
    }
}
