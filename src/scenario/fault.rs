//! `[[fault]]`: trigger, profile, and the kind's own fields.

use std::collections::BTreeMap;

use super::diagnostics::{Diagnostic, Place, did_you_mean, quoted};
use super::document::{Data, Entry, Table};
use super::fields::{Bound, Context, Fields, Reported};
use super::model::{Condition, Fault, FaultKind, FieldSpec, Moment, Profile, Trigger, Value};
use super::moment::Side;
use crate::quantity::{self, Dimension};
use crate::signals::{Level, Posture};

/// Keys every fault has.
pub(super) const KEYS: &[&str] = &["id", "kind", "at", "when", "hazard", "until", "profile"];
/// Shapes of a profile that are tables.
pub(super) const PROFILES: &[&str] = &["ramp", "intermittent", "in_posture"];
/// Keys of an intermittent profile.
pub(super) const INTERMITTENT_KEYS: &[&str] = &["on", "off"];
/// Postures as the file spells them.
pub(super) const POSTURES: &[(&str, Posture)] = &[("supine", Posture::Supine), ("upright", Posture::Upright)];

/// A word in a field's list that stands for every spinal level.
pub(super) const ANY_LEVEL: &str = "level";

/// Fields of a catheter fault that lie along it \[cm\].
pub(super) const ALONG: [&str; 2] = ["position", "length"];

/// A fault with what later checks need.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) fault: Fault,
    pub(super) at_place: Place,
    /// Where the kind stands.
    pub(super) kind_place: Place,
    /// Where what [`ALONG`] names stands, if the file gives it.
    pub(super) along: [Option<Place>; 2],
}

/// Reads one block.
pub(super) fn read(context: &Context<'_>, table: &Table, place: Place) -> Result<Read, Reported> {
    let kind = table
        .text("kind")
        .and_then(|name| context.catalog.fault_kinds.iter().find(|k| k.kind == name));
    let own: Vec<&str> = kind.map_or(Vec::new(), |k| k.fields.iter().map(|f| f.name).collect());
    let keys: Vec<&str> = match kind {
        // The kind's own fields first: they are what is most often misspelt.
        Some(_) => own.iter().copied().chain(KEYS.iter().copied()).collect(),
        // Without a kind nobody can say which fields it has; accept them all here, the kind is reported below.
        None => KEYS
            .iter()
            .copied()
            .chain(table.entries.iter().map(|e| e.key.as_str()))
            .collect(),
    };
    let what = kind.map_or("[[fault]]".to_owned(), |k| format!("a `{}` fault", k.kind));
    let fields = Fields::new(context, what, table, place, &keys);
    let id = match fields.text("id", "\"leak\"") {
        Ok(Some(id)) => Ok(id.to_owned()),
        Ok(None) => Err(fields.missing("id", "\"leak\"")),
        Err(reported) => Err(reported),
    };
    let values = match kind {
        Some(kind) => values(&fields, kind),
        None => Err(unknown_kind(&fields)),
    };
    let trigger = trigger(&fields);
    let until = fields.moment("until", Side::Cause);
    let profile = profile(&fields);
    let (trigger, until) = (trigger?, until?);
    if let (Trigger::At(Moment::At(start)), Some(Moment::At(end))) = (&trigger, &until)
        && end <= start
    {
        return Err(fields.report(
            Diagnostic::new("ends-before-start", "the fault ends before it starts")
                .at(fields.place_of("until"), "ends here")
                .at(fields.place_of("at"), "starts here"),
        ));
    }
    let values = values?;
    Ok(Read {
        fault: Fault {
            id: id?,
            kind: kind.map_or(String::new(), |k| k.kind.to_owned()),
            trigger,
            profile: profile?,
            until,
            values,
        },
        kind_place: fields.place_of("kind"),
        at_place: if fields.has("at") { fields.place_of("at") } else { place },
        along: ALONG.map(|key| fields.entry(key).map(|e| e.node.place)),
    })
}

