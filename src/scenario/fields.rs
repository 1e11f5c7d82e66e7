//! Reading one table: each getter checks its value, reports what is wrong and
//! goes on, so that one pass finds every mistake.

use std::cell::{Cell, RefCell};

use super::diagnostics::{Diagnostic, Place, did_you_mean, list, nearest, quoted};
use super::document::{Data, Entry, Node, Table};
use super::model::Catalog;
use super::names::Names;
use crate::engine::SimTime;
use crate::quantity::{self, Dimension, Quantity, brief};
use crate::signals::Level;

/// The value is unusable and the mistake has been reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported;

/// `Ok(None)` if the key is absent.
pub(super) type Got<T> = Result<Option<T>, Reported>;

/// What every reader shares while one document is resolved.
pub(super) struct Context<'c> {
    pub(super) catalog: &'c Catalog,
    pub(super) names: Names,
    /// End of the run, once it is known.
    pub(super) duration: Cell<Option<SimTime>>,
    /// Fluid in the canal [mL] and what is made of it [mL/h], once the parameters are known.
    pub(super) canal: Cell<Option<(f64, f64)>>,
    /// The drug beside baclofen that doses are counted in, once the pump is known.
    pub(super) primary: Cell<Option<usize>>,
    mistakes: RefCell<Vec<Diagnostic>>,
}

impl<'c> Context<'c> {
    pub(super) fn new(catalog: &'c Catalog, names: Names) -> Self {
        Self {
            catalog,
            names,
            duration: Cell::new(None),
            canal: Cell::new(None),
            primary: Cell::new(None),
            mistakes: RefCell::new(Vec::new()),
        }
    }

    /// Records a mistake.
    pub(super) fn report(&self, mistake: Diagnostic) -> Reported {
        self.mistakes.borrow_mut().push(mistake);
        Reported
    }

    /// Whether suggestions are still worth the search: not after the first hundred mistakes.
    pub(super) fn suggests(&self) -> bool {
        self.mistakes.borrow().len() < 100
    }

    pub(super) fn into_mistakes(self) -> Vec<Diagnostic> {
        self.mistakes.into_inner()
    }
}

/// Accepted range of a quantity, in its base unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    low: f64,
    high: f64,
    /// Whether `low` itself is refused.
    above: bool,
}

impl Bound {
    pub(super) const NOT_NEGATIVE: Bound = Bound {
        low: 0.0,
        high: f64::INFINITY,
        above: false,
    };
    pub(super) const POSITIVE: Bound = Bound {
        low: 0.0,
        high: f64::INFINITY,
        above: true,
    };
    pub(super) const ANY: Bound = Bound {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
        above: false,
    };

    pub(super) const fn within(low: f64, high: f64) -> Bound {
        Bound {
            low,
            high,
            above: false,
        }
    }

    /// `(0, high]`
    pub(super) const fn up_to(high: f64) -> Bound {
        Bound {
            low: 0.0,
            high,
            above: true,
        }
    }

    /// What may be written instead.
    fn advice(self, unit: &str) -> Option<String> {
        let show = |x: f64| shown(x, unit);
        let from = if self.above { "more than" } else { "at least" };
        match (self.low.is_finite(), self.high.is_finite()) {
            (true, true) => Some(format!(
                "write {from} {} and at most {}",
                show(self.low),
                show(self.high)
            )),
            (true, false) => Some(format!("write {from} {}", show(self.low))),
            (false, true) => Some(format!("write at most {}", show(self.high))),
            (false, false) => None,
        }
    }

    /// What is wrong with a value, or nothing.
    fn objection(self, key: &str, value: f64, unit: &str) -> Option<String> {
        let show = |x: f64| shown(x, unit);
        if value < 0.0 && self.low >= 0.0 {
            Some(format!("`{key}` cannot be negative"))
        } else if value == 0.0 && self.above && self.low == 0.0 {
            Some(format!("`{key}` must be greater than zero"))
        } else if value < self.low || value > self.high {
            Some(match (self.low.is_finite(), self.high.is_finite()) {
                (true, true) => {
                    format!(
                        "`{key}` = {} lies outside {} to {}",
                        show(value),
                        show(self.low),
                        show(self.high)
                    )
                }
                (true, false) => {
                    format!("`{key}` = {} is less than {}", show(value), show(self.low))
                }
                _ => format!("`{key}` = {} is more than {}", show(value), show(self.high)),
            })
        } else {
            None
        }
    }
}

