//! A pump family, a fault and an effect model from outside the crate.
//!
//! Three traits are open: implement one, register it in one line, and every scenario
//! may name it. Nothing in the crate changes, and the loader checks the new names,
//! fields and units as it checks its own.
//!
//! | to add | implement | register |
//! |---|---|---|
//! | a pump family | [`Works`] | `registry.pumps.register(FAMILY)` |
//! | a fault kind | [`FaultMechanism`] | `registry.add_fault(KIND, build)` |
//! | an effect model | [`EffectModel`] | `registry.effects.register(name, build)` |
//!
//! Here: a pump in which a voltage drags fluid through a membrane, with one flow, set in the
//! factory; a regulator that fails, which raises that flow; and an effect that begins at a
//! threshold and grows in a straight line. Numbers are made up for the example.
//!
//! `cargo run --example plug_in`

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{Chassis, Disturbance, Equipment, PumpError, PumpFamily, PumpNotice, PumpSetup, Works};
use itbsim::response::EffectModel;
use itbsim::scenario::load_str;
use itbsim::scenario::model::{Fault, FaultKind, FieldSpec, Value};
use itbsim::signals::{Drive, Region};
use itbsim::simulation::{FaultMechanism, LEDGER_LIMIT, Plant, Registry, RunOptions, RunResult, SimError, simulate};
use serde::{Deserialize, Serialize};

// ---- 1: a pump family

/// Flow set in the factory \[mL/h\].
const FLOW: f64 = 1.0 / 24.0;
/// Outlet pressure against which the membrane gives nothing more \[kPa\].
const STALL_PRESSURE: f64 = 60.0;

/// What moves the drug, and nothing else: reservoir, label, accounts and storage come with
/// the chassis that the crate puts around it.
///
/// The whole state is plain numbers, so `Clone`, `Serialize` and `Deserialize` are derived
/// and a stored run goes on with the same bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Osmotic {
    /// Share by which each disturbance raises the flow, by the name of its source.
    extra: BTreeMap<String, f64>,
}

impl Works for Osmotic {
    /// What the registry and the loader know: no programme (`rates` is left out), and the
    /// one fault of the pump that the family can have.
    const FAMILY: PumpFamily = PumpFamily {
        summary: "electro-osmotic, one fixed flow of 1 mL/day",
        faults: &[SURGE.kind],
        ..PumpFamily::of::<Self>("osmotic")
    };

    fn new(_: &PumpSetup, _: &ParameterSet) -> Result<(Self, Equipment), PumpError> {
        let works = Osmotic { extra: BTreeMap::new() };
        let equipment = Equipment {
            residual: 0.0,
            limits: None,
            battery: None,
            fixed_flow: FLOW,
        };
        Ok((works, equipment))
    }

    fn drive(&self, chassis: &Chassis) -> Drive {
        let flow = if chassis.can_deliver() {
            FLOW * (1.0 + self.extra.values().sum::<f64>())
        } else {
            0.0
        };
        Drive {
            flow,
            // Pressure at the outlet costs flow.
            droop: flow / STALL_PRESSURE,
            max_pressure: STALL_PRESSURE,
        }
    }

