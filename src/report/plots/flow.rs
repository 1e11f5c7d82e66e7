//! Figures of the flow-control bench: start-up, trumpets over one another, steps, occlusions.

use super::axis::{Scale, draw_values, room_for};
use super::canvas::{Anchor, Canvas, Frame, SMALL, WIDTH, Weight, draw, text_width};
use super::colour::{self, AXIS, BLACK, INK, Rgb};
use super::page::{BORDER, LEADING, Page};
use super::stack::{Line, Panel, Stack};
use super::{Figure, PlotOptions};
use crate::flow::{Cell, Results};
use crate::report::{Marker, MarkerKind, ReportError, Series};
use crate::scenario::flow_bench::{Bench, Change, TestSpec};

/// Stroke of lines \[pt\].
const STROKE: f64 = 1.0;
/// Error beyond which a trumpet is cut off \[%\]; a pulsed flow opens it to hundreds.
const MOST_ERROR: f64 = 60.0;

/// All figures that a bench allows.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn flow(bench: &Bench, results: &Results, options: &PlotOptions) -> Result<Vec<Figure>, ReportError> {
    let mut done = Vec::new();
    for (i, test) in bench.tests.iter().enumerate() {
        let cells: Vec<&Cell> = results.of_test(i).collect();
        if cells.is_empty() {
            continue;
        }
        let sheet = Sheet {
            bench,
            results,
            test,
            cells,
        };
        if test.stimuli.is_empty() {
            done.push(sheet.start_up(options)?);
        }
        if sheet.cells.iter().any(|c| c.metrics.trumpet.is_some()) {
            done.push(sheet.trumpet(options)?);
        }
        if !test.stimuli.is_empty() {
            done.push(sheet.course(options)?);
        }
    }
    Ok(done)
}

struct Sheet<'a> {
    bench: &'a Bench,
    results: &'a Results,
    test: &'a TestSpec,
    cells: Vec<&'a Cell>,
}

