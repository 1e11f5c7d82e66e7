//! Figures for print and teaching.
//!
//! Every figure is one printed column (8.5 cm) wide with text of at least 7 pt,
//! drawn as SVG with an embedded font; the PNG is rendered from that SVG with
//! the same font, so no font need be installed and both look alike. Colours
//! are those of Okabe and Ito or viridis. Equal data give equal bytes.
//!
//! | figure | shows |
//! |---|---|
//! | [`concentration`] | drug in spinal fluid by level and in plasma, above programmed and delivered rate |
//! | [`response`] | Ashworth and spasm scores, above withdrawal and sedation |
//! | [`symptoms`] | what was wrong when, with faults and actions in lanes |
//! | [`neuraxis`] | drug along the spine over time |
//! | [`belief`] | what the pump computes and counts beside what is true, with its alarms |
//! | [`vitals`] | heart rate, blood pressure, temperature, breathing |
//! | [`compare`] | several arms of one story |
//! | [`evidence`] | simulated against published: courses, values, fold errors |
//! | [`batch_figures`] | many runs: bands, incidences, distributions, differences |
//! | [`flow`] | start-up, trumpets, steps and occlusions of the flow-control bench |
//!
//! [`figures`] draws all that the data allow, and for a long run with a fault a
//! second version (`_zoom`) of the days around it.

mod axis;
mod batch;
mod canvas;
mod colour;
pub mod evidence;
mod figures;
mod flow;
mod grid;
mod lines;
mod neuraxis;
mod page;
mod stack;
mod symptoms;

pub use batch::batch_figures;
pub use figures::{belief, compare, concentration, response, vitals};
pub use flow::flow;
pub use neuraxis::neuraxis;
pub use symptoms::symptoms;

use super::{MarkerKind, ReportError, RunData, RunFolder};

/// Resolution of a PNG at its printed size of 8.5 cm \[1/inch\].
const PRINT_DPI: u32 = 600;
/// Shown before the fault or first symptom in a zoomed figure \[h\].
const ZOOM_BEFORE: f64 = 24.0;
/// Shown after it \[h\].
const ZOOM_AFTER: f64 = 6.0 * 24.0;
/// A first symptom this long after the fault is zoomed on by itself \[h\].
const ZOOM_TOGETHER: f64 = 5.0 * 24.0;
/// Zooming pays if it leaves out at least this share of the run.
const ZOOM_SHARE: f64 = 0.6;

/// How to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct PlotOptions {
    /// Shown time \[h\]; `None` shows the whole run.
    pub window: Option<(f64, f64)>,
    /// Resolution of the PNG at a printed width of 8.5 cm \[1/inch\]; `None` draws no PNG.
    pub png_dpi: Option<u32>,
}

impl Default for PlotOptions {
    fn default() -> Self {
        PlotOptions {
            window: None,
            png_dpi: Some(PRINT_DPI),
        }
    }
}

/// A finished figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// File name without extension, such as `concentration` or `response_zoom`.
    pub name: String,
    /// The drawing.
    pub svg: String,
    /// The same as pixels; empty if none was asked for.
    pub png: Vec<u8>,
}

impl Figure {
    fn finish(name: &str, svg: Result<String, String>, options: &PlotOptions) -> Result<Figure, ReportError> {
        let failed = |reason: String| ReportError::Draw {
            figure: name.to_owned(),
            reason,
        };
        let svg = svg.map_err(failed)?;
        let png = match options.png_dpi {
            Some(dpi) => {
                canvas::to_png(&svg, (canvas::WIDTH / 72.0 * f64::from(dpi)).round() as u32).map_err(failed)?
            }
            None => Vec::new(),
        };
        Ok(Figure {
            name: name.to_owned(),
            svg,
            png,
        })
    }
}

/// All figures that the data allow, whole run first, then the zoomed ones if
/// [`zoom_window`] finds a window and `options` names none.
///
/// # Errors
/// [`ReportError::Draw`] if the drawing library fails.
pub fn figures(run: &RunData, options: &PlotOptions) -> Result<Vec<Figure>, ReportError> {
    type Draw = fn(&RunData, &PlotOptions) -> Result<Figure, ReportError>;
    let mut wanted: Vec<Draw> = vec![concentration, response, symptoms];
    if neuraxis::has_data(run) {
        wanted.push(neuraxis);
    }
    if figures::has_vitals(run) {
        wanted.push(vitals);
    }
    if figures::has_belief(run) {
        wanted.push(belief);
    }
    let mut done = Vec::new();
    for draw in &wanted {
        done.push(draw(run, options)?);
    }
    if let (None, Some(window)) = (options.window, zoom_window(run)) {
        let zoomed = PlotOptions {
            window: Some(window),
            ..options.clone()
        };
        for draw in &wanted {
            let mut figure = draw(run, &zoomed)?;
            figure.name.push_str("_zoom");
            done.push(figure);
        }
    }
    Ok(done)
}

/// Writes figures as `plots/NAME.svg` and, where drawn, `plots/NAME.png`.
///
/// # Errors
/// As [`RunFolder::write`].
pub fn write_all(figures: &[Figure], folder: &mut RunFolder) -> Result<(), ReportError> {
    write_all_under(figures, "", folder)
}

/// As [`write_all`], with `prefix` (empty, or a sub-folder and a slash) before each name.
///
/// # Errors
/// As [`RunFolder::write`].
pub fn write_all_under(figures: &[Figure], prefix: &str, folder: &mut RunFolder) -> Result<(), ReportError> {
    for figure in figures {
        folder.write(&format!("{prefix}plots/{}.svg", figure.name), figure.svg.as_bytes())?;
        if !figure.png.is_empty() {
            folder.write(&format!("{prefix}plots/{}.png", figure.name), &figure.png)?;
        }
    }
    Ok(())
}

/// The days around the first fault and the first symptom after it \[h\], or
/// `None` if there is neither, or the run is too short to gain by it.
pub fn zoom_window(run: &RunData) -> Option<(f64, f64)> {
    let end = run.end_h();
    let fault = run.first_fault_h();
    let symptom = run
        .symptoms
        .iter()
        .map(|s| s.onset_h)
        .filter(|&t| t.is_finite() && t >= fault.unwrap_or(0.0))
        .min_by(f64::total_cmp);
    let (first, last) = match (fault, symptom) {
        (Some(f), Some(s)) if s - f <= ZOOM_TOGETHER => (f, s),
        (_, Some(s)) => (s, s),
        (Some(f), None) => (f, f),
        (None, None) => return None,
    };
    let window = ((first - ZOOM_BEFORE).max(0.0), (last + ZOOM_AFTER).min(end));
    (window.1 > window.0 && window.1 - window.0 <= ZOOM_SHARE * end).then_some(window)
}

/// The window to draw: as asked, within reason, never empty.
fn shown(run: &RunData, options: &PlotOptions) -> (f64, f64) {
    let (start, end) = options.window.unwrap_or((0.0, run.end_h()));
    if start.is_finite() && end.is_finite() && end > start {
        (start, end)
    } else {
        (0.0, run.end_h().max(1.0))
    }
}

/// Markers that line figures label: what broke, what people did, how it ended.
fn strip_markers(run: &RunData) -> Vec<super::Marker> {
    run.markers
        .iter()
        .filter(|m| m.kind != MarkerKind::Alarm && m.time_h.is_finite())
        .cloned()
        .collect()
}
