//! `itbsim why`: the causal chain of an event, and the run without its root.

use std::fmt::Write;

use crate::scenario::model::{Action, ActionStep};
use crate::simulation::{self, Registry, RunOptions, why};

use super::{Failure, ScenarioArg, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim why scenarios/missed-refill.toml symptom.spasms_increased.onset
  itbsim why scenarios/programming-error.toml symptom.somnolence.onset --json

The event is COMPONENT.KIND as in events.csv; its first occurrence is explained.")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Event to explain, for example symptom.spasms_increased.onset
    event: String,
    /// Arm to look at, if the scenario has arms
    #[arg(long)]
    arm: Option<String>,
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
    let left_out = why::removable_root(&chain).map(|(kind, id)| format!("{kind}.{id}"));
    let other = match &left_out {
        None => None,
        Some(root) => {
            let options = RunOptions {
                without: vec![root.clone()],
                ..options
            };
            Some(simulation::simulate(&arm.scenario, &registry, &options).map_err(|e| super::run::in_arm(arm, e))?)
        }
    };
    let paired = left_out.as_deref().zip(other.as_ref());
    let Some(answer) = why::explain(&run, &args.event, paired) else {
        return Err(Failure::Input(format!("error: no event `{}`", args.event)));
    };
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
                b.event_h.map_or(String::new(), simulation::span),
                b.outcome
            );
        }
        None => text.push_str("\nNo fault or act of the scenario stands at the root; this is the therapy itself.\n"),
    }
    text.push_str("\nFor teaching and research, never for treating a person.\n");
    print(&text)
}
