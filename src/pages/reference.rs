//! The reference of scenario files, made from the schema that editors use: what a file may say
//! stands in one place, and the page cannot differ from it.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value};

/// What each block is for; the keys come from the schema. Blocks that are missing here come last.
const BLOCKS: &[(&str, &str)] = &[
    (
        "patient",
        "Who is treated, and what was there before the run. Left out, the defaults of the population.",
    ),
    (
        "population",
        "Distributions from which `batch`, `compare -n` and `patients` draw patients.",
    ),
    ("pump", "The device as implanted."),
    ("catheter", "The line from the pump to the spinal fluid."),
    (
        "programme",
        "What is sent to the pump, one block for each programming. The first at `\"0 h\"` is the one it starts with.",
    ),
    (
        "fault",
        "Something breaks: one `kind`, a trigger, a profile, a size in physical terms.",
    ),
    (
        "hazards",
        "Chances of every fault from published rates, drawn from the age of the implant.",
    ),
    (
        "action",
        "Something that is done, at a time or when something happens. Exactly one act in each block.",
    ),
    ("care", "A policy: people who act on what can be seen, again and again."),
    ("drug", "Another drug in the reservoir: its kinetics and effects."),
    (
        "arm",
        "A variant of the whole scenario: the same patient and the same luck, with some fields changed or blocks left out.",
    ),
    (
        "expect",
        "What must come out, with its source. A run ends with exit code 1 when one fails.",
    ),
    ("parameters", "Any default, by its key (`itbsim parameters`)."),
    ("model", "A named set of parameters."),
];

/// One row of a table.
struct Row {
    key: String,
    kind: String,
    meaning: String,
}

