//! What an Address does when it is saved: whom it belongs to, and that of each of them it is the only preferred one.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Site;
use super::document::{Doc, Row, Standing};
use super::schema::DocType;

/// A new Address without a title is titled after whom it belongs to.
// API: Address.autoname in frappe/contacts/doctype/address/address.py.
pub(super) fn title_address(schema: &DocType, doc: &mut Doc) {
    if schema.name == "Address" && doc.text("address_title").is_empty() {
        let owner = doc.rows("links").first().map(|row| row.text("link_name").to_owned());
        if let Some(owner) = owner {
            doc.set("address_title", owner);
        }
    }
}

impl Site {
    // API: Address.validate in frappe/contacts/doctype/address/address.py.
    pub(super) fn validate_address(&mut self, doc: &mut Doc) {
        self.link_to_company_of_owner(doc);
        for flag in ["is_primary_address", "is_shipping_address"] {
            if doc.is_checked(flag) {
                self.take_preference(doc, flag);
            }
        }
        self.set_link_titles(doc);
        self.deduplicate_links(doc);
    }

    /// An Address of nobody belongs to whom the contact of its owner belongs to.
    fn link_to_company_of_owner(&mut self, doc: &mut Doc) {
        if !doc.rows("links").is_empty() {
            return;
        }
        let contact = self
            .db
            .table("Contact")
            .and_then(|contacts| contacts.by_name().find(|contact| contact.text("email_id") == doc.owner));
        let links: Vec<Map<String, Value>> = contact
            .into_iter()
            .flat_map(|contact| contact.rows("links"))
            .map(|row| {
                ["link_doctype", "link_name"]
                    .map(|field| (field.to_owned(), row.text(field).into()))
                    .into_iter()
                    .collect()
            })
            .collect();
        for (mut fields, idx) in links.into_iter().zip(1..) {
            fields.insert("link_title".to_owned(), Value::Null);
            let row = Row {
                name: String::new(),
                owner: doc.owner.clone(),
                modified_by: doc.modified_by.clone(),
                creation: doc.modified,
                modified: doc.modified,
                idx,
                standing: Standing::New,
                fields,
            };
            doc.rows_mut("links").push(row);
        }
    }

    /// Takes the flag from the first other Address that has it, for each of those whom this one belongs to.
    fn take_preference(&mut self, doc: &Doc, flag: &str) {
        for link in doc.rows("links") {
            let belongs = |other: &Doc| {
                other.key != doc.key
                    && other.is_checked(flag)
                    && !other.is_checked("disabled")
                    && other.rows("links").iter().any(|row| {
                        (row.text("link_doctype"), row.text("link_name"))
                            == (link.text("link_doctype"), link.text("link_name"))
                    })
            };
            let preferred = self
                .db
                .table("Address")
                .and_then(|table| table.by_name().find(|other| belongs(other)).cloned());
            if let Some(before) = preferred {
                let mut after = Doc::clone(&before);
                after.set(flag, 0);
                after.modified = self.tick();
                after.modified_by.clone_from(&self.session.user);
                self.db.put("Address", Some(Arc::clone(&before)), after);
            }
        }
    }
}
