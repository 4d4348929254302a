//! What the site was asked and what was written over HTTP, for tests to count.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

/// Requests that are kept in the log.
const KEPT: usize = 512;

/// What a request did to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteKind {
    /// A new document.
    Created,
    /// A save.
    Updated,
    /// A deletion.
    Deleted,
    /// A rename or a merge.
    Renamed,
}

/// One answered request.
#[derive(Debug, Clone)]
pub struct Logged {
    /// When it was answered.
    pub at: Timestamp,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Who asked; `Guest` when nobody was authenticated.
    pub user: String,
    /// The status of the answer.
    pub status: u16,
    /// The body as sent, when the switch `log_bodies` is on.
    pub body: String,
}

/// Counters and the last requests.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) requests: BTreeMap<(String, String), u64>,
    pub(super) writes: BTreeMap<(String, WriteKind), u64>,
    pub(super) log: VecDeque<Logged>,
}

impl Ledger {
    pub(super) fn request(&mut self, route: &str, logged: Logged) {
        *self.requests.entry((logged.method.clone(), route.to_owned())).or_default() += 1;
        if self.log.len() == KEPT {
            self.log.pop_front();
        }
        self.log.push_back(logged);
    }

    pub(super) fn write(&mut self, doctype: &str, kind: WriteKind) {
        *self.writes.entry((doctype.to_owned(), kind)).or_default() += 1;
    }
}
