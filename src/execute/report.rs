//! What one run did: the line that `sync` prints.

use serde::{Deserialize, Serialize};

use crate::state::Counts;
use crate::sync::AccountName;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was due was done, parked or recorded.
    Ok,
    /// The plan waits for `approve`.
    Held,
    /// The run ended early; the next one continues.
    Failed,
    /// Nothing was tried: the account is disabled, or has no direction, or waits for a person.
    Skipped,
}

/// The class of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A remote cannot be reached, is out of order, or asks to slow down: time helps.
    Unavailable,
    /// Credentials or permissions were refused: a person must act.
    Unauthorized,
    /// The configuration asks for what cannot be: a person must act.
    Configuration,
    /// A defect, or a store that fails.
    Internal,
}

/// Requests sent, by remote; token refreshes count for neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// To the People API.
    pub google: u32,
    /// To the site.
    pub dafater: u32,
}

/// One line of `sync --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The account.
    pub account: AccountName,
    /// How the run ended.
    pub outcome: Outcome,
    /// The run's id, by which `history` and `undo` know it; sortable by time.
    pub run: String,
    /// Writes to Google.
    pub google: Counts,
    /// Writes to Dafater.
    pub dafater: Counts,
    /// Contacts in Google of which labels were put on or taken off. Absent from the line where there are none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub labels: u32,
    /// Photos that were carried or taken away. Absent from the line where there are none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub photos: u32,
    /// Pairs newly made from records that both existed.
    pub linked: u32,
    /// Conflicts open after the run.
    pub conflicts: u32,
    /// Items parked after the run.
    pub parked: u32,
    /// Ambiguous matches that wait for a person after the run.
    pub review: u32,
    /// Requests that the run needed.
    pub requests: Requests,
    /// Why the run failed, was held or skipped.
    pub error: Option<String>,
    /// Who must act on the failure, where that is known; decides the exit code. Absent from the line when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How long a remote, or the daemon's own quota, asks to wait before the next run. Absent from the line when nobody asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

impl RunReport {
    /// A run of `account` that has done nothing yet.
    #[must_use]
    pub fn new(account: AccountName, run: String) -> Self {
        Self {
            account,
            outcome: Outcome::Ok,
            run,
            google: Counts::default(),
            dafater: Counts::default(),
            labels: 0,
            photos: 0,
            linked: 0,
            conflicts: 0,
            parked: 0,
            review: 0,
            requests: Requests::default(),
            error: None,
            cause: None,
            retry_after_seconds: None,
        }
    }
}
