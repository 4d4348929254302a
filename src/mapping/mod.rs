//! Person <-> Contact <-> Dafater document: what a record says, and what must be sent to change it.
//!
//! Reading is total: a record with surprising content still gives a contact of what could be understood. Writing starts from
//! the side's current record and touches only the elements that change, so that whatever is not mapped stays byte-equal.
//!
//! Law: pure, and never a panic on anything a remote may send.

mod admission;
mod date;
mod document;
mod fields;
mod marker;
mod person;
mod photo;
mod said;
mod slot;

pub use admission::{Column, GoogleRules, Refusal, SiteRules};
pub use document::{AddressChange, AddressDocument, Document, DocumentName, Link, SiteStamp};
pub use fields::Mapping;
pub use marker::{MARKER_KEY, Marker};
pub use person::{Etag, Person, PersonField, PersonPatch, ResourceName, SourceId};
pub use photo::SitePhoto;
pub use slot::{is_slot, slot_names};

/// A record whose identity could not be read. It is parked; the records beside it are not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed record {id}: {reason}")]
pub struct Malformed {
    /// The record's own name, as far as it could be read, else `(unknown)`.
    pub id: String,
    /// What is missing or of the wrong type.
    pub reason: String,
}
