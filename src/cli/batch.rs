//! `itbsim batch`: many replicates of one story.

use std::fmt::Write as _;
use std::fs;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::batch::{self, Batch, BatchError, Identity, Outer, Part, Settings, Shard, State, Watcher, tables};
use crate::engine::SimSpan;
use crate::hazards::{Bias, Given};
use crate::quantity::{self, Dimension};
use crate::report::RunFolder;
use crate::scenario::model::{Matrix, Story};
use crate::simulation::Registry;

use super::{Failure, ScenarioArg, print, print_json, run};

/// Whether a batch is running that can stop by itself, and whether it was asked to.
static RUNNING: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

/// Replicates of a batch that does not say.
const USUAL: i64 = 1_000;

/// Asks a running batch to end with what is complete. Says whether one will; a second request
/// is not taken, so that the program then ends at once.
pub(super) fn stop_gently() -> bool {
    RUNNING.load(Ordering::SeqCst) && !STOP.swap(true, Ordering::SeqCst)
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim batch scenarios/hazards-six-years.toml -n 10000 --seed 7
  itbsim batch my-case.toml -n 1000 --signals csf_l3_ng_per_ml,spasm_score --sample 6h
  itbsim batch my-case.toml -n 100000 --shard 3/8 --out parts/3   # then: itbsim merge parts/*
  itbsim batch my-case.toml -n 10000 --given catheter.kink
  itbsim batch my-case.toml -n 500 --uncertainty 40   # 40 draws of what we do not know, 500 patients each

Replicates are numbered from 0. `itbsim run SCENARIO --seed S --replicate I` runs one of them alone.
The same bytes come out for any number of threads, any split into shards, stopped and resumed or not.
Ctrl-C ends with what is complete; --resume goes on.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    #[command(flatten)]
    draws: DrawArgs,
    /// Output folder, out/SCENARIO-batch if not given
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Run only the k-th of K parts; `itbsim merge` joins them
    #[arg(long, value_name = "k/K")]
    shard: Option<String>,
    /// Go on with a batch that was stopped
    #[arg(long)]
    resume: bool,
    /// Tables only
    #[arg(long)]
    no_plots: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// What a batch is drawn from; shared with `compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct DrawArgs {
    /// Number of replicates; a batch without it runs 1000
    #[arg(
        short = 'n',
        long = "replicates",
        id = "replicates",
        value_name = "N",
        allow_negative_numbers = true
    )]
    pub n: Option<i64>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads, all cores if not given; the results do not depend on it
    #[arg(long, short = 'j', value_name = "T")]
    threads: Option<usize>,
    /// Signals whose bands are kept, separated by commas (see `itbsim list signals`)
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    signals: Vec<String>,
    /// Spacing of samples, for example 1d or 6h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    sample: Option<String>,
    /// Let this fault strike in every other replicate, and weigh both halves by its true chance
    #[arg(long, value_name = "FAULT")]
    given: Option<String>,
    /// Draw a fault as if its hazard were so many times larger, and weigh by the true one
    #[arg(long, value_name = "FAULT=FACTOR")]
    tilt: Vec<String>,
    /// Draw what we do not know so many times, and run -n replicates for each draw
    #[arg(long, value_name = "DRAWS")]
    uncertainty: Option<u64>,
    #[command(flatten)]
    uncertain: UncertainArgs,
}

/// Parameters that are uncertain besides those of the population; shared with `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct UncertainArgs {
    /// Also draw these parameters evenly over their range: KEY, KEY=LOW..HIGH or the beginning of keys
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    uncertain: Vec<String>,
}

impl UncertainArgs {
    pub fn is_empty(&self) -> bool {
        self.uncertain.is_empty()
    }

