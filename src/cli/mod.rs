//! The command line: one file a subcommand, errors turned into messages and exit codes.
//!
//! Exit codes: 0 all expectations met, 1 an expectation failed, 2 bad input
//! (nothing written), 3 the model itself failed, 130 interrupted.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

mod batch;
mod branch;
mod calc;
mod calibrate;
mod check;
mod compare;
mod complications;
mod diff;
mod docs;
mod draws;
mod export;
mod flow;
mod hazards;
mod list;
mod merge;
mod new;
mod parameters;
mod patients;
mod report;
mod run;
mod sensitivity;
mod serve;
mod system;
mod told;
mod validate;
mod why;

pub(crate) use draws::MOST_THREADS;
pub(crate) use run::MOST_VALUES;

use crate::scenario::model::Story;
use crate::simulation::{Registry, RunError};

/// Simulate intrathecal baclofen therapy: inject a fault, watch the patient, see why.
///
/// For teaching and research, never for treating a person.
#[derive(Debug, Parser)]
#[command(
    name = "itbsim",
    version,
    about,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(after_help = "Examples:
  itbsim run scenarios/missed-refill.toml
  itbsim report scenarios/catheter-kink.toml -o kink.html
  itbsim why scenarios/catheter-kink.toml symptom.spasms_increased.onset
  itbsim compare scenarios/concentration-change.toml
  itbsim batch scenarios/hazards-six-years.toml -n 1000
  itbsim new my-case.toml && itbsim check my-case.toml

A scenario of `-` is read from standard input.
Exit codes: 0 expectations met, 1 an expectation failed, 2 bad input, 3 the model failed,
130 interrupted. Output folders are complete or absent.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario: tables, pictures and a summary of what happened
    Run(run::Args),
    /// Write one HTML file that shows a run unfold, and why: charts, causes, decisions
    Report(report::Args),
    /// Run many replicates: virtual patients, drawn faults, care; bands, incidences, outcomes
    Batch(batch::Args),
    /// Join the parts of a batch that ran as shards
    Merge(merge::Args),
    /// Show which parameters an outcome depends on: tornado, Morris, Sobol
    Sensitivity(sensitivity::Args),
    /// Read a scenario and print it as understood, without running it
    Check(check::Args),
    /// Write a commented scenario to start from
    New(new::Args),
    /// List scenarios, faults, hazards, pumps, populations, sets, signals, symptoms, events or actions
    List(list::Args),
    /// Refill dates, bridge and priming boluses, valve pulses, doses: the arithmetic, step by step
    Calc(calc::Args),
    /// Print every default with unit, range, source and grade
    Parameters(parameters::Args),
    /// Draw virtual patients of a population, or set their spread beside the published one
    Patients(patients::Args),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// Show the causal chain of an event, and the run without its root
    Why(why::Args),
    /// Run the arms of a scenario and set them side by side
    Compare(compare::Args),
    /// Go on from one instant of a run with another decision
    Branch(branch::Args),
    /// Show where two runs part, and what followed
    Diff(diff::Args),
    /// Serve a page on this machine: move sliders, see the run again at once
    Serve(serve::Args),
    /// Set simulated beside published figures, with tolerance, source, grade and verdict
    Validate(validate::Args),
    /// Fit assumed parameters to the figures set apart for it, and show what each figure depends on
    Calibrate(calibrate::Args),
    /// Benchmark flow controllers on a simulated pump: start-up, trumpets, steps, occlusions
    Flow(flow::Args),
    /// Print the assembled linear system of a run as JSON
    System(system::Args),
    /// Write the kinetics of a run for other tools: SBML, NONMEM
    Export(export::Args),
    /// Print the equations with all their numbers, the credibility checklists, or the reference of scenario files
    Docs(docs::Args),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Exit code after Ctrl-C and its kin.
const INTERRUPTED: i32 = 130;

/// What ends a command early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The user's input: exit code 2. The text is ready to print.
    Input(String),
    /// An expectation of the scenario was not met: exit code 1; already reported.
    Expectation,
    /// The model failed: exit code 3.
    Model(String),
    /// Stopped from outside; what was to be said has been said.
    Interrupted,
    /// The reader of our output went away: a quiet success.
    ClosedPipe,
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Failure::ClosedPipe
        } else {
            Failure::Input(format!("error: cannot write the output: {error}"))
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Failure::from(std::io::Error::from(error))
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let mut text = format!("error: {error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            // Many errors already end in the words of their source.
            let words = cause.to_string();
            if !text.ends_with(&words) {
                text.push_str(&format!("\n  caused by: {words}"));
            }
            source = cause.source();
        }
        Failure::Model(text)
    }
}

