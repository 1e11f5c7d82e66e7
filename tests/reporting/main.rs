//! Tables and figures of a run.

#[path = "../common/report_fixture.rs"]
mod report_fixture;

#[cfg(feature = "plots")]
mod plots;
mod tables;
