//! Fewer samples that look the same: in every stretch of time the extremes of every line stay.

use crate::report::{RunData, Table};

use super::data::{Anatomy, LaneData, LaneSpec};
use super::lanes::LOST;
use crate::report::column;
use crate::signals::Level;

/// Digits kept of a value; a chart a thousand points high needs three.
const DIGITS: usize = 5;
/// Decimals of an hour kept: a third of a second.
const TIME_SCALE: f64 = 1e4;
/// Part of the range of a line that a jump must have to be drawn with both limits.
const JUMP: f64 = 0.01;

/// Powers of ten that are exact.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A value with [`DIGITS`] significant digits; no number stays no number.
pub(super) fn rounded(x: f64) -> f64 {
    to_digits(x, DIGITS)
}

/// A value with so many significant digits, at most 15.
///
/// Only sums, products and quotients of exact powers of ten, so that the same digits come out on
/// every machine; a page has ten thousands of them.
fn to_digits(x: f64, digits: usize) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let size = x.abs();
    let keep = digits - 1;
    let exact = 1.0 <= size && size < TENS[TENS.len() - 1];
    let whole = if exact {
        // Digits before the point, less one.
        let place = TENS.partition_point(|ten| *ten <= size) - 1;
        if place > keep {
            (x / TENS[place - keep]).round() * TENS[place - keep]
        } else {
            (x * TENS[keep - place]).round() / TENS[keep - place]
        }
    } else if let Some(zeros) = (1..TENS.len() - keep).find(|n| size < 1.0 && size * TENS[*n] >= 1.0) {
        (x * TENS[zeros + keep]).round() / TENS[zeros + keep]
    } else {
        // Too small or too large for an exact power; zero is among these.
        format!("{x:.keep$e}").parse().unwrap_or(x)
    };
    whole + 0.0
}

/// A time as the page keeps it \[h\].
pub(super) fn time(t: f64) -> f64 {
    (t * TIME_SCALE).round() / TIME_SCALE + 0.0
}

/// The lines of one chart in one run.
pub(super) fn lane(run: &RunData, spec: &LaneSpec, windows: &[(f64, f64)], buckets: usize) -> LaneData {
    let table = if run.trajectory.rows.is_empty() {
        &run.table
    } else {
        &run.trajectory
    };
    let Some(t) = column_of(table, column::TIME) else {
        return LaneData::default();
    };
    let columns: Vec<Vec<f64>> = spec
        .series
        .iter()
        .map(|s| match s.column.as_str() {
            LOST => lost(&run.ledger, &t),
            name => column_of(table, name).unwrap_or_else(|| vec![f64::NAN; t.len()]),
        })
        .collect();
    let kept = pick(&t, &columns, windows, buckets);
    let times: Vec<f64> = kept.iter().map(|i| t[*i]).collect();
    let values: Vec<Vec<f64>> = columns
        .iter()
        .map(|c| kept.iter().map(|i| rounded(c[*i])).collect())
        .collect();
    let drawn = straight(&times, &values);
    LaneData {
        t: drawn.iter().map(|i| time(times[*i])).collect(),
        v: values.iter().map(|c| drawn.iter().map(|i| c[*i]).collect()).collect(),
    }
}

/// Concentrations by level over time, for the drawing of the spine.
pub(super) fn levels(run: &RunData, windows: &[(f64, f64)], buckets: usize) -> Anatomy {
    let mut anatomy = Anatomy::default();
    let Some(t) = column_of(&run.table, column::TIME) else {
        return anatomy;
    };
    let named = Level::ALL.iter().map(|l| (l.to_string(), column::csf(*l)));
    let more = [
        ("cisternal".to_owned(), column::CISTERNAL.to_owned()),
        ("cranial".to_owned(), "csf_cranial_ng_per_ml".to_owned()),
    ];
    let mut columns = Vec::new();
    for (name, column) in named.chain(more) {
        if let Some(values) = column_of(&run.table, &column) {
            anatomy.levels.push(name);
            columns.push(values);
        }
    }
    // The colours of a few levels show what matters; extremes of all would keep every row.
    let leading: Vec<Vec<f64>> = columns.iter().step_by(9).cloned().collect();
    let kept = pick(&t, &leading, windows, buckets);
    anatomy.t = kept.iter().map(|i| time(t[*i])).collect();
    let short = |x: f64| to_digits(x, 3);
    anatomy.ng_per_ml = columns
        .iter()
        .map(|c| kept.iter().map(|i| short(c[*i])).collect())
        .collect();
    anatomy
}