    /// The ranges, in every arm of a story.
    pub fn ranges(&self, story: &Story) -> Result<Vec<(String, f64, f64)>, Failure> {
        let refused = |why: String| {
            Failure::Input(format!(
                "error: --uncertain: {why}\n  help: `itbsim parameters` lists them all, with their ranges"
            ))
        };
        let named = |key: &str| {
            self.uncertain
                .iter()
                .any(|p| p.split('=').next().map(str::trim) == Some(key))
        };
        let mut out: Option<Vec<(String, f64, f64)>> = None;
        for arm in &story.arms {
            let found = batch::vary::ranges(&self.uncertain, &arm.scenario).map_err(|e| refused(e.to_string()))?;
            let drawn = |key: &str| {
                let spec = arm.scenario.population.as_ref();
                spec.is_some_and(|s| s.distributions().iter().any(|d| d.key == key))
            };
            let mut ranges = Vec::new();
            for range in found {
                let key = range.parameter.key;
                match (drawn(key), named(key)) {
                    (true, true) => {
                        return Err(refused(format!(
                            "`{key}` differs between patients; what is uncertain about it stands in the population"
                        )));
                    }
                    (true, false) => {}
                    (false, _) => ranges.push((key.to_owned(), range.low, range.high)),
                }
            }
            if out.as_ref().is_some_and(|known| *known != ranges) {
                return Err(refused(format!(
                    "arm `{}` can move other parameters than the first arm; name them one by one",
                    arm.id
                )));
            }
            out = Some(ranges);
        }
        Ok(out.unwrap_or_default())
    }
}

impl DrawArgs {
    pub fn threads(&self) -> Result<usize, Failure> {
        match self.threads {
            Some(0) => Err(Failure::Input(
                "error: --threads 0 runs nothing\n  help: leave it out to use all cores".into(),
            )),
            Some(n) => Ok(n),
            None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        }
    }

    fn settings(&self, story: &Story) -> Result<Settings, Failure> {
        let asked = self.n.unwrap_or(USUAL);
        let Ok(n) = u64::try_from(asked) else {
            return Err(Failure::Input(format!(
                "error: a batch needs at least one replicate, not {asked}\n  help: write for example -n 1000"
            )));
        };
        let bare = |kind: &str| kind.strip_prefix("fault.").unwrap_or(kind).to_owned();
        let mut factors = Vec::new();
        for text in &self.tilt {
            let read = text
                .split_once('=')
                .and_then(|(k, f)| Some((bare(k), f.trim().parse::<f64>().ok()?)));
            factors.push(read.ok_or_else(|| {
                Failure::Input(format!(
                    "error: --tilt {text} is no FAULT=FACTOR\n  help: write for example --tilt catheter.kink=20"
                ))
            })?);
        }
        factors.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(pair) = factors.windows(2).find(|p| p[0].0 == p[1].0) {
            return Err(Failure::Input(format!("error: --tilt names `{}` twice", pair[0].0)));
        }
        Ok(Settings {
            n,
            seed: self.seed,
            sample: self.sample.as_deref().map(spacing).transpose()?,
            signals: self.signals.clone(),
            bias: Bias {
                factors,
                given: self.given.as_deref().map(|kind| Given { kind: bare(kind) }),
            },
            outer: match self.uncertainty {
                Some(0) => {
                    return Err(Failure::Input(
                        "error: --uncertainty 0 draws nothing\n  help: leave it out, or write for example --uncertainty 40"
                            .into(),
                    ));
                }
                Some(draws) => Outer {
                    draws,
                    ranges: self.uncertain.ranges(story)?,
                },
                None if self.uncertain.is_empty() => Outer::default(),
                None => {
                    return Err(Failure::Input(
                        "error: --uncertain names parameters, but not how often to draw them\n  help: add --uncertainty 40".into(),
                    ));
                }
            },
        })
    }

    /// The batch of a story.
    pub fn prepare(&self, story: &Story) -> Result<Batch, Failure> {
        Ok(Batch::new(story, Registry::builtin(), self.settings(story)?)?)
    }
}

