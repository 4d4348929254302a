//! The fields that travel: the units in which changes are seen, merged and decided.

use serde::{Deserialize, Serialize};

/// A single-valued text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
}

impl TextField {
    /// Every text field, in the order in which people read them.
    pub const ALL: [Self; 8] = [
        Self::Prefix,
        Self::Given,
        Self::Middle,
        Self::Family,
        Self::Suffix,
        Self::Company,
        Self::Title,
        Self::Department,
    ];
}

/// A unit of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Every field, texts first.
    pub fn all() -> impl Iterator<Item = Self> {
        TextField::ALL.into_iter().map(Self::Text).chain([Self::Emails, Self::Phones, Self::Addresses])
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
            Self::Emails => "e-mails",
            Self::Phones => "phones",
            Self::Addresses => "addresses",
        })
    }
}
