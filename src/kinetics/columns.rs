//! Outputs as weights on the state: what the time series print and what crossings watch.

use crate::numerics::SparseWeights;
use crate::parameters::ParameterSet;
use crate::signals::{Level, Region};

use super::layout::Layout;
use super::matrix::{Flows, Volumes, build};
use super::{Body, KineticsError};

/// One output, `value = Σ weights[i] x[i]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Column name with its unit, for example `csf_l3_ng_per_ml`.
    pub name: String,
    /// One weight per state of [`Layout`].
    pub weights: Vec<f64>,
    /// The same, without those that are zero.
    pub(super) sparse: SparseWeights,
}

/// Where the columns of one kind begin in [`columns`].
pub(super) mod place {
    use super::super::layout::LEVELS;
    pub const CSF: usize = 0;
    pub const CISTERNAL: usize = LEVELS;
    pub const CRANIAL: usize = LEVELS + 1;
    pub const PLASMA: usize = LEVELS + 2;
    pub const BRAIN: usize = LEVELS + 3;
    pub const EFFECT: usize = LEVELS + 4;
    pub const BENZODIAZEPINE: usize = LEVELS + 8;
    pub const CYPROHEPTADINE: usize = LEVELS + 9;
    pub const IN_BODY: usize = LEVELS + 10;
    pub const ELIMINATED: usize = LEVELS + 11;
}

/// Names of all outputs, the same for every body.
///
/// # Errors
/// [`KineticsError`] if the defaults make no body; a test shows that they do.
pub fn column_names() -> Result<Vec<String>, KineticsError> {
    let (_, volumes) = build(&Body::default(), &ParameterSet::default(), &Flows::default())?;
    Ok(columns(&volumes).into_iter().map(|c| c.name).collect())
}

/// All outputs of the room, in the order of the time series.
pub fn columns(v: &Volumes) -> Vec<Column> {
    let one = |name: &str, parts: &[(usize, f64)]| {
        let mut weights = vec![0.0; Layout::LEN];
        for &(i, w) in parts {
            weights[i] += w;
        }
        Column {
            name: name.to_owned(),
            sparse: SparseWeights::new(&weights),
            weights,
        }
    };
    let nano = 1000.0;
    let mut all = Vec::new();
    for level in Level::ALL {
        let weight = nano / v.canal.volume[level.index()];
        all.push(one(
            &format!("csf_{}_ng_per_ml", level.lower()),
            &[(Layout::csf(level), weight)],
        ));
    }
    all.push(one(
        "csf_cisternal_ng_per_ml",
        &[(Layout::CISTERNAL, nano / v.cisternal)],
    ));
    all.push(one("csf_cranial_ng_per_ml", &[(Layout::CRANIAL, nano / v.cranial)]));
    all.push(one("plasma_ng_per_ml", &[(Layout::CENTRAL, nano / v.central)]));
    all.push(one("brain_ng_per_ml", &[(Layout::BRAIN, nano / v.brain)]));
    for region in Region::ALL {
        let parts = [
            (Layout::effect(region, 0), nano * v.fast_share),
            (Layout::effect(region, 1), nano * (1.0 - v.fast_share)),
        ];
        all.push(one(&format!("effect_site_{}_ng_per_ml", region.lower()), &parts));
    }
    all.push(one("benzodiazepine_effect_mg", &[(Layout::BENZODIAZEPINE + 1, 1.0)]));
    all.push(one("cyproheptadine_effect_mg", &[(Layout::CYPROHEPTADINE + 1, 1.0)]));
    let sum = |keep: &dyn Fn(usize) -> bool| -> Vec<(usize, f64)> {
        (0..Layout::LEDGER).filter(|i| keep(*i)).map(|i| (i, 1.0)).collect()
    };
    all.push(one("in_body_ug", &sum(&|i| !Layout::is_cumulative(i))));
    all.push(one("eliminated_ug", &sum(&Layout::is_cumulative)));
    for (state, name) in [
        (Layout::RENAL, "eliminated_renal_ug"),
        (Layout::OTHER, "eliminated_other_ug"),
        (Layout::UNABSORBED, "unabsorbed_ug"),
        (Layout::LOST, "lost_csf_ug"),
        (Layout::SUBCUTANEOUS, "depot_subcutaneous_ug"),
        (Layout::EPIDURAL, "depot_epidural_ug"),
        (Layout::SUBDURAL, "depot_subdural_ug"),
    ] {
        all.push(one(name, &[(state, 1.0)]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinetics::Kinetics;

    #[test]
    fn names_need_no_patient_and_are_those_of_a_patient() {
        let patient = Kinetics::new(Body::default(), &ParameterSet::default()).unwrap();
        let names: Vec<String> = patient.columns().iter().map(|c| c.name.clone()).collect();
        assert_eq!(column_names().unwrap(), names);
    }
}
