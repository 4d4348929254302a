//! Google Settings and the passwords of the built-in integration.
//!
//! Law: a password is answered as asterisks; asterisks that come back keep it; only a System Manager gets its text.

use http::Method;
use serde_json::{Map, Value, json};

use super::Site;
use super::document::is_checked;
use super::exchange::{Call, Reply};
use super::refusal::Refusal;
use super::schema::Kind;

/// The single document that every account of the built-in integration needs.
#[derive(Debug, Default)]
pub(super) struct GoogleSettings {
    pub(super) enable: bool,
    client_id: Option<String>,
    client_secret: Option<String>,
    saved: Option<(String, String)>,
}

pub(super) const NAME: &str = "Google Settings";

/// What is kept when asterisks come back.
pub(super) fn is_mask(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty() && text.chars().all(|c| c == '*'))
}

impl Site {
    /// Turns Google Settings' `enable` on, without which no Google Contacts document can be saved.
    pub fn enable_google(&mut self) {
        self.google.enable = true;
    }

    /// Turns Google Settings on and fills them in.
    pub fn set_google_client(&mut self, id: &str, secret: &str) {
        self.google.enable = true;
        (self.google.client_id, self.google.client_secret) = (Some(id.to_owned()), Some(secret.to_owned()));
    }

    /// `frappe.client.get` of Google Settings: as the resource, with nulls and without what the resource knows of no single.
    pub(super) fn get_google_settings(&self) -> Result<Value, Refusal> {
        if !self.access.is_system_manager(&self.session.user) {
            return Err(Refusal::forbidden());
        }
        let GoogleSettings { enable, client_id, client_secret, saved } = &self.google;
        let masked = client_secret.as_ref().map(|secret| "*".repeat(secret.chars().count()));
        let (modified, by) = saved.clone().unzip();
        Ok(json!({
            "name": NAME, "owner": "Administrator", "creation": null, "modified": modified, "modified_by": by.as_deref().unwrap_or("Administrator"),
            "docstatus": 0, "idx": "0", "enable": i64::from(*enable), "client_id": client_id, "client_secret": masked,
            "api_key": null, "google_drive_picker_enabled": 0, "app_id": null, "doctype": NAME,
        }))
    }

    /// `/api/resource/Google Settings/Google Settings`.
    pub(super) fn google_settings(&mut self, call: &Call) -> Result<Reply, Refusal> {
        if !self.access.is_system_manager(&self.session.user) {
            return Err(Refusal::forbidden());
        }
        match call.method {
            Method::GET => {}
            Method::PUT => self.save_google_settings(&call.document()?),
            _ => return Err(Refusal::nothing_here()),
        }
        let GoogleSettings { enable, client_id, client_secret, saved } = &self.google;
        let mut json = json!({
            "name": NAME, "doctype": NAME, "owner": "Administrator", "docstatus": 0, "idx": "0",
            "enable": i64::from(*enable), "google_drive_picker_enabled": 0,
        });
        let masked = client_secret.as_ref().map(|secret| "*".repeat(secret.chars().count()));
        let (modified, by) =
            saved.clone().unwrap_or_else(|| ("1970-01-01 00:00:00".to_owned(), "Administrator".to_owned()));
        for (key, value) in [
            ("client_id", client_id.clone()),
            ("client_secret", masked),
            ("modified", Some(modified)),
            ("modified_by", Some(by)),
        ] {
            if let (Some(value), Some(json)) = (value, json.as_object_mut()) {
                json.insert(key.to_owned(), value.into());
            }
        }
        Ok(Reply::Data(200, json))
    }

    fn save_google_settings(&mut self, change: &Map<String, Value>) {
        let stamp = self.tick().echoed();
        let settings = &mut self.google;
        if let Some(enable) = change.get("enable") {
            settings.enable = is_checked(enable);
        }
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if let Some(id) = change.get("client_id") {
            settings.client_id = text(id);
        }
        if let Some(secret) = change.get("client_secret").filter(|secret| !is_mask(secret)) {
            settings.client_secret = text(secret);
        }
        settings.saved = Some((stamp, self.session.user.clone()));
    }

    /// `frappe.client.get_password`.
    pub(super) fn get_password(&mut self, call: &Call) -> Result<Value, Refusal> {
        if !self.access.is_system_manager(&self.session.user) {
            return Err(Refusal::forbidden());
        }
        let argument = |key| call.text(key).unwrap_or_default();
        let (doctype, name, field) = (argument("doctype"), argument("name"), argument("fieldname"));
        let password = if doctype == NAME {
            self.google.client_secret.clone().filter(|_| field == "client_secret")
        } else {
            let is_password =
                self.schema(doctype)?.field(field).is_some_and(|field| field.kind == Kind::Password);
            let doc = self.db.get(doctype, name).ok_or_else(|| Refusal::missing(doctype, name))?;
            Some(doc.text(field).to_owned()).filter(|text| is_password && !text.is_empty())
        };
        // API: an unset password is a 401, like a refused key.
        password.map(Value::from).ok_or_else(|| Refusal::no_password(doctype, name, field))
    }
}
