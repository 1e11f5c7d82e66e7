//! JSON Schema of the scenario format, for editors.
//!
//! Built by hand from the key lists and words of the readers beside it, so
//! that there is one list of each; a test injects an unknown key into every
//! table and compares.

use serde_json::{Map, Value, json};

use super::drugs::{Channel, FIGURES, unit_of};
use super::model::{Catalog, FaultKind, FieldSpec};
use super::population::Shape;
use super::settings::PolicySpec;
use super::{
    action, arms, care, decision, drug, expect, fault, hazards, population_read, programme, resolve, settings, steps,
    teaching, uncertain,
};
use crate::parameters;
use crate::quantity::Dimension;
use crate::signals::Level;

/// JSON Schema (draft 2020-12) of a scenario file, with the fault kinds, pump
/// families and signals of `catalog`.
///
/// A TOML editor uses it through a first line `#:schema itbsim.schema.json`.
pub fn schema(catalog: &Catalog) -> String {
    let top = object(resolve::TOP_KEYS, |key| match key {
        "title" => text("One line that names the story."),
        "lesson" => text("What a reader should learn."),
        "hazard" => text("Hazard id, such as H-12."),
        "extends" => text("File to start from, relative to this one."),
        "duration" => quantity(Dimension::Time, "End of the run."),
        "seed" => json!({ "type": "integer", "minimum": 0, "description": "Seed of the luck." }),
        "replicate" => json!({ "type": "integer", "minimum": 0,
            "description": "Which replicate is run: its luck and, with a population, its patient." }),
        "sample" => quantity(Dimension::Time, "Spacing of output rows."),
        "model" => object(resolve::MODEL_KEYS, |_| {
            words(parameters::SETS.iter().map(|s| s.name), "Named set of parameters.")
        }),
        "population" => population(catalog),
        "uncertain" => object(uncertain::KEYS, |key| match key {
            "draw" => json!({ "type": "integer", "minimum": 0, "maximum": uncertain::LAST,
                "description": "Which draw of what is uncertain is run." }),
            _ => json!({ "type": "object", "description": "Parameters drawn as well, each with [LOW, HIGH]." }),
        }),
        "sources" => {
            json!({ "type": "array", "items": { "type": "string" }, "description": "Publications behind the story." })
        }
        "patient" => patient(catalog),
        "pump" => pump(catalog),
        "catheter" => catheter(),
        "hazards" => hazard_table(catalog),
        "parameters" => parameter_table(),
        "programme" => blocks(programme_block()),
        "fault" => blocks(fault_block(catalog)),
        "action" => blocks(action_block()),
        "care" => blocks(care_block(catalog)),
        "drug" => blocks(drug_block()),
        "expect" => blocks(expect_block(catalog)),
        "matrix" => json!({
            "type": "object",
            "minProperties": 1,
            "description": "Every combination of these values is an arm: paths as in `set` of an arm, each with a list \
                of values, or NAME = { path = \"...\", values = [...] }.",
            "additionalProperties": { "type": ["array", "object"] },
        }),
        "teaching" => teaching_table(),
        "decision" => blocks(decision_block()),
        _ => blocks(arm_block()),
    });
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "itbsim scenario",
        // A file that extends another may leave out anything.
        "anyOf": [{ "required": ["extends"] }, { "required": ["title", "duration", "pump"] }],
    });
    if let (Value::Object(root), Value::Object(top)) = (&mut root, top) {
        root.extend(top);
    }
    // Strings, numbers and lists only: there is nothing that JSON cannot hold.
    serde_json::to_string_pretty(&root).unwrap_or_default()
}

fn object(keys: &[&str], mut value: impl FnMut(&str) -> Value) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|k| ((*k).to_owned(), value(k))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn blocks(item: Value) -> Value {
    json!({ "type": "array", "items": item })
}

fn text(meaning: &str) -> Value {
    json!({ "type": "string", "description": meaning })
}

fn words<S: AsRef<str>>(words: impl IntoIterator<Item = S>, meaning: &str) -> Value {
    let words: Vec<String> = words.into_iter().map(|w| w.as_ref().to_owned()).collect();
    json!({ "enum": words, "description": meaning })
}

/// A number, a unit, and nothing else; the unit itself is checked on loading.
const PATTERN: &str = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*[^\s0-9].*$";

