//! The slow states of a person, their slopes, and the signals they give.

use serde::{Deserialize, Serialize};

use crate::numerics::{Lanes, powers};
use crate::parameters::ParameterSet;
use crate::scenario::drugs::Drug;
use crate::signals::{Ailing, Level, Region};

use super::drugs::{DrugActs, Levels, Sites, equilibrium};
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
pub(super) struct Figures {
    pub tolerance_max: f64,
    pub tolerance_on: f64,
    pub tolerance_off: f64,
    pub adaptation_time: f64,
    pub weights: [f64; 4],
    pub sensitivity: f64,
    pub excitation_time: f64,
    pub muscle_threshold: f64,
    pub muscle_rate: f64,
    pub muscle_heat: f64,
    pub muscle_heat_from: f64,
    pub muscle_recovery: f64,
    pub organ_threshold: f64,
    pub organ_rate: f64,
    pub organ_recovery: f64,
    pub ashworth_emax: f64,
    pub ashworth_rebound: f64,
    pub spasm_exponent: f64,
    pub spasm_rebound: f64,
    pub reflex_baseline: f64,
    pub reflex_exponent: f64,
    pub temperature: f64,
    pub fever_rise: f64,
    pub fever_from: f64,
    pub fever_full: f64,
    pub chill: f64,
    pub heat_time: f64,
    pub cooling_to: f64,
    pub cooling_time: f64,
    pub heart_rate: f64,
    pub heart_rise: f64,
    pub heart_fall: f64,
    pub systolic: f64,
    pub systolic_rise: f64,
    pub dysreflexia_rise: f64,
    pub systolic_fall: f64,
    pub breathing: f64,
    pub breathing_rise: f64,
    pub breathing_from: f64,
    pub breathing_none: f64,
    pub coma_from: f64,
    pub coma_full: f64,
    pub breathing_enough: f64,
    pub hypoxia_time: f64,
    pub hypoxia_recovery: f64,
    pub saturation: f64,
    pub saturation_fall: f64,
    pub benzodiazepine_half: f64,
    pub benzodiazepine_relief: f64,
    pub benzodiazepine_sedation: f64,
    pub cyproheptadine_half: f64,
    pub cyproheptadine_relief: f64,
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
#[inline(always)]
fn rise<const N: usize>(low: f64, high: f64, x: Lanes<N>) -> Lanes<N> {
    // A range turned round by an override becomes a steep step, not a NaN.
    let t = ((x - low) / (high - low).max(1e-6)).max(0.0).min(1.0);
    t * t * (3.0 - 2.0 * t)
}

/// What acts beside baclofen, at `N` instants.
pub(super) struct Outside<const N: usize> {
    /// Rescue drugs at their sites \[mg\].
    pub benzodiazepine: Lanes<N>,
    pub cyproheptadine: Lanes<N>,
    /// Complications \[0-1\].
    pub ill: Ill<N>,
    /// What other drugs do, where there are any.
    pub drugs: Option<[Levels; N]>,
}

/// The signs of complications that signals depend on, at `N` instants \[0-1\].
#[derive(Clone, Copy)]
pub(super) struct Ill<const N: usize> {
    pub inflammation: Lanes<N>,
    pub noxious: Lanes<N>,
    pub clouding: Lanes<N>,
    pub sepsis: Lanes<N>,
}

impl<const N: usize> Ill<N> {
    pub(super) fn new(signs: &[Ailing; N]) -> Self {
        let of = |sign: fn(&Ailing) -> f64| Lanes(signs.each_ref().map(sign));
        Ill {
            inflammation: of(|a| a.inflammation),
            noxious: of(|a| a.noxious),
            clouding: of(|a| a.clouding),
            sepsis: of(|a| a.sepsis),
        }
    }
}

/// What follows from exposure, effect and adaptation at once, shared by slopes and signals, at `N`
/// instants.
pub(super) struct Acute<const N: usize> {
    /// Of baclofen alone, to which the body gets used.
    pub effect: [Lanes<N>; 4],
    /// Of all drugs.
    pub relief: [Lanes<N>; 4],
    pub withdrawal: Lanes<N>,
    /// Share of withdrawal that rescue drugs leave.
    pub left: Lanes<N>,
    pub legs_withdrawal: Lanes<N>,
    pub arms_withdrawal: Lanes<N>,
    pub sedation: Lanes<N>,
    pub cyproheptadine: Lanes<N>,
    pub breathing: Lanes<N>,
}

/// Slow states that signals follow, at `N` instants.
pub(super) struct Body<const N: usize> {
    pub excitation: Lanes<N>,
    pub muscle: Lanes<N>,
    pub organs: Lanes<N>,
    pub hypoxia: Lanes<N>,
}

/// The signals that follow from both, at `N` instants; units as in [`Signals`].
pub(super) struct Vital<const N: usize> {
    pub excitation: Lanes<N>,
    pub dysreflexia: Lanes<N>,
    pub gcs: Lanes<N>,
    pub heart: Lanes<N>,
    pub systolic: Lanes<N>,
    pub muscle: Lanes<N>,
    pub organs: Lanes<N>,
    pub hypoxia: Lanes<N>,
}

/// Effect, slow states and signals of one person.
#[derive(Debug, Clone)]
pub struct Response {
    baseline: Baseline,
    pub(super) figures: Figures,
    pub(super) model: Box<dyn EffectModel>,
    pub(super) drugs: DrugActs,
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
        // What regions are used to bends wherever an effect passes it: a millionth of it moves no signal by
        // more than a fever of 1e-5 degC. Asked for more, a patient's steps go into these corners.
        atol[Slow::TOLERANCE..Slow::EXCITATION].fill(1e-6);
        atol[Slow::TEMPERATURE] = 1e-5;
        atol[Slow::EXCITATION] = 1e-5;
        atol
    }

