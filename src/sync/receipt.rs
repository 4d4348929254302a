//! From the effects of a step to the base it made.
//!
//! Law: pure. What is remembered depends on the step and on what the records say now, never on how they were written.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::contact::{Contact, Field, Key, Value, Values, plain_digits};
use crate::mapping::{Document, Etag, Mapping, Person, SiteStamp};

use super::merge::{values_mut, values_of};
use super::{
    Action, AddressStamp, Both, DafaterBase, GoogleBase, Loose, LooseReason, Merged, Origin, Pair, RecordId,
    Side, Step, Withheld, rebase,
};

/// Revisions that are remembered as replaced by our own writes.
const SUPERSEDED_KEPT: usize = 4;

/// Records as the writes of a step left them; a side that was not written is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written<'a> {
    /// Google's record.
    pub google: Option<&'a Person>,
    /// Dafater's record.
    pub dafater: Option<&'a Document>,
}

/// What both sides agree on once a write has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// What Google's record says then.
    pub google: Contact,
    /// What Dafater's record says then.
    pub dafater: Contact,
}

impl Promise {
    /// Makes the base of `pair` what was promised, in each field in which the record of `side`, which was written, shows it `now`:
    /// what it says there is our own write, even if nobody noted that it arrived. `was` is what it said before that, if that is known.
    /// Returns whether anything was kept.
    pub fn redeem(&self, pair: &mut Pair, side: Side, was: Option<&Contact>, now: &Contact) -> bool {
        self.redeem_base(&mut pair.google.contact, &mut pair.dafater.contact, side, (was, now))
    }

    /// What was agreed on since, in fields that the write did not touch, holds for what it promised, too: else it would be taken back when
    /// the write is found to have arrived.
    pub fn follow(&mut self, before: &Pair, now: &Pair) {
        let (was, is) =
            ((&before.google.contact, &before.dafater.contact), (&now.google.contact, &now.dafater.contact));
        for field in &Field::of(&[was.0, was.1, is.0, is.1, &self.google, &self.dafater]) {
            if self.google.agrees_on(field, was.0) && self.dafater.agrees_on(field, was.1) {
                self.google.take(field, is.0);
                self.dafater.take(field, is.1);
            }
        }
    }

    /// Whether the record of `side` says `now` just what was written into it, as far as that came.
    #[must_use]
    pub fn is_kept(&self, side: Side, now: &Contact) -> bool {
        let promised = match side {
            Side::Google => &self.google,
            Side::Dafater => &self.dafater,
        };
        let is_kept = |field: &Field| match (field, side) {
            // Those of a document are written after it, one by one.
            (Field::Addresses, Side::Dafater) => now.has_addresses_among(promised),
            // Where nobody looked, addresses tell nothing.
            (Field::Addresses, Side::Google) => now.agrees_on(field, promised),
            (Field::Text(_) | Field::Emails | Field::Phones, _) => is_shown(field, promised, now),
        };
        Field::of(&[promised, now]).iter().all(is_kept)
    }

    /// Whether the record of `side` says `now` anything that the write was to make of what it said before.
    #[must_use]
    pub fn has_arrived(&self, side: Side, was: &Contact, now: &Contact) -> bool {
        let promised = match side {
            Side::Google => &self.google,
            Side::Dafater => &self.dafater,
        };
        let is_news = |field: &Field| !was.agrees_on(field, promised) && is_shown(field, promised, now);
        Field::of(&[promised, was]).iter().any(is_news)
    }

