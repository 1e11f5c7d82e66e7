//! `[population]` of a scenario, and population files: from TOML to a checked
//! [`PopulationSpec`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::diagnostics::{Diagnostic, Diagnostics, Place, Source, nearest, quoted};
use super::document::{self, Data, Entry, Table};
use super::fields::{Bound, Context, Fields, Got, Reported};
use super::files::{Disk, Files};
use super::model::{Catalog, Population};
use super::names::Names;
use super::population::{Correlation, Distribution, Origin, PopulationError, PopulationSpec, Shape};
use super::resolve::POPULATIONS;
use crate::parameters::{self, Grade, Parameter};
use crate::quantity;
use crate::signals::Level;

/// Keys of `[population]` in a scenario.
pub(super) const KEYS: &[&str] = &["name", "distributions", "correlation", "origin"];
/// Keys of a population file.
const FILE_KEYS: &[&str] = &[
    "name",
    "base",
    "summary",
    "patient",
    "distributions",
    "correlation",
    "origin",
];
/// Keys of one distribution.
pub(super) const DISTRIBUTION_KEYS: &[&str] = &[
    "shape",
    "typical",
    "sd_log",
    "cv",
    "sd",
    "sd_logit",
    "low",
    "high",
    "grade",
    "source",
    "typical_uncertainty",
    "spread_uncertainty",
];
/// Keys of `[[population.correlation]]`.
pub(super) const CORRELATION_KEYS: &[&str] = &["of", "r", "grade", "source"];
/// Keys of `[[population.origin]]`.
pub(super) const ORIGIN_KEYS: &[&str] = &["name", "share", "injury", "source"];
/// Grades as files spell them.
pub(super) const GRADES: &[(&str, Grade)] = &[
    ("published", Grade::Published),
    ("derived", Grade::Derived),
    ("assumed", Grade::Assumed),
];

/// Largest spread of a logarithm or logit; beyond it values span more than forty powers of e.
const WIDEST: f64 = 5.0;

/// The parts of a population while it is put together.
#[derive(Debug, Clone)]
struct Parts {
    name: String,
    summary: String,
    patient: Population,
    distributions: Vec<Distribution>,
    /// With their places, where they stand in the text that is read.
    correlations: Vec<(Correlation, Option<Place>)>,
    origins: Vec<Origin>,
}

impl Parts {
    fn of(spec: &PopulationSpec) -> Self {
        Self {
            name: spec.name().to_owned(),
            summary: spec.summary().to_owned(),
            patient: spec.patient(),
            distributions: spec.distributions().to_vec(),
            correlations: spec.correlations().iter().map(|c| (c.clone(), None)).collect(),
            origins: spec.origins().to_vec(),
        }
    }

    /// The population with the first so many correlations.
    fn with(&self, correlations: usize) -> Result<PopulationSpec, PopulationError> {
        PopulationSpec::new(
            self.name.clone(),
            self.summary.clone(),
            self.patient,
            self.distributions.clone(),
            self.correlations[..correlations].iter().map(|c| c.0.clone()).collect(),
            self.origins.clone(),
        )
    }

    fn finish(self, fields: &Fields<'_, '_>) -> Result<Arc<PopulationSpec>, Reported> {
        use PopulationError as E;
        let problem = match self.with(self.correlations.len()) {
            Ok(spec) => return Ok(Arc::new(spec)),
            Err(problem) => problem,
        };
        let mut mistake = Diagnostic::new("bad-population", problem.to_string());
        mistake = match &problem {
            E::NotDefinite => {
                let (c, place) = self.contradicting();
                let told = "contradicts those before it";
                mistake
                    .at(place.unwrap_or(fields.place_of("correlation")), told)
                    .help(format!(
                        "bring the correlation of `{}` with `{}` nearer to zero, now {}",
                        c.first, c.second, c.r
                    ))
            }
            E::NotVaried { .. } => mistake.at(fields.place_of("correlation"), "cannot be"),
            E::Share { .. } => mistake
                .at(fields.place_of("origin"), "cannot be")
                .help("shares are weights, such as 0.7 and 0.3"),
            _ => mistake.at(fields.place, "cannot be"),
        };
        Err(fields.report(mistake))
    }

