//! Fetches what was not read: the other halves of pairs, by name, and traces documents that are no longer under theirs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::Observer;
use super::google::may_be_cut;
use super::identity::{Gathered, Half};
use crate::dafater::{DeletedFeed, Lookup as SiteLookup};
use crate::execute::EngineError;
use crate::google::{GoogleError, Lookup as PeopleLookup};
use crate::mapping::{DocumentName, Person, ResourceName, SiteStamp};
use crate::sync::{Pair, PairId, RecordId, Sighting};

/// A contact that was looked for by name so often, and no read of changes tells where it is, is looked for among all.
const MISSED_AFTER: u32 = 3;

impl Observer<'_> {
    /// Fetches Google's half of every pair that lacks it.
    pub(super) async fn fetch_google(
        &self,
        gathered: &mut Gathered,
        is_complete: bool,
    ) -> Result<(), EngineError> {
        let mut wanted = Vec::new();
        for (id, half) in &mut gathered.pairs {
            if half.google.is_none() {
                half.google = gathered.google_known.remove(id).map(|person| sight(&half.pair, person));
            }
            // A list shows our own writes late, a look-up by name hardly does.
            let is_stale = matches!(half.google, Some(Sighting::Stale));
            // A tombstone may be followed by a restoration that does not show yet.
            let is_buried = gathered.buried.contains_key(id);
            if half.google.is_none() || is_buried || is_stale && half.dafater.is_some() {
                wanted.push((id.clone(), half.pair.google.resource_name.clone()));
            }
        }
        let names: Vec<ResourceName> = wanted.iter().map(|(_, name)| name.clone()).collect();
        let found: BTreeMap<ResourceName, PeopleLookup> =
            self.look_up_people(&names).await?.into_iter().collect();
        for (id, name) in wanted {
            let Some(half) = gathered.pairs.get_mut(&id) else { continue };
            let record = RecordId::Google(half.pair.google.source_id.clone());
            if let Some(buried) = gathered.buried.get(&id) {
                if let Some(PeopleLookup::Found(person)) = found.get(&name)
                    && person.source_id == half.pair.google.source_id
                    && !person.deleted
                    && person.updated > *buried
                {
                    gathered.deleted.retain(|(source, _)| *source != person.source_id);
                    half.google = Some(sight(&half.pair, person.clone()));
                }
                continue;
            }
            let is_reported = self.parts.state.tombstone(&record)?.is_some();
            gathered.fetched.insert(id.clone());
            half.google = Some(match found.get(&name) {
                Some(PeopleLookup::Found(person)) if person.source_id == half.pair.google.source_id => {
                    half.is_moved |= half.pair.google.resource_name != person.resource_name;
                    half.pair.google.resource_name = person.resource_name.clone();
                    sight(&half.pair, person.clone())
                }
                // In a read of changes a deletion shows as a tombstone, now or in an earlier cycle; without one, a missing name may
                // be a rename. In a complete read it is not, but what was written a moment ago may not show yet.
                Some(PeopleLookup::Missing) if is_reported || is_complete && self.has_settled(&half.pair) => {
                    // Nothing but this read tells; the next ones may be of changes, and must know.
                    let base = &half.pair.google;
                    gathered.deleted.push((base.source_id.clone(), base.etag.0.clone()));
                    Sighting::Gone
                }
                // Its tombstone was missed, or its new name: only a read of everything tells.
                Some(PeopleLookup::Missing) => {
                    let attempts = self.parked.get(&id).map_or(0, |parked| parked.attempts);
                    gathered.is_unsettled |= is_complete || attempts >= MISSED_AFTER;
                    Sighting::Unseen
                }
                Some(PeopleLookup::Found(_) | PeopleLookup::Failed(_)) | None => {
                    gathered.is_unsettled |= is_complete;
                    Sighting::Unseen
                }
                // It is there, and nothing more can be said: reading everything again would not help.
                Some(PeopleLookup::Malformed(_)) => Sighting::Unseen,
            });
        }
        Ok(())
    }

    /// Looks once more, by name, at every contact whose document is gone.
    ///
    /// API: deleteContact takes no etag, and a list may be minutes behind: an edit that it does not show yet would go unseen.
    pub(super) async fn fetch_widows(&self, gathered: &mut Gathered) -> Result<(), EngineError> {
        let is_widow = |half: &Half| {
            matches!((&half.google, &half.dafater), (Some(Sighting::Present(_)), Some(Sighting::Gone)))
        };
        let widows: BTreeMap<ResourceName, PairId> = gathered
            .pairs
            .iter()
            .filter(|(id, half)| is_widow(half) && !gathered.fetched.contains(*id))
            .map(|(id, half)| (half.pair.google.resource_name.clone(), id.clone()))
            .collect();
        let names: Vec<ResourceName> = widows.keys().cloned().collect();
        for (name, lookup) in self.look_up_people(&names).await? {
            let Some(half) = widows.get(&name).and_then(|id| gathered.pairs.get_mut(id)) else { continue };
            half.google = Some(match lookup {
                PeopleLookup::Found(person) if person.source_id == half.pair.google.source_id => {
                    sight(&half.pair, person)
                }
                PeopleLookup::Found(_)
                | PeopleLookup::Missing
                | PeopleLookup::Failed(_)
                | PeopleLookup::Malformed(_) => Sighting::Unseen,
            });
        }
        Ok(())
    }

    /// Whether Google's record was written long enough ago that Google must show it.
    fn has_settled(&self, pair: &Pair) -> bool {
        let written = pair.google.updated;
        written.is_none_or(|written| self.now.duration_since(written) > self.settings.propagation)
    }

    /// Fetches Dafater's half of every pair that lacks it.
    pub(super) async fn fetch_dafater(
        &self,
        gathered: &mut Gathered,
        deletions: &super::Deletions,
        reads_deletions: bool,
    ) -> Result<(), EngineError> {
        let mut wanted = BTreeMap::new();
        for (id, half) in &mut gathered.pairs {
            if half.dafater.is_none() {
                match gathered.dafater_known.remove(id) {
                    Some(document) => half.dafater = Some(Sighting::Present(document)),
                    None => drop(wanted.insert(half.pair.dafater.name.clone(), id.clone())),
                }
            }
        }
        let names: Vec<DocumentName> = wanted.keys().cloned().collect();
        let mut missing = Vec::new();
        for (asked, lookup) in names.iter().zip(self.look_up_documents(&names).await?) {
            let document = match lookup {
                SiteLookup::Found(document) => Some(document),
                SiteLookup::Missing(_) => None,
                SiteLookup::Hidden(_) | SiteLookup::Malformed(_) => continue,
            };
            let Some(half) = wanted.get(asked).and_then(|id| gathered.pairs.get_mut(id)) else { continue };
            match document {
                Some(document) if document.creation.civil() == half.pair.dafater.creation.civil() => {
                    // API: names are compared loosely, so that another spelling may answer.
                    half.is_moved |= document.name != *asked;
                    half.pair.dafater.name = document.name.clone();
                    half.dafater = Some(Sighting::Present(document));
                }
                // Gone, renamed, or its name was given to another contact.
                Some(_) | None => missing.push(half.pair.id.clone()),
            }
        }
        self.trace(missing, gathered, deletions, reads_deletions).await?;
        for half in gathered.pairs.values_mut() {
            half.dafater.get_or_insert(Sighting::Unseen);
        }
        Ok(())
    }

    /// Documents that are not under their name any more: found by their creation after a rename, else deleted if the site says so.
    async fn trace(
        &self,
        missing: Vec<PairId>,
        gathered: &mut Gathered,
        deletions: &super::Deletions,
        reads_deletions: bool,
    ) -> Result<(), EngineError> {
        let halves = || missing.iter().filter_map(|id| gathered.pairs.get(id));
        let creations: Vec<SiteStamp> = halves().map(|half| half.pair.dafater.creation.clone()).collect();
        if creations.is_empty() {
            return Ok(());
        }
        let found = self.parts.dafater.find_by_creation(&creations).await?;
        let mut reported: super::Deletions = deletions.clone();
        let is_reported = |reported: &super::Deletions, pair: &Pair| {
            reported.iter().any(|(name, creation)| match creation {
                Some(creation) => creation.civil() == pair.dafater.creation.civil(),
                None => *name == pair.dafater.name,
            })
        };
        let mut reads_deletions = reads_deletions;
        // Also where they were refused: a refusal that passes says nothing, and only to one who can never read them must that be enough.
        if halves().any(|half| !is_reported(&reported, &half.pair)) {
            // A blank revision says that a write is owed, not when the contact was last seen.
            let last_seen = |pair: &Pair| match pair.dafater.modified.civil() {
                Some(_) => pair.dafater.modified.clone(),
                None => pair.dafater.creation.clone(),
            };
            let oldest = halves().map(|half| last_seen(&half.pair)).min_by_key(SiteStamp::civil);
            if let Some(oldest) = oldest
                && let DeletedFeed::Readable(entries) =
                    self.parts.dafater.deleted_contacts(&in_any_zone(&self.overlapping(&oldest))).await?
            {
                reads_deletions = true;
                let contacts = entries.into_iter().flatten().filter(|entry| !entry.is_address);
                reported.extend(contacts.map(|entry| (entry.name, entry.creation)));
            }
        }
        let mut moved = BTreeMap::new();
        for id in missing {
            let Some(half) = gathered.pairs.get_mut(&id) else { continue };
            let creation = half.pair.dafater.creation.civil();
            let mut at = found.iter().filter(|stamp| stamp.creation.civil() == creation);
            match (at.next(), at.next()) {
                (Some(stamp), None) => drop(moved.insert(stamp.name.clone(), id)),
                (None, _) if !reads_deletions || is_reported(&reported, &half.pair) => {
                    half.dafater = Some(Sighting::Gone);
                }
                (Some(_), Some(_)) | (None, _) => half.dafater = Some(Sighting::Unseen),
            }
        }
        let names: Vec<DocumentName> = moved.keys().cloned().collect();
        for lookup in self.look_up_documents(&names).await? {
            if let SiteLookup::Found(document) = lookup
                && let Some(half) = moved.get(&document.name).and_then(|id| gathered.pairs.get_mut(id))
            {
                gathered.dafater.remove(&document.name);
                half.is_moved = true;
                half.pair.dafater.name = document.name.clone();
                half.dafater = Some(Sighting::Present(document));
            }
        }
        Ok(())
    }

    pub(super) async fn look_up_people(
        &self,
        names: &[ResourceName],
    ) -> Result<Vec<(ResourceName, PeopleLookup)>, EngineError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.parts.google.batch_get(names).await?;
        for (name, lookup) in &mut found {
            if matches!(lookup, PeopleLookup::Found(person) if may_be_cut(person)) {
                *lookup = match self.parts.google.get(name).await {
                    Ok(Some(person)) => PeopleLookup::Found(person),
                    Ok(None) => PeopleLookup::Missing,
                    Err(GoogleError::Malformed { source, .. }) => PeopleLookup::Malformed(source.reason),
                    Err(error) => return Err(error.into()),
                };
            }
        }
        Ok(found)
    }

    pub(super) async fn look_up_documents(
        &self,
        names: &[DocumentName],
    ) -> Result<Vec<SiteLookup>, EngineError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.parts.dafater.contacts_by_name(names).await?)
    }

    /// Looks documents that stand alone up by the names under which they were judged, and those that were renamed since by their
    /// creation. What has the name now is answered, too.
    pub(super) async fn look_up_alone(
        &self,
        names: &BTreeSet<DocumentName>,
    ) -> Result<Vec<SiteLookup>, EngineError> {
        let names: Vec<DocumentName> = names.iter().cloned().collect();
        let mut lookups = self.look_up_documents(&names).await?;
        let mut renamed = Vec::new();
        for lookup in &lookups {
            let (name, creation) = match lookup {
                SiteLookup::Found(document) => (&document.name, Some(&document.creation)),
                SiteLookup::Missing(name) => (name, None),
                SiteLookup::Hidden(_) | SiteLookup::Malformed(_) => continue,
            };
            let judged = self.parts.state.loose(&RecordId::Dafater(name.clone()))?;
            let known = judged.and_then(|loose| loose.creation);
            renamed.extend(
                known.filter(|known| creation.is_none_or(|creation| creation.civil() != known.civil())),
            );
        }
        if !renamed.is_empty() {
            let stamps = self.parts.dafater.find_by_creation(&renamed).await?;
            let names: Vec<DocumentName> = stamps.into_iter().map(|stamp| stamp.name).collect();
            lookups.extend(self.look_up_documents(&names).await?);
        }
        Ok(lookups)
    }
}

/// A stamp that lies before `stamp` even if the site was given another time zone since.
fn in_any_zone(stamp: &SiteStamp) -> SiteStamp {
    /// From UTC+14 to UTC-12.
    const WIDEST: SignedDuration = SignedDuration::from_hours(26);
    stamp
        .civil()
        .and_then(|civil| civil.checked_sub(WIDEST).ok())
        .map_or_else(|| stamp.clone(), SiteStamp::from)
}

/// What a Person shows of its pair's half: our own writes take a while to be visible everywhere.
pub(super) fn sight(pair: &Pair, person: Person) -> Sighting<Person> {
    if person.deleted {
        return Sighting::Gone;
    }
    let base = &pair.google;
    let is_older = match (person.updated, base.updated) {
        (Some(seen), Some(known)) => seen < known,
        (Some(_) | None, _) => false,
    };
    if base.superseded.contains(&person.etag) || is_older && person.etag != base.etag {
        Sighting::Stale
    } else {
        Sighting::Present(person)
    }
}
