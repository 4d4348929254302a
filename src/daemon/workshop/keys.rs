//! Where the key of the vault is, and how another one takes its place.
//!
//! A systemd credential, or the file `vault.key` beside the database. Changing keys touches two places, the values in the database
//! and the file:
//!
//! ```text
//! write vault.key.next, durably -> seal all values anew, in one commit -> vault.key.next takes the place of vault.key
//! ```
//!
//! Law: at every moment one of the two files opens every value. Whoever opens the store next finds out which, and ends what was begun.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::control::{Exit, Failure};
use crate::google::oauth::{Rekeyed, TokenVault, VaultKey, VaultKeyError};
use crate::store::Store;

/// The key that seals tokens, beside the database and not in it: an export of the store does not give tokens away.
const KEY_FILE: &str = "vault.key";
/// The key that is about to take its place.
const NEXT_KEY_FILE: &str = "vault.key.next";
/// The systemd credential.
const CREDENTIAL: &str = "dafater-vault-key";

/// Where the key came from.
#[derive(Debug, Clone)]
pub(super) enum KeyHome {
    /// Given by systemd; only an administrator can give another one.
    Credential(PathBuf),
    /// A file of ours in this directory.
    State(PathBuf),
}

impl KeyHome {
    /// The credential if there is one, else the state directory.
    pub(super) fn find(state: &Path, credentials: Option<&Path>) -> Self {
        let credential = credentials.map(|directory| directory.join(CREDENTIAL));
        match credential.filter(|file| file.symlink_metadata().is_ok()) {
            Some(file) => Self::Credential(file),
            None => Self::State(state.to_owned()),
        }
    }

    /// The vault in `store`. A change of keys that was cut off is ended here.
    pub(super) fn open(&self, store: &Arc<dyn Store>) -> Result<TokenVault, Failure> {
        let vault = |key: &VaultKey| TokenVault::new(Arc::clone(store), key);
        match self {
            Self::Credential(file) => Ok(vault(&VaultKey::load(file).map_err(|error| unusable(&error))?)),
            Self::State(state) => {
                let (file, next) = (state.join(KEY_FILE), state.join(NEXT_KEY_FILE));
                if next.exists() {
                    let key = VaultKey::load(&next);
                    // A half-written file was not sealed with: it opens nothing.
                    let is_sealed_with = match key {
                        Ok(key) => vault(&key).opens_any().map_err(|error| {
                            Failure::new(Exit::Internal, "the vault cannot be read").cause(error.to_string())
                        })?,
                        Err(_) => false,
                    };
                    if is_sealed_with {
                        VaultKey::put_in_place(&next, &file).map_err(|error| unusable(&error))?;
                    } else {
                        // If it cannot be removed, the next opening finds again that it opens nothing.
                        drop(std::fs::remove_file(&next));
                    }
                }
                Ok(vault(&VaultKey::load_or_create(&file).map_err(|error| unusable(&error))?))
            }
        }
    }

    /// Seals everything with `given`, or with a new key.
    pub(super) async fn rekey(
        &self,
        vault: &TokenVault,
        given: Option<VaultKey>,
    ) -> Result<Rekeyed, Failure> {
        let failed = |error: &dyn std::error::Error| {
            Failure::new(Exit::Internal, "the key of the vault was not changed").cause(error.to_string())
        };
        match (self, given) {
            (Self::Credential(file), None) => Err(Failure::new(
                Exit::Usage,
                format!("the key of the vault is given by systemd ({}) and cannot be made here", file.display()),
            )
            .hint(format!(
                "make one (`openssl rand -hex 32`), run `dafater-contactsd store rekey --key-file FILE`, then give it as the \
                 credential `{CREDENTIAL}` before the next start"
            ))),
            (Self::Credential(_), Some(key)) => vault.rekey(&key).await.map_err(|error| failed(&error)),
            (Self::State(state), given) => {
                let key = given.unwrap_or_else(VaultKey::generate);
                let (file, next) = (state.join(KEY_FILE), state.join(NEXT_KEY_FILE));
                key.write(&next).map_err(|error| failed(&error))?;
                let rekeyed = vault.rekey(&key).await.map_err(|error| failed(&error))?;
                // From here on the new key is the right one; if this fails, the next opening does it.
                VaultKey::put_in_place(&next, &file).map_err(|error| failed(&error))?;
                Ok(rekeyed)
            }
        }
    }

