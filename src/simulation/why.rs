//! Why did it happen: the causal chain of an event, and the run without what
//! started the chain.
//!
//! A chain alone is called a *mechanism*. It is called a *cause* only where the
//! paired run without its first scenario element (a fault or an act) lacks the
//! event: same patient, same luck, one thing left out.

use serde::Serialize;

use super::result::{EventRow, RunResult};

/// The answer to "why did this happen?".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// Name of the event asked about.
    pub event: String,
    /// From the first event of the chain to the event itself.
    pub chain: Vec<EventRow>,
    /// Fault or act at the root of the chain that a run can leave out.
    pub root: Option<String>,
    /// What the run without the root showed.
    pub but_for: Option<ButFor>,
    /// The same for the last act or programme of the chain, if that is not the root: what a
    /// rescue or a rise of the dose did by itself.
    pub nearest: Option<ButFor>,
}

/// The run without the root of a chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ButFor {
    /// What was left out.
    pub without: String,
    /// When the event came in that run \[h\], if it did.
    pub event_h: Option<f64>,
    /// How much later that is \[h\]; negative is sooner.
    pub later_h: Option<f64>,
    /// How that run ended.
    pub outcome: String,
    /// `cause` if the event is absent without the root, `mechanism` if it comes all the same.
    pub verdict: &'static str,
}

/// The chain behind the first event of this name, from its start to itself.
pub fn chain(run: &RunResult, name: &str) -> Option<Vec<EventRow>> {
    let mut at = run.events.iter().find(|e| e.name() == name)?;
    let mut links = vec![at.clone()];
    while at.caused_by != 0 {
        // Ids count from 1 in trace order, so the parent stands at `caused_by - 1`.
        let parent = run.events.get(usize::try_from(at.caused_by).ok()?.checked_sub(1)?)?;
        if parent.event_id >= at.event_id {
            break;
        }
        links.push(parent.clone());
        at = parent;
    }
    links.reverse();
    Some(links)
}

/// All that a run can leave out of a chain, from its start, each once, as `(kind, id)`:
/// faults, acts of the scenario and acts that policies ordered, and programmes sent after the
/// start. The programme of the start is the therapy itself.
pub fn removable(chain: &[EventRow]) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for e in chain {
        let Some((kind, id)) = e.component.split_once('.') else {
            continue;
        };
        let wanted = match kind {
            "fault" | "action" => true,
            "programme" => e.time_h > 0.0,
            _ => false,
        };
        if wanted && !found.contains(&(kind, id)) {
            found.push((kind, id));
        }
    }
    found
}

/// The first fault, act or later programme in a chain, as `(kind, id)` with kind `fault`,
/// `action` or `programme`.
pub fn removable_root(chain: &[EventRow]) -> Option<(&str, &str)> {
    removable(chain).first().copied()
}

/// The last act or programme of a chain, if that is not its root.
pub fn removable_nearest(chain: &[EventRow]) -> Option<(&str, &str)> {
    let all = removable(chain);
    let last = all.iter().skip(1).rev().find(|(kind, _)| *kind != "fault")?;
    Some(*last)
}

/// What the run without an element says of an event of the run with it.
pub fn but_for(run: &RunResult, name: &str, left_out: &str, other: &RunResult) -> ButFor {
    let first = |of: &RunResult| of.events.iter().find(|e| e.name() == name).map(|e| e.time_h);
    let event_h = first(other);
    ButFor {
        without: left_out.to_owned(),
        event_h,
        later_h: event_h.zip(first(run)).map(|(there, here)| there - here + 0.0),
        outcome: match &other.outcome.cause {
            Some(cause) => format!("dead ({cause})"),
            None => other.outcome.status.to_owned(),
        },
        verdict: if event_h.is_none() { "cause" } else { "mechanism" },
    }
}

/// Joins the chain with the run that lacks its root.
pub fn explain(run: &RunResult, name: &str, without_root: Option<(&str, &RunResult)>) -> Option<Why> {
    let chain = chain(run, name)?;
    let root = removable_root(&chain).map(|(kind, id)| format!("{kind}.{id}"));
    let but_for = without_root.map(|(left_out, other)| but_for(run, name, left_out, other));
    Some(Why {
        event: name.to_owned(),
        chain,
        root,
        but_for,
        nearest: None,
    })
}
