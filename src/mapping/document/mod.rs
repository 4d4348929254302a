//! A Dafater Contact document as it was read.

mod address;
mod anew;
mod read;
mod write;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Malformed;
use super::said::Said;

pub use address::{AddressChange, AddressDocument};

/// The document's `name`. Changes with a rename; `creation` does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentName(pub String);

/// A date and time exactly as the site prints it: `2026-11-22 12:30:00.123456`, naive, in the site's own zone.
///
/// Kept as text because the site compares it as text: a lock with one digit missing is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SiteStamp(pub String);

impl SiteStamp {
    /// The stamp as civil date and time, for arithmetic and ordering; `None` if the site sent something else.
    #[must_use]
    pub fn civil(&self) -> Option<jiff::civil::DateTime> {
        self.0.parse().ok()
    }
}

impl From<jiff::civil::DateTime> for SiteStamp {
    fn from(civil: jiff::civil::DateTime) -> Self {
        Self(civil.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string())
    }
}

/// A row of `links`: a Customer, Supplier, … that the contact belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// "Customer", "Supplier", …
    pub doctype: String,
    /// Name of the linked document.
    pub name: String,
}

/// A Contact document with its child tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Address of the document.
    pub name: DocumentName,
    /// Identity over renames (microseconds).
    pub creation: SiteStamp,
    /// Revision, and the lock that an update must carry.
    pub modified: SiteStamp,
    /// Scalar fields as read; nulls are left out.
    pub fields: Arc<Map<String, Value>>,
    /// Rows of `email_ids` in order of `idx`.
    pub email_ids: Arc<Vec<Map<String, Value>>>,
    /// Rows of `phone_nos` in order of `idx`.
    pub phone_nos: Arc<Vec<Map<String, Value>>>,
    /// Rows of `links` in order of `idx`.
    pub links: Vec<Link>,
    /// The Address documents that are linked to it, in the order of their creation; `None` where nobody looked, or not all could be seen.
    pub addresses: Option<Arc<Vec<AddressDocument>>>,
    pub(super) said: Said,
}

impl Document {
    /// Reads a document; child tables inside it are taken, so that both a single read and an assembled bulk read fit.
    ///
    /// # Errors
    /// The value is no object, or `name`, `creation` or `modified` is missing or no text.
    pub fn parse(value: Value) -> Result<Self, Malformed> {
        let Value::Object(mut fields) = value else {
            return Err(Malformed { id: "(unknown)".to_owned(), reason: "not a JSON object".to_owned() });
        };
        let Some(Value::String(name)) = fields.remove("name") else {
            return Err(Malformed { id: "(unknown)".to_owned(), reason: "no name".to_owned() });
        };
        let mut stamp = |key: &str| match fields.remove(key) {
            Some(Value::String(stamp)) => Ok(SiteStamp(stamp)),
            _ => Err(Malformed { id: name.clone(), reason: format!("no {key}") }),
        };
        let (creation, modified) = (stamp("creation")?, stamp("modified")?);
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(Malformed { id: String::new(), reason: "its name is none".to_owned() });
        }
        if let Some(reason) = misshapen(&fields) {
            return Err(Malformed { id: name, reason });
        }
        let email_ids = Arc::new(rows(fields.remove("email_ids")));
        let phone_nos = Arc::new(rows(fields.remove("phone_nos")));
        let links = rows(fields.remove("links")).iter().filter_map(link).collect();
        let addresses = fields.remove(ADDRESSES).and_then(address::in_image).map(Arc::new);
        fields.retain(|_, value| !value.is_null());
        let (fields, said) = (Arc::new(fields), Said::default());
        Ok(Self {
            name: DocumentName(name),
            creation,
            modified,
            fields,
            email_ids,
            phone_nos,
            links,
            addresses,
            said,
        })
    }

    /// The document as one JSON object: a before-image.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut whole = Map::clone(&self.fields);
        let links =
            self.links.iter().map(|link| json!({ "link_doctype": link.doctype, "link_name": link.name }));
        whole.insert("name".to_owned(), json!(self.name));
        whole.insert("creation".to_owned(), json!(self.creation));
        whole.insert("modified".to_owned(), json!(self.modified));
        whole.insert("email_ids".to_owned(), json!(*self.email_ids));
        whole.insert("phone_nos".to_owned(), json!(*self.phone_nos));
        whole.insert("links".to_owned(), links.collect());
        whole.extend(self.addresses_image());
        Value::Object(whole)
    }

    /// Its addresses as a before-image holds them: key and value.
    pub fn addresses_image(&self) -> Option<(String, Value)> {
        let addresses = self.addresses.as_ref()?;
        Some((ADDRESSES.to_owned(), addresses.iter().map(AddressDocument::to_json).collect()))
    }

    /// The addresses that a before-image holds: key and value.
    #[must_use]
    pub fn addresses_of_image(image: &Map<String, Value>) -> Option<(String, Value)> {
        Some((ADDRESSES.to_owned(), image.get(ADDRESSES)?.clone()))
    }
}

/// Where a before-image keeps the addresses. No column of a site begins like this, and nothing that does is ever sent.
const ADDRESSES: &str = "__addresses";

/// API: a document's name holds 140 characters; a site may allow a little more.
const LONGEST_NAME: usize = 512;

/// Fields that are read as texts. What is there in another shape must not pass for "nothing there".
const TEXTS: [&str; 8] = [
    "salutation",
    "first_name",
    "middle_name",
    "last_name",
    "company_name",
    "designation",
    "department",
    "google_contacts_id",
];

/// What is wrong with the shape of a field that is read, if anything.
fn misshapen(fields: &Map<String, Value>) -> Option<String> {
    let is_text = |key: &&str| fields.get(*key).is_none_or(|text| text.is_string() || text.is_null());
    if let Some(key) = TEXTS.iter().find(|key| !is_text(key)) {
        return Some(format!("`{key}` is no text"));
    }
    for (table, value) in [("email_ids", "email_id"), ("phone_nos", "phone")] {
        let Some(rows) = fields.get(table).filter(|rows| !rows.is_null()) else { continue };
        let Some(rows) = rows.as_array() else { return Some(format!("`{table}` is no list")) };
        let is_row = |row: &Value| row.get(value).is_none_or(|text| text.is_string() || text.is_null());
        if !rows.iter().all(|row| row.is_object() && is_row(row)) {
            return Some(format!("a row of `{table}` is none"));
        }
    }
    None
}

fn rows(table: Option<Value>) -> Vec<Map<String, Value>> {
    let Some(Value::Array(rows)) = table else { return Vec::new() };
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter_map(|row| match row {
            Value::Object(row) => Some(row),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        })
        .collect();
    rows.sort_by_key(|row| row.get("idx").and_then(Value::as_i64).unwrap_or(i64::MAX));
    rows
}

fn link(row: &Map<String, Value>) -> Option<Link> {
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Link { doctype: text("link_doctype")?, name: text("link_name")? })
}

#[cfg(test)]
mod tests;
