//! Which contacts stand in the scope: by their links, by the site's filter, by their labels.
//!
//! What the site's filter lists can change without the contact: contacts that were read are asked for in each cycle, and all of them once
//! an hour and with each sweep.
//!
//! Law: a contact leaves the scope only when it was read in this cycle and the answer came in this cycle; not to be listed is all that
//! is ever concluded from not being listed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::Value;

use super::identity::{Gathered, Half};
use super::{Memory, Observer};
use crate::dafater::Lookup as SiteLookup;
use crate::execute::EngineError;
use crate::google::Lookup as PeopleLookup;
use crate::mapping::{Document, DocumentName, Person, ResourceName};
use crate::sync::{Alone, Left, LooseReason, Origin, Pair, PairId, RecordId, Side, stays};

/// All contacts are asked for this often, where a filter is set.
const ASKED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// So many names are asked for by asking for all.
const MANY: usize = 2_000;

/// What is known of the scope in this cycle.
#[derive(Debug, Default)]
pub(super) struct Scoping {
    filters: Option<Value>,
    linked_to: Vec<String>,
    /// Contacts that the filter lists, of those that were asked for.
    inside: BTreeSet<DocumentName>,
    asked: BTreeSet<DocumentName>,
    is_whole: bool,
    labels: Option<BTreeSet<String>>,
}

impl Scoping {
    /// Whether the document stands in the scope. It was asked for if a filter is set.
    pub(super) fn holds_document(&self, document: &Document) -> bool {
        let is_linked = self.linked_to.is_empty()
            || document.links.iter().any(|link| self.linked_to.contains(&link.doctype));
        is_linked && (self.filters.is_none() || self.inside.contains(&document.name))
    }

    /// Whether the person stands in the scope.
    pub(super) fn holds_person(&self, person: &Person) -> bool {
        self.labels.as_ref().is_none_or(|labels| person.labels().any(|label| labels.contains(label)))
    }
}

