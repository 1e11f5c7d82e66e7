//! `itbsim diff`: where two runs part, and what followed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::report::{EventRow, RunData, text};

use super::{Failure, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim diff out/missed-refill-branch/as-it-was out/missed-refill-branch/branch
  itbsim diff out/concentration-change/bridge out/concentration-change/no-bridge

A and B are folders of runs, with their events.csv and symptoms.csv.")]
pub(crate) struct Args {
    /// Folder of the first run
    #[arg(value_name = "A", value_hint = clap::ValueHint::DirPath)]
    first: PathBuf,
    /// Folder of the second run
    #[arg(value_name = "B", value_hint = clap::ValueHint::DirPath)]
    second: PathBuf,
}

/// Columns of a table of events that are looked at.
const COLUMNS: [&str; 4] = ["time_h", "component", "kind", "detail"];

/// Lines of what followed on each side that are printed.
const SHOWN: usize = 12;

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let (a, b) = (events_of(&args.first)?, events_of(&args.second)?);
    print(&between(
        &a,
        &args.first.display().to_string(),
        &b,
        &args.second.display().to_string(),
    ))
}

/// The difference of two runs in memory.
pub(super) fn told(a: &RunData, a_name: &str, b: &RunData, b_name: &str) -> String {
    between(&a.events, a_name, &b.events, b_name)
}

/// What two events must share to be the same: ids and causes are numbers of one run.
fn same(a: &EventRow, b: &EventRow) -> bool {
    a.time_h == b.time_h && a.component == b.component && a.kind == b.kind && a.detail == b.detail
}

fn between(a: &[EventRow], a_name: &str, b: &[EventRow], b_name: &str) -> String {
    let shared = a.iter().zip(b).take_while(|(a, b)| same(a, b)).count();
    let mut out = String::new();
    // Writing to a String cannot fail.
    if shared == a.len() && shared == b.len() {
        let _ = writeln!(out, "the same {shared} events in both runs");
        return out;
    }
    let line = |e: &EventRow| {
        let detail = if e.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", e.detail)
        };
        format!("{} {}{detail}", e.component, e.kind)
    };
    let _ = writeln!(out, "the same up to the first {shared} events; then they part");
    for (name, events) in [(a_name, a), (b_name, b)] {
        match events.get(shared) {
            Some(e) => {
                let _ = writeln!(out, "  {name:<12} {:>12}  {}", text::moment(e.time_h), line(e));
            }
            None => {
                let _ = writeln!(out, "  {name:<12} nothing more happens");
            }
        }
    }
    let only = |mine: &[EventRow], other: &[EventRow]| -> Vec<String> {
        let count = |events: &[EventRow]| {
            let mut seen: BTreeMap<String, (usize, f64)> = BTreeMap::new();
            for e in events.iter().skip(shared).filter(|e| matters(e)) {
                let entry = seen
                    .entry(format!("{} {}", e.component, e.kind))
                    .or_insert((0, e.time_h));
                entry.0 += 1;
            }
            seen
        };
        let others = count(other);
        let mut rows: Vec<(f64, String)> = Vec::new();
        for (name, (times, first)) in count(mine) {
            let there = others.get(&name).map_or(0, |o| o.0);
            if times > there {
                let more = if there == 0 {
                    String::new()
                } else {
                    format!(" ({times} times, {there} in the other)")
                };
                rows.push((first, format!("{:>12}  {name}{more}", text::moment(first))));
            }
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.into_iter().map(|r| r.1).collect()
    };
    for (name, mine, other) in [(a_name, a, b), (b_name, b, a)] {
        let rows = only(mine, other);
        let _ = writeln!(out, "only in {name}");
        if rows.is_empty() {
            out.push_str("  nothing\n");
        }
        for row in rows.iter().take(SHOWN) {
            let _ = writeln!(out, "  {row}");
        }
        if rows.len() > SHOWN {
            let _ = writeln!(out, "  and {} more in events.csv", rows.len() - SHOWN);
        }
    }
    out
}

/// Whether an event tells a reader something: not the fronts and thresholds behind others.
fn matters(e: &EventRow) -> bool {
    e.component != "catheter" && !matches!(e.kind.as_str(), "entered" | "left" | "cleared" | "returned" | "timer")
}

fn events_of(folder: &Path) -> Result<Vec<EventRow>, Failure> {
    let path = folder.join("events.csv");
    let bad = |why: String| {
        Failure::Input(format!(
            "error: cannot read `{}`: {why}\n  help: give the folder of one run, an arm's own folder if it has arms",
            path.display()
        ))
    };
    let mut reader = csv::Reader::from_path(&path).map_err(|e| bad(e.to_string()))?;
    // Without its heading a table would pass for one without events.
    let head = reader.headers().map_err(|e| bad(e.to_string()))?;
    if let Some(lacking) = COLUMNS.iter().find(|name| !head.iter().any(|h| h == **name)) {
        return Err(bad(format!("it has no column `{lacking}`")));
    }
    let mut rows = Vec::new();
    for row in reader.deserialize() {
        rows.push(row.map_err(|e| bad(e.to_string()))?);
    }
    Ok(rows)
}
