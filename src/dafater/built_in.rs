//! The site's own Google integration, which must not work on the same accounts.
//!
//! Its scheduled job inserts a new contact for each Google contact that changed, without looking for the one that is there. Its hooks
//! call Google within each save of a contact that carries `sync_with_google_contacts`.
//
// API: frappe/integrations/doctype/google_contacts/google_contacts.py (`sync`, `insert_contacts_to_google_contacts`,
// `update_contacts_to_google_contacts`) and the `doc_events` and `scheduler_events` of frappe/hooks.py.

use serde_json::{Value, json};

use super::accounts::is_checked;
use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::query::ListQuery;

/// The scheduled job that inserts contacts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum BuiltInJob {
    /// It runs, once a day.
    Scheduled {
        /// Name of its Scheduled Job Type.
        name: String,
    },
    /// It was stopped, or the site has none.
    Stopped,
    /// The site's user may not see; only System Managers may.
    Unknown,
}

impl SiteClient {
    /// Whether the site's own integration is scheduled. One request.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn built_in_job(&self) -> Result<BuiltInJob, DafaterError> {
        let query = ListQuery::of("Scheduled Job Type", &["name", "stopped"]).filter("method", "=", METHOD);
        let rows = match self.list(READ_JOB, &query).await {
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => {
                return Ok(BuiltInJob::Unknown);
            }
            rows => rows?,
        };
        let scheduled = rows.iter().filter_map(Value::as_object).find(|row| !is_checked(row, "stopped"));
        let name = scheduled.and_then(|row| row.get("name")?.as_str());
        Ok(name.map_or(BuiltInJob::Stopped, |name| BuiltInJob::Scheduled { name: name.to_owned() }))
    }

    /// Stops the job. It stays stopped over upgrades of the site.
    ///
    /// # Errors
    /// It was not stopped: only System Managers may.
    pub async fn stop_built_in_job(&self, name: &str) -> Result<(), DafaterError> {
        let arguments = json!({"doctype": "Scheduled Job Type", "name": name, "fieldname": {"stopped": 1}});
        self.post_method(STOP_JOB, "frappe.client.set_value", &arguments).await.map(drop)
    }

    /// How many contacts the site's own integration pushes to the account of `record` whenever they are saved. One request.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn contacts_pushed_by_built_in(&self, record: &str) -> Result<u64, DafaterError> {
        let arguments = json!({"doctype": "Contact",
            "filters": [["google_contacts", "=", record], ["sync_with_google_contacts", "=", 1]]});
        let reply = self.post_method(COUNT, "frappe.client.get_count", &arguments).await?;
        reply
            .body
            .get("message")
            .and_then(Value::as_u64)
            .ok_or_else(|| reply.misunderstood(COUNT, "it holds no count"))
    }
}

/// The function that the job calls.
const METHOD: &str = "frappe.integrations.doctype.google_contacts.google_contacts.sync";

const READ_JOB: Call = Call::read("tell its scheduled jobs");
const STOP_JOB: Call = Call::change("stop its own integration");
const COUNT: Call = Call::read("count contacts");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dafater::testing::{Script, message, refusal};

    #[tokio::test]
    async fn the_job_is_found_by_what_it_calls() {
        for (rows, expected) in [
            (json!([]), BuiltInJob::Stopped),
            (json!([{"name": "google_contacts.sync", "stopped": 1}]), BuiltInJob::Stopped),
            (
                json!([{"name": "google_contacts.sync", "stopped": 0}]),
                BuiltInJob::Scheduled { name: "google_contacts.sync".to_owned() },
            ),
        ] {
            let (site, script) = Script::site([message(rows)]);
            assert_eq!(site.built_in_job().await.unwrap(), expected);
            assert_eq!(script.body(0)["filters"], json!([["method", "=", METHOD]]));
        }
        let (site, _) = Script::site([refusal(403, "PermissionError", "no")]);
        assert_eq!(site.built_in_job().await.unwrap(), BuiltInJob::Unknown);
    }
}
