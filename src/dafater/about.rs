//! What the site and its user are: login, permissions, version, zone, salutations.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::query::ListQuery;
use super::zone::{Measure, SiteZone, nearest_offset};
use crate::mapping::SiteStamp;
use crate::remote::Disposition;

/// What the site's user may do; `None` where the site would not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Read contacts. Also true of a user who sees only contacts of their own: such a user lacks [`Permissions::write`].
    pub read: Option<bool>,
    /// Change contacts of others.
    pub write: Option<bool>,
    /// Create contacts.
    pub create: Option<bool>,
    /// Delete contacts of others.
    pub delete: Option<bool>,
    /// Read Deleted Document, from which deletions are learnt.
    pub deleted_documents: Option<bool>,
    /// Fields of Contact that the user's role hides: they look empty in every read, and nothing written to them stays.
    pub hidden_fields: BTreeSet<String>,
}

/// Versions of the site's apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteVersion {
    /// Version of the Frappe framework, such as `15.44.2`.
    pub frappe: String,
    /// Version of each app by its name, the framework included.
    pub apps: BTreeMap<String, String>,
}

/// A field of a `DocType`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteField {
    /// Its type: `Data`, `Date`, `Link`, …
    pub kind: String,
    /// What its type needs to know: the options of a `Select`, the `DocType` of a `Link`, `Email` of a `Data`.
    pub options: String,
}

impl SiteVersion {
    /// The framework's major version.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        self.frappe.split('.').next()?.parse().ok()
    }
}

impl SiteClient {
    /// The user whom the API key belongs to.
    ///
    /// # Errors
    /// The key was refused, or the site did not answer.
    pub async fn logged_user(&self) -> Result<String, DafaterError> {
        let call = Call::read("say who is logged in");
        let mut reply = match self.get_method(call, "frappe.auth.get_logged_user", &[]).await {
            // API: every user may call this method, so the site did not see one.
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => {
                return Err(DafaterError::NotLoggedIn(answer));
            }
            reply => reply?,
        };
        match reply.body.remove("message") {
            Some(Value::String(user)) => Ok(user),
            _ => Err(reply.misunderstood(call, "it names no user")),
        }
    }

