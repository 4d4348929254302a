//! What people do, carried out on the models.
//!
//! A deed that is impossible just now (nobody is there, the site refuses it) is left undone.

use dafater_contactsd::contact::Value as Reach;
use dafater_contactsd::sandbox::dafater::Site;
use dafater_contactsd::sandbox::google::Google;
use dafater_contactsd::sync::Side;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::history::{Address, Deed, Edit, Kind, Newcomer, Number, Place, Text};
use super::picture::{ADDRESSES, Picture, Seen};

/// The Google accounts, and what the daemon calls them.
pub const EMAILS: [&str; 3] = ["sales@example.com", "support@example.com", "office@example.com"];
pub const ACCOUNTS: [&str; 3] = ["sales", "support", "office"];
pub const DAEMON: &str = "contacts@example.com";

/// The two remotes, at their own times.
pub struct Remotes<'a> {
    pub google: &'a mut Google,
    pub google_now: Timestamp,
    pub site: &'a mut Site,
    pub site_now: Timestamp,
    /// Names of contacts that were deleted on the site, to be restored.
    pub deleted_names: &'a mut Vec<String>,
    /// With the account of each.
    pub deleted_persons: &'a mut Vec<(usize, String)>,
    pub accounts: usize,
}

impl Remotes<'_> {
    /// Does `deed`; whether it could be done does not matter.
    pub fn carry_out(&mut self, deed: &Deed, picture: &Picture) {
        match deed {
            Deed::Add { side: Side::Google, who } => {
                let email = EMAILS[who.token as usize % self.accounts];
                drop(self.google.add_person(email, person(*who), self.google_now));
            }
            Deed::Add { side: Side::Dafater, who } => drop(self.site.insert(document(*who), self.site_now)),
            Deed::Edit { side, who, edit } => {
                let Some((_, seen)) = picture.nth(*side, *who) else { return };
                match side {
                    Side::Google => {
                        if let Some(change) = person_change(seen, *edit) {
                            drop(self.google.edit_person(
                                EMAILS[seen.account],
                                &seen.name,
                                change,
                                self.google_now,
                            ));
                        }
                    }
                    Side::Dafater if is_of_place(*edit) => self.edit_place(seen, *edit),
                    Side::Dafater => {
                        if let Some(change) = document_change(seen, *edit) {
                            drop(self.site.edit(&seen.name, change, self.site_now));
                        }
                    }
                }
            }
            Deed::Delete { side, who } => {
                let Some((_, seen)) = picture.nth(*side, *who) else { return };
                match side {
                    Side::Google => {
                        if self
                            .google
                            .delete_person(EMAILS[seen.account], &seen.name, self.google_now)
                            .is_ok()
                        {
                            self.deleted_persons.push((seen.account, seen.name.clone()));
                        }
                    }
                    Side::Dafater => {
                        // API: the site keeps a contact as long as an address is linked to it.
                        for place in places(seen) {
                            drop(self.site.delete_in("Address", place, self.site_now));
                        }
                        if self.site.delete(&seen.name, self.site_now).is_ok() {
                            self.deleted_names.push(seen.name.clone());
                        }
                    }
                }
            }
            Deed::Restore { side: Side::Google, who } => {
                if let Some((account, name)) = nth(self.deleted_persons, *who) {
                    drop(self.google.restore_person(EMAILS[account], &name, self.google_now));
                }
            }
            Deed::Restore { side: Side::Dafater, who } => {
                if let Some(name) = nth(self.deleted_names, *who) {
                    drop(self.site.restore(&name, self.site_now));
                }
            }
            Deed::Rename { side, who, to } => {
                let Some((_, seen)) = picture.nth(*side, *who) else { return };
                match side {
                    Side::Google => {
                        drop(self.google.rename(EMAILS[seen.account], &seen.name, self.google_now));
                    }
                    Side::Dafater => {
                        drop(self.site.rename(&seen.name, &format!("Renamed {to}"), self.site_now));
                    }
                }
            }
            Deed::Merge { side, loser, survivor } => {
                let (Some((_, loser)), Some((_, survivor))) =
                    (picture.nth(*side, *loser), picture.nth(*side, *survivor))
                else {
                    return;
                };
                if loser.name == survivor.name || loser.account != survivor.account {
                    return;
                }
                match side {
                    Side::Google => {
                        let email = EMAILS[loser.account];
                        drop(self.google.merge_persons(email, &loser.name, &survivor.name, self.google_now));
                    }
                    Side::Dafater => drop(self.site.merge(&loser.name, &survivor.name, self.site_now)),
                }
            }
            Deed::Hide { who } => {
                if let Some((_, seen)) = picture.nth(Side::Dafater, *who) {
                    self.site.hide(DAEMON, &seen.name);
                }
            }
            Deed::Unhide => self.site.unhide(DAEMON),
            Deed::Poison { who, token } => {
                let Some((_, seen)) = picture.nth(Side::Dafater, *who) else { return };
                let mut rows = rows(&seen.json, "phone_nos");
                rows.push(json!({ "phone": format!("ask for {token} at the desk, then wait") }));
                self.site.poison(&seen.name, json!({ "phone_nos": rows }));
            }
        }
    }
}