/// A number in its unit.
fn shown(x: f64, unit: &str) -> String {
    match unit {
        "1" => brief(x),
        "%" => format!("{} %", brief(x * 100.0)),
        unit => format!("{} {unit}", brief(x)),
    }
}

/// Most repetitions of one thing in a run; a bolus every ten minutes makes this in two years.
pub(crate) const MOST_REPEATS: f64 = 100_000.0;

/// One table being read.
pub(super) struct Fields<'d, 'c> {
    pub(super) context: &'d Context<'c>,
    /// As in messages: `[pump]`.
    pub(super) what: String,
    pub(super) table: &'d Table,
    pub(super) place: Place,
    /// Keys that a misspelt key of this table most likely meant; they are not reported as missing as well.
    meant: Vec<String>,
}

impl<'d, 'c> Fields<'d, 'c> {
    /// Reports a period that would come again absurdly often before the run ends.
    pub(super) fn refuse_flood(&self, key: &str, period: f64, wanted: &str) -> Result<(), Reported> {
        let times = self.context.duration.get().map_or(0.0, |end| end.hours() / period);
        if times <= MOST_REPEATS {
            return Ok(());
        }
        Err(self.report(
            Diagnostic::new("too-often", "this repeats too often for the duration")
                .at(
                    self.place_of(key),
                    format!("{times:.0} times, at most {MOST_REPEATS} are allowed"),
                )
                .help(format!("write {wanted}, or shorten the run")),
        ))
    }

    /// Starts reading; keys that are not among `keys` are reported at once.
    pub(super) fn new(
        context: &'d Context<'c>,
        what: impl Into<String>,
        table: &'d Table,
        place: Place,
        keys: &[&str],
    ) -> Self {
        let what = what.into();
        let mut meant = Vec::new();
        for entry in table.entries.iter().filter(|e| !keys.contains(&e.key.as_str())) {
            let help = if context.suggests() {
                meant.extend(nearest(&entry.key, keys).map(str::to_owned));
                did_you_mean(&entry.key, keys)
            } else {
                None
            };
            context.report(
                Diagnostic::new("unknown-key", format!("unknown key {} in {what}", quoted(&entry.key)))
                    .at(entry.key_place, format!("not a key of {what}"))
                    .maybe_help(help),
            );
        }
        Self {
            context,
            what,
            table,
            place,
            meant,
        }
    }

    /// A table that the file leaves out.
    pub(super) fn absent(context: &'d Context<'c>, what: String, empty: &'d Table, place: Place) -> Self {
        Self {
            context,
            what,
            table: empty,
            place,
            meant: Vec::new(),
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'d Entry> {
        self.table.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Where the value of a key stands, or else the table's heading.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.entry(key).map_or(self.place, |e| e.node.place)
    }

    pub(super) fn report(&self, mistake: Diagnostic) -> Reported {
        self.context.report(mistake)
    }

    /// Reports that a key is absent, with an example of the line to add.
    pub(super) fn missing(&self, key: &str, example: &str) -> Reported {
        if self.meant.iter().any(|m| m == key) {
            return Reported;
        }
        self.report(
            Diagnostic::new("missing-key", format!("{} lacks `{key}`", self.what))
                .at(self.place, format!("`{key}` is needed here"))
                .help(format!("add {key} = {example}")),
        )
    }

    pub(super) fn wrong_type(&self, entry: &Entry, needed: &str, example: &str) -> Reported {
        self.report(
            Diagnostic::new(
                "wrong-type",
                format!("`{}` is {}, but {needed} is needed", entry.key, entry.node.data.noun()),
            )
            .at(entry.node.place, format!("not {needed}"))
            .help(format!("write {} = {example}", entry.key)),
        )
    }

    /// A text.
    pub(super) fn text(&self, key: &str, example: &str) -> Got<&'d str> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        match &entry.node.data {
            Data::Text(text) => Ok(Some(text)),
            _ => Err(self.wrong_type(entry, "a text", example)),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Got<bool> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        match entry.node.data {
            Data::Bool(value) => Ok(Some(value)),
            _ => Err(self.wrong_type(entry, "true or false", "true")),
        }
    }

    /// A key that can only be `true`.
    pub(super) fn mark(&self, key: &str) -> Result<(), Reported> {
        match self.flag(key)? {
            Some(false) => Err(self.report(
                Diagnostic::new("wrong-value", format!("`{key}` can only be true"))
                    .at(self.place_of(key), "leave the block out instead"),
            )),
            _ => Ok(()),
        }
    }

