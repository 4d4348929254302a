//! Three-way merge of one contact.
//!
//! Each side is compared with its *own* base: what that side said when both last agreed. A field changed on one side goes to the
//! other; a field changed on both to different values is a conflict for the policy. Two sides that differ without having changed
//! (a withheld value, a spelling that a side rewrote) are left in peace. A first match is a merge against an empty base, so that
//! an empty side is filled and never wipes.
//!
//! Sets (e-mails, phones) merge value by value: what one side added or removed is added or removed on the other; nothing is
//! dropped that only one side touched, and a value edited on one side beats its removal on the other.
//!
//! Law: merging is symmetric in its sides, and its result depends on its arguments alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{ConflictPolicy, Side, Withheld};
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
    /// What the site can hold.
    pub site: &'a SiteRules,
    /// Conflicts that a person has decided, by field.
    pub resolutions: BTreeMap<Field, Side>,
    /// Values that Dafater stores under another key than Google: (Google's, Dafater's).
    pub aliases: &'a [(Key, Key)],
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
    let base_dafater = rekeyed(base.dafater, rules.aliases, Direction::ToGoogle);
    let now_dafater = rekeyed(now.dafater, rules.aliases, Direction::ToGoogle);
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
    for field in TextField::ALL {
        merge.text(field);
    }
    merge.set(Field::Emails);
    merge.set(Field::Phones);
    merge.mobile();
    let mut merged = merge.out;
    merged.dafater.contact = rekeyed(&merged.dafater.contact, rules.aliases, Direction::ToDafater);
    merged
}

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
    let outstanding = |field: Field| {
        merged.pending.contains(&field)
            || merged.google.fields.contains(&field) && !written(Side::Google)
            || merged.dafater.fields.contains(&field) && !written(Side::Dafater)
    };
    let translated = rekeyed(after.dafater, aliases, Direction::ToGoogle);
    let (mut google, mut dafater) = (after.google.clone(), after.dafater.clone());
    for field in TextField::ALL {
        if outstanding(Field::Text(field)) && google.text(field) != dafater.text(field) {
            copy_text(base.google, &mut google, field);
            copy_text(base.dafater, &mut dafater, field);
        }
    }
    let in_google = |field, key: &Key| values_of(after.google, field).contains(&to_google(key, aliases));
    let in_dafater = |field, key: &Key| values_of(&translated, field).contains(key);
    for field in [Field::Emails, Field::Phones] {
        if outstanding(field) {
            let set = rebased_set(values_of(base.google, field), values_of(after.google, field), |key| {
                in_dafater(field, key)
            });
            *values_mut(&mut google, field) = set;
            let set = rebased_set(values_of(base.dafater, field), values_of(after.dafater, field), |key| {
                in_google(field, key)
            });
            *values_mut(&mut dafater, field) = set;
        }
    }
    if outstanding(Field::Phones) {
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
    set.set_primary(base.primary());
    set
}

struct Merge<'a> {
    base: Both<'a>,
    now: Both<'a>,
    rules: &'a MergeRules<'a>,
    out: Merged,
}

