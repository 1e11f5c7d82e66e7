//! Parts of a batch as files, and their joining.
//!
//! A part is a folder with `part.json` and `replicates.csv`. The first holds identity, range,
//! length and hash of the second, and the state; its last line is the SHA-256 of the rest, so
//! that a file cut short or changed is seen. Both are written under another name first.

use std::fs;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::BatchError;
use super::identity::Identity;
use super::state::State;

/// File of the state.
pub const PART: &str = "part.json";
/// File of the rows.
pub const ROWS: &str = "replicates.csv";
/// What the last line of a part begins with.
const SEAL: &str = "sha256 ";

/// Some replicates of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The batch.
    pub identity: Identity,
    /// First replicate of the shard.
    pub from: u64,
    /// One behind the last replicate that is in.
    pub next: u64,
    /// One behind the last replicate of the shard.
    pub to: u64,
    /// Length of `replicates.csv` \[bytes\].
    pub rows_length: u64,
    /// SHA-256 of `replicates.csv`, hexadecimal.
    pub rows_hash: String,
    /// What is counted.
    pub state: State,
}

impl Part {
    /// Whether all replicates of its shard are in.
    pub fn is_whole(&self) -> bool {
        self.next == self.to
    }
}

/// What parts of all layouts have.
#[derive(Deserialize)]
struct Origin {
    identity: OriginIdentity,
}

#[derive(Deserialize)]
struct OriginIdentity {
    layout: u32,
    version: String,
}

/// A writer that hashes what passes through.
struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BatchError {
    let path = path.to_path_buf();
    move |source| BatchError::Io { doing, path, source }
}

/// Bytes of a part, with its seal.
///
/// # Errors
/// What the writer says.
pub fn write_part(part: &Part, to: &mut dyn Write) -> io::Result<()> {
    let hashing = Hashing {
        to,
        hash: Sha256::new(),
    };
    // A number at a time would be slow to hash.
    let mut out = BufWriter::with_capacity(1 << 16, hashing);
    serde_json::to_writer(&mut out, part)?;
    out.write_all(b"\n")?;
    let Hashing { to, hash } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    writeln!(to, "{SEAL}{}", hex(hash))
}

/// Puts a part into a folder under its name, whole or not at all.
pub(super) fn save(part: &Part, folder: &Path) -> Result<(), BatchError> {
    let (target, partial) = (folder.join(PART), folder.join(".part.json.new"));
    let file = fs::File::create(&partial).map_err(failed("create", &target))?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    write_part(part, &mut out)
        .and_then(|()| out.flush())
        .map_err(failed("write", &target))?;
    drop(out);
    fs::rename(&partial, &target).map_err(failed("put in place", &target))
}

/// Reads the part in a folder and checks its seal and its shape.
///
/// # Errors
/// [`BatchError::Io`], [`BatchError::Layout`], [`BatchError::Damaged`].
pub fn read_part(folder: &Path) -> Result<Part, BatchError> {
    let path = folder.join(PART);
    let bytes = fs::read(&path).map_err(failed("read", &path))?;
    parse_part(&bytes, &path)
}

/// As [`read_part`], of the bytes of a file; `path` stands in messages only.
///
/// # Errors
/// [`BatchError::Damaged`].
pub fn parse_part(bytes: &[u8], path: &Path) -> Result<Part, BatchError> {
    let damaged = |why: &str| BatchError::Damaged {
        path: path.to_path_buf(),
        why: why.to_owned(),
    };
    let seal = bytes
        .len()
        .checked_sub(SEAL.len() + 65)
        .ok_or_else(|| damaged("it is cut short"))?;
    let (body, line) = bytes.split_at(seal);
    let mut hash = Sha256::new();
    hash.update(body);
    if line != format!("{SEAL}{}\n", hex(hash)).as_bytes() {
        return Err(damaged("its seal does not fit: it is cut short or was changed"));
    }
    let read = serde_json::from_slice::<Part>(body);
    let layout = match &read {
        Ok(part) => Some((part.identity.layout, part.identity.version.clone())),
        // Its seal fits, so it may be whole and of another layout.
        Err(_) => serde_json::from_slice::<Origin>(body)
            .ok()
            .map(|o| (o.identity.layout, o.identity.version)),
    };
    if let Some((found, by)) = layout.filter(|(found, _)| *found != Identity::LAYOUT) {
        return Err(BatchError::Layout {
            path: path.to_path_buf(),
            found,
            by,
            needed: Identity::LAYOUT,
        });
    }
    let part = read.map_err(|e| damaged(&format!("it does not read: {e}")))?;
    if !part.identity.is_sound() {
        return Err(damaged("no batch can be as it says"));
    }
    let ordered = part.from <= part.next && part.next <= part.to && part.to <= part.identity.n;
    if !ordered || !part.state.fits(&part.identity) {
        return Err(damaged("what it holds does not fit together"));
    }
    Ok(part)
}

