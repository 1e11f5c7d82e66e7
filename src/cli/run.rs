//! `itbsim run`: tables, pictures and a summary of what happened.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::engine::SimSpan;
use crate::quantity::{self, Dimension};
use crate::report::from_run::{Identity, run_data};
use crate::report::{ReportError, RunData, RunFolder, matrix, tables, text};
use crate::scenario::MOST_ROWS;
use crate::scenario::model::{Arm, Matrix, Story, Uncertain};
use crate::simulation::{self, Registry, RunOptions};

use super::{Failure, ScenarioArg, print, print_json};

/// The scenario of a run, in its folder: all that is needed to run it again.
pub(super) const SCENARIO_FILE: &str = "scenario.toml";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim run scenarios/missed-refill.toml
  itbsim run scenarios/catheter-kink.toml --out /tmp/kink --sample 5min --seed 7
  itbsim run scenarios/catheter-kink.toml --report     # with report.html, one page to open
  itbsim run my-case.toml --replicate 17     # patient 17 of its [population], with the luck of replicate 17
  itbsim run my-case.toml --replicate 1234 --draw 2     # one replicate of a batch with --uncertainty
  itbsim run my-case.toml --json | jq .fingerprint")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Output folder, out/SCENARIO if not given; arms go to sub-folders
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
    /// Replicate, if not the scenario's own: its luck and, with [population], its patient
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(0..=9_223_372_036_854_775_807))]
    replicate: Option<u64>,
    /// Draw of what is uncertain, as `batch --uncertainty` numbers it in its column `draw`
    #[arg(long, value_name = "U", value_parser = clap::value_parser!(u64).range(..500))]
    draw: Option<u64>,
    #[command(flatten)]
    uncertain: super::draws::UncertainArgs,
    /// Spacing of output rows, for example 15min or 1h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    sample: Option<String>,
    /// Tables only
    #[arg(long)]
    no_plots: bool,
    /// Also write report.html, the page of `itbsim report`
    #[arg(long)]
    report: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let mut story = args.scenario.load(&registry)?;
    if let Some(replicate) = args.replicate {
        of_replicate(&mut story, replicate);
    }
    if let Some(draw) = args.draw {
        of_draw(&mut story, args, draw)?;
    } else if !args.uncertain.is_empty() {
        return Err(Failure::Input(
            "error: --uncertain needs the number of a draw\n  help: add for example --draw 0".into(),
        ));
    }
    let sample = args.sample.as_deref().map(|t| spacing(t, &story)).transpose()?;
    let target = match &args.out {
        Some(path) => path.clone(),
        None => Path::new("out").join(&story.name),
    };
    let options = RunOptions {
        seed: args.seed,
        sample,
        keep_jumps: !args.no_plots,
        ..RunOptions::default()
    };
    let extras = Extras {
        plots: !args.no_plots,
        report: args.report,
    };
    let runs = run_story(&story, &registry, &options, &target, extras)?;

    match tell(&runs, &target, args.json) {
        // A reader who has gone must not hide a failed expectation.
        Ok(()) | Err(Failure::ClosedPipe) => {}
        Err(other) => return Err(other),
    }
    if runs.iter().all(|r| r.expectations.iter().all(|e| e.met)) {
        Ok(())
    } else {
        Err(Failure::Expectation)
    }
}

/// What a folder holds beside its tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extras {
    /// Pictures.
    pub plots: bool,
    /// The page of `itbsim report`.
    pub report: bool,
}

