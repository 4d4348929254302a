//! `people`: batchCreateContacts, batchUpdateContacts, batchDeleteContacts.
//!
//! Law: a batch is done whole or not at all; a refused one says what is wrong with which contact.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::account::Turn;
use super::call::Call;
use super::edit::Draft;
use super::mask::Mask;
use super::people::{PersonResponse, Sources, body};
use super::record::{Record, Shown};
use super::refusal::{Answer, Refusal};
use super::schema::{BATCH_CREATE, BATCH_DELETE, BATCH_UPDATE};

const MAX_WRITES: usize = 200;
const MAX_DELETES: usize = 500;

impl Turn<'_> {
    /// `people.batchCreateContacts`
    pub(super) fn batch_create_contacts(&mut self, call: &Call<'_>) -> Answer {
        let mut request = call.read(&BATCH_CREATE, "")?;
        let (mask, sources) = (read_mask(&request)?, Sources::of_body(&request)?);
        let Some(Value::Array(contacts)) = request.remove("contacts") else {
            return Err(Refusal::invalid_argument());
        };
        check_count(contacts.len(), MAX_WRITES)?;
        self.check_room(contacts.len())?;
        let mut errors = Map::new();
        let mut records = Vec::with_capacity(contacts.len());
        for (index, contact) in contacts.into_iter().enumerate() {
            match self.prepare_new(Draft::new(inner(contact, "contactPerson"))) {
                Ok(record) => records.push(record),
                Err(refusal) => drop(errors.insert(index.to_string(), refusal.to_status())),
            }
        }
        refuse_whole("BatchCreateContactsErrorDetails", &errors)?;
        let records: Vec<Arc<Record>> = records.into_iter().map(|record| self.commit(record)).collect();
        self.account.writes.created += records.len() as u64;
        let Some(mask) = mask else { return Ok(b"{}".to_vec()) };
        let look = sources.look(mask);
        let created_people = records.iter().map(|record| {
            PersonResponse::new(&record.resource_name, Some(Shown { record, look, stale_etag: false }))
        });
        body(&BatchCreateAnswer { created_people: created_people.collect() })
    }

    /// `people.batchUpdateContacts`
    pub(super) fn batch_update_contacts(&mut self, call: &Call<'_>) -> Answer {
        let mut request = call.read(&BATCH_UPDATE, "")?;
        let (mask, sources) = (read_mask(&request)?, Sources::of_body(&request)?);
        let update = request.get("updateMask").and_then(Value::as_str).unwrap_or_default();
        let update = Mask::to_write(update, "updateMask", "batchUpdateContacts")?;
        let Some(Value::Object(contacts)) = request.remove("contacts") else {
            return Err(Refusal::invalid_argument());
        };
        check_count(contacts.len(), MAX_WRITES)?;
        let mut errors = Map::new();
        let mut records = Vec::with_capacity(contacts.len());
        for (name, contact) in contacts {
            let Value::Object(contact) = contact else { continue };
            match self.updated(&name, Draft::new(contact), update) {
                Ok(record) => records.push((name, record)),
                Err(refusal) => drop(errors.insert(name, refusal.to_status())),
            }
        }
        refuse_whole("BatchUpdateContactsErrorDetails", &errors)?;
        let records: Vec<(String, Arc<Record>)> =
            records.into_iter().map(|(name, record)| (name, self.commit(record))).collect();
        self.account.writes.updated += records.len() as u64;
        let Some(mask) = mask else { return Ok(b"{}".to_vec()) };
        let look = sources.look(mask);
        let update_result = records.iter().map(|(name, record)| {
            (name.as_str(), PersonResponse::new(name, Some(Shown { record, look, stale_etag: false })))
        });
        body(&BatchUpdateAnswer { update_result: update_result.collect() })
    }

    /// `people.batchDeleteContacts`
    pub(super) fn batch_delete_contacts(&mut self, call: &Call<'_>) -> Answer {
        let request = call.read(&BATCH_DELETE, "")?;
        let names =
            request.get("resourceNames").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        check_count(names.len(), MAX_DELETES)?;
        let mut ids = Vec::with_capacity(names.len());
        for name in names.iter().filter_map(Value::as_str) {
            ids.push(self.find(name)?.id);
        }
        ids.sort_unstable();
        ids.dedup();
        for id in &ids {
            self.delete(*id, true);
        }
        self.account.writes.deleted += ids.len() as u64;
        Ok(b"{}".to_vec())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchCreateAnswer<'a> {
    created_people: Vec<PersonResponse<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchUpdateAnswer<'a> {
    update_result: BTreeMap<&'a str, PersonResponse<'a>>,
}

/// API: an empty mask means that no data comes back.
fn read_mask(request: &Map<String, Value>) -> Result<Option<Mask>, Refusal> {
    let text = request.get("readMask").and_then(Value::as_str);
    text.map(|text| Mask::to_read(text, "readMask")).transpose()
}

fn check_count(count: usize, most: usize) -> Result<(), Refusal> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("Must specify between 1 and {most} contacts.")))
}

fn inner(value: Value, key: &str) -> Map<String, Value> {
    let Value::Object(mut value) = value else { return Map::new() };
    match value.remove(key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

/// Refuses the batch when there is any error in it.
fn refuse_whole(details: &str, errors: &Map<String, Value>) -> Result<(), Refusal> {
    if errors.is_empty() {
        return Ok(());
    }
    let mut refusal = Refusal::invalid_argument();
    let kind = format!("type.googleapis.com/google.people.v1.{details}");
    refusal.details.push(json!({"@type": kind, "contactErrors": errors}));
    Err(refusal)
}
