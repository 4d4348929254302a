//! Both sides as they are at one moment: every record, and what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use dafater_contactsd::contact::{Contact, MappedField, PhoneContext, Region, TextField};
use dafater_contactsd::mapping::{Document, Mapping, Person};
use dafater_contactsd::sandbox::dafater::Site;
use dafater_contactsd::sync::Side;
use serde_json::Value;

use super::history::Setting;

/// A record by what survives renames: a CONTACT source's id, or a document's `creation`.
pub type Id = (Side, String);

/// One record.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The Google account that has it; of a document, 0.
    pub account: usize,
    /// Its address now.
    pub name: String,
    pub json: Value,
    pub contact: Contact,
}

/// All records.
#[derive(Debug, Clone, Default)]
pub struct Picture(pub BTreeMap<Id, Arc<Seen>>);

impl Picture {
    pub fn of_side(&self, side: Side) -> impl Iterator<Item = (&Id, &Seen)> {
        self.0.iter().filter(move |((of, _), _)| *of == side).map(|(id, seen)| (id, &**seen))
    }

    /// The record of a name.
    pub fn named(&self, side: Side, name: &str) -> Option<&Id> {
        self.of_side(side).find(|(_, seen)| seen.name == name).map(|(id, _)| id)
    }

    /// The nth of those who are there.
    pub fn nth(&self, side: Side, nth: u32) -> Option<(&Id, &Seen)> {
        let count = self.of_side(side).count();
        (count > 0).then(|| self.of_side(side).nth(nth as usize % count))?
    }
}

/// What an operator maps where fields are mapped: Google's slot, the field in Dafater, and its type.
pub const MAPPED: [(&str, &str, &str); 4] = [
    ("birthday", "custom_birthday", "Date"),
    ("notes", "custom_notes", "Small Text"),
    ("nickname", "custom_nickname", "Data"),
    ("custom.Customer No", "custom_number", "Data"),
];

/// How the daemon reads the records of a setting.
pub fn mapping(setting: &Setting) -> Mapping {
    let phones = PhoneContext { region: Some(Region::try_from("SA".to_owned()).unwrap()) };
    Mapping::new(phones, &fields(setting).into_iter().collect()).with_addresses(setting.addresses)
}

/// The texts that travel, as edits count them: what travels by itself, then what is mapped.
pub fn fields(setting: &Setting) -> Vec<TextField> {
    let mapped = MAPPED.iter().filter(|_| setting.mapped);
    let mapped = mapped.map(|(slot, column, _)| TextField::Mapped(MappedField::new(slot, column)));
    TextField::ALL.into_iter().chain(mapped).collect()
}

/// Where a document's addresses stand beside it.
pub const ADDRESSES: &str = "__addresses";

/// The contacts of a site, each with the addresses that are linked to it, where those travel.
pub fn documents(site: &Site, has_addresses: bool) -> Vec<Value> {
    let mut contacts = site.contacts();
    if has_addresses {
        let mut addresses = site.documents("Address");
        addresses.sort_by(|one, other| one["creation"].as_str().cmp(&other["creation"].as_str()));
        for contact in &mut contacts {
            let is_its = |address: &&Value| {
                let mut links = address["links"].as_array().into_iter().flatten();
                links.any(|link| link["link_doctype"] == "Contact" && link["link_name"] == contact["name"])
            };
            let own: Vec<Value> = addresses.iter().filter(is_its).cloned().collect();
            contact[ADDRESSES] = own.into();
        }
    }
    contacts
}

pub fn see_person(account: usize, json: Value, mapping: &Mapping) -> (Id, Seen) {
    let person = Person::parse(json.clone()).unwrap();
    let contact = person.contact(mapping);
    ((Side::Google, person.source_id.0), Seen { account, name: person.resource_name.0, json, contact })
}

pub fn see_document(json: Value, mapping: &Mapping) -> (Id, Seen) {
    let document = Document::parse(json.clone()).unwrap();
    let contact = document.contact(mapping);
    ((Side::Dafater, document.creation.0), Seen { account: 0, name: document.name.0, json, contact })
}
