//! The fields of a Contact, as the site describes and shows them.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;

use super::about::unless_it_concerns_the_site;
use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::query::ListQuery;

/// A field of a `DocType`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteField {
    /// Its type: `Data`, `Date`, `Link`, …
    pub kind: String,
    /// What its type needs to know: the options of a `Select`, the `DocType` of a `Link`, `Email` of a `Data`.
    pub options: String,
}

const DESCRIBE: Call = Call::read("tell the fields of a contact");

impl SiteClient {
    /// The fields of Contact by name, those that the site added among them; `None` when the site would not say.
    ///
    /// API: `api/v2.py` tells every user the fields of a `DocType`; the first version of the API has no such route.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn contact_fields(&self) -> Result<Option<BTreeMap<String, SiteField>>, DafaterError> {
        let reply = match self.request(DESCRIBE, Method::GET, "/api/v2/doctype/Contact/meta", None).await {
            Ok(reply) => reply,
            Err(error) => return unless_it_concerns_the_site(error).map(|()| None),
        };
        let text =
            |field: &Value, key: &str| field.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let fields = reply.body.get("data").and_then(|meta| meta.get("fields")).and_then(Value::as_array);
        Ok(fields.map(|fields| {
            let named = fields.iter().map(|field| {
                let about = SiteField { kind: text(field, "fieldtype"), options: text(field, "options") };
                (text(field, "fieldname"), about)
            });
            named.filter(|(name, _)| !name.is_empty()).collect()
        }))
    }

    /// The fields of Contact that a row shows the site's user; `None` where it shows no contact.
    ///
    /// API: asked by name, a field that the site does not have has the whole list refused.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn shown_fields(&self) -> Result<Option<BTreeSet<String>>, DafaterError> {
        let rows = match self.list(DESCRIBE, &ListQuery::of("Contact", &["*"]).limit(1)).await {
            Ok(rows) => rows,
            Err(error) => return unless_it_concerns_the_site(error).map(|()| None),
        };
        let row = rows.first().and_then(Value::as_object);
        Ok(row.map(|row| row.keys().cloned().collect()))
    }

    /// The names of the documents that a field links to; `None` when the site's user may not read them, or there are more than `most`.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn linked_names(
        &self,
        doctype: &str,
        most: u32,
    ) -> Result<Option<BTreeSet<String>>, DafaterError> {
        let call = Call::read("list the documents that a contact may link to");
        let query = ListQuery::of(doctype, &["name"]).limit(most.saturating_add(1));
        match self.list(call, &query).await {
            Ok(rows) if rows.len() > most as usize => Ok(None),
            Ok(rows) => {
                let name = |row: &Value| Some(row.get("name")?.as_str()?.to_owned());
                Ok(Some(rows.iter().filter_map(name).collect()))
            }
            Err(error) => unless_it_concerns_the_site(error).map(|()| None),
        }
    }
}
