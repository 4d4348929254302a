//! `man`: the manual pages, made from the definition of the command line.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::{Done, definition};
use crate::control::{Exit, Failure};

/// Print the manual page
#[derive(Debug, Args)]
pub struct Man {
    /// Write one page for each command into this directory instead
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let definition = definition();
        match self.directory {
            None => {
                // A reader that went away has read enough.
                clap_mangen::Man::new(definition).section("8").render(context.console.out()).ok();
            }
            Some(directory) => clap_mangen::generate_to(definition, &directory).map_err(|error| {
                let message = format!("manual pages cannot be written to {}", directory.display());
                Failure::new(Exit::CannotCreate, message).cause(error.to_string())
            })?,
        }
        Ok(Exit::Ok)
    }
}
