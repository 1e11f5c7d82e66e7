//! The slow states of a person, their slopes, and the signals they give.

use serde::{Deserialize, Serialize};

use crate::numerics::powers;
use crate::parameters::ParameterSet;
use crate::scenario::drugs::Drug;
use crate::signals::{Ailing, Level, Region};

use super::drugs::{DrugActs, DrugSignals, Sites, equilibrium};
use super::effect::EffectModel;
use super::signals::Signals;

/// Places of the slow states in `y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slow;

impl Slow {
    /// Tolerance by region, four states \[1\].
    pub const TOLERANCE: usize = 0;
    /// Adaptation by region, four states \[0-1\].
    pub const ADAPTATION: usize = 4;
    /// Excitation that follows withdrawal \[0-1\].
    pub const EXCITATION: usize = 8;
    /// Body temperature \[degC\].
    pub const TEMPERATURE: usize = 9;
    /// Muscle damage \[0-1\].
    pub const MUSCLE: usize = 10;
    /// Organ failure \[1\].
    pub const ORGANS: usize = 11;
    /// Hypoxia, 1 is lethal \[1\].
    pub const HYPOXIA: usize = 12;
    /// Number of slow states.
    pub const LEN: usize = 13;
}

/// Names of the slow states, in order.
pub const SLOW_NAMES: [&str; Slow::LEN] = [
    "tolerance_legs",
    "tolerance_trunk",
    "tolerance_arms",
    "tolerance_brainstem",
    "adaptation_legs",
    "adaptation_trunk",
    "adaptation_arms",
    "adaptation_brainstem",
    "excitation",
    "temperature",
    "muscle_damage",
    "organ_failure",
    "hypoxia",
];

/// The person without drug.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Modified Ashworth score of the legs \[0-4\].
    pub ashworth_legs: f64,
    /// Modified Ashworth score of the arms \[0-4\].
    pub ashworth_arms: f64,
    /// Penn spasm score \[0-4\].
    pub spasm_score: f64,
    /// Level of the cord injury, if there is one.
    pub injury: Option<Level>,
}

/// What acts on the person at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Exposure {
    /// Effective concentration by region, in the order of [`Region::ALL`] \[ug/mL\].
    pub effect: [f64; 4],
    /// Benzodiazepine at its site, as diazepam \[mg\].
    pub benzodiazepine: f64,
    /// Cyproheptadine at its site \[mg\].
    pub cyproheptadine: f64,
    /// Whether breathing is taken over.
    pub ventilated: bool,
    /// Effective concentrations of other drugs \[ug/mL\].
    #[serde(default)]
    pub others: Sites,
    /// Whether the body is cooled from outside.
    pub cooled: bool,
    /// Signs of complications of surgery and hardware.
    pub ailing: Ailing,
}

/// The figures of the room, read once.
#[derive(Debug, Clone, PartialEq)]
struct Figures {
    tolerance_max: f64,
    tolerance_on: f64,
    tolerance_off: f64,
    adaptation_time: f64,
    weights: [f64; 4],
    sensitivity: f64,
    excitation_time: f64,
    muscle_threshold: f64,
    muscle_rate: f64,
    muscle_heat: f64,
    muscle_heat_from: f64,
    muscle_recovery: f64,
    organ_threshold: f64,
    organ_rate: f64,
    organ_recovery: f64,
    ashworth_emax: f64,
    ashworth_rebound: f64,
    spasm_exponent: f64,
    spasm_rebound: f64,
    reflex_baseline: f64,
    reflex_exponent: f64,
    temperature: f64,
    fever_rise: f64,
    fever_from: f64,
    fever_full: f64,
    chill: f64,
    heat_time: f64,
    cooling_to: f64,
    cooling_time: f64,
    heart_rate: f64,
    heart_rise: f64,
    heart_fall: f64,
    systolic: f64,
    systolic_rise: f64,
    dysreflexia_rise: f64,
    systolic_fall: f64,
    breathing: f64,
    breathing_rise: f64,
    breathing_from: f64,
    breathing_none: f64,
    coma_from: f64,
    coma_full: f64,
    breathing_enough: f64,
    hypoxia_time: f64,
    hypoxia_recovery: f64,
    saturation: f64,
    saturation_fall: f64,
    benzodiazepine_half: f64,
    benzodiazepine_relief: f64,
    benzodiazepine_sedation: f64,
    cyproheptadine_half: f64,
    cyproheptadine_relief: f64,
    ailing: AilingFigures,
}

