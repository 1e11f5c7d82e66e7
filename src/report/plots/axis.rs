//! Scales, ticks and their labels.

use super::canvas::{Anchor, Canvas, Frame, SMALL, Weight, text_width};
use super::colour::{AXIS, GRID, INK};

/// Runs up to this long are labelled in hours \[h\].
const HOURS_UP_TO: f64 = 96.0;
/// Decades a logarithmic axis shows at most; below that lie numbers without meaning.
const MOST_DECADES: f64 = 4.0;
/// Stroke of axes \[pt\].
const STROKE: f64 = 0.5;
/// Length of a tick \[pt\].
const TICK: f64 = 2.5;

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Even steps from low to high.
    Linear { low: f64, high: f64 },
    /// Even ratios; everything at or below `low` lies on the lower edge.
    Log { low: f64, high: f64 },
}

impl Scale {
    /// A linear scale from zero that takes in all values.
    pub fn from_zero(values: impl Iterator<Item = f64>) -> Scale {
        let top = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
        Scale::Linear {
            low: 0.0,
            high: if top > 0.0 {
                round_up(top * 1.02, &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0])
            } else {
                1.0
            },
        }
    }

    /// A linear scale around all values that keeps at least `span` in sight.
    pub fn around(values: impl Iterator<Item = f64>, span: f64) -> Scale {
        let (low, high) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if low > high {
            return Scale::Linear { low: 0.0, high: span };
        }
        let pad = (0.5 * (span - (high - low))).max(0.06 * (high - low));
        let step = nice_step((high - low + 2.0 * pad) / 3.0);
        Scale::Linear {
            low: ((low - pad) / step).floor() * step,
            high: ((high + pad) / step).ceil() * step,
        }
    }

    /// A linear scale that does not run on to where no value of its quantity can be.
    pub fn within(self, least: f64, most: f64) -> Scale {
        match self {
            Scale::Linear { low, high } => Scale::Linear {
                low: low.max(least),
                high: high.min(most),
            },
            Scale::Log { .. } => self,
        }
    }

    /// A logarithmic scale over the positive values, at most [`MOST_DECADES`] deep.
    pub fn log(values: impl Iterator<Item = f64>) -> Scale {
        let (low, high) = values
            .filter(|v| v.is_finite() && *v > 0.0)
            .fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), v| (a.min(v), b.max(v)));
        if high <= 0.0 {
            return Scale::Log { low: 0.1, high: 10.0 };
        }
        // Subnormal or huge numbers would overflow the arithmetic of the axis.
        let high = round_up((high * 1.05).clamp(1e-200, 1e200), &[1.0, 2.0, 5.0]);
        let low = round_down(
            low.max(high / libm::pow(10.0, MOST_DECADES)).min(high / 10.0),
            &[1.0, 2.0, 5.0],
        );
        Scale::Log { low, high }
    }

    /// Where a value lies, 0 at the lower and 1 at the upper edge; beyond them it is clipped.
    pub fn fraction(&self, v: f64) -> f64 {
        match *self {
            Scale::Linear { low, high } => ((v - low) / (high - low)).clamp(0.0, 1.0),
            Scale::Log { low, .. } if v <= low => 0.0,
            Scale::Log { low, high } => (libm::log10(v / low) / libm::log10(high / low)).min(1.0),
        }
    }

    /// Whether a value is too small to be shown.
    pub fn hides(&self, v: f64) -> bool {
        matches!(*self, Scale::Log { low, .. } if v < low)
    }

    /// Labelled ticks (value, text) for an axis of a length \[pt\].
    pub fn ticks(&self, length: f64) -> Vec<(f64, String)> {
        match *self {
            Scale::Linear { low, high } => {
                let step = aligned_step(low, high, (length / 12.0).clamp(2.0, 6.0));
                let places = decimals(step);
                steps(low, high, step)
                    .into_iter()
                    .map(|v| (v, fixed(v, places)))
                    .collect()
            }
            Scale::Log { low, high } => {
                let decades = libm::log10(high / low);
                let within: &[f64] = if decades <= 1.6 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                log_values(low, high, within)
                    .into_iter()
                    .map(|v| (v, plain(v)))
                    .collect()
            }
        }
    }

    /// Ticks without labels.
    pub fn minor(&self) -> Vec<f64> {
        match *self {
            Scale::Linear { .. } => Vec::new(),
            Scale::Log { low, high } => log_values(low, high, &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
        }
    }
}

