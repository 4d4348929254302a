//! A set of values with an order and, perhaps, a primary one.

use serde::{Deserialize, Serialize};

use super::Key;

/// One e-mail address, phone number or postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// Canonical identity.
    pub key: Key,
    /// The side's own spelling.
    pub raw: String,
    /// The side's label ("work", "mobile", custom text), if it has one. Labels travel with a new value; they are not compared.
    pub label: Option<String>,
}

impl Value {
    /// The value as people read it, in one line.
    #[must_use]
    pub fn shown(&self) -> String {
        let lines = self.raw.split('\n').map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(", ")
    }
}

/// Values of one field; keys are unique, the first spelling of a key stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    items: Vec<Value>,
    primary: Option<Key>,
}

impl Values {
    /// Adds `value` at the end unless its key is there already.
    pub fn add(&mut self, value: Value) {
        if !self.contains(&value.key) {
            self.items.push(value);
        }
    }

    /// Removes the value of `key`; a primary that pointed to it is dropped.
    pub fn remove(&mut self, key: &Key) {
        self.items.retain(|item| item.key != *key);
        if self.primary.as_ref() == Some(key) {
            self.primary = None;
        }
    }

    /// Marks the value of `key` as primary; a key that is not there clears the mark.
    pub fn set_primary(&mut self, key: Option<&Key>) {
        self.primary = key.filter(|key| self.contains(key)).cloned();
    }

    /// No values at all.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: Values = Values { items: Vec::new(), primary: None };
        &NONE
    }

    /// Gives the value of `key` another label.
    pub fn relabel(&mut self, key: &Key, label: &str) {
        if let Some(value) = self.items.iter_mut().find(|item| item.key == *key) {
            value.label = Some(label.to_owned());
        }
    }

    /// The primary value's key.
    #[must_use]
    pub fn primary(&self) -> Option<&Key> {
        self.primary.as_ref()
    }

    /// Whether a value of `key` is there.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        self.items.iter().any(|item| item.key == *key)
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.items.iter().find(|item| item.key == *key)
    }

    /// All values in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.items.iter()
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.items.iter().map(|item| &item.key)
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether both hold the same keys and the same primary; order, spelling and labels do not count.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.primary == other.primary && self.same_keys(other)
    }

    /// Whether both hold the same keys.
    #[must_use]
    pub fn same_keys(&self, other: &Self) -> bool {
        self.len() == other.len() && self.keys().all(|key| other.contains(key))
    }
}

impl<'a> IntoIterator for &'a Values {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
