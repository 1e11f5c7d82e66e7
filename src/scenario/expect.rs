//! `[[expect]]`: what must happen, and the source that says so.

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::{Data, Node, Table};
use super::fields::{Bound, Context, Fields, Reported};
use super::model::{Claim, Expectation, Moment, Statistic};
use super::moment::Side;
use crate::engine::SimTime;

/// Keys of the block.
pub(super) const KEYS: &[&str] = &[
    "id",
    "event",
    "signal",
    "at",
    "between",
    "after",
    "before",
    "never",
    "statistic",
    "within",
    "min",
    "max",
    "source",
    "arms",
];

/// Statistics as the file spells them.
pub(super) const STATISTICS: &[(&str, Statistic)] = &[
    ("all", Statistic::All),
    ("max", Statistic::Max),
    ("min", Statistic::Min),
    ("mean", Statistic::Mean),
];

/// An expectation with the arms it speaks of.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) expectation: Expectation,
    /// Arms it is checked in; `None` is all.
    pub(super) arms: Option<Vec<String>>,
}

impl Read {
    /// Whether it can be checked in an arm: it speaks of the arm, and refers to no block the arm leaves out.
    pub(super) fn applies(&self, arm: &str, context: &Context<'_>) -> bool {
        let named = self.arms.as_ref().is_none_or(|arms| arms.iter().any(|a| a == arm));
        let gone = |moment: &Moment| matches!(moment, Moment::After { event, .. } if context.names.is_gone(event));
        let lost = match &self.expectation.claim {
            Claim::Event { event, from, to } => context.names.is_gone(event) || from.iter().chain(to).any(gone),
            Claim::Never { event } => context.names.is_gone(event),
            Claim::Signal { from, to, .. } => gone(from) || gone(to),
        };
        named && !lost
    }
}

/// Reads one block; `line` is where it starts, `arms` the ids of all arms.
pub(super) fn read(
    context: &Context<'_>,
    table: &Table,
    place: Place,
    line: usize,
    arms: &[String],
) -> Result<Read, Reported> {
    let fields = Fields::new(context, "[[expect]]", table, place, KEYS);
    let source = match fields.text("source", "\"Coffey 1993\"") {
        Ok(Some(text)) if !text.trim().is_empty() => Ok(text.to_owned()),
        Ok(_) => Err(fields.missing("source", "\"Coffey 1993\" (who says that this must happen)")),
        Err(reported) => Err(reported),
    };
    let arms = arms_of(&fields, arms);
    let claim = match fields.exactly_one(&["event", "signal"], "event = \"pump.empty\"") {
        Ok("event") => event(&fields),
        Ok(_) => signal(&fields),
        Err(reported) => Err(reported),
    };
    Ok(Read {
        expectation: Expectation {
            line,
            claim: claim?,
            source: source?,
        },
        arms: arms?,
    })
}

fn arms_of(fields: &Fields<'_, '_>, known: &[String]) -> Result<Option<Vec<String>>, Reported> {
    let Some(named) = fields.texts("arms", "[\"leak\"]")? else {
        return Ok(None);
    };
    let mut out = Vec::new();
    let mut flawed = false;
    for (id, place) in named {
        if known.iter().any(|a| a == id) {
            out.push(id.to_owned());
        } else {
            flawed = true;
            fields.report(
                Diagnostic::new("unknown-id", format!("no arm has the id {}", quoted(id)))
                    .at(place, "not an arm of this file")
                    .maybe_help(did_you_mean(id, known)),
            );
        }
    }
    if flawed { Err(Reported) } else { Ok(Some(out)) }
}

/// Keys that the other kind of claim does not use.
fn refuse(fields: &Fields<'_, '_>, keys: &[&str], with: &str) -> Result<(), Reported> {
    let mut out = Ok(());
    for entry in keys.iter().filter_map(|k| fields.entry(k)) {
        out = Err(fields.report(
            Diagnostic::new("conflicting-keys", format!("`{}` does not go with `{with}`", entry.key))
                .at(entry.key_place, "remove this")
                .at(
                    fields.entry(with).map_or(fields.place, |e| e.key_place),
                    "because of this",
                ),
        ));
    }
    out
}

fn event(fields: &Fields<'_, '_>) -> Result<Claim, Reported> {
    refuse(fields, &["at", "statistic", "within", "min", "max"], "event")?;
    let Some(name) = fields.text("event", "\"pump.empty\"")? else {
        return Err(Reported);
    };
    let Some(event) = fields.context.names.event(name) else {
        return Err(fields.unknown_event(name, fields.place_of("event")));
    };
    if fields.has("never") {
        refuse(fields, &["between", "after", "before"], "never")?;
        fields.mark("never")?;
        return Ok(Claim::Never { event });
    }
    if fields.has("between") {
        refuse(fields, &["after", "before"], "between")?;
        let (from, to) = between(fields)?;
        return Ok(Claim::Event {
            event,
            from: Some(from),
            to: Some(to),
        });
    }
    let from = fields.moment("after", Side::Claim);
    let to = fields.moment("before", Side::Claim);
    Ok(Claim::Event {
        event,
        from: from?,
        to: to?,
    })
}

