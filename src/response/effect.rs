//! Concentration to effect.

use crate::numerics::collocation::{LANES, Row};
use crate::numerics::{power, powers};
use crate::parameters::ParameterSet;
use crate::signals::Region;

/// Turns an effect-site concentration into an effect between 0 and 1.
///
/// Called by [`super::Response`] in every right-hand side and for every output, so it
/// must be a pure function, continuous, and rise with concentration; it must give 0
/// for 0 and use [`libm`] for transcendental functions, or runs differ between
/// machines.
///
/// A model from outside the crate is registered by name and then chosen by the
/// patient's `effect_model`:
///
/// ```
/// use itbsim::parameters::ParameterSet;
/// use itbsim::response::{EffectModel, EffectModels};
/// use itbsim::signals::Region;
///
/// #[derive(Debug, Clone)]
/// struct Linear { full: f64 }
///
/// impl EffectModel for Linear {
///     fn name(&self) -> &str { "linear" }
///     fn effect(&self, _: Region, c: f64, tolerance: f64) -> f64 {
///         (c / (self.full * (1.0 + tolerance))).min(1.0)
///     }
///     fn clone_box(&self) -> Box<dyn EffectModel> { Box::new(self.clone()) }
/// }
///
/// let mut models = EffectModels::default();
/// models.register("linear", |p: &ParameterSet| {
///     Box::new(Linear { full: 2.0 * p.get("response.effect.ec50") })
/// });
/// let model = models.build("linear", &ParameterSet::default()).unwrap();
/// assert_eq!(model.effect(Region::Legs, 0.135, 0.0), 0.5);
/// ```
pub trait EffectModel: std::fmt::Debug + Send + Sync {
    /// Name, as registered.
    fn name(&self) -> &str;

    /// Effect \[0-1\] at concentration `c` \[ug/mL\] in a region whose tolerance is
    /// `tolerance` \[1\], 0 in a naive person.
    fn effect(&self, region: Region, c: f64, tolerance: f64) -> f64;

    /// The effects in all regions, in the order of [`Region::ALL`]; a model may do them at once,
    /// with the values of [`EffectModel::effect`].
    fn effects(&self, c: &[f64; 4], tolerance: &[f64; 4]) -> [f64; 4] {
        Region::ALL.map(|r| self.effect(r, c[r.index()], tolerance[r.index()]))
    }

    /// As [`EffectModel::effects`], at all nodes of a step, by region.
    fn effects_along(&self, c: &[Row; 4], tolerance: &[Row; 4]) -> [Row; 4] {
        let mut out = [[0.0; LANES]; 4];
        for node in 0..LANES {
            let at = |rows: &[Row; 4]| rows.map(|row| row[node]);
            for (row, effect) in out.iter_mut().zip(self.effects(&at(c), &at(tolerance))) {
                row[node] = effect;
            }
        }
        out
    }

    /// A copy behind a box.
    fn clone_box(&self) -> Box<dyn EffectModel>;
}

impl Clone for Box<dyn EffectModel> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// `E = c^g / ((EC50 (1 + T))^g + c^g)`, with one pair of figures for the cord and
/// one for the brainstem.
#[derive(Debug, Clone, PartialEq)]
pub struct Emax {
    /// EC50 of the cord without tolerance \[ug/mL\].
    pub ec50: f64,
    /// Steepness in the cord \[1\].
    pub hill: f64,
    /// EC50 of the brainstem without tolerance \[ug/mL\].
    pub brain_ec50: f64,
    /// Steepness in the brainstem \[1\].
    pub brain_hill: f64,
}

impl Emax {
    /// With the figures of a parameter set.
    pub fn new(p: &ParameterSet) -> Emax {
        Emax {
            ec50: p.get("response.effect.ec50"),
            hill: p.get("response.effect.hill"),
            brain_ec50: p.get("response.effect.brain_ec50"),
            brain_hill: p.get("response.effect.brain_hill"),
        }
    }
}

impl EffectModel for Emax {
    fn name(&self) -> &str {
        "emax"
    }

    fn effect(&self, region: Region, c: f64, tolerance: f64) -> f64 {
        let (ec50, hill) = match region {
            Region::Brainstem => (self.brain_ec50, self.brain_hill),
            _ => (self.ec50, self.hill),
        };
        if c.is_nan() || c <= 0.0 {
            return 0.0;
        }
        // As one ratio, so that no power overflows before the quotient is formed.
        1.0 / (1.0 + power(ec50 * (1.0 + tolerance) / c, hill))
    }

    fn effects(&self, c: &[f64; 4], tolerance: &[f64; 4]) -> [f64; 4] {
        let brain = Region::Brainstem.index();
        let figure = |cord: f64, brainstem: f64| {
            let mut all = [cord; 4];
            all[brain] = brainstem;
            all
        };
        let ec50 = figure(self.ec50, self.brain_ec50);
        let mut bases = [0.0; 4];
        for (i, base) in bases.iter_mut().enumerate() {
            *base = ec50[i] * (1.0 + tolerance[i]) / c[i];
        }
        let mut out = powers(bases, figure(self.hill, self.brain_hill));
        for (out, c) in out.iter_mut().zip(c) {
            *out = if c.is_nan() || *c <= 0.0 {
                0.0
            } else {
                1.0 / (1.0 + *out)
            };
        }
        out
    }

