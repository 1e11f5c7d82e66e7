//! `itbsim new`: a commented scenario to start from.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use super::{Failure, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim new my-case.toml
  itbsim new - > my-case.toml")]
pub(crate) struct Args {
    /// File to create; `-` prints to standard output
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    path: PathBuf,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let text = crate::scenario::template();
    if args.path.as_os_str() == "-" {
        return print(text);
    }
    let shown = args.path.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.path)
        .map_err(|error| {
            Failure::Input(match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    format!("error: `{shown}` exists already\n  help: choose another name; nothing was changed")
                }
                _ => format!("error: cannot create `{shown}`: {error}"),
            })
        })?;
    if let Err(error) = file.write_all(text.as_bytes()) {
        drop(file);
        let _ = std::fs::remove_file(&args.path);
        return Err(Failure::Input(format!("error: cannot write `{shown}`: {error}")));
    }
    print(&format!(
        "wrote {shown}\nnext: itbsim check {shown}, then itbsim run {shown}"
    ))
}
