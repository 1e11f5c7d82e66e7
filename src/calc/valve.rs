//! A valve-gated pump: how often the valves open.

use serde::Serialize;

use super::{CalcError, dose, finite, positive};

/// A valve-gated pump and its programme.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValveInput {
    /// Dose rate \[ug/h\].
    pub dose_rate: f64,
    /// Concentration \[ug/mL\].
    pub concentration: f64,
    /// Volume of one actuation \[mL\].
    pub actuation: f64,
    /// Volume in the reservoir \[mL\].
    pub reservoir: f64,
}

/// What the valves do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Valve {
    /// Actuations in a day \[1\].
    pub per_day: f64,
    /// From one to the next \[h\].
    pub interval: f64,
    /// Dose of one \[ug\].
    pub dose_each: f64,
    /// Until the reservoir is empty \[h\].
    pub to_empty: f64,
}

/// Actuations a day = dose / (concentration x volume of one).
///
/// # Errors
/// [`CalcError`] unless all values are positive.
pub fn valve(input: &ValveInput) -> Result<Valve, CalcError> {
    const DAY: f64 = 24.0;
    let actuation = positive("the volume of an actuation", input.actuation, "mL")?;
    let reservoir = positive("the reservoir", input.reservoir, "mL")?;
    let flow = dose(input.dose_rate, input.concentration)?.flow;
    Ok(Valve {
        per_day: finite("the number of actuations", DAY * flow / actuation)?,
        interval: finite("the interval", actuation / flow)?,
        dose_each: finite("the dose of an actuation", input.concentration * actuation)?,
        to_empty: finite("the time to empty", reservoir / flow)?,
    })
}
