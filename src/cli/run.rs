//! `itbsim run`: tables, pictures and a summary of what happened.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::engine::SimSpan;
use crate::quantity::{self, Dimension};
use crate::report::from_run::{Identity, run_data};
use crate::report::{ReportError, RunData, RunFolder, tables, text};
use crate::scenario::model::{Arm, Story};
use crate::simulation::{self, Registry, RunOptions};

use super::{Failure, ScenarioArg, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim run scenarios/missed-refill.toml
  itbsim run scenarios/catheter-kink.toml --out /tmp/kink --sample 5min --seed 7
  itbsim run my-case.toml --json | jq .fingerprint")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Output folder; arms go to sub-folders \[default: out/SCENARIO\]
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
    /// Spacing of output rows, for example 15min or 1h
    #[arg(long, value_name = "TIME")]
    sample: Option<String>,
    /// Tables only
    #[arg(long)]
    no_plots: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Most rows a run may write; beyond it a shorter spacing is surely a slip.
const MOST_ROWS: f64 = 2e6;

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    let sample = args.sample.as_deref().map(|t| spacing(t, &story)).transpose()?;
    let target = match &args.out {
        Some(path) => path.clone(),
        None => Path::new("out").join(&story.name),
    };
    // The folder is claimed first: a long run must not end at a closed door.
    let mut folder = RunFolder::create(&target)?;

    let options = RunOptions {
        seed: args.seed,
        sample,
        keep_jumps: !args.no_plots,
        ..RunOptions::default()
    };
    let runs = run_arms(&story, &registry, &options)?;
    for run in &runs {
        let prefix = if run.meta.arm.is_empty() {
            String::new()
        } else {
            format!("{}/", run.meta.arm)
        };
        tables::write_all_under(run, &prefix, &mut folder)?;
    }
    if story.arms.len() > 1 {
        let summary = serde_json::to_vec_pretty(&super::compare::overview(&story, &runs))?;
        folder.write("summary.json", &summary)?;
    }
    if !args.no_plots {
        draw(&runs, &mut folder)?;
    }
    let shown = folder.commit()?;

    if args.json {
        let summaries: Vec<serde_json::Value> = runs.iter().map(tables::summary_value).collect();
        match <[serde_json::Value; 1]>::try_from(summaries) {
            Ok([single]) => print_json(&single)?,
            Err(many) => print_json(&many)?,
        }
    } else {
        let _ = shown;
        for run in &runs {
            let place = if run.meta.arm.is_empty() {
                target.clone()
            } else {
                target.join(&run.meta.arm)
            };
            print(&text::summary(run, Some(&place)))?;
        }
    }
    if runs.iter().all(|r| r.expectations.iter().all(|e| e.met)) {
        Ok(())
    } else {
        Err(Failure::Expectation)
    }
}

/// Runs all arms, each alone, and gives them in file order.
pub(crate) fn run_arms(story: &Story, registry: &Registry, options: &RunOptions) -> Result<Vec<RunData>, Failure> {
    let outcomes: Vec<Result<RunData, Failure>> = story
        .arms
        .par_iter()
        .map(|arm| {
            let result = simulation::simulate(&arm.scenario, registry, options)?;
            let identity = Identity {
                arm: &arm.id,
                seed: options.seed.unwrap_or(arm.scenario.seed),
                replicate: options.replicate,
            };
            Ok(run_data(story, &arm.scenario, identity, &result))
        })
        .collect();
    outcomes.into_iter().collect()
}

/// The arm a command works on: the named one, or the only one.
pub(crate) fn pick_arm<'a>(story: &'a Story, wanted: Option<&str>) -> Result<&'a Arm, Failure> {
    let names: Vec<&str> = story.arms.iter().map(|a| a.id.as_str()).collect();
    match wanted {
        Some(id) => story.arms.iter().find(|a| a.id == id).ok_or_else(|| {
            Failure::Input(format!(
                "error: `{}` has no arm `{id}`\n  help: {}",
                story.name,
                if names == [""] { "it has no arms; leave --arm out".to_owned() } else { format!("its arms: {}", names.join(", ")) }
            ))
        }),
        None => match story.arms.as_slice() {
            [first, ..] => Ok(first),
            [] => Err(Failure::Input(format!("error: `{}` has nothing to run", story.name))),
        },
    }
}

/// A spacing of rows from the command line.
fn spacing(text: &str, story: &Story) -> Result<SimSpan, Failure> {
    let bad = |why: String| Failure::Input(format!("error: --sample {text}: {why}\n  help: write a time such as 15min or 1h"));
    let hours = quantity::parse(text, Dimension::Time).map_err(|e| bad(e.to_string()))?;
    let span = SimSpan::from_hours(hours).map_err(|e| bad(e.to_string()))?;
    if span.as_nanos() <= 0 {
        return Err(bad("rows need a spacing above zero".into()));
    }
    let longest = story.arms.iter().map(|a| a.scenario.duration.hours()).fold(0.0, f64::max);
    if longest / span.hours() > MOST_ROWS {
        return Err(bad(format!("that makes {:.0} rows, above the limit of {MOST_ROWS}", longest / span.hours())));
    }
    Ok(span)
}

#[cfg(feature = "plots")]
fn draw(runs: &[RunData], folder: &mut RunFolder) -> Result<(), Failure> {
    use crate::report::plots::{self, PlotOptions};
    let options = PlotOptions::default();
    let drawn: Vec<Result<Vec<plots::Figure>, ReportError>> =
        runs.par_iter().map(|run| plots::figures(run, &options)).collect();
    for (run, figures) in runs.iter().zip(drawn) {
        let prefix = if run.meta.arm.is_empty() { String::new() } else { format!("{}/", run.meta.arm) };
        plots::write_all_under(&figures?, &prefix, folder)?;
    }
    if runs.len() > 1 {
        plots::write_all_under(&plots::compare(&runs.iter().collect::<Vec<_>>(), &options)?, "", folder)?;
    }
    Ok(())
}

#[cfg(not(feature = "plots"))]
fn draw(_runs: &[RunData], _folder: &mut RunFolder) -> Result<(), Failure> {
    Ok(())
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        if error.is_broken_pipe() {
            Failure::ClosedPipe
        } else {
            Failure::Input(format!("error: {error}\n  help: nothing was written"))
        }
    }
}
