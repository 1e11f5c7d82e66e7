//! Defaults of the response room.

use super::Parameter;

/// The table of this room.
pub const TABLE: &[Parameter] = &[];
