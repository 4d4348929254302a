//! Who is left when all proofs are used: matched by likeness, and what becomes of those who are like nobody.

use std::collections::BTreeSet;

use super::{Documents, Fate, Kind, People, Placed, halves};
use crate::contact::Contact;
use crate::sync::matching::{self, Doubt, Matches};
use crate::sync::plan::candidates::{Candidates, review};
use crate::sync::plan::planner::{Planner, Widow};
use crate::sync::snapshot::Sighting;
use crate::sync::{Origin, PairId, RecordId, Review, Side};

impl<'a> Planner<'a> {
    pub(super) fn by_likeness(&mut self, people: &People<'a>, documents: &Documents<'a>, mut placed: Placed) {
        let snapshot = self.snapshot;
        if people.is_empty() && documents.is_empty() {
            return;
        }
        let (seen, veiled) = (self.seen_in_pairs(), self.remembered_of_veiled());
        let (mut google, mut dafater) = (Candidates::default(), Candidates::default());
        for (index, person) in people.iter().enumerate() {
            if placed.google.contains(&index) {
                google.paired(&person.id, &person.contact);
            } else if self.is_apart(&person.id) {
                // Declared to be somebody of its own: like nobody.
            } else if person.takes_part() && person.may_match() {
                google.free(index, person.is_widowed(), &person.id, &person.contact);
            } else if person.takes_part() {
                google.outside(&person.id, &person.contact);
            }
        }
        for (index, document) in documents.iter().enumerate() {
            if placed.dafater.contains(&index) {
                dafater.paired(&document.id, &document.contact);
            } else if self.is_apart(&document.id) {
                // Declared to be somebody of its own: like nobody.
            } else if document.takes_part() && document.may_match() {
                dafater.free(index, document.is_widowed(), &document.id, &document.contact);
            } else if document.takes_part() {
                dafater.outside(&document.id, &document.contact);
            }
        }
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
                (Some(left), Some(right)) => {
                    let reason =
                        matches.reasons.get(pair).copied().unwrap_or("the same person on both sides");
                    self.join((left, right), people, documents, &mut placed, Origin::Matched, reason);
                }
                (Some(left), None) => {
                    if let Some(person) = people.get(left) {
                        self.person_waits(left, person, &mut placed);
                    }
                }
                (None, Some(right)) => {
                    if let Some(document) = documents.get(right) {
                        self.document_waits(right, document, &mut placed);
                    }
                }
                (None, None) => {}
            }
        }
        self.lonely_people(people, &placed, &matches, (&google, &dafater));
        self.lonely_documents(documents, &placed, &matches, (&google, &dafater));
    }

    fn is_apart(&self, record: &RecordId) -> bool {
        self.snapshot.decisions.apart.contains(record)
    }

    /// What becomes of the Google contacts that found nobody.
    fn lonely_people(
        &mut self,
        people: &People<'a>,
        placed: &Placed,
        matches: &Matches,
        (google, dafater): (&Candidates<'_>, &Candidates<'_>),
    ) {
        let doubts = google.doubts(&matches.google_review);
        for (index, person) in people.iter().enumerate().filter(|(index, _)| !placed.google.contains(index)) {
            let doubt = doubts.get(&index).copied();
            match &person.kind {
                Kind::Widow(widow) => self.one_left(*widow, is_ambiguous(doubt)),
                // Refused a moment ago and unchanged: matched above if it could be, but not tried again yet.
                Kind::Alone(alone) if alone.is_waiting => {}
                Kind::Alone(alone) => {
                    let doubted = doubt.map(|doubt| review(&person.id, doubt, dafater, google));
                    let replaced = || Some(replaced(&person.id, alone.successor.as_ref()?));
                    let review = doubted.or_else(replaced).or_else(|| self.left_over(person, alone));
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
    }

    /// What becomes of the documents that found nobody.
    fn lonely_documents(
        &mut self,
        documents: &Documents<'a>,
        placed: &Placed,
        matches: &Matches,
        (google, dafater): (&Candidates<'_>, &Candidates<'_>),
    ) {
        let doubts = dafater.doubts(&matches.dafater_review);
        for (index, document) in
            documents.iter().enumerate().filter(|(index, _)| !placed.dafater.contains(index))
        {
            let doubt = doubts.get(&index).copied();
            match &document.kind {
                Kind::Widow(widow) => self.one_left(*widow, is_ambiguous(doubt)),
                // Refused a moment ago and unchanged: matched above if it could be, but not tried again yet.
                Kind::Alone(alone) if alone.is_waiting => {}
                Kind::Alone(alone) => {
                    let doubted = doubt.map(|doubt| review(&document.id, doubt, google, dafater));
                    let review = doubted.or_else(|| self.left_over(document, alone));
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

    /// What those records said that lost their counterparts and cannot be seen now.
    fn remembered_of_veiled(&self) -> Vec<(RecordId, &'a Contact)> {
        let half = |widow: &Widow<'a>| {
            let [google, dafater] = halves(widow.view);
            match widow.left {
                Side::Google => (google, &widow.view.pair.google.contact),
                Side::Dafater => (dafater, &widow.view.pair.dafater.contact),
            }
        };
        self.veiled.iter().map(half).collect()
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

/// Whether records of the other side compete to be the counterpart.
fn is_ambiguous(doubt: Option<&Doubt>) -> bool {
    doubt.is_some_and(|doubt| !doubt.others.is_empty())
}