/// Writes the rows of parts one behind the other, with one header, and checks each against
/// its part.
///
/// # Errors
/// [`BatchError::Io`] and [`BatchError::Damaged`], or what the writer says.
pub fn copy_rows(folders: &[PathBuf], to: &mut dyn Write) -> Result<(), BatchError> {
    for (i, folder) in folders.iter().enumerate() {
        let part = read_part(folder)?;
        let path = folder.join(ROWS);
        let file = fs::File::open(&path).map_err(failed("read", &path))?;
        let mut left = part.rows_length;
        // The header of the first stands for all.
        let mut skip = if i == 0 {
            0
        } else {
            super::work::header(&part.identity).len()
        };
        let mut from = file.take(left);
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = from.read(&mut buffer).map_err(failed("read", &path))?;
            if n == 0 {
                break;
            }
            left -= n as u64;
            hash.update(&buffer[..n]);
            let passed = skip.min(n);
            skip -= passed;
            to.write_all(&buffer[passed..n]).map_err(failed("copy", &path))?;
        }
        if left > 0 || hex(hash) != part.rows_hash {
            return Err(BatchError::Damaged {
                path,
                why: "its rows are not those that part.json was written with".to_owned(),
            });
        }
    }
    Ok(())
}

/// Joins parts into the whole batch; gives identity, state, and the folders in the order of
/// their replicates, for [`copy_rows`].
///
/// # Errors
/// [`BatchError::Different`] for parts of another batch, [`BatchError::Twice`] and
/// [`BatchError::Missing`] for replicates, [`BatchError::Damaged`], [`BatchError::Io`].
pub fn join_parts(folders: &[PathBuf]) -> Result<(Identity, State, Vec<PathBuf>), BatchError> {
    let joined = join_some(folders)?;
    let missing = |from: u64, to: u64| BatchError::Missing {
        from,
        to: to - 1,
        n: joined.identity.n,
    };
    if joined.from > 0 {
        return Err(missing(0, joined.from));
    }
    if joined.to < joined.identity.n {
        return Err(missing(joined.to, joined.identity.n));
    }
    Ok((joined.identity, joined.state, joined.folders))
}

/// Neighbouring parts as one.
#[derive(Debug)]
pub struct Joined {
    /// The batch.
    pub identity: Identity,
    /// First replicate.
    pub from: u64,
    /// One behind the last replicate.
    pub to: u64,
    /// What is counted of all of them.
    pub state: State,
    /// The parts in the order of their replicates, for [`copy_rows`].
    pub folders: Vec<PathBuf>,
}

/// Joins parts that follow one another, which need not be all of the batch.
///
/// # Errors
/// As [`join_parts`]; replicates may be missing before the first and behind the last part.
pub fn join_some(folders: &[PathBuf]) -> Result<Joined, BatchError> {
    let mut order: Vec<(u64, u64, &PathBuf)> = Vec::new();
    let mut first: Option<(Identity, String)> = None;
    let shown = |folder: &Path| format!("`{}`", folder.display());
    // Ranges first: what does not fit is said before any large state is joined.
    for folder in folders {
        let part = read_part(folder)?;
        if !part.is_whole() {
            return Err(BatchError::Damaged {
                path: folder.join(PART),
                why: format!(
                    "it stopped after replicate {} of {} to {}",
                    part.next, part.from, part.to
                ),
            });
        }
        match &first {
            None => first = Some((part.identity, shown(folder))),
            Some((identity, name)) => identity.same(name, &part.identity, &shown(folder))?,
        }
        order.push((part.from, part.to, folder));
    }
    order.sort();
    let Some((identity, _)) = first else {
        return Err(BatchError::Empty { n: 0 });
    };
    let start = order.first().map_or(0, |o| o.0);
    let mut next = start;
    for (i, (from, to, folder)) in order.iter().enumerate() {
        if *from > next {
            return Err(BatchError::Missing {
                from: next,
                to: from - 1,
                n: identity.n,
            });
        }
        if *from < next {
            return Err(BatchError::Twice {
                from: *from,
                to: next.min(*to).max(from + 1) - 1,
                first: order.get(i.wrapping_sub(1)).map_or(String::new(), |o| shown(o.2)),
                second: shown(folder),
            });
        }
        next = *to;
    }
    let mut state = State::new(&identity);
    let mut sorted = Vec::new();
    for (_, _, folder) in order {
        state.join(&read_part(folder)?.state);
        sorted.push(folder.clone());
    }
    Ok(Joined {
        identity,
        from: start,
        to: next,
        state,
        folders: sorted,
    })
}

/// The part that joined parts make: hashes the rows that [`copy_rows`] gives.
///
/// # Errors
/// As [`copy_rows`].
pub fn part_of(joined: Joined) -> Result<(Part, Vec<PathBuf>), BatchError> {
    let mut rows = Hashing {
        to: io::sink(),
        hash: Sha256::new(),
    };
    let mut counted = Counted {
        to: &mut rows,
        length: 0,
    };
    copy_rows(&joined.folders, &mut counted)?;
    let rows_length = counted.length;
    let part = Part {
        identity: joined.identity,
        from: joined.from,
        next: joined.to,
        to: joined.to,
        rows_length,
        rows_hash: hex(rows.hash),
        state: joined.state,
    };
    Ok((part, joined.folders))
}

/// A writer that counts what passes through.
struct Counted<'a> {
    to: &'a mut dyn Write,
    length: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.length += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
