//! `itbsim merge`: the parts of a batch become the batch.

use std::path::PathBuf;

use crate::batch::{self, BatchError, tables};

use super::{Failure, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim merge parts/* --out out/whole
  itbsim merge out/case-batch-1-of-2 out/case-batch-2-of-2 --out out/case-batch

The parts must be of one batch (scenario, seed, version, number of replicates), and none may be
missing. What comes out has the bytes of one run of the whole.")]
pub(crate) struct Args {
    /// Folders that `itbsim batch --shard` wrote
    #[arg(required = true, value_name = "PART", value_hint = clap::ValueHint::DirPath)]
    parts: Vec<PathBuf>,
    /// Output folder
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: PathBuf,
    #[command(flatten)]
    look: super::draws::LookArgs,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    args.look.format()?;
    let (identity, state, sorted) = batch::join_parts(&args.parts)?;
    let file = sorted[0].join(super::run::SCENARIO_FILE);
    let text = std::fs::read_to_string(&file).map_err(|source| BatchError::Io {
        doing: "read",
        path: file,
        source,
    })?;
    // Rows that do not fit are refused before anything is written.
    batch::copy_rows(&sorted, &mut std::io::sink())?;
    let rows = |to: &mut dyn std::io::Write| {
        batch::copy_rows(&sorted, to).map_err(|error| match error {
            BatchError::Io { path, source, .. } => (path, source),
            other => (args.out.clone(), std::io::Error::other(other.to_string())),
        })
    };
    super::batch::put_tables(&identity, &state, identity.n, &text, &args.out, args.look, &rows)?;
    if args.json {
        print_json(&tables::summary(&identity, &state, identity.n))
    } else {
        print(&super::told::told(&identity, &state, identity.n, &args.out))
    }
}
