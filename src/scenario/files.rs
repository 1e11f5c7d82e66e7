//! Reading scenario files: from disk or from a set built into the program,
//! never more than the limit, and always with the chain of `extends`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::diagnostics::{Diagnostic, Diagnostics, Place, Source, list, nearest, quoted};
use super::document::{self, Data, Table};

/// Largest scenario file read \[bytes\].
pub const FILE_LIMIT: u64 = 1_000_000;

/// Longest chain of `extends`.
pub(crate) const CHAIN_LIMIT: usize = 32;

/// Where scenario files come from.
///
/// The loader calls [`Files::read`] once per file of an `extends` chain, with
/// the path of the extending file joined with what `extends` says, and
/// [`Files::siblings`] only to suggest names when a file is missing.
///
/// Built in: [`Disk`], and `BTreeMap<String, String>` from path to text for
/// files that are part of a program.
///
/// ```
/// use std::path::Path;
/// use itbsim::scenario::{FileProblem, Files, load_from};
/// use itbsim::scenario::model::Catalog;
///
/// /// One base that every scenario may extend, wherever it says that it stands.
/// struct House(&'static str);
/// impl Files for House {
///     fn read(&self, path: &Path) -> Result<String, FileProblem> {
///         match path.file_name().and_then(|name| name.to_str()) {
///             Some("case.toml") => Ok("extends = \"base.toml\"\ntitle = \"A quiet day\"\n".to_owned()),
///             Some("base.toml") => Ok(self.0.to_owned()),
///             _ => Err(FileProblem::Missing),
///         }
///     }
///     fn siblings(&self, _: &Path) -> Vec<String> {
///         vec!["base.toml".to_owned()]
///     }
/// }
///
/// let house = House(r#"
/// title = "Nobody in particular"
/// duration = "1 d"
/// [pump]
/// reservoir = { fill = "18 mL", concentration = "2 mg/mL" }
/// [[programme]]
/// id = "maintenance"
/// at = "0 d"
/// simple_continuous = "300 ug/day"
/// "#);
/// let story = load_from(Path::new("case.toml"), &house, &Catalog::default())?;
/// assert_eq!(story.arms[0].scenario.title, "A quiet day");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Files {
    /// The whole text of a file.
    ///
    /// # Errors
    /// [`FileProblem`]; an implementation must not read more than [`FILE_LIMIT`].
    fn read(&self, path: &Path) -> Result<String, FileProblem>;

    /// Names of the files in the folder of `path`.
    fn siblings(&self, path: &Path) -> Vec<String>;

    /// A form of `path` that is equal for equal files; decides whether `extends` runs in a circle.
    fn identity(&self, path: &Path) -> PathBuf {
        plain(path)
    }
}

/// Why a file gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// The path names a folder.
    #[error("it is a folder, not a file")]
    Folder,
    /// Larger than [`FILE_LIMIT`].
    #[error("it is larger than 1 MB, the limit for a scenario")]
    TooLarge,
    /// Not UTF-8.
    #[error("byte {offset} is not UTF-8, so this is no text file")]
    NotText {
        /// Where the first wrong byte is.
        offset: usize,
    },
    /// The system refused.
    #[error("{reason}")]
    Refused {
        /// What the system said.
        reason: String,
    },
}

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<String, FileProblem> {
        let refused = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => FileProblem::Missing,
            _ => FileProblem::Refused { reason: e.to_string() },
        };
        let about = std::fs::metadata(path).map_err(refused)?;
        if about.is_dir() {
            return Err(FileProblem::Folder);
        }
        if about.len() > FILE_LIMIT {
            return Err(FileProblem::TooLarge);
        }
        let mut bytes = Vec::new();
        // A device or pipe states no length, so the reader has its own limit.
        std::fs::File::open(path)
            .and_then(|f| f.take(FILE_LIMIT + 1).read_to_end(&mut bytes))
            .map_err(refused)?;
        decode(bytes)
    }

    fn siblings(&self, path: &Path) -> Vec<String> {
        let folder = match path.parent() {
            Some(p) if p.as_os_str().is_empty() => Path::new("."),
            Some(p) => p,
            None => return Vec::new(),
        };
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .take(10_000)
            .filter_map(|e| e.ok()?.file_name().into_string().ok())
            .filter(|n| n.ends_with(".toml"))
            .collect();
        names.sort();
        names
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| plain(path))
    }
}

impl Files for BTreeMap<String, String> {
    fn read(&self, path: &Path) -> Result<String, FileProblem> {
        let wanted = plain(path);
        self.iter()
            .find(|(name, _)| plain(Path::new(name)) == wanted)
            .map(|(_, text)| text.clone())
            .ok_or(FileProblem::Missing)
    }

    fn siblings(&self, path: &Path) -> Vec<String> {
        let folder = plain(path).parent().map(Path::to_path_buf);
        self.keys()
            .filter(|name| plain(Path::new(name)).parent().map(Path::to_path_buf) == folder)
            .filter_map(|name| Path::new(name).file_name()?.to_str().map(str::to_owned))
            .collect()
    }
}

/// Bytes to text, within the limit.
///
/// # Errors
/// [`FileProblem::TooLarge`], [`FileProblem::NotText`].
pub fn decode(bytes: Vec<u8>) -> Result<String, FileProblem> {
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(FileProblem::TooLarge);
    }
    if let Some(offset) = bytes.iter().position(|b| *b == 0) {
        return Err(FileProblem::NotText { offset });
    }
    String::from_utf8(bytes).map_err(|e| FileProblem::NotText {
        offset: e.utf8_error().valid_up_to(),
    })
}

