//! `revoke`: ends an account's access to Google Contacts.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::control::Request;
use crate::sync::AccountName;

/// Revoke and forget the tokens of an account
#[derive(Debug, Args)]
pub struct Revoke {
    /// The account
    account: AccountName,
}

impl Revoke {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let done =
            format!("{} is no longer authorized; its contacts stay as they are on both sides", self.account);
        context.tell(Request::Revoke { account: self.account }, &done)
    }
}
