//! The client of a Dafater site: the REST interface of a Frappe site, as far as contacts need it.
//!
//! [`SiteClient`] reads contacts whole and cheaply (pages of parents, then one list for each child table), reads deletions, and
//! writes under the site's own lock. Each failure is a [`DafaterError`] that says who must act.
//!
//! Law: a write never carries a key that could reach another record (`name`, `owner`, `creation`, row names), never goes out
//! without the lock of the revision it was computed from, and is never repeated here. Absence is reported, never judged.
//!
//! Reading order: `client` (one request), `error` and `answer` (what a failure means), `query`, `document`, `assemble`, `read`,
//! `addresses`, `deleted`, `write`, `zone`, `about`, `scope`; then what is not about contacts: `rights`, `setup`, `accounts`, `built_in`,
//! `remedies`.

mod about;
mod accounts;
mod addresses;
mod answer;
mod assemble;
mod built_in;
mod client;
mod deleted;
mod document;
mod error;
mod fields;
mod message;
mod name;
mod parties;
mod photo;
mod query;
mod read;
mod remedies;
mod rights;
mod scope;
mod setup;
#[cfg(test)]
mod testing;
mod write;
mod zone;

pub use about::{SiteCountry, SiteVersion};
pub use accounts::{RecordLookup, SiteGoogleClient, SitePassword};
pub use addresses::{AddressLinks, AddressLookup, AddressPage};
pub use built_in::BuiltInJob;
pub use client::{SiteClient, SiteOptions};
pub use deleted::{DeletedContact, DeletedFeed};
pub use document::{CONTACT_FIELDS, Stamp};
pub use error::{Answer, Call, DafaterError};
pub use fields::SiteField;
pub use parties::{Parties, link_rows};
pub use read::{ChangedPage, KeysetPosition, Lookup, SweepPage};
pub use remedies::{Remedy, WantedWebhook};
pub use rights::{Permissions, Right};
pub use setup::{KEY_FIELD, Provision, ROLE};
pub use zone::{Measure, SiteZone};
