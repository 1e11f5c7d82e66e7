//! The kinds, their default shapes, and what a scenario makes of them.

use serde::Serialize;

use super::shape::Shape;
use crate::parameters::{self, Grade, ParameterSet};
use crate::quantity::Dimension;
use crate::scenario::model::{Material, PumpGeneration, Scenario};

/// Fault kinds that can come by chance, in the order of listings.
///
/// Memory errors and telemetry hangs have no published rate: their default is
/// zero, and a scenario may give one.
pub const KINDS: [&str; 9] = [
    "catheter.occlusion",
    "catheter.leak",
    "catheter.disconnection",
    "catheter.kink",
    "catheter.migration",
    "pump.stall",
    "pump.over_infusion",
    "pump.memory_error",
    "pump.telemetry_hang",
];

/// Which age counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// Age of the pump.
    Pump,
    /// Age of the catheter.
    Catheter,
}

/// One kind of fault with its hazard.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hazard {
    /// Fault kind, as in `[[fault]]`; also the id of the fault that is drawn.
    pub kind: String,
    /// Which age counts.
    pub clock: Clock,
    /// The hazard over that age.
    pub shape: Shape,
    /// Key of the parameter that sets the level, or empty where no rate is published.
    pub key: String,
    /// How far that parameter can be trusted.
    pub grade: Grade,
    /// Where the level comes from.
    pub source: String,
    /// Whether a run can carry it; what cannot is only listed.
    pub simulated: bool,
}

/// What the default rates depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Implant {
    /// Generation of the catheter.
    pub material: Material,
    /// Generation of the pump, or the source its figures are taken from.
    pub pump: PumpGeneration,
    /// Whether the maker approved the drug.
    pub approved_drug: bool,
    /// Whether the pump is of the family the figures are about.
    pub peristaltic: bool,
}

/// Shape of the hazard of one kind from published figures; zero for a kind without any.
///
/// # Example
/// ```
/// use itbsim::hazards::{Implant, by_chance};
/// use itbsim::parameters::ParameterSet;
/// use itbsim::scenario::model::{Material, PumpGeneration};
///
/// let implant = Implant {
///     material: Material::Braided,
///     pump: PumpGeneration::Registry2012,
///     approved_drug: true,
///     peristaltic: true,
/// };
/// let stall = by_chance("pump.stall", &implant, &ParameterSet::default());
/// assert!((1.0 - stall.shape.survival(6.5 * 8766.0) - 0.024).abs() < 1e-12);
/// ```
pub fn by_chance(kind: &str, implant: &Implant, p: &ParameterSet) -> Hazard {
    let clock = if kind.starts_with("catheter.") {
        Clock::Catheter
    } else {
        Clock::Pump
    };
    let generation = material_word(implant.material);
    let (key, shape) = match kind {
        "surgery.infection" => (
            "hazards.surgery.infection.at_surgery".to_owned(),
            Shape {
                at_surgery: p.get("hazards.surgery.infection.at_surgery"),
                constant: p.get_as("hazards.surgery.infection.constant", Dimension::Rate),
                ..Shape::default()
            },
        ),
        "surgery.csf_leak" => {
            let key = format!("hazards.surgery.csf_leak.{generation}");
            let at_surgery = p.get(&key);
            (
                key,
                Shape {
                    at_surgery,
                    ..Shape::default()
                },
            )
        }
        "pump.stall" if implant.peristaltic => stall(implant, p),
        "pump.over_infusion" if implant.peristaltic => {
            let not_before = p.get_as("hazards.pump.over_infusion.onset", Dimension::Time);
            let horizon = p.get_as("hazards.pump.over_infusion.horizon", Dimension::Time);
            let total = -libm::log1p(-p.get("hazards.pump.over_infusion.share"));
            (
                "hazards.pump.over_infusion.share".to_owned(),
                Shape {
                    constant: per(total, horizon - not_before),
                    not_before,
                    ..Shape::default()
                },
            )
        }
        _ => match kind.strip_prefix("catheter.").filter(|_| KINDS.contains(&kind)) {
            Some(name) => catheter(name, generation, p),
            None => (String::new(), Shape::default()),
        },
    };
    let known = parameters::named(&key);
    Hazard {
        kind: kind.to_owned(),
        clock,
        shape,
        grade: known.map_or(Grade::Assumed, |p| p.grade),
        source: known
            .map_or("no published rate; zero unless a scenario gives one", |p| p.source)
            .to_owned(),
        key,
        simulated: KINDS.contains(&kind),
    }
}

/// All kinds with their default hazards, then what is only counted.
pub fn defaults(implant: &Implant, p: &ParameterSet) -> Vec<Hazard> {
    KINDS
        .into_iter()
        .chain(["surgery.infection", "surgery.csf_leak"])
        .map(|kind| by_chance(kind, implant, p))
        .collect()
}

