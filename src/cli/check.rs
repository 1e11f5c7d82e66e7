//! `itbsim check`: the scenario as understood, without running it.

use std::fmt::Write;

use crate::care::selection::{absolute, relative};
use crate::scenario::drugs::Drug;
use crate::scenario::model::{Action, Catalog, Exposure, Moment, Population, Profile, Scenario, Trigger, Value};
use crate::scenario::settings;
use crate::signals::Posture;
use crate::simulation::{Registry, span, words};

use super::{Failure, ScenarioArg, print, print_json};

/// Hours of a year.
const YEAR: f64 = 8766.0;

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
                    "care": s.care.iter().map(|c| serde_json::json!({"id": c.id, "policy": c.policy})).collect::<Vec<_>>(),
                    "expectations": s.expectations.len(),
                })
            })
            .collect();
        return print_json(&serde_json::json!({
            "scenario": story.name, "hash": story.hash, "arms": arms, "ok": true
        }));
    }
    let catalog = registry.catalog();
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}: understood (hash {})",
        story.name,
        &story.hash[..16.min(story.hash.len())]
    );
    for arm in &story.arms {
        if !arm.id.is_empty() {
            let _ = writeln!(text, "\narm {}", arm.id);
        }
        describe(&mut text, &arm.scenario, &catalog);
    }
    text.push_str("\nFor teaching and research, never for treating a person.\n");
    print(&text)
}

/// Whom the patient is drawn from, and around which parameters.
fn drawn(text: &mut String, s: &Scenario) {
    if let Some(set) = s.set {
        let _ = writeln!(text, "  parameters  named set {set}");
    }
    if let Some(uncertain) = &s.uncertain {
        let _ = writeln!(text, "  uncertain  draw {}", uncertain.draw);
    }
    if let Some(population) = &s.population {
        let who = match s.replicate {
            Some(n) => format!("patient {n}"),
            None => "the typical patient; --replicate K of `itbsim run` draws patient K".to_owned(),
        };
        let free = population
            .distributions()
            .iter()
            .filter(|d| !s.fixed.contains(d.key))
            .count();
        let _ = writeln!(
            text,
            "  population  {}: {who}; {free} of {} parameters vary",
            population.name(),
            population.distributions().len()
        );
    }
}

fn moment(m: &Moment) -> String {
    match m {
        Moment::At(t) => span(t.hours()),
        Moment::After { event, offset } if offset.as_nanos() == 0 => event.clone(),
        Moment::After { event, offset } => format!("{event} + {}", span(offset.hours())),
    }
}

fn profile(p: &Profile) -> String {
    match p {
        Profile::Step => "full at once".into(),
        Profile::Ramp { over } => format!("growing over {}", span(*over)),
        Profile::Intermittent { on, off } => format!("{} on, {} off", span(*on), span(*off)),
        Profile::InPosture(Posture::Supine) => "only lying".into(),
        Profile::InPosture(Posture::Upright) => "only upright".into(),
    }
}

fn repeated(dose: &str, every: f64, count: Option<u32>) -> String {
    match count {
        Some(1) => dose.to_owned(),
        Some(n) => format!("{n} x {dose}, every {}", span(every)),
        None => format!("{dose} every {} to the end", span(every)),
    }
}