impl Remotes<'_> {
    /// Somebody sees to an address of a contact on the site.
    fn edit_place(&mut self, seen: &Seen, edit: Edit) {
        let own = places(seen);
        let nth = |nth: u32| (!own.is_empty()).then(|| own[nth as usize % own.len()]);
        match edit {
            Edit::AddPlace { token, place } => {
                let (street, country) = match place {
                    // The same door, in other words.
                    Place::Common(n) => (format!("{} Common Road,  Floor 2", 1 + n), "Saudi Arabia"),
                    _ => (street(token), "Saudi Arabia"),
                };
                let link = json!({ "link_doctype": "Contact", "link_name": seen.name });
                let address = json!({ "address_title": "Place", "address_type": "Office", "address_line1": street,
                    "city": "Riyadh", "country": country, "phone": "0112345678", "links": [link] });
                drop(self.site.insert_into("Address", address, self.site_now));
            }
            Edit::RemovePlace { nth: at } => {
                if let Some(name) = nth(at) {
                    drop(self.site.delete_in("Address", name, self.site_now));
                }
            }
            Edit::MovePlace { nth: at, token } => {
                if let Some(name) = nth(at) {
                    let change = json!({ "address_line1": street(token), "address_line2": "" });
                    drop(self.site.edit_in("Address", name, change, self.site_now));
                }
            }
            Edit::LabelPlace { nth: at, is_work } => {
                if let Some(name) = nth(at) {
                    let kind = if is_work { "Billing" } else { "Personal" };
                    let change = json!({ "address_type": kind });
                    drop(self.site.edit_in("Address", name, change, self.site_now));
                }
            }
            _ => {}
        }
    }
}

fn is_of_place(edit: Edit) -> bool {
    matches!(
        edit,
        Edit::AddPlace { .. } | Edit::RemovePlace { .. } | Edit::MovePlace { .. } | Edit::LabelPlace { .. }
    )
}

/// The names of a contact's addresses.
fn places(seen: &Seen) -> Vec<&str> {
    let all = seen.json[ADDRESSES].as_array().into_iter().flatten();
    all.filter_map(|address| address["name"].as_str()).collect()
}

fn street(token: u32) -> String {
    format!("{token} King Fahd Road")
}

fn nth<T: Clone>(names: &[T], nth: u32) -> Option<T> {
    (!names.is_empty()).then(|| names[nth as usize % names.len()].clone())
}

fn email(token: u32) -> String {
    format!("u{token}@example.com")
}

fn international(token: u32) -> String {
    format!("+966 50 {:03} {:04}", 100 + token / 10_000, token % 10_000)
}

fn national(token: u32) -> String {
    format!("050{:03}{:04}", 100 + token / 10_000, token % 10_000)
}

struct Words {
    given: String,
    family: String,
    company: String,
    title: String,
    prefix: String,
    emails: Vec<String>,
    phones: Vec<(String, String)>,
}

