//! A pump family, a fault and an effect model from outside the crate.
//!
//! Three traits are open: implement one, register it in one line, and every scenario
//! may name it. Nothing in the crate changes, and the loader checks the new names,
//! fields and units as it checks its own.
//!
//! | to add | implement | register |
//! |---|---|---|
//! | a pump family | [`Pump`] | `registry.pumps.register(PumpFamily { name, summary, build, restore })` |
//! | a fault kind | [`FaultMechanism`] | `registry.add_fault(KIND, build)` |
//! | an effect model | [`EffectModel`] | `registry.effects.register(name, build)` |
//!
//! Here: a pump driven by the vapour of a propellant, which has one flow, set in the
//! factory; a hot bath, which raises that flow; and an effect that begins at a threshold
//! and grows in a straight line. Numbers are made up for the example.
//!
//! `cargo run --example plug_in`

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use itbsim::engine::SimTime;
use itbsim::parameters::ParameterSet;
use itbsim::pump::{
    Command, Disturbance, NextEvent, Pump, PumpError, PumpEvent, PumpFamily, PumpNotice, PumpSetup, Refill,
    RefillReport, Reservoir, Telemetry,
};
use itbsim::response::EffectModel;
use itbsim::scenario::load_str;
use itbsim::scenario::model::{Fault, FaultKind, FieldSpec, Programme, Value};
use itbsim::signals::{Drive, Region};
use itbsim::simulation::{FaultMechanism, LEDGER_LIMIT, Plant, Registry, RunOptions, RunResult, SimError, simulate};
use serde::{Deserialize, Serialize};

// ---- 1: a pump family

/// Flow set in the factory \[mL/h\].
const FLOW: f64 = 1.0 / 24.0;
/// Outlet pressure that the propellant cannot overcome \[kPa\].
const VAPOUR_PRESSURE: f64 = 60.0;

/// A pump without motor, battery or programme: it runs from the first filling until it
/// is empty. The dose is chosen by the concentration of the drug.
///
/// The whole state is plain numbers, so `Clone`, `Serialize` and `Deserialize` are derived
/// and a stored run goes on with the same bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct GasPump {
    reservoir: Reservoir,
    label: f64,
    running: bool,
    /// Share by which each disturbance raises the flow, by the name of its source.
    extra: BTreeMap<String, f64>,
}

impl GasPump {
    const NAME: &'static str = "gas";

    /// What the registry is given: the name, and two functions that make a pump.
    const FAMILY: PumpFamily = PumpFamily {
        name: Self::NAME,
        summary: "propellant-driven, one fixed flow of 1 mL/day",
        build: |setup, parameters| Ok(Box::new(GasPump::new(setup, parameters)?)),
        restore: |state| match GasPump::deserialize(state) {
            Ok(pump) => Ok(Box::new(pump)),
            Err(e) => Err(PumpError::Restore {
                family: GasPump::NAME.to_owned(),
                reason: e.to_string(),
            }),
        },
    };

    fn new(setup: &PumpSetup, _: &ParameterSet) -> Result<Self, PumpError> {
        let device = &setup.device;
        Ok(GasPump {
            // True contents, with the bookkeeping of drug; residual volume 0.
            reservoir: Reservoir::new(
                setup.start,
                device.reservoir_size,
                device.fill,
                0.0,
                device.concentration,
            )?,
            label: device.label_concentration,
            running: false,
            extra: BTreeMap::new(),
        })
    }

    fn flow(&self) -> f64 {
        if self.running && !self.reservoir.is_empty() {
            FLOW * (1.0 + self.extra.values().sum::<f64>())
        } else {
            0.0
        }
    }

    /// Every change ends here: the true outflow, and what the label says.
    fn refresh(&mut self, now: SimTime) {
        let believed = self.programmed_flow();
        self.reservoir.set_rates(now, self.flow(), believed);
    }

    fn unsupported(what: impl Into<String>) -> PumpError {
        PumpError::Unsupported {
            family: Self::NAME.to_owned(),
            what: what.into(),
        }
    }
}

impl Pump for GasPump {
    fn family(&self) -> &str {
        Self::NAME
    }

    fn clone_box(&self) -> Box<dyn Pump> {
        Box::new(self.clone())
    }