/// An act in words.
fn act(action: &Action, s: &Scenario) -> String {
    match action {
        Action::Refill {
            volume,
            concentration,
            label,
            pocket_share,
            aspirate,
            syringe_error: _,
            others,
        } => {
            let others = others.unwrap_or_default();
            let mut text = format!(
                "refill, {volume} mL at {}",
                words::mixture(*concentration, others, &s.drugs)
            );
            if *label != s.pump.primary.map_or(*concentration, |i| others.get(i)) {
                let _ = write!(text, " entered as {}", words::concentration(*label));
            }
            if *pocket_share > 0.0 {
                let _ = write!(
                    text,
                    ", {} % of it into the pocket",
                    words::number(pocket_share * 100.0)
                );
            }
            if !aspirate {
                text.push_str(", old drug left in");
            }
            text
        }
        Action::CheckReservoir { .. } => "draw out the reservoir, read the syringe, put it back".into(),
        Action::Send { mode } => words::programme(mode),
        Action::Implant {
            volume, concentration, ..
        } => {
            format!("new pump with {volume} mL at {}", words::concentration(*concentration))
        }
        Action::Explant => "take the pump out".into(),
        Action::MissedRefill => "planned refill at which nobody comes".into(),
        Action::ScaleDose { factor } => {
            let change = (factor - 1.0) * 100.0;
            let verb = if change < 0.0 { "lower" } else { "raise" };
            format!("{verb} the dose by {} %", words::number(change.abs()))
        }
        Action::DemandBolus { rate: None } => "ask the pump for a bolus".into(),
        Action::DemandBolus { rate: Some(rate) } => {
            format!(
                "ask the pump for a bolus, by chance {} times a week",
                words::number(rate * 168.0)
            )
        }
        Action::Interrogate => "read the pump".into(),
        Action::EmptyPump => "draw the reservoir empty, stop the pump".into(),
        Action::LumbarBolus {
            dose,
            level,
            over,
            drug,
        } => {
            let other = drug.and_then(|i| s.drugs.get(i));
            format!(
                "{}{} by needle at {} over {}",
                words::dose(*dose),
                other.map_or(String::new(), |d| format!(" of {}", d.id)),
                level,
                span(*over)
            )
        }
        Action::OralBaclofen { dose, every, count } => {
            format!("oral baclofen, {}", repeated(&words::dose(*dose), *every, *count))
        }
        Action::Benzodiazepine { dose, every, count } => {
            format!("benzodiazepine, {}", repeated(&format!("{dose} mg"), *every, *count))
        }
        Action::BenzodiazepineInfusion { dose, over } => {
            format!(
                "benzodiazepine by vein, {} mg over {}",
                words::number(*dose),
                span(*over)
            )
        }
        Action::Cool { on: true } => "cool the body".into(),
        Action::Cool { on: false } => "stop cooling".into(),
        Action::EnterVolume { volume } => format!("{volume} mL entered as what the reservoir holds"),
        Action::CorrectProgramme => "set the programmer to what the notes say".into(),
        Action::Cyproheptadine { dose, every, count } => {
            format!("cyproheptadine, {}", repeated(&format!("{dose} mg"), *every, *count))
        }
        Action::DrainCsf { volume, over } => format!("drain {volume} mL of spinal fluid over {}", span(*over)),
        Action::InjectContrast { volume } => format!("{volume} mL of contrast through the access port"),
        Action::MriScan { over } => format!("magnetic resonance scan of {}", span(*over)),
        Action::Surround {
            exposure: Exposure::Pressure(p),
            over,
        } => format!("air of {p:.1} kPa for {}", span(*over)),
        Action::Surround {
            exposure: Exposure::Temperature(t),
            over,
        } => format!("pump at {t} degC for {}", span(*over)),
        Action::ResetValve => "reset the safety valve".into(),
        Action::Ventilate { on: true } => "ventilate".into(),
        Action::Ventilate { on: false } => "stop ventilating".into(),
        Action::Treat { remedy, over } if *over > 0.0 => format!("{} for {}", remedy.words(), span(*over)),
        Action::Treat { remedy, .. } => remedy.words().into(),
        Action::Posture(Posture::Supine) => "lie down".into(),
        Action::Posture(Posture::Upright) => "sit up".into(),
        Action::AspirateCatheter { volume } => format!("{volume} mL drawn through the access port"),
        Action::Repair { faults } => format!("repair {}", faults.join(", ")),
    }
}

/// Unit of a fault's field with a space before it, or nothing.
fn unit_of(catalog: &Catalog, kind: &str, field: &str) -> String {
    let known = catalog.fault_kinds.iter().find(|k| k.kind == kind);
    match known
        .and_then(|k| k.fields.iter().find(|f| f.name == field))
        .map(|f| f.unit)
    {
        None | Some("" | "1") => String::new(),
        Some(unit) => format!(" {unit}"),
    }
}

/// A drug beside baclofen with every number, its grade and its source.
fn describe_drug(text: &mut String, drug: &Drug) {
    let name = if drug.name == drug.id {
        String::new()
    } else {
        format!(" ({})", drug.name)
    };
    let _ = writeln!(text, "  drug      {}{name}", drug.id);
    for f in &drug.figures {
        let unit = if f.unit == "1" { "" } else { f.unit };
        let grade = format!("{:?}", f.grade).to_lowercase();
        let source = if f.source.is_empty() {
            "no source given"
        } else {
            &f.source
        };
        let value = format!("{} {unit}", f.value);
        let _ = writeln!(
            text,
            "            {:<40} {:<14} {grade}: {source}",
            f.name,
            value.trim()
        );
    }
}

