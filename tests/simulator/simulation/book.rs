//! What people did, as the truth against which the daemon is judged.
//!
//! Written from what both sides looked like before and after each deed, so that it needs no knowledge of how a deed works.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use dafater_contactsd::contact::{Contact, Field, Key, TextField, Values};
use dafater_contactsd::sync::Side;
use jiff::Timestamp;

use super::picture::{Id, Picture, Seen};
use super::watch::made_of;

/// A person gave a text field of a record another content; `from` is nothing for a new record.
#[derive(Debug, Clone)]
pub struct TextEdit {
    pub at: Timestamp,
    pub cycle: u32,
    pub record: Id,
    /// Its counterparts at that time.
    pub partners: Vec<Id>,
    pub field: TextField,
    pub from: Option<String>,
    pub to: String,
    /// The counterparts that had agreed on what was there before.
    pub agreed_with: Vec<Id>,
    /// The document's copies that had agreed with it on what was there before.
    pub known_to: Vec<Id>,
    /// Whether the sync wrote it because a run was undone.
    pub is_undo: bool,
}

/// A person added a value to a record, or took one away.
#[derive(Debug, Clone)]
pub struct ValueEdit {
    /// When somebody said it; of what a merge brought, when somebody gave it to the record that was merged into this one.
    pub at: Timestamp,
    /// When this record said so.
    pub shown: Timestamp,
    pub cycle: u32,
    pub record: Id,
    pub field: Field,
    pub key: String,
    pub is_added: bool,
    /// The counterparts that had agreed on the value before it was taken away.
    pub agreed_with: Vec<Id>,
    /// The document's copies that agree with it on the value: to them what was added was never gone, and what was taken away was there.
    pub known_to: Vec<Id>,
    /// What else is agreed on of a record from which a value was taken away, and was gone from it before: our own write took that.
    pub gone_before: Vec<String>,
    /// Whether the sync wrote it because a run was undone.
    pub is_undo: bool,
}

/// A person deleted a record, or merged it into another.
#[derive(Debug, Clone)]
pub struct Gone {
    pub at: Timestamp,
    /// Until when a restoration of its counterpart was known to whoever deleted it: the daemon looks before it deletes.
    pub seen: Timestamp,
    /// Whether its counterpart said something else at that moment: an edit that was still under way.
    pub had_news: bool,
    /// When it was restored under its old identity.
    pub restored: Option<Timestamp>,
    /// What it said at the end.
    pub said: Contact,
}

/// The book.
#[derive(Debug, Default)]
pub struct Book {
    /// The texts that travel.
    pub fields: Vec<TextField>,
    pub texts: Vec<TextEdit>,
    pub values: Vec<ValueEdit>,
    /// Records of which anything that is mapped was changed by a person, primaries included.
    pub touches: Vec<(Id, Timestamp)>,
    /// Records into which the daemon carried an edit.
    pub carried: Vec<(Id, Timestamp)>,
    pub gone: BTreeMap<Id, Gone>,
    /// Records that the daemon created: from which one.
    pub made: BTreeMap<Id, Id>,
    /// Records that were ever one pair, both ways.
    pub partners: BTreeMap<Id, BTreeSet<Id>>,
    /// When a Google record and a document became a pair.
    pub paired_at: BTreeMap<(Id, Id), Timestamp>,
    /// The account of each Google record that ever was.
    pub accounts: BTreeMap<Id, usize>,
    /// Every name that a record ever had.
    pub names: BTreeMap<(Side, String), Id>,
    /// What the daemon's creations said at first, and once addresses came after them.
    pub created_as: BTreeMap<Id, Vec<Contact>>,
    /// Records that an undo created.
    pub reborn: BTreeSet<Id>,
    /// Records whose content the site itself refuses.
    pub poisoned: BTreeMap<Id, Timestamp>,
    /// Documents that the site hid from the sync at some time.
    pub hidden: BTreeSet<Id>,
}

impl TextEdit {
    /// What was said of a record that has no counterpart.
    fn new(
        (at, cycle): (Timestamp, u32),
        record: &Id,
        field: TextField,
        from: Option<String>,
        to: &str,
    ) -> Self {
        Self {
            at,
            cycle,
            record: record.clone(),
            partners: Vec::new(),
            field,
            from,
            to: to.to_owned(),
            agreed_with: Vec::new(),
            known_to: Vec::new(),
            is_undo: false,
        }
    }

