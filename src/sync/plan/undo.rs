//! From what a run wrote to the plan that puts it back.
//!
//! An update is put back as if a person had typed the old values in again on the side that the run wrote; the merge then carries
//! them to the other side as it carries any edit, so that both agree and the next cycle has nothing to do. A record that the run
//! created is deleted, its counterpart stays, alone. A record that it deleted is created anew from its before-image, together with
//! its counterpart. A pair that it made is taken apart.
//!
//! Law: pure; and what anybody changed since is left alone and named.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::planner::Planner;
use super::{Action, Image, Plan, Step};
use crate::contact::{Contact, Field, Values, is_too_long};
use crate::mapping::{Document, Person};
use crate::sync::matching::{self, Candidate, Standing};
use crate::sync::merge::listed;
use crate::sync::snapshot::{PairView, Sighting, Snapshot};
use crate::sync::{Both, Decision, Merged, Origin, PairId, Policy, RecordId, Side, Target, merge};

/// One thing that a run did.
#[derive(Debug, Clone)]
pub struct Deed {
    /// What it did.
    pub kind: DeedKind,
    /// The side that was written.
    pub side: Side,
    /// What the record said before.
    pub before: Option<Contact>,
    /// What it said after; `None` for a deletion, and where nobody noted it.
    pub after: Option<Contact>,
    /// Its revision after.
    pub revision: Option<String>,
    /// Its JSON before.
    pub image: Option<Map<String, Value>>,
    /// Google's record.
    pub google: Option<RecordId>,
    /// Dafater's record.
    pub dafater: Option<RecordId>,
    /// How people know the contact.
    pub title: String,
    /// Whether the sync wrote the record again in a later run.
    pub is_followed: bool,
    /// The record's revision after the last of those writes; `None` where no answer told.
    pub last_revision: Option<String>,
}

/// What a run does to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeedKind {
    /// It creates one.
    Create,
    /// It updates one.
    Update,
    /// It deletes one.
    Delete,
    /// It makes a pair of two that existed. Its side says nothing.
    Link,
}

/// Something that is not put back, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// The pair.
    pub pair: PairId,
    /// How people know the contact.
    pub title: String,
    /// The side that the run wrote.
    pub side: Option<Side>,
    /// The field, if only that is left.
    pub field: Option<Field>,
    /// Why, as a clause.
    pub reason: &'static str,
}

/// How a run is put back.
#[derive(Debug, Clone, Default)]
pub struct Undo {
    /// What is written.
    pub plan: Plan,
    /// Pairs that are taken apart once that is done.
    pub apart: Vec<PairId>,
    /// Pairs both of whose records are gone: when the first stands again, the other is created from it.
    pub reborn: BTreeSet<PairId>,
    /// What stays as it is.
    pub left: Vec<LeftAlone>,
}

impl Undo {
    /// Computes how `deeds` are put back, by pair. `snapshot` holds the pairs as they are now, of pairs that are no more the record that
    /// may be left, and documents that nobody has dealt with yet: who says there what is to be put back, stands again.
    #[must_use]
    pub fn compute(snapshot: &Snapshot, policy: &Policy, deeds: &BTreeMap<PairId, Vec<Deed>>) -> Self {
        let mut undoing = Undoing {
            planner: Planner::new(snapshot, policy),
            undo: Self::default(),
            // Of the others each knows its own by name.
            named: deeds.values().flatten().filter_map(|deed| deed.dafater.clone()).collect(),
        };
        for (pair, deeds) in deeds {
            match snapshot.pairs.iter().find(|view| view.pair.id == *pair) {
                Some(view) => undoing.standing(view, deeds),
                None => undoing.gone(pair, deeds),
            }
        }
        undoing.undo
    }

    /// The second half of a rebirth: the contact in Google, made from the document that stands again.
    ///
    /// The pair gets an id of its own: the one before may be made of the contact that is gone, and that can come back from the trash.
    #[must_use]
    pub fn second_half(snapshot: &Snapshot, policy: &Policy, document: &Document) -> Option<Step> {
        let planner = Planner::new(snapshot, policy);
        if !planner.may_write(Side::Google) {
            return None;
        }
        let (contact, withheld) = planner.admitted(&document.contact(&policy.mapping), Side::Google);
        (!contact.is_empty()).then(|| Step {
            pair: PairId::from_dafater(&snapshot.account, &document.creation, &document.name),
            origin: Origin::Created(Side::Google),
            before: None,
            agreed: None,
            google: None,
            dafater: Some(document.clone()),
            action: Action::Create { side: Side::Google, contact, withheld },
            reason: REBORN,
        })
    }
}