fn quantity(dimension: Dimension, meaning: &str) -> Value {
    if dimension == Dimension::Number {
        return number_or_percent(meaning);
    }
    let pattern = if dimension == Dimension::Fraction {
        r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*%\s*$"
    } else {
        PATTERN
    };
    json!({
        "type": "string",
        "pattern": pattern,
        "examples": [dimension.example()],
        "description": format!("{meaning} Write {} such as \"{}\".", dimension.noun(), dimension.example()),
    })
}

fn number_or_percent(meaning: &str) -> Value {
    json!({ "type": ["number", "string"], "description": meaning })
}

fn score(meaning: &str) -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 4, "description": meaning })
}

/// A concentration of baclofen, or one of each drug by its id.
fn mixture(meaning: &str) -> Value {
    let each = quantity(Dimension::Concentration, "Concentration of one drug.");
    json!({
        "oneOf": [
            quantity(Dimension::Concentration, meaning),
            { "type": "object", "additionalProperties": each },
        ],
        "description": format!("{meaning} One of baclofen, or {{ baclofen = \"2 mg/mL\", morphine = \"10 mg/mL\" }}."),
    })
}

/// A number of a drug, bare or with grade and source.
fn figure(meaning: &str) -> Value {
    let documented = object(drug::FIGURE_KEYS, |key| match key {
        "value" => number_or_percent("The number with its unit."),
        "grade" => words(names(drug::GRADES), "How far it can be trusted; left out, assumed."),
        _ => text("Where it comes from."),
    });
    json!({ "anyOf": [number_or_percent(meaning), documented], "description": meaning })
}

fn drug_block() -> Value {
    let effect = object(drug::EFFECT_KEYS, |key| match key {
        "channel" => words(names(&Channel::ALL), "What it acts on."),
        "region" => words(names(drug::REGIONS), "The region whose effect site drives it."),
        "emax" => figure("Full effect: a share, or a change in mmHg or /min."),
        "ec50" => figure("Effect-site concentration of half the full effect."),
        "hill" => figure("Steepness."),
        "combination" => words(names(drug::COMBINATIONS), "How it joins others on its channel."),
        "tolerance" => object(drug::TOLERANCE_KEYS, |key| match key {
            "maximum" => figure("Growth of EC50 under full effect."),
            "onset" => figure("Time constant of growth."),
            _ => figure("Time constant of its loss."),
        }),
        _ => object(drug::WITHDRAWAL_KEYS, |key| match key {
            "time" => figure("Time constant of adaptation."),
            _ => figure("Rebound at full lack, in the unit of the channel."),
        }),
    });
    let figures: Vec<&str> = FIGURES.iter().map(|f| f.name).collect();
    let mut block = object(drug::KEYS, |key| match key {
        "id" => {
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$", "description": "Begins the names of its columns." })
        }
        "name" => text("Name for a reader."),
        "sources" => {
            json!({ "type": "array", "items": { "type": "string" }, "description": "Publications behind it." })
        }
        "kinetics" => object(&figures, |key| {
            let spec = FIGURES.iter().find(|f| f.name == key);
            figure(&spec.map_or(String::new(), |f| format!("{} [{}].", f.meaning, unit_of(f))))
        }),
        _ => blocks(effect.clone()),
    });
    block["required"] = json!(["id", "kinetics"]);
    block
}

/// A column: one that every run has, or one of a drug that the file describes.
fn signal(catalog: &Catalog) -> Value {
    let known = catalog.signals.iter().chain(&catalog.channel_signals);
    let of_drug = format!("^[a-z][a-z0-9_]*_({})$", catalog.drug_signals.join("|"));
    json!({
        "anyOf": [words(known, "Column of timeseries.csv."), { "type": "string", "pattern": of_drug }],
        "description": "Column of timeseries.csv.",
    })
}

fn levels(meaning: &str) -> Value {
    words(Level::ALL.iter().map(Level::to_string), meaning)
}

fn moment(meaning: &str) -> Value {
    json!({
        "type": "string",
        "examples": ["30 d", "leak.start + 12 d"],
        "description": format!("{meaning} A time such as \"30 d\", or a time after an event such as \"leak.start + 12 d\"."),
    })
}

fn flag(meaning: &str) -> Value {
    json!({ "type": "boolean", "description": meaning })
}

fn id() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", "description": "Name used in moments, arms and events." })
}

