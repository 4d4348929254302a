//! What is remembered in the words in which it is shown: figures, changes, history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::sync::{RecordId, Side};

/// Writes to one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records created.
    pub created: u32,
    /// Records updated.
    pub updated: u32,
    /// Records deleted.
    pub deleted: u32,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
    }
}

/// One field of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeView {
    /// The field in words.
    pub field: String,
    /// Its content before, `""` if there was none.
    pub before: String,
    /// Its content after.
    pub after: String,
    /// Why, as a clause.
    pub reason: String,
}

/// One effect on one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    /// The account.
    pub account: AccountName,
    /// The run.
    pub run: String,
    /// When.
    pub at: Timestamp,
    /// `create`, `update`, `delete`, `link`, `detach`, …
    pub action: String,
    /// The side that was written, if one was.
    pub side: Option<Side>,
    /// Google's record.
    pub google: Option<RecordId>,
    /// Dafater's record.
    pub dafater: Option<RecordId>,
    /// How people know the contact.
    pub title: String,
    /// Why it was done.
    pub reason: String,
    /// Values before and after.
    pub changes: Vec<ChangeView>,
    /// The run that this one put back, if it did.
    #[serde(default)]
    pub undoes: Option<String>,
}