/// A time axis \[h\] drawn in hours or days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TimeAxis {
    /// First instant \[h\].
    pub start: f64,
    /// Last instant \[h\].
    pub end: f64,
    /// Left edge \[pt\].
    pub left: f64,
    /// Right edge \[pt\].
    pub right: f64,
}

impl TimeAxis {
    /// Position of an instant \[pt\], not clipped.
    pub fn x(&self, time_h: f64) -> f64 {
        self.left + (time_h - self.start) / (self.end - self.start) * (self.right - self.left)
    }

    /// Position clipped to the axis \[pt\].
    pub fn x_clipped(&self, time_h: f64) -> f64 {
        self.x(time_h.clamp(self.start, self.end))
    }

    /// Whether an instant is shown.
    pub fn shows(&self, time_h: f64) -> bool {
        (self.start..=self.end).contains(&time_h)
    }

    fn in_days(&self) -> bool {
        self.end - self.start > HOURS_UP_TO || self.start > HOURS_UP_TO
    }

    /// What stands under the axis.
    pub fn label(&self) -> &'static str {
        if self.in_days() { "Time (days)" } else { "Time (hours)" }
    }

    /// Labelled ticks (time \[h\], text).
    pub fn ticks(&self) -> Vec<(f64, String)> {
        const HOURS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0, 48.0];
        const DAYS: [f64; 13] = [
            0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0, 1000.0,
        ];
        let unit = if self.in_days() { 24.0 } else { 1.0 };
        let list: &[f64] = if self.in_days() { &DAYS } else { &HOURS };
        let (low, high) = (self.start / unit, self.end / unit);
        // A label and the air around it.
        let most = ((self.right - self.left) / 20.0).max(2.0);
        let step = list
            .iter()
            .copied()
            .find(|s| (high - low) / s <= most)
            .unwrap_or_else(|| nice_step((high - low) / most));
        let places = decimals(step);
        steps(low, high, step)
            .into_iter()
            .map(|v| (v * unit, fixed(v, places)))
            .collect()
    }

    /// Draws axis, ticks and labels below a frame, and light lines through the given frames.
    pub fn draw(&self, canvas: &mut Canvas<'_>, bottom: f64) {
        canvas.line(&[(self.left, bottom), (self.right, bottom)], AXIS, STROKE);
        let mut free_from = f64::NEG_INFINITY;
        for (time, text) in self.ticks() {
            let x = self.x(time);
            canvas.line(&[(x, bottom), (x, bottom + TICK)], AXIS, STROKE);
            let half = 0.5 * text_width(&text, SMALL, Weight::Regular);
            if x - half >= free_from {
                canvas.text(
                    &text,
                    (x, bottom + TICK + 4.8),
                    SMALL,
                    Weight::Regular,
                    INK,
                    Anchor::Middle,
                );
                free_from = x + half + 3.0;
            }
        }
        let middle = 0.5 * (self.left + self.right);
        canvas.text(
            self.label(),
            (middle, bottom + TICK + 13.6),
            SMALL,
            Weight::Regular,
            INK,
            Anchor::Middle,
        );
    }

    /// Height that [`TimeAxis::draw`] takes below the frame \[pt\].
    pub const HEIGHT: f64 = 21.0;
}

