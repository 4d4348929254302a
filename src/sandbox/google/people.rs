//! `people`: get, batchGet, createContact, updateContact, deleteContact.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::account::{Turn, answers_to, is_etag_stale};
use super::call::Call;
use super::edit::Draft;
use super::mask::Mask;
use super::record::{Look, Record, Shown};
use super::refusal::{Answer, Refusal};
use super::schema::PERSON;

/// Which sources a read takes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources {
    pub(super) contacts: bool,
    pub(super) profiles: bool,
}

impl Sources {
    /// Reads the repeated parameter; API: without one, contacts and profiles.
    pub(super) fn parse<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut sources = Self { contacts: false, profiles: false };
        let mut any = false;
        for (index, name) in names.enumerate() {
            any = true;
            match name {
                "READ_SOURCE_TYPE_CONTACT" => sources.contacts = true,
                "READ_SOURCE_TYPE_PROFILE" => sources.profiles = true,
                "READ_SOURCE_TYPE_DOMAIN_CONTACT" | "READ_SOURCE_TYPE_OTHER_CONTACT" => {}
                other => {
                    let description = format!(
                        "Invalid value at 'sources[{index}]' (type.googleapis.com/google.people.v1.ReadSourceType), \
                         \"{other}\""
                    );
                    return Err(Refusal::unreadable(vec![("sources".to_owned(), description)]));
                }
            }
        }
        Ok(if any { sources } else { Self { contacts: true, profiles: true } })
    }

    pub(super) fn of_body(body: &Map<String, Value>) -> Result<Self, Refusal> {
        let names = body.get("sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Self::parse(names.iter().filter_map(Value::as_str))
    }

    pub(super) fn look(self, mask: Mask) -> Look {
        Look { mask, profiles: self.profiles, listed: false, delta: false }
    }
}