fn signal(fields: &Fields<'_, '_>) -> Result<Claim, Reported> {
    refuse(fields, &["never"], "signal")?;
    let Some(name) = fields.text("signal", "\"reservoir_ml\"")? else {
        return Err(Reported);
    };
    let signals = &fields.context.names.signals;
    if !signals.iter().any(|s| s == name) {
        return Err(fields.report(
            Diagnostic::new("unknown-signal", format!("unknown signal {}", quoted(name)))
                .at(fields.place_of("signal"), "no column of this name")
                .maybe_help(did_you_mean(name, signals)),
        ));
    }
    let statistic = fields.choice("statistic", STATISTICS);
    let bounds = bounds(fields);
    let window = window(fields);
    let ((low, high), (from, to)) = (bounds?, window?);
    Ok(Claim::Signal {
        signal: name.to_owned(),
        statistic: statistic?.unwrap_or(Statistic::All),
        from,
        to,
        low,
        high,
    })
}

fn window(fields: &Fields<'_, '_>) -> Result<(Moment, Moment), Reported> {
    if fields.has("at") {
        refuse(fields, &["between", "after", "before"], "at")?;
        let at = fields.need_moment("at", Side::Claim)?;
        return Ok((at.clone(), at));
    }
    if fields.has("between") {
        refuse(fields, &["after", "before"], "between")?;
        return between(fields);
    }
    let from = fields.moment("after", Side::Claim);
    let to = fields.moment("before", Side::Claim);
    let end = fields.context.duration.get().ok_or(Reported)?;
    Ok((
        from?.unwrap_or(Moment::At(SimTime::ZERO)),
        to?.unwrap_or(Moment::At(end)),
    ))
}

fn pair<'n>(fields: &Fields<'_, 'n>, key: &str, example: &str) -> Result<(Node, Node), Reported> {
    let Some(entry) = fields.entry(key) else {
        return Err(Reported);
    };
    match &entry.node.data {
        Data::Array(nodes) => match nodes.as_slice() {
            [a, b] => Ok((a.clone(), b.clone())),
            _ => Err(fields.report(
                Diagnostic::new("wrong-type", format!("`{key}` needs exactly two values"))
                    .at(entry.node.place, format!("{} here", nodes.len()))
                    .help(format!("write {key} = {example}")),
            )),
        },
        _ => Err(fields.wrong_type(entry, "a list of two values", example)),
    }
}

fn between(fields: &Fields<'_, '_>) -> Result<(Moment, Moment), Reported> {
    let (a, b) = pair(fields, "between", "[\"30 d\", \"40 d\"]")?;
    let from = fields.moment_of("between", &a, Side::Claim);
    let to = fields.moment_of("between", &b, Side::Claim);
    let (from, to) = (from?, to?);
    let backwards = match (&from, &to) {
        (Moment::At(a), Moment::At(b)) => a > b,
        (Moment::After { event: e, offset: a }, Moment::After { event: f, offset: b }) => e == f && a > b,
        _ => false,
    };
    if backwards {
        return Err(fields.report(
            Diagnostic::new("backwards", "the window ends before it begins")
                .at(b.place, "earlier than the beginning")
                .at(a.place, "the beginning"),
        ));
    }
    Ok((from, to))
}

fn bounds(fields: &Fields<'_, '_>) -> Result<(f64, f64), Reported> {
    let example = "[1, 5]";
    if fields.has("within") {
        refuse(fields, &["min", "max"], "within")?;
        let (a, b) = pair(fields, "within", example)?;
        let number = |node: &Node| match node.data {
            Data::Integer(n) => Ok(n as f64),
            Data::Float(x) if x.is_finite() => Ok(x + 0.0),
            _ => Err(fields.report(
                Diagnostic::new("wrong-type", format!("`within` holds {}", noun(node)))
                    .at(node.place, "a bare, finite number is needed")
                    .help(format!(
                        "the name of the column states the unit; write within = {example}"
                    )),
            )),
        };
        let (low, high) = (number(&a), number(&b));
        let (low, high) = (low?, high?);
        if low > high {
            return Err(fields.report(
                Diagnostic::new("backwards", "the upper bound is less than the lower")
                    .at(b.place, "upper bound")
                    .at(a.place, "lower bound"),
            ));
        }
        return Ok((low, high));
    }
    let low = fields.number("min", Bound::ANY);
    let high = fields.number("max", Bound::ANY);
    let (low, high) = (low?, high?);
    if low.is_none() && high.is_none() {
        return Err(fields.missing("within", example));
    }
    Ok((low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)))
}

fn noun(node: &Node) -> &'static str {
    match node.data {
        Data::Float(_) => "a number that is not finite",
        ref other => other.noun(),
    }
}
