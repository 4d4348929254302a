//! Checks what one layer says, by itself: unknown keys, wrong types, bad values, secrets that others can read.
//!
//! Law: every key of every layer is looked at, also one that a higher layer overrides.

use super::fields;
use super::finding::{Finding, quoted};
use super::kind::Kind;
use super::layers::{Exposure, Layer};
use super::layout::{ACCOUNTS, DEFAULTS, SECTIONS, account_keys, default_keys, is_own, table_names};
use super::nearest::nearest;
use super::place::Place;
use super::schema::Key;
use super::tree::{Entry, KeyPath, Table, Value};
use crate::account::AccountName;

/// Everything that is wrong in `layer` whatever the others say.
pub(super) fn check(layer: &Layer) -> Vec<Finding> {
    let mut checking = Checking { exposure: layer.exposure, findings: Vec::new() };
    checking.top(&layer.table);
    checking.findings.sort_by(|a, b| a.place.cmp(&b.place));
    checking.findings
}

struct Checking {
    exposure: Exposure,
    findings: Vec<Finding>,
}

impl Checking {
    fn top(&mut self, table: &Table) {
        for (name, entry) in table {
            let path = KeyPath::new([name.as_str()]);
            if let Some(section) = SECTIONS.iter().find(|section| section.name == name) {
                self.table(entry, &path, &section.keys.iter().collect::<Vec<_>>());
            } else if name == DEFAULTS {
                self.table(entry, &path, &default_keys().collect::<Vec<_>>());
            } else if name == ACCOUNTS {
                self.accounts(entry, &path);
            } else {
                self.findings.push(unknown_at_top(entry, &path));
            }
        }
    }

    fn accounts(&mut self, entry: &Entry, path: &KeyPath) {
        let Value::Table(accounts) = &entry.value else {
            self.wrong_table(entry, path, "a table for each account, such as [accounts.sales]");
            return;
        };
        for (name, account) in accounts {
            let path = path.join(name);
            if matches!(account.value, Value::Table(_)) || key_named(account_keys().iter(), name).is_none() {
                if let Err(reason) = AccountName::try_from(name.clone()) {
                    self.findings.push(Finding::error(&account.place, &path, reason));
                }
                self.table(account, &path, &account_keys().iter().collect::<Vec<_>>());
            } else {
                let message = format!("`{name}` stands in [accounts], outside of any account");
                let hint = format!("move it to [accounts.NAME] or to [{DEFAULTS}]");
                self.findings.push(Finding::error(&account.place, &path, message).hint(hint));
            }
        }
    }

