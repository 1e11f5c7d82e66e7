//! Figures of many runs.

use super::axis::{Scale, TimeAxis, draw_values, room_for};
use super::canvas::{Anchor, Canvas, Frame, SMALL, WIDTH, Weight, draw, fit, text_width, unit};
use super::colour::{self, AXIS, GRID, HALO, INK, NOTE, Rgb};
use super::grid::grid;
use super::page::{BORDER, LEADING, Page};
use super::{Figure, PlotOptions};
use crate::report::ReportError;
use crate::report::pictures::{BandPanel, Curve, Drawing, IntervalPanel, LevelPanel, Picture, SharePanel, Step};

/// Room between panels \[pt\].
const GAP: f64 = 9.0;
/// Height of a panel of bands \[pt\].
const BAND_HEIGHT: f64 = 50.0;
/// Height of a panel of shares \[pt\].
const SHARE_HEIGHT: f64 = 62.0;
/// Height of the incidence \[pt\].
const INCIDENCE_HEIGHT: f64 = 130.0;
/// Height of one row of intervals \[pt\].
const ROW: f64 = 11.0;
/// Room for an axis of numbers with its label \[pt\].
const NUMBERS: f64 = 21.0;
/// Strokes \[pt\].
const STROKE: f64 = 0.9;
const THIN: f64 = 0.35;

/// Draws figures of a batch.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn batch_figures(pictures: &[Picture], options: &PlotOptions) -> Result<Vec<Figure>, ReportError> {
    pictures
        .iter()
        .map(|picture| {
            let page = Page::plain(&picture.title, &picture.subtitle, &picture.footer);
            let svg = match &picture.drawing {
                Drawing::Bands { panels, end_h } => bands(&page, &picture.title, panels, *end_h),
                Drawing::Levels { panels, end_h } => levels(&page, &picture.title, panels, *end_h),
                Drawing::Incidence { curves, end_h, at_risk } => {
                    incidence(&page, &picture.title, curves, *end_h, at_risk)
                }
                Drawing::Shares { panels, legend } => shares(&page, &picture.title, panels, legend),
                Drawing::Grid { label, panels } => grid(&page, &picture.title, label, panels),
                Drawing::Intervals { panels } => intervals(&page, &picture.title, panels),
            };
            Figure::finish(&picture.name, svg, options)
        })
        .collect()
}

/// Frames one below the other, and where the last one ends.
fn frames(heights: &[f64], top: f64, gap: f64, left: f64, right: f64) -> (Vec<Frame>, f64) {
    let mut y = top;
    let mut out = Vec::new();
    for height in heights {
        out.push(Frame {
            left,
            top: y,
            right,
            bottom: y + height,
        });
        y += height + gap;
    }
    (out, y - gap)
}

fn y_of(frame: Frame, scale: &Scale, v: f64) -> f64 {
    frame.bottom - scale.fraction(v) * frame.height()
}

fn bands(page: &Page, title: &str, panels: &[BandPanel], end_h: f64) -> Result<String, String> {
    let scales: Vec<Scale> = panels
        .iter()
        .map(|p| {
            let values = || {
                let courses = p.courses.iter().flatten().map(|c| c.1);
                p.quantiles.iter().flatten().copied().chain(courses)
            };
            let low = values().fold(f64::INFINITY, f64::min);
            if low >= 0.0 {
                Scale::from_zero(values())
            } else {
                Scale::around(values(), 0.0)
            }
        })
        .collect();
    let left = BORDER + 11.0 + scales.iter().map(|s| room_for(s, BAND_HEIGHT)).fold(0.0, f64::max);
    let right = WIDTH - BORDER - 5.0;
    let axis = TimeAxis {
        start: 0.0,
        end: end_h,
        left,
        right,
    };
    let heights = vec![BAND_HEIGHT; panels.len()];
    let top = page.head() + LEADING;
    let (frames, floor) = frames(&heights, top, GAP, left, right);
    let height = floor + TimeAxis::HEIGHT + page.foot();
    draw(title, height, |canvas| {
        page.draw(canvas);
        key(canvas, page.head() + 0.5 * LEADING - 1.0, left);
        axis.draw(canvas, floor);
        for ((panel, frame), scale) in panels.iter().zip(&frames).zip(&scales) {
            draw_values(canvas, *frame, scale, &panel.label, BORDER + 4.0);
            let place = |t: f64, v: f64| (unit(axis.x(t)), unit(y_of(*frame, scale, v)));
            let edge = |k: usize| -> Vec<(i32, i32)> {
                let points = panel.time_h.iter().zip(&panel.quantiles);
                points.map(|(t, q)| place(*t, q[k])).collect()
            };
            for (low, high, alpha) in [(0, 4, 0.18), (1, 3, 0.3)] {
                let outline: Vec<(i32, i32)> = edge(low).into_iter().chain(edge(high).into_iter().rev()).collect();
                canvas.fill_pixels(&outline, colour::BLUE, alpha);
            }
            for course in &panel.courses {
                let points: Vec<(i32, i32)> = course.iter().map(|(t, v)| place(*t, *v)).collect();
                canvas.pixels(&super::lines::thin(&points), HALO, THIN);
            }
            canvas.pixels(&super::lines::thin(&edge(2)), colour::BLUE, STROKE);
        }
    })
}

