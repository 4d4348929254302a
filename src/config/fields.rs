//! Which fields travel, where, and who wins: `[accounts.NAME.fields]`.
//!
//! Law: what the framework keeps for itself is never written, and no field of Dafater's stands for two of Google's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::finding::{Finding, quoted};
use super::nearest::nearest;
use super::tree::{Entry, KeyPath, Table, Value};
use crate::contact::{Field, MappedField, TextField};
use crate::mapping::{Mapping, is_slot, slot_names};
use crate::sync::{ConflictPolicy, Direction, FieldRule, FieldRules};

/// What an operator says of one field: the field in Dafater, or that and more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FieldSpec {
    /// The fieldname in Dafater.
    Name(String),
    /// More than that.
    Table {
        /// The fieldname in Dafater; the usual one where nothing is said.
        dafater: Option<String>,
        /// Where it goes.
        #[serde(default)]
        direction: Direction,
        /// Who wins a conflict.
        wins: Option<ConflictPolicy>,
    },
}

impl FieldSpec {
    fn dafater(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Table { dafater, .. } => dafater.as_deref(),
        }
    }

    fn rule(&self) -> FieldRule {
        match self {
            Self::Name(_) => FieldRule { direction: Direction::Both, wins: None },
            Self::Table { direction, wins, .. } => FieldRule { direction: *direction, wins: *wins },
        }
    }
}

/// The texts that an account's records are read for, and what is decided of single fields.
pub(super) fn meant(specs: &BTreeMap<String, FieldSpec>) -> (BTreeSet<TextField>, FieldRules) {
    let mut texts = Mapping::default_texts();
    let mut rules = Vec::new();
    for (slot, spec) in specs {
        let rule = spec.rule();
        let field = match (SETS.iter().find(|(name, _)| name == slot), usual(slot), spec.dafater()) {
            (Some((_, field)), ..) => field.clone(),
            (None, Some((text, column)), dafater) if dafater.is_none_or(|dafater| dafater == column) => {
                Field::Text(text)
            }
            (None, _, Some(dafater)) => {
                texts.retain(|text| text.slot() != slot);
                let text = TextField::Mapped(MappedField::new(slot, dafater));
                if rule.direction != Direction::Off {
                    texts.insert(text.clone());
                }
                Field::Text(text)
            }
            // Without a field in Dafater it travels no more than if nothing were said.
            (None, _, None) => continue,
        };
        rules.push((field, rule));
    }
    (texts, rules.into_iter().collect())
}

/// The text that travels by itself under this name, with its field in Dafater.
fn usual(slot: &str) -> Option<(TextField, &'static str)> {
    let (_, column) = USUAL.into_iter().find(|(name, _)| *name == slot)?;
    Some((TextField::ALL.into_iter().find(|text| text.slot() == slot)?, column))
}

/// Slots that travel by themselves, with their fields in Dafater.
const USUAL: [(&str, &str); 8] = [
    ("prefix", "salutation"),
    ("given", "first_name"),
    ("middle", "middle_name"),
    ("family", "last_name"),
    ("company", "company_name"),
    ("title", "designation"),
    ("department", "department"),
    ("gender", "gender"),
];

/// The sets, which always stand in their own tables.
const SETS: [(&str, Field); 3] =
    [("emails", Field::Emails), ("phones", Field::Phones), ("addresses", Field::Addresses)];

/// Columns of a Contact that are the site's own, or are synced in another way.
const OWNED: [&str; 32] = [
    "name",
    "owner",
    "creation",
    "modified",
    "modified_by",
    "docstatus",
    "idx",
    "parent",
    "parentfield",
    "parenttype",
    "doctype",
    "naming_series",
    "status",
    "user",
    "unsubscribed",
    "full_name",
    "email_id",
    "phone",
    "mobile_no",
    "email_ids",
    "phone_nos",
    "links",
    "address",
    "image",
    "is_primary_contact",
    "is_billing_contact",
    "google_contacts",
    "google_contacts_id",
    "pulled_from_google_contacts",
    "sync_with_google_contacts",
    "amended_from",
    "custom_dafater_contactsd_key",
];

/// API: a fieldname holds at most 61 characters, so that it fits a column.
const LONGEST_NAME: usize = 61;

const KEYS: [&str; 3] = ["dafater", "direction", "wins"];
const DIRECTIONS: [&str; 4] = ["both", "pull", "push", "off"];
const WINNERS: [&str; 4] = ["newest", "dafater", "google", "manual"];

