//! Places the records that have no counterpart: those in no pair, and those whose counterpart was deleted.
//!
//! What people declared comes first, then the markers that our own creates left, then likeness. Whoever finds nobody is created
//! on the other side, or stays alone for a reason.

use std::collections::{BTreeMap, BTreeSet};

use super::candidates::{Candidates, review};
use super::planner::{Planner, Widow};
use super::{Action, Step};
use crate::contact::Contact;
use crate::mapping::{Document, Person};
use crate::sync::matching::{self, Doubt, Matches};
use crate::sync::snapshot::{Alone, PairView};
use crate::sync::{Both, Loose, LooseReason, Origin, PairId, RecordId, Review, Side, merge};

/// A record without a counterpart.
struct Single<'a, T> {
    id: RecordId,
    record: &'a T,
    contact: Contact,
    kind: Kind<'a, T>,
}

enum Kind<'a, T> {
    /// It is in no pair.
    Alone(&'a Alone<T>),
    /// Its counterpart was deleted.
    Widow(Widow<'a>),
}

impl<'a, T> Single<'a, T> {
    fn widow(&self) -> Option<Widow<'a>> {
        match &self.kind {
            Kind::Alone(_) => None,
            Kind::Widow(widow) => Some(*widow),
        }
    }

    /// Whether a person decided that it stays alone.
    fn is_skipped(&self) -> bool {
        match &self.kind {
            Kind::Widow(_) => false,
            Kind::Alone(alone) => {
                alone.before.as_ref().is_some_and(|loose| loose.why == LooseReason::Skipped)
            }
        }
    }

    /// Whether it may be matched by likeness.
    fn takes_part(&self) -> bool {
        let is_in_scope = match &self.kind {
            Kind::Widow(_) => true,
            Kind::Alone(alone) => alone.is_in_scope,
        };
        is_in_scope && !self.contact.is_empty() && !self.is_skipped()
    }
}

type People<'a> = Vec<Single<'a, Person>>;
type Documents<'a> = Vec<Single<'a, Document>>;

/// Indexes of records that have their place.
#[derive(Default)]
struct Placed {
    google: BTreeSet<usize>,
    dafater: BTreeSet<usize>,
}

enum Fate {
    Create,
    Loose(LooseReason, Option<Review>),
}

impl<'a> Planner<'a> {
    pub(super) fn place_singles(&mut self) {
        let people = self.people();
        let documents = self.documents();
        let mut placed = Placed::default();
        self.by_decision(&people, &documents, &mut placed);
        self.by_marker(&people, &documents, &mut placed);
        self.by_likeness(&people, &documents, placed);
    }

