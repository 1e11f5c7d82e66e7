//! A drawing surface in points, on top of plotters' SVG backend.
//!
//! Plotters places everything on whole pixels. Drawing on a canvas of
//! [`UNITS`] pixels per point and shrinking it in the SVG header keeps curves
//! smooth. Text is measured with the embedded font that the PNG is rendered
//! with, so what fits here fits there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, IntoFont, RGBAColor, ShapeStyle, TextStyle, register_font};
use resvg::{tiny_skia, usvg};

use super::colour::Rgb;

/// Canvas pixels per point.
pub(super) const UNITS: f64 = 20.0;
/// Width of every figure \[pt\]: one printed column of 8.5 cm.
pub(super) const WIDTH: f64 = 85.0 / 25.4 * 72.0;
/// Smallest text \[pt\].
pub(super) const SMALL: f64 = 7.0;
/// Titles \[pt\].
pub(super) const LARGE: f64 = 8.0;

/// Rows of a PNG drawn at a time.
const STRIP_ROWS: usize = 128;
/// Printed size doubled is a comfortable size on a screen.
const SCREEN_SCALE: f64 = 2.0;
/// The key under which plotters finds the font is also the list a browser reads.
const FAMILY: &str = "Roboto, Arial, sans-serif";
/// Plotters divides by this before it writes a font size.
const PLOTTERS_SIZE: f64 = 1.24;
/// Plotters measures with line height (ascent and descent) as size; Roboto's is this per em.
const LINE_PER_EM: f64 = 2400.0 / 2048.0;

static REGULAR: &[u8] = include_bytes!("../fonts/Roboto-Regular.ttf");
static MEDIUM: &[u8] = include_bytes!("../fonts/Roboto-Medium.ttf");

/// Horizontal anchor of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Medium,
}

/// A rectangle \[pt\], y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Frame {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// Nearest canvas pixel of a position in points.
pub(super) fn unit(pt: f64) -> i32 {
    // Far beyond any page, and safe to convert.
    (pt * UNITS).round().clamp(-1e8, 1e8) as i32
}

fn fonts_registered() -> bool {
    static DONE: OnceLock<bool> = OnceLock::new();
    *DONE.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FAMILY, FontStyle::Bold, MEDIUM).is_ok()
    })
}

fn style_of(weight: Weight) -> FontStyle {
    match weight {
        Weight::Regular => FontStyle::Normal,
        Weight::Medium => FontStyle::Bold,
    }
}

/// Width of a text \[pt\].
pub(super) fn text_width(text: &str, size: f64, weight: Weight) -> f64 {
    fonts_registered();
    // Measured large, so that plotters' whole pixels do not matter.
    let probe = 1000.0;
    (FAMILY, probe)
        .into_font()
        .style(style_of(weight))
        .box_size(text)
        .map_or(0.5 * size * text.chars().count() as f64, |(w, _)| {
            f64::from(w) / probe * LINE_PER_EM * size
        })
}

/// Cuts a text to a width \[pt\], with an ellipsis where something is missing.
pub(super) fn fit(text: &str, width: f64, size: f64, weight: Weight) -> String {
    if text_width(text, size, weight) <= width {
        return text.to_owned();
    }
    // The longest beginning that fits: a longer one is never narrower.
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let cut = |end: &usize| text[..*end].trim_end().to_owned() + "…";
    let fitting = ends.partition_point(|end| text_width(&cut(end), size, weight) <= width);
    fitting.checked_sub(1).map_or_else(String::new, |last| cut(&ends[last]))
}

/// Breaks a text at spaces into lines no wider than `width` \[pt\]; the last of `lines` is cut.
pub(super) fn wrap(text: &str, width: f64, size: f64, weight: Weight, lines: usize) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while words.peek().is_some() && done.len() < lines {
        let last = done.len() + 1 == lines;
        let mut line = String::new();
        if last {
            line = words.by_ref().collect::<Vec<_>>().join(" ");
        }
        while let Some(word) = words.peek() {
            let longer = if line.is_empty() {
                (*word).to_owned()
            } else {
                format!("{line} {word}")
            };
            if !line.is_empty() && text_width(&longer, size, weight) > width {
                break;
            }
            line = longer;
            words.next();
        }
        done.push(fit(&line, width, size, weight));
    }
    done
}

