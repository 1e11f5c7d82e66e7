//! `[teaching]`: what a class reads beside the run: goals, a text for each stage, questions.
//!
//! It is text only. No run depends on it, and every arm of the file has the same.

use serde::{Deserialize, Serialize};

use super::diagnostics::{Diagnostic, Place};
use super::document::{Data, Table};
use super::fields::{Context, Fields, Got, Reported};
use super::model::Moment;
use super::moment::Side;

/// Keys of `[teaching]`.
pub(super) const KEYS: &[&str] = &["number", "minutes", "goals", "introduction", "stage", "question"];
/// Keys of `[[teaching.stage]]`.
pub(super) const STAGE_KEYS: &[&str] = &["at", "title", "text"];
/// Keys of `[[teaching.question]]`.
pub(super) const QUESTION_KEYS: &[&str] = &["ask", "answer"];

/// Largest number a lesson of a course may have.
const LAST: i64 = 999;
/// Longest lesson \[min\].
const LONGEST: i64 = 600;
/// Stages or questions one lesson may have; more is no lesson but a slip.
pub(crate) const MOST: usize = 100;

/// What a class reads beside the run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Teaching {
    /// Place in its course, from 1.
    pub number: Option<u32>,
    /// How long it takes in class \[min\].
    pub minutes: Option<u32>,
    /// What students can do afterwards.
    pub goals: Vec<String>,
    /// To be read before the run.
    pub introduction: String,
    /// Texts along the run, in file order.
    pub stages: Vec<Stage>,
    /// To be asked at the end.
    pub questions: Vec<Question>,
}

/// A text that belongs to an instant of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// From when on it may be read.
    pub at: Moment,
    /// A few words.
    pub title: String,
    /// A paragraph.
    pub text: String,
}

/// A question to the class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub ask: String,
    /// What a teacher would like to hear.
    pub answer: String,
}

/// Reads `[teaching]`, if it is there.
pub(super) fn read(top: &Fields<'_, '_>) -> Got<Teaching> {
    let Some(entry) = top.entry("teaching") else {
        return Ok(None);
    };
    let Data::Table(table) = &entry.node.data else {
        return Err(top.wrong_type(entry, "a table", "{ goals = [\"...\"] }"));
    };
    let context = top.context;
    let fields = Fields::new(context, "[teaching]", table, entry.node.place, KEYS);
    let number = fields.whole("number", 1, LAST);
    let minutes = fields.whole("minutes", 1, LONGEST);
    let goals = fields.texts("goals", "[\"name the first signs\"]");
    let introduction = fields.text("introduction", "\"...\"");
    let stages = list(&fields, "stage", |t, p| stage(context, t, p));
    let questions = list(&fields, "question", |t, p| question(context, t, p));
    let whole = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
    Ok(Some(Teaching {
        number: whole(number?),
        minutes: whole(minutes?),
        goals: goals?
            .unwrap_or_default()
            .into_iter()
            .map(|(text, _)| text.to_owned())
            .collect(),
        introduction: introduction?.unwrap_or_default().trim().to_owned(),
        stages: stages?,
        questions: questions?,
    }))
}

fn stage(context: &Context<'_>, table: &Table, place: Place) -> Result<Stage, Reported> {
    let fields = Fields::new(context, "[[teaching.stage]]", table, place, STAGE_KEYS);
    let at = fields.need_moment("at", Side::Claim);
    let title = need(&fields, "title");
    let text = need(&fields, "text");
    Ok(Stage {
        at: at?,
        title: title?,
        text: text?,
    })
}

fn question(context: &Context<'_>, table: &Table, place: Place) -> Result<Question, Reported> {
    let fields = Fields::new(context, "[[teaching.question]]", table, place, QUESTION_KEYS);
    let ask = need(&fields, "ask");
    let answer = need(&fields, "answer");
    Ok(Question {
        ask: ask?,
        answer: answer?,
    })
}

/// A text that says something.
fn need(fields: &Fields<'_, '_>, key: &str) -> Result<String, Reported> {
    match fields.text(key, "\"...\"")? {
        Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => Err(fields.missing(key, "\"...\"")),
    }
}

