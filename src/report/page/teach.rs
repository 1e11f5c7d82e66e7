//! Decisions of a scenario: when they fall, what each choice led to, and the debrief.

use crate::care::signs;
use crate::report::column;
use crate::report::text::{moment, span};
use crate::scenario::model::{Moment, Story};
use crate::simulation::RunResult;

use super::build::Made;
use super::data::{ChoicePage, Debrief, DecisionPage, StagePage, TeachingPage};
use super::story::PageError;
use super::thin::time;
use super::{phases, words};

/// The decisions of a story that its first run reaches, by time; those it does not are named
/// in `notes`.
pub(super) fn decisions(story: &Story, runs: &[Made], notes: &mut Vec<String>) -> Result<Vec<DecisionPage>, PageError> {
    let Some(main) = runs.first() else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    for point in &story.decisions {
        let Some(at) = when(&main.result, &point.at) else {
            notes.push(format!("The decision `{}` is never reached in this run.", point.id));
            continue;
        };
        let mut choices = Vec::new();
        let mut best: Option<(f64, &str)> = None;
        let mut chosen = (0.0, "");
        for choice in &point.choices {
            let of = choice.run.as_deref().unwrap_or(&main.id);
            let Some(run) = runs.iter().find(|m| m.id == of) else {
                notes.push(format!(
                    "The choice \"{}\" of `{}` has no run on this page.",
                    choice.text, point.id
                ));
                continue;
            };
            if !same_past(&main.result, &run.result, at) {
                return Err(PageError::ChangedPast {
                    decision: point.id.clone(),
                    choice: choice.text.clone(),
                    at: moment(at),
                });
            }
            let burden = burden(&run.result, at);
            if best.is_none_or(|(least, _)| burden < least) {
                best = Some((burden, &choice.text));
            }
            if choice.chosen {
                chosen = (burden, &choice.text);
            }
            choices.push(ChoicePage {
                text: choice.text.clone(),
                reason: choice.reason.clone(),
                chosen: choice.chosen,
                run: run.id.clone(),
                followed: followed(&run.result, at),
            });
        }
        out.push(DecisionPage {
            id: point.id.clone(),
            t: time(at),
            question: point.question.clone(),
            reveal: point.reveal.clone(),
            choices,
            debrief: debrief(main, at, chosen, best),
        });
    }
    out.sort_by(|a, b| a.t.total_cmp(&b.t));
    Ok(out)
}

/// When a moment falls in a run \[h\]; `None` if it never comes.
fn when(run: &RunResult, moment: &Moment) -> Option<f64> {
    let at = match moment {
        Moment::At(at) => at.hours(),
        Moment::After { event, offset } => {
            let first = run.events.iter().find(|e| e.name() == *event)?;
            first.time_h + offset.hours()
        }
    };
    (at <= run.outcome.ended_h).then_some(at)
}

/// The texts for a class, with the instants of this run.
pub(super) fn texts(main: &Made) -> Option<TeachingPage> {
    let own = main.scenario.teaching.as_ref()?;
    let mut stages: Vec<StagePage> = own
        .stages
        .iter()
        .filter_map(|s| {
            Some(StagePage {
                t: time(when(&main.result, &s.at)?),
                title: s.title.clone(),
                text: s.text.clone(),
            })
        })
        .collect();
    stages.sort_by(|a, b| a.t.total_cmp(&b.t));
    Some(TeachingPage {
        number: own.number,
        minutes: own.minutes,
        goals: own.goals.clone(),
        introduction: own.introduction.trim().to_owned(),
        stages,
        questions: own
            .questions
            .iter()
            .map(|q| (q.ask.clone(), q.answer.clone()))
            .collect(),
    })
}

/// Times closer than this are one instant \[h\]: a moment after an event is a sum of doubles.
const INSTANT: f64 = 1e-9;

/// Whether two runs are the same before an instant.
fn same_past(a: &RunResult, b: &RunResult, at: f64) -> bool {
    let before = |r: &RunResult| -> Vec<(u64, String, String)> {
        r.events
            .iter()
            .take_while(|e| e.time_h < at - INSTANT)
            .map(|e| (e.time_h.to_bits(), e.name(), e.detail.clone()))
            .collect()
    };
    before(a) == before(b)
}

/// Hours with signs of withdrawal or overdose after an instant, each weighed by its grade.
fn burden(run: &RunResult, at: f64) -> f64 {
    let end = run.outcome.ended_h;
    let dead = if run.outcome.cause.is_some() { 1e6 } else { 0.0 };
    harm(run)
        .map(|(s, grade)| (s.resolved_h.unwrap_or(end).max(at) - s.onset_h.max(at)) * f64::from(grade))
        .fold(dead, |sum, h| sum + h)
}

