//! The rate matrix: where every exchange of the body is written down.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::parameters::ParameterSet;
use crate::signals::{Level, Posture, Region};

use super::KineticsError;
use super::anatomy::{Blood, Body, Canal};
use super::layout::{LEVELS, Layout, TRANSITS};

const LN_2: f64 = std::f64::consts::LN_2;

/// Fluid that leaves the canal at a level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Outflow {
    /// Where.
    pub level: Level,
    /// How much \[mL/h\].
    pub rate: f64,
}

/// Binary digits kept of a flow that takes many values one after the other.
const DIGITS: u32 = 32;

impl Outflow {
    /// An outflow to a relative precision of 2^-32 (2e-10). What runs back through a line that a
    /// fault opens and closes takes the same values again each time, but for the last digits of
    /// other numbers; so their matrix is known already.
    pub fn rounded(level: Level, rate: f64) -> Outflow {
        let lost = f64::MANTISSA_DIGITS - 1 - DIGITS;
        // A carry out of the digits goes into the exponent, as it should.
        let nearest = rate.to_bits().wrapping_add(1 << (lost - 1)) >> lost << lost;
        let rate = if rate.is_finite() {
            f64::from_bits(nearest)
        } else {
            rate
        };
        Outflow { level, rate }
    }
}

/// Everything that can change the matrix while a patient is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Flows {
    /// Drainage by lumbar puncture.
    pub drain: Option<Outflow>,
    /// Fluid that runs back through a damaged catheter.
    pub leak: Option<Outflow>,
    /// Fluid that escapes beside the catheter, through the hole in the dura.
    pub along: Option<Outflow>,
    /// Posture.
    pub posture: Posture,
}

/// Volumes that turn amounts into concentrations, and shares that outputs need.
#[derive(Debug, Clone, PartialEq)]
pub struct Volumes {
    /// The canal, as supine.
    pub canal: Canal,
    /// Cisternal fluid \[mL\].
    pub cisternal: f64,
    /// Cranial fluid \[mL\].
    pub cranial: f64,
    /// Brain tissue \[mL\].
    pub brain: f64,
    /// Central blood compartment \[mL\].
    pub central: f64,
    /// Weight of the fast effect site in the effective concentration \[1\].
    pub fast_share: f64,
}

impl Volumes {
    /// Volume in which a state is dissolved \[mL\]; `None` for stages, depots and all that is no amount.
    pub fn of(&self, state: usize) -> Option<f64> {
        let level = |first: usize| (first..first + LEVELS).contains(&state).then(|| state - first);
        match state {
            Layout::CISTERNAL => Some(self.cisternal),
            Layout::CRANIAL => Some(self.cranial),
            Layout::BRAIN => Some(self.brain),
            Layout::CENTRAL => Some(self.central),
            _ => level(Layout::csf(Level::S2))
                .map(|i| self.canal.volume[i])
                .or_else(|| level(Layout::cord(Level::S2)).map(|i| self.canal.cord[i])),
        }
    }
}

/// Off-diagonal rates, then the diagonal that conserves every column.
struct Rates {
    a: DMatrix<f64>,
}

impl Rates {
    /// First-order movement \[1/h\].
    fn to(&mut self, from: usize, to: usize, rate: f64) {
        self.a[(to, from)] += rate;
    }

    /// Two-way exchange by a flow \[mL/h\] between two volumes \[mL\].
    fn exchange(&mut self, i: usize, vi: f64, j: usize, vj: f64, flow: f64) {
        self.to(i, j, flow / vi);
        self.to(j, i, flow / vj);
    }

    /// What leaves a ledger state is what others gain: columns sum to zero.
    fn close_ledger(&mut self) {
        for j in 0..Layout::LEDGER {
            let mut out = 0.0;
            for i in 0..Layout::LEDGER {
                out += self.a[(i, j)];
            }
            self.a[(j, j)] = -out + 0.0;
        }
    }
}

