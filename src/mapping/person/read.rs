//! Person -> Contact.

use serde_json::{Map, Value as Json};

use super::Person;
use super::address::addresses;
use crate::contact::{Contact, Key, PhoneContext, TextField, Value, Values};

/// Text fields within `names`, with the key that holds each.
pub(super) const NAME_PARTS: [(TextField, &str); 5] = [
    (TextField::Prefix, "honorificPrefix"),
    (TextField::Given, "givenName"),
    (TextField::Middle, "middleName"),
    (TextField::Family, "familyName"),
    (TextField::Suffix, "honorificSuffix"),
];

/// Text fields within the organisation that is mapped, with the key that holds each.
pub(super) const ORGANIZATION_PARTS: [(TextField, &str); 3] =
    [(TextField::Company, "name"), (TextField::Title, "title"), (TextField::Department, "department")];

impl Person {
    /// What this person says, in canonical form.
    #[must_use]
    pub fn contact(&self, phones: PhoneContext) -> Contact {
        self.said.or_read(phones, || self.read(phones))
    }

    fn read(&self, phones: PhoneContext) -> Contact {
        let mut contact = Contact::default();
        if let Some(name) = self.items("names").next() {
            read_name(name, &mut contact);
        }
        if let Some((_, organization)) = self.mapped_organization() {
            for (field, key) in ORGANIZATION_PARTS {
                contact.set_text(field, text(organization, key));
            }
        }
        contact.emails = self.values("emailAddresses", |item| Key::email(text(item, "value")));
        contact.phones = self.values("phoneNumbers", |item| phone_key(item, phones));
        contact.mobile = contact
            .phones
            .iter()
            .find(|phone| is_mobile(phone.label.as_deref()))
            .map(|phone| phone.key.clone());
        if self.fields.contains_key("addresses") {
            contact.addresses = Some(addresses(self.items("addresses")));
        }
        contact
    }

    /// The organisation that travels: the current one, else the first; with its index in the field's list.
    pub(super) fn mapped_organization(&self) -> Option<(usize, &Map<String, Json>)> {
        let mut organizations = self.items("organizations").enumerate();
        let first = organizations.next();
        let is_current = |item: &Map<String, Json>| item.get("current").and_then(Json::as_bool) == Some(true);
        if first.is_some_and(|(_, item)| is_current(item)) {
            return first;
        }
        organizations.find(|(_, item)| is_current(item)).or(first)
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

fn read_name(name: &Map<String, Json>, contact: &mut Contact) {
    for (field, key) in NAME_PARTS {
        contact.set_text(field, text(name, key));
    }
    if contact.texts.is_empty() {
        // API: unstructuredName is stored text and counts only where no part exists.
        contact.set_text(TextField::Given, text(name, "unstructuredName"));
    }
}
