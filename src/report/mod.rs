//! What a run leaves behind: tables, figures, a summary.
//!
//! Everything here is a pure function of a [`RunData`], which holds plain rows
//! and knows nothing of the simulation that filled it. No wall clock, host name
//! or thread count enters an artefact, so equal runs give equal bytes.
//!
//! - [`tables`] writes `timeseries.csv`, `events.csv`, `symptoms.csv`,
//!   `ledger.csv`, `alarms.csv`, `device_log.csv`, `visits.csv`, `outcomes.csv` and `summary.json`;
//! - [`plots`] (feature `plots`) draws figures as SVG and PNG;
//! - [`folder`] puts a whole folder in place at once, or nothing;
//! - [`page`] makes the page that a teacher opens: one HTML file;
//! - [`text`] tells the story in a few lines for a terminal.

pub mod data;
pub mod flow;
pub mod folder;
pub mod format;
pub mod from_run;
pub mod matrix;
pub mod page;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod pictures;
#[cfg(feature = "plots")]
pub mod plots;
pub mod tables;
pub mod text;

use std::io;
use std::path::PathBuf;

pub use data::{
    EventRow, ExpectationRow, Gap, Marker, MarkerKind, Meta, Record, RunData, Series, SymptomRow, Table, column,
};
pub use folder::RunFolder;

/// The sentence that every artefact carries.
pub const DISCLAIMER: &str = "For teaching and research, not for treating a person";

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The system refused a file operation (no permission, disk full, ...).
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output folder holds something that itbsim did not write.
    #[error("`{}` {reason}; itbsim will not replace it: choose another folder or empty this one", path.display())]
    Occupied {
        /// The folder asked for.
        path: PathBuf,
        /// What is in the way.
        reason: String,
    },
    /// A name that would leave the output folder.
    #[error("`{name}` is no file name inside an output folder")]
    BadName {
        /// The name.
        name: String,
    },
    /// A row does not fit its columns.
    #[error("row {row} of {table} has {cells} cells for {columns} columns")]
    Ragged {
        /// Which table.
        table: &'static str,
        /// Row number from 0.
        row: usize,
        /// Cells found.
        cells: usize,
        /// Columns expected.
        columns: usize,
    },
    /// A table could not be encoded.
    #[error("cannot encode {table}: {reason}")]
    Encode {
        /// Which table.
        table: &'static str,
        /// What the encoder said.
        reason: String,
    },
    /// A figure could not be drawn.
    #[error("cannot draw figure `{figure}`: {reason}")]
    Draw {
        /// Which figure.
        figure: String,
        /// What the drawing library said.
        reason: String,
    },
}

impl ReportError {
    /// Whether the reader of a pipe went away, which calls for a quiet end.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, ReportError::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
