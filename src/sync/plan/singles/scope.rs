//! Records whose pair left the scope: they are known again, and kept apart for as long as one of them is outside.
//!
//! Law: whoever left the scope is never created a second time, on either side.

use std::collections::BTreeSet;

use super::record::Record;
use super::{Documents, Kind, People, Placed, Single};
use crate::mapping::{Document, Person};
use crate::sync::plan::planner::Planner;
use crate::sync::{LooseReason, Origin, Pair, scope};

impl<'a> Planner<'a> {
    /// The pair that these two were when they left the scope.
    pub(super) fn left_pair(&self, person: &Person, document: &Document) -> Option<&'a Pair> {
        let snapshot = self.snapshot;
        let is_it = |pair: &&Pair| {
            pair.google.source_id == person.source_id
                && pair.dafater.creation.civil() == document.creation.civil()
        };
        snapshot.left.iter().map(|left| &left.pair).find(is_it)
    }

    /// Joins what left the scope and came back; keeps apart what is outside still.
    pub(super) fn by_memory_of_scope(
        &mut self,
        people: &People<'a>,
        documents: &Documents<'a>,
        placed: &mut Placed,
    ) {
        let snapshot = self.snapshot;
        for left in &snapshot.left {
            let google = &left.pair.google.source_id;
            let creation = left.pair.dafater.creation.civil();
            let person =
                people.iter().position(|single| single.is_alone() && single.record.source_id == *google);
            let document = documents
                .iter()
                .position(|single| single.is_alone() && single.record.creation.civil() == creation);
            match (person, document) {
                (Some(left_at), Some(right_at)) => {
                    let pair = (left_at, right_at);
                    if self.may_be_pair(pair, people, documents, left.pair.origin) {
                        let reason = "both are in the scope again";
                        self.join(pair, people, documents, placed, left.pair.origin, reason);
                    } else {
                        self.keep_outside(pair, people, documents, placed);
                    }
                }
                (Some(person), None) => {
                    let why = if left.is_widowed { LooseReason::Detached } else { LooseReason::OutOfScope };
                    self.keep_alone(person, people, &mut placed.google, why);
                }
                // A counterpart that was deleted is made anew if the document is in the scope; one that cannot be seen is not.
                (None, Some(document)) if !left.is_widowed => {
                    self.keep_alone(document, documents, &mut placed.dafater, LooseReason::OutOfScope);
                }
                (None, Some(_) | None) => {}
            }
        }
    }

    /// Whether the scope lets these two be a pair.
    pub(super) fn may_be_pair(
        &self,
        (left, right): (usize, usize),
        people: &People<'a>,
        documents: &Documents<'a>,
        origin: Origin,
    ) -> bool {
        let google = people.get(left).map(|single| (single.record, single.is_in_scope()));
        let dafater = documents.get(right).map(|single| (single.record, single.is_in_scope()));
        scope::stays(origin, google, dafater, &self.snapshot.site)
    }

    /// Two records that belong together and of which one is outside the scope: neither is anybody new.
    pub(super) fn keep_outside(
        &mut self,
        (left, right): (usize, usize),
        people: &People<'a>,
        documents: &Documents<'a>,
        placed: &mut Placed,
    ) {
        self.keep_alone(left, people, &mut placed.google, LooseReason::OutOfScope);
        self.keep_alone(right, documents, &mut placed.dafater, LooseReason::OutOfScope);
    }

    fn keep_alone<T: Record>(
        &mut self,
        index: usize,
        singles: &[Single<'a, T>],
        placed: &mut BTreeSet<usize>,
        why: LooseReason,
    ) {
        let Some(single) = singles.get(index).filter(|single| single.is_alone()) else { return };
        if placed.insert(index) {
            self.keep(single, why, None);
        }
    }
}

impl<T> Single<'_, T> {
    /// Whether it stands in the scope by itself; a widow's pair does, or it would have left.
    fn is_in_scope(&self) -> bool {
        match &self.kind {
            Kind::Alone(alone) => alone.is_in_scope,
            Kind::Widow(_) => true,
        }
    }
}
