//! Everything a plan depends on, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{AccountName, Loose, Pair, PairId, Promise, RecordId, Side};
use crate::contact::{Contact, Field};
use crate::mapping::{Document, Person, SiteRules, SiteStamp};

/// What a look at one half of a pair showed.
#[derive(Debug, Clone, PartialEq)]
pub enum Sighting<T> {
    /// The record as it is.
    Present(T),
    /// A revision that our own write has replaced already: no news, and no ground to write on.
    Stale,
    /// It is gone: a tombstone, or a look-up by name that found nothing after a complete read.
    Gone,
    /// It could not be seen: hidden, refused, or the look-up failed. Never evidence of anything.
    Unseen,
}

impl<T> Sighting<T> {
    /// The record, if it was seen.
    pub fn present(&self) -> Option<&T> {
        match self {
            Self::Present(record) => Some(record),
            Self::Stale | Self::Gone | Self::Unseen => None,
        }
    }
}

/// A pair and what both halves look like now.
#[derive(Debug, Clone)]
pub struct PairView {
    /// The pair as stored, with the addresses that the records have now.
    pub pair: Pair,
    /// Whether an address changed (a rename) and the pair must be stored for that alone.
    pub is_moved: bool,
    /// Google's half.
    pub google: Sighting<Person>,
    /// Dafater's half.
    pub dafater: Sighting<Document>,
}

/// A record that is in no pair.
#[derive(Debug, Clone)]
pub struct Alone<T> {
    /// The record.
    pub record: T,
    /// How it was judged before, if it was.
    pub before: Option<Loose>,
    /// Whether it is in the account's scope.
    pub is_in_scope: bool,
    /// Whether its counterpart could not be made and it is not due again: it is matched, but nothing is created for it.
    pub is_waiting: bool,
    /// The record that has its place in a pair by now: it was deleted, made anew from its counterpart, and then restored.
    pub successor: Option<RecordId>,
}

/// The input of a plan.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The account.
    pub account: AccountName,
    /// Host of the site, as markers name it.
    pub site: String,
    /// What the site can hold.
    pub site_rules: Arc<SiteRules>,
    /// Zone of the site's stamps.
    pub zone: TimeZone,
    /// How many pairs the account has, whether they are in `pairs` or not.
    pub total_pairs: usize,
    /// Pairs of which at least one half was observed.
    pub pairs: Vec<PairView>,
    /// Pairs that must be judged, whether or not they show anything new: they were parked, or the policy is another one now. As long as
    /// Google shows an older state of them, that has yet to be done.
    pub due: BTreeSet<PairId>,
    /// Google records in no pair.
    pub google: Vec<Alone<Person>>,
    /// Dafater records in no pair.
    pub dafater: Vec<Alone<Document>>,
    /// Contacts of pairs that are not in `pairs`: only to know duplicates of them. One entry a half.
    pub paired: Vec<(RecordId, Contact)>,
    /// Pairs for which a record was created and the answer lost; it may show up yet and is not created again.
    pub in_doubt: BTreeSet<PairId>,
    /// Pairs for which we began to create a record, however long ago: a record found for them is ours.
    pub begun: BTreeSet<PairId>,
    /// What those creates made both sides agree on, if they arrived.
    pub promises: BTreeMap<PairId, Promise>,
    /// Records in no pair that were made from, or copied to, one that is gone, and nothing remembers either: the memory is older than
    /// they are.
    pub left_over: BTreeSet<RecordId>,
    /// Records in no pair whose creation has no receipt, and of which the one that they were made from is gone since: with the id of the
    /// pair that began so.
    pub bereft: BTreeMap<RecordId, PairId>,
    /// Records in no pair that were made from one that nobody can see now: it may well exist, and they are no new people.
    pub veiled: BTreeSet<RecordId>,
    /// Records that stand alone and that nothing answers for now, as they were: whoever is like one of them waits until it is known what
    /// became of it.
    pub missed: Vec<(RecordId, Contact)>,
    /// Pairs that were observed and of which a record that counts is outside the scope.
    pub leaving: BTreeSet<PairId>,
    /// Pairs that left the scope before, and of which a record is here again.
    pub left: Vec<Left>,
    /// Pairs of which a record was deleted and that ended with that, by what was last agreed on: their records may both stand again.
    pub parted: Vec<Pair>,
    /// Ids that records which stand alone would begin a pair under, and that pairs of other records have.
    pub taken: BTreeSet<PairId>,
    /// What people decided.
    pub decisions: Decisions,
}

/// A pair that left the scope before.
#[derive(Debug, Clone)]
pub struct Left {
    /// The pair as it was.
    pub pair: Pair,
    /// Whether one of its records was deleted since.
    pub is_widowed: bool,
}

/// What people decided.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    /// Conflicts.
    pub resolutions: BTreeMap<(PairId, Field), Side>,
    /// Pairs with a conflict that a person was asked about and has not decided: no policy decides it any more.
    pub asked: BTreeSet<PairId>,
    /// Records declared to be the same person: (google, dafater).
    pub links: Vec<(RecordId, RecordId)>,
    /// Records declared to be somebody of their own: nothing is matched with them by likeness.
    pub apart: BTreeSet<RecordId>,
}

impl Snapshot {
    /// The id under which a pair begins that would begin under `id`, if that were nobody else's.
    #[must_use]
    pub fn free(&self, mut id: PairId) -> PairId {
        while self.taken.contains(&id) {
            id = id.again();
        }
        id
    }

    /// The instant of a site's stamp, by the site's own clock and zone.
    #[must_use]
    pub fn instant(&self, stamp: &SiteStamp) -> Option<jiff::Timestamp> {
        Some(stamp.civil()?.to_zoned(self.zone.clone()).ok()?.timestamp())
    }
}
