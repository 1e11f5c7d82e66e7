//! `[[arm]]`: the same story with blocks left out and values replaced.

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::{Data, Entry, Node, Table};
use super::fields::{Context, Fields, Reported};
use super::names::LISTS;
use super::resolve::path_help;

/// Keys of the block.
pub(super) const KEYS: &[&str] = &["id", "without", "set"];

/// Arms one file may have; each is a copy of the document.
pub(crate) const MOST_ARMS: usize = 200;

/// Values that all arms, cells or choices of one file may hold together.
pub(crate) const MOST_COPIED: usize = 2_000_000;

/// Values that one arm or choice may set; there are some nine hundred parameters.
pub(crate) const MOST_SET: usize = 2_000;

/// Refuses more copies of a document than there should be room for.
pub(super) fn room(context: &Context<'_>, document: &Table, copies: usize, place: Place) -> Result<(), Reported> {
    let values = document.size();
    if values.saturating_mul(copies) <= MOST_COPIED {
        return Ok(());
    }
    Err(context.report(
        Diagnostic::new(
            "too-many-values",
            format!("{copies} variants of a file with {values} values"),
        )
        .at(place, format!("together at most {MOST_COPIED} are allowed"))
        .help("split the story into several files that extend one base"),
    ))
}

/// One arm: its id, the ids it leaves out, and the changed document.
pub(super) struct Variant {
    pub(super) id: String,
    /// The arm of the file it comes from, which expectations name; of a cell of a matrix without arms
    /// this is empty.
    pub(super) arm: String,
    pub(super) gone: Vec<String>,
    pub(super) document: Table,
}

/// Applies every arm to the document; mistakes are reported to `context`.
pub(super) fn variants(context: &Context<'_>, document: &Table) -> Result<Vec<Variant>, Reported> {
    let mut out = Vec::new();
    let mut flawed = false;
    if let Some(entry) = document.get("arm")
        && !matches!(&entry.node.data, Data::Array(nodes) if nodes.iter().all(|n| matches!(n.data, Data::Table(_))))
    {
        return Err(context.report(
            Diagnostic::new("wrong-type", "`arm` must be written as [[arm]] blocks")
                .at(entry.key_place, "not a block")
                .help("write [[arm]], with two brackets on each side"),
        ));
    }
    let blocks = document.blocks("arm");
    if let Some((_, place)) = blocks.get(MOST_ARMS) {
        return Err(context.report(
            Diagnostic::new("too-many-arms", format!("{} arms in one file", blocks.len()))
                .at(*place, format!("at most {MOST_ARMS} are allowed"))
                .help("split the story into several files that extend one base"),
        ));
    }
    if let Some((_, place)) = blocks.first() {
        room(context, document, blocks.len(), *place)?;
    }
    for (block, place) in blocks {
        match variant(context, document, block, place) {
            Ok(variant) => out.push(variant),
            Err(Reported) => flawed = true,
        }
    }
    if flawed { Err(Reported) } else { Ok(out) }
}

fn variant(context: &Context<'_>, document: &Table, block: &Table, place: Place) -> Result<Variant, Reported> {
    let fields = Fields::new(context, "[[arm]]", block, place, KEYS);
    let id = match fields.text("id", "\"no-leak\"") {
        Ok(Some(id)) => Ok(id.to_owned()),
        Ok(None) => Err(fields.missing("id", "\"no-leak\"")),
        Err(reported) => Err(reported),
    };
    let mut changed = document.clone();
    changed.remove("arm");
    changed.remove("matrix");
    let gone = without(&fields, &mut changed);
    let set = set(&fields, &mut changed, document);
    set?;
    let id = id?;
    Ok(Variant {
        arm: id.clone(),
        id,
        gone: gone?,
        document: changed,
    })
}

pub(super) fn without(fields: &Fields<'_, '_>, document: &mut Table) -> Result<Vec<String>, Reported> {
    let known = fields.context.names.all();
    let mut gone = Vec::new();
    let mut flawed = false;
    for (id, place) in fields.texts("without", "[\"leak\"]")?.unwrap_or_default() {
        if !known.contains(&id) {
            flawed = true;
            fields.report(
                Diagnostic::new("unknown-id", format!("nothing has the id {}", quoted(id)))
                    .at(place, "nothing to leave out")
                    .maybe_help(did_you_mean(id, &known)),
            );
            continue;
        }
        gone.push(id.to_owned());
        for list in LISTS {
            if let Some(Entry {
                node: Node {
                    data: Data::Array(nodes),
                    ..
                },
                ..
            }) = document.get_mut(list)
            {
                nodes.retain(|n| !matches!(&n.data, Data::Table(t) if t.text("id") == Some(id)));
            }
        }
    }
    if flawed { Err(Reported) } else { Ok(gone) }
}

