//! `[[care]]`: a policy, and the numbers it replaces.

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::Table;
use super::fields::{Context, Fields, Reported};
use super::model::CareBlock;
use super::settings::{self, PolicySpec, Settings};
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
    let unit = if parameter.unit == "1" { "" } else { parameter.unit };
    Err(fields.report(
        Diagnostic::new(
            "out-of-range",
            format!(
                "`{name}` = {value} {unit} lies outside {} to {} {unit}",
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
