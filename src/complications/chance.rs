//! At which surgery a complication comes, how likely, and after how long.

use super::kind::{KINDS, Kind};
use crate::engine::SimTime;
use crate::hazards::Shape;
use crate::numerics::Draws;
use crate::parameters::ParameterSet;
use crate::quantity::Dimension;
use crate::scenario::model::{Fault, HazardOverride, Material, Onset, Population, Profile, Scenario, Trigger, Value};

/// Operations that carry a risk of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surgery {
    /// Pump and catheter are implanted: pocket and canal are opened.
    Implant,
    /// The catheter is revised or explored.
    Revision,
    /// The pump is exchanged: only the pocket is opened.
    Replacement,
    /// A needle goes into the canal, as for a test dose.
    Puncture,
}

impl Surgery {
    /// All of them.
    pub const ALL: [Surgery; 4] = [
        Surgery::Implant,
        Surgery::Revision,
        Surgery::Replacement,
        Surgery::Puncture,
    ];

    /// Name in parameters.
    pub fn as_str(self) -> &'static str {
        match self {
            Surgery::Implant => "implant",
            Surgery::Revision => "revision",
            Surgery::Replacement => "replacement",
            Surgery::Puncture => "puncture",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Surgery::Implant => "implantation",
            Surgery::Revision => "revision of the catheter",
            Surgery::Replacement => "exchange of the pump",
            Surgery::Puncture => "puncture",
        }
    }
}

/// What one kind does to one patient by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// The kind.
    pub kind: &'static Kind,
    /// Hazard at a first implantation (point mass) and later (constant rate \[1/h\]).
    pub shape: Shape,
    /// Factor on the cumulative hazard by kind of surgery, in the order of [`Surgery::ALL`] \[1\].
    pub factors: [f64; 4],
    /// Earliest and latest sign after surgery \[h\]; its logarithm is uniform between.
    pub onset: (f64, f64),
}

impl Chance {
    /// Defaults of a kind for a generation of catheter, before anything of the patient.
    pub fn of(kind: &'static Kind, material: Material, p: &ParameterSet) -> Self {
        let infection = p.get("hazards.surgery.infection.at_surgery");
        let late = p.get_as("hazards.surgery.infection.constant", Dimension::Rate);
        let (at_surgery, constant) = match kind.name() {
            // A share of the published chance of any infection.
            _ if kind.infection => (infection * kind.number(p, "share"), late * kind.number(p, "share_late")),
            "csf_leak" => (
                match material {
                    Material::Braided => p.get("hazards.surgery.csf_leak.braided"),
                    Material::Silicone => p.get("hazards.surgery.csf_leak.silicone"),
                },
                0.0,
            ),
            name => {
                let key = format!("complications.{name}.late");
                let late = p.find(&key).map_or(0.0, |_| p.get_as(&key, Dimension::Rate));
                (kind.number(p, "at_surgery"), late)
            }
        };
        Self {
            kind,
            shape: Shape {
                at_surgery,
                constant,
                ..Shape::default()
            },
            factors: Surgery::ALL.map(|s| match s {
                Surgery::Implant => 1.0,
                s => kind.number(p, s.as_str()),
            }),
            onset: (kind.hours(p, "onset_low"), kind.hours(p, "onset_high")),
        }
    }

    /// Chance at one surgery of this kind \[0-1\]: the hazard times its factor.
    pub fn at(&self, surgery: Surgery) -> f64 {
        self.shape.scaled(self.factors[surgery as usize]).at_surgery
    }

    /// Whether the `ordinal`-th surgery of a run brings it, and how long after \[h\].
    ///
    /// The draws depend on seed, replicate, kind and ordinal only.
    pub fn strike(&self, surgery: Surgery, ordinal: u64, draws: &Draws) -> Option<f64> {
        let entity = Self::entity(self.kind);
        if draws.uniform(&entity, "surgery", ordinal) >= self.at(surgery) {
            return None;
        }
        let (low, high) = self.span();
        let u = draws.uniform(&entity, "wait", ordinal);
        Some(libm::exp(libm::log(low) + u * (libm::log(high) - libm::log(low))))
    }

    /// Earliest and latest sign after surgery \[h\], above zero.
    pub(super) fn span(&self) -> (f64, f64) {
        (self.onset.0.max(1e-3), self.onset.1.max(1e-3))
    }

    /// Name under which a kind draws.
    pub(super) fn entity(kind: &Kind) -> String {
        format!("hazard.{}", kind.kind)
    }

    /// Whether the surgery of the implant stands at the start of the run.
    pub(super) fn fresh(scenario: &Scenario) -> bool {
        scenario.patient.implanted && scenario.pump.age <= 0.0
    }

    /// How long until the first of surgery and time \[h\], drawn before the run.
    pub(super) fn first(&self, scenario: &Scenario, draws: &Draws) -> Option<f64> {
        let early = Self::fresh(scenario)
            .then(|| self.strike(Surgery::Implant, 0, draws))
            .flatten();
        // What needs hardware cannot come late without it.
        let late = scenario.patient.implanted.then(|| self.late(0, draws)).flatten();
        match (early, late) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// How long until the `ordinal`-th late one \[h\]; `None` if none ever comes.
    pub fn late(&self, ordinal: u64, draws: &Draws) -> Option<f64> {
        let entity = Self::entity(self.kind);
        let u = draws.uniform(&entity, "late", ordinal);
        let wait = -libm::log(u) / self.shape.constant;
        wait.is_finite().then_some(wait)
    }
}

/// The chances of all kinds for one patient.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk {
    chances: Vec<Chance>,
}

