//! What was wrong when: a bar an episode, under lanes of faults and actions.

use super::axis::TimeAxis;
use super::canvas::{Anchor, Canvas, Frame, SMALL, WIDTH, Weight, draw, fit, text_width};
use super::colour::{self, AXIS, GRID, INK, NOTE, Rgb};
use super::page::{BORDER, LEADING, Page, Place, Tag, Taken, glyph, labelled, place};
use super::{Figure, PlotOptions, shown};
use crate::report::text::{span, words};
use crate::report::{Marker, MarkerKind, ReportError, RunData, SymptomRow};

/// Height of a row of bars \[pt\].
const ROW: f64 = 10.4;
/// Height of a bar \[pt\].
const BAR: f64 = 8.2;
/// Height of a row of a lane \[pt\].
const LANE_ROW: f64 = 9.4;
/// A lane has so many rows at most.
const LANE_ROWS: usize = 6;
/// The shortest bar that can be seen \[pt\].
const SHORTEST: f64 = 1.0;
/// Words at the left take no more than this \[pt\].
const WORDS: f64 = 92.0;

/// One kind of marks, laid out.
struct Lane {
    kind: MarkerKind,
    marks: Vec<(Marker, String, Option<Place>)>,
    rows: usize,
}

/// Episodes of each symptom, ordered by first onset and coloured by syndrome.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn symptoms(run: &RunData, options: &PlotOptions) -> Result<Figure, ReportError> {
    Figure::finish("symptoms", draw_symptoms(run, options), options)
}

