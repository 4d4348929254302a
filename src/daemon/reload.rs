//! Taking on another configuration: load, check, compare, exchange in one publication.
//!
//! Law: what is refused leaves everything as it was, and says so.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Desk, EngineFactory, Roster, Settings, SettingsSource, Surroundings};
use crate::control::{Exit, Failure};
use crate::observe::events;

/// How a reload ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum ReloadOutcome {
    /// Another configuration is in force.
    Applied {
        /// What changed.
        changed: Vec<String>,
        /// Keys that hold only after a restart.
        restart_needed: Vec<String>,
    },
    /// The configuration is the one that is in force.
    Unchanged,
    /// The previous configuration stays in force.
    Refused {
        /// Why.
        failure: Failure,
    },
}

/// Somebody waits for the outcome of a reload.
pub type ReloadRequest = oneshot::Sender<ReloadOutcome>;

/// The way to ask for a reload.
#[derive(Debug, Clone)]
pub struct Reloads(mpsc::Sender<ReloadRequest>);

impl Reloads {
    /// A way to ask, and where the questions arrive.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<ReloadRequest>) {
        let (sender, receiver) = mpsc::channel(8);
        (Self(sender), receiver)
    }

    /// Asks and waits. `None`: the daemon is stopping.
    pub async fn ask(&self) -> Option<ReloadOutcome> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(sender).await.ok()?;
        receiver.await.ok()
    }
}

/// What a reload works with.
pub(super) struct Reloader {
    pub(super) source: Arc<dyn SettingsSource>,
    pub(super) started_with: Arc<Settings>,
    pub(super) factory: Arc<dyn EngineFactory>,
    pub(super) surroundings: Surroundings,
    pub(super) cancel: CancellationToken,
}

impl Reloader {
    /// Loads, checks and compares. Answers how it ended, and what to publish if anything is to be.
    pub(super) fn reload(&self, current: &Roster) -> (ReloadOutcome, Option<Roster>) {
        let loaded = match self.source.load() {
            Ok(loaded) => loaded,
            Err(failure) => return Self::refuse(current, failure),
        };
        for warning in loaded.warnings {
            let place = warning.place.unwrap_or_default();
            events::ConfigFinding { finding: warning.message, place }.emit();
        }
        // What the desk said last holds on, under the new configuration.
        let settings = match loaded.settings.with_desk(Desk::clone(&current.settings.desk)) {
            Ok(settings) => settings,
            Err(failure) => return Self::refuse(current, failure),
        };
        let changes = current.settings.changes(&settings);
        // Named at each reload until the restart comes.
        let restart_needed = self.started_with.changes(&settings).restart_needed;
        if changes.applied.is_empty() {
            let outcome = if restart_needed.is_empty() {
                events::ReloadUnchanged {}.emit();
                ReloadOutcome::Unchanged
            } else {
                Self::applied(Vec::new(), restart_needed)
            };
            // Whatever was refused before is mended now.
            let mended = current.refused.is_some().then(|| Roster {
                settings: Arc::clone(&current.settings),
                accounts: current.accounts.clone(),
                since: current.since,
                refused: None,
            });
            return (outcome, mended);
        }
        let factory = self.factory.as_ref();
        match Roster::open(settings, factory, &self.surroundings, &self.cancel, Some(current)) {
            Ok(roster) => (Self::applied(changes.applied, restart_needed), Some(roster)),
            Err(failure) => Self::refuse(current, failure),
        }
    }

    /// The configuration in force, with what the desk says now. Answers what to publish, if anything is to be.
    pub(super) fn follow(&self, current: &Roster, desk: Desk) -> Option<Roster> {
        let settings = current.settings.with_desk(desk);
        let opened = settings.and_then(|settings| {
            let changed = current.settings.changes(&settings).applied;
            for remark in settings.remarks.iter().filter(|remark| !current.settings.remarks.contains(remark))
            {
                let place = remark.place.clone().unwrap_or_default();
                events::ConfigFinding { finding: remark.message.clone(), place }.emit();
            }
            let factory = self.factory.as_ref();
            let roster = Roster::open(settings, factory, &self.surroundings, &self.cancel, Some(current))?;
            Ok((Roster { refused: current.refused.clone(), since: current.since, ..roster }, changed))
        });
        match opened {
            Ok((roster, changed)) => {
                if !changed.is_empty() {
                    events::DeskFollowed { changed: changed.join(", "), accounts: roster.accounts.len() }
                        .emit();
                }
                Some(roster)
            }
            Err(failure) => {
                events::DeskUnreadable { reason: failure.render() }.emit();
                None
            }
        }
    }

