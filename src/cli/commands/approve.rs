//! `approve`: releases a held plan.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::control::Request;
use crate::sync::AccountName;

/// Release a held plan
#[derive(Debug, Args)]
pub struct Approve {
    /// The account
    account: AccountName,
}

impl Approve {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let done = format!("the plan of {} is approved; the next sync carries it out", self.account);
        context.tell(Request::Approve { account: self.account }, &done)
    }
}
