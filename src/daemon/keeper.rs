//! The task of one account: looks at each tick whether a cycle is due, and runs it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::heartbeat::Heart;
use super::{LiveAccount, Roster};
use crate::execute::Counts;
use crate::sync::AccountName;

/// Keeps one account in sync until the account leaves the roster, is disabled, or `cancel` is cancelled.
pub(super) struct Keeper {
    pub(super) account: AccountName,
    pub(super) roster: watch::Receiver<Arc<Roster>>,
    pub(super) ticks: watch::Receiver<Timestamp>,
    pub(super) cancel: CancellationToken,
}

impl Keeper {
    /// Runs until there is nothing left to keep. A tick that comes while a cycle runs is not waited for: only the latest counts.
    pub(super) async fn keep(mut self, heart: Heart) {
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return,
                ticked = self.ticks.changed() => if ticked.is_err() { return },
            }
            heart.beat();
            let now = *self.ticks.borrow_and_update();
            let Some(account) = self.account() else { return };
            if account.is_due(now) {
                self.cycle(&account, &heart).await;
            }
        }
    }

    /// The account as it is configured now.
    fn account(&self) -> Option<Arc<LiveAccount>> {
        let roster = self.roster.borrow();
        roster.accounts.get(&self.account).filter(|account| account.settings().enable).cloned()
    }

    /// What this account brought into Dafater may leave to the others. Only where hints are wanted: the site sends none of our own
    /// writes.
    fn wake_the_others(&self) {
        let roster = self.roster.borrow();
        if roster.settings.config.dafater.webhook.is_some() {
            let others = roster.accounts.iter().filter(|(name, _)| **name != self.account);
            others.for_each(|(_, account)| account.wake());
        }
    }

    /// Runs a cycle; the heart goes on beating as long as the cycle leaves the thread now and then.
    async fn cycle(&mut self, account: &LiveAccount, heart: &Heart) {
        let mut cycle = std::pin::pin!(account.cycle_unless_busy());
        loop {
            tokio::select! {
                report = &mut cycle => {
                    if report.is_some_and(|report| report.dafater != Counts::default()) {
                        self.wake_the_others();
                    }
                    return;
                }
                ticked = self.ticks.changed() => if ticked.is_ok() {
                    heart.beat();
                } else {
                    // Nobody ticks any more: the daemon is going, and the cycle ends by its own token.
                    cycle.await;
                    return;
                },
            }
        }
    }
}
