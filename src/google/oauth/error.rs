//! Why there is no access token.

use super::{TokenRefusal, VaultError, advice};
use crate::account::AccountName;
use crate::remote::Disposition;

/// Why an account cannot be acted for.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    /// No consent is stored.
    #[error("account {account} is not authorised")]
    NotAuthorized {
        /// The account.
        account: AccountName,
    },
    /// The consent is over: revoked, expired or replaced. Trying again cannot help.
    #[error("google no longer accepts the consent of account {account} ({reason})")]
    Revoked {
        /// The account.
        account: AccountName,
        /// Google's words.
        reason: String,
    },
    /// Google refuses this installation's OAuth client.
    #[error("google refuses the OAuth client for account {account} ({reason})")]
    Client {
        /// The account.
        account: AccountName,
        /// Google's words.
        reason: String,
    },
    /// Google does not let the service account act for this user.
    #[error("google does not let the service account act for account {account} ({reason})")]
    ServiceAccount {
        /// The account.
        account: AccountName,
        /// Google's words.
        reason: String,
        /// Who does what about it, on which page.
        advice: String,
    },
    /// The token endpoint cannot be reached or does not work at the moment.
    #[error("no access token for account {account} at the moment: {reason}")]
    Unavailable {
        /// The account.
        account: AccountName,
        /// What happened.
        reason: String,
    },
    /// The stored consent cannot be read or written.
    #[error("the stored consent of account {account} cannot be used")]
    Vault {
        /// The account.
        account: AccountName,
        /// Why not.
        #[source]
        source: VaultError,
    },
}

impl AuthorizationError {
    /// Tells whose token was refused.
    #[must_use]
    pub fn from_refusal(account: AccountName, refusal: TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::Grant(reason) => Self::Revoked { account, reason },
            TokenRefusal::Client(reason) => Self::Client { account, reason },
            TokenRefusal::Unavailable(reason) => Self::Unavailable { account, reason },
        }
    }

    /// What the failure means for the engine. No request was sent to the People API.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::NotAuthorized { .. }
            | Self::Revoked { .. }
            | Self::Client { .. }
            | Self::ServiceAccount { .. }
            | Self::Vault { source: VaultError::Sealed { .. } | VaultError::Version { .. }, .. } => {
                Disposition::Unauthorized
            }
            Self::Unavailable { .. } | Self::Vault { source: VaultError::Store(_), .. } => {
                Disposition::Unavailable
            }
        }
    }

    /// Who must act, and how.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotAuthorized { account } => {
                format!("the owner of the account consents: run `dafater-contactsd authorize {account}`")
            }
            Self::Revoked { account, reason } if reason.contains("rapt") => format!(
                "the Workspace demands that its users sign in again and again: its administrator exempts trusted applications at \
                 https://admin.google.com/ac/security/reauth/admin-tools, then run `dafater-contactsd authorize {account}`"
            ),
            Self::Revoked { account, .. } => format!(
                "the owner of the account consents again: run `dafater-contactsd authorize {account}`. If this comes back every \
                 seven days, set the consent screen of the Google Cloud project to \"In production\" \
                 (https://console.cloud.google.com/auth/audience)"
            ),
            Self::Client { reason, .. } => advice::on_client(reason),
            Self::ServiceAccount { advice, .. } => advice.clone(),
            Self::Unavailable { .. } => {
                "nothing to do unless it persists; the daemon tries again by itself".to_owned()
            }
            Self::Vault { account, source: VaultError::Sealed { .. } } => format!(
                "put back the key file that the consent was sealed with, or run `dafater-contactsd authorize {account}`"
            ),
            Self::Vault { source: VaultError::Version { .. }, .. } => {
                "run the newer version of dafater-contactsd that wrote this store".to_owned()
            }
            Self::Vault { source: VaultError::Store(_), .. } => {
                "check the disk that holds the store; the log has its own report of it".to_owned()
            }
        }
    }
}