/// Runs all arms and writes their folder, which is complete or absent.
pub(super) fn run_story(
    story: &Story,
    registry: &Registry,
    options: &RunOptions,
    target: &Path,
    extras: Extras,
) -> Result<Vec<RunData>, Failure> {
    own_folders(story)?;
    // The folder is claimed first: a long run must not end at a closed door.
    let mut folder = RunFolder::create(target)?;
    let runs = run_arms(story, registry, options)?;
    folder.write(SCENARIO_FILE, of_seed(&story.text, options.seed).as_bytes())?;
    for run in &runs {
        tables::write_tables_under(run, &prefix(run), &mut folder)?;
    }
    if let Some(matrix) = &story.matrix {
        folder.write(
            "matrix.csv",
            &cells_csv(matrix, &runs).map_err(|e| Failure::Model(format!("error: {e}")))?,
        )?;
    }
    if extras.plots {
        draw(story, &runs, &mut folder)?;
    }
    if extras.report {
        let page = super::report::page_in_folder(story, registry, options.seed)?;
        folder.write("report.html", page.as_bytes())?;
    }
    // Summaries name the files beside them, so they come last.
    for run in &runs {
        tables::write_summary_under(run, &prefix(run), &mut folder)?;
    }
    if story.arms.len() > 1 {
        let mut summary = serde_json::to_vec_pretty(&super::compare::overview(story, &runs))?;
        summary.push(b'\n');
        folder.write("summary.json", &summary)?;
    }
    folder.commit()?;
    Ok(runs)
}

