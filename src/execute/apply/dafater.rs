//! Writes to the site: one record each, a few at the same time.

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};

use super::links::Linking;
use super::receipt::Work;
use super::{Executor, Patience, concerns_all, google_id, title_of};
use crate::contact::Field;
use crate::dafater::{DafaterError, KEY_FIELD, link_rows};
use crate::execute::EngineError;
use crate::execute::notes::Note;
use crate::mapping::{Document, Link};
use crate::observe::events;
use crate::remote::Disposition;
use crate::state::Unlinked;
use crate::sync::{Action, Side, Step};

/// A name that two writers want at the same moment is free at the next; beyond this the name itself is the obstacle.
const NAME_ATTEMPTS: u32 = 3;

/// API: the fields of which `Contact.autoname` makes a name; it is not made anew when they change.
const NAME_SLOTS: [&str; 4] = ["first_name", "middle_name", "last_name", "company_name"];

impl Executor<'_> {
    pub(super) async fn write_dafater(
        &self,
        works: Vec<Work<'_>>,
        linking: &Linking,
    ) -> Result<(), EngineError> {
        let may_link = self.settings.policy.pull;
        let is_due = |work: &Work<'_>| {
            !self.stays_together(work)
                && (work.step.writes(Side::Dafater)
                    || may_link && linking.links.contains_key(&work.step.pair))
        };
        let mut due: Vec<Work<'_>> = works.into_iter().filter(is_due).collect();
        // What failed before comes last: a document on which the site breaks down again keeps nobody else waiting.
        due.sort_by_key(|work| self.failures.get(&work.step.pair).copied().unwrap_or(0));
        let writes: Vec<BoxFuture<'_, Result<(), EngineError>>> =
            due.into_iter().map(|work| Box::pin(self.write_unless_stopped(work, linking)) as _).collect();
        let mut writes = stream::iter(writes).buffer_unordered(self.settings.connections.max(1));
        let mut outcome = Ok(());
        while let Some(done) = writes.next().await {
            // Those under way are let finish, so that each has its receipt.
            if let Err(error) = done
                && outcome.is_ok()
            {
                self.halt(error.clone());
                outcome = Err(error);
            }
        }
        outcome
    }

    async fn write_unless_stopped(&self, work: Work<'_>, linking: &Linking) -> Result<(), EngineError> {
        if self.must_stop() { Ok(()) } else { self.write_one(work, linking).await }
    }

    /// Keeps a document that was created without a counterpart, as it is by now: that is made from it.
    pub(super) fn keep_document(&self, work: &Work<'_>) {
        let step = work.step;
        let is_first =
            matches!(step.action, Action::Create { side: Side::Dafater, .. }) && step.google.is_none();
        if let Some(document) = work.dafater.clone().filter(|_| is_first) {
            self.with(|applied| drop(applied.documents.insert(step.pair.clone(), document)));
        }
    }

    async fn write_one(&self, mut work: Work<'_>, linking: &Linking) -> Result<(), EngineError> {
        let step = work.step;
        let links = linking.links.get(&step.pair);
        match &step.action {
            Action::Create { side: Side::Dafater, .. } => {
                self.begin_one(&work).await?;
                let outcome = self.create_dafater(&work, links.map(Vec::as_slice).unwrap_or_default()).await;
                match outcome {
                    Ok(document) => {
                        self.note_doubt(step, linking).await?;
                        let none_yet = self.parts.dafater.reads_addresses().then(Vec::new);
                        work.dafater = Some(document.with_addresses(none_yet));
                        self.keep_document(&work);
                        self.with(|applied| applied.dafater.created += 1);
                        self.receive(&work, Side::Dafater, true).await?;
                        self.write_addresses(work, true).await
                    }
                    Err(error) => self.failed(&work, &error).await,
                }
            }
            Action::Merge(merged) => {
                let Some(current) = &step.dafater else { return Ok(()) };
                let (target, mapping) = (&merged.dafater, &self.settings.policy.mapping);
                let mut body = Document::body(Some(current), &target.contact, &target.fields, mapping);
                // A table is written whole: only one that is empty is written at all.
                if let Some(links) = links.filter(|_| current.links.is_empty()) {
                    body.insert("links".to_owned(), link_rows(links));
                }
                if body.is_empty() {
                    work.dafater = Some(current.clone());
                    if !Self::address_changes(&work).is_empty() {
                        return self.write_addresses(work, false).await;
                    }
                    return self.receive(&work, Side::Dafater, false).await;
                }
                self.begin_one(&work).await?;
                match self.parts.dafater.update_contact(&current.name, &current.modified, body).await {
                    Ok(document) => {
                        let addresses = current.addresses.as_ref().map(|addresses| addresses.to_vec());
                        work.dafater = Some(document.with_addresses(addresses));
                        self.with(|applied| applied.dafater.updated += 1);
                        self.receive(&work, Side::Dafater, true).await?;
                        self.write_addresses(work, true).await
                    }
                    Err(error) => self.failed(&work, &error).await,
                }
            }
            Action::Delete { side: Side::Dafater } => {
                let Some(current) = &step.dafater else { return Ok(()) };
                // Without it the contact is deleted all the same, if the site can delete it: what is synced is kept of it anyway.
                work.everything = self.parts.dafater.get_everything(&current.name).await.ok();
                if let Some(Value::Object(everything)) = &mut work.everything {
                    everything.extend(current.addresses_image());
                }
                self.begin_one(&work).await?;
                let deletion = match self.delete_with_addresses(current).await {
                    Err(error) if error.disposition() == Disposition::Gone => {
                        self.confirmed_gone(current, error).await
                    }
                    Err(error) => Err(error),
                    Ok(_) => Ok(()),
                };
                if let Err(error) = deletion {
                    return self.failed(&work, &error).await;
                }
                let mut changes = self.parts.state.changes();
                self.deleted(&work, Side::Dafater, &mut changes)?;
                self.with(|applied| applied.dafater.deleted += 1);
                Ok(self.parts.state.commit(changes).await?)
            }
            Action::Create { .. }
            | Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Leave
            | Action::Forget
            | Action::Postpone => Ok(()),
        }
    }

    /// Whether a document that has its name no more is gone. It may have another name by now: then the next look tells.
    async fn confirmed_gone(&self, document: &Document, missing: DafaterError) -> Result<(), DafaterError> {
        let creations = std::slice::from_ref(&document.creation);
        if self.parts.dafater.find_by_creation(creations).await?.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Tells that a contact could belong to several.
    async fn note_doubt(&self, step: &Step, linking: &Linking) -> Result<(), EngineError> {
        let Some(doubt) = linking.doubts.get(&step.pair) else { return Ok(()) };
        let account = self.parts.state.account().clone();
        events::ItemUnlinked { account: account.clone(), pair: step.pair.to_string() }.emit();
        let note = Note {
            run: self.run,
            at: self.now,
            action: "party",
            google: google_id(step),
            dafater: None,
            title: title_of(step),
            reason: format!("not linked, {doubt}"),
            changes: Vec::new(),
            undoes: None,
        };
        let mut changes = self.parts.state.changes();
        changes.add_history(&step.pair, &note.entry(&account));
        changes.set_unlinked(&Unlinked { pair: step.pair.clone(), doubt: doubt.clone() });
        Ok(self.parts.state.commit(changes).await?)
    }

    async fn create_dafater(&self, work: &Work<'_>, links: &[Link]) -> Result<Document, DafaterError> {
        let contact = work.sent(Side::Dafater).cloned().unwrap_or_default();
        let fields = Field::of(&[&contact]);
        let mapping = &self.settings.policy.mapping;
        let image = self.images.get(&(work.step.pair.clone(), Side::Dafater));
        let mut body = match image {
            Some(image) => Document::anew(&image.fields, &contact, mapping),
            None => Document::body(None, &contact, &fields, mapping),
        };
        if let Some(person) = &work.step.google {
            // The marker by which the document is known again if the answer is lost.
            body.insert("google_contacts_id".to_owned(), json!(person.resource_name.0));
        }
        if !links.is_empty() {
            body.insert("links".to_owned(), link_rows(links));
        }
        // Where the site has the field, it refuses to store the same pair twice; elsewhere it drops it.
        body.insert(KEY_FIELD.to_owned(), json!(work.step.pair));
        let mut attempt = 1;
        loop {
            match self.parts.dafater.create_contact(body.clone()).await {
                Err(DafaterError::Duplicate(_)) if attempt < NAME_ATTEMPTS => attempt += 1,
                Err(error) if error.concerns_name() => return self.create_nameless(body).await,
                // What it was linked to, or a column that it had, may be gone: what is synced still comes back.
                Err(DafaterError::Refused(_)) if image.is_some() && attempt < NAME_ATTEMPTS => {
                    attempt = NAME_ATTEMPTS;
                    let markers = ["google_contacts_id", KEY_FIELD].map(|field| body.remove_entry(field));
                    body = Document::body(None, &contact, &fields, mapping);
                    body.extend(markers.into_iter().flatten());
                }
                outcome => return outcome,
            }
        }
    }

    /// Creates a contact of which the site cannot make a name: it gets a random one, as a contact does that says nothing, and says
    /// what it has to say afterwards. If that fails it is known again by its marker, and its blanks are filled.
    async fn create_nameless(&self, mut body: Map<String, Value>) -> Result<Document, DafaterError> {
        let mut names = Map::new();
        for slot in NAME_SLOTS {
            names.extend(body.remove_entry(slot));
        }
        let document = self.parts.dafater.create_contact(body).await?;
        self.parts.dafater.update_contact(&document.name, &document.modified, names).await
    }

    /// Whether the site refused because it holds a contact of just this pair: an earlier attempt arrived after all.
    async fn was_created_before(&self, work: &Work<'_>, error: &DafaterError) -> bool {
        let is_create = matches!(work.step.action, Action::Create { side: Side::Dafater, .. });
        if !is_create || !matches!(error, DafaterError::NotUnique(_)) {
            return false;
        }
        // Another field of the site may be unique, too; then the key is nobody's.
        matches!(self.parts.dafater.find_by_key(work.step.pair.as_str()).await, Ok(Some(_)))
    }

    async fn begin_one(&self, work: &Work<'_>) -> Result<(), EngineError> {
        let mut changes = self.parts.state.changes();
        self.set_intent(work, Side::Dafater, &mut changes)?;
        Ok(self.parts.state.commit(changes).await?)
    }

    async fn failed(&self, work: &Work<'_>, error: &DafaterError) -> Result<(), EngineError> {
        let step = work.step;
        let disposition = error.disposition();
        if self.was_created_before(work, error).await {
            // The intent stays: what it made is looked up by its marker in the next cycle.
            self.park(step, "it was created before, and the answer was lost", Patience::None);
            return Ok(());
        }
        if disposition == Disposition::InDoubt {
            // The intent stays: whether it happened is looked up, never tried.
            self.park(step, "the site's answer was lost", Patience::None);
            self.halt(error.into());
            return Ok(());
        }
        let mut changes = self.parts.state.changes();
        let has_addresses =
            |document: &Document| document.addresses.as_ref().is_some_and(|all| !all.is_empty());
        let is_begun = matches!(step.action, Action::Delete { .. })
            && concerns_all(&disposition)
            && step.dafater.as_ref().is_some_and(has_addresses);
        if !is_begun {
            // What goes before the contact itself may be gone: then the intent stays, and tells whose work that was.
            self.take_back(work, Side::Dafater, &mut changes)?;
        }
        if concerns_all(&disposition) {
            if disposition == Disposition::Unavailable {
                // It may be this one document that the site breaks down on.
                self.park(step, &format!("{error}: {}", error.hint()), Patience::Short);
                self.leave_alone(work, &mut changes);
            }
            self.halt(error.into());
        } else {
            let reason = why_not(
                error,
                "the contact was changed in Dafater meanwhile",
                "the contact is no longer in Dafater",
            );
            self.reject(step, Side::Dafater, &reason, Patience::of(&disposition));
            self.leave_alone(work, &mut changes);
        }
        Ok(self.parts.state.commit(changes).await?)
    }
}

/// Why the site did not take a write, in the words for a record that was changed meanwhile, and for one that is gone.
pub(super) fn why_not(error: &DafaterError, changed: &str, gone: &str) -> String {
    match error.disposition() {
        Disposition::Stale => changed.to_owned(),
        Disposition::Gone => gone.to_owned(),
        Disposition::Refused
        | Disposition::Forbidden
        | Disposition::InDoubt
        | Disposition::Unavailable
        | Disposition::Throttled { .. }
        | Disposition::CursorExpired
        | Disposition::Unauthorized
        | Disposition::Protocol => format!("{error}: {}", error.hint()),
    }
}