impl Merge<'_> {
    fn may_write(&self, side: Side) -> bool {
        match side {
            Side::Google => self.rules.push,
            Side::Dafater => self.rules.pull,
        }
    }

    fn target(&mut self, side: Side) -> &mut Target {
        match side {
            Side::Google => &mut self.out.google,
            Side::Dafater => &mut self.out.dafater,
        }
    }

    fn text(&mut self, field: TextField) {
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
            (true, true) => match self.winner(Field::Text(field)) {
                Some((winner, reason)) => self.carry_text(field, winner.other(), reason),
                None => self.leave_open(field),
            },
        }
    }

    fn carry_text(&mut self, field: TextField, to: Side, reason: &'static str) {
        if !self.may_write(to) {
            self.out.pending.insert(Field::Text(field));
            return;
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
            Err(refusal) => self.withhold(to, Field::Text(field), refusal),
            Ok(text) => {
                self.decide(Field::Text(field), to, before, text.clone(), reason);
                let texts = &mut self.target(to).contact.texts;
                if text.is_empty() {
                    texts.remove(&field);
                } else {
                    // As admitted, not made canonical again: a salutation goes in the site's own spelling.
                    texts.insert(field, text);
                }
            }
        }
    }

    fn leave_open(&mut self, field: TextField) {
        let base = self.base.google.text(field);
        self.out.conflicts.push(OpenConflict {
            field: Field::Text(field),
            base: (!base.is_empty()).then(|| base.to_owned()),
            google: self.now.google.text(field).to_owned(),
            dafater: self.now.dafater.text(field).to_owned(),
        });
        self.out.pending.insert(Field::Text(field));
    }

    fn winner(&self, field: Field) -> Option<(Side, &'static str)> {
        if let Some(side) = self.rules.resolutions.get(&field) {
            return Some((*side, "changed on both sides, decided by a person"));
        }
        match self.rules.conflict {
            ConflictPolicy::Newest => {
                Some((self.rules.newer, "changed on both sides, the newer record wins"))
            }
            ConflictPolicy::Google => Some((Side::Google, "changed on both sides, Google wins by policy")),
            ConflictPolicy::Dafater => Some((Side::Dafater, "changed on both sides, Dafater wins by policy")),
            ConflictPolicy::Manual => None,
        }
    }

    fn set(&mut self, field: Field) {
        self.carry_values(field, Side::Dafater);
        self.carry_values(field, Side::Google);
        self.primary(field);
        for side in [Side::Google, Side::Dafater] {
            let before = values_of(self.contact_now(side), field).clone();
            let after = values_of(&self.target(side).contact, field).clone();
            if !before.same_content(&after) {
                let reason = match side {
                    Side::Google => "values changed in Dafater",
                    Side::Dafater => "values changed in Google",
                };
                self.decide(field, side, listed(&before), listed(&after), reason);
            }
        }
    }

    /// Carries what the other side added and removed to `to`.
    fn carry_values(&mut self, field: Field, to: Side) {
        let from = to.other();
        let now = values_of(self.contact_now(from), field).clone();
        let base = values_of(self.contact_base(from), field).clone();
        let there = values_of(self.contact_now(to), field).clone();
        let base_there = values_of(self.contact_base(to), field).clone();

        let removed: Vec<&Value> = base
            .iter()
            .filter(|value| !now.contains(&value.key))
            // Added there since: the newer wish is to have it.
            .filter(|value| there.contains(&value.key) && base_there.contains(&value.key))
            .collect();
        let added: Vec<&Value> =
            now.iter().filter(|value| !base.contains(&value.key) && !there.contains(&value.key)).collect();
        if removed.is_empty() && added.is_empty() {
            return;
        }
        if !self.may_write(to) {
            self.out.pending.insert(field);
            return;
        }
        for value in removed {
            values_mut(&mut self.target(to).contact, field).remove(&value.key);
        }
        for value in added {
            match admit(to, field, value) {
                Err(refusal) => self.withhold(to, field, refusal),
                Ok(mut admitted) => {
                    let is_mobile =
                        field == Field::Phones && self.contact_now(from).mobile.as_ref() == Some(&value.key);
                    admitted.label = match (to, is_mobile) {
                        (Side::Google, true) => Some("mobile".to_owned()),
                        (Side::Google, false) => value.label.clone(),
                        (Side::Dafater, _) => None,
                    };
                    values_mut(&mut self.target(to).contact, field).add(admitted);
                }
            }
        }
    }

    /// Google always has a primary, by position where nobody chose one; only a *move* of it is a wish. Dafater's flag is a wish.
    fn primary(&mut self, field: Field) {
        let primary = |contact: &Contact| values_of(contact, field).primary().cloned();
        let (google, dafater) = (primary(self.now.google), primary(self.now.dafater));
        let (base_google, base_dafater) = (primary(self.base.google), primary(self.base.dafater));
        let google_moved = base_google.is_some() && google.is_some() && google != base_google;
        let dafater_moved = dafater.is_some() && dafater != base_dafater;
        let to_dafater = (google_moved, google);
        let to_google = (dafater_moved, dafater);
        let (wish, to) = match (to_dafater, to_google) {
            ((true, google), (true, dafater)) if google == dafater => (google, None),
            ((true, google), (true, dafater)) => {
                match self.winner(field).map_or(self.rules.newer, |(side, _)| side) {
                    Side::Google => (google, Some(Side::Dafater)),
                    Side::Dafater => (dafater, Some(Side::Google)),
                }
            }
            ((true, google), (false, _)) => (google, Some(Side::Dafater)),
            ((false, _), (true, dafater)) => (dafater, Some(Side::Google)),
            ((false, google), (false, _)) => (google, None),
        };
        if let (Some(wish), Some(to)) = (&wish, to) {
            let target = values_of(&self.target(to).contact, field);
            if target.primary() != Some(wish) && target.contains(wish) {
                if self.may_write(to) {
                    values_mut(&mut self.target(to).contact, field).set_primary(Some(wish));
                } else {
                    self.out.pending.insert(field);
                }
            }
        }
        // A list that is written anyway gets a primary where Google knows one: otherwise the site's own field stays blank.
        let before = values_of(self.now.dafater, field);
        let after = values_mut(&mut self.out.dafater.contact, field);
        let is_written = after.len() != before.len() || !after.keys().all(|key| before.contains(key));
        if is_written && after.primary().is_none() {
            after.set_primary(wish.as_ref());
        }
    }

    /// Which number is the mobile one: filled where a side does not say, moved where one side moved it.
    fn mobile(&mut self) {
        let (google, dafater) = (self.now.google.mobile.clone(), self.now.dafater.mobile.clone());
        if google == dafater {
            return;
        }
        let google_moved = google.is_some() && google != self.base.google.mobile;
        let dafater_moved = dafater.is_some() && dafater != self.base.dafater.mobile;
        let (to, wish) = match (google_moved, dafater_moved) {
            (true, false) if dafater.is_none() || self.base.google.mobile.is_some() => {
                (Side::Dafater, google)
            }
            (false, true) => (Side::Google, dafater),
            (true | false, true | false) => return,
        };
        let before = self.contact_now(to).clone();
        let Some(wish) = wish.filter(|wish| self.target(to).contact.phones.contains(wish)) else { return };
        match to {
            Side::Dafater if !self.may_write(to) => {
                self.out.pending.insert(Field::Phones);
            }
            Side::Dafater => {
                self.out.dafater.contact.mobile = Some(wish);
                let reason = "the mobile number changed in Google";
                self.decide(Field::Phones, to, listed(&before.phones), listed(&before.phones), reason);
            }
            // Only a number without a label may be given one; what a person chose stays.
            Side::Google => {
                let is_unlabelled = before.phones.get(&wish).is_some_and(|value| value.label.is_none());
                if is_unlabelled && self.may_write(to) {
                    self.out.google.contact.mobile = Some(wish);
                    let reason = "the mobile number changed in Dafater";
                    self.decide(Field::Phones, to, listed(&before.phones), listed(&before.phones), reason);
                }
            }
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
        if self.target(to).fields.insert(field) {
            self.out.decisions.push(Decision { field, to, before, after, reason });
        }
    }

    fn withhold(&mut self, from: Side, field: Field, refusal: Refusal) {
        self.out.withheld.push(Withheld { from, field, reason: refusal.to_owned() });
    }
}

