//! The figures a file runs with: the named set, its own over them, the fineness of the pump.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::diagnostics::{Diagnostic, Diagnostics, Place, Source, quoted};
use super::document::{self, Data, Table};
use super::fields::{Bound, Context, Fields, Got, Reported};
use super::files::{Disk, Files};
use super::model::Catalog;
use super::names::Names;
use super::resolve::{FAMILY, FIDELITIES, MODEL_KEYS, once};
use crate::parameters::{self, NamedSet, ParameterError, ParameterSet, SETS};
use crate::quantity::Dimension;

/// The set that `[model]` names.
pub(super) fn named_set(fields: &Fields<'_, '_>) -> Got<&'static NamedSet> {
    let empty = Table::default();
    let words: Vec<(&str, &'static NamedSet)> = SETS.iter().map(|s| (s.name, s)).collect();
    once(fields, "model", MODEL_KEYS, &empty)?.choice("set", &words)
}

/// The defaults, the named set over them, `[parameters]` over both; the keys of the last are fixed.
pub(super) fn parameters_of(
    fields: &Fields<'_, '_>,
    chosen: Option<&NamedSet>,
    fixed: &mut BTreeSet<&'static str>,
) -> Result<ParameterSet, Reported> {
    let mut set = chosen.map_or_else(ParameterSet::default, NamedSet::parameters);
    let Some(entry) = fields.entry("parameters") else {
        return Ok(set);
    };
    let Data::Table(table) = &entry.node.data else {
        return Err(fields.wrong_type(entry, "a table", "[parameters]"));
    };
    if override_by(fields, table, Bare::Refused, &mut set, fixed) {
        Ok(set)
    } else {
        Err(Reported)
    }
}

/// Replacements of defaults: the `[parameters]` of a file, by key, each in the unit of its table. Whatever
/// else stands in the file is passed over, so that a scenario can serve. A number without a unit counts
/// in the unit of its parameter.
///
/// # Errors
/// [`Diagnostics`] with every mistake found, its line and a suggestion.
pub fn parameters_from_str(name: &str, text: &str) -> Result<Vec<(String, f64)>, Diagnostics> {
    let mut mistakes = Vec::new();
    let parsed = document::parse(0, text, &mut mistakes);
    let sources = vec![Source::new(name.to_owned(), text)];
    let Some(document) = parsed.filter(|_| mistakes.is_empty()) else {
        return Err(Diagnostics::new(mistakes, sources));
    };
    let catalog = Catalog::default();
    let context = Context::new(&catalog, Names::default());
    let top = Place {
        file: 0,
        start: 0,
        end: 0,
    };
    // Other keys are not looked at, so none is unknown.
    let fields = Fields::absent(&context, "the file".to_owned(), &document, top);
    let mut set = ParameterSet::default();
    let mut found = BTreeSet::new();
    match fields.entry("parameters").map(|e| (e, &e.node.data)) {
        Some((_, Data::Table(table))) => {
            once_each(&fields, table);
            override_by(&fields, table, Bare::InTheUnit, &mut set, &mut found);
        }
        Some((entry, _)) => {
            fields.wrong_type(entry, "a table", "{ \"kinetics.csf.loss_rate\" = \"0.4 1/h\" }");
        }
        None => {
            fields.report(
                Diagnostic::new("missing-key", "the file has no [parameters]")
                    .at(top, "[parameters] is needed")
                    .help("write [parameters], and below it for example \"kinetics.csf.loss_rate\" = \"0.4 1/h\""),
            );
        }
    }
    let mistakes = context.into_mistakes();
    if mistakes.is_empty() {
        Ok(found.into_iter().map(|key| (key.to_owned(), set.get(key))).collect())
    } else {
        Err(Diagnostics::new(mistakes, sources))
    }
}

/// The same from a file.
///
/// # Errors
/// [`Diagnostics`] if it cannot be read, or with every mistake found in it.
pub fn parameters_from_file(path: &Path) -> Result<Vec<(String, f64)>, Diagnostics> {
    let shown = path.display().to_string();
    match Disk.read(path) {
        Ok(text) => parameters_from_str(&shown, &text),
        Err(problem) => {
            let mistake = Diagnostic::new("unreadable-file", format!("cannot read {}: {problem}", quoted(&shown)));
            Err(Diagnostics::new(vec![mistake.in_file(shown)], Vec::new()))
        }
    }
}

/// Reports keys that stand twice in one file, once quoted and once dotted.
fn once_each(fields: &Fields<'_, '_>, table: &Table) {
    let mut flat = Vec::new();
    flatten(table, String::new(), &mut flat);
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for (key, place, ..) in &flat {
        if let Some(first) = seen.insert(key, *place) {
            fields.report(
                Diagnostic::new("given-twice", format!("{} is given twice", quoted(key)))
                    .at(*place, "here")
                    .at(first, "and here")
                    .help("keep one of the two"),
            );
        }
    }
}

/// What a number without a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bare {
    /// A mistake, unless the parameter is a pure number.
    Refused,
    /// A value in the unit of the parameter.
    InTheUnit,
}

