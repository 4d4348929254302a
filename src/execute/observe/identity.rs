//! Tells what was read apart: halves of pairs, and records that stand alone; fetches the halves that were not seen.

use std::collections::{BTreeMap, BTreeSet};

use super::{DafaterReading, Doubt, GoogleReading, Memory, Observer, Picture};
use crate::contact::Contact;
use crate::dafater::{DeletedFeed, Lookup as SiteLookup};
use crate::execute::EngineError;
use crate::google::Lookup as PeopleLookup;
use crate::mapping::{Document, DocumentName, Person, ResourceName, SiteStamp, SourceId};
use crate::state::Parked;
use crate::sync::matching::Lookout;
use crate::sync::{Alone, Loose, LooseReason, Pair, PairId, PairView, RecordId, Side, Sighting};

/// A pair that must be looked at, while its halves are gathered.
struct Half {
    pair: Pair,
    is_moved: bool,
    google: Option<Sighting<Person>>,
    dafater: Option<Sighting<Document>>,
}

/// Everything read so far, sorted by what it belongs to.
#[derive(Default)]
struct Gathered {
    pairs: BTreeMap<PairId, Half>,
    google: BTreeMap<SourceId, Person>,
    dafater: BTreeMap<DocumentName, Document>,
    /// Records of pairs that show nothing new: kept for when the other half does.
    google_known: BTreeMap<PairId, Person>,
    dafater_known: BTreeMap<PairId, Document>,
    /// Records that must be placed now although they were judged before.
    forced: BTreeSet<RecordId>,
    vanished: Vec<RecordId>,
    deleted: Vec<(SourceId, String)>,
}

impl Gathered {
    fn half(&mut self, pair: Pair) -> &mut Half {
        let blank = Half { pair: pair.clone(), is_moved: false, google: None, dafater: None };
        self.pairs.entry(pair.id).or_insert(blank)
    }
}

