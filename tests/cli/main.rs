//! The command line as its users meet it: words, files, exit codes.

#[path = "../common/cli_common.rs"]
mod cli_common;

mod batch;
mod branch;
mod calc;
mod hazards;
mod input;
mod population;
mod run;
mod sensitivity;
mod serve;
mod system;
mod words;
