//! `accounts`: the Google accounts.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::cli::table::table;
use crate::cli::words::or_dash;
use crate::control::{AccountView, Request};

/// List the Google accounts
#[derive(Debug, Args)]
pub struct Accounts {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Accounts {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        context.show(Request::Accounts {}, self.json, |context, accounts: Vec<AccountView>| {
            let rows: Vec<_> = accounts.into_iter().map(row).collect();
            let headings = ["ACCOUNT", "EMAIL", "ENABLED", "DIRECTION", "SCHEDULE", "OWNER", "AUTHORIZED"];
            context.console.text(&table(headings, &rows));
        })
    }
}

fn row(view: AccountView) -> [String; 7] {
    let direction = match (view.pull_from_google_contacts, view.push_to_google_contacts) {
        (true, true) => "both",
        (true, false) => "google -> dafater",
        (false, true) => "dafater -> google",
        (false, false) => "none",
    };
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    [
        view.account.to_string(),
        view.email_id,
        yes(view.enable),
        direction.to_owned(),
        view.schedule,
        or_dash(view.owner),
        yes(view.authorized),
    ]
}
