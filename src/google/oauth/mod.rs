//! Consent: how the daemon is allowed to act for a Google account.
//!
//! A person consents once ([`CodeGrant`], or a refresh token brought from elsewhere); [`Authorizer`] proves what came out of it
//! and puts it into the [`TokenVault`]; [`RefreshingTokens`] turns it into access tokens while the daemon runs; [`revoke`] ends it.
//! In a Workspace an administrator may consent for everyone instead: [`ServiceAccountTokens`].
//!
//! Law: no secret is ever shown by `Debug`, `Display` or an error, none lies unsealed on disk, and an authorization code is never
//! stored at all.

mod advice;
mod authorize;
mod cache;
mod code_grant;
mod error;
mod grant;
mod id_token;
mod loopback;
mod refreshing;
mod revocation;
mod service_account;
mod token_endpoint;
mod vault;
mod vault_key;

use std::fmt;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

pub use authorize::{AuthorizeError, Authorizer};
pub use code_grant::{CodeGrant, FinishError, PendingGrant, RedirectError};
pub use error::AuthorizationError;
pub use grant::{Ending, Grant, Over};
pub use loopback::LoopbackListener;
pub use refreshing::RefreshingTokens;
pub use revocation::{Revocation, revoke};
pub use service_account::{ServiceAccountError, ServiceAccountKey, ServiceAccountTokens};
pub use token_endpoint::{TokenEndpoint, TokenRefusal, Tokens};
pub use vault::{Rekeyed, TokenVault, VaultError};
pub use vault_key::{VaultKey, VaultKeyError};

/// The scope under which contacts are read and written. The read-only one does not suffice.
pub const CONTACTS_SCOPE: &str = "https://www.googleapis.com/auth/contacts";

/// What consent is asked for: the contacts, and the address, to know whose they are.
pub const SCOPES: [&str; 3] = [CONTACTS_SCOPE, "openid", "email"];

/// Gives access tokens for one account.
pub trait AccessTokens: Send + Sync {
    /// A token that is believed to be good.
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>>;

    /// Google refused `token`: the next call to [`Self::access_token`] must not return it again.
    fn refused(&self, token: &SecretString);
}

/// How this installation presents itself to Google: an OAuth client of the kind "Desktop app".
#[derive(Clone)]
pub struct ClientCredentials {
    /// `….apps.googleusercontent.com`
    pub id: String,
    /// The client's secret.
    pub secret: SecretString,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}
