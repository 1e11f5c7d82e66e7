//! Fitting assumed parameters to the figures that are set apart for it.
//!
//! A [`Set`] names the parameters that may move and, by `set = "..."` in their cases, the
//! figures they are fitted to. Nothing else enters the loss; in particular no case of the
//! role `check` does. The search is the simplex of Nelder and Mead from `argmin`, which
//! draws no random numbers: one set, one number of iterations, one result.
//!
//! **Loss.** Each figure contributes the square of its error in half widths of its own
//! accepted interval (of the logarithm for kinetic figures), so that 1 is the edge of the
//! interval; to the sum comes [`PULL`] times the squared distance of each parameter from its
//! default, in steps of its range, so that what no figure determines stays where it was.
//!
//! **Range.** Each parameter moves within the range its table gives, logarithmically where
//! the range spans a factor of ten.

use argmin::core::{CostFunction, Executor, State};
use argmin::solver::neldermead::NelderMead;
use serde::Serialize;

use crate::parameters::{Grade, Parameter, all};

use super::evidence::{Case, Evidence, Layer, Role, Set};
use super::report::{Report, Unanswered, evaluate};
use super::runs::Runs;

/// Weight of the pull towards the defaults in the loss.
pub const PULL: f64 = 0.01;
/// Contribution of a figure that does not exist for some parameters, in half widths.
const NOWHERE: f64 = 10.0;
/// First step of the simplex, in logits of the range.
const STEP: f64 = 0.4;
/// Relative change of a parameter by which sensitivities are found.
const NUDGE: f64 = 0.02;
/// Sensitivities are told for a change by this share.
const TOLD: f64 = 0.1;
/// The search ends when the losses of the simplex differ by less than this.
const SPREAD: f64 = 1e-6;

/// Why a calibration was refused or failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// No set of this name.
    #[error("there is no set `{name}`; there are {known}")]
    NoSet {
        /// The name.
        name: String,
        /// Those there are.
        known: String,
    },
    /// A parameter that was read in a source is not fitted.
    #[error("`{key}` is published and may not be fitted")]
    Published {
        /// The parameter.
        key: String,
    },
    /// No parameter of this key.
    #[error("no parameter table has `{key}`")]
    NoParameter {
        /// The key.
        key: String,
    },
    /// The optimiser or a run failed.
    #[error("{problem}")]
    Failed {
        /// What it said.
        problem: String,
    },
}

/// A parameter before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// Key.
    pub key: String,
    /// Default, in `unit`.
    pub default: f64,
    /// Found, in `unit`.
    pub found: f64,
    /// Unit.
    pub unit: String,
    /// Range it could move in.
    pub range: [f64; 2],
    /// Grade of the default.
    pub grade: Grade,
}

/// A figure before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Name of the case.
    pub id: String,
    /// What is observed.
    pub title: String,
    /// Part in the fit; only `fit` figures of the set were in the loss.
    pub role: Role,
    /// Whether it was in the loss.
    pub in_loss: bool,
    /// Published, in words.
    pub published: String,
    /// Accepted interval.
    pub accept: [f64; 2],
    /// Unit.
    pub unit: String,
    /// Simulated with the defaults.
    pub before: Option<f64>,
    /// Simulated with what was found.
    pub after: Option<f64>,
    /// Whether the latter is within the interval.
    pub met: bool,
    /// Change of the figure, in half widths of its interval, when each parameter of the set
    /// (in its order) grows by a tenth from what was found; `None` where it does not exist.
    pub sensitivity: Vec<Option<f64>>,
}

/// A finished calibration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The set.
    pub set: Set,
    /// Loss with the defaults.
    pub loss_before: f64,
    /// Loss with what was found.
    pub loss_after: f64,
    /// Iterations of the simplex.
    pub iterations: u64,
    /// Runs of the whole set of figures.
    pub evaluations: u64,
    /// Why the search ended.
    pub ended: String,
    /// Parameters.
    pub parameters: Vec<Moved>,
    /// Figures of the loss, then those kept apart.
    pub targets: Vec<Target>,
}

impl Calibration {
    /// What was found, for [`evaluate`].
    pub fn replaced(&self) -> Vec<(String, f64)> {
        self.parameters.iter().map(|p| (p.key.clone(), p.found)).collect()
    }

