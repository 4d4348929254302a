//! Ends a consent, at Google and here.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::token_endpoint::is_transient;
use super::{TokenVault, VaultError};
use crate::account::AccountName;
use crate::google::GoogleEndpoints;
use crate::remote::Transport;

/// How far a revocation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// Google ended the consent, or knew of none; nothing is stored here any more.
    Complete,
    /// Nothing is stored here any more, but Google could not be told: the person ends the consent at
    /// <https://myaccount.google.com/permissions>.
    LocalOnly {
        /// Why Google could not be told.
        reason: String,
    },
    /// There was no consent.
    NothingStored,
}

/// Tells Google to end the consent of `account` and forgets it here, whether or not Google could be told.
///
/// # Errors
/// The stored consent cannot be removed.
pub async fn revoke(
    transport: &dyn Transport,
    endpoints: &GoogleEndpoints,
    vault: &TokenVault,
    account: &AccountName,
) -> Result<Revocation, VaultError> {
    let at_google = match vault.refresh_token(account) {
        Ok(None) => return Ok(Revocation::NothingStored),
        Ok(Some(token)) => tell(transport, &endpoints.revocation(), &token).await,
        // A token that does not open cannot be shown to Google; it can still be forgotten.
        Err(error @ (VaultError::Sealed { .. } | VaultError::Version { .. })) => Err(error.to_string()),
        Err(error @ VaultError::Store(_)) => return Err(error),
    };
    vault.forget(account).await?;
    Ok(match at_google {
        Ok(()) => Revocation::Complete,
        Err(reason) => Revocation::LocalOnly { reason },
    })
}

impl GoogleEndpoints {
    /// Where consents are ended: beside the token endpoint.
    #[must_use]
    pub fn revocation(&self) -> Url {
        self.token.join("revoke").unwrap_or_else(|_| self.token.clone())
    }
}

async fn tell(transport: &dyn Transport, url: &Url, token: &SecretString) -> Result<(), String> {
    let form: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("token", token.expose_secret()).finish();
    let request = Request::post(url.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(CONTENT_LENGTH, form.len())
        .body(Bytes::from(form))
        .map_err(|_| "the address is not one that HTTP can carry".to_owned())?;
    let response = transport.send(request).await.map_err(|error| error.to_string())?;
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let error = body.get("error").and_then(Value::as_str).unwrap_or_default();
    // API: a token that is over already is refused with this; what was wanted is so.
    if !is_transient(status) && matches!(error, "invalid_token" | "invalid_grant") {
        return Ok(());
    }
    Err(format!("it answered {status}"))
}

#[cfg(test)]
mod tests;
