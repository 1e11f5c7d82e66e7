//! `[[action]]`: what people do.

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::{Data, Table};
use super::drug;
use super::fault::POSTURES;
use super::fields::{Bound, Context, Fields, Got, Reported};
use super::model::{Action, ActionStep, Exposure, Moment, VisitRule};
use super::moment::Side;
use super::programme::need_child;
use crate::engine::SimSpan;
use crate::quantity::Dimension;
use crate::signals::{Others, Remedy};

/// Acts; a block has exactly one.
pub(super) const VERBS: &[&str] = &[
    "refill",
    "missed_refill",
    "check_reservoir",
    "raise_dose",
    "lower_dose",
    "demand_bolus",
    "interrogate",
    "empty_pump",
    "enter_volume",
    "correct_programme",
    "implant",
    "explant",
    "lumbar_bolus",
    "oral_baclofen",
    "benzodiazepine",
    "benzodiazepine_infusion",
    "cyproheptadine",
    "cool",
    "drain_csf",
    "inject_contrast",
    "aspirate_catheter",
    "mri",
    "altitude",
    "air_pressure",
    "pump_temperature",
    "reset_valve",
    "ventilate",
    "antibiotics",
    "blood_patch",
    "evacuate_haematoma",
    "revise_wound",
    "posture",
    "repair",
];

/// Keys of the block besides the act.
pub(super) const KEYS: &[&str] = &["id", "at", "when", "unless"];
/// Keys of `when`.
pub(super) const WHEN_KEYS: &[&str] = &["event", "after"];
/// Keys of the acts that are tables.
pub(super) const REFILL_KEYS: &[&str] = &[
    "volume",
    "concentration",
    "label",
    "pocket_share",
    "aspirate",
    "syringe_error",
];
/// As above.
pub(super) const CHECK_KEYS: &[&str] = &["syringe_error", "rule"];
/// As above.
pub(super) const LUMBAR_KEYS: &[&str] = &["dose", "level", "over", "drug"];
/// As above, for all oral drugs.
pub(super) const ORAL_KEYS: &[&str] = &["dose", "every", "count"];
/// As above.
pub(super) const INFUSION_KEYS: &[&str] = &["dose", "over"];
/// As above.
pub(super) const IMPLANT_KEYS: &[&str] = &["volume", "concentration", "label"];
/// As above.
pub(super) const DRAIN_KEYS: &[&str] = &["volume", "over"];
/// As above.
pub(super) const DEMAND_KEYS: &[&str] = &["rate"];
/// Keys of the acts that change air or warmth.
pub(super) const SURROUND_KEYS: &[&str] = &["to", "over"];

/// Rules of a visit as the file spells them.
pub(super) const RULES: &[(&str, VisitRule)] = &[("refill", VisitRule::Refill), ("implant", VisitRule::Implant)];

/// Largest rise of a dose in one act, as a share; anything more is taken for a slip of unit.
const LARGEST_RISE: f64 = 10.0;

/// Error of a syringe that can be meant [mL].
const SYRINGE: Bound = Bound::within(0.0, 5.0);

impl Action {
    /// A refill up to what the low-reservoir alarm counts on, drawn out first: `size` of the
    /// reservoir and `low_alarm` \[mL\], true `concentration` and `label` entered \[ug/mL\],
    /// and the share that goes into the pocket \[0-1\].
    pub fn full_refill(size: f64, low_alarm: f64, concentration: f64, label: f64, pocket_share: f64) -> Action {
        Action::Refill {
            volume: size - low_alarm,
            concentration,
            label,
            pocket_share,
            aspirate: true,
            syringe_error: None,
            // Whatever else the pump held goes in again, in proportion to the label.
            others: None,
        }
    }
}

/// An action with what later checks need.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) step: ActionStep,
    pub(super) at_place: Place,
    /// The act and where it stands; empty if the block has none.
    pub(super) verb: &'static str,
    pub(super) verb_place: Place,
    /// Where the volume of a refill stands.
    pub(super) volume_place: Option<Place>,
}

