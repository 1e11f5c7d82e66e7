//! Defaults of the catheter room.

use super::Parameter;

/// The table of this room.
pub const TABLE: &[Parameter] = &[];