impl Turn<'_> {
    /// `people.get`
    pub(super) fn get_person(&mut self, call: &Call<'_>, name: &str) -> Answer {
        let mask = Mask::to_read(&call.query.person_fields(), "personFields")?;
        let sources = Sources::parse(call.query.all("sources"))?;
        if name == "people/me" {
            return self.own_profile(mask);
        }
        let (options, now) = (self.options, self.now);
        let id = self.account.id_of(name).ok_or_else(Refusal::not_found)?;
        let record = self.account.got.at(now, options.get_delay).live(id);
        let record = record.filter(|record| sources.contacts && answers_to(record, name, options));
        let record = record.ok_or_else(Refusal::not_found)?;
        let stale_etag = is_etag_stale(record, options, now);
        body(&Shown { record, look: sources.look(mask), stale_etag })
    }

    /// `people.getBatchGet`
    pub(super) fn batch_get_people(&mut self, call: &Call<'_>) -> Answer {
        let mask = Mask::to_read(&call.query.person_fields(), "personFields")?;
        let sources = Sources::parse(call.query.all("sources"))?;
        let names: Vec<&str> = call.query.all("resourceNames").collect();
        if names.is_empty() || names.len() > 200 {
            return Err(Refusal::invalid("Must specify between 1 and 200 resource names."));
        }
        if names.iter().any(|name| !name.starts_with("people/")) {
            return Err(Refusal::invalid("Resource names must be of the form \"people/{person_id}\"."));
        }
        let (options, now) = (self.options, self.now);
        let ids: Vec<Option<u64>> = names.iter().map(|name| self.account.id_of(name)).collect();
        let view = self.account.got.at(now, options.get_delay);
        let responses = names.iter().zip(ids).map(|(name, id)| {
            let record = id.and_then(|id| view.live(id));
            let record = record.filter(|record| sources.contacts && answers_to(record, name, options));
            let shown = record.map(|record| Shown {
                record,
                look: sources.look(mask),
                stale_etag: is_etag_stale(record, options, now),
            });
            PersonResponse::new(name, shown)
        });
        body(&BatchGetAnswer { responses: responses.collect() })
    }

    /// `people.createContact`
    pub(super) fn create_contact(&mut self, call: &Call<'_>) -> Answer {
        let mask = optional_read_mask(call)?;
        let sources = Sources::parse(call.query.all("sources"))?;
        let draft = Draft::new(call.read(&PERSON, "person")?);
        self.check_room(1)?;
        let record = self.prepare_new(draft)?;
        let record = self.commit(record);
        self.account.writes.created += 1;
        written(&record, sources.look(mask))
    }

    /// `people.updateContact`
    pub(super) fn update_contact(&mut self, call: &Call<'_>, name: &str) -> Answer {
        let update = call.query.get("updatePersonFields").unwrap_or_default();
        let update = Mask::to_write(update, "updatePersonFields", "updateContact")?;
        let mask = optional_read_mask(call)?;
        let sources = Sources::parse(call.query.all("sources"))?;
        let draft = Draft::new(call.read(&PERSON, "person")?);
        let record = self.updated(name, draft, update)?;
        let record = self.commit(record);
        self.account.writes.updated += 1;
        written(&record, sources.look(mask))
    }

    /// The record that an update would make.
    pub(super) fn updated(&self, name: &str, draft: Draft, mask: Mask) -> Result<Record, Refusal> {
        let before = self.find(name)?;
        draft.check_etag(before)?;
        self.prepare_update(before, draft, mask)
    }

    /// `people.deleteContact`
    pub(super) fn delete_contact(&mut self, name: &str) -> Answer {
        let id = self.find(name)?.id;
        self.delete(id, true);
        self.account.writes.deleted += 1;
        Ok(b"{}".to_vec())
    }

    /// Refuses `more` contacts when the account is full.
    pub(super) fn check_room(&mut self, more: usize) -> Result<(), Refusal> {
        if self.occupied() + more <= self.options.max_contacts {
            return Ok(());
        }
        let (code, status) = self.options.overflow;
        Err(Refusal::new(code, status, "MY_CONTACTS_OVERFLOW_COUNT"))
    }

    /// The signed-in user as a person.
    fn own_profile(&self, mask: Mask) -> Answer {
        let account = &self.account;
        let source = json!({"type": "PROFILE", "id": account.sub});
        let metadata = json!({"primary": true, "verified": true, "source": source, "sourcePrimary": true});
        let whole = json!({
            "emailAddresses": [{"metadata": metadata, "value": account.email}],
            "metadata": {"sources": [{"type": "PROFILE", "id": account.sub, "etag": super::etag::source_etag(account.index)}],
                "objectType": "PERSON"},
        });
        let mut person = Map::new();
        person.insert("resourceName".to_owned(), format!("people/{}", account.sub).into());
        person.insert("etag".to_owned(), super::etag::person_etag(&mask.numbers(), account.index).into());
        for (_, field) in mask.fields() {
            if let Some(value) = whole.get(field.name) {
                person.insert(field.name.to_owned(), value.clone());
            }
        }
        body(&person)
    }
}

/// API: a mask that may be missing reads everything.
fn optional_read_mask(call: &Call<'_>) -> Result<Mask, Refusal> {
    match call.query.get("personFields") {
        Some(text) => Mask::to_read(text, "personFields"),
        None => Ok(Mask::ALL),
    }
}

/// The answer to a write: what was written, with its new etags.
fn written(record: &Record, look: Look) -> Answer {
    body(&Shown { record, look, stale_etag: false })
}

/// Any answer as JSON.
pub(super) fn body(answer: &impl Serialize) -> Answer {
    serde_json::to_vec(answer).map_err(|_| Refusal::new(500, "INTERNAL", "Internal error encountered."))
}

#[derive(Serialize)]
struct BatchGetAnswer<'a> {
    responses: Vec<PersonResponse<'a>>,
}

/// `PersonResponse`: one contact of a batch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PersonResponse<'a> {
    http_status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Shown<'a>>,
    requested_resource_name: &'a str,
    status: Value,
}

impl<'a> PersonResponse<'a> {
    /// The contact, or that there is none.
    pub(super) fn new(name: &'a str, person: Option<Shown<'a>>) -> Self {
        let (http_status_code, status) = match person {
            Some(_) => (200, json!({})),
            None => (404, Refusal::not_found().to_status()),
        };
        Self { http_status_code, person, requested_resource_name: name, status }
    }
}
