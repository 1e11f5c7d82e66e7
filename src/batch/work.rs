//! Running the replicates of a shard: threads, checkpoints, stopping, going on.
//!
//! Threads take replicates one by one in the order of their numbers, so that what is complete
//! when a stop is asked for is a run of numbers without gaps, but for those in hand. The results
//! are folded and their rows appended by one thread while the others compute on; every so often the
//! state is put on disk whole, with the length of the rows that belong to it. Whatever was
//! written after the last such state is cut off when the run goes on.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::error::BatchError;
use super::identity::{Identity, Shard};
use super::order::in_order;
use super::part::{Part, ROWS, failed, hex, read_part, save};
use super::replicate::{Batch, Replicate};
use super::risk::UNIT;
use super::state::State;
use crate::report::tables::push_number;
use crate::simulation::Outcomes;

/// Fewest replicates between two states on disk, and the most.
const CHECKPOINT: u64 = 1024;
const MOST_UNSAVED: u64 = 8192;

/// Who looks on while a batch runs.
pub struct Watcher<'a> {
    /// Set by anybody to stop: replicates in hand are finished, the rest is left.
    pub stop: &'a AtomicBool,
    /// Called from any thread after each replicate with the number done and failed by this call.
    pub tick: &'a (dyn Fn(u64, u64) + Sync),
}

/// First line of `replicates.csv`.
pub fn header(identity: &Identity) -> String {
    let mut line = String::from("replicate,");
    if !identity.outer.is_none() {
        line.push_str("draw,");
    }
    line.push_str("arm,status,");
    if !identity.bias.is_none() {
        line.push_str("weight,");
    }
    line.push_str("ended_h,faults");
    for (name, _) in Outcomes::default().rows() {
        line.push(',');
        line.push_str(name);
    }
    line.push_str(",events,fingerprint,reason\n");
    line
}

/// The lines of one replicate.
fn rows(identity: &Identity, replicate: &Replicate, out: &mut String) {
    let draw = identity.grid().draw_of(replicate.index);
    let draw = draw.map_or(String::new(), |d| format!("{d},"));
    for (arm, result) in identity.arms.iter().zip(&replicate.arms) {
        out.push_str(&format!("{},{draw}{},", replicate.index, quoted(arm)));
        match result {
            Ok(run) => {
                out.push_str("ok,");
                if !identity.bias.is_none() {
                    push_number(out, run.units as f64 / UNIT as f64);
                    out.push(',');
                }
                push_number(out, run.ended_h);
                let faults: Vec<String> = run
                    .faults
                    .iter()
                    .map(|(id, time)| format!("{id}@{}", crate::report::tables::number(*time)))
                    .collect();
                out.push(',');
                out.push_str(&quoted(&faults.join(" ")));
                for (_, value) in &run.outcomes {
                    out.push(',');
                    push_number(out, value.unwrap_or(f64::NAN));
                }
                out.push_str(&format!(",{},{:016x},\n", run.events, run.fingerprint));
            }
            Err(reason) => {
                let before = if draw.is_empty() { 3 } else { 4 };
                let empty = header(identity).matches(',').count() - before;
                out.push_str("failed");
                out.push_str(&",".repeat(empty));
                out.push_str(&format!(",{}\n", quoted(reason)));
            }
        }
    }
}

/// A cell of CSV.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Rows on disk with their length and hash.
struct Rows {
    file: fs::File,
    length: u64,
    hash: Sha256,
}

impl Rows {
    fn write(&mut self, text: &str, path: &Path) -> Result<(), BatchError> {
        self.file.write_all(text.as_bytes()).map_err(failed("write", path))?;
        self.length += text.len() as u64;
        self.hash.update(text.as_bytes());
        Ok(())
    }
}