impl Observer<'_> {
    pub(super) async fn identify(
        &self,
        google: GoogleReading,
        dafater: DafaterReading,
        retried: &[Parked],
        doubt: &Doubt,
        memory: &mut Memory,
        read_all: bool,
    ) -> Result<Picture, EngineError> {
        let mut gathered = Gathered::default();
        let is_google_complete = google.is_complete;
        let deletions = dafater.deleted.clone();
        let reads_deletions = dafater.reads_deletions;
        let sweep = dafater.sweep.clone();
        self.sort_google(google, &mut gathered, read_all)?;
        self.sort_dafater(dafater, &mut gathered, read_all)?;
        if let Some(sweep) = sweep {
            self.compare_names(&sweep, &mut gathered)?;
        }
        self.force(retried, doubt, &mut gathered).await?;
        self.fetch_google(&mut gathered, is_google_complete).await?;
        self.fetch_dafater(&mut gathered, &deletions, reads_deletions).await?;
        self.place(gathered, memory).await
    }

    fn sort_google(
        &self,
        reading: GoogleReading,
        gathered: &mut Gathered,
        read_all: bool,
    ) -> Result<(), EngineError> {
        let state = &self.parts.state;
        for (source, person) in reading.deleted {
            match state.pair_of_google(&source)? {
                Some(pair) => gathered.half(pair).google = Some(Sighting::Gone),
                None => gathered.vanished.push(RecordId::Google(source.clone())),
            }
            gathered.deleted.push((source, person.etag.0));
        }
        let mut listed = BTreeSet::new();
        for (source, person) in reading.present {
            listed.insert(source.clone());
            let Some(pair) = state.pair_of_google(&source)? else {
                gathered.google.insert(source, person);
                continue;
            };
            let is_moved = pair.google.resource_name != person.resource_name;
            let is_news = is_moved || pair.google.etag != person.etag;
            if !is_news && !read_all || self.waits(&pair.id, Side::Google, &person.etag.0) {
                gathered.google_known.insert(pair.id, person);
                continue;
            }
            let sighting = sight(&pair, person.clone());
            let half = gathered.half(pair);
            half.is_moved |= is_moved;
            half.pair.google.resource_name = person.resource_name;
            half.google = Some(sighting);
        }
        if reading.is_complete {
            for pair in state.pairs() {
                let pair = pair?;
                if !listed.contains(&pair.google.source_id) {
                    // Not there: looked up by name before anything is concluded.
                    gathered.half(pair);
                }
            }
        }
        Ok(())
    }

    fn sort_dafater(
        &self,
        reading: DafaterReading,
        gathered: &mut Gathered,
        read_all: bool,
    ) -> Result<(), EngineError> {
        let state = &self.parts.state;
        for (name, document) in reading.present {
            let Some(pair) = self.pair_of(&document)? else {
                gathered.dafater.insert(name, document);
                continue;
            };
            let is_moved = pair.dafater.name != document.name;
            let is_news = is_moved || pair.dafater.modified != document.modified;
            if !is_news && !read_all || self.waits(&pair.id, Side::Dafater, &document.modified.0) {
                gathered.dafater_known.insert(pair.id, document);
                continue;
            }
            let half = gathered.half(pair);
            half.is_moved |= is_moved;
            half.pair.dafater.name = document.name.clone();
            half.dafater = Some(Sighting::Present(document));
        }
        for (name, creation) in reading.deleted {
            if let Some(pair) = state.pair_of_dafater(&name)? {
                if creation.is_none_or(|creation| creation.civil() == pair.dafater.creation.civil()) {
                    // Reported deleted: confirmed by name below.
                    gathered.half(pair);
                }
            } else if !gathered.dafater.contains_key(&name)
                && state.loose(&RecordId::Dafater(name.clone()))?.is_some()
            {
                gathered.vanished.push(RecordId::Dafater(name));
            }
        }
        Ok(())
    }

    /// The pair of a document, by its name or, after a rename, by its creation.
    fn pair_of(&self, document: &Document) -> Result<Option<Pair>, EngineError> {
        let state = &self.parts.state;
        if let Some(pair) = state.pair_of_dafater(&document.name)?
            && pair.dafater.creation.civil() == document.creation.civil()
        {
            return Ok(Some(pair));
        }
        let mut pairs = state.pairs_of_creation(&document.creation)?;
        Ok(if pairs.len() == 1 { pairs.pop() } else { None })
    }

    /// Compares all names of the site with the pairs: finds renames and deletions that nothing else reports.
    fn compare_names(
        &self,
        sweep: &[crate::dafater::Stamp],
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let creations: BTreeMap<&DocumentName, &SiteStamp> =
            sweep.iter().map(|stamp| (&stamp.name, &stamp.creation)).collect();
        for pair in self.parts.state.pairs() {
            let pair = pair?;
            let is_there = creations
                .get(&pair.dafater.name)
                .is_some_and(|creation| creation.civil() == pair.dafater.creation.civil());
            if !is_there && gathered.pairs.get(&pair.id).is_none_or(|half| half.dafater.is_none()) {
                gathered.half(pair);
            }
        }
        Ok(())
    }

    /// Items that wait for another look: parked ones that are due, decided conflicts and links, writes without a receipt.
    async fn force(
        &self,
        retried: &[Parked],
        doubt: &Doubt,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let state = &self.parts.state;
        let mut sources = BTreeSet::new();
        let mut names = BTreeSet::new();
        for parked in retried {
            if let Some(pair) = state.pair(&parked.pair)? {
                gathered.half(pair);
                continue;
            }
            sources.extend(parked.google.iter().map(|(source, _)| source.clone()));
            names.extend(parked.dafater.iter().map(|(name, _)| name.clone()));
        }
        for conflict in state.conflicts()? {
            if conflict.resolution.is_some()
                && let Some(pair) = state.pair(&conflict.pair)?
            {
                gathered.half(pair);
            }
        }
        for intent in &doubt.settled {
            match state.pair(&intent.pair)? {
                Some(pair) => drop(gathered.half(pair).is_moved),
                None => match &intent.record {
                    RecordId::Google(source) => drop(sources.insert(source.clone())),
                    RecordId::Dafater(name) => drop(names.insert(name.clone())),
                },
            }
        }
        for (google, dafater) in state.links()? {
            if let RecordId::Google(source) = google {
                sources.insert(source);
            }
            if let RecordId::Dafater(name) = dafater {
                names.insert(name);
            }
        }
        gathered.forced.extend(sources.iter().cloned().map(RecordId::Google));
        gathered.forced.extend(names.iter().cloned().map(RecordId::Dafater));
        sources.retain(|source| !gathered.google.contains_key(source));
        names.retain(|name| !gathered.dafater.contains_key(name));
        self.fetch_alone(&sources, &names, gathered).await?;

        let sought: Vec<String> = doubt.sought.iter().filter_map(resource_name).map(|name| name.0).collect();
        if !sought.is_empty() {
            for document in self.parts.dafater.find_by_google_id(&sought).await? {
                if self.pair_of(&document)?.is_none() {
                    gathered.forced.insert(RecordId::Dafater(document.name.clone()));
                    gathered.dafater.insert(document.name.clone(), document);
                }
            }
        }
        Ok(())
    }

    /// Reads records that stand alone by their names.
    async fn fetch_alone(
        &self,
        sources: &BTreeSet<SourceId>,
        names: &BTreeSet<DocumentName>,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let resources: Vec<ResourceName> = sources.iter().filter_map(resource_name).collect();
        for (_, lookup) in self.look_up_people(&resources).await? {
            if let PeopleLookup::Found(person) = lookup
                && !person.deleted
                && self.parts.state.pair_of_google(&person.source_id)?.is_none()
            {
                gathered.google.insert(person.source_id.clone(), person);
            }
        }
        let names: Vec<DocumentName> = names.iter().cloned().collect();
        for lookup in self.look_up_documents(&names).await? {
            match lookup {
                SiteLookup::Found(document) => {
                    if self.pair_of(&document)?.is_none() {
                        gathered.dafater.insert(document.name.clone(), document);
                    }
                }
                SiteLookup::Missing(name) => gathered.vanished.push(RecordId::Dafater(name)),
                SiteLookup::Hidden(_) | SiteLookup::Malformed(_) => {}
            }
        }
        Ok(())
    }

    /// Fetches Google's half of every pair that lacks it.
    async fn fetch_google(&self, gathered: &mut Gathered, is_complete: bool) -> Result<(), EngineError> {
        let mut wanted = Vec::new();
        for (id, half) in &mut gathered.pairs {
            if half.google.is_none() {
                match gathered.google_known.remove(id) {
                    Some(person) => half.google = Some(sight(&half.pair, person)),
                    None => wanted.push((id.clone(), half.pair.google.resource_name.clone())),
                }
            }
        }
        let names: Vec<ResourceName> = wanted.iter().map(|(_, name)| name.clone()).collect();
        let found: BTreeMap<ResourceName, PeopleLookup> =
            self.look_up_people(&names).await?.into_iter().collect();
        for (id, name) in wanted {
            let Some(half) = gathered.pairs.get_mut(&id) else { continue };
            half.google = Some(match found.get(&name) {
                Some(PeopleLookup::Found(person)) if person.source_id == half.pair.google.source_id => {
                    half.is_moved |= half.pair.google.resource_name != person.resource_name;
                    half.pair.google.resource_name = person.resource_name.clone();
                    sight(&half.pair, person.clone())
                }
                // In a read of changes a deletion shows as a tombstone; without one, a missing name may be a rename.
                Some(PeopleLookup::Missing) if is_complete => Sighting::Gone,
                Some(PeopleLookup::Found(_) | PeopleLookup::Missing | PeopleLookup::Failed(_)) | None => {
                    Sighting::Unseen
                }
            });
        }
        Ok(())
    }

    /// Fetches Dafater's half of every pair that lacks it.
    async fn fetch_dafater(
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
        for lookup in self.look_up_documents(&names).await? {
            let (name, sighting) = match lookup {
                SiteLookup::Found(document) => (document.name.clone(), Some(document)),
                SiteLookup::Missing(name) => (name, None),
                SiteLookup::Hidden(_) | SiteLookup::Malformed(_) => continue,
            };
            let Some(half) = wanted.get(&name).and_then(|id| gathered.pairs.get_mut(id)) else { continue };
            match sighting {
                Some(document) if document.creation.civil() == half.pair.dafater.creation.civil() => {
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
        if reads_deletions && halves().any(|half| !is_reported(&reported, &half.pair)) {
            let oldest = halves().map(|half| half.pair.dafater.modified.clone()).min_by_key(SiteStamp::civil);
            if let Some(oldest) = oldest
                && let DeletedFeed::Readable(entries) =
                    self.parts.dafater.deleted_contacts(&self.overlapping(&oldest)).await?
            {
                reported.extend(entries.into_iter().flatten().map(|entry| (entry.name, entry.creation)));
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

    /// Decides which of the records that stand alone must be placed now, and brings what they could match.
    async fn place(&self, mut gathered: Gathered, memory: &mut Memory) -> Result<Picture, EngineError> {
        let labels = if gathered.google.is_empty() { None } else { self.scope_labels(memory).await? };
        let (mut google, mut echoes) = (Vec::new(), Vec::new());
        for (source, person) in std::mem::take(&mut gathered.google) {
            let record = RecordId::Google(source.clone());
            let before = self.parts.state.loose(&record)?;
            let is_forced = gathered.forced.contains(&record);
            let begun = PairId::from_google(self.parts.state.account(), &source);
            if let Some(parked) = self.late_echo(&record, &begun, &person)? {
                echoes.push(parked);
                continue;
            }
            if is_judged(before.as_ref(), &person.etag.0, is_forced) {
                continue;
            }
            let is_waiting = self.waits(&begun, Side::Google, &person.etag.0);
            google.push(Alone { is_waiting, ..alone_person(person, before, labels.as_ref()) });
        }
        let mut dafater = Vec::new();
        for (name, document) in std::mem::take(&mut gathered.dafater) {
            let record = RecordId::Dafater(name.clone());
            let before = self.loose_document(&document)?;
            let is_forced = gathered.forced.contains(&record);
            let begun = PairId::from_dafater(self.parts.state.account(), &document.creation, &name);
            if is_judged(before.as_ref(), &document.modified.0, is_forced) {
                continue;
            }
            let is_waiting = self.waits(&begun, Side::Dafater, &document.modified.0);
            dafater.push(Alone { is_waiting, ..self.alone_document(document, before) });
        }
        let paired = self.bring_candidates(&mut google, &mut dafater, labels.as_ref()).await?;
        let pairs = gathered
            .pairs
            .into_values()
            .map(|half| PairView {
                pair: half.pair,
                is_moved: half.is_moved,
                google: half.google.unwrap_or(Sighting::Unseen),
                dafater: half.dafater.unwrap_or(Sighting::Unseen),
            })
            .collect();
        Ok(Picture {
            pairs,
            google,
            dafater,
            paired,
            vanished: gathered.vanished,
            deleted: gathered.deleted,
            echoes,
        })
    }

    /// A contact that we deleted, or saw deleted, may still be listed for a while. It may as well have been restored: it is looked at
    /// again when an echo would have died away.
    fn late_echo(
        &self,
        record: &RecordId,
        begun: &PairId,
        person: &Person,
    ) -> Result<Option<Parked>, EngineError> {
        let tombstone = self.parts.state.tombstone(record)?;
        let dies_away =
            tombstone.and_then(|tombstone| tombstone.at.checked_add(self.settings.propagation).ok());
        Ok(dies_away.filter(|end| self.now < *end).map(|end| Parked {
            pair: begun.clone(),
            google: Some((person.source_id.clone(), person.etag.0.clone())),
            dafater: None,
            attempts: 0,
            next: end,
            reason: "it was deleted a moment ago and is still listed".to_owned(),
        }))
    }

    /// How a document was judged before, under its present name.
    fn loose_document(&self, document: &Document) -> Result<Option<Loose>, EngineError> {
        let loose = self.parts.state.loose(&RecordId::Dafater(document.name.clone()))?;
        Ok(loose.filter(|loose| {
            loose.creation.as_ref().is_none_or(|creation| creation.civil() == document.creation.civil())
        }))
    }

    fn alone_document(&self, document: Document, before: Option<Loose>) -> Alone<Document> {
        let linked_to = &self.settings.policy.scope.linked_to;
        let is_in_scope =
            linked_to.is_empty() || document.links.iter().any(|link| linked_to.contains(&link.doctype));
        Alone { record: document, before, is_in_scope, is_waiting: false }
    }

    /// The records from which marked ones were made, where they were not read: whatever carries our marker is never new.
    async fn bring_origins(
        &self,
        google: &mut Vec<Alone<Person>>,
        dafater: &mut Vec<Alone<Document>>,
        labels: Option<&BTreeSet<String>>,
    ) -> Result<(), EngineError> {
        let creations: Vec<SiteStamp> = google
            .iter()
            .filter_map(|alone| alone.record.marker(&self.settings.site))
            .map(|marker| marker.creation)
            .filter(|creation| !dafater.iter().any(|alone| alone.record.creation == *creation))
            .collect();
        let mut names = BTreeSet::new();
        if !creations.is_empty() {
            names.extend(
                self.parts.dafater.find_by_creation(&creations).await?.into_iter().map(|stamp| stamp.name),
            );
        }
        let is_here = |id: &str| google.iter().any(|alone| alone.record.resource_name.0 == id);
        let resources: Vec<ResourceName> = dafater
            .iter()
            .filter_map(|alone| alone.record.google_contacts_id())
            .filter(|id| id.starts_with("people/") && !is_here(id))
            .map(|id| ResourceName(id.to_owned()))
            .collect();
        let mut gathered = Gathered::default();
        self.fetch_alone(&BTreeSet::new(), &names, &mut gathered).await?;
        for (_, lookup) in self.look_up_people(&resources).await? {
            if let PeopleLookup::Found(person) = lookup
                && !person.deleted
                && self.parts.state.pair_of_google(&person.source_id)?.is_none()
            {
                gathered.google.insert(person.source_id.clone(), person);
            }
        }
        self.add_alone(gathered, google, dafater, labels)
    }

    fn add_alone(
        &self,
        gathered: Gathered,
        google: &mut Vec<Alone<Person>>,
        dafater: &mut Vec<Alone<Document>>,
        labels: Option<&BTreeSet<String>>,
    ) -> Result<(), EngineError> {
        for (source, person) in gathered.google {
            if !google.iter().any(|alone| alone.record.source_id == source) {
                let before = self.parts.state.loose(&RecordId::Google(source))?;
                google.push(alone_person(person, before, labels));
            }
        }
        for (name, document) in gathered.dafater {
            if !dafater.iter().any(|alone| alone.record.name == name) {
                let before = self.loose_document(&document)?;
                dafater.push(self.alone_document(document, before));
            }
        }
        Ok(())
    }

    /// Records that were judged before and not read now, but that the new ones could match; and the contacts of pairs that a new
    /// record could be a duplicate of.
    async fn bring_candidates(
        &self,
        google: &mut Vec<Alone<Person>>,
        dafater: &mut Vec<Alone<Document>>,
        labels: Option<&BTreeSet<String>>,
    ) -> Result<Vec<(RecordId, Contact)>, EngineError> {
        let phones = self.settings.policy.phones;
        self.bring_origins(google, dafater, labels).await?;
        let mut lookout = Lookout::default();
        for contact in google.iter().map(|alone| alone.record.contact(phones)) {
            lookout.add(&contact);
        }
        for contact in dafater.iter().map(|alone| alone.record.contact(phones)) {
            lookout.add(&contact);
        }
        if lookout.is_empty() {
            return Ok(Vec::new());
        }
        let state = &self.parts.state;
        let mut gathered = Gathered::default();
        let (mut sources, mut names) = (BTreeSet::new(), BTreeSet::new());
        for loose in state.all_loose() {
            let loose = loose?;
            if !lookout.sees(&loose.contact) {
                continue;
            }
            match loose.record {
                RecordId::Google(source) if !google.iter().any(|alone| alone.record.source_id == source) => {
                    sources.insert(source);
                }
                RecordId::Dafater(name) if !dafater.iter().any(|alone| alone.record.name == name) => {
                    names.insert(name);
                }
                RecordId::Google(_) | RecordId::Dafater(_) => {}
            }
        }
        self.fetch_alone(&sources, &names, &mut gathered).await?;
        self.add_alone(gathered, google, dafater, labels)?;
        let mut paired = Vec::new();
        for pair in state.pairs() {
            let pair = pair?;
            if lookout.sees(&pair.google.contact) {
                paired.push((RecordId::Google(pair.google.source_id), pair.google.contact));
            }
            if lookout.sees(&pair.dafater.contact) {
                paired.push((RecordId::Dafater(pair.dafater.name), pair.dafater.contact));
            }
        }
        Ok(paired)
    }

    /// The resource names of the labels in scope; `None` when labels do not restrict.
    async fn scope_labels(&self, memory: &mut Memory) -> Result<Option<BTreeSet<String>>, EngineError> {
        let wanted = &self.settings.policy.scope.google_labels;
        if wanted.is_empty() {
            return Ok(None);
        }
        let known = self.labels(memory).await?;
        Ok(Some(wanted.iter().filter_map(|name| known.get(name).cloned()).collect()))
    }

    async fn labels<'m>(&self, memory: &'m mut Memory) -> Result<&'m BTreeMap<String, String>, EngineError> {
        if memory.labels.is_none() {
            let groups = self.parts.google.list_groups(None).await?;
            memory.labels = Some(groups.by_name());
        }
        Ok(memory.labels.get_or_insert_default())
    }

    async fn look_up_people(
        &self,
        names: &[ResourceName],
    ) -> Result<Vec<(ResourceName, PeopleLookup)>, EngineError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.parts.google.batch_get(names).await?)
    }

    async fn look_up_documents(&self, names: &[DocumentName]) -> Result<Vec<SiteLookup>, EngineError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.parts.dafater.contacts_by_name(names).await?)
    }
}

/// What a Person shows of its pair's half: our own writes take a while to be visible everywhere.
fn sight(pair: &Pair, person: Person) -> Sighting<Person> {
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

/// API: people/c<DECIMAL> is the unsigned decimal of the CONTACT source's hexadecimal id.
fn resource_name(source: &SourceId) -> Option<ResourceName> {
    u64::from_str_radix(&source.0, 16).ok().map(|number| ResourceName(format!("people/c{number}")))
}

fn alone_person(person: Person, before: Option<Loose>, labels: Option<&BTreeSet<String>>) -> Alone<Person> {
    let is_in_scope = labels.is_none_or(|labels| person.labels().any(|label| labels.contains(label)));
    Alone { record: person, before, is_in_scope, is_waiting: false }
}

/// Whether this revision was judged before and nothing asks for another look.
fn is_judged(before: Option<&Loose>, revision: &str, is_forced: bool) -> bool {
    !is_forced && before.is_some_and(|loose| loose.revision == revision && loose.why != LooseReason::Parked)
}
