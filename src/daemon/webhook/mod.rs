//! Webhooks of the site: somebody saved a contact, so there may be something to do.
//!
//! ```text
//! site ──POST, signed──> Receiver ──hint──> (a moment, so that a burst is one) ──> every account: run early, once
//! ```
//!
//! Law: a hint and nothing else. The body is read to check its signature and for nothing more, a hint that is lost costs only time, and
//! one that is repeated costs at most a cycle that writes nothing.

mod receiver;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use self::receiver::Receiver;
use super::{Roster, Surroundings};
use crate::config::Webhook;
use crate::observe::events;

/// Listens as the configuration wants it, and wakes the accounts.
pub(super) struct Webhooks {
    pub(super) roster: watch::Receiver<Arc<Roster>>,
    pub(super) surroundings: Surroundings,
    pub(super) cancel: CancellationToken,
}

impl Webhooks {
    /// Listens until `cancel` is cancelled; another configuration is taken over at once.
    pub(super) async fn run(mut self) {
        let cancel = self.cancel.clone();
        loop {
            let wanted = self.roster.borrow_and_update().settings.config.dafater.webhook.clone();
            let roster = self.roster.clone();
            let serving = async {
                match &wanted {
                    None => std::future::pending().await,
                    Some(webhook) => self.surroundings.serve(webhook, &roster).await,
                }
            };
            let mut watching = self.roster.clone();
            let changed = async {
                loop {
                    if watching.changed().await.is_err() {
                        return;
                    }
                    let now = watching.borrow_and_update().settings.config.dafater.webhook.clone();
                    if !is_same(wanted.as_ref(), now.as_ref()) {
                        return;
                    }
                }
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = changed => {}
                () = serving => {}
            }
        }
    }
}

impl Surroundings {
    /// Listens for ever. A port that is in use is tried again now and then, and told once.
    async fn serve(&self, webhook: &Webhook, roster: &watch::Receiver<Arc<Roster>>) {
        let hints = Arc::new(Notify::new());
        let mut is_told = false;
        loop {
            match Receiver::bind(webhook.listen, webhook.secret.clone(), Arc::clone(&hints)).await {
                Ok(receiver) => {
                    events::WebhookListening { address: webhook.listen.to_string() }.emit();
                    tokio::select! {
                        () = receiver.serve() => {}
                        () = wake(&hints, roster) => {}
                    }
                }
                Err(error) => {
                    if !is_told {
                        let (address, reason) = (webhook.listen.to_string(), error.to_string());
                        events::WebhookUnheard { address, reason }.emit();
                    }
                    is_told = true;
                }
            }
            self.clock.sleep(TRY_AGAIN).await;
        }
    }
}

/// Passes hints on to the accounts: a burst is one hint.
async fn wake(hints: &Notify, roster: &watch::Receiver<Arc<Roster>>) {
    loop {
        hints.notified().await;
        tokio::time::sleep(BURST).await;
        let accounts = roster.borrow().accounts.clone();
        for account in accounts.values() {
            account.wake();
        }
    }
}

fn is_same(one: Option<&Webhook>, other: Option<&Webhook>) -> bool {
    let secret = |secret: &SecretString| secret.expose_secret().to_owned();
    let essence = |webhook: &Webhook| (webhook.listen, zeroize::Zeroizing::new(secret(&webhook.secret)));
    one.map(essence) == other.map(essence)
}

/// Saves that come so close to each other are one hint.
const BURST: Duration = Duration::from_millis(500);
/// How often a port that is in use is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
