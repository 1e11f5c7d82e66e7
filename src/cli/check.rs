//! `itbsim check`: the scenario as understood, without running it.

use std::fmt::Write;

use crate::scenario::model::{Moment, Scenario, Trigger};
use crate::simulation::Registry;

use super::{Failure, ScenarioArg, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim check scenarios/connector-leak.toml
  itbsim check my-case.toml --json")]
pub(crate) struct Args {
    #[command(flatten)]
    scenario: ScenarioArg,
    /// Machine-readable output
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let registry = Registry::builtin();
    let story = args.scenario.load(&registry)?;
    if args.json {
        let arms: Vec<serde_json::Value> = story
            .arms
            .iter()
            .map(|arm| {
                let s = &arm.scenario;
                serde_json::json!({
                    "arm": arm.id,
                    "title": s.title,
                    "duration_h": s.duration.hours(),
                    "programmes": s.programme.len(),
                    "faults": s.faults.iter().map(|f| serde_json::json!({"id": f.id, "kind": f.kind, "values": f.values})).collect::<Vec<_>>(),
                    "actions": s.actions.iter().map(|a| &a.id).collect::<Vec<_>>(),
                    "expectations": s.expectations.len(),
                })
            })
            .collect();
        return print_json(&serde_json::json!({
            "scenario": story.name, "hash": story.hash, "arms": arms, "ok": true
        }));
    }
    let mut text = String::new();
    let _ = writeln!(text, "{}: understood (hash {})", story.name, &story.hash[..16.min(story.hash.len())]);
    for arm in &story.arms {
        if !arm.id.is_empty() {
            let _ = writeln!(text, "\narm {}", arm.id);
        }
        describe(&mut text, &arm.scenario);
    }
    text.push_str("\nFor teaching and research, never for treating a person.\n");
    print(&text)
}

fn moment(m: &Moment) -> String {
    match m {
        Moment::At(t) => format!("{} h", t.hours()),
        Moment::After { event, offset } => format!("{event} + {} h", offset.hours()),
    }
}

fn describe(text: &mut String, s: &Scenario) {
    let p = &s.patient;
    let _ = writeln!(text, "  title     {}", s.title);
    let _ = writeln!(text, "  duration  {} h ({} d), rows every {} min", s.duration.hours(), s.duration.hours() / 24.0, s.sample.hours() * 60.0);
    let _ = writeln!(
        text,
        "  patient   {:?}, {} kg, {:?} therapy, Ashworth legs {} arms {}, spasm score {}, effect model {}",
        p.population, p.weight, p.history, p.ashworth_legs, p.ashworth_arms, p.spasm_score, p.effect_model
    );
    let u = &s.pump;
    let _ = writeln!(
        text,
        "  pump      {}, {} mL reservoir with {} mL at {} ug/mL (label {} ug/mL), low alarm at {} mL",
        u.family, u.reservoir_size, u.fill, u.concentration, u.label_concentration, u.low_reservoir_alarm
    );
    let c = &s.catheter;
    let _ = writeln!(text, "  catheter  {} cm {:?}, tip at {}", c.length, c.material, c.tip);
    for step in &s.programme {
        let _ = writeln!(text, "  programme {} at {}: {:?}", step.id, moment(&step.at), step.mode);
    }
    for f in &s.faults {
        let trigger = match &f.trigger {
            Trigger::At(m) => format!("at {}", moment(m)),
            Trigger::When(c) => format!("when {} {} {}", c.signal, if c.rising { ">" } else { "<" }, c.level),
            Trigger::Hazard { rate } => format!("by hazard, {} per year", rate * 8766.0),
        };
        let _ = writeln!(text, "  fault     {} ({}) {trigger}, {:?} {:?}", f.id, f.kind, f.profile, f.values);
    }
    for a in &s.actions {
        let _ = writeln!(text, "  action    {} at {}: {:?}", a.id, moment(&a.at), a.action);
    }
    let _ = writeln!(text, "  expects   {} claims", s.expectations.len());
}