fn names<T: Copy>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|row| row.0).collect()
}

fn patient(catalog: &Catalog) -> Value {
    object(resolve::PATIENT_KEYS, |key| match key {
        "population" => words(names(resolve::POPULATIONS), "Population the patient belongs to."),
        "weight" => quantity(Dimension::BodyWeight, "Body weight."),
        "renal_function" => quantity(Dimension::Fraction, "Renal function relative to normal."),
        "injury" => levels("Level of the cord injury."),
        "ashworth_legs" => score("Modified Ashworth score of the legs without drug."),
        "ashworth_arms" => score("Modified Ashworth score of the arms without drug."),
        "spasm_score" => score("Penn spasm score without drug."),
        "posture" => words(names(fault::POSTURES), "Posture at the start."),
        "history" => words(names(resolve::HISTORIES), "What came before the first instant."),
        "effect_model" => words(&catalog.effect_models, "Effect model."),
        "implanted" => flag("Whether pump and catheter are in the body at the start; a policy may implant them."),
        "selection" => object(resolve::SELECTION_KEYS, |key| {
            flag(match key {
                "infection" => "Active infection: forbids the therapy.",
                "coagulopathy" => "Coagulopathy: forbids the therapy.",
                "anatomy" => "A spine that does not admit a catheter: forbids the therapy.",
                "arachnoiditis" => "Arachnoiditis: a warning; fluid mixes less.",
                "kidney_disease" => "Kidney disease: a warning; clearance falls.",
                "pregnancy" => "Pregnancy: a warning.",
                "unreliable_follow_up" => "Unreliable follow-up: a warning; refills are missed more often.",
                "anticoagulated" => "Anticoagulated: a warning; punctures wait.",
                "diabetes" => "Diabetes: no warning; infections are more likely.",
                _ => "Ventriculoperitoneal shunt: a warning; fluid leaves the head instead of the spine.",
            })
        }),
        _ => object(resolve::ALARM_KEYS, |key| match key {
            "heard" => words(
                names(resolve::HEARD),
                "Whether alarms are heard: by chance, always, never.",
            ),
            "hears" => number_or_percent("Chance that the awake patient hears one tone."),
            "impaired" => flag("Whether the patient's hearing is impaired."),
            "carer" => flag("Whether a carer lives there, who may hear as well."),
            "awake_from" => quantity(Dimension::Time, "Time of day from which they are awake."),
            _ => quantity(Dimension::Time, "Time of day from which they sleep."),
        }),
    })
}

fn population(catalog: &Catalog) -> Value {
    let grade = || words(names(population_read::GRADES), "How far it can be trusted.");
    let number = |meaning: &str| json!({ "type": "number", "minimum": 0, "description": meaning });
    object(population_read::KEYS, |key| match key {
        "name" => words(
            catalog.populations.iter().map(|p| p.name()),
            "Whom the patients are drawn from.",
        ),
        "distributions" => {
            let one = object(population_read::DISTRIBUTION_KEYS, |key| match key {
                "shape" => words(names(Shape::WORDS), "Form of the distribution."),
                "typical" => number_or_percent("Middle, in the unit of the parameter."),
                "sd_log" => number("Standard deviation of the logarithm (log-normal)."),
                "cv" => number("Coefficient of variation (log-normal)."),
                "sd" => number_or_percent("Standard deviation, in the unit of the parameter (normal)."),
                "sd_logit" => number("Standard deviation of the logit (logit-normal)."),
                "low" => number_or_percent("Nobody lies below."),
                "high" => number_or_percent("Nobody lies above."),
                "grade" => grade(),
                "source" => text("Where it comes from."),
                "typical_uncertainty" => number("How well the middle is known: standard deviation of its logarithm."),
                _ => number("How well the spread is known: standard deviation of its logarithm."),
            });
            json!({ "type": "object", "additionalProperties": one, "description": "Changes to single parameters, by key." })
        }
        "correlation" => blocks(object(population_read::CORRELATION_KEYS, |key| match key {
            "of" => json!({ "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2,
                "description": "Two parameters." }),
            "r" => {
                json!({ "type": "number", "minimum": -0.99, "maximum": 0.99, "description": "Correlation of their normal scores." })
            }
            "grade" => grade(),
            _ => text("Where it comes from."),
        })),
        _ => blocks(object(population_read::ORIGIN_KEYS, |key| match key {
            "name" => text("What the spasticity comes from."),
            "share" => number("Weight among the origins."),
            "injury" => json!({ "type": "object", "additionalProperties": { "type": "number", "minimum": 0 },
                "description": "Levels of a cord injury with their weights." }),
            _ => text("Where the share comes from."),
        })),
    })
}