/// Puts the values of a table into the set, and their keys among the fixed ones; whether all could be.
fn override_by(
    fields: &Fields<'_, '_>,
    table: &Table,
    bare: Bare,
    set: &mut ParameterSet,
    fixed: &mut BTreeSet<&'static str>,
) -> bool {
    let mut flat = Vec::new();
    flatten(table, String::new(), &mut flat);
    let mut flawed = false;
    for (key, key_place, place, data) in flat {
        let Some(known) = parameters::named(&key) else {
            flawed = true;
            let keys: Vec<&str> = parameters::all().map(|p| p.key).collect();
            let near = fields
                .context
                .suggests()
                .then(|| super::diagnostics::nearest(&key, &keys))
                .flatten();
            let help = near.map(|k| format!("did you mean `{k}`?"));
            fields.report(
                Diagnostic::new("unknown-parameter", format!("unknown parameter {}", quoted(&key)))
                    .at(key_place, "no such parameter")
                    .help(help.unwrap_or_else(|| "`itbsim parameters` lists them all".to_owned())),
            );
            continue;
        };
        fixed.insert(known.key);
        let text = match data {
            Data::Text(text) => Some(text.clone()),
            Data::Integer(n) => Some(n.to_string()),
            Data::Float(x) => Some(x.to_string()),
            _ => None,
        };
        let example = if known.unit == "1" {
            known.value.to_string()
        } else {
            format!("\"{} {}\"", known.value, known.unit)
        };
        let outcome = match (data, &text) {
            (Data::Integer(n), _) if bare == Bare::InTheUnit => set.set(known.key, *n as f64),
            (Data::Float(x), _) if bare == Bare::InTheUnit => set.set(known.key, *x),
            (_, Some(text)) => set.set_text(known.key, text),
            (_, None) => {
                flawed = true;
                fields.report(
                    Diagnostic::new(
                        "wrong-type",
                        format!("`{key}` is {}, but a quantity is needed", data.noun()),
                    )
                    .at(place, "not a quantity")
                    .help(format!("write \"{key}\" = {example}")),
                );
                continue;
            }
        };
        if let Err(problem) = outcome {
            flawed = true;
            let help = match &problem {
                ParameterError::Text { .. } => Some(format!("the default is {example}")),
                _ => None,
            };
            fields.report(
                Diagnostic::new("bad-parameter", problem.to_string())
                    .at(place, known.meaning)
                    .maybe_help(problem.help())
                    .maybe_help(help),
            );
        }
    }
    !flawed
}

/// `a.b.c` may be written quoted, dotted or as nested tables.
pub(super) fn flatten<'t>(table: &'t Table, prefix: String, out: &mut Vec<(String, Place, Place, &'t Data)>) {
    for entry in &table.entries {
        let key = if prefix.is_empty() {
            entry.key.clone()
        } else {
            format!("{prefix}.{}", entry.key)
        };
        match &entry.node.data {
            Data::Table(inner) => flatten(inner, key, out),
            data => out.push((key, entry.key_place, entry.node.place, data)),
        }
    }
}

/// Puts the fineness of the run, which `[pump]` may choose, among the parameters.
pub(super) fn fidelity(fields: &Fields<'_, '_>, mut parameters: ParameterSet) -> Result<ParameterSet, Reported> {
    const KEY: &str = "flow.fidelity.stroke";
    // A block that is none, and unknown keys, are reported where the rest of it is read.
    let Some(entry) = fields.entry("pump") else {
        return Ok(parameters);
    };
    let Data::Table(table) = &entry.node.data else {
        return Ok(parameters);
    };
    let inner = Fields::absent(fields.context, "[pump]".to_owned(), table, entry.node.place);
    let strokes = inner.choice("fidelity", FIDELITIES)?.unwrap_or(false);
    let volume = inner.quantity("stroke", Dimension::Volume, Bound::within(1e-5, 0.1))?;
    if !strokes {
        return match volume {
            None => Ok(parameters),
            Some(_) => Err(inner.report(
                Diagnostic::new("unknown-key", "`stroke` means nothing without fidelity = \"strokes\"")
                    .at(inner.place_of("stroke"), "no strokes are simulated")
                    .help("write fidelity = \"strokes\" beside it"),
            )),
        };
    }
    let family = inner.text("family", "\"peristaltic\"")?.unwrap_or(FAMILY);
    let abilities = &fields.context.catalog.pump_abilities;
    if abilities.iter().any(|a| a.family == family && a.rates.is_none()) {
        return Err(inner.report(
            Diagnostic::new("impossible", format!("a {family} pump makes no strokes"))
                .at(inner.place_of("fidelity"), "its flow is steady")
                .help("leave `fidelity` out"),
        ));
    }
    let microlitres = volume.map_or_else(|| parameters.get("flow.stroke.volume"), |v| v * 1e3);
    match parameters.set(KEY, microlitres) {
        Ok(()) => Ok(parameters),
        Err(error) => Err(inner
            .report(Diagnostic::new("out-of-range", error.to_string()).at(inner.place_of("stroke"), "out of range"))),
    }
}
