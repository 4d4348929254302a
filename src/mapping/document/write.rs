//! Contact -> the part of a Dafater document that must be sent.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::Document;
use super::read::{flag, text};
use crate::contact::{Contact, Field, Key, Value, Values};
use crate::mapping::Mapping;

/// Columns of a child row that belong to the framework; sending a row's `name` may steal it from another contact.
pub(super) const FRAMEWORK_COLUMNS: [&str; 12] = [
    "name",
    "owner",
    "creation",
    "modified",
    "modified_by",
    "docstatus",
    "idx",
    "doctype",
    "parent",
    "parentfield",
    "parenttype",
    "__unsaved",
];

impl Document {
    /// The body that turns `current` (nothing, for a new contact) into `target` in `fields`; empty when nothing would change.
    ///
    /// API: a child table in the body replaces the whole table, so each is sent whole, its rows without `name`. Columns that a
    /// site added to a row are sent back as they were read.
    #[must_use]
    pub fn body(
        current: Option<&Self>,
        target: &Contact,
        fields: &BTreeSet<Field>,
        mapping: &Mapping,
    ) -> Map<String, Json> {
        let mut body = Map::new();
        let before = current.map(|document| document.contact(mapping)).unwrap_or_default();
        let phones = mapping.phones;
        for text in mapping.placed() {
            let Some(column) = &text.column else { continue };
            let (before, after) = (before.text(&text.field), target.text(&text.field));
            if fields.contains(&Field::Text(text.field.clone())) && before != after {
                body.insert(column.clone(), json!(after));
            }
        }
        if fields.contains(&Field::Emails) && !before.emails.same_content(&target.emails) {
            let rows = current.map(|document| document.email_ids.as_slice()).unwrap_or_default();
            body.insert(
                "email_ids".to_owned(),
                table(rows, &target.emails, "email_id", Key::email, |row, key| {
                    set_flag(row, "is_primary", target.emails.primary() == Some(key));
                }),
            );
        }
        if fields.contains(&Field::Phones)
            && !(before.phones.same_content(&target.phones) && before.mobile == target.mobile)
        {
            let rows = current.map(|document| document.phone_nos.as_slice()).unwrap_or_default();
            let table = table(
                rows,
                &target.phones,
                "phone",
                |raw| phones.key(raw),
                |row, key| {
                    set_flag(row, "is_primary_phone", target.phones.primary() == Some(key));
                    set_flag(row, "is_primary_mobile_no", target.mobile.as_ref() == Some(key));
                },
            );
            body.insert("phone_nos".to_owned(), table);
        }
        body
    }
}

fn table(
    rows: &[Map<String, Json>],
    target: &Values,
    slot: &str,
    key: impl Fn(&str) -> Option<Key>,
    mut flags: impl FnMut(&mut Map<String, Json>, &Key),
) -> Json {
    let mut after = Vec::new();
    let mut flagged = BTreeSet::new();
    let mut finish = |mut row: Map<String, Json>, row_key: Option<Key>| {
        row.retain(|column, value| !FRAMEWORK_COLUMNS.contains(&column.as_str()) && !value.is_null());
        if let Some(row_key) = row_key {
            // A value that stands twice may carry the flag only once.
            if flagged.insert(row_key.clone()) {
                flags(&mut row, &row_key);
            } else {
                row.retain(|column, _| !column.starts_with("is_primary"));
            }
        }
        after.push(Json::Object(row));
    };
    let key_of = |row: &Map<String, Json>| key(text(row, slot));
    let added: Vec<&Value> = target
        .iter()
        .filter(|value| !rows.iter().any(|row| key_of(row).as_ref() == Some(&value.key)))
        .collect();
    let is_removed = |row: &&Map<String, Json>| key_of(row).is_some_and(|key| !target.contains(&key));
    // One out and one in is a correction: it keeps its place and the columns that a site added.
    let correction = match added.as_slice() {
        [value] if rows.iter().filter(is_removed).count() == 1 => Some(*value),
        _ => None,
    };
    for row in rows {
        if !is_removed(&row) {
            finish(row.clone(), key_of(row));
        } else if let Some(value) = correction {
            let mut row = row.clone();
            row.insert(slot.to_owned(), json!(value.raw));
            finish(row, Some(value.key.clone()));
        }
    }
    for value in added.iter().filter(|_| correction.is_none()) {
        let mut row = Map::new();
        row.insert(slot.to_owned(), json!(value.raw));
        finish(row, Some(value.key.clone()));
    }
    Json::Array(after)
}

fn set_flag(row: &mut Map<String, Json>, slot: &str, value: bool) {
    if flag(row, slot) != value || value {
        row.insert(slot.to_owned(), json!(i32::from(value)));
    }
}