fn column_of(table: &Table, name: &str) -> Option<Vec<f64>> {
    let at = table.position(name)?;
    Some(
        table
            .rows
            .iter()
            .map(|r| r.get(at).copied().unwrap_or(f64::NAN))
            .collect(),
    )
}

/// Rate at which drug leaves the system outside the spinal fluid, from the ledger \[ug/day\].
fn lost(ledger: &Table, t: &[f64]) -> Vec<f64> {
    let (Some(times), Some(leaked), Some(filled)) = (
        column_of(ledger, column::TIME),
        column_of(ledger, "leaked_ug"),
        column_of(ledger, "filled_ug"),
    ) else {
        return vec![f64::NAN; t.len()];
    };
    let mut at = 0;
    t.iter()
        .map(|&t| {
            while at + 2 < times.len() && times[at + 1] <= t {
                at += 1;
            }
            let (Some(&from), Some(&to)) = (times.get(at), times.get(at + 1)) else {
                return 0.0;
            };
            let gone = leaked[at + 1] - leaked[at];
            // Below what the ledger is checked to there is only rounding.
            if to <= from || gone.abs() <= 1e-9 * filled[at + 1].abs() {
                return 0.0;
            }
            gone / (to - from) * 24.0
        })
        .collect()
}

/// Places of the rows that stay, rising: per window `buckets` stretches of time, in each the
/// first row and the extremes of every line; both limits of every jump that can be seen.
fn pick(t: &[f64], columns: &[Vec<f64>], windows: &[(f64, f64)], buckets: usize) -> Vec<usize> {
    if t.is_empty() {
        return Vec::new();
    }
    let mut keep = vec![false; t.len()];
    keep[t.len() - 1] = true;
    for &(from, to) in windows.iter().filter(|w| w.1 > w.0) {
        let width = (to - from) / buckets.max(1) as f64;
        let mut at = t.partition_point(|x| *x < from);
        let mut bucket = 0;
        while at < t.len() && t[at] <= to && bucket < buckets {
            let end = from + width * (bucket + 1) as f64;
            let last = bucket + 1 == buckets;
            let next = at + t[at..].partition_point(|x| *x < end || (last && *x <= to));
            bucket += 1;
            if next == at {
                continue;
            }
            keep[at] = true;
            for column in columns {
                let rows = at..next;
                let known = || rows.clone().filter(|i| column[*i].is_finite());
                // The first of equal extremes, so that the choice is one and the same.
                let low = known().min_by(|a, b| column[*a].total_cmp(&column[*b]));
                let high = known().rev().max_by(|a, b| column[*a].total_cmp(&column[*b]));
                for i in low.into_iter().chain(high) {
                    keep[i] = true;
                }
            }
            at = next;
        }
    }
    let spans: Vec<f64> = columns.iter().map(|c| range(c)).collect();
    let jump = |i: &usize| {
        t[*i] == t[*i - 1]
            && columns
                .iter()
                .zip(&spans)
                .any(|(c, span)| (c[*i] - c[*i - 1]).abs() > JUMP * span)
    };
    let jumps: Vec<usize> = (1..t.len()).filter(jump).collect();
    // So many jumps are a pattern, which the extremes draw.
    if jumps.len() <= buckets {
        for i in jumps {
            keep[i] = true;
            keep[i - 1] = true;
        }
    }
    // What stands before the events of the first instant is nobody's state.
    let start = t.partition_point(|x| *x <= t[0]) - 1;
    keep[start] = true;
    (start..t.len()).filter(|i| keep[*i]).collect()
}

fn range(values: &[f64]) -> f64 {
    let known = values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if high > low { high - low } else { 0.0 }
}

