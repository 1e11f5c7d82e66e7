//! `itbsim flow`: the test stand for flow controllers.

use std::path::{Path, PathBuf};

use crate::flow::{ControllerRegistry, FlowError, Results, run_bench};
use crate::report::{RunFolder, flow as report};
use crate::scenario::flow_bench::{Bench, Change, ControllerSpec};
use crate::scenario::{load_bench, load_bench_str};
use crate::signals::{ActuatorKind, SensorKind, Signal};
use crate::simulation::words::number;

use super::{Failure, print, print_json, standard_input};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim flow --list
  itbsim flow scenarios/flow/bench.toml
  itbsim flow scenarios/flow/occlusion.toml --controllers delta-sigma,pi --out out/occlusion
  itbsim flow my-bench.toml --json | jq '.ranking[0]'

Tables: ranking, results, trumpet, start_up, steps, occlusions, alarms, series/TEST; figures in plots/.
docs/flow-control.md has the plant's equations and the figures' definitions.")]
pub(crate) struct Args {
    /// Bench file (TOML); `-` reads standard input
    #[arg(value_name = "BENCH", value_hint = clap::ValueHint::FilePath, required_unless_present = "list")]
    bench: Option<PathBuf>,
    /// Controllers to run, by id of the file or by kind, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "A,B,C")]
    controllers: Vec<String>,
    /// Tests to run, by id, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "A,B,C")]
    tests: Vec<String>,
    /// Output folder, out/flow-BENCH if not given
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Seed, if not that of the file
    #[arg(long)]
    seed: Option<u64>,
    /// Tables only
    #[arg(long)]
    no_plots: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// List controllers with their tuning, and what a test can do
    #[arg(long, conflicts_with_all = ["bench", "controllers", "tests", "out", "seed", "no_plots"])]
    list: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = ControllerRegistry::default();
    let Some(path) = args.bench.as_ref().filter(|_| !args.list) else {
        return list(&registry, args.json);
    };
    let mut bench = load(path, &registry)?;
    if let Some(seed) = args.seed {
        bench.seed = seed;
    }
    choose(&mut bench, &args.controllers, &args.tests, &registry)?;
    let target = match &args.out {
        Some(out) => out.clone(),
        None => Path::new("out").join(format!("flow-{}", bench.name)),
    };
    let mut folder = RunFolder::create(&target)?;
    let results = run_bench(&bench, &registry)?;
    folder.write("bench.toml", bench.text.as_bytes())?;
    report::write_tables(&bench, &results, &mut folder)?;
    if !args.no_plots {
        draw(&bench, &results, &mut folder)?;
    }
    report::write_summary(&bench, &results, &mut folder)?;
    folder.commit()?;
    if args.json {
        let mut value = report::summary(&bench, &results, &[]);
        value["folder"] = target.display().to_string().into();
        if let Some(map) = value.as_object_mut() {
            map.remove("files");
        }
        return print_json(&value);
    }
    print(&format!(
        "{}\nWritten to {}\n",
        report::ranking_text(&bench, &results),
        target.display()
    ))
}

fn load(path: &Path, registry: &ControllerRegistry) -> Result<Bench, Failure> {
    use std::io::IsTerminal;
    let bench = if path.as_os_str() == "-" {
        // What it extends or takes in starts from the current folder.
        load_bench_str("stdin", &standard_input()?, Some(Path::new("")), &registry.entries())
    } else {
        load_bench(path, &registry.entries())
    };
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    bench.map_err(|d| Failure::Input(d.render(colour)))
}