const REBORN: &str = "its deletion is put back";
const PUT_BACK: &str = "put back";
const CHANGED: &str = "changed since, left alone";
const SWITCHED_OFF: &str = "this direction is switched off";

struct Undoing<'a> {
    planner: Planner<'a>,
    undo: Undo,
    /// Documents that a deed names, or that were found to be one's counterpart.
    named: BTreeSet<RecordId>,
}

impl<'a> Undoing<'a> {
    /// A pair that still is one.
    fn standing(&mut self, view: &'a PairView, deeds: &[Deed]) {
        let (google, dafater) = match (&view.google, &view.dafater) {
            (Sighting::Present(google), Sighting::Present(dafater)) => (google, dafater),
            (Sighting::Gone, _) | (_, Sighting::Gone) => {
                return self.leave_all(view, deeds, "deleted since; the next sync deals with that");
            }
            (Sighting::Stale | Sighting::Unseen | Sighting::Present(_), _) => {
                return self.leave_all(
                    view,
                    deeds,
                    "it cannot be seen as it is now; try again in some minutes",
                );
            }
        };
        let of = |kind| deeds.iter().filter(move |deed| deed.kind == kind);
        for deed in of(DeedKind::Delete) {
            self.leave(&view.pair.id, deed, None, "it stands again already");
        }
        if of(DeedKind::Create).next().is_some() {
            self.uncreate(view, google, dafater, &of(DeedKind::Create).collect::<Vec<_>>());
        } else {
            let is_link = of(DeedKind::Link).next().is_some();
            self.put_back(view, google, dafater, &of(DeedKind::Update).collect::<Vec<_>>(), is_link);
            if is_link {
                self.undo.apart.push(view.pair.id.clone());
            }
        }
    }

    /// Deletes what the run created, unless somebody has touched it since.
    fn uncreate(&mut self, view: &PairView, google: &Person, dafater: &Document, deeds: &[&Deed]) {
        let mapping = &self.planner.policy.mapping;
        for deed in deeds {
            let (now, revision, known) = match deed.side {
                Side::Google => (google.contact(mapping), &google.etag.0, &view.pair.google.etag.0),
                Side::Dafater => {
                    (dafater.contact(mapping), &dafater.modified.0, &view.pair.dafater.modified.0)
                }
            };
            let is_ours = match &deed.last_revision {
                Some(last) => last == revision,
                None => deed.is_followed && revision == known,
            };
            let is_as_written = deed.after.as_ref().is_some_and(|after| after.agrees(&now))
                && (deed.revision.as_ref() == Some(revision) || is_ours);
            let reason = if !self.planner.may_write(deed.side) {
                SWITCHED_OFF
            } else if !matches!(view.pair.origin, Origin::Created(_)) {
                "the sync did not create it"
            } else if is_as_written {
                continue;
            } else {
                CHANGED
            };
            return self.leave(&view.pair.id, deed, None, reason);
        }
        let both = deeds.len() > 1;
        for deed in deeds {
            // Google's goes first and leaves the document alone; when that goes too, nobody is left.
            let left = |side: Side| deed.side == side || !both || deed.side == Side::Google;
            self.undo.plan.steps.push(Step {
                pair: view.pair.id.clone(),
                origin: view.pair.origin,
                before: Some(view.pair.clone()),
                agreed: None,
                google: left(Side::Google).then(|| google.clone()),
                dafater: left(Side::Dafater).then(|| dafater.clone()),
                action: Action::Delete { side: deed.side },
                reason: "its creation is put back",
            });
        }
    }

