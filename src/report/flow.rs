//! What a bench of flow controllers leaves behind: tables and a summary.
//!
//! | file | a row is |
//! |---|---|
//! | `ranking.csv` | a controller with its mean place |
//! | `results.csv` | one controller in one test |
//! | `trumpet.csv` | a window length of one of these |
//! | `start_up.csv` | an interval of 15 min or more of the first day |
//! | `steps.csv`, `occlusions.csv`, `alarms.csv` | a step of the programme, a stop of the line, an alarm |
//! | `safety.csv` | a rule of the generic infusion pump that was broken |
//! | `series/TEST.csv` | an instant of a test: volumes and pressures of all controllers |

use serde_json::json;

use super::folder::WRITER;
use super::tables::{number, push_number};
use super::{DISCLAIMER, ReportError, RunFolder};
use crate::flow::{Cell, Place, Results, ranking, safety};
use crate::scenario::flow_bench::Bench;

/// Shortest interval of the start-up table \[h\], and its length.
const START_UP: (f64, f64) = (0.25, 24.0);
/// Most rows of one series; a longer one is thinned by whole steps.
const MOST_ROWS: usize = 20_000;

/// A table as text, a line a row.
struct Csv(String);

impl Csv {
    fn new(columns: &[&str]) -> Csv {
        Csv(columns.join(",") + "\n")
    }

    /// Words first, then numbers; ids and names of kinds hold nothing that needs quotes.
    fn row(&mut self, words: &[&str], numbers: &[Option<f64>]) {
        let mut cells: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        cells.extend(numbers.iter().map(|x| number(x.unwrap_or(f64::NAN))));
        self.0.push_str(&cells.join(","));
        self.0.push('\n');
    }
}

fn names<'a>(bench: &'a Bench, results: &'a Results, cell: &Cell) -> (&'a str, &'a str) {
    (
        results.controllers[cell.controller].id.as_str(),
        bench.tests[cell.test].id.as_str(),
    )
}

/// Writes all tables into a folder.
///
/// # Errors
/// As [`RunFolder::write`].
pub fn write_tables(bench: &Bench, results: &Results, folder: &mut RunFolder) -> Result<(), ReportError> {
    folder.write("ranking.csv", places(&ranking(results)).as_bytes())?;
    folder.write("results.csv", cells(bench, results).as_bytes())?;
    folder.write("trumpet.csv", trumpets(bench, results).as_bytes())?;
    folder.write("start_up.csv", start_ups(bench, results).as_bytes())?;
    let (steps, occlusions, alarms) = happenings(bench, results);
    folder.write("steps.csv", steps.as_bytes())?;
    folder.write("occlusions.csv", occlusions.as_bytes())?;
    folder.write("alarms.csv", alarms.as_bytes())?;
    folder.write("safety.csv", rules(bench, results).as_bytes())?;
    for (i, test) in bench.tests.iter().enumerate() {
        folder.write(&format!("series/{}.csv", test.id), series(bench, results, i).as_bytes())?;
    }
    Ok(())
}

fn places(places: &[Place]) -> String {
    let mut csv = Csv::new(&[
        "controller",
        "mean_place",
        "figures",
        "mean_error_percent",
        "within_10_percent",
        "missed_ml",
        "worst_bolus_ml",
        "false_alarms",
        "energy_mj_per_ml",
        "worst_operations",
    ]);
    for p in places {
        csv.row(
            &[&p.controller],
            &[
                Some(p.mean_place),
                Some(p.figures as f64),
                p.mean_error_percent,
                p.within_10_percent,
                Some(p.missed_ml),
                Some(p.worst_bolus_ml),
                Some(p.false_alarms as f64),
                p.energy_mj_per_ml,
                Some(p.worst_operations as f64),
            ],
        );
    }
    csv.0
}

