//! What a System Manager may have mended on the site, beside its rights: its own integration stopped, webhooks made.
//!
//! Law: looking changes nothing, and what is there as it should be is left as it is.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use super::accounts::{SitePassword, is_checked};
use super::built_in::BuiltInJob;
use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::query::ListQuery;
use crate::account::AccountRecord;
use crate::mapping::{DocumentName, SiteStamp};

/// One thing that can be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The job of the site's own integration is stopped.
    StopBuiltIn {
        /// Its Scheduled Job Type.
        job: String,
    },
    /// Contacts are no longer pushed by the site's own integration.
    ReleaseContacts {
        /// The record of Google Contacts that they are pushed to.
        record: String,
        /// How many there are.
        contacts: u64,
    },
    /// The site tells the daemon when a contact was saved or deleted.
    Webhook {
        /// The event.
        event: &'static str,
        /// The document that is there and is not as it should be.
        existing: Option<String>,
    },
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopBuiltIn { job } => {
                write!(f, "Stopped on the Scheduled Job Type `{job}`, the site's own Google integration")
            }
            Self::ReleaseContacts { record, contacts } => write!(
                f,
                "`Sync with Google Contacts` taken off {contacts} contacts, which the site's own integration pushes to {record}"
            ),
            Self::Webhook { event, existing: None } => write!(f, "a Webhook for {event} of Contact"),
            Self::Webhook { event, existing: Some(name) } => {
                write!(f, "the address and the secret of the Webhook `{name}` for {event} of Contact")
            }
        }
    }
}

/// How the webhooks of the site should be.
#[derive(Debug, Clone)]
pub struct WantedWebhook {
    /// Where they go.
    pub url: Url,
    /// What they are signed with.
    pub secret: SecretString,
    /// The user that the daemon acts as: what he saves is no news.
    pub user: String,
}

