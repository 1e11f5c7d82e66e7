//! `itbsim report`: one HTML file that shows a run unfold, and why.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::report::page::{BatchPageError, PageData, PageError, PageOptions, page_of_batch, page_of_story, render};
use crate::scenario::model::Story;
use crate::simulation::Registry;

use super::{Failure, ScenarioArg, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim report scenarios/catheter-kink.toml -o kink.html
  itbsim report out/missed-refill -o missed-refill.html     # the folder of a run
  itbsim report out/hazards-six-years -o batch.html         # of a batch, or of a sensitivity study
  itbsim report scenarios/overdose-rescue.toml --no-but-for -o - > page.html

The file opens by double click, loads nothing from anywhere, and prints to PDF. Beside the arms of
the scenario it holds runs without a suspected cause (same patient, same luck) and, where the
scenario has [[decision]] blocks, what each choice leads to. The folder of a run is run again from
its scenario.toml; the fingerprint must be the one in its summary.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// File to write, NAME.html if not given; `-` writes to standard output
    #[arg(long, short, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    out: Option<PathBuf>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
    /// Leave out the runs without a suspected cause; nothing is then called a cause
    #[arg(long)]
    no_but_for: bool,
    /// Do not stop at the decisions of the scenario
    #[arg(long)]
    no_decisions: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    if let Some(name) = study(&args.scenario.path) {
        return save(args.out.as_deref(), &name, &page_of_batch(&args.scenario.path)?);
    }
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    let options = PageOptions {
        seed: args.seed,
        but_for: !args.no_but_for,
        decisions: !args.no_decisions,
        ..PageOptions::default()
    };
    let page = page_of_story(&story, &registry, &options)?;
    if args.seed.is_none() && args.scenario.path.is_dir() {
        same_run(&args.scenario.path, &page)?;
    }
    save(args.out.as_deref(), &story.name, &render(&page))
}

/// Name of the folder, if it holds a batch or a sensitivity study.
fn study(folder: &Path) -> Option<String> {
    let bytes = std::fs::read(folder.join("summary.json")).ok()?;
    let summary: Value = serde_json::from_slice(&bytes).ok()?;
    let kind = summary.get("kind")?.as_str()?;
    ["batch", "sensitivity"].contains(&kind).then(|| {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned());
        name.unwrap_or_else(|| kind.to_owned())
    })
}

/// Writes a page where it was asked for, and says where.
fn save(out: Option<&Path>, name: &str, html: &str) -> Result<(), Failure> {
    let target = match out {
        Some(path) if path.as_os_str() == "-" => return print(html),
        Some(path) => path.to_path_buf(),
        None => PathBuf::from(format!("{name}.html")),
    };
    write_whole(&target, html.as_bytes())
        .map_err(|e| Failure::Input(format!("error: cannot write `{}`: {e}", target.display())))?;
    print(&format!("{} ({} kB)", target.display(), html.len().div_ceil(1000)))
}

/// Writes a file that is complete or absent.
fn write_whole(target: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = target.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let partial = target.with_file_name(format!(".{}.partial-{}", name.to_string_lossy(), std::process::id()));
    let done = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, target));
    if done.is_err() {
        // Best effort: the first error is the one to tell.
        let _ = std::fs::remove_file(&partial);
    }
    done
}

/// Refuses the folder of a run that this program does not repeat.
fn same_run(folder: &Path, page: &PageData) -> Result<(), Failure> {
    let file = folder.join("summary.json");
    let Ok(bytes) = std::fs::read(&file) else {
        return Ok(());
    };
    // Whether it is the same run cannot be told, and nobody should believe it was looked at.
    let damaged = |why: String| {
        Failure::Input(format!(
            "error: `{}` is damaged: {why}\n  help: run the scenario again, or remove this file to draw the page from \
             the scenario alone",
            file.display()
        ))
    };
    let summary: Value = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
    let of = |value: &Value, arm: &str| -> Option<(String, String)> {
        Some((arm.to_owned(), value.get("fingerprint")?.as_str()?.to_owned()))
    };
    let known: Vec<(String, String)> = match summary.get("arms").and_then(Value::as_array) {
        Some(arms) => arms.iter().filter_map(|a| of(a, a.get("arm")?.as_str()?)).collect(),
        None => of(&summary, "run").into_iter().collect(),
    };
    if known.is_empty() {
        return Err(damaged("it names no fingerprint".to_owned()));
    }
    for (arm, fingerprint) in known {
        let Some(run) = page.runs.iter().find(|r| r.id == arm) else {
            continue;
        };
        if run.fingerprint != fingerprint {
            let version = summary.get("version").and_then(Value::as_str).unwrap_or("?");
            return Err(Failure::Input(format!(
                "error: `{}` was made by another program: its summary says fingerprint {fingerprint} (itbsim {version}), \
                 the same scenario now gives {}\n  help: run the scenario again with this version",
                folder.display(),
                run.fingerprint
            )));
        }
    }
    Ok(())
}

/// The page of a story that has been loaded, for the folder of its run.
pub(super) fn page_in_folder(story: &Story, registry: &Registry, seed: Option<u64>) -> Result<String, Failure> {
    let options = PageOptions {
        seed,
        ..PageOptions::default()
    };
    Ok(render(&page_of_story(story, registry, &options)?))
}

impl From<PageError> for Failure {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Run { label, source } => match Failure::from(*source) {
                Failure::Model(text) => Failure::Model(format!("{text}\n  in the run \"{label}\"")),
                other => other,
            },
            PageError::ChangedPast { .. } => Failure::Input(format!(
                "error: {error}\n  help: a choice shares its past with the story; let its arm differ only from that \
                 moment on, or write `do`"
            )),
            PageError::TooLarge { .. } => Failure::Input(format!(
                "error: {error}\n  help: use --no-but-for, or a scenario with fewer arms"
            )),
        }
    }
}

impl From<BatchPageError> for Failure {
    fn from(error: BatchPageError) -> Self {
        Failure::Input(format!(
            "error: {error}\n  help: name the folder that `itbsim batch` or `itbsim sensitivity` wrote"
        ))
    }
}
