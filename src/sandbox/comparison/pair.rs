//! One contact on both sides, field by field.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::gauge::Gauge;
use super::{Finding, own};

/// A text field: its name, where Google keeps it, and Dafater's slot for it.
const TEXTS: [(&str, &str, &str, Option<&str>); 9] = [
    ("prefix", "names", "honorificPrefix", Some("salutation")),
    ("given name", "names", "givenName", Some("first_name")),
    ("middle name", "names", "middleName", Some("middle_name")),
    ("family name", "names", "familyName", Some("last_name")),
    ("suffix", "names", "honorificSuffix", None),
    ("company", "organizations", "name", Some("company_name")),
    ("title", "organizations", "title", Some("designation")),
    ("department", "organizations", "department", Some("department")),
    ("gender", "genders", "value", Some("gender")),
];

/// A list: its name, Google's key and the key of a value, Dafater's table, column and flag.
struct Table {
    label: &'static str,
    google: &'static str,
    rows: &'static str,
    column: &'static str,
    flag: &'static str,
    key: fn(&str) -> String,
    site_holds: fn(&mut Gauge, &str) -> bool,
}

const TABLES: [Table; 2] = [
    Table {
        label: "e-mail",
        google: "emailAddresses",
        rows: "email_ids",
        column: "email_id",
        flag: "is_primary",
        key: own::email,
        site_holds: Gauge::site_holds_email,
    },
    Table {
        label: "phone",
        google: "phoneNumbers",
        rows: "phone_nos",
        column: "phone",
        flag: "is_primary_phone",
        key: own::phone,
        site_holds: Gauge::site_holds_phone,
    },
];

/// Everything in which the two differ.
pub(super) fn compare(person: &Value, document: &Value, gauge: &mut Gauge) -> Vec<Finding> {
    let mut found = Vec::new();
    for (label, list, key, slot) in TEXTS {
        let index = if list == "organizations" { own::organization(person) } else { 0 };
        let google = own::list(person, list).get(index).map(|item| own::field(item, key)).unwrap_or_default();
        let dafater = slot.map(|slot| own::field(document, slot)).unwrap_or_default();
        let canonical = match label {
            "prefix" => own::salutation,
            "gender" => own::gender,
            _ => own::text,
        };
        let (left, right) = (canonical(google), canonical(dafater));
        if left == right {
            continue;
        }
        let dafater_holds = slot.is_some_and(|slot| gauge.site_holds_text(slot, &left));
        let google_holds = gauge.google_holds(&json!({ list: [{ key: right }] }));
        found.push(finding(label, &left, &right, dafater_holds, google_holds));
    }
    for table in &TABLES {
        compare_lists(person, document, table, gauge, &mut found);
    }
    found
}

fn compare_lists(
    person: &Value,
    document: &Value,
    table: &Table,
    gauge: &mut Gauge,
    found: &mut Vec<Finding>,
) {
    let items = own::list(person, table.google);
    let rows = own::list(document, table.rows);
    let keyed = |values: &[Value], column: &str| -> BTreeMap<String, String> {
        let raw = values.iter().map(|value| own::field(value, column).to_owned());
        raw.map(|raw| ((table.key)(&raw), raw)).filter(|(key, _)| !key.is_empty()).collect()
    };
    let (google, dafater) = (keyed(items, "value"), keyed(rows, table.column));
    for (_, raw) in google.iter().filter(|(key, _)| !dafater.contains_key(*key)) {
        let holds = (table.site_holds)(gauge, raw);
        found.push(finding(table.label, raw, "", holds, true));
    }
    for (_, raw) in dafater.iter().filter(|(key, _)| !google.contains_key(*key)) {
        let holds = gauge.google_holds(&json!({ table.google: [{ "value": raw }] }));
        found.push(finding(table.label, "", raw, true, holds));
    }
    let chosen = items.iter().find(|item| item.pointer("/metadata/primary") == Some(&Value::Bool(true)));
    let chosen = chosen.map(|item| (table.key)(own::field(item, "value")));
    let flagged = rows.iter().find(|row| own::ticked(row, table.flag));
    let flagged = flagged.map(|row| (table.key)(own::field(row, table.column)));
    if let (Some(chosen), Some(flagged)) = (chosen, flagged)
        && chosen != flagged
        // A primary that the other side cannot hold is no primary there.
        && dafater.contains_key(&chosen)
        && google.contains_key(&flagged)
    {
        found.push(finding(&format!("primary {}", table.label), &chosen, &flagged, true, true));
    }
}

fn finding(field: &str, google: &str, dafater: &str, dafater_holds: bool, google_holds: bool) -> Finding {
    let what = format!("{field}: Google has {google:?}, Dafater has {dafater:?}");
    match (dafater_holds, google_holds) {
        (false, _) => Finding::NotForDafater(what),
        (true, false) => Finding::NotForGoogle(what),
        (true, true) => Finding::Differs(what),
    }
}