/// Every `[[teaching.KEY]]`.
fn list<T>(
    fields: &Fields<'_, '_>,
    key: &str,
    mut read: impl FnMut(&Table, Place) -> Result<T, Reported>,
) -> Result<Vec<T>, Reported> {
    let Some(entry) = fields.entry(key) else {
        return Ok(Vec::new());
    };
    let not_blocks = |place: Place| {
        fields.report(
            Diagnostic::new(
                "wrong-type",
                format!("`{key}` must be written as [[teaching.{key}]] blocks"),
            )
            .at(place, "not a block")
            .help(format!("write [[teaching.{key}]], with two brackets on each side")),
        )
    };
    let Data::Array(nodes) = &entry.node.data else {
        return Err(not_blocks(entry.node.place));
    };
    if let Some(extra) = nodes.get(MOST) {
        return Err(fields.report(
            Diagnostic::new(
                "too-many-blocks",
                format!("{} blocks of [[teaching.{key}]]", nodes.len()),
            )
            .at(extra.place, format!("at most {MOST} are allowed")),
        ));
    }
    let mut out = Vec::new();
    let mut flawed = false;
    for node in nodes {
        match &node.data {
            Data::Table(table) => match read(table, node.place) {
                Ok(block) => out.push(block),
                Err(Reported) => flawed = true,
            },
            _ => {
                flawed = true;
                not_blocks(node.place);
            }
        }
    }
    if flawed { Err(Reported) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::super::load_str;
    use crate::scenario::model::Moment;
    use crate::simulation::Registry;

    fn load(teaching: &str) -> Result<super::super::model::Story, super::super::Diagnostics> {
        let text = format!(
            "title = \"x\"\nduration = \"3 d\"\n[pump]\nreservoir = {{ fill = \"18 mL\", concentration = \"2 mg/mL\" }}\n\
             [[programme]]\nat = \"0 d\"\nsimple_continuous = \"300 ug/day\"\n\
             [[fault]]\nid = \"stall\"\nkind = \"pump.stall\"\nat = \"1 d\"\n{teaching}"
        );
        load_str("x", &text, None, &Registry::builtin().catalog())
    }

    #[test]
    fn a_lesson_is_read_and_leaves_the_run_as_it_was() {
        let with = load(
            "[teaching]\nnumber = 2\nminutes = 45\ngoals = [\"a\", \"b\"]\nintroduction = \"\"\"\nRead this.\n\"\"\"\n\
             [[teaching.stage]]\nat = \"stall.start + 6 h\"\ntitle = \"first\"\ntext = \"look\"\n\
             [[teaching.question]]\nask = \"why?\"\nanswer = \"so\"\n",
        )
        .unwrap();
        let teaching = with.arms[0].scenario.teaching.as_ref().unwrap();
        assert_eq!((teaching.number, teaching.minutes), (Some(2), Some(45)));
        assert_eq!(teaching.goals, ["a", "b"]);
        assert_eq!(teaching.introduction, "Read this.");
        assert!(matches!(&teaching.stages[0].at, Moment::After { event, .. } if event == "fault.stall.start"));
        assert_eq!(teaching.questions[0].answer, "so");

        let registry = Registry::builtin();
        let run = |story: &super::super::model::Story| {
            crate::simulation::simulate(&story.arms[0].scenario, &registry, &Default::default())
                .unwrap()
                .fingerprint
        };
        assert_eq!(run(&with), run(&load("").unwrap()));
    }

    #[test]
    fn slips_in_a_lesson_are_told_with_their_place() {
        for (text, code) in [
            ("[teaching]\ngoal = [\"a\"]\n", "unknown-key"),
            ("[teaching]\ngoals = \"a\"\n", "wrong-type"),
            ("[teaching]\nnumber = 0\n", "out-of-range"),
            ("[teaching]\nstage = 3\n", "wrong-type"),
            ("[[teaching.stage]]\nat = \"1 d\"\ntitle = \"t\"\n", "missing-key"),
            (
                "[[teaching.stage]]\nat = \"9 d\"\ntitle = \"t\"\ntext = \"x\"\n",
                "after-end",
            ),
            (
                "[[teaching.stage]]\nat = \"leak.start\"\ntitle = \"t\"\ntext = \"x\"\n",
                "unknown-event",
            ),
            ("[[teaching.question]]\nask = \" \"\nanswer = \"x\"\n", "missing-key"),
        ] {
            let mistakes = load(text).unwrap_err();
            assert_eq!(mistakes.items().len(), 1, "{text}{mistakes}");
            assert_eq!(mistakes.items()[0].code(), code, "{text}{mistakes}");
            let line = mistakes.position(&mistakes.items()[0]).unwrap().0;
            assert!(line >= 12, "{mistakes}");
        }
    }
}