/// What goes into a pump: concentrations in truth, of baclofen and of the others, and the label's.
fn filled(fields: &Fields<'_, '_>, inner: &Fields<'_, '_>) -> Result<(f64, Others, f64), Reported> {
    let mixture = drug::need_mixture(inner, "concentration");
    let label = inner.quantity("label", Dimension::Concentration, Bound::POSITIVE);
    let (concentration, others) = mixture?;
    let counted = drug::by_primary(fields.context.primary.get(), concentration, others);
    match label? {
        Some(label) => Ok((concentration, others, label)),
        None if counted > 0.0 => Ok((concentration, others, counted)),
        None => Err(inner.missing("label", "\"2 mg/mL\" (what the clinician believes)")),
    }
}

/// Reads one block; `lumbar_over` is the default length of a lumbar injection \[h\].
pub(super) fn read(context: &Context<'_>, table: &Table, place: Place, lumbar_over: f64) -> Result<Read, Reported> {
    let keys = [KEYS, VERBS].concat();
    let fields = Fields::new(context, "[[action]]", table, place, &keys);
    let id = fields.text("id", "\"refill1\"");
    let at = moment(&fields);
    let unless = unless(&fields);
    let action = action(&fields, lumbar_over);
    let Some(id) = id? else { return Err(Reported) };
    let volume_place = match fields.entry("refill").map(|e| &e.node.data) {
        Some(Data::Table(t)) => t.get("volume").map(|e| e.node.place),
        _ => None,
    };
    let verb = VERBS.iter().copied().find(|v| fields.has(v)).unwrap_or_default();
    Ok(Read {
        verb,
        verb_place: fields.place_of(verb),
        step: ActionStep {
            id: id.to_owned(),
            at: at?,
            unless: unless?,
            action: action?,
        },
        at_place: fields.place_of(if fields.has("when") { "when" } else { "at" }),
        volume_place,
    })
}

/// `at`, or `when = { event, after }` for what somebody does because something happened.
fn moment(fields: &Fields<'_, '_>) -> Result<Moment, Reported> {
    if !fields.has("when") {
        return fields.need_moment("at", Side::Cause);
    }
    fields.exactly_one(&["at", "when"], "at = \"30 d\"")?;
    let example = "{ event = \"alarm.low_reservoir.heard\", after = \"2 d\" }";
    let inner = need_child(fields, "when", WHEN_KEYS, example)?;
    let after = inner.quantity("after", Dimension::Time, Bound::NOT_NEGATIVE);
    let event = event_named(&inner, "event")?;
    let Some(event) = event else {
        return Err(inner.missing("event", "\"alarm.low_reservoir.heard\""));
    };
    let offset = SimSpan::from_hours(after?.unwrap_or(0.0)).map_err(|_| {
        inner.report(
            Diagnostic::new("time-too-large", "`after` is further away than the clock can count")
                .at(inner.place_of("after"), "beyond 290 years"),
        )
    })?;
    Ok(Moment::After { event, offset })
}

/// The event that makes the act needless.
fn unless(fields: &Fields<'_, '_>) -> Got<String> {
    event_named(fields, "unless")
}

/// An event by its name or shorthand.
fn event_named(fields: &Fields<'_, '_>, key: &str) -> Got<String> {
    let Some(name) = fields.text(key, "\"alarm.low_reservoir.heard\"")? else {
        return Ok(None);
    };
    match fields.context.names.event(name.trim()) {
        Some(event) => Ok(Some(event)),
        None => Err(fields.unknown_event(name, fields.place_of(key))),
    }
}

