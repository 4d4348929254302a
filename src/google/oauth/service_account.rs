//! A Workspace service account with domain-wide delegation: acts for a user without that user's consent.
//!
//! Each access token is asked for with an assertion that we sign (RFC 7523). There is no refresh token and nothing to keep.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::SigningKey;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::advice::Delegate;
use super::cache::{AccessCache, Fresh};
use super::token_endpoint::post_form;
use super::{AccessTokens, AuthorizationError, CONTACTS_SCOPE, TokenRefusal};
use crate::account::AccountName;
use crate::remote::{Clock, Transport};

/// The key file that Google gives out for a service account.
#[derive(Clone)]
pub struct ServiceAccountKey {
    client_email: String,
    client_id: String,
    key_id: String,
    audience: String,
    signer: Arc<dyn SigningKey>,
}

/// Why a key file is of no use. Never quotes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// It is not JSON, or has not the fields of a key file.
    #[error("the service account file is no JSON key file of Google's")]
    Shape,
    /// It is a file of another kind.
    #[error("the service account file has type `{0}`, where `service_account` is needed")]
    Kind(String),
    /// The key in it cannot sign.
    #[error("the private key in the service account file is no RSA key in PEM form")]
    Key,
}

impl ServiceAccountKey {
    /// Reads the contents of a key file.
    ///
    /// # Errors
    /// It is no key file of a service account.
    pub fn parse(file: &SecretString) -> Result<Self, ServiceAccountError> {
        let file: KeyFile =
            serde_json::from_str(file.expose_secret()).map_err(|_| ServiceAccountError::Shape)?;
        if file.kind != "service_account" {
            return Err(ServiceAccountError::Kind(file.kind.chars().take(40).collect()));
        }
        let pem = file.private_key.expose_secret().as_bytes();
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| ServiceAccountError::Key)?;
        let signer = any_supported_type(&key).map_err(|_| ServiceAccountError::Key)?;
        if signer.choose_scheme(&[SCHEME]).is_none() {
            return Err(ServiceAccountError::Key);
        }
        let KeyFile { client_email, client_id, private_key_id: key_id, token_uri: audience, .. } = file;
        Ok(Self { client_email, client_id, key_id, audience, signer })
    }

    /// A token that says: for an hour from `now`, I act for `subject`.
    fn assertion(&self, subject: &str, now: Timestamp) -> Option<Zeroizing<String>> {
        let encode = |part: serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let header = encode(json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id}));
        let claims = encode(json!({
            "iss": self.client_email,
            "sub": subject,
            "scope": CONTACTS_SCOPE,
            "aud": self.audience,
            "iat": now.as_second(),
            "exp": now.as_second() + LIFE_SECONDS,
        }));
        let mut assertion = Zeroizing::new(format!("{header}.{claims}"));
        let signature = self.signer.choose_scheme(&[SCHEME])?.sign(assertion.as_bytes()).ok()?;
        assertion.push('.');
        assertion.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Some(assertion)
    }
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey").field("client_email", &self.client_email).finish_non_exhaustive()
    }
}

/// RS256 in the words of TLS.
const SCHEME: SignatureScheme = SignatureScheme::RSA_PKCS1_SHA256;
/// The longest that Google takes.
const LIFE_SECONDS: i64 = 3600;
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default = "empty")]
    private_key: SecretString,
    #[serde(default = "googles_token_uri")]
    token_uri: String,
}

fn empty() -> SecretString {
    SecretString::from("")
}

// API: the audience is Google's own address even when the request goes to a stand-in.
fn googles_token_uri() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

/// Access tokens for one user of a Workspace.
pub struct ServiceAccountTokens {
    account: AccountName,
    email_id: String,
    key: ServiceAccountKey,
    transport: Arc<dyn Transport>,
    token_url: Url,
    clock: Arc<dyn Clock>,
    cache: AccessCache,
}

impl ServiceAccountTokens {
    /// Tokens with which to act for `email_id`.
    #[must_use]
    pub fn new(
        account: AccountName,
        email_id: String,
        key: ServiceAccountKey,
        transport: Arc<dyn Transport>,
        token_url: Url,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let cache = AccessCache::new(clock.clone());
        Self { account, email_id, key, transport, token_url, clock, cache }
    }

    async fn ask(&self) -> Result<Fresh, AuthorizationError> {
        let account = self.account.clone();
        let Some(assertion) = self.key.assertion(&self.email_id, self.clock.now()) else {
            let reason = "its key does not sign".to_owned();
            let advice = self.advice(&reason);
            return Err(AuthorizationError::ServiceAccount { account, reason, advice });
        };
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion.as_str())];
        match post_form(self.transport.as_ref(), &self.token_url, &form).await {
            Ok(tokens) => Ok(Fresh { token: tokens.access_token, expires_in: tokens.expires_in }),
            Err(TokenRefusal::Unavailable(reason)) => {
                Err(AuthorizationError::Unavailable { account, reason })
            }
            Err(TokenRefusal::Grant(reason) | TokenRefusal::Client(reason)) => {
                let advice = self.advice(&reason);
                Err(AuthorizationError::ServiceAccount { account, reason, advice })
            }
        }
    }

    fn advice(&self, reason: &str) -> String {
        let ServiceAccountKey { client_email, client_id, key_id, .. } = &self.key;
        Delegate { client_email, client_id, key_id, email_id: &self.email_id }.advice(reason)
    }
}

impl AccessTokens for ServiceAccountTokens {
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>> {
        Box::pin(self.cache.token(self.ask()))
    }

    fn refused(&self, token: &SecretString) {
        self.cache.refused(token);
    }
}

impl fmt::Debug for ServiceAccountTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountTokens")
            .field("account", &self.account)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