/// A figure being drawn. Errors are kept until [`Canvas::finish`].
pub(super) struct Canvas<'a> {
    backend: SVGBackend<'a>,
    height: f64,
    /// Raw SVG that lies under everything drawn through plotters.
    under: String,
    error: Option<String>,
}

/// Draws a figure of a height \[pt\] and returns it as an SVG text.
///
/// # Errors
/// What the drawing library says.
pub(super) fn draw(title: &str, height: f64, body: impl FnOnce(&mut Canvas<'_>)) -> Result<String, String> {
    if !fonts_registered() {
        return Err("the embedded font cannot be read".to_owned());
    }
    let size = (unit(WIDTH) as u32, unit(height) as u32);
    let mut text = String::new();
    // The backend borrows the text; the block gives it back.
    let (under, done) = {
        let mut canvas = Canvas {
            backend: SVGBackend::with_string(&mut text, size),
            height,
            under: String::new(),
            error: None,
        };
        body(&mut canvas);
        let presented = canvas.backend.present().map_err(|e| e.to_string());
        (canvas.under, canvas.error.map_or(presented, Err))
    };
    done?;

    // The header is rewritten: same viewBox, smaller size, a title for readers of all kinds.
    let Some(body) = text.find(">\n").and_then(|at| text.get(at + 2..)) else {
        return Err("the drawing library wrote no SVG header".to_owned());
    };
    let mm = |pt: f64| (pt / 72.0 * 25.4 * SCREEN_SCALE * 100.0).round() / 100.0;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}mm\" height=\"{}mm\" viewBox=\"0 0 {} {}\" \
         stroke-linejoin=\"round\" role=\"img\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n{under}{body}",
        mm(WIDTH),
        mm(height),
        size.0,
        size.1,
        escape(title),
    ))
}

