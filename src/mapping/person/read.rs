//! Person -> Contact.

use serde_json::{Map, Value as Json};

use super::address::addresses;
use super::{Person, PersonField};
use crate::contact::{Contact, Key, PhoneContext, TextField, Value, Values};
use crate::mapping::slot::{Form, Item, Slot};
use crate::mapping::{Mapping, date};

impl Person {
    /// What this person says, in canonical form.
    #[must_use]
    pub fn contact(&self, mapping: &Mapping) -> Contact {
        self.said.or_read(mapping, || self.read(mapping))
    }

    /// How people know this person: its name, else its company, else an address.
    #[must_use]
    pub fn title(&self) -> String {
        self.said.title(|| self.read(&Mapping::default()))
    }

    fn read(&self, mapping: &Mapping) -> Contact {
        let mut contact = Contact::default();
        for text in mapping.placed() {
            let items: Vec<&Map<String, Json>> = self.items(text.slot.list.path()).collect();
            let item = find(&items, &text.slot, mapping).and_then(|index| items.get(index));
            if let Some(item) = item {
                contact.set_text(&text.field, &said(item, &text.slot));
            }
        }
        if let Some(name) = self.items("names").next().filter(|name| !has_parts(name)) {
            // API: unstructuredName is stored text and counts only where no part exists.
            for given in mapping.texts().filter(|field| field.slot() == TextField::Given.slot()) {
                contact.set_text(given, text(name, "unstructuredName"));
            }
        }
        contact.emails = self.values("emailAddresses", |item| Key::email(text(item, "value")));
        contact.phones = self.values("phoneNumbers", |item| phone_key(item, mapping.phones));
        contact.mobile = contact
            .phones
            .iter()
            .find(|phone| is_mobile(phone.label.as_deref()))
            .map(|phone| phone.key.clone());
        if mapping.addresses {
            contact.addresses = Some(addresses(self.items("addresses")));
        }
        contact
    }

    fn values(&self, field: &str, key: impl Fn(&Map<String, Json>) -> Option<Key>) -> Values {
        let mut values = Values::default();
        let mut primary = None;
        for item in self.items(field) {
            let Some(key) = key(item) else { continue };
            // API: exactly one item of a non-empty field is primary; it is the first where the flag is missing.
            if is_primary(item) || primary.is_none() && values.is_empty() {
                primary = Some(key.clone());
            }
            let label = Some(text(item, "type")).filter(|label| !label.is_empty()).map(str::to_owned);
            values.add(Value { key, raw: text(item, "value").trim().to_owned(), label });
        }
        values.set_primary(primary.as_ref());
        values
    }
}

/// Whether a Google phone type names a mobile number.
pub(super) fn is_mobile(label: Option<&str>) -> bool {
    matches!(label, Some("mobile" | "workMobile"))
}

/// The key of a phone item: ours if the number can be understood, else Google's, which knows the account's region.
pub(super) fn phone_key(item: &Map<String, Json>, phones: PhoneContext) -> Option<Key> {
    let own = phones.key(text(item, "value"))?;
    if own.as_str().starts_with('+') {
        return Some(own);
    }
    PhoneContext::default()
        .key(text(item, "canonicalForm"))
        .filter(|key| key.as_str().starts_with('+'))
        .or(Some(own))
}

pub(super) fn text<'a>(item: &'a Map<String, Json>, key: &str) -> &'a str {
    item.get(key).and_then(Json::as_str).unwrap_or_default()
}

pub(super) fn is_primary(item: &Map<String, Json>) -> bool {
    item.get("metadata").and_then(|metadata| metadata.get("primary")).and_then(Json::as_bool) == Some(true)
}

/// The item of a list that a slot means, if it is there.
pub(super) fn find(items: &[&Map<String, Json>], slot: &Slot, mapping: &Mapping) -> Option<usize> {
    let leading = |is_it: &dyn Fn(&Map<String, Json>) -> bool, leads: fn(&Map<String, Json>) -> bool| {
        let both = |item: &&Map<String, Json>| is_it(item) && leads(item);
        items.iter().position(both).or_else(|| items.iter().position(|item| is_it(item)))
    };
    match &slot.item {
        Item::Only => leading(&|_| true, |_| false),
        Item::Current => leading(&|_| true, is_current),
        // API: a nickname of another type is a maiden name, initials, …
        Item::Any if slot.list == PersonField::Nicknames => {
            leading(&|item| matches!(text(item, "type"), "" | "DEFAULT"), is_primary)
        }
        Item::Any => {
            let by = if slot.list == PersonField::ImClients { "protocol" } else { "type" };
            leading(&|item| !mapping.is_taken(slot.list, by, text(item, by)), is_primary)
        }
        Item::With(by, with) => leading(&|item| text(item, by) == with, is_primary),
    }
}

/// What an item says in a slot.
pub(super) fn said(item: &Map<String, Json>, slot: &Slot) -> String {
    let said = text(item, slot.key);
    match slot.form {
        Form::Text => said.to_owned(),
        // API: `text` is what was typed where nobody could make a date of it.
        Form::Date => {
            item.get(slot.key).and_then(date::text_of).unwrap_or_else(|| text(item, TYPED_DATE).to_owned())
        }
        Form::Gender => match said {
            "male" => "Male".to_owned(),
            "female" => "Female".to_owned(),
            "unspecified" => String::new(),
            own => own.to_owned(),
        },
    }
}

pub(super) const TYPED_DATE: &str = "text";

fn is_current(item: &Map<String, Json>) -> bool {
    item.get("current").and_then(Json::as_bool) == Some(true)
}

fn has_parts(name: &Map<String, Json>) -> bool {
    ["honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix"]
        .into_iter()
        .any(|part| !text(name, part).trim().is_empty())
}
