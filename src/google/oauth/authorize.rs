//! From tokens to a stored consent: proves that they are for the right account and the right scope, then seals them.
//!
//! Law: what is not proven is not stored, and a consent that was good before stays when a new one is refused.

use std::sync::Arc;

use secrecy::SecretString;

use super::cache::later;
use super::{
    AuthorizationError, CONTACTS_SCOPE, FinishError, Grant, PendingGrant, RedirectError, TokenEndpoint,
    TokenRefusal, TokenVault, Tokens, VaultError, id_token,
};
use crate::account::AccountName;
use crate::remote::Clock;

/// Accepts consents for accounts.
pub struct Authorizer {
    endpoint: TokenEndpoint,
    vault: Arc<TokenVault>,
    clock: Arc<dyn Clock>,
    is_other_client: bool,
}

/// Why a consent was not stored.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// Google did not take the code or the refresh token.
    #[error(transparent)]
    Refused(#[from] AuthorizationError),
    /// The browser did not bring a code.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// Someone else consented.
    #[error(
        "the consent for account {account} came from {found} and not from its `email_id` {expected}; nothing was stored"
    )]
    OtherAddress {
        /// The account.
        account: AccountName,
        /// `email_id` in the configuration.
        expected: String,
        /// Who consented.
        found: String,
    },
    /// The address is the same and the Google account behind it is another.
    #[error(
        "another Google account now has the address of account {account}; nothing was stored. To start over with it, run \
         `dafater-contactsd revoke {account}` first"
    )]
    OtherSubject {
        /// The account.
        account: AccountName,
    },
    /// The box for contacts was not ticked.
    #[error(
        "the consent for account {account} does not include contacts; consent again and leave the box for contacts ticked"
    )]
    ContactsNotGranted {
        /// The account.
        account: AccountName,
    },
    /// A code gave no refresh token.
    #[error(
        "google gave no refresh token for account {account}; remove the application at https://myaccount.google.com/permissions \
         and consent again"
    )]
    NoRefreshToken {
        /// The account.
        account: AccountName,
    },
    /// A consent in a browser that does not say whose it is.
    #[error(
        "the consent for account {account} does not say who gave it; consent again and leave the box for the e-mail address \
         ticked. Nothing was stored"
    )]
    AddressNotGranted {
        /// The account.
        account: AccountName,
    },
    /// The id token proves nothing.
    #[error("the id token for account {account} is of no use: {reason}; nothing was stored")]
    IdToken {
        /// The account.
        account: AccountName,
        /// Why not.
        reason: &'static str,
    },
    /// The consent could not be stored.
    #[error("the consent of account {account} could not be stored")]
    Vault {
        /// The account.
        account: AccountName,
        /// Why not.
        #[source]
        source: VaultError,
    },
}

impl Authorizer {
    /// An authorizer that proves at `endpoint` and stores in `vault`.
    #[must_use]
    pub fn new(endpoint: TokenEndpoint, vault: Arc<TokenVault>, clock: Arc<dyn Clock>) -> Self {
        Self { endpoint, vault, clock, is_other_client: false }
    }

    /// The endpoint is asked as a client that is not the configured one: it is stored beside the consent.
    #[must_use]
    pub fn for_another_client(self) -> Self {
        Self { is_other_client: true, ..self }
    }

    /// Stores a refresh token that was obtained elsewhere, after proving it with one refresh.
    ///
    /// A token whose consent did not include `openid` does not say whose it is; [`Grant::address`] is `None` then.
    ///
    /// # Errors
    /// The token is not good, or is not this account's, or does not open contacts. Nothing was stored.
    pub async fn authorize_with_refresh_token(
        &self,
        account: &AccountName,
        email_id: &str,
        refresh_token: SecretString,
    ) -> Result<Grant, AuthorizeError> {
        let mut tokens =
            self.endpoint.refresh(&refresh_token).await.map_err(|refusal| Self::refused(account, refusal))?;
        tokens.refresh_token.get_or_insert(refresh_token);
        self.accept(account, email_id, tokens).await
    }