fn harm(run: &RunResult) -> impl Iterator<Item = (&crate::simulation::SymptomRow, u8)> {
    let owed = |s: &&crate::simulation::SymptomRow| matches!(s.syndrome.as_str(), "withdrawal" | "overdose");
    run.symptoms.iter().filter(owed).map(|s| (s, signs::grade(&s.symptom)))
}

/// What came of it, in a sentence.
fn followed(run: &RunResult, at: f64) -> String {
    let end = run.outcome.ended_h;
    let later: Vec<_> = harm(run).filter(|(s, _)| s.resolved_h.unwrap_or(end) > at).collect();
    let mut text = match (
        later.iter().map(|(s, _)| s.onset_h).min_by(f64::total_cmp),
        later
            .iter()
            .max_by(|a, b| a.1.cmp(&b.1).then(b.0.onset_h.total_cmp(&a.0.onset_h))),
    ) {
        (Some(first), Some((worst, grade))) => {
            let last = later
                .iter()
                .map(|(s, _)| s.resolved_h.unwrap_or(end))
                .fold(at, f64::max);
            let begin = if first > at {
                format!("signs begin {} later", span(first - at))
            } else {
                "signs are there already".to_owned()
            };
            let over = if last < end {
                format!("all over {} after the decision", span(last - at))
            } else {
                "not over at the end".to_owned()
            };
            format!("{begin}; the worst is {} (grade {grade} of 5); {over}", worst.words)
        }
        _ => "no sign of withdrawal or overdose".to_owned(),
    };
    match &run.outcome.cause {
        Some(cause) => text.push_str(&format!("; the patient dies ({cause})")),
        None => text.push_str("; the patient lives"),
    }
    words::sentence(&text) + "."
}

fn debrief(main: &Made, at: f64, chosen: (f64, &str), best: Option<(f64, &str)>) -> Debrief {
    let run = &main.result;
    let value = |name: &str| {
        let series = main.data.table.series(name)?;
        let row = series.time_h.partition_point(|t| *t <= at).checked_sub(1)?;
        series.value.get(row).copied().filter(|v| v.is_finite())
    };
    let volume = |name: &str| value(name).map_or("?".to_owned(), |v| format!("{v:.1} mL"));
    let (truth, belief) = (volume(column::RESERVOIR), volume(column::BELIEVED_RESERVOIR));
    let bars = super::bars::bars(&main.scenario, run, &main.data);
    let active: Vec<&str> = bars
        .iter()
        .filter(|b| b.kind == super::BarKind::Fault && b.from <= at && b.to.is_none_or(|to| to > at))
        .map(|b| b.words.as_str())
        .collect();
    let phase = phases::phases(&main.scenario, run, &main.data)
        .into_iter()
        .find(|p| p.from <= at && at < p.to);
    let mut happened = match active.as_slice() {
        [] => "nothing was broken".to_owned(),
        some => some.join(", "),
    };
    if let Some(phase) = phase {
        happened.push_str(&format!("; phase: {:?}", phase.name).to_lowercase());
    }
    happened.push_str(&format!("; the reservoir held {truth}"));
    let mut seen: Vec<String> = Vec::new();
    for a in run
        .alarms
        .iter()
        .filter(|a| a.raised_h <= at && a.cleared_h.is_none_or(|c| c > at))
    {
        let heard = if a.heard_h.is_some_and(|h| h <= at) {
            "heard"
        } else {
            "not heard yet"
        };
        seen.push(format!("alarm {} ({heard})", words::plain(&a.alarm)));
    }
    let signs: Vec<&str> = harm(run)
        .filter(|(s, _)| s.onset_h <= at && s.resolved_h.is_none_or(|r| r > at))
        .map(|(s, _)| s.words.as_str())
        .collect();
    seen.push(match signs.as_slice() {
        [] => "no sign in the patient".to_owned(),
        some => format!("signs: {}", some.join(", ")),
    });
    seen.push(format!("the pump believes {belief}"));
    let gap = match best {
        Some((least, text)) if least < chosen.0 - 1.0 && text != chosen.1 => format!(
            "\"{text}\" would have spared {} % of the burden of signs (hours times grade).",
            (100.0 * (1.0 - least / chosen.0)).round()
        ),
        _ => "Of the choices offered, none would have led to fewer signs.".to_owned(),
    };
    Debrief {
        happened: words::sentence(&happened) + ".",
        seen: words::sentence(&seen.join("; ")) + ".",
        done: chosen.1.to_owned(),
        gap,
    }
}