fn spacing(text: &str) -> Result<SimSpan, Failure> {
    let bad = |why: String| {
        Failure::Input(format!(
            "error: --sample {text}: {why}\n  help: write a time such as 1d or 6h"
        ))
    };
    let hours = quantity::parse(text, Dimension::Time).map_err(|e| bad(e.to_string()))?;
    let span = SimSpan::from_hours(hours).map_err(|e| bad(e.to_string()))?;
    if span.as_nanos() <= 0 {
        return Err(bad("samples need a spacing above zero".into()));
    }
    Ok(span)
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        let help = match &error {
            BatchError::Empty { .. } => Some("write for example -n 1000".to_owned()),
            BatchError::Shard { .. } => Some("the third of eight parts is --shard 3/8".to_owned()),
            BatchError::Signal { near: Some(near), .. } => {
                Some(format!("did you mean `{near}`? `itbsim list signals` has all"))
            }
            BatchError::Unfinished { .. } => {
                Some("--resume goes on with it; remove the folder to start again".to_owned())
            }
            BatchError::Certain { .. } => {
                Some("name uncertain parameters, for example --uncertain response.effect.ec50,kinetics.csf.".to_owned())
            }
            BatchError::Missing { .. } => Some("run the shard that is missing, then merge again".to_owned()),
            BatchError::Twice { .. } => Some("give each part once".to_owned()),
            BatchError::Damaged { .. } => Some("run this shard again; the others stay good".to_owned()),
            BatchError::Io { .. } => Some("what was saved before stays; --resume goes on from there".to_owned()),
            _ => None,
        };
        let help = help.map_or(String::new(), |h| format!("\n  help: {h}"));
        Failure::Input(format!("error: {error}{help}"))
    }
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let shard: Option<Shard> = args.shard.as_deref().map(str::parse).transpose()?;
    let story = args.scenario.load(&Registry::builtin())?;
    let prepared = args.draws.prepare(&story)?;
    let target = match (&args.out, shard) {
        (Some(path), _) => path.clone(),
        (None, None) => Path::new("out").join(format!("{}-batch", story.name)),
        (None, Some(s)) => Path::new("out").join(format!("{}-batch-{}-of-{}", story.name, s.number, s.of)),
    };
    // What cannot be put in place at the end is refused before the work.
    drop(RunFolder::create(&target)?);
    let folder = working_folder(&target)?;
    let part = run_shard(
        &prepared,
        shard.unwrap_or(Shard::WHOLE),
        &folder,
        args.draws.threads()?,
        args.resume,
    )?;
    let identity = prepared.identity();
    let covered = part.next - part.from;
    if shard.is_none() {
        put_whole(identity, &part, &folder, &story, &target, !args.no_plots)?;
    }
    if let Some(shard) = shard {
        if part.is_whole() {
            put_shard(&part, &folder, &story, &target)?;
        }
        if args.json {
            print_json(&tables::summary(identity, &part.state, covered))?;
        } else {
            print(&format!(
                "shard {shard}: replicates {} to {}, {covered} of {} done\n{}",
                part.from,
                part.to.max(1) - 1,
                part.to - part.from,
                if part.is_whole() {
                    format!("written to {}; `itbsim merge` joins the parts\n", target.display())
                } else {
                    String::new()
                }
            ))?;
        }
    } else if args.json {
        print_json(&tables::summary(identity, &part.state, covered))?;
    } else {
        print(&told(identity, &part.state, covered, &target))?;
    }
    finish(&part, &folder)
}

/// Runs a whole batch and writes its folder.
pub(super) fn whole(
    prepared: &Batch,
    story: &Story,
    target: &Path,
    threads: usize,
    resume: bool,
    plots: bool,
) -> Result<Part, Failure> {
    drop(RunFolder::create(target)?);
    let folder = working_folder(target)?;
    let part = run_shard(prepared, Shard::WHOLE, &folder, threads, resume)?;
    put_whole(prepared.identity(), &part, &folder, story, target, plots)?;
    if part.is_whole() {
        let _ = fs::remove_dir_all(&folder);
    }
    Ok(part)
}

fn put_whole(
    identity: &Identity,
    part: &Part,
    folder: &Path,
    story: &Story,
    target: &Path,
    plots: bool,
) -> Result<(), Failure> {
    let path = folder.join(batch::ROWS);
    let rows = |to: &mut dyn std::io::Write| {
        let failed = |e| (path.clone(), e);
        let mut known = std::io::Read::take(fs::File::open(&path).map_err(failed)?, part.rows_length);
        std::io::copy(&mut known, to).map(drop).map_err(failed)
    };
    put_tables(
        identity,
        &part.state,
        part.next - part.from,
        &story.text,
        target,
        plots,
        &rows,
    )
}

