//! `reload`: lets the daemon read its configuration again, and waits for the outcome.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::{Context, read};
use crate::control::Request;
use crate::daemon::ReloadOutcome;

/// Let the running daemon read its configuration again
#[derive(Debug, Args)]
pub struct Reload {}

impl Reload {
    pub(in crate::cli) fn run(context: &mut Context) -> Done {
        context.ask_daemon(Request::Reload {}, &mut |console, item| {
            match read(item)? {
                ReloadOutcome::Unchanged => console.line("the configuration is unchanged"),
                ReloadOutcome::Applied { changed, restart_needed } => {
                    if !changed.is_empty() {
                        console.line(format!("reloaded: {}", changed.join(", ")));
                    }
                    if !restart_needed.is_empty() {
                        console.note(format!("note: a restart is needed for {}", restart_needed.join(", ")));
                    }
                }
                // The daemon answers a refusal with its failure.
                ReloadOutcome::Refused { failure } => return Err(failure),
            }
            Ok(())
        })
    }
}