    /// The parameter file: a `[parameters]` block as in a scenario.
    pub fn file(&self) -> String {
        let mut text = format!(
            "# {}\n# Written by itbsim {} calibrate {}: loss {:.6} -> {:.6} in {} iterations.\n\
             # Fitted to: {}.\n# Use: itbsim validate --parameters FILE, or as [parameters] of a scenario.\n\
             # For teaching and research, never for treating a person.\n[parameters]\n",
            self.set.title,
            env!("CARGO_PKG_VERSION"),
            self.set.id,
            self.loss_before,
            self.loss_after,
            self.iterations,
            self.targets
                .iter()
                .filter(|t| t.in_loss)
                .map(|t| t.id.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        );
        for p in &self.parameters {
            let value = crate::report::tables::number(p.found);
            let quoted = if p.unit == "1" {
                value
            } else {
                format!("\"{value} {}\"", p.unit)
            };
            text.push_str(&format!("\"{}\" = {quoted} # {} by default\n", p.key, p.default));
        }
        text
    }

    /// Figures before and after, as a table.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn targets_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let number = |v: Option<f64>| v.map(crate::report::tables::number).unwrap_or_default();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let head = [
            "id",
            "title",
            "role",
            "in_loss",
            "published",
            "accept_low",
            "accept_high",
            "unit",
            "before",
            "after",
            "met",
        ];
        let keys = self.parameters.iter().map(|p| format!("per_tenth_{}", p.key));
        writer.write_record(head.iter().map(|s| (*s).to_owned()).chain(keys))?;
        for t in &self.targets {
            let cells = [
                t.id.clone(),
                t.title.clone(),
                t.role.as_str().to_owned(),
                t.in_loss.to_string(),
                t.published.clone(),
                number(Some(t.accept[0])),
                number(Some(t.accept[1])),
                t.unit.clone(),
                number(t.before),
                number(t.after),
                t.met.to_string(),
            ];
            writer.write_record(cells.into_iter().chain(t.sensitivity.iter().map(|s| number(*s))))?;
        }
        writer.into_inner().map_err(|e| e.into_error().into())
    }
}

/// A parameter on the real line.
#[derive(Debug, Clone, Copy)]
struct Axis {
    parameter: &'static Parameter,
    /// Range on the scale of motion.
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    fn of(parameter: &'static Parameter) -> Axis {
        let logarithmic = parameter.low > 0.0 && parameter.high >= 10.0 * parameter.low;
        let scale = |v: f64| if logarithmic { libm::log(v) } else { v };
        Axis {
            parameter,
            low: scale(parameter.low),
            high: scale(parameter.high),
            logarithmic,
        }
    }

    fn value(&self, z: f64) -> f64 {
        let share = 1.0 / (1.0 + libm::exp(-z));
        let at = self.low + (self.high - self.low) * share;
        let value = if self.logarithmic { libm::exp(at) } else { at };
        value.clamp(self.parameter.low, self.parameter.high)
    }

    fn position(&self, value: f64) -> f64 {
        let at = if self.logarithmic { libm::log(value) } else { value };
        // A default at an end of its range would lie at infinity.
        let share = ((at - self.low) / (self.high - self.low)).clamp(0.01, 0.99);
        libm::log(share / (1.0 - share))
    }
}

/// Error of a simulated figure in half widths of its interval.
pub fn error(case: &Case, simulated: f64) -> f64 {
    let [low, high] = case.accept;
    match case.value {
        Some(value) if case.kinetic && low > 0.0 => {
            if simulated <= 0.0 {
                return NOWHERE;
            }
            libm::log(simulated / value) / (0.5 * libm::log(high / low))
        }
        value => (simulated - value.unwrap_or(0.5 * (low + high))) / (0.5 * (high - low)),
    }
}

/// The problem as the optimiser sees it.
struct Problem<'a> {
    evidence: &'a Evidence,
    cases: &'a [&'a Case],
    axes: &'a [Axis],
    start: &'a [f64],
}

impl Problem<'_> {
    fn parameters(&self, z: &[f64]) -> Vec<(String, f64)> {
        self.axes
            .iter()
            .zip(z)
            .map(|(a, z)| (a.parameter.key.to_owned(), a.value(*z)))
            .collect()
    }

    fn loss(&self, z: &[f64]) -> Result<f64, CalibrationError> {
        let runs = Runs::new(self.evidence, self.cases, &[], &self.parameters(z));
        let mut sum = 0.0;
        for case in self.cases {
            let e = match runs.figure(case) {
                Ok(v) => error(case, v),
                Err(e) if e.is_finding() => NOWHERE,
                Err(e) => {
                    return Err(CalibrationError::Failed {
                        problem: format!("{}: {e}", case.id),
                    });
                }
            };
            sum += e * e;
        }
        for (z, z0) in z.iter().zip(self.start) {
            sum += PULL * (z - z0) * (z - z0);
        }
        Ok(sum)
    }
}

impl CostFunction for Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, z: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        Ok(self.loss(z)?)
    }
}

/// Figures that a calibration looks at besides its own: measured ones from single runs of
/// short stories, so that a table of sensitivities takes minutes and not hours.
fn looked_at(case: &Case) -> bool {
    let short = |story: &Option<String>| !story.as_deref().is_some_and(|s| s.starts_with("course-"));
    // No parameter of the body acts on pump and line.
    let device = case.target.is_some_and(|t| (18..=20).contains(&t));
    case.layer == Layer::Validation
        && !device
        && case.replicates.is_none()
        && case.measure.story.is_some()
        && short(&case.measure.story)
}