/// Text as SVG content.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Canvas<'_> {
    /// Height of the figure \[pt\].
    pub fn height(&self) -> f64 {
        self.height
    }

    fn keep<E: std::fmt::Display>(&mut self, result: Result<(), E>) {
        if let (Err(e), None) = (result, &self.error) {
            self.error = Some(e.to_string());
        }
    }

    /// A polyline through canvas pixels.
    pub fn pixels(&mut self, points: &[(i32, i32)], colour: Rgb, width: f64) {
        if points.len() < 2 {
            return;
        }
        let style = ShapeStyle::from(colour.opaque()).stroke_width(unit(width).max(1) as u32);
        let done = self.backend.draw_path(points.iter().copied(), &style);
        self.keep(done);
    }

    /// A polyline \[pt\].
    pub fn line(&mut self, points: &[(f64, f64)], colour: Rgb, width: f64) {
        let points: Vec<(i32, i32)> = points.iter().map(|&(x, y)| (unit(x), unit(y))).collect();
        self.pixels(&points, colour, width);
    }

    /// A dashed vertical line \[pt\].
    pub fn dashes(&mut self, x: f64, top: f64, bottom: f64, colour: Rgb, width: f64) {
        // One path under the axes instead of one element a dash.
        let _ = writeln!(
            self.under,
            "<path d=\"M{} {}V{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-dasharray=\"{} {}\"/>",
            unit(x),
            unit(top),
            unit(bottom),
            colour.hex(),
            unit(width),
            unit(2.0),
            unit(1.5),
        );
    }

    /// A filled polygon through canvas pixels.
    pub fn fill_pixels(&mut self, points: &[(i32, i32)], colour: Rgb, alpha: f64) {
        if points.len() < 3 {
            return;
        }
        let style = colour.with_alpha(alpha);
        let done = self.backend.fill_polygon(points.iter().copied(), &style);
        self.keep(done);
    }

    /// A filled polygon \[pt\].
    pub fn fill(&mut self, points: &[(f64, f64)], colour: Rgb) {
        let points: Vec<(i32, i32)> = points.iter().map(|&(x, y)| (unit(x), unit(y))).collect();
        self.fill_pixels(&points, colour, 1.0);
    }

    /// A filled rectangle.
    pub fn rect(&mut self, frame: Frame, colour: Rgb, alpha: f64) {
        let style: RGBAColor = colour.with_alpha(alpha);
        let (a, b) = (
            (unit(frame.left), unit(frame.top)),
            (unit(frame.right), unit(frame.bottom)),
        );
        let done = self.backend.draw_rect(a, b, &style, true);
        self.keep(done);
    }

    /// A thin vertical line under everything else.
    pub fn rule(&mut self, x: f64, top: f64, bottom: f64, colour: Rgb, width: f64) {
        let (x, top, bottom) = (unit(x), unit(top), unit(bottom));
        let _ = writeln!(
            self.under,
            "<path d=\"M{x} {top}V{bottom}\" stroke=\"{}\" stroke-width=\"{}\"/>",
            colour.hex(),
            unit(width),
        );
    }

    /// Raw SVG under everything else.
    pub fn under(&mut self, fragment: &str) {
        self.under.push_str(fragment);
    }

    /// Text whose middle height is at `y`.
    pub fn text(&mut self, text: &str, (x, y): (f64, f64), size: f64, weight: Weight, colour: Rgb, anchor: Anchor) {
        self.place(text, (x, y), size, weight, colour, anchor, FontTransform::None);
    }

    /// Text that reads upwards, centred on (x, y).
    pub fn upward(&mut self, text: &str, (x, y): (f64, f64), size: f64, colour: Rgb) {
        self.place(
            text,
            (x, y),
            size,
            Weight::Regular,
            colour,
            Anchor::Middle,
            FontTransform::Rotate270,
        );
    }

    #[allow(clippy::too_many_arguments)] // the one place that knows all attributes of a text
    fn place(
        &mut self,
        text: &str,
        (x, y): (f64, f64),
        size: f64,
        weight: Weight,
        colour: Rgb,
        anchor: Anchor,
        transform: FontTransform,
    ) {
        if text.is_empty() {
            return;
        }
        let h = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let font = (FAMILY, size * UNITS * PLOTTERS_SIZE)
            .into_font()
            .style(style_of(weight))
            .transform(transform);
        let ink = colour.opaque();
        let style = TextStyle::from(font).color(&ink).pos(Pos::new(h, VPos::Center));
        let done = self.backend.draw_text(text, &style, (unit(x), unit(y)));
        self.keep(done);
    }
}

/// Renders an SVG of this module at a width in pixels.
///
/// # Errors
/// What the renderer says.
pub(super) fn to_png(svg: &str, width_px: u32) -> Result<Vec<u8>, String> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut db = usvg::fontdb::Database::new();
        db.load_font_data(REGULAR.to_vec());
        db.load_font_data(MEDIUM.to_vec());
        Arc::new(db)
    });
    let options = usvg::Options {
        fontdb: fonts.clone(),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| e.to_string())?;
    let scale = width_px as f32 / tree.size().width();
    let height_px = (tree.size().height() * scale).round().max(1.0) as u32;
    let failed = |e: png::EncodingError| e.to_string();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width_px, height_px);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    let mut stream = writer.stream_writer().map_err(failed)?;
    // In strips, so that a picture for print never stands in memory whole.
    for top in (0..height_px).step_by(STRIP_ROWS) {
        let rows = (height_px - top).min(STRIP_ROWS as u32);
        let mut strip = tiny_skia::Pixmap::new(width_px, rows)
            .ok_or_else(|| format!("no picture of {width_px} x {height_px} pixels"))?;
        let place = tiny_skia::Transform::from_scale(scale, scale).post_translate(0.0, -(top as f32));
        resvg::render(&tree, place, &mut strip.as_mut());
        let colours = strip.pixels().iter().flat_map(|pixel| {
            // What is left transparent shows white paper.
            let paper = 255 - pixel.alpha();
            [pixel.red() + paper, pixel.green() + paper, pixel.blue() + paper]
        });
        let bytes: Vec<u8> = colours.collect();
        stream.write_all(&bytes).map_err(|e| e.to_string())?;
    }
    stream.finish().map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}
