//! Heat maps: numbers in rows and columns of colour.

use super::canvas::{Anchor, Canvas, Frame, SMALL, WIDTH, Weight, draw, fit, text_width};
use super::colour::{GRID, INK, NOTE, Rgb, viridis};
use super::page::{BORDER, LEADING, Page};
use crate::report::pictures::GridPanel;

/// Height of a cell \[pt\].
const CELL: f64 = 15.0;
/// Room between panels \[pt\].
const GAP: f64 = 8.0;
/// Steps of the scale of colours.
const STEPS: usize = 40;
/// Place on the scale from which dark letters are read better than white ones.
const LIGHT: f64 = 0.62;
const WHITE: Rgb = Rgb(255, 255, 255);

/// Draws panels one below the other on one scale of colours.
pub(super) fn grid(page: &Page, title: &str, label: &str, panels: &[GridPanel]) -> Result<String, String> {
    let known = || panels.iter().flat_map(|p| p.values.iter().flatten().copied());
    let (low, high) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
    let place = |v: f64| if high > low { (v - low) / (high - low) } else { 0.5 };
    let names = panels.iter().flat_map(|p| p.rows.1.iter().chain([&p.rows.0]));
    let widest = names.map(|n| text_width(n, SMALL, Weight::Regular)).fold(0.0, f64::max);
    let left = BORDER + (widest + 6.0).min(0.4 * WIDTH);
    let right = WIDTH - BORDER;
    let head = |p: &GridPanel| {
        if p.title.is_empty() && p.rows.0.is_empty() {
            3.0
        } else {
            LEADING
        }
    };
    let tall = |p: &GridPanel| head(p) + CELL * p.rows.1.len() as f64 + 2.0 * LEADING + 2.0;
    let top = page.head() + LEADING + 4.0;
    let height = panels.iter().map(|p| tall(p) + GAP).sum::<f64>() + top - GAP + page.foot();
    draw(title, height, |canvas| {
        page.draw(canvas);
        let lacks = panels.iter().any(|p| p.values.iter().any(Option::is_none));
        let label = if lacks {
            format!("{label}; grey: no value")
        } else {
            label.to_owned()
        };
        scale(canvas, page.head() + 0.5 * LEADING, &label, (low, high));
        let mut y = top;
        for panel in panels {
            let width = (right - left) / panel.columns.1.len().max(1) as f64;
            let above = y + 0.5 * head(panel);
            let row_name = fit(&panel.rows.0, left - BORDER - 4.0, SMALL, Weight::Regular);
            canvas.text(
                &row_name,
                (left - 4.0, above),
                SMALL,
                Weight::Regular,
                NOTE,
                Anchor::Right,
            );
            let words = fit(&panel.title, right - left, SMALL, Weight::Medium);
            canvas.text(&words, (left, above), SMALL, Weight::Medium, INK, Anchor::Left);
            let start = y + head(panel);
            for (row, name) in panel.rows.1.iter().enumerate() {
                let middle = start + CELL * (row as f64 + 0.5);
                let name = fit(name, left - BORDER - 4.0, SMALL, Weight::Regular);
                canvas.text(&name, (left - 4.0, middle), SMALL, Weight::Regular, INK, Anchor::Right);
                for column in 0..panel.columns.1.len() {
                    let value = panel
                        .values
                        .get(row * panel.columns.1.len() + column)
                        .copied()
                        .flatten();
                    let frame = Frame {
                        left: left + width * column as f64 + 0.4,
                        top: middle - 0.5 * CELL + 0.4,
                        right: left + width * (column as f64 + 1.0) - 0.4,
                        bottom: middle + 0.5 * CELL - 0.4,
                    };
                    cell(canvas, frame, value.map(|v| (v, place(v))));
                }
            }
            let end = start + CELL * panel.rows.1.len() as f64;
            for (column, name) in panel.columns.1.iter().enumerate() {
                let name = fit(name, width - 2.0, SMALL, Weight::Regular);
                let at = (left + width * (column as f64 + 0.5), end + 0.5 * LEADING + 1.0);
                canvas.text(&name, at, SMALL, Weight::Regular, INK, Anchor::Middle);
            }
            let name = fit(&panel.columns.0, right - left, SMALL, Weight::Regular);
            let at = (0.5 * (left + right), end + 1.5 * LEADING + 1.0);
            canvas.text(&name, at, SMALL, Weight::Regular, NOTE, Anchor::Middle);
            y += tall(panel) + GAP;
        }
    })
}

/// One number on its colour; a pale cell without a number.
fn cell(canvas: &mut Canvas<'_>, frame: Frame, value: Option<(f64, f64)>) {
    let Some((value, place)) = value else {
        canvas.rect(frame, GRID, 0.5);
        return;
    };
    canvas.rect(frame, viridis(place), 1.0);
    let words = brief(value);
    if text_width(&words, SMALL, Weight::Regular) <= frame.width() - 2.0 {
        let at = (0.5 * (frame.left + frame.right), 0.5 * (frame.top + frame.bottom));
        let ink = if place > LIGHT { INK } else { WHITE };
        canvas.text(&words, at, SMALL, Weight::Regular, ink, Anchor::Middle);
    }
}

/// The quantity, and what its colours mean.
fn scale(canvas: &mut Canvas<'_>, y: f64, label: &str, (low, high): (f64, f64)) {
    let width = 70.0;
    let (first, last) = (brief(low), brief(high));
    let end = WIDTH - BORDER - text_width(&last, SMALL, Weight::Regular) - 4.0;
    let start = end - width;
    for i in 0..STEPS {
        let step = width / STEPS as f64;
        let frame = Frame {
            left: start + step * i as f64,
            top: y - 2.6,
            right: start + step * (i as f64 + 1.05),
            bottom: y + 2.6,
        };
        canvas.rect(frame, viridis(i as f64 / (STEPS - 1) as f64), 1.0);
    }
    canvas.text(&first, (start - 4.0, y), SMALL, Weight::Regular, INK, Anchor::Right);
    canvas.text(&last, (end + 4.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
    let room = start - 10.0 - text_width(&first, SMALL, Weight::Regular) - BORDER;
    let label = fit(label, room, SMALL, Weight::Regular);
    canvas.text(&label, (BORDER, y), SMALL, Weight::Regular, INK, Anchor::Left);
}

/// Three digits or so.
fn brief(v: f64) -> String {
    match v.abs() {
        0.0 => "0".to_owned(),
        s if s >= 99.95 => format!("{v:.0}"),
        s if s >= 9.995 => format!("{v:.1}"),
        s if s >= 0.09995 => format!("{v:.2}"),
        s if s >= 0.001 => format!("{v:.3}"),
        _ => format!("{v:.1e}"),
    }
}
