//! `man`: the manual pages, made from the definition of the command line.

use std::path::{Path, PathBuf};

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
        let mut definition = definition();
        let Some(directory) = self.directory else {
            // A reader that went away has read enough.
            clap_mangen::Man::new(definition).section(SECTION).render(context.console.out()).ok();
            return Ok(Exit::Ok);
        };
        // Gives each command the name of its page.
        definition.build();
        write_pages(&definition, &directory).map_err(|error| {
            let message = format!("manual pages cannot be written to {}", directory.display());
            Failure::new(Exit::CannotCreate, message).cause(error.to_string())
        })?;
        Ok(Exit::Ok)
    }
}

fn write_pages(command: &clap::Command, directory: &Path) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).section(SECTION).render(&mut page)?;
    std::fs::write(directory.join(format!("{name}.{SECTION}")), page)?;
    command.get_subcommands().try_for_each(|command| write_pages(command, directory))
}

/// Commands of the system administrator.
const SECTION: &str = "8";
