//! The tables of a configuration, in the order of the manual.

use super::place::Place;
use super::schema::{Key, Need, Section};
use super::settings::{Account, Control, Dafater, Google, History, Log, Store};
use super::tree::{Entry, Table, Value};

/// The sections that stand once.
pub(super) const SECTIONS: &[Section] =
    &[Dafater::SECTION, Google::SECTION, Store::SECTION, Log::SECTION, Control::SECTION, History::SECTION];

/// The table of what holds for all accounts.
pub(super) const DEFAULTS: &str = "defaults";
/// The table of the accounts.
pub(super) const ACCOUNTS: &str = Account::SECTION.name;

/// Every table of the top level.
pub(super) fn table_names() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().map(|section| section.name).chain([DEFAULTS, ACCOUNTS])
}

/// The keys of an account.
pub(super) const fn account_keys() -> &'static [Key] {
    Account::SECTION.keys
}

/// Whether each account sets it on its own.
pub(super) fn is_own(key: &Key) -> bool {
    matches!(key.need, Need::Identity(_) | Need::Own(_))
}

/// The keys of `[defaults]`: those of an account but the ones that tell accounts apart.
pub(super) fn default_keys() -> impl Iterator<Item = &'static Key> {
    account_keys().iter().filter(|key| !is_own(key))
}

/// The description of the key at `path`, if there is such a key.
pub(super) fn key_at(path: &[String]) -> Option<&'static Key> {
    let (table, rest) = path.split_first()?;
    match table.as_str() {
        DEFAULTS => key_in(default_keys(), rest),
        ACCOUNTS => key_in(account_keys(), rest.get(1..)?),
        name => key_in(SECTIONS.iter().find(|section| section.name == name)?.keys, rest),
    }
}

fn key_in(keys: impl IntoIterator<Item = &'static Key>, path: &[String]) -> Option<&'static Key> {
    let (name, rest) = path.split_first()?;
    let key = keys.into_iter().find(|key| key.name == name)?;
    match (rest.is_empty(), key.kind) {
        (true, _) => Some(key),
        (false, super::kind::Kind::Table(inner)) => key_in(inner, rest),
        (false, super::kind::Kind::Texts) if rest.len() == 1 => Some(&TEXT),
        (false, _) => None,
    }
}

/// An entry of a table of texts.
static TEXT: Key = Key {
    name: "",
    about: &[],
    kind: super::kind::Kind::Text,
    need: Need::Optional("\"\""),
    applies: super::schema::Applies::Reload,
    conditions: "",
};

/// The compiled-in defaults, as the lowest layer; those of the accounts stand in `[defaults]`.
pub(super) fn compiled_in() -> Table {
    let table = |keys: &mut dyn Iterator<Item = &'static Key>| {
        let defaults = keys.filter_map(|key| match key.need {
            Need::Default(toml) => {
                Some(entry(key.name, super::document::parse_value(toml, &Place::Default)?))
            }
            Need::Required(_) | Need::Identity(_) | Need::Own(_) | Need::Usual(_) | Need::Optional(_) => None,
        });
        Value::Table(defaults.collect())
    };
    SECTIONS
        .iter()
        .map(|section| entry(section.name, table(&mut section.keys.iter())))
        .chain([entry(DEFAULTS, table(&mut default_keys())), entry(ACCOUNTS, Value::Table(Table::new()))])
        .collect()
}

fn entry(name: &str, value: Value) -> (String, Entry) {
    (name.to_owned(), Entry { place: Place::Default, value })
}
