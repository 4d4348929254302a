//! Keeps track of what the site's user may do: at start, with each configuration, after the site forbade something, and once a day.
//!
//! Law: each degradation is said once, when it is first seen, and its end is said too; what cannot be learnt is no news.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{EngineFactory, Roster};
use crate::observe::events;

/// Asks the site what its user may do, now and then.
pub(super) struct RightsKeeper {
    pub(super) factory: Arc<dyn EngineFactory>,
    pub(super) roster: watch::Receiver<Arc<Roster>>,
    pub(super) cancel: CancellationToken,
}

impl RightsKeeper {
    /// Runs until the daemon stops.
    pub(super) async fn keep(mut self) {
        let mut said = BTreeSet::new();
        loop {
            let settings = Arc::clone(&self.roster.borrow_and_update().settings);
            let cancel = self.cancel.clone();
            let learnt = tokio::select! {
                () = cancel.cancelled() => return,
                learnt = self.factory.rights(&settings) => learnt,
            };
            let again = Instant::now() + if learnt.is_ok() { AFTER_SUCCESS } else { AFTER_FAILURE };
            let forbidden = Instant::now() + AFTER_FORBIDDEN;
            if let Ok(permissions) = learnt {
                tell(&mut said, permissions.degradations());
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep_until(again) => {}
                changed = self.roster.changed() => if changed.is_err() { return },
                () = self.factory.forbidden() => tokio::select! {
                    () = cancel.cancelled() => return,
                    () = sleep_until(forbidden) => {}
                },
            }
            // A reload that changes several things at once is one reason.
            sleep(SETTLE).await;
        }
    }
}

/// Says what is news.
fn tell(said: &mut BTreeSet<String>, degradations: Vec<(String, String)>) {
    let now: BTreeSet<String> = degradations.iter().map(|(right, _)| right.clone()).collect();
    for (right, degrades) in degradations {
        if !said.contains(&right) {
            events::SiteRightMissing { right, degrades }.emit();
        }
    }
    if !said.is_empty() && now.is_empty() {
        events::SiteRightsComplete {}.emit();
    }
    *said = now;
}

const AFTER_SUCCESS: Duration = Duration::from_hours(24);
const AFTER_FAILURE: Duration = Duration::from_mins(5);
/// A user who may not read deletions is refused in each cycle: that is no reason to ask each time.
const AFTER_FORBIDDEN: Duration = Duration::from_hours(1);
const SETTLE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degradation_is_said_once_until_it_ends() {
        let mut said = BTreeSet::new();
        let missing = || vec![("delete Contact".to_owned(), "they stay".to_owned())];
        tell(&mut said, missing());
        tell(&mut said, missing());
        assert_eq!(said.len(), 1);
        tell(&mut said, Vec::new());
        assert!(said.is_empty(), "it may be said again if it comes back");
    }
}
