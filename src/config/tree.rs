//! Settings before they have types: tables, values, and the place of each key.

use std::collections::BTreeMap;
use std::fmt;

use figment::value::{Dict, Value as FigmentValue};

use super::place::Place;

/// A table: its keys, each with its place.
pub(super) type Table = BTreeMap<String, Entry>;

/// A key with its value.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    /// Where the key stands.
    pub(super) place: Place,
    /// Its value.
    pub(super) value: Value,
}

/// A value of a type that TOML knows. It has no `Debug`, because it may hold a secret.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Date(String),
    List(Vec<Value>),
    Table(Table),
}

impl Value {
    /// What the value is, in an operator's words.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Bool(_) => "true or false",
            Self::Date(_) => "a date or a time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// Whether the value is a list of tables, as double brackets make them.
    pub(super) fn is_list_of_tables(&self) -> bool {
        let tables = |items: &[Self]| !items.is_empty() && items.iter().all(|item| item.as_table().is_some());
        matches!(self, Self::List(items) if tables(items))
    }

    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The table, if it is one.
    pub(super) fn as_table(&self) -> Option<&Table> {
        if let Self::Table(table) = self { Some(table) } else { None }
    }

    /// The value for figment, without its places.
    pub(super) fn to_figment(&self) -> FigmentValue {
        match self {
            Self::Text(text) | Self::Date(text) => text.clone().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Bool(flag) => (*flag).into(),
            Self::List(items) => items.iter().map(Self::to_figment).collect::<Vec<_>>().into(),
            Self::Table(table) => to_dict(table).into(),
        }
    }

    /// The value in JSON, without its places.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) | Self::Date(text) => text.clone().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Bool(flag) => (*flag).into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Table(table) => {
                table.iter().map(|(key, entry)| (key.clone(), entry.value.to_json())).collect()
            }
        }
    }
}

/// The value as TOML on one line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Date(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Table(table) if table.is_empty() => f.write_str("{}"),
            Self::Table(table) => {
                f.write_str("{ ")?;
                for (index, (key, entry)) in table.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{} = {}", written_key(key), entry.value)?;
                }
                f.write_str(" }")
            }
        }
    }
}

/// The table for figment.
pub(super) fn to_dict(table: &Table) -> Dict {
    table.iter().map(|(key, entry)| (key.clone(), entry.value.to_figment())).collect()
}

/// The entry at `path`.
pub(super) fn find<'a>(table: &'a Table, path: &[String]) -> Option<&'a Entry> {
    let (first, rest) = path.split_first()?;
    let entry = table.get(first)?;
    if rest.is_empty() { Some(entry) } else { find(entry.value.as_table()?, rest) }
}

/// Every key that holds no table, with its path.
pub(super) fn leaves(table: &Table) -> Vec<(KeyPath, &Entry)> {
    fn collect<'a>(table: &'a Table, above: &KeyPath, found: &mut Vec<(KeyPath, &'a Entry)>) {
        for (name, entry) in table {
            let path = above.join(name);
            match entry.value.as_table() {
                Some(inner) => collect(inner, &path, found),
                None => found.push((path, entry)),
            }
        }
    }
    let mut found = Vec::new();
    collect(table, &KeyPath::default(), &mut found);
    found
}

/// `over` laid over `under`: tables merge, everything else is replaced.
pub(super) fn overlay(under: &Table, over: &Table) -> Table {
    let mut merged = under.clone();
    for (key, entry) in over {
        let value = match (under.get(key).map(|below| &below.value), &entry.value) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(overlay(below, above)),
            _ => entry.value.clone(),
        };
        merged.insert(key.clone(), Entry { place: entry.place.clone(), value });
    }
    merged
}

/// The names that lead to a key: `accounts`, `sales`, `schedule`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// The path of the names.
    pub fn new<Name: Into<String>>(names: impl IntoIterator<Item = Name>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The path of `name` below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// The names, outermost first.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The table with its brackets, as it heads a part of a file.
    pub(super) fn heading(&self) -> String {
        format!("[{self}]")
    }

    /// Where the key stands, for the end of a clause: ` in [accounts.sales]`; nothing for the top level.
    pub(super) fn within(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!(" in {}", self.heading()) }
    }
}

/// Dotted, as TOML writes it.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(&written_key(name))?;
        }
        Ok(())
    }
}

impl serde::Serialize for KeyPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn written_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        toml::Value::String(name.to_owned()).to_string()
    }
}
