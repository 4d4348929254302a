//! Google's slots: which text of a Person goes by which name in the configuration.
//!
//! A slot names one text. Of a list it names one item: the only one, the one that is current, the first of a type, the one with a key.
//! The other items of the list are none of its business.

use super::PersonField;

/// Where a text lives in a Person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// The list.
    pub(super) list: PersonField,
    /// The item of the list.
    pub(super) item: Item,
    /// The key within the item.
    pub(super) key: &'static str,
    /// How the text stands there.
    pub(super) form: Form,
}

/// Which item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// The only one: API: a contact has at most one name, biography, birthday and gender.
    Only,
    /// The current one, else the first.
    Current,
    /// The primary one, else the first, of those whose type has no slot of its own in the account.
    Any,
    /// The primary one, else the first, whose text under this key is this: a type, a protocol, the key of a custom field.
    With(&'static str, String),
}

/// How a text stands in an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As text.
    Text,
    /// As a date in parts.
    Date,
    /// As one of Google's words for genders, or a person's own.
    Gender,
}

/// Slots that are one text: (name, list, item, key).
const SINGLE: [(&str, PersonField, Item, &str); 22] = [
    ("prefix", PersonField::Names, Item::Only, "honorificPrefix"),
    ("given", PersonField::Names, Item::Only, "givenName"),
    ("middle", PersonField::Names, Item::Only, "middleName"),
    ("family", PersonField::Names, Item::Only, "familyName"),
    ("suffix", PersonField::Names, Item::Only, "honorificSuffix"),
    ("phonetic_given", PersonField::Names, Item::Only, "phoneticGivenName"),
    ("phonetic_middle", PersonField::Names, Item::Only, "phoneticMiddleName"),
    ("phonetic_family", PersonField::Names, Item::Only, "phoneticFamilyName"),
    ("company", PersonField::Organizations, Item::Current, "name"),
    ("title", PersonField::Organizations, Item::Current, "title"),
    ("department", PersonField::Organizations, Item::Current, "department"),
    ("job_description", PersonField::Organizations, Item::Current, "jobDescription"),
    ("office", PersonField::Organizations, Item::Current, "location"),
    ("cost_center", PersonField::Organizations, Item::Current, "costCenter"),
    ("company_phonetic", PersonField::Organizations, Item::Current, "phoneticName"),
    ("gender", PersonField::Genders, Item::Only, "value"),
    ("notes", PersonField::Biographies, Item::Only, "value"),
    ("birthday", PersonField::Birthdays, Item::Only, "date"),
    ("nickname", PersonField::Nicknames, Item::Any, "value"),
    ("occupation", PersonField::Occupations, Item::Any, "value"),
    ("interest", PersonField::Interests, Item::Any, "value"),
    ("language", PersonField::Locales, Item::Any, "value"),
];

/// Slots of lists with types: (name, list, the key that holds the type, the key of the text).
const TYPED: [(&str, PersonField, &str, &str); 7] = [
    ("url", PersonField::Urls, "type", "value"),
    ("relation", PersonField::Relations, "type", "person"),
    ("event", PersonField::Events, "type", "date"),
    ("external_id", PersonField::ExternalIds, "type", "value"),
    ("im", PersonField::ImClients, "protocol", "username"),
    ("sip", PersonField::SipAddresses, "type", "value"),
    ("calendar", PersonField::CalendarUrls, "type", "url"),
];

/// Slots that need a key: there is no text that is just "custom".
const CUSTOM: &str = "custom";

/// API: a field of a contact holds 1,024 characters; a key far shorter than that is one that a person can read.
const LONGEST_KEY: usize = 100;

impl Slot {
    /// The slot of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if let Some((_, list, item, key)) = SINGLE.into_iter().find(|(single, ..)| *single == name) {
            let form = if list == PersonField::Birthdays {
                Form::Date
            } else if list == PersonField::Genders {
                Form::Gender
            } else {
                Form::Text
            };
            return Some(Self { list, item, key, form });
        }
        let (kind, of) = match name.split_once('.') {
            Some((kind, of)) if is_key(of) => (kind, Some(of)),
            Some(_) => return None,
            None => (name, None),
        };
        if let (CUSTOM, Some(of)) = (kind, of) {
            let item = Item::With("key", of.to_owned());
            return Some(Self { list: PersonField::UserDefined, item, key: "value", form: Form::Text });
        }
        let (_, list, by, key) = TYPED.into_iter().find(|(typed, ..)| *typed == kind)?;
        let item = of.map_or(Item::Any, |of| Item::With(by, of.to_owned()));
        let form = if key == "date" { Form::Date } else { Form::Text };
        Some(Self { list, item, key, form })
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.trim() == key
        && key.chars().count() <= LONGEST_KEY
        && !key.chars().any(char::is_control)
}

/// Every name of a slot, those with a type or key by their beginning.
pub fn slot_names() -> impl Iterator<Item = &'static str> {
    SINGLE.into_iter().map(|(name, ..)| name).chain(TYPED.into_iter().map(|(name, ..)| name)).chain([CUSTOM])
}

/// Whether there is a slot of this name.
#[must_use]
pub fn is_slot(name: &str) -> bool {
    Slot::parse(name).is_some()
}
