//! A Google Person as it was read: identity, revision, and every field as JSON.

mod anew;
mod read;
mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Malformed;

pub use write::{PersonField, PersonPatch};

/// `people/c…`. May change when a contact is linked to a profile; [`SourceId`] does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceName(pub String);

/// `metadata.sources[type=CONTACT].id`: the contact's identity over time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(pub String);

/// `metadata.sources[type=CONTACT].etag`: the contact's revision, the same under every field mask (unlike `person.etag`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Etag(pub String);

/// A Person of the CONTACT source.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Address of the record.
    pub resource_name: ResourceName,
    /// Identity of the record.
    pub source_id: SourceId,
    /// Revision of the record; empty for a tombstone that carries none.
    pub etag: Etag,
    /// Time of the last change by Google's clock.
    pub updated: Option<Timestamp>,
    /// Whether this is a tombstone (`metadata.deleted`).
    pub deleted: bool,
    /// Names under which the record was known before.
    pub previous_names: Vec<ResourceName>,
    /// The person fields as read (`names`, `emailAddresses`, …), without `metadata`, `etag` and `resourceName`.
    pub fields: Map<String, Value>,
}

impl Person {
    /// Reads a Person out of Google's JSON.
    ///
    /// # Errors
    /// The value is no object, or has no resource name or no CONTACT source.
    pub fn parse(value: Value) -> Result<Self, Malformed> {
        let Value::Object(mut fields) = value else {
            return Err(Malformed { id: "(unknown)".to_owned(), reason: "not a JSON object".to_owned() });
        };
        let Some(Value::String(resource_name)) = fields.remove("resourceName") else {
            return Err(Malformed { id: "(unknown)".to_owned(), reason: "no resourceName".to_owned() });
        };
        let malformed = |reason: &str| Malformed { id: resource_name.clone(), reason: reason.to_owned() };
        let metadata = fields.remove("metadata").ok_or_else(|| malformed("no metadata"))?;
        fields.remove("etag");
        let deleted = metadata.get("deleted").and_then(Value::as_bool).unwrap_or(false);
        let source = metadata
            .get("sources")
            .and_then(Value::as_array)
            .and_then(|sources| sources.iter().find(|source| str_of(source, "type") == Some("CONTACT")));
        let source_id = match source.and_then(|source| str_of(source, "id")) {
            Some(id) => SourceId(id.to_owned()),
            // API: people/c<DECIMAL> is the unsigned decimal of the CONTACT source's hex id.
            None => derived_source_id(&resource_name).ok_or_else(|| malformed("no CONTACT source"))?,
        };
        let etag = Etag(source.and_then(|source| str_of(source, "etag")).unwrap_or_default().to_owned());
        let updated =
            source.and_then(|source| str_of(source, "updateTime")).and_then(|time| time.parse().ok());
        let previous_names = metadata
            .get("previousResourceNames")
            .and_then(Value::as_array)
            .map(|names| {
                names.iter().filter_map(Value::as_str).map(|name| ResourceName(name.to_owned())).collect()
            })
            .unwrap_or_default();
        Ok(Self {
            resource_name: ResourceName(resource_name),
            source_id,
            etag,
            updated,
            deleted,
            previous_names,
            fields,
        })
    }

    /// The items of a repeated field that belong to the CONTACT source (or name no source); `[]` when absent or of a wrong type.
    pub fn items(&self, field: &str) -> impl Iterator<Item = &Map<String, Value>> {
        self.fields
            .get(field)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .filter(|item| {
                item.get("metadata")
                    .and_then(|m| m.get("source"))
                    .and_then(|s| str_of(s, "type"))
                    .is_none_or(|t| t == "CONTACT")
            })
    }
}

fn str_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn derived_source_id(resource_name: &str) -> Option<SourceId> {
    let number: u64 = resource_name.strip_prefix("people/c")?.parse().ok()?;
    Some(SourceId(format!("{number:x}")))
}

#[cfg(test)]
mod tests;
