//! Ranks: the order of components at one instant and phase.

use serde::{Deserialize, Serialize};

use super::queue::Rank;

/// Ranks of components, from their names sorted by bytes.
///
/// The rank does not depend on the order in which the names were given, so the order of
/// blocks in a file cannot change a run; and a name that is added moves the numbers of
/// others but never their order among themselves.
///
/// ```
/// use itbsim::engine::RankTable;
/// let ranks = RankTable::new(["pump", "catheter", "fault.leak"]);
/// assert!(ranks.rank("catheter") < ranks.rank("fault.leak"));
/// assert!(ranks.rank("nobody").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RankTable {
    names: Vec<String>,
}

impl RankTable {
    /// Ranks for these names; a repeated name counts once.
    pub fn new<I>(names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        RankTable { names }
    }

    /// The rank of a name, if it was given.
    pub fn rank(&self, name: &str) -> Option<Rank> {
        let index = self.names.binary_search_by(|n| n.as_str().cmp(name)).ok()?;
        u32::try_from(index).ok().map(Rank)
    }

    /// The name that has this rank.
    pub fn name(&self, rank: Rank) -> Option<&str> {
        self.names.get(rank.0 as usize).map(String::as_str)
    }

    /// All names in order of rank.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_do_not_depend_on_the_order_of_names(mut names in prop::collection::vec("[a-z.]{1,6}", 1..12)) {
            let given = RankTable::new(names.clone());
            names.reverse();
            prop_assert_eq!(&RankTable::new(names.clone()), &given);
            for name in &names {
                let rank = given.rank(name).unwrap();
                prop_assert_eq!(given.name(rank), Some(name.as_str()));
            }
            names.sort();
            names.dedup();
            prop_assert!(given.names().eq(names.iter().map(String::as_str)));
        }

        #[test]
        fn a_name_added_leaves_the_order_of_the_others(names in prop::collection::vec("[a-z]{1,6}", 2..12), extra in "[a-z]{1,6}") {
            let before = RankTable::new(names.clone());
            let after = RankTable::new(names.iter().cloned().chain([extra]));
            for a in &names {
                for b in &names {
                    prop_assert_eq!(before.rank(a).cmp(&before.rank(b)), after.rank(a).cmp(&after.rank(b)));
                }
            }
        }
    }
}
