//! A resolved document as TOML again, so that a run's folder holds all that it needs.

use std::fmt::Write as _;

use super::document::{Data, Entry, Node, Table};

/// The document as text; reading it gives the same hash. Comments and layout are gone, and
/// what `extends` brought in stands in place.
pub(super) fn toml(document: &Table) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let plain = |e: &&Entry| !matches!(&e.node.data, Data::Table(_)) && !is_blocks(&e.node);
    for entry in document.entries.iter().filter(plain) {
        let _ = writeln!(out, "{} = {}", key(&entry.key), value(&entry.node));
    }
    for entry in &document.entries {
        match &entry.node.data {
            Data::Table(table) => section(&format!("[{}]", key(&entry.key)), table, &mut out),
            Data::Array(nodes) if is_blocks(&entry.node) => {
                for node in nodes {
                    if let Data::Table(table) = &node.data {
                        section(&format!("[[{}]]", key(&entry.key)), table, &mut out);
                    }
                }
            }
            _ => {}
        }
    }
    out
}

fn section(heading: &str, table: &Table, out: &mut String) {
    let _ = writeln!(out, "\n{heading}");
    for entry in &table.entries {
        let _ = writeln!(out, "{} = {}", key(&entry.key), value(&entry.node));
    }
}

fn is_blocks(node: &Node) -> bool {
    matches!(&node.data, Data::Array(nodes)
        if !nodes.is_empty() && nodes.iter().all(|n| matches!(n.data, Data::Table(_))))
}

fn key(text: &str) -> String {
    let bare = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

pub(super) fn value(node: &Node) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match &node.data {
        Data::Text(text) => quoted(text),
        Data::Integer(n) => n.to_string(),
        Data::Float(x) => toml::Value::Float(*x).to_string(),
        Data::Bool(b) => b.to_string(),
        // The loader refuses dates wherever they stand.
        Data::Date => "\"date\"".to_owned(),
        Data::Array(nodes) => format!("[{}]", list(nodes.iter().map(value).collect())),
        Data::Table(table) => {
            let pairs = table.entries.iter();
            let pairs = pairs.map(|e| format!("{} = {}", key(&e.key), value(&e.node)));
            format!("{{ {} }}", list(pairs.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    #[test]
    fn a_document_written_and_read_again_is_the_same() {
        let text = r#"
            title = "a \"quoted\" line\nand another"
            seed = 3
            sources = ["one", "two"]
            share = 1e-7
            whole = 2.0
            none = []
            [pump]
            reservoir = { size = "20 mL", nested = { "odd key" = true, list = [1, [2, 3]] } }
            [[fault]]
            id = "leak"
            [fault.profile]
            ramp = "5 d"
            [[fault]]
            id = "kink"
        "#;
        let mut mistakes = Vec::new();
        let first = document::parse(0, text, &mut mistakes).unwrap();
        let second = document::parse(0, &toml(&first), &mut mistakes).unwrap();
        assert!(mistakes.is_empty());
        assert_eq!(document::hash(&first), document::hash(&second));
        assert_eq!(toml(&first), toml(&second));
    }
}
