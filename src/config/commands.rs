//! What `check-config` and `config show` answer.

use serde_json::json;

use super::finding::{Finding, Listing, Refused, Severity};
use super::layout::{ACCOUNTS, DEFAULTS, SECTIONS, account_keys};
use super::load::load;
use super::origins::{Origin, Origins};
use super::place::Place;
use super::sources::Sources;
use super::tree::KeyPath;

/// What a command prints, and whether the configuration was accepted; if not, the exit code is 78.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is printed, with its last line ended.
    pub text: String,
    /// Whether the configuration was accepted.
    pub accepted: bool,
}

/// `check-config`: every finding of every layer.
#[must_use]
pub fn check_config(sources: &Sources, json: bool) -> Answer {
    let (findings, files, accounts) = match load(sources) {
        Ok(loaded) => (loaded.warnings, loaded.files, Some(loaded.config.accounts.len())),
        Err(Refused { findings, files }) => (findings, files, None),
    };
    let errors = count(&findings, Severity::Error);
    let warnings = count(&findings, Severity::Warning);
    let text = if json {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        lines(&json!({
            "valid": accounts.is_some(), "errors": errors, "warnings": warnings, "files": files, "findings": findings,
        }))
    } else {
        let gap = if findings.is_empty() { "" } else { "\n\n" };
        let warned = if warnings == 0 { String::new() } else { format!(", {}", plural(warnings, "warning")) };
        let verdict = match accounts {
            Some(accounts) => format!(
                "The configuration is valid: {} from {}{warned}.",
                plural(accounts, "account"),
                plural(files.len(), "file")
            ),
            None => format!("The configuration is refused: {}{warned}.", plural(errors, "error")),
        };
        format!("{}{gap}{verdict}\n", Listing(&findings))
    };
    Answer { text, accepted: accounts.is_some() }
}

/// `config show`: the settings that hold, as TOML or JSON, secrets hidden; with `origin`, where each comes from.
#[must_use]
pub fn show(sources: &Sources, origin: bool, json: bool) -> Answer {
    match load(sources) {
        Err(_) => check_config(sources, json),
        Ok(loaded) => {
            let text = match (json, origin) {
                (true, true) => listed(&loaded.origins),
                (true, false) => nested(&loaded.origins),
                (false, origin) => toml(&loaded.origins, origin),
            };
            Answer { text, accepted: true }
        }
    }
}

fn toml(origins: &Origins, with_places: bool) -> String {
    let mut text = String::new();
    for (table, keys) in tables(origins) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&table.heading());
        text.push('\n');
        for (key, origin) in keys {
            let below = KeyPath::new(key.names().iter().skip(table.names().len()).map(String::as_str));
            // A credential is no setting: it would be given twice if the line were taken over into a file.
            let credential = matches!(origin.place, Place::Credential { .. });
            let comment = if credential { "# " } else { "" };
            let place =
                if with_places || credential { format!("  # {}", origin.place) } else { String::new() };
            text.extend([comment, &below.to_string(), " = ", &origin.toml(), &place, "\n"]);
        }
    }
    text
}

/// The settings by table, both in the order of the manual.
fn tables(origins: &Origins) -> Vec<(KeyPath, Vec<(&KeyPath, &Origin)>)> {
    let mut accounts: Vec<&str> = origins
        .iter()
        .filter_map(|(key, _)| match key.names() {
            [table, name, ..] if table == ACCOUNTS => Some(name.as_str()),
            _ => None,
        })
        .collect();
    accounts.dedup();
    let sections = SECTIONS.iter().map(|section| (KeyPath::new([section.name]), section.keys));
    let defaults = [(KeyPath::new([DEFAULTS]), account_keys())];
    let accounts = accounts.into_iter().map(|name| (KeyPath::new([ACCOUNTS, name]), account_keys()));
    sections
        .chain(defaults)
        .chain(accounts)
        .map(|(table, keys)| {
            let below = |name: &str| {
                let path = table.join(name);
                origins.iter().filter(move |(key, _)| key.names().starts_with(path.names()))
            };
            let settings = keys.iter().flat_map(|key| below(key.name)).collect();
            (table, settings)
        })
        .collect()
}

fn nested(origins: &Origins) -> String {
    let mut root = json!({});
    for (key, origin) in origins.iter() {
        insert(&mut root, key.names(), origin.json());
    }
    lines(&root)
}

fn insert(table: &mut serde_json::Value, path: &[String], value: serde_json::Value) {
    if let (Some((first, rest)), Some(table)) = (path.split_first(), table.as_object_mut()) {
        if rest.is_empty() {
            table.insert(first.clone(), value);
        } else {
            insert(table.entry(first.clone()).or_insert_with(|| json!({})), rest, value);
        }
    }
}

fn listed(origins: &Origins) -> String {
    let settings: Vec<_> = origins
        .iter()
        .map(|(key, origin)| {
            let position = origin.place.position();
            json!({
                "key": key,
                "value": origin.json(),
                "layer": origin.place.layer(),
                "file": origin.place.file().map(|file| file.display().to_string()),
                "line": position.map(|position| position.line),
                "origin": origin.place.to_string(),
            })
        })
        .collect();
    lines(&json!(settings))
}

fn lines(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn plural(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
