//! Three-way merge of one contact.
//!
//! Each side is compared with its *own* base: what that side said when both last agreed. A field changed on one side goes to the
//! other; a field changed on both to different values is a conflict for the policy. Two sides that differ without having changed
//! (a withheld value, a spelling that a side rewrote) are left in peace. A first match is a merge against an empty base, so that
//! an empty side is filled and never wipes.
//!
//! Sets (e-mails, phones, addresses) merge value by value: what one side added or removed is added or removed on the other; nothing is
//! dropped that only one side touched, and a value edited on one side beats its removal on the other.
//!
//! Law: merging is symmetric in its sides, and its result depends on its arguments alone.

mod addresses;
mod aliases;
mod rebase;
mod sets;

use std::collections::{BTreeMap, BTreeSet};

pub use self::rebase::rebase;
use super::{ConflictPolicy, FieldRules, Side, Withheld};
use crate::contact::{Contact, Field, Key, TextField, Value, Values};
use crate::mapping::{GoogleRules, Refusal, SiteRules};

/// What a merge needs to know beside the contacts.
#[derive(Debug, Clone)]
pub struct MergeRules<'a> {
    /// Who wins a conflict.
    pub conflict: ConflictPolicy,
    /// The side whose record was changed last, each by its own clock.
    pub newer: Side,
    /// Whether Dafater may be written.
    pub pull: bool,
    /// Whether Google may be written.
    pub push: bool,
    /// What is decided for single fields.
    pub fields: FieldRules,
    /// What the site can hold.
    pub site: &'a SiteRules,
    /// Conflicts that a person has decided, by field.
    pub resolutions: BTreeMap<Field, Side>,
    /// Values that Dafater stores under another key than Google: (Google's, Dafater's).
    pub aliases: &'a [(Key, Key)],
    /// Addresses in Dafater that belong to others as well, in Dafater's keys: nothing is done to them from Google.
    pub shared: BTreeSet<Key>,
}

/// What a contact becomes on each side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// Google's record after the merge.
    pub google: Target,
    /// Dafater's record after the merge, in Dafater's keys.
    pub dafater: Target,
    /// What was decided, field by field.
    pub decisions: Vec<Decision>,
    /// Conflicts that wait for a person.
    pub conflicts: Vec<OpenConflict>,
    /// What a side cannot hold.
    pub withheld: Vec<Withheld>,
    /// Fields whose change could not be carried now: their base must stay as it is.
    pub pending: BTreeSet<Field>,
    /// Values that met here for the first time and are the same, though their keys differ: (Google's, Dafater's).
    pub aliases: Vec<(Key, Key)>,
}

/// One side after the merge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// The whole contact.
    pub contact: Contact,
    /// The fields that must be written.
    pub fields: BTreeSet<Field>,
}

/// One field carried to one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The field.
    pub field: Field,
    /// The side that is written.
    pub to: Side,
    /// What it said.
    pub before: String,
    /// What it will say.
    pub after: String,
    /// Why, as a clause.
    pub reason: &'static str,
}

/// A conflict that no policy may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConflict {
    /// The field.
    pub field: Field,
    /// What both last agreed on.
    pub base: Option<String>,
    /// Google's value.
    pub google: String,
    /// Dafater's value.
    pub dafater: String,
}

/// Both sides at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Both<'a> {
    /// Google's contact.
    pub google: &'a Contact,
    /// Dafater's contact.
    pub dafater: &'a Contact,
}

