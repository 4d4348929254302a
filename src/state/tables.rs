//! Reading the tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::earlier::{read_entry, read_intent, read_loose, read_pair, read_parted};
use super::records::{
    AddressCursor, Cursors, Exhausted, HeldBy, HistoryEntry, Hold, Intent, Labels, Owed, OwedPhoto, Parked,
    Parted, Progress, Tombstone, UndoHold, Unlinked,
};
use super::{Changes, VALUE_VERSION};
use crate::mapping::{DocumentName, SiteStamp, SourceId};
use crate::store::{CodecError, Key, KeyReader, Store, StoreError, Tree, decode};
use crate::store::{get_decoded, scan_decoded};
use crate::sync::{AccountName, Conflict, Loose, Pair, PairId, Pictured, RecordId, Review, Worn};

/// The tables of one account.
#[derive(Clone)]
pub struct AccountState {
    store: Arc<dyn Store>,
    account: AccountName,
}

impl AccountState {
    /// The tables of `account` in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, account: AccountName) -> Self {
        Self { store, account }
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &AccountName {
        &self.account
    }

    /// Changes to be filled and committed.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::new(self.account.clone())
    }

    /// Makes `changes` durable; nothing is touched when there are none.
    ///
    /// # Errors
    /// The store failed; none of the changes happened.
    pub async fn commit(&self, changes: Changes) -> Result<(), StoreError> {
        let batch = changes.into_batch();
        if batch.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await
    }

    /// Where both sides were read up to.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn cursors(&self) -> Result<Cursors, StoreError> {
        Ok(self.get(Tree::Accounts, &self.key().text("cursors"))?.unwrap_or_default())
    }

    /// Up to where the site's addresses were read.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn address_cursor(&self) -> Result<Option<AddressCursor>, StoreError> {
        self.get(Tree::Accounts, &self.key().text("addresses"))
    }

    /// How the account fares.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn progress(&self) -> Result<Progress, StoreError> {
        Ok(self.get(Tree::Accounts, &self.key().text("progress"))?.unwrap_or_default())
    }

    /// Whether Google takes no writes of the account for now.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn exhausted(&self) -> Result<Option<Exhausted>, StoreError> {
        self.get(Tree::Accounts, &self.key().text("exhausted"))
    }

    /// Which label plays which role.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn labels(&self) -> Result<Labels, StoreError> {
        Ok(self.get(Tree::Accounts, &self.key().text("labels"))?.unwrap_or_default())
    }

    /// What the sync did with the labels of a contact.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn worn(&self, pair: &PairId) -> Result<Option<Worn>, StoreError> {
        self.get(Tree::Pairs, &self.key().text("worn").text(pair.as_str()))
    }

    /// Contacts whose labels are to be changed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn owed_labels(&self) -> Result<Vec<Owed>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("label")).collect()
    }

    /// The photos of a pair as they were last seen.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn pictured(&self, pair: &PairId) -> Result<Option<Pictured>, StoreError> {
        self.get(Tree::Pairs, &self.key().text("photo").text(pair.as_str()))
    }

    /// Photos that are to be carried.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn owed_photos(&self) -> Result<Vec<OwedPhoto>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("photo")).collect()
    }

    /// A pair by its id.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn pair(&self, id: &PairId) -> Result<Option<Pair>, StoreError> {
        self.get_record(&self.key().text("pair").text(id.as_str()), read_pair)
    }

    /// The pair of a Google contact.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn pair_of_google(&self, source: &SourceId) -> Result<Option<Pair>, StoreError> {
        self.indexed(&self.key().text("google").text(&source.0))
    }

    /// The pair of a Dafater document, by its present name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn pair_of_dafater(&self, name: &DocumentName) -> Result<Option<Pair>, StoreError> {
        self.indexed(&self.key().text("dafater").text(&name.0))
    }

    /// The pairs of documents created at this moment: more than one only if a site created several in one microsecond.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn pairs_of_creation(&self, creation: &SiteStamp) -> Result<Vec<Pair>, StoreError> {
        let prefix = self.key().text("creation").text(&creation.0);
        let ids = self.scan::<PairId>(Tree::Pairs, &prefix).collect::<Result<BTreeSet<_>, _>>()?;
        ids.iter().filter_map(|id| self.pair(id).transpose()).collect()
    }

    /// All pairs.
    pub fn pairs(&self) -> impl Iterator<Item = Result<Pair, StoreError>> {
        self.scan_records(&self.key().text("pair"), read_pair)
    }

    /// Sets `pair` in place of what is stored under its id: its records may have other addresses now.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn put_pair(&self, pair: &Pair, changes: &mut Changes) -> Result<(), StoreError> {
        self.clear_indexes(&pair.id, changes)?;
        changes.set_pair(pair);
        Ok(())
    }

    /// Removes a pair.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn drop_pair(&self, id: &PairId, changes: &mut Changes) -> Result<(), StoreError> {
        self.clear_indexes(id, changes)?;
        changes.remove_pair(id);
        if self.pictured(id)?.is_some() {
            changes.remove_pictured(id);
        }
        if self.worn(id)?.is_some() {
            changes.remove_worn(id);
        }
        Ok(())
    }

    /// An index that names another pair by now stays: the address was given to another record.
    fn clear_indexes(&self, id: &PairId, changes: &mut Changes) -> Result<(), StoreError> {
        let Some(stored) = self.pair(id)? else { return Ok(()) };
        for key in changes.indexes(&stored) {
            if self.get::<PairId>(Tree::Pairs, &key)?.as_ref() == Some(id) {
                changes.remove_index(key);
            }
        }
        Ok(())
    }

    /// The pair that a Google contact was in until one of its records was deleted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn parted_of_google(&self, source: &SourceId) -> Result<Option<Parted>, StoreError> {
        self.get_record(&self.key().text("parted").text(&source.0), read_parted)
    }

    /// The pair that a document was in until one of its records was deleted.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn parted_of_creation(&self, creation: &SiteStamp) -> Result<Option<Parted>, StoreError> {
        match self.get::<SourceId>(Tree::Pairs, &self.key().text("parting").text(&creation.0))? {
            Some(source) => self.parted_of_google(&source),
            None => Ok(None),
        }
    }

    /// All pairs that ended so.
    pub fn all_parted(&self) -> impl Iterator<Item = Result<Parted, StoreError>> {
        self.scan_records(&self.key().text("parted"), read_parted)
    }

    /// How many pairs there are.
    #[must_use]
    pub fn pair_count(&self) -> usize {
        self.store.scan(Tree::Pairs, self.key().text("pair").as_bytes()).count()
    }

    /// A record that stands alone.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn loose(&self, record: &RecordId) -> Result<Option<Loose>, StoreError> {
        self.get_record(&self.key().text("loose").text(&record.to_string()), read_loose)
    }

    /// All records that stand alone.
    pub fn all_loose(&self) -> impl Iterator<Item = Result<Loose, StoreError>> {
        self.scan_records(&self.key().text("loose"), read_loose)
    }

    /// The pair that a Google contact was in when it left the scope.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn left_of_google(&self, source: &SourceId) -> Result<Option<Pair>, StoreError> {
        self.left(&self.key().text("left-google").text(&source.0))
    }

    /// The pair that a Dafater document was in when it left the scope, by the `creation` that survives renames.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn left_of_dafater(&self, creation: &SiteStamp) -> Result<Option<Pair>, StoreError> {
        self.left(&self.key().text("left-dafater").text(&creation.0))
    }

    /// Whether the pair left the scope.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_left(&self, id: &PairId) -> Result<bool, StoreError> {
        Ok(self.get_record(&self.key().text("left").text(id.as_str()), read_pair)?.is_some())
    }

    fn left(&self, key: &Key) -> Result<Option<Pair>, StoreError> {
        match self.get::<PairId>(Tree::Pairs, key)? {
            Some(id) => self.get_record(&self.key().text("left").text(id.as_str()), read_pair),
            None => Ok(None),
        }
    }

    /// Writes without a receipt.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn intents(&self) -> Result<Vec<Intent>, StoreError> {
        let read = |(_, bytes): (Vec<u8>, Vec<u8>)| {
            read_intent(&bytes).map_err(|cause| StoreError::Undecodable { tree: Tree::Journal, cause })
        };
        self.store.scan(Tree::Journal, self.key().as_bytes()).map(|entry| entry.and_then(read)).collect()
    }

    /// Parked records.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("parked")).collect()
    }

    /// Ambiguous matches.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn reviews(&self) -> Result<Vec<Review>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("review")).collect()
    }

    /// Contacts of which nobody could tell to whom they belong.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn unlinked(&self) -> Result<Vec<Unlinked>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("unlinked")).collect()
    }

    /// Open conflicts.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("conflict")).collect()
    }

    /// Records that a person declared to be the same: (google, dafater).
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn links(&self) -> Result<Vec<(RecordId, RecordId)>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("link")).collect()
    }

    /// The held plan.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn hold(&self) -> Result<Option<Hold>, StoreError> {
        self.get(Tree::Queue, &self.key().text("hold"))
    }

    /// The memory of a record's deletion.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn tombstone(&self, record: &RecordId) -> Result<Option<Tombstone>, StoreError> {
        self.get(Tree::Tombstones, &self.key().text(&record.to_string()))
    }

    /// All tombstones.
    pub fn tombstones(&self) -> impl Iterator<Item = Result<Tombstone, StoreError>> {
        self.scan(Tree::Tombstones, &self.key())
    }

    /// The undoing that waits for approval.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn undo_hold(&self) -> Result<Option<UndoHold>, StoreError> {
        self.get(Tree::Queue, &self.key().text("undo"))
    }

    /// The pairs that a held plan deletes or empties.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn held(&self, by: HeldBy) -> Result<BTreeSet<PairId>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("held").text(by.as_str())).collect()
    }

    /// Records that a person declared to be somebody of their own.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn apart(&self) -> Result<BTreeSet<RecordId>, StoreError> {
        self.scan(Tree::Queue, &self.key().text("apart")).collect()
    }

    /// The history, oldest first; of one run if one is named.
    pub fn history(&self, run: Option<&str>) -> impl Iterator<Item = Result<HistoryEntry, StoreError>> {
        self.deeds(run).map(|deed| deed.map(|(_, entry)| entry))
    }

    /// The history with the pair of each entry, oldest first; of one run if one is named.
    pub fn deeds(
        &self,
        run: Option<&str>,
    ) -> impl Iterator<Item = Result<(PairId, HistoryEntry), StoreError>> {
        let prefix = run.map_or_else(|| self.key(), |run| self.key().text(run));
        let undecodable = |cause| StoreError::Undecodable { tree: Tree::History, cause };
        self.store.scan(Tree::History, prefix.as_bytes()).map(move |entry| {
            let (key, bytes) = entry?;
            let mut parts = KeyReader::new(&key);
            let (_, _, pair) = (parts.text(), parts.text(), parts.text());
            let pair = pair.and_then(|pair| PairId::parse(&pair));
            let pair = pair.ok_or_else(|| undecodable(CodecError::Malformed))?;
            Ok((pair, read_entry(&bytes).map_err(undecodable)?))
        })
    }

    /// Forgets up to `limit` entries of the history of runs whose ids sort before `run`; tells how many there were.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn forget_history(
        &self,
        before: &str,
        limit: usize,
        changes: &mut Changes,
    ) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        for entry in self.store.scan(Tree::History, self.key().as_bytes()).take(limit) {
            let (key, _) = entry?;
            let mut parts = KeyReader::new(&key);
            let (_, run) = (parts.text(), parts.text());
            if run.is_some_and(|run| run.as_str() >= before) {
                break;
            }
            changes.remove_history(key);
            forgotten += 1;
        }
        Ok(forgotten)
    }

    /// Whether an entry of these tables can be read: for the check of a whole store.
    ///
    /// # Errors
    /// What it should have been.
    pub fn check_entry(tree: Tree, key: &[u8], value: &[u8]) -> Result<(), String> {
        let mut parts = KeyReader::new(key);
        let (_, kind) = (parts.text(), parts.text());
        let check = |outcome: Result<(), CodecError>| outcome.map_err(|error| error.to_string());
        match (tree, kind.as_deref()) {
            (Tree::Accounts, Some("cursors")) => check(decode::<Cursors>(VALUE_VERSION, value).map(drop)),
            (Tree::Accounts, Some("progress")) => check(decode::<Progress>(VALUE_VERSION, value).map(drop)),
            (Tree::Accounts, Some("addresses")) => {
                check(decode::<AddressCursor>(VALUE_VERSION, value).map(drop))
            }
            (Tree::Accounts, Some("exhausted")) => check(decode::<Exhausted>(VALUE_VERSION, value).map(drop)),
            (Tree::Accounts, Some("labels")) => check(decode::<Labels>(VALUE_VERSION, value).map(drop)),
            (Tree::Pairs, Some("photo")) => check(decode::<Pictured>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("photo")) => check(decode::<OwedPhoto>(VALUE_VERSION, value).map(drop)),
            (Tree::Pairs, Some("worn")) => check(decode::<Worn>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("label")) => check(decode::<Owed>(VALUE_VERSION, value).map(drop)),
            (Tree::Pairs, Some("pair" | "left")) => check(read_pair(value).map(drop)),
            (Tree::Pairs, Some("loose")) => check(read_loose(value).map(drop)),
            (Tree::Pairs, Some("parted")) => check(read_parted(value).map(drop)),
            (Tree::Pairs, Some("parting")) => check(decode::<SourceId>(VALUE_VERSION, value).map(drop)),
            (Tree::Pairs, Some("google" | "dafater" | "creation" | "left-google" | "left-dafater")) => {
                check(decode::<PairId>(VALUE_VERSION, value).map(drop))
            }
            (Tree::Journal, _) => check(read_intent(value).map(drop)),
            (Tree::Queue, Some("parked")) => check(decode::<Parked>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("review")) => check(decode::<Review>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("unlinked")) => check(decode::<Unlinked>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("conflict")) => check(decode::<Conflict>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("link")) => {
                check(decode::<(RecordId, RecordId)>(VALUE_VERSION, value).map(drop))
            }
            (Tree::Queue, Some("hold")) => check(decode::<Hold>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("undo")) => check(decode::<UndoHold>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("held")) => check(decode::<PairId>(VALUE_VERSION, value).map(drop)),
            (Tree::Queue, Some("apart")) => check(decode::<RecordId>(VALUE_VERSION, value).map(drop)),
            (Tree::Tombstones, _) => check(decode::<Tombstone>(VALUE_VERSION, value).map(drop)),
            (Tree::History, _) => check(read_entry(value).map(drop)),
            // The store's own, and sealed tokens, which only the vault can read.
            (Tree::Meta | Tree::Accounts, _) => Ok(()),
            (Tree::Pairs | Tree::Queue, _) => Err("its key is none of ours".to_owned()),
        }
    }

    fn key(&self) -> Key {
        Key::account(self.account.as_str())
    }

    fn indexed(&self, key: &Key) -> Result<Option<Pair>, StoreError> {
        match self.get::<PairId>(Tree::Pairs, key)? {
            Some(id) => self.pair(&id),
            None => Ok(None),
        }
    }

    /// A value of which more than one version is read.
    fn get_record<T>(
        &self,
        key: &Key,
        read: impl Fn(&[u8]) -> Result<T, CodecError>,
    ) -> Result<Option<T>, StoreError> {
        let undecodable = |cause| StoreError::Undecodable { tree: Tree::Pairs, cause };
        let bytes = self.store.get(Tree::Pairs, key.as_bytes())?;
        bytes.map(|bytes| read(&bytes).map_err(undecodable)).transpose()
    }

    fn scan_records<'a, T: 'a>(
        &'a self,
        prefix: &Key,
        read: fn(&[u8]) -> Result<T, CodecError>,
    ) -> impl Iterator<Item = Result<T, StoreError>> + use<'a, T> {
        self.store.scan(Tree::Pairs, prefix.as_bytes()).map(move |entry| {
            let (_, bytes) = entry?;
            read(&bytes).map_err(|cause| StoreError::Undecodable { tree: Tree::Pairs, cause })
        })
    }

    fn get<T: DeserializeOwned>(&self, tree: Tree, key: &Key) -> Result<Option<T>, StoreError> {
        get_decoded(self.store.as_ref(), tree, key.as_bytes(), VALUE_VERSION)
    }

    fn scan<'a, T: DeserializeOwned + 'a>(
        &'a self,
        tree: Tree,
        prefix: &Key,
    ) -> impl Iterator<Item = Result<T, StoreError>> + use<'a, T> {
        scan_decoded(self.store.as_ref(), tree, prefix.as_bytes(), VALUE_VERSION)
            .map(|entry| entry.map(|(_, value)| value))
    }
}