    /// The document's copies, but for this record, that had agreed with it on what was there before; `pairs` are those of the record.
    fn agreed(
        &self,
        pairs: &[(Contact, Contact, Id)],
        pairs_of: impl Fn(&Id) -> Vec<(Contact, Contact, Id)>,
    ) -> Vec<Id> {
        let copies = copies_of(&self.record, pairs, pairs_of);
        let said = |said: &Contact| self.from.as_deref() == Some(said.text(&self.field));
        let agreed =
            copies.into_iter().filter(|(own, other, copy)| *copy != self.record && said(own) && said(other));
        agreed.map(|(_, _, copy)| copy).collect()
    }
}

/// What a document holds for agreed upon with each of its copies: of a record, whose `pairs` these are, or of its counterpart.
fn copies_of(
    record: &Id,
    pairs: &[(Contact, Contact, Id)],
    pairs_of: impl Fn(&Id) -> Vec<(Contact, Contact, Id)>,
) -> Vec<(Contact, Contact, Id)> {
    match record.0 {
        Side::Dafater => pairs.to_vec(),
        Side::Google => pairs.iter().flat_map(|(_, _, document)| pairs_of(document)).collect(),
    }
}

impl ValueEdit {
    /// The document's copies that agree with it on the value, but for a record that gave it up; `pairs` are those of the record.
    fn agreed(
        &self,
        pairs: &[(Contact, Contact, Id)],
        pairs_of: impl Fn(&Id) -> Vec<(Contact, Contact, Id)>,
    ) -> Vec<Id> {
        let copies = copies_of(&self.record, pairs, pairs_of);
        let says =
            |said: &Contact| set(said, &self.field).keys().any(|key| key.as_str() == self.key.as_str());
        let is_other = |copy: &Id| self.is_added || *copy != self.record;
        let others =
            copies.into_iter().filter(|(own, other, copy)| is_other(copy) && says(own) && says(other));
        others.map(|(_, _, copy)| copy).collect()
    }
}

impl Book {
    pub fn pair(&mut self, google: &Id, dafater: &Id, at: Timestamp) {
        self.paired_at.entry((google.clone(), dafater.clone())).or_insert(at);
        self.partners.entry(google.clone()).or_default().insert(dafater.clone());
        self.partners.entry(dafater.clone()).or_default().insert(google.clone());
    }

    /// Notes what people changed between two looks, or an undo in the operator's name. `base` tells what the daemon holds for agreed
    /// upon of a record: its half and the other's; `partner` its counterpart.
    pub fn note(
        &mut self,
        before: &Picture,
        after: &Picture,
        at: Timestamp,
        cycle: u32,
        is_undo: bool,
        pairs_of: impl Fn(&Id) -> Vec<(Contact, Contact, Id)>,
    ) {
        for (id, seen) in &after.0 {
            self.names.insert((id.0, seen.name.clone()), id.clone());
            self.accounts.insert(id.clone(), seen.account);
            match before.0.get(id) {
                None => {
                    let partners = self.partners.get(id);
                    let is_alone = partners.is_some_and(|partners| {
                        partners.iter().all(|partner| !after.0.contains_key(partner))
                    });
                    if let Some(gone) = self.gone.get_mut(id) {
                        gone.restored = Some(at);
                        // What it says again it said before; unless all who had heard it are gone: then it is as good as entered anew.
                        if !is_alone {
                            continue;
                        }
                    }
                    let named = || {
                        let name = seen.json["google_contacts_id"].as_str()?;
                        self.names.get(&(Side::Google, name.to_owned())).cloned()
                    };
                    let made_of = is_undo.then(|| made_of(&seen.json).or_else(named)).flatten();
                    let noted = self.values.len();
                    self.note_newcomer(id, seen, (at, cycle), made_of.as_ref());
                    for edit in &mut self.values[noted..] {
                        edit.is_undo = is_undo;
                    }
                }
                Some(old) if Arc::ptr_eq(old, seen) || old.contact == seen.contact => {}
                Some(old) => {
                    let (pairs, noted) = (pairs_of(id), self.values.len());
                    let noted_texts = self.texts.len();
                    self.note_edit((before, after), id, (old, seen), (at, cycle, is_undo), &pairs);
                    for edit in &mut self.texts[noted_texts..] {
                        edit.known_to = edit.agreed(&pairs, &pairs_of);
                    }
                    for edit in &mut self.values[noted..] {
                        edit.known_to = edit.agreed(&pairs, &pairs_of);
                        edit.is_undo = is_undo;
                        if !edit.is_added {
                            edit.gone_before = gone_before(&old.contact, &edit.field, &pairs);
                        }
                    }
                }
            }
        }
        for (id, seen) in &before.0 {
            if !after.0.contains_key(id) {
                // A pair that is being made in this very cycle is known to nobody yet.
                let pairs = pairs_of(id);
                let had_news = pairs.is_empty()
                    || pairs.iter().any(|(_, base, other)| {
                        // By its own hand, or through a copy in another account.
                        let copies: Vec<Id> = pairs_of(other).into_iter().map(|(_, _, copy)| copy).collect();
                        let is_it =
                            |touched: &Id| touched == other || touched != id && copies.contains(touched);
                        let is_edited = self.touches.iter().any(|(touched, _)| is_it(touched));
                        before.0.get(other).is_none_or(|now| {
                            has_news(&seen.contact, &now.contact, base)
                                || is_edited && is_under_way(&now.contact, base)
                                || self.says_since_it_met(other, &now.contact, base)
                        })
                    });
                let said = seen.contact.clone();
                self.gone.insert(id.clone(), Gone { at, seen: at, had_news, restored: None, said });
            }
        }
    }

