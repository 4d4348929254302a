use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::google::testing::{ManualClock, Script, account, answer, endpoints, page};
use crate::remote::Disposition;

/// Made for these tests; it opens nothing.
const TEST_KEY: &str = include_str!("test-key.pem");

/// SHA-256 of the assertion that `openssl dgst -sha256 -sign` makes of the same header and claims with the same key.
const OPENSSL_SAYS: &str = "21524dfb873141844e1706b4dd5f880dccfa892c8ace5c877219e2a3cc2f4a2a";

fn key_file(changes: &Value) -> SecretString {
    let mut file = json!({
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "k1",
        "private_key": TEST_KEY,
        "client_email": "sync@project.iam.gserviceaccount.com",
        "client_id": "1087",
    });
    for (key, value) in changes.as_object().unwrap() {
        file[key] = value.clone();
    }
    SecretString::from(file.to_string())
}

fn tokens(script: &Arc<Script>, clock: &Arc<ManualClock>) -> ServiceAccountTokens {
    let key = ServiceAccountKey::parse(&key_file(&json!({}))).unwrap();
    let email_id = "sales@example.com".to_owned();
    ServiceAccountTokens::new(
        account("sales"),
        email_id,
        key,
        script.clone(),
        endpoints().token,
        clock.clone(),
    )
}

fn access(token: &str) -> Result<http::Response<bytes::Bytes>, crate::remote::TransportError> {
    answer(200, &json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))
}

#[tokio::test]
async fn the_assertion_is_what_openssl_signs() {
    let script = Script::new([access("ya29.1")]);
    let token = tokens(&script, &ManualClock::new()).access_token().await.unwrap();
    assert_eq!(token.expose_secret(), "ya29.1");
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(script.body(0).as_bytes()).into_owned().collect();
    assert_eq!(form[0], ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
    assert_eq!(form[1].0, "assertion");
    let digest = format!("{:x}", Sha256::digest(&form[1].1));
    assert_eq!(digest, OPENSSL_SAYS, "{}", form[1].1);
}

#[tokio::test]
async fn a_token_is_asked_for_again_when_it_is_about_to_expire_or_was_refused() {
    let script = Script::new([access("1"), access("2"), access("3")]);
    let clock = ManualClock::new();
    let tokens = tokens(&script, &clock);
    let token = async || tokens.access_token().await.unwrap().expose_secret().to_owned();
    assert_eq!((token().await, token().await), ("1".to_owned(), "1".to_owned()));
    clock.advance(Duration::from_hours(1));
    assert_eq!(token().await, "2");
    tokens.refused(&SecretString::from("2"));
    assert_eq!(token().await, "3");
}

#[tokio::test]
async fn a_missing_delegation_is_the_administrators_matter_and_an_outage_is_nobodys() {
    let refusal = |code: &str| {
        answer(401, &json!({"error": code, "error_description": "Unauthorized client or scope in request."}))
    };
    let script = Script::new([refusal("unauthorized_client"), refusal("access_denied"), page(503)]);
    let tokens = tokens(&script, &ManualClock::new());
    for _ in 0..2 {
        let error = tokens.access_token().await.unwrap_err();
        assert!(matches!(error, AuthorizationError::ServiceAccount { .. }), "{error}");
        assert_eq!(error.disposition(), Disposition::Unauthorized);
        assert!(error.hint().contains("1087"), "the client is named: {}", error.hint());
    }
    let outage = tokens.access_token().await.unwrap_err();
    assert_eq!(outage.disposition(), Disposition::Unavailable);
}

#[test]
fn files_that_are_no_service_account_key_are_told_apart() {
    let refused = |file: &SecretString| ServiceAccountKey::parse(file).unwrap_err();
    assert_eq!(refused(&SecretString::from("not json")), ServiceAccountError::Shape);
    let user = key_file(&json!({"type": "authorized_user"}));
    assert_eq!(refused(&user), ServiceAccountError::Kind("authorized_user".to_owned()));
    for key in [json!(""), json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")] {
        assert_eq!(refused(&key_file(&json!({"private_key": key}))), ServiceAccountError::Key);
    }
}

#[test]
fn the_private_key_does_not_show_itself() {
    let script = Script::new([]);
    let shown = format!("{:?}", tokens(&script, &ManualClock::new()));
    assert!(shown.contains("sync@project") && !shown.contains("PRIVATE"), "{shown}");
}