/// Places of the rows that stay when those are left out in which every line goes on level.
fn straight(t: &[f64], columns: &[Vec<f64>]) -> Vec<usize> {
    let mut out: Vec<usize> = Vec::with_capacity(t.len());
    for i in 0..t.len() {
        let neighbours = out.last().copied().filter(|_| i + 1 < t.len());
        let level = neighbours.is_some_and(|before| {
            let after = i + 1;
            t[before] < t[i] && t[i] < t[after] && {
                let same = |c: &Vec<f64>| {
                    let (a, b, c) = (c[before], c[i], c[after]);
                    (a == b && b == c) || (a.is_nan() && b.is_nan() && c.is_nan())
                };
                columns.iter().all(same)
            }
        });
        if !level {
            out.push(i);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_five_digits_and_no_number_stays_none() {
        assert_eq!(rounded(123_456.7), 123_460.0);
        assert_eq!(rounded(-0.0).to_bits(), 0.0_f64.to_bits());
        assert!(rounded(f64::INFINITY).is_nan());
        assert_eq!(time(30.058_256_925_677_778), 30.0583);
        assert_eq!(rounded(0.0), 0.0);
        assert_eq!(rounded(9.999_96), 10.0);
        assert_eq!(rounded(-0.099_999_7), -0.1);
        assert_eq!(rounded(4e-30), 4e-30);
    }

    #[test]
    fn rounding_gives_the_number_that_its_digits_say() {
        // By another way: as text. Ties aside, which no product of this walk is.
        let mut x = 1.234_567_891e-24_f64;
        while x < 1e30 {
            for digits in [3, 5] {
                let text: f64 = format!("{x:.*e}", digits - 1).parse().unwrap();
                let own = to_digits(x, digits);
                assert!((own - text).abs() <= 1e-12 * text, "{x:e}: {own:e}, {text:e}");
                // Short to print as well: no trail of nines.
                if (1e-15..1e15).contains(&x) {
                    assert_eq!(own, text, "{x:e}");
                }
                assert_eq!(to_digits(-x, digits), -own);
            }
            x *= 1.618_033_988_7;
        }
    }

    #[test]
    fn a_spike_between_a_million_level_samples_survives_with_its_height() {
        let n = 100_000;
        let t: Vec<f64> = (0..n).map(|i| i as f64 * 0.01).collect();
        let mut v = vec![1.0; n];
        v[77_777] = 9.0;
        v[33_333] = -4.0;
        let kept = pick(&t, std::slice::from_ref(&v), &[(0.0, 999.99)], 100);
        assert!(kept.contains(&77_777) && kept.contains(&33_333));
        assert!(kept.len() <= 3 * 100 + 2, "{}", kept.len());
        let of = |all: &[f64]| kept.iter().map(|i| all[*i]).collect::<Vec<f64>>();
        let drawn: Vec<usize> = straight(&of(&t), &[of(&v)]).into_iter().map(|k| kept[k]).collect();
        assert!(drawn.contains(&77_777) && drawn.contains(&33_333));
        // First, last, and each spike between its level neighbours.
        assert!(drawn.len() <= 8, "{drawn:?}");
        assert!(drawn.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn both_limits_of_a_jump_stay() {
        let t = vec![0.0, 1.0, 2.0, 2.0, 3.0, 4.0];
        let v = vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
        let kept = pick(&t, std::slice::from_ref(&v), &[(0.0, 4.0)], 2);
        assert!(kept.contains(&2) && kept.contains(&3), "{kept:?}");
    }

    #[test]
    fn what_is_lost_is_the_slope_of_the_ledger_and_dust_is_nothing() {
        let ledger = Table {
            columns: ["time_h", "leaked_ug", "filled_ug"].map(str::to_owned).to_vec(),
            rows: vec![vec![0.0, 0.0, 1000.0], vec![2.0, 1e-8, 1000.0], vec![4.0, 10.0, 1000.0]],
        };
        let rates = lost(&ledger, &[0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(rates[..2], [0.0, 0.0]);
        assert!((rates[2] - 120.0).abs() < 1e-6 && rates[3] == rates[2] && rates[4] == rates[2]);
    }
}
