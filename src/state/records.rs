//! The values of the tables that are not words of the sync itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangeView, Counts, HistoryView};
use crate::contact::{Contact, Field, Value, Values};
use crate::mapping::{DocumentName, ResourceName, SiteStamp, SourceId};
use crate::sync::{LabelId, Pair, PairId, Promise, RecordId, Role, Side};

/// Up to where both sides were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursors {
    /// Google's cursor.
    pub google: Option<GoogleCursor>,
    /// Dafater's cursor.
    pub dafater: Option<DafaterCursor>,
    /// Fingerprint of the policy under which both sides were read whole: another policy needs another whole read.
    pub policy: String,
}

/// Google's sync token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleCursor {
    /// The token.
    pub token: String,
    /// Fingerprint of the field mask that it belongs to.
    pub mask: String,
    /// When the full read began from which the token descends; it dies seven days later.
    pub full_read_at: Timestamp,
}

/// Watermarks of the site, in its own stamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DafaterCursor {
    /// Highest `modified` seen; `None` while the site has no contact.
    pub modified: Option<SiteStamp>,
    /// Highest `creation` of a Deleted Document seen.
    pub deleted: Option<SiteStamp>,
    /// When all names were last compared with the pairs.
    pub swept_at: Timestamp,
}

/// Up to where the site's addresses were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressCursor {
    /// Highest `modified` seen; `None` while the site has no address.
    pub modified: Option<SiteStamp>,
}

/// How the account fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Time of the last successful run. Saved at most every five minutes.
    pub last_success: Option<Timestamp>,
    /// What went wrong since.
    pub last_error: Option<String>,
    /// Whether a plan of this account was ever carried out.
    pub had_first_sync: bool,
}

/// Google's contact storage takes no writes of the account for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhausted {
    /// Until then nothing is written to Google; reads and the other side go on.
    pub until: Timestamp,
    /// How often it refused in a row.
    pub strikes: u32,
}

/// A write that was begun. It is replaced by its receipt in the same commit that records the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The pair.
    pub pair: PairId,
    /// The side that is written.
    pub side: Side,
    /// What is done.
    pub kind: IntentKind,
    /// The record from which a created one is made, or that is changed.
    pub record: RecordId,
    /// When it was begun.
    pub at: Timestamp,
    /// What the history will say.
    pub entry: HistoryEntry,
    /// What both sides agree on once an update has arrived.
    pub promise: Option<Promise>,
    /// The name of the Google contact at that time, which a document that is made from it carries.
    pub resource_name: Option<ResourceName>,
}

impl Intent {
    /// What the history says of it once it is known to have arrived, though nobody noted its answer.
    #[must_use]
    pub fn arrived(&self) -> HistoryEntry {
        let after = self.promise.as_ref().map(|promise| match self.side {
            Side::Google => promise.google.clone(),
            Side::Dafater => promise.dafater.clone(),
        });
        HistoryEntry { after, ..self.entry.clone() }
    }

    /// What the history says of a deletion that ended early, where it took addresses of a record that still stands and says `now`: an
    /// update, which can be put back.
    #[must_use]
    pub fn begun(&self, now: &Contact) -> Option<HistoryEntry> {
        let before = self.entry.before.as_ref().filter(|_| self.kind == IntentKind::Delete)?;
        let (held, left) = (before.addresses.as_ref()?, now.addresses.as_ref()?);
        if held.keys().all(|key| left.contains(key)) {
            return None;
        }
        let listed = |values: &Values| values.iter().map(Value::shown).collect::<Vec<_>>().join("; ");
        let reason = "its deletion was begun and not finished".to_owned();
        let change = ChangeView {
            field: Field::Addresses.to_string(),
            before: listed(held),
            after: listed(left),
            reason: reason.clone(),
        };
        let view = HistoryView {
            action: "update".to_owned(),
            reason,
            changes: vec![change],
            ..self.entry.view.clone()
        };
        Some(HistoryEntry { view, after: Some(now.clone()), ..self.entry.clone() })
    }
}

/// Kinds of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentKind {
    /// A record is created: in doubt until it is found by its marker or its time has passed.
    Create,
    /// A record is updated: where its promise is found kept, that is the base, so that our own write is no edit.
    Update,
    /// A record is deleted: repeating is harmless.
    Delete,
    /// Documents that belong to a record are created beside it, which carry no marker: in doubt until they are found linked to it or their
    /// time has passed.
    Extend,
}

