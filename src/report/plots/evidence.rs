//! Simulated against published: courses over points, values against values, fold errors.

use super::axis::{Scale, TimeAxis, draw_values, room_for};
use super::canvas::{Anchor, Canvas, Frame, SMALL, WIDTH, Weight, draw, fit, text_width};
use super::colour::{AXIS, BLUE, GRID, INK, NOTE, Rgb, VERMILLION};
use super::lines::{trace, window};
use super::page::{BORDER, LEADING, Page};
use super::{Figure, PlotOptions};
use crate::report::{ReportError, Series};

/// Radius of a published point \[pt\].
const DOT: f64 = 2.0;
/// Height of the plotting area \[pt\].
const HEIGHT: f64 = 110.0;
/// Room under a logarithmic horizontal axis \[pt\].
const FLOOR: f64 = 21.0;

/// Something to mark: position and whether a model parameter was fitted to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Short name.
    pub label: String,
    /// Published value.
    pub published: f64,
    /// Simulated value.
    pub simulated: f64,
    /// Whether it had a part in choosing the defaults.
    pub fitted: bool,
}

impl Mark {
    fn colour(&self) -> Rgb {
        if self.fitted { BLUE } else { VERMILLION }
    }
}

/// A time course: simulated line, published points with one standard deviation.
#[derive(Debug, Clone, PartialEq)]
pub struct Course<'a> {
    /// File name of the figure.
    pub name: &'a str,
    /// What is shown.
    pub title: &'a str,
    /// Label of the vertical axis.
    pub axis: &'a str,
    /// What stands at the foot: source.
    pub foot: &'a str,
    /// Simulated times \[h\] and values.
    pub line: &'a [(f64, f64)],
    /// Published times \[h\], values, standard deviations.
    pub points: &'a [[f64; 3]],
}

fn dot(canvas: &mut Canvas<'_>, (x, y): (f64, f64), colour: Rgb, filled: bool) {
    // A square on its corner reads as a point at this size and needs no arc.
    let outline = [(x - DOT, y), (x, y - DOT), (x + DOT, y), (x, y + DOT), (x - DOT, y)];
    if filled {
        canvas.fill(&outline, colour);
    }
    canvas.line(&outline, colour, 0.8);
}

/// Draws a time course.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn course(course: &Course<'_>, options: &PlotOptions) -> Result<Figure, ReportError> {
    let page = Page::titled(course.title, course.foot);
    let highest = course
        .points
        .iter()
        .map(|p| p[1] + p[2])
        .chain(course.line.iter().map(|p| p.1));
    let scale = Scale::from_zero(highest);
    let left = BORDER + 11.0 + room_for(&scale, HEIGHT);
    let end = course
        .line
        .last()
        .map_or(1.0, |p| p.0)
        .max(course.points.iter().map(|p| p[0]).fold(0.0, f64::max));
    let axis = TimeAxis {
        start: 0.0,
        end: if end > 0.0 { end } else { 1.0 },
        left,
        right: WIDTH - BORDER - 5.0,
    };
    let top = page.head() + LEADING;
    let frame = Frame {
        left,
        top,
        right: axis.right,
        bottom: top + HEIGHT,
    };
    let height = frame.bottom + TimeAxis::HEIGHT + page.foot();
    let series = Series {
        time_h: course.line.iter().map(|p| p.0).collect(),
        value: course.line.iter().map(|p| p.1).collect(),
    };
    let svg = draw(course.title, height, |canvas| {
        page.draw(canvas);
        key(
            canvas,
            (left, page.head() + 0.5 * LEADING),
            &[("simulated", BLUE), ("published ± SD", INK)],
        );
        axis.draw(canvas, frame.bottom);
        draw_values(canvas, frame, &scale, course.axis, BORDER + 4.0);
        let samples = window(&series, axis.start, axis.end, false);
        for piece in trace(&samples, &axis, frame, &scale) {
            canvas.pixels(&piece, BLUE, 1.2);
        }
        for p in course.points {
            let x = axis.x(p[0]);
            let y = |v: f64| frame.bottom - scale.fraction(v) * frame.height();
            if p[2] > 0.0 {
                canvas.line(&[(x, y(p[1] - p[2])), (x, y(p[1] + p[2]))], INK, 0.7);
                for v in [p[1] - p[2], p[1] + p[2]] {
                    canvas.line(&[(x - 1.6, y(v)), (x + 1.6, y(v))], INK, 0.7);
                }
            }
            dot(canvas, (x, y(p[1])), INK, true);
        }
    });
    Figure::finish(course.name, svg, options)
}

/// A legend in one row.
fn key(canvas: &mut Canvas<'_>, (mut x, y): (f64, f64), items: &[(&str, Rgb)]) {
    for (name, colour) in items {
        dot(canvas, (x + 3.0, y), *colour, true);
        canvas.text(name, (x + 8.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
        x += 16.0 + text_width(name, SMALL, Weight::Regular);
    }
}

/// Ticks of a logarithmic horizontal axis with light lines through the frame.
fn log_floor(canvas: &mut Canvas<'_>, frame: Frame, scale: &Scale, label: &str) {
    let mut free_from = f64::NEG_INFINITY;
    canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], AXIS, 0.5);
    for (v, text) in scale.ticks(frame.width()) {
        let x = frame.left + scale.fraction(v) * frame.width();
        canvas.line(&[(x, frame.top), (x, frame.bottom)], GRID, 0.4);
        canvas.line(&[(x, frame.bottom), (x, frame.bottom + 2.5)], AXIS, 0.5);
        let half = 0.5 * text_width(&text, SMALL, Weight::Regular);
        if x - half >= free_from {
            let at = (x, frame.bottom + 7.3);
            canvas.text(&text, at, SMALL, Weight::Regular, INK, Anchor::Middle);
            free_from = x + half + 3.0;
        }
    }
    let at = (0.5 * (frame.left + frame.right), frame.bottom + 16.1);
    canvas.text(label, at, SMALL, Weight::Regular, INK, Anchor::Middle);
}