/// How much a complication at its worst moves what is measured.
#[derive(Debug, Clone, PartialEq)]
struct AilingFigures {
    fever: f64,
    heart: f64,
    breathing: f64,
    systolic_fall: f64,
    ashworth: f64,
    spasm: f64,
    dysreflexia: f64,
    clouding: f64,
}

impl Figures {
    fn new(p: &ParameterSet) -> Figures {
        let get = |key: &str| p.get(key);
        Figures {
            tolerance_max: get("response.tolerance.maximum"),
            tolerance_on: get("response.tolerance.onset_time"),
            tolerance_off: get("response.tolerance.decay_time"),
            adaptation_time: get("response.adaptation.time"),
            weights: Region::ALL.map(|r| p.get(&format!("response.withdrawal.weight_{}", r.lower()))),
            sensitivity: get("response.withdrawal.sensitivity"),
            excitation_time: get("response.withdrawal.excitation_time"),
            muscle_threshold: get("response.withdrawal.muscle_threshold"),
            muscle_rate: get("response.withdrawal.muscle_rate"),
            muscle_heat: get("response.withdrawal.muscle_heat"),
            muscle_heat_from: get("response.withdrawal.muscle_heat_from"),
            muscle_recovery: get("response.withdrawal.muscle_recovery"),
            organ_threshold: get("response.withdrawal.organ_threshold"),
            organ_rate: get("response.withdrawal.organ_rate"),
            organ_recovery: get("response.withdrawal.organ_recovery"),
            ashworth_emax: get("response.scale.ashworth_emax"),
            ashworth_rebound: get("response.scale.ashworth_rebound"),
            spasm_exponent: get("response.scale.spasm_exponent"),
            spasm_rebound: get("response.scale.spasm_rebound"),
            reflex_baseline: get("response.scale.reflex_baseline"),
            reflex_exponent: get("response.scale.reflex_exponent"),
            temperature: get("response.vital.temperature"),
            fever_rise: get("response.vital.fever_rise"),
            fever_from: get("response.vital.fever_from"),
            fever_full: get("response.vital.fever_full"),
            chill: get("response.vital.chill"),
            heat_time: get("response.vital.heat_time"),
            cooling_to: get("response.rescue.cooling_to"),
            cooling_time: get("response.rescue.cooling_time"),
            heart_rate: get("response.vital.heart_rate"),
            heart_rise: get("response.vital.heart_rise"),
            heart_fall: get("response.vital.heart_fall"),
            systolic: get("response.vital.systolic"),
            systolic_rise: get("response.vital.systolic_rise"),
            dysreflexia_rise: get("response.vital.dysreflexia_rise"),
            systolic_fall: get("response.vital.systolic_fall"),
            breathing: get("response.vital.breathing"),
            breathing_rise: get("response.vital.breathing_rise"),
            breathing_from: get("response.vital.breathing_from"),
            breathing_none: get("response.vital.breathing_none"),
            coma_from: get("response.vital.coma_from"),
            coma_full: get("response.vital.coma_full"),
            breathing_enough: get("response.vital.breathing_enough"),
            hypoxia_time: get("response.vital.hypoxia_time"),
            hypoxia_recovery: get("response.vital.hypoxia_recovery"),
            saturation: get("response.vital.saturation"),
            saturation_fall: get("response.vital.saturation_fall"),
            benzodiazepine_half: get("response.rescue.benzodiazepine_half"),
            benzodiazepine_relief: get("response.rescue.benzodiazepine_relief"),
            benzodiazepine_sedation: get("response.rescue.benzodiazepine_sedation"),
            cyproheptadine_half: get("response.rescue.cyproheptadine_half"),
            cyproheptadine_relief: get("response.rescue.cyproheptadine_relief"),
            ailing: AilingFigures {
                fever: get("response.ailing.fever"),
                heart: get("response.ailing.heart"),
                breathing: get("response.ailing.breathing"),
                systolic_fall: get("response.ailing.systolic_fall"),
                ashworth: get("response.ailing.ashworth"),
                spasm: get("response.ailing.spasm"),
                dysreflexia: get("response.ailing.dysreflexia"),
                clouding: get("response.ailing.clouding"),
            },
        }
    }
}

