//! Reads both sides into a [`Snapshot`].
//!
//! A cycle reads what changed on each side, finds the pairs concerned, and fetches the half that it has not seen. The result says
//! of every record what is *known* of it: present, stale, gone or unseen; absence alone never becomes "gone".

mod addresses;
mod chosen;
mod dafater;
mod fetch;
mod google;
mod identity;
mod origins;
mod oversize;
mod place;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) use self::addresses::AddressReading;
use self::dafater::DafaterReading;
use self::google::GoogleReading;
pub(super) use self::oversize::Oversized;
use super::fields::MappedColumns;
use super::labels::{LabelBook, Rest};
use super::settings::{Parts, Settings};
use super::{EngineError, RunRequest};
use crate::contact::TextField;
use crate::dafater::SiteClient;
use crate::mapping::{Document, DocumentName, Mapping, Person, ResourceName, SiteRules, SourceId};
use crate::state::{Cursors, Intent, IntentKind, Parked};
use crate::sync::{AccountName, Decisions, Pair, PairId, PairView, Promise, RecordId, Side, Snapshot};

/// What outlives a cycle without being durable: losing it costs a request, never a contact.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// The site's rules and zone, read once a day.
    pub(super) site: Option<Arc<SiteFacts>>,
    /// Mapped fields that do not travel, and why, as far as that was told.
    pub(super) told: BTreeMap<TextField, String>,
    /// The account's labels, read when first needed.
    pub(super) labels: Option<LabelBook>,
    /// Until when writes of labels wait after a failure.
    pub(super) labels_rest: Rest,
    /// Whether it was said that the Google account is nearly full.
    pub(super) is_nearly_full: bool,
    /// Changes of addresses that were dealt with and are read again because of the overlap: name and revision.
    pub(super) addresses: BTreeSet<(String, String)>,
    /// Whether it was said already that addresses may not be read.
    pub(super) is_told_of_hidden_addresses: bool,
    /// Whether this process looked for records that the one before it left waiting for nothing.
    pub(super) has_sought_stranded: bool,
    /// When all contacts were last asked for by the filter of the scope.
    pub(super) scope_asked_at: Option<Timestamp>,
    /// How many contacts the last read of all left out, by Google's own count.
    pub(super) missing: u64,
}

/// What is known of the site as a whole.
#[derive(Debug)]
pub(super) struct SiteFacts {
    pub(super) rules: Arc<SiteRules>,
    pub(super) zone: TimeZone,
    /// The mapped fields of Contact.
    pub(super) mapped: MappedColumns,
    read_at: Timestamp,
}

impl SiteFacts {
    fn unknown(now: Timestamp) -> Self {
        Self { rules: Arc::default(), zone: TimeZone::UTC, mapped: MappedColumns::default(), read_at: now }
    }

    /// What is known of the site; asked for once a day.
    pub(super) async fn of(
        site: &SiteClient,
        mapping: &Mapping,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Arc<Self>, EngineError> {
        // What is unseen is asked for once a cycle.
        let is_fresh = |facts: &&Arc<Self>| {
            let kept = if facts.mapped.is_vague { VAGUE_FACTS_KEPT } else { SITE_FACTS_KEPT };
            now.duration_since(facts.read_at) < kept && (!facts.mapped.is_unseen || now == facts.read_at)
        };
        if let Some(facts) = memory.site.as_ref().filter(is_fresh) {
            return Ok(Arc::clone(facts));
        }
        let mapped = MappedColumns::read(site, mapping).await?;
        let rules = SiteRules {
            salutations: site.salutations().await?,
            genders: site.genders().await?,
            columns: mapped.columns.clone(),
            countries: if site.reads_addresses() { site.countries().await? } else { None },
        };
        let zone = site.site_time().await?.time_zone();
        let facts = Arc::new(Self { rules: Arc::new(rules), zone, mapped, read_at: now });
        memory.site = Some(Arc::clone(&facts));
        Ok(facts)
    }
}

/// A snapshot and what belongs to it.
pub(super) struct Observed {
    pub(super) snapshot: Snapshot,
    /// The cursors of the reads that fed the snapshot.
    pub(super) cursors: Cursors,
    /// Parked items that were observed again: released unless they fail once more.
    pub(super) retried: Vec<Parked>,
    /// Writes of an earlier run without a receipt that are settled by this observation.
    pub(super) settled: Vec<Intent>,
    /// Updates of an earlier run without a receipt that do not show, and that may not show yet.
    pub(super) doubtful: Vec<Intent>,
    /// Pairs whose base is now what such a write promised.
    pub(super) redeemed: Vec<Pair>,
    /// How many writes of earlier runs had no receipt.
    pub(super) intents: usize,
    /// Records in no pair that are gone.
    pub(super) vanished: Vec<RecordId>,
    /// Documents in no pair that the site has and does not show: what is parked of them could not be looked at.
    pub(super) hidden: BTreeSet<DocumentName>,
    /// Google contacts whose deletion was reported: (identity, revision).
    pub(super) deleted: Vec<(SourceId, String)>,
    /// Contacts that show up although they were deleted a moment ago: an echo, or restored. Looked at again when it can be told.
    pub(super) echoes: Vec<Parked>,
    /// Records that are too large to be remembered.
    pub(super) oversized: Oversized,
    /// Records whose JSON could not be understood.
    pub(super) malformed: Vec<String>,
    /// Whether any side was read whole.
    pub(super) is_full: bool,
    /// What was read of the site's addresses.
    pub(super) addresses: AddressReading,
}

impl Observed {
    /// Deletions of an earlier run that ended early.
    pub(super) fn begun_deletions(&self) -> impl Iterator<Item = &Intent> {
        self.settled.iter().filter(|intent| intent.kind == IntentKind::Delete)
    }