/// Draws a value axis at the left of a frame, with grid lines through it.
pub(super) fn draw_values(canvas: &mut Canvas<'_>, frame: Frame, scale: &Scale, label: &str, label_x: f64) {
    let y_of = |v: f64| frame.bottom - scale.fraction(v) * frame.height();
    for v in scale.minor() {
        let y = y_of(v);
        canvas.line(&[(frame.left - 0.6 * TICK, y), (frame.left, y)], AXIS, 0.6 * STROKE);
    }
    let mut last = f64::INFINITY;
    for (v, text) in scale.ticks(frame.height()) {
        let y = y_of(v);
        canvas.line(&[(frame.left, y), (frame.right, y)], GRID, 0.4);
        canvas.line(&[(frame.left - TICK, y), (frame.left, y)], AXIS, STROKE);
        if last - y >= SMALL {
            canvas.text(
                &text,
                (frame.left - TICK - 1.5, y),
                SMALL,
                Weight::Regular,
                INK,
                Anchor::Right,
            );
            last = y;
        }
    }
    canvas.line(&[(frame.left, frame.top), (frame.left, frame.bottom)], AXIS, STROKE);
    canvas.upward(label, (label_x, 0.5 * (frame.top + frame.bottom)), SMALL, INK);
}

/// Room that the labels of a scale need left of a frame \[pt\].
pub(super) fn room_for(scale: &Scale, height: f64) -> f64 {
    let widest = scale
        .ticks(height)
        .iter()
        .map(|(_, t)| text_width(t, SMALL, Weight::Regular))
        .fold(0.0, f64::max);
    widest + TICK + 1.5
}

/// A number as people write it on an axis.
pub(super) fn plain(v: f64) -> String {
    let magnitude = v.abs();
    if v == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&magnitude) {
        // Two significant digits are enough for a tick, all digits for a whole number.
        let places = (1.0 - libm::log10(magnitude).floor()).clamp(0.0, 6.0) as usize;
        let text = format!("{v:.places$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    } else {
        let exponent = libm::log10(magnitude).floor();
        let mantissa = (v / libm::pow(10.0, exponent) * 10.0).round() / 10.0;
        let raised: String = format!("{exponent}").chars().map(superscript).collect();
        if mantissa == 1.0 {
            format!("10{raised}")
        } else {
            format!("{mantissa}·10{raised}")
        }
    }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(0x2070 + (c as u32 - '0' as u32)).unwrap_or(c),
        other => other,
    }
}

/// The multiples of `step` between two values.
fn steps(low: f64, high: f64, step: f64) -> Vec<f64> {
    let slack = 1e-9 * (high - low).abs();
    let (first, last) = (((low - slack) / step).ceil(), ((high + slack) / step).floor());
    // Ticks are few by the choice of the step; the limit keeps a slip from filling memory.
    (0..=(last - first).clamp(0.0, 200.0) as u32)
        .map(|i| (first + f64::from(i)) * step + 0.0)
        .filter(|v| *v <= high + slack)
        .collect()
}

/// A step that puts at most `most` intervals between two values, and a tick on both if it can.
fn aligned_step(low: f64, high: f64, most: f64) -> f64 {
    let least = (high - low) / most;
    let whole = |x: f64| (x - x.round()).abs() < 1e-6;
    let mut step = least;
    // Larger and larger steps, until fewer than two intervals are left.
    for _ in 0..8 {
        step = round_up(step, &[1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0]);
        if (high - low) / step < 2.0 - 1e-9 {
            break;
        }
        if whole(low / step) && whole(high / step) {
            return step;
        }
        step *= 1.01;
    }
    nice_step(least)
}

/// The nearest larger step of 1, 2, 2.5 or 5 times a power of ten.
fn nice_step(at_least: f64) -> f64 {
    if at_least > 0.0 && at_least.is_finite() {
        round_up(at_least, &[1.0, 2.0, 2.5, 5.0])
    } else {
        1.0
    }
}

/// The smallest mantissa times a power of ten that is not below `v` > 0.
fn round_up(v: f64, mantissas: &[f64]) -> f64 {
    let power = libm::pow(10.0, libm::log10(v).floor());
    mantissas
        .iter()
        .map(|m| m * power)
        .find(|c| *c >= v * (1.0 - 1e-12))
        .unwrap_or(10.0 * power)
}