    /// As [`redeem`](Self::redeem), for a base that is not a pair's yet.
    pub(super) fn redeem_base(
        &self,
        google: &mut Contact,
        dafater: &mut Contact,
        side: Side,
        (was, now): (Option<&Contact>, &Contact),
    ) -> bool {
        let mut is_kept = false;
        let nothing = Contact { addresses: Some(Values::default()), ..Contact::default() };
        let (google_before, dafater_before) = (google.clone(), dafater.clone());
        let before = Both { google: &google_before, dafater: &dafater_before };
        for field in &Field::of(&[&self.google, &self.dafater, google, dafater, now]) {
            let (in_google, in_dafater) = ((&self.google, &*google), (&self.dafater, &*dafater));
            let ((promised, base), (other_promised, other_base)) = match side {
                Side::Google => (in_google, in_dafater),
                Side::Dafater => (in_dafater, in_google),
            };
            // What the other side could not hold was never carried: it is found out, and noted, once more.
            // So is what this side could not hold: the write left the field as it was, so that this shows, arrived or not.
            let is_left = was.is_some_and(|was| was.agrees_on(field, promised));
            let is_withheld = matches!(field, Field::Text(_))
                && !promised.agrees_on(field, other_promised)
                && (is_left || other_base.agrees_on(field, other_promised));
            let is_shown = is_shown(field, promised, now);
            // Addresses that nobody had looked at are agreed on by being written.
            let is_new = *field == Field::Addresses && base.addresses.is_none();
            // Those of a new document come after it, one by one.
            let is_one_by_one = *field == Field::Addresses && side == Side::Dafater;
            if is_shown && !is_withheld && (is_new || !base.agrees_on(field, promised)) {
                google.take(field, &self.google);
                dafater.take(field, &self.dafater);
                leave_out_uncarried(field, google, dafater, before);
                let written = match side {
                    Side::Google => &mut *google,
                    Side::Dafater => &mut *dafater,
                };
                match field {
                    Field::Text(_) | Field::Addresses => {}
                    Field::Emails => written.emails.set_primary(now.emails.primary()),
                    Field::Phones => {
                        written.phones.set_primary(now.phones.primary());
                        written.mobile.clone_from(&now.mobile);
                    }
                }
                is_kept = true;
            } else if let Some(was) = was.or(is_one_by_one.then_some(&nothing)) {
                let both = (&mut *google, &mut *dafater);
                is_kept |= take_arrived(field, both, (promised, other_promised), (was, now), side);
            }
        }
        if is_kept {
            self.redeem_edited(google, dafater, before, (side, now));
        }
        is_kept
    }

    /// A write arrives whole or not at all: a text that it wrote beside one that shows, and that now is neither what it wrote nor what
    /// was there before, was edited since.
    fn redeem_edited(
        &self,
        google: &mut Contact,
        dafater: &mut Contact,
        before: Both<'_>,
        (side, now): (Side, &Contact),
    ) {
        let (promised, was, other_promised, other_was) = match side {
            Side::Google => (&self.google, before.google, &self.dafater, before.dafater),
            Side::Dafater => (&self.dafater, before.dafater, &self.google, before.google),
        };
        let texts = Contact::texts_of(&[promised, other_promised, was, other_was, now]);
        for field in &texts.into_iter().map(Field::Text).collect::<Vec<_>>() {
            let is_withheld =
                !promised.agrees_on(field, other_promised) && other_was.agrees_on(field, other_promised);
            let is_edited = !now.agrees_on(field, promised) && !now.agrees_on(field, was);
            if is_edited && !is_withheld && !was.agrees_on(field, promised) {
                google.take(field, &self.google);
                dafater.take(field, &self.dafater);
            }
        }
    }
}

