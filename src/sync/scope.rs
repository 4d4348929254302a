//! Which record decides whether a pair is in the scope.
//!
//! Law: a record that the sync made never takes its origin out of the scope; absence from the scope is never a deletion.

use super::{Origin, Side};
use crate::mapping::{Document, Person};

/// Whether two records may be a pair, or one record may go on looking for its counterpart: each that counts is in the scope. A record
/// counts unless it was made from the other.
///
/// `google` and `dafater` come with whether each stands in the scope by itself; one that cannot be seen is `None` and counts for nothing.
#[must_use]
pub fn stays(
    origin: Origin,
    google: Option<(&Person, bool)>,
    dafater: Option<(&Document, bool)>,
    site: &str,
) -> bool {
    let names_it = match (google, dafater) {
        (Some((person, _)), Some((document, _))) => {
            !document.is_of_built_in_integration()
                && document.google_contacts_id().is_some_and(|name| person.is_named(name))
        }
        (Some(_) | None, _) => false,
    };
    let google_counts = |person: &Person| {
        origin != Origin::Created(Side::Google) && (dafater.is_none() || person.marker(site).is_none())
    };
    let dafater_counts = origin != Origin::Created(Side::Dafater) && !names_it;
    let google_stays = google.is_none_or(|(person, is_inside)| is_inside || !google_counts(person));
    let dafater_stays = dafater.is_none_or(|(_, is_inside)| is_inside || !dafater_counts);
    google_stays && dafater_stays
}
