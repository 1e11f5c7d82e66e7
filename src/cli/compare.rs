//! `itbsim compare`: the arms of a scenario side by side, with the same luck.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::batch::tables;
use crate::report::data::column;
use crate::report::{RunData, text};
use crate::scenario::model::Story;
use crate::simulation::{Registry, RunOptions};

use super::draws::DrawArgs;
use super::told::short;
use super::{Failure, ScenarioArg, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim compare scenarios/concentration-change.toml
  itbsim compare scenarios/screening-bolus.toml --json
  itbsim compare scenarios/stop-or-taper.toml --csv arms.csv
  itbsim compare my-arms.toml -n 1000     # arms against the first one, replicate by replicate

Every arm is the same patient with the same luck; only what the arm changes differs. With -n each
replicate is such a pair: the table says how many times more replicates the same error would need
without pairing.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    #[command(flatten)]
    draws: DrawArgs,
    /// With -n: also write the folder of the batch
    #[arg(long, short, value_hint = clap::ValueHint::DirPath, requires = "replicates")]
    out: Option<PathBuf>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
    /// Also write the table to this file
    #[arg(long, value_hint = clap::ValueHint::FilePath)]
    csv: Option<PathBuf>,
}

/// One compared figure of an arm: name, unit, value.
type Figure = (&'static str, &'static str, Option<f64>);

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    if story.arms.len() < 2 {
        return Err(Failure::Input(format!(
            "error: `{}` has no arms to compare\n  help: add at least two [[arm]] blocks, or use `itbsim run`",
            story.name
        )));
    }
    if args.draws.n.is_some() {
        return paired(args, &story);
    }
    let options = RunOptions {
        seed: args.draws.seed,
        ..RunOptions::default()
    };
    let runs = super::run::run_arms(&story, &registry, &options)?;
    if let Some(path) = &args.csv {
        let bytes = table_csv(&runs).map_err(|e| Failure::Model(format!("error: {e}")))?;
        std::fs::write(path, bytes)
            .map_err(|e| Failure::Input(format!("error: cannot write `{}`: {e}", path.display())))?;
    }
    if args.json {
        return print_json(&overview(&story, &runs));
    }
    let mut out = format!("{}\n\n", story.arms[0].scenario.title);
    let width = runs
        .iter()
        .map(|r| r.meta.arm.len().max(r.meta.outcome.len()))
        .max()
        .unwrap_or(0)
        .max(10);
    let _ = write!(out, "{:<40}", "");
    for run in &runs {
        let _ = write!(out, " {:>width$}", run.meta.arm);
    }
    out.push('\n');
    let tables: Vec<Vec<Figure>> = runs.iter().map(figures).collect();
    for row in 0..tables[0].len() {
        let (name, unit, _) = tables[0][row];
        let _ = write!(out, "{:<40}", format!("{name} [{unit}]"));
        for table in &tables {
            let cell = table[row].2.map_or("-".to_owned(), |v| format!("{v:.2}"));
            let _ = write!(out, " {cell:>width$}");
        }
        out.push('\n');
    }
    let _ = write!(out, "{:<40}", "outcome");
    for run in &runs {
        let _ = write!(out, " {:>width$}", run.meta.outcome);
    }
    let _ = write!(out, "\n{:<40}", "expectations met");
    for run in &runs {
        let met = run.expectations.iter().filter(|e| e.met).count();
        let cell = format!("{met} of {}", run.expectations.len());
        let _ = write!(out, " {cell:>width$}");
    }
    out.push_str("\n\nFirst onset of each symptom [h]\n");
    let mut names: Vec<(&str, &str)> = Vec::new();
    for run in &runs {
        for s in run.first_symptoms() {
            if !names.iter().any(|(n, _)| *n == s.symptom) {
                names.push((&s.symptom, &s.words));
            }
        }
    }
    if names.is_empty() {
        out.push_str("  none in any arm\n");
    }
    for (name, words) in names {
        let _ = write!(out, "{:<40}", text::words(words, name));
        for run in &runs {
            let cell = run
                .first_symptoms()
                .iter()
                .find(|s| s.symptom == name)
                .map_or("-".to_owned(), |s| format!("{:.1}", s.onset_h));
            let _ = write!(out, " {cell:>width$}");
        }
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "\nfingerprints: {}",
        runs.iter()
            .map(|r| r.meta.fingerprint.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    );
    out.push_str("For teaching and research, never for treating a person.\n");
    print(&out)
}