pub(super) fn set(fields: &Fields<'_, '_>, document: &mut Table, original: &Table) -> Result<(), Reported> {
    let Some(entry) = fields.entry("set") else {
        return Ok(());
    };
    let Data::Table(table) = &entry.node.data else {
        return Err(fields.wrong_type(entry, "a table", "{ \"pump.gain\" = 1.1 }"));
    };
    let mut flat = Vec::new();
    flatten(table, "", &mut flat);
    // Each is looked for among all others.
    if flat.len() > MOST_SET {
        return Err(fields.report(
            Diagnostic::new("too-many-values", format!("`set` changes {} values", flat.len()))
                .at(entry.key_place, format!("at most {MOST_SET} are allowed"))
                .help("change them in a file that extends this one"),
        ));
    }
    let mut flawed = false;
    for (path, change) in flat {
        if let Err(mistake) = put(document, original, fields, &path, change) {
            flawed = true;
            fields.report(*mistake);
        }
    }
    if flawed { Err(Reported) } else { Ok(()) }
}

/// Paths may be quoted or dotted; an inline table under a path replaces what is there.
fn flatten<'t>(table: &'t Table, prefix: &str, out: &mut Vec<(String, &'t Entry)>) {
    for entry in &table.entries {
        let path = if prefix.is_empty() {
            entry.key.clone()
        } else {
            format!("{prefix}.{}", entry.key)
        };
        match &entry.node.data {
            // `pump.gain = 1` without quotes arrives as a table `pump`; a value that is
            // a table is written after a quoted path, which has a dot in its key.
            Data::Table(inner) if !entry.key.contains('.') => flatten(inner, &path, out),
            _ => out.push((path, entry)),
        }
    }
}

/// Puts the value of `change` under a path of the document.
pub(super) fn put(
    document: &mut Table,
    original: &Table,
    fields: &Fields<'_, '_>,
    path: &str,
    change: &Entry,
) -> Result<(), Box<Diagnostic>> {
    let wrong = |code, title: String, label: &str| Diagnostic::new(code, title).at(change.key_place, label);
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let leaf = |key: &str| Entry {
        key: key.to_owned(),
        key_place: change.key_place,
        node: change.node.clone(),
    };
    if LISTS.contains(&head) || head == "drug" {
        let Some((id, key)) = rest.and_then(|r| r.split_once('.')) else {
            return Err(Box::new(
                wrong(
                    "bad-path",
                    format!("{} does not say which key to set", quoted(path)),
                    "too short",
                )
                .help(format!("write \"{head}.<id>.<key>\"")),
            ));
        };
        let known = fields.context.names.of(head);
        let Some((block, _)) = document
            .blocks_mut(head)
            .into_iter()
            .find(|(b, _)| b.text("id") == Some(id))
        else {
            let left_out = original.blocks(head).iter().any(|(b, _)| b.text("id") == Some(id));
            return Err(Box::new(if left_out {
                wrong(
                    "unknown-id",
                    format!("this arm leaves {} out and changes it", quoted(id)),
                    "left out by `without`",
                )
            } else {
                wrong(
                    "unknown-id",
                    format!("no {head} has the id {}", quoted(id)),
                    "nothing to change",
                )
                .maybe_help(did_you_mean(id, &known))
            }));
        };
        return descend(block, key, change, &leaf);
    }
    match (head, rest) {
        ("parameters", Some(key)) => {
            let whole = Entry {
                key: "parameters".to_owned(),
                key_place: change.key_place,
                node: Node {
                    place: change.key_place,
                    data: Data::Table(Table::default()),
                },
            };
            if document.get("parameters").is_none() {
                document.entries.push(whole);
            }
            match document.get_mut("parameters").map(|e| &mut e.node.data) {
                Some(Data::Table(table)) => {
                    remove_dotted(table, key);
                    table.put(leaf(key));
                    Ok(())
                }
                _ => Ok(()), // its wrong type is reported where it is read
            }
        }
        // A kind has a dot in its name, as in `hazards.pump.stall.constant`.
        ("hazards", Some(rest)) => {
            let kinds = &fields.context.catalog.hazard_kinds;
            let kind = kinds.iter().find(|k| rest.strip_prefix(**k).is_some_and(|r| r.is_empty() || r.starts_with('.')));
            let keys: Vec<&str> = match kind {
                Some(kind) => std::iter::once(*kind)
                    .chain(rest[kind.len()..].strip_prefix('.'))
                    .collect(),
                None => vec![rest],
            };
            walk(document, &[&["hazards"], keys.as_slice()].concat(), change, &leaf)
        }
        ("population", Some(rest)) => put_in_population(document, rest, change, &leaf),
        (
            "patient" | "pump" | "catheter" | "duration" | "seed" | "replicate" | "sample" | "title" | "lesson" | "model",
            _,
        ) => {
            descend(document, path, change, &leaf)
        }
        ("extends" | "arm" | "matrix" | "expect" | "decision" | "sources" | "hazard" | "teaching" | "uncertain", _) => Err(Box::new(wrong(
            "bad-path",
            format!("an arm cannot set {}", quoted(path)),
            "not part of what is run",
        ))),
        _ => Err(Box::new(
            wrong(
                "bad-path",
                format!("{} names nothing that can be set", quoted(path)),
                "unknown",
            )
            .maybe_help(path_help(head).filter(|h| h.starts_with("did")))
            .help(
                "paths start with patient, pump, catheter, model, population, hazards, parameters, programme.<id>, fault.<id>, action.<id>, care.<id> or drug.<id>",
            ),
        )),
    }
}

