//! Reads what was deleted.
//!
//! The site keeps a Deleted Document for each deletion and merge; a rename leaves none. Only System Managers may read them
//! unless a role was given the right, so "not readable" is a normal outcome and says nothing about any contact.

use serde_json::Value;

use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::query::{Keyset, ListQuery};
use super::read::KeysetPosition;
use crate::mapping::{DocumentName, Malformed, SiteStamp};

/// The deletions, as far as they may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeletedFeed {
    /// The deletions in order of their time.
    Readable(Vec<Result<DeletedContact, Malformed>>),
    /// The site's user may not read them: a deletion is found by look-ups only.
    Unreadable,
}

/// A contact that was deleted, or merged into another; where addresses are read, also an Address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedContact {
    /// Name of the Deleted Document.
    pub entry: DocumentName,
    /// Name that the contact had.
    pub name: DocumentName,
    /// When it was deleted.
    pub deleted_at: SiteStamp,
    /// When the contact had been created: tells it from a later contact of the same name. `None` if the site kept no data.
    pub creation: Option<SiteStamp>,
    /// Whether it was restored since.
    pub restored: bool,
    /// Name under which it was restored.
    pub new_name: Option<DocumentName>,
    /// Whether it is no contact but an Address.
    pub is_address: bool,
}

impl SiteClient {
    /// The contacts deleted at or after `since`. The caller chooses `since` early enough for deletions that are committed late,
    /// and tells repetitions apart by [`DeletedContact::entry`]. One request, unless a page overflows.
    ///
    /// # Errors
    /// The site did not answer. That it does not let us read is no error.
    pub async fn deleted_contacts(&self, since: &SiteStamp) -> Result<DeletedFeed, DafaterError> {
        let mut feed = Vec::new();
        let mut after: Option<KeysetPosition> = None;
        loop {
            let mut query = if self.addresses {
                ListQuery::of("Deleted Document", &FIELDS).filter(
                    "deleted_doctype",
                    "in",
                    ["Contact", "Address"],
                )
            } else {
                ListQuery::of("Deleted Document", &FIELDS).filter("deleted_doctype", "=", "Contact")
            };
            query.fields.extend(self.addresses.then(|| "deleted_doctype".to_owned()));
            let query = query.keyset(Keyset::Creation, Some(since), after.as_ref()).limit(PAGE);
            let rows = match self.list(DELETIONS, &query).await {
                Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => {
                    return Ok(DeletedFeed::Unreadable);
                }
                rows => rows?,
            };
            let full = rows.len() >= PAGE as usize;
            let before = feed.len();
            feed.extend(rows.iter().map(deleted_contact));
            if !full {
                return Ok(DeletedFeed::Readable(feed));
            }
            let last = feed.iter().skip(before).rev().find_map(|entry| entry.as_ref().ok());
            let last = last
                .map(|last| KeysetPosition { modified: last.deleted_at.clone(), name: last.entry.clone() });
            if last.is_none() || last == after {
                let what = "its pages do not advance";
                return Err(DafaterError::Protocol { call: DELETIONS, status: 200, what });
            }
            after = last;
        }
    }
}

fn deleted_contact(row: &Value) -> Result<DeletedContact, Malformed> {
    let text = |column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
    let id = text("deleted_name").or_else(|| text("name")).unwrap_or_else(|| "(unknown)".to_owned());
    let required = |column: &str| {
        text(column)
            .ok_or_else(|| Malformed { id: id.clone(), reason: format!("a deletion without {column}") })
    };
    Ok(DeletedContact {
        entry: DocumentName(required("name")?),
        name: DocumentName(required("deleted_name")?),
        deleted_at: SiteStamp(required("creation")?),
        creation: text("data").and_then(|data| creation_in(&data)),
        restored: row
            .get("restored")
            .is_some_and(|flag| flag.as_i64() == Some(1) || flag.as_bool() == Some(true)),
        new_name: text("new_name").filter(|name| !name.is_empty()).map(DocumentName),
        is_address: text("deleted_doctype").as_deref() == Some("Address"),
    })
}

/// API: `data` is the deleted document as JSON text. Nothing but the creation time is taken out of it.
fn creation_in(data: &str) -> Option<SiteStamp> {
    #[derive(serde::Deserialize)]
    struct Deleted {
        creation: String,
    }
    serde_json::from_str::<Deleted>(data).ok().map(|deleted| SiteStamp(deleted.creation))
}

const DELETIONS: Call = Call::read("list deleted contacts");

const FIELDS: [&str; 6] = ["name", "deleted_name", "creation", "restored", "new_name", "data"];

/// Deletions in one page.
const PAGE: u32 = 1000;

#[cfg(test)]
mod tests;