    /// A correlation without which those before it go together and with which they do not, by halving.
    fn contradicting(&self) -> &(Correlation, Option<Place>) {
        let (mut good, mut bad) = (0, self.correlations.len());
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            match self.with(middle) {
                Err(PopulationError::NotDefinite) => bad = middle,
                _ => good = middle,
            }
        }
        &self.correlations[good]
    }
}

/// Reads `[population]`, if it is there.
pub(super) fn read(top: &Fields<'_, '_>) -> Got<Arc<PopulationSpec>> {
    let Some(entry) = top.entry("population") else {
        return Ok(None);
    };
    let Data::Table(table) = &entry.node.data else {
        return Err(top.wrong_type(entry, "a table", "{ name = \"adult-spinal\" }"));
    };
    let fields = Fields::new(top.context, "[population]", table, entry.node.place, KEYS);
    let base = match based(&fields, "name")? {
        Some(base) => base,
        None => return Err(fields.missing("name", "\"adult-spinal\"")),
    };
    let mut parts = Parts::of(&base);
    content(&fields, &mut parts, false)?;
    parts.finish(&fields).map(Some)
}

/// The population a key names.
fn based(fields: &Fields<'_, '_>, key: &str) -> Got<Arc<PopulationSpec>> {
    let Some(entry) = fields.entry(key) else {
        return Ok(None);
    };
    let Some(name) = fields.text(key, "\"adult-spinal\"")? else {
        return Ok(None);
    };
    let known = &fields.context.catalog.populations;
    match known.iter().find(|p| p.name() == name) {
        Some(spec) => Ok(Some(spec.clone())),
        None => {
            let names: Vec<&str> = known.iter().map(|p| p.name()).collect();
            Err(fields.unknown_word(entry, name, &names))
        }
    }
}

/// Reads a population from a text; `known` are those it may start from with `base`.
///
/// # Errors
/// [`Diagnostics`] with every mistake found.
pub fn population_from_str(
    name: &str,
    text: &str,
    known: &[Arc<PopulationSpec>],
) -> Result<Arc<PopulationSpec>, Diagnostics> {
    let mut mistakes = Vec::new();
    let parsed = document::parse(0, text, &mut mistakes);
    let sources = vec![Source::new(name.to_owned(), text)];
    let Some(document) = parsed.filter(|_| mistakes.is_empty()) else {
        return Err(Diagnostics::new(mistakes, sources));
    };
    let catalog = Catalog {
        populations: known.to_vec(),
        ..Catalog::default()
    };
    let context = Context::new(&catalog, Names::default());
    let top = Place {
        file: 0,
        start: 0,
        end: 0,
    };
    let fields = Fields::new(&context, "the file", &document, top, FILE_KEYS);
    let read = file(&fields);
    let mut mistakes = context.into_mistakes();
    match read {
        Ok(spec) if mistakes.is_empty() => Ok(spec),
        _ => {
            if mistakes.is_empty() {
                // Whoever returns `Reported` has reported; this keeps that promise visible.
                mistakes.push(Diagnostic::new(
                    "internal",
                    "the population was refused without a reason",
                ));
            }
            Err(Diagnostics::new(mistakes, sources))
        }
    }
}

/// Reads a population file; `known` are those it may start from with `base`.
///
/// # Errors
/// [`Diagnostics`] if it cannot be read, or with every mistake found in it.
pub fn population_from_file(path: &Path, known: &[Arc<PopulationSpec>]) -> Result<Arc<PopulationSpec>, Diagnostics> {
    let shown = path.display().to_string();
    match Disk.read(path) {
        Ok(text) => population_from_str(&shown, &text, known),
        Err(problem) => {
            let mistake = Diagnostic::new("unreadable-file", format!("cannot read {}: {problem}", quoted(&shown)));
            Err(Diagnostics::new(vec![mistake.in_file(shown)], Vec::new()))
        }
    }
}

