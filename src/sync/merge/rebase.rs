//! What both sides are remembered to have said once a merge was carried out, as far as it was.

use super::aliases::{to_google, translated};
use super::{Both, Merged, values_mut, values_of};
use crate::contact::{Contact, Field, Key, TextField, Values};
use crate::sync::Side;

/// The base after a merge was carried out, as far as it was: `after` is what each side says now, `written` which side's write
/// succeeded (a side that needed none counts as written).
#[must_use]
pub fn rebase(
    base: Both<'_>,
    merged: &Merged,
    after: Both<'_>,
    written: impl Fn(Side) -> bool,
    aliases: &[(Key, Key)],
) -> (Contact, Contact) {
    let outstanding = |field: &Field| {
        merged.pending.contains(field)
            || merged.google.fields.contains(field) && !written(Side::Google)
            || merged.dafater.fields.contains(field) && !written(Side::Dafater)
    };
    let translated = translated(after.dafater, aliases);
    let (mut google, mut dafater) = (after.google.clone(), after.dafater.clone());
    for field in Contact::texts_of(&[after.google, after.dafater]) {
        if outstanding(&Field::Text(field.clone())) && google.text(&field) != dafater.text(&field) {
            copy_text(base.google, &mut google, &field);
            copy_text(base.dafater, &mut dafater, &field);
        }
    }
    let in_google =
        |field: &Field, key: &Key| values_of(after.google, field).contains(&to_google(key, aliases));
    let in_dafater = |field: &Field, key: &Key| values_of(&translated, field).contains(key);
    for field in &[Field::Emails, Field::Phones] {
        if outstanding(field) {
            let primary = |contact: &Contact| values_of(contact, field).primary().cloned();
            // Where both sides name the same one nothing is owed, whatever else is.
            let is_settled = primary(after.google) == primary(&translated);
            let rebased = |base: &Contact, after: &Contact, other_has: &dyn Fn(&Key) -> bool| {
                let (base, after) = (values_of(base, field), values_of(after, field));
                let mut set = rebased_set(base, after, other_has);
                set.set_primary(if is_settled { after.primary() } else { base.primary() });
                set
            };
            *values_mut(&mut google, field) =
                rebased(base.google, after.google, &|key| in_dafater(field, key));
            *values_mut(&mut dafater, field) =
                rebased(base.dafater, after.dafater, &|key| in_google(field, key));
        }
    }
    // A mobile number is owed to a side that names another; two that were never the same are left in peace.
    let is_left_in_peace =
        base.google.mobile.is_none() && after.google.mobile.is_some() && after.dafater.mobile.is_some();
    let is_settled = after.google.mobile == translated.mobile || is_left_in_peace;
    if outstanding(&Field::Phones) && !is_settled {
        google.mobile.clone_from(&base.google.mobile);
        dafater.mobile.clone_from(&base.dafater.mobile);
    }
    rebase_addresses(
        base,
        after,
        &translated,
        aliases,
        outstanding(&Field::Addresses),
        (&mut google, &mut dafater),
    );
    (google, dafater)
}

/// Where nobody looked, what was agreed on before still holds; what has yet to be written is not agreed on.
fn rebase_addresses(
    base: Both<'_>,
    after: Both<'_>,
    translated: &Contact,
    aliases: &[(Key, Key)],
    is_outstanding: bool,
    (google, dafater): (&mut Contact, &mut Contact),
) {
    if after.google.addresses.is_none() || after.dafater.addresses.is_none() {
        google.addresses.clone_from(&base.google.addresses);
        dafater.addresses.clone_from(&base.dafater.addresses);
    } else if is_outstanding {
        let field = &Field::Addresses;
        let in_google = |key: &Key| values_of(after.google, field).contains(&to_google(key, aliases));
        let in_dafater = |key: &Key| values_of(translated, field).contains(key);
        let rebased = |base: &Contact, after: &Contact, other_has: &dyn Fn(&Key) -> bool| {
            let base = values_of(base, field);
            let set = rebased_set(base, values_of(after, field), other_has);
            let mut labelled = Values::default();
            // A label that changed since may be owed as well.
            set.iter().for_each(|value| labelled.add(base.get(&value.key).unwrap_or(value).clone()));
            Some(labelled)
        };
        google.addresses = rebased(base.google, after.google, &in_dafater);
        dafater.addresses = rebased(base.dafater, after.dafater, &in_google);
    }
}

/// The base of a set whose changes are not all carried yet, value by value: where both sides agree, as they are; else as before.
fn rebased_set(base: &Values, after: &Values, other_has: impl Fn(&Key) -> bool) -> Values {
    let mut set = Values::default();
    for value in after.iter().filter(|value| other_has(&value.key) || base.contains(&value.key)) {
        set.add(value.clone());
    }
    // Removed here, still there: the removal is owed.
    for value in base.iter().filter(|value| !after.contains(&value.key) && other_has(&value.key)) {
        set.add(value.clone());
    }
    set
}

pub(super) fn copy_text(from: &Contact, to: &mut Contact, field: &TextField) {
    match from.texts.get(field) {
        Some(text) => to.texts.insert(field.clone(), text.clone()),
        None => to.texts.remove(field),
    };
}