/// Arms against the first one over many replicates.
fn paired(args: &Args, story: &Story) -> Result<(), Failure> {
    let prepared = args.draws.prepare(story)?;
    let identity = prepared.identity();
    let threads = args.draws.threads()?;
    let (covered, state) = match &args.out {
        Some(target) => {
            let part = super::batch::whole(&prepared, story, target, threads, true)?;
            (part.next, part.state)
        }
        None => super::batch::in_memory(&prepared, threads)?,
    };
    if let Some(path) = &args.csv {
        let mut bytes = Vec::new();
        tables::write_differences(identity, &state, &mut bytes)?;
        std::fs::write(path, bytes)
            .map_err(|e| Failure::Input(format!("error: cannot write `{}`: {e}", path.display())))?;
    }
    if args.json {
        print_json(&tables::differences(identity, &state, covered))?;
    } else {
        let mut out = format!("{}\n", identity.title);
        for arm in state.whole() {
            let _ = write!(out, "\narm {}: {} of {} replicates", arm.arm, arm.done(), identity.n);
            if arm.failed > 0 {
                let _ = write!(out, ", {} failed", arm.failed);
            }
            if arm.pairs.is_empty() {
                out.push_str(", the others are compared with it\n");
                continue;
            }
            let _ = writeln!(
                out,
                "\n{:<28} {:>8} {:>11} {:>11} {:>11} {:>24} {:>10}",
                "outcome", "pairs", "mean", "of first", "difference", "95 % interval", "unpaired"
            );
            for pair in &arm.pairs {
                let Some(found) = pair.difference.estimate() else {
                    continue;
                };
                let mean = |m: &crate::batch::Moments| m.estimate().map_or(f64::NAN, |e| e.mean);
                let interval = match (found.low, found.high) {
                    (Some(low), Some(high)) => format!("{} to {}", short(low), short(high)),
                    _ => "-".to_owned(),
                };
                let _ = writeln!(
                    out,
                    "{:<28} {:>8} {:>11} {:>11} {:>11} {interval:>24} {:>10}",
                    pair.name,
                    pair.difference.n(),
                    short(mean(&pair.own)),
                    short(mean(&pair.first)),
                    short(found.mean),
                    tables::variance_ratio(pair).map_or("-".to_owned(), |r| format!("x {}", short(r))),
                );
            }
        }
        out.push_str("\nunpaired: replicates that the same error would need without pairing\n");
        out.push_str("For teaching and research, never for treating a person.\n");
        print(&out)?;
    }
    if covered < identity.n {
        return Err(Failure::Interrupted);
    }
    Ok(())
}

/// Scalar figures of one arm.
fn figures(run: &RunData) -> Vec<Figure> {
    let peak = |name: &str| run.table.series(name).and_then(|s| s.peak()).map(|(v, _)| v);
    let lowest = |name: &str| {
        run.table
            .series(name)
            .map(|s| s.value.iter().copied().fold(f64::INFINITY, f64::min))
            .filter(|v| v.is_finite())
    };
    let hours_above = |name: &str, level: f64| {
        run.table.series(name).map(|s| {
            s.time_h
                .windows(2)
                .zip(&s.value)
                .filter(|(_, v)| **v > level)
                .map(|(t, _)| t[1] - t[0])
                .fold(0.0, |sum, step| sum + step)
        })
    };
    vec![
        ("largest CSF at L3", "ng/mL", peak("csf_l3_ng_per_ml")),
        ("largest delivered dose", "ug/day", peak(column::DELIVERED)),
        ("lowest Ashworth, legs", "0-4", lowest(column::ASHWORTH_LEGS)),
        ("largest Ashworth, legs", "0-4", peak(column::ASHWORTH_LEGS)),
        ("largest spasm score", "0-4", peak(column::SPASM_SCORE)),
        ("largest withdrawal index", "0-1", peak(column::WITHDRAWAL)),
        (
            "time with withdrawal above 0.35",
            "h",
            hours_above(column::WITHDRAWAL, 0.35),
        ),
        ("largest sedation", "0-1", peak(column::SEDATION)),
        ("time with sedation above 0.5", "h", hours_above(column::SEDATION, 0.5)),
        ("highest temperature", "degC", peak(column::TEMPERATURE)),
        ("lowest GCS", "3-15", lowest(column::GCS)),
    ]
}

/// The comparison as JSON.
pub(crate) fn overview(story: &Story, runs: &[RunData]) -> Value {
    json!({
        // The mark by which a later run knows that it may replace the folder.
        "written_by": crate::report::folder::WRITER,
        "scenario": story.name,
        "title": story.arms[0].scenario.title,
        "version": env!("CARGO_PKG_VERSION"),
        "scenario_hash": story.hash,
        "disclaimer": crate::report::DISCLAIMER,
        "arms": runs.iter().map(|run| json!({
            "arm": run.meta.arm,
            "seed": run.meta.seed,
            "outcome": run.meta.outcome,
            "fingerprint": run.meta.fingerprint,
            "expectations_met": run.expectations.iter().all(|e| e.met),
            "figures": figures(run).iter().map(|(name, unit, value)| json!({"name": name, "unit": unit, "value": value})).collect::<Vec<_>>(),
            "first_symptoms": run.first_symptoms().iter().map(|s| json!({"symptom": s.symptom, "onset_h": s.onset_h})).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

/// The comparison as a tidy table: arm, figure, unit, value.
fn table_csv(runs: &[RunData]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["arm", "figure", "unit", "value"])?;
    for run in runs {
        for (name, unit, value) in figures(run) {
            let cell = value.map(crate::report::tables::number).unwrap_or_default();
            writer.write_record([run.meta.arm.as_str(), name, unit, cell.as_str()])?;
        }
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}
