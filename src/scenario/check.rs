//! Checks over several blocks: rates against labels, programmes against one
//! another, faults against the catheter, and moments that can never come.

use std::collections::BTreeMap;

use super::diagnostics::{Diagnostic, Place, quoted};
use super::fields::{Context, Fields, Reported};
use super::model::{Action, Catheter, History, Moment, Patient, Profile, Programme, Pump, Trigger, Value};
use super::moment::days;
use super::names::Names;
use super::programme::Flow;
use super::{abilities, action, fault, possible, programme};
use crate::engine::{SimSpan, SimTime};
use crate::parameters::ParameterSet;
use crate::quantity::Dimension;

/// Everything read, as far as it could be read.
pub(super) struct Parts<'a, 'd, 'c> {
    pub(super) context: &'a Context<'c>,
    pub(super) fields: &'a Fields<'d, 'c>,
    pub(super) parameters: &'a ParameterSet,
    pub(super) patient: Option<&'a Patient>,
    pub(super) pump: Option<&'a Pump>,
    pub(super) catheter: Option<&'a Catheter>,
    pub(super) programmes: &'a [programme::Read],
    pub(super) faults: &'a [fault::Read],
    pub(super) actions: &'a [action::Read],
    /// Whether no block was left out because of a mistake in it.
    pub(super) complete: bool,
}

/// Blocks that may wait for one another in a row; it keeps the checks linear in the size of the file.
pub(crate) const CHAIN_LIMIT: usize = 64;

/// Runs every check; mistakes are reported one by one.
pub(super) fn all(parts: &Parts<'_, '_, '_>) -> Result<(), Reported> {
    let times = Times::new(parts);
    let mut sound = places(parts);
    sound &= circles(parts, &times);
    sound &= ends(parts, &times);
    sound &= overlaps(parts, &times);
    sound &= refills(parts);
    sound &= demands(parts);
    sound &= abilities::check(parts);
    sound &= possible::check(parts);
    if parts.complete {
        sound &= rates(parts, &times);
        sound &= first_programme(parts);
    }
    if sound { Ok(()) } else { Err(Reported) }
}

/// The instants that follow from the file alone.
struct Times<'a> {
    /// Moment and place of each block by (list, id).
    moments: BTreeMap<(&'static str, &'a str), (&'a Moment, Place)>,
    /// Ramp of each fault.
    ramps: BTreeMap<&'a str, SimSpan>,
}

impl<'a> Times<'a> {
    fn new(parts: &Parts<'a, '_, '_>) -> Self {
        let mut out = Times {
            moments: BTreeMap::new(),
            ramps: BTreeMap::new(),
        };
        for p in parts.programmes {
            out.moments
                .insert(("programme", p.step.id.as_str()), (&p.step.at, p.at_place));
        }
        for f in parts.faults {
            if let Trigger::At(at) = &f.fault.trigger {
                out.moments.insert(("fault", f.fault.id.as_str()), (at, f.at_place));
            }
            let ramp = match f.fault.profile {
                Profile::Ramp { over } => SimSpan::from_hours(over).ok(),
                Profile::Step => Some(SimSpan::ZERO),
                _ => None,
            };
            if let Some(ramp) = ramp {
                out.ramps.insert(f.fault.id.as_str(), ramp);
            }
        }
        for a in parts.actions {
            // An act that takes time is done at an instant only the run can tell.
            let lasting = matches!(
                a.step.action,
                Action::LumbarBolus { .. }
                    | Action::OralBaclofen { .. }
                    | Action::Benzodiazepine { .. }
                    | Action::Cyproheptadine { .. }
                    | Action::DrainCsf { .. }
                    | Action::DemandBolus { rate: Some(_) }
                    | Action::MriScan { .. }
                    | Action::Surround { .. }
            );
            if !lasting {
                out.moments
                    .insert(("action", a.step.id.as_str()), (&a.step.at, a.at_place));
            }
        }
        out
    }

    /// The instant of a moment, if it follows from the file alone.
    fn instant(&self, moment: &Moment) -> Option<SimTime> {
        let mut total = SimTime::ZERO;
        let mut at = moment;
        for _ in 0..=CHAIN_LIMIT {
            match at {
                Moment::At(t) => return t.checked_add(SimSpan::from_nanos(total.as_nanos())).ok(),
                Moment::After { event, offset } => {
                    let (next, kind) = self.behind(event)?;
                    let ramp = match kind {
                        "full" => *self.ramps.get(Names::owner(event)?.1)?,
                        "end" => return None,
                        _ => SimSpan::ZERO,
                    };
                    total = total.checked_add(*offset).ok()?.checked_add(ramp).ok()?;
                    at = next;
                }
            }
        }
        None
    }