/// One outcome of one cell a row, empty where it did not come to that.
fn cells_csv(matrix: &Matrix, runs: &[RunData]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head = matrix::columns(matrix);
    head.extend(["outcome", "value"]);
    writer.write_record(head)?;
    for (cell, run) in runs.iter().enumerate() {
        for (name, value) in run.outcomes.iter().flat_map(|o| o.rows()) {
            let value = value.map(tables::number).unwrap_or_default();
            let mut row = matrix::fields(matrix, cell, &run.meta.arm);
            row.extend([name, &value]);
            writer.write_record(row)?;
        }
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

/// The story of another replicate, also for whoever reads its text later.
fn of_replicate(story: &mut Story, replicate: u64) {
    for arm in story.arms.iter_mut().chain(&mut story.branches) {
        arm.scenario.replicate = Some(replicate);
    }
    story.text = with_top(&story.text, "replicate", replicate);
}

/// The story under one draw of what is uncertain, also for whoever reads its text later.
fn of_draw(story: &mut Story, args: &Args, draw: u64) -> Result<(), Failure> {
    let uncertain = Uncertain {
        draw,
        ranges: args.uncertain.ranges(story)?,
    };
    for arm in story.arms.iter_mut().chain(&mut story.branches) {
        arm.scenario.uncertain = Some(uncertain.clone());
    }
    story.text = with_draw(&story.text, &uncertain);
    Ok(())
}

/// The scenario as it was run: with the seed of the command line, if it gave one.
fn of_seed(text: &str, seed: Option<u64>) -> String {
    let Some(seed) = seed else {
        return text.to_owned();
    };
    with_top(text, "seed", seed)
}

/// The text with another number under a key at its top.
fn with_top(text: &str, key: &str, number: u64) -> String {
    let own = |line: &&str| !line.starts_with(&format!("{key} = "));
    let sections = text.find("\n[").map_or(text.len(), |at| at + 1);
    let (top, rest) = text.split_at(sections);
    let top: Vec<&str> = top.lines().filter(own).filter(|l| !l.is_empty()).collect();
    format!(
        "{key} = {number}\n{}\n{}{rest}",
        top.join("\n"),
        if rest.is_empty() { "" } else { "\n" }
    )
}

/// The text with another `[uncertain]`; it is as [`crate::scenario`] writes it, a line for each key.
fn with_draw(text: &str, uncertain: &Uncertain) -> String {
    const HEADING: &str = "[uncertain]";
    let mut out = String::new();
    let mut within = false;
    for line in text.lines() {
        within = if line.starts_with('[') { line == HEADING } else { within };
        if !within {
            out.push_str(line);
            out.push('\n');
        }
    }
    format!("{}\n\n{}", out.trim_end(), uncertain.toml())
}

/// Each arm needs a folder of its own, also where names differ by case only, and beside `plots`.
fn own_folders(story: &Story) -> Result<(), Failure> {
    for (i, arm) in story.arms.iter().enumerate() {
        let taken = |other: &str| arm.id.eq_ignore_ascii_case(other);
        let other = story.arms[..i]
            .iter()
            .map(|a| a.id.as_str())
            .chain(["plots"])
            .find(|o| taken(o));
        if let Some(other) = other {
            return Err(Failure::Input(format!(
                "error: arm `{}` of `{}` cannot have a folder of its own beside `{other}`\n  help: give the arm another id",
                arm.id, story.name
            )));
        }
    }
    Ok(())
}

/// Sub-folder of a run, with its slash.
fn prefix(run: &RunData) -> String {
    if run.meta.arm.is_empty() {
        String::new()
    } else {
        format!("{}/", run.meta.arm)
    }
}

/// Prints what happened and where it was written.
fn tell(runs: &[RunData], target: &Path, as_json: bool) -> Result<(), Failure> {
    let place = |run: &RunData| {
        if run.meta.arm.is_empty() {
            target.to_path_buf()
        } else {
            target.join(&run.meta.arm)
        }
    };
    if as_json {
        let mut summaries: Vec<serde_json::Value> = Vec::new();
        for run in runs {
            let mut value = tables::summary_value(run);
            value["folder"] = place(run).display().to_string().into();
            // The list stands in summary.json; here the folder says enough.
            if let Some(map) = value.as_object_mut() {
                map.remove("files");
            }
            summaries.push(value);
        }
        return match <[serde_json::Value; 1]>::try_from(summaries) {
            Ok([single]) => print_json(&single),
            Err(many) => print_json(&many),
        };
    }
    let texts: Vec<String> = runs.iter().map(|run| text::summary(run, Some(&place(run)))).collect();
    print(&texts.join("\n"))
}

/// Numbers in the rows of all arms of a run together; they are kept until its files are written,
/// and this many take a gigabyte.
pub(crate) const MOST_VALUES: u64 = 125_000_000;

/// Refuses a run whose rows would not fit the memory.
fn room(story: &Story, options: &RunOptions) -> Result<(), Failure> {
    let of_arm = |arm: &Arm| {
        let scenario = &arm.scenario;
        let sample = options.sample.unwrap_or(scenario.sample).as_nanos().max(1);
        let rows = scenario.duration.as_nanos() / sample + 1;
        let columns = simulation::columns_with(&scenario.drugs).len();
        rows.unsigned_abs().saturating_mul(columns as u64)
    };
    let all = story.arms.iter().map(of_arm).fold(0, u64::saturating_add);
    if all <= MOST_VALUES || !options.observe {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "error: the rows of {} runs would hold {all} numbers, more than {MOST_VALUES}, the limit\n  \
         help: take a wider --sample, or `itbsim batch`, which keeps bands and no rows",
        story.arms.len()
    )))
}

/// Runs all arms, each alone, and gives them in file order.
pub(crate) fn run_arms(story: &Story, registry: &Registry, options: &RunOptions) -> Result<Vec<RunData>, Failure> {
    room(story, options)?;
    let outcomes: Vec<Result<RunData, Failure>> = story
        .arms
        .par_iter()
        .map(|arm| {
            let result = simulation::simulate(&arm.scenario, registry, options).map_err(|e| in_arm(arm, e))?;
            let identity = Identity {
                arm: &arm.id,
                seed: options.seed.unwrap_or(arm.scenario.seed),
                replicate: simulation::replicate_of(&arm.scenario, options),
            };
            Ok(run_data(story, &arm.scenario, identity, &result))
        })
        .collect();
    outcomes.into_iter().collect()
}

/// A failure of the model, with the arm it happened in.
pub(crate) fn in_arm(arm: &Arm, error: simulation::RunError) -> Failure {
    match Failure::from(error) {
        Failure::Model(text) if !arm.id.is_empty() => Failure::Model(format!("{text}\n  in arm `{}`", arm.id)),
        other => other,
    }
}

