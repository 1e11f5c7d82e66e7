//! `itbsim calc`: the arithmetic of the clinic, step by step.

use serde_json::{Value, json};

use crate::calc::{self, AlarmTiming, BridgeInput, CalcError, Date, Dose, PrimeInput, RefillInput, ValveInput};
use crate::parameters::ParameterSet;
use crate::quantity::{self, Dimension};

use super::{Failure, print, print_json};

const DAY: f64 = 24.0;
const NOTICE: &str = "For teaching and research, never for treating a person.";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calc refill --volume \"20 mL\" --concentration \"2 mg/mL\" --dose \"400 ug/day\" --gain 1.145
  itbsim calc bridge --length \"89 cm\" --from \"500 ug/mL\" --to \"2000 ug/mL\" --dose \"100 ug/day\"
  itbsim calc prime --length \"89 cm\" --filled-catheter
  itbsim calc valve --dose \"400 ug/day\" --concentration \"2 mg/mL\"

Quantities are a number with a unit, in quotes. For teaching and research, never for treating a person.")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Days to the low-reservoir alarm and to empty, by the programme and in truth
    Refill(RefillArgs),
    /// The bolus that carries a change of concentration, and what happens without it
    Bridge(BridgeArgs),
    /// Volume and time that fill tube and catheter
    Prime(PrimeArgs),
    /// Actuations of a valve-gated pump
    Valve(ValveArgs),
    /// How long a change of concentration takes to the tip
    Transport(TransportArgs),
    /// A dose as flow, a flow as dose
    Dose(DoseArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calc refill --volume \"20 mL\" --concentration \"2000 ug/mL\" --dose \"400 ug/day\"
  itbsim calc refill --volume \"18 mL\" --alarm \"4 mL\" --concentration \"500 ug/mL\" --dose \"200 ug/day\" --filled 2026-03-01 --json")]
struct RefillArgs {
    /// Volume filled, for example "20 mL"
    #[arg(long, value_parser = volume, allow_hyphen_values = true)]
    volume: f64,
    /// Concentration, for example "2 mg/mL"
    #[arg(long, value_parser = concentration, allow_hyphen_values = true)]
    concentration: f64,
    /// Programmed dose, for example "400 ug/day"
    #[arg(long, value_parser = dose_rate, allow_hyphen_values = true)]
    dose: f64,
    /// Volume of the low-reservoir alarm, 2 mL if not given
    #[arg(long, value_parser = volume, allow_hyphen_values = true)]
    alarm: Option<f64>,
    /// Delivered over programmed volume, for example 1.145
    #[arg(long, value_parser = number, default_value = "1", allow_hyphen_values = true)]
    gain: f64,
    /// Time from the planned refill to the alarm, 7 days if not given
    #[arg(long, value_parser = time, allow_hyphen_values = true)]
    lead: Option<f64>,
    /// Day of the fill, YYYY-MM-DD, to name days instead of counting them
    #[arg(long, value_parser = date)]
    filled: Option<Date>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

/// The volume between reservoir and tip.
#[derive(Debug, clap::Args)]
struct PathArgs {
    /// Implanted length of the catheter, for example "89 cm"
    #[arg(
        long,
        value_parser = length,
        required_unless_present = "path_volume",
        conflicts_with = "path_volume",
        allow_hyphen_values = true
    )]
    length: Option<f64>,
    /// Volume of tube and catheter, if it is known, for example "0.4 mL"
    #[arg(long, value_parser = volume, conflicts_with_all = ["tube", "per_length"], allow_hyphen_values = true)]
    path_volume: Option<f64>,
    /// Volume of the pump's own tube, 0.199 mL if not given
    #[arg(long, value_parser = volume, allow_hyphen_values = true)]
    tube: Option<f64>,
    /// Catheter volume per length, 0.0022 mL/cm if not given
    #[arg(long, value_parser = per_length, allow_hyphen_values = true)]
    per_length: Option<f64>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calc bridge --length \"89 cm\" --from \"2000 ug/mL\" --to \"500 ug/mL\" --dose \"400 ug/day\"
  itbsim calc bridge --path-volume \"0.4 mL\" --from \"2 mg/mL\" --to \"3 mg/mL\" --dose \"600 ug/day\" --then \"660 ug/day\"")]
