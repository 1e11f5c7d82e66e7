//! What can go wrong with a batch as a whole; a replicate that fails is no such thing.

use std::io;
use std::path::PathBuf;

/// Why a batch, a part or a merge is refused or had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// No replicates.
    #[error("a batch needs at least one replicate; -n {n} asks for none")]
    Empty {
        /// The number asked for.
        n: u64,
    },
    /// More replicates than counts can hold.
    #[error("{total} replicates in all are more than {most}, the limit of one batch: take fewer, or several seeds")]
    Many {
        /// Those asked for, of all draws.
        total: u128,
        /// Most.
        most: u64,
    },
    /// A shard that cannot be.
    #[error("shard {text} cannot be: {why}")]
    Shard {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A signal that no run has.
    #[error("no signal is called `{name}`")]
    Signal {
        /// The name.
        name: String,
        /// The nearest that there is.
        near: Option<String>,
    },
    /// Arms of different length or spacing cannot share one grid.
    #[error("arm `{arm}` runs for {own_h} h, the first arm for {first_h} h; arms of a batch need one length")]
    Lengths {
        /// The arm that differs.
        arm: String,
        /// Its length \[h\].
        own_h: f64,
        /// Length of the first arm \[h\].
        first_h: f64,
    },
    /// More samples than memory should hold.
    #[error(
        "{cells} samples a replicate ({signals} signals, {times} times, {arms} arms) are more than {most}: take a wider --sample or fewer signals"
    )]
    Grid {
        /// Samples asked for.
        cells: u64,
        /// Signals.
        signals: usize,
        /// Arms.
        arms: usize,
        /// Times.
        times: u64,
        /// Most.
        most: u64,
    },
    /// Nothing for the outer level to draw.
    #[error("arm `{arm}` has nothing uncertain to draw: it has no [population] whose middles or spreads are uncertain")]
    Certain {
        /// The arm; empty without arms.
        arm: String,
    },
    /// An outer level that cannot be.
    #[error("{draws} draws of what is uncertain, {n} replicates each, cannot be: take 2 to {most} draws")]
    Outer {
        /// Draws asked for.
        draws: u64,
        /// Replicates of each.
        n: u64,
        /// Most draws.
        most: u64,
    },
    /// A bias that does not fit the hazards.
    #[error(transparent)]
    Bias(#[from] crate::hazards::BiasError),
    /// The system refused a file operation.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An unfinished batch is in the way.
    #[error("`{}` holds an unfinished batch with {done} of {of} replicates", path.display())]
    Unfinished {
        /// Its folder.
        path: PathBuf,
        /// Replicates in it.
        done: u64,
        /// Replicates it was to have.
        of: u64,
    },
    /// A file that is no whole part of a batch.
    #[error("`{}` is no whole part of a batch: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A part that another version of the program wrote in another layout.
    #[error(
        "`{}` is a part of layout {found}, written by itbsim {by}; this program reads layout {needed}: run that shard again, or merge with the version that wrote it",
        path.display()
    )]
    Layout {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u32,
        /// Version of the program that wrote it.
        by: String,
        /// The layout that is read.
        needed: u32,
    },
    /// Two things that should be of one batch are not.
    #[error("{left} and {right} are not of one batch: {what} is {ours} here and {theirs} there")]
    Different {
        /// One of them.
        left: String,
        /// The other.
        right: String,
        /// What differs.
        what: &'static str,
        /// Its value in the one.
        ours: String,
        /// Its value in the other.
        theirs: String,
    },
    /// Replicates that no part holds.
    #[error("replicates {from} to {to} of {n} are in none of the parts")]
    Missing {
        /// First missing.
        from: u64,
        /// Last missing.
        to: u64,
        /// Size of the batch.
        n: u64,
    },
    /// Replicates that two parts hold.
    #[error("replicates {from} to {to} are in more than one part: {first} and {second}")]
    Twice {
        /// First one.
        from: u64,
        /// Last one.
        to: u64,
        /// One part.
        first: String,
        /// Another.
        second: String,
    },
    /// Threads could not be started.
    #[error("cannot start {threads} threads: {why}")]
    Threads {
        /// How many.
        threads: usize,
        /// What the system said.
        why: String,
    },
}
