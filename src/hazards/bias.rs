//! Faults drawn more often than they come, with the weight that makes up for it.
//!
//! Rare faults need many replicates before one strikes. A [`Bias`] multiplies hazards by
//! known factors (importance sampling), or lets one kind strike in every other replicate and
//! in none of the rest (two strata). Each replicate carries the ratio of the true chance of
//! what was drawn to the chance it was drawn with; estimates that use these weights are
//! those of the true hazards.

use super::draw::{ONSET, age, entity, strike};
use super::shape::Shape;
use super::table::Hazard;
use crate::engine::SimTime;
use crate::numerics::Draws;
use crate::scenario::model::{Fault, Moment, Scenario, Trigger};

/// One kind that strikes in every second replicate.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Given {
    /// The kind.
    pub kind: String,
}

/// How draws differ from the true hazards.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Bias {
    /// Factors on hazards, by kind; kinds that are not here keep theirs.
    pub factors: Vec<(String, f64)>,
    /// The kind that odd replicates have and even ones do not.
    pub given: Option<Given>,
}

/// Why a bias does not fit the hazards of a scenario.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BiasError {
    /// The scenario draws no such fault.
    #[error("`{kind}` never comes by chance in this scenario; its hazards: {known}")]
    NoHazard {
        /// The kind asked for.
        kind: String,
        /// Kinds there are, in words.
        known: String,
    },
    /// A factor that is not positive and finite.
    #[error("the factor on `{kind}` must be positive and finite, not {factor}")]
    Factor {
        /// The kind.
        kind: String,
        /// The factor.
        factor: f64,
    },
    /// A kind cannot be given and have a factor.
    #[error("`{kind}` is given and has a factor; only one of both can be")]
    Both {
        /// The kind.
        kind: String,
    },
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Biased {
    /// The faults that strike within the run.
    pub faults: Vec<Fault>,
    /// True chance over chance of drawing \[1\].
    pub weight: f64,
    /// Whether this replicate is in the stratum with the given fault; `None` without one.
    pub stratum: Option<bool>,
}

impl Biased {
    /// Faults drawn with their true chance.
    pub fn plain(faults: Vec<Fault>) -> Self {
        Biased {
            faults,
            weight: 1.0,
            stratum: None,
        }
    }

    /// Takes up what was drawn of other kinds.
    pub fn join(&mut self, other: Biased) {
        self.faults.extend(other.faults);
        self.weight *= other.weight;
        self.stratum = self.stratum.or(other.stratum);
    }
}

impl Bias {
    /// The factor on the hazard of a kind; 1 unless it is named.
    pub fn factor(&self, kind: &str) -> f64 {
        let named = self.factors.iter().find(|(name, _)| name == kind);
        named.map_or(1.0, |(_, factor)| *factor)
    }

    /// Whether draws are those of the true hazards.
    pub fn is_none(&self) -> bool {
        self.factors.is_empty() && self.given.is_none()
    }

    /// Whether every kind named is among these hazards.
    ///
    /// # Errors
    /// [`BiasError`].
    pub fn check(&self, hazards: &[Hazard]) -> Result<(), BiasError> {
        let names: Vec<&str> = hazards.iter().map(|h| h.kind.as_str()).collect();
        self.check_names(&names)
    }

    /// Whether everything in a scenario that comes by chance has what is named: its hazards, its
    /// complications, and faults of the file with a hazard of their own.
    ///
    /// # Errors
    /// [`BiasError`].
    pub fn check_scenario(&self, scenario: &Scenario, hazards: &[Hazard]) -> Result<(), BiasError> {
        let mut names: Vec<&str> = hazards.iter().map(|h| h.kind.as_str()).collect();
        let risk = crate::complications::Risk::of(scenario);
        names.extend(risk.iter().flat_map(|r| r.chances()).map(|c| c.kind.kind));
        let own = |f: &&Fault| matches!(f.trigger, Trigger::Hazard { .. });
        names.extend(scenario.faults.iter().filter(own).map(|f| f.id.as_str()));
        self.check_names(&names)
    }

    fn check_names(&self, names: &[&str]) -> Result<(), BiasError> {
        let known = |kind: &str| {
            if names.contains(&kind) {
                return Ok(());
            }
            Err(BiasError::NoHazard {
                kind: kind.to_owned(),
                known: if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                },
            })
        };
        for (kind, factor) in &self.factors {
            known(kind)?;
            if !(factor.is_finite() && *factor > 0.0) {
                return Err(BiasError::Factor {
                    kind: kind.clone(),
                    factor: *factor,
                });
            }
        }
        if let Some(given) = &self.given {
            known(&given.kind)?;
            if self.factors.iter().any(|(kind, _)| *kind == given.kind) {
                return Err(BiasError::Both {
                    kind: given.kind.clone(),
                });
            }
        }
        Ok(())
    }
}

