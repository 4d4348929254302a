//! What people change in Dafater.

use serde_json::{Value, json};

use super::{Change, Wish};
use crate::sandbox::comparison::{key_of, text_at};

/// Each change with its name.
pub(super) const CHANGES: &[(&str, Change)] = &[
    ("the prefix", |contact, _| {
        let prefix = if text_at(contact, "/salutation") == "Prof" { "Dr" } else { "Prof" };
        let has_name = !text_at(contact, "/first_name").is_empty();
        has_name.then(|| (json!({ "salutation": prefix }), Wish::Text("honorificPrefix", prefix.to_owned())))
    }),
    ("the given name", |contact, token| named(contact, "first_name", "givenName", &format!("Zoë {token}"))),
    ("the middle name", |contact, token| {
        named(contact, "middle_name", "middleName", &format!("von {token}"))
    }),
    ("the family name", |contact, token| {
        named(contact, "last_name", "familyName", &format!("الجديد {token}"))
    }),
    ("the company", |_, token| changed("company_name", "name", &format!("New Horizon {token} 🏗 W.L.L."))),
    ("the title", |_, token| changed("designation", "title", &format!("رئيس قسم {token}"))),
    ("the department", |_, token| changed("department", "department", &format!("R&D {token}"))),
    ("a department cleared", |contact, _| {
        let is_set = !text_at(contact, "/department").is_empty();
        is_set.then(|| (json!({ "department": "" }), Wish::Text("department", String::new())))
    }),
    ("an e-mail added", |contact, token| {
        let value = format!("Added.{token}@fresh.example");
        let key = key_of(EMAILS, &value);
        Some((with(contact, EMAILS, json!({ "email_id": value })), Wish::Has("emailAddresses", key)))
    }),
    ("an e-mail changed", |contact, token| {
        let value = format!("changed.{token}@fresh.example");
        Some((replaced(contact, EMAILS, "email_id", &value)?, Wish::Has("emailAddresses", value.clone())))
    }),
    ("an e-mail removed", |contact, _| {
        let (fields, key) = shortened(contact, EMAILS, "email_id")?;
        Some((fields, Wish::HasNot("emailAddresses", key)))
    }),
    ("another primary e-mail", |contact, _| {
        let (fields, key) = promoted(contact, EMAILS, "email_id", "is_primary")?;
        Some((fields, Wish::Primary("emailAddresses", key)))
    }),
    ("a phone added", |contact, token| {
        let value = format!("011 466 2{token}");
        let key = key_of(PHONES, &value);
        Some((with(contact, PHONES, json!({ "phone": value })), Wish::Has("phoneNumbers", key)))
    }),
    ("a phone changed", |contact, token| {
        let value = format!("+966 (0)50 466 2{token}");
        let key = key_of(PHONES, &value);
        Some((replaced(contact, PHONES, "phone", &value)?, Wish::Has("phoneNumbers", key)))
    }),
    ("a phone removed", |contact, _| {
        let (fields, key) = shortened(contact, PHONES, "phone")?;
        Some((fields, Wish::HasNot("phoneNumbers", key)))
    }),
    ("another primary phone", |contact, _| {
        let (fields, key) = promoted(contact, PHONES, "phone", "is_primary_phone")?;
        Some((fields, Wish::Primary("phoneNumbers", key)))
    }),
    ("the gender", |contact, _| {
        let (gender, word) =
            if text_at(contact, "/gender") == "Female" { ("Male", "male") } else { ("Female", "female") };
        Some((json!({ "gender": gender }), Wish::Text("gender", word.to_owned())))
    }),
    ("a status, which is not synced", |_, _| {
        Some((json!({ "status": "Open", "unsubscribed": 1 }), Wish::Nothing))
    }),
];

const EMAILS: &str = "/email_ids";
const PHONES: &str = "/phone_nos";

fn named(contact: &Value, slot: &str, place: &'static str, text: &str) -> Option<(Value, Wish)> {
    let has_name = !text_at(contact, "/first_name").is_empty();
    has_name.then(|| (json!({ slot: text }), Wish::Text(place, text.to_owned())))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every change")]
fn changed(slot: &str, place: &'static str, text: &str) -> Option<(Value, Wish)> {
    Some((json!({ slot: text }), Wish::Text(place, text.to_owned())))
}

/// The rows of a table as the form sends them: without what belongs to the framework.
fn rows(contact: &Value, table: &str) -> Vec<Value> {
    let rows = contact.pointer(table).and_then(Value::as_array).cloned().unwrap_or_default();
    let kept = ["email_id", "phone", "is_primary", "is_primary_phone", "is_primary_mobile_no"];
    let row = |row: &Value| {
        let mut row = row.as_object().cloned().unwrap_or_default();
        row.retain(|column, _| kept.contains(&column.as_str()));
        Value::Object(row)
    };
    rows.iter().map(row).collect()
}

fn saved(table: &str, rows: &[Value]) -> Value {
    json!({ table.trim_start_matches('/'): rows })
}

fn with(contact: &Value, table: &str, row: Value) -> Value {
    let mut rows = rows(contact, table);
    rows.push(row);
    saved(table, &rows)
}

fn replaced(contact: &Value, table: &str, column: &str, value: &str) -> Option<Value> {
    let mut rows = rows(contact, table);
    rows.last_mut()?.as_object_mut()?.insert(column.to_owned(), json!(value));
    Some(saved(table, &rows))
}

fn shortened(contact: &Value, table: &str, column: &str) -> Option<(Value, String)> {
    let mut rows = rows(contact, table);
    let last = rows.pop()?;
    let key = key_of(table, last.get(column)?.as_str()?);
    (!rows.is_empty()).then(|| (saved(table, &rows), key))
}

fn promoted(contact: &Value, table: &str, column: &str, flag: &str) -> Option<(Value, String)> {
    let mut rows = rows(contact, table);
    if rows.len() < 2 {
        return None;
    }
    let last = rows.len() - 1;
    for (index, row) in rows.iter_mut().enumerate() {
        row.as_object_mut()?.insert(flag.to_owned(), json!(i32::from(index == last)));
    }
    let key = key_of(table, rows.get(last)?.get(column)?.as_str()?);
    Some((saved(table, &rows), key))
}
