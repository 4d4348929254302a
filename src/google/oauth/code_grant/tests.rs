use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::google::oauth::LoopbackListener;
use crate::google::testing::{Script, answer, credentials, endpoints};

fn begin() -> (BTreeMap<String, String>, PendingGrant) {
    let redirect_uri = Url::parse("http://127.0.0.1:4711/").unwrap();
    let (url, pending) =
        CodeGrant::begin(&credentials(), &endpoints().auth, &redirect_uri, "sales@example.com");
    assert!(url.as_str().starts_with("https://accounts.google.com/o/oauth2/v2/auth?"));
    (url.query_pairs().into_owned().collect(), pending)
}

fn endpoint(script: &Arc<Script>) -> TokenEndpoint {
    TokenEndpoint::new(script.clone(), credentials(), endpoints().token)
}

fn redirect(state: &str, rest: &str) -> String {
    format!("http://127.0.0.1:4711/?state={state}&{rest}")
}

#[test]
fn the_consent_page_is_asked_for_what_a_headless_daemon_needs() {
    let (query, _) = begin();
    for (key, value) in [
        ("response_type", "code"),
        ("client_id", "us.apps.googleusercontent.com"),
        ("redirect_uri", "http://127.0.0.1:4711/"),
        ("scope", "https://www.googleapis.com/auth/contacts openid email"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("login_hint", "sales@example.com"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(query.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_ne!(query["state"], begin().0["state"], "each consent has its own state");
}

#[tokio::test]
async fn the_pasted_address_is_exchanged_with_the_verifier_of_its_challenge() {
    let (query, pending) = begin();
    let script = Script::new([answer(
        200,
        &json!({"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer", "refresh_token": "1//new"}),
    )]);
    let address = redirect(&query["state"], "code=4%2F0Adeu5&scope=openid");
    let tokens = pending.finish(&endpoint(&script), &format!("  {address}\n")).await.unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "1//new");
    let form: BTreeMap<String, String> =
        url::form_urlencoded::parse(script.body(0).as_bytes()).into_owned().collect();
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "4/0Adeu5");
    assert_eq!(form["redirect_uri"], "http://127.0.0.1:4711/");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    assert_eq!(challenge, query["code_challenge"]);
}

#[test]
fn a_bare_code_is_taken_and_its_slash_decoded() {
    let (_, pending) = begin();
    for pasted in ["4%2F0Adeu5BWx_y-z", "4/0Adeu5BWx_y-z"] {
        assert_eq!(pending.code_in(pasted).unwrap().expose_secret(), "4/0Adeu5BWx_y-z");
    }
    for slip in ["", "yes", "please wait a moment", "127.0.0.1:4711"] {
        assert_eq!(pending.code_in(slip).unwrap_err(), RedirectError::NoCode, "{slip}");
    }
}

#[test]
fn the_answer_to_another_consent_is_refused() {
    let (_, pending) = begin();
    for address in
        [redirect("someone-elses", "code=4/0Adeu5"), "http://127.0.0.1:4711/?code=4/0Adeu5".to_owned()]
    {
        assert_eq!(pending.code_in(&address).unwrap_err(), RedirectError::OtherConsent);
    }
}

#[test]
fn a_refusal_on_googles_page_is_told() {
    let (query, pending) = begin();
    let denied = pending.code_in(&redirect(&query["state"], "error=access_denied")).unwrap_err();
    assert_eq!(denied, RedirectError::Denied("access_denied".to_owned()));
    let empty = pending.code_in(&redirect(&query["state"], "code=")).unwrap_err();
    assert_eq!(empty, RedirectError::NoCode);
}

#[test]
fn a_waiting_consent_shows_no_secret() {
    let (query, pending) = begin();
    let shown = format!("{pending:?}");
    assert!(!shown.contains(&query["state"]), "{shown}");
    assert!(!shown.contains(pending.verifier.secret()), "{shown}");
}

#[tokio::test]
async fn the_listener_takes_the_one_redirect_it_waits_for() {
    let listener = LoopbackListener::bind(0).await.unwrap();
    let (url, pending) =
        CodeGrant::begin(&credentials(), &endpoints().auth, listener.redirect_uri(), "sales@example.com");
    let state = url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    let port = listener.redirect_uri().port().unwrap();
    let browser = async {
        let icon = visit(port, "/favicon.ico").await;
        assert!(icon.starts_with("HTTP/1.1 404"), "{icon}");
        let forged = visit(port, "/?state=forged&code=4/evil").await;
        assert!(forged.starts_with("HTTP/1.1 404"), "{forged}");
        let real = visit(port, &format!("/?state={state}&code=4/0Adeu5&scope=openid")).await;
        assert!(real.starts_with("HTTP/1.1 200") && real.contains("go back to the terminal"), "{real}");
    };
    let waiting: futures_util::future::BoxFuture<'_, _> = Box::pin(listener.receive(&pending));
    let (received, ()) = futures_util::future::join(waiting, browser).await;
    assert_eq!(pending.code_in(&received.unwrap()).unwrap().expose_secret(), "4/0Adeu5");
}

async fn visit(port: u16, target: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}