    /// What is left to do for a person, if anything.
    pub(super) fn reminder(&self) -> Option<String> {
        match self {
            Self::Credential(file) => Some(format!(
                "give the new key as the credential `{CREDENTIAL}` before the next start; the one in {} opens nothing any more",
                file.display()
            )),
            Self::State(_) => None,
        }
    }
}

fn unusable(error: &VaultKeyError) -> Failure {
    Failure::new(Exit::CannotCreate, "the key that seals the tokens cannot be used").cause(error.to_string())
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret as _, SecretString};

    use super::*;
    use crate::google::oauth::Grant;
    use crate::store::MemoryStore;

    struct Scene {
        directory: tempfile::TempDir,
        store: Arc<dyn Store>,
    }

    impl Scene {
        async fn new() -> Self {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
            let scene = Self { directory: tempfile::tempdir().unwrap(), store };
            let grant = Grant::new("2026-11-23T08:00:00Z".parse().unwrap());
            let token = SecretString::from("1//kept");
            scene.vault().store(&"sales".parse().unwrap(), &token, &grant, None).await.unwrap();
            scene
        }

        fn home(&self) -> KeyHome {
            KeyHome::find(self.directory.path(), None)
        }

        fn vault(&self) -> TokenVault {
            self.home().open(&self.store).unwrap()
        }

        fn token(&self) -> String {
            let token = self.vault().refresh_token(&"sales".parse().unwrap()).unwrap().unwrap();
            token.expose_secret().to_owned()
        }

        fn key(&self) -> Vec<u8> {
            std::fs::read(self.directory.path().join(KEY_FILE)).unwrap()
        }
    }

    #[tokio::test]
    async fn a_new_key_takes_the_place_of_the_former_and_nothing_is_lost() {
        let scene = Scene::new().await;
        let before = scene.key();
        let rekeyed = scene.home().rekey(&scene.vault(), None).await.unwrap();
        assert_eq!(rekeyed, Rekeyed { sealed: 2, unreadable: 0 });
        assert_ne!(scene.key(), before);
        assert_eq!(scene.token(), "1//kept");
        assert!(!scene.directory.path().join(NEXT_KEY_FILE).exists());
    }

    #[tokio::test]
    async fn cut_off_before_the_commit_the_former_key_stays() {
        let scene = Scene::new().await;
        let before = scene.key();
        VaultKey::generate().write(&scene.directory.path().join(NEXT_KEY_FILE)).unwrap();
        assert_eq!(scene.token(), "1//kept");
        assert_eq!(scene.key(), before);
        assert!(!scene.directory.path().join(NEXT_KEY_FILE).exists());
        std::fs::write(scene.directory.path().join(NEXT_KEY_FILE), b"half").unwrap();
        assert_eq!(scene.token(), "1//kept", "a key that was half written is none");
    }

    #[tokio::test]
    async fn cut_off_after_the_commit_the_new_key_takes_its_place_at_the_next_opening() {
        let scene = Scene::new().await;
        let (before, vault) = (scene.key(), scene.vault());
        let key = VaultKey::generate();
        key.write(&scene.directory.path().join(NEXT_KEY_FILE)).unwrap();
        vault.rekey(&key).await.unwrap();
        assert_eq!(scene.token(), "1//kept");
        assert_ne!(scene.key(), before);
    }

    #[tokio::test]
    async fn a_credential_is_used_and_only_an_administrator_gives_another() {
        let scene = Scene::new().await;
        let credentials = tempfile::tempdir().unwrap();
        std::fs::write(credentials.path().join(CREDENTIAL), scene.key()).unwrap();
        std::fs::remove_file(scene.directory.path().join(KEY_FILE)).unwrap();
        let home = KeyHome::find(scene.directory.path(), Some(credentials.path()));
        let vault = home.open(&scene.store).unwrap();
        assert!(vault.refresh_token(&"sales".parse().unwrap()).unwrap().is_some());
        assert!(!scene.directory.path().join(KEY_FILE).exists(), "no key of our own is made");
        let refused = home.rekey(&vault, None).await.unwrap_err();
        assert!(refused.render().contains("--key-file"), "{}", refused.render());
        let key = "ab".repeat(32);
        home.rekey(&vault, VaultKey::from_text(key.as_bytes()).ok()).await.unwrap();
        std::fs::write(credentials.path().join(CREDENTIAL), key).unwrap();
        let vault = home.open(&scene.store).unwrap();
        assert!(vault.refresh_token(&"sales".parse().unwrap()).unwrap().is_some());
    }
}
