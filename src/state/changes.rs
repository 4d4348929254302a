//! Changing the tables.

use serde::Serialize;

use super::records::{
    AddressCursor, Cursors, Exhausted, HeldBy, HistoryEntry, Hold, Intent, Labels, Owed, OwedPhoto, Parked,
    Parted, Progress, Tombstone, UndoHold, Unlinked,
};
use super::{HISTORY_VERSION, INTENT_VERSION, LOOSE_VERSION, RECORD_VERSION, VALUE_VERSION};
use crate::contact::Field;
use crate::mapping::{SiteStamp, SourceId};
use crate::store::{Batch, Key, Tree, VALUE_LIMIT, encode};
use crate::sync::{
    AccountName, Conflict, GoogleBase, Loose, Pair, PairId, Pictured, RecordId, Review, Side, Worn,
};

/// Changes of one account that become durable together.
#[derive(Debug, Clone)]
pub struct Changes {
    account: AccountName,
    batch: Batch,
}

impl Changes {
    pub(super) fn new(account: AccountName) -> Self {
        Self { account, batch: Batch::default() }
    }

    pub(super) fn into_batch(self) -> Batch {
        self.batch
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Sets the cursors.
    pub fn set_cursors(&mut self, cursors: &Cursors) {
        self.put(Tree::Accounts, self.key().text("cursors"), cursors);
    }

    /// Sets up to where the site's addresses were read.
    pub fn set_address_cursor(&mut self, cursor: &AddressCursor) {
        self.put(Tree::Accounts, self.key().text("addresses"), cursor);
    }

    /// Sets how the account fares.
    pub fn set_progress(&mut self, progress: &Progress) {
        self.put(Tree::Accounts, self.key().text("progress"), progress);
    }

    /// Remembers that Google takes no writes for now.
    pub fn set_exhausted(&mut self, exhausted: &Exhausted) {
        self.put(Tree::Accounts, self.key().text("exhausted"), exhausted);
    }

    /// Google takes writes again.
    pub fn remove_exhausted(&mut self) {
        self.batch.delete(Tree::Accounts, self.key().text("exhausted"));
    }

    /// Remembers which label plays which role.
    pub fn set_labels(&mut self, labels: &Labels) {
        self.put(Tree::Accounts, self.key().text("labels"), labels);
    }

    /// Remembers what the sync did with the labels of a contact.
    pub fn set_worn(&mut self, pair: &PairId, worn: &Worn) {
        self.put(Tree::Pairs, self.key().text("worn").text(pair.as_str()), worn);
    }

    /// Forgets it.
    pub(super) fn remove_worn(&mut self, pair: &PairId) {
        self.batch.delete(Tree::Pairs, self.key().text("worn").text(pair.as_str()));
    }

    /// Begins to change the labels of a contact.
    pub fn set_owed(&mut self, owed: &Owed) {
        self.put(Tree::Queue, self.key().text("label").text(owed.pair.as_str()), owed);
    }

    /// The labels of a contact are changed.
    pub fn remove_owed(&mut self, pair: &PairId) {
        self.batch.delete(Tree::Queue, self.key().text("label").text(pair.as_str()));
    }

    /// Remembers the photos of a pair.
    pub fn set_pictured(&mut self, pair: &PairId, pictured: &Pictured) {
        self.put(Tree::Pairs, self.key().text("photo").text(pair.as_str()), pictured);
    }

    /// Forgets them.
    pub(super) fn remove_pictured(&mut self, pair: &PairId) {
        self.batch.delete(Tree::Pairs, self.key().text("photo").text(pair.as_str()));
    }

    /// Remembers that a photo is to be carried.
    pub fn set_owed_photo(&mut self, owed: &OwedPhoto) {
        self.put(Tree::Queue, self.key().text("photo").text(owed.pair.as_str()), owed);
    }

    /// It arrived.
    pub fn remove_owed_photo(&mut self, pair: &PairId) {
        self.batch.delete(Tree::Queue, self.key().text("photo").text(pair.as_str()));
    }

    /// Sets a pair with its indexes. What another state of the pair left behind is [`AccountState::put_pair`]'s to clear.
    ///
    /// [`AccountState::put_pair`]: super::AccountState::put_pair
    pub(super) fn set_pair(&mut self, pair: &Pair) {
        for key in self.indexes(pair) {
            self.put(Tree::Pairs, key, &pair.id);
        }
        let key = self.key().text("pair").text(pair.id.as_str());
        self.batch.put(Tree::Pairs, key, encode(RECORD_VERSION, &fitting_pair(pair.clone())));
    }

    /// Removes a pair without its indexes.
    pub(super) fn remove_pair(&mut self, id: &PairId) {
        self.batch.delete(Tree::Pairs, self.key().text("pair").text(id.as_str()));
    }

    /// Removes one index of a pair.
    pub(super) fn remove_index(&mut self, key: Key) {
        self.batch.delete(Tree::Pairs, key);
    }

    /// Remembers which two records were a pair until one of them was deleted.
    pub fn set_parted(&mut self, parted: &Parted) {
        let parted = Parted { pair: fitting_pair(parted.pair.clone()), at: parted.at };
        let GoogleBase { source_id, .. } = &parted.pair.google;
        self.put(Tree::Pairs, self.parting_key(&parted.pair.dafater.creation), source_id);
        self.batch.put(Tree::Pairs, self.parted_key(source_id), encode(RECORD_VERSION, &parted));
    }

    /// Forgets with whom two records were a pair: each has another counterpart, or both have each other again.
    pub fn remove_parted(&mut self, source: &SourceId, creation: &SiteStamp) {
        self.batch.delete(Tree::Pairs, self.parted_key(source));
        self.batch.delete(Tree::Pairs, self.parting_key(creation));
    }

    /// Remembers a record that stands alone.
    pub fn set_loose(&mut self, loose: &Loose) {
        let key = self.key().text("loose").text(&loose.record.to_string());
        self.batch.put(Tree::Pairs, key, encode(LOOSE_VERSION, loose));
    }

    /// Forgets that a record stood alone.
    pub fn remove_loose(&mut self, record: &RecordId) {
        self.batch.delete(Tree::Pairs, self.key().text("loose").text(&record.to_string()));
    }

    /// Begins a write.
    pub fn set_intent(&mut self, intent: &Intent) {
        let mut intent = intent.clone();
        if encode(INTENT_VERSION, &intent).len() > VALUE_LIMIT {
            intent.entry.image = None;
            intent.entry.view.changes.clear();
        }
        let key = self.intent_key(&intent.pair, intent.side);
        self.batch.put(Tree::Journal, key, encode(INTENT_VERSION, &intent));
    }

    /// Ends a write.
    pub fn remove_intent(&mut self, pair: &PairId, side: Side) {
        self.batch.delete(Tree::Journal, self.intent_key(pair, side));
    }

    /// Parks a pair.
    pub fn set_parked(&mut self, parked: &Parked) {
        self.put(Tree::Queue, self.key().text("parked").text(parked.pair.as_str()), parked);
    }

    /// Releases a parked pair.
    pub fn remove_parked(&mut self, pair: &PairId) {
        self.batch.delete(Tree::Queue, self.key().text("parked").text(pair.as_str()));
    }

    /// Asks a person to place a record.
    pub fn set_review(&mut self, review: &Review) {
        self.put(Tree::Queue, self.key().text("review").text(&review.record.to_string()), review);
    }

    /// Takes the question back.
    pub fn remove_review(&mut self, record: &RecordId) {
        self.batch.delete(Tree::Queue, self.key().text("review").text(&record.to_string()));
    }

    /// Asks a person to whom a contact belongs.
    pub fn set_unlinked(&mut self, unlinked: &Unlinked) {
        self.put(Tree::Queue, self.key().text("unlinked").text(unlinked.pair.as_str()), unlinked);
    }

    /// Takes that question back.
    pub fn remove_unlinked(&mut self, pair: &PairId) {
        self.batch.delete(Tree::Queue, self.key().text("unlinked").text(pair.as_str()));
    }

    /// Opens or updates a conflict.
    pub fn set_conflict(&mut self, conflict: &Conflict) {
        self.put(Tree::Queue, self.conflict_key(&conflict.pair, &conflict.field), conflict);
    }

    /// Closes a conflict.
    pub fn remove_conflict(&mut self, pair: &PairId, field: &Field) {
        self.batch.delete(Tree::Queue, self.conflict_key(pair, field));
    }

    /// Remembers that a person declared two records to be the same.
    pub fn set_link(&mut self, google: &RecordId, dafater: &RecordId) {
        self.put(Tree::Queue, self.link_key(google, dafater), &(google, dafater));
    }

    /// Forgets such a declaration.
    pub fn remove_link(&mut self, google: &RecordId, dafater: &RecordId) {
        self.batch.delete(Tree::Queue, self.link_key(google, dafater));
    }

    /// Holds a plan.
    pub fn set_hold(&mut self, hold: &Hold) {
        self.put(Tree::Queue, self.key().text("hold"), hold);
    }

    /// Forgets the held plan.
    pub fn remove_hold(&mut self) {
        self.batch.delete(Tree::Queue, self.key().text("hold"));
    }

    /// Holds the undoing of a run.
    pub fn set_undo_hold(&mut self, hold: &UndoHold) {
        self.put(Tree::Queue, self.key().text("undo"), hold);
    }

    /// Forgets it.
    pub fn remove_undo_hold(&mut self) {
        self.batch.delete(Tree::Queue, self.key().text("undo"));
    }

    /// Remembers that a held plan deletes or empties `pair`.
    pub fn set_held(&mut self, by: HeldBy, pair: &PairId) {
        self.put(Tree::Queue, self.held_key(by, pair), pair);
    }

    /// Forgets it.
    pub fn remove_held(&mut self, by: HeldBy, pair: &PairId) {
        self.batch.delete(Tree::Queue, self.held_key(by, pair));
    }

    /// Remembers that a person declared a record to be somebody of its own.
    pub fn set_apart(&mut self, record: &RecordId) {
        self.put(Tree::Queue, self.key().text("apart").text(&record.to_string()), record);
    }

    /// Forgets such a declaration.
    pub fn remove_apart(&mut self, record: &RecordId) {
        self.batch.delete(Tree::Queue, self.key().text("apart").text(&record.to_string()));
    }

    /// Remembers a pair that left the scope, by both its records: whoever comes back is known again.
    pub fn set_left(&mut self, pair: &Pair) {
        for key in self.left_keys(pair) {
            self.put(Tree::Pairs, key, &pair.id);
        }
        let key = self.key().text("left").text(pair.id.as_str());
        self.batch.put(Tree::Pairs, key, encode(RECORD_VERSION, &fitting_pair(pair.clone())));
    }

    /// Forgets a pair that left the scope: its records are in the pair `now`.
    pub fn remove_left(&mut self, pair: &Pair, now: &PairId) {
        if pair.id != *now {
            self.remove_worn(&pair.id);
            self.remove_pictured(&pair.id);
        }
        for key in self.left_keys(pair) {
            self.batch.delete(Tree::Pairs, key);
        }
        self.batch.delete(Tree::Pairs, self.key().text("left").text(pair.id.as_str()));
    }

    fn left_keys(&self, pair: &Pair) -> [Key; 2] {
        [
            self.key().text("left-google").text(&pair.google.source_id.0),
            self.key().text("left-dafater").text(&pair.dafater.creation.0),
        ]
    }

    /// Remembers a deletion.
    pub fn set_tombstone(&mut self, tombstone: &Tombstone) {
        self.put(Tree::Tombstones, self.key().text(&tombstone.record.to_string()), tombstone);
    }

    /// Forgets a deletion.
    pub fn remove_tombstone(&mut self, record: &RecordId) {
        self.batch.delete(Tree::Tombstones, self.key().text(&record.to_string()));
    }

    /// Adds to the history what was written. Entries of one pair and side within one run share a key: the last one counts.
    pub fn add_history(&mut self, pair: &PairId, entry: &HistoryEntry) {
        let side = entry.view.side.map_or_else(|| entry.view.action.clone(), |side| side.to_string());
        let key = self.key().text(&entry.view.run).text(pair.as_str()).text(&side);
        self.batch.put(Tree::History, key, fitting(HISTORY_VERSION, entry.clone()));
    }

    /// Forgets an entry of the history by its key.
    pub(super) fn remove_history(&mut self, key: Vec<u8>) {
        self.batch.delete(Tree::History, key);
    }

    fn put<T: Serialize + ?Sized>(&mut self, tree: Tree, key: Key, value: &T) {
        self.batch.put(tree, key, encode(VALUE_VERSION, value));
    }

    /// Keys under which a pair is found.
    pub(super) fn indexes(&self, pair: &Pair) -> [Key; 3] {
        [
            self.key().text("google").text(&pair.google.source_id.0),
            self.key().text("dafater").text(&pair.dafater.name.0),
            self.key().text("creation").text(&pair.dafater.creation.0).text(&pair.dafater.name.0),
        ]
    }

    fn intent_key(&self, pair: &PairId, side: Side) -> Key {
        self.key().text(pair.as_str()).text(&side.to_string())
    }

    fn parted_key(&self, source: &SourceId) -> Key {
        self.key().text("parted").text(&source.0)
    }

    fn parting_key(&self, creation: &SiteStamp) -> Key {
        self.key().text("parting").text(&creation.0)
    }

    fn conflict_key(&self, pair: &PairId, field: &Field) -> Key {
        self.key().text("conflict").text(pair.as_str()).text(&field.to_string())
    }

    fn held_key(&self, by: HeldBy, pair: &PairId) -> Key {
        self.key().text("held").text(by.as_str()).text(pair.as_str())
    }

    fn link_key(&self, google: &RecordId, dafater: &RecordId) -> Key {
        self.key().text("link").text(&google.to_string()).text(&dafater.to_string())
    }

    fn key(&self) -> Key {
        Key::account(self.account.as_str())
    }
}

/// The pair as far as the store can hold it, with room for what stands beside it.
fn fitting_pair(mut pair: Pair) -> Pair {
    if encode(RECORD_VERSION, &pair).len() > VALUE_LIMIT - BESIDE_A_PAIR {
        // Both can be learnt again; a pair that is not remembered would be made a second time.
        pair.withheld.clear();
        pair.aliases.clear();
    }
    pair
}

/// Room for the time at which a pair parted, which is written in text.
const BESIDE_A_PAIR: usize = 64;

/// The entry as far as the store can hold it: a contact of an unusual size must not stop the run of all others.
fn fitting(version: u8, mut entry: HistoryEntry) -> Vec<u8> {
    let reductions: [fn(&mut HistoryEntry); 4] = [
        |entry| entry.image = None,
        |entry| entry.view.changes.clear(),
        |entry| entry.after = None,
        |entry| entry.before = None,
    ];
    let mut value = encode(version, &entry);
    for reduce in reductions {
        if value.len() <= VALUE_LIMIT {
            break;
        }
        reduce(&mut entry);
        value = encode(version, &entry);
    }
    value
}
