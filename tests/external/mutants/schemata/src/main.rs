//! Mutation testing of a room with one build: all mutants are compiled in, and one is chosen by the
//! environment when the tests run.
//!
//!     itbsim-schemata ROOM CRATE [--base DIR] [--accepted FILE] [--only FILE] [--match REGEX]
//!                     [--jobs N] [--timeout SECONDS]
//!
//! SECONDS is what a single test may take; without it, eight times what the slowest of those run together
//! takes, at least ten seconds. CRATE is the small crate that `../run` makes; what is written goes into
//! CRATE-schemata, the verdicts into its folder `out`, or, if only some mutants are chosen, into `out-again`.

mod check;
mod list;
mod rewrite;
mod run;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use regex::Regex;

use check::Schemata;
use list::Mutant;
use rewrite::Id;
use run::{Runner, Verdict};

struct Options {
    room: String,
    folder: PathBuf,
    base: Option<String>,
    accepted: Option<PathBuf>,
    only: Option<BTreeSet<String>>,
    matching: Option<Regex>,
    jobs: usize,
    timeout: Option<Duration>,
}

fn options() -> Result<Options> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options {
        room: arguments.next().context("which room?")?,
        folder: arguments.next().context("which crate?")?.into(),
        base: None,
        accepted: None,
        only: None,
        matching: None,
        jobs: 2,
        timeout: None,
    };
    while let Some(option) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{option} of what?"))?;
        match option.as_str() {
            "--base" => options.base = Some(value),
            "--accepted" => options.accepted = Some(value.into()),
            "--only" => {
                let text = fs::read_to_string(&value).context(value)?;
                // A file of the caught names the test after a tab.
                options.only = Some(
                    text.lines()
                        .filter_map(|line| line.split('\t').next())
                        .map(str::to_owned)
                        .collect(),
                );
            }
            "--match" => options.matching = Some(Regex::new(&value)?),
            "--jobs" => options.jobs = value.parse().context(value)?,
            "--timeout" => options.timeout = Some(Duration::from_secs(value.parse().context(value)?)),
            _ => bail!("{option} is not known"),
        }
    }
    Ok(options)
}

impl Options {
    fn all(&self) -> bool {
        self.only.is_none() && self.matching.is_none()
    }

    fn chosen(&self, mutant: &Mutant) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.contains(&mutant.name) || only.contains(&mutant.lasting_name()))
            && self
                .matching
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(&mutant.name))
    }
}

/// Whether all is caught or argued.
fn run() -> Result<bool> {
    let options = options()?;
    let argued = options
        .accepted
        .as_deref()
        .map(list::argued)
        .transpose()?
        .unwrap_or_default();
    let start = Instant::now();
    let (mutants, listing) = list::mutants(&options.folder, &options.room)?;
    let (room, base) = (&options.room, options.base.as_deref());
    let mut schemata = Schemata::make(room, &options.folder, base, &mutants, &listing)?;
    eprintln!("{} mutants, {} not placed", mutants.len(), schemata.dropped.len());
    let programs = schemata.build()?;
    eprintln!(
        "built after {:.0} s, {} mutants left out",
        start.elapsed().as_secs_f64(),
        schemata.dropped.len()
    );
    let runner = Runner::new(&schemata.folder, programs, options.timeout)?;
    let chosen: Vec<(Id, &Mutant)> = (1..)
        .zip(&mutants)
        .filter(|(_, mutant)| options.chosen(mutant))
        .collect();
    let (left, tried): (Vec<_>, Vec<_>) = chosen.iter().partition(|(id, _)| schemata.dropped.contains(id));
    let verdicts = runner.try_all(&tried, options.jobs);

    let (mut caught, mut hung, mut missed) = (Vec::new(), Vec::new(), Vec::new());
    for ((_, mutant), verdict) in tried.iter().zip(&verdicts) {
        match verdict {
            Verdict::Caught(by) => caught.push(format!("{}\t{by}", mutant.name)),
            Verdict::Hung => hung.push(mutant.name.clone()),
            Verdict::Missed => missed.push(*mutant),
        }
    }
    let out = schemata.folder.join(if options.all() { "out" } else { "out-again" });
    fs::create_dir_all(&out)?;
    let names = |mutants: &[&Mutant]| mutants.iter().map(|mutant| mutant.name.clone()).collect::<Vec<_>>();
    let left: Vec<&Mutant> = left.into_iter().map(|(_, mutant)| mutant).collect();
    for (file, lines) in [
        ("caught.txt", &caught),
        ("hung.txt", &hung),
        ("missed.txt", &names(&missed)),
        ("left-over.txt", &names(&left)),
    ] {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(out.join(file), text)?;
    }
    let unargued: Vec<&Mutant> = missed
        .iter()
        .copied()
        .filter(|mutant| !argued.contains(&mutant.lasting_name()))
        .collect();
    if !unargued.is_empty() {
        println!("not argued:\n{}", names(&unargued).join("\n"));
    }
    eprintln!(
        "{:.0} s in all; {} survivors are argued",
        start.elapsed().as_secs_f64(),
        missed.len() - unargued.len()
    );
    println!(
        "{}: {} mutants, {} caught, {} hung, {} survived, {} left to cargo mutants",
        options.room,
        chosen.len(),
        caught.len(),
        hung.len(),
        missed.len(),
        left.len()
    );
    Ok(unargued.is_empty())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}
