//! What a side can hold. A value that cannot go across is withheld: it stays where it is, and the rest of the contact goes.

use std::collections::{BTreeMap, BTreeSet};

use super::slot::{Form, Slot};
use super::{PersonField, date};
use crate::contact::{
    Address, AddressKind, Contact, TextField, Value, bare_address, country_code, country_key, folded_text,
    is_too_long, plain_digits,
};

/// API: each field of a Google contact but the notes holds 1,024 characters.
const GOOGLE_TEXT_LIMIT: usize = 1024;
/// API: a Data field of a document holds 140 characters.
const DAFATER_TEXT_LIMIT: usize = 140;
/// API: the column of a text field holds 65,535 bytes.
const DAFATER_LONG_LIMIT: usize = 65_535;
const TOO_LONG: Refusal = "it is longer than the 8 KiB of a text that travels";
/// API: the framework's phone rule allows 20 characters.
const DAFATER_PHONE_LIMIT: usize = 20;
/// API: a line of an Address holds 240 characters.
const DAFATER_LINE_LIMIT: usize = 240;

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
    pub fn text(self, field: &TextField, text: &str) -> Result<String, Refusal> {
        if is_too_long(text) {
            return Err(TOO_LONG);
        }
        let slot = Slot::parse(field.slot());
        if slot.as_ref().is_some_and(|slot| slot.form == Form::Date) && !text.is_empty() {
            return match date::json_of(text) {
                Some(_) => Ok(text.to_owned()),
                None => Err("Google takes a date only as 1990-12-31, or --12-31 without its year"),
            };
        }
        // API: only the notes may be longer.
        let has_limit = slot.is_none_or(|slot| slot.list != PersonField::Biographies);
        if has_limit && text.chars().count() > GOOGLE_TEXT_LIMIT {
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

    /// The address as Google would hold it, with Google's word for its kind.
    ///
    /// # Errors
    /// Google cannot hold it.
    pub fn address(self, value: &Value) -> Result<Value, Refusal> {
        let kind = AddressKind::of(value.label.as_deref());
        Ok(Value { label: Some(kind.google_type().to_owned()), ..self.value(value)? })
    }
}

/// What a site can hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteRules {
    /// The names of the site's Salutation documents; `None` when they cannot be read.
    pub salutations: Option<BTreeSet<String>>,
    /// The names of the site's Country documents, each with the code it gives the country; `None` when they cannot be read.
    pub countries: Option<BTreeMap<String, String>>,
    /// The names of the site's Gender documents; `None` when they cannot be read.
    pub genders: Option<BTreeSet<String>>,
    /// The fields of a Contact that an operator mapped, by fieldname; one that is not here is taken for a line of text.
    pub columns: BTreeMap<String, Column>,
}

/// What a field of a Contact can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// A line of at most 140 characters.
    Line,
    /// Such a line, if it is an e-mail address.
    Email,
    /// Such a line, if it is a phone number.
    Phone,
    /// Such a line, if it is an address of the web.
    Url,
    /// A text.
    Text,
    /// A date of which every part is known.
    Date,
    /// One of these texts.
    Select(BTreeSet<String>),
    /// The name of one of these documents; `None` when they cannot be read.
    Link(Option<BTreeSet<String>>),
}

