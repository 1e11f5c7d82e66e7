//! Scenario files: TOML in, one checked [`Story`] out, or every mistake with
//! its place and a suggestion.
//!
//! A file is read in five steps, each in its own module: [`Files`] gives the
//! text (never more than [`FILE_LIMIT`]) and the chain of `extends`; the text
//! becomes a tree in which every node knows its place; the chain is merged;
//! each `[[arm]]` is applied to the merged tree; and each resulting tree is
//! read into a [`Scenario`](model::Scenario), where every getter reports what is wrong and goes
//! on. So one pass finds all mistakes that do not hide one another.
//!
//! The loader knows no room: pump families, fault kinds with their fields,
//! signals and events come in a [`Catalog`].
//!
//! ```
//! use itbsim::scenario::{load_str, model::Catalog};
//!
//! let catalog = Catalog { pump_families: vec!["peristaltic"], ..Catalog::default() };
//! let story = load_str(
//!     "first",
//!     r#"
//!     title = "A quiet month"
//!     duration = "30 d"
//!     [pump]
//!     reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
//!     [[programme]]
//!     at = "0 d"
//!     simple_continuous = "300 ug/day"
//!     "#,
//!     None,
//!     &catalog,
//! )
//! .unwrap();
//! assert_eq!(story.arms[0].scenario.pump.concentration, 2000.0);
//!
//! let mistakes = load_str("first", "title = 'x'\nduration = '30'", None, &catalog).unwrap_err();
//! assert!(mistakes.to_string().contains("`duration`: `30` has no unit"));
//! ```

mod abilities;
mod action;
mod arms;
mod branching;
mod care;
mod catheter;
mod check;
mod decision;
mod diagnostics;
mod document;
mod drug;
pub mod drugs;
mod expect;
mod fault;
mod fields;
mod figures;
mod files;
pub mod flow_bench;
mod flow_file;
mod flow_size;
mod hazard_model;
mod hazards;
mod hearing;
mod matrix;
pub mod model;
mod moment;
mod names;
pub mod population;
mod population_read;
mod possible;
mod programme;
mod resolve;
mod schema;
pub mod settings;
pub mod steps;
mod teaching;
mod uncertain;
mod writing;

use std::path::{Path, PathBuf};

pub(crate) use arms::MOST_ARMS;
pub use branching::{BRANCH, Decision, PAST, load_branch};
pub(crate) use diagnostics::nearest;
pub use diagnostics::{Diagnostic, Diagnostics};
pub use figures::{parameters_from_file, parameters_from_str};
pub use files::{Disk, FILE_LIMIT, FileProblem, Files, decode};
pub use flow_file::{load_bench, load_bench_str};
pub use population_read::{population_from_file, population_from_str};
pub use possible::{BodyCheck, Contradiction};
pub(crate) use resolve::MOST_ROWS;

/// What a scenario may hold at most, for the page that states it.
pub(crate) mod most {
    pub(crate) use super::arms::{MOST_COPIED as COPIED, MOST_SET as SET};
    pub(crate) use super::check::CHAIN_LIMIT as WAITING;
    pub(crate) use super::decision::{MOST as DECISIONS, MOST_CHOICES as CHOICES};
    pub(crate) use super::fields::MOST_REPEATS as REPEATS;
    pub(crate) use super::files::CHAIN_LIMIT as FILES;
    pub(crate) use super::flow_size::{
        MOST_RECORDED as FLOW_RECORDED, MOST_SAMPLES as FLOW_SAMPLES, MOST_TICKS as FLOW_TICKS,
        MOST_WAITING as FLOW_WAITING,
    };
    pub(crate) use super::names::ID_LIMIT as NAME;
    pub(crate) use super::resolve::{LONGEST as HOURS, MOST_BLOCKS as BLOCKS};
    pub(crate) use super::teaching::MOST as STAGES;
}

pub use schema::schema;

use diagnostics::Source;
use document::Table;
use fields::Context;
use files::{Loaded, Start};
use model::{Arm, Catalog, Story};
use names::Names;

/// Loads a scenario from disk.
///
/// # Errors
/// [`Diagnostics`] with every mistake found; nothing has been written or run.
pub fn load(path: &Path, catalog: &Catalog) -> Result<Story, Diagnostics> {
    load_from(path, &Disk, catalog)
}

/// Loads a scenario from any set of files, such as those built into a program.
///
/// # Errors
/// As [`load`].
pub fn load_from(path: &Path, files: &dyn Files, catalog: &Catalog) -> Result<Story, Diagnostics> {
    let shown = path.display().to_string();
    let text = files.read(path).map_err(|problem| {
        let mistake = Diagnostic::new(
            "unreadable-file",
            format!("cannot read {}: {problem}", diagnostics::quoted(&shown)),
        )
        .maybe_help(files::suggest(&problem, path, files))
        .in_file(shown.clone());
        Diagnostics::new(vec![mistake], Vec::new())
    })?;
    let name = path
        .file_stem()
        .map_or(shown.clone(), |s| s.to_string_lossy().into_owned());
    finish(
        name,
        Start {
            name: shown,
            path: Some(path.to_path_buf()),
            text,
            files,
        },
        catalog,
    )
}

