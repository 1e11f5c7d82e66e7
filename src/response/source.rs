//! The signals behind symptoms.

use super::signals::Signals;
use crate::signals::Ailing;

macro_rules! sources {
    ($($(#[$doc:meta])* $name:ident = $select:expr;)*) => {
        /// The signal that drives a symptom.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Source {
            $($(#[$doc])* $name,)*
        }

        impl Source {
            /// All of them, in the order of their places.
            pub const ALL: [Source; [$(Source::$name),*].len()] = [$(Source::$name),*];

            /// Its value, in the unit of its signal.
            #[inline]
            pub fn of(self, signals: &Signals) -> f64 {
                let select: fn(&Signals) -> f64 = match self {
                    $(Source::$name => $select,)*
                };
                select(signals)
            }
        }
    };
}

sources! {
    /// Index of withdrawal.
    Withdrawal = |s| s.withdrawal_index;
    /// Spasms rise with withdrawal and with anything that hurts below the injury.
    Spasms = |s| s.withdrawal_index + s.ailing.noxious;
    /// Excitation.
    Excitation = |s| s.excitation;
    /// Body temperature.
    Temperature = |s| s.temperature_c;
    /// Heart rate.
    Heart = |s| s.heart_rate_per_min;
    /// Systolic pressure.
    Pressure = |s| s.systolic_mmhg;
    /// Dysreflexia.
    Dysreflexia = |s| s.dysreflexia;
    /// Muscle damage.
    Muscle = |s| s.muscle_damage;
    /// Organ failure.
    Organs = |s| s.organ_failure;
    /// Sedation.
    Sedation = |s| s.sedation;
    /// Effect in the legs.
    Legs = |s| s.effect_legs;
    /// Effect in the trunk.
    Trunk = |s| s.effect_trunk;
    /// Effect in the arms.
    Arms = |s| s.effect_arms;
    /// Own breaths.
    Breathing = |s| s.resp_rate_per_min;
    /// Glasgow coma scale.
    Consciousness = |s| s.gcs;
    /// Hypoxia.
    Hypoxia = |s| s.hypoxia;
    /// Redness and swelling.
    Wound = |s| s.ailing.wound;
    /// Skin gone over the hardware.
    Bare = |s| s.ailing.bare;
    /// Postural headache.
    Headache = |s| s.ailing.headache;
    /// Stiff neck.
    Meningism = |s| s.ailing.meningism;
    /// Pain in the back.
    BackPain = |s| s.ailing.back_pain;
    /// Pain down a root.
    RootPain = |s| s.ailing.root_pain;
    /// New weakness.
    Weakness = |s| s.ailing.weakness;
    /// Clouding by illness.
    Clouding = |s| s.ailing.clouding;
    /// Sepsis.
    Sepsis = |s| s.ailing.sepsis;
    /// Lack of another drug.
    DrugWithdrawal = |s| s.drugs.drug_withdrawal;
    /// Relief of pain.
    Analgesia = |s| s.drugs.analgesia;
}

impl Source {
    /// Number of them.
    pub const LEN: usize = Source::ALL.len();

    /// The first of those that are signs of complications alone.
    pub(crate) const SIGNS: usize = Source::Wound as usize;

    /// The first of those that other drugs bring about.
    pub(super) const DRUGS: usize = Source::DrugWithdrawal as usize;

    /// Values of those from [`Source::SIGNS`] to [`Source::DRUGS`].
    pub(super) fn signs(a: &Ailing) -> [f64; Source::DRUGS - Source::SIGNS] {
        [
            a.wound,
            a.bare,
            a.headache,
            a.meningism,
            a.back_pain,
            a.root_pain,
            a.weakness,
            a.clouding,
            a.sepsis,
        ]
    }
}