fn file(fields: &Fields<'_, '_>) -> Result<Arc<PopulationSpec>, Reported> {
    let name = match fields.text("name", "\"my-clinic\"") {
        Ok(Some(name)) => Ok(name),
        Ok(None) => Err(fields.missing("name", "\"my-clinic\"")),
        Err(reported) => Err(reported),
    };
    let base = based(fields, "base");
    let summary = fields.text("summary", "\"...\"");
    let patient = fields.choice("patient", POPULATIONS);
    let (name, base, summary, patient) = (name?, base?, summary?, patient?);
    let mut parts = match (&base, patient) {
        (Some(base), _) => Parts::of(base),
        (None, Some(patient)) => Parts {
            name: String::new(),
            summary: String::new(),
            patient,
            distributions: Vec::new(),
            correlations: Vec::new(),
            origins: Vec::new(),
        },
        (None, None) => return Err(fields.missing("patient", "\"adult-spinal\"")),
    };
    name.clone_into(&mut parts.name);
    if let Some(summary) = summary {
        summary.clone_into(&mut parts.summary);
    }
    parts.patient = patient.unwrap_or(parts.patient);
    content(fields, &mut parts, true)?;
    parts.finish(fields)
}

/// Distributions, correlations and origins: those given replace those of the base. A text that stands `alone`
/// may say nothing twice; in a scenario a file may change what it extends.
fn content(fields: &Fields<'_, '_>, parts: &mut Parts, alone: bool) -> Result<(), Reported> {
    let mut flawed = false;
    let twice = |what: String, place: Place, first: Place| {
        fields.report(
            Diagnostic::new("given-twice", format!("{what} is given twice"))
                .at(place, "here")
                .at(first, "and here")
                .help("keep one of the two"),
        )
    };
    if let Some(entry) = fields.entry("distributions") {
        let Data::Table(table) = &entry.node.data else {
            return Err(fields.wrong_type(entry, "a table", "{ \"response.effect.ec50\" = { sd_log = 0.4 } }"));
        };
        let mut found = Vec::new();
        flatten(table, "", &mut found);
        let mut seen: BTreeMap<String, Place> = BTreeMap::new();
        for (key, entry) in found {
            if let Some(first) = seen.insert(key.clone(), entry.key_place).filter(|_| alone) {
                twice(quoted(&key), entry.key_place, first);
                flawed = true;
            }
            match distribution(fields, &key, entry, &parts.distributions) {
                Ok(new) => match parts.distributions.iter_mut().find(|d| d.key == new.key) {
                    Some(old) => *old = new,
                    None => parts.distributions.push(new),
                },
                Err(Reported) => flawed = true,
            }
        }
    }
    let pair = |c: &Correlation| (c.first.min(c.second), c.first.max(c.second));
    let mut kept: Vec<Option<(Correlation, Option<Place>)>> =
        std::mem::take(&mut parts.correlations).into_iter().map(Some).collect();
    let mut at: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (i, (c, _)) in kept.iter().flatten().enumerate() {
        at.insert(pair(c), i);
    }
    for (table, place) in tables(fields, "correlation", &mut flawed) {
        match correlation(fields.context, table, place, parts) {
            Ok(new) => {
                if let Some(old) = at.insert(pair(&new), kept.len()) {
                    if let (Some((_, Some(first))), true) = (&kept[old], alone) {
                        twice(
                            format!("the correlation of `{}` with `{}`", new.first, new.second),
                            place,
                            *first,
                        );
                        flawed = true;
                    }
                    kept[old] = None;
                }
                kept.push(Some((new, Some(place))));
            }
            Err(Reported) => flawed = true,
        }
    }
    parts.correlations = kept.into_iter().flatten().collect();
    let mut origins = Vec::new();
    for (table, place) in tables(fields, "origin", &mut flawed) {
        match origin(fields.context, table, place) {
            Ok(new) => origins.push(new),
            Err(Reported) => flawed = true,
        }
    }
    if !origins.is_empty() {
        parts.origins = origins;
    }
    if flawed { Err(Reported) } else { Ok(()) }
}

