//! What symptoms mean to those who see them.

use crate::response::{SYMPTOMS, Syndrome};

/// Symptoms that nobody waits with.
const DANGEROUS: &[&str] = &[
    "autonomic_dysreflexia",
    "hallucinations",
    "seizures",
    "rigidity",
    "hyperthermia",
    "rhabdomyolysis",
    "organ_failure",
    "somnolence",
    "respiratory_depression",
    "coma",
    "apnoea",
    "new_weakness",
    "stiff_neck",
    "clouded",
];

/// Symptoms in which nobody can call for help.
const HELPLESS: &[&str] = &[
    "hallucinations",
    "seizures",
    "somnolence",
    "respiratory_depression",
    "coma",
    "apnoea",
    "clouded",
];

/// Symptoms that a monitor at the bed, and whoever sits beside it, cannot miss.
const MONITORED: &[&str] = &[
    "tachycardia",
    "hypertension",
    "fever",
    "autonomic_dysreflexia",
    "seizures",
    "hyperthermia",
    "hypotension",
    "bradycardia",
    "respiratory_depression",
    "coma",
    "apnoea",
];

/// Grades of severity, from 1; 0 is nothing, 5 death.
const GRADES: [(&[&str], u8); 4] = [
    (
        &[
            "tachycardia",
            "hypertension",
            "fever",
            "autonomic_dysreflexia",
            "somnolence",
            "hypotension",
            "bradycardia",
            "new_weakness",
        ],
        2,
    ),
    (
        &[
            "hallucinations",
            "seizures",
            "rigidity",
            "hyperthermia",
            "respiratory_depression",
            "clouded",
        ],
        3,
    ),
    (&["rhabdomyolysis", "organ_failure", "coma", "apnoea"], 4),
    (&["death_in_withdrawal", "death_in_overdose", "death_by_infection"], 5),
];

/// Whether a symptom sends people to the emergency room.
pub fn dangerous(name: &str) -> bool {
    DANGEROUS.contains(&name)
}

/// Whether somebody else must notice it.
pub fn helpless(name: &str) -> bool {
    HELPLESS.contains(&name)
}

/// Whether a monitor at the bed shows it: pulse, pressure, warmth, breathing, consciousness.
pub fn on_monitor(name: &str) -> bool {
    MONITORED.contains(&name)
}

/// What a symptom is a sign of; `None` for the wanted effect and for unknown names.
pub fn syndrome(name: &str) -> Option<Syndrome> {
    let found = SYMPTOMS.iter().find(|s| s.name == name)?.syndrome;
    (found != Syndrome::Therapy).then_some(found)
}

/// Whether a symptom is damage that is left behind, and no sign that can be treated away.
pub fn is_damage(name: &str) -> bool {
    matches!(name, "rhabdomyolysis" | "organ_failure")
}

/// How many of these symptoms are signs of a syndrome.
pub fn count(names: &[String], of: Syndrome) -> usize {
    let sign = |n: &&String| syndrome(n) == Some(of) && !is_damage(n);
    names.iter().filter(|n| sign(n)).count()
}

/// Grade of one symptom \[0-5\]: 1 is troublesome, 2 the circulation takes part, 3 severe,
/// 4 life at risk, 5 death.
pub fn grade(name: &str) -> u8 {
    let listed = GRADES.iter().find(|(names, _)| names.contains(&name)).map(|(_, g)| *g);
    listed.unwrap_or(u8::from(syndrome(name).is_some()))
}

/// Highest grade among the signs of a syndrome, damage left out \[0-5\].
pub fn worst(names: &[String], of: Syndrome) -> u8 {
    let own = names.iter().filter(|n| syndrome(n) == Some(of) && !is_damage(n));
    own.map(|n| grade(n)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_is_a_symptom() {
        let listed = GRADES
            .iter()
            .flat_map(|(names, _)| names.iter())
            .chain(DANGEROUS)
            .chain(HELPLESS)
            .chain(MONITORED);
        for name in listed {
            assert!(SYMPTOMS.iter().any(|s| s.name == *name), "{name}");
        }
    }

    #[test]
    fn grades_follow_the_published_order() {
        assert_eq!(grade("spasms_increased"), 1);
        assert_eq!(grade("relief"), 0);
        assert_eq!(grade("seizures"), 3);
        let seen = ["itch", "coma"].map(str::to_owned);
        assert_eq!(worst(&seen, Syndrome::Withdrawal), 1);
        assert_eq!(worst(&seen, Syndrome::Overdose), 4);
    }
}
