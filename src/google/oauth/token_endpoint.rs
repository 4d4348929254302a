//! The token endpoint: a code or a refresh token goes in, an access token comes out.
//!
//! The OAuth protocol is the `oauth2` crate's; what stands here is its way through our transport, and what a refusal means. An
//! answer that is not JSON never reaches the protocol: a front-end's error page says nothing about the consent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::ClientCredentials;
use crate::remote::{Transport, TransportError};

/// Exchanges grants for tokens.
#[derive(Clone)]
pub struct TokenEndpoint {
    transport: Arc<dyn Transport>,
    credentials: ClientCredentials,
    url: Url,
}

/// What the token endpoint gave.
pub struct Tokens {
    /// Opens the API for a while.
    pub access_token: SecretString,
    /// Opens the token endpoint. Comes with a code; with a refresh only when it replaces the old one.
    pub refresh_token: Option<SecretString>,
    /// How long the access token lives.
    pub expires_in: Option<Duration>,
    /// How long the refresh token lives, if its time is limited: the consent screen is in Testing then.
    pub refresh_expires_in: Option<Duration>,
    /// What was granted, if the answer lists it.
    pub scopes: Option<Vec<String>>,
    /// Who consented, if `openid` was granted.
    pub(super) id_token: Option<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Why the token endpoint gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// The code or refresh token is not (or no longer) good.
    #[error("google does not accept the consent: {0}")]
    Grant(String),
    /// The OAuth client is unknown, disabled or not allowed to do this.
    #[error("google does not accept the OAuth client: {0}")]
    Client(String),
    /// Nobody answered, or somebody who does not know.
    #[error("the token endpoint gives no answer: {0}")]
    Unavailable(String),
}

type TokenAnswer = StandardTokenResponse<IdentityFields, BasicTokenType>;

type OauthClient = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl TokenEndpoint {
    /// The endpoint at `url`, asked as `credentials`.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, credentials: ClientCredentials, url: Url) -> Self {
        Self { transport, credentials, url }
    }

    /// The same endpoint, asked as another client.
    #[must_use]
    pub fn asked_as(&self, credentials: ClientCredentials) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// The client that the endpoint is asked as.
    pub(super) fn credentials(&self) -> &ClientCredentials {
        &self.credentials
    }

    /// The id of the client that the endpoint is asked as.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.credentials.id
    }

    /// Turns a refresh token into an access token.
    ///
    /// # Errors
    /// The endpoint refused, or could not be asked.
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, TokenRefusal> {
        let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let client = self.client();
        let through = Through(self.transport.as_ref());
        let answer = client.exchange_refresh_token(&token).request_async(&through).await;
        answer.map(Tokens::from).map_err(|error| {
            refusal(error, &[refresh_token.expose_secret(), self.credentials.secret.expose_secret()])
        })
    }

    /// Turns an authorization code into tokens.
    ///
    /// # Errors
    /// The endpoint refused, or could not be asked.
    pub(super) async fn exchange(
        &self,
        code: &SecretString,
        verifier: PkceCodeVerifier,
        redirect_uri: &Url,
    ) -> Result<Tokens, TokenRefusal> {
        let client = self.client().set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()));
        let through = Through(self.transport.as_ref());
        let answer = client
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .set_pkce_verifier(verifier)
            .request_async(&through)
            .await;
        answer
            .map(Tokens::from)
            .map_err(|error| refusal(error, &[code.expose_secret(), self.credentials.secret.expose_secret()]))
    }

    fn client(&self) -> OauthClient {
        Client::new(ClientId::new(self.credentials.id.clone()))
            .set_client_secret(ClientSecret::new(self.credentials.secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(self.url.clone()))
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint")
            .field("url", &self.url.as_str())
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl From<TokenAnswer> for Tokens {
    fn from(answer: TokenAnswer) -> Self {
        let secret = |text: &String| SecretString::from(text.clone());
        Self {
            access_token: secret(answer.access_token().secret()),
            refresh_token: answer.refresh_token().map(|token| secret(token.secret())),
            expires_in: answer.expires_in(),
            scopes: answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect()),
            refresh_expires_in: answer.extra_fields().refresh_token_expires_in.map(Duration::from_secs),
            id_token: answer.extra_fields().id_token.clone(),
        }
    }
}

/// Sends a form to `url` and reads a token answer, for the grants that the `oauth2` crate does not know.
pub(super) async fn post_form(
    transport: &dyn Transport,
    url: &Url,
    form: &[(&str, &str)],
) -> Result<Tokens, TokenRefusal> {
    let secrets: Vec<&str> = form.iter().map(|(_, value)| *value).collect();
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = http::Request::post(url.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(CONTENT_LENGTH, form.len())
        .body(form.into_bytes())
        .map_err(|_| TokenRefusal::Unavailable("its address is not one that HTTP can carry".to_owned()))?;
    let answer = Through(transport).call(request).await;
    let answer = answer.map_err(|error| TokenRefusal::Unavailable(error.to_string()))?;
    let unclear = |_| TokenRefusal::Unavailable("its answer cannot be understood".to_owned());
    if answer.status().is_success() {
        let tokens: TokenAnswer = serde_json::from_slice(answer.body()).map_err(unclear)?;
        return Ok(tokens.into());
    }
    let refusal: BasicErrorResponse = serde_json::from_slice(answer.body()).map_err(unclear)?;
    Err(verdict(&refusal, &secrets))
}

/// The part of a token answer that `OpenID` Connect and Google add.
#[derive(Serialize, Deserialize)]
struct IdentityFields {
    #[serde(default)]
    id_token: Option<String>,
    // API: only where the consent is limited in time, as with a consent screen in Testing.
    #[serde(default)]
    refresh_token_expires_in: Option<u64>,
}

impl ExtraTokenFields for IdentityFields {}

impl fmt::Debug for IdentityFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityFields").finish_non_exhaustive()
    }
}

