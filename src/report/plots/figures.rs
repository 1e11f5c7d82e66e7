//! The line figures.

use super::axis::Scale;
use super::colour::{self, BLACK, BLUE, GREEN, HALO, ORANGE, PURPLE, SKY, VERMILLION};
use super::lines::window;
use super::page::Page;
use super::stack::{Line, Panel, Stack};
use super::{Figure, PlotOptions, shown, strip_markers};
use crate::report::{Marker, MarkerKind, ReportError, RunData, Series, column};
use crate::signals::Level;

/// Stroke of data \[pt\].
const STROKE: f64 = 1.0;
/// A rate above this multiple of what runs for 90 % of the time is cut off and told in words.
const SPIKE: f64 = 6.0;

/// Spinal fluid concentration by level and in plasma, above programmed and
/// delivered rate with the gap between them shaded.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn concentration(run: &RunData, options: &PlotOptions) -> Result<Figure, ReportError> {
    let shown = shown(run, options);
    let levels = [
        ("L3", column::csf(Level::L3), VERMILLION),
        ("T10", column::csf(Level::T10), ORANGE),
        ("T4", column::csf(Level::T4), GREEN),
        ("C5", column::csf(Level::C5), SKY),
        ("cisternal", column::CISTERNAL.to_owned(), BLUE),
        ("plasma", column::PLASMA.to_owned(), BLACK),
    ];
    let lines: Vec<Line> = levels
        .into_iter()
        .filter_map(|(name, col, colour)| line(run, name, &col, colour, false))
        .collect();
    let fluid = Panel {
        label: "Baclofen (ng/mL)".to_owned(),
        height: 100.0,
        scale: Scale::log(values(&lines, shown)),
        note: missing(&lines),
        lines,
        shade: false,
    };
    let mut rates: Vec<Line> = [
        line(run, "programmed", column::PROGRAMMED, HALO, true),
        line(run, "delivered", column::DELIVERED, BLUE, true),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let [programmed, _] = &mut rates[..] {
        // Seen on both sides of the delivered rate while both agree.
        programmed.width = 2.2 * STROKE;
    }
    let (scale, note) = rate_scale(&rates, shown);
    let rate = Panel {
        label: "Rate (µg/day)".to_owned(),
        height: 52.0,
        scale,
        note: note.or_else(|| missing(&rates)),
        lines: rates,
        shade: true,
    };
    stack(
        run,
        "concentration",
        "Baclofen concentration and dose rate over time",
        shown,
        vec![fluid, rate],
        options,
    )
}

/// Ashworth scores of legs and arms and the spasm score, above withdrawal
/// index and sedation.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn response(run: &RunData, options: &PlotOptions) -> Result<Figure, ReportError> {
    let shown = shown(run, options);
    let pick = |list: &[(&str, &str, colour::Rgb)]| -> Vec<Line> {
        list.iter()
            .filter_map(|&(name, col, colour)| line(run, name, col, colour, false))
            .collect()
    };
    let scores = pick(&[
        ("legs", column::ASHWORTH_LEGS, VERMILLION),
        ("arms", column::ASHWORTH_ARMS, BLUE),
        ("spasms", column::SPASM_SCORE, GREEN),
    ]);
    let indices = pick(&[
        ("withdrawal", column::WITHDRAWAL, PURPLE),
        ("sedation", column::SEDATION, BLACK),
    ]);
    let panels = vec![
        Panel {
            label: "Ashworth, spasms (0–4)".to_owned(),
            height: 92.0,
            scale: Scale::Linear { low: 0.0, high: 4.0 },
            note: missing(&scores),
            lines: scores,
            shade: false,
        },
        Panel {
            label: "Index (0–1)".to_owned(),
            height: 60.0,
            scale: Scale::Linear { low: 0.0, high: 1.0 },
            note: missing(&indices),
            lines: indices,
            shade: false,
        },
    ];
    stack(
        run,
        "response",
        "Spasticity, spasms, withdrawal and sedation over time",
        shown,
        panels,
        options,
    )
}

/// Column, axis label and least span of each monitored sign.
const VITALS: [(&str, &str, f64); 5] = [
    (column::HEART_RATE, "Pulse (1/min)", 40.0),
    (column::BLOOD_PRESSURE, "Systolic (mmHg)", 40.0),
    (column::TEMPERATURE, "Temp. (°C)", 2.0),
    (column::RESPIRATORY_RATE, "Resp. (1/min)", 10.0),
    (column::GCS, "GCS (3–15)", 0.0),
];

