use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::*;
use crate::contact::{Contact, Field, Key, MappedField, PhoneContext, TextField, Value as Item};
use crate::mapping::Mapping;

const PHONES: PhoneContext = PhoneContext { region: None };

fn mapping() -> Mapping {
    PHONES.into()
}

fn ada() -> Person {
    Person::parse(json!({
        "resourceName": "people/c1",
        "etag": "%x",
        "metadata": { "sources": [{ "type": "CONTACT", "id": "1", "etag": "#e" }] },
        "names": [{
            "metadata": { "primary": true, "source": { "type": "CONTACT", "id": "1" } },
            "givenName": "Ada", "familyName": "Lovelace", "phoneticGivenName": "Ey-da",
            "displayName": "Ada Lovelace", "unstructuredName": "Ada Lovelace",
        }],
        "emailAddresses": [
            { "metadata": { "primary": true }, "value": "ada@x.org", "type": "Castle", "displayName": "Ada L." },
            { "value": "second@x.org", "type": "home", "formattedType": "Home" },
            { "metadata": { "source": { "type": "PROFILE" } }, "value": "profile@x.org" },
        ],
        "phoneNumbers": [
            { "value": "050 123 4567", "canonicalForm": "+966501234567", "type": "workFax" },
            { "value": "+966 11 234 5678" },
        ],
        "organizations": [
            { "name": "Royal Society", "type": "school" },
            { "name": "Analytical", "title": "Countess", "jobDescription": "notes", "current": true },
        ],
        "birthdays": [{ "date": { "year": 1815 } }],
    }))
    .unwrap()
}

fn all() -> BTreeSet<Field> {
    TextField::ALL.into_iter().map(Field::Text).chain([Field::Emails, Field::Phones]).collect()
}

fn patched(target: &Contact) -> PersonPatch {
    PersonPatch::new(Some(&ada()), target, &all(), &mapping())
}

fn paths(patch: &PersonPatch) -> Vec<&str> {
    patch.mask.iter().map(|field| field.path()).collect()
}

#[test]
fn what_was_read_needs_no_write() {
    assert_eq!(patched(&ada().contact(&mapping())), PersonPatch::default());
}

#[test]
fn a_text_changes_just_its_part_and_nothing_beside_it() {
    let mut target = ada().contact(&mapping());
    target.set_text(&TextField::Title, "Lady");
    let patch = patched(&target);
    assert_eq!(paths(&patch), ["organizations"]);
    let expected = json!([
        { "name": "Royal Society", "type": "school" },
        { "name": "Analytical", "title": "Lady", "jobDescription": "notes", "current": true },
    ]);
    assert_eq!(patch.body["organizations"], expected);
}

#[test]
fn a_name_keeps_its_sound_and_loses_what_google_composes() {
    let mut target = ada().contact(&mapping());
    target.set_text(&TextField::Middle, "King");
    let patch = patched(&target);
    assert_eq!(paths(&patch), ["names"]);
    let name = patch.body["names"][0].as_object().unwrap();
    assert_eq!(
        (name["middleName"].as_str(), name["phoneticGivenName"].as_str()),
        (Some("King"), Some("Ey-da"))
    );
    assert!(!name.contains_key("displayName") && !name.contains_key("unstructuredName"));
}

#[test]
fn a_value_that_is_added_leaves_the_others_as_they_were() {
    let mut target = ada().contact(&mapping());
    let key = Key::email("third@x.org").unwrap();
    target.emails.add(Item { key, raw: "Third <third@x.org>".to_owned(), label: Some("work".to_owned()) });
    let patch = patched(&target);
    assert_eq!(paths(&patch), ["emailAddresses"]);
    let list = patch.body["emailAddresses"].as_array().unwrap();
    assert_eq!(list[..2], ada().fields["emailAddresses"].as_array().unwrap()[..2]);
    assert_eq!(
        list[2],
        json!({ "value": "third@x.org", "type": "work" }),
        "profile data is not ours to send"
    );
    assert_eq!(list.len(), 3);
}

#[test]
fn a_value_that_is_corrected_keeps_its_place_and_label() {
    let mut target = ada().contact(&mapping());
    let old = target.phones.keys().next().unwrap().clone();
    target.phones.remove(&old);
    let key = PHONES.key("+966501234999").unwrap();
    target.phones.add(Item { key, raw: "+966501234999".to_owned(), label: None });
    let patch = patched(&target);
    assert_eq!(patch.body["phoneNumbers"][0], json!({ "value": "+966501234999", "type": "workFax" }));
    assert_eq!(patch.body["phoneNumbers"][1]["value"], "+966 11 234 5678");
}

#[test]
fn a_primary_that_moves_is_marked_on_one_item_only() {
    let mut target = ada().contact(&mapping());
    target.emails.set_primary(Key::email("second@x.org").as_ref());
    let patch = patched(&target);
    let marked: Vec<&Json> = patch.body["emailAddresses"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["metadata"]["sourcePrimary"] == json!(true))
        .collect();
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0]["value"], "second@x.org");
}

