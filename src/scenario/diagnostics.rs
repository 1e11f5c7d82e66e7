//! What is wrong with a file, where, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

/// Diagnostics shown in full; the rest is counted.
const SHOWN: usize = 50;

/// Diagnostics kept; a file with more than this is not a scenario with slips in it.
pub(super) const KEPT: usize = 1000;

/// Longest word \[bytes\] for which a near one is looked for: the comparison takes the product of
/// both lengths.
const LONGEST_WORD: usize = 100;

/// A stretch of text in one of the files read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A file as read, kept so that messages can quote it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: Arc<str>,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
}

impl Source {
    pub(super) fn new(name: String, text: &str) -> Self {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            name,
            text: Arc::from(text),
            lines,
        }
    }

    /// Line and column from 1 of a byte offset, the column in characters.
    pub(super) fn locate(&self, offset: usize) -> (usize, usize) {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        // The first line starts at 0, so at least one start is not after `at`.
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines[line.saturating_sub(1)];
        (line, self.text[start..at].chars().count() + 1)
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Stable name of the kind of mistake, such as `unknown-key`.
    code: &'static str,
    title: String,
    /// Where, and what to write under the caret; the first is the mistake, others explain it.
    marks: Vec<(Place, String)>,
    /// File named when there is nothing to quote.
    file: Option<String>,
    notes: Vec<String>,
    help: Vec<String>,
}

impl Diagnostic {
    pub(super) fn new(code: &'static str, title: impl Into<String>) -> Self {
        Self {
            code,
            title: title.into(),
            marks: Vec::new(),
            file: None,
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    pub(super) fn at(mut self, place: Place, label: impl Into<String>) -> Self {
        self.marks.push((place, label.into()));
        self
    }

    pub(super) fn in_file(mut self, name: impl Into<String>) -> Self {
        self.file = Some(name.into());
        self
    }

    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub(super) fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// Stable name of the kind of mistake, such as `unknown-key`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// One sentence on what is wrong.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What to write instead.
    pub fn helps(&self) -> &[String] {
        &self.help
    }
}

/// All mistakes found in a scenario, in the order of the text.
///
/// `Display` is the plain rendering; [`Diagnostics::render`] can colour it and
/// [`Diagnostics::to_json`] is for programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    sources: Vec<Source>,
}

/// One mistake, for programs.
#[derive(Serialize)]
struct Record<'a> {
    code: &'a str,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    label: Option<&'a str>,
    related: Vec<Related<'a>>,
    notes: &'a [String],
    help: &'a [String],
}

#[derive(Serialize)]
struct Related<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    label: &'a str,
}

impl Diagnostics {
    pub(super) fn new(mut items: Vec<Diagnostic>, sources: Vec<Source>) -> Self {
        // Stable: mistakes at one place keep the order in which they were found.
        items.sort_by_key(|d| d.marks.first().map(|m| m.0));
        let mut unique: Vec<Diagnostic> = Vec::with_capacity(items.len());
        for item in items {
            // Sorted by place, so a repetition stands among the last few.
            if !unique.iter().rev().take(8).any(|known| *known == item) {
                unique.push(item);
            }
        }
        unique.truncate(KEPT);
        Self { items: unique, sources }
    }

    /// The mistakes.
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// Line and column of a mistake, both from 1, the column in characters.
    pub fn position(&self, item: &Diagnostic) -> Option<(usize, usize)> {
        item.marks.first().map(|(place, _)| self.locate(*place))
    }

    fn locate(&self, place: Place) -> (usize, usize) {
        self.sources[place.file].locate(place.start)
    }

