//! What a client writes, turned into a record.
//!
//! Law: a write is checked whole before anything changes; the fields in its mask are replaced whole, the others stay as they are.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::account::Turn;
use super::derive;
use super::etag;
use super::mask::{Mask, bit};
use super::record::{Item, Record, contact_name, field_name};
use super::refusal::Refusal;

/// A person as a client wrote it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    etag: Option<String>,
    source_etag: Option<String>,
    fields: BTreeMap<usize, Vec<Item>>,
}

impl Draft {
    /// Takes a person, already read into its shape, apart.
    pub(super) fn new(mut person: Map<String, Value>) -> Self {
        let owned = |value: &Value| value.as_str().map(str::to_owned);
        let etag = person.get("etag").and_then(owned);
        let sources = person.get("metadata").and_then(|metadata| metadata.get("sources"));
        let source_etag = sources
            .and_then(Value::as_array)
            .and_then(|sources| {
                sources.iter().find(|source| source.get("type").is_some_and(|t| t == "CONTACT"))
            })
            .and_then(|source| source.get("etag"))
            .and_then(owned);
        let mut fields = BTreeMap::new();
        for (bit, field) in Mask::ALL.fields() {
            let Some(Value::Array(items)) = person.remove(field.name) else { continue };
            fields.insert(bit, items.into_iter().filter_map(item).collect());
        }
        Self { etag, source_etag, fields }
    }

    /// Refuses a write that does not carry the record's current etag.
    pub(super) fn check_etag(&self, record: &Record) -> Result<(), Refusal> {
        if self.etag.is_none() && self.source_etag.is_none() {
            return Err(Refusal::invalid(
                "Request must set person.etag or person.metadata.sources.etag for the source that is being updated.",
            ));
        }
        if self.source_etag.as_ref().is_some_and(|etag| !etag::is_source_etag(etag, record.revision)) {
            return Err(Refusal::stale_person("person.metadata.sources.etag"));
        }
        if self.etag.as_ref().is_some_and(|etag| !etag::is_person_etag(etag, record.revision)) {
            return Err(Refusal::stale_person("person.etag"));
        }
        Ok(())
    }

    /// The fields that it names.
    pub(super) fn named_fields(&self) -> impl Iterator<Item = &'static str> {
        self.fields.keys().map(|bit| field_name(*bit))
    }
}

/// One item; none for what belongs to another source or is empty.
fn item(value: Value) -> Option<Item> {
    let Value::Object(mut value) = value else { return None };
    let metadata = value.remove("metadata").unwrap_or_default();
    // API: non-contact data in the body is ignored.
    let source = metadata.get("source").and_then(|source| source.get("type")).and_then(Value::as_str);
    if value.is_empty() || source.is_some_and(|source| source != "CONTACT") {
        return None;
    }
    let source_primary = metadata.get("sourcePrimary").is_some();
    Some(Item { source_primary, value })
}