/// Runs a whole batch without a folder.
pub(super) fn in_memory(prepared: &Batch, threads: usize) -> Result<(u64, State), Failure> {
    let bar = bar(prepared.identity().n, 0);
    let tick = |done: u64, _: u64| bar.set_position(done);
    RUNNING.store(true, Ordering::SeqCst);
    let watcher = Watcher {
        stop: &STOP,
        tick: &tick,
    };
    let found = batch::work_in_memory(prepared, threads, &watcher);
    RUNNING.store(false, Ordering::SeqCst);
    bar.finish_and_clear();
    Ok(found?)
}

/// Takes the working folder away once everything in it stands in the output, or says how to go on.
fn finish(part: &Part, folder: &Path) -> Result<(), Failure> {
    if part.is_whole() {
        // Everything in it stands in the output now.
        let _ = fs::remove_dir_all(folder);
        return Ok(());
    }
    // Whoever closed the stream does not want to know.
    let _ = writeln!(
        std::io::stderr(),
        "stopped: {} of {} replicates are done and kept in {}; the same command with --resume goes on",
        part.next - part.from,
        part.to - part.from,
        folder.display()
    );
    Err(Failure::Interrupted)
}

/// Where a batch lives until it is whole: a hidden sibling of its output.
fn working_folder(target: &Path) -> Result<PathBuf, Failure> {
    let Some(name) = target.file_name() else {
        return Err(Failure::Input(format!(
            "error: `{}` is no name for an output folder",
            target.display()
        )));
    };
    Ok(target.with_file_name(format!(".{}.batch", name.to_string_lossy())))
}

/// Runs a shard with a progress bar, until it is whole or somebody stops it.
pub(super) fn run_shard(
    prepared: &Batch,
    shard: Shard,
    folder: &Path,
    threads: usize,
    resume: bool,
) -> Result<Part, Failure> {
    let (from, to) = shard.range(prepared.identity().n);
    let before = match batch::read_part(folder) {
        Ok(part) if resume => part.next - part.from,
        _ => 0,
    };
    let bar = bar(to - from, before);
    RUNNING.store(true, Ordering::SeqCst);
    let tick = |done: u64, failed: u64| {
        bar.set_position(before + done);
        if failed > 0 {
            bar.set_message(format!("{failed} failed"));
        }
    };
    let watcher = Watcher {
        stop: &STOP,
        tick: &tick,
    };
    let part = batch::work(prepared, shard, folder, threads, resume, &watcher);
    RUNNING.store(false, Ordering::SeqCst);
    bar.finish_and_clear();
    Ok(part?)
}

/// A bar with rate and time left; it hides where nobody looks.
pub(super) fn bar(length: u64, before: u64) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(5)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}  {per_sec}  {eta} left  {msg}") {
        bar.set_style(style);
    }
    bar.set_position(before);
    bar.reset_eta();
    bar
}

/// Writes a finished shard.
fn put_shard(part: &Part, working: &Path, story: &Story, target: &Path) -> Result<(), Failure> {
    let mut folder = RunFolder::create(target)?;
    let failed = |doing: &'static str, path: PathBuf| {
        move |source: std::io::Error| crate::report::ReportError::Io { doing, path, source }
    };
    folder.write_with(batch::PART, |to| {
        batch::save_shard(part, to).map_err(failed("write", batch::PART.into()))
    })?;
    folder.write_with(batch::ROWS, |to| {
        let path = working.join(batch::ROWS);
        let mut file = fs::File::open(&path).map_err(failed("read", path.clone()))?;
        std::io::copy(&mut file, to).map(drop).map_err(failed("copy", path))
    })?;
    folder.write(run::SCENARIO_FILE, story.text.as_bytes())?;
    let summary = serde_json::json!({
        "written_by": crate::report::folder::WRITER,
        "kind": "part of a batch",
        "scenario": part.identity.scenario,
        "scenario_hash": part.identity.hash,
        "seed": part.identity.seed,
        "from": part.from,
        "to": part.to,
        "of": part.identity.n,
    });
    let mut text = serde_json::to_vec_pretty(&summary)?;
    text.push(b'\n');
    folder.write("summary.json", &text)?;
    folder.commit()?;
    Ok(())
}

