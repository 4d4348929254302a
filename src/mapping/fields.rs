//! What the records of one account mean: how numbers are read, and which text of Google's goes with which field of Dafater's.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::PersonField;
use super::slot::{Item, Slot};
use crate::contact::{PhoneContext, TextField};

/// How the records of an account are read and written. What is not in it is nobody's business: it stays as it is on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// How phone numbers are read.
    pub phones: PhoneContext,
    /// Whether postal addresses travel.
    pub addresses: bool,
    texts: Arc<Vec<Text>>,
}

/// A text that travels, with its place on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) field: TextField,
    pub(super) slot: Slot,
    /// The fieldname; `None` where a document has no field for it.
    pub(super) column: Option<String>,
}

impl Mapping {
    /// The mapping of these texts; one that Google has no slot for is left out.
    #[must_use]
    pub fn new(phones: PhoneContext, texts: &BTreeSet<TextField>) -> Self {
        let placed = |field: &TextField| {
            let column = column(field).map(str::to_owned);
            Some(Text { field: field.clone(), slot: Slot::parse(field.slot())?, column })
        };
        Self { phones, addresses: false, texts: Arc::new(texts.iter().filter_map(placed).collect()) }
    }

    /// This mapping with postal addresses, or without.
    #[must_use]
    pub fn with_addresses(self, addresses: bool) -> Self {
        Self { addresses, ..self }
    }

    /// The texts that are read unless an operator says otherwise.
    #[must_use]
    pub fn default_texts() -> BTreeSet<TextField> {
        TextField::ALL.into_iter().collect()
    }

    /// The columns of a Contact document that hold them.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().filter_map(|text| text.column.as_deref())
    }

    /// The fields of a Person that hold them, and the addresses where they travel.
    #[must_use]
    pub fn person_fields(&self) -> BTreeSet<PersonField> {
        let addresses = self.addresses.then_some(PersonField::Addresses);
        self.texts.iter().map(|text| text.slot.list).chain(addresses).collect()
    }

    /// The mapping without the texts that `is_left_out`.
    #[must_use]
    pub fn without(&self, is_left_out: impl Fn(&TextField) -> bool) -> Self {
        let kept = self.texts.iter().filter(|text| !is_left_out(&text.field)).cloned().collect();
        Self { texts: Arc::new(kept), ..self.clone() }
    }

    /// The texts that travel.
    pub fn texts(&self) -> impl Iterator<Item = &TextField> {
        self.texts.iter().map(|text| &text.field)
    }

    pub(super) fn placed(&self) -> &[Text] {
        &self.texts
    }

    /// Whether an item of `list` with this text under `by` has a slot of its own.
    pub(super) fn is_taken(&self, list: PersonField, by: &str, with: &str) -> bool {
        let is_it = |item: &Item| matches!(item, Item::With(key, text) if *key == by && text == with);
        self.texts.iter().any(|text| text.slot.list == list && is_it(&text.slot.item))
    }
}

impl Default for Mapping {
    fn default() -> Self {
        PhoneContext::default().into()
    }
}

/// The default texts, with numbers read like this.
impl From<PhoneContext> for Mapping {
    fn from(phones: PhoneContext) -> Self {
        Self::new(phones, &Self::default_texts())
    }
}

/// The fieldname in Dafater; `None` for what a Contact has no field for.
pub(super) fn column(field: &TextField) -> Option<&str> {
    Some(match field {
        TextField::Prefix => "salutation",
        TextField::Given => "first_name",
        TextField::Middle => "middle_name",
        TextField::Family => "last_name",
        TextField::Company => "company_name",
        TextField::Title => "designation",
        TextField::Department => "department",
        TextField::Gender => "gender",
        TextField::Suffix => return None,
        TextField::Mapped(mapped) => mapped.dafater(),
    })
}
