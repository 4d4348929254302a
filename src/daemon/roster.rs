//! The configuration in force and the accounts in service, published together.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{EngineFactory, LiveAccount, Settings, Surroundings};
use crate::control::{Exit, Failure, Finding};
use crate::sync::AccountName;

/// What holds now. A reload publishes another one; whoever works with this one finishes with it.
pub struct Roster {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The accounts, disabled ones included.
    pub accounts: BTreeMap<AccountName, Arc<LiveAccount>>,
    /// When these settings came into force.
    pub since: Timestamp,
    /// Why the last reload was refused, if it was.
    pub refused: Option<Failure>,
}

impl Roster {
    /// Puts the accounts of `settings` into service. What `previous` holds unchanged goes on as it is.
    ///
    /// # Errors
    /// An engine cannot be built; all that cannot are named. Nothing has changed then.
    pub fn open(
        settings: Settings,
        factory: &dyn EngineFactory,
        surroundings: &Surroundings,
        cancel: &CancellationToken,
        previous: Option<&Self>,
    ) -> Result<Self, Failure> {
        let mut engines = Vec::new();
        let mut findings = Vec::new();
        let changes = previous.map(|old| old.settings.changes(&settings)).unwrap_or_default();
        for account in settings.accounts.values() {
            let old = previous.and_then(|roster| roster.accounts.get(&account.name));
            if let Some(old) = old.filter(|_| !changes.shared && !changes.accounts.contains(&account.name)) {
                engines.push((account, Some(old), None));
                continue;
            }
            match factory.build(account, &settings, cancel.clone()) {
                Ok(engine) => engines.push((account, old, Some(engine))),
                Err(reason) => findings.push(Finding {
                    message: reason,
                    place: Some(format!("[accounts.{}]", account.name)),
                    hint: None,
                }),
            }
        }
        if !findings.is_empty() {
            return Err(Failure::new(Exit::Configuration, "an account cannot be set up").findings(findings));
        }
        let accounts = engines
            .into_iter()
            .filter_map(|(account, old, engine)| {
                let live = match (old, engine) {
                    (Some(old), None) => Arc::clone(old),
                    (old, Some(engine)) => Arc::new(LiveAccount::new(
                        account.clone(),
                        engine,
                        surroundings.clone(),
                        old.map(AsRef::as_ref),
                    )),
                    (None, None) => return None,
                };
                Some((account.name.clone(), live))
            })
            .collect();
        let since = surroundings.clock.now();
        Ok(Self { settings: Arc::new(settings), accounts, since, refused: None })
    }

    /// The same accounts, with a note on why a reload was refused.
    #[must_use]
    pub fn refusing(&self, failure: Failure) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            accounts: self.accounts.clone(),
            since: self.since,
            refused: Some(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::{FakeFactory, settings, settings_with, surroundings};

    fn open(settings: Settings, factory: &FakeFactory, previous: Option<&Roster>) -> Result<Roster, Failure> {
        let (surroundings, _) = surroundings("2026-03-01T10:00:00Z");
        Roster::open(settings, factory, &surroundings, &CancellationToken::new(), previous)
    }

    #[test]
    fn an_unchanged_account_keeps_its_engine_and_a_changed_one_gets_another() {
        let factory = FakeFactory::default();
        let old = open(settings(&["sales", "support"]), &factory, None).unwrap();
        let changed = settings_with(&["sales", "support"], &["accounts.sales.conflict=manual"]);
        let new = open(changed, &factory, Some(&old)).unwrap();
        let same = |name: &str| {
            let name = name.parse().unwrap();
            Arc::ptr_eq(&old.accounts[&name], &new.accounts[&name])
        };
        assert!(same("support") && !same("sales"));
    }

    #[test]
    fn what_all_accounts_share_touches_all_of_them() {
        let factory = FakeFactory::default();
        let old = open(settings(&["sales"]), &factory, None).unwrap();
        let moved = settings_with(&["sales"], &["dafater.url=\"https://erp2.example.com\""]);
        let new = open(moved, &factory, Some(&old)).unwrap();
        let name = "sales".parse().unwrap();
        assert!(!Arc::ptr_eq(&old.accounts[&name], &new.accounts[&name]));
    }

    #[test]
    fn an_account_that_cannot_be_set_up_refuses_the_whole_and_is_named() {
        let failure = open(settings(&["sales", "bad"]), &FakeFactory::default(), None).err().unwrap();
        assert_eq!(failure.exit, Exit::Configuration);
        assert!(failure.render().contains("--> [accounts.bad]"), "{}", failure.render());
    }
}