/// Keeps the controllers and tests asked for.
fn choose(
    bench: &mut Bench,
    controllers: &[String],
    tests: &[String],
    registry: &ControllerRegistry,
) -> Result<(), Failure> {
    if !controllers.is_empty() {
        let mut kept: Vec<ControllerSpec> = Vec::new();
        for name in controllers {
            let own = bench.controllers.iter().find(|c| c.id == *name).cloned();
            let spec = match own {
                Some(spec) => spec,
                None => match registry.kind(name) {
                    Ok(kind) => ControllerSpec {
                        id: kind.name.to_owned(),
                        kind: kind.name.to_owned(),
                        tuning: Default::default(),
                    },
                    Err(error) => {
                        return Err(Failure::Input(format!(
                            "error: {error}\n  help: write an id of the bench file or one of these kinds"
                        )));
                    }
                },
            };
            let needs = registry.kind(&spec.kind).map(|k| k.needs).unwrap_or(&[]);
            for need in needs {
                if let Some(test) = bench.tests.iter().find(|t| t.sensors.iter().all(|s| s.kind != *need)) {
                    return Err(Failure::Input(format!(
                        "error: controller `{name}` needs the {} sensor, which test `{}` has not",
                        need.word(),
                        test.id
                    )));
                }
            }
            if kept.iter().all(|k| k.id != spec.id) {
                kept.push(spec);
            }
        }
        bench.controllers = kept;
    }
    if !tests.is_empty() {
        let known: Vec<&str> = bench.tests.iter().map(|t| t.id.as_str()).collect();
        if let Some(unknown) = tests.iter().find(|t| !known.contains(&t.as_str())) {
            return Err(Failure::Input(format!(
                "error: the bench has no test `{unknown}`\n  help: its tests: {}",
                known.join(", ")
            )));
        }
        bench.tests.retain(|t| tests.contains(&t.id));
    }
    Ok(())
}

fn list(registry: &ControllerRegistry, json: bool) -> Result<(), Failure> {
    if json {
        let kinds: Vec<serde_json::Value> = registry
            .kinds()
            .map(|k| {
                let tuning: Vec<serde_json::Value> = k
                    .tuning
                    .iter()
                    .map(|t| {
                        serde_json::json!({
                            "key": t.key, "default": t.default, "unit": t.unit,
                            "low": t.low, "high": t.high, "meaning": t.meaning,
                        })
                    })
                    .collect();
                let needs: Vec<&str> = k.needs.iter().map(|s| s.word()).collect();
                serde_json::json!({ "name": k.name, "summary": k.summary, "needs": needs, "tuning": tuning })
            })
            .collect();
        return print_json(&kinds);
    }
    let mut text = "Controllers ([[controller]] kind = \"...\"; numbers are tuning with its default)\n".to_owned();
    for kind in registry.kinds() {
        text.push_str(&format!("\n  {:<16}{}\n", kind.name, kind.summary));
        if !kind.needs.is_empty() {
            let needs: Vec<&str> = kind.needs.iter().map(|s| s.word()).collect();
            text.push_str(&format!("  {:<16}needs the sensor: {}\n", "", needs.join(", ")));
        }
        for t in &kind.tuning {
            let unit = if t.unit == "1" {
                String::new()
            } else {
                format!(" {}", t.unit)
            };
            text.push_str(&format!(
                "  {:<16}{} = {}{unit}: {}\n",
                "",
                t.key,
                number(t.default),
                t.meaning
            ));
        }
    }
    let words = |list: &[&str]| list.join(", ");
    let actuators: Vec<&str> = ActuatorKind::WORDS.iter().map(|w| w.0).collect();
    let sensors: Vec<&str> = SensorKind::WORDS.iter().map(|w| w.0).collect();
    let wires: Vec<&str> = Signal::WORDS.iter().map(|w| w.0).collect();
    let stimuli = [
        Change::Rate(0.0).word(),
        "bolus",
        "temperature",
        "ambient",
        "posture",
        "occlusion",
        "leak",
        "sensor_failure",
        "gear_slip",
        "supply",
        "field",
        "tap",
    ];
    text.push_str(&format!(
        "\nActuators  {}\nSensors    {}\nStimuli    {}\nWires      {}\nTaps       truncate, hold, max, min, add, \
         subtract, stuck, delayed\n",
        words(&actuators),
        words(&sensors),
        words(&stimuli),
        words(&wires)
    ));
    print(&text)
}

impl From<FlowError> for Failure {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Controller(error) => Failure::Input(format!("error: {error}")),
            other => Failure::Model(format!("error: {other}")),
        }
    }
}

#[cfg(feature = "plots")]
fn draw(bench: &Bench, results: &Results, folder: &mut RunFolder) -> Result<(), Failure> {
    use crate::report::plots::{self, PlotOptions};
    let figures = plots::flow(bench, results, &PlotOptions::default())?;
    plots::write_all(&figures, folder)?;
    Ok(())
}

#[cfg(not(feature = "plots"))]
fn draw(_: &Bench, _: &Results, _: &mut RunFolder) -> Result<(), Failure> {
    Ok(())
}