/// The value as `side` can hold it.
pub(super) fn admit(side: Side, field: Field, value: &Value) -> Result<Value, Refusal> {
    match (side, field) {
        (Side::Google, _) => GoogleRules.value(value),
        (Side::Dafater, Field::Phones) => SiteRules::phone(value),
        (Side::Dafater, Field::Emails | Field::Text(_)) => SiteRules::email(value),
    }
}

fn values_of(contact: &Contact, field: Field) -> &Values {
    match field {
        Field::Phones => &contact.phones,
        Field::Emails | Field::Text(_) => &contact.emails,
    }
}

fn values_mut(contact: &mut Contact, field: Field) -> &mut Values {
    match field {
        Field::Phones => &mut contact.phones,
        Field::Emails | Field::Text(_) => &mut contact.emails,
    }
}

/// The values as people read them, the primary first.
pub(super) fn listed(values: &Values) -> String {
    let primary = values.primary();
    let mut shown: Vec<&Value> = values.iter().collect();
    shown.sort_by_key(|value| Some(&value.key) != primary);
    shown.into_iter().map(|value| value.raw.as_str()).collect::<Vec<_>>().join(", ")
}

fn copy_text(from: &Contact, to: &mut Contact, field: TextField) {
    match from.texts.get(&field) {
        Some(text) => to.texts.insert(field, text.clone()),
        None => to.texts.remove(&field),
    };
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    ToGoogle,
    ToDafater,
}

fn to_google(key: &Key, aliases: &[(Key, Key)]) -> Key {
    aliases
        .iter()
        .find(|(_, dafater)| dafater == key)
        .map_or_else(|| key.clone(), |(google, _)| google.clone())
}

/// The contact with its keys translated into the other side's.
fn rekeyed(contact: &Contact, aliases: &[(Key, Key)], direction: Direction) -> Contact {
    if aliases.is_empty() {
        return contact.clone();
    }
    let translate = |key: &Key| match direction {
        Direction::ToGoogle => to_google(key, aliases),
        Direction::ToDafater => aliases
            .iter()
            .find(|(google, _)| google == key)
            .map_or_else(|| key.clone(), |(_, dafater)| dafater.clone()),
    };
    let set = |values: &Values| {
        let mut translated = Values::default();
        for value in values {
            translated.add(Value { key: translate(&value.key), ..value.clone() });
        }
        translated.set_primary(values.primary().map(&translate).as_ref());
        translated
    };
    Contact {
        texts: contact.texts.clone(),
        emails: set(&contact.emails),
        phones: set(&contact.phones),
        mobile: contact.mobile.as_ref().map(&translate),
    }
}
