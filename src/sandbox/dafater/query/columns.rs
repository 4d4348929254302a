//! The columns of a list: names as clients write them, and the values behind them.

use std::sync::Arc;

use serde_json::Value;

use crate::sandbox::dafater::document::{Doc, Row};
use crate::sandbox::dafater::refusal::Refusal;
use crate::sandbox::dafater::schema::{DocType, Kind, Schemas};
use crate::sandbox::dafater::stamp::Stamp;

/// One of the joined tables.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The field of the parent that holds the rows; empty for the list's own DocType.
    pub(super) table: String,
    pub(super) schema: Arc<DocType>,
}

/// The tables of a list: its own first, then the child tables that a field or filter names.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) own: Source,
    pub(super) joined: Vec<Source>,
    /// The parent DocType, when the list is of a child DocType.
    pub(super) parent: Option<Arc<DocType>>,
}

/// A column of one of the tables. `source` 0 is the list's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) source: usize,
    pub(super) what: What,
}

/// Which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Name,
    Owner,
    ModifiedBy,
    Creation,
    Modified,
    Docstatus,
    Idx,
    Parent,
    ParentField,
    ParentType,
    Field(String, Kind),
}

/// A value as the database holds it.
#[derive(Debug, Clone)]
pub(super) enum Cell<'a> {
    Null,
    Text(&'a str),
    Int(i64),
    Stamp(Stamp),
}

/// What one row of the result is made of: a document, and per joined table one of its rows (or none).
#[derive(Debug, Clone)]
pub(super) struct Tuple<'a> {
    pub(super) doc: &'a Doc,
    /// The list's own row, when the list is of a child DocType: table field and row.
    pub(super) row: Option<(&'a str, &'a Row)>,
    pub(super) joined: Vec<Option<&'a Row>>,
}

impl Sources {
    pub(super) fn new(own: Arc<DocType>, parent: Option<Arc<DocType>>) -> Self {
        Self { own: Source { table: String::new(), schema: own }, joined: Vec::new(), parent }
    }

    /// A column as a client writes it: `name`, `` `tabContact`.name ``, `email_ids.email_id`.
    pub(super) fn column(&mut self, schemas: &Schemas, text: &str) -> Result<Column, Refusal> {
        let not_permitted = || {
            Refusal::invalid("DataError", format!("Field not permitted in query: {}", text.replace('`', "")))
        };
        let plain = text.replace('`', "");
        let (table, name) = match plain.split_once('.') {
            None => ("", plain.as_str()),
            Some((table, name)) => (table.strip_prefix("tab").unwrap_or(table), name),
        };
        let source = self.source(schemas, table).ok_or_else(not_permitted)?;
        self.column_of(source, name).ok_or_else(not_permitted)
    }

    /// The index of the table that is called `table`: a DocType or a table field.
    pub(super) fn source(&mut self, schemas: &Schemas, table: &str) -> Option<usize> {
        if table.is_empty() || table == self.own.schema.name {
            return Some(0);
        }
        let (field, child) =
            self.own.schema.tables().find(|(field, child)| *field == table || *child == table)?;
        if let Some(position) = self.joined.iter().position(|source| source.table == field) {
            return Some(position + 1);
        }
        let source = Source { table: field.to_owned(), schema: Arc::clone(schemas.get(child)?) };
        self.joined.push(source);
        Some(self.joined.len())
    }

    fn column_of(&self, source: usize, name: &str) -> Option<Column> {
        let schema = match source.checked_sub(1) {
            None => &self.own.schema,
            Some(index) => &self.joined.get(index)?.schema,
        };
        let what = match name {
            "name" => What::Name,
            "owner" => What::Owner,
            "modified_by" => What::ModifiedBy,
            "creation" => What::Creation,
            "modified" => What::Modified,
            "docstatus" => What::Docstatus,
            "idx" => What::Idx,
            "parent" if schema.is_child => What::Parent,
            "parentfield" if schema.is_child => What::ParentField,
            "parenttype" if schema.is_child => What::ParentType,
            name => {
                let field = schema.field(name).filter(|field| !matches!(field.kind, Kind::Table(_)))?;
                What::Field(field.name.clone(), field.kind)
            }
        };
        Some(Column { source, what })
    }

