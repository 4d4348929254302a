use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::google::oauth::CodeGrant;
use crate::google::testing::{
    ManualClock, MemoryStore, Script, account, answer, credentials, endpoints, id_token, vault,
};

struct Scene {
    authorizer: Authorizer,
    vault: Arc<TokenVault>,
    store: Arc<MemoryStore>,
}

impl Scene {
    fn new(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let script = Script::new(answers.into_iter().map(|(status, body)| answer(status, &body)));
        let store = Arc::new(MemoryStore::default());
        let vault = vault(&store);
        let endpoint = TokenEndpoint::new(script, credentials(), endpoints().token);
        Self { authorizer: Authorizer::new(endpoint, vault.clone(), ManualClock::new()), vault, store }
    }

    async fn authorize(&self) -> Result<Grant, AuthorizeError> {
        let token = SecretString::from("1//brought");
        self.authorizer.authorize_with_refresh_token(&account("sales"), "sales@example.com", token).await
    }

    fn stored(&self) -> Option<String> {
        self.vault.refresh_token(&account("sales")).unwrap().map(|token| token.expose_secret().to_owned())
    }
}

fn granted(scope: Option<&str>, address: Option<&str>, subject: &str) -> (u16, Value) {
    let mut body = json!({"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer"});
    if let Some(scope) = scope {
        body["scope"] = json!(scope);
    }
    if let Some(address) = address {
        body["id_token"] = json!(id_token(&json!({
            "iss": "https://accounts.google.com", "aud": credentials().id, "sub": subject, "email": address,
        })));
    }
    (200, body)
}

const ALL: &str =
    "openid https://www.googleapis.com/auth/contacts https://www.googleapis.com/auth/userinfo.email";

#[tokio::test]
async fn a_token_from_elsewhere_is_proven_and_then_stored() {
    let scene = Scene::new([granted(Some(ALL), Some("Sales@Example.com"), "1087")]);
    let grant = scene.authorize().await.unwrap();
    assert_eq!(grant.subject.as_deref(), Some("1087"));
    assert_eq!(grant.scopes.len(), 3);
    assert_eq!(scene.stored().as_deref(), Some("1//brought"));
    assert_eq!(scene.vault.grant(&account("sales")).unwrap(), Some(grant));
}

#[tokio::test]
async fn a_token_without_identity_is_stored_with_its_address_unknown() {
    let scene = Scene::new([granted(None, None, "")]);
    let grant = scene.authorize().await.unwrap();
    assert_eq!((grant.address, grant.subject), (None, None));
    assert!(scene.stored().is_some());
}

#[tokio::test]
async fn the_consent_of_someone_else_is_not_stored() {
    let scene = Scene::new([granted(Some(ALL), Some("boss@example.com"), "2")]);
    let error = scene.authorize().await.unwrap_err();
    assert!(matches!(error, AuthorizeError::OtherAddress { .. }), "{error}");
    assert!(
        error.to_string().contains("boss@example.com") && error.to_string().contains("sales@example.com")
    );
    assert!(scene.store.entries().is_empty());
}

#[tokio::test]
async fn an_address_that_changed_hands_does_not_inherit_the_sync() {
    let scene = Scene::new([
        granted(Some(ALL), Some("sales@example.com"), "1087"),
        granted(Some(ALL), Some("sales@example.com"), "2099"),
    ]);
    scene.authorize().await.unwrap();
    let error = scene.authorize().await.unwrap_err();
    assert!(matches!(error, AuthorizeError::OtherSubject { .. }), "{error}");
    let kept = scene.vault.grant(&account("sales")).unwrap().unwrap();
    assert_eq!(kept.subject.as_deref(), Some("1087"), "the good consent stays");
}

#[tokio::test]
async fn a_consent_without_contacts_is_not_stored() {
    for scopes in ["openid", "openid https://www.googleapis.com/auth/contacts.readonly"] {
        let scene = Scene::new([granted(Some(scopes), Some("sales@example.com"), "1087")]);
        let error = scene.authorize().await.unwrap_err();
        assert!(matches!(error, AuthorizeError::ContactsNotGranted { .. }), "{error}");
        assert!(scene.store.entries().is_empty());
    }
}

#[tokio::test]
async fn an_id_token_for_another_client_is_not_believed() {
    let (status, mut body) = granted(Some(ALL), None, "");
    body["id_token"] =
        json!(id_token(&json!({"iss": "https://accounts.google.com", "aud": "them", "sub": "1"})));
    let scene = Scene::new([(status, body)]);
    assert!(matches!(scene.authorize().await, Err(AuthorizeError::IdToken { .. })));
    assert!(scene.store.entries().is_empty());
}

#[tokio::test]
async fn a_token_that_google_refuses_is_not_stored() {
    let scene = Scene::new([(400, json!({"error": "invalid_grant"}))]);
    let error = scene.authorize().await.unwrap_err();
    assert!(matches!(error, AuthorizeError::Refused(AuthorizationError::Revoked { .. })), "{error}");
    assert!(scene.store.entries().is_empty());
}

#[tokio::test]
async fn a_code_brings_a_consent_and_without_a_refresh_token_it_is_of_no_use() {
    let mut whole = granted(Some(ALL), Some("sales@example.com"), "1087");
    whole.1["refresh_token"] = json!("1//from-code");
    let scene = Scene::new([granted(Some(ALL), Some("sales@example.com"), "1087"), whole]);
    let finish = async |code: &str| {
        let redirect_uri = url::Url::parse("http://127.0.0.1:4711/").unwrap();
        let (_, pending) = CodeGrant::begin(&credentials(), &endpoints().auth, &redirect_uri, "");
        let sales = account("sales");
        let finished: futures_util::future::BoxFuture<'_, _> =
            Box::pin(scene.authorizer.finish(&sales, "sales@example.com", pending, code));
        finished.await
    };
    let useless = finish("4/0Adeu5BWx").await.unwrap_err();
    assert!(matches!(useless, AuthorizeError::NoRefreshToken { .. }), "{useless}");
    assert!(scene.store.entries().is_empty());
    assert_eq!(finish("4/0Adeu5BWy").await.unwrap().address.as_deref(), Some("sales@example.com"));
    assert_eq!(scene.stored().as_deref(), Some("1//from-code"));
    let slip = finish("oops").await.unwrap_err();
    assert!(matches!(slip, AuthorizeError::Redirect(RedirectError::NoCode)), "{slip}");
}
