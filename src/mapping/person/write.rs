//! Contact -> the part of a Person that must be sent.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::Person;
use super::address::with_addresses;
use super::read::{TYPED_DATE, find, is_mobile, is_primary, phone_key, said, text};
use crate::contact::{Contact, Field, Key, PhoneContext, Value, Values, bare_address};
use crate::mapping::slot::{Form, Item, Slot};
use crate::mapping::{Mapping, date};

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
    /// `genders`
    Genders,
    /// `birthdays`
    Birthdays,
    /// `biographies`
    Biographies,
    /// `nicknames`
    Nicknames,
    /// `occupations`
    Occupations,
    /// `interests`
    Interests,
    /// `locales`
    Locales,
    /// `urls`
    Urls,
    /// `relations`
    Relations,
    /// `events`
    Events,
    /// `externalIds`
    ExternalIds,
    /// `imClients`
    ImClients,
    /// `sipAddresses`
    SipAddresses,
    /// `calendarUrls`
    CalendarUrls,
    /// `userDefined`
    UserDefined,
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
            Self::Genders => "genders",
            Self::Birthdays => "birthdays",
            Self::Biographies => "biographies",
            Self::Nicknames => "nicknames",
            Self::Occupations => "occupations",
            Self::Interests => "interests",
            Self::Locales => "locales",
            Self::Urls => "urls",
            Self::Relations => "relations",
            Self::Events => "events",
            Self::ExternalIds => "externalIds",
            Self::ImClients => "imClients",
            Self::SipAddresses => "sipAddresses",
            Self::CalendarUrls => "calendarUrls",
            Self::UserDefined => "userDefined",
            Self::Addresses => "addresses",
        }
    }

    /// The field of a Person in which `field` lives; `None` for a text that has no slot there.
    #[must_use]
    pub fn of(field: &Field) -> Option<Self> {
        match field {
            Field::Text(text) => Some(Slot::parse(text.slot())?.list),
            Field::Emails => Some(Self::EmailAddresses),
            Field::Phones => Some(Self::PhoneNumbers),
            Field::Addresses => Some(Self::Addresses),
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
        mapping: &Mapping,
    ) -> Self {
        let mut patch = Self::default();
        // Who does not exist yet has no address, and that is known.
        let nobody = || Contact { addresses: Some(Values::default()), ..Contact::default() };
        let said = current.map_or_else(nobody, |person| person.contact(mapping));
        let differs = |field: &&Field| !said.agrees_on(field, target);
        let changed: BTreeSet<_> = fields.iter().filter(differs).filter_map(PersonField::of).collect();
        for field in changed {
            let before: Vec<Map<String, Json>> =
                current.map(|person| person.items(field.path()).cloned().collect()).unwrap_or_default();
            let after = if field == PersonField::EmailAddresses {
                values(&before, &target.emails, |item| Key::email(text(item, "value")), bare_address)
            } else if field == PersonField::PhoneNumbers {
                let phones = mapping.phones;
                let list = values(&before, &target.phones, |item| phone_key(item, phones), str::trim);
                with_mobile(list, target.mobile.as_ref(), phones)
            } else if field == PersonField::Addresses {
                let Some(target) = &target.addresses else { continue };
                with_addresses(&before, target)
            } else if field == PersonField::Names {
                names(&before, target, mapping)
            } else {
                texts(&before, field, target, mapping)
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

fn names(before: &[Map<String, Json>], target: &Contact, mapping: &Mapping) -> Vec<Map<String, Json>> {
    let mut after = texts(before, PersonField::Names, target, mapping);
    if after != before {
        // API: the composed forms are Google's to derive; a stale one beside changed parts would be ambiguous. A contact has one name.
        after.truncate(1);
        for name in &mut after {
            for composed in COMPOSED {
                name.remove(composed);
            }
        }
        after.retain(|name| !says_nothing(name));
    }
    after
}

const COMPOSED: [&str; 3] = ["displayName", "displayNameLastFirst", "unstructuredName"];

/// The list with the texts of `target` in it: only the items that a slot means are touched, and of those only what differs. An item of
/// which nothing is left goes.
fn texts(
    before: &[Map<String, Json>],
    list: PersonField,
    target: &Contact,
    mapping: &Mapping,
) -> Vec<Map<String, Json>> {
    let mut after = before.to_vec();
    let mut touched = BTreeSet::new();
    for text in mapping.placed().iter().filter(|text| text.slot.list == list) {
        let index = find(&after.iter().collect::<Vec<_>>(), &text.slot, mapping);
        let mut current = Contact::default();
        let item = index.and_then(|index| after.get_mut(index));
        if let Some(item) = &item {
            current.set_text(&text.field, &said(item, &text.slot));
        }
        let wanted = target.text(&text.field);
        // What only spells differently stays as it is.
        if current.text(&text.field) == wanted {
            continue;
        }
        match item {
            Some(item) => set_text(item, &text.slot, wanted),
            None if wanted.is_empty() => {}
            None => {
                let mut item = Map::new();
                if let Item::With(by, with) = &text.slot.item {
                    item.insert((*by).to_owned(), json!(with));
                }
                set_text(&mut item, &text.slot, wanted);
                after.push(item);
            }
        }
        touched.extend(index);
    }
    // Not before all slots are written: the next item would stand in the place of the one that goes.
    for index in touched.into_iter().rev() {
        if after.get(index).is_some_and(says_nothing) {
            after.remove(index);
        }
    }
    after
}

fn set_text(item: &mut Map<String, Json>, slot: &Slot, text: &str) {
    if text.is_empty() {
        item.remove(slot.key);
    } else {
        let value = match slot.form {
            Form::Text => json!(text),
            // What Google cannot hold was withheld before.
            Form::Date => date::json_of(text).unwrap_or_default(),
            Form::Gender => match text.to_lowercase().as_str() {
                known @ ("male" | "female") => json!(known),
                _ => json!(text),
            },
        };
        item.insert(slot.key.to_owned(), value);
    }
    // API: derived by Google from what is set here, or what it made of it before.
    item.remove("formattedValue");
    match slot.form {
        Form::Date => drop(item.remove(TYPED_DATE)),
        // A text is set as people read it, not as markup.
        Form::Text if item.contains_key("contentType") => {
            item.insert("contentType".to_owned(), json!("TEXT_PLAIN"));
        }
        Form::Text | Form::Gender => {}
    }
}

/// Whether an item holds nothing but what tells what it would be.
fn says_nothing(item: &Map<String, Json>) -> bool {
    const ABOUT: [&str; 9] = [
        "metadata",
        "type",
        "formattedType",
        "current",
        "key",
        "protocol",
        "formattedProtocol",
        "contentType",
        "formattedValue",
    ];
    item.keys().all(|key| ABOUT.contains(&key.as_str()))
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

/// API: `metadata.sourcePrimary` is what a client may set, on at most one item; `metadata.primary` follows from it. The chosen value may
/// stand there twice, with two labels.
fn mark_primary(items: &mut [Map<String, Json>], is_chosen: impl Fn(&Map<String, Json>) -> bool) {
    if items.len() < 2 {
        return;
    }
    let nth = items.iter().position(is_chosen);
    for (index, item) in items.iter_mut().enumerate() {
        let chosen = nth == Some(index);
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