/// Quantiles between patients in one colour, what is uncertain about each in another.
fn levels(page: &Page, title: &str, panels: &[LevelPanel], end_h: f64) -> Result<String, String> {
    let scales: Vec<Scale> = panels
        .iter()
        .map(|p| {
            let values = || p.edges.iter().flatten().flatten().copied();
            if values().fold(f64::INFINITY, f64::min) >= 0.0 {
                Scale::from_zero(values())
            } else {
                Scale::around(values(), 0.0)
            }
        })
        .collect();
    let left = BORDER + 11.0 + scales.iter().map(|s| room_for(s, BAND_HEIGHT)).fold(0.0, f64::max);
    let axis = TimeAxis {
        start: 0.0,
        end: end_h,
        left,
        right: WIDTH - BORDER - 5.0,
    };
    let heights = vec![BAND_HEIGHT; panels.len()];
    let (frames, floor) = frames(&heights, page.head() + LEADING, GAP, left, axis.right);
    let height = floor + TimeAxis::HEIGHT + page.foot();
    draw(title, height, |canvas| {
        page.draw(canvas);
        level_key(canvas, page.head() + 0.5 * LEADING - 1.0, left);
        axis.draw(canvas, floor);
        for ((panel, frame), scale) in panels.iter().zip(&frames).zip(&scales) {
            draw_values(canvas, *frame, scale, &panel.label, BORDER + 4.0);
            let edge = |patients: usize, draws: usize| -> Vec<(i32, i32)> {
                let points = panel.time_h.iter().zip(&panel.edges);
                points
                    .map(|(t, e)| (unit(axis.x(*t)), unit(y_of(*frame, scale, e[patients][draws]))))
                    .collect()
            };
            let between = |a: Vec<(i32, i32)>, b: Vec<(i32, i32)>| a.into_iter().chain(b.into_iter().rev());
            let outline: Vec<(i32, i32)> = between(edge(0, 1), edge(2, 1)).collect();
            canvas.fill_pixels(&outline, colour::BLUE, 0.13);
            for patients in [0, 1, 2] {
                let outline: Vec<(i32, i32)> = between(edge(patients, 0), edge(patients, 2)).collect();
                canvas.fill_pixels(&outline, colour::ORANGE, 0.45);
            }
            for (patients, stroke) in [(0, 2.0 * THIN), (2, 2.0 * THIN), (1, STROKE)] {
                canvas.pixels(&super::lines::thin(&edge(patients, 1)), colour::BLUE, stroke);
            }
        }
    })
}

