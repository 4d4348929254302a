//! The contacts of one account in the order of their last change, and the replicas that lag behind.
//!
//! Law: finding what changed since a point costs what changed, not what there is.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::record::Record;

/// All contacts, tombstones included, with an index by last change.
#[derive(Debug, Default)]
pub(super) struct View {
    records: BTreeMap<u64, Arc<Record>>,
    changes: BTreeMap<u64, Arc<Record>>,
    /// Place of the latest change.
    pub(super) horizon: u64,
    /// How many are not deleted.
    pub(super) live: usize,
}

impl View {
    /// Replaces a record.
    pub(super) fn apply(&mut self, record: Arc<Record>) {
        self.horizon = record.sequence;
        self.live += usize::from(!record.deleted);
        self.changes.insert(record.sequence, Arc::clone(&record));
        if let Some(before) = self.records.insert(record.id, record) {
            self.changes.remove(&before.sequence);
            self.live -= usize::from(!before.deleted);
        }
    }

    /// The contact of this id, unless it is deleted.
    pub(super) fn live(&self, id: u64) -> Option<&Arc<Record>> {
        self.records.get(&id).filter(|record| !record.deleted)
    }

    pub(super) fn any(&self, id: u64) -> Option<&Arc<Record>> {
        self.records.get(&id)
    }

    /// What changed after `sequence`, oldest change first, tombstones included.
    pub(super) fn since(&self, sequence: u64) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
        self.changes.range((Excluded(sequence), Unbounded)).map(|(_, record)| record)
    }

    /// All that is not deleted, in the order of the ids.
    pub(super) fn by_id(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.values().filter(|record| !record.deleted)
    }

    /// All that is not deleted, oldest change first.
    pub(super) fn all_live(&self) -> impl DoubleEndedIterator<Item = &Arc<Record>> {
        self.changes.values().filter(|record| !record.deleted)
    }
}

/// A view that learns of changes after a delay.
#[derive(Debug, Default)]
pub(super) struct Replica {
    view: View,
    coming: VecDeque<Arc<Record>>,
}

impl Replica {
    /// Announces a change.
    pub(super) fn push(&mut self, record: Arc<Record>) {
        self.coming.push_back(record);
    }

    /// The view at `now`, when changes take `delay` to arrive.
    pub(super) fn at(&mut self, now: Timestamp, delay: SignedDuration) -> &View {
        while let Some(record) = self.coming.pop_front_if(|next| now.duration_since(next.changed) >= delay) {
            self.view.apply(record);
        }
        &self.view
    }

    /// Lets all changes arrive.
    pub(super) fn settle(&mut self) {
        self.coming.drain(..).for_each(|record| self.view.apply(record));
    }
}