/// The matrix of `x' = A x + b` for a body under given flows.
///
/// Any fluid that enters carries `plasma_ratio` times the plasma concentration, and
/// first-order loss to blood has its counterpart, so that in equilibrium with blood
/// the whole neuraxis stands at that ratio (MIMS: 0.12).
///
/// # Errors
/// [`KineticsError`] if a flow or a figure of the body is impossible.
pub(super) fn build(
    body: &Body,
    parameters: &ParameterSet,
    flows: &Flows,
) -> Result<(DMatrix<f64>, Volumes), KineticsError> {
    for (what, outflow) in [("drain", flows.drain), ("leak", flows.leak), ("leak", flows.along)] {
        if let Some(o) = outflow
            && !(o.rate.is_finite() && o.rate >= 0.0)
        {
            return Err(KineticsError::Outflow { what, rate: o.rate });
        }
    }
    let get = |key: &str| parameters.get(key);
    let moving = Canal::new(body, parameters, flows.posture);
    let blood = Blood::new(body, parameters)?;
    let v = Volumes {
        canal: Canal::new(body, parameters, Posture::Supine),
        cisternal: get("kinetics.csf.cisternal_volume"),
        cranial: get("kinetics.csf.cranial_volume"),
        brain: get("kinetics.brain.volume"),
        central: blood.central,
        fast_share: get("kinetics.effect.fast_share"),
    };
    let mut r = Rates {
        a: DMatrix::zeros(Layout::LEN, Layout::LEN),
    };
    let ratio = get("kinetics.csf.plasma_ratio");
    let volume = |i: usize| match i {
        Layout::CISTERNAL => v.cisternal,
        Layout::CRANIAL => v.cranial,
        i => v.canal.volume[i],
    };

    // Dispersion.
    for i in 0..LEVELS - 1 {
        r.exchange(i, volume(i), i + 1, volume(i + 1), moving.exchange(i));
    }
    let top = LEVELS - 1;
    let into_cisterns = moving.dispersion[top] * moving.area[top] / (0.5 * moving.length[top]);
    r.exchange(top, volume(top), Layout::CISTERNAL, v.cisternal, into_cisterns);
    r.exchange(
        Layout::CISTERNAL,
        v.cisternal,
        Layout::CRANIAL,
        v.cranial,
        get("kinetics.csf.cisternal_exchange"),
    );

    // Bulk flow: made in the head, partly absorbed along the spine, the rest in the head.
    let production = get("kinetics.csf.production");
    // A shunt takes fluid in the head, on its way to the peritoneum and so to blood; what it
    // leaves divides as before.
    let shunted = if body.shunt { get("kinetics.shunt.flow") } else { 0.0 };
    let spinal = (production - shunted).max(0.0) * get("kinetics.csf.spinal_absorption_share");
    let outflows: Vec<Outflow> = [flows.drain, flows.leak, flows.along].into_iter().flatten().collect();
    let drawn: f64 = outflows.iter().map(|o| o.rate).sum();
    // Drawn fluid is replaced first by what the head would have absorbed.
    let cranial_out = (production - spinal - drawn).max(0.0);
    let mut down = spinal + drawn;
    let inflow = down + cranial_out;
    r.to(Layout::CRANIAL, Layout::CENTRAL, cranial_out / v.cranial);
    r.to(Layout::CENTRAL, Layout::CRANIAL, ratio * inflow / v.central);
    r.to(Layout::CRANIAL, Layout::CISTERNAL, down / v.cranial);
    let mut above = Layout::CISTERNAL;
    let length = v.canal.total_length();
    for i in (0..LEVELS).rev() {
        r.to(above, i, down.max(0.0) / volume(above));
        let absorbed = spinal * v.canal.length[i] / length;
        r.to(i, Layout::CENTRAL, absorbed / volume(i));
        down -= absorbed;
        for o in outflows.iter().filter(|o| o.level.index() == i) {
            r.to(i, Layout::LOST, o.rate / volume(i));
            down -= o.rate;
        }
        above = i;
    }

    // Loss to blood and uptake from it; cord and roots.
    let loss = get("kinetics.csf.loss_rate");
    let cord_rate = LN_2 / get("kinetics.cord.half_life");
    let partition = get("kinetics.cord.partition");
    for i in (0..LEVELS).chain([Layout::CISTERNAL]) {
        r.to(i, Layout::CENTRAL, loss);
        r.to(Layout::CENTRAL, i, ratio * loss * volume(i) / v.central);
    }
    for (i, level) in Level::ALL.into_iter().enumerate() {
        let cord = Layout::cord(level);
        r.to(cord, i, cord_rate);
        r.to(i, cord, cord_rate * partition * v.canal.cord[i] / volume(i));
    }

    // Brain.
    r.exchange(
        Layout::CRANIAL,
        v.cranial,
        Layout::BRAIN,
        v.brain,
        get("kinetics.brain.csf_exchange"),
    );
    let brain = LN_2 / get("kinetics.brain.blood_half_life");
    r.to(Layout::BRAIN, Layout::CENTRAL, brain);
    r.to(Layout::CENTRAL, Layout::BRAIN, ratio * brain * v.brain / v.central);

    // Blood.
    r.to(Layout::CENTRAL, Layout::PERIPHERAL, blood.to_peripheral);
    r.to(Layout::PERIPHERAL, Layout::CENTRAL, blood.from_peripheral);
    r.to(Layout::CENTRAL, Layout::RENAL, blood.renal);
    r.to(Layout::CENTRAL, Layout::OTHER, blood.other);

    // Tablets: stages with geometrically spaced mean times that add up to the mean transit time.
    let spacing = get("kinetics.oral.transit_spacing");
    let sum: f64 = (0..TRANSITS).map(|i| libm::pow(spacing, i as f64)).sum();
    for i in 0..TRANSITS {
        let mean = get("kinetics.oral.mean_transit") * libm::pow(spacing, i as f64) / sum;
        r.to(Layout::ORAL + i, Layout::ORAL + i + 1, 1.0 / mean);
    }
    let absorbed = get("kinetics.oral.bioavailability");
    let uptake = get("kinetics.oral.absorption_rate");
    r.to(Layout::GUT, Layout::CENTRAL, uptake * absorbed);
    r.to(Layout::GUT, Layout::UNABSORBED, uptake * (1.0 - absorbed));

    // Depots.
    let depot = Layout::csf(body.depot_level);
    r.to(
        Layout::SUBCUTANEOUS,
        Layout::CENTRAL,
        get("kinetics.depot.subcutaneous_rate"),
    );
    for (state, place) in [(Layout::EPIDURAL, "epidural"), (Layout::SUBDURAL, "subdural")] {
        let rate = get(&format!("kinetics.depot.{place}_rate"));
        let share = get(&format!("kinetics.depot.{place}_csf_share"));
        r.to(state, depot, rate * share);
        r.to(state, Layout::CENTRAL, rate * (1.0 - share));
    }

    r.close_ledger();
    effect_sites(&mut r.a, parameters, &v);
    rescue_drugs(&mut r.a, parameters);
    if let Some(bad) = r.a.iter().find(|x| !x.is_finite()) {
        return Err(KineticsError::NotFinite { value: *bad });
    }
    Ok((r.a, v))
}

