//! Names and ranks of the components of one run, fixed at the start, so that
//! the order of blocks in the file changes nothing.

use crate::engine::{Rank, RankTable};
use crate::response::{SYMPTOMS, all_symptoms};
use crate::scenario::model::Scenario;

use super::event::Name;

/// Ids as shared text.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    programmes: Vec<Name>,
    actions: Vec<Name>,
    faults: Vec<Name>,
    care: Vec<Name>,
    symptoms: Vec<Name>,
}

impl Ids {
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            programmes: scenario.programme.iter().map(|p| p.id.as_str().into()).collect(),
            actions: scenario.actions.iter().map(|a| a.id.as_str().into()).collect(),
            faults: scenario.faults.iter().map(|f| f.id.as_str().into()).collect(),
            care: scenario.care.iter().map(|c| c.id.as_str().into()).collect(),
            symptoms: all_symptoms()
                // Only where they are watched, so that ranks stay what they are without another drug.
                .take(if scenario.drugs.is_empty() {
                    SYMPTOMS.len()
                } else {
                    usize::MAX
                })
                .map(|s| s.name.into())
                .collect(),
        }
    }

    pub fn programme(&self, index: usize) -> Name {
        self.programmes[index].clone()
    }

    pub fn action(&self, index: usize) -> Name {
        self.actions[index].clone()
    }

    pub fn fault(&self, index: usize) -> Name {
        self.faults[index].clone()
    }

    pub fn symptom(&self, index: usize) -> Name {
        self.symptoms[index].clone()
    }
}

/// Rank of every component.
#[derive(Debug, Clone)]
pub(super) struct Ranks {
    programmes: Vec<Rank>,
    actions: Vec<Rank>,
    faults: Vec<Rank>,
    care: Vec<Rank>,
    orders: Rank,
    symptoms: Vec<Rank>,
    pump: Rank,
    catheter: Rank,
    patient: Rank,
    observer: Rank,
}

impl Ranks {
    pub fn new(ids: &Ids) -> Self {
        let named = |kind: &str, list: &[Name]| list.iter().map(|n| format!("{kind}.{n}")).collect::<Vec<_>>();
        let programmes = named("programme", &ids.programmes);
        let actions = named("action", &ids.actions);
        let faults = named("fault", &ids.faults);
        // After programmes of the same instant: people read what the pump was told.
        let care = named("then-care", &ids.care);
        let symptoms = named("symptom", &ids.symptoms);
        let fixed = ["pump", "catheter", "patient", "observer", "then-orders"];
        let table = RankTable::new(
            programmes
                .iter()
                .chain(&actions)
                .chain(&faults)
                .chain(&care)
                .chain(&symptoms)
                .map(String::as_str)
                .chain(fixed)
                .map(str::to_owned),
        );
        let all = |names: &[String]| names.iter().map(|n| rank_of(&table, n)).collect();
        Self {
            programmes: all(&programmes),
            actions: all(&actions),
            faults: all(&faults),
            care: all(&care),
            orders: rank_of(&table, "then-orders"),
            symptoms: all(&symptoms),
            pump: rank_of(&table, "pump"),
            catheter: rank_of(&table, "catheter"),
            patient: rank_of(&table, "patient"),
            observer: rank_of(&table, "observer"),
        }
    }

    pub fn programme(&self, index: usize) -> Rank {
        self.programmes[index]
    }

    pub fn action(&self, index: usize) -> Rank {
        self.actions[index]
    }

    pub fn fault(&self, index: usize) -> Rank {
        self.faults[index]
    }

    pub fn care(&self, index: usize) -> Rank {
        self.care[index]
    }

    pub fn orders(&self) -> Rank {
        self.orders
    }

    pub fn symptom(&self, index: usize) -> Rank {
        self.symptoms[index]
    }

    pub fn pump(&self) -> Rank {
        self.pump
    }

    pub fn catheter(&self) -> Rank {
        self.catheter
    }

    pub fn patient(&self) -> Rank {
        self.patient
    }

    pub fn observer(&self) -> Rank {
        self.observer
    }
}

fn rank_of(table: &RankTable, name: &str) -> Rank {
    table.rank(name).unwrap_or_default()
}