struct BridgeArgs {
    #[command(flatten)]
    path: PathArgs,
    /// Concentration still in tube and catheter, for example "500 ug/mL"
    #[arg(long, value_parser = concentration, allow_hyphen_values = true)]
    from: f64,
    /// Concentration now in the reservoir, for example "2000 ug/mL"
    #[arg(long, value_parser = concentration, allow_hyphen_values = true)]
    to: f64,
    /// Dose during the bridge, for example "100 ug/day"
    #[arg(long, value_parser = dose_rate, allow_hyphen_values = true)]
    dose: f64,
    /// Dose afterwards, the same if not given
    #[arg(long, value_parser = dose_rate, allow_hyphen_values = true)]
    then: Option<f64>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calc prime --length \"89 cm\" --concentration \"2 mg/mL\"
  itbsim calc prime --length \"89 cm\" --filled-catheter --rate \"24 mL/day\" --json")]
struct PrimeArgs {
    /// Implanted length of the catheter, for example "89 cm"
    #[arg(long, value_parser = length, allow_hyphen_values = true)]
    length: f64,
    /// Volume of the pump's own tube, 0.199 mL if not given
    #[arg(long, value_parser = volume, allow_hyphen_values = true)]
    tube: Option<f64>,
    /// Catheter volume per length, 0.0022 mL/cm if not given
    #[arg(long, value_parser = per_length, allow_hyphen_values = true)]
    per_length: Option<f64>,
    /// The catheter holds drug already, so only the tube is filled
    #[arg(long)]
    filled_catheter: bool,
    /// Flow of the bolus, the largest the pump can give if not given
    #[arg(long, value_parser = flow, allow_hyphen_values = true)]
    rate: Option<f64>,
    /// Concentration, to name the dose the bolus counts as
    #[arg(long, value_parser = concentration, allow_hyphen_values = true)]
    concentration: Option<f64>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calc valve --dose \"100 ug/day\" --concentration \"500 ug/mL\"
  itbsim calc valve --dose \"400 ug/day\" --concentration \"2 mg/mL\" --reservoir \"40 mL\" --json")]
struct ValveArgs {
    /// Programmed dose, for example "400 ug/day"
    #[arg(long, value_parser = dose_rate, allow_hyphen_values = true)]
    dose: f64,
    /// Concentration, for example "2 mg/mL"
    #[arg(long, value_parser = concentration, allow_hyphen_values = true)]
    concentration: f64,
    /// Volume of one actuation, 2.5 uL if not given
    #[arg(long, value_parser = volume, allow_hyphen_values = true)]
    actuation: Option<f64>,
    /// Volume in the reservoir, 20 mL if not given
    #[arg(long, value_parser = volume, allow_hyphen_values = true)]
    reservoir: Option<f64>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calc transport --length \"89 cm\" --rate \"0.25 mL/day\"
  itbsim calc transport --path-volume \"0.4 mL\" --rate \"0.1 mL/day\" --json")]
struct TransportArgs {
    #[command(flatten)]
    path: PathArgs,
    /// Flow, for example "0.25 mL/day"
    #[arg(long, value_parser = flow, allow_hyphen_values = true)]
    rate: f64,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim calc dose --dose \"400 ug/day\" --concentration \"2 mg/mL\"
  itbsim calc dose --flow \"0.2 mL/day\" --concentration \"2 mg/mL\" --json")]