    /// Updates of earlier runs without a receipt, of which it is not known that they arrived as they were sent.
    pub(super) fn unnoted(&self) -> impl Iterator<Item = &Intent> {
        let is_redeemed = |intent: &Intent| self.redeemed.iter().any(|pair| pair.id == intent.pair);
        let settled = self.settled.iter().filter(move |intent| !is_redeemed(intent));
        settled.chain(&self.doubtful).filter(|intent| intent.kind == IntentKind::Update)
    }
}

pub(super) struct Observer<'a> {
    pub(super) parts: &'a Parts,
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
    pub(super) parked: BTreeMap<PairId, Parked>,
}

impl Observer<'_> {
    /// Looks at both sides.
    pub(super) async fn observe(
        mut self,
        request: RunRequest,
        policy: &str,
        memory: &mut Memory,
    ) -> Result<Observed, EngineError> {
        let state = &self.parts.state;
        let before = state.cursors()?;
        self.parked = state.parked()?.into_iter().map(|parked| (parked.pair.clone(), parked)).collect();
        let intents = state.intents()?;
        let is_other_policy = before.policy != policy;
        let read_all = request.full || is_other_policy;

        // What is in doubt is sent again only when a read of everything, begun after its time, does not show it: a read of changes
        // may have left it out.
        let is_repeating = intents.iter().any(|intent| self.must_be_sought(intent));
        let google = self.read_google(before.google.as_ref().filter(|_| !read_all && !is_repeating)).await?;
        let dafater = self.read_dafater(before.dafater.as_ref().filter(|_| !read_all)).await?;
        let address_cursor = state.address_cursor()?.filter(|_| !dafater.is_complete);
        let news = (dafater.sweep.is_some(), &dafater.deleted_addresses);
        let addresses = self.read_addresses(address_cursor, news, &memory.addresses).await?;
        let mut cursors = Cursors {
            google: google.cursor.clone(),
            dafater: Some(dafater.cursor.clone()),
            policy: policy.to_owned(),
        };
        let is_confirmed = is_confirmed(&google, memory);
        if google.missing.is_some() && !is_confirmed {
            // What was left out would show in no read of changes.
            cursors.google = None;
        }
        let is_full = google.is_complete || dafater.is_complete;
        let mut malformed: Vec<String> = google.malformed.clone();
        malformed.extend(dafater.malformed.iter().cloned());

        let unsettled = intents.len();
        let mut doubt = Doubt::judge(intents, |intent| {
            self.is_open(intent) || self.must_be_sought(intent) && !is_confirmed
        });
        let retried: Vec<Parked> =
            self.parked.values().filter(|parked| parked.next <= self.now || is_full).cloned().collect();
        let mut picture =
            self.identify(google, (dafater, &addresses), &retried, &doubt, memory, read_all).await?;
        let oversized = self.set_aside(&mut picture)?;
        if picture.is_unsettled {
            cursors.google = None;
        }
        let redeemed = self.redeem(&mut doubt, &mut picture.pairs);
        doubt.await_hidden(&picture.hidden);
        let veiled = self.veiled(&picture, &doubt).await?;
        let bereft = self.bereft(&picture, &doubt)?;
        let mut in_doubt = doubt.open;
        in_doubt.extend(picture.renamed_in_doubt(&doubt.unsettled, state.account()));
        let left_over = self.left_over(&picture, &doubt.begun)?;
        let parted = self.parted(&picture)?;
        let taken = self.taken(&picture)?;
        let all = picture.pairs.iter().map(|view| &view.pair.id).filter(|_| is_other_policy);
        let due = all.chain(retried.iter().map(|parked| &parked.pair)).cloned().collect();
        let is_idle = picture.pairs.is_empty() && picture.google.is_empty() && picture.dafater.is_empty();
        // Nothing to decide needs no rules: an idle cycle asks for changes and nothing else.
        let site =
            if is_idle { Arc::new(SiteFacts::unknown(self.now)) } else { self.site_facts(memory).await? };
        let total_pairs = if is_idle { 0 } else { state.pair_count() };
        Ok(Observed {
            snapshot: Snapshot {
                account: state.account().clone(),
                site: self.settings.site.clone(),
                site_rules: Arc::clone(&site.rules),
                zone: site.zone.clone(),
                total_pairs,
                pairs: picture.pairs,
                due,
                google: picture.google,
                dafater: picture.dafater,
                paired: picture.paired,
                missed: picture.missed,
                in_doubt,
                begun: doubt.begun,
                promises: doubt.promises,
                left_over,
                bereft,
                veiled,
                leaving: picture.leaving,
                left: picture.left,
                parted,
                taken,
                decisions: self.decisions()?,
            },
            cursors,
            retried,
            doubtful: doubt
                .unsettled
                .into_iter()
                .filter(|intent| intent.kind == IntentKind::Update)
                .collect(),
            settled: doubt.settled,
            redeemed,
            intents: unsettled,
            vanished: picture.vanished,
            hidden: picture.hidden,
            deleted: picture.deleted,
            echoes: picture.echoes,
            oversized,
            malformed,
            is_full,
            addresses,
        })
    }

    /// What people decided and what they are asked.
    fn decisions(&self) -> Result<Decisions, EngineError> {
        let state = &self.parts.state;
        let (asked, decided): (Vec<_>, Vec<_>) =
            state.conflicts()?.into_iter().partition(|conflict| conflict.resolution.is_none());
        Ok(Decisions {
            resolutions: decided
                .into_iter()
                .filter_map(|conflict| Some(((conflict.pair, conflict.field), conflict.resolution?)))
                .collect(),
            asked: asked.into_iter().map(|conflict| conflict.pair).collect(),
            links: state.links()?,
            apart: state.apart()?,
        })
    }

    /// Recognises our own updates that were not noted, so that they are not taken for edits.
    fn redeem(&self, doubt: &mut Doubt, pairs: &mut [PairView]) -> Vec<Pair> {
        let mapping = &self.settings.policy.mapping;
        let mut redeemed = Vec::new();
        let recent = doubt.unsettled.iter().filter(|intent| intent.kind == IntentKind::Update);
        let sought: Vec<&Intent> = doubt.settled.iter().chain(recent).collect();
        for view in pairs {
            let mut is_kept = false;
            let id = view.pair.id.clone();
            for intent in sought.iter().filter(|intent| intent.pair == id) {
                let now = match intent.side {
                    Side::Google => view.google.present().map(|person| person.contact(mapping)),
                    Side::Dafater => view.dafater.present().map(|document| document.contact(mapping)),
                };
                let Some(now) = now else { continue };
                if let Some(promise) = &intent.promise {
                    let was = intent.entry.before.as_ref();
                    is_kept |= promise.redeem(&mut view.pair, intent.side, was, &now);
                }
                if (intent.kind, intent.side) == (IntentKind::Delete, Side::Dafater) {
                    is_kept |= view.pair.disagree_on_lost_addresses(&now);
                }
            }
            if is_kept {
                redeemed.push(view.pair.clone());
            }
        }
        let is_seen = |intent: &Intent| {
            intent.kind == IntentKind::Update && redeemed.iter().any(|pair| pair.id == intent.pair)
        };
        let (seen, unseen) = std::mem::take(&mut doubt.unsettled).into_iter().partition(is_seen);
        doubt.unsettled = unseen;
        doubt.settled.extend::<Vec<_>>(seen);
        redeemed
    }

    /// Whether what was written without a receipt may not show yet.
    fn is_open(&self, intent: &Intent) -> bool {
        let window = match intent.side {
            Side::Google => self.settings.propagation,
            Side::Dafater => self.settings.settle,
        };
        intent.kind != IntentKind::Delete && self.now.duration_since(intent.at) < window
    }

    /// Whether a create in Google has not shown up in its time. (On the site it is looked for by what it carries.)
    fn must_be_sought(&self, intent: &Intent) -> bool {
        (intent.kind, intent.side) == (IntentKind::Create, Side::Google) && !self.is_open(intent)
    }

    async fn site_facts(&self, memory: &mut Memory) -> Result<Arc<SiteFacts>, EngineError> {
        SiteFacts::of(&self.parts.dafater, &self.settings.policy.mapping, memory, self.now).await
    }

    /// Whether this revision of the record failed before and is not due yet.
    fn waits(&self, pair: &PairId, side: Side, revision: &str) -> bool {
        let Some(parked) = self.parked.get(pair).filter(|parked| parked.next > self.now) else {
            return false;
        };
        let seen = match side {
            Side::Google => parked.google.as_ref().map(|(_, revision)| revision),
            Side::Dafater => parked.dafater.as_ref().map(|(_, revision)| revision),
        };
        seen.is_some_and(|seen| seen == revision)
    }
}

