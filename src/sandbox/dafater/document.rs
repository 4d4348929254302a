//! A stored document: the columns that every DocType has, its own fields as JSON, and the rows of its child tables.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::collation::Key;
use super::schema::{DocType, Kind};
use super::stamp::Stamp;

/// A document, as stored or while it is being saved.
#[derive(Debug, Clone)]
pub(super) struct Doc {
    pub(super) name: String,
    /// `name` as the database compares it.
    pub(super) key: Key,
    pub(super) owner: String,
    pub(super) modified_by: String,
    pub(super) creation: Stamp,
    pub(super) modified: Stamp,
    /// The DocType's own columns, nulls included.
    pub(super) fields: Map<String, Value>,
    /// How many asterisks came back for a password that was kept.
    pub(super) masks: BTreeMap<String, usize>,
    pub(super) tables: BTreeMap<String, Vec<Row>>,
}

/// A row of a child table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) modified_by: String,
    pub(super) creation: Stamp,
    pub(super) modified: Stamp,
    pub(super) idx: i64,
    pub(super) standing: Standing,
    pub(super) fields: Map<String, Value>,
}

/// What a save does with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has a name: updated where it is.
    Kept,
    /// Inserted, and answered with `__unsaved`.
    New,
    /// Inserted by the document's own rules, and answered without a mark.
    Silent,
}

/// How a document is written down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// `frappe.client.*` shows nulls, `/api/resource` leaves them out.
    pub(super) nulls: bool,
    /// The answer to the save itself: `modified` with six digits, new rows marked.
    pub(super) echo: bool,
}

impl Doc {
    /// A document without values, but with the DocType's defaults.
    pub(super) fn blank(schema: &DocType, user: &str) -> Self {
        let fields = schema
            .columns()
            .map(|field| {
                let value = match (field.kind, field.default) {
                    (Kind::Check, _) => Value::from(0),
                    (_, Some(default)) => Value::from(default),
                    (_, None) => Value::Null,
                };
                (field.name.clone(), value)
            })
            .collect();
        Self {
            name: String::new(),
            key: Key::of(""),
            owner: user.to_owned(),
            modified_by: user.to_owned(),
            creation: Stamp::MIN,
            modified: Stamp::MIN,
            fields,
            masks: BTreeMap::new(),
            tables: schema.tables().map(|(table, _)| (table.to_owned(), Vec::new())).collect(),
        }
    }

    pub(super) fn rename(&mut self, name: String) {
        self.key = Key::of(&name);
        self.name = name;
    }

    /// A field's text; empty when it is null, missing or no text.
    pub(super) fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is_checked(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(is_checked)
    }

    pub(super) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    pub(super) fn rows(&self, table: &str) -> &[Row] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    pub(super) fn rows_mut(&mut self, table: &str) -> &mut Vec<Row> {
        self.tables.entry(table.to_owned()).or_default()
    }

    /// The document as JSON with its rows.
    pub(super) fn to_json(&self, schema: &DocType, form: Form) -> Map<String, Value> {
        let mut json = self.columns_to_json(schema, form);
        json.insert("doctype".to_owned(), schema.name.into());
        for (table, child) in schema.tables() {
            let rows =
                self.rows(table).iter().map(|row| row.to_json(self, schema, table, child, form).into());
            json.insert(table.to_owned(), Value::Array(rows.collect()));
        }
        json
    }

    /// A value as it is answered: a password as asterisks, as many as it has characters or as came back last.
    pub(super) fn shown(&self, schema: &DocType, field: &str, value: &Value) -> Value {
        if let Value::String(text) = value
            && schema.field(field).is_some_and(|field| field.kind == Kind::Password)
        {
            let length = self.masks.get(field).copied().unwrap_or_else(|| text.chars().count());
            return "*".repeat(length).into();
        }
        value.clone()
    }

    /// The document's own columns, as a list with `fields=["*"]` shows them.
    pub(super) fn columns_to_json(&self, schema: &DocType, form: Form) -> Map<String, Value> {
        let mut json = Map::new();
        for (field, value) in &self.fields {
            if !value.is_null() || form.nulls {
                json.insert(field.clone(), self.shown(schema, field, value));
            }
        }
        json.insert("name".to_owned(), self.name.as_str().into());
        json.insert("owner".to_owned(), self.owner.as_str().into());
        json.insert("modified_by".to_owned(), self.modified_by.as_str().into());
        json.insert("docstatus".to_owned(), 0.into());
        json.insert("idx".to_owned(), 0.into());
        let created = Form { echo: form.echo && self.creation == self.modified, ..form };
        json.insert("creation".to_owned(), spelled(self.creation, created).into());
        json.insert("modified".to_owned(), spelled(self.modified, form).into());
        json
    }
}

impl Row {
    pub(super) fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is_checked(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(is_checked)
    }

    pub(super) fn to_json(
        &self,
        parent: &Doc,
        schema: &DocType,
        table: &str,
        child: &str,
        form: Form,
    ) -> Map<String, Value> {
        let mut json = Map::new();
        for (field, value) in &self.fields {
            if !value.is_null() || form.nulls {
                json.insert(field.clone(), value.clone());
            }
        }
        json.insert("name".to_owned(), self.name.as_str().into());
        json.insert("owner".to_owned(), self.owner.as_str().into());
        json.insert("modified_by".to_owned(), self.modified_by.as_str().into());
        json.insert("docstatus".to_owned(), 0.into());
        json.insert("idx".to_owned(), self.idx.into());
        let created = Form { echo: form.echo && self.creation == self.modified, ..form };
        json.insert("creation".to_owned(), spelled(self.creation, created).into());
        json.insert("modified".to_owned(), spelled(self.modified, form).into());
        json.insert("parent".to_owned(), parent.name.as_str().into());
        json.insert("parentfield".to_owned(), table.into());
        json.insert("parenttype".to_owned(), schema.name.into());
        json.insert("doctype".to_owned(), child.into());
        if form.echo && self.standing == Standing::New {
            json.insert("__unsaved".to_owned(), 1.into());
        }
        json
    }
}

/// What Python takes for true.
pub(super) fn is_checked(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => text.trim().parse::<f64>().is_ok_and(|number| number != 0.0),
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
    }
}

fn spelled(stamp: Stamp, form: Form) -> String {
    if form.echo { stamp.echoed() } else { stamp.printed() }
}
