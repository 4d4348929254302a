//! Looks for the customers, suppliers and leads that a contact may belong to.
//!
//! Law: a DocType that the site's user may not read, or that the site does not have, yields nobody; it is no failure of the contact.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::client::SiteClient;
use super::error::{Call, DafaterError};
use crate::mapping::Link;

/// Which parties carry a name or a mail domain, both in lower case.
pub type Parties = BTreeMap<String, BTreeSet<String>>;

impl SiteClient {
    /// The documents of `doctype` whose name, or title, is one of `names` in any case.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn parties_called(&self, doctype: &str, names: &[String]) -> Result<Parties, DafaterError> {
        let mut parties = Parties::new();
        for names in names.chunks(CHUNK) {
            let mut rows = Vec::new();
            if let Some(title) = title_of(doctype) {
                rows = self.party_rows(doctype, &["name", title], title, names).await?;
            }
            rows.extend(self.party_rows(doctype, &["name"], "name", names).await?);
            for row in rows {
                let text = |column: &str| row.get(column).and_then(Value::as_str);
                let Some(name) = text("name") else { continue };
                let titles = [Some(name), title_of(doctype).and_then(text)];
                for title in titles.into_iter().flatten() {
                    parties.entry(title.to_lowercase()).or_default().insert(name.to_owned());
                }
            }
        }
        Ok(parties)
    }

    async fn party_rows(
        &self,
        doctype: &str,
        columns: &[&str],
        by: &str,
        names: &[String],
    ) -> Result<Vec<Value>, DafaterError> {
        let query = json!({
            "doctype": doctype, "fields": columns, "filters": [[by, "in", names]], "order_by": "name asc",
            "limit_page_length": 0,
        });
        self.rows_if_any(&query).await
    }

    /// The parties of `doctypes` to whom a contact with an address of one of `domains` is linked, by DocType and domain.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn parties_of_domains(
        &self,
        doctypes: &[String],
        domains: &[String],
    ) -> Result<BTreeMap<String, Parties>, DafaterError> {
        let mut found: BTreeMap<String, Parties> = BTreeMap::new();
        for domains in domains.chunks(CHUNK / 4) {
            let any: Vec<Value> = domains
                .iter()
                .map(|domain| json!(["Contact Email", "email_id", "like", format!("%@{domain}")]))
                .collect();
            let query = json!({
                "doctype": "Contact", "or_filters": any, "filters": [["Dynamic Link", "link_doctype", "in", doctypes]],
                "fields": ["email_ids.email_id", "links.link_doctype", "links.link_name"],
                "order_by": "`tabContact`.name asc", "limit_page_length": 0,
            });
            for row in self.rows_if_any(&query).await? {
                let text = |column: &str| row.get(column).and_then(Value::as_str);
                let domain =
                    text("email_id").and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
                if let (Some(domain), Some(doctype), Some(name)) =
                    (domain, text("link_doctype"), text("link_name"))
                    && doctypes.iter().any(|wanted| wanted == doctype)
                {
                    let parties = found.entry(doctype.to_owned()).or_default();
                    parties.entry(domain.to_lowercase()).or_default().insert(name.to_owned());
                }
            }
        }
        Ok(found)
    }

    /// Whether the site's user may read `doctype`, if the site says so.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn may_read(&self, doctype: &str) -> Result<Option<bool>, DafaterError> {
        self.permission(doctype, "read").await
    }

    async fn rows_if_any(&self, query: &Value) -> Result<Vec<Value>, DafaterError> {
        match self.post_method(PARTIES, "frappe.client.get_list", query).await {
            Ok(mut reply) => match reply.body.remove("message") {
                Some(Value::Array(rows)) => Ok(rows),
                _ => Err(reply.misunderstood(PARTIES, "it holds no list")),
            },
            // API: no such DocType is 404, no such column 417, no right 403.
            Err(DafaterError::Forbidden(answer) | DafaterError::WrongAddress(answer))
                if answer.exc_type.is_some() =>
            {
                Ok(Vec::new())
            }
            Err(DafaterError::Protocol { status: 417, .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The field by which people know a document that may be named by a number.
fn title_of(doctype: &str) -> Option<&'static str> {
    match doctype {
        "Customer" => Some("customer_name"),
        "Supplier" => Some("supplier_name"),
        "Lead" => Some("company_name"),
        _ => None,
    }
}

/// The rows of `links` that a new contact is sent with.
#[must_use]
pub fn link_rows(links: &[Link]) -> Value {
    links.iter().map(|link| json!({"link_doctype": link.doctype, "link_name": link.name})).collect()
}

const PARTIES: Call = Call::read("list customers, suppliers and leads");

/// Names in one filter.
const CHUNK: usize = 200;
