//! `itbsim validate`: simulated beside published, with verdicts.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::parameters::{Grade, NamedSet, SETS, named_set};
use crate::report::RunFolder;
use crate::report::folder::WRITER;
use crate::scenario::{Disk, Files, parameters_from_file};
use crate::simulation::{Registry, RunOptions};
use crate::validate::room::place;
use crate::validate::{Case, Evidence, Layer, Report, Role, Verdict, evaluate_under, page, shown};

use super::{Failure, ScenarioArg, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim validate
  itbsim validate --layer validation
  itbsim validate --only T09 --verbose
  itbsim validate --only T03 --set steep-gradient
  itbsim validate --out evidence
  itbsim validate --evidence my-figures.toml --only MY
  itbsim validate scenarios/*.toml

Each line is one published figure with the accepted interval; the argument for the interval,
the source and the grade are in --verbose, --json, and the page that --out writes. `fit` and
`input` figures had a part in choosing the defaults, `check` figures had none.
Where human and pig data disagree there are two named sets of parameters (itbsim list sets).
Every figure is simulated under both; a second line shows where the set moves it, and the
verdict is that of the first, the defaults. --set NAME judges by one set alone.
Exit code 1 if any figure lies outside its interval, also where the reason is known;
--allow-known makes it 1 only if something is not as the evidence files say.")]
pub(crate) struct Args {
    /// Scenario files: test their [[expect]] blocks instead of the published figures
    #[arg(value_name = "SCENARIO", value_hint = clap::ValueHint::FilePath,
          conflicts_with_all = ["only", "layer", "set", "out", "allow_known", "parameters", "evidence"])]
    scenarios: Vec<PathBuf>,
    /// Only figures whose id begins with this; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Only this layer of evidence
    #[arg(long, value_enum)]
    layer: Option<LayerArg>,
    /// Judge by this named set of parameters alone; without it, by the defaults, and the others beside
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Write page, table and figures to this folder
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
    /// Also print argument, source and grade of each figure
    #[arg(short, long)]
    verbose: bool,
    /// Exit with 0 if all misses are known ones
    #[arg(long)]
    allow_known: bool,
    /// Replace defaults by the [parameters] of this file, as `itbsim calibrate` writes it
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    parameters: Option<PathBuf>,
    /// Add cases from this file, in the form of the built-in ones
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    evidence: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LayerArg {
    Verification,
    Validation,
    Plausibility,
}

impl From<LayerArg> for Layer {
    fn from(arg: LayerArg) -> Layer {
        match arg {
            LayerArg::Verification => Layer::Verification,
            LayerArg::Validation => Layer::Validation,
            LayerArg::Plausibility => Layer::Plausibility,
        }
    }
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    if !args.scenarios.is_empty() {
        return expectations(args);
    }
    let own = args.evidence.as_deref().map(Own::read).transpose()?;
    let evidence = evidence(own.as_ref())?;
    let parameters = match &args.parameters {
        Some(path) => parameters_from_file(path).map_err(|d| Failure::Input(d.render(false)))?,
        None => Vec::new(),
    };
    let layer = args.layer.map(Layer::from);
    let wanted = |case: &Case| {
        layer.is_none_or(|l| case.layer == l)
            && (args.only.is_empty() || args.only.iter().any(|o| case.id.starts_with(o.as_str())))
    };
    if !evidence.cases.iter().any(wanted) {
        return Err(Failure::Input(format!(
            "error: no figure matches\n  help: ids begin with {}",
            families(&evidence)
        )));
    }
    let sets = chosen(args.set.as_deref())?;
    // The folder is claimed first: long runs must not end at a closed door.
    let folder = args.out.as_deref().map(RunFolder::create).transpose()?;
    // What is shipped is sound: a question that cannot be put then comes from a file of the user's.
    let given = own.is_some() || args.parameters.is_some();
    let report = evaluate_under(&evidence, wanted, &parameters, &sets).map_err(|e| {
        let place = own.as_ref().and_then(|own| own.place(&e.id)).unwrap_or_default();
        let told = format!("error: {place}{}", e.to_string().trim_end());
        if given && e.why.is_input() {
            Failure::Input(told)
        } else {
            Failure::Model(told)
        }
    })?;
    if let Some(folder) = folder {
        write(&evidence, &report, folder)?;
    }
    if args.json {
        print_json(&value(&report))?;
    } else {
        print(&text(&report, args.verbose, args.out.as_deref()))?;
    }
    let good = if args.allow_known {
        report.as_stated()
    } else {
        report.all_met()
    };
    if good { Ok(()) } else { Err(Failure::Expectation) }
}

/// The sets to look at: one by name, or all, the defaults first.
fn chosen(name: Option<&str>) -> Result<Vec<&'static NamedSet>, Failure> {
    match name {
        None => Ok(SETS.iter().collect()),
        Some(name) => named_set(name).map(|set| vec![set]).ok_or_else(|| {
            let known: Vec<&str> = SETS.iter().map(|s| s.name).collect();
            Failure::Input(format!(
                "error: no set of parameters `{name}`; known are {}",
                known.join(", ")
            ))
        }),
    }
}

/// Runs scenarios and tests what they say must happen.
fn expectations(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let mut text = String::new();
    let mut rows = Vec::new();
    let (mut met, mut all) = (0, 0);
    for path in &args.scenarios {
        let story = ScenarioArg { path: path.clone() }.load(&registry)?;
        for run in super::run::run_arms(&story, &registry, &RunOptions::default())? {
            let name = match run.meta.arm.as_str() {
                "" => story.name.clone(),
                arm => format!("{} ({arm})", story.name),
            };
            let good = run.expectations.iter().filter(|e| e.met).count();
            let _ = writeln!(text, "{name}: {good} of {} expectations met", run.expectations.len());
            for e in &run.expectations {
                if args.verbose || !e.met {
                    let word = if e.met { "met" } else { "MISSED" };
                    let _ = writeln!(
                        text,
                        "  {word}: {} {}; found {}\n    source: {}",
                        e.claim, e.window, e.found, e.source
                    );
                }
            }
            met += good;
            all += run.expectations.len();
            rows.push(json!({ "scenario": story.name, "arm": run.meta.arm, "expectations": run.expectations }));
        }
    }
    if args.json {
        print_json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "disclaimer": crate::report::DISCLAIMER,
            "expectations": all,
            "met": met,
            "runs": rows,
        }))?;
    } else {
        let _ = writeln!(
            text,
            "\n{met} of {all} expectations met\nFor teaching and research, never for treating a person."
        );
        print(&text)?;
    }
    if met == all { Ok(()) } else { Err(Failure::Expectation) }
}

/// First parts of the ids, in order, for a message.
fn families(evidence: &Evidence) -> String {
    const SHOWN: usize = 100;
    let mut seen = BTreeSet::new();
    let all = evidence
        .cases
        .iter()
        .map(|c| c.id.split(['-', '.']).next().unwrap_or_default());
    let mut names: Vec<String> = all
        .filter(|name| seen.insert(*name))
        .map(|name| name.chars().take(40).collect())
        .collect();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// An evidence file of the user's.
struct Own {
    name: String,
    text: String,
}

impl Own {
    fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        match Disk.read(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(e) => Err(Failure::Input(format!(
                "error: cannot read `{name}`: {e}\n  help: give a TOML file of [[case]] blocks, as docs/validation.md describes them"
            ))),
        }
    }

    /// `file:line:column: ` of an entry, if the file has it.
    fn place(&self, id: &str) -> Option<String> {
        let (line, column) = place(&self.text, id)?;
        Some(format!("{}:{line}:{column}: ", self.name))
    }
}

/// The built-in evidence, with a file of the user's added.
fn evidence(own: Option<&Own>) -> Result<Evidence, Failure> {
    let read = match own {
        None => Evidence::builtin(),
        Some(own) => Evidence::with(&own.name, &own.text),
    };
    read.map_err(|e| {
        let place = e.id().and_then(|id| own?.place(id)).unwrap_or_default();
        let help = e.help().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        Failure::Input(format!("error: {place}{e}{help}"))
    })
}

fn value(report: &Report) -> serde_json::Value {
    json!({
        // The mark by which a later run knows that it may replace the folder.
        "written_by": WRITER,
        "version": env!("CARGO_PKG_VERSION"),
        "disclaimer": crate::report::DISCLAIMER,
        "parameters": report.parameters.iter().map(|(k, v)| json!({"key": k, "value": v})).collect::<Vec<_>>(),
        "figures": report.findings.len(),
        "met": report.count(Verdict::Met),
        "missed": report.count(Verdict::Missed),
        "known_misses": report.count(Verdict::KnownMiss),
        "unexpected": report.count(Verdict::Unexpected),
        "gmfe_check": report.gmfe(Some(Role::Check)),
        "gmfe_fit": report.gmfe(Some(Role::Fit)),
        "gmfe_input": report.gmfe(Some(Role::Input)),
        "sets": report.sets.iter().enumerate().map(|(i, name)| json!({
            "name": name,
            "met": report.met_under(i, |_| true),
            "gmfe_check": report.gmfe_under(i, Role::Check),
        })).collect::<Vec<_>>(),
        "moved_by_sets": report.moved().count(),
        "findings": report.findings,
    })
}

fn write(evidence: &Evidence, report: &Report, mut folder: RunFolder) -> Result<(), Failure> {
    let csv = report.csv().map_err(|e| Failure::Model(format!("error: {e}")))?;
    folder.write("validation.csv", &csv)?;
    #[allow(unused_mut)] // filled where figures are drawn
    let mut drawings: Vec<(String, String)> = Vec::new();
    #[cfg(feature = "plots")]
    {
        let figures = crate::validate::figures(evidence, report)?;
        crate::report::plots::write_all_under(&figures, "", &mut folder)?;
        drawings.extend(figures.into_iter().map(|f| (f.name, f.svg)));
    }
    folder.write("validation.html", page(evidence, report, &drawings).as_bytes())?;
    let mut summary = serde_json::to_vec_pretty(&value(report))?;
    summary.push(b'\n');
    folder.write("summary.json", &summary)?;
    folder.commit()?;
    Ok(())
}

fn text(report: &Report, verbose: bool, out: Option<&Path>) -> String {
    let mut t = String::new();
    for layer in Layer::ALL {
        let all: Vec<_> = report.layer(layer).collect();
        if all.is_empty() {
            continue;
        }
        let met = all.iter().filter(|f| f.verdict.within()).count();
        let _ = writeln!(t, "\n{} ({met} of {} within)", layer.as_str().to_uppercase(), all.len());
        let mut told: Vec<&str> = Vec::new();
        for f in &all {
            // A table of vectors that are all met is one line.
            if let (false, Some((table, _))) = (verbose, f.id.split_once('.'))
                && f.id[table.len() + 1..].starts_with(|c: char| c.is_ascii_digit())
            {
                let rows = || all.iter().filter(|x| x.id.split('.').next() == Some(table));
                if rows().all(|x| x.verdict == Verdict::Met && x.under.iter().all(|u| u.within)) {
                    if !told.contains(&table) {
                        told.push(table);
                        let title = f.title.split(':').next().unwrap_or_default();
                        let _ = writeln!(t, "{table:<24} {title}: {} figures, all met", rows().count());
                    }
                    continue;
                }
            }
            let unit = if f.unit == "1" || f.unit == "yes" { "" } else { &f.unit };
            let _ = writeln!(
                t,
                "{:<24} {}\n{:<24} published {}; simulated {} {unit}, accepted {} to {} [{}] {}",
                f.id,
                f.title,
                "",
                f.published,
                shown(f.simulated, &f.unit),
                shown(Some(f.accept[0]), &f.unit),
                shown(Some(f.accept[1]), &f.unit),
                f.role.as_str(),
                f.verdict.as_str(),
            );
            if !f.note.is_empty() {
                let _ = writeln!(t, "{:<24} {}", "", f.note);
            }
            for u in f.under.iter().filter(|u| u.moved) {
                let word = if u.within { "met" } else { "MISSED" };
                let gap = if u.note.is_empty() { "" } else { ": " };
                let _ = writeln!(
                    t,
                    "{:<24} under {}: {} {unit} {word}{gap}{}",
                    "",
                    u.set,
                    shown(u.simulated, &f.unit),
                    u.note
                );
            }
            if let Some(why) = &f.after_the_fit {
                let _ = writeln!(t, "{:<24} interval set after the fit: {why}", "");
            }
            if verbose || !f.verdict.within() {
                for (word, line) in [("known miss", &f.known_miss), ("conflict", &f.conflict)] {
                    if let Some(line) = line {
                        let _ = writeln!(t, "{:<24} {word}: {line}", "");
                    }
                }
            }
            if verbose {
                let grade = match f.grade {
                    Grade::Published => "published",
                    Grade::Derived => "derived",
                    Grade::Assumed => "assumed",
                };
                let _ = writeln!(
                    t,
                    "{:<24} interval: {}\n{:<24} source: {} ({grade})",
                    "", f.argument, "", f.source
                );
            }
        }
    }
    let _ = writeln!(
        t,
        "\n{} figures: {} met, {} missed, {} missed for a known reason{}",
        report.findings.len(),
        report.count(Verdict::Met),
        report.count(Verdict::Missed),
        report.count(Verdict::KnownMiss),
        match report.count(Verdict::Unexpected) {
            0 => String::new(),
            n => format!(", {n} met although the files say they are missed"),
        }
    );
    if report.sets.len() > 1 {
        for (i, name) in report.sets.iter().enumerate() {
            let _ = writeln!(
                t,
                "{name}: meets {} of {}{}",
                report.met_under(i, |_| true),
                report.findings.len(),
                match report.gmfe_under(i, Role::Check) {
                    Some(g) => format!(", mean fold error of kinetic figures kept apart {g:.2}"),
                    None => String::new(),
                }
            );
        }
        let _ = writeln!(
            t,
            "{} figures are moved by the choice of a set (itbsim list sets)",
            report.moved().count()
        );
    }
    for (name, role) in [
        ("kept apart", Role::Check),
        ("fitted", Role::Fit),
        ("input", Role::Input),
    ] {
        if let Some(gmfe) = report.gmfe(Some(role)) {
            let _ = writeln!(
                t,
                "geometric mean fold error of kinetic figures, {name}: {gmfe:.2} ({} figures)",
                report.kinetic_pairs(Some(role)).len()
            );
        }
    }
    if let Some(out) = out {
        let _ = writeln!(
            t,
            "written to {}: validation.html, validation.csv, plots",
            out.display()
        );
    }
    t.push_str("For teaching and research, never for treating a person.\n");
    t
}
