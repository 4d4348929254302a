//! One Google account: its contacts, groups, trash and what it has used up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::groups::{self, Group};
use super::journal::Writes;
use super::options::GoogleOptions;
use super::quota::Usage;
use super::random::Random;
use super::record::{Record, contact_id};
use super::refusal::Refusal;
use super::view::{Replica, View};

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) index: u64,
    pub(super) email: String,
    /// The `OpenID` subject.
    pub(super) sub: String,
    pub(super) region: Option<phonenumber::country::Id>,
    /// The truth; writes are checked against it.
    pub(super) live: View,
    /// What lists and deltas show.
    pub(super) listed: Replica,
    /// What get and batchGet show.
    pub(super) got: Replica,
    /// Names that are not made from the contact's id.
    pub(super) aliases: BTreeMap<String, u64>,
    /// Deleted contacts as they were, and when.
    pub(super) trash: BTreeMap<u64, (Timestamp, Arc<Record>)>,
    pub(super) groups: Vec<Group>,
    /// Contacts by group id.
    pub(super) members: BTreeMap<String, BTreeSet<u64>>,
    /// Number of changes so far, of contacts and groups.
    pub(super) sequence: u64,
    /// Number of times its sync tokens were made void.
    pub(super) epoch: u64,
    pub(super) usage: Usage,
    pub(super) writes: Writes,
    /// Photos by their marks.
    pub(super) photos: BTreeMap<u64, Bytes>,
    /// Until when the contacts backend refuses writes.
    pub(super) closed_until: Option<Timestamp>,
}

impl Account {
    pub(super) fn new(index: u64, email: &str, sub: String, region: &str) -> Self {
        Self {
            index,
            email: email.to_owned(),
            sub,
            region: region.to_ascii_uppercase().parse().ok(),
            live: View::default(),
            listed: Replica::default(),
            got: Replica::default(),
            aliases: BTreeMap::new(),
            trash: BTreeMap::new(),
            groups: groups::system_groups(),
            members: BTreeMap::new(),
            sequence: 0,
            epoch: 0,
            usage: Usage::default(),
            writes: Writes::default(),
            photos: BTreeMap::new(),
            closed_until: None,
        }
    }

    /// The id that a resource name stands for, whether or not there is such a contact.
    pub(super) fn id_of(&self, name: &str) -> Option<u64> {
        self.aliases.get(name).copied().or_else(|| contact_id(name))
    }
}

/// One request's, or one person's, hold on one account.
pub(super) struct Turn<'a> {
    pub(super) account: &'a mut Account,
    pub(super) options: &'a GoogleOptions,
    pub(super) random: &'a mut Random,
    pub(super) now: Timestamp,
}

impl Turn<'_> {
    /// The current record of a name.
    pub(super) fn find(&self, name: &str) -> Result<&Arc<Record>, Refusal> {
        let record = self.account.id_of(name).and_then(|id| self.account.live.live(id));
        record.filter(|record| answers_to(record, name, self.options)).ok_or_else(Refusal::not_found)
    }

    /// Makes `record` the current one, as a new revision.
    pub(super) fn commit(&mut self, mut record: Record) -> Arc<Record> {
        let account = &mut *self.account;
        account.sequence += 1;
        record.prior_revision = record.revision;
        record.revision = self.random.next();
        record.changed = self.now;
        record.sequence = account.sequence;
        if let Some(before) = account.live.any(record.id) {
            for group in before.groups() {
                if let Some(members) = account.members.get_mut(group) {
                    members.remove(&record.id);
                }
            }
        }
        for group in record.groups() {
            account.members.entry(group.to_owned()).or_default().insert(record.id);
        }
        let record = Arc::new(record);
        account.live.apply(Arc::clone(&record));
        account.listed.push(Arc::clone(&record));
        account.got.push(Arc::clone(&record));
        record
    }

    /// Deletes a contact; with `trash` it can be restored for 30 days.
    pub(super) fn delete(&mut self, id: u64, trash: bool) {
        let Some(record) = self.account.live.live(id).cloned() else { return };
        let tombstone = Record { deleted: true, fields: BTreeMap::new(), profile: None, ..(*record).clone() };
        if trash {
            self.account.trash.insert(id, (self.now, record));
        }
        self.commit(tombstone);
    }

    /// Forgets what has been in the trash for 30 days.
    pub(super) fn empty_trash(&mut self) {
        let now = self.now;
        self.account.trash.retain(|_, (since, _)| now.duration_since(*since) < TRASH);
    }

    /// Contacts that count towards the account's limit.
    pub(super) fn occupied(&mut self) -> usize {
        self.empty_trash();
        self.account.live.live + self.account.trash.len()
    }
}

/// Whether reads at `now` show the etag from before the record's last change.
pub(super) fn is_etag_stale(record: &Record, options: &GoogleOptions, now: Timestamp) -> bool {
    record.prior_revision != 0 && now.duration_since(record.changed) < options.stale_etag
}

/// Whether `record` may be addressed as `name`: by its own name, or by an older one where the options say so.
pub(super) fn answers_to(record: &Record, name: &str, options: &GoogleOptions) -> bool {
    record.resource_name == name
        || options.old_names_answer && record.previous_names.iter().any(|old| old == name)
}

const TRASH: SignedDuration = SignedDuration::from_hours(30 * 24);
