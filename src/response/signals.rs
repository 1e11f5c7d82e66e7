//! What a clinician or a monitor would see at one instant.

use serde::{Deserialize, Serialize};

use super::drugs::DrugSignals;

/// The observable signals, and the hidden ones that symptoms follow.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Signals {
    /// Effect in the legs \[0-1\].
    pub effect_legs: f64,
    /// Effect in the trunk \[0-1\].
    pub effect_trunk: f64,
    /// Effect in the arms \[0-1\].
    pub effect_arms: f64,
    /// Depression of the brainstem by baclofen \[0-1\].
    pub effect_brainstem: f64,
    /// Modified Ashworth score of the legs \[0-4\], 1+ counted as 1.5.
    pub ashworth_legs: f64,
    /// Modified Ashworth score of the arms \[0-4\].
    pub ashworth_arms: f64,
    /// Penn spasm frequency score \[0-4\].
    pub spasm_score: f64,
    /// H/M ratio of the soleus \[%\].
    pub h_over_m_percent: f64,
    /// Tolerance of the legs: EC50 has grown by this share \[1\].
    pub tolerance: f64,
    /// Adaptation of the legs \[0-1\].
    pub adaptation: f64,
    /// Withdrawal after relief by rescue drugs \[0-1\].
    pub withdrawal_index: f64,
    /// Excitation of brain and cord that follows withdrawal \[0-1\].
    pub excitation: f64,
    /// Excitation with an injury at or above T6, otherwise 0 \[0-1\].
    pub dysreflexia: f64,
    /// Depression of the brainstem by all drugs \[0-1\].
    pub sedation: f64,
    /// Glasgow coma scale, not rounded \[3-15\].
    pub gcs: f64,
    /// Heart rate \[1/min\].
    pub heart_rate_per_min: f64,
    /// Systolic pressure \[mmHg\].
    pub systolic_mmhg: f64,
    /// Body temperature \[degC\].
    pub temperature_c: f64,
    /// Own breaths, 0 under full depression even if ventilated \[1/min\].
    pub resp_rate_per_min: f64,
    /// Oxygen saturation \[%\].
    pub spo2_percent: f64,
    /// Muscle damage \[0-1\].
    pub muscle_damage: f64,
    /// Organ failure; death at `response.symptom.death_in_withdrawal.onset` \[1\].
    pub organ_failure: f64,
    /// Hypoxia; death at 1 \[1\].
    pub hypoxia: f64,
    /// What other drugs bring about.
    #[serde(default, skip_serializing_if = "DrugSignals::is_none")]
    pub drugs: DrugSignals,
}

impl Signals {
    /// Column names, in the order of [`Signals::values`].
    pub const COLUMNS: [&'static str; 23] = [
        "effect_legs",
        "effect_trunk",
        "effect_arms",
        "effect_brainstem",
        "ashworth_legs",
        "ashworth_arms",
        "spasm_score",
        "h_over_m_percent",
        "tolerance",
        "adaptation",
        "withdrawal_index",
        "excitation",
        "dysreflexia",
        "sedation",
        "gcs",
        "heart_rate_per_min",
        "systolic_mmhg",
        "temperature_c",
        "resp_rate_per_min",
        "spo2_percent",
        "muscle_damage",
        "organ_failure",
        "hypoxia",
    ];

    /// All values, in the order of [`Signals::COLUMNS`].
    pub fn values(&self) -> [f64; 23] {
        [
            self.effect_legs,
            self.effect_trunk,
            self.effect_arms,
            self.effect_brainstem,
            self.ashworth_legs,
            self.ashworth_arms,
            self.spasm_score,
            self.h_over_m_percent,
            self.tolerance,
            self.adaptation,
            self.withdrawal_index,
            self.excitation,
            self.dysreflexia,
            self.sedation,
            self.gcs,
            self.heart_rate_per_min,
            self.systolic_mmhg,
            self.temperature_c,
            self.resp_rate_per_min,
            self.spo2_percent,
            self.muscle_damage,
            self.organ_failure,
            self.hypoxia,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_name_the_values_in_order() {
        let mut s = Signals {
            effect_legs: 1.0,
            gcs: 2.0,
            hypoxia: 3.0,
            ..Signals::default()
        };
        s.spasm_score = 4.0;
        let fields = serde_json::to_value(s).unwrap();
        for (name, value) in Signals::COLUMNS.into_iter().zip(s.values()) {
            assert_eq!(fields[name].as_f64(), Some(value), "{name}");
        }
        assert_eq!(fields.as_object().unwrap().len(), Signals::COLUMNS.len());
    }
}
