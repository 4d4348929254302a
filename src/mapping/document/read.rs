//! Dafater document -> Contact.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::{AddressDocument, Document};
use crate::contact::{Contact, Key, Value, Values};
use crate::mapping::Mapping;

impl Document {
    /// What this document says, in canonical form.
    #[must_use]
    pub fn contact(&self, mapping: &Mapping) -> Contact {
        self.said.or_read(mapping, || self.read(mapping))
    }

    /// How people know this document: its name, else its company, else an address.
    #[must_use]
    pub fn title(&self) -> String {
        self.said.title(|| self.read(&Mapping::default()))
    }

    fn read(&self, mapping: &Mapping) -> Contact {
        let phones = mapping.phones;
        let mut contact = Contact::default();
        for text in mapping.placed() {
            let Some(column) = &text.column else { continue };
            let stored = self.fields.get(column).and_then(Json::as_str).unwrap_or_default();
            contact.set_text(&text.field, &plain(stored));
        }
        contact.emails = values(&self.email_ids, "email_id", "is_primary", Key::email);
        contact.phones = values(&self.phone_nos, "phone", "is_primary_phone", |raw| phones.key(raw));
        contact.mobile = self
            .phone_nos
            .iter()
            .find(|row| flag(row, "is_primary_mobile_no"))
            .and_then(|row| phones.key(text(row, "phone")));
        contact.addresses = self.addresses.as_ref().filter(|_| mapping.addresses).map(|addresses| {
            let mut values = Values::default();
            addresses.iter().filter_map(AddressDocument::value).for_each(|value| values.add(value));
            values
        });
        contact
    }

    /// `google_contacts_id`: the resource name that a contact created from Google carries; `None` when blank.
    #[must_use]
    pub fn google_contacts_id(&self) -> Option<&str> {
        self.fields.get("google_contacts_id").and_then(Json::as_str).filter(|id| !id.is_empty())
    }

    /// Whether the site's own Google integration looks after the contact, and so may have left that id.
    #[must_use]
    pub fn is_of_built_in_integration(&self) -> bool {
        flag(&self.fields, "sync_with_google_contacts")
    }
}

/// What a person typed into a text field.
///
/// API: `sanitize_html` in `frappe/utils/html_utils.py` stores a text that holds a tag, or what looks like one, with every other
/// `<`, `>` and `&` escaped; any other text is stored as it came, so an `&amp;` that stands alone is content.
fn plain(stored: &str) -> Cow<'_, str> {
    if stored.contains("&lt;") || stored.contains("&gt;") {
        Cow::Owned(stored.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    } else {
        Cow::Borrowed(stored)
    }
}

fn values(
    rows: &[Map<String, Json>],
    slot: &str,
    primary: &str,
    key: impl Fn(&str) -> Option<Key>,
) -> Values {
    let mut values = Values::default();
    for row in rows {
        let raw = text(row, slot).trim();
        if let Some(key) = key(raw) {
            values.add(Value { key, raw: raw.to_owned(), label: None });
        }
    }
    let flagged = rows.iter().find(|row| flag(row, primary)).and_then(|row| key(text(row, slot)));
    values.set_primary(flagged.as_ref());
    values
}

pub(super) fn text<'a>(row: &'a Map<String, Json>, slot: &str) -> &'a str {
    row.get(slot).and_then(Json::as_str).unwrap_or_default()
}

/// A Check field: 1 or true.
pub(super) fn flag(row: &Map<String, Json>, slot: &str) -> bool {
    row.get(slot).is_some_and(|value| value.as_i64() == Some(1) || value.as_bool() == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_the_site_took_for_html_says_what_was_typed() {
        assert_eq!(plain("Light &amp; Co &lt;KSA&gt;"), "Light & Co <KSA>");
        assert_eq!(plain("Light & Co < KSA"), "Light & Co < KSA");
        assert_eq!(plain("the entity &amp;"), "the entity &amp;");
        assert_eq!(plain("&amp;lt; &lt;p&gt;"), "&lt; <p>");
    }
}
