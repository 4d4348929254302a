//! Reads TOML into a tree that remembers the line of each key.
//!
//! `toml_edit` is the parser inside the `toml` crate; it is used by itself because `toml`'s own interface loses the place of
//! tables that a header only implies.

use std::path::Path;

use toml_edit::{ImDocument, Item, Key, TableLike, Value as TomlValue};

use super::place::{Place, Position, position};
use super::tree::{Entry, Table, Value};

/// Why a text is not TOML.
pub(super) struct SyntaxError {
    pub(super) position: Option<Position>,
    pub(super) message: String,
}

/// Reads a file's text.
pub(super) fn parse_file(path: &Path, text: &str) -> Result<Table, SyntaxError> {
    let place = |offset| Place::File { path: path.to_owned(), position: Some(position(text, offset)) };
    parse(text, &place)
}

/// Reads the right side of `key = value`; `None` when it is not a TOML value.
pub(super) fn parse_value(text: &str, place: &Place) -> Option<Value> {
    let mut table = parse(&format!("v = {text}"), &|_| place.clone()).ok()?;
    let entry = table.remove("v")?;
    table.is_empty().then_some(entry.value)
}

/// Reads a dotted key; `None` when it is not one.
pub(super) fn parse_key(text: &str) -> Option<Vec<String>> {
    let keys = Key::parse(text).ok()?;
    Some(keys.iter().map(|key| key.get().to_owned()).collect())
}

fn parse(text: &str, place: &dyn Fn(usize) -> Place) -> Result<Table, SyntaxError> {
    let document = ImDocument::parse(text).map_err(|error| SyntaxError {
        position: error.span().map(|span| position(text, span.start)),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    Ok(read_table(document.as_table(), place))
}

fn read_table(table: &dyn TableLike, place: &dyn Fn(usize) -> Place) -> Table {
    let entry = |key: &Key, item: &Item| {
        let offset = key.span().or_else(|| item.span()).map_or(0, |span| span.start);
        Some((key.get().to_owned(), Entry { place: place(offset), value: read_item(item, place)? }))
    };
    table
        .iter()
        .filter_map(|(name, _)| table.get_key_value(name))
        .filter_map(|(key, item)| entry(key, item))
        .collect()
}

fn read_item(item: &Item, place: &dyn Fn(usize) -> Place) -> Option<Value> {
    Some(match item {
        Item::None => return None,
        Item::Value(value) => read_value(value, place),
        Item::Table(table) => Value::Table(read_table(table, place)),
        Item::ArrayOfTables(tables) => {
            Value::List(tables.iter().map(|table| Value::Table(read_table(table, place))).collect())
        }
    })
}

fn read_value(value: &TomlValue, place: &dyn Fn(usize) -> Place) -> Value {
    match value {
        TomlValue::String(text) => Value::Text(text.value().clone()),
        TomlValue::Integer(number) => Value::Integer(*number.value()),
        TomlValue::Float(number) => Value::Float(*number.value()),
        TomlValue::Boolean(flag) => Value::Bool(*flag.value()),
        TomlValue::Datetime(date) => Value::Date(date.value().to_string()),
        TomlValue::Array(items) => Value::List(items.iter().map(|item| read_value(item, place)).collect()),
        TomlValue::InlineTable(table) => Value::Table(read_table(table, place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::find;

    fn line_and_column(text: &str, path: &[&str]) -> (usize, usize) {
        let table = parse_file(Path::new("x.toml"), text).map_err(|error| error.message).unwrap();
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let position = find(&table, &path).unwrap().place.position().unwrap();
        (position.line, position.column)
    }

    #[test]
    fn every_key_knows_its_place_however_it_was_written() {
        let text = "\u{FEFF}[dafater]\r\nurl = \"x\"\r\n[accounts.sales]\r\n  scope.linked_to = []\r\n  a = { b = 1 }\r\n";
        assert_eq!(line_and_column(text, &["dafater", "url"]), (2, 1));
        assert_eq!(line_and_column(text, &["accounts", "sales"]), (3, 11));
        assert_eq!(line_and_column(text, &["accounts"]), (3, 2));
        assert_eq!(line_and_column(text, &["accounts", "sales", "scope", "linked_to"]), (4, 9));
        assert_eq!(line_and_column(text, &["accounts", "sales", "a", "b"]), (5, 9));
    }

    #[test]
    fn a_dotted_key_is_read_with_quotes_and_nothing_may_follow_it() {
        assert_eq!(parse_key("accounts.\"a.b\".enable").unwrap(), ["accounts", "a.b", "enable"]);
        for text in ["", "a..b", "a = 1\nb", "a = 1 #", "a b", "[a]"] {
            assert!(parse_key(text).is_none(), "{text}");
        }
        assert!(parse_value("1\nw = 2", &Place::Default).is_none());
        assert!(parse_value("0123", &Place::Default).is_none());
    }
}
