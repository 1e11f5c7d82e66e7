//! What a run writes down: the columns, and the recorder that fills them.

use crate::engine::SimTime;
use crate::signals::Level;

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

/// Columns after the concentrations.
const BODY: [&str; 17] = [
    "effect_legs",
    "effect_trunk",
    "effect_arms",
    "effect_brainstem",
    "ashworth_legs",
    "ashworth_arms",
    "spasm_score",
    "h_over_m_percent",
    "tolerance",
    "withdrawal_index",
    "sedation",
    "gcs",
    "heart_rate_per_min",
    "temperature_c",
    "resp_rate_per_min",
    "systolic_mmhg",
    "spo2_percent",
];

/// Names of all columns, unit in the name; `time_h` first.
pub fn columns() -> Vec<String> {
    let mut names: Vec<String> = DEVICE.iter().map(|s| (*s).to_owned()).collect();
    names.extend(concentration_columns());
    names.extend(BODY.iter().map(|s| (*s).to_owned()));
    names
}

/// Names of the columns that are linear in the kinetic state.
pub fn concentration_columns() -> Vec<String> {
    let mut names: Vec<String> = Level::ALL
        .iter()
        .map(|l| format!("csf_{}_ng_per_ml", l.lower()))
        .collect();
    names.push("csf_cisternal_ng_per_ml".to_owned());
    names.push("csf_cranial_ng_per_ml".to_owned());
    names.push("plasma_ng_per_ml".to_owned());
    names
}

/// One output row at an instant, as the state stands there.
pub fn row(patient: &Patient, at: SimTime) -> Vec<f64> {
    let mut values = Vec::with_capacity(DEVICE.len() + BODY.len() + 30);
    let pump = patient.pump.as_ref();
    values.extend([
        at.hours(),
        pump.programmed_dose_rate() * 24.0,
        patient.delivered_rate() * 24.0,
        patient.catheter.inflow() * 24.0,
        pump.reservoir_volume(at),
        pump.believed_volume(at),
        patient.catheter.tip_concentration(at),
        patient.catheter.pressure(at),
        pump.reservoir_concentration(),
    ]);
    patient.kinetics.concentrations(at, &mut values);
    let s = patient.signals(at);
    values.extend([
        s.effect_legs,
        s.effect_trunk,
        s.effect_arms,
        s.effect_brainstem,
        s.ashworth_legs,
        s.ashworth_arms,
        s.spasm_score,
        s.h_over_m_percent,
        s.tolerance,
        s.withdrawal_index,
        s.sedation,
        s.gcs,
        s.heart_rate_per_min,
        s.temperature_c,
        s.resp_rate_per_min,
        s.systolic_mmhg,
        s.spo2_percent,
    ]);
    for v in &mut values {
        // An exact zero has one sign in every file.
        *v += 0.0;
    }
    values
}

/// Rows kept while a run goes on.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    /// On the grid.
    pub rows: Vec<Vec<f64>>,
    /// Grid and both limits of jumps.
    pub trajectory: Vec<Vec<f64>>,
    /// Accounts on the grid.
    pub ledger: Vec<LedgerRow>,
    /// Whether jumps are recorded.
    pub keep_jumps: bool,
}

impl Recorder {
    /// A grid sample of the settled state.
    pub fn sample(&mut self, patient: &Patient, accounts: &Accounts, at: SimTime) -> Result<(), SimError> {
        let values = row(patient, at);
        if self.keep_jumps {
            self.trajectory.push(values.clone());
        }
        self.rows.push(values);
        self.ledger.push(accounts.row(patient, at));
        Ok(())
    }

    /// One limit of a jump.
    pub fn limit(&mut self, patient: &Patient, at: SimTime) {
        if self.keep_jumps {
            self.trajectory.push(row(patient, at));
        }
    }
}