    fn save(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn drive(&self) -> Drive {
        Drive {
            flow: self.flow(),
            // The propellant pushes with a constant pressure through a narrow tube, so
            // pressure at the outlet costs flow.
            droop: self.flow() / VAPOUR_PRESSURE,
            max_pressure: VAPOUR_PRESSURE,
        }
    }

    fn programmed_flow(&self) -> f64 {
        if self.running { FLOW } else { 0.0 }
    }

    fn programmed_dose_rate(&self) -> f64 {
        self.programmed_flow() * self.label
    }

    fn outlet_concentration(&self) -> f64 {
        self.reservoir.concentration()
    }

    fn set_outflow(&mut self, now: SimTime, outflow: f64) {
        let believed = self.programmed_flow();
        self.reservoir.set_rates(now, outflow, believed);
    }

    fn outflow(&self) -> f64 {
        self.reservoir.outflow()
    }

    fn reservoir_volume(&self, at: SimTime) -> f64 {
        self.reservoir.usable(at)
    }

    fn reservoir_drug(&self, at: SimTime) -> f64 {
        self.reservoir.drug(at)
    }

    fn believed_volume(&self, at: SimTime) -> f64 {
        self.reservoir.believed(at)
    }

    fn delivered_volume(&self, at: SimTime) -> f64 {
        self.reservoir.delivered(at)
    }

    fn delivered_drug(&self, at: SimTime) -> f64 {
        self.reservoir.delivered_drug(at)
    }

    /// The one thing it does by itself is to run dry. The simulation asks again after each change.
    fn next_event(&self) -> Option<NextEvent> {
        Some(NextEvent {
            at: self.reservoir.empty_at()?,
            event: PumpEvent::Emptied,
            source: self.extra.keys().next().cloned(),
        })
    }

    fn on_event(&mut self, now: SimTime, event: &PumpEvent, out: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        match event {
            PumpEvent::Emptied => {
                self.reservoir.mark_empty(now);
                out.push(PumpNotice::Emptied);
                self.refresh(now);
                Ok(())
            }
            other => Err(Self::unsupported(other.name())),
        }
    }

    fn command(&mut self, now: SimTime, command: &Command, _: &mut Vec<PumpNotice>) -> Result<(), PumpError> {
        match command {
            // There is no programme to send: the dose must be the one the concentration gives.
            Command::Programme {
                mode: Programme::SimpleContinuous { rate },
                ..
            } => {
                let fixed = FLOW * self.label;
                if (rate / fixed - 1.0).abs() > 0.01 {
                    return Err(PumpError::Programme {
                        what: "dose rate [ug/h]",
                        value: *rate,
                        expected: "the fixed flow times the concentration",
                    });
                }
                self.running = true;
            }
            Command::Programme {
                mode: Programme::Stopped,
                ..
            } => self.running = false,
            Command::Interrogate => {}
            other => return Err(Self::unsupported(format!("{other:?}"))),
        }
        self.refresh(now);
        Ok(())
    }

    fn refill(&mut self, now: SimTime, refill: &Refill, _: &mut Vec<PumpNotice>) -> Result<RefillReport, PumpError> {
        let report = self.reservoir.refill(now, refill)?;
        self.label = refill.label;
        self.refresh(now);
        Ok(report)
    }

    /// Built-in faults it cannot have are refused, by a typed error that names the family.
    fn disturb(
        &mut self,
        now: SimTime,
        source: &str,
        disturbance: &Disturbance,
        _: &mut Vec<PumpNotice>,
    ) -> Result<(), PumpError> {
        match disturbance {
            Disturbance::Custom { name, values } if name == "warmth" => {
                let extra = values.get("extra_flow").copied().unwrap_or(0.0);
                self.extra.insert(source.to_owned(), extra);
            }
            other => return Err(Self::unsupported(format!("{other:?}"))),
        }
        self.refresh(now);
        Ok(())
    }

    fn relieve(&mut self, now: SimTime, source: &str, _: &mut Vec<PumpNotice>) {
        self.extra.remove(source);
        self.refresh(now);
    }

    fn telemetry(&self, at: SimTime) -> Telemetry {
        Telemetry {
            flow: self.programmed_flow(),
            dose_rate: self.programmed_dose_rate(),
            label_concentration: self.label,
            reservoir_volume: self.reservoir.believed(at),
            low_reservoir_in: None,
            battery_left: 0.0,
            alarms: Vec::new(),
            log: Vec::new(),
        }
    }
}

// ---- 2: a fault kind

/// What a scenario may write: the name, and one field with its unit and range.
const HOT_BATH: FaultKind = FaultKind {
    kind: "gas.hot_bath",
    hazard: "X-01",
    mechanism: "Warmth raises the vapour pressure of the propellant, and with it the flow.",
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
struct HotBath {
    extra_flow: f64,
}

impl HotBath {
    fn build(fault: &Fault) -> Result<Arc<dyn FaultMechanism>, SimError> {
        match fault.values.get("extra_flow") {
            Some(Value::Number(extra_flow)) => Ok(Arc::new(HotBath {
                extra_flow: *extra_flow,
            })),
            _ => Err(SimError::FaultField {
                id: fault.id.clone(),
                field: "extra_flow".to_owned(),
            }),
        }
    }
}

impl FaultMechanism for HotBath {
    fn apply(&self, id: &str, severity: f64, plant: &mut Plant<'_>) -> Result<(), SimError> {
        if severity > 0.0 {
            let warmth = Disturbance::Custom {
                name: "warmth".to_owned(),
                values: BTreeMap::from([("extra_flow".to_owned(), severity * self.extra_flow)]),
            };
            plant.pump.disturb(plant.now, id, &warmth, plant.notices)?;
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

/// 400 ug/day by either pump: the fixed flow of 1 mL/day needs 0.4 mg/mL.
fn story(family: &str, effect_model: &str, fault: &str) -> String {
    format!(
        r#"
title = "A hot bath with a pump that has no motor"
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
[[programme]]
id = "maintenance"
at = "0 d"
simple_continuous = "400 ug/day"
{fault}
"#
    )
}

const BATH: &str = r#"
[[fault]]
id = "bath"
kind = "gas.hot_bath"
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
    registry.pumps.register(GasPump::FAMILY);
    registry.add_fault(HOT_BATH, HotBath::build);
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
        ("gas, emax", try_out(&registry, &story("gas", "emax", ""))?),
        ("gas, emax, hot bath", try_out(&registry, &story("gas", "emax", BATH))?),
        (
            "gas, threshold, hot bath",
            try_out(&registry, &story("gas", "threshold", BATH))?,
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
    let [(_, built_in), (_, gas), (_, bath), (_, linear)] = &runs;

    // At rest both pumps are the same to the spine, up to the pressure at the tip that the
    // propellant works against.
    let (a, b) = (
        at(built_in, "csf_l3_ng_per_ml", 70.0),
        at(gas, "csf_l3_ng_per_ml", 70.0),
    );
    assert!((a / b - 1.0).abs() < 0.05, "{a} and {b} ng/mL");
    // The bath raises the flow by half, less the little pressure that more flow needs, and ends.
    let flows = |run: &RunResult, h: f64| at(run, "flow_ml_per_day", h);
    assert!((flows(bath, 70.0) / flows(gas, 70.0) - 1.5).abs() < 1e-3);
    assert_eq!(flows(bath, 80.0), flows(gas, 80.0));
    // The effect model changes what the patient feels and nothing that the pump gives.
    assert_eq!(at(bath, "csf_l3_ng_per_ml", 70.0), at(linear, "csf_l3_ng_per_ml", 70.0));
    assert_ne!(at(bath, "ashworth_legs", 70.0), at(linear, "ashworth_legs", 70.0));

    // The loader knows the new names, and says so when one is misspelt.
    let slip = story("gas", "emax", &BATH.replace("extra_flow", "extra_flo"));
    let mistake = try_out(&registry, &slip).expect_err("no such field").to_string();
    println!("\n{mistake}");
    assert!(mistake.contains("extra_flow"));
    // And a fault the family cannot have is an error, with time, component and event.
    let stall = "[[fault]]\nid = \"stuck\"\nkind = \"pump.stall\"\nat = \"1 d\"\n";
    let refusal = try_out(&registry, &story("gas", "emax", stall)).expect_err("it has no motor");
    println!("{refusal}");
    Ok(())
}
