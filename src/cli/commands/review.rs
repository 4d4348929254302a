//! `review`: records that may be the same person.

use clap::{Args, Subcommand};

use crate::cli::Done;
use crate::cli::context::Context;
use crate::control::Request;
use crate::execute::ReviewView;
use crate::mapping::{DocumentName, SourceId};
use crate::sync::{AccountName, RecordId};

/// List and settle ambiguous matches
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Review {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List ambiguous matches
    List(List),
    /// Declare two records to be the same person
    Link {
        /// The account
        account: AccountName,
        /// Google's record, as `list` shows it
        #[arg(value_parser = google)]
        google: RecordId,
        /// Dafater's record, as `list` shows it
        #[arg(value_parser = dafater)]
        dafater: RecordId,
    },
    /// Declare a record to be somebody of its own: it is created on the other side, whoever it resembles
    Separate {
        /// The account
        account: AccountName,
        /// The record, as `list` shows it: `google:…` or `dafater:…`
        #[arg(value_parser = record)]
        record: RecordId,
    },
    /// Leave a record alone for good
    Skip {
        /// The account
        account: AccountName,
        /// The record, as `list` shows it: `google:…` or `dafater:…`
        #[arg(value_parser = record)]
        record: RecordId,
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

impl Review {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(List { account, json }) => context.show(Request::Reviews { account }, json, print),
            Action::Link { account, google, dafater } => {
                let done = format!("{google} and {dafater} are the same person; the next sync pairs them");
                context.tell(Request::Link { account, google, dafater }, &done)
            }
            Action::Separate { account, record } => {
                let done = format!("{record} is somebody of its own; the next sync creates its counterpart");
                context.tell(Request::Separate { account, record }, &done)
            }
            Action::Skip { account, record } => {
                let done = format!("{record} is left alone");
                context.tell(Request::Skip { account, record }, &done)
            }
        }
    }
}

fn print(context: &mut Context, reviews: Vec<ReviewView>) {
    for review in reviews {
        context.console.line(format!("{}  {}  {}", review.account, review.record, review.title));
        context.console.line(format!("    {}", review.reason));
        for candidate in review.candidates {
            context.console.line(format!("    may be {candidate}"));
        }
    }
}

fn google(text: &str) -> Result<RecordId, String> {
    let id = text.strip_prefix("google:").unwrap_or(text);
    if id.is_empty() { Err("it is empty".to_owned()) } else { Ok(RecordId::Google(SourceId(id.to_owned()))) }
}

fn dafater(text: &str) -> Result<RecordId, String> {
    let name = text.strip_prefix("dafater:").unwrap_or(text);
    if name.is_empty() {
        Err("it is empty".to_owned())
    } else {
        Ok(RecordId::Dafater(DocumentName(name.to_owned())))
    }
}

fn record(text: &str) -> Result<RecordId, String> {
    if text.starts_with("google:") {
        google(text)
    } else if text.starts_with("dafater:") {
        dafater(text)
    } else {
        Err("say which side it is on: `google:…` or `dafater:…`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_written_as_it_is_shown() {
        for shown in ["google:c42", "dafater:Ada Lovelace-Acme: Ltd"] {
            assert_eq!(record(shown).unwrap().to_string(), shown);
        }
        assert_eq!(google("c42"), google("google:c42"));
        assert!(record("c42").is_err() && record("google:").is_err());
    }
}
