//! What an operator decided once, for every cycle of an account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Side;
use crate::contact::Field;
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
    /// What an operator decided for single fields.
    pub fields: FieldRules,
}

/// What an operator decided for single fields; a field that is not in it follows the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldRules(BTreeMap<Field, FieldRule>);

/// What an operator decided for one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRule {
    /// Where it may go. Where the account may not write, it does not go either.
    pub direction: Direction,
    /// Who wins when both sides changed it; the account's policy where nothing is said.
    pub wins: Option<ConflictPolicy>,
}

/// Where a field may go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Wherever the account may write.
    #[default]
    Both,
    /// From Google to Dafater.
    Pull,
    /// From Dafater to Google.
    Push,
    /// Nowhere: it stays as it is on both sides.
    Off,
}

impl FieldRules {
    /// Whether `field` may go to `side`.
    #[must_use]
    pub fn may_go(&self, field: &Field, to: Side) -> bool {
        match (self.0.get(field).map_or(Direction::Both, |rule| rule.direction), to) {
            (Direction::Both, _) | (Direction::Pull, Side::Dafater) | (Direction::Push, Side::Google) => true,
            (Direction::Off, _) | (Direction::Pull, Side::Google) | (Direction::Push, Side::Dafater) => false,
        }
    }

    /// Who wins a conflict of `field`, where that is decided for it.
    #[must_use]
    pub fn wins(&self, field: &Field) -> Option<ConflictPolicy> {
        self.0.get(field)?.wins
    }

    /// The same directions, and nobody wins by a rule.
    #[must_use]
    pub fn without_winners(&self) -> Self {
        let rules = self.0.iter().map(|(field, rule)| (field.clone(), FieldRule { wins: None, ..*rule }));
        Self(rules.collect())
    }

    /// Fields that do not go wherever the account may write, with where they go: what a change of brings the records to be compared
    /// anew.
    pub fn directions(&self) -> impl Iterator<Item = (&Field, Direction)> {
        let rules = self.0.iter().map(|(field, rule)| (field, rule.direction));
        rules.filter(|(_, direction)| *direction != Direction::Both)
    }
}

impl FromIterator<(Field, FieldRule)> for FieldRules {
    fn from_iter<I: IntoIterator<Item = (Field, FieldRule)>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
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
