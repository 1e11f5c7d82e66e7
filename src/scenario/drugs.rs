//! A drug as data: what a `[[drug]]` block says of a drug beside baclofen.
//!
//! Baclofen is built in and needs no block. Any other drug brings its kinetics (the same
//! neuraxis with its own rates, [`FIGURES`]) and its effects on named [`Channel`]s. How to write
//! one is in `docs/drugs.md`.

use serde::{Deserialize, Serialize};

use crate::parameters::{Grade, ParameterSet};
use crate::signals::Region;

/// A drug beside baclofen, every number in base units.
#[derive(Debug, Clone, PartialEq)]
pub struct Drug {
    /// Id, which begins the names of its columns: `morphine_plasma_ng_per_ml`.
    pub id: String,
    /// Name for a reader.
    pub name: String,
    /// Publications behind it.
    pub sources: Vec<String>,
    /// What it does.
    pub effects: Vec<DrugEffect>,
    /// Every number the file gives, with its grade and source, in file order.
    pub figures: Vec<DrugFigure>,
    /// The person's parameters with the kinetics of this drug in the place of baclofen's.
    pub parameters: ParameterSet,
}

/// One number of a drug as the file states it.
#[derive(Debug, Clone, PartialEq)]
pub struct DrugFigure {
    /// `kinetics.csf_loss`, `effect.analgesia.ec50`.
    pub name: String,
    /// Value in `unit`.
    pub value: f64,
    /// Unit; `"1"` for a pure number.
    pub unit: &'static str,
    /// How far it can be trusted; a number without a grade is assumed.
    pub grade: Grade,
    /// Where it comes from; empty if the file does not say.
    pub source: String,
}

/// What a drug acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Relief of pain \[0-1\].
    Analgesia,
    /// Depression of consciousness, on top of baclofen's \[0-1\].
    Sedation,
    /// Share of one's own breathing that is lost \[0-1\].
    RespiratoryDepression,
    /// Change of systolic pressure \[mmHg\].
    BloodPressure,
    /// Change of heart rate \[1/min\].
    HeartRate,
    /// Relief of spasticity in the region named, on top of baclofen's \[0-1\].
    Spasticity,
}

impl Channel {
    /// All channels with their spelling in a file.
    pub const ALL: [(&'static str, Channel); 6] = [
        ("analgesia", Channel::Analgesia),
        ("sedation", Channel::Sedation),
        ("respiratory_depression", Channel::RespiratoryDepression),
        ("blood_pressure", Channel::BloodPressure),
        ("heart_rate", Channel::HeartRate),
        ("spasticity", Channel::Spasticity),
    ];

    /// Spelling in a file.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, c)| *c == self).map_or("", |(name, _)| name)
    }

    /// Unit of `emax` and `rebound`.
    pub fn unit(self) -> &'static str {
        match self {
            Channel::BloodPressure => "mmHg",
            Channel::HeartRate => "1/min",
            _ => "1",
        }
    }

    /// Smallest and largest `emax` that can be meant.
    pub fn range(self) -> (f64, f64) {
        match self {
            Channel::BloodPressure => (-100.0, 100.0),
            Channel::HeartRate => (-60.0, 60.0),
            _ => (0.0, 1.0),
        }
    }

    /// Whether it is a share between 0 and 1, which combines as [`Combination`] says; changes of
    /// pressure and heart rate are added up.
    pub fn is_share(self) -> bool {
        self.range() == (0.0, 1.0)
    }
}

/// How an effect joins others on its channel, baclofen's among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combination {
    /// Independent: what one drug leaves, the other takes its share of (Bliss 1939).
    #[default]
    Bliss,
    /// Added, up to the whole.
    Additive,
}

/// One effect of a drug: `emax c^g / ((ec50 (1 + T))^g + c^g)` of the concentration at the
/// effect site of a region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrugEffect {
    /// What it acts on.
    pub channel: Channel,
    /// Where: the region whose effect site drives it.
    pub region: Region,
    /// Full effect, in the unit of the channel; negative for a fall.
    pub emax: f64,
    /// Effect-site concentration of half the full effect, without tolerance \[ug/mL\].
    pub ec50: f64,
    /// Steepness \[1\].
    pub hill: f64,
    /// How it joins others.
    pub combination: Combination,
    /// Loss of effect by use.
    pub tolerance: Option<DrugTolerance>,
    /// What happens when it is taken away.
    pub withdrawal: Option<DrugWithdrawal>,
}

/// Tolerance: EC50 grows by `T`, which follows `maximum` times the share of the full effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrugTolerance {
    /// Growth of EC50 under full effect \[1\].
    pub maximum: f64,
    /// Time constant of growth \[h\].
    pub onset: f64,
    /// Time constant of its loss \[h\].
    pub decay: f64,
}

/// Withdrawal: the body adapts to the share of the full effect; what it lacks comes back as
/// `rebound` in the opposite direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrugWithdrawal {
    /// Time constant of adaptation \[h\].
    pub time: f64,
    /// Rebound at full lack: a change of pressure or heart rate in the unit of the channel, or,
    /// for a share, the drug's withdrawal index \[0-1\].
    pub rebound: f64,
}

