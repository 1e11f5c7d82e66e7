//! `[uncertain]`: one draw of what we do not know, as a batch with two levels makes many.
//!
//! ```toml
//! [uncertain]
//! draw = 2
//! parameters = { "response.withdrawal.muscle_rate" = [0.1, 0.5] }
//! ```
//!
//! The block names the draw, not what comes of it: middles and spreads of `[population]` and the
//! parameters named are drawn by the seed and this number when the scenario is run.

use std::collections::BTreeSet;

use super::diagnostics::{Diagnostic, nearest, quoted};
use super::document::{Data, Table};
use super::fields::{Fields, Got, Reported};
use super::figures::flatten;
use super::population::PopulationSpec;
use super::resolve::once;
use crate::parameters;

/// Keys of the block.
pub(super) const KEYS: &[&str] = &["draw", "parameters"];

/// Largest number of a draw: a batch makes 500 at most, numbered from 0.
pub(super) const LAST: i64 = 499;

/// Entries of `[patient]` that can be drawn, as parameters under `scenario.`.
const IN_PATIENT: [&str; 4] = [
    "patient.weight",
    "patient.ashworth_legs",
    "patient.ashworth_arms",
    "patient.spasm_score",
];

/// One draw of what is uncertain.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncertain {
    /// Its number, as the column `draw` of a batch has it.
    pub draw: u64,
    /// Parameters drawn evenly over a range, besides the middles and spreads of a population:
    /// key, lower and upper end \[unit of the parameter\]. A range of more than a decade is drawn by ratios.
    pub ranges: Vec<(String, f64, f64)>,
}

impl Uncertain {
    /// The block as a file has it.
    pub fn toml(&self) -> String {
        let mut text = format!("[uncertain]\ndraw = {}\n", self.draw);
        if !self.ranges.is_empty() {
            let pairs = self.ranges.iter();
            let pairs: Vec<String> = pairs
                .map(|(key, low, high)| format!("\"{key}\" = [{low:?}, {high:?}]"))
                .collect();
            text.push_str(&format!("parameters = {{ {} }}\n", pairs.join(", ")));
        }
        text
    }
}

/// Reads the block; `fixed` is what the file fixes, and `population` whom it draws from.
pub(super) fn read(
    fields: &Fields<'_, '_>,
    fixed: &BTreeSet<&'static str>,
    population: Option<&PopulationSpec>,
) -> Got<Uncertain> {
    if !fields.has("uncertain") {
        return Ok(None);
    }
    let empty = Table::default();
    let inner = once(fields, "uncertain", KEYS, &empty)?;
    let draw = inner.whole("draw", 0, LAST);
    let ranges = ranges(&inner, fixed, population);
    let Some(draw) = draw?.and_then(|n| u64::try_from(n).ok()) else {
        return Err(inner.missing("draw", "0"));
    };
    Ok(Some(Uncertain { draw, ranges: ranges? }))
}

fn ranges(
    fields: &Fields<'_, '_>,
    fixed: &BTreeSet<&'static str>,
    population: Option<&PopulationSpec>,
) -> Result<Vec<(String, f64, f64)>, Reported> {
    const EXAMPLE: &str = "{ \"response.withdrawal.muscle_rate\" = [0.1, 0.5] }";
    let Some(entry) = fields.entry("parameters") else {
        return Ok(Vec::new());
    };
    let Data::Table(table) = &entry.node.data else {
        return Err(fields.wrong_type(entry, "a table of ranges", EXAMPLE));
    };
    let mut flat = Vec::new();
    flatten(table, String::new(), &mut flat);
    let mut out = Vec::new();
    let mut flawed = false;
    for (key, key_place, place, data) in flat {
        let mut refuse = |mistake: Diagnostic| {
            flawed = true;
            fields.report(mistake);
        };
        let Some(known) = parameters::named(&key) else {
            let keys: Vec<&str> = parameters::all().map(|p| p.key).collect();
            let near = fields.context.suggests().then(|| nearest(&key, &keys)).flatten();
            let help = near.map(|k| format!("did you mean `{k}`?"));
            refuse(
                Diagnostic::new("unknown-parameter", format!("unknown parameter {}", quoted(&key)))
                    .at(key_place, "no such parameter")
                    .help(help.unwrap_or_else(|| "`itbsim parameters` lists them all".to_owned())),
            );
            continue;
        };
        let varied = population.is_some_and(|p| p.distributions().iter().any(|d| d.key == known.key));
        // These stand for entries of `[patient]`.
        let of_patient = known
            .key
            .strip_prefix("scenario.")
            .filter(|entry| IN_PATIENT.contains(entry));
        let is_fixed = fixed.contains(known.key) || of_patient.is_some_and(|entry| fixed.contains(entry));
        let idle = if varied {
            Some("differs between patients; what is uncertain about it stands in the population")
        } else if is_fixed {
            Some("is fixed by the scenario")
        } else if known.key.starts_with("calc.") || (known.key.starts_with("scenario.") && of_patient.is_none()) {
            Some("is used only while a scenario is read")
        } else {
            None
        };
        if let Some(why) = idle {
            refuse(
                Diagnostic::new("idle-range", format!("`{key}` {why}"))
                    .at(key_place, "drawing it would change nothing")
                    .help("leave it out"),
            );
            continue;
        }
        match two(data) {
            Some((low, high)) if known.low <= low && low < high && high <= known.high => out.push((key, low, high)),
            _ => refuse(
                Diagnostic::new("bad-range", format!("this is no range of `{key}`"))
                    .at(place, "two numbers are needed, the lower one first")
                    .help(format!(
                        "write [LOW, HIGH] within {} to {} {}",
                        known.low, known.high, known.unit
                    )),
            ),
        }
    }
    if flawed { Err(Reported) } else { Ok(out) }
}

fn two(data: &Data) -> Option<(f64, f64)> {
    let number = |data: &Data| match data {
        Data::Integer(n) => Some(*n as f64),
        Data::Float(x) => Some(*x),
        _ => None,
    };
    match data {
        Data::Array(nodes) => match nodes.as_slice() {
            [low, high] => Some((number(&low.data)?, number(&high.data)?)),
            _ => None,
        },
        _ => None,
    }
}
