//! How somebody stands in a Google account: names in parts, numbers as they were typed, and all that Dafater knows nothing of.

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use super::Quirk;
use super::phone::Spelling;
use super::portrait::{Portrait, Trade};
use super::words::LONG_TITLE;

/// The resource names of the labels in one account.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// "Customers"
    pub customers: String,
    /// "Suppliers"
    pub suppliers: String,
    /// "Partners"
    pub partners: String,
}

/// What Google's side of a shared contact lacks or has otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Take {
    /// Whether the person is also in Dafater, written by somebody else.
    pub(super) is_shared: bool,
    /// What is peculiar.
    pub(super) quirk: Quirk,
}

/// The `Person` to create.
pub(super) fn person(who: &Portrait, take: Take, labels: &Labels, rng: &mut StdRng) -> Value {
    let mut person = Map::new();
    let quirk = take.quirk;
    let name = name(who, quirk);
    if !name.is_empty() {
        person.insert("names".to_owned(), json!([name]));
    }
    person.insert("organizations".to_owned(), organizations(who, take, rng));
    person.insert("emailAddresses".to_owned(), emails(who, take, rng));
    let phones = phones(who, quirk, rng);
    if !phones.is_empty() {
        person.insert("phoneNumbers".to_owned(), Value::Array(phones));
    }
    trimmings(&mut person, who, rng);
    let label = match who.business.trade {
        Trade::Customer => &labels.customers,
        Trade::Supplier => &labels.suppliers,
        Trade::Partner => &labels.partners,
    };
    let mut groups = vec!["contactGroups/myContacts"];
    if rng.gen_bool(0.6) && !label.is_empty() {
        groups.push(label);
    }
    if rng.gen_bool(0.1) {
        groups.push("contactGroups/starred");
    }
    let memberships: Vec<Value> = groups
        .into_iter()
        .map(|group| json!({ "contactGroupMembership": { "contactGroupResourceName": group } }))
        .collect();
    person.insert("memberships".to_owned(), Value::Array(memberships));
    Value::Object(person)
}

fn name(who: &Portrait, quirk: Quirk) -> Map<String, Value> {
    let prefix = match (quirk, who.prefix) {
        (Quirk::ForeignTitle, _) => "Sheikh".to_owned(),
        (_, "") => String::new(),
        (_, "Mr" | "Mrs") => who.prefix.to_owned(),
        // People write the full stop, the site's list does not.
        (_, prefix) => format!("{prefix}."),
    };
    let suffix = if quirk == Quirk::Suffix { "PhD" } else { "" };
    [
        ("honorificPrefix", prefix.as_str()),
        ("givenName", &who.given),
        ("middleName", who.middle),
        ("familyName", &who.family),
        ("honorificSuffix", suffix),
    ]
    .into_iter()
    .filter(|(_, part)| !part.is_empty() && !who.given.is_empty())
    .map(|(key, part)| (key.to_owned(), json!(part)))
    .collect()
}

fn organizations(who: &Portrait, take: Take, rng: &mut StdRng) -> Value {
    let mut work = Map::from_iter([("name".to_owned(), json!(who.business.name))]);
    let title = if take.quirk == Quirk::LongTitle { LONG_TITLE } else { who.title };
    // Where two people keep the books, one of them leaves things out.
    for (key, text) in [("title", title), ("department", who.department)] {
        let is_left_out = take.is_shared && rng.gen_bool(0.15);
        if !text.is_empty() && !is_left_out {
            work.insert(key.to_owned(), json!(text));
        }
    }
    if rng.gen_bool(0.4) {
        work.insert("type".to_owned(), json!("work"));
    }
    if rng.gen_bool(0.1) {
        work.insert("jobDescription".to_owned(), json!("Signs orders up to 50,000 SAR"));
        work.insert("location".to_owned(), json!("Tower B, 7th floor"));
    }
    if take.quirk != Quirk::SecondOrganization {
        return json!([work]);
    }
    work.insert("current".to_owned(), json!(true));
    let second = json!({ "name": "غرفة الرياض · Riyadh Chamber", "title": "Board Member", "domain": "chamber.example",
        "startDate": { "year": 2019, "month": 3, "day": 1 } });
    if rng.gen_bool(0.5) { json!([work, second]) } else { json!([second, work]) }
}