    /// Finishes a consent with what the browser brought, and stores it.
    ///
    /// # Errors
    /// There is no good code, or the consent is not this account's, or does not include contacts. Nothing was stored.
    pub async fn finish(
        &self,
        account: &AccountName,
        email_id: &str,
        pending: PendingGrant,
        answer: &str,
    ) -> Result<Grant, AuthorizeError> {
        let tokens = pending.finish(&self.endpoint, answer).await.map_err(|error| match error {
            FinishError::Redirect(error) => error.into(),
            FinishError::Refused(refusal) => Self::refused(account, refusal),
        })?;
        // What a person ticked in a browser just now can be asked for; an old token brought along says what it says.
        let grant = self.prove(account, email_id, &tokens)?;
        if grant.address.is_none() {
            return Err(AuthorizeError::AddressNotGranted { account: account.clone() });
        }
        self.store(account, &tokens, grant).await
    }

    /// Stores the tokens of a finished consent.
    ///
    /// # Errors
    /// The consent is not this account's, or does not include contacts. Nothing was stored.
    pub async fn accept(
        &self,
        account: &AccountName,
        email_id: &str,
        tokens: Tokens,
    ) -> Result<Grant, AuthorizeError> {
        let grant = self.prove(account, email_id, &tokens)?;
        self.store(account, &tokens, grant).await
    }

    async fn store(
        &self,
        account: &AccountName,
        tokens: &Tokens,
        grant: Grant,
    ) -> Result<Grant, AuthorizeError> {
        let Some(refresh_token) = &tokens.refresh_token else {
            return Err(AuthorizeError::NoRefreshToken { account: account.clone() });
        };
        let client = self.is_other_client.then(|| self.endpoint.credentials());
        let stored = self.vault.store(account, refresh_token, &grant, client).await;
        stored.map_err(|source| AuthorizeError::Vault { account: account.clone(), source })?;
        Ok(grant)
    }

    fn refused(account: &AccountName, refusal: TokenRefusal) -> AuthorizeError {
        AuthorizationError::from_refusal(account.clone(), refusal).into()
    }

    fn prove(&self, account: &AccountName, email_id: &str, tokens: &Tokens) -> Result<Grant, AuthorizeError> {
        let whose = || account.clone();
        let scopes = tokens.scopes.clone().unwrap_or_default();
        // API: a person may untick single scopes on the consent page ("granular permissions").
        if !scopes.is_empty() && !scopes.iter().any(|scope| scope == CONTACTS_SCOPE) {
            return Err(AuthorizeError::ContactsNotGranted { account: whose() });
        }
        let identity = match &tokens.id_token {
            Some(token) => Some(
                id_token::read(token, self.endpoint.client_id())
                    .map_err(|reason| AuthorizeError::IdToken { account: whose(), reason })?,
            ),
            None => None,
        };
        let (subject, address) =
            identity.map_or((None, None), |identity| (Some(identity.subject), identity.address));
        if let Some(found) = address.as_ref().filter(|found| !same_address(found, email_id)) {
            let (expected, found) = (email_id.to_owned(), found.clone());
            return Err(AuthorizeError::OtherAddress { account: whose(), expected, found });
        }
        // A record that does not open pins nobody: consenting again is how one gets out of that.
        let pinned = self.vault.grant(account).ok().flatten().and_then(|grant| grant.subject);
        match (&pinned, &subject) {
            (Some(pinned), Some(subject)) if pinned != subject => {
                return Err(AuthorizeError::OtherSubject { account: whose() });
            }
            _ => {}
        }
        let now = self.clock.now();
        let expires_at = tokens.refresh_expires_in.map(|life| later(now, life));
        Ok(Grant { address, subject: subject.or(pinned), scopes, expires_at, ..Grant::new(now) })
    }
}

fn same_address(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