    fn table(&mut self, entry: &Entry, path: &KeyPath, keys: &[&'static Key]) {
        let Value::Table(table) = &entry.value else {
            self.wrong_table(entry, path, &format!("a table, written {}", path.heading()));
            return;
        };
        for (name, entry) in table {
            match key_named(keys.iter().copied(), name) {
                Some(key) => self.value(key, entry, path),
                None => self.findings.push(unknown(entry, path, name, keys)),
            }
        }
    }

    fn wrong_table(&mut self, entry: &Entry, path: &KeyPath, expected: &str) {
        let message = format!("`{path}` must be {expected}, but is {}", entry.value.kind());
        let hint = (entry.value.is_list_of_tables())
            .then(|| "write it with single brackets: tables here have names and never form lists".to_owned());
        self.findings.push(Finding::error(&entry.place, path, message).maybe_hint(hint));
    }

    fn value(&mut self, key: &'static Key, entry: &Entry, table: &KeyPath) {
        let path = table.join(key.name);
        if let Some(fault) = key.kind.fault(&entry.value) {
            let message = format!("`{}`{} {}", key.name, table.within(), fault.message);
            self.findings.push(Finding::error(&entry.place, &path, message).maybe_hint(fault.hint));
        }
        match (key.kind, &entry.value) {
            (Kind::Table(inner), Value::Table(_)) => {
                self.table(entry, &path, &inner.iter().collect::<Vec<_>>());
            }
            (Kind::Fields, Value::Table(specs)) => self.findings.extend(fields::check(specs, &path)),
            (Kind::Secret, _) => self.exposed(key, entry, &path),
            (Kind::Path, Value::Text(text)) if text.starts_with(|c| c != '/') => {
                let message = format!("`{}`{} is a relative path", key.name, table.within());
                let hint =
                    "write it absolute; a relative path depends on the directory the daemon is started in";
                self.findings.push(Finding::warning(&entry.place, &path, message).hint(hint));
            }
            _ => {}
        }
    }

    /// A secret that stands where others can read it.
    fn exposed(&mut self, key: &Key, entry: &Entry, path: &KeyPath) {
        let elsewhere = format!("use `{}_file` or a systemd credential", key.name);
        self.findings.push(match self.exposure {
            Exposure::Private => return,
            Exposure::Readable(mode) => {
                let message =
                    format!("the file holds the secret `{path}`, and others may read it (mode {mode:04o})");
                let file = entry.place.file().map(|file| file.display().to_string()).unwrap_or_default();
                Finding::error(&entry.place, path, message).hint(format!("chmod 600 {file}, or {elsewhere}"))
            }
            Exposure::Process => {
                let message = format!("the secret `{path}` can be seen by whoever may look at the process");
                Finding::warning(&entry.place, path, message).hint(elsewhere)
            }
        });
    }
}

fn key_named(mut keys: impl Iterator<Item = &'static Key>, name: &str) -> Option<&'static Key> {
    keys.find(|key| key.name == name)
}

fn unknown(entry: &Entry, table: &KeyPath, name: &str, keys: &[&'static Key]) -> Finding {
    let path = table.join(name);
    let identity = key_named(account_keys().iter(), name).is_some_and(is_own);
    if identity && table.names() == [DEFAULTS] {
        let message =
            format!("{} belongs to one account and cannot stand in {}", quoted(name), table.heading());
        return Finding::error(&entry.place, &path, message).hint("move it to [accounts.NAME]");
    }
    let message = format!("unknown key {}{}", quoted(name), table.within());
    let hint = nearest(name, keys.iter().map(|key| key.name))
        .map(|known| format!("did you mean `{known}`?"))
        .or_else(|| belongs_elsewhere(name));
    Finding::error(&entry.place, &path, message).maybe_hint(hint)
}

fn unknown_at_top(entry: &Entry, path: &KeyPath) -> Finding {
    let name = path.names().first().map(String::as_str).unwrap_or_default();
    let (message, hint) = if matches!(entry.value, Value::Table(_) | Value::List(_)) {
        let known = nearest(name, table_names()).map(|known| format!("did you mean [{known}]?"));
        let listed: Vec<String> = table_names().map(|name| format!("[{name}]")).collect();
        let hint = known.unwrap_or_else(|| format!("the tables are {}", listed.join(", ")));
        (format!("unknown table {}", quoted(&path.heading())), Some(hint))
    } else {
        (format!("unknown key {} outside of any table", quoted(name)), belongs_elsewhere(name))
    };
    let message = match &entry.place {
        Place::Environment { .. } => format!("the variable sets an {message}"),
        Place::Default
        | Place::File { .. }
        | Place::CommandLine { .. }
        | Place::Credential { .. }
        | Place::Record { .. } => message,
    };
    Finding::error(&entry.place, path, message).maybe_hint(hint)
}

/// The tables that do have a key of this name.
fn belongs_elsewhere(name: &str) -> Option<String> {
    let mut homes: Vec<String> = SECTIONS
        .iter()
        .filter(|section| section.keys.iter().any(|key| key.name == name))
        .map(|section| format!("[{}]", section.name))
        .collect();
    if let Some(key) = key_named(account_keys().iter(), name) {
        if !is_own(key) {
            homes.push(format!("[{DEFAULTS}]"));
        }
        homes.push("[accounts.NAME]".to_owned());
    }
    (!homes.is_empty()).then(|| format!("it belongs in {}", homes.join(" or ")))
}
