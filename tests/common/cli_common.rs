//! A desk for tests of the program: a folder of its own, small scenarios, the binary.
#![allow(dead_code)] // each test binary uses its own part

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;

/// Two quiet days of an established patient, a row an hour.
pub const QUIET: &str = r#"
title = "Two quiet days"
duration = "2 d"
sample = "1 h"
[patient]
history = "established"
[pump]
gain = 1.0
reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
[[programme]]
id = "maintenance"
at = "0 d"
simple_continuous = "300 ug/day"
"#;

/// The quiet days with a stalled pump, and withdrawal from it.
pub const STALL: &str = r#"
[[fault]]
id = "stuck"
kind = "pump.stall"
at = "6 h"
"#;

/// A claim that holds for any of these stories.
pub const MET: &str = r#"
[[expect]]
event = "patient.death"
never = true
source = "two days are too short"
"#;

/// A claim that fails for any of these stories.
pub const UNMET: &str = r#"
[[expect]]
event = "alarm.low_reservoir.raised"
between = ["1 h", "2 h"]
source = "a claim that is wrong on purpose"
"#;

/// A folder in which the program runs.
pub struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Desk {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file made of these parts.
    pub fn write(&self, name: &str, parts: &[&str]) -> &Self {
        fs::write(self.at(name), parts.concat()).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The program, to be run in this folder, given up after two minutes.
    pub fn command(&self) -> Command {
        let mut command = itbsim();
        command.current_dir(self.dir.path());
        command
    }

    /// Runs the program with these words.
    pub fn run(&self, words: &[&str]) -> Assert {
        self.command().args(words).assert()
    }

    /// Everything below this folder, sorted, folders with a slash at the end.
    pub fn tree(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect(self.dir.path(), self.dir.path(), &mut names);
        names.sort();
        names
    }
}

fn collect(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_dir() && !path.is_symlink() {
            names.push(format!("{name}/"));
            collect(root, &path, names);
        } else {
            names.push(name);
        }
    }
}

/// The program with a quiet environment.
pub fn itbsim() -> Command {
    let mut command = Command::cargo_bin("itbsim").unwrap();
    command
        .env("RUST_BACKTRACE", "0")
        .env("NO_COLOR", "1")
        .timeout(std::time::Duration::from_secs(120));
    command
}

/// Standard output of a finished command.
pub fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// Standard error of a finished command.
pub fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// A table of the program: header and rows of cells.
pub fn table(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect();
    (header, rows)
}
