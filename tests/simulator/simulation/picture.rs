//! Both sides as they are at one moment: every record, and what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use dafater_contactsd::contact::{Contact, PhoneContext, Region};
use dafater_contactsd::mapping::{Document, Mapping, Person};
use dafater_contactsd::sync::Side;
use serde_json::Value;

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

pub fn mapping() -> Mapping {
    PhoneContext { region: Some(Region::try_from("SA".to_owned()).unwrap()) }.into()
}

pub fn see_person(account: usize, json: Value) -> (Id, Seen) {
    let person = Person::parse(json.clone()).unwrap();
    let contact = person.contact(&mapping());
    ((Side::Google, person.source_id.0), Seen { account, name: person.resource_name.0, json, contact })
}

pub fn see_document(json: Value) -> (Id, Seen) {
    let document = Document::parse(json.clone()).unwrap();
    let contact = document.contact(&mapping());
    ((Side::Dafater, document.creation.0), Seen { account: 0, name: document.name.0, json, contact })
}