    /// The versions of the site's apps.
    ///
    /// # Errors
    /// The site did not answer, or is no Frappe site.
    pub async fn version(&self) -> Result<SiteVersion, DafaterError> {
        let call = Call::read("tell its version");
        let reply = self.get_method(call, "frappe.utils.change_log.get_versions", &[]).await?;
        let apps: BTreeMap<String, String> = reply
            .body
            .get("message")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(app, about)| Some((app.clone(), about.get("version")?.as_str()?.to_owned())))
            .collect();
        match apps.get("frappe") {
            Some(frappe) => Ok(SiteVersion { frappe: frappe.clone(), apps }),
            None => Err(reply.misunderstood(call, "it names no version of frappe")),
        }
    }

    /// What the site's user may do with contacts. Best effort: what the site would not say stays open.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn permissions(&self) -> Result<Permissions, DafaterError> {
        Ok(Permissions {
            read: self.permission("read").await?,
            write: self.permission("write").await?,
            create: self.permission("create").await?,
            delete: self.permission("delete").await?,
            deleted_documents: self.may_list("Deleted Document").await?,
            hidden_fields: self.hidden_fields().await?,
        })
    }

    async fn permission(&self, kind: &'static str) -> Result<Option<bool>, DafaterError> {
        let call = Call::read("tell a permission");
        // API: an empty name asks about the DocType.
        let arguments = [("doctype", "Contact"), ("docname", ""), ("perm_type", kind)];
        match self.get_method(call, "frappe.client.has_permission", &arguments).await {
            Ok(reply) => {
                let granted = reply.body.get("message").and_then(|message| message.get("has_permission"));
                Ok(granted.and_then(|flag| flag.as_bool().or_else(|| flag.as_i64().map(|flag| flag != 0))))
            }
            Err(error) => unless_it_concerns_the_site(error).map(|()| None),
        }
    }

    async fn may_list(&self, doctype: &'static str) -> Result<Option<bool>, DafaterError> {
        let call = Call::read("tell a permission");
        match self.list(call, &ListQuery::of(doctype, &["name"]).limit(1)).await {
            Ok(_) => Ok(Some(true)),
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => Ok(Some(false)),
            Err(error) => unless_it_concerns_the_site(error).map(|()| None),
        }
    }

    /// API: a list leaves out the columns above the user's permission level; one that is only empty comes as null.
    async fn hidden_fields(&self) -> Result<BTreeSet<String>, DafaterError> {
        let call = Call::read("tell a permission");
        let mut query = ListQuery::of("Contact", &[]).limit(1);
        let fields = self.fields();
        query.fields = fields.to_vec();
        let rows = match self.list(call, &query).await {
            Ok(rows) => rows,
            Err(error) => return unless_it_concerns_the_site(error).map(|()| BTreeSet::new()),
        };
        let Some(row) = rows.first().and_then(Value::as_object) else { return Ok(BTreeSet::new()) };
        Ok(fields.iter().filter(|&field| !row.contains_key(field)).cloned().collect())
    }

    /// The fields of Contact that a row shows the site's user; `None` where it shows no contact.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn shown_fields(&self) -> Result<Option<BTreeSet<String>>, DafaterError> {
        let call = Call::read("tell the fields of a contact");
        let rows = match self.list(call, &ListQuery::of("Contact", &["*"]).limit(1)).await {
            Ok(rows) => rows,
            Err(error) => return unless_it_concerns_the_site(error).map(|()| None),
        };
        let row = rows.first().and_then(Value::as_object);
        Ok(row.map(|row| row.keys().cloned().collect()))
    }

    /// The salutations that a contact may carry; `None` when the site's user may not read them.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn salutations(&self) -> Result<Option<BTreeSet<String>>, DafaterError> {
        self.names_of("Salutation", usize::MAX).await
    }

    /// The genders that a contact may carry; `None` when the site's user may not read them.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn genders(&self) -> Result<Option<BTreeSet<String>>, DafaterError> {
        self.names_of("Gender", usize::MAX).await
    }

    /// The names of a `DocType`'s documents; `None` when the site's user may not read them, or there are more than `most`.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn names_of(
        &self,
        doctype: &str,
        most: usize,
    ) -> Result<Option<BTreeSet<String>>, DafaterError> {
        let call = Call::read("list the documents that a contact may link to");
        let mut query = ListQuery::of(doctype, &["name"]);
        if let Ok(limit) = u32::try_from(most.saturating_add(1)) {
            query = query.limit(limit);
        }
        match self.list(call, &query).await {
            Ok(rows) if rows.len() > most => Ok(None),
            Ok(rows) => {
                let name = |row: &Value| Some(row.get("name")?.as_str()?.to_owned());
                Ok(Some(rows.iter().filter_map(name).collect()))
            }
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => Ok(None),
            Err(error) => unless_it_concerns_the_site(error).map(|()| None),
        }
    }

    /// The countries that an address may name, each with its code; `None` when the site's user may not read them.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn countries(&self) -> Result<Option<BTreeMap<String, String>>, DafaterError> {
        let call = Call::read("list countries");
        match self.list(call, &ListQuery::of("Country", &["name", "code"])).await {
            Ok(rows) => {
                let country = |row: &Value| {
                    let code = row.get("code").and_then(Value::as_str).unwrap_or_default();
                    Some((row.get("name")?.as_str()?.to_owned(), code.to_owned()))
                };
                Ok(Some(rows.iter().filter_map(country).collect()))
            }
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The fields of Contact by name, those that the site added among them; `None` when the site would not say.
    ///
    /// API: `api/v2.py` tells every user the fields of a `DocType`; the first version of the API has no such route.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn contact_fields(&self) -> Result<Option<BTreeMap<String, SiteField>>, DafaterError> {
        let call = Call::read("tell the fields of a contact");
        let reply = match self.request(call, Method::GET, "/api/v2/doctype/Contact/meta", None).await {
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

    /// Which time the site's stamps mean: from the System Settings, else measured, else assumed. [`SiteZone`] tells
    /// the limits.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn site_time(&self) -> Result<SiteZone, DafaterError> {
        let call = Call::read("tell its time zone");
        // API: `frappe.client.get_time_zone` tells the user's own zone, which may differ from the site's.
        let arguments = [("doctype", "System Settings"), ("field", "time_zone")];
        let named = match self.get_method(call, "frappe.client.get_single_value", &arguments).await {
            Ok(reply) => reply.body.get("message").and_then(Value::as_str).map(str::to_owned),
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => None,
            Err(error) => return Err(error),
        };
        // A machine without a time zone database knows no names.
        if let Some(zone) = named.and_then(|name| TimeZone::get(&name).ok()) {
            return Ok(SiteZone::Named(zone));
        }
        if let Some(offset) = self.learnt_offset() {
            return Ok(SiteZone::Measured { offset, by: Measure::OwnWrite });
        }
        self.measure_by_newest_contact(call).await
    }

    async fn measure_by_newest_contact(&self, call: Call) -> Result<SiteZone, DafaterError> {
        let newest = ListQuery::of("Contact", &["modified"]).newest_first().limit(1);
        let (rows, date) = self.list_with_date(call, &newest).await?;
        let stamp = rows.first().and_then(|row| row.get("modified")).and_then(Value::as_str);
        let local = stamp.and_then(|stamp| SiteStamp(stamp.to_owned()).civil());
        let offset = local.zip(date).and_then(|(local, now)| nearest_offset(local, now));
        Ok(offset
            .map_or(SiteZone::Assumed, |offset| SiteZone::Measured { offset, by: Measure::NewestContact }))
    }
}

/// Lets an error pass that is about one question only.
fn unless_it_concerns_the_site(error: DafaterError) -> Result<(), DafaterError> {
    match error.disposition() {
        Disposition::Forbidden | Disposition::Refused | Disposition::Gone | Disposition::Protocol => Ok(()),
        Disposition::Unavailable
        | Disposition::Throttled { .. }
        | Disposition::InDoubt
        | Disposition::Stale
        | Disposition::CursorExpired
        | Disposition::Unauthorized => Err(error),
    }
}

#[cfg(test)]
mod tests;
