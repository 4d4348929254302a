//! Merges sets value by value: e-mail addresses and phone numbers, with their primaries and the mobile one.

use super::{Merge, admit, listed, values_mut, values_of};
use crate::contact::{Contact, Field, Key, Value};
use crate::sync::Side;

impl Merge<'_> {
    pub(super) fn set(&mut self, field: &Field) {
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
                self.decide(field.clone(), side, listed(&before), listed(&after), reason);
            }
        }
    }

    /// What the other side removed and added since both agreed, and `to` does not say by itself: (removed, added). `None` when that is
    /// nothing, or when it waits until `to` may be written.
    pub(super) fn news_for(&mut self, to: Side, field: &Field) -> Option<(Vec<Value>, Vec<Value>)> {
        let from = to.other();
        let now = values_of(self.contact_now(from), field);
        let base = values_of(self.contact_base(from), field);
        let there = values_of(self.contact_now(to), field);
        let base_there = values_of(self.contact_base(to), field);
        let removed: Vec<Value> = base
            .iter()
            .filter(|value| !now.contains(&value.key))
            // Added there since: the newer wish is to have it.
            .filter(|value| there.contains(&value.key) && base_there.contains(&value.key))
            .cloned()
            .collect();
        let is_new = |value: &&Value| !base.contains(&value.key) && !there.contains(&value.key);
        let added: Vec<Value> = now.iter().filter(is_new).cloned().collect();
        if removed.is_empty() && added.is_empty() {
            return None;
        }
        if !self.may_write(field, to) {
            self.bar(field.clone());
            return None;
        }
        Some((removed, added))
    }

    /// Carries what the other side added and removed to `to`.
    fn carry_values(&mut self, field: &Field, to: Side) {
        let from = to.other();
        let Some((removed, added)) = self.news_for(to, field) else { return };
        for value in removed {
            values_mut(&mut self.target(to).contact, field).remove(&value.key);
        }
        for value in added {
            match admit(to, field, &value, self.rules.site) {
                Err(refusal) => self.withhold(to, field.clone(), refusal),
                Ok(mut admitted) => {
                    let is_mobile =
                        *field == Field::Phones && self.contact_now(from).mobile.as_ref() == Some(&value.key);
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
    fn primary(&mut self, field: &Field) {
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
                if self.may_write(field, to) {
                    values_mut(&mut self.target(to).contact, field).set_primary(Some(wish));
                } else {
                    self.bar(field.clone());
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

    /// Which number is the mobile one: filled where a side does not say, moved where one side moved it; of two moves the winner's.
    pub(super) fn mobile(&mut self) {
        let (google, dafater) = (self.now.google.mobile.clone(), self.now.dafater.mobile.clone());
        if google == dafater {
            return;
        }
        let is_known = self.base.google.mobile.is_some();
        let google_moved = google.is_some() && google != self.base.google.mobile;
        let dafater_moved = dafater.is_some() && dafater != self.base.dafater.mobile;
        match (google_moved, dafater_moved) {
            (true, false) if dafater.is_none() || is_known => self.carry_mobile(Side::Dafater, google),
            (false, true) => self.carry_mobile(Side::Google, dafater),
            (true, true) if is_known && self.base.dafater.mobile.is_some() => {
                match self.winner(&Field::Phones).map_or(self.rules.newer, |(side, _)| side) {
                    Side::Google => self.carry_mobile(Side::Dafater, google),
                    Side::Dafater => self.carry_mobile(Side::Google, dafater),
                }
            }
            (true | false, true | false) => {}
        }
    }

    fn carry_mobile(&mut self, to: Side, wish: Option<Key>) {
        let before = self.contact_now(to).clone();
        let Some(wish) = wish.filter(|wish| self.target(to).contact.phones.contains(wish)) else { return };
        let can_say = match to {
            Side::Dafater => true,
            // Only a number without a label may be given one; what a person chose stays.
            Side::Google => before.phones.get(&wish).is_some_and(|value| value.label.is_none()),
        };
        if !can_say {
            return;
        }
        if !self.may_write(&Field::Phones, to) {
            return self.bar(Field::Phones);
        }
        self.target(to).contact.mobile = Some(wish);
        let reason = match to {
            Side::Dafater => "the mobile number changed in Google",
            Side::Google => "the mobile number changed in Dafater",
        };
        let phones = listed(&values_of(&self.target(to).contact, &Field::Phones).clone());
        self.decide(Field::Phones, to, listed(&before.phones), phones, reason);
    }
}