fn words(who: Newcomer) -> Words {
    let token = who.token;
    let mut words = Words {
        given: format!("Given{token}"),
        family: format!("Family{token}"),
        company: String::new(),
        title: String::new(),
        prefix: String::new(),
        emails: vec![email(token)],
        phones: vec![(international(token), national(token))],
    };
    match who.kind {
        Kind::Full => {
            words.company = format!("Company{token}");
            words.title = format!("Title{token}");
            words.emails.push(format!("home.{token}@example.org"));
        }
        Kind::Arabic => {
            words.given = format!("ليلى{token}");
            words.family = format!("الحربي{token}");
        }
        Kind::Emoji => {
            words.given = format!("👩‍💻{token}");
            words.family = format!("Cafe\u{301}{token}");
        }
        Kind::NameOnly => {
            words.emails.clear();
            words.phones.clear();
        }
        Kind::AddressOnly => {
            words.given.clear();
            words.family.clear();
            words.phones.clear();
        }
        Kind::NumberOnly => {
            words.given.clear();
            words.family.clear();
            words.emails.clear();
        }
        Kind::Company => {
            words.given.clear();
            words.family.clear();
            words.company = format!("Company{token}");
        }
        Kind::Empty => {
            words.given.clear();
            words.family.clear();
            words.emails.clear();
            words.phones.clear();
        }
        Kind::Awkward => {
            "Dr.".clone_into(&mut words.prefix);
        }
    }
    words
}

fn person(who: Newcomer) -> Value {
    let words = words(who);
    let mut person = Map::new();
    let mut name = Map::new();
    for (key, text) in
        [("givenName", &words.given), ("familyName", &words.family), ("honorificPrefix", &words.prefix)]
    {
        if !text.is_empty() {
            name.insert(key.to_owned(), json!(text));
        }
    }
    if who.kind == Kind::Awkward {
        name.insert("honorificSuffix".to_owned(), json!("MSc"));
        name.insert("middleName".to_owned(), json!("x".repeat(150)));
    }
    if !name.is_empty() {
        person.insert("names".to_owned(), json!([name]));
    }
    let mut emails: Vec<Value> =
        words.emails.iter().map(|email| json!({ "value": email, "type": "work" })).collect();
    let mut phones: Vec<Value> =
        words.phones.iter().map(|(phone, _)| json!({ "value": phone, "type": "mobile" })).collect();
    if who.kind == Kind::Awkward {
        emails.push(json!({ "value": format!("ö{}@example.com", who.token) }));
        phones.push(json!({ "value": format!("+49 30 {} ext. 7 at the front desk", 1_000_000 + who.token) }));
    }
    if !emails.is_empty() {
        person.insert("emailAddresses".to_owned(), json!(emails));
    }
    if !phones.is_empty() {
        person.insert("phoneNumbers".to_owned(), json!(phones));
    }
    let mut organizations = Vec::new();
    if !words.company.is_empty() {
        organizations.push(json!({ "name": words.company, "title": words.title, "type": "work" }));
    }
    if who.rich {
        person.insert("birthdays".to_owned(), json!([{ "date": { "month": 2, "day": 28 } }]));
        person.insert("biographies".to_owned(), json!([{ "value": format!("Notes on {}", who.token) }]));
        person.insert("nicknames".to_owned(), json!([{ "value": "Lulu" }]));
        person.insert("addresses".to_owned(), json!([{ "city": "Riyadh", "type": "home" }]));
        person.insert("userDefined".to_owned(), json!([{ "key": "shoe size", "value": "42" }]));
        if !organizations.is_empty() {
            organizations.push(json!({ "name": "Second Organisation", "title": "Trustee" }));
        }
    }
    if !organizations.is_empty() {
        person.insert("organizations".to_owned(), json!(organizations));
    }
    Value::Object(person)
}

fn document(who: Newcomer) -> Value {
    let words = words(who);
    let mut document = Map::new();
    for (key, text) in [
        ("first_name", &words.given),
        ("last_name", &words.family),
        ("company_name", &words.company),
        ("designation", &words.title),
    ] {
        if !text.is_empty() {
            document.insert(key.to_owned(), json!(text));
        }
    }
    if who.kind == Kind::Awkward {
        document.insert("salutation".to_owned(), json!("Dr"));
    }
    let emails: Vec<Value> = words
        .emails
        .iter()
        .enumerate()
        .map(|(n, email)| json!({ "email_id": email, "is_primary": i32::from(n == 0) }))
        .collect();
    document.insert("email_ids".to_owned(), json!(emails));
    let phones: Vec<Value> = words
        .phones
        .iter()
        .map(|(_, phone)| json!({ "phone": phone, "is_primary_phone": 1, "is_primary_mobile_no": 1 }))
        .collect();
    document.insert("phone_nos".to_owned(), json!(phones));
    if who.rich {
        document.insert("gender".to_owned(), json!("Female"));
        document.insert("unsubscribed".to_owned(), json!(1));
        document.insert("is_primary_contact".to_owned(), json!(1));
    }
    Value::Object(document)
}

