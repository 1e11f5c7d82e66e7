//! Another decision at one instant of a story: the story as it was beside the story as it
//! might have gone on.

use std::collections::BTreeSet;
use std::path::Path;

use super::diagnostics::{Diagnostic, Diagnostics, Place, Source, did_you_mean, quoted};
use super::document::{self, Data, Entry, Node, Table};
use super::fields::Context;
use super::matrix;
use super::model::{Catalog, Story};
use super::names::Names;

/// Id of the arm that holds the story as it was.
pub const PAST: &str = "as-it-was";
/// Id of the arm that holds the other decision.
pub const BRANCH: &str = "branch";

/// Another decision.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// Arm of the story to start from, if it has arms.
    pub arm: Option<String>,
    /// Name of the text, for messages.
    pub name: String,
    /// TOML: `without` and `set` as in an `[[arm]]`, and blocks to add.
    pub text: String,
    /// Name and text of a file with more of the same, so that a mistake in it is shown at its own line.
    pub file: Option<(String, String)>,
}

/// Loads a story of two arms: [`PAST`] is one arm of the file, [`BRANCH`] the same with
/// another decision.
///
/// # Errors
/// [`Diagnostics`] with every mistake of file or decision.
pub fn load_branch(path: &Path, decision: &Decision, catalog: &Catalog) -> Result<Story, Diagnostics> {
    let whole = super::load(path, catalog)?;
    let name = whole.name.clone();
    // The file is sound; its resolved text says the same in one piece.
    let mut mistakes = Vec::new();
    let mut sources = vec![Source::new(path.display().to_string(), &whole.text)];
    let Some(mut document) = document::parse(0, &whole.text, &mut mistakes) else {
        return Err(Diagnostics::new(mistakes, sources));
    };
    super::settle(&mut document, &mut mistakes);
    let refuse = |mistake: Diagnostic, sources: Vec<Source>| Err(Diagnostics::new(vec![mistake], sources));

    // The arm that is branched from, as a story of its own.
    let ids: Vec<&str> = whole.arms.iter().map(|a| a.id.as_str()).collect();
    let wanted = decision
        .arm
        .as_deref()
        .unwrap_or(ids.first().copied().unwrap_or_default());
    if !ids.contains(&wanted) {
        let problem = Diagnostic::new("unknown-arm", format!("{name} has no arm {}", quoted(wanted)));
        return refuse(problem.maybe_help(did_you_mean(wanted, &ids)), sources);
    }
    let context = Context::new(catalog, Names::collect(&document, catalog));
    let mut past = match matrix::variants(&context, &document) {
        Ok((variants, _)) => match variants.into_iter().find(|v| v.id == wanted) {
            Some(variant) => variant.document,
            None => document,
        },
        // The whole file was read without a mistake before.
        Err(_) => return Err(Diagnostics::new(context.into_mistakes(), sources)),
    };

    let own = (decision.name.as_str(), decision.text.as_str());
    let more = decision
        .file
        .as_ref()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let file = sources.len();
    let mut change = Table::default();
    for (name, text) in more.into_iter().chain([own]) {
        let parsed = document::parse(sources.len(), text, &mut mistakes);
        sources.push(Source::new(name.to_owned(), text));
        let Some(next) = parsed else {
            return Err(Diagnostics::new(mistakes, sources));
        };
        if let Some((id, place)) = twice(&change, &next) {
            let problem = Diagnostic::new(
                "duplicate-id",
                format!("two blocks of the decision have the id {}", quoted(&id)),
            );
            return refuse(
                problem.at(place, "this one").help("give one of them another id"),
                sources,
            );
        }
        join(&mut change, next);
    }
    let mut arm = Table::default();
    for key in ["without", "set"] {
        if let Some(entry) = change.remove(key) {
            arm.put(entry);
        }
    }
    if let Some(entry) = change.get("arm").or(change.get("extends")) {
        let problem = Diagnostic::new("bad-decision", format!("a decision cannot hold `{}`", entry.key));
        return refuse(problem.at(entry.key_place, "not part of a decision"), sources);
    }
    super::settle(&mut change, &mut mistakes);
    // Blocks that are added stand in the document and are left out of the past.
    let added: Vec<String> = super::names::LISTS
        .iter()
        .flat_map(|list| change.blocks(list))
        .filter_map(|(t, _)| t.text("id").map(str::to_owned))
        .collect();
    let names = Names::collect(&past, catalog);
    let known: BTreeSet<&str> = names.all().into_iter().collect();
    if let Some(id) = added.iter().find(|id| known.contains(id.as_str())) {
        let problem = Diagnostic::new("duplicate-id", format!("the story has an id {} already", quoted(id)));
        return refuse(
            problem.help("give the new block another id; to change a block, use `set`"),
            sources,
        );
    }
    document::merge(&mut past, change);
    let place = Place { file, start: 0, end: 0 };
    let text = |id: &str| Node {
        place,
        data: Data::Text(id.to_owned()),
    };
    let entry = |key: &str, data: Data| Entry {
        key: key.to_owned(),
        key_place: place,
        node: Node { place, data },
    };
    let mut as_it_was = Table::default();
    as_it_was.put(entry("id", Data::Text(PAST.to_owned())));
    as_it_was.put(entry("without", Data::Array(added.iter().map(|id| text(id)).collect())));
    arm.put(entry("id", Data::Text(BRANCH.to_owned())));
    let both = [as_it_was, arm].map(|table| Node {
        place,
        data: Data::Table(table),
    });
    past.put(entry("arm", Data::Array(both.into())));
    // What the file expects is about the story as it was.
    past.remove("expect");
    // Its decisions name arms that are no longer there.
    past.remove("decision");
    if !mistakes.is_empty() {
        return Err(Diagnostics::new(mistakes, sources));
    }
    super::story(name, past, sources, catalog)
}

/// An id that blocks of both texts have, with its place in the second.
fn twice(first: &Table, second: &Table) -> Option<(String, Place)> {
    super::names::LISTS.iter().find_map(|list| {
        let old: BTreeSet<&str> = first.blocks(list).iter().filter_map(|(t, _)| t.text("id")).collect();
        second.blocks(list).iter().find_map(|(t, place)| {
            let id = t.text("id").filter(|id| old.contains(id))?;
            Some((id.to_owned(), t.get("id").map_or(*place, |e| e.node.place)))
        })
    })
}

/// Adds one text of a decision to another; what either leaves out is left out.
fn join(change: &mut Table, mut next: Table) {
    if let (Some(old), Some(new)) = (change.get_mut("without"), next.get_mut("without"))
        && let (Data::Array(old), Data::Array(new)) = (&mut old.node.data, &mut new.node.data)
    {
        old.append(new);
        next.remove("without");
    }
    document::merge(change, next);
}