    /// A bare number, such as a score.
    pub(super) fn number(&self, key: &str, bound: Bound) -> Got<f64> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let value = match entry.node.data {
            Data::Integer(n) => n as f64,
            Data::Float(x) => x,
            _ => return Err(self.wrong_type(entry, "a bare number", "2.5")),
        };
        self.checked(entry, value, bound, "1").map(Some)
    }

    /// A whole number.
    pub(super) fn whole(&self, key: &str, low: i64, high: i64) -> Got<i64> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        match entry.node.data {
            Data::Integer(n) if (low..=high).contains(&n) => Ok(Some(n)),
            Data::Integer(n) => Err(self.report(
                Diagnostic::new("out-of-range", format!("`{key}` = {n} lies outside {low} to {high}"))
                    .at(entry.node.place, "out of range"),
            )),
            _ => Err(self.wrong_type(entry, "a whole number", &low.max(1).to_string())),
        }
    }

    /// A quantity with its unit.
    pub(super) fn quantity(&self, key: &str, dimension: Dimension, bound: Bound) -> Got<f64> {
        match self.entry(key) {
            Some(entry) => self.quantity_of(entry, dimension, bound).map(Some),
            None => Ok(None),
        }
    }

    /// A quantity that must be there.
    pub(super) fn need(&self, key: &str, dimension: Dimension, bound: Bound) -> Result<f64, Reported> {
        match self.quantity(key, dimension, bound)? {
            Some(value) => Ok(value),
            None => Err(self.missing(key, &format!("\"{}\"", dimension.example()))),
        }
    }

    pub(super) fn quantity_of(&self, entry: &Entry, dimension: Dimension, bound: Bound) -> Result<f64, Reported> {
        let value = self.measure(&entry.key, &entry.node, dimension)?;
        let unit = if dimension == Dimension::Fraction {
            "%"
        } else {
            dimension.base_unit()
        };
        self.checked(entry, value, bound, unit)
    }

    /// The number in a node, in the base unit of `dimension`.
    pub(super) fn measure(&self, key: &str, node: &Node, dimension: Dimension) -> Result<f64, Reported> {
        let bare = match node.data {
            Data::Integer(n) => n as f64,
            Data::Float(x) => x,
            Data::Text(ref text) => {
                return quantity::parse(text, dimension).map_err(|problem| {
                    self.report(
                        Diagnostic::new(code_of(&problem), format!("`{key}`: {problem}"))
                            .at(node.place, format!("{} is needed", dimension.noun()))
                            .maybe_help(problem.help()),
                    )
                });
            }
            _ => {
                return Err(self.report(
                    Diagnostic::new(
                        "wrong-type",
                        format!("`{key}` is {}, but {} is needed", node.data.noun(), dimension.noun()),
                    )
                    .at(node.place, format!("not {}", dimension.noun()))
                    .help(format!("write {key} = \"{}\"", dimension.example())),
                ));
            }
        };
        if !bare.is_finite() {
            return Err(self.report(
                Diagnostic::new("not-finite", format!("`{key}` is not a finite number"))
                    .at(node.place, format!("{} is needed", dimension.noun()))
                    .help(format!("write {key} = \"{}\"", dimension.example())),
            ));
        }
        if dimension == Dimension::Number {
            return Ok(bare + 0.0);
        }
        let bare = brief(bare);
        Err(self.report(
            Diagnostic::new("no-unit", format!("`{key}` = {bare} has no unit"))
                .at(node.place, format!("{} is needed", dimension.noun()))
                .help(format!(
                    "write it in quotes with its unit, such as {key} = \"{bare} {}\"",
                    dimension.usual_unit()
                )),
        ))
    }

    fn checked(&self, entry: &Entry, value: f64, bound: Bound, unit: &str) -> Result<f64, Reported> {
        if !value.is_finite() {
            return Err(self.report(
                Diagnostic::new("not-finite", format!("`{}` is not a finite number", entry.key))
                    .at(entry.node.place, "here"),
            ));
        }
        match bound.objection(&entry.key, value, unit) {
            None => Ok(value + 0.0),
            Some(title) => Err(self.report(
                Diagnostic::new("out-of-range", title)
                    .at(entry.node.place, "out of range")
                    // Beyond zero the message itself names the range.
                    .maybe_help(bound.advice(unit).filter(|_| value <= 0.0)),
            )),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Got<T> {
        let spelled: Vec<&str> = words.iter().map(|w| w.0).collect();
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let Some(word) = self.text(key, &format!("\"{}\"", spelled.first().unwrap_or(&"")))? else {
            return Ok(None);
        };
        match words.iter().find(|w| w.0 == word) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(self.unknown_word(entry, word, &spelled)),
        }
    }

    /// Reports a word that is none of the accepted ones.
    pub(super) fn unknown_word<S: AsRef<str>>(&self, entry: &Entry, word: &str, words: &[S]) -> Reported {
        let spelled: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        self.report(
            Diagnostic::new("unknown-word", format!("unknown `{}` {}", entry.key, quoted(word)))
                .at(entry.node.place, "not known")
                .maybe_help(did_you_mean(word, &spelled)),
        )
    }

    /// A vertebral level.
    pub(super) fn level(&self, key: &str) -> Got<Level> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let Some(text) = self.text(key, "\"T10\"")? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| self.no_level(entry, text))
    }

    pub(super) fn no_level(&self, entry: &Entry, text: &str) -> Reported {
        let levels: Vec<String> = Level::ALL.iter().map(Level::to_string).collect();
        let near = super::diagnostics::nearest(text, &levels).map(|l| format!("did you mean `{l}`?"));
        self.report(
            Diagnostic::new(
                "unknown-level",
                format!("`{}`: there is no spinal level {}", entry.key, quoted(text)),
            )
            .at(entry.node.place, "no such level")
            .maybe_help(near)
            .help("levels run from S2 and S1 over L5-L1, T12-T1 to C7-C1"),
        )
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str, example: &str) -> Got<Vec<(&'d str, Place)>> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let Data::Array(nodes) = &entry.node.data else {
            return Err(self.wrong_type(entry, "a list of texts", example));
        };
        let mut out = Vec::new();
        let mut flawed = false;
        for node in nodes {
            match &node.data {
                Data::Text(text) => out.push((text.as_str(), node.place)),
                other => {
                    flawed = true;
                    self.report(
                        Diagnostic::new(
                            "wrong-type",
                            format!("`{key}` holds {}, but texts are needed", other.noun()),
                        )
                        .at(node.place, "not a text")
                        .help(format!("write {key} = {example}")),
                    );
                }
            }
        }
        if flawed { Err(Reported) } else { Ok(Some(out)) }
    }

    /// A table below this one.
    pub(super) fn child(&self, key: &str, keys: &[&str], example: &str) -> Got<Fields<'d, 'c>> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        match &entry.node.data {
            Data::Table(table) => {
                // The span of an inline table is its braces; for a heading it is the heading.
                Ok(Some(Fields::new(
                    self.context,
                    format!("`{key}`"),
                    table,
                    entry.node.place,
                    keys,
                )))
            }
            _ => Err(self.wrong_type(entry, "a table", example)),
        }
    }

    /// The one key present of several that exclude each other.
    pub(super) fn exactly_one(&self, keys: &[&'static str], example: &str) -> Result<&'static str, Reported> {
        let present: Vec<&'static str> = keys.iter().copied().filter(|k| self.has(k)).collect();
        match present.as_slice() {
            [one] => Ok(one),
            [] if keys.iter().any(|k| self.meant.iter().any(|m| m == k)) => Err(Reported),
            [] => Err(self.report(
                Diagnostic::new("missing-key", format!("{} needs one of {}", self.what, list(keys)))
                    .at(self.place, "none of them is here")
                    .help(format!("add for example {example}")),
            )),
            [first, rest @ ..] => {
                let mut mistake = Diagnostic::new(
                    "conflicting-keys",
                    format!("{} has more than one of {}", self.what, list(&present)),
                );
                for key in rest {
                    if let Some(entry) = self.entry(key) {
                        mistake = mistake.at(entry.key_place, "and this");
                    }
                }
                if let Some(entry) = self.entry(first) {
                    mistake = mistake.at(entry.key_place, "this");
                }
                Err(self.report(mistake.help("keep one; write another block for the other")))
            }
        }
    }
}

pub(super) fn code_of(problem: &quantity::QuantityError) -> &'static str {
    use quantity::QuantityError as E;
    match problem {
        E::NoUnit { .. } => "no-unit",
        E::UnknownUnit { .. } => "unknown-unit",
        E::WrongDimension { .. } => "wrong-dimension",
        E::NotFinite { .. } => "not-finite",
        _ => "no-number",
    }
}

/// A number in the spelling of messages: base unit, shortest digits.
pub(super) fn show(value: f64, dimension: Dimension) -> String {
    Quantity::new(value, dimension).to_string()
}
