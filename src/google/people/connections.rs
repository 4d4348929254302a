//! `people.connections.list`: all contacts, or what changed since a sync token.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::google::client::{Call, PeopleClient};
use crate::google::error::GoogleError;
use crate::google::method::Method;
use crate::google::wire::non_empty;
use crate::mapping::{Malformed, Person};

/// Contacts a page: the most that Google gives.
pub const PAGE_SIZE: u32 = 1000;

/// Google's cursor: where the next read of changes starts. Valid for seven days from the *full* read it descends from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SyncToken(pub String);

/// Which page of which read is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListConnections {
    /// Changes since this cursor; all contacts without one.
    pub sync_token: Option<SyncToken>,
    /// The page, as the one before it named it.
    pub page_token: Option<String>,
    /// Whether the last page shall bring a cursor. Must be the same on every page of a read.
    pub request_sync_token: bool,
}

/// One page.
#[derive(Clone, PartialEq)]
pub struct ConnectionsPage {
    /// The contacts; tombstones among them when the read started from a sync token.
    pub people: Vec<Result<Person, Malformed>>,
    /// The next page. `None` marks the last.
    pub next_page_token: Option<String>,
    /// The cursor for the next read; on the last page only, and only if asked for.
    pub next_sync_token: Option<SyncToken>,
    /// Contacts in the whole read, as Google counts them.
    pub total_items: Option<u64>,
}

impl fmt::Debug for ConnectionsPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionsPage")
            .field("people", &self.people.len())
            .field("next_page_token", &self.next_page_token)
            .field("next_sync_token", &self.next_sync_token)
            .field("total_items", &self.total_items)
            .finish()
    }
}

impl PeopleClient {
    /// Reads one page.
    ///
    /// # Errors
    /// The call failed; [`GoogleError::disposition`] says `CursorExpired` when the read must start over without a sync token.
    pub async fn list_connections(&self, list: &ListConnections) -> Result<ConnectionsPage, GoogleError> {
        let method = Method::ConnectionsList;
        let mut call = Call::new(method, http::Method::GET, ["people", "me", "connections"])
            .fields(self.mask())
            .query("pageSize", PAGE_SIZE.to_string());
        if list.request_sync_token {
            call = call.query("requestSyncToken", "true");
        }
        call = call.since(list.sync_token.as_ref().map(|token| token.0.as_str()));
        if let Some(token) = &list.page_token {
            call = call.query("pageToken", token);
        }
        let wire: Wire = self.call(call).await?;
        let next_page_token = non_empty(wire.next_page_token);
        if next_page_token.is_some() && next_page_token == list.page_token {
            let reason = "the next page is the same page".to_owned();
            return Err(GoogleError::Unintelligible { method, reason });
        }
        Ok(ConnectionsPage {
            people: wire.connections.into_iter().map(Person::parse).collect(),
            next_page_token,
            next_sync_token: non_empty(wire.next_sync_token).map(SyncToken),
            total_items: wire.total_items.as_ref().and_then(Value::as_u64),
        })
    }
}

/// Strict where a mistake would lose contacts: `connections` may be absent (then there are none) but not of another shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    connections: Vec<Value>,
    next_page_token: Option<String>,
    next_sync_token: Option<String>,
    total_items: Option<Value>,
}
