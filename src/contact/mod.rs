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

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use address::{Address, AddressKind, corrections};
pub use country::{country_code, country_key};
pub use field::{Field, MappedField, TextField};
pub use key::{Key, bare_address};
pub use phone::{PhoneContext, Region, plain_digits};
pub use text::{canonical_lines, canonical_text, folded_text, is_too_long};
pub use values::{Value, Values};

/// One contact in canonical form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Single-valued text fields that are present, in canonical spelling; never empty strings.
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
    pub fn text(&self, field: &TextField) -> &str {
        self.texts.get(field).map_or("", String::as_str)
    }

    /// The text of Google's slot that `field` stands for, whichever field of Dafater an operator gave it, or `""`.
    fn text_of_slot(&self, field: &TextField) -> &str {
        let stands_for = |(other, _): &(&TextField, &String)| other.slot() == field.slot();
        self.texts
            .get(field)
            .or_else(|| Some(self.texts.iter().find(stands_for)?.1))
            .map_or("", String::as_str)
    }

    /// Sets `field` to the canonical form of `value`; blank text removes it.
    ///
    /// The full stop of a prefix is spelling: "Dr." and "Dr" are the same.
    pub fn set_text(&mut self, field: &TextField, value: &str) {
        let mut canonical = if field.has_lines() { canonical_lines(value) } else { canonical_text(value) };
        if *field == TextField::Prefix {
            canonical.truncate(canonical.trim_end_matches('.').len());
        }
        if canonical.is_empty() {
            self.texts.remove(field);
        } else {
            self.texts.insert(field.clone(), text::held(canonical));
        }
    }

    /// The text fields of any of `contacts`: what has to be compared.
    #[must_use]
    pub fn texts_of(contacts: &[&Self]) -> BTreeSet<TextField> {
        contacts.iter().flat_map(|contact| contact.texts.keys()).cloned().collect()
    }

    /// Whether nothing that is mapped is present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.emails.is_empty() && self.phones.is_empty()
    }

    /// How people know the contact: its name, else its company, else an address or number.
    #[must_use]
    pub fn title(&self) -> String {
        let name = [TextField::Given, TextField::Middle, TextField::Family]
            .map(|part| self.text_of_slot(&part))
            .join(" ");
        let name = canonical_text(&name);
        if !name.is_empty() {
            return name;
        }
        let reach = self.emails.iter().chain(&self.phones).next().map(|value| value.raw.clone());
        Some(self.text_of_slot(&TextField::Company).to_owned())
            .filter(|company| !company.is_empty())
            .or(reach)
            .unwrap_or_default()
    }

    /// The person's name as one folded string for matching: given, middle and family name; `""` for a nameless contact.
    #[must_use]
    pub fn folded_name(&self) -> String {
        let parts = [TextField::Given, TextField::Middle, TextField::Family];
        folded_text(&parts.map(|part| self.text_of_slot(&part)).join(" "))
    }

    /// The company's name folded for matching.
    #[must_use]
    pub fn folded_company(&self) -> String {
        folded_text(self.text_of_slot(&TextField::Company))
    }

    /// Whether the contact says anything in `field`.
    #[must_use]
    pub fn says(&self, field: &Field) -> bool {
        match field {
            Field::Text(text) => !self.text(text).is_empty(),
            Field::Emails => !self.emails.is_empty(),
            Field::Phones => !self.phones.is_empty(),
            Field::Addresses => self.addresses.as_ref().is_some_and(|addresses| !addresses.is_empty()),
        }
    }

    /// Says what `other` says in `field`.
    pub fn take(&mut self, field: &Field, other: &Self) {
        match field {
            Field::Text(text) => match other.texts.get(text) {
                Some(value) => drop(self.texts.insert(text.clone(), value.clone())),
                None => drop(self.texts.remove(text)),
            },
            Field::Emails => self.emails.clone_from(&other.emails),
            Field::Phones => {
                self.phones.clone_from(&other.phones);
                self.mobile.clone_from(&other.mobile);
            }
            Field::Addresses => self.addresses.clone_from(&other.addresses),
        }
    }

    /// Whether both say the same in every field.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        Field::of(&[self, other]).iter().all(|field| self.agrees_on(field, other))
    }

    /// Whether `field` has the same canonical content in both. Addresses that nobody looked at contradict nobody.
    #[must_use]
    pub fn agrees_on(&self, field: &Field, other: &Self) -> bool {
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

    /// Whether each of its addresses is one of `other`'s, of the same kind. What nobody looked at is not known to be different.
    #[must_use]
    pub fn has_addresses_among(&self, other: &Self) -> bool {
        match (&self.addresses, &other.addresses) {
            (Some(own), Some(other)) => address::are_among(own, other),
            (None, _) | (_, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(Prefix "Dr", Department "Optics")` as stores hold it since the first version, and the addresses that nobody had looked at then.
    const STORED: &[u8] = b"\x02\x00\x02Dr\x07\x06Optics\x00\x00\x00\x00\x00\x00";

    #[test]
    fn a_contact_that_was_stored_before_fields_could_be_mapped_is_still_read() {
        let contact: Contact = postcard::from_bytes(STORED).unwrap();
        assert_eq!(
            (contact.text(&TextField::Prefix), contact.text(&TextField::Department)),
            ("Dr", "Optics")
        );
        assert_eq!(postcard::to_stdvec(&contact).unwrap(), STORED);
    }

    #[test]
    fn what_an_operator_mapped_is_stored_with_both_its_names() {
        let mut contact = Contact::default();
        let notes = TextField::Mapped(MappedField::new("notes", "custom_notes"));
        contact.set_text(&notes, "Gate B\nring twice");
        let bytes = postcard::to_stdvec(&contact).unwrap();
        assert_eq!(postcard::from_bytes::<Contact>(&bytes).unwrap(), contact);
        assert_eq!(contact.text(&notes), "Gate B\nring twice");
        let moved = TextField::Mapped(MappedField::new("notes", "custom_remarks"));
        assert_eq!(contact.text(&moved), "", "of the field that it is mapped to now nothing was agreed on");
    }

    #[test]
    fn a_name_that_is_kept_in_another_field_still_names_the_contact() {
        let mut contact = Contact::default();
        contact.set_text(&TextField::Mapped(MappedField::new("given", "custom_given")), "Ada");
        contact.set_text(&TextField::Family, "Lovelace");
        assert_eq!(
            (contact.title().as_str(), contact.folded_name().as_str()),
            ("Ada Lovelace", "ada lovelace")
        );
    }
}