/// API: "Merge & fix" leaves an address twice where its labels differ; of two primary ones the whole contact is refused.
#[test]
fn a_primary_that_stands_there_twice_is_marked_on_one_item_only() {
    let mut merged = ada();
    let mut fields = (*merged.fields).clone();
    let again = json!({ "value": "second@x.org", "type": "home" });
    fields["emailAddresses"].as_array_mut().unwrap().push(again);
    merged.fields = std::sync::Arc::new(fields);
    let mut target = merged.contact(&mapping());
    target.emails.set_primary(Key::email("second@x.org").as_ref());
    let patch = PersonPatch::new(Some(&merged), &target, &all(), &mapping());
    let emails = patch.body["emailAddresses"].as_array().unwrap();
    let is_marked = |item: &&Json| item["metadata"]["sourcePrimary"] == json!(true);
    assert_eq!((emails.len(), emails.iter().filter(is_marked).count()), (3, 1));
}

#[test]
fn a_mobile_number_gets_that_label_only_where_it_has_none() {
    let mut target = ada().contact(&mapping());
    target.mobile = PHONES.key("+966112345678");
    assert_eq!(patched(&target).body["phoneNumbers"][1]["type"], "mobile");
    target.mobile = PHONES.key("+966501234567");
    assert_eq!(paths(&patched(&target)), [] as [&str; 0]);
}

/// The first organisation went as soon as its name was taken away; the one behind it then passed for the mapped one.
#[test]
fn what_stands_behind_an_organisation_that_goes_keeps_its_title() {
    let person = Person::parse(json!({
        "resourceName": "people/c1",
        "etag": "%x",
        "metadata": { "sources": [{ "type": "CONTACT", "id": "1", "etag": "#e" }] },
        "organizations": [{ "name": "Analytical" }, { "name": "Second", "title": "Trustee" }],
    }))
    .unwrap();
    let patch = PersonPatch::new(Some(&person), &Contact::default(), &all(), &mapping());
    assert_eq!(patch.body["organizations"], json!([{ "name": "Second", "title": "Trustee" }]));
}

#[test]
fn an_organisation_that_says_nothing_else_goes_and_one_that_does_stays() {
    let mut target = ada().contact(&mapping());
    target.set_text(&TextField::Company, "");
    target.set_text(&TextField::Title, "");
    let expected = json!([
        { "name": "Royal Society", "type": "school" },
        { "jobDescription": "notes", "current": true },
    ]);
    assert_eq!(patched(&target).body["organizations"], expected);
}

#[test]
fn a_field_that_is_emptied_is_in_the_mask_with_an_empty_list() {
    let target = Contact { emails: crate::contact::Values::default(), ..ada().contact(&mapping()) };
    let patch = patched(&target);
    assert_eq!((paths(&patch), &patch.body["emailAddresses"]), (vec!["emailAddresses"], &json!([])));
}

#[test]
fn only_the_fields_that_are_asked_for_are_written() {
    let mut target = ada().contact(&mapping());
    target.set_text(&TextField::Title, "Lady");
    target.set_text(&TextField::Given, "Augusta");
    let asked = BTreeSet::from([Field::Text(TextField::Given)]);
    assert_eq!(paths(&PersonPatch::new(Some(&ada()), &target, &asked, &mapping())), ["names"]);
}

#[test]
fn a_number_is_known_by_googles_reading_where_ours_gives_up() {
    let contact = ada().contact(&mapping());
    let keys: Vec<&str> = contact.phones.keys().map(Key::as_str).collect();
    assert_eq!(keys, ["+966501234567", "+966112345678"]);
}

#[test]
fn what_is_blank_is_passed_over_and_what_has_another_shape_is_refused() {
    let with = |key: &str, value: Value| {
        let mut person = json!({
            "resourceName": "people/c255",
            "metadata": {},
            "emailAddresses": [{}, { "value": " " }, { "value": "ada@x.org" }],
            "organizations": [{}],
        });
        person[key] = value;
        Person::parse(person)
    };
    let person = with("names", Value::Null).unwrap();
    assert_eq!(person.source_id, SourceId("ff".to_owned()));
    assert_eq!(person.contact(&mapping()).emails.len(), 1);
    // An emptied field is an edit; a field that cannot be read must not pass for one.
    for (key, value) in [
        ("names", json!("Ada")),
        ("names", json!([{ "givenName": 7 }])),
        ("emailAddresses", json!([null])),
        ("phoneNumbers", json!([{ "value": 7 }])),
        ("metadata", json!("none")),
        ("metadata", json!({ "sources": [{ "type": "CONTACT", "id": "x".repeat(5_000) }] })),
        ("resourceName", json!("people/../c1")),
    ] {
        assert!(with(key, value).is_err(), "{key}");
    }
}

fn mapped(slots: &[&str]) -> (Mapping, Vec<TextField>) {
    let texts: Vec<TextField> =
        slots.iter().map(|slot| TextField::Mapped(MappedField::new(slot, &slot.replace('.', "_")))).collect();
    (Mapping::new(PHONES, &texts.iter().cloned().collect()), texts)
}

