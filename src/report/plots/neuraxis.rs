//! Drug along the spine over time, as a map of colours.

use std::fmt::Write as _;

use super::axis::{Scale, TimeAxis};
use super::canvas::{Anchor, Canvas, Frame, SMALL, WIDTH, Weight, draw, text_width, unit};
use super::colour::{AXIS, INK, Rgb, viridis};
use super::lines::window;
use super::page::{BORDER, MarkStrip, Page};
use super::{Figure, PlotOptions, shown, strip_markers};
use crate::report::{ReportError, RunData, Series, column};
use crate::signals::Level;

/// Height of one level \[pt\].
const ROW: f64 = 5.2;
/// Columns of the map; each is about half a point wide in print.
const COLUMNS: usize = 300;
/// Steps of colour: finer ones cannot be seen and make the file larger.
const SHADES: usize = 96;
/// Width of the colour bar \[pt\].
const BAR: f64 = 7.0;

/// Whether any level was recorded.
pub(super) fn has_data(run: &RunData) -> bool {
    Level::ALL.iter().any(|&l| run.series(&column::csf(l)).is_some())
}

/// Concentration by vertebral level and time, caudal at the bottom, cisternal on top.
///
/// A cell shows the mean of its stretch of time; the colour scale is logarithmic.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn neuraxis(run: &RunData, options: &PlotOptions) -> Result<Figure, ReportError> {
    Figure::finish("neuraxis", draw_map(run, options), options)
}

fn draw_map(run: &RunData, options: &PlotOptions) -> Result<String, String> {
    let window = shown(run, options);
    let page = Page::of(run);
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for level in Level::ALL {
        if let Some(series) = run.series(&column::csf(level)) {
            rows.push((level.to_string(), means(&series, window)));
        }
    }
    if let Some(series) = run.series(column::CISTERNAL) {
        rows.push(("cist.".to_owned(), means(&series, window)));
    }
    let scale = Scale::log(rows.iter().flat_map(|r| r.1.iter().copied()));
    let ticks = scale.ticks(ROW * rows.len() as f64);
    let tick_room = ticks
        .iter()
        .map(|(_, t)| text_width(t, SMALL, Weight::Regular))
        .fold(0.0, f64::max);
    let bar_left = WIDTH - BORDER - 9.0 - tick_room - 4.0 - BAR;
    let axis = TimeAxis {
        start: window.0,
        end: window.1,
        left: BORDER + 9.0 + text_width("cist.", SMALL, Weight::Regular) + 4.0,
        right: bar_left - 8.0,
    };
    let strip = MarkStrip::lay_out(&strip_markers(run), &axis, WIDTH - BORDER);
    let top = page.head() + strip.height().max(3.0);
    let map = Frame {
        left: axis.left,
        top,
        right: axis.right,
        bottom: top + ROW * rows.len().max(8) as f64,
    };
    let height = map.bottom + TimeAxis::HEIGHT + page.foot();
    let description = format!("{}: baclofen in spinal fluid by level and time", run.meta.title);

    draw(&description, height, |canvas| {
        page.draw(canvas);
        canvas.under(&cells(&rows, map, &scale));
        for (i, (name, _)) in rows.iter().enumerate() {
            // Every other level is named; the top one always.
            let y = map.bottom - ROW * (i as f64 + 0.5);
            let last = i + 1 == rows.len();
            if last || (i % 2 == 0 && i + 2 < rows.len()) {
                canvas.line(&[(map.left - 2.0, y), (map.left, y)], AXIS, 0.5);
                canvas.text(name, (map.left - 3.5, y), SMALL, Weight::Regular, INK, Anchor::Right);
            }
        }
        if rows.is_empty() {
            let middle = (0.5 * (map.left + map.right), 0.5 * (map.top + map.bottom));
            canvas.text("not recorded", middle, SMALL, Weight::Regular, INK, Anchor::Middle);
        }
        canvas.upward("Spinal level", (BORDER + 4.0, 0.5 * (map.top + map.bottom)), SMALL, INK);
        outline(canvas, map);
        colour_bar(
            canvas,
            Frame {
                left: bar_left,
                right: bar_left + BAR,
                ..map
            },
            &scale,
            &ticks,
        );
        strip.draw(canvas, top, top);
        for m in strip_markers(run).iter().filter(|m| axis.shows(m.time_h)) {
            if m.kind == crate::report::MarkerKind::Fault {
                let x = axis.x(m.time_h);
                // White on black is seen on every colour of the map.
                canvas.line(&[(x, map.top), (x, map.bottom)], Rgb(0, 0, 0), 0.9);
                canvas.line(&[(x, map.top), (x, map.bottom)], Rgb(255, 255, 255), 0.45);
            }
        }
        axis.draw(canvas, map.bottom);
    })
}

