//! Line panels one above another over a common time axis.

use super::axis::{Scale, TimeAxis, draw_values, room_for};
use super::canvas::{Anchor, Canvas, Frame, SMALL, WIDTH, Weight, draw, fit, text_width, unit};
use super::colour::{INK, NOTE, Rgb};
use super::lines::{envelope, is_busy, trace, window};
use super::page::{BORDER, LEADING, MarkStrip, Page};
use crate::report::{Marker, MarkerKind, Series};

/// Room between panels \[pt\].
const GAP: f64 = 9.0;
/// Least distance of line labels \[pt\].
const LABEL_STEP: f64 = 7.6;

/// One line of a panel.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Label at its right end, or in the legend.
    pub name: String,
    pub colour: Rgb,
    /// Stroke \[pt\].
    pub width: f64,
    /// Holds each value to the next sample.
    pub stepped: bool,
    pub series: Series,
}

/// One panel.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    /// Quantity and unit.
    pub label: String,
    /// Height of the plotting area \[pt\].
    pub height: f64,
    pub scale: Scale,
    pub lines: Vec<Line>,
    /// Shade the area between the first two lines.
    pub shade: bool,
    /// A remark in the upper left corner.
    pub note: Option<String>,
}

/// A figure of panels.
#[derive(Debug)]
pub(super) struct Stack {
    pub page: Page,
    /// What a reader who cannot see it is told.
    pub description: String,
    pub markers: Vec<Marker>,
    pub panels: Vec<Panel>,
    /// Shown time \[h\].
    pub window: (f64, f64),
    /// One legend for all panels instead of labels at the lines.
    pub legend: Vec<(String, Rgb)>,
}

impl Stack {
    /// Draws the figure.
    ///
    /// # Errors
    /// What the drawing library says.
    pub fn draw(&self) -> Result<String, String> {
        let left = BORDER
            + 11.0
            + self
                .panels
                .iter()
                .map(|p| room_for(&p.scale, p.height))
                .fold(0.0, f64::max);
        let names = self
            .panels
            .iter()
            .flat_map(|p| &p.lines)
            .map(|l| text_width(&l.name, SMALL, Weight::Regular));
        let right = match names.fold(0.0, f64::max) {
            // Half of the last tick label still needs room.
            0.0 => WIDTH - BORDER - 5.0,
            widest => WIDTH - BORDER - 7.0 - widest.min(70.0),
        };
        let axis = TimeAxis {
            start: self.window.0,
            end: self.window.1,
            left,
            right,
        };
        let strip = MarkStrip::lay_out(&self.markers, &axis, WIDTH - BORDER);
        let legend = legend_rows(&self.legend, left, WIDTH - BORDER);
        let legend_height = LEADING * legend.last().map_or(0, |l| l.2 + 1) as f64;
        let top = self.page.head() + legend_height + strip.height() + if strip.height() > 0.0 { 0.0 } else { 3.0 };
        let mut frames = Vec::new();
        let mut y = top;
        for panel in &self.panels {
            frames.push(Frame {
                left,
                top: y,
                right,
                bottom: y + panel.height,
            });
            y += panel.height + GAP;
        }
        let floor = y - GAP;
        let height = floor + TimeAxis::HEIGHT + self.page.foot();

        draw(&self.description, height, |canvas| {
            self.page.draw(canvas);
            for &(item, x, row) in &legend {
                let (name, colour) = &self.legend[item];
                let y = self.page.head() + LEADING * (row as f64 + 0.5) - 1.0;
                canvas.line(&[(x, y), (x + 9.0, y)], *colour, 1.4);
                let room = WIDTH - BORDER - x - 12.0;
                canvas.text(
                    &fit(name, room, SMALL, Weight::Regular),
                    (x + 12.0, y),
                    SMALL,
                    Weight::Regular,
                    INK,
                    Anchor::Left,
                );
            }
            for m in self.markers.iter().filter(|m| m.kind == MarkerKind::Fault) {
                let end = m.end_h.unwrap_or(m.time_h);
                let (a, b) = (axis.x_clipped(m.time_h), axis.x_clipped(end));
                if b > a {
                    for f in &frames {
                        canvas.rect(
                            Frame {
                                left: a,
                                right: b,
                                ..*f
                            },
                            INK,
                            0.07,
                        );
                    }
                }
            }
            // Under the data: a line at zero must not vanish behind the axis.
            axis.draw(canvas, floor);
            for (panel, frame) in self.panels.iter().zip(&frames) {
                panel.draw(canvas, *frame, &axis, self.legend.is_empty());
            }
            strip.draw(canvas, top, floor);
        })
    }
}

/// Legend items (index, x, row) in as many rows as they need.
fn legend_rows(items: &[(String, Rgb)], left: f64, right: f64) -> Vec<(usize, f64, usize)> {
    let mut at = (left, 0);
    let mut out = Vec::new();
    for (i, (name, _)) in items.iter().enumerate() {
        let width = 12.0 + text_width(name, SMALL, Weight::Regular);
        if at.0 + width > right && at.0 > left {
            at = (left, at.1 + 1);
        }
        out.push((i, at.0, at.1));
        at.0 += width + 8.0;
    }
    out
}

