//! The names a document introduces: ids, and the events that follow from them.

use std::collections::BTreeMap;

use super::diagnostics::{Diagnostic, Place, quoted};
use super::document::{Data, Entry, Node, Table};
use super::model::Catalog;
use super::steps;

/// The lists whose blocks have ids, with the word used in paths and events.
pub(super) const LISTS: [&str; 4] = ["programme", "fault", "action", "care"];

/// Longest id, which can become a folder name \[characters\].
pub(crate) const ID_LIMIT: usize = 64;

/// Every name that a moment, an arm or a repair may use.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// (list, id) of every block of the whole document, also of those an arm leaves out.
    ids: Vec<(&'static str, String)>,
    /// The list of each id.
    list_of: BTreeMap<String, &'static str>,
    /// Ids an arm leaves out.
    pub(super) gone: Vec<String>,
    /// Full event names, sorted.
    pub(super) events: Vec<String>,
    /// Ids of the drugs beside baclofen, sorted.
    pub(super) drugs: Vec<String>,
    /// Columns of the time series, with those of the drugs.
    pub(super) signals: Vec<String>,
}

impl Names {
    /// Collects the names; blocks must have their ids already.
    pub(super) fn collect(document: &Table, catalog: &Catalog) -> Self {
        let mut names = Names {
            events: catalog.events.clone(),
            drugs: super::drug::ids(document),
            signals: catalog.signals.clone(),
            ..Names::default()
        };
        for id in &names.drugs {
            let own = catalog.drug_signals.iter().map(|column| format!("{id}_{column}"));
            names.signals.extend(own);
        }
        if !names.drugs.is_empty() {
            names.signals.extend(catalog.channel_signals.iter().cloned());
        }
        for list in LISTS {
            for (block, _) in document.blocks(list) {
                let Some(id) = block.text("id") else { continue };
                for kind in kinds(list) {
                    names.events.push(format!("{list}.{id}.{kind}"));
                }
                if block.text("kind").is_some_and(|k| k.starts_with("complication.")) {
                    let more = ["course_over", "relapsed", "spread"];
                    names.events.extend(more.map(|kind| format!("{list}.{id}.{kind}")));
                }
                if *list == *"care" {
                    let policy = catalog.policies.iter().find(|k| block.text("policy") == Some(k.name));
                    let own = policy.map_or(&[][..], |k| k.flags);
                    names
                        .events
                        .extend(own.iter().map(|kind| format!("{list}.{id}.{kind}")));
                    if policy.is_some_and(|k| k.choices.iter().any(|c| c.name == steps::KEY)) {
                        let results = steps::TESTS
                            .iter()
                            .flat_map(|t| steps::OUTCOMES.map(|o| steps::result_event(t, o)));
                        names.events.extend(results.map(|kind| format!("{list}.{id}.{kind}")));
                    }
                    let acts = policy.map_or(&[][..], |k| k.acts);
                    names
                        .events
                        .extend(acts.iter().map(|act| format!("action.{id}.{act}.done")));
                }
                names.ids.push((list, id.to_owned()));
                names.list_of.entry(id.to_owned()).or_insert(list);
            }
        }
        names.events.sort();
        names.events.dedup();
        names
    }

    /// The same names in an arm that leaves some blocks out: still known, but gone.
    pub(super) fn without(&self, gone: Vec<String>) -> Self {
        Names { gone, ..self.clone() }
    }

    /// The ids of one list.
    pub(super) fn of(&self, list: &str) -> Vec<&str> {
        self.ids
            .iter()
            .filter(|(l, _)| *l == list)
            .map(|(_, id)| id.as_str())
            .chain(self.drugs.iter().map(String::as_str).filter(|_| list == "drug"))
            .collect()
    }

    /// All ids.
    pub(super) fn all(&self) -> Vec<&str> {
        self.ids.iter().map(|(_, id)| id.as_str()).collect()
    }

