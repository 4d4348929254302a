//! How a new document gets its name.
//!
//! Law: a Contact is named after the person, the company or nobody, and its first link; a taken name gets the next number. Looking for
//! the next number ignores case but not accents, while the database ignores both: the trap in which a create fails for good.

use rand::Rng as _;

use super::collation::Key;
use super::document::Doc;
use super::refusal::Refusal;
use super::schema::{DocType, Naming};
use super::tables::Table;
use super::{Site, text};

impl Site {
    /// The name for the new document `doc`, whose links were looked up already. `prompted`: what was typed where a name is asked for.
    pub(super) fn new_name(
        &mut self,
        schema: &DocType,
        doc: &Doc,
        prompted: &str,
    ) -> Result<String, Refusal> {
        let name = match schema.naming {
            Naming::Hash => String::new(),
            Naming::Field(field) => {
                let name = text::trim(doc.text(field));
                if name.is_empty() {
                    let label = schema.field(field).map_or(field, |field| &field.label);
                    return Err(Refusal::validation(format!("{label} is required")));
                }
                name.to_owned()
            }
            Naming::Prefixed(prefix, field) => format!("{prefix}{}", doc.text(field)),
            Naming::Tail(field) => {
                let words: Vec<&str> = doc.text(field).rsplit('.').take(2).collect();
                words.into_iter().rev().collect::<Vec<_>>().join(".")
            }
            Naming::Prompt => prompted.to_owned(),
            Naming::Contact => self.contact_name(doc),
            Naming::Address => self.address_name(doc)?,
        };
        if name.is_empty() && schema.naming == Naming::Prompt {
            return Err(Refusal::validation("Please set the document name"));
        }
        if name.is_empty() {
            return Ok(self.random_name());
        }
        if name.starts_with(&format!("New {}", schema.name)) {
            return Err(Refusal::bad_name(
                "There were some errors setting the name, please contact the administrator",
            ));
        }
        if text::trim(&name) == schema.name {
            return Err(Refusal::bad_name(format!("Name of {name} cannot be {name}")));
        }
        if name.contains(['<', '>']) {
            return Err(Refusal::bad_name("Name cannot contain special characters like '<', '>'"));
        }
        Ok(text::trim(&name).to_owned())
    }

    /// Ten characters that nobody else has.
    pub(super) fn random_name(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        (0..10)
            .map(|_| {
                ALPHABET.get(self.rng.gen_range(0..ALPHABET.len())).map_or('0', |byte| char::from(*byte))
            })
            .collect()
    }

    /// "Title-Type"; a taken one gets the next number of a series that never gives one twice.
    // API: Address.autoname in frappe/contacts/doctype/address/address.py, and make_autoname in frappe/model/naming.py.
    fn address_name(&mut self, doc: &Doc) -> Result<String, Refusal> {
        let title = text::trim(doc.text("address_title"));
        if title.is_empty() {
            return Err(Refusal::validation("Address Title is mandatory."));
        }
        let name = format!("{title}-{}", text::trim(doc.text("address_type")));
        let is_taken =
            self.db.table("Address").is_some_and(|addresses| addresses.get(&Key::of(&name)).is_some());
        if !is_taken {
            return Ok(name);
        }
        // A series key is parted at its dots.
        let prefix = format!("{name}-").replace('.', "");
        let last = self.series.entry(prefix.clone()).or_insert(0);
        *last += 1;
        Ok(format!("{prefix}{last}"))
    }

    fn contact_name(&self, doc: &Doc) -> String {
        let mut name = full_name(doc);
        if let Some(link) = doc.rows("links").first() {
            name = format!("{name}-{}", text::trim(link.text("link_name")));
        }
        match self.db.table("Contact") {
            // Once there is a contact whose name is nothing to the database, such as a zero-width blank, nobody is nobody's name.
            Some(contacts) if contacts.get(&Key::of(&name)).is_some() => numbered(contacts, &name),
            _ => name,
        }
    }
}

/// "First Middle Last", or the company.
pub(super) fn full_name(doc: &Doc) -> String {
    let mut parts = Vec::new();
    for field in ["first_name", "middle_name", "last_name"] {
        let part = match doc.fields.get(field) {
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => text::trim(doc.text(field)).to_owned(),
        };
        if !part.is_empty() {
            parts.push(part);
        }
    }
    if parts.is_empty() { doc.text("company_name").to_owned() } else { parts.join(" ") }
}

// API: append_number_if_name_exists in frappe/model/naming.py. Its regular expression is caseless but sees accents.
fn numbered(contacts: &Table, name: &str) -> String {
    let stem = format!("{name}-").to_lowercase();
    let last = contacts
        .beginning_with(&Key::of(&format!("{name}-")))
        .filter_map(|doc| {
            let lower = doc.name.to_lowercase();
            let digits = lower.strip_prefix(&stem)?;
            let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
            is_number.then(|| (doc.name.chars().count(), doc.key.clone(), digits.parse::<u64>().unwrap_or(0)))
        })
        .max();
    format!("{name}-{}", last.map_or(1, |(_, _, number)| number + 1))
}
