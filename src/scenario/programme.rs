//! `[[programme]]`: what the clinician tells the pump.

use super::diagnostics::{Diagnostic, Place};
use super::document::{Data, Table};
use super::fields::{Bound, Context, Fields, Reported};
use super::model::{FlexStep, Programme, ProgrammeStep};
use super::moment::Side;
use crate::quantity::Dimension;

/// Dosing modes; a block has exactly one.
pub(super) const VERBS: &[&str] = &[
    "simple_continuous",
    "flex",
    "periodic_bolus",
    "single_bolus",
    "priming_bolus",
    "bridge_bolus",
    "patient_bolus",
    "no_patient_bolus",
    "minimum_rate",
    "stopped",
];

/// Keys of the block besides the mode.
pub(super) const KEYS: &[&str] = &["id", "at", "prescribed"];
/// Keys of a flex step.
pub(super) const FLEX_KEYS: &[&str] = &["at", "weekday", "rate"];
/// Keys of the other modes.
pub(super) const PERIODIC_KEYS: &[&str] = &["dose", "every", "over", "basal"];
/// As above.
pub(super) const SINGLE_KEYS: &[&str] = &["dose", "over"];
/// As above.
pub(super) const PRIMING_KEYS: &[&str] = &["volume", "over"];
/// As above.
pub(super) const BRIDGE_KEYS: &[&str] = &["old_concentration", "bridge_rate", "volume", "then_rate"];

/// As above.
pub(super) const PATIENT_KEYS: &[&str] = &["dose", "over", "lockout", "most_per_day"];

/// Most boluses a day that can be allowed: one every five minutes.
pub(super) const MOST_A_DAY: i64 = 288;

/// Steps a flex programme may have in a day (SynchroMed II clinician programmer).
const FLEX_STEPS: usize = 13;

/// Days as the file spells them; scenario day 0 is `mon`.
pub(super) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// How a dose rate turns into a volume rate that must lie in the pump's range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Flow {
    /// Dose rate \[ug/h\], divided by the label in force.
    ByLabel(f64),
    /// As above, and it may also be zero, which is the minimum rate.
    ByLabelOrZero(f64),
    /// A bolus on top of something else [ug/h]: only the upper limit counts.
    BolusByLabel(f64),
    /// A volume rate \[mL/h\]; only the upper limit counts.
    Bolus(f64),
    /// A volume rate \[mL/h\].
    Plain(f64),
}

/// A volume rate to be checked once all refills are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Demand {
    pub(super) place: Place,
    pub(super) flow: Flow,
}

/// A programme with what later checks need.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) step: ProgrammeStep,
    pub(super) at_place: Place,
    pub(super) demands: Vec<Demand>,
}

impl Read {
    /// Whether it only says what the patient may ask for: the programme that runs goes on.
    pub(super) fn is_handset(&self) -> bool {
        matches!(
            self.step.mode,
            Programme::PatientBolus { .. } | Programme::NoPatientBolus
        )
    }

    /// How long a bolus lasts \[h\]; `None` for a programme that goes on, or where it depends on the catheter.
    pub(super) fn bolus_length(&self) -> Option<f64> {
        match self.step.mode {
            Programme::SingleBolus { over, .. } | Programme::PrimingBolus { over, .. } => Some(over),
            Programme::BridgeBolus {
                old_concentration,
                bridge_rate,
                volume: Some(volume),
                ..
            } => Some(volume * old_concentration / bridge_rate),
            _ => None,
        }
    }
}

/// Reads one block.
pub(super) fn read(context: &Context<'_>, table: &Table, place: Place) -> Result<Read, Reported> {
    let keys = [KEYS, VERBS].concat();
    let fields = Fields::new(context, "[[programme]]", table, place, &keys);
    let mut demands = Vec::new();
    let id = fields.text("id", "\"start\"");
    let at = fields.need_moment("at", Side::Cause);
    let mode = mode(&fields, &mut demands);
    let prescribed = fields.quantity("prescribed", Dimension::DoseRate, Bound::POSITIVE);
    let id = match id? {
        Some(id) => id.to_owned(),
        None => return Err(Reported),
    };
    Ok(Read {
        step: ProgrammeStep {
            id,
            at: at?,
            mode: mode?,
            prescribed: prescribed?,
        },
        at_place: fields.place_of("at"),
        demands,
    })
}

