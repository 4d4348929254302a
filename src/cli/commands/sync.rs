//! `sync`: one cycle now.

use clap::Args;

use crate::cli::Done;
use crate::cli::console::{Console, Tone};
use crate::cli::context::{Context, read};
use crate::cli::words::{counted, writes};
use crate::control::Request;
use crate::execute::{Outcome, RunReport};
use crate::sync::AccountName;

/// Sync accounts now, through the running daemon or alone
#[derive(Debug, Args)]
pub struct Sync {
    /// The accounts; all enabled ones when none is named
    #[arg(value_name = "ACCOUNT")]
    accounts: Vec<AccountName>,
    /// Compute and report, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Read everything instead of what changed
    #[arg(long)]
    full: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Sync {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let request = Request::Sync { accounts: self.accounts, dry_run: self.dry_run, full: self.full };
        let json = self.json;
        context.ask(request, &mut |console, item| {
            if json {
                console.line(item);
            } else {
                let line = line(console, &read(item)?);
                console.line(line);
            }
            Ok(())
        })
    }
}

fn line(console: &Console, report: &RunReport) -> String {
    let (tone, outcome) = match report.outcome {
        Outcome::Ok => (Tone::Good, "ok"),
        Outcome::Held => (Tone::Warning, "held"),
        Outcome::Failed => (Tone::Bad, "failed"),
        Outcome::Skipped => (Tone::Faint, "skipped"),
    };
    let mut parts = writes(report.google, report.dafater);
    if report.linked > 0 {
        parts.push(format!("{} linked", report.linked));
    }
    for (count, noun) in [(report.conflicts, "conflict"), (report.parked, "parked item")] {
        if count > 0 {
            parts.push(counted(count, noun));
        }
    }
    if report.review > 0 {
        parts.push(format!("{} to review", report.review));
    }
    parts.extend(report.error.clone());
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    format!("{:<16} {} {}", report.account.as_str(), console.paint(tone, outcome, 7), parts.join("; "))
}