/// Runs the program on these arguments.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Only an unfinished output folder needs care; without a handler the default action
    // ends the program just as well, so a failure to install it is no reason to stop.
    let _ = ctrlc::set_handler(|| {
        if batch::stop_gently() || serve::stop_gently() {
            return;
        }
        crate::report::folder::discard_unfinished(|| std::process::exit(INTERRUPTED));
    });
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = match cli.command {
        Command::Run(args) => run::execute(&args),
        Command::Report(args) => report::execute(&args),
        Command::Batch(args) => batch::execute(&args),
        Command::Merge(args) => merge::execute(&args),
        Command::Sensitivity(args) => sensitivity::execute(&args),
        Command::Check(args) => check::execute(&args),
        Command::New(args) => new::execute(&args),
        Command::List(args) => list::execute(&args),
        Command::Calc(args) => calc::execute(&args),
        Command::Parameters(args) => parameters::execute(&args),
        Command::Patients(args) => patients::execute(&args),
        Command::Schema => print(&crate::scenario::schema(&Registry::builtin().catalog())),
        Command::Why(args) => why::execute(&args),
        Command::Compare(args) => compare::execute(&args),
        Command::Branch(args) => branch::execute(&args),
        Command::Diff(args) => diff::execute(&args),
        Command::Serve(args) => serve::execute(&args),
        Command::Calibrate(args) => calibrate::execute(&args),
        Command::Validate(args) => validate::execute(&args),
        Command::Flow(args) => flow::execute(&args),
        Command::System(args) => system::execute(&args),
        Command::Export(args) => export::execute(&args),
        Command::Docs(args) => docs::execute(&args),
        Command::Completions { shell } => completions(shell),
    };
    match result {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Expectation) => ExitCode::from(1),
        Err(Failure::Interrupted) => ExitCode::from(INTERRUPTED as u8),
        Err(Failure::Input(text)) => {
            let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
            ExitCode::from(2)
        }
        Err(Failure::Model(text)) => {
            let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
            ExitCode::from(3)
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "itbsim", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}

/// Prints text and a final newline; a closed pipe is not an error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Prints a value as indented JSON.
pub(crate) fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value)?)
}

/// The scenario a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct ScenarioArg {
    /// Scenario file (TOML), or the folder of a run; `-` reads standard input
    #[arg(value_name = "SCENARIO", value_hint = clap::ValueHint::FilePath)]
    pub path: PathBuf,
}

impl ScenarioArg {
    /// The scenario file: that of a run stands in its folder.
    pub fn file(&self) -> PathBuf {
        let of_run = self.path.join(run::SCENARIO_FILE);
        if of_run.is_file() { of_run } else { self.path.clone() }
    }

    /// Name of the story: a run is called by its folder.
    pub fn name_of(&self, name: String) -> String {
        match self.path.file_name() {
            Some(folder) if self.path.is_dir() => folder.to_string_lossy().into_owned(),
            _ => name,
        }
    }

    /// Reads and resolves the file.
    pub fn load(&self, registry: &Registry) -> Result<Story, Failure> {
        use std::io::IsTerminal;
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let catalog = registry.catalog();
        let story = if self.path.as_os_str() == "-" {
            let text = standard_input()?;
            // `extends` then starts from the current folder.
            crate::scenario::load_str("stdin", &text, Some(Path::new("")), &catalog)
        } else {
            crate::scenario::load(&self.file(), &catalog)
        };
        let mut story = story.map_err(|d| Failure::Input(d.render(color)))?;
        story.name = self.name_of(story.name);
        Ok(story)
    }
}

/// The whole of standard input, within the limit of scenario files.
fn standard_input() -> Result<String, Failure> {
    let refused = |why: String| Failure::Input(format!("error: cannot read standard input: {why}"));
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(crate::scenario::FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| refused(e.to_string()))?;
    crate::scenario::decode(bytes).map_err(|e| refused(e.to_string()))
}
