//! What a Contact does when it is saved: primaries, derived fields, links without doubles, and the built-in push to Google.
//!
//! Law: `full_name`, `email_id`, `phone` and `mobile_no` are derived; what a client sends for them is overwritten.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::document::{Doc, Row, Standing};
use super::refusal::Refusal;
use super::{Site, naming, text};

impl Site {
    // API: Contact.validate in frappe/contacts/doctype/contact/contact.py.
    pub(super) fn validate_contact(&mut self, doc: &mut Doc) -> Result<(), Refusal> {
        self.apply_formats(doc);
        doc.set("full_name", naming::full_name(doc));
        set_primary_email(doc)?;
        set_primary_phone(doc, "phone", "is_primary_phone", "Phone")?;
        set_primary_phone(doc, "mobile_no", "is_primary_mobile_no", "Mobile No")?;
        let email = doc.text("email_id").to_owned();
        if self.access.user(&email).is_some() {
            doc.set("user", email.as_str());
        }
        self.set_link_titles(doc);
        if !email.is_empty() && doc.text("image").is_empty() {
            // The server asks gravatar.com, which knows nobody here.
            doc.set("image", "");
            self.took += self.switches.slow_save;
        }
        if doc.is_checked("sync_with_google_contacts") && doc.text("google_contacts").is_empty() {
            return Err(Refusal::validation("Select Google Contacts to which contact should be synced."));
        }
        self.deduplicate_links(doc);
        Ok(())
    }

    /// The built-in push, which asks Google's token endpoint inside the save, and cannot reach it.
    pub(super) fn push_to_google(doc: &Doc, is_new: bool) -> Result<(), Refusal> {
        // API: insert and update hooks in frappe/integrations/doctype/google_contacts/google_contacts.py.
        let is_synced =
            doc.is_checked("sync_with_google_contacts") && !doc.text("google_contacts").is_empty();
        if is_synced && !(is_new && doc.is_checked("pulled_from_google_contacts")) {
            return Err(Refusal::crash(
                "requests.exceptions.",
                "ConnectionError",
                "HTTPSConnectionPool(host='oauth2.googleapis.com', port=443): Max retries exceeded with url: /token",
            ));
        }
        Ok(())
    }

    pub(super) fn set_link_titles(&self, doc: &mut Doc) {
        for row in doc.rows_mut("links") {
            if !row.text("link_title").is_empty() {
                continue;
            }
            let (doctype, name) = (row.text("link_doctype"), row.text("link_name"));
            if let Some(target) = self.db.get(doctype, name) {
                let title = match doctype {
                    "Customer" => target.text("customer_name"),
                    "Supplier" => target.text("supplier_name"),
                    "Contact" => target.text("full_name"),
                    _ => &target.name,
                };
                let title = title.to_owned();
                row.fields.insert("link_title".to_owned(), title.into());
            }
        }
    }

    /// Doubles are removed by writing all rows anew: without titles, and with stamps of their own.
    pub(super) fn deduplicate_links(&mut self, doc: &mut Doc) {
        let mut seen = BTreeSet::new();
        let links: Vec<(String, String)> = doc
            .rows("links")
            .iter()
            .map(|row| (row.text("link_doctype").to_owned(), row.text("link_name").to_owned()))
            .collect();
        let unique: Vec<_> = links.iter().filter(|link| seen.insert((*link).clone())).cloned().collect();
        if unique.len() == links.len() {
            return;
        }
        let stamp = self.tick();
        let mut rows = Vec::new();
        for ((doctype, name), idx) in unique.into_iter().zip(1..) {
            let fields = Map::from_iter([
                ("link_doctype".to_owned(), Value::from(doctype)),
                ("link_name".to_owned(), Value::from(name)),
                ("link_title".to_owned(), Value::Null),
            ]);
            rows.push(Row {
                name: self.random_name(),
                owner: doc.modified_by.clone(),
                modified_by: doc.modified_by.clone(),
                creation: stamp,
                modified: stamp,
                idx,
                standing: Standing::Silent,
                fields,
            });
        }
        doc.tables.insert("links".to_owned(), rows);
    }

    fn apply_formats(&self, doc: &mut Doc) {
        for row in doc.rows_mut("phone_nos") {
            if let Some(phone) = self.switches.phone_format.apply(row.text("phone")) {
                row.fields.insert("phone".to_owned(), phone.into());
            }
        }
        for field in ["first_name", "middle_name", "last_name", "company_name", "designation", "department"] {
            if let Some(value) = self.switches.text_format.apply(doc.text(field)) {
                doc.set(field, value);
            }
        }
    }
}

fn set_primary_email(doc: &mut Doc) -> Result<(), Refusal> {
    let rows = doc.rows_mut("email_ids");
    if rows.iter().filter(|row| row.is_checked("is_primary")).count() > 1 {
        return Err(Refusal::validation("Only one <strong>Email ID</strong> can be set as primary."));
    }
    if let [only] = rows.as_mut_slice() {
        only.fields.insert("is_primary".to_owned(), 1.into());
    }
    let primary =
        match rows.iter().find(|row| row.is_checked("is_primary")).map(|row| row.fields.get("email_id")) {
            None => String::new(),
            Some(Some(Value::String(email))) => text::trim(email).to_owned(),
            Some(value) => {
                let kind = if value.is_some_and(Value::is_number) { "int" } else { "NoneType" };
                let message = format!("'{kind}' object has no attribute 'strip'");
                return Err(Refusal::crash("", "AttributeError", message));
            }
        };
    doc.set("email_id", primary);
    Ok(())
}

fn set_primary_phone(doc: &mut Doc, field: &str, flag: &str, label: &str) -> Result<(), Refusal> {
    let mut primaries = doc.rows("phone_nos").iter().filter(|row| row.is_checked(flag));
    let primary =
        primaries.next().map_or(Value::from(""), |row| row.fields.get("phone").cloned().unwrap_or_default());
    if primaries.next().is_some() {
        return Err(Refusal::validation(format!("Only one <strong>{label}</strong> can be set as primary.")));
    }
    doc.set(field, primary);
    Ok(())
}
