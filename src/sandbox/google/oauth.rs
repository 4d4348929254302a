//! OAuth 2.0: the consent page, the token endpoint, revocation.
//!
//! Law: a code is good once, within ten minutes, for the redirect address and the verifier it was asked for with; an access token
//! for 3,599 seconds; a refresh token until it is revoked.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::account::Account;
use super::assertion::JWT_BEARER;
use super::call::{Call, Query};
use super::options::{Consent, GoogleOptions};
use super::random::Random;
use super::refusal::{json_response, plain_response};

/// The only scope that allows writing contacts.
pub(super) const CONTACTS: &str = "https://www.googleapis.com/auth/contacts";
/// Reading contacts.
pub(super) const CONTACTS_READONLY: &str = "https://www.googleapis.com/auth/contacts.readonly";

pub(super) const ACCESS_SECONDS: i64 = 3599;
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What a user granted to the client.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) account: usize,
    pub(super) scopes: BTreeSet<String>,
}

#[derive(Debug)]
struct Code {
    grant: Grant,
    issued: Timestamp,
    redirect_uri: String,
    challenge: Option<(String, bool)>,
    nonce: Option<String>,
    offline: bool,
}

#[derive(Debug)]
struct Access {
    grant: Grant,
    refresh: Option<String>,
    expires: Timestamp,
}

/// Everything that was issued.
#[derive(Debug, Default)]
pub(super) struct OAuth {
    refresh: BTreeMap<String, Grant>,
    access: BTreeMap<String, Access>,
    codes: BTreeMap<String, Code>,
}

/// What the endpoints need of the model.
pub(super) struct Desk<'a> {
    pub(super) oauth: &'a mut OAuth,
    pub(super) accounts: &'a [Account],
    pub(super) options: &'a GoogleOptions,
    pub(super) random: &'a mut Random,
    pub(super) now: Timestamp,
}

impl OAuth {
    /// The grant behind an access token that is still good.
    pub(super) fn grant(&self, token: &str, now: Timestamp) -> Option<&Grant> {
        self.access.get(token).filter(|access| now < access.expires).map(|access| &access.grant)
    }

    /// A refresh token for `grant`.
    pub(super) fn issue_refresh(&mut self, grant: Grant, random: &mut Random) -> String {
        let token = format!("1//{}", random.text(6));
        self.refresh.insert(token.clone(), grant);
        token
    }

    /// An access token that expires after the usual time.
    pub(super) fn issue_access(
        &mut self,
        grant: Grant,
        refresh: Option<String>,
        random: &mut Random,
        now: Timestamp,
    ) -> String {
        self.access.retain(|_, access| now < access.expires);
        let token = format!("ya29.{}", random.text(8));
        let expires = now + SignedDuration::from_secs(ACCESS_SECONDS);
        self.access.insert(token.clone(), Access { grant, refresh, expires });
        token
    }

    /// Takes all tokens of an account away.
    pub(super) fn revoke_account(&mut self, account: usize) {
        self.refresh.retain(|_, grant| grant.account != account);
        self.access.retain(|_, access| access.grant.account != account);
    }

    /// Makes all access tokens of an account expire; refresh tokens stay.
    pub(super) fn expire_access(&mut self, account: usize) {
        self.access.retain(|_, access| access.grant.account != account);
    }
}

