//! What a side can hold. A value that cannot go across is withheld: it stays where it is, and the rest of the contact goes.

use std::collections::BTreeSet;

use crate::contact::{Contact, TextField, Value, bare_address, folded_text, plain_digits};

/// API: each field of a Google contact but the notes holds 1,024 characters.
const GOOGLE_TEXT_LIMIT: usize = 1024;
/// API: a Data field of a document holds 140 characters.
const DAFATER_TEXT_LIMIT: usize = 140;
/// API: the framework's phone rule allows 20 characters.
const DAFATER_PHONE_LIMIT: usize = 20;

/// Why a value is withheld, in words for people.
pub type Refusal = &'static str;

/// What Google can hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoogleRules;

impl GoogleRules {
    /// The text as Google would hold it.
    ///
    /// # Errors
    /// Google cannot hold it.
    pub fn text(self, _field: &TextField, text: &str) -> Result<String, Refusal> {
        if text.chars().count() > GOOGLE_TEXT_LIMIT {
            return Err("it is longer than the 1,024 characters that Google holds");
        }
        Ok(text.to_owned())
    }

    /// The value as Google would hold it.
    ///
    /// # Errors
    /// Google cannot hold it.
    pub fn value(self, value: &Value) -> Result<Value, Refusal> {
        if value.raw.chars().count() > GOOGLE_TEXT_LIMIT {
            return Err("it is longer than the 1,024 characters that Google holds");
        }
        Ok(value.clone())
    }
}

/// What a site can hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteRules {
    /// The names of the site's Salutation documents; `None` when they cannot be read.
    pub salutations: Option<BTreeSet<String>>,
}

impl SiteRules {
    /// The text as the site would hold it: a salutation in the site's own spelling.
    ///
    /// # Errors
    /// The site has no slot for it, or refuses it.
    pub fn text(&self, field: &TextField, text: &str) -> Result<String, Refusal> {
        match field {
            TextField::Suffix => Err("a Contact in Dafater has no field for a suffix"),
            TextField::Prefix if !text.is_empty() => self.salutation(text),
            TextField::Prefix
            | TextField::Given
            | TextField::Middle
            | TextField::Family
            | TextField::Company
            | TextField::Title
            | TextField::Department
            | TextField::Gender
            | TextField::Mapped(_) => {
                if text.chars().count() > DAFATER_TEXT_LIMIT {
                    return Err("it is longer than the 140 characters that Dafater holds");
                }
                Ok(text.to_owned())
            }
        }
    }

    /// Whether the site can hold the name as a whole.
    ///
    /// API: a document's full name is its given, middle and family name, and a Data field itself.
    ///
    /// # Errors
    /// The parts are too long together.
    pub fn name(contact: &Contact) -> Result<(), Refusal> {
        let parts = [TextField::Given, TextField::Middle, TextField::Family].map(|part| contact.text(&part));
        let whole = parts.iter().filter(|part| !part.is_empty()).map(|part| part.chars().count() + 1);
        if whole.sum::<usize>() > DAFATER_TEXT_LIMIT + 1 {
            return Err("the whole name is longer than the 140 characters that Dafater holds");
        }
        Ok(())
    }

    /// The e-mail address as the site would hold it.
    ///
    /// # Errors
    /// The site's rule for addresses refuses it.
    pub fn email(value: &Value) -> Result<Value, Refusal> {
        let address = bare_address(&value.raw);
        if address.chars().count() > DAFATER_TEXT_LIMIT {
            return Err("the address is longer than the 140 characters that Dafater holds");
        }
        if !is_plain_address(address) {
            return Err("Dafater takes only plain ASCII addresses with a dotted domain");
        }
        Ok(Value { raw: address.to_owned(), ..value.clone() })
    }

    /// The phone number as the site would hold it: as written where its rule allows, else in plain digits.
    ///
    /// # Errors
    /// The site's rule for phone numbers refuses it in every form.
    pub fn phone(value: &Value) -> Result<Value, Refusal> {
        let plain = plain_digits(&value.raw);
        let international = value.key.as_str();
        [value.raw.trim(), plain.as_str(), international]
            .into_iter()
            .find(|form| is_plain_phone(form))
            .map(|form| Value { raw: form.to_owned(), ..value.clone() })
            .ok_or("Dafater takes only up to 20 digits, blanks and + _ - , . * # ( ) as a phone number")
    }

    fn salutation(&self, text: &str) -> Result<String, Refusal> {
        let Some(known) = &self.salutations else {
            return Err("the site's salutations cannot be read by the daemon's user");
        };
        let spoken = |name: &str| folded_text(name).trim_end_matches('.').to_owned();
        known
            .iter()
            .find(|name| spoken(name) == spoken(text))
            .cloned()
            .ok_or("the site has no such Salutation")
    }
}

fn is_plain_phone(text: &str) -> bool {
    (1..=DAFATER_PHONE_LIMIT).contains(&text.chars().count())
        && text.chars().all(|c| c.is_ascii_digit() || " +_-,.*#()".contains(c))
}

/// API: `frappe.utils.validate_email_address`, kept on the strict side: what passes here passes there.
fn is_plain_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    !local.is_empty()
        && local.chars().all(is_local)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