/// The page, in Markdown; `schema` is what [`crate::scenario::schema`] gives.
pub(super) fn reference(schema: &Value) -> String {
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let required = words(&schema["required"]);
    let mut text = String::from(
        "# Scenario files\n\n\
         A scenario is a TOML file. This page is made from the schema (`itbsim schema`), which editors use to complete \
         and check a file; `itbsim check FILE` checks what a schema cannot.\n\n\
         Quantities are texts with their unit: `\"300 ug/day\"`, `\"2 mg/mL\"`, `\"89 cm\"`, `\"30 d\"`. A bare number is an \
         error. Moments are a time from the start (`\"30 d\"`) or after an event (`\"leak.start + 12 d\"`). `itbsim new FILE` \
         writes a file to start from, `itbsim list` prints what can be named.\n\n\
         A key with a dot stands in a table inside the block; `[]` marks a list of tables. **Bold** keys must be given.\n\n",
    );
    text.push_str("## At the top of the file\n\n");
    let mut rows = Vec::new();
    for (key, value) in properties {
        if !is_block(value) {
            rows.push(row(key, value, required.contains(key.as_str())));
        }
    }
    table(&mut text, &rows);
    let named: Vec<&str> = BLOCKS.iter().map(|b| b.0).collect();
    let rest = properties.keys().map(String::as_str).filter(|k| !named.contains(k));
    for key in named.iter().copied().chain(rest) {
        let Some(value) = properties.get(key).filter(|v| is_block(v)) else {
            continue;
        };
        let (heading, body) = match value.get("items") {
            Some(items) => (format!("[[{key}]]"), items),
            None => (format!("[{key}]"), value),
        };
        let _ = writeln!(text, "## `{heading}`\n");
        let purpose = BLOCKS
            .iter()
            .find(|b| b.0 == key)
            .map(|b| b.1)
            .or_else(|| value["description"].as_str())
            .or_else(|| body["description"].as_str());
        if let Some(purpose) = purpose {
            let _ = writeln!(text, "{purpose}\n");
        }
        block(&mut text, key, body);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Whether a key opens a table or a list of tables.
fn is_block(value: &Value) -> bool {
    let table = |v: &Value| v["properties"].is_object() || variants(v).is_some();
    table(value) || value.get("items").is_some_and(table)
}

/// The kinds of a block that has them: each is a table of its own.
fn variants(body: &Value) -> Option<&Vec<Value>> {
    body["oneOf"]
        .as_array()
        .filter(|all| all.iter().all(|v| v["properties"].is_object()))
}

fn block(text: &mut String, key: &str, body: &Value) {
    if key == "parameters" {
        text.push_str("All keys with unit, range, source and grade: `itbsim parameters`.\n\n");
        return;
    }
    let Some(variants) = variants(body) else {
        return fields(text, key, body);
    };
    // What all kinds share is told once.
    let keys = |v: &Value| -> BTreeSet<String> {
        v["properties"]
            .as_object()
            .map_or_else(BTreeSet::new, |p| p.keys().cloned().collect())
    };
    let mut shared = keys(&variants[0]);
    for variant in variants {
        shared = shared.intersection(&keys(variant)).cloned().collect();
    }
    shared.remove("kind");
    shared.remove("policy");
    text.push_str("All kinds have:\n\n");
    let mut rows = Vec::new();
    collect(&mut rows, "", &variants[0], &|key| shared.contains(key));
    table(text, &rows);
    for variant in variants {
        let properties = &variant["properties"];
        let of = if properties["kind"]["const"].is_string() {
            "kind"
        } else {
            "policy"
        };
        let name = properties[of]["const"].as_str().unwrap_or("?");
        let _ = writeln!(text, "### `{of} = \"{name}\"`\n");
        if let Some(meaning) = properties[of]["description"].as_str() {
            let _ = writeln!(text, "{}\n", sentence(meaning));
        }
        let mut rows = Vec::new();
        collect(&mut rows, "", variant, &|key| !shared.contains(key) && key != of);
        table(text, &rows);
    }
}

fn fields(text: &mut String, key: &str, body: &Value) {
    let mut rows = Vec::new();
    collect(&mut rows, "", body, &|_| true);
    if key == "hazards" {
        // One table for each kind, all with the same keys.
        let properties = body["properties"].as_object();
        let kinds: Vec<&String> = properties
            .into_iter()
            .flatten()
            .filter(|(_, v)| v["properties"].is_object())
            .map(|(k, _)| k)
            .collect();
        rows.retain(|row| !kinds.iter().skip(1).any(|k| row.key.starts_with(&format!("{k}."))));
        if let Some(first) = kinds.first() {
            for row in &mut rows {
                row.key = row.key.replacen(first.as_str(), "KIND", 1);
            }
            table(text, &rows);
            let names: Vec<String> = kinds.iter().map(|k| format!("`{k}`")).collect();
            let _ = writeln!(text, "KIND is one of {}.\n", names.join(", "));
            return;
        }
    }
    table(text, &rows);
}

/// Rows of a table and of the tables inside it.
fn collect(rows: &mut Vec<Row>, path: &str, body: &Value, wanted: &dyn Fn(&str) -> bool) {
    let Some(properties) = body["properties"].as_object() else {
        return;
    };
    let required = words(&body["required"]);
    for (key, value) in properties.iter().filter(|(key, _)| wanted(key)) {
        let name = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if value["properties"].is_object() {
            if let Some(meaning) = value["description"].as_str() {
                rows.push(Row {
                    key: format!("`{name}`"),
                    kind: "table".into(),
                    meaning: sentence(meaning),
                });
            }
            collect(rows, &name, value, &|_| true);
        } else if let Some(items) = value.get("items").filter(|i| i["properties"].is_object()) {
            if let Some(meaning) = value["description"].as_str() {
                rows.push(Row {
                    key: format!("`{name}[]`"),
                    kind: "list of tables".into(),
                    meaning: sentence(meaning),
                });
            }
            collect(rows, &format!("{name}[]"), items, &|_| true);
        } else {
            rows.push(row(&name, value, required.contains(key.as_str())));
            // A value that may also be a table: its keys follow.
            for choice in value["oneOf"].as_array().into_iter().flatten() {
                collect(rows, &name, choice, &|_| true);
            }
        }
    }
}

fn row(key: &str, value: &Value, required: bool) -> Row {
    let key = format!("`{key}`");
    Row {
        key: if required { format!("**{key}**") } else { key },
        kind: kind(value),
        meaning: sentence(meaning(value)),
    }
}

/// What may be written, in words.
fn kind(value: &Value) -> String {
    if let Some(choices) = value["enum"].as_array() {
        let all: Vec<String> = choices.iter().map(|c| format!("`{c}`")).collect();
        return all.join(", ");
    }
    if !value["const"].is_null() {
        return format!("`{}`", value["const"]);
    }
    if let Some(choices) = value["oneOf"].as_array().or(value["anyOf"].as_array()) {
        let mut all: Vec<String> = Vec::new();
        for choice in choices {
            let one = if choice["type"] == "object" {
                "table".to_owned()
            } else {
                kind(choice)
            };
            if !one.is_empty() && !all.contains(&one) {
                all.push(one);
            }
        }
        return all.join(" or ");
    }
    if let Some(example) = value["examples"].as_array().and_then(|e| e.first()) {
        return format!("`{example}`");
    }
    if value["pattern"].is_string()
        && !value["pattern"]
            .as_str()
            .is_some_and(|p| p.starts_with('^') && p.contains("A-Z"))
    {
        return "quantity".into();
    }
    match &value["type"] {
        Value::String(one) => match one.as_str() {
            "string" => "text".into(),
            "array" => format!("list of {}", plural(&kind(&value["items"]))),
            "object" => "table".into(),
            "integer" => "whole number".into(),
            "boolean" => "`true`, `false`".into(),
            other => other.to_owned(),
        },
        Value::Array(several) => {
            let all: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
            if all == ["number", "string"] {
                "number or quantity".into()
            } else {
                all.join(" or ")
            }
        }
        _ => String::new(),
    }
}

fn plural(word: &str) -> String {
    match word {
        "text" | "number" | "whole number" | "table" => format!("{word}s"),
        other => other.to_owned(),
    }
}

fn meaning(value: &Value) -> &str {
    value["description"].as_str().unwrap_or_else(|| {
        let choices = value["oneOf"].as_array().or(value["anyOf"].as_array());
        choices
            .into_iter()
            .flatten()
            .find_map(|c| c["description"].as_str())
            .or_else(|| value["items"]["description"].as_str())
            .unwrap_or("")
    })
}

/// Upper case at the front, a full stop at the end, nothing that ends a cell.
fn sentence(text: &str) -> String {
    let text = text.trim().replace('|', "\\|").replace('\n', " ");
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
}

fn words(list: &Value) -> BTreeSet<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn table(text: &mut String, rows: &[Row]) {
    if rows.is_empty() {
        text.push_str("No keys of its own.\n\n");
        return;
    }
    text.push_str("| key | write | meaning |\n|---|---|---|\n");
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            row.key,
            row.kind.replace('|', "\\|"),
            row.meaning
        );
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Registry;

    fn page() -> String {
        let schema = crate::scenario::schema(&Registry::builtin().catalog());
        reference(&serde_json::from_str(&schema).unwrap())
    }

    #[test]
    fn every_block_and_every_kind_of_the_schema_stands_on_the_page() {
        let page = page();
        let schema: Value = serde_json::from_str(&crate::scenario::schema(&Registry::builtin().catalog())).unwrap();
        let mut kinds = 0;
        for (key, value) in schema["properties"].as_object().unwrap() {
            assert!(
                page.contains(&format!("`{key}`")) || page.contains(&format!("[{key}]")),
                "{key}"
            );
            for kind in value["items"]["oneOf"].as_array().into_iter().flatten() {
                for of in ["kind", "policy"] {
                    if let Some(name) = kind["properties"][of]["const"].as_str() {
                        assert!(page.contains(&format!("### `{of} = \"{name}\"`")), "{name}");
                        kinds += 1;
                    }
                }
            }
        }
        assert!(kinds > 40, "only {kinds} kinds found");
        assert!(page.contains("| `reservoir.concentration` |"), "tables inside a block");
        assert!(!page.contains("||"), "an empty cell broke a table");
    }

    #[test]
    fn rows_tell_what_to_write() {
        let schema: Value = serde_json::from_str(
            r#"{"properties": {"a": {"description": "one | two", "enum": ["x", "y"]}, "b": {"type": "array", "items": {"type": "string"}}}, "required": ["a"]}"#,
        )
        .unwrap();
        let mut rows = Vec::new();
        collect(&mut rows, "", &schema, &|_| true);
        assert_eq!(rows[0].key, "**`a`**");
        assert_eq!(rows[0].kind, "`\"x\"`, `\"y\"`");
        assert_eq!(rows[0].meaning, "One \\| two.");
        assert_eq!(rows[1].kind, "list of texts");
    }
}
