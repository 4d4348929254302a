//! OAuth: consent, codes, tokens, scopes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::*;

const REDIRECT: &str = "http://127.0.0.1:8123/back";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SCOPES: &str = "https://www.googleapis.com/auth/contacts openid email";

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn post(world: &mut World, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
    let response = world.send("POST", path, form(pairs));
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

fn client(world: &World) -> (String, String) {
    (world.google.options().client_id.clone(), world.google.options().client_secret.clone())
}

fn refresh(world: &mut World, token: &str) -> (u16, Value) {
    let (id, secret) = client(world);
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", &id),
        ("client_secret", &secret),
        ("refresh_token", token),
    ];
    post(world, "/token", &pairs)
}

/// Consents and returns the parameters of the address the browser is sent back to.
fn consent(world: &mut World, extra: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    let (id, _) = client(world);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let mut pairs = vec![
        ("client_id", id.as_str()),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", SCOPES),
        ("state", "xyz"),
        ("access_type", "offline"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    pairs.extend(extra);
    let response = world.send("GET", &format!("/o/oauth2/v2/auth?{}", form(&pairs)), "");
    assert_eq!(response.status(), 302, "{response:?}");
    let back = url::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    assert!(back.as_str().starts_with(REDIRECT));
    back.query_pairs().into_owned().collect()
}

fn exchange(world: &mut World, code: &str, verifier: &str) -> (u16, Value) {
    let (id, secret) = client(world);
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("client_secret", &secret),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ];
    post(world, "/token", &pairs)
}

#[test]
fn consent_leads_to_a_code_and_the_code_to_tokens_once() {
    let mut world = World::new();
    let back = consent(&mut world, &[("login_hint", "ADA@example.com"), ("prompt", "consent")]);
    assert_eq!(back["state"], "xyz");
    let (status, tokens) = exchange(&mut world, &back["code"], VERIFIER);
    assert_eq!((status, &tokens["expires_in"], &tokens["token_type"]), (200, &json!(3599), &json!("Bearer")));
    let parts: Vec<&str> = tokens["id_token"].as_str().unwrap().split('.').collect();
    assert_eq!(parts.len(), 3);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!(claims["email"], ADA);
    assert_eq!(claims["sub"], world.google.subject(ADA).unwrap());
    assert_eq!(claims["aud"], world.google.options().client_id);
    assert_eq!(claims["iss"], "https://accounts.google.com");

    let (status, refreshed) = refresh(&mut world, tokens["refresh_token"].as_str().unwrap());
    assert_eq!(status, 200);
    assert!(refreshed.get("refresh_token").is_none() && refreshed["id_token"].is_string());
    world.token = refreshed["access_token"].as_str().unwrap().to_owned();
    world.get("/v1/people/me/connections?personFields=names");

    let (status, error) = exchange(&mut world, &back["code"], VERIFIER);
    assert_eq!((status, &error["error"]), (400, &json!("invalid_grant")), "a code is good once");
}

#[test]
fn a_code_needs_its_verifier_and_does_not_live_long() {
    let mut world = World::new();
    let back = consent(&mut world, &[]);
    assert_eq!(exchange(&mut world, &back["code"], "wrong").1["error_description"], "Invalid code verifier.");
    let back = consent(&mut world, &[]);
    assert_eq!(exchange(&mut world, &back["code"], "").1["error_description"], "Missing code verifier.");
    let back = consent(&mut world, &[]);
    world.wait(601);
    assert_eq!(exchange(&mut world, &back["code"], VERIFIER).0, 400);
}

#[test]
fn a_second_consent_gives_a_refresh_token_only_when_asked_to_prompt() {
    let mut world = World::new();
    let back = consent(&mut world, &[]);
    assert!(exchange(&mut world, &back["code"], VERIFIER).1.get("refresh_token").is_none());
    let back = consent(&mut world, &[("prompt", "consent")]);
    assert!(exchange(&mut world, &back["code"], VERIFIER).1["refresh_token"].is_string());
}

#[test]
fn users_may_untick_scopes_or_cancel() {
    let mut world = World::with(GoogleOptions {
        consent: Consent::Only(vec!["openid".to_owned()]),
        ..GoogleOptions::default()
    });
    let back = consent(&mut world, &[]);
    let (_, tokens) = exchange(&mut world, &back["code"], VERIFIER);
    assert_eq!(tokens["scope"], "openid");
    world.token = tokens["access_token"].as_str().unwrap().to_owned();
    let response = world.send("GET", "/v1/people/me/connections?personFields=names", "");
    assert_eq!(response.status(), 403);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
    world.google.options_mut().consent = Consent::Nothing;
    assert_eq!(consent(&mut world, &[])["error"], "access_denied");
    world.google.options_mut().consent = Consent::Everything;
    assert_eq!(consent(&mut world, &[("login_hint", "nobody@example.com")])["error"], "access_denied");
}

#[test]
fn only_loopback_addresses_of_a_known_client_are_sent_back_to() {
    let mut world = World::new();
    let (id, _) = client(&world);
    let mut ask = |id: &str, redirect: &str| {
        let pairs =
            [("client_id", id), ("redirect_uri", redirect), ("response_type", "code"), ("scope", "openid")];
        world.send("GET", &format!("/o/oauth2/v2/auth?{}", form(&pairs)), "").status().as_u16()
    };
    assert_eq!(ask(&id, "http://localhost:9/"), 302);
    assert_eq!(ask(&id, "https://evil.example.com/"), 400);
    assert_eq!(ask(&id, "urn:ietf:wg:oauth:2.0:oob"), 400);
    assert_eq!(ask("someone", REDIRECT), 401);
}

#[test]
fn clients_and_tokens_are_checked_at_the_token_endpoint() {
    let mut world = World::new();
    let token = world.google.add_account("eve@example.com");
    assert_eq!(refresh(&mut world, &token).0, 200);
    let (id, _) = client(&world);
    let wrong = [
        ("grant_type", "refresh_token"),
        ("client_id", &id),
        ("client_secret", "no"),
        ("refresh_token", &token),
    ];
    let (status, error) = post(&mut world, "/token", &wrong);
    assert_eq!((status, &error["error"]), (401, &json!("invalid_client")));
    let (status, error) = post(&mut world, "/token", &[("grant_type", "password")]);
    assert_eq!((status, &error["error"]), (400, &json!("unsupported_grant_type")));
    world.google.revoke_tokens("eve@example.com").unwrap();
    let (status, error) = refresh(&mut world, &token);
    assert_eq!(status, 400);
    assert_eq!(
        error,
        json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
    );
}

#[test]
fn an_access_token_expires_by_the_clock() {
    let mut world = World::new();
    world.now += SignedDuration::from_secs(3598);
    world.get("/v1/people/me/connections?personFields=names");
    world.now += SignedDuration::from_secs(1);
    let response = world.send("GET", "/v1/people/me/connections?personFields=names", "");
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key("www-authenticate"));
    let error: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(error["error"]["status"], "UNAUTHENTICATED");
    assert_eq!(error["error"]["details"][0]["reason"], "ACCESS_TOKEN_EXPIRED");
}

