//! `history`: what was changed.

use clap::Args;

use super::plan::change;
use crate::cli::Done;
use crate::cli::context::Context;
use crate::control::Request;
use crate::execute::{HistoryFilter, HistoryView};
use crate::sync::AccountName;

/// Show what was changed, with values before and after
#[derive(Debug, Args)]
pub struct History {
    /// Only this account's
    account: Option<AccountName>,
    /// Only contacts whose name or id contains this text
    #[arg(long, value_name = "NAME")]
    contact: Option<String>,
    /// Only this run
    #[arg(long)]
    run: Option<String>,
    /// At most so many entries, newest first
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl History {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let filter = HistoryFilter { contact: self.contact, run: self.run, limit: Some(self.limit) };
        context.show(Request::History { account: self.account, filter }, self.json, print)
    }
}

fn print(context: &mut Context, entries: Vec<HistoryView>) {
    for entry in entries {
        let at = entry.at.strftime("%Y-%m-%d %H:%M:%SZ");
        let side = entry.side.map(|side| format!(" in {side}")).unwrap_or_default();
        context.console.line(format!(
            "{at}  {}  {}  {}{side}: {} ({})",
            entry.account, entry.run, entry.action, entry.title, entry.reason
        ));
        for field in &entry.changes {
            context.console.line(change(field));
        }
    }
}
