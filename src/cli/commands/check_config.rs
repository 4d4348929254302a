//! `check-config`: every finding of every layer.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::config;
use crate::control::Exit;

/// Check the configuration
#[derive(Debug, Args)]
pub struct CheckConfig {
    /// One JSON object
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Say nothing if the configuration can be used
    #[arg(long, short)]
    quiet: bool,
}

impl CheckConfig {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let answer = config::check_config(&context.sources, self.json);
        if answer.accepted {
            if !self.quiet {
                context.console.text(&answer.text);
            }
            return Ok(Exit::Ok);
        }
        if self.json {
            context.console.text(&answer.text);
        } else {
            context.console.note(answer.text.trim_end());
        }
        Ok(Exit::Configuration)
    }
}
