//! Scenario files: reading, mistakes and what is said of them, schema, quantities.

#[path = "../common/scenario_common.rs"]
mod scenario_common;

mod files;
mod fuzz;
mod limits;
mod load;
mod mistakes;
mod quantity;
mod schema;
