//! What a reload changes.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::Config;
use super::layout::{ACCOUNTS, DEFAULTS, key_at};
use super::meaning::{Credentials, GoogleCredentials};
use super::schema::Applies;
use super::secrets::{API_SECRET, SecretKey};
use super::tree::{KeyPath, Table, leaves};

/// A setting that differs between two configurations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The key, or the table of an account that came or went.
    pub key: KeyPath,
    /// Whether it takes effect at the next start only.
    pub needs_restart: bool,
}

impl Config {
    /// The settings that differ between `old` and `new`. A changed default is told as a change of the accounts it reaches.
    #[must_use]
    pub fn diff(old: &Self, new: &Self) -> Vec<Change> {
        let account_of = |key: &KeyPath| match key.names() {
            [table, name, ..] if table == ACCOUNTS => Some(KeyPath::new([table, name])),
            _ => None,
        };
        let accounts =
            |settings: &Settings| -> BTreeSet<_> { settings.0.keys().filter_map(account_of).collect() };
        let (before, after) = (accounts(&old.settings), accounts(&new.settings));
        let keys: BTreeSet<&KeyPath> = old.settings.0.keys().chain(new.settings.0.keys()).collect();
        let changed: BTreeSet<KeyPath> = keys
            .into_iter()
            .filter(|key| old.settings.0.get(key) != new.settings.0.get(key))
            .map(|key| match account_of(key) {
                Some(account) if before.contains(&account) != after.contains(&account) => account,
                _ => key.clone(),
            })
            .collect();
        changed
            .into_iter()
            .map(|key| {
                let applies = key_at(key.names()).map(|described| described.applies);
                Change { needs_restart: applies == Some(Applies::Restart), key }
            })
            .collect()
    }
}

/// Every setting that holds, in a form that can be compared: the secrets by what their files hold, not by their names.
#[derive(Debug, Clone)]
pub(super) struct Settings(BTreeMap<KeyPath, Setting>);

#[derive(Debug, Clone)]
enum Setting {
    Plain(String),
    Secret(SecretString),
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(a), Self::Plain(b)) => a == b,
            (Self::Secret(a), Self::Secret(b)) => a.expose_secret() == b.expose_secret(),
            (Self::Plain(_), Self::Secret(_)) | (Self::Secret(_), Self::Plain(_)) => false,
        }
    }
}

impl Settings {
    /// The same settings with other accounts, whose tables are complete.
    pub(super) fn with_accounts(settings: &Self, accounts: &Table) -> Self {
        let is_account = |path: &KeyPath| path.names().first().is_some_and(|table| table == ACCOUNTS);
        let kept = settings.0.iter().filter(|(path, _)| !is_account(path));
        let mut compared: BTreeMap<KeyPath, Setting> =
            kept.map(|(path, setting)| (path.clone(), setting.clone())).collect();
        for (name, entry) in accounts {
            let Some(table) = entry.value.as_table() else { continue };
            compared.extend(leaves(table).into_iter().map(|(path, entry)| {
                let names =
                    [ACCOUNTS, name.as_str()].into_iter().chain(path.names().iter().map(String::as_str));
                let is_secret = path.names() == [API_SECRET];
                let setting = match entry.value.as_text().filter(|_| is_secret) {
                    Some(secret) => Setting::Secret(secret.into()),
                    None => Setting::Plain(entry.value.to_string()),
                };
                (KeyPath::new(names), setting)
            }));
        }
        Self(compared)
    }

    pub(super) fn new(settings: &Table, credentials: &Credentials) -> Self {
        let mut compared: BTreeMap<KeyPath, Setting> = leaves(settings)
            .into_iter()
            .filter(|(path, _)| path.names().first().is_some_and(|table| table != DEFAULTS))
            .map(|(path, entry)| (path, Setting::Plain(entry.value.to_string())))
            .collect();
        if let Some(found) = &credentials.api_secret {
            compared.insert(KeyPath::new(["dafater", "api_secret"]), Setting::Secret(found.secret.clone()));
        }
        if let Some(found) = &credentials.webhook {
            compared.insert(SecretKey::webhook().path(), Setting::Secret(found.secret.clone()));
        }
        for (name, found) in &credentials.accounts {
            compared.insert(SecretKey::of_account(name).path(), Setting::Secret(found.secret.clone()));
        }
        match &credentials.google {
            Some(GoogleCredentials::Consent { secret, .. }) => {
                let path = KeyPath::new(["google", "client_secret"]);
                compared.insert(path, Setting::Secret(secret.secret.clone()));
            }
            Some(GoogleCredentials::ServiceAccount { file, key }) => {
                let both = format!("{}\n{}", file.display(), key.secret.expose_secret());
                let path = KeyPath::new(["google", "service_account_file"]);
                compared.insert(path, Setting::Secret(both.into()));
            }
            Some(GoogleCredentials::Site) | None => {}
        }
        Self(compared)
    }
}
