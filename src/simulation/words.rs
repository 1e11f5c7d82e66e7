//! Values in words, for details of events.

use std::borrow::Cow;

use crate::pump::PumpNotice;
use crate::response::{Crossed, Syndrome};
use crate::scenario::drugs::Drug;
use crate::scenario::model::Programme;
use crate::signals::Others;

/// A syndrome as tables name it.
pub fn syndrome(s: Syndrome) -> &'static str {
    match s {
        Syndrome::Withdrawal => "withdrawal",
        Syndrome::Overdose => "overdose",
        Syndrome::Therapy => "therapy",
        Syndrome::Complication => "complication",
    }
}

/// A crossing as an event kind.
pub fn crossing(c: Crossed) -> &'static str {
    match c {
        Crossed::Entered => "entered",
        Crossed::Left => "left",
        Crossed::Cleared => "cleared",
        Crossed::Returned => "returned",
    }
}

/// A mixture: baclofen, then what else there is.
pub fn mixture(baclofen: f64, others: Others, drugs: &[Drug]) -> String {
    let mut text = Vec::new();
    if baclofen > 0.0 || others.is_none() {
        text.push(concentration(baclofen));
    }
    for (index, drug) in drugs.iter().enumerate().filter(|(i, _)| others.get(*i) > 0.0) {
        text.push(format!("{} {}", drug.id, concentration(others.get(index))));
    }
    text.join(" + ")
}

/// What a notice of the pump happens to, and what it says.
pub fn notice_name(notice: &PumpNotice) -> (Cow<'static, str>, Cow<'static, str>) {
    if let PumpNotice::RateChanged { .. } = notice {
        // The everyday one, without a text of its own.
        return ("pump".into(), "rate_changed".into());
    }
    let name = notice.name();
    match name.rsplit_once('.') {
        Some((component, kind)) => (component.to_owned().into(), kind.to_owned().into()),
        None => ("pump".into(), name.into()),
    }
}

/// Particulars of a notice.
pub fn notice_detail(notice: &PumpNotice) -> String {
    match notice {
        PumpNotice::AlarmRaised(alarm) => {
            let (class, grade) = (alarm.class.as_str(), alarm.grade.as_str());
            format!("{class}, {grade} priority by IEC 60601-1-8")
        }
        PumpNotice::RateChanged { flow, dose_rate: rate } => {
            format!("{} mL/day, {} by the label", number(flow * 24.0), dose_rate(*rate))
        }
        PumpNotice::RateLimited { requested, delivered } => format!(
            "{} mL/day asked for, {} mL/day delivered",
            number(requested * 24.0),
            number(delivered * 24.0)
        ),
        PumpNotice::BolusGranted { dose: d } => dose(*d),
        PumpNotice::BolusRefused { why } => why.words().to_owned(),
        PumpNotice::Deformed { lost } => format!("{} mL of capacity lost", number(*lost)),
        _ => String::new(),
    }
}

/// Three significant digits without an exponent.
pub fn number(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        (2 - libm::floor(libm::log10(value.abs())) as i32).clamp(0, 6)
    };
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A dose rate given in ug/h, as ug/day.
pub fn dose_rate(ug_per_h: f64) -> String {
    format!("{} ug/day", number(ug_per_h * 24.0))
}

/// A dose given in ug.
pub fn dose(ug: f64) -> String {
    if ug.abs() >= 1000.0 {
        format!("{} mg", number(ug / 1000.0))
    } else {
        format!("{} ug", number(ug))
    }
}

/// A concentration given in ug/mL.
pub fn concentration(ug_per_ml: f64) -> String {
    if ug_per_ml >= 1000.0 {
        format!("{} mg/mL", number(ug_per_ml / 1000.0))
    } else {
        format!("{} ug/mL", number(ug_per_ml))
    }
}

/// A programme in words.
pub fn programme(mode: &Programme) -> String {
    match mode {
        Programme::SimpleContinuous { rate } => format!("simple continuous, {}", dose_rate(*rate)),
        Programme::Flex { steps } => format!("flex, {} steps", steps.len()),
        Programme::PeriodicBolus {
            dose: d, every, basal, ..
        } => {
            format!("{} every {} h on {}", dose(*d), number(*every), dose_rate(*basal))
        }
        Programme::SingleBolus { dose: d, over } => format!("single bolus of {} over {} h", dose(*d), number(*over)),
        Programme::PrimingBolus { volume, .. } => match volume {
            Some(v) => format!("priming bolus of {} mL", number(*v)),
            None => "priming bolus of tube and catheter".to_owned(),
        },
        Programme::BridgeBolus {
            old_concentration,
            bridge_rate,
            then_rate,
            ..
        } => format!(
            "bridge from {} at {}, then {}",
            concentration(*old_concentration),
            dose_rate(*bridge_rate),
            dose_rate(*then_rate)
        ),
        Programme::PatientBolus {
            dose: d,
            lockout,
            most_per_day,
            ..
        } => format!(
            "on demand {}, not within {} h of the last, {most_per_day} in 24 h at most",
            dose(*d),
            number(*lockout)
        ),
        Programme::NoPatientBolus => "no bolus on demand".to_owned(),
        Programme::MinimumRate => "minimum rate, no therapy".to_owned(),
        Programme::Stopped => "pump stopped".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_significant_digits() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(400.0), "400");
        assert_eq!(number(1234.4), "1234");
        assert_eq!(number(0.3948), "0.395");
        assert_eq!(number(12.0), "12");
        assert_eq!(dose(40_000.0), "40 mg");
        assert_eq!(dose_rate(400.0 / 24.0), "400 ug/day");
    }
}