const NAME_KEYS: [&str; 5] = ["honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix"];
const ORGANIZATION_KEYS: [&str; 3] = ["name", "title", "department"];
const SLOTS: [&str; 13] = [
    "salutation",
    "first_name",
    "middle_name",
    "last_name",
    "", // no slot for a suffix
    "company_name",
    "designation",
    "department",
    "gender",
    "custom_birthday",
    "custom_notes",
    "custom_nickname",
    "custom_number",
];

/// What is entered into a field, numbered as [`super::picture::fields`] counts.
fn text(field: u32, value: Text) -> String {
    let (Text::Unique(n) | Text::Arabic(n) | Text::Emoji(n) | Text::Common(n) | Text::Long(n)) = value;
    let one_of = |words: &[&str]| words[n as usize % words.len()].to_owned();
    match field {
        PREFIX => return one_of(&["Dr", "Prof", "Mr", "Baron"]),
        GENDER => return one_of(&["Male", "Female", "Other", "A River"]),
        BIRTHDAY => return format!("{}-{:02}-{:02}", 1900 + n % 100, 1 + n % 12, 1 + n % 28),
        _ => {}
    }
    match value {
        Text::Unique(token) => format!("Text{token}"),
        Text::Arabic(token) => format!("نص{token}"),
        Text::Emoji(token) => format!("🌴 {token}"),
        Text::Common(n) => format!("Common{n}"),
        Text::Long(token) => format!("{}{token}", "long ".repeat(30)),
    }
}

const PREFIX: u32 = 0;
/// The first of those that a later edition edits, and the one behind the last.
pub const GENDER: u32 = 8;
const BIRTHDAY: u32 = 9;
pub const MAPPED_END: u32 = 13;

/// A field that stands in a list of its own in Google is given `text`; blank clears it. API: one item of each but the nicknames and the
/// custom fields.
fn set_single(json: &Value, field: u32, text: &str) -> Option<Value> {
    let (list, value) = match field {
        GENDER => ("genders", json!({ "value": text })),
        BIRTHDAY => {
            let parts: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
            let date = match parts[..] {
                // Of some nobody knows the year.
                [year, month, day] if year % 5 == 0 => json!({ "month": month, "day": day }),
                [year, month, day] => json!({ "year": year, "month": month, "day": day }),
                _ => json!(null),
            };
            ("birthdays", json!({ "date": date }))
        }
        10 => ("biographies", json!({ "value": text })),
        11 => ("nicknames", json!({ "value": text })),
        _ => ("userDefined", json!({ "key": "Customer No", "value": text })),
    };
    let mut all = items(json, list);
    let is_it = |item: &Value| match list {
        "nicknames" => item["type"].is_null() || item["type"] == "DEFAULT",
        "userDefined" => item["key"] == "Customer No",
        _ => true,
    };
    let known = all.iter().position(is_it);
    match (known, text.is_empty()) {
        (Some(at), true) => drop(all.remove(at)),
        (Some(at), false) => all[at] = value,
        (None, true) => return None,
        (None, false) => all.push(value),
    }
    Some(json!({ list: all }))
}

fn items(json: &Value, key: &str) -> Vec<Value> {
    let mut items = json[key].as_array().cloned().unwrap_or_default();
    for item in &mut items {
        if let Some(item) = item.as_object_mut() {
            let chosen = item.get("metadata").and_then(|metadata| metadata["sourcePrimary"].as_bool());
            item.remove("metadata");
            if chosen == Some(true) {
                item.insert("metadata".to_owned(), json!({ "sourcePrimary": true }));
            }
        }
    }
    items
}

fn rows(json: &Value, key: &str) -> Vec<Value> {
    let mut rows = json[key].as_array().cloned().unwrap_or_default();
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.retain(|column, _| {
            column.starts_with("is_primary") || matches!(column.as_str(), "email_id" | "phone")
        });
    }
    rows
}

fn address(token: u32, value: Address) -> String {
    match value {
        Address::Plain => email(token),
        Address::Foreign => format!("ü{token}@example.com"),
    }
}

fn number(token: u32, value: Number) -> String {
    match value {
        Number::International => international(token),
        Number::National => national(token),
        Number::ShortCode => format!("*{}#", 1_000 + token),
        Number::Words => format!("+49 30 {} ext. 9 ask for Mona", 2_000_000 + token),
    }
}