    /// Puts the values before in place of those that the run wrote and that still stand, and carries them across; of a pair that
    /// is taken apart each side gets its own back and nothing is carried.
    fn put_back(
        &mut self,
        view: &PairView,
        google: &Person,
        dafater: &Document,
        deeds: &[&Deed],
        is_link: bool,
    ) {
        let mapping = &self.planner.policy.mapping;
        let (google_now, dafater_now) = (google.contact(mapping), dafater.contact(mapping));
        let mut typed = (google_now.clone(), dafater_now.clone());
        let mut rules = self.planner.rules(Some(&view.pair), google, dafater);
        let mut decisions = Vec::new();
        for deed in deeds {
            let (Some(before), Some(after)) = (&deed.before, &deed.after) else {
                self.undo.left.push(left(&view.pair.id, deed, None, "what it wrote was not noted"));
                continue;
            };
            if !self.planner.may_write(deed.side) {
                self.undo.left.push(left(&view.pair.id, deed, None, SWITCHED_OFF));
                continue;
            }
            let (now, base, other_now, contact) = match deed.side {
                Side::Google => (&google_now, &view.pair.dafater.contact, &dafater_now, &mut typed.0),
                Side::Dafater => (&dafater_now, &view.pair.google.contact, &google_now, &mut typed.1),
            };
            for field in &Field::of(&[now, before, after]) {
                match reverted(field, now, before, after) {
                    Reverted::Nothing => {}
                    Reverted::Kept => {
                        self.undo.left.push(left(&view.pair.id, deed, Some(field.clone()), CHANGED));
                    }
                    // Somebody has answered on the other side, and no cycle has carried it yet.
                    Reverted::To(_) if !is_link && !other_now.agrees_on(field, base) => {
                        self.undo.left.push(left(&view.pair.id, deed, Some(field.clone()), CHANGED));
                    }
                    Reverted::To(reverted) => {
                        contact.take(field, &reverted);
                        rules.resolutions.insert(field.clone(), deed.side);
                        decisions.push(Decision {
                            field: field.clone(),
                            to: deed.side,
                            before: said(now, field),
                            after: said(&reverted, field),
                            reason: PUT_BACK,
                        });
                    }
                }
            }
        }
        if decisions.is_empty() {
            return;
        }
        for deed in deeds.iter().filter(|deed| deed.side == Side::Dafater) {
            // An address that was deleted comes back with what is not synced of it.
            if let Some(image) = image(deed) {
                self.undo.plan.images.insert((view.pair.id.clone(), Side::Dafater), image);
            }
        }
        let mut merged = if is_link {
            Merged {
                google: Target { contact: typed.0.clone(), ..Target::default() },
                dafater: Target { contact: typed.1.clone(), ..Target::default() },
                ..Merged::default()
            }
        } else {
            let base = Both { google: &view.pair.google.contact, dafater: &view.pair.dafater.contact };
            merge(base, Both { google: &typed.0, dafater: &typed.1 }, &rules)
        };
        for carried in &mut merged.decisions {
            if decisions.iter().any(|decision| decision.field == carried.field) {
                carried.reason = PUT_BACK;
            }
        }
        for decision in decisions {
            let (target, now) = match decision.to {
                Side::Google => (&mut merged.google, &google_now),
                Side::Dafater => (&mut merged.dafater, &dafater_now),
            };
            if now.agrees_on(&decision.field, &target.contact) {
                continue;
            }
            if target.fields.insert(decision.field.clone()) {
                merged.decisions.push(decision);
            }
        }
        let agreed = is_link.then(|| {
            // What the pair made both agree on is agreed no more, and nothing new is: if this ends early, they are as they were when
            // they met.
            let mut agreed = (view.pair.google.contact.clone(), view.pair.dafater.contact.clone());
            merged.pending.extend(Field::of(&[&google_now, &dafater_now, &agreed.0, &agreed.1]));
            for field in merged.google.fields.union(&merged.dafater.fields) {
                agreed.0.take(field, &Contact::default());
                agreed.1.take(field, &Contact::default());
            }
            Box::new(agreed)
        });
        self.undo.plan.steps.push(Step {
            pair: view.pair.id.clone(),
            origin: view.pair.origin,
            before: Some(view.pair.clone()),
            agreed,
            google: Some(google.clone()),
            dafater: Some(dafater.clone()),
            action: Action::Merge(Box::new(merged)),
            reason: PUT_BACK,
        });
    }