fn emails(who: &Portrait, take: Take, rng: &mut StdRng) -> Value {
    let mut emails: Vec<Value> = who
        .emails
        .iter()
        .map(|email| {
            let value = if rng.gen_bool(0.2) { capitalised(&email.value) } else { email.value.clone() };
            json!({ "value": value, "type": email.kind })
        })
        .collect();
    if take.quirk == Quirk::Idn {
        let value = format!("vertrieb{}@müller-bau.example", rng.gen_range(0..100_000));
        emails.push(json!({ "value": value, "type": "work", "displayName": "Vertrieb" }));
    }
    if take.quirk == Quirk::LatePrimary {
        let value = format!("chief.{}", who.emails.first().map_or("", |email| &email.value));
        let metadata = json!({ "sourcePrimary": true });
        emails.push(json!({ "value": value, "type": "Assistant", "metadata": metadata }));
    }
    Value::Array(emails)
}

fn capitalised(address: &str) -> String {
    address
        .split_inclusive(['.', '-', '@'])
        .map(|part| {
            let mut letters = part.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        })
        .collect()
}

fn phones(who: &Portrait, quirk: Quirk, rng: &mut StdRng) -> Vec<Value> {
    let mut phones: Vec<Value> = who
        .phones
        .iter()
        .map(|phone| {
            let any = Spelling::ALL.get(rng.gen_range(0..Spelling::ALL.len())).copied();
            let spelling = if quirk == Quirk::Arabic {
                Spelling::Arabic
            } else if quirk == Quirk::Marked {
                Spelling::Marked
            } else {
                any.unwrap_or(Spelling::Plain)
            };
            let kind = match (phone.is_mobile, rng.gen_range(0..6)) {
                (true, 0) => "واتساب",
                (true, 1) => "workMobile",
                (true, _) => "mobile",
                (false, 0) => "main",
                (false, 1) => "workFax",
                (false, _) => "work",
            };
            json!({ "value": phone.written(spelling), "type": kind })
        })
        .collect();
    if quirk == Quirk::Extension
        && let Some(phone) = who.phones.last()
    {
        let extension = json!({ "value": phone.with_extension(rng.gen_range(100..999)), "type": "work" });
        phones.push(extension);
    }
    phones
}

/// What Dafater has no room for, and what must stay as it is.
fn trimmings(person: &mut Map<String, Value>, who: &Portrait, rng: &mut StdRng) {
    let mut put = |likely: f64, field: &str, value: Value| {
        if rng.gen_bool(likely) {
            person.insert(field.to_owned(), value);
        }
    };
    let (city, code) = who.business.place.cities.first().copied().unwrap_or_default();
    let street = json!({ "type": "work", "streetAddress": "King Fahd Road 12\nGate 3", "city": city, "postalCode": code });
    put(0.3, "birthdays", json!([{ "date": { "year": 1980, "month": 2, "day": 29 } }]));
    put(
        0.3,
        "biographies",
        json!([{ "value": "Met at the fair.\n\tيفضل التواصل صباحا  \nPays late 🙄", "contentType": "TEXT_PLAIN" }]),
    );
    put(0.25, "addresses", json!([street, { "type": "Warehouse", "city": city, "country": "—" }]));
    put(
        0.15,
        "urls",
        json!([{ "value": format!("https://{}/", who.business.domain), "type": "homePage" },
        { "value": "https://photos.example/face.jpg?size=96", "type": "profile" }]),
    );
    put(0.05, "relations", json!([{ "person": "أم خالد", "type": "assistant" }]));
    put(0.05, "events", json!([{ "date": { "month": 9, "day": 23 }, "type": "Contract renewal" }]));
    put(
        0.1,
        "userDefined",
        json!([{ "key": "VAT", "value": "300012345600003" }, { "key": "VAT", "value": "" }]),
    );
    put(0.05, "imClients", json!([{ "username": "buyer.01", "protocol": "skype", "type": "work" }]));
    put(0.08, "nicknames", json!([{ "value": "بو فهد" }]));
    put(0.05, "externalIds", json!([{ "value": "C-0042", "type": "customer" }]));
    put(0.05, "genders", json!([{ "value": "female" }]));
    put(0.05, "clientData", json!([{ "key": "crm-of-somebody-else", "value": "7f3a;β" }]));
    put(0.03, "occupations", json!([{ "value": "Importer" }]));
}
