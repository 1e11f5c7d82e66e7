//! Things that wait for a named event, such as a repair "72 h after the kink".

use serde::{Deserialize, Serialize};

use crate::engine::{EventHandle, SimSpan};

/// What is scheduled once the awaited event has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// Programme step of this index.
    Programme(usize),
    /// Action of this index.
    Action(usize),
    /// Start of the fault of this index.
    FaultStart(usize),
    /// End of the fault of this index.
    FaultEnd(usize),
}

/// All that still waits, in file order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WaitingList {
    entries: Vec<(String, SimSpan, Waiting)>,
    /// Event, action that it makes needless, and that action's place in the queue.
    unless: Vec<(String, usize, Option<EventHandle>)>,
}

impl WaitingList {
    /// Adds one; only the first event of that name counts.
    pub fn add(&mut self, event: &str, offset: SimSpan, what: Waiting) {
        self.entries.push((event.to_owned(), offset, what));
    }

    /// Makes an action depend on an event that has not happened.
    pub fn add_unless(&mut self, event: &str, action: usize) {
        self.unless.push((event.to_owned(), action, None));
    }

    /// Remembers where an action stands in the queue, if an event may still take it out.
    pub fn scheduled(&mut self, action: usize, handle: EventHandle) {
        for entry in self.unless.iter_mut().filter(|e| e.1 == action) {
            entry.2 = Some(handle);
        }
    }

    /// The actions that this event makes needless and that still wait for an event or
    /// stand in the queue.
    pub fn take_needless(&mut self, name: &str) -> Vec<(usize, Option<EventHandle>)> {
        let mut needless = Vec::new();
        let entries = &mut self.entries;
        self.unless.retain(|(event, action, handle)| {
            if event != name {
                return true;
            }
            let before = entries.len();
            entries.retain(|(_, _, what)| *what != Waiting::Action(*action));
            if handle.is_some() || entries.len() < before {
                needless.push((*action, *handle));
            }
            false
        });
        needless
    }

    /// Whether nothing waits, so that names need not be built.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.unless.is_empty()
    }

    /// Takes out what waited for this event.
    pub fn take(&mut self, name: &str) -> Vec<(SimSpan, Waiting)> {
        let mut due = Vec::new();
        self.entries.retain(|(event, offset, what)| {
            if event == name {
                due.push((*offset, *what));
                false
            } else {
                true
            }
        });
        due
    }
}
