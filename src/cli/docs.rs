//! `itbsim docs`: pages of the documentation that the program fills in.

use crate::pages::Page;

use super::{Failure, print};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim docs model > model.md
  itbsim docs credibility | less")]
pub(crate) struct Args {
    /// Which page
    #[arg(value_enum)]
    page: Page,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let text = args.page.text().map_err(|e| Failure::Model(format!("error: {e}")))?;
    print(&text)
}
