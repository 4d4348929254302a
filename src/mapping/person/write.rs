//! Contact -> the part of a Person that must be sent.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::Person;
use super::address::with_addresses;
use super::read::{NAME_PARTS, ORGANIZATION_PARTS, is_mobile, is_primary, phone_key, text};
use crate::contact::{Contact, Field, Key, PhoneContext, TextField, Value, Values, bare_address};

/// A field of a Person as an update mask names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonField {
    /// `names`
    Names,
    /// `emailAddresses`
    EmailAddresses,
    /// `phoneNumbers`
    PhoneNumbers,
    /// `organizations`
    Organizations,
    /// `addresses`
    Addresses,
}

impl PersonField {
    /// The path in a mask.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::EmailAddresses => "emailAddresses",
            Self::PhoneNumbers => "phoneNumbers",
            Self::Organizations => "organizations",
            Self::Addresses => "addresses",
        }
    }

    /// The field of a Person in which `field` lives.
    #[must_use]
    pub fn of(field: Field) -> Self {
        match field {
            Field::Text(
                TextField::Prefix
                | TextField::Given
                | TextField::Middle
                | TextField::Family
                | TextField::Suffix,
            ) => Self::Names,
            Field::Text(TextField::Company | TextField::Title | TextField::Department) => Self::Organizations,
            Field::Emails => Self::EmailAddresses,
            Field::Phones => Self::PhoneNumbers,
            Field::Addresses => Self::Addresses,
        }
    }
}

/// What must be sent: the mask and, for each of its paths, the whole field.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PersonPatch {
    /// The update mask.
    pub mask: BTreeSet<PersonField>,
    /// The fields of the mask; an absent one is cleared.
    pub body: Map<String, Json>,
}

impl PersonPatch {
    /// What turns `current` (nothing, for a new contact) into `target` in `fields`.
    ///
    /// Each list starts from the current one: elements that stay are sent back as they were read, with their types, labels and
    /// whatever else they hold. A field whose list would not change is left out of the mask.
    #[must_use]
    pub fn new(
        current: Option<&Person>,
        target: &Contact,
        fields: &BTreeSet<Field>,
        phones: PhoneContext,
    ) -> Self {
        let mut patch = Self::default();
        // Who does not exist yet has no address, and that is known.
        let nobody = || Contact { addresses: Some(Values::default()), ..Contact::default() };
        let said = current.map_or_else(nobody, |person| person.contact(phones));
        let differs = |field: &&Field| !said.agrees_on(**field, target);
        let changed: BTreeSet<_> =
            fields.iter().filter(differs).map(|field| PersonField::of(*field)).collect();
        for field in changed {
            let before: Vec<Map<String, Json>> =
                current.map(|person| person.items(field.path()).cloned().collect()).unwrap_or_default();
            let after = match field {
                PersonField::Names => names(&before, target),
                PersonField::Organizations => {
                    let index = current.and_then(Person::mapped_organization).map(|(index, _)| index);
                    organizations(&before, index, target)
                }
                PersonField::EmailAddresses => {
                    values(&before, &target.emails, |item| Key::email(text(item, "value")), bare_address)
                }
                PersonField::PhoneNumbers => {
                    let list = values(&before, &target.phones, |item| phone_key(item, phones), str::trim);
                    with_mobile(list, target.mobile.as_ref(), phones)
                }
                PersonField::Addresses => match &target.addresses {
                    Some(target) => with_addresses(&before, target),
                    None => continue,
                },
            };
            if after != before {
                patch.mask.insert(field);
                patch.body.insert(
                    field.path().to_owned(),
                    Json::Array(after.into_iter().map(Json::Object).collect()),
                );
            }
        }
        patch
    }
}

fn names(before: &[Map<String, Json>], target: &Contact) -> Vec<Map<String, Json>> {
    let current = before.first().cloned().unwrap_or_default();
    let mut name = current.clone();
    set_parts(&mut name, &NAME_PARTS, target);
    if name == current {
        return before.to_vec();
    }
    // API: the composed forms are Google's to derive; a stale one beside changed parts would be ambiguous.
    for composed in ["displayName", "displayNameLastFirst", "unstructuredName"] {
        name.remove(composed);
    }
    if name.keys().all(|key| key == "metadata") { Vec::new() } else { vec![name] }
}

