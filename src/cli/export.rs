//! `itbsim export`: the kinetics of a run in another tool's language.

use crate::export::{self, About};
use crate::simulation::{self, Registry, RunOptions};

use super::{Failure, ScenarioArg, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim export scenarios/stable-therapy.toml --format sbml > stable-therapy.xml
  itbsim export scenarios/screening-bolus.toml --arm 50ug --format nonmem > doses.csv
  itbsim export scenarios/screening-bolus.toml --arm 50ug --format nonmem-control > model.ctl

What pump, catheter, faults and acts did has become rates and doses; the response is not exported.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Language of the document
    #[arg(long, value_enum)]
    format: Format,
    /// Arm, if the scenario has arms
    #[arg(long)]
    arm: Option<String>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// SBML Level 3 Version 2: compartments, transfers, delivery as events
    Sbml,
    /// Dose table: ID, TIME, AMT, RATE, CMT, EVID, MDV
    Nonmem,
    /// Control stream (ADVAN5) that reads the dose table from doses.csv
    NonmemControl,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    let arm = super::run::pick_arm(&story, args.arm.as_deref())?;
    let options = RunOptions {
        seed: args.seed,
        observe: false,
        record_system: true,
        ..RunOptions::default()
    };
    let run = simulation::simulate(&arm.scenario, &registry, &options).map_err(|e| super::run::in_arm(arm, e))?;
    let Some(trace) = &run.system else {
        return Err(Failure::Model("error: the run recorded no system".into()));
    };
    let about = About::of(&story, arm, args.seed.unwrap_or(arm.scenario.seed), run.fingerprint);
    let text = match args.format {
        Format::Sbml => export::sbml(trace, &about),
        Format::Nonmem => export::nonmem_table(trace),
        Format::NonmemControl => export::nonmem_control(trace, &about, "doses.csv"),
    };
    print(&text.map_err(|e| Failure::Model(format!("error: {e}")))?)
}
