//! The runs behind a page: arms, runs without a suspected cause, branches of decisions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::care::signs;
use crate::report::from_run::{Identity, run_data};
use crate::report::text::{moment, span};
use crate::scenario::model::{Arm, Story};
use crate::simulation::{self, EventRow, Registry, RunError, RunOptions, RunResult, why};

use super::build::{Made, PageOptions, assemble};
use super::data::{ButForPage, Explanation, Link, PageData, Role};
use super::{html, teach, words};

/// Arms that a page shows; the rest are named in a note.
const MOST_ARMS: usize = 6;
/// Arms for which reasons are looked for.
const EXPLAINED_ARMS: usize = 3;
/// Suspects of one event whose absence is tried.
const SUSPECTS: usize = 4;
/// Ghosts kept for one arm: runs without something, to be drawn.
const GHOSTS: usize = 2;
/// Bytes left for data below the limit of a page: the rest is its style and script.
const DATA_LIMIT: usize = super::SIZE_LIMIT - 250_000;

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// A run failed.
    #[error("{label}: {source}")]
    Run {
        /// Which run of the page.
        label: String,
        /// What failed.
        source: Box<RunError>,
    },
    /// A choice reaches back before its decision, so that it would be no choice.
    #[error("the choice \"{choice}\" of decision `{decision}` changes what happened before it ({at})")]
    ChangedPast {
        /// Id of the decision.
        decision: String,
        /// Text of the choice.
        choice: String,
        /// When the decision falls, in words.
        at: String,
    },
    /// The page would be too large even at its coarsest.
    #[error("the page would have {bytes} bytes, above the limit of {limit}")]
    TooLarge {
        /// Bytes of the data.
        bytes: usize,
        /// Most that are accepted.
        limit: usize,
    },
}

/// Runs a story as a page needs it and gathers the page.
///
/// # Errors
/// [`PageError`] if a run fails, a choice changes the past, or the page would be too large.
pub fn page_of_story(story: &Story, registry: &Registry, options: &PageOptions) -> Result<PageData, PageError> {
    let shown = &story.arms[..story.arms.len().min(MOST_ARMS)];
    let arms: Vec<Made> = shown
        .par_iter()
        .map(|arm| {
            let (id, label) = match arm.id.as_str() {
                "" => ("run".to_owned(), "as told".to_owned()),
                name => (name.to_owned(), words::plain(name)),
            };
            make(story, arm, registry, options, &[], (id.clone(), label, Role::Arm, id))
        })
        .collect::<Result<_, _>>()?;
    let mut runs = arms;
    let mut reasons = Vec::new();
    if options.but_for {
        let found: Vec<(Vec<Explanation>, Vec<Made>)> = runs
            .par_iter()
            .zip(shown)
            .take(EXPLAINED_ARMS)
            .map(|(made, arm)| explain(story, arm, made, registry, options))
            .collect::<Result<_, _>>()?;
        for (why, ghosts) in found {
            reasons.extend(why);
            runs.extend(ghosts);
        }
    }
    let mut decisions = Vec::new();
    let mut notes = Vec::new();
    if options.decisions && !story.decisions.is_empty() {
        let branches: Vec<Made> = story
            .branches
            .par_iter()
            .map(|arm| {
                let of = runs.first().map_or_else(String::new, |m| m.id.clone());
                let mut choices = story.decisions.iter().flat_map(|d| &d.choices);
                let choice = choices.find(|c| c.run.as_deref() == Some(arm.id.as_str()));
                let label = choice.map_or_else(|| words::plain(&arm.id), |c| format!("choice: {}", c.text));
                let names = (arm.id.clone(), label, Role::Branch, of);
                make(story, arm, registry, options, &[], names)
            })
            .collect::<Result<_, _>>()?;
        runs.extend(branches);
        decisions = teach::decisions(story, &runs, &mut notes)?;
    }
    if story.arms.len() > shown.len() {
        let rest: Vec<&str> = story.arms[shown.len()..].iter().map(|a| a.id.as_str()).collect();
        notes.push(format!(
            "Only {MOST_ARMS} of {} arms are shown; not {}.",
            story.arms.len(),
            rest.join(", ")
        ));
    }
    let mut buckets = options.buckets.max(1);
    loop {
        let mut page = assemble(story, &runs, buckets);
        page.why.clone_from(&reasons);
        page.decisions.clone_from(&decisions);
        page.teaching = runs.first().and_then(teach::texts);
        page.notes.extend(notes.iter().cloned());
        if buckets < options.buckets {
            page.notes.push(format!(
                "Charts keep the extremes of {buckets} stretches of time instead of {}, to keep the page small.",
                options.buckets
            ));
        }
        super::micro::in_page(&mut page);
        let bytes = html::json(&page).len();
        if bytes <= DATA_LIMIT {
            return Ok(page);
        }
        if buckets <= 8 {
            return Err(PageError::TooLarge {
                bytes,
                limit: DATA_LIMIT,
            });
        }
        buckets = buckets * 2 / 3;
    }
}

