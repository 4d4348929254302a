//! What people are shown of an account. Each type is the JSON of a command.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangeView, Counts};
use crate::sync::{AccountName, RecordId, Side};

/// Where an account stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// The account.
    pub account: AccountName,
    /// Time of the last successful run: the seed's `last_sync_on`.
    pub last_sync_on: Option<Timestamp>,
    /// Time of the last full read of Google; the cursor dies seven days later.
    pub last_full_read: Option<Timestamp>,
    /// Whether a cursor of Google is stored: the seed's `next_sync_token`.
    pub has_cursor: bool,
    /// Whether tokens are stored for the account (the seed's `refresh_token`) that Google has not declared over.
    pub authorized: bool,
    /// Address that gave its consent.
    pub consented_as: Option<String>,
    /// Pairs under sync.
    pub linked: u32,
    /// Records parked after a failure.
    pub parked: u32,
    /// Open conflicts.
    pub conflicts: u32,
    /// Ambiguous matches.
    pub review: u32,
    /// Intents whose outcome is not known yet.
    pub in_doubt: u32,
    /// The held plan, if any.
    pub hold: Option<HoldView>,
    /// Last failure since the last success.
    pub error: Option<String>,
    /// What is going to need a person, and what to do about it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// When and why the authorization is going to end, if it is: part of the warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
}

/// A plan that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// Since when.
    pub since: Timestamp,
    /// Why, with figures.
    pub reason: String,
    /// What it would do to Google.
    pub google: Counts,
    /// What it would do to Dafater.
    pub dafater: Counts,
    /// Whether it was approved and waits only for the next cycle.
    pub approved: bool,
}

/// What the next cycle would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// The account.
    pub account: AccountName,
    /// Why the plan would be held, if it would.
    pub held: Option<String>,
    /// What it would do to Google.
    pub google: Counts,
    /// What it would do to Dafater.
    pub dafater: Counts,
    /// Pairs that would be made of records that both exist.
    pub linked: u32,
    /// The steps in the order in which they would be taken.
    pub steps: Vec<StepView>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// `create`, `update`, `delete`, `link`, `detach`, `forget`, `review`, `conflict`.
    pub action: String,
    /// The side that is written, if one is.
    pub side: Option<Side>,
    /// Google's record, as far as it exists.
    pub google: Option<RecordId>,
    /// Dafater's record, as far as it exists.
    pub dafater: Option<RecordId>,
    /// How people know the contact: its name or company.
    pub title: String,
    /// Why the step is taken, as a clause.
    pub reason: String,
    /// Field by field.
    pub changes: Vec<ChangeView>,
}

/// An open conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictView {
    /// By which `conflicts show` and `resolve` know it.
    pub id: String,
    /// The account.
    pub account: AccountName,
    /// Google's record.
    pub google: RecordId,
    /// Dafater's record.
    pub dafater: RecordId,
    /// The field in words.
    pub field: String,
    /// What both last agreed on.
    pub base: Option<String>,
    /// Google's value.
    pub google_value: String,
    /// Dafater's value.
    pub dafater_value: String,
    /// The decision, once one was made.
    pub resolution: Option<Side>,
}

/// An ambiguous match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewView {
    /// The account.
    pub account: AccountName,
    /// The record that cannot be placed.
    pub record: RecordId,
    /// How people know it.
    pub title: String,
    /// Records that may be the same person.
    pub candidates: Vec<RecordId>,
    /// What they share and where they differ.
    pub reason: String,
}

/// How a run is, or was, put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoView {
    /// The account.
    pub account: AccountName,
    /// The run that is put back.
    pub undoes: String,
    /// The run that did it, under which it can be undone in turn; none if nothing was written.
    pub run: Option<String>,
    /// Why it is held, if it is.
    pub held: Option<String>,
    /// Writes to Google.
    pub google: Counts,
    /// Writes to Dafater.
    pub dafater: Counts,
    /// The steps.
    pub steps: Vec<StepView>,
    /// What stays as it is.
    pub left: Vec<LeftView>,
    /// Why it ended early, if it did: what was done is done, the same command goes on.
    pub error: Option<String>,
}

/// Something that is not put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftView {
    /// How people know the contact.
    pub title: String,
    /// The side that the run wrote.
    pub side: Option<Side>,
    /// The field in words, if only that is left.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
}

/// Which part of the history is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryFilter {
    /// Only what concerns contacts whose title or record id contains this text, in any case.
    pub contact: Option<String>,
    /// Only this run.
    pub run: Option<String>,
    /// At most so many entries.
    pub limit: Option<usize>,
}
