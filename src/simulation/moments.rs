//! Things that wait for a named event, such as a repair "72 h after the kink".

use serde::{Deserialize, Serialize};

use crate::engine::SimSpan;

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
}

impl WaitingList {
    /// Adds one; only the first event of that name counts.
    pub fn add(&mut self, event: &str, offset: SimSpan, what: Waiting) {
        self.entries.push((event.to_owned(), offset, what));
    }

    /// Whether nothing waits, so that names need not be built.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
