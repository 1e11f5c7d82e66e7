//! `itbsim list`: what a scenario can name.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::parameters::{Grade, Parameter, ParameterSet, SETS};
use crate::pump::{AlarmSpec, PumpFamily};
use crate::scenario::settings::{self, PolicySpec};
use crate::simulation::{ACTIONS, MISHAPS, Registry, span};

use super::{Failure, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim list faults
  itbsim list scenarios --dir scenarios
  itbsim list policies
  itbsim list populations
  itbsim list signals --json
  itbsim list hazards --generation silicone --unapproved
  itbsim list complications --generation silicone")]
pub(crate) struct Args {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// Folder searched for scenarios
    #[arg(long, default_value = "scenarios", value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    implant: super::hazards::Implanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Scenarios,
    Faults,
    Hazards,
    Complications,
    Pumps,
    EffectModels,
    Signals,
    Symptoms,
    Events,
    Actions,
    Alarms,
    Policies,
    Populations,
    Sets,
}

/// Events that carry the ids of a scenario's own blocks.
const OWN_EVENTS: &str = "And for each block of the scenario, with its id:
programme.ID.start
action.ID.done       action.ID.dose       action.ID.over
action.ID.dropped    (an action with `unless`)
fault.ID.start       fault.ID.progress    fault.ID.full
fault.ID.on          fault.ID.off         fault.ID.end
condition.ID.met     (a fault with `when`)
care.ID.FLAG         action.ID.ACT.done   (what a policy makes known and does: `itbsim list policies`)
care.ID.seen         care.ID.missed       care.ID.reported
care.ID.charted      care.ID.refused      care.ID.timer";

/// What the two schemes are.
const ALARM_SCHEMES: &str =
    "The device knows two classes, critical and non-critical. The priority by IEC 60601-1-8 is our derivation
from harm and onset (death: immediate high, prompt high, delayed medium; reversible injury: high, medium, low;
minor injury: medium, low, low). A session with the programmer ends the tone while the condition may last.
";

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let catalog = registry.catalog();
    if !matches!(args.what, What::Hazards | What::Complications) && args.implant.given() {
        return Err(Failure::Input(
            "error: --generation, --pump-generation and --unapproved go with `itbsim list hazards` and `itbsim list complications` only".to_owned(),
        ));
    }
    match args.what {
        What::Hazards => super::hazards::list(&args.implant, args.json),
        What::Complications => super::complications::list(&args.implant, args.json),
        What::Faults => {
            if args.json {
                let kinds: Vec<serde_json::Value> = catalog
                    .fault_kinds
                    .iter()
                    .map(|k| {
                        serde_json::json!({"kind": k.kind, "hazard": k.hazard, "mechanism": k.mechanism, "families": families_with(&registry, k.kind),
                            "fields": k.fields.iter().map(|f| serde_json::json!({"name": f.name, "unit": f.unit, "default": f.default,
                                "low": finite(f.low), "high": finite(f.high), "words": f.words, "meaning": f.meaning})).collect::<Vec<_>>()})
                    })
                    .collect();
                return print_json(&kinds);
            }
            let mut text = String::new();
            for k in &catalog.fault_kinds {
                let _ = writeln!(text, "{}  [{}]\n    {}", k.kind, k.hazard, k.mechanism);
                let had = families_with(&registry, k.kind);
                if !had.is_empty() {
                    let _ = writeln!(text, "    Families: {}.", had.join(", "));
                }
                for f in k.fields {
                    let kind = if f.unit.is_empty() {
                        if f.words.is_empty() {
                            "a level, S2 to C1".to_owned()
                        } else {
                            f.words.join(" | ")
                        }
                    } else {
                        let default = f.default.map_or("required".to_owned(), |d| format!("default {d}"));
                        let unit = if f.unit == "1" { "number" } else { f.unit };
                        format!("{unit} ({default}, {} to {})", f.low, f.high)
                    };
                    let _ = writeln!(text, "      {:<14} {kind}: {}", f.name, f.meaning);
                }
            }
            text.push_str("\nAnd what goes wrong by people and surroundings, without a [[fault]] block:\n");
            for (hazard, what, how) in MISHAPS {
                let _ = writeln!(text, "{what}  [{hazard}]\n    {how}");
            }
            print(&text)
        }
        What::Scenarios => scenarios(&args.dir, args.json, &registry),
        What::Pumps => pumps(&registry, args.json),
        What::EffectModels => lines(&catalog.effect_models, args.json),
        What::Signals => lines(&catalog.signals, args.json),
        What::Events if args.json => print_json(&catalog.events),
        What::Events => print(&format!("{}\n\n{OWN_EVENTS}", catalog.events.join("\n"))),
        What::Actions => {
            if args.json {
                let named = ACTIONS
                    .map(|(name, form, meaning)| serde_json::json!({"action": name, "form": form, "meaning": meaning}));
                return print_json(&named.as_slice());
            }
            let mut text = String::new();
            for (name, form, meaning) in ACTIONS {
                let _ = writeln!(text, "{name} = {form}\n    {meaning}");
            }
            print(&text)
        }
        What::Alarms => alarms(args.json),
        What::Policies => policies(&catalog.policies, args.json),
        What::Populations => populations(args.json),
        What::Sets => sets(args.json),
        What::Symptoms => {
            let rows = registry.symptoms();
            if args.json {
                return print_json(&rows);
            }
            let mut text = String::new();
            for row in rows {
                let _ = writeln!(text, "{:<24} {:<11} {}", row.name, row.syndrome, row.words);
            }
            print(&text)
        }
    }
}

