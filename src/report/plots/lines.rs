//! From samples to polylines: cut to the window, break where there is nothing,
//! thin without hiding a peak.

use super::axis::{Scale, TimeAxis};
use super::canvas::{Frame, unit};
use crate::report::Series;

/// A polyline in canvas pixels.
pub(super) type Points = Vec<(i32, i32)>;

/// Width of a thinning column in canvas pixels: 0.3 pt, below what print resolves.
const COLUMN: i32 = 6;
/// Width of a column of a band in canvas pixels: wide enough to hold a pulse.
const BAND: i32 = 40;
/// Vertical over horizontal travel from which a line is drawn as a band.
const BUSY: i64 = 25;

/// The part of a series between two instants \[h\], with its value at both edges.
///
/// A stepped series holds each value to the next sample; others are linear between samples.
pub(super) fn window(series: &Series, start: f64, end: f64, stepped: bool) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for (&t, &v) in series.time_h.iter().zip(&series.value) {
        if !t.is_finite() {
            continue;
        }
        if let Some((t0, v0)) = before {
            let at = |x: f64| {
                if stepped {
                    v0
                } else {
                    v0 + (v - v0) * ((x - t0) / (t - t0))
                }
            };
            if t0 < start && t > start {
                out.push((start, at(start)));
            }
            if t0 < end && t > end {
                out.push((end, at(end)));
            }
            if stepped && t > t0 && t > start && t <= end {
                out.push((t, v0));
            }
        }
        if (start..=end).contains(&t) {
            out.push((t, v));
        }
        before = Some((t, v));
    }
    out
}

/// Polylines in canvas pixels for one series within a frame.
///
/// Breaks where there is no value, and where a logarithmic scale cannot show it:
/// the line then runs down to the lower edge and stops.
pub(super) fn trace(samples: &[(f64, f64)], axis: &TimeAxis, frame: Frame, scale: &Scale) -> Vec<Vec<(i32, i32)>> {
    let place = |t: f64, v: f64| (unit(axis.x(t)), unit(frame.bottom - scale.fraction(v) * frame.height()));
    let mut pieces: Vec<Vec<(i32, i32)>> = Vec::new();
    let mut piece: Vec<(i32, i32)> = Vec::new();
    let mut hidden_before: Option<(i32, i32)> = None;
    for &(t, v) in samples {
        if !v.is_finite() {
            pieces.push(std::mem::take(&mut piece));
            hidden_before = None;
            continue;
        }
        let point = place(t, v);
        if scale.hides(v) {
            if hidden_before.is_none() && !piece.is_empty() {
                piece.push(point);
                pieces.push(std::mem::take(&mut piece));
            }
            hidden_before = Some(point);
        } else {
            piece.extend(hidden_before.take());
            piece.push(point);
        }
    }
    pieces.push(piece);
    pieces
        .into_iter()
        .map(|p| straighten(&thin(&p)))
        .filter(|p| p.len() > 1)
        .collect()
}

/// Keeps the first, lowest, highest and last point of each column.
pub(super) fn thin(points: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut out = Vec::new();
    let mut rest = points;
    while let Some(first) = rest.first() {
        let column = first.0.div_euclid(COLUMN);
        let n = rest.iter().take_while(|p| p.0.div_euclid(COLUMN) == column).count();
        let (here, later) = rest.split_at(n);
        let mut low = 0;
        let mut high = 0;
        for (i, p) in here.iter().enumerate() {
            if p.1 < here[low].1 {
                low = i;
            }
            if p.1 > here[high].1 {
                high = i;
            }
        }
        let mut keep = [0, low, high, n - 1];
        keep.sort_unstable();
        for (i, &k) in keep.iter().enumerate() {
            if i == 0 || keep[i - 1] != k {
                out.push(here[k]);
            }
        }
        rest = later;
    }
    out
}

/// Whether a line goes up and down so often that it would print as a solid block.
pub(super) fn is_busy(points: &[(i32, i32)]) -> bool {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return false;
    };
    let travel: i64 = points.windows(2).map(|w| i64::from((w[1].1 - w[0].1).abs())).sum();
    travel > BUSY * i64::from(last.0 - first.0).max(1)
}