impl SiteRules {
    /// The text as the site would hold it: the name of a document in the site's own spelling.
    ///
    /// # Errors
    /// The site has no slot for it, or refuses it.
    pub fn text(&self, field: &TextField, text: &str) -> Result<String, Refusal> {
        if is_too_long(text) {
            return Err(TOO_LONG);
        }
        match field {
            TextField::Suffix => Err("a Contact in Dafater has no field for a suffix"),
            // What is there can always be cleared.
            _ if text.is_empty() => Ok(String::new()),
            TextField::Prefix => match &self.salutations {
                Some(known) => named(known, text).ok_or("the site has no such Salutation"),
                None => Err("the site's salutations cannot be read by the daemon's user"),
            },
            TextField::Gender => match &self.genders {
                Some(known) => named(known, text).ok_or("the site has no such Gender"),
                None => Err("the site's genders cannot be read by the daemon's user"),
            },
            TextField::Given
            | TextField::Middle
            | TextField::Family
            | TextField::Company
            | TextField::Title
            | TextField::Department => Column::Line.admit(text),
            TextField::Mapped(mapped) => {
                self.columns.get(mapped.dafater()).unwrap_or(&Column::Line).admit(text)
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

    /// The address as the site would hold it: with its word for the kind, and the country by the name of its Country document.
    ///
    /// # Errors
    /// A part is missing or too long, or the site has no such country.
    pub fn address(&self, value: &Value) -> Result<Value, Refusal> {
        let mut address = Address::of(value);
        if [&address.line1, &address.city, &address.country].into_iter().any(String::is_empty) {
            return Err("Dafater takes an address only with a street, a city and a country");
        }
        let lines = [&address.line1, &address.line2].map(|line| line.chars().count());
        let others = [&address.city, &address.region, &address.postal_code].map(|part| part.chars().count());
        if lines.into_iter().any(|length| length > DAFATER_LINE_LIMIT)
            || others.into_iter().any(|length| length > DAFATER_TEXT_LIMIT)
        {
            return Err("a part of the address is longer than Dafater holds");
        }
        address.country = self.country(&address.country)?;
        let kind = AddressKind::of(value.label.as_deref());
        // The key stays: what the country is called is spelling.
        let admitted = address.value(Some(kind.dafater_type())).ok_or("there is nothing in the address")?;
        Ok(Value { key: value.key.clone(), ..admitted })
    }

    /// The Country document of a country: the one of that name, else the one of that code.
    fn country(&self, name: &str) -> Result<String, Refusal> {
        let Some(known) = &self.countries else {
            return Err("the site's countries cannot be read by the daemon's user");
        };
        let same_name = known.keys().find(|country| folded_text(country) == folded_text(name));
        let same_code = || {
            let code = country_code(name)?;
            known.iter().find(|(_, of)| of.eq_ignore_ascii_case(code)).map(|(country, _)| country)
        };
        let same_country = || known.keys().find(|country| country_key(country) == country_key(name));
        let found = same_name.or_else(same_code).or_else(same_country);
        found.cloned().ok_or("the site has no such Country")
    }
}

impl Column {
    fn admit(&self, text: &str) -> Result<String, Refusal> {
        let as_it_is = |fits: bool, refusal| if fits { Ok(text.to_owned()) } else { Err(refusal) };
        let is_short = text.chars().count() <= DAFATER_TEXT_LIMIT;
        match self {
            Self::Text => as_it_is(text.len() <= DAFATER_LONG_LIMIT, "it is longer than Dafater holds"),
            Self::Date => as_it_is(date::is_full(text), "Dafater holds only dates with year, month and day"),
            _ if !is_short => Err("it is longer than the 140 characters that Dafater holds"),
            Self::Line => Ok(text.to_owned()),
            Self::Email => {
                as_it_is(is_plain_address(text), "the field in Dafater takes only e-mail addresses")
            }
            Self::Phone => as_it_is(is_plain_phone(text), "the field in Dafater takes only phone numbers"),
            Self::Url => as_it_is(
                is_url(text),
                "the field in Dafater takes only addresses such as https://example.com",
            ),
            Self::Select(options) => {
                named(options, text).ok_or("it is none of the options of the field in Dafater")
            }
            Self::Link(Some(known)) => named(known, text).ok_or("the site has no document of this name"),
            Self::Link(None) => {
                Err("the documents that the field links to cannot be read by the daemon's user")
            }
        }
    }
}

/// The name that says `text`, in its own spelling.
fn named(known: &BTreeSet<String>, text: &str) -> Option<String> {
    let spoken = |name: &str| folded_text(name).trim_end_matches('.').to_owned();
    known.get(text).or_else(|| known.iter().find(|name| spoken(name) == spoken(text))).cloned()
}

/// API: `frappe.utils.validate_url` asks for a scheme and a host.
fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !rest.is_empty()
            && !rest.starts_with(['/', '?', '#'])
    })
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
