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
}

/// The run without the root of a chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ButFor {
    /// What was left out.
    pub without: String,
    /// When the event came in that run \[h\], if it did.
    pub event_h: Option<f64>,
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

/// The first fault or act in a chain, as `(kind, id)` with kind `fault` or `action`.
pub fn removable_root(chain: &[EventRow]) -> Option<(&str, &str)> {
    chain.iter().find_map(|e| {
        let (kind, id) = e.component.split_once('.')?;
        matches!(kind, "fault" | "action").then_some((kind, id))
    })
}

/// Joins the chain with the run that lacks its root.
pub fn explain(run: &RunResult, name: &str, without_root: Option<(&str, &RunResult)>) -> Option<Why> {
    let chain = chain(run, name)?;
    let root = removable_root(&chain).map(|(kind, id)| format!("{kind}.{id}"));
    let but_for = without_root.map(|(left_out, other)| {
        let event_h = other.events.iter().find(|e| e.name() == name).map(|e| e.time_h);
        ButFor {
            without: left_out.to_owned(),
            event_h,
            outcome: match &other.outcome.cause {
                Some(cause) => format!("dead ({cause})"),
                None => other.outcome.status.to_owned(),
            },
            verdict: if event_h.is_none() { "cause" } else { "mechanism" },
        }
    });
    Some(Why {
        event: name.to_owned(),
        chain,
        root,
        but_for,
    })
}