impl Panel {
    fn draw(&self, canvas: &mut Canvas<'_>, frame: Frame, axis: &TimeAxis, direct: bool) {
        draw_values(canvas, frame, &self.scale, &self.label, BORDER + 4.0);
        let samples: Vec<Vec<(f64, f64)>> = self
            .lines
            .iter()
            .map(|l| window(&l.series, axis.start, axis.end, l.stepped))
            .collect();
        let traces: Vec<Vec<Vec<(i32, i32)>>> = samples.iter().map(|s| trace(s, axis, frame, &self.scale)).collect();
        if let (true, [first, second, ..]) = (self.shade, &traces[..])
            && let ([a], [b]) = (&first[..], &second[..])
            && !(is_busy(a) || is_busy(b))
        {
            let outline: Vec<(i32, i32)> = a.iter().chain(b.iter().rev()).copied().collect();
            canvas.fill_pixels(&outline, self.lines[1].colour, 0.22);
        }
        for (line, pieces) in self.lines.iter().zip(&traces) {
            for piece in pieces {
                if is_busy(piece) {
                    let (upper, lower) = envelope(piece);
                    let outline: Vec<(i32, i32)> = upper.iter().chain(lower.iter().rev()).copied().collect();
                    canvas.fill_pixels(&outline, line.colour, 0.3);
                    canvas.pixels(&upper, line.colour, 0.6 * line.width);
                    canvas.pixels(&lower, line.colour, 0.6 * line.width);
                } else {
                    canvas.pixels(piece, line.colour, line.width);
                }
            }
        }
        if let Some(note) = &self.note {
            // On the left, unless a line runs there.
            let width = text_width(note, SMALL, Weight::Regular);
            let covered = |&(x, y): &(i32, i32)| x < unit(frame.left + width + 6.0) && y < unit(frame.top + 10.0);
            let taken = traces.iter().flatten().flatten().any(covered);
            let x = if taken {
                frame.right - width - 3.0
            } else {
                frame.left + 3.0
            };
            let white = Frame {
                left: x - 1.5,
                top: frame.top + 0.8,
                right: x + width + 1.5,
                bottom: frame.top + 8.6,
            };
            canvas.rect(white, Rgb(255, 255, 255), 1.0);
            let at = (x, frame.top + 4.7);
            canvas.text(note, at, SMALL, Weight::Regular, NOTE, Anchor::Left);
        }
        if direct {
            self.label_lines(canvas, frame, axis, &samples);
        }
    }

    /// Writes each line's name at its right end, apart from the others.
    fn label_lines(&self, canvas: &mut Canvas<'_>, frame: Frame, axis: &TimeAxis, samples: &[Vec<(f64, f64)>]) {
        let mut ends: Vec<(f64, f64, &Line)> = self
            .lines
            .iter()
            .zip(samples)
            .filter_map(|(line, s)| {
                let &(t, v) = s.iter().rev().find(|(_, v)| v.is_finite())?;
                Some((axis.x(t), frame.bottom - self.scale.fraction(v) * frame.height(), line))
            })
            .collect();
        ends.sort_by(|a, b| a.1.total_cmp(&b.1));
        let wanted: Vec<f64> = ends.iter().map(|e| e.1).collect();
        let found = spread(&wanted, LABEL_STEP, frame.top + 3.0, frame.bottom - 1.0);
        for (&(x, y, line), &label_y) in ends.iter().zip(&found) {
            let name = fit(&line.name, WIDTH - frame.right - 6.5, SMALL, Weight::Regular);
            if name.is_empty() {
                continue;
            }
            canvas.line(
                &[(x, y), (frame.right + 1.0, y), (frame.right + 4.5, label_y)],
                line.colour,
                0.6,
            );
            canvas.text(
                &name,
                (frame.right + 6.0, label_y),
                SMALL,
                Weight::Regular,
                INK,
                Anchor::Left,
            );
        }
    }
}

/// Moves sorted positions as little as needed to stand `step` apart within limits.
pub(super) fn spread(wanted: &[f64], step: f64, low: f64, high: f64) -> Vec<f64> {
    // Blocks of touching labels, each at the mean of what its members want.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for &w in wanted {
        let mut block = (w.clamp(low.min(high), high.max(low)), 1_usize);
        while let Some(&(above, n)) = blocks.last() {
            let bottom = above + 0.5 * step * n as f64;
            let top = block.0 - 0.5 * step * block.1 as f64;
            if bottom <= top {
                break;
            }
            blocks.pop();
            let both = n + block.1;
            block = ((above * n as f64 + block.0 * block.1 as f64) / both as f64, both);
            let half = 0.5 * step * (both as f64 - 1.0);
            block.0 = block
                .0
                .clamp((low + half).min(high - half), (low + half).max(high - half));
        }
        blocks.push(block);
    }
    blocks
        .into_iter()
        .flat_map(|(middle, n)| (0..n).map(move |i| middle + step * (i as f64 - 0.5 * (n as f64 - 1.0))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_labels_stand_apart_in_the_order_of_the_lines() {
        let found = spread(&[10.0, 10.0, 11.0, 50.0, 89.0, 90.0], 8.0, 0.0, 90.0);
        assert!(found.windows(2).all(|w| w[1] - w[0] >= 8.0 - 1e-9), "{found:?}");
        assert_eq!(found[3], 50.0);
        assert!(found.iter().all(|y| (-1e-9..=90.0 + 1e-9).contains(y)), "{found:?}");
        assert_eq!(spread(&[], 8.0, 0.0, 90.0), Vec::<f64>::new());
    }
}
