//! Tokens at rest, sealed with XChaCha20-Poly1305.
//!
//! Keys in [`Tree::Accounts`]: the account's name, `0x00`, and the purpose, `refresh_token` or `grant`. Values:
//!
//! ```text
//! byte 0       format, 1
//! bytes 1-24   nonce, random
//! bytes 25-    ciphertext with its 16-byte tag
//! ```
//!
//! INVARIANT: the sealed bytes are bound to their account and purpose, so that a value moved to another key does not open.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, AeadCore as _, OsRng, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::{Grant, VaultKey};
use crate::account::AccountName;
use crate::store::{Batch, Store, StoreError, Tree};

/// Keeps refresh tokens and the record of each consent.
pub struct TokenVault {
    store: Arc<dyn Store>,
    cipher: XChaCha20Poly1305,
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
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh_token",
            Self::Grant => "grant",
        }
    }
}

const FORMAT: u8 = 1;
const NONCE_LENGTH: usize = 24;

impl TokenVault {
    /// A vault in `store`, opened with `key`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: &VaultKey) -> Self {
        Self { store, cipher: XChaCha20Poly1305::new(key.bytes().into()) }
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

    /// Stores a consent in the place of any before it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn store(
        &self,
        account: &AccountName,
        token: &SecretString,
        grant: &Grant,
    ) -> Result<(), VaultError> {
        self.update(account, Some(token), Some(grant)).await
    }

    /// Forgets an account's consent.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget(&self, account: &AccountName) -> Result<(), VaultError> {
        let mut batch = Batch::default();
        for purpose in [Purpose::RefreshToken, Purpose::Grant] {
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
        let mut batch = Batch::default();
        if let Some(token) = token {
            self.seal(&mut batch, account, Purpose::RefreshToken, token.expose_secret().as_bytes())?;
        }
        if let Some(grant) = grant {
            let plain = serde_json::to_vec(grant).map_err(|_| sealed(account, Purpose::Grant))?;
            self.seal(&mut batch, account, Purpose::Grant, &plain)?;
        }
        Ok(self.store.commit(batch).await?)
    }

    fn seal(
        &self,
        batch: &mut Batch,
        account: &AccountName,
        purpose: Purpose,
        plain: &[u8],
    ) -> Result<(), VaultError> {
        // Randomness is an argument everywhere else. A nonce must not be one: a repeated nonce gives the plaintext away.
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let bound = binding(account, purpose);
        let payload = Payload { msg: plain, aad: &bound };
        let ciphertext = self.cipher.encrypt(&nonce, payload).map_err(|_| sealed(account, purpose))?;
        let mut value = vec![FORMAT];
        value.extend_from_slice(&nonce);
        value.extend_from_slice(&ciphertext);
        batch.put(Tree::Accounts, key_of(account, purpose), value);
        Ok(())
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
        match self.cipher.decrypt(XNonce::from_slice(nonce), payload) {
            Ok(plain) => Ok(Some(Zeroizing::new(plain))),
            Err(_) => Err(sealed(account, purpose)),
        }
    }
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
