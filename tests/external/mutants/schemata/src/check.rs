//! The crate with all mutants in it: made, and relieved of the mutants that do not compile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::list::Mutant;
use crate::rewrite::{Id, Kind, Rewritten, Source};

/// The library's own addition: the chosen mutant, asked of the environment once.
const CHOICE: &str = r#"
#[inline]
pub fn schemata_mutant() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static CHOSEN: AtomicU32 = AtomicU32::new(u32::MAX);
    #[cold]
    fn ask() -> u32 {
        let chosen = std::env::var("ITBSIM_MUTANT").ok().and_then(|id| id.parse().ok()).unwrap_or(0);
        CHOSEN.store(chosen, Relaxed);
        chosen
    }
    match CHOSEN.load(Relaxed) {
        u32::MAX => ask(),
        chosen => chosen,
    }
}
"#;

/// Brackets without need, and arithmetic that a mutant makes overflow, are no reason to stop.
const ALLOW: &str = "#![allow(warnings, arithmetic_overflow, unconditional_panic, overflowing_literals)]\n";

/// Of a mutant, overflow shall panic as in a debug build, but the tests shall be quick.
const PROFILE: &str = "opt-level = 2\ndebug-assertions = true\noverflow-checks = true\nincremental = false";

/// A room's small crate with all mutants in it.
pub struct Schemata {
    pub folder: PathBuf,
    sources: BTreeMap<String, Source>,
    /// Left out, by number: not placed, or not compiling.
    pub dropped: BTreeSet<Id>,
    /// What the list of the dropped depends on.
    key: u64,
}

impl Schemata {
    /// Copies the small crate and finds the places of the mutants.
    pub fn make(room: &str, from: &Path, base: Option<&str>, mutants: &[Mutant], listing: &str) -> Result<Schemata> {
        let mut folder = from.to_owned().into_os_string();
        folder.push("-schemata");
        let folder = PathBuf::from(folder);
        let mut of_file: BTreeMap<&str, Vec<(Id, &Mutant)>> = BTreeMap::new();
        for (id, mutant) in (1..).zip(mutants) {
            of_file.entry(&mutant.file).or_default().push((id, mutant));
        }
        let mut files = Vec::new();
        for top in ["src", "tests", "Cargo.toml", "Cargo.lock"] {
            walk(&from.join(top), &mut files)?;
        }
        let mut present = BTreeSet::new();
        let mut sources = BTreeMap::new();
        let mut hasher = DefaultHasher::new();
        listing.hash(&mut hasher);
        for file in files {
            let name = file
                .strip_prefix(from)?
                .to_str()
                .context("a file name that is no text")?
                .to_owned();
            let mut text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            (&name, &text).hash(&mut hasher);
            match name.as_str() {
                "Cargo.toml" => text = manifest(&text, base, room),
                "src/lib.rs" => text = format!("{ALLOW}{text}{CHOICE}"),
                _ => {}
            }
            if let Some(mutants) = of_file.remove(name.as_str()) {
                let source = Source::parse(text, &mutants).with_context(|| name.clone())?;
                sources.insert(name.clone(), source);
            } else if name != "Cargo.lock" || !folder.join(&name).exists() {
                write(&folder.join(&name), &text)?;
            }
            present.insert(folder.join(name));
        }
        ensure!(
            of_file.is_empty(),
            "files with mutants that are not there: {:?}",
            of_file.keys()
        );
        let mut old = Vec::new();
        for top in ["src", "tests"] {
            walk(&folder.join(top), &mut old)?;
        }
        for stale in old.iter().filter(|file| !present.contains(*file)) {
            fs::remove_file(stale)?;
        }
        let dropped = sources
            .values()
            .flat_map(|source| source.unplaced.iter().copied())
            .collect();
        Ok(Schemata {
            folder,
            sources,
            dropped,
            key: hasher.finish(),
        })
    }

    /// Drops what does not compile, until the rest does; gives the test programs.
    pub fn build(&mut self) -> Result<Vec<PathBuf>> {
        let memory = self.folder.join("dropped.txt");
        let unplaced = self.dropped.len();
        // Nothing has changed since they were found out: the rounds can be spared.
        if let Some((key, ids)) = fs::read_to_string(&memory)
            .ok()
            .as_deref()
            .and_then(|text| text.split_once('\n'))
            && key == self.key.to_string()
        {
            self.dropped.extend(ids.lines().filter_map(|id| id.parse::<Id>().ok()));
        }
        for task in [&["check", "--tests"][..], &["test", "--no-run"]] {
            for round in 1.. {
                let rewritten = self.write()?;
                let (programs, errors) = self.cargo(task)?;
                if errors.is_empty() {
                    if task[0] == "test" {
                        let ids: String = self.dropped.iter().map(|id| format!("{id}\n")).collect();
                        fs::write(&memory, format!("{}\n{ids}", self.key))?;
                        return Ok(programs);
                    }
                    break;
                }
                let before = self.dropped.len();
                let guilty: Vec<Id> = errors.iter().flat_map(|error| charge(error, &rewritten)).collect();
                self.dropped.extend(guilty);
                let more = self.dropped.len() - before;
                eprintln!(
                    "{}, round {round}: {} errors, {more} mutants dropped",
                    task[0],
                    errors.len()
                );
                if more == 0 {
                    let texts: Vec<_> = errors.iter().filter_map(|error| error["rendered"].as_str()).collect();
                    bail!(
                        "errors that are no mutant's ({unplaced} were not placed):\n{}",
                        texts.join("\n")
                    );
                }
            }
        }
        unreachable!("the last task returns")
    }

