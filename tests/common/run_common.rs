//! One small patient as text, and short ways to run it.
#![allow(dead_code)] // each test binary uses its own part

use std::path::{Path, PathBuf};

use itbsim::engine::{SimSpan, SimTime};
use itbsim::scenario::model::{Scenario, Story};
use itbsim::scenario::{load, load_str};
use itbsim::simulation::{EventRow, Registry, RunOptions, RunResult, simulate};

/// Head of a scenario: an adult on 400 ug/day of 2 mg/mL for some days.
pub fn head(days: f64) -> String {
    format!(
        r#"
title = "test"
duration = "{days} d"
sample = "1 h"
seed = 7
[patient]
population = "adult-spinal"
weight = "70 kg"
injury = "T4"
history = "established"
[pump]
family = "peristaltic"
gain = 1.0
reservoir = {{ size = "20 mL", fill = "18 mL", concentration = "2 mg/mL", low_alarm = "2 mL" }}
[catheter]
length = "89 cm"
tip = "T10"
"#
    )
}

/// The programme that goes with [`head`].
pub const MAINTENANCE: &str = r#"
[[programme]]
id = "maintenance"
at = "0 d"
simple_continuous = "400 ug/day"
"#;

/// Head, maintenance and more blocks.
pub fn text(days: f64, blocks: &str) -> String {
    format!("{}{MAINTENANCE}{blocks}", head(days))
}

/// Loads a text whose arms are all right.
pub fn story(text: &str) -> Story {
    match load_str("test.toml", text, None, &Registry::builtin().catalog()) {
        Ok(story) => story,
        Err(mistakes) => panic!("{mistakes}\n{text}"),
    }
}

/// The only scenario of a text.
pub fn scenario(text: &str) -> Scenario {
    story(text).arms.remove(0).scenario
}

/// Runs with these options.
pub fn run_with(scenario: &Scenario, options: &RunOptions) -> RunResult {
    match simulate(scenario, &Registry::builtin(), options) {
        Ok(run) => run,
        Err(error) => panic!("{error}"),
    }
}

/// Runs a scenario of some days made of [`text`] with the default options.
pub fn run(days: f64, blocks: &str) -> RunResult {
    run_with(&scenario(&text(days, blocks)), &RunOptions::default())
}

/// Options with another sampling interval \[min\].
pub fn sampled(minutes: f64) -> RunOptions {
    RunOptions {
        sample: SimSpan::from_hours(minutes / 60.0).ok(),
        ..RunOptions::default()
    }
}

/// First event of a name.
pub fn event<'a>(run: &'a RunResult, name: &str) -> &'a EventRow {
    run.events
        .iter()
        .find(|e| e.name() == name)
        .unwrap_or_else(|| panic!("no {name} among:\n{}", listing(run)))
}

/// When the first event of a name came \[h\].
pub fn time(run: &RunResult, name: &str) -> f64 {
    event(run, name).time_h
}

/// Number of events of a name.
pub fn count(run: &RunResult, name: &str) -> usize {
    run.events.iter().filter(|e| e.name() == name).count()
}

/// All events as text, for messages.
pub fn listing(run: &RunResult) -> String {
    run.events
        .iter()
        .map(|e| format!("{:>12.6} {} {}\n", e.time_h, e.name(), e.detail))
        .collect()
}

/// A column with its times.
pub fn column(run: &RunResult, name: &str) -> Vec<(f64, f64)> {
    let index = run
        .columns
        .iter()
        .position(|c| c == name)
        .unwrap_or_else(|| panic!("no column {name}"));
    run.rows.iter().map(|r| (r[0], r[index])).collect()
}

/// Value of a column in the last row not after a time \[h\].
pub fn at(run: &RunResult, name: &str, hours: f64) -> f64 {
    column(run, name)
        .into_iter()
        .take_while(|(t, _)| *t <= hours)
        .last()
        .expect("the first row is at zero")
        .1
}

/// All rows as bits, for comparisons that forgive nothing.
pub fn bits(rows: &[Vec<f64>]) -> Vec<Vec<u64>> {
    rows.iter().map(|r| r.iter().map(|v| v.to_bits()).collect()).collect()
}

/// Times of all events to the nanosecond, with their names.
pub fn instants(run: &RunResult) -> Vec<(i64, String)> {
    run.events
        .iter()
        .map(|e| {
            let at = SimTime::from_hours(e.time_h).expect("a time of a run");
            (at.as_nanos(), e.name())
        })
        .collect()
}

/// The shipped scenario files, by name, the lessons last.
pub fn shipped() -> Vec<PathBuf> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut all = Vec::new();
    for folder in [scenarios.clone(), scenarios.join("lessons")] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .expect("a folder of scenarios")
            .map(|entry| entry.expect("an entry of it").path())
            .filter(|p| p.extension().is_some_and(|e| e == "toml"))
            .collect();
        files.sort();
        assert!(!files.is_empty());
        all.extend(files);
    }
    all
}

/// Loads a shipped scenario.
pub fn load_shipped(path: &Path) -> Story {
    match load(path, &Registry::builtin().catalog()) {
        Ok(story) => story,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// `scenario` or `scenario/arm`.
pub fn label(story: &Story, arm: &str) -> String {
    if arm.is_empty() {
        story.name.clone()
    } else {
        format!("{}/{arm}", story.name)
    }
}

/// Asserts that rows agree to the bit, and says where they first do not.
pub fn assert_same_rows(one: &RunResult, other: &RunResult, what: &str) {
    assert_eq!(one.rows.len(), other.rows.len(), "{what}");
    for (a, b) in one.rows.iter().zip(&other.rows) {
        for ((x, y), name) in a.iter().zip(b).zip(&one.columns) {
            assert!(
                x.to_bits() == y.to_bits(),
                "{what}: {name} at {} h is {x:e} and {y:e}",
                a[0]
            );
        }
    }
}