impl SiteClient {
    /// What is to be mended so that the accounts of `records` can be synced and `webhook` is heard. Needs a System Manager.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn remedies(
        &self,
        records: &[AccountRecord],
        webhook: Option<&WantedWebhook>,
    ) -> Result<Vec<Remedy>, DafaterError> {
        let mut remedies = Vec::new();
        let mut enabled = records.iter().filter(|record| record.enable).peekable();
        if enabled.peek().is_some()
            && let BuiltInJob::Scheduled { name } = self.built_in_job().await?
        {
            remedies.push(Remedy::StopBuiltIn { job: name });
        }
        for record in enabled {
            let contacts = self.contacts_pushed_by_built_in(&record.name).await?;
            if contacts > 0 {
                remedies.push(Remedy::ReleaseContacts { record: record.name.clone(), contacts });
            }
        }
        if let Some(webhook) = webhook {
            for event in EVENTS {
                remedies.extend(self.webhook_remedy(event, webhook).await?);
            }
        }
        Ok(remedies)
    }

    /// Mends it.
    ///
    /// # Errors
    /// The site refused.
    pub async fn mend(&self, remedy: &Remedy, webhook: Option<&WantedWebhook>) -> Result<(), DafaterError> {
        match (remedy, webhook) {
            (Remedy::StopBuiltIn { job }, _) => self.stop_built_in_job(job).await,
            (Remedy::ReleaseContacts { record, .. }, _) => self.release_contacts(record).await,
            (Remedy::Webhook { event, existing }, Some(webhook)) => {
                self.make_webhook(event, existing.as_deref(), webhook).await
            }
            (Remedy::Webhook { .. }, None) => Ok(()),
        }
    }

    /// Takes the mark off each contact, at the revision at which it was seen.
    async fn release_contacts(&self, record: &str) -> Result<(), DafaterError> {
        let query = ListQuery::of("Contact", &["name", "modified"])
            .filter("google_contacts", "=", record)
            .filter("sync_with_google_contacts", "=", 1);
        for row in self.list(RELEASE, &query).await? {
            let text = |column: &str| row.get(column).and_then(Value::as_str).map(str::to_owned);
            let (Some(name), Some(modified)) = (text("name"), text("modified")) else { continue };
            let change = Map::from_iter([("sync_with_google_contacts".to_owned(), json!(0))]);
            self.update_contact(&DocumentName(name), &SiteStamp(modified), change).await?;
        }
        Ok(())
    }

    async fn webhook_remedy(
        &self,
        event: &'static str,
        wanted: &WantedWebhook,
    ) -> Result<Option<Remedy>, DafaterError> {
        let query = ListQuery::of("Webhook", &["name", "request_url", "enabled"])
            .filter("webhook_doctype", "=", "Contact")
            .filter("webhook_docevent", "=", event);
        let rows = self.list(WEBHOOKS, &query).await?;
        let is_ours = |row: &&Map<String, Value>| {
            let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default();
            text("name") == name_of(event) || text("request_url") == wanted.url.as_str()
        };
        let Some(row) = rows.iter().filter_map(Value::as_object).find(is_ours) else {
            return Ok(Some(Remedy::Webhook { event, existing: None }));
        };
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let leads_here = row.get("request_url").and_then(Value::as_str) == Some(wanted.url.as_str());
        let is_signed = match self.password("Webhook", &name, "webhook_secret").await? {
            SitePassword::Set(secret) => secret.expose_secret() == wanted.secret.expose_secret(),
            SitePassword::NotSet | SitePassword::Forbidden => false,
        };
        let is_well = leads_here && is_signed && is_checked(row, "enabled");
        Ok((!is_well).then_some(Remedy::Webhook { event, existing: Some(name) }))
    }

    /// The body is empty on purpose: no contact leaves the site by this way.
    async fn make_webhook(
        &self,
        event: &str,
        existing: Option<&str>,
        wanted: &WantedWebhook,
    ) -> Result<(), DafaterError> {
        let mut fields = Map::new();
        set(&mut fields, "enabled", 1.into());
        set(&mut fields, "request_url", wanted.url.as_str().into());
        set(&mut fields, "request_method", "POST".into());
        set(&mut fields, "request_structure", "JSON".into());
        set(&mut fields, "webhook_json", "{}".into());
        set(&mut fields, "enable_security", 1.into());
        set(&mut fields, "webhook_secret", wanted.secret.expose_secret().into());
        if event == "on_update" {
            // What the daemon itself saved is no news. A deleted contact names whoever saved it last, not who deleted it.
            set(&mut fields, "condition", format!("doc.modified_by != {}", json!(wanted.user)).into());
        }
        if let Some(name) = existing {
            let arguments = json!({"doctype": "Webhook", "name": name, "fieldname": fields});
            return self.post_method(CHANGE, "frappe.client.set_value", &arguments).await.map(drop);
        }
        set(&mut fields, "doctype", "Webhook".into());
        // API: the name of a Webhook is prompted for; over HTTP it is `__newname`.
        set(&mut fields, "__newname", name_of(event).into());
        set(&mut fields, "webhook_doctype", "Contact".into());
        set(&mut fields, "webhook_docevent", event.into());
        self.post_method(MAKE, "frappe.client.insert", &json!({ "doc": fields })).await.map(drop)
    }
}

fn set(fields: &mut Map<String, Value>, field: &str, value: Value) {
    fields.insert(field.to_owned(), value);
}

/// By which the documents are known again.
fn name_of(event: &str) -> String {
    format!("dafater-contactsd {event}")
}

/// API: `on_update` comes after an insert, too; a rename has no event.
const EVENTS: [&str; 2] = ["on_update", "on_trash"];

const WEBHOOKS: Call = Call::read("list its webhooks");
const RELEASE: Call = Call::read("list the contacts of its own integration");
const MAKE: Call = Call::create("make a webhook");
const CHANGE: Call = Call::change("change a webhook");