    /// What follows from effect and adaptation of the regions.
    #[inline(always)]
    pub(super) fn acute<const N: usize>(
        &self,
        effect: [Lanes<N>; 4],
        adaptation: [Lanes<N>; 4],
        outside: &Outside<N>,
    ) -> Acute<N> {
        let f = &self.figures;
        let saturate = |amount: Lanes<N>, half: f64| amount.max(0.0) / (amount.max(0.0) + half);
        let benzodiazepine = saturate(outside.benzodiazepine, f.benzodiazepine_half);
        let relief = 1.0 - f.benzodiazepine_relief * benzodiazepine;
        let mut lack = [Lanes::default(); 4];
        let mut drive = Lanes::default();
        for r in 0..4 {
            lack[r] = (adaptation[r] - effect[r]).max(0.0);
            drive = drive + f.weights[r] * lack[r];
        }
        let withdrawal = (f.sensitivity * drive).min(1.0) * relief;
        let depressed = effect[Region::Brainstem.index()];
        let mut sedation = 1.0 - (1.0 - depressed) * (1.0 - f.benzodiazepine_sedation * benzodiazepine);
        if let Some(drugs) = &outside.drugs {
            for (sedation, drugs) in sedation.0.iter_mut().zip(drugs) {
                *sedation = drugs.sedation.on(*sedation);
            }
        }
        let slowing = rise(f.breathing_from, f.breathing_none, sedation);
        let ill = &outside.ill;
        let urge = f.breathing + f.breathing_rise * withdrawal + f.ailing.breathing * ill.inflammation;
        let mut breathing = urge * (1.0 - slowing);
        let mut relieved = effect;
        if let Some(drugs) = &outside.drugs {
            for (node, drugs) in drugs.iter().enumerate() {
                breathing.0[node] *= 1.0 - drugs.signals.drug_breathing_loss;
                for (relieved, relief) in relieved.iter_mut().zip(&drugs.relief) {
                    relieved.0[node] = relief.on(relieved.0[node]);
                }
            }
        }
        Acute {
            effect,
            relief: relieved,
            withdrawal,
            left: relief,
            legs_withdrawal: relief * lack[Region::Legs.index()],
            arms_withdrawal: relief * lack[Region::Arms.index()],
            sedation,
            cyproheptadine: f.cyproheptadine_relief * saturate(outside.cyproheptadine, f.cyproheptadine_half),
            breathing,
        }
    }

    /// The temperature that the body moves to \[degC\].
    #[inline(always)]
    pub(super) fn warmth<const N: usize>(&self, a: &Acute<N>, ill: &Ill<N>) -> Lanes<N> {
        let f = &self.figures;
        let fever = f.fever_rise * rise(f.fever_from, f.fever_full, a.withdrawal) * (1.0 - a.cyproheptadine);
        // Fever of infection is none of withdrawal's: cyproheptadine does not touch it.
        let infected = f.ailing.fever * ill.inflammation;
        f.temperature + fever - f.chill * rise(f.coma_from, 1.0, a.sedation) + infected
    }

