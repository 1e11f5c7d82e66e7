//! What a reader sees at the end of a batch.

use std::fmt::Write as _;
use std::path::Path;

use crate::batch::{self, Identity, State, tables};
use crate::scenario::model::Matrix;

/// What a reader sees at the end.
pub(super) fn told(identity: &Identity, state: &State, covered: u64, target: &Path) -> String {
    let mut out = format!("{}\n\n", identity.title);
    let mut table = batch::RankTable::default();
    if let Some(matrix) = &identity.matrix {
        cells_told(&mut out, identity, matrix, state, covered);
        let _ = writeln!(out, "\nwritten to {}; matrix.csv has all outcomes", target.display());
        out.push_str("For teaching and research, never for treating a person.\n");
        return out;
    }
    for arm in &state.arms {
        let mut name = String::new();
        if !arm.arm.is_empty() {
            let _ = write!(name, "arm {}: ", arm.arm);
        }
        if !arm.stratum.is_empty() {
            let _ = write!(name, "stratum {}: ", arm.stratum);
        }
        let _ = write!(out, "{name}{} of {} replicates", arm.done(), identity.n);
        if arm.failed > 0 {
            let _ = write!(out, ", {} failed", arm.failed);
        }
        if covered < identity.n {
            let _ = write!(out, ", {} not run", identity.n - covered);
        }
        let _ = writeln!(out, ", {:.0} patient-years", arm.hours() / 8_766.0);
        if !identity.bias.is_none() && arm.stratum.is_empty() {
            let _ = writeln!(out, "effective sample size {:.1}", arm.effective());
        }
        for failure in arm.failures.iter().take(3) {
            let _ = writeln!(out, "  replicate {} failed: {}", failure.replicate, failure.reason);
        }
        let _ = writeln!(
            out,
            "\n{:<28} {:>9} {:>12} {:>24} {:>12} {:>10} {:>10}",
            "outcome", "n", "mean", "95 % interval", "median", "5 %", "95 %"
        );
        for (i, outcome) in arm.outcomes.iter().enumerate() {
            let Some(found) = outcome.moments.estimate() else {
                continue;
            };
            let q = tables::outcome_quantiles(arm, i, &mut table);
            let cell = |x: Option<f64>| x.map_or("-".to_owned(), short);
            let interval = format!("{} to {}", cell(found.low), cell(found.high));
            let _ = writeln!(
                out,
                "{:<28} {:>9} {:>12} {interval:>24} {:>12} {:>10} {:>10}",
                outcome.name,
                outcome.moments.n(),
                short(found.mean),
                cell(q[2].map(|q| q.value)),
                cell(q[0].map(|q| q.value)),
                cell(q[4].map(|q| q.value)),
            );
        }
        if !arm.levels.draws.is_empty() {
            out.push_str(&levels_told(arm));
        }
        let mut lines = String::new();
        for (cause, points) in batch::aalen_johansen(&arm.first) {
            if let Some(p) = points.last() {
                let events: u64 = points.iter().map(|p| p.events).sum();
                let _ = writeln!(
                    lines,
                    "{cause:<28} {events:>9} {:>12} {:>24}",
                    percent(p.value),
                    format!("{} to {}", percent(p.low), percent(p.high))
                );
            }
        }
        if !lines.is_empty() {
            let _ = writeln!(
                out,
                "\n{:<28} {:>9} {:>12} {:>24}",
                "first cause", "n", "by the end", "95 % interval"
            );
            out.push_str(&lines);
        }
        out.push('\n');
    }
    let _ = writeln!(out, "written to {}", target.display());
    out.push_str("For teaching and research, never for treating a person.\n");
    out
}

/// Outcomes that differ between cells, in one line a cell.
const CELL_OUTCOMES: usize = 4;

/// One line a cell: M of N, its values, and the first outcomes that differ between cells.
fn cells_told(out: &mut String, identity: &Identity, matrix: &Matrix, state: &State, covered: u64) {
    let arms: Vec<&batch::ArmState> = state.whole().collect();
    let differs = |name: &str| {
        let mut means = arms.iter().map(|arm| batch::matrix::mean(arm, name));
        let first = means.next();
        means.any(|m| Some(m) != first)
    };
    let shown: Vec<&str> = crate::report::matrix::SHOWN
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| differs(name))
        .take(CELL_OUTCOMES)
        .collect();
    let mut rows: Vec<Vec<String>> = vec![
        crate::report::matrix::columns(matrix)
            .into_iter()
            .skip(1)
            .map(str::to_owned)
            .collect(),
    ];
    rows[0].push("n of".into());
    rows[0].extend(shown.iter().map(|name| (*name).to_owned()));
    for (cell, arm) in arms.iter().enumerate() {
        let mut row: Vec<String> = crate::report::matrix::fields(matrix, cell, &arm.arm)
            .into_iter()
            .skip(1)
            .map(str::to_owned)
            .collect();
        row.push(format!("{} of {}", arm.done(), identity.n));
        row.extend(
            shown
                .iter()
                .map(|name| batch::matrix::mean(arm, name).map_or("-".to_owned(), short)),
        );
        rows.push(row);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|k| rows.iter().map(|r| r[k].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:>width$}"))
            .collect();
        let _ = writeln!(out, "{}", cells.join("  "));
    }
    let failed: u64 = arms.iter().map(|a| a.failed).sum();
    if failed > 0 {
        let _ = writeln!(out, "{failed} replicates failed; failures.csv names them");
    }
    if covered < identity.n {
        let _ = writeln!(
            out,
            "{} of {} replicates of each cell not run",
            identity.n - covered,
            identity.n
        );
    }
}

/// Where the spread of each outcome comes from.
fn levels_told(arm: &batch::ArmState) -> String {
    let mut out = format!(
        "\n{:<40} {:>9} {:>12} {:>12} {:>12} {:>12} {:>10}\n",
        "spread", "draws", "mean", "its error", "patients", "parameters", "share"
    );
    for quantity in batch::uncertainty::quantities(arm) {
        let Some(found) = batch::uncertainty::split(&quantity.groups) else {
            continue;
        };
        let name = match quantity.kind {
            "event" => format!("share with {}", quantity.name),
            "difference" => format!("less first arm: {}", quantity.name),
            _ => quantity.name.to_owned(),
        };
        let _ = writeln!(
            out,
            "{name:<40} {:>9} {:>12} {:>12} {:>12} {:>12} {:>10}",
            found.draws,
            short(found.mean),
            short(found.error),
            short(found.patients),
            short(found.parameters),
            found.share().map_or("-".to_owned(), percent),
        );
    }
    out.push_str("patients, parameters: standard deviation between patients, and of the mean by what is uncertain\n");
    out
}

/// Four significant digits or so.
pub(super) fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        s if s >= 1000.0 => format!("{x:.0}"),
        s if s >= 10.0 => format!("{x:.1}"),
        s if s >= 0.01 => format!("{x:.3}"),
        _ => format!("{x:.2e}"),
    }
}

fn percent(x: f64) -> String {
    format!("{} %", short(100.0 * x))
}
