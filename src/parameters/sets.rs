//! Named sets of parameters: other answers to questions on which the literature disagrees.
//!
//! A scenario chooses one by `[model] set = "..."`; `[parameters]` then still has the last word.

use super::Grade::Assumed;
use super::{Parameter, ParameterSet, entry as p};

/// Parameters that go together.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct NamedSet {
    /// Name in `[model] set`.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// What speaks for it.
    pub source: &'static str,
    /// What speaks against it.
    pub against: &'static str,
    /// The values that differ from the defaults, each graded like a default.
    pub values: &'static [Parameter],
}

impl NamedSet {
    /// The value of a parameter in this set \[its unit\].
    pub fn value(&self, key: &str) -> Option<f64> {
        self.values.iter().find(|p| p.key == key).map(|p| p.value)
    }

    /// The defaults with this set applied.
    pub fn parameters(&self) -> ParameterSet {
        let mut all = ParameterSet::default();
        for p in self.values {
            all.put(p.key, p.value);
        }
        all
    }
}

/// The sets there are; the first is the defaults.
pub const SETS: &[NamedSet] = &[
    NamedSet {
        name: "well-mixed",
        summary: "the defaults: strong axial mixing, as human lumbar and cisternal taps imply",
        source: "US label, Lioresal Intrathecal: lumbar:cisternal about 4:1, clearance 30 mL/h",
        against: "most drug within a few cm of the tip in pigs (Bernards 2006); steep gradient in Heetla 2016",
        values: &[],
    },
    NamedSet {
        name: "steep-gradient",
        summary: "weak axial mixing: most drug stays near the tip, as in pigs",
        source: "Bernards 2006 (pig: most drug within a few cm of the tip); Heetla 2016 (steep gradient)",
        against: "lumbar:cisternal about 4:1 and clearance 30 mL/h in people (US label)",
        values: STEEP,
    },
];

/// The set of this name.
pub fn named_set(name: &str) -> Option<&'static NamedSet> {
    SETS.iter().find(|s| s.name == name)
}

#[rustfmt::skip] // one parameter per entry reads as a table
const STEEP: &[Parameter] = &[
    p("kinetics.csf.dispersion_caudal", 12.6, "cm2/h", 5.0, 3600.0, Assumed,
      "a twentieth of the default; with the loss rate most drug lies within some 6 cm of the tip (Bernards 2006)",
      "effective axial dispersion at S2"),
    p("kinetics.csf.dispersion_rostral", 30.6, "cm2/h", 5.0, 3600.0, Assumed,
      "a twentieth of the default, see dispersion_caudal", "effective axial dispersion at C1; linear in between"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::all;

    #[test]
    fn a_set_names_parameters_there_are_in_their_units_and_ranges() {
        for set in SETS {
            assert!(!set.source.is_empty() && !set.against.is_empty() && !set.summary.is_empty());
            for own in set.values {
                let p = all().find(|p| p.key == own.key).unwrap();
                assert_eq!((p.unit, p.low, p.high), (own.unit, own.low, own.high), "{}", p.key);
                assert!((p.low..=p.high).contains(&own.value), "{}", p.key);
                assert!(!own.source.is_empty());
            }
            assert_eq!(named_set(set.name), Some(set));
        }
        assert_eq!(named_set("well-mixed").unwrap().parameters(), ParameterSet::default());
    }
}
