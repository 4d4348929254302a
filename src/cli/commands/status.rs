//! `status`: where each account stands.

use clap::Args;

use crate::cli::Done;
use crate::cli::console::Tone;
use crate::cli::context::Context;
use crate::cli::table::table;
use crate::cli::words::{or_dash, relative, span, writes};
use crate::control::{Request, StatusView};
use crate::sync::AccountName;

/// Show where each account stands
#[derive(Debug, Args)]
pub struct Status {
    /// The accounts; all when none is named
    #[arg(value_name = "ACCOUNT")]
    accounts: Vec<AccountName>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        context.show(Request::Status { accounts: self.accounts }, self.json, print)
    }
}

/// A due time that has passed is no news while a cycle runs.
fn next(view: &StatusView, now: jiff::Timestamp) -> String {
    let due = view.next_run.map(|time| if view.running_since.is_some() { time.max(now) } else { time });
    or_dash(due.map(|time| relative(time, now)))
}

fn print(context: &mut Context, accounts: Vec<StatusView>) {
    let now = context.surroundings.clock.now();
    let rows: Vec<_> = accounts
        .iter()
        .map(|view| {
            let status = &view.status;
            let tone = match view.state.as_str() {
                "ok" | "running" => Tone::Good,
                "disabled" | "never synced" => Tone::Faint,
                "held" => Tone::Warning,
                _ => Tone::Bad,
            };
            [
                status.account.to_string(),
                context.console.paint(tone, &view.state, 0),
                or_dash(status.last_sync_on.map(|time| relative(time, now))),
                next(view, now),
                or_dash(view.cursor_age_seconds.map(span)),
                status.linked.to_string(),
                status.parked.to_string(),
                status.conflicts.to_string(),
                status.review.to_string(),
                or_dash(status.consented_as.clone().or_else(|| status.authorized.then(|| "yes".to_owned()))),
            ]
        })
        .collect();
    let headings = [
        "ACCOUNT",
        "STATE",
        "LAST SYNC",
        "NEXT RUN",
        "CURSOR AGE",
        "LINKED",
        "PARKED",
        "CONFLICTS",
        "REVIEW",
        "AUTHORIZED",
    ];
    context.console.text(&table(headings, &rows));
    for view in accounts {
        let status = &view.status;
        if let Some(hold) = &status.hold {
            let what = writes(hold.google, hold.dafater).join("; ");
            let wait =
                if hold.approved { "approved, waits for the next sync" } else { "waits for `approve`" };
            let since = relative(hold.since, now);
            context.console.line(format!(
                "\n{}: a plan is held since {since} and {wait}: {} ({what})",
                status.account, hold.reason
            ));
        }
        if let Some(error) = &status.error {
            context.console.line(format!("\n{}: {error}", status.account));
        }
        if let Some(warning) = &status.warning {
            context.console.line(format!("\n{}: {warning}", status.account));
        }
        if status.in_doubt > 0 {
            context.console.line(format!(
                "\n{}: of {} operations it is not known yet whether they were carried out",
                status.account, status.in_doubt
            ));
        }
    }
}