    /// A pair that is no more: what the run deleted of it is created anew.
    fn gone(&mut self, pair: &PairId, deeds: &[Deed]) {
        let (deleted, others): (Vec<&Deed>, Vec<&Deed>) =
            deeds.iter().partition(|deed| deed.kind == DeedKind::Delete);
        for deed in others {
            self.leave(pair, deed, None, "the pair is no more");
        }
        let Some(deed) = deleted.first() else { return };
        let Some(contact) = deed.before.clone().filter(|contact| !contact.is_empty()) else {
            return self.leave(pair, deed, None, "its before-image was too large to keep");
        };
        for deed in &deleted {
            if let Some(image) = image(deed) {
                self.undo.plan.images.insert((pair.clone(), deed.side), image);
            }
        }
        let google = self.google_left(deed).or_else(|| self.made_again(pair));
        let dafater = self.dafater_left(deed, &contact);
        let dafater = match (google, dafater) {
            (None, None) => self.entered_again(&contact),
            (Some(_), _) | (_, Some(_)) => dafater,
        };
        let is_deleted = |side| deleted.iter().any(|deed| deed.side == side);
        let mapping = &self.planner.policy.mapping;
        match (google, dafater) {
            (Some(google), None) if is_deleted(Side::Dafater) => {
                self.create(pair, deed, Side::Dafater, &google.contact(mapping), (Some(google), None));
            }
            (None, Some(dafater)) if is_deleted(Side::Google) => {
                self.create(pair, deed, Side::Google, &dafater.contact(mapping), (None, Some(dafater)));
            }
            (None, None) => {
                let first = if self.planner.may_write(Side::Dafater) { Side::Dafater } else { deed.side };
                self.create(pair, deed, first, &contact, (None, None));
                if first == Side::Dafater {
                    self.undo.reborn.insert(pair.clone());
                }
            }
            (Some(_), _) | (_, Some(_)) => self.leave(pair, deed, None, "it stands again already"),
        }
    }

    fn create(
        &mut self,
        pair: &PairId,
        deed: &Deed,
        side: Side,
        contact: &Contact,
        (google, dafater): (Option<&Person>, Option<&Document>),
    ) {
        let (contact, withheld) = self.planner.admitted(contact, side);
        if !self.planner.may_write(side) {
            return self.leave(pair, deed, None, SWITCHED_OFF);
        }
        // A record of which the side shows nothing else must at least be findable by what is synced.
        if contact.is_empty() {
            return self.leave(pair, deed, None, "it held nothing that is synced");
        }
        self.undo.plan.steps.push(Step {
            pair: pair.clone(),
            origin: Origin::Created(side),
            before: None,
            agreed: None,
            google: google.cloned(),
            dafater: dafater.cloned(),
            action: Action::Create { side, contact, withheld },
            reason: REBORN,
        });
    }

    /// The record in Google that was the other half, if it stands and is nobody's.
    fn google_left(&self, deed: &Deed) -> Option<&'a Person> {
        let id = deed.google.as_ref()?;
        let mut alone = self.planner.snapshot.google.iter().map(|alone| &alone.record);
        alone.find(|person| RecordId::Google(person.source_id.clone()) == *id)
    }

    /// The contact that an earlier undo made in the place of one, under the same pair, without noting it.
    fn made_again(&self, pair: &PairId) -> Option<&'a Person> {
        let snapshot = self.planner.snapshot;
        let mut alone = snapshot.google.iter().map(|alone| &alone.record);
        alone.find(|person| person.marker(&snapshot.site).is_some_and(|marker| marker.pair == pair.as_str()))
    }

    /// The document that was the other half. A name is given again to others: either we know it by its creation, or it says so.
    fn dafater_left(&self, deed: &Deed, contact: &Contact) -> Option<&'a Document> {
        let id = deed.dafater.as_ref()?;
        let mapping = &self.planner.policy.mapping;
        let alone = &self.planner.snapshot.dafater;
        let found = alone.iter().find(|alone| RecordId::Dafater(alone.record.name.clone()) == *id)?;
        let now = found.record.contact(mapping);
        let one = |contact| [Candidate { contact, standing: Standing::Free }];
        let is_same = found.before.is_some() || !matching::find(&one(contact), &one(&now)).pairs.is_empty();
        is_same.then_some(&found.record)
    }

    /// The document of somebody new who says the very same as one that is gone: a person, or the undo of another account, put it back
    /// under another name.
    fn entered_again(&mut self, contact: &Contact) -> Option<&'a Document> {
        let mapping = &self.planner.policy.mapping;
        let (contact, _) = self.planner.admitted(contact, Side::Dafater);
        let name = |document: &Document| RecordId::Dafater(document.name.clone());
        let mut alone = self.planner.snapshot.dafater.iter().map(|alone| &alone.record);
        let found = alone.find(|document| {
            !self.named.contains(&name(document)) && contact.agrees(&document.contact(mapping))
        })?;
        self.named.insert(name(found));
        Some(found)
    }

    fn leave_all(&mut self, view: &PairView, deeds: &[Deed], reason: &'static str) {
        for deed in deeds {
            self.leave(&view.pair.id, deed, None, reason);
        }
    }

    fn leave(&mut self, pair: &PairId, deed: &Deed, field: Option<Field>, reason: &'static str) {
        self.undo.left.push(left(pair, deed, field, reason));
    }
}

