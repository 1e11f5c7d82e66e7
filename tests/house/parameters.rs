//! Every key that the code asks a parameter table for is in a table, and every
//! table entry is asked for: a slip would be a panic at run time, or a number
//! that looks adjustable and does nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use itbsim::parameters::all;

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// String literals of a source text that look like a key of one of the rooms.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

fn asked() -> (BTreeSet<String>, String) {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files.sort();
    let mut keys = BTreeSet::new();
    let mut all_text = String::new();
    for path in files {
        if path.components().any(|c| c.as_os_str() == "parameters") {
            continue;
        }
        // Quotes that open no text would turn literals inside out.
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("'\"'", "").replace("\\\"", "");
        for call in ["get(\"", "get_as(\""] {
            for (at, _) in text.match_indices(call) {
                let rest = &text[at + call.len()..];
                let key = &rest[..rest.find('"').unwrap()];
                if key.contains('.') && !key.contains('{') {
                    keys.insert(key.to_owned());
                }
            }
        }
        all_text.push_str(&text);
    }
    (keys, all_text)
}

/// Whether the last part of a key under `care.` is asked for by itself.
fn is_bare(key: &str, literals: &BTreeSet<&str>) -> bool {
    let Some(rest) = key.strip_prefix("care.") else {
        return false;
    };
    let name = rest.split_once('.').map_or(rest, |(_, name)| name);
    let name = name.rsplit('.').next().unwrap_or(name);
    literals.contains(name) || name.starts_with("sees_")
}

#[test]
fn every_key_asked_for_is_in_a_table() {
    let known: BTreeSet<&str> = all().map(|p| p.key).collect();
    let (keys, _) = asked();
    assert!(keys.len() > 50, "only {} keys found: the search is broken", keys.len());
    let missing: Vec<_> = keys.iter().filter(|k| !known.contains(k.as_str())).collect();
    assert!(missing.is_empty(), "no table has {missing:?}");
}

#[test]
fn every_table_entry_is_used_or_says_that_it_waits_for_batches() {
    let (_, text) = asked();
    let literals: BTreeSet<&str> = literals(&text).collect();
    // Some keys are put together, as in `kinetics.csf.length_{region}`.
    let stems: Vec<&str> = literals
        .iter()
        .filter_map(|l| l.split_once('{').map(|(stem, _)| stem))
        .filter(|stem| stem.contains('.') && stem.len() > 12)
        .collect();
    let unused: Vec<&str> = all()
        .map(|p| p.key)
        .filter(|key| !literals.contains(key))
        .filter(|key| !stems.iter().any(|stem| key.starts_with(stem)))
        // A policy reads its numbers by their bare names.
        .filter(
            |key| match key.strip_prefix("care.").and_then(|rest| rest.split_once('.')) {
                Some((_, bare)) => !literals.contains(bare),
                None => true,
            },
        )
        // Symptom levels are read by name: `response.symptom.NAME.onset`.
        .filter(|key| !key.starts_with("response.symptom."))
        // Numbers of a policy are read by their bare names, those of a test by test and name;
        // tests of the care room show that each belongs to one.
        .filter(|key| !is_bare(key, &literals))
        // Spreads between refills are for batches.
        .filter(|key| !key.ends_with("_sd"))
        .collect();
    assert!(unused.is_empty(), "nobody reads {unused:?}");
}
