//! `itbsim system`: the assembled linear system of a run as JSON.

use crate::simulation::{self, Registry, RunOptions};

use super::{Failure, ScenarioArg, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim system scenarios/stable-therapy.toml > system.json
  itbsim system scenarios/screening-bolus.toml --arm 50ug

The state follows x' = A x + b on each segment; `jump` is added at its start; an output is its row times x.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Arm, if the scenario has arms
    #[arg(long)]
    arm: Option<String>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    let arm = super::run::pick_arm(&story, args.arm.as_deref())?;
    let options = RunOptions {
        seed: args.seed,
        record_system: true,
        ..RunOptions::default()
    };
    let run = simulation::simulate(&arm.scenario, &registry, &options).map_err(|e| super::run::in_arm(arm, e))?;
    match run.system {
        Some(trace) => print(&serde_json::to_string(&trace)?),
        None => Err(Failure::Model("error: the run recorded no system".into())),
    }
}
