//! A file as a tree whose every node remembers where it stands, so that each
//! check can point at the text it complains about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostics::{Diagnostic, Place};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) data: Data,
}

/// The TOML values a scenario can use.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Date,
    Array(Vec<Node>),
    Table(Table),
}

impl Data {
    /// With its article, for messages.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Data::Text(_) => "a text",
            Data::Integer(_) | Data::Float(_) => "a bare number",
            Data::Bool(_) => "true or false",
            Data::Date => "a date",
            Data::Array(_) => "an array",
            Data::Table(_) => "a table",
        }
    }
}

/// Key and value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

/// Entries in the order of the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|e| e.key == key)
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|e| e.key == key)?;
        Some(self.entries.remove(index))
    }

    /// Values in it and in all that it holds.
    pub(super) fn size(&self) -> usize {
        fn of(node: &Node) -> usize {
            1 + match &node.data {
                Data::Array(nodes) => nodes.iter().map(of).sum(),
                Data::Table(table) => table.size(),
                _ => 0,
            }
        }
        self.entries.iter().map(|e| of(&e.node)).sum()
    }

    /// Replaces or appends.
    pub(super) fn put(&mut self, entry: Entry) {
        match self.get_mut(&entry.key) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    /// The text under a key, if it is a text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)?.node.data {
            Data::Text(ref text) => Some(text),
            _ => None,
        }
    }

    /// The blocks of `[[key]]`; anything else counts as none and is reported where it is read.
    pub(super) fn blocks(&self, key: &str) -> Vec<(&Table, Place)> {
        match self.get(key).map(|e| &e.node.data) {
            Some(Data::Array(nodes)) => nodes
                .iter()
                .filter_map(|n| match &n.data {
                    Data::Table(t) => Some((t, n.place)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// As [`Table::blocks`], to change them.
    pub(super) fn blocks_mut(&mut self, key: &str) -> Vec<(&mut Table, Place)> {
        match self.get_mut(key).map(|e| &mut e.node.data) {
            Some(Data::Array(nodes)) => nodes
                .iter_mut()
                .filter_map(|n| match &mut n.data {
                    Data::Table(t) => Some((t, n.place)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Parses one file; syntax mistakes are pushed, as many as the parser can tell apart.
pub(super) fn parse(file: usize, text: &str, mistakes: &mut Vec<Diagnostic>) -> Option<Table> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(table(file, document.get_ref(), mistakes));
    }
    let mut last_line = None;
    for error in errors.into_iter().take(200) {
        let span = error.span().unwrap_or(0..0);
        // One slip can trip the parser several times on its line; the first report is the useful one.
        let line = text.get(..span.start).map(|t| t.matches('\n').count());
        if line.is_some() && line == last_line {
            continue;
        }
        last_line = line;
        let place = Place {
            file,
            start: span.start,
            end: span.end,
        };
        mistakes.push(syntax(text, place, error.message()));
    }
    None
}

fn syntax(text: &str, place: Place, message: &str) -> Diagnostic {
    let shown = text.get(place.start..place.end).unwrap_or("").trim();
    if message.starts_with("string values must be quoted") {
        return Diagnostic::new("unquoted-value", "a value with a unit must be in quotes")
            .at(place, "not quoted")
            .help(format!("write \"{}\"", shown.escape_debug()));
    }
    let (what, help) = match message {
        "duplicate key" => ("this key appears twice".to_owned(), Some("keep one of the two")),
        "recursion limit" => ("nested too deeply".to_owned(), None),
        other => (other.to_owned(), None),
    };
    Diagnostic::new("invalid-toml", format!("invalid TOML: {what}"))
        .at(place, "here")
        .maybe_help(help.map(str::to_owned))
}

fn table(file: usize, map: &DeTable<'_>, mistakes: &mut Vec<Diagnostic>) -> Table {
    let mut entries: Vec<Entry> = map
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_place: place(file, key),
            node: node(file, value, mistakes),
        })
        .collect();
    entries.sort_by_key(|e| e.key_place);
    Table { entries }
}

fn node(file: usize, value: &Spanned<DeValue<'_>>, mistakes: &mut Vec<Diagnostic>) -> Node {
    let place = place(file, value);
    let data = match value.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Data::Integer(number),
            Err(_) => {
                mistakes.push(
                    Diagnostic::new("number-too-large", "this whole number is too large")
                        .at(place, "does not fit 64 bits"),
                );
                Data::Integer(0)
            }
        },
        DeValue::Float(number) => Data::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Data::Bool(*b),
        DeValue::Datetime(_) => Data::Date,
        DeValue::Array(items) => Data::Array(items.iter().map(|v| node(file, v, mistakes)).collect()),
        DeValue::Table(map) => Data::Table(table(file, map, mistakes)),
    };
    Node { place, data }
}

fn place<T>(file: usize, spanned: &Spanned<T>) -> Place {
    let span = spanned.span();
    Place {
        file,
        start: span.start,
        end: span.end,
    }
}

/// Lays `over` on top of `base`: tables key by key, blocks of a list by `id`
/// (same id replaces, anything else is appended), everything else replaced.
pub(super) fn merge(base: &mut Table, over: Table) {
    if base.entries.is_empty() {
        *base = over;
        return;
    }
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (i, entry) in base.entries.iter().enumerate() {
        known.entry(entry.key.clone()).or_insert(i);
    }
    for mut entry in over.entries {
        let Some(old) = known.get(&entry.key).map(|i| &mut base.entries[*i]) else {
            known.insert(entry.key.clone(), base.entries.len());
            base.entries.push(entry);
            continue;
        };
        match (&mut old.node.data, &mut entry.node.data) {
            (Data::Table(below), Data::Table(above)) => merge(below, std::mem::take(above)),
            (Data::Array(below), Data::Array(above)) if is_blocks(below) && is_blocks(above) => {
                let mut places: BTreeMap<String, usize> = BTreeMap::new();
                for (i, block) in below.iter().enumerate() {
                    if let Some(id) = id_of(block) {
                        places.entry(id.to_owned()).or_insert(i);
                    }
                }
                for block in std::mem::take(above) {
                    let id = id_of(&block).map(str::to_owned);
                    match id.as_ref().and_then(|id| places.get(id)) {
                        Some(i) => below[*i] = block,
                        None => {
                            if let Some(id) = id {
                                places.insert(id, below.len());
                            }
                            below.push(block);
                        }
                    }
                }
            }
            _ => *old = entry,
        }
    }
}

fn is_blocks(nodes: &[Node]) -> bool {
    nodes.iter().all(|n| matches!(n.data, Data::Table(_)))
}

fn id_of(node: &Node) -> Option<&str> {
    match &node.data {
        Data::Table(t) => t.text("id"),
        _ => None,
    }
}

/// SHA-256 over the document with keys sorted and layout, comments and number spelling removed.
pub(super) fn hash(table: &Table) -> String {
    let mut text = String::new();
    canonical_table(table, &mut text);
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::with_capacity(64), |mut out, byte| {
            let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
            out
        })
}

fn canonical_table(table: &Table, out: &mut String) {
    let mut entries: Vec<&Entry> = table.entries.iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    out.push('{');
    for entry in entries {
        let _ = write!(out, "{:?}:", entry.key);
        canonical(&entry.node, out);
        out.push(',');
    }
    out.push('}');
}

fn canonical(node: &Node, out: &mut String) {
    match &node.data {
        Data::Text(text) => {
            let _ = write!(out, "{text:?}");
        }
        Data::Integer(n) => {
            let _ = write!(out, "{n}");
        }
        Data::Float(x) => {
            let _ = write!(out, "{:?}", x + 0.0);
        }
        Data::Bool(b) => {
            let _ = write!(out, "{b}");
        }
        Data::Date => out.push_str("date"),
        Data::Array(nodes) => {
            out.push('[');
            for node in nodes {
                canonical(node, out);
                out.push(',');
            }
            out.push(']');
        }
        Data::Table(table) => canonical_table(table, out),
    }
}