/// The highest and lowest edge of a line, a step a column.
pub(super) fn envelope(points: &[(i32, i32)]) -> (Points, Points) {
    let (mut upper, mut lower) = (Vec::new(), Vec::new());
    let mut rest = points;
    while let Some(first) = rest.first() {
        let column = first.0.div_euclid(BAND);
        let n = rest.iter().take_while(|p| p.0.div_euclid(BAND) == column).count();
        let (here, later) = rest.split_at(n);
        let (mut top, mut bottom) = (first.1, first.1);
        for p in here {
            top = top.min(p.1);
            bottom = bottom.max(p.1);
        }
        let x = (here[0].0 + here[n - 1].0) / 2;
        upper.push((x, top));
        lower.push((x, bottom));
        rest = later;
    }
    // The ends of the line are the ends of its band.
    for edge in [&mut upper, &mut lower] {
        if let (Some(end), Some(last)) = (edge.last_mut(), points.last()) {
            end.0 = last.0;
        }
        if let (Some(end), Some(first)) = (edge.first_mut(), points.first()) {
            end.0 = first.0;
        }
    }
    (straighten(&upper), straighten(&lower))
}

/// Drops points inside exactly horizontal or vertical runs, and repeated points.
fn straighten(points: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut out: Vec<(i32, i32)> = Vec::new();
    for &p in points {
        if out.last() == Some(&p) {
            continue;
        }
        if let [.., a, b] = out[..] {
            let level = a.1 == b.1 && b.1 == p.1;
            let upright = a.0 == b.0 && b.0 == p.0 && (b.1 - a.1).signum() == (p.1 - b.1).signum();
            if level || upright {
                out.pop();
            }
        }
        out.push(p);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        Series {
            time_h: points.iter().map(|p| p.0).collect(),
            value: points.iter().map(|p| p.1).collect(),
        }
    }

    #[test]
    fn a_window_carries_the_value_at_its_edges() {
        let s = series(&[(0.0, 0.0), (10.0, 10.0), (10.0, 2.0), (20.0, 4.0)]);
        assert_eq!(
            window(&s, 5.0, 15.0, false),
            [(5.0, 5.0), (10.0, 10.0), (10.0, 2.0), (15.0, 3.0)]
        );
        assert_eq!(
            window(&s, 5.0, 15.0, true),
            [(5.0, 0.0), (10.0, 0.0), (10.0, 10.0), (10.0, 2.0), (15.0, 2.0)]
        );
        assert_eq!(window(&s, 11.0, 12.0, false).len(), 2);
        assert_eq!(window(&s, 11.0, 12.0, true), [(11.0, 2.0), (12.0, 2.0)]);
    }

    #[test]
    fn thinning_keeps_every_peak_and_trough() {
        let mut points: Vec<(i32, i32)> = (0..60_000).map(|i| (i / 100, 500 + (i * 37) % 11)).collect();
        points[33_333].1 = 9_000;
        points[44_444].1 = -9_000;
        let kept = thin(&points);
        assert!(kept.len() <= 4 * 101, "{}", kept.len());
        assert!(kept.contains(&points[33_333]) && kept.contains(&points[44_444]));
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[59_999]));
        assert!(kept.windows(2).all(|w| w[0].0 <= w[1].0));
    }

    #[test]
    fn a_pulsed_line_becomes_a_band_between_its_limits() {
        let pulses: Vec<(i32, i32)> = (0..1000).map(|i| (4 * i, if i % 4 < 2 { 100 } else { 900 })).collect();
        assert!(is_busy(&pulses));
        assert_eq!(
            envelope(&pulses),
            (vec![(0, 100), (3996, 100)], vec![(0, 900), (3996, 900)])
        );
        let slope: Vec<(i32, i32)> = (0..1000).map(|i| (4 * i, i)).collect();
        assert!(!is_busy(&slope) && !is_busy(&[]));
    }

    #[test]
    fn a_line_breaks_at_missing_values_and_below_a_log_axis() {
        let axis = TimeAxis {
            start: 0.0,
            end: 10.0,
            left: 0.0,
            right: 100.0,
        };
        let frame = Frame {
            left: 0.0,
            top: 0.0,
            right: 100.0,
            bottom: 100.0,
        };
        let scale = Scale::Log { low: 1.0, high: 100.0 };
        let nan = f64::NAN;
        let samples = [
            (0.0, 10.0),
            (1.0, 0.0),
            (2.0, 0.0),
            (3.0, 0.0),
            (4.0, 100.0),
            (5.0, nan),
            (6.0, 10.0),
            (7.0, 10.0),
        ];
        let pieces = trace(&samples, &axis, frame, &scale);
        assert_eq!(
            pieces,
            [
                vec![(0, 1000), (200, 2000)],
                vec![(600, 2000), (800, 0)],
                vec![(1200, 1000), (1400, 1000)],
            ]
        );
    }
}
