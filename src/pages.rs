//! Pages of the documentation that the program fills in, so that they cannot go stale.
//!
//! Text and equations stand in `docs/templates`; what is written in double braces is
//! replaced:
//!
//! | mark | becomes |
//! |---|---|
//! | `{{version}}` | version of the program |
//! | `{{count WHAT}}` | a number of things, see [`Page::text`] |
//! | `{{percent GRADE}}` | share of the parameters of a grade \[%\] |
//! | `{{value KEY}}` | a default with its unit |
//! | `{{agreement}}` | what libRoadRunner and the reader of NONMEM records found, in a sentence |
//! | `{{grades}}` | parameters by room and grade, a table |
//! | `{{numbers}}` ... `{{end}}` | a table of parameters: a line `symbol = key` each, `key.*` for all that begin so, `{{rest}}` for all not named on the page |
//!
//! `docs/update` writes the pages, a test compares them.

mod limits;
mod reference;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;

use crate::parameters::{Grade, Parameter, all};
use crate::response::{SYMPTOMS, Slow};
use crate::simulation::{ACTIONS, Registry, columns};

const MODEL: &str = include_str!("../docs/templates/model.md");
const CREDIBILITY: &str = include_str!("../docs/templates/credibility.md");

/// A page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Page {
    /// The equations as implemented, with every number in them
    Model,
    /// Two checklists of credible practice, filled from the program
    Credibility,
    /// All that a scenario file can say, from its schema
    Scenario,
    /// How large a file, a run, a batch or a request may be
    Limits,
}

/// A template asks for something that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// No such mark.
    #[error("docs: the page asks for `{mark}`, which means nothing")]
    Mark {
        /// What stands in the braces.
        mark: String,
    },
    /// No parameter has this key.
    #[error("docs: the page names parameter `{key}`, which no table has")]
    Parameter {
        /// The key, or what its keys begin with.
        key: String,
    },
    /// The schema of scenarios is no JSON.
    #[error("docs: the schema cannot be read: {problem}")]
    Schema {
        /// What is wrong.
        problem: String,
    },
    /// The table of agreement cannot be read.
    #[error("docs: the table of agreement cannot be read: {problem}")]
    Agreement {
        /// What is wrong.
        problem: String,
    },
}

impl Page {
    /// The page as Markdown, filled in.
    ///
    /// Things that can be counted: `all`, `published`, `derived`, `assumed` (parameters),
    /// `symptoms`, `columns`, `actions`, `faults`, `policies`, `slow` (states).
    ///
    /// # Errors
    /// [`PageError`] if the template asks for what is not there; a test shows that none does.
    ///
    /// # Example
    /// ```
    /// let text = itbsim::pages::Page::Model.text().unwrap();
    /// assert!(text.contains("kinetics.csf.loss_rate"));
    /// ```
    pub fn text(self) -> Result<String, PageError> {
        let template = match self {
            Page::Model => MODEL,
            Page::Credibility => CREDIBILITY,
            Page::Limits => return Ok(limits::page()),
            Page::Scenario => {
                let schema = crate::scenario::schema(&Registry::builtin().catalog());
                let schema = serde_json::from_str(&schema).map_err(|e| PageError::Schema { problem: e.to_string() })?;
                return Ok(format!(
                    "<!-- Written by docs/update from the schema: change that. -->\n\n{}",
                    reference::reference(&schema)
                ));
            }
        };
        let mut named = BTreeSet::new();
        let mut out = String::from("<!-- Written by docs/update from docs/templates: change that. -->\n\n");
        let mut lines = template.lines();
        while let Some(line) = lines.next() {
            if line == "{{numbers}}" {
                let rows = lines.by_ref().take_while(|l| *l != "{{end}}");
                numbers(rows, &mut named, &mut out)?;
            } else {
                fill(line, &mut out)?;
                out.push('\n');
            }
        }
        Ok(out)
    }
}

/// A line with its marks replaced.
fn fill(line: &str, out: &mut String) -> Result<(), PageError> {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((mark, after)) = after.split_once("}}") else {
            return Err(PageError::Mark { mark: after.to_owned() });
        };
        out.push_str(before);
        out.push_str(&replacement(mark)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(())
}

fn replacement(mark: &str) -> Result<String, PageError> {
    let unknown = || PageError::Mark { mark: mark.to_owned() };
    let grade = |word: &str| match word {
        "published" => Some(Grade::Published),
        "derived" => Some(Grade::Derived),
        "assumed" => Some(Grade::Assumed),
        _ => None,
    };
    let graded = |g: Grade| all().filter(|p| p.grade == g).count();
    Ok(match mark.split_once(' ') {
        None if mark == "version" => env!("CARGO_PKG_VERSION").to_owned(),
        None if mark == "agreement" => crate::validate::agreement()
            .map_err(|e| PageError::Agreement { problem: e.to_string() })?
            .sentence(),
        None if mark == "grades" => grades(),
        Some(("count", what)) => match what {
            "all" => all().count(),
            "symptoms" => SYMPTOMS.len(),
            "columns" => columns().len(),
            "actions" => ACTIONS.len(),
            "faults" => Registry::builtin().catalog().fault_kinds.len(),
            "policies" => Registry::builtin().catalog().policies.len(),
            "slow" => Slow::LEN,
            word => graded(grade(word).ok_or_else(unknown)?),
        }
        .to_string(),
        Some(("percent", what)) => {
            let share = graded(grade(what).ok_or_else(unknown)?) as f64 / all().count() as f64;
            format!("{:.0}", 100.0 * share)
        }
        Some(("value", key)) => {
            let found = all().find(|p| p.key == key);
            value(found.ok_or_else(|| PageError::Parameter { key: key.to_owned() })?)
        }
        _ => return Err(unknown()),
    })
}

fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Published => "published",
        Grade::Derived => "derived",
        Grade::Assumed => "assumed",
    }
}