/// `population.name`, or `population.distributions.KEY` with or without the name of one number,
/// where KEY has dots of its own.
fn put_in_population(
    document: &mut Table,
    rest: &str,
    change: &Entry,
    leaf: &dyn Fn(&str) -> Entry,
) -> Result<(), Box<Diagnostic>> {
    let Some(path) = rest.strip_prefix("distributions.") else {
        return walk(document, &["population", rest], change, leaf);
    };
    let last = path.rsplit_once('.');
    let keys = match last {
        Some((key, number)) if super::population_read::DISTRIBUTION_KEYS.contains(&number) => vec![key, number],
        _ => vec![path],
    };
    walk(
        document,
        &[&["population", "distributions"], keys.as_slice()].concat(),
        change,
        leaf,
    )
}

/// Removes `a.b.c` however it was written: quoted, dotted or nested.
fn remove_dotted(table: &mut Table, key: &str) {
    table.remove(key);
    let splits: Vec<usize> = key.match_indices('.').map(|(i, _)| i).collect();
    for at in splits {
        if let Some(Entry {
            node: Node {
                data: Data::Table(inner),
                ..
            },
            ..
        }) = table.get_mut(&key[..at])
        {
            remove_dotted(inner, &key[at + 1..]);
        }
    }
}

fn descend(table: &mut Table, path: &str, change: &Entry, leaf: &dyn Fn(&str) -> Entry) -> Result<(), Box<Diagnostic>> {
    walk(table, &path.split('.').collect::<Vec<_>>(), change, leaf)
}

fn walk(table: &mut Table, path: &[&str], change: &Entry, leaf: &dyn Fn(&str) -> Entry) -> Result<(), Box<Diagnostic>> {
    let (head, rest) = match path {
        [] => return Ok(()),
        [last] => {
            table.put(leaf(last));
            return Ok(());
        }
        [head, rest @ ..] => (*head, rest),
    };
    if table.get(head).is_none() {
        table.entries.push(Entry {
            key: head.to_owned(),
            key_place: change.key_place,
            node: Node {
                place: change.key_place,
                data: Data::Table(Table::default()),
            },
        });
    }
    match table.get_mut(head).map(|e| &mut e.node.data) {
        Some(Data::Table(inner)) => walk(inner, rest, change, leaf),
        _ => Err(Box::new(
            Diagnostic::new("bad-path", format!("{} has no keys of its own", quoted(head)))
                .at(change.key_place, "goes below a plain value"),
        )),
    }
}
