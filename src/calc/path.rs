//! Tube and catheter: the volume that stands between a new concentration and the tip.

use serde::Serialize;

use super::{CalcError, dose, finite, not_negative, positive, positive_flow, positive_rate};

/// Volume from the reservoir to the tip \[mL\]: the pump's tube \[mL\] and a catheter of
/// this length \[cm\] and volume per length \[mL/cm\].
///
/// # Errors
/// [`CalcError`] if the tube is negative or the others are not positive.
pub fn path_volume(tube: f64, length: f64, per_length: f64) -> Result<f64, CalcError> {
    let tube = not_negative("the tube volume", tube, "mL")?;
    let length = positive("the length", length, "cm")?;
    let per_length = positive("the volume per length", per_length, "mL/cm")?;
    finite("the volume", tube + length * per_length)
}

/// How long a change of concentration takes to the tip \[h\], at a flow \[mL/h\]. A change
/// of rate takes no time.
///
/// # Errors
/// [`CalcError`] unless both are positive.
pub fn transport(volume: f64, flow: f64) -> Result<f64, CalcError> {
    let volume = positive("the volume", volume, "mL")?;
    let flow = positive_flow("the flow", flow)?;
    finite("the delay", volume / flow)
}

/// A change of concentration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BridgeInput {
    /// Volume of tube and catheter \[mL\].
    pub volume: f64,
    /// Concentration still in them \[ug/mL\].
    pub old_concentration: f64,
    /// Concentration now in the reservoir and in the programmer \[ug/mL\].
    pub new_concentration: f64,
    /// Dose rate meant during the bridge \[ug/h\].
    pub bridge_rate: f64,
    /// Dose rate meant afterwards \[ug/h\].
    pub new_rate: f64,
}

/// A bridge bolus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bridge {
    /// Volume bridged \[mL\].
    pub volume: f64,
    /// How long it lasts \[h\].
    pub duration: f64,
    /// Flow during the bridge \[mL/h\].
    pub flow: f64,
    /// Dose the programmer is given, which counts in the new label \[ug\].
    pub entered_dose: f64,
    /// Flow afterwards \[mL/h\].
    pub flow_after: f64,
    /// What happens without it.
    pub omitted: Omitted,
}

/// What the tip gets if the new programme starts at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Omitted {
    /// Old drug at the new flow \[ug/h\].
    pub dose_rate: f64,
    /// The same over the dose meant afterwards \[1\].
    pub ratio: f64,
    /// For how long \[h\].
    pub duration: f64,
}

/// The bridge from an old concentration to a new one: the old drug, V, runs at the old
/// dose, D, so for T = V C_old / D at the flow D / C_old; the programmer counts in the new
/// label and is given V C_new.
///
/// # Errors
/// [`CalcError`] unless all values are positive.
pub fn bridge(input: &BridgeInput) -> Result<Bridge, CalcError> {
    let volume = positive("the volume", input.volume, "mL")?;
    let flow = dose(
        positive_rate("the dose during the bridge", input.bridge_rate)?,
        positive("the old concentration", input.old_concentration, "ug/mL")?,
    )?
    .flow;
    let new_rate = positive_rate("the dose afterwards", input.new_rate)?;
    let after = dose(
        new_rate,
        positive("the new concentration", input.new_concentration, "ug/mL")?,
    )?;
    let undelayed = after.flow * input.old_concentration;
    Ok(Bridge {
        volume,
        duration: transport(volume, flow)?,
        flow,
        entered_dose: finite("the dose entered", volume * input.new_concentration)?,
        flow_after: after.flow,
        omitted: Omitted {
            dose_rate: finite("the dose without a bridge", undelayed)?,
            ratio: undelayed / new_rate,
            duration: transport(volume, after.flow)?,
        },
    })
}

/// What is to be filled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrimeInput {
    /// Volume of the pump's own tube \[mL\].
    pub tube: f64,
    /// Volume of the catheter \[mL\].
    pub catheter: f64,
    /// Whether the catheter holds drug already (a new pump on an old catheter).
    pub catheter_filled: bool,
    /// Flow of the priming bolus \[mL/h\].
    pub flow: f64,
    /// Concentration, if the dose is wanted \[ug/mL\].
    pub concentration: Option<f64>,
}

/// A priming bolus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prime {
    /// Volume \[mL\].
    pub volume: f64,
    /// How long it takes \[h\].
    pub duration: f64,
    /// Dose it counts as in the programmer; none of it reaches the patient \[ug\].
    pub dose: Option<f64>,
}

/// Tube and catheter of a new system, the tube alone where the catheter holds drug.
///
/// # Errors
/// [`CalcError`] if a volume is negative, nothing is to be filled, or flow or
/// concentration is not positive.
pub fn prime(input: &PrimeInput) -> Result<Prime, CalcError> {
    let tube = not_negative("the tube volume", input.tube, "mL")?;
    let catheter = not_negative("the catheter volume", input.catheter, "mL")?;
    let volume = positive(
        "the volume to fill",
        if input.catheter_filled { tube } else { tube + catheter },
        "mL",
    )?;
    let dose = match input.concentration {
        Some(c) => Some(finite("the dose", volume * positive("the concentration", c, "ug/mL")?)?),
        None => None,
    };
    Ok(Prime {
        volume,
        duration: transport(volume, input.flow)?,
        dose,
    })
}
