//! What a run writes down: the columns, and the recorder that fills them.

use std::sync::{Arc, OnceLock};

use crate::engine::SimTime;
use crate::kinetics::Kinetics;
use crate::numerics::Scratch;
use crate::response::{DrugSignals, Signals, Sites};
use crate::scenario::drugs::Drug;
use crate::signals::Ailing;

use super::drive::Drive;
use super::drugs::{DrugRun, is_shown, shown};
use super::error::SimError;
use super::ledger::Accounts;
use super::patient::Patient;
use super::result::LedgerRow;

/// Columns before the concentrations.
const DEVICE: [&str; 9] = [
    "time_h",
    "programmed_ug_per_day",
    "delivered_ug_per_day",
    "flow_ml_per_day",
    "reservoir_ml",
    "believed_reservoir_ml",
    "catheter_tip_ug_per_ml",
    "catheter_pressure_kpa",
    "reservoir_ug_per_ml",
];

/// Columns after the response: what the pump counts and promises, beside the truth. The
/// computed reservoir volume and the programmed rate stand among the first columns.
const BELIEF: [&str; 4] = [
    "delivered_ml",
    "believed_delivered_ml",
    "believed_low_alarm_in_h",
    "believed_service_left_h",
];
/// Columns after the signals of the response: the spinal fluid about the catheter.
const FLUID: [&str; 2] = ["csf_pressure_kpa", "csf_leak_ml_per_h"];

/// Columns of each other drug before its concentrations, less its id.
const DRUG_DEVICE: [&str; 3] = ["delivered_ug_per_day", "reservoir_ug_per_ml", "catheter_tip_ug_per_ml"];

/// Names of the columns of a scenario: those of [`columns`], then those of each other drug with
/// its id in front, then those of the channels on which other drugs act.
pub fn columns_with(drugs: &[Drug]) -> Vec<String> {
    let mut names = columns();
    for drug in drugs {
        names.extend(drug_columns().iter().map(|name| format!("{}_{name}", drug.id)));
    }
    if !drugs.is_empty() {
        names.extend(DrugSignals::COLUMNS.map(str::to_owned));
    }
    names
}

/// Names of the columns that another drug adds, less its id and `_`.
pub fn drug_columns() -> Vec<String> {
    let concentrations = kinetic_columns().iter().filter(|name| is_shown(name)).cloned();
    DRUG_DEVICE
        .iter()
        .map(|s| (*s).to_owned())
        .chain(concentrations)
        .collect()
}

/// Names of all columns, unit in the name; `time_h` first.
pub fn columns() -> Vec<String> {
    let mut names: Vec<String> = DEVICE.iter().map(|s| (*s).to_owned()).collect();
    names.extend(kinetic_columns().iter().cloned());
    names.extend(Signals::COLUMNS.iter().map(|s| (*s).to_owned()));
    names.extend(BELIEF.map(str::to_owned));
    names.extend(FLUID.iter().map(|s| (*s).to_owned()));
    names.extend(Ailing::NAMES.iter().map(|s| format!("sign_{s}")));
    names
}

/// Names of the columns that are linear in the kinetic state; the same for every patient.
pub fn kinetic_columns() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        // The defaults always make a body; a test shows it.
        crate::kinetics::column_names().unwrap_or_default()
    })
}

fn columns_count() -> usize {
    DEVICE.len() + kinetic_columns().len() + Signals::COLUMNS.len() + BELIEF.len() + FLUID.len() + Ailing::LEN
}

/// One output row at an instant, as the state stands there.
pub fn row(patient: &Patient, at: SimTime) -> Result<Vec<f64>, SimError> {
    Ok(row_and_balance(patient, at)?.0)
}

/// The row, and drug in the body and eliminated \[ug\], which stand in it.
fn row_and_balance(patient: &Patient, at: SimTime) -> Result<(Vec<f64>, (f64, f64)), SimError> {
    let mut values = Vec::with_capacity(columns_count());
    let pump = patient.pump.as_ref();
    values.extend([
        at.hours(),
        pump.programmed_dose_rate() * 24.0,
        patient.delivered_rate() * 24.0,
        patient.catheter.inflow() * 24.0,
        pump.reservoir_volume(at),
        pump.believed_volume(at),
        patient.catheter.tip_concentration(),
        patient.catheter.pressure(at),
        pump.outlet_concentration(),
    ]);
    let k = &patient.kinetics;
    k.values(at, &mut k.scratch(), &mut values)?;
    let concentrations = &values[DEVICE.len()..];
    let balance = Kinetics::balance_of(concentrations);
    let drive = Kinetics::drive_of(concentrations);
    let drive = Drive {
        baclofen: drive,
        others: sites(patient, at)?,
    };
    let signals = patient.body.signals_under(&patient.response, &drive, at);
    values.extend(signals.values());
    let belief = pump.belief(at);
    values.extend([
        pump.delivered_volume(at),
        belief.counted_volume,
        // A pump that is stopped has no date to show; none lies beyond the end of service.
        match (belief.low_reservoir_in, belief.service_left) {
            (Some(alarm), Some(service)) => alarm.min(service),
            (alarm, service) => alarm.or(service).unwrap_or(0.0),
        },
        // Without a battery there is no service to end.
        belief.service_left.unwrap_or(0.0),
    ]);
    let escapes = patient.catheter.csf_loss().map_or(0.0, |(_, flow)| flow);
    values.extend([patient.catheter.csf_pressure(), escapes]);
    values.extend(patient.body.ailments.signs(at).values());
    for (index, drug) in patient.drugs.iter().enumerate() {
        drug_values(patient, index, drug, at, &mut values)?;
    }
    if !patient.drugs.is_empty() {
        values.extend(signals.drugs.values());
    }
    for v in &mut values {
        // An exact zero has one sign in every file.
        *v += 0.0;
    }
    Ok((values, balance))
}

