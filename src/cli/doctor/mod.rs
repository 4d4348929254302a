//! The self-test: everything that must be well for a sync, one line each, with what to do next.
//!
//! ```text
//! local    configuration, daemon, store
//! remote   who answers, whose clock differs
//! site     user, zone, rights, lists, key field, the site's own integration
//! google   each account, through whoever holds its tokens
//! fix      the role and the field, with a System Manager's key
//! ```
//!
//! Law: a check changes nothing, and one that cannot be made says so instead of passing.

mod check;
mod fix;
mod google;
mod local;
mod remote;
mod site;

pub(super) use check::{Check, Grade};
pub(super) use fix::{Fix, Key};

use super::context::Context;
use crate::control::Failure;
use crate::daemon::Settings;

/// Makes every check that can be made.
pub(super) async fn examine(context: &Context) -> Vec<Check> {
    let mut checks = Vec::new();
    let Some(settings) = local::configuration(context, &mut checks) else { return checks };
    let is_up = local::daemon(context, &settings, &mut checks).await;
    let holds_store = local::store(context, &settings, is_up, &mut checks);
    remote::clocks(context, &settings, &mut checks).await;
    site::examine(context, &settings, &mut checks).await;
    if holds_store {
        google::accounts(context, is_up, &mut checks).await;
    } else {
        let next = "start the daemon, or run the check as the user who owns the store";
        checks.push(Check::warn("accounts", "not tried: their tokens lie in the store").next(next));
    }
    checks
}

/// What the site's user may not do, for `check-config --environment`.
pub(super) async fn rights(settings: &Settings) -> Result<Vec<Check>, Failure> {
    site::rights(settings).await
}
