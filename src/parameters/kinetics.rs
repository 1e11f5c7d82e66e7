//! Defaults of the kinetics room.

use super::Parameter;

/// The table of this room.
pub const TABLE: &[Parameter] = &[];
