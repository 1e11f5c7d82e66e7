//! From a run to what the page shows of it.

use std::borrow::Cow;

use crate::report::from_run::{Identity, run_data};
use crate::report::{DISCLAIMER, RunData};
use crate::scenario::model::{Arm, Scenario, Story};
use crate::simulation::RunResult;

use super::data::{Figure, Manifest, PageData, Role, RunPage};
use super::{anatomy, bars, lanes, marks, phases, thin};

/// Stretches of time of a chart in which the extremes of every line stay, unless size asks for fewer.
const BUCKETS: usize = 300;

/// What a page is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PageOptions {
    /// Seed, if not the scenario's own.
    pub seed: Option<u64>,
    /// Whether the runs without a suspected cause are made.
    pub but_for: bool,
    /// Whether decisions of the scenario stop the page.
    pub decisions: bool,
    /// Stretches of time of a chart in which the extremes of every line stay; fewer if the
    /// page would grow too large.
    pub buckets: usize,
}

impl Default for PageOptions {
    fn default() -> Self {
        Self {
            seed: None,
            but_for: true,
            decisions: true,
            buckets: BUCKETS,
        }
    }
}

/// A finished run with all that names it.
pub(super) struct Made<'a> {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) role: Role,
    /// The arm it goes with.
    pub(super) of: String,
    pub(super) scenario: Cow<'a, Scenario>,
    pub(super) result: Cow<'a, RunResult>,
    pub(super) data: RunData,
}

/// The page of a single run that was made elsewhere, as the server of a changed story needs it.
///
/// There is no run beside it, so nothing is called a cause; [`super::page_of_story`] does that.
/// The run should have been made with `keep_jumps`, so that jumps are drawn as such.
pub fn page_of_run(
    story: &Story,
    scenario: &Scenario,
    identity: Identity<'_>,
    run: &RunResult,
    options: &PageOptions,
) -> PageData {
    let data = run_data(story, scenario, identity, run);
    let made = Made {
        id: "run".to_owned(),
        label: if identity.arm.is_empty() {
            "the run"
        } else {
            identity.arm
        }
        .to_owned(),
        role: Role::Arm,
        of: "run".to_owned(),
        scenario: Cow::Borrowed(scenario),
        result: Cow::Borrowed(run),
        data,
    };
    let mut page = assemble(story, std::slice::from_ref(&made), options.buckets);
    super::micro::in_page(&mut page);
    page
}

/// The page of some arms of a story that were run elsewhere, each with what
/// [`crate::report::from_run::run_data`] gathers of its run; the first is the one shown first.
///
/// As with [`page_of_run`] nothing is called a cause.
pub fn page_of_arms(story: &Story, arms: Vec<(&Arm, &RunResult, RunData)>, options: &PageOptions) -> PageData {
    let made: Vec<Made<'_>> = arms
        .into_iter()
        .map(|(arm, run, data)| {
            let (id, label) = match arm.id.as_str() {
                "" => ("run".to_owned(), "the run".to_owned()),
                id => (id.to_owned(), super::words::plain(id)),
            };
            Made {
                of: id.clone(),
                id,
                label,
                role: Role::Arm,
                scenario: Cow::Borrowed(&arm.scenario),
                result: Cow::Borrowed(run),
                data,
            }
        })
        .collect();
    let mut page = assemble(story, &made, options.buckets);
    page.teaching = made.first().and_then(super::teach::texts);
    super::micro::in_page(&mut page);
    page
}

