//! What a record of either side says at one place, in the comparison's own terms.
//!
//! A place of Google's is a key of `names` or of the organisation that counts, or a list; one of Dafater's begins with a slash.

use serde_json::Value;

use super::own;

/// The text at a place, `""` when there is none.
#[must_use]
pub fn text_at(record: &Value, place: &str) -> String {
    let raw = match place.strip_prefix('/') {
        Some(slot) => own::field(record, slot),
        None if matches!(place, "name" | "title" | "department") => own::list(record, "organizations")
            .get(own::organization(record))
            .map(|work| own::field(work, place))
            .unwrap_or_default(),
        None if place == "gender" => {
            own::list(record, "genders").first().map(|gender| own::field(gender, "value")).unwrap_or_default()
        }
        None => own::list(record, "names").first().map(|name| own::field(name, place)).unwrap_or_default(),
    };
    if matches!(place, "/salutation" | "honorificPrefix") { own::salutation(raw) } else { own::text(raw) }
}

/// What a value of a list is known by.
#[must_use]
pub fn key_of(list: &str, raw: &str) -> String {
    if is_email(list) { own::email(raw) } else { own::phone(raw) }
}

/// What the values of a list are known by.
#[must_use]
pub fn keys_of(record: &Value, list: &str) -> Vec<String> {
    rows(record, list).iter().map(|row| key_of(list, own::field(row, column(list)))).collect()
}

/// The primary value of a list.
#[must_use]
pub fn primary_of(record: &Value, list: &str) -> Option<String> {
    let is_primary = |row: &&Value| match list {
        "/email_ids" => own::ticked(row, "is_primary"),
        "/phone_nos" => own::ticked(row, "is_primary_phone"),
        _ => row.pointer("/metadata/primary") == Some(&Value::Bool(true)),
    };
    let row = rows(record, list).iter().find(is_primary)?;
    Some(key_of(list, own::field(row, column(list))))
}

fn rows<'a>(record: &'a Value, list: &str) -> &'a [Value] {
    own::list(record, list.trim_start_matches('/'))
}

fn column(list: &str) -> &'static str {
    match list {
        "/email_ids" => "email_id",
        "/phone_nos" => "phone",
        _ => "value",
    }
}

fn is_email(list: &str) -> bool {
    matches!(list, "/email_ids" | "emailAddresses")
}
