//! From hazards to the faults of one replicate.

use std::collections::BTreeMap;

use super::table::{Clock, Hazard, of_scenario};
use crate::engine::SimTime;
use crate::numerics::Draws;
use crate::parameters::ParameterSet;
use crate::quantity::Dimension;
use crate::scenario::model::{Fault, Onset, Profile, Scenario, Trigger, Value};
use crate::signals::Level;

/// Key of the onset among the draws of one hazard.
pub(super) const ONSET: &str = "onset";

/// The faults that strike within the run, in the order of [`KINDS`](super::KINDS).
///
/// Each has the kind as its id, which no fault of a file can have (ids have no dot).
/// The draws of a kind are keyed by `hazard.KIND`, so they do not depend on which
/// other kinds or faults there are, nor on the length of the run.
///
/// # Example
/// ```
/// use itbsim::numerics::Draws;
/// use itbsim::simulation::Registry;
///
/// let text = r#"
/// title = "By chance"
/// duration = "6 y"
/// [hazards]
/// generation = "silicone"
/// scale = 50.0
/// [pump]
/// reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
/// [[programme]]
/// at = "0 d"
/// simple_continuous = "300 ug/day"
/// "#;
/// let story = itbsim::scenario::load_str("by-chance", text, None, &Registry::builtin().catalog()).unwrap();
/// let faults = itbsim::hazards::draw(&story.arms[0].scenario, &Draws::new(1, 0));
/// assert!(faults.iter().any(|f| f.kind.starts_with("catheter.")));
/// ```
pub fn draw(scenario: &Scenario, draws: &Draws) -> Vec<Fault> {
    draw_from(scenario, &of_scenario(scenario), draws)
}

/// The same from hazards that were read once, for many replicates of one scenario.
pub fn draw_from(scenario: &Scenario, hazards: &[Hazard], draws: &Draws) -> Vec<Fault> {
    hazards
        .iter()
        .filter_map(|hazard| {
            let entity = entity(hazard);
            let u = draws.uniform(&entity, ONSET, 0);
            let wait = hazard.shape.wait(age(scenario, hazard.clock), -libm::log(u))?;
            strike(scenario, hazard, draws, u, wait)
        })
        .collect()
}

/// Name under which a hazard draws.
pub(super) fn entity(hazard: &Hazard) -> String {
    format!("hazard.{}", hazard.kind)
}

/// Age of the implant at the start \[h\].
pub(super) fn age(scenario: &Scenario, clock: Clock) -> f64 {
    let own = scenario.hazards.as_ref().and_then(|h| h.catheter_age);
    match (clock, own) {
        (Clock::Catheter, Some(age)) => age,
        _ => scenario.pump.age,
    }
}

/// The fault that strikes after a wait \[h\] that `u` decided, if that is within the run.
pub(super) fn strike(scenario: &Scenario, hazard: &Hazard, draws: &Draws, u: f64, wait: f64) -> Option<Fault> {
    if wait > scenario.duration.hours() {
        return None;
    }
    let entity = entity(hazard);
    let age = age(scenario, hazard.clock);
    let at = SimTime::from_hours(wait).ok()?;
    let luck = Luck { draws, entity: &entity };
    let values = severity(scenario, &hazard.kind, &luck);
    let mut detail = format!(
        "drawn: u = {u} of (seed {}, replicate {}, {entity}, {ONSET}) at age {} of the implant",
        draws.seed(),
        draws.replicate(),
        days(age),
    );
    for (name, value) in &values {
        match value {
            Value::Number(x) => detail.push_str(&format!("; {name} {x}{}", unit(name))),
            Value::Text(word) => detail.push_str(&format!("; {name} {word}")),
        }
    }
    Some(Fault {
        id: hazard.kind.clone(),
        kind: hazard.kind.clone(),
        trigger: Trigger::Drawn(Onset { at, detail }),
        profile: match hazard.kind.as_str() {
            "pump.over_infusion" => Profile::Ramp {
                over: scenario
                    .parameters
                    .get_as("hazards.draw.over_infusion.ramp", Dimension::Time),
            },
            _ => Profile::Step,
        },
        until: None,
        values,
    })
}

