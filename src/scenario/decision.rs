//! `[[decision]]`: where a page for teaching stops and asks, and what each answer leads to.
//!
//! A choice leads to the story as it was told (`chosen`), to an arm of the file (`arm`), or to
//! the story with a change at that moment: acts to do (`do`), blocks left out (`without`),
//! values replaced (`set`). The first arm is the story as it was told.

use super::arms;
use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::{Data, Entry, Node, Table};
use super::fields::{Context, Fields, Reported};
use super::model::Moment;
use super::moment::Side;

/// Keys of the block.
pub(super) const KEYS: &[&str] = &["id", "at", "question", "reveal", "choice"];
/// Keys of a choice.
pub(super) const CHOICE_KEYS: &[&str] = &["text", "reason", "chosen", "arm", "do", "without", "set"];

/// Decisions one file may have.
pub(crate) const MOST: usize = 20;
/// Choices one decision may have.
pub(crate) const MOST_CHOICES: usize = 6;

/// A point of the story at which somebody decides.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionPoint {
    /// Name.
    pub id: String,
    /// When.
    pub at: Moment,
    /// What is asked.
    pub question: String,
    /// What is said once a choice is made; may be empty.
    pub reveal: String,
    /// What can be chosen; exactly one is what the story did.
    pub choices: Vec<Choice>,
}

/// One answer to a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What is chosen, in words.
    pub text: String,
    /// Why it is wise or not; may be empty.
    pub reason: String,
    /// Whether the story took it.
    pub chosen: bool,
    /// Id of the arm or branch it leads to; `None` is the story as it was told.
    pub run: Option<String>,
}

/// A document that a choice leads to.
pub(super) struct Branch {
    pub(super) id: String,
    pub(super) gone: Vec<String>,
    pub(super) document: Table,
}

/// Reads all decisions. `told` is the document of the story as it was told, `arms` the ids of
/// the arms, the first of them the one that is told.
pub(super) fn read(
    context: &Context<'_>,
    document: &Table,
    told: &Table,
    arms: &[String],
) -> Result<(Vec<DecisionPoint>, Vec<Branch>), Reported> {
    let mut points: Vec<DecisionPoint> = Vec::new();
    let mut branches = Vec::new();
    let mut flawed = false;
    if let Some(entry) = document.get("decision")
        && !matches!(&entry.node.data, Data::Array(nodes) if nodes.iter().all(|n| matches!(n.data, Data::Table(_))))
    {
        return Err(context.report(
            Diagnostic::new("wrong-type", "`decision` must be written as [[decision]] blocks")
                .at(entry.key_place, "not a block")
                .help("write [[decision]], with two brackets on each side"),
        ));
    }
    let blocks = document.blocks("decision");
    if let Some((_, place)) = blocks.get(MOST) {
        return Err(context.report(
            Diagnostic::new("too-many-blocks", format!("{} decisions in one file", blocks.len()))
                .at(*place, format!("at most {MOST} are allowed")),
        ));
    }
    if let Some((_, place)) = blocks.first() {
        arms::room(context, told, MOST_CHOICES * blocks.len(), *place)?;
    }
    for (n, (block, place)) in blocks.into_iter().enumerate() {
        match point(context, block, place, told, arms, n + 1) {
            Ok((point, own)) => {
                if points.iter().any(|p| p.id == point.id) {
                    flawed = true;
                    context.report(
                        Diagnostic::new("duplicate-id", format!("the id {} is used twice", quoted(&point.id)))
                            .at(place, "used again here"),
                    );
                }
                points.push(point);
                branches.extend(own);
            }
            Err(Reported) => flawed = true,
        }
    }
    if flawed { Err(Reported) } else { Ok((points, branches)) }
}

fn point(
    context: &Context<'_>,
    block: &Table,
    place: Place,
    told: &Table,
    arms: &[String],
    number: usize,
) -> Result<(DecisionPoint, Vec<Branch>), Reported> {
    let fields = Fields::new(context, "[[decision]]", block, place, KEYS);
    let id = fields
        .text("id", "\"low-alarm\"")?
        .map_or_else(|| format!("decision{number}"), str::to_owned);
    let at = fields.need_moment("at", Side::Cause);
    let question = match fields.text("question", "\"What do you do?\"") {
        Ok(Some(text)) if !text.trim().is_empty() => Ok(text.to_owned()),
        Ok(_) => Err(fields.missing("question", "\"The alarm sounds. What do you do?\"")),
        Err(reported) => Err(reported),
    };
    let reveal = fields.text("reveal", "\"...\"");
    let nodes = match fields.entry("choice") {
        None => {
            return Err(fields.missing(
                "choice",
                "[{ text = \"Wait\", chosen = true }, { text = \"Refill\", arm = \"early\" }]",
            ));
        }
        Some(entry) => match &entry.node.data {
            Data::Array(nodes) if nodes.iter().all(|n| matches!(n.data, Data::Table(_))) => nodes,
            _ => return Err(fields.wrong_type(entry, "a list of tables", "[{ text = \"Wait\", chosen = true }]")),
        },
    };
    if !(2..=MOST_CHOICES).contains(&nodes.len()) {
        return Err(fields.report(
            Diagnostic::new("wrong-value", format!("a decision with {} choices", nodes.len()))
                .at(fields.place_of("choice"), format!("2 to {MOST_CHOICES} are needed")),
        ));
    }
    let mut choices = Vec::new();
    let mut branches = Vec::new();
    let mut flawed = false;
    for (n, node) in nodes.iter().enumerate() {
        let Data::Table(table) = &node.data else { continue };
        let own = format!("{id}.{}", n + 1);
        match choice(context, table, node.place, block, told, arms, &own) {
            Ok((choice, branch)) => {
                choices.push(choice);
                branches.extend(branch);
            }
            Err(Reported) => flawed = true,
        }
    }
    let (at, question, reveal) = (at?, question?, reveal?);
    if flawed {
        return Err(Reported);
    }
    let taken = choices.iter().filter(|c| c.chosen).count();
    if taken != 1 {
        return Err(fields.report(
            Diagnostic::new("wrong-value", format!("{taken} choices are marked as chosen"))
                .at(fields.place_of("choice"), "exactly one must be what the story did")
                .help("add chosen = true to the choice that the story took"),
        ));
    }
    Ok((
        DecisionPoint {
            id,
            at,
            question,
            reveal: reveal.unwrap_or_default().to_owned(),
            choices,
        },
        branches,
    ))
}

