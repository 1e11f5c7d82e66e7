//! What the model makes of one patient: the figures that series of patients publish.

use crate::engine::SimTime;
use crate::kinetics::{Body, Kinetics, KineticsError, Site};
use crate::numerics::Scratch;
use crate::parameters::ParameterSet;
use crate::response::{Baseline, EffectModels, Exposure, Response, UnknownEffectModel};
use crate::signals::{Destination, Level, Region};

use super::VirtualPatient;

/// Hours of a day.
const DAY: f64 = 24.0;
/// Dose of a bolus from which the half-life is read \[ug\]; the kinetics are linear.
const UNIT_DOSE: f64 = 1.0;
/// Readings of the falling concentration.
const READINGS: u32 = 16;
/// Time over which the labels read a half-life.
const EARLY: [&str; 2] = ["population.half_life.from", "population.half_life.until"];
/// Time over which elimination is read.
const LATE: [&str; 2] = ["population.elimination.from", "population.elimination.until"];
/// Halvings of the interval in which a maintenance dose is sought.
const HALVINGS: usize = 50;
/// Largest dose considered \[ug/day\]; nobody is given a tenth of it.
const MOST: f64 = 50_000.0;

/// How patients are examined.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Parameters of everybody; each patient's own come over them.
    pub base: ParameterSet,
    /// Where the tip of the catheter lies.
    pub tip: Level,
    /// Where a test dose is injected and fluid is taken after it.
    pub puncture: Level,
    /// Where fluid is taken during an infusion.
    pub tap: Level,
    /// Test doses in their order \[ug\].
    pub doses: Vec<f64>,
    /// Name of the effect model.
    pub effect_model: String,
}

impl Setting {
    /// As the figures of the labels were taken: lumbar puncture at L3, tip at T10, the test
    /// doses and response rule of the trial policy.
    pub fn new(base: ParameterSet) -> Self {
        Self {
            doses: vec![
                base.get("care.trial.first"),
                base.get("care.trial.second"),
                base.get("care.trial.third"),
            ],
            base,
            tip: Level::T10,
            puncture: Level::L3,
            tap: Level::L2,
            effect_model: "emax".to_owned(),
        }
    }
}

/// Why a patient has no figures.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// The body cannot be.
    #[error("patient {replicate}: {source}")]
    Kinetics {
        /// Number of the patient.
        replicate: u64,
        /// Why.
        source: KineticsError,
    },
    /// The effect model is not there.
    #[error(transparent)]
    Effect(#[from] UnknownEffectModel),
}

/// What the model makes of one patient.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Half-life in lumbar fluid after a lumbar bolus, by regression of the logarithm between
    /// `population.half_life.from` and `.until` \[h\].
    pub half_life_h: f64,
    /// Elimination half-life in lumbar fluid, read in the same way once the bolus has mixed, between
    /// `population.elimination.from` and `.until` \[h\].
    pub elimination_half_life_h: f64,
    /// Apparent clearance of a lumbar bolus, dose over area under the lumbar concentration
    /// \[mL/h\].
    pub clearance_ml_per_h: f64,
    /// Lumbar over cisternal concentration on lumbar infusion \[1\].
    pub lumbar_over_cisternal: f64,
    /// Dose through the tip that holds the Ashworth score of the legs and the spasm score at the
    /// goals of titration after tolerance has settled \[ug/day\]; `None` if no dose does.
    pub maintenance_ug_per_day: Option<f64>,
    /// Plasma concentration on that dose \[ng/mL\].
    pub plasma_ng_per_ml: Option<f64>,
    /// First test dose with a response by the trial's rule, without the examiner's error
    /// \[ug\]; `None` without a response.
    pub responds_at_ug: Option<f64>,
}

impl Figures {
    /// Examines one patient.
    ///
    /// # Errors
    /// [`FigureError`] if the patient cannot be, or the effect model is unknown.
    pub fn of(patient: &VirtualPatient, setting: &Setting) -> Result<Figures, FigureError> {
        let p = patient.parameters(&setting.base);
        let examined = Examined::new(patient, &p, setting)?;
        examined.figures(setting).map_err(|source| FigureError::Kinetics {
            replicate: patient.replicate,
            source,
        })
    }
}

/// A patient under examination.
struct Examined<'a> {
    kinetics: Kinetics,
    response: Response,
    p: &'a ParameterSet,
}

impl<'a> Examined<'a> {
    fn new(patient: &VirtualPatient, p: &'a ParameterSet, setting: &Setting) -> Result<Self, FigureError> {
        let body = Body {
            population: patient.group,
            weight: p.get("scenario.patient.weight"),
            renal_function: patient.renal_function(p).unwrap_or(1.0),
            depot_level: setting.tip,
            ..Body::default()
        };
        let kinetics = Kinetics::new(body, p).map_err(|source| FigureError::Kinetics {
            replicate: patient.replicate,
            source,
        })?;
        let baseline = Baseline {
            ashworth_legs: p.get("scenario.patient.ashworth_legs"),
            ashworth_arms: p.get("scenario.patient.ashworth_arms"),
            spasm_score: p.get("scenario.patient.spasm_score"),
            injury: patient.injury,
        };
        let model = EffectModels::default().build(&setting.effect_model, p)?;
        Ok(Self {
            kinetics,
            response: Response::new(baseline, model, p),
            p,
        })
    }

