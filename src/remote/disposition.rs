//! What a failed call means for the engine: who must act, and whether a write may have happened.

use std::time::Duration;

/// The engine's view of a remote's error. Each client's error type maps to exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing was sent or the remote said so: the write did not happen. Try the account again later.
    Unavailable,
    /// The remote asks to slow down. The write did not happen.
    Throttled {
        /// How long it asked to wait, if it said.
        retry_after: Option<Duration>,
    },
    /// The answer is missing or says nothing about the write: it may have happened.
    InDoubt,
    /// The lock (etag, `modified`) was refused: read again, merge again.
    Stale,
    /// The record does not exist (any more).
    Gone,
    /// This record's content was refused and will be refused again. Only this record suffers.
    Refused,
    /// The cursor is no longer accepted: read everything.
    CursorExpired,
    /// Credentials were refused: the account stops until a person acts.
    Unauthorized,
    /// We may not do this (permission, scope, disabled API): a person must act. Never evidence of deletion.
    Forbidden,
    /// The remote answered what it never should: malformed JSON, unknown route.
    Protocol,
}