/// Draws the onset of every `[[fault]]` with a hazard of its own that the bias names, and writes it into the
/// scenario as a moment. The key is that of the run, so that all other luck is that of the plain draw.
pub fn bias_own(scenario: &mut Scenario, draws: &Draws, bias: &Bias) -> Biased {
    let duration = scenario.duration.hours();
    let mut out = Biased::plain(Vec::new());
    for fault in &mut scenario.faults {
        let Trigger::Hazard { rate } = fault.trigger else {
            continue;
        };
        let given = bias.given.as_ref().is_some_and(|g| g.kind == fault.id);
        let factor = bias.factor(&fault.id);
        if !given && factor == 1.0 {
            continue;
        }
        let u = draws.uniform(&fault.id, ONSET, 0);
        let wait = if given {
            let chance = -libm::expm1(-rate * duration);
            let struck = draws.replicate() % 2 == 1 && chance > 0.0;
            out.stratum = Some(struck);
            out.weight *= 2.0 * if struck { chance } else { 1.0 - chance };
            struck.then(|| (-libm::log1p(-(1.0 - u) * chance) / rate).min(duration))
        } else {
            let wait = Some(-libm::log(u) / (factor * rate)).filter(|w| *w <= duration);
            out.weight *= match wait {
                Some(wait) => libm::exp((factor - 1.0) * rate * wait) / factor,
                None => libm::exp((factor - 1.0) * rate * duration),
            };
            wait
        };
        fault.trigger = match wait.and_then(|w| SimTime::from_hours(w).ok()) {
            Some(at) => Trigger::At(Moment::At(at)),
            None => Trigger::Hazard { rate: 0.0 },
        };
    }
    out
}

/// Cumulative hazard that an implant of this age meets within a time \[1\].
fn ahead(shape: &Shape, age: f64, time: f64) -> f64 {
    // The point mass at surgery lies behind any implant that has an age.
    let behind = if age > 0.0 { shape.cumulative(age) } else { 0.0 };
    shape.cumulative(age.max(0.0) + time) - behind
}

/// Draws as [`draw_from`](super::draw_from) does, under a bias. The keys are the same, so
/// place and severity of a fault, and all other luck, are those of the plain draw.
///
/// # Example
/// ```
/// use itbsim::hazards::{Bias, draw_biased, of_scenario};
/// use itbsim::numerics::Draws;
/// use itbsim::simulation::Registry;
///
/// let text = r#"
/// title = "By chance"
/// duration = "1 y"
/// [hazards]
/// [pump]
/// age = "1 y"
/// reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
/// [[programme]]
/// at = "0 d"
/// simple_continuous = "300 ug/day"
/// "#;
/// let story = itbsim::scenario::load_str("x", text, None, &Registry::builtin().catalog()).unwrap();
/// let scenario = &story.arms[0].scenario;
/// let bias = Bias { factors: vec![("catheter.kink".to_owned(), 100.0)], given: None };
/// let drawn = draw_biased(scenario, &of_scenario(scenario), &Draws::new(1, 0), &bias);
/// assert!(drawn.weight > 0.0);
/// ```
pub fn draw_biased(scenario: &Scenario, hazards: &[Hazard], draws: &Draws, bias: &Bias) -> Biased {
    let duration = scenario.duration.hours();
    let mut out = Biased::plain(Vec::new());
    for hazard in hazards {
        let shape = &hazard.shape;
        let age = age(scenario, hazard.clock);
        let u = draws.uniform(&entity(hazard), ONSET, 0);
        if bias.given.as_ref().is_some_and(|g| g.kind == hazard.kind) {
            let struck = draws.replicate() % 2 == 1;
            out.stratum = Some(struck);
            // Each stratum has half of the replicates.
            let chance = -libm::expm1(-ahead(shape, age, duration));
            if struck {
                out.weight *= 2.0 * chance;
                let target = -libm::log1p(-(1.0 - u) * chance);
                let wait = shape.wait(age, target).map(|w| w.min(duration));
                out.faults
                    .extend(wait.and_then(|w| strike(scenario, hazard, draws, u, w)));
            } else {
                out.weight *= 2.0 * (1.0 - chance);
            }
            continue;
        }
        let factor = bias.factor(&hazard.kind);
        let drawn_from = if factor == 1.0 { *shape } else { shape.scaled(factor) };
        let wait = drawn_from.wait(age, -libm::log(u)).filter(|w| *w <= duration);
        if factor != 1.0 {
            out.weight *= ratio(shape, factor, age, wait, duration);
        }
        out.faults
            .extend(wait.and_then(|w| strike(scenario, hazard, draws, u, w)));
    }
    out
}

