//! `conflicts`: what both sides changed to different values.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::Done;
use crate::cli::context::Context;
use crate::cli::table::table;
use crate::cli::words::{or_dash, value};
use crate::control::Request;
use crate::execute::ConflictView;
use crate::sync::{AccountName, Side};

/// List and decide conflicts
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Conflicts {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List open conflicts
    List(List),
    /// Show one conflict with its values
    Show {
        /// The conflict
        id: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Decide a conflict; the next sync carries it out
    Resolve {
        /// The conflict
        id: String,
        /// The side whose value counts
        side: Winner,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Only this account's
    account: Option<AccountName>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Winner {
    Google,
    Dafater,
}

impl Conflicts {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(List { account, json }) => {
                context.show(Request::Conflicts { account, id: None }, json, print_all)
            }
            Action::Show { id, json } => {
                context.show(Request::Conflicts { account: None, id: Some(id) }, json, print_one)
            }
            Action::Resolve { id, side } => {
                let side = match side {
                    Winner::Google => Side::Google,
                    Winner::Dafater => Side::Dafater,
                };
                let done = format!("conflict {id} goes to {side}; the next sync carries it out");
                context.tell(Request::Resolve { id, side }, &done)
            }
        }
    }
}

fn print_all(context: &mut Context, conflicts: Vec<ConflictView>) {
    let rows: Vec<_> = conflicts
        .into_iter()
        .map(|conflict| {
            let decided = or_dash(conflict.resolution.map(|side| side.to_string()));
            [
                conflict.id,
                conflict.account.to_string(),
                conflict.field,
                conflict.google_value,
                conflict.dafater_value,
                decided,
            ]
        })
        .collect();
    context.console.text(&table(["ID", "ACCOUNT", "FIELD", "GOOGLE", "DAFATER", "DECIDED"], &rows));
}

fn print_one(context: &mut Context, conflicts: Vec<ConflictView>) {
    for conflict in conflicts {
        context.console.line(format!("conflict {} of {}: {}", conflict.id, conflict.account, conflict.field));
        if let Some(base) = &conflict.base {
            context.console.line(format!("  before:  {}", value(base)));
        }
        let (google, dafater) = (conflict.google.as_str(), conflict.dafater.as_str());
        context.console.line(format!("  google:  {}  ({google})", value(&conflict.google_value)));
        context.console.line(format!("  dafater: {}  ({dafater})", value(&conflict.dafater_value)));
        if let Some(side) = conflict.resolution {
            context.console.line(format!("  decided: {side}"));
        }
    }
}