fn pump(catalog: &Catalog) -> Value {
    object(resolve::PUMP_KEYS, |key| match key {
        "family" => words(&catalog.pump_families, &families(catalog)),
        "reservoir" => object(resolve::RESERVOIR_KEYS, |key| match key {
            "size" => quantity(Dimension::Volume, "Capacity."),
            "fill" => quantity(Dimension::Volume, "Volume at the start."),
            "concentration" => mixture("True concentration."),
            "label_concentration" => quantity(Dimension::Concentration, "Concentration entered in the programmer."),
            "dosed_by" => text("The drug that doses and labels are counted in; left out, baclofen if there is any."),
            _ => quantity(Dimension::Volume, "Volume at the low-reservoir alarm."),
        }),
        "gain" => quantity(Dimension::Number, "Delivered over programmed volume."),
        "age" => quantity(Dimension::Time, "Age of the pump at the start."),
        "fidelity" => words(
            names(resolve::FIDELITIES),
            "Flow in segments of constant rate, or in single strokes.",
        ),
        "stroke" => quantity(Dimension::Volume, "Volume of a stroke, with fidelity = \"strokes\"."),
        _ => flag("Whether the maker approved the drug."),
    })
}

/// What each family answers to, for the description.
fn families(catalog: &Catalog) -> String {
    let mut text = "Pump family.".to_owned();
    for a in &catalog.pump_abilities {
        let programme = if a.rates.is_some() { "" } else { ", no programme" };
        text.push_str(&format!(" {}{programme}; faults: {}.", a.family, a.faults.join(", ")));
    }
    text
}

fn catheter() -> Value {
    object(resolve::CATHETER_KEYS, |key| match key {
        "length" => quantity(Dimension::Length, "Implanted length."),
        "spinal_length" => quantity(Dimension::Length, "Length inside canal and ligament, at the tip end."),
        "tip" => levels("Where the tip lies."),
        "material" => words(names(resolve::MATERIALS), "Wall of the catheter."),
        "tube_concentration" => mixture("What fills the pump's tube at the start; left out, what fills the catheter."),
        "pump_segment" => object(resolve::SEGMENT_KEYS, |key| match key {
            "length" => quantity(Dimension::Length, "Length of the piece next to the pump."),
            _ => quantity(Dimension::Volume, "Volume of that piece."),
        }),
        "entered_length" => quantity(
            Dimension::Length,
            "Length entered in the programmer, which computes bridge and priming volumes from it; left out, the truth.",
        ),
        _ => mixture("What fills tube and catheter at the start."),
    })
}

fn hazard_table(catalog: &Catalog) -> Value {
    let kind = object(hazards::KIND_KEYS, |key| match key {
        "enabled" => flag("Whether it may come at all."),
        "at_surgery" => quantity(Dimension::Fraction, "Chance at surgery."),
        "early" => quantity(Dimension::Rate, "Extra rate during the early term."),
        "early_for" => quantity(Dimension::Time, "Length of the early term."),
        "constant" => quantity(Dimension::Rate, "Rate that stays."),
        "wear" => json!({ "type": "string", "pattern": PATTERN, "examples": [hazards::WEAR_EXAMPLE],
            "description": "Growth of the rate with age." }),
        _ => quantity(Dimension::Time, "Age before which it does not come, surgery apart."),
    });
    let keys: Vec<&str> = hazards::KEYS.iter().chain(&catalog.hazard_kinds).copied().collect();
    object(&keys, |key| match key {
        "enabled" => flag("Whether faults may come by chance; true if left out."),
        "generation" => words(
            names(resolve::MATERIALS),
            "Generation of the catheter; left out, by its wall.",
        ),
        "pump_generation" => words(names(hazards::PUMP_GENERATIONS), "Which figures of motor stall hold."),
        "catheter_age" => quantity(
            Dimension::Time,
            "Age of the catheter at the start; left out, that of the pump.",
        ),
        "scale" => quantity(Dimension::Number, "Factor on all hazards."),
        "complications" => flag("Whether complications of surgery and hardware may come as well."),
        _ => kind.clone(),
    })
}