impl Step {
    /// The pair as it stands now; `None` while one of the records does not exist.
    ///
    /// INVARIANT: while a write or a comparison is owed, the revisions are blank. Whatever is observed is then news, so that a crash between two
    /// writes cannot make the second one be forgotten.
    #[must_use]
    pub fn settled(&self, written: Written<'_>, mapping: &Mapping) -> Option<Pair> {
        let google = written.google.or(self.google.as_ref())?;
        let dafater = written.dafater.or(self.dafater.as_ref())?;
        let (google_now, dafater_now) = (google.contact(mapping), dafater.contact(mapping));
        let (base_google, base_dafater) = self.base();

        let mut aliases = self.before.as_ref().map(|pair| pair.aliases.clone()).unwrap_or_default();
        if written.google.is_some()
            && let Some(sent) = self.sent(Side::Google)
        {
            learn(&mut aliases, sent, &google_now, |sent, stored| (stored, sent));
        }
        if written.dafater.is_some()
            && let Some(sent) = self.sent(Side::Dafater)
        {
            learn(&mut aliases, sent, &dafater_now, |sent, stored| (sent, stored));
        }
        let mut plain = Merged { pending: self.left_out(&google_now, &dafater_now), ..Merged::default() };
        if self.is_short(Side::Dafater, written.dafater.is_some(), &dafater_now) {
            plain.pending.insert(Field::Addresses);
        }
        let (merged, withheld) = match &self.action {
            Action::Merge(merged) => {
                plain.pending.extend(merged.pending.iter().cloned());
                aliases.extend(merged.aliases.iter().cloned());
                plain = Merged { pending: plain.pending, ..merged.as_ref().clone() };
                (&plain, merged.withheld.as_slice())
            }
            Action::Create { withheld, .. } => (&plain, withheld.as_slice()),
            Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Leave
            | Action::Forget
            | Action::Postpone => (&plain, [].as_slice()),
        };
        let is_written = |side| match side {
            Side::Google => written.google.is_some(),
            Side::Dafater => written.dafater.is_some(),
        };
        let is_owed = self.says_more(&google_now, &dafater_now)
            || self.may_inherit_addresses(&google_now)
            || merged.pending.contains(&Field::Addresses)
                && self.is_short(Side::Dafater, written.dafater.is_some(), &dafater_now)
            || !merged.google.fields.is_empty() && written.google.is_none()
            || !merged.dafater.fields.is_empty() && written.dafater.is_none();
        let base = Both { google: &base_google, dafater: &base_dafater };
        let after = Both { google: &google_now, dafater: &dafater_now };
        let (google_contact, dafater_contact) = rebase(base, merged, after, is_written, &aliases);
        Some(Pair {
            id: self.pair.clone(),
            origin: match &self.action {
                Action::Create { side, .. } => Origin::Created(*side),
                Action::Merge(_)
                | Action::Delete { .. }
                | Action::Detach { .. }
                | Action::Leave
                | Action::Forget
                | Action::Postpone => self.origin,
            },
            google: GoogleBase {
                source_id: google.source_id.clone(),
                resource_name: google.resource_name.clone(),
                etag: if is_owed { Etag(String::new()) } else { google.etag.clone() },
                updated: google.updated,
                superseded: self.superseded(google),
                contact: google_contact,
            },
            dafater: DafaterBase {
                name: dafater.name.clone(),
                creation: dafater.creation.clone(),
                modified: if is_owed { SiteStamp(String::new()) } else { dafater.modified.clone() },
                contact: dafater_contact,
                addresses: AddressStamp::of(dafater)
                    .or_else(|| self.before.as_ref().and_then(|pair| pair.dafater.addresses.clone())),
            },
            aliases,
            withheld: self.withheld(withheld),
        })
    }

    /// What a new record was not given although it could hold it, because it may not go there, and what it says that it was not sent, as
    /// one does that is made anew with all that it held: nothing was agreed on in that.
    fn left_out(&self, google: &Contact, dafater: &Contact) -> BTreeSet<Field> {
        let Action::Create { side, contact, withheld } = &self.action else { return BTreeSet::new() };
        let (source, made) = match side {
            Side::Google => (dafater, google),
            Side::Dafater => (google, dafater),
        };
        let mut fields = Field::of(&[source, made]);
        fields.retain(|field| {
            let is_withheld = withheld.iter().any(|withheld| withheld.field == *field);
            (source.says(field) || made.says(field)) && !contact.says(field) && !is_withheld
        });
        fields
    }

    /// Whether a document was made in the place of one that was deleted, and addresses travel. API: an Address is linked to a name,
    /// whoever has it: those that were left behind are the new document's.
    fn may_inherit_addresses(&self, google: &Contact) -> bool {
        let is_made_anew =
            matches!(self.action, Action::Create { side: Side::Dafater, .. }) && self.before.is_some();
        is_made_anew && google.addresses.is_some()
    }

    /// Whether a new record says what it was not sent: that has yet to be compared.
    fn says_more(&self, google: &Contact, dafater: &Contact) -> bool {
        let Action::Create { side, contact, .. } = &self.action else { return false };
        let made = match side {
            Side::Google => google,
            Side::Dafater => dafater,
        };
        Field::of(&[made]).iter().any(|field| made.says(field) && !contact.says(field))
    }