/// What says `text` in one of a person's texts; an empty text takes it away.
fn set_text(json: &Value, field: u32, text: &str) -> Option<Value> {
    if field >= GENDER {
        return set_single(json, field, text);
    }
    let field = field as usize;
    let (list, key) = match field {
        0..5 => ("names", NAME_KEYS[field]),
        _ => ("organizations", ORGANIZATION_KEYS[field - 5]),
    };
    let mut all = items(json, list);
    if all.is_empty() {
        all.push(json!({}));
    }
    let item = all[0].as_object_mut()?;
    for composed in ["displayName", "displayNameLastFirst", "unstructuredName"] {
        item.remove(composed);
    }
    if text.is_empty() {
        item.remove(key);
    } else {
        item.insert(key.to_owned(), json!(text));
    }
    if item.is_empty() {
        all.remove(0);
    }
    Some(json!({ list: all }))
}

/// A postal address as a user enters it in Google.
fn person_place(token: u32, place: Place) -> Value {
    let mut address = json!({ "type": "work", "streetAddress": street(token), "city": "Riyadh",
        "country": "KSA", "poBox": format!("{token}") });
    match place {
        Place::Whole => {}
        Place::Common(n) => {
            address["streetAddress"] = json!(format!("{} common road", 1 + n));
            address["extendedAddress"] = json!("Floor 2");
            address["postalCode"] = json!("11564");
        }
        Place::Partial => drop(address.as_object_mut().map(|address| address.remove("country"))),
        Place::Wakanda => address["country"] = json!("Wakanda"),
    }
    address
}

fn person_change(seen: &Seen, edit: Edit) -> Option<Value> {
    let json = &seen.json;
    let change_list = |list: &str, change: &dyn Fn(&mut Vec<Value>)| {
        let mut all = items(json, list);
        for item in all.iter_mut().filter_map(Value::as_object_mut) {
            item.remove("formattedType");
            item.remove("canonicalForm");
            item.remove("formattedValue");
        }
        change(&mut all);
        Some(json!({ list: all }))
    };
    let at = |all: &[Value], nth: u32| (!all.is_empty()).then(|| nth as usize % all.len());
    match edit {
        Edit::Text { field, value } => set_text(json, field, &text(field, value)),
        Edit::Clear { field } => set_text(json, field, ""),
        Edit::AddEmail { token, value } => change_list("emailAddresses", &|all| {
            all.push(json!({ "value": address(token, value), "type": "other" }));
        }),
        Edit::AddPhone { token, value } => change_list("phoneNumbers", &|all| {
            all.push(json!({ "value": number(token, value), "type": "home" }));
        }),
        Edit::RemoveEmail { nth } | Edit::RemovePhone { nth } => {
            let list =
                if matches!(edit, Edit::RemoveEmail { .. }) { "emailAddresses" } else { "phoneNumbers" };
            change_list(list, &|all| {
                if let Some(nth) = at(all, nth) {
                    all.remove(nth);
                }
            })
        }
        Edit::ChangeEmail { nth, token } => change_list("emailAddresses", &|all| {
            if let Some(nth) = at(all, nth) {
                all[nth]["value"] = json!(email(token));
            }
        }),
        Edit::ChangePhone { nth, token } => change_list("phoneNumbers", &|all| {
            if let Some(nth) = at(all, nth) {
                all[nth]["value"] = json!(international(token));
            }
        }),
        Edit::PrimaryEmail { nth } | Edit::PrimaryPhone { nth } => {
            let list =
                if matches!(edit, Edit::PrimaryEmail { .. }) { "emailAddresses" } else { "phoneNumbers" };
            change_list(list, &|all| {
                if let Some(nth) = at(all, nth) {
                    for item in all.iter_mut().filter_map(Value::as_object_mut) {
                        item.remove("metadata");
                    }
                    all[nth]["metadata"] = json!({ "sourcePrimary": true });
                }
            })
        }
        Edit::Mobile { nth } => change_list("phoneNumbers", &|all| {
            if let Some(nth) = at(all, nth) {
                all[nth]["type"] = json!("mobile");
            }
        }),
        Edit::AddPlace { token, place } => {
            change_list("addresses", &|all| all.push(person_place(token, place)))
        }
        Edit::RemovePlace { nth } => change_list("addresses", &|all| {
            if let Some(nth) = at(all, nth) {
                all.remove(nth);
            }
        }),
        Edit::MovePlace { nth, token } => change_list("addresses", &|all| {
            if let Some(nth) = at(all, nth) {
                all[nth]["streetAddress"] = json!(street(token));
            }
        }),
        Edit::LabelPlace { nth, is_work } => change_list("addresses", &|all| {
            if let Some(nth) = at(all, nth) {
                all[nth]["type"] = json!(if is_work { "work" } else { "home" });
            }
        }),
        Edit::Unmapped { which, token } => Some(match which {
            0 => json!({ "biographies": [{ "value": format!("Note {token}") }] }),
            1 => json!({ "nicknames": [{ "value": format!("Nick{token}") }] }),
            2 => json!({ "birthdays": [{ "date": { "month": 1 + token % 12, "day": 7 } }] }),
            3 => json!({ "urls": [{ "value": format!("https://example.com/{token}"), "type": "blog" }] }),
            4 => change_list("emailAddresses", &|all| {
                if let Some(first) = all.first_mut() {
                    first["type"] = json!(format!("Label {token}"));
                }
            })?,
            _ => change_list("phoneNumbers", &|all| {
                if let Some(first) = all.first_mut() {
                    first["type"] = json!(format!("Label {token}"));
                }
            })?,
        }),
        Edit::Touch => Some(json!({ "emailAddresses": items(json, "emailAddresses") })),
    }
}