fn parameter_table() -> Value {
    let properties: Map<String, Value> = parameters::all()
        .map(|p| {
            let meaning = format!(
                "{} Default {} {}, from {} to {}.",
                p.meaning, p.value, p.unit, p.low, p.high
            );
            let value = if p.unit == "1" {
                number_or_percent(&meaning)
            } else {
                json!({ "type": "string", "pattern": PATTERN, "description": meaning })
            };
            (p.key.to_owned(), value)
        })
        .collect();
    // Dotted keys arrive as nested tables, so other keys cannot be forbidden here.
    json!({ "type": "object", "properties": properties })
}

/// Exactly one of the verbs.
fn one_of(mut block: Value, required: &[&str], verbs: &[&str]) -> Value {
    let choice: Vec<Value> = verbs.iter().map(|v| json!({ "required": [v] })).collect();
    block["required"] = json!(required);
    block["oneOf"] = Value::Array(choice);
    block
}

fn programme_block() -> Value {
    let step = object(programme::FLEX_KEYS, |key| match key {
        "at" => {
            json!({ "type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$", "description": "Time of day." })
        }
        "weekday" => words(programme::WEEKDAYS, "Day of the week; left out, every day."),
        _ => quantity(Dimension::DoseRate, "Dose rate from then on."),
    });
    let keys = [programme::KEYS, programme::VERBS].concat();
    let block = object(&keys, |key| match key {
        "id" => id(),
        "at" => moment("When."),
        "simple_continuous" => quantity(Dimension::DoseRate, "One rate all day."),
        "prescribed" => quantity(
            Dimension::DoseRate,
            "What was ordered and stands in the notes, if this programme is a slip.",
        ),
        "flex" => {
            json!({ "oneOf": [blocks(step.clone()), object(&["steps"], |_| blocks(step.clone()))] })
        }
        "periodic_bolus" => object(programme::PERIODIC_KEYS, |key| match key {
            "dose" => quantity(Dimension::Mass, "Dose of one bolus."),
            "every" => quantity(Dimension::Time, "Interval between starts."),
            "over" => quantity(Dimension::Time, "Length of one bolus."),
            _ => quantity(Dimension::DoseRate, "Rate between boluses."),
        }),
        "single_bolus" => object(programme::SINGLE_KEYS, |key| match key {
            "dose" => quantity(Dimension::Mass, "Dose."),
            _ => quantity(Dimension::Time, "Length."),
        }),
        "priming_bolus" => object(programme::PRIMING_KEYS, |key| match key {
            "volume" => quantity(Dimension::Volume, "Volume; left out, tube plus catheter."),
            _ => quantity(Dimension::Time, "Length."),
        }),
        "bridge_bolus" => object(programme::BRIDGE_KEYS, |key| match key {
            "old_concentration" => quantity(Dimension::Concentration, "Concentration still in tube and catheter."),
            "bridge_rate" => quantity(Dimension::DoseRate, "Dose rate during the bridge."),
            "volume" => quantity(Dimension::Volume, "Volume bridged; left out, tube plus catheter."),
            _ => quantity(Dimension::DoseRate, "Dose rate afterwards."),
        }),
        "patient_bolus" => object(programme::PATIENT_KEYS, |key| match key {
            "dose" => quantity(Dimension::Mass, "Dose of one bolus on demand."),
            "over" => quantity(Dimension::Time, "Length of one bolus."),
            "lockout" => quantity(Dimension::Time, "Shortest time from one beginning to the next."),
            _ => json!({ "type": "integer", "minimum": 1, "maximum": programme::MOST_A_DAY,
                "description": "Most in any 24 hours." }),
        }),
        "no_patient_bolus" => json!({ "const": true, "description": "No boluses on demand any more." }),
        "minimum_rate" => json!({ "const": true, "description": "Keeps the rotor turning." }),
        _ => json!({ "const": true, "description": "Stops the pump." }),
    });
    one_of(block, &["at"], programme::VERBS)
}

