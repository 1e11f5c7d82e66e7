//! What all figures share: title, footer, and the strip of labelled marks.

use super::axis::TimeAxis;
use super::canvas::{Anchor, Canvas, LARGE, SMALL, WIDTH, Weight, fit, text_width, wrap};
use super::colour::{self, INK, NOTE};
use crate::report::text::short_hash;
use crate::report::{DISCLAIMER, Marker, MarkerKind, RunData};

/// Distance from line to line of text \[pt\].
pub(super) const LEADING: f64 = 9.2;
/// White border of a figure \[pt\].
pub(super) const BORDER: f64 = 3.0;
/// Labels of marks above the panels stand in so many rows at most.
const MARK_ROWS: usize = 5;
/// Height of one such row \[pt\].
const MARK_ROW: f64 = 9.0;
/// From the middle of a mark to its label \[pt\].
const MARK_GAP: f64 = 4.2;
/// Half the width of a mark with its air \[pt\].
const MARK_HALF: f64 = 3.0;
/// Air between labels \[pt\].
const LABEL_AIR: f64 = 2.0;
/// More labels than this are not tried.
const MOST_LABELS: usize = 24;
/// Effort spent on one arrangement of labels.
const SEARCH_STEPS: usize = 4000;
/// A label repeated more often than this is written once, with a count.
const REPEATS: usize = 3;

/// Title lines and footer lines of a figure.
#[derive(Debug, Clone)]
pub(super) struct Page {
    title: Vec<String>,
    subtitle: Option<String>,
    footer: Vec<String>,
}

impl Page {
    /// For one run.
    pub fn of(run: &RunData) -> Page {
        Self::new(
            run,
            (!run.meta.arm.is_empty()).then(|| format!("Arm: {}", run.meta.arm)),
            &run.meta.fingerprint,
        )
    }

    /// For several arms of one story.
    pub fn of_arms(first: &RunData) -> Page {
        Self::new(first, None, "")
    }

    /// For a figure that belongs to no run: its title and what stands at its foot.
    pub fn titled(title: &str, foot: &str) -> Page {
        let mut page = Self::plain(title, "", foot);
        page.footer[1] = format!("itbsim {} · {DISCLAIMER}.", env!("CARGO_PKG_VERSION"));
        page
    }

    /// For many runs: title, a line under it, and what made the figure.
    pub fn plain(title: &str, subtitle: &str, footer: &str) -> Page {
        let room = WIDTH - 2.0 * BORDER;
        Page {
            title: wrap(title, room, LARGE, Weight::Medium, 2),
            subtitle: (!subtitle.is_empty()).then(|| fit(subtitle, room, SMALL, Weight::Regular)),
            footer: vec![fit(footer, room, SMALL, Weight::Regular), format!("{DISCLAIMER}.")],
        }
    }

    fn new(run: &RunData, subtitle: Option<String>, fingerprint: &str) -> Page {
        let meta = &run.meta;
        let title = if meta.title.is_empty() {
            &meta.scenario
        } else {
            &meta.title
        };
        let room = WIDTH - 2.0 * BORDER;
        let mut parts = vec![format!("itbsim {}", meta.version)];
        if !meta.scenario_hash.is_empty() {
            parts.push(short_hash(&meta.scenario_hash).to_owned());
        }
        parts.push(match meta.replicate {
            0 => format!("seed {}", meta.seed),
            n => format!("seed {}, replicate {n}", meta.seed),
        });
        if !fingerprint.is_empty() {
            parts.push(fingerprint.to_owned());
        }
        Page {
            title: wrap(title, room, LARGE, Weight::Medium, 2),
            subtitle: subtitle.map(|s| fit(&s, room, SMALL, Weight::Regular)),
            footer: vec![
                fit(&parts.join(" · "), room, SMALL, Weight::Regular),
                format!("{DISCLAIMER}."),
            ],
        }
    }

    /// For something that is no run of a patient.
    pub fn of_bench(title: &str, hash: &str, seed: u64) -> Page {
        let parts = format!(
            "itbsim {} · {} · seed {seed}",
            env!("CARGO_PKG_VERSION"),
            short_hash(hash)
        );
        Self::plain(title, "", &parts)
    }

