//! Who is left when all proofs are used: matched by likeness, and what becomes of those who are like nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Record;
use super::{Documents, Fate, Kind, People, Placed, Single, halves};
use crate::contact::Contact;
use crate::mapping::{Document, Person};
use crate::sync::matching::{self, Doubt, Matches};
use crate::sync::plan::candidates::{Candidates, review};
use crate::sync::plan::forgotten;
use crate::sync::plan::planner::{Planner, Widow};
use crate::sync::snapshot::Sighting;
use crate::sync::{LooseReason, Origin, PairId, RecordId, Review, Side};

impl<'a> Planner<'a> {
    pub(super) fn by_likeness(&mut self, people: &People<'a>, documents: &Documents<'a>, mut placed: Placed) {
        let snapshot = self.snapshot;
        if people.is_empty() && documents.is_empty() {
            return;
        }
        let (seen, veiled) = (self.seen_in_pairs(), self.remembered_of_unseen());
        let mut google = self.candidates(people, &placed.google);
        let mut dafater = self.candidates(documents, &placed.dafater);
        for (id, contact) in &veiled {
            match id.side() {
                Side::Google => google.veiled(id, contact),
                Side::Dafater => dafater.veiled(id, contact),
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
            match (google.origin(*left), dafater.origin(*right)) {
                (Some(left), Some(right)) if self.may_show(people.get(left), documents.get(right)) => {
                    // Whoever is like one of them waits as well: that it is nobody's is not known.
                    if let (Some(person), Some(document)) = (people.get(left), documents.get(right)) {
                        self.wait_for_veiled(left, person, &mut placed.google);
                        self.wait_for_veiled(right, document, &mut placed.dafater);
                    }
                }
                (Some(left), Some(right)) => {
                    let reason =
                        matches.reasons.get(pair).copied().unwrap_or("the same person on both sides");
                    self.join((left, right), people, documents, &mut placed, Origin::Matched, reason);
                }
                (Some(left), None) => {
                    if let Some(person) = people.get(left) {
                        self.wait_for_veiled(left, person, &mut placed.google);
                    }
                }
                (None, Some(right)) => {
                    if let Some(document) = documents.get(right) {
                        self.wait_for_veiled(right, document, &mut placed.dafater);
                    }
                }
                (None, None) => {}
            }
        }
        let doubts = google.doubts(&matches.google_review);
        self.lonely(people, &placed.google, &doubts, (&google, &dafater));
        let doubts = dafater.doubts(&matches.dafater_review);
        self.lonely(documents, &placed.dafater, &doubts, (&dafater, &google));
    }

    /// Whether a counterpart of one of two that are alike, and stand alone, was created and may show yet: then the other is not it.
    fn may_show(&self, person: Option<&Single<'a, Person>>, document: Option<&Single<'a, Document>>) -> bool {
        let (Some(person), Some(document)) = (person, document) else { return false };
        let in_doubt = &self.snapshot.in_doubt;
        person.is_alone()
            && document.is_alone()
            && (in_doubt.contains(&self.begun(person.record))
                || in_doubt.contains(&self.begun(document.record)))
    }

    /// The records of one side as matching sees them.
    fn candidates<'s, T>(&self, singles: &'s [Single<'a, T>], placed: &BTreeSet<usize>) -> Candidates<'s> {
        let mut candidates = Candidates::default();
        for (index, single) in singles.iter().enumerate() {
            let (id, contact) = (&single.id, &single.contact);
            if placed.contains(&index) {
                candidates.paired(id, contact);
            } else if self.snapshot.decisions.apart.contains(id) {
                // Declared to be somebody of its own: like nobody.
            } else if single.takes_part() && single.may_match() {
                candidates.free(index, single.is_widowed(), id, contact);
            } else if single.takes_part() {
                candidates.outside(id, contact);
            }
        }
        candidates
    }

    /// What becomes of the records of one side that found nobody.
    fn lonely<T: Record>(
        &mut self,
        singles: &[Single<'a, T>],
        placed: &BTreeSet<usize>,
        doubts: &BTreeMap<usize, &Doubt>,
        (own, other): (&Candidates<'_>, &Candidates<'_>),
    ) {
        let lonely = || singles.iter().enumerate().filter(|(index, _)| !placed.contains(index));
        let mut bereft = BTreeSet::new();
        for (index, widow) in lonely().filter_map(|(index, single)| Some((index, single.widow()?))) {
            // Records of the other side may compete to be the counterpart.
            let is_ambiguous = doubts.get(&index).is_some_and(|doubt| !doubt.others.is_empty());
            if self.one_left(widow, is_ambiguous) {
                bereft.insert(index);
            }
        }
        for (index, single) in lonely() {
            let doubt = doubts.get(&index).copied();
            match &single.kind {
                Kind::Widow(_) => {}
                // Refused a moment ago and unchanged: matched above if it could be, but not tried again yet.
                Kind::Alone(alone) if alone.is_waiting => {}
                Kind::Alone(alone) if own.is_twin_of(doubt, &bereft) => {
                    let question = forgotten::question(&single.id);
                    if let Fate::Loose(why, review) = self.fate(alone, &single.contact, Some(question)) {
                        self.keep(single, why, review);
                    }
                }
                Kind::Alone(_) if doubt.is_none() && !single.is_skipped() && self.is_bereft(single) => {
                    self.keep(single, LooseReason::Detached, None);
                }
                Kind::Alone(alone) => {
                    let doubted = doubt.map(|doubt| review(&single.id, doubt, other, own));
                    let replaced = || Some(replaced(&single.id, alone.successor.as_ref()?));
                    let review = doubted.or_else(replaced).or_else(|| self.left_over(single, alone));
                    // Whoever was declared somebody of its own is not asked about again.
                    let review = review.filter(|_| !self.snapshot.decisions.apart.contains(&single.id));
                    match self.fate(alone, &single.contact, review) {
                        Fate::Create => self.create(single),
                        Fate::Loose(why, review) => self.keep(single, why, review),
                    }
                }
            }
        }
    }

    /// Whether a copy whose receipt was lost says what it was created with, and what it was made from is deleted by now: it must not
    /// bring that back.
    fn is_bereft<T: Record>(&self, single: &Single<'a, T>) -> bool {
        self.snapshot.bereft.get(&single.id).is_some_and(|pair| {
            let promise = self.snapshot.promises.get(pair);
            promise.is_none_or(|promise| promise.is_kept(T::SIDE, &single.contact))
        })
    }

    /// What those records said that cannot be seen now: of those that lost their counterparts, and of those that stand alone.
    fn remembered_of_unseen(&self) -> Vec<(RecordId, &'a Contact)> {
        let half = |widow: &Widow<'a>| {
            let [google, dafater] = halves(widow.view);
            match widow.left {
                Side::Google => (google, &widow.view.pair.google.contact),
                Side::Dafater => (dafater, &widow.view.pair.dafater.contact),
            }
        };
        let missed = self.snapshot.missed.iter().map(|(record, contact)| (record.clone(), contact));
        self.veiled.iter().map(half).chain(missed).collect()
    }

    /// What the records of the observed pairs say, as far as is known, but for those that are left alone.
    fn seen_in_pairs(&self) -> Vec<(RecordId, Contact)> {
        let mapping = &self.policy.mapping;
        let widowed: BTreeSet<&PairId> =
            self.widows.iter().chain(&self.veiled).map(|widow| &widow.view.pair.id).collect();
        let mut seen = Vec::new();
        for view in self.snapshot.pairs.iter().filter(|view| !widowed.contains(&view.pair.id)) {
            let [google, dafater] = halves(view);
            match &view.google {
                Sighting::Present(person) => seen.push((google, person.contact(mapping))),
                Sighting::Stale | Sighting::Unseen => seen.push((google, view.pair.google.contact.clone())),
                Sighting::Gone => {}
            }
            match &view.dafater {
                Sighting::Present(document) => seen.push((dafater, document.contact(mapping))),
                Sighting::Stale | Sighting::Unseen => seen.push((dafater, view.pair.dafater.contact.clone())),
                Sighting::Gone => {}
            }
        }
        seen
    }
}

/// The question about a record that came back after another was made in its place.
fn replaced(record: &RecordId, successor: &RecordId) -> Review {
    Review {
        record: record.clone(),
        candidates: vec![successor.clone()],
        reason: "it was deleted, made anew, and then restored".to_owned(),
    }
}
