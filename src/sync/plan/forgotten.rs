//! What tells of a sync that nothing remembers: the memory was lost, or is older than what was synced.
//!
//! Records carry what our creates left on them. Where no pair is known nor begun for one, what both sides agreed on is unknown: either
//! side may be the one that was edited, and who stands on one side only may be new or the one that is left of a pair.
//!
//! Law: what is unknown is asked, never guessed.

use std::collections::BTreeMap;

use crate::mapping::{Document, Person};
use crate::sync::{PairId, RecordId, Review, Snapshot};

/// Whether no pair is known although records tell that the account was synced before.
pub(super) fn is_memory_lost(snapshot: &Snapshot) -> bool {
    if snapshot.total_pairs > 0 {
        return false;
    }
    let people = || snapshot.google.iter().filter(|alone| alone.before.is_none()).map(|alone| &alone.record);
    let by_name: BTreeMap<String, &Person> =
        people().flat_map(|person| person.own_names().map(move |name| (name.0, person))).collect();
    let mut documents = snapshot.dafater.iter().filter(|alone| alone.before.is_none());
    people().any(|person| bears_forgotten_marker(snapshot, person))
        || documents.any(|alone| {
            let person = alone.record.google_contacts_id().and_then(|id| by_name.get(id));
            person.is_some_and(|person| names_forgotten(snapshot, &alone.record, person))
        })
}

/// Whether one of two records was made from the other, and nothing remembers when and as what.
pub(super) fn is_forgotten(snapshot: &Snapshot, pair: &PairId, person: &Person, document: &Document) -> bool {
    let is_made_of_document = person
        .marker(&snapshot.site)
        .is_some_and(|marker| marker.creation.civil() == document.creation.civil());
    !snapshot.begun.contains(pair)
        && (is_made_of_document && bears_forgotten_marker(snapshot, person)
            || names_forgotten(snapshot, document, person))
}

/// The question about a record that is left of a forgotten pair, or stood beside one whose counterpart was deleted. It names nobody,
/// and is asked until it is answered or the record edited.
pub(super) fn question(record: &RecordId) -> Review {
    Review {
        record: record.clone(),
        candidates: Vec::new(),
        reason:
            "it, or one like it, was synced before, and the counterpart is gone; edit it to carry it across again, or skip it"
                .to_owned(),
    }
}

/// Whether we made the Google contact, and remember nothing of it.
fn bears_forgotten_marker(snapshot: &Snapshot, person: &Person) -> bool {
    person
        .marker(&snapshot.site)
        .is_some_and(|marker| PairId::parse(&marker.pair).is_none_or(|pair| !snapshot.begun.contains(&pair)))
}

/// Whether we made the document from the Google contact, and remember nothing of it. The built-in integration leaves the same id on
/// contacts that people made.
fn names_forgotten(snapshot: &Snapshot, document: &Document, person: &Person) -> bool {
    document.google_contacts_id().is_some_and(|name| person.is_named(name))
        && !document.is_of_built_in_integration()
        && !snapshot.begun.contains(&PairId::from_google(&snapshot.account, &person.source_id))
}
