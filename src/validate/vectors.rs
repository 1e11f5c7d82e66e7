//! Calculators as measures: the vectors of published and derived arithmetic.

use crate::calc::{self, CalcError};
use crate::parameters::ParameterSet;

use super::ask::{Ask, AskError};

const DAY: f64 = 24.0;

/// The output of a calculator for the inputs in `with`.
pub(super) fn vector(ask: &Ask, p: &ParameterSet) -> Result<f64, AskError> {
    let refused = |e: CalcError| AskError::Value {
        what: ask.what.clone(),
        problem: e.to_string(),
    };
    let input = |name: &str| ask.input(name);
    let or = |name: &str, default: f64| {
        if ask.with.contains_key(name) {
            input(name)
        } else {
            Ok(default)
        }
    };
    let path = || -> Result<f64, AskError> {
        if ask.with.contains_key("volume") {
            return input("volume");
        }
        calc::path_volume(
            p.get("catheter.tube_volume"),
            input("length")?,
            p.get("catheter.volume_per_length"),
        )
        .map_err(refused)
    };
    let outputs: Vec<(&str, f64)> = match ask.what.as_str() {
        "calc.refill" => {
            let r = calc::refill(&calc::RefillInput {
                fill: input("fill")?,
                alarm_volume: input("alarm")?,
                concentration: input("concentration")?,
                dose_rate: input("dose")? / DAY,
                gain: or("gain", 1.0)?,
                lead: 0.0,
            })
            .map_err(refused)?;
            vec![
                ("flow", r.flow * DAY),
                ("to-alarm", r.to_alarm / DAY),
                ("to-empty", r.to_empty / DAY),
                ("true-low", r.true_to_alarm_volume / DAY),
                ("true-empty", r.true_to_empty / DAY),
                ("empty-after-alarm", (r.true_to_empty - r.to_alarm) / DAY),
            ]
        }
        "calc.path" => vec![("volume", path()?)],
        "calc.bridge" => {
            let b = calc::bridge(&calc::BridgeInput {
                volume: path()?,
                old_concentration: input("old")?,
                new_concentration: input("new")?,
                bridge_rate: input("dose")? / DAY,
                new_rate: input("then")? / DAY,
            })
            .map_err(refused)?;
            vec![
                ("hours", b.duration),
                ("rate", b.flow * DAY),
                ("entered", b.entered_dose),
                ("omitted-dose", b.omitted.dose_rate * DAY),
                ("omitted-hours", b.omitted.duration),
            ]
        }
        "calc.valve" => {
            let v = calc::valve(&calc::ValveInput {
                dose_rate: input("dose")? / DAY,
                concentration: input("concentration")?,
                actuation: p.get("calc.valve.actuation"),
                reservoir: input("reservoir")?,
            })
            .map_err(refused)?;
            vec![
                ("per-day", v.per_day),
                ("interval", v.interval * 60.0),
                ("each", v.dose_each),
                ("to-empty", v.to_empty / DAY),
            ]
        }
        "calc.transport" => vec![(
            "hours",
            calc::transport(path()?, input("flow")? / DAY).map_err(refused)?,
        )],
        "calc.occlusion" => {
            let o = calc::occlusion(&calc::OcclusionInput {
                flow: input("flow")?,
                baseline: input("baseline")?,
                threshold: input("threshold")?,
                compliance: input("compliance")?,
                latency: input("latency")? / 3600.0,
            })
            .map_err(refused)?;
            let limit = or("limit", 120.0)? / 3600.0;
            vec![
                ("bolus", o.stored),
                ("seconds", o.to_alarm * 3600.0),
                ("threshold", o.threshold_for(limit)),
            ]
        }
        "calc.trumpet" => {
            let minutes = |name: &str| Ok::<f64, AskError>(input(name)? / 60.0);
            let (sample, from, to) = (minutes("sample")?, minutes("from")?, minutes("to")?);
            let volumes = calc::pulse_train(input("stroke")? * 1e-3, minutes("every")?, sample, to).map_err(refused)?;
            let flow = input("stroke")? * 1e-3 / minutes("every")?;
            let t = calc::trumpet(&volumes, sample, flow, (from, to), minutes("window")?).map_err(refused)?;
            vec![
                ("max", t.largest),
                ("min", t.smallest),
                ("windows", t.windows as f64),
                ("mean", t.mean),
            ]
        }
        _ => {
            return Err(AskError::NoMeasure { what: ask.what.clone() });
        }
    };
    let wanted = ask.output.as_deref().ok_or_else(|| AskError::Missing {
        what: ask.what.clone(),
        field: "output",
    })?;
    outputs
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| *value)
        .ok_or_else(|| AskError::Value {
            what: ask.what.clone(),
            problem: format!("no output `{wanted}`"),
        })
}