/// The path without `.` and with `a/..` removed, by text alone.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// A file with all it extends, merged.
pub(super) struct Loaded {
    pub(super) document: Table,
    pub(super) sources: Vec<Source>,
}

/// The text to start from.
pub(super) struct Start<'a> {
    /// As shown in messages.
    pub(super) name: String,
    /// Path that `extends` is relative to; `None` forbids `extends`.
    pub(super) path: Option<PathBuf>,
    pub(super) text: String,
    pub(super) files: &'a dyn Files,
}

/// Follows `extends` from a text and merges the chain, base first.
pub(super) fn chain(start: Start<'_>) -> Result<Loaded, Diagnostics> {
    let files = start.files;
    let mut sources: Vec<Source> = Vec::new();
    let mut tables: Vec<Table> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut mistakes: Vec<Diagnostic> = Vec::new();
    let mut next = Some((start.name, start.path, start.text));
    while let Some((name, path, text)) = next.take() {
        let file = sources.len();
        seen.extend(path.as_deref().map(|p| files.identity(p)));
        let parsed = document::parse(file, &text, &mut mistakes);
        sources.push(Source::new(name, &text));
        let Some(mut table) = parsed else { break };
        let base = table.remove("extends");
        tables.push(table);
        let Some(base) = base else { break };
        match follow(
            &base.node.data,
            base.node.place,
            path.as_deref(),
            files,
            &seen,
            &sources,
        ) {
            Ok(found) => next = Some(found),
            Err(mistake) => mistakes.push(*mistake),
        }
    }
    if !mistakes.is_empty() {
        return Err(Diagnostics::new(mistakes, sources));
    }
    let mut document = Table::default();
    for table in tables.into_iter().rev() {
        document::merge(&mut document, table);
    }
    Ok(Loaded { document, sources })
}

type Found = (String, Option<PathBuf>, String);

fn follow(
    data: &Data,
    place: Place,
    from: Option<&Path>,
    files: &dyn Files,
    seen: &[PathBuf],
    sources: &[Source],
) -> Result<Found, Box<Diagnostic>> {
    let wrong = |code, title: String| Diagnostic::new(code, title);
    let Data::Text(target) = data else {
        return Err(Box::new(
            wrong(
                "wrong-type",
                format!("`extends` is {}, but a file name is needed", data.noun()),
            )
            .at(place, "not a text")
            .help("write for example extends = \"base/adult-spinal-20ml.toml\""),
        ));
    };
    let Some(from) = from else {
        return Err(Box::new(
            wrong(
                "no-folder",
                "`extends` needs a folder to start from, and this text has none".to_owned(),
            )
            .at(place, "cannot be found from here")
            .help("save the scenario as a file and run that"),
        ));
    };
    if Path::new(target).is_absolute() {
        return Err(Box::new(
            wrong("absolute-path", "`extends` must be relative to this file".to_owned())
                .at(place, "starts at the root")
                .help("write the way from this file's folder, as in \"base/adult-spinal-20ml.toml\""),
        ));
    }
    let path = plain(&from.parent().unwrap_or(Path::new("")).join(target));
    let name = path.display().to_string();
    if let Some(first) = seen.iter().position(|p| *p == files.identity(&path)) {
        let mut circle: Vec<String> = sources[first..].iter().map(|s| quoted(&s.name)).collect();
        circle.push(quoted(&sources[first].name));
        return Err(Box::new(
            wrong("cyclic-extends", "`extends` runs in a circle".to_owned())
                .at(place, "comes back to a file already read")
                .note(circle.join(" extends "))
                .help("remove one `extends` of the circle"),
        ));
    }
    if sources.len() >= CHAIN_LIMIT {
        return Err(Box::new(
            wrong(
                "long-extends",
                format!("more than {CHAIN_LIMIT} files extend one another"),
            )
            .at(place, "one too many"),
        ));
    }
    match files.read(&path) {
        Ok(text) => Ok((name, Some(path), text)),
        Err(problem) => Err(Box::new(
            wrong("unreadable-base", format!("cannot read {}: {problem}", quoted(&name)))
                .at(place, "extended here")
                .maybe_help(suggest(&problem, &path, files)),
        )),
    }
}

/// Most files of a folder that are looked into for a suggestion.
const MOST_LOOKED_AT: usize = 48;

/// Whether a text begins as a scenario does: with a title, a duration or what it extends.
fn is_story(text: &str) -> bool {
    let keys = text.lines().take_while(|line| !line.starts_with('['));
    let mut words = keys.filter_map(|line| line.split_once('=').map(|(key, _)| key.trim()));
    words.any(|key| matches!(key, "title" | "duration" | "extends"))
}

/// Similar names in the folder, when a file is missing.
pub(super) fn suggest(problem: &FileProblem, path: &Path, files: &dyn Files) -> Option<String> {
    if *problem != FileProblem::Missing {
        return None;
    }
    let mut names = files.siblings(path);
    let wanted = path.file_name()?.to_str()?;
    // With and without the ending, since both are easily forgotten.
    let with_ending = if wanted.ends_with(".toml") {
        wanted.to_owned()
    } else {
        format!("{wanted}.toml")
    };
    if let Some(near) = nearest(&with_ending, &names) {
        return Some(format!("did you mean `{near}`?"));
    }
    // A folder of code has other files of this kind.
    names.truncate(MOST_LOOKED_AT);
    names.retain(|name| files.read(&path.with_file_name(name)).is_ok_and(|text| is_story(&text)));
    (!names.is_empty()).then(|| format!("scenarios in that folder: {}", list(&names)))
}
