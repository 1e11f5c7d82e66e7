//! `itbsim serve`: a page on this machine, with sliders.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::serve::{Options, Server, Stopper};

use super::{Failure, print};

/// What ends the server that runs, if one does.
static RUNNING: Mutex<Option<Stopper>> = Mutex::new(None);

/// Ends a running server. Says whether there was one; a second request is not taken, so that
/// the program then ends at once.
pub(super) fn stop_gently() -> bool {
    let stopper = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(stopper) = &stopper {
        stopper.stop();
    }
    stopper.is_some()
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  itbsim serve                     # then open http://127.0.0.1:8311
  itbsim serve my-cases --port 0   # a folder of scenarios, and any free port

Choose a scenario, move sliders (dose, concentration, fault, severity, time of rescue), see the run
again at once, and share the changed file as TOML. Only this machine is served: 127.0.0.1, ::1.
Requests under another host name or from another page are refused. Limits of one request: 64 kB of
scenario, 24 arms, 200000 events, 1500 rows, 10 s; 32 connections at once. Ctrl-C ends it.")]
pub(crate) struct Args {
    /// Folder of scenarios to offer before the shipped ones
    #[arg(value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    folder: Option<PathBuf>,
    /// Port on this machine; 0 takes a free one
    #[arg(long, short, default_value_t = 8311)]
    port: u16,
}

pub(crate) fn execute(args: &Args) -> Result<(), Failure> {
    let options = Options {
        port: args.port,
        folder: args.folder.clone(),
        ..Options::default()
    };
    let server = Server::bind(&options).map_err(|e| {
        let help = match e {
            crate::serve::ServeError::Listen { .. } => {
                "\n  help: choose another port with --port, or any free one with --port 0"
            }
            _ => "",
        };
        Failure::Input(format!("error: {e}{help}"))
    })?;
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.stopper());
    print(&format!(
        "http://{}/\n{} scenarios; only this machine is served; Ctrl-C ends it\n\
         For teaching and research, never for treating a person.",
        server.address(),
        server.offers(),
    ))?;
    server.run();
    Ok(())
}
