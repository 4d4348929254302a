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
use super::{
    AccessTokens, AuthorizationError, Grant, Over as Verdict, TokenEndpoint, TokenRefusal, TokenVault,
    VaultError,
};
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
    /// Of the consent it belonged to: one that is given anew is another, even with the same token.
    consented_at: Option<Timestamp>,
}

/// A suspended account that comes back makes an `invalid_grant` good again, so the verdict is not for ever. It is written down:
/// neither a restart nor a command asks again before.
const VERDICT_LIFE: Duration = Duration::from_hours(24);
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
        let verdict = self.verdict_on(&refresh_token).or_else(|| self.written_verdict());
        if let Some(reason) = verdict {
            return Err(AuthorizationError::Revoked { account, reason });
        }
        // A refresh token is good only with the client that the consent was given to.
        let endpoint = match self.vault.client(&account).map_err(|source| self.vault_error(source))? {
            Some(client) => self.endpoint.asked_as(client),
            None => self.endpoint.clone(),
        };
        match endpoint.refresh(&refresh_token).await {
            Ok(tokens) => {
                self.record(tokens.refresh_token, tokens.refresh_expires_in)
                    .await
                    .map_err(|source| self.vault_error(source))?;
                Ok(Fresh { token: tokens.access_token, expires_in: tokens.expires_in })
            }
            Err(TokenRefusal::Grant(reason)) => {
                let reason = self.write_verdict(reason).await;
                let ask_again = later(self.clock.now(), VERDICT_LIFE);
                let consented_at = self.consented_at();
                *self.over() = Some(Over { refresh_token, reason: reason.clone(), ask_again, consented_at });
                Err(AuthorizationError::Revoked { account, reason })
            }
            Err(refusal) => Err(AuthorizationError::from_refusal(account, refusal)),
        }
    }

    /// Stores a replaced refresh token at once, and the time of the refresh now and then.
    async fn record(
        &self,
        replacement: Option<SecretString>,
        expires_in: Option<Duration>,
    ) -> Result<(), VaultError> {
        let now = self.clock.now();
        let grant = self.vault.grant(&self.account)?;
        let recent = grant
            .as_ref()
            .is_some_and(|grant| grant.over.is_none() && now < later(grant.refreshed_at, REFRESH_RECORD));
        if recent && replacement.is_none() {
            return Ok(());
        }
        // A time that Google names anew is the same end told again, to the second.
        let ends = expires_in.map(|life| later(now, life));
        let grant = grant.map(|grant| Grant {
            refreshed_at: now,
            over: None,
            expires_at: ends.or(grant.expires_at),
            ..grant
        });
        self.vault.update(&self.account, replacement.as_ref(), grant.as_ref()).await
    }

    /// What an earlier process, or this one before its cache was cleared, was told about the stored consent.
    fn written_verdict(&self) -> Option<String> {
        let over = self.vault.grant(&self.account).ok()??.over?;
        (self.clock.now() < later(over.at, VERDICT_LIFE)).then_some(over.reason)
    }

    /// Writes down that the consent is over. Answers why, as people are told.
    async fn write_verdict(&self, reason: String) -> String {
        let now = self.clock.now();
        // Without a readable record there is nothing to add to; the verdict is kept in memory all the same.
        let Ok(Some(grant)) = self.vault.grant(&self.account) else { return reason };
        let reason = if grant.died_of_testing(now) {
            format!("{reason} It lived for seven days, as consents do while the consent screen is in Testing")
        } else {
            reason
        };
        let grant = Grant { over: Some(Verdict { at: now, reason: reason.clone() }), ..grant };
        drop(self.vault.update(&self.account, None, Some(&grant)).await);
        reason
    }

    fn verdict_on(&self, refresh_token: &SecretString) -> Option<String> {
        let now = self.clock.now();
        let consented_at = self.consented_at();
        let over = self.over();
        let over = over.as_ref()?;
        let same = over.refresh_token.expose_secret() == refresh_token.expose_secret()
            && over.consented_at == consented_at;
        (same && now < over.ask_again).then(|| over.reason.clone())
    }

    fn consented_at(&self) -> Option<Timestamp> {
        Some(self.vault.grant(&self.account).ok()??.consented_at)
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
        Box::pin(async {
            // A consent that was revoked here ends at once, whatever its last access token is still good for.
            if !self.vault.holds(&self.account).map_err(|source| self.vault_error(source))? {
                self.reset();
            }
            self.cache.token(self.refresh()).await
        })
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
