//! Ranks from names.

use serde::{Deserialize, Serialize};

use super::queue::Rank;

/// Ranks of components: their places in the sorted list of names, so that the
/// order in which a file mentions them changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RankTable {
    names: Vec<String>,
}

impl RankTable {
    /// From names in any order; a repeated name counts once.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        Self { names }
    }

    /// The rank of a name, if it is in the table.
    pub fn rank(&self, name: &str) -> Option<Rank> {
        self.names
            .binary_search_by(|n| n.as_str().cmp(name))
            .ok()
            .and_then(|k| u32::try_from(k).ok())
            .map(Rank)
    }
}
