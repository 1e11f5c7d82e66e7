//! When the reservoir runs out, by the programme and in truth.

use serde::Serialize;

use super::{CalcError, dose, finite, not_negative, positive};

/// A filled reservoir and its programme.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefillInput {
    /// Volume filled \[mL\].
    pub fill: f64,
    /// Volume at which the low-reservoir alarm is due \[mL\].
    pub alarm_volume: f64,
    /// Concentration \[ug/mL\].
    pub concentration: f64,
    /// Programmed dose rate \[ug/h\].
    pub dose_rate: f64,
    /// Delivered over programmed volume \[1\].
    pub gain: f64,
    /// How long before the alarm the refill is planned \[h\].
    pub lead: f64,
}

/// Times from the fill.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Refill {
    /// Programmed flow \[mL/h\].
    pub flow: f64,
    /// To the low-reservoir alarm, which counts the programme \[h\].
    pub to_alarm: f64,
    /// To an empty reservoir by the programme \[h\].
    pub to_empty: f64,
    /// To the planned refill; not before the fill \[h\].
    pub to_refill: f64,
    /// To the volume of the alarm in truth \[h\].
    pub true_to_alarm_volume: f64,
    /// To an empty reservoir in truth \[h\].
    pub true_to_empty: f64,
    /// How the alarm stands to the truth.
    pub timing: AlarmTiming,
}

/// How a computed alarm stands to what is in the reservoir.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "is", content = "by_h", rename_all = "snake_case")]
pub enum AlarmTiming {
    /// At the volume it is meant for.
    OnTime,
    /// Before the reservoir is down to that volume, by so long \[h\].
    Early(f64),
    /// After the reservoir is down to that volume, by so long \[h\].
    Late(f64),
    /// After the reservoir is empty, by so long \[h\].
    AfterEmpty(f64),
}

/// Times to alarm, empty and refill: (fill - alarm) / flow and fill / flow, and the same
/// at the true flow, which is `gain` times the programmed one.
///
/// # Errors
/// [`CalcError`] if a value is not positive, the lead or alarm volume is negative, or the
/// alarm is not below the fill.
pub fn refill(input: &RefillInput) -> Result<Refill, CalcError> {
    let fill = positive("the volume", input.fill, "mL")?;
    let alarm = not_negative("the alarm volume", input.alarm_volume, "mL")?;
    let flow = dose(input.dose_rate, input.concentration)?.flow;
    let gain = positive("the gain", input.gain, "times the programme")?;
    let lead = not_negative("the lead time", input.lead / 24.0, "days").map(|_| input.lead + 0.0)?;
    if alarm >= fill {
        return Err(CalcError::AlarmAboveFill { alarm, fill });
    }
    let to_alarm = finite("the time to the alarm", (fill - alarm) / flow)?;
    let to_empty = finite("the time to empty", fill / flow)?;
    let true_to_alarm_volume = finite("the true time to the alarm volume", to_alarm / gain)?;
    let true_to_empty = finite("the true time to empty", to_empty / gain)?;
    let timing = if true_to_empty < to_alarm {
        AlarmTiming::AfterEmpty(to_alarm - true_to_empty)
    } else if true_to_alarm_volume < to_alarm {
        AlarmTiming::Late(to_alarm - true_to_alarm_volume)
    } else if true_to_alarm_volume > to_alarm {
        AlarmTiming::Early(true_to_alarm_volume - to_alarm)
    } else {
        AlarmTiming::OnTime
    };
    Ok(Refill {
        flow,
        to_alarm,
        to_empty,
        to_refill: (to_alarm - lead).max(0.0),
        true_to_alarm_volume,
        true_to_empty,
        timing,
    })
}