/// Factor of the patient on a kind \[1\].
fn factor(kind: &Kind, s: &Scenario) -> f64 {
    let p = &s.parameters;
    let who = &s.patient.selection;
    let child = s.patient.population == Population::Child;
    let when = |there: bool, key: &str| if there { p.get(key) } else { 1.0 };
    match kind.name() {
        "spinal_haematoma" => when(
            who.anticoagulated || who.coagulopathy,
            "complications.risk.anticoagulation",
        ),
        "csf_leak" => when(child, "complications.risk.child_leak"),
        "skin_erosion" => when(child, "complications.risk.child_erosion"),
        _ if kind.infection => {
            when(who.infection, "complications.risk.active_infection")
                * when(who.diabetes, "complications.risk.diabetes")
        }
        _ => 1.0,
    }
}

fn overridden(shape: Shape, own: &HazardOverride) -> Shape {
    Shape {
        at_surgery: own.at_surgery.unwrap_or(shape.at_surgery),
        constant: own.constant.unwrap_or(shape.constant),
        ..shape
    }
}

impl Risk {
    /// The chances in a scenario: defaults, its overrides, its scale, then what the patient
    /// brings along. `None` if its `[hazards]` has no complications.
    pub fn of(scenario: &Scenario) -> Option<Self> {
        let wanted = scenario.hazards.as_ref().filter(|h| h.enabled && h.complications)?;
        let material = wanted.generation.unwrap_or(scenario.catheter.material);
        let mut chances = Vec::new();
        for kind in &KINDS {
            let own = wanted.kinds.get(kind.kind).copied().unwrap_or_default();
            if own.enabled == Some(false) {
                continue;
            }
            let mut chance = Chance::of(kind, material, &scenario.parameters);
            let many = wanted.scale * factor(kind, scenario);
            chance.shape = overridden(chance.shape, &own).scaled(many);
            chances.push(chance);
        }
        Some(Self { chances })
    }

    /// The chance of one kind, if it may come.
    pub fn chance(&self, kind: &str) -> Option<&Chance> {
        self.chances.iter().find(|c| c.kind.kind == kind)
    }

    /// All of them.
    pub fn chances(&self) -> &[Chance] {
        &self.chances
    }
}

/// The complications that may come by chance in one replicate, as faults that wait.
///
/// Each has its kind as id. An implant of age zero has its surgery at the start.
pub fn draw(scenario: &Scenario, draws: &Draws) -> Vec<Fault> {
    let Some(risk) = Risk::of(scenario) else {
        return Vec::new();
    };
    let one = |chance: &Chance| {
        let onset = onset_of(scenario, chance.kind, chance.first(scenario, draws), draws);
        waiting(chance.kind, onset, scenario)
    };
    risk.chances().iter().map(one).collect()
}

/// The onset after a wait \[h\], if that is within the run.
pub(super) fn onset_of(scenario: &Scenario, kind: &Kind, wait: Option<f64>, draws: &Draws) -> Option<Onset> {
    let at = wait
        .filter(|wait| *wait <= scenario.duration.hours())
        .and_then(|wait| SimTime::from_hours(wait).ok())?;
    Some(Onset {
        at,
        detail: format!(
            "drawn of (seed {}, replicate {}, hazard.{})",
            draws.seed(),
            draws.replicate(),
            kind.kind
        ),
    })
}

/// What the complications of a scenario can lead to, as faults that wait; each has its
/// kind as id.
pub fn followers(scenario: &Scenario) -> Vec<Fault> {
    let mut out: Vec<Fault> = Vec::new();
    let mut open: Vec<&str> = scenario.faults.iter().map(|f| f.kind.as_str()).collect();
    while let Some(kind) = open.pop() {
        let Some(next) = super::kind::named(kind).and_then(|k| super::kind::named(k.leads_to?)) else {
            continue;
        };
        let known = |f: &Fault| f.id == next.kind;
        if !scenario.faults.iter().any(known) && !out.iter().any(known) {
            out.push(waiting(next, None, scenario));
            open.push(next.kind);
        }
    }
    out
}

pub(super) fn waiting(kind: &Kind, onset: Option<Onset>, scenario: &Scenario) -> Fault {
    let p = &scenario.parameters;
    let mut values = std::collections::BTreeMap::new();
    values.insert("severity".to_owned(), Value::Number(p.get("complications.severity")));
    if kind.name() == "csf_leak" {
        values.insert("level".to_owned(), Value::Text("L3".to_owned()));
        let conductance = p.get_as("complications.csf_leak.conductance", Dimension::Conductance);
        values.insert("conductance".to_owned(), Value::Number(conductance));
    }
    Fault {
        id: kind.kind.to_owned(),
        kind: kind.kind.to_owned(),
        trigger: Trigger::Arises(onset),
        profile: Profile::Step,
        until: None,
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complications::named;

    #[test]
    fn a_replacement_carries_more_infection_than_a_first_implant_and_no_leak() {
        let p = ParameterSet::default();
        let of = |kind: &str| Chance::of(named(kind).unwrap(), Material::Braided, &p);
        let pocket = of("complication.pocket_infection");
        assert!(pocket.at(Surgery::Replacement) > 1.6 * pocket.at(Surgery::Implant));
        assert_eq!(pocket.at(Surgery::Puncture), 0.0);
        let leak = of("complication.csf_leak");
        assert!((leak.at(Surgery::Implant) - 0.011).abs() < 1e-15);
        assert_eq!(leak.at(Surgery::Replacement), 0.0);
    }

    #[test]
    fn infections_share_the_published_chance_of_any() {
        let p = ParameterSet::default();
        let shares = |what: &str| KINDS.iter().map(|k| k.number(&p, what)).sum::<f64>();
        assert!((shares("share") - 1.0).abs() < 1e-12);
        assert!((shares("share_late") - 1.0).abs() < 1e-12);
    }
}
