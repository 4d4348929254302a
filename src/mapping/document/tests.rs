use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::*;
use crate::contact::{Contact, Field, Key, PhoneContext, TextField, Value as Item};
use crate::mapping::Mapping;

const PHONES: PhoneContext = PhoneContext { region: None };

fn mapping() -> Mapping {
    PHONES.into()
}

fn ada() -> Document {
    Document::parse(json!({
        "name": "Ada Lovelace",
        "creation": "2026-11-22 12:30:00.123456",
        "modified": "2026-11-22 12:31:00.123456",
        "first_name": "Ada",
        "last_name": " Lovelace ",
        "gender": "Female",
        "email_ids": [
            { "name": "r2", "idx": 2, "parent": "Ada Lovelace", "email_id": "second@x.org", "is_primary": 0 },
            { "name": "r1", "idx": 1, "email_id": "Ada@x.org", "is_primary": 1, "custom_note": "castle", "creation": "x" },
        ],
        "phone_nos": [
            { "name": "p1", "idx": 1, "phone": "+966501234567", "is_primary_phone": 1, "is_primary_mobile_no": 1 },
            { "name": "p2", "idx": 2, "phone": "+966112345678", "is_primary_phone": 0, "is_primary_mobile_no": 0 },
        ],
    }))
    .unwrap()
}

fn body(target: &Contact) -> Map<String, Json> {
    Document::body(Some(&ada()), target, &Field::of(&[&ada().contact(&mapping()), target]), &mapping())
}

#[test]
fn what_was_read_needs_no_write() {
    assert_eq!(body(&ada().contact(&mapping())), Map::new());
}

#[test]
fn a_text_changes_just_its_field_and_an_empty_one_is_cleared() {
    let mut target = ada().contact(&mapping());
    target.set_text(&TextField::Title, "Lady");
    target.set_text(&TextField::Family, "");
    assert_eq!(Json::Object(body(&target)), json!({ "designation": "Lady", "last_name": "" }));
}

#[test]
fn a_table_is_sent_whole_without_a_single_column_of_the_framework() {
    let mut target = ada().contact(&mapping());
    let key = Key::email("third@x.org").unwrap();
    target.emails.add(Item { key, raw: "third@x.org".to_owned(), label: Some("work".to_owned()) });
    let expected = json!({ "email_ids": [
        { "email_id": "Ada@x.org", "is_primary": 1, "custom_note": "castle" },
        { "email_id": "second@x.org", "is_primary": 0 },
        { "email_id": "third@x.org" },
    ] });
    assert_eq!(Json::Object(body(&target)), expected);
}

#[test]
fn a_value_that_is_corrected_keeps_its_row() {
    let mut target = ada().contact(&mapping());
    target.emails.remove(&Key::email("ada@x.org").unwrap());
    let key = Key::email("countess@x.org").unwrap();
    target.emails.add(Item { key: key.clone(), raw: "countess@x.org".to_owned(), label: None });
    target.emails.set_primary(Some(&key));
    let row = json!({ "email_id": "countess@x.org", "is_primary": 1, "custom_note": "castle" });
    assert_eq!(body(&target)["email_ids"][0], row);
}

#[test]
fn never_two_rows_are_primary() {
    let mut target = ada().contact(&mapping());
    target.emails.set_primary(Key::email("second@x.org").as_ref());
    target.phones.set_primary(PHONES.key("+966112345678").as_ref());
    target.mobile = PHONES.key("+966112345678");
    let body = body(&target);
    for (table, flag) in [
        ("email_ids", "is_primary"),
        ("phone_nos", "is_primary_phone"),
        ("phone_nos", "is_primary_mobile_no"),
    ] {
        let rows = body[table].as_array().unwrap();
        let flags: Vec<bool> = rows.iter().map(|row| row[flag] == json!(1)).collect();
        assert_eq!(flags, [false, true], "{flag}");
    }
}

#[test]
fn a_value_that_stands_twice_is_flagged_once() {
    let twice = Document::parse(json!({
        "name": "a", "creation": "c", "modified": "m",
        "email_ids": [{ "email_id": "ada@x.org", "is_primary": 1 }, { "email_id": "ADA@x.org" }],
    }))
    .unwrap();
    let mut target = twice.contact(&mapping());
    let key = Key::email("new@x.org").unwrap();
    target.emails.add(Item { key, raw: "new@x.org".to_owned(), label: None });
    let body = Document::body(Some(&twice), &target, &BTreeSet::from([Field::Emails]), &mapping());
    let rows = body["email_ids"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.iter().filter(|row| row["is_primary"] == json!(1)).count(), 1);
}

#[test]
fn what_is_blank_is_passed_over_and_what_has_another_shape_is_refused() {
    let with = |key: &str, value: Value| {
        let mut document = json!({
            "name": "a", "creation": "c", "modified": "m", "first_name": null,
            "email_ids": [{ "email_id": null }, { "email_id": "a@x.org", "is_primary": true }],
        });
        document[key] = value;
        Document::parse(document)
    };
    let contact = with("phone_nos", Value::Null).unwrap().contact(&mapping());
    assert_eq!((contact.emails.len(), contact.emails.primary().is_some()), (1, true));
    // An emptied field is an edit; a field that cannot be read must not pass for one.
    for (key, value) in [
        ("first_name", json!(7)),
        ("phone_nos", json!("none")),
        ("email_ids", json!([null])),
        ("email_ids", json!([{ "email_id": 7 }])),
        ("creation", Value::Null),
        ("name", json!("x".repeat(5_000))),
    ] {
        assert!(with(key, value).is_err(), "{key}");
    }
    assert!(Document::parse(json!([])).is_err());
}