/// What the shades of two levels mean.
fn level_key(canvas: &mut Canvas<'_>, y: f64, left: f64) {
    let mut x = left;
    let shades = [
        (colour::BLUE, 0.13, "patients 5–95 %"),
        (colour::ORANGE, 0.45, "uncertain 5–95 %"),
    ];
    for (colour, alpha, words) in shades {
        let frame = Frame {
            left: x,
            top: y - 2.5,
            right: x + 9.0,
            bottom: y + 2.5,
        };
        canvas.rect(frame, colour, alpha);
        canvas.text(words, (x + 12.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
        x += 20.0 + text_width(words, SMALL, Weight::Regular);
    }
    canvas.line(&[(x, y), (x + 9.0, y)], colour::BLUE, STROKE);
    canvas.text("median", (x + 12.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
}

/// What the shades mean.
fn key(canvas: &mut Canvas<'_>, y: f64, left: f64) {
    let mut x = left;
    for (alpha, words) in [(0.18, "5–95 %"), (0.48, "25–75 %")] {
        let frame = Frame {
            left: x,
            top: y - 2.5,
            right: x + 9.0,
            bottom: y + 2.5,
        };
        canvas.rect(frame, colour::BLUE, alpha);
        canvas.text(words, (x + 12.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
        x += 20.0 + text_width(words, SMALL, Weight::Regular);
    }
    for (colour, width, words) in [(colour::BLUE, STROKE, "median"), (HALO, 2.0 * THIN, "single runs")] {
        canvas.line(&[(x, y), (x + 9.0, y)], colour, width);
        canvas.text(words, (x + 12.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
        x += 20.0 + text_width(words, SMALL, Weight::Regular);
    }
}

/// Names with their colours in as many rows as they need; gives the height.
fn legend(canvas: Option<&mut Canvas<'_>>, names: &[String], top: f64, left: f64) -> f64 {
    let right = WIDTH - BORDER;
    let (mut x, mut row) = (left, 0);
    let mut places = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let width = 12.0 + text_width(name, SMALL, Weight::Regular);
        if x + width > right && x > left {
            (x, row) = (left, row + 1);
        }
        places.push((i, x, row));
        x += width + 8.0;
    }
    if let Some(canvas) = canvas {
        for (i, x, row) in places {
            let y = top + LEADING * (f64::from(row) + 0.5) - 1.0;
            canvas.line(&[(x, y), (x + 9.0, y)], colour::line_of(i, names.len()), 1.4);
            let name = fit(&names[i], right - x - 12.0, SMALL, Weight::Regular);
            canvas.text(&name, (x + 12.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
        }
    }
    if names.is_empty() {
        0.0
    } else {
        LEADING * f64::from(row + 1)
    }
}

fn incidence(page: &Page, title: &str, curves: &[Curve], end_h: f64, at_risk: &[(f64, u64)]) -> Result<String, String> {
    let names: Vec<String> = curves.iter().map(|c| c.name.clone()).collect();
    // Upper ends of wide intervals may be cut off; the curves may not.
    let most = curves
        .iter()
        .flat_map(|c| &c.steps)
        .map(|s| 100.0 * s.1)
        .fold(0.0, f64::max);
    let ends = curves.iter().filter_map(|c| c.steps.last()).map(|s| 100.0 * s.3);
    let scale = Scale::from_zero([ends.fold(most, f64::max).min(2.0 * most.max(1e-3))].into_iter());
    let left = BORDER + 11.0 + room_for(&scale, INCIDENCE_HEIGHT);
    let right = WIDTH - BORDER - 8.0;
    let axis = TimeAxis {
        start: 0.0,
        end: end_h,
        left,
        right,
    };
    let top = page.head() + legend(None, &names, 0.0, left) + 3.0;
    let frame = Frame {
        left,
        top,
        right,
        bottom: top + INCIDENCE_HEIGHT,
    };
    let table = frame.bottom + TimeAxis::HEIGHT + 3.0;
    let height = table + 2.0 * LEADING + page.foot();
    draw(title, height, |canvas| {
        page.draw(canvas);
        legend(Some(&mut *canvas), &names, page.head(), left);
        axis.draw(canvas, frame.bottom);
        draw_values(canvas, frame, &scale, "First cause (%)", BORDER + 4.0);
        let place = |t: f64, share: f64| (unit(axis.x(t)), unit(y_of(frame, &scale, 100.0 * share)));
        for (i, curve) in curves.iter().enumerate() {
            let colour = colour::line_of(i, curves.len());
            let path = |of: &dyn Fn(&Step) -> f64| {
                let mut points = vec![place(0.0, 0.0)];
                let mut before = 0.0;
                for step in &curve.steps {
                    points.push(place(step.0, before));
                    before = of(step);
                    points.push(place(step.0, before));
                }
                points.push(place(end_h, before));
                points
            };
            let outline: Vec<(i32, i32)> = path(&|s| s.2)
                .into_iter()
                .chain(path(&|s| s.3).into_iter().rev())
                .collect();
            canvas.fill_pixels(&outline, colour, 0.13);
            canvas.pixels(&path(&|s| s.1), colour, STROKE);
        }
        let y = table + 0.5 * LEADING;
        canvas.text("at risk", (BORDER, y), SMALL, Weight::Regular, NOTE, Anchor::Left);
        for (time, n) in at_risk {
            let at = (axis.x(*time), y + LEADING);
            canvas.text(&n.to_string(), at, SMALL, Weight::Regular, INK, Anchor::Middle);
        }
    })
}

/// An axis of numbers below a frame, with light lines through it.
fn numbers_axis(canvas: &mut Canvas<'_>, frame: Frame, scale: &Scale, label: &str) {
    let mut free_from = f64::NEG_INFINITY;
    for (v, text) in scale.ticks(0.6 * frame.width()) {
        let x = frame.left + scale.fraction(v) * frame.width();
        canvas.rule(x, frame.top, frame.bottom, GRID, 0.4);
        canvas.line(&[(x, frame.bottom), (x, frame.bottom + 2.5)], AXIS, 0.5);
        let half = 0.5 * text_width(&text, SMALL, Weight::Regular);
        if x - half >= free_from {
            let at = (x, frame.bottom + 7.3);
            canvas.text(&text, at, SMALL, Weight::Regular, INK, Anchor::Middle);
            free_from = x + half + 3.0;
        }
    }
    canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], AXIS, 0.5);
    let at = (0.5 * (frame.left + frame.right), frame.bottom + 15.5);
    let label = fit(label, WIDTH - 2.0 * BORDER, SMALL, Weight::Regular);
    canvas.text(&label, at, SMALL, Weight::Regular, INK, Anchor::Middle);
}

fn shares(page: &Page, title: &str, panels: &[SharePanel], names: &[String]) -> Result<String, String> {
    let share = Scale::Linear { low: 0.0, high: 100.0 };
    let left = BORDER + 11.0 + room_for(&share, SHARE_HEIGHT);
    let right = WIDTH - BORDER - 8.0;
    let shown: &[String] = if names.len() > 1 { names } else { &[] };
    let top = page.head() + legend(None, shown, 0.0, left) + 3.0;
    let heights = vec![SHARE_HEIGHT; panels.len()];
    let (frames, end) = frames(&heights, top, GAP + NUMBERS, left, right);
    let height = end + NUMBERS + page.foot();
    draw(title, height, |canvas| {
        page.draw(canvas);
        legend(Some(&mut *canvas), shown, page.head(), left);
        for (panel, frame) in panels.iter().zip(&frames) {
            let values = || panel.lines.iter().flatten().map(|p| p.0);
            let low = values().fold(f64::INFINITY, f64::min);
            let scale = if low >= 0.0 {
                Scale::from_zero(values())
            } else {
                Scale::around(values(), 0.0)
            };
            draw_values(canvas, *frame, &share, "Up to (%)", BORDER + 4.0);
            numbers_axis(canvas, *frame, &scale, &panel.label);
            for (i, line) in panel.lines.iter().enumerate() {
                let x = |v: f64| unit(frame.left + scale.fraction(v) * frame.width());
                let y = |s: f64| unit(y_of(*frame, &share, 100.0 * s));
                let mut points = Vec::new();
                let mut before = 0.0;
                for (v, s) in line {
                    points.push((x(*v), y(before)));
                    points.push((x(*v), y(*s)));
                    before = *s;
                }
                points.push((unit(frame.right), y(before)));
                canvas.pixels(&points, colour::line_of(i, panel.lines.len()), STROKE);
            }
        }
    })
}

/// How the label of a share ends.
const SHARE: &str = "(share)";

fn intervals(page: &Page, title: &str, panels: &[IntervalPanel]) -> Result<String, String> {
    let names = panels
        .iter()
        .flat_map(|p| &p.rows)
        .map(|r| text_width(&r.name, SMALL, Weight::Regular));
    let left = BORDER + 6.0 + names.fold(0.0, f64::max).min(0.45 * WIDTH);
    let right = WIDTH - BORDER - 8.0;
    let heights: Vec<f64> = panels.iter().map(|p| ROW * p.rows.len() as f64 + 3.0).collect();
    let (frames, end) = frames(&heights, page.head() + 3.0, GAP + NUMBERS, left, right);
    let height = end + NUMBERS + page.foot();
    draw(title, height, |canvas| {
        page.draw(canvas);
        for (panel, frame) in panels.iter().zip(&frames) {
            let values = panel.rows.iter().flat_map(|r| [r.low, r.value, r.high]);
            let values = || values.clone().chain([panel.zero]);
            let least = if values().all(|v| v >= 0.0) { 0.0 } else { f64::MIN };
            let most = if panel.label.ends_with(SHARE) && values().all(|v| v <= 1.0) {
                1.0
            } else {
                f64::MAX
            };
            let scale = Scale::around(values(), 0.0).within(least, most);
            numbers_axis(canvas, *frame, &scale, &panel.label);
            let x = |v: f64| frame.left + scale.fraction(v) * frame.width();
            let zero = x(panel.zero);
            canvas.dashes(zero, frame.top, frame.bottom, AXIS, 0.5);
            for (i, row) in panel.rows.iter().enumerate() {
                let y = frame.top + ROW * (i as f64 + 0.5);
                let name = fit(&row.name, left - BORDER - 4.0, SMALL, Weight::Regular);
                canvas.text(&name, (left - 4.0, y), SMALL, Weight::Regular, INK, Anchor::Right);
                dot(canvas, (x(row.low), x(row.value), x(row.high)), y, colour::BLUE);
            }
        }
    })
}

/// A point on its interval.
fn dot(canvas: &mut Canvas<'_>, (low, middle, high): (f64, f64, f64), y: f64, colour: Rgb) {
    canvas.line(&[(low, y), (high, y)], colour, STROKE);
    for end in [low, high] {
        canvas.line(&[(end, y - 1.6), (end, y + 1.6)], colour, 0.6);
    }
    let square = Frame {
        left: middle - 1.8,
        top: y - 1.8,
        right: middle + 1.8,
        bottom: y + 1.8,
    };
    canvas.rect(square, colour, 1.0);
}
