//! Writes whose receipt was lost: what a record shows tells whether the write happened.
//!
//! Without this, our own write would look like somebody's edit after a crash: it would beat a deletion, or win over a true edit.

use super::{Pair, Side};
use crate::contact::{Contact, Field, Values};

/// Moves the base of `pair` to what was `sent` to `side`, field by field, as far as the record says just that `now`.
pub fn acknowledge(pair: &mut Pair, side: Side, sent: &Contact, now: &Contact) {
    if !pair.aliases.is_empty() {
        // The halves have different keys: the next merge finds out by itself, at worst with a needless conflict.
        return;
    }
    let base = match side {
        Side::Google => pair.google.contact.clone(),
        Side::Dafater => pair.dafater.contact.clone(),
    };
    for half in [&mut pair.google.contact, &mut pair.dafater.contact] {
        for field in Field::all() {
            match field {
                Field::Text(text) => {
                    if now.text(text) == sent.text(text) && base.text(text) != sent.text(text) {
                        half.set_text(text, sent.text(text));
                    }
                }
                Field::Emails => follow(&mut half.emails, &base.emails, &sent.emails, &now.emails),
                Field::Phones => {
                    follow(&mut half.phones, &base.phones, &sent.phones, &now.phones);
                    if says_just(&now.phones, &sent.phones) && now.mobile != base.mobile {
                        half.mobile.clone_from(&now.mobile);
                    }
                }
            }
        }
    }
}

fn says_just(now: &Values, sent: &Values) -> bool {
    now.len() == sent.len() && sent.keys().all(|key| now.contains(key))
}

/// Adds to and removes from `half` what the write added and removed, if `now` shows that it did.
fn follow(half: &mut Values, base: &Values, sent: &Values, now: &Values) {
    if !says_just(now, sent) {
        return;
    }
    for value in sent.iter().filter(|value| !base.contains(&value.key)) {
        half.add(value.clone());
    }
    for gone in base.keys().filter(|key| !sent.contains(key)) {
        half.remove(gone);
    }
    if sent.primary() != base.primary() && sent.primary().is_some() {
        half.set_primary(sent.primary());
    }
}
