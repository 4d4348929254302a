//! The records of one side as matching sees them.

use std::collections::{BTreeMap, BTreeSet};

use crate::contact::Contact;
use crate::sync::matching::{Candidate, Doubt, Standing};
use crate::sync::{RecordId, Review};

/// Who takes part in matching on one side, and who only shows that another is its duplicate.
#[derive(Default)]
pub(super) struct Candidates<'a> {
    list: Vec<Candidate<'a>>,
    ids: Vec<&'a RecordId>,
    known: BTreeSet<&'a RecordId>,
    /// For those that may be matched: their index in the caller's list.
    origins: Vec<Option<usize>>,
}

impl<'a> Candidates<'a> {
    /// A record that looks for its counterpart, or for another in place of the one that it lost.
    pub(super) fn free(&mut self, origin: usize, is_widowed: bool, id: &'a RecordId, contact: &'a Contact) {
        let standing = if is_widowed { Standing::Widowed } else { Standing::Free };
        self.push(Some(origin), standing, id, contact);
    }

    /// A record that has its counterpart.
    pub(super) fn paired(&mut self, id: &'a RecordId, contact: &'a Contact) {
        if !self.known.contains(id) {
            self.push(None, Standing::Paired, id, contact);
        }
    }

    /// A record outside the scope.
    pub(super) fn outside(&mut self, id: &'a RecordId, contact: &'a Contact) {
        self.push(None, Standing::Outside, id, contact);
    }

    /// A record that lost its counterpart and cannot be seen now: whoever matches it waits.
    pub(super) fn veiled(&mut self, id: &'a RecordId, contact: &'a Contact) {
        self.list.push(Candidate { contact, standing: Standing::Widowed });
        self.ids.push(id);
        self.origins.push(None);
    }

    /// Whether anybody looks for a counterpart.
    pub(super) fn has_free(&self) -> bool {
        self.origins.iter().any(Option::is_some)
    }

    pub(super) fn list(&self) -> &[Candidate<'a>] {
        &self.list
    }

    pub(super) fn origin(&self, index: usize) -> Option<usize> {
        self.origins.get(index).copied().flatten()
    }

    /// What matching doubts, by the index in the caller's list.
    pub(super) fn doubts<'m>(&self, review: &'m BTreeMap<usize, Doubt>) -> BTreeMap<usize, &'m Doubt> {
        review.iter().filter_map(|(index, doubt)| Some((self.origin(*index)?, doubt))).collect()
    }

    /// Whether a record, of which all that is in `doubt` is which of its own side it is, is the same person as one that is `bereft`:
    /// what was deleted on the other side must not come back by it, even when the one beside it is gone.
    pub(super) fn is_twin_of(&self, doubt: Option<&Doubt>, bereft: &BTreeSet<usize>) -> bool {
        doubt.is_some_and(|doubt| {
            let mut twins = doubt.twins.iter().filter_map(|twin| self.origin(*twin));
            doubt.others.is_empty() && twins.any(|twin| bereft.contains(&twin))
        })
    }

    fn push(&mut self, origin: Option<usize>, standing: Standing, id: &'a RecordId, contact: &'a Contact) {
        self.list.push(Candidate { contact, standing });
        self.ids.push(id);
        self.known.insert(id);
        self.origins.push(origin);
    }

    fn named(&self, indexes: impl Iterator<Item = usize>) -> impl Iterator<Item = RecordId> {
        indexes.filter_map(|index| self.ids.get(index).map(|id| (*id).clone()))
    }
}

/// The question that a doubt about `record` asks: `other` are the candidates of the other side, `own` of its own.
pub(super) fn review(
    record: &RecordId,
    doubt: &Doubt,
    other: &Candidates<'_>,
    own: &Candidates<'_>,
) -> Review {
    let others = other.named(doubt.others.iter().copied());
    let twins = own.named(doubt.twins.iter().copied());
    Review {
        record: record.clone(),
        candidates: others.chain(twins).collect(),
        reason: doubt.reason.to_owned(),
    }
}
