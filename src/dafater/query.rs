//! A list query, as `frappe.client.get_list` takes it.

use serde::Serialize;
use serde_json::{Value, json};

use super::read::KeysetPosition;
use crate::mapping::SiteStamp;

/// Arguments of `POST /api/method/frappe.client.get_list`.
///
/// In the body, because an address holds some 4000 bytes only. The order is always given: without one, pages overlap.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ListQuery {
    pub(super) doctype: String,
    /// The parent's DocType, without which a child table may not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<&'static str>,
    pub(super) fields: Vec<String>,
    pub(super) filters: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) or_filters: Vec<Value>,
    pub(super) order_by: &'static str,
    /// 0 is "all rows".
    pub(super) limit_page_length: u32,
}

impl ListQuery {
    /// All rows of `doctype` in order of name.
    pub(super) fn of(doctype: &str, fields: &[&str]) -> Self {
        Self {
            doctype: doctype.to_owned(),
            parent: None,
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            filters: Vec::new(),
            or_filters: Vec::new(),
            order_by: "name asc",
            limit_page_length: 0,
        }
    }

    /// Rows of a child table of the contacts called `names`, in the order in which people see them.
    pub(super) fn child_rows(doctype: &str, fields: &[&str], names: &[&str]) -> Self {
        Self::rows_of("Contact", doctype, fields).filter("parent", "in", names)
    }

    /// Rows of a child table of all documents of `parent`.
    pub(super) fn rows_of(parent: &'static str, doctype: &str, fields: &[&str]) -> Self {
        let filters = vec![json!(["parenttype", "=", parent])];
        let query = Self::of(doctype, fields);
        Self { parent: Some(parent), filters, order_by: "parent asc, idx asc", ..query }
    }

    pub(super) fn filter(mut self, field: &str, operator: &str, value: impl Serialize) -> Self {
        self.filters.push(json!([field, operator, value]));
        self
    }

    pub(super) fn limit(self, rows: u32) -> Self {
        Self { limit_page_length: rows, ..self }
    }

    pub(super) fn oldest_first(self) -> Self {
        Self { order_by: "creation asc, name asc", ..self }
    }

    pub(super) fn newest_first(self) -> Self {
        Self { order_by: "modified desc", ..self }
    }

    /// Starts at `since`, or after a row that was read, in the order (`stamp`, `name`).
    ///
    /// Rows of equal stamp are told apart by name: "at least this stamp, and (a later stamp or a later name)".
    pub(super) fn keyset(
        mut self,
        order: Keyset,
        since: Option<&SiteStamp>,
        after: Option<&KeysetPosition>,
    ) -> Self {
        let (stamp, order_by) = match order {
            Keyset::Modified => ("modified", "modified asc, name asc"),
            Keyset::Creation => ("creation", "creation asc, name asc"),
        };
        if let Some(after) = after {
            self.filters.push(json!([stamp, ">=", after.modified]));
            self.or_filters = vec![json!([stamp, ">", after.modified]), json!(["name", ">", after.name])];
        } else if let Some(since) = since {
            self.filters.push(json!([stamp, ">=", since]));
        }
        Self { order_by, ..self }
    }
}

/// Which stamp orders the rows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keyset {
    /// Contacts: by their last change.
    Modified,
    /// Deletions: by the time of the deletion.
    Creation,
}
