//! The scenarios on offer: those compiled in and those of a folder, read once at the start.
//!
//! A request never reads a file. What a text extends is looked up here, so that nobody can
//! ask for other files of the machine by writing their names into a scenario.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::builtin::FILES;
use crate::scenario::model::{Catalog, Story};
use crate::scenario::{Diagnostics, Disk, FileProblem, Files, load_from};

/// Most files taken from a folder.
const MOST_FILES: usize = 1_000;
/// Most text taken from a folder \[bytes\].
const MOST_TEXT: usize = 20_000_000;
/// Files that one may extend, one after another; the loader has a limit of its own.
const LONGEST_CHAIN: usize = 64;
/// Where a pasted text seems to stand, if the page does not say.
pub(super) const PASTED: &str = "scenarios/pasted.toml";

/// A scenario on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Path, by which it is asked for.
    pub path: String,
    /// `lessons`, `scenarios` or the folder given.
    pub group: String,
    /// Its title.
    pub title: String,
    /// What it teaches.
    pub lesson: String,
}

/// The scenarios on offer, with all they extend.
#[derive(Debug, Clone, Default)]
pub struct Library {
    texts: BTreeMap<PathBuf, String>,
    offers: Vec<Offer>,
}

/// A folder that cannot be offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The folder cannot be read.
    #[error("cannot read the folder `{folder}`: {reason}")]
    Folder {
        /// As given.
        folder: String,
        /// What the system said.
        reason: String,
    },
    /// The folder is larger than what is kept in memory.
    #[error("the folder `{folder}` holds more than {MOST_FILES} scenarios or 20 MB of them")]
    TooMuch {
        /// As given.
        folder: String,
    },
}

impl Library {
    /// The shipped scenarios.
    pub fn shipped() -> Self {
        let mut library = Library::default();
        for (path, text) in FILES {
            library.texts.insert(PathBuf::from(path), (*text).to_owned());
            let group = if path.starts_with("scenarios/lessons/") {
                "lessons"
            } else {
                "scenarios"
            };
            if !path.starts_with("scenarios/base/") {
                library.offer(path, group, text);
            }
        }
        library
    }

    /// The scenarios of a folder before the shipped ones. Files that are no TOML, and those of
    /// sub-folders, are left out; what a file extends is taken in as well.
    ///
    /// # Errors
    /// [`LibraryError`].
    pub fn with_folder(folder: &Path) -> Result<Self, LibraryError> {
        let shown = folder.display().to_string();
        let entries = std::fs::read_dir(folder).map_err(|e| LibraryError::Folder {
            folder: shown.clone(),
            reason: e.to_string(),
        })?;
        let mut paths: Vec<PathBuf> = entries
            .take(100 * MOST_FILES)
            .filter_map(|e| e.ok().map(|e| e.path()))
            .filter(|p| p.extension().is_some_and(|x| x == "toml") && p.is_file())
            .collect();
        paths.sort();
        if paths.len() > MOST_FILES {
            return Err(LibraryError::TooMuch { folder: shown });
        }
        let mut own = Library::default();
        let mut size = 0;
        for path in paths {
            let Ok(text) = Disk.read(&path) else { continue };
            own.offer(&path.display().to_string(), &shown, &text);
            let mut next = Some((path, text));
            let mut links = 0;
            while let Some((path, text)) = next.take() {
                let base = extends(&text).map(|base| plain(&path.parent().unwrap_or(Path::new("")).join(base)));
                size += text.len();
                own.texts.insert(plain(&path), text);
                links += 1;
                if size > MOST_TEXT {
                    return Err(LibraryError::TooMuch { folder: shown });
                }
                if let Some(base) = base
                    && links < LONGEST_CHAIN
                    && !own.texts.contains_key(&base)
                    && let Ok(text) = Disk.read(&base)
                {
                    next = Some((base, text));
                }
            }
        }
        let shipped = Library::shipped();
        for (path, text) in shipped.texts {
            own.texts.entry(path).or_insert(text);
        }
        let taken: Vec<String> = own.offers.iter().map(|o| o.path.clone()).collect();
        own.offers
            .extend(shipped.offers.into_iter().filter(|o| !taken.contains(&o.path)));
        Ok(own)
    }

    fn offer(&mut self, path: &str, group: &str, text: &str) {
        // A mistake in a file is told when it is opened; here its name must do.
        let table = text.parse::<toml_edit::DocumentMut>().ok();
        let word = |key: &str| {
            let found = table.as_ref().and_then(|t| t.get(key)?.as_str());
            found.unwrap_or_default().to_owned()
        };
        let title = match word("title") {
            title if title.is_empty() => path.to_owned(),
            title => title,
        };
        self.offers.push(Offer {
            path: path.to_owned(),
            group: group.to_owned(),
            title,
            lesson: word("lesson"),
        });
    }