fn profile() -> Value {
    let shapes = object(fault::PROFILES, |key| match key {
        "ramp" => quantity(Dimension::Time, "Grows to full over this time."),
        "intermittent" => object(fault::INTERMITTENT_KEYS, |key| match key {
            "on" => quantity(Dimension::Time, "Time present."),
            _ => quantity(Dimension::Time, "Time absent."),
        }),
        _ => words(names(fault::POSTURES), "Full only in this posture."),
    });
    json!({ "oneOf": [{ "const": "step" }, shapes], "description": "How the fault grows." })
}

fn field(spec: &FieldSpec) -> Value {
    match spec.unit {
        "" if spec.words.is_empty() => levels(spec.meaning),
        "" => {
            let any = spec.words.contains(&fault::ANY_LEVEL);
            let own = spec
                .words
                .iter()
                .filter(|w| **w != fault::ANY_LEVEL)
                .map(|w| (*w).to_owned());
            let all = own.chain(Level::ALL.iter().filter(|_| any).map(Level::to_string));
            words(all, spec.meaning)
        }
        "1" => number_or_percent(spec.meaning),
        unit => json!({
            "type": "string",
            "pattern": PATTERN,
            "description": format!("{}, {} to {} {unit}", spec.meaning, spec.low, spec.high),
        }),
    }
}

fn fault_of(kind: &FaultKind) -> Value {
    let own: Vec<&str> = kind.fields.iter().map(|f| f.name).collect();
    let keys = [fault::KEYS, &own].concat();
    let block = object(&keys, |key| match key {
        "id" => id(),
        "kind" => json!({ "const": kind.kind, "description": kind.mechanism }),
        "at" => moment("When it starts."),
        "when" => {
            json!({ "type": "string", "pattern": "[<>]", "description": "A condition, such as \"reservoir_ml < 2\"." })
        }
        "hazard" => quantity(Dimension::Rate, "Chance of starting."),
        "until" => moment("When it ends by itself."),
        "profile" => profile(),
        name => kind
            .fields
            .iter()
            .find(|f| f.name == name)
            .map_or(Value::Bool(true), field),
    });
    let required: Vec<&str> = ["id", "kind"]
        .into_iter()
        .chain(kind.fields.iter().filter(|f| f.default.is_none()).map(|f| f.name))
        .collect();
    one_of(block, &required, &["at", "when", "hazard"])
}

fn fault_block(catalog: &Catalog) -> Value {
    let kinds: Vec<Value> = catalog.fault_kinds.iter().map(fault_of).collect();
    if kinds.is_empty() {
        json!({ "type": "object" })
    } else {
        json!({ "oneOf": kinds })
    }
}

fn care_block(catalog: &Catalog) -> Value {
    let of = |kind: &PolicySpec| {
        let own: Vec<&str> = settings::specs(kind.name).map(|(name, _)| name).collect();
        let choices = kind.choices.iter().map(|c| c.name);
        let keys: Vec<&str> = care::KEYS.iter().copied().chain(own).chain(choices).collect();
        let mut block = object(&keys, |key| match key {
            "id" => id(),
            "policy" => json!({ "const": kind.name, "description": kind.summary }),
            name => match settings::specs(kind.name).find(|(n, _)| *n == name) {
                Some((_, p)) if p.unit == "1" => number_or_percent(p.meaning),
                Some((_, p)) => json!({
                    "type": "string",
                    "pattern": PATTERN,
                    "description": format!("{}, {} to {} {}", p.meaning, p.low, p.high, p.unit),
                }),
                None if name == steps::KEY => step_list(),
                None => {
                    let choice = kind.choices.iter().find(|c| c.name == name);
                    let all = choice.map_or(&[][..], |c| c.words).iter().map(|w| (*w).to_owned());
                    words(all, choice.map_or("", |c| c.meaning))
                }
            },
        });
        block["required"] = json!(["policy"]);
        block
    };
    let policies: Vec<Value> = catalog.policies.iter().map(of).collect();
    if policies.is_empty() {
        json!({ "type": "object" })
    } else {
        json!({ "oneOf": policies })
    }
}

/// An ordered list of tests.
fn step_list() -> Value {
    let tests = || words(steps::TESTS.iter().map(|t| (*t).to_owned()), "A test.");
    let mut step = object(steps::STEP_KEYS, |key| match key {
        "if" => words(
            steps::CONDITIONS.iter().map(|c| c.name.to_owned()),
            "When it is done; left out, always.",
        ),
        "times" => json!({ "type": "integer", "minimum": 1, "description": "How often a way back may be taken." }),
        _ => tests(),
    });
    step["required"] = json!(["test"]);
    json!({ "type": "array", "items": step, "description": "Tests in the order in which they are tried." })
}

