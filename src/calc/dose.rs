//! Dose rate, concentration and flow.

use serde::Serialize;

use super::{CalcError, finite, positive, positive_flow, positive_rate};

/// One dose rate in the ways it is written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dose {
    /// Concentration \[ug/mL\].
    pub concentration: f64,
    /// Dose rate \[ug/h\].
    pub dose_rate: f64,
    /// Volume rate \[mL/h\].
    pub flow: f64,
}

/// Flow of a dose rate \[ug/h\] at a concentration \[ug/mL\].
///
/// # Errors
/// [`CalcError`] unless both are positive.
pub fn dose(dose_rate: f64, concentration: f64) -> Result<Dose, CalcError> {
    let dose_rate = positive_rate("the dose", dose_rate)?;
    let concentration = positive("the concentration", concentration, "ug/mL")?;
    Ok(Dose {
        concentration,
        dose_rate,
        flow: positive_flow("the flow", finite("the flow", dose_rate / concentration)?)?,
    })
}

impl Dose {
    /// From a flow \[mL/h\] instead.
    ///
    /// # Errors
    /// As [`dose`].
    pub fn of_flow(flow: f64, concentration: f64) -> Result<Self, CalcError> {
        let flow = positive_flow("the flow", flow)?;
        let concentration = positive("the concentration", concentration, "ug/mL")?;
        Ok(Self {
            concentration,
            dose_rate: positive_rate("the dose", finite("the dose", flow * concentration)?)?,
            flow,
        })
    }
}
