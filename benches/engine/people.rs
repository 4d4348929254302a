//! Made-up business contacts, the same at each run.

use dafater_contactsd::contact::{PhoneContext, Region};
use dafater_contactsd::mapping::{Document, Mapping, Person};
use serde_json::{Value, json};

const GIVEN: [&str; 8] = ["Layla", "عمر", "Grace", "Jürgen", "فاطمة", "Ada", "Chen", "Noor"];
const FAMILY: [&str; 7] = ["Al-Harbi", "الشمري", "Hopper", "Müller", "القحطاني", "Lovelace", "Wei"];
const COMPANIES: [&str; 5] =
    ["Riyadh Steel", "شركة النخيل", "Blue Nile Trading", "Müller & Söhne", "Noor Foods"];

pub(crate) fn mapping() -> Mapping {
    PhoneContext { region: Some(Region::try_from("SA".to_owned()).unwrap()) }.into()
}

fn given(number: usize) -> String {
    format!("{} {number}", GIVEN[number % GIVEN.len()])
}

fn company(number: usize) -> String {
    format!("{} {}", COMPANIES[number % COMPANIES.len()], number / 10)
}

/// What Google answers for the person with this number.
pub(crate) fn person_json(number: usize) -> Value {
    json!({
        "resourceName": format!("people/c{}", 1_000_000 + number),
        "etag": format!("%person{number}"),
        "metadata": { "sources": [{
            "type": "CONTACT", "id": format!("{:x}", 1_000_000 + number), "etag": format!("#source{number}"),
            "updateTime": "2026-11-20T08:00:00Z",
        }], "objectType": "PERSON" },
        "names": [{
            "metadata": { "primary": true, "source": { "type": "CONTACT" } },
            "displayName": given(number), "givenName": given(number), "familyName": FAMILY[number % FAMILY.len()],
        }],
        "emailAddresses": [
            { "metadata": { "primary": true }, "value": format!("person{number}@example.com"), "type": "work" },
            { "value": format!("private{number}@example.org"), "type": "home" },
        ],
        "phoneNumbers": [{
            "value": format!("+966 50 {:03} {:04}", number / 10_000 % 1000, number % 10_000), "type": "mobile",
        }],
        "organizations": [{ "name": company(number), "title": "Buyer" }],
    })
}

/// What Dafater answers for the same person.
pub(crate) fn document_json(number: usize) -> Value {
    let (hour, minute, second) = (number / 3600, number / 60 % 60, number % 60);
    json!({
        "name": format!("{}-{number}", given(number)),
        "creation": format!("2026-10-01 {hour:02}:{minute:02}:{second:02}.000000"),
        "modified": format!("2026-11-20 {hour:02}:{minute:02}:{second:02}.000000"),
        "first_name": given(number),
        "last_name": FAMILY[number % FAMILY.len()],
        "company_name": company(number),
        "designation": "Buyer",
        "email_ids": [
            { "idx": 1, "email_id": format!("person{number}@example.com"), "is_primary": 1 },
            { "idx": 2, "email_id": format!("private{number}@example.org"), "is_primary": 0 },
        ],
        "phone_nos": [{
            "idx": 1, "phone": format!("050{:03}{:04}", number / 10_000 % 1000, number % 10_000),
            "is_primary_phone": 1, "is_primary_mobile_no": 1,
        }],
    })
}

pub(crate) fn person(number: usize) -> Person {
    Person::parse(person_json(number)).unwrap()
}

pub(crate) fn document(number: usize) -> Document {
    Document::parse(document_json(number)).unwrap()
}