    /// What both sides agree on once the write to `side` has arrived; `None` for a deletion.
    #[must_use]
    pub fn promise(&self, side: Side, written: Written<'_>, mapping: &Mapping) -> Option<Promise> {
        let merged = match &self.action {
            Action::Merge(merged) => merged,
            Action::Create { contact, .. } => {
                let source = match side {
                    Side::Google => self.dafater.as_ref().map(|document| document.contact(mapping)),
                    Side::Dafater => self.google.as_ref().map(|person| person.contact(mapping)),
                };
                return Some(match side {
                    Side::Google => Promise { google: contact.clone(), dafater: source? },
                    Side::Dafater => Promise { google: source?, dafater: contact.clone() },
                });
            }
            Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Leave
            | Action::Forget
            | Action::Postpone => return None,
        };
        let mut google = written.google.or(self.google.as_ref())?.contact(mapping);
        let mut dafater = written.dafater.or(self.dafater.as_ref())?.contact(mapping);
        match side {
            Side::Google => google.clone_from(&merged.google.contact),
            Side::Dafater => dafater.clone_from(&merged.dafater.contact),
        }
        let is_written = |other| {
            other == side
                || match other {
                    Side::Google => written.google.is_some(),
                    Side::Dafater => written.dafater.is_some(),
                }
        };
        let (base_google, base_dafater) = self.base();
        let known = self.before.as_ref().map(|pair| pair.aliases.as_slice()).unwrap_or_default();
        let aliases = [known, merged.aliases.as_slice()].concat();
        let base = Both { google: &base_google, dafater: &base_dafater };
        let after = Both { google: &google, dafater: &dafater };
        let (google, dafater) = rebase(base, merged, after, is_written, &aliases);
        Some(Promise { google, dafater })
    }

    /// The remaining record of a dissolved pair, or one whose counterpart could not be made.
    #[must_use]
    pub fn loose(&self, side: Side, why: LooseReason, mapping: &Mapping) -> Option<Loose> {
        Some(match side {
            Side::Google => {
                let person = self.google.as_ref()?;
                Loose {
                    record: RecordId::Google(person.source_id.clone()),
                    creation: None,
                    resource_name: Some(person.resource_name.clone()),
                    revision: person.etag.0.clone(),
                    contact: person.contact(mapping),
                    why,
                }
            }
            Side::Dafater => {
                let document = self.dafater.as_ref()?;
                Loose {
                    record: RecordId::Dafater(document.name.clone()),
                    creation: Some(document.creation.clone()),
                    resource_name: None,
                    revision: document.modified.0.clone(),
                    contact: document.contact(mapping),
                    why,
                }
            }
        })
    }

    /// What the step sends to `side`.
    #[must_use]
    pub fn sent(&self, side: Side) -> Option<&Contact> {
        match &self.action {
            Action::Merge(merged) => Some(match side {
                Side::Google => &merged.google.contact,
                Side::Dafater => &merged.dafater.contact,
            }),
            Action::Create { side: to, contact, .. } if *to == side => Some(contact),
            Action::Create { .. }
            | Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Leave
            | Action::Forget
            | Action::Postpone => None,
        }
    }

    /// Whether `side` was written and does not say all of the addresses yet that it was to say: each is a document of its own.
    fn is_short(&self, side: Side, is_written: bool, now: &Contact) -> bool {
        is_written && self.sent(side).is_some_and(|sent| !sent.agrees_on(&Field::Addresses, now))
    }

    fn superseded(&self, google: &Person) -> Vec<Etag> {
        let known = self.before.as_ref().map(|pair| pair.google.superseded.as_slice()).unwrap_or_default();
        let replaced = self.google.as_ref().map(|person| &person.etag).filter(|etag| **etag != google.etag);
        replaced.into_iter().chain(known).take(SUPERSEDED_KEPT).cloned().collect()
    }

    /// What is withheld now, and what was withheld before in fields that this step did not touch.
    fn withheld(&self, now: &[Withheld]) -> Vec<Withheld> {
        let mut all: Vec<Withheld> = Vec::new();
        // A thousand values that are refused for one reason are one thing to tell.
        for withheld in now {
            if !all.contains(withheld) {
                all.push(withheld.clone());
            }
        }
        for earlier in self.before.iter().flat_map(|pair| &pair.withheld) {
            if !all.iter().any(|newer| newer.from == earlier.from && newer.field == earlier.field) {
                all.push(earlier.clone());
            }
        }
        all
    }
}

/// Whether a field shows what was promised. Which number is the mobile one follows from labels, which are the side's own.
fn is_shown(field: &Field, promised: &Contact, now: &Contact) -> bool {
    match field {
        Field::Text(_) => now.agrees_on(field, promised),
        Field::Emails => shows(&now.emails, &promised.emails),
        Field::Phones => shows(&now.phones, &promised.phones),
        Field::Addresses => {
            now.addresses.is_some() && promised.addresses.is_some() && now.agrees_on(field, promised)
        }
    }
}

/// Whether a list that was promised arrived. API: Google makes some value the primary one where nobody chose.
fn shows(now: &Values, promised: &Values) -> bool {
    now.same_keys(promised) && (promised.primary().is_none() || now.primary() == promised.primary())
}