/// The hazards of a scenario: defaults, then its overrides, then its scale. Empty if the
/// scenario has none; kinds it switches off or that can never strike are left out.
pub fn of_scenario(scenario: &Scenario) -> Vec<Hazard> {
    let Some(wanted) = scenario.hazards.as_ref().filter(|h| h.enabled) else {
        return Vec::new();
    };
    let implant = Implant {
        material: wanted.generation.unwrap_or(scenario.catheter.material),
        pump: wanted.pump_generation,
        approved_drug: scenario.pump.approved_drug,
        peristaltic: scenario.pump.family == "peristaltic",
    };
    let mut out = Vec::new();
    for kind in KINDS {
        let own = wanted.kinds.get(kind);
        if own.is_some_and(|own| own.enabled == Some(false)) {
            continue;
        }
        let mut hazard = by_chance(kind, &implant, &scenario.parameters);
        if let Some(own) = own {
            let shape = &mut hazard.shape;
            for (field, value) in [
                (&mut shape.at_surgery, own.at_surgery),
                (&mut shape.early, own.early),
                (&mut shape.early_for, own.early_for),
                (&mut shape.constant, own.constant),
                (&mut shape.wear, own.wear),
                (&mut shape.not_before, own.not_before),
            ] {
                if let Some(value) = value {
                    *field = value;
                    hazard.source = "this scenario".to_owned();
                }
            }
        }
        hazard.shape = hazard.shape.scaled(wanted.scale);
        if !hazard.shape.is_zero() {
            out.push(hazard);
        }
    }
    out
}

/// The generation of a catheter as files spell it.
pub(crate) fn material_word(material: Material) -> &'static str {
    match material {
        Material::Braided => "braided",
        Material::Silicone => "silicone",
    }
}

/// A total spread over a time; nothing where there is no time.
fn per(total: f64, time: f64) -> f64 {
    if time > 0.0 { total / time } else { 0.0 }
}

/// Mean rate over the follow-up, spread over time by the common shape.
fn catheter(name: &str, generation: &str, p: &ParameterSet) -> (String, Shape) {
    let key = format!("hazards.catheter.{generation}.{name}");
    let follow_up = p.get_as(&format!("hazards.catheter.{generation}.follow_up"), Dimension::Time);
    let total = p.get_as(&key, Dimension::Rate) * follow_up;
    let parts = Parts::new(p);
    let level = per(total, parts.by(follow_up));
    (
        key,
        Shape {
            at_surgery: -libm::expm1(-level * parts.surgery),
            early: level * per(parts.early, parts.early_for),
            early_for: parts.early_for,
            constant: level * parts.constant,
            ..Shape::default()
        },
    )
}

/// Shares of catheter events: at surgery, in the early term beyond the constant, and by time.
struct Parts {
    surgery: f64,
    early: f64,
    /// \[h\]
    early_for: f64,
    /// \[1/h\]
    constant: f64,
}

impl Parts {
    /// The three terms through three published points of the share of events by time:
    /// `surgery + early min(t, early_for) / early_for + constant t`.
    fn new(p: &ParameterSet) -> Self {
        const FIRST: f64 = 0.25;
        const THIRD: f64 = 0.75;
        let time = |key: &str| p.get_as(key, Dimension::Time);
        let first = time("hazards.catheter.shape.first_quartile");
        let early_for = time("hazards.catheter.shape.early");
        let third = time("hazards.catheter.shape.third_quartile");
        let by_early = p.get("hazards.catheter.shape.share_early");
        // Ranges of the parameters keep `first` below `early_for` below `third`, or equal.
        let constant = per(THIRD - by_early, third - early_for).max(0.0);
        let early = ((by_early - FIRST - constant * (early_for - first)) * per(early_for, early_for - first)).max(0.0);
        let surgery = (FIRST - early * per(first, early_for) - constant * first).max(0.0);
        Self {
            surgery,
            early,
            early_for,
            constant,
        }
    }

    /// Share of events up to a time \[h\]; beyond 1 the study had ended.
    fn by(&self, time: f64) -> f64 {
        self.surgery + self.early * per(time.min(self.early_for), self.early_for) + self.constant * time
    }
}

/// Motor stall: a cumulative figure at one age, part of it in proportion to age.
fn stall(implant: &Implant, p: &ParameterSet) -> (String, Shape) {
    let source = match implant.pump {
        PumpGeneration::Registry2012 => "registry_2012",
        // The later design has no figures of its own: the earlier one's, less the causes removed.
        PumpGeneration::Letter2017 | PumpGeneration::Redesigned2017 => "letter_2017",
    };
    let drug = if implant.approved_drug {
        "approved"
    } else {
        "unapproved"
    };
    let key = format!("hazards.pump.stall.{source}.{drug}");
    let horizon = p.get_as(&format!("hazards.pump.stall.{source}.horizon"), Dimension::Time);
    let total = -libm::log1p(-p.get(&key));
    let wear = p.get("hazards.pump.stall.cause.wear");
    let corrosion = p.get("hazards.pump.stall.cause.corrosion");
    let short = p.get("hazards.pump.stall.cause.short");
    let ageing = (wear + corrosion).min(1.0);
    let (mut growing, mut steady) = (ageing, 1.0 - ageing);
    if implant.pump == PumpGeneration::Redesigned2017 {
        let short = short.min(steady);
        growing = wear * p.get("hazards.pump.stall.redesign.wear")
            + corrosion * p.get("hazards.pump.stall.redesign.corrosion");
        steady = steady - short + short * p.get("hazards.pump.stall.redesign.short");
    }
    (
        key,
        Shape {
            constant: per(total * steady, horizon),
            wear: per(2.0 * total * growing, horizon * horizon),
            ..Shape::default()
        },
    )
}
