use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::google::testing::{Script, answer, credentials, endpoints, no_answer, page, raw};

fn endpoint(script: &Arc<Script>) -> TokenEndpoint {
    TokenEndpoint::new(script.clone(), credentials(), endpoints().token)
}

async fn refused(answer: Result<http::Response<Bytes>, TransportError>) -> TokenRefusal {
    let script = Script::new([answer]);
    endpoint(&script).refresh(&SecretString::from("1//old")).await.unwrap_err()
}

#[tokio::test]
async fn a_refresh_sends_the_client_in_the_body_and_reads_the_answer() {
    let script = Script::new([answer(
        200,
        &json!({"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer", "scope": "openid https://www.googleapis.com/auth/contacts"}),
    )]);
    let tokens = endpoint(&script).refresh(&SecretString::from("1//old")).await.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "ya29.a");
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(3599)));
    assert!(tokens.refresh_token.is_none() && tokens.id_token.is_none());
    assert_eq!(
        tokens.scopes,
        Some(vec!["openid".to_owned(), "https://www.googleapis.com/auth/contacts".to_owned()])
    );
    assert_eq!(script.lines(), ["POST /token"]);
    assert_eq!(script.header(0, "authorization"), None);
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(script.body(0).as_bytes()).into_owned().collect();
    for (key, value) in [
        ("grant_type", "refresh_token"),
        ("refresh_token", "1//old"),
        ("client_id", "us.apps.googleusercontent.com"),
        ("client_secret", "GOCSPX-hush"),
    ] {
        assert!(form.contains(&(key.to_owned(), value.to_owned())), "{key} is missing");
    }
}

#[tokio::test]
async fn only_googles_verdict_ends_a_consent() {
    let error =
        |code: &str| json!({"error": code, "error_description": "Token has been expired or revoked."});
    let grant = refused(answer(400, &error("invalid_grant"))).await;
    assert_eq!(grant, TokenRefusal::Grant("invalid_grant: Token has been expired or revoked.".to_owned()));
    for code in
        ["invalid_client", "unauthorized_client", "invalid_scope", "admin_policy_enforced", "deleted_client"]
    {
        let refusal = refused(answer(401, &error(code))).await;
        assert!(matches!(refusal, TokenRefusal::Client(_)), "{code}: {refusal:?}");
    }
    let transient = [
        answer(503, &error("invalid_grant")),
        answer(429, &error("invalid_grant")),
        answer(400, &error("internal_failure")),
        page(502),
        page(400),
        page(200),
        raw(200, "application/json", ""),
        raw(200, "application/json", "{\"access_token\": 7}"),
        answer(404, &json!({"error": {"code": 404, "message": "Not Found"}})),
        no_answer(),
    ];
    for answer in transient {
        let shown = format!("{answer:?}");
        let refusal = refused(answer).await;
        assert!(matches!(refusal, TokenRefusal::Unavailable(_)), "{shown}: {refusal:?}");
    }
}

#[tokio::test]
async fn a_refusal_that_repeats_the_token_does_not_carry_it_on() {
    for words in ["no such token: 1//old", "secret GOCSPX-hush is wrong"] {
        let refusal =
            refused(answer(400, &json!({"error": "invalid_grant", "error_description": words}))).await;
        let shown = format!("{refusal} {refusal:?}");
        assert!(!shown.contains("1//old") && !shown.contains("GOCSPX"), "{shown}");
    }
    let garbled = refused(raw(200, "application/json", "{\"refresh_token\": \"1//new\"")).await;
    assert!(!format!("{garbled} {garbled:?}").contains("1//new"));
}

#[tokio::test]
async fn no_token_shows_itself() {
    let script = Script::new([answer(
        200,
        &json!({"access_token": "ya29.a", "token_type": "Bearer", "refresh_token": "1//new", "id_token": "h.p.s"}),
    )]);
    let endpoint = endpoint(&script);
    let tokens = endpoint.refresh(&SecretString::from("1//old")).await.unwrap();
    let shown = format!("{tokens:?} {endpoint:?}");
    for secret in ["ya29", "1//", "h.p.s", "GOCSPX"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