/// Loads a scenario from a text. `name` stands in messages and names the
/// story; `base_dir` is the folder that `extends` starts from, and without it
/// `extends` is an error.
///
/// # Errors
/// As [`load`].
pub fn load_str(name: &str, text: &str, base_dir: Option<&Path>, catalog: &Catalog) -> Result<Story, Diagnostics> {
    if text.len() as u64 > FILE_LIMIT {
        let problem = FileProblem::TooLarge;
        let mistake = Diagnostic::new(
            "unreadable-file",
            format!("cannot read {}: {problem}", diagnostics::quoted(name)),
        )
        .in_file(name);
        return Err(Diagnostics::new(vec![mistake], Vec::new()));
    }
    let stem = Path::new(name)
        .file_stem()
        .map_or(name.to_owned(), |s| s.to_string_lossy().into_owned());
    let path: Option<PathBuf> = base_dir.map(|dir| dir.join(Path::new(name).file_name().unwrap_or_default()));
    let start = Start {
        name: name.to_owned(),
        path,
        text: text.to_owned(),
        files: &Disk,
    };
    finish(stem, start, catalog)
}

fn finish(name: String, start: Start<'_>, catalog: &Catalog) -> Result<Story, Diagnostics> {
    let Loaded { document, sources } = files::chain(start)?;
    story(name, document, sources, catalog)
}

/// Reads a whole document.
fn story(name: String, mut document: Table, sources: Vec<Source>, catalog: &Catalog) -> Result<Story, Diagnostics> {
    let hash = document::hash(&document);
    let text = writing::toml(&document);
    let mut mistakes = Vec::new();
    settle(&mut document, &mut mistakes);
    let names = Names::collect(&document, catalog);
    let arm_ids: Vec<String> = document
        .blocks("arm")
        .iter()
        .filter_map(|(t, _)| t.text("id").map(str::to_owned))
        .collect();

    // The blocks of the story itself first: a mistake in one would repeat in every arm.
    // How they fit together is judged per arm, since two arms may exclude each other.
    let context = Context::new(catalog, names.clone());
    let variants = matrix::variants(&context, &document);
    let alone = document.blocks("arm").is_empty() && document.get("matrix").is_none();
    let plain = resolve::resolve(&context, &document, &sources, &arm_ids, alone);
    mistakes.extend(context.into_mistakes());
    if !mistakes.is_empty() {
        return Err(Diagnostics::new(mistakes, sources));
    }
    let (Ok(plain), Ok((variants, matrix))) = (plain, variants) else {
        // Whoever returns `Reported` has reported; this keeps that promise visible.
        let lost = Diagnostic::new(
            "internal",
            "the scenario was refused without a reason; please report this",
        );
        return Err(Diagnostics::new(vec![lost], sources));
    };

    // The story as it was told is the first arm, or the file itself.
    let told = variants.first().map_or(&document, |v| &v.document);
    let context = Context::new(catalog, names.clone());
    context.duration.set(Some(plain.scenario.duration));
    let decided = decision::read(&context, &document, told, &arm_ids);
    mistakes.extend(context.into_mistakes());
    let Ok((decisions, courses)) = decided else {
        return Err(Diagnostics::new(mistakes, sources));
    };
    let mut branches = Vec::new();
    for course in courses {
        let context = Context::new(catalog, Names::collect(&course.document, catalog).without(course.gone));
        if let Ok(resolved) = resolve::resolve(&context, &course.document, &sources, &arm_ids, true) {
            branches.push(Arm {
                id: course.id,
                scenario: resolved.scenario,
            });
        }
        mistakes.extend(context.into_mistakes());
    }
    if !mistakes.is_empty() {
        return Err(Diagnostics::new(mistakes, sources));
    }

    if alone {
        let mut scenario = plain.scenario;
        scenario.expectations = plain.expectations.into_iter().map(|e| e.expectation).collect();
        return Ok(Story {
            name,
            hash,
            text,
            arms: vec![Arm {
                id: String::new(),
                scenario,
            }],
            matrix: None,
            decisions,
            branches,
        });
    }
    let mut out = Vec::new();
    let number = variants.len();
    let mut found: Vec<(Diagnostic, Vec<String>)> = Vec::new();
    for variant in variants {
        let context = Context::new(catalog, names.without(variant.gone));
        let resolved = resolve::resolve(&context, &variant.document, &sources, &arm_ids, true);
        if let Ok(resolved) = resolved {
            let mut scenario = resolved.scenario;
            scenario.expectations = resolved
                .expectations
                .into_iter()
                .filter(|e| e.applies(&variant.arm, &context))
                .map(|e| e.expectation)
                .collect();
            out.push(Arm {
                id: variant.id.clone(),
                scenario,
            });
        }
        for mistake in context.into_mistakes() {
            match found.iter().position(|(known, _)| *known == mistake) {
                Some(place) => found[place].1.push(variant.id.clone()),
                // No more are shown, and each is compared with all before it.
                None if found.len() >= diagnostics::KEPT => {}
                None => found.push((mistake, vec![variant.id.clone()])),
            }
        }
    }
    if found.is_empty() {
        return Ok(Story {
            name,
            hash,
            text,
            arms: out,
            matrix,
            decisions,
            branches,
        });
    }
    let mistakes = found
        .into_iter()
        .map(|(mistake, arms)| {
            if arms.len() == number {
                mistake
            } else {
                let shown: Vec<String> = (arms.iter().take(MOST_SHOWN)).map(|a| diagnostics::quoted(a)).collect();
                let more = match arms.len() - shown.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                mistake.note(format!("in arm {}{more}", shown.join(", ")))
            }
        })
        .collect();
    Err(Diagnostics::new(mistakes, sources))
}

/// Arms named with a mistake that several have.
const MOST_SHOWN: usize = 8;

/// Gives every block its id.
fn settle(document: &mut Table, mistakes: &mut Vec<Diagnostic>) {
    let verbs: [(&str, &[&str]); 3] = [
        ("programme", programme::VERBS),
        ("action", action::VERBS),
        ("care", &[]),
    ];
    names::settle_ids(document, &verbs, mistakes);
}

/// A commented scenario to start from, as `itbsim new` writes it. It loads as it stands.
pub fn template() -> &'static str {
    include_str!("template.toml")
}
