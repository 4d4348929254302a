//! Writes to Google: in batches of one mask, sequentially.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::receipt::Work;
use super::{Executor, Patience, concerns_all};
use crate::contact::Field;
use crate::execute::EngineError;
use crate::execute::room::NO_ROOM;
use crate::google::{
    ContactErrors, GoogleError, MAX_BATCH, MAX_BATCH_DELETE, Quota, UpdateMask, UpdatePath, with_lock,
};
use crate::mapping::{Marker, Person, PersonField, PersonPatch, ResourceName, SiteStamp};
use crate::remote::Disposition;
use crate::sync::{Action, PairId, Side};

/// One write: which work it belongs to, and what is sent.
struct Outgoing {
    index: usize,
    body: Map<String, Value>,
}

impl Executor<'_> {
    pub(super) async fn write_google(&self, works: &mut [Work<'_>]) -> Result<(), EngineError> {
        let mut creates = VecDeque::new();
        let mut updates: BTreeMap<BTreeSet<PersonField>, VecDeque<Outgoing>> = BTreeMap::new();
        let mut deletes = Vec::new();
        let mut unchanged = Vec::new();
        for (index, work) in works.iter().enumerate() {
            match &work.step.action {
                Action::Create { side: Side::Google, contact, .. } => {
                    let mapping = &self.settings.policy.mapping;
                    let mut body = match self.images.get(&(work.step.pair.clone(), Side::Google)) {
                        Some(image) => Person::anew(
                            &image.fields,
                            contact,
                            |label| self.known_labels.contains(label),
                            mapping,
                        ),
                        None => PersonPatch::new(None, contact, &Field::of(&[contact]), mapping).body,
                    };
                    self.dress(work, &mut body);
                    creates.push_back(Outgoing { index, body });
                }
                Action::Merge(merged) if !merged.google.fields.is_empty() => {
                    let Some(person) = &work.step.google else { continue };
                    let (contact, fields) = (&merged.google.contact, &merged.google.fields);
                    let patch =
                        PersonPatch::new(Some(person), contact, fields, &self.settings.policy.mapping);
                    if patch.mask.is_empty() {
                        unchanged.push(index);
                        continue;
                    }
                    let body = with_lock(patch.body, &person.source_id, &person.etag);
                    updates.entry(patch.mask).or_default().push_back(Outgoing { index, body });
                }
                Action::Delete { side: Side::Google } => deletes.push(index),
                Action::Create { .. }
                | Action::Merge(_)
                | Action::Delete { .. }
                | Action::Detach { .. }
                | Action::Leave
                | Action::Forget
                | Action::Postpone => {}
            }
        }
        for index in unchanged {
            // Nothing that the record does not say already: as good as written.
            if let Some(work) = works.get_mut(index) {
                work.google.clone_from(&work.step.google);
                self.receive(work, Side::Google, false).await?;
            }
        }
        self.create_google(works, creates).await?;
        for (mask, queue) in updates {
            self.update_google(works, &mask, queue).await?;
        }
        self.delete_google(works, &deletes).await
    }

    /// The marker by which a created contact is known again, and the account's label.
    fn dress(&self, work: &Work<'_>, body: &mut Map<String, Value>) {
        let document = work.step.dafater.as_ref();
        let marker = Marker {
            site: self.settings.site.clone(),
            pair: work.step.pair.as_str().to_owned(),
            // Without a document it tells only to which write the answer belongs.
            creation: document.map_or_else(|| SiteStamp(String::new()), |document| document.creation.clone()),
        };
        // Entries of other programs come back with the contact.
        let mut entries = match body.remove("clientData") {
            Some(Value::Array(entries)) => entries,
            Some(_) | None => Vec::new(),
        };
        entries.push(marker.entry());
        body.insert("clientData".to_owned(), Value::Array(entries));
        if !self.is_new(work.step) {
            return;
        }
        let linked = self.births.get(&work.step.pair).into_iter().flat_map(|birth| &birth.add);
        let labels: BTreeSet<&str> =
            linked.map(|label| label.0.as_str()).chain(self.label.as_deref()).collect();
        if !labels.is_empty() {
            let membership =
                |group: &str| json!({ "contactGroupMembership": { "contactGroupResourceName": group } });
            // API: memberships that are sent replace the default, so the default is sent along.
            let default = "contactGroups/myContacts";
            let others = labels.into_iter().filter(|label| *label != default);
            let all: Vec<Value> = std::iter::once(default).chain(others).map(membership).collect();
            body.insert("memberships".to_owned(), Value::Array(all));
        }
    }

    async fn create_google(
        &self,
        works: &mut [Work<'_>],
        mut queue: VecDeque<Outgoing>,
    ) -> Result<(), EngineError> {
        let mut size = MAX_BATCH;
        while !queue.is_empty() && !self.must_stop() {
            if self.with(|applied| applied.is_full) {
                return self.let_wait(works, &queue).await;
            }
            let batch: Vec<Outgoing> = queue.drain(..size.min(queue.len())).collect();
            self.begin(works, &batch, Side::Google).await?;
            let bodies: Vec<_> = batch.iter().map(|outgoing| outgoing.body.clone()).collect();
            let answer = match <[_; 1]>::try_from(bodies) {
                Ok([body]) => self.parts.google.create_contact(body).await.map(|person| vec![person]),
                Err(bodies) => self.parts.google.batch_create(bodies).await,
            };
            match answer {
                Ok(people) => {
                    self.created(works, &batch, people).await?;
                    size = MAX_BATCH;
                }
                Err(error) => size = self.mend(works, &mut queue, batch, &error).await?,
            }
        }
        Ok(())
    }

    /// The contacts that find no room wait for it, and are not sent.
    async fn let_wait(&self, works: &[Work<'_>], queue: &VecDeque<Outgoing>) -> Result<(), EngineError> {
        let mut changes = self.parts.state.changes();
        for work in queue.iter().filter_map(|outgoing| works.get(outgoing.index)) {
            self.park(work.step, NO_ROOM, Patience::Long);
            self.leave_alone(work, &mut changes);
        }
        Ok(self.parts.state.commit(changes).await?)
    }

    /// Answers are told apart by marker, never by position.
    async fn created(
        &self,
        works: &mut [Work<'_>],
        batch: &[Outgoing],
        people: Vec<Person>,
    ) -> Result<(), EngineError> {
        let marked =
            |person: Person| Some((PairId::parse(&person.marker(&self.settings.site)?.pair)?, person));
        let mut people: BTreeMap<PairId, Person> = people.into_iter().filter_map(marked).collect();
        let mut changes = self.parts.state.changes();
        for outgoing in batch {
            let Some(work) = works.get_mut(outgoing.index) else { continue };
            match people.remove(&work.step.pair) {
                Some(person) => {
                    work.google = Some(person);
                    self.receipt(work, Side::Google, &mut changes)?;
                    self.with(|applied| applied.google.created += 1);
                }
                // Created, but not shown: found by its marker later.
                None => self.park(work.step, "Google's answer did not show the new contact", Patience::None),
            }
        }
        Ok(self.parts.state.commit(changes).await?)
    }

    async fn update_google(
        &self,
        works: &mut [Work<'_>],
        mask: &BTreeSet<PersonField>,
        mut queue: VecDeque<Outgoing>,
    ) -> Result<(), EngineError> {
        let mask: UpdateMask = mask.iter().map(|field| update_path(*field)).collect();
        let mut size = MAX_BATCH;
        while !queue.is_empty() && !self.must_stop() {
            let batch: Vec<Outgoing> = queue.drain(..size.min(queue.len())).collect();
            self.begin(works, &batch, Side::Google).await?;
            let mut bodies: Vec<(ResourceName, Map<String, Value>)> = Vec::with_capacity(batch.len());
            for outgoing in &batch {
                let Some(person) = works.get(outgoing.index).and_then(|work| work.step.google.as_ref())
                else {
                    continue;
                };
                bodies.push((person.resource_name.clone(), outgoing.body.clone()));
            }
            let answer = match <[_; 1]>::try_from(bodies) {
                Ok([(name, body)]) => {
                    let answer = self.parts.google.update_contact(&name, &mask, body).await;
                    answer.map(|person| BTreeMap::from([(name, person)]))
                }
                Err(bodies) => self.parts.google.batch_update(&mask, bodies).await,
            };
            match answer {
                Ok(people) => {
                    self.updated(works, &batch, people).await?;
                    size = MAX_BATCH;
                }
                Err(error) => size = self.mend(works, &mut queue, batch, &error).await?,
            }
        }
        Ok(())
    }

    async fn updated(
        &self,
        works: &mut [Work<'_>],
        batch: &[Outgoing],
        mut people: BTreeMap<ResourceName, Person>,
    ) -> Result<(), EngineError> {
        let mut changes = self.parts.state.changes();
        for outgoing in batch {
            let Some(work) = works.get_mut(outgoing.index) else { continue };
            let name = work.step.google.as_ref().map(|person| &person.resource_name);
            match name.and_then(|name| people.remove(name)) {
                Some(person) => {
                    work.google = Some(person);
                    self.receipt(work, Side::Google, &mut changes)?;
                    self.with(|applied| applied.google.updated += 1);
                }
                None => self.park(work.step, "Google's answer did not show the contact", Patience::None),
            }
        }
        Ok(self.parts.state.commit(changes).await?)
    }

    async fn delete_google(&self, works: &mut [Work<'_>], indexes: &[usize]) -> Result<(), EngineError> {
        let mut queue: VecDeque<usize> = indexes.iter().copied().collect();
        let mut size = MAX_BATCH_DELETE;
        while !queue.is_empty() && !self.must_stop() {
            let indexes: Vec<usize> = queue.drain(..size.min(queue.len())).collect();
            let batch: Vec<Outgoing> =
                indexes.iter().map(|index| Outgoing { index: *index, body: Map::new() }).collect();
            self.keep_everything(works, &indexes).await;
            self.begin(works, &batch, Side::Google).await?;
            let name_of =
                |index: &usize| Some(works.get(*index)?.step.google.as_ref()?.resource_name.clone());
            let names: Vec<ResourceName> = indexes.iter().filter_map(name_of).collect();
            let answer = match names.as_slice() {
                // Where nothing answers it may have another name by now, which the next look tells.
                [name] => self.parts.google.delete_contact(name).await,
                names => self.parts.google.batch_delete(names).await,
            };
            match answer {
                Ok(()) => {
                    let mut changes = self.parts.state.changes();
                    for index in &indexes {
                        if let Some(work) = works.get(*index) {
                            self.deleted(work, Side::Google, &mut changes)?;
                            self.with(|applied| applied.google.deleted += 1);
                        }
                    }
                    self.parts.state.commit(changes).await?;
                    // What was halved grows again.
                    size = (size * 2).min(MAX_BATCH_DELETE);
                }
                // One of them is gone already and took the whole batch down: it is halved until that one stands alone.
                Err(error) if indexes.len() > 1 && is_of_one(&error.disposition()) => {
                    self.withdraw(works, &batch, Side::Google).await?;
                    size = if indexes.len() > DELETED_SINGLY { indexes.len().div_ceil(2) } else { 1 };
                    for index in indexes.into_iter().rev() {
                        queue.push_front(index);
                    }
                }
                Err(error) => {
                    let mut rest = VecDeque::new();
                    self.mend(works, &mut rest, batch, &error).await?;
                }
            }
        }
        Ok(())
    }

    /// Reads what is about to be deleted with all that is never synced. Where that fails the deletion goes on, if Google can do it:
    /// what is synced is kept anyway.
    async fn keep_everything(&self, works: &mut [Work<'_>], indexes: &[usize]) {
        // What was halved was read before.
        let is_unread = |index: &usize| works.get(*index).is_some_and(|work| work.everything.is_none());
        let indexes: Vec<usize> = indexes.iter().copied().filter(is_unread).collect();
        for chunk in indexes.chunks(MAX_BATCH) {
            let name_of = |works: &[Work<'_>], index: usize| {
                Some(works.get(index)?.step.google.as_ref()?.resource_name.clone())
            };
            let names: Vec<ResourceName> = chunk.iter().filter_map(|index| name_of(works, *index)).collect();
            let Ok(mut found) = self.parts.google.batch_get_everything(&names).await else { return };
            for index in chunk {
                let person = name_of(works, *index).and_then(|name| found.remove(&name.0));
                if let (Some(work), Some(person)) = (works.get_mut(*index), person) {
                    work.everything = Some(Value::Object(Arc::unwrap_or_clone(person.fields)));
                }
            }
        }
    }

    /// Deals with a refused batch and returns the size of the next one.
    ///
    /// Google names the entries at fault: they are parked and the rest goes again. Where it does not, the batch is halved until
    /// the one at fault stands alone. A batch whose answer was lost is in doubt as a whole and ends the run.
    async fn mend(
        &self,
        works: &mut [Work<'_>],
        queue: &mut VecDeque<Outgoing>,
        batch: Vec<Outgoing>,
        error: &GoogleError,
    ) -> Result<usize, EngineError> {
        let disposition = error.disposition();
        if disposition == Disposition::InDoubt {
            // The intents stay: whether it happened is looked up, never tried.
            for outgoing in &batch {
                if let Some(work) = works.get(outgoing.index) {
                    self.park(work.step, "Google's answer was lost", Patience::None);
                }
            }
            self.halt(error.into());
            return Ok(MAX_BATCH);
        }
        self.withdraw(works, &batch, Side::Google).await?;
        if error.api().and_then(crate::google::ApiError::quota) == Some(Quota::ContactStorage) {
            self.with(|applied| applied.is_exhausted = true);
        }
        if concerns_all(&disposition) || disposition == Disposition::Forbidden {
            self.halt(error.into());
            return Ok(MAX_BATCH);
        }
        let size = batch.len();
        let is_full = error.api().is_some_and(crate::google::ApiError::is_account_full);
        let faults = error.contact_errors();
        let is_named = |position: usize, name: Option<&ResourceName>| match faults {
            Some(ContactErrors::Created(errors)) => {
                errors.get(&position).map(crate::google::RpcStatus::disposition)
            }
            Some(ContactErrors::Updated(errors)) => {
                errors.get(name?).map(crate::google::RpcStatus::disposition)
            }
            None => None,
        };
        let mut sound = Vec::new();
        let mut changes = self.parts.state.changes();
        for (position, outgoing) in batch.into_iter().enumerate() {
            let Some(work) = works.get(outgoing.index) else { continue };
            let name = work.step.google.as_ref().map(|person| &person.resource_name);
            let fault = if size == 1 { Some(disposition.clone()) } else { is_named(position, name) };
            match fault {
                Some(Disposition::Refused) if is_full => {
                    // What is smaller than what was refused may still find room; what stands alone did not.
                    self.with(|applied| applied.is_full |= size == 1);
                    self.park(work.step, NO_ROOM, Patience::Long);
                    self.leave_alone(work, &mut changes);
                }
                Some(fault) => {
                    self.reject(work.step, Side::Google, &reason_of(&fault, error), Patience::of(&fault));
                    self.leave_alone(work, &mut changes);
                }
                None => sound.push(outgoing),
            }
        }
        self.parts.state.commit(changes).await?;
        let is_mended = sound.len() < size;
        for outgoing in sound.into_iter().rev() {
            queue.push_front(outgoing);
        }
        Ok(if is_mended { MAX_BATCH } else { (size / 2).max(1) })
    }

    /// Writes down what is about to be sent.
    async fn begin(&self, works: &[Work<'_>], batch: &[Outgoing], side: Side) -> Result<(), EngineError> {
        let mut changes = self.parts.state.changes();
        for work in batch.iter().filter_map(|outgoing| works.get(outgoing.index)) {
            self.set_intent(work, side, &mut changes)?;
        }
        Ok(self.parts.state.commit(changes).await?)
    }

    /// Takes back what was written down and provably did not happen.
    async fn withdraw(&self, works: &[Work<'_>], batch: &[Outgoing], side: Side) -> Result<(), EngineError> {
        let mut changes = self.parts.state.changes();
        for work in batch.iter().filter_map(|outgoing| works.get(outgoing.index)) {
            self.take_back(work, side, &mut changes)?;
        }
        Ok(self.parts.state.commit(changes).await?)
    }
}

/// API: a batch of deletes costs as much as ten single ones.
const DELETED_SINGLY: usize = 10;

/// Whether a batch may have been refused for one of its entries.
fn is_of_one(disposition: &Disposition) -> bool {
    !concerns_all(disposition)
        && *disposition != Disposition::InDoubt
        && *disposition != Disposition::Forbidden
}

/// Why one record was refused; the answer's own words may quote the contact and are left out.
fn reason_of(fault: &Disposition, error: &GoogleError) -> String {
    match fault {
        Disposition::Stale => "the contact was changed in Google meanwhile".to_owned(),
        Disposition::Gone => "the contact is no longer in Google".to_owned(),
        Disposition::Refused
        | Disposition::Unavailable
        | Disposition::Throttled { .. }
        | Disposition::InDoubt
        | Disposition::CursorExpired
        | Disposition::Unauthorized
        | Disposition::Forbidden
        | Disposition::Protocol => format!("Google refused the contact: {}", error.hint()),
    }
}

fn update_path(field: PersonField) -> UpdatePath {
    match field {
        PersonField::Names => UpdatePath::Names,
        PersonField::EmailAddresses => UpdatePath::EmailAddresses,
        PersonField::PhoneNumbers => UpdatePath::PhoneNumbers,
        PersonField::Organizations => UpdatePath::Organizations,
        PersonField::Genders => UpdatePath::Genders,
        PersonField::Birthdays => UpdatePath::Birthdays,
        PersonField::Biographies => UpdatePath::Biographies,
        PersonField::Nicknames => UpdatePath::Nicknames,
        PersonField::Occupations => UpdatePath::Occupations,
        PersonField::Interests => UpdatePath::Interests,
        PersonField::Locales => UpdatePath::Locales,
        PersonField::Urls => UpdatePath::Urls,
        PersonField::Relations => UpdatePath::Relations,
        PersonField::Events => UpdatePath::Events,
        PersonField::ExternalIds => UpdatePath::ExternalIds,
        PersonField::ImClients => UpdatePath::ImClients,
        PersonField::SipAddresses => UpdatePath::SipAddresses,
        PersonField::CalendarUrls => UpdatePath::CalendarUrls,
        PersonField::UserDefined => UpdatePath::UserDefined,
        PersonField::Addresses => UpdatePath::Addresses,
    }
}
