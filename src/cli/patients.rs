//! `itbsim patients`: virtual patients of a population, and their spread beside the published one.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::parameters::{ParameterSet, SETS, named_set};
use crate::population::{Cohort, Figures, Line, Population, Setting, VirtualPatient, builtin, header, lines, row};

use super::{Failure, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim patients --population adult-spinal -n 1000 --out patients.csv
  itbsim patients --population adult-cerebral -n 1000 --summary
  itbsim patients --population child -n 500 --summary --set steep-gradient
  itbsim patients --population my-clinic.toml -n 20
  itbsim patients --population child -n 500 --draw 2   # the population under draw 2 of what is uncertain

Patient 17 of seed 1 is also the patient of `itbsim run --replicate 17 --seed 1`
for a scenario with [population] name = \"...\".")]
pub(crate) struct Args {
    /// Population by name (`itbsim list populations`), or a file (TOML)
    #[arg(long, short, value_name = "NAME|FILE", default_value = "adult-spinal")]
    population: String,
    /// How many patients, numbered from 0
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    number: u64,
    /// Seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Named set of parameters that everything is centred on (`itbsim list sets`)
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Redraw middles and spreads from what is known of them: the draw U of `run` and `batch`
    #[arg(long, value_name = "U")]
    draw: Option<u64>,
    /// Former name of --draw
    #[arg(long, value_name = "U", hide = true)]
    uncertain: Option<String>,
    /// Add simulated half-life, clearance, dose and response to each row
    #[arg(long, conflicts_with = "summary")]
    figures: bool,
    /// Write the table to this file instead of printing it
    #[arg(long, short, value_name = "FILE", conflicts_with = "summary", value_hint = clap::ValueHint::FilePath)]
    out: Option<PathBuf>,
    /// Print the simulated spread beside the published one, with a verdict
    #[arg(long)]
    summary: bool,
    /// The summary as JSON
    #[arg(long, requires = "summary")]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    if let Some(old) = &args.uncertain {
        return Err(Failure::Input(format!(
            "error: --uncertain of `patients` is now called --draw, as in `run`\n  help: write --draw {old}; --uncertain names parameters in `run` and `batch`"
        )));
    }
    let mut population = chosen(&args.population)?;
    let mut base = ParameterSet::default();
    if let Some(name) = &args.set {
        let set = known_set(name)?;
        population = population.under(set);
        base = set.parameters();
    }
    if let Some(outer) = args.draw {
        population = population.typical_uncertain(args.seed, outer);
    }
    let cohort = population.cohort(args.seed);
    let setting = Setting::new(base);
    if args.summary {
        let mut figures = Vec::new();
        for from in (0..args.number).step_by(AT_ONCE) {
            figures.extend(figures_of(&some(&cohort, from, args.number), &setting)?);
        }
        let lines = lines(population.spec().patient(), &figures, &setting.base);
        return tell(args, &population, &lines);
    }
    let table = |out: &mut dyn Write| -> Result<(), Failure> {
        let broken = |e: csv::Error| Failure::from(std::io::Error::from(e));
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(out);
        writer.write_record(header(&population, args.figures)).map_err(broken)?;
        for from in (0..args.number).step_by(AT_ONCE) {
            let patients = some(&cohort, from, args.number);
            let figures = match args.figures {
                true => figures_of(&patients, &setting)?,
                false => Vec::new(),
            };
            for (i, patient) in patients.iter().enumerate() {
                writer.write_record(row(patient, figures.get(i))).map_err(broken)?;
            }
        }
        Ok(writer.flush()?)
    };
    match &args.out {
        Some(path) => {
            write_file(path, table)?;
            print(&format!(
                "{} patients of {} written to {}",
                args.number,
                population.spec().name(),
                path.display()
            ))
        }
        None => table(&mut std::io::stdout().lock()),
    }
}

/// Patients drawn and written at a time, so that memory does not grow with their number.
const AT_ONCE: usize = 4096;

/// The patients from this one on, as many as are made at a time.
fn some(cohort: &Cohort, from: u64, end: u64) -> Vec<VirtualPatient> {
    let to = end.min(from + AT_ONCE as u64);
    let numbers: Vec<u64> = (from..to).collect();
    numbers.par_iter().map(|i| cohort.patient(*i)).collect()
}

fn figures_of(patients: &[VirtualPatient], setting: &Setting) -> Result<Vec<Figures>, Failure> {
    let all: Vec<Result<Figures, _>> = patients.par_iter().map(|p| Figures::of(p, setting)).collect();
    let all: Result<Vec<Figures>, _> = all.into_iter().collect();
    all.map_err(|e| Failure::Model(format!("error: {e}")))
}

/// Writes the whole file or nothing: under another name first, then renamed.
fn write_file(path: &Path, body: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let refused = |e: std::io::Error| {
        Failure::Input(format!(
            "error: cannot write `{}`: {e}\n  help: nothing was written",
            path.display()
        ))
    };
    let mut name = path
        .file_name()
        .map(std::ffi::OsStr::to_os_string)
        .ok_or_else(|| Failure::Input(format!("error: `{}` is no file name", path.display())))?;
    name.push(".part");
    let part = path.with_file_name(name);
    let file = std::fs::File::create(&part).map_err(refused)?;
    let mut out = std::io::BufWriter::new(file);
    let written = body(&mut out)
        .and_then(|()| out.flush().map_err(refused))
        .and_then(|()| std::fs::rename(&part, path).map_err(refused));
    if written.is_err() {
        // What is left of a failed attempt is of no use to anybody.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// A population of the crate, or of a file.
fn chosen(name: &str) -> Result<Population, Failure> {
    if let Some(population) = Population::named(name) {
        return Ok(population);
    }
    let path = Path::new(name);
    if path.exists() || name.ends_with(".toml") {
        return Population::load(path).map_err(|d| Failure::Input(d.to_string()));
    }
    let known: Vec<&str> = builtin().iter().map(|p| p.name()).collect();
    Err(Failure::Input(format!(
        "error: there is no population `{name}`\n  help: known are {}; or name a file of your own",
        known.join(", ")
    )))
}

/// A named set of parameters.
pub(super) fn known_set(name: &str) -> Result<&'static crate::parameters::NamedSet, Failure> {
    named_set(name).ok_or_else(|| {
        let known: Vec<&str> = SETS.iter().map(|s| s.name).collect();
        Failure::Input(format!(
            "error: there is no set of parameters `{name}`\n  help: known are {}",
            known.join(", ")
        ))
    })
}

fn tell(args: &Args, population: &Population, lines: &[Line]) -> Result<(), Failure> {
    let set = args.set.as_deref().unwrap_or("well-mixed");
    let met = lines.iter().filter(|l| l.met).count();
    if args.json {
        return print_json(&serde_json::json!({
            "population": population.spec().name(), "set": set, "patients": args.number, "seed": args.seed,
            "draw": args.draw, "met": met, "of": lines.len(), "lines": lines
        }));
    }
    let mut text = format!(
        "{} patients of {}, seed {}, parameters {set}\n",
        args.number,
        population.spec().name(),
        args.seed
    );
    for line in lines {
        let verdict = if line.met { "met" } else { "MISSED" };
        let _ = writeln!(
            text,
            "\n{}  {verdict}\n    published  {}  ({})\n    simulated  {}\n    rule       {}",
            line.what, line.published, line.source, line.simulated, line.rule
        );
    }
    let _ = writeln!(
        text,
        "\n{met} of {} met. Some spreads were tuned to these figures; docs/populations.md says which.\n\
         For teaching and research, never for treating a person.",
        lines.len()
    );
    print(&text)
}