#[test]
fn what_is_written_into_any_slot_is_read_from_it_and_cleared_without_a_trace() {
    let names = crate::mapping::slot_names().map(|name| if name == "custom" { "custom.Shoe" } else { name });
    let names: Vec<&str> =
        names.chain(["url.work", "event.anniversary", "relation.spouse", "im.skype"]).collect();
    for name in names {
        let (mapping, fields) = mapped(&[name]);
        let field = &fields[0];
        let is_date = matches!(name, "birthday" | "event" | "event.anniversary");
        let said = if is_date { "1990-12-31" } else { "said" };
        let mut target = Contact::default();
        target.set_text(field, said);
        let fields = BTreeSet::from([Field::Text(field.clone())]);
        let patch = PersonPatch::new(None, &target, &fields, &mapping);
        let mut body = Json::Object(patch.body);
        body["resourceName"] = json!("people/c1");
        body["metadata"] = json!({ "sources": [{ "type": "CONTACT", "id": "1", "etag": "#e" }] });
        let person = Person::parse(body).unwrap();
        assert_eq!(person.contact(&mapping).text(field), said, "{name}");
        let cleared = PersonPatch::new(Some(&person), &Contact::default(), &fields, &mapping);
        let left: Vec<&Json> = cleared.body.values().collect();
        assert_eq!(left, [&json!([])], "{name}");
        assert_eq!(cleared.mask.len(), 1, "{name}");
    }
}

#[test]
fn a_list_without_a_type_means_the_first_item_that_has_no_slot_of_its_own() {
    let mut raw = json!({
        "resourceName": "people/c1",
        "metadata": { "sources": [{ "type": "CONTACT", "id": "1", "etag": "#e" }] },
        "urls": [
            { "value": "https://work.example", "type": "work", "metadata": { "primary": true } },
            { "value": "https://one.example", "type": "home" },
            { "value": "https://two.example" },
        ],
    });
    let (mapping, fields) = mapped(&["url", "url.work"]);
    let person = Person::parse(raw.clone()).unwrap();
    let contact = person.contact(&mapping);
    assert_eq!(
        (contact.text(&fields[0]), contact.text(&fields[1])),
        ("https://one.example", "https://work.example")
    );
    // The primary one leads, wherever it stands.
    raw["urls"][2]["metadata"] = json!({ "primary": true });
    assert_eq!(Person::parse(raw).unwrap().contact(&mapping).text(&fields[0]), "https://two.example");
}

#[test]
fn an_organisation_that_is_emptied_does_not_take_from_the_one_behind_it() {
    let second = json!({ "name": "Second", "title": "Trustee", "department": "Board" });
    let raw = json!({
        "resourceName": "people/c1",
        "metadata": { "sources": [{ "type": "CONTACT", "id": "1", "etag": "#e" }] },
        "organizations": [{ "name": "First", "type": "work" }, second],
    });
    let mapping = Mapping::from(PhoneContext::default());
    let person = Person::parse(raw).unwrap();
    let fields = [TextField::Company, TextField::Title, TextField::Department].map(Field::Text);
    let emptied = PersonPatch::new(Some(&person), &Contact::default(), &fields.clone().into(), &mapping);
    assert_eq!(Json::Object(emptied.body), json!({ "organizations": [second] }));
    // What another field gives stands in the place of what was emptied.
    let mut moved = Contact::default();
    moved.set_text(&TextField::Title, "Founder");
    let moved = PersonPatch::new(Some(&person), &moved, &fields.into(), &mapping);
    assert_eq!(
        Json::Object(moved.body),
        json!({ "organizations": [{ "title": "Founder", "type": "work" }, second] })
    );
}

#[test]
fn what_stands_beside_a_text_in_its_item_stays() {
    let raw = json!({
        "resourceName": "people/c1",
        "metadata": { "sources": [{ "type": "CONTACT", "id": "1", "etag": "#e" }] },
        "genders": [{ "value": "female", "formattedValue": "Female", "addressMeAs": "they" }],
        "biographies": [{ "value": "<b>Hi</b>", "contentType": "TEXT_HTML" }],
        "birthdays": [{ "text": "in spring" }],
        "imClients": [{ "username": "ada", "protocol": "skype", "type": "work" }],
    });
    let (mapping, fields) = mapped(&["gender", "notes", "birthday", "im.skype"]);
    let person = Person::parse(raw).unwrap();
    let mut target = person.contact(&mapping);
    assert_eq!((target.text(&fields[0]), target.text(&fields[2])), ("Female", "in spring"));
    for (field, text) in fields.iter().zip(["male", "Ho", "1815-12-10", "augusta"]) {
        target.set_text(field, text);
    }
    let fields = fields.into_iter().map(Field::Text).collect();
    let patch = PersonPatch::new(Some(&person), &target, &fields, &mapping);
    assert_eq!(
        Json::Object(patch.body),
        json!({
            "genders": [{ "value": "male", "addressMeAs": "they" }],
            "biographies": [{ "value": "Ho", "contentType": "TEXT_PLAIN" }],
            "birthdays": [{ "date": { "year": 1815, "month": 12, "day": 10 } }],
            "imClients": [{ "username": "augusta", "protocol": "skype", "type": "work" }],
        })
    );
}