/// What is wrong in one table of fields, whatever the other layers say.
pub(super) fn check(fields: &Table, path: &KeyPath) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (slot, entry) in fields {
        let path = path.join(slot);
        if !is_known(slot) {
            findings.push(unknown(slot, entry, &path));
            continue;
        }
        let is_set = SETS.iter().any(|(name, _)| name == slot);
        match &entry.value {
            Value::Text(name) if !is_set => findings.extend(name_fault(name, entry, &path)),
            Value::Table(spec) => {
                for (key, entry) in spec {
                    findings.extend(key_fault((slot, is_set), key, entry, &path));
                }
                if let (false, false, None) = (is_set, spec.contains_key("dafater"), usual(slot)) {
                    let is_off =
                        spec.get("direction").is_some_and(|entry| entry.value.as_text() == Some("off"));
                    // A typed list written without quotes is told by its keys.
                    if !is_off && spec.keys().all(|key| KEYS.contains(&key.as_str())) {
                        let message = format!("{} names no field in Dafater", quoted(&path.to_string()));
                        let hint = "write `dafater = \"custom_field\"` in it";
                        findings.push(Finding::error(&entry.place, &path, message).hint(hint));
                    }
                }
            }
            other @ (Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Date(_)
            | Value::List(_)) => {
                let (expected, hint) = if is_set {
                    ("a table", "write { direction = \"pull\" } or { wins = \"google\" }")
                } else {
                    (
                        "a fieldname or a table",
                        "write \"custom_field\" or { dafater = \"custom_field\", direction = \"pull\" }",
                    )
                };
                let message = format!("`{path}` must be {expected}, but is {}", other.kind());
                findings.push(Finding::error(&entry.place, &path, message).hint(hint));
            }
        }
    }
    findings
}

/// What is wrong in the fields of an account as they hold, all layers together: two of them in one place.
pub(super) fn check_together(fields: &Table, path: &KeyPath) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let column_of = |slot: &str, entry: &Entry| {
        let named = match entry.value.as_table() {
            Some(spec) => spec.get("dafater").and_then(|entry| entry.value.as_text()),
            None => entry.value.as_text(),
        };
        named.map(str::to_owned).or_else(|| Some(usual(slot)?.1.to_owned()))
    };
    for (slot, column) in USUAL.into_iter().filter(|(slot, _)| !fields.contains_key(*slot)) {
        taken.insert(column.to_owned(), slot);
    }
    for (slot, entry) in fields {
        let Some(column) = column_of(slot, entry) else { continue };
        match taken.get(&column) {
            Some(first) => {
                let message =
                    format!("`{}` and {} both stand for `{column}` in Dafater", first, quoted(slot));
                let hint = match usual(first) {
                    Some((_, usual)) if usual == column && !fields.contains_key(*first) => format!(
                        "`{first}` goes there by itself: give it another field, such as `{first} = \"custom_{first}\"`, or this one"
                    ),
                    _ => "give one of them another field".to_owned(),
                };
                findings.push(Finding::error(&entry.place, &path.join(slot), message).hint(hint));
            }
            None => drop(taken.insert(column, slot)),
        }
    }
    findings
}

fn is_known(slot: &str) -> bool {
    is_slot(slot) || SETS.iter().any(|(name, _)| *name == slot)
}

