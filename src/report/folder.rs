//! An output folder that appears complete or not at all.
//!
//! Files go to a hidden sibling of the target; [`RunFolder::commit`] renames it
//! into place. If anything fails, or the value is dropped, the sibling and any
//! parent folders made for it are removed. A folder from an earlier run is
//! replaced; anything else is left alone and reported.
//!
//! ```
//! use itbsim::report::RunFolder;
//! # let here = std::env::temp_dir().join(format!("itbsim-doc-{}", std::process::id()));
//! let mut folder = RunFolder::create(&here.join("leak"))?;
//! folder.write("summary.json", br#"{ "written_by": "itbsim" }"#)?;
//! folder.write("plots/response.svg", b"<svg/>")?;
//! let path = folder.commit()?;
//! assert!(path.join("plots/response.svg").exists());
//! # std::fs::remove_dir_all(here).unwrap();
//! # Ok::<(), itbsim::report::ReportError>(())
//! ```

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use super::ReportError;

/// What `summary.json` says under `written_by`; the mark of a folder that may be replaced.
pub const WRITER: &str = "itbsim";

/// Kinds of files that a run may write; any other file in the target is somebody's own.
const OWN_EXTENSIONS: [&str; 8] = ["csv", "json", "jsonl", "html", "parquet", "svg", "png", "toml"];

/// Held for reading while a folder changes on disk, for writing once the program is to end.
static BUSY: RwLock<()> = RwLock::new(());

/// Folders of this process that are not yet in place: hidden sibling, parents made for it.
static OPEN: Mutex<Vec<(PathBuf, Vec<PathBuf>)>> = Mutex::new(Vec::new());

/// Removes every unfinished folder of this process, then calls `then`.
///
/// For the handler of an interrupt, where `then` ends the process: no folder changes
/// while it runs, so an output folder is complete or absent. A file or a renaming in
/// progress is finished first. Not to be called by a thread that is writing a folder.
pub fn discard_unfinished(then: impl FnOnce()) {
    let _all = BUSY.write().unwrap_or_else(PoisonError::into_inner);
    for (staging, made) in open().drain(..) {
        remove_traces(&staging, &made);
    }
    then();
}

fn open() -> std::sync::MutexGuard<'static, Vec<(PathBuf, Vec<PathBuf>)>> {
    // A list of paths is sound whatever a thread that panicked did with it.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn busy() -> std::sync::RwLockReadGuard<'static, ()> {
    BUSY.read().unwrap_or_else(PoisonError::into_inner)
}

fn remove_traces(staging: &Path, made: &[PathBuf]) {
    // Best effort in both: there is nobody left to tell.
    if !staging.as_os_str().is_empty() {
        let _ = fs::remove_dir_all(staging);
    }
    for path in made.iter().rev() {
        let _ = fs::remove_dir(path);
    }
}

/// A folder being written, not yet visible under its name.
#[derive(Debug)]
pub struct RunFolder {
    target: PathBuf,
    staging: PathBuf,
    /// Parents that did not exist before, outermost first.
    made: Vec<PathBuf>,
    /// Names of the files written, in order.
    written: Vec<String>,
    committed: bool,
}

