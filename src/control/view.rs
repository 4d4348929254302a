//! What commands show of accounts and of the daemon, beyond what an engine knows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Failure, Finding};
use crate::daemon::{AccountSettings, LiveAccount, Standing};
use crate::execute::AccountStatus;
use crate::sync::AccountName;

/// A line of `accounts --json`.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// The account.
    pub account: AccountName,
    /// The Google account.
    pub email_id: String,
    /// Whether it is synced.
    pub enable: bool,
    /// Its Desk User.
    pub owner: Option<String>,
    /// When it is synced.
    pub schedule: String,
    /// Google -> Dafater.
    pub pull_from_google_contacts: bool,
    /// Dafater -> Google.
    pub push_to_google_contacts: bool,
    /// Whether tokens are stored for it.
    pub authorized: bool,
    /// Who gave consent.
    pub consented_as: Option<String>,
}

/// A line of `status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// In one word or two: `disabled`, `refused`, `running`, `not authorized`, `held`, `failing`, `never synced`, `ok`.
    pub state: String,
    /// What the store knows.
    #[serde(flatten)]
    pub status: AccountStatus,
    /// Seconds since the last full read of Google.
    pub cursor_age_seconds: Option<i64>,
    /// Whether the account is synced.
    pub enable: bool,
    /// Since when a cycle runs.
    pub running_since: Option<Timestamp>,
    /// When the next one is due.
    pub next_run: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
    /// Due times that went by while a cycle ran.
    pub coalesced: u64,
}

/// Whether an account gets through to Google: a part of what `doctor` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeView {
    /// The account.
    pub account: AccountName,
    /// Whether it is synced.
    pub enable: bool,
    /// Whether tokens are stored for it.
    pub authorized: bool,
    /// Who gave consent.
    pub consented_as: Option<String>,
    /// Why it does not get through.
    pub failure: Option<Failure>,
    /// A consent that is going to end.
    pub warning: Option<String>,
}

/// The daemon itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonView {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Since when it runs.
    pub started: Timestamp,
    /// Since when its configuration is in force.
    pub configured: Timestamp,
    /// What is wrong with the configuration on disk, if the last reload was refused. Shown to System Managers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Finding>,
}

impl AccountView {
    /// The view of an account.
    pub(super) fn new(settings: &AccountSettings, status: Option<&AccountStatus>) -> Self {
        Self {
            account: settings.name.clone(),
            email_id: settings.email_id.clone(),
            enable: settings.enable,
            owner: settings.owner.clone(),
            schedule: settings.schedule.to_string(),
            pull_from_google_contacts: settings.pull,
            push_to_google_contacts: settings.push,
            authorized: status.is_some_and(|status| status.authorized),
            consented_as: status.and_then(|status| status.consented_as.clone()),
        }
    }
}

impl StatusView {
    /// The view of an account at the time `now`.
    pub(super) fn new(account: &LiveAccount, status: AccountStatus, now: Timestamp) -> Self {
        let enable = account.settings().enable;
        let standing = account.standing();
        Self {
            state: state(account.settings(), &status, &standing).to_owned(),
            cursor_age_seconds: status.last_full_read.map(|read| now.duration_since(read).as_secs().max(0)),
            status: AccountStatus {
                error: account.settings().refused.clone().or(status.error.clone()),
                ..status
            },
            enable,
            running_since: standing.running_since,
            next_run: standing.next_run,
            failures: standing.failures,
            coalesced: standing.coalesced,
        }
    }
}

/// The one thing that matters most.
fn state(settings: &AccountSettings, status: &AccountStatus, standing: &Standing) -> &'static str {
    let held = status.hold.as_ref().is_some_and(|hold| !hold.approved);
    if !settings.enable {
        "disabled"
    } else if settings.refused.is_some() {
        "refused"
    } else if standing.running_since.is_some() {
        "running"
    } else if !status.authorized {
        "not authorized"
    } else if held {
        "held"
    } else if standing.failures > 0 || status.error.is_some() {
        "failing"
    } else if status.last_sync_on.is_none() {
        "never synced"
    } else {
        "ok"
    }
}