/// Runs the replicates of a shard in a working folder, or goes on with them, and gives what is
/// complete: all of them, or, after a stop, those up to the first that is missing. The folder
/// then holds it as well.
///
/// # Errors
/// [`BatchError::Unfinished`] if the folder holds a part and `resume` is not set,
/// [`BatchError::Different`] if it is of another batch, [`BatchError::Damaged`],
/// [`BatchError::Io`]; what was put on disk before stays.
pub fn work(
    batch: &Batch,
    shard: Shard,
    folder: &Path,
    threads: usize,
    resume: bool,
    watcher: &Watcher<'_>,
) -> Result<Part, BatchError> {
    let identity = batch.identity();
    let grid = batch.grid();
    let (mut since, mut first) = (0, true);
    let (from, to) = shard.range(identity.n);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| BatchError::Threads {
            threads,
            why: e.to_string(),
        })?;
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    let path = folder.join(ROWS);
    let (mut part, mut rows_on_disk) = if folder.join(super::part::PART).exists() {
        let part = read_part(folder)?;
        if !resume {
            return Err(BatchError::Unfinished {
                path: folder.to_path_buf(),
                done: part.next - part.from,
                of: part.to - part.from,
            });
        }
        let shown = format!("the unfinished batch in `{}`", folder.display());
        identity.same("this batch", &part.identity, &shown)?;
        if (part.from, part.to) != (from, to) {
            return Err(BatchError::Different {
                left: "this batch".to_owned(),
                right: shown,
                what: "the range of replicates",
                ours: format!("{from} to {to}"),
                theirs: format!("{} to {}", part.from, part.to),
            });
        }
        let rows = reopen(&path, &part)?;
        (part, rows)
    } else {
        let file = fs::File::create(&path).map_err(failed("create", &path))?;
        let mut rows = Rows {
            file,
            length: 0,
            hash: Sha256::new(),
        };
        rows.write(&header(identity), &path)?;
        let part = Part {
            identity: identity.clone(),
            from,
            next: from,
            to,
            rows_length: 0,
            rows_hash: String::new(),
            state: State::new(identity),
        };
        (part, rows)
    };

    let mut keep = |part: &mut Part, complete: Vec<Replicate>, last: bool| {
        let mut text = String::new();
        complete.iter().for_each(|r| rows(identity, r, &mut text));
        part.next += complete.len() as u64;
        since += complete.len() as u64;
        part.state.fold(&grid, complete);
        rows_on_disk.write(&text, &path)?;
        // Early once, so that a folder that cannot be written is known at once.
        if last || first || since >= checkpoint_after(part.next - part.from) {
            checkpoint(part, &mut rows_on_disk, folder, &path)?;
            (since, first) = (0, false);
        }
        Ok::<(), BatchError>(())
    };
    in_groups(batch, part.next..to, &pool, watcher, |complete, last| {
        keep(&mut part, complete, last)
    })?;
    Ok(part)
}

/// Replicates between two states on disk, after so many of them: a state costs the same however
/// many are in it, so it is put down less often as they grow.
fn checkpoint_after(done: u64) -> u64 {
    (done / 8).clamp(CHECKPOINT, MOST_UNSAVED)
}

/// Computes the replicates of a range and hands them over in their order while the next ones are
/// computed; the last call says so, and is made even if nothing is left. After a stop what is
/// complete up to the first that is missing is handed over.
fn in_groups<E: Send>(
    batch: &Batch,
    range: std::ops::Range<u64>,
    pool: &rayon::ThreadPool,
    watcher: &Watcher<'_>,
    mut keep: impl FnMut(Vec<Replicate>, bool) -> Result<(), E> + Send,
) -> Result<(), E> {
    let (done, bad) = (AtomicU64::new(0), AtomicU64::new(0));
    let make = |index: u64| {
        let replicate = batch.replicate(index);
        let failed = u64::from(replicate.arms.iter().any(Result::is_err));
        let bad = bad.fetch_add(failed, Ordering::Relaxed) + failed;
        (watcher.tick)(done.fetch_add(1, Ordering::Relaxed) + 1, bad);
        replicate
    };
    let rest = in_order(pool, range, watcher.stop, make, |group| keep(group, false))?;
    pool.install(|| keep(rest, true))
}

/// As [`work`] for a whole batch that is kept in memory only. Gives the replicates that are
/// complete, and what is counted of them.
///
/// # Errors
/// [`BatchError::Threads`].
pub fn work_in_memory(batch: &Batch, threads: usize, watcher: &Watcher<'_>) -> Result<(u64, State), BatchError> {
    let identity = batch.identity();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| BatchError::Threads {
            threads,
            why: e.to_string(),
        })?;
    let (mut state, mut complete) = (State::new(identity), 0);
    let kept: Result<(), BatchError> = in_groups(batch, 0..identity.n, &pool, watcher, |replicates, _| {
        complete += replicates.len() as u64;
        state.fold(&batch.grid(), replicates);
        Ok(())
    });
    kept?;
    Ok((complete, state))
}

fn checkpoint(part: &mut Part, rows: &mut Rows, folder: &Path, path: &Path) -> Result<(), BatchError> {
    rows.file.flush().map_err(failed("write", path))?;
    part.rows_length = rows.length;
    part.rows_hash = hex(rows.hash.clone());
    save(part, folder)
}

/// Opens rows where the state on disk ends, and cuts off what came after it.
fn reopen(path: &Path, part: &Part) -> Result<Rows, BatchError> {
    let mut hash = Sha256::new();
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed("open", path))?;
    let copied = {
        let mut known = std::io::Read::take(&mut file, part.rows_length);
        std::io::copy(&mut known, &mut HashOnly(&mut hash)).map_err(failed("read", path))?
    };
    if copied != part.rows_length || hex(hash.clone()) != part.rows_hash {
        return Err(BatchError::Damaged {
            path: path.to_path_buf(),
            why: "its rows are not those that part.json was written with".to_owned(),
        });
    }
    file.set_len(part.rows_length).map_err(failed("cut", path))?;
    file.seek(SeekFrom::End(0)).map_err(failed("open", path))?;
    Ok(Rows {
        file,
        length: part.rows_length,
        hash,
    })
}

struct HashOnly<'a>(&'a mut Sha256);

impl Write for HashOnly<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Bytes of `part.json` for a finished shard.
///
/// # Errors
/// What the writer says.
pub fn save_shard(part: &Part, to: &mut dyn Write) -> std::io::Result<()> {
    super::part::write_part(part, to)
}
