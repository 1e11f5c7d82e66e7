//! `itbsim merge`: the parts of a batch become the batch, or a larger part of it.

use std::path::{Path, PathBuf};

use crate::batch::{self, BatchError, tables};

use super::{Failure, print, print_json};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim merge parts/* --out out/whole
  itbsim merge out/case-batch-1-of-2 out/case-batch-2-of-2 --out out/case-batch
  itbsim merge parts/1? --part --out parts/tens     # a step on the way, when there are many parts

The parts must be of one batch (scenario, seed, version, number of replicates), and none may be
missing. What comes out has the bytes of one run of the whole. With --part they need only follow one
another, and what comes out is a part again.")]
pub(crate) struct Args {
    /// Folders that `itbsim batch --shard` or `itbsim merge --part` wrote
    #[arg(required = true, value_name = "PART", value_hint = clap::ValueHint::DirPath)]
    parts: Vec<PathBuf>,
    /// Output folder
    #[arg(long, short, value_hint = clap::ValueHint::DirPath)]
    out: PathBuf,
    /// Join neighbouring parts into one part, to be merged with others later
    #[arg(long, conflicts_with_all = ["no_plots", "format", "json"])]
    part: bool,
    #[command(flatten)]
    look: super::draws::LookArgs,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// The scenario as a part has it.
fn scenario_in(folder: &Path) -> Result<String, Failure> {
    let file = folder.join(super::run::SCENARIO_FILE);
    let text = std::fs::read_to_string(&file).map_err(|source| BatchError::Io {
        doing: "read",
        path: file,
        source,
    })?;
    Ok(text)
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    args.look.format()?;
    let rows_of = |sorted: Vec<PathBuf>| {
        move |to: &mut dyn std::io::Write| {
            batch::copy_rows(&sorted, to).map_err(|error| match error {
                BatchError::Io { path, source, .. } => (path, source),
                other => (args.out.clone(), std::io::Error::other(other.to_string())),
            })
        }
    };
    if args.part {
        let (part, sorted) = batch::part_of(batch::join_some(&args.parts)?)?;
        let text = scenario_in(&sorted[0])?;
        super::batch::put_shard(&part, &text, &args.out, &rows_of(sorted))?;
        return print(&format!(
            "replicates {} to {} of {}, one part\nwritten to {}\n",
            part.from,
            part.to.max(1) - 1,
            part.identity.n,
            args.out.display()
        ));
    }
    let (identity, state, sorted) = batch::join_parts(&args.parts)?;
    let text = scenario_in(&sorted[0])?;
    // Rows that do not fit are refused before anything is written.
    batch::copy_rows(&sorted, &mut std::io::sink())?;
    let rows = rows_of(sorted);
    super::batch::put_tables(&identity, &state, identity.n, &text, &args.out, args.look, &rows)?;
    if args.json {
        print_json(&tables::summary(&identity, &state, identity.n))
    } else {
        print(&super::told::told(&identity, &state, identity.n, &args.out))
    }
}
