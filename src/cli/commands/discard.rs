//! `discard`: drops a held plan.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::control::Request;
use crate::sync::AccountName;

/// Drop a held plan: what it would have deleted stays, whom it would have brought back stays away
#[derive(Debug, Args)]
pub struct Discard {
    /// The account
    account: AccountName,
}

impl Discard {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let done = format!(
            "the plan of {} is dropped; what it would have deleted or brought back stays as it is, unpaired",
            self.account
        );
        context.tell(Request::Discard { account: self.account }, &done)
    }
}
