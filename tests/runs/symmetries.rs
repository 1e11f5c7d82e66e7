//! What must not matter: when a story begins, in which units it is written, that more of a leak
//! could ever mean more drug. Properties over random stories.

use crate::run_common::{run, run_with, scenario, text};
use itbsim::response::Signals;
use itbsim::simulation::{RunOptions, RunResult};
use proptest::prelude::*;

/// A fault of the line or the pump that strikes a settled patient, and its end.
const FAULTS: [&str; 6] = [
    "kind = \"catheter.kink\"\nposition = \"40 cm\"\nbore = 0.01",
    "kind = \"catheter.leak\"\nposition = \"25 cm\"\nconductance = \"0.003 mL/h/kPa\"\ninto = \"subcutaneous\"",
    "kind = \"catheter.migration\"\nto = \"subdural\"",
    "kind = \"catheter.disconnection\"\nposition = \"54 cm\"\ninto = \"epidural\"",
    "kind = \"pump.stall\"",
    "kind = \"pump.over_infusion\"\ngain = 2.5",
];

/// The fault, a needle's bolus and a change of posture, all so much later.
fn story(fault: usize, later: u32, length: u32) -> String {
    let at = |hours: u32| hours + later;
    format!(
        "[[fault]]\nid = \"f\"\nat = \"{} h\"\nuntil = \"{} h\"\n{}\n\
         [[action]]\nid = \"needle\"\nat = \"{} h\"\nlumbar_bolus = {{ dose = \"40 ug\", level = \"L3\", over = \"1 min\" }}\n\
         [[action]]\nid = \"up\"\nat = \"{} h\"\nposture = \"upright\"\n",
        at(3),
        at(3 + length),
        FAULTS[fault],
        at(5 + length),
        at(9 + length)
    )
}

/// Excitation and what follows it.
const FOLLOWS: [&str; 5] = [
    "excitation",
    "dysreflexia",
    "systolic_mmhg",
    "muscle_damage",
    "organ_failure",
];

/// Columns that tell the state of the body, not how much has happened so far.
fn state_columns(run: &RunResult) -> Vec<usize> {
    let of_body =
        |name: &str| name.starts_with("csf_") || name == "plasma_ng_per_ml" || Signals::COLUMNS.contains(&name);
    let all = run.columns.iter().enumerate();
    all.filter(|(_, name)| of_body(name)).map(|(i, _)| i).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 18, failure_persistence: None, ..ProptestConfig::default() })]

    /// A settled patient has no clock: the same story later is the same course later.
    #[test]
    fn a_story_told_later_takes_the_same_course_later(
        fault in 0..FAULTS.len(),
        later in 1_u32..100,
        length in 1_u32..40,
    ) {
        let early = run(4.0, &story(fault, 0, length));
        let late = run(4.0 + f64::from(later) / 24.0, &story(fault, later, length));
        let columns = state_columns(&early);
        prop_assert!(columns.len() > 30);
        let size = |c: usize| early.rows.iter().map(|r| r[c].abs()).fold(0.0, f64::max);
        for row in &early.rows {
            let other = late.rows.iter().find(|r| (r[0] - row[0] - f64::from(later)).abs() < 1e-9).unwrap();
            for &c in &columns {
                // Slow states are integrated to 1e-6, by steps that differ; excitation to 1e-5, inside a step
                // in which a region begins to lack the drug, and here it reaches half.
                let bound = if FOLLOWS.contains(&early.columns[c].as_str()) { 4e-5 } else { 2e-6 };
                let close = (row[c] - other[c]).abs() <= bound * size(c).max(1e-3);
                prop_assert!(close, "{} at {} h: {} and {}", early.columns[c], row[0], row[c], other[c]);
            }
        }
        // Symptoms too, each with its end; what is there at the start belongs to no story.
        let of_story = |run: &RunResult, from: f64| run.symptoms.iter().filter(|s| s.onset_h > from).cloned().collect::<Vec<_>>();
        let (mine, its) = (of_story(&early, 3.0), of_story(&late, 3.0 + f64::from(later)));
        prop_assert_eq!(mine.len(), its.len());
        for (a, b) in mine.iter().zip(&its) {
            prop_assert_eq!(&a.symptom, &b.symptom);
            prop_assert!((b.onset_h - a.onset_h - f64::from(later)).abs() < 1e-3, "{}", a.symptom);
            prop_assert_eq!(a.resolved_h.is_some(), b.resolved_h.is_some());
        }
    }

    /// What is written in another unit of the same size is the same run, to the bit.
    #[test]
    fn the_unit_a_number_is_written_in_changes_no_bit(
        start in 1_u32..40,
        dose in 1_u32..9,
        volume in 2_u32..18,
        strength in 1_u32..3,
        centimetres in 5_u32..60,
    ) {
        let told = |hours: &dyn Fn(u32) -> String, dose: String, volume: String, strength: String, place: String| {
            let blocks = format!(
                "[[fault]]\nid = \"f\"\nat = \"{}\"\nkind = \"catheter.kink\"\nposition = \"{place}\"\nbore = 0.02\n\
                 [[action]]\nid = \"needle\"\nat = \"{}\"\nlumbar_bolus = {{ dose = \"{dose}\", level = \"L3\", over = \"1 min\" }}\n\
                 [[action]]\nid = \"refill\"\nat = \"{}\"\nrefill = {{ volume = \"{volume}\", concentration = \"{strength}\" }}\n",
                hours(start), hours(start + 2), hours(start + 5)
            );
            run_with(&scenario(&text(3.0, &blocks)), &RunOptions::default())
        };
        let usual = told(
            &|h| format!("{h} h"),
            format!("{} ug", 1000 * dose),
            format!("{volume} mL"),
            format!("{strength} mg/mL"),
            format!("{centimetres} cm"),
        );
        let other = told(
            &|h| format!("{} min", 60 * h),
            format!("{dose} mg"),
            format!("{} uL", 1000 * volume),
            format!("{} ug/mL", 1000 * strength),
            format!("{} mm", 10 * centimetres),
        );
        prop_assert_eq!(usual.fingerprint, other.fingerprint);
        let bits = |run: &RunResult| run.rows.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&usual), bits(&other));
    }

    /// More of a leak never brings more drug into the spinal fluid, whatever the patient does.
    #[test]
    fn a_larger_leak_never_means_more_drug_delivered(
        small in 1e-5_f64..0.02,
        factor in 1.0_f64..50.0,
        place in 5.0_f64..80.0,
        upright in any::<bool>(),
    ) {
        let leaking = |conductance: f64| {
            let posture = if upright { "[[action]]\nid = \"up\"\nat = \"20 h\"\nposture = \"upright\"\n" } else { "" };
            run(3.0, &format!(
                "[[fault]]\nid = \"f\"\nat = \"6 h\"\nkind = \"catheter.leak\"\nposition = \"{place} cm\"\n\
                 conductance = \"{conductance} mL/h/kPa\"\ninto = \"subcutaneous\"\n{posture}"
            ))
        };
        let (less, more) = (leaking(small), leaking(small * factor));
        for (a, b) in less.ledger.iter().zip(&more.ledger) {
            prop_assert!(b.delivered_ug <= a.delivered_ug * (1.0 + 1e-12), "at {} h", a.time_h);
            prop_assert!(b.leaked_ug >= a.leaked_ug * (1.0 - 1e-12), "at {} h", a.time_h);
        }
        prop_assert!(less.ledger.len() > 60);
    }
}