fn unknown_kind(fields: &Fields<'_, '_>) -> Reported {
    let kinds: Vec<&str> = fields.context.catalog.fault_kinds.iter().map(|k| k.kind).collect();
    match fields.text("kind", "\"catheter.leak\"") {
        Err(reported) => reported,
        Ok(None) => fields.missing("kind", "\"catheter.leak\""),
        Ok(Some(name)) => {
            // `leak` is a near miss for `catheter.leak`, whatever the number of letters.
            let tail = kinds.iter().find(|k| k.rsplit('.').next() == Some(name));
            fields.report(
                Diagnostic::new("unknown-kind", format!("there is no fault kind {}", quoted(name)))
                    .at(fields.place_of("kind"), "not a kind")
                    .maybe_help(match tail {
                        Some(kind) => Some(format!("did you mean `{kind}`?")),
                        None => did_you_mean(name, &kinds),
                    }),
            )
        }
    }
}

fn values(fields: &Fields<'_, '_>, kind: &FaultKind) -> Result<BTreeMap<String, Value>, Reported> {
    let mut out = BTreeMap::new();
    let mut flawed = false;
    for spec in kind.fields {
        let value = match (fields.entry(spec.name), spec.default) {
            (Some(entry), _) => value(fields, entry, spec),
            (None, Some(default)) => Ok(Value::Number(default)),
            (None, None) => {
                let example = match (spec.unit, spec.words) {
                    ("", []) => "\"T10\"".to_owned(),
                    ("", words) => format!("\"{}\"", if words[0] == ANY_LEVEL { "T10" } else { words[0] }),
                    ("1", _) => "0.5".to_owned(),
                    (unit, _) => format!("\"{} {unit}\"", middle(spec)),
                };
                Err(fields.missing(spec.name, &format!("{example} ({})", spec.meaning)))
            }
        };
        match value {
            Ok(value) => {
                out.insert(spec.name.to_owned(), value);
            }
            Err(Reported) => flawed = true,
        }
    }
    if flawed { Err(Reported) } else { Ok(out) }
}

/// A number inside the range of a field, for examples.
fn middle(spec: &FieldSpec) -> f64 {
    [1.0, 10.0, 0.1, 0.01]
        .into_iter()
        .find(|x| (spec.low..=spec.high).contains(x))
        .unwrap_or(spec.low)
}

fn value(fields: &Fields<'_, '_>, entry: &Entry, spec: &FieldSpec) -> Result<Value, Reported> {
    if spec.unit.is_empty() {
        return word(fields, entry, spec);
    }
    let number = match &entry.node.data {
        Data::Text(text) => quantity::convert(text, spec.unit).map_err(|problem| {
            fields.report(
                Diagnostic::new("bad-quantity", format!("`{}`: {problem}", spec.name))
                    .at(entry.node.place, spec.meaning)
                    .maybe_help(problem.help()),
            )
        })?,
        Data::Integer(n) if spec.unit == "1" => *n as f64,
        Data::Float(x) if spec.unit == "1" => *x,
        Data::Integer(_) | Data::Float(_) => {
            let bare = match entry.node.data {
                Data::Integer(n) => n as f64,
                Data::Float(x) => x,
                _ => 0.0,
            };
            return Err(fields.report(
                Diagnostic::new("no-unit", format!("`{}` = {bare} has no unit", spec.name))
                    .at(entry.node.place, spec.meaning)
                    .help(format!(
                        "write it in quotes with its unit, such as {} = \"{bare} {}\"",
                        spec.name, spec.unit
                    )),
            ));
        }
        _ => {
            return Err(fields.wrong_type(entry, "a quantity", &format!("\"{} {}\"", middle(spec), spec.unit)));
        }
    };
    if !(spec.low..=spec.high).contains(&number) {
        let unit = if spec.unit == "1" {
            String::new()
        } else {
            format!(" {}", spec.unit)
        };
        return Err(fields.report(
            Diagnostic::new(
                "out-of-range",
                format!(
                    "`{}` = {number}{unit} lies outside {}{unit} to {}{unit}",
                    spec.name, spec.low, spec.high
                ),
            )
            .at(entry.node.place, spec.meaning),
        ));
    }
    Ok(Value::Number(number + 0.0))
}

fn word(fields: &Fields<'_, '_>, entry: &Entry, spec: &FieldSpec) -> Result<Value, Reported> {
    let Some(text) = fields.text(spec.name, "\"T10\"")? else {
        return Err(Reported);
    };
    if spec.words.contains(&text) && text != ANY_LEVEL {
        return Ok(Value::Text(text.to_owned()));
    }
    let levels = spec.words.is_empty() || spec.words.contains(&ANY_LEVEL);
    match text.parse::<Level>() {
        Ok(level) if levels => Ok(Value::Text(level.to_string())),
        _ if spec.words.is_empty() => Err(fields.no_level(entry, text)),
        _ => {
            let words: Vec<&str> = spec
                .words
                .iter()
                .map(|w| if *w == ANY_LEVEL { "T10" } else { *w })
                .collect();
            Err(fields.unknown_word(entry, text, &words))
        }
    }
}

