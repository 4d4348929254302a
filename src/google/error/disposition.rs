//! What an error means for the engine.
//!
//! Law: a mutation whose fate the answer does not tell is in doubt, and only Google's own error body can say that a record is gone.

use std::time::Duration;

use super::details::{speaks_of_full_account, speaks_of_stale_lock};
use super::{ApiError, BodyKind, ContactErrors, GoogleError};
use crate::google::Method;
use crate::remote::{Disposition, TransportError};

/// Which budget a throttled call exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Requests a minute, of this user or of the project.
    Minute,
    /// Requests or contact writes a day.
    Day,
    /// Google's contact storage slows this account's writes down. It recovers by itself, in hours.
    ContactStorage,
    /// Google does not say.
    Unnamed,
}

impl GoogleError {
    /// What the failure means.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Transport { source: TransportError::NotSent { .. }, .. } | Self::Stopped { .. } => {
                Disposition::Unavailable
            }
            Self::Transport { method, source: TransportError::NoAnswer { .. } } => silence(*method),
            Self::Authorization(error) => error.disposition(),
            Self::Api(error) => error.disposition(),
            Self::Unintelligible { method, .. } if method.is_mutation() => Disposition::InDoubt,
            Self::Unintelligible { .. } | Self::Unsendable { .. } => Disposition::Protocol,
            Self::Detained { wait, .. } => Disposition::Throttled { retry_after: Some(*wait) },
            Self::Malformed { method, .. } if method.is_mutation() => Disposition::InDoubt,
            Self::Malformed { .. } | Self::Unaddressable { .. } => Disposition::Refused,
        }
    }
}

impl ApiError {
    /// What the answer means.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        if self.is_expired_cursor() {
            return Disposition::CursorExpired;
        }
        if self.is_account_full() {
            return Disposition::Refused;
        }
        if self.is_throttled() {
            return Disposition::Throttled { retry_after: self.retry_after.or_else(|| self.own_pause()) };
        }
        match self.http_status {
            401 => Disposition::Unauthorized,
            403 => Disposition::Forbidden,
            408 | 500..=599 => silence(self.method),
            // A page or an empty body comes from something in between, which knows nothing about contacts.
            _ if self.body != BodyKind::Google => Disposition::Protocol,
            400 | 409 | 412 if self.is_stale_lock() => Disposition::Stale,
            404 | 410 if self.method.names_records() && self.code == Some(self.http_status.into()) => {
                Disposition::Gone
            }
            400 | 409 | 413 | 422 if self.method.is_mutation() => Disposition::Refused,
            _ => Disposition::Protocol,
        }
    }

    /// Whether the account holds as many contacts as Google allows, the trash included.
    #[must_use]
    pub fn is_account_full(&self) -> bool {
        speaks_of_full_account(self.message())
            || self.reasons.iter().any(|info| speaks_of_full_account(&info.reason))
            || self.item_messages().any(speaks_of_full_account)
    }

    /// Which budget was exceeded, if one was.
    #[must_use]
    pub fn quota(&self) -> Option<Quota> {
        if !self.is_throttled() {
            return None;
        }
        let violations = &self.quota_violations;
        if violations.iter().any(|violation| violation.description.contains("FBS quota")) {
            return Some(Quota::ContactStorage);
        }
        let limit = self.metadata("quota_limit").unwrap_or_default();
        Some(match limit {
            _ if limit.contains("PerMinute") => Quota::Minute,
            _ if limit.contains("PerDay") || limit.contains("Daily") => Quota::Day,
            _ if self.has_reason("dailyLimitExceeded") => Quota::Day,
            _ => Quota::Unnamed,
        })
    }

    fn is_expired_cursor(&self) -> bool {
        // API: the token has been seen refused with 400 under two statuses, and with 410 in older texts. A token that is
        // malformed or belongs to other parameters gives a plain 400 "Request contains an invalid argument.".
        self.has_reason("EXPIRED_SYNC_TOKEN")
            || self.message().starts_with("Sync token is expired")
            || (self.incremental && matches!(self.http_status, 400 | 410))
    }

    fn is_stale_lock(&self) -> bool {
        // A batch names the stale contacts one by one; as a whole it was refused.
        self.contact_errors.is_none()
            && (self.http_status == 412 || self.status == "ABORTED" || speaks_of_stale_lock(self.message()))
    }

    fn is_throttled(&self) -> bool {
        match self.http_status {
            429 => true,
            // API: the older form of a quota error is a 403 with one of these reasons.
            403 => THROTTLING_REASONS.into_iter().any(|reason| self.has_reason(reason)),
            400 => self.status == "RESOURCE_EXHAUSTED",
            _ => false,
        }
    }

    /// How long to wait when Google does not say. Asking an exhausted storage every few minutes keeps it exhausted.
    fn own_pause(&self) -> Option<Duration> {
        match self.quota()? {
            Quota::ContactStorage => Some(Duration::from_mins(15)),
            Quota::Day => Some(Duration::from_hours(1)),
            Quota::Minute | Quota::Unnamed => None,
        }
    }

    fn item_messages(&self) -> impl Iterator<Item = &str> {
        let (created, updated) = match &self.contact_errors {
            Some(ContactErrors::Created(errors)) => (Some(errors.values()), None),
            Some(ContactErrors::Updated(errors)) => (None, Some(errors.values())),
            None => (None, None),
        };
        created
            .into_iter()
            .flatten()
            .chain(updated.into_iter().flatten())
            .map(|status| status.message.as_str())
    }
}

/// Reasons of a 403 that means "too fast" and not "not allowed".
const THROTTLING_REASONS: [&str; 5] = [
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "dailyLimitExceeded",
    "quotaExceeded",
    "RATE_LIMIT_EXCEEDED",
];

/// No verdict came: a read failed, a mutation may have happened.
fn silence(method: Method) -> Disposition {
    if method.is_mutation() { Disposition::InDoubt } else { Disposition::Unavailable }
}
