//! `itbsim branch`: go on from one instant of a run with another decision.

use std::path::{Path, PathBuf};

use crate::engine::{SimSpan, SimTime};
use crate::quantity::{self, Dimension};
use crate::scenario::model::Story;
use crate::scenario::{BRANCH, Decision, Disk, Files, PAST, load_branch};
use crate::simulation::{Registry, Run, RunOptions};

use super::{Failure, ScenarioArg, diff, print, run};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim branch scenarios/missed-refill.toml --at \"15.5 d\" --do 'lumbar_bolus = { dose = \"50 ug\", level = \"L3\" }'
  itbsim branch out/catheter-kink --at \"31 d\" --do 'raise_dose = \"20 %\"' --out out/raised
  itbsim branch scenarios/catheter-kink.toml --at \"31 d\" --without repair1
  itbsim branch scenarios/stop-or-taper.toml --arm stop --at \"2 d\" --with decision.toml

Both runs are the same patient with the same luck, and share everything before the decision: it
is checked, and a decision that reaches further back is refused.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// When the decision falls, such as "34 d"
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: String,
    /// Arm to branch from, if the scenario has arms
    #[arg(long)]
    arm: Option<String>,
    /// Set a value, as in an arm: PATH=VALUE, for example care.clinic.interval="30 d"
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Leave out an act, a fault, a programme or a policy
    #[arg(long, value_name = "ID")]
    without: Vec<String>,
    /// Do something then: what an [[action]] block says beside its time
    #[arg(long = "do", value_name = "ACT")]
    acts: Vec<String>,
    /// Blocks to add, from a TOML file
    #[arg(long = "with", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    with: Option<PathBuf>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
    /// Output folder, out/SCENARIO-branch if not given
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Tables only
    #[arg(long)]
    no_plots: bool,
    /// Also write report.html, the page of `itbsim report`
    #[arg(long)]
    report: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let at = instant(&args.at)?;
    let decision = Decision {
        arm: args.arm.clone(),
        name: "the decision".to_owned(),
        text: text(args)?,
        file: args.with.as_deref().map(more).transpose()?,
    };
    let blank = decision.file.as_ref().is_none_or(|(_, text)| text.trim().is_empty());
    if decision.text.trim().is_empty() && blank {
        return Err(Failure::Input(
            "error: nothing is decided\n  help: say what with --do, --set, --without or --with".to_owned(),
        ));
    }
    let path = args.scenario.file();
    let mut story = load_branch(&path, &decision, &registry.catalog()).map_err(|d| Failure::Input(d.render(false)))?;
    story.name = args.scenario.name_of(story.name);
    if at > story.arms[0].scenario.duration {
        return Err(Failure::Input(format!(
            "error: --at {}: the story ends at {} h",
            args.at,
            story.arms[0].scenario.duration.hours()
        )));
    }
    let options = RunOptions {
        seed: args.seed,
        keep_jumps: !args.no_plots,
        ..RunOptions::default()
    };
    same_past(&story, &registry, &options, at, &args.at)?;
    let target = match &args.out {
        Some(out) => out.clone(),
        None => Path::new("out").join(format!("{}-branch", story.name)),
    };
    let extras = run::Extras {
        plots: !args.no_plots,
        report: args.report,
    };
    let runs = run::run_story(&story, &registry, &options, &target, extras)?;
    print(&diff::told(&runs[0], PAST, &runs[1], BRANCH))?;
    print(&format!("files  {}", target.display()))
}

/// Refuses a decision that reaches back before its instant.
fn same_past(
    story: &Story,
    registry: &Registry,
    options: &RunOptions,
    at: SimTime,
    shown: &str,
) -> Result<(), Failure> {
    let Ok(before) = at.checked_sub(SimSpan::from_nanos(1)) else {
        return Ok(());
    };
    if before < SimTime::ZERO {
        return Ok(());
    }
    let quiet = RunOptions {
        observe: false,
        keep_jumps: false,
        ..options.clone()
    };
    let mut prints = Vec::new();
    for arm in &story.arms {
        let mut run = Run::new(&arm.scenario, registry, &quiet).map_err(|e| run::in_arm(arm, e))?;
        run.run_until(before).map_err(|e| run::in_arm(arm, e))?;
        prints.push(run.fingerprint());
    }
    if prints.windows(2).all(|p| p[0] == p[1]) {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "error: this decision changes what happened before {shown}\n  help: a branch shares its past with the story; \
         choose an earlier --at, or write an [[arm]] for a patient who differs from the start"
    )))
}

fn instant(text: &str) -> Result<SimTime, Failure> {
    let bad = |why: String| {
        Failure::Input(format!(
            "error: --at {text}: {why}\n  help: write a time such as \"34 d\""
        ))
    };
    let hours = quantity::parse(text, Dimension::Time).map_err(|e| bad(e.to_string()))?;
    if hours < 0.0 {
        return Err(bad("a decision cannot fall before the start".to_owned()));
    }
    SimTime::from_hours(hours).map_err(|e| bad(e.to_string()))
}

/// Name and text of the file with blocks to add.
fn more(path: &Path) -> Result<(String, String), Failure> {
    let name = path.display().to_string();
    match Disk.read(path) {
        Ok(text) => Ok((name, text)),
        Err(e) => Err(Failure::Input(format!(
            "error: --with: cannot read `{name}`: {e}\n  help: give a TOML file of blocks, such as [[action]]"
        ))),
    }
}

/// The decision as TOML, but for the file.
fn text(args: &Args) -> Result<String, Failure> {
    let mut out = String::new();
    if !args.without.is_empty() {
        let ids: Vec<String> = args.without.iter().map(|id| quoted(id)).collect();
        out.push_str(&format!("without = [{}]\n", ids.join(", ")));
    }
    let mut set = String::new();
    for pair in &args.set {
        let Some((path, value)) = pair.split_once('=') else {
            return Err(Failure::Input(format!(
                "error: --set {pair}: no value\n  help: write PATH=VALUE, for example pump.gain=1.1"
            )));
        };
        let value = value.trim();
        // A quantity needs no quotes of its own on the command line.
        let bare = value.parse::<f64>().is_ok()
            || matches!(value, "true" | "false")
            || value.starts_with(['"', '\'', '[', '{']);
        let value = if bare { value.to_owned() } else { quoted(value) };
        set.push_str(&format!("{} = {value}\n", quoted(path.trim())));
    }
    if !set.is_empty() {
        out.push_str(&format!("[set]\n{set}"));
    }
    for (i, act) in args.acts.iter().enumerate() {
        out.push_str(&format!(
            "[[action]]\nid = \"decision{}\"\nat = {}\n{act}\n",
            i + 1,
            quoted(&args.at)
        ));
    }
    Ok(out)
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
