//! The accounts as the site keeps them: the DocType "Google Contacts", and the OAuth client in Google Settings.
//!
//! The list shows a password as asterisks; only whether there is one is taken from it. A password itself is asked for by name, which
//! the site grants to System Managers alone.
//!
//! Law: of a record, nothing but `last_sync_on` is ever written, so that no asterisk can take the place of a password.

use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::client::SiteClient;
use super::error::{Call, DafaterError};
use super::query::ListQuery;
use crate::account::AccountRecord;
use crate::mapping::SiteStamp;

/// What a look-up of one record found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordLookup {
    /// The record.
    Found(AccountRecord),
    /// The site says that there is none: deleted or renamed.
    Missing,
    /// The site's user may not see it; it may well exist.
    Hidden,
}

/// A password that the site may keep.
#[derive(Debug, Clone)]
pub enum SitePassword {
    /// It is set.
    Set(SecretString),
    /// It is not set.
    NotSet,
    /// The site's user is no System Manager.
    Forbidden,
}

/// The OAuth client to which consents are given with the buttons of the site's forms.
#[derive(Debug, Clone)]
pub enum SiteGoogleClient {
    /// It is complete.
    Set {
        /// Id of the client.
        id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// Google Settings are off or not filled in.
    NotSet,
    /// The site's user is no System Manager.
    Forbidden,
}

impl SiteClient {
    /// The records that the site's user may see, in the order of their creation. One request.
    ///
    /// # Errors
    /// The site did not answer, or does not let its user list them.
    pub async fn account_records(&self) -> Result<Vec<AccountRecord>, DafaterError> {
        let query = ListQuery::of(DOCTYPE, &FIELDS).oldest_first();
        let rows = self.list(LIST, &query).await?;
        Ok(rows.iter().filter_map(Value::as_object).filter_map(record).collect())
    }

    /// Looks one record up by its name.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn account_record(&self, name: &str) -> Result<RecordLookup, DafaterError> {
        let arguments = [("doctype", DOCTYPE), ("name", name)];
        match self.get_method(GET, "frappe.client.get", &arguments).await {
            Ok(reply) => match reply.body.get("message").and_then(Value::as_object).and_then(record) {
                Some(record) => Ok(RecordLookup::Found(record)),
                None => Err(reply.misunderstood(GET, "it holds no record")),
            },
            Err(DafaterError::Missing(_)) => Ok(RecordLookup::Missing),
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => Ok(RecordLookup::Hidden),
            Err(error) => Err(error),
        }
    }

    /// The refresh token that Google gave for a record.
    ///
    /// # Errors
    /// The site did not answer, or the record is gone.
    pub async fn account_refresh_token(&self, record: &str) -> Result<SitePassword, DafaterError> {
        self.password(DOCTYPE, record, "refresh_token").await
    }

    /// The OAuth client of Google Settings. Two requests.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn google_client(&self) -> Result<SiteGoogleClient, DafaterError> {
        let arguments = [("doctype", SETTINGS), ("name", SETTINGS)];
        let reply = match self.get_method(CLIENT, "frappe.client.get", &arguments).await {
            Ok(reply) => reply,
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => {
                return Ok(SiteGoogleClient::Forbidden);
            }
            Err(error) => return Err(error),
        };
        let settings = reply.body.get("message").and_then(Value::as_object);
        let id = settings.filter(|settings| is_checked(settings, "enable"));
        let Some(id) = id.and_then(|settings| filled(settings, "client_id")) else {
            return Ok(SiteGoogleClient::NotSet);
        };
        Ok(match self.password(SETTINGS, SETTINGS, "client_secret").await? {
            SitePassword::Set(secret) => SiteGoogleClient::Set { id: id.to_owned(), secret },
            SitePassword::NotSet => SiteGoogleClient::NotSet,
            SitePassword::Forbidden => SiteGoogleClient::Forbidden,
        })
    }

    /// Notes in a record when its account was last in sync; `at` is by the site's clock.
    ///
    /// # Errors
    /// It was not noted. The site refuses every save of a record while Google Settings are off.
    pub async fn note_last_sync(&self, record: &str, at: &SiteStamp) -> Result<(), DafaterError> {
        let arguments = json!({"doctype": DOCTYPE, "name": record, "fieldname": {"last_sync_on": at}});
        self.post_method(NOTE, "frappe.client.set_value", &arguments).await.map(drop)
    }

    /// A password that the site keeps, in the clear.
    pub(super) async fn password(
        &self,
        doctype: &str,
        name: &str,
        field: &str,
    ) -> Result<SitePassword, DafaterError> {
        let arguments = [("doctype", doctype), ("name", name), ("fieldname", field)];
        match self.get_method(PASSWORD, "frappe.client.get_password", &arguments).await {
            Ok(mut reply) => match reply.body.remove("message") {
                Some(Value::String(text)) if !text.is_empty() => Ok(SitePassword::Set(text.into())),
                _ => Ok(SitePassword::NotSet),
            },
            // API: an unset password is answered like a refused key, 401, but with a message (`frappe/utils/password.py`).
            Err(DafaterError::SecretNotSet(_)) => Ok(SitePassword::NotSet),
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => Ok(SitePassword::Forbidden),
            Err(error) => Err(error),
        }
    }
}