    /// Whoever enters a record says all that it says. One that an undo has `made_of` another was told it by that.
    fn note_newcomer(&mut self, id: &Id, seen: &Seen, (at, cycle): (Timestamp, u32), made_of: Option<&Id>) {
        for field in self.fields.clone() {
            let to = seen.contact.text(&field);
            self.texts.push(TextEdit::new((at, cycle), id, field, None, to));
        }
        // API: what is restored on the site, or put back by an undo, is a new record; it says what the old one said.
        let is_former = |(other, gone): (&Id, &Gone)| {
            other.0 == id.0
                && !differ(&without_addresses(&gone.said), &without_addresses(&seen.contact))
                && self.accounts.get(other) == Some(&seen.account)
        };
        let former = self.gone.iter().find(|entry| is_former(*entry)).map(|(other, _)| other.clone());
        for (field, values) in sets(&seen.contact) {
            for key in values.keys() {
                let mut said_by = former.iter().chain(made_of);
                let since = said_by.find_map(|record| self.said_since(record, &field, key.as_str()));
                self.value(
                    (since.unwrap_or(at), since.unwrap_or(at)),
                    cycle,
                    id,
                    &field,
                    key.as_str(),
                    true,
                    Vec::new(),
                );
            }
        }
    }

    /// Whoever edits a record says what is new in it.
    fn note_edit(
        &mut self,
        (before, after): (&Picture, &Picture),
        id: &Id,
        (old, seen): (&Seen, &Seen),
        (at, cycle, is_undo): (Timestamp, u32, bool),
        pairs: &[(Contact, Contact, Id)],
    ) {
        self.touches.push((id.clone(), at));
        let partners: Vec<Id> = pairs.iter().map(|(_, _, other)| other.clone()).collect();
        for field in self.fields.clone() {
            let (from, to) = (old.contact.text(&field).to_owned(), seen.contact.text(&field));
            // Nobody says what comes to sight when the organisation before it goes, nor what an undo carries beside what it puts back.
            if from != to
                && !(is_undo
                    && (stood_behind(&old.json, &seen.json, &field, to)
                        || self.is_carried(id, pairs, &field, (&from, to))))
            {
                let is_agreed = |(own, other, _): &&(Contact, Contact, Id)| {
                    own.text(&field) == from && other.text(&field) == from
                };
                let agreed_with = pairs.iter().filter(is_agreed).map(|(_, _, other)| other.clone()).collect();
                let edit = TextEdit::new((at, cycle), id, field, Some(from), to);
                self.texts.push(TextEdit { partners: partners.clone(), agreed_with, is_undo, ..edit });
            }
        }
        for ((field, was), (_, is)) in sets(&old.contact).into_iter().zip(sets(&seen.contact)) {
            for key in is.keys().filter(|key| !was.contains(key)) {
                if is_undo && self.carries_value(pairs, &field, key) {
                    continue;
                }
                // What a merge brings over was said when the one that is gone said it, or was told it: nobody says
                // anew, by merging two persons, what the counterpart has replaced meanwhile.
                // Of one that never had a counterpart, nobody could replace anything: that is said anew.
                let mut lost = before.of_side(id.0).filter(|(loser, said)| {
                    !after.0.contains_key(*loser)
                        && self.partners.contains_key(*loser)
                        && set(&said.contact, &field).contains(key)
                });
                let since = lost.next().and_then(|(loser, _)| self.said_since(loser, &field, key.as_str()));
                self.value((since.unwrap_or(at), at), cycle, id, &field, key.as_str(), true, Vec::new());
            }
            for key in was.keys().filter(|key| !is.contains(key)) {
                let agreed_with = pairs.iter().filter(|(own, other, _)| {
                    set(own, &field).contains(key) && set(other, &field).contains(key)
                });
                let agreed_with = agreed_with.map(|(_, _, other)| other.clone()).collect();
                self.value((at, at), cycle, id, &field, key.as_str(), false, agreed_with);
            }
        }
    }