/// Effect sites of the other drugs.
fn sites(patient: &Patient, at: SimTime) -> Result<Sites, SimError> {
    let mut sites = Sites::default();
    for (site, drug) in sites.iter_mut().zip(&patient.drugs) {
        *site = drug.kinetics.drive(at, &mut drug.kinetics.scratch())?.effect;
    }
    Ok(sites)
}

/// Some columns of a row, with the bits they have in the whole row.
fn some(patient: &Patient, at: SimTime, only: &[usize], scratch: &mut Scratch) -> Result<Vec<f64>, SimError> {
    let kinetic = DEVICE.len()..DEVICE.len() + kinetic_columns().len();
    let signal = kinetic.end..kinetic.end + Signals::COLUMNS.len();
    let pump = patient.pump.as_ref();
    let mut signals = None;
    let mut values = Vec::with_capacity(only.len() + 1);
    values.push(at.hours());
    for &column in only {
        let value = if kinetic.contains(&column) {
            patient.kinetics.value_at(at, column - kinetic.start, scratch)?
        } else if signal.contains(&column) {
            let all = match &signals {
                Some(all) => all,
                None => {
                    let baclofen = patient.kinetics.drive(at, scratch)?;
                    let others = sites(patient, at)?;
                    let drive = Drive { baclofen, others };
                    let all = patient.body.signals_under(&patient.response, &drive, at).values();
                    signals.insert(all)
                }
            };
            all[column - signal.start]
        } else {
            match column {
                0 => at.hours(),
                1 => pump.programmed_dose_rate() * 24.0,
                2 => patient.delivered_rate() * 24.0,
                3 => patient.catheter.inflow() * 24.0,
                4 => pump.reservoir_volume(at),
                5 => pump.believed_volume(at),
                6 => patient.catheter.tip_concentration(),
                7 => patient.catheter.pressure(at),
                8 => pump.outlet_concentration(),
                // The last columns are asked for too seldom to be computed apart.
                other => row(patient, at)?.get(other).copied().unwrap_or_default(),
            }
        };
        values.push(value + 0.0);
    }
    Ok(values)
}

/// The columns of [`drug_columns`] for one drug.
fn drug_values(
    patient: &Patient,
    index: usize,
    drug: &DrugRun,
    at: SimTime,
    values: &mut Vec<f64>,
) -> Result<(), SimError> {
    values.extend([
        patient.delivered_rate_of(Some(index)) * 24.0,
        patient.pump.outlet_others().get(index),
        patient.catheter.tip_others().get(index),
    ]);
    let mut all = Vec::new();
    let k = &drug.kinetics;
    k.values(at, &mut k.scratch(), &mut all)?;
    values.extend(shown(k).map(|i| all[i]));
    Ok(())
}

/// Rows kept while a run goes on.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Recorder {
    /// On the grid.
    pub rows: Vec<Vec<f64>>,
    /// Grid and both limits of jumps.
    pub trajectory: Vec<Vec<f64>>,
    /// Accounts on the grid.
    pub ledger: Vec<LedgerRow>,
    /// Accounts of other drugs on the grid, by drug.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drug_ledgers: Vec<Vec<LedgerRow>>,
    /// Whether jumps are recorded.
    pub keep_jumps: bool,
    /// Places of the columns kept; `None` is all of them, and the ledger.
    #[serde(default)]
    pub only: Option<Arc<[usize]>>,
    /// Room for the next look.
    #[serde(skip)]
    pub scratch: Scratch,
}

impl Recorder {
    /// A grid sample of the settled state.
    pub fn sample(&mut self, patient: &Patient, accounts: &Accounts, at: SimTime) -> Result<(), SimError> {
        if let Some(only) = &self.only {
            self.rows.push(some(patient, at, only, &mut self.scratch)?);
            return Ok(());
        }
        let (values, balance) = row_and_balance(patient, at)?;
        if self.keep_jumps {
            self.trajectory.push(values.clone());
        }
        self.rows.push(values);
        self.ledger.push(accounts.row(patient, at, balance));
        self.drug_ledgers.resize_with(patient.drugs.len(), Vec::new);
        for (index, rows) in self.drug_ledgers.iter_mut().enumerate() {
            rows.push(patient.drug_row(index, at)?);
        }
        Ok(())
    }

    /// Names of the columns of its rows.
    pub fn columns(&self, drugs: &[Drug]) -> Vec<String> {
        let all = columns_with(drugs);
        match &self.only {
            None => all,
            Some(only) => [0].iter().chain(only.iter()).map(|i| all[*i].clone()).collect(),
        }
    }

    /// One limit of a jump.
    pub fn limit(&mut self, patient: &Patient, at: SimTime) -> Result<(), SimError> {
        if self.keep_jumps {
            self.trajectory.push(row(patient, at)?);
        }
        Ok(())
    }
}
