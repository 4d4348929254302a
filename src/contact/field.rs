//! The fields that travel: the units in which changes are seen, merged and decided.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Contact;

/// A single-valued text field.
///
/// INVARIANT: stores hold these by their number; new ones go to the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextField {
    /// Honorific prefix; Dafater's `salutation`.
    Prefix,
    /// Given name; Dafater's `first_name`.
    Given,
    /// Middle name.
    Middle,
    /// Family name; Dafater's `last_name`.
    Family,
    /// Honorific suffix; Dafater has no slot for it.
    Suffix,
    /// The organisation's name; Dafater's `company_name`.
    Company,
    /// Job title; Dafater's `designation`.
    Title,
    /// Department.
    Department,
    /// Gender.
    Gender,
    /// What an operator mapped.
    Mapped(MappedField),
}

impl TextField {
    /// The text fields that every contact has, in the order in which people read them.
    pub const ALL: [Self; 9] = [
        Self::Prefix,
        Self::Given,
        Self::Middle,
        Self::Family,
        Self::Suffix,
        Self::Company,
        Self::Title,
        Self::Department,
        Self::Gender,
    ];

    /// The name of Google's slot, as the configuration names it.
    #[must_use]
    pub fn slot(&self) -> &str {
        match self {
            Self::Prefix => "prefix",
            Self::Given => "given",
            Self::Middle => "middle",
            Self::Family => "family",
            Self::Suffix => "suffix",
            Self::Company => "company",
            Self::Title => "title",
            Self::Department => "department",
            Self::Gender => "gender",
            Self::Mapped(mapped) => mapped.slot(),
        }
    }

    /// Whether its line breaks are content. The parts of a name and of an organisation are single lines.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        matches!(self, Self::Mapped(_))
    }
}

/// A slot of Google's and the Dafater field that an operator gave it.
///
/// A base is what both last agreed on in one *correspondence*: a slot that is mapped to another field is another field here, so that what
/// was agreed on with the field before never passes for a deletion in the one that is still empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
pub struct MappedField {
    slot: Arc<str>,
    dafater: Arc<str>,
}

impl MappedField {
    /// The correspondence of Google's `slot` and the field `dafater`.
    #[must_use]
    pub fn new(slot: &str, dafater: &str) -> Self {
        Self { slot: slot.into(), dafater: dafater.into() }
    }

    /// The name of Google's slot, as the configuration names it: `birthday`, `url.work`, `custom.Customer No`.
    #[must_use]
    pub fn slot(&self) -> &str {
        &self.slot
    }

    /// The fieldname in Dafater.
    #[must_use]
    pub fn dafater(&self) -> &str {
        &self.dafater
    }
}

impl From<(String, String)> for MappedField {
    fn from((slot, dafater): (String, String)) -> Self {
        Self { slot: slot.into(), dafater: dafater.into() }
    }
}

impl From<MappedField> for (String, String) {
    fn from(mapped: MappedField) -> Self {
        (mapped.slot.as_ref().to_owned(), mapped.dafater.as_ref().to_owned())
    }
}

/// A unit of change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// One text field.
    Text(TextField),
    /// The set of e-mail addresses with its primary.
    Emails,
    /// The set of phone numbers with its primary and mobile.
    Phones,
    /// The set of postal addresses.
    Addresses,
}

impl Field {
    /// What any of `contacts` may differ in: each text that one of them has, texts first, and the sets.
    #[must_use]
    pub fn of(contacts: &[&Contact]) -> BTreeSet<Self> {
        let texts = Contact::texts_of(contacts).into_iter().map(Self::Text);
        texts.chain([Self::Emails, Self::Phones, Self::Addresses]).collect()
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(TextField::Prefix) => "prefix",
            Self::Text(TextField::Given) => "given name",
            Self::Text(TextField::Middle) => "middle name",
            Self::Text(TextField::Family) => "family name",
            Self::Text(TextField::Suffix) => "suffix",
            Self::Text(TextField::Company) => "company",
            Self::Text(TextField::Title) => "title",
            Self::Text(TextField::Department) => "department",
            Self::Text(TextField::Gender) => "gender",
            Self::Text(TextField::Mapped(mapped)) => mapped.slot(),
            Self::Emails => "e-mails",
            Self::Phones => "phones",
            Self::Addresses => "addresses",
        })
    }
}