    /// Whether a person gave one of a record's counterparts a value on which nobody agreed yet: an undo carries that as any run does.
    fn carries_value(&self, pairs: &[(Contact, Contact, Id)], field: &Field, key: &Key) -> bool {
        let of_key = |edit: &&ValueEdit| edit.field == *field && edit.key == key.as_str();
        pairs.iter().any(|(own, other, partner)| {
            let is_agreed = set(own, field).contains(key) || set(other, field).contains(key);
            // Nobody took it away anywhere since.
            let last = self.values.iter().filter(of_key).max_by_key(|edit| edit.at);
            !is_agreed && last.is_some_and(|last| last.record == *partner && last.is_added && !last.is_undo)
        })
    }

    /// Whether a record still says what it said before it met its counterpart, and that was not carried yet.
    fn says_since_it_met(&self, id: &Id, now: &Contact, base: &Contact) -> bool {
        self.texts.iter().any(|said| {
            said.record == *id
                && said.partners.is_empty()
                && !said.to.is_empty()
                && now.text(&said.field) == said.to
                && base.text(&said.field) != said.to
        })
    }

    /// Whether a person gave one of a record's counterparts just this text since both had agreed on that one: an undo carries it as any
    /// run does, although it may have been replaced by then and that does not show yet.
    fn is_carried(
        &self,
        id: &Id,
        pairs: &[(Contact, Contact, Id)],
        field: &TextField,
        (from, to): (&str, &str),
    ) -> bool {
        let mut agreed =
            pairs.iter().filter(|(own, other, _)| own.text(field) == from && other.text(field) == from);
        agreed.any(|(_, _, other)| {
            let of_other = |edit: &&TextEdit| edit.record == *other && edit.field == *field;
            let own: Vec<_> = self.texts.iter().filter(of_other).collect();
            let since = own.iter().rposition(|edit| edit.agreed_with.contains(id)).unwrap_or(own.len());
            let since = &own[since..];
            // Where the record itself was given since what was there before the undo, that is what both agreed on.
            let is_since = |first: &TextEdit| {
                first.from.as_deref() == Some(from)
                    && !self.texts.iter().any(|own| {
                        (&own.record, &own.field) == (id, field) && own.at > first.at && own.to == from
                    })
            };
            since.first().is_some_and(|first| is_since(first))
                && since.iter().any(|edit| !edit.is_undo && edit.to == to)
        })
    }

    /// When somebody last gave a record a value; where it was carried there, when somebody last gave it to a counterpart, or to that
    /// one's copy in another account.
    fn said_since(&self, id: &Id, field: &Field, key: &str) -> Option<Timestamp> {
        let said_of = |record: &Id| {
            let is_this = |edit: &&ValueEdit| {
                edit.is_added && edit.record == *record && edit.field == *field && edit.key == key
            };
            self.values.iter().filter(is_this).map(|edit| edit.at).max()
        };
        let told_by =
            |record: &Id| self.partners.get(record).into_iter().flatten().chain(self.made.get(record));
        let by_copy = |counterpart: &Id| told_by(counterpart).filter_map(said_of).max();
        said_of(id)
            .or_else(|| told_by(id).filter_map(said_of).max())
            .or_else(|| told_by(id).filter_map(by_copy).max())
    }

