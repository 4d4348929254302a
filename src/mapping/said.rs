//! What a record says, worked out once.
//!
//! Telling which numbers are the same costs far more than anything else that is done with a record, and each cycle asks several times
//! what it says: to compare, to match, to note what was written. A copy of a record shares what its original knows.

use std::sync::{Arc, OnceLock};

use super::Mapping;
use crate::contact::Contact;

/// The canonical contact of a record, once it was asked for. It is no part of the record: two records are equal whatever they know.
///
/// INVARIANT: a record's own fields do not change after it was asked; what is changed is parsed anew.
#[derive(Debug, Clone, Default)]
pub(super) struct Said(Arc<OnceLock<(Mapping, Contact)>>);

impl Said {
    /// What `read` finds, in the words of `mapping`.
    pub(super) fn or_read(&self, mapping: &Mapping, read: impl Fn() -> Contact) -> Contact {
        let (known, contact) = self.0.get_or_init(|| (mapping.clone(), read()));
        if known == mapping { contact.clone() } else { read() }
    }

    /// How people know the contact: in the words of any mapping, so that nobody reads it for that alone where it was read before.
    pub(super) fn title(&self, read: impl Fn() -> Contact) -> String {
        self.0.get().map_or_else(|| read().title(), |(_, contact)| contact.title())
    }
}

impl PartialEq for Said {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contact::{PhoneContext, Region};
    use crate::mapping::Document;

    #[test]
    fn another_region_reads_the_same_numbers_anew() {
        let document = Document::parse(json!({
            "name": "Omar", "creation": "2026-11-22 10:00:00", "modified": "2026-11-22 10:00:00",
            "phone_nos": [{ "phone": "0501234567", "idx": 1 }],
        }));
        let document = document.expect("a document");
        let key =
            |phones| document.contact(&Mapping::from(phones)).phones.keys().next().map(ToString::to_string);
        let saudi = PhoneContext { region: Region::try_from("SA".to_owned()).ok() };
        for _ in 0..2 {
            assert_eq!(key(PhoneContext::default()).as_deref(), Some("0501234567"));
            assert_eq!(key(saudi).as_deref(), Some("+966501234567"));
        }
    }
}