    /// The columns of `*`.
    pub(super) fn all(&self) -> Vec<(String, Column)> {
        let schema = &self.own.schema;
        let mut names = vec!["name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"];
        if schema.is_child {
            names.extend(["parent", "parentfield", "parenttype"]);
        }
        names.extend(schema.columns().map(|field| field.name.as_str()));
        names.into_iter().filter_map(|name| Some((name.to_owned(), self.column_of(0, name)?))).collect()
    }
}

impl<'a> Tuple<'a> {
    pub(super) fn cell(&self, column: &Column, parent_type: &'a str) -> Cell<'a> {
        let row = match column.source.checked_sub(1) {
            None => self.row.map(|(_, row)| row),
            Some(index) => match self.joined.get(index).copied().flatten() {
                Some(row) => Some(row),
                None => return Cell::Null,
            },
        };
        match row {
            Some(row) => self.row_cell(row, column, parent_type),
            None => doc_cell(self.doc, column),
        }
    }

    fn row_cell(&self, row: &'a Row, column: &Column, parent_type: &'a str) -> Cell<'a> {
        match &column.what {
            What::Name => Cell::Text(&row.name),
            What::Owner => Cell::Text(&row.owner),
            What::ModifiedBy => Cell::Text(&row.modified_by),
            What::Creation => Cell::Stamp(row.creation),
            What::Modified => Cell::Stamp(row.modified),
            What::Docstatus => Cell::Int(0),
            What::Idx => Cell::Int(row.idx),
            What::Parent => Cell::Text(&self.doc.name),
            What::ParentField => self.row.map_or(Cell::Null, |(table, _)| Cell::Text(table)),
            What::ParentType => Cell::Text(parent_type),
            What::Field(name, kind) => field_cell(row.fields.get(name), *kind),
        }
    }

    /// The value as the list shows it.
    pub(super) fn value(&self, column: &Column, schema: &DocType, parent_type: &'a str) -> Value {
        match self.cell(column, parent_type) {
            Cell::Null => Value::Null,
            Cell::Int(number) => number.into(),
            Cell::Stamp(stamp) => stamp.printed().into(),
            Cell::Text(text) => {
                if let What::Field(name, Kind::Password) = &column.what {
                    self.doc.shown(schema, name, &text.into())
                } else {
                    text.into()
                }
            }
        }
    }
}

fn doc_cell<'a>(doc: &'a Doc, column: &Column) -> Cell<'a> {
    match &column.what {
        What::Name => Cell::Text(&doc.name),
        What::Owner => Cell::Text(&doc.owner),
        What::ModifiedBy => Cell::Text(&doc.modified_by),
        What::Creation => Cell::Stamp(doc.creation),
        What::Modified => Cell::Stamp(doc.modified),
        What::Docstatus | What::Idx => Cell::Int(0),
        What::Parent | What::ParentField | What::ParentType => Cell::Null,
        What::Field(name, kind) => field_cell(doc.fields.get(name), *kind),
    }
}

fn field_cell(value: Option<&Value>, kind: Kind) -> Cell<'_> {
    match value {
        Some(Value::String(text)) if kind == Kind::Datetime => {
            Stamp::parse(text).map_or(Cell::Null, Cell::Stamp)
        }
        Some(Value::String(text)) => Cell::Text(text),
        Some(Value::Number(number)) => Cell::Int(number.as_i64().unwrap_or(0)),
        Some(Value::Bool(flag)) => Cell::Int(i64::from(*flag)),
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => Cell::Null,
    }
}