/// A number of `[drug.kinetics]` and the parameter of the neuraxis that it stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureSpec {
    /// Key in the file.
    pub name: &'static str,
    /// Parameter that it replaces; its unit is that of the table.
    pub parameter: &'static str,
    /// Whether the file must give it. The rest are taken over from baclofen: they belong to the
    /// place rather than the molecule, or matter only when drug goes astray.
    pub required: bool,
    /// Smallest value that can be meant, in the parameter's unit.
    pub low: f64,
    /// Largest value that can be meant.
    pub high: f64,
    /// What it means.
    pub meaning: &'static str,
}

const fn figure(
    name: &'static str,
    parameter: &'static str,
    required: bool,
    (low, high): (f64, f64),
    meaning: &'static str,
) -> FigureSpec {
    FigureSpec {
        name,
        parameter,
        required,
        low,
        high,
        meaning,
    }
}

/// The keys of `[drug.kinetics]`. The ranges keep slips of unit out; they are no statement about
/// any drug.
#[rustfmt::skip] // one figure an entry reads as a table
pub const FIGURES: &[FigureSpec] = &[
    figure("csf_loss", "kinetics.csf.loss_rate", true, (0.001, 20.0),
        "first-order loss from spinal fluid to blood; high for lipophilic drugs"),
    figure("csf_plasma_ratio", "kinetics.csf.plasma_ratio", true, (0.001, 2.0),
        "fluid over plasma concentration at equilibrium with blood"),
    figure("cord_half_life", "kinetics.cord.half_life", true, (0.005, 24.0),
        "half-life of exchange of cord with its fluid"),
    figure("cord_partition", "kinetics.cord.partition", true, (0.01, 200.0),
        "cord over fluid concentration at equilibrium; high for lipophilic drugs"),
    figure("effect_fast_half_life", "kinetics.effect.fast_half_life", true, (0.01, 24.0),
        "first effect site of cord regions"),
    figure("effect_slow_half_life", "kinetics.effect.slow_half_life", true, (0.01, 48.0),
        "second effect site of cord regions"),
    figure("plasma_clearance", "kinetics.blood.apparent_clearance", true, (0.1, 500.0),
        "plasma clearance of an adult of 70 kg"),
    figure("plasma_volume", "kinetics.blood.apparent_central_volume", true, (1.0, 1000.0),
        "central volume of an adult of 70 kg"),
    figure("plasma_fast_rate", "kinetics.blood.alpha", true, (0.01, 100.0),
        "fast rate of plasma decline"),
    figure("plasma_half_life", "kinetics.blood.half_life", true, (0.05, 500.0),
        "terminal half-life in plasma"),
    figure("renal_share", "kinetics.blood.renal_share", true, (0.0, 1.0),
        "share of clearance by the kidney at normal renal function"),
    figure("plasma_clearance_child", "kinetics.blood.apparent_clearance_child", false, (0.001, 10.0),
        "plasma clearance of a child per body weight; left out, the adult's over 70 kg"),
    figure("brain_exchange", "kinetics.brain.csf_exchange", false, (0.01, 2000.0),
        "exchange of brain with cranial fluid"),
    figure("brain_half_life", "kinetics.brain.blood_half_life", false, (0.01, 100.0),
        "half-life of exchange of brain with blood"),
    figure("effect_fast_share", "kinetics.effect.fast_share", false, (0.0, 1.0),
        "weight of the first effect site of cord regions"),
    figure("brain_fast_half_life", "kinetics.effect.brain_fast_half_life", false, (0.01, 24.0),
        "first effect site of the brainstem"),
    figure("brain_slow_half_life", "kinetics.effect.brain_slow_half_life", false, (0.01, 48.0),
        "second effect site of the brainstem"),
    figure("brain_cord_share", "kinetics.effect.brain_cord_share", false, (0.0, 0.5),
        "weight of cord C1-C3 in the drive of the brainstem"),
    figure("brain_csf_share", "kinetics.effect.brain_csf_share", false, (0.0, 0.5),
        "weight of cranial fluid in the drive of the brainstem"),
    figure("subcutaneous_rate", "kinetics.depot.subcutaneous_rate", false, (0.001, 20.0),
        "uptake from pocket or tunnel to blood"),
    figure("epidural_rate", "kinetics.depot.epidural_rate", false, (0.001, 20.0),
        "uptake from the epidural space"),
    figure("epidural_csf_share", "kinetics.depot.epidural_csf_share", false, (0.0, 1.0),
        "share of the epidural uptake that reaches fluid"),
    figure("subdural_rate", "kinetics.depot.subdural_rate", false, (0.0001, 20.0),
        "release from a subdural pocket"),
    figure("subdural_csf_share", "kinetics.depot.subdural_csf_share", false, (0.0, 1.0),
        "share of the subdural release that reaches fluid"),
];

/// Unit of a figure, as its parameter's table has it.
pub fn unit_of(figure: &FigureSpec) -> &'static str {
    crate::parameters::all()
        .find(|p| p.key == figure.parameter)
        .map_or("1", |p| p.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_names_a_parameter_and_allows_the_value_of_baclofen() {
        let defaults = ParameterSet::default();
        for figure in FIGURES {
            let value = defaults.find(figure.parameter).expect(figure.name);
            assert!((figure.low..=figure.high).contains(&value), "{}: {value}", figure.name);
        }
    }

    #[test]
    fn channels_are_spelled_once_and_shares_are_shares() {
        for (name, channel) in Channel::ALL {
            assert_eq!(channel.as_str(), name);
            assert_eq!(channel.is_share(), channel.unit() == "1");
        }
    }
}