/// Two sites in a row for each region. They read tissue and take nothing from it.
///
/// Parallel sites would have equal rates; each region's are moved apart by
/// `kinetics.effect.rate_spacing` so that modes stay distinct. The matrix that is
/// printed is the matrix that is used.
fn effect_sites(a: &mut DMatrix<f64>, parameters: &ParameterSet, v: &Volumes) {
    let get = |key: &str| parameters.get(key);
    let spacing = get("kinetics.effect.rate_spacing");
    for region in Region::ALL {
        let (fast, slow) = match region {
            Region::Brainstem => (
                get("kinetics.effect.brain_fast_half_life"),
                get("kinetics.effect.brain_slow_half_life"),
            ),
            _ => (
                get("kinetics.effect.fast_half_life"),
                get("kinetics.effect.slow_half_life"),
            ),
        };
        let apart = 1.0 + spacing * (region.index() as f64 - 1.0);
        let (fast, slow) = (apart * LN_2 / fast, apart * LN_2 / slow);
        let (first, second) = (Layout::effect(region, 0), Layout::effect(region, 1));
        let levels: Vec<Level> = Level::ALL.into_iter().filter(|l| Region::of(*l) == region).collect();
        let (cord_weight, csf_weight) = match region {
            Region::Brainstem => (
                get("kinetics.effect.brain_cord_share"),
                get("kinetics.effect.brain_csf_share"),
            ),
            _ => (1.0, 0.0),
        };
        for level in &levels {
            let weight = cord_weight / (levels.len() as f64 * v.canal.cord[level.index()]);
            a[(first, Layout::cord(*level))] = fast * weight;
        }
        if region == Region::Brainstem {
            a[(first, Layout::CRANIAL)] = fast * csf_weight / v.cranial;
            a[(first, Layout::BRAIN)] = fast * (1.0 - cord_weight - csf_weight) / v.brain;
        }
        a[(first, first)] = -fast;
        a[(second, first)] = slow;
        a[(second, second)] = -slow;
    }
}

/// One compartment with a lagged effect \[mg\] for each rescue drug.
fn rescue_drugs(a: &mut DMatrix<f64>, parameters: &ParameterSet) {
    for (state, drug) in [
        (Layout::BENZODIAZEPINE, "benzodiazepine"),
        (Layout::CYPROHEPTADINE, "cyproheptadine"),
    ] {
        let out = LN_2 / parameters.get(&format!("kinetics.rescue.{drug}_half_life"));
        let lag = LN_2 / parameters.get(&format!("kinetics.rescue.{drug}_lag"));
        a[(state, state)] = -out;
        a[(state + 1, state)] = lag;
        a[(state + 1, state + 1)] = -lag;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_that_comes_back_with_other_last_digits_is_the_same() {
        let rounded = |rate| Outflow::rounded(Level::L2, rate).rate;
        for rate in [1.172_345_678_901, 3e-9, 0.999_999_999_999_9, 41.0 / 3.0] {
            let there = rounded(rate);
            assert!((there / rate - 1.0).abs() < 1.2e-10, "{rate}");
            assert_eq!(rounded(there), there);
            assert_eq!(rounded(rate * (1.0 + 1e-13)), there);
            assert_ne!(rounded(rate * (1.0 + 1e-9)), there);
        }
        assert_eq!(rounded(0.999_999_999_999_9), 1.0);
        assert_eq!(rounded(0.0), 0.0);
        assert_eq!(rounded(f64::INFINITY), f64::INFINITY);
        assert!(rounded(f64::NAN).is_nan());
    }
}