fn left(pair: &PairId, deed: &Deed, field: Option<Field>, reason: &'static str) -> LeftAlone {
    let side = (deed.kind != DeedKind::Link).then_some(deed.side);
    LeftAlone { pair: pair.clone(), title: deed.title.clone(), side, field, reason }
}

fn image(deed: &Deed) -> Option<Image> {
    let (own, other) = match deed.side {
        Side::Google => (&deed.google, &deed.dafater),
        Side::Dafater => (&deed.dafater, &deed.google),
    };
    let record = other.as_ref().or(own.as_ref())?.clone();
    Some(Image { fields: deed.image.clone()?, record })
}

/// What the contact says in `field`, in words.
fn said(contact: &Contact, field: &Field) -> String {
    match field {
        Field::Text(text) => contact.text(text).to_owned(),
        Field::Emails => listed(&contact.emails),
        Field::Phones => listed(&contact.phones),
        Field::Addresses => contact.addresses.as_ref().map(listed).unwrap_or_default(),
    }
}

enum Reverted {
    /// The run did not change the field, or it is as before already.
    Nothing,
    /// Somebody changed it since.
    Kept,
    /// The contact that says so.
    To(Contact),
}

fn reverted(field: &Field, now: &Contact, before: &Contact, after: &Contact) -> Reverted {
    if before.agrees_on(field, after) || now.agrees_on(field, before) {
        return Reverted::Nothing;
    }
    let mut contact = now.clone();
    match field {
        Field::Text(_) if !now.agrees_on(field, after) => return Reverted::Kept,
        Field::Text(text) if is_too_long(before.text(text)) => return Reverted::Kept,
        Field::Text(_) => contact.take(field, before),
        Field::Emails => match reverted_set(&now.emails, &before.emails, &after.emails) {
            Some(emails) => contact.emails = emails,
            None => return Reverted::Kept,
        },
        Field::Phones => {
            match reverted_set(&now.phones, &before.phones, &after.phones) {
                Some(phones) => contact.phones = phones,
                None => return Reverted::Kept,
            }
            if now.mobile == after.mobile {
                contact.mobile.clone_from(&before.mobile);
            }
            contact.mobile = contact.mobile.take().filter(|mobile| contact.phones.contains(mobile));
        }
        Field::Addresses => {
            let (Some(now), Some(before), Some(after)) =
                (&now.addresses, &before.addresses, &after.addresses)
            else {
                return Reverted::Nothing;
            };
            match reverted_set(now, before, after) {
                Some(addresses) => contact.addresses = Some(addresses),
                None => return Reverted::Kept,
            }
        }
    }
    if contact.agrees_on(field, now) { Reverted::Kept } else { Reverted::To(contact) }
}

/// The set without what the run added and with what it removed; `None` where one of those values was touched since.
fn reverted_set(now: &Values, before: &Values, after: &Values) -> Option<Values> {
    let added: Vec<_> = after.keys().filter(|key| !before.contains(key)).collect();
    let removed: Vec<_> = before.iter().filter(|value| !after.contains(&value.key)).collect();
    if added.iter().any(|key| !now.contains(key)) || removed.iter().any(|value| now.contains(&value.key)) {
        return None;
    }
    let mut set = Values::default();
    for value in before {
        // In its old place, in the spelling that it has now; gone if a person removed it since.
        if let Some(value) = now.get(&value.key).or(removed.contains(&value).then_some(value)) {
            set.add(value.clone());
        }
    }
    for value in now.iter().filter(|value| !added.contains(&&value.key)) {
        set.add(value.clone());
    }
    let primary = if now.primary() == after.primary() { before.primary() } else { now.primary() };
    set.set_primary(primary);
    Some(set)
}
