//! Accounts that are made of records of Dafater's DocType "Google Contacts".
//!
//! A record is a layer of its own: above `[defaults]`, below `[accounts.NAME]`. A table with the record's address is the same account,
//! and what the table sets itself holds; every other enabled record becomes an account with a name made of its address.
//!
//! Law: the same configuration and the same records give the same accounts, by the same names. A record that cannot be used takes
//! nothing away from the others.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::Config;
use super::changes::Settings;
use super::finding::Finding;
use super::kind::Kind;
use super::layout::ACCOUNTS;
use super::load::account;
use super::place::Place;
use super::tree::{Entry, KeyPath, Table, Value, overlay};
use crate::account::{AccountName, AccountRecord};

/// What accounts are made of, beside the records of the desk.
#[derive(Clone, Default)]
pub(super) struct Ground {
    /// `[defaults]`.
    pub(super) defaults: Table,
    /// `[accounts]`, each table as it was written, and where it stands.
    pub(super) accounts: Table,
}

/// It may hold a secret.
impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").finish_non_exhaustive()
    }
}

/// The configuration with the accounts of the desk, and what is to be said about them.
#[derive(Debug, Clone)]
pub struct WithDesk {
    /// The configuration.
    pub config: Config,
    /// Which record stands behind an account.
    pub records: BTreeMap<AccountName, AccountRecord>,
    /// Records that cannot be used, and why.
    pub findings: Vec<Finding>,
}

impl Config {
    /// The same configuration with the accounts that `records` make, if it wants them. What an earlier call added is forgotten.
    #[must_use]
    pub fn with_desk(&self, records: &[AccountRecord]) -> WithDesk {
        let records = if self.dafater.accounts_from_google_contacts { records } else { &[] };
        let mut with = WithDesk { config: self.clone(), records: BTreeMap::new(), findings: Vec::new() };
        with.config.accounts.clear();
        let mut tables = Table::new();
        let chosen = choose(&self.ground.accounts, records, &mut with.findings);
        for (name, entry) in &self.ground.accounts {
            let record = chosen.get(name.as_str()).copied();
            tables.insert(name.clone(), self.completed(record, Some(entry)));
        }
        for (name, record) in &chosen {
            tables.entry(name.clone()).or_insert_with(|| self.completed(Some(record), None));
        }
        tables.retain(|name, entry| match account(name, entry) {
            Ok((name, account)) => {
                if let Some(record) = chosen.get(name.as_str()) {
                    with.records.insert(name.clone(), (*record).clone());
                }
                with.config.accounts.insert(name, account);
                true
            }
            Err(path) => {
                with.findings.push(Finding::warning(&entry.place, &path, "the account cannot be used"));
                false
            }
        });
        with.config.settings = Settings::with_accounts(&self.settings, &tables);
        with
    }

    fn completed(&self, record: Option<&AccountRecord>, table: Option<&Entry>) -> Entry {
        let mut settings = self.ground.defaults.clone();
        if let Some(record) = record {
            settings = overlay(&settings, &layer(record));
        }
        if let Some(own) = table.and_then(|entry| entry.value.as_table()) {
            settings = overlay(&settings, own);
        }
        let place = match (table, record) {
            (Some(entry), _) => entry.place.clone(),
            (None, Some(record)) => place(record),
            (None, None) => Place::Default,
        };
        Entry { place, value: Value::Table(settings) }
    }
}

/// Gives each record that is to be an account its name.
fn choose<'a>(
    tables: &Table,
    records: &'a [AccountRecord],
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, &'a AccountRecord> {
    let mut by_age: Vec<&AccountRecord> = records.iter().collect();
    by_age.sort_by(|a, b| (&a.creation, &a.name).cmp(&(&b.creation, &b.name)));
    let configured: BTreeMap<String, &String> = tables
        .iter()
        .filter_map(|(name, entry)| {
            let email = entry.value.as_table()?.get("email_id")?.value.as_text()?;
            Some((email.trim().to_lowercase(), name))
        })
        .collect();
    let (mut chosen, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for record in by_age {
        let email = record.email_id.to_lowercase();
        let told = |message: String, hint: &str| {
            Finding::warning(&place(record), &KeyPath::new([ACCOUNTS]), message).hint(hint)
        };
        if Kind::Email.fault(&Value::Text(record.email_id.clone())).is_some() {
            if record.enable {
                findings.push(told(
                    "the record names no address of a Google account and is passed over".to_owned(),
                    "write the address into its field `email_id`",
                ));
            }
        } else if !seen.insert(email.clone()) {
            if record.enable {
                findings.push(told(
                    "an older record names the same Google account; this one is passed over".to_owned(),
                    "delete one of the two: a Google account is synced once",
                ));
            }
        } else if let Some(&name) = configured.get(&email) {
            chosen.insert(name.clone(), record);
        } else if record.enable {
            let taken = |name: &String| tables.contains_key(name) || chosen.contains_key(name);
            let name = Some(name_of(&email)).filter(|name| !taken(name));
            chosen.insert(name.unwrap_or_else(|| distinct_name_of(&email)), record);
        }
    }
    chosen
}

/// What a record says, as a layer.
fn layer(record: &AccountRecord) -> Table {
    let entry = |key: &str, value: Value| (key.to_owned(), Entry { place: place(record), value });
    Table::from([
        entry("email_id", Value::Text(record.email_id.clone())),
        entry("enable", Value::Bool(record.enable)),
        entry("pull_from_google_contacts", Value::Bool(record.pull)),
        entry("push_to_google_contacts", Value::Bool(record.push)),
    ])
}

fn place(record: &AccountRecord) -> Place {
    Place::Record { name: record.name.clone() }
}

/// `sales@example.com` is `sales-at-example.com`. An address that does not fit, or could give the name of another, gets a mark.
fn name_of(email: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '@');
    let is_plain = email.chars().all(fits) && email.matches('@').count() == 1 && !email.contains(AT);
    let name = email.replace('@', AT);
    if is_plain && name.len() <= LONGEST { name } else { distinct_name_of(email) }
}

/// The readable beginning of the address, and a mark made of all of it.
fn distinct_name_of(email: &str) -> String {
    use std::fmt::Write as _;

    let digest = Sha256::digest(email.as_bytes());
    let mut mark = String::from("-");
    for byte in digest.iter().take(4) {
        // A String takes all that is written to it.
        write!(mark, "{byte:02x}").ok();
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let readable: String = email
        .replace('@', AT)
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .take(LONGEST - mark.len())
        .collect();
    readable + &mark
}

/// Stands for the sign that a name cannot have.
const AT: &str = "-at-";
/// What [`AccountName`] takes.
const LONGEST: usize = 64;
