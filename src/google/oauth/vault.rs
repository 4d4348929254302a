//! Tokens at rest, sealed with XChaCha20-Poly1305.
//!
//! Keys in [`Tree::Accounts`]: the account's name, `0x00`, and the purpose, `refresh_token`, `grant` or `client`. Values:
//!
//! ```text
//! byte 0       format, 1
//! bytes 1-24   nonce, random
//! bytes 25-    ciphertext with its 16-byte tag
//! ```
//!
//! INVARIANT: the sealed bytes are bound to their account and purpose, so that a value moved to another key does not open.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead as _, AeadCore as _, OsRng, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::{ClientCredentials, Grant, VaultKey};
use crate::account::AccountName;
use crate::store::{Batch, Store, StoreError, Tree};

/// Keeps refresh tokens and the record of each consent.
pub struct TokenVault {
    store: Arc<dyn Store>,
    ring: RwLock<Ring>,
    /// Held while anything is sealed, so that nothing is sealed with a key that is on its way out.
    sealing: tokio::sync::Mutex<()>,
}

/// The key that seals, and while keys change the one that is about to.
struct Ring {
    current: Arc<XChaCha20Poly1305>,
    next: Option<Arc<XChaCha20Poly1305>>,
}

/// What came of another key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rekeyed {
    /// Values that are sealed with the new key.
    pub sealed: usize,
    /// Values that did not open and were left as they are.
    pub unreadable: usize,
}

/// Why a stored consent cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes do not open: another key, another account's bytes, or damage.
    #[error("the {purpose} of account {account} was sealed with another key, or is damaged")]
    Sealed {
        /// Whose it is.
        account: AccountName,
        /// What it is.
        purpose: &'static str,
    },
    /// A newer version sealed them.
    #[error("the {purpose} of account {account} has format {found}, which this version does not know")]
    Version {
        /// Whose it is.
        account: AccountName,
        /// What it is.
        purpose: &'static str,
        /// The format found.
        found: u8,
    },
}

/// What a sealed value is for. Part of its key and of what it is bound to.
#[derive(Clone, Copy)]
enum Purpose {
    RefreshToken,
    Grant,
    /// The OAuth client that the consent was given to, where that is not the configured one.
    Client,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::RefreshToken, Self::Grant, Self::Client];

    fn name(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh_token",
            Self::Grant => "grant",
            Self::Client => "client",
        }
    }
}

/// What a change does to the client beside the consent.
#[derive(Clone, Copy)]
enum Client<'a> {
    Stays,
    Becomes(Option<&'a ClientCredentials>),
}

const FORMAT: u8 = 1;
const NONCE_LENGTH: usize = 24;

