//! What a side can hold: asked of a spare stand-in, which follows the side's own rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::dafater::{Site, SiteOptions};
use super::super::google::{Google, GoogleOptions};
use super::own;

/// A spare of each stand-in, on which values are tried.
#[derive(Debug)]
pub(super) struct Gauge {
    site: Site,
    google: Google,
    verdicts: BTreeMap<String, bool>,
}

const ACCOUNT: &str = "gauge@example.com";

impl Gauge {
    /// With a site that has these salutations.
    pub(super) fn new(salutations: &[Value]) -> Self {
        let mut site = Site::new(SiteOptions::default());
        for salutation in salutations {
            let name = own::field(salutation, "salutation");
            // Those that every site has are refused as taken.
            drop(site.insert_into("Salutation", json!({ "salutation": name }), Timestamp::UNIX_EPOCH));
        }
        let mut google = Google::new(GoogleOptions::default());
        drop(google.add_account(ACCOUNT));
        Self { site, google, verdicts: BTreeMap::new() }
    }

    /// Whether Dafater holds `text` in `slot`.
    pub(super) fn site_holds_text(&mut self, slot: &str, text: &str) -> bool {
        self.site_holds(&json!({ slot: text }))
    }

    /// Whether Dafater holds the address.
    pub(super) fn site_holds_email(&mut self, raw: &str) -> bool {
        self.site_holds(&json!({ "email_ids": [{ "email_id": own::email(raw) }] }))
    }

    /// Whether Dafater holds the number in any form that people would take for it.
    pub(super) fn site_holds_phone(&mut self, raw: &str) -> bool {
        [raw.trim().to_owned(), own::digits(raw), own::phone(raw)]
            .into_iter()
            .any(|form| self.site_holds(&json!({ "phone_nos": [{ "phone": form }] })))
    }

    /// Whether Google holds a contact with just this.
    pub(super) fn google_holds(&mut self, person: &Value) -> bool {
        let key = person.to_string();
        if let Some(verdict) = self.verdicts.get(&key) {
            return *verdict;
        }
        let verdict = self.google.add_person(ACCOUNT, person.clone(), Timestamp::UNIX_EPOCH).is_ok();
        self.verdicts.insert(key, verdict);
        verdict
    }

    fn site_holds(&mut self, contact: &Value) -> bool {
        let key = contact.to_string();
        if let Some(verdict) = self.verdicts.get(&key) {
            return *verdict;
        }
        let verdict = self.site.insert(contact.clone(), Timestamp::UNIX_EPOCH).is_ok();
        self.verdicts.insert(key, verdict);
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_says_itself_what_it_holds() {
        let mut gauge = Gauge::new(&[json!({ "salutation": "Eng" })]);
        assert!(gauge.site_holds_text("salutation", "Eng") && gauge.site_holds_text("salutation", "Dr"));
        assert!(!gauge.site_holds_text("salutation", "Sheikh"));
        assert!(!gauge.site_holds_text("designation", &"x".repeat(141)));
        assert!(gauge.site_holds_email("Ada@x.example") && !gauge.site_holds_email("a@müller.example"));
        assert!(gauge.site_holds_phone("٠٥٠٢٢٣٤٥٦٧") && !gauge.site_holds_phone("+966 11 223 4567 ext. 12"));
        assert!(gauge.google_holds(&json!({ "emailAddresses": [{ "value": "a@müller.example" }] })));
    }
}
