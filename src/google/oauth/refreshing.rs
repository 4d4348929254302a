//! Access tokens from a stored refresh token.
//!
//! Law: one refresh at a time, whoever asks; a consent that Google declared over is not tried again and again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::{AccessTokens, AuthorizationError, TokenEndpoint, TokenRefusal, TokenVault, Tokens};
use crate::remote::Clock;
use crate::sync::AccountName;

/// Access tokens of one account, refreshed when they are about to expire or were refused.
pub struct RefreshingTokens {
    account: AccountName,
    endpoint: TokenEndpoint,
    vault: Arc<TokenVault>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Held while asking, so that those who wait find the answer when their turn comes.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    access: Option<Access>,
    over: Option<Over>,
}

struct Access {
    token: SecretString,
    good_until: Timestamp,
}

/// A refresh token that Google declared over.
struct Over {
    refresh_token: SecretString,
    reason: String,
    ask_again: Timestamp,
}

/// An access token that is about to expire might do so on its way.
const MARGIN: Duration = Duration::from_mins(1);
/// Google says how long a token lives; this is for an answer that does not.
const UNSTATED_LIFE: Duration = Duration::from_mins(5);
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
        let (known, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { account, endpoint, vault, clock, known, asking }
    }

    /// Forgets what is cached, after the stored consent was replaced or removed.
    pub fn reset(&self) {
        *self.known() = Known::default();
    }

    async fn token(&self) -> Result<SecretString, AuthorizationError> {
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let _turn = self.asking.lock().await;
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let account = self.account.clone();
        let stored = self.vault.refresh_token(&self.account).map_err(|source| self.vault_error(source))?;
        let Some(refresh_token) = stored else { return Err(AuthorizationError::NotAuthorized { account }) };
        if let Some(reason) = self.verdict_on(&refresh_token) {
            return Err(AuthorizationError::Revoked { account, reason });
        }
        match self.endpoint.refresh(&refresh_token).await {
            Ok(tokens) => self.keep(tokens).await,
            Err(refusal) => {
                if let TokenRefusal::Grant(reason) = &refusal {
                    let ask_again = later(self.clock.now(), VERDICT_LIFE);
                    self.known().over = Some(Over { refresh_token, reason: reason.clone(), ask_again });
                }
                Err(AuthorizationError::from_refusal(account, refusal))
            }
        }
    }

    async fn keep(&self, tokens: Tokens) -> Result<SecretString, AuthorizationError> {
        let now = self.clock.now();
        let life = tokens.expires_in.unwrap_or(UNSTATED_LIFE).saturating_sub(MARGIN);
        let access = Access { token: tokens.access_token.clone(), good_until: later(now, life) };
        *self.known() = Known { access: Some(access), over: None };
        self.record(now, tokens.refresh_token).await.map_err(|source| self.vault_error(source))?;
        Ok(tokens.access_token)
    }

    /// Stores a replaced refresh token at once, and the time of the refresh now and then.
    async fn record(
        &self,
        now: Timestamp,
        replacement: Option<SecretString>,
    ) -> Result<(), super::VaultError> {
        let grant = self.vault.grant(&self.account)?;
        let recent = grant.as_ref().is_some_and(|grant| now < later(grant.refreshed_at, REFRESH_RECORD));
        if recent && replacement.is_none() {
            return Ok(());
        }
        let grant = grant.map(|grant| super::Grant { refreshed_at: now, ..grant });
        self.vault.update(&self.account, replacement.as_ref(), grant.as_ref()).await
    }

    fn cached(&self) -> Option<SecretString> {
        let now = self.clock.now();
        self.known()
            .access
            .as_ref()
            .filter(|access| now < access.good_until)
            .map(|access| access.token.clone())
    }

    fn verdict_on(&self, refresh_token: &SecretString) -> Option<String> {
        let now = self.clock.now();
        let known = self.known();
        let over = known.over.as_ref()?;
        let same = over.refresh_token.expose_secret() == refresh_token.expose_secret();
        (same && now < over.ask_again).then(|| over.reason.clone())
    }

    fn vault_error(&self, source: super::VaultError) -> AuthorizationError {
        AuthorizationError::Vault { account: self.account.clone(), source }
    }

    /// A panic elsewhere cannot leave this half changed: each change is one assignment.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccessTokens for RefreshingTokens {
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>> {
        Box::pin(self.token())
    }

    fn refused(&self, token: &SecretString) {
        let mut known = self.known();
        if known.access.as_ref().is_some_and(|access| access.token.expose_secret() == token.expose_secret()) {
            known.access = None;
        }
    }
}

impl fmt::Debug for RefreshingTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshingTokens").field("account", &self.account).finish_non_exhaustive()
    }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