fn describe(text: &mut String, s: &Scenario, catalog: &Catalog) {
    // The spelling of the file, so that what is shown can be copied.
    fn population(p: Population) -> &'static str {
        match p {
            Population::AdultSpinal => "adult-spinal",
            Population::AdultCerebral => "adult-cerebral",
            Population::Child => "child",
        }
    }
    let p = &s.patient;
    let _ = writeln!(text, "  title     {}", s.title);
    let _ = writeln!(
        text,
        "  duration  {}, a row every {}",
        span(s.duration.hours()),
        span(s.sample.hours())
    );
    drawn(text, s);
    let history = format!("{:?}", p.history).to_lowercase();
    let _ = writeln!(
        text,
        "  patient   {}, {} kg, {history}; without drug Ashworth legs {} arms {}, spasm score {}; effect model {}",
        population(p.population),
        p.weight,
        p.ashworth_legs,
        p.ashworth_arms,
        p.spasm_score,
        p.effect_model
    );
    let u = &s.pump;
    let counted = u.primary.map_or(u.concentration, |i| u.others.get(i));
    let label = if u.label_concentration == counted {
        String::new()
    } else {
        format!(" (label says {})", words::concentration(u.label_concentration))
    };
    let _ = writeln!(
        text,
        "  pump      {}, {} mL of {} mL at {}{label}, low alarm at {} mL",
        u.family,
        u.fill,
        u.reservoir_size,
        words::mixture(u.concentration, u.others, &s.drugs),
        u.low_reservoir_alarm
    );
    if let Some(drug) = u.primary.and_then(|i| s.drugs.get(i)) {
        let _ = writeln!(text, "            doses are counted in {}", drug.id);
    }
    if !p.implanted {
        text.push_str("            not implanted at the start\n");
    }
    let against = [absolute(&p.selection), relative(&p.selection)].concat();
    if !against.is_empty() {
        let _ = writeln!(text, "  against   {}", against.join(", "));
    }
    let c = &s.catheter;
    let material = format!("{:?}", c.material).to_lowercase();
    let _ = writeln!(text, "  catheter  {} cm, {material}, tip at {}", c.length, c.tip);
    if let Some(near) = &c.pump_segment {
        let _ = writeln!(
            text,
            "            two pieces: {} cm with {} mL next to the pump",
            near.length, near.volume
        );
    }
    if let Some(fill) = c.tube_concentration {
        let _ = writeln!(text, "            {} in the pump tube", words::concentration(fill));
    }
    if let Some(entered) = c.entered_length {
        let _ = writeln!(text, "            {entered} cm entered in the programmer");
    }
    for drug in &s.drugs {
        describe_drug(text, drug);
    }
    for step in &s.programme {
        let _ = writeln!(
            text,
            "  programme {} at {}: {}",
            step.id,
            moment(&step.at),
            words::programme(&step.mode)
        );
    }
    let hazards = crate::hazards::of_scenario(s);
    if !hazards.is_empty() {
        let kinds: Vec<&str> = hazards.iter().map(|h| h.kind.as_str()).collect();
        let _ = writeln!(text, "  hazards   by chance: {}", kinds.join(", "));
    }
    for f in &s.faults {
        let trigger = match &f.trigger {
            Trigger::At(m) => format!("at {}", moment(m)),
            Trigger::When(c) => format!("when {} {} {}", c.signal, if c.rising { ">" } else { "<" }, c.level),
            Trigger::Arises(_) => "by chance, at a surgery or out of another".to_owned(),
            Trigger::Drawn(onset) => format!("at {}, by chance", span(onset.at.hours())),
            Trigger::Hazard { rate } => format!("by chance, {} a year", words::number(rate * YEAR)),
        };
        let _ = write!(
            text,
            "  fault     {} ({}) {trigger}, {}",
            f.id,
            f.kind,
            profile(&f.profile)
        );
        for (name, value) in &f.values {
            let unit = unit_of(catalog, &f.kind, name);
            let _ = match value {
                Value::Number(x) => write!(text, ", {name} {x}{unit}"),
                Value::Text(word) => write!(text, ", {name} {word}"),
            };
        }
        if let Some(until) = &f.until {
            let _ = write!(text, ", until {}", moment(until));
        }
        text.push('\n');
    }
    for a in &s.actions {
        let unless = a.unless.as_ref().map(|e| format!(", unless {e}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  action    {} at {}{unless}: {}",
            a.id,
            moment(&a.at),
            act(&a.action, s)
        );
    }
    for c in &s.care {
        let _ = write!(text, "  care      {} ({})", c.id, c.policy);
        let specs: Vec<_> = settings::specs(&c.policy).collect();
        for (name, value) in &c.settings.numbers {
            // What the block or the parameters of the scenario changed.
            if let Some((_, p)) = specs.iter().find(|(n, _)| n == name)
                && p.value != *value
            {
                let unit = if p.unit == "1" {
                    String::new()
                } else {
                    format!(" {}", p.unit)
                };
                let _ = write!(text, ", {name} {value}{unit}");
            }
        }
        for (name, word) in &c.settings.words {
            let _ = write!(text, ", {name} {word}");
        }
        text.push('\n');
    }
    let claims = s.expectations.len();
    let _ = writeln!(
        text,
        "  expects   {claims} {}",
        if claims == 1 { "claim" } else { "claims" }
    );
}
