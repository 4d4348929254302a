//! How accounts are authorised: a consent in a browser, a code that is pasted, a refresh token that is brought along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use url::Url;

use super::transport;
use crate::config::GoogleClient;
use crate::control::{Exit, Failure};
use crate::daemon::{AccountSettings, Begun, Consent, Settings};
use crate::google::GoogleEndpoints;
use crate::google::oauth::{
    AuthorizationError, AuthorizeError, Authorizer, ClientCredentials, CodeGrant, Grant, LoopbackListener,
    PendingGrant, Revocation, TokenEndpoint, TokenVault, revoke,
};
use crate::remote::Clock;
use crate::sync::AccountName;

/// How long a browser is waited for.
const BROWSER_WITHIN: Duration = Duration::from_mins(10);
/// Where the browser is sent when nobody listens: its address bar then shows what is to be pasted.
const NOBODY_LISTENS: &str = "http://127.0.0.1:1/";

/// Consents that were begun, and the vault in which they end.
pub(super) struct Consents {
    vault: Arc<TokenVault>,
    clock: Arc<dyn Clock>,
    begun: Mutex<BTreeMap<AccountName, Pending>>,
}

struct Pending {
    grant: PendingGrant,
    listener: Option<LoopbackListener>,
}

impl Consents {
    pub(super) fn new(vault: Arc<TokenVault>, clock: Arc<dyn Clock>) -> Self {
        Self { vault, clock, begun: Mutex::default() }
    }

    fn authorizer(&self, settings: &Settings) -> Result<Authorizer, Failure> {
        authorizer(settings, &self.vault, &self.clock, None)
    }

    async fn take(&self, account: &AccountSettings) -> Result<Pending, Failure> {
        self.begun.lock().await.remove(&account.name).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("no consent of account {} was begun", account.name))
                .hint(format!("run `dafater-contactsd authorize {}` first", account.name))
        })
    }

    async fn end(
        &self,
        account: &AccountSettings,
        settings: &Settings,
        pending: PendingGrant,
        answer: &str,
    ) -> Result<Option<String>, Failure> {
        let grant =
            self.authorizer(settings)?.finish(&account.name, &account.email_id, pending, answer).await;
        accepted(grant)
    }
}

impl Consent for Consents {
    fn begin<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
        listen: Option<u16>,
    ) -> BoxFuture<'a, Result<Begun, Failure>> {
        Box::pin(async move {
            let credentials = credentials(settings)?;
            // A listener that waits for an answer to an earlier link gives its port back first.
            self.begun.lock().await.remove(&account.name);
            let listener = match listen {
                Some(port) => {
                    Some(LoopbackListener::bind(port).await.map_err(|error| refused(&error.into()))?)
                }
                None => None,
            };
            let nobody = Url::parse(NOBODY_LISTENS).map_err(|error| internal(error.to_string()))?;
            let redirect = listener.as_ref().map_or(&nobody, LoopbackListener::redirect_uri);
            let auth_url = &settings.config.google.auth_url;
            let (url, pending) = CodeGrant::begin(&credentials, auth_url, redirect, &account.email_id);
            let port = listener.as_ref().and_then(|listener| listener.redirect_uri().port());
            self.begun.lock().await.insert(account.name.clone(), Pending { grant: pending, listener });
            Ok(Begun { url: url.into(), port })
        })
    }

    fn receive<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        Box::pin(async move {
            let Pending { grant: pending, listener } = self.take(account).await?;
            let Some(listener) = listener else {
                return Err(Failure::new(Exit::Usage, "nobody listens for the browser")
                    .hint("paste the address that it shows"));
            };
            let answer =
                tokio::time::timeout(BROWSER_WITHIN, listener.receive(&pending)).await.map_err(|_| {
                    Failure::new(Exit::TryAgain, "the browser did not come back in time")
                        .hint(format!("run `dafater-contactsd authorize {} --paste`", account.name))
                })?;
            let answer = answer.map_err(|error| refused(&error.into()))?;
            self.end(account, settings, pending, &answer).await
        })
    }

    fn finish<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
        answer: SecretString,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        Box::pin(async move {
            let Pending { grant: pending, .. } = self.take(account).await?;
            self.end(account, settings, pending, answer.expose_secret()).await
        })
    }

    fn adopt<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
        refresh_token: SecretString,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        Box::pin(async move {
            let authorizer = self.authorizer(settings)?;
            accepted(
                authorizer
                    .authorize_with_refresh_token(&account.name, &account.email_id, refresh_token)
                    .await,
            )
        })
    }

    fn revoke<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let google = &settings.config.google;
            let transport = transport(google.timeout).map_err(internal)?;
            let endpoints = GoogleEndpoints {
                api: google.api_url.clone(),
                token: google.token_url.clone(),
                auth: google.auth_url.clone(),
            };
            let revoked = revoke(transport.as_ref(), &endpoints, &self.vault, &account.name).await;
            match revoked.map_err(|error| internal(error.to_string()))? {
                Revocation::Complete => Ok(()),
                Revocation::NothingStored => Err(Failure::new(
                    Exit::Usage,
                    format!("account {} has no tokens that could be revoked", account.name),
                )),
                Revocation::LocalOnly { reason } => Err(Failure::new(
                    Exit::Unavailable,
                    format!(
                        "the tokens of account {} are forgotten here, but Google was not told",
                        account.name
                    ),
                )
                .cause(reason)
                .hint("remove the application at https://myaccount.google.com/permissions")),
            }
        })
    }
}