struct DoseArgs {
    /// Dose, for example "400 ug/day"
    #[arg(
        long,
        value_parser = dose_rate,
        required_unless_present = "flow",
        conflicts_with = "flow",
        allow_hyphen_values = true
    )]
    dose: Option<f64>,
    /// Flow, for example "0.2 mL/day"
    #[arg(long, value_parser = flow, allow_hyphen_values = true)]
    flow: Option<f64>,
    /// Concentration, for example "2 mg/mL"
    #[arg(long, value_parser = concentration, allow_hyphen_values = true)]
    concentration: f64,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

fn read(text: &str, dimension: Dimension) -> Result<f64, String> {
    quantity::parse(text, dimension).map_err(|problem| match problem.help() {
        Some(help) => format!("{problem}; {help}"),
        None => problem.to_string(),
    })
}

fn volume(text: &str) -> Result<f64, String> {
    read(text, Dimension::Volume)
}

fn concentration(text: &str) -> Result<f64, String> {
    read(text, Dimension::Concentration)
}

fn dose_rate(text: &str) -> Result<f64, String> {
    read(text, Dimension::DoseRate)
}

fn flow(text: &str) -> Result<f64, String> {
    read(text, Dimension::VolumeFlow)
}

fn length(text: &str) -> Result<f64, String> {
    read(text, Dimension::Length)
}

fn time(text: &str) -> Result<f64, String> {
    read(text, Dimension::Time)
}

fn number(text: &str) -> Result<f64, String> {
    read(text, Dimension::Number)
}

fn per_length(text: &str) -> Result<f64, String> {
    quantity::convert(text, "mL/cm").map_err(|problem| match problem.help() {
        Some(help) => format!("{problem}; {help}"),
        None => problem.to_string(),
    })
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|e: calc::DateError| e.to_string())
}

impl From<CalcError> for Failure {
    fn from(error: CalcError) -> Self {
        Failure::Input(format!("error: {error}"))
    }
}

impl From<calc::DateError> for Failure {
    fn from(error: calc::DateError) -> Self {
        Failure::Input(format!("error: {error}"))
    }
}