/// The site's rules and zone are read again after a day.
const SITE_FACTS_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
/// Where the site did not say what its fields can hold, it is asked again after an hour.
const VAGUE_FACTS_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Whether a read of everything showed everything: Google's count agrees, or disagrees as it did the time before.
fn is_confirmed(google: &GoogleReading, memory: &mut Memory) -> bool {
    let Some(missing) = google.missing else { return false };
    let before = std::mem::replace(&mut memory.missing, missing);
    google.is_complete || missing > 0 && missing == before
}

/// Writes of earlier runs whose receipt is missing.
pub(super) struct Doubt {
    /// Creates that may still show up.
    open: BTreeSet<PairId>,
    /// Those creates as they were begun, and updates that may not show yet: both their records are looked at in each cycle.
    unsettled: Vec<Intent>,
    /// All creates.
    begun: BTreeSet<PairId>,
    /// What those creates made both sides agree on, if they arrived.
    promises: BTreeMap<PairId, Promise>,
    /// Creates on the site, by what they are made from and the resource name that the document would carry.
    sought: Vec<(SourceId, Option<ResourceName>)>,
    /// Everything else: observed again now, and closed with that.
    settled: Vec<Intent>,
}

impl Doubt {
    fn judge(intents: Vec<Intent>, is_open: impl Fn(&Intent) -> bool) -> Self {
        let mut doubt = Self {
            open: BTreeSet::new(),
            unsettled: Vec::new(),
            begun: BTreeSet::new(),
            promises: BTreeMap::new(),
            sought: Vec::new(),
            settled: Vec::new(),
        };
        for intent in intents {
            let is_open = is_open(&intent);
            if intent.kind == IntentKind::Create {
                doubt.begun.insert(intent.pair.clone());
                if let Some(promise) = &intent.promise {
                    doubt.promises.insert(intent.pair.clone(), promise.clone());
                }
            }
            if is_open && matches!(intent.kind, IntentKind::Create | IntentKind::Extend) {
                doubt.open.insert(intent.pair.clone());
            }
            if let (IntentKind::Create, RecordId::Google(source)) = (intent.kind, &intent.record) {
                doubt.sought.push((source.clone(), intent.resource_name.clone()));
            }
            let list = if is_open { &mut doubt.unsettled } else { &mut doubt.settled };
            list.push(intent);
        }
        doubt
    }
}

