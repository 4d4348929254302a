//! A Google Person as it was read: identity, revision, and every field as JSON.

mod address;
mod anew;
mod read;
mod write;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Malformed;
use super::said::Said;

pub use write::{PersonField, PersonPatch};

/// `people/c…`. May change when a contact is linked to a profile; [`SourceId`] does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceName(pub String);

impl ResourceName {
    /// The name that a contact of this id has from the start; `None` if the id is no hexadecimal number.
    ///
    /// API: `people/c<DECIMAL>` is the unsigned decimal of the CONTACT source's hexadecimal id. Who is joined with a profile is named
    /// after that from then on.
    #[must_use]
    pub fn first_of(source: &SourceId) -> Option<Self> {
        u64::from_str_radix(&source.0, 16).ok().map(|number| Self(format!("people/c{number}")))
    }
}

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
    /// The person fields as read (`names`, `emailAddresses`, …), without `metadata`, `etag` and `resourceName`. Shared by all copies.
    pub fields: Arc<Map<String, Value>>,
    pub(super) said: Said,
}

impl Person {
    /// The names that it has, or had from the start; not those of contacts that were merged into it.
    pub fn own_names(&self) -> impl Iterator<Item = ResourceName> {
        std::iter::once(self.resource_name.clone()).chain(ResourceName::first_of(&self.source_id))
    }

    /// Its [own names](Self::own_names), and those of contacts that were merged into it.
    pub fn names(&self) -> impl Iterator<Item = ResourceName> {
        self.own_names().chain(self.previous_names.iter().cloned())
    }

    /// Whether `name` is one of its [own names](Self::own_names).
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.own_names().any(|own| own.0 == name)
    }

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
        let malformed = |reason: &str| Malformed { id: shown(&resource_name), reason: reason.to_owned() };
        if !is_id(&resource_name, "/") {
            return Err(malformed("its resourceName is none"));
        }
        let metadata =
            fields.remove("metadata").filter(Value::is_object).ok_or_else(|| malformed("no metadata"))?;
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
        if !is_id(&source_id.0, "") {
            return Err(malformed("the id of its CONTACT source is none"));
        }
        let etag = Etag(source.and_then(|source| str_of(source, "etag")).unwrap_or_default().to_owned());
        if etag.0.len() > LONGEST_ID {
            return Err(malformed("its etag is none"));
        }
        if let Some(reason) = misshapen(&fields) {
            return Err(malformed(&reason));
        }
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
            fields: Arc::new(fields),
            said: Said::default(),
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

/// Longer than any id or etag of Google's, and far shorter than what a store key holds.
const LONGEST_ID: usize = 512;

fn is_id(text: &str, also: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || also.contains(c);
    !text.is_empty() && text.len() <= LONGEST_ID && text.chars().all(fits)
}

/// An id as it may stand in a message.
fn shown(id: &str) -> String {
    id.chars().filter(char::is_ascii_graphic).take(64).collect()
}

/// Fields that are read, and the texts in their items. What is there in another shape must not pass for "nothing there".
const READ: [(&str, &[&str]); 20] = [
    (
        "names",
        &[
            "honorificPrefix",
            "givenName",
            "middleName",
            "familyName",
            "honorificSuffix",
            "phoneticGivenName",
            "phoneticMiddleName",
            "phoneticFamilyName",
            "unstructuredName",
        ],
    ),
    ("emailAddresses", &["value", "type"]),
    ("phoneNumbers", &["value", "type", "canonicalForm"]),
    (
        "organizations",
        &["name", "title", "department", "type", "jobDescription", "location", "costCenter", "phoneticName"],
    ),
    ("genders", &["value"]),
    ("birthdays", &["text"]),
    ("biographies", &["value", "contentType"]),
    ("nicknames", &["value", "type"]),
    ("occupations", &["value"]),
    ("interests", &["value"]),
    ("locales", &["value"]),
    ("urls", &["value", "type"]),
    ("relations", &["person", "type"]),
    ("events", &["type"]),
    ("externalIds", &["value", "type"]),
    ("imClients", &["username", "protocol", "type"]),
    ("sipAddresses", &["value", "type"]),
    ("calendarUrls", &["url", "type"]),
    ("userDefined", &["key", "value"]),
    (
        "addresses",
        &[
            "streetAddress",
            "extendedAddress",
            "city",
            "region",
            "postalCode",
            "country",
            "countryCode",
            "poBox",
            "formattedValue",
            "type",
        ],
    ),
];

/// What is wrong with the shape of a field that is read, if anything.
fn misshapen(fields: &Map<String, Value>) -> Option<String> {
    for (field, texts) in READ {
        let Some(value) = fields.get(field).filter(|value| !value.is_null()) else { continue };
        let Some(items) = value.as_array() else { return Some(format!("`{field}` is no list")) };
        for item in items {
            let Some(item) = item.as_object() else {
                return Some(format!("an item of `{field}` is no object"));
            };
            let is_text = |key: &&&str| item.get(**key).is_none_or(|text| text.is_string() || text.is_null());
            if let Some(key) = texts.iter().find(|key| !is_text(key)) {
                return Some(format!("`{key}` in `{field}` is no text"));
            }
            if item.get("date").is_some_and(|date| !date.is_object() && !date.is_null()) {
                return Some(format!("`date` in `{field}` is no date"));
            }
        }
    }
    None
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