/// Whether any monitored sign was recorded.
pub(super) fn has_vitals(run: &RunData) -> bool {
    VITALS.iter().any(|(col, _, _)| run.series(col).is_some())
}

/// Monitored signs, one panel each: pulse, systolic pressure, temperature, breathing, coma scale.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn vitals(run: &RunData, options: &PlotOptions) -> Result<Figure, ReportError> {
    let shown = shown(run, options);
    let colours = [VERMILLION, BLUE, ORANGE, GREEN, BLACK];
    let panels = VITALS
        .into_iter()
        .zip(colours)
        .filter_map(|((col, label, span), colour)| {
            let lines = vec![line(run, "", col, colour, false)?];
            Some(Panel {
                label: label.to_owned(),
                height: 50.0,
                scale: if col == column::GCS {
                    Scale::Linear { low: 3.0, high: 15.0 }
                } else if col == column::RESPIRATORY_RATE {
                    // Breathing can stop, and cannot be less than nothing.
                    Scale::from_zero(values(&lines, shown))
                } else {
                    Scale::around(values(&lines, shown), span)
                },
                note: None,
                lines,
                shade: false,
            })
        })
        .collect();
    stack(run, "vitals", "Monitored signs over time", shown, panels, options)
}

/// Whether belief and truth of the pump were both recorded.
pub(super) fn has_belief(run: &RunData) -> bool {
    [
        column::RESERVOIR,
        column::BELIEVED_RESERVOIR,
        column::DELIVERED_VOLUME,
        column::BELIEVED_DELIVERED,
    ]
    .iter()
    .all(|col| run.series(col).is_some())
}

/// What the pump believes: reservoir as computed and as it is, volume as counted and as it
/// left, the gap shaded, its alarms and those that were heard marked.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn belief(run: &RunData, options: &PlotOptions) -> Result<Figure, ReportError> {
    let shown = shown(run, options);
    let panel = |label: &str, thought: (&str, &str), truth: &str| {
        let mut lines: Vec<Line> = [
            line(run, thought.0, thought.1, HALO, false),
            line(run, "true", truth, BLUE, false),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let [thought, _] = &mut lines[..] {
            // Seen on both sides of the truth while both agree.
            thought.width = 2.2 * STROKE;
        }
        let peak = values(&lines, shown).fold(0.0, f64::max);
        Panel {
            label: label.to_owned(),
            height: 70.0,
            scale: Scale::from_zero([1.05 * peak].into_iter()),
            note: missing(&lines),
            lines,
            shade: true,
        }
    };
    let panels = vec![
        panel(
            "Reservoir (mL)",
            ("computed", column::BELIEVED_RESERVOIR),
            column::RESERVOIR,
        ),
        panel(
            "Delivered (mL)",
            ("counted", column::BELIEVED_DELIVERED),
            column::DELIVERED_VOLUME,
        ),
    ];
    let mut markers = strip_markers(run);
    markers.extend(
        run.markers
            .iter()
            .filter(|m| m.kind == MarkerKind::Alarm && m.time_h.is_finite())
            .cloned(),
    );
    let figure = Stack {
        page: Page::of(run),
        description: format!("{}: what the pump believes, beside the truth", run.meta.title),
        markers,
        panels,
        window: shown,
        legend: Vec::new(),
    };
    Figure::finish("belief", figure.draw(), options)
}

/// Arms of one story over one another: Ashworth score of the legs, withdrawal
/// index, spinal fluid concentration at L3; one colour an arm.
///
/// Returns the figure `compare` and, for a long story with a fault and no
/// window in `options`, `compare_zoom`. No arms, no figures.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn compare(arms: &[&RunData], options: &PlotOptions) -> Result<Vec<Figure>, ReportError> {
    let Some(first) = arms.first() else {
        return Ok(Vec::new());
    };
    let longest = arms.iter().map(|a| a.end_h()).fold(0.0, f64::max);
    let whole = options.window.unwrap_or((0.0, longest));
    let mut done = vec![compare_window(arms, first, "compare", whole, options)?];
    // The window that shows the trouble of every arm that has any.
    let windows = arms.iter().filter_map(|a| super::zoom_window(a));
    let zoom = windows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    if let (None, Some(zoom)) = (options.window, zoom)
        && zoom.1 - zoom.0 <= super::ZOOM_SHARE * longest
    {
        done.push(compare_window(arms, first, "compare_zoom", zoom, options)?);
    }
    Ok(done)
}