    /// The full event name that a text means: itself, `leak.start` for
    /// `fault.leak.start`, or a bare id for the start of a fault or programme
    /// and the end of an action.
    pub(super) fn event(&self, text: &str) -> Option<String> {
        if self.events.binary_search_by(|e| e.as_str().cmp(text)).is_ok() {
            return Some(text.to_owned());
        }
        let (id, kind) = match text.split_once('.') {
            Some((id, kind)) => (id, Some(kind)),
            None => (text, None),
        };
        let list = *self.list_of.get(id)?;
        let kind = kind.unwrap_or(kinds(list)[0]);
        kinds(list).contains(&kind).then(|| format!("{list}.{id}.{kind}"))
    }

    /// The list and id behind an event of a block, `("fault", "leak")` for `fault.leak.start`.
    pub(super) fn owner(event: &str) -> Option<(&str, &str)> {
        let (list, rest) = event.split_once('.')?;
        let (id, _) = rest.rsplit_once('.')?;
        LISTS.contains(&list).then_some((list, id))
    }

    /// Whether the event belongs to a block that the arm leaves out.
    pub(super) fn is_gone(&self, event: &str) -> bool {
        Self::owner(event).is_some_and(|(_, id)| self.gone.iter().any(|g| g == id))
    }

    /// Spellings offered when an event name is unknown: full names and shorthands.
    pub(super) fn spellings(&self) -> Vec<String> {
        let mut out = self.events.clone();
        for (list, id) in &self.ids {
            out.extend(kinds(list).iter().map(|kind| format!("{id}.{kind}")));
        }
        out
    }
}

/// The events of a block, the one meant by its bare id first.
pub(super) fn kinds(list: &str) -> &'static [&'static str] {
    match list {
        "fault" => &["start", "full", "end"],
        "programme" => &["start"],
        "care" => super::settings::COMMON_EVENTS,
        _ => &["done", "dropped"],
    }
}

/// Gives programmes and actions without an id one made of their verb and a number
/// (`refill1`, `simple_continuous2`), and reports ids that are malformed or used twice.
pub(super) fn settle_ids(document: &mut Table, verbs: &[(&str, &[&str])], mistakes: &mut Vec<Diagnostic>) {
    let mut taken: BTreeMap<String, Place> = BTreeMap::new();
    for list in LISTS.iter().chain(&["arm", "expect", "drug"]) {
        let mut own: BTreeMap<String, Place> = BTreeMap::new();
        for (block, _) in document.blocks(list) {
            let Some(Entry {
                node: Node {
                    data: Data::Text(id),
                    place,
                },
                ..
            }) = block.get("id")
            else {
                continue;
            };
            check_id(id, *place, mistakes);
            // Arms and expectations have name spaces of their own; the rest shares one,
            // because moments, arms and repairs name blocks by the bare id.
            let known = if LISTS.contains(list) { &mut taken } else { &mut own };
            if let Some(first) = known.get(id) {
                mistakes.push(
                    Diagnostic::new("duplicate-id", format!("the id {} is used twice", quoted(id)))
                        .at(*place, "used again here")
                        .at(*first, "first used here")
                        .help("ids of programmes, faults and actions must differ from one another"),
                );
            } else {
                known.insert(id.clone(), *place);
            }
        }
    }
    for (list, verbs) in verbs {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (block, place) in document.blocks_mut(list) {
            if block.get("id").is_some() {
                continue;
            }
            let verb: &str = verbs.iter().find(|v| block.get(v).is_some()).unwrap_or(list);
            let number = numbers.entry(verb).or_insert(0);
            let id = loop {
                *number += 1;
                let id = format!("{verb}{number}");
                if !taken.contains_key(&id) {
                    break id;
                }
            };
            taken.insert(id.clone(), place);
            block.entries.push(Entry {
                key: "id".to_owned(),
                key_place: place,
                node: Node {
                    place,
                    data: Data::Text(id),
                },
            });
        }
    }
}

fn check_id(id: &str, place: Place, mistakes: &mut Vec<Diagnostic>) {
    let plain = id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && id.len() <= ID_LIMIT;
    if !plain {
        mistakes.push(
            Diagnostic::new("bad-id", format!("{} cannot be an id", quoted(id)))
                .at(place, "not an id")
                .help(format!(
                    "use letters, digits, `-` and `_`, a letter or digit first, at most {ID_LIMIT} characters"
                )),
        );
    }
}