fn trigger(fields: &Fields<'_, '_>) -> Result<Trigger, Reported> {
    match fields.exactly_one(&["at", "when", "hazard"], "at = \"30 d\"")? {
        "at" => fields.need_moment("at", Side::Cause).map(Trigger::At),
        "hazard" => {
            let rate = fields.need("hazard", Dimension::Rate, Bound::NOT_NEGATIVE)?;
            Ok(Trigger::Hazard { rate })
        }
        _ => condition(fields).map(Trigger::When),
    }
}

fn condition(fields: &Fields<'_, '_>) -> Result<Condition, Reported> {
    let Some(text) = fields.text("when", "\"reservoir_ml < 2\"")? else {
        return Err(Reported);
    };
    let place = fields.place_of("when");
    let Some(sign) = text.find(['<', '>']) else {
        return Err(fields.report(
            Diagnostic::new("bad-condition", format!("{} is no condition", quoted(text)))
                .at(place, "a signal, `<` or `>`, and a number are needed")
                .help("write for example when = \"reservoir_ml < 2\""),
        ));
    };
    let signal = text[..sign].trim();
    let level = text[sign + 1..].trim_start_matches('=').trim();
    let signals = &fields.context.names.signals;
    if !signals.iter().any(|s| s == signal) {
        return Err(fields.report(
            Diagnostic::new("unknown-signal", format!("unknown signal {}", quoted(signal)))
                .at(place, "no column of this name")
                .maybe_help(did_you_mean(signal, signals)),
        ));
    }
    match level.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Condition {
            signal: signal.to_owned(),
            rising: text[sign..].starts_with('>'),
            level: number + 0.0,
        }),
        _ => Err(fields.report(
            Diagnostic::new("bad-condition", format!("{} is no level for `{signal}`", quoted(level)))
                .at(place, "a finite number without a unit is needed")
                .help(format!(
                    "the name of the column states the unit; write for example \"{signal} < 2\""
                )),
        )),
    }
}

fn profile(fields: &Fields<'_, '_>) -> Result<Profile, Reported> {
    const EXAMPLE: &str = "\"step\" or { ramp = \"5 d\" }";
    let Some(entry) = fields.entry("profile") else {
        return Ok(Profile::Step);
    };
    match &entry.node.data {
        Data::Text(text) if text == "step" => Ok(Profile::Step),
        Data::Text(text) => Err(fields.report(
            Diagnostic::new("unknown-word", format!("unknown `profile` {}", quoted(text)))
                .at(entry.node.place, "not known")
                .help("write \"step\", { ramp = \"5 d\" }, { intermittent = { on = \"6 h\", off = \"18 h\" } } or { in_posture = \"upright\" }"),
        )),
        Data::Table(table) => {
            let inner = Fields::new(fields.context, "`profile`", table, entry.node.place, PROFILES);
            match inner.exactly_one(&["ramp", "intermittent", "in_posture"], "ramp = \"5 d\"")? {
                "ramp" => Ok(Profile::Ramp { over: inner.need("ramp", Dimension::Time, Bound::POSITIVE)? }),
                "in_posture" => match inner.choice("in_posture", POSTURES)? {
                    Some(posture) => Ok(Profile::InPosture(posture)),
                    None => Err(Reported),
                },
                _ => {
                    let example = "{ on = \"6 h\", off = \"18 h\" }";
                    let inner = super::programme::need_child(&inner, "intermittent", INTERMITTENT_KEYS, example)?;
                    let on = inner.need("on", Dimension::Time, Bound::POSITIVE);
                    let off = inner.need("off", Dimension::Time, Bound::POSITIVE);
                    let (on, off) = (on?, off?);
                    inner.refuse_flood("on", on + off, "a longer `on` and `off`")?;
                    Ok(Profile::Intermittent { on, off })
                }
            }
        }
        _ => Err(fields.wrong_type(entry, "\"step\" or a table", EXAMPLE)),
    }
}
