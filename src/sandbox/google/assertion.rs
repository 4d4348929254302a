//! OAuth for service accounts: a signed assertion is exchanged for an access token in a user's name.
//!
//! Law: the claims are checked, the signature is not: the stand-in has no public keys.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::call::Query;
use super::oauth::{ACCESS_SECONDS, Desk, Grant, OAuthError};

/// `grant_type` of an assertion.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// API: libraries put Google's own address here even when they send to another one.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";

/// An assertion may live for an hour; Google tolerates five minutes more.
const MAX_LIFE: i64 = 3900;

const CLOCK: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your \
                     'iat' and 'exp' values and use a clock with skew to account for clock differences between systems.";

impl Desk<'_> {
    /// `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`
    pub(super) fn assertion(&mut self, form: &Query) -> Result<Value, OAuthError> {
        let bad = |words: &str| OAuthError(400, "invalid_grant", words.to_owned());
        let claims = claims(form.get("assertion").unwrap_or_default())
            .ok_or_else(|| OAuthError(400, "invalid_request", "Invalid assertion.".to_owned()))?;
        let text = |key: &str| claims.get(key).and_then(Value::as_str).unwrap_or_default();
        let time = |key: &str| claims.get(key).and_then(Value::as_i64).unwrap_or_default();

        let issuer = self.options.service_accounts.iter().find(|known| known.email == text("iss"));
        let issuer = issuer.ok_or_else(|| bad("Invalid grant: account not found"))?;
        let audience = text("aud");
        if audience != AUDIENCE && !(audience.starts_with("http://") && audience.ends_with("/token")) {
            return Err(bad("Invalid JWT: Failed audience check."));
        }
        let (now, from, until) = (self.now.as_second(), time("iat"), time("exp"));
        if from > now + 300 || until <= now || until.saturating_sub(from) > MAX_LIFE {
            return Err(bad(CLOCK));
        }
        let scopes: BTreeSet<String> = text("scope").split_whitespace().map(str::to_owned).collect();
        if scopes.is_empty() {
            let words = "Invalid OAuth scope or ID token audience provided.";
            return Err(OAuthError(400, "invalid_scope", words.to_owned()));
        }
        if !scopes.iter().all(|scope| issuer.delegated_scopes.contains(scope)) {
            let words = "Client is unauthorized to retrieve access tokens using this method, or client not authorized for \
                         any of the scopes requested.";
            return Err(OAuthError(401, "unauthorized_client", words.to_owned()));
        }
        let subject = text("sub");
        let account = self.accounts.iter().position(|account| account.email.eq_ignore_ascii_case(subject));
        let account = account.ok_or_else(|| bad("Invalid email or User ID"))?;
        let token = self.oauth.issue_access(Grant { account, scopes }, None, self.random, self.now);
        Ok(json!({"access_token": token, "expires_in": ACCESS_SECONDS, "token_type": "Bearer"}))
    }
}

/// The claims of a JWT that says it is signed with RS256.
fn claims(assertion: &str) -> Option<Value> {
    let mut parts = assertion.split('.');
    let (head, body, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let signed = URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| !signature.is_empty());
    (json(head)?.get("alg")? == "RS256" && signed && parts.next().is_none()).then(|| json(body))?
}
