use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::google::oauth::Grant;
use crate::google::testing::{MemoryStore, Script, account, answer, endpoints, no_answer, page, vault};

async fn consented(store: &Arc<MemoryStore>) -> Arc<TokenVault> {
    let vault = vault(store);
    let at = Timestamp::UNIX_EPOCH;
    let grant = Grant::new(at);
    vault.store(&account("sales"), &SecretString::from("1//over"), &grant, None).await.unwrap();
    vault
}

#[tokio::test]
async fn a_revoked_consent_is_gone_on_both_sides() {
    for google_says in [
        answer(200, &json!({})),
        answer(400, &json!({"error": "invalid_token", "error_description": "Token expired or revoked"})),
    ] {
        let (store, script) = (Arc::new(MemoryStore::default()), Script::new([google_says]));
        let vault = consented(&store).await;
        let done = revoke(script.as_ref(), &endpoints(), &vault, &account("sales")).await.unwrap();
        assert_eq!(done, Revocation::Complete);
        assert!(store.entries().is_empty());
        assert_eq!(script.lines(), ["POST /revoke"]);
        assert_eq!(script.body(0), "token=1%2F%2Fover", "the token travels in the body");
    }
}

#[tokio::test]
async fn it_is_forgotten_here_even_if_google_cannot_be_told() {
    for google_says in [page(502), no_answer(), answer(400, &json!({"error": "invalid_request"}))] {
        let (store, script) = (Arc::new(MemoryStore::default()), Script::new([google_says]));
        let vault = consented(&store).await;
        let done = revoke(script.as_ref(), &endpoints(), &vault, &account("sales")).await.unwrap();
        assert!(matches!(done, Revocation::LocalOnly { .. }), "{done:?}");
        assert!(store.entries().is_empty());
    }
}

#[tokio::test]
async fn a_token_that_does_not_open_can_still_be_forgotten() {
    let (store, script) = (Arc::new(MemoryStore::default()), Script::new([]));
    store.set(b"sales\0refresh_token", vec![1; 60]);
    let done = revoke(script.as_ref(), &endpoints(), &vault(&store), &account("sales")).await.unwrap();
    assert!(matches!(done, Revocation::LocalOnly { .. }));
    assert!(store.entries().is_empty());
}

#[tokio::test]
async fn without_a_consent_there_is_nothing_to_revoke() {
    let (store, script) = (Arc::new(MemoryStore::default()), Script::new([]));
    let done = revoke(script.as_ref(), &endpoints(), &vault(&store), &account("sales")).await.unwrap();
    assert_eq!(done, Revocation::NothingStored);
    assert_eq!(store.commits(), 0);
}
