//! A client's JSON laid over a document, the way `doc.update(…)` does it.
//!
//! Law: what is not sent stays; a table that is sent is replaced whole, and a row that is sent with a name is a new row object under
//! that name, so its other columns are blank. Unknown keys vanish without a word.

use serde_json::{Map, Value};

use super::document::{Doc, Row, Standing, is_checked};
use super::google;
use super::refusal::Refusal;
use super::schema::{DocType, Kind, Schemas};
use super::stamp::Stamp;

/// The columns that a client should not send, as it sent them.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) name: Option<Value>,
    pub(super) modified: Option<Value>,
    pub(super) creation: Option<Value>,
    pub(super) owner: Option<Value>,
}

/// Lays `json` over `doc`.
pub(super) fn fill(
    doc: &mut Doc,
    schema: &DocType,
    schemas: &Schemas,
    json: Map<String, Value>,
) -> Result<Given, Refusal> {
    let mut given = Given::default();
    for (key, value) in json {
        match key.as_str() {
            "name" => given.name = Some(value),
            "modified" => given.modified = Some(value),
            "creation" => given.creation = Some(value),
            "owner" => given.owner = Some(value),
            _ => match schema.field(&key).map(|field| field.kind) {
                None => {}
                Some(Kind::Table(child)) => {
                    let child = schemas.get(child).ok_or_else(|| Refusal::missing("DocType", child))?;
                    let rows = rows(child, value, doc)?;
                    doc.tables.insert(key, rows);
                }
                Some(Kind::Password) if google::is_mask(&value) => {
                    let length = value.as_str().map_or(0, str::len);
                    doc.masks.insert(key, length);
                }
                Some(kind) => {
                    doc.masks.remove(&key);
                    doc.fields.insert(key, cast(kind, value));
                }
            },
        }
    }
    Ok(given)
}

fn cast(kind: Kind, value: Value) -> Value {
    if kind == Kind::Check { i64::from(is_checked(&value)).into() } else { value }
}

fn rows(child: &DocType, value: Value, parent: &Doc) -> Result<Vec<Row>, Refusal> {
    let wrong_type = || Refusal::crash("", "TypeError", "'str' object does not support item assignment");
    let rows = match value {
        Value::Null => Vec::new(),
        Value::Array(rows) => rows,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return Err(wrong_type()),
    };
    rows.into_iter()
        .zip(1..)
        .map(|(row, position)| match row {
            Value::Null => Ok(self::row(child, Map::new(), position, parent)),
            Value::Object(json) => Ok(self::row(child, json, position, parent)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(wrong_type()),
        })
        .collect()
}

/// One row; without a name it is new.
pub(super) fn row(child: &DocType, json: Map<String, Value>, position: i64, parent: &Doc) -> Row {
    let text =
        |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = text("name");
    let mut row = Row {
        standing: if name.is_none() { Standing::New } else { Standing::Kept },
        name: name.unwrap_or_default(),
        owner: text("owner").unwrap_or_else(|| parent.owner.clone()),
        modified_by: parent.modified_by.clone(),
        creation: text("creation").and_then(|text| Stamp::parse(&text)).unwrap_or(parent.creation),
        modified: parent.modified,
        idx: json.get("idx").and_then(Value::as_i64).filter(|idx| *idx != 0).unwrap_or(position),
        fields: Map::new(),
    };
    let mut json = json;
    for field in child.columns() {
        let value = cast(field.kind, json.remove(&field.name).unwrap_or(Value::Null));
        row.fields.insert(field.name.clone(), value);
    }
    row
}

/// Brings what is stored to the column's type: numbers become text, blank unique values become null.
pub(super) fn store_form(fields: &mut Map<String, Value>, schema: &DocType) {
    for field in schema.columns() {
        if field.kind == Kind::Check {
            continue;
        }
        let Some(value) = fields.get_mut(&field.name) else { continue };
        if let Value::Number(number) = value {
            *value = Value::from(number.to_string());
        } else if let Value::Bool(flag) = value {
            *value = Value::from(i64::from(*flag).to_string());
        }
    }
}