/// Carries the `oauth2` crate's requests over a [`Transport`].
struct Through<'t>(&'t dyn Transport);

impl<'c> AsyncHttpClient<'c> for Through<'_> {
    type Error = NoVerdict;
    type Future = BoxFuture<'c, Result<HttpResponse, NoVerdict>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.send(request.map(Bytes::from)).await?;
            let (parts, body) = response.into_parts();
            if is_transient(parts.status) {
                return Err(NoVerdict::Status(parts.status));
            }
            if !body.trim_ascii_start().starts_with(b"{") {
                return Err(NoVerdict::NotJson(parts.status));
            }
            Ok(http::Response::from_parts(parts, body.to_vec()))
        })
    }
}

/// An answer that says nothing about the consent.
#[derive(Debug, thiserror::Error)]
enum NoVerdict {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("it answered {0} without JSON; check `token_url` in [google] and any proxy in between")]
    NotJson(StatusCode),
}

pub(super) fn is_transient(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

fn refusal(error: RequestTokenError<NoVerdict, BasicErrorResponse>, secrets: &[&str]) -> TokenRefusal {
    match error {
        RequestTokenError::ServerResponse(answer) => verdict(&answer, secrets),
        RequestTokenError::Request(error) => TokenRefusal::Unavailable(error.to_string()),
        // The parse error holds the whole body, which may hold tokens: only the fact goes on.
        RequestTokenError::Parse(..) => {
            TokenRefusal::Unavailable("its answer cannot be understood".to_owned())
        }
        RequestTokenError::Other(_) => TokenRefusal::Unavailable("its answer is none of OAuth".to_owned()),
    }
}

fn verdict(answer: &BasicErrorResponse, secrets: &[&str]) -> TokenRefusal {
    let code = answer.error().as_ref();
    let reason = match answer.error_description() {
        Some(words) => format!("{code}: {words}"),
        None => code.to_owned(),
    };
    let reason = presentable(&reason, secrets);
    match answer.error() {
        BasicErrorResponseType::InvalidGrant => TokenRefusal::Grant(reason),
        BasicErrorResponseType::Extension(code) if TRANSIENT.contains(&code.as_str()) => {
            TokenRefusal::Unavailable(reason)
        }
        BasicErrorResponseType::InvalidClient
        | BasicErrorResponseType::InvalidRequest
        | BasicErrorResponseType::InvalidScope
        | BasicErrorResponseType::UnauthorizedClient
        | BasicErrorResponseType::UnsupportedGrantType
        | BasicErrorResponseType::Extension(_) => TokenRefusal::Client(reason),
    }
}

/// Error codes by which the endpoint says "later".
const TRANSIENT: [&str; 4] = ["internal_failure", "server_error", "temporarily_unavailable", "slow_down"];

/// The endpoint's words as one short line, and not at all if they repeat what we sent.
fn presentable(words: &str, secrets: &[&str]) -> String {
    if secrets.iter().any(|secret| !secret.is_empty() && words.contains(secret)) {
        return "its words repeat a secret and are withheld".to_owned();
    }
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