    fn behind<'e>(&self, event: &'e str) -> Option<(&'a Moment, &'e str)> {
        let (list, id) = Names::owner(event)?;
        let kind = event.rsplit('.').next()?;
        let (moment, _) = self.moments.get(&(list, id))?;
        Some((moment, kind))
    }
}

/// Faults must lie on the catheter.
fn places(parts: &Parts<'_, '_, '_>) -> bool {
    let Some(catheter) = parts.catheter else {
        return true;
    };
    let mut sound = true;
    for read in parts
        .faults
        .iter()
        .filter(|read| read.fault.kind.starts_with("catheter."))
    {
        for (key, place) in fault::ALONG.into_iter().zip(read.along) {
            let Some(Value::Number(value)) = read.fault.values.get(key) else {
                continue;
            };
            if *value <= catheter.length {
                continue;
            }
            sound = false;
            let (told, mark) = match key {
                "position" => ("the fault lies at", "beyond the tip"),
                _ => ("the fault is as long as", "longer than the catheter"),
            };
            parts.context.report(
                Diagnostic::new(
                    "beyond-catheter",
                    format!("{told} {value} cm, but the catheter is {} cm long", catheter.length),
                )
                .at(place.unwrap_or(read.kind_place), mark)
                .help(format!(
                    "positions are counted from the pump, 0 to {} cm",
                    catheter.length
                )),
            );
        }
    }
    sound
}

/// Blocks that wait for one another never come.
fn circles(parts: &Parts<'_, '_, '_>, times: &Times<'_>) -> bool {
    let mut sound = true;
    let mut told: Vec<(&str, &str)> = Vec::new();
    for key in times.moments.keys() {
        let mut chain = vec![(key.0, key.1)];
        while let Some((moment, _)) = chain.last().and_then(|k| times.moments.get(k)) {
            let Moment::After { event, .. } = moment else {
                break;
            };
            let Some((list, id)) = Names::owner(event) else {
                break;
            };
            let Some((next, _)) = times.moments.get_key_value(&(list, id)) else {
                break;
            };
            if let Some(first) = chain.iter().position(|k| k == next) {
                let circle = &chain[first..];
                if !circle.iter().any(|k| told.contains(k)) {
                    sound = false;
                    told.extend(circle);
                    let names: Vec<String> = circle.iter().chain(&circle[..1]).map(|k| quoted(k.1)).collect();
                    let place = times.moments[&circle[0]].1;
                    parts.context.report(
                        Diagnostic::new(
                            "circular-moments",
                            "these blocks wait for one another, so none ever comes",
                        )
                        .at(place, "waits here")
                        .note(names.join(" waits for "))
                        .help("give one of them a time of its own"),
                    );
                }
                break;
            }
            chain.push(*next);
            if chain.len() > CHAIN_LIMIT {
                sound = false;
                parts.context.report(
                    Diagnostic::new(
                        "long-chain",
                        format!("more than {CHAIN_LIMIT} blocks wait for one another in a row"),
                    )
                    .at(times.moments[&chain[0]].1, "the last of them")
                    .help("give some of them a time of their own"),
                );
                return sound;
            }
        }
    }
    sound
}

/// Moments relative to a known instant must lie in the run as well.
fn ends(parts: &Parts<'_, '_, '_>, times: &Times<'_>) -> bool {
    let Some(end) = parts.context.duration.get() else {
        return true;
    };
    let mut sound = true;
    for ((_, id), (moment, place)) in &times.moments {
        if matches!(moment, Moment::After { .. })
            && let Some(at) = times.instant(moment)
            && at > end
        {
            sound = false;
            parts.context.report(
                Diagnostic::new("after-end", format!("{} lies after the end of the run", quoted(id)))
                    .at(*place, format!("{} is after {}", days(at), days(end)))
                    .help("make `duration` longer, or this earlier"),
            );
        }
    }
    sound
}