/// A pair, or a record that was to become one, that failed and is looked at again later, its base untouched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The pair, or the pair that the record would begin.
    pub pair: PairId,
    /// Google's record and its revision then, if there was one.
    pub google: Option<(SourceId, String)>,
    /// Dafater's record and its revision then, if there was one.
    pub dafater: Option<(DocumentName, String)>,
    /// Failures in a row.
    pub attempts: u32,
    /// When it is due again. A new revision of a record is looked at before that.
    pub next: Timestamp,
    /// Why, in words for people; no contact data.
    pub reason: String,
}

/// A contact that could belong to several parties, and is linked to none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlinked {
    /// The pair.
    pub pair: PairId,
    /// To whom, as a clause.
    pub doubt: String,
}

/// A plan that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Why, with figures.
    pub reason: String,
    /// Identifies what would be destroyed.
    pub digest: String,
    /// What it would do to Google.
    pub google: Counts,
    /// What it would do to Dafater.
    pub dafater: Counts,
    /// What a person decided.
    pub decision: Option<HoldDecision>,
}

/// What a person decided about a held plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldDecision {
    /// It may go.
    Approved,
    /// What it would delete stays, unpaired.
    Discarded,
}

/// The memory of a deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The record.
    pub record: RecordId,
    /// Its last known revision: an observation of it is a late echo.
    pub revision: String,
    /// When we learnt of the deletion.
    pub at: Timestamp,
}

/// Two records that were a pair until one of them was deleted. If both stand again they are a pair again, from where they stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parted {
    /// The pair as it was last agreed on.
    pub pair: Pair,
    /// When it ended.
    pub at: Timestamp,
}

/// One effect, with what it takes to put it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// What people are shown.
    pub view: HistoryView,
    /// The written side's contact before, if there was one.
    pub before: Option<Contact>,
    /// The written side's record before, as JSON, unless it is too large to keep.
    pub image: Option<String>,
    /// The written side's contact after, as the side stored it; `None` for a deletion, and where no answer told.
    pub after: Option<Contact>,
    /// The written side's revision after.
    pub revision: Option<String>,
}

/// The undoing of a run that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoHold {
    /// The run to undo.
    pub run: String,
    /// Only contacts whose title or record id contains this.
    pub contact: Option<String>,
    /// The held plan.
    pub hold: Hold,
}

/// Of which held plan a pair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBy {
    /// The next cycle's.
    Cycle,
    /// That of an undo.
    Undo,
}

impl HeldBy {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::Undo => "undo",
        }
    }
}

/// Which label plays which role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(pub BTreeMap<Role, Bound>);

/// The label that plays a role: found, or made, once by its name, and known by its address from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// What the configuration calls it. Another name is another label.
    pub name: String,
    /// Its address.
    pub id: LabelId,
    /// When it was found or made.
    pub at: Timestamp,
    /// Whether it was deleted in Google since.
    pub is_gone: bool,
}

/// A contact whose labels are to be changed. It stays until that is done, so that it is looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The pair.
    pub pair: PairId,
    /// Google's address of the contact, if there was one.
    pub resource: Option<ResourceName>,
    /// Labels that are put on: what the contact shows of them is our own doing.
    pub add: BTreeSet<LabelId>,
    /// Labels that are taken off.
    pub remove: BTreeSet<LabelId>,
    /// Since when.
    pub at: Timestamp,
}

impl Owed {
    /// Nothing is known to be owed; it is looked at again.
    #[must_use]
    pub fn look_again(pair: PairId, at: Timestamp) -> Self {
        Self { pair, resource: None, add: BTreeSet::new(), remove: BTreeSet::new(), at }
    }
}

/// A photo that is to be carried. It stays until it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedPhoto {
    /// The pair.
    pub pair: PairId,
    /// Failures in a row.
    pub attempts: u32,
    /// When it is due.
    pub next: Timestamp,
    /// The side to which it was sent without an answer.
    pub sent: Option<Side>,
    /// Hash of what was sent.
    pub hash: Option<String>,
}