/// Accepts consents that were given to `other`, or to the configured client.
pub(super) fn authorizer(
    settings: &Settings,
    vault: &Arc<TokenVault>,
    clock: &Arc<dyn Clock>,
    other: Option<ClientCredentials>,
) -> Result<Authorizer, Failure> {
    let google = &settings.config.google;
    let transport = transport(google.timeout).map_err(internal)?;
    let endpoint = |client| TokenEndpoint::new(transport, client, google.token_url.clone());
    let (vault, clock) = (Arc::clone(vault), Arc::clone(clock));
    Ok(match other {
        Some(client) => Authorizer::new(endpoint(client), vault, clock).for_another_client(),
        None => Authorizer::new(endpoint(credentials(settings)?), vault, clock),
    })
}

fn credentials(settings: &Settings) -> Result<ClientCredentials, Failure> {
    match &settings.config.google.client {
        GoogleClient::Consent { id, secret } => {
            Ok(ClientCredentials { id: id.clone(), secret: secret.clone() })
        }
        GoogleClient::Site => Err(Failure::new(
            Exit::Usage,
            "no OAuth client is configured that a consent could be given to",
        )
        .hint(
            "give the consent in Dafater, with the button on the form of the account's Google Contacts record, or set `client_id` and \
             `client_secret_file` in [google]",
        )),
        GoogleClient::ServiceAccount { .. } => Err(Failure::new(
            Exit::Usage,
            "accounts need no consent of their own: [google] service_account_file is set",
        )),
    }
}

pub(super) fn accepted(outcome: Result<Grant, AuthorizeError>) -> Result<Option<String>, Failure> {
    outcome.map(|grant| grant.address).map_err(|error| refused(&error))
}

fn refused(error: &AuthorizeError) -> Failure {
    let exit = match error {
        AuthorizeError::Refused(AuthorizationError::Unavailable { .. }) => Exit::Unavailable,
        AuthorizeError::Vault { .. } => Exit::Internal,
        AuthorizeError::Refused(_)
        | AuthorizeError::Redirect(_)
        | AuthorizeError::OtherAddress { .. }
        | AuthorizeError::OtherSubject { .. }
        | AuthorizeError::ContactsNotGranted { .. }
        | AuthorizeError::NoRefreshToken { .. }
        | AuthorizeError::AddressNotGranted { .. }
        | AuthorizeError::IdToken { .. } => Exit::Unauthorized,
    };
    let mut failure = Failure::new(exit, error.to_string());
    if let Some(cause) = std::error::Error::source(error) {
        failure = failure.cause(cause.to_string());
    }
    let hint = match error {
        AuthorizeError::Refused(error) => Some(error.hint()),
        AuthorizeError::Redirect(error) => error.hint(),
        AuthorizeError::OtherAddress { .. }
        | AuthorizeError::OtherSubject { .. }
        | AuthorizeError::ContactsNotGranted { .. }
        | AuthorizeError::NoRefreshToken { .. }
        | AuthorizeError::AddressNotGranted { .. }
        | AuthorizeError::IdToken { .. }
        | AuthorizeError::Vault { .. } => None,
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn internal(reason: impl Into<String>) -> Failure {
    Failure::new(Exit::Internal, "the consent cannot be dealt with").cause(reason)
}
