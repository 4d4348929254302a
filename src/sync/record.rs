//! Records that stand alone, and items that wait.

use serde::{Deserialize, Serialize};

use super::{PairId, Side};
use crate::contact::{Contact, Field};
use crate::mapping::{DocumentName, ResourceName, SiteStamp, SourceId};

/// Which record, on which side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordId {
    /// A Google contact by its lasting identity.
    Google(SourceId),
    /// A Dafater document by name.
    Dafater(DocumentName),
}

impl RecordId {
    /// The side that the record lives on.
    #[must_use]
    pub fn side(&self) -> Side {
        match self {
            Self::Google(_) => Side::Google,
            Self::Dafater(_) => Side::Dafater,
        }
    }

    /// The id without its side.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Google(id) => &id.0,
            Self::Dafater(name) => &name.0,
        }
    }
}

impl std::fmt::Display for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.side(), self.as_str())
    }
}

/// A record that is in no pair and why. It takes part in matching when the other side brings a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loose {
    /// The record.
    pub record: RecordId,
    /// `creation` of a Dafater document, to know it again after a rename.
    pub creation: Option<SiteStamp>,
    /// Google's name for a contact, under which it is read again. API: one that is joined with a profile is not named after its id.
    pub resource_name: Option<ResourceName>,
    /// Its revision when it was judged (etag or `modified`): the same revision is not judged again.
    pub revision: String,
    /// What it said then.
    pub contact: Contact,
    /// Why it stands alone.
    pub why: LooseReason,
}

/// Why a record stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LooseReason {
    /// The direction that would carry it is switched off.
    DirectionOff,
    /// It is outside the account's scope.
    OutOfScope,
    /// It may be the same person as another record; a person decides.
    Review,
    /// A person decided that it stays alone.
    Skipped,
    /// Its counterpart was deleted and the policy keeps this one.
    Detached,
    /// It holds nothing that is mapped.
    Empty,
    /// Its counterpart could not be created yet; it is parked.
    Parked,
}

/// An ambiguous match that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The record that cannot be placed.
    pub record: RecordId,
    /// Records that may be the same person.
    pub candidates: Vec<RecordId>,
    /// What they share and where they differ, in words without contact data.
    pub reason: String,
}

/// A field that both sides changed to different values, waiting for a person (policy `manual`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The pair.
    pub pair: PairId,
    /// The field.
    pub field: Field,
    /// What both last agreed on.
    pub base: Option<String>,
    /// Google's value.
    pub google: String,
    /// Dafater's value.
    pub dafater: String,
    /// What a person decided; carried out by the next cycle.
    pub resolution: Option<Side>,
}