    /// Height of the title \[pt\].
    pub fn head(&self) -> f64 {
        BORDER + LEADING * (self.title.len() + usize::from(self.subtitle.is_some())) as f64 + 3.0
    }

    /// Height of the footer \[pt\].
    pub fn foot(&self) -> f64 {
        BORDER + 3.5 + LEADING * self.footer.len() as f64
    }

    /// Draws both.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let mut y = BORDER + 0.5 * LEADING;
        for line in &self.title {
            canvas.text(line, (BORDER, y), LARGE, Weight::Medium, INK, Anchor::Left);
            y += LEADING;
        }
        if let Some(line) = &self.subtitle {
            canvas.text(line, (BORDER, y), SMALL, Weight::Regular, NOTE, Anchor::Left);
        }
        let mut y = canvas.height() - BORDER - LEADING * (self.footer.len() as f64 - 0.5);
        for line in &self.footer {
            canvas.text(line, (BORDER, y), SMALL, Weight::Regular, NOTE, Anchor::Left);
            y += LEADING;
        }
    }
}

/// A mark with room for its label: where it is and how wide it wants to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tag {
    /// Position of the mark \[pt\].
    pub x: f64,
    /// Width of the label \[pt\].
    pub width: f64,
}

/// Where a label came to stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// Row, 0 nearest to the panels.
    pub row: usize,
    /// Left edge of the label \[pt\].
    pub left: f64,
}

/// Something that labels must keep clear of: its row, mark, and extent with and without the mark \[pt\].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taken {
    row: usize,
    x: f64,
    low: f64,
    high: f64,
    words: Option<(f64, f64)>,
}

impl Taken {
    /// A mark without words in the lowest row.
    pub fn mark(x: f64) -> Taken {
        Taken {
            row: 0,
            x,
            low: x - MARK_HALF,
            high: x + MARK_HALF,
            words: None,
        }
    }

    /// A line from above through all rows.
    pub fn stem(x: f64) -> Taken {
        Taken {
            row: usize::MAX,
            x,
            low: x,
            high: x,
            words: None,
        }
    }

    /// Whether two things get in each other's way. A mark's stem runs down
    /// through the rows below it.
    fn hinders(&self, other: &Taken) -> bool {
        let (upper, lower) = if self.row >= other.row {
            (self, other)
        } else {
            (other, self)
        };
        if upper.row == lower.row {
            upper.low < lower.high + LABEL_AIR && lower.low < upper.high + LABEL_AIR
        } else {
            // A stem may touch another mark, but not words.
            lower.words.is_some_and(|(a, b)| upper.x > a - 0.7 && upper.x < b + 0.7)
        }
    }
}

/// Gives each tag a place where no label covers another label or the stem of
/// another mark; `None` where there is no room. Tags come in the order of
/// importance: the last ones lose their words first. Uses as few rows as it can.
pub(super) fn place(tags: &[Tag], fixed: &[Taken], left: f64, right: f64, rows: usize) -> Vec<Option<Place>> {
    let mut active: Vec<usize> = (0..tags.len().min(MOST_LABELS)).collect();
    while !active.is_empty() {
        // From right to left, so that earlier labels rise above later ones.
        let mut order = active.clone();
        order.sort_by(|&a, &b| tags[b].x.total_cmp(&tags[a].x).then(b.cmp(&a)));
        let ordered: Vec<Tag> = order.iter().map(|&i| tags[i]).collect();
        for rows in 1..=rows {
            let mut taken = fixed.to_vec();
            let mut budget = SEARCH_STEPS;
            if let Some(found) = search(&ordered, &mut taken, (left, right, rows), &mut budget) {
                let mut places = vec![None; tags.len()];
                for (&i, p) in order.iter().zip(found.iter().rev()) {
                    places[i] = Some(*p);
                }
                return places;
            }
        }
        active.pop();
    }
    vec![None; tags.len()]
}

