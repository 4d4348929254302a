//! The client of a Dafater site: the REST interface of a Frappe site, as far as contacts need it.
//!
//! [`SiteClient`] reads contacts whole and cheaply (pages of parents, then one list for each child table), reads deletions, and
//! writes under the site's own lock. Each failure is a [`DafaterError`] that says who must act.
//!
//! Law: a write never carries a key that could reach another record (`name`, `owner`, `creation`, row names), never goes out
//! without the lock of the revision it was computed from, and is never repeated here. Absence is reported, never judged.
//!
//! Reading order: `client` (one request), `error` and `answer` (what a failure means), `query`, `document`, `assemble`, `read`,
//! `deleted`, `write`, `zone`, `about`.

mod about;
mod answer;
mod assemble;
mod client;
mod deleted;
mod document;
mod error;
mod message;
mod name;
mod photo;
mod query;
mod read;
#[cfg(test)]
mod testing;
mod write;
mod zone;

pub use about::{Permissions, SiteVersion};
pub use client::{SiteClient, SiteOptions};
pub use deleted::{DeletedContact, DeletedFeed};
pub use document::{CONTACT_FIELDS, Stamp};
pub use error::{Answer, Call, DafaterError};
pub use read::{ChangedPage, KeysetPosition, Lookup, SweepPage};
pub use zone::{Measure, SiteZone};
