//! Names and places of the states.

use crate::signals::{Destination, Level, Region};

/// Number of spinal levels.
pub(crate) const LEVELS: usize = Level::ALL.len();
/// Transit stages of an oral dose before the gut stage.
pub(crate) const TRANSITS: usize = 3;

/// Where drug or a rescue drug can be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Site {
    /// An end of a fluid stream: spinal fluid at a level, or a depot.
    Stream(Destination),
    /// Swallowed baclofen.
    Oral,
    /// A benzodiazepine, in mg of diazepam or its equivalent.
    Benzodiazepine,
    /// Cyproheptadine, in mg.
    Cyproheptadine,
}

impl From<Destination> for Site {
    fn from(to: Destination) -> Self {
        Site::Stream(to)
    }
}

/// The order of states in a vector `x`.
///
/// Amounts of baclofen \[ug\] come first and make up the ledger; effect sites
/// \[ug/mL\] follow and only read; the rescue drugs \[mg\] are a block of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout;

impl Layout {
    /// Fluid of the basal cisterns.
    pub const CISTERNAL: usize = LEVELS;
    /// Fluid of the head above the cisterns.
    pub const CRANIAL: usize = LEVELS + 1;
    const CORD: usize = LEVELS + 2;
    /// Brain tissue.
    pub const BRAIN: usize = 2 * LEVELS + 2;
    /// Central blood compartment.
    pub const CENTRAL: usize = Self::BRAIN + 1;
    /// Peripheral blood compartment.
    pub const PERIPHERAL: usize = Self::BRAIN + 2;
    /// First transit stage of an oral dose.
    pub const ORAL: usize = Self::BRAIN + 3;
    /// Gut stage, from which blood takes up.
    pub const GUT: usize = Self::ORAL + TRANSITS;
    /// Under the skin.
    pub const SUBCUTANEOUS: usize = Self::GUT + 1;
    /// Epidural space.
    pub const EPIDURAL: usize = Self::GUT + 2;
    /// Subdural pocket.
    pub const SUBDURAL: usize = Self::GUT + 3;
    /// Eliminated by the kidney so far; the first cumulative state.
    pub const RENAL: usize = Self::GUT + 4;
    /// Eliminated otherwise so far.
    pub const OTHER: usize = Self::GUT + 5;
    /// Swallowed and never absorbed so far.
    pub const UNABSORBED: usize = Self::GUT + 6;
    /// Lost with drained or leaked fluid so far.
    pub const LOST: usize = Self::GUT + 7;
    /// Number of ledger states; indices below this are amounts \[ug\].
    pub const LEDGER: usize = Self::GUT + 8;
    /// Benzodiazepine in the body \[mg\].
    pub const BENZODIAZEPINE: usize = Self::LEDGER + 8;
    /// Cyproheptadine in the body \[mg\].
    pub const CYPROHEPTADINE: usize = Self::LEDGER + 10;
    /// Number of states.
    pub const LEN: usize = Self::LEDGER + 12;

    /// Fluid at a level.
    pub fn csf(level: Level) -> usize {
        level.index()
    }

    /// Cord and roots at a level.
    pub fn cord(level: Level) -> usize {
        Self::CORD + level.index()
    }

    /// Effect site of a region; stage 0 is the fast one, stage 1 the slow one.
    pub fn effect(region: Region, stage: usize) -> usize {
        Self::LEDGER + 2 * region.index() + stage
    }

    /// State that receives what is put at a site.
    pub fn of(site: Site) -> usize {
        match site {
            Site::Stream(Destination::Csf(level)) => Self::csf(level),
            Site::Stream(Destination::Epidural) => Self::EPIDURAL,
            Site::Stream(Destination::Subdural) => Self::SUBDURAL,
            Site::Stream(Destination::Subcutaneous) => Self::SUBCUTANEOUS,
            Site::Oral => Self::ORAL,
            Site::Benzodiazepine => Self::BENZODIAZEPINE,
            Site::Cyproheptadine => Self::CYPROHEPTADINE,
        }
    }

    /// Whether a state only accumulates and feeds nothing.
    pub fn is_cumulative(index: usize) -> bool {
        (Self::RENAL..=Self::LOST).contains(&index)
    }

    /// Whether a state is an amount of baclofen and so part of the ledger.
    pub fn is_ledger(index: usize) -> bool {
        index < Self::LEDGER
    }

    /// Names of all states in order, as `itbsim system` prints them.
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = Level::ALL.iter().map(|l| format!("csf_{}", l.lower())).collect();
        names.extend(["csf_cisternal", "csf_cranial"].map(String::from));
        names.extend(Level::ALL.iter().map(|l| format!("cord_{}", l.lower())));
        names.extend(["brain", "central", "peripheral"].map(String::from));
        names.extend((1..=TRANSITS).map(|i| format!("oral_{i}")));
        names.extend(
            [
                "gut",
                "depot_subcutaneous",
                "depot_epidural",
                "depot_subdural",
                "eliminated_renal",
                "eliminated_other",
                "unabsorbed",
                "lost_csf",
            ]
            .map(String::from),
        );
        for region in Region::ALL {
            names.push(format!("effect_fast_{}", region.lower()));
            names.push(format!("effect_slow_{}", region.lower()));
        }
        names.extend(
            [
                "benzodiazepine",
                "benzodiazepine_effect",
                "cyproheptadine",
                "cyproheptadine_effect",
            ]
            .map(String::from),
        );
        names
    }

    /// Unit of a state.
    pub fn unit(index: usize) -> &'static str {
        match index {
            i if i < Self::LEDGER => "ug",
            i if i < Self::BENZODIAZEPINE => "ug/mL",
            _ => "mg",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_one_name_and_the_indices_point_at_it() {
        let names = Layout::names();
        assert_eq!(names.len(), Layout::LEN);
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
        for (index, name) in [
            (Layout::csf(Level::L3), "csf_l3"),
            (Layout::CRANIAL, "csf_cranial"),
            (Layout::cord(Level::C1), "cord_c1"),
            (Layout::BRAIN, "brain"),
            (Layout::ORAL, "oral_1"),
            (Layout::GUT, "gut"),
            (Layout::SUBDURAL, "depot_subdural"),
            (Layout::LOST, "lost_csf"),
            (Layout::effect(Region::Arms, 1), "effect_slow_arms"),
            (Layout::CYPROHEPTADINE, "cyproheptadine"),
        ] {
            assert_eq!(names[index], name);
        }
    }
}