/// Places the first tag in every way that is free and the rest after it;
/// returns the places in reverse order.
fn search(tags: &[Tag], taken: &mut Vec<Taken>, bounds: (f64, f64, usize), budget: &mut usize) -> Option<Vec<Place>> {
    let Some((tag, rest)) = tags.split_first() else {
        return Some(Vec::new());
    };
    let (left, right, rows) = bounds;
    for row in 0..rows {
        for start in [tag.x + MARK_GAP, tag.x - MARK_GAP - tag.width] {
            let end = start + tag.width;
            if start < left - 0.01 || end > right + 0.01 {
                continue;
            }
            *budget = budget.checked_sub(1)?;
            let mine = Taken {
                row,
                x: tag.x,
                low: start.min(tag.x - MARK_HALF),
                high: end.max(tag.x + MARK_HALF),
                words: Some((start, end)),
            };
            if taken.iter().any(|t| t.hinders(&mine)) {
                continue;
            }
            taken.push(mine);
            if let Some(mut found) = search(rest, taken, bounds, budget) {
                found.push(Place { row, left: start });
                return Some(found);
            }
            taken.pop();
        }
    }
    None
}

/// The marks above a stack of panels.
#[derive(Debug)]
pub(super) struct MarkStrip {
    marks: Vec<(Marker, f64, String, Option<Place>)>,
    rows: usize,
}

impl MarkStrip {
    /// Lays the marks of a window out along a time axis.
    pub fn lay_out(markers: &[Marker], axis: &TimeAxis, right_limit: f64) -> MarkStrip {
        let mut shown: Vec<(Marker, String)> = labelled(markers.iter().filter(|m| axis.shows(m.time_h)));
        // The important first, and within a kind the early.
        shown.sort_by(|(a, _), (b, _)| a.kind.cmp(&b.kind).then_with(|| a.time_h.total_cmp(&b.time_h)));
        let widest = 0.55 * (axis.right - axis.left);
        let fitted: Vec<String> = shown
            .iter()
            .map(|(_, l)| fit(l, widest, SMALL, Weight::Regular))
            .collect();
        let tagged: Vec<usize> = (0..shown.len()).filter(|&i| !fitted[i].is_empty()).collect();
        let tags: Vec<Tag> = tagged
            .iter()
            .map(|&i| Tag {
                x: axis.x(shown[i].0.time_h),
                width: text_width(&fitted[i], SMALL, Weight::Regular),
            })
            .collect();
        let mut places: Vec<Option<Place>> = vec![None; shown.len()];
        for (&i, found) in tagged
            .iter()
            .zip(place(&tags, &[], axis.left - 4.0, right_limit, MARK_ROWS))
        {
            places[i] = found;
        }
        let rows = places.iter().flatten().map(|p| p.row + 1).max().unwrap_or(0);
        let marks: Vec<_> = shown
            .into_iter()
            .zip(fitted)
            .zip(places)
            .map(|(((marker, _), label), place)| {
                let x = axis.x(marker.time_h);
                (marker, x, label, place)
            })
            .collect();
        let rows = if marks.is_empty() { 0 } else { rows.max(1) };
        MarkStrip { marks, rows }
    }

    /// Height of the strip \[pt\].
    pub fn height(&self) -> f64 {
        if self.rows == 0 {
            0.0
        } else {
            MARK_ROW * self.rows as f64 + 2.0
        }
    }

    /// Draws the marks above `bottom`, and their lines down to `floor`.
    pub fn draw(&self, canvas: &mut Canvas<'_>, bottom: f64, floor: f64) {
        for (marker, x, label, place) in &self.marks {
            let colour = colour::marker(marker.kind);
            let Some(place) = place else {
                // No room for words: the mark alone, where no label can be.
                canvas.line(&[(*x, bottom - 2.5), (*x, bottom)], colour, 0.6);
                continue;
            };
            let y = bottom - 2.0 - MARK_ROW * (place.row as f64 + 0.5);
            match marker.kind {
                MarkerKind::Fault => {
                    canvas.line(&[(*x, y), (*x, bottom)], colour, 0.5);
                    canvas.dashes(*x, bottom, floor, colour, 0.5);
                }
                MarkerKind::Action => {
                    canvas.line(&[(*x, y), (*x, bottom)], colour, 0.4);
                    canvas.dashes(*x, bottom, floor, colour, 0.3);
                }
                MarkerKind::Outcome | MarkerKind::Alarm | MarkerKind::Refill => {
                    canvas.line(&[(*x, y), (*x, bottom)], colour, 0.4)
                }
            }
            glyph(canvas, marker.kind, (*x, y));
            canvas.text(label, (place.left, y), SMALL, Weight::Regular, INK, Anchor::Left);
        }
    }
}