fn action_block() -> Value {
    let oral = || {
        object(action::ORAL_KEYS, |key| match key {
            "dose" => quantity(Dimension::TabletMass, "One dose."),
            "every" => quantity(Dimension::Time, "Interval."),
            _ => {
                json!({ "type": "integer", "minimum": 1, "description": "Number of doses; left out, until the end." })
            }
        })
    };
    let keys = [action::KEYS, action::VERBS].concat();
    let block = object(&keys, |key| match key {
        "id" => id(),
        "at" => moment("When."),
        "when" => object(action::WHEN_KEYS, |key| match key {
            "event" => text("Event that leads to the act, such as alarm.low_reservoir.heard."),
            _ => quantity(Dimension::Time, "How long after it."),
        }),
        "unless" => text("Event that makes the act needless, such as early-refill.done."),
        "refill" => object(action::REFILL_KEYS, |key| match key {
            "volume" => quantity(Dimension::Volume, "Volume injected."),
            "concentration" => mixture("True concentration of the syringe."),
            "label" => quantity(Dimension::Concentration, "Concentration entered in the programmer."),
            "pocket_share" => quantity(Dimension::Fraction, "Part that goes under the skin instead."),
            "aspirate" => flag("Whether the old drug is drawn out first."),
            _ => quantity(
                Dimension::Volume,
                "Standard deviation of the volume read from the syringe.",
            ),
        }),
        "check_reservoir" => {
            let table = object(action::CHECK_KEYS, |key| match key {
                "rule" => words(names(action::RULES), "Which rule decides."),
                _ => quantity(
                    Dimension::Volume,
                    "Standard deviation of the volume read from the syringe.",
                ),
            });
            json!({ "oneOf": [{ "const": true }, table] })
        }
        "demand_bolus" => {
            let often = |_: &str| quantity(Dimension::Rate, "Demands by chance at this mean rate, from then on.");
            json!({ "oneOf": [{ "const": true }, object(action::DEMAND_KEYS, often)] })
        }
        "enter_volume" => quantity(Dimension::Volume, "Volume typed in as what the reservoir holds."),
        "implant" => object(action::IMPLANT_KEYS, |key| match key {
            "volume" => quantity(Dimension::Volume, "Volume in the new pump."),
            "concentration" => mixture("True concentration in it."),
            _ => quantity(Dimension::Concentration, "Concentration entered in the programmer."),
        }),
        "benzodiazepine_infusion" => object(action::INFUSION_KEYS, |key| match key {
            "dose" => quantity(Dimension::TabletMass, "The whole dose, as diazepam."),
            _ => quantity(Dimension::Time, "How long it runs."),
        }),
        "cool" => flag("Cool, or stop doing so."),
        "raise_dose" | "lower_dose" => quantity(Dimension::Fraction, "Change of the running dose."),
        "lumbar_bolus" => object(action::LUMBAR_KEYS, |key| match key {
            "dose" => quantity(Dimension::Mass, "Dose."),
            "level" => levels("Where."),
            "drug" => text("Drug described in this file; left out, baclofen."),
            _ => quantity(Dimension::Time, "How long the injection takes."),
        }),
        "oral_baclofen" | "benzodiazepine" | "cyproheptadine" => oral(),
        "drain_csf" => object(action::DRAIN_KEYS, |key| match key {
            "volume" => quantity(Dimension::Volume, "Volume let out."),
            _ => quantity(Dimension::Time, "How long it takes."),
        }),
        "altitude" | "air_pressure" | "pump_temperature" => object(action::SURROUND_KEYS, |inner| match (inner, key) {
            ("over", _) => quantity(Dimension::Time, "How long."),
            (_, "altitude") => quantity(Dimension::Length, "Height above the sea."),
            (_, "air_pressure") => quantity(Dimension::Pressure, "Absolute pressure of the air."),
            _ => quantity(Dimension::Temperature, "Temperature of the pump."),
        }),
        "inject_contrast" => quantity(Dimension::Volume, "Contrast through the access port."),
        "aspirate_catheter" => quantity(Dimension::Volume, "Volume drawn through the access port."),
        "mri" => quantity(Dimension::Time, "Time in the field."),
        "ventilate" => flag("Ventilate, or stop doing so."),
        "antibiotics" => quantity(Dimension::Time, "A course of antibiotics."),
        "posture" => words(names(fault::POSTURES), "Change of posture."),
        "repair" => {
            json!({ "type": "array", "items": { "type": "string" }, "description": "Ids of the faults ended." })
        }
        _ => json!({ "const": true }),
    });
    let mut block = one_of(block, &[], action::VERBS);
    block["anyOf"] = json!([{ "required": ["at"] }, { "required": ["when"] }]);
    block
}

