//! Tells what was read apart: halves of pairs, and records that stand alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::fetch::sight;
use super::{AddressReading, DafaterReading, Doubt, GoogleReading, Memory, Observer, Picture};
use crate::dafater::{Lookup as SiteLookup, Stamp};
use crate::execute::EngineError;
use crate::google::Lookup as PeopleLookup;
use crate::mapping::{Document, DocumentName, Person, ResourceName, SiteStamp, SourceId};
use crate::state::Parked;
use crate::sync::{Loose, LooseReason, Pair, PairId, RecordId, Review, Side, Sighting};

/// Photos that are due and looked at in one run.
const PHOTOS: usize = 30;

/// A pair that must be looked at, while its halves are gathered.
pub(super) struct Half {
    pub(super) pair: Pair,
    pub(super) is_moved: bool,
    pub(super) google: Option<Sighting<Person>>,
    pub(super) dafater: Option<Sighting<Document>>,
}

/// Documents that stand alone, by their `creation`.
pub(super) type ByCreation = BTreeMap<jiff::civil::DateTime, Loose>;

/// Everything read so far, sorted by what it belongs to.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) pairs: BTreeMap<PairId, Half>,
    pub(super) google: BTreeMap<SourceId, Person>,
    pub(super) dafater: BTreeMap<DocumentName, Document>,
    /// Records of pairs that show nothing new: kept for when the other half does.
    pub(super) google_known: BTreeMap<PairId, Person>,
    pub(super) dafater_known: BTreeMap<PairId, Document>,
    /// Documents that a sweep found and no read of changes ever showed.
    pub(super) unread: BTreeSet<DocumentName>,
    /// Records that must be placed now although they were judged before.
    pub(super) forced: BTreeSet<RecordId>,
    /// Pairs whose Google contact is reported deleted, and when it was.
    pub(super) buried: BTreeMap<PairId, Option<Timestamp>>,
    /// Pairs whose Google contact was looked up by name.
    pub(super) fetched: BTreeSet<PairId>,
    pub(super) vanished: Vec<RecordId>,
    /// Documents in no pair that the site has and does not show.
    pub(super) hidden: BTreeSet<DocumentName>,
    pub(super) deleted: Vec<(SourceId, String)>,
    /// Records in no pair that wait for another look, and that nothing else brings up.
    stranded: BTreeSet<RecordId>,
    /// Contacts of Google in no pair that a read of all did not show.
    pub(super) unlisted: BTreeSet<SourceId>,
    /// Contacts of Google in no pair that nothing answers for under the name that is known of them.
    pub(super) missed: BTreeSet<SourceId>,
    /// How documents that stand alone were judged: gathered when the first unknown name turns up.
    pub(super) by_creation: Option<ByCreation>,
    /// Whether a complete read of Google left out a contact that may only be late: the reads of changes that would follow it never
    /// told that it is gone.
    pub(super) is_unsettled: bool,
}

impl Gathered {
    pub(super) fn half(&mut self, pair: Pair) -> &mut Half {
        let blank = Half { pair: pair.clone(), is_moved: false, google: None, dafater: None };
        self.pairs.entry(pair.id).or_insert(blank)
    }
}

