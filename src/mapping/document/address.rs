//! An Address document that is linked to a contact, and what must be sent to change it.
//!
//! Law: of a document that stays only the parts that differ are sent; its title, its further links and everything else is never touched.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::read::{flag, text};
use super::{Document, DocumentName, Link, SiteStamp, rows};
use crate::contact::{Address, AddressKind, Key, Value, Values, corrections};
use crate::mapping::Malformed;

/// An Address document.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressDocument {
    /// Its name.
    pub name: DocumentName,
    /// Its identity over renames.
    pub creation: SiteStamp,
    /// Its revision, and the lock that an update must carry.
    pub modified: SiteStamp,
    /// Its scalar fields as read, without nulls.
    pub fields: Map<String, Json>,
    /// Whom it belongs to.
    pub links: Vec<Link>,
}

/// One thing that is done to the addresses of a contact.
#[derive(Debug, Clone, PartialEq)]
pub enum AddressChange {
    /// A new one is made and linked to the contact.
    Create(Value),
    /// This one is changed.
    Update(DocumentName, Map<String, Json>),
    /// This one is deleted.
    Delete(DocumentName),
}

/// Fields of an Address that are read as texts. What is there in another shape must not pass for "nothing there".
const TEXTS: [&str; 7] =
    ["address_type", "address_line1", "address_line2", "city", "state", "pincode", "country"];

/// Columns of an Address that no new one is made with: the framework's own, and what may be claimed by one document only.
const NOT_COPIED: [&str; 2] = ["is_primary_address", "is_shipping_address"];

impl AddressDocument {
    /// Reads an Address with its table `links`.
    ///
    /// # Errors
    /// The value is no object, or has no name, stamps or links, or a text in another shape.
    pub fn parse(value: Json) -> Result<Self, Malformed> {
        let id = text_of(&value, "name").unwrap_or("(unknown)").to_owned();
        let malformed = |reason: &str| Malformed { id: id.clone(), reason: reason.to_owned() };
        let Json::Object(mut fields) = value else { return Err(malformed("not a JSON object")) };
        let mut required = |key: &str| match fields.remove(key) {
            Some(Json::String(text)) if !text.is_empty() => Ok(text),
            _ => Err(malformed(&format!("no {key}"))),
        };
        let (name, creation, modified) = (required("name")?, required("creation")?, required("modified")?);
        if !fields.get("links").is_some_and(Json::is_array) {
            return Err(malformed("no table links"));
        }
        let links = rows(fields.remove("links")).iter().filter_map(super::link).collect();
        let is_text = |key: &&str| fields.get(*key).is_none_or(|text| text.is_string() || text.is_null());
        if let Some(key) = TEXTS.iter().find(|key| !is_text(key)) {
            return Err(malformed(&format!("`{key}` is no text")));
        }
        fields.retain(|_, value| !value.is_null());
        Ok(Self {
            name: DocumentName(name),
            creation: SiteStamp(creation),
            modified: SiteStamp(modified),
            fields,
            links,
        })
    }

    /// The document as one JSON object: a before-image.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut whole = self.fields.clone();
        let links =
            self.links.iter().map(|link| json!({ "link_doctype": link.doctype, "link_name": link.name }));
        whole.insert("links".to_owned(), links.collect());
        whole.insert("name".to_owned(), json!(self.name));
        whole.insert("creation".to_owned(), json!(self.creation));
        whole.insert("modified".to_owned(), json!(self.modified));
        Json::Object(whole)
    }

    /// What it says; `None` where it says nothing or is disabled: what is out of use is not carried.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        if flag(&self.fields, "disabled") {
            return None;
        }
        self.address().value(Some(text(&self.fields, "address_type")))
    }

    /// Whether it is linked to the contact called `name`.
    #[must_use]
    pub fn belongs_to(&self, name: &DocumentName) -> bool {
        self.links.iter().any(|link| is_contact(link, name))
    }

    /// Whether it belongs to anything beside the contact called `name`: a Customer's office, or the home of two people.
    #[must_use]
    pub fn is_shared(&self, name: &DocumentName) -> bool {
        self.links.iter().any(|link| !is_contact(link, name))
    }

    fn address(&self) -> Address {
        let part = |slot| text(&self.fields, slot);
        let lines = [part("address_line1"), part("address_line2")];
        Address::new(lines, part("city"), part("state"), part("pincode"), part("country"))
    }

    /// The part of it that must be sent so that it says `wanted`.
    fn body(&self, wanted: &Value) -> Map<String, Json> {
        let (now, target) = (self.address(), Address::of(wanted));
        let differs = now.compared().into_iter().zip(target.compared()).map(|(now, target)| now != target);
        let parts: [&[(&str, &str)]; 5] = [
            &[("address_line1", &target.line1), ("address_line2", &target.line2)],
            &[("city", &target.city)],
            &[("state", &target.region)],
            &[("pincode", &target.postal_code)],
            &[("country", &target.country)],
        ];
        let changed =
            parts.into_iter().zip(differs).filter(|(_, differs)| *differs).flat_map(|(parts, _)| parts);
        let mut body: Map<String, Json> =
            changed.map(|(slot, part)| ((*slot).to_owned(), json!(part))).collect();
        let kind = AddressKind::of(wanted.label.as_deref());
        if AddressKind::of(Some(text(&self.fields, "address_type"))) != kind {
            body.insert("address_type".to_owned(), json!(kind.dafater_type()));
        }
        body
    }

    /// The body of a new Address that says `wanted`, titled `title` and linked to the contact called `contact`.
    ///
    /// `image` is the document that said so before and is gone: what is not synced of it comes back.
    #[must_use]
    pub fn anew(
        wanted: &Value,
        title: &str,
        contact: &DocumentName,
        image: Option<&Self>,
    ) -> Map<String, Json> {
        let address = Address::of(wanted);
        let kind = AddressKind::of(wanted.label.as_deref());
        let mut body = Map::new();
        if let Some(image) = image {
            body.clone_from(&image.fields);
            body.retain(|column, _| super::anew::is_own(column) && !NOT_COPIED.contains(&column.as_str()));
        }
        body.entry("address_title").or_insert_with(|| json!(title));
        body.entry("address_type").or_insert_with(|| json!(kind.dafater_type()));
        for (slot, part) in [
            ("address_line1", &address.line1),
            ("address_line2", &address.line2),
            ("city", &address.city),
            ("state", &address.region),
            ("pincode", &address.postal_code),
            ("country", &address.country),
        ] {
            if !part.is_empty() {
                body.insert(slot.to_owned(), json!(part));
            }
        }
        body.insert("links".to_owned(), json!([{ "link_doctype": "Contact", "link_name": contact }]));
        body
    }
}

