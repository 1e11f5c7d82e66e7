//! What happened and why: one record an event, each with its cause.

use serde::{Deserialize, Serialize};

use super::queue::{EventId, Phase};
use super::time::SimTime;

/// One fired event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number.
    pub id: EventId,
    /// When it fired.
    pub time: SimTime,
    /// Its phase.
    pub phase: Phase,
    /// Whom it concerned.
    pub component: String,
    /// What happened.
    pub kind: String,
    /// What the model noted while handling it, or empty.
    pub detail: String,
    /// The event that brought it about, always an earlier number.
    pub cause: EventId,
}

impl Record {
    /// `component.kind`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.component, self.kind)
    }
}

/// All records of a run in the order of firing; observers leave none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace {
    records: Vec<Record>,
}

impl Trace {
    /// The records in the order of firing.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The record of one event.
    pub fn get(&self, id: EventId) -> Option<&Record> {
        let index = self.records.binary_search_by_key(&id, |r| r.id).ok()?;
        self.records.get(index)
    }

    /// The chain of causes: the event, its cause, and so on back to one that the start of
    /// the scenario caused. Empty if there is no such event.
    ///
    /// It always ends, because a cause has fired before what it causes.
    pub fn chain(&self, id: EventId) -> Vec<&Record> {
        let mut chain = Vec::new();
        let mut next = self.get(id);
        while let Some(record) = next {
            chain.push(record);
            next = self.get(record.cause).filter(|cause| cause.id < record.id);
        }
        chain
    }

    pub(super) fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Adds to the detail of the latest record.
    pub(super) fn note(&mut self, text: &str) {
        if let Some(record) = self.records.last_mut() {
            if !record.detail.is_empty() {
                record.detail.push_str("; ");
            }
            record.detail.push_str(text);
        }
    }

    /// Whether the event is on record, as the last one.
    pub(super) fn ends_with(&self, id: EventId) -> bool {
        self.records.last().is_some_and(|r| r.id == id)
    }

    /// All records, in order.
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }
}
