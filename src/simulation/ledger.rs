//! The ledger: where every microgram is, checked at every event.
//!
//! Device: filled = reservoir + catheter + delivered + leaked + aspirated.
//! Body: initial + given + delivered + leaked = in body + eliminated (with what
//! was drained or never absorbed). Both must close to [`LIMIT`] of all drug.

use serde::{Deserialize, Serialize};

use crate::engine::SimTime;
use crate::numerics::Scratch;

use super::error::SimError;
use super::patient::Patient;
use super::result::LedgerRow;

/// Accepted imbalance, relative to all drug in the account.
pub const LIMIT: f64 = 1e-9;

/// Drug that entered or left the accounts by other ways than the catheter.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Accounts {
    /// Filled into pump, tube and catheter \[ug\].
    pub filled: f64,
    /// Drawn out of the reservoir \[ug\].
    pub aspirated: f64,
    /// Given straight to the body \[ug\].
    pub given: f64,
    /// In the body at the start \[ug\].
    pub initial: f64,
    /// Largest relative imbalance so far.
    pub worst: f64,
}

/// Drug in the device, and what left it so far \[ug\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// In the reservoir.
    pub reservoir: f64,
    /// In tube and catheter.
    pub catheter: f64,
    /// Into the spinal fluid.
    pub delivered: f64,
    /// Elsewhere.
    pub leaked: f64,
    /// By needles still at work.
    pub infused: f64,
}

impl Accounts {
    /// The accounts at an instant, with drug in the body and eliminated \[ug\] there.
    pub fn row(&self, patient: &Patient, at: SimTime, balance: (f64, f64)) -> LedgerRow {
        let (delivered, leaked) = patient.delivered_and_leaked(at);
        let held = Held {
            reservoir: patient.pump.reservoir_drug(at),
            catheter: patient.catheter.drug(at),
            delivered,
            leaked,
            infused: patient.infused(at),
        };
        self.row_of(held, at, balance)
    }

    /// The accounts of any drug, from what pump, line and needles hold or have given.
    pub fn row_of(&self, held: Held, at: SimTime, (body, eliminated): (f64, f64)) -> LedgerRow {
        let Held {
            reservoir,
            catheter,
            delivered,
            leaked,
            infused,
        } = held;
        let given = self.given + infused;
        let device = self.filled - (reservoir + catheter + delivered + leaked + self.aspirated);
        let person = self.initial + given + delivered + leaked - (body + eliminated);
        let device_scale = self.filled.max(1.0);
        let person_scale = (self.initial + given + delivered + leaked).max(1.0);
        LedgerRow {
            time_h: at.hours(),
            filled_ug: self.filled + 0.0,
            reservoir_ug: reservoir + 0.0,
            catheter_ug: catheter + 0.0,
            delivered_ug: delivered + 0.0,
            leaked_ug: leaked + 0.0,
            aspirated_ug: self.aspirated + 0.0,
            given_ug: given + 0.0,
            initial_ug: self.initial + 0.0,
            body_ug: body + 0.0,
            eliminated_ug: eliminated + 0.0,
            residual: (device / device_scale).abs().max((person / person_scale).abs()),
        }
    }

    /// Checks both balances.
    ///
    /// # Errors
    /// [`SimError::Ledger`] if one is off by more than [`LIMIT`].
    pub fn check(&mut self, patient: &Patient, at: SimTime, scratch: &mut Scratch) -> Result<(), SimError> {
        let balance = patient.kinetics.balance(at, scratch)?;
        let row = self.row(patient, at, balance);
        self.accept(&row)
    }

    /// Checks both balances of a row.
    ///
    /// # Errors
    /// As [`Accounts::check`].
    pub fn accept(&mut self, row: &LedgerRow) -> Result<(), SimError> {
        self.worst = self.worst.max(row.residual);
        if row.residual.is_finite() && row.residual <= LIMIT {
            return Ok(());
        }
        let device =
            row.filled_ug - (row.reservoir_ug + row.catheter_ug + row.delivered_ug + row.leaked_ug + row.aspirated_ug);
        let what = if (device / row.filled_ug.max(1.0)).abs() > LIMIT {
            "filled = reservoir + catheter + delivered + leaked + aspirated"
        } else {
            "delivered + given = in body + eliminated"
        };
        Err(SimError::Ledger {
            what,
            residual: row.residual,
            limit: LIMIT,
        })
    }
}
