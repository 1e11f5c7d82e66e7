//! Defaults of the response room: effect, slow states, scales, vital signs, and
//! three thresholds per symptom.

use super::Grade::{Assumed, Derived, Published};
use super::{Parameter, entry as p};

/// The table of this room.
pub const TABLE: &[Parameter] = {
    const N: usize = GENERAL.len() + 3 * SYMPTOMS.len();
    const ALL: [Parameter; N] = {
        let mut all = [GENERAL[0]; N];
        let mut i = 0;
        while i < GENERAL.len() {
            all[i] = GENERAL[i];
            i += 1;
        }
        let mut s = 0;
        while s < SYMPTOMS.len() {
            let mut k = 0;
            while k < 3 {
                all[i] = SYMPTOMS[s][k];
                i += 1;
                k += 1;
            }
            s += 1;
        }
        all
    };
    &ALL
};

#[rustfmt::skip] // one parameter per entry reads as a table
const GENERAL: &[Parameter] = &[
    // -- effect ------------------------------------------------------------------------------------------------------
    p("response.effect.ec50", 0.135, "ug/mL", 0.02, 1.0, Derived,
      "fitted to Stokic 2005 (2.4 -> 1.5 -> 1.4 after 50 ug); no EC50 is published",
      "effect-site concentration of half effect in the cord, without tolerance"),
    p("response.effect.hill", 2.5, "1", 1.0, 6.0, Assumed,
      "steep enough for 25 ug to do little and 100 ug nearly all (Heetla 2016, Hoving 2007)", "steepness in the cord"),
    p("response.effect.brain_ec50", 0.06, "ug/mL", 0.01, 0.5, Assumed,
      "fitted to pocket fills (PM&R 2020) against oral 120 mg/day, which leaves a tolerant person awake",
      "effect-site concentration of half effect in the brainstem, without tolerance"),
    p("response.effect.brain_hill", 4.0, "1", 1.0, 8.0, Assumed, "no figure found", "steepness in the brainstem"),
    // -- tolerance and adaptation ------------------------------------------------------------------------------------
    p("response.tolerance.maximum", 1.0, "1", 0.0, 6.0, Derived,
      "Heetla 2009 (rise for 18 months to 350 ug/day), Penn & Kroin 1985 (100-150 -> 500 ug/day)",
      "EC50 grows by this factor under permanent full effect"),
    p("response.tolerance.onset_time", 4320.0, "h", 720.0, 17520.0, Derived,
      "plateau after 18 months is three time constants (Heetla 2009)", "time constant of growing tolerance"),
    p("response.tolerance.decay_time", 720.0, "h", 72.0, 4320.0, Assumed,
      "label: drug holiday of 2-4 weeks", "time constant of waning tolerance"),
    p("response.adaptation.time", 144.0, "h", 24.0, 720.0, Assumed,
      "withdrawal fades over one to two weeks in case reports", "time constant with which the body gets used to an effect"),
    // -- withdrawal --------------------------------------------------------------------------------------------------
    p("response.withdrawal.weight_legs", 0.5, "1", 0.0, 1.0, Assumed, "no figure found", "share of the legs in the index"),
    p("response.withdrawal.weight_trunk", 0.3, "1", 0.0, 1.0, Assumed, "no figure found", "share of the trunk in the index"),
    p("response.withdrawal.weight_arms", 0.15, "1", 0.0, 1.0, Assumed, "no figure found", "share of the arms in the index"),
    p("response.withdrawal.weight_brainstem", 0.05, "1", 0.0, 1.0, Assumed, "no figure found",
      "share of the brainstem in the index"),
    p("response.withdrawal.sensitivity", 1.2, "1", 0.2, 2.0, Assumed,
      "severe in 3-5 % (neurosurgery wiki), while 90-420 ug/day was mostly mild (Stetkarova 2015): varies between patients",
      "factor on the index"),
    p("response.withdrawal.excitation_time", 12.0, "h", 3.0, 48.0, Assumed,
      "hallucinations and seizures follow the first signs by about a day (case reports)",
      "time constant with which excitation follows the index"),
    p("response.withdrawal.muscle_threshold", 0.45, "1", 0.2, 0.9, Assumed, "no figure found",
      "excitation above which muscle is damaged"),
    p("response.withdrawal.muscle_rate", 0.25, "1/h", 0.02, 2.0, Assumed, "rhabdomyolysis within 24-72 h (case reports)",
      "damage per hour and unit of excitation above the threshold"),
    p("response.withdrawal.muscle_heat", 0.5, "1/degC", 0.0, 2.0, Assumed, "no figure found",
      "acceleration of the damage per degree of fever"),
    p("response.withdrawal.muscle_heat_from", 38.5, "degC", 37.0, 41.0, Assumed, "no figure found",
      "temperature above which heat adds to the damage"),
    p("response.withdrawal.muscle_recovery", 48.0, "h", 12.0, 240.0, Assumed, "no figure found",
      "time constant of recovery of muscle"),
    p("response.withdrawal.organ_threshold", 0.3, "1", 0.1, 0.9, Assumed, "no figure found",
      "muscle damage above which organs fail"),
    p("response.withdrawal.organ_rate", 0.05, "1/h", 0.005, 0.5, Assumed, "organ failure and death over 24-72 h or more (case reports)",
      "organ failure per hour and unit of damage above the threshold"),
    p("response.withdrawal.organ_recovery", 96.0, "h", 24.0, 480.0, Assumed, "organ failure resolved over 10 days (SWJPCC 2012)",
      "time constant of recovery of organs"),
    // -- scales ------------------------------------------------------------------------------------------------------
    p("response.scale.ashworth_emax", 0.95, "1", 0.4, 1.0, Derived, "Penn 1989 (4.0 -> 1.2 on 1-5)",
      "share of the Ashworth score that full effect removes"),
    p("response.scale.ashworth_rebound", 1.0, "1", 0.0, 3.0, Assumed, "rebound above baseline is reported, not measured",
      "Ashworth points added at full withdrawal"),
    p("response.scale.spasm_exponent", 1.35, "1", 0.5, 4.0, Derived, "Penn 1989 (3.3 -> 0.4), Coffey 1993 (3.1 -> 1.0)",
      "spasm score falls as (1 - effect) to this power"),
    p("response.scale.spasm_rebound", 1.5, "1", 0.0, 4.0, Assumed, "rebound above baseline is reported, not measured",
      "spasm points added at full withdrawal"),
    p("response.scale.reflex_baseline", 62.0, "%", 10.0, 100.0, Published, "Stokic 2005", "H/M ratio without drug"),
    p("response.scale.reflex_exponent", 2.5, "1", 0.5, 6.0, Derived, "Stokic 2005 (62 -> 14 % at 5 h)",
      "H/M ratio falls as (1 - effect) to this power"),
    // -- vital signs -------------------------------------------------------------------------------------------------
    p("response.vital.temperature", 37.0, "degC", 36.0, 37.8, Assumed, "textbook", "body temperature at rest"),
    p("response.vital.fever_rise", 4.2, "degC", 1.0, 6.0, Derived, "40 degC after catheter failure (Alden 2002)",
      "rise at full withdrawal"),
    p("response.vital.fever_from", 0.2, "1", 0.0, 0.6, Assumed, "no figure found", "withdrawal at which fever begins"),
    p("response.vital.fever_full", 0.8, "1", 0.5, 1.0, Assumed, "no figure found", "withdrawal at which fever is full"),
    p("response.vital.chill", 2.5, "degC", 0.0, 5.0, Assumed, "hypothermia in overdose (labels), no figure",
      "fall at full depression of the brainstem"),
    p("response.vital.heat_time", 10.0, "h", 1.0, 24.0, Assumed, "fever at about a day (case reports)",
      "time constant of body temperature"),
    p("response.vital.heart_rate", 75.0, "1/min", 50.0, 100.0, Assumed, "textbook", "heart rate at rest"),
    p("response.vital.heart_rise", 70.0, "1/min", 10.0, 120.0, Derived, "120-140 in withdrawal (Meythaler 2003)",
      "rise at full withdrawal"),
    p("response.vital.heart_fall", 35.0, "1/min", 0.0, 50.0, Assumed, "bradycardia in overdose (labels), no figure",
      "fall at full depression"),
    p("response.vital.systolic", 120.0, "mmHg", 90.0, 150.0, Assumed, "textbook", "systolic pressure at rest"),
    p("response.vital.systolic_rise", 50.0, "mmHg", 0.0, 120.0, Assumed, "no figure found", "rise at full withdrawal"),
    p("response.vital.dysreflexia_rise", 60.0, "mmHg", 0.0, 150.0, Assumed, "textbook, recalled",
      "further rise at full excitation with an injury at T6 or above"),
    p("response.vital.systolic_fall", 45.0, "mmHg", 0.0, 80.0, Assumed, "hypotension in overdose (labels), no figure",
      "fall at full depression"),
    p("response.vital.breathing", 14.0, "1/min", 8.0, 24.0, Assumed, "textbook", "respiratory rate at rest"),
    p("response.vital.breathing_rise", 10.0, "1/min", 0.0, 30.0, Assumed, "no figure found", "rise at full withdrawal"),
    p("response.vital.breathing_from", 0.6, "1", 0.2, 0.9, Assumed, "no figure found",
      "depression of the brainstem at which breathing begins to slow"),
    p("response.vital.breathing_none", 0.97, "1", 0.8, 1.0, Assumed, "no figure found",
      "depression at which breathing stops"),
    p("response.vital.coma_from", 0.35, "1", 0.05, 0.8, Assumed, "no figure found", "depression at which the GCS begins to fall"),
    p("response.vital.coma_full", 0.85, "1", 0.5, 1.0, Assumed, "no figure found", "depression at which the GCS is 3"),
    p("response.vital.breathing_enough", 5.0, "1/min", 2.0, 10.0, Assumed, "textbook, recalled",
      "respiratory rate below which oxygen runs short"),
    p("response.vital.hypoxia_time", 0.4, "h", 0.1, 2.0, Assumed, "death within tens of minutes of apnoea",
      "time to death without any breath"),
    p("response.vital.hypoxia_recovery", 1.0, "h", 0.1, 12.0, Assumed, "no figure found", "time constant of recovery from hypoxia"),
    p("response.vital.saturation", 97.0, "%", 90.0, 100.0, Assumed, "textbook", "oxygen saturation at rest"),
    p("response.vital.saturation_fall", 70.0, "%", 20.0, 97.0, Assumed, "textbook, recalled", "fall at lethal hypoxia"),
    // -- rescue drugs ------------------------------------------------------------------------------------------------
    p("response.rescue.benzodiazepine_half", 15.0, "mg", 2.0, 80.0, Assumed, "5-10 mg every 6-12 h used (Meythaler 2003)",
      "effective amount of half effect"),
    p("response.rescue.benzodiazepine_relief", 0.5, "1", 0.0, 0.9, Assumed, "no figure found",
      "share of withdrawal removed at full effect"),
    p("response.rescue.benzodiazepine_sedation", 0.25, "1", 0.0, 0.8, Assumed, "no figure found",
      "depression of the brainstem added at full effect"),
    p("response.rescue.cyproheptadine_half", 8.0, "mg", 1.0, 40.0, Assumed, "4-8 mg every 6-8 h used (Meythaler 2003)",
      "effective amount of half effect"),
    p("response.rescue.cyproheptadine_relief", 0.8, "1", 0.0, 1.0, Derived,
      "fever fell by 1.5 degC or more and heart rate below 100 (Meythaler 2003)",
      "share of fever, itch and fast heart removed at full effect"),
];