/// A writer of rows; its errors come with the file they are about.
pub(super) type Rows<'a> = &'a dyn Fn(&mut dyn std::io::Write) -> Result<(), (PathBuf, std::io::Error)>;

/// Writes the folder of a whole batch, or of what is complete of it.
pub(super) fn put_tables(
    identity: &Identity,
    state: &State,
    covered: u64,
    scenario: &str,
    target: &Path,
    plots: bool,
    rows: Rows<'_>,
) -> Result<(), Failure> {
    let mut folder = RunFolder::create(target)?;
    folder.write(run::SCENARIO_FILE, scenario.as_bytes())?;
    folder.write_with(batch::ROWS, |to| {
        rows(to).map_err(|(path, source)| crate::report::ReportError::Io {
            doing: "copy",
            path,
            source,
        })
    })?;
    tables::write_all(identity, state, covered, &mut folder)?;
    if plots {
        draw(identity, state, &mut folder)?;
    }
    folder.commit()?;
    Ok(())
}

#[cfg(feature = "plots")]
fn draw(identity: &Identity, state: &State, folder: &mut RunFolder) -> Result<(), Failure> {
    use crate::report::plots;
    let figures = plots::batch_figures(
        &batch::pictures::pictures(identity, state),
        &plots::PlotOptions::default(),
    )?;
    plots::write_all(&figures, folder)?;
    Ok(())
}

#[cfg(not(feature = "plots"))]
fn draw(_identity: &Identity, _state: &State, _folder: &mut RunFolder) -> Result<(), Failure> {
    Ok(())
}

/// What a reader sees at the end.
pub(super) fn told(identity: &Identity, state: &State, covered: u64, target: &Path) -> String {
    let mut out = format!("{}\n\n", identity.title);
    let mut table = batch::RankTable::default();
    if let Some(matrix) = &identity.matrix {
        cells_told(&mut out, identity, matrix, state, covered);
        let _ = writeln!(out, "\nwritten to {}; matrix.csv has all outcomes", target.display());
        out.push_str("For teaching and research, never for treating a person.\n");
        return out;
    }
    for arm in &state.arms {
        let mut name = String::new();
        if !arm.arm.is_empty() {
            let _ = write!(name, "arm {}: ", arm.arm);
        }
        if !arm.stratum.is_empty() {
            let _ = write!(name, "stratum {}: ", arm.stratum);
        }
        let _ = write!(out, "{name}{} of {} replicates", arm.done(), identity.n);
        if arm.failed > 0 {
            let _ = write!(out, ", {} failed", arm.failed);
        }
        if covered < identity.n {
            let _ = write!(out, ", {} not run", identity.n - covered);
        }
        let _ = writeln!(out, ", {:.0} patient-years", arm.hours() / 8_766.0);
        if !identity.bias.is_none() && arm.stratum.is_empty() {
            let _ = writeln!(out, "effective sample size {:.1}", arm.effective());
        }
        for failure in arm.failures.iter().take(3) {
            let _ = writeln!(out, "  replicate {} failed: {}", failure.replicate, failure.reason);
        }
        let _ = writeln!(
            out,
            "\n{:<28} {:>9} {:>12} {:>24} {:>12} {:>10} {:>10}",
            "outcome", "n", "mean", "95 % interval", "median", "5 %", "95 %"
        );
        for (i, outcome) in arm.outcomes.iter().enumerate() {
            let Some(found) = outcome.moments.estimate() else {
                continue;
            };
            let q = tables::outcome_quantiles(arm, i, &mut table);
            let cell = |x: Option<f64>| x.map_or("-".to_owned(), short);
            let interval = format!("{} to {}", cell(found.low), cell(found.high));
            let _ = writeln!(
                out,
                "{:<28} {:>9} {:>12} {interval:>24} {:>12} {:>10} {:>10}",
                outcome.name,
                outcome.moments.n(),
                short(found.mean),
                cell(q[2].map(|q| q.value)),
                cell(q[0].map(|q| q.value)),
                cell(q[4].map(|q| q.value)),
            );
        }
        if !arm.levels.draws.is_empty() {
            out.push_str(&levels_told(arm));
        }
        let mut lines = String::new();
        for (cause, points) in batch::aalen_johansen(&arm.first) {
            if let Some(p) = points.last() {
                let events: u64 = points.iter().map(|p| p.events).sum();
                let _ = writeln!(
                    lines,
                    "{cause:<28} {events:>9} {:>12} {:>24}",
                    percent(p.value),
                    format!("{} to {}", percent(p.low), percent(p.high))
                );
            }
        }
        if !lines.is_empty() {
            let _ = writeln!(
                out,
                "\n{:<28} {:>9} {:>12} {:>24}",
                "first cause", "n", "by the end", "95 % interval"
            );
            out.push_str(&lines);
        }
        out.push('\n');
    }
    let _ = writeln!(out, "written to {}", target.display());
    out.push_str("For teaching and research, never for treating a person.\n");
    out
}