/// Likelihood of a wait under the true hazard over that under `factor` times the hazard.
fn ratio(shape: &Shape, factor: f64, age: f64, wait: Option<f64>, duration: f64) -> f64 {
    let mass = shape.mass();
    match wait {
        Some(wait) if wait == 0.0 && age <= 0.0 && mass > 0.0 => libm::expm1(-mass) / libm::expm1(-factor * mass),
        Some(wait) => libm::exp((factor - 1.0) * ahead(shape, age, wait)) / factor,
        None => libm::exp((factor - 1.0) * ahead(shape, age, duration)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hazards::{draw_from, of_scenario};
    use crate::simulation::Registry;

    fn scenario(age: &str) -> Scenario {
        let text = format!(
            r#"
            title = "By chance"
            duration = "2 y"
            [hazards]
            generation = "braided"
            [pump]
            age = "{age}"
            reservoir = {{ fill = "18 mL", concentration = "2 mg/mL" }}
            [[programme]]
            at = "0 d"
            simple_continuous = "300 ug/day"
            "#
        );
        let story = crate::scenario::load_str("x", &text, None, &Registry::builtin().catalog()).unwrap();
        story.arms[0].scenario.clone()
    }

    /// Estimate of the chance of a kink within the run, with its standard error.
    fn estimate(scenario: &Scenario, bias: &Bias, n: u64) -> (f64, f64) {
        let hazards = of_scenario(scenario);
        bias.check(&hazards).unwrap();
        let (mut sum, mut squares, mut weights) = (0.0, 0.0, 0.0);
        for replicate in 0..n {
            let drawn = draw_biased(scenario, &hazards, &Draws::new(5, replicate), bias);
            weights += drawn.weight;
            if drawn.faults.iter().any(|f| f.kind == "catheter.kink") {
                sum += drawn.weight;
                squares += drawn.weight * drawn.weight;
            }
        }
        let n = n as f64;
        assert!((weights / n - 1.0).abs() < 0.1, "weights have mean 1: {}", weights / n);
        let mean = sum / n;
        (mean, ((squares / n - mean * mean) / n).sqrt())
    }

    #[test]
    fn a_factor_meets_the_known_chance_with_less_error() {
        for age in ["0 d", "90 d"] {
            let scenario = scenario(age);
            let kink = of_scenario(&scenario)
                .into_iter()
                .find(|h| h.kind == "catheter.kink")
                .unwrap();
            let truth = -libm::expm1(-ahead(&kink.shape, scenario.pump.age, scenario.duration.hours()));
            assert!(truth < 0.01, "a rare fault: {truth}");
            let n = 4_000;
            let plain = (truth * (1.0 - truth) / n as f64).sqrt();
            for factor in [30.0, 100.0] {
                let bias = Bias {
                    factors: vec![("catheter.kink".to_owned(), factor)],
                    given: None,
                };
                let (mean, error) = estimate(&scenario, &bias, n);
                assert!(
                    (mean - truth).abs() < 4.0 * error,
                    "{age} {factor}: {mean} {truth} {error}"
                );
                assert!(error < 0.4 * plain, "{age} {factor}: {error} against {plain}");
            }
        }
    }

    #[test]
    fn strata_give_the_known_chance_without_error() {
        let scenario = scenario("90 d");
        let kink = of_scenario(&scenario)
            .into_iter()
            .find(|h| h.kind == "catheter.kink")
            .unwrap();
        let truth = -libm::expm1(-ahead(&kink.shape, scenario.pump.age, scenario.duration.hours()));
        let bias = Bias {
            factors: Vec::new(),
            given: Some(Given {
                kind: "catheter.kink".to_owned(),
            }),
        };
        let (mean, _) = estimate(&scenario, &bias, 100);
        assert!((mean - truth).abs() < 1e-15, "{mean} {truth}");
    }

    #[test]
    fn onsets_of_a_given_fault_have_the_conditional_distribution() {
        let scenario = scenario("90 d");
        let hazards = of_scenario(&scenario);
        let kink = hazards.iter().find(|h| h.kind == "catheter.kink").unwrap();
        let bias = Bias {
            factors: Vec::new(),
            given: Some(Given {
                kind: "catheter.kink".to_owned(),
            }),
        };
        let all = ahead(&kink.shape, scenario.pump.age, scenario.duration.hours());
        let mut worst = 0.0_f64;
        let mut places: Vec<f64> = (0..2_000)
            .map(|k| {
                let drawn = draw_biased(&scenario, &hazards, &Draws::new(9, 2 * k + 1), &bias);
                let fault = drawn.faults.iter().find(|f| f.kind == "catheter.kink").unwrap();
                let crate::scenario::model::Trigger::Drawn(onset) = &fault.trigger else {
                    panic!("drawn");
                };
                let hazard = ahead(&kink.shape, scenario.pump.age, onset.at.hours());
                libm::expm1(-hazard) / libm::expm1(-all)
            })
            .collect();
        places.sort_by(f64::total_cmp);
        for (i, place) in places.iter().enumerate() {
            worst = worst.max((place - (i as f64 + 0.5) / 2_000.0).abs());
        }
        // Kolmogorov: 1.63 / sqrt(n) at 1 %.
        assert!(worst < 1.63 / 2_000_f64.sqrt(), "{worst}");
    }

    #[test]
    fn without_a_bias_draws_are_the_plain_ones() {
        let scenario = scenario("90 d");
        let hazards = of_scenario(&scenario);
        for replicate in 0..300 {
            let draws = Draws::new(2, replicate);
            let biased = draw_biased(&scenario, &hazards, &draws, &Bias::default());
            assert_eq!(biased.faults, draw_from(&scenario, &hazards, &draws));
            assert_eq!(biased.weight, 1.0);
        }
    }

    #[test]
    fn a_fault_of_the_file_with_a_hazard_is_weighed_like_the_others() {
        let mut scenario = scenario("90 d");
        let rate = 1e-2 / 8_766.0;
        scenario.faults.push(Fault {
            id: "leak".to_owned(),
            kind: "catheter.leak".to_owned(),
            trigger: Trigger::Hazard { rate },
            profile: crate::scenario::model::Profile::Step,
            until: None,
            values: Default::default(),
        });
        let hours = scenario.duration.hours();
        let truth = -libm::expm1(-rate * hours);
        let n = 4_000_u64;
        let struck = |drawn: &Scenario| matches!(drawn.faults[0].trigger, Trigger::At(_));
        for (factor, given) in [(30.0, false), (1.0, true)] {
            let bias = Bias {
                factors: if given {
                    Vec::new()
                } else {
                    vec![("leak".to_owned(), factor)]
                },
                given: given.then(|| Given {
                    kind: "leak".to_owned(),
                }),
            };
            bias.check_scenario(&scenario, &[]).unwrap();
            let (mut sum, mut squares, mut weights) = (0.0, 0.0, 0.0);
            for replicate in 0..n {
                let mut moved = scenario.clone();
                let drawn = bias_own(&mut moved, &Draws::new(5, replicate), &bias);
                assert_eq!(drawn.stratum, given.then_some(struck(&moved)));
                weights += drawn.weight;
                if struck(&moved) {
                    sum += drawn.weight;
                    squares += drawn.weight * drawn.weight;
                }
            }
            let n = n as f64;
            let mean = sum / n;
            let error = ((squares / n - mean * mean) / n).sqrt();
            assert!((weights / n - 1.0).abs() < 0.05, "{}", weights / n);
            if given {
                assert!((mean - truth).abs() < 1e-12, "{mean} {truth}");
            } else {
                assert!((mean - truth).abs() < 4.0 * error, "{mean} {truth} {error}");
                assert!(error < 0.4 * (truth * (1.0 - truth) / n).sqrt(), "{error}");
            }
        }
        // Whoever is not named is left alone.
        let mut same = scenario.clone();
        let drawn = bias_own(&mut same, &Draws::new(5, 0), &Bias::default());
        assert_eq!((drawn.weight, &same.faults), (1.0, &scenario.faults));
    }

    #[test]
    fn a_kind_that_never_comes_is_refused_by_name() {
        let hazards = of_scenario(&scenario("90 d"));
        let bias = |kind: &str, factor: f64| Bias {
            factors: vec![(kind.to_owned(), factor)],
            given: None,
        };
        let error = bias("pump.telemetry_hang", 2.0).check(&hazards).unwrap_err();
        assert!(error.to_string().contains("catheter.kink"), "{error}");
        assert!(matches!(
            bias("catheter.kink", 0.0).check(&hazards),
            Err(BiasError::Factor { .. })
        ));
        let both = Bias {
            given: Some(Given {
                kind: "catheter.kink".to_owned(),
            }),
            ..bias("catheter.kink", 2.0)
        };
        assert!(matches!(both.check(&hazards), Err(BiasError::Both { .. })));
    }
}
