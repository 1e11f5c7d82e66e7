//! `itbsim sensitivity`: which parameters an outcome depends on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::batch::bar;
use super::told::short;
use super::{Failure, ScenarioArg, print, print_json, run};
use crate::batch::sensitivity::{self, Effect, Index, MOST_NUMBERS, MOST_PARAMETERS, MOST_RUNS};
use crate::batch::vary::{self, Question, Range, Varied};
use crate::report::tables::number;
use crate::report::{DISCLAIMER, RunFolder};
use crate::simulation::Registry;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim sensitivity scenarios/catheter-kink.toml --vary response.withdrawal --outcome withdrawal_h
  itbsim sensitivity case.toml --method sobol -n 256 --outcome csf_l3_ng_per_ml.end \\
      --vary kinetics.csf.area_lumbar=1..3,scenario.patient.weight
  itbsim sensitivity case.toml --method tornado --vary kinetics. --outcome spasm_score.mean

A name that ends early stands for all parameters that begin with it. Ranges are those of
`itbsim parameters` unless given, in its unit; a range over more than a decade is walked by ratios.
Runs: 2 k + 1 for tornado, n (k + 1) for morris, n (k + 2) for sobol, with k parameters.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Parameters to move, separated by commas: KEY, KEY=LOW..HIGH or the beginning of keys
    #[arg(long, value_delimiter = ',', required = true, value_name = "KEY")]
    vary: Vec<String>,
    /// Outcomes (see outcomes.csv of a run), or SIGNAL.max, SIGNAL.min, SIGNAL.mean, SIGNAL.end
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "good_control_percent",
        value_name = "NAME"
    )]
    outcome: Vec<String>,
    /// How
    #[arg(long, value_enum, default_value = "morris")]
    method: Method,
    /// Trajectories (morris, 20 if not given) or rows (sobol, 256)
    #[arg(short = 'n', long = "size", value_name = "N")]
    n: Option<u32>,
    /// Arm, if the scenario has several
    #[arg(long)]
    arm: Option<String>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
    /// Patient and luck of this replicate instead of the typical patient
    #[arg(long, value_name = "I")]
    replicate: Option<u64>,
    /// Threads, all cores if not given; the results do not depend on it
    #[arg(long, short = 'j', value_name = "T")]
    threads: Option<usize>,
    /// Output folder, out/SCENARIO-sensitivity if not given
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Tables only
    #[arg(long)]
    no_plots: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// Both ends of each range, one at a time
    Tornado,
    /// Elementary effects: ranks many parameters cheaply
    Morris,
    /// Shares of the variance, alone and in total
    Sobol,
}

/// What one parameter does to one outcome.
enum Found {
    Ends(Option<f64>, Option<f64>),
    Effect(Effect),
    Index(Index),
}

