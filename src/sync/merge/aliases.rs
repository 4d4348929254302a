//! Values that one side stores under another key than the other.

use crate::contact::{Contact, Key, Value, Values};

/// Google's key of a value that Dafater stores under `key`.
pub(super) fn to_google(key: &Key, aliases: &[(Key, Key)]) -> Key {
    aliases
        .iter()
        .find(|(_, dafater)| dafater == key)
        .map_or_else(|| key.clone(), |(google, _)| google.clone())
}

/// Dafater's contact in Google's keys.
pub(super) fn translated(contact: &Contact, aliases: &[(Key, Key)]) -> Contact {
    if aliases.is_empty() {
        return contact.clone();
    }
    let set = |values: &Values| {
        let mut translated = Values::default();
        for value in values {
            translated.add(Value { key: to_google(&value.key, aliases), ..value.clone() });
        }
        translated.set_primary(values.primary().map(|key| to_google(key, aliases)).as_ref());
        translated
    };
    Contact {
        texts: contact.texts.clone(),
        emails: set(&contact.emails),
        phones: set(&contact.phones),
        mobile: contact.mobile.as_ref().map(|key| to_google(key, aliases)),
        addresses: contact.addresses.as_ref().map(set),
    }
}

/// `merged`, which is in Google's keys, in those of Dafater's contact `now`.
///
/// A document may hold two values that are one to Google: both stay as long as that one does.
pub(super) fn restored(merged: &Contact, now: &Contact, aliases: &[(Key, Key)]) -> Contact {
    if aliases.is_empty() {
        return merged.clone();
    }
    Contact {
        texts: merged.texts.clone(),
        emails: restored_set(&merged.emails, &now.emails, aliases),
        phones: restored_set(&merged.phones, &now.phones, aliases),
        mobile: merged.mobile.as_ref().map(|key| own_key(key, now.mobile.as_ref(), &now.phones, aliases)),
        addresses: merged.addresses.as_ref().map(|addresses| {
            let now = now.addresses.as_ref().unwrap_or_else(|| Values::none());
            relabelled(restored_set(addresses, now, aliases), addresses, aliases)
        }),
    }
}

/// `own` with the labels that `merged` gives the same values.
fn relabelled(mut own: Values, merged: &Values, aliases: &[(Key, Key)]) -> Values {
    for key in own.keys().cloned().collect::<Vec<_>>() {
        if let Some(label) = merged.get(&to_google(&key, aliases)).and_then(|value| value.label.clone()) {
            own.relabel(&key, &label);
        }
    }
    own
}

fn restored_set(merged: &Values, now: &Values, aliases: &[(Key, Key)]) -> Values {
    let mut set = Values::default();
    for value in now.iter().filter(|value| merged.contains(&to_google(&value.key, aliases))) {
        set.add(value.clone());
    }
    for value in merged {
        if !now.keys().any(|key| to_google(key, aliases) == value.key) {
            set.add(value.clone());
        }
    }
    let primary = merged.primary().map(|key| own_key(key, now.primary(), now, aliases));
    set.set_primary(primary.as_ref());
    set
}

/// The key under which Dafater holds Google's `key`: the `marked` one if it is that, else the first that is.
fn own_key(key: &Key, marked: Option<&Key>, now: &Values, aliases: &[(Key, Key)]) -> Key {
    let is_it = |own: &&Key| to_google(own, aliases) == *key;
    marked.filter(is_it).or_else(|| now.keys().find(is_it)).unwrap_or(key).clone()
}