/// The blocks of a list below the population.
fn tables<'d>(fields: &Fields<'d, '_>, key: &str, flawed: &mut bool) -> Vec<(&'d Table, Place)> {
    let Some(entry) = fields.entry(key) else {
        return Vec::new();
    };
    let blocks = fields.table.blocks(key);
    if !matches!(&entry.node.data, Data::Array(nodes) if nodes.len() == blocks.len()) {
        *flawed = true;
        fields.wrong_type(entry, "a list of tables", "[{ ... }]");
    }
    blocks
}

/// A key may be quoted, dotted or nested; a table with a plain value in it is a distribution.
fn flatten<'t>(table: &'t Table, prefix: &str, out: &mut Vec<(String, &'t Entry)>) {
    for entry in &table.entries {
        let key = if prefix.is_empty() {
            entry.key.clone()
        } else {
            format!("{prefix}.{}", entry.key)
        };
        match &entry.node.data {
            Data::Table(inner)
                if !inner.entries.is_empty() && inner.entries.iter().all(|e| matches!(e.node.data, Data::Table(_))) =>
            {
                flatten(inner, &key, out);
            }
            _ => out.push((key, entry)),
        }
    }
}

/// The parameter of this name.
fn parameter(context: &Context<'_>, key: &str, place: Place) -> Result<&'static Parameter, Reported> {
    parameters::named(key).ok_or_else(|| {
        let keys: Vec<&str> = parameters::all().map(|p| p.key).collect();
        let near = context.suggests().then(|| nearest(key, &keys)).flatten();
        let help = near.map(|k| format!("did you mean `{k}`?"));
        context.report(
            Diagnostic::new("unknown-parameter", format!("unknown parameter {}", quoted(key)))
                .at(place, "no such parameter")
                .help(help.unwrap_or_else(|| "`itbsim parameters` lists them all".to_owned())),
        )
    })
}

fn distribution(
    top: &Fields<'_, '_>,
    key: &str,
    entry: &Entry,
    known: &[Distribution],
) -> Result<Distribution, Reported> {
    let p = parameter(top.context, key, entry.key_place)?;
    let Data::Table(table) = &entry.node.data else {
        return Err(top.wrong_type(entry, "a table", "{ sd_log = 0.4 }"));
    };
    let fields = Fields::new(top.context, quoted(key), table, entry.key_place, DISTRIBUTION_KEYS);
    let old = known.iter().find(|d| d.key == p.key);
    let shape = fields.choice("shape", Shape::WORDS);
    let typical = amount(&fields, "typical", p);
    let low = amount(&fields, "low", p);
    let high = amount(&fields, "high", p);
    let grade = fields.choice("grade", GRADES);
    let source = fields.text("source", "\"Coffey 1993\"");
    let doubt = Bound::within(0.0, WIDEST);
    let typical_uncertainty = fields.number("typical_uncertainty", doubt);
    let spread_uncertainty = fields.number("spread_uncertainty", doubt);
    let shape = shape?.or(old.map(|d| d.shape)).unwrap_or(Shape::LogNormal);
    let spread = spread(&fields, shape, p);
    let (typical, low, high, grade, source, spread) = (typical?, low?, high?, grade?, source?, spread?);
    let same_shape = old.filter(|d| d.shape == shape);
    let spread = match (spread, same_shape) {
        (Some(spread), _) => spread,
        (None, Some(old)) => old.spread,
        (None, None) if matches!(shape, Shape::Uniform | Shape::Share) => 0.0,
        (None, None) => {
            let (key, example) = match shape {
                Shape::Normal => ("sd", format!("\"{} {}\"", 0.1 * p.value, p.unit)),
                Shape::LogitNormal => ("sd_logit", "0.5".to_owned()),
                _ => ("sd_log", "0.3".to_owned()),
            };
            return Err(fields.missing(key, &example));
        }
    };
    let new = Distribution {
        key: p.key,
        shape,
        typical: typical.or(old.map(|d| d.typical)).unwrap_or(p.value),
        spread,
        low: low.or(old.map(|d| d.low)).unwrap_or(p.low),
        high: high.or(old.map(|d| d.high)).unwrap_or(p.high),
        // What a user changes is the user's: no grade is inherited with it.
        grade: grade.unwrap_or(Grade::Assumed),
        source: match (source, old) {
            (Some(text), _) => text.to_owned(),
            (None, Some(old)) => format!("changed by the user; before: {}", old.source),
            (None, None) => return Err(fields.missing("source", "\"where the spread comes from\"")),
        },
        typical_uncertainty: typical_uncertainty?
            .or(old.map(|d| d.typical_uncertainty))
            .unwrap_or(0.0),
        spread_uncertainty: spread_uncertainty?.or(old.map(|d| d.spread_uncertainty)).unwrap_or(0.0),
    };
    // Checked alone, so that a mistake is shown at its own place.
    if let Err(problem) = PopulationSpec::new("", "", Population::AdultSpinal, vec![new.clone()], vec![], vec![]) {
        return Err(
            fields.report(Diagnostic::new("bad-distribution", problem.to_string()).at(entry.key_place, p.meaning))
        );
    }
    Ok(new)
}

/// The spread, by whichever key fits the shape.
fn spread(fields: &Fields<'_, '_>, shape: Shape, p: &Parameter) -> Got<f64> {
    let fit: &[&str] = match shape {
        Shape::LogNormal => &["sd_log", "cv"],
        Shape::Normal => &["sd"],
        Shape::LogitNormal => &["sd_logit"],
        Shape::Uniform | Shape::Share => &[],
    };
    let mut given = Vec::new();
    for key in ["sd_log", "cv", "sd", "sd_logit"] {
        let Some(entry) = fields.entry(key) else { continue };
        if !fit.contains(&key) {
            return Err(fields.report(
                Diagnostic::new(
                    "conflicting-keys",
                    format!("`{key}` does not fit the shape `{}`", shape.word()),
                )
                .at(entry.key_place, "no spread of this shape")
                .maybe_help(fit.first().map(|k| format!("its spread is `{k}`"))),
            ));
        }
        given.push(key);
    }
    match given.as_slice() {
        [] => Ok(None),
        ["sd"] => amount(fields, "sd", p),
        ["cv"] => {
            let cv = fields.number("cv", Bound::within(0.0, WIDEST))?.unwrap_or_default();
            // Standard deviation of the logarithm of a log-normal with this coefficient of variation.
            Ok(Some(libm::log1p(cv * cv).sqrt()))
        }
        [key] => fields.number(key, Bound::within(0.0, WIDEST)),
        _ => Err(fields.report(
            Diagnostic::new("conflicting-keys", "`sd_log` and `cv` say the same thing twice")
                .at(fields.place_of("cv"), "and this")
                .help("keep one"),
        )),
    }
}

/// A value in the unit of the parameter.
fn amount(fields: &Fields<'_, '_>, key: &str, p: &Parameter) -> Got<f64> {
    let Some(entry) = fields.entry(key) else {
        return Ok(None);
    };
    let text = match &entry.node.data {
        Data::Text(text) => text.clone(),
        Data::Integer(n) => n.to_string(),
        Data::Float(x) => x.to_string(),
        _ => {
            let example = format!("\"{} {}\"", p.value, p.unit);
            return Err(fields.wrong_type(entry, "a quantity", &example));
        }
    };
    match quantity::convert(&text, p.unit) {
        Ok(value) => Ok(Some(value + 0.0)),
        Err(problem) => Err(fields.report(
            Diagnostic::new("bad-quantity", format!("`{key}`: {problem}"))
                .at(entry.node.place, p.meaning)
                .maybe_help(problem.help())
                .help(format!("the default is {} {}", p.value, p.unit)),
        )),
    }
}

fn correlation(context: &Context<'_>, table: &Table, place: Place, parts: &Parts) -> Result<Correlation, Reported> {
    let fields = Fields::new(context, "[[correlation]]", table, place, CORRELATION_KEYS);
    let example = "[\"population.age\", \"population.gfr\"]";
    let of = match fields.texts("of", example) {
        Ok(Some(of)) => Ok(of),
        Ok(None) => Err(fields.missing("of", example)),
        Err(reported) => Err(reported),
    };
    let r = match fields.number("r", Bound::within(-0.99, 0.99)) {
        Ok(Some(r)) => Ok(r),
        Ok(None) => Err(fields.missing("r", "0.5")),
        Err(reported) => Err(reported),
    };
    let grade = fields.choice("grade", GRADES);
    let source = fields.text("source", "\"Coffey 1993\"");
    let (of, r, grade, source) = (of?, r?, grade?, source?);
    let [first, second] = of.as_slice() else {
        return Err(fields.report(
            Diagnostic::new("wrong-value", "a correlation is of two parameters")
                .at(fields.place_of("of"), format!("{} here", of.len())),
        ));
    };
    let key = |(key, place): &(&str, Place)| {
        let p = parameter(context, key, *place)?;
        if parts.distributions.iter().any(|d| d.key == p.key) {
            return Ok(p.key);
        }
        Err(context.report(
            Diagnostic::new("not-varied", format!("{} has no distribution here", quoted(key)))
                .at(*place, "does not differ between patients"),
        ))
    };
    let (one, other) = (key(first)?, key(second)?);
    if one == other {
        return Err(fields.report(
            Diagnostic::new("wrong-value", format!("{} is correlated with itself", quoted(one)))
                .at(second.1, "the same parameter")
                .help("name two parameters"),
        ));
    }
    Ok(Correlation {
        first: one,
        second: other,
        r,
        grade: grade.unwrap_or(Grade::Assumed),
        source: source.unwrap_or("given by the user").to_owned(),
    })
}

fn origin(context: &Context<'_>, table: &Table, place: Place) -> Result<Origin, Reported> {
    let fields = Fields::new(context, "[[origin]]", table, place, ORIGIN_KEYS);
    let name = match fields.text("name", "\"stroke\"") {
        Ok(Some(name)) => Ok(name.to_owned()),
        Ok(None) => Err(fields.missing("name", "\"stroke\"")),
        Err(reported) => Err(reported),
    };
    let share = match fields.number("share", Bound::NOT_NEGATIVE) {
        Ok(Some(share)) => Ok(share),
        Ok(None) => Err(fields.missing("share", "0.5")),
        Err(reported) => Err(reported),
    };
    let source = fields.text("source", "\"Coffey 1993\"");
    let mut injury = Vec::new();
    if let Some(entry) = fields.entry("injury") {
        let Data::Table(levels) = &entry.node.data else {
            return Err(fields.wrong_type(entry, "a table", "{ T4 = 0.5, T10 = 0.5 }"));
        };
        let names: Vec<String> = Level::ALL.iter().map(Level::to_string).collect();
        let keys: Vec<&str> = names.iter().map(String::as_str).collect();
        let inner = Fields::new(context, "`injury`", levels, entry.node.place, &keys);
        for level in Level::ALL {
            if let Some(weight) = inner.number(&level.to_string(), Bound::NOT_NEGATIVE)? {
                injury.push((level, weight));
            }
        }
    }
    Ok(Origin {
        name: name?,
        share: share?,
        injury,
        source: source?.unwrap_or("given by the user").to_owned(),
    })
}