impl Observer<'_> {
    pub(super) async fn identify(
        &self,
        google: GoogleReading,
        (dafater, addresses): (DafaterReading, &AddressReading),
        retried: &[Parked],
        doubt: &Doubt,
        memory: &mut Memory,
        read_all: bool,
    ) -> Result<Picture, EngineError> {
        let is_google_complete = google.is_complete;
        let mut gathered = Gathered::default();
        let deletions = dafater.deleted.clone();
        let deleted_addresses = dafater.deleted_addresses.clone();
        let reads_deletions = dafater.reads_deletions;
        let sweep = dafater.sweep.clone();
        let mut scoping = self.scoping(memory, sweep.is_some()).await?;
        self.sort_google(google, &mut gathered, read_all)?;
        self.sort_dafater(dafater, &mut gathered, read_all)?;
        if let Some(sweep) = sweep {
            self.compare_names(&sweep, &mut gathered)?;
        }
        self.compare_scope(&scoping, &mut gathered)?;
        if !memory.has_sought_stranded {
            self.seek_stranded(&mut gathered)?;
        }
        self.force(retried, doubt, &mut gathered).await?;
        self.force_addresses(addresses, &mut gathered)?;
        self.fetch_google(&mut gathered, is_google_complete).await?;
        self.fetch_dafater(&mut gathered, &deletions, reads_deletions).await?;
        self.confirm_addresses(&mut gathered, &deleted_addresses).await?;
        self.fetch_widows(&mut gathered).await?;
        self.ask_labels(&gathered, memory, &mut scoping).await?;
        let present = gathered.pairs.values().filter_map(|half| half.dafater.as_ref()?.present());
        let names = present.map(|document| &document.name).chain(gathered.dafater.keys());
        self.ask_scope(names, &mut scoping).await?;
        let leaving = self.leaving(&gathered, &scoping);
        Ok(Picture { leaving, ..self.place(gathered, scoping, read_all).await? })
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
                Some(pair) => {
                    gathered.buried.insert(pair.id.clone(), person.updated);
                    gathered.half(pair).google = Some(Sighting::Gone);
                }
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
            // API: a read may show a new state under the etag of the one before; its time tells.
            let is_later = person.updated > pair.google.updated;
            let is_news = is_moved || is_later || pair.google.etag != person.etag;
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
            for loose in state.all_loose() {
                if let RecordId::Google(source) = loose?.record
                    && !listed.contains(&source)
                {
                    gathered.unlisted.insert(source);
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
            if let Some(pair) = self.pair_of_deleted(&name, creation.as_ref())? {
                // Reported deleted: confirmed by name below.
                gathered.half(pair);
            } else if state.pair_of_dafater(&name)?.is_none() && !gathered.dafater.contains_key(&name) {
                // A new contact may have the name by now: the feed is read with an overlap, again and again.
                let record = RecordId::Dafater(name);
                let is_it = state.loose(&record)?.is_some_and(|loose| match (&loose.creation, &creation) {
                    (Some(known), Some(deleted)) => known.civil() == deleted.civil(),
                    (Some(_) | None, _) => true,
                });
                if is_it {
                    gathered.vanished.push(record);
                }
            }
        }
        Ok(())
    }

    /// The pair of a document, by its name or, after a rename, by its creation.
    pub(super) fn pair_of(&self, document: &Document) -> Result<Option<Pair>, EngineError> {
        let state = &self.parts.state;
        if let Some(pair) = state.pair_of_dafater(&document.name)?
            && pair.dafater.creation.civil() == document.creation.civil()
        {
            return Ok(Some(pair));
        }
        let mut pairs = state.pairs_of_creation(&document.creation)?;
        Ok(if pairs.len() == 1 { pairs.pop() } else { None })
    }

    /// The pair of a deleted document: by the name under which it was deleted or, had it been renamed before, by its creation.
    fn pair_of_deleted(
        &self,
        name: &DocumentName,
        creation: Option<&SiteStamp>,
    ) -> Result<Option<Pair>, EngineError> {
        let state = &self.parts.state;
        let is_it =
            |pair: &Pair| creation.is_none_or(|creation| creation.civil() == pair.dafater.creation.civil());
        if let Some(pair) = state.pair_of_dafater(name)?.filter(is_it) {
            return Ok(Some(pair));
        }
        let Some(creation) = creation else { return Ok(None) };
        let mut pairs = state.pairs_of_creation(creation)?;
        Ok(if pairs.len() == 1 { pairs.pop() } else { None })
    }

    /// Compares all names and stamps of the site with what is remembered: finds renames and deletions that nothing else reports, and
    /// what was committed so late that no read of changes showed it.
    fn compare_names(&self, sweep: &[Stamp], gathered: &mut Gathered) -> Result<(), EngineError> {
        let state = &self.parts.state;
        let stamps: BTreeMap<&DocumentName, &Stamp> =
            sweep.iter().map(|stamp| (&stamp.name, stamp)).collect();
        for pair in state.pairs() {
            let pair = pair?;
            if gathered.pairs.get(&pair.id).is_some_and(|half| half.dafater.is_some()) {
                continue;
            }
            let stamp = stamps
                .get(&pair.dafater.name)
                .filter(|stamp| stamp.creation.civil() == pair.dafater.creation.civil());
            let is_as_known = stamp.is_some_and(|stamp| {
                stamp.modified == pair.dafater.modified
                    || self.waits(&pair.id, Side::Dafater, &stamp.modified.0)
            });
            if !is_as_known {
                gathered.half(pair);
            }
        }
        for stamp in sweep {
            let is_read = gathered.dafater.contains_key(&stamp.name);
            if !is_read
                && !self.knows(&stamp.name, &stamp.modified)
                && state.pairs_of_creation(&stamp.creation)?.is_empty()
            {
                gathered.unread.insert(stamp.name.clone());
            }
        }
        Ok(())
    }

    /// Items that wait for another look: parked ones that are due, decided conflicts and links, questions whose ground has moved,
    /// writes without a receipt.
    /// Records that wait for another look and that nothing will bring up: the process died after it had noted that they stand alone, and
    /// before it had noted when they are due.
    fn seek_stranded(&self, gathered: &mut Gathered) -> Result<(), EngineError> {
        for loose in self.parts.state.all_loose() {
            let loose = loose?;
            if loose.why != LooseReason::Parked {
                continue;
            }
            let begun = match (&loose.record, &loose.creation) {
                (RecordId::Google(source), _) => self.begun_by_person(source)?,
                (RecordId::Dafater(name), Some(creation)) => self.begun_by_document(creation, name)?,
                (RecordId::Dafater(_), None) => continue,
            };
            if !self.parked.contains_key(&begun) {
                gathered.stranded.insert(loose.record);
            }
        }
        Ok(())
    }

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
                // A contact that was restored after another took its place begins the very id that the pair has.
                let stranger = parked.google.as_ref().filter(|(source, _)| *source != pair.google.source_id);
                sources.extend(stranger.map(|(source, _)| source.clone()));
                gathered.half(pair);
                continue;
            }
            sources.extend(parked.google.iter().map(|(source, _)| source.clone()));
            names.extend(parked.dafater.iter().map(|(name, _)| name.clone()));
        }
        for conflict in state.conflicts()? {
            // What was refused is not sent again before its time because a person wished it.
            let waits = self.parked.get(&conflict.pair).is_some_and(|parked| parked.next > self.now);
            if conflict.resolution.is_some()
                && !waits
                && let Some(pair) = state.pair(&conflict.pair)?
            {
                gathered.half(pair);
            }
        }
        for intent in doubt.unsettled.iter().chain(&doubt.settled) {
            match state.pair(&intent.pair)? {
                Some(pair) => drop(gathered.half(pair).is_moved),
                None => match &intent.record {
                    RecordId::Google(source) => drop(sources.insert(source.clone())),
                    RecordId::Dafater(name) => drop(names.insert(name.clone())),
                },
            }
        }
        let due = state.owed_photos()?.into_iter().filter(|owed| owed.next <= self.now);
        for owed in due.take(PHOTOS) {
            if let Some(pair) = state.pair(&owed.pair)? {
                gathered.half(pair);
            }
        }
        for owed in state.owed_labels()? {
            if let Some(pair) = state.pair(&owed.pair)? {
                gathered.half(pair);
            }
        }
        for record in std::mem::take(&mut gathered.stranded) {
            match record {
                RecordId::Google(source) => drop(sources.insert(source)),
                RecordId::Dafater(name) => drop(names.insert(name)),
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
        for record in state.apart()? {
            match record {
                RecordId::Google(source) => drop(sources.insert(source)),
                RecordId::Dafater(name) => drop(names.insert(name)),
            }
        }
        for review in state.reviews()? {
            if self.has_moved(&review, gathered)? {
                match review.record {
                    RecordId::Google(source) => drop(sources.insert(source)),
                    RecordId::Dafater(name) => drop(names.insert(name)),
                }
            }
        }
        gathered.forced.extend(sources.iter().cloned().map(RecordId::Google));
        sources.extend(gathered.unlisted.iter().cloned());
        gathered.forced.extend(names.iter().cloned().map(RecordId::Dafater));
        names.append(&mut gathered.unread);
        sources.retain(|source| !gathered.google.contains_key(source));
        names.retain(|name| !gathered.dafater.contains_key(name));
        self.fetch_alone(&sources, &names, gathered).await?;

        let mut sought = BTreeSet::new();
        for (source, name) in &doubt.sought {
            let of_pair = state.pair_of_google(source)?.map(|pair| pair.google.resource_name);
            let alone = [ResourceName::first_of(source), self.resource_of(source)?, name.clone()];
            sought.extend(alone.into_iter().flatten().chain(of_pair).map(|name| name.0));
            let halves = gathered.pairs.values().filter_map(|half| half.google.as_ref()?.present());
            let seen = halves.chain(gathered.google.values()).filter(|person| person.source_id == *source);
            sought.extend(seen.flat_map(Person::names).map(|name| name.0));
        }
        let sought: Vec<String> = sought.into_iter().collect();
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

    /// Whether one of the candidates of a question was seen in this cycle, or is not remembered any more.
    fn has_moved(&self, review: &Review, gathered: &Gathered) -> Result<bool, EngineError> {
        let state = &self.parts.state;
        for candidate in &review.candidates {
            let (is_seen, pair) = match candidate {
                RecordId::Google(source) => (
                    gathered.google.contains_key(source)
                        || gathered.pairs.values().any(|half| half.pair.google.source_id == *source),
                    state.pair_of_google(source)?,
                ),
                RecordId::Dafater(name) => (
                    gathered.dafater.contains_key(name)
                        || gathered.pairs.values().any(|half| half.pair.dafater.name == *name),
                    state.pair_of_dafater(name)?,
                ),
            };
            let is_remembered = pair.is_some() || state.loose(candidate)?.is_some();
            if is_seen || !is_remembered || gathered.vanished.contains(candidate) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The name under which a contact that stands alone was last seen, else the one that is made of its id.
    ///
    /// API: a contact that is joined with a profile has another name than the one made of its id.
    pub(super) fn resource_of(&self, source: &SourceId) -> Result<Option<ResourceName>, EngineError> {
        let loose = self.parts.state.loose(&RecordId::Google(source.clone()))?;
        Ok(loose.and_then(|loose| loose.resource_name).or_else(|| ResourceName::first_of(source)))
    }

    /// Reads records that stand alone by their names.
    pub(super) async fn fetch_alone(
        &self,
        sources: &BTreeSet<SourceId>,
        names: &BTreeSet<DocumentName>,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let mut resources: BTreeMap<ResourceName, &SourceId> = BTreeMap::new();
        for source in sources {
            resources.extend(self.resource_of(source)?.map(|name| (name, source)));
        }
        let sought: Vec<ResourceName> = resources.keys().cloned().collect();
        for (name, lookup) in self.look_up_people(&sought).await? {
            match lookup {
                PeopleLookup::Found(person)
                    if !person.deleted && self.parts.state.pair_of_google(&person.source_id)?.is_none() =>
                {
                    gathered.google.insert(person.source_id.clone(), person);
                }
                PeopleLookup::Missing => {
                    gathered.missed.extend(resources.get(&name).map(|source| (*source).clone()));
                }
                PeopleLookup::Found(_) | PeopleLookup::Failed(_) | PeopleLookup::Malformed(_) => {}
            }
        }
        for lookup in self.look_up_alone(names).await? {
            match lookup {
                SiteLookup::Found(document) => {
                    if self.pair_of(&document)?.is_none() {
                        gathered.dafater.insert(document.name.clone(), document);
                    }
                }
                SiteLookup::Missing(name) => gathered.vanished.push(RecordId::Dafater(name)),
                SiteLookup::Hidden(name) => drop(gathered.hidden.insert(name)),
                SiteLookup::Malformed(_) => {}
            }
        }
        Ok(())
    }
}
