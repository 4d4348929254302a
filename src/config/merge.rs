//! Lays the layers over one another, and keeps for each key the place that won.
//!
//! Tables merge; everything else, lists too, is replaced. `figment` does both, the merging and the telling of origins; the
//! layer's own tree then knows the line.

use figment::value::{Dict, Map, Value as FigmentValue};
use figment::{Figment, Metadata, Profile, Provider};

use super::layers::Layer;
use super::layout::{ACCOUNTS, DEFAULTS, account_keys, default_keys};
use super::tree::{Entry, KeyPath, Table, Value, find, overlay, to_dict};

/// The settings that hold, before `[defaults]` is laid under each account.
pub(super) fn merge(layers: &[Layer]) -> Table {
    let figment = layers
        .iter()
        .enumerate()
        .fold(Figment::new(), |figment, (number, layer)| figment.merge(Numbered { number, layer }));
    let merged = figment.data().ok().and_then(|mut profiles| profiles.remove(&Profile::Default));
    restore(&merged.unwrap_or_default(), &figment, layers, &KeyPath::default())
}

/// The settings that hold, with each account completed from `[defaults]`.
pub(super) fn complete_accounts(merged: &Table) -> Table {
    let mut complete = merged.clone();
    let mut defaults =
        merged.get(DEFAULTS).and_then(|entry| entry.value.as_table()).cloned().unwrap_or_default();
    // What each account sets on its own is wrong there, and gives no account anything.
    defaults.retain(|name, _| default_keys().any(|key| key.name == name) || !is_account_key(name));
    if let Some(Entry { value: Value::Table(accounts), .. }) = complete.get_mut(ACCOUNTS) {
        for account in accounts.values_mut() {
            if let Value::Table(own) = &account.value {
                account.value = Value::Table(overlay(&defaults, own));
            }
        }
    }
    complete
}

fn is_account_key(name: &str) -> bool {
    account_keys().iter().any(|key| key.name == name)
}

/// A layer as figment wants it, marked with its number.
struct Numbered<'a> {
    number: usize,
    layer: &'a Layer,
}

impl Provider for Numbered<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named("layer").source(figment::Source::Custom(self.number.to_string()))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(to_dict(&self.layer.table)))
    }
}

/// The merged tree with the places that figment's tags lead to.
fn restore(dict: &Dict, figment: &Figment, layers: &[Layer], above: &KeyPath) -> Table {
    let entry = |name: &String, value: &FigmentValue| {
        let path = above.join(name);
        let number: usize = figment.get_metadata(value.tag())?.source.as_ref()?.custom()?.parse().ok()?;
        let source = find(&layers.get(number)?.table, path.names())?;
        let value = match value.as_dict() {
            Some(inner) => Value::Table(restore(inner, figment, layers, &path)),
            None => source.value.clone(),
        };
        Some((name.clone(), Entry { place: source.place.clone(), value }))
    };
    dict.iter().filter_map(|(name, value)| entry(name, value)).collect()
}
