//! An ordered list of tests with conditions, as a `[[care]]` block can hold it: its words,
//! and what makes a list impossible.
//!
//! A list is walked from the first step. A step whose condition is false is passed over.
//! After a step that was done, the next one is tried, or the one named by `then`. A step
//! back needs `times`, how often it may be taken, because a list that orders the same
//! test for ever is a mistake of its author and not a plan.

use serde::{Deserialize, Serialize};

/// Key under which a policy takes a list: a [`super::settings::Choice`] of this name without words.
pub const KEY: &str = "steps";

/// Keys of one step.
pub const STEP_KEYS: &[&str] = &["test", "if", "then", "times"];

/// Most steps of a list.
pub const MOST: usize = 60;

/// Names of the tests that can be ordered, in the order of the published work-up.
pub const TESTS: &[&str] = &[
    "history",
    "interrogation",
    "refill_check",
    "x_ray",
    "rotor_study",
    "port_aspiration",
    "dye_study",
    "scintigraphy",
    "port_pressure",
    "lumbar_bolus",
    "exploration",
    "wound_inspection",
    "blood_tests",
    "csf_sample",
    "mri_spine",
];

/// How a test can come out.
pub const OUTCOMES: [&str; 3] = ["normal", "abnormal", "not_done"];

/// Event kind of a result, such as `dye_study_normal`.
pub fn result_event(test: &str, outcome: &str) -> String {
    format!("{test}_{outcome}")
}

/// A condition of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Word after `if`.
    pub name: &'static str,
    /// Test that must have come before, or the condition is never true.
    pub needs: Option<&'static str>,
    /// Whether any test must have come before.
    pub after_any: bool,
    /// When it is true.
    pub meaning: &'static str,
}

const fn condition(name: &'static str, needs: Option<&'static str>, meaning: &'static str) -> Condition {
    Condition {
        name,
        needs,
        after_any: false,
        meaning,
    }
}

const fn after_any(name: &'static str, meaning: &'static str) -> Condition {
    Condition {
        name,
        needs: None,
        after_any: true,
        meaning,
    }
}

/// All conditions.
pub const CONDITIONS: &[Condition] = &[
    condition("alarm", None, "an alarm was heard, or the pump shows one"),
    condition("no_alarm", None, "no alarm is known"),
    condition("underdose", None, "the signs are those of too little drug"),
    condition("overdose", None, "the signs are those of too much drug"),
    condition("discrepancy", None, "a syringe disagreed with the pump's reckoning"),
    condition("no_discrepancy", None, "no syringe disagreed with the pump's reckoning"),
    condition("aspirated", Some("port_aspiration"), "fluid came from the access port"),
    condition("dry", Some("port_aspiration"), "nothing came from the access port"),
    condition("response", Some("lumbar_bolus"), "a bolus by needle helped"),
    condition("no_response", Some("lumbar_bolus"), "a bolus by needle did not help"),
    condition(
        "ill",
        None,
        "signs were told, found or seen that lack or excess of drug does not bring",
    ),
    condition("inflamed", Some("blood_tests"), "blood tests were abnormal"),
    condition(
        "deficit",
        None,
        "among those signs are pain or weakness of back and legs",
    ),
    after_any("abnormal", "the last test was abnormal"),
    after_any("normal", "the last test was normal or could not be done"),
    after_any("hint", "some test so far was abnormal without naming the fault"),
    after_any("no_hint", "no test so far was abnormal"),
];

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The test.
    pub test: String,
    /// Name of the condition under which it is done; `None` is always.
    pub when: Option<String>,
    /// Test at which the list goes on once this one has been done.
    pub then: Option<String>,
    /// How often the step back may be taken.
    pub times: u32,
}

impl Step {
    /// A step without a way back.
    pub fn plain(test: &str, when: Option<&str>) -> Self {
        Self {
            test: test.to_owned(),
            when: when.map(str::to_owned),
            then: None,
            times: 0,
        }
    }
}

/// Why a list cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// No such test.
    #[error("there is no test `{name}`")]
    UnknownTest {
        /// Place in the list, from 0.
        step: usize,
        /// The word.
        name: String,
    },
    /// No such condition.
    #[error("there is no condition `{name}`")]
    UnknownCondition {
        /// Place in the list, from 0.
        step: usize,
        /// The word.
        name: String,
    },
    /// A step that is never taken.
    #[error("this step can never be taken: {reason}")]
    Never {
        /// Place in the list, from 0.
        step: usize,
        /// Why.
        reason: String,
    },
    /// A way back without end.
    #[error("this orders `{test}` for ever")]
    Endless {
        /// Place in the list, from 0.
        step: usize,
        /// Test to which it goes back.
        test: String,
    },
}

impl StepError {
    /// Place in the list, from 0.
    pub fn step(&self) -> usize {
        match self {
            StepError::UnknownTest { step, .. }
            | StepError::UnknownCondition { step, .. }
            | StepError::Never { step, .. }
            | StepError::Endless { step, .. } => *step,
        }
    }

    /// What is wrong with the word, under which it stands in the step.
    pub fn key(&self) -> &'static str {
        match self {
            StepError::UnknownTest { .. } => "test",
            StepError::Endless { .. } => "then",
            StepError::UnknownCondition { .. } | StepError::Never { .. } => "if",
        }
    }
}

/// Place of the step at which a list goes on after a jump: the nearest later step of that
/// test, or else the first one.
pub fn target(steps: &[Step], from: usize, test: &str) -> Option<usize> {
    let later = (from + 1..steps.len()).find(|i| steps[*i].test == test);
    later.or_else(|| steps.iter().position(|s| s.test == test))
}