fn action(fields: &Fields<'_, '_>, lumbar_over: f64) -> Result<Action, Reported> {
    let verb = fields.exactly_one(VERBS, "interrogate = true")?;
    match verb {
        "refill" => {
            let inner = need_child(
                fields,
                verb,
                REFILL_KEYS,
                "{ volume = \"18 mL\", concentration = \"2 mg/mL\" }",
            )?;
            let volume = inner.need("volume", Dimension::Volume, Bound::POSITIVE);
            let filled = filled(fields, &inner);
            let share = inner.quantity("pocket_share", Dimension::Fraction, Bound::within(0.0, 1.0));
            let aspirate = inner.flag("aspirate");
            let syringe = inner.quantity("syringe_error", Dimension::Volume, SYRINGE);
            let (concentration, others, label) = filled?;
            Ok(Action::Refill {
                volume: volume?,
                concentration,
                label,
                pocket_share: share?.unwrap_or(0.0),
                aspirate: aspirate?.unwrap_or(true),
                syringe_error: syringe?,
                others: Some(others),
            })
        }
        "check_reservoir" => {
            // `true` is the usual check.
            if let Some(Data::Bool(_)) = fields.entry(verb).map(|e| &e.node.data) {
                return fields.mark(verb).map(|()| Action::CheckReservoir {
                    syringe_error: None,
                    rule: VisitRule::default(),
                });
            }
            let inner = need_child(fields, verb, CHECK_KEYS, "{ syringe_error = \"0 mL\" }")?;
            let syringe = inner.quantity("syringe_error", Dimension::Volume, SYRINGE);
            let rule = inner.choice("rule", RULES);
            Ok(Action::CheckReservoir {
                syringe_error: syringe?,
                rule: rule?.unwrap_or_default(),
            })
        }
        "missed_refill" => fields.mark(verb).map(|()| Action::MissedRefill),
        "raise_dose" => {
            let share = fields.need(verb, Dimension::Fraction, Bound::up_to(LARGEST_RISE))?;
            Ok(Action::ScaleDose { factor: 1.0 + share })
        }
        "lower_dose" => {
            let share = fields.need(verb, Dimension::Fraction, Bound::up_to(1.0))?;
            if share >= 1.0 {
                return Err(fields.report(
                    Diagnostic::new("out-of-range", "`lower_dose` by 100 % leaves no dose")
                        .at(fields.place_of(verb), "nothing is left")
                        .help("to stop the pump, write a [[programme]] with stopped = true"),
                ));
            }
            Ok(Action::ScaleDose { factor: 1.0 - share })
        }
        "demand_bolus" => {
            // `true` is once.
            if let Some(Data::Bool(_)) = fields.entry(verb).map(|e| &e.node.data) {
                return fields.mark(verb).map(|()| Action::DemandBolus { rate: None });
            }
            let inner = need_child(fields, verb, DEMAND_KEYS, "{ rate = \"3 /week\" }")?;
            let rate = inner.need("rate", Dimension::Rate, Bound::POSITIVE)?;
            inner.refuse_flood("rate", 1.0 / rate, "a lower `rate`")?;
            Ok(Action::DemandBolus { rate: Some(rate) })
        }
        "interrogate" => fields.mark(verb).map(|()| Action::Interrogate),
        "empty_pump" => fields.mark(verb).map(|()| Action::EmptyPump),
        "enter_volume" => Ok(Action::EnterVolume {
            volume: fields.need(verb, Dimension::Volume, Bound::NOT_NEGATIVE)?,
        }),
        "correct_programme" => fields.mark(verb).map(|()| Action::CorrectProgramme),
        "implant" => {
            let inner = need_child(
                fields,
                verb,
                IMPLANT_KEYS,
                "{ volume = \"18 mL\", concentration = \"2 mg/mL\" }",
            )?;
            let volume = inner.need("volume", Dimension::Volume, Bound::POSITIVE);
            let (concentration, others, label) = filled(fields, &inner)?;
            Ok(Action::Implant {
                volume: volume?,
                concentration,
                label,
                others: Some(others),
            })
        }
        "explant" => fields.mark(verb).map(|()| Action::Explant),
        "lumbar_bolus" => {
            let inner = need_child(fields, verb, LUMBAR_KEYS, "{ dose = \"50 ug\", level = \"L3\" }")?;
            let dose = inner.need("dose", Dimension::Mass, Bound::POSITIVE);
            let level = inner.level("level");
            let over = inner.quantity("over", Dimension::Time, Bound::POSITIVE);
            let drug = drug::named(&inner, "drug");
            let Some(level) = level? else {
                return Err(inner.missing("level", "\"L3\""));
            };
            Ok(Action::LumbarBolus {
                dose: dose?,
                level,
                over: over?.unwrap_or(lumbar_over),
                drug: drug?.flatten(),
            })
        }
        "oral_baclofen" => {
            let (dose, every, count) = oral(fields, verb, Dimension::Mass)?;
            Ok(Action::OralBaclofen { dose, every, count })
        }
        "benzodiazepine" => {
            let (dose, every, count) = oral(fields, verb, Dimension::TabletMass)?;
            Ok(Action::Benzodiazepine { dose, every, count })
        }
        "benzodiazepine_infusion" => {
            let inner = need_child(fields, verb, INFUSION_KEYS, "{ dose = \"60 mg\", over = \"12 h\" }")?;
            let dose = inner.need("dose", Dimension::TabletMass, Bound::POSITIVE);
            let over = inner.need("over", Dimension::Time, Bound::POSITIVE);
            Ok(Action::BenzodiazepineInfusion {
                dose: dose?,
                over: over?,
            })
        }
        "cool" => Ok(Action::Cool {
            on: some(fields.flag(verb))?,
        }),
        "cyproheptadine" => {
            let (dose, every, count) = oral(fields, verb, Dimension::TabletMass)?;
            Ok(Action::Cyproheptadine { dose, every, count })
        }
        "drain_csf" => {
            let inner = need_child(fields, verb, DRAIN_KEYS, "{ volume = \"30 mL\", over = \"30 min\" }")?;
            let volume = inner.need("volume", Dimension::Volume, Bound::POSITIVE);
            let over = inner.need("over", Dimension::Time, Bound::POSITIVE);
            let (volume, over) = (volume?, over?);
            if let Some((held, made)) = fields.context.canal.get()
                && volume > held + made * over
            {
                return Err(fields.report(
                    Diagnostic::new(
                        "too-much-fluid",
                        format!("{volume} mL of spinal fluid cannot be drained in that time"),
                    )
                    .at(inner.place_of("volume"), "more than there is")
                    .help(format!(
                        "the canal holds {held} mL and {made} mL/h are made; a lumbar puncture takes 20 to 50 mL"
                    )),
                ));
            }
            Ok(Action::DrainCsf { volume, over })
        }
        "inject_contrast" => Ok(Action::InjectContrast {
            volume: fields.need(verb, Dimension::Volume, Bound::POSITIVE)?,
        }),
        "aspirate_catheter" => Ok(Action::AspirateCatheter {
            volume: fields.need(verb, Dimension::Volume, Bound::POSITIVE)?,
        }),
        "mri" => Ok(Action::MriScan {
            over: fields.need(verb, Dimension::Time, Bound::POSITIVE)?,
        }),
        "altitude" => {
            let inner = need_child(fields, verb, SURROUND_KEYS, "{ to = \"2400 m\", over = \"8 h\" }")?;
            let to = inner.need("to", Dimension::Length, Bound::within(-40_000.0, HIGHEST));
            surround(&inner, to.map(|cm| Exposure::Pressure(air_pressure_at(cm / 100.0))))
        }
        "air_pressure" => {
            let inner = need_child(fields, verb, SURROUND_KEYS, "{ to = \"2 ATA\", over = \"90 min\" }")?;
            let to = inner.need("to", Dimension::Pressure, Bound::within(20.0, 700.0));
            surround(&inner, to.map(Exposure::Pressure))
        }
        "pump_temperature" => {
            let inner = need_child(fields, verb, SURROUND_KEYS, "{ to = \"39.5 degC\", over = \"2 d\" }")?;
            let to = inner.need("to", Dimension::Temperature, Bound::within(20.0, 45.0));
            surround(&inner, to.map(Exposure::Temperature))
        }
        "reset_valve" => fields.mark(verb).map(|()| Action::ResetValve),
        "ventilate" => Ok(Action::Ventilate {
            on: some(fields.flag(verb))?,
        }),
        "antibiotics" => Ok(Action::Treat {
            remedy: Remedy::Antibiotics,
            over: fields.need(verb, Dimension::Time, Bound::POSITIVE)?,
        }),
        "blood_patch" => treat(fields, verb, Remedy::BloodPatch),
        "evacuate_haematoma" => treat(fields, verb, Remedy::Evacuation),
        "revise_wound" => treat(fields, verb, Remedy::WoundRevision),
        "posture" => Ok(Action::Posture(some(fields.choice(verb, POSTURES))?)),
        _ => repair(fields),
    }
}