fn cells(bench: &Bench, results: &Results) -> String {
    let mut csv = Csv::new(&[
        "controller",
        "test",
        "fingerprint",
        "window_h",
        "delivered_ml",
        "requested_ml",
        "mean_error_percent",
        "start_up_h",
        "within_5_percent",
        "within_10_percent",
        "within_15_percent",
        "false_alarms",
        "false_alarms_per_1000_days",
        "energy_mj_per_ml",
        "strokes_per_ml",
        "strokes",
        "strokes_moved",
        "strokes_refused",
        "samples",
        "ticks",
        "operations_per_tick",
        "worst_operations",
        "leaked_ml",
        "events",
    ]);
    for cell in &results.cells {
        let (controller, test) = names(bench, results, cell);
        let (m, r) = (&cell.metrics, &cell.run);
        csv.row(
            &[controller, test, &format!("{:016x}", r.fingerprint)],
            &[
                Some(m.window_h),
                Some(m.delivered_ml),
                Some(m.requested_ml),
                m.mean_error_percent,
                m.start_up_h,
                m.within_5_percent,
                m.within_10_percent,
                m.within_15_percent,
                Some(m.false_alarms as f64),
                Some(m.false_alarms_per_1000_days),
                m.energy_mj_per_ml,
                m.strokes_per_ml,
                Some(r.strokes as f64),
                Some(r.moved as f64),
                Some(r.refused as f64),
                Some(r.samples as f64),
                Some(r.ticks as f64),
                Some(m.operations_per_tick),
                Some(m.worst_operations as f64),
                Some(r.leaked_ml),
                Some(r.events as f64),
            ],
        );
    }
    csv.0
}

fn trumpets(bench: &Bench, results: &Results) -> String {
    let mut csv = Csv::new(&[
        "controller",
        "test",
        "window_min",
        "windows",
        "max_percent",
        "min_percent",
        "mean_percent",
    ]);
    for cell in &results.cells {
        let (controller, test) = names(bench, results, cell);
        let Some(trumpet) = &cell.metrics.trumpet else { continue };
        for p in &trumpet.points {
            csv.row(
                &[controller, test],
                &[
                    Some(p.window_min),
                    Some(p.windows as f64),
                    Some(p.max_percent),
                    Some(p.min_percent),
                    Some(trumpet.mean_percent),
                ],
            );
        }
    }
    csv.0
}

/// The start-up curve of a cell: end of each interval \[h\] and mean flow in it \[mL/day\].
pub(super) fn start_up(cell: &Cell) -> Vec<(f64, f64)> {
    let volumes = &cell.run.volumes;
    let step_h = volumes.interval_min / 60.0;
    let group = ((START_UP.0 / step_h).round() as usize).max(1);
    let hours = group as f64 * step_h;
    (1..=volumes.total.len().saturating_sub(1) / group)
        .map(|k| (k, k as f64 * hours))
        .take_while(|(_, end)| *end <= START_UP.1)
        .map(|(k, end)| {
            let volume = volumes.total[k * group] - volumes.total[(k - 1) * group];
            (end, 24.0 * volume / hours)
        })
        .collect()
}

fn start_ups(bench: &Bench, results: &Results) -> String {
    let mut csv = Csv::new(&["controller", "test", "end_h", "flow_ml_per_day"]);
    for cell in &results.cells {
        let (controller, test) = names(bench, results, cell);
        for (end, flow) in start_up(cell) {
            csv.row(&[controller, test], &[Some(end), Some(flow)]);
        }
    }
    csv.0
}

fn happenings(bench: &Bench, results: &Results) -> (String, String, String) {
    let mut steps = Csv::new(&[
        "controller",
        "test",
        "at_h",
        "from_ml_per_day",
        "to_ml_per_day",
        "settling_h",
        "overshoot_percent",
        "steady_error_percent",
    ]);
    let mut occlusions = Csv::new(&[
        "controller",
        "test",
        "stimulus",
        "at_h",
        "alarm_after_h",
        "missed_ml",
        "bolus_ml",
    ]);
    let mut alarms = Csv::new(&["controller", "test", "reason", "time_h", "delivered_ml", "left_ml"]);
    for cell in &results.cells {
        let (controller, test) = names(bench, results, cell);
        for s in &cell.metrics.steps {
            steps.row(
                &[controller, test],
                &[
                    Some(s.at_h),
                    Some(s.from_ml_per_day),
                    Some(s.to_ml_per_day),
                    s.settling_h,
                    Some(s.overshoot_percent),
                    Some(s.steady_error_percent),
                ],
            );
        }
        for o in &cell.metrics.occlusions {
            occlusions.row(
                &[controller, test, &o.stimulus],
                &[Some(o.at_h), o.alarm_after_h, Some(o.missed_ml), o.bolus_ml],
            );
        }
        for a in &cell.run.alarms {
            alarms.row(
                &[controller, test, a.reason.word()],
                &[Some(a.time_h), Some(a.delivered_ml), Some(a.left_ml)],
            );
        }
    }
    (steps.0, occlusions.0, alarms.0)
}

fn rules(bench: &Bench, results: &Results) -> String {
    let mut csv = Csv::new(&["controller", "test", "rule", "at_h", "found", "allowed"]);
    for cell in &results.cells {
        let (controller, test) = names(bench, results, cell);
        for v in safety::check(&bench.tests[cell.test], &cell.run) {
            csv.row(
                &[controller, test, v.rule.word()],
                &[Some(v.at_h), Some(v.found), Some(v.allowed)],
            );
        }
    }
    csv.0
}