/// All parameters for one outcome.
struct Answer {
    outcome: String,
    base: Option<f64>,
    missing: usize,
    runs: usize,
    found: Vec<Found>,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    let arm = run::pick_arm(&story, args.arm.as_deref())?;
    let refused =
        |e: vary::VaryError| Failure::Input(format!("error: {e}\n  help: `itbsim parameters` lists them all"));
    let ranges = vary::ranges(&args.vary, &arm.scenario).map_err(refused)?;
    let questions: Vec<Question> = args
        .outcome
        .iter()
        .map(|name| vary::question(name))
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::Input(format!("error: {e}")))?;
    let n = args.n.unwrap_or(if args.method == Method::Sobol { 256 } else { 20 });
    if n < 2 {
        return Err(Failure::Input(format!(
            "error: -n {n} is too few for an error of its own\n  help: write for example -n 20"
        )));
    }
    if args.method == Method::Sobol && ranges.len() > MOST_PARAMETERS {
        return Err(Failure::Input(format!(
            "error: {} parameters are more than the {MOST_PARAMETERS} that Sobol points have room for\n  help: screen them with --method morris first",
            ranges.len()
        )));
    }
    let k = ranges.len() as u64;
    let runs = match args.method {
        Method::Tornado => 2 * k,
        Method::Morris => u64::from(n) * (k + 1),
        Method::Sobol => u64::from(n) * (k + 2),
    };
    if runs > MOST_RUNS || runs * k > MOST_NUMBERS {
        return Err(Failure::Input(format!(
            "error: {runs} runs over {k} parameters are too many; at most {MOST_RUNS} runs, and {MOST_NUMBERS} numbers \
             in their points\n  help: take a smaller -n, or fewer parameters"
        )));
    }
    let target = match &args.out {
        Some(path) => path.clone(),
        None => Path::new("out").join(format!("{}-sensitivity", story.name)),
    };
    let threads = super::draws::threads(args.threads)?;
    let mut folder = RunFolder::create(&target)?;
    let seed = args.seed.unwrap_or(arm.scenario.seed);
    let varied = Varied::new(&arm.scenario, &registry, (seed, args.replicate), &ranges, &questions);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Failure::Input(format!("error: cannot start {threads} threads: {e}")))?;
    let answers = pool.install(|| answers(args.method, n, seed, &varied, &ranges, &args.outcome));

    let table = table(&ranges, &answers, &varied)?;
    folder.write("sensitivity.csv", &table)?;
    folder.write(run::SCENARIO_FILE, story.text.as_bytes())?;
    let summary = json!({
        "written_by": crate::report::folder::WRITER,
        "kind": "sensitivity",
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": story.name,
        "scenario_hash": story.hash,
        "arm": arm.id,
        "seed": seed,
        "replicate": args.replicate,
        "method": format!("{:?}", args.method).to_lowercase(),
        "n": n,
        "outcomes": answers.iter().map(|a| as_json(a, &ranges, &varied)).collect::<Vec<_>>(),
        "disclaimer": DISCLAIMER,
    });
    let mut text = serde_json::to_vec_pretty(&summary)?;
    text.push(b'\n');
    folder.write("summary.json", &text)?;
    if !args.no_plots {
        let footer = format!("itbsim {} · seed {seed}", env!("CARGO_PKG_VERSION"));
        draw(&arm.scenario.title, &footer, &ranges, &answers, &mut folder)?;
    }
    folder.commit()?;
    if args.json {
        return print_json(&summary);
    }
    print(&told(&arm.scenario.title, &ranges, &answers, &target))
}

fn answers(method: Method, n: u32, seed: u64, varied: &Varied<'_>, ranges: &[Range], names: &[String]) -> Vec<Answer> {
    let k = ranges.len();
    let base = varied.base();
    let points = match method {
        Method::Tornado => Vec::new(),
        Method::Morris => sensitivity::morris_points(k, u64::from(n), seed),
        Method::Sobol => sensitivity::sobol_points(k, n, seed),
    };
    let runs = if method == Method::Tornado { 2 * k } else { points.len() };
    let progress = bar(runs as u64, 0);
    let all = varied.at(&points, &|| progress.inc(1));
    let ends: Vec<[Vec<Option<f64>>; 2]> = if method == Method::Tornado {
        let both = |range: &Range| {
            let ends = [range.low, range.high].map(|value| varied.alone(range, value));
            progress.inc(2);
            ends
        };
        use rayon::prelude::*;
        ranges.par_iter().map(both).collect()
    } else {
        Vec::new()
    };
    progress.finish_and_clear();
    names
        .iter()
        .enumerate()
        .map(|(q, name)| {
            let values: Vec<Option<f64>> = all.iter().map(|answer| answer[q]).collect();
            let found: Vec<Found> = match method {
                Method::Tornado => ends.iter().map(|[low, high]| Found::Ends(low[q], high[q])).collect(),
                Method::Morris => sensitivity::morris_effects(k, u64::from(n), seed, &values)
                    .into_iter()
                    .map(Found::Effect)
                    .collect(),
                Method::Sobol => sensitivity::sobol_indices(k, seed, &values)
                    .into_iter()
                    .map(Found::Index)
                    .collect(),
            };
            let gone = ends.iter().flatten().filter(|end| end[q].is_none()).count();
            Answer {
                outcome: name.clone(),
                base: base[q],
                missing: values.iter().filter(|v| v.is_none()).count() + gone,
                runs,
                found,
            }
        })
        .collect()
}