fn unknown(slot: &str, entry: &Entry, path: &KeyPath) -> Finding {
    let message = format!("Google has no field {}", quoted(slot));
    let (kind, of) = slot.split_once('.').map_or((slot, None), |(kind, of)| (kind, Some(of)));
    let known = slot_names().chain(SETS.into_iter().map(|(name, _)| name));
    let hint = match (slot, &entry.value) {
        // TOML reads `custom.Key = …` without quotes as a table in a table.
        (_, Value::Table(inner)) if kind == "custom" && of.is_none() && !inner.is_empty() => {
            quotes(slot, inner)
        }
        ("custom", _) => "name the custom field: \"custom.Customer No\"".to_owned(),
        _ => match (nearest(kind, known), of) {
            (Some(near), Some(of)) if near != kind => format!("did you mean `\"{near}.{of}\"`?"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            _ => "docs/fields.md lists them".to_owned(),
        },
    };
    Finding::error(&entry.place, path, message).hint(hint)
}

fn quotes(slot: &str, inner: &Table) -> String {
    let key = inner.keys().next().map_or("", String::as_str);
    format!("write it in quotes: \"{slot}.{key}\" = …")
}

fn name_fault(name: &str, entry: &Entry, path: &KeyPath) -> Option<Finding> {
    let is_name = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with('_');
    let (message, hint) = if !is_name {
        let hint = "fieldnames are lower-case letters, digits and underscores, such as \"custom_birthday\"";
        (format!("{} is not a fieldname", quoted(name)), hint)
    } else if OWNED.contains(&name) {
        let hint = "give it a custom field of its own, such as \"custom_birthday\"";
        (format!("{} belongs to Dafater itself, or is synced otherwise", quoted(name)), hint)
    } else {
        return None;
    };
    Some(Finding::error(&entry.place, path, format!("`{path}`: {message}")).hint(hint))
}

fn key_fault((slot, is_set): (&str, bool), key: &str, entry: &Entry, path: &KeyPath) -> Option<Finding> {
    let path = path.join(key);
    let choice = |words: &[&str]| {
        let text = entry.value.as_text().unwrap_or_default();
        (!words.contains(&text)).then(|| {
            let listed: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let meant = nearest(text, words.iter().copied()).map(|word| format!("did you mean \"{word}\"?"));
            let message = format!("`{path}` must be one of {}", listed.join(", "));
            Finding::error(&entry.place, &path, message).maybe_hint(meant)
        })
    };
    match key {
        "direction" => choice(&DIRECTIONS),
        "wins" => choice(&WINNERS),
        "dafater" if is_set => {
            let message = format!("`{slot}` always stand in their own table in Dafater");
            Some(Finding::error(&entry.place, &path, message).hint("remove `dafater`"))
        }
        "dafater" => {
            if let Some(name) = entry.value.as_text() {
                return name_fault(name, entry, &path);
            }
            let message = format!("`{path}` must be a string, but is {}", entry.value.kind());
            Some(Finding::error(&entry.place, &path, message))
        }
        other => {
            let message = format!("unknown key {}{}", quoted(other), path.within());
            let is_typed = !slot.contains('.') && is_slot(&format!("{slot}.{other}"));
            let hint = match nearest(other, KEYS) {
                Some(known) => Some(format!("did you mean `{known}`?")),
                None if is_typed => Some(format!("write it in quotes: \"{slot}.{other}\" = …")),
                None => None,
            };
            Some(Finding::error(&entry.place, &path, message).maybe_hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Side::{Dafater, Google};

    fn specs(toml: &str) -> BTreeMap<String, FieldSpec> {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn what_is_mapped_joins_what_travels_by_itself_and_a_field_elsewhere_takes_its_place() {
        let (texts, rules) = meant(&specs(
            "birthday = 'custom_birthday'\ntitle = 'custom_title'\n\"url.work\" = { dafater = 'web', direction = 'off' }\n\
             gender = { direction = 'off' }\nnotes = { dafater = 'custom_notes', wins = 'google', direction = 'pull' }\n\
             phones = { wins = 'dafater' }\nfamily = 'last_name'\naddresses = { direction = 'push' }",
        ));
        let mapped = |slot, dafater| TextField::Mapped(MappedField::new(slot, dafater));
        assert!(
            texts.contains(&mapped("birthday", "custom_birthday"))
                && texts.contains(&mapped("title", "custom_title"))
        );
        assert!(!texts.contains(&TextField::Title), "it has another field now");
        assert!(texts.contains(&TextField::Family) && texts.contains(&TextField::Gender));
        assert!(!texts.iter().any(|text| text.slot() == "url.work"));
        let notes = Field::Text(mapped("notes", "custom_notes"));
        assert_eq!(rules.wins(&notes), Some(ConflictPolicy::Google));
        assert_eq!(rules.wins(&Field::Phones), Some(ConflictPolicy::Dafater));
        assert!(rules.may_go(&notes, Dafater) && !rules.may_go(&notes, Google));
        assert!(!rules.may_go(&Field::Text(TextField::Gender), Google));
        assert!(rules.may_go(&Field::Addresses, Google) && !rules.may_go(&Field::Addresses, Dafater));
    }

    #[test]
    fn every_text_that_travels_by_itself_has_its_field() {
        let with_column = Mapping::default_texts().into_iter().filter(|text| *text != TextField::Suffix);
        assert!(with_column.into_iter().all(|text| usual(text.slot()).is_some()));
    }
}