fn expect_block(catalog: &Catalog) -> Value {
    let pair = |item: Value| json!({ "type": "array", "items": item, "minItems": 2, "maxItems": 2 });
    let block = object(expect::KEYS, |key| match key {
        "id" => id(),
        "event" => text("Event that must happen, such as pump.empty or leak.start."),
        "signal" if catalog.signals.is_empty() => text("Column of timeseries.csv."),
        "signal" => signal(catalog),
        "at" | "after" | "before" => moment("Where to look."),
        "between" => pair(moment("Window.")),
        "never" => json!({ "const": true, "description": "The event must not happen." }),
        "statistic" => words(names(expect::STATISTICS), "Which value over the window is tested."),
        "within" => pair(json!({ "type": "number", "description": "In the unit of the column." })),
        "min" | "max" => json!({ "type": "number", "description": "In the unit of the column." }),
        "source" => text("Who says so."),
        _ => {
            json!({ "type": "array", "items": { "type": "string" }, "description": "Arms it is checked in; left out, all." })
        }
    });
    one_of(block, &["source"], &["event", "signal"])
}

fn teaching_table() -> Value {
    let required = |mut block: Value, keys: &[&str]| {
        block["required"] = json!(keys);
        blocks(block)
    };
    object(teaching::KEYS, |key| match key {
        "number" => json!({ "type": "integer", "minimum": 1, "description": "Place in a course." }),
        "minutes" => json!({ "type": "integer", "minimum": 1, "description": "How long it takes in class [min]." }),
        "goals" => {
            json!({ "type": "array", "items": { "type": "string" }, "description": "What students can do afterwards." })
        }
        "introduction" => text("To be read before the run."),
        "stage" => {
            let block = object(teaching::STAGE_KEYS, |key| match key {
                "at" => moment("From when on it may be read."),
                "title" => text("A few words."),
                _ => text("A paragraph."),
            });
            required(block, teaching::STAGE_KEYS)
        }
        _ => {
            let block = object(teaching::QUESTION_KEYS, |key| match key {
                "ask" => text("A question to the class."),
                _ => text("What a teacher would like to hear."),
            });
            required(block, teaching::QUESTION_KEYS)
        }
    })
}

fn arm_block() -> Value {
    let mut block = object(arms::KEYS, |key| match key {
        "id" => id(),
        "without" => {
            json!({ "type": "array", "items": { "type": "string" }, "description": "Ids left out." })
        }
        _ => {
            json!({ "type": "object", "description": "Paths and new values, such as \"pump.gain\" = 1.1." })
        }
    });
    block["required"] = json!(["id"]);
    block
}

fn decision_block() -> Value {
    let act = || json!({ "type": "object", "description": "What an [[action]] block says, its time left out." });
    let mut choice = object(decision::CHOICE_KEYS, |key| match key {
        "text" => text("What is chosen."),
        "reason" => text("Why it is wise or not; shown afterwards."),
        "chosen" => json!({ "const": true, "description": "The story as it was told." }),
        "arm" => text("Arm that shows what follows."),
        "do" => json!({ "oneOf": [act(), blocks(act())], "description": "Acts done at the decision instead." }),
        "without" => {
            json!({ "type": "array", "items": { "type": "string" }, "description": "Ids left out." })
        }
        _ => json!({ "type": "object", "description": "Paths and new values, as in an arm." }),
    });
    choice["required"] = json!(["text"]);
    let mut block = object(decision::KEYS, |key| match key {
        "id" => id(),
        "at" => moment("When the page stops and asks."),
        "question" => text("What it asks."),
        "reveal" => text("What it says once a choice is made."),
        _ => json!({ "type": "array", "minItems": 2, "items": choice.clone() }),
    });
    block["required"] = json!(["at", "question", "choice"]);
    block
}