/// Markers with their labels; a label that repeats often is written at its first mark, with a count.
pub(super) fn labelled<'m>(markers: impl Iterator<Item = &'m Marker>) -> Vec<(Marker, String)> {
    let mut all: Vec<&Marker> = markers.collect();
    all.sort_by(|a, b| a.time_h.total_cmp(&b.time_h));
    let same = |a: &Marker, b: &Marker| a.kind == b.kind && a.label == b.label;
    (0..all.len())
        .map(|i| {
            let count = all.iter().filter(|m| same(m, all[i])).count();
            let first = all.iter().position(|m| same(m, all[i])) == Some(i);
            let label = match (count > REPEATS, first) {
                (false, _) => all[i].label.clone(),
                (true, true) => format!("{} (×{count})", all[i].label),
                (true, false) => String::new(),
            };
            (all[i].clone(), label)
        })
        .collect()
}

/// Draws the sign of a kind, centred.
pub(super) fn glyph(canvas: &mut Canvas<'_>, kind: MarkerKind, (x, y): (f64, f64)) {
    let colour = colour::marker(kind);
    let r = 2.3;
    match kind {
        MarkerKind::Fault => canvas.fill(&[(x - r, y - r), (x + r, y - r), (x, y + r)], colour),
        MarkerKind::Outcome => canvas.fill(
            &[(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)],
            colour,
        ),
        MarkerKind::Alarm => canvas.fill(&[(x, y - r), (x + r, y), (x, y + r), (x - r, y)], colour),
        MarkerKind::Action => {
            let outline = [
                (x - r, y - r),
                (x + r, y - r),
                (x, y + r),
                (x - r, y - r),
                (x + r, y - r),
            ];
            canvas.line(&outline, colour, 0.7);
        }
        MarkerKind::Refill => {
            let outline = [(x, y - r), (x + r, y + r), (x - r, y + r), (x, y - r), (x + r, y + r)];
            canvas.line(&outline, colour, 0.7);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_never_cover_labels_or_stems() {
        let tags: Vec<Tag> = [50.0, 55.0, 52.0, 180.0, 178.0, 120.0, 50.0]
            .into_iter()
            .map(|x| Tag { x, width: 40.0 })
            .collect();
        let places = place(&tags, &[], 20.0, 200.0, 4);
        assert!(places.iter().flatten().count() >= 6, "{places:?}");
        let found: Vec<(f64, usize, f64, f64)> = tags
            .iter()
            .zip(&places)
            .filter_map(|(t, p)| p.map(|p| (t.x, p.row, p.left, p.left + t.width)))
            .collect();
        for (i, a) in found.iter().enumerate() {
            assert!(a.2 >= 20.0 && a.3 <= 200.0);
            for (j, b) in found.iter().enumerate().filter(|(j, _)| *j != i) {
                if a.1 == b.1 {
                    assert!(a.3 <= b.2 || b.3 <= a.2, "{i} and {j} overlap");
                }
                if a.1 > b.1 {
                    assert!(a.0 <= b.2 || a.0 >= b.3, "the stem of {i} crosses the label of {j}");
                }
            }
        }
    }

    #[test]
    fn a_label_that_repeats_often_is_written_once_with_its_count() {
        let marker = |time_h| Marker {
            time_h,
            end_h: None,
            label: "dose +10 %".to_owned(),
            kind: MarkerKind::Action,
        };
        let many: Vec<Marker> = (0..6).map(|i| marker(f64::from(i))).collect();
        let labels: Vec<String> = labelled(many.iter()).into_iter().map(|(_, l)| l).collect();
        assert_eq!(labels, ["dose +10 % (×6)", "", "", "", "", ""]);
        assert_eq!(
            labelled(many.iter().take(3))
                .iter()
                .filter(|(_, l)| !l.is_empty())
                .count(),
            3
        );
    }
}