/// Unit of a drawn value with a space before it, or nothing.
fn unit(name: &str) -> &'static str {
    match name {
        "position" => " cm",
        "conductance" => " mL/(h kPa)",
        _ => "",
    }
}

fn days(hours: f64) -> String {
    format!("{} d", hours / 24.0)
}

/// The draws of one hazard by purpose.
struct Luck<'a> {
    draws: &'a Draws,
    entity: &'a str,
}

impl Luck<'_> {
    fn uniform(&self, purpose: &str) -> f64 {
        self.draws.uniform(self.entity, purpose, 0)
    }

    fn between(&self, purpose: &str, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform(purpose)
    }
}

/// Place and severity from the stated ranges.
fn severity(scenario: &Scenario, kind: &str, luck: &Luck<'_>) -> BTreeMap<String, Value> {
    let p = &scenario.parameters;
    let mut values = BTreeMap::new();
    let mut put = |name: &str, value: Value| {
        values.insert(name.to_owned(), value);
    };
    let catheter = &scenario.catheter;
    let (low, high) = (p.get("hazards.draw.position.low"), p.get("hazards.draw.position.high"));
    let position = (catheter.length * luck.between("position", low, high)).clamp(0.0, catheter.length);
    // Outside the canal what escapes ends under the skin, inside it beside the dura.
    let into = if position < catheter.length - catheter.spinal_length {
        "subcutaneous"
    } else {
        "epidural"
    };
    match kind {
        "catheter.occlusion" => put("position", Value::Number(position)),
        "catheter.kink" => {
            put("position", Value::Number(position));
            let bore = luck.between("bore", 0.0, p.get("hazards.draw.kink.bore"));
            put("bore", Value::Number(bore));
        }
        "catheter.leak" => {
            put("position", Value::Number(position));
            put("conductance", Value::Number(conductance(p, luck)));
            put("into", Value::Text(into.to_owned()));
        }
        "catheter.disconnection" => {
            put("position", Value::Number(position));
            put("into", Value::Text(into.to_owned()));
        }
        "catheter.migration" => put("to", Value::Text(destination(p, catheter.tip, luck))),
        "pump.over_infusion" => {
            let low = p.get("hazards.draw.over_infusion.gain_low");
            let gain = luck.between("gain", low, p.get("hazards.draw.over_infusion.gain_high"));
            put("gain", Value::Number(gain));
        }
        _ => {}
    }
    values
}

/// Log-uniform \[mL/h/kPa\].
fn conductance(p: &ParameterSet, luck: &Luck<'_>) -> f64 {
    let low = libm::log(p.get_as("hazards.draw.leak.conductance_low", Dimension::Conductance));
    let high = libm::log(p.get_as("hazards.draw.leak.conductance_high", Dimension::Conductance));
    libm::exp(luck.between("conductance", low, high))
}

/// Where a migrated tip lies.
fn destination(p: &ParameterSet, tip: Level, luck: &Luck<'_>) -> String {
    let u = luck.uniform("to");
    let epidural = p.get("hazards.draw.migration.epidural");
    let subcutaneous = epidural + p.get("hazards.draw.migration.subcutaneous");
    let subdural = subcutaneous + p.get("hazards.draw.migration.subdural");
    if u < epidural {
        return "epidural".to_owned();
    }
    if u < subcutaneous {
        return "subcutaneous".to_owned();
    }
    if u < subdural {
        return "subdural".to_owned();
    }
    let most = p.get("hazards.draw.migration.levels");
    // One to `most` levels down, none below the sacrum; the range keeps it a small number.
    let down = 1 + libm::floor(luck.uniform("levels") * most) as usize;
    match tip.index().checked_sub(down) {
        Some(index) => Level::ALL[index].to_string(),
        None if tip.index() > 0 => Level::ALL[0].to_string(),
        None => "epidural".to_owned(),
    }
}