impl Sheet<'_> {
    fn page(&self) -> Page {
        Page::of_bench(&self.test.title, &self.bench.hash, self.bench.seed)
    }

    fn colour(&self, cell: &Cell) -> Rgb {
        colour::line_of(cell.controller, self.results.controllers.len())
    }

    fn legend(&self) -> Vec<(String, Rgb)> {
        self.cells
            .iter()
            .map(|c| (self.results.controllers[c.controller].id.clone(), self.colour(c)))
            .collect()
    }

    /// Where lines coincide, a thinner one on top leaves the one below in sight.
    fn width(&self, cell: &Cell) -> f64 {
        STROKE + 0.7 - 0.8 * cell.controller as f64 / self.results.controllers.len() as f64
    }

    fn line(&self, cell: &Cell, points: Vec<(f64, f64)>, stepped: bool) -> Line {
        Line {
            name: String::new(),
            colour: self.colour(cell),
            width: self.width(cell),
            stepped,
            series: series(points),
        }
    }

    /// Mean flow over the moving window, at its end \[h, mL/day\].
    fn flow(&self, cell: &Cell) -> Vec<(f64, f64)> {
        let step_h = self.test.sample.hours();
        let total = &cell.run.volumes.total;
        let window = ((cell.metrics.window_h / step_h).round() as usize).max(1);
        (window..total.len())
            .map(|k| {
                let hours = window as f64 * step_h;
                (k as f64 * step_h, 24.0 * (total[k] - total[k - window]) / hours)
            })
            .collect()
    }

    fn start_up(&self, options: &PlotOptions) -> Result<Figure, ReportError> {
        let lines: Vec<Line> = self
            .cells
            .iter()
            .map(|c| self.line(c, crate::report::flow::start_up(c), true))
            .collect();
        let end = lines
            .iter()
            .filter_map(|l| l.series.time_h.last().copied())
            .fold(0.0, f64::max);
        let panel = panel("Flow (mL/day)", 80.0, lines);
        self.stack(
            &format!("start_up_{}", self.test.id),
            "mean flow in each quarter of an hour of the first day",
            vec![panel],
            (0.0, end.max(self.test.sample.hours())),
            options,
        )
    }

    /// Flow as a moving mean, pressure, and what was asked for, with what happened.
    fn course(&self, options: &PlotOptions) -> Result<Figure, ReportError> {
        let first = self
            .test
            .stimuli
            .iter()
            .map(|s| s.at.hours())
            .fold(f64::INFINITY, f64::min);
        let end = self.test.duration.hours();
        let window = ((first - 12.0).max(0.0), end);
        let asked = &self.cells[0].run.requested;
        let step_h = self.test.sample.hours();
        let mut flows: Vec<Line> = vec![Line {
            name: String::new(),
            colour: colour::HALO,
            width: 2.4,
            stepped: true,
            series: series(
                asked
                    .windows(2)
                    .enumerate()
                    .map(|(k, w)| (k as f64 * step_h, 24.0 * (w[1] - w[0]) / step_h))
                    .collect(),
            ),
        }];
        flows.extend(self.cells.iter().map(|c| self.line(c, self.flow(c), false)));
        let pressures: Vec<Line> = self
            .cells
            .iter()
            .map(|c| {
                let points = c.run.pressure.iter().enumerate();
                self.line(c, points.map(|(k, p)| (k as f64 * step_h, *p)).collect(), false)
            })
            .collect();
        let mean_h = self.cells.iter().map(|c| c.metrics.window_h).fold(0.0, f64::max);
        let label = format!("Mean flow over {} h (mL/day)", (mean_h * 10.0).round() / 10.0);
        let mut panels = vec![panel(&label, 80.0, flows)];
        let closes = |c: &Change| matches!(c, Change::Occlusion { .. });
        let occluded = self.test.stimuli.iter().any(|s| closes(&s.change));
        if occluded {
            panels.push(panel("Pressure (kPa)", 60.0, pressures));
        }
        let kind = if occluded {
            "occlusion"
        } else if self.cells.iter().any(|c| !c.metrics.steps.is_empty()) {
            "step"
        } else {
            "course"
        };
        self.stack(
            &format!("{kind}_{}", self.test.id),
            "moving mean of the flow beside what was asked for",
            panels,
            window,
            options,
        )
    }

    fn stack(
        &self,
        name: &str,
        words: &str,
        panels: Vec<Panel>,
        window: (f64, f64),
        options: &PlotOptions,
    ) -> Result<Figure, ReportError> {
        let mut markers = Vec::new();
        for s in &self.test.stimuli {
            let word = s.change.word().replace('_', " ");
            let kind = match s.change {
                Change::Rate(_) | Change::Bolus { .. } | Change::Posture(_) => MarkerKind::Action,
                _ => MarkerKind::Fault,
            };
            markers.push(Marker {
                time_h: s.at.hours(),
                end_h: s.until.map(crate::engine::SimTime::hours),
                label: word,
                kind,
            });
        }
        let figure = Stack {
            page: self.page(),
            description: format!("{}: {words}", self.test.title),
            markers,
            panels,
            window,
            legend: self.legend(),
        };
        Figure::finish(name, figure.draw(), options)
    }

    /// Largest and smallest error over window length, one colour a controller.
    fn trumpet(&self, options: &PlotOptions) -> Result<Figure, ReportError> {
        let page = self.page();
        let legend = self.legend();
        let trumpets: Vec<_> = self
            .cells
            .iter()
            .filter_map(|c| Some((self.colour(c), self.width(c), c.metrics.trumpet.as_ref()?)))
            .collect();
        let windows: Vec<f64> = trumpets
            .iter()
            .flat_map(|(_, _, t)| t.points.iter().map(|p| p.window_min))
            .filter(|w| *w >= 15.0)
            .collect();
        let low = windows.iter().copied().fold(f64::INFINITY, f64::min);
        let high = windows.iter().copied().fold(0.0, f64::max);
        let across = Scale::Log {
            low,
            high: high.max(2.0 * low),
        };
        let up = Scale::Linear {
            low: -MOST_ERROR,
            high: MOST_ERROR,
        };
        let height = 110.0;
        let left = BORDER + 11.0 + room_for(&up, height);
        let right = WIDTH - BORDER - 5.0;
        let rows = legend.len().div_ceil(2);
        let top = page.head() + LEADING * rows as f64 + 4.0;
        let frame = Frame {
            left,
            top,
            right,
            bottom: top + height,
        };
        let svg = draw(
            &format!("{}: trumpet curves", self.test.title),
            frame.bottom + 23.0 + page.foot(),
            |canvas| {
                page.draw(canvas);
                for (i, (name, colour)) in legend.iter().enumerate() {
                    let x = if i % 2 == 0 { left } else { 0.5 * (left + right) };
                    let y = page.head() + LEADING * ((i / 2) as f64 + 0.5);
                    canvas.line(&[(x, y), (x + 9.0, y)], *colour, 1.4);
                    canvas.text(name, (x + 12.0, y), SMALL, Weight::Regular, INK, Anchor::Left);
                }
                draw_values(canvas, frame, &up, "Error (%)", BORDER + 4.0);
                let x_of = |w: f64| frame.left + across.fraction(w) * frame.width();
                let y_of = |e: f64| frame.bottom - up.fraction(e) * frame.height();
                canvas.line(&[(left, y_of(0.0)), (right, y_of(0.0))], AXIS, 0.5);
                self.window_axis(canvas, frame, &windows, &x_of);
                for (colour, width, trumpet) in &trumpets {
                    for upper in [true, false] {
                        let points: Vec<(f64, f64)> = trumpet
                            .points
                            .iter()
                            .filter(|p| p.window_min >= low)
                            .map(|p| {
                                (
                                    x_of(p.window_min),
                                    y_of(if upper { p.max_percent } else { p.min_percent }),
                                )
                            })
                            .collect();
                        canvas.line(&points, *colour, *width);
                    }
                }
            },
        );
        Figure::finish(&format!("trumpet_{}", self.test.id), svg, options)
    }

    fn window_axis(&self, canvas: &mut Canvas<'_>, frame: Frame, windows: &[f64], x_of: &dyn Fn(f64) -> f64) {
        canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], AXIS, 0.5);
        let mut ticks = windows.to_vec();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        let mut free = f64::NEG_INFINITY;
        for w in ticks {
            let x = x_of(w);
            canvas.line(&[(x, frame.bottom), (x, frame.bottom + 2.5)], AXIS, 0.5);
            let text = super::axis::plain(w / 60.0);
            let half = 0.5 * text_width(&text, SMALL, Weight::Regular);
            if x - half >= free {
                let at = (x, frame.bottom + 7.3);
                canvas.text(&text, at, SMALL, Weight::Regular, INK, Anchor::Middle);
                free = x + half + 3.0;
            }
        }
        canvas.text(
            "Window length (hours)",
            (0.5 * (frame.left + frame.right), frame.bottom + 16.1),
            SMALL,
            Weight::Regular,
            BLACK,
            Anchor::Middle,
        );
    }
}

fn series(points: Vec<(f64, f64)>) -> Series {
    Series {
        time_h: points.iter().map(|p| p.0).collect(),
        value: points.iter().map(|p| p.1).collect(),
    }
}

fn panel(label: &str, height: f64, lines: Vec<Line>) -> Panel {
    let values: Vec<f64> = lines.iter().flat_map(|l| l.series.value.clone()).collect();
    Panel {
        label: label.to_owned(),
        height,
        scale: Scale::from_zero(values.into_iter().map(|v| 1.05 * v)),
        lines,
        shade: false,
        note: None,
    }
}