fn record(row: &Map<String, Value>) -> Option<AccountRecord> {
    Some(AccountRecord {
        name: filled(row, "name")?.to_owned(),
        creation: filled(row, "creation")?.to_owned(),
        email_id: filled(row, "email_id").unwrap_or_default().trim().to_owned(),
        enable: is_checked(row, "enable"),
        pull: is_checked(row, "pull_from_google_contacts"),
        push: is_checked(row, "push_to_google_contacts"),
        has_consent: filled(row, "refresh_token").is_some(),
    })
}

fn filled<'a>(row: &'a Map<String, Value>, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Whether a check box is on.
pub(super) fn is_checked(row: &Map<String, Value>, column: &str) -> bool {
    row.get(column)
        .is_some_and(|value| value.as_bool().unwrap_or_else(|| value.as_i64().is_some_and(|n| n != 0)))
}

/// The DocType of the records.
pub(super) const DOCTYPE: &str = "Google Contacts";
/// The single document of the OAuth client.
const SETTINGS: &str = "Google Settings";
const FIELDS: [&str; 7] = [
    "name",
    "creation",
    "email_id",
    "enable",
    "pull_from_google_contacts",
    "push_to_google_contacts",
    "refresh_token",
];

const LIST: Call = Call::read("list the records of Google Contacts");
const GET: Call = Call::read_document("read a record of Google Contacts");
const CLIENT: Call = Call::read("tell its Google Settings");
const PASSWORD: Call = Call::read_password("tell a stored password");
const NOTE: Call = Call::change("note the time of the last sync");

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::dafater::testing::{Script, message, refusal};

    #[tokio::test]
    async fn a_record_is_read_without_its_passwords() {
        let row = json!({"name": "GC-me@gmail.example", "creation": "2026-11-22 11:44:24.078020", "enable": 1,
            "email_id": "me@gmail.example", "pull_from_google_contacts": 1, "push_to_google_contacts": 0,
            "refresh_token": "1//in-the-clear"});
        let (site, script) = Script::site([message(json!([row]))]);
        let records = site.account_records().await.unwrap();
        assert_eq!(
            records,
            [AccountRecord {
                name: "GC-me@gmail.example".to_owned(),
                creation: "2026-11-22 11:44:24.078020".to_owned(),
                email_id: "me@gmail.example".to_owned(),
                enable: true,
                pull: true,
                push: false,
                has_consent: true,
            }]
        );
        assert_eq!(script.body(0)["order_by"], "creation asc, name asc");
        assert!(!format!("{records:?}").contains("1//"));
    }

    #[tokio::test]
    async fn the_401_of_an_unset_password_is_not_that_of_a_refused_key() {
        let unset = "Password not found for Google Contacts GC-me@gmail.example refresh_token";
        let (site, _) = Script::site([
            refusal(401, "AuthenticationError", unset),
            crate::dafater::testing::answer(401, &json!({"exc_type": "AuthenticationError"})),
            refusal(403, "PermissionError", "Not permitted"),
            message(json!("1//refresh")),
        ]);
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(match site.account_refresh_token("GC-me@gmail.example").await {
                Ok(SitePassword::Set(token)) => token.expose_secret().to_owned(),
                Ok(SitePassword::NotSet) => "not set".to_owned(),
                Ok(SitePassword::Forbidden) => "forbidden".to_owned(),
                Err(DafaterError::Credentials(_)) => "refused".to_owned(),
                Err(error) => panic!("{error}"),
            });
        }
        assert_eq!(answers, ["not set", "refused", "forbidden", "1//refresh"]);
    }

    #[tokio::test]
    async fn the_note_of_the_last_sync_touches_one_field() {
        let (site, script) = Script::site([message(json!({"name": "GC-me@gmail.example"}))]);
        let stamp = SiteStamp("2026-11-22 12:00:00".to_owned());
        site.note_last_sync("GC-me@gmail.example", &stamp).await.unwrap();
        assert_eq!(
            script.body(0),
            json!({"doctype": "Google Contacts", "name": "GC-me@gmail.example",
                "fieldname": {"last_sync_on": "2026-11-22 12:00:00"}})
        );
    }

    #[tokio::test]
    async fn google_settings_that_are_off_or_empty_hold_no_client() {
        for settings in [json!({"enable": 0, "client_id": "1.apps"}), json!({"enable": 1, "client_id": null})]
        {
            let (site, _) = Script::site([message(settings)]);
            assert!(matches!(site.google_client().await.unwrap(), SiteGoogleClient::NotSet));
        }
    }
}