/// Onset, resolution and dwell of a symptom.
macro_rules! symptom {
    ($name:literal, $unit:literal, $onset:literal, $resolution:literal, $dwell:literal, $low:literal, $high:literal, $grade:expr, $source:literal) => {
        [
            p(
                concat!("response.symptom.", $name, ".onset"),
                $onset,
                $unit,
                $low,
                $high,
                $grade,
                $source,
                "level of its signal at which it appears",
            ),
            p(
                concat!("response.symptom.", $name, ".resolution"),
                $resolution,
                $unit,
                $low,
                $high,
                $grade,
                $source,
                "level of its signal at which it resolves",
            ),
            p(
                concat!("response.symptom.", $name, ".dwell"),
                $dwell,
                "h",
                0.0,
                48.0,
                Assumed,
                $source,
                "how long a level must be passed before it counts",
            ),
        ]
    };
}

#[rustfmt::skip]
const SYMPTOMS: &[[Parameter; 3]] = &[
    symptom!("spasms_increased", "1", 0.22, 0.12, 1.0, 0.01, 1.0, Assumed, "first sign in the labels; level chosen for 6-12 h"),
    symptom!("itch", "1", 0.26, 0.15, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("paraesthesia", "1", 0.30, 0.18, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("anxiety", "1", 0.34, 0.20, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("insomnia", "1", 0.38, 0.22, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("sweating", "1", 0.42, 0.25, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("tachycardia", "1/min", 110.0, 100.0, 0.5, 80.0, 160.0, Published, "120-140 in withdrawal (Meythaler 2003)"),
    symptom!("hypertension", "mmHg", 146.0, 140.0, 0.5, 120.0, 220.0, Assumed, "textbook"),
    symptom!("fever", "degC", 38.0, 37.6, 1.0, 37.2, 41.0, Assumed, "textbook"),
    symptom!("hallucinations", "1", 0.40, 0.28, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("seizures", "1", 0.44, 0.32, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("autonomic_dysreflexia", "1", 0.35, 0.25, 0.5, 0.01, 1.0, Assumed, "label: injury at or above T6"),
    symptom!("rigidity", "1", 0.47, 0.34, 1.0, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("hyperthermia", "degC", 39.8, 39.0, 1.0, 38.5, 42.0, Published, "up to 40 degC (Alden 2002)"),
    symptom!("rhabdomyolysis", "1", 0.40, 0.15, 1.0, 0.01, 1.0, Assumed, "24-72 h (case reports)"),
    symptom!("organ_failure", "1", 0.20, 0.08, 1.0, 0.01, 2.0, Assumed, "24-72 h (case reports)"),
    symptom!("death_in_withdrawal", "1", 0.65, 0.65, 0.0, 0.1, 5.0, Assumed, "6 of 27 reported cases (label); never within hours"),
    symptom!("drowsiness", "1", 0.25, 0.15, 0.25, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("somnolence", "1", 0.42, 0.30, 0.25, 0.01, 1.0, Assumed, "order as in the labels"),
    symptom!("hypotonia_legs", "1", 0.93, 0.90, 0.5, 0.5, 1.0, Assumed, "order as in the labels"),
    symptom!("hypotonia_trunk", "1", 0.96, 0.93, 0.5, 0.5, 1.0, Assumed, "order as in the labels: moves rostrally"),
    symptom!("hypotonia_arms", "1", 0.96, 0.93, 0.5, 0.5, 1.0, Assumed, "order as in the labels: moves rostrally"),
    symptom!("hypothermia", "degC", 36.0, 36.4, 0.5, 30.0, 36.8, Assumed, "textbook"),
    symptom!("hypotension", "mmHg", 95.0, 100.0, 0.25, 50.0, 115.0, Assumed, "textbook"),
    symptom!("bradycardia", "1/min", 55.0, 60.0, 0.25, 30.0, 70.0, Assumed, "textbook"),
    symptom!("respiratory_depression", "1/min", 10.0, 11.0, 0.1, 2.0, 13.0, Assumed, "textbook"),
    symptom!("coma", "1", 8.0, 10.0, 0.1, 3.0, 14.0, Assumed, "textbook: GCS of 8 or less"),
    symptom!("apnoea", "1/min", 2.0, 4.0, 0.02, 0.5, 6.0, Assumed, "textbook"),
    symptom!("death_in_overdose", "1", 1.0, 1.0, 0.0, 0.5, 1.0, Assumed, "definition of lethal hypoxia"),
    symptom!("relief", "1", 0.30, 0.20, 0.25, 0.05, 0.9, Assumed, "about one Ashworth point at baseline 3"),
    symptom!("drug_withdrawal", "1", 0.25, 0.15, 1.0, 0.01, 1.0, Assumed, "no figure found; a quarter of the full lack"),
    symptom!("hypertensive_crisis", "mmHg", 180.0, 160.0, 0.25, 150.0, 260.0, Published, "180 mmHg: ACC/AHA guideline 2017"),
    symptom!("analgesia", "1", 0.50, 0.40, 0.5, 0.05, 1.0, Published, "half the pain gone: IMMPACT (Dworkin 2008), substantial improvement"),
];