/// All alarms in both schemes, with how they sound.
fn alarms(json: bool) -> Result<(), Failure> {
    let parameters = ParameterSet::default();
    let all = AlarmSpec::all();
    if json {
        let rows: Vec<serde_json::Value> = all
            .iter()
            .map(|a| {
                let sound = a.class.sound(&parameters);
                serde_json::json!({"alarm": a.name, "class": a.class, "priority": a.grade(), "harm": a.harm,
                    "onset": a.onset, "because": a.because, "latency": a.latency, "ends": a.ends,
                    "tone": sound.words, "tone_s": sound.length, "repeat_h": sound.repeat,
                    "heard_awake": sound.heard, "source": a.source})
            })
            .collect();
        return print_json(&rows);
    }
    let mut text = String::from(ALARM_SCHEMES);
    for a in &all {
        let sound = a.class.sound(&parameters);
        let (class, grade) = (a.class.as_str(), a.grade().as_str());
        let _ = writeln!(
            text,
            "\n{}  [{class}; {grade} priority by IEC 60601-1-8: {} x {}]\n    because   {}\n    latency   {}\n    \
             sounds    {} of {} s every {}, heard awake with a chance of {} a tone\n    ends by   {}\n    source    {}",
            a.name.as_str(),
            format!("{:?}", a.harm).to_lowercase(),
            format!("{:?}", a.onset).to_lowercase(),
            a.because,
            a.latency,
            sound.words,
            sound.length,
            span(sound.repeat),
            sound.heard,
            a.ends,
            a.source
        );
    }
    print(&text)
}