fn in_order<'a>(evidence: &'a Evidence, set: &str) -> Vec<&'a Case> {
    let own = |c: &&Case| c.set.as_deref() == Some(set);
    let mut cases: Vec<&Case> = evidence.cases.iter().filter(own).collect();
    cases.extend(evidence.cases.iter().filter(|c| !own(c) && looked_at(c)));
    cases
}

fn find<'a>(evidence: &'a Evidence, name: &str) -> Result<&'a Set, CalibrationError> {
    evidence
        .sets
        .iter()
        .find(|s| s.id == name)
        .ok_or_else(|| CalibrationError::NoSet {
            name: name.to_owned(),
            known: evidence
                .sets
                .iter()
                .map(|s| s.id.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// Fits a set in so many iterations of the simplex; with none, only sensitivities at the
/// defaults are found. `keys` replaces the set's own parameters, if it is not empty.
///
/// # Errors
/// [`CalibrationError`].
pub fn calibrate(
    evidence: &Evidence,
    name: &str,
    keys: &[String],
    iterations: u64,
) -> Result<Calibration, CalibrationError> {
    let mut set = find(evidence, name)?.clone();
    if !keys.is_empty() {
        set.parameters = keys.to_vec();
    }
    let axes = set
        .parameters
        .iter()
        .map(|key| {
            let parameter = all()
                .find(|p| p.key == key)
                .ok_or_else(|| CalibrationError::NoParameter { key: key.clone() })?;
            if parameter.grade == Grade::Published {
                return Err(CalibrationError::Published { key: key.clone() });
            }
            Ok(Axis::of(parameter))
        })
        .collect::<Result<Vec<Axis>, CalibrationError>>()?;
    let fitted: Vec<&Case> = evidence
        .cases
        .iter()
        .filter(|c| c.set.as_deref() == Some(name))
        .collect();
    let start: Vec<f64> = axes.iter().map(|a| a.position(a.parameter.value)).collect();
    let problem = Problem {
        evidence,
        cases: &fitted,
        axes: &axes,
        start: &start,
    };
    let loss_before = problem.loss(&start)?;
    let (best, loss_after, done, evaluations, ended) = if iterations == 0 {
        (start.clone(), loss_before, 0, 1, "no search was asked for".to_owned())
    } else {
        search(&problem, &start, iterations)?
    };
    let found = if iterations == 0 {
        axes.iter()
            .map(|a| (a.parameter.key.to_owned(), a.parameter.value))
            .collect()
    } else {
        problem.parameters(&best)
    };
    let targets = targets(evidence, name, &found)?;
    Ok(Calibration {
        parameters: axes
            .iter()
            .zip(&found)
            .map(|(a, (key, value))| Moved {
                key: key.clone(),
                default: a.parameter.value,
                found: *value,
                unit: a.parameter.unit.to_owned(),
                range: [a.parameter.low, a.parameter.high],
                grade: a.parameter.grade,
            })
            .collect(),
        set,
        loss_before,
        loss_after,
        iterations: done,
        evaluations,
        ended,
        targets,
    })
}

type Found = (Vec<f64>, f64, u64, u64, String);

fn search(problem: &Problem<'_>, start: &[f64], iterations: u64) -> Result<Found, CalibrationError> {
    let failed = |e: argmin::core::Error| CalibrationError::Failed { problem: e.to_string() };
    let mut simplex = vec![start.to_vec()];
    for i in 0..start.len() {
        let mut corner = start.to_vec();
        corner[i] += STEP;
        simplex.push(corner);
    }
    let solver = NelderMead::new(simplex).with_sd_tolerance(SPREAD).map_err(failed)?;
    let own = Problem {
        evidence: problem.evidence,
        cases: problem.cases,
        axes: problem.axes,
        start: problem.start,
    };
    let result = Executor::new(own, solver)
        .configure(|state| state.counting(true).max_iters(iterations))
        .timer(false)
        .run()
        .map_err(failed)?;
    let state = result.state();
    let best = state
        .get_best_param()
        .cloned()
        .ok_or_else(|| CalibrationError::Failed {
            problem: "the search gave no result".to_owned(),
        })?;
    let evaluations = state.get_func_counts().values().copied().max().unwrap_or(0);
    let ended = state.get_termination_status().to_string();
    Ok((best, state.get_best_cost(), state.get_iter(), evaluations, ended))
}

/// All figures looked at, before and after, with sensitivities.
fn targets(evidence: &Evidence, name: &str, found: &[(String, f64)]) -> Result<Vec<Target>, CalibrationError> {
    let cases = in_order(evidence, name);
    let figures = |parameters: &[(String, f64)]| -> Result<Vec<Option<f64>>, CalibrationError> {
        let runs = Runs::new(evidence, &cases, &[], parameters);
        cases
            .iter()
            .map(|case| match runs.figure(case) {
                Ok(v) => Ok(Some(v)),
                Err(e) if e.is_finding() => Ok(None),
                Err(e) => Err(CalibrationError::Failed {
                    problem: format!("{}: {e}", case.id),
                }),
            })
            .collect()
    };
    let before = figures(&[])?;
    let after = figures(found)?;
    let mut sensitivity = vec![Vec::new(); cases.len()];
    for (i, (key, value)) in found.iter().enumerate() {
        let range = all()
            .find(|p| p.key == key)
            .map_or((0.0, f64::MAX), |p| (p.low, p.high));
        let nudged = |factor: f64| {
            let mut set = found.to_vec();
            set[i].1 = (value * factor).clamp(range.0, range.1);
            set
        };
        let (down, up) = (nudged(1.0 - NUDGE), nudged(1.0 + NUDGE));
        let step = (up[i].1 - down[i].1) / value;
        let (low, high) = (figures(&down)?, figures(&up)?);
        for ((row, case), (a, b)) in sensitivity.iter_mut().zip(&cases).zip(low.iter().zip(&high)) {
            row.push(match (a, b) {
                (Some(a), Some(b)) if step > 0.0 => {
                    let half = 0.5 * (case.accept[1] - case.accept[0]);
                    let told = TOLD * (b - a) / step / half;
                    told.is_finite().then_some(told + 0.0)
                }
                _ => None,
            });
        }
    }
    Ok(cases
        .iter()
        .zip(before)
        .zip(after)
        .zip(sensitivity)
        .map(|(((case, before), after), sensitivity)| Target {
            id: case.id.clone(),
            title: case.title.clone(),
            role: case.role,
            in_loss: case.set.as_deref() == Some(name),
            published: case.published.clone(),
            accept: case.accept,
            unit: case.unit.clone(),
            before,
            after,
            met: after.is_some_and(|v| v >= case.accept[0] && v <= case.accept[1]),
            sensitivity,
        })
        .collect())
}

/// The verdicts on the figures a calibration looked at, with what it found.
///
/// # Errors
/// As [`evaluate`].
pub fn verdicts(evidence: &Evidence, calibration: &Calibration) -> Result<Report, Unanswered> {
    let ids: std::collections::BTreeSet<&str> = calibration.targets.iter().map(|t| t.id.as_str()).collect();
    evaluate(evidence, |c| ids.contains(c.id.as_str()), &calibration.replaced())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_covers_its_range_and_comes_back() {
        for key in [
            "kinetics.csf.loss_rate",
            "kinetics.csf.dispersion_rostral",
            "kinetics.effect.fast_share",
        ] {
            let axis = Axis::of(all().find(|p| p.key == key).unwrap());
            let p = axis.parameter;
            let z = axis.position(p.value);
            assert!((axis.value(z) / p.value - 1.0).abs() < 1e-12, "{key}");
            for z in [-1e3, -5.0, 0.0, 5.0, 1e3] {
                assert!((p.low..=p.high).contains(&axis.value(z)), "{key} at {z}");
            }
            assert!(axis.value(1.0) > axis.value(0.0));
        }
        assert!(Axis::of(all().find(|p| p.key == "kinetics.csf.dispersion_rostral").unwrap()).logarithmic);
    }

    #[test]
    fn errors_are_told_in_half_widths() {
        let evidence = Evidence::builtin().unwrap();
        let case = |id: &str| evidence.cases.iter().find(|c| c.id == id).unwrap();
        let plain = case("T09-ashworth-4h");
        assert_eq!(error(plain, 1.5), 0.0);
        assert!((error(plain, plain.accept[1]) - 1.0).abs() < 1e-12);
        let kinetic = case("T02-clearance-bolus");
        assert!((error(kinetic, 37.5) - 1.0).abs() < 1e-12);
        assert!((error(kinetic, 24.0) + 1.0).abs() < 1e-12);
        assert_eq!(error(kinetic, 0.0), NOWHERE);
    }

    #[test]
    fn only_figures_of_the_set_come_first_and_no_check_is_in_the_loss() {
        let evidence = Evidence::builtin().unwrap();
        for set in &evidence.sets {
            let cases = in_order(&evidence, &set.id);
            let own = cases.iter().take_while(|c| c.set.as_deref() == Some(&set.id)).count();
            assert!(own > 0 && cases[own..].iter().all(|c| c.set.as_deref() != Some(&set.id)));
            assert!(cases[..own].iter().all(|c| c.role == Role::Fit));
            assert!(cases[own..].iter().any(|c| c.role == Role::Check));
        }
    }
}