/// Runs one arm, with some elements left out.
fn make(
    story: &Story,
    arm: &Arm,
    registry: &Registry,
    options: &PageOptions,
    without: &[String],
    (id, label, role, of): (String, String, Role, String),
) -> Result<Made<'static>, PageError> {
    let run = RunOptions {
        seed: options.seed,
        keep_jumps: true,
        without: without.to_vec(),
        ..RunOptions::default()
    };
    let result = simulation::simulate(&arm.scenario, registry, &run).map_err(|source| PageError::Run {
        label: label.clone(),
        source: Box::new(source),
    })?;
    let identity = Identity {
        arm: &arm.id,
        seed: options.seed.unwrap_or(arm.scenario.seed),
        replicate: simulation::replicate_of(&arm.scenario, &run),
    };
    Ok(Made {
        data: run_data(story, &arm.scenario, identity, &result),
        scenario: Cow::Owned(arm.scenario.clone()),
        id,
        label,
        role,
        of,
        result: Cow::Owned(result),
    })
}

/// The events worth a reason: death, the worst sign, the first sign.
fn targets(run: &RunResult) -> Vec<String> {
    let signs: Vec<(u8, f64, &str)> = run
        .symptoms
        .iter()
        .filter(|s| matches!(s.syndrome.as_str(), "withdrawal" | "overdose") && !s.symptom.starts_with("death_"))
        .map(|s| (signs::grade(&s.symptom), s.onset_h, s.symptom.as_str()))
        .collect();
    let first = signs.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    // The earliest of the worst.
    let worst = signs.iter().min_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
    let mut names: Vec<String> = Vec::new();
    if run.events.iter().any(|e| e.name() == "patient.death") {
        names.push("patient.death".to_owned());
    }
    for (_, _, symptom) in worst.into_iter().chain(first) {
        let name = format!("symptom.{symptom}.onset");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What may have led to an event: elements of its chain, then whatever else went wrong before.
fn suspects(made: &Made, chain: &[EventRow], at: f64) -> Vec<String> {
    let mut found: Vec<String> = why::removable(chain)
        .into_iter()
        // What a policy ordered is an answer to the course, not where it came from.
        .filter(|(kind, id)| *kind != "action" || !id.contains('.'))
        .map(|(kind, id)| format!("{kind}.{id}"))
        .collect();
    for e in made.result.events.iter().take_while(|e| e.time_h <= at) {
        let (room, id) = e.component.split_once('.').unwrap_or((e.component.as_str(), ""));
        let wrong = match (room, e.kind.as_str()) {
            ("fault", "start") => true,
            ("action", "done") => words::missed(&made.scenario, id),
            ("programme", "start") => {
                let slip = |p: &crate::scenario::model::ProgrammeStep| p.id == id && p.prescribed.is_some();
                made.scenario.programme.iter().any(slip) && e.time_h > 0.0
            }
            _ => false,
        };
        if wrong && !found.contains(&e.component) {
            found.push(e.component.clone());
        }
    }
    found.truncate(SUSPECTS);
    found
}

/// Reasons for what happened in one arm, and the runs that show them.
fn explain(
    story: &Story,
    arm: &Arm,
    made: &Made,
    registry: &Registry,
    options: &PageOptions,
) -> Result<(Vec<Explanation>, Vec<Made<'static>>), PageError> {
    let mut tried: BTreeMap<Vec<String>, Made> = BTreeMap::new();
    let mut reasons = Vec::new();
    let mut wanted: Vec<Vec<String>> = Vec::new();
    for event in targets(&made.result) {
        let Some(chain) = why::chain(&made.result, &event) else {
            continue;
        };
        let Some(last) = chain.last() else { continue };
        let all = suspects(made, &chain, last.time_h);
        let mut lack = |left_out: &[String]| -> Result<ButForPage, PageError> {
            let key = left_out.to_vec();
            if !tried.contains_key(&key) {
                let label = match story.arms.len() {
                    1 => said(made, left_out),
                    _ => format!("{}, {}", made.label, said(made, left_out)),
                };
                let id = format!("{}~{}", made.id, left_out.join("+"));
                let names = (id, label, Role::ButFor, made.id.clone());
                tried.insert(key.clone(), make(story, arm, registry, options, left_out, names)?);
            }
            let other = &tried[&key];
            Ok(without(made, &event, left_out, other))
        };
        let singles: Vec<(Vec<String>, ButForPage)> = all
            .iter()
            .map(|s| {
                let key = vec![s.clone()];
                lack(&key).map(|b| (key, b))
            })
            .collect::<Result<_, _>>()?;
        let causes: Vec<&(Vec<String>, ButForPage)> = singles.iter().filter(|(_, b)| b.event_h.is_none()).collect();
        let mut but_for: Vec<ButForPage> = singles.iter().map(|(_, b)| b.clone()).collect();
        let mut pair: Option<(Vec<String>, ButForPage)> = None;
        if causes.is_empty() {
            'pairs: for (i, a) in all.iter().enumerate() {
                for b in &all[i + 1..] {
                    let key = vec![a.clone(), b.clone()];
                    let found = lack(&key)?;
                    if found.event_h.is_none() {
                        pair = Some((key, found));
                        break 'pairs;
                    }
                }
            }
        }
        let (verdict, sentence) = match (&causes[..], &pair, &singles[..]) {
            ([], None, []) => (
                "therapy",
                "No fault or act of the scenario stands at the root; this is the therapy itself.".to_owned(),
            ),
            ([], Some((key, found)), _) => {
                but_for.insert(0, found.clone());
                (
                    "either suffices",
                    format!(
                        "Either suffices: {} it still happens, and {} it still happens; only without both does it not.",
                        said(made, &key[..1]),
                        said(made, &key[1..])
                    ),
                )
            }
            ([], None, _) => {
                let still: Vec<String> = singles.iter().map(|(_, b)| b.words.clone()).collect();
                (
                    "mechanism",
                    format!("Mechanism, not shown to be the cause: {}", still.join(" ")),
                )
            }
            ([one], _, _) => (
                "cause",
                format!(
                    "Cause: {} (same patient, same luck) it does not happen; that run ends {}.",
                    said(made, &one.0),
                    one.1.outcome
                ),
            ),
            (many, _, _) => {
                let each: Vec<String> = many.iter().map(|c| said(made, &c.0)).collect();
                (
                    "cause",
                    format!(
                        "Cause: each of these was needed (same patient, same luck); it does not happen {}.",
                        each.join(", nor ")
                    ),
                )
            }
        };
        for key in causes.iter().map(|c| &c.0).chain(pair.as_ref().map(|p| &p.0)) {
            if !wanted.contains(key) {
                wanted.push(key.clone());
            }
        }
        reasons.push(Explanation {
            run: made.id.clone(),
            what: words::event(&made.scenario, last),
            t: super::thin::time(last.time_h),
            chain: links(made, &chain),
            event,
            verdict,
            sentence,
            but_for,
        });
    }
    // Where nothing is a cause, the run without the first suspect is the one to look at.
    if wanted.is_empty() {
        wanted.extend(tried.keys().next().cloned());
    }
    wanted.truncate(GHOSTS);
    let ghosts: Vec<Made> = wanted.iter().filter_map(|key| tried.remove(key)).collect();
    for b in reasons.iter_mut().flat_map(|r| &mut r.but_for) {
        b.run = b.run.take().filter(|id| ghosts.iter().any(|g| g.id == *id));
    }
    Ok((reasons, ghosts))
}

/// What was left out, in words.
fn said(made: &Made, left_out: &[String]) -> String {
    let each: Vec<String> = left_out.iter().map(|e| words::element(&made.scenario, e)).collect();
    each.join(" and ")
}

/// What the run without something says of an event.
fn without(made: &Made, event: &str, left_out: &[String], other: &Made) -> ButForPage {
    let found = why::but_for(&made.result, event, &left_out.join(" and "), &other.result);
    let said = said(made, left_out);
    let words = match (found.event_h, found.later_h) {
        (None, _) => format!("{said} it does not happen; that run ends {}.", found.outcome),
        (Some(at), Some(later)) if later > 0.0 => {
            format!("{said} it still happens, at {}, {} later.", moment(at), span(later))
        }
        (Some(at), Some(later)) if later < 0.0 => {
            format!("{said} it still happens, at {}, {} sooner.", moment(at), span(-later))
        }
        (Some(_), _) => format!("{said} it still happens, at the same time."),
    };
    ButForPage {
        without: said,
        run: Some(other.id.clone()),
        event_h: found.event_h.map(super::thin::time),
        outcome: found.outcome,
        words: words::sentence(&words),
    }
}

/// A chain in words; of the many steps of a ramp the first and the last.
fn links(made: &Made, chain: &[EventRow]) -> Vec<Link> {
    let same = |at: Option<usize>, e: &EventRow| {
        at.and_then(|at| chain.get(at))
            .is_some_and(|o| o.kind == "progress" && o.component == e.component)
    };
    chain
        .iter()
        .enumerate()
        .filter(|(i, e)| !(e.kind == "progress" && same(i.checked_sub(1), e) && same(Some(i + 1), e)))
        .map(|(_, e)| Link {
            event: e.event_id,
            t: super::thin::time(e.time_h),
            words: match e.detail.as_str() {
                // The particulars of a symptom's begin are its own words again.
                detail if detail.is_empty() || matches!(e.kind.as_str(), "onset" | "resolved") => {
                    words::event(&made.scenario, e)
                }
                detail => format!("{} ({detail})", words::event(&made.scenario, e)),
            },
            name: e.name(),
        })
        .collect()
}
