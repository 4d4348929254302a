//! Decides which of the records that stand alone must be placed now, and brings what they could match.

use std::collections::BTreeSet;

use super::identity::{ByCreation, Gathered, Half};
use super::scope::Scoping;
use super::{Memory, Observer, Picture};
use crate::contact::Contact;
use crate::execute::EngineError;
use crate::execute::labels::{Held, Roles};
use crate::google::Lookup as PeopleLookup;
use crate::mapping::{Document, Person, ResourceName, SiteStamp};
use crate::state::Parked;
use crate::sync::matching::Lookout;
use crate::sync::{Alone, Loose, LooseReason, PairId, PairView, RecordId, Role, Side, Sighting};

impl Observer<'_> {
    /// Decides which of the records that stand alone must be placed now, and brings what they could match.
    pub(super) async fn place(
        &self,
        mut gathered: Gathered,
        mut scoping: Scoping,
        read_all: bool,
    ) -> Result<Picture, EngineError> {
        let (mut google, mut echoes) = (Vec::new(), Vec::new());
        for (source, person) in std::mem::take(&mut gathered.google) {
            let record = RecordId::Google(source.clone());
            let before = self.parts.state.loose(&record)?;
            let is_forced = read_all || gathered.forced.contains(&record);
            let begun = self.begun_by_person(&source)?;
            if let Some(parked) = self.late_echo(&record, &begun, &person)? {
                echoes.push(parked);
                continue;
            }
            // API: a read may show a new state under the etag of the one before.
            let says_the_same = |loose: &Loose| {
                loose.contact == person.contact(&self.settings.policy.mapping)
                    && loose.resource_name.as_ref() == Some(&person.resource_name)
            };
            if !is_forced
                && self.is_judged(before.as_ref(), &person.etag.0)
                && before.as_ref().is_some_and(says_the_same)
            {
                continue;
            }
            let is_waiting = !is_forced && self.waits(&begun, Side::Google, &person.etag.0);
            let successor = self.successor(&person)?;
            google.push(Alone { is_waiting, successor, ..alone_person(person, before, &scoping) });
        }
        let mut dafater = Vec::new();
        for (name, document) in std::mem::take(&mut gathered.dafater) {
            let record = RecordId::Dafater(name.clone());
            let before = self.judged_under_any_name(&document, &mut gathered)?;
            let is_renamed = before.as_ref().is_some_and(|loose| loose.record != record);
            let is_forced = read_all || is_renamed || gathered.forced.contains(&record);
            let begun = self.begun_by_document(&document.creation, &name)?;
            if !is_forced && self.is_judged(before.as_ref(), &document.modified.0) {
                continue;
            }
            let is_waiting = !is_forced && self.waits(&begun, Side::Dafater, &document.modified.0);
            dafater.push(Alone { is_waiting, ..alone_document(document, before, &scoping) });
        }
        let left = self.bring_left((&mut google, &mut dafater), &mut scoping, &mut gathered).await?;
        let widowed = lookout_for_widowed(&gathered);
        let alone = (&mut google, &mut dafater);
        let paired = self.bring_candidates(alone, widowed, &mut scoping, &mut gathered).await?;
        let missed = self.account_for_missed(&mut gathered)?;
        let pairs = std::mem::take(&mut gathered.pairs)
            .into_values()
            .map(|half| PairView {
                pair: half.pair,
                is_moved: half.is_moved,
                google: half.google.unwrap_or(Sighting::Unseen),
                dafater: half.dafater.unwrap_or(Sighting::Unseen),
            })
            .collect();
        let Gathered { vanished, hidden, deleted, is_unsettled, .. } = gathered;
        let leaving = BTreeSet::new();
        Ok(Picture {
            pairs,
            google,
            dafater,
            paired,
            missed,
            vanished,
            hidden,
            deleted,
            echoes,
            leaving,
            left,
            is_unsettled,
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

    /// The contact that was made in place of this one while it was deleted.
    fn successor(&self, person: &Person) -> Result<Option<RecordId>, EngineError> {
        let begun = PairId::from_google(self.parts.state.account(), &person.source_id);
        let marked = person.marker(&self.settings.site).and_then(|marker| PairId::parse(&marker.pair));
        for id in [Some(&begun), marked.as_ref()].into_iter().flatten() {
            if let Some(pair) = self.parts.state.pair(id)?
                && pair.google.source_id != person.source_id
            {
                return Ok(Some(RecordId::Google(pair.google.source_id)));
            }
        }
        Ok(None)
    }

    /// Whether this revision was judged before, and nothing but the record could change that.
    pub(super) fn is_judged(&self, before: Option<&Loose>, revision: &str) -> bool {
        before.is_some_and(|loose| {
            let may_be_carried = match loose.record.side() {
                Side::Google => self.settings.policy.pull,
                Side::Dafater => self.settings.policy.push,
            };
            let is_waiting = match loose.why {
                // What could not be held then may be held by now, or say more.
                LooseReason::Parked | LooseReason::Empty => true,
                // Where the rules changed while it was hidden, nothing else brings it up.
                LooseReason::DirectionOff => may_be_carried,
                LooseReason::OutOfScope
                | LooseReason::Review
                | LooseReason::Skipped
                | LooseReason::Detached => false,
            };
            loose.revision == revision && !is_waiting
        })
    }

    /// How a document was judged before, under its present name.
    pub(super) fn loose_document(&self, document: &Document) -> Result<Option<Loose>, EngineError> {
        let loose = self.parts.state.loose(&RecordId::Dafater(document.name.clone()))?;
        Ok(loose.filter(|loose| {
            loose.creation.as_ref().is_none_or(|creation| creation.civil() == document.creation.civil())
        }))
    }

    /// How a document was judged, under its present name or a former one, which is then done with.
    pub(super) fn judged_under_any_name(
        &self,
        document: &Document,
        gathered: &mut Gathered,
    ) -> Result<Option<Loose>, EngineError> {
        if let Some(loose) = self.loose_document(document)? {
            return Ok(Some(loose));
        }
        let before = self.loose_before_rename(document, &mut gathered.by_creation)?;
        gathered.vanished.extend(before.iter().map(|loose| loose.record.clone()));
        Ok(before)
    }

    /// How a document was judged under another name: a rename leaves no trace but the `creation` that survives it.
    fn loose_before_rename(
        &self,
        document: &Document,
        by_creation: &mut Option<ByCreation>,
    ) -> Result<Option<Loose>, EngineError> {
        if by_creation.is_none() {
            let mut all = ByCreation::new();
            for loose in self.parts.state.all_loose() {
                let loose = loose?;
                if let Some(creation) = loose.creation.as_ref().and_then(SiteStamp::civil) {
                    all.insert(creation, loose);
                }
            }
            *by_creation = Some(all);
        }
        let loose = by_creation.as_ref().zip(document.creation.civil()).and_then(|(all, at)| all.get(&at));
        let Some(loose) = loose else { return Ok(None) };
        let RecordId::Dafater(name) = &loose.record else { return Ok(None) };
        let is_free = self.parts.state.pair_of_dafater(name)?.is_none();
        Ok(Some(loose.clone()).filter(|_| is_free))
    }

    /// The records from which marked ones were made, and those that were the other half of one, where they were not read: whatever
    /// carries our marker is never new, nor is what was in a pair.
    async fn bring_origins(
        &self,
        google: &mut Vec<Alone<Person>>,
        dafater: &mut Vec<Alone<Document>>,
        scoping: &mut Scoping,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let known: BTreeSet<_> = dafater.iter().map(|alone| alone.record.creation.civil()).collect();
        let state = &self.parts.state;
        let mut creations = Vec::new();
        for person in google.iter().map(|alone| &alone.record) {
            let parted = state.parted_of_google(&person.source_id)?;
            creations.extend(parted.map(|parted| parted.pair.dafater.creation));
            creations.extend(person.marker(&self.settings.site).map(|marker| marker.creation));
        }
        creations.retain(|creation| !known.contains(&creation.civil()));
        let mut names = BTreeSet::new();
        if !creations.is_empty() {
            names.extend(
                self.parts.dafater.find_by_creation(&creations).await?.into_iter().map(|stamp| stamp.name),
            );
        }
        let here: BTreeSet<&str> = google.iter().map(|alone| alone.record.resource_name.0.as_str()).collect();
        let mut resources: BTreeSet<ResourceName> = dafater
            .iter()
            .filter_map(|alone| alone.record.google_contacts_id())
            .filter(|id| id.starts_with("people/"))
            .map(|id| ResourceName(id.to_owned()))
            .collect();
        for document in dafater.iter().map(|alone| &alone.record) {
            let parted = state.parted_of_creation(&document.creation)?;
            resources.extend(parted.map(|parted| parted.pair.google.resource_name));
        }
        let resources: Vec<ResourceName> =
            resources.into_iter().filter(|name| !here.contains(name.0.as_str())).collect();
        let mut found = Gathered::default();
        self.fetch_alone(&BTreeSet::new(), &names, &mut found).await?;
        for (_, lookup) in self.look_up_people(&resources).await? {
            if let PeopleLookup::Found(person) = lookup
                && !person.deleted
                && self.parts.state.pair_of_google(&person.source_id)?.is_none()
            {
                found.google.insert(person.source_id.clone(), person);
            }
        }
        self.add_alone(found, google, dafater, scoping, gathered).await
    }

    /// Contacts of Google that stand alone and have no such name any more: deleted without a notice, or renamed. Only a read of everything
    /// tells; until then they are known to matching by what they said, so that nobody is made a second time.
    fn account_for_missed(&self, gathered: &mut Gathered) -> Result<Vec<(RecordId, Contact)>, EngineError> {
        let mut missed = Vec::new();
        for source in std::mem::take(&mut gathered.missed) {
            let is_gone = gathered.unlisted.contains(&source);
            let record = RecordId::Google(source);
            if is_gone || gathered.vanished.contains(&record) {
                gathered.vanished.push(record);
                continue;
            }
            gathered.is_unsettled = true;
            if let Some(loose) = self.parts.state.loose(&record)? {
                missed.push((record, loose.contact));
            }
        }
        Ok(missed)
    }

    async fn add_alone(
        &self,
        mut found: Gathered,
        google: &mut Vec<Alone<Person>>,
        dafater: &mut Vec<Alone<Document>>,
        scoping: &mut Scoping,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        self.ask_scope(found.dafater.keys(), scoping).await?;
        gathered.vanished.append(&mut found.vanished);
        gathered.missed.append(&mut found.missed);
        for (source, person) in found.google {
            let record = RecordId::Google(source);
            let begun = self.begun_by_person(&person.source_id)?;
            let is_echo = self.late_echo(&record, &begun, &person)?.is_some();
            if !is_echo && !google.iter().any(|alone| alone.record.source_id == person.source_id) {
                let before = self.parts.state.loose(&record)?;
                google.push(alone_person(person, before, scoping));
            }
        }
        for (name, document) in found.dafater {
            if !dafater.iter().any(|alone| alone.record.name == name) {
                let before = self.judged_under_any_name(&document, gathered)?;
                dafater.push(alone_document(document, before, scoping));
            }
        }
        Ok(())
    }

    /// Records that were judged before and not read now, but that the new ones, or those in the `lookout`, could match; and the
    /// contacts of pairs that a new record could be a duplicate of.
    async fn bring_candidates(
        &self,
        (google, dafater): (&mut Vec<Alone<Person>>, &mut Vec<Alone<Document>>),
        mut lookout: Lookout,
        scoping: &mut Scoping,
        gathered: &mut Gathered,
    ) -> Result<Vec<(RecordId, Contact)>, EngineError> {
        let mapping = &self.settings.policy.mapping;
        self.bring_origins(google, dafater, scoping, gathered).await?;
        for contact in google.iter().map(|alone| alone.record.contact(mapping)) {
            lookout.add(&contact);
        }
        for contact in dafater.iter().map(|alone| alone.record.contact(mapping)) {
            lookout.add(&contact);
        }
        if lookout.is_empty() {
            return Ok(Vec::new());
        }
        let state = &self.parts.state;
        let mut found = Gathered::default();
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
        self.fetch_alone(&sources, &names, &mut found).await?;
        self.add_alone(found, google, dafater, scoping, gathered).await?;
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
    pub(super) async fn scope_labels(
        &self,
        memory: &mut Memory,
    ) -> Result<Option<BTreeSet<String>>, EngineError> {
        let wanted = &self.settings.policy.scope.google_labels;
        if wanted.is_empty() {
            return Ok(None);
        }
        let mut book = memory.labels.take().unwrap_or_default();
        book.refresh(&self.parts.google, self.now, self.settings.full_read_after).await?;
        let mut roles = Roles::new(self.parts.state.labels()?);
        let mut labels = BTreeSet::new();
        for name in wanted {
            let role = Role::Scope(name.clone());
            if let Held::By(label) = roles.resolve(&role, name, &book, self.now, self.settings.propagation) {
                labels.insert(label.0);
            }
        }
        memory.labels = Some(book);
        Ok(Some(labels))
    }
}

/// Whoever lost a counterpart: another record may take its place, or be the same person and must not bring back who was deleted.
fn lookout_for_widowed(gathered: &Gathered) -> Lookout {
    let mut lookout = Lookout::default();
    let is_widowed =
        |half: &&Half| half.google == Some(Sighting::Gone) || half.dafater == Some(Sighting::Gone);
    for half in gathered.pairs.values().filter(is_widowed) {
        lookout.add(&half.pair.google.contact);
        lookout.add(&half.pair.dafater.contact);
    }
    lookout
}

fn alone_person(person: Person, before: Option<Loose>, scoping: &Scoping) -> Alone<Person> {
    let is_in_scope = scoping.holds_person(&person);
    Alone { record: person, before, is_in_scope, is_waiting: false, successor: None }
}

fn alone_document(document: Document, before: Option<Loose>, scoping: &Scoping) -> Alone<Document> {
    let is_in_scope = scoping.holds_document(&document);
    Alone { record: document, before, is_in_scope, is_waiting: false, successor: None }
}
