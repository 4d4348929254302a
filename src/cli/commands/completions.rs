//! `completions`: for the shells.

use clap::Args;
use clap_complete::Shell;

use crate::cli::context::Context;
use crate::cli::definition;
use crate::control::Exit;

/// Print completions for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Exit {
        let mut completions = Vec::new();
        clap_complete::generate(self.shell, &mut definition(), "dafater-contactsd", &mut completions);
        context.console.out().write_all(&completions).ok();
        Exit::Ok
    }
}