fn compare_window(
    arms: &[&RunData],
    first: &RunData,
    name: &str,
    window: (f64, f64),
    options: &PlotOptions,
) -> Result<Figure, ReportError> {
    let window = if window.1 > window.0 {
        window
    } else {
        (window.0, window.0 + 1.0)
    };
    let colour_of = |i: usize| colour::line_of(i, arms.len());
    let lines = |col: &str| -> Vec<Line> {
        arms.iter()
            .enumerate()
            .filter_map(|(i, arm)| {
                // Where lines coincide, a thinner one on top leaves the one below in sight.
                let mut line = line(arm, "", col, colour_of(i), false)?;
                line.width = STROKE + 0.7 - 0.8 * (i as f64 / arms.len() as f64);
                Some(line)
            })
            .collect()
    };
    let l3 = lines(&column::csf(Level::L3));
    let mut panels = vec![
        Panel {
            label: "Legs Ashworth (0–4)".to_owned(),
            height: 72.0,
            scale: Scale::Linear { low: 0.0, high: 4.0 },
            note: None,
            lines: lines(column::ASHWORTH_LEGS),
            shade: false,
        },
        Panel {
            label: "Withdrawal (0–1)".to_owned(),
            height: 60.0,
            scale: Scale::Linear { low: 0.0, high: 1.0 },
            note: None,
            lines: lines(column::WITHDRAWAL),
            shade: false,
        },
        Panel {
            label: "CSF L3 (ng/mL)".to_owned(),
            height: 72.0,
            scale: Scale::log(values(&l3, window)),
            note: None,
            lines: l3,
            shade: false,
        },
    ];
    for panel in &mut panels {
        panel.note = missing(&panel.lines);
    }
    // A mark that several arms share is drawn once.
    let mut markers: Vec<Marker> = Vec::new();
    for m in arms.iter().flat_map(|a| strip_markers(a)) {
        if !markers.contains(&m) {
            markers.push(m);
        }
    }
    let figure = Stack {
        page: Page::of_arms(first),
        description: format!("{}: arms compared", first.meta.title),
        markers,
        panels,
        window,
        legend: arms
            .iter()
            .enumerate()
            .map(|(i, a)| (a.arm_label().to_owned(), colour_of(i)))
            .collect(),
    };
    Figure::finish(name, figure.draw(), options)
}

fn stack(
    run: &RunData,
    name: &str,
    description: &str,
    window: (f64, f64),
    panels: Vec<Panel>,
    options: &PlotOptions,
) -> Result<Figure, ReportError> {
    let figure = Stack {
        page: Page::of(run),
        description: format!("{}: {description}", run.meta.title),
        markers: strip_markers(run),
        panels,
        window,
        legend: Vec::new(),
    };
    Figure::finish(name, figure.draw(), options)
}

fn line(run: &RunData, name: &str, col: &str, colour: colour::Rgb, stepped: bool) -> Option<Line> {
    let series: Series = run.series(col)?;
    series.value.iter().any(|v| v.is_finite()).then(|| Line {
        name: name.to_owned(),
        colour,
        width: STROKE,
        stepped,
        series,
    })
}

fn missing(lines: &[Line]) -> Option<String> {
    lines.is_empty().then(|| "not recorded".to_owned())
}

/// All values of some lines within a window.
fn values(lines: &[Line], (start, end): (f64, f64)) -> impl Iterator<Item = f64> {
    let all: Vec<f64> = lines
        .iter()
        .flat_map(|l| window(&l.series, start, end, l.stepped))
        .map(|(_, v)| v)
        .collect();
    all.into_iter()
}

/// A scale for rates on which a short bolus does not flatten everything else;
/// what is cut off is told in words.
fn rate_scale(lines: &[Line], (start, end): (f64, f64)) -> (Scale, Option<String>) {
    let mut spells: Vec<(f64, f64)> = Vec::new();
    let mut peak = 0.0_f64;
    for line in lines {
        let samples = window(&line.series, start, end, true);
        for pair in samples.windows(2) {
            if pair[0].1.is_finite() && pair[1].0 > pair[0].0 {
                spells.push((pair[0].1, pair[1].0 - pair[0].0));
                peak = peak.max(pair[0].1);
            }
        }
    }
    spells.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = spells.iter().map(|s| s.1).sum();
    let mut passed = 0.0;
    let usual = spells
        .iter()
        .find(|s| {
            passed += s.1;
            passed >= 0.9 * total
        })
        .map_or(0.0, |s| s.0);
    if usual > 0.0 && peak > SPIKE * usual {
        let note = format!("cut off; peak {}", super::axis::plain(peak.round()));
        (Scale::from_zero([1.6 * usual].into_iter()), Some(note))
    } else {
        // Room above the highest line, so that it does not run along the edge.
        (Scale::from_zero([1.08 * peak].into_iter()), None)
    }
}