/// A calculation as it is told: its steps, and its results with units in their names.
struct Told {
    title: &'static str,
    steps: Vec<(&'static str, String)>,
    result: Value,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let defaults = ParameterSet::default();
    let (told, json) = match &args.what {
        What::Refill(a) => (refill(a, &defaults)?, a.json),
        What::Bridge(a) => (bridge(a, &defaults)?, a.json),
        What::Prime(a) => (prime(a, &defaults)?, a.json),
        What::Valve(a) => (valve(a, &defaults)?, a.json),
        What::Transport(a) => (transport(a, &defaults)?, a.json),
        What::Dose(a) => (dose(a)?, a.json),
    };
    if json {
        let steps: Vec<Value> = told
            .steps
            .iter()
            .map(|(what, how)| json!({"what": what, "how": how}))
            .collect();
        return print_json(&json!({
            "calculation": told.title, "result": told.result, "steps": steps, "notice": NOTICE
        }));
    }
    let wide = told.steps.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
    let mut text = format!("{}\n", told.title);
    for (what, how) in &told.steps {
        text.push_str(&format!("  {what:<wide$}  {how}\n"));
    }
    text.push_str(&format!("\n{NOTICE}\n"));
    print(&text)
}

/// Up to four decimals; six significant digits of what is smaller, or so large that it would be
/// a line of zeros.
fn n(value: f64) -> String {
    if value != 0.0 && !(1e-12..1e15).contains(&value.abs()) {
        return format!("{value:.5e}");
    }
    let text = if value != 0.0 && value.abs() < 0.01 {
        let exponent = libm::floor(libm::log10(value.abs())) as i32;
        format!("{value:.*}", (5 - exponent).clamp(4, 17) as usize)
    } else {
        format!("{value:.4}")
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn days(hours: f64) -> String {
    format!("{} days", n(hours / DAY))
}

fn per_day(flow: f64) -> String {
    format!("{} mL/day", n(flow * DAY))
}

fn dose_a_day(rate: f64) -> String {
    format!("{} ug/day", n(rate * DAY))
}

fn strength(c: f64) -> String {
    format!("{} ug/mL", n(c))
}

fn flow_step(dose: f64, c: f64, flow: f64) -> String {
    format!("D / C = {} / {} = {}", dose_a_day(dose), strength(c), per_day(flow))
}

fn refill(a: &RefillArgs, defaults: &ParameterSet) -> Result<Told, Failure> {
    let alarm = a.alarm.unwrap_or_else(|| defaults.get("scenario.pump.low_alarm"));
    let lead = a
        .lead
        .unwrap_or_else(|| defaults.get_as("calc.refill.lead", Dimension::Time));
    let r = calc::refill(&RefillInput {
        fill: a.volume,
        alarm_volume: alarm,
        concentration: a.concentration,
        dose_rate: a.dose,
        gain: a.gain,
        lead,
    })?;
    let on = |hours: f64| -> Result<Option<String>, Failure> {
        match a.filled {
            Some(day) => Ok(Some(day.plus_hours(hours)?.to_string())),
            None => Ok(None),
        }
    };
    let (alarm_on, refill_on, empty_on) = (on(r.to_alarm)?, on(r.to_refill)?, on(r.true_to_empty)?);
    let dated = |how: String, day: &Option<String>| match day {
        Some(day) => format!("{how}, {day}"),
        None => how,
    };
    let q = per_day(r.flow);
    let mut steps = vec![
        ("flow", flow_step(a.dose, a.concentration, r.flow)),
        (
            "low alarm",
            dated(
                format!(
                    "(V - V_alarm) / Q = ({} - {} mL) / {q} = {}",
                    n(a.volume),
                    n(alarm),
                    days(r.to_alarm)
                ),
                &alarm_on,
            ),
        ),
        (
            "empty, programmed",
            format!("V / Q = {} mL / {q} = {}", n(a.volume), days(r.to_empty)),
        ),
        (
            "refill by",
            dated(
                format!(
                    "alarm - lead = {} - {} = {}",
                    n(r.to_alarm / DAY),
                    n(lead / DAY),
                    days(r.to_refill)
                ),
                &refill_on,
            ),
        ),
    ];
    let timing = match r.timing {
        AlarmTiming::OnTime => "the alarm comes at its volume".to_owned(),
        AlarmTiming::Early(h) => format!("the alarm comes {} early", days(h)),
        AlarmTiming::Late(h) => format!("the alarm comes {} late", days(h)),
        AlarmTiming::AfterEmpty(h) => format!("the pump is empty {} before the alarm", days(h)),
    };
    if a.gain != 1.0 {
        let g = n(a.gain);
        steps.push((
            "alarm volume, true",
            format!(
                "low alarm / gain = {} / {g} = {}",
                n(r.to_alarm / DAY),
                days(r.true_to_alarm_volume)
            ),
        ));
        steps.push((
            "empty, true",
            dated(
                format!(
                    "empty / gain = {} / {g} = {}",
                    n(r.to_empty / DAY),
                    days(r.true_to_empty)
                ),
                &empty_on,
            ),
        ));
    }
    steps.push(("so", timing));
    Ok(Told {
        title: "Refill",
        steps,
        result: json!({
            "flow_ml_per_day": r.flow * DAY, "days_to_alarm": r.to_alarm / DAY, "days_to_empty": r.to_empty / DAY,
            "days_to_refill": r.to_refill / DAY, "true_days_to_alarm_volume": r.true_to_alarm_volume / DAY,
            "true_days_to_empty": r.true_to_empty / DAY, "alarm": r.timing, "alarm_date": alarm_on,
            "refill_date": refill_on, "true_empty_date": empty_on,
        }),
    })
}

impl PathArgs {
    /// Volume \[mL\] and the step that tells it.
    fn volume(&self, defaults: &ParameterSet) -> Result<(f64, (&'static str, String)), Failure> {
        if let Some(v) = self.path_volume {
            return Ok((v, ("volume", format!("V = {} mL, as given", n(v)))));
        }
        let tube = self.tube.unwrap_or_else(|| defaults.get("catheter.tube_volume"));
        let per = self
            .per_length
            .unwrap_or_else(|| defaults.get("catheter.volume_per_length"));
        // Without a volume there is a length; the parser has seen to it.
        let length = self.length.unwrap_or_else(|| defaults.get("scenario.catheter.length"));
        let v = calc::path_volume(tube, length, per)?;
        let how = format!(
            "V_tube + L v = {} mL + {} cm x {} mL/cm = {} mL",
            n(tube),
            n(length),
            n(per),
            n(v)
        );
        Ok((v, ("volume", how)))
    }
}

fn bridge(a: &BridgeArgs, defaults: &ParameterSet) -> Result<Told, Failure> {
    let (v, told) = a.path.volume(defaults)?;
    let then = a.then.unwrap_or(a.dose);
    let b = calc::bridge(&BridgeInput {
        volume: v,
        old_concentration: a.from,
        new_concentration: a.to,
        bridge_rate: a.dose,
        new_rate: then,
    })?;
    let steps = vec![
        told,
        (
            "length of bridge",
            format!(
                "T = V C_old / D = {} mL x {} / {} = {} h",
                n(v),
                strength(a.from),
                dose_a_day(a.dose),
                n(b.duration)
            ),
        ),
        ("flow", flow_step(a.dose, a.from, b.flow)),
        (
            "dose entered",
            format!(
                "V C_new = {} mL x {} = {} ug, in the new label",
                n(v),
                strength(a.to),
                n(b.entered_dose)
            ),
        ),
        ("flow afterwards", flow_step(then, a.to, b.flow_after)),
        (
            "without a bridge",
            format!(
                "old drug at the new flow: {} x {} = {}, {} times what is meant, for V / Q = {} h",
                strength(a.from),
                per_day(b.flow_after),
                dose_a_day(b.omitted.dose_rate),
                n(b.omitted.ratio),
                n(b.omitted.duration)
            ),
        ),
    ];
    Ok(Told {
        title: "Bridge bolus",
        steps,
        result: json!({
            "volume_ml": b.volume, "duration_h": b.duration, "flow_ml_per_day": b.flow * DAY,
            "entered_dose_ug": b.entered_dose, "flow_after_ml_per_day": b.flow_after * DAY,
            "without": { "dose_ug_per_day": b.omitted.dose_rate * DAY, "ratio": b.omitted.ratio, "duration_h": b.omitted.duration },
        }),
    })
}

fn prime(a: &PrimeArgs, defaults: &ParameterSet) -> Result<Told, Failure> {
    let tube = a.tube.unwrap_or_else(|| defaults.get("catheter.tube_volume"));
    let per = a
        .per_length
        .unwrap_or_else(|| defaults.get("catheter.volume_per_length"));
    let rate = a
        .rate
        .unwrap_or_else(|| defaults.get_as("scenario.rate.highest", Dimension::VolumeFlow));
    let catheter = calc::path_volume(0.0, a.length, per)?;
    let p = calc::prime(&PrimeInput {
        tube,
        catheter,
        catheter_filled: a.filled_catheter,
        flow: rate,
        concentration: a.concentration,
    })?;
    let mut steps = vec![(
        "catheter",
        format!("L v = {} cm x {} mL/cm = {} mL", n(a.length), n(per), n(catheter)),
    )];
    steps.push((
        "volume",
        if a.filled_catheter {
            format!("V_tube = {} mL; the catheter holds drug", n(p.volume))
        } else {
            format!(
                "V_tube + V_catheter = {} + {} mL = {} mL",
                n(tube),
                n(catheter),
                n(p.volume)
            )
        },
    ));
    steps.push((
        "time",
        format!(
            "V / Q = {} mL / {} = {} min",
            n(p.volume),
            per_day(rate),
            n(p.duration * 60.0)
        ),
    ));
    if let (Some(dose), Some(c)) = (p.dose, a.concentration) {
        steps.push((
            "counts as",
            format!(
                "V C = {} mL x {} = {} ug, none of it into the patient",
                n(p.volume),
                strength(c),
                n(dose)
            ),
        ));
    }
    Ok(Told {
        title: "Priming bolus",
        steps,
        result: json!({"volume_ml": p.volume, "duration_min": p.duration * 60.0, "dose_ug": p.dose}),
    })
}

fn valve(a: &ValveArgs, defaults: &ParameterSet) -> Result<Told, Failure> {
    let actuation = a.actuation.unwrap_or_else(|| defaults.get("calc.valve.actuation"));
    let reservoir = a.reservoir.unwrap_or_else(|| defaults.get("calc.valve.reservoir"));
    let v = calc::valve(&ValveInput {
        dose_rate: a.dose,
        concentration: a.concentration,
        actuation,
        reservoir,
    })?;
    let small = n(actuation);
    let steps = vec![
        (
            "actuations",
            format!(
                "D / (C v) = {} / ({} x {small} mL) = {} a day",
                dose_a_day(a.dose),
                strength(a.concentration),
                n(v.per_day)
            ),
        ),
        (
            "interval",
            format!("1440 min / {} = {} min", n(v.per_day), n(v.interval * 60.0)),
        ),
        (
            "dose of one",
            format!(
                "C v = {} x {small} mL = {} ug",
                strength(a.concentration),
                n(v.dose_each)
            ),
        ),
        (
            "empty",
            format!(
                "V C / D = {} mL x {} / {} = {}",
                n(reservoir),
                strength(a.concentration),
                dose_a_day(a.dose),
                days(v.to_empty)
            ),
        ),
    ];
    Ok(Told {
        title: "Valve-gated pump",
        steps,
        result: json!({
            "actuations_per_day": v.per_day, "interval_min": v.interval * 60.0, "dose_each_ug": v.dose_each,
            "days_to_empty": v.to_empty / DAY,
        }),
    })
}

fn transport(a: &TransportArgs, defaults: &ParameterSet) -> Result<Told, Failure> {
    let (v, told) = a.path.volume(defaults)?;
    let delay = calc::transport(v, a.rate)?;
    Ok(Told {
        title: "Transport delay",
        steps: vec![
            told,
            (
                "delay",
                format!(
                    "V / Q = {} mL / {} = {} h, for a change of concentration",
                    n(v),
                    per_day(a.rate),
                    n(delay)
                ),
            ),
            ("change of rate", "at once: the fluid does not give".to_owned()),
        ],
        result: json!({"volume_ml": v, "delay_h": delay}),
    })
}

fn dose(a: &DoseArgs) -> Result<Told, Failure> {
    let d = match (a.dose, a.flow) {
        (Some(dose), _) => calc::dose(dose, a.concentration)?,
        // Without a dose there is a flow; the parser has seen to it, and zero is refused.
        (None, flow) => Dose::of_flow(flow.unwrap_or(0.0), a.concentration)?,
    };
    let first = if a.dose.is_some() {
        ("flow", flow_step(d.dose_rate, d.concentration, d.flow))
    } else {
        (
            "dose",
            format!(
                "Q C = {} x {} = {}",
                per_day(d.flow),
                strength(d.concentration),
                dose_a_day(d.dose_rate)
            ),
        )
    };
    Ok(Told {
        title: "Dose and flow",
        steps: vec![
            first,
            (
                "by the hour",
                format!("{} ug/h, {} uL/h", n(d.dose_rate), n(d.flow * 1000.0)),
            ),
        ],
        result: json!({
            "dose_ug_per_day": d.dose_rate * DAY, "dose_ug_per_h": d.dose_rate, "flow_ml_per_day": d.flow * DAY,
            "flow_ml_per_h": d.flow, "concentration_ug_per_ml": d.concentration,
        }),
    })
}
