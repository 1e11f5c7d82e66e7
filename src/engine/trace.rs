//! What happened, and because of what.

use serde::{Deserialize, Serialize};

use super::queue::{EventId, Phase};
use super::time::SimTime;

/// One fired event. Observers leave none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Number, from 1 without gaps.
    pub id: EventId,
    /// When.
    pub time: SimTime,
    /// Phase of the instant.
    pub phase: Phase,
    /// What it happened to.
    pub component: String,
    /// What happened.
    pub kind: String,
    /// Particulars, noted by the handler.
    pub detail: String,
    /// The event behind it; always a smaller number.
    pub cause: EventId,
}

impl Record {
    /// `component.kind`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.component, self.kind)
    }
}

/// All fired events in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trace {
    records: Vec<Record>,
}

impl Trace {
    pub(super) fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    pub(super) fn note(&mut self, id: EventId, text: String) {
        if let Some(last) = self.records.last_mut().filter(|r| r.id == id) {
            if !last.detail.is_empty() {
                last.detail.push_str("; ");
            }
            last.detail.push_str(&text);
        }
    }

    /// The records in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The record of an event.
    pub fn get(&self, id: EventId) -> Option<&Record> {
        self.records.binary_search_by_key(&id, |r| r.id).ok().map(|k| &self.records[k])
    }

    /// From an event back to the start of its chain, the event first.
    ///
    /// It ends, since every cause has a smaller number.
    pub fn chain(&self, id: EventId) -> Vec<&Record> {
        let mut links = Vec::new();
        let mut next = self.get(id);
        while let Some(record) = next {
            links.push(record);
            next = self.get(record.cause).filter(|parent| parent.id < record.id);
        }
        links
    }
}
