//! The canonical contact: what the sync compares, merges and carries.
//!
//! A [`Contact`] is one side's record seen through our eyes. Each value keeps the side's own spelling beside a canonical *key*;
//! two values are the same when their keys are, whatever their spelling.
//!
//! Law: pure. The same record gives the same contact, and nothing here knows a remote.

mod address;
mod country;
mod field;
mod key;
mod phone;
mod text;
mod values;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use address::{Address, AddressKind, corrections};
pub use country::{country_code, country_key};
pub use field::{Field, TextField};
pub use key::{Key, bare_address};
pub use phone::{PhoneContext, Region, plain_digits};
pub use text::{canonical_text, folded_text};
pub use values::{Value, Values};

/// One contact in canonical form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Single-valued text fields that are present, in canonical spelling (NFC, trimmed, single blanks); never empty strings.
    pub texts: BTreeMap<TextField, String>,
    /// E-mail addresses in the side's order.
    pub emails: Values,
    /// Phone numbers in the side's order.
    pub phones: Values,
    /// Which phone is the mobile one, where the side says so.
    pub mobile: Option<Key>,
    /// Postal addresses in the side's order, each as [`Address::value`] makes one; `None` where nobody looked: they are not synced, or
    /// cannot be seen now.
    pub addresses: Option<Values>,
}

impl Contact {
    /// The text of `field`, or `""`.
    #[must_use]
    pub fn text(&self, field: TextField) -> &str {
        self.texts.get(&field).map_or("", String::as_str)
    }

    /// Sets `field` to the canonical form of `value`; blank text removes it.
    ///
    /// The full stop of a prefix is spelling: "Dr." and "Dr" are the same.
    pub fn set_text(&mut self, field: TextField, value: &str) {
        let mut canonical = canonical_text(value);
        if field == TextField::Prefix {
            canonical.truncate(canonical.trim_end_matches('.').len());
        }
        if canonical.is_empty() {
            self.texts.remove(&field);
        } else {
            self.texts.insert(field, canonical);
        }
    }

    /// Whether nothing that is mapped is present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.emails.is_empty() && self.phones.is_empty()
    }

    /// How people know the contact: its name, else its company, else an address or number.
    #[must_use]
    pub fn title(&self) -> String {
        let name =
            [TextField::Given, TextField::Middle, TextField::Family].map(|part| self.text(part)).join(" ");
        let name = canonical_text(&name);
        if !name.is_empty() {
            return name;
        }
        let reach = self.emails.iter().chain(&self.phones).next().map(|value| value.raw.clone());
        Some(self.text(TextField::Company).to_owned())
            .filter(|company| !company.is_empty())
            .or(reach)
            .unwrap_or_default()
    }

    /// The person's name as one folded string for matching: given, middle and family name; `""` for a nameless contact.
    #[must_use]
    pub fn folded_name(&self) -> String {
        let parts = [TextField::Given, TextField::Middle, TextField::Family];
        folded_text(&parts.map(|part| self.text(part)).join(" "))
    }

    /// The company's name folded for matching.
    #[must_use]
    pub fn folded_company(&self) -> String {
        folded_text(self.text(TextField::Company))
    }

    /// Says what `other` says in `field`.
    pub fn take(&mut self, field: Field, other: &Self) {
        match field {
            Field::Text(text) => match other.texts.get(&text) {
                Some(value) => drop(self.texts.insert(text, value.clone())),
                None => drop(self.texts.remove(&text)),
            },
            Field::Emails => self.emails.clone_from(&other.emails),
            Field::Phones => {
                self.phones.clone_from(&other.phones);
                self.mobile.clone_from(&other.mobile);
            }
            Field::Addresses => self.addresses.clone_from(&other.addresses),
        }
    }

    /// Whether `field` has the same canonical content in both. Addresses that nobody looked at contradict nobody.
    #[must_use]
    pub fn agrees_on(&self, field: Field, other: &Self) -> bool {
        match field {
            Field::Text(text) => self.text(text) == other.text(text),
            Field::Emails => self.emails.same_content(&other.emails),
            Field::Phones => self.phones.same_content(&other.phones) && self.mobile == other.mobile,
            Field::Addresses => match (&self.addresses, &other.addresses) {
                (Some(one), Some(other)) => address::same(one, other),
                (None, _) | (_, None) => true,
            },
        }
    }
}