    /// As text, with terminal colours if `colour`.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
        let mut out = String::new();
        for item in self.items.iter().take(SHOWN) {
            out.push_str(&renderer.render(&[self.group(item)]));
            out.push_str("\n\n");
        }
        if self.items.len() > SHOWN {
            out.push_str(&format!("... and {} more\n", self.items.len() - SHOWN));
        }
        let n = self.items.len();
        out.push_str(&format!(
            "{n} error{} in the scenario; nothing was run\n",
            if n == 1 { "" } else { "s" }
        ));
        out
    }

    fn group<'a>(&'a self, item: &'a Diagnostic) -> Group<'a> {
        let title = Level::ERROR.primary_title(item.title.as_str());
        let mut group = Group::with_title(title);
        let mut files: Vec<usize> = Vec::new();
        for (place, _) in &item.marks {
            if !files.contains(&place.file) {
                files.push(place.file);
            }
        }
        for file in files {
            let source = &self.sources[file];
            let mut snippet = Snippet::source(&*source.text).path(source.name.as_str());
            for (index, (place, label)) in item.marks.iter().enumerate() {
                if place.file != file {
                    continue;
                }
                let kind = if index == 0 {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                let mut mark = kind.span(one_line(&source.text, *place));
                if !label.is_empty() {
                    mark = mark.label(label.as_str());
                }
                snippet = snippet.annotation(mark);
            }
            group = group.element(snippet);
        }
        if let (Some(name), true) = (&item.file, item.marks.is_empty()) {
            group = group.element(Origin::path(name.as_str()));
        }
        for note in &item.notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        for help in &item.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        group
    }

    /// As a JSON array, one object a mistake: `code`, `message`, `file`, `line`,
    /// `column`, `label`, `related`, `notes`, `help`.
    pub fn to_json(&self) -> String {
        let records: Vec<Record<'_>> = self
            .items
            .iter()
            .map(|item| {
                let first = item.marks.first();
                let at = first.map(|m| self.locate(m.0));
                Record {
                    code: item.code,
                    message: &item.title,
                    file: first
                        .map(|m| self.sources[m.0.file].name.as_str())
                        .or(item.file.as_deref()),
                    line: at.map(|p| p.0),
                    column: at.map(|p| p.1),
                    label: first.map(|m| m.1.as_str()),
                    related: item
                        .marks
                        .iter()
                        .skip(1)
                        .map(|(place, label)| {
                            let (line, column) = self.locate(*place);
                            Related {
                                file: &self.sources[place.file].name,
                                line,
                                column,
                                label,
                            }
                        })
                        .collect(),
                    notes: &item.notes,
                    help: &item.help,
                }
            })
            .collect();
        // Strings and numbers only: there is nothing that JSON cannot hold.
        serde_json::to_string_pretty(&records).unwrap_or_default()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// The part of a place on its first line, at least one character wide where there is one.
fn one_line(text: &str, place: Place) -> Range<usize> {
    let mut start = place.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |n| start + n);
    let mut end = place.end.clamp(start, line_end);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    if end == start {
        end = text[start..line_end]
            .chars()
            .next()
            .map_or(start, |c| start + c.len_utf8());
    }
    start..end
}

/// A name from a file, safe to print: control characters escaped, long text cut.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().count() > 60 {
        shown.push_str("...");
    }
    // escape_debug also escapes quotes, which are harmless here and common in values.
    format!("`{}`", shown.replace("\\\"", "\"").replace("\\'", "'"))
}

/// The candidate that a misspelt word most likely meant.
pub(crate) fn nearest<'a, S: AsRef<str> + ?Sized + 'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let folded = word.to_lowercase().replace([' ', '-'], "_");
    let length = folded.chars().count();
    let allowed = (length / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(AsRef::as_ref)
        .filter(|candidate| candidate.len() <= LONGEST_WORD)
        .filter_map(|candidate| {
            let other = candidate.to_lowercase().replace('-', "_");
            // A word cut short or drawn out is a near miss too: `conc` for `concentration`.
            let stem = length >= 4 && other.starts_with(&folded) || other.len() >= 4 && folded.starts_with(&other);
            if !stem && other.chars().count().abs_diff(length) > allowed {
                return None; // cannot be near; saves the dear comparison
            }
            let slips = strsim::osa_distance(&folded, &other);
            if stem {
                Some((slips.min(allowed), candidate))
            } else {
                (slips <= allowed).then_some((slips, candidate))
            }
        })
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// `a, b or c`, each in back quotes.
pub(super) fn list<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{}`", w.as_ref())).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// Help for a word that is none of the candidates.
pub(super) fn did_you_mean<S: AsRef<str>>(word: &str, candidates: &[S]) -> Option<String> {
    if let Some(near) = nearest(word, candidates) {
        return Some(format!("did you mean `{near}`?"));
    }
    match candidates.len() {
        0 => None,
        1..=48 => Some(format!("known here: {}", list(candidates))),
        n => Some(format!("{n} names are known here; `itbsim list` shows them")),
    }
}
