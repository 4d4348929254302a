//! What the shell expects of the parts below it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{AccountSettings, DeskDoor, Settings};
use crate::control::Failure;
use crate::dafater::Permissions;
use crate::execute::Engine;

/// Opens what engines stand on: the store, above all.
pub trait Backend: Send + Sync {
    /// Opens and locks the store, migrates it if need be, and recovers the journal.
    fn open<'a>(&'a self, settings: &'a Settings) -> BoxFuture<'a, Result<Arc<dyn EngineFactory>, Failure>>;

    /// Fills an empty store from the lines of an export. Answers what was imported, as a sentence.
    fn import<'a>(
        &'a self,
        settings: &'a Settings,
        lines: Box<dyn std::io::BufRead + Send>,
    ) -> BoxFuture<'a, Result<String, Failure>>;
}

/// Builds engines on an open store.
pub trait EngineFactory: Send + Sync {
    /// The engine of one account. It ends a cycle between two operations once `cancel` is cancelled.
    ///
    /// # Errors
    /// Why the configuration of this account cannot be used, as a clause. Remotes are not asked.
    fn build(
        &self,
        account: &AccountSettings,
        settings: &Settings,
        cancel: CancellationToken,
    ) -> Result<Arc<dyn Engine>, String>;

    /// How accounts are authorised.
    fn consent(&self) -> &dyn Consent;

    /// What the site's user may do.
    fn rights<'a>(&'a self, settings: &'a Settings) -> BoxFuture<'a, Result<Permissions, Failure>>;

    /// What the site's user was last seen to be allowed to, if that was asked.
    fn known_rights(&self) -> Option<Permissions>;

    /// Waits until the site forbids something.
    fn forbidden(&self) -> BoxFuture<'_, ()>;

    /// The records of the site that are accounts.
    fn desk(&self) -> &dyn DeskDoor;

    /// Gives the lines of a logical export to `take`, until it answers `false`. Blocks.
    ///
    /// # Errors
    /// The store cannot be read.
    fn export(&self, take: &mut dyn FnMut(&str) -> bool) -> Result<(), Failure>;

    /// Reads the whole store and answers what it found, a sentence a line. Blocks.
    ///
    /// # Errors
    /// The store is damaged; the causes say where.
    fn verify(&self) -> Result<Vec<String>, Failure>;

    /// Seals all tokens with `key`, or with a new one. Answers what was done, a sentence a line.
    fn rekey(&self, key: Option<SecretString>) -> BoxFuture<'_, Result<Vec<String>, Failure>>;

    /// Saves what was not worth saving before, and closes the store.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A consent flow that waits for its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The address to open in a browser.
    pub url: String,
    /// The port of this machine to which the browser comes back, if somebody listens there.
    pub port: Option<u16>,
}

/// Gives an account the right to act, and takes it away.
pub trait Consent: Send + Sync {
    /// Starts the flow of `account`. A flow that was started before is forgotten. `listen`: the browser will come back to this port
    /// of this machine (0: a free one), and [`Self::receive`] waits for it.
    fn begin<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
        listen: Option<u16>,
    ) -> BoxFuture<'a, Result<Begun, Failure>>;

    /// Waits, not for ever, until the browser comes back, and stores what it brings. Answers who gave consent.
    fn receive<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>>;

    /// Ends the flow with the address that the browser was sent to. Answers who gave consent.
    fn finish<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
        answer: SecretString,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>>;

    /// Proves a refresh token with one refresh and stores it. Answers who gave consent.
    fn adopt<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
        refresh_token: SecretString,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>>;

    /// Revokes the tokens at Google, as far as it can be reached, and forgets them.
    fn revoke<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<(), Failure>>;
}
