//! What two records had agreed on before one of them was deleted, where both stand again or another stands in its place.
//!
//! Law: what was agreed on is an ancestor of what both say now, field by field, only where the record that stands again says it still.

use super::planner::{Planner, Widow};
use crate::contact::{Contact, Field};
use crate::mapping::{Document, Person};
use crate::sync::{Both, Pair, Side};

impl Planner<'_> {
    /// What a person and a document agreed on before they were parted, or the one that is left of a pair and the one that is gone;
    /// nothing where they never did: (Google's, Dafater's).
    pub(super) fn agreed_before(
        &self,
        person: &Person,
        document: &Document,
        widow: Option<Widow<'_>>,
        now: Both<'_>,
    ) -> Option<(Contact, Contact)> {
        let mut parted = self.snapshot.parted.iter();
        // What these two agreed on themselves says more than what one of them did with another in the place of the other.
        if let Some(pair) = parted.find(|pair| were_one(pair, person, document)) {
            return Some((pair.google.contact.clone(), pair.dafater.contact.clone()));
        }
        inherited(&widow?.view.pair, widow?.left.other(), now)
    }
}

/// Whether the two records were this pair.
pub(super) fn were_one(pair: &Pair, person: &Person, document: &Document) -> bool {
    pair.google.source_id == person.source_id && pair.dafater.creation.civil() == document.creation.civil()
}

/// What was agreed on with the record that is gone from `side`, in the fields in which the one in its place says the same. A blank
/// says nothing: it is filled.
fn inherited(pair: &Pair, side: Side, now: Both<'_>) -> Option<(Contact, Contact)> {
    let (now, before) = match side {
        Side::Google => (now.google, &pair.google.contact),
        Side::Dafater => (now.dafater, &pair.dafater.contact),
    };
    let (mut google, mut dafater) = (Contact::default(), Contact::default());
    for field in Field::of(&[now]).iter().filter(|field| now.says(field) && now.agrees_on(field, before)) {
        google.take(field, &pair.google.contact);
        dafater.take(field, &pair.dafater.contact);
    }
    (!google.is_empty() || !dafater.is_empty()).then_some((google, dafater))
}
