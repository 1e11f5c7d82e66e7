//! Other drugs in a run: each has kinetics, inputs and accounts of its own.
//!
//! Pump and catheter carry all drugs together ([`Others`]); from the tip on they part. A drug's
//! kinetics are a second linear system through the same exact propagation as baclofen's, under
//! the same flows of spinal fluid.

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;
use crate::kinetics::{Body, Flows, Kinetics, KineticsState, Layout, Site};
use crate::scenario::drugs::Drug;
use crate::signals::{Destination, Level, Others, Stream};

use super::error::SimError;
use super::ledger::Accounts;
use super::patient::{Needle, Totals};
use super::system::SystemRecorder;

/// A drug beside baclofen in one patient.
#[derive(Clone)]
pub struct DrugRun {
    /// Id in the scenario.
    pub id: String,
    /// Drug in the body.
    pub kinetics: Kinetics,
    /// Where it came from and went.
    pub accounts: Accounts,
    /// What left the catheter so far.
    pub totals: Totals,
    /// What the kinetics receive now.
    pub inputs: Vec<(Site, f64)>,
    /// Segments for `itbsim system`, if asked for.
    pub system: Option<SystemRecorder>,
}

/// What must be stored of a [`DrugRun`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedDrug {
    id: String,
    kinetics: KineticsState,
    accounts: Accounts,
    totals: Totals,
    inputs: Vec<(Site, f64)>,
}

impl DrugRun {
    /// None of the drug yet.
    pub(super) fn new(drug: &Drug, body: Body, flows: Flows) -> Result<Self, SimError> {
        Ok(Self {
            id: drug.id.clone(),
            kinetics: Kinetics::under(body, &drug.parameters, flows)?,
            accounts: Accounts::default(),
            totals: Totals::default(),
            inputs: Vec::new(),
            system: None,
        })
    }

    /// Begins to record the linear system.
    pub(super) fn record_system(&mut self) -> Result<(), SimError> {
        let k = &self.kinetics;
        let own = |name: &str| format!("{}_{name}", self.id);
        // Only what the time series show: the rest of the layout is not this drug's.
        let outputs = shown(k).map(|i| (own(&k.columns()[i].name), k.columns()[i].weights.clone()));
        let outputs = outputs.collect();
        self.system = Some(SystemRecorder::of_outputs(k, k.amounts(SimTime::ZERO)?, outputs));
        Ok(())
    }

    /// Months of a constant rate into one site \[ug/h\]: gives the concentrations at the effect
    /// sites \[ug/mL\].
    pub(super) fn establish(&mut self, site: Site, rate: f64) -> Result<[f64; 4], SimError> {
        self.kinetics.settle(SimTime::ZERO, &[(site, rate)])?;
        self.kinetics.set_inputs(SimTime::ZERO, &[])?;
        let scratch = &mut self.kinetics.scratch();
        self.accounts.initial = self.kinetics.balance(SimTime::ZERO, scratch)?.0;
        Ok(self.kinetics.drive(SimTime::ZERO, scratch)?.effect)
    }

    pub(super) fn save(&self) -> SavedDrug {
        SavedDrug {
            id: self.id.clone(),
            kinetics: self.kinetics.state().clone(),
            accounts: self.accounts,
            totals: self.totals,
            inputs: self.inputs.clone(),
        }
    }

    /// Continues from what was saved; `false` if it belongs to another drug.
    pub(super) fn restore(&mut self, saved: SavedDrug) -> Result<bool, SimError> {
        if saved.id != self.id {
            return Ok(false);
        }
        self.kinetics.restore(saved.kinetics)?;
        self.accounts = saved.accounts;
        self.totals = saved.totals;
        self.inputs = saved.inputs;
        Ok(true)
    }

    /// Puts an amount somewhere at once \[ug\]. The response must have been made ready.
    pub(super) fn add(&mut self, now: SimTime, at: Site, amount: f64) -> Result<(), SimError> {
        self.kinetics.add(now, at, amount)?;
        self.record(now, Some(&[(Layout::of(at), amount)]));
        Ok(())
    }

    /// Pushes the subdural pocket into the fluid at a level. Gives the amount \[ug\].
    pub(super) fn flush_subdural(&mut self, now: SimTime, level: Level) -> Result<f64, SimError> {
        let moved = self.kinetics.flush_depot(now, 1.0, level)?;
        let from = Layout::of(Site::Stream(Destination::Subdural));
        let to = Layout::of(Site::Stream(Destination::Csf(level)));
        self.record(now, Some(&[(from, -moved), (to, moved)]));
        Ok(moved)
    }

    /// What streams and needles bring from now on; `index` is the drug's place.
    pub(super) fn inputs_of(index: usize, streams: &[Stream], needles: &[Needle]) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for stream in streams.iter().filter(|s| s.flow >= 0.0) {
            let rate = stream.flow * stream.others.get(index);
            match stream.to {
                Destination::Csf(_) => arrivals.delivered += rate,
                _ => arrivals.leaked += rate,
            }
            if rate > 0.0 {
                arrivals.inputs.push((Site::Stream(stream.to), rate));
            }
        }
        let own = needles.iter().filter(|n| n.drug == Some(index));
        arrivals.inputs.extend(own.map(|n| (n.site, n.rate)));
        arrivals
    }

    /// Adds the present system to the record, if one is kept.
    pub(super) fn record(&mut self, now: SimTime, jump: Option<&[(usize, f64)]>) {
        if let Some(system) = &mut self.system {
            let matrix = self.kinetics.system().matrix();
            system.change(now.hours(), matrix, &self.kinetics.state().inputs, jump);
        }
    }
}

/// What reaches the body of one drug.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Arrivals {
    pub inputs: Vec<(Site, f64)>,
    /// Into the spinal fluid \[ug/h\].
    pub delivered: f64,
    /// Elsewhere \[ug/h\].
    pub leaked: f64,
}

/// Books amounts of all drugs on one line of their accounts \[ug\].
pub(super) fn book(drugs: &mut [DrugRun], amounts: Others, line: fn(&mut Accounts) -> &mut f64) {
    for (index, drug) in drugs.iter_mut().enumerate() {
        *line(&mut drug.accounts) += amounts.get(index);
    }
}

/// Places of the kinetic columns that another drug shows: not those of rescue drugs and tablets.
pub(super) fn shown(kinetics: &Kinetics) -> impl Iterator<Item = usize> + '_ {
    let columns = kinetics.columns();
    (0..columns.len()).filter(|i| is_shown(&columns[*i].name))
}

/// Whether another drug shows this column.
pub(super) fn is_shown(column: &str) -> bool {
    !matches!(
        column,
        "benzodiazepine_effect_mg" | "cyproheptadine_effect_mg" | "unabsorbed_ug"
    )
}
