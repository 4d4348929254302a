//! One access token in memory, with its expiry.
//!
//! Law: one request for a token at a time, whoever asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::AuthorizationError;
use crate::remote::Clock;

/// Keeps an access token until shortly before it expires.
pub(super) struct AccessCache {
    clock: Arc<dyn Clock>,
    access: Mutex<Option<Access>>,
    /// Held while asking, so that those who wait find the answer when their turn comes.
    asking: tokio::sync::Mutex<()>,
}

/// An access token and how long it lives, if its giver said.
pub(super) struct Fresh {
    pub(super) token: SecretString,
    pub(super) expires_in: Option<Duration>,
}

struct Access {
    token: SecretString,
    good_until: Timestamp,
}

/// An access token that is about to expire might do so on its way.
const MARGIN: Duration = Duration::from_mins(1);
/// Google says how long a token lives; this is for an answer that does not.
const UNSTATED_LIFE: Duration = Duration::from_mins(5);

impl AccessCache {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, access: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// The cached token, or the one that `ask` brings. `ask` runs only if it is needed.
    pub(super) async fn token(
        &self,
        ask: impl Future<Output = Result<Fresh, AuthorizationError>>,
    ) -> Result<SecretString, AuthorizationError> {
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let _turn = self.asking.lock().await;
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let fresh = ask.await?;
        let life = fresh.expires_in.unwrap_or(UNSTATED_LIFE).saturating_sub(MARGIN);
        let good_until = later(self.clock.now(), life);
        *self.access() = Some(Access { token: fresh.token.clone(), good_until });
        Ok(fresh.token)
    }

    /// Drops `token` if it is the cached one; a late refusal of an older token does not hurt its successor.
    pub(super) fn refused(&self, token: &SecretString) {
        let mut access = self.access();
        if access.as_ref().is_some_and(|access| access.token.expose_secret() == token.expose_secret()) {
            *access = None;
        }
    }

    /// Drops whatever is cached.
    pub(super) fn clear(&self) {
        *self.access() = None;
    }

    fn cached(&self) -> Option<SecretString> {
        let now = self.clock.now();
        self.access().as_ref().filter(|access| now < access.good_until).map(|access| access.token.clone())
    }

    /// A panic elsewhere cannot leave this half changed: each change is one assignment.
    fn access(&self) -> MutexGuard<'_, Option<Access>> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `delay` after `now`, or the end of time.
pub(super) fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
