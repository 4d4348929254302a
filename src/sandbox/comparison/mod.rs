//! Compares both sides field by field after a sync, and says in words where they differ.
//!
//! Law: shares no code with the mapping, the matching or the clients; what a side cannot hold is asked of a stand-in of that side.

mod doubles;
mod gauge;
mod own;
mod pair;
mod reading;
mod untouched;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use doubles::Crowd;
pub use own::title;
pub use reading::{key_of, keys_of, primary_of, text_at};
pub use untouched::Untouched;

use gauge::Gauge;

/// One thing in which two records of the same contact differ.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// They should not.
    Differs(String),
    /// Dafater cannot hold what Google has.
    NotForDafater(String),
    /// Google cannot hold what Dafater has.
    NotForGoogle(String),
}

/// What one account and Dafater hold.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The account's people.
    pub google: &'a [Value],
    /// The site's contacts.
    pub dafater: &'a [Value],
    /// The site's Salutation documents.
    pub salutations: &'a [Value],
}

/// What is known of the contacts beside their content.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// Of a contact's name, the resource names that people gave the same person in this account.
    pub same: BTreeMap<String, BTreeSet<String>>,
    /// Records that wait for a person, as `google:<id>` and `dafater:<name>`.
    pub reviewed: BTreeSet<String>,
    /// Records that a policy leaves alone, as resource name or document name.
    pub left_alone: BTreeSet<String>,
}

/// The result of a comparison.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// Contacts that were compared.
    pub compared: usize,
    /// Where they differ and should not, as sentences.
    pub differences: Vec<String>,
    /// What Google has and Dafater cannot hold.
    pub not_for_dafater: Vec<String>,
    /// What Dafater has and Google cannot hold.
    pub not_for_google: Vec<String>,
    /// Who waits for a person.
    pub in_review: Vec<String>,
    /// Who is left alone by policy.
    pub left_alone: Vec<String>,
}

impl Comparison {
    /// Compares.
    #[must_use]
    pub fn new(sides: Sides<'_>, knowledge: &Knowledge) -> Self {
        let mut gauge = Gauge::new(sides.salutations);
        let mut comparison = Self::default();
        let mut people: BTreeMap<&str, &Value> = BTreeMap::new();
        let mut made_from: BTreeMap<String, &str> = BTreeMap::new();
        for person in sides.google {
            let resource = own::field(person, "resourceName");
            let title = || own::title(person);
            if knowledge.reviewed.contains(&format!("google:{}", source_id(person))) {
                comparison.in_review.push(format!("{} ({resource})", title()));
            } else if knowledge.left_alone.contains(resource) {
                comparison.left_alone.push(format!("{} ({resource})", title()));
            } else {
                people.insert(resource, person);
                made_from.extend(origin(person).map(|creation| (creation, resource)));
            }
        }
        for document in sides.dafater {
            let name = own::field(document, "name");
            if knowledge.reviewed.contains(&format!("dafater:{name}")) {
                comparison.in_review.push(name.to_owned());
                continue;
            }
            if knowledge.left_alone.contains(name) {
                comparison.left_alone.push(name.to_owned());
                continue;
            }
            let known = knowledge.same.get(name).into_iter().flatten().map(String::as_str);
            let stated = [own::field(document, "google_contacts_id")];
            let marked = made_from.get(own::field(document, "creation")).copied();
            let partner = known.chain(stated).chain(marked).find_map(|resource| people.remove(resource));
            let Some(person) = partner else {
                comparison.differences.push(format!("{name} stands in Dafater only"));
                continue;
            };
            comparison.compared += 1;
            let who = format!("{name} ({})", own::field(person, "resourceName"));
            for finding in pair::compare(person, document, &mut gauge) {
                match finding {
                    Finding::Differs(what) => comparison.differences.push(format!("{who}: {what}")),
                    Finding::NotForDafater(what) => comparison.not_for_dafater.push(format!("{who}: {what}")),
                    Finding::NotForGoogle(what) => comparison.not_for_google.push(format!("{who}: {what}")),
                }
            }
        }
        for (resource, person) in people {
            comparison.differences.push(format!("{} ({resource}) stands in Google only", own::title(person)));
        }
        comparison
    }

