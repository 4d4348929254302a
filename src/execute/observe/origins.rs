//! What records that stand alone tell of the ones they were made from, where those are not there to answer.
//!
//! Law: a record whose origin is gone, or hidden, is never taken for a new one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;

use super::{Doubt, Observer, Picture};
use crate::dafater::Lookup as SiteLookup;
use crate::execute::EngineError;
use crate::mapping::{Document, DocumentName, Person, ResourceName, SiteStamp, SourceId};
use crate::state::IntentKind;
use crate::sync::{DafaterBase, Pair, PairId, PairView, RecordId, Sighting};

impl Observer<'_> {
    /// Records that stand alone and tell of a counterpart that is gone, where nothing remembers a pair of them: the memory is older
    /// than they are. What we deleted ourselves, and somebody restored, is remembered.
    pub(super) fn left_over(
        &self,
        picture: &Picture,
        begun: &BTreeSet<PairId>,
    ) -> Result<BTreeSet<RecordId>, EngineError> {
        let state = &self.parts.state;
        let asked = state.reviews()?;
        let mut left_over: BTreeSet<RecordId> = asked
            .into_iter()
            .filter(|review| review.candidates.is_empty())
            .map(|review| review.record)
            .collect();
        let standing: BTreeSet<_> =
            picture.dafater.iter().map(|alone| alone.record.creation.civil()).collect();
        for person in picture.google.iter().map(|alone| &alone.record) {
            let record = RecordId::Google(person.source_id.clone());
            if self.lost_its_document(person, &standing, &picture.vanished)? {
                left_over.insert(record);
                continue;
            }
            let Some(marker) = person.marker(&self.settings.site) else { continue };
            if PairId::parse(&marker.pair).is_some_and(|pair| !begun.contains(&pair))
                && !standing.contains(&marker.creation.civil())
                && state.pairs_of_creation(&marker.creation)?.is_empty()
                && state.tombstone(&record)?.is_none()
            {
                left_over.insert(record);
            }
        }
        if picture.deleted.is_empty() {
            return Ok(left_over);
        }
        let deleted: BTreeMap<String, &SourceId> = picture
            .deleted
            .iter()
            .filter_map(|(source, _)| Some((ResourceName::first_of(source)?.0, source)))
            .collect();
        for document in picture.dafater.iter().map(|alone| &alone.record) {
            let Some(id) = document.google_contacts_id().filter(|_| !document.is_of_built_in_integration())
            else {
                continue;
            };
            if let Some(source) = deleted.get(id)
                && state.pair_of_google(source)?.is_none()
                && state.tombstone(&RecordId::Google((*source).clone()))?.is_none()
            {
                left_over.insert(RecordId::Dafater(document.name.clone()));
            }
        }
        Ok(left_over)
    }

    /// Whether the document that was left alone when this contact was deleted is gone by now, and nothing tells a contact that was
    /// restored before that from one restored after it: the document went in this very cycle, or with another contact that was made in
    /// the place of this one. That one may have been taken for an echo of its deletion until then.
    fn lost_its_document(
        &self,
        person: &Person,
        standing: &BTreeSet<Option<DateTime>>,
        vanished: &[RecordId],
    ) -> Result<bool, EngineError> {
        let state = &self.parts.state;
        let Some(own) = state.parted_of_google(&person.source_id)? else { return Ok(false) };
        let DafaterBase { name, creation, .. } = own.pair.dafater;
        if standing.contains(&creation.civil()) || !state.pairs_of_creation(&creation)?.is_empty() {
            return Ok(false);
        }
        // It may have been renamed while it stood alone.
        for record in vanished {
            let lone = state.loose(record)?.and_then(|loose| loose.creation);
            if lone.is_some_and(|lone| lone.civil() == creation.civil()) {
                return Ok(true);
            }
        }
        let successor = state.parted_of_creation(&creation)?;
        Ok(successor.is_some_and(|successor| successor.pair.google.source_id != person.source_id)
            && state.loose(&RecordId::Dafater(name))?.is_none())
    }

    /// Records whose creation was begun and has no receipt, and of which the one that they were made from is gone by now: with the id
    /// under which that began.
    pub(super) fn bereft(
        &self,
        picture: &Picture,
        doubt: &Doubt,
    ) -> Result<BTreeMap<RecordId, PairId>, EngineError> {
        let state = &self.parts.state;
        let mut bereft = BTreeMap::new();
        let creates = || {
            let all = doubt.unsettled.iter().chain(&doubt.settled);
            all.filter(|intent| intent.kind == IntentKind::Create)
        };
        // Whom an undo puts back is to stand on both sides again.
        let is_undo = |pair: &PairId| {
            creates().any(|intent| intent.pair == *pair && intent.entry.view.undoes.is_some())
        };
        for person in picture.google.iter().map(|alone| &alone.record) {
            let Some(marker) = person.marker(&self.settings.site) else { continue };
            let Some(pair) =
                PairId::parse(&marker.pair).filter(|pair| doubt.begun.contains(pair) && !is_undo(pair))
            else {
                continue;
            };
            let is_origin = |document: &Document| document.creation.civil() == marker.creation.civil();
            if !picture.dafater.iter().any(|alone| is_origin(&alone.record))
                && state.pairs_of_creation(&marker.creation)?.is_empty()
            {
                bereft.insert(RecordId::Google(person.source_id.clone()), pair);
            }
        }
        for intent in creates().filter(|intent| intent.entry.view.undoes.is_none()) {
            let RecordId::Google(source) = &intent.record else { continue };
            let names =
                [ResourceName::first_of(source), self.resource_of(source)?, intent.resource_name.clone()];
            if picture.google.iter().any(|alone| alone.record.source_id == *source)
                || state.pair_of_google(source)?.is_some()
            {
                continue;
            }
            let copies = picture.dafater.iter().map(|alone| &alone.record);
            let is_its = |id: &str| names.iter().flatten().any(|name| name.0 == id);
            for copy in copies.filter(|copy| copy.google_contacts_id().is_some_and(is_its)) {
                bereft.insert(RecordId::Dafater(copy.name.clone()), intent.pair.clone());
            }
        }
        Ok(bereft)
    }

    /// The pairs that two records which have no counterpart were in, until one of them was deleted.
    pub(super) fn parted(&self, picture: &Picture) -> Result<Vec<Pair>, EngineError> {
        let mut parted = Vec::new();
        let is_widow = |view: &PairView| matches!(view.google, Sighting::Gone);
        if picture.dafater.is_empty() && !picture.pairs.iter().any(is_widow) {
            return Ok(parted);
        }
        for person in picture.google.iter().map(|alone| &alone.record) {
            parted.extend(self.parts.state.parted_of_google(&person.source_id)?.map(|parted| parted.pair));
        }
        Ok(parted)
    }

    /// The id under which a contact that stands alone begins a pair. Its first one may be that of the contact that was made in its
    /// place while it was deleted.
    pub(super) fn begun_by_person(&self, source: &SourceId) -> Result<PairId, EngineError> {
        let mut id = PairId::from_google(self.parts.state.account(), source);
        while self.parts.state.pair(&id)?.is_some_and(|pair| pair.google.source_id != *source) {
            id = id.again();
        }
        Ok(id)
    }

    /// As [`begun_by_person`](Self::begun_by_person), of a document.
    pub(super) fn begun_by_document(
        &self,
        creation: &SiteStamp,
        name: &DocumentName,
    ) -> Result<PairId, EngineError> {
        let mut id = PairId::from_dafater(self.parts.state.account(), creation, name);
        let is_other = |pair: Pair| pair.dafater.creation.civil() != creation.civil();
        while self.parts.state.pair(&id)?.is_some_and(is_other) {
            id = id.again();
        }
        Ok(id)
    }

    /// Ids of living pairs that records which stand alone would begin another one under.
    pub(super) fn taken(&self, picture: &Picture) -> Result<BTreeSet<PairId>, EngineError> {
        let account = self.parts.state.account();
        let mut taken = BTreeSet::new();
        let mut take = |mut first: PairId, free: &PairId| {
            while first != *free {
                let next = first.again();
                taken.insert(std::mem::replace(&mut first, next));
            }
        };
        for person in picture.google.iter().map(|alone| &alone.record) {
            let free = self.begun_by_person(&person.source_id)?;
            take(PairId::from_google(account, &person.source_id), &free);
        }
        for document in picture.dafater.iter().map(|alone| &alone.record) {
            let free = self.begun_by_document(&document.creation, &document.name)?;
            take(PairId::from_dafater(account, &document.creation, &document.name), &free);
        }
        Ok(taken)
    }

    /// Contacts that we made from a document which the site has and does not show, or that were a pair with it until they were deleted:
    /// a permission hides it, or it cannot be read. Neither is it gone, nor are they new.
    pub(super) async fn veiled(
        &self,
        picture: &Picture,
        doubt: &Doubt,
    ) -> Result<BTreeSet<RecordId>, EngineError> {
        let state = &self.parts.state;
        let shown: BTreeSet<_> = picture.dafater.iter().map(|alone| alone.record.creation.civil()).collect();
        // Each with the creation of its document, and the pair that it was begun for.
        let mut sought = Vec::new();
        for person in picture.google.iter().map(|alone| &alone.record) {
            let record = RecordId::Google(person.source_id.clone());
            let marker =
                person.marker(&self.settings.site).map(|marker| (marker.creation, Some(marker.pair)));
            let parted = state.parted_of_google(&person.source_id)?;
            let parted = parted.map(|parted| (parted.pair.dafater.creation, None));
            for (creation, begun) in marker.into_iter().chain(parted) {
                if !shown.contains(&creation.civil()) && state.pairs_of_creation(&creation)?.is_empty() {
                    sought.push((record.clone(), creation.civil(), begun));
                }
            }
        }
        if sought.is_empty() {
            return Ok(BTreeSet::new());
        }
        // Their documents are known by name from the creates that were begun, and from what stands alone.
        let mut origins = BTreeSet::new();
        for loose in state.all_loose() {
            let loose = loose?;
            if let (RecordId::Dafater(name), Some(creation)) = (loose.record, loose.creation) {
                let of_it = sought.iter().filter(|(_, sought, _)| *sought == creation.civil());
                origins.extend(of_it.map(|(record, ..)| (record.clone(), name.clone())));
            }
        }
        for intent in doubt.unsettled.iter().chain(&doubt.settled) {
            if let RecordId::Dafater(name) = &intent.record {
                let id = intent.pair.to_string();
                let of_it = sought.iter().filter(|(_, _, begun)| begun.as_ref() == Some(&id));
                origins.extend(of_it.map(|(record, ..)| (record.clone(), name.clone())));
            }
        }
        let names: BTreeSet<DocumentName> =
            origins.iter().map(|(_, name)| DocumentName::clone(name)).collect();
        let names: Vec<DocumentName> = names.into_iter().collect();
        let mut hidden = BTreeSet::new();
        for (name, lookup) in names.iter().zip(self.look_up_documents(&names).await?) {
            if matches!(lookup, SiteLookup::Hidden(_) | SiteLookup::Malformed(_)) {
                hidden.insert(name);
            }
        }
        Ok(origins
            .iter()
            .filter(|(_, name)| hidden.contains(name))
            .map(|(record, _)| record.clone())
            .collect())
    }
}
