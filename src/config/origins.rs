//! Where each setting that holds comes from.
//!
//! Law: secrets are replaced when the list is made, so that nothing made from it can show one.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::layout::key_at;
use super::meaning::{Credentials, GoogleCredentials};
use super::place::Place;
use super::secrets::SecretKey;
use super::tree::{KeyPath, Table, Value, leaves};

/// Every setting that holds, with its place.
#[derive(Debug, Clone)]
pub struct Origins(BTreeMap<KeyPath, Origin>);

/// A setting that holds, and where it comes from.
#[derive(Clone)]
pub struct Origin {
    value: Value,
    /// Where it was set.
    pub place: Place,
}

/// What stands in place of a secret.
const HIDDEN: &str = "***";

impl Origin {
    /// The value as TOML; `"***"` for a secret.
    #[must_use]
    pub fn toml(&self) -> String {
        self.value.to_string()
    }

    /// The value as JSON; `"***"` for a secret.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        self.value.to_json()
    }
}

/// Whether a key stands in a table of fields, whose keys are the operator's own words.
fn is_of_fields(path: &KeyPath) -> bool {
    let names = path.names();
    let above = (1..names.len()).filter_map(|length| key_at(names.get(..length)?));
    above.into_iter().any(|key| matches!(key.kind, Kind::Fields))
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.value, self.place)
    }
}

impl Origins {
    pub(super) fn new(settings: &Table, credentials: &Credentials) -> Self {
        let origin = |path: &KeyPath, value: &Value, place: &Place| {
            let secret = match key_at(path.names()) {
                Some(key) => matches!(key.kind, Kind::Secret),
                None => !is_of_fields(path),
            };
            let value = if secret { Value::Text(HIDDEN.to_owned()) } else { value.clone() };
            Origin { value, place: place.clone() }
        };
        let mut origins: BTreeMap<KeyPath, Origin> = leaves(settings)
            .into_iter()
            .map(|(path, entry)| (path.clone(), origin(&path, &entry.value, &entry.place)))
            .collect();
        let client_secret = match &credentials.google {
            Some(GoogleCredentials::Consent { secret, .. }) => Some(secret),
            Some(GoogleCredentials::ServiceAccount { .. } | GoogleCredentials::Site) | None => None,
        };
        let accounts = credentials.accounts.iter();
        let found = [
            (SecretKey::api(), credentials.api_secret.as_ref()),
            (SecretKey::client(), client_secret),
            (SecretKey::webhook(), credentials.webhook.as_ref()),
        ]
        .into_iter()
        .chain(accounts.map(|(name, found)| (SecretKey::of_account(name), Some(found))));
        for (key, found) in found {
            if let Some(found) = found.filter(|found| matches!(found.place, Place::Credential { .. })) {
                let hidden = Origin { value: Value::Text(HIDDEN.to_owned()), place: found.place.clone() };
                origins.insert(key.path(), hidden);
            }
        }
        Self(origins)
    }

    /// The setting at `key`.
    #[must_use]
    pub fn get(&self, key: &KeyPath) -> Option<&Origin> {
        self.0.get(key)
    }

    /// Every setting, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyPath, &Origin)> {
        self.0.iter()
    }
}
