//! `itbsim batch`: many replicates of one story.

use std::fs;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::batch::{self, Batch, BatchError, Identity, Part, Shard, State, Watcher, tables};
use crate::report::RunFolder;
use crate::report::format::{Format, Tables};
use crate::scenario::model::Story;
use crate::simulation::Registry;

use super::draws::{DrawArgs, LookArgs};
use super::told::told;
use super::{Failure, ScenarioArg, print, print_json, run};

/// Whether a batch is running that can stop by itself, and whether it was asked to.
static RUNNING: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

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
  itbsim batch my-case.toml -n 10000 --format parquet
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
    #[command(flatten)]
    look: LookArgs,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
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
            BatchError::Certain { .. } => Some(
                "name uncertain parameters, for example --uncertain hazards.catheter.,response.withdrawal.".to_owned(),
            ),
            BatchError::Missing { .. } => Some("run the shard that is missing, then merge again".to_owned()),
            BatchError::Twice { .. } => Some("give each part once".to_owned()),
            BatchError::Damaged { .. } => Some("run this shard again; the others stay good".to_owned()),
            BatchError::Io { path, source, .. }
                if source.kind() == std::io::ErrorKind::NotFound && path.file_name() == Some("part.json".as_ref()) =>
            {
                Some("name folders that `itbsim batch --shard` or `itbsim merge --part` wrote".to_owned())
            }
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
    let format = args.look.format()?;
    if shard.is_some() && format != Format::Csv {
        return Err(Failure::Input(
            "error: a part has a format of its own\n  help: give --format to `itbsim merge`".into(),
        ));
    }
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
        put_whole(identity, &part, &folder, &story, &target, args.look)?;
    }
    if let Some(shard) = shard {
        if part.is_whole() {
            let rows = rows_in(&folder, part.rows_length);
            put_shard(&part, &story.text, &target, &rows)?;
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
) -> Result<Part, Failure> {
    drop(RunFolder::create(target)?);
    let folder = working_folder(target)?;
    let part = run_shard(prepared, Shard::WHOLE, &folder, threads, resume)?;
    put_whole(prepared.identity(), &part, &folder, story, target, LookArgs::USUAL)?;
    if part.is_whole() {
        let _ = fs::remove_dir_all(&folder);
    }
    Ok(part)
}

/// The rows of a working folder, as far as its state knows them.
fn rows_in(folder: &Path, length: u64) -> impl Fn(&mut dyn std::io::Write) -> Result<(), (PathBuf, std::io::Error)> {
    let path = folder.join(batch::ROWS);
    move |to| {
        let failed = |e| (path.clone(), e);
        let mut known = std::io::Read::take(fs::File::open(&path).map_err(failed)?, length);
        std::io::copy(&mut known, to).map(drop).map_err(failed)
    }
}

fn put_whole(
    identity: &Identity,
    part: &Part,
    folder: &Path,
    story: &Story,
    target: &Path,
    look: LookArgs,
) -> Result<(), Failure> {
    let rows = rows_in(folder, part.rows_length);
    put_tables(
        identity,
        &part.state,
        part.next - part.from,
        &story.text,
        target,
        look,
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

/// Writes a finished shard; `rows` gives its rows.
pub(super) fn put_shard(part: &Part, scenario: &str, target: &Path, rows: Rows<'_>) -> Result<(), Failure> {
    let mut folder = RunFolder::create(target)?;
    folder.write_with(batch::PART, |to| {
        batch::save_shard(part, to).map_err(|source| crate::report::ReportError::Io {
            doing: "write",
            path: batch::PART.into(),
            source,
        })
    })?;
    folder.write_with(batch::ROWS, |to| {
        rows(to).map_err(|(path, source)| crate::report::ReportError::Io {
            doing: "copy",
            path,
            source,
        })
    })?;
    folder.write(run::SCENARIO_FILE, scenario.as_bytes())?;
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
    look: LookArgs,
    rows: Rows<'_>,
) -> Result<(), Failure> {
    let format = look.format()?;
    let mut folder = RunFolder::create(target)?;
    folder.write(run::SCENARIO_FILE, scenario.as_bytes())?;
    let factors = identity.matrix.iter().flat_map(|m| &m.factors);
    let mut all = Tables {
        folder: &mut folder,
        format,
        texts: factors.map(|f| f.name.clone()).collect(),
        about: tables::about(identity),
    };
    all.put(batch::ROWS, |to| {
        rows(to).map_err(|(path, source)| crate::report::ReportError::Io {
            doing: "copy",
            path,
            source,
        })
    })?;
    tables::write_all(identity, state, covered, &mut all)?;
    if !look.no_plots {
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
