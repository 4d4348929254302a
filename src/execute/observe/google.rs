//! Reads Google: everything, or what changed since the cursor.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Observer;
use crate::execute::EngineError;
use crate::google::{GoogleError, ListConnections, SyncToken};
use crate::mapping::{Person, SourceId};
use crate::state::GoogleCursor;

/// What a read of Google showed.
pub(in crate::execute) struct GoogleReading {
    /// Live contacts.
    pub(super) present: BTreeMap<SourceId, Person>,
    /// Tombstones.
    pub(super) deleted: BTreeMap<SourceId, Person>,
    /// Whether every contact of the account was listed: all pages came, the last with a cursor, and the count agrees.
    pub(super) is_complete: bool,
    /// Of a read of everything: how many contacts Google counts and did not list.
    pub(super) missing: Option<u64>,
    /// The cursor to store once everything read is dealt with.
    pub(super) cursor: Option<GoogleCursor>,
    /// Contacts that could not be understood.
    pub(super) malformed: Vec<String>,
}

impl Observer<'_> {
    /// Reads from `cursor` if it can still be used, else everything.
    pub(super) async fn read_google(
        &self,
        cursor: Option<&GoogleCursor>,
    ) -> Result<GoogleReading, EngineError> {
        let is_usable = |cursor: &&GoogleCursor| {
            cursor.mask == self.parts.google.mask().fingerprint()
                && self.now.duration_since(cursor.full_read_at) < self.settings.full_read_after
        };
        if let Some(cursor) = cursor.filter(is_usable) {
            match self.pages(Some(cursor)).await {
                Err(error) if error.is_expired_cursor() => {}
                reading => return reading,
            }
        }
        self.pages(None).await
    }

    async fn pages(&self, cursor: Option<&GoogleCursor>) -> Result<GoogleReading, EngineError> {
        let mut reading = GoogleReading {
            present: BTreeMap::new(),
            deleted: BTreeMap::new(),
            is_complete: false,
            missing: None,
            cursor: cursor.cloned(),
            malformed: Vec::new(),
        };
        let mut list = ListConnections {
            sync_token: cursor.map(|cursor| SyncToken(cursor.token.clone())),
            page_token: None,
            request_sync_token: true,
        };
        loop {
            let page = self.parts.google.list_connections(&list).await?;
            let is_empty = page.people.is_empty();
            for person in page.people {
                match person {
                    Ok(person) if person.deleted => {
                        reading.present.remove(&person.source_id);
                        reading.deleted.insert(person.source_id.clone(), person);
                    }
                    Ok(person) => {
                        reading.deleted.remove(&person.source_id);
                        reading.present.insert(person.source_id.clone(), person);
                    }
                    Err(malformed) => reading.malformed.push(malformed.to_string()),
                }
            }
            if let Some(next) = page.next_page_token {
                list.page_token = Some(next);
                continue;
            }
            // A full read that does not say where the next one starts is not known to have ended.
            let listed = reading.present.len() + reading.malformed.len();
            let listed = u64::try_from(listed).unwrap_or(u64::MAX);
            let missing = page.total_items.map_or(0, |total| total.saturating_sub(listed));
            reading.missing = cursor.is_none().then_some(missing);
            reading.is_complete = cursor.is_none() && page.next_sync_token.is_some() && missing == 0;
            let nothing_new =
                cursor.is_some() && is_empty && reading.present.is_empty() && reading.deleted.is_empty();
            if let Some(token) = page.next_sync_token.filter(|_| !nothing_new) {
                reading.cursor = Some(GoogleCursor {
                    token: token.0,
                    mask: self.parts.google.mask().fingerprint(),
                    full_read_at: cursor.map_or(self.now, |cursor| cursor.full_read_at),
                });
            }
            self.complete(&mut reading).await?;
            return Ok(reading);
        }
    }

    /// Reads contacts singly whose lists may have been cut off.
    async fn complete(&self, reading: &mut GoogleReading) -> Result<(), EngineError> {
        let cut: Vec<SourceId> = reading
            .present
            .iter()
            .filter(|(_, person)| may_be_cut(person))
            .map(|(id, _)| id.clone())
            .collect();
        for id in cut {
            let Some(listed) = reading.present.remove(&id) else { continue };
            match self.parts.google.get(&listed.resource_name).await {
                Ok(Some(person)) => drop(reading.present.insert(person.source_id.clone(), person)),
                // Deleted since it was listed: the next read of changes says so.
                Ok(None) => {}
                Err(error @ GoogleError::Malformed { .. }) => reading.malformed.push(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

// API: lists show at most 100 e-mail addresses and phone numbers of a contact; people.get shows all.
const CUT_AT: usize = 100;

/// Whether a list of contacts, or a look-up of many, may show less of this one than there is.
pub(super) fn may_be_cut(person: &Person) -> bool {
    ["emailAddresses", "phoneNumbers"].iter().any(|field| {
        person.fields.get(*field).and_then(Value::as_array).is_some_and(|items| items.len() >= CUT_AT)
    })
}
