use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::*;
use crate::google::oauth::Grant;
use crate::google::testing::{
    ManualClock, MemoryStore, Script, account, answer, credentials, endpoints, page, vault,
};
use crate::remote::Disposition;

struct Scene {
    tokens: RefreshingTokens,
    script: Arc<Script>,
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    vault: Arc<TokenVault>,
}

impl Scene {
    async fn new(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let scene = Self::without_consent(answers.into_iter().map(|(status, body)| answer(status, &body)));
        scene.consent("1//first").await;
        scene
    }

    fn without_consent(
        answers: impl IntoIterator<Item = Result<http::Response<bytes::Bytes>, crate::remote::TransportError>>,
    ) -> Self {
        let script = Script::new(answers);
        let (clock, store) = (ManualClock::new(), Arc::new(MemoryStore::default()));
        let vault = vault(&store);
        let endpoint = TokenEndpoint::new(script.clone(), credentials(), endpoints().token);
        let tokens = RefreshingTokens::new(account("sales"), endpoint, vault.clone(), clock.clone());
        Self { tokens, script, clock, store, vault }
    }

    async fn consent(&self, token: &str) {
        let now = self.clock.now();
        let grant = Grant::new(now);
        self.vault.store(&account("sales"), &SecretString::from(token), &grant, None).await.unwrap();
    }

    async fn token(&self) -> String {
        self.tokens.access_token().await.unwrap().expose_secret().to_owned()
    }

    async fn error(&self) -> AuthorizationError {
        self.tokens.access_token().await.unwrap_err()
    }
}

fn access(token: &str) -> (u16, Value) {
    (200, json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}))
}

fn revoked() -> (u16, Value) {
    (400, json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}))
}

#[tokio::test]
async fn ten_users_at_once_make_one_refresh() {
    let scene = Scene::new([access("ya29.1")]).await;
    let tokens = join_all((0..10).map(|_| scene.token())).await;
    assert!(tokens.iter().all(|token| token == "ya29.1"));
    assert_eq!(scene.script.count(), 1);
}

#[tokio::test]
async fn a_token_is_replaced_a_minute_before_it_expires() {
    let scene = Scene::new([access("ya29.1"), access("ya29.2")]).await;
    assert_eq!(scene.token().await, "ya29.1");
    scene.clock.advance(Duration::from_secs(3539));
    assert_eq!(scene.token().await, "ya29.1");
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.token().await, "ya29.2");
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_a_late_refusal_does_not_drop_its_successor() {
    let scene = Scene::new([access("ya29.1"), access("ya29.2")]).await;
    let first = scene.tokens.access_token().await.unwrap();
    scene.tokens.refused(&first);
    assert_eq!(scene.token().await, "ya29.2");
    scene.tokens.refused(&first);
    assert_eq!(scene.token().await, "ya29.2");
    assert_eq!(scene.script.count(), 2);
}

#[tokio::test]
async fn the_refresh_token_stays_until_google_sends_another() {
    let mut replaced = access("ya29.2");
    replaced.1["refresh_token"] = json!("1//second");
    let scene = Scene::new([access("ya29.1"), replaced]).await;
    let stored = || scene.vault.refresh_token(&account("sales")).unwrap().unwrap().expose_secret().to_owned();
    scene.token().await;
    assert_eq!(stored(), "1//first");
    assert_eq!(scene.store.commits(), 1, "a refresh that brings nothing new writes nothing");
    scene.tokens.reset();
    scene.token().await;
    assert_eq!(stored(), "1//second");
}

#[tokio::test]
async fn the_time_of_the_last_refresh_is_written_down_once_a_day() {
    let scene = Scene::new([access("1"), access("2"), access("3")]).await;
    scene.token().await;
    scene.clock.advance(Duration::from_hours(25));
    scene.token().await;
    assert_eq!(scene.store.commits(), 2);
    let grant = scene.vault.grant(&account("sales")).unwrap().unwrap();
    assert_eq!(grant.refreshed_at, scene.clock.now());
    assert!(grant.consented_at < grant.refreshed_at);
    scene.clock.advance(Duration::from_hours(2));
    scene.token().await;
    assert_eq!(scene.store.commits(), 2);
}