fn value(p: &Parameter) -> String {
    with_unit(p, p.value)
}

/// A value of a parameter with its unit; arithmetic to six digits.
fn with_unit(p: &Parameter, value: f64) -> String {
    let rounded = format!("{value:.6}");
    let full = format!("{value}");
    let text = if full.len() > 9 && value.abs() >= 0.1 {
        rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else if full.len() > 12 {
        // A small number that did not come out even.
        format!("{value:.4e}")
    } else {
        full
    };
    if p.unit == "1" {
        text
    } else {
        format!("{text} {}", p.unit)
    }
}

/// Text that cannot end its cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A table of parameters; keys that a pattern finds again are left out.
fn numbers<'a>(
    rows: impl Iterator<Item = &'a str>,
    named: &mut BTreeSet<&'static str>,
    out: &mut String,
) -> Result<(), PageError> {
    out.push_str(
        "| symbol | name in the code | default | range | grade | meaning; source |\n|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let (symbol, key) = match row.split_once('=') {
            Some((symbol, key)) => (symbol.trim(), key.trim()),
            None if row == "{{rest}}" => ("", "*"),
            None => return Err(PageError::Mark { mark: row.to_owned() }),
        };
        let begins = key.strip_suffix('*');
        let mut found = 0;
        for p in all() {
            let fits = match begins {
                Some(start) => p.key.starts_with(start),
                None => p.key == key,
            };
            if !fits {
                continue;
            }
            found += 1;
            let fresh = named.insert(p.key);
            if !fresh && begins.is_some() {
                continue;
            }
            // Writing into a String cannot fail.
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {} to {} | {} | {}; {} |",
                cell(symbol),
                p.key,
                value(p),
                p.low,
                p.high,
                word(p.grade),
                cell(p.meaning),
                cell(p.source)
            );
        }
        if found == 0 {
            return Err(PageError::Parameter { key: key.to_owned() });
        }
    }
    Ok(())
}

/// Parameters by room and grade.
fn grades() -> String {
    let mut rooms: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for p in all() {
        let room = p.key.split_once('.').map_or(p.key, |(room, _)| room);
        let column = match p.grade {
            Grade::Published => 0,
            Grade::Derived => 1,
            Grade::Assumed => 2,
        };
        rooms.entry(room).or_default()[column] += 1;
    }
    let mut text = String::from("| room | published | derived | assumed |\n|---|---|---|---|");
    for (room, [published, derived, assumed]) in rooms {
        let _ = write!(text, "\n| {room} | {published} | {derived} | {assumed} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_stands_on_the_model_page_and_none_in_two_tables_of_the_same_pattern() {
        let page = Page::Model.text().unwrap();
        for p in all() {
            let rows = page.matches(&format!("| `{}` |", p.key)).count();
            // One that enters two equations may be named in both.
            assert!((1..=2).contains(&rows), "{} has {rows} rows", p.key);
        }
        assert!(!page.contains("{{"), "a mark was left");
        assert!(!Page::Credibility.text().unwrap().contains("{{"), "a mark was left");
    }

    #[test]
    fn a_row_carries_symbol_value_unit_range_grade_and_source() {
        let page = Page::Model.text().unwrap();
        let row = page.lines().find(|l| l.contains("`kinetics.csf.loss_rate`")).unwrap();
        let p = all().find(|p| p.key == "kinetics.csf.loss_rate").unwrap();
        assert!(row.starts_with("| k |"), "{row}");
        for part in [&value(p), word(p.grade), p.source, p.meaning, &p.low.to_string()] {
            assert!(row.contains(part), "{part} in {row}");
        }
        assert!(value(p).ends_with(" 1/h"));
    }

    #[test]
    fn what_is_not_there_is_an_error_with_its_name() {
        let mut out = String::new();
        let mark = fill("so {{count unicorns}} many", &mut out).unwrap_err();
        assert_eq!(
            mark,
            PageError::Mark {
                mark: "count unicorns".into()
            }
        );
        let open = fill("{{version", &mut out).unwrap_err();
        assert_eq!(open, PageError::Mark { mark: "version".into() });
        let key = numbers(["x = kinetics.none"].into_iter(), &mut BTreeSet::new(), &mut out).unwrap_err();
        assert_eq!(
            key.to_string(),
            "docs: the page names parameter `kinetics.none`, which no table has"
        );
    }
}