    fn write(&self) -> Result<BTreeMap<&str, Rewritten>> {
        let mut rewritten = BTreeMap::new();
        for (name, source) in &self.sources {
            let file = source.render(&self.dropped);
            write(&self.folder.join(name), &file.text)?;
            rewritten.insert(name.as_str(), file);
        }
        Ok(rewritten)
    }

    /// Test programs made, and errors.
    fn cargo(&self, task: &[&str]) -> Result<(Vec<PathBuf>, Vec<Value>)> {
        let output = Command::new("cargo")
            .args(task)
            .args(["--quiet", "--message-format=json"])
            .current_dir(&self.folder)
            .stderr(Stdio::piped())
            .output()?;
        let (mut programs, mut errors) = (Vec::new(), Vec::new());
        for line in String::from_utf8(output.stdout)?.lines() {
            let Ok(message) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let said = &message["message"];
            if let Some(program) = message["executable"].as_str() {
                programs.push(program.into());
            } else if said["level"] == "error" && said["spans"].as_array().is_some_and(|spans| !spans.is_empty()) {
                errors.push(said.clone());
            }
        }
        if !output.status.success() && errors.is_empty() {
            bail!("cargo {}: {}", task.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok((programs, errors))
    }
}

/// The mutants that an error may be due to: as few as its place allows.
fn charge(error: &Value, files: &BTreeMap<&str, Rewritten>) -> Vec<Id> {
    let spans = error["spans"].as_array().map_or(&[][..], Vec::as_slice);
    let (first, other): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span["is_primary"] == true);
    for span in first.into_iter().chain(other) {
        let Some((file, start, end)) = place(span, files) else {
            continue;
        };
        let around = |kind| {
            file.marks
                .iter()
                .filter(move |mark| mark.kind == kind && mark.range.start <= start && end <= mark.range.end)
                .filter(move |mark| kind == Kind::Function || !mark.ids.is_empty())
                .min_by_key(|mark| mark.range.len())
        };
        // A match that lacks an arm is complained of where it says what it matches on.
        if error["code"]["code"] == "E0004"
            && let Some(mark) = around(Kind::Scrutinee)
        {
            return mark.ids.clone();
        }
        if let Some(mark) = around(Kind::Edit) {
            return mark.ids.clone();
        }
        let line = file.text[..start].rfind('\n').map_or(0, |at| at + 1)
            ..file.text[start..].find('\n').map_or(file.text.len(), |at| start + at);
        let function = around(Kind::Function).map_or(0..0, |mark| mark.range.clone());
        for stretch in [line, function] {
            let inside: Vec<Id> = file
                .marks
                .iter()
                .filter(|mark| stretch.contains(&mark.range.start) || stretch.contains(&(mark.range.end - 1)))
                .filter(|mark| mark.kind == Kind::Edit)
                .flat_map(|mark| mark.ids.iter().copied())
                .collect();
            if !inside.is_empty() {
                return inside;
            }
        }
    }
    Vec::new()
}

/// Where a span lies in a rewritten file; that of a macro, where the macro is called.
fn place<'a>(span: &Value, files: &'a BTreeMap<&str, Rewritten>) -> Option<(&'a Rewritten, usize, usize)> {
    let mut span = span;
    loop {
        if let Some(file) = span["file_name"].as_str().and_then(|name| files.get(name)) {
            return Some((
                file,
                span["byte_start"].as_u64()? as usize,
                span["byte_end"].as_u64()? as usize,
            ));
        }
        span = span.get("expansion")?.get("span")?;
    }
}

/// The small crate's manifest with the profile of the schemata, and with what it needs elsewhere. Its name
/// becomes its own, as rooms that share a folder for what is built would overwrite each other.
fn manifest(text: &str, base: Option<&str>, room: &str) -> String {
    let (mut first, mut named) = (true, false);
    let mut out = String::new();
    for line in text.lines() {
        match base {
            _ if first && line.starts_with("opt-level") => {
                first = false;
                out.push_str(PROFILE);
            }
            Some(base) if line.starts_with("base = ") => {
                out.push_str(&format!(
                    "base = {{ package = \"itbsim\", path = {base:?}, default-features = false }}"
                ));
            }
            _ if line == "name = \"itbsim\"" && !named => {
                named = true;
                out.push_str(&format!("name = \"{room}-schemata\""));
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Writes what differs: what stays keeps its date, and is not built again.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a file without a folder")?)?;
    fs::write(path, text).with_context(|| path.display().to_string())
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            walk(&entry?.path(), files)?;
        }
    } else if path.exists() {
        files.push(path.to_owned());
    }
    files.sort();
    Ok(())
}
