//! `itbsim why`: the causal chain of an event, and the run without its root.

use std::fmt::Write;

use crate::scenario::model::{Action, ActionStep};
use crate::simulation::{self, Registry, RunOptions, why};

use super::{Failure, ScenarioArg, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim why scenarios/missed-refill.toml symptom.spasms_increased.onset
  itbsim why scenarios/programming-error.toml symptom.somnolence.onset --json
  itbsim why scenarios/overdose-rescue.toml --arm drained symptom.coma.resolved --without action.hospital.drain

The event is COMPONENT.KIND as in events.csv; its first occurrence is explained. What is left out
of the second run is the first fault, act or later programme of the chain, or what --without names:
a fault, act, programme or policy, also an act that a policy ordered (action.POLICY.ACT). The
policies believe that an act of theirs was done; it only has no effect.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Event to explain, for example symptom.spasms_increased.onset
    event: String,
    /// Arm to look at, if the scenario has arms
    #[arg(long)]
    arm: Option<String>,
    /// Element to leave out, as fault.ID, action.ID, programme.ID or care.ID, instead of the root
    #[arg(long, value_name = "ELEMENT")]
    without: Option<String>,
    /// Seed, if not the scenario's own
    #[arg(long)]
    seed: Option<u64>,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    let arm = super::run::pick_arm(&story, args.arm.as_deref())?;
    let options = RunOptions {
        seed: args.seed,
        ..RunOptions::default()
    };
    let run = simulation::simulate(&arm.scenario, &registry, &options).map_err(|e| super::run::in_arm(arm, e))?;
    let Some(chain) = why::chain(&run, &args.event) else {
        let mut names: Vec<String> = run.events.iter().map(simulation::EventRow::name).collect();
        names.sort();
        names.dedup();
        let near = names
            .iter()
            .map(|n| (strsim::jaro_winkler(n, &args.event), n))
            .filter(|(score, _)| *score > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = match near {
            Some((_, name)) => format!("did you mean `{name}`?"),
            None => format!("events of this run: {}", names.join(", ")),
        };
        return Err(Failure::Input(format!(
            "error: no event `{}` happens in this run\n  help: {hint}",
            args.event
        )));
    };
    let named = |(kind, id): (&str, &str)| format!("{kind}.{id}");
    let left_out = match &args.without {
        Some(element) => Some(element_of(&run, element)?),
        None => why::removable_root(&chain).map(named),
    };
    let nearest = match &args.without {
        Some(_) => None,
        None => why::removable_nearest(&chain).map(named),
    };
    let lacking = |element: &String| {
        let options = RunOptions {
            without: vec![element.clone()],
            ..options.clone()
        };
        simulation::simulate(&arm.scenario, &registry, &options).map_err(|e| super::run::in_arm(arm, e))
    };
    let other = left_out.as_ref().map(lacking).transpose()?;
    let paired = left_out.as_deref().zip(other.as_ref());
    let Some(mut answer) = why::explain(&run, &args.event, paired) else {
        return Err(Failure::Input(format!("error: no event `{}`", args.event)));
    };
    if let Some(element) = &nearest {
        let other = lacking(element)?;
        answer.nearest = Some(why::but_for(&run, &args.event, element, &other));
    }
    if args.json {
        return print_json(&answer);
    }
    let said = |root: &str| {
        let missed = |a: &ActionStep| a.action == Action::MissedRefill && format!("action.{}", a.id) == root;
        match arm.scenario.actions.iter().any(missed) {
            // Leaving out a missed refill means that somebody came.
            true => format!("had {root} been done as planned"),
            false => format!("without {root}"),
        }
    };
    let mut text = format!("Why did {} happen?\n\n", answer.event);
    let mut before: Option<f64> = None;
    for (index, link) in answer.chain.iter().enumerate() {
        // Of the many steps of a ramp the first and the last say enough.
        let same = |at: Option<usize>| {
            at.and_then(|at| answer.chain.get(at))
                .is_some_and(|other| other.kind == "progress" && other.component == link.component)
        };
        if link.kind == "progress" && same(index.checked_sub(1)) && same(index.checked_add(1)) {
            if before.is_some() && !same(index.checked_sub(2)) {
                text.push_str("         ...  and further steps\n");
            }
            continue;
        }
        let since = before.map_or(String::new(), |t| format!("  (+{})", simulation::span(link.time_h - t)));
        let detail = if link.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", link.detail)
        };
        let _ = writeln!(
            text,
            "  {:>10}  {}{detail}{since}",
            simulation::span(link.time_h),
            link.name()
        );
        before = Some(link.time_h);
    }
    match &answer.but_for {
        Some(b) if b.verdict == "cause" => {
            let _ = writeln!(
                text,
                "\nCause: {} (same patient, same luck) it does not happen; that run ends {}.",
                said(&b.without),
                b.outcome
            );
        }
        Some(b) => {
            let _ = writeln!(
                text,
                "\nMechanism, not the only cause: {} it still happens, at {}; that run ends {}.",
                said(&b.without),
                when(b),
                b.outcome
            );
        }
        None => text.push_str("\nNo fault or act of the scenario stands at the root; this is the therapy itself.\n"),
    }
    if let Some(b) = &answer.nearest {
        let what = match b.event_h {
            None => "it does not happen".to_owned(),
            Some(_) => format!("it happens at {}", when(b)),
        };
        let _ = writeln!(
            text,
            "Nearest act: {} {what}; that run ends {}.",
            said(&b.without),
            b.outcome
        );
    }
    text.push_str("\nFor teaching and research, never for treating a person.\n");
    print(&text)
}

/// An element that a run can leave out, or what is wrong with the name.
fn element_of(run: &simulation::RunResult, element: &str) -> Result<String, Failure> {
    let mut known: Vec<&str> = run
        .events
        .iter()
        .map(|e| e.component.as_str())
        .filter(|c| {
            c.split_once('.')
                .is_some_and(|(kind, _)| ["fault", "action", "programme", "care"].contains(&kind))
        })
        .collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&element) {
        return Ok(element.to_owned());
    }
    Err(Failure::Input(format!(
        "error: this run has no element `{element}` to leave out\n  help: it has {}",
        known.join(", ")
    )))
}

/// When the event came in the run without an element, and how that compares.
fn when(b: &why::ButFor) -> String {
    let at = b.event_h.map_or(String::new(), simulation::span);
    match b.later_h {
        Some(later) if later > 0.0 => format!("{at}, {} later", simulation::span(later)),
        Some(later) if later < 0.0 => format!("{at}, {} sooner", simulation::span(-later)),
        _ => at,
    }
}
