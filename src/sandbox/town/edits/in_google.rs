//! What people change in Google.

use serde_json::{Map, Value, json};

use super::{Change, Wish};
use crate::sandbox::comparison::{key_of, text_at};

/// Each change with its name.
pub(super) const CHANGES: &[(&str, Change)] = &[
    ("the prefix", |person, _| {
        let prefix = if text_at(person, "honorificPrefix") == "Prof" { "Dr" } else { "Prof" };
        Some((
            name(person, "honorificPrefix", &format!("{prefix}."))?,
            Wish::Text("/salutation", prefix.to_owned()),
        ))
    }),
    ("the given name", |person, token| {
        named(person, "givenName", "/first_name", &format!("Nadja {token} 🌷"))
    }),
    ("the middle name", |person, token| named(person, "middleName", "/middle_name", &format!("بنت {token}"))),
    ("the family name", |person, token| {
        named(person, "familyName", "/last_name", &format!("Neumann-{token}"))
    }),
    ("the suffix", |person, _| Some((name(person, "honorificSuffix", "MBA")?, Wish::Nothing))),
    ("the gender", |person, _| {
        let is_male = text_at(person, "gender") == "male";
        let (word, gender) = if is_male { ("female", "Female") } else { ("male", "Male") };
        Some((json!({ "genders": [{ "value": word }] }), Wish::Text("/gender", gender.to_owned())))
    }),
    ("the company", |person, token| {
        worked(person, "name", "/company_name", &format!("شركة الأفق {token} & Co."))
    }),
    ("the title", |person, token| worked(person, "title", "/designation", &format!("Director <{token}"))),
    ("the department", |person, token| {
        worked(person, "department", "/department", &format!("Dept. {token}"))
    }),
    ("a department cleared", |person, _| {
        (!text_at(person, "department").is_empty())
            .then(|| (work(person, "department", ""), Wish::Text("/department", String::new())))
    }),
    ("an e-mail added", |person, token| {
        let value = format!("added.{token}@fresh.example");
        Some((
            with(person, EMAILS, json!({ "value": value, "type": "other" })),
            Wish::Has("/email_ids", value.clone()),
        ))
    }),
    ("an e-mail changed", |person, token| {
        let value = format!("changed.{token}@fresh.example");
        Some((replaced(person, EMAILS, &value)?, Wish::Has("/email_ids", value.clone())))
    }),
    ("an e-mail removed", |person, _| {
        let (fields, key) = shortened(person, EMAILS)?;
        Some((fields, Wish::HasNot("/email_ids", key)))
    }),
    ("another primary e-mail", |person, _| {
        let (fields, key) = promoted(person, EMAILS)?;
        Some((fields, Wish::Primary("/email_ids", key)))
    }),
    ("a phone added", |person, token| {
        let value = format!("+966 11 455 1{token}");
        let key = key_of("/phone_nos", &value);
        Some((with(person, PHONES, json!({ "value": value, "type": "work" })), Wish::Has("/phone_nos", key)))
    }),
    ("a phone changed", |person, token| {
        let value = format!("٠٥٠٤٥٥١{token}");
        Some((replaced(person, PHONES, &value)?, Wish::Has("/phone_nos", key_of("/phone_nos", &value))))
    }),
    ("a phone removed", |person, _| {
        let (fields, key) = shortened(person, PHONES)?;
        Some((fields, Wish::HasNot("/phone_nos", key)))
    }),
    ("another primary phone", |person, _| {
        let (fields, key) = promoted(person, PHONES)?;
        Some((fields, Wish::Primary("/phone_nos", key)))
    }),
    ("a birthday and a note, which are not synced", |_, token| {
        let fields = json!({ "birthdays": [{ "date": { "year": 1970, "month": 1, "day": 1 } }],
            "biographies": [{ "value": format!("Only here: {token} 🎂"), "contentType": "TEXT_PLAIN" }] });
        Some((fields, Wish::Nothing))
    }),
];

const EMAILS: &str = "emailAddresses";
const PHONES: &str = "phoneNumbers";

fn named(person: &Value, key: &str, place: &'static str, text: &str) -> Option<(Value, Wish)> {
    Some((name(person, key, text)?, Wish::Text(place, text.to_owned())))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every change")]
fn worked(person: &Value, key: &str, place: &'static str, text: &str) -> Option<(Value, Wish)> {
    Some((work(person, key, text), Wish::Text(place, text.to_owned())))
}

/// The name with one part changed; nobody gets a name who has none.
fn name(person: &Value, key: &str, text: &str) -> Option<Value> {
    let mut name = person.pointer("/names/0")?.as_object()?.clone();
    for derived in ["displayName", "displayNameLastFirst", "unstructuredName"] {
        name.remove(derived);
    }
    name.insert(key.to_owned(), json!(text));
    Some(json!({ "names": [name] }))
}

/// The organisation that counts with one part changed.
pub(super) fn work(person: &Value, key: &str, text: &str) -> Value {
    let mut list = items(person, "organizations");
    let is_current = |item: &Value| item.get("current").and_then(Value::as_bool) == Some(true);
    let index = list.iter().position(is_current).unwrap_or_default();
    if list.is_empty() {
        list.push(Value::Object(Map::new()));
    }
    if let Some(item) = list.get_mut(index).and_then(Value::as_object_mut) {
        if text.is_empty() {
            item.remove(key);
        } else {
            item.insert(key.to_owned(), json!(text));
        }
    }
    json!({ "organizations": list })
}

fn items(person: &Value, list: &str) -> Vec<Value> {
    person.get(list).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn with(person: &Value, list: &str, item: Value) -> Value {
    let mut all = items(person, list);
    all.push(item);
    json!({ list: all })
}

/// The last value is another one; its label stays.
fn replaced(person: &Value, list: &str, value: &str) -> Option<Value> {
    let mut all = items(person, list);
    let end = all.last_mut()?.as_object_mut()?;
    end.insert("value".to_owned(), json!(value));
    end.remove("canonicalForm");
    Some(json!({ list: all }))
}

/// Without the last of several all.
fn shortened(person: &Value, list: &str) -> Option<(Value, String)> {
    let mut all = items(person, list);
    let end = all.pop()?;
    let key = key_of(list, end.get("value")?.as_str()?);
    (!all.is_empty()).then(|| (json!({ list: all }), key))
}

/// With the last of several values as the primary one.
fn promoted(person: &Value, list: &str) -> Option<(Value, String)> {
    let mut all = items(person, list);
    if all.len() < 2 {
        return None;
    }
    let end = all.len() - 1;
    for (index, item) in all.iter_mut().enumerate() {
        item.as_object_mut()?.insert("metadata".to_owned(), json!({ "sourcePrimary": index == end }));
    }
    let key = key_of(list, all.get(end)?.get("value")?.as_str()?);
    Some((json!({ list: all }), key))
}
