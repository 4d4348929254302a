//! Conditions of a list, compiled once and then asked per row.

use std::collections::BTreeSet;

use serde_json::Value;

use super::columns::{Cell, Column, Sources, Tuple, What};
use crate::sandbox::dafater::collation::{Key, Like};
use crate::sandbox::dafater::refusal::Refusal;
use crate::sandbox::dafater::schema::{Kind, Schemas};
use crate::sandbox::dafater::stamp::Stamp;

/// One condition on one column.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) column: Column,
    pub(super) test: Test,
}

/// What must hold.
#[derive(Debug)]
pub(super) enum Test {
    Compare(Comparison, Operand),
    Between(Operand, Operand),
    In { any: BTreeSet<Operand>, names: Vec<String>, negated: bool },
    Like { pattern: Like, negated: bool },
    Set(bool),
}

/// `=`, `!=`, `>`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Greater,
    AtLeast,
    Less,
    AtMost,
}

/// A value to compare with, in the column's own type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operand {
    Null,
    Int(i64),
    Stamp(Stamp),
    Text(Key),
}

/// Reads `filters` or `or_filters`: a list of triples or 4-tuples, or an object.
pub(super) fn parse(
    sources: &mut Sources,
    schemas: &Schemas,
    filters: &Value,
) -> Result<Vec<Condition>, Refusal> {
    match filters {
        Value::Null => Ok(Vec::new()),
        Value::Object(fields) => fields
            .iter()
            .map(|(field, value)| match value.as_array().map(Vec::as_slice) {
                Some([Value::String(operator), value]) => {
                    condition(sources, schemas, "", field, operator, value)
                }
                _ => condition(sources, schemas, "", field, "=", value),
            })
            .collect(),
        Value::Array(filters) => filters
            .iter()
            .map(|filter| match filter.as_array().map(Vec::as_slice) {
                Some([Value::String(field), Value::String(operator), value]) => {
                    condition(sources, schemas, "", field, operator, value)
                }
                Some([Value::String(table), Value::String(field), Value::String(operator), value, ..]) => {
                    condition(sources, schemas, table, field, operator, value)
                }
                Some([Value::String(field), value]) => condition(sources, schemas, "", field, "=", value),
                _ => {
                    Err(Refusal::validation(format!("Filter must be a tuple or list (in a list): {filter}")))
                }
            })
            .collect(),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            Err(Refusal::crash("", "TypeError", "'int' object is not iterable"))
        }
    }
}

fn condition(
    sources: &mut Sources,
    schemas: &Schemas,
    table: &str,
    field: &str,
    operator: &str,
    value: &Value,
) -> Result<Condition, Refusal> {
    if !table.is_empty() && !schemas.contains_key(table) {
        return Err(Refusal::missing("DocType", table));
    }
    let full = if table.is_empty() { field.to_owned() } else { format!("tab{table}.{field}") };
    let column = sources
        .column(schemas, &full)
        .map_err(|_| Refusal::invalid("DataError", format!("Field not permitted in query: {field}")))?;
    let test = test(&column, operator, value)?;
    Ok(Condition { column, test })
}

