//! `config`: the configuration that holds.

use clap::{Args, Subcommand};

use crate::cli::context::Context;
use crate::config;
use crate::control::Exit;

/// Show the configuration that holds
#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the settings that hold, secrets hidden
    Show {
        /// With the place that each comes from
        #[arg(long)]
        origin: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a commented configuration to start from
    Example,
}

impl Config {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Exit {
        match self.action {
            Action::Show { origin, json } => {
                let answer = config::show(&context.sources, origin, json);
                if answer.accepted {
                    context.console.text(&answer.text);
                    return Exit::Ok;
                }
                context.console.note(answer.text.trim_end());
                Exit::Configuration
            }
            Action::Example => {
                context.console.text(&config::example());
                Exit::Ok
            }
        }
    }
}