    /// Faults it cannot have are refused, by a typed error that names the family.
    fn disturb(
        &mut self,
        _: SimTime,
        _: &mut Chassis,
        source: &str,
        disturbance: &Disturbance,
        _: &mut Vec<PumpNotice>,
    ) -> Result<bool, PumpError> {
        match disturbance {
            Disturbance::Custom { name, values } if name == "surge" => {
                let extra = values.get("extra_flow").copied().unwrap_or(0.0);
                self.extra.insert(source.to_owned(), extra);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn relieve(&mut self, _: SimTime, source: &str, _: &mut Vec<PumpNotice>) {
        self.extra.remove(source);
    }
}

// ---- 2: a fault kind

/// What a scenario may write: the name, and one field with its unit and range.
const SURGE: FaultKind = FaultKind {
    kind: "osmotic.surge",
    hazard: "X-01",
    mechanism: "The regulator fails high: the voltage rises, and with it the flow.",
    fields: &[FieldSpec {
        name: "extra_flow",
        unit: "1",
        default: None,
        low: 0.0,
        high: 2.0,
        words: &[],
        meaning: "share added to the flow at full severity",
    }],
};

/// How it acts. It holds its configuration and no state; the simulation brings the
/// severity, so triggers, ramps and repair come for nothing.
struct Surge {
    extra_flow: f64,
}

impl Surge {
    fn build(fault: &Fault) -> Result<Arc<dyn FaultMechanism>, SimError> {
        match fault.values.get("extra_flow") {
            Some(Value::Number(extra_flow)) => Ok(Arc::new(Surge {
                extra_flow: *extra_flow,
            })),
            _ => Err(SimError::FaultField {
                id: fault.id.clone(),
                field: "extra_flow".to_owned(),
            }),
        }
    }
}

impl FaultMechanism for Surge {
    fn apply(&self, id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
        if severity > 0.0 {
            let surge = Disturbance::Custom {
                name: "surge".to_owned(),
                values: BTreeMap::from([("extra_flow".to_owned(), severity * self.extra_flow)]),
            };
            plant.pump.disturb(plant.now, id, &surge, plant.notices)?;
        } else {
            plant.pump.relieve(plant.now, id, plant.notices);
        }
        Ok(())
    }
}

// ---- 3: an effect model

/// Nothing below a threshold, everything at a ceiling, a straight line between.
#[derive(Debug, Clone)]
struct Threshold {
    from: f64,
    full: f64,
}

impl EffectModel for Threshold {
    fn name(&self) -> &str {
        "threshold"
    }

    fn effect(&self, region: Region, c: f64, tolerance: f64) -> f64 {
        // The brainstem needs far more.
        let scale = if region == Region::Brainstem { 10.0 } else { 1.0 } * (1.0 + tolerance);
        ((c / scale - self.from) / (self.full - self.from)).clamp(0.0, 1.0)
    }

    fn clone_box(&self) -> Box<dyn EffectModel> {
        Box::new(self.clone())
    }
}

// ---- and a scenario that names them

/// 400 ug/day by either pump: the fixed flow of 1 mL/day needs 0.4 mg/mL. A pump that
/// cannot be programmed has no programme in its file.
fn story(family: &str, effect_model: &str, fault: &str) -> String {
    let programme = if family == "osmotic" { "" } else { PROGRAMME };
    format!(
        r#"
title = "A regulator fails in a pump that has no motor"
duration = "6 d"
sample = "1 h"
[patient]
weight = "70 kg"
history = "established"
effect_model = "{effect_model}"
[pump]
family = "{family}"
gain = 1.0
reservoir = {{ size = "40 mL", fill = "30 mL", concentration = "400 ug/mL" }}
{programme}
{fault}
"#
    )
}

const PROGRAMME: &str = r#"
[[programme]]
id = "maintenance"
at = "0 d"
simple_continuous = "400 ug/day"
"#;

const FAILURE: &str = r#"
[[fault]]
id = "regulator"
kind = "osmotic.surge"
at = "2 d"
until = "3 d"
profile = { ramp = "2 h" }
extra_flow = 0.5
"#;

fn try_out(registry: &Registry, text: &str) -> Result<RunResult, Box<dyn Error>> {
    let story = load_str("plug_in.toml", text, None, &registry.catalog())?;
    Ok(simulate(&story.arms[0].scenario, registry, &RunOptions::default())?)
}

fn at(run: &RunResult, column: &str, hours: f64) -> f64 {
    let index = run
        .columns
        .iter()
        .position(|c| c == column)
        .expect("a column of every run");
    run.rows
        .iter()
        .rfind(|r| r[0] <= hours)
        .map_or(f64::NAN, |row| row[index])
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut registry = Registry::builtin();
    registry.pumps.register(Osmotic::FAMILY);
    registry.add_fault(SURGE, Surge::build);
    registry.effects.register("threshold", |p| {
        let ec50 = p.get("response.effect.ec50");
        Box::new(Threshold {
            from: 0.2 * ec50,
            full: 1.8 * ec50,
        })
    });

    let runs = [
        (
            "peristaltic, emax",
            try_out(&registry, &story("peristaltic", "emax", ""))?,
        ),
        ("osmotic, emax", try_out(&registry, &story("osmotic", "emax", ""))?),
        (
            "osmotic, emax, surge",
            try_out(&registry, &story("osmotic", "emax", FAILURE))?,
        ),
        (
            "osmotic, threshold, surge",
            try_out(&registry, &story("osmotic", "threshold", FAILURE))?,
        ),
    ];
    println!(
        "{:<26}{:>18}{:>16}{:>14}{:>16}",
        "at 70 h", "delivered ug/day", "reservoir mL", "L3 ng/mL", "Ashworth legs"
    );
    for (name, run) in &runs {
        println!(
            "{name:<26}{:>18.1}{:>16.3}{:>14.1}{:>16.2}",
            at(run, "delivered_ug_per_day", 70.0),
            at(run, "reservoir_ml", 70.0),
            at(run, "csf_l3_ng_per_ml", 70.0),
            at(run, "ashworth_legs", 70.0)
        );
        assert!(run.ledger_residual <= LEDGER_LIMIT, "not a microgram is lost");
    }
    let [(_, built_in), (_, osmotic), (_, surge), (_, linear)] = &runs;

    // At rest both pumps are the same to the spine, up to the pressure at the tip that the
    // membrane works against.
    let (a, b) = (
        at(built_in, "csf_l3_ng_per_ml", 70.0),
        at(osmotic, "csf_l3_ng_per_ml", 70.0),
    );
    assert!((a / b - 1.0).abs() < 0.05, "{a} and {b} ng/mL");
    // The surge raises the flow by half, less the little pressure that more flow needs, and ends.
    let flows = |run: &RunResult, h: f64| at(run, "flow_ml_per_day", h);
    assert!((flows(surge, 70.0) / flows(osmotic, 70.0) - 1.5).abs() < 1e-3);
    assert_eq!(flows(surge, 80.0), flows(osmotic, 80.0));
    // The effect model changes what the patient feels and nothing that the pump gives.
    assert_eq!(
        at(surge, "csf_l3_ng_per_ml", 70.0),
        at(linear, "csf_l3_ng_per_ml", 70.0)
    );
    assert_ne!(at(surge, "ashworth_legs", 70.0), at(linear, "ashworth_legs", 70.0));

    // The loader knows the new names, and says so when one is misspelt.
    let slip = story("osmotic", "emax", &FAILURE.replace("extra_flow", "extra_flo"));
    let mistake = try_out(&registry, &slip).expect_err("no such field").to_string();
    println!("\n{mistake}");
    assert!(mistake.contains("extra_flow"));
    // And a fault the family cannot have is a mistake in the file, found before anything runs.
    let stall = "[[fault]]\nid = \"stuck\"\nkind = \"pump.stall\"\nat = \"1 d\"\n";
    let refusal = try_out(&registry, &story("osmotic", "emax", stall)).expect_err("it has no motor");
    println!("{refusal}");
    Ok(())
}
