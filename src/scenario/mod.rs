//! Scenario.
pub mod model;