    /// How fast muscle breaks down, of what is left of it \[1/h\].
    #[inline(always)]
    pub(super) fn breakdown<const N: usize>(&self, excitation: Lanes<N>, temperature: Lanes<N>) -> Lanes<N> {
        let f = &self.figures;
        let heat = 1.0 + f.muscle_heat * (temperature - f.muscle_heat_from).max(0.0);
        f.muscle_rate * (excitation - f.muscle_threshold).max(0.0) * heat
    }

    /// How fast organs fail \[1/h\].
    #[inline(always)]
    pub(super) fn failing<const N: usize>(&self, muscle: Lanes<N>) -> Lanes<N> {
        self.figures.organ_rate * (muscle - self.figures.organ_threshold).max(0.0)
    }

    /// Share of the breathing needed that is lacking \[0-1\].
    #[inline(always)]
    pub(super) fn short<const N: usize>(&self, a: &Acute<N>, ventilated: bool) -> Lanes<N> {
        if ventilated {
            return Lanes::default();
        }
        (1.0 - a.breathing / self.figures.breathing_enough).max(0.0)
    }

    /// Signals that symptoms follow.
    #[inline(always)]
    pub(super) fn vital<const N: usize>(&self, a: &Acute<N>, body: &Body<N>, outside: &Outside<N>) -> Vital<N> {
        let f = &self.figures;
        let ill = &outside.ill;
        let excitation = body.excitation.max(0.0).min(1.0);
        let dysreflexia = match self.baseline.injury {
            Some(level) if level >= Level::T6 => (excitation + f.ailing.dysreflexia * ill.noxious).min(1.0),
            _ => Lanes::default(),
        };
        let mut heart = f.heart_rate + f.heart_rise * a.withdrawal * (1.0 - a.cyproheptadine)
            - f.heart_fall * a.sedation
            + f.ailing.heart * ill.inflammation;
        let mut systolic = f.systolic + f.systolic_rise * a.withdrawal + f.dysreflexia_rise * dysreflexia
            - f.systolic_fall * a.sedation
            - f.ailing.systolic_fall * ill.sepsis;
        if let Some(drugs) = &outside.drugs {
            for (node, drugs) in drugs.iter().enumerate() {
                heart.0[node] += drugs.signals.drug_heart_rate_per_min;
                systolic.0[node] += drugs.signals.drug_systolic_mmhg;
            }
        }
        let gcs = 15.0 - 12.0 * rise(f.coma_from, f.coma_full, a.sedation) - f.ailing.clouding * ill.clouding;
        Vital {
            excitation,
            dysreflexia,
            gcs: gcs.max(3.0),
            heart,
            systolic,
            muscle: body.muscle.max(0.0),
            organs: body.organs.max(0.0),
            hypoxia: body.hypoxia.max(0.0),
        }
    }

    /// What acts at one instant, and what follows at once.
    fn acute_at(&self, exposure: &Exposure, y: &[f64]) -> (Acute<1>, Outside<1>) {
        let tolerance = std::array::from_fn(|r| y[Slow::TOLERANCE + r].max(0.0));
        let effect = self.model.effects(&exposure.effect, &tolerance);
        let outside = Outside {
            benzodiazepine: Lanes([exposure.benzodiazepine]),
            cyproheptadine: Lanes([exposure.cyproheptadine]),
            ill: Ill::new(&[exposure.ailing]),
            drugs: self
                .drug_levels(&exposure.others, &y[Slow::LEN..])
                .map(|levels| [levels]),
        };
        let adaptation = std::array::from_fn(|r| Lanes([y[Slow::ADAPTATION + r]]));
        (self.acute(effect.map(|e| Lanes([e])), adaptation, &outside), outside)
    }

    /// What other drugs do, if there are any; `y` are their slow states.
    pub(super) fn drug_levels(&self, others: &Sites, y: &[f64]) -> Option<Levels> {
        (!self.drugs.is_empty()).then(|| self.drugs.levels(others, y))
    }