/// How much a parameter matters, to sort by.
fn size(found: &Found, base: Option<f64>) -> f64 {
    match found {
        Found::Ends(low, high) => {
            let far = |v: &Option<f64>| v.zip(base).map_or(0.0, |(v, b)| (v - b).abs());
            far(low).max(far(high))
        }
        Found::Effect(e) => e.mean_size,
        Found::Index(i) => i.total.value,
    }
}

/// Places of the parameters, the weightiest first.
fn order(answer: &Answer) -> Vec<usize> {
    let mut order: Vec<usize> = (0..answer.found.len()).collect();
    let weight = |i: usize| size(&answer.found[i], answer.base);
    order.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)).then(a.cmp(&b)));
    order
}

/// Name and value of what was found, as tables have it.
fn cells(found: &Found) -> Vec<(&'static str, Option<f64>)> {
    match found {
        Found::Ends(low, high) => vec![("at_low", *low), ("at_high", *high)],
        Found::Effect(e) => vec![
            ("n", Some(e.n as f64)),
            ("mean_size", Some(e.mean_size)),
            ("mean_size_error", Some(e.error)),
            ("mean", Some(e.mean)),
            ("sd", Some(e.sd)),
        ],
        Found::Index(i) => vec![
            ("n", Some(i.n as f64)),
            ("first", Some(i.first.value)),
            ("first_low", Some(i.first.low)),
            ("first_high", Some(i.first.high)),
            ("total", Some(i.total.value)),
            ("total_low", Some(i.total.low)),
            ("total_high", Some(i.total.high)),
        ],
    }
}

