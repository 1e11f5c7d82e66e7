//! Tests the claims of a scenario against a finished run.

use crate::engine::SimTime;
use crate::scenario::model::{Claim, Expectation, Moment, Statistic};

use super::result::{EventRow, RunResult, Verdict};

/// Instant of a moment in the finished run \[h\]; `None` if its event never came.
fn instant(moment: &Moment, events: &[EventRow]) -> Option<f64> {
    match moment {
        Moment::At(t) => Some(t.hours()),
        Moment::After { event, offset } => first(event, events).map(|t| t + offset.hours()),
    }
}

fn first(name: &str, events: &[EventRow]) -> Option<f64> {
    events.iter().find(|e| e.name() == name).map(|e| e.time_h)
}

fn words(moment: &Moment) -> String {
    match moment {
        Moment::At(t) => span(t.hours()),
        Moment::After { event, offset } if offset.as_nanos() == 0 => event.clone(),
        Moment::After { event, offset } => format!("{event} + {}", span(offset.hours())),
    }
}

/// Hours as a person says them.
pub(crate) fn span(hours: f64) -> String {
    let magnitude = hours.abs();
    if magnitude >= 96.0 {
        format!("{:.1} d", hours / 24.0)
    } else if magnitude >= 1.0 || magnitude == 0.0 {
        format!("{hours:.1} h")
    } else {
        format!("{:.1} min", hours * 60.0)
    }
}

/// Verdicts on all claims, in file order.
pub fn verdicts(expectations: &[Expectation], run: &RunResult, duration: SimTime) -> Vec<Verdict> {
    expectations
        .iter()
        .map(|e| {
            let (claim, met, found) = judge(&e.claim, run, duration);
            Verdict {
                line: e.line,
                claim,
                met,
                found,
                source: e.source.clone(),
            }
        })
        .collect()
}

/// The claim in words, whether it is met, and what was found.
fn judge(claim: &Claim, run: &RunResult, duration: SimTime) -> (String, bool, String) {
    match claim {
        Claim::Never { event } => {
            let at = first(event, &run.events);
            (
                format!("{event} never happens"),
                at.is_none(),
                at.map_or("it did not".into(), |t| format!("first at {}", span(t))),
            )
        }
        Claim::Event { event, from, to } => {
            let text = match (from, to) {
                (None, None) => format!("{event} happens"),
                (Some(a), None) => format!("{event} not before {}", words(a)),
                (None, Some(b)) => format!("{event} not after {}", words(b)),
                (Some(a), Some(b)) => format!("{event} between {} and {}", words(a), words(b)),
            };
            let low = match from {
                None => Some(0.0),
                Some(m) => instant(m, &run.events),
            };
            let high = match to {
                None => Some(duration.hours()),
                Some(m) => instant(m, &run.events),
            };
            match (first(event, &run.events), low, high) {
                (_, None, _) | (_, _, None) => (text, false, "the event it is counted from never happened".into()),
                (None, _, _) => (text, false, "it never happened".into()),
                (Some(t), Some(a), Some(b)) => {
                    let found = if a > 0.0 && from.is_some() {
                        format!("at {} ({} after the window opened)", span(t), span(t - a))
                    } else {
                        format!("at {}", span(t))
                    };
                    (text, t >= a && t <= b, found)
                }
            }
        }
        Claim::Signal {
            signal,
            statistic,
            from,
            to,
            low,
            high,
        } => {
            let what = match statistic {
                Statistic::All => "stays",
                Statistic::Max => "has its maximum",
                Statistic::Min => "has its minimum",
                Statistic::Mean => "has its mean",
            };
            let when = if from == to {
                format!("at {}", words(from))
            } else {
                format!("between {} and {}", words(from), words(to))
            };
            let bounds = match (low.is_finite(), high.is_finite()) {
                (true, true) => format!("within {low} to {high}"),
                (true, false) => format!("at or above {low}"),
                _ => format!("at or below {high}"),
            };
            let text = format!("{signal} {what} {bounds} {when}");
            let (Some(a), Some(b)) = (instant(from, &run.events), instant(to, &run.events)) else {
                return (text, false, "the event it is counted from never happened".into());
            };
            let Some(column) = run.columns.iter().position(|c| c == signal) else {
                return (text, false, "no such column".into());
            };
            let values = window(&run.rows, column, a, b);
            if values.is_empty() {
                return (text, false, "the run has no output there".into());
            }
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let inside = |v: f64| v >= *low && v <= *high;
            let (met, found) = match statistic {
                Statistic::All if least == most => (inside(least), format!("{least:.4}")),
                Statistic::All => (inside(least) && inside(most), format!("{least:.4} to {most:.4}")),
                Statistic::Max => (inside(most), format!("{most:.4}")),
                Statistic::Min => (inside(least), format!("{least:.4}")),
                Statistic::Mean => (inside(mean), format!("{mean:.4}")),
            };
            (text, met, found)
        }
    }
}

/// Values of a column over a window \[h\]; for an instant, the value interpolated between its rows.
fn window(rows: &[Vec<f64>], column: usize, from: f64, to: f64) -> Vec<f64> {
    if from < to {
        return rows
            .iter()
            .filter(|r| r[0] >= from && r[0] <= to)
            .map(|r| r[column])
            .collect();
    }
    let after = rows.iter().position(|r| r[0] >= from);
    match after {
        Some(k) if rows[k][0] == from || k == 0 => vec![rows[k][column]],
        Some(k) => {
            let (a, b) = (&rows[k - 1], &rows[k]);
            let share = (from - a[0]) / (b[0] - a[0]);
            vec![a[column] + share * (b[column] - a[column])]
        }
        None => Vec::new(),
    }
}