/// All that is wrong with a list.
pub fn check(steps: &[Step]) -> Vec<StepError> {
    let mut found = Vec::new();
    for (step, s) in steps.iter().enumerate() {
        if !TESTS.contains(&s.test.as_str()) {
            found.push(StepError::UnknownTest {
                step,
                name: s.test.clone(),
            });
        }
        if let Some(name) = &s.then
            && target(steps, step, name).is_none()
        {
            found.push(StepError::UnknownTest {
                step,
                name: name.clone(),
            });
        }
        let Some(when) = &s.when else { continue };
        if !CONDITIONS.iter().any(|c| c.name == when) {
            found.push(StepError::UnknownCondition {
                step,
                name: when.clone(),
            });
        }
    }
    if !found.is_empty() {
        return found;
    }
    // Steps back that are bounded make loops, but a first pass reaches what they reach.
    let mut reached = vec![false; steps.len()];
    let mut before: Vec<Vec<bool>> = vec![vec![false; steps.len()]; steps.len()];
    let mut open = if steps.is_empty() {
        Vec::new()
    } else {
        vec![(0, vec![false; steps.len()])]
    };
    let mut rounds = 0;
    while let Some((at, seen)) = open.pop() {
        rounds += 1;
        let fresh = seen.iter().zip(&before[at]).any(|(new, old)| *new && !*old);
        if (reached[at] && !fresh) || rounds > MOST * MOST * 4 {
            continue;
        }
        reached[at] = true;
        for (old, new) in before[at].iter_mut().zip(&seen) {
            *old |= *new;
        }
        let mut done = before[at].clone();
        done[at] = true;
        let s = &steps[at];
        if let Some(to) = s.then.as_ref().and_then(|name| target(steps, at, name)) {
            open.push((to, done.clone()));
        }
        // Passed over, or at the end of its `times`, or simply done.
        if (s.then.is_none() || s.when.is_some() || s.times > 0) && at + 1 < steps.len() {
            open.push((at + 1, done));
        }
    }
    for (step, s) in steps.iter().enumerate() {
        let never = |reason: String| StepError::Never { step, reason };
        if !reached[step] {
            found.push(never("a step before it always goes on elsewhere".to_owned()));
            continue;
        }
        let condition = s.when.as_deref().and_then(|w| CONDITIONS.iter().find(|c| c.name == w));
        if let Some(c) = condition {
            let came = |test: &str| steps.iter().zip(&before[step]).any(|(s, b)| *b && s.test == test);
            if let Some(needed) = c.needs
                && !came(needed)
            {
                found.push(never(format!("`{}` needs `{needed}` before it", c.name)));
            } else if c.after_any && !before[step].contains(&true) {
                found.push(never(format!("`{}` needs a test before it", c.name)));
            } else if s.test == "dye_study" && c.name == "dry" {
                found.push(never(
                    "contrast is never injected where nothing can be aspirated".to_owned(),
                ));
            }
        }
        if let Some(to) = s.then.as_ref().and_then(|name| target(steps, step, name))
            && to <= step
            && s.times == 0
        {
            found.push(StepError::Endless {
                step,
                test: steps[to].test.clone(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(test: &str, when: Option<&str>, then: &str, times: u32) -> Step {
        Step {
            then: Some(then.to_owned()),
            times,
            ..Step::plain(test, when)
        }
    }

    #[test]
    fn a_list_in_order_is_sound() {
        let steps = [
            Step::plain("interrogation", None),
            Step::plain("refill_check", Some("no_alarm")),
            Step::plain("port_aspiration", None),
            Step::plain("dye_study", Some("aspirated")),
            Step::plain("exploration", Some("hint")),
        ];
        assert_eq!(check(&steps), []);
        assert_eq!(check(&[]), []);
    }

    #[test]
    fn conditions_that_nothing_before_can_fulfil_are_found() {
        let steps = [
            Step::plain("dye_study", Some("aspirated")),
            Step::plain("port_aspiration", None),
            Step::plain("dye_study", Some("dry")),
        ];
        let found = check(&steps);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].step(), found[1].step()), (0, 2));
        assert!(matches!(
            check(&[Step::plain("x_ray", Some("normal"))])[..],
            [StepError::Never { .. }]
        ));
    }

    #[test]
    fn a_step_that_is_jumped_over_is_found() {
        let steps = [
            back("interrogation", None, "x_ray", 0),
            Step::plain("refill_check", None),
            Step::plain("x_ray", None),
        ];
        assert!(matches!(check(&steps)[..], [StepError::Never { step: 1, .. }]));
    }

    #[test]
    fn a_way_back_needs_an_end() {
        let endless = [
            Step::plain("interrogation", None),
            back("refill_check", Some("normal"), "interrogation", 0),
        ];
        assert!(matches!(check(&endless)[..], [StepError::Endless { step: 1, .. }]));
        let bounded = [
            Step::plain("interrogation", None),
            back("refill_check", Some("normal"), "interrogation", 3),
            Step::plain("x_ray", None),
        ];
        assert_eq!(check(&bounded), []);
        // A condition that a later step fulfils can fire on the way back.
        let later = [
            Step::plain("interrogation", None),
            Step::plain("dye_study", Some("aspirated")),
            back("port_aspiration", None, "dye_study", 1),
        ];
        assert_eq!(check(&later), []);
    }
}