fn choice(
    context: &Context<'_>,
    table: &Table,
    place: Place,
    decision: &Table,
    told: &Table,
    arms: &[String],
    own: &str,
) -> Result<(Choice, Option<Branch>), Reported> {
    let fields = Fields::new(context, "a choice", table, place, CHOICE_KEYS);
    let text = match fields.text("text", "\"Bring the refill forward\"") {
        Ok(Some(text)) if !text.trim().is_empty() => Ok(text.to_owned()),
        Ok(_) => Err(fields.missing("text", "\"Bring the refill forward\"")),
        Err(reported) => Err(reported),
    };
    let reason = fields.text("reason", "\"...\"");
    let chosen = fields.flag("chosen");
    let arm = fields.text("arm", "\"early-refill\"");
    let (text, reason, chosen, arm) = (text?, reason?, chosen?.unwrap_or(false), arm?);
    let changes = ["do", "without", "set"].iter().any(|k| fields.has(k));
    let ways = usize::from(chosen) + usize::from(arm.is_some()) + usize::from(changes);
    if ways != 1 {
        return Err(fields.report(
            Diagnostic::new("conflicting-keys", "a choice must lead to exactly one course")
                .at(place, format!("{ways} are named here"))
                .help("write chosen = true (the story as told), arm = \"...\" (an arm of this file), or do, without and set"),
        ));
    }
    let mut choice = Choice {
        text,
        reason: reason.unwrap_or_default().to_owned(),
        chosen,
        run: None,
    };
    if let Some(arm) = arm {
        if !arms.iter().any(|a| a == arm) {
            return Err(fields.report(
                Diagnostic::new("unknown-id", format!("no arm has the id {}", quoted(arm)))
                    .at(fields.place_of("arm"), "not an arm of this file")
                    .maybe_help(did_you_mean(arm, arms)),
            ));
        }
        choice.run = Some(arm.to_owned());
    }
    if !changes {
        return Ok((choice, None));
    }
    choice.run = Some(own.to_owned());
    let mut changed = told.clone();
    let gone = arms::without(&fields, &mut changed);
    let set = arms::set(&fields, &mut changed, told);
    let acts = acts(&fields, decision, own, &mut changed);
    set?;
    acts?;
    Ok((
        choice,
        Some(Branch {
            id: own.to_owned(),
            gone: gone?,
            document: changed,
        }),
    ))
}

/// Adds the acts of `do` as `[[action]]` blocks at the moment of the decision.
fn acts(fields: &Fields<'_, '_>, decision: &Table, own: &str, document: &mut Table) -> Result<(), Reported> {
    let Some(entry) = fields.entry("do") else {
        return Ok(());
    };
    let example = "{ raise_dose = \"20 %\" }";
    let tables: Vec<(&Table, Place)> = match &entry.node.data {
        Data::Table(one) => vec![(one, entry.node.place)],
        Data::Array(nodes) => {
            let mut tables = Vec::new();
            for node in nodes {
                match &node.data {
                    Data::Table(t) => tables.push((t, node.place)),
                    _ => return Err(fields.wrong_type(entry, "a list of acts", example)),
                }
            }
            tables
        }
        _ => return Err(fields.wrong_type(entry, "an act, as in an [[action]] block", example)),
    };
    let name = own.replace('.', "-");
    for (n, (act, place)) in tables.into_iter().enumerate() {
        let mut block = act.clone();
        let text = |key: &str, data: Data| Entry {
            key: key.to_owned(),
            key_place: place,
            node: Node { place, data },
        };
        if block.get("id").is_none() {
            block.put(text("id", Data::Text(format!("{name}-{}", n + 1))));
        }
        if block.get("at").is_none()
            && block.get("when").is_none()
            && let Some(at) = decision.get("at")
        {
            block.put(at.clone());
        }
        let node = Node {
            place,
            data: Data::Table(block),
        };
        match document.get_mut("action") {
            Some(Entry {
                node: Node {
                    data: Data::Array(nodes),
                    ..
                },
                ..
            }) => nodes.push(node),
            _ => document.put(text("action", Data::Array(vec![node]))),
        }
    }
    Ok(())
}