/// The largest mantissa times a power of ten that is not above `v` > 0.
fn round_down(v: f64, mantissas: &[f64]) -> f64 {
    let power = libm::pow(10.0, libm::log10(v).floor());
    mantissas
        .iter()
        .rev()
        .map(|m| m * power)
        .find(|c| *c <= v * (1.0 + 1e-12))
        .unwrap_or(power)
}

fn log_values(low: f64, high: f64, mantissas: &[f64]) -> Vec<f64> {
    let (first, last) = (libm::log10(low).floor() as i32, libm::log10(high).ceil() as i32);
    let mut all = Vec::new();
    for exponent in first..=last {
        for m in mantissas {
            // Through text, so that 0.001 is the number a reader means by it.
            let v: f64 = format!("{m}e{exponent}").parse().unwrap_or(f64::NAN);
            if v >= low * (1.0 - 1e-9) && v <= high * (1.0 + 1e-9) {
                all.push(v);
            }
        }
    }
    all
}

/// Decimals needed to tell multiples of a step apart.
fn decimals(step: f64) -> usize {
    (0..6)
        .find(|&p| {
            let scaled = step * libm::pow(10.0, p as f64);
            (scaled - scaled.round()).abs() < 1e-6
        })
        .unwrap_or(6) as usize
}

fn fixed(v: f64, places: usize) -> String {
    if v.abs() >= 1e5 {
        plain(v)
    } else {
        format!("{v:.places$}").replace('-', "−")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_as_people_write_them() {
        let cases = [
            (0.0, "0"),
            (0.01, "0.01"),
            (0.5, "0.5"),
            (1.0, "1"),
            (250.0, "250"),
            (1e5, "10⁵"),
            (2e-7, "2·10⁻⁷"),
        ];
        for (v, text) in cases {
            assert_eq!(plain(v), text);
        }
    }

    #[test]
    fn an_axis_of_shares_ends_with_none_and_all() {
        let scale = Scale::around([0.0, 1.0].into_iter(), 0.0);
        assert!(scale.fraction(0.0) > 0.0, "there is room below, where no share is");
        let scale = scale.within(0.0, 1.0);
        assert_eq!((scale.fraction(0.0), scale.fraction(1.0)), (0.0, 1.0));
    }

    #[test]
    fn a_log_axis_ignores_zeros_and_stops_four_decades_down() {
        let scale = Scale::log([0.0, 1e-30, 380.0, f64::NAN].into_iter());
        assert_eq!(scale, Scale::Log { low: 0.05, high: 500.0 });
        assert_eq!(scale.fraction(0.0), 0.0);
        assert_eq!(scale.fraction(500.0), 1.0);
        let labels: Vec<String> = scale.ticks(90.0).into_iter().map(|(_, t)| t).collect();
        assert_eq!(labels, ["0.1", "1", "10", "100"]);
        assert_eq!(Scale::log([0.0].into_iter()), Scale::Log { low: 0.1, high: 10.0 });
    }

    #[test]
    fn time_is_told_in_hours_up_to_four_days_then_in_days() {
        let axis = |start, end| TimeAxis {
            start,
            end,
            left: 0.0,
            right: 180.0,
        };
        assert_eq!(axis(0.0, 96.0).label(), "Time (hours)");
        assert_eq!(axis(0.0, 97.0).label(), "Time (days)");
        let labels = |a: TimeAxis| a.ticks().into_iter().map(|(_, t)| t).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(axis(0.0, 8.0)), "0 1 2 3 4 5 6 7 8");
        assert_eq!(labels(axis(0.0, 45.0 * 24.0)), "0 5 10 15 20 25 30 35 40 45");
        assert_eq!(labels(axis(0.0, 180.0 * 24.0)), "0 20 40 60 80 100 120 140 160 180");
        assert_eq!(labels(axis(29.0 * 24.0, 36.0 * 24.0)), "29 30 31 32 33 34 35 36");
    }
}
