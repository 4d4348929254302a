//! From the sources to the configuration, or to everything that is wrong with them.

use std::path::PathBuf;
use std::sync::Arc;

use figment::value::Value as FigmentValue;
use serde::de::DeserializeOwned;

use super::changes::Settings;
use super::desk::Ground;
use super::finding::{Finding, Refused, Severity};
use super::layers::{self, Layers};
use super::layout::{ACCOUNTS, DEFAULTS};
use super::meaning::{self, Credentials};
use super::merge::{complete_accounts, merge};
use super::origins::Origins;
use super::place::Place;
use super::secrets::{API_SECRET, WEBHOOK, WEBHOOK_SECRET};
use super::settings::Account;
use super::sources::Sources;
use super::tree::{Entry, KeyPath, Table, Value, to_dict};
use super::{Config, check};
use crate::account::AccountName;

/// A configuration that was accepted.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is worth a second look.
    pub warnings: Vec<Finding>,
    /// Where each setting comes from.
    pub origins: Origins,
    /// The files that were read, lowest layer first.
    pub files: Vec<PathBuf>,
    /// Files beside the drop-ins that were not read: hidden ones, backups.
    pub skipped: Vec<PathBuf>,
}

/// Loads the configuration: reads all layers, checks each by itself and all together, and gives the settings their types.
///
/// # Errors
/// [`Refused`] with every finding of every layer, if one of them is an error.
pub fn load(sources: &Sources) -> Result<Loaded, Refused> {
    let mut layers = layers::read(sources);
    let mut findings = std::mem::take(&mut layers.findings);
    findings.extend(layers.readable.iter().flat_map(check::check));
    let merged = merge(&layers.readable);
    let settings = complete_accounts(&merged);
    let credentials = meaning::check(&settings, &layers, sources, &mut findings);
    sort(&mut findings, &layers);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Refused { findings, files: layers.files });
    }
    let config = match typed(&settings, &credentials, merged) {
        Ok(config) => config,
        Err(path) => {
            findings.push(unfit(&path));
            return Err(Refused { findings, files: layers.files });
        }
    };
    Ok(Loaded {
        config,
        warnings: findings,
        origins: Origins::new(&settings, &credentials),
        files: layers.files,
        skipped: layers.skipped,
    })
}

/// Files in the order they were read, each from top to bottom; then what is not about a file.
fn sort(findings: &mut [Finding], layers: &Layers) {
    findings.sort_by_key(|finding| {
        let file = finding.place.file();
        let rank = layers.files.iter().position(|read| Some(read.as_path()) == file);
        (file.is_none(), rank.unwrap_or(usize::MAX), finding.place.clone())
    });
}

/// The configuration with its types, or the path of what does not fit them.
fn typed(settings: &Table, credentials: &Credentials, merged: Table) -> Result<Config, KeyPath> {
    let (Some(api_secret), Some(google)) = (&credentials.api_secret, &credentials.google) else {
        return Err(KeyPath::default());
    };
    let complete = with_secrets(table(settings, ACCOUNTS)?, credentials);
    let accounts = complete.iter().map(|(name, entry)| account(name, entry));
    let mut dafater = with(table(settings, "dafater")?, API_SECRET, api_secret.value());
    if let (Some(found), Some(Value::Table(webhook))) =
        (&credentials.webhook, dafater.get_mut(WEBHOOK).map(|entry| &mut entry.value))
    {
        *webhook = with(webhook, WEBHOOK_SECRET, found.value());
    }
    Ok(Config {
        dafater: section(&dafater, "dafater")?,
        google: section(&with(table(settings, "google")?, "client", google.value()), "google")?,
        store: section(table(settings, "store")?, "store")?,
        log: section(table(settings, "log")?, "log")?,
        accounts: accounts.collect::<Result<_, _>>()?,
        control: section(table(settings, "control")?, "control")?,
        history: section(table(settings, "history")?, "history")?,
        settings: Settings::new(settings, credentials),
        ground: Arc::new(ground(merged, credentials)),
    })
}

/// The tables that accounts are made of.
fn ground(mut merged: Table, credentials: &Credentials) -> Ground {
    let mut take = |name: &str| match merged.remove(name).map(|entry| entry.value) {
        Some(Value::Table(table)) => table,
        _ => Table::new(),
    };
    let (defaults, accounts) = (take(DEFAULTS), take(ACCOUNTS));
    Ground { defaults, accounts: with_secrets(&accounts, credentials) }
}

/// The tables of accounts, with the secrets that were found for them.
fn with_secrets(accounts: &Table, credentials: &Credentials) -> Table {
    let mut accounts = accounts.clone();
    for (name, found) in &credentials.accounts {
        if let Some(Value::Table(table)) = accounts.get_mut(name).map(|entry| &mut entry.value) {
            *table = with(table, API_SECRET, found.value());
        }
    }
    accounts
}

/// An account, from its complete table.
pub(super) fn account(name: &str, entry: &Entry) -> Result<(AccountName, Account), KeyPath> {
    let path = KeyPath::new([ACCOUNTS, name]);
    let table = entry.value.as_table().ok_or_else(|| path.clone())?;
    let name = AccountName::try_from(name.to_owned()).map_err(|_| path.clone())?;
    Ok((name, deserialize(table, &path)?))
}

fn section<Section: DeserializeOwned>(table: &Table, name: &str) -> Result<Section, KeyPath> {
    deserialize(table, &KeyPath::new([name]))
}

/// figment's own message may repeat the value, so it is not shown.
fn deserialize<Section: DeserializeOwned>(table: &Table, path: &KeyPath) -> Result<Section, KeyPath> {
    FigmentValue::from(to_dict(table))
        .deserialize()
        .map_err(|error| KeyPath::new(path.names().iter().chain(&error.path).map(String::as_str)))
}

fn table<'a>(settings: &'a Table, name: &str) -> Result<&'a Table, KeyPath> {
    let entry = settings.get(name);
    entry.and_then(|entry| entry.value.as_table()).ok_or_else(|| KeyPath::new([name]))
}

/// What the checks let through and the types do not take: a mistake in this module, told instead of a panic.
fn unfit(path: &KeyPath) -> Finding {
    let message = format!("`{path}` passed its checks and cannot be used all the same");
    Finding::error(&Place::Default, path, message)
        .hint("this is a mistake in dafater-contactsd; please report it")
}

/// `table` with one more key, or another value of it.
fn with(table: &Table, key: &str, value: Value) -> Table {
    let mut table = table.clone();
    table.insert(key.to_owned(), Entry { place: Place::Default, value });
    table
}