    fn applied(changed: Vec<String>, restart_needed: Vec<String>) -> ReloadOutcome {
        let event =
            events::ReloadApplied { changed: changed.join(", "), restart_needed: restart_needed.join(", ") };
        event.emit();
        ReloadOutcome::Applied { changed, restart_needed }
    }

    fn refuse(current: &Roster, failure: Failure) -> (ReloadOutcome, Option<Roster>) {
        let failure = Failure {
            message: "reload refused, the previous configuration stays in force".to_owned(),
            exit: Exit::Configuration,
            ..failure
        };
        let findings =
            failure.causes.iter().map(crate::control::Finding::line).collect::<Vec<_>>().join("; ");
        events::ReloadRefused { findings }.emit();
        (ReloadOutcome::Refused { failure: failure.clone() }, Some(current.refusing(failure)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Finding;
    use crate::daemon::testing::{FakeFactory, FakeSource, settings, settings_with, surroundings};

    fn reloader(source: &Arc<FakeSource>) -> (Reloader, Roster) {
        let (surroundings, _) = surroundings("2026-03-01T10:00:00Z");
        let factory = Arc::new(FakeFactory::default());
        let cancel = CancellationToken::new();
        let roster =
            Roster::open(source.load().unwrap().settings, factory.as_ref(), &surroundings, &cancel, None);
        let roster = roster.unwrap();
        let started_with = Arc::clone(&roster.settings);
        (Reloader { source: Arc::clone(source) as _, started_with, factory, surroundings, cancel }, roster)
    }

    #[test]
    fn nothing_new_is_unchanged_and_publishes_nothing() {
        let source = FakeSource::new(settings(&["sales"]));
        let (reloader, roster) = reloader(&source);
        let (outcome, publish) = reloader.reload(&roster);
        assert_eq!(outcome, ReloadOutcome::Unchanged);
        assert!(publish.is_none());
    }

    #[test]
    fn a_refused_configuration_leaves_the_accounts_and_says_where_it_is_wrong() {
        let source = FakeSource::new(settings(&["sales"]));
        let (reloader, roster) = reloader(&source);
        let finding = Finding {
            message: "unknown key `x`".to_owned(),
            place: Some("conf.d/20.toml:7:1".to_owned()),
            hint: None,
        };
        source.set(Err(Failure::new(Exit::Configuration, "refused").findings(vec![finding])));
        let (outcome, publish) = reloader.reload(&roster);
        let ReloadOutcome::Refused { failure } = outcome else { panic!("{outcome:?}") };
        assert_eq!(failure.exit, Exit::Configuration);
        assert!(failure.render().contains("conf.d/20.toml:7:1"));
        let after = publish.unwrap();
        assert!(Arc::ptr_eq(&after.settings, &roster.settings));
        assert!(crate::daemon::sentence::sentence(&after).contains("conf.d/20.toml:7:1: unknown key `x`"));

        source.set(Ok(settings(&["sales"])));
        let (outcome, publish) = reloader.reload(&after);
        assert_eq!(outcome, ReloadOutcome::Unchanged);
        assert_eq!(publish.unwrap().refused, None);
    }

    #[test]
    fn an_account_that_cannot_be_set_up_refuses_the_reload() {
        let source = FakeSource::new(settings(&["sales"]));
        let (reloader, roster) = reloader(&source);
        source.set(Ok(settings(&["sales", "bad"])));
        let (outcome, publish) = reloader.reload(&roster);
        assert!(matches!(outcome, ReloadOutcome::Refused { .. }));
        assert_eq!(publish.unwrap().accounts.len(), 1);
    }

    #[test]
    fn what_needs_a_restart_is_named_until_it_comes() {
        let source = FakeSource::new(settings(&["sales"]));
        let (reloader, roster) = reloader(&source);
        let elsewhere = "store.path=\"/elsewhere\"";
        source.set(Ok(settings_with(&["sales", "support"], &[elsewhere])));
        let (outcome, publish) = reloader.reload(&roster);
        let applied = |changed: &[&str]| ReloadOutcome::Applied {
            changed: changed.iter().map(|key| (*key).to_owned()).collect(),
            restart_needed: vec!["store.path".to_owned()],
        };
        assert_eq!(outcome, applied(&["accounts.support"]));
        let (outcome, _) = reloader.reload(&publish.unwrap());
        assert_eq!(outcome, applied(&[]));
    }
}
