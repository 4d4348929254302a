//! Both sides as they are at one moment: every record, and what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use dafater_contactsd::contact::{Contact, MappedField, PhoneContext, Region, TextField};
use dafater_contactsd::mapping::Mapping;
use dafater_contactsd::sandbox::dafater::DocumentVersion;
use dafater_contactsd::sandbox::google::PersonVersion;
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
    /// What it was made of: the same as long as nothing happens to it.
    pub origin: Origin,
}

/// What is behind a record that was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    Person(PersonVersion),
    /// The contact, and its addresses.
    Documents(Vec<DocumentVersion>),
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