    fn effects_along(&self, c: &[Row; 4], tolerance: &[Row; 4]) -> [Row; 4] {
        let brain = Region::Brainstem.index();
        let (mut bases, mut hills) = ([0.0; 4 * LANES], [self.hill; 4 * LANES]);
        let rows = bases.chunks_exact_mut(LANES).zip(c.iter().zip(tolerance));
        for (r, (bases, (c, tolerance))) in rows.enumerate() {
            let ec50 = if r == brain { self.brain_ec50 } else { self.ec50 };
            for ((base, c), tolerance) in bases.iter_mut().zip(c).zip(tolerance) {
                *base = ec50 * (1.0 + tolerance) / c;
            }
        }
        hills[brain * LANES..(brain + 1) * LANES].fill(self.brain_hill);
        let powers = powers(bases, hills);
        let mut out = [[0.0; LANES]; 4];
        for ((out, c), powers) in out.iter_mut().zip(c).zip(powers.chunks_exact(LANES)) {
            for ((out, c), power) in out.iter_mut().zip(c).zip(powers) {
                let effect = 1.0 / (1.0 + power);
                *out = if *c > 0.0 { effect } else { 0.0 };
            }
        }
        out
    }

    fn clone_box(&self) -> Box<dyn EffectModel> {
        Box::new(self.clone())
    }
}

type Build = fn(&ParameterSet) -> Box<dyn EffectModel>;

/// The effect models known by name.
#[derive(Debug, Clone)]
pub struct EffectModels {
    known: Vec<(&'static str, Build)>,
}

/// No effect model is registered under this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no effect model `{name}`; known: {known}")]
pub struct UnknownEffectModel {
    /// The name asked for.
    pub name: String,
    /// The names there are, separated by commas.
    pub known: String,
}

impl Default for EffectModels {
    /// The built-in models.
    fn default() -> Self {
        EffectModels {
            known: vec![("emax", |p| Box::new(Emax::new(p)))],
        }
    }
}

impl EffectModels {
    /// Adds a model, or replaces the one of the same name.
    pub fn register(&mut self, name: &'static str, build: Build) {
        self.known.retain(|(known, _)| *known != name);
        self.known.push((name, build));
    }

    /// Names in order of registration.
    pub fn names(&self) -> Vec<&'static str> {
        self.known.iter().map(|(name, _)| *name).collect()
    }

    /// The model of this name with the figures of a parameter set.
    ///
    /// # Errors
    /// [`UnknownEffectModel`].
    pub fn build(&self, name: &str, p: &ParameterSet) -> Result<Box<dyn EffectModel>, UnknownEffectModel> {
        match self.known.iter().find(|(known, _)| *known == name) {
            Some((_, build)) => Ok(build(p)),
            None => Err(UnknownEffectModel {
                name: name.to_owned(),
                known: self.names().join(", "),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_effect_stands_at_ec50_and_tolerance_moves_it() {
        let p = ParameterSet::default();
        let m = Emax::new(&p);
        for region in Region::ALL {
            let ec50 = if region == Region::Brainstem {
                m.brain_ec50
            } else {
                m.ec50
            };
            assert!((m.effect(region, ec50, 0.0) - 0.5).abs() < 1e-15);
            assert!((m.effect(region, 2.0 * ec50, 1.0) - 0.5).abs() < 1e-15);
            assert_eq!(m.effect(region, 0.0, 0.0), 0.0);
            assert_eq!(m.effect(region, -1e-18, 0.0), 0.0);
            assert_eq!(m.effect(region, 1e300, 0.0), 1.0);
        }
    }

    #[test]
    fn effects_at_once_are_those_of_each_region() {
        let m = Emax::new(&ParameterSet::default());
        for c in [
            [0.1, 0.0, 1e-9, 0.02],
            [f64::NAN, -1.0, 3.0, 1e300],
            [0.27, 0.31, 0.15, 0.4],
        ] {
            let tolerance = [0.0, 0.4, 1.7, 0.1];
            let each = Region::ALL.map(|r| m.effect(r, c[r.index()], tolerance[r.index()]));
            assert_eq!(m.effects(&c, &tolerance).map(f64::to_bits), each.map(f64::to_bits));
        }
    }

    #[test]
    fn effects_along_a_step_are_those_at_its_nodes() {
        let m = Emax::new(&ParameterSet::default());
        let c = [
            [0.1, 0.0, 1e-9, 0.02, 0.3, 0.2, 5.0, 0.07],
            [f64::NAN, -1.0, 3.0, 1e300, 0.1, 0.2, 0.3, 0.4],
            [0.27, 0.31, 0.15, 0.4, 0.5, 0.6, 0.7, 0.8],
            [0.01; LANES],
        ];
        let tolerance = [[0.0; LANES], [0.4; LANES], [1.7; LANES], [0.1; LANES]];
        let along = m.effects_along(&c, &tolerance);
        for node in 0..LANES {
            let at = |rows: &[Row; 4]| rows.map(|row| row[node]);
            let each = m.effects(&at(&c), &at(&tolerance));
            assert_eq!(at(&along).map(f64::to_bits), each.map(f64::to_bits));
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let error = EffectModels::default()
            .build("emin", &ParameterSet::default())
            .unwrap_err();
        assert_eq!(error.to_string(), "there is no effect model `emin`; known: emax");
    }
}
