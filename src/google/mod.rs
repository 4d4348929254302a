//! Google's side: the People API and the consent that lets us use it.
//!
//! [`PeopleClient`] speaks the REST methods, one file per method group as the reference names them; [`oauth`] obtains, keeps and
//! refreshes the tokens. Both send through [`crate::remote::Transport`] and nothing else, so that a simulator can take the
//! network's place.
//!
//! Law: an answer that is not provably Google's is never read as content. A page that cannot be understood is an error and not an
//! empty page; a 404 without Google's error body is a wrong address and not a missing contact.

mod body;
mod client;
mod contact_groups;
mod error;
mod governor;
mod mask;
mod method;
pub mod oauth;
mod people;
mod wire;

#[cfg(test)]
pub(crate) mod testing;

use url::Url;

pub use body::with_lock;
pub use client::PeopleClient;
pub use contact_groups::{Group, GroupKind, GroupName, Groups, MAX_MEMBERS, MembersModified};
pub use error::{
    ApiError, BodyKind, ContactErrors, ErrorInfo, FieldViolation, GoogleError, Quota, QuotaViolation,
    RpcStatus,
};
pub use governor::{Budget, Governor};
pub use mask::{FieldMask, UnknownPath, UpdateMask, UpdatePath};
pub use method::Method;
pub use people::{
    ConnectionsPage, ListConnections, Lookup, MAX_BATCH, MAX_BATCH_DELETE, PAGE_SIZE, SyncToken,
};

/// Where Google is asked. Overridden only to point at a stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleEndpoints {
    /// Base of the People API.
    pub api: Url,
    /// Exchanges codes and refresh tokens for access tokens. The revocation endpoint stands beside it.
    pub token: Url,
    /// The page on which a person consents.
    pub auth: Url,
}
