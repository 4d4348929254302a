//! What the site and its user are: login, permissions, version, zone, salutations.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde_json::Value;

use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::query::ListQuery;
use super::rights::{Permissions, Right};
use super::zone::{Measure, SiteZone, nearest_offset};
use crate::mapping::{DocumentName, SiteStamp};
use crate::remote::Disposition;

/// Versions of the site's apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteVersion {
    /// Version of the Frappe framework, such as `15.44.2`.
    pub frappe: String,
    /// Version of each app by its name, the framework included.
    pub apps: BTreeMap<String, String>,
}

/// The country that the site is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteCountry {
    /// Its name.
    pub name: String,
    /// Its ISO 3166 code, such as `SA`, where the site tells it.
    pub code: Option<String>,
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
            read: self.has_right(Right::ReadContacts).await?,
            write: self.has_right(Right::ChangeContacts).await?,
            create: self.has_right(Right::CreateContacts).await?,
            delete: self.has_right(Right::DeleteContacts).await?,
            deleted_documents: self.may_list("Deleted Document").await?,
            system_settings: self.has_right(Right::ReadSystemSettings).await?,
            google_contacts: self.has_right(Right::ReadGoogleContacts).await?,
            hidden_fields: self.hidden_fields().await?,
        })
    }

    /// Whether the site's user may do much more than the daemon needs: it is a System Manager.
    ///
    /// # Errors
    /// The site cannot be reached, or the key was refused.
    pub async fn is_system_manager(&self) -> Result<Option<bool>, DafaterError> {
        self.permission("Custom Field", "create").await
    }

    async fn has_right(&self, right: Right) -> Result<Option<bool>, DafaterError> {
        self.permission(right.doctype(), right.kind()).await
    }

    pub(super) async fn permission(&self, doctype: &str, kind: &str) -> Result<Option<bool>, DafaterError> {
        let call = Call::read("tell a permission");
        // API: an empty name asks about the DocType.
        let arguments = [("doctype", doctype), ("docname", ""), ("perm_type", kind)];
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

    /// The salutations that a contact may carry; `None` when the site's user may not read them.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn salutations(&self) -> Result<Option<BTreeSet<String>>, DafaterError> {
        self.names_of(Call::read("list salutations"), "Salutation").await
    }

    /// The genders that a contact may carry; `None` when the site's user may not read them.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn genders(&self) -> Result<Option<BTreeSet<String>>, DafaterError> {
        self.names_of(Call::read("list genders"), "Gender").await
    }

    async fn names_of(
        &self,
        call: Call,
        doctype: &'static str,
    ) -> Result<Option<BTreeSet<String>>, DafaterError> {
        match self.list(call, &ListQuery::of(doctype, &["name"])).await {
            Ok(rows) => {
                let name = |row: &Value| Some(row.get("name")?.as_str()?.to_owned());
                Ok(Some(rows.iter().filter_map(name).collect()))
            }
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => Ok(None),
            Err(error) => Err(error),
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

    /// The contacts that the site's own Google integration looks after: it writes to Google at each save, and makes saving fail
    /// while it cannot.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn contacts_of_built_in_integration(&self) -> Result<Vec<DocumentName>, DafaterError> {
        let call = Call::read("list contacts of the built-in integration");
        let query = ListQuery::of("Contact", &["name"]).filter("sync_with_google_contacts", "=", 1);
        let rows = self.list(call, &query).await?;
        let name = |row: &Value| Some(DocumentName(row.get("name")?.as_str()?.to_owned()));
        Ok(rows.iter().filter_map(name).collect())
    }

    /// The country in the System Settings; `None` when it is not set, or the site's user may not read it.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn country(&self) -> Result<Option<SiteCountry>, DafaterError> {
        let call = Call::read("tell its country");
        let arguments = [("doctype", "System Settings"), ("field", "country")];
        let name = match self.get_method(call, "frappe.client.get_single_value", &arguments).await {
            Ok(mut reply) => match reply.body.remove("message") {
                Some(Value::String(name)) if !name.is_empty() => name,
                _ => return Ok(None),
            },
            Err(error) => return unless_it_concerns_the_site(error).map(|()| None),
        };
        let query = ListQuery::of("Country", &["code"]).filter("name", "=", &name).limit(1);
        let code = match self.list(call, &query).await {
            Ok(rows) => rows.first().and_then(|row| Some(row.get("code")?.as_str()?.to_uppercase())),
            Err(error) => unless_it_concerns_the_site(error).map(|()| None)?,
        };
        Ok(Some(SiteCountry { name, code: code.filter(|code| code.len() == 2) }))
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
pub(super) fn unless_it_concerns_the_site(error: DafaterError) -> Result<(), DafaterError> {
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