    /// Whether both sides hold the same, as far as they can.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

/// The id of the CONTACT source of a person, which outlives resource names.
#[must_use]
pub fn source_id(person: &Value) -> &str {
    let sources = person.pointer("/metadata/sources").and_then(Value::as_array);
    let contact = sources.into_iter().flatten().find(|source| own::field(source, "type") == "CONTACT");
    contact.map(|source| own::field(source, "id")).unwrap_or_default()
}

/// `creation` of the document that the person was made from, as the daemon notes it: `pair;creation;site`.
#[must_use]
pub fn origin(person: &Value) -> Option<String> {
    let entries = own::list(person, "clientData").iter();
    let mut notes = entries.filter(|entry| own::field(entry, "key") == "dafater-contactsd");
    notes.find_map(|entry| own::field(entry, "value").split(';').nth(1).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> (Value, Value) {
        let person = json!({ "resourceName": "people/c1", "names": [{ "givenName": "Ada", "honorificPrefix": "Dr." }],
            "organizations": [{ "name": "Chamber" }, { "name": "Acme", "title": "CTO", "current": true }],
            "emailAddresses": [{ "value": "ADA@x.example", "metadata": { "primary": true } }, { "value": "a@müller.example" }],
            "phoneNumbers": [{ "value": "٠٥٠٢٢٣٤٥٦٧" }] });
        let document = json!({ "name": "Ada", "salutation": "Dr", "first_name": "Ada", "company_name": "Acme",
            "designation": "CTO", "google_contacts_id": "people/c1",
            "email_ids": [{ "email_id": "ada@x.example", "is_primary": 1 }],
            "phone_nos": [{ "phone": "+966 50 223 4567" }] });
        (person, document)
    }

    fn compare(person: &Value, document: &Value) -> Comparison {
        let sides = Sides {
            google: std::slice::from_ref(person),
            dafater: std::slice::from_ref(document),
            salutations: &[],
        };
        Comparison::new(sides, &Knowledge::default())
    }

    #[test]
    fn the_same_person_in_two_spellings_agrees_and_what_cannot_go_across_is_named() {
        let (person, document) = ada();
        let comparison = compare(&person, &document);
        assert!(comparison.agrees() && comparison.compared == 1, "{comparison:?}");
        assert_eq!(comparison.not_for_dafater.len(), 1, "{comparison:?}");
    }

    #[test]
    fn every_field_that_differs_is_told() {
        let changes = [
            ("/names/0/givenName", json!("ada")),
            ("/names/0/honorificPrefix", json!("Prof.")),
            ("/organizations/1/title", json!("CEO")),
            ("/emailAddresses/0/value", json!("b@x.example")),
            ("/phoneNumbers/0/value", json!("+49302234567")),
        ];
        for (pointer, value) in changes {
            let (mut person, document) = ada();
            *person.pointer_mut(pointer).unwrap() = value;
            assert!(!compare(&person, &document).agrees(), "{pointer}");
        }
    }

    #[test]
    fn who_stands_alone_is_told_unless_a_person_is_asked() {
        let (mut person, mut document) = ada();
        person["resourceName"] = json!("people/c2");
        person["metadata"] = json!({ "sources": [{ "type": "CONTACT", "id": "2" }] });
        assert_eq!(compare(&person, &document).differences.len(), 2);
        document["name"] = json!("Ada-1");
        let sides = Sides { google: &[person], dafater: &[document], salutations: &[] };
        let reviewed = ["google:2".to_owned(), "dafater:Ada-1".to_owned()].into();
        let comparison = Comparison::new(sides, &Knowledge { reviewed, ..Knowledge::default() });
        assert!(comparison.agrees() && comparison.in_review.len() == 2, "{comparison:?}");
    }
}