fn series(bench: &Bench, results: &Results, test: usize) -> String {
    let cells: Vec<&Cell> = results.of_test(test).collect();
    let Some(first) = cells.first() else {
        return String::new();
    };
    let mut text = "time_h,requested_ml".to_owned();
    for cell in &cells {
        let id = results.controllers[cell.controller].id.replace('-', "_");
        text.push_str(&format!(",{id}_delivered_ml,{id}_pressure_kpa"));
    }
    text.push('\n');
    let rows = first.run.requested.len();
    let every = rows.div_ceil(MOST_ROWS).max(1);
    let step_h = bench.tests[test].sample.hours();
    for row in (0..rows).step_by(every) {
        push_number(&mut text, row as f64 * step_h);
        text.push(',');
        push_number(&mut text, first.run.requested[row]);
        for cell in &cells {
            for value in [cell.run.volumes.total[row], cell.run.pressure[row]] {
                text.push(',');
                push_number(&mut text, value);
            }
        }
        text.push('\n');
    }
    text
}

/// The summary as a value: identity, ranking, and all figures.
pub fn summary(bench: &Bench, results: &Results, files: &[String]) -> serde_json::Value {
    let cells: Vec<serde_json::Value> = results
        .cells
        .iter()
        .map(|cell| {
            let (controller, test) = names(bench, results, cell);
            json!({
                "controller": controller,
                "test": test,
                "fingerprint": format!("{:016x}", cell.run.fingerprint),
                "metrics": cell.metrics,
                "alarms": cell.run.alarms,
                "rules_broken": safety::check(&bench.tests[cell.test], &cell.run),
            })
        })
        .collect();
    json!({
        "written_by": WRITER,
        "version": env!("CARGO_PKG_VERSION"),
        "title": bench.title,
        "bench": bench.name,
        "bench_hash": bench.hash,
        "seed": bench.seed,
        "ranking": ranking(results),
        "cells": cells,
        "files": files,
        "disclaimer": DISCLAIMER,
    })
}

/// Writes `summary.json`, which names the files already in the folder and itself.
///
/// # Errors
/// [`ReportError::Encode`], and as [`RunFolder::write`].
pub fn write_summary(bench: &Bench, results: &Results, folder: &mut RunFolder) -> Result<(), ReportError> {
    const NAME: &str = "summary.json";
    let mut files: Vec<String> = folder.written().map(str::to_owned).collect();
    files.push(NAME.to_owned());
    let value = summary(bench, results, &files);
    let mut text = serde_json::to_string_pretty(&value).map_err(|e| ReportError::Encode {
        table: NAME,
        reason: e.to_string(),
    })?;
    text.push('\n');
    folder.write(NAME, text.as_bytes())
}

/// The ranking for a terminal.
pub fn ranking_text(bench: &Bench, results: &Results) -> String {
    let mut out = format!(
        "{}\n{} controllers, {} tests, seed {}\n\n{:<4}{:<18}{:>7}{:>12}{:>12}{:>11}{:>12}{:>8}{:>11}{:>12}\n",
        bench.title,
        results.controllers.len(),
        bench.tests.len(),
        bench.seed,
        "",
        "controller",
        "place",
        "mean error",
        "within 10%",
        "missed",
        "worst bolus",
        "false",
        "energy",
        "worst call",
    );
    let percent = |x: Option<f64>, places: usize| x.map_or("-".to_owned(), |x| format!("{x:.places$} %"));
    for (i, p) in ranking(results).iter().enumerate() {
        out.push_str(&format!(
            "{:<4}{:<18}{:>7.2}{:>12}{:>12}{:>11}{:>12}{:>8}{:>11}{:>12}\n",
            format!("{}.", i + 1),
            p.controller,
            p.mean_place,
            percent(p.mean_error_percent, 2),
            percent(p.within_10_percent, 1),
            format!("{:.1} uL", 1e3 * p.missed_ml),
            format!("{:.1} uL", 1e3 * p.worst_bolus_ml),
            p.false_alarms,
            p.energy_mj_per_ml
                .map_or("-".to_owned(), |e| format!("{:.1} J/mL", 1e-3 * e)),
            format!("{} op", p.worst_operations),
        ));
    }
    out.push_str(
        "\nplace: mean over all figures of all tests, 1 is best. Mean error: size, mean over the tests.\n\
         missed: volume until the alarm, all stops together. A benchmark of models, no claim of compliance.\n",
    );
    out
}
