//! What may be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::Done;
#[cfg(feature = "sandbox")]
use super::commands::sandbox;
use super::commands::{
    accounts, approve, authorize, check_config, completions, config, conflicts, discard, doctor, explain,
    history, man, plan, reload, review, revoke, run, status, store, sync, undo,
};
use super::context::Context;
use crate::observe::LogFormat;

/// Keeps the contacts of a business the same in Google Contacts and in Dafater.
#[derive(Debug, Parser)]
#[command(name = "dafater-contactsd", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Main configuration file, with its drop-ins in conf.d/ beside it
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one key of the configuration, as in `accounts.sales.enable=false`; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// What is logged: error, warn, info, debug, trace, or filter directives
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How it is logged
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Whether output is coloured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon in the foreground
    Run(run::Run),
    /// Sync accounts now, through the running daemon or alone
    Sync(sync::Sync),
    /// Show where each account stands
    Status(status::Status),
    /// List the Google accounts
    Accounts(accounts::Accounts),
    /// Give an account access to Google Contacts
    Authorize(authorize::Authorize),
    /// Revoke and forget the tokens of an account
    Revoke(revoke::Revoke),
    /// Show what the next sync would do, field by field; writes nothing
    Plan(plan::Plan),
    /// Release a held plan
    Approve(approve::Approve),
    /// Drop a held plan: what it would have deleted stays
    Discard(discard::Discard),
    /// List and decide conflicts
    Conflicts(conflicts::Conflicts),
    /// List and settle ambiguous matches
    Review(review::Review),
    /// Show what was changed, with values before and after
    History(history::History),
    /// Put back what a run changed, as a run of its own
    Undo(undo::Undo),
    /// Check the configuration
    CheckConfig(check_config::CheckConfig),
    /// Show the configuration that holds
    Config(config::Config),
    /// Let the running daemon read its configuration again
    Reload(reload::Reload),
    /// Export, import, verify and rekey the store
    Store(store::Store),
    /// Test everything that a sync needs, and say what to do next
    Doctor(doctor::Doctor),
    /// Explain the code of a warning or error
    Explain(explain::Explain),
    /// Try the daemon on sample contacts, between stand-ins for Google and Dafater
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Sandbox),
    /// Print the manual page
    Man(man::Man),
    /// Print completions for a shell
    Completions(completions::Completions),
}

impl Command {
    /// Does it.
    pub(super) fn run(self, context: &mut Context) -> Done {
        match self {
            Self::Run(run::Run {}) => run::Run::run(context),
            Self::Sync(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Accounts(command) => command.run(context),
            Self::Authorize(command) => command.run(context),
            Self::Revoke(command) => command.run(context),
            Self::Plan(command) => command.run(context),
            Self::Approve(command) => command.run(context),
            Self::Discard(command) => command.run(context),
            Self::Conflicts(command) => command.run(context),
            Self::Review(command) => command.run(context),
            Self::History(command) => command.run(context),
            Self::Undo(command) => command.run(context),
            Self::CheckConfig(command) => command.run(context),
            Self::Config(command) => Ok(command.run(context)),
            Self::Reload(reload::Reload {}) => reload::Reload::run(context),
            Self::Store(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            Self::Explain(command) => command.run(context),
            #[cfg(feature = "sandbox")]
            Self::Sandbox(command) => command.run(context),
            Self::Man(command) => command.run(context),
            Self::Completions(command) => Ok(command.run(context)),
        }
    }
}
