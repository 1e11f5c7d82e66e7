//! A scenario, the moves of a teacher, and the run that comes of them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Shared;
use super::http::Response;
use super::sliders::{Move, MoveError, Sheets, Slider, Switch};
use crate::engine::{SimSpan, SimTime};
use crate::report::RunData;
use crate::report::from_run::{Identity, run_data};
use crate::report::page::{PageData, PageOptions, page_of_arms};
use crate::scenario::model::{Arm, Story};
use crate::simulation::{Registry, Run, RunError, RunOptions, RunResult};

/// Looks at a run in progress: to see whether anybody still wants it.
const LOOKS: i64 = 1024;
/// Moves that one request may make.
pub(crate) const MOST_MOVES: usize = 100;

/// What the page asks for.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ask {
    /// A scenario on offer; it says where a text stands.
    pub path: Option<String>,
    /// The text, if it is not that of the offer.
    pub text: Option<String>,
    /// Arm to run; the first, if left out.
    pub arm: Option<String>,
    /// Arm to run beside it, as a ghost.
    pub beside: Option<String>,
    /// Changes of the text before it is run.
    pub moves: Vec<Move>,
    /// Whether nothing is run: the text is read and its sliders are given.
    pub only_read: bool,
}

/// The page of the first scenario on offer, to begin with; `None` if there is none that runs.
pub(super) fn first_page(shared: &Shared) -> Option<PageData> {
    let offer = shared.library.offers().first()?;
    let place = shared.library.place(Some(&offer.path), "");
    let text = shared.library.text(&offer.path)?;
    let story = shared.library.load(&place, text, &shared.catalog).ok()?;
    let arm = story.arms.first()?;
    let result = alone(arm, &shared.limits, &|| false, &|| false).ok()?;
    let data = gathered(&story, arm, &result);
    Some(page_of_arms(
        &story,
        vec![(arm, &result, data)],
        &PageOptions::default(),
    ))
}

/// What the page gets.
#[derive(Serialize)]
struct Answer {
    path: String,
    name: String,
    title: String,
    lesson: String,
    /// The text that was run, its changes made.
    text: String,
    /// The same with what it extends.
    whole: String,
    hash: String,
    arm: String,
    arms: Vec<String>,
    sliders: Vec<Slider>,
    switches: Vec<Switch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beside: Option<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageData>,
}

/// A run in words.
#[derive(Serialize)]
struct Told {
    summary: String,
    fingerprint: String,
}

/// Why there is no run.
enum Refused {
    Say(Response),
    /// The client has gone.
    Gone,
}

fn refuse(status: u16, kind: &str, message: &str) -> Refused {
    Refused::Say(Response::error(status, kind, message))
}

/// Changes, loads and runs; `None` if the client has gone meanwhile.
pub(super) fn run(ask: &Ask, shared: &Shared, late: &dyn Fn() -> bool, gone: &dyn Fn() -> bool) -> Option<Response> {
    match answer(ask, shared, late, gone) {
        Ok(value) => Some(Response::json(&value)),
        Err(Refused::Say(response)) => Some(response),
        Err(Refused::Gone) => None,
    }
}