/// Merges `now` against `base`.
#[must_use]
pub fn merge(base: Both<'_>, now: Both<'_>, rules: &MergeRules<'_>) -> Merged {
    let met = addresses::met(base, now, rules.aliases);
    let aliases = [rules.aliases, met.as_slice()].concat();
    let base_dafater = aliases::translated(base.dafater, &aliases);
    let now_dafater = aliases::translated(now.dafater, &aliases);
    let mut merge = Merge {
        base: Both { google: base.google, dafater: &base_dafater },
        now: Both { google: now.google, dafater: &now_dafater },
        rules,
        out: Merged {
            google: Target { contact: now.google.clone(), ..Target::default() },
            dafater: Target { contact: now_dafater.clone(), ..Target::default() },
            ..Merged::default()
        },
    };
    let said = Contact::texts_of(&[now.google, &now_dafater]);
    for field in &said {
        merge.text(field);
    }
    merge.fit_name();
    merge.set(&Field::Emails);
    merge.set(&Field::Phones);
    merge.mobile();
    let shared = rules.shared.iter().map(|key| aliases::to_google(key, &aliases)).collect();
    merge.addresses(&shared);
    let mut merged = merge.out;
    merged.dafater.contact = aliases::restored(&merged.dafater.contact, now.dafater, &aliases);
    merged.aliases = met;
    merged
}

struct Merge<'a> {
    base: Both<'a>,
    now: Both<'a>,
    rules: &'a MergeRules<'a>,
    out: Merged,
}

impl Merge<'_> {
    fn may_write(&self, field: &Field, side: Side) -> bool {
        let is_on = match side {
            Side::Google => self.rules.push,
            Side::Dafater => self.rules.pull,
        };
        is_on && self.rules.fields.may_go(field, side)
    }

    fn target(&mut self, side: Side) -> &mut Target {
        match side {
            Side::Google => &mut self.out.google,
            Side::Dafater => &mut self.out.dafater,
        }
    }

    fn text(&mut self, field: &TextField) {
        let (google, dafater) = (self.now.google.text(field), self.now.dafater.text(field));
        if google == dafater {
            return;
        }
        let google_changed = google != self.base.google.text(field);
        let dafater_changed = dafater != self.base.dafater.text(field);
        match (google_changed, dafater_changed) {
            (false, false) => {}
            (true, false) => self.carry_text(field, Side::Dafater, "changed in Google, unchanged in Dafater"),
            (false, true) => self.carry_text(field, Side::Google, "changed in Dafater, unchanged in Google"),
            (true, true) => match self.winner(&Field::Text(field.clone())) {
                Some((winner, reason)) => self.carry_text(field, winner.other(), reason),
                None => self.leave_open(field),
            },
        }
    }

    fn carry_text(&mut self, field: &TextField, to: Side, reason: &'static str) {
        if !self.may_write(&Field::Text(field.clone()), to) {
            return self.bar(Field::Text(field.clone()));
        }
        let (value, before) = match to {
            Side::Google => (self.now.dafater.text(field), self.now.google.text(field)),
            Side::Dafater => (self.now.google.text(field), self.now.dafater.text(field)),
        };
        let before = before.to_owned();
        let admitted = match to {
            Side::Google => GoogleRules.text(field, value),
            Side::Dafater => self.rules.site.text(field, value),
        };
        match admitted {
            Err(refusal) => self.withhold(to, Field::Text(field.clone()), refusal),
            // As the other side can hold it, it is there already.
            Ok(text) if text == before => {}
            Ok(text) => {
                self.decide(Field::Text(field.clone()), to, before, text.clone(), reason);
                let texts = &mut self.target(to).contact.texts;
                if text.is_empty() {
                    texts.remove(field);
                } else {
                    // As admitted, not made canonical again: a salutation goes in the site's own spelling.
                    texts.insert(field.clone(), text);
                }
            }
        }
    }

    /// A name whose parts fit but which is too long as a whole keeps the parts that it had.
    fn fit_name(&mut self) {
        for part in [TextField::Middle, TextField::Family, TextField::Given] {
            let Err(refusal) = SiteRules::name(&self.out.dafater.contact) else { return };
            let field = Field::Text(part.clone());
            if self.out.dafater.fields.remove(&field) {
                self.out.decisions.retain(|decision| decision.field != field || decision.to != Side::Dafater);
                rebase::copy_text(self.now.dafater, &mut self.out.dafater.contact, &part);
                self.withhold(Side::Dafater, field, refusal);
            }
        }
    }

    fn leave_open(&mut self, field: &TextField) {
        let base = self.base.google.text(field);
        self.out.conflicts.push(OpenConflict {
            field: Field::Text(field.clone()),
            base: (!base.is_empty()).then(|| base.to_owned()),
            google: self.now.google.text(field).to_owned(),
            dafater: self.now.dafater.text(field).to_owned(),
        });
        self.out.pending.insert(Field::Text(field.clone()));
    }

    /// Something waits until its side may be written.
    fn bar(&mut self, field: Field) {
        self.out.pending.insert(field);
    }

    fn winner(&self, field: &Field) -> Option<(Side, &'static str)> {
        if let Some(side) = self.rules.resolutions.get(field) {
            return Some((*side, "changed on both sides, decided by a person"));
        }
        match self.rules.fields.wins(field).unwrap_or(self.rules.conflict) {
            ConflictPolicy::Newest => {
                Some((self.rules.newer, "changed on both sides, the newer record wins"))
            }
            ConflictPolicy::Google => Some((Side::Google, "changed on both sides, Google wins by policy")),
            ConflictPolicy::Dafater => Some((Side::Dafater, "changed on both sides, Dafater wins by policy")),
            ConflictPolicy::Manual => None,
        }
    }

    fn contact_now(&self, side: Side) -> &Contact {
        match side {
            Side::Google => self.now.google,
            Side::Dafater => self.now.dafater,
        }
    }

    fn contact_base(&self, side: Side) -> &Contact {
        match side {
            Side::Google => self.base.google,
            Side::Dafater => self.base.dafater,
        }
    }

    fn decide(&mut self, field: Field, to: Side, before: String, after: String, reason: &'static str) {
        if self.target(to).fields.insert(field.clone()) {
            self.out.decisions.push(Decision { field, to, before, after, reason });
        }
    }

    fn withhold(&mut self, from: Side, field: Field, refusal: Refusal) {
        self.out.withheld.push(Withheld { from, field, reason: refusal.to_owned() });
    }
}

