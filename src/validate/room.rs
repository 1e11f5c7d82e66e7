//! How large evidence may be, and where a mistake in it stands: a file of one megabyte can ask for
//! far more than that, by tables, substitutions and long stories.

use toml::de::{DeTable, DeValue};

use crate::scenario::model::Scenario;

/// Figures, stories, limits and the like of all files together.
pub(crate) const MOST_ENTRIES: usize = 10_000;
/// Time courses, each of which is drawn.
pub(crate) const MOST_COURSES: usize = 100;
/// Texts of the cases of a table \[bytes\], and of all stories with their values filled in.
pub(crate) const MOST_TEXT: usize = 20_000_000;
/// Values that fill one story.
pub(crate) const MOST_WITH: usize = 100;
/// Replicates of one figure.
pub(crate) const MOST_REPLICATES: u64 = 10_000;
/// Numbers in the rows of all runs that are kept; a gigabyte.
pub(crate) const MOST_NUMBERS: u64 = 125_000_000;
/// Numbers in the rows of a run that is measured and dropped; every thread has one or two.
pub(crate) const MOST_AT_ONCE: u64 = MOST_NUMBERS / 8;

/// Numbers in the rows of a run whose samples lie so far apart \[h\].
pub(super) fn numbers(scenario: &Scenario, sample_h: f64) -> u64 {
    let rows = scenario.duration.hours() / sample_h + 1.0;
    let columns = crate::simulation::columns_with(&scenario.drugs).len();
    // Saturates, as a cast of a float does.
    (rows * columns as f64) as u64
}

/// What the reader said about a text, with line and column in front.
pub(super) fn said(text: &str, error: &toml::de::Error) -> String {
    match error.span() {
        Some(span) => {
            let (line, column) = position(text, span.start);
            format!("line {line}, column {column}: {}", error.message())
        }
        None => error.message().to_owned(),
    }
}

/// Line and column, both from 1, of a byte of a text.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// Line and column, both from 1, of the entry of this name in an evidence file; of several the last.
/// A row of a table stands where its table does.
pub(crate) fn place(text: &str, id: &str) -> Option<(usize, usize)> {
    let document = DeTable::parse(text).ok()?;
    let mut found = None;
    for (list, blocks) in document.get_ref() {
        let DeValue::Array(blocks) = blocks.get_ref() else {
            continue;
        };
        let key = if list.get_ref() == "use" { "feature" } else { "id" };
        let names = blocks.iter().filter_map(|block| match block.get_ref() {
            DeValue::Table(table) => table.get(key),
            _ => None,
        });
        for name in names {
            let DeValue::String(own) = name.get_ref() else {
                continue;
            };
            let row = list.get_ref() == "table" && id.strip_prefix(&**own).is_some_and(|rest| rest.starts_with('.'));
            if own == id || row {
                found = found.max(Some(name.span().start));
            }
        }
    }
    found.map(|byte| position(text, byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_name() {
        let text = "[[case]]\nid = \"a\"\n[[case]]\n  id = 'ä'\n[[table]]\nid = \"t\"\n[[use]]\nfeature = \"f\"\n";
        assert_eq!(place(text, "a"), Some((2, 6)));
        assert_eq!(place(text, "ä"), Some((4, 8)));
        assert_eq!(place(text, "t.3.x"), Some((6, 6)));
        assert_eq!(place(text, "f"), Some((8, 11)));
        assert_eq!(place(text, "b"), None);
        assert_eq!(place("]", "b"), None);
    }
}