impl Turn<'_> {
    /// A new contact with the draft's fields.
    pub(super) fn prepare_new(&mut self, draft: Draft) -> Result<Record, Refusal> {
        let id = loop {
            let id = self.random.next();
            if id != 0 && self.account.live.any(id).is_none() {
                break id;
            }
        };
        let mut record = Record {
            id,
            resource_name: contact_name(id),
            previous_names: Vec::new(),
            revision: 0,
            prior_revision: 0,
            changed: self.now,
            sequence: 0,
            deleted: false,
            fields: BTreeMap::new(),
            profile: None,
            photo: None,
        };
        let mut draft = draft;
        let memberships = draft.fields.entry(bit::MEMBERSHIPS).or_default();
        if memberships.is_empty() {
            memberships.push(membership("contactGroups/myContacts"));
        }
        let mask = Mask::of_names(draft.named_fields());
        self.replace(&mut record, draft, mask)?;
        Ok(record)
    }

    /// `before` with the fields in `mask` taken from the draft.
    pub(super) fn prepare_update(
        &self,
        before: &Record,
        draft: Draft,
        mask: Mask,
    ) -> Result<Record, Refusal> {
        let mut record = before.clone();
        self.replace(&mut record, draft, mask)?;
        Ok(record)
    }

    fn replace(&self, record: &mut Record, mut draft: Draft, mask: Mask) -> Result<(), Refusal> {
        for (bit, field) in mask.fields() {
            let mut items = draft.fields.remove(&bit).unwrap_or_default();
            if field.singleton && items.len() > 1 {
                return Err(Refusal::invalid(format!(
                    "Request person.{} must have at most one value: the field is a singleton for contact sources.",
                    field.name
                )));
            }
            if items.iter().filter(|item| item.source_primary).count() > 1 {
                return Err(Refusal::invalid_argument());
            }
            if bit == bit::MEMBERSHIPS {
                items = self.memberships(record, &items)?;
            }
            for item in &mut items {
                check_lengths(bit, &item.value)?;
                derive::complete(bit, &mut item.value, self.account.region)?;
            }
            if items.is_empty() {
                record.fields.remove(&bit);
            } else {
                record.fields.insert(bit, items);
            }
        }
        check_size(record)
    }

    /// The memberships that a client may set, each group once.
    fn memberships(&self, record: &Record, items: &[Item]) -> Result<Vec<Item>, Refusal> {
        let mut memberships: Vec<Item> = Vec::with_capacity(items.len());
        for item in items {
            let name = item
                .value
                .get("contactGroupMembership")
                .and_then(|membership| membership.get("contactGroupResourceName"))
                .and_then(Value::as_str);
            let Some(name) = name else { continue };
            let group = self.account.group(name).ok_or_else(Refusal::invalid_argument)?;
            if !group.takes_members() && !record.groups().any(|id| id == group.id) {
                return Err(Refusal::invalid_argument());
            }
            let membership = membership(name);
            if memberships.iter().all(|known| known.value != membership.value) {
                memberships.push(membership);
            }
        }
        if memberships.is_empty() {
            return Err(Refusal::invalid(
                "Request person.memberships must contain at least one contact group membership.",
            ));
        }
        Ok(memberships)
    }
}

/// A membership of the group with this resource name.
pub(super) fn membership(name: &str) -> Item {
    let mut group = Map::new();
    group.insert("contactGroupId".to_owned(), name.trim_start_matches("contactGroups/").into());
    group.insert("contactGroupResourceName".to_owned(), name.into());
    let mut value = Map::new();
    value.insert("contactGroupMembership".to_owned(), Value::Object(group));
    Item { source_primary: false, value }
}

const MAX_CHARACTERS: usize = 1024;
const MAX_FIELDS: usize = 500;
const MAX_BYTES: usize = 128 << 10;

fn check_lengths(bit: usize, item: &Map<String, Value>) -> Result<(), Refusal> {
    // API: notes are bounded by the size of the contact alone.
    if bit == bit::BIOGRAPHIES {
        return Ok(());
    }
    let too_long = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.len() > MAX_CHARACTERS && text.chars().count() > MAX_CHARACTERS)
    };
    if item.values().any(too_long) {
        return Err(Refusal::invalid(format!(
            "Request person.{} has a value of more than {MAX_CHARACTERS} characters.",
            field_name(bit)
        )));
    }
    Ok(())
}

fn check_size(record: &Record) -> Result<(), Refusal> {
    let items = record.fields.values().flatten();
    let values = items.flat_map(|item| item.value.values()).filter_map(Value::as_str);
    let (count, bytes) = values.fold((0, 0), |(count, bytes), text| (count + 1, bytes + text.len()));
    let items: usize = record.fields.values().map(Vec::len).sum();
    if items > MAX_FIELDS || bytes > MAX_BYTES {
        return Err(Refusal::invalid(format!(
            "The contact is too big: {items} fields with {count} values in {bytes} bytes."
        )));
    }
    Ok(())
}