impl Document {
    /// This document with other addresses.
    #[must_use]
    pub fn with_addresses(self, addresses: Option<Vec<AddressDocument>>) -> Self {
        let addresses = addresses.map(|mut addresses| {
            addresses.sort_by(|one, other| {
                let place = |address: &AddressDocument| (address.creation.civil(), address.name.clone());
                place(one).cmp(&place(other))
            });
            std::sync::Arc::new(addresses)
        });
        Self { addresses, said: super::Said::default(), ..self }
    }

    /// The addresses that belong to others as well: they are shown to Google and never written from there.
    #[must_use]
    pub fn shared_addresses(&self) -> BTreeSet<Key> {
        let addresses = self.addresses.iter().flat_map(|addresses| addresses.iter());
        let shared = addresses.filter(|address| address.is_shared(&self.name));
        shared.filter_map(AddressDocument::value).map(|value| value.key).collect()
    }

    /// What turns its addresses into `target`, in the order in which it is done: nothing is deleted before all the rest is there.
    #[must_use]
    pub fn address_changes(&self, target: &Values) -> Vec<AddressChange> {
        let Some(addresses) = &self.addresses else { return Vec::new() };
        let said: Vec<(&AddressDocument, Value)> =
            addresses.iter().filter_map(|address| Some((address, address.value()?))).collect();
        let is_own = |address: &AddressDocument| !address.is_shared(&self.name);
        let (kept, gone): (Vec<_>, Vec<_>) = said.iter().partition(|(_, value)| target.contains(&value.key));
        let gone: Vec<&(&AddressDocument, Value)> =
            gone.into_iter().filter(|(address, _)| is_own(address)).collect();
        let removed: Vec<&Value> = gone.iter().map(|(_, value)| value).collect();
        let added: Vec<&Value> =
            target.iter().filter(|new| !said.iter().any(|(_, value)| value.key == new.key)).collect();
        let corrected = corrections(&removed, &added);
        let mut changes = Vec::new();
        // One that stands there twice is known by the first; of what kind the other is is its own business.
        let is_double = |address: &AddressDocument, value: &Value| {
            let mut before = said.iter().take_while(|(other, _)| !std::ptr::eq(*other, address));
            before.any(|(_, earlier)| earlier.key == value.key)
        };
        for (address, value) in
            kept.into_iter().filter(|(address, value)| is_own(address) && !is_double(address, value))
        {
            let body = target.get(&value.key).map(|wanted| address.body(wanted)).unwrap_or_default();
            if !body.is_empty() {
                changes.push(AddressChange::Update(address.name.clone(), body));
            }
        }
        for (index, (address, _)) in gone.iter().enumerate() {
            let new = corrected.iter().find(|(at, _)| *at == index).and_then(|(_, new)| added.get(*new));
            if let Some(wanted) = new {
                changes.push(AddressChange::Update(address.name.clone(), address.body(wanted)));
            }
        }
        for (index, wanted) in added.iter().enumerate() {
            if corrected.iter().any(|(_, at)| *at == index) {
                continue;
            }
            let says_so = |address: &&AddressDocument| {
                let out_of_use = address.address().value(None).filter(|_| address.value().is_none());
                is_own(address) && out_of_use.is_some_and(|value| value.key == wanted.key)
            };
            changes.push(match addresses.iter().find(says_so) {
                Some(address) => {
                    let mut body = address.body(wanted);
                    body.insert("disabled".to_owned(), json!(0));
                    AddressChange::Update(address.name.clone(), body)
                }
                None => AddressChange::Create((*wanted).clone()),
            });
        }
        for (index, (address, _)) in gone.iter().enumerate() {
            if !corrected.iter().any(|(at, _)| *at == index) {
                changes.push(AddressChange::Delete(address.name.clone()));
            }
        }
        changes
    }
}

/// The addresses in a before-image.
pub(super) fn in_image(addresses: Json) -> Option<Vec<AddressDocument>> {
    let Json::Array(addresses) = addresses else { return None };
    addresses.into_iter().map(|address| AddressDocument::parse(address).ok()).collect()
}

fn is_contact(link: &Link, name: &DocumentName) -> bool {
    link.doctype == "Contact" && link.name == name.0
}

fn text_of<'a>(value: &'a Json, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Json::as_str)
}
