//! Puts parents and child rows of one page together, and says which results cannot be trusted.
//!
//! The lists are read one after the other, not as one snapshot. A save stamps each e-mail and phone row with the parent's
//! `modified`, so a row with another stamp shows that the contact was written between the lists (or was written past the usual
//! save). A row that belongs to nobody asked for shows that a spelling went astray.
//!
//! Law: pure; no row is dropped without its contact being doubted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::document::{TABLES, text};

/// Parents with their tables.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Documents by name, each with its three tables.
    pub(super) documents: BTreeMap<String, Map<String, Value>>,
    /// Rows do not carry the parent's stamp: settled if the parent's stamp proves not to have moved.
    pub(super) doubtful: BTreeSet<String>,
    /// Rows may be missing: must be read singly.
    pub(super) incomplete: BTreeSet<String>,
}

/// Joins `parents` (by name) with the rows of the three tables, given in the order of [`TABLES`].
pub(super) fn assemble(parents: BTreeMap<String, Map<String, Value>>, rows: [Vec<Value>; 3]) -> Assembly {
    let mut assembly = Assembly { documents: parents, ..Assembly::default() };
    for document in assembly.documents.values_mut() {
        for table in TABLES {
            document.insert(table.to_owned(), Value::Array(Vec::new()));
        }
    }
    let mut astray = Vec::new();
    for (table, rows) in TABLES.into_iter().zip(rows) {
        for row in rows {
            let parent = row.get("parent").and_then(Value::as_str).map(str::to_owned);
            match parent.filter(|name| row.is_object() && assembly.documents.contains_key(name)) {
                Some(parent) => assembly.add(table, &parent, row),
                None => astray.push(row),
            }
        }
    }
    for row in astray {
        assembly.doubt_owners(row.get("parent").and_then(Value::as_str));
    }
    assembly
}

impl Assembly {
    fn add(&mut self, table: &str, parent: &str, row: Value) {
        let Some(document) = self.documents.get_mut(parent) else { return };
        let stamp = row.get("modified").and_then(Value::as_str);
        // Rows of `links` may carry a stamp of their own, when the site removed duplicates among them.
        if table != "links" && stamp != text(document, "modified") {
            self.doubtful.insert(parent.to_owned());
        }
        if let Some(Value::Array(rows)) = document.get_mut(table) {
            rows.push(row);
        }
    }

    /// A row names a parent that was not asked for in this spelling; the database compares names more loosely than we do.
    fn doubt_owners(&mut self, parent: Option<&str>) {
        let wanted = parent.map(loose);
        let alike: Vec<String> =
            self.documents.keys().filter(|name| wanted.as_ref() == Some(&loose(name))).cloned().collect();
        if alike.is_empty() {
            self.incomplete.extend(self.documents.keys().cloned());
        } else {
            self.incomplete.extend(alike);
        }
    }
}

/// Folds whatever the database's collation folds, and more: names that it holds equal are equal here.
fn loose(name: &str) -> String {
    name.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STAMP: &str = "2026-11-22 11:33:46.381217";

    fn parents(names: &[&str]) -> BTreeMap<String, Map<String, Value>> {
        let parent = |name: &&str| {
            let parent = json!({"name": name, "modified": STAMP});
            ((*name).to_owned(), parent.as_object().expect("an object").clone())
        };
        names.iter().map(parent).collect()
    }

    fn email(parent: &str, modified: &str) -> Value {
        json!({"parent": parent, "email_id": "a@b.example", "idx": 1, "modified": modified})
    }

    #[test]
    fn rows_join_their_parent_and_every_table_is_there() {
        let assembly =
            assemble(parents(&["Layla", "Omar"]), [vec![email("Layla", STAMP)], Vec::new(), Vec::new()]);
        assert_eq!(assembly.documents["Layla"]["email_ids"].as_array().map(Vec::len), Some(1));
        assert_eq!(assembly.documents["Omar"]["email_ids"], json!([]));
        assert_eq!(assembly.documents["Omar"]["phone_nos"], json!([]));
        assert!(assembly.doubtful.is_empty() && assembly.incomplete.is_empty());
    }

    #[test]
    fn a_row_with_another_stamp_makes_its_contact_doubtful_unless_it_is_a_link() {
        let link = json!({"parent": "Omar", "link_doctype": "Customer", "link_name": "Acme", "modified": "2026-11-22 12:00:00"});
        let late = email("Layla", "2026-11-22 12:00:00");
        let assembly = assemble(parents(&["Layla", "Omar"]), [vec![late], Vec::new(), vec![link]]);
        assert_eq!(assembly.doubtful, BTreeSet::from(["Layla".to_owned()]));
    }

    #[test]
    fn a_row_spelled_in_another_case_makes_only_its_contact_incomplete() {
        let assembly =
            assemble(parents(&["José", "Omar"]), [vec![email("JOSE ", STAMP)], Vec::new(), Vec::new()]);
        assert_eq!(assembly.incomplete, BTreeSet::from(["José".to_owned()]));
    }

    #[test]
    fn a_row_of_nobody_makes_all_incomplete() {
        for stray in [json!(7), json!({"email_id": "a@b.example"}), email("Stranger", STAMP)] {
            let assembly = assemble(parents(&["José", "Omar"]), [vec![stray], Vec::new(), Vec::new()]);
            assert_eq!(assembly.incomplete.len(), 2);
        }
    }
}
