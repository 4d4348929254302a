//! A pair and its base.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{AccountName, Side};
use crate::contact::{Contact, Field, Key};
use crate::mapping::{AddressDocument, Document, DocumentName, Etag, ResourceName, SiteStamp, SourceId};

/// Names a pair for good, and is the marker that a created record carries.
///
/// Derived from the account and the record that came first, never drawn: the same person gives the same id after a crash, a lost
/// answer or a lost store, so that a marker found on a remote always tells what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PairId(String);

impl PairId {
    /// The id of the pair that starts from a Google contact.
    #[must_use]
    pub fn from_google(account: &AccountName, source: &SourceId) -> Self {
        Self::derive(account, "google", &source.0)
    }

    /// The id of the pair that starts from a Dafater document: `creation` is what survives renames.
    #[must_use]
    pub fn from_dafater(account: &AccountName, creation: &SiteStamp, name: &DocumentName) -> Self {
        Self::derive(account, "dafater", &format!("{}\0{}", creation.0, name.0))
    }

    /// The id in place of this one where a pair of another record has it: a record that was deleted, replaced and restored begins a
    /// pair of its own.
    #[must_use]
    pub fn again(&self) -> Self {
        Self(hex_digest(&format!("again\0{}", self.0), 12))
    }

    /// Reads an id back from a marker or a command line.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 24 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
            .then(|| Self(text.to_owned()))
    }

    /// The id as text: 24 lower-case hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn derive(account: &AccountName, side: &str, record: &str) -> Self {
        Self(hex_digest(&format!("{account}\0{side}\0{record}"), 12))
    }
}

/// The first `bytes` (at most 16) of the text's SHA-256, in lower-case hexadecimal.
pub(super) fn hex_digest(text: &str, bytes: usize) -> String {
    let digest = Sha256::digest(text);
    let number = digest.iter().take(bytes).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{number:0width$x}", width = bytes * 2)
}

impl std::fmt::Display for PairId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a pair came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Both records existed and were found to be the same person.
    Matched,
    /// The sync created the record on this side.
    Created(Side),
}

/// A Google record and a Dafater record that are the same person, with what both last agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Identity.
    pub id: PairId,
    /// How it came to be; decides what a deletion may do.
    pub origin: Origin,
    /// Google's half.
    pub google: GoogleBase,
    /// Dafater's half.
    pub dafater: DafaterBase,
    /// Values that one side spells so differently that their keys differ: sent as the first (Google's), stored as the second.
    pub aliases: Vec<(Key, Key)>,
    /// What could not go across, each reported once.
    pub withheld: Vec<Withheld>,
}

impl Pair {
    /// Whether something has yet to be written to one of its records: their revisions are blank then.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        self.google.etag.0.is_empty() || self.dafater.modified.0.is_empty()
    }

    /// Agrees no more on addresses that the document, as it is `now`, lacks: a deletion of it that ended early took them away, which is
    /// nobody's edit. Returns whether there were any.
    pub fn disagree_on_lost_addresses(&mut self, now: &Contact) -> bool {
        let (Some(now), Some(base)) = (&now.addresses, &mut self.dafater.contact.addresses) else {
            return false;
        };
        let lost: Vec<Key> = base.keys().filter(|key| !now.contains(key)).cloned().collect();
        for key in &lost {
            base.remove(key);
            if let Some(google) = &mut self.google.contact.addresses {
                let alias = self.aliases.iter().find(|(_, dafater)| dafater == key);
                google.remove(alias.map_or(key, |(google, _)| google));
            }
        }
        !lost.is_empty()
    }
}

/// Google's half of a base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleBase {
    /// Identity over time.
    pub source_id: SourceId,
    /// Address, may change.
    pub resource_name: ResourceName,
    /// Revision last seen or written.
    pub etag: Etag,
    /// Google's time of that revision.
    pub updated: Option<Timestamp>,
    /// Revisions that our own writes replaced, newest first: an observation of one of them is stale, not news.
    pub superseded: Vec<Etag>,
    /// What the record said at that revision, as far as it was agreed upon.
    pub contact: Contact,
}

/// Dafater's half of a base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DafaterBase {
    /// Address, may change.
    pub name: DocumentName,
    /// Identity over renames.
    pub creation: SiteStamp,
    /// Revision last seen or written.
    pub modified: SiteStamp,
    /// What the record said at that revision, as far as it was agreed upon.
    pub contact: Contact,
    /// The Address documents that were linked to it then; `None` while nobody looked.
    pub addresses: Option<Vec<AddressStamp>>,
}

/// Identity and revision of an Address document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressStamp {
    /// Address, may change.
    pub name: DocumentName,
    /// Identity over renames.
    pub creation: SiteStamp,
    /// Revision last seen or written.
    pub modified: SiteStamp,
}

impl AddressStamp {
    /// The stamps of a document's addresses, if they were looked at.
    #[must_use]
    pub fn of(document: &Document) -> Option<Vec<Self>> {
        let stamp = |address: &AddressDocument| Self {
            name: address.name.clone(),
            creation: address.creation.clone(),
            modified: address.modified.clone(),
        };
        Some(document.addresses.as_ref()?.iter().map(stamp).collect())
    }
}

/// A value that one side cannot hold. It stays where it is; the rest of the contact goes across.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The side that cannot hold it.
    pub from: Side,
    /// Its field.
    pub field: Field,
    /// Why, in words for people; no contact data.
    pub reason: String,
}