fn draw_symptoms(run: &RunData, options: &PlotOptions) -> Result<String, String> {
    let window = shown(run, options);
    let page = Page::of(run);
    let names: Vec<&SymptomRow> = run
        .first_symptoms()
        .into_iter()
        .filter(|s| {
            run.symptoms
                .iter()
                .any(|e| e.symptom == s.symptom && overlaps(e, window))
        })
        .collect();
    let room = names
        .iter()
        .map(|s| text_width(&words(&s.words, &s.symptom), SMALL, Weight::Regular))
        .fold(text_width("Outcome", SMALL, Weight::Regular), f64::max)
        .min(WORDS);
    let axis = TimeAxis {
        start: window.0,
        end: window.1,
        left: BORDER + room + 4.0,
        right: WIDTH - BORDER - 6.0,
    };
    let syndromes = syndromes(&names);
    let lanes = lanes(run, &axis);
    let legend = if syndromes.is_empty() { 0.0 } else { LEADING };
    let lanes_height: f64 = lanes.iter().map(|l| l.rows as f64 * LANE_ROW + 2.0).sum();
    let top = page.head() + legend + lanes_height + 2.0;
    let bars = Frame {
        left: axis.left,
        top,
        right: axis.right,
        bottom: top + 3.0 + ROW * names.len().max(2) as f64,
    };
    let height = bars.bottom + TimeAxis::HEIGHT + page.foot();
    let description = format!("{}: symptoms over time", run.meta.title);

    draw(&description, height, |canvas| {
        page.draw(canvas);
        let mut x = BORDER;
        for (name, colour) in &syndromes {
            let y = page.head() + 0.5 * LEADING - 1.0;
            canvas.rect(
                Frame {
                    left: x,
                    top: y - 2.6,
                    right: x + 8.0,
                    bottom: y + 2.6,
                },
                *colour,
                1.0,
            );
            canvas.text(name, (x + 11.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
            x += 20.0 + text_width(name, SMALL, Weight::Regular);
        }
        if run.first_fault_h().is_some() && !names.is_empty() {
            let text = "+ time from fault to onset";
            let width = text_width(text, SMALL, Weight::Regular);
            if x + width <= WIDTH - BORDER {
                let at = (WIDTH - BORDER, page.head() + 0.5 * LEADING - 1.0);
                canvas.text(text, at, SMALL, Weight::Regular, NOTE, Anchor::Right);
            }
        }
        for (time, _) in axis.ticks() {
            let x = axis.x(time);
            canvas.rule(x, bars.top, bars.bottom, GRID, 0.4);
        }
        let mut y = page.head() + legend;
        for lane in &lanes {
            let height = lane.rows as f64 * LANE_ROW;
            lane.draw(canvas, &axis, y, bars.bottom);
            y += height + 2.0;
        }
        if names.is_empty() {
            let middle = (0.5 * (bars.left + bars.right), 0.5 * (bars.top + bars.bottom));
            canvas.text(
                "no symptom in this time",
                middle,
                SMALL,
                Weight::Regular,
                NOTE,
                Anchor::Middle,
            );
        }
        for (i, name) in names.iter().enumerate() {
            let y = bars.top + 3.0 + ROW * (i as f64 + 0.5);
            let label = fit(&words(&name.words, &name.symptom), room, SMALL, Weight::Regular);
            canvas.text(&label, (axis.left - 4.0, y), SMALL, Weight::Regular, INK, Anchor::Right);
            let colour = syndromes.iter().find(|s| s.0 == name.syndrome).map_or(NOTE, |s| s.1);
            draw_episodes(canvas, run, name, &axis, y, colour);
        }
        axis.draw(canvas, bars.bottom);
    })
}

/// Whether an episode reaches into a window.
fn overlaps(s: &SymptomRow, (start, end): (f64, f64)) -> bool {
    s.onset_h <= end && s.resolved_h.is_none_or(|t| t >= start)
}

/// Syndromes in order of appearance, with their colours.
fn syndromes(names: &[&SymptomRow]) -> Vec<(String, Rgb)> {
    let mut found: Vec<(String, Rgb)> = Vec::new();
    for s in names {
        if !found.iter().any(|f| f.0 == s.syndrome) {
            let colour = colour::syndrome(&s.syndrome, found.len());
            found.push((s.syndrome.clone(), colour));
        }
    }
    found
}

/// The bars of one symptom, and how long after the fault it began.
fn draw_episodes(canvas: &mut Canvas<'_>, run: &RunData, name: &SymptomRow, axis: &TimeAxis, y: f64, colour: Rgb) {
    let window = (axis.start, axis.end);
    let mut bars: Vec<(f64, f64)> = Vec::new();
    for s in run
        .symptoms
        .iter()
        .filter(|s| s.symptom == name.symptom && overlaps(s, window))
    {
        let left = axis.x_clipped(s.onset_h);
        let right = axis
            .x_clipped(s.resolved_h.unwrap_or(axis.end))
            .max(left + SHORTEST)
            .min(axis.right);
        let left = left.min(right - SHORTEST);
        let bar = Frame {
            left,
            top: y - 0.5 * BAR,
            right,
            bottom: y + 0.5 * BAR,
        };
        canvas.rect(bar, colour, 1.0);
        if s.resolved_h.is_none_or(|t| t > axis.end) {
            // A point at the edge: it went on.
            canvas.fill(&[(right, bar.top), (right + 3.0, y), (right, bar.bottom)], colour);
        }
        bars.push((left, right));
    }
    let Some(fault) = run
        .first_fault_h()
        .filter(|&f| name.onset_h >= f && axis.shows(name.onset_h))
    else {
        return;
    };
    let text = format!("+{}", span(name.onset_h - fault));
    let width = text_width(&text, SMALL, Weight::Medium);
    bars.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(first_left, first_right)) = bars.first() else {
        return;
    };
    let next = bars
        .iter()
        .map(|b| b.0)
        .find(|&x| x > first_right)
        .unwrap_or(axis.right + 4.0);
    let fault_x = axis.x(fault);
    let before = first_left - 2.5 - width;
    if first_right - first_left >= width + 4.0 {
        let white = Rgb(255, 255, 255);
        canvas.text(&text, (first_left + 2.0, y), SMALL, Weight::Medium, white, Anchor::Left);
    } else if before > axis.left && !(before - 1.5..=before + width + 1.5).contains(&fault_x) {
        canvas.text(&text, (before, y), SMALL, Weight::Regular, NOTE, Anchor::Left);
    } else if first_right + 3.0 + width < next {
        canvas.text(
            &text,
            (first_right + 3.0, y),
            SMALL,
            Weight::Regular,
            NOTE,
            Anchor::Left,
        );
    }
}

/// Lanes of the kinds that occur, faults first.
fn lanes(run: &RunData, axis: &TimeAxis) -> Vec<Lane> {
    let kinds = [
        MarkerKind::Fault,
        MarkerKind::Action,
        MarkerKind::Refill,
        MarkerKind::Alarm,
        MarkerKind::Outcome,
    ];
    kinds
        .into_iter()
        .filter_map(|kind| {
            let reaches = |m: &&Marker| {
                m.kind == kind
                    && m.time_h.is_finite()
                    && m.time_h <= axis.end
                    && m.end_h.unwrap_or(m.time_h) >= axis.start
            };
            let marks: Vec<(Marker, String)> = labelled(run.markers.iter().filter(reaches));
            let widest = 0.62 * (axis.right - axis.left);
            let fitted: Vec<String> = marks
                .iter()
                .map(|(_, l)| fit(l, widest, SMALL, Weight::Regular))
                .collect();
            let shown: Vec<usize> = (0..marks.len()).filter(|&i| !fitted[i].is_empty()).collect();
            let tags: Vec<Tag> = shown
                .iter()
                .map(|&i| Tag {
                    x: axis.x_clipped(marks[i].0.time_h),
                    width: text_width(&fitted[i], SMALL, Weight::Regular),
                })
                .collect();
            let others: Vec<Taken> = (0..marks.len())
                .filter(|&i| fitted[i].is_empty())
                .map(|i| Taken::mark(axis.x_clipped(marks[i].0.time_h)))
                .collect();
            let mut clear = others.clone();
            if kind != MarkerKind::Fault {
                let faults = run
                    .markers
                    .iter()
                    .filter(|m| m.kind == MarkerKind::Fault && axis.shows(m.time_h));
                clear.extend(faults.map(|m| Taken::stem(axis.x(m.time_h))));
            }
            // Best clear of the lines of the faults; across them rather than without words.
            let try_with = |fixed: &[Taken]| place(&tags, fixed, axis.left - 3.0, WIDTH - BORDER, LANE_ROWS);
            let mut found = try_with(&clear);
            if found.contains(&None) {
                let across = try_with(&others);
                if across.iter().flatten().count() > found.iter().flatten().count() {
                    found = across;
                }
            }
            let mut places = vec![None; marks.len()];
            for (&i, found) in shown.iter().zip(found) {
                places[i] = found;
            }
            let rows = places.iter().flatten().map(|p: &Place| p.row + 1).max().unwrap_or(1);
            let marks: Vec<_> = marks
                .into_iter()
                .zip(fitted)
                .zip(places)
                .map(|(((m, _), l), p)| (m, l, p))
                .collect();
            (!marks.is_empty()).then_some(Lane { kind, marks, rows })
        })
        .collect()
}

impl Lane {
    fn draw(&self, canvas: &mut Canvas<'_>, axis: &TimeAxis, top: f64, floor: f64) {
        let bottom = top + self.rows as f64 * LANE_ROW;
        let name = match self.kind {
            MarkerKind::Fault => "Fault",
            MarkerKind::Action => "Action",
            MarkerKind::Refill => "Refill",
            MarkerKind::Alarm => "Alarm",
            MarkerKind::Outcome => "Outcome",
        };
        canvas.text(
            name,
            (axis.left - 4.0, bottom - 0.5 * LANE_ROW),
            SMALL,
            Weight::Medium,
            INK,
            Anchor::Right,
        );
        canvas.line(&[(axis.left, bottom + 1.0), (axis.right, bottom + 1.0)], GRID, 0.4);
        for (marker, label, place) in &self.marks {
            let x = axis.x_clipped(marker.time_h);
            let y = bottom - LANE_ROW * (place.map_or(0, |p| p.row) as f64 + 0.5);
            if let Some(end) = marker.end_h {
                let right = axis.x_clipped(end);
                if right > x {
                    // The span lies along the foot of its row, so that the label stays readable.
                    let strip = Frame {
                        left: x,
                        top: y + 3.6,
                        right,
                        bottom: y + 4.6,
                    };
                    canvas.rect(strip, colour::marker(self.kind), 1.0);
                }
            }
            if self.kind == MarkerKind::Fault && axis.shows(marker.time_h) {
                canvas.dashes(x, y, floor, AXIS, 0.5);
            }
            if let Some(place) = place {
                let words = Frame {
                    left: place.left - 0.8,
                    top: y - 0.42 * LANE_ROW,
                    right: place.left + text_width(label, SMALL, Weight::Regular) + 0.8,
                    bottom: y + 0.36 * LANE_ROW,
                };
                canvas.rect(words, Rgb(255, 255, 255), 1.0);
                canvas.text(label, (place.left, y), SMALL, Weight::Regular, INK, Anchor::Left);
                glyph(canvas, self.kind, (x, y));
            } else if label.is_empty() {
                // One of many with the same words: the mark stands for itself.
                glyph(canvas, self.kind, (x, y));
            } else {
                canvas.line(&[(x, bottom - 0.6), (x, bottom + 1.4)], colour::marker(self.kind), 0.8);
            }
        }
    }
}