/// A rise from 0 at `low` to 1 at `high` with a continuous slope.
fn rise(low: f64, high: f64, x: f64) -> f64 {
    // A range turned round by an override becomes a steep step, not a NaN.
    let t = ((x - low) / (high - low).max(1e-6)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// What follows from exposure and slow states at once, shared by slopes and signals.
struct Acute {
    /// Of baclofen alone, to which the body gets used.
    effect: [f64; 4],
    /// Of all drugs.
    relief: [f64; 4],
    drugs: DrugSignals,
    withdrawal: f64,
    legs_withdrawal: f64,
    arms_withdrawal: f64,
    sedation: f64,
    cyproheptadine: f64,
    breathing: f64,
}

/// Effect, slow states and signals of one person.
#[derive(Debug, Clone)]
pub struct Response {
    baseline: Baseline,
    figures: Figures,
    model: Box<dyn EffectModel>,
    drugs: DrugActs,
}

impl Response {
    /// A person with a baseline, an effect model, and the figures of a parameter set.
    pub fn new(baseline: Baseline, model: Box<dyn EffectModel>, parameters: &ParameterSet) -> Response {
        Response {
            baseline,
            figures: Figures::new(parameters),
            model,
            drugs: DrugActs::default(),
        }
    }

    /// The same person under other drugs as well. Their slow states follow those of [`Slow`].
    #[must_use]
    pub fn under(mut self, drugs: &[Drug]) -> Response {
        self.drugs = DrugActs::new(drugs);
        self
    }

    /// Number of slow states: [`Slow::LEN`], and those of other drugs.
    pub fn slow_states(&self) -> usize {
        Slow::LEN + self.drugs.slow()
    }

    /// The person without drug.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// The effect model.
    pub fn model(&self) -> &dyn EffectModel {
        self.model.as_ref()
    }

    /// Slow states of a person who never had the drug.
    pub fn naive(&self) -> Vec<f64> {
        let mut y = vec![0.0; self.slow_states()];
        y[Slow::TEMPERATURE] = self.figures.temperature;
        y
    }

    /// Slow states after months under a constant exposure: tolerance and adaptation
    /// match the effect, nothing is damaged.
    pub fn equilibrium(&self, exposure: &Exposure) -> Vec<f64> {
        self.equilibrium_of(exposure, &Region::ALL)
    }

    /// The same for some regions only, the others as in a person who never had the drug: a
    /// search for a dose asks for the legs a hundred times.
    pub fn equilibrium_of(&self, exposure: &Exposure, regions: &[Region]) -> Vec<f64> {
        let mut y = self.naive();
        for region in regions.iter().copied() {
            let r = region.index();
            let tolerance = equilibrium(self.figures.tolerance_max, |tolerance| {
                self.model.effect(region, exposure.effect[r], tolerance)
            });
            y[Slow::TOLERANCE + r] = tolerance;
            y[Slow::ADAPTATION + r] = self.model.effect(region, exposure.effect[r], tolerance);
        }
        self.drugs.settle(&exposure.others, &mut y[Slow::LEN..]);
        y
    }

    /// Tolerances for an integrator, one per slow state, in its unit.
    pub fn absolute_tolerances(&self) -> Vec<f64> {
        let mut atol = vec![1e-7; self.slow_states()];
        atol[Slow::TEMPERATURE] = 1e-5;
        // It follows withdrawal, which has a bend wherever an effect passes what a region is used
        // to: several a day. Asked for more, a patient's steps go into these corners: at 1e-6 nine
        // of ten steps refused were its own.
        atol[Slow::EXCITATION] = 1e-5;
        atol
    }

    fn acute(&self, exposure: &Exposure, y: &[f64]) -> Acute {
        let f = &self.figures;
        let tolerance = std::array::from_fn(|r| y[Slow::TOLERANCE + r].max(0.0));
        let effect = self.model.effects(&exposure.effect, &tolerance);
        let saturate = |amount: f64, half: f64| amount.max(0.0) / (amount.max(0.0) + half);
        let benzodiazepine = saturate(exposure.benzodiazepine, f.benzodiazepine_half);
        let relief = 1.0 - f.benzodiazepine_relief * benzodiazepine;
        let lack = Region::ALL.map(|r| (y[Slow::ADAPTATION + r.index()] - effect[r.index()]).max(0.0));
        let drive: f64 = (0..4).map(|i| f.weights[i] * lack[i]).sum();
        let withdrawal = (f.sensitivity * drive).min(1.0) * relief;
        let depressed = effect[Region::Brainstem.index()];
        let sedation = 1.0 - (1.0 - depressed) * (1.0 - f.benzodiazepine_sedation * benzodiazepine);
        let drugs = (!self.drugs.is_empty()).then(|| self.drugs.levels(&exposure.others, &y[Slow::LEN..]));
        let sedation = drugs.as_ref().map_or(sedation, |d| d.sedation.on(sedation));
        let slowing = rise(f.breathing_from, f.breathing_none, sedation);
        let urge = f.breathing + f.breathing_rise * withdrawal + f.ailing.breathing * exposure.ailing.inflammation;
        let breathing = urge * (1.0 - slowing);
        Acute {
            effect,
            relief: match &drugs {
                Some(d) => Region::ALL.map(|r| d.relief[r.index()].on(effect[r.index()])),
                None => effect,
            },
            withdrawal,
            legs_withdrawal: relief * lack[Region::Legs.index()],
            arms_withdrawal: relief * lack[Region::Arms.index()],
            sedation,
            cyproheptadine: f.cyproheptadine_relief * saturate(exposure.cyproheptadine, f.cyproheptadine_half),
            breathing: match &drugs {
                Some(d) => breathing * (1.0 - d.signals.drug_breathing_loss),
                None => breathing,
            },
            drugs: drugs.map(|d| d.signals).unwrap_or_default(),
        }
    }

    /// Slopes of the slow states \[unit/h\] under an exposure. `y` and `dy` have
    /// [`Response::slow_states`] places, or this panics.
    pub fn derivative(&self, exposure: &Exposure, y: &[f64], dy: &mut [f64]) {
        let f = &self.figures;
        let a = self.acute(exposure, y);
        for (r, effect) in a.effect.into_iter().enumerate() {
            let gap = f.tolerance_max * effect - y[Slow::TOLERANCE + r];
            dy[Slow::TOLERANCE + r] = gap / if gap > 0.0 { f.tolerance_on } else { f.tolerance_off };
            dy[Slow::ADAPTATION + r] = (effect - y[Slow::ADAPTATION + r]) / f.adaptation_time;
        }
        let excitation = y[Slow::EXCITATION];
        dy[Slow::EXCITATION] = (a.withdrawal - excitation) / f.excitation_time;
        let fever = f.fever_rise * rise(f.fever_from, f.fever_full, a.withdrawal) * (1.0 - a.cyproheptadine);
        // Fever of infection is none of withdrawal's: cyproheptadine does not touch it.
        let infected = f.ailing.fever * exposure.ailing.inflammation;
        let target = f.temperature + fever - f.chill * rise(f.coma_from, 1.0, a.sedation) + infected;
        let temperature = y[Slow::TEMPERATURE];
        // Cooling takes heat away in proportion to what the body is too warm.
        let cooling = if exposure.cooled {
            (temperature - f.cooling_to).max(0.0) / f.cooling_time
        } else {
            0.0
        };
        dy[Slow::TEMPERATURE] = (target - temperature) / f.heat_time - cooling;
        let heat = 1.0 + f.muscle_heat * (temperature - f.muscle_heat_from).max(0.0);
        let muscle = y[Slow::MUSCLE];
        dy[Slow::MUSCLE] = f.muscle_rate * (excitation - f.muscle_threshold).max(0.0) * heat * (1.0 - muscle)
            - muscle / f.muscle_recovery;
        let organs = y[Slow::ORGANS];
        dy[Slow::ORGANS] = f.organ_rate * (muscle - f.organ_threshold).max(0.0) - organs / f.organ_recovery;
        let short = if exposure.ventilated {
            0.0
        } else {
            (1.0 - a.breathing / f.breathing_enough).max(0.0)
        };
        dy[Slow::HYPOXIA] = short / f.hypoxia_time - (1.0 - short) * y[Slow::HYPOXIA] / f.hypoxia_recovery;
        self.drugs
            .derivative(&exposure.others, &y[Slow::LEN..], &mut dy[Slow::LEN..]);
    }

    /// The signals under an exposure with slow states `y` of [`Response::slow_states`] places.
    pub fn signals(&self, exposure: &Exposure, y: &[f64]) -> Signals {
        let f = &self.figures;
        let a = self.acute(exposure, y);
        let [legs, trunk, arms, _] = a.relief;
        let brainstem = a.effect[Region::Brainstem.index()];
        let b = &self.baseline;
        let ill = &exposure.ailing;
        // What hurts below the injury adds to tone and spasms, whatever the drug does.
        let hurt = f.ailing.ashworth * ill.noxious;
        let score = |base: f64, effect: f64, lack: f64| {
            (base * (1.0 - f.ashworth_emax * effect) + f.ashworth_rebound * lack + hurt).clamp(0.0, 4.0)
        };
        let excitation = y[Slow::EXCITATION].clamp(0.0, 1.0);
        let dysreflexia = match b.injury {
            Some(level) if level >= Level::T6 => (excitation + f.ailing.dysreflexia * ill.noxious).min(1.0),
            _ => 0.0,
        };
        let hypoxia = y[Slow::HYPOXIA].max(0.0);
        let [spasms, reflex] = powers([1.0 - legs; 2], [f.spasm_exponent, f.reflex_exponent]);
        let spasms = b.spasm_score * spasms + f.spasm_rebound * a.legs_withdrawal + f.ailing.spasm * ill.noxious;
        Signals {
            effect_legs: legs,
            effect_trunk: trunk,
            effect_arms: arms,
            effect_brainstem: brainstem,
            ashworth_legs: score(b.ashworth_legs, legs, a.legs_withdrawal),
            ashworth_arms: score(b.ashworth_arms, arms, a.arms_withdrawal),
            spasm_score: spasms.clamp(0.0, 4.0),
            h_over_m_percent: f.reflex_baseline * reflex,
            tolerance: y[Slow::TOLERANCE],
            adaptation: y[Slow::ADAPTATION],
            withdrawal_index: a.withdrawal,
            excitation,
            dysreflexia,
            sedation: a.sedation,
            gcs: (15.0 - 12.0 * rise(f.coma_from, f.coma_full, a.sedation) - f.ailing.clouding * ill.clouding).max(3.0),
            heart_rate_per_min: f.heart_rate + f.heart_rise * a.withdrawal * (1.0 - a.cyproheptadine)
                - f.heart_fall * a.sedation
                + f.ailing.heart * ill.inflammation
                + a.drugs.drug_heart_rate_per_min,
            systolic_mmhg: f.systolic + f.systolic_rise * a.withdrawal + f.dysreflexia_rise * dysreflexia
                - f.systolic_fall * a.sedation
                - f.ailing.systolic_fall * ill.sepsis
                + a.drugs.drug_systolic_mmhg,
            temperature_c: y[Slow::TEMPERATURE],
            resp_rate_per_min: a.breathing,
            ailing: *ill,
            spo2_percent: (f.saturation - f.saturation_fall * hypoxia.min(1.0)).max(0.0),
            muscle_damage: y[Slow::MUSCLE].max(0.0),
            organ_failure: y[Slow::ORGANS].max(0.0),
            hypoxia,
            drugs: a.drugs,
        }
    }
}