/// Populations with every distribution, its grade and source.
fn populations(json: bool) -> Result<(), Failure> {
    let all = crate::population::builtin();
    if json {
        let rows: Vec<serde_json::Value> = all
            .iter()
            .map(|p| {
                serde_json::json!({"population": p.name(), "summary": p.summary(), "patient": p.patient(),
                    "distributions": p.distributions(), "correlations": p.correlations(), "origins": p.origins()})
            })
            .collect();
        return print_json(&rows);
    }
    let mut text = String::new();
    for p in all {
        let _ = writeln!(text, "{}\n    {}", p.name(), p.summary());
        for d in p.distributions() {
            let unit = d.parameter().map_or("1", |p| p.unit);
            let unit = if unit == "1" { String::new() } else { format!(" {unit}") };
            let _ = writeln!(
                text,
                "      {}: {}\n          {}; {}",
                d.key,
                d.words(&unit),
                format!("{:?}", d.grade).to_lowercase(),
                d.source
            );
        }
        for c in p.correlations().iter().filter(|c| c.r != 0.0) {
            let grade = format!("{:?}", c.grade).to_lowercase();
            let _ = writeln!(
                text,
                "      {} with {}: correlation {}\n          {grade}; {}",
                c.first, c.second, c.r, c.source
            );
        }
        for o in p.origins() {
            let _ = writeln!(
                text,
                "      origin {}, weight {}\n          {}",
                o.name, o.share, o.source
            );
        }
        text.push('\n');
    }
    text.push_str("Draw from one: itbsim patients --population NAME, or [population] name = \"NAME\" in a scenario.\n");
    print(&text)
}

/// Named sets of parameters.
fn sets(json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&SETS);
    }
    let mut text = String::new();
    for s in SETS {
        let _ = writeln!(
            text,
            "{}\n    {}\n    for      {}\n    against  {}",
            s.name, s.summary, s.source, s.against
        );
        for p in s.values {
            let _ = writeln!(text, "      {} = {} {}", p.key, p.value, p.unit);
        }
    }
    text.push_str(
        "Choose one: [model] set = \"NAME\" in a scenario; `itbsim parameters --set NAME` prints all values.\n",
    );
    print(&text)
}

/// Care policies with all their settings.
fn policies(all: &[PolicySpec], json: bool) -> Result<(), Failure> {
    let grade = |g: Grade| format!("{g:?}").to_lowercase();
    if json {
        let rows: Vec<serde_json::Value> = all
            .iter()
            .map(|k| {
                let numbers: Vec<serde_json::Value> = settings::specs(k.name)
                    .map(|(name, p)| {
                        serde_json::json!({"name": name, "key": p.key, "default": p.value, "unit": p.unit, "low": finite(p.low),
                            "high": finite(p.high), "grade": grade(p.grade), "source": p.source, "meaning": p.meaning})
                    })
                    .collect();
                let choices: Vec<serde_json::Value> = k
                    .choices
                    .iter()
                    .map(|c| serde_json::json!({"name": c.name, "words": c.words, "meaning": c.meaning}))
                    .collect();
                serde_json::json!({"policy": k.name, "summary": k.summary, "source": k.source, "choices": choices,
                    "numbers": numbers, "acts": k.acts, "flags": k.flags})
            })
            .collect();
        return print_json(&rows);
    }
    let mut text = String::from(
        "A [[care]] block names one of these; its settings replace the defaults below. Flags are events\n\
         care.ID.FLAG, acts are events action.ID.ACT.done.\n",
    );
    for k in all {
        let _ = writeln!(text, "\n{}\n    {}\n    source: {}", k.name, k.summary, k.source);
        for c in k.choices {
            let _ = writeln!(text, "      {:<20} {}: {}", c.name, c.words.join(" | "), c.meaning);
        }
        for (name, p) in settings::specs(k.name) {
            let unit = if p.unit == "1" { "" } else { p.unit };
            let value = format!("{} {unit}", p.value);
            let _ = writeln!(
                text,
                "      {name:<20} {} ({} to {}; {}, {}): {}",
                value.trim(),
                p.low,
                p.high,
                grade(p.grade),
                p.source,
                p.meaning
            );
        }
        for (what, names) in [("acts", k.acts), ("flags", k.flags)] {
            if !names.is_empty() {
                let _ = writeln!(text, "      {what}: {}", names.join(", "));
            }
        }
    }
    print(&text)
}

