//! What complications of surgery and hardware do to a person at one instant, and what can be
//! done about them.

use serde::{Deserialize, Serialize};

/// Signs of complications, each from 0 (none) to 1 (as bad as it gets); all zero in a
/// person without any.
///
/// The complications room makes it, the response room reads it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Ailing {
    /// Inflammation of the whole body: fever, fast heart, C-reactive protein \[0-1\].
    pub inflammation: f64,
    /// A stimulus below the injury that makes spasticity worse \[0-1\].
    pub noxious: f64,
    /// Redness, swelling, discharge at a wound or the pocket \[0-1\].
    pub wound: f64,
    /// Skin gone over the hardware \[0-1\].
    pub bare: f64,
    /// Headache on sitting up, as it is in the present posture \[0-1\].
    pub headache: f64,
    /// Stiff neck and fear of light \[0-1\].
    pub meningism: f64,
    /// Pain in the back, along the catheter \[0-1\].
    pub back_pain: f64,
    /// Pain down a root \[0-1\].
    pub root_pain: f64,
    /// New weakness or numbness below the lesion, not from the drug \[0-1\].
    pub weakness: f64,
    /// Clouding of consciousness, not from the drug \[0-1\].
    pub clouding: f64,
    /// Sepsis \[0-1\].
    pub sepsis: f64,
}

impl Ailing {
    /// Number of signs.
    pub const LEN: usize = 11;

    /// Names of the signs, in the order of [`Ailing::values`].
    pub const NAMES: [&'static str; Ailing::LEN] = [
        "inflammation",
        "noxious",
        "wound",
        "bare",
        "headache",
        "meningism",
        "back_pain",
        "root_pain",
        "weakness",
        "clouding",
        "sepsis",
    ];

    /// All values, in the order of [`Ailing::NAMES`].
    pub fn values(&self) -> [f64; Ailing::LEN] {
        [
            self.inflammation,
            self.noxious,
            self.wound,
            self.bare,
            self.headache,
            self.meningism,
            self.back_pain,
            self.root_pain,
            self.weakness,
            self.clouding,
            self.sepsis,
        ]
    }

    /// From values in the order of [`Ailing::NAMES`].
    pub fn from_values(v: [f64; Ailing::LEN]) -> Self {
        Self {
            inflammation: v[0],
            noxious: v[1],
            wound: v[2],
            bare: v[3],
            headache: v[4],
            meningism: v[5],
            back_pain: v[6],
            root_pain: v[7],
            weakness: v[8],
            clouding: v[9],
            sepsis: v[10],
        }
    }
}

/// What can be done about complications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// A course of antibiotics.
    Antibiotics,
    /// Own blood beside the dura, over the hole.
    BloodPatch,
    /// A haematoma is taken out.
    Evacuation,
    /// A wound is cleaned, or the pump moved under other skin.
    WoundRevision,
}

impl Remedy {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Remedy::Antibiotics => "antibiotics",
            Remedy::BloodPatch => "blood patch",
            Remedy::Evacuation => "evacuation of a haematoma",
            Remedy::WoundRevision => "revision of the wound",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_the_values_in_order() {
        let mut v = [0.0; Ailing::LEN];
        for (i, x) in v.iter_mut().enumerate() {
            *x = (i + 1) as f64;
        }
        let ailing = Ailing::from_values(v);
        assert_eq!(ailing.values(), v);
        let fields = serde_json::to_value(ailing).unwrap();
        for (name, value) in Ailing::NAMES.into_iter().zip(v) {
            assert_eq!(fields[name].as_f64(), Some(value), "{name}");
        }
    }
}