impl TokenVault {
    /// A vault in `store`, opened with `key`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: &VaultKey) -> Self {
        let current = Arc::new(XChaCha20Poly1305::new(key.bytes().into()));
        Self {
            store,
            ring: RwLock::new(Ring { current, next: None }),
            sealing: tokio::sync::Mutex::default(),
        }
    }

    /// Whether a token is stored for an account, whatever it is good for.
    ///
    /// # Errors
    /// The store failed.
    pub fn holds(&self, account: &AccountName) -> Result<bool, VaultError> {
        Ok(self.store.get(Tree::Accounts, &key_of(account, Purpose::RefreshToken))?.is_some())
    }

    /// Whether any value in the vault opens with its key: tells which of two keys is the right one.
    ///
    /// # Errors
    /// The store failed.
    pub fn opens_any(&self) -> Result<bool, VaultError> {
        for (account, purpose) in self.sealed_values()? {
            match self.open(&account, purpose) {
                Ok(Some(_)) => return Ok(true),
                Ok(None) | Err(VaultError::Sealed { .. } | VaultError::Version { .. }) => {}
                Err(error @ VaultError::Store(_)) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Seals everything anew with `key`, in one commit. Whoever reads meanwhile reads on.
    ///
    /// # Errors
    /// The store failed; everything is sealed as it was.
    pub async fn rekey(&self, key: &VaultKey) -> Result<Rekeyed, VaultError> {
        let _sealing = self.sealing.lock().await;
        let next = Arc::new(XChaCha20Poly1305::new(key.bytes().into()));
        let (mut batch, mut rekeyed) = (Batch::default(), Rekeyed::default());
        for (account, purpose) in self.sealed_values()? {
            match self.open(&account, purpose) {
                Ok(Some(plain)) => {
                    seal(&next, &mut batch, &account, purpose, &plain)?;
                    rekeyed.sealed += 1;
                }
                Ok(None) => {}
                Err(VaultError::Sealed { .. } | VaultError::Version { .. }) => rekeyed.unreadable += 1,
                Err(error @ VaultError::Store(_)) => return Err(error),
            }
        }
        self.ring_mut().next = Some(Arc::clone(&next));
        let committed = self.store.commit(batch).await;
        let mut ring = self.ring_mut();
        ring.next = None;
        committed?;
        ring.current = next;
        Ok(rekeyed)
    }

    fn sealed_values(&self) -> Result<Vec<(AccountName, Purpose)>, VaultError> {
        let mut values = Vec::new();
        for entry in self.store.scan(Tree::Accounts, b"") {
            let (key, _) = entry?;
            let parts = std::str::from_utf8(&key).ok().and_then(|key| key.split_once('\0'));
            let Some((Ok(account), purpose)) = parts.map(|(name, purpose)| (name.parse(), purpose)) else {
                continue;
            };
            values.extend(
                Purpose::ALL
                    .into_iter()
                    .find(|known| known.name() == purpose)
                    .map(|purpose| (account, purpose)),
            );
        }
        Ok(values)
    }

    fn ring_mut(&self) -> std::sync::RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ciphers that may open a value, the likelier first.
    fn ciphers(&self) -> [Option<Arc<XChaCha20Poly1305>>; 2] {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        [Some(Arc::clone(&ring.current)), ring.next.clone()]
    }

    /// The refresh token of an account, if it consented.
    ///
    /// # Errors
    /// The store failed, or the token does not open.
    pub fn refresh_token(&self, account: &AccountName) -> Result<Option<SecretString>, VaultError> {
        let Some(plain) = self.open(account, Purpose::RefreshToken)? else { return Ok(None) };
        let token = std::str::from_utf8(&plain).map_err(|_| sealed(account, Purpose::RefreshToken))?;
        Ok(Some(SecretString::from(token)))
    }

    /// What is known about an account's consent.
    ///
    /// # Errors
    /// The store failed, or the record does not open.
    pub fn grant(&self, account: &AccountName) -> Result<Option<Grant>, VaultError> {
        let Some(plain) = self.open(account, Purpose::Grant)? else { return Ok(None) };
        serde_json::from_slice(&plain).map(Some).map_err(|_| sealed(account, Purpose::Grant))
    }

    /// The OAuth client that an account's consent was given to, where that is not the configured one.
    ///
    /// # Errors
    /// The store failed, or the client does not open.
    pub fn client(&self, account: &AccountName) -> Result<Option<ClientCredentials>, VaultError> {
        let Some(plain) = self.open(account, Purpose::Client)? else { return Ok(None) };
        let text = std::str::from_utf8(&plain).ok().and_then(|text| text.split_once('\n'));
        let (id, secret) = text.ok_or_else(|| sealed(account, Purpose::Client))?;
        Ok(Some(ClientCredentials { id: id.to_owned(), secret: SecretString::from(secret) }))
    }

    /// Stores a consent in the place of any before it. `client`: whom it was given to, if not to the configured client.
    ///
    /// # Errors
    /// The store failed.
    pub async fn store(
        &self,
        account: &AccountName,
        token: &SecretString,
        grant: &Grant,
        client: Option<&ClientCredentials>,
    ) -> Result<(), VaultError> {
        self.change(account, Some(token), Some(grant), Client::Becomes(client)).await
    }

    /// Forgets an account's consent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget(&self, account: &AccountName) -> Result<(), VaultError> {
        let mut batch = Batch::default();
        for purpose in Purpose::ALL {
            batch.delete(Tree::Accounts, key_of(account, purpose));
        }
        Ok(self.store.commit(batch).await?)
    }

    /// Replaces what is given, and leaves the rest.
    pub(super) async fn update(
        &self,
        account: &AccountName,
        token: Option<&SecretString>,
        grant: Option<&Grant>,
    ) -> Result<(), VaultError> {
        self.change(account, token, grant, Client::Stays).await
    }

    async fn change(
        &self,
        account: &AccountName,
        token: Option<&SecretString>,
        grant: Option<&Grant>,
        client: Client<'_>,
    ) -> Result<(), VaultError> {
        let _sealing = self.sealing.lock().await;
        let [Some(cipher), _] = self.ciphers() else { return Ok(()) };
        let mut batch = Batch::default();
        if let Some(token) = token {
            seal(&cipher, &mut batch, account, Purpose::RefreshToken, token.expose_secret().as_bytes())?;
        }
        if let Some(grant) = grant {
            let plain = serde_json::to_vec(grant).map_err(|_| sealed(account, Purpose::Grant))?;
            seal(&cipher, &mut batch, account, Purpose::Grant, &plain)?;
        }
        match client {
            Client::Stays => {}
            Client::Becomes(None) => batch.delete(Tree::Accounts, key_of(account, Purpose::Client)),
            Client::Becomes(Some(client)) => {
                let plain = Zeroizing::new(format!("{}\n{}", client.id, client.secret.expose_secret()));
                seal(&cipher, &mut batch, account, Purpose::Client, plain.as_bytes())?;
            }
        }
        Ok(self.store.commit(batch).await?)
    }

    fn open(
        &self,
        account: &AccountName,
        purpose: Purpose,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let Some(value) = self.store.get(Tree::Accounts, &key_of(account, purpose))? else { return Ok(None) };
        let Some((&format, rest)) = value.split_first() else { return Err(sealed(account, purpose)) };
        if format != FORMAT {
            let (account, purpose) = (account.clone(), purpose.name());
            return Err(VaultError::Version { account, purpose, found: format });
        }
        let Some((nonce, ciphertext)) = rest.split_at_checked(NONCE_LENGTH) else {
            return Err(sealed(account, purpose));
        };
        let bound = binding(account, purpose);
        let payload = Payload { msg: ciphertext, aad: &bound };
        let nonce = XNonce::from_slice(nonce);
        let opened = self.ciphers().into_iter().flatten().find_map(|cipher| {
            let payload = Payload { msg: payload.msg, aad: payload.aad };
            cipher.decrypt(nonce, payload).ok()
        });
        opened.map(|plain| Some(Zeroizing::new(plain))).ok_or_else(|| sealed(account, purpose))
    }
}

fn seal(
    cipher: &XChaCha20Poly1305,
    batch: &mut Batch,
    account: &AccountName,
    purpose: Purpose,
    plain: &[u8],
) -> Result<(), VaultError> {
    // Randomness is an argument everywhere else. A nonce must not be one: a repeated nonce gives the plaintext away.
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let bound = binding(account, purpose);
    let payload = Payload { msg: plain, aad: &bound };
    let ciphertext = cipher.encrypt(&nonce, payload).map_err(|_| sealed(account, purpose))?;
    let mut value = vec![FORMAT];
    value.extend_from_slice(&nonce);
    value.extend_from_slice(&ciphertext);
    batch.put(Tree::Accounts, key_of(account, purpose), value);
    Ok(())
}

impl fmt::Debug for TokenVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVault").finish_non_exhaustive()
    }
}

fn key_of(account: &AccountName, purpose: Purpose) -> Vec<u8> {
    [account.as_str().as_bytes(), b"\0", purpose.name().as_bytes()].concat()
}

fn binding(account: &AccountName, purpose: Purpose) -> Vec<u8> {
    [b"dafater-contactsd vault\0", [FORMAT].as_slice(), &key_of(account, purpose)].concat()
}

fn sealed(account: &AccountName, purpose: Purpose) -> VaultError {
    VaultError::Sealed { account: account.clone(), purpose: purpose.name() }
}

#[cfg(test)]
mod tests;
