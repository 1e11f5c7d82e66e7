//! The page as text: shell, style, script and data in one file.

use super::data::PageData;

/// The chart library, uPlot 1.6.32 (MIT), as its authors publish it.
const LIBRARY: &str = include_str!("assets/uPlot.iife.min.js");
const LIBRARY_STYLE: &str = include_str!("assets/uPlot.min.css");
const LIBRARY_LICENCE: &str = include_str!("assets/uPlot-LICENSE.txt");
const STYLE: &str = include_str!("assets/page.css");
/// The page's own script, in the order in which its parts need one another.
const SCRIPT: [&str; 7] = [
    include_str!("assets/base.js"),
    include_str!("assets/charts.js"),
    include_str!("assets/lanes.js"),
    include_str!("assets/strips.js"),
    include_str!("assets/anatomy.js"),
    include_str!("assets/panels.js"),
    include_str!("assets/page.js"),
];

/// The script of a page of a batch.
pub(super) const SCRIPT_BATCH: [&str; 3] = [
    include_str!("assets/base.js"),
    include_str!("assets/charts.js"),
    include_str!("assets/batch.js"),
];

/// What a program that serves pages adds to one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extras<'a> {
    /// HTML placed above the charts: controls. It is not escaped.
    pub controls: &'a str,
    /// Script run after the page's own; it may use `itbsimPage`.
    pub script: &'a str,
    /// Style after the page's own.
    pub style: &'a str,
    /// Whether the page may send requests to where it came from.
    pub connect: bool,
}

/// The page as one file that needs nothing else.
pub fn render(page: &PageData) -> String {
    render_with(page, &Extras::default())
}

/// As [`render`], with controls and a script of the caller's own.
pub fn render_with(page: &PageData, extras: &Extras<'_>) -> String {
    shell(&page.manifest.title, &json(page), &SCRIPT, extras)
}

/// The data as JSON that is safe inside a script element: `<`, `>` and `&` are escaped.
pub fn json(page: &PageData) -> String {
    script_safe(page)
}

/// Any data as JSON for a script element.
pub(super) fn script_safe(data: &impl serde::Serialize) -> String {
    // Plain data with text keys: there is nothing that JSON cannot hold.
    let text = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Text for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The file around the data.
pub(super) fn shell(title: &str, data: &str, script: &[&str], extras: &Extras<'_>) -> String {
    let connect = if extras.connect { " connect-src 'self';" } else { "" };
    let mut h = String::with_capacity(data.len() + 300_000);
    h.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    h.push_str(&format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; \
         style-src 'unsafe-inline'; img-src data: blob:;{connect} base-uri 'none'; form-action 'none'\">\n"
    ));
    h.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    h.push_str(
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
    );
    h.push_str(&format!(
        "<meta name=\"generator\" content=\"itbsim {}\">\n<title>{}</title>\n<style>\n",
        env!("CARGO_PKG_VERSION"),
        escape(title)
    ));
    for style in [LIBRARY_STYLE, STYLE, extras.style] {
        h.push_str(style);
        h.push('\n');
    }
    h.push_str("</style>\n</head>\n<body>\n");
    h.push_str(&format!(
        "<main id=\"page\"><h1>{}</h1><noscript><p>This page draws its charts with its own script; \
         allow scripts for this file. It loads nothing from anywhere.</p></noscript></main>\n",
        escape(title)
    ));
    h.push_str(extras.controls);
    h.push_str("\n<script type=\"application/json\" id=\"itbsim-data\">");
    h.push_str(data);
    h.push_str("</script>\n<script>\n/*\nuPlot\n");
    h.push_str(LIBRARY_LICENCE);
    h.push_str("*/\n");
    h.push_str(LIBRARY);
    h.push_str("</script>\n<script>\n\"use strict\";\n");
    for part in script {
        h.push_str(part);
        h.push('\n');
    }
    h.push_str("</script>\n");
    if !extras.script.is_empty() {
        h.push_str("<script>\n");
        h.push_str(extras.script);
        h.push_str("\n</script>\n");
    }
    h.push_str("</body>\n</html>\n");
    h
}
