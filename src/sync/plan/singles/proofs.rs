//! What people declared, and what our own creates left behind: the markers on both sides.
//!
//! Law: a record that carries our marker was created by us, whatever our memory says; it is never new.

use std::collections::{BTreeMap, BTreeSet};

use super::record::Record;
use super::{Documents, People, Placed, Single};
use crate::mapping::{Document, Person, ResourceName};
use crate::sync::plan::planner::Planner;
use crate::sync::plan::reunion::were_one;
use crate::sync::snapshot::PairView;
use crate::sync::{LooseReason, Origin, Pair, PairId, Side};

/// How pairs come to be whose contact in Google the sync made.
const OURS: Origin = Origin::Created(Side::Google);

impl<'a> Planner<'a> {
    pub(super) fn by_decision(
        &mut self,
        people: &People<'a>,
        documents: &Documents<'a>,
        placed: &mut Placed,
    ) {
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

    /// Two records that were a pair until one of them was deleted, and that both stand again.
    pub(super) fn by_memory(&mut self, people: &People<'a>, documents: &Documents<'a>, placed: &mut Placed) {
        for pair in &self.snapshot.parted {
            let left = people.iter().position(|single| single.record.source_id == pair.google.source_id);
            let Some((left, person)) = left.and_then(|left| Some((left, people.get(left)?))) else {
                continue;
            };
            let right = documents.iter().position(|single| were_one(pair, person.record, single.record));
            let Some((right, document)) = right.and_then(|right| Some((right, documents.get(right)?))) else {
                continue;
            };
            let is_free =
                person.is_alone() && document.is_alone() && person.may_match() && document.may_match();
            if is_free {
                let reason = "they were a pair before one of them was deleted, and both stand again";
                self.join((left, right), people, documents, placed, pair.origin, reason);
            }
        }
    }

    /// A record that carries our marker was created by us, whatever our memory says.
    pub(super) fn by_marker(&mut self, people: &People<'a>, documents: &Documents<'a>, placed: &mut Placed) {
        let snapshot = self.snapshot;
        let mut by_creation: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (right, document) in documents.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            by_creation.entry(document.record.creation.civil()).or_default().push(right);
        }
        for (left, person) in people.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            let Some(marker) = person.record.marker(&snapshot.site) else { continue };
            if let Some([right]) = by_creation.get(&marker.creation.civil()).map(Vec::as_slice) {
                let is_inherited = documents.get(*right).is_some_and(|right| self.inherits(person, right));
                let (origin, reason) = if is_inherited {
                    (Origin::Matched, "merged in Google with what the sync created there")
                } else {
                    (OURS, "created here by the sync")
                };
                if !self.may_be_pair((left, *right), people, documents, origin) {
                    self.keep_outside((left, *right), people, documents, placed);
                    continue;
                }
                self.join((left, *right), people, documents, placed, origin, reason);
            }
        }
        let mut by_name = BTreeMap::new();
        for (left, person) in people.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            by_name.extend(person.record.names().map(|name| (name.0, (left, person))));
        }
        for (right, document) in documents.iter().enumerate().filter(|(_, single)| !single.is_skipped()) {
            let source = document.record.google_contacts_id().and_then(|id| by_name.get(id));
            if let Some((left, person)) = source {
                // The built-in integration leaves the same id on contacts that people made; only an intent of ours proves more.
                let begun = self.begun(person.record);
                let pair = person.widow().map_or(begun, |widow| widow.view.pair.id.clone());
                let is_ours = snapshot.begun.contains(&pair);
                let origin = if is_ours { Origin::Created(Side::Dafater) } else { Origin::Matched };
                if !self.may_be_pair((*left, right), people, documents, origin) {
                    self.keep_outside((*left, right), people, documents, placed);
                    continue;
                }
                let reason = "the document names the Google contact";
                self.join((*left, right), people, documents, placed, origin, reason);
            }
        }
    }

    /// Whether a person has our marker from a contact that was merged into it, and is not itself of our making: a merge in Google
    /// hands `clientData` on to the survivor.
    fn inherits(&self, person: &Single<'a, Person>, document: &Single<'a, Document>) -> bool {
        let source = &person.record.source_id;
        let was_theirs = |pair: &Pair| pair.google.source_id == *source && pair.origin != OURS;
        let was_another = |pair: &Pair| {
            pair.google.source_id != *source && pair.origin == OURS && !self.snapshot.begun.contains(&pair.id)
        };
        person.widow().is_some_and(|widow| was_theirs(&widow.view.pair))
            || document.widow().is_some_and(|widow| was_another(&widow.view.pair))
            || self.snapshot.parted.iter().any(was_theirs)
    }

    /// A record that we created in place of a deleted one, and whose receipt was lost: by now its counterpart was deleted too. It
    /// must not bring back what was deleted on the other side.
    pub(super) fn bereaved(&mut self, people: &People<'a>, documents: &Documents<'a>, placed: &mut Placed) {
        let snapshot = self.snapshot;
        let is_begun = |view: &&&PairView| snapshot.begun.contains(&view.pair.id);
        for view in self.lost.iter().filter(is_begun).copied().collect::<Vec<_>>() {
            let creation = view.pair.dafater.creation.civil();
            self.detach(people, &mut placed.google, &view.pair.id, |person| {
                person.marker(&snapshot.site).is_some_and(|marker| marker.creation.civil() == creation)
            });
            let names: BTreeSet<String> = names_of(&view.pair).collect();
            self.detach(documents, &mut placed.dafater, &view.pair.id, |document| {
                document.google_contacts_id().is_some_and(|name| names.contains(name))
            });
        }
    }

    /// Leaves alone what was created for a pair: of several that seem so, what says what the creation was to say. A person may have
    /// restored an earlier one, which names the same counterpart.
    fn detach<T: Record>(
        &mut self,
        singles: &[Single<'a, T>],
        placed: &mut BTreeSet<usize>,
        pair: &PairId,
        is_ours: impl Fn(&T) -> bool,
    ) {
        let promise = self.snapshot.promises.get(pair);
        let is_kept =
            |single: &Single<'a, T>| promise.is_some_and(|promise| promise.is_kept(T::SIDE, &single.contact));
        let ours: Vec<_> =
            (0..).zip(singles).filter(|(_, single)| single.is_alone() && is_ours(single.record)).collect();
        let is_one_kept = ours.iter().any(|(_, single)| is_kept(single));
        for (index, single) in ours {
            if (is_kept(single) || !is_one_kept) && placed.insert(index) {
                self.keep(single, LooseReason::Detached, None);
            }
        }
    }

    /// A record that names one which cannot be seen now was created by us, in place of a deleted one or for the first time, and its
    /// receipt was lost.
    pub(super) fn behind_the_veil(
        &mut self,
        people: &People<'a>,
        documents: &Documents<'a>,
        placed: &mut Placed,
    ) {
        let veiled = |left| self.veiled.iter().filter(move |widow| widow.left == left);
        let names: BTreeSet<String> =
            veiled(Side::Google).flat_map(|widow| names_of(&widow.view.pair)).collect();
        let creations: BTreeSet<_> =
            veiled(Side::Dafater).map(|widow| widow.view.pair.dafater.creation.civil()).collect();
        let names_one = |single: &Single<'_, Document>| {
            !single.is_skipped()
                && single.record.google_contacts_id().is_some_and(|name| names.contains(name))
        };
        let marks_one = |single: &Single<'_, Person>| {
            let marker = single.record.marker(&self.snapshot.site);
            let is_of_pair = marker.is_some_and(|marker| creations.contains(&marker.creation.civil()));
            !single.is_skipped() && (is_of_pair || self.snapshot.veiled.contains(&single.id))
        };
        let people: Vec<_> = (0..).zip(people).filter(|(_, single)| marks_one(single)).collect();
        let documents: Vec<_> = (0..).zip(documents).filter(|(_, single)| names_one(single)).collect();
        for (index, person) in people {
            self.wait_for_veiled(index, person, &mut placed.google);
        }
        for (index, document) in documents {
            self.wait_for_veiled(index, document, &mut placed.dafater);
        }
    }
}

/// The names under which a document may know the Google contact of a pair.
fn names_of(pair: &Pair) -> impl Iterator<Item = String> {
    let first = ResourceName::first_of(&pair.google.source_id);
    std::iter::once(pair.google.resource_name.clone()).chain(first).map(|name| name.0)
}
