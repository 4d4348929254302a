//! What an operator decided once, for every cycle of an account.

use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;

/// The rules of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Google -> Dafater: Dafater may be written.
    pub pull: bool,
    /// Dafater -> Google: Google may be written.
    pub push: bool,
    /// Who wins when both sides changed the same field.
    pub conflict: ConflictPolicy,
    /// What a deletion on one side does to the other.
    pub deletions: DeletionPolicy,
    /// A plan that deletes or empties more than this share of the pairs, in percent, is held.
    pub max_deletes_percent: u8,
    /// Whether the first plan waits for approval.
    pub first_sync: FirstSync,
    /// Which records take part.
    pub scope: Scope,
    /// How records are read and written.
    pub mapping: Mapping,
}

/// Who wins when both sides changed the same field to different values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// The record that was changed last, each by its own side's clock; a tie goes to Dafater.
    #[default]
    Newest,
    /// Dafater.
    Dafater,
    /// Google.
    Google,
    /// Nobody: the field stays as it is on both sides until a person resolves it.
    Manual,
}

/// What a deletion on one side does to the record on the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionPolicy {
    /// It stays and is no longer synced.
    Keep,
    /// It is deleted if the sync created it, else it stays and is no longer synced.
    #[default]
    CreatedBySync,
    /// It is deleted.
    Propagate,
}

/// What happens to an account's first plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstSync {
    /// It is carried out.
    #[default]
    Apply,
    /// It is held until approved.
    Hold,
}

/// Which records take part; an empty list does not restrict.
///
/// A record that the sync made counts by the one that it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// DocTypes ("Customer", "Supplier"): a Dafater contact takes part when it is linked to one of them.
    pub linked_to: Vec<String>,
    /// A filter of the site on Contact, as JSON: a Dafater contact takes part when the site lists it under this filter. Empty for none.
    pub filters: String,
    /// Names of Google labels: a Google contact takes part when it carries one of them.
    pub google_labels: Vec<String>,
    /// Whether a contact that leaves the scope loses the account's label.
    pub unlabel: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self { linked_to: Vec::new(), filters: String::new(), google_labels: Vec::new(), unlabel: true }
    }
}