/// Two programmes at once, or a programme into a running bolus.
fn overlaps(parts: &Parts<'_, '_, '_>, times: &Times<'_>) -> bool {
    let mut known: Vec<(SimTime, &programme::Read)> = parts
        .programmes
        .iter()
        // What the patient may ask for is set beside the programme that runs.
        .filter(|p| !p.is_handset())
        .filter_map(|p| Some((times.instant(&p.step.at)?, p)))
        .collect();
    known.sort_by_key(|(at, p)| (*at, p.at_place));
    let mut sound = true;
    for pair in known.windows(2) {
        let [(early, first), (late, second)] = pair else {
            continue;
        };
        let bolus_end = first
            .bolus_length()
            .and_then(|h| SimSpan::from_hours(h).ok())
            .and_then(|span| early.checked_add(span).ok());
        if early == late {
            sound = false;
            parts.context.report(
                Diagnostic::new(
                    "overlapping-programmes",
                    format!("two programmes start at {}", days(*late)),
                )
                .at(second.at_place, "this one")
                .at(first.at_place, "and this one")
                .help("only one can be in force; move or remove one"),
            );
        } else if let Some(end) = bolus_end.filter(|end| late < end) {
            sound = false;
            parts.context.report(
                Diagnostic::new(
                    "overlapping-programmes",
                    "this programme starts while a bolus is still running",
                )
                .at(second.at_place, format!("starts at {}", days(*late)))
                .at(first.at_place, format!("this bolus ends at {}", days(end)))
                .help("start it when the bolus has ended"),
            );
        }
    }
    sound
}

/// Whoever asks for boluses must be allowed some; an arm may leave the programme out.
fn demands(parts: &Parts<'_, '_, '_>) -> bool {
    let asks = |a: &&action::Read| matches!(a.step.action, Action::DemandBolus { .. });
    let allowed = |p: &programme::Read| matches!(p.step.mode, Programme::PatientBolus { .. });
    let Some(first) = parts.actions.iter().find(asks) else {
        return true;
    };
    if !parts.complete || !parts.context.names.gone.is_empty() || parts.programmes.iter().any(allowed) {
        return true;
    }
    parts.context.report(
        Diagnostic::new("no-patient-bolus", "no programme allows the patient a bolus")
            .at(first.verb_place, "every demand would be refused")
            .help("add a [[programme]] with patient_bolus = { dose = \"10 ug\", over = \"5 min\", lockout = \"4 h\", most_per_day = 4 }"),
    );
    false
}

/// A refill cannot exceed the reservoir.
fn refills(parts: &Parts<'_, '_, '_>) -> bool {
    let Some(pump) = parts.pump else { return true };
    // A fault of its own lets somebody force more in.
    let forced = parts.faults.iter().filter(|f| f.fault.kind == "pump.overfill");
    let forced = forced.filter_map(|f| match f.fault.values.get("volume") {
        Some(Value::Number(volume)) => Some(*volume),
        _ => None,
    });
    let room = pump.reservoir_size + forced.fold(0.0, f64::max);
    let mut sound = true;
    for read in parts.actions {
        if let (
            Action::Refill {
                volume, pocket_share, ..
            },
            Some(place),
        ) = (&read.step.action, read.volume_place)
            && volume * (1.0 - pocket_share) > room
        {
            sound = false;
            parts.context.report(
                Diagnostic::new(
                    "overfull",
                    format!(
                        "the reservoir holds {} mL, but the refill is {volume} mL",
                        pump.reservoir_size
                    ),
                )
                .at(place, "more than fits")
                .help(format!("refill at most \"{room} mL\""))
                .help("to let it happen all the same, add a [[fault]] of kind `pump.overfill`"),
            );
        }
    }
    sound
}

