//! Which mutants there are, as cargo-mutants lists them, and which of them are argued.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// One change of one place.
#[derive(Debug, Clone, Deserialize)]
pub struct Mutant {
    pub file: String,
    pub genre: Genre,
    pub name: String,
    pub replacement: String,
    pub span: Span,
    function: Option<Function>,
}

/// What kind of thing is changed; what a later cargo-mutants may add is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Genre {
    BinaryOperator,
    UnaryOperator,
    FnValue,
    MatchArm,
    MatchArmGuard,
    StructField,
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Span {
    pub start: Place,
}

/// Line and column, both from one; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, Deserialize)]
struct Function {
    function_name: String,
}

impl Mutant {
    /// The function in which it is; mutants of one function tend to fall to the same test.
    pub fn neighbourhood(&self) -> String {
        format!(
            "{} {}",
            self.file,
            self.function.as_ref().map_or("", |f| &f.function_name)
        )
    }

    /// The name without line and column, which move with every edit.
    pub fn lasting_name(&self) -> String {
        match self.name.split_once(": ") {
            Some((_, what)) => format!("{}: {what}", self.file),
            None => self.name.clone(),
        }
    }
}

/// All mutants of a room, and their listing as it came.
pub fn mutants(folder: &Path, room: &str) -> Result<(Vec<Mutant>, String)> {
    let output = Command::new("cargo")
        .args(["mutants", "--list", "--json", "--file", &format!("src/{room}/**")])
        .current_dir(folder)
        .output()
        .context("cargo mutants")?;
    ensure!(
        output.status.success(),
        "cargo mutants: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listing = String::from_utf8(output.stdout)?;
    Ok((serde_json::from_str(&listing)?, listing))
}

/// Those that no test can tell from the code: `FILE: WHAT IT DOES<tab>WHY`.
pub fn argued(path: &Path) -> Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').next().map(str::to_owned))
        .collect())
}
