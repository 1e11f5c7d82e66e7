//! The texts of a lesson with the times of a run.

use crate::scenario::model::{Moment, Scenario};
use crate::simulation::RunResult;

use super::data::{LessonPage, StagePage};
use super::thin::time;

/// What is the same for every run of a story; `None` without texts.
pub(super) fn lesson(scenario: &Scenario) -> Option<LessonPage> {
    let teaching = scenario.teaching.as_ref()?;
    Some(LessonPage {
        number: teaching.number,
        minutes: teaching.minutes,
        goals: teaching.goals.clone(),
        introduction: teaching.introduction.clone(),
        questions: teaching.questions.clone(),
    })
}

/// The stages that a run reaches, by time.
pub(super) fn stages(scenario: &Scenario, run: &RunResult) -> Vec<StagePage> {
    let at = |moment: &Moment| match moment {
        Moment::At(at) => Some(at.hours()),
        Moment::After { event, offset } => {
            let first = run.events.iter().find(|e| e.name() == *event)?;
            Some(first.time_h + offset.hours())
        }
    };
    let all = scenario.teaching.iter().flat_map(|t| &t.stages);
    let mut out: Vec<StagePage> = all
        .filter_map(|stage| {
            let t = at(&stage.at).filter(|t| *t <= run.outcome.ended_h)?;
            Some(StagePage {
                t: time(t),
                title: stage.title.clone(),
                text: stage.text.clone(),
            })
        })
        .collect();
    out.sort_by(|a, b| a.t.total_cmp(&b.t));
    out
}