#[test]
fn a_read_only_grant_reads_and_does_not_write() {
    let mut world = World::new();
    let token = world
        .google
        .issue_refresh_token(ADA, &["https://www.googleapis.com/auth/contacts.readonly"])
        .unwrap();
    world.token = refresh(&mut world, &token).1["access_token"].as_str().unwrap().to_owned();
    world.get("/v1/people/me/connections?personFields=names");
    let (status, message) = world.refused("POST", "/v1/people:createContact", json!({}));
    assert_eq!((status, message.as_str()), (403, "Request had insufficient authentication scopes."));
}

#[test]
fn revoking_either_token_ends_both() {
    let mut world = World::new();
    let token = world.google.add_account("eve@example.com");
    let access = refresh(&mut world, &token).1["access_token"].as_str().unwrap().to_owned();
    assert_eq!(post(&mut world, "/revoke", &[("token", &access)]).0, 200);
    assert_eq!(refresh(&mut world, &token).0, 400);
    let (status, error) = post(&mut world, "/revoke", &[("token", &token)]);
    assert_eq!((status, &error["error"]), (400, &json!("invalid_token")));
}

#[test]
fn a_service_account_acts_in_a_users_name_within_its_scopes() {
    let mut world = World::with(GoogleOptions {
        service_accounts: vec![ServiceAccount {
            email: "robot@project.iam.gserviceaccount.com".to_owned(),
            delegated_scopes: vec![CONTACTS.to_owned()],
        }],
        ..GoogleOptions::default()
    });
    let now = world.now.as_second();
    let mut ask = |change: Value| {
        let mut claims = json!({"iss": "robot@project.iam.gserviceaccount.com", "sub": ADA, "scope": CONTACTS,
            "aud": "https://oauth2.googleapis.com/token", "iat": now, "exp": now + 3600});
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let assertion =
            format!("{}.{}.c2lnbmF0dXJl", part(json!({"alg": "RS256", "typ": "JWT"})), part(claims));
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        post(&mut world, "/token", &[("grant_type", grant), ("assertion", &assertion)])
    };
    let error = |(status, answer): (u16, Value)| (status, answer["error"].as_str().unwrap().to_owned());
    let refused = |status, error: &str| (status, error.to_owned());
    assert_eq!(error(ask(json!({"sub": "nobody@example.com"}))), refused(400, "invalid_grant"));
    assert_eq!(error(ask(json!({"iss": "other@example.com"}))), refused(400, "invalid_grant"));
    assert_eq!(error(ask(json!({"exp": now + 7200}))), refused(400, "invalid_grant"));
    assert_eq!(error(ask(json!({"scope": "openid"}))), refused(401, "unauthorized_client"));
    assert_eq!(error(ask(json!({"scope": ""}))), refused(400, "invalid_scope"));
    assert_eq!(ask(json!({"aud": "http://127.0.0.1:9/token"})).0, 200);
    let (status, answer) = ask(json!({}));
    assert_eq!(status, 200);
    assert!(answer.get("refresh_token").is_none());
    world.token = answer["access_token"].as_str().unwrap().to_owned();
    world.get("/v1/people/me/connections?personFields=names");
}

#[test]
fn refresh_tokens_can_be_rotated() {
    let mut world = World::with(GoogleOptions { rotate_refresh_tokens: true, ..GoogleOptions::default() });
    let old = world.google.add_account("eve@example.com");
    let new = refresh(&mut world, &old).1["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&mut world, &old).0, 400);
    assert_eq!(refresh(&mut world, &new).0, 200);
}
