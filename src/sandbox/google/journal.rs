//! What was asked and written, for assertions.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;

/// How often each method was called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests by the method's name in the reference ("people.connections.list", "oauth.token"), refused ones included.
    pub requests: BTreeMap<&'static str, u64>,
    /// What clients wrote.
    pub writes: Writes,
}

impl Counters {
    /// All requests to the People API, tokens not counted.
    #[must_use]
    pub fn api_requests(&self) -> u64 {
        self.requests.iter().filter(|(method, _)| !method.starts_with("oauth.")).map(|(_, count)| count).sum()
    }
}

/// Writes by clients, by kind. What people do by hand is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    /// Contacts created.
    pub created: u64,
    /// Contacts updated.
    pub updated: u64,
    /// Contacts deleted.
    pub deleted: u64,
    /// Groups created, updated and deleted.
    pub groups: u64,
    /// Memberships changed through `members.modify`.
    pub memberships: u64,
    /// Photos set and removed.
    pub photos: u64,
}

impl Writes {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.created + self.updated + self.deleted + self.groups + self.memberships + self.photos
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.groups += other.groups;
        self.memberships += other.memberships;
        self.photos += other.photos;
    }
}

/// One request that was answered.
#[derive(Debug, Clone)]
pub struct LoggedRequest {
    /// When.
    pub at: Timestamp,
    /// The method's name in the reference, or "unknown".
    pub api: &'static str,
    /// HTTP method.
    pub method: http::Method,
    /// Path and query as sent.
    pub uri: String,
    /// Email of the account whose token was used.
    pub account: Option<String>,
    /// Body as sent.
    pub body: Bytes,
    /// Status of the answer.
    pub status: u16,
}

/// The last requests and the counters.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) requests: BTreeMap<&'static str, u64>,
    pub(super) log: VecDeque<LoggedRequest>,
}

impl Journal {
    pub(super) fn record(&mut self, request: LoggedRequest, remembered: usize) {
        *self.requests.entry(request.api).or_default() += 1;
        self.log.push_back(request);
        while self.log.len() > remembered {
            self.log.pop_front();
        }
    }
}
