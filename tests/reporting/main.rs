//! Tables, figures and the page of a run.

#[path = "../common/cli_common.rs"]
mod cli_common;
#[path = "../common/report_fixture.rs"]
mod report_fixture;

mod page;
#[cfg(feature = "plots")]
mod plots;
mod tables;