/// Volume rates must lie in the pump's range under every label they meet.
fn rates(parts: &Parts<'_, '_, '_>, times: &Times<'_>) -> bool {
    let Some(pump) = parts.pump else { return true };
    let Some((low, high)) = range(parts, pump) else {
        return true;
    };
    let mut refills: Vec<(Option<SimTime>, f64)> = Vec::new();
    for read in parts.actions {
        if let Action::Refill { label, .. } = read.step.action {
            refills.push((times.instant(&read.step.at), label));
        }
    }
    // A refill at an unknown instant with another label makes every later label unknown.
    let certain = refills
        .iter()
        .all(|(at, label)| at.is_some() || *label == pump.label_concentration);
    if !certain && refills.iter().any(|r| r.1 != pump.label_concentration) {
        return true;
    }
    refills.sort_by_key(|r| r.0);
    let mut starts: Vec<SimTime> = parts
        .programmes
        .iter()
        .filter(|p| p.bolus_length().is_none() && !p.is_handset())
        .filter_map(|p| times.instant(&p.step.at))
        .collect();
    starts.sort();
    let mut sound = true;
    for read in parts.programmes {
        let Some(start) = times.instant(&read.step.at) else {
            continue;
        };
        let stop = if read.bolus_length().is_some() {
            Some(start)
        } else if read.is_handset() {
            None
        } else {
            starts.iter().copied().find(|s| *s > start)
        };
        let at_start = refills
            .iter()
            .rev()
            .find(|(at, _)| at.is_some_and(|at| at <= start))
            .map_or(pump.label_concentration, |r| r.1);
        let later = refills
            .iter()
            .filter(|(at, _)| at.is_some_and(|at| at > start && stop.is_none_or(|stop| at < stop)))
            .map(|r| r.1);
        let labels: Vec<f64> = std::iter::once(at_start).chain(later).collect();
        for demand in &read.demands {
            for (index, label) in labels.iter().enumerate() {
                let (flow, lower) = match demand.flow {
                    Flow::ByLabel(rate) => (rate / label, true),
                    Flow::ByLabelOrZero(rate) => (rate / label, rate != 0.0),
                    Flow::BolusByLabel(rate) => (rate / label, false),
                    Flow::Bolus(flow) => (flow, false),
                    Flow::Plain(flow) => (flow, true),
                };
                if flow <= high * (1.0 + 1e-12) && (!lower || flow >= low * (1.0 - 1e-12)) {
                    continue;
                }
                sound = false;
                parts
                    .context
                    .report(rate_mistake(demand.place, flow, (low, high), *label, index > 0));
                break;
            }
        }
    }
    sound
}

/// Smallest and largest flow that may be programmed \[mL/h\]; `None` without a programme.
fn range(parts: &Parts<'_, '_, '_>, pump: &Pump) -> Option<(f64, f64)> {
    const USUAL: (&str, &str) = ("scenario.rate.lowest", "scenario.rate.highest");
    let (low, high) = match abilities::of(parts.context.catalog, &pump.family) {
        None => USUAL,
        Some(ability) => ability.rates?,
    };
    // A family from outside may name keys that no table has; its own check must do then.
    let known = |key: &str| crate::parameters::named(key).is_some();
    let flow = |key: &str| parts.parameters.get_as(key, Dimension::VolumeFlow);
    if !(known(low) && known(high)) {
        return None;
    }
    if (low, high) == USUAL {
        // What may be written and what the pump gives are parameters of their own; both hold.
        return Some((
            flow(low).max(flow("pump.rate.min")),
            flow(high).min(flow("pump.rate.max")),
        ));
    }
    Some((flow(low), flow(high)))
}

fn rate_mistake(place: Place, flow: f64, (low, high): (f64, f64), label: f64, refilled: bool) -> Diagnostic {
    let per_day = |flow: f64| {
        let day = flow * 24.0;
        // Three digits, enough to see how far off it is.
        let shown = format!("{day:.3}");
        if day < 0.01 {
            format!("{day:.1e}")
        } else {
            shown.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    let when = if refilled {
        "after the refill with that label"
    } else {
        "by the label in force"
    };
    Diagnostic::new(
        "rate-out-of-range",
        format!(
            "this is {} mL/day, outside the pump's {} to {} mL/day",
            per_day(flow),
            per_day(low),
            per_day(high)
        ),
    )
    .at(place, format!("at {label} ug/mL, {when}"))
    .help(format!(
        "at {label} ug/mL the pump can give {} to {} ug/day",
        per_day(low * label),
        per_day(high * label)
    ))
}

/// Established therapy needs a dose to be in equilibrium with.
fn first_programme(parts: &Parts<'_, '_, '_>) -> bool {
    let established = parts.patient.is_some_and(|p| p.history == History::Established);
    let dosed = parts.programmes.iter().any(|p| {
        p.step.at == Moment::At(SimTime::ZERO)
            && matches!(
                p.step.mode,
                Programme::SimpleContinuous { .. } | Programme::Flex { .. } | Programme::PeriodicBolus { .. }
            )
    });
    let programmable = parts
        .pump
        .and_then(|p| abilities::of(parts.context.catalog, &p.family))
        .is_none_or(|a| a.rates.is_some());
    if !established || dosed || !programmable {
        return true;
    }
    let place = match parts.fields.entry("patient").map(|e| &e.node.data) {
        Some(super::document::Data::Table(t)) => t.get("history").map(|e| e.node.place),
        _ => None,
    };
    parts.context.report(
        Diagnostic::new(
            "no-first-programme",
            "established therapy needs a programme at the start",
        )
        .at(place.unwrap_or(parts.fields.place), "in equilibrium with which dose?")
        .help("add a [[programme]] with at = \"0 d\" and simple_continuous, flex or periodic_bolus"),
    );
    false
}