    /// Slopes of the slow states \[unit/h\] under an exposure. `y` and `dy` have
    /// [`Response::slow_states`] places, or this panics.
    pub fn derivative(&self, exposure: &Exposure, y: &[f64], dy: &mut [f64]) {
        let f = &self.figures;
        let (a, outside) = self.acute_at(exposure, y);
        for (r, Lanes([effect])) in a.effect.into_iter().enumerate() {
            let gap = f.tolerance_max * effect - y[Slow::TOLERANCE + r];
            dy[Slow::TOLERANCE + r] = gap / if gap > 0.0 { f.tolerance_on } else { f.tolerance_off };
            dy[Slow::ADAPTATION + r] = (effect - y[Slow::ADAPTATION + r]) / f.adaptation_time;
        }
        let excitation = y[Slow::EXCITATION];
        dy[Slow::EXCITATION] = (a.withdrawal.0[0] - excitation) / f.excitation_time;
        let target = self.warmth(&a, &outside.ill).0[0];
        let temperature = y[Slow::TEMPERATURE];
        // Cooling takes heat away in proportion to what the body is too warm.
        let cooling = if exposure.cooled {
            (temperature - f.cooling_to).max(0.0) / f.cooling_time
        } else {
            0.0
        };
        dy[Slow::TEMPERATURE] = (target - temperature) / f.heat_time - cooling;
        let muscle = y[Slow::MUSCLE];
        let breakdown = self.breakdown(Lanes([excitation]), Lanes([temperature])).0[0];
        dy[Slow::MUSCLE] = breakdown * (1.0 - muscle) - muscle / f.muscle_recovery;
        dy[Slow::ORGANS] = self.failing(Lanes([muscle])).0[0] - y[Slow::ORGANS] / f.organ_recovery;
        let short = self.short(&a, exposure.ventilated).0[0];
        dy[Slow::HYPOXIA] = short / f.hypoxia_time - (1.0 - short) * y[Slow::HYPOXIA] / f.hypoxia_recovery;
        self.drugs
            .derivative(&exposure.others, &y[Slow::LEN..], &mut dy[Slow::LEN..]);
    }

    /// The signals under an exposure with slow states `y` of [`Response::slow_states`] places.
    pub fn signals(&self, exposure: &Exposure, y: &[f64]) -> Signals {
        let f = &self.figures;
        let (a, outside) = self.acute_at(exposure, y);
        let body = Body {
            excitation: Lanes([y[Slow::EXCITATION]]),
            muscle: Lanes([y[Slow::MUSCLE]]),
            organs: Lanes([y[Slow::ORGANS]]),
            hypoxia: Lanes([y[Slow::HYPOXIA]]),
        };
        let v = self.vital(&a, &body, &outside);
        let [legs, trunk, arms, _] = a.relief.map(|relief| relief.0[0]);
        let b = &self.baseline;
        let ill = &exposure.ailing;
        // What hurts below the injury adds to tone and spasms, whatever the drug does.
        let hurt = f.ailing.ashworth * ill.noxious;
        let score = |base: f64, effect: f64, lack: f64| {
            (base * (1.0 - f.ashworth_emax * effect) + f.ashworth_rebound * lack + hurt).clamp(0.0, 4.0)
        };
        let [spasms, reflex] = powers([1.0 - legs; 2], [f.spasm_exponent, f.reflex_exponent]);
        let (legs_withdrawal, arms_withdrawal) = (a.legs_withdrawal.0[0], a.arms_withdrawal.0[0]);
        let spasms = b.spasm_score * spasms + f.spasm_rebound * legs_withdrawal + f.ailing.spasm * ill.noxious;
        Signals {
            effect_legs: legs,
            effect_trunk: trunk,
            effect_arms: arms,
            effect_brainstem: a.effect[Region::Brainstem.index()].0[0],
            ashworth_legs: score(b.ashworth_legs, legs, legs_withdrawal),
            ashworth_arms: score(b.ashworth_arms, arms, arms_withdrawal),
            spasm_score: spasms.clamp(0.0, 4.0),
            h_over_m_percent: f.reflex_baseline * reflex,
            tolerance: y[Slow::TOLERANCE],
            adaptation: y[Slow::ADAPTATION],
            withdrawal_index: a.withdrawal.0[0],
            excitation: v.excitation.0[0],
            dysreflexia: v.dysreflexia.0[0],
            sedation: a.sedation.0[0],
            gcs: v.gcs.0[0],
            heart_rate_per_min: v.heart.0[0],
            systolic_mmhg: v.systolic.0[0],
            temperature_c: y[Slow::TEMPERATURE],
            resp_rate_per_min: a.breathing.0[0],
            ailing: *ill,
            spo2_percent: (f.saturation - f.saturation_fall * v.hypoxia.0[0].min(1.0)).max(0.0),
            muscle_damage: v.muscle.0[0],
            organ_failure: v.organs.0[0],
            hypoxia: v.hypoxia.0[0],
            drugs: outside.drugs.map(|[levels]| levels.signals).unwrap_or_default(),
        }
    }
}