/// Pump families that can have a fault; none for a fault of the line.
fn families_with(registry: &Registry, kind: &str) -> Vec<&'static str> {
    let families = registry.pumps.families();
    families.filter(|f| f.faults.contains(&kind)).map(|f| f.name).collect()
}

/// Families with what they answer to, the faults they can have, and their figures.
fn pumps(registry: &Registry, json: bool) -> Result<(), Failure> {
    let figures = |family: &PumpFamily| -> Vec<&'static Parameter> {
        let prefixes = family.figures;
        crate::parameters::all()
            .filter(|p| prefixes.iter().any(|prefix| p.key.starts_with(prefix)))
            .collect()
    };
    if json {
        let rows: Vec<serde_json::Value> = registry
            .pumps
            .families()
            .map(|f| {
                serde_json::json!({"family": f.name, "summary": f.summary, "programmable": f.rates.is_some(),
                    "answers_to": f.surroundings, "faults": f.faults, "acts": f.acts,
                    "figures": figures(f).iter().map(|p| serde_json::json!({"key": p.key, "value": p.value, "unit": p.unit})).collect::<Vec<_>>()})
            })
            .collect();
        return print_json(&rows);
    }
    let mut text = String::new();
    for family in registry.pumps.families() {
        let programme = match family.rates {
            Some(_) => "programmable",
            None => "no programme: the dose is chosen by the concentration",
        };
        let _ = writeln!(
            text,
            "{}\n    {}; {programme}\n    answers to: {}\n    faults: {}\n    figures:",
            family.name,
            family.summary,
            family.surroundings,
            family.faults.join(", ")
        );
        for p in figures(family) {
            let unit = if p.unit == "1" { "" } else { p.unit };
            // Six decimals are enough to recognise a figure; `itbsim parameters` has them all.
            let digits = format!("{:.6}", p.value);
            let digits = digits.trim_end_matches('0').trim_end_matches('.');
            let value = format!("{digits} {unit}");
            let _ = writeln!(text, "      {:<34} {:<22} {}", p.key, value.trim_end(), p.meaning);
        }
    }
    print(&text)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn lines<T: AsRef<str> + serde::Serialize>(names: &[T], json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&names);
    }
    print(&names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("\n"))
}

/// Scenario files of a folder with title and lesson; files that do not load are named too.
fn scenarios(dir: &Path, json: bool, registry: &Registry) -> Result<(), Failure> {
    let shown = dir.display();
    let entries = std::fs::read_dir(dir).map_err(|e| {
        Failure::Input(format!(
            "error: cannot read the folder `{shown}`: {e}\n  help: name the folder of scenarios with --dir"
        ))
    })?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|x| x == "toml"))
        .collect();
    paths.sort();
    let catalog = registry.catalog();
    let mut rows = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let row = match crate::scenario::load(&path, &catalog) {
            Ok(story) => {
                let first = story.arms.first().map(|a| &a.scenario);
                serde_json::json!({"path": name, "title": first.map(|s| s.title.as_str()), "lesson": first.map(|s| s.lesson.as_str()),
                    "arms": story.arms.iter().map(|a| a.id.as_str()).filter(|id| !id.is_empty()).collect::<Vec<_>>()})
            }
            Err(_) => {
                serde_json::json!({"path": name, "title": null, "lesson": "does not load; see `itbsim check`", "arms": []})
            }
        };
        rows.push(row);
    }
    if json {
        return print_json(&rows);
    }
    let mut text = String::new();
    for row in &rows {
        let say = |key: &str| row[key].as_str().unwrap_or("").to_owned();
        let arms: Vec<&str> = row["arms"]
            .as_array()
            .map(|a| a.iter().filter_map(|v| v.as_str()).collect())
            .unwrap_or_default();
        let _ = writeln!(text, "{}\n    {}\n    {}", say("path"), say("title"), say("lesson"));
        if !arms.is_empty() {
            let _ = writeln!(text, "    arms: {}", arms.join(", "));
        }
    }
    print(&text)
}
