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
    (google, dafater)
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
