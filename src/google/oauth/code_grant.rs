//! The consent of a person in a browser: authorization code with PKCE, redirected to this machine.

use std::borrow::Cow;
use std::fmt;

use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, basic::BasicClient,
};
use secrecy::SecretString;
use url::Url;
use zeroize::Zeroizing;

use super::{ClientCredentials, SCOPES, TokenEndpoint, TokenRefusal, Tokens, advice};

/// Starts consents.
#[derive(Debug)]
pub struct CodeGrant;

/// A consent that waits for its person. Lives in memory only.
pub struct PendingGrant {
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    redirect_uri: Url,
}

/// Why what the browser brought is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// The person, or an administrator, said no.
    #[error("consent was refused on Google's page: {0}")]
    Denied(String),
    /// The answer belongs to another consent.
    #[error("the answer belongs to another consent; start again and use the newest link")]
    OtherConsent,
    /// There is no code in it.
    #[error(
        "there is no authorization code in what was given; paste the whole address that the browser shows after consenting"
    )]
    NoCode,
    /// No browser came back.
    #[error("the browser's answer could not be received: {0}")]
    Listener(String),
}

impl RedirectError {
    /// Who must act, and how, where the words alone do not say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied(error) => Some(advice::on_refused_page(error)),
            Self::OtherConsent | Self::NoCode | Self::Listener(_) => None,
        }
    }
}

impl CodeGrant {
    /// The page on which to consent, and what is needed to finish. `login_hint` preselects the account.
    #[must_use]
    pub fn begin(
        client: &ClientCredentials,
        auth_url: &Url,
        redirect_uri: &Url,
        login_hint: &str,
    ) -> (Url, PendingGrant) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = BasicClient::new(ClientId::new(client.id.clone()))
            .set_auth_uri(AuthUrl::from_url(auth_url.clone()))
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())))
            .set_pkce_challenge(challenge)
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            // API: without these two Google gives a refresh token at the first consent only.
            .add_extra_param("access_type", "offline")
            .add_extra_param("prompt", "consent")
            .add_extra_param("login_hint", login_hint)
            .url();
        (url, PendingGrant { state, verifier, redirect_uri: redirect_uri.clone() })
    }
}

impl PendingGrant {
    /// Whether a redirect answers this consent, be it with a code or with a refusal.
    #[must_use]
    pub(super) fn is_answered_by(&self, redirected: &Url) -> bool {
        parameter(redirected, "state").is_some_and(|state| *state == *self.state.secret())
    }

    /// Exchanges what the browser brought for tokens: the redirected address, or only the code out of it.
    ///
    /// # Errors
    /// Consent was refused, the answer is another consent's, or Google does not take the code.
    pub async fn finish(self, endpoint: &TokenEndpoint, answer: &str) -> Result<Tokens, FinishError> {
        let code = self.code_in(answer)?;
        Ok(endpoint.exchange(&code, self.verifier, &self.redirect_uri).await?)
    }

    fn code_in(&self, answer: &str) -> Result<SecretString, RedirectError> {
        let answer = answer.trim();
        // A bare code has no state to compare. PKCE binds it all the same: a code of another consent fails at Google.
        let Some(url) = Url::parse(answer).ok().filter(|url| !url.cannot_be_a_base()) else {
            return bare_code(answer);
        };
        if !self.is_answered_by(&url) {
            return Err(RedirectError::OtherConsent);
        }
        if let Some(error) = parameter(&url, "error") {
            return Err(RedirectError::Denied(error.chars().filter(|c| !c.is_control()).take(80).collect()));
        }
        match parameter(&url, "code") {
            Some(code) if !code.is_empty() => Ok(SecretString::from(code.as_str())),
            Some(_) | None => Err(RedirectError::NoCode),
        }
    }
}

impl fmt::Debug for PendingGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingGrant")
            .field("redirect_uri", &self.redirect_uri.as_str())
            .finish_non_exhaustive()
    }
}

/// Why a consent could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// The browser did not bring a code.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// Google did not take the code.
    #[error(transparent)]
    Refused(#[from] TokenRefusal),
}

/// A code as a person cuts it out of the address bar, where its slash is encoded.
fn bare_code(answer: &str) -> Result<SecretString, RedirectError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~' | '%');
    if answer.len() < SHORTEST_CODE || !answer.chars().all(fits) {
        return Err(RedirectError::NoCode);
    }
    let code = Zeroizing::new(answer.replace("%2F", "/").replace("%2f", "/"));
    Ok(SecretString::from(code.as_str()))
}

/// Shorter than any code that Google gives, longer than most slips of the clipboard.
const SHORTEST_CODE: usize = 10;

fn parameter(url: &Url, name: &str) -> Option<Zeroizing<String>> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| Zeroizing::new(value.into_owned()))
}

#[cfg(test)]
mod tests;