fn test(column: &Column, operator: &str, value: &Value) -> Result<Test, Refusal> {
    let compare = |comparison| Ok(Test::Compare(comparison, operand(column, value)));
    match operator.to_ascii_lowercase().as_str() {
        "=" => compare(Comparison::Equal),
        "!=" | "<>" => compare(Comparison::Unequal),
        ">" => compare(Comparison::Greater),
        ">=" => compare(Comparison::AtLeast),
        "<" => compare(Comparison::Less),
        "<=" => compare(Comparison::AtMost),
        operator @ ("in" | "not in") => {
            let values = match value {
                Value::Array(values) => values.clone(),
                Value::String(text) => text.split(',').map(|part| Value::from(part.trim())).collect(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![value.clone()],
            };
            Ok(Test::In {
                any: values.iter().map(|value| operand(column, value)).collect(),
                names: values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                negated: operator == "not in",
            })
        }
        operator @ ("like" | "not like") => {
            Ok(Test::Like { pattern: Like::new(&plain(value)), negated: operator == "not like" })
        }
        "is" => match plain(value).to_ascii_lowercase().as_str() {
            "set" => Ok(Test::Set(true)),
            "not set" => Ok(Test::Set(false)),
            _ => Err(Refusal::validation("Invalid filter value for operator is")),
        },
        "between" => {
            let ends = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let [low, high] = ends else {
                return Err(Refusal::validation("Invalid filter value for operator between"));
            };
            let is_date = high.as_str().is_some_and(|text| text.trim().len() == 10);
            let mut high = operand(column, high);
            if let Operand::Stamp(stamp) = &mut high
                && is_date
            {
                *stamp = stamp.end_of_day();
            }
            Ok(Test::Between(operand(column, low), high))
        }
        _ => Err(Refusal::validation(format!(
            "Operator must be one of =, !=, >, <, >=, <=, like, in, between, is: {operator}"
        ))),
    }
}

fn operand(column: &Column, value: &Value) -> Operand {
    match &column.what {
        What::Creation | What::Modified | What::Field(_, Kind::Datetime) => {
            Stamp::parse(&plain(value)).map_or(Operand::Null, Operand::Stamp)
        }
        What::Docstatus | What::Idx | What::Field(_, Kind::Check) => {
            let number = value.as_i64().or_else(|| value.as_bool().map(i64::from));
            Operand::Int(number.or_else(|| plain(value).trim().parse().ok()).unwrap_or(0))
        }
        What::Name
        | What::Owner
        | What::ModifiedBy
        | What::Parent
        | What::ParentField
        | What::ParentType
        | What::Field(..) => Operand::Text(Key::of(&plain(value))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

impl Condition {
    pub(super) fn holds(&self, tuple: &Tuple<'_>, parent_type: &str) -> bool {
        let is_own_name = self.column.source == 0 && tuple.row.is_none() && self.column.what == What::Name;
        if is_own_name && let Some(holds) = self.holds_for_name(&tuple.doc.key) {
            return holds;
        }
        let cell = tuple.cell(&self.column, parent_type);
        match &self.test {
            Test::Set(set) => {
                let is_set = match cell {
                    Cell::Null => false,
                    Cell::Text(text) => !text.is_empty(),
                    Cell::Int(_) | Cell::Stamp(_) => true,
                };
                is_set == *set
            }
            Test::Like { pattern, negated } => {
                let matches = match cell {
                    Cell::Null => pattern.matches(""),
                    Cell::Text(text) => pattern.matches(text),
                    Cell::Int(number) => pattern.matches(&number.to_string()),
                    Cell::Stamp(stamp) => pattern.matches(&stamp.printed()),
                };
                matches != *negated
            }
            Test::Compare(comparison, operand) => comparison.holds(&stored(&cell, operand), operand),
            Test::Between(low, high) => {
                let value = stored(&cell, low);
                *low != Operand::Null && value >= *low && value <= *high
            }
            Test::In { any, negated, .. } => {
                let like = any.first().unwrap_or(&Operand::Null);
                any.contains(&stored(&cell, like)) != *negated
            }
        }
    }

    fn holds_for_name(&self, key: &Key) -> Option<bool> {
        match &self.test {
            Test::Compare(comparison, operand @ Operand::Text(_)) => {
                Some(comparison.holds(&Operand::Text(key.clone()), operand))
            }
            Test::In { any, negated, .. } => Some(any.contains(&Operand::Text(key.clone())) != *negated),
            Test::Compare(..) | Test::Between(..) | Test::Like { .. } | Test::Set(_) => None,
        }
    }
}

impl Comparison {
    fn holds(self, value: &Operand, with: &Operand) -> bool {
        if *with == Operand::Null {
            return false;
        }
        match self {
            Self::Equal => value == with,
            Self::Unequal => value != with,
            Self::Greater => value > with,
            Self::AtLeast => value >= with,
            Self::Less => value < with,
            Self::AtMost => value <= with,
        }
    }
}

/// The cell in the type of `like`; null is the type's blank (`ifnull` in the site's own queries).
fn stored(cell: &Cell<'_>, like: &Operand) -> Operand {
    match (cell, like) {
        (Cell::Text(text), _) => Operand::Text(Key::of(text)),
        (Cell::Stamp(stamp), _) => Operand::Stamp(*stamp),
        (Cell::Int(number), Operand::Text(_)) => Operand::Text(Key::of(&number.to_string())),
        (Cell::Int(number), _) => Operand::Int(*number),
        (Cell::Null, Operand::Int(_)) => Operand::Int(0),
        (Cell::Null, Operand::Stamp(_)) => Operand::Stamp(Stamp::MIN),
        (Cell::Null, Operand::Text(_) | Operand::Null) => Operand::Text(Key::of("")),
    }
}