#[tokio::test]
async fn a_consent_that_is_over_is_asked_about_once_a_day_and_a_new_one_at_once() {
    let scene = Scene::new([revoked(), revoked(), access("ya29.1")]).await;
    for _ in 0..5 {
        let error = scene.error().await;
        assert!(matches!(error, AuthorizationError::Revoked { .. }), "{error}");
        assert!(error.hint().contains("dafater-contactsd authorize sales"));
        assert_eq!(error.disposition(), Disposition::Unauthorized);
    }
    assert_eq!(scene.script.count(), 1);
    scene.tokens.reset();
    scene.error().await;
    assert_eq!(scene.script.count(), 1, "another process is told what this one was told");
    scene.clock.advance(Duration::from_hours(24));
    scene.error().await;
    assert_eq!(scene.script.count(), 2);
    scene.consent("1//second").await;
    assert_eq!(scene.token().await, "ya29.1");
}

#[tokio::test]
async fn a_consent_that_is_good_again_is_no_longer_over() {
    let scene = Scene::new([revoked(), access("ya29.1")]).await;
    scene.error().await;
    assert!(scene.vault.grant(&account("sales")).unwrap().unwrap().over.is_some());
    scene.clock.advance(Duration::from_hours(24));
    assert_eq!(scene.token().await, "ya29.1");
    assert_eq!(scene.vault.grant(&account("sales")).unwrap().unwrap().over, None);
}

#[tokio::test]
async fn a_consent_that_dies_after_seven_days_says_why() {
    let scene = Scene::new([revoked()]).await;
    scene.clock.advance(Duration::from_hours(7 * 24));
    let error = scene.error().await.to_string();
    assert!(error.contains("seven days") && error.contains("Testing"), "{error}");
}

#[tokio::test]
async fn a_consent_that_was_revoked_here_ends_at_once() {
    let scene = Scene::new([access("ya29.1")]).await;
    scene.token().await;
    scene.vault.forget(&account("sales")).await.unwrap();
    assert!(matches!(scene.error().await, AuthorizationError::NotAuthorized { .. }));
}

#[tokio::test]
async fn a_consent_that_google_limits_in_time_is_remembered_with_its_end() {
    let mut limited = access("ya29.1");
    limited.1["refresh_token_expires_in"] = json!(604_800);
    let scene = Scene::new([limited]).await;
    scene.clock.advance(Duration::from_hours(25));
    scene.token().await;
    let grant = scene.vault.grant(&account("sales")).unwrap().unwrap();
    assert_eq!(grant.expires_at, Some(scene.clock.now() + Duration::from_hours(7 * 24)));
}

#[tokio::test]
async fn a_failing_front_end_is_no_verdict() {
    let scene = Scene::without_consent([page(502), answer(200, &access("ya29.1").1)]);
    scene.consent("1//first").await;
    let error = scene.error().await;
    assert!(matches!(error, AuthorizationError::Unavailable { .. }), "{error}");
    assert_eq!(error.disposition(), Disposition::Unavailable);
    assert_eq!(scene.token().await, "ya29.1", "the next try asks again");
}

#[tokio::test]
async fn without_a_consent_nothing_is_asked() {
    let scene = Scene::without_consent([]);
    let error = scene.error().await;
    assert!(matches!(error, AuthorizationError::NotAuthorized { .. }));
    assert!(error.hint().contains("dafater-contactsd authorize sales"));
    assert_eq!(scene.script.count(), 0);
}

#[tokio::test]
async fn a_seal_that_does_not_open_stops_the_account_and_says_so() {
    let scene = Scene::without_consent([]);
    scene.store.set(b"sales\0refresh_token", vec![1; 60]);
    let error = scene.error().await;
    assert_eq!(error.disposition(), Disposition::Unauthorized);
    assert!(error.hint().contains("key file"), "{}", error.hint());
}

#[tokio::test]
async fn cached_tokens_do_not_show_themselves() {
    let scene = Scene::new([access("ya29.1")]).await;
    scene.token().await;
    let shown = format!("{:?} {:?}", scene.tokens, scene.vault);
    assert!(!shown.contains("ya29") && !shown.contains("1//"), "{shown}");
}
