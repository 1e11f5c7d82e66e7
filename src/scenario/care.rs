//! `[[care]]`: a policy, and the numbers it replaces.

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::Table;
use super::fields::{Context, Fields, Reported};
use super::model::CareBlock;
use super::settings::{self, PolicySpec, Settings};
use super::steps::{self, Step, StepError};
use crate::parameters::{Parameter, ParameterSet};
use crate::quantity;

/// Keys every block has.
pub(super) const KEYS: &[&str] = &["id", "policy"];

/// Reads one block; its defaults are the scenario's parameters.
pub(super) fn read(
    context: &Context<'_>,
    table: &Table,
    place: Place,
    defaults: &ParameterSet,
) -> Result<CareBlock, Reported> {
    let policies = &context.catalog.policies;
    let kind = table
        .text("policy")
        .and_then(|name| policies.iter().find(|k| k.name == name));
    let Some(kind) = kind else {
        let all: Vec<&str> = KEYS
            .iter()
            .copied()
            .chain(table.entries.iter().map(|e| e.key.as_str()))
            .collect();
        return Err(unknown(&Fields::new(context, "[[care]]", table, place, &all), policies));
    };
    let keys: Vec<&str> = settings::specs(kind.name)
        .map(|(name, _)| name)
        .chain(kind.choices.iter().map(|c| c.name))
        .chain(KEYS.iter().copied())
        .collect();
    let fields = Fields::new(context, format!("a `{}` policy", kind.name), table, place, &keys);
    let id = fields.text("id", "\"clinic\"");
    let mut own = Settings::defaults(kind.name, kind.choices, defaults);
    let mut flawed = false;
    for (name, parameter) in settings::specs(kind.name) {
        match number(&fields, name, parameter) {
            Ok(Some(value)) => {
                own.numbers.insert(name.to_owned(), value);
            }
            Ok(None) => {}
            Err(Reported) => flawed = true,
        }
    }
    for choice in kind.choices {
        let Some(entry) = fields.entry(choice.name) else {
            continue;
        };
        if choice.words.is_empty() {
            match list(&fields, entry) {
                Ok(steps) => own.steps = steps,
                Err(Reported) => flawed = true,
            }
            continue;
        }
        match fields.text(choice.name, &quoted(choice.words.first().copied().unwrap_or_default())) {
            Ok(Some(word)) if choice.words.contains(&word) => {
                own.words.insert(choice.name.to_owned(), word.to_owned());
            }
            Ok(Some(word)) => {
                fields.unknown_word(entry, word, choice.words);
                flawed = true;
            }
            Ok(None) => {}
            Err(Reported) => flawed = true,
        }
    }
    let Some(id) = id? else { return Err(Reported) };
    if flawed {
        return Err(Reported);
    }
    if let Err(problem) = (kind.check)(&own) {
        return Err(fields.report(
            Diagnostic::new(
                "bad-policy",
                format!("the policy {} cannot work: {problem}", quoted(id)),
            )
            .at(place, "these settings contradict one another"),
        ));
    }
    Ok(CareBlock {
        id: id.to_owned(),
        policy: kind.name.to_owned(),
        settings: own,
    })
}

