//! To which customer, supplier or lead a contact that comes from Google belongs.
//!
//! Law: one answer or none; a link is only ever added, and never guessed between two.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::contact::{Contact, TextField};

/// How contacts that come from Google find the party that they belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Links {
    /// By what: nothing leaves contacts unlinked.
    pub by: Vec<LinkBy>,
    /// DocTypes that a contact is linked to, one document of each at most.
    pub doctypes: Vec<String>,
    /// Mail domains that say nothing of the company.
    pub free_mail: Vec<String>,
}

/// A rule by which a party is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkBy {
    /// Its name is the contact's organisation.
    Organisation,
    /// Contacts of the same mail domain belong to it.
    EmailDomain,
}

impl Links {
    /// Whether anything is linked.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.by.is_empty() && !self.doctypes.is_empty()
    }

    /// The organisation of a contact, in lower case, if that counts.
    #[must_use]
    pub fn organisation(&self, contact: &Contact) -> Option<String> {
        let name = contact.text(&TextField::Company).trim().to_lowercase();
        (self.by.contains(&LinkBy::Organisation) && !name.is_empty()).then_some(name)
    }

    /// The mail domains of a contact that say something of its company, if they count.
    #[must_use]
    pub fn domains(&self, contact: &Contact) -> BTreeSet<String> {
        if !self.by.contains(&LinkBy::EmailDomain) {
            return BTreeSet::new();
        }
        let domain = |raw: &str| raw.rsplit_once('@').map(|(_, domain)| domain.trim().to_lowercase());
        let is_free = |domain: &String| self.free_mail.iter().any(|free| free.eq_ignore_ascii_case(domain));
        let domains = contact.emails.iter().filter_map(|email| domain(&email.raw));
        domains.filter(|domain| !domain.is_empty() && !is_free(domain)).collect()
    }
}

/// Who of the candidates it is; `Err` when several could be.
///
/// # Errors
/// The candidates, in order of name.
pub fn choose(candidates: BTreeSet<String>) -> Result<Option<String>, Vec<String>> {
    let mut candidates: Vec<String> = candidates.into_iter().collect();
    match candidates.len() {
        0 | 1 => Ok(candidates.pop()),
        _ => Err(candidates),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{Key, Value};

    fn links() -> Links {
        Links {
            by: vec![LinkBy::Organisation, LinkBy::EmailDomain],
            doctypes: vec!["Customer".to_owned()],
            free_mail: vec!["gmail.com".to_owned()],
        }
    }

    #[test]
    fn free_mail_says_nothing_and_case_does_not_matter() {
        let mut contact = Contact::default();
        contact.set_text(&TextField::Company, " ACME ");
        for raw in ["ada@GMail.com", "ada@Acme.example"] {
            let key = Key::email(raw).unwrap();
            contact.emails.add(Value { key, raw: raw.to_owned(), label: None });
        }
        assert_eq!(links().organisation(&contact).as_deref(), Some("acme"));
        assert_eq!(links().domains(&contact), BTreeSet::from(["acme.example".to_owned()]));
        assert!(!Links::default().is_on() && Links::default().organisation(&contact).is_none());
    }

    #[test]
    fn two_candidates_are_none() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(choose(set(&["A"])), Ok(Some("A".to_owned())));
        assert!(choose(set(&["A", "B"])).is_err() && choose(set(&[])) == Ok(None));
    }
}