/// A remedy that is done at once.
fn treat(fields: &Fields<'_, '_>, verb: &str, remedy: Remedy) -> Result<Action, Reported> {
    fields.mark(verb).map(|()| Action::Treat { remedy, over: 0.0 })
}

/// Greatest height [cm] that can be asked for: the summit of Everest, to which the formula holds.
const HIGHEST: f64 = 885_000.0;

/// Pressure of the air at a height \[m\], by the ICAO standard atmosphere (Doc 7488) below
/// 11 km: 288.15 K and 6.5 K/km from 101.325 kPa \[kPa\].
fn air_pressure_at(metres: f64) -> f64 {
    101.325 * libm::pow(1.0 - 0.0065 * metres / 288.15, 5.255_88)
}

fn surround(inner: &Fields<'_, '_>, exposure: Result<Exposure, Reported>) -> Result<Action, Reported> {
    let over = inner.need("over", Dimension::Time, Bound::POSITIVE);
    Ok(Action::Surround {
        exposure: exposure?,
        over: over?,
    })
}

/// The value of a key that is known to be there.
fn some<T>(got: Got<T>) -> Result<T, Reported> {
    got?.ok_or(Reported)
}

type Oral = (f64, f64, Option<u32>);

/// Dose in the base unit of `dimension`, interval \[h\], count. Without an interval it is one dose.
fn oral(fields: &Fields<'_, '_>, verb: &str, dimension: Dimension) -> Result<Oral, Reported> {
    /// Interval of a single dose \[h\]; it is never waited for.
    const DAY: f64 = 24.0;
    let inner = need_child(
        fields,
        verb,
        ORAL_KEYS,
        "{ dose = \"10 mg\", every = \"6 h\", count = 12 }",
    )?;
    let dose = inner.need("dose", dimension, Bound::POSITIVE);
    let every = inner.quantity("every", Dimension::Time, Bound::POSITIVE);
    let count = inner.whole("count", 1, 100_000);
    let (dose, every, count) = (dose?, every?, count?.and_then(|n| u32::try_from(n).ok()));
    match (every, count) {
        (Some(every), count) => Ok((dose, every, count)),
        (None, None | Some(1)) => Ok((dose, DAY, Some(1))),
        (None, Some(_)) => Err(inner.missing("every", "\"6 h\"")),
    }
}

fn repair(fields: &Fields<'_, '_>) -> Result<Action, Reported> {
    let ids = some(fields.texts("repair", "[\"leak\"]"))?;
    let names = &fields.context.names;
    // A fault drawn from [hazards] has its kind as id.
    let known = [names.of("fault"), fields.context.catalog.hazard_kinds.clone()].concat();
    let mut flawed = false;
    let mut faults = Vec::new();
    for (id, place) in ids {
        if !known.contains(&id) {
            flawed = true;
            fields.report(
                Diagnostic::new("unknown-id", format!("no fault has the id {}", quoted(id)))
                    .at(place, "nothing to repair")
                    .maybe_help(did_you_mean(id, &known)),
            );
        } else if !names.gone.iter().any(|g| g == id) {
            // A fault that this arm leaves out needs no repair.
            faults.push(id.to_owned());
        }
    }
    if flawed {
        Err(Reported)
    } else {
        Ok(Action::Repair { faults })
    }
}
