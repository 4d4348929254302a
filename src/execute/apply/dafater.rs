//! Writes to the site: one record each, a few at the same time.

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};

use super::google::leave_alone;
use super::receipt::Work;
use super::{Executor, Patience, concerns_all};
use crate::contact::Field;
use crate::dafater::DafaterError;
use crate::execute::EngineError;
use crate::mapping::Document;
use crate::remote::Disposition;
use crate::sync::{Action, Side};

/// A name that two writers want at the same moment is free at the next; beyond this the name itself is the obstacle.
const NAME_ATTEMPTS: u32 = 3;

/// API: the fields of which `Contact.autoname` makes a name; it is not made anew when they change.
const NAME_SLOTS: [&str; 4] = ["first_name", "middle_name", "last_name", "company_name"];

impl Executor<'_> {
    pub(super) async fn write_dafater(&self, works: Vec<Work<'_>>) -> Result<(), EngineError> {
        let mut due: Vec<Work<'_>> =
            works.into_iter().filter(|work| work.step.writes(Side::Dafater)).collect();
        // What failed before comes last: a document on which the site breaks down again keeps nobody else waiting.
        due.sort_by_key(|work| self.failures.get(&work.step.pair).copied().unwrap_or(0));
        let writes: Vec<BoxFuture<'_, Result<(), EngineError>>> =
            due.into_iter().map(|work| Box::pin(self.write_unless_stopped(work)) as _).collect();
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

    async fn write_unless_stopped(&self, work: Work<'_>) -> Result<(), EngineError> {
        if self.must_stop() { Ok(()) } else { self.write_one(work).await }
    }

    async fn write_one(&self, mut work: Work<'_>) -> Result<(), EngineError> {
        let step = work.step;
        match &step.action {
            Action::Create { side: Side::Dafater, .. } => {
                self.begin_one(&work).await?;
                let outcome = self.create_dafater(&work).await;
                match outcome {
                    Ok(document) => {
                        if step.google.is_none() {
                            self.with(|applied| {
                                drop(applied.documents.insert(step.pair.clone(), document.clone()));
                            });
                        }
                        let none_yet = self.parts.dafater.reads_addresses().then(Vec::new);
                        work.dafater = Some(document.with_addresses(none_yet));
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
                let body = Document::body(Some(current), &target.contact, &target.fields, mapping);
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
                match self.delete_with_addresses(current).await {
                    Err(error) if error.disposition() != Disposition::Gone => {
                        self.failed(&work, &error).await
                    }
                    Ok(_) | Err(_) => {
                        let mut changes = self.parts.state.changes();
                        self.deleted(&work, Side::Dafater, &mut changes)?;
                        self.with(|applied| applied.dafater.deleted += 1);
                        Ok(self.parts.state.commit(changes).await?)
                    }
                }
            }
            Action::Create { .. }
            | Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Forget
            | Action::Postpone => Ok(()),
        }
    }

    async fn create_dafater(&self, work: &Work<'_>) -> Result<Document, DafaterError> {
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
        let mut attempt = 1;
        loop {
            match self.parts.dafater.create_contact(body.clone()).await {
                Err(DafaterError::Duplicate(_)) if attempt < NAME_ATTEMPTS => attempt += 1,
                Err(error) if error.concerns_name() => return self.create_nameless(body).await,
                // What it was linked to, or a column that it had, may be gone: what is synced still comes back.
                Err(DafaterError::Refused(_)) if image.is_some() && attempt < NAME_ATTEMPTS => {
                    attempt = NAME_ATTEMPTS;
                    let marker = body.remove("google_contacts_id");
                    body = Document::body(None, &contact, &fields, mapping);
                    body.extend(marker.map(|marker| ("google_contacts_id".to_owned(), marker)));
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

    async fn begin_one(&self, work: &Work<'_>) -> Result<(), EngineError> {
        let mut changes = self.parts.state.changes();
        changes.set_intent(&self.intent(work, Side::Dafater));
        Ok(self.parts.state.commit(changes).await?)
    }

    async fn failed(&self, work: &Work<'_>, error: &DafaterError) -> Result<(), EngineError> {
        let step = work.step;
        let disposition = error.disposition();
        if disposition == Disposition::InDoubt {
            // The intent stays: whether it happened is looked up, never tried.
            self.park(step, "the site's answer was lost", Patience::None);
            self.halt(error.into());
            return Ok(());
        }
        let mut changes = self.parts.state.changes();
        changes.remove_intent(&step.pair, Side::Dafater);
        if concerns_all(&disposition) {
            if disposition == Disposition::Unavailable {
                // It may be this one document that the site breaks down on.
                self.park(step, &format!("{error}: {}", error.hint()), Patience::Short);
                leave_alone(work, &mut changes);
            }
            self.halt(error.into());
        } else {
            let reason = match disposition {
                Disposition::Stale => "the contact was changed in Dafater meanwhile".to_owned(),
                Disposition::Gone => "the contact is no longer in Dafater".to_owned(),
                Disposition::Refused
                | Disposition::Forbidden
                | Disposition::InDoubt
                | Disposition::Unavailable
                | Disposition::Throttled { .. }
                | Disposition::CursorExpired
                | Disposition::Unauthorized
                | Disposition::Protocol => format!("{error}: {}", error.hint()),
            };
            self.reject(step, Side::Dafater, &reason, Patience::of(&disposition));
            leave_alone(work, &mut changes);
        }
        Ok(self.parts.state.commit(changes).await?)
    }
}