/// Time-weighted mean of a series in each column; `NaN` where there is nothing.
fn means(series: &Series, (start, end): (f64, f64)) -> Vec<f64> {
    let mut area = vec![0.0; COLUMNS];
    let mut time = vec![0.0; COLUMNS];
    let width = (end - start) / COLUMNS as f64;
    for pair in window(series, start, end, false).windows(2) {
        let [(t0, v0), (t1, v1)] = [pair[0], pair[1]];
        if t1 <= t0 || !(v0.is_finite() && v1.is_finite()) {
            continue;
        }
        let first = (((t0 - start) / width).floor() as usize).min(COLUMNS - 1);
        let last = (((t1 - start) / width).floor() as usize).min(COLUMNS - 1);
        for column in first..=last {
            let a = t0.max(start + width * column as f64);
            let b = t1.min(start + width * (column + 1) as f64);
            if b > a {
                let value = |t: f64| v0 + (v1 - v0) * ((t - t0) / (t1 - t0));
                area[column] += 0.5 * (value(a) + value(b)) * (b - a);
                time[column] += b - a;
            }
        }
    }
    area.iter()
        .zip(&time)
        .map(|(a, t)| if *t > 0.0 { a / t } else { f64::NAN })
        .collect()
}

/// The map as one path a colour, neighbours of one colour joined.
fn cells(rows: &[(String, Vec<f64>)], map: Frame, scale: &Scale) -> String {
    let mut paths = vec![String::new(); SHADES];
    let x_of = |column: usize| unit(map.left + map.width() * column as f64 / COLUMNS as f64);
    let shade_of = |v: f64| {
        let last = (SHADES - 1) as f64;
        v.is_finite()
            .then(|| (scale.fraction(v) * last).round().clamp(0.0, last) as usize)
    };
    for (i, (_, values)) in rows.iter().enumerate() {
        let (top, bottom) = (
            unit(map.bottom - ROW * (i as f64 + 1.0)),
            unit(map.bottom - ROW * i as f64),
        );
        let mut column = 0;
        while column < values.len() {
            let shade = shade_of(values[column]);
            let from = column;
            while column < values.len() && shade_of(values[column]) == shade {
                column += 1;
            }
            if let Some(shade) = shade {
                let (x, w, h) = (x_of(from), x_of(column) - x_of(from), bottom - top);
                // Writing to a String cannot fail.
                let _ = write!(paths[shade], "M{x} {top}h{w}v{h}h-{w}z");
            }
        }
    }
    let mut out = String::from("<g shape-rendering=\"crispEdges\">\n");
    for (shade, path) in paths.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
        let colour = viridis(shade as f64 / (SHADES - 1) as f64);
        let _ = writeln!(out, "<path fill=\"{}\" d=\"{path}\"/>", colour.hex());
    }
    out.push_str("</g>\n");
    out
}

fn colour_bar(canvas: &mut Canvas<'_>, bar: Frame, scale: &Scale, ticks: &[(f64, String)]) {
    let mut steps = String::from("<g shape-rendering=\"crispEdges\">\n");
    for i in 0..SHADES {
        let y = |k: usize| unit(bar.bottom - bar.height() * k as f64 / SHADES as f64);
        let _ = writeln!(
            steps,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
            unit(bar.left),
            y(i + 1),
            unit(bar.right) - unit(bar.left),
            y(i) - y(i + 1),
            viridis(i as f64 / (SHADES - 1) as f64).hex(),
        );
    }
    steps.push_str("</g>\n");
    canvas.under(&steps);
    outline(canvas, bar);
    for (v, text) in ticks {
        let y = bar.bottom - scale.fraction(*v) * bar.height();
        canvas.line(&[(bar.right, y), (bar.right + 2.0, y)], AXIS, 0.5);
        canvas.text(text, (bar.right + 3.5, y), SMALL, Weight::Regular, INK, Anchor::Left);
    }
    canvas.upward(
        "Baclofen (ng/mL)",
        (WIDTH - BORDER - 3.5, 0.5 * (bar.top + bar.bottom)),
        SMALL,
        INK,
    );
}

fn outline(canvas: &mut Canvas<'_>, f: Frame) {
    let corners = [
        (f.left, f.top),
        (f.right, f.top),
        (f.right, f.bottom),
        (f.left, f.bottom),
        (f.left, f.top),
    ];
    canvas.line(&corners, AXIS, 0.5);
}