fn organizations(
    before: &[Map<String, Json>],
    index: Option<usize>,
    target: &Contact,
) -> Vec<Map<String, Json>> {
    let mut after = before.to_vec();
    let Some((index, organization)) = index.and_then(|index| after.get_mut(index).map(|item| (index, item)))
    else {
        let mut organization = Map::new();
        set_parts(&mut organization, &ORGANIZATION_PARTS, target);
        if !organization.is_empty() {
            after.push(organization);
        }
        return after;
    };
    set_parts(organization, &ORGANIZATION_PARTS, target);
    let says_nothing =
        |key: &String| matches!(key.as_str(), "metadata" | "type" | "formattedType" | "current");
    if organization.keys().all(says_nothing) {
        after.remove(index);
    }
    after
}

/// Sets each part whose canonical text differs; a part that only spells differently stays as it is.
fn set_parts(item: &mut Map<String, Json>, parts: &[(TextField, &str)], target: &Contact) {
    for (field, key) in parts {
        let mut current = Contact::default();
        current.set_text(*field, text(item, key));
        let wanted = target.text(*field);
        if current.text(*field) == wanted {
            continue;
        }
        if wanted.is_empty() {
            item.remove(*key);
        } else {
            item.insert((*key).to_owned(), json!(wanted));
        }
    }
}

fn values(
    before: &[Map<String, Json>],
    target: &Values,
    key: impl Fn(&Map<String, Json>) -> Option<Key>,
    spelling: impl Fn(&str) -> &str,
) -> Vec<Map<String, Json>> {
    let is_kept = |item: &Map<String, Json>| key(item).is_none_or(|key| target.contains(&key));
    let added: Vec<&Value> = target
        .iter()
        .filter(|value| !before.iter().any(|item| key(item).as_ref() == Some(&value.key)))
        .collect();
    // One out and one in is a correction: it keeps its place, its label and whatever else stands beside the value.
    let correction = match added.as_slice() {
        [value] if before.iter().filter(|item| !is_kept(item)).count() == 1 => Some(*value),
        _ => None,
    };
    let mut after = Vec::new();
    for item in before {
        if is_kept(item) {
            after.push(item.clone());
        } else if let Some(value) = correction {
            let mut item = item.clone();
            set_value(&mut item, value, &spelling);
            after.push(item);
        }
    }
    for value in added.iter().filter(|_| correction.is_none()) {
        let mut item = Map::new();
        set_value(&mut item, value, &spelling);
        after.push(item);
    }
    let primary_now = before.iter().find(|item| is_primary(item)).or(before.first()).and_then(&key);
    if let Some(primary) = target.primary().filter(|primary| Some(*primary) != primary_now.as_ref()) {
        mark_primary(&mut after, |item| key(item).as_ref() == Some(primary));
    }
    after
}

fn set_value(item: &mut Map<String, Json>, value: &Value, spelling: impl Fn(&str) -> &str) {
    item.insert("value".to_owned(), json!(spelling(&value.raw)));
    // API: derived by Google from the value.
    item.remove("canonicalForm");
    if let Some(label) = value.label.as_ref().filter(|label| text(item, "type") != label.as_str()) {
        item.insert("type".to_owned(), json!(label));
        item.remove("formattedType");
    }
}

/// API: `metadata.sourcePrimary` is what a client may set, on at most one item; `metadata.primary` follows from it.
fn mark_primary(items: &mut [Map<String, Json>], is_chosen: impl Fn(&Map<String, Json>) -> bool) {
    if items.len() < 2 {
        return;
    }
    for item in items {
        let chosen = is_chosen(item);
        let metadata = item.entry("metadata").or_insert_with(|| json!({}));
        if let Json::Object(metadata) = metadata {
            if chosen {
                metadata.insert("sourcePrimary".to_owned(), json!(true));
            } else {
                metadata.remove("sourcePrimary");
            }
        }
        if item.get("metadata").and_then(Json::as_object).is_some_and(Map::is_empty) {
            item.remove("metadata");
        }
    }
}

/// A number that the other side calls mobile gets that type only where it has none: a label that a person chose stays.
fn with_mobile(
    mut items: Vec<Map<String, Json>>,
    mobile: Option<&Key>,
    phones: PhoneContext,
) -> Vec<Map<String, Json>> {
    if let Some(item) =
        items.iter_mut().find(|item| mobile.is_some() && phone_key(item, phones).as_ref() == mobile)
    {
        let label = text(item, "type");
        if label.is_empty() && !is_mobile(Some(label)) {
            item.insert("type".to_owned(), json!("mobile"));
        }
    }
    items
}