fn mode(fields: &Fields<'_, '_>, demands: &mut Vec<Demand>) -> Result<Programme, Reported> {
    let verb = fields.exactly_one(VERBS, "simple_continuous = \"300 ug/day\"")?;
    let mut demand = |place, flow| demands.push(Demand { place, flow });
    match verb {
        "simple_continuous" => {
            let rate = fields.need(verb, Dimension::DoseRate, Bound::POSITIVE)?;
            demand(fields.place_of(verb), Flow::ByLabel(rate));
            Ok(Programme::SimpleContinuous { rate })
        }
        "flex" => flex(fields, demands),
        "periodic_bolus" => {
            let example = "{ dose = \"50 ug\", every = \"6 h\", over = \"5 min\", basal = \"100 ug/day\" }";
            let inner = need_child(fields, verb, PERIODIC_KEYS, example)?;
            let dose = inner.need("dose", Dimension::Mass, Bound::POSITIVE);
            let every = inner.need("every", Dimension::Time, Bound::POSITIVE);
            let over = inner.need("over", Dimension::Time, Bound::POSITIVE);
            let basal = inner.need("basal", Dimension::DoseRate, Bound::NOT_NEGATIVE);
            let (dose, every, over, basal) = (dose?, every?, over?, basal?);
            if over >= every {
                return Err(inner.report(
                    Diagnostic::new("bolus-too-long", "the bolus lasts as long as the interval or longer")
                        .at(inner.place_of("over"), "length of one bolus")
                        .at(inner.place_of("every"), "interval between starts")
                        .help("make `over` shorter than `every`, or use simple_continuous"),
                ));
            }
            inner.refuse_flood("every", every, "a longer `every`")?;
            demand(inner.place_of("dose"), Flow::BolusByLabel(dose / over));
            demand(inner.place_of("basal"), Flow::ByLabelOrZero(basal));
            Ok(Programme::PeriodicBolus {
                dose,
                every,
                over,
                basal,
            })
        }
        "single_bolus" => {
            let inner = need_child(fields, verb, SINGLE_KEYS, "{ dose = \"50 ug\", over = \"5 min\" }")?;
            let dose = inner.need("dose", Dimension::Mass, Bound::POSITIVE);
            let over = inner.need("over", Dimension::Time, Bound::POSITIVE);
            let (dose, over) = (dose?, over?);
            demand(inner.place_of("dose"), Flow::BolusByLabel(dose / over));
            Ok(Programme::SingleBolus { dose, over })
        }
        "priming_bolus" => {
            let inner = need_child(fields, verb, PRIMING_KEYS, "{ over = \"30 min\" }")?;
            let volume = inner.quantity("volume", Dimension::Volume, Bound::POSITIVE);
            let over = inner.need("over", Dimension::Time, Bound::POSITIVE);
            let (volume, over) = (volume?, over?);
            if let Some(volume) = volume {
                demand(inner.place_of("volume"), Flow::Bolus(volume / over));
            }
            Ok(Programme::PrimingBolus { volume, over })
        }
        "bridge_bolus" => {
            let example =
                "{ old_concentration = \"500 ug/mL\", bridge_rate = \"300 ug/day\", then_rate = \"300 ug/day\" }";
            let inner = need_child(fields, verb, BRIDGE_KEYS, example)?;
            let old_concentration = inner.need("old_concentration", Dimension::Concentration, Bound::POSITIVE);
            let bridge_rate = inner.need("bridge_rate", Dimension::DoseRate, Bound::POSITIVE);
            let volume = inner.quantity("volume", Dimension::Volume, Bound::POSITIVE);
            let then_rate = inner.need("then_rate", Dimension::DoseRate, Bound::POSITIVE);
            let (old_concentration, bridge_rate) = (old_concentration?, bridge_rate?);
            let (volume, then_rate) = (volume?, then_rate?);
            demand(
                inner.place_of("bridge_rate"),
                Flow::Plain(bridge_rate / old_concentration),
            );
            demand(inner.place_of("then_rate"), Flow::ByLabel(then_rate));
            Ok(Programme::BridgeBolus {
                old_concentration,
                bridge_rate,
                volume,
                then_rate,
            })
        }
        "patient_bolus" => {
            let example = "{ dose = \"10 ug\", over = \"5 min\", lockout = \"4 h\", most_per_day = 4 }";
            let inner = need_child(fields, verb, PATIENT_KEYS, example)?;
            let dose = inner.need("dose", Dimension::Mass, Bound::POSITIVE);
            let over = inner.need("over", Dimension::Time, Bound::POSITIVE);
            let lockout = inner.need("lockout", Dimension::Time, Bound::NOT_NEGATIVE);
            let most = inner.whole("most_per_day", 1, MOST_A_DAY);
            let (dose, over, lockout) = (dose?, over?, lockout?);
            let Some(most) = most?.and_then(|n| u32::try_from(n).ok()) else {
                return Err(inner.missing("most_per_day", "4"));
            };
            if lockout < over {
                return Err(inner.report(
                    Diagnostic::new("bolus-too-long", "the lockout ends before the bolus does")
                        .at(inner.place_of("lockout"), "shortest time between beginnings")
                        .at(inner.place_of("over"), "length of one bolus")
                        .help("make `lockout` at least as long as `over`"),
                ));
            }
            demand(inner.place_of("dose"), Flow::BolusByLabel(dose / over));
            Ok(Programme::PatientBolus {
                dose,
                over,
                lockout,
                most_per_day: most,
            })
        }
        "no_patient_bolus" => fields.mark(verb).map(|()| Programme::NoPatientBolus),
        "minimum_rate" => fields.mark(verb).map(|()| Programme::MinimumRate),
        _ => fields.mark(verb).map(|()| Programme::Stopped),
    }
}

