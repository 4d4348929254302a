//! Who consented, as the token endpoint says it.
//!
//! The signature is not checked: the token comes straight from the token endpoint over TLS, which `OpenID` Connect accepts in its
//! place (`OpenID` Connect Core 1.0, section 3.1.3.7). The claims are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The account that consented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// Google's unchanging id of the account.
    pub(super) subject: String,
    /// Its address, if the `email` scope was granted.
    pub(super) address: Option<String>,
}

/// Reads the identity out of an id token that was issued to `client_id`.
pub(super) fn read(token: &str, client_id: &str) -> Result<Identity, &'static str> {
    let payload = token.split('.').nth(1).ok_or("it has no payload")?;
    let payload =
        URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| "its payload is not base64url")?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| "its claims cannot be understood")?;
    if !ISSUERS.contains(&claims.iss.as_str()) {
        return Err("it was not issued by Google");
    }
    if !claims.aud.contains(client_id) {
        return Err("it was issued to another OAuth client");
    }
    Ok(Identity { subject: claims.sub, address: claims.email })
}

// API: both spellings are documented (Google Identity, "Obtain user information from the ID token").
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, client_id: &str) -> bool {
        match self {
            Self::One(audience) => audience == client_id,
            Self::Many(audiences) => audiences.iter().any(|audience| audience == client_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::testing::id_token;
    use serde_json::json;

    #[test]
    fn the_identity_is_read_when_google_issued_it_to_us() {
        for issuer in ISSUERS {
            let token = id_token(&json!({"iss": issuer, "aud": "us", "sub": "1", "email": "a@x.io"}));
            let identity = Identity { subject: "1".to_owned(), address: Some("a@x.io".to_owned()) };
            assert_eq!(read(&token, "us"), Ok(identity));
        }
    }

    #[test]
    fn a_token_for_another_client_or_from_another_issuer_proves_nothing() {
        let google = "https://accounts.google.com";
        let other_client = id_token(&json!({"iss": google, "aud": ["them"], "sub": "1"}));
        assert_eq!(read(&other_client, "us"), Err("it was issued to another OAuth client"));
        let other_issuer = id_token(&json!({"iss": "https://evil.example", "aud": "us", "sub": "1"}));
        assert_eq!(read(&other_issuer, "us"), Err("it was not issued by Google"));
    }

    #[test]
    fn garbage_is_refused_and_not_a_panic() {
        for garbage in ["", ".", "a.b.c", "..", "a.!!.c", "a.bnVsbA.c"] {
            assert!(read(garbage, "us").is_err(), "{garbage}");
        }
    }
}