    fn figures(&self, setting: &Setting) -> Result<Figures, KineticsError> {
        let scratch = &mut Scratch::default();
        let settled = |level: Level| {
            let mut k = self.kinetics.clone();
            k.settle(SimTime::ZERO, &[(Site::Stream(Destination::Csf(level)), 1.0)])?;
            Ok::<_, KineticsError>(k)
        };
        // The system is linear: the area under a bolus is the level of a unit infusion there.
        let at_puncture = settled(setting.puncture)?.reading(SimTime::ZERO, scratch)?;
        let clearance = 1.0 / at_puncture.csf[setting.puncture.index()];
        let at_tap = settled(setting.tap)?.reading(SimTime::ZERO, scratch)?;
        let ratio = at_tap.csf[setting.tap.index()] / at_tap.cisternal;

        let mut bolus = self.kinetics.clone();
        bolus.add(
            SimTime::ZERO,
            Site::Stream(Destination::Csf(setting.puncture)),
            UNIT_DOSE,
        )?;
        let half_life = self.half_life(&bolus, setting.puncture, EARLY, scratch)?;
        let elimination = self.half_life(&bolus, setting.puncture, LATE, scratch)?;
        let responds = self.responds_at(&bolus, &setting.doses, scratch);

        let infused = settled(setting.tip)?.reading(SimTime::ZERO, scratch)?;
        let maintenance = self.maintenance(infused.drive.effect);
        Ok(Figures {
            half_life_h: half_life,
            elimination_half_life_h: elimination,
            clearance_ml_per_h: clearance,
            lumbar_over_cisternal: ratio,
            maintenance_ug_per_day: maintenance,
            plasma_ng_per_ml: maintenance.map(|dose| 1000.0 * infused.plasma * dose / DAY),
            responds_at_ug: responds,
        })
    }

    /// Half-life by regression over the time between the parameters `from` and `until`.
    fn half_life(
        &self,
        bolus: &Kinetics,
        at: Level,
        [from, until]: [&str; 2],
        scratch: &mut Scratch,
    ) -> Result<f64, KineticsError> {
        let (from, until) = (self.p.get(from), self.p.get(until));
        let mut sums = [0.0; 4];
        let steps = f64::from(READINGS - 1);
        for i in 0..READINGS {
            let t = from + (until - from) * f64::from(i) / steps;
            // A range of hours is always an instant of the clock.
            let instant = SimTime::from_hours(t).unwrap_or(SimTime::ZERO);
            let y = libm::log(bolus.reading(instant, scratch)?.csf[at.index()]);
            for (sum, term) in sums.iter_mut().zip([t, y, t * y, t * t]) {
                *sum += term;
            }
        }
        let n = f64::from(READINGS);
        let [x, y, xy, xx] = sums;
        let slope = (xy - x * y / n) / (xx - x * x / n);
        Ok(-std::f64::consts::LN_2 / slope)
    }

    /// The first dose at which one of the looks meets the rule of the trial.
    fn responds_at(&self, bolus: &Kinetics, doses: &[f64], scratch: &mut Scratch) -> Option<f64> {
        let p = self.p;
        let within = p.get("care.trial.judged_within");
        let looks: Vec<f64> = (1..=6)
            .map(|i| p.get(&format!("care.trial.look_{i}")))
            .filter(|t| *t <= within)
            .collect();
        let at_look: Vec<[f64; 4]> = looks.iter().map(|t| bolus.drive_after(*t, scratch).effect).collect();
        let naive = self.response.naive();
        let before = self.response.signals(&Exposure::default(), &naive);
        let (ashworth, spasms) = (p.get("care.trial.ashworth_fall"), p.get("care.trial.spasm_fall"));
        doses.iter().copied().find(|dose| {
            at_look.iter().any(|unit| {
                let exposure = Exposure {
                    effect: unit.map(|c| c * dose / UNIT_DOSE),
                    ..Exposure::default()
                };
                let now = self.response.signals(&exposure, &naive);
                before.ashworth_legs - now.ashworth_legs >= ashworth || before.spasm_score - now.spasm_score >= spasms
            })
        })
    }

    /// The dose that holds both scores at their goals; `unit` is the effective concentration
    /// at 1 ug/h. Effects rise with the dose, so bisection finds the one there is.
    fn maintenance(&self, unit: [f64; 4]) -> Option<f64> {
        let (ashworth, spasms) = (
            self.p.get("care.titration.ashworth_goal"),
            self.p.get("care.titration.spasm_goal"),
        );
        let held = |dose: f64| {
            let exposure = Exposure {
                effect: unit.map(|c| c * dose / DAY),
                ..Exposure::default()
            };
            let y = self.response.equilibrium_of(&exposure, &[Region::Legs]);
            let s = self.response.signals(&exposure, &y);
            s.ashworth_legs <= ashworth && s.spasm_score <= spasms
        };
        if held(0.0) {
            return Some(0.0);
        }
        let (mut low, mut high) = (0.0, MOST);
        if !held(high) {
            return None;
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if held(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }
}