/// Outcomes that differ between cells, in one line a cell.
const CELL_OUTCOMES: usize = 4;

/// One line a cell: M of N, its values, and the first outcomes that differ between cells.
fn cells_told(out: &mut String, identity: &Identity, matrix: &Matrix, state: &State, covered: u64) {
    let arms: Vec<&batch::ArmState> = state.whole().collect();
    let differs = |name: &str| {
        let mut means = arms.iter().map(|arm| batch::matrix::mean(arm, name));
        let first = means.next();
        means.any(|m| Some(m) != first)
    };
    let shown: Vec<&str> = crate::report::matrix::SHOWN
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| differs(name))
        .take(CELL_OUTCOMES)
        .collect();
    let mut rows: Vec<Vec<String>> = vec![
        crate::report::matrix::columns(matrix)
            .into_iter()
            .skip(1)
            .map(str::to_owned)
            .collect(),
    ];
    rows[0].push("n of".into());
    rows[0].extend(shown.iter().map(|name| (*name).to_owned()));
    for (cell, arm) in arms.iter().enumerate() {
        let mut row: Vec<String> = crate::report::matrix::fields(matrix, cell, &arm.arm)
            .into_iter()
            .skip(1)
            .map(str::to_owned)
            .collect();
        row.push(format!("{} of {}", arm.done(), identity.n));
        row.extend(
            shown
                .iter()
                .map(|name| batch::matrix::mean(arm, name).map_or("-".to_owned(), short)),
        );
        rows.push(row);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|k| rows.iter().map(|r| r[k].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:>width$}"))
            .collect();
        let _ = writeln!(out, "{}", cells.join("  "));
    }
    let failed: u64 = arms.iter().map(|a| a.failed).sum();
    if failed > 0 {
        let _ = writeln!(out, "{failed} replicates failed; failures.csv names them");
    }
    if covered < identity.n {
        let _ = writeln!(
            out,
            "{} of {} replicates of each cell not run",
            identity.n - covered,
            identity.n
        );
    }
}

/// Where the spread of each outcome comes from.
fn levels_told(arm: &batch::ArmState) -> String {
    let mut out = format!(
        "\n{:<28} {:>9} {:>12} {:>12} {:>12} {:>12} {:>10}\n",
        "spread", "draws", "mean", "its error", "patients", "parameters", "share"
    );
    for quantity in batch::uncertainty::quantities(arm) {
        let Some(found) = batch::uncertainty::split(&quantity.groups) else {
            continue;
        };
        let name = match quantity.kind {
            "event" => format!("share with {}", quantity.name),
            "difference" => format!("less first arm: {}", quantity.name),
            _ => quantity.name.to_owned(),
        };
        let _ = writeln!(
            out,
            "{name:<28} {:>9} {:>12} {:>12} {:>12} {:>12} {:>10}",
            found.draws,
            short(found.mean),
            short(found.error),
            short(found.patients),
            short(found.parameters),
            found.share().map_or("-".to_owned(), percent),
        );
    }
    out.push_str("patients, parameters: standard deviation between patients, and of the mean by what is uncertain\n");
    out
}

/// Four significant digits or so.
pub(super) fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        s if s >= 1000.0 => format!("{x:.0}"),
        s if s >= 10.0 => format!("{x:.1}"),
        s if s >= 0.01 => format!("{x:.3}"),
        _ => format!("{x:.2e}"),
    }
}

fn percent(x: f64) -> String {
    format!("{} %", short(100.0 * x))
}