fn answer(ask: &Ask, shared: &Shared, late: &dyn Fn() -> bool, gone: &dyn Fn() -> bool) -> Result<Answer, Refused> {
    let limits = &shared.limits;
    let text = match (&ask.text, &ask.path) {
        (Some(text), _) => text.as_str(),
        (None, Some(path)) => {
            let unknown = || refuse(404, "unknown-scenario", &format!("no scenario `{path}` is on offer"));
            shared.library.text(path).ok_or_else(unknown)?
        }
        (None, None) => return Err(refuse(400, "json", "name a scenario by `path`, or send its `text`")),
    };
    if text.len() > limits.text {
        let message = format!("the scenario is longer than {} bytes, the limit here", limits.text);
        return Err(refuse(413, "too-large", &message));
    }
    if ask.moves.len() > MOST_MOVES {
        return Err(refuse(413, "too-large", &format!("at most {MOST_MOVES} moves at once")));
    }
    let place = shared.library.place(ask.path.as_deref(), text);
    let bases = shared.library.bases(&place, text);

    // What is no TOML has no sliders; the loader says what is wrong with it.
    let wanted = ask.arm.as_deref().unwrap_or_default();
    let mut sheets = Sheets::new(text, &bases).ok();
    few(sheets.as_ref().map_or(0, Sheets::arms), limits)?;
    if let Some(sheets) = &mut sheets {
        for change in &ask.moves {
            let told = |e: MoveError| refuse(422, "move", &e.to_string());
            sheets.make(change, wanted).map_err(told)?;
        }
    }
    let text = match &sheets {
        Some(sheets) if !ask.moves.is_empty() => sheets.text(),
        _ => text.to_owned(),
    };
    let story = shared
        .library
        .load(&place, &text, &shared.catalog)
        .map_err(|mistakes| {
            // As the command line prints it, and in pieces for the page.
            let pieces: Value = serde_json::from_str(&mistakes.to_json()).unwrap_or(Value::Null);
            let body = json!({
                "error": { "kind": "scenario", "message": mistakes.render(false), "diagnostics": pieces },
                "text": text,
            });
            Refused::Say(Response {
                status: 422,
                ..Response::json(&body)
            })
        })?;
    // What a switch or a base adds is known only now.
    few(story.arms.len(), limits)?;
    if late() {
        return Err(too_long());
    }
    let arm = pick(&story, ask.arm.as_deref())?;
    let (sliders, switches) = sheets
        .as_ref()
        .map_or((Vec::new(), Vec::new()), |s| (s.sliders(&arm.id), s.switches(&arm.id)));
    let mut out = Answer {
        path: place.display().to_string(),
        name: story.name.clone(),
        title: arm.scenario.title.clone(),
        lesson: arm.scenario.lesson.clone(),
        text,
        whole: story.text.clone(),
        hash: story.hash.clone(),
        arm: arm.id.clone(),
        arms: story.arms.iter().map(|a| a.id.clone()).collect(),
        sliders,
        switches,
        run: None,
        beside: None,
        page: None,
    };
    if ask.only_read {
        return Ok(out);
    }
    let beside = match &ask.beside {
        Some(id) => Some(pick(&story, Some(id))?),
        None => None,
    };
    let result = alone(arm, limits, late, gone)?;
    let other = beside
        .map(|b| alone(b, limits, late, gone).map(|r| (b, r)))
        .transpose()?;
    let data = gathered(&story, arm, &result);
    out.run = Some(told(&data));
    let mut shown = vec![(arm, &result, data)];
    if let Some((arm, result)) = &other {
        let data = gathered(&story, arm, result);
        out.beside = Some(told(&data));
        shown.push((arm, result, data));
    }
    out.page = Some(page_of_arms(&story, shown, &PageOptions::default()));
    Ok(out)
}

/// Refuses a scenario with more arms, or cells of a matrix, than are allowed here.
fn few(arms: usize, limits: &super::Limits) -> Result<(), Refused> {
    if arms <= limits.arms {
        return Ok(());
    }
    let most = limits.arms;
    let message =
        format!("the scenario has {arms} arms, cells of a matrix among them; at most {most} are allowed here");
    Err(refuse(413, "too-large", &message))
}

fn too_long() -> Refused {
    let message = "the run takes longer than this page may; use `itbsim run` for it";
    refuse(503, "too-long", message)
}

fn pick<'s>(story: &'s Story, wanted: Option<&str>) -> Result<&'s Arm, Refused> {
    let found = match wanted {
        Some(id) if !id.is_empty() => story.arms.iter().find(|a| a.id == id),
        _ => story.arms.first(),
    };
    found.ok_or_else(|| {
        refuse(
            422,
            "arm",
            &format!("the scenario has no arm `{}`", wanted.unwrap_or_default()),
        )
    })
}

/// One run within the limits.
fn alone(
    arm: &Arm,
    limits: &super::Limits,
    late: &dyn Fn() -> bool,
    gone: &dyn Fn() -> bool,
) -> Result<RunResult, Refused> {
    let end = arm.scenario.duration;
    // The run begins at zero, so its end is its length.
    let span = end.as_nanos();
    let widest = SimSpan::from_nanos(span / i64::from(limits.rows.max(1)) + 1);
    let options = RunOptions {
        sample: Some(arm.scenario.sample.max(widest)),
        keep_jumps: true,
        event_limit: Some(limits.events),
        ..RunOptions::default()
    };
    let failed = |error: RunError| refuse(422, "model", &in_words(&error));
    let registry = Registry::builtin();
    let mut run = Run::new(&arm.scenario, &registry, &options).map_err(failed)?;
    for look in 1..=LOOKS {
        if gone() {
            return Err(Refused::Gone);
        }
        if late() {
            return Err(too_long());
        }
        // Stopping on the way changes no bit of what follows.
        let until = if look == LOOKS {
            end
        } else {
            SimTime::from_nanos(span / LOOKS * look)
        };
        run.run_until(until).map_err(failed)?;
    }
    Ok(run.finish())
}

/// An error with what led to it.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

/// What a report needs of a run.
fn gathered(story: &Story, arm: &Arm, result: &RunResult) -> RunData {
    let identity = Identity {
        arm: &arm.id,
        seed: arm.scenario.seed,
        replicate: arm.scenario.replicate.unwrap_or(0),
    };
    run_data(story, &arm.scenario, identity, result)
}

fn told(data: &RunData) -> Told {
    Told {
        summary: crate::report::text::summary(data, None),
        fingerprint: data.meta.fingerprint.clone(),
    }
}