    #[expect(clippy::too_many_arguments, reason = "one place writes this record")]
    fn value(
        &mut self,
        at: (Timestamp, Timestamp),
        cycle: u32,
        id: &Id,
        field: &Field,
        key: &str,
        is_added: bool,
        agreed_with: Vec<Id>,
    ) {
        let (record, key) = (id.clone(), key.to_owned());
        let (known_to, gone_before) = (Vec::new(), Vec::new());
        let (at, shown) = at;
        self.values.push(ValueEdit {
            at,
            shown,
            cycle,
            record,
            field: field.clone(),
            key,
            is_added,
            agreed_with,
            known_to,
            gone_before,
            is_undo: false,
        });
    }

    /// Whether a person deleted `id` and it was not there (or not seen to be back) at `seen`.
    pub fn is_gone(&self, id: &Id, seen: Timestamp) -> Option<&Gone> {
        self.gone.get(id).filter(|gone| gone.restored.is_none_or(|restored| restored >= seen))
    }

    /// Whether an edit was carried into `id` since `since`: to the other accounts it is an edit like any.
    pub fn was_carried_after(&self, id: &Id, since: Timestamp) -> bool {
        self.carried.iter().any(|(carried, at)| carried == id && *at >= since)
    }

    /// Whether a person changed anything mapped of `id` since `since`.
    pub fn was_edited_after(&self, id: &Id, since: Timestamp) -> bool {
        self.touches.iter().any(|(touched, at)| touched == id && *at >= since)
    }
}

/// API: what is restored on the site has lost the addresses that were deleted with it.
fn without_addresses(contact: &Contact) -> Contact {
    Contact { addresses: None, ..contact.clone() }
}

/// Values that a record's `pairs` agree on, and that it does not say.
fn gone_before(now: &Contact, field: &Field, pairs: &[(Contact, Contact, Id)]) -> Vec<String> {
    let agreed = pairs
        .iter()
        .flat_map(|(own, other, _)| set(own, field).keys().filter(|key| set(other, field).contains(key)));
    let gone = agreed.filter(|key| !set(now, field).contains(key));
    gone.map(|key| key.as_str().to_owned()).collect()
}

/// Whether a text is that of an organisation that stood behind the first one, which is gone.
fn stood_behind(person: &serde_json::Value, now: &serde_json::Value, field: &TextField, text: &str) -> bool {
    let slot = match field {
        TextField::Company => "name",
        TextField::Title => "title",
        TextField::Department => "department",
        _ => return false,
    };
    let all = |person: &serde_json::Value| person["organizations"].as_array().map_or(0, Vec::len);
    let mut others = person["organizations"].as_array().into_iter().flatten().skip(1);
    all(now) < all(person) && others.any(|organization| organization[slot] == text)
}

pub fn sets(contact: &Contact) -> [(Field, &Values); 3] {
    [Field::Emails, Field::Phones, Field::Addresses].map(|field| {
        let values = set(contact, &field);
        (field, values)
    })
}

pub fn set<'c>(contact: &'c Contact, field: &Field) -> &'c Values {
    static NONE: LazyLock<Values> = LazyLock::new(Values::default);
    match field {
        Field::Phones => &contact.phones,
        Field::Addresses => contact.addresses.as_ref().unwrap_or(&NONE),
        Field::Emails | Field::Text(_) => &contact.emails,
    }
}

/// Whether a record says anything that its deleted counterpart did not: which number is the mobile one counts, and which value a
/// person made the primary one since `base`, which is what it said when both agreed.
pub fn has_news(gone: &Contact, left: &Contact, base: &Contact) -> bool {
    let is_moved = |now: &Values, base: &Values| now.primary().is_some() && now.primary() != base.primary();
    differ(gone, left)
        || gone.mobile != left.mobile
        || is_moved(&left.emails, &base.emails)
        || is_moved(&left.phones, &base.phones)
}

/// Whether a record says what it did not say when both agreed. Two may have given both the same: whoever deletes one of them was told
/// nothing of the other, and what is left there was edited. What an address is for counts.
fn is_under_way(left: &Contact, base: &Contact) -> bool {
    differ(left, base) || !left.agrees_on(&Field::Addresses, base)
}

/// Whether two contacts say different things, primaries aside.
pub fn differ(left: &Contact, right: &Contact) -> bool {
    Contact::texts_of(&[left, right]).into_iter().any(|field| left.text(&field) != right.text(&field))
        || sets(left).into_iter().zip(sets(right)).any(|((_, left), (_, right))| {
            left.len() != right.len() || !left.keys().all(|key| right.contains(key))
        })
}