impl Desk<'_> {
    /// `GET /o/oauth2/v2/auth`: consents in the user's place and sends the browser back.
    pub(super) fn authorize(&mut self, query: &Query) -> Response<Bytes> {
        let redirect = query.get("redirect_uri").unwrap_or_default().to_owned();
        if query.get("client_id") != Some(self.options.client_id.as_str()) {
            return page(401, "invalid_client", "The OAuth client was not found.");
        }
        let Some(mut back) = loopback(&redirect) else {
            return page(400, "redirect_uri_mismatch", "The redirect URI in the request is not allowed.");
        };
        let scopes: BTreeSet<String> =
            query.get("scope").unwrap_or_default().split_whitespace().map(full_scope).collect();
        let challenge = query.get("code_challenge").map(str::to_owned);
        let hashed = match query.get("code_challenge_method") {
            Some("S256") => true,
            None | Some("plain") => false,
            Some(_) => return page(400, "invalid_request", "Invalid code_challenge_method."),
        };
        if query.get("response_type") != Some("code") || scopes.is_empty() {
            return page(400, "invalid_request", "Missing required parameter.");
        }
        let account = match query.get("login_hint") {
            Some(hint) => self
                .accounts
                .iter()
                .position(|account| account.email.eq_ignore_ascii_case(hint) || account.sub == hint),
            None => (!self.accounts.is_empty()).then_some(0),
        };
        let granted: BTreeSet<String> = match &self.options.consent {
            Consent::Everything => scopes,
            Consent::Only(kept) => {
                let kept: BTreeSet<String> = kept.iter().map(|scope| full_scope(scope)).collect();
                scopes.intersection(&kept).cloned().collect()
            }
            Consent::Nothing => BTreeSet::new(),
        };
        match account {
            Some(account) if !granted.is_empty() => {
                let code = format!("4/0A{}", self.random.text(6));
                let scope = join(&granted);
                let consents = query.get("prompt").is_some_and(|prompt| prompt.contains("consent"));
                // API: without prompt=consent a refresh token comes with the first grant only.
                let first = !self.oauth.refresh.values().any(|grant| grant.account == account);
                let issued = Code {
                    grant: Grant { account, scopes: granted },
                    issued: self.now,
                    redirect_uri: redirect,
                    challenge: challenge.map(|challenge| (challenge, hashed)),
                    nonce: query.get("nonce").map(str::to_owned),
                    offline: query.get("access_type") == Some("offline") && (consents || first),
                };
                self.oauth.codes.insert(code.clone(), issued);
                back.query_pairs_mut().append_pair("code", &code).append_pair("scope", &scope);
            }
            _ => {
                back.query_pairs_mut().append_pair("error", "access_denied");
            }
        }
        if let Some(state) = query.get("state") {
            back.query_pairs_mut().append_pair("state", state);
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::FOUND;
        if let Ok(location) = HeaderValue::from_str(back.as_str()) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }

    /// `POST /token`
    pub(super) fn token(&mut self, call: &Call<'_>) -> Response<Bytes> {
        let form = Query::parse(call.body);
        let answer = match form.get("grant_type") {
            Some("refresh_token") => self.refresh(&form),
            Some("authorization_code") => self.exchange(&form),
            Some(JWT_BEARER) => self.assertion(&form),
            Some(other) => {
                Err(OAuthError(400, "unsupported_grant_type", format!("Invalid grant_type: {other}")))
            }
            None => Err(OAuthError(
                400,
                "invalid_request",
                "Required parameter is missing: grant_type".to_owned(),
            )),
        };
        match answer {
            Ok(answer) => json_response(200, answer.to_string().into_bytes()),
            Err(error) => error.to_response(),
        }
    }

    /// `POST /revoke`
    pub(super) fn revoke(&mut self, call: &Call<'_>) -> Response<Bytes> {
        let form = Query::parse(call.body);
        let token = form.get("token").or_else(|| call.query.get("token")).unwrap_or_default();
        let refresh = match self.oauth.access.get(token) {
            Some(access) => access.refresh.clone(),
            None => Some(token.to_owned()).filter(|token| self.oauth.refresh.contains_key(token)),
        };
        let known = self.oauth.access.remove(token).is_some() | refresh.is_some();
        if let Some(refresh) = &refresh {
            self.oauth.refresh.remove(refresh);
            self.oauth.access.retain(|_, access| access.refresh.as_ref() != Some(refresh));
        }
        if known {
            json_response(200, b"{}".to_vec())
        } else {
            OAuthError(400, "invalid_token", "Token expired or revoked".to_owned()).to_response()
        }
    }

    fn check_client(&self, form: &Query) -> Result<(), OAuthError> {
        let id = form.get("client_id") == Some(self.options.client_id.as_str());
        if id && form.get("client_secret") == Some(self.options.client_secret.as_str()) {
            return Ok(());
        }
        // API: a missing secret is a bad request, a wrong one is not authorised.
        if id && form.get("client_secret").is_none() {
            return Err(OAuthError(400, "invalid_request", "client_secret is missing.".to_owned()));
        }
        let words = if id { "Unauthorized" } else { "The OAuth client was not found." };
        Err(OAuthError(401, "invalid_client", words.to_owned()))
    }

    fn refresh(&mut self, form: &Query) -> Result<Value, OAuthError> {
        self.check_client(form)?;
        let token = form.get("refresh_token").ok_or_else(|| {
            OAuthError(400, "invalid_request", "Missing required parameter: refresh_token".to_owned())
        })?;
        let mut grant = self.oauth.refresh.get(token).cloned().ok_or_else(|| {
            OAuthError(400, "invalid_grant", "Token has been expired or revoked.".to_owned())
        })?;
        if let Some(scope) = form.get("scope") {
            let asked: BTreeSet<String> = scope.split_whitespace().map(full_scope).collect();
            if !asked.is_subset(&grant.scopes) {
                return Err(OAuthError(400, "invalid_scope", "Bad Request".to_owned()));
            }
            grant.scopes = asked;
        }
        if !self.options.rotate_refresh_tokens {
            return Ok(self.answer(grant, Some(token.to_owned()), None, false));
        }
        self.oauth.refresh.remove(token);
        let fresh = self.oauth.issue_refresh(grant.clone(), self.random);
        Ok(self.answer(grant, Some(fresh), None, true))
    }

    fn exchange(&mut self, form: &Query) -> Result<Value, OAuthError> {
        self.check_client(form)?;
        let bad = |words: &str| OAuthError(400, "invalid_grant", words.to_owned());
        let code = form.get("code").and_then(|code| self.oauth.codes.remove(code));
        let code = code.filter(|code| self.now.duration_since(code.issued) < CODE_LIFE);
        let code = code.ok_or_else(|| bad("Bad Request"))?;
        if form.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
            return Err(OAuthError(400, "redirect_uri_mismatch", "Bad Request".to_owned()));
        }
        match (&code.challenge, form.get("code_verifier")) {
            (None, None) => {}
            (Some(_), None) => return Err(bad("Missing code verifier.")),
            (None, Some(_)) => return Err(bad("code_verifier or verifier is not needed.")),
            (Some((challenge, hashed)), Some(verifier)) => {
                let found = if *hashed {
                    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
                } else {
                    verifier.to_owned()
                };
                if found != *challenge {
                    return Err(bad("Invalid code verifier."));
                }
            }
        }
        let refresh = code.offline.then(|| self.oauth.issue_refresh(code.grant.clone(), self.random));
        Ok(self.answer(code.grant, refresh, code.nonce.as_deref(), true))
    }

    /// The token endpoint's answer; a refresh token is told only when it is new.
    fn answer(&mut self, grant: Grant, refresh: Option<String>, nonce: Option<&str>, new: bool) -> Value {
        let identity = grant.scopes.contains("openid").then(|| self.id_token(&grant, nonce));
        let scope = join(&grant.scopes);
        let token = self.oauth.issue_access(grant, refresh.clone(), self.random, self.now);
        let mut answer = json!({
            "access_token": token, "expires_in": ACCESS_SECONDS, "scope": scope, "token_type": "Bearer",
        });
        if let Some(answer) = answer.as_object_mut() {
            if let (Some(life), Some(_)) = (self.options.refresh_token_life, &refresh) {
                answer.insert("refresh_token_expires_in".to_owned(), life.as_secs().into());
            }
            if let Some(refresh) = refresh.filter(|_| new) {
                answer.insert("refresh_token".to_owned(), refresh.into());
            }
            if let Some(identity) = identity {
                answer.insert("id_token".to_owned(), identity.into());
            }
        }
        answer
    }

    /// Three parts as a JWT has them; the signature is noise.
    fn id_token(&mut self, grant: &Grant, nonce: Option<&str>) -> String {
        let account = self.accounts.get(grant.account);
        let issued = self.now.as_second();
        let mut claims = json!({
            "iss": "https://accounts.google.com", "aud": self.options.client_id, "azp": self.options.client_id,
            "sub": account.map(|account| account.sub.as_str()), "iat": issued, "exp": issued + 3600,
        });
        if let Some(claims) = claims.as_object_mut() {
            if grant.scopes.contains(EMAIL) {
                claims.insert("email".to_owned(), account.map(|account| account.email.as_str()).into());
                claims.insert("email_verified".to_owned(), true.into());
            }
            if let Some(nonce) = nonce {
                claims.insert("nonce".to_owned(), nonce.into());
            }
        }
        let head = json!({"alg": "RS256", "kid": "sandbox", "typ": "JWT"});
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(head), part(claims), self.random.text(32))
    }
}