impl Observer<'_> {
    /// What is known of the scope before anything is read; all contacts are asked for if that is due, or `is_sweep`.
    pub(super) async fn scoping(&self, memory: &mut Memory, is_sweep: bool) -> Result<Scoping, EngineError> {
        let scope = &self.settings.policy.scope;
        let filters = match scope.filters.trim() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|error| EngineError::filters(&error))?),
        };
        let mut scoping = Scoping { filters, linked_to: scope.linked_to.clone(), ..Scoping::default() };
        let age = memory.scope_asked_at.map(|asked| self.now.duration_since(asked));
        if scoping.filters.is_some() && (is_sweep || age.is_none_or(|age| age >= ASKED_EVERY)) {
            self.ask_for_all(&mut scoping).await?;
            memory.scope_asked_at = Some(self.now);
        }
        Ok(scoping)
    }

    async fn ask_for_all(&self, scoping: &mut Scoping) -> Result<(), EngineError> {
        let Some(filters) = &scoping.filters else { return Ok(()) };
        scoping.inside = self.parts.dafater.contacts_in_scope(filters, None).await?;
        scoping.is_whole = true;
        Ok(())
    }

    /// Asks whether these contacts stand in the scope, unless that was asked in this cycle.
    pub(super) async fn ask_scope<'n>(
        &self,
        names: impl Iterator<Item = &'n DocumentName>,
        scoping: &mut Scoping,
    ) -> Result<(), EngineError> {
        let Some(filters) = &scoping.filters else { return Ok(()) };
        let new: BTreeSet<DocumentName> =
            names.filter(|name| !scoping.is_whole && !scoping.asked.contains(*name)).cloned().collect();
        if new.len() > MANY {
            return self.ask_for_all(scoping).await;
        }
        if !new.is_empty() {
            let names: Vec<DocumentName> = new.iter().cloned().collect();
            scoping.inside.extend(self.parts.dafater.contacts_in_scope(filters, Some(&names)).await?);
            scoping.asked.extend(new);
        }
        Ok(())
    }

    /// Learns the labels of the scope, if there is anybody whom they concern.
    pub(super) async fn ask_labels(
        &self,
        gathered: &Gathered,
        memory: &mut Memory,
        scoping: &mut Scoping,
    ) -> Result<(), EngineError> {
        if !(gathered.google.is_empty() && gathered.pairs.is_empty()) {
            scoping.labels = self.scope_labels(memory).await?;
        }
        Ok(())
    }

    /// After all contacts were asked for: pairs that may have left, and documents that entered, though nothing of them changed.
    pub(super) fn compare_scope(
        &self,
        scoping: &Scoping,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        if !scoping.is_whole {
            return Ok(());
        }
        for pair in self.parts.state.pairs() {
            let pair = pair?;
            if pair.origin != Origin::Created(Side::Dafater) && !scoping.inside.contains(&pair.dafater.name) {
                gathered.half(pair);
            }
        }
        for loose in self.parts.state.all_loose() {
            let loose = loose?;
            if let (RecordId::Dafater(name), LooseReason::OutOfScope) = (&loose.record, loose.why)
                && scoping.inside.contains(name)
                && !gathered.dafater.contains_key(name)
            {
                gathered.unread.insert(name.clone());
                gathered.forced.insert(loose.record.clone());
            }
        }
        Ok(())
    }

    /// Pairs of which a record that counts is outside.
    pub(super) fn leaving(&self, gathered: &Gathered, scoping: &Scoping) -> BTreeSet<PairId> {
        let is_outside = |half: &&Half| {
            let google = half.google.as_ref().and_then(|sighting| sighting.present());
            let dafater = half.dafater.as_ref().and_then(|sighting| sighting.present());
            !stays(
                half.pair.origin,
                google.map(|person| (person, scoping.holds_person(person))),
                dafater.map(|document| (document, scoping.holds_document(document))),
                &self.settings.site,
            )
        };
        gathered.pairs.values().filter(is_outside).map(|half| half.pair.id.clone()).collect()
    }

    /// Pairs that left the scope before and of which a record is here, with the other record brought along.
    pub(super) async fn bring_left(
        &self,
        (google, dafater): (&mut Vec<Alone<Person>>, &mut Vec<Alone<Document>>),
        scoping: &mut Scoping,
        gathered: &mut Gathered,
    ) -> Result<Vec<Left>, EngineError> {
        let state = &self.parts.state;
        let mut pairs: BTreeMap<PairId, Pair> = BTreeMap::new();
        for alone in google.iter() {
            let left = state.left_of_google(&alone.record.source_id)?;
            pairs.extend(left.map(|pair| (pair.id.clone(), pair)));
        }
        for alone in dafater.iter() {
            let left = state.left_of_dafater(&alone.record.creation)?;
            pairs.extend(left.map(|pair| (pair.id.clone(), pair)));
        }
        let mut left: BTreeMap<PairId, Left> =
            pairs.into_iter().map(|(id, pair)| (id, Left { pair, is_widowed: false })).collect();
        self.bring_left_people(google, &mut left, scoping).await?;
        self.bring_left_documents(dafater, &mut left, scoping, gathered).await?;
        Ok(left.into_values().collect())
    }

    async fn bring_left_people(
        &self,
        google: &mut Vec<Alone<Person>>,
        left: &mut BTreeMap<PairId, Left>,
        scoping: &Scoping,
    ) -> Result<(), EngineError> {
        let here: BTreeSet<_> = google.iter().map(|alone| alone.record.source_id.clone()).collect();
        let absent = |left: &&Left| !here.contains(&left.pair.google.source_id);
        let names: BTreeMap<ResourceName, PairId> = left
            .values()
            .filter(absent)
            .map(|left| (left.pair.google.resource_name.clone(), left.pair.id.clone()))
            .collect();
        let asked: Vec<ResourceName> = names.keys().cloned().collect();
        for (name, lookup) in self.look_up_people(&asked).await? {
            let Some(left) = names.get(&name).and_then(|id| left.get_mut(id)) else { continue };
            match lookup {
                PeopleLookup::Found(person)
                    if person.source_id == left.pair.google.source_id && !person.deleted =>
                {
                    let before = self.parts.state.loose(&RecordId::Google(person.source_id.clone()))?;
                    let is_in_scope = scoping.holds_person(&person);
                    google.push(Alone {
                        record: person,
                        before,
                        is_in_scope,
                        is_waiting: false,
                        successor: None,
                    });
                }
                // Without a tombstone it may have another name by now.
                PeopleLookup::Missing => {
                    let record = RecordId::Google(left.pair.google.source_id.clone());
                    left.is_widowed = self.parts.state.tombstone(&record)?.is_some();
                }
                PeopleLookup::Found(_) | PeopleLookup::Failed(_) | PeopleLookup::Malformed(_) => {}
            }
        }
        Ok(())
    }

    async fn bring_left_documents(
        &self,
        dafater: &mut Vec<Alone<Document>>,
        left: &mut BTreeMap<PairId, Left>,
        scoping: &mut Scoping,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let here: BTreeSet<_> = dafater.iter().map(|alone| alone.record.creation.civil()).collect();
        let absent: Vec<&mut Left> =
            left.values_mut().filter(|left| !here.contains(&left.pair.dafater.creation.civil())).collect();
        let names: Vec<DocumentName> = absent.iter().map(|left| left.pair.dafater.name.clone()).collect();
        let lookups = self.look_up_documents(&names).await?;
        for (left, lookup) in absent.into_iter().zip(lookups) {
            let creation = &left.pair.dafater.creation;
            let document = match lookup {
                SiteLookup::Found(document) if document.creation.civil() == creation.civil() => {
                    Some(document)
                }
                SiteLookup::Hidden(_) | SiteLookup::Malformed(_) => continue,
                // Renamed, or gone.
                SiteLookup::Found(_) | SiteLookup::Missing(_) => {
                    let stamps = self.parts.dafater.find_by_creation(std::slice::from_ref(creation)).await?;
                    let names: Vec<DocumentName> = stamps.into_iter().map(|stamp| stamp.name).collect();
                    let mut found = None;
                    for lookup in self.look_up_documents(&names).await? {
                        if let SiteLookup::Found(document) = lookup {
                            found = Some(document);
                        }
                    }
                    left.is_widowed = found.is_none() && names.is_empty();
                    found
                }
            };
            let Some(document) = document else { continue };
            if self.pair_of(&document)?.is_some() {
                continue;
            }
            self.ask_scope(std::iter::once(&document.name), scoping).await?;
            let before = self.judged_under_any_name(&document, gathered)?;
            let is_in_scope = scoping.holds_document(&document);
            dafater.push(Alone { record: document, before, is_in_scope, is_waiting: false, successor: None });
        }
        Ok(())
    }
}