    /// What is on offer, in the order in which it is shown.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// The text of a scenario on offer.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.offers.iter().find(|o| o.path == path)?;
        self.texts.get(&plain(Path::new(path))).map(String::as_str)
    }

    /// The texts that a text extends, nearest first, as far as they are known here.
    pub fn bases(&self, path: &Path, text: &str) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut from = path.to_path_buf();
        let mut next = extends(text);
        while let Some(base) = next.take() {
            from = plain(&from.parent().unwrap_or(Path::new("")).join(base));
            let Some(text) = self.texts.get(&from) else { break };
            if out.len() >= LONGEST_CHAIN {
                break;
            }
            next = extends(text);
            out.push(text.clone());
        }
        out
    }

    /// Where a text seems to stand: the path the page names, if it is on offer, or among the
    /// shipped scenarios, in whose folder what it extends is found.
    pub fn place(&self, named: Option<&str>, text: &str) -> PathBuf {
        let known = named.filter(|n| self.offers.iter().any(|o| o.path == *n));
        match known {
            Some(path) => PathBuf::from(path),
            None if extends(text).is_some_and(|base| base.starts_with("../")) => {
                PathBuf::from("scenarios/lessons/pasted.toml")
            }
            None => PathBuf::from(PASTED),
        }
    }

    /// Loads a text as if it stood at a path.
    ///
    /// # Errors
    /// As [`crate::scenario::load`].
    pub fn load(&self, path: &Path, text: &str, catalog: &Catalog) -> Result<Story, Diagnostics> {
        load_from(
            path,
            &Overlay {
                library: self,
                path,
                text,
            },
            catalog,
        )
    }
}

/// The library with one text that may have been changed.
struct Overlay<'a> {
    library: &'a Library,
    path: &'a Path,
    text: &'a str,
}

impl Files for Overlay<'_> {
    fn read(&self, path: &Path) -> Result<String, FileProblem> {
        if path == self.path {
            return crate::scenario::decode(self.text.as_bytes().to_vec());
        }
        self.library
            .texts
            .get(&plain(path))
            .cloned()
            .ok_or(FileProblem::Missing)
    }

    fn siblings(&self, path: &Path) -> Vec<String> {
        let folder = plain(path).parent().map(Path::to_path_buf);
        self.library
            .texts
            .keys()
            .filter(|p| p.parent().map(Path::to_path_buf) == folder)
            .filter_map(|p| Some(p.file_name()?.to_str()?.to_owned()))
            .collect()
    }
}

/// What a text extends.
fn extends(text: &str) -> Option<String> {
    let table = text.parse::<toml_edit::DocumentMut>().ok()?;
    Some(table.get("extends")?.as_str()?.to_owned())
}

/// The path without `.` and with `a/..` removed, by text alone.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Registry;

    #[test]
    fn every_scenario_on_offer_loads_from_memory_as_from_disk() {
        let library = Library::shipped();
        let catalog = Registry::builtin().catalog();
        assert!(library.offers().len() > 60);
        assert_eq!(library.offers().iter().filter(|o| o.group == "lessons").count(), 6);
        for offer in library.offers() {
            let text = library.text(&offer.path).unwrap();
            let story = library.load(Path::new(&offer.path), text, &catalog);
            let story = story.unwrap_or_else(|e| panic!("{e}"));
            let disk = Path::new(env!("CARGO_MANIFEST_DIR")).join(&offer.path);
            assert_eq!(story.hash, crate::scenario::load(&disk, &catalog).unwrap().hash);
        }
    }

    #[test]
    fn no_text_reaches_a_file_of_the_machine() {
        let library = Library::shipped();
        let catalog = Registry::builtin().catalog();
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for base in ["../Cargo.toml", "../../../../../../etc/passwd", manifest] {
            let text = format!("extends = {base:?}\n");
            let place = library.place(None, &text);
            let error = library.load(&place, &text, &catalog).unwrap_err().to_string();
            assert!(
                error.contains("there is no such file") || error.contains("must be relative"),
                "{error}"
            );
            assert!(library.bases(&place, &text).is_empty());
        }
        assert_eq!(library.text("Cargo.toml"), None);
        assert_eq!(
            library.text("scenarios/base/adult-spinal.toml"),
            None,
            "a base is not on offer"
        );
    }

    #[test]
    fn a_folder_is_offered_first_with_what_its_files_extend() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("class");
        std::fs::create_dir(&folder).unwrap();
        let root = env!("CARGO_MANIFEST_DIR");
        let base = std::fs::read_to_string(format!("{root}/scenarios/base/adult-spinal.toml")).unwrap();
        std::fs::write(dir.path().join("b.toml"), base).unwrap();
        std::fs::write(folder.join("a.toml"), "extends = \"../b.toml\"\ntitle = \"mine\"\n").unwrap();
        std::fs::write(folder.join("note.txt"), "no scenario").unwrap();
        let library = Library::with_folder(&folder).unwrap();
        let first = &library.offers()[0];
        assert_eq!(first.title, "mine");
        assert!(library.offers().iter().all(|o| !o.path.contains("note")));
        let text = library.text(&first.path).unwrap();
        let story = library.load(Path::new(&first.path), text, &Registry::builtin().catalog());
        assert_eq!(story.unwrap().arms[0].scenario.title, "mine");
        assert!(Library::with_folder(&dir.path().join("absent")).is_err());
    }
}