/// The value as the side `to` which it goes can hold it.
pub(super) fn admit(to: Side, field: &Field, value: &Value, site: &SiteRules) -> Result<Value, Refusal> {
    match (to, field) {
        (Side::Google, Field::Addresses) => GoogleRules.address(value),
        (Side::Google, _) => GoogleRules.value(value),
        (Side::Dafater, Field::Addresses) => site.address(value),
        (Side::Dafater, Field::Phones) => SiteRules::phone(value),
        (Side::Dafater, Field::Emails | Field::Text(_)) => SiteRules::email(value),
    }
}

pub(super) fn values_of<'c>(contact: &'c Contact, field: &Field) -> &'c Values {
    match field {
        Field::Phones => &contact.phones,
        Field::Addresses => contact.addresses.as_ref().unwrap_or_else(|| Values::none()),
        Field::Emails | Field::Text(_) => &contact.emails,
    }
}

pub(super) fn values_mut<'c>(contact: &'c mut Contact, field: &Field) -> &'c mut Values {
    match field {
        Field::Phones => &mut contact.phones,
        Field::Addresses => contact.addresses.get_or_insert_default(),
        Field::Emails | Field::Text(_) => &mut contact.emails,
    }
}

/// The values as people read them, the primary first.
pub(super) fn listed(values: &Values) -> String {
    let primary = values.primary();
    let mut shown: Vec<&Value> = values.iter().collect();
    shown.sort_by_key(|value| Some(&value.key) != primary);
    // An address has commas of its own.
    let between = if shown.iter().any(|value| value.raw.contains('\n')) { "; " } else { ", " };
    shown.into_iter().map(Value::shown).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests;