fn document_change(seen: &Seen, edit: Edit) -> Option<Value> {
    let json = &seen.json;
    let change_rows = |table: &str, change: &dyn Fn(&mut Vec<Value>)| {
        let mut all = rows(json, table);
        change(&mut all);
        Some(json!({ table: all }))
    };
    let at = |all: &[Value], nth: u32| (!all.is_empty()).then(|| nth as usize % all.len());
    let flag = |all: &mut Vec<Value>, nth: u32, flag: &str| {
        if let Some(nth) = at(all, nth) {
            for row in all.iter_mut() {
                row[flag] = json!(0);
            }
            all[nth][flag] = json!(1);
        }
    };
    match edit {
        Edit::Text { field, value } => {
            let slot = SLOTS[field as usize];
            (!slot.is_empty()).then(|| json!({ slot: text(field, value) }))
        }
        Edit::Clear { field } => {
            let slot = SLOTS[field as usize];
            (!slot.is_empty()).then(|| json!({ slot: "" }))
        }
        Edit::AddEmail { token, .. } => change_rows("email_ids", &|all| {
            all.push(json!({ "email_id": email(token) }));
        }),
        Edit::AddPhone { token, value } => change_rows("phone_nos", &|all| {
            all.push(json!({ "phone": number(token, value) }));
        }),
        Edit::RemoveEmail { nth } | Edit::RemovePhone { nth } => {
            let table = if matches!(edit, Edit::RemoveEmail { .. }) { "email_ids" } else { "phone_nos" };
            change_rows(table, &|all| {
                if let Some(nth) = at(all, nth) {
                    all.remove(nth);
                }
            })
        }
        Edit::ChangeEmail { nth, token } => change_rows("email_ids", &|all| {
            if let Some(nth) = at(all, nth) {
                all[nth]["email_id"] = json!(email(token));
            }
        }),
        Edit::ChangePhone { nth, token } => change_rows("phone_nos", &|all| {
            if let Some(nth) = at(all, nth) {
                all[nth]["phone"] = json!(national(token));
            }
        }),
        Edit::PrimaryEmail { nth } => change_rows("email_ids", &|all| flag(all, nth, "is_primary")),
        Edit::PrimaryPhone { nth } => change_rows("phone_nos", &|all| flag(all, nth, "is_primary_phone")),
        Edit::Mobile { nth } => change_rows("phone_nos", &|all| flag(all, nth, "is_primary_mobile_no")),
        Edit::Unmapped { which, token } => Some(match which % 3 {
            0 => json!({ "unsubscribed": token % 2 }),
            // It travels by now; the histories that have it keep their meaning.
            1 => json!({ "gender": (["Male", "Female", "Other"][token as usize % 3]) }),
            _ => json!({ "is_primary_contact": token % 2 }),
        }),
        Edit::Touch => Some(json!({})),
        Edit::AddPlace { .. }
        | Edit::RemovePlace { .. }
        | Edit::MovePlace { .. }
        | Edit::LabelPlace { .. } => None,
    }
}

/// The keys of a list of values.
pub fn keys(values: &dafater_contactsd::contact::Values) -> Vec<String> {
    values.iter().map(|Reach { key, .. }| key.as_str().to_owned()).collect()
}