/// An error of the token endpoint: status, code, description.
#[derive(Debug)]
pub(super) struct OAuthError(pub(super) u16, pub(super) &'static str, pub(super) String);

impl OAuthError {
    fn to_response(&self) -> Response<Bytes> {
        let Self(status, error, description) = self;
        json_response(
            *status,
            json!({"error": error, "error_description": description}).to_string().into_bytes(),
        )
    }
}

fn page(status: u16, error: &str, words: &str) -> Response<Bytes> {
    let body = format!(
        "<!DOCTYPE html>\n<title>Error {status}</title>\n<p>Access blocked: {words}\n<p>Error {status}: {error}\n"
    );
    plain_response(status, "text/html; charset=UTF-8", body.into())
}

/// API: a desktop client may come back to any port of the loopback address.
fn loopback(redirect: &str) -> Option<url::Url> {
    let address = url::Url::parse(redirect).ok()?;
    let host = address.host_str()?;
    (address.scheme() == "http" && matches!(host, "127.0.0.1" | "localhost" | "[::1]")).then_some(address)
}

const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";

fn full_scope(scope: &str) -> String {
    match scope {
        "email" => EMAIL.to_owned(),
        "profile" => "https://www.googleapis.com/auth/userinfo.profile".to_owned(),
        other => other.to_owned(),
    }
}

fn join(scopes: &BTreeSet<String>) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