/// The arm a command works on: the named one, or the only one.
pub(crate) fn pick_arm<'a>(story: &'a Story, wanted: Option<&str>) -> Result<&'a Arm, Failure> {
    let names: Vec<&str> = story.arms.iter().map(|a| a.id.as_str()).collect();
    match wanted {
        Some(id) => story.arms.iter().find(|a| a.id == id).ok_or_else(|| {
            Failure::Input(format!(
                "error: `{}` has no arm `{id}`\n  help: {}",
                story.name,
                if names == [""] {
                    "it has no arms; leave --arm out".to_owned()
                } else {
                    format!("its arms: {}", names.join(", "))
                }
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
    let bad = |why: String| {
        Failure::Input(format!(
            "error: --sample {text}: {why}\n  help: write a time such as 15min or 1h"
        ))
    };
    let hours = quantity::parse(text, Dimension::Time).map_err(|e| bad(e.to_string()))?;
    let span = SimSpan::from_hours(hours).map_err(|e| bad(e.to_string()))?;
    if span.as_nanos() <= 0 {
        return Err(bad("rows need a spacing above zero".into()));
    }
    let longest = story
        .arms
        .iter()
        .map(|a| a.scenario.duration.hours())
        .fold(0.0, f64::max);
    if longest / span.hours() > MOST_ROWS {
        return Err(bad(format!(
            "that makes {:.0} rows, above the limit of {MOST_ROWS}",
            longest / span.hours()
        )));
    }
    Ok(span)
}

#[cfg(feature = "plots")]
fn draw(story: &Story, runs: &[RunData], folder: &mut RunFolder) -> Result<(), Failure> {
    use crate::report::pictures::Picture;
    use crate::report::plots::{self, PlotOptions};
    let options = PlotOptions::default();
    let drawn: Vec<Result<Vec<plots::Figure>, ReportError>> =
        runs.par_iter().map(|run| plots::figures(run, &options)).collect();
    for (run, figures) in runs.iter().zip(drawn) {
        plots::write_all_under(&figures?, &prefix(run), folder)?;
    }
    if let (Some(matrix), Some(first)) = (&story.matrix, runs.first()) {
        let value = |cell: usize, name: &str| {
            let rows = runs.get(cell)?.outcomes.as_ref()?.rows();
            rows.into_iter().find(|(n, _)| *n == name)?.1
        };
        let pictures: Vec<Picture> = matrix::grids(matrix, value)
            .into_iter()
            .map(|(name, drawing)| Picture {
                name: format!("matrix_{name}"),
                title: first.meta.title.clone(),
                subtitle: format!("One run of each of {} cells", runs.len()),
                footer: format!(
                    "itbsim {} · {} · seed {}",
                    env!("CARGO_PKG_VERSION"),
                    story.hash.get(..12).unwrap_or(&story.hash),
                    first.meta.seed
                ),
                drawing,
            })
            .collect();
        plots::write_all_under(&plots::batch_figures(&pictures, &options)?, "", folder)?;
    } else if runs.len() > 1 {
        plots::write_all_under(&plots::compare(&runs.iter().collect::<Vec<_>>(), &options)?, "", folder)?;
    }
    Ok(())
}

#[cfg(not(feature = "plots"))]
fn draw(_story: &Story, _runs: &[RunData], _folder: &mut RunFolder) -> Result<(), Failure> {
    Ok(())
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        if error.is_broken_pipe() {
            Failure::ClosedPipe
        } else if matches!(
            error,
            ReportError::Io { .. } | ReportError::Occupied { .. } | ReportError::BadName { .. }
        ) {
            Failure::Input(format!("error: {error}\n  help: nothing was written"))
        } else {
            Failure::Model(format!("error: {error}\n  help: nothing was written"))
        }
    }
}
