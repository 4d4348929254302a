//! Writes the addresses of a contact: documents of their own, one write each, after the contact itself.
//!
//! Law: nothing is deleted before all the rest is there, and never what belongs to others as well; an address that is refused keeps no other
//! one back. A create whose answer was lost is not sent again before it had time to show.

use serde_json::{Map, Value, json};

use super::dafater::why_not;
use super::receipt::Work;
use super::{Executor, Patience, concerns_all};
use crate::contact::{Field, Value as Address};
use crate::dafater::DafaterError;
use crate::execute::EngineError;
use crate::mapping::{AddressChange, AddressDocument, Document};
use crate::remote::Disposition;
use crate::state::IntentKind;
use crate::sync::{Action, Side};

/// A name that two writers want at the same moment is free at the next.
const NAME_ATTEMPTS: u32 = 3;

/// API: an Address is called "Title-Type-1", and a name holds 140 characters.
const LONGEST_TITLE: usize = 110;

/// How the writes of one contact's addresses went.
#[derive(Default)]
struct Outcome {
    /// Whether anything was written.
    is_written: bool,
    /// Why something was not.
    refused: Option<DafaterError>,
    /// Whether the answer to a write was lost.
    is_in_doubt: bool,
}

impl Executor<'_> {
    /// What has to be done to the addresses of the step's contact, which stands.
    pub(super) fn address_changes(work: &Work<'_>) -> Vec<AddressChange> {
        let is_wanted = match &work.step.action {
            Action::Merge(merged) => merged.dafater.fields.contains(&Field::Addresses),
            Action::Create { side, .. } => *side == Side::Dafater,
            Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Leave
            | Action::Forget
            | Action::Postpone => false,
        };
        let target = work.sent(Side::Dafater).and_then(|contact| contact.addresses.as_ref());
        match (target.filter(|_| is_wanted), &work.dafater) {
            (Some(target), Some(document)) => document.address_changes(target),
            (Some(_) | None, _) => Vec::new(),
        }
    }

    /// Writes the addresses of a contact that stands. `is_counted` tells whether its update was counted already.
    pub(super) async fn write_addresses(
        &self,
        mut work: Work<'_>,
        is_counted: bool,
    ) -> Result<(), EngineError> {
        let changes = Self::address_changes(&work);
        let Some(mut document) = work.dafater.clone().filter(|_| !changes.is_empty()) else { return Ok(()) };
        self.begin_addresses(&work, &changes).await?;
        let outcome = self.change_addresses(&work, &mut document, changes).await;
        work.dafater = Some(document);
        self.keep_document(&work);
        if outcome.is_in_doubt {
            // The intent stays: whether it happened is looked up, never tried.
            self.park(work.step, "the site's answer was lost", Patience::None);
            if let Some(error) = outcome.refused {
                self.halt(error.into());
            }
            return Ok(());
        }
        if outcome.is_written {
            if !is_counted {
                self.with(|applied| applied.dafater.updated += 1);
            }
            self.receive(&work, Side::Dafater, true).await?;
        } else {
            let mut changes = self.parts.state.changes();
            changes.remove_intent(&work.step.pair, Side::Dafater);
            self.parts.state.commit(changes).await?;
        }
        if let Some(error) = outcome.refused {
            let mut changes = self.parts.state.changes();
            self.end_apart(&work, &mut changes)?;
            self.parts.state.commit(changes).await?;
            let disposition = error.disposition();
            let meanwhile = "an address was changed in Dafater meanwhile";
            let reason = why_not(&error, meanwhile, meanwhile);
            self.reject(work.step, Side::Dafater, &reason, Patience::of(&disposition));
            if concerns_all(&disposition) {
                self.halt(error.into());
            }
        }
        Ok(())
    }

    async fn begin_addresses(&self, work: &Work<'_>, changes: &[AddressChange]) -> Result<(), EngineError> {
        let creates = changes.iter().any(|change| matches!(change, AddressChange::Create(_)));
        let kind = if creates { IntentKind::Extend } else { IntentKind::Update };
        let intent = crate::state::Intent { kind, ..self.intent(work, Side::Dafater) };
        let mut changes = self.parts.state.changes();
        changes.set_intent(&intent);
        self.begin_apart(work, &mut changes)?;
        Ok(self.parts.state.commit(changes).await?)
    }

    async fn change_addresses(
        &self,
        work: &Work<'_>,
        document: &mut Document,
        changes: Vec<AddressChange>,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        for change in changes {
            if self.must_stop() {
                break;
            }
            match self.change_address(work, document, change).await {
                Ok(addresses) => {
                    *document = document.clone().with_addresses(Some(addresses));
                    outcome.is_written = true;
                }
                Err(error) => {
                    let disposition = error.disposition();
                    outcome.is_in_doubt = disposition == Disposition::InDoubt;
                    outcome.refused = Some(error);
                    if outcome.is_in_doubt || concerns_all(&disposition) {
                        break;
                    }
                }
            }
        }
        outcome
    }

    /// Does one thing and returns all addresses as they are then.
    async fn change_address(
        &self,
        work: &Work<'_>,
        document: &Document,
        change: AddressChange,
    ) -> Result<Vec<AddressDocument>, DafaterError> {
        let site = &self.parts.dafater;
        let mut addresses: Vec<AddressDocument> =
            document.addresses.iter().flat_map(|all| all.iter().cloned()).collect();
        let lock = |name: &crate::mapping::DocumentName| {
            let known = addresses.iter().find(|address| address.name == *name);
            known.map_or_else(|| document.modified.clone(), |address| address.modified.clone())
        };
        let written = match change {
            AddressChange::Create(wanted) => Some(self.create_address(work, document, &wanted).await?),
            AddressChange::Update(name, body) => Some(site.update_address(&name, &lock(&name), body).await?),
            AddressChange::Delete(name) => {
                let lock = lock(&name);
                let outcome = match site.delete_address(&name, &lock).await {
                    Ok(()) => None,
                    Err(error) => match error.disposition() {
                        Disposition::Gone => None,
                        // Others refer to it, or the user may not delete: it goes out of use.
                        Disposition::Refused | Disposition::Forbidden => {
                            let body = Map::from_iter([("disabled".to_owned(), json!(1))]);
                            Some(site.update_address(&name, &lock, body).await?)
                        }
                        Disposition::Stale
                        | Disposition::InDoubt
                        | Disposition::Unavailable
                        | Disposition::Throttled { .. }
                        | Disposition::CursorExpired
                        | Disposition::Unauthorized
                        | Disposition::Protocol => return Err(error),
                    },
                };
                addresses.retain(|address| address.name != name);
                outcome
            }
        };
        if let Some(written) = written {
            // API: the name of one that went meanwhile is given again; that one is known by its creation, until the site says that it is gone.
            addresses.retain(|address| address.creation.civil() != written.creation.civil());
            addresses.push(written);
        }
        Ok(addresses)
    }

    async fn create_address(
        &self,
        work: &Work<'_>,
        document: &Document,
        wanted: &Address,
    ) -> Result<AddressDocument, DafaterError> {
        let title = work.sent(Side::Dafater).map(crate::contact::Contact::title).unwrap_or_default();
        let title: String = title.chars().take(LONGEST_TITLE).collect();
        let title = if title.is_empty() { "Address" } else { title.as_str() };
        let image = self.images.get(&(work.step.pair.clone(), Side::Dafater));
        let image = image.and_then(|image| Document::parse(Value::Object(image.fields.clone())).ok());
        let image = image.as_ref().and_then(|image| {
            let mut addresses = image.addresses.iter().flat_map(|addresses| addresses.iter());
            addresses.find(|address| address.value().is_some_and(|value| value.key == wanted.key))
        });
        let mut body = AddressDocument::anew(wanted, title, &document.name, image);
        let mut attempt = 1;
        loop {
            match self.parts.dafater.create_address(body.clone()).await {
                Err(DafaterError::Duplicate(_)) if attempt < NAME_ATTEMPTS => attempt += 1,
                Err(error) if error.concerns_name() && attempt < NAME_ATTEMPTS => {
                    attempt = NAME_ATTEMPTS;
                    body.insert("address_title".to_owned(), json!("Address"));
                }
                // What it referred to beside the contact, or a column that it had, may be gone.
                Err(DafaterError::Refused(_)) if image.is_some() && attempt < NAME_ATTEMPTS => {
                    attempt = NAME_ATTEMPTS;
                    body = AddressDocument::anew(wanted, title, &document.name, None);
                }
                outcome => return outcome,
            }
        }
    }

    /// Deletes what belongs to `document` alone, without which the site does not delete it; if it is not deleted after all, what we
    /// took comes back.
    pub(super) async fn delete_with_addresses(&self, document: &Document) -> Result<Document, DafaterError> {
        let addresses = document.addresses.iter().flat_map(|addresses| addresses.iter());
        let (shared, own): (Vec<_>, Vec<_>) =
            addresses.partition(|address| address.is_shared(&document.name));
        let mut gone = Vec::new();
        let mut refused = None;
        // One that belongs to others as well keeps the contact: the site says so itself.
        for address in own.into_iter().filter(|_| shared.is_empty()) {
            match self.parts.dafater.delete_address(&address.name, &address.modified).await {
                Ok(()) => gone.push(address),
                // Somebody else took it away.
                Err(error) if error.disposition() == Disposition::Gone => {}
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let outcome = match refused {
            Some(error) => Err(error),
            None => self.parts.dafater.delete_contact(&document.name, &document.modified).await,
        };
        if let Err(error) = &outcome
            && matches!(
                error.disposition(),
                Disposition::Refused | Disposition::Forbidden | Disposition::Stale
            )
        {
            for address in gone {
                let Some(value) = address.value() else { continue };
                let body = AddressDocument::anew(&value, "Address", &document.name, Some(address));
                // If that fails, its before-image is in the history and the site keeps it as a Deleted Document.
                drop(self.parts.dafater.create_address(body).await);
            }
        }
        outcome
    }
}