    fn people(&self) -> People<'a> {
        let phones = self.policy.phones;
        let alone = self.snapshot.google.iter().map(|alone| Single {
            id: RecordId::Google(alone.record.source_id.clone()),
            record: &alone.record,
            contact: alone.record.contact(phones),
            kind: Kind::Alone(alone),
        });
        let widows = self.widows.iter().filter(|widow| widow.left == Side::Google).filter_map(|widow| {
            let record = widow.view.google.present()?;
            let id = RecordId::Google(record.source_id.clone());
            Some(Single { id, record, contact: record.contact(phones), kind: Kind::Widow(*widow) })
        });
        alone.chain(widows).collect()
    }

    fn documents(&self) -> Documents<'a> {
        let phones = self.policy.phones;
        let alone = self.snapshot.dafater.iter().map(|alone| Single {
            id: RecordId::Dafater(alone.record.name.clone()),
            record: &alone.record,
            contact: alone.record.contact(phones),
            kind: Kind::Alone(alone),
        });
        let widows = self.widows.iter().filter(|widow| widow.left == Side::Dafater).filter_map(|widow| {
            let record = widow.view.dafater.present()?;
            let id = RecordId::Dafater(record.name.clone());
            Some(Single { id, record, contact: record.contact(phones), kind: Kind::Widow(*widow) })
        });
        alone.chain(widows).collect()
    }

    fn by_decision(&mut self, people: &People<'a>, documents: &Documents<'a>, placed: &mut Placed) {
        let snapshot = self.snapshot;
        for (google, dafater) in &snapshot.decisions.links {
            let left = people.iter().position(|single| single.id == *google);
            let right = documents.iter().position(|single| single.id == *dafater);
            if let (Some(left), Some(right)) = (left, right) {
                let reason = "a person declared them to be the same";
                self.join((left, right), people, documents, placed, Origin::Matched, reason);
            }
        }
    }

    /// A record that carries our marker was created by us, whatever our memory says.
    fn by_marker(&mut self, people: &People<'a>, documents: &Documents<'a>, placed: &mut Placed) {
        let snapshot = self.snapshot;
        let mut by_creation: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (right, document) in documents.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            by_creation.entry(document.record.creation.civil()).or_default().push(right);
        }
        for (left, person) in people.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            let Some(marker) = person.record.marker(&snapshot.site) else { continue };
            if let Some([right]) = by_creation.get(&marker.creation.civil()).map(Vec::as_slice) {
                let origin = Origin::Created(Side::Google);
                self.join((left, *right), people, documents, placed, origin, "created here by the sync");
            }
        }
        let mut by_name = BTreeMap::new();
        for (left, person) in people.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            for name in std::iter::once(&person.record.resource_name).chain(&person.record.previous_names) {
                by_name.insert(name.0.as_str(), (left, person));
            }
        }
        for (right, document) in documents.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            let source = document.record.google_contacts_id().and_then(|id| by_name.get(id));
            if let Some((left, person)) = source {
                // The built-in integration leaves the same id on contacts that people made; only an intent of ours proves more.
                let begun = PairId::from_google(&snapshot.account, &person.record.source_id);
                let pair = person.widow().map_or(begun, |widow| widow.view.pair.id.clone());
                let is_ours = snapshot.begun.contains(&pair);
                let origin = if is_ours { Origin::Created(Side::Dafater) } else { Origin::Matched };
                let reason = "the document names the Google contact";
                self.join((*left, right), people, documents, placed, origin, reason);
            }
        }
    }

    fn by_likeness(&mut self, people: &People<'a>, documents: &Documents<'a>, mut placed: Placed) {
        let snapshot = self.snapshot;
        if people.is_empty() && documents.is_empty() {
            return;
        }
        let seen = self.seen_in_pairs();
        let (mut google, mut dafater) = (Candidates::default(), Candidates::default());
        for (index, person) in people.iter().enumerate() {
            if placed.google.contains(&index) {
                google.paired(&person.id, &person.contact);
            } else if person.takes_part() && !snapshot.decisions.apart.contains(&person.id) {
                google.free(index, &person.id, &person.contact);
            }
        }
        for (index, document) in documents.iter().enumerate() {
            if placed.dafater.contains(&index) {
                dafater.paired(&document.id, &document.contact);
            } else if document.takes_part() && !snapshot.decisions.apart.contains(&document.id) {
                dafater.free(index, &document.id, &document.contact);
            }
        }
        // What a pair says now counts before what it said when it was last remembered.
        let gone: BTreeSet<RecordId> = snapshot.pairs.iter().flat_map(halves).collect();
        let remembered = snapshot.paired.iter().filter(|(id, _)| !gone.contains(id));
        for (id, contact) in seen.iter().chain(remembered) {
            match id.side() {
                Side::Google => google.paired(id, contact),
                Side::Dafater => dafater.paired(id, contact),
            }
        }
        let is_needed = google.has_free() || dafater.has_free();
        let matches =
            if is_needed { matching::find(google.list(), dafater.list()) } else { Matches::default() };
        for pair @ (left, right) in &matches.pairs {
            if let (Some(left), Some(right)) = (google.origin(*left), dafater.origin(*right)) {
                let reason = matches.reasons.get(pair).copied().unwrap_or("the same person on both sides");
                self.join((left, right), people, documents, &mut placed, Origin::Matched, reason);
            }
        }
        let google_doubts = google.doubts(&matches.google_review);
        let dafater_doubts = dafater.doubts(&matches.dafater_review);

        for (index, person) in people.iter().enumerate().filter(|(index, _)| !placed.google.contains(index)) {
            let doubt = google_doubts.get(&index).copied();
            match &person.kind {
                Kind::Widow(widow) => self.one_left(*widow, is_ambiguous(doubt)),
                // Refused a moment ago and unchanged: matched above if it could be, but not tried again yet.
                Kind::Alone(alone) if alone.is_waiting => {}
                Kind::Alone(alone) => {
                    let review = doubt.map(|doubt| review(&person.id, doubt, &dafater, &google));
                    match self.fate(alone, &person.contact, review, Side::Dafater) {
                        Fate::Create => {
                            self.create(Some(person.record), None, &person.contact, Side::Dafater);
                        }
                        Fate::Loose(why, review) => {
                            let revision = person.record.etag.0.clone();
                            self.keep(person, None, revision, why, review, alone.before.as_ref());
                        }
                    }
                }
            }
        }
        for (index, document) in
            documents.iter().enumerate().filter(|(index, _)| !placed.dafater.contains(index))
        {
            let doubt = dafater_doubts.get(&index).copied();
            match &document.kind {
                Kind::Widow(widow) => self.one_left(*widow, is_ambiguous(doubt)),
                // Refused a moment ago and unchanged: matched above if it could be, but not tried again yet.
                Kind::Alone(alone) if alone.is_waiting => {}
                Kind::Alone(alone) => {
                    let review = doubt.map(|doubt| review(&document.id, doubt, &google, &dafater));
                    match self.fate(alone, &document.contact, review, Side::Google) {
                        Fate::Create => {
                            self.create(None, Some(document.record), &document.contact, Side::Google);
                        }
                        Fate::Loose(why, review) => {
                            let (creation, revision) =
                                (document.record.creation.clone(), document.record.modified.0.clone());
                            let before = alone.before.as_ref();
                            self.keep(document, Some(creation), revision, why, review, before);
                        }
                    }
                }
            }
        }
    }

    /// What the records of the observed pairs say now, but for those that are left alone.
    fn seen_in_pairs(&self) -> Vec<(RecordId, Contact)> {
        let phones = self.policy.phones;
        let widowed: BTreeSet<&PairId> = self.widows.iter().map(|widow| &widow.view.pair.id).collect();
        let mut seen = Vec::new();
        for view in self.snapshot.pairs.iter().filter(|view| !widowed.contains(&view.pair.id)) {
            if let Some(person) = view.google.present() {
                seen.push((RecordId::Google(person.source_id.clone()), person.contact(phones)));
            }
            if let Some(document) = view.dafater.present() {
                seen.push((RecordId::Dafater(document.name.clone()), document.contact(phones)));
            }
        }
        seen
    }

    /// Makes a pair of two singles, unless one of them has its place already or both lost their counterparts.
    fn join(
        &mut self,
        (left, right): (usize, usize),
        people: &People<'a>,
        documents: &Documents<'a>,
        placed: &mut Placed,
        origin: Origin,
        reason: &'static str,
    ) {
        let snapshot = self.snapshot;
        let (Some(person), Some(document)) = (people.get(left), documents.get(right)) else { return };
        let widow = match (person.widow(), document.widow()) {
            (Some(_), Some(_)) => return,
            (widow, None) | (None, widow) => widow,
        };
        if placed.google.contains(&left) || placed.dafater.contains(&right) {
            return;
        }
        placed.google.insert(left);
        placed.dafater.insert(right);
        let before = widow.map(|widow| &widow.view.pair);
        let pair = match (before, origin) {
            (Some(pair), _) => pair.id.clone(),
            (None, Origin::Created(Side::Google)) => {
                PairId::from_dafater(&snapshot.account, &document.record.creation, &document.record.name)
            }
            (None, Origin::Matched | Origin::Created(Side::Dafater)) => {
                PairId::from_google(&snapshot.account, &person.record.source_id)
            }
        };
        let (mut base_google, mut base_dafater) = (Contact::default(), Contact::default());
        if let (Origin::Created(side), Some(promise)) = (origin, snapshot.promises.get(&pair)) {
            // What we wrote into a record that we created, and did not note, is no edit.
            let created = match side {
                Side::Google => &person.contact,
                Side::Dafater => &document.contact,
            };
            promise.redeem_base(&mut base_google, &mut base_dafater, side, created);
        }
        let base = Both { google: &base_google, dafater: &base_dafater };
        let now = Both { google: &person.contact, dafater: &document.contact };
        let merged = merge(base, now, &self.rules(before, person.record, document.record));
        self.plan.steps.push(Step {
            pair,
            origin,
            before: before.cloned(),
            google: Some(person.record.clone()),
            dafater: Some(document.record.clone()),
            action: Action::Merge(Box::new(merged)),
            reason,
        });
    }

    fn fate<T>(&self, alone: &Alone<T>, contact: &Contact, review: Option<Review>, to: Side) -> Fate {
        let decided = alone.before.as_ref().map(|loose| loose.why);
        match decided {
            Some(LooseReason::Skipped) => return Fate::Loose(LooseReason::Skipped, None),
            Some(LooseReason::Detached) => return Fate::Loose(LooseReason::Detached, None),
            Some(
                LooseReason::DirectionOff
                | LooseReason::OutOfScope
                | LooseReason::Review
                | LooseReason::Empty
                | LooseReason::Parked,
            )
            | None => {}
        }
        if self.admitted(contact, to).0.is_empty() {
            Fate::Loose(LooseReason::Empty, None)
        } else if !alone.is_in_scope {
            Fate::Loose(LooseReason::OutOfScope, None)
        } else if let Some(review) = review {
            Fate::Loose(LooseReason::Review, Some(review))
        } else if self.may_write(to) {
            Fate::Create
        } else {
            Fate::Loose(LooseReason::DirectionOff, None)
        }
    }

    fn keep<T>(
        &mut self,
        single: &Single<'_, T>,
        creation: Option<crate::mapping::SiteStamp>,
        revision: String,
        why: LooseReason,
        review: Option<Review>,
        before: Option<&Loose>,
    ) {
        let loose =
            Loose { record: single.id.clone(), creation, revision, contact: single.contact.clone(), why };
        if before != Some(&loose) {
            self.plan.loose.push(loose);
        }
        self.plan.reviews.extend(review);
    }

    fn create(&mut self, google: Option<&Person>, dafater: Option<&Document>, contact: &Contact, side: Side) {
        let account = &self.snapshot.account;
        let pair = match (google, dafater) {
            (Some(google), _) => PairId::from_google(account, &google.source_id),
            (None, Some(dafater)) => PairId::from_dafater(account, &dafater.creation, &dafater.name),
            (None, None) => return,
        };
        let marked = google
            .and_then(|person| person.marker(&self.snapshot.site))
            .and_then(|marker| PairId::parse(&marker.pair));
        let is_in_doubt = marked.iter().chain([&pair]).any(|pair| self.snapshot.in_doubt.contains(pair));
        let (contact, withheld) = self.admitted(contact, side);
        let reason = match side {
            _ if is_in_doubt => {
                "created already, but the answer was lost; looked for before it is sent again"
            }
            Side::Google => "new in Dafater",
            Side::Dafater => "new in Google",
        };
        let action = if is_in_doubt { Action::Postpone } else { Action::Create { side, contact, withheld } };
        self.plan.steps.push(Step {
            pair,
            origin: Origin::Created(side),
            before: None,
            google: google.cloned(),
            dafater: dafater.cloned(),
            action,
            reason,
        });
    }
}

/// Whether records of the other side compete to be the counterpart.
fn is_ambiguous(doubt: Option<&Doubt>) -> bool {
    doubt.is_some_and(|doubt| !doubt.others.is_empty())
}

/// Both records of a pair, as they are remembered.
fn halves(view: &PairView) -> [RecordId; 2] {
    [RecordId::Google(view.pair.google.source_id.clone()), RecordId::Dafater(view.pair.dafater.name.clone())]
}
