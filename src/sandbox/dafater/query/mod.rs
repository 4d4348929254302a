//! Lists: `frappe.get_list` with fields, filters, order, pages and joins.
//!
//! Law: no order unless one is asked for (then an index's order shows through); a parent appears once per matching child row; rows that
//! the user may not see are missing without a word.

mod columns;
mod filters;
mod run;

pub(super) use run::count;

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The arguments of a list, as JSON values.
#[derive(Debug, Default)]
pub(super) struct ListArguments {
    pub(super) doctype: String,
    pub(super) parent: Option<String>,
    fields: Value,
    filters: Value,
    or_filters: Value,
    order_by: String,
    group_by: String,
    start: usize,
    /// `None`: all rows.
    length: Option<usize>,
    as_rows: bool,
}

impl ListArguments {
    /// Reads a form dict. Texts are JSON, where JSON is expected.
    pub(super) fn parse(doctype: &str, form: &Map<String, Value>) -> Result<Self, Refusal> {
        let text = |key: &str| form.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |key: &str| match form.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => Some(number.as_i64().unwrap_or(0)),
            // `cint`: what is no number is 0.
            Some(value) => Some(value.as_str().and_then(|text| text.trim().parse().ok()).unwrap_or(0)),
        };
        let length = number("limit_page_length").or_else(|| number("limit")).unwrap_or(20);
        let start = number("limit_start").unwrap_or(0);
        if length < 0 || start < 0 {
            let near = if length < 0 { format!("{length} offset {start}") } else { format!("{start}") };
            return Err(Refusal::crash(
                "pymysql.err.",
                "ProgrammingError",
                format!(
                    "(1064, \"You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version \
                         for the right syntax to use near '{near}' at line 6\")"
                ),
            ));
        }
        let is_off = |value: &Value| {
            matches!(value, Value::Bool(false))
                || value
                    .as_str()
                    .is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "false" | "0"))
        };
        Ok(Self {
            doctype: doctype.to_owned(),
            parent: form.get("parent").and_then(Value::as_str).map(str::to_owned),
            fields: json(form.get("fields"))?,
            filters: json(form.get("filters"))?,
            or_filters: json(form.get("or_filters"))?,
            order_by: text("order_by"),
            group_by: text("group_by"),
            start: usize::try_from(start).unwrap_or(0),
            length: usize::try_from(length).ok().filter(|length| *length > 0),
            as_rows: form.get("as_dict").is_some_and(is_off),
        })
    }
}

fn json(value: Option<&Value>) -> Result<Value, Refusal> {
    match value {
        None => Ok(Value::Null),
        Some(Value::String(text)) if text.is_empty() => Ok(Value::Null),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| Refusal::bad_json(text)),
        Some(value) => Ok(value.clone()),
    }
}