/// The table of a mode.
pub(super) fn need_child<'d, 'c>(
    fields: &Fields<'d, 'c>,
    key: &str,
    keys: &[&str],
    example: &str,
) -> Result<Fields<'d, 'c>, Reported> {
    match fields.child(key, keys, example)? {
        Some(inner) => Ok(inner),
        None => Err(fields.missing(key, example)),
    }
}

fn flex(fields: &Fields<'_, '_>, demands: &mut Vec<Demand>) -> Result<Programme, Reported> {
    const EXAMPLE: &str =
        "{ steps = [{ at = \"06:00\", rate = \"400 ug/day\" }, { at = \"22:00\", rate = \"200 ug/day\" }] }";
    let Some(entry) = fields.entry("flex") else {
        return Err(Reported);
    };
    let list = match &entry.node.data {
        Data::Table(table) => {
            let inner = Fields::new(fields.context, "`flex`", table, entry.node.place, &["steps"]);
            match inner.entry("steps") {
                Some(steps) => steps,
                None => {
                    return Err(inner.missing("steps", "[{ at = \"06:00\", rate = \"400 ug/day\" }]"));
                }
            }
        }
        _ => entry,
    };
    let Data::Array(nodes) = &list.node.data else {
        return Err(fields.wrong_type(entry, "a list of steps", EXAMPLE));
    };
    let mut steps: Vec<(FlexStep, Place)> = Vec::new();
    let mut flawed = false;
    for node in nodes {
        let Data::Table(table) = &node.data else {
            fields.report(
                Diagnostic::new(
                    "wrong-type",
                    format!("a flex step is {}, but a table is needed", node.data.noun()),
                )
                .at(node.place, "not a step")
                .help("write { at = \"06:00\", rate = \"400 ug/day\" }"),
            );
            flawed = true;
            continue;
        };
        let inner = Fields::new(fields.context, "the flex step", table, node.place, FLEX_KEYS);
        match flex_step(&inner) {
            Ok(step) => {
                demands.push(Demand {
                    place: inner.place_of("rate"),
                    flow: Flow::ByLabelOrZero(step.rate),
                });
                steps.push((step, node.place));
            }
            Err(Reported) => flawed = true,
        }
    }
    if flawed {
        return Err(Reported);
    }
    if steps.is_empty() {
        return Err(fields.report(
            Diagnostic::new("no-steps", "a flex programme needs at least one step")
                .at(list.node.place, "empty")
                .help(format!("write flex = {EXAMPLE}")),
        ));
    }
    steps.sort_by(|(a, _), (b, _)| {
        (a.weekday, a.at)
            .partial_cmp(&(b.weekday, b.at))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    for pair in steps.windows(2) {
        if let [(a, first), (b, second)] = pair
            && (a.weekday, a.at) == (b.weekday, b.at)
        {
            return Err(fields.report(
                Diagnostic::new("same-time", "two flex steps start at the same time")
                    .at(*second, "this one")
                    .at(*first, "and this one"),
            ));
        }
    }
    for (day, name) in (0u8..).zip(WEEKDAYS) {
        let count = steps.iter().filter(|(s, _)| s.weekday.is_none_or(|d| d == day)).count();
        if count > FLEX_STEPS {
            return Err(fields.report(
                Diagnostic::new("too-many-steps", format!("{count} flex steps on one day ({name})"))
                    .at(
                        list.node.place,
                        format!("a pump holds at most {FLEX_STEPS} steps a day"),
                    )
                    .help("join neighbouring steps"),
            ));
        }
    }
    Ok(Programme::Flex {
        steps: steps.into_iter().map(|(s, _)| s).collect(),
    })
}

fn flex_step(inner: &Fields<'_, '_>) -> Result<FlexStep, Reported> {
    let at = time_of_day(inner);
    let days: Vec<(&str, u8)> = WEEKDAYS.into_iter().zip(0u8..).collect();
    let weekday = inner.choice("weekday", &days);
    let rate = inner.need("rate", Dimension::DoseRate, Bound::NOT_NEGATIVE);
    Ok(FlexStep {
        weekday: weekday?,
        at: at?,
        rate: rate?,
    })
}

fn time_of_day(inner: &Fields<'_, '_>) -> Result<f64, Reported> {
    let Some(text) = inner.text("at", "\"06:00\"")? else {
        return Err(inner.missing("at", "\"06:00\""));
    };
    let parts = text.split_once(':').and_then(|(h, m)| {
        let two = |s: &str, max: u32| {
            let plain = (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
            s.parse::<u32>().ok().filter(|n| plain && *n <= max)
        };
        Some((two(h, 23)?, two(m, 59).filter(|_| m.len() == 2)?))
    });
    match parts {
        Some((hours, minutes)) => Ok(f64::from(hours * 60 + minutes) / 60.0),
        None => Err(inner.report(
            Diagnostic::new(
                "bad-time-of-day",
                format!("{} is no time of day", super::diagnostics::quoted(text)),
            )
            .at(inner.place_of("at"), "not from 00:00 to 23:59")
            .help("write hours and minutes, such as \"06:00\""),
        )),
    }
}
