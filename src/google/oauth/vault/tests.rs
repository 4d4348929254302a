use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::google::testing::{MemoryStore, account, vault};

fn grant() -> Grant {
    let at = "2026-11-23T08:00:00Z".parse().unwrap();
    Grant {
        address: Some("sales@example.com".to_owned()),
        subject: Some("1087".to_owned()),
        scopes: vec!["openid".to_owned()],
        ..Grant::new(at)
    }
}

fn token() -> SecretString {
    SecretString::from("1//refresh-me")
}

#[tokio::test]
async fn what_was_stored_comes_back_and_is_gone_when_forgotten() {
    let store = Arc::new(MemoryStore::default());
    let (vault, sales) = (vault(&store), account("sales"));
    assert!(vault.refresh_token(&sales).unwrap().is_none());
    vault.store(&sales, &token(), &grant(), None).await.unwrap();
    assert_eq!(store.commits(), 1, "token and record are stored together");
    assert_eq!(vault.refresh_token(&sales).unwrap().unwrap().expose_secret(), "1//refresh-me");
    assert_eq!(vault.grant(&sales).unwrap(), Some(grant()));
    vault.forget(&sales).await.unwrap();
    assert!(vault.refresh_token(&sales).unwrap().is_none());
    assert!(vault.grant(&sales).unwrap().is_none());
    assert!(store.entries().is_empty());
}

#[tokio::test]
async fn nothing_of_a_consent_can_be_read_in_the_store_and_no_two_seals_are_alike() {
    let store = Arc::new(MemoryStore::default());
    let (vault, sales) = (vault(&store), account("sales"));
    vault.store(&sales, &token(), &grant(), None).await.unwrap();
    let first = store.entries();
    vault.store(&sales, &token(), &grant(), None).await.unwrap();
    for ((key, before), (_, after)) in first.iter().zip(store.entries()) {
        assert!(key.starts_with(b"sales\0"));
        let text = String::from_utf8_lossy(before);
        assert!(!text.contains("refresh-me") && !text.contains("example.com"), "{text}");
        assert_ne!(before, &after);
        assert_eq!(before[0], FORMAT);
    }
}

#[tokio::test]
async fn a_seal_opens_under_its_own_account_and_purpose_only() {
    let store = Arc::new(MemoryStore::default());
    let (vault, sales) = (vault(&store), account("sales"));
    vault.store(&sales, &token(), &grant(), None).await.unwrap();
    let sealed_token = store.get(Tree::Accounts, b"sales\0refresh_token").unwrap().unwrap();
    store.set(b"support\0refresh_token", sealed_token.clone());
    let moved = vault.refresh_token(&account("support")).unwrap_err();
    assert!(matches!(moved, VaultError::Sealed { .. }), "{moved}");
    store.set(b"sales\0grant", sealed_token);
    assert!(matches!(vault.grant(&sales), Err(VaultError::Sealed { purpose: "grant", .. })));
}

#[tokio::test]
async fn another_key_or_a_flipped_bit_opens_nothing() {
    let store = Arc::new(MemoryStore::default());
    let (vault, sales) = (vault(&store), account("sales"));
    vault.store(&sales, &token(), &grant(), None).await.unwrap();
    let other = TokenVault::new(store.clone(), &VaultKey::from_bytes(&[8; 32]).unwrap());
    assert!(matches!(other.refresh_token(&sales), Err(VaultError::Sealed { .. })));
    let whole = store.get(Tree::Accounts, b"sales\0refresh_token").unwrap().unwrap();
    for index in 1..whole.len() {
        let mut damaged = whole.clone();
        damaged[index] ^= 1;
        store.set(b"sales\0refresh_token", damaged);
        assert!(matches!(vault.refresh_token(&sales), Err(VaultError::Sealed { .. })), "byte {index}");
    }
    for length in 0..whole.len() {
        store.set(b"sales\0refresh_token", whole[..length].to_vec());
        assert!(matches!(vault.refresh_token(&sales), Err(VaultError::Sealed { .. })), "cut at {length}");
    }
}

#[tokio::test]
async fn a_newer_format_is_told_apart_from_damage() {
    let store = Arc::new(MemoryStore::default());
    store.set(b"sales\0refresh_token", vec![2, 0, 0]);
    let error = vault(&store).refresh_token(&account("sales")).unwrap_err();
    assert!(matches!(error, VaultError::Version { found: 2, .. }), "{error}");
}

#[tokio::test]
async fn another_key_seals_everything_anew_in_one_commit_and_the_former_opens_nothing_more() {
    let store = Arc::new(MemoryStore::default());
    let before = vault(&store);
    let (sales, support) = (account("sales"), account("support"));
    before.store(&sales, &token(), &grant(), None).await.unwrap();
    before.store(&support, &SecretString::from("1//other"), &grant(), None).await.unwrap();
    store.set(b"lost\0refresh_token", vec![FORMAT; 60]);
    store.set(b"sales\0cursors", b"no seal".to_vec());
    let (key, commits) = (VaultKey::from_bytes(&[8; 32]).unwrap(), store.commits());

    let rekeyed = before.rekey(&key).await.unwrap();

    assert_eq!((rekeyed, store.commits()), (Rekeyed { sealed: 4, unreadable: 1 }, commits + 1));
    let opened = |vault: &TokenVault| {
        vault.refresh_token(&sales).map(|token| token.unwrap().expose_secret().to_owned())
    };
    assert_eq!(opened(&before).unwrap(), "1//refresh-me", "who holds the vault goes on");
    let after = TokenVault::new(store.clone(), &key);
    assert_eq!(opened(&after).unwrap(), "1//refresh-me");
    assert_eq!(after.grant(&support).unwrap(), Some(grant()));
    let former = vault(&store);
    assert!(matches!(opened(&former), Err(VaultError::Sealed { .. })));
    assert_eq!((former.opens_any().unwrap(), after.opens_any().unwrap()), (false, true));
    before.store(&sales, &SecretString::from("1//newer"), &grant(), None).await.unwrap();
    assert_eq!(opened(&after).unwrap(), "1//newer", "what is stored later is sealed with the new key");
    assert_eq!(store.get(Tree::Accounts, b"sales\0cursors").unwrap().unwrap(), b"no seal");
}

#[tokio::test]
async fn a_consent_lies_beside_the_client_that_it_was_given_to() {
    let store = Arc::new(MemoryStore::default());
    let (vault, sales) = (vault(&store), account("sales"));
    let client = ClientCredentials { id: "site.apps".to_owned(), secret: SecretString::from("s3cret") };
    vault.store(&sales, &token(), &grant(), Some(&client)).await.unwrap();
    let told = |vault: &TokenVault| {
        vault
            .client(&account("sales"))
            .unwrap()
            .map(|client| (client.id, client.secret.expose_secret().to_owned()))
    };
    assert_eq!(told(&vault), Some(("site.apps".to_owned(), "s3cret".to_owned())));
    // It is sealed anew with the rest.
    vault.rekey(&VaultKey::generate()).await.unwrap();
    assert!(told(&vault).is_some());
    // A refresh that replaces the token leaves it; a consent that is given here ends it.
    vault.update(&sales, Some(&token()), None).await.unwrap();
    assert!(told(&vault).is_some());
    vault.store(&sales, &token(), &grant(), None).await.unwrap();
    assert_eq!(told(&vault), None);
}