/// An ordered list of tests.
fn list(fields: &Fields<'_, '_>, entry: &super::document::Entry) -> Result<Vec<Step>, Reported> {
    use super::document::Data;
    const EXAMPLE: &str = r#"[{ test = "interrogation" }, { test = "x_ray", if = "no_alarm" }]"#;
    let nodes = match &entry.node.data {
        Data::Array(nodes) if (1..=steps::MOST).contains(&nodes.len()) => nodes,
        Data::Array(nodes) => {
            return Err(fields.report(
                Diagnostic::new("bad-steps", format!("a list of {} steps", nodes.len()))
                    .at(entry.node.place, format!("1 to {} are allowed", steps::MOST)),
            ));
        }
        _ => return Err(fields.wrong_type(entry, "a list of steps", EXAMPLE)),
    };
    let mut read = Vec::new();
    let mut rows = Vec::new();
    let mut flawed = false;
    for node in nodes {
        let Data::Table(table) = &node.data else {
            fields.report(
                Diagnostic::new(
                    "wrong-type",
                    format!("a step is {}, but a table is needed", node.data.noun()),
                )
                .at(node.place, "not a step")
                .help(r#"write { test = "interrogation" }"#),
            );
            flawed = true;
            continue;
        };
        let row = Fields::new(fields.context, "the step", table, node.place, steps::STEP_KEYS);
        let text = |key: &str| row.text(key, "\"interrogation\"").map(|t| t.map(str::to_owned));
        let (test, when, then, times) = (text("test"), text("if"), text("then"), row.whole("times", 1, 1000));
        match (test, when, then, times) {
            (Ok(Some(test)), Ok(when), Ok(then), Ok(times)) => {
                read.push(Step {
                    test,
                    when,
                    then,
                    times: times.and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
                });
                rows.push(row);
            }
            (Ok(None), ..) => {
                row.missing("test", "\"interrogation\"");
                flawed = true;
            }
            _ => flawed = true,
        }
    }
    if flawed {
        return Err(Reported);
    }
    let problems = steps::check(&read);
    for problem in &problems {
        let row = &rows[problem.step()];
        let step = &read[problem.step()];
        let (code, key, help) = match problem {
            StepError::UnknownTest { name, .. } => {
                let key = if *name == step.test { "test" } else { "then" };
                (
                    "unknown-test",
                    key,
                    did_you_mean(name, steps::TESTS).or_else(|| Some(format!("tests are {}", steps::TESTS.join(", ")))),
                )
            }
            StepError::UnknownCondition { name, .. } => {
                let names: Vec<&str> = steps::CONDITIONS.iter().map(|c| c.name).collect();
                let all = format!("conditions are {}", names.join(", "));
                ("unknown-condition", "if", did_you_mean(name, &names).or(Some(all)))
            }
            StepError::Never { .. } => (
                "dead-step",
                "if",
                Some("leave the step out, or put what it waits for before it".to_owned()),
            ),
            StepError::Endless { .. } => (
                "endless-steps",
                "then",
                Some("add `times`, how often this way back may be taken".to_owned()),
            ),
        };
        row.report(
            Diagnostic::new(code, problem.to_string())
                .at(row.place_of(key), format!("step {} of the list", problem.step() + 1))
                .maybe_help(help),
        );
    }
    if problems.is_empty() { Ok(read) } else { Err(Reported) }
}

/// A number of the block, in the unit of its parameter and within its range.
fn number(fields: &Fields<'_, '_>, name: &str, parameter: &Parameter) -> Result<Option<f64>, Reported> {
    use super::document::Data;
    let Some(entry) = fields.entry(name) else {
        return Ok(None);
    };
    let value = match &entry.node.data {
        Data::Integer(n) if parameter.unit == "1" => *n as f64,
        Data::Float(x) if parameter.unit == "1" => *x,
        Data::Text(text) => quantity::convert(text, parameter.unit).map_err(|problem| {
            fields.report(
                Diagnostic::new("bad-quantity", format!("`{name}`: {problem}"))
                    .at(entry.node.place, parameter.meaning)
                    .maybe_help(problem.help()),
            )
        })?,
        Data::Integer(_) | Data::Float(_) => {
            return Err(fields.report(
                Diagnostic::new("no-unit", format!("`{name}` has no unit"))
                    .at(entry.node.place, parameter.meaning)
                    .help(format!(
                        "write it in quotes, such as {name} = \"{} {}\"",
                        parameter.value, parameter.unit
                    )),
            ));
        }
        _ => {
            let example = format!("\"{} {}\"", parameter.value, parameter.unit);
            return Err(fields.wrong_type(entry, "a quantity", &example));
        }
    };
    if (parameter.low..=parameter.high).contains(&value) {
        return Ok(Some(value + 0.0));
    }
    let unit = if parameter.unit == "1" {
        String::new()
    } else {
        format!(" {}", parameter.unit)
    };
    Err(fields.report(
        Diagnostic::new(
            "out-of-range",
            format!(
                "`{name}` = {value}{unit} lies outside {}{unit} to {}{unit}",
                parameter.low, parameter.high
            ),
        )
        .at(entry.node.place, parameter.meaning),
    ))
}

fn unknown(fields: &Fields<'_, '_>, policies: &[PolicySpec]) -> Reported {
    let names: Vec<&str> = policies.iter().map(|k| k.name).collect();
    match fields.text("policy", "\"refills\"") {
        Err(reported) => reported,
        Ok(None) => fields.missing("policy", "\"refills\""),
        Ok(Some(name)) => fields.report(
            Diagnostic::new("unknown-policy", format!("there is no policy {}", quoted(name)))
                .at(fields.place_of("policy"), "not a policy")
                .maybe_help(did_you_mean(name, &names))
                .help(format!("policies are {}", names.join(", "))),
        ),
    }
}
