//! Evidence: published figures, calibration, exports, generated pages, vectors of calculators.

#[path = "../common/cli_common.rs"]
mod cli_common;
#[path = "../common/run_common.rs"]
mod run_common;

mod calculators;
mod calibrate;
mod documents;
mod pages;
mod published;