/// What a write brought arrived if it shows, whatever was edited beside it since: both sides agree on each such value.
fn take_arrived(
    field: &Field,
    (google, dafater): (&mut Contact, &mut Contact),
    (promised, other_promised): (&Contact, &Contact),
    (was, now): (&Contact, &Contact),
    side: Side,
) -> bool {
    let is_unseen = |contact: &Contact| *field == Field::Addresses && contact.addresses.is_none();
    let looked_at = [&*google, &*dafater, promised, other_promised, was, now];
    if matches!(field, Field::Text(_)) || looked_at.into_iter().any(is_unseen) {
        return false;
    }
    let (written, other) = match side {
        Side::Google => (google, dafater),
        Side::Dafater => (dafater, google),
    };
    let (written, other) = (values_mut(written, field), values_mut(other, field));
    let (was, now) = (values_of(was, field), values_of(now, field));
    let mut is_any = false;
    for value in values_of(promised, field) {
        let is_brought = now.contains(&value.key) && !was.contains(&value.key);
        let is_agreed = written.contains(&value.key) || other.contains(&value.key);
        if let Some(carried) = values_of(other_promised, field).get(&value.key)
            && is_brought
            && !is_agreed
        {
            written.add(value.clone());
            other.add(carried.clone());
            is_any = true;
        }
    }
    is_any
}

/// Values that only one side holds, and did not hold before, were never carried: they are found out, and noted, once more.
fn leave_out_uncarried(field: &Field, google: &mut Contact, dafater: &mut Contact, before: Both<'_>) {
    let (google, dafater, google_before, dafater_before) = match field {
        Field::Text(_) => return,
        Field::Emails => {
            (&mut google.emails, &mut dafater.emails, &before.google.emails, &before.dafater.emails)
        }
        Field::Phones => {
            (&mut google.phones, &mut dafater.phones, &before.google.phones, &before.dafater.phones)
        }
        Field::Addresses => {
            let before = [before.google, before.dafater]
                .map(|contact| contact.addresses.as_ref().unwrap_or_else(|| Values::none()));
            match (&mut google.addresses, &mut dafater.addresses) {
                (Some(google), Some(dafater)) => (google, dafater, before[0], before[1]),
                (None, _) | (_, None) => return,
            }
        }
    };
    // As many on both sides are the same ones, however each side spells them.
    if google.len() == dafater.len() {
        return;
    }
    let only_in = |values: &Values, other: &Values, before: &Values| -> Vec<Key> {
        values.keys().filter(|key| !other.contains(key) && !before.contains(key)).cloned().collect()
    };
    for key in only_in(google, dafater, google_before) {
        google.remove(&key);
    }
    for key in only_in(dafater, google, dafater_before) {
        dafater.remove(&key);
    }
}

/// A side that stored a value under another key than it was sent under: both are the same from now on.
fn learn(
    aliases: &mut Vec<(Key, Key)>,
    sent: &Contact,
    stored: &Contact,
    order: impl Fn(Key, Key) -> (Key, Key),
) {
    for (sent, stored) in [(&sent.emails, &stored.emails), (&sent.phones, &stored.phones)] {
        let mut missing = lacking(sent, stored);
        let mut new = lacking(stored, sent);
        if missing.len() != new.len() {
            continue;
        }
        // The order is the side's own: what it spells as it was sent is told by that, the rest by position.
        let is_same = |sent: &Value, stored: &Value| plain_digits(&sent.raw) == plain_digits(&stored.raw);
        let mut paired = Vec::new();
        missing.retain(|sent| match new.iter().position(|stored| is_same(sent, stored)) {
            Some(position) => {
                paired.push((sent.key.clone(), new.remove(position).key.clone()));
                false
            }
            None => true,
        });
        let by_position =
            missing.iter().zip(&new).map(|(sent, stored)| (sent.key.clone(), stored.key.clone()));
        for (sent, stored) in paired.into_iter().chain(by_position) {
            let alias = order(sent, stored);
            aliases.retain(|(google, dafater)| *google != alias.0 && *dafater != alias.1);
            aliases.push(alias);
        }
    }
}

fn lacking<'v>(from: &'v Values, than: &Values) -> Vec<&'v Value> {
    from.iter().filter(|value| !than.contains(&value.key)).collect()
}