impl Doubt {
    /// A create from a document that the site does not show now stays in doubt: only both records together tell what they agreed on.
    fn await_hidden(&mut self, hidden: &BTreeSet<DocumentName>) {
        let is_hidden = |intent: &Intent| {
            let is_create = (intent.kind, intent.side) == (IntentKind::Create, Side::Google);
            is_create && matches!(&intent.record, RecordId::Dafater(name) if hidden.contains(name))
        };
        let (waiting, settled) = std::mem::take(&mut self.settled).into_iter().partition(is_hidden);
        self.settled = settled;
        self.unsettled.extend::<Vec<_>>(waiting);
    }
}

/// Pairs with their halves, and records that stand alone.
pub(super) struct Picture {
    pairs: Vec<crate::sync::PairView>,
    google: Vec<crate::sync::Alone<Person>>,
    dafater: Vec<crate::sync::Alone<Document>>,
    paired: Vec<(RecordId, crate::contact::Contact)>,
    missed: Vec<(RecordId, crate::contact::Contact)>,
    vanished: Vec<RecordId>,
    hidden: BTreeSet<DocumentName>,
    deleted: Vec<(SourceId, String)>,
    echoes: Vec<Parked>,
    leaving: BTreeSet<PairId>,
    left: Vec<crate::sync::Left>,
    is_unsettled: bool,
}

impl Picture {
    /// The ids that creates in doubt have by now, where the document they began from was renamed since: an id is made of the name.
    fn renamed_in_doubt(&self, unsettled: &[Intent], account: &AccountName) -> Vec<PairId> {
        let mut ids = Vec::new();
        for intent in unsettled {
            let RecordId::Dafater(name) = &intent.record else { continue };
            for document in self.dafater.iter().map(|alone| &alone.record) {
                if PairId::from_dafater(account, &document.creation, name) == intent.pair {
                    ids.push(PairId::from_dafater(account, &document.creation, &document.name));
                }
            }
        }
        ids
    }
}

/// Names of documents that the deletion feed reported, with the identity of each.
pub(super) type Deletions = Vec<(DocumentName, Option<crate::mapping::SiteStamp>)>;