/// Simulated against published values of many units on two logarithmic axes, with the line
/// of equality and those of a factor of two.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn scatter(
    name: &str,
    title: &str,
    foot: &str,
    marks: &[Mark],
    options: &PlotOptions,
) -> Result<Figure, ReportError> {
    let page = Page::titled(title, foot);
    let all = || marks.iter().flat_map(|m| [m.published, m.simulated]);
    let scale = wide(all());
    let left = BORDER + 11.0 + room_for(&scale, HEIGHT);
    let top = page.head() + LEADING;
    let side = (WIDTH - BORDER - 5.0 - left).min(170.0);
    let frame = Frame {
        left,
        top,
        right: left + side,
        bottom: top + side,
    };
    let svg = draw(title, frame.bottom + FLOOR + page.foot(), |canvas| {
        page.draw(canvas);
        let at = (left, page.head() + 0.5 * LEADING);
        key(
            canvas,
            at,
            &[("informed the defaults", BLUE), ("kept apart", VERMILLION)],
        );
        log_floor(canvas, frame, &scale, "published");
        draw_values(canvas, frame, &scale, "simulated", BORDER + 4.0);
        let x = |v: f64| frame.left + scale.fraction(v) * frame.width();
        let y = |v: f64| frame.bottom - scale.fraction(v) * frame.height();
        if let Scale::Log { low, high } = scale {
            for (factor, stroke) in [(1.0, 0.8), (2.0, 0.4), (0.5, 0.4)] {
                // Where the line with this factor enters and leaves the square.
                let (a, b) = (low.max(low / factor), high.min(high / factor));
                canvas.line(&[(x(a), y(a * factor)), (x(b), y(b * factor))], NOTE, stroke);
            }
        }
        for m in marks {
            dot(canvas, (x(m.published), y(m.simulated)), m.colour(), true);
        }
    });
    Figure::finish(name, svg, options)
}

/// A logarithmic scale without the limit of depth that time courses have.
fn wide(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) = values
        .filter(|v| v.is_finite() && *v > 0.0)
        .fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), v| (a.min(v), b.max(v)));
    if high <= 0.0 {
        return Scale::Log { low: 0.1, high: 10.0 };
    }
    let decade = |v: f64| libm::pow(10.0, v);
    Scale::Log {
        low: decade(libm::floor(libm::log10(low))),
        high: decade(libm::ceil(libm::log10(high * 1.000_001))),
    }
}

/// Ratios of simulated to published, one a row, about the line of equality; `summary` holds
/// the geometric mean fold error in words.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn folds(
    name: &str,
    title: &str,
    summary: &str,
    marks: &[Mark],
    options: &PlotOptions,
) -> Result<Figure, ReportError> {
    let page = Page::titled(title, summary);
    let ratio = |m: &Mark| m.simulated / m.published;
    let span = marks
        .iter()
        .map(|m| ratio(m).max(1.0 / ratio(m)))
        .filter(|v| v.is_finite())
        .fold(2.0, f64::max);
    let most = if span <= 2.0 {
        2.0
    } else if span <= 5.0 {
        5.0
    } else {
        libm::pow(10.0, libm::ceil(libm::log10(span)))
    };
    let scale = Scale::Log {
        low: 1.0 / most,
        high: most,
    };
    let names = marks.iter().map(|m| text_width(&m.label, SMALL, Weight::Regular));
    let room = names.fold(0.0, f64::max).min(0.45 * WIDTH);
    let left = BORDER + room + 5.0;
    let top = page.head() + LEADING;
    let frame = Frame {
        left,
        top,
        right: WIDTH - BORDER - 8.0,
        bottom: top + LEADING * marks.len() as f64 + 3.0,
    };
    let svg = draw(title, frame.bottom + FLOOR + page.foot(), |canvas| {
        page.draw(canvas);
        let at = (left, page.head() + 0.5 * LEADING);
        key(canvas, at, &[("informed", BLUE), ("kept apart", VERMILLION)]);
        log_floor(canvas, frame, &scale, "simulated / published");
        let x = |v: f64| frame.left + scale.fraction(v) * frame.width();
        canvas.line(&[(x(1.0), frame.top), (x(1.0), frame.bottom)], INK, 0.8);
        for (i, m) in marks.iter().enumerate() {
            let y = frame.top + LEADING * (i as f64 + 0.5) + 1.5;
            let label = fit(&m.label, room, SMALL, Weight::Regular);
            canvas.text(&label, (left - 4.0, y), SMALL, Weight::Regular, INK, Anchor::Right);
            canvas.line(&[(x(1.0), y), (x(ratio(m)), y)], m.colour(), 1.0);
            dot(canvas, (x(ratio(m)), y), m.colour(), true);
        }
    });
    Figure::finish(name, svg, options)
}
