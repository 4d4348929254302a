//! One shape for a document, however it was read.
//!
//! A list leaves out `doctype` and prints nulls, a single read does the opposite, and the answer to a write adds notes of its
//! own. Here only the asked-for fields stay, rows lose their bookkeeping, and nulls go: a contact that did not change gives an
//! equal [`Document`] by every way of reading it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::mapping::{Document, DocumentName, Malformed, SiteStamp};

/// The scalar fields of a Contact that are read.
pub const CONTACT_FIELDS: [&str; 9] = [
    "first_name",
    "middle_name",
    "last_name",
    "salutation",
    "company_name",
    "designation",
    "department",
    "google_contacts_id",
    "sync_with_google_contacts",
];

/// The child tables of a Contact.
pub(super) const TABLES: [&str; 3] = ["email_ids", "phone_nos", "links"];

/// Columns that the site keeps for itself, in documents and rows alike.
const BOOKKEEPING: [&str; 12] = [
    "name",
    "owner",
    "creation",
    "modified",
    "modified_by",
    "doctype",
    "docstatus",
    "idx",
    "parent",
    "parentfield",
    "parenttype",
    "flags",
];

/// Whether the site, and nobody else, writes this column.
pub(super) fn is_bookkeeping(column: &str) -> bool {
    column.starts_with('_') || BOOKKEEPING.contains(&column)
}

/// Reads a whole document, whose tables must be there: a missing table is not an empty one.
pub(super) fn whole(value: Value, fields: &[String]) -> Result<Document, Malformed> {
    let id = value.get("name").and_then(Value::as_str).unwrap_or("(unknown)").to_owned();
    for table in TABLES {
        let rows = value.get(table).and_then(Value::as_array);
        if !rows.is_some_and(|rows| rows.iter().all(Value::is_object)) {
            return Err(Malformed { id, reason: format!("no table {table}") });
        }
    }
    let mut document = Document::parse(value)?;
    Arc::make_mut(&mut document.fields).retain(|name, _| fields.iter().any(|field| field == name));
    for row in Arc::make_mut(&mut document.email_ids).iter_mut().chain(Arc::make_mut(&mut document.phone_nos))
    {
        row.retain(|column, value| !is_bookkeeping(column) && !value.is_null());
    }
    Ok(document)
}

/// Identity and revision of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Address of the document.
    pub name: DocumentName,
    /// Revision.
    pub modified: SiteStamp,
    /// Identity over renames.
    pub creation: SiteStamp,
}

impl Stamp {
    /// The columns that [`Stamp::read`] needs.
    pub(super) const FIELDS: [&'static str; 3] = ["name", "modified", "creation"];

    pub(super) fn read(row: &Value) -> Result<Self, Malformed> {
        let text = |column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
        let Some(name) = text("name") else {
            return Err(Malformed { id: "(unknown)".to_owned(), reason: "no name".to_owned() });
        };
        let stamp = |column: &str| {
            let missing = || Malformed { id: name.clone(), reason: format!("no {column}") };
            text(column).map(SiteStamp).ok_or_else(missing)
        };
        let (modified, creation) = (stamp("modified")?, stamp("creation")?);
        Ok(Self { name: DocumentName(name), modified, creation })
    }
}

/// Text of a column.
pub(super) fn text<'a>(row: &'a Map<String, Value>, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<String> {
        CONTACT_FIELDS.map(str::to_owned).to_vec()
    }

    #[test]
    fn a_list_and_a_single_read_give_the_same_document() {
        let single = json!({"name": "OnePrim", "owner": "sync@dafater.test", "creation": "2026-11-22 11:33:50.977281",
            "modified": "2026-11-22 11:33:50.977281", "docstatus": 0, "idx": 0, "first_name": "OnePrim",
            "email_id": "o1@b.example", "doctype": "Contact", "phone_nos": [], "links": [],
            "email_ids": [{"name": "l6amrbc95c", "idx": 1, "email_id": "o1@b.example", "is_primary": 1, "parent": "OnePrim",
                "parentfield": "email_ids", "parenttype": "Contact", "doctype": "Contact Email", "__unsaved": 1}]});
        let list = json!({"name": "OnePrim", "creation": "2026-11-22 11:33:50.977281",
            "modified": "2026-11-22 11:33:50.977281", "first_name": "OnePrim", "last_name": null, "phone_nos": [],
            "links": [], "email_ids": [{"name": "l6amrbc95c", "idx": 1, "email_id": "o1@b.example", "is_primary": 1,
                "custom_label": null, "parent": "OnePrim", "modified": "2026-11-22 11:33:50.977281"}]});
        let document = whole(single, &fields()).expect("well formed");
        assert_eq!(whole(list, &fields()), Ok(document.clone()));
        assert_eq!(
            Value::Object(document.email_ids[0].clone()),
            json!({"email_id": "o1@b.example", "is_primary": 1})
        );
    }

    #[test]
    fn a_missing_table_is_not_an_empty_one() {
        let stamps = json!({"name": "X", "creation": "2026-01-01 00:00:00", "modified": "2026-01-01 00:00:00",
            "email_ids": [], "links": []});
        let error = whole(stamps, &fields()).expect_err("no phone_nos");
        assert_eq!(error, Malformed { id: "X".to_owned(), reason: "no table phone_nos".to_owned() });
    }

    #[test]
    fn a_stamp_without_modified_tells_whose_it_was() {
        let error =
            Stamp::read(&json!({"name": "X", "creation": "2026-01-01 00:00:00"})).expect_err("no modified");
        assert_eq!(error.id, "X");
        assert!(Stamp::read(&json!(null)).is_err());
    }
}