impl RunFolder {
    /// Starts a folder that is to appear at `target`.
    ///
    /// # Errors
    /// [`ReportError::Occupied`] if something is there that itbsim did not write,
    /// [`ReportError::Io`] if the place cannot be written. Nothing is left behind.
    pub fn create(target: &Path) -> Result<Self, ReportError> {
        let _busy = busy();
        // A link or `.` must be replaced where it points to, not itself.
        let target = match fs::canonicalize(target) {
            Ok(path) => path,
            Err(e) if e.kind() == io::ErrorKind::NotFound => target.to_path_buf(),
            Err(source) => return Err(failed("look at", target, source)),
        };
        refuse_if_occupied(&target)?;
        let Some(name) = target.file_name().map(|n| n.to_string_lossy().into_owned()) else {
            return Err(ReportError::BadName {
                name: target.display().to_string(),
            });
        };
        let parent = match target.parent() {
            Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
            _ => PathBuf::from("."),
        };

        let mut made: Vec<PathBuf> = parent
            .ancestors()
            .take_while(|p| !p.as_os_str().is_empty() && !p.exists())
            .map(Path::to_path_buf)
            .collect();
        made.reverse();
        // From here on, dropping the value undoes what was done.
        let mut folder = RunFolder {
            staging: parent.join(format!(".{name}.partial-{}", std::process::id())),
            target,
            made,
            written: Vec::new(),
            committed: false,
        };
        if let Err(source) = fs::create_dir_all(&parent) {
            let error = failed("create", &parent, source);
            folder.staging = PathBuf::new();
            return Err(error);
        }
        // Two folders of one process may share a target (a retry); take a free name.
        for attempt in 0.. {
            match fs::create_dir(&folder.staging) {
                Ok(()) => break,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                    folder.staging = parent.join(format!(".{name}.partial-{}-{attempt}", std::process::id()));
                }
                Err(source) => {
                    let error = failed("create", &folder.target, source);
                    folder.staging = PathBuf::new();
                    return Err(error);
                }
            }
        }
        open().push((folder.staging.clone(), folder.made.clone()));
        Ok(folder)
    }

    /// Names of the files written so far, in order.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        self.written.iter().map(String::as_str)
    }

    /// Where the folder will appear.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Writes one file; `name` may contain `/` for sub-folders.
    ///
    /// # Errors
    /// [`ReportError::Io`] if the disk is full or the like, [`ReportError::BadName`]
    /// if the name would leave the folder.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
        self.write_with(name, |w| {
            w.write_all(bytes).map_err(|e| failed("write", Path::new(name), e))
        })
    }

    /// Writes one file through a function that gets a buffered writer.
    ///
    /// # Errors
    /// What the function returns, and as [`RunFolder::write`].
    pub fn write_with(
        &mut self,
        name: &str,
        body: impl FnOnce(&mut dyn Write) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let relative = Path::new(name);
        let inside = relative.components().all(|c| matches!(c, Component::Normal(_)));
        if name.is_empty() || !inside {
            return Err(ReportError::BadName { name: name.to_owned() });
        }
        let _busy = busy();
        // Messages name the place the reader asked for, not the hidden sibling.
        let shown = self.target.join(relative);
        let path = self.staging.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|e| failed("create", &shown, e))?;
        }
        let file = fs::File::create(&path).map_err(|e| failed("create", &shown, e))?;
        let mut out = BufWriter::with_capacity(1 << 16, file);
        let done = body(&mut out).and_then(|()| out.flush().map_err(|e| failed("write", &shown, e)));
        if done.is_err() {
            // Dropping the buffer would try the failed write again; discard it.
            let _ = out.into_parts();
        }
        done.map_err(|e| match e {
            ReportError::Io { source, .. } => failed("write", &shown, source),
            other => other,
        })?;
        self.written.push(name.to_owned());
        Ok(())
    }

    /// Puts the folder in place and returns where it is.
    ///
    /// # Errors
    /// [`ReportError::Occupied`] if something foreign appeared meanwhile,
    /// [`ReportError::Io`] if the renaming fails; the earlier folder, if any, is then back in place.
    pub fn commit(mut self) -> Result<PathBuf, ReportError> {
        let _busy = busy();
        refuse_if_occupied(&self.target)?;
        let put = |folder: &Self| {
            fs::rename(&folder.staging, &folder.target).map_err(|e| failed("put in place", &folder.target, e))
        };
        if self.target.exists() {
            let mut old = self.staging.clone().into_os_string();
            old.push("-old");
            let old = PathBuf::from(old);
            fs::rename(&self.target, &old).map_err(|e| failed("replace", &self.target, e))?;
            if let Err(error) = put(&self) {
                // Best effort: the first error is the one to tell.
                let _ = fs::rename(&old, &self.target);
                return Err(error);
            }
            self.committed = true;
            fs::remove_dir_all(&old).map_err(|e| failed("remove", &old, e))?;
        } else {
            put(&self)?;
            self.committed = true;
        }
        Ok(self.target.clone())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        open().retain(|(staging, _)| *staging != self.staging);
        if !self.committed {
            remove_traces(&self.staging, &self.made);
        }
    }
}

/// Refuses a target that holds anything but an earlier run of itbsim.
fn refuse_if_occupied(target: &Path) -> Result<(), ReportError> {
    let occupied = |reason: String| ReportError::Occupied {
        path: target.to_path_buf(),
        reason,
    };
    match fs::metadata(target) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed("look at", target, source)),
        Ok(meta) if !meta.is_dir() => return Err(occupied("is a file, not a folder".to_owned())),
        Ok(_) => {}
    }
    if entries(target)?.is_empty() {
        return Ok(());
    }
    if !is_own(target) {
        return Err(occupied("is not empty and holds no summary.json of itbsim".to_owned()));
    }
    match foreign_file(target)? {
        Some(path) => {
            let shown = path.strip_prefix(target).unwrap_or(&path).display().to_string();
            Err(occupied(format!("holds `{shown}`, which itbsim did not write")))
        }
        None => Ok(()),
    }
}

/// Whether a folder carries the mark of this program.
fn is_own(folder: &Path) -> bool {
    fs::read(folder.join("summary.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .is_some_and(|v| v.get("written_by").and_then(|w| w.as_str()) == Some(WRITER))
}

/// The first file, by name, of a kind that no run writes.
fn foreign_file(folder: &Path) -> Result<Option<PathBuf>, ReportError> {
    for path in entries(folder)? {
        let meta = fs::symlink_metadata(&path).map_err(|e| failed("look at", &path, e))?;
        if meta.is_dir() {
            if let Some(found) = foreign_file(&path)? {
                return Ok(Some(found));
            }
            continue;
        }
        let extension = path.extension().map(|e| e.to_string_lossy().into_owned());
        if !meta.is_file() || !extension.is_some_and(|e| OWN_EXTENSIONS.contains(&e.as_str())) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let read = fs::read_dir(folder).map_err(|e| failed("read", folder, e))?;
    let mut paths = read
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| failed("read", folder, e))?;
    paths.sort();
    Ok(paths)
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> ReportError {
    ReportError::Io {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_a_typed_error_and_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("run");
        let mut folder = RunFolder::create(&target).unwrap();
        folder.write("events.csv", b"event_id\n").unwrap();
        // The device that is always full stands in for a full disk.
        std::os::unix::fs::symlink("/dev/full", folder.staging.join("timeseries.csv")).unwrap();
        let big = vec![b'x'; 1 << 20];
        let error = folder.write("timeseries.csv", &big).unwrap_err();
        assert!(
            matches!(&error, ReportError::Io { source, path, .. }
                if source.kind() == io::ErrorKind::StorageFull && path.ends_with("run/timeseries.csv")),
            "{error}"
        );
        drop(folder);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_failure_that_shows_only_when_the_buffer_is_flushed_is_reported() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = RunFolder::create(&place.path().join("run")).unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.staging.join("ledger.csv")).unwrap();
        assert!(folder.write("ledger.csv", b"short").is_err());
    }
}
