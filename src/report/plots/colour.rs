//! Colours that survive colour blindness, grey printers and scales.

use plotters::style::{Color, RGBAColor, RGBColor};

use crate::report::MarkerKind;

/// An opaque colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    pub fn opaque(self) -> RGBColor {
        RGBColor(self.0, self.1, self.2)
    }
    pub fn with_alpha(self, alpha: f64) -> RGBAColor {
        self.opaque().mix(alpha)
    }
    pub fn hex(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

// The palette of Okabe and Ito (2008), distinguishable with any common form of colour blindness.
pub(super) const BLACK: Rgb = Rgb(0, 0, 0);
pub(super) const ORANGE: Rgb = Rgb(230, 159, 0);
pub(super) const SKY: Rgb = Rgb(86, 180, 233);
pub(super) const GREEN: Rgb = Rgb(0, 158, 115);
pub(super) const BLUE: Rgb = Rgb(0, 114, 178);
pub(super) const VERMILLION: Rgb = Rgb(213, 94, 0);
pub(super) const PURPLE: Rgb = Rgb(204, 121, 167);

/// Text.
pub(super) const INK: Rgb = Rgb(34, 34, 34);
/// Axes.
pub(super) const AXIS: Rgb = Rgb(90, 90, 90);
/// Notes.
pub(super) const NOTE: Rgb = Rgb(105, 105, 105);
/// A wide line under another one.
pub(super) const HALO: Rgb = Rgb(165, 165, 165);
/// Grid lines.
pub(super) const GRID: Rgb = Rgb(228, 228, 228);

/// Colour of the i-th of `n` equal lines.
pub(super) fn line_of(i: usize, n: usize) -> Rgb {
    const ORDER: [Rgb; 7] = [BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK];
    if n <= ORDER.len() {
        ORDER[i % ORDER.len()]
    } else {
        // More lines than the palette has: an ordered scale, without its palest end.
        viridis(0.92 * i as f64 / (n - 1) as f64)
    }
}

/// Marks are told apart by shape and lightness, so that colour stays with the data.
pub(super) fn marker(kind: MarkerKind) -> Rgb {
    match kind {
        MarkerKind::Fault | MarkerKind::Outcome => INK,
        MarkerKind::Action | MarkerKind::Alarm | MarkerKind::Refill => Rgb(110, 110, 110),
    }
}

/// Colour of a syndrome; `i` numbers those that have no colour of their own.
pub(super) fn syndrome(name: &str, i: usize) -> Rgb {
    const OTHERS: [Rgb; 5] = [GREEN, PURPLE, SKY, ORANGE, BLACK];
    match name {
        "withdrawal" => VERMILLION,
        "overdose" => BLUE,
        _ => OTHERS[i % OTHERS.len()],
    }
}

/// The viridis map (van der Walt and Smith, CC0) at 0 to 1: even in perception, rising in lightness.
pub(super) fn viridis(x: f64) -> Rgb {
    const STOPS: [Rgb; 33] = [
        Rgb(68, 1, 84),
        Rgb(71, 13, 96),
        Rgb(72, 24, 106),
        Rgb(72, 35, 116),
        Rgb(71, 45, 123),
        Rgb(69, 55, 129),
        Rgb(66, 64, 134),
        Rgb(62, 73, 137),
        Rgb(59, 82, 139),
        Rgb(55, 91, 141),
        Rgb(51, 99, 141),
        Rgb(47, 107, 142),
        Rgb(44, 114, 142),
        Rgb(41, 122, 142),
        Rgb(38, 130, 142),
        Rgb(35, 137, 142),
        Rgb(33, 145, 140),
        Rgb(31, 152, 139),
        Rgb(31, 160, 136),
        Rgb(34, 167, 133),
        Rgb(40, 174, 128),
        Rgb(50, 182, 122),
        Rgb(63, 188, 115),
        Rgb(78, 195, 107),
        Rgb(94, 201, 98),
        Rgb(112, 207, 87),
        Rgb(132, 212, 75),
        Rgb(152, 216, 62),
        Rgb(173, 220, 48),
        Rgb(194, 223, 35),
        Rgb(216, 226, 25),
        Rgb(236, 229, 27),
        Rgb(253, 231, 37),
    ];
    let at = x.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let i = (at.floor() as usize).min(STOPS.len() - 2);
    let f = at - i as f64;
    let mix = |a: u8, b: u8| (f64::from(a) + f * (f64::from(b) - f64::from(a))).round() as u8;
    let (a, b) = (STOPS[i], STOPS[i + 1]);
    Rgb(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}
