//! Access tokens from a stored refresh token.
//!
//! Law: a consent that Google declared over is not tried again and again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::cache::{AccessCache, Fresh, later};
use super::{AccessTokens, AuthorizationError, Grant, TokenEndpoint, TokenRefusal, TokenVault, VaultError};
use crate::account::AccountName;
use crate::remote::Clock;

/// Access tokens of one account, refreshed when they are about to expire or were refused.
pub struct RefreshingTokens {
    account: AccountName,
    endpoint: TokenEndpoint,
    vault: Arc<TokenVault>,
    clock: Arc<dyn Clock>,
    cache: AccessCache,
    over: Mutex<Option<Over>>,
}

/// A refresh token that Google declared over.
struct Over {
    refresh_token: SecretString,
    reason: String,
    ask_again: Timestamp,
}

/// A suspended account that comes back makes an `invalid_grant` good again, so the verdict is not for ever.
const VERDICT_LIFE: Duration = Duration::from_hours(1);
/// The time of the last refresh is for people; to write it down each hour would be a write an hour for nothing.
const REFRESH_RECORD: Duration = Duration::from_hours(24);

impl RefreshingTokens {
    /// Tokens of `account`, whose consent lies in `vault`.
    #[must_use]
    pub fn new(
        account: AccountName,
        endpoint: TokenEndpoint,
        vault: Arc<TokenVault>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (cache, over) = (AccessCache::new(clock.clone()), Mutex::default());
        Self { account, endpoint, vault, clock, cache, over }
    }

    /// Forgets what is cached, after the stored consent was replaced or removed.
    pub fn reset(&self) {
        self.cache.clear();
        *self.over() = None;
    }

    async fn refresh(&self) -> Result<Fresh, AuthorizationError> {
        let account = self.account.clone();
        let stored = self.vault.refresh_token(&account).map_err(|source| self.vault_error(source))?;
        let Some(refresh_token) = stored else { return Err(AuthorizationError::NotAuthorized { account }) };
        if let Some(reason) = self.verdict_on(&refresh_token) {
            return Err(AuthorizationError::Revoked { account, reason });
        }
        match self.endpoint.refresh(&refresh_token).await {
            Ok(tokens) => {
                self.record(tokens.refresh_token).await.map_err(|source| self.vault_error(source))?;
                Ok(Fresh { token: tokens.access_token, expires_in: tokens.expires_in })
            }
            Err(refusal) => {
                if let TokenRefusal::Grant(reason) = &refusal {
                    let ask_again = later(self.clock.now(), VERDICT_LIFE);
                    *self.over() = Some(Over { refresh_token, reason: reason.clone(), ask_again });
                }
                Err(AuthorizationError::from_refusal(account, refusal))
            }
        }
    }

    /// Stores a replaced refresh token at once, and the time of the refresh now and then.
    async fn record(&self, replacement: Option<SecretString>) -> Result<(), VaultError> {
        let now = self.clock.now();
        let grant = self.vault.grant(&self.account)?;
        let recent = grant.as_ref().is_some_and(|grant| now < later(grant.refreshed_at, REFRESH_RECORD));
        if recent && replacement.is_none() {
            return Ok(());
        }
        let grant = grant.map(|grant| Grant { refreshed_at: now, ..grant });
        self.vault.update(&self.account, replacement.as_ref(), grant.as_ref()).await
    }

    fn verdict_on(&self, refresh_token: &SecretString) -> Option<String> {
        let now = self.clock.now();
        let over = self.over();
        let over = over.as_ref()?;
        let same = over.refresh_token.expose_secret() == refresh_token.expose_secret();
        (same && now < over.ask_again).then(|| over.reason.clone())
    }

    fn vault_error(&self, source: VaultError) -> AuthorizationError {
        AuthorizationError::Vault { account: self.account.clone(), source }
    }

    /// A panic elsewhere cannot leave this half changed: each change is one assignment.
    fn over(&self) -> MutexGuard<'_, Option<Over>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccessTokens for RefreshingTokens {
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>> {
        Box::pin(self.cache.token(self.refresh()))
    }

    fn refused(&self, token: &SecretString) {
        self.cache.refused(token);
    }
}

impl fmt::Debug for RefreshingTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshingTokens").field("account", &self.account).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
