//! Follows the records: in the daemon each minute, in a command once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::control::Failure;
use crate::daemon::{EngineFactory, LiveAccount, Roster, Settings, Surroundings};
use crate::observe::events;

/// The desk says something new. Answered when the accounts are published.
pub(in crate::daemon) struct News {
    pub(in crate::daemon) desk: Desk,
    pub(in crate::daemon) published: oneshot::Sender<()>,
}

/// Reads the records again and again.
pub(in crate::daemon) struct Follower {
    pub(in crate::daemon) roster: watch::Receiver<Arc<Roster>>,
    pub(in crate::daemon) factory: Arc<dyn EngineFactory>,
    pub(in crate::daemon) news: mpsc::Sender<News>,
    pub(in crate::daemon) surroundings: Surroundings,
    pub(in crate::daemon) cancel: CancellationToken,
}

impl Follower {
    /// Follows until `cancel` is cancelled. Another configuration is followed at once.
    pub(in crate::daemon) async fn follow(mut self) {
        let (mut trouble, cancel) = (None, self.cancel.clone());
        loop {
            let settings = Arc::clone(&self.roster.borrow_and_update().settings);
            if settings.config.dafater.accounts_from_google_contacts {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => return,
                    () = self.look(&settings, &mut trouble) => {}
                }
            }
            let wait = settings.config.dafater.accounts_every.duration();
            let slept = self.surroundings.clock.sleep(wait.max(SHORTEST));
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                changed = self.roster.changed() => if changed.is_err() { return },
                () = slept => {}
            }
        }
    }

    async fn look(&mut self, settings: &Settings, trouble: &mut Option<String>) {
        match self.factory.desk().read(settings, &settings.desk).await {
            Ok(desk) => {
                *trouble = None;
                if desk != *settings.desk {
                    let (published, waiting) = oneshot::channel();
                    if self.news.send(News { desk, published }).await.is_err() || waiting.await.is_err() {
                        return;
                    }
                    // This publication is our own.
                    self.roster.borrow_and_update();
                }
            }
            Err(failure) => {
                let reason = told(&failure);
                if trouble.as_ref() != Some(&reason) {
                    events::DeskUnreadable { reason: reason.clone() }.emit();
                }
                *trouble = Some(reason);
            }
        }
        let roster = Arc::clone(&self.roster.borrow());
        take_over(&roster, self.factory.as_ref()).await;
    }
}

/// The settings with the accounts of the desk, read now; if they cannot be read, those that are remembered.
///
/// # Errors
/// The accounts that come of it cannot be set up.
pub async fn join(settings: Settings, factory: &dyn EngineFactory) -> Result<Settings, Failure> {
    if !settings.config.dafater.accounts_from_google_contacts {
        return Ok(settings);
    }
    let remembered = factory.desk().remembered();
    let reading = factory.desk().read(&settings, &remembered);
    let desk = match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(desk)) => desk,
        Ok(Err(failure)) => {
            events::DeskUnreadable { reason: told(&failure) }.emit();
            remembered
        }
        Err(_) => {
            events::DeskUnreadable {
                reason: format!("the site gave no answer within {} s", PATIENCE.as_secs()),
            }
            .emit();
            remembered
        }
    };
    settings.with_desk(desk)
}

/// Takes over the consents that were given on the site for accounts that wait for one.
pub async fn take_over(roster: &Roster, factory: &dyn EngineFactory) {
    for account in roster.accounts.values().filter(|account| waits_for_consent(account, &roster.settings)) {
        let name = account.settings().name.clone();
        match factory.desk().take_over(account.settings(), &roster.settings).await {
            Ok(true) => {
                events::AuthorizationGranted { account: name }.emit();
                account.consented();
            }
            Ok(false) => {}
            Err(failure) => events::ConsentNotTakenOver { account: name, reason: told(&failure) }.emit(),
        }
    }
}

/// Whether Google does not know the account, and the site may have what it takes.
fn waits_for_consent(account: &LiveAccount, settings: &Settings) -> bool {
    let given = |record: &String| {
        settings.desk.records.iter().any(|known| known.name == *record && known.has_consent)
    };
    account.settings().enable
        && account.settings().record.as_ref().is_some_and(given)
        && account.engine().status().is_ok_and(|status| !status.authorized)
}

fn told(failure: &Failure) -> String {
    let causes = failure.causes.iter().map(crate::control::Finding::line);
    let hint = failure.hint.clone();
    [failure.message.clone()].into_iter().chain(causes).chain(hint).collect::<Vec<_>>().join("; ")
}

/// However short the distance is configured.
const SHORTEST: Duration = Duration::from_secs(1);
/// A command does not wait longer for the records.
const PATIENCE: Duration = Duration::from_secs(20);