fn table(ranges: &[Range], answers: &[Answer], varied: &Varied<'_>) -> Result<Vec<u8>, Failure> {
    let refused = |e: csv::Error| Failure::Model(format!("error: cannot encode sensitivity.csv: {e}"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    let mut head = vec![
        "outcome",
        "parameter",
        "unit",
        "low",
        "high",
        "base",
        "outcome_at_base",
        "missing",
        "of",
    ];
    if let Some(first) = answers.first().and_then(|a| a.found.first()) {
        head.extend(cells(first).iter().map(|(name, _)| *name));
    }
    csv.write_record(&head).map_err(refused)?;
    for answer in answers {
        for i in order(answer) {
            let range = &ranges[i];
            let mut row = vec![
                answer.outcome.clone(),
                range.parameter.key.to_owned(),
                range.parameter.unit.to_owned(),
                number(range.low),
                number(range.high),
                number(varied.standing(range)),
                number(answer.base.unwrap_or(f64::NAN)),
                answer.missing.to_string(),
                answer.runs.to_string(),
            ];
            row.extend(
                cells(&answer.found[i])
                    .iter()
                    .map(|(_, v)| number(v.unwrap_or(f64::NAN) + 0.0)),
            );
            csv.write_record(&row).map_err(refused)?;
        }
    }
    csv.into_inner()
        .map_err(|e| Failure::Model(format!("error: cannot encode sensitivity.csv: {e}")))
}

fn as_json(answer: &Answer, ranges: &[Range], varied: &Varied<'_>) -> Value {
    let rows: Vec<Value> = order(answer)
        .into_iter()
        .map(|i| {
            let range = &ranges[i];
            let mut row = json!({
                "parameter": range.parameter.key,
                "unit": range.parameter.unit,
                "low": range.low,
                "high": range.high,
                "base": varied.standing(range),
            });
            for (name, value) in cells(&answer.found[i]) {
                row[name] = value.into();
            }
            row
        })
        .collect();
    json!({"outcome": answer.outcome, "at_base": answer.base, "missing": answer.missing, "of": answer.runs,
        "parameters": rows})
}

fn told(title: &str, ranges: &[Range], answers: &[Answer], target: &Path) -> String {
    let mut out = format!("{title}\n");
    for answer in answers {
        let base = answer.base.map_or("did not happen".to_owned(), short);
        let _ = write!(out, "\n{} (at base: {base}), {} runs", answer.outcome, answer.runs);
        if answer.missing > 0 {
            let _ = write!(out, ", {} of them without a value", answer.missing);
        }
        out.push('\n');
        for (line, i) in order(answer).into_iter().enumerate() {
            let named = cells(&answer.found[i]);
            if line == 0 {
                let _ = write!(out, "{:<44}", "parameter");
                for (name, _) in &named {
                    let _ = write!(out, " {name:>15}");
                }
                out.push('\n');
            }
            let range = &ranges[i];
            let _ = write!(out, "{:<44}", range.parameter.key);
            for (_, value) in named {
                let _ = write!(out, " {:>15}", value.map_or("-".to_owned(), short));
            }
            out.push('\n');
        }
    }
    let _ = writeln!(out, "\nwritten to {}", target.display());
    out.push_str("For teaching and research, never for treating a person.\n");
    out
}

#[cfg(feature = "plots")]
fn draw(
    title: &str,
    footer: &str,
    ranges: &[Range],
    answers: &[Answer],
    folder: &mut RunFolder,
) -> Result<(), Failure> {
    use crate::report::pictures::{Drawing, IntervalPanel, IntervalRow, Picture};
    use crate::report::plots;
    /// Rows that a figure has room for.
    const MOST_ROWS: usize = 20;
    let mut pictures = Vec::new();
    for answer in answers {
        let mut panels: Vec<IntervalPanel> = Vec::new();
        let mut add = |panel: usize, label: &str, zero: f64, row: IntervalRow| {
            if panels.len() <= panel {
                panels.push(IntervalPanel {
                    label: label.to_owned(),
                    rows: Vec::new(),
                    zero,
                });
            }
            panels[panel].rows.push(row);
        };
        for i in order(answer).into_iter().take(MOST_ROWS) {
            let range = &ranges[i];
            let unit = match range.parameter.unit {
                "1" => String::new(),
                unit => format!(" {unit}"),
            };
            let name = format!(
                "{} {} to {}{unit}",
                range.parameter.key,
                short(range.low),
                short(range.high)
            );
            let row = |value: f64, low: f64, high: f64| IntervalRow {
                name: name.clone(),
                value,
                low,
                high,
            };
            match &answer.found[i] {
                Found::Ends(low, high) => {
                    let (Some(low), Some(high), Some(base)) = (low, high, answer.base) else {
                        continue;
                    };
                    add(0, &answer.outcome, base, row(base, low.min(*high), low.max(*high)));
                }
                Found::Effect(e) => {
                    let label = format!("{}: mean size of effect ± 2 errors", answer.outcome);
                    let reach = 2.0 * e.error;
                    add(
                        0,
                        &label,
                        0.0,
                        row(e.mean_size, e.mean_size - reach, e.mean_size + reach),
                    );
                }
                Found::Index(x) => {
                    let label = format!("{}: share of variance, alone", answer.outcome);
                    add(0, &label, 0.0, row(x.first.value, x.first.low, x.first.high));
                    let label = format!("{}: share of variance, in total", answer.outcome);
                    add(1, &label, 0.0, row(x.total.value, x.total.low, x.total.high));
                }
            }
        }
        if !panels.is_empty() {
            pictures.push(Picture {
                name: format!("sensitivity_{}", answer.outcome.replace('.', "_")),
                title: title.to_owned(),
                subtitle: format!("{} runs, {} without a value", answer.runs, answer.missing),
                footer: footer.to_owned(),
                drawing: Drawing::Intervals { panels },
            });
        }
    }
    let figures = plots::batch_figures(&pictures, &plots::PlotOptions::default())?;
    plots::write_all(&figures, folder)?;
    Ok(())
}

#[cfg(not(feature = "plots"))]
fn draw(_: &str, _: &str, _: &[Range], _: &[Answer], _: &mut RunFolder) -> Result<(), Failure> {
    Ok(())
}