/// The page of these runs without reasons and decisions; the first run is the one shown first.
pub(super) fn assemble(story: &Story, runs: &[Made<'_>], buckets: usize) -> PageData {
    let tables: Vec<&RunData> = runs.iter().map(|m| &m.data).collect();
    let lanes = match runs.first() {
        Some(first) => lanes::specs(&tables, &first.scenario),
        None => Vec::new(),
    };
    let mut notes = Vec::new();
    // One window for all, so that a run and its ghost are equally fine where they are compared.
    let focus = runs.first().and_then(focus_of);
    let pages = runs
        .iter()
        .map(|made| page_of(made, &lanes, focus, buckets, &mut notes))
        .collect();
    PageData {
        manifest: manifest(story, runs.first()),
        lanes,
        runs: pages,
        why: Vec::new(),
        decisions: Vec::new(),
        teaching: None,
        notes,
    }
}

fn focus_of(made: &Made<'_>) -> Option<(f64, f64)> {
    let found = phases::phases(&made.scenario, &made.result, &made.data);
    phases::focus(&made.scenario, &made.result, &found)
}

fn manifest(story: &Story, first: Option<&Made<'_>>) -> Manifest {
    let Some(first) = first else {
        return Manifest::default();
    };
    Manifest {
        written_by: crate::report::folder::WRITER,
        disclaimer: DISCLAIMER,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: story.name.clone(),
        title: first.scenario.title.clone(),
        lesson: first.scenario.lesson.clone(),
        hazard: first.scenario.hazard.clone(),
        sources: first.scenario.sources.clone(),
        scenario_hash: story.hash.clone(),
        seed: first.data.meta.seed.to_string(),
        replicate: first.data.meta.replicate.to_string(),
    }
}

fn page_of(
    made: &Made<'_>,
    lanes: &[super::LaneSpec],
    shared: Option<(f64, f64)>,
    buckets: usize,
    notes: &mut Vec<String>,
) -> RunPage {
    let Made {
        scenario, result, data, ..
    } = made;
    let end = result.outcome.ended_h;
    let phases = phases::phases(scenario, result, data);
    let focus = phases::focus(scenario, result, &phases);
    let mut windows = vec![(0.0, end)];
    windows.extend(focus);
    windows.extend(shared.filter(|w| Some(*w) != focus));
    let bars = bars::bars(scenario, result, data);
    let (marks, left_out) = marks::marks(scenario, result);
    if left_out {
        notes.push(format!(
            "{}: only the first {} or the weightiest events are marked; events.csv has them all.",
            made.label,
            marks::MOST_MARKS
        ));
    }
    RunPage {
        id: made.id.clone(),
        label: made.label.clone(),
        role: made.role,
        of: made.of.clone(),
        fingerprint: data.meta.fingerprint.clone(),
        outcome: data.meta.outcome.clone(),
        end_h: end,
        lanes: lanes
            .iter()
            .map(|spec| thin::lane(data, spec, &windows, buckets))
            .collect(),
        marks,
        anatomy: anatomy::anatomy(scenario, data, &bars, &windows, buckets / 4),
        bars,
        phases,
        focus_h: focus,
        figures: figures(result),
        expected: (
            result.expectations.iter().filter(|e| e.met).count(),
            result.expectations.len(),
        ),
    }
}

/// Outcomes with names for a reader, those that always exist first.
fn figures(run: &RunResult) -> Vec<Figure> {
    let o = &run.outcomes;
    let figure = |name: &str, unit: &'static str, value: Option<f64>| Figure {
        name: name.to_owned(),
        unit,
        value: value.map(thin::rounded),
    };
    vec![
        figure("time in good control", "%", Some(o.good_control_percent)),
        figure("time with signs of withdrawal", "h", Some(o.withdrawal_h)),
        figure(
            "worst grade of withdrawal",
            "0\u{2013}5",
            Some(f64::from(o.worst_withdrawal_grade)),
        ),
        figure("time with signs of overdose", "h", Some(o.overdose_h)),
        figure(
            "worst grade of overdose",
            "0\u{2013}5",
            Some(f64::from(o.worst_overdose_grade)),
        ),
        figure("from the fault to the first sign", "h", o.to_symptom_h),
        figure("from the fault to suspicion", "h", o.to_suspicion_h),
        figure("from the fault to the diagnosis", "h", o.to_diagnosis_h),
        figure("from the fault to the repair", "h", o.to_repair_h),
        figure("days in hospital", "d", Some(o.hospital_days)),
        figure("tests", "", Some(f64::from(o.tests))),
        figure("operations", "", Some(f64::from(o.operations))),
    ]
}
